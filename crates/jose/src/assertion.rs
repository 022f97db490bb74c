//! Assertions by which a client proves who it is: `private_key_jwt` (RFC 7523 §3, FAPI 2.0 §5.3.2.1).

use crate::claims::{ClaimFault, ClaimRule, audiences, check_times, text};
use crate::limits::{ASSERTION_SECONDS, CLOCK_SKEW_SECONDS, JTI};
use serde_json::{Map, Value};

/// What an assertion must say.
#[derive(Debug, Clone, Copy)]
pub struct AssertionRule<'a> {
    /// The client, as the request names it: issuer and subject.
    pub client_id: &'a str,
    /// Names of this server: its issuer, and where old clients are served, its token endpoint. A client of FAPI 2.0 may name the issuer only.
    pub audiences: &'a [&'a str],
    /// The instant, in seconds since 1970.
    pub now_s: i64,
}

/// What the caller keeps of an assertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// Its name. The caller keeps it with the client until `exp_s`, and refuses it when it comes again.
    pub jti: String,
    /// The second, since 1970, from which the assertion is refused anyway.
    pub exp_s: i64,
}

/// Judges the claims of an assertion, whose signature was checked with a key of the client. The types to accept are `JWT`,
/// `client-authentication+jwt` and none; an access token has another.
///
/// Every audience must be one of ours: an assertion for several servers could be used by one of them at another. `exp` is at most
/// [`limits::ASSERTION_SECONDS`](crate::limits::ASSERTION_SECONDS) away and has no leeway; `nbf` and `iat` may be ahead by
/// [`limits::CLOCK_SKEW_SECONDS`](crate::limits::CLOCK_SKEW_SECONDS).
///
/// # Errors
///
/// The first fault.
pub fn check_assertion(claims: &Map<String, Value>, rule: &AssertionRule<'_>) -> Result<Assertion, ClaimFault> {
    if text(claims, "iss")? != rule.client_id {
        return Err(ClaimFault::Issuer);
    }
    if text(claims, "sub")? != rule.client_id {
        return Err(ClaimFault::Subject);
    }
    if !audiences(claims)?.iter().all(|a| rule.audiences.contains(a)) {
        return Err(ClaimFault::Audience);
    }
    let times = ClaimRule { now_s: rule.now_s, longest_s: Some(ASSERTION_SECONDS), ..ClaimRule::default() };
    let exp_s = check_times(claims, &times, CLOCK_SKEW_SECONDS)?;
    Ok(Assertion { jti: identifier(claims)?.to_owned(), exp_s })
}

/// The claim `jti`, short enough to be kept.
pub(crate) fn identifier(claims: &Map<String, Value>) -> Result<&str, ClaimFault> {
    let jti = text(claims, "jti")?;
    if jti.len() > JTI { Err(ClaimFault::Shape("jti")) } else { Ok(jti) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_795_000_000;
    const RULE: AssertionRule<'static> =
        AssertionRule { client_id: "app", audiences: &["https://id.example", "https://id.example/token"], now_s: NOW };

    #[test]
    fn each_claim_is_judged() {
        use ClaimFault as F;
        let good = json!({ "iss": "app", "sub": "app", "aud": "https://id.example", "exp": NOW + 60, "iat": NOW, "jti": "n-1" });
        let done = || Ok(Assertion { jti: "n-1".to_owned(), exp_s: NOW + 60 });
        let table = [
            ("x", json!(1), done()),
            ("iss", json!("other"), Err(F::Issuer)),
            ("iss", Value::Null, Err(F::Missing("iss"))),
            ("sub", json!("other"), Err(F::Subject)),
            ("sub", Value::Null, Err(F::Missing("sub"))),
            ("aud", json!(["https://id.example"]), done()),
            ("aud", json!(["https://id.example", "https://id.example/token"]), done()),
            ("aud", json!(["https://id.example", "https://other.example"]), Err(F::Audience)),
            ("aud", json!("https://other.example"), Err(F::Audience)),
            ("aud", json!([]), Err(F::Shape("aud"))),
            ("aud", Value::Null, Err(F::Missing("aud"))),
            ("exp", json!(NOW), Err(F::Expired(0))),
            ("exp", json!(NOW + 301), Err(F::Lasting(301))),
            ("exp", json!(NOW + 300), Ok(Assertion { jti: "n-1".to_owned(), exp_s: NOW + 300 })),
            ("exp", Value::Null, Err(F::Missing("exp"))),
            ("nbf", json!(NOW + 10), done()),
            ("nbf", json!(NOW + 11), Err(F::Early(11))),
            ("iat", json!(NOW + 10), done()),
            ("iat", json!(NOW + 11), Err(F::Future(11))),
            ("iat", Value::Null, done()),
            ("jti", Value::Null, Err(F::Missing("jti"))),
            ("jti", json!(""), Err(F::Shape("jti"))),
            ("jti", json!(1), Err(F::Shape("jti"))),
            ("jti", json!("j".repeat(257)), Err(F::Shape("jti"))),
        ];
        for (name, value, expected) in table {
            let mut claims = good.as_object().unwrap().clone();
            match value.clone() {
                Value::Null => drop(claims.remove(name)),
                value => drop(claims.insert(name.to_owned(), value)),
            }
            assert_eq!(check_assertion(&claims, &RULE), expected, "{name} {value}");
        }
    }
}
