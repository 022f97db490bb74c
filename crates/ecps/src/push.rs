//! Notifications of requests by web push (RFC 8030, 8291, 8292): a phone that is asleep learns that something waits, and nothing else.
//!
//! A push service belongs to the maker of a browser. It gets the number of the request, encrypted for the phone, and no name. Nobody waits for
//! it: the application looks by itself as long as it is open.

use crate::error::{PhoneError, PhoneRefusal};
use crate::limits;
use crate::means::{Means, MeansState};
use crate::prompt::Prompt;
use crate::proof;
use crate::rows::{self, Event, StoredRow};
use crate::service::PhoneService;
use crate::subscription::{OutgoingPush, PushOutcome, PushSender, PushSubscription};
use annuaire_jose::{PrivateKey, SignatureAlgorithm, sign};
use annuaire_seal::{NONCE, Sealer};
use annuaire_store::{Job, NewJob, Queue};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Kind of the jobs that notify phones of a request.
const PUSH_JOB: &str = "ecps-push";
/// Key of the row of our key.
const KEY: &str = "one";
/// What the sealing of our key is for.
const SEAL: &str = "annuaire 2026-11 key of web push";

/// Our key as its row keeps it, sealed.
#[derive(Serialize, Deserialize)]
struct KeptPushKey {
    sealed: String,
}

/// What a job names: a request, and one phone when it is tried again.
#[derive(Serialize, Deserialize)]
struct PushJob {
    tx: String,
    #[serde(default)]
    means_id: Option<String>,
}

/// A request of which phones are to be notified, taken for [`limits::SEND_LEASE_MS`].
pub struct TakenPush(Job);

/// The public key as browsers take it: an uncompressed point, base64url.
fn point(key: &PrivateKey) -> Option<String> {
    let jwk = key.public().jwk();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok();
    Some(URL_SAFE_NO_PAD.encode([&[4][..], &coordinate("x")?, &coordinate("y")?].concat()))
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |at| at + 3);
    &address[..address[host..].find(['/', '?']).map_or(address.len(), |at| host + at)]
}

impl PhoneService {
    /// Whether phones can be notified at all.
    #[must_use]
    pub fn pushes(&self) -> bool {
        self.settings.push.is_some()
    }

    /// The public key with which browsers subscribe; `None` where nothing is pushed. The key is made at the first use.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn push_key(&self) -> Result<Option<String>, PhoneError> {
        if !self.pushes() {
            return Ok(None);
        }
        Ok(point(self.signing_key().await?))
    }

    /// The key that signs notifications (RFC 8292): one for the installation, sealed under its secret.
    async fn signing_key(&self) -> Result<&PrivateKey, PhoneError> {
        self.push_key.get_or_try_init(|| self.kept_key()).await
    }

    /// The kept key, or a new one.
    async fn kept_key(&self) -> Result<PrivateKey, PhoneError> {
        let broken =
            |reason: &str| PhoneError::Unreadable { kind: rows::PUSH_KEY.into(), key: KEY.into(), reason: reason.to_owned() };
        let sealer = Sealer::new(&self.settings.secret, SEAL);
        for _ in 0..limits::TRIES {
            if let Some(kept) = rows::load::<KeptPushKey>(self.registry(), rows::PUSH_KEY, KEY).await? {
                let opened = sealer.open(KEY, &kept.value.sealed).ok_or_else(|| broken("it is sealed under another secret"))?;
                let der = STANDARD.decode(opened.as_bytes()).map_err(|_| broken("it is no key"))?;
                return PrivateKey::from_pkcs8(SignatureAlgorithm::Es256, &der).map_err(|error| broken(&error.to_string()));
            }
            let key = PrivateKey::generate(SignatureAlgorithm::Es256).map_err(|error| broken(&error.to_string()))?;
            let der = STANDARD.encode(&key.pkcs8()[..]);
            let sealed = sealer.seal(KEY, &der, self.secrets.random::<NONCE>()).ok_or_else(|| broken("it cannot be sealed"))?;
            let mut event = Event::default();
            event.create_lasting((rows::PUSH_KEY, KEY), &KeptPushKey { sealed })?;
            event.audit("ecps", "ecps-push-key", "push", &json!({}));
            // Another node may make one at this instant: the first one stands.
            self.save(event).await?;
        }
        Err(PhoneError::Contended)
    }

    /// Keeps the subscription of a phone, or removes it (`None`). `call` is a JWS of type `ecps-push+jwt` by its key over `means_id`, `endpoint`
    /// (empty to remove) and `iat`.
    ///
    /// # Errors
    /// [`PhoneRefusal::UnknownMeans`], [`PhoneRefusal::Proof`], [`PhoneRefusal::NotUsable`]; [`PhoneRefusal::Push`] for an address that this
    /// server does not call, keys that are none, or where nothing is pushed; those of the registry.
    pub async fn subscribe(&self, means_id: &str, call: &str, wanted: Option<&PushSubscription>) -> Result<(), PhoneError> {
        if let Some(wanted) = wanted {
            let sender = self.settings.push.as_ref().ok_or(PhoneRefusal::Push("nothing is pushed here"))?;
            let short = wanted.endpoint.len() <= limits::PUSH_ENDPOINT_BYTES && wanted.endpoint.starts_with("https://");
            if !short || sender.check(&wanted.endpoint).is_err() {
                return Err(PhoneRefusal::Push("endpoint").into());
            }
            wanted.keys().ok_or(PhoneRefusal::Push("keys"))?;
        }
        for _ in 0..limits::TRIES {
            let now_ms = self.now_ms();
            let (mut means, claims) = self.signing_means(means_id, call, proof::PUSH, now_ms).await?;
            proof::must_say(&claims, &[("endpoint", wanted.map_or("", |wanted| wanted.endpoint.as_str()))])?;
            Self::refuse_unusable(&means.value, now_ms)?;
            means.value.push = wanted.cloned();
            let mut event = Event::default();
            event.replace(&means, means.value.due_ms())?;
            let code = if wanted.is_some() { "ecps-push-on" } else { "ecps-push-off" };
            event.audit(&means.value.national_id, code, &format!("means/{means_id}"), &json!({}));
            if self.save(event).await? {
                return Ok(());
            }
        }
        Err(PhoneError::Contended)
    }

    /// Orders the notification of a request. The work is the same whether anybody has a phone or not: that is looked up when it is sent.
    pub(crate) fn order_push(&self, event: &mut Event, tx: &str, now_ms: i64) {
        if self.pushes() {
            event.job(push_job(tx, None, now_ms));
        }
    }

    /// Takes a request of which phones are to be notified.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn take_push(&self) -> Result<Option<TakenPush>, PhoneError> {
        if !self.pushes() {
            return Ok(None);
        }
        let taken = self.registry().take_job(Queue::Outbox, &[PUSH_JOB], self.now_ms(), limits::SEND_LEASE_MS).await?;
        Ok(taken.map(TakenPush))
    }

    /// Takes one request and notifies its phones; false when none is due.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn push_one(&self) -> Result<bool, PhoneError> {
        let Some(taken) = self.take_push().await? else { return Ok(false) };
        self.push_taken(taken).await?;
        Ok(true)
    }

    /// Notifies the phones of a request, all at once. Several requests may be notified side by side: a push service that does not answer holds up
    /// one of them, for [`limits::PUSH_SECONDS`]. What fails is tried again while the request waits.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn push_taken(&self, TakenPush(job): TakenPush) -> Result<(), PhoneError> {
        let Some(sender) = &self.settings.push else { return Ok(()) };
        let now_ms = self.now_ms();
        if let Ok(order) = serde_json::from_str::<PushJob>(&job.job.payload)
            && let Some(prompt) = rows::load::<Prompt>(self.registry(), rows::PROMPT, &order.tx).await?
            && prompt.value.is_open(now_ms)
        {
            self.push(sender, &order, &prompt.value, now_ms).await?;
        }
        self.registry().finish_job(job.id).await?;
        Ok(())
    }

    async fn push(&self, sender: &Arc<dyn PushSender>, order: &PushJob, prompt: &Prompt, now_ms: i64) -> Result<(), PhoneError> {
        let mut phones = self.means_of(&prompt.national_id, &prompt.other_ids).await?;
        let is_meant = |means: &Means| order.means_id.as_ref().is_none_or(|id| *id == means.means_id);
        phones.retain(|phone| {
            phone.value.state_at(now_ms) == MeansState::Active && phone.value.push.is_some() && is_meant(&phone.value)
        });
        if phones.is_empty() {
            return Ok(());
        }
        let key = self.signing_key().await?;
        let seconds = prompt.expires_ms.saturating_sub(now_ms) / 1_000;
        let mut sending = JoinSet::new();
        for phone in phones {
            let Some(push) = phone.value.push.as_ref().and_then(|to| self.notification(key, to, &order.tx, seconds)) else {
                continue;
            };
            let sender = Arc::clone(sender);
            sending.spawn(async move { (phone, sender.send(&push).await) });
        }
        while let Some(done) = sending.join_next().await {
            let Ok((phone, outcome)) = done else { continue };
            match outcome {
                Ok(PushOutcome::Accepted) => {}
                Ok(PushOutcome::Gone) => self.unsubscribe(phone).await?,
                Err(_) => {
                    let mut event = Event::default();
                    let due_ms = now_ms.saturating_add(limits::PUSH_RETRY_MS);
                    event.job(push_job(&order.tx, Some(phone.value.means_id), due_ms));
                    self.save(event).await?;
                }
            }
        }
        Ok(())
    }

    /// Removes a subscription that is over, unless the phone made another one meanwhile.
    async fn unsubscribe(&self, mut phone: StoredRow<Means>) -> Result<(), PhoneError> {
        phone.value.push = None;
        let mut event = Event::default();
        event.replace(&phone, phone.value.due_ms())?;
        event.audit("ecps", "ecps-push-gone", &format!("means/{}", phone.value.means_id), &json!({}));
        self.save(event).await.map(|_| ())
    }

    /// The notification of a request for a subscription; `None` when its keys are none.
    fn notification(&self, key: &PrivateKey, to: &PushSubscription, tx: &str, seconds: i64) -> Option<OutgoingPush> {
        let (browser, auth) = to.keys()?;
        let body = web_push_native::encrypt(json!({"tx": tx}).to_string().into_bytes(), &browser, &auth).ok()?;
        let claims: Value = json!({
            "aud": origin(&to.endpoint),
            "exp": self.now_ms() / 1_000 + limits::PUSH_TOKEN_S,
            "sub": self.settings.public_base,
        });
        let token = sign(key, "JWT", &claims).ok()?;
        let headers = [
            ("authorization", format!("vapid t={token}, k={}", point(key)?)),
            ("content-encoding", "aes128gcm".to_owned()),
            ("ttl", seconds.max(0).to_string()),
            ("urgency", "high".to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Some(OutgoingPush { endpoint: to.endpoint.clone(), headers, body })
    }
}

fn push_job(tx: &str, means_id: Option<String>, due_ms: i64) -> NewJob {
    let payload = serde_json::to_string(&PushJob { tx: tx.to_owned(), means_id }).unwrap_or_default();
    NewJob { queue: Queue::Outbox, kind: PUSH_JOB.into(), key: String::new(), due_ms, payload }
}
