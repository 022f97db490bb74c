//! What a demonstration shows: with whom to log in, where messages are, and a clock that goes forward.

use crate::answer;
use crate::door::{DemoAccount, Portal};
use crate::fault::{PageAnswer, PortalFault};
use crate::frame::PortalFrame;
use crate::french::instant;
use crate::request::PortalRequest;
use askama::Template;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

/// Days by which a button moves the clock on.
const STEPS: [u32; 5] = [1, 7, 15, 30, 90];

/// The page.
#[derive(Template)]
#[template(path = "demo.html")]
struct DemoPage<'a> {
    frame: &'a PortalFrame,
    now: String,
    steps: [u32; 5],
    accounts: &'a [DemoAccount],
}

/// `GET /portail/demonstration`
pub(crate) async fn page(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    let Some(demo) = &portal.settings.demo else { return Err(PortalFault::Nothing) };
    let frame = PortalFrame::plain(&portal, &request);
    let page = DemoPage { frame: &frame, now: instant(demo.clock.now_ms()), steps: STEPS, accounts: &demo.accounts };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

/// `POST /portail/demonstration`: moves the clock on. Everything there is fictional, and everybody may.
pub(crate) async fn advance(State(portal): State<Arc<Portal>>, body: Bytes) -> PageAnswer {
    let Some(demo) = &portal.settings.demo else { return Err(PortalFault::Nothing) };
    let typed = form_urlencoded::parse(&body).find(|(name, _)| name == "jours").map(|(_, value)| value.into_owned());
    let days: u32 = typed.and_then(|days| days.parse().ok()).unwrap_or(0);
    if STEPS.contains(&days) {
        demo.clock.advance(days);
    }
    Ok(answer::see_other("/portail/demonstration?fait=fait"))
}
