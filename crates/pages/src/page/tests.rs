//! Every page, rendered with samples; what it states about itself is compared with a table.

use annuaire_web::{Anyone, Gate, GateSettings, RateRule};
use axum::body::to_bytes;
use axum::http::Request;
use std::fmt::Write;
use std::sync::Arc;

use super::*;
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
use crate::search::FormChoices;

/// What a page states about itself. A new page adds a line; a changed line is a change of what browsers, proxies and search
/// engines do.
const STATEMENTS: &str = "\
HomePage 200 no-cache listed
PeoplePage 200 no-cache unlisted
PeopleWithoutCriteriaPage 400 no-cache unlisted
StructuresPage 200 no-cache unlisted
ProfessionalPage 200 no-cache listed
UnknownProfessional 404 no-cache unlisted
WithdrawnProfessional 410 no-cache unlisted
StructurePage 200 no-cache listed
UnknownStructure 404 no-cache unlisted
NoticesPage 200 no-cache listed
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
        PageFrame { root: "/sante".to_owned(), stylesheet: "/sante/annuaire.0.css".to_owned(), fictional, extractions: fictional }
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
        assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"fr\">"), "{name}: {html}");
        assert_eq!(html.matches("<h1>").count(), 1, "{name}: {html}");
        assert!(!sample.title().is_empty() && html.contains(" — Annuaire santé</title>"), "{name}: {html}");
        for address in html.split("href=\"").chain(html.split("action=\"")).skip(1).filter(|a| a.starts_with('/')) {
            assert!(address.starts_with("/sante/"), "{name}: {}", &address[..20]);
        }
        // Names in samples hold signs that HTML gives a meaning to.
        assert!(!html.contains("<i>") && !html.contains("&<"), "{name}: {html}");
        assert_eq!(html.contains("rel=\"alternate\""), !sample.fhir_path().is_empty(), "{name}");
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
            cards: vec!["CPS n° 1".to_owned()],
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
    let request = PageRequest { client, id: "essai-1".to_owned(), route: "pages.essai", root: "/sante".to_owned() };
    let mut samples = Samples { request, statements: String::new() };

    let choices = FormChoices { professions: vec![("10".to_owned(), "Médecin".to_owned())], specialties: Vec::new() };
    let form = || SearchForm::new(&QueryFields::parse(Some("nom=%3Ci%3E%26%3C&profession=10")), &choices);
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
    let people = |results, links| people::PeoplePage {
        frame: Samples::frame(true),
        form: form(),
        results,
        summary: "1 résultat".to_owned(),
        links,
    };
    samples.page([people(vec![practice()], links()), people(Vec::new(), PageLinks::default())]).await;
    samples.page([people::PeopleWithoutCriteriaPage { frame: Samples::frame(false), form: form() }]).await;
    let structures = |results, summary: &str| structures::StructuresPage {
        frame: Samples::frame(true),
        form: form(),
        results,
        summary: summary.to_owned(),
        links: links(),
    };
    samples.page([structures(vec![structure()], "1 structure trouvée"), structures(Vec::new(), "")]).await;
    let professional = |practices, changes, rpps: &str| professional::ProfessionalPage {
        frame: Samples::frame(false),
        name: "Dr Anne D’ESSAI <i>".to_owned(),
        national_id: "810999000001".to_owned(),
        rpps: rpps.to_owned(),
        practices,
        changes,
        updated: "01/11/2026".to_owned(),
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
        updated: "01/11/2026".to_owned(),
        fhir_path: "/fhir/v2/Organization/001-F990000001".to_owned(),
    };
    samples.page([structure_page(true, vec![person()]), structure_page(false, Vec::new())]).await;
    samples.message(structure::UnknownStructure).await;
    let notices = || notices::NoticesPage {
        frame: Samples::frame(true),
        operator: "Agence <i>".to_owned(),
        updated: "01/11/2026".to_owned(),
    };
    samples.page([notices()]).await;
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
        include_str!("people.rs"),
        include_str!("professional.rs"),
        include_str!("structure.rs"),
        include_str!("structures.rs"),
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
    assert_eq!(stylesheet::CACHE.header(), Some("public, max-age=31536000, immutable"));
}
