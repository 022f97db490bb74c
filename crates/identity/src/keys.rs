//! Signing keys of the installation: one row, sealed, shared by all nodes.

use std::sync::{Arc, Mutex, PoisonError};

use annuaire_jose::{KeyRing, RotationRule, SignatureAlgorithm, sign};
use annuaire_seal::Sealer;
use annuaire_store::Entropy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::limits::{KEY_ANNOUNCE_MS, KEY_KEEP_MS, KEY_LIFE_MS, KEY_READ_MS, WRITE_ATTEMPTS};
use crate::rows::{Held, ProviderRow, Rows, Writes};

/// Algorithms with which tokens are signed.
pub(crate) const ALGORITHMS: [SignatureAlgorithm; 2] = [SignatureAlgorithm::Rs256, SignatureAlgorithm::Es256];
const RULE: RotationRule = RotationRule { announce_ms: KEY_ANNOUNCE_MS, life_ms: KEY_LIFE_MS, keep_ms: KEY_KEEP_MS };

/// The keys at rest.
#[derive(Serialize, Deserialize)]
struct SealedKeys {
    name: String,
    sealed: String,
}

impl ProviderRow for SealedKeys {
    const KIND: &'static str = "signing_keys";

    fn key(&self) -> &str {
        &self.name
    }
}

const NAME: &str = "provider";

/// The keys as this node knows them.
pub(crate) struct SigningKeys {
    rows: Rows,
    sealer: Sealer,
    entropy: Entropy,
    held: Mutex<Option<(i64, Arc<KeyRing>)>>,
}

impl SigningKeys {
    pub(crate) fn new(rows: Rows, secret: &[u8; 32], entropy: Entropy) -> Self {
        Self { rows, sealer: Sealer::new(secret, "annuaire 2026-11 signing keys"), entropy, held: Mutex::default() }
    }

    /// The ring of the moment; keys are made at the first call of an installation, and step on with time. What a node has read is used for
    /// [`KEY_READ_MS`]: far less than a new key is announced before it signs.
    pub(crate) async fn ring(&self) -> Result<Arc<KeyRing>, Error> {
        let now = self.rows.now_ms();
        if let Some((read, ring)) = &*self.held.lock().unwrap_or_else(PoisonError::into_inner)
            && (0..KEY_READ_MS).contains(&(now - read))
        {
            return Ok(Arc::clone(ring));
        }
        let ring = Arc::new(self.change(|ring| Ok(ring.step(now, &RULE)?)).await?);
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&ring)));
        Ok(ring)
    }

    /// Puts the announced key of each algorithm in force at once, for an operator who must.
    pub(crate) async fn rotate(&self) -> Result<(), Error> {
        let now = self.rows.now_ms();
        self.change(|ring| {
            ALGORITHMS.into_iter().try_for_each(|algorithm| ring.rotate_now(algorithm, now))?;
            Ok(true)
        })
        .await?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Reads the ring, changes it, and writes it when it changed. Of two nodes that change it at once, the second one reads again.
    async fn change(&self, change: impl Fn(&mut KeyRing) -> Result<bool, Error>) -> Result<KeyRing, Error> {
        for _ in 0..WRITE_ATTEMPTS {
            let held: Option<Held<SealedKeys>> = self.rows.any(NAME).await?;
            let mut ring = match &held {
                Some(held) => KeyRing::from_json(&self.sealer.open(NAME, &held.value.sealed).ok_or(Error::Sealed)?)?,
                None => KeyRing::new(&ALGORITHMS, self.rows.now_ms())?,
            };
            let changed = change(&mut ring)?;
            if !changed && held.is_some() {
                return Ok(ring);
            }
            let mut nonce = [0; 12];
            (self.entropy)(&mut nonce);
            let sealed = self.sealer.seal(NAME, &ring.to_json(), nonce).ok_or(Error::Sealed)?;
            let writes = match held {
                None => Writes::default().create(&SealedKeys { name: NAME.to_owned(), sealed })?,
                Some(mut held) => {
                    held.value.sealed = sealed;
                    Writes::default().replace(&held)?
                }
            };
            if self.rows.write(writes).await? {
                return Ok(ring);
            }
        }
        Err(Error::Contended { kind: SealedKeys::KIND })
    }

    /// Signs claims with the key in force.
    pub(crate) async fn sign(&self, algorithm: SignatureAlgorithm, typ: &str, claims: &Value) -> Result<String, Error> {
        let ring = self.ring().await?;
        let signer = ring.signer(algorithm).ok_or(Error::NoSigner { algorithm: algorithm.name() })?;
        Ok(sign(signer, typ, claims)?)
    }

    /// What relying parties read.
    pub(crate) async fn jwks(&self) -> Result<Value, Error> {
        Ok(self.ring().await?.jwks())
    }
}
