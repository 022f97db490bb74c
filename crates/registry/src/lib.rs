//! Use cases of registration (RPPS+): requests, habilitations, numbers, facts, messages, timers.
//!
//! # Concepts
//!
//! * A [`Registration`] is the service. Any node may be asked: whatever another node needs is a row of the registry.
//! * Who acts is a type: [`ManagerSession`], [`RepresentativeSession`], [`ApplicantSession`], [`HolderSession`], [`ArbiterSession`],
//!   [`SupportSession`], [`TerminologySession`], [`AuthoritySession`], [`AuditorSession`], [`SoftwareSession`], [`SystemActor`]. Each is made by
//!   one check, and a function says by its arguments who may call it. A session says who somebody is; rights are read again at each call, so that what was revoked ends at once.
//! * Each step of a request loads rows and merged facts, asks `workflow`, and carries out every effect in **one unit**: the
//!   request with its listing, facts, keys of identity, jobs, messages, audit event. Whoever loses a race decides again. A
//!   refusal ([`RegistrationRefusal`]) has the code and text of the reference, and is audited.
//! * The content of a request is sealed as a whole; its row holds no trait in clear. Identities are found by keyed hashes.
//! * What a local authority states of a person are facts of its own owner, marked as those of files: a registered person is published
//!   by following the log, and looks like one whom the files describe.
//!
//! These loops belong to the program: [`Registration::run_processing`] (T02), [`Registration::run_lots`] (lists of employers),
//! [`Registration::run_feeds`] (feeds of orders and agencies),
//! [`Registration::run_notices`] (messages), [`Registration::run_due`] (timers, planned situations), [`Registration::index_next`] (keys
//! of the identities that the log changes), [`Registration::follow_next`] (structures that the log changes), and once a night
//! [`Registration::run_nightly_duplicates`] and [`Registration::run_nightly_indicators`].
//!
//! # Costs and absences
//!
//! A step costs some point reads and one unit; a search for an identity costs a page of rows for each of its keys and the facts of the
//! candidates. This room knows no HTML, SQL, clock or environment, and sends nothing itself: the program gives a
//! [`NoticeSender`] and a [`StructureSearch`]. Absent: suspended situations of closed structures, the switch of a profession from ADELI
//! records (§16.5; correspondence files are loaded).

mod accesses;
mod acting;
mod alerts;
mod anomalies;
mod applicant;
mod arbitration;
mod attested;
mod audience;
mod auditor;
mod authority;
mod backlog;
mod certification;
mod certification_tasks;
mod checks;
mod civil_register;
mod consoles;
mod contact_codes;
mod contact_confirm;
mod contact_proposals;
mod content;
mod correspondence;
mod dashboard;
mod death_correction;
mod due;
mod duplicates;
mod effects;
mod employer;
mod error;
mod feed;
mod feed_batch;
mod feed_record;
mod feed_rows;
mod feed_stated;
mod feed_write;
mod filing;
mod followed;
mod grants;
mod habilitations;
mod holder;
mod home_help;
mod identity_key;
mod indexing;
mod indicator_count;
mod indicators;
mod keys;
pub mod limits;
mod lists;
mod lives;
mod lot_check;
mod lot_rows;
mod lot_shared;
mod lot_work;
mod lots;
mod merging;
mod notice;
mod once;
mod outbox;
mod outside_warnings;
mod own_sheets;
mod person;
mod person_search;
mod place;
mod processing;
mod registering;
mod representative;
mod request_row;
mod requests;
mod reviewing;
mod row;
mod second_look;
mod second_look_row;
mod sections;
mod service;
mod session;
mod software;
mod software_reading;
mod staff;
mod stated;
mod statement;
mod step;
mod structure_log;
mod support;
mod survey;
mod takeover;
mod target;
mod told_owners;
mod wishes;

pub use accesses::FileAccess;
pub use alerts::RequestAboutHolder;
pub use annuaire_store::{AuditFilter, AuditRow};
pub use anomalies::{AnomalyAnswer, AnomalyDatum, AnomalyOwner, AnomalyReport, AnomalyState, ListedAnomaly, ReportedAnomaly};
pub use applicant::{ApplicantSession, CivilTraits};
pub use arbitration::{ArbitrationLine, ArbitrationSheet};
pub use attested::AttestedPerson;
pub use auditor::{AuditorSession, ListedAction};
pub use authority::{AuthorityPerson, AuthoritySession};
pub use backlog::OperatorBacklog;
pub use certification::AnswerOutcome;
pub use certification_tasks::IdentityToVerify;
pub use checks::IdentityChecks;
pub use civil_register::{AnswerFault, AskedIdentity, CivilAnswer, CivilQuestion, parse_answer};
pub use consoles::OpenConsoles;
pub use contact_proposals::{ProposedContact, note_activation};
pub use correspondence::CorrespondenceReport;
pub use dashboard::{Dashboard, StaffFigures};
pub use death_correction::{CorrectedDeath, DeathToCorrect, EndedSituation};
pub use due::DueRun;
pub use duplicates::{DuplicatePair, DuplicateSheet, DuplicatesRun};
pub use error::{Error, RegistrationRefusal, RegistrationStop};
pub use feed::{FeedSender, ListedFeed};
pub use feed_batch::FeedsRun;
pub use feed_rows::FeedPhase;
pub use habilitations::{ListedManager, ManagerTerms};
pub use holder::{ContactProposal, OwnFile};
pub use home_help::AttestedHomeHelp;
pub use indexing::IndexingRun;
pub use indicators::{IndicatorReader, IndicatorsRun, QualityReport, ScoredAuthority, TerritoryFigures};
pub use lists::{ListedRequest, ManagerTasks, RequestPage, RequestQuery, RequestSheet, RequestTable};
pub use lives::{means_frozen, means_withheld};
pub use lot_rows::{LotFinding, LotLine, LotOutcome, LotPhase};
pub use lot_shared::{SharedLineState, SharedLot, SharedLotLine, SharedLotSheet};
pub use lot_work::LotsRun;
pub use lots::{ListedLot, LotFault, LotSheet, LotSheetLine, LotUpload};
pub use merging::{MergeToUndo, MergedPersons, UndoneMerge};
pub use outbox::{InboxMessage, NoticeDelivery, NoticeSender, NoticesRun};
pub use person_search::{FoundPerson, PersonInside, PersonQuery, PersonSearch};
pub use place::{RegisteredPlace, StructureSearch};
pub use processing::ProcessingRun;
pub use representative::{AuthoritySheet, HabilitationCandidate, ListedMandataire};
pub use request_row::{origin_code, section_code};
pub use requests::RegistrationSubject;
pub use reviewing::{ReviewLine, ReviewPage};
pub use second_look::{ArbiterDisagreement, SecondLookLine, SecondLookSheet};
pub use second_look_row::IdentityDecision;
pub use sections::{SectionDraft, SectionOutcome};
pub use service::{Registration, RegistrationSettings, SystemActor};
pub use session::{
    ArbiterSession, HolderSession, ManagerSession, RepresentativeSession, SessionTrace, SupportSession, TerminologySession,
};
pub use software::{ListedSoftware, SoftwareSecret, SoftwareSession};
pub use software_reading::{RequestEventCursor, RequestEventPage, SoftwarePlace, SoftwareRequestQuery, StateEvent};
pub use staff::{StaffLine, StaffPage};
pub use stated::{OwnExercise, OwnSituation};
pub use step::SteppedRequest;
pub use support::{AttachedStructure, OperatorJob, SupportPerson, SupportRequest, SupportStep};
pub use target::{parse as parse_target, text_of as target_text};
pub use wishes::ProfessionWish;
