//! A practice: one profession of a person.

use serde_json::Value;

use super::contact::ContactView;
use super::{coding_label, identifier_of_type, is_active, items, text_at};
use crate::french::french_day;

/// A `Practitioner`, which is one profession of a person.
#[derive(Debug, Clone, Default)]
pub(crate) struct PractitionerView {
    pub id: String,
    /// National identification (IDNPS), the key of the page of a professional.
    pub national_id: String,
    pub rpps: String,
    /// Title, given names and family name.
    pub name: String,
    pub family: String,
    pub given: String,
    pub profession: String,
    pub category: String,
    pub skills: Vec<String>,
    pub diplomas: Vec<String>,
    pub mailboxes: Vec<ContactView>,
    pub cards: Vec<String>,
    pub authorisations: Vec<String>,
    pub active: bool,
}

/// Terminologies of professions.
const PROFESSIONS: &[&str] = &["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"];

impl PractitionerView {
    pub(crate) fn of_json(resource: &Value) -> Self {
        let name = resource.pointer("/name/0").unwrap_or(&Value::Null);
        let (family, given) = (text_at(name, "/family"), joined(name, "given"));
        let mut view = Self {
            id: text_at(resource, "/id"),
            national_id: identifier_of_type(resource, "IDNPS"),
            rpps: identifier_of_type(resource, "RPPS"),
            name: format!("{}{given} {family}", title(name)).trim().to_owned(),
            family,
            given,
            active: is_active(resource),
            mailboxes: ContactView::all_of(resource),
            ..Self::default()
        };
        items(resource, "qualification").for_each(|qualification| view.add_qualification(qualification));
        items(resource, "extension").for_each(|extension| view.add_extension(extension));
        view
    }

    /// A qualification is a profession with its category, a skill or a diploma. The terminologies of its codings decide which.
    fn add_qualification(&mut self, qualification: &Value) {
        let codings: Vec<&Value> =
            qualification.pointer("/code/coding").and_then(Value::as_array).into_iter().flatten().collect();
        let label_of = |tables: &[&str]| codings.iter().find(|coding| is_of_table(coding, tables)).map(|c| coding_label(c));
        let last_label = || codings.last().map(|coding| coding_label(coding)).unwrap_or_default();
        if let Some(category) = label_of(&["TRE_R09"]) {
            self.category = category;
            self.profession = label_of(PROFESSIONS).unwrap_or_default();
        } else if label_of(&["TRE_R04"]).is_some() {
            self.skills.push(last_label());
        } else if label_of(&["TRE_R14"]).is_some() {
            self.diplomas.push(last_label());
        }
    }

    /// Cards and authorisations are extensions of the national profile.
    fn add_extension(&mut self, extension: &Value) {
        let url = text_at(extension, "/url");
        let part = |name: &str| items(extension, "extension").find(|part| text_at(part, "/url") == name).unwrap_or(&Value::Null);
        if url.ends_with("as-ext-smartcard") {
            let kind = text_at(part("type"), "/valueCodeableConcept/coding/0/code");
            let number = text_at(part("number"), "/valueString");
            let end = text_at(part("period"), "/valuePeriod/end");
            // The card may have expired: the page gives the day and does not claim that the card is valid.
            let end = if end.is_empty() { String::new() } else { format!(", fin de validité le {}", french_day(&end)) };
            self.cards.push(format!("{kind} n° {number}{end}"));
        } else if url.ends_with("as-ext-practitioner-authorization") {
            let label = |name: &str| part(name).pointer("/valueCodeableConcept/coding/0").map(coding_label).unwrap_or_default();
            let labels = ["type", "field"].map(label);
            self.authorisations.push(labels.into_iter().filter(|label| !label.is_empty()).collect::<Vec<_>>().join(" — "));
        }
    }
}

/// The texts of a member that is a list, with spaces between them.
fn joined(name: &Value, member: &str) -> String {
    items(name, member).filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// How a person is addressed, with a space behind; a title of practice wins over a civility.
fn title(name: &Value) -> &'static str {
    match joined(name, "suffix").as_str() {
        "DR" => "Dr ",
        "PR" => "Pr ",
        _ => match joined(name, "prefix").as_str() {
            "MME" | "MLLE" => "Mme ",
            "M" => "M. ",
            _ => "",
        },
    }
}

/// Whether the system of a coding names one of these terminologies: `…/TRE_R09-…` or, in URLs of the national server,
/// `…tre-r09…`.
fn is_of_table(coding: &Value, tables: &[&str]) -> bool {
    let system = text_at(coding, "/system");
    let lower = system.to_lowercase();
    tables.iter().any(|table| system.contains(&format!("/{table}-")) || lower.contains(&table.to_lowercase().replace('_', "-")))
}

#[cfg(test)]
mod tests {
    use super::PractitionerView;
    use serde_json::json;

    #[test]
    fn a_card_does_not_claim_to_be_valid() {
        let card = json!({"extension": [{"url": "x/as-ext-smartcard", "extension": [
            {"url": "number", "valueString": "1"}, {"url": "period", "valuePeriod": {"end": "2020-03-01"}}]}]});
        assert_eq!(PractitionerView::of_json(&card).cards, [" n° 1, fin de validité le 01/03/2020"]);
    }

    #[test]
    fn the_title_of_practice_wins_over_the_civility() {
        let named = |prefix: &str, suffix: &str| {
            let name = json!({"name": [{"family": "ESSAI", "given": ["Anne", "Lou"], "prefix": [prefix], "suffix": [suffix]}]});
            PractitionerView::of_json(&name).name
        };
        assert_eq!(named("MME", "DR"), "Dr Anne Lou ESSAI");
        assert_eq!(named("MLLE", ""), "Mme Anne Lou ESSAI");
        assert_eq!(named("", "X"), "Anne Lou ESSAI");
    }

    #[test]
    fn terminologies_tell_professions_skills_and_diplomas_apart() {
        let qualification = |codings: &[(&str, &str)]| {
            let coding = |(system, display): &(&str, &str)| json!({"system": system, "code": "0", "display": display});
            json!({"code": {"coding": codings.iter().map(coding).collect::<Vec<_>>()}})
        };
        let view = PractitionerView::of_json(&json!({"qualification": [
            qualification(&[("https://x.example/TRE_R09-Categorie/FHIR/TRE-R09-Categorie", "Civil"), ("https://x.example/tre-g15-profession", "Médecin")]),
            qualification(&[("https://x.example/TRE_R04-Type/FHIR", "Spécialité"), ("https://x.example/TRE_R38-Specialite", "Cardiologie")]),
            qualification(&[("https://x.example/TRE_R14-Type/FHIR", "Diplôme d’État"), ("https://x.example/TRE_R48", "DE docteur en médecine")]),
        ]}));
        assert_eq!((view.category.as_str(), view.profession.as_str()), ("Civil", "Médecin"));
        assert_eq!((view.skills, view.diplomas), (vec!["Cardiologie".to_owned()], vec!["DE docteur en médecine".to_owned()]));
    }
}
