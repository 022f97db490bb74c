//! Every page, rendered with samples; what it states about itself is compared with a table.

use annuaire_web::{Anyone, Gate, GateSettings, RateRule};
use axum::body::to_bytes;
use axum::http::Request;
use std::fmt::Write;
use std::sync::Arc;

use super::*;
use crate::choices::FormChoices;
use crate::correction::{corrector_of_professional, corrector_of_structure};
use crate::developers::examples::ApiExample;
use crate::developers::form::ApiForm;
use crate::extraction::{Edition, EditionFile, FileGroup};
use crate::frame::PageFrame;
use crate::history::ShownChange;
use crate::page::message::{
    BadHost, Incident, Message, MessagePage, SearchTooWide, TooManyPagesWaiting, TooManyRequests, WithdrawnByLaw,
};
use crate::query::{PageLinks, QueryFields, SearchForm};
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::situation::{PracticeView, SituationView};
use crate::resource::smartcard::SmartcardView;
use crate::sheet::{SheetDates, data_block};
use crate::words::Language;

/// What a page states about itself. A new page adds a line; a changed line is a change of what browsers, proxies and search
/// engines do.
const STATEMENTS: &str = "\
HomePage 200 no-cache listed
SearchPage 200 no-cache unlisted
SearchWithoutCriteriaPage 400 no-cache unlisted
AdvancedPage 200 no-cache listed
PageBeyondLast 404 no-cache unlisted
ProfessionalPage 200 no-cache listed
UnknownProfessional 404 no-cache unlisted
WithdrawnProfessional 410 no-cache unlisted
StructurePage 200 no-cache listed
UnknownStructure 404 no-cache unlisted
NoticesPage 200 no-cache listed
AccessibilityPage 200 no-cache listed
VerifyFormPage 200 no-cache listed
VerifyRefusedPage 400 no-cache unlisted
VerifiedPage 200 no-cache unlisted
NotVerifiedPage 404 no-cache unlisted
ExtractionsPage 200 no-cache listed
UnknownExtraction 404 no-cache unlisted
KeyRequired 401 no-cache unlisted
CredentialRequired 401 no-cache unlisted
OnlyRead 405 no-cache unlisted
UnknownAddress 404 no-cache unlisted
TooManyRequests 429 no-cache unlisted
TooManyPagesWaiting 429 no-cache unlisted
SearchTooWide 400 no-cache unlisted
WithdrawnByLaw 410 no-cache unlisted
BadHost 400 no-cache unlisted
DevelopersPage 200 no-cache listed
AnswerPage 200 no-cache unlisted
AnswerTooLong 200 no-cache unlisted
GuidePage 200 no-cache listed
Incident 500 no-cache unlisted
";

/// Renders samples and writes down what their type states.
struct Samples {
    request: PageRequest,
    statements: String,
}

impl Samples {
    /// The last part of the name of a type, without parameters.
    fn type_name<T>() -> &'static str {
        let name = std::any::type_name::<T>();
        let name = name.split('<').next().unwrap();
        name.rsplit("::").next().unwrap()
    }

    /// A frame whose warning shows in every other sample.
    fn frame(fictional: bool) -> PageFrame {
        PageFrame {
            root: "/sante".to_owned(),
            stylesheet: "/sante/annuaire.0.css".to_owned(),
            script: "/sante/annuaire.0.js".to_owned(),
            icon: "/sante/annuaire.0.svg".to_owned(),
            canonical: "https://annuaire.example/sante/essai".to_owned(),
            language: if fictional { Language::French } else { Language::English },
            other_language: if fictional { String::new() } else { "/sante/essai".to_owned() },
            is_indexed: true,
            has_portal: fictional,
            fictional,
            extractions: fictional,
        }
    }

    async fn page<P: Page>(&mut self, samples: impl IntoIterator<Item = P>) {
        self.named(Self::type_name::<P>(), samples).await;
    }

    async fn message<M: Message>(&mut self, message: M) {
        self.named(Self::type_name::<M>(), [MessagePage { frame: Self::frame(true), message }]).await;
    }

    async fn named<P: Page>(&mut self, name: &str, samples: impl IntoIterator<Item = P>) {
        let cache = P::CACHE.header().unwrap_or("-");
        let listed = if P::INDEXING == Indexing::Listed { "listed" } else { "unlisted" };
        writeln!(self.statements, "{name} {} {cache} {listed}", P::STATUS.as_u16()).unwrap();
        for sample in samples {
            self.check(name, &sample).await;
        }
    }

    /// The response is what the type states, and the document is one that every browser and screen reader understands.
    async fn check<P: Page>(&self, name: &str, sample: &P) {
        let response = respond(&self.request, sample);
        assert_eq!(response.status(), P::STATUS, "{name}");
        let headers = response.headers().clone();
        assert_eq!(headers.get(header::CACHE_CONTROL).map(|v| v.to_str().unwrap()), P::CACHE.header(), "{name}");
        assert_eq!(headers[header::CONTENT_TYPE], "text/html;charset=UTF-8", "{name}");
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], CONTENT_SECURITY_POLICY, "{name}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{name}");
        let html = String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap();
        assert_eq!(headers.contains_key("x-robots-tag"), html.contains("<meta name=\"robots\" content=\"noindex\">"), "{name}");
        assert_eq!(headers.contains_key("x-robots-tag"), !sample.is_listed(), "{name}");
        let is_french = html.starts_with("<!DOCTYPE html>\n<html lang=\"fr\">");
        assert!(is_french || html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{name}: {html}");
        assert_eq!(is_french, !html.contains("hreflang=\"fr\">Français</a>"), "{name}");
        assert_eq!(html.matches("<h1>").count(), 1, "{name}: {html}");
        assert!(!sample.title().is_empty() && html.contains(" — Annuaire santé</title>"), "{name}: {html}");
        for address in html.split("href=\"").chain(html.split("action=\"")).skip(1).filter(|a| a.starts_with('/')) {
            assert!(address.starts_with("/sante/"), "{name}: {}", &address[..20]);
        }
        // Names in samples hold signs that HTML gives a meaning to.
        assert!(!html.contains("<i>") && !html.contains("&<"), "{name}: {html}");
        assert_eq!(
            html.contains("<link rel=\"canonical\" href=\"https://annuaire.example/sante/essai"),
            sample.is_listed(),
            "{name}"
        );
        for attribute in ["src=\"", "href=\""] {
            for address in html.split(attribute).skip(1).filter(|a| a.starts_with('/')) {
                assert!(address.starts_with("/sante/"), "{name}: {}", &address[..20]);
            }
        }
        // Nothing that the policy of pages refuses: no style and no script within the page but blocks of data.
        assert!(!html.contains("style=\"") && !html.contains("<style") && !html.contains(" onclick"), "{name}");
        assert_eq!(html.matches("<script").count(), 1 + html.matches("<script type=\"application/ld+json\">{").count(), "{name}");
        assert_eq!(html.contains("rel=\"alternate\" type=\"application/fhir+json\""), !sample.fhir_path().is_empty(), "{name}");
    }
}

fn practice() -> PracticeView {
    let place = OrganizationView { technical_id: "F990000001".to_owned(), name: "CABINET <i>".to_owned(), ..Default::default() };
    PracticeView {
        practitioner: PractitionerView {
            national_id: "810999000001".to_owned(),
            name: "Dr Anne D’ESSAI <i>".to_owned(),
            profession: "Médecin".to_owned(),
            skills: vec!["Cardiologie & angiologie".to_owned()],
            cards: vec![SmartcardView { number: "1".to_owned(), end: "2026-10-31".to_owned(), ..Default::default() }],
            ..Default::default()
        },
        situations: vec![
            SituationView { labels: vec!["Libéral".to_owned()], place: Some(place) },
            SituationView { labels: Vec::new(), place: None },
        ],
    }
}

#[tokio::test]
async fn every_page_renders_its_samples_and_keeps_its_statements() {
    let gate = Gate::new(GateSettings::new([1; 32], Arc::new(|| 0)));
    let client = gate.arrive::<Anyone>(&mut Request::new(()).into_parts().0, RateRule::Exempt).await.0.client;
    let request = PageRequest {
        client,
        id: "essai-1".to_owned(),
        route: "pages.essai",
        root: "/sante".to_owned(),
        base: "https://annuaire.example/sante".to_owned(),
        path: "/essai".to_owned(),
        language: Language::French,
    };
    let mut samples = Samples { request, statements: String::new() };

    let choices = FormChoices {
        professions: vec![("10".to_owned(), "Médecin".to_owned())],
        places: vec!["29200 Brest".to_owned()],
        ..FormChoices::default()
    };
    let form =
        || SearchForm::new(&QueryFields::parse(Some("q=%3Ci%3E%26%3C&nom=%3Ci%3E&metier=Cardiologue&profession=10")), &choices);
    let links = || PageLinks { previous: "/sante/x?page=1".to_owned(), next: "/sante/x?page=3".to_owned() };
    let changes = || vec![ShownChange { day: "01/11/2026".to_owned(), description: "Exercice : <i>".to_owned() }];
    let structure = || OrganizationView {
        technical_id: "F990000001".to_owned(),
        name: "CENTRE <i>".to_owned(),
        address: vec!["1 rue d’Essai".to_owned()],
        identifiers: vec![("SIRET", "99900000000001".to_owned())],
        kinds: vec!["Entité juridique".to_owned()],
        active: true,
        ..Default::default()
    };

    let home = |fictional, updated: &str| home::HomePage {
        frame: Samples::frame(fictional),
        form: form(),
        professionals: "2".to_owned(),
        structures: "1".to_owned(),
        updated: updated.to_owned(),
    };
    samples.page([home(true, "01/11/2026"), home(false, "")]).await;
    let link = |text: &str| ("/sante/recherche?q=%3Ci%3E".to_owned(), text.to_owned());
    let search_page = |blocks, others, links| search::SearchPage {
        frame: Samples::frame(true),
        form: form(),
        summary: "1 professionnel trouvé".to_owned(),
        understood: vec!["Compris : nom « <i> ».".to_owned()],
        exactly: Some(link("Chercher exactement « <i> »")),
        chips: vec![("Où : <i>".to_owned(), "/sante/recherche?q=x".to_owned())],
        facets: vec![("Médecin", "1".to_owned(), "/sante/recherche?metier=x".to_owned())],
        blocks,
        others,
        links,
    };
    let block = |people, structures| search::ResultBlock {
        heading: "Professionnels",
        people,
        structures,
        all: Some(link("Voir les 21 professionnels")),
    };
    let found = vec![block(vec![practice()], Vec::new()), block(Vec::new(), vec![structure()])];
    samples
        .page([search_page(found, Vec::new(), links()), search_page(Vec::new(), vec![link("Partout (2)")], PageLinks::default())])
        .await;
    let without =
        |typed: &str| search::SearchWithoutCriteriaPage { frame: Samples::frame(false), form: form(), typed: typed.to_owned() };
    samples.page([without(""), without("<-&")]).await;
    samples.page([search::AdvancedPage { frame: Samples::frame(true), form: form() }]).await;
    samples.message(search::PageBeyondLast).await;
    let professional = |practices, changes, rpps: &str| professional::ProfessionalPage {
        frame: Samples::frame(false),
        name: "Dr Anne D’ESSAI <i>".to_owned(),
        national_id: "810999000001".to_owned(),
        rpps: rpps.to_owned(),
        practices,
        changes,
        dates: SheetDates { authority: String::new(), delivery: "1er novembre 2026".to_owned(), ..Default::default() },
        today: "2026-11-01".to_owned(),
        corrector: corrector_of_professional("CNOM", ""),
        data_block: data_block(&serde_json::json!({"name": "<i>"})),
        fhir_path: "/fhir/v2/Practitioner?identifier=810999000001".to_owned(),
    };
    samples.page([professional(vec![practice()], changes(), "10999000001"), professional(Vec::new(), Vec::new(), "")]).await;
    samples.message(professional::UnknownProfessional).await;
    samples.message(professional::WithdrawnProfessional { since: "01/11/2026".to_owned() }).await;
    let person = || structure::PersonThere { practitioner: practice().practitioner, labels: "Libéral".to_owned() };
    let structure_page = |active, people: Vec<_>| structure::StructurePage {
        frame: Samples::frame(true),
        structure: OrganizationView { active, ..structure() },
        parent: Some(structure()).filter(|_| active),
        parts: vec![structure()],
        people_total: people.len(),
        people,
        activities: vec!["Chirurgie & <i>".to_owned()],
        changes: changes(),
        links: links(),
        title: "CENTRE <i>".to_owned(),
        dates: SheetDates { authority: "1er novembre 2026".to_owned(), ..Default::default() },
        corrector: corrector_of_structure(""),
        data_block: data_block(&serde_json::json!({"name": "<i>"})),
        fhir_path: "/fhir/v2/Organization/001-F990000001".to_owned(),
    };
    samples.page([structure_page(true, vec![person()]), structure_page(false, Vec::new())]).await;
    samples.message(structure::UnknownStructure).await;
    let notices = || notices::NoticesPage {
        frame: Samples::frame(true),
        operator: "Agence <i>".to_owned(),
        notices: crate::LegalNotices { contact: "<i>".to_owned(), ..Default::default() },
        updated: "01/11/2026".to_owned(),
    };
    samples.page([notices()]).await;
    let accessibility = |contact: &str| accessibility::AccessibilityPage {
        frame: Samples::frame(true),
        operator: "Agence <i>".to_owned(),
        contact: contact.to_owned(),
    };
    samples.page([accessibility("<i>"), accessibility("")]).await;
    samples.page([verify::VerifyFormPage { frame: Samples::frame(true) }]).await;
    samples.page([verify::VerifyRefusedPage { frame: Samples::frame(true), typed: "<i>".to_owned(), problem: "Faux." }]).await;
    let verified = |practices| verify::VerifiedPage {
        frame: Samples::frame(true),
        number: "10999000014".to_owned(),
        name: "Dr Anne D’ESSAI <i>".to_owned(),
        national_id: "810999000014".to_owned(),
        practices,
        dates: SheetDates { authority: "1er novembre 2026".to_owned(), ..Default::default() },
        moment: verify::CheckMoment::default(),
        corrector: corrector_of_professional("", ""),
    };
    samples.page([verified(vec![practice()]), verified(vec![PracticeView::default()])]).await;
    let moment = verify::CheckMoment::default();
    let (finding, left) = ("Aucun <i>.", "1er novembre 2026".to_owned());
    samples.page([verify::NotVerifiedPage { frame: Samples::frame(true), number: String::new(), finding, left, moment }]).await;
    let file = |name: &str, group| EditionFile {
        name: name.to_owned(),
        stable: name.to_owned(),
        group,
        lines: Some(2),
        bytes: 1_500,
        sha256: "00".repeat(32),
    };
    let edition = Edition {
        edition: "202611260330".to_owned(),
        since_edition: Some("202611250330".to_owned()),
        withdrawn: vec!["PP:810999000001".to_owned()],
        files: vec![
            file("PS_LibreAcces_202611260001.zip", FileGroup::National),
            file("views/<i>.csv", FileGroup::Table),
            file("delta/a.txt", FileGroup::Difference),
        ],
        ..Edition::default()
    };
    let extractions = |count| extractions::ExtractionsPage {
        frame: Samples::frame(true),
        address: "https://annuaire.example/sante/extractions".to_owned(),
        editions: vec![&edition; count].into_iter().map(|e| extractions::EditionView::new(e, "/sante/extractions")).collect(),
    };
    samples.page([extractions(0), extractions(1), extractions(3)]).await;
    samples.message(extractions::UnknownExtraction).await;
    samples.message(extractions::KeyRequired).await;
    samples.message(extractions::CredentialRequired).await;
    samples.message(extractions::OnlyRead).await;
    samples.message(missing::UnknownAddress).await;
    samples.message(TooManyRequests { seconds: 1 }).await;
    samples.message(TooManyPagesWaiting).await;
    samples.message(SearchTooWide).await;
    samples.message(WithdrawnByLaw).await;
    samples.message(BadHost).await;
    let section = |ty: &'static str, examples| developers::ResourceSection {
        ty,
        french: "Une structure",
        english: "A structure",
        total: "1".to_owned(),
        examples,
        form: ApiForm::of(ty, "name:contains=%3Ci%3E&bogus=%22%3Ci%3E"),
    };
    let example = ApiExample { path: "Organization?name=a&_count=1".to_owned(), words: "Chercher" };
    let developers = |full: bool| developers::DevelopersPage {
        frame: Samples::frame(full),
        base: "https://annuaire.example/sante/fhir/v2".to_owned(),
        asks_for_keys: full,
        contact: if full { "api@annuaire.example".to_owned() } else { String::new() },
        contact_link: "mailto:api@annuaire.example".to_owned(),
        updated: if full { "01/11/2026".to_owned() } else { String::new() },
        tx: 1,
        resources: vec![section("Organization", vec![example.clone()]), section("Device", Vec::new())],
    };
    samples.page([developers(true), developers(false)]).await;
    let url = "https://annuaire.example/sante/fhir/v2/Device?model=<i>";
    let answer = |form| answer::AnswerPage {
        frame: Samples::frame(true),
        title: "Device <i>".to_owned(),
        status: StatusCode::OK,
        url: url.to_owned(),
        curl: format!("curl '{url}'"),
        raw: format!("{url}&_format=json"),
        json: "{}".to_owned(),
        form,
    };
    samples.page([answer(None), answer(Some(ApiForm::of("Device", "model=%3Ci%3E")))]).await;
    samples.page([answer::AnswerTooLong { frame: Samples::frame(false), raw: url.to_owned() }]).await;
    let base = "https://annuaire.test/sante/fhir/v2";
    let guides = [guide::GuidePage::french(Samples::frame(true), base), guide::GuidePage::english(Samples::frame(false), base)];
    assert!(guides.iter().all(|guide| guide.document.html.contains(base) && guide.document.html.contains("<table>")));
    samples.page(guides).await;
    samples.message(Incident { id: "essai-1".to_owned() }).await;
    assert_eq!(samples.statements, STATEMENTS);
}

/// The table above has a line for each type that implements `Page` or `Message`.
#[test]
fn no_page_is_without_a_sample() {
    let sources = [
        include_str!("answer.rs"),
        include_str!("developers.rs"),
        include_str!("extractions.rs"),
        include_str!("guide.rs"),
        include_str!("home.rs"),
        include_str!("message.rs"),
        include_str!("missing.rs"),
        include_str!("notices.rs"),
        include_str!("professional.rs"),
        include_str!("search.rs"),
        include_str!("structure.rs"),
        include_str!("accessibility.rs"),
        include_str!("verify.rs"),
    ];
    let mut implemented: Vec<&str> = sources
        .iter()
        .flat_map(|source| source.lines())
        .filter_map(|line| line.strip_prefix("impl Page for ").or_else(|| line.strip_prefix("impl Message for ")))
        .map(|rest| rest.split([' ', '<']).next().unwrap())
        .collect();
    let mut stated: Vec<&str> = STATEMENTS.lines().map(|line| line.split(' ').next().unwrap()).collect();
    implemented.sort_unstable();
    stated.sort_unstable();
    assert_eq!(implemented, stated);
}

/// Files beside the pages state their cache policy too.
#[test]
fn files_state_their_cache_policy() {
    assert_eq!(robots::CACHE.header(), None);
    assert_eq!(sitemap::CACHE.header(), Some("no-cache"));
    assert_eq!(contact_card::CACHE.header(), Some("no-cache"));
    assert_eq!(asset::CACHE.header(), Some("public, max-age=31536000, immutable"));
    assert_eq!(stylesheet::CACHE.header(), Some("public, max-age=31536000, immutable"));
}
