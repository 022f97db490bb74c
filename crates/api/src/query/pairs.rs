//! The parameters of a query, as names and values.

use std::borrow::Cow;

use annuaire_web::ErrorCode;

use super::decode::{decode_form, encode};
use crate::error::ApiError;
use crate::limits;

/// A query without the parameters of a name, still encoded.
pub(crate) fn without_parameter(raw: &str, name: &str) -> String {
    let is_other = |part: &&str| decode_form(part.split('=').next().unwrap_or_default()).is_none_or(|decoded| decoded != name);
    raw.split('&').filter(is_other).collect::<Vec<_>>().join("&")
}

/// Cuts a query on `&` then on the first `=`, and decodes both sides.
pub(crate) fn pairs(raw: &str) -> Result<Vec<(String, String)>, ApiError> {
    let malformed = || ApiError::value("Parameters are percent-encoded UTF-8: write %25 for a percent sign.");
    if raw.split('&').count() > limits::PARAMETERS {
        return Err(ApiError::new(ErrorCode::QueryTooLong, format!("More than {} parameters.", limits::PARAMETERS)));
    }
    raw.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let decoded = |text| decode_form(text).map(Cow::into_owned).ok_or_else(malformed);
            let (name, value) = (decoded(name)?, decoded(value)?);
            if name.is_empty() {
                return Err(ApiError::value("A value has no parameter: write name=value."));
            }
            if name.contains(char::is_control) || value.contains(|c: char| c.is_control() && !c.is_whitespace()) {
                return Err(ApiError::token_limits().in_parameter(if name.contains(char::is_control) {
                    "the name of a parameter"
                } else {
                    &name
                }));
            }
            Ok((name, value))
        })
        .collect()
}

/// The parameters of a query that choose the format of the answer, `&_format=…` or nothing: links to other pages repeat them, so
/// that all pages of an answer have one format.
pub(crate) fn format_parameters(raw: &str) -> String {
    let mut out = String::new();
    for (name, value) in raw.split('&').filter_map(|part| part.split_once('=')) {
        let Some(name) = decode_form(name) else { continue };
        if matches!(name.as_ref(), "_format" | "_pretty" | "fhirVersion")
            && let Some(value) = decode_form(value).filter(|value| !value.is_empty())
        {
            out.push('&');
            out.push_str(&name);
            out.push('=');
            // A space was a plus that the client did not encode, as in application/fhir+xml.
            encode(&mut out, &value.replace(' ', "+"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(raw: &str) -> (String, String) {
        pairs(raw).ok().unwrap().remove(0)
    }

    #[test]
    fn pairs_decode_after_the_cut() {
        assert_eq!(pair("a%3Ab=x%26y%3D+z"), ("a:b".into(), "x&y= z".into()));
        assert_eq!(pair("&&name"), ("name".into(), String::new()));
        assert_eq!(pair("a=100%25"), ("a".into(), "100%".into()));
        assert_eq!(pair("a=b=c%2Cd"), ("a".into(), "b=c,d".into()));
        for bad in ["a=%FF", "a=100%", "a=%4", "a=%GG", "%zz=1", "a=%00", "a%00=1", "a=%1B", "=1", "=", "%C3=1"] {
            assert!(pairs(bad).is_err(), "{bad}");
        }
        assert_eq!(pair("a=x%0Ay%2B+"), ("a".into(), "x\ny+ ".into()));
    }

    #[test]
    fn a_parameter_is_left_out_however_it_is_spelled() {
        assert_eq!(without_parameter("a=1&_asOf=x&%5FasOf=y&_asOf&b", "_asOf"), "a=1&b");
        assert_eq!(without_parameter("_asOf=x", "_asOf"), "");
    }

    #[test]
    fn what_tells_the_format_goes_on_with_the_links() {
        assert_eq!(
            format_parameters("name=a&_format=application/fhir+xml&_pretty=true&_count=3"),
            "&_format=application/fhir%2Bxml&_pretty=true"
        );
        assert_eq!(format_parameters("%5Fformat=%22%26&x"), "&_format=%22%26");
        assert_eq!(format_parameters("name=a&_format="), "");
    }
}
