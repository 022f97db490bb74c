//! The transition table of requests as data (registration §6.4).
//!
//! A row stands for one line of the reference, or for one branch of it. [`decide`](crate::decide::decide) is the only reader that
//! acts on it; everything that no row covers is refused with E-REQ-06.
//!
//! Choices where the reference is silent or contradicts itself:
//!
//! - An ARS instructs the populations of its region as a manager does (§2.6, §16.2), so it stands wherever `GAE` does.
//! - `COORD` is created by row 03, which does not name it, since row 10 submits it from a draft of the professional.
//! - The software of an employer acts as a manager does while drafting, and validates only under the option of §17.3.
//! - The branches of rows 18b and 21 that lead elsewhere are rows of their own: 18c, 18d and 21b.
//! - G-self guards every act of instruction (09, 12, 13, 15, 16, 17), not only the decision: a manager never instructs a request
//!   about themselves.
//! - Row 08 also asks for a verified contact and for no other open request, and holds for registered professionals.
//! - Row 34 needs authority and arbiter: one of them acts, the other one has agreed. It is for requests that added a situation:
//!   cancelling a change would cancel a situation that was true before.
//! - An added situation (18b, AJOUT) is told by N10b, which says exactly that.

use crate::actor::ActorKind::{self, Arb, Ars, Gae, Hra, Pro, Prol, Sup, Sys};
use crate::kind::RequestKind::{self, Ajout, Civil, Coord, Fin, Modif, Primo};
use crate::notifications::NoticeId;
use crate::request::RequestEventKind as On;
use crate::state::RequestState::{self, S10, S11, S20, S25, S30, S35, S40, S50, S51, S60, S61, S70};

/// What must hold for a row to be there at all. Where no row of an event is there, the refusal is E-REQ-06.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransitionCondition {
    /// An authority drafted the request.
    ByAuthority,
    /// A professional drafted it.
    ByProfessional,
    /// The structure has a manager.
    ManagerExists,
    /// It has none.
    NoManager,
    /// The actor is not the author.
    NotAuthor,
    /// The request is frozen.
    IsBlocked,
    /// The request is not frozen.
    IsFree,
    /// The authority has no other manager, if that is why the request is frozen.
    NobodyElse,
    /// The time of this state is over (registration §13).
    TimeIsOver,
    /// The days to answer a declared departure are over.
    SilenceIsOver,
    /// The processing failed for a technical reason.
    TechnicalFailure,
    /// It failed for the third time at least.
    FailedOften,
    /// A rule of the structure or of situations no longer holds.
    RuleBroken,
    /// The person died meanwhile.
    FoundDead,
    /// An arbiter must look: probable match, sanction of an order, ADELI number without RPPS number.
    NeedsArbiter,
    /// A rectification changes the pivot of the identity.
    PivotChanges,
    /// The identity is surely that of a registered person.
    CertainMatch,
    /// Nothing stands against writing.
    NothingFound,
    /// The registered person has a contact that was verified.
    ContactVerified,
    /// The registered person has none.
    ContactNotVerified,
    /// Less than 24 hours since the number was given.
    WithinADay,
    /// Nothing was activated since.
    NothingActivated,
    /// The authority asks that another person validates.
    FourEyesOn,
    /// The identity was neither seen face to face nor by FranceConnect.
    WeakIdentity,
    /// The manager changed fields while instructing a request of a professional.
    FieldsChanged,
    /// The request gives a number to a new person.
    NewPerson,
    /// The request changes civil status.
    CivilStatus,
    /// The request changes contact data.
    ContactData,
    /// The request changes or ends a situation.
    ExistingSituation,
    /// The request adds a situation.
    AddedSituation,
}

/// What must hold for a row to be followed. A guard that fails gives its own refusal; guards are asked in the order of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guard {
    /// G-per: the perimeter of the actor contains the structure. E-PER-01, or E-PER-02 when it did once.
    Perimeter,
    /// G-hab: authority and manager are habilitated now. E-PER-02.
    Habilitated,
    /// G-own: author, or member of the author's authority. E-REQ-06.
    Owner,
    /// The caller is not registered under this identity. M02.
    NotRegistered,
    /// G-ver: the version sent is the stored one. E-GEN-09.
    Version,
    /// G-self: the actor is not the subject. E-REQ-04.
    NotSubject,
    /// G-4: the four-eyes rule. E-REQ-05.
    FourEyes,
    /// A software validates only under the option, and nothing with warnings. E-REQ-07.
    Machine,
    /// Only fields that a manager may change were changed. E-REQ-06.
    AllowedChanges,
    /// The checks of the section leave nothing open. E-REQ-09.
    SectionChecked,
    /// G-sec: all sections are valid. E-REQ-03.
    Sections,
    /// E-mail and mobile are verified. E-REQ-03.
    VerifiedContact,
    /// The code on the new contact was entered. E-REQ-11.
    Code,
    /// G-uniq: no other open request for the person and situation. E-REQ-01, E-REQ-02.
    Unique,
    /// G-leg: legal box ticked, method given. E-LEG-01, E-LEG-02.
    Legal,
    /// A reason of 10 to 500 characters. E-GEN-01, E-GEN-03.
    Reason,
    /// A reason of the list, with a text of 10 to 500 characters for « autre ». E-GEN-01, E-GEN-03.
    RefusalReason,
    /// The target is another authority. E-GEN-02.
    OtherTarget,
    /// The question was answered with yes. E-REQ-10.
    Confirmed,
    /// Authority and arbiter agree. E-REQ-08.
    Seconded,
}

/// What follows from a transition, for the caller to carry out in the unit of work that stores the new state. Audit is no effect:
/// every event is audited, refused ones too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Allot the number of the request.
    AllotRequestNumber,
    /// Make the actor its owner.
    SetOwner,
    /// Fill civil status from FranceConnect, certified FC or FCP.
    FillCivilStatus,
    /// Store what was typed.
    StoreDraft,
    /// Begin the time of the draft again.
    RestartDraftTimer,
    /// Mark the section as valid, and store which warnings were acknowledged.
    MarkSectionValid,
    /// Look for the identity early (registration §8.2).
    EarlyIdentityCheck,
    /// Find the authority (registration §11.3).
    RouteToAuthority,
    /// Let the request wait for a manager, and offer the authority of the territory (registration §11.4).
    WaitForManager,
    /// Mark sections that are touched from now on as incomplete.
    ReopenSections,
    /// Place the request in the perimeter of the target.
    MoveToTarget,
    /// End the blocking.
    Unblock,
    /// Freeze the request.
    Block,
    /// Let timers go on.
    ResumeTimers,
    /// Erase personal data after the retention of the final state.
    PlanErasure,
    /// Seal the snapshot that was validated, with its hash.
    SealSnapshot,
    /// Store the version of the general conditions, the method of verification, actor and date.
    StoreLegalProof,
    /// Withhold the activation of the means until the certification is `C`.
    WithholdMeans,
    /// List in N10 what the manager changed.
    ListChanges,
    /// Allot the RPPS number.
    AllotRpps,
    /// Write person, exercise and situation.
    CreatePerson,
    /// Write the new versions.
    WriteVersions,
    /// Add the situation to the registered person, whose number stays.
    AttachSituation,
    /// Make the type AJOUT.
    BecomeAjout,
    /// Discard the contact of the request.
    DiscardContact,
    /// Keep the contact of the request as a proposal, and freeze credentials until the person proves identity.
    ProposeContact,
    /// Ask for the certification of the civil status (DI).
    RequestCertification,
    /// Tell publication.
    Publish,
    /// Put the request in the queue of arbitration.
    QueueArbitration,
    /// Store the pair as distinct for ever.
    StoreDistinctPair,
    /// Process again.
    ResumeProcessing,
    /// Try again after [`retry_minutes`](crate::decide::retry_minutes), under the key of the request number.
    RetryLater,
    /// Tell operators.
    AlertOperators,
    /// Mark the end as declared by the professional.
    FlagDeclaredEnd,
    /// Close without any message to the contact.
    CloseSilently,
    /// Mark the situation as cancelled.
    CancelSituation,
    /// Keep the number allotted and inactive; it is never used again.
    DeactivateRpps,
    /// Send a notification.
    Notify(NoticeId),
}

/// An effect, and when it is part of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EffectRule {
    /// Holds always when `None`.
    pub only_when: Option<TransitionCondition>,
    /// What follows.
    pub effect: Effect,
}

/// Where a transition leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransitionTarget {
    /// The state does not change.
    Stay,
    /// The state does not change and the request is frozen.
    StayBlocked,
    /// The state does not change and the request is free again.
    StayFree,
    /// Another state.
    To(RequestState),
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Number in the reference; a letter tells a branch.
    pub number: &'static str,
    /// States from which it leaves; empty before the request is created.
    pub from: &'static [RequestState],
    /// The event.
    pub event: On,
    /// Who may.
    pub actors: &'static [ActorKind],
    /// Types of requests that it is for.
    pub kinds: &'static [RequestKind],
    /// What selects the row.
    pub when: &'static [TransitionCondition],
    /// What is asked, in the order of [`Guard`].
    pub guards: &'static [Guard],
    /// Where it leads.
    pub to: TransitionTarget,
    /// What follows.
    pub effects: &'static [EffectRule],
}

const ALL: &[RequestKind] = RequestKind::ALL;
const OPEN: &[RequestState] = &[S10, S11, S20, S25, S30, S35];
const AUTHORITY: &[ActorKind] = &[Gae, Ars, Hra];
const MANAGER: &[ActorKind] = &[Gae, Ars];
const PROFESSIONAL: &[ActorKind] = &[Prol, Pro];
const OWNERS: &[ActorKind] = &[Gae, Ars, Hra, Prol, Pro];
const ARBITER: &[ActorKind] = &[Arb];
const SYSTEM: &[ActorKind] = &[Sys];
/// Types that are written for a registered person.
const KNOWN: &[RequestKind] = &[Ajout, Modif, Fin, Coord, Civil];

const fn always(effect: Effect) -> EffectRule {
    EffectRule { only_when: None, effect }
}

const fn when(condition: TransitionCondition, effect: Effect) -> EffectRule {
    EffectRule { only_when: Some(condition), effect }
}

const fn tell(notice: NoticeId) -> EffectRule {
    always(Effect::Notify(notice))
}

/// What rows 19 and 23 do: the registered person keeps number and contact.
const ATTACH: &[EffectRule] = &[
    always(Effect::AttachSituation),
    when(TransitionCondition::NewPerson, Effect::BecomeAjout),
    when(TransitionCondition::ContactVerified, Effect::DiscardContact),
    when(TransitionCondition::ContactNotVerified, Effect::ProposeContact),
    tell(NoticeId::N10b),
    tell(NoticeId::N10c),
    always(Effect::Publish),
];

macro_rules! row {
    ($number:literal, $from:expr, $event:ident, $actors:expr, $kinds:expr, when $when:expr, guards $guards:expr, $to:expr, $effects:expr) => {
        Transition {
            number: $number,
            from: $from,
            event: On::$event,
            actors: $actors,
            kinds: $kinds,
            when: $when,
            guards: $guards,
            to: $to,
            effects: $effects,
        }
    };
}

use Effect as Do;
use Guard as Must;
use TransitionCondition as If;
use TransitionTarget::{Stay, StayBlocked, StayFree, To};

/// Every transition, in the order of the reference.
#[rustfmt::skip]
pub const TRANSITIONS: &[Transition] = &[
    row!("01", &[], Create, AUTHORITY, &[Primo, Ajout, Modif, Fin, Civil],
        when &[If::ByAuthority], guards &[Must::Perimeter, Must::Habilitated], To(S10),
        &[always(Do::AllotRequestNumber), always(Do::SetOwner), always(Do::RestartDraftTimer)]),
    row!("02", &[], Create, &[Prol], &[Primo],
        when &[If::ByProfessional], guards &[Must::NotRegistered, Must::Unique], To(S11),
        &[always(Do::AllotRequestNumber), always(Do::SetOwner), always(Do::FillCivilStatus), always(Do::RestartDraftTimer)]),
    row!("03", &[], Create, &[Pro], &[Ajout, Modif, Fin, Coord, Civil],
        when &[If::ByProfessional], guards &[], To(S11),
        &[always(Do::AllotRequestNumber), always(Do::SetOwner), always(Do::RestartDraftTimer)]),
    row!("04", &[S10, S11, S25], SaveSection, OWNERS, ALL,
        when &[], guards &[Must::Owner, Must::Version], Stay,
        &[always(Do::StoreDraft), always(Do::RestartDraftTimer)]),
    row!("05", &[S10, S11, S25], ValidateSection, OWNERS, ALL,
        when &[], guards &[Must::Owner, Must::Version, Must::SectionChecked], Stay,
        &[always(Do::StoreDraft), always(Do::MarkSectionValid), always(Do::RestartDraftTimer)]),
    row!("06", &[S10], Submit, AUTHORITY, &[Primo, Ajout, Civil],
        when &[], guards &[Must::Perimeter, Must::Habilitated, Must::Sections, Must::Unique], To(S20),
        &[always(Do::EarlyIdentityCheck), when(If::FourEyesOn, Do::Notify(NoticeId::N02))]),
    row!("07", &[S11], Submit, PROFESSIONAL, &[Primo, Ajout, Modif, Fin, Civil],
        when &[If::ManagerExists], guards &[Must::Owner, Must::Sections, Must::VerifiedContact, Must::Unique], To(S20),
        &[always(Do::RouteToAuthority), always(Do::EarlyIdentityCheck), tell(NoticeId::N01), tell(NoticeId::N03)]),
    row!("08", &[S11], Submit, PROFESSIONAL, &[Primo, Ajout, Modif, Fin, Civil],
        when &[If::NoManager], guards &[Must::Owner, Must::Sections, Must::VerifiedContact, Must::Unique], To(S20),
        &[always(Do::WaitForManager), tell(NoticeId::N04)]),
    row!("09", &[S10], Submit, AUTHORITY, &[Modif, Fin],
        when &[], guards &[Must::Perimeter, Must::Habilitated, Must::NotSubject, Must::Machine, Must::Sections, Must::Unique, Must::Legal], To(S30),
        &[always(Do::SealSnapshot), always(Do::StoreLegalProof)]),
    row!("10", &[S11], Submit, &[Pro], &[Coord],
        when &[], guards &[Must::Owner, Must::Code], To(S30),
        &[always(Do::SealSnapshot), tell(NoticeId::N12)]),
    row!("11", &[S10, S11, S25], Abandon, OWNERS, ALL,
        when &[], guards &[Must::Owner, Must::Confirmed], To(S60),
        &[always(Do::PlanErasure)]),
    row!("12", &[S20], Modify, MANAGER, ALL,
        when &[If::ByAuthority], guards &[Must::Perimeter, Must::Version, Must::NotSubject], To(S10),
        &[always(Do::ReopenSections), always(Do::RestartDraftTimer)]),
    row!("13", &[S20], AskForMore, MANAGER, ALL,
        when &[If::NotAuthor], guards &[Must::Perimeter, Must::NotSubject, Must::Reason], To(S25),
        &[tell(NoticeId::N05)]),
    row!("14", &[S25], Resubmit, OWNERS, ALL,
        when &[], guards &[Must::Owner, Must::Sections], To(S20),
        &[tell(NoticeId::N06)]),
    row!("15", &[S20], Reassign, &[Gae, Ars, Sup], ALL,
        when &[], guards &[Must::Perimeter, Must::NotSubject, Must::OtherTarget], To(S20),
        &[always(Do::MoveToTarget), when(If::IsBlocked, Do::Unblock), tell(NoticeId::N03), tell(NoticeId::N07)]),
    row!("16", &[S20], Refuse, MANAGER, ALL,
        when &[], guards &[Must::Perimeter, Must::NotSubject, Must::FourEyes, Must::RefusalReason], To(S50),
        &[always(Do::PlanErasure), tell(NoticeId::N08)]),
    row!("17", &[S20], Validate, AUTHORITY, &[Primo, Ajout, Modif, Fin, Civil],
        when &[], guards &[Must::Perimeter, Must::Habilitated, Must::Version, Must::NotSubject, Must::FourEyes, Must::Machine,
            Must::AllowedChanges, Must::Legal], To(S30),
        &[always(Do::SealSnapshot), always(Do::StoreLegalProof), when(If::WeakIdentity, Do::WithholdMeans),
            when(If::FieldsChanged, Do::ListChanges), tell(NoticeId::N09)]),
    row!("18", &[S30], Process, SYSTEM, &[Primo],
        when &[If::NothingFound], guards &[], To(S40),
        &[always(Do::AllotRpps), always(Do::CreatePerson), always(Do::RequestCertification), tell(NoticeId::N10),
            tell(NoticeId::N10c), always(Do::Publish)]),
    row!("18b", &[S30], Process, SYSTEM, KNOWN,
        when &[If::NothingFound], guards &[], To(S40),
        &[always(Do::WriteVersions), when(If::CivilStatus, Do::RequestCertification),
            when(If::AddedSituation, Do::Notify(NoticeId::N10b)), when(If::ExistingSituation, Do::Notify(NoticeId::N16)),
            when(If::ContactData, Do::Notify(NoticeId::N12)), when(If::CivilStatus, Do::Notify(NoticeId::N15)), always(Do::Publish)]),
    row!("18c", &[S30], Process, SYSTEM, &[Civil],
        when &[If::PivotChanges], guards &[], To(S35),
        &[always(Do::QueueArbitration), tell(NoticeId::N11)]),
    row!("18d", &[S30], Process, SYSTEM, &[Ajout],
        when &[If::NeedsArbiter], guards &[], To(S35),
        &[always(Do::QueueArbitration), tell(NoticeId::N11)]),
    row!("19", &[S30], Process, SYSTEM, &[Primo],
        when &[If::CertainMatch], guards &[], To(S40), ATTACH),
    row!("20", &[S30], Process, SYSTEM, &[Primo],
        when &[If::NeedsArbiter], guards &[], To(S35),
        &[always(Do::QueueArbitration), tell(NoticeId::N11)]),
    row!("21", &[S30], Process, SYSTEM, ALL,
        when &[If::RuleBroken], guards &[], To(S51),
        &[always(Do::PlanErasure), tell(NoticeId::N08)]),
    row!("21b", &[S30], Process, SYSTEM, ALL,
        when &[If::FoundDead], guards &[], To(S51),
        &[always(Do::PlanErasure), always(Do::CloseSilently)]),
    row!("22", &[S30], Process, SYSTEM, ALL,
        when &[If::TechnicalFailure], guards &[], Stay,
        &[always(Do::RetryLater), when(If::FailedOften, Do::AlertOperators)]),
    row!("23", &[S35], SamePerson, ARBITER, &[Primo, Ajout],
        when &[], guards &[Must::Reason], To(S40), ATTACH),
    row!("23b", &[S35], SamePerson, ARBITER, &[Civil],
        when &[], guards &[Must::Reason], To(S40),
        &[always(Do::WriteVersions), always(Do::RequestCertification), tell(NoticeId::N15), always(Do::Publish)]),
    row!("24", &[S35], DistinctPersons, ARBITER, &[Primo],
        when &[], guards &[Must::Reason], To(S30),
        &[always(Do::StoreDistinctPair), always(Do::ResumeProcessing)]),
    row!("25", &[S35], AskForMore, ARBITER, ALL,
        when &[], guards &[Must::Reason], To(S25),
        &[tell(NoticeId::N05)]),
    row!("26", &[S35], Reject, ARBITER, ALL,
        when &[], guards &[Must::Reason], To(S51),
        &[always(Do::PlanErasure), tell(NoticeId::N08)]),
    row!("27", &[S10, S11, S25], Expire, SYSTEM, ALL,
        when &[If::TimeIsOver], guards &[], To(S61),
        &[always(Do::PlanErasure), tell(NoticeId::N13)]),
    row!("28", &[S20], Expire, SYSTEM, ALL,
        when &[If::TimeIsOver], guards &[], To(S61),
        &[always(Do::PlanErasure), tell(NoticeId::N13)]),
    row!("29", &[S20, S25, S35], Withdraw, OWNERS, ALL,
        when &[], guards &[Must::Owner], To(S70),
        &[always(Do::PlanErasure), tell(NoticeId::N14)]),
    row!("30", &[S20], AcceptSilence, SYSTEM, &[Fin],
        when &[If::ByProfessional, If::SilenceIsOver], guards &[], To(S30),
        &[always(Do::SealSnapshot), always(Do::FlagDeclaredEnd)]),
    row!("31", OPEN, DeathKnown, SYSTEM, ALL,
        when &[], guards &[], To(S51),
        &[always(Do::PlanErasure), always(Do::CloseSilently)]),
    row!("32", OPEN, Block, SYSTEM, ALL,
        when &[If::IsFree, If::NobodyElse], guards &[], StayBlocked,
        &[always(Do::Block), tell(NoticeId::N18)]),
    row!("33", OPEN, Unblock, SYSTEM, ALL,
        when &[If::IsBlocked], guards &[], StayFree,
        &[always(Do::Unblock), always(Do::ResumeTimers)]),
    row!("34", &[S40], WrongPerson, &[Gae, Ars, Arb], &[Primo, Ajout],
        when &[If::WithinADay, If::NothingActivated], guards &[Must::Perimeter, Must::Seconded], To(S70),
        &[always(Do::CancelSituation), when(If::NewPerson, Do::DeactivateRpps), always(Do::PlanErasure), always(Do::Publish)]),
];

/// The events that a frozen request still knows: abandon, cancel, reassign, expire (registration §6.3), the end of the freezing,
/// and a death, which closes it whatever froze it.
pub const EVENTS_WHEN_BLOCKED: &[On] = &[On::Abandon, On::Withdraw, On::Reassign, On::Expire, On::Unblock, On::DeathKnown];

macro_rules! words {
    ($type:ident { $($variant:ident => $words:literal,)* }) => {
        impl $type {
            /// Plain English words, for documents that people of the field read.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

words! { TransitionCondition {
    ByAuthority => "drafted by an authority",
    ByProfessional => "drafted by the professional",
    ManagerExists => "the structure has a manager",
    NoManager => "the structure has no manager",
    NotAuthor => "the actor is not the author",
    IsBlocked => "blocked",
    IsFree => "not blocked",
    NobodyElse => "no other manager, if a lost habilitation is the reason",
    TimeIsOver => "time of the state over",
    SilenceIsOver => "15 days without answer",
    TechnicalFailure => "technical failure",
    FailedOften => "third failure or later",
    RuleBroken => "structure closed or overlap",
    FoundDead => "person deceased",
    NeedsArbiter => "probable match, sanction of an order, or ADELI without RPPS",
    PivotChanges => "more than one trait changes, or the birth date",
    CertainMatch => "certain match",
    NothingFound => "nothing stands against it",
    ContactVerified => "registered contact verified",
    ContactNotVerified => "registered contact not verified",
    WithinADay => "less than 24 h",
    NothingActivated => "nothing activated",
    FourEyesOn => "four-eyes option",
    WeakIdentity => "neither face to face nor FranceConnect",
    FieldsChanged => "the manager changed fields",
    NewPerson => "PRIMO",
    CivilStatus => "CIVIL",
    ContactData => "COORD",
    ExistingSituation => "MODIF or FIN",
    AddedSituation => "AJOUT",
} }

words! { Guard {
    Perimeter => "G-per",
    Habilitated => "G-hab",
    Owner => "G-own",
    NotRegistered => "not registered",
    Version => "G-ver",
    NotSubject => "G-self",
    FourEyes => "G-4",
    Machine => "software under option",
    AllowedChanges => "only fields of the instruction changed",
    SectionChecked => "section without open points",
    Sections => "G-sec",
    VerifiedContact => "e-mail and mobile verified",
    Code => "code entered",
    Unique => "G-uniq",
    Legal => "G-leg",
    Reason => "reason of 10 to 500 characters",
    RefusalReason => "reason of the list",
    OtherTarget => "another authority",
    Confirmed => "confirmed",
    Seconded => "authority and arbiter agree",
} }

impl Effect {
    /// Plain English words, for documents that people of the field read.
    #[must_use]
    pub fn words(self) -> String {
        let words = match self {
            Self::AllotRequestNumber => "request number",
            Self::SetOwner => "owner",
            Self::FillCivilStatus => "civil status from FranceConnect",
            Self::StoreDraft => "draft stored",
            Self::RestartDraftTimer => "draft time restarted",
            Self::MarkSectionValid => "section valid, acknowledgments audited",
            Self::EarlyIdentityCheck => "early identity check",
            Self::RouteToAuthority => "routed to the authority",
            Self::WaitForManager => "waits for a manager",
            Self::ReopenSections => "touched sections incomplete",
            Self::MoveToTarget => "moved to the target",
            Self::Unblock => "no longer blocked",
            Self::Block => "blocked",
            Self::ResumeTimers => "timers resume",
            Self::PlanErasure => "erasure planned",
            Self::SealSnapshot => "snapshot sealed",
            Self::StoreLegalProof => "legal proof stored",
            Self::WithholdMeans => "e-CPS withheld until certified",
            Self::ListChanges => "changes listed in N10",
            Self::AllotRpps => "RPPS number",
            Self::CreatePerson => "person, exercise, situation created",
            Self::WriteVersions => "versions written",
            Self::AttachSituation => "situation added to the registered person",
            Self::BecomeAjout => "type becomes AJOUT",
            Self::DiscardContact => "contact of the request discarded",
            Self::ProposeContact => "contact kept as proposal, credentials frozen",
            Self::RequestCertification => "DI sent",
            Self::Publish => "published",
            Self::QueueArbitration => "arbitration queue",
            Self::StoreDistinctPair => "pair distinct for ever",
            Self::ResumeProcessing => "processing resumes",
            Self::RetryLater => "retry",
            Self::AlertOperators => "operators told",
            Self::FlagDeclaredEnd => "end declared by the professional",
            Self::CloseSilently => "no message to the contact",
            Self::CancelSituation => "situation cancelled",
            Self::DeactivateRpps => "RPPS kept, inactive",
            Self::Notify(notice) => notice.code(),
        };
        words.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_reference_has_a_row_and_guards_are_in_order() {
        let numbers: Vec<&str> = TRANSITIONS.iter().map(|row| row.number).collect();
        for line in 1..=34 {
            assert!(numbers.contains(&format!("{line:02}").as_str()), "{line}");
        }
        assert!(numbers.contains(&"18b"));
        let unique: std::collections::BTreeSet<&&str> = numbers.iter().collect();
        assert_eq!(unique.len(), numbers.len());
        for row in TRANSITIONS {
            assert!(row.guards.is_sorted(), "{}", row.number);
            assert!(!row.actors.is_empty() && !row.kinds.is_empty(), "{}", row.number);
        }
    }

    #[test]
    fn nothing_leaves_a_terminal_state_but_34() {
        for row in TRANSITIONS.iter().filter(|row| row.from.iter().any(|state| state.terminal())) {
            assert_eq!(row.number, "34");
        }
        assert!(OPEN.iter().all(|state| !state.terminal()) && OPEN.len() + 6 == RequestState::ALL.len());
    }
}
