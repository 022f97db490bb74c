//! Rows about registered persons beside the log: what is to be looked at again, withheld means, proposed contacts, certification,
//! pairs that are distinct for ever, attestations of home helpers.

use crate::content::ContactValues;
use crate::error::Error;
use crate::limits::TIMER_HOUR_MS;
use crate::row::RegistrationRow;
use annuaire_workflow::attestation::{HomeHelpAttestation, HomeHelpCriterion};
use annuaire_workflow::day::{Day, paris_midnight, parse_iso, plus_days, plus_months};
use annuaire_workflow::limits::HOME_HELP_NOTICE_MONTHS;
use serde::{Deserialize, Serialize};

/// Why a means is withheld until a certification.
pub(crate) const WEAK_IDENTITY: &str = "identité faible";

/// Why a means is withheld until the person proves identity.
pub(crate) const CONTACT_TO_CONFIRM: &str = "coordonnées à confirmer";

/// A person whose situations are looked at again on a day: a planned one begins, a planned end is told or comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FollowedPersonRow {
    pub(crate) person: String,
    pub(crate) due_ms: Option<i64>,
    /// Notices of planned ends that were sent: situation, end, days before.
    pub(crate) told: Vec<(String, String, i32)>,
}

/// Why means are withheld after « Ce n'est pas moi »: what is active is frozen too.
pub(crate) const FRAUD_ALERT: &str = "alerte de fraude";

/// Why the activation of a means waits (registration §4.6, §8.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WithheldMeansRow {
    pub(crate) person: String,
    /// `identité faible`, `coordonnées à confirmer`.
    pub(crate) reason: String,
    pub(crate) since: String,
    pub(crate) request: String,
}

/// A contact that a registration proposed for a person who had none that was verified.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContactProposalRow {
    pub(crate) person: String,
    pub(crate) request: String,
    pub(crate) until: String,
    /// Sealed contact.
    pub(crate) sealed: String,
    pub(crate) due_ms: i64,
}

/// A certification that is asked for (registration §9).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CertificationRow {
    pub(crate) person: String,
    /// Code of J111.
    pub(crate) state: String,
    pub(crate) asked_on: String,
    pub(crate) retries: u8,
    /// Owner of the civil status.
    pub(crate) owner: String,
    /// When the register is asked, or asked again.
    pub(crate) due_ms: Option<i64>,
    /// Since when the state stands, ISO; empty in rows of a former release, of which `asked_on` says it.
    #[serde(default)]
    pub(crate) since: String,
    /// Reference of the last question that was sent; empty before the first one.
    #[serde(default)]
    pub(crate) reference: String,
    /// Questions that were sent, so that each has a reference of its own.
    #[serde(default)]
    pub(crate) questions: u32,
    /// Day on which the last question was sent, ISO; empty before the first one.
    #[serde(default)]
    pub(crate) sent_on: String,
    /// Day on which its answer was taken, ISO; empty while none came.
    #[serde(default)]
    pub(crate) answered_on: String,
    /// Whether « Identité à vérifier » waits for the owner.
    #[serde(default)]
    pub(crate) verify: bool,
    /// Kind and day of the document on which a manager confirmed the identity. No number of it is kept.
    #[serde(default)]
    pub(crate) document: Option<(String, String)>,
}

impl CertificationRow {
    /// The row of a civil status in a state (code of J111) that nobody asked about: the register is asked in the night after `today`.
    pub(crate) fn first(person: &str, state: &str, owner: &str, today: Day) -> Self {
        Self {
            person: person.to_owned(),
            state: state.to_owned(),
            asked_on: today.to_string(),
            retries: 0,
            owner: owner.to_owned(),
            due_ms: Some(paris_midnight(plus_days(today, 1))),
            since: today.to_string(),
            reference: String::new(),
            questions: 0,
            sent_on: String::new(),
            answered_on: String::new(),
            verify: false,
            document: None,
        }
    }

    /// The day since which the state stands, ISO.
    pub(crate) fn stands_since(&self) -> &str {
        if self.since.is_empty() { &self.asked_on } else { &self.since }
    }
}

/// Two registered persons whom an arbiter declared distinct.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DistinctPairRow {
    pub(crate) first: String,
    pub(crate) second: String,
    pub(crate) request: String,
}

impl RegistrationRow for FollowedPersonRow {
    const KIND: &'static str = "followed-person";

    fn key(&self) -> String {
        self.person.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        self.due_ms
    }
}

impl RegistrationRow for WithheldMeansRow {
    const KIND: &'static str = "withheld-means";

    fn key(&self) -> String {
        self.person.clone()
    }
}

impl RegistrationRow for ContactProposalRow {
    const KIND: &'static str = "contact-proposal";

    fn key(&self) -> String {
        self.person.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

impl RegistrationRow for CertificationRow {
    const KIND: &'static str = "certification";

    fn key(&self) -> String {
        self.person.clone()
    }

    /// The owner while a task waits for it, so that its managers find it.
    fn subject(&self) -> String {
        if self.verify { self.owner.clone() } else { String::new() }
    }

    fn due_ms(&self) -> Option<i64> {
        self.due_ms
    }
}

impl RegistrationRow for DistinctPairRow {
    const KIND: &'static str = "distinct-pair";

    fn key(&self) -> String {
        format!("{}|{}", self.first, self.second)
    }

    fn subject(&self) -> String {
        self.first.clone()
    }
}

impl DistinctPairRow {
    /// The pair, in the order of its key.
    pub(crate) fn of(one: &str, other: &str, request: &str) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self { first: first.to_owned(), second: second.to_owned(), request: request.to_owned() }
    }
}

/// The text of a contact that is sealed.
pub(crate) fn contact_text(contact: &ContactValues) -> Result<String, Error> {
    serde_json::to_string(contact).map_err(|cause| Error::Unreadable { kind: ContactProposalRow::KIND, cause })
}

/// The attestation of a situation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HomeHelpRow {
    pub(crate) situation: String,
    /// National identification.
    pub(crate) person: String,
    pub(crate) criterion: String,
    pub(crate) verified_on: String,
    /// Months before the end of which people were told.
    pub(crate) told: Vec<i32>,
}

impl RegistrationRow for HomeHelpRow {
    const KIND: &'static str = "home-help";

    fn key(&self) -> String {
        self.situation.clone()
    }

    fn subject(&self) -> String {
        self.person.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        let ends = self.attestation()?.ends();
        let next = HOME_HELP_NOTICE_MONTHS.into_iter().find(|months| !self.told.contains(months))?;
        Some(paris_midnight(plus_months(ends, -next)).saturating_add(TIMER_HOUR_MS))
    }
}

impl HomeHelpRow {
    /// What was attested; `None` for a word of a newer release.
    pub(crate) fn attestation(&self) -> Option<HomeHelpAttestation> {
        let all = [HomeHelpCriterion::Certification, HomeHelpCriterion::Experience];
        let criterion = all.into_iter().find(|criterion| criterion.key() == self.criterion)?;
        Some(HomeHelpAttestation { criterion, verified_on: parse_iso(&self.verified_on)? })
    }
}
