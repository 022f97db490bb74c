//! « Identités à vérifier »: persons whom the civil register does not know (registration §9.2).

use crate::answer;
use crate::console::stated::certification;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FieldChoice, FormField};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{counted, typeset};
use crate::who::ManagerVisit;
use annuaire_registry::{IdentityToVerify, RegistrationStop};
use annuaire_workflow::day::{french, parse_iso};
use annuaire_workflow::fields::IDENTITY_PROOFS;
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// Where the list is.
const IDENTITIES: &str = "/portail/gae/identites";
/// Documents that a manager sees: the first of the list; FranceConnect and « autre » are none.
const DOCUMENTS: usize = 3;

/// A line of the list.
struct IdentityLine {
    rpps: String,
    name: String,
    place: String,
    state: &'static str,
    since: String,
}

/// « Identités à vérifier ».
#[derive(Template)]
#[template(path = "gae/identities.html")]
struct IdentitiesPage<'a> {
    frame: &'a PortalFrame,
    total: String,
    lines: Vec<IdentityLine>,
    told: &'static str,
}

/// One identity, with what can be done.
#[derive(Template)]
#[template(path = "gae/identity.html")]
struct IdentityPage<'a> {
    frame: &'a PortalFrame,
    line: IdentityLine,
    /// Number of the structure that states the civil status.
    structure: String,
    may_confirm: bool,
    fields: Vec<FormField>,
    key: String,
}

fn line_of(task: &IdentityToVerify) -> IdentityLine {
    IdentityLine {
        rpps: task.rpps.clone(),
        name: task.name.clone(),
        place: format!("{} - {}", task.place.number, task.place.name),
        state: certification(&task.state),
        since: parse_iso(&task.since).map(french).unwrap_or_default(),
    }
}

fn document_fields(document: &str, seen_on: &str) -> Vec<FormField> {
    let choice = |(code, label): &(&str, &str)| FieldChoice::new(*code, typeset(label));
    vec![
        FormField::select("document", "Pièce d’identité", document, IDENTITY_PROOFS.iter().take(DOCUMENTS).map(choice).collect())
            .mandatory(),
        FormField::day("vueLe", "Pièce vue le", seen_on).mandatory(),
    ]
}

/// `GET /portail/gae/identites`
pub(crate) async fn list(visit: ManagerVisit) -> PageAnswer {
    let tasks = visit.portal.registration().identities_to_verify(&visit.session).await?;
    let told = match visit.request.parameter("fait").as_str() {
        "demande" => "Le répertoire national sera interrogé de nouveau cette nuit.",
        "piece" => "Votre confirmation est enregistrée. Le répertoire national sera interrogé cette nuit.",
        _ => "",
    };
    let total = counted(tasks.len() as u64, "identité à vérifier", "identités à vérifier");
    let page = IdentitiesPage { frame: &visit.frame, total, lines: tasks.iter().map(line_of).collect(), told };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

async fn show(visit: &ManagerVisit, rpps: &str, fields: Vec<FormField>, status: StatusCode) -> PageAnswer {
    let tasks = visit.portal.registration().identities_to_verify(&visit.session).await?;
    let Some(task) = tasks.iter().find(|task| task.rpps == rpps) else {
        return Err(PortalFault::told(
            StatusCode::NOT_FOUND,
            "Cette identité n’est pas à vérifier",
            "La vérification est faite, ou elle revient à une autre structure.",
        ));
    };
    let page = IdentityPage {
        frame: &visit.frame,
        line: line_of(task),
        structure: task.place.number.clone(),
        may_confirm: task.may_confirm,
        fields,
        key: visit.portal.key(),
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/gae/identites/{rpps}`
pub(crate) async fn identity(visit: ManagerVisit, Path(rpps): Path<String>) -> PageAnswer {
    show(&visit, &rpps, document_fields("", ""), StatusCode::OK).await
}

/// `POST /portail/gae/identites/{rpps}`: asks the register again, or confirms on a document.
pub(crate) async fn verify(visit: ManagerVisit, Path(rpps): Path<String>, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let (document, seen_on) = (form.get("document"), form.get("vueLe"));
    let (done, told) = match form.get("faire") {
        "demander" => (registration.ask_register_again(&visit.session, &rpps).await, "demande"),
        "confirmer" => (registration.confirm_on_document(&visit.session, &rpps, document, seen_on).await, "piece"),
        _ => return Err(PortalFault::Unreadable),
    };
    match done {
        Ok(()) => Ok(answer::see_other(&format!("{IDENTITIES}?fait={told}"))),
        Err(RegistrationStop::Refused(refused)) if refused.code == MessageCode::EGen02 => {
            let mut fields = document_fields(document, seen_on);
            let is_known = IDENTITY_PROOFS.iter().take(DOCUMENTS).any(|(code, _)| *code == document);
            let (at, text) = if is_known {
                ("vueLe", "Saisissez le jour où vous avez vu la pièce, au format JJ/MM/AAAA et non dans le futur.")
            } else {
                ("document", "Choisissez la pièce que vous avez vue.")
            };
            fields.iter_mut().filter(|field| field.id == at).for_each(|field| field.tell("E-GEN-02", text));
            show(&visit, &rpps, fields, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(stop) => Err(stop.into()),
    }
}
