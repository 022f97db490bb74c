//! Values of reference parameters: an id, `Type/id`, or an address.

use annuaire_web::ErrorCode;

use super::values::check_token;
use crate::error::ApiError;
use crate::path::{MOUNTS, below_mount};

/// The target of a reference value: `Type/id` for a bare id, for `Type/id` and for an address below our `base`. The address of
/// another server stays as it is, since its resources are not ours.
pub(super) fn target(value: &str, ty: &str, base: &str) -> Result<String, ApiError> {
    check_token(value)?;
    let value = value.trim();
    if value.contains("://") {
        return Ok(below_our_base(value, base).unwrap_or(value).trim_end_matches('/').to_owned());
    }
    let parts: Vec<&str> = value.strip_suffix('/').filter(|v| v.contains('/')).unwrap_or(value).split('/').collect();
    match parts.as_slice() {
        [""] | ["", _] | [_, ""] => Err(ApiError::value("Write the id, Type/id or the address of a resource of this server.")),
        [id] => Ok(format!("{ty}/{id}")),
        [kind, id] => Ok(format!("{kind}/{id}")),
        _ => Err(ApiError::new(ErrorCode::ValueMalformedAsDocumented, "Unknown error")
            .hint("Write the id, Type/id or the address of a resource of this server.")),
    }
}

/// The part of an address below our base, under any mount of the API.
fn below_our_base<'a>(address: &'a str, base: &str) -> Option<&'a str> {
    let root = base.rfind("/fhir/").and_then(|at| base.get(..at))?;
    let path = address.strip_prefix(root)?;
    let rest = MOUNTS.iter().find_map(|mount| below_mount(path, mount))?;
    rest.strip_prefix('/').filter(|rest| rest.trim_end_matches('/').split('/').count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_forms() {
        let base = "https://x.example/a/fhir/v2";
        for form in [
            "7",
            "Organization/7",
            " Organization/7/ ",
            "https://x.example/a/fhir/v2/Organization/7",
            "https://x.example/a/fhir/dp/Organization/7",
        ] {
            assert_eq!(target(form, "Organization", base).ok().unwrap(), "Organization/7", "{form}");
        }
        for form in [
            "https://autre.example/fhir/v2/Organization/7",
            "https://x.example/fhir/v2/Organization/7",
            "https://x.example.autre.example/a/fhir/v2/Organization/7",
            "http://x.example/a/fhir/v2/Organization/7",
            "https://x.example/a/fhir/v2/b/Organization/7",
            "https://x.example/a/fhir/v22/Organization/7",
        ] {
            assert_eq!(target(form, "Organization", base).ok().unwrap(), form, "another server");
        }
        for bad in ["Organization/7/x", "/", "a\u{1}", "Organization/", "/7", &"x".repeat(2_000)] {
            assert!(target(bad, "Organization", base).is_err(), "{bad}");
        }
    }
}
