//! The engine: numbers events and says what is to be sent. One node of an installation has the lease and runs it.
//!
//! [`Engine::step`] does what is due and gives deliveries; whoever drives it sends each in a thread of its own and reports the outcome by
//! [`Engine::finish`]. Nothing is sent that was not stored before, and nothing is stored as told that was not acknowledged, so that an engine that
//! dies at any point loses no event: at worst a notification leaves twice, with the same `webhook-id`.

use crate::bundle::{StatusType, Told, cut};
use crate::change::{ChangedVersion, ChangedVersions};
use crate::counts::EngineCounts;
use crate::error::{Error, Result};
use crate::limits;
use crate::matcher::{CompileQuery, Matcher, Matching};
use crate::resource::{PayloadContent, WantedSubscription};
use crate::service::opened;
use crate::sign::signature;
use crate::transport::Notification;
use annuaire_base::Tx;
use annuaire_fhir::schema::type_name;
use annuaire_index::{Index, Snapshot};
use annuaire_seal::Sealer;
use annuaire_store::subscription::{
    DeliveryNote, NewEvents, SubscriptionEvent, SubscriptionHead, SubscriptionProgress, SubscriptionStatus, SubscriptionWrite,
};
use annuaire_store::{AuditEvent, BlockingRegistry, Cause, Channel, CommitClock};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Name of the lease of those who deliver.
const LEASE: &str = "subscriptions";
/// How long the engine may be left alone, in milliseconds: for what other nodes write.
const LOOK_MS: i64 = 5_000;

/// A perimeter that is told of.
pub struct EnginePerimeter {
    /// Its name, as subscriptions store it.
    pub name: &'static str,
    /// Its publication store of now.
    pub store: Arc<dyn Fn() -> Arc<Index> + Send + Sync>,
}

/// What an engine needs.
pub struct EngineSettings {
    /// Where subscriptions are kept.
    pub registry: BlockingRegistry,
    /// Opens secrets.
    pub sealer: Arc<Sealer>,
    /// Compiles filters.
    pub compile: Arc<CompileQuery>,
    /// Who holds the lease: another name for each process.
    pub holder: String,
    /// Perimeters that this node serves.
    pub perimeters: Vec<EnginePerimeter>,
}

/// What a notification tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryKind {
    /// Whether the receiver is there.
    Handshake,
    /// That nothing happened.
    Heartbeat,
    /// Events up to this number.
    Events(u64),
    /// Events that are sent once more, up to this number.
    Repeated(u64),
}

/// A notification to be sent, and for whom.
#[derive(Debug, Clone)]
pub struct DueNotification {
    /// The subscription.
    pub id: String,
    /// What it tells.
    pub kind: DeliveryKind,
    /// What is sent.
    pub notification: Notification,
    head: SubscriptionHead,
}

/// What a step came to.
#[derive(Debug, Default)]
pub struct Step {
    /// Whether this node delivers.
    pub leading: bool,
    /// What is to be sent now.
    pub deliveries: Vec<DueNotification>,
    /// When the next step is due at the latest, milliseconds since 1970 UTC.
    pub next_ms: i64,
    /// Subscriptions whose content cannot be read or compiled, and why; each is told once.
    pub unreadable: Vec<Error>,
}

/// A subscription as the engine remembers it.
struct KnownSubscription {
    version: u64,
    wanted: WantedSubscription,
    matching: Matching,
    /// Transactions up to this one were looked at.
    at: Tx,
    /// Events that this engine knows of. When there are more, another one numbered them, and what is known is read anew.
    events: u64,
    /// Events up to this one, of the transaction that was under way when another engine died, are stored already.
    skip: Option<SubscriptionEvent>,
}

/// A matcher, and of which subscriptions it was made.
type KeptMatcher = (Vec<(String, u64)>, Arc<Matcher>);

/// The engine.
pub struct Engine {
    settings: EngineSettings,
    /// Until when the lease is held.
    lease_until: Option<i64>,
    epoch: u32,
    heads: BTreeMap<String, SubscriptionHead>,
    known: HashMap<String, KnownSubscription>,
    /// Subscriptions that cannot be read, by version.
    broken: HashMap<String, u64>,
    matchers: HashMap<&'static str, KeptMatcher>,
    /// Subscriptions to which something is under way: whether its receiver is a suspect.
    busy: HashMap<String, bool>,
    counts: EngineCounts,
}

impl Engine {
    /// An engine that has done nothing yet.
    #[must_use]
    pub fn new(settings: EngineSettings) -> Self {
        Self {
            settings,
            lease_until: None,
            epoch: 0,
            heads: BTreeMap::new(),
            known: HashMap::new(),
            broken: HashMap::new(),
            matchers: HashMap::new(),
            busy: HashMap::new(),
            counts: EngineCounts::default(),
        }
    }

    /// What it has done.
    #[must_use]
    pub fn counts(&self) -> EngineCounts {
        self.counts
    }

    /// Gives the lease back, so that another node need not wait for its end.
    ///
    /// # Errors
    /// Those of the registry.
    pub fn stop(&mut self) -> Result<()> {
        self.lease_until = None;
        Ok(self.settings.registry.end_lease(LEASE, &self.settings.holder)?)
    }

    /// Numbers the events of new transactions, ends subscriptions that are over, and says what is to be sent.
    ///
    /// # Errors
    /// Those of the registry and of the stores. The next step does what this one left.
    pub fn step(&mut self, now_ms: i64) -> Result<Step> {
        let mut step = Step { next_ms: now_ms.saturating_add(LOOK_MS), ..Step::default() };
        if !self.lead(now_ms)? {
            return Ok(step);
        }
        step.leading = true;
        self.read_heads()?;
        self.end_those_that_are_over(now_ms)?;
        self.learn(&mut step.unreadable)?;
        for at in 0..self.settings.perimeters.len() {
            let name = self.settings.perimeters[at].name;
            let index = (self.settings.perimeters[at].store)();
            self.number_events(name, &index.snapshot()?)?;
        }
        self.deliver(now_ms, &mut step)?;
        self.count();
        Ok(step)
    }

    fn lead(&mut self, now_ms: i64) -> Result<bool> {
        if self.lease_until.is_some_and(|until| until - now_ms > limits::LEASE_MS / 2 && until - now_ms <= limits::LEASE_MS) {
            return Ok(true);
        }
        let until = now_ms.saturating_add(limits::LEASE_MS);
        let taken = self.settings.registry.take_lease(LEASE, &self.settings.holder, now_ms, until)?;
        if !taken || self.lease_until.is_none_or(|until| until <= now_ms) {
            // What another node did meanwhile is read anew.
            self.known.clear();
            self.epoch = self.settings.registry.log()?.epoch;
        }
        self.lease_until = taken.then_some(until);
        Ok(taken)
    }

    fn read_heads(&mut self) -> Result<()> {
        self.heads.clear();
        let mut after = String::new();
        loop {
            let page = self.settings.registry.subscription_heads(None, &after, limits::HEADS_TOGETHER)?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.id);
            let is_last = page.len() < limits::HEADS_TOGETHER as usize;
            self.heads.extend(page.into_iter().map(|head| (head.id.clone(), head)));
            if is_last {
                break;
            }
        }
        let heads = &self.heads;
        self.known.retain(|id, known| heads.get(id).is_some_and(|head| head.progress.events == known.events));
        self.broken.retain(|id, _| heads.contains_key(id));
        Ok(())
    }

    fn end_those_that_are_over(&mut self, now_ms: i64) -> Result<()> {
        let over =
            |head: &&SubscriptionHead| head.status != SubscriptionStatus::Off && head.end_ms.is_some_and(|end| end <= now_ms);
        let over: Vec<SubscriptionHead> = self.heads.values().filter(over).cloned().collect();
        for head in over {
            self.change_status(&head, SubscriptionStatus::Off, head.progress.clone(), "subscription-end", now_ms)?;
        }
        Ok(())
    }

    /// Reads contents of new versions.
    fn learn(&mut self, unreadable: &mut Vec<Error>) -> Result<()> {
        let current = |head: &SubscriptionHead, known: &HashMap<String, KnownSubscription>| {
            known.get(&head.id).is_some_and(|k| k.version == head.version)
        };
        let new: Vec<SubscriptionHead> = self.heads.values().filter(|head| !current(head, &self.known)).cloned().collect();
        for head in new {
            if self.broken.get(&head.id) == Some(&head.version) {
                continue;
            }
            let Some(row) = self.settings.registry.subscription(&head.id)? else { continue };
            let Some(perimeter) = self.settings.perimeters.iter().find(|perimeter| perimeter.name == head.perimeter) else {
                continue;
            };
            let snap = (perimeter.store)().snapshot()?;
            let made = opened(&row, &self.settings.sealer).and_then(|wanted| {
                let matching = Matching::new(&wanted, &snap, &*self.settings.compile);
                matching.map(|m| (wanted, m)).map_err(|reason| Error::Unreadable { id: head.id.clone(), reason })
            });
            let (wanted, matching) = match made {
                Ok(made) => made,
                Err(error) => {
                    self.known.remove(&head.id);
                    self.broken.insert(head.id.clone(), head.version);
                    unreadable.push(error);
                    continue;
                }
            };
            let progress = &row.head.progress;
            let (at, skip) = match self.known.remove(&head.id).filter(|known| known.events == progress.events) {
                Some(known) => (known.at.max(progress.watermark), known.skip),
                None => {
                    let last = progress.events.max(1);
                    let last = self.settings.registry.subscription_events(&head.id, last, last, 1)?.pop();
                    (progress.watermark, last.filter(|event| event.tx > progress.watermark))
                }
            };
            let known = KnownSubscription { version: row.head.version, wanted, matching, at, events: progress.events, skip };
            self.known.insert(head.id.clone(), known);
            self.heads.insert(head.id.clone(), row.head);
        }
        Ok(())
    }

    /// Numbers and stores the events of a perimeter up to the state of `snap`.
    fn number_events(&mut self, perimeter: &'static str, snap: &Snapshot) -> Result<()> {
        let mut groups: BTreeMap<Tx, Vec<String>> = BTreeMap::new();
        for head in self.heads.values().filter(|h| h.perimeter == perimeter && h.status != SubscriptionStatus::Off) {
            if let Some(known) = self.known.get(&head.id).filter(|known| known.at < snap.tx()) {
                groups.entry(known.at).or_default().push(head.id.clone());
            }
        }
        for (after, ids) in groups {
            let matcher = self.matcher(perimeter, &ids);
            let rows = snap.since(&matcher.types(), after)?;
            let rows: Vec<u32> = rows.iter().collect();
            for some in rows.chunks(limits::CHANGES_TOGETHER) {
                let changes = ChangedVersions::read(snap, some.iter().copied(), matcher.needs())?;
                let concerned = matcher.concerned(snap, &changes)?;
                let mut new = Vec::new();
                for (id, concerned) in ids.iter().zip(concerned) {
                    new.extend(self.numbered(id, concerned.iter().filter_map(|at| changes.all.get(*at))));
                }
                if !new.is_empty() {
                    self.store(&new, &[], Tx::NONE)?;
                }
            }
            let lags = |id: &&String| {
                let head = self.heads.get(*id);
                head.is_some_and(|h| {
                    h.progress.events > 0 && !rows.is_empty() || snap.tx().since(h.progress.watermark) >= limits::WATERMARK_LAG
                })
            };
            let done: Vec<String> = ids.iter().filter(|id| self.known.contains_key(*id)).filter(lags).cloned().collect();
            if !done.is_empty() {
                self.store(&[], &done, snap.tx())?;
            }
            for id in &ids {
                if let Some(known) = self.known.get_mut(id) {
                    (known.at, known.skip) = (snap.tx(), None);
                }
            }
        }
        Ok(())
    }

    fn matcher(&mut self, perimeter: &'static str, ids: &[String]) -> Arc<Matcher> {
        let of: Vec<(String, u64)> = ids.iter().filter_map(|id| Some((id.clone(), self.known.get(id)?.version))).collect();
        if let Some((made_of, matcher)) = self.matchers.get(perimeter)
            && *made_of == of
        {
            return Arc::clone(matcher);
        }
        let all = ids.iter().filter_map(|id| Some(self.known.get(id)?.matching.clone())).collect();
        let matcher = Arc::new(Matcher::new(all));
        self.matchers.insert(perimeter, (of, Arc::clone(&matcher)));
        matcher
    }

    /// The events of a subscription, with their numbers.
    fn numbered<'a>(&mut self, id: &str, changes: impl Iterator<Item = &'a ChangedVersion>) -> Option<NewEvents> {
        let before = self.heads.get(id)?.progress.events;
        let known = self.known.get_mut(id)?;
        let mut events = Vec::new();
        for change in changes {
            if let Some(last) = &known.skip {
                let is_last = last.tx == change.tx && last.ty == type_name(change.ty) && last.id == change.id;
                if change.tx <= last.tx {
                    if is_last {
                        known.skip = None;
                    }
                    continue;
                }
                known.skip = None;
            }
            events.push(SubscriptionEvent {
                number: before + events.len() as u64 + 1,
                tx: change.tx,
                at_ms: change.at_ms,
                kind: change.kind,
                ty: type_name(change.ty).to_owned(),
                id: change.id.clone(),
                version: change.number,
            });
        }
        (!events.is_empty()).then(|| NewEvents { subscription: id.to_owned(), before, events })
    }

    /// Stores events and watermarks. What somebody else numbered meanwhile is learnt anew by the next step.
    fn store(&mut self, new: &[NewEvents], done: &[String], watermark: Tx) -> Result<()> {
        let lost = self.settings.registry.store_events(new, done, watermark)?;
        for of in new.iter().filter(|of| !lost.contains(&of.subscription)) {
            self.counts.events += of.events.len() as u64;
            if let Some(head) = self.heads.get_mut(&of.subscription) {
                head.progress.events += of.events.len() as u64;
            }
            if let Some(known) = self.known.get_mut(&of.subscription) {
                known.events += of.events.len() as u64;
            }
        }
        for id in lost {
            self.known.remove(&id);
            self.heads.remove(&id);
        }
        Ok(())
    }

    /// What is to be sent now: those who were told least recently come first.
    fn deliver(&mut self, now_ms: i64, step: &mut Step) -> Result<()> {
        let mut due: Vec<(i64, String, DeliveryKind)> = Vec::new();
        for head in self.heads.values().filter(|head| !self.busy.contains_key(&head.id)) {
            let Some(known) = self.known.get(&head.id) else { continue };
            match wanted_delivery(head, &known.wanted) {
                Some((at, kind)) if at <= now_ms => due.push((head.progress.sent_ms, head.id.clone(), kind)),
                Some((at, _)) => step.next_ms = step.next_ms.min(at),
                None => {}
            }
            if let Some(end) = head.end_ms.filter(|_| head.status != SubscriptionStatus::Off) {
                step.next_ms = step.next_ms.min(end.max(now_ms));
            }
        }
        due.sort_unstable_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut of_owner: HashMap<String, usize> = HashMap::new();
        for head in self.busy.keys().filter_map(|id| self.heads.get(id)) {
            *of_owner.entry(head.owner.clone()).or_default() += 1;
        }
        for (_, id, kind) in due {
            let Some(head) = self.heads.get(&id).cloned() else { continue };
            let suspect = head.progress.attempts > 0 || head.status == SubscriptionStatus::Requested;
            let suspects = self.busy.values().filter(|suspect| **suspect).count();
            let own = of_owner.entry(head.owner.clone()).or_default();
            if self.busy.len() >= limits::DELIVERIES
                || (suspect && suspects >= limits::SUSPECTS)
                || *own >= limits::DELIVERIES_OF_OWNER
            {
                continue;
            }
            match self.delivery(head, kind, now_ms) {
                Ok(Some(delivery)) => {
                    *own += 1;
                    self.busy.insert(id, suspect);
                    step.deliveries.push(delivery);
                }
                Ok(None) => {}
                Err(error) => {
                    // Nobody sends what a failed step gave.
                    step.deliveries.iter().for_each(|delivery| _ = self.busy.remove(&delivery.id));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn delivery(&self, head: SubscriptionHead, kind: DeliveryKind, now_ms: i64) -> Result<Option<DueNotification>> {
        let Some(known) = self.known.get(&head.id) else { return Ok(None) };
        let Some(perimeter) = self.settings.perimeters.iter().find(|p| p.name == head.perimeter) else { return Ok(None) };
        let (wanted, progress) = (&known.wanted, &head.progress);
        let most = wanted.max_count.unwrap_or(limits::BATCH);
        let range = match kind {
            DeliveryKind::Handshake | DeliveryKind::Heartbeat => None,
            DeliveryKind::Events(last) => Some((progress.delivered + 1, last)),
            DeliveryKind::Repeated(last) => Some((progress.resend_next, last)),
        };
        let mut events = match range {
            Some((first, last)) => self.settings.registry.subscription_events(&head.id, first, last, most.saturating_add(1))?,
            None => Vec::new(),
        };
        cut(&mut events, most as usize);
        // A node that is behind the one that numbered them does not have these versions yet.
        let snap = (perimeter.store)().snapshot()?;
        events.retain(|event| event.tx <= snap.tx());
        let total = events.last().map_or(progress.events, |event| event.number);
        let (ty, kind, first) = match kind {
            DeliveryKind::Handshake => (StatusType::Handshake, kind, format!("handshake-{}", head.version)),
            DeliveryKind::Heartbeat => (StatusType::Heartbeat, kind, format!("heartbeat-{}", progress.sent_ms)),
            DeliveryKind::Events(_) | DeliveryKind::Repeated(_) if events.is_empty() => return Ok(None),
            // With the last number too: sent again after a failure it may hold more, and must not be taken for what came before.
            DeliveryKind::Events(_) => {
                (StatusType::EventNotification, DeliveryKind::Events(total), format!("{}-{total}", events[0].number))
            }
            DeliveryKind::Repeated(_) => (
                StatusType::EventNotification,
                DeliveryKind::Repeated(total),
                format!("{}-{total}-again-{}", events[0].number, head.version),
            ),
        };
        // A restored registry may give a number to another event: its epoch tells them apart.
        let webhook_id = format!("{}-{}-{first}", head.id, self.epoch);
        let content = if matches!(ty, StatusType::EventNotification) { wanted.content } else { PayloadContent::Empty };
        let told = Told { head: &head, wanted };
        let body = told.bundle(ty, content, total, &events, (&snap, now_ms))?;
        let seconds = now_ms.div_euclid(1_000);
        let keys = wanted.keys.iter().filter(|key| key.until_ms.is_none_or(|until| until > now_ms)).map(|key| key.text.as_str());
        let mut headers = wanted.headers.clone();
        headers.push(("webhook-signature".into(), signature(keys, &webhook_id, seconds, &body)));
        headers.push(("webhook-id".into(), webhook_id));
        headers.push(("webhook-timestamp".into(), seconds.to_string()));
        let timeout = wanted.timeout.map_or(limits::ANSWER, Duration::from_secs);
        let notification = Notification { endpoint: wanted.endpoint.clone(), headers, body, timeout };
        Ok(Some(DueNotification { id: head.id.clone(), kind, notification, head }))
    }

    /// Notes how a delivery ended; `outcome` says why it failed.
    ///
    /// # Errors
    /// Those of the registry: the notification will leave once more.
    pub fn finish(&mut self, delivery: &DueNotification, outcome: std::result::Result<(), String>, now_ms: i64) -> Result<()> {
        self.busy.remove(&delivery.id);
        let head = &delivery.head;
        let mut progress = head.progress.clone();
        match &outcome {
            Ok(()) => {
                self.counts.delivered += 1;
                (progress.attempts, progress.due_ms, progress.sent_ms, progress.error) = (0, 0, now_ms, None);
            }
            Err(why) => {
                self.counts.failed += 1;
                progress.attempts = progress.attempts.saturating_add(1);
                progress.error = Some(why.chars().take(200).collect());
            }
        }
        match (delivery.kind, outcome.is_ok()) {
            (DeliveryKind::Handshake, true) => {
                return self.change_status(head, SubscriptionStatus::Active, progress, "subscription-active", now_ms);
            }
            (DeliveryKind::Handshake, false) => {
                return self.change_status(head, SubscriptionStatus::Error, progress, "subscription-failure", now_ms);
            }
            (DeliveryKind::Heartbeat, true) => {}
            (DeliveryKind::Events(last), true) => progress.delivered = last,
            (DeliveryKind::Repeated(last), true) if last >= progress.resend_last => {
                (progress.resend_next, progress.resend_last) = (0, 0)
            }
            (DeliveryKind::Repeated(last), true) => progress.resend_next = last + 1,
            (_, false) => match limits::RETRY_MS.get(progress.attempts as usize - 1) {
                Some(wait) => progress.due_ms = now_ms.saturating_add(*wait),
                None => return self.change_status(head, SubscriptionStatus::Error, progress, "subscription-failure", now_ms),
            },
        }
        let note = DeliveryNote {
            id: head.id.clone(),
            version: head.version,
            delivered_before: head.progress.delivered,
            resend_before: head.progress.resend_next,
            progress,
        };
        // One that was changed or removed meanwhile is read anew by the next step.
        self.settings.registry.note_delivery(&note)?;
        Ok(())
    }

    /// Writes another status, with its audit event. One that was changed meanwhile keeps what its client wrote.
    fn change_status(
        &mut self,
        head: &SubscriptionHead,
        status: SubscriptionStatus,
        progress: SubscriptionProgress,
        event: &str,
        now_ms: i64,
    ) -> Result<()> {
        let row = self.settings.registry.subscription(&head.id)?.filter(|row| row.head.version == head.version);
        let Some(mut row) = row else { return Ok(()) };
        let detail =
            json!({"from": head.status.code(), "to": status.code(), "reason": progress.error, "attempts": progress.attempts});
        row.head.progress = SubscriptionProgress { watermark: Tx::NONE, ..progress };
        (row.head.version, row.head.status, row.head.changed_ms) = (head.version + 1, status, now_ms);
        let audit = AuditEvent {
            actor: "subscriptions".into(),
            event: event.into(),
            object: format!("Subscription/{}", head.id),
            request: None,
            detail: detail.to_string(),
        };
        let saved = self.settings.registry.begin().and_then(|mut unit| {
            unit.write_subscription(&SubscriptionWrite::Update { row: row.clone(), expect: head.version })?;
            unit.audit(&audit)?;
            unit.save(&Cause::new(Channel::System, "subscriptions", event), CommitClock { now_ms: &|| now_ms, any_clock: true })
        });
        match saved {
            Err(annuaire_store::Error::SubscriptionChanged { .. }) => {}
            other => {
                other?;
                if let Some(kept) = self.heads.get_mut(&head.id) {
                    (kept.version, kept.status, kept.changed_ms) = (row.head.version, status, now_ms);
                }
            }
        }
        Ok(())
    }

    fn count(&mut self) {
        (self.counts.subscriptions, self.counts.waiting) = ([0; 4], 0);
        for head in self.heads.values() {
            self.counts.subscriptions[usize::try_from(head.status.number()).unwrap_or(0)] += 1;
            self.counts.waiting += head.progress.events.saturating_sub(head.progress.delivered);
        }
    }
}

/// What a subscription is to be told next, and not before which instant.
fn wanted_delivery(head: &SubscriptionHead, wanted: &WantedSubscription) -> Option<(i64, DeliveryKind)> {
    let progress = &head.progress;
    match head.status {
        SubscriptionStatus::Requested => Some((progress.due_ms, DeliveryKind::Handshake)),
        SubscriptionStatus::Error | SubscriptionStatus::Off => None,
        SubscriptionStatus::Active if progress.resend_next > 0 => {
            Some((progress.due_ms, DeliveryKind::Repeated(progress.resend_last)))
        }
        SubscriptionStatus::Active if progress.delivered < progress.events => {
            Some((progress.due_ms, DeliveryKind::Events(progress.events)))
        }
        SubscriptionStatus::Active => {
            let period = i64::try_from(wanted.heartbeat?).ok()?.checked_mul(1_000)?;
            let quiet = progress.sent_ms.max(head.changed_ms).saturating_add(period);
            Some((quiet.max(progress.due_ms), DeliveryKind::Heartbeat))
        }
    }
}
