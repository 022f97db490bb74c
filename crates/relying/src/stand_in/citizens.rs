//! The fictional people of the stand-in, and what it tells about them.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// A fictional person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citizen {
    /// A short name of the person, in rows and forms.
    pub id: String,
    /// What the page of the stand-in says about the person.
    pub label: String,
    /// First names in order.
    pub given_names: Vec<String>,
    /// Birth name.
    pub family_name: String,
    /// Usual name; may be empty.
    pub usual_name: String,
    /// `YYYY-MM-DD`, with `00` for what is not known.
    pub birthdate: String,
    /// `female` or `male`.
    pub gender: String,
    /// INSEE code of the commune; empty for those born abroad.
    pub birthplace: String,
    /// INSEE code of the country.
    pub birthcountry: String,
    /// Contact address.
    pub email: String,
    /// What the civil-status register answers instead of traits: six digits, or nothing.
    pub register_code: Option<String>,
}

/// The people of the stand-in: each shows one thing that real civil statuses have. The last but one is for an installation to replace by a
/// person whom its directory holds.
#[must_use]
pub fn fictional_citizens() -> Vec<Citizen> {
    let citizen =
        |id: &str, label: &str, names: &[&str], family: &str, usual: &str, born: &str, sex: &str, place: (&str, &str)| Citizen {
            id: id.to_owned(),
            label: label.to_owned(),
            given_names: names.iter().map(|name| (*name).to_owned()).collect(),
            family_name: family.to_owned(),
            usual_name: usual.to_owned(),
            birthdate: born.to_owned(),
            gender: sex.to_owned(),
            birthplace: place.0.to_owned(),
            birthcountry: place.1.to_owned(),
            email: format!("{id}@exemple.test"),
            register_code: None,
        };
    let deceased = Citizen {
        register_code: Some("010015".to_owned()),
        ..citizen("deces", "personne décédée : refus 010015", &["Octave"], "FICTIF", "", "1931-05-01", "male", ("44109", "99100"))
    };
    vec![
        citizen("angele", "cas simple", &["Angèle", "Rose"], "EXEMPLAIRE", "", "1984-02-29", "female", ("57463", "99100")),
        citizen(
            "anne-sophie",
            "prénom composé sans trait d’union",
            &["Anne Sophie", "Louise"],
            "D'ESSAI",
            "",
            "1991-07-14",
            "female",
            ("2A004", "99100"),
        ),
        citizen("aminata", "née à l’étranger, sans commune", &["Aminata"], "FICTIVE", "", "1979-11-03", "female", ("", "99341")),
        citizen("joseph", "jour et mois de naissance inconnus", &["Joseph"], "MODELE", "", "1984-00-00", "male", ("", "99352")),
        citizen("claire", "nom d’usage", &["Claire", "Marie"], "SPECIMEN", "TEMOIN", "1988-12-24", "female", ("75115", "99100")),
        citizen("jean-marc", "prénom composé", &["Jean-Marc", "Émile"], "GABARIT", "", "1969-01-31", "male", ("29019", "99100")),
        citizen("camille", "déjà dans l’annuaire", &["Camille"], "EXEMPLE", "", "1984-02-29", "female", ("35238", "99100")),
        deceased,
    ]
}

impl Citizen {
    /// The person at one client (identity.md §4.2): it depends on the civil status alone, so that a rectified one gives another.
    #[must_use]
    pub fn subject(&self, client_id: &str) -> String {
        let place = if self.birthcountry == "99100" { &self.birthplace } else { "" };
        let names = self.given_names.join("\n");
        let pivot = [client_id, &names, &self.family_name, &self.birthdate, &self.gender, place, &self.birthcountry].join("\0");
        format!("{}v1", annuaire_base::text::hex(&Sha256::digest(pivot.as_bytes())))
    }

    /// The claims of scopes (identity.md §4.3).
    pub(crate) fn claims(&self, scopes: &str) -> Map<String, Value> {
        let mut claims = Map::new();
        let all = [
            ("given_name", json!(self.given_names.join(" "))),
            ("given_name_array", json!(self.given_names)),
            ("family_name", json!(self.family_name)),
            ("birthdate", json!(self.birthdate)),
            ("gender", json!(self.gender)),
            ("birthplace", json!(self.birthplace)),
            ("birthcountry", json!(self.birthcountry)),
            ("preferred_username", json!(self.usual_name)),
            ("email", json!(self.email)),
        ];
        for (name, value) in all {
            if scopes.split(' ').any(|scope| gives(scope, name)) {
                claims.insert(name.to_owned(), value);
            }
        }
        claims
    }

    /// Name of the person for pages.
    pub(crate) fn name(&self) -> String {
        let family = if self.usual_name.is_empty() { &self.family_name } else { &self.usual_name };
        format!("{} {family}", self.given_names.first().map_or("", String::as_str))
    }
}

const PIVOT: [&str; 7] = ["given_name", "given_name_array", "family_name", "birthdate", "gender", "birthplace", "birthcountry"];

/// Scopes that the stand-in knows.
pub(crate) fn is_scope(scope: &str) -> bool {
    matches!(scope, "openid" | "identite_pivot" | "profile" | "birth" | "email" | "preferred_username" | "amr")
        || PIVOT.contains(&scope)
}

fn gives(scope: &str, claim: &str) -> bool {
    match scope {
        "identite_pivot" => PIVOT.contains(&claim),
        "profile" => PIVOT[..5].contains(&claim) || claim == "preferred_username",
        "birth" => PIVOT[5..].contains(&claim),
        scope => scope == claim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::civil::CivilIdentity;
    use std::collections::BTreeSet;

    #[test]
    fn all_people_can_be_read_and_have_subjects_of_their_own() {
        let people = fictional_citizens();
        let subjects: BTreeSet<String> =
            people.iter().flat_map(|citizen| ["a", "b"].map(|client| citizen.subject(client))).collect();
        assert_eq!(subjects.len(), 2 * people.len());
        assert!(subjects.iter().all(|sub| sub.len() == 66 && sub.ends_with("v1")));
        for citizen in &people {
            let civil = CivilIdentity::read(&citizen.claims("openid identite_pivot preferred_username email")).unwrap();
            assert_eq!(civil.first_names(), citizen.given_names.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(civil.missing().is_empty());
        }
    }

    #[test]
    fn a_scope_gives_its_claims_alone() {
        let citizen = &fictional_citizens()[4];
        let names = |scopes: &str| citizen.claims(scopes).keys().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
        assert!(names("openid").is_empty());
        assert_eq!(names("openid birth email"), ["birthplace", "birthcountry", "email"]);
        assert!(!names("identite_pivot").contains(&"preferred_username".to_owned()));
        assert!(
            names("profile").contains(&"preferred_username".to_owned()) && !names("profile").contains(&"birthplace".to_owned())
        );
        let mut rectified = citizen.clone();
        rectified.given_names[0] = "Clair".into();
        assert_ne!(rectified.subject("a"), citizen.subject("a"));
        rectified = citizen.clone();
        rectified.usual_name = "AUTRE".into();
        assert_eq!(rectified.subject("a"), citizen.subject("a"));
    }
}
