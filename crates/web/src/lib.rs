//! What every door of the server shares.
//!
//! A door is what answers requests: the FHIR API, the pages for people. Each request passes the [`Gate`] when it arrives: who
//! asks (behind which proxy, with which verified key or credential), how often, for which host; and when it leaves: one log
//! line, one count. An internal error keeps its cause in the log of the operator, under the request id that the client got
//! ([`record_internal_error`]). [`Publication`] tells the doors how far the stores are behind the log.
//!
//! The room knows neither FHIR nor HTML, reads no clock and opens no file: clock, secret and sinks are [`GateSettings`].

mod coding;
pub mod connections;
mod error;
mod gate;
mod guess;
mod journal;
mod lane;
pub mod limits;
mod proxy;
mod publication;
mod rate;
mod who;

pub use coding::accepts_gzip;
pub use error::{cause_chain, record_internal_error};
pub use gate::{Arrival, ClockUs, Gate, GateSettings, NotAPublicBase, PublicBase, RateRule, Refusal};
pub use journal::{LogSink, RequestLine, RequestSubject};
pub use lane::{Full, Lane, WAITING};
pub use proxy::{Network, NotANetwork, Origin, Proxies};
pub use publication::{Publication, PublicationStatus, StoreHealth, StoreState};
pub use rate::{Rate, RateVerdict};
pub use who::{Anyone, ApiClient, Client, Operator, Pass, RestrictedReader, Who};
