//! « Bienvenue sur votre portail de gestion et de contrôle » (SC10), and the messages of a manager.

use crate::answer;
use crate::fault::PageAnswer;
use crate::frame::PortalFrame;
use crate::french::{counted, instant, typeset};
use crate::who::ManagerVisit;
use annuaire_registry::InboxMessage;
use askama::Template;
use axum::http::StatusCode;

/// SC10.
#[derive(Template)]
#[template(path = "gae/home.html")]
struct ManagerHomePage<'a> {
    frame: &'a PortalFrame,
    to_treat: String,
    /// Whether the charter of managers waits for its acceptance.
    needs_charter: bool,
    /// Further cards, of what is not zero: sentence, address, words of the link.
    more: Vec<(String, &'static str, &'static str)>,
    messages: String,
    /// « Qualité de vos enregistrements », and the median of all authorities; empty before there is something to count.
    score: String,
    median: String,
}

/// A message, as a page shows it.
pub(crate) struct ShownMessage {
    pub(crate) when: String,
    pub(crate) subject: String,
    pub(crate) paragraphs: Vec<String>,
    pub(crate) request: String,
}

/// Messages of an inbox.
#[derive(Template)]
#[template(path = "messages.html")]
pub(crate) struct InboxPage<'a> {
    pub(crate) frame: &'a PortalFrame,
    pub(crate) messages: Vec<ShownMessage>,
    /// Where the requests that messages name are opened.
    pub(crate) base: &'static str,
}

/// Messages as a page shows them.
pub(crate) fn shown_messages(messages: Vec<InboxMessage>) -> Vec<ShownMessage> {
    let shown = |message: InboxMessage| ShownMessage {
        when: instant(message.at_ms),
        subject: typeset(&message.subject),
        paragraphs: message.body.split("\n\n").map(typeset).collect(),
        request: message.request,
    };
    messages.into_iter().map(shown).collect()
}

/// `GET /portail/gae`
pub(crate) async fn home(visit: ManagerVisit) -> PageAnswer {
    let registration = visit.portal.registration();
    let charter = registration.charter(&visit.session).await?;
    let messages = registration.manager_inbox_size(&visit.session).await?;
    let tasks = registration.manager_tasks(&visit.session).await?;
    let mut more = Vec::new();
    if tasks.departures > 0 {
        let text = counted(tasks.departures, "départ à confirmer", "départs à confirmer");
        more.push((text, "/portail/gae/demandes?type=FIN", "Voir les départs"));
    }
    if tasks.from_professionals > 0 {
        let text = counted(tasks.from_professionals, "demande de vos professionnels", "demandes de vos professionnels");
        more.push((text, "/portail/gae/demandes?origine=PRO", "Voir ces demandes"));
    }
    if tasks.reviews > 0 {
        let text = counted(tasks.reviews, "enregistrement à vérifier cette année", "enregistrements à vérifier cette année");
        more.push((text, "/portail/gae/effectifs/confirmation", "Vérifier les enregistrements"));
    }
    if tasks.anomalies > 0 {
        more.push((counted(tasks.anomalies, "anomalie signalée", "anomalies signalées"), "/portail/gae/anomalies", "Répondre"));
    }
    if tasks.identities > 0 {
        let text = counted(tasks.identities, "identité à vérifier", "identités à vérifier");
        more.push((text, "/portail/gae/identites", "Vérifier les identités"));
    }
    if tasks.ended_by_death > 0 {
        let (one, many) = ("activité arrêtée par un décès corrigé", "activités arrêtées par un décès corrigé");
        more.push((counted(tasks.ended_by_death, one, many), "/portail/gae/deces-corriges", "Voir ces activités"));
    }
    let score = registration.authority_score(&visit.session).await?;
    let page = ManagerHomePage {
        frame: &visit.frame,
        to_treat: counted(tasks.to_treat, "demande à traiter en tout", "demandes à traiter en tout"),
        needs_charter: charter.as_deref() != Some(registration.terms_version()),
        more,
        messages: counted(messages, "message", "messages"),
        score: score.map(|score| format!("{}\u{a0}%", score.own)).unwrap_or_default(),
        median: score.and_then(|score| score.median).map(|median| format!("{median}\u{a0}%")).unwrap_or_default(),
    };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/gae/messages`
pub(crate) async fn messages(visit: ManagerVisit) -> PageAnswer {
    let messages = shown_messages(visit.portal.registration().manager_inbox(&visit.session).await?);
    let page = InboxPage { frame: &visit.frame, messages, base: "/portail/gae/demandes" };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}
