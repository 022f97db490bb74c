//! FHIR XML out of FHIR JSON. Only requests that ask for XML pay for it.

use serde_json::{Map, Value};
use std::fmt::Write;

/// Element order of R4 where it is not the member order of the JSON that we are given. Members that are not named follow
/// in their own order. Keyed by the name of the resource type or of the member.
const ORDER: &[(&str, &[&str])] = &[
    ("", &["id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension"]),
    ("Bundle", &["identifier", "type", "timestamp", "total", "link", "entry"]),
    ("entry", &["link", "fullUrl", "resource", "search", "request", "response"]),
    ("meta", &["extension", "versionId", "lastUpdated", "source", "profile", "security", "tag"]),
    (
        "Practitioner",
        &["identifier", "active", "name", "telecom", "address", "gender", "birthDate", "photo", "qualification", "communication"],
    ),
    (
        "PractitionerRole",
        &[
            "identifier",
            "active",
            "period",
            "practitioner",
            "organization",
            "code",
            "specialty",
            "location",
            "healthcareService",
            "telecom",
        ],
    ),
    ("Organization", &["identifier", "active", "type", "name", "alias", "telecom", "address", "partOf", "contact", "endpoint"]),
    (
        "HealthcareService",
        &[
            "identifier",
            "active",
            "providedBy",
            "category",
            "type",
            "specialty",
            "location",
            "name",
            "eligibility",
            "characteristic",
        ],
    ),
    (
        "Device",
        &["identifier", "definition", "udiCarrier", "status", "manufacturer", "serialNumber", "modelNumber", "type", "owner"],
    ),
    ("Person", &["identifier", "name", "telecom", "gender", "birthDate", "address", "managingOrganization", "active", "link"]),
    ("identifier", &["extension", "use", "type", "system", "value", "period", "assigner"]),
    ("name", &["extension", "use", "text", "family", "given", "prefix", "suffix", "period"]),
    ("telecom", &["extension", "system", "value", "use", "rank", "period"]),
    ("address", &["extension", "use", "type", "text", "line", "city", "district", "state", "postalCode", "country", "period"]),
    (
        "valueAddress",
        &["extension", "use", "type", "text", "line", "city", "district", "state", "postalCode", "country", "period"],
    ),
    ("coding", &["extension", "system", "version", "code", "display", "userSelected"]),
    ("valueCoding", &["extension", "system", "version", "code", "display", "userSelected"]),
    ("qualification", &["extension", "identifier", "code", "period", "issuer"]),
];

/// A document of its own: declaration, root element, name space.
pub(crate) fn document(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let value: Value = serde_json::from_slice(json)?;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    if let Value::Object(members) = &value {
        resource(&mut out, members, true);
    }
    Ok(out.into_bytes())
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\r' | '\t' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            // XML 1.0 has no way to write the other control characters.
            c if c < ' ' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

fn attribute(out: &mut String, name: &str, text: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, text);
    out.push('"');
}

fn resource(out: &mut String, members: &Map<String, Value>, root: bool) {
    let ty = members.get("resourceType").and_then(Value::as_str).unwrap_or("Basic");
    out.push('<');
    out.push_str(ty);
    if root {
        attribute(out, "xmlns", "http://hl7.org/fhir");
    }
    out.push('>');
    children(out, members, ty, &["resourceType"]);
    let _ = write!(out, "</{ty}>");
}

/// The members of an element in XML order. `skip` were written as attributes.
fn children(out: &mut String, members: &Map<String, Value>, kind: &str, skip: &[&str]) {
    let table = |k: &str| ORDER.iter().find(|o| o.0 == k).map_or(&[][..], |o| o.1);
    // Resources share their first elements.
    let shared = if kind.starts_with(|c: char| c.is_ascii_uppercase()) { table("") } else { &[] };
    let order: Vec<&str> = shared.iter().chain(table(kind)).copied().collect();
    let mut names: Vec<&str> = Vec::new();
    for name in members.keys() {
        // A primitive may have only its sibling `_name`.
        let name = name.strip_prefix('_').unwrap_or(name);
        if !skip.contains(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort_by_key(|n| order.iter().position(|o| o == n).unwrap_or(usize::MAX));
    for name in names {
        let (value, sibling) = (members.get(name), members.get(&format!("_{name}")));
        let count = [value, sibling].into_iter().flatten().map(|v| v.as_array().map_or(1, Vec::len)).max().unwrap_or(0);
        let nth = |v: Option<&'_ Value>, i: usize| -> Option<Value> {
            match v {
                Some(Value::Array(list)) => list.get(i).cloned(),
                other => other.cloned(),
            }
        };
        for i in 0..count {
            element(out, name, nth(value, i).as_ref(), nth(sibling, i).as_ref());
        }
    }
}

fn element(out: &mut String, name: &str, value: Option<&Value>, sibling: Option<&Value>) {
    match value {
        Some(Value::Object(inner)) if inner.contains_key("resourceType") => {
            let _ = write!(out, "<{name}>");
            resource(out, inner, false);
            let _ = write!(out, "</{name}>");
        }
        Some(Value::Object(inner)) => {
            let _ = write!(out, "<{name}");
            let mut skip = vec!["id"];
            if let Some(id) = inner.get("id").and_then(Value::as_str) {
                attribute(out, "id", id);
            }
            if name == "extension" || name == "modifierExtension" {
                skip.push("url");
                attribute(out, "url", inner.get("url").and_then(Value::as_str).unwrap_or_default());
            }
            out.push('>');
            children(out, inner, name, &skip);
            let _ = write!(out, "</{name}>");
        }
        primitive => {
            let none = Map::new();
            let extra = sibling.and_then(Value::as_object).unwrap_or(&none);
            let plain = match primitive {
                None | Some(Value::Null) => None,
                Some(Value::String(s)) => Some(s.clone()),
                Some(other) => Some(other.to_string()),
            };
            if plain.is_none() && extra.is_empty() {
                return;
            }
            let _ = write!(out, "<{name}");
            if let Some(id) = extra.get("id").and_then(Value::as_str) {
                attribute(out, "id", id);
            }
            if let Some(plain) = plain {
                attribute(out, "value", &plain);
            }
            if extra.contains_key("extension") {
                out.push('>');
                children(out, extra, name, &["id"]);
                let _ = write!(out, "</{name}>");
            } else {
                out.push_str("/>");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::document;

    fn xml(json: &str) -> String {
        let text = String::from_utf8(document(json.as_bytes()).unwrap()).unwrap();
        text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap().to_owned()
    }

    #[test]
    fn primitives_arrays_extensions_and_siblings() {
        assert_eq!(
            xml(r#"{"resourceType":"Organization","id":"1","meta":{"profile":["a","b"]},"active":true,"name":"A & \"B\"",
                "address":[{"city":"METZ","line":["1 R",null],"_line":[{"extension":[{"url":"u","valueString":"1"}]},{"id":"x"}]}],
                "extension":[{"extension":[{"url":"s","valueCode":"c"}],"url":"http://x"}]}"#),
            "<Organization xmlns=\"http://hl7.org/fhir\"><id value=\"1\"/><meta><profile value=\"a\"/><profile value=\"b\"/></meta>\
             <extension url=\"http://x\"><extension url=\"s\"><valueCode value=\"c\"/></extension></extension>\
             <active value=\"true\"/><name value=\"A &amp; &quot;B&quot;\"/><address><line value=\"1 R\"><extension url=\"u\">\
             <valueString value=\"1\"/></extension></line><line id=\"x\"/><city value=\"METZ\"/></address></Organization>"
        );
    }

    #[test]
    fn bundles_wrap_their_resources_and_come_in_the_order_of_the_schema() {
        assert_eq!(
            xml(r#"{"resourceType":"Bundle","type":"searchset","id":"b","total":1,
                "entry":[{"fullUrl":"u","resource":{"resourceType":"Device","id":"d"},"search":{"mode":"match"}}],
                "link":[{"relation":"self","url":"s"}]}"#),
            "<Bundle xmlns=\"http://hl7.org/fhir\"><id value=\"b\"/><type value=\"searchset\"/><total value=\"1\"/>\
             <link><relation value=\"self\"/><url value=\"s\"/></link><entry><fullUrl value=\"u\"/>\
             <resource><Device><id value=\"d\"/></Device></resource><search><mode value=\"match\"/></search></entry></Bundle>"
        );
    }
}
