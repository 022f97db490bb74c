//! What is known of a provider: its endpoints and its public keys, each for a day at most.

use std::sync::Arc;

use annuaire_jose::{PublicKey, read_jwks};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::calls::{ProviderCall, ProviderCaller};
use crate::fault::LoginFault;
use crate::limits::{FAILED_MS, KNOWN_MS, REFRESH_MS};
use crate::provider::{EndpointSource, ProviderEndpoints, RelyingSettings};

/// What was asked, and when.
struct AskedFact<T> {
    value: Option<(i64, T)>,
    /// When it was asked last, whatever came of it.
    last_ms: Option<i64>,
}

/// Endpoints and keys of one provider. Of several logins that need an answer, one asks, and the others wait for it.
pub(crate) struct KnownProvider {
    endpoints: Mutex<AskedFact<Arc<ProviderEndpoints>>>,
    keys: Mutex<AskedFact<Arc<[PublicKey]>>>,
}

impl KnownProvider {
    pub(crate) fn new() -> Self {
        Self {
            endpoints: Mutex::new(AskedFact { value: None, last_ms: None }),
            keys: Mutex::new(AskedFact { value: None, last_ms: None }),
        }
    }

    /// The endpoints.
    pub(crate) async fn endpoints(
        &self,
        now_ms: i64,
        settings: &RelyingSettings,
        caller: &dyn ProviderCaller,
    ) -> Result<Arc<ProviderEndpoints>, LoginFault> {
        let address = match &settings.endpoints {
            EndpointSource::Explicit(endpoints) => return Ok(Arc::new(endpoints.clone())),
            EndpointSource::Metadata(address) => address,
        };
        let mut asked = self.endpoints.lock().await;
        if let Some(endpoints) = asked.fresh(now_ms, KNOWN_MS) {
            return Ok(endpoints);
        }
        asked.begin(now_ms, FAILED_MS, "metadata")?;
        let document = json(caller, address, "metadata").await?;
        let endpoints = Arc::new(read_metadata(&document, settings)?);
        asked.value = Some((now_ms, Arc::clone(&endpoints)));
        Ok(endpoints)
    }

    /// The keys as they are known.
    pub(crate) async fn keys(
        &self,
        now_ms: i64,
        address: &str,
        caller: &dyn ProviderCaller,
    ) -> Result<Arc<[PublicKey]>, LoginFault> {
        let mut asked = self.keys.lock().await;
        if let Some(keys) = asked.fresh(now_ms, KNOWN_MS) {
            return Ok(keys);
        }
        asked.begin(now_ms, FAILED_MS, "keys")?;
        asked.take(now_ms, address, caller).await
    }

    /// The keys after a token named one that is not among `known`; `None` when they were asked a moment ago.
    pub(crate) async fn other_keys(
        &self,
        now_ms: i64,
        address: &str,
        caller: &dyn ProviderCaller,
        known: &Arc<[PublicKey]>,
    ) -> Result<Option<Arc<[PublicKey]>>, LoginFault> {
        let mut asked = self.keys.lock().await;
        // Another login may have asked while this one waited.
        if let Some(keys) = asked.fresh(now_ms, KNOWN_MS).filter(|keys| !Arc::ptr_eq(keys, known)) {
            return Ok(Some(keys));
        }
        if asked.begin(now_ms, REFRESH_MS, "keys").is_err() {
            return Ok(None);
        }
        asked.take(now_ms, address, caller).await.map(Some)
    }
}

impl<T: Clone> AskedFact<T> {
    /// What was answered less than `most_ms` ago. A clock that went back makes nothing fresh for longer than that.
    fn fresh(&self, now_ms: i64, most_ms: i64) -> Option<T> {
        self.value.as_ref().filter(|(at, _)| (0..most_ms).contains(&now_ms.saturating_sub(*at))).map(|(_, value)| value.clone())
    }

    /// Notes that it is asked now; refuses when it was asked less than `least_ms` ago.
    fn begin(&mut self, now_ms: i64, least_ms: i64, part: &'static str) -> Result<(), LoginFault> {
        // Who waited for the one that asked may have read the clock before it did.
        if self.last_ms.is_some_and(|last| now_ms.saturating_sub(last).saturating_abs() < least_ms) {
            let reason = "it failed a moment ago, and is asked again in some seconds".into();
            return Err(LoginFault::Unreachable { part, reason });
        }
        self.last_ms = Some(now_ms);
        Ok(())
    }
}

impl AskedFact<Arc<[PublicKey]>> {
    async fn take(&mut self, now_ms: i64, address: &str, caller: &dyn ProviderCaller) -> Result<Arc<[PublicKey]>, LoginFault> {
        let set = json(caller, address, "keys").await?;
        let keys = read_jwks(&set).map_err(|error| LoginFault::Answer { part: "keys", reason: error.to_string() })?;
        let keys: Arc<[PublicKey]> = keys.into();
        self.value = Some((now_ms, Arc::clone(&keys)));
        Ok(keys)
    }
}

/// A JSON document of the provider.
async fn json(caller: &dyn ProviderCaller, address: &str, part: &'static str) -> Result<Value, LoginFault> {
    let call = ProviderCall { address: address.to_owned(), form: None, bearer: None };
    let answer = caller.call(call).await.map_err(|reason| LoginFault::Unreachable { part, reason })?;
    if answer.status != 200 {
        return Err(LoginFault::Unreachable { part, reason: format!("it answers {}", answer.status) });
    }
    serde_json::from_slice(&answer.body).map_err(|_| LoginFault::Answer { part, reason: "it is no JSON".into() })
}

fn read_metadata(document: &Value, settings: &RelyingSettings) -> Result<ProviderEndpoints, LoginFault> {
    let wrong = |reason: String| LoginFault::Answer { part: "metadata", reason };
    if document.get("issuer").and_then(Value::as_str) != Some(settings.issuer.as_str()) {
        return Err(wrong("`issuer` is not the one of the settings".into()));
    }
    let optional = |name: &str| match document.get(name) {
        None => Ok(None),
        Some(Value::String(address)) if settings.accepts(address) => Ok(Some(address.clone())),
        Some(_) => Err(wrong(format!("`{name}` is not an https address"))),
    };
    let needed = |name: &str| optional(name)?.ok_or_else(|| wrong(format!("`{name}` is missing")));
    Ok(ProviderEndpoints {
        authorization: needed("authorization_endpoint")?,
        token: needed("token_endpoint")?,
        user_info: needed("userinfo_endpoint")?,
        keys: needed("jwks_uri")?,
        end_session: optional("end_session_endpoint")?,
    })
}
