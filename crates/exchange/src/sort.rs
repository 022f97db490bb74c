//! External merge sort: groups the lines of a national file by key in bounded memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

type Record = (String, Vec<u8>);

/// Collects records, spilling sorted runs to unnamed temporary files.
pub(crate) struct Sorter {
    budget: usize,
    used: usize,
    buffer: Vec<Record>,
    runs: Vec<File>,
}

impl Sorter {
    /// `budget` is the number of bytes held in memory before a run is written.
    pub(crate) fn new(budget: usize) -> Self {
        Self { budget, used: 0, buffer: Vec::new(), runs: Vec::new() }
    }

    pub(crate) fn push(&mut self, key: String, value: Vec<u8>) -> io::Result<()> {
        self.used += key.len() + value.len() + size_of::<Record>();
        self.buffer.push((key, value));
        if self.used > self.budget { self.spill() } else { Ok(()) }
    }

    /// Adds everything that another sorter holds.
    pub(crate) fn absorb(&mut self, other: Self) -> io::Result<()> {
        self.runs.extend(other.runs);
        for (key, value) in other.buffer {
            self.push(key, value)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        self.buffer.sort_unstable();
        let mut out = BufWriter::new(tempfile::tempfile()?);
        for (key, value) in self.buffer.drain(..) {
            for bytes in [key.as_bytes(), &value] {
                let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
                out.write_all(&len.to_le_bytes())?;
                out.write_all(bytes)?;
            }
        }
        let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        self.runs.push(file);
        self.used = 0;
        Ok(())
    }

    /// Ends the collection and returns the groups in key order; values of a group are sorted.
    pub(crate) fn groups(mut self) -> io::Result<Groups> {
        if !self.runs.is_empty() {
            self.spill()?;
        }
        self.buffer.sort_unstable();
        let mut sources: Vec<Box<dyn Iterator<Item = io::Result<Record>>>> = vec![Box::new(self.buffer.into_iter().map(Ok))];
        for run in self.runs {
            sources.push(Box::new(Run(BufReader::new(run))));
        }
        let mut heap = BinaryHeap::new();
        for (n, source) in sources.iter_mut().enumerate() {
            if let Some(record) = source.next().transpose()? {
                heap.push(Reverse((record, n)));
            }
        }
        Ok(Groups { sources, heap })
    }
}

struct Run(BufReader<File>);

impl Run {
    fn bytes(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut len = [0; 4];
        match self.0.read_exact(&mut len) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let mut bytes = vec![0; u32::from_le_bytes(len) as usize];
        self.0.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }
}

impl Iterator for Run {
    type Item = io::Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.bytes().transpose()?;
        Some(key.and_then(|key| {
            let value = self.bytes()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok((String::from_utf8(key).map_err(io::Error::other)?, value))
        }))
    }
}

/// Groups in key order.
pub(crate) struct Groups {
    sources: Vec<Box<dyn Iterator<Item = io::Result<Record>>>>,
    heap: BinaryHeap<Reverse<(Record, usize)>>,
}

impl Iterator for Groups {
    type Item = io::Result<(String, Vec<Vec<u8>>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut group: Option<(String, Vec<Vec<u8>>)> = None;
        loop {
            let same = match (&group, self.heap.peek()) {
                (_, None) => return group.map(Ok),
                (None, Some(_)) => true,
                (Some((key, _)), Some(Reverse(((next, _), _)))) => key == next,
            };
            if !same {
                return group.map(Ok);
            }
            let Reverse(((key, value), n)) = self.heap.pop()?;
            match self.sources[n].next().transpose() {
                Ok(Some(record)) => self.heap.push(Reverse((record, n))),
                Ok(None) => {}
                Err(e) => return Some(Err(e)),
            }
            group.get_or_insert_with(|| (key, Vec::new())).1.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Sorter;

    #[test]
    fn groups_are_the_same_whether_or_not_runs_are_spilled() {
        let all = |budget| {
            let mut s = Sorter::new(budget);
            for i in 0..500_u32 {
                s.push(format!("k{:03}", (i * 7) % 90), (i % 11).to_string().into_bytes()).unwrap();
            }
            s.groups().unwrap().collect::<Result<Vec<_>, _>>().unwrap()
        };
        let in_memory = all(1 << 20);
        assert_eq!(in_memory.len(), 90);
        assert_eq!(in_memory.iter().map(|g| g.1.len()).sum::<usize>(), 500);
        assert_eq!(in_memory, all(600));
    }
}
