//! A request to approve on a phone, as a machine: the first decision wins, and nothing is decided twice.

use crate::limits;
use crate::passkey::HolderProof;
use crate::secrets::Secrets;
use serde::{Deserialize, Serialize};

/// Who waits for the answer. The texts are hashes of the provider, never a cookie or a request id itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asker {
    /// A login page in a browser: a hash that stays with this browser.
    Browser(String),
    /// An application by CIBA: the hash of its `auth_req_id`.
    Ciba(String),
}

/// What the provider wants a person to approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptOrder {
    /// National identifier that was typed, or the one that the register prefers (identity §1.7.3).
    pub national_id: String,
    /// All other national identifiers of the person: a phone that was activated under any of them may answer.
    pub other_ids: Vec<String>,
    /// Application for which the person signs in.
    pub client_id: String,
    /// Its name, as people read it.
    pub client_name: String,
    /// From where: browser and rough place, as people read it.
    pub channel_origin: String,
    /// The two digits that a CIBA client shows; `None` to draw them.
    pub number: Option<String>,
    /// Who waits.
    pub asker: Asker,
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptAnswer {
    /// Handle of 256 random bits. Who knows it may ask for the state and take the approval.
    pub prompt_id: String,
    /// The two digits that the person must find on the phone.
    pub number: String,
    /// Until when it can be answered, milliseconds since 1970 UTC.
    pub expires_ms: i64,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The identifier of the order.
    pub national_id: String,
    /// The means by which it was approved; [`passkey_name`](crate::passkey_name) of it when its passkey proved it without the phone.
    pub means_id: String,
    /// RFC 8176 values: a key and a PIN, or a passkey that verified its user.
    pub amr: Vec<&'static str>,
    /// When, milliseconds since 1970 UTC.
    pub auth_ms: i64,
}

/// Where a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptState {
    /// Nobody answered yet.
    Pending,
    /// It was approved, and nobody took the approval yet.
    Approved(Approval),
    /// It was refused, or the wrong number was chosen.
    Refused,
    /// Its time is over, a newer request of this asker replaced it, its approval was taken, or there never was one.
    Expired,
}

/// What a person decides. Also the word in the signed proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PromptDecision {
    /// Approve, with the number that was chosen.
    Approve(String),
    Refuse,
    /// « Je n’ai rien demandé ».
    NotAsked,
}

/// What a decision made of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionOutcome {
    /// It is approved.
    Approved,
    /// It is refused, because the wrong number was chosen.
    WrongNumber,
    /// It is refused.
    Refused,
    /// It is refused, and who asked is blocked for this person.
    NotAsked,
}

/// Why a decision changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PromptFault {
    AlreadyAnswered,
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PromptStatus {
    Pending,
    Answered {
        outcome: DecisionOutcome,
        means_id: String,
        at_ms: i64,
        taken: bool,
        #[serde(default)]
        proof: HolderProof,
    },
    /// A newer request of this asker took its place.
    Replaced,
}

/// A request as its row keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prompt {
    pub national_id: String,
    pub other_ids: Vec<String>,
    pub client_id: String,
    pub client_name: String,
    pub origin: String,
    pub asker: Asker,
    /// Key of the row of the pair that it counts for.
    pub pair: String,
    pub number: String,
    /// The number and two others, in the order in which the phone shows them.
    pub choices: Vec<String>,
    pub challenge: String,
    pub asked_ms: i64,
    pub expires_ms: i64,
    pub status: PromptStatus,
}

/// Two digits.
pub(crate) fn is_number(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Two random digits.
pub(crate) fn drawn_number(secrets: &Secrets) -> String {
    format!("{:02}", secrets.below(100))
}

/// The number among two others, in random order.
pub(crate) fn drawn_choices(secrets: &Secrets, number: &str) -> Vec<String> {
    let mut choices = vec![number.to_owned()];
    // The digits of two others follow from a draw without repetition, so that no generator can make this wait for ever.
    let first = secrets.below(99);
    let mut second = secrets.below(98);
    if second >= first {
        second += 1;
    }
    let number: u32 = number.parse().unwrap_or(0);
    for other in [first, second] {
        let other = if other >= number { other + 1 } else { other };
        choices.push(format!("{other:02}"));
    }
    choices.swap(0, secrets.below(3) as usize);
    choices.swap(1, 1 + secrets.below(2) as usize);
    choices
}

impl Prompt {
    /// Whether it may still be decided.
    pub(crate) fn standing(&self, now_ms: i64) -> Result<(), PromptFault> {
        match self.status {
            PromptStatus::Answered { .. } => Err(PromptFault::AlreadyAnswered),
            PromptStatus::Pending if now_ms < self.expires_ms => Ok(()),
            PromptStatus::Pending | PromptStatus::Replaced => Err(PromptFault::Expired),
        }
    }

    /// Takes a decision of a holder whose signature is right, and whose PIN or passkey is.
    pub(crate) fn decide(
        &mut self,
        decision: &PromptDecision,
        means_id: &str,
        proof: HolderProof,
        now_ms: i64,
    ) -> Result<DecisionOutcome, PromptFault> {
        self.standing(now_ms)?;
        let outcome = match decision {
            PromptDecision::Approve(number) if *number == self.number => DecisionOutcome::Approved,
            // Compared once: a second guess would have a better chance than one in three.
            PromptDecision::Approve(_) => DecisionOutcome::WrongNumber,
            PromptDecision::Refuse => DecisionOutcome::Refused,
            PromptDecision::NotAsked => DecisionOutcome::NotAsked,
        };
        self.status = PromptStatus::Answered { outcome, means_id: means_id.to_owned(), at_ms: now_ms, taken: false, proof };
        Ok(outcome)
    }

    /// A newer request takes its place; says whether that changes anything.
    pub(crate) fn replace(&mut self) -> bool {
        let pending = self.status == PromptStatus::Pending;
        if pending {
            self.status = PromptStatus::Replaced;
        }
        pending
    }

    pub(crate) fn is_open(&self, now_ms: i64) -> bool {
        self.status == PromptStatus::Pending && now_ms < self.expires_ms
    }

    pub(crate) fn state(&self, now_ms: i64) -> PromptState {
        match &self.status {
            PromptStatus::Pending if now_ms < self.expires_ms => PromptState::Pending,
            PromptStatus::Answered { outcome: DecisionOutcome::Approved, means_id, at_ms, taken: false, proof }
                if now_ms < self.due_ms() =>
            {
                PromptState::Approved(Approval {
                    national_id: self.national_id.clone(),
                    means_id: means_id.clone(),
                    amr: proof.amr(),
                    auth_ms: *at_ms,
                })
            }
            PromptStatus::Answered { outcome, .. } if *outcome != DecisionOutcome::Approved => PromptState::Refused,
            _ => PromptState::Expired,
        }
    }

    /// Takes the approval, once.
    pub(crate) fn take(&mut self, now_ms: i64) -> Option<Approval> {
        let PromptState::Approved(approval) = self.state(now_ms) else { return None };
        if let PromptStatus::Answered { taken, .. } = &mut self.status {
            *taken = true;
        }
        Some(approval)
    }

    /// When its row may go.
    pub(crate) fn due_ms(&self) -> i64 {
        self.expires_ms.saturating_add(limits::OUTCOME_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn prompt() -> Prompt {
        Prompt {
            national_id: "810999000015".into(),
            other_ids: vec![],
            client_id: "c".into(),
            client_name: "C".into(),
            origin: String::new(),
            asker: Asker::Browser("b".into()),
            pair: "p".into(),
            number: "42".into(),
            choices: vec![],
            challenge: "x".into(),
            asked_ms: 0,
            expires_ms: limits::PROMPT_MS,
            status: PromptStatus::Pending,
        }
    }

    #[derive(Debug, Clone)]
    enum Event {
        Decide(PromptDecision, String),
        Replace,
        Take,
        Look,
    }

    fn event() -> impl Strategy<Value = Event> {
        let decision = prop_oneof![
            3 => prop_oneof![Just("42"), Just("17"), Just("")].prop_map(|n| PromptDecision::Approve(n.into())),
            1 => Just(PromptDecision::Refuse),
            1 => Just(PromptDecision::NotAsked),
        ];
        prop_oneof![
            4 => (decision, "[ab]").prop_map(|(decision, means)| Event::Decide(decision, means)),
            1 => Just(Event::Replace),
            2 => Just(Event::Take),
            2 => Just(Event::Look),
        ]
    }

    proptest! {
        /// Compared with what the events say when they are read in order: the first decision in time counts, one approval is taken.
        #[test]
        fn the_first_decision_wins_and_an_approval_is_taken_once(events in prop::collection::vec((0_i64..60_000, event()), 1..12)) {
            let mut prompt = prompt();
            let mut now = 0;
            let mut first: Option<(DecisionOutcome, String, i64)> = None;
            let (mut replaced, mut taken) = (false, 0);
            for (step, event) in events {
                now += step;
                let open = first.is_none() && !replaced && now < limits::PROMPT_MS;
                match event {
                    Event::Decide(decision, means) => {
                        let said = prompt.decide(&decision, &means, HolderProof::Pin, now);
                        prop_assert_eq!(said.is_ok(), open);
                        if let Ok(outcome) = said {
                            let right = decision == PromptDecision::Approve("42".into());
                            prop_assert_eq!(outcome == DecisionOutcome::Approved, right);
                            first = Some((outcome, means, now));
                        } else if first.is_some() {
                            prop_assert_eq!(said, Err(PromptFault::AlreadyAnswered));
                        }
                    }
                    Event::Replace => replaced |= prompt.replace(),
                    Event::Take => {
                        let got = prompt.take(now);
                        let due = limits::PROMPT_MS + limits::OUTCOME_MS;
                        let approved = first.as_ref().is_some_and(|(outcome, ..)| *outcome == DecisionOutcome::Approved);
                        prop_assert_eq!(got.is_some(), approved && taken == 0 && now < due);
                        if let (Some(approval), Some((_, means, at))) = (got, &first) {
                            taken += 1;
                            prop_assert_eq!((&approval.means_id, approval.auth_ms), (means, *at));
                        }
                    }
                    Event::Look => {
                        let state = prompt.state(now);
                        prop_assert_eq!(state == PromptState::Pending, open);
                        let refused = first.as_ref().is_some_and(|(outcome, ..)| *outcome != DecisionOutcome::Approved);
                        prop_assert_eq!(state == PromptState::Refused, refused);
                    }
                }
            }
        }
    }

    #[test]
    fn an_answer_of_before_passkeys_was_by_pin() {
        let kept = r#"{"answered": {"outcome": "approved", "means_id": "m", "at_ms": 1, "taken": false}}"#;
        let prompt = Prompt { status: serde_json::from_str(kept).unwrap(), ..prompt() };
        let PromptState::Approved(approval) = prompt.state(2) else { panic!("approved") };
        assert_eq!(approval.amr, ["swk", "pin", "mfa"]);
    }

    #[test]
    fn three_distinct_numbers_come_in_any_order() {
        let counter = AtomicU64::new(1);
        let entropy = move |bytes: &mut [u8]| {
            for byte in bytes {
                let n = counter.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
                *byte = (n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()[1];
            }
        };
        let secrets = Secrets::new(&[1; 32], Arc::new(entropy));
        let mut places = [0; 3];
        for n in 0..600 {
            let number = format!("{:02}", n % 100);
            let choices = drawn_choices(&secrets, &number);
            places[choices.iter().position(|c| *c == number).unwrap()] += 1;
            let mut distinct = choices.clone();
            distinct.sort();
            distinct.dedup();
            assert!(distinct.len() == 3 && choices.iter().all(|c| is_number(c)), "{choices:?}");
        }
        assert!(places.iter().all(|times| (140..260).contains(times)), "{places:?}");
    }
}
