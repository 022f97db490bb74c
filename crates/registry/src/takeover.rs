//! Structures that close, merge or change their number (H7, registration §2.4): what was given for them is suspended, and « Reprendre sur
//! le nouvel établissement » carries it over.

use crate::acting::CaseActor;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::{AuthorityRow, ConfirmedManagersRow, ManagerRow, MandateRow};
use crate::limits::{MANAGERS_MAX, PAGE};
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, beginning, read};
use crate::service::{Registration, SystemActor, refusal, with_member};
use crate::session::RepresentativeSession;
use crate::target;
use annuaire_store::{Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::Day;
use annuaire_workflow::habilitation::{AuthorityState, HabilitationEvent, HabilitationState, after};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use serde_json::json;

/// Whether one structure may carry on for another: both are of one legal entity or one employer.
fn are_related(one: &RegisteredPlace, other: &RegisteredPlace) -> bool {
    let shared = |a: &str, b: &str| !a.is_empty() && a == b;
    shared(&one.facts.legal_entity, &other.facts.legal_entity) || shared(&one.facts.siren, &other.facts.siren)
}

impl Registration {
    /// Looks at structures again that a transaction changed, by technical identifier: an authority whose structure is closed is
    /// suspended with its managers, a closure to come is noted for its day ([`run_due`](Self::run_due)). Returns how many were
    /// suspended. Cost: the facts of the structures, and a row for each.
    ///
    /// # Errors
    /// Those of the registry and of the search for structures. What was not done comes again.
    pub async fn follow_structures(&self, _by: &SystemActor, ids: &[String]) -> Result<u64, Error> {
        let mut suspended = 0;
        for place in self.places(ids).await? {
            if let Some(kept) = read::<AuthorityRow>(self.registry(), &target::text_of(&place.target())).await? {
                suspended += u64::from(self.follow_authority(kept, Some(&place)).await?.1);
            }
        }
        Ok(suspended)
    }

    /// Suspends the authorities whose structure closed meanwhile; returns how many.
    pub(crate) async fn run_authorities(&self) -> Result<u64, Error> {
        let mut suspended = 0;
        loop {
            let rows = self.registry().identity_rows_due(AuthorityRow::KIND, self.now_ms(), PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let kept: VersionedRow<AuthorityRow> = VersionedRow::of(row)?;
                let place = self.place_numbered(target::parse(&kept.value.target)?.number()).await?;
                let (written, ended) = self.follow_authority(kept, place.as_ref()).await?;
                moved |= written;
                suspended += u64::from(ended);
            }
            if !moved || rows.len() < PAGE as usize {
                return Ok(suspended);
            }
        }
    }

    /// Whether the authority was written, and whether it was suspended.
    async fn follow_authority(
        &self,
        mut kept: VersionedRow<AuthorityRow>,
        place: Option<&RegisteredPlace>,
    ) -> Result<(bool, bool), Error> {
        let today = self.today();
        if kept.value.state()? != AuthorityState::Habilitated {
            return Ok((false, false));
        }
        let mut writes = PendingWrites::default();
        let closed = place.and_then(|place| place.facts.closed).filter(|on| *on > Day::MIN).map(|on| on.to_string());
        let is_closed = place.is_none_or(|place| !place.is_open_on(today));
        if !is_closed && closed == kept.value.closes_on {
            return Ok((false, false));
        }
        kept.value.closes_on = closed;
        if is_closed {
            AuthorityState::Suspended.key().clone_into(&mut kept.value.state);
            kept.value.suspended_on = Some(today.to_string());
            let rows: Vec<VersionedRow<ManagerRow>> =
                beginning(self.registry(), &format!("{}|", kept.value.target), MANAGERS_MAX).await?;
            for mut manager in rows {
                let Ok(state) = after(manager.value.state()?, HabilitationEvent::Suspend, ActorKind::Sys) else { continue };
                state.key().clone_into(&mut manager.value.state);
                manager.value.ended_on = Some(today.to_string());
                writes.put(&manager.value, Some(manager.version))?;
                self.tell_habilitation(&mut writes, &kept.value, &manager.value, state.label()).await?;
            }
            writes.audit(CaseActor::system().event("suspendre-structure", &kept.value.target));
        }
        writes.put(&kept.value, Some(kept.version))?;
        // Whoever writes meanwhile is looked at again by the next run.
        let written = self.write(writes, &Cause::new(Channel::System, "system", "structure")).await?;
        if written && is_closed {
            self.requests_follow(&kept.value, &target::parse(&kept.value.target)?).await?;
        }
        Ok((written, written && is_closed))
    }

    /// « Reprendre sur le nouvel établissement »: the managers whom the closure suspended, and the mandataires, act for the structure
    /// with another number from now on, in one unit. It becomes an authority under the former contract when it is of the same legal
    /// entity or employer; any other one must be accepted first. Situations are facts of the former structure: each is moved by a
    /// request of its own. Third structures are named again.
    ///
    /// # Errors
    /// E-HAB-01, E-HAB-05; E-HAB-06 for a structure that is not suspended, was taken over already, or whose successor has another
    /// representative; E-STR-02 for an unknown or closed successor; the errors of the registry.
    pub async fn take_over(
        &self,
        by: &RepresentativeSession,
        old: &PerimeterTarget,
        new: &str,
    ) -> Result<PerimeterTarget, RegistrationStop> {
        let (mut former, who) = self.represented(by, old, "reprendre-structure").await?;
        let mut event = who.event("reprendre-structure", &former.value.target);
        event.detail = with_member(&event.detail, "successor", &json!(new));
        if former.value.state()? != AuthorityState::Suspended || former.value.successor.is_some() {
            let refused = RegistrationRefusal::filled(MessageCode::EHab06, &[("statut", former.value.state()?.label())]);
            return self.refused(event, refused).await;
        }
        let today = self.today();
        let place = self.place_numbered(new).await?.filter(|place| place.is_open_on(today));
        let Some(place) = place.filter(|place| place.target() != *old) else {
            return self.refused(event, refusal(MessageCode::EStr02)).await;
        };
        let key = target::text_of(&place.target());
        let known: Option<VersionedRow<AuthorityRow>> = read(self.registry(), &key).await?;
        if let Some(known) = known.as_ref().filter(|known| known.value.representative != former.value.representative) {
            let refused = RegistrationRefusal::filled(MessageCode::EHab06, &[("statut", known.value.state()?.label())]);
            return self.refused(event, refused).await;
        }
        let stands = match &known {
            Some(known) => known.value.state()? == AuthorityState::Habilitated,
            None => false,
        };
        let related = self.place_numbered(old.number()).await?.is_some_and(|old| are_related(&old, &place));
        if !stands && !related {
            return self.refused(event, refusal(MessageCode::EHab05)).await;
        }
        let mut writes = PendingWrites::default();
        let authority = match (&known, stands) {
            (Some(known), true) => known.value.clone(),
            _ => {
                let authority = AuthorityRow {
                    target: key.clone(),
                    state: AuthorityState::Habilitated.key().to_owned(),
                    name: place.name.clone(),
                    suspended_on: None,
                    closes_on: place.facts.closed.map(|on| on.to_string()),
                    successor: None,
                    ..former.value.clone()
                };
                writes.put(&authority, known.as_ref().map(|known| known.version))?;
                authority
            }
        };
        self.carry_over(&mut writes, &former.value, &authority, &by.person).await?;
        former.value.successor = Some(key);
        writes.put(&former.value, Some(former.version))?;
        writes.audit(event);
        self.write_once(writes, &by.person, &former.value.target).await?;
        self.requests_follow(&authority, &place.target()).await?;
        Ok(place.target())
    }

    /// Managers and mandataires of a suspended authority, for the one that takes over; those whom it knows already stay as they are.
    async fn carry_over(
        &self,
        writes: &mut PendingWrites,
        former: &AuthorityRow,
        authority: &AuthorityRow,
        by: &str,
    ) -> Result<(), Error> {
        let (registry, today, key) = (self.registry(), self.today().to_string(), &authority.target);
        let prefix = format!("{}|", former.target);
        let managers: Vec<VersionedRow<ManagerRow>> = beginning(registry, &prefix, MANAGERS_MAX).await?;
        for manager in managers {
            let suspended = manager.value.state()? == HabilitationState::Suspended;
            // Who was suspended before, for want of use, stays so.
            if !suspended || manager.value.ended_on != former.suspended_on {
                continue;
            }
            let row = ManagerRow {
                target: key.clone(),
                state: HabilitationState::Active.key().to_owned(),
                from: today.clone(),
                ended_on: None,
                by: by.to_owned(),
                used_on: today.clone(),
                reminded_on: None,
                ..manager.value
            };
            if read::<ManagerRow>(registry, &row.key()).await?.is_none() {
                writes.put(&row, None)?;
                self.tell_habilitation(writes, authority, &row, row.state()?.label()).await?;
            }
        }
        let mandates: Vec<VersionedRow<MandateRow>> = beginning(registry, &prefix, MANAGERS_MAX).await?;
        for mandate in mandates.into_iter().filter(|row| row.value.ended_on.is_none()) {
            let row = MandateRow { target: key.clone(), from: today.clone(), ..mandate.value };
            if read::<MandateRow>(registry, &row.key()).await?.is_none() {
                writes.put(&row, None)?;
            }
        }
        if read::<ConfirmedManagersRow>(registry, key).await?.is_none() {
            writes.put(&ConfirmedManagersRow::new(key, self.today()), None)?;
        }
        Ok(())
    }
}
