//! Why somebody opens a personal file (registration §2.7), and what consoles answer to those for whom they are not.

use crate::answer;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::limits::PURPOSE_MAX;
use crate::who::ProfessionalVisit;
use annuaire_registry::{ArbiterSession, RegistrationRefusal, RegistrationStop, SupportSession};
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::http::StatusCode;

/// Name of the field with the purpose.
pub(crate) const PURPOSE: &str = "acces";

/// The page that asks why, before a file is opened.
#[derive(Template)]
#[template(path = "console/purpose.html")]
struct PurposePage<'a> {
    frame: &'a PortalFrame,
    heading: String,
    /// Address of the console and its name, for the trail of the page.
    console: (&'static str, &'static str),
    field: FormField,
    points: Vec<OpenPoint>,
}

/// The field with the purpose.
pub(crate) fn purpose_field(value: &str) -> FormField {
    FormField::text(PURPOSE, "Motif de l’accès", value, PURPOSE_MAX)
        .mandatory()
        .hinted("Il est gardé dans la trace, et la personne concernée peut le lire.")
}

/// The purpose of a form.
pub(crate) fn purpose_of(form: &PostedForm) -> String {
    form.get(PURPOSE).chars().take(PURPOSE_MAX).collect()
}

/// Asks for the purpose; `asked`: it was asked before and left empty. The form goes to the address of the page.
pub(crate) fn ask(visit: &ProfessionalVisit, heading: &str, console: (&'static str, &'static str), asked: bool) -> PageAnswer {
    let mut field = purpose_field("");
    let mut points = Vec::new();
    if asked {
        points.push(missing(&mut field));
    }
    let status = if asked { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = PurposePage { frame: &visit.frame, heading: typeset(heading), console, field, points };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// Tells that a mandatory field is empty.
pub(crate) fn missing(field: &mut FormField) -> OpenPoint {
    let text = MessageCode::EGen01.text();
    field.tell("E-GEN-01", &text);
    OpenPoint { anchor: field.anchor(), text: typeset(&format!("{} : {text}", field.label)), is_warning: false }
}

/// What is told of a refusal at an anchor.
pub(crate) fn refused_at(anchor: &str, refusal: &RegistrationRefusal) -> OpenPoint {
    OpenPoint { anchor: anchor.to_owned(), text: typeset(&refusal.text), is_warning: false }
}

/// Whether a refusal is about what was typed, so that the form is shown again.
pub(crate) fn is_of_form(code: MessageCode) -> bool {
    use MessageCode as M;
    matches!(code, M::EGen01 | M::EGen02 | M::EGen03 | M::EStr02 | M::EHab05 | M::ERpps01)
}

/// A console is closed to those for whom it is not; nothing else is told of it.
pub(crate) fn closed(stop: RegistrationStop) -> PortalFault {
    match stop {
        RegistrationStop::Refused(refusal) if refusal.code == MessageCode::M01 => PortalFault::told(
            StatusCode::FORBIDDEN,
            "Cette console ne vous est pas ouverte",
            "Votre compte n’a pas ce droit. Si vous devez l’avoir, adressez-vous à l’exploitant de ce service.",
        ),
        other => other.into(),
    }
}

/// The session of an arbiter.
pub(crate) async fn arbiter(visit: &ProfessionalVisit, purpose: &str) -> Result<ArbiterSession, PortalFault> {
    let registration = visit.portal.registration();
    registration.arbiter_session(&visit.who.national_id, purpose, visit.trace.clone()).await.map_err(closed)
}

/// The session of the support.
pub(crate) async fn support(visit: &ProfessionalVisit, purpose: &str) -> Result<SupportSession, PortalFault> {
    let registration = visit.portal.registration();
    registration.support_session(&visit.who.national_id, purpose, visit.trace.clone()).await.map_err(closed)
}
