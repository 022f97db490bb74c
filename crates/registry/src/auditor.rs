//! Reads of the audit trail (registration §14): auditors read all of it, managers what they did, representatives what was done for their
//! structure. Events hold no trait.

use crate::accesses::deed;
use crate::error::{Error, RegistrationStop};
use crate::grants::{AuthorityRow, ManagerRow};
use crate::limits::AUDIT_PAGE_MAX;
use crate::row::{VersionedRow, beginning, read};
use crate::service::{Registration, refusal, with_member};
use crate::session::{ManagerSession, RepresentativeSession, SessionTrace, audit_event};
use annuaire_store::{AuditFilter, AuditRow};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use serde_json::{Value, json};

/// Managers of one target whose actions are read.
const MANAGERS_MAX: usize = 1_000;

/// An auditor (AUD), who reads the trail and nothing else.
#[derive(Debug, Clone)]
pub struct AuditorSession {
    pub(crate) person: String,
    pub(crate) trace: SessionTrace,
}

/// Something that somebody did, as they or their representative read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAction {
    /// Number of the event; the next page begins before it.
    pub number: u64,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// National identification of the one who did it.
    pub actor: String,
    /// What, in French.
    pub what: String,
    /// Number of the request; empty when there is none.
    pub request: String,
    /// Whether it was refused.
    pub refused: bool,
}

fn detail(row: &AuditRow) -> Value {
    serde_json::from_str(&row.event.detail).unwrap_or_default()
}

impl From<&AuditRow> for ListedAction {
    fn from(row: &AuditRow) -> Self {
        Self {
            number: row.number,
            at_ms: row.at_ms,
            actor: row.event.actor.clone(),
            what: deed(&row.event.event).to_owned(),
            request: row.event.request.clone().unwrap_or_default(),
            refused: detail(row).get("refused").is_some(),
        }
    }
}

impl Registration {
    /// A session of an auditor.
    ///
    /// # Errors
    /// M01 for anybody else; the errors of the registry.
    pub async fn auditor_session(&self, national_id: &str, trace: SessionTrace) -> Result<AuditorSession, RegistrationStop> {
        let event = audit_event(ActorKind::Aud, national_id, &trace, "session", national_id);
        if !self.settings.auditors.contains(national_id) {
            return self.refused(event, refusal(MessageCode::M01)).await;
        }
        self.audit(event).await?;
        Ok(AuditorSession { person: national_id.to_owned(), trace })
    }

    /// A page of the trail before a number, the newest event first. The read is an event itself, with what was asked.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn audit_page(
        &self,
        by: &AuditorSession,
        filter: &AuditFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        let mut event = audit_event(ActorKind::Aud, &by.person, &by.trace, "lire-trace", "");
        for (column, value) in filter.texts() {
            event.detail = with_member(&event.detail, &format!("sought-{column}"), &json!(value));
        }
        self.audit(event).await?;
        Ok(self.registry().audit_of(filter, before, limit.clamp(1, AUDIT_PAGE_MAX)).await?)
    }

    /// What a manager did, the newest first, before a number.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn own_actions(&self, by: &ManagerSession, before: Option<u64>, limit: u32) -> Result<Vec<ListedAction>, Error> {
        let rows = self.registry().audit_of(&AuditFilter::of_actor(by.person()), before, limit.clamp(1, AUDIT_PAGE_MAX)).await?;
        Ok(rows.iter().map(Into::into).collect())
    }

    /// What was done for a structure, for its representative, the newest first, before a number: acts on its habilitations, and steps of requests
    /// of the structure. Cost: a page of the trail for each of its managers; of what they did elsewhere nothing is told.
    ///
    /// # Errors
    /// E-HAB-05 for a structure that nobody attached, E-HAB-01 for a stranger; the errors of the registry.
    pub async fn actions_on(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<ListedAction>, RegistrationStop> {
        let key = crate::target::text_of(structure);
        let event = audit_event(ActorKind::Rep, &by.person, &by.trace, "lire-actions", &key);
        let Some(authority) = read::<AuthorityRow>(self.registry(), &key).await? else {
            return self.refused(event, refusal(MessageCode::EHab05)).await;
        };
        let Some((kind, _)) = self.representing(&by.person, &authority.value).await? else {
            return self.refused(event, refusal(MessageCode::EHab01)).await;
        };
        self.audit(audit_event(kind, &by.person, &by.trace, "lire-actions", &key)).await?;
        let limit = limit.clamp(1, AUDIT_PAGE_MAX);
        let place = self.place_numbered(structure.number()).await?.map(|place| place.id);
        let mut found = self.registry().audit_of(&AuditFilter::of_object(&key), before, limit).await?;
        // Whoever attached the structure named it by its number.
        found.extend(self.registry().audit_of(&AuditFilter::of_object(structure.number()), before, limit).await?);
        let managers: Vec<VersionedRow<ManagerRow>> = beginning(self.registry(), &format!("{key}|"), MANAGERS_MAX).await?;
        for manager in managers.into_iter().map(|row| row.value.manager) {
            let mut own = self.registry().audit_of(&AuditFilter::of_object(&format!("{key}|{manager}")), before, limit).await?;
            let done = self.registry().audit_of(&AuditFilter::of_actor(&manager), before, limit).await?;
            let here = |row: &AuditRow| {
                let said = detail(row);
                place.as_deref().is_some_and(|place| said.get("structure").and_then(Value::as_str) == Some(place))
            };
            own.extend(done.into_iter().filter(here));
            found.extend(own);
        }
        found.sort_by_key(|row| std::cmp::Reverse(row.number));
        found.dedup_by_key(|row| row.number);
        found.truncate(limit as usize);
        Ok(found.iter().map(Into::into).collect())
    }
}
