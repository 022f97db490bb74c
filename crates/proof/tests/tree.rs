//! The tree against the definitions of RFC 6962 §2.1, the vectors of Certificate Transparency, and damaged proofs and tiles.

#![allow(clippy::unwrap_used)]

use annuaire_proof::{
    Hash, Merkle, Tile, TileAppender, TileSource, TiledTree, TreeError, leaf_hash, node_hash, proves_consistency,
    proves_inclusion,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::convert::Infallible;

/// Tiles in memory, by name.
#[derive(Debug, Clone, Default)]
struct Tiles(BTreeMap<String, Vec<u8>>);

#[derive(Debug, thiserror::Error)]
#[error("no such tile")]
struct Absent;

impl TileSource for &Tiles {
    type Error = Absent;

    fn tile(&mut self, tile: Tile) -> Result<Vec<u8>, Absent> {
        // As servers are asked: a full tile serves in the place of a partial one.
        self.0.get(&tile.to_string()).or_else(|| self.0.get(&tile.full().to_string())).cloned().ok_or(Absent)
    }
}

fn leaf(n: u64) -> Hash {
    leaf_hash(&n.to_be_bytes())
}

fn written(size: u64) -> (Tiles, TileAppender) {
    let (mut tiles, mut appender) = (Tiles::default(), TileAppender::default());
    append(&mut tiles, &mut appender, 0..size);
    (tiles, appender)
}

fn append(tiles: &mut Tiles, appender: &mut TileAppender, leaves: std::ops::Range<u64>) {
    for n in leaves {
        let write = |tile: Tile, bytes: &[u8]| {
            assert!(tile.is_full() && bytes.len() == 8_192);
            assert_eq!(tiles.0.insert(tile.to_string(), bytes.to_vec()), None, "a full tile is written once");
            Ok::<_, Infallible>(())
        };
        appender.push(leaf(n), write).unwrap();
    }
    for (tile, bytes) in appender.partial_tiles() {
        assert_eq!(bytes.len(), tile.bytes());
        tiles.0.insert(tile.to_string(), bytes.to_vec());
    }
}

/// RFC 6962 §2.1, word by word.
fn root_by_definition(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Merkle::default().root(),
        [one] => *one,
        _ => {
            let k = leaves.len().next_power_of_two() / 2;
            node_hash(&root_by_definition(&leaves[..k]), &root_by_definition(&leaves[k..]))
        }
    }
}

/// RFC 6962 §2.1.1.
fn path_by_definition(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut path, other) = match m < k {
        true => (path_by_definition(m, &leaves[..k]), &leaves[k..]),
        false => (path_by_definition(m - k, &leaves[k..]), &leaves[..k]),
    };
    path.push(root_by_definition(other));
    path
}

/// RFC 6962 §2.1.2.
fn proof_by_definition(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { vec![] } else { vec![root_by_definition(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (mut path, other) = match m <= k {
        true => (proof_by_definition(m, &leaves[..k], whole), &leaves[k..]),
        false => (proof_by_definition(m - k, &leaves[k..], false), &leaves[..k]),
    };
    path.push(root_by_definition(other));
    path
}

fn hash(hex: &str) -> Hash {
    let byte = |n: usize| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap();
    std::array::from_fn(byte)
}

/// Entries and roots of the tests of Certificate Transparency.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

#[test]
fn roots_and_proofs_are_those_of_certificate_transparency() {
    let entries: [&[u8]; 8] = [b"", &[0], &[0x10], b" !", b"01", b"@ABC", b"PQRSTUVW", b"`abcdefghijklmno"];
    let mut tree = Merkle::default();
    for (entry, root) in entries.iter().zip(ROOTS) {
        tree.push(leaf_hash(entry));
        assert_eq!(tree.root(), hash(root));
    }
    assert!(proves_inclusion(&leaf_hash(entries[2]), 2, 3, &[hash(ROOTS[1])], &hash(ROOTS[2])));
    let six_to_eight = [
        hash("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"),
        hash("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
        hash(ROOTS[3]),
    ];
    assert!(proves_consistency(6, &hash(ROOTS[5]), 8, &hash(ROOTS[7]), &six_to_eight));
    let two_to_five = [
        hash("5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"),
        hash("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
    ];
    assert!(proves_consistency(2, &hash(ROOTS[1]), 5, &hash(ROOTS[4]), &two_to_five));
    assert_eq!(
        Merkle::default().root(),
        hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        "RFC 9162 §2.1.1"
    );
}

#[test]
fn each_proof_of_small_trees_is_that_of_the_definition_and_verifies() {
    let leaves: Vec<Hash> = (0..40).map(leaf).collect();
    for size in 1..=leaves.len() {
        let (tiles, appender) = written(size as u64);
        let all = &leaves[..size];
        let root = root_by_definition(all);
        assert_eq!(appender.root(), root);
        let mut tree = TiledTree::new(&tiles, size as u64);
        assert_eq!(tree.root().unwrap(), root);
        for (index, leaf) in all.iter().enumerate() {
            let path = tree.inclusion(index as u64).unwrap();
            assert_eq!(path, path_by_definition(index, all), "leaf {index} of {size}");
            assert!(proves_inclusion(leaf, index as u64, size as u64, &path, &root));
        }
        for old in 0..=size {
            let path = tree.consistency(old as u64).unwrap();
            let expected = if old == 0 { vec![] } else { proof_by_definition(old, all, true) };
            assert_eq!(path, expected, "{old} of {size}");
            assert!(proves_consistency(old as u64, &root_by_definition(&leaves[..old]), size as u64, &root, &path));
        }
    }
}

#[test]
fn trees_across_the_width_of_tiles_are_those_of_the_definition() {
    let leaves: Vec<Hash> = (0..66_100).map(leaf).collect();
    let (mut tiles, mut appender) = (Tiles::default(), TileAppender::default());
    let mut before = 0;
    for size in [255, 256, 257, 512, 65_535, 65_536, 65_537, 66_100_u64] {
        // As a publisher that was stopped: from what is stored.
        let mut appender_of_stored = TileAppender::resume(before, &mut &tiles).unwrap();
        assert_eq!(appender_of_stored.root(), appender.root(), "resumed at {before}");
        append(&mut tiles.clone(), &mut appender_of_stored, before..size);
        append(&mut tiles, &mut appender, before..size);
        assert_eq!(appender_of_stored.root(), appender.root(), "resumed and gone on to {size}");
        let all = &leaves[..usize::try_from(size).unwrap()];
        let root = root_by_definition(all);
        assert_eq!(appender.root(), root, "{size}");
        let mut tree = TiledTree::new(&tiles, size);
        assert_eq!(tree.root().unwrap(), root);
        for index in [0, 1, 254, 255.min(size - 1), size / 2, size - 2, size - 1] {
            let path = tree.inclusion(index).unwrap();
            assert!(proves_inclusion(&leaf(index), index, size, &path, &root), "{index} of {size}");
        }
        if before > 0 {
            let old = root_by_definition(&leaves[..usize::try_from(before).unwrap()]);
            assert!(proves_consistency(before, &old, size, &root, &tree.consistency(before).unwrap()));
        }
        let mut read = Vec::new();
        while (read.len() as u64) < size {
            read.extend_from_slice(tree.leaves(read.len() as u64).unwrap());
        }
        assert_eq!(read, all);
        before = size;
    }
}

#[test]
fn a_cut_an_absent_and_a_longer_tile_are_told() {
    let (mut tiles, _) = written(300);
    let partial = "tile/0/001.p/44";
    let bytes = tiles.0[partial].clone();
    tiles.0.insert(partial.to_owned(), bytes[..bytes.len() - 1].to_vec());
    let error = TiledTree::new(&tiles, 300).root().unwrap_err();
    assert_eq!(error.to_string(), format!("{partial} has 1407 bytes where 1408 belong: it was cut or damaged"));
    assert!(matches!(TileAppender::resume(300, &mut &tiles), Err(TreeError::Width { .. })));
    tiles.0.remove(partial);
    assert!(matches!(TiledTree::new(&tiles, 300).root(), Err(TreeError::Source { .. })));
    // A tree that has grown since gives more than is asked for.
    tiles.0.insert(partial.to_owned(), [bytes, vec![0xaa; 320]].concat());
    assert_eq!(TiledTree::new(&tiles, 300).root().unwrap(), root_by_definition(&(0..300).map(leaf).collect::<Vec<_>>()));
    assert!(matches!(TiledTree::new(&tiles, 300).inclusion(300), Err(TreeError::Beyond { size: 300, asked: 301 })));
    assert!(matches!(TiledTree::new(&tiles, 300).consistency(301), Err(TreeError::Beyond { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is changed of a proof, of what it proves, or of the sizes: it proves nothing.
    #[test]
    fn a_changed_proof_proves_nothing(size in 1..700_u64, at: prop::sample::Index, bit in 0..256_usize, which: prop::sample::Index) {
        let (tiles, appender) = written(size);
        let (index, root) = (at.index(size as usize) as u64, appender.root());
        let mut tree = TiledTree::new(&tiles, size);
        let path = tree.inclusion(index).unwrap();
        let flip = |hash: &Hash| { let mut changed = *hash; changed[bit / 8] ^= 1 << (bit % 8); changed };
        prop_assert!(proves_inclusion(&leaf(index), index, size, &path, &root));
        prop_assert!(!proves_inclusion(&flip(&leaf(index)), index, size, &path, &root));
        prop_assert!(!proves_inclusion(&leaf(index), index, size, &path, &flip(&root)));
        prop_assert!(!proves_inclusion(&leaf(index), size, size, &path, &root));
        if let Some(last) = path.len().checked_sub(1) {
            let mut changed = path.clone();
            let n = which.index(path.len());
            changed[n] = flip(&path[n]);
            prop_assert!(!proves_inclusion(&leaf(index), index, size, &changed, &root));
            prop_assert!(!proves_inclusion(&leaf(index), index, size, &path[..last], &root));
        }
        prop_assert!(!proves_inclusion(&leaf(index), index, size, &[path.clone(), vec![root]].concat(), &root));

        let old = index;
        let old_root = root_by_definition(&(0..old).map(leaf).collect::<Vec<_>>());
        let path = tree.consistency(old).unwrap();
        prop_assert!(proves_consistency(old, &old_root, size, &root, &path));
        prop_assert!(!proves_consistency(old, &flip(&old_root), size, &root, &path));
        prop_assert!(!proves_consistency(size + 1, &root, size, &root, &path));
        if old > 0 {
            // The empty tree leads to any other.
            prop_assert!(!proves_consistency(old, &old_root, size, &flip(&root), &path));
            let mut changed = path.clone();
            let n = which.index(path.len());
            changed[n] = flip(&path[n]);
            prop_assert!(!proves_consistency(old, &old_root, size, &root, &changed));
            prop_assert!(!proves_consistency(old, &old_root, size, &root, &path[1..]));
        }
        prop_assert!(!proves_consistency(old, &old_root, size, &root, &[path, vec![root]].concat()));
    }

    /// What a stranger sends proves nothing and costs no more than its length.
    #[test]
    fn no_proof_panics(index: u64, size: u64, path in prop::collection::vec(any::<Hash>(), 0..80), root: Hash) {
        prop_assert!(!proves_inclusion(&[1; 32], index, size, &path, &root));
        prop_assert!(!proves_consistency(index, &[1; 32], size, &root, &path));
    }
}
