//! The interface of registration for software of employers (registration §17.3), below `/portail/api/v1`.
//!
//! # Concepts
//!
//! * One table ([`routes`]) names each address with its method, who may call it, what it takes and answers; the router and the OpenAPI document are
//!   made from it.
//! * A handler says by its argument who may call it: a `SoftwareCall` holds the session of a token that stands ([`call`]). Rights are
//!   those of the manager who answers for the software, and `registry` reads them again at each call.
//! * A refusal is a value ([`problem`]) and leaves as `application/problem+json` (RFC 9457) with the code and text of the reference (§5.3) and a
//!   finding for each field. What a software may not know does not exist for it: the answer is one and the same.
//! * A request has its version as `ETag`; what changes it names the version that it saw (`If-Match`).
//!
//! This room knows no database: it asks `registry`. Nothing is in memory that another node needs; rates are counted by each node. Absent: signed
//! calls to addresses of the employer (webhooks: there is the feed), SCIM, lists of allowed addresses, certificates of clients.

mod admission;
mod call;
mod door;
mod fields;
mod guesses;
mod json;
pub mod limits;
mod lots;
mod openapi;
mod problem;
mod reading;
mod requests;
mod route;
mod routes;
mod token;

pub use door::HrSettings;
pub use routes::router;

/// Where all addresses of this room begin.
pub const BASE: &str = "/portail/api/v1";
