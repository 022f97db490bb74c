//! FHIR R4 resources of another directory, as NDJSON or Bundles. They stay as they are, id and meta included.

mod sound_json;

use crate::limits;
use crate::options::ResourceCheck;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sound_json::SoundJson;
use std::collections::BTreeMap;

/// Reads the records of a file into pieces. Of several records about one resource the last one counts.
pub(crate) struct Feed {
    /// Tells whether a resource can be published.
    check: Option<ResourceCheck>,
    /// The file is open data: resources that are marked as restricted are refused.
    open: bool,
    /// At least one FHIR document was met.
    pub(crate) seen: bool,
    /// Resources and deletions read.
    pub(crate) read: u64,
    /// Resources of types that the directory does not publish.
    pub(crate) foreign: BTreeMap<String, u64>,
    /// The diagnostics of the first OperationOutcome that is a document of its own.
    pub(crate) outcome: Option<String>,
    /// The number of the last piece.
    sequence: u64,
    /// Number of the last Bundle, and that of its last piece when it lists the newest first: these numbers count down.
    bundle: u64,
    descending: Option<u64>,
}

/// What one record gives.
pub(crate) enum FeedRecord {
    /// Nothing: the head of a Bundle, an outcome, an entry without resource.
    Nothing,
    /// A resource of a type that the directory does not publish, counted.
    Foreign(String),
    /// An entity and its piece.
    Piece(String, Vec<u8>),
    /// What is restricted in a file of open data.
    Restricted(&'static str),
}

/// Whether a line is a complete resource, and not a Bundle: then the file is NDJSON.
pub(crate) fn is_resource(line: &[u8]) -> bool {
    serde_json::from_slice::<ResourceHead>(line).is_ok_and(|h| h.resource_type != "Bundle")
}

impl Feed {
    /// `added_bytes` is the number of bytes of the pieces of earlier files of the call, so that the last file counts.
    pub(crate) fn new(check: Option<ResourceCheck>, open: bool, added_bytes: u64) -> Self {
        let sequence = added_bytes.saturating_mul(PER_BYTE);
        let foreign = BTreeMap::new();
        Self { check, open, seen: false, read: 0, foreign, outcome: None, sequence, bundle: 0, descending: None }
    }

    /// To call before an entry of a Bundle, with the number of the Bundle and its members so far. A history lists the newest
    /// version first (R4), so that of two entries about one resource the first counts. The type of a Bundle comes before its
    /// entries in whatever is written in the order of the specification.
    pub(crate) fn enter_bundle(&mut self, number: u64, root: &[u8]) {
        if number != self.bundle {
            self.bundle = number;
            let history = b"\"type\":\"history\"";
            self.descending = root.windows(history.len()).any(|w| w == history).then(|| {
                self.sequence = self.sequence.saturating_add(SPAN);
                self.sequence
            });
        }
    }

    /// Reads one record of the member `member` of a document, or of a line when it is empty.
    ///
    /// # Errors
    /// Why the record is left out.
    pub(crate) fn record(&mut self, member: &str, json: &str) -> Result<FeedRecord, String> {
        if member == "entry" {
            let entry: BundleEntry<'_> = serde_json::from_str(json).map_err(|e| e.to_string())?;
            if let Some(request) = entry.request.filter(|r| r.method == "DELETE") {
                let name = request.url.trim_start_matches('/');
                let known = name.split_once('/').is_some_and(|(ty, id)| TYPES.contains(&ty) && valid_id(id));
                let shown: String = name.chars().take(limits::SHOWN_CHARS).collect();
                return if known { Ok(self.piece(name, "")) } else { Err(format!("cannot end {shown:?}")) };
            }
            return entry.resource.map_or(Ok(FeedRecord::Nothing), |r| self.entry_resource(r.get()));
        }
        self.document(json)
    }

    /// A document or a line of its own: a resource, the head of a Bundle or an outcome.
    fn document(&mut self, json: &str) -> Result<FeedRecord, String> {
        let head: ResourceHead = serde_json::from_str(json).map_err(|e| e.to_string())?;
        self.seen = true;
        match head.resource_type.as_str() {
            "Bundle" => {
                let bundle: BundleHead = serde_json::from_str(json).map_err(|e| e.to_string())?;
                if bundle.entry.is_some() { Err("a Bundle whose entry is no list".into()) } else { Ok(FeedRecord::Nothing) }
            }
            "OperationOutcome" => {
                if self.outcome.is_none() {
                    let outcome: OutcomeHead = serde_json::from_str(json).map_err(|e| e.to_string())?;
                    let diagnostics = outcome.issue.into_iter().find_map(|i| i.diagnostics).unwrap_or_default();
                    self.outcome = Some(diagnostics.chars().take(limits::SHOWN_CHARS).collect());
                }
                Ok(FeedRecord::Nothing)
            }
            _ => self.resource(head, json),
        }
    }

    /// The resource of an entry of a Bundle.
    fn entry_resource(&mut self, json: &str) -> Result<FeedRecord, String> {
        let head: ResourceHead = serde_json::from_str(json).map_err(|e| e.to_string())?;
        self.seen = true;
        match head.resource_type.as_str() {
            "Bundle" => Err("a Bundle inside a Bundle".into()),
            "OperationOutcome" => Ok(FeedRecord::Nothing),
            _ => self.resource(head, json),
        }
    }

    fn resource(&mut self, head: ResourceHead, json: &str) -> Result<FeedRecord, String> {
        let (ty, id) = (head.resource_type.as_str(), head.id);
        if !TYPES.contains(&ty) {
            let named = ty.len() <= 64
                && ty.starts_with(|c: char| c.is_ascii_uppercase())
                && ty.bytes().all(|b| b.is_ascii_alphanumeric());
            if !named || (self.foreign.len() >= FOREIGN_TYPES && !self.foreign.contains_key(ty)) {
                return Err("a resource of a type that does not exist".into());
            }
            *self.foreign.entry(ty.to_owned()).or_default() += 1;
            return Ok(FeedRecord::Foreign(ty.to_owned()));
        }
        if self.open {
            if ty == "Person" {
                return Ok(FeedRecord::Restricted("a Person, which only the restricted perimeter has"));
            }
            if json.contains("as-dr-") {
                return Ok(FeedRecord::Restricted("a resource of a restricted profile (as-dr-)"));
            }
        }
        let Some(id) = id.filter(|id| valid_id(id)) else { return Err(format!("a {ty} without a valid id")) };
        if json.len() > limits::RESOURCE_BYTES {
            return Err(format!("{ty}/{id} takes more than {} bytes", limits::RESOURCE_BYTES));
        }
        serde_json::from_str::<SoundJson>(json).map_err(|e| format!("{ty}/{id}: {e}"))?;
        let json = compact(json);
        if let Some(check) = self.check {
            check(&json).map_err(|e| format!("{ty}/{id} cannot be published: {e}"))?;
        }
        Ok(self.piece(&format!("{ty}/{id}"), &json))
    }

    fn piece(&mut self, name: &str, json: &str) -> FeedRecord {
        self.seen = true;
        self.read += 1;
        let number = if let Some(number) = &mut self.descending {
            *number -= 1;
            *number
        } else {
            self.sequence += 1;
            self.sequence
        };
        // Pieces of one entity are sorted: the number in front keeps the order of arrival.
        FeedRecord::Piece(format!("FH:{name}"), format!("{number:020}{json}").into_bytes())
    }
}

/// The last resource of a group of a feed, as JSON; `None` when it ended.
pub(crate) fn last_resource<'a>(pieces: &[&'a [u8]]) -> Option<&'a str> {
    str::from_utf8(pieces.last()?.get(20..)?).ok().filter(|json| !json.is_empty())
}

/// The resource types that this program publishes, and hence imports.
const TYPES: [&str; 6] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "Person"];

/// Number of foreign types that are counted apart.
const FOREIGN_TYPES: usize = 200;

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceHead {
    resource_type: String,
    id: Option<String>,
}

#[derive(serde::Deserialize)]
struct BundleEntry<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    request: Option<EntryRequest>,
}

#[derive(serde::Deserialize)]
struct EntryRequest {
    method: String,
    url: String,
}

#[derive(serde::Deserialize)]
struct BundleHead {
    entry: Option<IgnoredAny>,
}

#[derive(serde::Deserialize)]
struct OutcomeHead {
    #[serde(default)]
    issue: Vec<OutcomeIssue>,
}

#[derive(serde::Deserialize)]
struct OutcomeIssue {
    diagnostics: Option<String>,
}

/// Most entries of a Bundle that lists the newest first.
const SPAN: u64 = 1 << 25;

/// Numbers left to a file for each byte of its pieces: the shortest one takes 34 bytes, so that the numbers never reach
/// those of the next file, even when every Bundle takes a span.
const PER_BYTE: u64 = 1 << 20;

/// Whether an id may stand in a URL (R4 `id`).
fn valid_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// The JSON without white space between its tokens. The order of members and the spelling of numbers and strings stay, which
/// no serializer of `serde_json` leaves: a `RawValue` keeps the white space, and a `Value` spells numbers and escapes anew.
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

#[cfg(test)]
mod tests {
    use super::{Feed, FeedRecord, compact, last_resource};

    fn feed() -> Feed {
        Feed::new(None, false, 0)
    }

    fn piece(word: Result<FeedRecord, String>) -> (String, Vec<u8>) {
        match word {
            Ok(FeedRecord::Piece(entity, piece)) => (entity, piece),
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
        assert_eq!(
            last_resource(&[&first]),
            Some(r#"{"resourceType":"Device","id":"a","status":"x \" y","meta":{"versionId":"3"}}"#)
        );
        let (_, end) = piece(feed.record("entry", r#"{"request":{"method":"DELETE","url":"Device/a"}}"#));
        assert_eq!(last_resource(&[&first, &end]), None);
        assert!(
            matches!(feed.record("", r#"{"resourceType":"Patient","id":"a"}"#), Ok(FeedRecord::Foreign(ty)) if ty == "Patient")
        );
        assert!(feed.record("", r#"{"resourceType":"Device","id":"a b"}"#).is_err());
        assert_eq!(compact("{ \"a b\" :\n1 }"), "{\"a b\":1}");
    }

    #[test]
    fn what_nobody_could_publish_is_not_accepted() {
        let nested = |n: usize| format!("{{\"id\":\"a\",\"x\":{}1{},\"resourceType\":\"Device\"}}", "[".repeat(n), "]".repeat(n));
        assert!(matches!(feed().record("", &nested(100)), Ok(FeedRecord::Piece(..))), "resourceType may come last");
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
        let restricted = |open, json| matches!(Feed::new(None, open, 0).record("", json), Ok(FeedRecord::Restricted(_)));
        let profile = r#"{"resourceType":"Device","id":"a","meta":{"profile":["https://x.example/as-dr-device"]}}"#;
        for json in [profile, r#"{"resourceType":"Person","id":"a"}"#] {
            assert!(restricted(true, json) && !restricted(false, json), "{json}");
        }
    }
}
