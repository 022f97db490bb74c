//! What claims must say: from whom, for whom, and when (RFC 7519 §4.1).

use serde_json::{Map, Value};

/// What claims must say. What is `None` or empty is not judged.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClaimRule<'a> {
    /// The only issuer (`iss`).
    pub issuer: Option<&'a str>,
    /// Audiences (`aud`), one of which must be named. **Empty: the audience is not judged.**
    pub audiences: &'a [&'a str],
    /// The instant, in seconds since 1970.
    pub now_s: i64,
    /// Seconds by which clocks may differ, for `exp`, `nbf` and `iat`.
    pub leeway_s: i64,
    /// Most seconds from now to `exp`: how long the caller has to remember that a token was used.
    pub longest_s: Option<i64>,
    /// Most seconds since `iat`, which must then be there.
    pub max_age_s: Option<i64>,
}

/// Why claims are refused. The text may be shown to who sent them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// A claim is not there.
    #[error("the claim `{0}` is missing")]
    Missing(&'static str),
    /// A claim is of another JSON type, empty or too long.
    #[error("the claim `{0}` is not of the right JSON type, empty or too long")]
    Shape(&'static str),
    /// Another issuer.
    #[error("the claim `iss` names another issuer than the one expected")]
    Issuer,
    /// Another subject.
    #[error("the claim `sub` names another subject than the one expected")]
    Subject,
    /// Another audience.
    #[error("the claim `aud` names another audience than the one expected")]
    Audience,
    /// It is over.
    #[error("it expired (`exp`) {0} s ago")]
    Expired(i64),
    /// It is not valid yet.
    #[error("it is not valid before (`nbf`) {0} s from now: look at the clocks")]
    Early(i64),
    /// It was made in the future.
    #[error("it was made (`iat`) {0} s in the future: look at the clocks")]
    Future(i64),
    /// It was made too long ago.
    #[error("it was made (`iat`) {0} s ago, which is too long")]
    Old(i64),
    /// It is valid for too long.
    #[error("it is valid (`exp`) for {0} s from now, which is too long")]
    Lasting(i64),
}

/// Judges claims by a rule. `exp` must be there, and is refused from its own second on; `nbf` and `iat` must not be in the future.
///
/// # Errors
///
/// The first fault.
pub fn check_claims(claims: &Map<String, Value>, rule: &ClaimRule<'_>) -> Result<(), ClaimFault> {
    if let Some(issuer) = rule.issuer
        && text(claims, "iss")? != issuer
    {
        return Err(ClaimFault::Issuer);
    }
    if !rule.audiences.is_empty() && !audiences(claims)?.iter().any(|a| rule.audiences.contains(a)) {
        return Err(ClaimFault::Audience);
    }
    check_times(claims, rule, rule.leeway_s).map(drop)
}

/// The times of [`check_claims`]; `ahead_s` is the leeway of `nbf` and `iat`. Returns `exp`.
pub(crate) fn check_times(claims: &Map<String, Value>, rule: &ClaimRule<'_>, ahead_s: i64) -> Result<i64, ClaimFault> {
    let now = rule.now_s;
    let exp = instant(claims, "exp")?.ok_or(ClaimFault::Missing("exp"))?;
    if now >= exp.saturating_add(rule.leeway_s) {
        return Err(ClaimFault::Expired(now.saturating_sub(exp)));
    }
    let life = exp.saturating_sub(now);
    if rule.longest_s.is_some_and(|longest| life > longest) {
        return Err(ClaimFault::Lasting(life));
    }
    if let Some(nbf) = instant(claims, "nbf")?
        && nbf.saturating_sub(now) > ahead_s
    {
        return Err(ClaimFault::Early(nbf.saturating_sub(now)));
    }
    match (instant(claims, "iat")?, rule.max_age_s) {
        (None, Some(_)) => return Err(ClaimFault::Missing("iat")),
        (None, None) => {}
        (Some(iat), most) => check_made(iat, now, ahead_s, most.map(|m| m.saturating_add(rule.leeway_s)))?,
    }
    Ok(exp)
}

/// Judges when something was made: at most `ahead_s` in the future, and at most `most_s` ago.
pub(crate) fn check_made(iat: i64, now: i64, ahead_s: i64, most_s: Option<i64>) -> Result<(), ClaimFault> {
    let age = now.saturating_sub(iat);
    if age < ahead_s.saturating_neg() {
        return Err(ClaimFault::Future(age.saturating_neg()));
    }
    if most_s.is_some_and(|most| age > most) {
        return Err(ClaimFault::Old(age));
    }
    Ok(())
}

/// A claim that must be a text.
pub(crate) fn text<'c>(claims: &'c Map<String, Value>, name: &'static str) -> Result<&'c str, ClaimFault> {
    claims.get(name).ok_or(ClaimFault::Missing(name))?.as_str().filter(|s| !s.is_empty()).ok_or(ClaimFault::Shape(name))
}

/// The audiences: one text, or a list of texts.
pub(crate) fn audiences(claims: &Map<String, Value>) -> Result<Vec<&str>, ClaimFault> {
    let wrong = ClaimFault::Shape("aud");
    match claims.get("aud").ok_or(ClaimFault::Missing("aud"))? {
        Value::String(one) => Ok(vec![one]),
        Value::Array(all) if !all.is_empty() => all.iter().map(Value::as_str).collect::<Option<_>>().ok_or(wrong),
        _ => Err(wrong),
    }
}

/// An instant in whole seconds; a fraction, which RFC 7519 §2 allows, is cut off. Numbers beyond 64 bits are taken for the last instant.
pub(crate) fn instant(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, ClaimFault> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(n)) => match (n.as_i64(), n.as_f64()) {
            (Some(whole), _) => Ok(Some(whole)),
            // `as` keeps to the range of the type.
            (None, Some(fraction)) => Ok(Some(fraction.floor() as i64)),
            (None, None) => Err(ClaimFault::Shape(name)),
        },
        Some(_) => Err(ClaimFault::Shape(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_795_000_000;

    fn check(claims: &Value, change: impl FnOnce(&mut ClaimRule<'_>)) -> Result<(), ClaimFault> {
        let mut rule =
            ClaimRule { issuer: Some("https://id.example"), audiences: &["app", "web"], now_s: NOW, ..ClaimRule::default() };
        change(&mut rule);
        check_claims(claims.as_object().unwrap(), &rule)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = json!({ "iss": "https://id.example", "aud": "app", "exp": NOW + 120, "iat": NOW, "nbf": NOW });
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        claims
    }

    #[test]
    fn each_claim_is_judged() {
        use ClaimFault as F;
        let table = [
            ("x", json!(1), Ok(())),
            ("iss", json!("https://id.example/"), Err(F::Issuer)),
            ("iss", json!(["https://id.example"]), Err(F::Shape("iss"))),
            ("iss", Value::Null, Err(F::Missing("iss"))),
            ("aud", json!(["other", "web"]), Ok(())),
            ("aud", json!("other"), Err(F::Audience)),
            ("aud", json!(["other"]), Err(F::Audience)),
            ("aud", json!([]), Err(F::Shape("aud"))),
            ("aud", json!(["app", 1]), Err(F::Shape("aud"))),
            ("aud", json!({ "app": 1 }), Err(F::Shape("aud"))),
            ("aud", Value::Null, Err(F::Missing("aud"))),
            ("exp", json!(NOW), Err(F::Expired(0))),
            ("exp", json!(NOW - 1), Err(F::Expired(1))),
            ("exp", json!(NOW + 1), Ok(())),
            ("exp", json!(NOW as f64 + 0.5), Err(F::Expired(0))),
            ("exp", json!(1e300), Ok(())),
            ("exp", json!(u64::MAX), Ok(())),
            ("exp", json!(-1e300), Err(F::Expired(i64::MAX))),
            ("exp", json!("1795000120"), Err(F::Shape("exp"))),
            ("exp", Value::Null, Err(F::Missing("exp"))),
            ("nbf", json!(NOW + 1), Err(F::Early(1))),
            ("nbf", json!(i64::MAX), Err(F::Early(i64::MAX - NOW))),
            ("nbf", json!(true), Err(F::Shape("nbf"))),
            ("nbf", Value::Null, Ok(())),
            ("iat", json!(NOW + 1), Err(F::Future(1))),
            ("iat", json!(i64::MIN), Ok(())),
            ("iat", json!([]), Err(F::Shape("iat"))),
            ("iat", Value::Null, Ok(())),
        ];
        for (name, value, expected) in table {
            assert_eq!(check(&with(name, value.clone()), |_| ()), expected, "{name} {value}");
        }
    }

    #[test]
    fn clocks_may_differ_by_the_leeway() {
        let leeway = |r: &mut ClaimRule<'_>| r.leeway_s = 10;
        assert_eq!(check(&with("exp", json!(NOW - 9)), leeway), Ok(()));
        assert_eq!(check(&with("exp", json!(NOW - 10)), leeway), Err(ClaimFault::Expired(10)));
        for name in ["nbf", "iat"] {
            assert_eq!(check(&with(name, json!(NOW + 10)), leeway), Ok(()), "{name}");
            assert!(check(&with(name, json!(NOW + 11)), leeway).is_err(), "{name}");
        }
    }

    #[test]
    fn life_and_age_are_bounded_where_the_rule_says() {
        let longest = |r: &mut ClaimRule<'_>| r.longest_s = Some(300);
        assert_eq!(check(&with("exp", json!(NOW + 300)), longest), Ok(()));
        assert_eq!(check(&with("exp", json!(NOW + 301)), longest), Err(ClaimFault::Lasting(301)));
        assert_eq!(check(&with("exp", json!(i64::MAX)), longest), Err(ClaimFault::Lasting(i64::MAX - NOW)));
        let age = |r: &mut ClaimRule<'_>| r.max_age_s = Some(300);
        assert_eq!(check(&with("iat", json!(NOW - 300)), age), Ok(()));
        assert_eq!(check(&with("iat", json!(NOW - 301)), age), Err(ClaimFault::Old(301)));
        assert_eq!(check(&with("iat", Value::Null), age), Err(ClaimFault::Missing("iat")));
    }

    #[test]
    fn what_the_rule_does_not_name_is_not_judged() {
        let claims = json!({ "exp": NOW + 1 });
        assert_eq!(check_claims(claims.as_object().unwrap(), &ClaimRule { now_s: NOW, ..ClaimRule::default() }), Ok(()));
    }
}
