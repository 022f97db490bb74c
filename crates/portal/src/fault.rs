//! Why a page is not shown, and the page that says so.

use crate::answer;
use crate::door::Portal;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::request::{PortalRequest, Space, fields_of};
use annuaire_registry::{Error, RegistrationRefusal, RegistrationStop};
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a page is not shown.
#[derive(Debug, Clone)]
pub(crate) enum PortalFault {
    /// The person may not.
    Refused(RegistrationRefusal),
    /// The installation failed; the cause, for the operator.
    Failed(String),
    /// The installation failed while a form was sent: what was typed, and the cause, for the operator. Without a cause it was told before.
    FailedForm(Bytes, Option<String>),
    /// Whose session it is could not be read.
    SessionUnread,
    /// There is nothing at this address.
    Nothing,
    /// The page needs a login.
    SignIn(Space),
    /// The session ended while a form was filled in.
    SessionOver(Space, Bytes),
    /// The form was sent from elsewhere, or is somebody else's.
    ForeignForm,
    /// The form cannot be read.
    Unreadable,
    /// Another sentence.
    Told {
        /// Status of the answer.
        status: StatusCode,
        /// Title.
        title: &'static str,
        /// Sentence.
        text: String,
    },
}

impl From<RegistrationStop> for PortalFault {
    fn from(stop: RegistrationStop) -> Self {
        match stop {
            RegistrationStop::Refused(refusal) => Self::Refused(refusal),
            RegistrationStop::Failed(error) => error.into(),
        }
    }
}

impl From<Error> for PortalFault {
    fn from(error: Error) -> Self {
        Self::Failed(annuaire_web::cause_chain(&error))
    }
}

/// The fault travels in the response to the door, which knows frame and request.
impl IntoResponse for PortalFault {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response.extensions_mut().insert(self);
        response
    }
}

/// What a handler gives.
pub(crate) type PageAnswer = Result<Response, PortalFault>;

/// A page that says one thing.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct PortalMessagePage<'a> {
    pub(crate) frame: &'a PortalFrame,
    pub(crate) title: &'a str,
    pub(crate) text: String,
    /// Stable code, for support.
    pub(crate) code: &'a str,
    pub(crate) links: &'a [(&'a str, &'a str)],
}

/// A page that keeps a form until its person is logged in again.
#[derive(Template)]
#[template(path = "session_over.html")]
struct SessionOverPage<'a> {
    frame: &'a PortalFrame,
    sign_in: String,
    action: String,
    fields: Vec<(String, String)>,
}

/// A page that keeps a form until the installation answers again.
#[derive(Template)]
#[template(path = "unavailable.html")]
struct UnavailablePage<'a> {
    frame: &'a PortalFrame,
    action: String,
    fields: Vec<(String, String)>,
    /// Id of the request, for support.
    incident: &'a str,
}

/// The status of a refusal.
fn status_of(code: MessageCode) -> StatusCode {
    match code {
        MessageCode::M01 | MessageCode::EPer01 | MessageCode::EPer02 | MessageCode::EHab01 | MessageCode::EReq04 => {
            StatusCode::FORBIDDEN
        }
        MessageCode::EGen09 | MessageCode::EReq01 | MessageCode::EReq02 | MessageCode::EReq05 | MessageCode::EReq06 => {
            StatusCode::CONFLICT
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

impl PortalFault {
    /// Another sentence.
    pub(crate) fn told(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self::Told { status, title, text: text.into() }
    }

    /// Its page.
    pub(crate) fn page(self, portal: &Portal, request: &PortalRequest) -> Response {
        let frame = PortalFrame::plain(portal, request);
        let message = |status, title: &str, text: &str, code: &str, links: &[(&str, &str)]| {
            let page = PortalMessagePage { frame: &frame, title, text: typeset(text), code, links };
            answer::page(portal, request, status, &page)
        };
        let back = [("Revenir à l’accueil", frame.home())];
        match self {
            Self::Refused(refusal) if refusal.code == MessageCode::M01 => {
                let links =
                    [("Je suis représentant légal", "/portail/habilitations"), ("Mon espace professionnel", "/portail/pro")];
                message(StatusCode::FORBIDDEN, "Vous n’êtes pas encore habilité", &refusal.text, "M01", &links)
            }
            Self::Refused(refusal) => {
                message(status_of(refusal.code), "Ce n’est pas possible", &refusal.text, refusal.code.as_str(), &back)
            }
            Self::Failed(cause) => {
                request.record(&cause);
                let text = format!(
                    "Rien de ce que vous avez enregistré n’est perdu. Réessayez dans quelques minutes. Si l’erreur persiste, \
                     signalez-la avec ce numéro d’incident : {}.",
                    request.id
                );
                message(StatusCode::INTERNAL_SERVER_ERROR, "Une erreur est survenue", &text, "", &back)
            }
            Self::FailedForm(typed, cause) => {
                if let Some(cause) = cause {
                    request.record(&cause);
                }
                let (action, fields) = (request.uri.path().to_owned(), fields_of(&typed));
                let page = UnavailablePage { frame: &frame, action, fields, incident: &request.id };
                answer::page(portal, request, StatusCode::SERVICE_UNAVAILABLE, &page)
            }
            Self::SessionUnread => {
                let text = "Rien de ce que vous avez enregistré n’est perdu. Rechargez cette page dans quelques minutes.";
                let links = [("Recharger la page", request.uri.path())];
                message(StatusCode::SERVICE_UNAVAILABLE, "Le service est momentanément indisponible", text, "", &links)
            }
            Self::Nothing => {
                let text = "Cette page n’existe pas, ou n’existe plus.";
                message(StatusCode::NOT_FOUND, "Page introuvable", text, "", &back)
            }
            Self::SignIn(space) => answer::see_other(&sign_in(portal, space, request)),
            Self::SessionOver(space, typed) => {
                let path = request.uri.path();
                let page = SessionOverPage {
                    frame: &frame,
                    sign_in: address_with_return(&entrance(portal, space), "/portail/reconnecte"),
                    action: path.to_owned(),
                    fields: fields_of(&typed),
                };
                answer::page(portal, request, StatusCode::UNAUTHORIZED, &page)
            }
            Self::ForeignForm => {
                let text = "Ce formulaire ne vient pas de cette page, ou appartient à une autre personne que celle qui est \
                            connectée. Rouvrez la page, puis réessayez.";
                message(StatusCode::FORBIDDEN, "Formulaire refusé", text, "", &back)
            }
            Self::Unreadable => {
                let text = "Ce formulaire ne peut pas être lu : il est trop grand ou abîmé. Revenez en arrière, puis réessayez.";
                message(StatusCode::BAD_REQUEST, "Formulaire illisible", text, "", &back)
            }
            Self::Told { status, title, text } => message(status, title, &text, "", &back),
        }
    }
}

fn entrance(portal: &Portal, space: Space) -> String {
    match space {
        Space::Civil => "/portail/pro/connexion".to_owned(),
        _ => portal.settings.sign_in.clone(),
    }
}

fn address_with_return(address: &str, back: &str) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
    format!("{address}{sign}retour={back}")
}

/// Where somebody logs in for the page that they asked for.
fn sign_in(portal: &Portal, space: Space, request: &PortalRequest) -> String {
    let page = request.uri.path_and_query().map_or("/portail/gae", |path| path.as_str());
    if space == Space::Either {
        return address_with_return("/portail/pro/connexion", page);
    }
    if page.starts_with("/portail/gae") && space == Space::Professional {
        return address_with_return("/portail/gae/connexion", page);
    }
    address_with_return(&entrance(portal, space), page)
}
