//! The service: what it needs, and what its operations share.

use crate::error::{PhoneError, PhoneRefusal};
use crate::limits;
use crate::means::{Means, MeansState, passkey_name};
use crate::message::{ActivationRight, ContactBook, MeansEnded, MessageOrder, MessageSender, Notice, Way};
use crate::passkey::{ApprovalMethods, PasskeyParty, PasskeyRequest};
use crate::pin::KeptPin;
use crate::rows::{self, Event, StoredRow};
use crate::secrets::Secrets;
use crate::subscription::PushSender;
use annuaire_jose::PrivateKey;
use annuaire_store::identity::IdentityRow;
use annuaire_store::{Entropy, NewJob, Queue, Registry};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::{OnceCell, Semaphore};

/// Kind of the jobs that send a message.
pub(crate) const MESSAGE_JOB: &str = "ecps-message";
/// Kind of the jobs that tell that a means ended.
pub(crate) const ENDED_JOB: &str = "ecps-means-ended";

/// What the service needs. All nodes of a cluster have one secret.
#[derive(Clone)]
pub struct PhoneSettings {
    /// Where rows, jobs and the audit trail are.
    pub registry: Arc<dyn Registry>,
    /// Random bytes: the generator of the operating system.
    pub entropy: Entropy,
    /// Milliseconds since 1970 UTC.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Secret of the installation: links, codes and the pepper of PINs derive from it. With another one all PINs are wrong.
    pub secret: [u8; 32],
    /// Sends messages.
    pub messages: Arc<dyn MessageSender>,
    /// Contacts of the register.
    pub contacts: Arc<dyn ContactBook>,
    /// Who may activate a means.
    pub rights: Arc<dyn ActivationRight>,
    /// Ends sessions of means that ended.
    pub ended: Arc<dyn MeansEnded>,
    /// Scheme, host and path prefix under which `/e-cps/` is found, without a last slash; links in messages start with it.
    pub public_base: String,
    /// Sends notifications to phones that want them; `None`: none are sent.
    pub push: Option<Arc<dyn PushSender>>,
    /// By what holders approve, beside the key of their phone.
    pub methods: ApprovalMethods,
}

/// The means on phones of all persons of an installation. Any node answers any call: all state is in the registry.
///
/// Cost: a call reads a few rows and writes a few in one unit; a call with a PIN hashes it too, on a thread for blocking work
/// ([`limits::PIN_HASHES`] at once).
pub struct PhoneService {
    pub(crate) settings: PhoneSettings,
    pub(crate) secrets: Secrets,
    hashing: Arc<Semaphore>,
    passkeys: Option<PasskeyParty>,
    /// The key of notifications, once it was read.
    pub(crate) push_key: OnceCell<PrivateKey>,
}

impl std::fmt::Debug for PhoneService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneService")
    }
}

/// Whether a text has the form of a national identifier (identity §1.7.3): letters, digits and the signs of internal numbers, a digit or a
/// letter first, and six digits at least.
#[must_use]
pub fn is_national_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.".contains(&b);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 6
        && text.len() <= limits::NATIONAL_ID
        && text.bytes().all(plain)
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
}

impl PhoneService {
    /// A service with these settings.
    #[must_use]
    pub fn new(settings: PhoneSettings) -> Self {
        let secrets = Secrets::new(&settings.secret, Arc::clone(&settings.entropy));
        let passkeys = PasskeyParty::of(&settings.public_base).filter(|_| settings.methods.takes_passkey());
        Self { secrets, hashing: Arc::new(Semaphore::new(limits::PIN_HASHES)), passkeys, push_key: OnceCell::new(), settings }
    }

    /// What verifies passkeys.
    pub(crate) fn passkeys(&self) -> Result<&PasskeyParty, PhoneRefusal> {
        self.passkeys.as_ref().ok_or(PhoneRefusal::NoPasskeys)
    }

    /// Whether passkeys are made and taken here.
    #[must_use]
    pub fn has_passkeys(&self) -> bool {
        self.passkeys.is_some()
    }

    /// What a browser needs to prove by a passkey who sits there, over a challenge of the caller: one for each login, unknown before.
    /// `None` where there are no passkeys: by the settings, without TLS but on this machine, or when the public host is no name.
    #[must_use]
    pub fn passkey_request(&self, challenge: &[u8; 32]) -> Option<PasskeyRequest> {
        self.passkeys.as_ref().map(|party| party.request(challenge))
    }

    /// Milliseconds since 1970 UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.settings.now_ms)()
    }

    pub(crate) fn registry(&self) -> &dyn Registry {
        &*self.settings.registry
    }

    /// Whether the activation of a person waits.
    pub(crate) async fn is_withheld(&self, national_id: &str) -> Result<bool, PhoneError> {
        self.settings.rights.is_withheld(national_id).await.map_err(PhoneError::Rights)
    }

    /// Whether what a person activated before is frozen, so that nobody logs in with it: the provider asks it too, before a session that a
    /// phone opened lets its person into another application.
    ///
    /// # Errors
    /// Those of the rights.
    pub async fn is_frozen(&self, national_id: &str) -> Result<bool, PhoneError> {
        self.settings.rights.is_frozen(national_id).await.map_err(PhoneError::Rights)
    }

    /// Refuses what a frozen means would approve.
    pub(crate) async fn refuse_frozen(&self, national_id: &str) -> Result<(), PhoneError> {
        if self.is_frozen(national_id).await? { Err(PhoneRefusal::Frozen.into()) } else { Ok(()) }
    }

    pub(crate) async fn save(&self, event: Event) -> Result<bool, PhoneError> {
        event.save(self.registry(), &*self.settings.now_ms).await
    }

    /// All rows of a kind that concern somebody.
    pub(crate) async fn rows_of(&self, kind: &str, subject: &str) -> Result<Vec<IdentityRow>, PhoneError> {
        let mut all: Vec<IdentityRow> = Vec::new();
        loop {
            let after = all.last().map_or("", |row| row.key.as_str());
            let page = self.registry().identity_rows(kind, Some(subject), after, limits::PAGE).await?;
            let last = page.len() < limits::PAGE as usize;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// The means of a person, of all states, under any of these identifiers.
    pub(crate) async fn means_of(&self, national_id: &str, other_ids: &[String]) -> Result<Vec<StoredRow<Means>>, PhoneError> {
        let mut all = Vec::new();
        let others = other_ids.iter().map(String::as_str).filter(|id| *id != national_id).take(limits::OTHER_IDS);
        for id in std::iter::once(national_id).chain(others) {
            for row in self.rows_of(rows::MEANS, id).await? {
                all.push(StoredRow::read(row)?);
            }
        }
        Ok(all)
    }

    pub(crate) async fn one_means(&self, means_id: &str) -> Result<StoredRow<Means>, PhoneError> {
        if !is_row_name(means_id) {
            return Err(PhoneRefusal::UnknownMeans.into());
        }
        let found = rows::load(self.registry(), rows::MEANS, means_id).await?;
        found.ok_or_else(|| PhoneRefusal::UnknownMeans.into())
    }

    /// Whether a person has a phone that may approve.
    pub(crate) async fn has_phone(&self, national_id: &str, other_ids: &[String]) -> Result<bool, PhoneError> {
        let now_ms = self.now_ms();
        let all = self.means_of(national_id, other_ids).await?;
        Ok(all.iter().any(|means| means.value.state_at(now_ms) == MeansState::Active))
    }

    /// Orders a message, by these ways. Contacts are looked up when it is sent.
    pub(crate) fn tell(&self, event: &mut Event, national_id: &str, notice: &Notice, ways: &[Way], now_ms: i64) {
        for way in ways {
            let order = MessageOrder { national_id: national_id.to_owned(), way: *way, notice: notice.clone() };
            let payload = serde_json::to_string(&order).unwrap_or_default();
            event.job(NewJob { queue: Queue::Outbox, kind: MESSAGE_JOB.into(), key: String::new(), due_ms: now_ms, payload });
        }
    }

    /// Ends a means or suspends it, with all that goes with it; `false` when its state does not allow it.
    pub(crate) fn change_state(
        &self,
        event: &mut Event,
        means: &mut StoredRow<Means>,
        next: MeansState,
        actor: &str,
        now_ms: i64,
    ) -> Result<bool, PhoneError> {
        let resumed = means.value.state == MeansState::Suspended;
        if !means.value.become_state(next, now_ms) {
            return Ok(false);
        }
        event.replace(means, means.value.due_ms())?;
        let device = means.value.device.name.clone();
        let (code, notice) = match next {
            MeansState::Suspended => ("ecps-suspended", Notice::Suspended { device }),
            MeansState::Revoked => ("ecps-revoked", Notice::Revoked { device }),
            MeansState::Locked => ("ecps-locked", Notice::Locked { device }),
            MeansState::Expired => ("ecps-expired", Notice::Expired { device }),
            MeansState::Active | MeansState::Pending if resumed => ("ecps-resumed", Notice::Resumed { device }),
            MeansState::Active | MeansState::Pending => ("ecps-activated", Notice::Activated { device }),
        };
        let Means { national_id, means_id, .. } = &means.value;
        event.audit(actor, code, &format!("means/{means_id}"), &json!({"national_id": national_id}));
        self.tell(event, national_id, &notice, &[Way::Mail, Way::Sms], now_ms);
        if !next.is_in_use() {
            Self::order_end(event, national_id, means_id, now_ms);
        }
        Ok(true)
    }

    /// Orders that sessions end which rest on a means, or on its passkey alone.
    pub(crate) fn order_end(event: &mut Event, national_id: &str, name: &str, now_ms: i64) {
        let payload = json!({"national_id": national_id, "means_id": name}).to_string();
        event.job(NewJob { queue: Queue::Work, kind: ENDED_JOB.into(), key: name.to_owned(), due_ms: now_ms, payload });
    }

    /// Tells at once that a means ended; the job that was written with its end tells it again, should this process die before.
    pub(crate) async fn tell_ended(&self, means: &Means) {
        self.settings.ended.means_ended(&means.national_id, &means.means_id).await;
    }

    /// As [`tell_ended`](Self::tell_ended), of its passkey.
    pub(crate) async fn tell_passkey_ended(&self, means: &Means) {
        self.settings.ended.means_ended(&means.national_id, &passkey_name(&means.means_id)).await;
    }

    /// Refuses a means that may not be used now.
    pub(crate) fn refuse_unusable(means: &Means, now_ms: i64) -> Result<(), PhoneRefusal> {
        match means.state_at(now_ms) {
            MeansState::Active => Ok(()),
            MeansState::Locked => Err(PhoneRefusal::PinLocked),
            other => Err(PhoneRefusal::NotUsable(other)),
        }
    }

    /// Hashes a PIN that was chosen.
    pub(crate) async fn keep_pin(&self, pin: String) -> Result<KeptPin, PhoneError> {
        let (salt, pepper) = (self.secrets.random(), self.secrets.pepper);
        let kept = self.hashing(move || KeptPin::keep(&pin, salt, &pepper)).await?;
        kept.ok_or(PhoneError::Hashing("this machine has not the memory"))
    }

    /// Whether a PIN is the kept one.
    pub(crate) async fn is_pin(&self, kept: KeptPin, pin: String) -> Result<bool, PhoneError> {
        let pepper = self.secrets.pepper;
        self.hashing(move || kept.is(&pin, &pepper)).await
    }

    async fn hashing<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PhoneError> {
        let permit = Arc::clone(&self.hashing).acquire_owned().await.map_err(|_| PhoneError::Hashing("the service stops"))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|_| PhoneError::Hashing("the work was given up"))
    }
}

/// Whether a text that somebody sent may be looked up as a key.
pub(crate) fn is_row_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}
