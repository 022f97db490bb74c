//! The instruction of a request (SC22, T01): read, checked, decided.

use crate::answer;
use crate::door::Portal;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FieldChoice, FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::legal::{LegalBlock, statement_of};
use crate::request::PortalRequest;
use crate::sections::{situation_fields, situation_of};
use crate::sheet::{SheetView, sheet_view};
use crate::who::ManagerVisit;
use annuaire_registry::{ManagerSession, RegistrationRefusal, RegistrationStop, RequestSheet};
use annuaire_workflow::day::paris_day;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::RefusalReason;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// SC22.
#[derive(Template)]
#[template(path = "gae/instruction.html")]
struct InstructionPage<'a> {
    frame: &'a PortalFrame,
    sheet: SheetView,
    /// Who sent it, for the header.
    filed_by: &'static str,
    /// Fields of the third section that a manager may change in the request of a professional.
    changeable: Vec<FormField>,
    may_modify: bool,
    may_ask: bool,
    legal: LegalBlock,
    reasons: Vec<FieldChoice>,
    /// What was found, each as a sentence, with an address that helps.
    checks: Vec<(String, String)>,
    points: Vec<OpenPoint>,
    taken_by: String,
}

impl InstructionPage<'_> {
    /// Whether the message to the professional is what is missing.
    fn asks_text(&self) -> bool {
        self.points.iter().any(|point| point.anchor == "texte")
    }
}

/// Shows it.
pub(crate) async fn show(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    session: &ManagerSession,
    sheet: &RequestSheet,
    refused: Option<&RegistrationRefusal>,
    legal: LegalBlock,
) -> PageAnswer {
    let registration = portal.registration();
    let found = registration.identity_checks(session, &sheet.number).await?;
    let mut checks = Vec::new();
    let mut check = |text: &str, href: String| checks.push((typeset(text), href));
    if let Some(alike) = found.alike.as_ref().filter(|alike| alike.text().is_some()) {
        let href = alike.rpps().map(|rpps| format!("/portail/gae/enregistrements/{rpps}")).unwrap_or_default();
        check(alike.text().unwrap_or_default(), href);
    }
    if found.mail_used {
        check("Cette adresse email est déjà utilisée par une autre personne : vérifiez-la avec le professionnel.", String::new());
    }
    if found.mobile_used {
        check("Ce mobile est déjà utilisé par une autre personne : vérifiez-le avec le professionnel.", String::new());
    }
    let certified = match found.certification.as_str() {
        "FC" => "L'état civil est certifié par FranceConnect.",
        "FCP" => "L'état civil est certifié par FranceConnect+.",
        "C" => "L'état civil est certifié par l'INSEE.",
        _ => "L'état civil sera vérifié auprès de l'INSEE après l'enregistrement.",
    };
    check(certified, String::new());
    let by_authority = sheet.origin.by_authority();
    let day = paris_day(portal.now_ms());
    let changeable = if by_authority || sheet.kind == annuaire_workflow::kind::RequestKind::Fin {
        Vec::new()
    } else {
        situation_fields(&sheet.situation, sheet.place.as_ref(), &portal.values(), day)
    };
    let mut points = Vec::new();
    if let Some(refused) = refused {
        let anchor = match refused.code {
            MessageCode::ELeg01 => "legal",
            MessageCode::ELeg02 => "methode",
            MessageCode::EGen03 => "texte",
            _ => "decision",
        };
        points.push(OpenPoint { anchor: anchor.to_owned(), text: typeset(&refused.text), is_warning: false });
    }
    let taken_by = match &sheet.taken_by {
        Some(manager) => registration.name_of(manager).await?.unwrap_or_default(),
        None => String::new(),
    };
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = InstructionPage {
        frame,
        sheet: sheet_view(portal, sheet),
        filed_by: if by_authority { "" } else { "Déposée par le professionnel" },
        changeable,
        may_modify: by_authority,
        may_ask: !by_authority,
        legal,
        reasons: RefusalReason::ALL.iter().map(|reason| FieldChoice::new(reason.code(), reason.label())).collect(),
        checks,
        points,
        taken_by,
    };
    Ok(answer::page(portal, request, status, &page))
}

/// A refusal that belongs on the page: what is missing, too short, or not the person's to decide.
fn is_told_here(code: MessageCode) -> bool {
    use MessageCode as M;
    matches!(code, M::ELeg01 | M::ELeg02 | M::EGen01 | M::EGen03 | M::EReq05 | M::EReq09 | M::EStr02 | M::EReq04 | M::EReq10)
}

/// `POST /portail/gae/demandes/{numero}/decision`
pub(crate) async fn decide(visit: ManagerVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let registration = portal.registration();
    let text = form.get("texte");
    let statement = statement_of(&form);
    let (result, told) = match form.get("faire") {
        "valider" => {
            let changes = form.has("dateDebut").then(|| situation_of(&form));
            let changes = match changes {
                // Names and structure are not the manager's to change: they are taken as they are.
                Some(draft) => {
                    let sheet = registration.open_sheet(&session, &number).await?;
                    let kept = sheet.situation;
                    Some(annuaire_workflow::fields::SituationDraft {
                        nom_exercice: kept.nom_exercice,
                        prenom_exercice: kept.prenom_exercice,
                        structure: kept.structure,
                        ..draft
                    })
                }
                None => None,
            };
            (registration.validate_request(&session, &number, form.version(), statement, changes).await, "validee")
        }
        "refuser" => {
            let reason = RefusalReason::ALL.iter().copied().find(|reason| reason.code() == form.get("motif"));
            (registration.refuse(&session, &number, reason, text).await, "refusee")
        }
        "complement" => (registration.ask_for_more(&session, &number, text).await, "complement"),
        "reaffecter" => (registration.reassign(&session, &number, form.get("cible")).await, "reaffectee"),
        "modifier" => (registration.modify(&session, &number, form.version()).await, "modifiee"),
        _ => return Err(PortalFault::Unreadable),
    };
    match result {
        Ok(_) if told == "reaffectee" => Ok(answer::see_other("/portail/gae/demandes?fait=reaffectee")),
        Ok(_) => Ok(answer::see_other(&format!("/portail/gae/demandes/{number}?fait={told}"))),
        Err(RegistrationStop::Refused(refusal)) if is_told_here(refusal.code) => {
            let sheet = registration.open_sheet(&session, &number).await?;
            show(&portal, &request, &frame, &session, &sheet, Some(&refusal), LegalBlock { statement, error: String::new() })
                .await
        }
        Err(stop) => Err(stop.into()),
    }
}
