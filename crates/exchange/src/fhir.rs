//! FHIR R4 resources of another directory, as NDJSON or Bundles: kept as they are, id and meta included.

use crate::{ResourceCheck, limits};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The resource types that this program publishes, and hence keeps.
const TYPES: [&str; 6] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "Person"];

/// Different types that are counted apart.
const FOREIGN: usize = 200;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    resource_type: String,
    id: Option<String>,
}

#[derive(serde::Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    request: Option<Request>,
}

#[derive(serde::Deserialize)]
struct Request {
    method: String,
    url: String,
}

#[derive(serde::Deserialize)]
struct Bundle {
    entry: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct Outcome {
    #[serde(default)]
    issue: Vec<Issue>,
}

#[derive(serde::Deserialize)]
struct Issue {
    diagnostics: Option<String>,
}

/// Any JSON that whoever publishes it can read: numbers in range, whole characters, no member twice, and not deeper than what
/// a parser follows (128).
struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Sound {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(Self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = Vec::new();
        while let Some((Name(name), _)) = map.next_entry::<Name, Self>()? {
            names.push(name);
        }
        names.sort_unstable();
        if names.windows(2).any(|w| w[0] == w[1]) {
            return Err(A::Error::custom("a member is given twice in one object"));
        }
        Ok(self)
    }
}

/// Hash of the name of a member.
struct Name(u64);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Hash;
        impl Visitor<'_> for Hash {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(xxhash_rust::xxh3::xxh3_64(name.as_bytes())))
            }
        }
        d.deserialize_str(Hash)
    }
}

/// Reads records; later ones about the same resource win.
pub(crate) struct Feed {
    /// What may be published is asked of it.
    check: Option<ResourceCheck>,
    /// What is read may be public: what is marked as restricted is refused.
    open: bool,
    /// At least one FHIR document was met.
    pub(crate) seen: bool,
    /// Resources and deletions read.
    pub(crate) read: u64,
    /// Resources of types that the directory does not publish.
    pub(crate) foreign: BTreeMap<String, u64>,
    /// What the first outcome that is a document of its own says.
    pub(crate) outcome: Option<String>,
    sequence: u64,
    /// Number of the last Bundle, and the place of its last entry when it lists the newest first.
    bundle: u64,
    down: Option<u64>,
}

/// Entries of a Bundle that lists the newest first, at most.
const SPAN: u64 = 1 << 25;

/// Numbers left to a file for each byte that it says: an entry says fifty at least, so that they never reach those of the next
/// file, even when every Bundle takes a span.
const PER_BYTE: u64 = 1 << 20;

/// What one record says.
pub(crate) enum Word {
    /// Nothing to keep: the head of a Bundle, an outcome, an entry without resource.
    Nothing,
    /// A resource of a type that the directory does not publish, counted.
    Foreign(String),
    /// An entity and its piece.
    Piece(String, Vec<u8>),
    /// The file holds what must not be public although it was given as open data.
    Restricted(&'static str),
}

/// An id that may stand in a URL (R4 `id`).
fn valid_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// The JSON without white space between its tokens. The order of members and the writing of values stay.
fn compact(json: &str) -> String {
    let (mut out, mut string, mut escape) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if string || !c.is_ascii_whitespace() {
            out.push(c);
        }
        match c {
            _ if escape => escape = false,
            '\\' if string => escape = true,
            '"' => string = !string,
            _ => {}
        }
    }
    out
}

/// Whether a line is a whole resource, and not a Bundle: then the file is NDJSON.
pub(crate) fn is_resource(line: &[u8]) -> bool {
    serde_json::from_slice::<Head>(line).is_ok_and(|h| h.resource_type != "Bundle")
}

impl Feed {
    /// `taken` is the number of bytes that earlier files of the call said, so that the last file has the last word.
    pub(crate) fn new(check: Option<ResourceCheck>, open: bool, taken: u64) -> Self {
        let sequence = taken.saturating_mul(PER_BYTE);
        let foreign = BTreeMap::new();
        Self { check, open, seen: false, read: 0, foreign, outcome: None, sequence, bundle: 0, down: None }
    }

    /// To call before an entry of a Bundle: its number, and its members so far. A history lists the newest version first (R4),
    /// so that of two entries about one resource the first has the last word; its type comes before its entries, as in all
    /// that is written in the order of the specification.
    pub(crate) fn entry_of(&mut self, number: u64, root: &[u8]) {
        if number != self.bundle {
            self.bundle = number;
            let history = b"\"type\":\"history\"";
            self.down = root.windows(history.len()).any(|w| w == history).then(|| {
                self.sequence = self.sequence.saturating_add(SPAN);
                self.sequence
            });
        }
    }

    /// What one record says; an error in words when it is left out.
    pub(crate) fn record(&mut self, member: &str, json: &str) -> Result<Word, String> {
        if member == "entry" {
            let entry: Entry<'_> = serde_json::from_str(json).map_err(|e| e.to_string())?;
            if let Some(request) = entry.request.filter(|r| r.method == "DELETE") {
                let name = request.url.trim_start_matches('/');
                let known = name.split_once('/').is_some_and(|(ty, id)| TYPES.contains(&ty) && valid_id(id));
                let shown: String = name.chars().take(limits::SHOWN_CHARS).collect();
                return if known { Ok(self.piece(name, "")) } else { Err(format!("cannot end {shown:?}")) };
            }
            return entry.resource.map_or(Ok(Word::Nothing), |r| self.resource(r.get(), true));
        }
        self.resource(json, false)
    }

    fn resource(&mut self, json: &str, inside: bool) -> Result<Word, String> {
        let head: Head = serde_json::from_str(json).map_err(|e| e.to_string())?;
        self.seen = true;
        let (ty, id) = (head.resource_type.as_str(), head.id);
        match ty {
            "Bundle" if inside => return Err("a Bundle inside a Bundle".into()),
            "Bundle" => {
                let bundle: Bundle = serde_json::from_str(json).map_err(|e| e.to_string())?;
                return if bundle.entry.is_some() { Err("a Bundle whose entry is no list".into()) } else { Ok(Word::Nothing) };
            }
            "OperationOutcome" => {
                if !inside && self.outcome.is_none() {
                    let outcome: Outcome = serde_json::from_str(json).map_err(|e| e.to_string())?;
                    let said = outcome.issue.into_iter().find_map(|i| i.diagnostics).unwrap_or_default();
                    self.outcome = Some(said.chars().take(limits::SHOWN_CHARS).collect());
                }
                return Ok(Word::Nothing);
            }
            _ => {}
        }
        if !TYPES.contains(&ty) {
            let named = ty.len() <= 64
                && ty.starts_with(|c: char| c.is_ascii_uppercase())
                && ty.bytes().all(|b| b.is_ascii_alphanumeric());
            if !named || (self.foreign.len() >= FOREIGN && !self.foreign.contains_key(ty)) {
                return Err("a resource of a type that does not exist".into());
            }
            *self.foreign.entry(ty.to_owned()).or_default() += 1;
            return Ok(Word::Foreign(ty.to_owned()));
        }
        if self.open {
            if ty == "Person" {
                return Ok(Word::Restricted("a Person, which only the restricted perimeter has"));
            }
            if json.contains("as-dr-") {
                return Ok(Word::Restricted("a resource of a restricted profile (as-dr-)"));
            }
        }
        let Some(id) = id.filter(|id| valid_id(id)) else { return Err(format!("a {ty} without a valid id")) };
        if json.len() > limits::RESOURCE_BYTES {
            return Err(format!("{ty}/{id} takes more than {} bytes", limits::RESOURCE_BYTES));
        }
        serde_json::from_str::<Sound>(json).map_err(|e| format!("{ty}/{id}: {e}"))?;
        let json = compact(json);
        if let Some(check) = self.check {
            check(&json).map_err(|e| format!("{ty}/{id} cannot be published: {e}"))?;
        }
        Ok(self.piece(&format!("{ty}/{id}"), &json))
    }

    fn piece(&mut self, name: &str, json: &str) -> Word {
        self.seen = true;
        self.read += 1;
        let place = if let Some(down) = &mut self.down {
            *down -= 1;
            *down
        } else {
            self.sequence += 1;
            self.sequence
        };
        // Pieces of one entity are sorted: the number in front keeps the order of arrival.
        Word::Piece(format!("FH:{name}"), format!("{place:020}{json}").into_bytes())
    }
}

/// The last word of a feed on one resource; `None` when it ended.
pub(crate) fn last<'a>(pieces: &[&'a [u8]]) -> Option<&'a str> {
    str::from_utf8(pieces.last()?.get(20..)?).ok().filter(|json| !json.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Feed, Word, compact, last};

    fn feed() -> Feed {
        Feed::new(None, false, 0)
    }

    fn piece(word: Result<Word, String>) -> (String, Vec<u8>) {
        match word {
            Ok(Word::Piece(entity, piece)) => (entity, piece),
            Ok(_) => panic!("no piece"),
            Err(e) => panic!("{e}"),
        }
    }

    #[test]
    fn resources_stay_as_they_are_and_the_last_word_wins() {
        let mut feed = feed();
        let one = r#"{ "resourceType": "Device", "id": "a", "status": "x \" y", "meta": {"versionId": "3"} }"#;
        let (entity, first) = piece(feed.record("", one));
        assert_eq!(entity, "FH:Device/a");
        assert_eq!(last(&[&first]), Some(r#"{"resourceType":"Device","id":"a","status":"x \" y","meta":{"versionId":"3"}}"#));
        let (_, end) = piece(feed.record("entry", r#"{"request":{"method":"DELETE","url":"Device/a"}}"#));
        assert_eq!(last(&[&first, &end]), None);
        assert!(matches!(feed.record("", r#"{"resourceType":"Patient","id":"a"}"#), Ok(Word::Foreign(ty)) if ty == "Patient"));
        assert!(feed.record("", r#"{"resourceType":"Device","id":"a b"}"#).is_err());
        assert_eq!(compact("{ \"a b\" :\n1 }"), "{\"a b\":1}");
    }

    #[test]
    fn what_nobody_could_publish_is_not_accepted() {
        let nested = |n: usize| format!("{{\"id\":\"a\",\"x\":{}1{},\"resourceType\":\"Device\"}}", "[".repeat(n), "]".repeat(n));
        assert!(matches!(feed().record("", &nested(100)), Ok(Word::Piece(..))), "resourceType may come last");
        for bad in [
            nested(200),
            nested(100_000),
            r#"{"resourceType":"Device","id":"a","x":"\ud800"}"#.into(),
            r#"{"resourceType":"Device","id":"a","x":"\udc00y"}"#.into(),
            r#"{"resourceType":"Device","id":"a","id":"b"}"#.into(),
            r#"{"resourceType":"Device","id":"a","resourceType":"Person"}"#.into(),
            r#"{"resourceType":"Device","id":"a","meta":{"lastUpdated":"x","lastUpdated":"y"}}"#.into(),
            r#"{"resourceType":"Device","id":"a","x":01}"#.into(),
            r#"{"resourceType":"Device","id":7}"#.into(),
            format!(r#"{{"resourceType":"Device","id":"a","x":"{}"}}"#, "x".repeat(crate::limits::RESOURCE_BYTES)),
        ] {
            assert!(feed().record("", &bad).is_err(), "{}", &bad[..bad.len().min(80)]);
        }
        let mut checked = Feed::new(Some(|json| if json.contains("0001") { Err("year 1".into()) } else { Ok(()) }), false, 0);
        let error =
            checked.record("", r#"{"resourceType":"Device","id":"a","meta":{"lastUpdated":"0001-01-01T00:00:00Z"}}"#).err();
        assert_eq!(error.as_deref(), Some("Device/a cannot be published: year 1"));
        assert_eq!(checked.read, 0);
        assert!(feed().record("entry", r#"{"resource":{"resourceType":"Bundle","entry":[]}}"#).is_err());
        assert!(feed().record("", r#"{"resourceType":"Bundle","entry":{"resource":{}}}"#).is_err());
    }

    #[test]
    fn an_open_feed_that_holds_what_is_restricted_is_refused() {
        let restricted = |open, json| matches!(Feed::new(None, open, 0).record("", json), Ok(Word::Restricted(_)));
        let profile = r#"{"resourceType":"Device","id":"a","meta":{"profile":["https://x.example/as-dr-device"]}}"#;
        for json in [profile, r#"{"resourceType":"Person","id":"a"}"#] {
            assert!(restricted(true, json) && !restricted(false, json), "{json}");
        }
    }
}
