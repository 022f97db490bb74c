//! The tree as tiles: written leaf by leaf, read to make proofs.

use crate::limits::TILE_WIDTH;
use crate::merkle::{Hash, Merkle, node_hash};
use crate::tile::Tile;

/// Where tiles are: a directory, a server, a memory.
pub trait TileSource {
    /// Why a tile could not be had.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The bytes of a tile. A wider form of the tile serves too: what it has in addition is not looked at.
    ///
    /// # Errors
    ///
    /// As the source has them; a tile that is not there is one.
    fn tile(&mut self, tile: Tile) -> Result<Vec<u8>, Self::Error>;
}

/// Why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError<E: std::error::Error + Send + Sync + 'static> {
    /// The source does not give a tile.
    #[error("{tile}: {source}")]
    Source {
        /// The tile that was asked for.
        tile: Tile,
        /// What the source says.
        #[source]
        source: E,
    },
    /// A tile is too short, or no sequence of hashes.
    #[error("{tile} has {bytes} bytes where {} belong: it was cut or damaged", tile.bytes())]
    Width {
        /// The tile that was asked for.
        tile: Tile,
        /// Its length.
        bytes: usize,
    },
    /// The question reaches beyond the tree.
    #[error("the tree has {size} leaves, {asked} were asked for")]
    Beyond {
        /// Leaves of the tree.
        size: u64,
        /// Leaves that the question needs.
        asked: u64,
    },
}

/// The hashes of a tile, checked for its width.
fn read<S: TileSource>(source: &mut S, tile: Tile) -> Result<Vec<Hash>, TreeError<S::Error>> {
    let bytes = source.tile(tile).map_err(|source| TreeError::Source { tile, source })?;
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() < usize::from(tile.width()) || hashes.len() > usize::from(TILE_WIDTH) {
        return Err(TreeError::Width { tile, bytes: bytes.len() });
    }
    Ok(hashes[..usize::from(tile.width())].to_vec())
}

/// A tree of a known size that is read through its tiles. Nothing is trusted: a proof that is made from wrong tiles does not verify.
///
/// A root, and a proof, read at most two tiles of each level (12 of them for 5.8 million leaves); the last tile of each level is kept.
#[derive(Debug)]
pub struct TiledTree<S> {
    source: S,
    size: u64,
    /// The tile read last, for each level.
    kept: [Option<(u64, Vec<Hash>)>; Tile::LEVELS as usize],
}

impl<S: TileSource> TiledTree<S> {
    /// The tree of the first `size` leaves.
    pub const fn new(source: S, size: u64) -> Self {
        Self { source, size, kept: [const { None }; Tile::LEVELS as usize] }
    }

    /// Number of leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Where its tiles are.
    pub const fn source(&mut self) -> &mut S {
        &mut self.source
    }

    /// The root.
    ///
    /// # Errors
    ///
    /// A tile cannot be had, or is cut.
    pub fn root(&mut self) -> Result<Hash, TreeError<S::Error>> {
        if self.size == 0 {
            return Ok(Merkle::default().root());
        }
        self.range(0, self.size)
    }

    /// The hashes of leaves `from…` up to the end of their tile, for whoever reads all of them in order.
    ///
    /// # Errors
    ///
    /// There is no such leaf, or its tile cannot be had, or is cut.
    pub fn leaves(&mut self, from: u64) -> Result<&[Hash], TreeError<S::Error>> {
        let width = u64::from(TILE_WIDTH);
        let hashes = self.hashes(0, from / width)?;
        Ok(&hashes[usize::try_from(from % width).unwrap_or(0).min(hashes.len())..])
    }

    /// The proof that leaf number `index` is in the tree (RFC 9162 §2.1.3.1): 23 hashes for 5.8 million leaves.
    ///
    /// # Errors
    ///
    /// There is no such leaf, or a tile cannot be had, or is cut.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, TreeError<S::Error>> {
        if index >= self.size {
            return Err(TreeError::Beyond { size: self.size, asked: index.saturating_add(1) });
        }
        let (mut start, mut end) = (0, self.size);
        let mut path = Vec::new();
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The proof that the first `old` leaves are the beginning of this tree (RFC 9162 §2.1.4.1).
    ///
    /// # Errors
    ///
    /// The tree has fewer leaves, or a tile cannot be had, or is cut.
    pub fn consistency(&mut self, old: u64) -> Result<Vec<Hash>, TreeError<S::Error>> {
        if old > self.size {
            return Err(TreeError::Beyond { size: self.size, asked: old });
        }
        let mut path = Vec::new();
        if old == 0 || old == self.size {
            return Ok(path);
        }
        let (mut start, mut end) = (0, self.size);
        // Until what is left of the old tree is one complete subtree.
        while old != end {
            let middle = start + split(end - start);
            if old <= middle {
                path.push(self.range(middle, end)?);
                end = middle;
            } else {
                path.push(self.range(start, middle)?);
                start = middle;
            }
        }
        // The checker knows it already when it is the whole old tree.
        if start != 0 {
            path.push(self.range(start, end)?);
        }
        path.reverse();
        Ok(path)
    }

    /// The hash of the tree over leaves `start…end`, which RFC 6962 has as a node of a tree.
    fn range(&mut self, start: u64, end: u64) -> Result<Hash, TreeError<S::Error>> {
        let leaves = end - start;
        if leaves.is_power_of_two() {
            return self.complete(start, leaves.trailing_zeros());
        }
        let middle = start + split(leaves);
        let left = self.range(start, middle)?;
        Ok(node_hash(&left, &self.range(middle, end)?))
    }

    /// The root of the complete subtree of height `height` that begins with leaf `start`.
    fn complete(&mut self, start: u64, height: u32) -> Result<Hash, TreeError<S::Error>> {
        let (level, above) = (height / 8, height % 8);
        let first = start >> (8 * level);
        let width = u64::from(TILE_WIDTH);
        let hashes = self.hashes(u8::try_from(level).unwrap_or(Tile::LEVELS), first / width)?;
        let at = usize::try_from(first % width).unwrap_or(usize::MAX);
        Ok(root_of(&hashes[at..at + (1 << above)]))
    }

    fn hashes(&mut self, level: u8, index: u64) -> Result<&[Hash], TreeError<S::Error>> {
        let beyond = || TreeError::Beyond { size: self.size, asked: u64::MAX };
        let tile = Tile::of(self.size, level, index).ok_or_else(beyond)?;
        let kept = &mut self.kept[usize::from(level)];
        if kept.as_ref().is_none_or(|(kept, _)| *kept != index) {
            *kept = Some((index, read(&mut self.source, tile)?));
        }
        Ok(kept.as_ref().map_or(&[], |(_, hashes)| hashes))
    }
}

/// Leaves of the left subtree: the largest power of two below their number.
const fn split(leaves: u64) -> u64 {
    1 << (63 - (leaves - 1).leading_zeros())
}

/// The root over hashes of one level.
fn root_of(hashes: &[Hash]) -> Hash {
    let mut tree = Merkle::default();
    for hash in hashes {
        tree.push(*hash);
    }
    tree.root()
}

/// Appends leaves, and says which tiles are to be written. Holds the partial tiles: 8 kB for each level at most.
///
/// It writes nothing itself, so that whoever stores the tiles decides when they are durable. Full tiles are given once; partial ones are
/// asked for when a checkpoint is made.
#[derive(Debug, Clone, Default)]
pub struct TileAppender {
    size: u64,
    /// The hashes that a partial tile has, for each level.
    partial: [Vec<Hash>; Tile::LEVELS as usize],
}

impl TileAppender {
    /// Goes on after the first `size` leaves of a stored tree. What is stored beyond them is not looked at.
    ///
    /// # Errors
    ///
    /// A partial tile cannot be had, or is cut. Compare [`Self::root`] with the checkpoint before anything is appended.
    pub fn resume<S: TileSource>(size: u64, source: &mut S) -> Result<Self, TreeError<S::Error>> {
        let mut appender = Self { size, ..Self::default() };
        for tile in Tile::partial(size) {
            appender.partial[usize::from(tile.level())] = read(source, tile)?;
        }
        Ok(appender)
    }

    /// Appends a leaf. `write` is given each tile that it completes, from level 0.
    ///
    /// # Errors
    ///
    /// Those of `write`; nothing may be appended after one.
    pub fn push<E>(&mut self, leaf: Hash, mut write: impl FnMut(Tile, &[u8]) -> Result<(), E>) -> Result<(), E> {
        self.size += 1;
        let mut hash = leaf;
        for level in 0..Tile::LEVELS {
            let hashes = &mut self.partial[usize::from(level)];
            hashes.push(hash);
            if hashes.len() < usize::from(TILE_WIDTH) {
                break;
            }
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            if let Some(tile) = Tile::of(self.size, level, index) {
                write(tile, hashes.as_flattened())?;
            }
            hash = root_of(hashes);
            hashes.clear();
        }
        Ok(())
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The partial tiles of the tree as it is, from level 0, with their bytes.
    pub fn partial_tiles(&self) -> impl Iterator<Item = (Tile, &[u8])> {
        Tile::partial(self.size).map(|tile| (tile, self.partial[usize::from(tile.level())].as_flattened()))
    }

    /// The tree that goes on from here, for whoever checks leaves that follow.
    #[must_use]
    pub fn tree(&self) -> Merkle {
        let mut roots = Vec::new();
        for hashes in self.partial.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let (complete, after) = rest.split_at(1 << rest.len().ilog2());
                roots.push(root_of(complete));
                rest = after;
            }
        }
        Merkle::resume(self.size, roots).unwrap_or_default()
    }

    /// The root of the tree as it is.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.tree().root()
    }
}
