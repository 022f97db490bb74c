//! OperationOutcome: what a client reads of errors and warnings.

use annuaire_web::ErrorCode;

use crate::error::ApiError;
use crate::json::quote;

/// How severe an issue is.
#[derive(Clone, Copy)]
pub(crate) enum Severity {
    /// The request is refused.
    Error,
    /// The request is answered without something.
    Warning,
}

/// An OperationOutcome with an issue for each error: the documented text in `diagnostics`, which clients compare, and in `details`
/// the stable name of the error for programs, with the hint for people.
pub(crate) fn operation_outcome(severity: Severity, errors: &[ApiError]) -> Vec<u8> {
    let mut out = br#"{"resourceType":"OperationOutcome","issue":["#.to_vec();
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    for (n, error) in errors.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        issue(&mut out, severity, error);
    }
    out.extend_from_slice(b"]}");
    out
}

/// Members in the order of the R4 schema.
fn issue(out: &mut Vec<u8>, severity: &str, error: &ApiError) {
    let (code, name, system) = (error.code.issue(), error.code.name(), ErrorCode::SYSTEM);
    let coding = format!(r#"{{"coding":[{{"system":"{system}","code":"{name}"}}]"#);
    out.extend_from_slice(format!(r#"{{"severity":"{severity}","code":"{code}","details":{coding}"#).as_bytes());
    if !error.hint.is_empty() {
        out.extend_from_slice(br#","text":"#);
        quote(out, &error.hint);
    }
    out.extend_from_slice(br#"},"diagnostics":"#);
    quote(out, &error.text);
    if let Some(expression) = &error.expression {
        out.extend_from_slice(br#","expression":["#);
        quote(out, expression);
        out.push(b']');
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn an_element_of_the_body_is_named_after_the_text() {
        let error = ApiError::value("").at("Parameters.parameter[0].resource");
        let text = String::from_utf8(operation_outcome(Severity::Error, &[error])).unwrap();
        assert!(text.ends_with(r#""expression":["Parameters.parameter[0].resource"]}]}"#), "{text}");
    }

    #[test]
    fn the_documented_text_stands_alone_and_the_help_beside_it() {
        let error = ApiError::value("A help \"for people\".").in_parameter("name");
        let value: Value =
            serde_json::from_slice(&operation_outcome(Severity::Warning, &[error, ApiError::missing("x")])).unwrap();
        let issue = &value["issue"][0];
        assert_eq!((issue["severity"].as_str(), issue["code"].as_str()), (Some("warning"), Some("value")));
        assert_eq!(issue["diagnostics"], "Bad parameter value.");
        assert_eq!(issue["details"]["text"], "In name: A help \"for people\".");
        assert_eq!(value["issue"][1]["code"], "exception");
        assert!(value["issue"][1]["details"]["text"].is_null());
        assert_eq!(value["issue"][1]["details"]["coding"][0]["code"], "resource-unknown");
    }
}
