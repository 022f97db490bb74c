//! Resources of other directories: their own bytes, under the versions and instants of this log.

mod read;
mod stamp;
#[cfg(test)]
mod tests;

use crate::view::{Guide, View};
use crate::{extract, limits, raw_json, schema};
use annuaire_base::date::iso_ms;
use annuaire_consolidate::Perimeter;
use annuaire_terms::{Presence, Resource};
use read::{ShownResource, read};
use serde_json::Value;
use stamp::{CutResource, cut};

/// The origin of the version and the instant of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamps {
    /// This log gives them (LOG-3, LOG-4).
    Log,
    /// The feed gives them, when its instant is between [`limits::FIRST_INSTANT`] and `before_ms`. For the
    /// first transaction of a log, the load of an empty directory, and no other.
    Feed {
        /// Instant of the transaction, in milliseconds since 1970.
        before_ms: i64,
    },
}

/// The form of a resource of another directory: its bytes, under the stamps that `stamps` allows. `None` when the perimeter shows
/// nothing of it.
///
/// # Errors
/// The reason, in words, why it cannot be published.
pub fn full_form(view: View, json: &str, stamps: Stamps) -> Result<Option<Resource>, String> {
    let Some(ShownResource { ty, id, text, value }) = read(view, json)? else { return Ok(None) };
    let CutResource { before, after, stamp } = cut(&text);
    let foreign_stamp = stamp.filter(|stamp| match stamps {
        Stamps::Log => false,
        Stamps::Feed { before_ms } => (limits::FIRST_INSTANT..=before_ms).contains(&stamp.last_updated_ms),
    });
    let terms = extract::terms(schema::type_name(ty), &value);
    checked(Resource { ty, id, before, after, terms, foreign_stamp, presence: Presence::Described })
}

/// The form of a resource of a store that is copied: its bytes, its number and its instant are kept.
///
/// # Errors
/// The reason, in words, why it is no resource that this view can have published.
pub fn copied_form(view: View, json: &str, number: u32, commit_ms: i64) -> Result<Resource, String> {
    let shown = read(view, json)?.ok_or("the perimeter of this store shows nothing of it")?;
    if shown.text != json {
        return Err("it has members that the perimeter of this store does not show".to_owned());
    }
    let CutResource { before, after, stamp } = cut(json);
    let stamp = stamp.ok_or("it has no meta.lastUpdated")?;
    let end: &[u8] = if after.first() == Some(&b'}') { b"" } else { b"," };
    let of_log = format!("\"versionId\":\"{number}\",\"lastUpdated\":\"{}\"", iso_ms(commit_ms));
    let is_of_log = stamp.stamp.strip_suffix(end).is_some_and(|stamp| stamp == of_log.as_bytes());
    if [&before[..], &stamp.stamp, &after].concat() != json.as_bytes() {
        return Err("its version and its instant do not stand together in its meta".to_owned());
    }
    if stamp.version != Some(number) {
        return Err(format!("its meta.versionId is not {number}"));
    }
    let terms = extract::terms(schema::type_name(shown.ty), &shown.value);
    let foreign_stamp = (!is_of_log).then_some(stamp);
    let resource = Resource { ty: shown.ty, id: shown.id, before, after, terms, foreign_stamp, presence: Presence::Described };
    resource.check().map_err(|e| e.to_string())?;
    Ok(resource)
}

/// Reduced form of a resource that another directory deleted (fhir-api §11): its identifiers, and that it is not active.
///
/// # Errors
/// As [`full_form`].
pub fn reduced_form(view: View, json: &str) -> Result<Option<Resource>, String> {
    let Some(ShownResource { ty, id, text, .. }) = read(view, json)? else { return Ok(None) };
    let name = schema::type_name(ty);
    let members = raw_json::members(&text);
    let value_of = |member: &str| members.iter().find(|m| m.name == member).map(|m| m.value);
    let before = format!("{{\"resourceType\":\"{name}\",\"id\":\"{id}\",\"meta\":{{");
    let meta = value_of("meta").map(raw_json::members).unwrap_or_default();
    let source_and_profile =
        meta.iter().filter(|m| matches!(m.name.as_str(), "source" | "profile")).map(|m| m.text).collect::<Vec<_>>();
    let mut after: Vec<String> = vec![source_and_profile.join(",") + "}"];
    let (members_that_stay, state): (&[&str], _) = match name {
        "Device" => (&["language", "identifier"], "\"status\":\"inactive\""),
        "PractitionerRole" => (&["language", "identifier", "practitioner"], "\"active\":false"),
        "Organization" => (&["language", "identifier", "name"], "\"active\":false"),
        _ => (&["language", "identifier"], "\"active\":false"),
    };
    let stays = |member: &&str| Some(format!("\"{member}\":{}", value_of(member)?));
    after.extend(members_that_stay.iter().filter_map(stays));
    after.push(state.to_owned());
    let after = after.join(",") + "}";
    let value: Value =
        serde_json::from_str(&format!("{before}{after}")).map_err(|e| format!("its reduced form cannot be made: {e}"))?;
    let terms = extract::terms(name, &value);
    let (before, after) = (before.into_bytes(), after.into_bytes());
    checked(Resource { ty, id, before, after, terms, foreign_stamp: None, presence: Presence::Withdrawn })
}

fn checked(resource: Resource) -> Result<Option<Resource>, String> {
    resource.check().map_err(|e| e.to_string())?;
    Ok(Some(resource))
}

/// Whether a resource of a feed can be published in both perimeters and withdrawn later. It makes the forms, so that its answer
/// is that of publication. Cost: four forms.
///
/// # Errors
/// The reason, in words, why it cannot.
pub fn check_publishable(json: &str) -> Result<(), String> {
    for perimeter in [Perimeter::Public, Perimeter::Restricted] {
        let view = View { guide: Guide::default(), perimeter };
        full_form(view, json, Stamps::Log)?;
        reduced_form(view, json)?;
    }
    Ok(())
}
