//! Registration of professionals: who may do what, when, and what follows; pure functions and data.
//!
//! # Concepts
//!
//! * A *request* moves through [`state`]s by the rows of one table ([`transition`]). [`decide::decide`] answers whether an event
//!   of an actor is possible now, where it leads and what follows, or refuses with a stable code and its French text. Everything
//!   that no row covers is refused.
//! * The caller loads plain facts ([`request`]), asks, and carries out the effects in one unit of work. Nothing here reads a
//!   clock, a file or chance: now, today, seeds and keys are parameters.
//! * [`rights`] is the matrix of actors and objects; a [`perimeter`] tells on which structures a manager acts, [`habilitation`]
//!   whether they may.
//! * [`fields`] checks what was typed, section by section; [`messages`] holds every text with its code; [`value_sets`],
//!   [`communes`] and [`names`] feed the form.
//! * [`duplicates`] compares identities and tells what a manager may know of a match; [`certification`], [`situation`],
//!   [`person`] and [`contact`] are the lives of what a request leaves behind.
//! * [`adeli`] reads the files of the move from ADELI to RPPS numbers.
//! * [`bulk`] reads a line of a list of an employer as drafts of that form; [`feed`] has the rules of what orders and agencies send.
//! * [`reviews`] and [`indicators`] keep the directory true and tell how true it is.
//! * [`timers`] tell what is due when nobody acts, [`notifications`] what people are told.
//!
//! The files in `tests/golden` show all of it to people of the field. A module whose rules go beyond the reference, or choose
//! where it contradicts itself, says so at its head.
//!
//! # Example
//!
//! ```
//! use annuaire_workflow::actor::ActorKind;
//! use annuaire_workflow::decide::decide;
//! use annuaire_workflow::day::parse_iso;
//! use annuaire_workflow::kind::{RequestKind, RequestOrigin};
//! use annuaire_workflow::messages::MessageCode;
//! use annuaire_workflow::request::{ActingPerson, DecisionContext, LegalStatement, RequestEvent, RequestFacts};
//! use annuaire_workflow::state::RequestState;
//!
//! let mut request = RequestFacts::new(RequestKind::Primo, RequestOrigin::Ae, parse_iso("2026-01-12").unwrap());
//! request.state = Some(RequestState::S20);
//! let manager = ActingPerson { kind: ActorKind::Gae, id: "99900000011".into(), ae: Some("990000010".into()) };
//! let context = DecisionContext::new(1_768_212_000_000);
//!
//! let unsigned = RequestEvent::Validate { version: 0, legal: LegalStatement::default(), changed: vec![] };
//! assert_eq!(decide(&request, &unsigned, &manager, &context).unwrap_err().code, MessageCode::ELeg01);
//!
//! let legal = LegalStatement { confirmed: true, face_to_face: true, method: None };
//! let signed = RequestEvent::Validate { version: 0, legal, changed: vec![] };
//! assert_eq!(decide(&request, &signed, &manager, &context).unwrap().to, RequestState::S30);
//! ```
//!
//! # Costs and absences
//!
//! A decision walks over some forty rows. The index of communes is made at its first use, in some tenths of a second; a question
//! walks over it. There is no storage, no page and no message sent: `registry` and `portal` do that. The rules
//! of cards (§18) belong to `exchange`.

pub mod actor;
pub mod adeli;
pub mod attestation;
pub mod bulk;
pub mod certification;
mod coded;
pub mod communes;
pub mod contact;
pub mod day;
pub mod decide;
pub mod duplicates;
pub mod feed;
pub mod fields;
pub mod habilitation;
pub mod indicators;
pub mod kind;
pub mod limits;
pub mod messages;
pub mod names;
pub mod norm;
pub mod notifications;
pub mod perimeter;
pub mod person;
pub mod phonetic;
pub mod request;
pub mod request_number;
pub mod reviews;
pub mod rights;
pub mod routing;
pub mod rpps_number;
pub mod situation;
pub mod state;
pub mod timers;
pub mod transition;
pub mod value_sets;
