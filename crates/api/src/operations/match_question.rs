//! The question of `$match-practitioner`, out of a resource Parameters.

use annuaire_finder::described::{can_be_looked_for, described_by};
use annuaire_finder::resemblance::PersonTraits;
use annuaire_web::ErrorCode;
use serde_json::Value;

use crate::error::ApiError;
use crate::limits;

/// What a match is asked for.
#[derive(Debug)]
pub(super) struct MatchQuestion {
    pub described: PersonTraits,
    /// Most practitioners of the answer.
    pub count: usize,
    /// The one that is certain, or none.
    pub only_certain: bool,
}

impl MatchQuestion {
    /// Reads a body in JSON. Members of the partial resource that are not compared are passed over, as `$match` of FHIR does.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let malformed = |text: &str, at: &str| {
            ApiError::new(ErrorCode::ResourceMalformed, text).at(at).hint(
                "As {\"resourceType\":\"Parameters\",\"parameter\":[{\"name\":\"resource\",\"resource\":{\"resourceType\":\"Practitioner\",\"name\":[{\"family\":\"Martin\"}]}}]}.",
            )
        };
        let body: Value = serde_json::from_slice(body).map_err(|_| malformed("The body is no JSON.", "Parameters"))?;
        if body["resourceType"] != "Parameters" {
            return Err(malformed("The body is no resource Parameters.", "Parameters"));
        }
        let (mut resource, mut count, mut only_certain) = (None, None, None);
        for (n, parameter) in body["parameter"].as_array().into_iter().flatten().enumerate() {
            let at = format!("Parameters.parameter[{n}]");
            let name = parameter["name"].as_str().ok_or_else(|| malformed("A parameter has no name.", &at))?;
            let twice = match name {
                "resource" => resource.replace((&parameter["resource"], format!("{at}.resource"))).is_some(),
                "count" => count
                    .replace(number(parameter).ok_or_else(|| bad("Write a number from 1 on, as valueInteger.", &at))?)
                    .is_some(),
                "onlyCertainMatches" => {
                    let value =
                        parameter["valueBoolean"].as_bool().ok_or_else(|| bad("Write true or false, as valueBoolean.", &at))?;
                    only_certain.replace(value).is_some()
                }
                other => {
                    let known = ["resource", "count", "onlyCertainMatches"];
                    let unknown = ApiError::unknown(other, "$match-practitioner", known);
                    return Err(unknown.recoded(ErrorCode::ParameterNotSupported).at(at));
                }
            };
            if twice {
                return Err(bad("It is given twice: keep one.", &at));
            }
        }
        let Some((resource, at)) = resource else {
            return Err(malformed("The parameter resource is missing.", "Parameters.parameter"));
        };
        if resource["resourceType"] != "Practitioner" {
            return Err(malformed("The parameter resource has no Practitioner.", &at));
        }
        let described = described_by(resource);
        for (member, values) in [("identifier", described.identifiers.len()), ("qualification", described.professions.len())] {
            if values > limits::MATCH_VALUES {
                let hint = format!("It has more than {} values.", limits::MATCH_VALUES);
                return Err(bad(&hint, &format!("{at}.{member}")));
            }
        }
        if described.places.len() > 1 {
            return Err(bad("Give one place of practice.", &format!("{at}.address")));
        }
        if !can_be_looked_for(&described) {
            return Err(bad("Give an identifier, or a family or given name with letters.", &at));
        }
        let count = count.unwrap_or(limits::MATCHES).min(limits::MATCHES_CAP);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Self { described, count, only_certain: only_certain.unwrap_or(false) })
    }
}

fn bad(hint: &str, at: &str) -> ApiError {
    ApiError::value(hint).at(at)
}

/// The number of a parameter, under the types that clients write it with.
fn number(parameter: &Value) -> Option<u64> {
    let value = ["valueInteger", "valuePositiveInt", "valueUnsignedInt"].into_iter().find_map(|member| parameter.get(member));
    value?.as_u64().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(parameters: Value) -> Result<MatchQuestion, ApiError> {
        MatchQuestion::read(json!({"resourceType": "Parameters", "parameter": parameters}).to_string().as_bytes())
    }

    #[test]
    fn a_question_is_read_with_its_bounds() {
        let person = json!({"name": "resource", "resource": {
            "resourceType": "Practitioner",
            "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": "10999000010"}],
            "name": [{"use": "official"}, {"family": "Lefèvre", "given": ["Marie", "Claire"]}],
            "qualification": [{"code": {"coding": [{"code": "10"}]}}],
            "address": [{"postalCode": "29200", "city": "Brest"}],
        }});
        let asked =
            read(json!([person, {"name": "count", "valueInteger": 5_000}, {"name": "onlyCertainMatches", "valueBoolean": true}]));
        let asked = asked.ok().unwrap();
        assert_eq!((asked.count, asked.only_certain), (100, true));
        assert_eq!((asked.described.family.as_str(), asked.described.given.as_str()), ("Lefèvre", "Marie Claire"));
        assert_eq!(asked.described.professions, [(String::new(), "10".to_owned())]);
        assert_eq!(asked.described.places[0].city, "Brest");
        let usual = read(json!([person])).ok().unwrap();
        assert_eq!((usual.count, usual.only_certain), (20, false));
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is() {
        let named = |resource: Value| json!({"name": "resource", "resource": resource});
        let martin = || named(json!({"resourceType": "Practitioner", "name": [{"family": "Martin"}]}));
        for (parameters, code, expression) in [
            (json!([]), "structure", "Parameters.parameter"),
            (json!([{"valueInteger": 1}]), "structure", "Parameters.parameter[0]"),
            (json!([named(json!({"resourceType": "Patient"}))]), "structure", "Parameters.parameter[0].resource"),
            (json!([named(json!({"resourceType": "Practitioner"}))]), "value", "Parameters.parameter[0].resource"),
            (
                json!([named(json!({"resourceType": "Practitioner", "name": [{"family": "-"}]}))]),
                "value",
                "Parameters.parameter[0].resource",
            ),
            (json!([martin(), martin()]), "value", "Parameters.parameter[1]"),
            (json!([martin(), {"name": "count", "valueInteger": 0}]), "value", "Parameters.parameter[1]"),
            (json!([martin(), {"name": "count", "valueString": "1"}]), "value", "Parameters.parameter[1]"),
            (json!([martin(), {"name": "onlyCertainMatches", "valueString": "true"}]), "value", "Parameters.parameter[1]"),
            (json!([martin(), {"name": "onlySingleMatch", "valueBoolean": true}]), "not-supported", "Parameters.parameter[1]"),
            (
                json!([named(
                    json!({"resourceType": "Practitioner", "name": [{"family": "Martin"}], "address": [{"city": "Brest"}, {"city": "Rennes"}]})
                )]),
                "value",
                "Parameters.parameter[0].resource.address",
            ),
        ] {
            let refused = read(parameters.clone()).err().unwrap_or_else(|| panic!("{parameters} is taken"));
            let at = refused.expression.as_deref();
            assert_eq!((refused.code.issue(), at, refused.code.status().as_u16()), (code, Some(expression), 400), "{parameters}");
        }
        for body in ["", "<Parameters/>", "[]", r#"{"resourceType":"Practitioner"}"#] {
            assert_eq!(MatchQuestion::read(body.as_bytes()).err().unwrap().expression.as_deref(), Some("Parameters"), "{body}");
        }
    }
}
