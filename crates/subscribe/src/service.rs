//! What a client does with its subscriptions: the calls of the API, without HTTP.

use crate::address::AddressRules;
use crate::bundle::{StatusType, Told};
use crate::counts::EngineCounts;
use crate::error::{Error, RefusalKind, ServiceError, refused};
use crate::limits;
use crate::matcher::{CompileQuery, Matching};
use crate::resource::{PayloadContent, Sent, SigningKey, WantedSubscription};
use crate::sign::key_text;
use annuaire_base::Tx;
use annuaire_base::text::hex;
use annuaire_index::Snapshot;
use annuaire_seal::Sealer;
use annuaire_store::subscription::{
    SubscriptionHead, SubscriptionProgress, SubscriptionRow, SubscriptionStatus, SubscriptionWrite,
};
use annuaire_store::{AuditEvent, BlockingRegistry, Cause, Channel, CommitClock, Entropy};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// What the calls need.
pub struct SubscriptionService {
    /// Where subscriptions are kept. Its calls block: they are made by threads that are no tasks.
    pub registry: BlockingRegistry,
    /// Seals secrets.
    pub sealer: Arc<Sealer>,
    /// Which receivers may be called.
    pub rules: AddressRules,
    /// Random bytes: ids, signing keys, nonces.
    pub entropy: Entropy,
    /// Milliseconds since 1970 UTC.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Compiles filters.
    pub compile: Arc<CompileQuery>,
    /// Tells those who deliver that there is something new.
    pub wake: Arc<dyn Fn() + Send + Sync>,
    /// What the engine of this node has done, for metrics.
    pub counts: Arc<Mutex<EngineCounts>>,
}

impl std::fmt::Debug for SubscriptionService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubscriptionService")
    }
}

/// Who calls.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    /// Pseudonym of its key.
    pub owner: &'a str,
    /// Name of the perimeter of the door.
    pub perimeter: &'a str,
    /// Address of the door as the caller sees it.
    pub base: &'a str,
    /// Id of the request, for the audit trail.
    pub request: &'a str,
    /// State of the perimeter.
    pub snap: &'a Snapshot,
}

/// A subscription as its owner reads it. It has no `Debug` form: it may hold a signing key.
pub struct ShownSubscription {
    /// The resource.
    pub resource: Value,
    /// All but its content.
    pub head: SubscriptionHead,
    /// The signing key, given once: by its creation, and by a rotation.
    pub secret: Option<String>,
}

type ServiceResult<T> = std::result::Result<T, ServiceError>;

/// Reads what is stored of a subscription.
pub(crate) fn opened(row: &SubscriptionRow, sealer: &Sealer) -> Result<WantedSubscription, Error> {
    let id = &row.head.id;
    WantedSubscription::read(&row.content, |sealed| sealer.open(id, sealed).map(|text| text.to_string()))
        .map_err(|reason| Error::Unreadable { id: id.clone(), reason: reason.into() })
}

impl SubscriptionService {
    /// Metrics of the delivery on this node, in the text format of Prometheus.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).metrics()
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.entropy)(&mut bytes);
        bytes
    }

    /// The subscription of a caller; that of another owner, or of another door, is unknown to it.
    fn own(&self, caller: Caller<'_>, id: &str) -> ServiceResult<(SubscriptionRow, WantedSubscription)> {
        let row = self.registry.subscription(id)?;
        let row = row.filter(|row| row.head.owner == caller.owner && row.head.perimeter == caller.perimeter);
        let row = row.ok_or_else(|| {
            refused(RefusalKind::Unknown, "You have no subscription of this id.", "GET [base]/Subscription lists yours.")
        })?;
        let wanted = opened(&row, &self.sealer)?;
        Ok((row, wanted))
    }

    fn own_heads(&self, caller: Caller<'_>) -> ServiceResult<Vec<SubscriptionHead>> {
        let most = u32::try_from(limits::OF_OWNER * 4).unwrap_or(u32::MAX);
        let all = self.registry.subscription_heads(Some(caller.owner), "", most)?;
        Ok(all.into_iter().filter(|head| head.perimeter == caller.perimeter).collect())
    }

    fn sealed(&self, id: &str, wanted: &WantedSubscription) -> ServiceResult<String> {
        let sealed = self.sealer.seal(id, &wanted.secrets(), self.random());
        let sealed = sealed.ok_or_else(|| Error::Unreadable { id: id.into(), reason: "its secrets cannot be sealed".into() })?;
        Ok(wanted.store(&sealed))
    }

    /// Compiles the filters, and counts the watch lists of the owner with them.
    fn check(&self, caller: Caller<'_>, wanted: &WantedSubscription, but: Option<&str>) -> ServiceResult<()> {
        let matching = Matching::new(wanted, caller.snap, &*self.compile).map_err(|why| {
            refused(
                RefusalKind::NotServed,
                format!("A filter is not served: {why}"),
                "Filters are searches of one type without chains, _has, :of-type and result parameters.",
            )
        })?;
        let mut watched = matching.watched();
        if watched > 0 {
            for head in self.own_heads(caller)?.iter().filter(|head| Some(head.id.as_str()) != but) {
                if let Some(row) = self.registry.subscription(&head.id)? {
                    let lists = opened(&row, &self.sealer)?.criteria();
                    watched += lists.iter().flat_map(|c| &c.lists).map(|list| list.entries().len()).sum::<usize>();
                }
            }
        }
        if watched > limits::WATCHED_OF_OWNER {
            let text = format!("Your watch lists would hold {watched} entries, of {} at most.", limits::WATCHED_OF_OWNER);
            return Err(refused(RefusalKind::TooMany, text, "Shorten a list, or remove a subscription."));
        }
        Ok(())
    }

    fn save(
        &self,
        caller: Caller<'_>,
        event: &str,
        object: (&str, Option<&WantedSubscription>),
        write: &SubscriptionWrite,
    ) -> ServiceResult<()> {
        let (id, wanted) = object;
        // No secret: of the endpoint its host alone.
        let detail = wanted.map_or_else(|| json!({}), |wanted| {
            let host = wanted.endpoint.split('/').nth(2).unwrap_or_default();
            json!({"topic": wanted.topic.name, "filters": wanted.filters.len(), "content": wanted.content.code(), "receiver": host})
        });
        let audit = AuditEvent {
            actor: caller.owner.to_owned(),
            event: event.to_owned(),
            object: format!("Subscription/{id}"),
            request: Some(caller.request.to_owned()),
            detail: detail.to_string(),
        };
        let mut unit = self.registry.begin()?;
        unit.write_subscription(write)?;
        unit.audit(&audit)?;
        let cause = Cause::new(Channel::System, "subscriptions", event);
        unit.save(&cause, CommitClock { now_ms: &|| (self.now_ms)(), any_clock: false })?;
        (self.wake)();
        Ok(())
    }

    /// Makes a subscription, which waits for its handshake. It is told of transactions after the present state of its perimeter.
    ///
    /// # Errors
    /// Refusals of what is not served, of too many, of what is no Subscription.
    pub fn create(&self, caller: Caller<'_>, body: &[u8]) -> ServiceResult<ShownSubscription> {
        let now_ms = (self.now_ms)();
        let Sent { mut wanted, status, end_ms, .. } = Sent::read(body, caller.base, &self.rules, now_ms)?;
        wanted.refuse_hidden()?;
        if self.own_heads(caller)?.len() >= limits::OF_OWNER {
            let text = format!("You have {} subscriptions, which is the most.", limits::OF_OWNER);
            return Err(refused(RefusalKind::TooMany, text, "Remove one, or join watch lists."));
        }
        self.check(caller, &wanted, None)?;
        let secret = key_text(&self.random::<32>());
        wanted.keys = vec![SigningKey { text: secret.clone(), until_ms: None }];
        let id = hex(&self.random::<16>());
        let progress = SubscriptionProgress {
            watermark: caller.snap.tx(),
            events: 0,
            delivered: 0,
            resend_next: 0,
            resend_last: 0,
            attempts: 0,
            due_ms: now_ms,
            sent_ms: 0,
            error: None,
        };
        let head = SubscriptionHead {
            id: id.clone(),
            owner: caller.owner.to_owned(),
            perimeter: caller.perimeter.to_owned(),
            version: 1,
            status,
            changed_ms: now_ms,
            end_ms,
            progress,
        };
        let row = SubscriptionRow { head: head.clone(), content: self.sealed(&id, &wanted)? };
        self.save(caller, "subscription-create", (&id, Some(&wanted)), &SubscriptionWrite::Create(row))?;
        Ok(ShownSubscription { resource: wanted.resource(&head), head, secret: Some(secret) })
    }

    /// Replaces a subscription. It is asked for a handshake again, unless it is switched off; events keep their numbers, and those that the
    /// receiver has not acknowledged follow.
    ///
    /// # Errors
    /// As [`create`](Self::create); of an id that the caller does not have, of a version that is not the one of `if_match`.
    pub fn update(&self, caller: Caller<'_>, id: &str, body: &[u8], if_match: Option<u64>) -> ServiceResult<ShownSubscription> {
        let now_ms = (self.now_ms)();
        let (row, before) = self.own(caller, id)?;
        check_version(&row.head, if_match)?;
        let resource_id = serde_json::from_slice::<Value>(body).ok().and_then(|v| v["id"].as_str().map(str::to_owned));
        let Sent { mut wanted, status, end_ms, rotate } = Sent::read(body, caller.base, &self.rules, now_ms)?;
        if resource_id.as_deref() != Some(id) {
            return Err(refused(
                RefusalKind::Malformed,
                "Subscription.id is not the id of the address.",
                "Send the resource that you read.",
            ));
        }
        wanted.keep_hidden(&before)?;
        wanted.refuse_hidden()?;
        self.check(caller, &wanted, Some(id))?;
        wanted.keys = before.keys.into_iter().filter(|key| key.until_ms.is_none_or(|until| until > now_ms)).collect();
        let mut secret = None;
        if rotate {
            for key in &mut wanted.keys {
                key.until_ms.get_or_insert(now_ms.saturating_add(limits::BOTH_KEYS_MS));
            }
            let text = key_text(&self.random::<32>());
            wanted.keys.truncate(1);
            wanted.keys.insert(0, SigningKey { text: text.clone(), until_ms: None });
            secret = Some(text);
        }
        let mut head = row.head.clone();
        // What happened while it was switched off is not told.
        let was_off = head.status == SubscriptionStatus::Off;
        head.progress.watermark = if was_off { caller.snap.tx() } else { Tx::NONE };
        (head.version, head.status, head.changed_ms, head.end_ms) = (head.version + 1, status, now_ms, end_ms);
        (head.progress.attempts, head.progress.due_ms, head.progress.error) = (0, now_ms, None);
        let next = SubscriptionRow { head: head.clone(), content: self.sealed(id, &wanted)? };
        let write = SubscriptionWrite::Update { row: next, expect: row.head.version };
        self.save(caller, "subscription-update", (id, Some(&wanted)), &write)?;
        Ok(ShownSubscription { resource: wanted.resource(&head), head, secret })
    }

    /// Removes a subscription with its events.
    ///
    /// # Errors
    /// Of an id that the caller does not have, of a version that is not the one of `if_match`.
    pub fn remove(&self, caller: Caller<'_>, id: &str, if_match: Option<u64>) -> ServiceResult<()> {
        // Its content is not opened: one that cannot be read must be removable.
        let row = self
            .registry
            .subscription(id)?
            .filter(|row| row.head.owner == caller.owner && row.head.perimeter == caller.perimeter);
        let row = row.ok_or_else(|| {
            refused(RefusalKind::Unknown, "You have no subscription of this id.", "GET [base]/Subscription lists yours.")
        })?;
        check_version(&row.head, if_match)?;
        let write = SubscriptionWrite::Remove { id: id.to_owned(), expect: row.head.version };
        self.save(caller, "subscription-delete", (id, None), &write)
    }

    /// A subscription of the caller.
    ///
    /// # Errors
    /// Of an id that the caller does not have.
    pub fn read(&self, caller: Caller<'_>, id: &str) -> ServiceResult<ShownSubscription> {
        let (row, wanted) = self.own(caller, id)?;
        Ok(ShownSubscription { resource: wanted.resource(&row.head), head: row.head, secret: None })
    }

    /// All subscriptions of the caller at this door, by id.
    ///
    /// # Errors
    /// Those of the registry.
    pub fn list(&self, caller: Caller<'_>) -> ServiceResult<Vec<ShownSubscription>> {
        self.own_heads(caller)?.iter().map(|head| self.read(caller, &head.id)).collect()
    }

    /// The status of a subscription, as a resource Parameters.
    ///
    /// # Errors
    /// Of an id that the caller does not have.
    pub fn status(&self, caller: Caller<'_>, id: &str) -> ServiceResult<Value> {
        let (row, wanted) = self.own(caller, id)?;
        let told = Told { head: &row.head, wanted: &wanted };
        Ok(told.status(StatusType::QueryStatus, PayloadContent::IdOnly, row.head.progress.events, &[]))
    }

    /// Events with numbers from `since` to `until`, both included: at most [`limits::EVENTS`], and as many as stand in one bundle. The last number
    /// given tells where the next question begins.
    ///
    /// # Errors
    /// Of an id that the caller does not have.
    pub fn events(
        &self,
        caller: Caller<'_>,
        id: &str,
        (since, until): (u64, u64),
        content: Option<PayloadContent>,
    ) -> ServiceResult<Vec<u8>> {
        let (row, wanted) = self.own(caller, id)?;
        let mut events = self.registry.subscription_events(id, since.max(1), until, limits::EVENTS)?;
        let told = Told { head: &row.head, wanted: &wanted };
        let content = content.unwrap_or(wanted.content);
        if content == PayloadContent::FullResource {
            // A node that is behind the one that numbered them does not have these versions yet.
            events.retain(|event| event.tx <= caller.snap.tx());
        }
        let bundle =
            told.bundle(StatusType::QueryEvent, content, row.head.progress.events, &events, (caller.snap, (self.now_ms)()));
        Ok(bundle.map_err(Error::from)?)
    }

    /// Has events sent once more on the channel, with their numbers, before newer ones. Returns the numbers.
    ///
    /// # Errors
    /// Of an id that the caller does not have, of a subscription that is not active, of bounds without an event.
    pub fn resend(&self, caller: Caller<'_>, id: &str, (since, until): (u64, u64)) -> ServiceResult<(u64, u64)> {
        let (mut row, wanted) = self.own(caller, id)?;
        let progress = &mut row.head.progress;
        // What was never acknowledged is sent anyhow.
        let (first, last) = (since.max(1), until.min(progress.delivered));
        if row.head.status != SubscriptionStatus::Active {
            let text = format!("The subscription is {}, not active.", row.head.status.code());
            return Err(refused(RefusalKind::NotServed, text, "Update it with the status requested, or ask $events."));
        }
        if first > last {
            return Err(refused(
                RefusalKind::NotServed,
                "No event that was delivered is within these bounds.",
                "Ask $status for the number of events.",
            ));
        }
        (progress.resend_next, progress.resend_last, progress.due_ms) = (first, last, (self.now_ms)());
        progress.watermark = Tx::NONE;
        let expect = row.head.version;
        row.head.version += 1;
        self.save(caller, "subscription-resend", (id, Some(&wanted)), &SubscriptionWrite::Update { row, expect })?;
        Ok((first, last))
    }
}

fn check_version(head: &SubscriptionHead, if_match: Option<u64>) -> ServiceResult<()> {
    if if_match.is_some_and(|version| version != head.version) {
        return Err(refused(
            RefusalKind::Stale,
            format!("The subscription has version {}.", head.version),
            "Read it again, and decide again.",
        ));
    }
    Ok(())
}
