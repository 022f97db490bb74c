//! Rows of rights: structures as registration authorities, their legal representatives, mandataires and managers, what is handed
//! over to third structures, charters (registration §2.4).
//!
//! Each right is one row whose key begins with what it is for and whose subject is who holds it: both are found by a page of rows.

use crate::error::Error;
use crate::limits::{MANAGERS_REMINDER_MONTHS, TIMER_HOUR_MS};
use crate::place::RegisteredPlace;
use crate::row::{RegistrationRow, VersionedRow, about, beginning, read};
use crate::target;
use annuaire_store::Registry;
use annuaire_workflow::day::{Day, paris_midnight, parse_iso, plus_days, plus_months};
use annuaire_workflow::habilitation::{AuthorityState, HabilitationState, is_over, managers_confirmed_by};
use annuaire_workflow::limits::{HABILITATION_IDLE_MONTHS, HABILITATION_REMINDER_MONTHS};
use annuaire_workflow::perimeter::{ActionPerimeter, HabilitationGrant, PerimeterTarget, ThirdPartyDelegation, perimeter};
use annuaire_workflow::request::Reach;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Rows of one target that are read at most.
const OF_ONE_TARGET: usize = 10_000;

/// A structure as registration authority.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorityRow {
    /// What it is: `EG:990000010`.
    pub(crate) target: String,
    /// `A_VERIFIER`, `HABILITEE`, `SUSPENDUE`.
    pub(crate) state: String,
    /// Legal representative, by national identification.
    pub(crate) representative: String,
    /// Name of the structure, for messages.
    pub(crate) name: String,
    /// Contract that the structure signed, and when.
    pub(crate) contract: String,
    pub(crate) contract_on: String,
    /// The option `validation_par_un_tiers`.
    pub(crate) four_eyes: bool,
    /// Day on which it was suspended.
    pub(crate) suspended_on: Option<String>,
    /// Last day of the structure, while it is to come (H7).
    #[serde(default)]
    pub(crate) closes_on: Option<String>,
    /// The target that took over from it (H7).
    #[serde(default)]
    pub(crate) successor: Option<String>,
}

/// A mandataire of a legal representative.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MandateRow {
    pub(crate) target: String,
    /// National identification of the mandataire.
    pub(crate) holder: String,
    /// « autoriser la sous-délégation » is ticked.
    pub(crate) sub_delegation: bool,
    pub(crate) from: String,
    pub(crate) ended_on: Option<String>,
}

/// The habilitation of a manager.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ManagerRow {
    pub(crate) target: String,
    /// National identification of the manager.
    pub(crate) manager: String,
    /// `DEMANDEE`, `ACTIVE`, `SUSPENDUE`, `REVOQUEE`, `EXPIREE`.
    pub(crate) state: String,
    pub(crate) from: String,
    /// Planned end.
    pub(crate) until: Option<String>,
    /// Day of its end or suspension.
    pub(crate) ended_on: Option<String>,
    /// Sites of a legal entity that it leaves out.
    pub(crate) exclusions: BTreeSet<String>,
    /// Who designated.
    pub(crate) by: String,
    /// Day of the last use.
    pub(crate) used_on: String,
    /// Last reminder of an unused habilitation.
    pub(crate) reminded_on: Option<String>,
}

/// What a structure handed over to a third one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DelegationRow {
    /// Number of the structure whose managers act.
    pub(crate) to: String,
    /// The target that hands over.
    pub(crate) structure: String,
    pub(crate) from: String,
    pub(crate) ended_on: Option<String>,
}

/// The charter that a manager accepted (H5).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CharterRow {
    pub(crate) manager: String,
    pub(crate) version: String,
    pub(crate) accepted_ms: i64,
}

impl RegistrationRow for AuthorityRow {
    const KIND: &'static str = "authority";

    fn key(&self) -> String {
        self.target.clone()
    }

    fn subject(&self) -> String {
        self.representative.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        let closes = self.closes_on.as_deref().filter(|_| self.state == AuthorityState::Habilitated.key());
        closes.and_then(parse_iso).map(|on| paris_midnight(plus_days(on, 1)).saturating_add(TIMER_HOUR_MS))
    }
}

/// A structure that waits until support verifies it (H1, H2).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UnverifiedRow {
    pub(crate) target: String,
}

impl RegistrationRow for UnverifiedRow {
    const KIND: &'static str = "unverified-authority";

    fn key(&self) -> String {
        self.target.clone()
    }
}

/// When the managers of an authority were confirmed last (registration §2.4).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfirmedManagersRow {
    pub(crate) target: String,
    pub(crate) confirmed_on: String,
    /// Last reminder since then.
    pub(crate) reminded_on: Option<String>,
}

impl RegistrationRow for ConfirmedManagersRow {
    const KIND: &'static str = "confirmed-managers";

    fn key(&self) -> String {
        self.target.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        let reminded = self.reminded_on.as_deref().and_then(parse_iso).map(|on| plus_months(on, MANAGERS_REMINDER_MONTHS));
        let on = reminded.or_else(|| self.next_on())?;
        Some(paris_midnight(on).saturating_add(TIMER_HOUR_MS))
    }
}

impl ConfirmedManagersRow {
    /// The managers of a target, confirmed on a day.
    pub(crate) fn new(target: &str, on: Day) -> Self {
        Self { target: target.to_owned(), confirmed_on: on.to_string(), reminded_on: None }
    }

    /// The day on which they are to be confirmed next.
    pub(crate) fn next_on(&self) -> Option<Day> {
        parse_iso(&self.confirmed_on).map(managers_confirmed_by)
    }
}

impl RegistrationRow for MandateRow {
    const KIND: &'static str = "mandate";

    fn key(&self) -> String {
        format!("{}|{}", self.target, self.holder)
    }

    fn subject(&self) -> String {
        self.holder.clone()
    }
}

impl RegistrationRow for ManagerRow {
    const KIND: &'static str = "habilitation";

    fn key(&self) -> String {
        format!("{}|{}", self.target, self.manager)
    }

    fn subject(&self) -> String {
        self.manager.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        if self.state != HabilitationState::Active.key() {
            return None;
        }
        let day = |text: &str| parse_iso(text);
        let over = self.until.as_deref().and_then(day).map(|until| plus_days(until, 1));
        let used = day(&self.used_on).unwrap_or(Day::MIN);
        let reminded = self.reminded_on.as_deref().and_then(day);
        let idle =
            HABILITATION_REMINDER_MONTHS.iter().chain([&HABILITATION_IDLE_MONTHS]).map(|months| plus_months(used, *months));
        let idle = idle.filter(|on| reminded.is_none_or(|reminded| *on > reminded)).min();
        over.into_iter().chain(idle).min().map(|on| paris_midnight(on).saturating_add(TIMER_HOUR_MS))
    }
}

impl RegistrationRow for DelegationRow {
    const KIND: &'static str = "delegation";

    fn key(&self) -> String {
        format!("{}|{}", self.to, self.structure)
    }

    fn subject(&self) -> String {
        self.structure.clone()
    }
}

impl RegistrationRow for CharterRow {
    const KIND: &'static str = "charter";

    fn key(&self) -> String {
        self.manager.clone()
    }
}

impl AuthorityRow {
    /// The state.
    pub(crate) fn state(&self) -> Result<AuthorityState, Error> {
        let all = [AuthorityState::ToVerify, AuthorityState::Habilitated, AuthorityState::Suspended];
        let unknown = || Error::UnknownWord { kind: Self::KIND, word: self.state.clone() };
        all.into_iter().find(|state| state.key() == self.state).ok_or_else(unknown)
    }
}

impl ManagerRow {
    /// The state.
    pub(crate) fn state(&self) -> Result<HabilitationState, Error> {
        let unknown = || Error::UnknownWord { kind: Self::KIND, word: self.state.clone() };
        HabilitationState::ALL.iter().copied().find(|state| state.key() == self.state).ok_or_else(unknown)
    }

    /// Whether it stands on a day.
    pub(crate) fn stands(&self, today: Day) -> Result<bool, Error> {
        Ok(self.state()? == HabilitationState::Active && !is_over(self.until.as_deref().and_then(parse_iso), today))
    }

    fn grant(&self) -> Result<HabilitationGrant, Error> {
        Ok(HabilitationGrant {
            target: target::parse(&self.target)?,
            from: parse_iso(&self.from).unwrap_or(Day::MIN),
            until: self.until.as_deref().and_then(parse_iso),
            exclusions: self.exclusions.clone(),
        })
    }

    /// Whether it would contain a structure if it stood.
    fn would_contain(&self, place: &RegisteredPlace, today: Day) -> Result<bool, Error> {
        let grant = HabilitationGrant { from: Day::MIN, until: None, ..self.grant()? };
        Ok(perimeter(&[grant], &[], today).contains(&place.facts))
    }
}

impl DelegationRow {
    fn delegation(&self) -> Result<ThirdPartyDelegation, Error> {
        Ok(ThirdPartyDelegation {
            structure: target::parse(&self.structure)?,
            to: self.to.clone(),
            from: parse_iso(&self.from).unwrap_or(Day::MIN),
            // The day of its end is its last one for perimeters, and it ends at once (H6): a row that ended gives nothing.
            until: None,
        })
    }
}

/// The rights of a manager as they stand now: read again at each use, so that what was revoked ends at once.
#[derive(Debug, Clone)]
pub(crate) struct ManagerRights {
    pub(crate) rows: Vec<VersionedRow<ManagerRow>>,
    perimeter: ActionPerimeter,
    today: Day,
}

impl ManagerRights {
    /// The rights of a person on a day.
    pub(crate) async fn of(registry: &dyn Registry, manager: &str, today: Day) -> Result<Self, Error> {
        Self::of_rows(registry, about(registry, manager).await?, today).await
    }

    /// The rights that the habilitation of a person on one target gives.
    pub(crate) async fn on_target(registry: &dyn Registry, manager: &str, target: &str, today: Day) -> Result<Self, Error> {
        let row: Option<VersionedRow<ManagerRow>> = read(registry, &format!("{target}|{manager}")).await?;
        Self::of_rows(registry, row.into_iter().collect(), today).await
    }

    async fn of_rows(registry: &dyn Registry, rows: Vec<VersionedRow<ManagerRow>>, today: Day) -> Result<Self, Error> {
        let mut grants = Vec::new();
        let mut delegations = Vec::new();
        for row in &rows {
            if !row.value.stands(today)? {
                continue;
            }
            let grant = row.value.grant()?;
            let handed: Vec<VersionedRow<DelegationRow>> =
                beginning(registry, &format!("{}|", grant.target.number()), OF_ONE_TARGET).await?;
            for row in handed.iter().filter(|row| row.value.ended_on.is_none()) {
                delegations.push(row.value.delegation()?);
            }
            grants.push(grant);
        }
        Ok(Self { perimeter: perimeter(&grants, &delegations, today), rows, today })
    }

    /// Whether nothing stands.
    pub(crate) fn is_empty(&self) -> bool {
        self.perimeter.is_empty()
    }

    /// Whether the perimeter contains a structure.
    pub(crate) fn contains(&self, place: &RegisteredPlace) -> bool {
        self.perimeter.contains(&place.facts)
    }

    /// What the perimeter is made of.
    pub(crate) const fn perimeter(&self) -> &ActionPerimeter {
        &self.perimeter
    }

    /// What the perimeter answers about a structure.
    pub(crate) fn reach(&self, place: Option<&RegisteredPlace>) -> Result<Reach, Error> {
        let Some(place) = place else { return Ok(Reach::Outside) };
        if self.contains(place) {
            return Ok(Reach::Within);
        }
        for row in &self.rows {
            let row = &row.value;
            if row.would_contain(place, self.today)? && !row.exclusions.contains(&place.facts.finess) {
                let on = row.ended_on.as_deref().or(row.until.as_deref()).and_then(parse_iso);
                if let Some(on) = on {
                    return Ok(Reach::Ended { structure: place.name.clone(), on });
                }
            }
        }
        Ok(Reach::Outside)
    }
}

/// Managers whose standing habilitation covers a structure, with third structures; sorted. `site` leaves the level of the legal
/// entity out, `head_office` the level of the structure itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlaceManagers {
    /// Managers of the structure itself, and of third structures that act for it.
    pub(crate) site: Vec<String>,
    /// Managers of its legal entity or employer.
    pub(crate) head_office: Vec<String>,
    /// Authorities that cover the structure, the nearest first.
    pub(crate) authorities: Vec<AuthorityRow>,
}

impl PlaceManagers {
    /// Who manages a structure on a day. Cost: some pages of rows.
    pub(crate) async fn of(registry: &dyn Registry, place: &RegisteredPlace, today: Day) -> Result<Self, Error> {
        let mut found = Self::default();
        for (level, covering) in place.covering().into_iter().enumerate() {
            let key = target::text_of(&covering);
            if let Some(row) = read::<AuthorityRow>(registry, &key).await? {
                found.authorities.push(row.value);
            }
            let mut managers = managers_of(registry, &covering, place, today).await?;
            // What is handed over to a third structure.
            for row in about::<DelegationRow>(registry, &key).await?.iter().filter(|row| row.value.ended_on.is_none()) {
                managers.extend(third_managers(registry, &row.value.to, today).await?);
            }
            let level = if level == 0 { &mut found.site } else { &mut found.head_office };
            level.extend(managers);
        }
        for level in [&mut found.site, &mut found.head_office] {
            level.sort_unstable();
            level.dedup();
        }
        Ok(found)
    }

    /// All of them, each once.
    pub(crate) fn all(&self) -> Vec<String> {
        let mut all: Vec<String> = self.site.iter().chain(&self.head_office).cloned().collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The day on which the nearest authority was suspended, when none stands.
    pub(crate) fn ended_on(&self) -> Result<Option<Day>, Error> {
        let mut ended = None;
        for authority in &self.authorities {
            if authority.state()? == AuthorityState::Habilitated {
                return Ok(None);
            }
            ended = ended.or(authority.suspended_on.as_deref().and_then(parse_iso));
        }
        Ok(ended)
    }

    /// Whether the nearest authority asks that another person validates.
    pub(crate) fn four_eyes(&self) -> bool {
        self.authorities.first().is_some_and(|authority| authority.four_eyes)
    }

    /// Legal representatives, the nearest first.
    pub(crate) fn representatives(&self) -> Vec<String> {
        let named = self.authorities.iter().map(|authority| authority.representative.clone());
        named.filter(|representative| !representative.is_empty()).collect()
    }
}

async fn managers_of(
    registry: &dyn Registry,
    target: &PerimeterTarget,
    place: &RegisteredPlace,
    today: Day,
) -> Result<Vec<String>, Error> {
    let rows: Vec<VersionedRow<ManagerRow>> =
        beginning(registry, &format!("{}|", target::text_of(target)), OF_ONE_TARGET).await?;
    let mut managers = Vec::new();
    for row in rows {
        if row.value.stands(today)? && row.value.would_contain(place, today)? {
            managers.push(row.value.manager);
        }
    }
    Ok(managers)
}

async fn third_managers(registry: &dyn Registry, number: &str, today: Day) -> Result<Vec<String>, Error> {
    let mut managers = Vec::new();
    for kind in ["EG", "EJ", "SIRET", "SIREN"] {
        let rows: Vec<VersionedRow<ManagerRow>> = beginning(registry, &format!("{kind}:{number}|"), OF_ONE_TARGET).await?;
        for row in rows {
            if row.value.stands(today)? {
                managers.push(row.value.manager);
            }
        }
    }
    Ok(managers)
}
