//! A practice: one profession of a person.

use serde_json::Value;

use super::contact::ContactView;
use super::smartcard::SmartcardView;
use super::trace::TraceView;
use super::{coding_label, identifier_of_type, is_active, is_of_table, items, text_at};
use crate::french::french_day;
use crate::person_name::{family_name, given_names};

/// A `Practitioner`, which is one profession of a person.
#[derive(Debug, Clone, Default)]
pub(crate) struct PractitionerView {
    pub id: String,
    /// National identification (IDNPS), the key of the page of a professional.
    pub national_id: String,
    pub rpps: String,
    /// Title, given names and family name.
    pub name: String,
    /// How the person is addressed: « Dr », « Mme »; empty when that is not known.
    pub title: &'static str,
    pub family: String,
    pub given: String,
    /// The profession in words. Of somebody who is registered by a role alone, that role, once the situations are read.
    pub profession: String,
    /// Code of the profession; empty when the resource has none.
    pub profession_code: String,
    pub category: String,
    pub skills: Vec<String>,
    pub diplomas: Vec<String>,
    pub mailboxes: Vec<ContactView>,
    pub cards: Vec<SmartcardView>,
    pub authorisations: Vec<String>,
    pub active: bool,
    pub trace: TraceView,
}

/// Terminologies of professions.
const PROFESSIONS: &[&str] = &["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"];
/// The code of TRE_R291 that says only that a role says what somebody does.
const BY_ROLE: &str = "99";
/// What somebody is called who is registered by a role that is not known.
const WITHOUT_ROLE: &str = "Professionnel du système de santé";

impl PractitionerView {
    pub(crate) fn of_json(resource: &Value) -> Self {
        let name = resource.pointer("/name/0").unwrap_or(&Value::Null);
        let (family, given) = (family_name(&text_at(name, "/family")), given_names(&joined(name, "given")));
        let mut view = Self {
            id: text_at(resource, "/id"),
            national_id: identifier_of_type(resource, "IDNPS"),
            rpps: identifier_of_type(resource, "RPPS"),
            name: [title(name), given.as_str(), family.as_str()].join(" ").trim().to_owned(),
            title: title(name),
            family,
            given,
            active: is_active(resource),
            mailboxes: ContactView::all_of(resource),
            trace: TraceView::of_json(resource),
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
            let profession = codings.iter().find(|coding| is_of_table(coding, PROFESSIONS));
            self.profession_code = profession.map(|coding| text_at(coding, "/code")).unwrap_or_default();
            self.profession = match self.profession_code.as_str() {
                BY_ROLE => WITHOUT_ROLE.to_owned(),
                _ => profession.map(|coding| coding_label(coding)).unwrap_or_default(),
            };
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
            self.cards.push(SmartcardView::of_extension(extension));
        } else if url.ends_with("as-ext-practitioner-authorization") {
            let label = |name: &str| part(name).pointer("/valueCodeableConcept/coding/0").map(coding_label).unwrap_or_default();
            let labels = ["type", "field"].map(label);
            let mut words = labels.into_iter().filter(|label| !label.is_empty()).collect::<Vec<_>>().join(" — ");
            for (word, day) in
                [("du", text_at(part("period"), "/valuePeriod/start")), ("au", text_at(part("period"), "/valuePeriod/end"))]
            {
                if !day.is_empty() {
                    words = format!("{words} {word} {}", french_day(&day));
                }
            }
            self.authorisations.push(words);
        }
    }

    /// Names the profession of somebody who is registered by a role: the first of these roles.
    pub(crate) fn name_by_role(&mut self, roles: &[String]) {
        if self.profession_code == BY_ROLE
            && let Some(role) = roles.first()
        {
            self.profession.clone_from(role);
        }
    }
}

/// The texts of a member that is a list, with spaces between them.
fn joined(name: &Value, member: &str) -> String {
    items(name, member).filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// How a person is addressed; a title of practice wins over a civility.
fn title(name: &Value) -> &'static str {
    match joined(name, "suffix").as_str() {
        "DR" => "Dr",
        "PR" => "Pr",
        _ => match joined(name, "prefix").as_str() {
            "MME" | "MLLE" => "Mme",
            "M" => "M.",
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::PractitionerView;
    use serde_json::json;

    #[test]
    fn whoever_is_registered_by_a_role_is_called_by_it() {
        let coding = |table: &str, code: &str, display: &str| json!({"system": format!("https://x.example/{table}-X/FHIR/X"), "code": code, "display": display});
        let practice = |code: &str| {
            let codings =
                json!([coding("TRE_R09", "C", "Civil"), coding("TRE_R291", code, "Acteur participant au système de santé")]);
            PractitionerView::of_json(&json!({"qualification": [{"code": {"coding": codings}}]}))
        };
        let mut by_role = practice("99");
        assert_eq!(by_role.profession, "Professionnel du système de santé");
        by_role.name_by_role(&["Assistant médical".to_owned()]);
        assert_eq!(by_role.profession, "Assistant médical");
        let mut other = practice("98");
        other.name_by_role(&["Assistant médical".to_owned()]);
        assert_eq!(other.profession, "Acteur participant au système de santé");
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
