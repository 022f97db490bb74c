//! The hash set of a join.

/// A set of id hashes. Its members are hashes already and are not hashed again.
pub struct IdHashSet {
    /// Bloom filter of one bit for each hash, chosen by its low bits. It answers most negative look-ups from the processor's
    /// cache.
    bloom: Vec<u64>,
    /// Open addressing with linear probing: a hash is in the slot of its high bits, or in the next free one. 0 marks a free
    /// slot; no id hashes to 0.
    slots: Vec<u64>,
    shift: u32,
}

impl IdHashSet {
    /// The set of `hashes`, each combined with `mask` by exclusive or.
    pub fn new(hashes: &[u64], mask: u64) -> Self {
        // At most half of the slots are taken, so that every probe ends at a free one.
        let slots = (2 * hashes.len() + 2).next_power_of_two();
        let bits = (8 * slots).clamp(64, 1 << 23);
        let mut set = Self { bloom: vec![0; bits / 64], slots: vec![0; slots], shift: 64 - slots.trailing_zeros() };
        for hash in hashes {
            set.insert(hash ^ mask);
        }
        set
    }

    /// Bloom filter look-up: false for most hashes that are not in the set.
    pub fn may_contain(&self, hash: u64) -> bool {
        let (index, bit) = self.bloom_bit(hash);
        self.bloom[index] & bit != 0
    }

    pub fn contains(&self, hash: u64) -> bool {
        self.slots[self.slot(hash)] != 0
    }

    fn insert(&mut self, hash: u64) {
        let (index, bit) = self.bloom_bit(hash);
        self.bloom[index] |= bit;
        let slot = self.slot(hash);
        self.slots[slot] = hash;
    }

    fn bloom_bit(&self, hash: u64) -> (usize, u64) {
        ((hash >> 6) as usize & (self.bloom.len() - 1), 1 << (hash & 63))
    }

    /// The slot of a hash, or the free slot where it belongs.
    fn slot(&self, hash: u64) -> usize {
        let mut slot = (hash >> self.shift) as usize;
        while self.slots[slot] != 0 && self.slots[slot] != hash {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }
}
