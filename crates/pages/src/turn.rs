//! Makes pages in the lane of long work.

use std::sync::Arc;

use annuaire_index::Error;
use annuaire_web::Full;
use axum::response::Response;

use crate::page::PageResult;
use crate::page::message::{SearchTooWide, TooManyPagesWaiting, respond_with, respond_with_incident};
use crate::site::Site;
use crate::visit::Visit;

/// Makes a page in the turn of its client, on a thread of the lane: the threads that read connections do not wait for the store.
/// Answers with a message when the client has too many pages waiting, when the page costs too much work, and after an error or a
/// panic.
pub(crate) async fn in_turn(
    site: Arc<Site>,
    visit: Visit,
    make_page: impl FnOnce(&Site, &Visit) -> PageResult + Send + 'static,
) -> Response {
    let (lane_site, lane_visit) = (Arc::clone(&site), visit.clone());
    let request = visit.request;
    let made = match site.settings.lane.run(request.client, move || make_page(&lane_site, &lane_visit)) {
        Ok(waiting) => waiting.await,
        Err(Full) => return respond_with(&site, &request, TooManyPagesWaiting),
    };
    match made {
        Ok(Ok(page)) => page,
        Ok(Err(Error::Exhausted)) => respond_with(&site, &request, SearchTooWide),
        Ok(Err(error)) => respond_with_incident(&site, &request, &error),
        Err(panicked) => respond_with_incident(&site, &request, &panicked),
    }
}

#[cfg(test)]
mod tests;
