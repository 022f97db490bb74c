//! Names of tiles (C2SP tlog-tiles): pieces of the tree, 256 hashes wide and eight levels high.

use crate::limits::TILE_WIDTH;
use std::fmt;

/// A tile: hashes `index * 256 …` of the level `8 * level` of the tree. Level 0 holds the hashes of leaves; each hash of a higher level is
/// the root of a full tile below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Why a text names no tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no name of a tile: it is tile/LEVEL/INDEX, the index in groups of three digits such as x001/234, then .p/WIDTH when it is partial"
)]
pub struct NotATile;

impl Tile {
    /// Levels that a tree of 2^64 leaves has.
    pub const LEVELS: u8 = 8;

    /// The tile of a tree of `size` leaves, as wide as that tree makes it; `None` when the tree has none there.
    #[must_use]
    pub fn of(size: u64, level: u8, index: u64) -> Option<Self> {
        let hashes = hashes(size, level);
        let left = hashes.checked_sub(index.checked_mul(u64::from(TILE_WIDTH))?)?;
        let width = u16::try_from(left.min(u64::from(TILE_WIDTH))).ok().filter(|width| *width > 0)?;
        Some(Self { level, index, width })
    }

    /// The partial tiles of a tree of `size` leaves, from level 0: at most one of each level.
    pub fn partial(size: u64) -> impl Iterator<Item = Self> {
        let last = move |level| Self::of(size, level, hashes(size, level) / u64::from(TILE_WIDTH));
        (0..Self::LEVELS).filter_map(last)
    }

    /// Its level, from 0 at the leaves.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Its number within the level, from 0.
    #[must_use]
    pub const fn index(self) -> u64 {
        self.index
    }

    /// Number of its hashes, 1 to 256.
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Whether it will never change.
    #[must_use]
    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The full tile that it becomes.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// Length of its bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.width as usize * 32
    }

    /// Reads a name as [`fmt::Display`] writes it; nothing else names a tile.
    ///
    /// # Errors
    ///
    /// Any other text: another depth of zeros, a width of 0 or 256, a level above 7 (no tree of 2^64 leaves has it).
    pub fn parse(name: &str) -> Result<Self, NotATile> {
        let rest = name.strip_prefix("tile/").ok_or(NotATile)?;
        let (level, rest) = rest.split_once('/').ok_or(NotATile)?;
        let level = decimal(level).filter(|level| *level < u64::from(Self::LEVELS)).ok_or(NotATile)?;
        let (groups, width) = match rest.split_once(".p/") {
            None => (rest, u64::from(TILE_WIDTH)),
            Some((groups, width)) => {
                (groups, decimal(width).filter(|width| (1..u64::from(TILE_WIDTH)).contains(width)).ok_or(NotATile)?)
            }
        };
        let mut index = 0_u64;
        let mut groups = groups.split('/').peekable();
        while let Some(group) = groups.next() {
            let digits = if groups.peek().is_some() { group.strip_prefix('x').ok_or(NotATile)? } else { group };
            if digits.len() != 3 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(NotATile);
            }
            let digits: u64 = digits.parse().map_err(|_| NotATile)?;
            index = index.checked_mul(1_000).and_then(|index| index.checked_add(digits)).ok_or(NotATile)?;
        }
        let tile =
            Self { level: u8::try_from(level).map_err(|_| NotATile)?, index, width: u16::try_from(width).map_err(|_| NotATile)? };
        // A group of zeros before the first one would give a tile a second name.
        (tile.to_string() == name).then_some(tile).ok_or(NotATile)
    }
}

/// Number of hashes that a tree of `size` leaves has at a level of tiles.
const fn hashes(size: u64, level: u8) -> u64 {
    if level < Tile::LEVELS { size >> (8 * level as u32) } else { 0 }
}

/// A number without a sign and without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let is_plain = text == "0" || (!text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Its path below the log, as on disk and in an address: `tile/0/x001/x234/067.p/12`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/", self.level)?;
        let mut groups = vec![self.index % 1_000];
        let mut left = self.index / 1_000;
        while left > 0 {
            groups.push(left % 1_000);
            left /= 1_000;
        }
        while let Some(group) = groups.pop() {
            match groups.is_empty() {
                true => write!(f, "{group:03}")?,
                false => write!(f, "x{group:03}/")?,
            }
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

#[cfg(test)]
mod tests {
    use super::Tile;
    use proptest::prelude::*;

    #[test]
    fn names_are_those_of_the_specification() {
        let tile = Tile { level: 0, index: 1_234_067, width: 256 };
        assert_eq!(tile.to_string(), "tile/0/x001/x234/067");
        assert_eq!(Tile { width: 12, ..tile }.to_string(), "tile/0/x001/x234/067.p/12");
        assert_eq!(Tile { index: 7, ..tile }.to_string(), "tile/0/007");
    }

    /// The two examples of tlog-tiles.
    #[test]
    fn partial_tiles_are_those_of_the_size() {
        let partial = |size| Tile::partial(size).map(|tile| (tile.level, tile.index, tile.width)).collect::<Vec<_>>();
        assert_eq!(partial(70_000), [(0, 273, 112), (1, 1, 17), (2, 0, 1)]);
        assert_eq!(partial(256), [(1, 0, 1)]);
        assert_eq!(partial(0), []);
        assert_eq!(Tile::of(70_000, 0, 272).map(Tile::width), Some(256));
        assert_eq!(Tile::of(70_000, 0, 274), None);
        assert_eq!(Tile::of(u64::MAX, 7, 0).map(Tile::width), Some(255));
        assert_eq!(Tile::of(u64::MAX, 8, 0), None);
        assert_eq!(Tile::of(5, 0, u64::MAX), None);
    }

    #[test]
    fn nothing_else_names_a_tile() {
        for bad in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/00/001",
            "tile/8/001",
            "tile/+1/001",
            "tile/0/1",
            "tile/0/0001",
            "tile/0/x001",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001/x002",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/01",
            "tile/0/001.p/",
            "tile/0/001.p/1/",
            "tile/0/../001",
            "/tile/0/001",
            "tile/0/٠٠١",
            "tile/0/+01",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert!(Tile::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn each_name_leads_back(level in 0..8_u8, index: u64, width in 1..=256_u16) {
            let tile = Tile { level, index, width };
            prop_assert_eq!(Tile::parse(&tile.to_string()), Ok(tile));
        }

        #[test]
        fn no_text_panics(text in "(tile/)?[0-9x/.p]{0,24}") {
            if let Ok(tile) = Tile::parse(&text) {
                prop_assert_eq!(tile.to_string(), text);
            }
        }
    }
}
