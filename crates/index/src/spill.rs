//! External sort of (key, row): the terms of a whole country do not fit in memory, and are written once in key order.
//!
//! Values that many rows have (a profession, a town) are few and stay in memory as sets; the others go through sorted runs on
//! disk. Rows come in ascending order, so only the order of keys is to be made.

use roaring::RoaringBitmap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::Row;
use crate::block::{common, put_number};

/// Bytes of keys sorted at a time. Two buffers live at once: one is filled while the other is sorted and written.
const BUFFER: usize = 192 << 20;
/// Most values of one kind (type, parameter, class) kept in memory as sets.
const HOT: u32 = 4_096;

/// Keys of one buffer: length, key, row.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// First bytes of the key, so that most comparisons stay in cache, and where it is.
    places: Vec<(u64, u32)>,
}

impl Buffer {
    fn at(&self, place: u32) -> (&[u8], Row) {
        let at = place as usize;
        let len = usize::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]));
        let key = &self.bytes[at + 2..at + 2 + len];
        let row = &self.bytes[at + 2 + len..at + 6 + len];
        (key, Row::new(u32::from_le_bytes([row[0], row[1], row[2], row[3]])))
    }

    fn sort(&mut self) {
        let mut places = std::mem::take(&mut self.places);
        // Places ascend with rows, so they break ties.
        places.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.at(a.1).0.cmp(self.at(b.1).0)).then(a.1.cmp(&b.1)));
        self.places = places;
    }

    fn write(mut self, dir: &Path) -> io::Result<File> {
        self.sort();
        let mut out = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(dir)?);
        let (mut last, mut entry): (&[u8], Vec<u8>) = (&[], Vec::new());
        for &(_, place) in &self.places {
            let (key, row) = self.at(place);
            let shared = common(last, key);
            entry.clear();
            put_number(&mut entry, shared as u64);
            put_number(&mut entry, (key.len() - shared) as u64);
            entry.extend_from_slice(&key[shared..]);
            entry.extend(row.get().to_le_bytes());
            out.write_all(&entry)?;
            last = key;
        }
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

/// Collects the terms of one transaction.
pub struct Spill {
    dir: PathBuf,
    limit: usize,
    buffer: Buffer,
    hot: HashMap<Box<[u8]>, RoaringBitmap, Xxh3DefaultBuilder>,
    kinds: HashMap<[u8; 3], u32>,
    runs: Vec<File>,
    sorting: Option<JoinHandle<io::Result<File>>>,
}

impl Spill {
    /// `dir` is where runs are written, in files without a name.
    pub fn new(dir: &Path) -> Self {
        Self::with_limit(dir, BUFFER)
    }

    pub fn with_limit(dir: &Path, limit: usize) -> Self {
        Self {
            dir: dir.to_owned(),
            limit,
            buffer: Buffer::default(),
            hot: HashMap::default(),
            kinds: HashMap::new(),
            runs: Vec::new(),
            sorting: None,
        }
    }

    /// Adds a row, above all those already given.
    pub fn push(&mut self, key: &[u8], row: Row) -> io::Result<()> {
        if let Some(rows) = self.hot.get_mut(key) {
            rows.insert(row.get());
            return Ok(());
        }
        let kind = key.first_chunk::<3>().copied().unwrap_or_default();
        // Identifiers and links belong to one row or few: never hot.
        if !matches!(kind[2], crate::key::class::ID | crate::key::class::REFERENCE) {
            let n = self.kinds.entry(kind).or_default();
            if *n < HOT {
                *n += 1;
                self.hot.insert(key.into(), RoaringBitmap::from([row.get()]));
                return Ok(());
            }
        }
        let mut first = [0; 8];
        let n = key.len().min(8);
        first[..n].copy_from_slice(&key[..n]);
        let place = self.buffer.bytes.len() as u32;
        self.buffer.bytes.extend((key.len() as u16).to_le_bytes());
        self.buffer.bytes.extend_from_slice(key);
        self.buffer.bytes.extend(row.get().to_le_bytes());
        self.buffer.places.push((u64::from_be_bytes(first), place));
        if self.buffer.bytes.len() >= self.limit { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        // One run is sorted at a time: memory is bounded, and the other processor goes on.
        self.wait()?;
        let (buffer, dir) = (std::mem::take(&mut self.buffer), self.dir.clone());
        self.sorting = Some(std::thread::spawn(move || buffer.write(&dir)));
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        if let Some(sorting) = self.sorting.take() {
            self.runs.push(sorting.join().map_err(|_| io::Error::other("sorting failed"))??);
        }
        Ok(())
    }

    /// All the terms in key order.
    pub fn sorted(mut self) -> io::Result<Sorted> {
        self.wait()?;
        let open = |file| Run::File { file: BufReader::with_capacity(1 << 20, file), key: Vec::new() };
        let mut runs: Vec<Run> = self.runs.drain(..).map(open).collect();
        self.buffer.sort();
        runs.push(Run::Memory { buffer: self.buffer, next: 0 });
        let mut heap = BinaryHeap::new();
        for (n, run) in runs.iter_mut().enumerate() {
            heap.extend(run.next()?.map(|(key, row)| Reverse((key, n, row))));
        }
        let hot: BTreeMap<Box<[u8]>, RoaringBitmap> = self.hot.into_iter().collect();
        Ok(Sorted { runs, heap, hot: hot.into_iter().peekable() })
    }
}

enum Run {
    File { file: BufReader<File>, key: Vec<u8> },
    Memory { buffer: Buffer, next: usize },
}

fn number(file: &mut BufReader<File>) -> io::Result<Option<usize>> {
    let (mut n, mut shift, mut byte) = (0, 0, [0]);
    loop {
        match file.read(&mut byte)? {
            0 if shift == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
        n |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Some(n));
        }
        shift += 7;
    }
}

impl Run {
    fn next(&mut self) -> io::Result<Option<(Vec<u8>, Row)>> {
        match self {
            Self::Memory { buffer, next } => {
                let place = buffer.places.get(*next).map(|p| p.1);
                *next += 1;
                Ok(place.map(|p| buffer.at(p)).map(|(key, row)| (key.to_vec(), row)))
            }
            Self::File { file, key } => {
                let Some(shared) = number(file)? else { return Ok(None) };
                let len = number(file)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                key.resize(shared + len, 0);
                file.read_exact(&mut key[shared..])?;
                let mut row = [0; 4];
                file.read_exact(&mut row)?;
                Ok(Some((key.clone(), Row::new(u32::from_le_bytes(row)))))
            }
        }
    }
}

/// Terms in key order, each with all its rows in order.
pub struct Sorted {
    runs: Vec<Run>,
    heap: BinaryHeap<Reverse<(Vec<u8>, usize, Row)>>,
    hot: std::iter::Peekable<std::collections::btree_map::IntoIter<Box<[u8]>, RoaringBitmap>>,
}

impl Sorted {
    /// The next term. `rows` is emptied first.
    pub fn next(&mut self, key: &mut Vec<u8>, rows: &mut Vec<Row>) -> io::Result<bool> {
        rows.clear();
        let cold = self.heap.peek().map(|top| top.0.0.as_slice());
        let hot = self.hot.peek().map(|hot| &*hot.0);
        if let Some(first) = hot
            && cold.is_none_or(|cold| first < cold)
        {
            let (k, set) = self.hot.next().unwrap_or_default();
            key.clear();
            key.extend_from_slice(&k);
            rows.extend(set.into_iter().map(Row::new));
            return Ok(true);
        }
        let Some(Reverse((first, n, row))) = self.heap.pop() else { return Ok(false) };
        rows.push(row);
        self.refill(n)?;
        // Runs were filled one after the other: ties come out by run, hence by row.
        while self.heap.peek().is_some_and(|top| top.0.0 == first)
            && let Some(Reverse((_, n, row))) = self.heap.pop()
        {
            if rows.last() != Some(&row) {
                rows.push(row);
            }
            self.refill(n)?;
        }
        *key = first;
        Ok(true)
    }

    fn refill(&mut self, n: usize) -> io::Result<()> {
        self.heap.extend(self.runs[n].next()?.map(|(key, row)| Reverse((key, n, row))));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Terms come out in order with all their rows, through memory, sets and several runs.
    #[test]
    fn sorted_terms_are_those_pushed() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::with_limit(dir.path(), 20_000);
        let mut model: BTreeMap<Vec<u8>, BTreeSet<Row>> = BTreeMap::new();
        for row in 0..6_000_u32 {
            let rare = format!("\u{1}\u{2}\u{4}{:05}", (row * 7_919) % 5_500).into_bytes();
            let id = format!("\u{1}\0\u{9}{:05}", (row * 31) % 1_000).into_bytes();
            for key in [vec![1, 0, 0], rare.clone(), rare, id] {
                spill.push(&key, Row::new(row)).unwrap();
                model.entry(key).or_default().insert(Row::new(row));
            }
        }
        assert!(spill.runs.len() > 1);
        let mut sorted = spill.sorted().unwrap();
        let (mut key, mut rows, mut out) = (Vec::new(), Vec::new(), Vec::new());
        while sorted.next(&mut key, &mut rows).unwrap() {
            out.push((key.clone(), rows.iter().copied().collect::<BTreeSet<_>>()));
            assert!(rows.is_sorted());
        }
        assert!(out.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(out, model.into_iter().collect::<Vec<_>>());
    }
}
