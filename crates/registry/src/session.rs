//! Who acts, as types: a function says by its arguments who may call it, and a session is made by a check alone.
//!
//! A session holds who somebody is, never what they may: rights are read again at each use, so that what was revoked ends at
//! once.

use crate::error::{Error, RegistrationStop};
use crate::grants::{AuthorityRow, ManagerRights, ManagerRow, MandateRow};
use crate::row::{PendingWrites, VersionedRow, read};
use crate::service::{Registration, refusal};
use crate::target;
use annuaire_store::{AuditEvent, Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
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
    /// A session of a person who logged in through the sector's identity provider and manages a structure (registration §4.2).
    ///
    /// # Errors
    /// M01 when no habilitation stands; the errors of the registry.
    pub async fn manager_session(&self, national_id: &str, trace: SessionTrace) -> Result<ManagerSession, RegistrationStop> {
        let rights = ManagerRights::of(self.registry(), national_id, self.today()).await?;
        let event = audit_event(ActorKind::Gae, national_id, &trace, "session", national_id);
        if rights.is_empty() {
            return self.refused(event, refusal(MessageCode::M01)).await;
        }
        self.used(&rights, event).await?;
        let standing: Result<Vec<PerimeterTarget>, Error> = rights
            .rows
            .iter()
            .filter(|row| row.value.stands(self.today()).unwrap_or(false))
            .map(|row| target::parse(&row.value.target))
            .collect();
        Ok(ManagerSession { person: national_id.to_owned(), trace, habilitations: standing? })
    }

    /// Notes that the habilitations of a manager were used today, with the event of the login.
    async fn used(&self, rights: &ManagerRights, event: AuditEvent) -> Result<(), Error> {
        let today = self.today().to_string();
        let mut writes = PendingWrites::default();
        let cause = Cause::new(Channel::Portal, &event.actor, "session");
        for row in rights.rows.iter().filter(|row| row.value.used_on != today) {
            if row.value.stands(self.today())? {
                let used = ManagerRow { used_on: today.clone(), reminded_on: None, ..row.value.clone() };
                writes.put(&used, Some(row.version))?;
            }
        }
        writes.audit(event.clone());
        // Two logins at once: the other one noted it.
        if self.write(writes, &cause).await? { Ok(()) } else { self.audit(event).await }
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
        let event = audit_event(ActorKind::Rep, national_id, &trace, "session", national_id);
        if self.person(national_id).await?.is_none() {
            return self.refused(event, refusal(MessageCode::M01)).await;
        }
        self.audit(event).await?;
        Ok(RepresentativeSession { person: national_id.to_owned(), trace })
    }

    /// A session of a registered professional.
    ///
    /// # Errors
    /// M01 for somebody whom nobody registered, or of whom a day of death is known; the errors of the registry.
    pub async fn holder_session(&self, national_id: &str, trace: SessionTrace) -> Result<HolderSession, RegistrationStop> {
        let event = audit_event(ActorKind::Pro, national_id, &trace, "session", national_id);
        match self.person(national_id).await? {
            Some(person) if !person.is_deceased() => {
                self.audit(event).await?;
                Ok(HolderSession { person: national_id.to_owned(), trace })
            }
            _ => self.refused(event, refusal(MessageCode::M01)).await,
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

    async fn named(
        &self,
        kind: ActorKind,
        national_id: &str,
        purpose: &str,
        trace: &SessionTrace,
        is_named: bool,
    ) -> Result<(), RegistrationStop> {
        let event = audit_event(kind, national_id, trace, "session", national_id);
        if !is_named {
            return self.refused(event, refusal(MessageCode::M01)).await;
        }
        if purpose.trim().is_empty() {
            return self.refused(event, refusal(MessageCode::EGen01)).await;
        }
        Ok(self.audit(event).await?)
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
