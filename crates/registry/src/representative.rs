//! « Habilitations » (SC60) as legal representatives and mandataires see them: their structures with everybody who acts for them, whom
//! they may designate, and the yearly confirmation of the managers (registration §2.4).

use crate::acting::CaseActor;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::{AuthorityRow, ConfirmedManagersRow, DelegationRow, MandateRow};
use crate::habilitations::ListedManager;
use crate::limits::{MANAGERS_MAX, PAGE};
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::persons;
use crate::person_search::FruitlessSearchesRow;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::service::{Registration, refusal, with_member};
use crate::session::{RepresentativeSession, audit_event};
use crate::target;
use annuaire_store::{Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::{Day, french, parse_iso};
use annuaire_workflow::duplicates::search_verdict;
use annuaire_workflow::habilitation::{AuthorityState, HabilitationState, managers_confirmed_by};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::value_sets::StructureFamily;
use serde_json::json;
use std::collections::BTreeMap;

/// A structure as registration authority, as those who represent it see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthoritySheet {
    /// What habilitations on it are for.
    pub target: PerimeterTarget,
    /// Its number: FINESS, SIRET or SIREN.
    pub number: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: AuthorityState,
    /// Whether the reader is its legal representative; a mandataire otherwise.
    pub is_representative: bool,
    /// Whether the reader may designate mandataires.
    pub sub_delegation: bool,
    /// The option `validation_par_un_tiers`.
    pub four_eyes: bool,
    /// Reference of the contract; empty before it is accepted.
    pub contract: String,
    /// Whether its managers must have followed the training: those of medico-social structures.
    pub needs_training: bool,
    /// Day by which the managers are to be confirmed, ISO; empty before the first one.
    pub confirm_by: String,
    /// What took over from a structure that closed (H7).
    pub successor: Option<PerimeterTarget>,
    /// Third structures: number, name, whether their managers act for this one.
    pub delegations: Vec<(String, String, bool)>,
    /// Mandataires, those whose mandate ended too.
    pub mandataires: Vec<ListedMandataire>,
    /// Managers, those whose habilitation ended too.
    pub managers: Vec<ListedManager>,
}

/// A mandataire of a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedMandataire {
    /// National identification.
    pub mandataire: String,
    /// Given and family name of exercise; empty for somebody who is no longer known.
    pub name: String,
    /// « autoriser la sous-délégation ».
    pub sub_delegation: bool,
    /// First day, ISO.
    pub from: String,
    /// Day of its end, ISO; empty while it stands.
    pub until: String,
    /// Whether it stands.
    pub active: bool,
}

/// A person who may become manager or mandataire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HabilitationCandidate {
    /// National identification.
    pub national_id: String,
    /// Given and family name of exercise.
    pub name: String,
    /// Codes of professions.
    pub professions: Vec<String>,
    /// Whether the person can be designated (E-HAB-03 otherwise).
    pub may_log_in: bool,
}

impl Registration {
    /// The structures that a person represents, as legal representative or as mandataire, by name. The read is audited. Cost: some
    /// pages of rows and the names of the people for each structure.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn authorities(&self, by: &RepresentativeSession) -> Result<Vec<AuthoritySheet>, Error> {
        let mut sheets = Vec::new();
        for authority in self.represented_by(&by.person).await? {
            if let Some((kind, sub_delegation)) = self.representing(&by.person, &authority).await? {
                sheets.push(self.authority_sheet(authority, kind, sub_delegation).await?);
            }
        }
        sheets.sort_by(|one, other| (&one.name, &one.number).cmp(&(&other.name, &other.number)));
        let mut event = audit_event(ActorKind::Rep, &by.person, &by.trace, "lire-structures", "");
        event.detail = with_member(&event.detail, "structures", &json!(sheets.len()));
        self.audit(event).await?;
        Ok(sheets)
    }

    /// Authorities that a person represents or has, or had, a mandate for.
    async fn represented_by(&self, person: &str) -> Result<Vec<AuthorityRow>, Error> {
        let own: Vec<VersionedRow<AuthorityRow>> = about(self.registry(), person).await?;
        let mut all: BTreeMap<String, AuthorityRow> = own.into_iter().map(|row| (row.value.target.clone(), row.value)).collect();
        for mandate in about::<MandateRow>(self.registry(), person).await? {
            if !all.contains_key(&mandate.value.target)
                && let Some(row) = read::<AuthorityRow>(self.registry(), &mandate.value.target).await?
            {
                all.insert(mandate.value.target, row.value);
            }
        }
        Ok(all.into_values().collect())
    }

    async fn authority_sheet(
        &self,
        authority: AuthorityRow,
        kind: ActorKind,
        sub_delegation: bool,
    ) -> Result<AuthoritySheet, Error> {
        let target = target::parse(&authority.target)?;
        let key = &authority.target;
        let mut delegations = Vec::new();
        for row in about::<DelegationRow>(self.registry(), key).await? {
            let name = self.place_numbered(&row.value.to).await?.map(|place| place.name).unwrap_or_default();
            delegations.push((row.value.to, name, row.value.ended_on.is_none()));
        }
        let mandates: Vec<VersionedRow<MandateRow>> = beginning(self.registry(), &format!("{key}|"), MANAGERS_MAX).await?;
        let names = self.names_of(mandates.iter().map(|row| row.value.holder.clone()).collect()).await?;
        let mandataires = mandates.into_iter().map(|row| ListedMandataire {
            name: names.get(&row.value.holder).cloned().unwrap_or_default(),
            mandataire: row.value.holder,
            sub_delegation: row.value.sub_delegation,
            from: row.value.from,
            active: row.value.ended_on.is_none(),
            until: row.value.ended_on.unwrap_or_default(),
        });
        let place = self.place_numbered(target.number()).await?;
        let family = place.as_ref().map(|place| self.values().family(&place.category));
        let confirmed: Option<VersionedRow<ConfirmedManagersRow>> = read(self.registry(), key).await?;
        let confirm_by = confirmed.and_then(|row| row.value.next_on());
        Ok(AuthoritySheet {
            number: target.number().to_owned(),
            name: authority.name.clone(),
            state: authority.state()?,
            is_representative: kind == ActorKind::Rep,
            sub_delegation,
            four_eyes: authority.four_eyes,
            contract: authority.contract.clone(),
            needs_training: family == Some(StructureFamily::MedicoSocial),
            confirm_by: confirm_by.map(|day| day.to_string()).unwrap_or_default(),
            successor: authority.successor.as_deref().map(target::parse).transpose()?,
            delegations,
            mandataires: mandataires.collect(),
            managers: self.managers_of(key).await?,
            target,
        })
    }

    /// A person who may be designated, by RPPS number, for those who represent a structure. Searches that find nobody count with those
    /// of [`find_person`](Self::find_person), those by number too, since a name is told here: ten within an hour lock for an hour.
    ///
    /// # Errors
    /// E-HAB-01 for somebody who represents no structure, E-HAB-08 while it is locked; the errors of the registry.
    pub async fn candidate(
        &self,
        by: &RepresentativeSession,
        rpps: &str,
    ) -> Result<Option<HabilitationCandidate>, RegistrationStop> {
        let (now_ms, number) = (self.now_ms(), rpps.split_whitespace().collect::<String>());
        let mut event = audit_event(ActorKind::Rep, &by.person, &by.trace, "rechercher-candidat", "");
        let mut represents = false;
        for authority in self.represented_by(&by.person).await? {
            represents |= self.representing(&by.person, &authority).await?.is_some();
        }
        if !represents {
            return self.refused(event, refusal(MessageCode::EHab01)).await;
        }
        let known: Option<VersionedRow<FruitlessSearchesRow>> = read(self.registry(), &by.person).await?;
        let fruitless = known.as_ref().map(|row| row.value.at_ms.clone()).unwrap_or_default();
        if let Some((code, text)) = search_verdict(&fruitless, now_ms).refusal() {
            return self.refused(event, RegistrationRefusal { code, text }).await;
        }
        event.detail = with_member(&event.detail, "criteria", &json!(self.keys.hashed("search", &[&number])));
        let Some(person) = self.person(&idnps(&number)).await? else {
            let actor = CaseActor {
                kind: ActorKind::Rep,
                id: by.person.clone(),
                trace: by.trace.clone(),
                purpose: String::new(),
                machine: None,
            };
            self.found_nobody(&actor, event, (fruitless, known.map(|row| row.version)), true).await?;
            return Ok(None);
        };
        event.object.clone_from(&person.national_id);
        self.audit(event).await?;
        Ok(Some(HabilitationCandidate {
            name: person.full_name(),
            professions: person.merged.exercices.iter().map(|e| e.profession.clone()).collect(),
            may_log_in: !person.is_deceased(),
            national_id: person.national_id,
        }))
    }

    /// Ends the mandate of a mandataire; it ends at once.
    ///
    /// # Errors
    /// E-HAB-01, E-HAB-05; E-HAB-04 for a mandataire without sub-delegation, E-HAB-06 for a mandate that does not stand; the errors of
    /// the registry.
    pub async fn withdraw_mandataire(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        mandataire: &str,
    ) -> Result<(), RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "retirer-mandataire").await?;
        let key = format!("{}|{mandataire}", authority.value.target);
        let event = who.event("retirer-mandataire", &key);
        if !who.sub_delegation {
            return self.refused(event, refusal(MessageCode::EHab04)).await;
        }
        let known: Option<VersionedRow<MandateRow>> = read(self.registry(), &key).await?;
        let Some(mut kept) = known.filter(|row| row.value.ended_on.is_none()) else {
            let over = RegistrationRefusal::filled(MessageCode::EHab06, &[("statut", HabilitationState::Revoked.label())]);
            return self.refused(event, over).await;
        };
        kept.value.ended_on = Some(self.today().to_string());
        let mut writes = PendingWrites::default();
        writes.put(&kept.value, Some(kept.version))?;
        writes.audit(event);
        self.write_once(writes, &by.person, &authority.value.target).await
    }

    /// Confirms the managers of a structure for another year, whoever they are now. Returns the day by which they are to be confirmed
    /// next.
    ///
    /// # Errors
    /// E-HAB-01, E-HAB-05; the errors of the registry.
    pub async fn confirm_managers(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
    ) -> Result<Day, RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "confirmer-gestionnaires").await?;
        let (key, today) = (&authority.value.target, self.today());
        if authority.value.state()? != AuthorityState::Habilitated {
            return self.refused(who.event("confirmer-gestionnaires", key), refusal(MessageCode::EHab05)).await;
        }
        let known: Option<VersionedRow<ConfirmedManagersRow>> = read(self.registry(), key).await?;
        let mut writes = PendingWrites::default();
        writes.put(&ConfirmedManagersRow::new(key, today), known.map(|row| row.version))?;
        writes.audit(who.event("confirmer-gestionnaires", key));
        self.write_once(writes, &by.person, key).await?;
        Ok(managers_confirmed_by(today))
    }

    /// Reminds legal representatives of managers whom nobody confirmed for a year, each month (G01). Returns how many were told.
    pub(crate) async fn run_confirmations(&self) -> Result<u64, Error> {
        let (now_ms, today) = (self.now_ms(), self.today());
        let mut told = 0;
        loop {
            let rows = self.registry().identity_rows_due(ConfirmedManagersRow::KIND, now_ms, PAGE).await?;
            let mut moved = false;
            for row in &rows {
                let kept: VersionedRow<ConfirmedManagersRow> = VersionedRow::of(row)?;
                let row = ConfirmedManagersRow { reminded_on: Some(today.to_string()), ..kept.value };
                let mut writes = PendingWrites::default();
                writes.put(&row, Some(kept.version))?;
                let is_told = self.remind_confirmation(&mut writes, &row).await?;
                if self.write(writes, &Cause::new(Channel::System, "system", "habilitation")).await? {
                    moved = true;
                    told += u64::from(is_told);
                }
            }
            if !moved || rows.len() < PAGE as usize {
                return Ok(told);
            }
        }
    }

    /// False when nobody manages the structure, or it is suspended: then there is nothing to confirm.
    async fn remind_confirmation(&self, writes: &mut PendingWrites, row: &ConfirmedManagersRow) -> Result<bool, Error> {
        let Some(authority) = read::<AuthorityRow>(self.registry(), &row.target).await? else { return Ok(false) };
        let managers = self.managers_of(&row.target).await?;
        let active = managers.iter().filter(|manager| manager.state == HabilitationState::Active).count();
        if active == 0 || authority.value.state()? != AuthorityState::Habilitated {
            return Ok(false);
        }
        let found = persons(self.registry(), std::slice::from_ref(&authority.value.representative)).await?;
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::Representative, found.iter().map(Into::into).collect());
        let mut values = NoticeValues::of("");
        values.set("structure", &authority.value.name);
        values.set("n", &active.to_string());
        let since = parse_iso(&row.confirmed_on).map(managers_confirmed_by).unwrap_or(self.today());
        values.set("date", &french(since));
        self.notify(writes, NoticeId::G01, &people, &values, self.now_ms())?;
        writes.audit(CaseActor::system().event("rappel-confirmation", &row.target));
        Ok(true)
    }
}
