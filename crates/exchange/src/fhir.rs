//! FHIR R4 resources of another directory, as NDJSON or Bundles: kept as they are, id and meta included.

use serde::Deserialize;
use serde_json::value::RawValue;

/// The resource types that this program publishes, and hence keeps.
const TYPES: [&str; 6] = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device", "Person"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    resource_type: String,
    id: Option<String>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    request: Option<Request>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
}

/// Reads records; later ones about the same resource win.
#[derive(Default)]
pub(crate) struct Feed {
    /// At least one FHIR document was met.
    pub(crate) seen: bool,
    sequence: u64,
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

impl Feed {
    /// The entity and piece of one record; `None` for one that carries no resource; an error in words.
    pub(crate) fn record(&mut self, member: &str, json: &str) -> Result<Option<(String, Vec<u8>)>, String> {
        if member == "entry" {
            self.seen = true;
            let entry: Entry<'_> = serde_json::from_str(json).map_err(|e| e.to_string())?;
            if let Some(request) = entry.request.filter(|r| r.method == "DELETE") {
                let name = request.url.trim_start_matches('/');
                let known = name.split_once('/').is_some_and(|(ty, id)| TYPES.contains(&ty) && valid_id(id));
                return if known { Ok(Some(self.piece(name, ""))) } else { Err(format!("cannot end {name:?}")) };
            }
            return entry.resource.map_or(Ok(None), |r| self.resource(r.get()));
        }
        self.resource(json)
    }

    fn resource(&mut self, json: &str) -> Result<Option<(String, Vec<u8>)>, String> {
        let head: Head = serde_json::from_str(json).map_err(|e| e.to_string())?;
        self.seen = true;
        match (head.resource_type.as_str(), head.id) {
            ("Bundle" | "OperationOutcome", _) => Ok(None),
            (ty, Some(id)) if TYPES.contains(&ty) && valid_id(&id) => Ok(Some(self.piece(&format!("{ty}/{id}"), &compact(json)))),
            (ty, _) if !TYPES.contains(&ty) => Err(format!("{ty} is not a resource of the directory")),
            (ty, _) => Err(format!("a {ty} without a valid id")),
        }
    }

    fn piece(&mut self, name: &str, json: &str) -> (String, Vec<u8>) {
        self.sequence += 1;
        // Pieces of one entity are sorted: the number in front keeps the order of arrival.
        (format!("FH:{name}"), format!("{:020}{json}", self.sequence).into_bytes())
    }
}

/// The last word of a feed on one resource; `None` when it ended.
pub(crate) fn last<'a>(pieces: &[&'a [u8]]) -> Option<&'a str> {
    str::from_utf8(pieces.last()?.get(20..)?).ok().filter(|json| !json.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{Feed, compact, last};

    #[test]
    fn resources_stay_as_they_are_and_the_last_word_wins() {
        let mut feed = Feed::default();
        let one = r#"{ "resourceType": "Device", "id": "a", "status": "x \" y", "meta": {"versionId": "3"} }"#;
        let (entity, first) = feed.record("", one).unwrap().unwrap();
        assert_eq!(entity, "FH:Device/a");
        assert_eq!(last(&[&first]), Some(r#"{"resourceType":"Device","id":"a","status":"x \" y","meta":{"versionId":"3"}}"#));
        let (_, end) = feed.record("entry", r#"{"request":{"method":"DELETE","url":"Device/a"}}"#).unwrap().unwrap();
        assert_eq!(last(&[&first, &end]), None);
        assert!(feed.record("", r#"{"resourceType":"Patient","id":"a"}"#).is_err());
        assert!(feed.record("", r#"{"resourceType":"Device","id":"a b"}"#).is_err());
        assert_eq!(compact("{ \"a b\" :\n1 }"), "{\"a b\":1}");
    }
}
