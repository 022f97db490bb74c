//! The permanent page of a professional: all practices of one person, with their places and recent changes.

use std::borrow::Cow;
use std::sync::Arc;

use annuaire_base::date::iso_day;
use annuaire_fhir::systems::IDNPS;
use annuaire_index::{Error, Row, Snapshot};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::message::{Message, WithdrawnByLaw, respond_with};
use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::frame::PageFrame;
use crate::french::french_day;
use crate::history::{FollowedResource, ShownChange, recent_changes};
use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::resource::situation::PracticeView;
use crate::schema::{PRACTITIONER, PRACTITIONER_ROLE, practitioner, referring_to, role, with_code_of};
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;
use crate::withdrawn::professional_is_withdrawn;

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
    /// Day of the last change of a practice.
    pub updated: String,
    pub fhir_path: String,
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

/// `GET /professionnel/{national id}`
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, Path(national_id): Path<String>) -> Response {
    in_turn(site, visit, move |site, visit| professional_page(site, visit, &national_id)).await
}

fn professional_page(site: &Site, visit: &Visit, national_id: &str) -> PageResult {
    let snapshot = site.snapshot(visit.pass)?;
    let rows = snapshot.search(PRACTITIONER, &with_code_of(practitioner::IDENTIFIER, IDNPS, national_id))?;
    let mut practices: Vec<PractitionerView> = Vec::new();
    let mut last_change_ms = None;
    for row in rows.iter().map(Row::new) {
        let version = snapshot.read(row)?;
        last_change_ms = last_change_ms.max(Some(version.last_updated_ms));
        practices.push(PractitionerView::of_json(&shown_json(&version)));
    }
    let Some(last_change_ms) = last_change_ms else {
        return Ok(match professional_is_withdrawn(&snapshot, national_id)? {
            true => respond_with(site, &visit.request, WithdrawnByLaw),
            false => respond_with(site, &visit.request, UnknownProfessional),
        });
    };
    let updated = french_day(&iso_day(last_change_ms));
    practices.retain(|practice| practice.active);
    let Some(first) = practices.first() else {
        return Ok(respond_with(site, &visit.request, WithdrawnProfessional { since: updated }));
    };
    let now_ms = site.settings.gate.now() / 1_000;
    let (name, national_id, rpps) = (first.name.clone(), first.national_id.clone(), first.rpps.clone());
    let page = ProfessionalPage {
        frame: PageFrame::new(site, &visit.request),
        name,
        rpps,
        changes: recent_changes(&snapshot, now_ms, &practices_and_roles(&snapshot, &practices)?)?,
        practices: practices.into_iter().map(|p| PracticeView::with_situations(&snapshot, p)).collect::<Result<_, _>>()?,
        updated,
        fhir_path: format!("/fhir/v2/Practitioner?identifier={national_id}&_revinclude=PractitionerRole:practitioner"),
        national_id,
    };
    Ok(respond(&visit.request, &page))
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
