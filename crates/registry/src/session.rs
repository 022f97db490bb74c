//! Who acts, as types: a function says by its arguments who may call it, and a session is made by a check alone.
//!
//! A session holds who somebody is, never what they may: rights are read again at each use, so that what was revoked ends at
//! once.

use crate::error::{Error, RegistrationStop};
use crate::grants::{AuthorityRow, ManagerRights, ManagerRow, MandateRow};
use crate::limits::PORTAL_SESSION_MS;
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, refusal, with_member};
use crate::target;
use annuaire_store::{AuditEvent, Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the audit trail keeps of a login (registration §14).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionTrace {
    /// Identifier of the session; no secret.
    pub session: String,
    /// Means of authentication: `e-CPS`, `CPS`, `FranceConnect`.
    pub means: String,
    /// Its level.
    pub level: String,
    /// Address of the caller.
    pub address: String,
}

/// A person with at least one standing habilitation (GAE).
#[derive(Debug, Clone)]
pub struct ManagerSession {
    pub(crate) person: String,
    pub(crate) trace: SessionTrace,
    habilitations: Vec<PerimeterTarget>,
    /// Number of the structure of « Agir pour »; empty for all of them.
    narrowed: String,
}

/// That the trail holds the event of a login: a browser asks for its session at every request, and is one login.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortalSessionRow {
    /// Kind of the actor and identifier of the session.
    pub(crate) key: String,
    /// Keyed hash of who logged in, how, why, and what came of it. What differs is another event.
    pub(crate) mark: String,
    pub(crate) ends_ms: i64,
}

impl RegistrationRow for PortalSessionRow {
    const KIND: &'static str = "portal-session";

    fn key(&self) -> String {
        self.key.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms)
    }
}

/// A login as the trail knows it, before its event is written.
struct PortalLogin<'a> {
    kind: ActorKind,
    person: &'a str,
    purpose: &'a str,
    trace: &'a SessionTrace,
}

/// A legal representative or a mandataire (REP, MAN).
#[derive(Debug, Clone)]
pub struct RepresentativeSession {
    pub(crate) person: String,
    pub(crate) trace: SessionTrace,
}

/// A registered professional (PRO), about themselves.
#[derive(Debug, Clone)]
pub struct HolderSession {
    pub(crate) person: String,
    pub(crate) trace: SessionTrace,
}

/// A national arbiter (ARB), with the purpose of the access.
#[derive(Debug, Clone)]
pub struct ArbiterSession {
    pub(crate) person: String,
    pub(crate) trace: SessionTrace,
    pub(crate) purpose: String,
}

/// National support (SUP), with the purpose of the access.
#[derive(Debug, Clone)]
pub struct SupportSession {
    pub(crate) person: String,
    pub(crate) trace: SessionTrace,
    pub(crate) purpose: String,
}

/// A keeper of terminologies (NOM).
#[derive(Debug, Clone)]
pub struct TerminologySession {
    pub(crate) person: String,
    pub(crate) trace: SessionTrace,
}

impl ManagerSession {
    /// National identification of the manager.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }

    /// What the habilitations were for when the session began, for the selector « Agir pour ». Rights are asked again each time.
    #[must_use]
    pub fn habilitations(&self) -> &[PerimeterTarget] {
        &self.habilitations
    }

    /// « Agir pour » one structure, by its number: lists, counts and places show that structure alone, with the sites of a legal
    /// entity; an empty number shows all of them. Rights are what they were, so that a number beyond the perimeter shows nothing.
    #[must_use]
    pub fn acting_for(self, number: &str) -> Self {
        Self { narrowed: number.split_whitespace().collect(), ..self }
    }

    /// The number of « Agir pour »; empty for all structures.
    #[must_use]
    pub fn narrowed(&self) -> &str {
        &self.narrowed
    }

    /// Whether lists show a structure of the perimeter.
    pub(crate) fn shows(&self, place: &RegisteredPlace) -> bool {
        let facts = &place.facts;
        self.narrowed.is_empty() || [&place.number, &facts.siret, &facts.legal_entity].contains(&&self.narrowed)
    }
}

impl HolderSession {
    /// National identification of the professional.
    #[must_use]
    pub fn person(&self) -> &str {
        &self.person
    }
}

/// An audit event of an actor, with what the trail keeps of the login.
pub(crate) fn audit_event(kind: ActorKind, actor: &str, trace: &SessionTrace, event: &str, object: &str) -> AuditEvent {
    AuditEvent {
        actor: actor.to_owned(),
        event: format!("inscription-{event}"),
        object: object.to_owned(),
        request: None,
        detail: json!({
            "kind": kind.code(),
            "session": trace.session,
            "means": trace.means,
            "level": trace.level,
            "address": trace.address,
        })
        .to_string(),
    }
}

impl Registration {
    /// A session of a person who logged in through the sector's identity provider and manages a structure (registration §4.2). The
    /// event is written once for each login. Cost of a later call: the row of the login and the rights of the manager.
    ///
    /// # Errors
    /// M01 when no habilitation stands; the errors of the registry.
    pub async fn manager_session(&self, national_id: &str, trace: SessionTrace) -> Result<ManagerSession, RegistrationStop> {
        let rights = ManagerRights::of(self.registry(), national_id, self.today()).await?;
        let login = PortalLogin { kind: ActorKind::Gae, person: national_id, purpose: "", trace: &trace };
        if rights.is_empty() {
            return self.turned_away(&login, MessageCode::M01).await;
        }
        let mut used = PendingWrites::default();
        let mut standing = Vec::new();
        let (today, mut idle) = (self.today(), false);
        for row in &rights.rows {
            if !row.value.stands(today)? {
                continue;
            }
            standing.push(target::parse(&row.value.target)?);
            if row.value.used_on != today.to_string() {
                let now = ManagerRow { used_on: today.to_string(), reminded_on: None, ..row.value.clone() };
                used.put(&now, Some(row.version))?;
                idle = true;
            }
        }
        self.logged_in(&login, "", used, idle).await?;
        Ok(ManagerSession { person: national_id.to_owned(), trace, habilitations: standing, narrowed: String::new() })
    }

    /// Notes a login: its event is written when its row does not say so yet, with what else is to be written.
    async fn logged_in(
        &self,
        login: &PortalLogin<'_>,
        refused: &str,
        mut writes: PendingWrites,
        more: bool,
    ) -> Result<(), Error> {
        let PortalLogin { kind, person, purpose, trace } = login;
        let key = format!("{}|{}", kind.code(), trace.session);
        let mark = self.keys.hashed("portal-session", &[person, &trace.means, &trace.level, purpose, refused]);
        let known: Option<VersionedRow<PortalSessionRow>> =
            if trace.session.is_empty() { None } else { read(self.registry(), &key).await? };
        let now_ms = self.now_ms();
        let is_noted = |row: &Option<VersionedRow<PortalSessionRow>>| {
            row.as_ref().is_some_and(|row| row.value.mark == mark && now_ms < row.value.ends_ms)
        };
        let is_new = !is_noted(&known);
        if !is_new && !more {
            return Ok(());
        }
        let mut event = audit_event(*kind, person, trace, "session", person);
        if !refused.is_empty() {
            event.detail = with_member(&event.detail, "refused", &json!(refused));
        }
        if is_new {
            if !trace.session.is_empty() {
                let row =
                    PortalSessionRow { key: key.clone(), mark: mark.clone(), ends_ms: now_ms.saturating_add(PORTAL_SESSION_MS) };
                writes.put(&row, known.map(|known| known.version))?;
            }
            writes.audit(event.clone());
        }
        if self.write(writes, &Cause::new(Channel::Portal, person, "session")).await? || !is_new {
            return Ok(());
        }
        // Two requests of a browser at once: the other one noted it, or it is noted alone.
        let known = if trace.session.is_empty() { None } else { read(self.registry(), &key).await? };
        if is_noted(&known) { Ok(()) } else { self.audit(event).await }
    }

    /// Refuses a login; the refusal is audited once for each login too.
    async fn turned_away<T>(&self, login: &PortalLogin<'_>, code: MessageCode) -> Result<T, RegistrationStop> {
        self.logged_in(login, code.as_str(), PendingWrites::default(), false).await?;
        Err(refusal(code).into())
    }

    /// A session of a person who logged in through the sector's identity provider and represents a structure, or will: whoever
    /// attaches a structure has none yet. Each call asks for the right to that structure.
    ///
    /// # Errors
    /// M01 for a person whom nobody registered; the errors of the registry.
    pub async fn representative_session(
        &self,
        national_id: &str,
        trace: SessionTrace,
    ) -> Result<RepresentativeSession, RegistrationStop> {
        let login = PortalLogin { kind: ActorKind::Rep, person: national_id, purpose: "", trace: &trace };
        if self.person(national_id).await?.is_none() {
            return self.turned_away(&login, MessageCode::M01).await;
        }
        self.logged_in(&login, "", PendingWrites::default(), false).await?;
        Ok(RepresentativeSession { person: national_id.to_owned(), trace })
    }

    /// A session of a registered professional.
    ///
    /// # Errors
    /// M01 for somebody whom nobody registered, or of whom a day of death is known; the errors of the registry.
    pub async fn holder_session(&self, national_id: &str, trace: SessionTrace) -> Result<HolderSession, RegistrationStop> {
        let login = PortalLogin { kind: ActorKind::Pro, person: national_id, purpose: "", trace: &trace };
        match self.person(national_id).await? {
            Some(person) if !person.is_deceased() => {
                self.logged_in(&login, "", PendingWrites::default(), false).await?;
                Ok(HolderSession { person: national_id.to_owned(), trace })
            }
            _ => self.turned_away(&login, MessageCode::M01).await,
        }
    }

    /// A session of a national arbiter, who says why (registration §2.7).
    ///
    /// # Errors
    /// M01 for anybody else, E-GEN-01 without a purpose; the errors of the registry.
    pub async fn arbiter_session(
        &self,
        national_id: &str,
        purpose: &str,
        trace: SessionTrace,
    ) -> Result<ArbiterSession, RegistrationStop> {
        self.named(ActorKind::Arb, national_id, purpose, &trace, self.settings.arbiters.contains(national_id)).await?;
        Ok(ArbiterSession { person: national_id.to_owned(), trace, purpose: purpose.to_owned() })
    }

    /// A session of the national support, who says why (registration §2.7).
    ///
    /// # Errors
    /// M01 for anybody else, E-GEN-01 without a purpose; the errors of the registry.
    pub async fn support_session(
        &self,
        national_id: &str,
        purpose: &str,
        trace: SessionTrace,
    ) -> Result<SupportSession, RegistrationStop> {
        self.named(ActorKind::Sup, national_id, purpose, &trace, self.settings.support.contains(national_id)).await?;
        Ok(SupportSession { person: national_id.to_owned(), trace, purpose: purpose.to_owned() })
    }

    /// A session of a keeper of terminologies.
    ///
    /// # Errors
    /// M01 for anybody else; the errors of the registry.
    pub async fn terminology_session(
        &self,
        national_id: &str,
        trace: SessionTrace,
    ) -> Result<TerminologySession, RegistrationStop> {
        let login = PortalLogin { kind: ActorKind::Nom, person: national_id, purpose: "", trace: &trace };
        if !self.settings.terminologists.contains(national_id) {
            return self.turned_away(&login, MessageCode::M01).await;
        }
        self.logged_in(&login, "", PendingWrites::default(), false).await?;
        Ok(TerminologySession { person: national_id.to_owned(), trace })
    }

    async fn named(
        &self,
        kind: ActorKind,
        national_id: &str,
        purpose: &str,
        trace: &SessionTrace,
        is_named: bool,
    ) -> Result<(), RegistrationStop> {
        let login = PortalLogin { kind, person: national_id, purpose, trace };
        if !is_named {
            return self.turned_away(&login, MessageCode::M01).await;
        }
        if purpose.trim().is_empty() {
            return self.turned_away(&login, MessageCode::EGen01).await;
        }
        Ok(self.logged_in(&login, "", PendingWrites::default(), false).await?)
    }

    /// As what a person acts on the habilitations of a target: its legal representative, its mandataire, or nobody. Also whether
    /// the mandataire may designate others.
    pub(crate) async fn representing(&self, person: &str, authority: &AuthorityRow) -> Result<Option<(ActorKind, bool)>, Error> {
        if authority.representative == person {
            return Ok(Some((ActorKind::Rep, true)));
        }
        let mandate: Option<VersionedRow<MandateRow>> = read(self.registry(), &format!("{}|{person}", authority.target)).await?;
        let mandate = mandate.filter(|row| row.value.ended_on.is_none());
        let begun = |row: &VersionedRow<MandateRow>| parse_iso(&row.value.from).is_none_or(|from| from <= self.today());
        Ok(mandate.filter(begun).map(|row| (ActorKind::Man, row.value.sub_delegation)))
    }

    /// The rights of a manager now.
    pub(crate) async fn rights(&self, manager: &str) -> Result<ManagerRights, Error> {
        ManagerRights::of(self.registry(), manager, self.today()).await
    }
}
