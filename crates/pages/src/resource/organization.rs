//! A structure, or the place where somebody practises.

use std::collections::HashSet;

use form_urlencoded::byte_serialize;
use serde_json::Value;

use super::contact::ContactView;
use super::trace::TraceView;
use super::{coding_label, identifier_of_type, is_active, items, text_at};
use crate::french::french_day;

/// An `Organization`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OrganizationView {
    /// Technical id, the key of the page of a structure.
    pub technical_id: String,
    pub name: String,
    pub alias: String,
    /// Lines of the address, the town last.
    pub address: Vec<String>,
    pub town: String,
    /// Lines of the address without the town.
    pub street: Vec<String>,
    pub postal_code: String,
    pub city: String,
    pub contacts: Vec<ContactView>,
    /// What each identifier is, in French, and its value.
    pub identifiers: Vec<(&'static str, String)>,
    /// Nature, sector and categories, each once.
    pub kinds: Vec<String>,
    /// Reference to the structure that it belongs to; empty when there is none.
    pub parent: String,
    /// When it opened and closed; empty when neither is known.
    pub period: String,
    pub active: bool,
    pub trace: TraceView,
}

/// Where a visitor finds the map of an address. It is a link: nothing of it is loaded, and nobody is told, before it is followed.
const MAP: &str = "https://www.openstreetmap.org/search?query=";

/// What each identifier is, in French, and the code of its type.
const IDENTIFIERS: [(&str, &str); 7] = [
    ("Identifiant national", "IDNST"),
    ("FINESS (entité juridique)", "FINEJ"),
    ("FINESS (établissement)", "FINEG"),
    ("SIREN", "SIREN"),
    ("SIRET", "SIRET"),
    ("RPPS-rang", "RPPSRG"),
    ("RPPS-rang", "INTRN"),
];

impl OrganizationView {
    pub(crate) fn of_json(resource: &Value) -> Self {
        let address = resource.pointer("/address/0").unwrap_or(&Value::Null);
        let town = [text_at(address, "/postalCode"), text_at(address, "/city")].join(" ").trim().to_owned();
        let street: Vec<String> = items(address, "line").filter_map(Value::as_str).map(str::to_owned).collect();
        let mut lines = street.clone();
        lines.extend(Some(town.clone()).filter(|town| !town.is_empty()));
        let identifiers = IDENTIFIERS.iter().map(|(label, code)| (*label, identifier_of_type(resource, code)));
        Self {
            technical_id: text_at(resource, "/id").trim_start_matches("001-").to_owned(),
            name: text_at(resource, "/name"),
            alias: text_at(resource, "/alias/0"),
            address: lines,
            town,
            street,
            postal_code: text_at(address, "/postalCode"),
            city: text_at(address, "/city"),
            contacts: ContactView::all_of(resource),
            identifiers: identifiers.filter(|(_, value)| !value.is_empty()).collect(),
            kinds: kinds(resource),
            parent: text_at(resource, "/partOf/reference"),
            period: period(resource),
            active: is_active(resource),
            trace: TraceView::of_json(resource),
        }
    }

    /// Its name, or what stands for it.
    pub(crate) fn shown_name(&self) -> String {
        if self.name.is_empty() { format!("Structure {}", self.technical_id) } else { self.name.clone() }
    }

    /// Address of a map of its address; empty when no address is published.
    pub(crate) fn map(&self) -> String {
        if self.address.is_empty() {
            String::new()
        } else {
            format!("{MAP}{}", byte_serialize(self.address.join(", ").as_bytes()).collect::<String>())
        }
    }

    /// Its telephone numbers.
    pub(crate) fn phones(&self) -> impl Iterator<Item = &ContactView> {
        self.contacts.iter().filter(|contact| contact.is_phone())
    }

    /// Its FINESS or SIRET number; empty when it has neither.
    pub(crate) fn public_number(&self) -> &str {
        let number = |label: &str| self.identifiers.iter().find(|identifier| identifier.0 == label);
        let labels = ["FINESS (établissement)", "FINESS (entité juridique)", "SIRET"];
        labels.into_iter().find_map(number).map_or("", |identifier| identifier.1.as_str())
    }
}

/// Nature, sector and categories. A sector and a category may have equal labels: each is shown once.
fn kinds(resource: &Value) -> Vec<String> {
    let label = |concept: &Value| {
        let coding = concept.pointer("/coding/0")?;
        Some(match text_at(coding, "/code").as_str() {
            "LEGAL-ENTITY" => "Entité juridique".to_owned(),
            "GEOGRAPHICAL-ENTITY" => "Lieu d’exercice ou établissement".to_owned(),
            _ => coding_label(coding),
        })
    };
    let mut kinds: Vec<String> = items(resource, "type").filter_map(label).collect();
    let mut seen = HashSet::new();
    kinds.retain(|kind| seen.insert(kind.clone()));
    kinds
}

fn period(resource: &Value) -> String {
    let Some(extension) = items(resource, "extension").find(|e| text_at(e, "/url").ends_with("organization-period")) else {
        return String::new();
    };
    let (start, end) = (text_at(extension, "/valuePeriod/start"), text_at(extension, "/valuePeriod/end"));
    match (start.is_empty(), end.is_empty()) {
        (false, true) => format!("Ouverte le {}", french_day(&start)),
        (true, false) => format!("Fermée le {}", french_day(&end)),
        _ => format!("Ouverte le {}, fermée le {}", french_day(&start), french_day(&end)),
    }
}

#[cfg(test)]
mod tests {
    use super::OrganizationView;
    use serde_json::json;

    #[test]
    fn each_kind_is_listed_once() {
        let kind = |code: &str, display: &str| json!({"coding": [{"code": code, "display": display}]});
        let types = json!({"type": [kind("SA01", "Public"), kind("355", "Hôpital"), kind("SPH", "Public")]});
        assert_eq!(OrganizationView::of_json(&types).kinds, ["Public", "Hôpital"]);
    }

    #[test]
    fn a_map_is_asked_for_the_whole_address() {
        let placed = json!({"address": [{"line": ["1 RUE D’ESSAI"], "postalCode": "29200", "city": "BREST"}]});
        let map = OrganizationView::of_json(&placed).map();
        assert_eq!(map, "https://www.openstreetmap.org/search?query=1+RUE+D%E2%80%99ESSAI%2C+29200+BREST");
        assert_eq!(OrganizationView::of_json(&json!({})).map(), "");
    }

    #[test]
    fn a_list_of_contacts_names_each_kind_once() {
        let telecom =
            json!({"telecom": [{"system": "phone", "value": "1"}, {"system": "phone", "value": "2"}, {"system": "fax"}]});
        let contacts = OrganizationView::of_json(&telecom).contacts;
        assert_eq!(contacts.iter().map(|contact| contact.begins_kind).collect::<Vec<_>>(), [true, false, true]);
    }
}
