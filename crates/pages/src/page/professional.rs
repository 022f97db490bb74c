//! The permanent page of a professional: who it is, where to call and to go, and, folded, the rest of what is published.

use std::borrow::Cow;
use std::sync::Arc;

use annuaire_base::date::iso_day;
use annuaire_index::{Error, Row, Snapshot};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::message::{Message, WithdrawnByLaw, respond_with};
use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::correction::{DataCorrector, corrector_of_professional};
use crate::frame::PageFrame;
use crate::french::french_day;
use crate::history::{FollowedResource, ShownChange, recent_changes};
use crate::person::{PersonFound, PractisingPerson};
use crate::query::encoded;
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::situation::PracticeView;
use crate::schema::{PRACTITIONER, PRACTITIONER_ROLE, referring_to, role};
use crate::sheet::{SheetDates, data_block};
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// The page of a professional.
#[derive(Template)]
#[template(path = "professional.html")]
pub(crate) struct ProfessionalPage {
    pub frame: PageFrame,
    pub name: String,
    pub national_id: String,
    /// Empty for somebody registered under another number.
    pub rpps: String,
    pub practices: Vec<PracticeView>,
    pub changes: Vec<ShownChange>,
    pub dates: SheetDates,
    /// ISO day in Paris, with which the end of a card is compared.
    pub today: String,
    pub corrector: DataCorrector,
    pub fhir_path: String,
    /// Facts for search engines.
    pub data_block: String,
}

impl Page for ProfessionalPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        &self.name
    }

    fn fhir_path(&self) -> &str {
        &self.fhir_path
    }
}

impl ProfessionalPage {
    /// Path of what belongs to this page, below the prefix of a proxy.
    fn own_path(&self) -> String {
        format!("{}/professionnel/{}", self.frame.root, encoded(&self.national_id))
    }
}

/// `GET /professionnel/{national id}`
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, Path(national_id): Path<String>) -> Response {
    in_turn(site, visit, move |site, visit| professional_page(site, visit, &national_id)).await
}

fn professional_page(site: &Site, visit: &Visit, national_id: &str) -> PageResult {
    let snapshot = site.snapshot(visit.pass)?;
    let person = match practising(site, visit, &snapshot, national_id)? {
        Ok(person) => person,
        Err(message) => return Ok(message),
    };
    let now_ms = site.settings.gate.now() / 1_000;
    let first = &person.practices[0];
    let (name, national_id, rpps) = (first.name.clone(), first.national_id.clone(), first.rpps.clone());
    let corrector = corrector_of_professional(&first.trace.authority, &first.profession_code);
    let frame = PageFrame::translated(site, &visit.request, &[]);
    let changes = recent_changes(&snapshot, now_ms, &practices_and_roles(&snapshot, &person.practices)?)?;
    let dates = SheetDates::new(&snapshot, frame.language, &person.authority_day(), (person.changed_ms, person.changed_tx));
    let practices = person.with_situations(&snapshot)?;
    let page = ProfessionalPage {
        data_block: data_block(&facts(&frame.canonical, &practices)),
        frame,
        name,
        rpps,
        changes,
        practices,
        dates,
        today: iso_day(now_ms),
        corrector,
        fhir_path: format!("/fhir/v2/Practitioner?identifier={national_id}&_revinclude=PractitionerRole:practitioner"),
        national_id,
    };
    Ok(respond(&visit.request, &page))
}

/// Somebody who practises, or the message that nobody does under this number.
pub(crate) fn practising(
    site: &Site,
    visit: &Visit,
    snapshot: &Snapshot,
    national_id: &str,
) -> Result<Result<PractisingPerson, Response>, Error> {
    Ok(match PersonFound::by_national_id(snapshot, national_id)? {
        PersonFound::Practising(person) => Ok(person),
        PersonFound::Nobody => Err(respond_with(site, &visit.request, UnknownProfessional)),
        PersonFound::WithdrawnByLaw => Err(respond_with(site, &visit.request, WithdrawnByLaw)),
        PersonFound::Left { since_ms } => {
            let since = french_day(&iso_day(since_ms));
            Err(respond_with(site, &visit.request, WithdrawnProfessional { since }))
        }
    })
}

/// The person in the words of schema.org.
fn facts(address: &str, practices: &[PracticeView]) -> Value {
    let first = practices.first().map(|practice| &practice.practitioner);
    let jobs: Vec<&str> = practices.iter().map(|practice| practice.practitioner.profession.as_str()).collect();
    let places = practices.iter().flat_map(|practice| &practice.situations).filter_map(|situation| situation.place.as_ref());
    json!({
        "@context": "https://schema.org",
        "@type": "Person",
        "@id": address,
        "url": address,
        "name": first.map_or("", |first| &first.name),
        "givenName": first.map_or("", |first| &first.given),
        "familyName": first.map_or("", |first| &first.family),
        "jobTitle": jobs,
        "workLocation": places.map(place_facts).collect::<Vec<_>>(),
    })
}

/// A place of practice in the words of schema.org.
pub(crate) fn place_facts(place: &OrganizationView) -> Value {
    json!({
        "@type": "Place",
        "name": place.name,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": place.street.join(", "),
            "postalCode": place.postal_code,
            "addressLocality": place.city,
        },
        "telephone": place.phones().map(|phone| phone.value.replace('\u{a0}', " ")).collect::<Vec<_>>(),
    })
}

/// The resources whose changes the page lists: practices, and their situations, active or ended.
fn practices_and_roles(snapshot: &Snapshot, practices: &[PractitionerView]) -> Result<Vec<FollowedResource>, Error> {
    let mut followed = Vec::new();
    for practice in practices {
        followed.push(FollowedResource { ty: PRACTITIONER, id: practice.id.clone(), noun: "Exercice" });
        let of_practice = referring_to(role::PRACTITIONER, &format!("Practitioner/{}", practice.id));
        for row in snapshot.search(PRACTITIONER_ROLE, &of_practice)?.iter().map(Row::new) {
            followed.push(FollowedResource { ty: PRACTITIONER_ROLE, id: snapshot.read(row)?.id().to_owned(), noun: "Activité" });
        }
    }
    Ok(followed)
}

/// Nobody was published under this number.
pub(crate) struct UnknownProfessional;

impl Message for UnknownProfessional {
    const STATUS: StatusCode = StatusCode::NOT_FOUND;
    const HEADING: &'static str = "Professionnel inconnu";

    fn text(&self) -> Cow<'static, str> {
        "Aucun professionnel n’est publié sous ce numéro. Vérifiez l’adresse ou lancez une recherche.".into()
    }
}

/// All practices of this person ended.
pub(crate) struct WithdrawnProfessional {
    /// Day of the last change.
    pub since: String,
}

impl Message for WithdrawnProfessional {
    const STATUS: StatusCode = StatusCode::GONE;
    const HEADING: &'static str = "Ce professionnel n’est plus publié";

    fn text(&self) -> Cow<'static, str> {
        format!("Ses données ont été retirées de l’annuaire le {}.", self.since).into()
    }
}
