//! The keys of one resource.

use annuaire_base::sound::sound_key;
use annuaire_base::words;
use annuaire_terms::{ParamId, Resource, Term, TypeId};

use crate::hash::{SystemHash, id_hash, target_hash};
use crate::key::{self, LongValue};

/// Everything under which the store files one resource.
#[derive(Debug, Default)]
pub struct ResourceKeys {
    /// Each key after its length, 2 bytes little-endian.
    bytes: Vec<u8>,
    /// Values that their keys truncate.
    pub longs: Vec<LongValue>,
    /// Entries of link columns, as parameter and hash: the id under [`ParamId::STORE`], then the target of each reference.
    pub links: Vec<(ParamId, u64)>,
}

impl ResourceKeys {
    /// The keys of a tombstone.
    pub fn of_tombstone(ty: TypeId, id: &str) -> Self {
        Self::of_id(ty, id, &key::tombstones(ty))
    }

    fn of_id(ty: TypeId, id: &str, of_type: &[u8]) -> Self {
        let mut keys = Self::default();
        keys.push(of_type);
        keys.push(&key::id(ty, id));
        keys.links.push((ParamId::STORE, id_hash(id)));
        keys
    }

    pub fn new(resource: &Resource) -> Self {
        let ty = resource.ty;
        let mut keys = Self::of_id(ty, &resource.id, &key::all_of_type(ty));
        if let Some(foreign) = &resource.foreign_stamp {
            keys.push(&key::dated(ty));
            keys.push(&key::instant(ty, foreign.last_updated_ms));
        }
        // A bit for each parameter met: presence is one key, however many values there are.
        let mut present = [0_u64; 4];
        for term in &resource.terms {
            match term {
                Term::Token { param, system, code } => {
                    let system = SystemHash::new(system);
                    keys.push(&key::token(ty, *param, system, code));
                    keys.push(&key::system(ty, *param, system));
                }
                Term::Text { param, value } => {
                    let (key, long) = key::text(ty, *param, value);
                    keys.push(&key);
                    keys.longs.extend(long);
                }
                Term::Reference { param, target } => {
                    let target = target_hash(target);
                    keys.push(&key::reference(ty, *param, target));
                    keys.links.push((*param, target));
                }
                Term::Uri { param, value } => keys.push(&key::uri(ty, *param, value)),
                Term::Words { param, value } => keys.push_words(ty, *param, value),
                Term::Order { value } => keys.push(&key::order(ty, value)),
            }
            if matches!(term, Term::Order { .. }) {
                continue;
            }
            let param = term.param();
            let (group, bit) = (usize::from(param.get() >> 6), 1 << (param.get() & 63));
            if present[group] & bit == 0 {
                present[group] |= bit;
                keys.push(&key::present(ty, param));
            }
        }
        keys
    }

    fn push_words(&mut self, ty: TypeId, param: ParamId, value: &str) {
        for word in words::searchable_words(value) {
            self.push(&key::word(ty, param, &word));
            let sound = sound_key(&word);
            if !sound.is_empty() {
                self.push(&key::sound(ty, param, &sound));
            }
        }
    }

    fn push(&mut self, key: &[u8]) {
        // LMDB bounds keys to 511 bytes: the length fits.
        self.bytes.extend((key.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(key);
    }

    /// Bytes that the keys take in memory, about.
    pub fn weight(&self) -> usize {
        let longs: usize = self.longs.iter().map(|long| long.escaped.len() + long.hash.len()).sum();
        std::mem::size_of::<Self>() + self.bytes.len() + longs + 16 * self.links.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_first_chunk()?;
            let (key, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            rest = tail;
            Some(key)
        })
    }
}
