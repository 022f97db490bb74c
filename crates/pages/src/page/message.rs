//! Pages that explain in a sentence why there is nothing to show, and what to do next.

use std::borrow::Cow;
use std::error::Error;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, respond};
use crate::frame::PageFrame;
use crate::site::Site;
use crate::visit::PageRequest;

/// A message and the status that goes with it.
pub(crate) trait Message {
    /// Status of the response.
    const STATUS: StatusCode;
    /// Heading and title of the page.
    const HEADING: &'static str;

    /// What happened, then what to do.
    fn text(&self) -> Cow<'static, str>;
}

/// The page of a message.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage<M: Message> {
    pub frame: PageFrame,
    pub message: M,
}

impl<M: Message> Page for MessagePage<M> {
    const STATUS: StatusCode = M::STATUS;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        M::HEADING
    }
}

/// The response that shows a message.
pub(crate) fn respond_with(site: &Site, request: &PageRequest, message: impl Message) -> Response {
    respond(request, &MessagePage { frame: PageFrame::new(site, request), message })
}

/// The response to an internal error. The operator's log has the cause, the visitor a number.
pub(crate) fn respond_with_incident(site: &Site, request: &PageRequest, cause: &(dyn Error + 'static)) -> Response {
    request.record_cause(cause);
    respond_with(site, request, Incident { id: request.id.clone() })
}

/// An internal error.
pub(crate) struct Incident {
    /// Request id.
    pub id: String,
}

impl Message for Incident {
    const STATUS: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
    const HEADING: &'static str = "Une erreur est survenue";

    fn text(&self) -> Cow<'static, str> {
        let text = format!(
            "L’annuaire ne peut pas répondre pour le moment. Réessayez dans quelques minutes. Si l’erreur persiste, signalez-la \
             avec ce numéro d’incident : {}.",
            self.id
        );
        text.into()
    }
}

/// The client has used its rate.
pub(crate) struct TooManyRequests {
    /// Seconds after which the client may ask again.
    pub seconds: u32,
}

impl Message for TooManyRequests {
    const STATUS: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const HEADING: &'static str = "Trop de demandes";

    fn text(&self) -> Cow<'static, str> {
        let plural = if self.seconds > 1 { "s" } else { "" };
        let seconds = self.seconds;
        format!("Votre adresse a demandé trop de pages en peu de temps. Réessayez dans {seconds} seconde{plural}.").into()
    }
}

/// Too many pages of the client wait to be made.
pub(crate) struct TooManyPagesWaiting;

impl Message for TooManyPagesWaiting {
    const STATUS: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const HEADING: &'static str = "Trop de demandes à la fois";

    fn text(&self) -> Cow<'static, str> {
        "Des pages demandées depuis votre adresse sont encore en préparation. Attendez qu’elles s’affichent, puis réessayez."
            .into()
    }
}

/// The search would cost more work than a page may.
pub(crate) struct SearchTooWide;

impl Message for SearchTooWide {
    const STATUS: StatusCode = StatusCode::BAD_REQUEST;
    const HEADING: &'static str = "Recherche trop large";

    fn text(&self) -> Cow<'static, str> {
        "Cette recherche demande trop de travail. Précisez-la : un nom plus complet, une profession ou un lieu.".into()
    }
}

/// The request names no host, several, or one that is none.
pub(crate) struct BadHost;

impl Message for BadHost {
    const STATUS: StatusCode = StatusCode::BAD_REQUEST;
    const HEADING: &'static str = "Demande incorrecte";

    fn text(&self) -> Cow<'static, str> {
        "La demande ne nomme pas ce serveur comme il faut. Vérifiez l’adresse, ou le mandataire placé devant ce serveur.".into()
    }
}

/// What was at this address was withdrawn by law.
pub(crate) struct WithdrawnByLaw;

impl Message for WithdrawnByLaw {
    const STATUS: StatusCode = StatusCode::GONE;
    const HEADING: &'static str = "Données retirées";

    fn text(&self) -> Cow<'static, str> {
        "Les données publiées à cette adresse ont été retirées de l’annuaire pour un motif légal.".into()
    }
}
