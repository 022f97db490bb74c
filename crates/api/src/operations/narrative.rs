//! The narrative of the CapabilityStatement: what it says, for people (R4 narrative).

use serde_json::{Value, json};

/// The element `text` of a statement that is complete but for it.
pub(super) fn narrative(statement: &Value) -> Value {
    let text = |pointer: &str| escaped(statement.pointer(pointer).and_then(Value::as_str).unwrap_or_default());
    let mut div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>{}</b></p>", text("/title"));
    let who = match (text("/publisher"), text("/contact/0/telecom/0/value")) {
        (name, contact) if name.is_empty() && contact.is_empty() => String::new(),
        (name, contact) if contact.is_empty() => format!(" {name} answers for it."),
        (name, contact) if name.is_empty() => format!(" Contact: {contact}."),
        (name, contact) => format!(" {name} answers for it. Contact: {contact}."),
    };
    let (version, url) = (text("/fhirVersion"), text("/implementation/url"));
    div.push_str(&format!("<p>FHIR {version} at {url}.{who}</p><ul>"));
    for resource in statement["rest"][0]["resource"].as_array().into_iter().flatten() {
        let parameters = resource["searchParam"].as_array().into_iter().flatten();
        let names: Vec<&str> = parameters.filter_map(|p| p["name"].as_str()).collect();
        let ty = escaped(resource["type"].as_str().unwrap_or_default());
        let searched = if names.is_empty() { String::new() } else { format!(" is searched by {}", escaped(&names.join(", "))) };
        div.push_str(&format!("<li>{ty}{searched}. </li>"));
    }
    div.push_str("</ul></div>");
    json!({"status": "generated", "div": div})
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_escaped() {
        let told = narrative(&json!({"title": "T", "publisher": "A <b> & \"C\"", "rest": [{"resource": [{"type": "Device"}]}]}));
        let div = told["div"].as_str().unwrap();
        assert!(div.contains("A &lt;b&gt; &amp; &quot;C&quot; answers for it.") && div.contains("<li>Device. </li>"), "{div}");
    }
}
