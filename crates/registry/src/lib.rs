//! Use cases of registration (RPPS+): requests, habilitations, numbers, facts, messages, timers.
//!
//! # Concepts
//!
//! * A [`Registration`] is the service. Any node may be asked: whatever another node needs is a row of the registry.
//! * Who acts is a type: [`ManagerSession`], [`RepresentativeSession`], [`ApplicantSession`], [`HolderSession`], [`ArbiterSession`],
//!   [`SupportSession`], [`TerminologySession`], [`SystemActor`]. Each is made by one check, and a function says by its arguments who may call it. A
//!   session says who somebody is; rights are read again at each call, so that what was revoked ends at once.
//! * Each step of a request loads rows and merged facts, asks `workflow`, and carries out every effect in **one unit**: the
//!   request with its listing, facts, keys of identity, jobs, messages, audit event. Whoever loses a race decides again. A
//!   refusal ([`RegistrationRefusal`]) has the code and text of the reference, and is audited.
//! * The content of a request is sealed as a whole; its row holds no trait in clear. Identities are found by keyed hashes.
//! * What a local authority states of a person are facts of its own owner, marked as those of files: a registered person is published
//!   by following the log, and looks like one whom the files describe.
//!
//! Three loops belong to the program: [`Registration::run_processing`] (T02), [`Registration::run_notices`] (messages), and
//! [`Registration::run_due`] (timers, planned situations).
//!
//! # Costs and absences
//!
//! A step costs some point reads and one unit; a search for an identity costs a page of rows for each of its keys and the facts of the
//! candidates. This room knows no HTML, SQL, clock or environment, and sends nothing itself: the program gives a
//! [`NoticeSender`] and a [`StructureSearch`]. Absent: merging two numbers (§8.6), the nightly search for duplicates (§8.7), the
//! dialogue with the civil register (§9: only what is to be asked is written), reviews and campaigns (§15), lists of employers
//! and their software (§17), suspended situations of closed structures.

mod acting;
mod alerts;
mod applicant;
mod arbitration;
mod audience;
mod checks;
mod contact_codes;
mod content;
mod dashboard;
mod due;
mod effects;
mod error;
mod followed;
mod grants;
mod habilitations;
mod home_help;
mod identity_key;
mod keys;
pub mod limits;
mod lists;
mod lives;
mod notice;
mod outbox;
mod person;
mod person_search;
mod place;
mod processing;
mod registering;
mod representative;
mod request_row;
mod requests;
mod row;
mod sections;
mod service;
mod session;
mod staff;
mod statement;
mod step;
mod takeover;
mod target;
mod wishes;

pub use applicant::{ApplicantSession, CivilTraits};
pub use arbitration::{ArbitrationLine, ArbitrationSheet};
pub use checks::IdentityChecks;
pub use dashboard::{Dashboard, StaffFigures};
pub use due::DueRun;
pub use error::{Error, RegistrationRefusal, RegistrationStop};
pub use habilitations::{ListedManager, ManagerTerms};
pub use lists::{ListedRequest, RequestPage, RequestQuery, RequestSheet, RequestTable};
pub use outbox::{InboxMessage, NoticeDelivery, NoticeSender, NoticesRun};
pub use person_search::{FoundPerson, PersonInside, PersonQuery, PersonSearch};
pub use place::{RegisteredPlace, StructureSearch};
pub use processing::ProcessingRun;
pub use representative::{AuthoritySheet, HabilitationCandidate, ListedMandataire};
pub use request_row::{origin_code, section_code};
pub use requests::RegistrationSubject;
pub use sections::{SectionDraft, SectionOutcome};
pub use service::{Registration, RegistrationSettings, SystemActor};
pub use session::{
    ArbiterSession, HolderSession, ManagerSession, RepresentativeSession, SessionTrace, SupportSession, TerminologySession,
};
pub use staff::{StaffLine, StaffPage};
pub use step::SteppedRequest;
pub use wishes::ProfessionWish;
