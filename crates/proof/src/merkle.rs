//! The tree of RFC 6962 §2.1 and RFC 9162 §2.1: hashes of leaves and nodes, the root, and how proofs are checked.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// The hash of the leaf of an entry: SHA-256 of a zero byte and the entry.
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(entry);
    hash.finalize().into()
}

/// The hash of an inner node: SHA-256 of a one byte and its two children.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(left);
    hash.update(right);
    hash.finalize().into()
}

/// The Merkle tree of RFC 6962 over leaves that come one by one. Holds one hash for each binary digit of their number.
#[derive(Debug, Clone, Default)]
pub struct Merkle {
    leaves: u64,
    /// Roots of complete subtrees, from the largest.
    roots: Vec<Hash>,
}

impl Merkle {
    /// A tree that goes on after `leaves` leaves: `roots` are those of its complete subtrees, from the largest. `None` when their number
    /// does not fit.
    #[must_use]
    pub fn resume(leaves: u64, roots: Vec<Hash>) -> Option<Self> {
        (roots.len() == leaves.count_ones() as usize).then_some(Self { leaves, roots })
    }

    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        self.leaves += 1;
        let mut root = leaf;
        for _ in 0..self.leaves.trailing_zeros() {
            if let Some(left) = self.roots.pop() {
                root = node_hash(&left, &root);
            }
        }
        self.roots.push(root);
    }

    /// Number of leaves.
    #[must_use]
    pub const fn leaves(&self) -> u64 {
        self.leaves
    }

    /// The root: SHA-256 of nothing without leaves.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut from_the_right = self.roots.iter().rev();
        match from_the_right.next() {
            None => Sha256::digest([]).into(),
            Some(last) => from_the_right.fold(*last, |right, left| node_hash(left, &right)),
        }
    }
}

/// Whether `leaf` is the leaf number `index` (from 0) of the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
#[must_use]
pub fn proves_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    // The position of the node on the way, and of the last one of its level.
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the tree of `old_size` leaves is the beginning of the tree of `new_size` leaves (RFC 9162 §2.1.4.2). Anything goes on from
/// the empty tree.
#[must_use]
pub fn proves_consistency(old_size: u64, old_root: &Hash, new_size: u64, new_root: &Hash, path: &[Hash]) -> bool {
    if old_size > new_size {
        return false;
    }
    if old_size == new_size {
        return path.is_empty() && old_root == new_root;
    }
    if old_size == 0 {
        return path.is_empty() && *old_root == Merkle::default().root();
    }
    let (mut at, mut last) = (old_size - 1, new_size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    // A complete old tree is a node of the new one: the proof leaves it out.
    let (first, rest) = match (old_size.is_power_of_two(), path) {
        (true, rest) => (*old_root, rest),
        (false, [first, rest @ ..]) => (*first, rest),
        (false, []) => return false,
    };
    let (mut old, mut new) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old == *old_root && new == *new_root
}
