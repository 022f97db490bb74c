//! The row of a request: what the rules need in clear, without a trait, and the sealed content (registration §6, §20).

use crate::content::RequestContent;
use crate::error::Error;
use crate::limits::{LISTED_NAME_BYTES, TIMER_HOUR_MS};
use crate::row::RegistrationRow;
use annuaire_store::CaseListing;
use annuaire_store::case::CASE;
use annuaire_workflow::day::{Day, paris_day, paris_midnight, parse_iso};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::norm::norm;
use annuaire_workflow::request::{CivilChange, RequestFacts, RequestSection};
use annuaire_workflow::state::{Blocked, RequestState};
use annuaire_workflow::timers::{TimerAction, TimerKey, due, schedule};
use serde::{Deserialize, Serialize};

/// Version of the JSON form.
const FORM: u8 = 1;

/// A request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestRow {
    pub(crate) form: u8,
    pub(crate) number: String,
    pub(crate) state: String,
    pub(crate) blocked: Option<String>,
    pub(crate) kind: String,
    pub(crate) origin: String,
    /// Day of the last save while it is drafted, else of the beginning of the state.
    pub(crate) since: String,
    pub(crate) begun_ms: i64,
    pub(crate) changed_ms: i64,
    /// When the state began, milliseconds.
    pub(crate) state_ms: i64,
    pub(crate) waiting: bool,
    /// National identification, or the hash of a login at FranceConnect.
    pub(crate) author: String,
    pub(crate) author_kind: String,
    /// Structure for which an author of an authority acted: technical identifier.
    pub(crate) author_ae: Option<String>,
    /// Structure of the situation: technical identifier.
    pub(crate) structure: String,
    /// National identification of the registered person.
    pub(crate) subject: Option<String>,
    pub(crate) open_sections: Vec<String>,
    /// Codes of warnings that were acknowledged.
    pub(crate) acknowledged: Vec<String>,
    pub(crate) completed_ms: Option<i64>,
    pub(crate) failures: u32,
    pub(crate) changed_traits: u8,
    pub(crate) changed_birth: bool,
    /// Whether the professional entered the codes for e-mail and mobile.
    pub(crate) contact_verified: bool,
    /// How the civil status was certified when the request began: `FC`, `FCP`; empty: it is asked for.
    pub(crate) certified: String,
    /// Timers that were carried out in this state.
    pub(crate) done: Vec<DoneTimer>,
    pub(crate) legal: Option<LegalProof>,
    /// Hash of what was validated.
    pub(crate) snapshot: Option<String>,
    /// Why it was refused or rejected: a code or words of this program.
    pub(crate) outcome: String,
    /// Registered person whom an arbiter compares with.
    pub(crate) candidate: Option<IdentityCandidate>,
    /// National identifications of persons who were declared distinct.
    pub(crate) distinct: Vec<String>,
    /// Situation that is changed or ended.
    pub(crate) situation: Option<String>,
    /// RPPS number that it led to.
    pub(crate) rpps: Option<String>,
    /// Key of the row that keeps a second request for the person out.
    pub(crate) identity: Option<String>,
    pub(crate) declared_end: bool,
    /// Manager who acted first on the request of a professional (registration §11.3).
    pub(crate) taken_by: Option<String>,
    pub(crate) recalled_on: Option<String>,
    /// Kind of the actor who asked for the cancellation of a validated request, and waits for the other one.
    #[serde(default)]
    pub(crate) cancelled_by: Option<String>,
    /// List of an employer that it came with.
    #[serde(default)]
    pub(crate) lot: Option<String>,
    /// What happened, without traits.
    pub(crate) trail: Vec<RequestStep>,
    /// The sealed content; absent once it was erased.
    pub(crate) sealed: Option<String>,
}

/// A timer that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DoneTimer {
    pub(crate) on: String,
    pub(crate) key: String,
    pub(crate) deed: String,
}

/// What proves the instruction (registration §7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LegalProof {
    pub(crate) face_to_face: bool,
    pub(crate) method: String,
    pub(crate) by: String,
    pub(crate) at_ms: i64,
    /// Version of the general conditions.
    pub(crate) terms: String,
    /// Neither met nor vouched for by FranceConnect.
    pub(crate) weak: bool,
}

/// A registered person who may be the one of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdentityCandidate {
    pub(crate) national_id: String,
    pub(crate) score: u8,
}

/// A step of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestStep {
    pub(crate) at_ms: i64,
    pub(crate) event: String,
    pub(crate) actor: String,
    pub(crate) to: String,
}

impl RegistrationRow for RequestRow {
    const KIND: &'static str = CASE;

    fn key(&self) -> String {
        self.number.clone()
    }

    fn subject(&self) -> String {
        self.subject.clone().unwrap_or_default()
    }

    fn due_ms(&self) -> Option<i64> {
        self.next_timer()
    }
}

/// The code of a section in rows and forms.
#[must_use]
pub const fn section_code(section: RequestSection) -> &'static str {
    match section {
        RequestSection::Civil => "civil",
        RequestSection::Contact => "contact",
        RequestSection::Situation => "situation",
    }
}

/// The code of an origin in rows and lists.
#[must_use]
pub const fn origin_code(origin: RequestOrigin) -> &'static str {
    match origin {
        RequestOrigin::Ae => "AE",
        RequestOrigin::Professional => "PRO",
        RequestOrigin::Import => "IMPORT",
        RequestOrigin::Api => "API",
    }
}

impl RequestRow {
    /// What stands before a request is created; the caller gives the number.
    pub(crate) fn new(kind: RequestKind, origin: RequestOrigin, now_ms: i64, today: Day) -> Self {
        Self {
            form: FORM,
            number: String::new(),
            state: String::new(),
            blocked: None,
            kind: kind.code().to_owned(),
            origin: origin_code(origin).to_owned(),
            since: today.to_string(),
            begun_ms: now_ms,
            changed_ms: now_ms,
            state_ms: now_ms,
            waiting: false,
            author: String::new(),
            author_kind: String::new(),
            author_ae: None,
            structure: String::new(),
            subject: None,
            open_sections: RequestSection::ALL.iter().map(|section| section_code(*section).to_owned()).collect(),
            acknowledged: Vec::new(),
            completed_ms: None,
            failures: 0,
            changed_traits: 0,
            changed_birth: false,
            contact_verified: false,
            certified: String::new(),
            done: Vec::new(),
            legal: None,
            snapshot: None,
            outcome: String::new(),
            candidate: None,
            distinct: Vec::new(),
            situation: None,
            rpps: None,
            identity: None,
            declared_end: false,
            taken_by: None,
            recalled_on: None,
            cancelled_by: None,
            lot: None,
            trail: Vec::new(),
            sealed: None,
        }
    }

    /// Its facts, as the rules take them.
    pub(crate) fn facts(&self, version: u64) -> Result<RequestFacts, Error> {
        let unknown = |word: &str| Error::UnknownWord { kind: CASE, word: word.to_owned() };
        let kind = RequestKind::parse(&self.kind).ok_or_else(|| unknown(&self.kind))?;
        let origin = RequestOrigin::ALL.iter().copied().find(|origin| origin_code(*origin) == self.origin);
        let state = match self.state.as_str() {
            "" => None,
            code => Some(RequestState::parse(code).ok_or_else(|| unknown(code))?),
        };
        let blocked = match &self.blocked {
            None => None,
            Some(key) => Some(Blocked::ALL.iter().copied().find(|why| why.key() == key).ok_or_else(|| unknown(key))?),
        };
        let is_open = |section: &RequestSection| self.open_sections.iter().any(|code| code == section_code(*section));
        Ok(RequestFacts {
            number: self.number.clone(),
            state,
            blocked,
            kind,
            origin: origin.ok_or_else(|| unknown(&self.origin))?,
            version,
            changed_at: self.changed_ms,
            since: parse_iso(&self.since).ok_or_else(|| unknown(&self.since))?,
            waiting_for_manager: self.waiting,
            author: self.author.clone(),
            author_ae: self.author_ae.clone(),
            subject: self.subject.clone(),
            open_sections: RequestSection::ALL.iter().copied().filter(is_open).collect(),
            completed_at: self.completed_ms,
            failures: self.failures,
            civil_change: CivilChange { traits: self.changed_traits, birth_date: self.changed_birth },
        })
    }

    /// How lists find it. Names are folded; an erased request has none.
    pub(crate) fn listing(&self, content: Option<&RequestContent>) -> CaseListing {
        let name = |text: Option<&String>| {
            let mut folded = norm(text.map(String::as_str).unwrap_or_default()).replace('\0', "");
            while folded.len() > LISTED_NAME_BYTES {
                folded.pop();
            }
            folded
        };
        CaseListing {
            number: self.number.clone(),
            state: self.state.clone(),
            kind: self.kind.clone(),
            origin: self.origin.clone(),
            structure: self.structure.clone(),
            author: self.author.clone(),
            subject: self.subject.clone().unwrap_or_default(),
            family: name(content.map(|content| &content.civil.nom_famille)),
            given: name(content.map(|content| &content.civil.prenom1)),
            begun_ms: self.begun_ms,
            changed_ms: self.state_ms,
        }
    }

    /// Timers that were carried out.
    pub(crate) fn done_timers(&self) -> Vec<TimerAction> {
        let Ok(facts) = self.facts(0) else { return Vec::new() };
        schedule(&facts).into_iter().filter(|action| self.done.contains(&DoneTimer::of(action))).collect()
    }

    /// The instant at which the next timer of this state is due; `None` when none is left.
    fn next_timer(&self) -> Option<i64> {
        let facts = self.facts(0).ok()?;
        let silence = facts.kind == RequestKind::Fin && !facts.origin.by_authority() && facts.state == Some(RequestState::S20);
        let answer =
            silence.then(|| annuaire_workflow::day::plus_days(facts.since, annuaire_workflow::limits::DEPARTURE_ANSWER_DAYS));
        let done = self.done_timers();
        let erased = self.sealed.is_none();
        let waits = schedule(&facts).into_iter().filter(|action| !done.contains(action));
        let waits = waits.filter(|action| !(erased && action.key == TimerKey::TerminalPurge)).map(|action| action.on);
        waits.chain(answer).min().map(|day| paris_midnight(day).saturating_add(TIMER_HOUR_MS))
    }

    /// What timers ask now.
    pub(crate) fn due_timers(&self, today: Day) -> Result<Vec<TimerAction>, Error> {
        Ok(due(&self.facts(0)?, &self.done_timers(), today))
    }

    /// Begins a state at an instant.
    pub(crate) fn enter(&mut self, state: RequestState, now_ms: i64) {
        if self.state != state.code() {
            state.code().clone_into(&mut self.state);
            self.since = paris_day(now_ms).to_string();
            self.state_ms = now_ms;
            self.done.clear();
        }
    }

    /// Begins the time of a draft again.
    pub(crate) fn restart_draft(&mut self, now_ms: i64) {
        self.since = paris_day(now_ms).to_string();
        self.done.clear();
    }

    /// Whether a section is valid.
    pub(crate) fn is_valid(&self, section: RequestSection) -> bool {
        !self.open_sections.iter().any(|code| code == section_code(section))
    }

    /// Opens or closes a section.
    pub(crate) fn set_valid(&mut self, section: RequestSection, valid: bool) {
        self.open_sections.retain(|code| code != section_code(section));
        if !valid {
            self.open_sections.push(section_code(section).to_owned());
        }
    }
}

impl DoneTimer {
    /// A timer as it is kept.
    pub(crate) fn of(action: &TimerAction) -> Self {
        Self { on: action.on.to_string(), key: action.key.key().to_owned(), deed: format!("{:?}", action.deed) }
    }
}
