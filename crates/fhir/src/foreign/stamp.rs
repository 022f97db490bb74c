//! Version and instant in the `meta` of a feed's resource, and the text around them.

use crate::limits;
use crate::raw_json::{self, RawMember};
use annuaire_base::date::parse_instant;
use annuaire_terms::ForeignStamp;

/// A resource cut where the store writes version and instant.
pub(super) struct CutResource {
    /// Bytes before the stamp.
    pub(super) before: Vec<u8>,
    /// Bytes after the stamp.
    pub(super) after: Vec<u8>,
    /// The stamp that the feed gave, when its instant can be read.
    pub(super) stamp: Option<ForeignStamp>,
}

/// Cuts a resource at the place of its stamp: where the feed wrote one, at the start of `meta` otherwise. A resource without
/// `meta` gets one after its id, where readers look for it.
pub(super) fn cut(text: &str) -> CutResource {
    let members = raw_json::members(text);
    let member = |name: &str| members.iter().find(|m| m.name == name);
    let Some(meta) = member("meta") else {
        let end = member("id").map_or(1, |id| id.span.end);
        let (head, tail) = text.split_at(end);
        return CutResource {
            before: format!("{head},\"meta\":{{").into_bytes(),
            after: format!("}}{tail}").into_bytes(),
            stamp: None,
        };
    };
    let members = raw_json::members(meta.value);
    let is_stamp = |name: &str| matches!(name, "versionId" | "lastUpdated");
    let position = members.iter().position(|m| is_stamp(&m.name)).unwrap_or(0);
    let others =
        |range: &[RawMember<'_>]| range.iter().filter(|m| !is_stamp(&m.name)).map(|m| m.text).collect::<Vec<_>>().join(",");
    let (before, after) = members.split_at(position);
    let (before, after) = (others(before), others(after));
    let open = meta.span.end - meta.value.len() + 1;
    let close = meta.span.end - 1;
    let comma = if before.is_empty() { "" } else { "," };
    let head = format!("{}{before}{comma}", &text[..open]).into_bytes();
    let tail = format!("{after}{}", &text[close..]).into_bytes();
    let stamp = feed_stamp(&members).map(|mut stamp| {
        if tail.first() != Some(&b'}') {
            stamp.stamp.push(b',');
        }
        stamp
    });
    CutResource { before: head, after: tail, stamp }
}

/// The stamp of a feed, its bytes as written; `None` without an instant. A version that is not a number becomes 1.
fn feed_stamp(members: &[RawMember<'_>]) -> Option<ForeignStamp> {
    let instant = members.iter().find(|m| m.name == "lastUpdated")?;
    let last_updated_ms = plausible_instant(&serde_json::from_str::<String>(instant.value).ok()?)?;
    let version = members.iter().find(|m| m.name == "versionId");
    let (number, written) = match version.and_then(|m| Some((version_number(m)?, m.text))) {
        Some((number, text)) => (number, text.to_owned()),
        None => (1, "\"versionId\":\"1\"".to_owned()),
    };
    let mut both = [written.as_str(), instant.text];
    if version.is_some_and(|v| v.span.start > instant.span.start) {
        both.reverse();
    }
    Some(ForeignStamp { version: Some(number), last_updated_ms, stamp: both.join(",").into_bytes() })
}

/// Milliseconds since 1970 of an instant that is known to the second and carries its offset. Years before 2000 and after 9998
/// are not even read.
fn plausible_instant(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let has_offset = time.ends_with('Z') || time.contains(['+', '-']);
    let year_is_near = date.len() == 10 && date.get(..4).is_some_and(|year| ("2000"..="9998").contains(&year));
    let (ms, _) = (year_is_near && has_offset).then(|| parse_instant(text)).flatten()?;
    Some(ms)
}

/// A version that is a number without leading zeros and within [`limits::VERSION`].
fn version_number(m: &RawMember<'_>) -> Option<u32> {
    let digits = m.value.trim_matches('"');
    let number = digits.parse::<u32>().ok().filter(|n| (1..=limits::VERSION).contains(n))?;
    (number.to_string() == digits).then_some(number)
}
