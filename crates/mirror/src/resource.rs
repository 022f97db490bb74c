//! A resource as an origin sends it: checked, and what a mirror must know of it.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

/// What decides which of two versions of a resource is the newer one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceStamp {
    /// `meta.versionId`, empty when the origin gives none.
    pub version: String,
    /// `meta.lastUpdated` in microseconds since 1970 UTC, if the origin gives one.
    pub last_updated_us: Option<i64>,
}

impl ResourceStamp {
    /// Compares by number when both versions are decimal, else by `lastUpdated` (REPL-4); `Equal` also when neither can tell.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        if let (Some(a), Some(b)) = (decimal(&self.version), decimal(&other.version))
            && a != b
        {
            return a.cmp(&b);
        }
        self.compare_times(other)
    }

    /// Compares by `lastUpdated` alone.
    pub(crate) fn compare_times(&self, other: &Self) -> Ordering {
        match (self.last_updated_us, other.last_updated_us) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => Ordering::Equal,
        }
    }
}

fn decimal(version: &str) -> Option<u64> {
    version.bytes().all(|b| b.is_ascii_digit()).then(|| version.parse().ok()).flatten()
}

/// A resource of an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirroredResource {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub stamp: ResourceStamp,
    /// It says that it is not active (`active` false, or the status `inactive` or `entered-in-error`).
    pub inactive: bool,
    /// JSON without white space between tokens, otherwise as it came.
    pub json: String,
}

/// Why a resource was not taken, and its id if it could be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) id: Option<String>,
    pub(crate) reason: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow)]
    resource_type: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(default)]
    meta: Option<Meta>,
    #[serde(default)]
    active: Option<bool>,
    /// A code in most types, something else in some.
    #[serde(default)]
    status: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Meta {
    /// The national service sends a number where R4 has a string.
    #[serde(default)]
    version_id: Option<serde_json::Value>,
    #[serde(default)]
    last_updated: Option<String>,
}

/// The type of a resource, or of a Bundle; `None` when it is no FHIR JSON.
pub(crate) fn type_of(json: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct TypeHead {
        resource_type: String,
    }
    serde_json::from_str::<TypeHead>(json).ok().map(|h| h.resource_type)
}

/// Reads a resource.
pub(crate) fn read(json: &str) -> Result<MirroredResource, Rejection> {
    let head: Head<'_> = serde_json::from_str(json).map_err(|_| Rejection { id: None, reason: "no resource" })?;
    let id = head.id.filter(|id| valid_id(id)).map(Cow::into_owned);
    let reject = |reason| Err(Rejection { id: id.clone(), reason });
    if !valid_type(&head.resource_type) {
        return reject("a type that does not exist");
    }
    let Some(id) = id.clone() else { return reject("no valid id") };
    let Ok(json) = compact_sound(json) else { return reject("damaged JSON") };
    if json.len() > crate::limits::RESOURCE_BYTES {
        return reject("too large");
    }
    let meta = head.meta.unwrap_or_default();
    let version = match meta.version_id {
        Some(serde_json::Value::String(text)) if valid_id(&text) => text,
        Some(serde_json::Value::Number(number)) if number.is_u64() => number.to_string(),
        None | Some(serde_json::Value::Null) => String::new(),
        Some(_) => return reject("no valid versionId"),
    };
    let last_updated_us = match meta.last_updated {
        Some(text) => match instant_us(&text) {
            Some(us) => Some(us),
            None => return reject("no valid lastUpdated"),
        },
        None => None,
    };
    let ended = head.status.as_ref().and_then(|s| s.as_str()).is_some_and(|s| matches!(s, "inactive" | "entered-in-error"));
    Ok(MirroredResource {
        resource_type: head.resource_type.into_owned(),
        id,
        stamp: ResourceStamp { version, last_updated_us },
        inactive: head.active == Some(false) || ended,
        json,
    })
}

/// Microseconds since 1970 of a FHIR instant, whose year has four digits.
pub(crate) fn instant_us(text: &str) -> Option<i64> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.parse::<jiff::Timestamp>().ok().map(|t| t.as_microsecond())
}

/// Whether an id may stand in a URL (R4 `id`).
pub(crate) fn valid_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

/// Whether a text has the form of the name of a type.
pub(crate) fn valid_type(name: &str) -> bool {
    name.len() <= 48 && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Type and id of a reference `Type/id`, such as the URL of a request that deletes. An absolute one ends with them.
pub(crate) fn type_and_id(url: &str) -> Option<(&str, &str)> {
    let mut parts = url.trim_start_matches('/').rsplit('/');
    let (id, ty) = (parts.next()?, parts.next()?);
    (valid_type(ty) && valid_id(id)).then_some((ty, id))
}

/// A short digest of a resource without its version, to see whether two are equal.
pub(crate) fn digest(json: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(json.as_bytes())
}

/// The JSON without white space between tokens, when every reader can take it: complete characters, no NUL, numbers in range, no deeper
/// than parsers go.
fn compact_sound(json: &str) -> Result<String, serde_json::Error> {
    serde_json::from_str::<SoundText>(json)?;
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
    Ok(out)
}

/// JSON without what databases refuse.
struct SoundText;

impl<'de> Deserialize<'de> for SoundText {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for SoundText {
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

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self, E> {
        if text.contains('\0') { Err(E::custom("a NUL character")) } else { Ok(Self) }
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
        while let Some((name, _)) = map.next_entry::<Cow<'_, str>, Self>()? {
            if name.contains('\0') {
                return Err(A::Error::custom("a NUL character"));
            }
            names.push(digest(&name));
        }
        names.sort_unstable();
        if names.windows(2).any(|w| w[0] == w[1]) {
            return Err(A::Error::custom("a member is given twice in one object"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_read_and_kept_as_it_is() {
        let json = r#"{ "resourceType": "Device", "id": "002-1", "x": "a \" b",
            "meta": {"versionId": 3, "lastUpdated": "2026-11-26T10:00:00.123+01:00"}, "status": "inactive" }"#;
        let r = read(json).unwrap();
        assert_eq!(
            (r.resource_type.as_str(), r.id.as_str(), r.stamp.version.as_str(), r.inactive),
            ("Device", "002-1", "3", true)
        );
        assert_eq!(r.stamp.last_updated_us, instant_us("2026-11-26T09:00:00.123Z"));
        assert!(r.json.starts_with(r#"{"resourceType":"Device","id":"002-1","x":"a \" b","meta":{"versionId":3,"#), "{}", r.json);
    }

    #[test]
    fn what_a_database_would_refuse_is_rejected_with_its_id() {
        let deep = format!(r#"{{"resourceType":"Device","id":"a","x":{}1{}}}"#, "[".repeat(300), "]".repeat(300));
        let large = format!(r#"{{"resourceType":"Device","id":"a","x":"{}"}}"#, "x".repeat(crate::limits::RESOURCE_BYTES));
        for (json, reason) in [
            (r#"{"resourceType":"Device","id":"a","x":"\u0000"}"#, "damaged JSON"),
            (r#"{"resourceType":"Device","id":"a","x":{"y":1,"y":2}}"#, "damaged JSON"),
            (r#"{"resourceType":"Device","id":"a","x":"\ud800"}"#, "damaged JSON"),
            (r#"{"resourceType":"Device","id":"a","meta":{"versionId":"a b"}}"#, "no valid versionId"),
            (r#"{"resourceType":"Device","id":"a","meta":{"lastUpdated":"yesterday"}}"#, "no valid lastUpdated"),
            (deep.as_str(), "damaged JSON"),
            (large.as_str(), "too large"),
        ] {
            let rejected = read(json).unwrap_err();
            assert_eq!(rejected.reason, reason, "{}", &json[..json.len().min(90)]);
            assert_eq!(rejected.id.as_deref(), Some("a"));
        }
        for (json, reason) in [
            ("[]", "no resource"),
            (r#"{"resourceType":"Device","id":"../a"}"#, "no valid id"),
            (r#"{"resourceType":"Device"}"#, "no valid id"),
            (r#"{"resourceType":"device-x","id":"a"}"#, "a type that does not exist"),
        ] {
            assert_eq!(read(json).unwrap_err().reason, reason, "{json}");
        }
    }

    #[test]
    fn versions_compare_as_numbers_or_by_time() {
        let stamp = |version: &str, us| ResourceStamp { version: version.into(), last_updated_us: us };
        for (a, b, order) in [
            (stamp("10", Some(1)), stamp("9", Some(2)), Ordering::Greater),
            (stamp("abc", Some(1)), stamp("9", Some(2)), Ordering::Less),
            (stamp("2", Some(5)), stamp("2", Some(4)), Ordering::Greater),
            (stamp("", None), stamp("", None), Ordering::Equal),
            (stamp("x", None), stamp("y", Some(1)), Ordering::Equal),
        ] {
            assert_eq!(a.compare(&b), order, "{a:?} {b:?}");
        }
        assert_eq!(type_and_id("Device/a"), Some(("Device", "a")));
        assert_eq!(type_and_id("https://h.example/fhir/Device/a"), Some(("Device", "a")));
        assert_eq!(type_and_id("Device?a=b"), None);
    }
}
