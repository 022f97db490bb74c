//! The public search and directory pages, over the public store.
//!
//! # Concepts
//!
//! - **A page** (`page.rs`) is a struct with a template. Its type states the status of the response,
//!   how long it may be cached and whether search engines may list it. There is one file for each page, with the struct, the
//!   handler that serves it and the function that fills it.
//! - **The table of pages** is `routes.rs`: address, name in the request log and handler of each.
//! - **A visit** is a request that the [`Gate`](annuaire_web::Gate) let in. Every handler takes one, and the store opens only
//!   with the pass inside. Every page but the list of the extractions is for [`Anyone`](annuaire_web::Anyone).
//! - **The lane.** A page that reads the store is made in the [`Lane`](annuaire_web::Lane) of long work, in the turn of its
//!   client, so that a wide search delays nobody else.
//! - **Extractions** (`extraction.rs`) are directories of files that the program makes once a day. Their door
//!   (`extraction_door.rs`) is for holders of a key, and that of the restricted ones for holders of a credential.
//! - **Developers** (`developers.rs`) who ask the API by a browser get a page: the answer of the API as it is, with links, or at the
//!   address of the API itself what there is, with forms and examples. The API is a router that the program gives.
//! - **Resources.** Pages show published FHIR resources. `resource/` turns their JSON into what templates print, and takes out
//!   characters that are invisible or change the direction of text.
//!
//! - **A sheet** is the page of a professional or a structure. What it shares with its contact card, its QR code and the check of a right to
//!   practise is in `person.rs` and `sheet.rs`.
//! - **Languages.** Sheets and checks are in English too, at `?lang=en`: templates name each label by its French, and `words.rs` is the table.
//! - **Delivery.** `delivery.rs` gives each page a tag of its content, and compresses it.
//!
//! # Example
//!
//! ```
//! use annuaire_index::Index;
//! use annuaire_pages::{LegalNotices, PagesSettings};
//! use annuaire_web::limits::LONG;
//! use annuaire_web::{Gate, GateSettings, Lane};
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode};
//! use std::sync::Arc;
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let directory = tempfile::tempdir().unwrap();
//! let public_store = Index::open(directory.path(), 1 << 24, &[]).unwrap();
//! let clock = Arc::new(|| 1_800_000_000_000_000);
//! let settings = PagesSettings {
//!     gate: Arc::new(Gate::new(GateSettings::new([7; 32], clock))),
//!     operator: "Agence d’essai".to_owned(),
//!     notices: LegalNotices::default(),
//!     fictional: true,
//!     lane: Arc::new(Lane::new()),
//!     work: LONG,
//!     extractions: None,
//!     is_indexed: true,
//!     has_portal: false,
//! };
//! let app = annuaire_pages::router(Arc::new(public_store).into(), settings);
//!
//! let request = Request::get("/professionnel/810000000000").body(Body::empty()).unwrap();
//! let response = app.oneshot(request).await.unwrap();
//! assert_eq!(response.status(), StatusCode::NOT_FOUND);
//! assert_eq!(response.headers()["cache-control"], "no-cache");
//! # });
//! ```
//!
//! # Costs
//!
//! A page of a professional or a structure is a handful of look-ups, each resource one decompression and one JSON parse. A
//! search costs the work that `finder` needs, at most [`PagesSettings::work`]; only the results that are shown are parsed. HTML is rendered into one string.
//!
//! # What it never does
//!
//! It needs no script (the one that it has copies telephone numbers), sets no cookie, stores nothing, and reads neither the restricted store nor the registry nor a clock of
//! its own. It never shows the text of an internal error: the visitor reads a number, and the operator finds the cause under
//! that number in the log.

mod admission;
mod choices;
mod correction;
mod delivery;
mod developers;
mod extraction;
mod extraction_door;
mod frame;
mod french;
mod history;
mod limits;
mod marks;
mod page;
mod person;
mod person_name;
mod phone;
mod qr;
mod query;
mod resource;
mod routes;
mod schema;
mod search;
mod settings;
mod sheet;
mod site;
mod turn;
mod vcard;
mod visit;
mod withdrawn;
mod words;

pub use developers::ApiDoor;
pub use extraction::{Edition, EditionFile, FileGroup, NOTE, editions, is_edition};
pub use page::stylesheet::{STYLE as STYLESHEET, path as stylesheet_path};
pub use routes::{router, router_with_api};
pub use settings::{LegalNotices, PagesSettings};
