//! The FHIR API: HTTP over publication stores.
//!
//! This file is the table of routes. A route has an operation for each method, one file each in `operations`; the type of the
//! first argument of an operation says who may call it, and the door it is mounted behind says how its answers are shared.
//!
//! | Door | Pass | A stranger gets |
//! |---|---|---|
//! | `/fhir/v2`, `/fhir/dp` | an API key, when the service has any | 401, else everything public |
//! | `/fhir/v2/openapi.json`, `/fhir/v2/postman.json`, and below the other perimeters | as their perimeter | 401, else the interface described |
//! | `/fhir/v2/$bulk-publish`, with its pages and files, and its log (`checkpoint`, `tile/…`, `key`, signatures, salts) | an API key, when the service has any; no rate | 401, else the public perimeter as files |
//! | `/fhir/v2/$export`, `/fhir/dp/$export`, with states and files of exports | an API key, when the service has any; where it has none, an id of 128 random bits; no rate but for the start | 401, else an export of the public perimeter; 404 for another caller's |
//! | `/fhir/dr/$export`, `/fhir/historique/$export` | the credential of the door | 401 |
//! | `/fhir/dr` | a credential | 401 |
//! | `/fhir/historique` | a credential of its own | 401 |
//! | `/fhir/v2/Subscription…`, `/fhir/dp/Subscription…` | an API key that was verified | 401; 403 where the service has no keys |
//! | `/fhir/dr/Subscription…` | a credential | 401 |
//! | `/health` | none | the health of the public store |
//! | `/metrics` | an API key, when the service has any | 401, else the counters without the restricted store |
//!
//! # Concepts
//!
//! Each request passes the gate (host, rate, key or credential), then the checks of its door (method, length, format) before
//! anything of its body is read; the order of refusals is part of the contract (`serve`). An operation takes one snapshot of a
//! store and copies stored bytes between a few written ones. JSON is parsed only for XML, `:of-type` and descriptions of people. A long bundle leaves
//! in pieces. A page token holds transaction, last row, total and query, so that pages never move (`cursor`). Refusals are rows of
//! [`annuaire_web::ErrorCode`]; an internal error keeps its cause for the operator.
//!
//! # Example
//!
//! The router over an empty store:
//!
//! ```
//! use std::sync::Arc;
//! use annuaire_api::{ApiSettings, router};
//! use annuaire_index::Index;
//! use annuaire_web::{Gate, GateSettings, Lane};
//! use tower::ServiceExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let dir = tempfile::tempdir().unwrap();
//! let store = Arc::new(Index::open(dir.path(), 1 << 24, annuaire_fhir::dictionary::ALL).unwrap());
//! let gate = Arc::new(Gate::new(GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))));
//! let settings = ApiSettings::new(gate, [2; 32], Arc::new(Lane::new()));
//! let api = router(store.into(), None, settings);
//!
//! let request = axum::http::Request::get("/fhir/v2/Practitioner").body(axum::body::Body::empty()).unwrap();
//! let response = api.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), 200);
//! let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
//! assert!(body.starts_with(br#"{"resourceType":"Bundle""#));
//! # }
//! ```
//!
//! # Costs
//!
//! A read costs two look-ups and the decompression of one record; a search, the work that it counts, and a copy of each entry of
//! its page. XML costs a parse of each entry. Limits of a request are in `limits`, those of clients in [`annuaire_web::limits`].
//!
//! # What it never does
//!
//! It never writes but subscriptions and exports, never reads facts of the registry, never sends a byte of the restricted store without a
//! [`RestrictedReader`](annuaire_web::RestrictedReader) or a [`HistoryReader`](annuaire_web::HistoryReader), and never waits for a writer.

mod answer;
mod as_of;
mod basis;
mod bundle;
mod call;
mod change_lines;
mod cursor;
mod digest;
mod door;
mod error;
mod file_lines;
mod finish;
mod format;
mod headers;
mod json;
mod kept;
mod limits;
mod mount;
mod operations;
mod outcome;
mod path;
mod perimeters;
mod query;
mod request;
mod router;
mod serve;
mod service;
mod suggest;
mod types;
mod xml;
mod xml_pieces;

use std::sync::Arc;

use annuaire_index::Index;
use annuaire_subscribe::limits::SUBSCRIPTION_BYTES;
use annuaire_web::ServedStore;
use axum::Router;

use door::FhirDoor;
use mount::{RouteTable, get, post};
use operations::{
    HealthDoor, MetricsDoor, changes, changes_at, changes_state, create_subscription, delete_subscription, export_file,
    export_of_type, export_status, health, history_of_all, history_of_resource, history_of_type, list_subscriptions,
    match_practitioner, metadata, metrics, openapi, page, postman, published_checkpoint, published_file, published_key,
    published_page, published_root, published_root_signature, published_tile, read, read_subscription, remove_export,
    resend_subscription, search, search_by_form, search_by_posted_form, start_export, start_posted_export, subscription_events,
    subscription_status, subscription_statuses, update_subscription, vread,
};
use path::{HISTORISED, PUBLIC, PUBLIC_ALIAS, RESTRICTED};
use perimeters::{HistorisedPerimeter, NoPerimeter, PublicPerimeter, RestrictedPerimeter};
use router::{ForEachDoor, RouteList, RouterBuilder};

pub use bundle::reduce as reduced_resource;
pub use query::{export_filter, subscription_filter};
pub use router::Route;
pub use service::{ApiSettings, ServiceOperator};

/// The API over the public store and, when given, the restricted one.
pub fn router(public: ServedStore<Index>, restricted: Option<ServedStore<Index>>, settings: ApiSettings) -> Router {
    let service = Arc::new(service::Service::new(public, restricted, settings));
    let mut builder = RouterBuilder { service, router: Router::new() };
    doors(&mut builder);
    builder.router
}

/// All routes with their methods and rights, made of the tables that the router is made of.
#[must_use]
pub fn routes() -> Vec<Route> {
    let mut list = RouteList(Vec::new());
    doors(&mut list);
    list.0
}

/// The doors of the API.
fn doors(each: &mut impl ForEachDoor) {
    each.door(PUBLIC, perimeter::<PublicPerimeter>());
    each.door(PUBLIC_ALIAS, perimeter::<PublicPerimeter>());
    each.door(RESTRICTED, perimeter::<RestrictedPerimeter>());
    each.door(HISTORISED, perimeter::<HistorisedPerimeter>());
    each.door("/fhir", RouteTable::<NoPerimeter>::new().nothing_at(&["", "/", "/{*path}"]));
    each.door("", RouteTable::<HealthDoor>::new().at("/health", get(health)));
    each.door("", RouteTable::<MetricsDoor>::new().at("/metrics", get(metrics)));
}

/// The routes of a perimeter. A form posted to a word of ours, such as `metadata`, is a search on a type of that name.
fn perimeter<P: FhirDoor>() -> RouteTable<P> {
    RouteTable::new()
        .at("/metadata", get(metadata).post(search_by_posted_form))
        .at("/openapi.json", get(openapi))
        .at("/postman.json", get(postman))
        .at("/_page", get(page).post(search_by_posted_form))
        .at("/_history", get(history_of_all).post(search_by_posted_form))
        .at("/$changes", get(changes).post(search_by_posted_form))
        .at("/$changes/state", get(changes_state))
        .at("/$changes/at", get(changes_at))
        .at_no_cost("/$bulk-publish", get(published_root))
        .at_no_cost("/$bulk-publish/pages/{name}", get(published_page))
        .at_no_cost("/$bulk-publish/files/{name}", get(published_file))
        .at_no_cost("/$bulk-publish/root.sig", get(published_root_signature))
        .at_no_cost("/$bulk-publish/checkpoint", get(published_checkpoint))
        .at_no_cost("/$bulk-publish/key", get(published_key))
        .at_no_cost("/$bulk-publish/tile/{level}/{a}", get(published_tile::<P, 2>))
        .at_no_cost("/$bulk-publish/tile/{level}/{a}/{b}", get(published_tile::<P, 3>))
        .at_no_cost("/$bulk-publish/tile/{level}/{a}/{b}/{c}", get(published_tile::<P, 4>))
        .at_no_cost("/$bulk-publish/tile/{level}/{a}/{b}/{c}/{d}", get(published_tile::<P, 5>))
        .at("/$export", get(start_export).post(start_posted_export).with_bodies(limits::EXPORT_BODY))
        .at_no_cost("/$export/{id}", get(export_status).delete(remove_export))
        .at_no_cost("/$export/{id}/files/{name}", get(export_file))
        .at("/Subscription", get(list_subscriptions).post(create_subscription).with_bodies(SUBSCRIPTION_BYTES))
        .at("/Subscription/_search", get(list_subscriptions))
        .at("/Subscription/$status", get(subscription_statuses))
        .at(
            "/Subscription/{id}",
            get(read_subscription).put(update_subscription).delete(delete_subscription).with_bodies(SUBSCRIPTION_BYTES),
        )
        .at("/Subscription/{id}/$status", get(subscription_status))
        .at("/Subscription/{id}/$events", get(subscription_events))
        .at("/Subscription/{id}/$resend", post(resend_subscription))
        .at("/Practitioner/$match-practitioner", post(match_practitioner).with_bodies(limits::MATCH_BODY))
        .at("/{type}", get(search).post(search_by_posted_form))
        .at("/{type}/_history", get(history_of_type))
        .at("/{type}/_search", get(search).post(search_by_form))
        .at("/{type}/$export", get(export_of_type).post(export_of_type))
        .at("/{type}/{id}", get(read))
        .at("/{type}/{id}/_history", get(history_of_resource))
        .at("/{type}/{id}/_history/{version}", get(vread))
        .nothing_at(&["", "/", "/{type}/", "/{type}/{id}/", "/{type}/{id}/{*more}"])
}
