//! The name by which a resource is listed, out of its JSON.

use annuaire_base::text::fold;
use annuaire_index::Version;
use serde::Deserialize;

#[derive(Deserialize)]
struct NamedResource<'a> {
    #[serde(borrow)]
    name: Option<NameMember<'a>>,
}

/// Organizations have one name, people a list of names with parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum NameMember<'a> {
    People(#[serde(borrow)] Vec<PersonName<'a>>),
    Text(std::borrow::Cow<'a, str>),
}

#[derive(Deserialize)]
struct PersonName<'a> {
    #[serde(default, borrow)]
    family: std::borrow::Cow<'a, str>,
    #[serde(default)]
    given: Vec<std::borrow::Cow<'a, str>>,
}

/// The folded name and the id of a resource: the key of its place in a list.
pub fn of(version: &Version) -> (String, String, String) {
    let named: Option<NamedResource<'_>> = serde_json::from_slice(version.body()).ok();
    let (first, second) = match named.and_then(|named| named.name) {
        Some(NameMember::Text(name)) => (name.into_owned(), String::new()),
        Some(NameMember::People(people)) => {
            people.into_iter().next().map(|name| (name.family.into_owned(), name.given.join(" "))).unwrap_or_default()
        }
        None => (String::new(), String::new()),
    };
    (fold(&first), fold(&second), version.id().to_owned())
}
