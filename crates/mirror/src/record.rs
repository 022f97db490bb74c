//! What an origin says of one resource, in the form in which it is gathered, kept on disk and sorted.

use crate::resource::{MirroredResource, ResourceStamp};

/// How an origin came to speak of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// It shows the resource as it is now: a search, a read, a published file.
    Present,
    /// It was asked for this one resource by name, because a list showed another version of it.
    Confirmed,
    /// It tells what happened to it: a history. A later event may have come before.
    Event,
}

/// What an origin says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The resource is this.
    Is { evidence: Evidence, inactive: bool, json: String },
    /// It has this version; what it is was not asked. Reconciliation only.
    Exists,
    /// It was deleted.
    Deleted,
    /// It exists, but what was sent cannot be used: what stands of it stays.
    Kept,
}

/// What an origin says of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) resource_type: String,
    pub(crate) id: String,
    pub(crate) stamp: ResourceStamp,
    pub(crate) said: Said,
}

impl Record {
    pub(crate) fn new(resource_type: &str, id: &str, stamp: ResourceStamp, said: Said) -> Self {
        Self { resource_type: resource_type.to_owned(), id: id.to_owned(), stamp, said }
    }

    /// What a resource says of itself.
    pub(crate) fn of(resource: MirroredResource, evidence: Evidence) -> Self {
        let MirroredResource { resource_type, id, stamp, inactive, json } = resource;
        Self { resource_type, id, stamp, said: Said::Is { evidence, inactive, json } }
    }

    /// Writes all but type and id: a letter, the version, the time, and the JSON, with tabs between.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let (letter, json) = match &self.said {
            Said::Is { evidence: Evidence::Present, inactive: false, json } => (b'P', json.as_str()),
            Said::Is { evidence: Evidence::Present, inactive: true, json } => (b'p', json.as_str()),
            Said::Is { evidence: Evidence::Confirmed, inactive: false, json } => (b'C', json.as_str()),
            Said::Is { evidence: Evidence::Confirmed, inactive: true, json } => (b'c', json.as_str()),
            Said::Is { evidence: Evidence::Event, inactive: false, json } => (b'E', json.as_str()),
            Said::Is { evidence: Evidence::Event, inactive: true, json } => (b'e', json.as_str()),
            Said::Exists => (b'X', ""),
            Said::Deleted => (b'D', ""),
            Said::Kept => (b'K', ""),
        };
        out.push(letter);
        out.extend_from_slice(stamp_text(&self.stamp).as_bytes());
        out.push(b'\t');
        out.extend_from_slice(json.as_bytes());
    }

    /// Reads what [`Record::write`] wrote; `None` when it is nothing of that kind.
    pub(crate) fn read(resource_type: &str, id: &str, bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let letter = *text.as_bytes().first()?;
        let mut parts = text.get(1..)?.splitn(3, '\t');
        let stamp = read_stamp(parts.next()?, parts.next()?)?;
        let json = parts.next()?;
        let is = |evidence, inactive| Said::Is { evidence, inactive, json: json.to_owned() };
        let said = match letter {
            b'P' => is(Evidence::Present, false),
            b'p' => is(Evidence::Present, true),
            b'C' => is(Evidence::Confirmed, false),
            b'c' => is(Evidence::Confirmed, true),
            b'E' => is(Evidence::Event, false),
            b'e' => is(Evidence::Event, true),
            b'X' => Said::Exists,
            b'D' => Said::Deleted,
            b'K' => Said::Kept,
            _ => return None,
        };
        Some(Self::new(resource_type, id, stamp, said))
    }
}

/// Version and time with a tab between; both may be empty.
pub(crate) fn stamp_text(stamp: &ResourceStamp) -> String {
    let time = stamp.last_updated_us.map(|us| us.to_string()).unwrap_or_default();
    format!("{}\t{time}", stamp.version)
}

/// Reads the two parts of [`stamp_text`].
pub(crate) fn read_stamp(version: &str, time: &str) -> Option<ResourceStamp> {
    let last_updated_us = if time.is_empty() { None } else { Some(time.parse().ok()?) };
    Some(ResourceStamp { version: version.to_owned(), last_updated_us })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let stamp = ResourceStamp { version: "7".into(), last_updated_us: Some(-5) };
        let is = |evidence, inactive| Said::Is { evidence, inactive, json: "{\"a\":\"\\t\"}".into() };
        for said in [
            is(Evidence::Present, true),
            is(Evidence::Event, false),
            is(Evidence::Confirmed, true),
            Said::Exists,
            Said::Deleted,
            Said::Kept,
        ] {
            for stamp in [stamp.clone(), ResourceStamp::default()] {
                let record = Record::new("Device", "a", stamp, said.clone());
                let mut bytes = Vec::new();
                record.write(&mut bytes);
                assert_eq!(Record::read("Device", "a", &bytes), Some(record));
            }
        }
        assert_eq!(Record::read("Device", "a", b"Z\t\t"), None);
        assert_eq!(Record::read("Device", "a", b"P1"), None);
    }
}
