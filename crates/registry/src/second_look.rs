//! The second look (registration §4.11): one decision in twenty about two identities is made again by another arbiter, who sees what the first one
//! saw and not what was decided. A disagreement is told to both; what was decided stands until somebody corrects it by the ways that there are.
//!
//! What was compared is kept as it was at the decision, sealed: a merge or an attachment changes both identities. Of what is asked (« Demander une
//! pièce ») nothing is decided, and where there is one arbiter alone nobody looks again.

use crate::acting::{CaseActor, CaseStep};
use crate::contact_proposals::person_event;
use crate::content::CivilValues;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::followed::DistinctPairRow;
use crate::limits::LIST_PAGE_MAX;
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::{RegisteredPerson, civil_traits, persons};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, read};
use crate::second_look_row::{DISAGREED, IdentityDecision, SecondLookRow, WAITS};
use crate::service::{Registration, refusal, typed_reason, with_member};
use crate::session::ArbiterSession;
use annuaire_mos::EtatCivil;
use annuaire_store::AuditEvent;
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::{french, paris_day};
use annuaire_workflow::duplicates::{Score, score};
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::reviews::is_checked_again;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What was compared.
#[derive(Serialize, Deserialize)]
struct ComparedIdentities {
    first: EtatCivil,
    second: EtatCivil,
}

/// A decision that waits for another look; it does not tell what was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondLookLine {
    /// Its key.
    pub key: String,
    /// When the first one decided, milliseconds since 1970 UTC.
    pub since_ms: i64,
}

/// Two arbiters who decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArbiterDisagreement {
    /// Number of the request; empty for two registered persons.
    pub request: String,
    /// RPPS number of the registered person.
    pub rpps: String,
    /// What the first one decided, which stands.
    pub first: IdentityDecision,
    /// What the second one decided.
    pub second: IdentityDecision,
    /// When the second one did, milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// What another arbiter compares.
#[derive(Debug, Clone)]
pub struct SecondLookSheet {
    /// Civil status of the request, or of the first person.
    pub first: EtatCivil,
    /// Civil status of the registered person, or of the second one.
    pub second: EtatCivil,
    /// How alike they are, trait by trait.
    pub score: Score,
    /// Whether the first one decided about a request, which may be rejected.
    pub is_request: bool,
}

/// The civil status of a request in the form of a registered one.
fn stated(values: &CivilValues) -> EtatCivil {
    EtatCivil {
        nom_famille: values.family_name.clone(),
        prenoms: values.given_names.clone(),
        sexe_administratif: values.sex.clone(),
        date_naissance: values.birth.clone(),
        commune_naissance: values.commune.clone(),
        pays_naissance: values.country.clone(),
        lieu_naissance: values.town.clone(),
        ..EtatCivil::default()
    }
}

fn hidden() -> RegistrationRefusal {
    RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)])
}

impl Registration {
    /// Whether chance, which nobody foresees, gives a decision to another arbiter, and there is one.
    fn is_drawn(&self, number: &str) -> bool {
        let seed = self.keys.hashed("second-look", &[]);
        self.settings.arbiters.len() > 1 && is_checked_again(seed.as_bytes(), number)
    }

    fn second_look(
        &self,
        by: &ArbiterSession,
        (request, person): (&str, &str),
        decision: IdentityDecision,
        compared: &ComparedIdentities,
    ) -> Result<SecondLookRow, Error> {
        let at_ms = self.now_ms();
        let kind = SecondLookRow::KIND;
        // A request may come back to the arbiters after a decision.
        let key = self.keys.hashed(kind, &[request, person, &at_ms.to_string()]);
        let text = serde_json::to_string(compared).map_err(|cause| Error::Unreadable { kind, cause })?;
        Ok(SecondLookRow {
            sealed: self.keys.messages.seal(&format!("{kind}|{key}"), &text, self.nonce()).ok_or(Error::Sealed { kind })?,
            key,
            request: request.to_owned(),
            person: person.to_owned(),
            first_by: by.person.clone(),
            first: decision.code().to_owned(),
            at_ms,
            second_by: None,
            second: None,
            second_ms: None,
        })
    }

    /// Draws a decision about a request: the row goes with the step.
    pub(crate) async fn draw_request(&self, by: &ArbiterSession, number: &str, step: &mut CaseStep) -> Result<(), Error> {
        let Some(decision) = IdentityDecision::of(&step.event).filter(|_| self.is_drawn(number)) else { return Ok(()) };
        let Some(kept) = self.request(number).await? else { return Ok(()) };
        let Some(candidate) = &kept.value.candidate else { return Ok(()) };
        let (civil, person) = (self.opened(&kept.value)?.civil_values, self.person(&candidate.national_id).await?);
        let theirs = person.and_then(|person| person.merged.etat_civil);
        if let (Some(civil), Some(second)) = (civil, theirs) {
            let compared = ComparedIdentities { first: stated(&civil), second };
            step.second_look = Some(self.second_look(by, (number, &candidate.national_id), decision, &compared)?);
        }
        Ok(())
    }

    /// Draws a decision about two registered persons; `key` is that of the pair.
    pub(crate) fn draw_pair(
        &self,
        writes: &mut PendingWrites,
        by: &ArbiterSession,
        (one, other): (&RegisteredPerson, &RegisteredPerson),
        decision: IdentityDecision,
    ) -> Result<(), Error> {
        if !self.is_drawn(&DistinctPairRow::of(&one.national_id, &other.national_id, "").key()) {
            return Ok(());
        }
        let civil = |person: &RegisteredPerson| person.merged.etat_civil.clone().unwrap_or_default();
        let compared = ComparedIdentities { first: civil(one), second: civil(other) };
        writes.put(&self.second_look(by, ("", &one.national_id), decision, &compared)?, None)
    }

    /// Decisions of other arbiters that wait for a second look, by key: the first page of them.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn second_looks(&self, by: &ArbiterSession) -> Result<Vec<SecondLookLine>, Error> {
        let rows = about::<SecondLookRow>(self.registry(), WAITS).await?.into_iter().map(|row| row.value);
        let mut lines: Vec<SecondLookLine> = rows
            .filter(|row| row.first_by != by.person)
            .map(|row| SecondLookLine { key: row.key, since_ms: row.at_ms })
            .collect();
        lines.sort_by_key(|line| line.since_ms);
        lines.truncate(LIST_PAGE_MAX as usize);
        Ok(lines)
    }

    /// Decisions about which two arbiters disagreed, the newest first, until ninety days after the second one: the first page of them.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn arbiter_disagreements(&self, _by: &ArbiterSession) -> Result<Vec<ArbiterDisagreement>, Error> {
        let mut all = Vec::new();
        for row in about::<SecondLookRow>(self.registry(), DISAGREED).await?.into_iter().map(|row| row.value) {
            let decision = |code: &str| {
                let unknown = || Error::UnknownWord { kind: SecondLookRow::KIND, word: code.to_owned() };
                IdentityDecision::parse(code).ok_or_else(unknown)
            };
            all.push(ArbiterDisagreement {
                first: decision(&row.first)?,
                second: decision(row.second.as_deref().unwrap_or_default())?,
                at_ms: row.second_ms.unwrap_or_default(),
                rpps: row.person.get(1..).unwrap_or_default().to_owned(),
                request: row.request,
            });
        }
        all.sort_by_key(|line| std::cmp::Reverse(line.at_ms));
        all.truncate(LIST_PAGE_MAX as usize);
        Ok(all)
    }

    /// A row that waits for somebody else than its first arbiter.
    async fn waiting_look(
        &self,
        by: &ArbiterSession,
        key: &str,
        name: &str,
    ) -> Result<(VersionedRow<SecondLookRow>, AuditEvent), RegistrationStop> {
        let actor = CaseActor::arbiter(by);
        let kept: Option<VersionedRow<SecondLookRow>> = read(self.registry(), key).await?;
        let kept = kept.filter(|kept| kept.value.second.is_none() && kept.value.first_by != by.person);
        match kept {
            Some(kept) => {
                let mut event = person_event(&actor, name, &kept.value.person);
                event.request = Some(kept.value.request.clone()).filter(|number| !number.is_empty());
                Ok((kept, event))
            }
            None => self.refused(person_event(&actor, name, key), hidden()).await,
        }
    }

    /// What the first arbiter compared, without the decision. The read is audited with its purpose.
    ///
    /// # Errors
    /// E-REQ-06 for a key that leads to nothing, was answered, or is of one's own decision; the errors of the registry.
    pub async fn second_look_sheet(&self, by: &ArbiterSession, key: &str) -> Result<SecondLookSheet, RegistrationStop> {
        let (kept, event) = self.waiting_look(by, key, "second-regard-lire").await?;
        let kind = SecondLookRow::KIND;
        let text = self.keys.messages.open(&format!("{kind}|{key}"), &kept.value.sealed).ok_or(Error::Sealed { kind })?;
        let compared: ComparedIdentities = serde_json::from_str(&text).map_err(|cause| Error::Unreadable { kind, cause })?;
        self.audit(event).await?;
        Ok(SecondLookSheet {
            score: score(&civil_traits(&compared.first), &civil_traits(&compared.second), CommuneIndex::embedded()),
            first: compared.first,
            second: compared.second,
            is_request: !kept.value.request.is_empty(),
        })
    }

    /// Decides again; returns whether both agree. A disagreement is told to both (G07), and what was decided first stands.
    ///
    /// # Errors
    /// As [`second_look_sheet`](Self::second_look_sheet); E-GEN-03 for the reason, E-GEN-02 for rejecting what is no request.
    pub async fn decide_again(
        &self,
        by: &ArbiterSession,
        key: &str,
        decision: IdentityDecision,
        reason: &str,
    ) -> Result<bool, RegistrationStop> {
        let (kept, mut event) = self.waiting_look(by, key, "second-regard").await?;
        let reason = match typed_reason(reason) {
            Ok(reason) => reason,
            Err(refused) => return self.refused(event, refused).await,
        };
        if decision == IdentityDecision::Rejected && kept.value.request.is_empty() {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        }
        let agreed = kept.value.first == decision.code();
        for (name, value) in [("reason", json!(reason)), ("decision", json!(decision.code())), ("agreed", json!(agreed))] {
            event.detail = with_member(&event.detail, name, &value);
        }
        let mut writes = PendingWrites::default();
        let row = SecondLookRow {
            second_by: Some(by.person.clone()),
            second: Some(decision.code().to_owned()),
            second_ms: Some(self.now_ms()),
            ..kept.value
        };
        if !agreed {
            let arbiters = [row.first_by.clone(), by.person.clone()];
            let mut people = NoticePeople::default();
            people.set(NoticeAudience::Arbiters, persons(self.registry(), &arbiters).await?.iter().map(Into::into).collect());
            let mut values = NoticeValues::of(&row.request);
            values.set("date", &french(paris_day(row.at_ms)));
            self.notify(&mut writes, NoticeId::G07, &people, &values, self.now_ms())?;
        }
        writes.put(&row, Some(kept.version))?;
        writes.audit(event);
        self.written_once(writes, &CaseActor::arbiter(by), key).await?;
        Ok(agreed)
    }
}
