//! Groups: the pieces of all files of a call, by source and entity, out of the external sort.

use crate::limits;
use annuaire_batch::sort::{Merge, RecordBuf};
use std::io;
use std::ops::Range;

/// Adds a piece of an entity to `pieces`. `source` is the [number](crate::intake::number) of its source: pieces sort by source,
/// then by entity, in the order of the registry.
pub(crate) fn push_piece(pieces: &mut RecordBuf, source: u8, entity: &str, piece: &[u8]) {
    pieces.push(&[&[source], entity.as_bytes()], piece);
}

/// Some groups in order. The pieces of a group are sorted.
#[derive(Default)]
pub(crate) struct GroupBatch {
    bytes: Vec<u8>,
    pieces: Vec<Range<usize>>,
    groups: Vec<GroupRange>,
}

/// Where a group is in its batch.
struct GroupRange {
    key: Range<usize>,
    pieces: Range<usize>,
}

impl GroupBatch {
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Source and entity of a group.
    pub(crate) fn key(&self, group: usize) -> (u8, &str) {
        let key = &self.bytes[self.groups[group].key.clone()];
        let (source, entity) = key.split_first().unwrap_or((&0, &[]));
        (*source, str::from_utf8(entity).unwrap_or_default())
    }

    /// The pieces of a group.
    pub(crate) fn pieces(&self, group: usize) -> Vec<&[u8]> {
        self.pieces[self.groups[group].pieces.clone()].iter().map(|p| &self.bytes[p.clone()]).collect()
    }

    /// Adds a piece to the last group. A repeated piece of a structure is dropped, and of a resource of a feed only the last
    /// piece is left.
    ///
    /// # Errors
    /// When the group grows beyond [`limits::GROUP_BYTES`] or [`limits::GROUP_PIECES`].
    fn add(&mut self, key: &[u8], piece: &[u8]) -> io::Result<()> {
        let Some(group) = self.groups.last_mut() else { return Ok(()) };
        let last = self.pieces[group.pieces.clone()].last().cloned();
        let kind = key.get(1..4).unwrap_or_default();
        // A structure is repeated on the line of each person who works there.
        if kind == b"ST:" && last.as_ref().is_some_and(|l| self.bytes[l.clone()] == *piece) {
            return Ok(());
        }
        if let Some(last) = last.filter(|_| kind == b"FH:") {
            self.bytes.truncate(last.start);
            self.pieces.pop();
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(piece);
        self.pieces.push(start..self.bytes.len());
        group.pieces.end = self.pieces.len();
        // The size of a single piece is limited where it is made.
        let too_large = self.bytes.len() - group.key.start > limits::GROUP_BYTES && group.pieces.len() > 1;
        if too_large || group.pieces.len() > limits::GROUP_PIECES {
            let name: String = str::from_utf8(&key[1..]).unwrap_or_default().chars().take(40).collect();
            return Err(io::Error::other(format!(
                "one delivery says more of {name} than {} lines or {} bytes: the file repeats itself, or its column \
                 of identifiers is wrong",
                limits::GROUP_PIECES,
                limits::GROUP_BYTES
            )));
        }
        Ok(())
    }
}

/// The next complete groups, at least one and about `bytes` of them; empty at the end.
///
/// # Errors
/// When a group is too large, or when the sorted pieces cannot be read back.
pub(crate) fn next_groups(merge: &mut Merge, bytes: usize) -> io::Result<GroupBatch> {
    let mut batch = GroupBatch::default();
    while let Some((key, piece)) = merge.peek() {
        if batch.groups.last().is_none_or(|g| batch.bytes[g.key.clone()] != *key) {
            if batch.bytes.len() >= bytes {
                break;
            }
            let start = batch.bytes.len();
            batch.bytes.extend_from_slice(key);
            let pieces = batch.pieces.len()..batch.pieces.len();
            batch.groups.push(GroupRange { key: start..batch.bytes.len(), pieces });
        }
        batch.add(key, piece)?;
        merge.advance()?;
    }
    Ok(batch)
}

#[cfg(test)]
mod tests {
    use super::{next_groups, push_piece};
    use annuaire_batch::sort::{RecordBuf, Sorter};

    #[test]
    fn groups_are_the_same_whether_or_not_runs_are_spilled() {
        let all = |budget, bytes, workers| {
            let mut sorter = Sorter::new(budget, None);
            for i in 0..500_u32 {
                let mut pieces = RecordBuf::default();
                let entity = format!("PP:{:03}{}", (i * 7) % 90, ["", "0123456789abc"][i as usize % 2]);
                push_piece(&mut pieces, u8::from(i % 9 == 0), &entity, (i % 11).to_string().as_bytes());
                sorter.extend(&pieces, 0..pieces.len()).unwrap();
            }
            let mut merge = sorter.finish(workers).unwrap();
            let mut out = Vec::new();
            loop {
                let batch = next_groups(&mut merge, bytes).unwrap();
                if batch.len() == 0 {
                    return out;
                }
                for g in 0..batch.len() {
                    let (source, entity) = batch.key(g);
                    let pieces: Vec<Vec<u8>> = batch.pieces(g).into_iter().map(<[u8]>::to_vec).collect();
                    assert!(pieces.is_sorted());
                    out.push((source, entity.to_owned(), pieces));
                }
            }
        };
        let in_memory = all(1 << 20, 1 << 20, 1);
        assert!(in_memory.windows(2).all(|w| (w[0].0, &w[0].1) < (w[1].0, &w[1].1)));
        assert_eq!(in_memory.iter().map(|g| g.2.len()).sum::<usize>(), 500);
        assert_eq!(in_memory, all(2_000, 1 << 20, 3));
        assert_eq!(in_memory, all(2_000, 1, 1));
        assert_eq!(in_memory, all(1 << 20, 100, 7));
    }

    #[test]
    fn a_group_holds_what_matters_and_has_a_limit() {
        let groups = |entity: &str, pieces: &mut dyn Iterator<Item = Vec<u8>>| {
            let mut sorter = Sorter::new(100_000, Some(std::env::temp_dir()));
            let mut buffer = RecordBuf::default();
            for piece in pieces {
                push_piece(&mut buffer, 0, entity, &piece);
            }
            sorter.extend(&buffer, 0..buffer.len()).unwrap();
            next_groups(&mut sorter.finish(1).unwrap(), 1)
        };
        let batch = groups("ST:F1", &mut (0..90_000_u32).map(|n| vec![(n % 3) as u8])).unwrap();
        assert_eq!(batch.pieces(0), [&[0_u8][..], &[1], &[2]], "what is said of a structure once for each person");
        let batch = groups("FH:Device/a", &mut (0..90_000_u32).map(|n| n.to_be_bytes().to_vec())).unwrap();
        assert_eq!(batch.pieces(0), [89_999_u32.to_be_bytes()], "the last word of a feed");
        for (count, len) in [(60_000_u32, 4), (20, 1 << 20)] {
            let many = groups("PP:810999000010", &mut (0..count).map(|n| [n.to_be_bytes().to_vec(), vec![b'x'; len]].concat()));
            let text = many.map(|_| ()).unwrap_err().to_string();
            assert!(text.contains("PP:810999000010") && text.contains("repeats itself"), "{text}");
        }
    }
}
