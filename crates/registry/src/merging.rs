//! Two numbers of one person become one (registration §8.6). What local authorities state of the person goes to the number that stays; the
//! other one becomes an alias, which leaves publication as an inactive person does and is resolved to its survivor.
//!
//! What orders, agencies and files state is theirs: it stays under the alias until they correct it. Habilitations of the alias end, and are
//! not given back when a merge is undone: a representative designates again.

use crate::acting::CaseActor;
use crate::contact_proposals::person_event;
use crate::duplicates::{DuplicatePairRow, pair_key};
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::followed::{CertificationRow, ContactProposalRow, FollowedPersonRow, WithheldMeansRow};
use crate::grants::{ManagerRow, PlaceManagers};
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::{RegisteredPerson, persons};
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::second_look_row::IdentityDecision;
use crate::service::{Registration, refusal, typed_reason, with_member};
use crate::session::ArbiterSession;
use annuaire_base::Tx;
use annuaire_base::fact::{Fact, FactKey, Publication};
use annuaire_consolidate::entity_key;
use annuaire_mos::owner::Facet;
use annuaire_mos::{IdentifiantAlternatif, Objet};
use annuaire_store::{CaseFilter, CaseOrder, Change, Expect};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::duplicates::{MergeCandidate, may_undo_merge, survivor};
use annuaire_workflow::habilitation::HabilitationState;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::state::RequestState;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Why means of an alias are withheld.
const MERGED: &str = "fusion";
/// Owners of facts that local authorities state.
const LOCAL: &str = "ENREG:";

/// A number that is an alias.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MergedPersonRow {
    pub(crate) alias: String,
    pub(crate) kept: String,
    /// The arbiter.
    pub(crate) by: String,
    pub(crate) on: String,
    /// Transaction at which the alias was read: its facts are found there.
    pub(crate) before: u64,
    /// Owner and facet of each fact that went to the survivor.
    pub(crate) moved: Vec<(String, String)>,
    /// Owner and facet of each fact that ended.
    pub(crate) ended: Vec<(String, String)>,
}

impl RegistrationRow for MergedPersonRow {
    const KIND: &'static str = "merged-person";

    fn key(&self) -> String {
        self.alias.clone()
    }

    fn subject(&self) -> String {
        self.kept.clone()
    }
}

/// An arbiter who wants a merge undone that one arbiter may not undo alone: another one confirms it. The reason is in the trail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UndoProposalRow {
    alias: String,
    kept: String,
    /// The arbiter.
    by: String,
    on: String,
}

impl RegistrationRow for UndoProposalRow {
    const KIND: &'static str = "undo-merge-proposal";

    fn key(&self) -> String {
        self.alias.clone()
    }
}

/// What became of the wish to undo a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoneMerge {
    /// The merge is undone.
    Undone,
    /// It is undone once another arbiter confirms.
    Proposed,
}

/// A merge that an arbiter wants undone and another one has to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeToUndo {
    /// RPPS number that is an alias.
    pub alias: String,
    /// RPPS number that stayed.
    pub kept: String,
    /// Day of the proposal, ISO.
    pub on: String,
    /// Whether the reader proposed it, who cannot confirm it.
    pub is_own: bool,
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedPersons {
    /// RPPS number that stays.
    pub kept: String,
    /// RPPS number that is an alias now.
    pub alias: String,
    /// Facts that went to the survivor.
    pub moved: usize,
    /// Codes of owners who still state something under the alias: they are asked to correct it.
    pub still_stated_by: Vec<String>,
    /// Numbers of cards under the alias: they are to be revoked.
    pub cards: Vec<String>,
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: "fact", cause }
}

/// A fact of one person as a fact of another.
fn under(fact: &Fact, national_id: &str) -> Change {
    let key = FactKey { entity: entity_key::person(national_id), ..fact.key.clone() };
    Change { key, payload: Some(fact.payload.clone()), publication: fact.publication, fingerprint: 0 }
}

fn ended(fact: &Fact) -> Change {
    Change { key: fact.key.clone(), payload: None, publication: fact.publication, fingerprint: 0 }
}

/// Whether a fact goes to the survivor: situations and practices that local authorities state.
fn is_moved(fact: &Fact) -> bool {
    let of_work = matches!(fact.key.facet.parse(), Ok(Facet::Situation { .. } | Facet::Practice { .. }));
    fact.key.owner.starts_with(LOCAL) && of_work
}

impl Registration {
    /// The RPPS number that stays when two persons are merged: the oldest active one; `None` when they cannot be merged.
    pub(crate) async fn surviving(&self, one: &RegisteredPerson, other: &RegisteredPerson) -> Result<Option<String>, Error> {
        let (a, b) = (self.merge_candidate(one).await?, self.merge_candidate(other).await?);
        Ok(survivor(&a, &b).ok().map(|stays| stays.rpps.clone()))
    }

    async fn merge_candidate(&self, person: &RegisteredPerson) -> Result<MergeCandidate, Error> {
        let entity = entity_key::person(&person.national_id);
        let history = self.registry().history(person.at, std::slice::from_ref(&entity)).await?;
        let first = history.iter().map(|version| version.tx.get()).min().unwrap_or(u64::MAX);
        let merged: Option<VersionedRow<MergedPersonRow>> = read(self.registry(), &person.national_id).await?;
        Ok(MergeCandidate {
            rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
            // Transactions are in the order of time, and one is enough to tell who came first.
            given_at: i64::try_from(first).unwrap_or(i64::MAX),
            active: person.facts.iter().any(|fact| fact.publication == Publication::Open),
            merged: merged.is_some(),
        })
    }

    /// The number that an alias stands for; `None` for a number that is no alias.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn surviving_number(&self, rpps: &str) -> Result<Option<String>, Error> {
        let row: Option<VersionedRow<MergedPersonRow>> = read(self.registry(), &idnps(rpps.trim())).await?;
        Ok(row.and_then(|row| row.value.kept.get(1..).map(str::to_owned)))
    }

    /// Merges two persons. The person and the managers are told (N24).
    ///
    /// # Errors
    /// E-GEN-03 for the reason, E-RPPS-01 for a number that nobody has, E-GEN-02 when `kept` is not the oldest active number, E-REQ-01 while
    /// a request about the alias is open; the errors of the registry.
    pub async fn merge_persons(
        &self,
        by: &ArbiterSession,
        kept: &str,
        other: &str,
        reason: &str,
    ) -> Result<MergedPersons, RegistrationStop> {
        let actor = CaseActor::arbiter(by);
        let (kept, alias) = self.pair(&actor, "fusionner", kept, other).await?;
        let mut event = person_event(&actor, "fusionner", &kept.national_id);
        let reason = match typed_reason(reason) {
            Ok(reason) => reason,
            Err(refused) => return self.refused(event, refused).await,
        };
        if self.surviving(&kept, &alias).await?.as_deref() != kept.national_id.get(1..) {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        }
        let open = RequestState::ALL.iter().filter(|state| !state.terminal()).map(|state| state.code().to_owned());
        let filter =
            CaseFilter { subject: Some(alias.national_id.clone()), states: Some(open.collect()), ..CaseFilter::default() };
        if let Some(open) = self.registry().cases(&filter, CaseOrder::OldestFirst, 0, 1).await?.first() {
            let refused = RegistrationRefusal::filled(MessageCode::EReq01, &[("num", &open.listing.number)]);
            return self.refused(event, refused).await;
        }
        let mut writes = PendingWrites::default();
        let row = self.move_facts(&mut writes, by, &kept, &alias)?;
        self.name_alias(&mut writes, &kept, &alias.national_id, true)?;
        self.move_rows(&mut writes, &kept, &alias).await?;
        let targets = self.end_habilitations(&mut writes, &actor, &alias.national_id).await?;
        self.tell_merge(&mut writes, &kept, &alias, true).await?;
        self.draw_pair(&mut writes, by, (&kept, &alias), IdentityDecision::Same)?;
        event.detail = with_member(&event.detail, "reason", &json!(reason));
        event.detail = with_member(&event.detail, "other", &json!(alias.national_id));
        let mut of_alias = event.clone();
        of_alias.object.clone_from(&alias.national_id);
        of_alias.detail = with_member(&of_alias.detail, "other", &json!(kept.national_id));
        writes.audit(event);
        writes.audit(of_alias);
        let gone = |fact: &&Fact| {
            let key = (fact.key.owner.clone(), fact.key.facet.clone());
            !row.moved.contains(&key) && !row.ended.contains(&key)
        };
        let mut still_stated_by: Vec<String> = alias.facts.iter().filter(gone).map(|fact| fact.key.owner.clone()).collect();
        still_stated_by.dedup();
        let done = MergedPersons {
            kept: kept.national_id.get(1..).unwrap_or_default().to_owned(),
            alias: alias.national_id.get(1..).unwrap_or_default().to_owned(),
            moved: row.moved.len(),
            still_stated_by,
            cards: alias.cards.iter().map(|card| card.numero_carte.clone()).collect(),
        };
        writes.put(&row, None)?;
        self.written_once(writes, &actor, &kept.national_id).await?;
        for target in targets {
            if let Some(place) = self.place_numbered(target.number()).await? {
                self.requests_of_follow(&place).await?;
            }
        }
        Ok(done)
    }

    /// Habilitations of an alias end: nobody logs in as it any more, and a right is given to a person by a representative alone. Returns what
    /// they were for.
    async fn end_habilitations(
        &self,
        writes: &mut PendingWrites,
        actor: &CaseActor,
        alias: &str,
    ) -> Result<Vec<PerimeterTarget>, Error> {
        let mut targets = Vec::new();
        for mut kept in about::<ManagerRow>(self.registry(), alias).await? {
            if !matches!(kept.value.state()?, HabilitationState::Active | HabilitationState::Suspended) {
                continue;
            }
            HabilitationState::Revoked.key().clone_into(&mut kept.value.state);
            kept.value.ended_on = Some(self.today().to_string());
            writes.put(&kept.value, Some(kept.version))?;
            writes.audit(person_event(actor, "fusion-gestionnaire", &format!("{}|{alias}", kept.value.target)));
            targets.push(crate::target::parse(&kept.value.target)?);
        }
        Ok(targets)
    }

    /// Moves what local authorities state of the work, and ends what they and the person state beside.
    fn move_facts(
        &self,
        writes: &mut PendingWrites,
        by: &ArbiterSession,
        kept: &RegisteredPerson,
        alias: &RegisteredPerson,
    ) -> Result<MergedPersonRow, Error> {
        let own = annuaire_mos::owner::Owner::person(&alias.national_id).code;
        let mut row = MergedPersonRow {
            alias: alias.national_id.clone(),
            kept: kept.national_id.clone(),
            by: by.person.clone(),
            on: self.today().to_string(),
            before: alias.at.get(),
            moved: Vec::new(),
            ended: Vec::new(),
        };
        for fact in alias.facts.iter().filter(|fact| fact.key.owner.starts_with(LOCAL) || fact.key.owner == own) {
            let key = (fact.key.owner.clone(), fact.key.facet.clone());
            let known = kept.facts.iter().any(|known| known.key.owner == key.0 && known.key.facet == key.1);
            if is_moved(fact) && !known {
                writes.change(under(fact, &kept.national_id), Expect::Absent);
                row.moved.push(key);
            } else {
                row.ended.push(key);
            }
            writes.change(ended(fact), Expect::UnchangedSince(alias.at));
        }
        Ok(row)
    }

    /// Adds the alias to what a local authority states of the survivor, or takes it away.
    fn name_alias(&self, writes: &mut PendingWrites, kept: &RegisteredPerson, alias: &str, added: bool) -> Result<(), Error> {
        let whole = kept.facts.iter().find(|fact| fact.key.owner.starts_with(LOCAL) && fact.key.facet.is_empty());
        let Some(fact) = whole else { return Ok(()) };
        let Objet::Professionnel(mut stated) = serde_json::from_str(&fact.payload).map_err(unreadable)? else { return Ok(()) };
        stated.identifiants_alternatifs.retain(|known| known.id_nat_ps != alias);
        if added {
            let former = IdentifiantAlternatif { id_nat_ps: alias.to_owned(), origine: "RPPS".to_owned(), ..Default::default() };
            stated.identifiants_alternatifs.push(former);
        }
        let payload = serde_json::to_string(&Objet::Professionnel(stated)).map_err(unreadable)?;
        let change = Change { key: fact.key.clone(), payload: Some(payload), publication: fact.publication, fingerprint: 0 };
        writes.change(change, Expect::UnchangedSince(kept.at));
        Ok(())
    }

    /// Rows beside the log: the survivor is found by the names of both and looked at again, the alias is found by nothing.
    async fn move_rows(
        &self,
        writes: &mut PendingWrites,
        kept: &RegisteredPerson,
        alias: &RegisteredPerson,
    ) -> Result<(), Error> {
        let registry = self.registry();
        for key in self.person_keys(&alias.national_id).await? {
            writes.remove(&key);
        }
        if let Some(mut traits) = kept.traits() {
            if let Some(theirs) = alias.traits() {
                traits.other_names.push(theirs.family_name);
                traits.other_names.extend(theirs.other_names);
            }
            let contact = kept.contact();
            let former = self.person_keys(&kept.national_id).await?;
            self.index_person(writes, &kept.national_id, &former, &traits, (&contact.mail, &contact.mobile))?;
        }
        self.look_again(writes, &kept.national_id).await?;
        let followed: Option<VersionedRow<FollowedPersonRow>> = read(registry, &alias.national_id).await?;
        followed.iter().for_each(|row| writes.remove(row));
        let proposal: Option<VersionedRow<ContactProposalRow>> = read(registry, &alias.national_id).await?;
        proposal.iter().for_each(|row| writes.remove(row));
        let certification: Option<VersionedRow<CertificationRow>> = read(registry, &alias.national_id).await?;
        certification.iter().for_each(|row| writes.remove(row));
        let pair: Option<VersionedRow<DuplicatePairRow>> =
            read(registry, &pair_key(&kept.national_id, &alias.national_id)).await?;
        pair.iter().for_each(|row| writes.remove(row));
        let withheld: Option<VersionedRow<WithheldMeansRow>> = read(registry, &alias.national_id).await?;
        let row = WithheldMeansRow {
            person: alias.national_id.clone(),
            reason: MERGED.to_owned(),
            since: self.today().to_string(),
            request: String::new(),
        };
        writes.put(&row, withheld.map(|row| row.version))
    }

    async fn look_again(&self, writes: &mut PendingWrites, national_id: &str) -> Result<(), Error> {
        let followed: Option<VersionedRow<FollowedPersonRow>> = read(self.registry(), national_id).await?;
        let told = followed.as_ref().map(|row| row.value.told.clone()).unwrap_or_default();
        let row = FollowedPersonRow { person: national_id.to_owned(), due_ms: Some(self.now_ms()), told };
        writes.put(&row, followed.map(|row| row.version))
    }

    async fn tell_merge(
        &self,
        writes: &mut PendingWrites,
        kept: &RegisteredPerson,
        alias: &RegisteredPerson,
        merged: bool,
    ) -> Result<(), Error> {
        let mut ids: Vec<String> = kept.situations().chain(alias.situations()).map(|(_, _, s)| s.structure.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut managers = Vec::new();
        for place in self.places(&ids).await? {
            managers.extend(PlaceManagers::of(self.registry(), &place, self.today()).await?.all());
        }
        managers.sort_unstable();
        managers.dedup();
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::Managers, persons(self.registry(), &managers).await?.iter().map(Into::into).collect());
        people.set(NoticeAudience::Professional, vec![kept.into(), alias.into()]);
        let rpps = |person: &RegisteredPerson| person.national_id.get(1..).unwrap_or_default().to_owned();
        let told = match merged {
            true => format!("Le numéro {} n'est plus utilisé.", rpps(alias)),
            false => format!("Le rapprochement est annulé : le numéro {} désigne de nouveau une autre personne.", rpps(alias)),
        };
        let mut values = NoticeValues::of("");
        values.set("rpps", &rpps(kept));
        values.set("liste", &told);
        self.notify(writes, NoticeId::N24, &people, &values, self.now_ms())
    }

    /// Merges that wait for a second arbiter to undo them, by number: the first [`LIST_PAGE_MAX`](crate::limits::LIST_PAGE_MAX).
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn merges_to_undo(&self, by: &ArbiterSession) -> Result<Vec<MergeToUndo>, Error> {
        let rows = beginning::<UndoProposalRow>(self.registry(), "", crate::limits::LIST_PAGE_MAX as usize).await?;
        let rpps = |id: &str| id.get(1..).unwrap_or_default().to_owned();
        let shown = |row: VersionedRow<UndoProposalRow>| MergeToUndo {
            alias: rpps(&row.value.alias),
            kept: rpps(&row.value.kept),
            is_own: row.value.by == by.person,
            on: row.value.on,
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    /// Undoes a merge: within 30 days by the arbiter who made it, else by two (registration §8.6), of whom the first one proposes and the second
    /// one confirms, each with a reason. Each fact goes back to the number that it came from, as it stands by now. The means of the alias stay
    /// withheld until support lifts that.
    ///
    /// # Errors
    /// E-RPPS-01 for a number that is no alias, E-REQ-06 for an arbiter who proposed it before, E-GEN-03 for the reason; the errors of the
    /// registry.
    pub async fn undo_merge(&self, by: &ArbiterSession, alias: &str, reason: &str) -> Result<UndoneMerge, RegistrationStop> {
        let actor = CaseActor::arbiter(by);
        let alias = idnps(alias.trim());
        let mut event = person_event(&actor, "defusionner", &alias);
        let reason = match typed_reason(reason) {
            Ok(reason) => reason,
            Err(refused) => return self.refused(event, refused).await,
        };
        let row: Option<VersionedRow<MergedPersonRow>> = read(self.registry(), &alias).await?;
        let Some(row) = row else { return self.refused(event, refusal(MessageCode::ERpps01)).await };
        let merged_on = parse_iso(&row.value.on);
        let proposal: Option<VersionedRow<UndoProposalRow>> = read(self.registry(), &alias).await?;
        let proposed_by = proposal.as_ref().map(|proposal| proposal.value.by.as_str());
        let arbiters: Vec<&str> = proposed_by.into_iter().chain([by.person.as_str()]).collect();
        if !merged_on.is_some_and(|on| may_undo_merge(&row.value.by, on, &arbiters, self.today())) {
            if proposal.is_some() {
                let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
                return self.refused(event, refused).await;
            }
            let (kept, on) = (row.value.kept.clone(), self.today().to_string());
            let proposal = UndoProposalRow { alias: alias.clone(), kept, by: by.person.clone(), on };
            let mut event = person_event(&actor, "proposer-defusion", &alias);
            event.detail = with_member(&event.detail, "reason", &json!(reason));
            event.detail = with_member(&event.detail, "other", &json!(proposal.kept));
            let mut writes = PendingWrites::default();
            writes.put(&proposal, None)?;
            writes.audit(event);
            self.written_once(writes, &actor, &alias).await?;
            return Ok(UndoneMerge::Proposed);
        }
        let Some(kept) = self.person(&row.value.kept).await? else {
            return self.refused(event, refusal(MessageCode::ERpps01)).await;
        };
        let mut writes = PendingWrites::default();
        for (owner, facet) in &row.value.moved {
            let stands = kept.facts.iter().find(|fact| fact.key.owner == *owner && fact.key.facet == *facet);
            if let Some(fact) = stands {
                writes.change(under(fact, &alias), Expect::Absent);
                writes.change(ended(fact), Expect::UnchangedSince(kept.at));
            }
        }
        let entity = entity_key::person(&alias);
        let before = self.registry().facts_at(Tx::new(row.value.before), std::slice::from_ref(&entity)).await?;
        for fact in &before {
            if row.value.ended.contains(&(fact.key.owner.clone(), fact.key.facet.clone())) {
                writes.change(under(fact, &alias), Expect::Absent);
            }
        }
        self.name_alias(&mut writes, &kept, &alias, false)?;
        self.look_again(&mut writes, &kept.national_id).await?;
        self.look_again(&mut writes, &alias).await?;
        // The two were arbitrated: they are proposed no more.
        let pair = crate::followed::DistinctPairRow::of(&kept.national_id, &alias, "");
        let known: Option<VersionedRow<crate::followed::DistinctPairRow>> = read(self.registry(), &pair.key()).await?;
        if known.is_none() {
            writes.put(&pair, None)?;
        }
        writes.remove(&row);
        proposal.iter().for_each(|proposal| writes.remove(proposal));
        event.detail = with_member(&event.detail, "reason", &json!(reason));
        event.detail = with_member(&event.detail, "other", &json!(kept.national_id));
        writes.audit(event);
        self.written_once(writes, &actor, &alias).await?;
        // Both are read as they are now: who is told and found is who they were.
        if let (Some(kept), Some(alias)) = (self.person(&kept.national_id).await?, self.person(&alias).await?) {
            let mut writes = PendingWrites::default();
            for person in [&kept, &alias] {
                let Some(traits) = person.traits() else { continue };
                let contact = person.contact();
                let former = self.person_keys(&person.national_id).await?;
                let reached = (contact.mail.as_str(), contact.mobile.as_str());
                self.index_person(&mut writes, &person.national_id, &former, &traits, reached)?;
            }
            self.tell_merge(&mut writes, &kept, &alias, false).await?;
            self.written_once(writes, &actor, &alias.national_id).await?;
        }
        Ok(UndoneMerge::Undone)
    }
}
