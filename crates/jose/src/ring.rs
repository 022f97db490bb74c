//! The keys with which an installation signs, and their rotation without a moment at which somebody cannot verify.

use crate::algorithm::SignatureAlgorithm;
use crate::error::JoseError;
use crate::limits::{RETIRED, RING};
use crate::private::PrivateKey;
use crate::public::PublicKey;
use crate::token::TokenHeader;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write;
use zeroize::Zeroizing;

/// Version of the text of a ring.
const VERSION: u32 = 1;

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyStage {
    /// It signs.
    Current,
    /// It is shown, so that others know it before it signs.
    Next,
    /// It signs no more, and is shown while tokens of it are valid.
    Retired,
}

impl KeyStage {
    /// Its name in the text of a ring.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Next => "next",
            Self::Retired => "retired",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        [Self::Current, Self::Next, Self::Retired].into_iter().find(|s| s.name() == name)
    }
}

/// A key of a ring.
#[derive(Debug, Clone)]
pub struct RingKey {
    key: PrivateKey,
    stage: KeyStage,
    since_ms: i64,
}

impl RingKey {
    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }

    /// Where it is in its life.
    #[must_use]
    pub fn stage(&self) -> KeyStage {
        self.stage
    }

    /// Since when, in milliseconds since 1970.
    #[must_use]
    pub fn since_ms(&self) -> i64 {
        self.since_ms
    }
}

/// When keys change.
///
/// Nodes of a cluster read a ring from time to time, and others keep the key set for a time: `announce_ms` must be longer than both together.
/// `keep_ms` must be longer than the life of a token and the time after which a node reads the ring again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationRule {
    /// Milliseconds for which a key is shown before it signs.
    pub announce_ms: i64,
    /// Milliseconds for which a key signs.
    pub life_ms: i64,
    /// Milliseconds for which a key is shown after it signed.
    pub keep_ms: i64,
}

/// The keys of one installation: for each algorithm one current key, one next key, and some retired ones. An algorithm that was added later has no
/// current key until its first one was shown for long enough.
#[derive(Debug, Clone)]
pub struct KeyRing(Vec<RingKey>);

/// The text of a ring.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingText<'a> {
    version: u32,
    #[serde(borrow)]
    keys: Vec<RingKeyText<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RingKeyText<'a> {
    alg: &'a str,
    stage: &'a str,
    since_ms: i64,
    pkcs8: &'a str,
}

impl KeyRing {
    /// A ring of new keys, whose current ones sign at once: nobody can know an older key set. Makes two keys for each algorithm.
    ///
    /// # Errors
    ///
    /// [`JoseError::Library`] when the generator fails.
    pub fn new(algs: &[SignatureAlgorithm], now_ms: i64) -> Result<Self, JoseError> {
        let mut ring = Self(Vec::new());
        for alg in algs {
            if ring.add(*alg, now_ms)? {
                ring.0.push(RingKey { key: PrivateKey::generate(*alg)?, stage: KeyStage::Current, since_ms: now_ms });
            }
        }
        Ok(ring)
    }

    /// Adds an algorithm to a ring in use: its first key is shown from now on, and signs when [`step`](Self::step) finds that others know it. Returns
    /// whether it was new.
    ///
    /// # Errors
    ///
    /// [`JoseError::Library`].
    pub fn add(&mut self, alg: SignatureAlgorithm, now_ms: i64) -> Result<bool, JoseError> {
        let new = !self.0.iter().any(|k| k.algorithm() == alg);
        if new {
            self.0.push(RingKey { key: PrivateKey::generate(alg)?, stage: KeyStage::Next, since_ms: now_ms });
        }
        Ok(new)
    }

    /// The key that signs; `None` for an algorithm that the ring does not have, or not yet.
    #[must_use]
    pub fn signer(&self, alg: SignatureAlgorithm) -> Option<&PrivateKey> {
        self.staged(alg, KeyStage::Current).map(|k| &k.key)
    }

    /// The public key of this name. The next keys are found too: another node may have read a newer ring.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<PublicKey> {
        self.0.iter().find(|k| k.kid() == kid).map(|k| k.key.public())
    }

    /// [`find`](Self::find), as [`open_token`](crate::open_token) asks. A token of ours always names its key.
    #[must_use]
    pub fn candidates(&self, header: &TokenHeader) -> Vec<PublicKey> {
        header.kid.as_deref().and_then(|kid| self.find(kid)).into_iter().collect()
    }

    /// All keys: those of an algorithm together, the current one first, then the next one, then retired ones, the newest first.
    #[must_use]
    pub fn keys(&self) -> Vec<&RingKey> {
        let order: Vec<SignatureAlgorithm> = self.algorithms();
        let mut all: Vec<&RingKey> = self.0.iter().collect();
        all.sort_by_key(|k| (order.iter().position(|a| *a == k.algorithm()), k.stage, -i128::from(k.since_ms)));
        all
    }

    /// The key set to publish (RFC 7517 §5), in the order of [`keys`](Self::keys): a client that knows no `kid` takes the first key, which is a
    /// current one.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.keys().iter().map(|k| k.key.public().jwk()).collect::<Vec<_>>() })
    }

    /// Does what is due: next keys that were shown for long enough take the place of current ones at the end of their life, and retired keys that no
    /// valid token needs are forgotten. Returns whether the ring changed, and must be stored. An interval without a call delays a rotation and
    /// harms nothing.
    ///
    /// # Errors
    ///
    /// [`JoseError::Library`] when a new key cannot be made; the ring is then as it was, or as another algorithm changed it.
    pub fn step(&mut self, now_ms: i64, rule: &RotationRule) -> Result<bool, JoseError> {
        let before = self.0.len();
        self.0.retain(|k| k.stage != KeyStage::Retired || now_ms < forgotten_at(k, rule));
        let mut changed = self.0.len() != before;
        for alg in self.algorithms() {
            if self.rotation_due(alg, rule).is_some_and(|due| due <= now_ms) && self.retired(alg).count() < RETIRED {
                self.rotate(alg, now_ms)?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// The instant at which [`step`](Self::step) has something to do, in milliseconds since 1970; `None` for an empty ring.
    #[must_use]
    pub fn due_ms(&self, rule: &RotationRule) -> Option<i64> {
        let forgotten = self.0.iter().filter(|k| k.stage == KeyStage::Retired).map(|k| forgotten_at(k, rule)).min();
        let rotations = self.algorithms().into_iter().filter(|alg| self.retired(*alg).count() < RETIRED);
        rotations.filter_map(|alg| self.rotation_due(alg, rule)).chain(forgotten).min()
    }

    /// Rotates at once, because an operator says so. Who read the key set before the next key was in it, which is since the last rotation, cannot
    /// verify until he reads it again. The former key stays known: [`withdraw`](Self::withdraw) takes away one that must not be trusted.
    ///
    /// # Errors
    ///
    /// [`JoseError::NoKeys`], [`JoseError::Retired`] after too many rotations, [`JoseError::Library`].
    pub fn rotate_now(&mut self, alg: SignatureAlgorithm, now_ms: i64) -> Result<(), JoseError> {
        if self.retired(alg).count() >= RETIRED {
            return Err(JoseError::Retired(alg.name()));
        }
        self.rotate(alg, now_ms)
    }

    /// Takes a key away at once: what it signed is refused from now on. It is for a key that others may have seen. A current key is followed by the
    /// next one. Returns whether the ring had it.
    ///
    /// # Errors
    ///
    /// [`JoseError::Library`] when a new key cannot be made; the ring is then as it was.
    pub fn withdraw(&mut self, kid: &str, now_ms: i64) -> Result<bool, JoseError> {
        let Some(known) = self.0.iter().find(|k| k.kid() == kid) else { return Ok(false) };
        match (known.algorithm(), known.stage) {
            (alg, KeyStage::Current) => self.rotate(alg, now_ms)?,
            (alg, KeyStage::Next) => {
                self.0.push(RingKey { key: PrivateKey::generate(alg)?, stage: KeyStage::Next, since_ms: now_ms })
            }
            (_, KeyStage::Retired) => {}
        }
        self.0.retain(|k| k.kid() != kid);
        Ok(true)
    }

    /// The ring as text, **with its private keys in clear**: the caller seals it. [`from_json`](Self::from_json) reads it.
    #[must_use]
    pub fn to_json(&self) -> Zeroizing<String> {
        let keys: Vec<_> = self.0.iter().map(|k| (k, k.key.pkcs8())).collect();
        // A text that grows would leave copies of itself behind.
        let mut out =
            Zeroizing::new(String::with_capacity(64 + keys.iter().map(|(_, der)| 128 + der.len() * 4 / 3).sum::<usize>()));
        let _ = write!(out, r#"{{"version":{VERSION},"keys":["#);
        for (i, (k, der)) in keys.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let (alg, stage) = (k.algorithm().name(), k.stage.name());
            let _ = write!(out, r#"{comma}{{"alg":"{alg}","stage":"{stage}","since_ms":{},"pkcs8":""#, k.since_ms);
            STANDARD.encode_string(der.as_slice(), &mut out);
            out.push_str(r#""}"#);
        }
        out.push_str("]}");
        out
    }

    /// Reads [`to_json`](Self::to_json).
    ///
    /// # Errors
    ///
    /// [`JoseError::Ring`] for another text or version, an unknown algorithm, and more or fewer keys than a ring has; [`JoseError::PrivateKey`] for a key
    /// that is none.
    pub fn from_json(text: &str) -> Result<Self, JoseError> {
        if text.len() > RING {
            return Err(JoseError::Ring("the text is too long"));
        }
        let read: RingText<'_> = serde_json::from_str(text).map_err(|_| JoseError::Ring("the text is not that of a ring"))?;
        if read.version != VERSION {
            return Err(JoseError::Ring("another version of this program wrote them"));
        }
        let mut ring = Self(Vec::with_capacity(read.keys.len()));
        for k in read.keys {
            let alg = SignatureAlgorithm::of_name(k.alg).ok_or(JoseError::Ring("an unknown algorithm"))?;
            let stage = KeyStage::of_name(k.stage).ok_or(JoseError::Ring("an unknown stage of a key"))?;
            let der = STANDARD.decode(k.pkcs8).map(Zeroizing::new).map_err(|_| JoseError::Ring("a key is not base64"))?;
            let key = PrivateKey::from_pkcs8(alg, &der)?;
            if ring.find(key.kid()).is_some() {
                return Err(JoseError::Ring("a key is there twice"));
            }
            ring.0.push(RingKey { key, stage, since_ms: k.since_ms });
        }
        for alg in ring.algorithms() {
            let count = |stage| ring.0.iter().filter(|k| k.algorithm() == alg && k.stage == stage).count();
            if count(KeyStage::Next) != 1 || count(KeyStage::Current) > 1 || count(KeyStage::Retired) > RETIRED {
                return Err(JoseError::Ring("an algorithm has too many or too few keys"));
            }
        }
        Ok(ring)
    }

    /// The algorithms, in the order in which they were given.
    fn algorithms(&self) -> Vec<SignatureAlgorithm> {
        let mut all = Vec::new();
        for k in &self.0 {
            if !all.contains(&k.algorithm()) {
                all.push(k.algorithm());
            }
        }
        all
    }

    fn staged(&self, alg: SignatureAlgorithm, stage: KeyStage) -> Option<&RingKey> {
        self.0.iter().find(|k| k.algorithm() == alg && k.stage == stage)
    }

    fn retired(&self, alg: SignatureAlgorithm) -> impl Iterator<Item = &RingKey> {
        self.0.iter().filter(move |k| k.algorithm() == alg && k.stage == KeyStage::Retired)
    }

    /// When the next key may take its place. The millisecond is that of somebody who read the key set just before it had the next key.
    fn rotation_due(&self, alg: SignatureAlgorithm, rule: &RotationRule) -> Option<i64> {
        let known = self.staged(alg, KeyStage::Next)?.since_ms.saturating_add(rule.announce_ms).saturating_add(1);
        let over = self.staged(alg, KeyStage::Current).map(|k| k.since_ms.saturating_add(rule.life_ms));
        Some(over.map_or(known, |over| over.max(known)))
    }

    fn rotate(&mut self, alg: SignatureAlgorithm, now_ms: i64) -> Result<(), JoseError> {
        if self.staged(alg, KeyStage::Next).is_none() {
            return Err(JoseError::NoKeys(alg.name()));
        }
        let after = RingKey { key: PrivateKey::generate(alg)?, stage: KeyStage::Next, since_ms: now_ms };
        for k in self.0.iter_mut().filter(|k| k.algorithm() == alg) {
            (k.stage, k.since_ms) = match k.stage {
                KeyStage::Next => (KeyStage::Current, now_ms),
                // A clock that was set back must not shorten the time for which the key is shown.
                KeyStage::Current => (KeyStage::Retired, now_ms.max(k.since_ms)),
                KeyStage::Retired => (KeyStage::Retired, k.since_ms),
            };
        }
        self.0.push(after);
        Ok(())
    }
}

/// The first instant at which nobody needs a retired key.
fn forgotten_at(k: &RingKey, rule: &RotationRule) -> i64 {
    k.since_ms.saturating_add(rule.keep_ms).saturating_add(1)
}
