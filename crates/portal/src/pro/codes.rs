//! The codes that prove a contact (registration §10.5, transitions 07 and 10).

use crate::answer;
use crate::door::Portal;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::FormField;
use crate::filler::Filler;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::request::PortalRequest;
use annuaire_registry::RegistrationStop;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::LegalStatement;
use askama::Template;
use axum::http::StatusCode;

/// The page of the codes.
#[derive(Template)]
#[template(path = "pro/codes.html")]
struct CodesPage<'a> {
    frame: &'a PortalFrame,
    action: String,
    back: String,
    mail: String,
    mobile: String,
    fields: Vec<FormField>,
    is_sent: bool,
    error: &'a str,
}

/// Shows it.
pub(crate) async fn show(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    by: &Filler<'_>,
    number: &str,
    error: &str,
) -> PageAnswer {
    let sheet = by.sheet(portal.registration(), number).await?;
    let mut fields =
        vec![FormField::text("codeMail", "Code reçu par email", "", 12).mandatory().numeric().filled_by_browser("one-time-code")];
    if !sheet.contact.mobile.is_empty() {
        fields.push(FormField::text("codeMobile", "Code reçu par SMS", "", 12).mandatory().numeric());
    }
    if !error.is_empty() {
        for field in &mut fields {
            field.tell("E-REQ-11", error);
        }
    }
    let page = CodesPage {
        frame,
        action: format!("{}/{number}/codes", by.base()),
        back: format!("{}/{number}", by.base()),
        mail: sheet.contact.email.clone(),
        mobile: sheet.contact.mobile.clone(),
        fields,
        is_sent: !request.parameter("envoyes").is_empty() || !error.is_empty(),
        error,
    };
    let status = if error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(answer::page(portal, request, status, &page))
}

/// Sends codes, or checks them and sends the request off.
pub(crate) async fn take(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    by: &Filler<'_>,
    (number, form): (&str, &PostedForm),
) -> PageAnswer {
    let registration = portal.registration();
    let base = format!("{}/{number}", by.base());
    if form.get("faire") == "envoyer" {
        match by {
            Filler::Applicant(by) => registration.send_own_codes(by, number).await?,
            Filler::Holder(by) => registration.send_holder_codes(by, number).await?,
            Filler::Manager(_) => return Err(PortalFault::Nothing),
        }
        return Ok(answer::see_other(&format!("{base}/codes?envoyes=oui")));
    }
    let (mail, mobile) = (form.get("codeMail"), form.get("codeMobile"));
    let checked = match by {
        Filler::Applicant(by) => registration.confirm_own_codes(by, number, mail, mobile).await,
        Filler::Holder(by) => registration.confirm_holder_codes(by, number, mail, mobile).await,
        Filler::Manager(_) => return Err(PortalFault::Nothing),
    };
    match checked {
        Ok(()) => {
            by.submit(registration, number, LegalStatement::default()).await?;
            Ok(answer::see_other(&format!("{base}/confirmation")))
        }
        Err(RegistrationStop::Refused(refusal)) if refusal.code == MessageCode::EReq11 => {
            show(portal, request, frame, by, number, &crate::french::typeset(&refusal.text)).await
        }
        Err(stop) => Err(stop.into()),
    }
}
