//! Resources of other directories: their own bytes, under the versions and instants of this log.

use crate::{Perimeter, View, extract, limits, perimeter, raw, schema};
use annuaire_base::date::parse_instant;
use annuaire_terms::{ForeignStamp, Presence, Resource, TypeId};
use serde_json::Value;
use std::borrow::Cow;

/// The stamps of a feed, where they may stay: in the first transaction of a log, that of a directory that was empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamps {
    /// This log says version and instant (LOG-3, LOG-4).
    Log,
    /// Those of the feed stay when their instant is between [`limits::FIRST_INSTANT`] and this one, in milliseconds.
    Feed {
        /// Instant of the transaction.
        before_ms: i64,
    },
}

/// A resource that was read, of which some is shown.
struct Read<'a> {
    ty: TypeId,
    id: String,
    text: Cow<'a, str>,
    value: Value,
}

/// Reads a resource as publication needs it; `None` when a perimeter shows nothing of it.
fn read(view: View, json: &str) -> Result<Option<Read<'_>>, String> {
    if json.len() > limits::RESOURCE {
        return Err(format!("it is longer than {} bytes", limits::RESOURCE));
    }
    let value: Value = serde_json::from_str(json).map_err(|e| format!("it is not JSON that can be published: {e}"))?;
    let name = value.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let ty = schema::type_id(name).ok_or_else(|| format!("{name:?} is not a resource of the directory"))?;
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let letters = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if !(letters && (1..=annuaire_terms::limits::ID).contains(&id.len())) {
        return Err(format!("{id:?} is not an id (1 to 64 letters, digits, dashes and dots)"));
    }
    once(json, "the resource")?;
    if let Some(meta) = value.get("meta") {
        if !meta.is_object() {
            return Err("its meta is not an object".to_owned());
        }
        let all = raw::members(json);
        once(all.iter().find(|m| m.name == "meta").map_or("", |m| m.value), "meta")?;
    }
    if view.perimeter == Perimeter::Restricted {
        return Ok(Some(Read { ty, id, text: Cow::Borrowed(json), value }));
    }
    let Some(text) = perimeter::public_resource(json, &value) else { return Ok(None) };
    let value = match &text {
        Cow::Borrowed(_) => value,
        Cow::Owned(part) => serde_json::from_str(part).map_err(|e| format!("its public part cannot be made: {e}"))?,
    };
    Ok(Some(Read { ty, id, text, value }))
}

/// A member that is given twice is read in one way by some and in another by others.
fn once(object: &str, what: &str) -> Result<(), String> {
    let mut names: Vec<String> = raw::members(object).into_iter().map(|m| m.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|two| two[0] == two[1]) {
        Some(two) => Err(format!("{what} has {:?} twice", two[0])),
        None => Ok(()),
    }
}

/// Version, instant in milliseconds and bytes of the stamp of a feed.
type Stamp = (u32, i64, Vec<u8>);

/// The text before and after the stamp, and the stamp that it has.
fn split(text: &str) -> (Vec<u8>, Vec<u8>, Option<Stamp>) {
    let all = raw::members(text);
    let at = |name: &str| all.iter().find(|m| m.name == name);
    let Some(meta) = at("meta") else {
        // After the id, where readers look for it.
        let end = at("id").map_or(1, |id| id.place.end);
        let (head, tail) = text.split_at(end);
        return (format!("{head},\"meta\":{{").into_bytes(), format!("}}{tail}").into_bytes(), None);
    };
    let members = raw::members(meta.value);
    let is_stamp = |name: &str| matches!(name, "versionId" | "lastUpdated");
    let place = members.iter().position(|m| is_stamp(&m.name)).unwrap_or(0);
    let others =
        |range: &[raw::Member<'_>]| range.iter().filter(|m| !is_stamp(&m.name)).map(|m| m.whole).collect::<Vec<_>>().join(",");
    let (before, after) = members.split_at(place);
    let (before, after) = (others(before), others(after));
    let open = meta.place.end - meta.value.len() + 1;
    let close = meta.place.end - 1;
    let comma = if before.is_empty() { "" } else { "," };
    let head = format!("{}{before}{comma}", &text[..open]).into_bytes();
    let tail = format!("{after}{}", &text[close..]).into_bytes();
    let stamp = stamp_of(&members, tail.first() != Some(&b'}'));
    (head, tail, stamp)
}

/// The stamp that a feed says; `None` without an instant. `more`: a member follows it.
fn stamp_of(members: &[raw::Member<'_>], more: bool) -> Option<Stamp> {
    let instant = members.iter().find(|m| m.name == "lastUpdated")?;
    let text: String = serde_json::from_str(instant.value).ok()?;
    // An instant is known to the second and says its offset; years before the first one are not even read.
    let (date, time) = text.split_once('T')?;
    let offset = time.ends_with('Z') || time.contains(['+', '-']);
    let near = date.len() == 10 && date.get(..4).is_some_and(|year| ("2000"..="9998").contains(&year));
    let (ms, _) = (near && offset).then(|| parse_instant(&text)).flatten()?;
    let version = members.iter().find(|m| m.name == "versionId");
    let number = |m: &raw::Member<'_>| {
        let digits = m.value.trim_matches('"');
        let number = digits.parse::<u32>().ok().filter(|n| (1..=limits::VERSION).contains(n))?;
        (number.to_string() == digits).then_some(number)
    };
    let (n, said) = match version.and_then(|m| Some((number(m)?, m.whole))) {
        Some((n, whole)) => (n, whole.to_owned()),
        None => (1, "\"versionId\":\"1\"".to_owned()),
    };
    let mut both = [said.as_str(), instant.whole];
    if version.is_some_and(|v| v.place.start > instant.place.start) {
        both.reverse();
    }
    let mut stamp = both.join(",").into_bytes();
    if more {
        stamp.push(b',');
    }
    Some((n, ms, stamp))
}

/// A resource of another directory: its bytes, under the stamps that `stamps` says. `None` when this perimeter shows nothing
/// of it.
///
/// # Errors
/// In words, when it cannot be published.
pub fn foreign(view: View, json: &str, stamps: Stamps) -> Result<Option<Resource>, String> {
    let Some(Read { ty, id, text, value }) = read(view, json)? else { return Ok(None) };
    let (before, after, stamp) = split(&text);
    let kept = stamp.and_then(|(version, ms, stamp)| match stamps {
        Stamps::Feed { before_ms } if (limits::FIRST_INSTANT..=before_ms).contains(&ms) => {
            Some(ForeignStamp { version: Some(version), last_updated_ms: ms, stamp })
        }
        _ => None,
    });
    let terms = extract::terms(schema::TYPES[usize::from(ty)], &value);
    let resource = Resource { ty, id, before, after, terms, foreign_stamp: kept, presence: Presence::Described };
    resource.check().map_err(|e| e.to_string())?;
    Ok(Some(resource))
}

/// Reduced form of a resource that another directory deleted (fhir-api §11): what it is known by, and that it is not active.
///
/// # Errors
/// As [`foreign`].
pub fn inactive_foreign(view: View, json: &str) -> Result<Option<Resource>, String> {
    let Some(Read { ty, id, text, .. }) = read(view, json)? else { return Ok(None) };
    let name = schema::TYPES[usize::from(ty)];
    let all = raw::members(&text);
    let value_of = |member: &str| all.iter().find(|m| m.name == member).map(|m| m.value);
    let before = format!("{{\"resourceType\":\"{name}\",\"id\":\"{id}\",\"meta\":{{").into_bytes();
    let meta = value_of("meta").map(raw::members).unwrap_or_default();
    let mut after: Vec<String> = Vec::new();
    let said = meta.iter().filter(|m| matches!(m.name.as_str(), "source" | "profile")).map(|m| m.whole).collect::<Vec<_>>();
    after.push(said.join(",") + "}");
    let mut keep = |member: &str| {
        if let Some(value) = value_of(member) {
            after.push(format!("\"{member}\":{value}"));
        }
    };
    keep("language");
    keep("identifier");
    match name {
        "Device" => after.push("\"status\":\"inactive\"".to_owned()),
        "PractitionerRole" => {
            keep("practitioner");
            after.push("\"active\":false".to_owned());
        }
        "Organization" => {
            keep("name");
            after.push("\"active\":false".to_owned());
        }
        _ => after.push("\"active\":false".to_owned()),
    }
    let after = after.join(",") + "}";
    let whole = format!("{}{after}", String::from_utf8_lossy(&before));
    let value: Value = serde_json::from_str(&whole).map_err(|e| format!("its reduced form cannot be made: {e}"))?;
    let terms = extract::terms(name, &value);
    let resource =
        Resource { ty, id, before, after: after.into_bytes(), terms, foreign_stamp: None, presence: Presence::Withdrawn };
    resource.check().map_err(|e| e.to_string())?;
    Ok(Some(resource))
}

/// Whether a resource of a feed can be published, in both perimeters, and withdrawn later: the code that publishes is asked.
///
/// # Errors
/// Why it cannot, in words.
pub fn check(json: &str) -> Result<(), String> {
    for perimeter in [Perimeter::Public, Perimeter::Restricted] {
        let view = View { guide: crate::Guide::default(), perimeter };
        foreign(view, json, Stamps::Log)?;
        inactive_foreign(view, json)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Stamps, check, foreign, inactive_foreign};
    use crate::{Guide, Perimeter, View};
    use annuaire_terms::Resource;
    use serde_json::{Value, json};

    const PUBLIC: View = View { guide: Guide::V120, perimeter: Perimeter::Public };
    const RESTRICTED: View = View { guide: Guide::V120, perimeter: Perimeter::Restricted };
    const NOW: i64 = 1_700_000_000_000;

    fn body(r: &Resource) -> String {
        let stamp = r.foreign_stamp.as_ref().map_or_else(|| b"\"STAMP\":0".to_vec(), |k| k.stamp.clone());
        let comma: &[u8] = if r.foreign_stamp.is_none() && r.after.first() != Some(&b'}') { b"," } else { b"" };
        String::from_utf8([&r.before[..], &stamp, comma, &r.after].concat()).unwrap()
    }

    fn made(view: View, json: &str, stamps: Stamps) -> Resource {
        foreign(view, json, stamps).unwrap().unwrap()
    }

    #[test]
    fn a_stamp_of_the_log_takes_the_place_of_the_one_sent_and_other_bytes_stay() {
        let cases = [
            (r#"{"resourceType":"Device","id":"a"}"#, r#"{"resourceType":"Device","id":"a","meta":{"STAMP":0}}"#),
            (
                r#"{"id":"a","resourceType":"Device","status":"active"}"#,
                r#"{"id":"a","meta":{"STAMP":0},"resourceType":"Device","status":"active"}"#,
            ),
            (
                r#"{"resourceType":"Device","id":"a","meta":{"versionId":"3","lastUpdated":"0001-01-01T00:00:00Z"},"x":1.10}"#,
                r#"{"resourceType":"Device","id":"a","meta":{"STAMP":0},"x":1.10}"#,
            ),
            (
                r#"{"resourceType":"Device","id":"a","meta":{"source":"s","lastUpdated":5,"profile":["p"],"versionId":9}}"#,
                r#"{"resourceType":"Device","id":"a","meta":{"source":"s","STAMP":0,"profile":["p"]}}"#,
            ),
            (
                r#"{"resourceType":"Device","id":"a","meta":{"source":"s"}}"#,
                r#"{"resourceType":"Device","id":"a","meta":{"STAMP":0,"source":"s"}}"#,
            ),
        ];
        for (sent, want) in cases {
            assert_eq!(body(&made(RESTRICTED, sent, Stamps::Log)), want);
        }
    }

    #[test]
    fn the_first_load_keeps_stamps_that_can_be_true() {
        let first = Stamps::Feed { before_ms: NOW };
        let with = |meta: &str| format!(r#"{{"resourceType":"Device","id":"a","meta":{{{meta}}},"status":"active"}}"#);
        for (meta, version, ms) in [
            (r#""versionId":"7","lastUpdated":"2020-05-01T02:00:00.000+02:00""#, 7, 1_588_291_200_000),
            (r#""lastUpdated":"2020-05-01T00:00:00Z","versionId":7,"source":"s""#, 7, 1_588_291_200_000),
        ] {
            let r = made(RESTRICTED, &with(meta), first);
            let kept = r.foreign_stamp.clone().unwrap();
            assert_eq!((body(&r), kept.version, kept.last_updated_ms), (with(meta), Some(version), ms));
        }
        let r = made(RESTRICTED, &with(r#""versionId":"abc","lastUpdated":"2020-05-01T00:00:00Z""#), first);
        assert_eq!(body(&r), with(r#""versionId":"1","lastUpdated":"2020-05-01T00:00:00Z""#));
        for absurd in
            ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "1999-12-31T23:59:59Z", "2020-05-01", "hier", "2030-01-01T00:00:00Z"]
        {
            let meta = format!(r#""versionId":"7","lastUpdated":"{absurd}""#);
            assert_eq!(made(RESTRICTED, &with(&meta), first).foreign_stamp, None, "{absurd}");
        }
    }

    #[test]
    fn what_cannot_be_published_is_said_before() {
        let deep = format!(r#"{{"resourceType":"Device","id":"a","x":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
        let long = format!(r#"{{"resourceType":"Device","id":"a","x":"{}"}}"#, "y".repeat(crate::limits::RESOURCE));
        for (json, word) in [
            (deep.as_str(), "recursion"),
            (r#"{"resourceType":"Device","id":"a","manufacturer":"\ud800"}"#, "hex escape"),
            (r#"{"resourceType":"Patient","id":"a"}"#, "Patient"),
            (r#"{"resourceType":"Device","id":"a b"}"#, "id"),
            (r#"{"resourceType":"Device"}"#, "id"),
            (r#"{"resourceType":"Device","id":"a","meta":[]}"#, "meta"),
            (r#"{"resourceType":"Device","id":"a","meta":{},"meta":{}}"#, "twice"),
            (r#"{"resourceType":"Device","id":"a","meta":{"lastUpdated":"x","lastUpdated":"y"}}"#, "twice"),
            (r#"{"resourceType":"Device","id":"a""#, "JSON"),
            (long.as_str(), "longer"),
        ] {
            let said = check(json).unwrap_err();
            assert!(said.contains(word), "{said}");
        }
        for fine in [
            r#"{"resourceType":"Device","id":"a","meta":{"lastUpdated":"0001-01-01T00:00:00Z"}}"#,
            r#"{"resourceType":"Person","id":"p","birthDate":"absurd"}"#,
            r#"{"resourceType":"Practitioner","id":"p","telecom":"no array","extension":[1,null]}"#,
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    /// The samples of the guide are public as they are.
    #[test]
    fn public_samples_lose_nothing() {
        for sample in crate::samples::PUBLIC {
            let json = serde_json::from_str::<Value>(sample).unwrap().to_string();
            let kept = made(PUBLIC, &json, Stamps::Feed { before_ms: i64::MAX });
            assert_eq!(serde_json::from_str::<Value>(&body(&kept)).unwrap(), serde_json::from_str::<Value>(sample).unwrap());
        }
    }

    #[test]
    fn only_what_is_named_is_public() {
        let email = json!({"url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-contact-point-email-type", "valueCoding": {"code": "MSSANTE"}});
        let metadata = |more: Value| json!({"url": "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-mailbox-mss-metadata", "extension": [more]});
        let secret = json!({
            "resourceType": "Practitioner", "id": "p", "implicitRules": "SECRET",
            "meta": {"tag": [{"code": "SECRET"}], "source": "s"},
            "text": {"status": "generated", "div": "<div>SECRET</div>"}, "contained": [{"resourceType": "Person", "id": "SECRET"}],
            "extension": [{"url": "urn:SECRET", "valueString": "SECRET"},
                {"url": "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-smartcard", "extension": [
                    {"url": "number", "valueString": "1"}, {"url": "oppositionDate", "valueDateTime": "SECRET"}], "id": "SECRET"}],
            "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": "10999000001", "period": {"start": "SECRET"}, "assigner": {"display": "SECRET"}},
                {"system": "urn:oid:1.2.250.1.213.1.4.8", "value": "SECRET"}, {"value": "SECRET"}],
            "active": true, "birthDate": "SECRET", "_birthDate": {"extension": [{"url": "SECRET"}]}, "gender": "SECRET", "photo": [{"data": "SECRET"}],
            "name": [{"use": "maiden", "family": "SECRET"}, {"use": "usual", "family": "A", "given": ["B"], "_given": [{"id": "SECRET"}], "period": {"start": "SECRET"}},
                {"use": "official", "family": "SECRET"}],
            "telecom": [{"system": "phone", "value": "SECRET"}, {"system": "email", "value": "SECRET"},
                {"extension": [email.clone(), metadata(json!({"url": "listeRouge", "valueBoolean": true}))], "system": "email", "value": "SECRET"},
                {"extension": [email.clone(), metadata(json!({"url": "responsible", "valueString": "SECRET"}))], "system": "email", "value": "a@mssante.example", "period": {"start": "SECRET"}}],
            "address": [{"city": "SECRET"}], "communication": [{"text": "SECRET"}],
            "qualification": [{"code": {"coding": [{"system": "s", "code": "10", "extension": [{"url": "SECRET"}]}]}, "period": {"start": "SECRET"}, "issuer": {"display": "SECRET"},
                "identifier": [{"value": "SECRET"}]}],
            "SECRET": 1
        });
        let public: Value = serde_json::from_str(&body(&made(PUBLIC, &secret.to_string(), Stamps::Log))).unwrap();
        let want = json!({
            "resourceType": "Practitioner", "id": "p", "meta": {"STAMP": 0, "source": "s"},
            "extension": [{"url": "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-smartcard", "extension": [{"url": "number", "valueString": "1"}]}],
            "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": "10999000001"}],
            "active": true, "name": [{"use": "usual", "family": "A", "given": ["B"]}],
            "telecom": [{"extension": [email], "system": "email", "value": "a@mssante.example"}],
            "qualification": [{"code": {"coding": [{"system": "s", "code": "10"}]}}]
        });
        assert_eq!(public, want);
        // All of it stays in the restricted perimeter, and nothing of it is found by a public search.
        assert!(body(&made(RESTRICTED, &secret.to_string(), Stamps::Log)).contains("<div>SECRET"));
        assert!(!format!("{:?}", made(PUBLIC, &secret.to_string(), Stamps::Log).terms).contains("SECRET"));
        let reduced = inactive_foreign(PUBLIC, &secret.to_string()).unwrap().unwrap();
        assert!(!body(&reduced).contains("SECRET"));
        for hidden in [
            json!({"resourceType": "Person", "id": "p"}),
            json!({"resourceType": "Device", "id": "p", "meta": {"profile": ["https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-dr-device"]}}),
            json!({"resourceType": "Device", "id": "p", "meta": {"security": [{"code": "R"}]}}),
        ] {
            assert!(foreign(PUBLIC, &hidden.to_string(), Stamps::Log).unwrap().is_none());
            assert!(inactive_foreign(PUBLIC, &hidden.to_string()).unwrap().is_none());
        }
    }

    #[test]
    fn names_cannot_be_disguised() {
        // An escaped name is the name; a member given twice in an inner object passes by the same rule.
        let sent = r#"{"resourceType":"Practitioner","id":"p","birth\u0044ate":"SECRET","n\u0061me":[{"family":"A","per\u0069od":{"start":"SECRET"}}],"qualification":[{"code":{},"code":{"text":"T","x":"SECRET"}}]}"#;
        assert_eq!(
            body(&made(PUBLIC, sent, Stamps::Log)),
            r#"{"resourceType":"Practitioner","id":"p","meta":{"STAMP":0},"name":[{"family":"A"}],"qualification":[{"code":{},"code":{"text":"T"}}]}"#
        );
    }

    #[test]
    fn what_is_withdrawn_keeps_what_it_is_known_by() {
        let of = |json: Value| -> Value {
            serde_json::from_str(&body(&inactive_foreign(RESTRICTED, &json.to_string()).unwrap().unwrap())).unwrap()
        };
        let meta = json!({"versionId": "4", "lastUpdated": "2020-01-01T00:00:00Z", "source": "s", "profile": ["p"], "tag": [{}]});
        let left = json!({"STAMP": 0, "source": "s", "profile": ["p"]});
        assert_eq!(
            of(
                json!({"resourceType": "Organization", "id": "o", "meta": meta, "language": "fr", "identifier": [{"value": "9"}], "active": true, "name": "CLINIQUE", "telecom": [{}]})
            ),
            json!({"resourceType": "Organization", "id": "o", "meta": left, "language": "fr", "identifier": [{"value": "9"}], "name": "CLINIQUE", "active": false})
        );
        assert_eq!(
            of(
                json!({"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/p"}, "code": []})
            ),
            json!({"resourceType": "PractitionerRole", "id": "r", "meta": {"STAMP": 0}, "practitioner": {"reference": "Practitioner/p"}, "active": false})
        );
        assert_eq!(
            of(
                json!({"resourceType": "Device", "id": "d", "status": "active", "identifier": [{"value": "1"}], "manufacturer": "M"})
            ),
            json!({"resourceType": "Device", "id": "d", "meta": {"STAMP": 0}, "identifier": [{"value": "1"}], "status": "inactive"})
        );
        assert_eq!(
            of(json!({"resourceType": "Practitioner", "id": "p", "name": [{"family": "A"}], "identifier": []})),
            json!({"resourceType": "Practitioner", "id": "p", "meta": {"STAMP": 0}, "identifier": [], "active": false})
        );
    }
}
