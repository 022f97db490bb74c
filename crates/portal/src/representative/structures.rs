//! The structures of a representative, and « Rattacher ma structure » (H1).

use crate::answer;
use crate::console::purpose::{missing, refused_at};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::counted;
use crate::who::RepresentativeVisit;
use annuaire_registry::{AuthoritySheet, RegistrationRefusal, RegistrationStop, parse_target, target_text};
use annuaire_workflow::habilitation::{AuthorityState, HabilitationState};
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::http::StatusCode;

/// Address of these pages.
pub(crate) const HABILITATIONS: &str = "/portail/habilitations";

/// A structure of the list.
struct AuthorityLine {
    target: String,
    name: String,
    state: &'static str,
    state_class: &'static str,
    role: &'static str,
    contract: String,
    four_eyes: &'static str,
    managers: String,
}

/// SC60.
#[derive(Template)]
#[template(path = "representative/structures.html")]
struct HabilitationsPage<'a> {
    frame: &'a PortalFrame,
    lines: Vec<AuthorityLine>,
    field: FormField,
    points: Vec<OpenPoint>,
}

/// The state of a structure, in words and as a mark.
pub(crate) fn state_words(state: AuthorityState) -> (&'static str, &'static str) {
    match state {
        AuthorityState::ToVerify => ("À vérifier", "act"),
        AuthorityState::Habilitated => ("Habilitée", "good"),
        AuthorityState::Suspended => ("Suspendue", "bad"),
    }
}

/// A refusal that is told beside the form. A stranger gets a page of refusal.
pub(crate) fn is_told_here(code: MessageCode) -> bool {
    use MessageCode as M;
    matches!(
        code,
        M::EHab02 | M::EHab03 | M::EHab04 | M::EHab05 | M::EHab06 | M::EHab08 | M::EStr02 | M::EGen01 | M::EGen02 | M::EGen03
    )
}

/// The structure of an address, if the person represents it.
pub(crate) async fn represented(visit: &RepresentativeVisit, target: &str) -> Result<AuthoritySheet, PortalFault> {
    let target = parse_target(target).map_err(|_| PortalFault::Nothing)?;
    let all = visit.portal.registration().authorities(&visit.session).await?;
    let refused = || PortalFault::Refused(RegistrationRefusal::plain(MessageCode::EHab01));
    all.into_iter().find(|sheet| sheet.target == target).ok_or_else(refused)
}

fn line(sheet: &AuthoritySheet) -> AuthorityLine {
    let (state, state_class) = state_words(sheet.state);
    let active = sheet.managers.iter().filter(|manager| manager.state == HabilitationState::Active).count();
    AuthorityLine {
        target: target_text(&sheet.target),
        name: format!("{} - {}", sheet.number, sheet.name),
        state,
        state_class,
        role: if sheet.is_representative { "Représentant légal" } else { "Mandataire" },
        contract: sheet.contract.clone(),
        four_eyes: if sheet.four_eyes { "oui" } else { "non" },
        managers: counted(active as u64, "gestionnaire", "gestionnaires"),
    }
}

async fn show(visit: &RepresentativeVisit, field: FormField, points: Vec<OpenPoint>) -> PageAnswer {
    let all = visit.portal.registration().authorities(&visit.session).await?;
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = HabilitationsPage { frame: &visit.frame, lines: all.iter().map(line).collect(), field, points };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

fn number_field(value: &str) -> FormField {
    FormField::text("structure", "N° FINESS ou SIRET de la structure", value, 20).mandatory().numeric()
}

/// `GET /portail/habilitations`
pub(crate) async fn list(visit: RepresentativeVisit) -> PageAnswer {
    show(&visit, number_field(""), Vec::new()).await
}

/// `POST /portail/habilitations`: « Rattacher ma structure ».
pub(crate) async fn attach(visit: RepresentativeVisit, form: PostedForm) -> PageAnswer {
    let typed = form.get("structure");
    let mut field = number_field(typed);
    if typed.is_empty() {
        let point = missing(&mut field);
        return show(&visit, field, vec![point]).await;
    }
    // No means of login names a structure yet: support verifies the contract (H2).
    match visit.portal.registration().attach_structure(&visit.session, typed, false).await {
        Ok(_) => Ok(answer::see_other(&format!("{HABILITATIONS}?fait=rattachee"))),
        Err(RegistrationStop::Refused(refused)) if is_told_here(refused.code) => {
            field.tell(refused.code.as_str(), &refused.text);
            let points = vec![refused_at(field.id, &refused)];
            show(&visit, field, points).await
        }
        Err(stop) => Err(stop.into()),
    }
}
