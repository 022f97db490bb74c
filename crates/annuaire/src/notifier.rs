//! Delivering the events of subscriptions beside a server, for as long as it runs: a thread for the engine, one for each notification under way.

use crate::clock::now_ms;
use crate::limits::{LOOK, RETRY};
use crate::registry::random_bytes;
use annuaire_base::Tx;
use annuaire_base::text::hex;
use annuaire_index::Index;
use annuaire_store::BlockingRegistry;
use annuaire_subscribe::{
    AddressRules, CompileQuery, DueNotification, Engine, EngineCounts, EnginePerimeter, EngineSettings, HttpTransport, SEAL_PURPOSE, Sealer,
    SubscriptionService, Transport,
};
use annuaire_web::ServedStore;
use anyhow::{Context, Result, anyhow};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What wakes the engine.
enum News {
    /// A client wrote.
    Written,
    /// A delivery ended; the text says why it failed.
    Ended(Box<DueNotification>, std::result::Result<(), String>),
    /// The server ends.
    Stop,
}

/// Subscriptions of a server: what its doors call, and the thread that delivers.
pub(crate) struct Notifier {
    pub(crate) service: Arc<SubscriptionService>,
    news: Sender<News>,
    thread: JoinHandle<()>,
}

/// What is delivered from, to whom.
pub(crate) struct NotifierSettings {
    pub(crate) registry: BlockingRegistry,
    /// Secret of the installation.
    pub(crate) secret: [u8; 32],
    pub(crate) rules: AddressRules,
    /// Root certificates that receivers are checked with, in PEM form; `None` for the built-in ones.
    pub(crate) roots: Option<Vec<u8>>,
    /// Served stores with the names of their perimeters.
    pub(crate) stores: Vec<(&'static str, ServedStore<Index>)>,
}

impl Notifier {
    /// Starts to deliver.
    pub(crate) fn start(settings: NotifierSettings) -> Result<Self> {
        let NotifierSettings { registry, secret, rules, roots, stores } = settings;
        let (news, received) = mpsc::channel();
        let sealer = Arc::new(Sealer::new(&secret, SEAL_PURPOSE));
        let compile: Arc<CompileQuery> = Arc::new(annuaire_api::subscription_filter);
        let transport = HttpTransport::new(rules.clone(), roots.as_deref()).map_err(|why| anyhow!("subscriptions: {why}"))?;
        let mut holder = [0; 16];
        random_bytes(&mut holder);
        let perimeter = |(name, store): &(&'static str, ServedStore<Index>)| {
            let store = store.clone();
            EnginePerimeter { name, store: Arc::new(move || store.get()) }
        };
        let engine = Engine::new(EngineSettings {
            registry: registry.clone(),
            sealer: Arc::clone(&sealer),
            compile: Arc::clone(&compile),
            holder: hex(&holder),
            perimeters: stores.iter().map(perimeter).collect(),
        });
        let counts: Arc<Mutex<EngineCounts>> = Arc::default();
        let wake = Mutex::new(news.clone());
        let service = Arc::new(SubscriptionService {
            registry,
            sealer,
            rules,
            entropy: Arc::new(random_bytes),
            now_ms: Arc::new(now_ms),
            compile,
            wake: Arc::new(move || _ = wake.lock().unwrap_or_else(PoisonError::into_inner).send(News::Written)),
            counts: Arc::clone(&counts),
        });
        let stores = stores.into_iter().map(|(_, store)| store).collect();
        let delivering = DeliveryThread { engine, transport: Arc::new(transport), stores, news: news.clone(), received, counts };
        let thread = std::thread::Builder::new().name("subscriptions".into()).spawn(move || delivering.run());
        Ok(Self { service, news, thread: thread.context("starting the delivery of subscriptions")? })
    }

    /// Ends the delivery, so that another node takes it over at once. Notifications under way are not waited for: they leave once more.
    pub(crate) fn stop(self) {
        if self.news.send(News::Stop).is_ok() {
            _ = self.thread.join();
        }
    }
}

struct DeliveryThread {
    engine: Engine,
    transport: Arc<HttpTransport>,
    stores: Vec<ServedStore<Index>>,
    news: Sender<News>,
    received: Receiver<News>,
    counts: Arc<Mutex<EngineCounts>>,
}

impl DeliveryThread {
    fn run(mut self) {
        let mut failing: Option<String> = None;
        loop {
            let seen = self.positions();
            let (wait, failure) = match self.step() {
                Ok(wait) => (wait, None),
                Err(error) => (RETRY, Some(error.to_string())),
            };
            if failure != failing {
                match &failure {
                    Some(why) => eprintln!("the delivery of subscriptions waits: {why}"),
                    None => eprintln!("the delivery of subscriptions goes on"),
                }
                failing = failure;
            }
            *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = self.engine.counts();
            if !self.wait(wait, &seen) {
                if let Err(error) = self.engine.stop() {
                    eprintln!("the delivery of subscriptions: {error}");
                }
                return;
            }
        }
    }

    fn positions(&self) -> Vec<Tx> {
        self.stores.iter().map(|store| store.get().applied_tx()).collect()
    }

    /// Does what is due; returns how long nothing else is.
    fn step(&mut self) -> annuaire_subscribe::Result<Duration> {
        let now = now_ms();
        let step = self.engine.step(now)?;
        for error in &step.unreadable {
            eprintln!("{error}");
        }
        for delivery in step.deliveries {
            let (transport, news, sent) = (Arc::clone(&self.transport), self.news.clone(), delivery.clone());
            let send = move || {
                let outcome = transport.send(&sent.notification);
                _ = news.send(News::Ended(Box::new(sent), outcome));
            };
            if let Err(error) = std::thread::Builder::new().name("notification".into()).spawn(send) {
                self.engine.finish(&delivery, Err(format!("this server has no thread left: {error}")), now)?;
            }
        }
        Ok(Duration::from_millis(u64::try_from(step.next_ms.saturating_sub(now)).unwrap_or(0)))
    }

    /// Waits for news, a transaction or the time; false when the server ends.
    fn wait(&mut self, wait: Duration, seen: &[Tx]) -> bool {
        let mut left = wait;
        loop {
            let mut next = match self.received.recv_timeout(left.min(LOOK)) {
                Ok(news) => Some(news),
                Err(RecvTimeoutError::Timeout) => {
                    left = left.saturating_sub(LOOK);
                    if left.is_zero() || self.positions() != seen {
                        return true;
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return false,
            };
            while let Some(news) = next {
                match news {
                    News::Written => {}
                    News::Stop => return false,
                    News::Ended(delivery, outcome) => {
                        if let Err(error) = self.engine.finish(&delivery, outcome, now_ms()) {
                            eprintln!("the delivery of subscriptions: {error}");
                        }
                    }
                }
                next = self.received.try_recv().ok();
            }
            return true;
        }
    }
}
