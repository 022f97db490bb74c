//! An answer of the API as HTML: its bytes, indented and escaped, with links where it names addresses of the API.

use annuaire_fhir::schema::type_id;
use annuaire_web::JsonIndenter;

use super::words::API;

/// Members whose value may be an address of the API.
const LINKED: [&str; 3] = ["reference", "fullUrl", "url"];

/// JSON as HTML. The text of the HTML is the JSON, indented: no byte of a value is changed. `base` is the address of the API, `root`
/// the path before ours.
pub(crate) fn shown_json_lines(json: &[u8], base: &str, root: &str) -> String {
    let indented = JsonIndenter::default().indent(json);
    let text = String::from_utf8_lossy(&indented);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
        }
        match linked_value(line).and_then(|(start, end)| Some((start, end, target(&line[start..end], base, root)?))) {
            Some((start, end, target)) => {
                escape(&mut out, &line[..start]);
                out.push_str("<a href=\"");
                escape(&mut out, &target);
                out.push_str("\">");
                escape(&mut out, &line[start..end]);
                out.push_str("</a>");
                escape(&mut out, &line[end..]);
            }
            None => escape(&mut out, line),
        }
    }
    out
}

/// Where the value of a line such as `  "reference": "Type/id",` begins and ends. A value with an escape is none: no address has one.
fn linked_value(line: &str) -> Option<(usize, usize)> {
    let member = line.trim_start();
    let name = member.strip_prefix('"')?.split('"').next()?;
    if !LINKED.contains(&name) {
        return None;
    }
    let start = line.len() - member.len() + name.len() + 5;
    let value = line.get(start..)?;
    let end = value.find('"')?;
    (line.get(start - 3..start) == Some(": \"") && !value[..end].contains('\\')).then_some((start, start + end))
}

/// The address of a value on this server; `None` for a text that is none.
fn target(value: &str, base: &str, root: &str) -> Option<String> {
    if value.strip_prefix(base).is_some_and(|below| below.starts_with('/')) {
        return Some(value.to_owned());
    }
    let (ty, id) = value.split_once('/')?;
    let plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'/' | b'_'));
    (type_id(ty).is_some() && plain).then(|| format!("{root}{API}/{value}"))
}

/// Appends a text with the entities of HTML.
pub(crate) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of HTML without tags.
    fn text_of(html: &str) -> String {
        let mut inside = false;
        let kept = html.chars().filter(|c| {
            let shown = !inside && *c != '<';
            inside = (inside || *c == '<') && *c != '>';
            shown
        });
        let text: String = kept.collect();
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")].iter().fold(text, |t, (entity, c)| t.replace(entity, c))
    }

    #[test]
    fn the_text_is_the_json_and_addresses_are_links() {
        let base = "https://annuaire.example/sante/fhir/v2";
        let json = format!(
            r#"{{"fullUrl":"{base}/Device/1","resource":{{"name":"<script>\"&\\","url":"http://elsewhere.example/x",
            "practitioner":{{"reference":"Practitioner/003-1"}},"organization":{{"reference":"Patient/1"}},
            "odd":{{"reference":"Device/\u0022>"}},"next":{{"reference":"Device/a b"}}}},"link":[{{"url":"{base}/_page?id=a&b=1"}}]}}"#
        );
        let html = shown_json_lines(json.as_bytes(), base, "/sante");
        let indented = String::from_utf8(JsonIndenter::default().indent(json.as_bytes())).unwrap();
        assert_eq!(text_of(&html), indented);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text_of(&html)).unwrap(),
            serde_json::from_str::<serde_json::Value>(&json).unwrap()
        );
        let links: Vec<&str> = html.split("<a href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let expected =
            [format!("{base}/Device/1"), "/sante/fhir/v2/Practitioner/003-1".to_owned(), format!("{base}/_page?id=a&amp;b=1")];
        assert_eq!(links, expected);
        assert!(!html.contains("<script"));
    }

    #[test]
    fn any_bytes_are_shown() {
        for json in [&b"\"reference\": \"Device/1"[..], b"\xff\xfe", b"", b"\"url\":", b"\"url\": \"\\\""] {
            shown_json_lines(json, "http://x/fhir/v2", "");
        }
    }
}
