//! What a mirror knows of each resource that it holds: version, time, digest. The copy itself is with the sink.

use crate::error::{Error, Result};
use crate::limits;
use crate::record::{read_stamp, stamp_text};
use crate::resource::ResourceStamp;
use crate::segments::{LineForm, Segment};
use serde::{Deserialize, Serialize};

/// The lines of the index: id, version, time, digest and state with tabs between.
pub(crate) const KEY_LINES: LineForm = LineForm { key_of, extension: "keys", target: limits::INDEX_SEGMENT_BYTES };

/// The index of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TypeIndex {
    /// Resources that are there, active or not.
    pub(crate) live: u64,
    pub(crate) segments: Vec<Segment>,
}

/// State of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownState {
    Active,
    Inactive,
    /// Deleted. The line stays, so that an event of before, told again, does not bring the resource back.
    Gone,
}

/// What is known of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownResource {
    pub(crate) stamp: ResourceStamp,
    /// Of its JSON.
    pub(crate) digest: u64,
    pub(crate) state: KnownState,
}

impl KnownResource {
    /// The line of a resource.
    pub(crate) fn line(&self, id: &str) -> String {
        let letter = match self.state {
            KnownState::Active => 'a',
            KnownState::Inactive => 'i',
            KnownState::Gone => 'g',
        };
        format!("{id}\t{}\t{:016x}\t{letter}", stamp_text(&self.stamp), self.digest)
    }

    /// Reads a line.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(line: &[u8]) -> Result<Self> {
        Self::parse(line).ok_or_else(|| Error::State("a line of the index of the mirror is damaged; remove its state".into()))
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let parts: Vec<&str> = str::from_utf8(line).ok()?.split('\t').collect();
        let [_, version, time, digest, letter] = parts.as_slice() else { return None };
        let state = match *letter {
            "a" => KnownState::Active,
            "i" => KnownState::Inactive,
            "g" => KnownState::Gone,
            _ => return None,
        };
        Some(Self { stamp: read_stamp(version, time)?, digest: u64::from_str_radix(digest, 16).ok()?, state })
    }
}

fn key_of(line: &[u8]) -> Option<String> {
    let end = line.iter().position(|b| *b == b'\t')?;
    str::from_utf8(&line[..end]).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for state in [KnownState::Active, KnownState::Inactive, KnownState::Gone] {
            let stamp = ResourceStamp { version: "3".into(), last_updated_us: Some(12) };
            let known = KnownResource { stamp, digest: 0xfe, state };
            let line = known.line("a-1");
            assert_eq!(key_of(line.as_bytes()).as_deref(), Some("a-1"));
            assert_eq!(KnownResource::read(line.as_bytes()).unwrap(), known);
        }
        assert!(KnownResource::read(b"a\t1\t\tzz\ta").is_err());
    }
}
