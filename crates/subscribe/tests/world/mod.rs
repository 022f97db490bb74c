//! A world for subscriptions: a registry, a publication store of invented persons, receivers, and a clock.

use annuaire_base::Tx;
use annuaire_fhir::schema::PRACTITIONER;
use annuaire_fhir::schema::params::{ACTIVE, IDENTIFIER};
use annuaire_index::{Filter, Index, Row, Snapshot};
use annuaire_store::BlockingRegistry;
use annuaire_store::subscription::{EventKind, SubscriptionEvent, SubscriptionHead, SubscriptionStatus};
use annuaire_subscribe::{
    AddressRules, Caller, CompileQuery, Engine, EnginePerimeter, EngineSettings, Notification, PayloadContent, ROTATE,
    SEAL_PURPOSE, Sealer, ShownSubscription, SubscriptionService, TOPIC_BASE, signature,
};
use annuaire_terms::{Presence, Resource, Term};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
const RPPS: &str = "https://rpps.esante.gouv.fr";
const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";

/// A person of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub number: String,
    pub family: String,
    pub active: bool,
    pub mailbox: Option<String>,
}

impl Person {
    /// The person `n`, with the number of `number`.
    pub fn new(n: u64, number: u64) -> Self {
        Self {
            id: format!("003-{n:05}"),
            number: format!("10999{number:06}"),
            family: format!("ESSAI{number}"),
            active: true,
            mailbox: None,
        }
    }

    fn resource(&self) -> Resource {
        let mut rest = json!({
            "identifier": [{"system": RPPS, "value": self.number}], "active": self.active, "name": [{"family": self.family}],
        });
        if let Some(mailbox) = &self.mailbox {
            let kind = json!({"url": annuaire_fhir::extension_urls::EMAIL_TYPE, "valueCodeableConcept": {"coding": [{"code": "MSSANTE"}]}});
            rest["telecom"] = json!([{"extension": [kind], "value": mailbox}]);
        }
        let rest = rest.to_string();
        let token = |param, system: &str, code: &str| Term::Token { param, system: system.into(), code: code.into() };
        Resource {
            ty: PRACTITIONER,
            id: self.id.clone(),
            before: format!(r#"{{"resourceType":"Practitioner","id":"{}","meta":{{"#, self.id).into_bytes(),
            after: format!("}},{}", &rest[1..]).into_bytes(),
            terms: vec![
                token(IDENTIFIER.id, RPPS, &self.number),
                token(ACTIVE.id, "", if self.active { "true" } else { "false" }),
            ],
            foreign_stamp: None,
            presence: Presence::Described,
        }
    }
}

/// How a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    Always,
    Never,
    /// Two times of three it answers 500, or nothing.
    Often,
    /// It takes what it is sent, and every second answer is lost.
    LosesAnswers,
    /// From an instant on.
    From(i64),
}

/// A receiver.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub answering: Answering,
    /// Numbers of the events that came, without repeated notifications.
    pub numbers: Vec<u64>,
    /// With them.
    pub all_numbers: Vec<u64>,
    pub bundles: Vec<Value>,
    sent: Vec<Notification>,
    ids: HashSet<String>,
    calls: u64,
}

impl Receiver {
    pub fn new(answering: Answering) -> Self {
        let (numbers, all_numbers, bundles, sent, ids) = Default::default();
        Self { answering, numbers, all_numbers, bundles, sent, ids, calls: 0 }
    }

    fn receive(&mut self, notification: &Notification, now: i64) -> Result<(), String> {
        self.calls += 1;
        let (takes, answers) = match self.answering {
            Answering::Always => (true, true),
            Answering::Never => (false, false),
            Answering::Often => (self.calls.is_multiple_of(3), self.calls.is_multiple_of(3)),
            Answering::LosesAnswers => (true, self.calls.is_multiple_of(2)),
            Answering::From(at) => (now >= at, now >= at),
        };
        if takes {
            self.take(notification);
        }
        if answers { Ok(()) } else { Err("the receiver answers 500".into()) }
    }

    fn take(&mut self, notification: &Notification) {
        let bundle: Value = serde_json::from_slice(&notification.body).unwrap();
        let parameters = bundle["entry"][0]["resource"]["parameter"].as_array().unwrap().clone();
        let events = parameters.iter().filter(|p| p["name"] == "notification-event");
        let numbers: Vec<u64> = events.map(|e| e["part"][0]["valueString"].as_str().unwrap().parse().unwrap()).collect();
        self.all_numbers.extend(&numbers);
        // As receivers are told to do: by the id of the notification, then by the numbers of the events.
        if self.ids.insert(header(notification, "webhook-id").to_owned()) {
            let known = self.numbers.last().copied().unwrap_or(0);
            self.numbers.extend(numbers.into_iter().filter(|n| *n > known));
            self.bundles.push(bundle);
            self.sent.push(notification.clone());
        }
    }

    pub fn check_signatures(&self, keys: &[&str]) {
        assert!(!self.sent.is_empty());
        self.sent.iter().for_each(|sent| check(sent, keys));
    }

    pub fn check_last_signature(&self, keys: &[&str]) {
        check(self.sent.last().unwrap(), keys);
    }
}

fn header<'a>(notification: &'a Notification, name: &str) -> &'a str {
    notification.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str()).unwrap()
}

fn check(sent: &Notification, keys: &[&str]) {
    let timestamp = header(sent, "webhook-timestamp").parse().unwrap();
    let expected = signature(keys.iter().copied(), header(sent, "webhook-id"), timestamp, &sent.body);
    assert_eq!(header(sent, "webhook-signature"), expected);
}

/// A caller, with the state that it sees.
pub struct OwnCaller {
    owner: String,
    perimeter: String,
    snap: Snapshot,
}

impl OwnCaller {
    pub fn as_caller(&self) -> Caller<'_> {
        let base = "https://annuaire.example/fhir/v2";
        Caller { owner: &self.owner, perimeter: &self.perimeter, base, request: "r", snap: &self.snap }
    }
}

pub struct World {
    pub registry: BlockingRegistry,
    pub service: SubscriptionService,
    pub now: i64,
    pub log: Vec<(Tx, Vec<Person>)>,
    pub receivers: BTreeMap<String, Receiver>,
    index: Arc<Index>,
    clock: Arc<AtomicI64>,
    engines: u64,
    _dir: tempfile::TempDir,
}

/// Filters of the world: `active=true` or `active=false`.
fn compile() -> Arc<CompileQuery> {
    Arc::new(|_: &Snapshot, _: &str, ty: &str, query: &str| match (ty, query.split_once('=')) {
        ("Practitioner", Some(("active", code))) => Ok(Filter::Token { param: ACTIVE.id, system: None, code: Some(code.into()) }),
        _ => Err(format!("{query} is unknown")),
    })
}

fn sealer() -> Arc<Sealer> {
    Arc::new(Sealer::new(&[5; 32], SEAL_PURPOSE))
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let registry = annuaire_store_sqlite::open_blocking(&dir.path().join("r.sqlite")).unwrap();
        let index = Arc::new(Index::open(&dir.path().join("store"), 1 << 28, annuaire_fhir::dictionary::ALL).unwrap());
        let now = 1_795_000_000_000;
        let clock = Arc::new(AtomicI64::new(now));
        let random = AtomicU64::new(1);
        let service = SubscriptionService {
            registry: registry.clone(),
            sealer: sealer(),
            rules: AddressRules::default(),
            entropy: Arc::new(move |bytes| {
                let n = random.fetch_add(1, Ordering::Relaxed).to_le_bytes();
                bytes.iter_mut().zip(n.iter().cycle()).for_each(|(byte, n)| *byte = *n);
            }),
            now_ms: {
                let clock = Arc::clone(&clock);
                Arc::new(move || clock.load(Ordering::Relaxed))
            },
            compile: compile(),
            wake: Arc::new(|| ()),
            counts: Arc::default(),
        };
        let (log, receivers) = Default::default();
        Self { registry, service, now, log, receivers, index, clock, engines: 0, _dir: dir }
    }

    pub fn snapshot(&self) -> Snapshot {
        self.index.snapshot().unwrap()
    }

    /// Applies a transaction; of several versions of one person the last counts.
    pub fn commit(&mut self, people: &[Person]) {
        self.now += 1;
        let tx = Tx::new(self.log.len() as u64 + 1);
        let last: BTreeMap<&str, &Person> = people.iter().map(|person| (person.id.as_str(), person)).collect();
        let mut preparer = self.index.preparer(tx, self.now).unwrap();
        let prepared: Vec<_> = last.values().map(|person| preparer.prepare(person.resource())).collect();
        self.index.apply(tx, self.now, prepared.into_iter()).unwrap();
        // A person that did not change has no new version (LOG-5).
        let told = self.rows_of(tx).into_iter().map(|event| (*last[event.id.as_str()]).clone()).collect();
        self.log.push((tx, told));
    }

    /// The versions of a transaction, as the events of a subscription that is told of all of them from it on.
    pub fn rows_of(&self, tx: Tx) -> Vec<SubscriptionEvent> {
        let snap = self.snapshot();
        let event = |(number, row): (u64, u32)| {
            let version = snap.read(Row::new(row)).unwrap();
            let kind = if version.number == 1 { EventKind::Created } else { EventKind::Updated };
            let (id, at_ms) = (version.id().to_owned(), snap.commit_ms_of(tx).unwrap());
            SubscriptionEvent { number, tx, at_ms, kind, ty: "Practitioner".into(), id, version: version.number }
        };
        (1..).zip(snap.since(&[PRACTITIONER], tx.previous()).unwrap().iter()).map(event).collect()
    }

    pub fn caller(&self, owner: &str) -> OwnCaller {
        self.caller_at(owner, "public")
    }

    pub fn caller_at(&self, owner: &str, perimeter: &str) -> OwnCaller {
        self.clock.store(self.now, Ordering::Relaxed);
        OwnCaller { owner: owner.into(), perimeter: perimeter.into(), snap: self.snapshot() }
    }

    pub fn create(&self, owner: &str, resource: &Value) -> ShownSubscription {
        self.service.create(self.caller(owner).as_caller(), resource.to_string().as_bytes()).unwrap()
    }

    /// Another engine, as of a process that has just started.
    pub fn engine(&mut self) -> Engine {
        self.engines += 1;
        let index = Arc::clone(&self.index);
        Engine::new(EngineSettings {
            registry: self.registry.clone(),
            sealer: sealer(),
            compile: compile(),
            holder: format!("node {}", self.engines),
            perimeters: vec![EnginePerimeter { name: "public", store: Arc::new(move || Arc::clone(&index)) }],
        })
    }

    /// A step, and all its deliveries; with `dies_after` the process dies after as many acts: each delivery is sent, then noted. Returns the
    /// number of deliveries.
    pub fn round(&mut self, engine: &mut Engine, dies_after: Option<u64>) -> usize {
        let step = engine.step(self.now).unwrap();
        assert!(step.unreadable.is_empty(), "{:?}", step.unreadable);
        let mut acts = 0;
        let mut lives = || {
            acts += 1;
            dies_after.is_none_or(|n| acts <= n)
        };
        for delivery in &step.deliveries {
            if !lives() {
                break;
            }
            let receiver = self.receivers.get_mut(&delivery.notification.endpoint);
            let outcome = receiver.map_or_else(|| Err("nobody is there".into()), |r| r.receive(&delivery.notification, self.now));
            if !lives() {
                break;
            }
            engine.finish(delivery, outcome, self.now).unwrap();
        }
        step.deliveries.len()
    }

    pub fn head(&self, id: &str) -> SubscriptionHead {
        self.registry.subscription(id).unwrap().unwrap().head
    }

    /// All events of a subscription, as `$events` gives them, page by page.
    pub fn events(&self, owner: &str, id: &str) -> Vec<SubscriptionEvent> {
        let caller = self.caller(owner);
        let mut all = Vec::new();
        loop {
            let since = all.len() as u64 + 1;
            let bundle = self.service.events(caller.as_caller(), id, (since, u64::MAX), Some(PayloadContent::IdOnly)).unwrap();
            let bundle: Value = serde_json::from_slice(&bundle).unwrap();
            let parameters = bundle["entry"][0]["resource"]["parameter"].as_array().unwrap().clone();
            let numbers: Vec<u64> = parameters
                .iter()
                .filter(|p| p["name"] == "notification-event")
                .map(|e| e["part"][0]["valueString"].as_str().unwrap().parse().unwrap())
                .collect();
            let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return all };
            all.extend(self.registry.subscription_events(id, *first, *last, u32::MAX).unwrap());
        }
    }

    /// What a client does with subscriptions in error: it asks for them again.
    pub fn recover(&self, owner: &str) {
        let caller = self.caller(owner);
        for shown in self.service.list(caller.as_caller()).unwrap() {
            if shown.head.status == SubscriptionStatus::Error {
                let mut resource = shown.resource;
                resource["status"] = json!("requested");
                self.service.update(caller.as_caller(), &shown.head.id, resource.to_string().as_bytes(), None).unwrap();
            }
        }
    }

    /// Asks for another signing key.
    pub fn rotate(&self, owner: &str, id: &str) -> String {
        let caller = self.caller(owner);
        let mut resource = self.service.read(caller.as_caller(), id).unwrap().resource;
        resource["extension"] = json!([{"url": ROTATE, "valueBoolean": true}]);
        let shown = self.service.update(caller.as_caller(), id, resource.to_string().as_bytes(), None).unwrap();
        shown.secret.unwrap()
    }
}

/// A subscription to persons, as a client writes it.
pub fn subscription(endpoint: &str, topic: &str, watched: Option<&[&str]>, content: PayloadContent) -> Value {
    let mut resource = json!({
        "resourceType": "Subscription", "status": "requested", "reason": "tests", "criteria": format!("{TOPIC_BASE}{topic}"),
        "channel": {
            "type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": format!("{BACKPORT}backport-payload-content"), "valueCode": content.code()}]},
        },
    });
    if let Some(list) = watched {
        let filter = format!("Practitioner?identifier={}", list.join(","));
        resource["_criteria"] =
            json!({"extension": [{"url": format!("{BACKPORT}backport-filter-criteria"), "valueString": filter}]});
    }
    resource
}

/// A subscription with one filter.
pub fn filtered(endpoint: &str, filter: &str) -> Value {
    let mut resource = subscription(endpoint, "practitioner-changed", None, PayloadContent::Empty);
    resource["_criteria"] = json!({"extension": [{"url": format!("{BACKPORT}backport-filter-criteria"), "valueString": filter}]});
    resource
}
