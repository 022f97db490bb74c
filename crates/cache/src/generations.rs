//! Two generations of values.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations of values. When the young one weighs half of the limit, it replaces the old one, whose values are dropped. A
/// value found in the old one becomes young again.
#[derive(Debug)]
pub struct Generations<K, V> {
    /// Most weight of both generations.
    limit: usize,
    /// Weight of the young one.
    used: usize,
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
}

impl<K: Eq + Hash, V: Clone> Generations<K, V> {
    /// A cache whose values together never weigh more than `limit`, in any unit.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, used: 0, young: HashMap::new(), old: HashMap::new() }
    }

    /// The value of a key, when it is still there.
    pub fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), weight);
        Some(value)
    }

    /// Keeps a value, unless it alone weighs more than a quarter of the limit.
    pub fn insert(&mut self, key: K, value: V, weight: usize) {
        if weight > self.limit / 4 {
            return;
        }
        if self.used + weight > self.limit / 2 {
            self.old = std::mem::take(&mut self.young);
            self.used = 0;
        }
        self.used += weight;
        if let Some((_, replaced)) = self.young.insert(key, (value, weight)) {
            self.used -= replaced;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = Generations::new(16);
        cache.insert(0, "kept", 1);
        for n in 1..1_000 {
            cache.insert(n, "passing", 1);
            assert_eq!(cache.get(&0), Some("kept"));
            assert!(cache.young.len() + cache.old.len() <= 16);
        }
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&999), Some("passing"));
        cache.insert(5_000, "too heavy", 5);
        assert_eq!(cache.get(&5_000), None);
    }

    #[test]
    fn a_value_replaced_weighs_once() {
        let mut cache = Generations::new(16);
        for _ in 0..100 {
            cache.insert(1, "same", 4);
        }
        assert_eq!((cache.used, cache.young.len(), cache.old.len()), (4, 1, 0));
    }
}
