//! What is known when somebody acts on a request: the request, the actor, the event, and the facts around them.
//!
//! The caller loads these plain facts; [`decide`](crate::decide::decide) judges them and loads nothing.

use crate::actor::ActorKind;
use crate::coded::coded;
use crate::day::Day;
use crate::kind::{RequestKind, RequestOrigin};
use crate::messages::MessageCode;
use crate::state::{Blocked, RequestHolder, RequestState};

/// A section of the form (registration §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestSection {
    /// « Etat civil ».
    Civil,
    /// « Données de contact ».
    Contact,
    /// « Situation professionnelle ».
    Situation,
}

impl RequestSection {
    /// Every section, in the order of the screen.
    pub const ALL: &'static [Self] = &[Self::Civil, Self::Contact, Self::Situation];

    /// The exact label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Civil => "Etat civil",
            Self::Contact => "Données de contact",
            Self::Situation => "Situation professionnelle",
        }
    }
}

/// How an identity was verified without meeting the person (registration §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerificationMethod {
    /// « FranceConnect ».
    FranceConnect,
    /// « pièce d'identité déjà vérifiée à l'embauche ».
    CheckedAtHiring,
    /// « autre ».
    Other,
}

/// What the manager states in « Informations légales au professionnel » (registration §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct LegalStatement {
    /// The box on exactness and information is ticked.
    pub confirmed: bool,
    /// The box on the meeting face to face is ticked.
    pub face_to_face: bool,
    /// The method, required without a meeting.
    pub method: Option<VerificationMethod>,
}

/// How sure the identity of a person is (registration §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityAssurance {
    /// `faible`: the number is issued, the means of electronic identification is withheld until the certification is `C`.
    Weak,
    /// The person was met, or FranceConnect vouches.
    Ordinary,
}

impl LegalStatement {
    /// How sure the identity is after this statement.
    #[must_use]
    pub fn assurance(&self) -> IdentityAssurance {
        let sure = self.face_to_face || self.method == Some(VerificationMethod::FranceConnect);
        if sure { IdentityAssurance::Ordinary } else { IdentityAssurance::Weak }
    }
}

coded! {
    /// Why an authority refuses a request (registration §4.6).
    RefusalReason;
    /// Every reason, in the order of the reference.
    ALL;
    /// The code, such as `R01`.
    code;
    /// What the professional is told.
    label;
    R01 "R01" "personne inconnue de la structure";
    R02 "R02" "informations inexactes";
    R03 "R03" "justificatif d'identité non présenté";
    R04 "R04" "rôle non exercé";
    R05 "R05" "déjà enregistré";
    R06 "R06" "demande en double";
    R07 "R07" "ne relève pas de cette structure";
    R99 "R99" "autre";
}

/// The fields of the third section that a manager may change in a request of a professional (registration §4.6: 9 to 15), with what the
/// employer attests of a home helper (registration §5.7).
pub const FIELDS_OF_INSTRUCTION: [&str; 9] =
    ["profession", "role", "modeExercice", "dateDebut", "dateFin", "categorie", "service", "critere", "dateVerification"];

/// What somebody, or a timer, wants to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEvent {
    /// Open a new request: the first « Enregistrer ».
    Create,
    /// « Enregistrer » on a section.
    SaveSection {
        /// Which one.
        section: RequestSection,
        /// The version that the form was made of.
        version: u64,
    },
    /// « Valider » on a section.
    ValidateSection {
        /// Which one.
        section: RequestSection,
        /// The version that the form was made of.
        version: u64,
        /// Errors, and warnings that nobody acknowledged.
        open_points: Vec<MessageCode>,
    },
    /// « Mise en instruction », or the submission of the professional. The statement counts where the form contains it (09).
    Submit {
        /// Legal confirmation, for what goes to processing at once.
        legal: LegalStatement,
    },
    /// « Abandonner ».
    Abandon {
        /// The question M10 was answered with yes.
        confirmed: bool,
    },
    /// « Modifier » during the instruction.
    Modify {
        /// The version that the form was made of.
        version: u64,
    },
    /// « Demander un complément », by the authority or by the arbiter.
    AskForMore {
        /// What is asked.
        reason: String,
    },
    /// The author answers.
    Resubmit,
    /// « Réaffecter ».
    Reassign {
        /// The authority that takes over.
        target: String,
    },
    /// « Refuser ».
    Refuse {
        /// Why; `None` when nothing was chosen.
        reason: Option<RefusalReason>,
        /// Free text, required with `R99`.
        text: String,
    },
    /// « Valider » the request.
    Validate {
        /// The version that the form was made of.
        version: u64,
        /// What the manager states.
        legal: LegalStatement,
        /// Ids of fields that the manager changed while instructing a request of a professional.
        changed: Vec<String>,
    },
    /// The processing of a validated request has looked at everything (T02).
    Process,
    /// « Même personne — rattacher ».
    SamePerson {
        /// Why.
        reason: String,
    },
    /// « Personnes distinctes ».
    DistinctPersons {
        /// Why.
        reason: String,
    },
    /// « Rejeter ».
    Reject {
        /// Why.
        reason: String,
    },
    /// A timer ends the request.
    Expire,
    /// « Retirer ma demande ».
    Withdraw,
    /// Nobody answered a departure that the professional declared.
    AcceptSilence,
    /// The register tells a death.
    DeathKnown,
    /// The request is frozen.
    Block(Blocked),
    /// What froze it is over.
    Unblock,
    /// « Erreur de personne ».
    WrongPerson,
}

impl RequestEvent {
    /// The kind of this event.
    #[must_use]
    pub const fn kind(&self) -> RequestEventKind {
        match self {
            Self::Create => RequestEventKind::Create,
            Self::SaveSection { .. } => RequestEventKind::SaveSection,
            Self::ValidateSection { .. } => RequestEventKind::ValidateSection,
            Self::Submit { .. } => RequestEventKind::Submit,
            Self::Abandon { .. } => RequestEventKind::Abandon,
            Self::Modify { .. } => RequestEventKind::Modify,
            Self::AskForMore { .. } => RequestEventKind::AskForMore,
            Self::Resubmit => RequestEventKind::Resubmit,
            Self::Reassign { .. } => RequestEventKind::Reassign,
            Self::Refuse { .. } => RequestEventKind::Refuse,
            Self::Validate { .. } => RequestEventKind::Validate,
            Self::Process => RequestEventKind::Process,
            Self::SamePerson { .. } => RequestEventKind::SamePerson,
            Self::DistinctPersons { .. } => RequestEventKind::DistinctPersons,
            Self::Reject { .. } => RequestEventKind::Reject,
            Self::Expire => RequestEventKind::Expire,
            Self::Withdraw => RequestEventKind::Withdraw,
            Self::AcceptSilence => RequestEventKind::AcceptSilence,
            Self::DeathKnown => RequestEventKind::DeathKnown,
            Self::Block(_) => RequestEventKind::Block,
            Self::Unblock => RequestEventKind::Unblock,
            Self::WrongPerson => RequestEventKind::WrongPerson,
        }
    }
}

coded! {
    /// The kind of an event on a request, without what comes with it.
    RequestEventKind;
    /// Every kind, in the order of the table.
    ALL;
    /// The key that the audit trail writes.
    key;
    /// What people call it.
    label;
    Create "creer" "créer la demande";
    SaveSection "enregistrer-section" "« Enregistrer » une section";
    ValidateSection "valider-section" "« Valider » une section";
    Submit "envoyer" "« Mise en instruction », envoyer";
    Abandon "abandonner" "« Abandonner »";
    Modify "modifier" "« Modifier »";
    AskForMore "demander-complement" "« Demander un complément »";
    Resubmit "renvoyer" "répondre au complément";
    Reassign "reaffecter" "« Réaffecter »";
    Refuse "refuser" "« Refuser »";
    Validate "valider" "« Valider » la demande";
    Process "traiter" "traitement T02";
    SamePerson "rattacher" "« Même personne — rattacher »";
    DistinctPersons "distinguer" "« Personnes distinctes »";
    Reject "rejeter" "« Rejeter »";
    Expire "expirer" "échéance";
    Withdraw "retirer" "« Retirer ma demande »";
    AcceptSilence "accord-tacite" "15 jours sans réponse";
    DeathKnown "deces" "décès connu";
    Block "bloquer" "blocage";
    Unblock "debloquer" "fin du blocage";
    WrongPerson "annuler-erreur" "« Erreur de personne »";
}

/// A request, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    /// Its number; empty before it is created.
    pub number: String,
    /// Its state; `None` before it is created.
    pub state: Option<RequestState>,
    /// Why it is frozen, when it is.
    pub blocked: Option<Blocked>,
    /// Its type.
    pub kind: RequestKind,
    /// Where it comes from.
    pub origin: RequestOrigin,
    /// Number of its current version.
    pub version: u64,
    /// Instant of the last change, in milliseconds.
    pub changed_at: i64,
    /// Day of the last save while it is drafted; otherwise, day on which the state began.
    pub since: Day,
    /// Whether it waits for a manager of the structure to exist.
    pub waiting_for_manager: bool,
    /// Who wrote it: an identifier of a person or of a software.
    pub author: String,
    /// The authority for which the author acted; `None` for a professional.
    pub author_ae: Option<String>,
    /// The person whom it concerns, when known.
    pub subject: Option<String>,
    /// Sections that are not validated.
    pub open_sections: Vec<RequestSection>,
    /// Instant at which the number was given, in milliseconds; for transition 34.
    pub completed_at: Option<i64>,
    /// Technical failures of its processing so far.
    pub failures: u32,
    /// What a rectification of civil status changes.
    pub civil_change: CivilChange,
}

impl RequestFacts {
    /// What stands before a request is created.
    #[must_use]
    pub fn new(kind: RequestKind, origin: RequestOrigin, today: Day) -> Self {
        Self {
            number: String::new(),
            state: None,
            blocked: None,
            kind,
            origin,
            version: 0,
            changed_at: 0,
            since: today,
            waiting_for_manager: false,
            author: String::new(),
            author_ae: None,
            subject: None,
            open_sections: RequestSection::ALL.to_vec(),
            completed_at: None,
            failures: 0,
            civil_change: CivilChange::default(),
        }
    }

    /// Whose turn it is: that of the state, or nobody of the authority yet while the request waits for a manager (registration
    /// §11.4).
    #[must_use]
    pub fn holder(&self) -> RequestHolder {
        match self.state.map_or(RequestHolder::Author, RequestState::holder) {
            RequestHolder::Ae if self.waiting_for_manager => RequestHolder::AbsentAe,
            holder => holder,
        }
    }
}

/// What a rectification changes of the five traits (registration §9.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct CivilChange {
    /// How many of the five traits differ.
    pub traits: u8,
    /// Whether the birth date does.
    pub birth_date: bool,
}

impl CivilChange {
    /// Whether an arbiter decides: more than one trait changes, or the date.
    #[must_use]
    pub const fn needs_arbiter(self) -> bool {
        self.traits > 1 || self.birth_date
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingPerson {
    /// The kind of actor.
    pub kind: ActorKind,
    /// Identifier of the person or of the software.
    pub id: String,
    /// The authority for which they act.
    pub ae: Option<String>,
}

/// What a perimeter answers about the structure of a request, now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The perimeter contains it.
    Within,
    /// It did, until a day.
    Ended {
        /// Name of the structure.
        structure: String,
        /// Day of the end.
        on: Day,
    },
    /// It does not.
    Outside,
}

/// Another request that is open for the person, or on the situation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequestFact {
    /// Its number.
    pub number: String,
    /// Whether the actor may know the number.
    pub may_be_named: bool,
}

/// The best candidate of the search for the identity of a request. Pairs that an arbiter declared distinct are left out by the
/// caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct IdentityMatch {
    /// Points (registration §8.1).
    pub score: u8,
    /// Whether the five traits are equal.
    pub strict: bool,
    /// Whether the civil status of one of both sides is certified.
    pub one_side_certified: bool,
    /// Whether the request names the number of the candidate.
    pub rpps_given: bool,
    /// Whether an ADELI number leads to the number of the candidate, with equal name and birth date (registration §8.4).
    pub adeli_agrees: bool,
    /// Whether the candidate has an ADELI number and no RPPS number (registration §8.4).
    pub adeli_without_rpps: bool,
    /// Whether an order struck off or suspended the candidate (registration §8.3).
    pub sanctioned: bool,
    /// Whether the candidate has a contact that was verified and has not bounced.
    pub contact_verified: bool,
}

/// A rule that held when the request was validated and no longer does (transition 21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BrokenRule {
    /// The structure closed.
    StructureClosed,
    /// An equal situation exists now.
    Overlap,
    /// The person died.
    PersonDeceased,
}

impl BrokenRule {
    /// What the author is told.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::StructureClosed => "la structure est fermée",
            Self::Overlap => "une situation identique existe déjà",
            Self::PersonDeceased => "l'enregistrement n'est plus possible",
        }
    }
}

/// The facts around a request when somebody acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionContext {
    /// Now, in milliseconds.
    pub now: i64,
    /// Today in Paris, as timers count (from 03:00).
    pub today: Day,
    /// Whether the actor's perimeter contains the structure of the request.
    pub reach: Reach,
    /// Name of the structure, for messages.
    pub structure: String,
    /// Day on which the habilitation of the authority ended or was suspended; `None` while it stands.
    pub ae_ended_on: Option<Day>,
    /// Another request for the person or on the situation.
    pub open_request: Option<OpenRequestFact>,
    /// Whether the identity of the caller is registered (02).
    pub identity_registered: bool,
    /// Whether e-mail and mobile are verified (07), or the mobile is said not to exist.
    pub contact_verified: bool,
    /// Whether the code on the new contact was entered (10).
    pub code_verified: bool,
    /// Whether the structure has a manager (07, 08).
    pub manager_exists: bool,
    /// Whether the authority has another manager (32).
    pub other_manager: bool,
    /// Whether the authority asks that another person validates (`validation_par_un_tiers`).
    pub four_eyes: bool,
    /// Whether the authority signed the option for its software, and a manager answers for it (registration §17.3).
    pub machine_may_validate: bool,
    /// Whether the request has warnings, acknowledged or not.
    pub has_warnings: bool,
    /// What the search for the identity found.
    pub identity_match: Option<IdentityMatch>,
    /// Whether an order struck off or suspended the person who is concerned.
    pub subject_sanctioned: bool,
    /// What no longer holds.
    pub broken_rule: Option<BrokenRule>,
    /// Whether the processing failed for a technical reason.
    pub processing_failed: bool,
    /// Whether a means, a mailbox or an access was activated since the number was given (34).
    pub activated: bool,
    /// Whether the other one of authority and arbiter agreed to the cancellation (34).
    pub seconded: bool,
}

impl DecisionContext {
    /// A context in which nothing stands in the way of an actor within their perimeter, and nothing is verified or agreed.
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self {
            now,
            today: crate::day::timer_day(now),
            reach: Reach::Within,
            structure: String::new(),
            ae_ended_on: None,
            open_request: None,
            identity_registered: false,
            contact_verified: false,
            code_verified: false,
            manager_exists: true,
            other_manager: false,
            four_eyes: false,
            machine_may_validate: false,
            has_warnings: false,
            identity_match: None,
            subject_sanctioned: false,
            broken_rule: None,
            processing_failed: false,
            activated: false,
            seconded: false,
        }
    }
}
