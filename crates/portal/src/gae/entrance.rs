//! The doors of the portal (SC00, SC01), and the choice « Agir pour ».

use crate::answer;
use crate::door::Portal;
use crate::fault::PageAnswer;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::limits::CHOICE_SECONDS;
use crate::request::PortalRequest;
use crate::who::{ACTING_FOR, ManagerVisit};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use std::sync::Arc;

/// SC00.
#[derive(Template)]
#[template(path = "gae/entrance.html")]
struct EntrancePage<'a> {
    frame: &'a PortalFrame,
    has_civil_logins: bool,
}

/// SC01.
#[derive(Template)]
#[template(path = "gae/sign_in.html")]
struct ManagerSignInPage<'a> {
    frame: &'a PortalFrame,
    action: String,
    back: String,
    has_civil_logins: bool,
}

/// `GET /portail`
pub(crate) async fn entrance(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    let frame = PortalFrame::plain(&portal, &request);
    let page = EntrancePage { frame: &frame, has_civil_logins: portal.settings.has_civil_logins };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

/// `GET /portail/gae/connexion?retour=…`
pub(crate) async fn sign_in(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    let frame = PortalFrame::plain(&portal, &request);
    let back = Some(request.parameter("retour")).filter(|back| back.starts_with("/portail/"));
    let page = ManagerSignInPage {
        frame: &frame,
        action: portal.settings.sign_in.clone(),
        back: back.unwrap_or_else(|| "/portail/gae".to_owned()),
        has_civil_logins: portal.settings.has_civil_logins,
    };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

/// `GET /portail/reconnecte`: the tab in which somebody logged in again while another one keeps a form.
pub(crate) async fn signed_in_again(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    let frame = PortalFrame::plain(&portal, &request);
    let page = crate::fault::PortalMessagePage {
        frame: &frame,
        title: "Vous êtes de nouveau connecté",
        text: "Revenez à l’onglet qui garde votre saisie, et envoyez-la. Vous pouvez fermer celui-ci.".to_owned(),
        code: "",
        links: &[],
    };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

/// `POST /portail/gae/agir-pour`
pub(crate) async fn act_for(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    let wanted = form.get("structure");
    let known = visit.session.habilitations().iter().any(|target| target.number() == wanted);
    let value = if known { wanted } else { "" };
    let mut response = answer::see_other("/portail/gae");
    let age = if value.is_empty() { 0 } else { CHOICE_SECONDS };
    let secure = if visit.portal.is_encrypted() { "; Secure" } else { "" };
    let cookie = format!("{ACTING_FOR}={value}; Path=/portail; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The charter of managers (§2.4, H5).
#[derive(Template)]
#[template(path = "gae/charter.html")]
struct CharterPage<'a> {
    frame: &'a PortalFrame,
    version: &'a str,
    accepted: String,
}

/// `GET /portail/gae/charte`
pub(crate) async fn charter(visit: ManagerVisit) -> PageAnswer {
    let registration = visit.portal.registration();
    let accepted = registration.charter(&visit.session).await?.unwrap_or_default();
    let page = CharterPage { frame: &visit.frame, version: registration.terms_version(), accepted };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/gae/charte`
pub(crate) async fn accept_charter(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    if form.is_ticked("accepte") {
        let registration = visit.portal.registration();
        registration.accept_charter(&visit.session, registration.terms_version()).await?;
    }
    Ok(answer::see_other("/portail/gae"))
}
