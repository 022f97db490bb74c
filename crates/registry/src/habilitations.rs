//! Habilitations (registration §2.4): structures become authorities, representatives designate mandataires and managers, structures
//! hand over to third ones. Each act is one unit with its audit event and its messages; what was withdrawn ends at once, and
//! requests that nobody can instruct any more are frozen.

use crate::acting::{CaseActor, CaseStep};
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::{
    AuthorityRow, CharterRow, ConfirmedManagersRow, DelegationRow, ManagerRow, MandateRow, PlaceManagers, UnverifiedRow,
};
use crate::limits::MANAGERS_MAX;
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::persons;
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::service::{Registration, refusal, with_member};
use crate::session::{ManagerSession, RepresentativeSession, SessionTrace, SupportSession, audit_event};
use crate::target;
use annuaire_store::{AuditEvent, CaseFilter, CaseOrder, Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::{Day, french, parse_iso};
use annuaire_workflow::habilitation::{
    AuthorityState, Designation, HabilitationEvent, HabilitationState, IdleDeed, after, attached, idle_due, is_over,
    may_designate_manager, may_designate_mandataire,
};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::request::RequestEvent;
use annuaire_workflow::state::{Blocked, RequestState};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A manager, as the list of habilitations shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedManager {
    /// National identification.
    pub manager: String,
    /// Given and family name of exercise; empty for somebody who is no longer known.
    pub name: String,
    /// State of the habilitation.
    pub state: HabilitationState,
    /// First day, ISO.
    pub from: String,
    /// Planned end, ISO; empty when there is none.
    pub until: String,
}

/// How a manager is designated (H4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagerTerms {
    /// Planned end.
    pub until: Option<Day>,
    /// FINESS numbers of sites of a legal entity that are left out.
    pub exclusions: BTreeSet<String>,
}

/// Who acts on habilitations.
pub(crate) struct Representing<'a> {
    pub(crate) kind: ActorKind,
    pub(crate) person: &'a str,
    pub(crate) trace: &'a SessionTrace,
    pub(crate) sub_delegation: bool,
}

impl Representing<'_> {
    pub(crate) fn event(&self, name: &str, target: &str) -> AuditEvent {
        audit_event(self.kind, self.person, self.trace, name, target)
    }
}

impl Registration {
    /// « Rattacher ma structure » (H1). `card_names_structure`: the card of the login names it, which is proof enough (H2).
    ///
    /// # Errors
    /// E-STR-02 for a structure that is unknown or closed; E-HAB-06 for one that has another representative; the errors of the
    /// registry.
    pub async fn attach_structure(
        &self,
        by: &RepresentativeSession,
        structure: &str,
        card_names_structure: bool,
    ) -> Result<AuthorityState, RegistrationStop> {
        let event = audit_event(ActorKind::Rep, &by.person, &by.trace, "rattacher-structure", structure);
        let place = self.place_numbered(structure).await?.filter(|place| place.is_open_on(self.today()));
        let Some(place) = place else { return self.refused(event, refusal(MessageCode::EStr02)).await };
        let key = target::text_of(&place.target());
        let known: Option<VersionedRow<AuthorityRow>> = read(self.registry(), &key).await?;
        if let Some(known) = &known
            && known.value.representative != by.person
        {
            let refused = RegistrationRefusal::filled(MessageCode::EHab06, &[("statut", known.value.state()?.label())]);
            return self.refused(event, refused).await;
        }
        let state = attached(card_names_structure);
        let row = AuthorityRow {
            target: key,
            state: state.key().to_owned(),
            representative: by.person.clone(),
            name: place.name,
            contract: String::new(),
            contract_on: String::new(),
            four_eyes: false,
            suspended_on: None,
            closes_on: place.facts.closed.filter(|on| *on > Day::MIN).map(|on| on.to_string()),
            successor: None,
        };
        if known.is_some() {
            return Ok(known.map(|known| known.value.state()).transpose()?.unwrap_or(state));
        }
        let mut writes = PendingWrites::default();
        writes.put(&row, None)?;
        if state == AuthorityState::ToVerify {
            writes.put(&UnverifiedRow { target: row.target.clone() }, None)?;
        }
        writes.audit(event);
        self.write_once(writes, &by.person, &row.target).await?;
        Ok(state)
    }

    /// Accepts a structure as authority, with the reference of its contract (H2).
    ///
    /// # Errors
    /// E-HAB-05 for a structure that nobody attached; the errors of the registry.
    pub async fn accept_structure(
        &self,
        by: &SupportSession,
        structure: &PerimeterTarget,
        contract: &str,
    ) -> Result<(), RegistrationStop> {
        let key = target::text_of(structure);
        let event = CaseActor::support(by).event("accepter-structure", &key);
        let Some(mut kept) = read::<AuthorityRow>(self.registry(), &key).await? else {
            return self.refused(event, refusal(MessageCode::EHab05)).await;
        };
        AuthorityState::Habilitated.key().clone_into(&mut kept.value.state);
        contract.clone_into(&mut kept.value.contract);
        kept.value.contract_on = self.today().to_string();
        kept.value.suspended_on = None;
        let mut writes = PendingWrites::default();
        writes.put(&kept.value, Some(kept.version))?;
        if let Some(waits) = read::<UnverifiedRow>(self.registry(), &key).await? {
            writes.remove(&waits);
        }
        writes.audit(event);
        self.write_once(writes, &by.person, &key).await
    }

    /// Sets `validation_par_un_tiers` of an authority (registration §2.6).
    ///
    /// # Errors
    /// E-HAB-01 for a stranger, E-HAB-05 for an unknown structure; the errors of the registry.
    pub async fn set_four_eyes(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        on: bool,
    ) -> Result<(), RegistrationStop> {
        let (mut authority, who) = self.represented(by, structure, "quatre-yeux").await?;
        authority.value.four_eyes = on;
        let mut writes = PendingWrites::default();
        let mut event = who.event("quatre-yeux", &authority.value.target);
        event.detail = with_member(&event.detail, "on", &json!(on));
        writes.put(&authority.value, Some(authority.version))?;
        writes.audit(event);
        self.write_once(writes, &by.person, &authority.value.target).await
    }

    /// The authority of a target, and as what somebody acts for it; a stranger is refused and audited.
    pub(crate) async fn represented<'a>(
        &self,
        by: &'a RepresentativeSession,
        structure: &PerimeterTarget,
        act: &str,
    ) -> Result<(VersionedRow<AuthorityRow>, Representing<'a>), RegistrationStop> {
        let key = target::text_of(structure);
        let event = audit_event(ActorKind::Rep, &by.person, &by.trace, act, &key);
        let Some(authority) = read::<AuthorityRow>(self.registry(), &key).await? else {
            return self.refused(event, refusal(MessageCode::EHab05)).await;
        };
        match self.representing(&by.person, &authority.value).await? {
            Some((kind, sub_delegation)) => {
                Ok((authority, Representing { kind, person: &by.person, trace: &by.trace, sub_delegation }))
            }
            None => self.refused(event, refusal(MessageCode::EHab01)).await,
        }
    }

    async fn designation(&self, who: &Representing<'_>, authority: &AuthorityRow, candidate: &str) -> Result<Designation, Error> {
        let person = self.person(candidate).await?;
        Ok(Designation {
            by: who.kind,
            by_id: who.person.to_owned(),
            candidate_id: candidate.to_owned(),
            candidate_can_log_in: person.is_some_and(|person| !person.is_deceased()),
            authority: authority.state()?,
            sub_delegation: who.sub_delegation,
        })
    }

    /// « Ajouter un mandataire » (H3).
    ///
    /// # Errors
    /// E-HAB-01 to E-HAB-05; the errors of the registry.
    pub async fn designate_mandataire(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        candidate: &str,
        sub_delegation: bool,
    ) -> Result<(), RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "designer-mandataire").await?;
        let event = who.event("designer-mandataire", &authority.value.target);
        let facts = self.designation(&who, &authority.value, candidate).await?;
        if let Err(code) = may_designate_mandataire(&facts) {
            return self.refused(event, refusal(code)).await;
        }
        let row = MandateRow {
            target: authority.value.target.clone(),
            holder: candidate.to_owned(),
            sub_delegation,
            from: self.today().to_string(),
            ended_on: None,
        };
        let known: Option<VersionedRow<MandateRow>> =
            read(self.registry(), &format!("{}|{candidate}", authority.value.target)).await?;
        let mut writes = PendingWrites::default();
        writes.put(&row, known.map(|known| known.version))?;
        writes.audit(event);
        self.write_once(writes, &by.person, &authority.value.target).await
    }

    /// « Ajouter un gestionnaire RPPS+ » (H4): the habilitation stands at once. Requests that waited for a manager are routed, and
    /// frozen ones go on.
    ///
    /// # Errors
    /// E-HAB-01 to E-HAB-06; the errors of the registry.
    pub async fn designate_manager(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        candidate: &str,
        terms: ManagerTerms,
    ) -> Result<(), RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "designer-gestionnaire").await?;
        let event = who.event("designer-gestionnaire", &format!("{}|{candidate}", authority.value.target));
        let facts = self.designation(&who, &authority.value, candidate).await?;
        if let Err(code) = may_designate_manager(&facts) {
            return self.refused(event, refusal(code)).await;
        }
        let today = self.today();
        let key = format!("{}|{candidate}", authority.value.target);
        let known: Option<VersionedRow<ManagerRow>> = read(self.registry(), &key).await?;
        let row = ManagerRow {
            target: authority.value.target.clone(),
            manager: candidate.to_owned(),
            state: HabilitationState::Active.key().to_owned(),
            from: today.to_string(),
            until: terms.until.map(|day| day.to_string()),
            ended_on: None,
            exclusions: terms.exclusions,
            by: by.person.clone(),
            used_on: today.to_string(),
            reminded_on: None,
        };
        let mut writes = PendingWrites::default();
        writes.put(&row, known.map(|known| known.version))?;
        // The first manager begins the year after which all of them are to be confirmed.
        if read::<ConfirmedManagersRow>(self.registry(), &row.target).await?.is_none() {
            writes.put(&ConfirmedManagersRow::new(&row.target, today), None)?;
        }
        writes.audit(event);
        self.tell_habilitation(&mut writes, &authority.value, &row, row.state()?.label()).await?;
        self.write_once(writes, &by.person, &authority.value.target).await?;
        Ok(self.requests_follow(&authority.value, structure).await?)
    }

    /// Withdraws a habilitation: it ends at once. When nobody else is left, open requests are frozen and the legal representative is
    /// told (32).
    ///
    /// # Errors
    /// E-HAB-01, E-HAB-05, E-HAB-06; the errors of the registry.
    pub async fn revoke_manager(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        manager: &str,
    ) -> Result<(), RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "revoquer-gestionnaire").await?;
        let event = who.event("revoquer-gestionnaire", &format!("{}|{manager}", authority.value.target));
        self.end_habilitation(&authority.value, structure, manager, (HabilitationEvent::Revoke, who.kind), event).await
    }

    /// Ends or suspends a habilitation by an event, and freezes what nobody can instruct any more.
    async fn end_habilitation(
        &self,
        authority: &AuthorityRow,
        structure: &PerimeterTarget,
        manager: &str,
        (ends, kind): (HabilitationEvent, ActorKind),
        event: AuditEvent,
    ) -> Result<(), RegistrationStop> {
        let known: Option<VersionedRow<ManagerRow>> = read(self.registry(), &format!("{}|{manager}", authority.target)).await?;
        let Some(mut known) = known else {
            let refused = RegistrationRefusal::filled(MessageCode::EHab06, &[("statut", "inconnue")]);
            return self.refused(event, refused).await;
        };
        let state = match after(known.value.state()?, ends, kind) {
            Ok(state) => state,
            Err((code, text)) => return self.refused(event, RegistrationRefusal { code, text }).await,
        };
        state.key().clone_into(&mut known.value.state);
        known.value.ended_on = Some(self.today().to_string());
        let actor = event.actor.clone();
        let mut writes = PendingWrites::default();
        writes.put(&known.value, Some(known.version))?;
        writes.audit(event);
        self.tell_habilitation(&mut writes, authority, &known.value, known.value.state()?.label()).await?;
        self.write_once(writes, &actor, &authority.target).await?;
        Ok(self.requests_follow(authority, structure).await?)
    }

    /// Habilitations that are over or unused for long (registration §2.4): two reminders, then they are suspended. Returns how many
    /// ended.
    pub(crate) async fn run_habilitations(&self) -> Result<u64, Error> {
        let (now_ms, today) = (self.now_ms(), self.today());
        let mut ended = 0;
        loop {
            let rows = self.registry().identity_rows_due(ManagerRow::KIND, now_ms, crate::limits::PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let kept: VersionedRow<ManagerRow> = VersionedRow::of(row)?;
                let Some(authority) = read::<AuthorityRow>(self.registry(), &kept.value.target).await? else { continue };
                let mut row = kept.value.clone();
                let over = is_over(row.until.as_deref().and_then(parse_iso), today);
                let used = parse_iso(&row.used_on).unwrap_or(today);
                let state = match idle_due(used, today) {
                    _ if over => Some(HabilitationState::Expired),
                    Some((_, IdleDeed::Suspend)) => Some(HabilitationState::Suspended),
                    _ => None,
                };
                match state {
                    Some(state) => {
                        state.key().clone_into(&mut row.state);
                        row.ended_on = Some(today.to_string());
                    }
                    None => row.reminded_on = Some(today.to_string()),
                }
                let mut writes = PendingWrites::default();
                writes.put(&row, Some(kept.version))?;
                let name = if state.is_some() { "fin-habilitation" } else { "rappel-habilitation" };
                writes.audit(CaseActor::system().event(name, &format!("{}|{}", row.target, row.manager)));
                let word = state.map_or("inutilisée", HabilitationState::label);
                self.tell_habilitation(&mut writes, &authority.value, &row, word).await?;
                if self.write(writes, &Cause::new(Channel::System, "system", "habilitation")).await? {
                    moved = true;
                    if state.is_some() {
                        ended += 1;
                        self.requests_follow(&authority.value, &target::parse(&row.target)?).await?;
                    }
                }
            }
            if !moved || rows.len() < crate::limits::PAGE as usize {
                return Ok(ended);
            }
        }
    }

    /// The managers of a structure, for its representative.
    ///
    /// # Errors
    /// E-HAB-01, E-HAB-05; the errors of the registry.
    pub async fn managers(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
    ) -> Result<Vec<ListedManager>, RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "lire-habilitations").await?;
        let all = self.managers_of(&authority.value.target).await?;
        self.audit(who.event("lire-habilitations", &authority.value.target)).await?;
        Ok(all)
    }

    /// The managers of a target, with their names.
    pub(crate) async fn managers_of(&self, target: &str) -> Result<Vec<ListedManager>, Error> {
        let rows: Vec<VersionedRow<ManagerRow>> = beginning(self.registry(), &format!("{target}|"), MANAGERS_MAX).await?;
        let names = self.names_of(rows.iter().map(|row| row.value.manager.clone()).collect()).await?;
        let mut all = Vec::new();
        for row in rows {
            all.push(ListedManager {
                state: row.value.state()?,
                name: names.get(&row.value.manager).cloned().unwrap_or_default(),
                manager: row.value.manager,
                from: row.value.from,
                until: row.value.until.unwrap_or_default(),
            });
        }
        Ok(all)
    }

    /// Names of exercise by national identification.
    pub(crate) async fn names_of(&self, numbers: Vec<String>) -> Result<BTreeMap<String, String>, Error> {
        let found = persons(self.registry(), &numbers).await?;
        Ok(found.into_iter().map(|person| (person.national_id.clone(), person.full_name())).collect())
    }

    /// « Déléguer à une structure tierce » (H6), by the number of that structure; or ends it.
    ///
    /// # Errors
    /// E-HAB-01, E-HAB-05, E-STR-02 for an unknown structure; the errors of the registry.
    pub async fn delegate(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        third: &str,
        active: bool,
    ) -> Result<(), RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "deleguer").await?;
        let mut event = who.event("deleguer", &authority.value.target);
        event.detail = with_member(&event.detail, "active", &json!(active));
        if authority.value.state()? != AuthorityState::Habilitated {
            return self.refused(event, refusal(MessageCode::EHab05)).await;
        }
        let Some(place) = self.place_numbered(third).await? else {
            return self.refused(event, refusal(MessageCode::EStr02)).await;
        };
        let today = self.today().to_string();
        let to = place.target().number().to_owned();
        let known: Option<VersionedRow<DelegationRow>> =
            read(self.registry(), &format!("{to}|{}", authority.value.target)).await?;
        let row = DelegationRow {
            to,
            structure: authority.value.target.clone(),
            from: today.clone(),
            ended_on: (!active).then_some(today),
        };
        let mut writes = PendingWrites::default();
        writes.put(&row, known.map(|known| known.version))?;
        writes.audit(event);
        self.write_once(writes, &by.person, &authority.value.target).await?;
        Ok(self.requests_follow(&authority.value, structure).await?)
    }

    /// Accepts the charter of managers (H5).
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn accept_charter(&self, by: &ManagerSession, version: &str) -> Result<(), RegistrationStop> {
        let known: Option<VersionedRow<CharterRow>> = read(self.registry(), &by.person).await?;
        let row = CharterRow { manager: by.person.clone(), version: version.to_owned(), accepted_ms: self.now_ms() };
        let mut writes = PendingWrites::default();
        writes.put(&row, known.map(|known| known.version))?;
        writes.audit(CaseActor::manager(by).event("charte", version));
        self.write_once(writes, &by.person, "charter").await
    }

    /// Version of the charter that a manager accepted; `None` before the first time.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn charter(&self, by: &ManagerSession) -> Result<Option<String>, Error> {
        Ok(read::<CharterRow>(self.registry(), &by.person).await?.map(|row| row.value.version))
    }

    pub(crate) async fn tell_habilitation(
        &self,
        writes: &mut PendingWrites,
        authority: &AuthorityRow,
        row: &ManagerRow,
        state: &str,
    ) -> Result<(), Error> {
        let numbers = [row.manager.clone(), authority.representative.clone()];
        let found = persons(self.registry(), &numbers).await?;
        let of = |number: &str| found.iter().filter(|person| person.national_id == number).map(Into::into).collect();
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::ConcernedManager, of(&row.manager));
        people.set(NoticeAudience::Representative, of(&authority.representative));
        let mut values = NoticeValues::of("");
        values.set("structure", &authority.name);
        values.set("statut", state);
        values.set("date", &french(self.today()));
        self.notify(writes, NoticeId::N22, &people, &values, self.now_ms())
    }

    /// Open requests of the structures of a target follow its managers: without one they are frozen (32), with one again they go on
    /// (33).
    pub(crate) async fn requests_follow(&self, authority: &AuthorityRow, structure: &PerimeterTarget) -> Result<(), Error> {
        let mut ids = vec![format!("F{}", structure.number()), format!("C{}", structure.number())];
        ids.extend(match structure {
            PerimeterTarget::LegalEntity(number) => self.settings.structures.sites_of(number).await.map_err(Error::Structures)?,
            PerimeterTarget::Site(_) => Vec::new(),
            PerimeterTarget::Establishment(number) | PerimeterTarget::Employer(number) => self.ids_of_employer(number).await?,
        });
        for place in self.places(&ids).await? {
            if place.covering().iter().any(|covering| target::text_of(covering) == authority.target) {
                self.requests_of_follow(&place).await?;
            }
        }
        Ok(())
    }

    /// Freezes the open requests of a structure that nobody manages, or lets them go on.
    pub(crate) async fn requests_of_follow(&self, place: &RegisteredPlace) -> Result<(), Error> {
        let managers = PlaceManagers::of(self.registry(), place, self.today()).await?;
        let lost = managers.all().is_empty();
        let states = RequestState::ALL.iter().filter(|state| !state.terminal());
        let filter = CaseFilter {
            structures: Some(vec![place.id.clone()]),
            states: Some(states.map(|state| state.code().to_owned()).collect()),
            ..CaseFilter::default()
        };
        let mut offset = 0;
        loop {
            let cases = self.registry().cases(&filter, CaseOrder::OldestFirst, offset, crate::limits::PAGE).await?;
            for case in &cases {
                let row: VersionedRow<crate::request_row::RequestRow> = VersionedRow::of(&case.row)?;
                let frozen = row.value.blocked.as_deref() == Some(Blocked::HabilitationLost.key());
                // What a professional drafts, or waits with since there was no manager, loses nothing.
                let waits = row.value.waiting || row.value.state == RequestState::S11.code();
                let event = match (lost, frozen) {
                    (true, false) if !waits => RequestEvent::Block(Blocked::HabilitationLost),
                    (false, true) => RequestEvent::Unblock,
                    _ => continue,
                };
                match self.act(&row.value.number, &CaseActor::system(), &CaseStep::new(event)).await {
                    // Somebody was faster: the request went on.
                    Ok(_) | Err(RegistrationStop::Refused(_)) => {}
                    Err(RegistrationStop::Failed(error)) => return Err(error),
                }
            }
            if cases.len() < crate::limits::PAGE as usize {
                return Ok(());
            }
            offset += crate::limits::PAGE;
        }
    }

    pub(crate) async fn write_once(&self, writes: PendingWrites, actor: &str, name: &str) -> Result<(), RegistrationStop> {
        if self.write(writes, &Cause::new(Channel::Portal, actor, "habilitation")).await? {
            return Ok(());
        }
        // Two people at once: the second one looks at what the first one did.
        Err(Error::Contended { number: name.to_owned() }.into())
    }

    /// Whether a person has ever been asked to manage something, for the page M01.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn knows_manager(&self, national_id: &str) -> Result<bool, Error> {
        Ok(!about::<ManagerRow>(self.registry(), national_id).await?.is_empty())
    }
}
