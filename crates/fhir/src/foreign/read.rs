//! Reading a resource of another directory, and refusing what could not be published.

use crate::view::View;
use crate::{limits, perimeter, raw_json, schema};
use annuaire_consolidate::Perimeter;
use annuaire_terms::{TypeId, limits as store_limits};
use serde_json::Value;
use std::borrow::Cow;

/// The part of a resource that a perimeter shows.
pub(super) struct ShownResource<'a> {
    pub(super) ty: TypeId,
    pub(super) id: String,
    pub(super) text: Cow<'a, str>,
    /// `text`, parsed.
    pub(super) value: Value,
}

/// Reads a resource; `None` when the perimeter shows nothing of it.
///
/// # Errors
/// The reason, in words, why it cannot be published.
pub(super) fn read(view: View, json: &str) -> Result<Option<ShownResource<'_>>, String> {
    if json.len() > limits::RESOURCE {
        return Err(format!("it is longer than {} bytes", limits::RESOURCE));
    }
    let value: Value = serde_json::from_str(json).map_err(|e| format!("it is not JSON that can be published: {e}"))?;
    let name = value.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let ty = schema::type_id(name).ok_or_else(|| format!("{name:?} is not a resource of the directory"))?;
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    check_id(&id)?;
    let meta = value.get("meta");
    if meta.is_some_and(|meta| !meta.is_object()) {
        return Err("its meta is not an object".to_owned());
    }
    // A value from which the text can be written again says all of it: no member was given twice.
    let says_all = is_text_of(&value, json);
    if !says_all {
        check_names_are_unique(json, "the resource")?;
        let members = raw_json::members(json);
        check_names_are_unique(members.iter().find(|m| m.name == "meta").map_or("", |m| m.value), "meta")?;
    }
    if view.perimeter == Perimeter::Restricted || (says_all && perimeter::is_wholly_public(&value)) {
        return Ok(Some(ShownResource { ty, id, text: Cow::Borrowed(json), value }));
    }
    let Some(text) = perimeter::public_resource(json, &value) else { return Ok(None) };
    let value = match &text {
        Cow::Borrowed(_) => value,
        Cow::Owned(part) => serde_json::from_str(part).map_err(|e| format!("its public part cannot be made: {e}"))?,
    };
    Ok(Some(ShownResource { ty, id, text, value }))
}

/// Whether a value is written as this text.
fn is_text_of(value: &Value, text: &str) -> bool {
    /// What is left of the text.
    struct Compared<'a>(&'a [u8]);

    impl std::io::Write for Compared<'_> {
        fn write(&mut self, written: &[u8]) -> std::io::Result<usize> {
            let rest = self.0.strip_prefix(written).ok_or(std::io::ErrorKind::InvalidData)?;
            self.0 = rest;
            Ok(written.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut compared = Compared(text.as_bytes());
    serde_json::to_writer(&mut compared, value).is_ok() && compared.0.is_empty()
}

fn check_id(id: &str) -> Result<(), String> {
    let letters = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    if letters && (1..=store_limits::ID).contains(&id.len()) {
        Ok(())
    } else {
        Err(format!("{id:?} is not an id (1 to 64 letters, digits, dashes and dots)"))
    }
}

/// Of a member that is given twice, some readers take the first and others the last: such an object is refused.
fn check_names_are_unique(object: &str, what: &str) -> Result<(), String> {
    let mut names: Vec<String> = raw_json::members(object).into_iter().map(|m| m.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|two| two[0] == two[1]) {
        Some(two) => Err(format!("{what} has {:?} twice", two[0])),
        None => Ok(()),
    }
}
