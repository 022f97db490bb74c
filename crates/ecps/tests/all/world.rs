//! A registry, a clock that the test moves, fictional people, a mailbox.

use annuaire_ecps::{
    ActivationRight, ApprovalMethods, Asker, ContactBook, KnownContacts, LocalMailbox, LocalMessage, MeansEnded, MessageSender,
    OutgoingMessage, OutgoingPush, PhoneError, PhoneRefusal, PhoneService, PhoneSettings, PromptAnswer, PromptOrder, PushOutcome,
    PushSender, ShownPrompt, SimulatedPhone, SimulationError,
};
use annuaire_store::{Entropy, Registry};
use annuaire_store_sqlite::{SqliteOptions, SqliteRegistry};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub const CAMILLE: &str = "810999000015";
pub const DOMINIQUE: &str = "810999000023";
/// Camille's number of the former register.
pub const FORMER: &str = "0999999001";
pub const NOBODY: &str = "810999000999";
pub const PIN: &str = "739164";
pub const SECRET: [u8; 32] = [9; 32];
pub const BASE: &str = "https://id.example";
pub const START_MS: i64 = 1_795_000_000_000;

#[derive(Default)]
pub struct People(pub Mutex<BTreeMap<String, KnownContacts>>);

#[async_trait]
impl ContactBook for People {
    async fn contacts(&self, national_id: &str) -> Result<Option<KnownContacts>, String> {
        Ok(self.0.lock().unwrap().get(national_id).cloned())
    }
}

/// Those whose activation waits, and those who activated a means.
#[derive(Default)]
pub struct Withheld(pub Mutex<BTreeSet<String>>, pub Mutex<Vec<String>>, pub Mutex<BTreeSet<String>>);

#[async_trait]
impl ActivationRight for Withheld {
    async fn is_withheld(&self, national_id: &str) -> Result<bool, String> {
        Ok(self.0.lock().unwrap().contains(national_id))
    }

    async fn is_frozen(&self, national_id: &str) -> Result<bool, String> {
        Ok(self.2.lock().unwrap().contains(national_id))
    }

    async fn note_activation(&self, national_id: &str) -> Result<(), String> {
        self.1.lock().unwrap().push(national_id.to_owned());
        Ok(())
    }
}

#[derive(Default)]
pub struct Ended(pub Mutex<Vec<(String, String)>>);

#[async_trait]
impl MeansEnded for Ended {
    async fn means_ended(&self, national_id: &str, means_id: &str) {
        self.0.lock().unwrap().push((national_id.to_owned(), means_id.to_owned()));
    }
}

/// The mailbox, behind a way that may be cut.
pub struct Way {
    mailbox: Arc<LocalMailbox>,
    pub cut: AtomicBool,
}

#[async_trait]
impl MessageSender for Way {
    async fn send(&self, message: &OutgoingMessage) -> Result<(), String> {
        if self.cut.load(Ordering::SeqCst) {
            return Err("the way is cut".into());
        }
        self.mailbox.send(message).await
    }
}

/// Push services: those at `/gone` know the subscription no more, those at `/dead` never answer; all others accept.
#[derive(Default)]
pub struct Pushes {
    pub sent: Mutex<Vec<OutgoingPush>>,
}

#[async_trait]
impl PushSender for Pushes {
    fn check(&self, endpoint: &str) -> Result<(), String> {
        if endpoint.contains("127.0.0.1") { Err("an address of ours".into()) } else { Ok(()) }
    }

    async fn send(&self, push: &OutgoingPush) -> Result<PushOutcome, String> {
        self.sent.lock().unwrap().push(push.clone());
        match push.endpoint.rsplit('/').next() {
            Some("gone") => Ok(PushOutcome::Gone),
            Some("dead") => Err("no answer".into()),
            _ => Ok(PushOutcome::Accepted),
        }
    }
}

pub struct World {
    pub pushes: Arc<Pushes>,
    pub way: Arc<Way>,
    settings: PhoneSettings,
    pub service: Arc<PhoneService>,
    pub registry: Arc<dyn Registry>,
    pub mailbox: Arc<LocalMailbox>,
    pub people: Arc<People>,
    pub withheld: Arc<Withheld>,
    pub ended: Arc<Ended>,
    clock: Arc<AtomicI64>,
    _directory: tempfile::TempDir,
}

fn contacts(name: &str, number: u32) -> KnownContacts {
    KnownContacts {
        mail: Some(format!("{}@id.example", name.to_lowercase())),
        mobile: Some(format!("+331990000{number}")),
        name: name.to_owned(),
        birth_date: Some("1984-02-29".into()),
    }
}

impl World {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(START_MS));
        let counter = AtomicU64::new(0);
        let entropy: Entropy = Arc::new(move |bytes: &mut [u8]| {
            let seed = counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            blake3::Hasher::new().update(&seed).finalize_xof().fill(bytes);
        });
        let at = Arc::clone(&clock);
        let now_ms: Arc<dyn Fn() -> i64 + Send + Sync> = Arc::new(move || at.load(Ordering::SeqCst));
        let options = SqliteOptions { entropy: entropy.clone(), now_ms: now_ms.clone(), open: |_| true };
        let registry = SqliteRegistry::open(&directory.path().join("registry.sqlite"), options).await.unwrap();
        let registry: Arc<dyn Registry> = Arc::new(registry);
        let mailbox = Arc::new(LocalMailbox::new(Arc::clone(&registry), entropy.clone(), now_ms.clone()));
        let way = Arc::new(Way { mailbox: mailbox.clone(), cut: AtomicBool::new(false) });
        let people = Arc::new(People::default());
        for (id, name, number) in [(CAMILLE, "Camille", 11), (DOMINIQUE, "Dominique", 12), (FORMER, "Camille", 11)] {
            people.0.lock().unwrap().insert(id.to_owned(), contacts(name, number));
        }
        let (ended, withheld) = (Arc::new(Ended::default()), Arc::new(Withheld::default()));
        let pushes = Arc::new(Pushes::default());
        let settings = PhoneSettings {
            registry: Arc::clone(&registry),
            entropy,
            now_ms,
            secret: SECRET,
            messages: way.clone(),
            contacts: people.clone(),
            rights: withheld.clone(),
            ended: ended.clone(),
            public_base: BASE.to_owned(),
            push: Some(pushes.clone()),
            methods: ApprovalMethods::default(),
        };
        Self {
            pushes,
            way,
            service: Arc::new(PhoneService::new(settings.clone())),
            settings,
            registry,
            mailbox,
            people,
            withheld,
            ended,
            clock,
            _directory: directory,
        }
    }

    /// Another node over the registry of this world.
    pub fn node(&self, secret: [u8; 32]) -> Arc<PhoneService> {
        Arc::new(PhoneService::new(PhoneSettings { secret, ..self.settings.clone() }))
    }

    /// A node with other methods.
    pub fn taking(&self, methods: ApprovalMethods) -> Arc<PhoneService> {
        Arc::new(PhoneService::new(PhoneSettings { methods, ..self.settings.clone() }))
    }

    /// A node that people find elsewhere.
    pub fn found_at(&self, base: &str) -> Arc<PhoneService> {
        Arc::new(PhoneService::new(PhoneSettings { public_base: base.to_owned(), ..self.settings.clone() }))
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn wait(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub async fn phone(&self, national_id: &str) -> SimulatedPhone {
        SimulatedPhone::activate(&self.service, &self.mailbox, national_id, "Téléphone", PIN).await.unwrap()
    }

    /// Messages that are sent by now, the latest first.
    pub async fn messages(&self) -> Vec<LocalMessage> {
        self.service.run_messages(self.now_ms()).await.unwrap();
        self.mailbox.messages().await.unwrap()
    }

    /// Kinds of the messages to a recipient, the latest first; those of one instant in the order of the alphabet.
    pub async fn kinds(&self, to: &str) -> Vec<String> {
        let mut all = self.messages().await;
        all.retain(|message| message.to.starts_with(to));
        all.sort_by_key(|message| (std::cmp::Reverse(message.at_ms), message.kind.clone()));
        all.into_iter().map(|message| message.kind).collect()
    }

    pub async fn ask(&self, national_id: &str) -> PromptAnswer {
        self.service.ask(&order(national_id)).await.unwrap()
    }

    pub async fn waiting(&self, phone: &SimulatedPhone) -> Vec<ShownPrompt> {
        phone.look(&self.service).await.unwrap().prompts
    }

    pub async fn audits(&self, event: &str) -> usize {
        let all = self.registry.audit_trail(0, 10_000).await.unwrap();
        all.iter().filter(|row| row.event.event == event).count()
    }
}

/// A request of a login page in a browser that Camille never used.
pub fn order(national_id: &str) -> PromptOrder {
    PromptOrder {
        national_id: national_id.to_owned(),
        other_ids: Vec::new(),
        client_id: "dossier".into(),
        client_name: "Dossier patient Exemple".into(),
        channel_origin: "Firefox, Linux, Metz".into(),
        number: None,
        asker: Asker::Browser("browser-1".into()),
    }
}

/// A request of a CIBA client.
pub fn ciba(national_id: &str, client: &str, number: &str) -> PromptOrder {
    PromptOrder {
        client_id: client.into(),
        client_name: client.into(),
        channel_origin: String::new(),
        number: Some(number.into()),
        asker: Asker::Ciba(format!("hash-of-{client}")),
        ..order(national_id)
    }
}

/// What a refusal says.
pub trait Told {
    fn refusal(&self) -> Option<PhoneRefusal>;
}

impl<T> Told for Result<T, PhoneError> {
    fn refusal(&self) -> Option<PhoneRefusal> {
        match self {
            Err(PhoneError::Refused(refusal)) => Some(*refusal),
            _ => None,
        }
    }
}

impl<T> Told for Result<T, SimulationError> {
    fn refusal(&self) -> Option<PhoneRefusal> {
        match self {
            Err(SimulationError::Service(PhoneError::Refused(refusal))) => Some(*refusal),
            _ => None,
        }
    }
}
