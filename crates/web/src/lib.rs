//! What every door of the server shares.
//!
//! A door is what answers requests: the FHIR API, the pages for people. Each request passes the [`Gate`] when it arrives: who
//! asks (behind which proxy, with which verified key or credential), how often, for which host; and when it leaves: one log
//! line, one count. An internal error keeps its cause in the log of the operator, under the request id that the client got
//! ([`record`]). [`Publication`] tells the doors how far the stores are behind the log.
//!
//! The room knows neither FHIR nor HTML, reads no clock and opens no file: clock, secret and sinks are [`Settings`].

mod coding;
mod error;
mod gate;
mod guess;
mod journal;
pub mod limits;
mod proxy;
mod publication;
mod rate;
mod who;

pub use coding::accepts_gzip;
pub use error::{chain, record};
pub use gate::{Arrival, Asks, Base, Clock, Gate, NotABase, Refusal, Settings};
pub use journal::{Line, Log, Seen};
pub use proxy::{Network, NotANetwork, Origin, Proxies};
pub use publication::{Publication, Standing, Status, StoreState};
pub use rate::{Rate, Verdict};
pub use who::{Caller, Client, Pass};
