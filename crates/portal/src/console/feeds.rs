//! The feeds of an order or agency (registration §16.3): what was sent, what waits for a decision, and the acknowledgement.

use crate::answer;
use crate::console::arbitration::reason_field;
use crate::console::authority::agent;
use crate::console::home::authority_name;
use crate::console::purpose::{is_of_form, refused_at};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::{PostedFile, PostedForm};
use crate::frame::PortalFrame;
use crate::french::{instant, typeset};
use crate::who::ProfessionalVisit;
use annuaire_registry::{FeedPhase, FeedSender, ListedFeed, RegistrationRefusal, RegistrationStop};
use annuaire_workflow::feed::FeedHold;
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// A batch, as it is shown.
struct FeedView {
    id: String,
    name: String,
    received: String,
    ends: String,
    kind: &'static str,
    phase: &'static str,
    is_held: bool,
    is_at_work: bool,
    is_applied: bool,
    why: &'static str,
    feed: ListedFeed,
}

/// The batches.
#[derive(Template)]
#[template(path = "console/feeds.html")]
struct FeedsPage<'a> {
    frame: &'a PortalFrame,
    authority: String,
    feeds: Vec<FeedView>,
    faults: Vec<String>,
}

/// A batch.
#[derive(Template)]
#[template(path = "console/feed.html")]
struct FeedSheetPage<'a> {
    frame: &'a PortalFrame,
    shown: FeedView,
    reason: FormField,
    points: Vec<OpenPoint>,
}

fn view(feed: ListedFeed) -> FeedView {
    FeedView {
        id: feed.id.clone(),
        name: feed.name.clone(),
        received: instant(feed.received_ms),
        ends: instant(feed.ends_ms),
        kind: if feed.full { "Population entière" } else { "Changements" },
        phase: match feed.phase {
            FeedPhase::Held => "En attente de décision",
            FeedPhase::Applying => "Application en cours",
            FeedPhase::Applied => "Appliqué",
            FeedPhase::Rejected => "Rejeté",
        },
        is_held: feed.phase == FeedPhase::Held,
        is_at_work: feed.phase == FeedPhase::Applying,
        is_applied: feed.phase == FeedPhase::Applied,
        why: match feed.hold {
            Some(FeedHold::Changes) => "Cet envoi change plus de 5\u{a0}% de la population.",
            Some(FeedHold::Removals) => "Cet envoi met fin à plus de 1\u{a0}% de la population.",
            None => "",
        },
        feed,
    }
}

async fn sender(visit: &ProfessionalVisit) -> Result<FeedSender, PortalFault> {
    Ok(FeedSender::agent(&agent(visit).await?))
}

async fn feeds_page(visit: &ProfessionalVisit, faults: Vec<String>) -> PageAnswer {
    let session = agent(visit).await?;
    let feeds = visit.portal.registration().feeds(&FeedSender::agent(&session)).await?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let authority = authority_name(session.code());
    let page = FeedsPage { frame: &visit.frame, authority, feeds: feeds.into_iter().map(view).collect(), faults };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

async fn sheet(
    visit: &ProfessionalVisit,
    by: &FeedSender,
    id: &str,
    typed: &str,
    refused: Option<&RegistrationRefusal>,
) -> PageAnswer {
    let shown = view(visit.portal.registration().feed(by, id).await?);
    let mut reason = reason_field(typed);
    let mut points = Vec::new();
    if let Some(refused) = refused {
        reason.tell(refused.code.as_str(), &refused.text);
        points.push(refused_at("motif", refused));
    }
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = FeedSheetPage { frame: &visit.frame, shown, reason, points };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/console/autorite/flux`
pub(crate) async fn list(visit: ProfessionalVisit) -> PageAnswer {
    feeds_page(&visit, Vec::new()).await
}

/// `POST /portail/console/autorite/flux`: a delta. A full set comes by the command of the operator, for its size.
pub(crate) async fn upload(visit: ProfessionalVisit, file: PostedFile) -> PageAnswer {
    let by = sender(&visit).await?;
    match visit.portal.registration().receive_feed(&by, false, &file.name, &file.bytes).await {
        Ok(feed) => Ok(answer::see_other(&format!("/portail/console/autorite/flux/{}", feed.id))),
        Err(RegistrationStop::Refused(refused)) if refused.code == MessageCode::EGen02 => {
            feeds_page(&visit, vec![typeset("Choisissez un fichier qui n'est pas vide.")]).await
        }
        Err(stop) => Err(stop.into()),
    }
}

/// `GET /portail/console/autorite/flux/{envoi}`
pub(crate) async fn show(visit: ProfessionalVisit, Path(id): Path<String>) -> PageAnswer {
    let by = sender(&visit).await?;
    sheet(&visit, &by, &id, "", None).await
}

/// `POST /portail/console/autorite/flux/{envoi}`
pub(crate) async fn decide(visit: ProfessionalVisit, Path(id): Path<String>, form: PostedForm) -> PageAnswer {
    let by = sender(&visit).await?;
    let apply = match form.get("faire") {
        "appliquer" => true,
        "rejeter" => false,
        _ => return Err(PortalFault::Unreadable),
    };
    let reason = form.get("motif");
    match visit.portal.registration().decide_feed(&by, &id, apply, reason).await {
        Ok(_) => Ok(answer::see_other(&format!("/portail/console/autorite/flux/{id}"))),
        Err(RegistrationStop::Refused(refused)) if is_of_form(refused.code) => {
            sheet(&visit, &by, &id, reason, Some(&refused)).await
        }
        Err(stop) => Err(stop.into()),
    }
}

/// `GET /portail/console/autorite/flux/{envoi}/acquittement.jsonl`
pub(crate) async fn acknowledgement(visit: ProfessionalVisit, Path(id): Path<String>) -> PageAnswer {
    let by = sender(&visit).await?;
    let text = visit.portal.registration().feed_acknowledgement(&by, &id).await?;
    Ok(answer::download("application/x-ndjson", "acquittement.jsonl", text))
}
