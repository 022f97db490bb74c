//! Which activities are wanted.

use annuaire_mos::{Adresse, Structure};
use annuaire_nos::geography::Geography;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

/// Which activities are wanted: several values of a kind are alternatives, several kinds must all be met. With a filter an
/// extraction has the activities that meet it and all that is known of the persons who have one; lines about a structure alone
/// follow its place, and with a profession there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Profession codes (TRE_G15, R94, R95, R291).
    pub professions: Vec<String>,
    /// Department codes of INSEE (`29`, `2A`, `971`). With regions: alternatives of one kind.
    pub departments: Vec<String>,
    /// Region codes of INSEE (`53`, `01`).
    pub regions: Vec<String>,
    /// Structures: technical identifier, FINESS number, SIRET, or national number with its type digit.
    pub structures: Vec<String>,
}

impl ActivityFilter {
    /// Whether it asks for anything.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.has_professions() || self.has_places()
    }

    pub(crate) fn has_professions(&self) -> bool {
        !self.professions.is_empty()
    }

    /// Whether it asks something of the structure of an activity.
    pub(crate) fn has_places(&self) -> bool {
        !(self.departments.is_empty() && self.regions.is_empty() && self.structures.is_empty())
    }

    pub(crate) fn wants_profession(&self, code: &str) -> bool {
        self.professions.is_empty() || self.professions.iter().any(|p| p == code)
    }

    pub(crate) fn wants_structure(&self, s: &Structure) -> bool {
        let names = [&s.id_technique, &s.num_finess, &s.num_siret, &s.id_nat_struct];
        let is_named = self.structures.is_empty() || self.structures.iter().any(|wanted| names.contains(&wanted));
        is_named && self.wants_place(&s.adresse)
    }

    fn wants_place(&self, address: &Adresse) -> bool {
        if self.departments.is_empty() && self.regions.is_empty() {
            return true;
        }
        let Some(place) = territory(address) else { return false };
        self.departments.contains(&place.department) || self.regions.contains(&place.region)
    }

    /// What is wrong with the filter, and what to do: a department or region that France does not have.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        let known = regions_by_department();
        let department = self.departments.iter().find(|d| !known.contains_key(*d));
        let region = self.regions.iter().find(|r| !known.values().any(|known| known == *r));
        let code = department.or(region)?;
        Some(format!("{code:?} is no department or region of France: name its INSEE code (29, 2A, 971; 53, 01)"))
    }

    /// The wanted territory as codes of communes and postal codes; `None` when any place will do. Cost: the communes of France.
    #[must_use]
    pub fn territory_codes(&self) -> Option<TerritoryCodes> {
        if self.departments.is_empty() && self.regions.is_empty() {
            return None;
        }
        let in_region = |(_, region): &(&String, &String)| self.regions.contains(region);
        let of_regions = regions_by_department().iter().filter(in_region).map(|(department, _)| department);
        let departments: BTreeSet<String> = self.departments.iter().chain(of_regions).cloned().collect();
        let geography = Geography::embedded();
        let known = geography.communes().iter().map(|c| c.code.as_str()).chain(geography.former_codes());
        let (mut joined, mut left) = (BTreeSet::new(), BTreeSet::new());
        for code in known {
            let begins_there = departments.contains(&department_of_commune(code));
            match departments.contains(&department_of_known_commune(code)) {
                true if !begins_there => drop(joined.insert(code.to_owned())),
                false if begins_there => drop(left.insert(code.to_owned())),
                _ => {}
            }
        }
        let postal_beginnings = departments.iter().flat_map(|department| match department.as_str() {
            "2A" => vec!["200".to_owned(), "201".to_owned()],
            "2B" => (202..210).map(|beginning| beginning.to_string()).collect(),
            other => vec![other.to_owned()],
        });
        Some(TerritoryCodes { postal_beginnings: postal_beginnings.collect(), commune_beginnings: departments, joined, left })
    }
}

/// A territory as what the codes of its addresses begin with. A postal code counts where an address has no code of a commune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerritoryCodes {
    /// Beginnings of codes of communes: its departments.
    pub commune_beginnings: BTreeSet<String>,
    /// Codes of communes that are in it, and begin as those of another department.
    pub joined: BTreeSet<String>,
    /// Codes of communes that begin as one of its departments, and are in another one.
    pub left: BTreeSet<String>,
    /// Beginnings of postal codes.
    pub postal_beginnings: BTreeSet<String>,
}

/// Department and region of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Territory {
    pub(crate) department: String,
    pub(crate) region: String,
}

/// The territory of an address: that of its commune, as it is today, else that which its postal code begins with.
pub(crate) fn territory(address: &Adresse) -> Option<Territory> {
    let department = match address.cog_commune.as_str() {
        "" => department_of_postal_code(&address.code_postal)?,
        code => department_of_known_commune(code),
    };
    let region = regions_by_department().get(&department)?.clone();
    Some(Territory { department, region })
}

/// The department that holds a commune today, else that which its code begins with.
fn department_of_known_commune(code: &str) -> String {
    match Geography::embedded().today(code) {
        Some(commune) if !commune.department.is_empty() => commune.department.clone(),
        _ => department_of_commune(code),
    }
}

/// The department that the code of a commune begins with.
fn department_of_commune(code: &str) -> String {
    let length = if code.starts_with("97") || code.starts_with("98") { 3 } else { 2 };
    code.chars().take(length).collect()
}

fn department_of_postal_code(code: &str) -> Option<String> {
    if code.len() != 5 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(match code.get(..3)? {
        overseas if overseas.starts_with("97") || overseas.starts_with("98") => overseas.to_owned(),
        // The south of Corsica has the codes up to 20199.
        "200" | "201" => "2A".to_owned(),
        corsica if corsica.starts_with("20") => "2B".to_owned(),
        other => other.get(..2)?.to_owned(),
    })
}

/// The region of each department.
fn regions_by_department() -> &'static HashMap<String, String> {
    static REGIONS: OnceLock<HashMap<String, String>> = OnceLock::new();
    REGIONS.get_or_init(|| {
        let communes = Geography::embedded().communes().iter();
        let placed = communes.filter(|c| !c.department.is_empty() && !c.region.is_empty());
        placed.map(|c| (c.department.clone(), c.region.clone())).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(commune: &str, postal: &str) -> Structure {
        let adresse = Adresse { cog_commune: commune.into(), code_postal: postal.into(), ..Default::default() };
        Structure { id_technique: "F990000028".into(), num_finess: "990000028".into(), adresse, ..Default::default() }
    }

    #[test]
    fn kinds_are_all_met_and_values_of_a_kind_are_alternatives() {
        let filter = |departments: &[&str], regions: &[&str], structures: &[&str]| ActivityFilter {
            departments: departments.iter().map(|d| (*d).to_owned()).collect(),
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
            structures: structures.iter().map(|s| (*s).to_owned()).collect(),
            ..Default::default()
        };
        let metz = at("57463", "57000");
        for (wanted, is_wanted) in [
            (filter(&["57"], &[], &[]), true),
            (filter(&["29", "57"], &[], &[]), true),
            (filter(&["29"], &[], &[]), false),
            (filter(&["29"], &["44"], &[]), true),
            (filter(&[], &[], &["990000028"]), true),
            (filter(&["29"], &[], &["990000028"]), false),
            (filter(&["57"], &[], &["F990000010"]), false),
        ] {
            assert_eq!(wanted.wants_structure(&metz), is_wanted, "{wanted:?}");
        }
        assert!(!filter(&["57"], &[], &[]).wants_structure(&at("", "")));
    }

    #[test]
    fn departments_of_addresses() {
        let department = |commune, postal| territory(&at(commune, postal).adresse).map(|t| t.department);
        for (commune, postal, expected) in [
            ("57463", "", Some("57")),
            ("2A004", "20000", Some("2A")),
            ("", "20000", Some("2A")),
            ("", "20200", Some("2B")),
            ("97411", "", Some("974")),
            ("", "97400", Some("974")),
            ("", "29200", Some("29")),
            ("", "GL", None),
            ("", "", None),
        ] {
            assert_eq!(department(commune, postal).as_deref(), expected, "{commune} {postal}");
        }
        let unknown = ActivityFilter { departments: vec!["57".into(), "99".into()], ..Default::default() };
        assert!(unknown.objection().is_some_and(|objection| objection.starts_with("\"99\" is no department")));
    }

    #[test]
    fn codes_of_a_territory_say_what_the_filter_says() {
        let geography = Geography::embedded();
        let known: BTreeSet<&str> =
            geography.communes().iter().map(|c| c.code.as_str()).chain(geography.former_codes()).collect();
        let mut moved = 0;
        for (departments, regions) in [(&["29"][..], &[][..]), (&["69", "2A"], &[]), (&[], &["11"]), (&["973", "85"], &["52"])] {
            let owned = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
            let filter = ActivityFilter { departments: owned(departments), regions: owned(regions), ..Default::default() };
            let codes = filter.territory_codes().unwrap();
            moved += codes.joined.len() + codes.left.len();
            let begins =
                |code: &str, beginnings: &BTreeSet<String>| beginnings.iter().any(|beginning| code.starts_with(beginning));
            for code in known.iter().copied().chain(["29999", "99999"]) {
                let by_codes =
                    codes.joined.contains(code) || begins(code, &codes.commune_beginnings) && !codes.left.contains(code);
                assert_eq!(by_codes, filter.wants_structure(&at(code, "")), "{code} in {departments:?} {regions:?}");
            }
            for postal in (0..100_000).step_by(50).map(|number| format!("{number:05}")) {
                let by_codes = begins(&postal, &codes.postal_beginnings);
                assert_eq!(by_codes, filter.wants_structure(&at("", &postal)), "{postal} in {departments:?} {regions:?}");
            }
        }
        assert!(moved > 0, "some communes changed their department");
        assert_eq!(ActivityFilter::default().territory_codes(), None);
    }
}
