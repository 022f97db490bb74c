//! All addresses of `/e-cps/`.

use crate::door::{PhoneDoor, PhoneDoorSettings};
use crate::service::PhoneService;
use crate::{app, calls, limits, pages, simulator};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use std::sync::Arc;

/// The pages and calls of `/e-cps/…`, to be mounted behind the gate. Pages of a holder read a [`SignedIn`](crate::SignedIn) in the extensions
/// of the request; the number of an incident is the one of an [`Arrival`](annuaire_web::Arrival) there.
pub fn router(service: Arc<PhoneService>, settings: PhoneDoorSettings) -> Router {
    let demo = settings.demo.is_some();
    let door = Arc::new(PhoneDoor::new(service, settings));
    let mut router = pages::routes(&door).merge(calls::routes()).merge(app::routes());
    if demo {
        router = router.merge(simulator::routes());
    }
    router.layer(DefaultBodyLimit::max(limits::BODY)).with_state(door)
}
