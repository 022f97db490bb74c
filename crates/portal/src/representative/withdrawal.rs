//! « Supprimer » a manager or a mandataire: a page asks before.

use crate::answer;
use crate::fault::{PageAnswer, PortalFault};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::representative::structures::{HABILITATIONS, represented};
use crate::who::RepresentativeVisit;
use annuaire_registry::{AuthoritySheet, target_text};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// The page that asks.
#[derive(Template)]
#[template(path = "representative/withdrawal.html")]
struct WithdrawalPage<'a> {
    frame: &'a PortalFrame,
    title: &'static str,
    text: String,
    back: String,
}

/// Whom an address means: managers below `gestionnaires`, mandataires below `mandataires`.
fn name_in(sheet: &AuthoritySheet, list: &str, person: &str) -> Option<String> {
    match list {
        "gestionnaires" => sheet.managers.iter().find(|m| m.manager == person).map(|m| m.name.clone()),
        "mandataires" => sheet.mandataires.iter().find(|m| m.mandataire == person).map(|m| m.name.clone()),
        _ => None,
    }
}

/// `GET /portail/habilitations/{cible}/{liste}/{personne}/supprimer`
pub(crate) async fn before(
    visit: RepresentativeVisit,
    Path((target, list, person)): Path<(String, String, String)>,
) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    let name = name_in(&sheet, &list, &person).ok_or(PortalFault::Nothing)?;
    let (title, text) = if list == "gestionnaires" {
        let text = format!(
            "Supprimer l'habilitation de {name} pour {} ? Elle prend fin aussitôt. Sans autre gestionnaire, les demandes ouvertes sont \
             suspendues jusqu'à la prochaine habilitation.",
            sheet.name
        );
        ("Supprimer une habilitation", text)
    } else {
        ("Supprimer un mandataire", format!("Supprimer le mandat de {name} pour {} ? Il prend fin aussitôt.", sheet.name))
    };
    let back = format!("{HABILITATIONS}/{}", target_text(&sheet.target));
    let page = WithdrawalPage { frame: &visit.frame, title, text: typeset(&text), back };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/habilitations/{cible}/{liste}/{personne}/supprimer`
pub(crate) async fn withdraw(
    visit: RepresentativeVisit,
    Path((target, list, person)): Path<(String, String, String)>,
    _form: PostedForm,
) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    name_in(&sheet, &list, &person).ok_or(PortalFault::Nothing)?;
    let registration = visit.portal.registration();
    let told = if list == "gestionnaires" {
        registration.revoke_manager(&visit.session, &sheet.target, &person).await?;
        "retrait"
    } else {
        registration.withdraw_mandataire(&visit.session, &sheet.target, &person).await?;
        "finmandat"
    };
    Ok(answer::see_other(&format!("{HABILITATIONS}/{}?fait={told}", target_text(&sheet.target))))
}
