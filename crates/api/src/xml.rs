//! FHIR XML out of FHIR JSON. Only requests that ask for XML pay for it.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// Elements of the published types, of bundles and outcomes, and of the data types of R4, in the order of its schema. Each type
/// has one line; `element:Type` names a type that has a line too. The elements of [`COMMON`] come first.
const ELEMENTS: &str = include_str!("elements.txt");
/// The first elements of resources and of data types.
const COMMON: &str =
    "id meta:Meta implicitRules language text:Narrative contained extension:Extension modifierExtension:Extension";

/// An element of a type.
struct XmlElement {
    /// Name, without the `[x]` of a choice.
    name: &'static str,
    /// Its type; empty for a primitive.
    ty: &'static str,
    /// Whether a type name follows its name, as in `valueCoding`.
    choice: bool,
    /// Position among the elements of its type.
    place: usize,
}

static ELEMENTS_OF: LazyLock<HashMap<&'static str, Vec<XmlElement>>> = LazyLock::new(|| {
    let element = |(place, item): (usize, &'static str)| {
        let (name, ty) = item.split_once(':').unwrap_or((item, ""));
        let plain = name.strip_suffix("[x]");
        XmlElement { name: plain.unwrap_or(name), ty, choice: plain.is_some(), place }
    };
    let line = |line: &'static str| {
        let (ty, own) = line.split_once(' ').unwrap_or((line, ""));
        let items: Vec<_> = COMMON.split(' ').chain(own.split_whitespace()).enumerate().collect();
        // The reverse order finds an element of the type before a common one of that name: the `text` of a coded concept is a
        // string, not a narrative.
        (ty, items.into_iter().rev().map(element).collect())
    };
    ELEMENTS.lines().chain([""]).map(line).collect()
});

/// The elements of a type; the common ones for an unknown type.
fn elements_of(ty: &str) -> &'static [XmlElement] {
    ELEMENTS_OF.get(ty).or_else(|| ELEMENTS_OF.get("")).map_or(&[], Vec::as_slice)
}

/// Position of a member among the elements of its type, and the type of the member. An unknown member comes last.
fn position<'a>(elements: &'static [XmlElement], member: &'a str) -> (usize, &'a str) {
    let suffix = |e: &XmlElement| {
        member
            .strip_prefix(e.name)
            .filter(|rest| rest.is_empty() != e.choice && !rest.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let found = elements.iter().find_map(|e| suffix(e).map(|rest| (e.place, if e.choice { rest } else { e.ty })));
    found.unwrap_or((usize::MAX, ""))
}

/// An XML document of a resource in JSON.
///
/// # Errors
/// When the text is not JSON.
pub(crate) fn document(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let value: Value = serde_json::from_slice(json)?;
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    if let Value::Object(members) = &value {
        resource(&mut out, members, ResourcePlace::Root);
    }
    Ok(out.into_bytes())
}

/// Writes a text with its entities.
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
            // XML 1.0 cannot write the other control characters, nor the two noncharacters.
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// The text of a fragment of XHTML, without its tags.
fn strip_tags(markup: &str) -> String {
    let mut inside = false;
    let text: String = markup
        .chars()
        .filter(|c| {
            let shown = !inside && *c != '<';
            inside = (inside || *c == '<') && *c != '>';
            shown
        })
        .collect();
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#160;", "\u{a0}"), ("&amp;", "&")]
        .into_iter()
        .fold(text, |text, (entity, c)| text.replace(entity, c))
}

/// Writes an attribute.
fn attribute(out: &mut String, name: &str, text: &str) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(out, text);
    out.push('"');
}

/// Where a resource is in its document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ResourcePlace {
    /// It is the document.
    Root,
    /// It is contained in an element.
    Inside,
}

/// Writes a resource; the root element declares the name space.
fn resource(out: &mut String, members: &Map<String, Value>, place: ResourcePlace) {
    let ty = members.get("resourceType").and_then(Value::as_str).unwrap_or("Basic");
    out.push('<');
    out.push_str(ty);
    if place == ResourcePlace::Root {
        attribute(out, "xmlns", "http://hl7.org/fhir");
    }
    out.push('>');
    children(out, members, ty, &["resourceType"]);
    let _ = write!(out, "</{ty}>");
}

/// Writes the members of an element of type `ty`, in the order of XML. Those of `skip` were written as attributes.
fn children(out: &mut String, members: &Map<String, Value>, ty: &str, skip: &[&str]) {
    let elements = elements_of(ty);
    let mut names: Vec<(usize, &str, &str)> = Vec::new();
    for name in members.keys() {
        // A primitive may come with its sibling `_name` alone.
        let name = name.strip_prefix('_').unwrap_or(name);
        if !skip.contains(&name) && !names.iter().any(|n| n.1 == name) {
            let (at, ty) = position(elements, name);
            names.push((at, name, ty));
        }
    }
    names.sort_by_key(|n| n.0);
    for (_, name, ty) in names {
        let (value, sibling) = (members.get(name), members.get(&format!("_{name}")));
        let count = [value, sibling].into_iter().flatten().map(|v| v.as_array().map_or(1, Vec::len)).max().unwrap_or(0);
        let nth = |v: Option<&'_ Value>, i: usize| -> Option<Value> {
            match v {
                Some(Value::Array(list)) => list.get(i).cloned(),
                other => other.cloned(),
            }
        };
        for i in 0..count {
            element(out, name, ty, nth(value, i).as_ref(), nth(sibling, i).as_ref());
        }
    }
}

/// Writes one element. `sibling` holds the id and the extensions of a primitive.
fn element(out: &mut String, name: &str, ty: &str, value: Option<&Value>, sibling: Option<&Value>) {
    match value {
        Some(Value::Object(inner)) if inner.contains_key("resourceType") => {
            let _ = write!(out, "<{name}>");
            resource(out, inner, ResourcePlace::Inside);
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
            children(out, inner, ty, &skip);
            let _ = write!(out, "</{name}>");
        }
        // The narrative is XHTML in a string. Only its text is written, since the XHTML of a feed may not be well-formed.
        Some(Value::String(markup)) if name == "div" => {
            out.push_str("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
            escape(out, &strip_tags(markup));
            out.push_str("</div>");
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
                children(out, extra, "", &["id"]);
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

    /// Members of one name have another order in another type; a choice takes the type of its name.
    #[test]
    fn elements_come_in_the_order_of_their_type() {
        assert_eq!(
            xml(
                r#"{"resourceType":"Person","link":[{"assurance":"level1","target":{"display":"d","reference":"r"}}],"active":true,
                "name":[{"given":["G"],"family":"F","use":"official"}],"id":"p",
                "extension":[{"valueCodeableConcept":{"text":"t","coding":[{"display":"x","code":"c","system":"s"}]},"url":"u"}]}"#
            ),
            "<Person xmlns=\"http://hl7.org/fhir\"><id value=\"p\"/><extension url=\"u\"><valueCodeableConcept><coding>\
             <system value=\"s\"/><code value=\"c\"/><display value=\"x\"/></coding><text value=\"t\"/></valueCodeableConcept>\
             </extension><name><use value=\"official\"/><family value=\"F\"/><given value=\"G\"/></name><active value=\"true\"/>\
             <link><target><reference value=\"r\"/><display value=\"d\"/></target><assurance value=\"level1\"/></link></Person>"
        );
        assert_eq!(
            xml(
                r#"{"resourceType":"OperationOutcome","issue":[{"diagnostics":"d\u0001","details":{"text":"t"},"code":"c","severity":"s"}]}"#
            ),
            "<OperationOutcome xmlns=\"http://hl7.org/fhir\"><issue><severity value=\"s\"/><code value=\"c\"/><details>\
             <text value=\"t\"/></details><diagnostics value=\"d\u{fffd}\"/></issue></OperationOutcome>"
        );
    }

    #[test]
    fn a_narrative_is_its_text() {
        assert_eq!(
            xml(
                r#"{"resourceType":"Device","text":{"status":"generated","div":"<div xmlns=\"x\"><p>A &amp;lt; <b>B</p> &lt;</div>"}}"#
            ),
            "<Device xmlns=\"http://hl7.org/fhir\"><text><status value=\"generated\"/><div xmlns=\"http://www.w3.org/1999/xhtml\">\
             A &amp;lt; B &lt;</div></text></Device>"
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
