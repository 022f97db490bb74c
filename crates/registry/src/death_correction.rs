//! A recorded death that was wrong (registration §10.3: correction by an arbiter alone). Two arbiters take it back, each with a reason: the person is
//! no longer deceased. What the death ended stays ended, and is listed for the structures that stated it, whose managers register the activity again or
//! leave it; means stay withheld until support lifts that. Requests that the death closed stay closed. The civil register is not asked again, since
//! it may be where the error is.

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::followed::WithheldMeansRow;
use crate::limits::LIST_PAGE_MAX;
use crate::person::{RegisteredPerson, persons};
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::service::{Registration, refusal, typed_reason, with_member};
use crate::session::{ArbiterSession, ManagerSession};
use annuaire_base::fact::Publication;
use annuaire_mos::Objet;
use annuaire_store::{Change, Expect};
use annuaire_workflow::fields::END_BY_DEATH;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::rpps_number::idnps;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Owners of facts that local authorities state.
const LOCAL: &str = "ENREG:";
/// Why means are withheld after a death that was taken back; support lifts it.
const DEATH_CORRECTED: &str = "décès corrigé";

/// An arbiter who wants a death taken back: another one confirms it. The reason is in the trail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeathCorrectionRow {
    person: String,
    /// The arbiter.
    by: String,
    on: String,
}

/// A situation that a death ended which was taken back. It waits for the managers of its structure.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndedByDeathRow {
    situation: String,
    /// National identification.
    person: String,
    /// Technical identifier.
    structure: String,
    ended_on: String,
    corrected_on: String,
}

impl RegistrationRow for DeathCorrectionRow {
    const KIND: &'static str = "death-correction";

    fn key(&self) -> String {
        self.person.clone()
    }
}

impl RegistrationRow for EndedByDeathRow {
    const KIND: &'static str = "ended-by-death";

    fn key(&self) -> String {
        self.situation.clone()
    }

    fn subject(&self) -> String {
        self.structure.clone()
    }
}

/// What became of the wish to take a death back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectedDeath {
    /// Another arbiter has to confirm it.
    Proposed,
    /// The person is no longer deceased; so many situations are listed for their structures.
    Corrected(usize),
}

/// A death that an arbiter wants taken back and another one has to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeathToCorrect {
    /// RPPS number.
    pub rpps: String,
    /// Day of the proposal, ISO.
    pub on: String,
    /// Whether the reader proposed it, who cannot confirm it.
    pub is_own: bool,
}

/// A situation that a death ended which was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSituation {
    /// Identifier of the situation.
    pub situation: String,
    /// RPPS number.
    pub rpps: String,
    /// Given and family name of exercise.
    pub name: String,
    /// The structure.
    pub place: RegisteredPlace,
    /// Last day, ISO.
    pub ended_on: String,
    /// Day of the correction, ISO.
    pub corrected_on: String,
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: "fact", cause }
}

/// The facts that take a death back.
struct LifeRestored {
    changes: Vec<Change>,
    ended: Vec<EndedByDeathRow>,
}

/// What local authorities state, without the death; `None` when they state none, or somebody else does as well.
fn restored(person: &RegisteredPerson, today: &str) -> Result<Option<LifeRestored>, Error> {
    let mut life = LifeRestored { changes: Vec::new(), ended: Vec::new() };
    let mut is_stated = false;
    for fact in &person.facts {
        let is_local = fact.key.owner.starts_with(LOCAL);
        let again = |object: &Objet, publication| {
            let payload = serde_json::to_string(object).map_err(unreadable)?;
            Ok::<Change, Error>(Change { key: fact.key.clone(), payload: Some(payload), publication, fingerprint: 0 })
        };
        match serde_json::from_str(&fact.payload).map_err(unreadable)? {
            Objet::EtatCivil { civilite, mut etat_civil } if !etat_civil.date_deces.is_empty() => {
                if !is_local {
                    return Ok(None);
                }
                is_stated = true;
                etat_civil.date_deces.clear();
                life.changes.push(again(&Objet::EtatCivil { civilite, etat_civil }, Publication::Restricted)?);
            }
            Objet::Professionnel(p) if !is_local && p.etat_civil.iter().any(|civil| !civil.date_deces.is_empty()) => {
                return Ok(None);
            }
            // The person may be shown again; what is shown of them are activities, and those stay ended.
            Objet::Professionnel(p) if is_local && fact.publication == Publication::Restricted => {
                life.changes.push(again(&Objet::Professionnel(p), Publication::Open)?);
            }
            Objet::Situation(s) if is_local && s.situation.motif_fin == END_BY_DEATH => {
                life.ended.push(EndedByDeathRow {
                    situation: s.situation.id_situation_exercice,
                    person: person.national_id.clone(),
                    structure: s.situation.structure,
                    ended_on: s.situation.date_fin,
                    corrected_on: today.to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(is_stated.then_some(life))
}

impl Registration {
    /// Deaths that wait for a second arbiter, by number: the first page of them.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn deaths_to_correct(&self, by: &ArbiterSession) -> Result<Vec<DeathToCorrect>, Error> {
        let rows = beginning::<DeathCorrectionRow>(self.registry(), "", LIST_PAGE_MAX as usize).await?;
        let shown = |row: VersionedRow<DeathCorrectionRow>| DeathToCorrect {
            rpps: row.value.person.get(1..).unwrap_or_default().to_owned(),
            is_own: row.value.by == by.person,
            on: row.value.on,
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    /// Takes a recorded death back: the first arbiter proposes it, another one confirms it. Cost: the facts of the person and one unit.
    ///
    /// # Errors
    /// E-GEN-03 for the reason, E-RPPS-01 for a number that nobody has, E-GEN-02 for a person who is not deceased, or of whom an order or a file states
    /// the death, who corrects it, E-REQ-06 for an arbiter who proposed it before; the errors of the registry.
    pub async fn correct_death(&self, by: &ArbiterSession, rpps: &str, reason: &str) -> Result<CorrectedDeath, RegistrationStop> {
        let actor = CaseActor::arbiter(by);
        let number = idnps(rpps.trim());
        let mut event = person_event(&actor, "corriger-deces", &number);
        let reason = match typed_reason(reason) {
            Ok(reason) => reason,
            Err(refused) => return self.refused(event, refused).await,
        };
        let Some(person) = self.person(&number).await? else { return self.refused(event, refusal(MessageCode::ERpps01)).await };
        let today = self.today().to_string();
        let Some(life) = restored(&person, &today)? else { return self.refused(event, refusal(MessageCode::EGen02)).await };
        event.detail = with_member(&event.detail, "reason", &json!(reason));
        let mut writes = PendingWrites::default();
        let proposal: Option<VersionedRow<DeathCorrectionRow>> = read(self.registry(), &number).await?;
        let Some(proposal) = proposal else {
            "inscription-proposer-deces".clone_into(&mut event.event);
            writes.put(&DeathCorrectionRow { person: number.clone(), by: by.person.clone(), on: today }, None)?;
            writes.audit(event);
            self.written_once(writes, &actor, &number).await?;
            return Ok(CorrectedDeath::Proposed);
        };
        if proposal.value.by == by.person {
            let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
            return self.refused(event, refused).await;
        }
        for change in life.changes {
            writes.change(change, Expect::UnchangedSince(person.at));
        }
        for row in &life.ended {
            // A death that was taken back twice lists once what waits still.
            let kept: Option<VersionedRow<EndedByDeathRow>> = read(self.registry(), &row.situation).await?;
            writes.put(row, kept.map(|kept| kept.version))?;
        }
        let withheld: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &number).await?;
        let (person, reason) = (number.clone(), DEATH_CORRECTED.to_owned());
        let row = WithheldMeansRow { person, reason, since: today, request: String::new() };
        writes.put(&row, withheld.map(|kept| kept.version))?;
        writes.remove(&proposal);
        event.detail = with_member(&event.detail, "situations", &json!(life.ended.len()));
        writes.audit(event);
        self.written_once(writes, &actor, &number).await?;
        Ok(CorrectedDeath::Corrected(life.ended.len()))
    }

    /// How many situations of some structures a death ended that was taken back. Cost: a look-up for each structure.
    pub(crate) async fn ended_by_death_of(&self, places: &[RegisteredPlace]) -> Result<u64, Error> {
        let mut waiting = 0;
        for place in places {
            let rows = about::<EndedByDeathRow>(self.registry(), &place.id).await?;
            waiting += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        }
        Ok(waiting)
    }

    /// « Activités arrêtées par un décès corrigé » of the perimeter, by day of the correction. The read is audited. Cost: a look-up for each structure,
    /// and the facts of the persons.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn ended_by_death(&self, by: &ManagerSession) -> Result<Vec<EndedSituation>, Error> {
        let mut rows = Vec::new();
        for place in self.places_shown(by).await? {
            for row in about::<EndedByDeathRow>(self.registry(), &place.id).await? {
                rows.push((row.value, place.clone()));
            }
        }
        rows.sort_by(|(a, _), (b, _)| (&a.corrected_on, &a.situation).cmp(&(&b.corrected_on, &b.situation)));
        rows.truncate(LIST_PAGE_MAX as usize);
        let numbers: Vec<String> = rows.iter().map(|(row, _)| row.person.clone()).collect();
        let known = persons(self.registry(), &numbers).await?;
        let mut all = Vec::new();
        for (row, place) in rows {
            let name = known.iter().find(|person| person.national_id == row.person).map(RegisteredPerson::full_name);
            all.push(EndedSituation {
                rpps: row.person.get(1..).unwrap_or_default().to_owned(),
                name: name.unwrap_or_default(),
                situation: row.situation,
                place,
                ended_on: row.ended_on,
                corrected_on: row.corrected_on,
            });
        }
        self.audit(person_event(&CaseActor::manager(by), "deces-corriges", "")).await?;
        Ok(all)
    }

    /// « Traité »: the managers saw to it, whether they registered the activity again or not.
    ///
    /// # Errors
    /// E-PER-01 for a situation that does not wait, or is of another perimeter, which are not told apart; the errors of the registry.
    pub async fn settle_ended_by_death(&self, by: &ManagerSession, situation: &str) -> Result<(), RegistrationStop> {
        let actor = CaseActor::manager(by);
        let mut event = person_event(&actor, "deces-corrige-traite", situation);
        let kept: Option<VersionedRow<EndedByDeathRow>> = read(self.registry(), situation).await?;
        let rights = self.rights(&by.person).await?;
        let place = match &kept {
            Some(kept) => self.place(&kept.value.structure).await?,
            None => None,
        };
        let Some(kept) = kept.filter(|_| place.as_ref().is_some_and(|place| rights.contains(place))) else {
            return self.refused(event, refusal(MessageCode::EPer01)).await;
        };
        event.object.clone_from(&kept.value.person);
        let mut writes = PendingWrites::default();
        writes.remove(&kept);
        writes.audit(event);
        self.written_once(writes, &actor, &kept.value.person).await
    }
}
