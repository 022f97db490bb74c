//! What every door of the server shares: who asks, limits, fair turns, kept answers, compression, request log, errors.
//!
//! A door answers requests: the FHIR API, the pages for people. Each request passes the [`Gate`] twice. On arrival, the gate
//! decides who asks (behind which proxy, with which verified key or credential), whether the client keeps its rate and whether
//! the request names its host. When the answer leaves, the gate writes one log line and counts it.
//!
//! # Concepts
//!
//! - **Pass**: the right to call, as a type. Only the gate makes an [`Anyone`], [`ApiClient`], [`RestrictedReader`] or
//!   [`Operator`]; a handler that takes one cannot be called for somebody who was not let in.
//! - **Client**: whom a request counts for, a keyed hash of a verified key or of the address ([`Client`]).
//! - **Turn**: short requests are answered by the threads that read connections, within [`limits::QUICK`] units of work. Longer
//!   ones start again in the [`Lane`], one client after the other, within [`limits::LONG`] units. A client that took more than
//!   its share ([`Shares`]) waits while others ask.
//! - **Piece**: a long answer leaves in pieces ([`PieceSource`]) with back-pressure, each made while the one before is sent.
//! - **File**: an immutable file is answered whole or in part ([`Representation`], [`FileBytes`]), block by block.
//! - **Served store**: a handle to what is served; a rebuilt store takes its place while requests are answered ([`ServedStore`]).
//! - **Kept answer**: an answer asked for a second time in one state of the directory is kept ([`KeptAnswers`]).
//! - **Error code**: every refusal of every door is one row of a closed table ([`ErrorCode`]). The cause of an internal error goes
//!   to the operator's log, under the request id that the client got ([`record_internal_error`]).
//!
//! # Example
//!
//! A gate, and a handler whose argument says who may call it:
//!
//! ```
//! use std::sync::Arc;
//! use annuaire_web::{ApiClient, Gate, GateSettings, RateRule, Refusal};
//!
//! fn greet(_: ApiClient) -> &'static str {
//!     "hello"
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let clock = Arc::new(|| 1_800_000_000_000_000);
//! let gate = Gate::new(GateSettings { api_keys: vec!["secret".to_owned()], ..GateSettings::new([1; 32], clock) });
//!
//! let stranger = axum::http::Request::get("/hello").body(()).unwrap();
//! let (arrival, pass) = gate.arrive::<ApiClient>(&mut stranger.into_parts().0, RateRule::Counted).await;
//! assert_eq!(pass.map(greet), Err(Refusal::ApiKey));
//! assert_eq!(arrival.refusal, Some(Refusal::ApiKey));
//!
//! let holder = axum::http::Request::get("/hello").header("esante-api-key", "secret").body(()).unwrap();
//! let (_, pass) = gate.arrive::<ApiClient>(&mut holder.into_parts().0, RateRule::Counted).await;
//! assert_eq!(pass.map(greet), Ok("hello"));
//! # }
//! ```
//!
//! # Costs
//!
//! An arrival costs a keyed hash of the address (and one of the key, when the door asks for it), a look-up in the table of
//! rates under a lock, and the string of its request id. A log line costs one string and the call of the sink. Memory is
//! bounded by [`limits`], however many strangers ask.
//!
//! # What it never does
//!
//! It knows neither FHIR nor HTML nor stores, reads no clock and opens no file: clock, secret, sinks and open files are parameters
//! ([`GateSettings`]). It never logs the value of a parameter, a key, or an address.

mod client;
mod client_cert;
mod clock;
mod conditions;
pub mod connections;
mod error_code;
mod file_answer;
mod forwarded;
mod gate;
mod guesses;
mod host;
mod indent;
mod internal;
mod kept_answers;
mod lane;
pub mod limits;
mod metrics;
mod negotiation;
mod network;
mod pass;
mod pending_line;
mod pieces;
mod position;
mod proxies;
mod public_base;
mod publication;
mod rate;
mod request_log;
mod served;
mod settings;
mod shares;
mod tls;
mod turns;

pub use annuaire_gzip::GzipCoding;
pub use client::Client;
pub use client_cert::{ClientCertFault, client_cert_header};
pub use clock::ClockUs;
pub use conditions::{match_names, none_match_names};
pub use error_code::ErrorCode;
pub use file_answer::{FileBytes, FileRefusal, FileSelection, Representation};
pub use gate::{Arrival, Gate, RateRule, Refusal};
pub use indent::JsonIndenter;
pub use internal::{cause_chain, record_internal_error};
pub use kept_answers::{AnswerKey, KeptAnswers};
pub use lane::{Full, Lane, WAITING};
pub use negotiation::{accepts_gzip, accepts_zstd, lenient_quality};
pub use network::{Network, NotANetwork};
pub use pass::{Anyone, ApiClient, HistoryReader, Operator, Pass, RestrictedReader, Subscriber, Who};
pub use pending_line::{account_for, known_length};
pub use pieces::{CutShort, Piece, PieceSource, response_in_pieces};
pub use position::{StorePosition, digest_prefix};
pub use proxies::{Origin, Proxies};
pub use public_base::{NotAPublicBase, PublicBase};
pub use publication::{PublicationStates, PublicationStatus, StoreHealth, StoreState};
pub use rate::{Rate, RateLimiter, RateVerdict};
pub use request_log::{LogSink, RequestLine, RequestSubject};
pub use served::ServedStore;
pub use settings::GateSettings;
pub use shares::Shares;
pub use tls::{ClientCertificates, PeerCertificates, ServedTls, TlsConfiguration, TlsFault};
pub use turns::Turns;
