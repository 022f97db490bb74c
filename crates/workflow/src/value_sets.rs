//! The lists of the form, from the national terminologies with their validity dates (registration §3).
//!
//! A code is selectable when the subset of the portal names it and the terminology holds it open on a day; a closed one keeps its
//! label, so that old records can be shown. Texts come from the tables, so a new release changes the lists without a change here.
//!
//! V-ROLE asks for « the start date ». A role that was created in 2022 would then be refused to whoever began in 2010, so a value
//! is asked on the later of start and registration.

use crate::actor::ActorKind;
use crate::day::Day;
use annuaire_nos::{Concept, Nos, Table};

/// A list of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueList {
    /// « Civilité ».
    Civility,
    /// « Sexe ».
    Sex,
    /// « Profession »: role in care.
    Profession,
    /// « Rôle dans l'établissement »: kind of activity.
    Role,
    /// « Mode d'exercice ».
    Mode,
    /// « Catégorie ».
    Category,
    /// « Motif » of an end.
    EndReason,
    /// « Pays de naissance ».
    Country,
}

impl ValueList {
    /// Name of the terminology, such as `TRE_R85`.
    #[must_use]
    pub const fn terminology(self) -> &'static str {
        self.tables().1
    }

    /// The subset of the portal, where one is published, and the terminology with the dates.
    const fn tables(self) -> (Option<&'static str>, &'static str) {
        match self {
            Self::Civility => (None, "TRE_R81"),
            Self::Sex => (None, "TRE_R10"),
            Self::Profession => (Some("JDV_J121"), "TRE_R85"),
            Self::Role => (Some("JDV_J116"), "TRE_R22"),
            Self::Mode => (None, "TRE_R23"),
            Self::Category => (Some("JDV_J89"), "TRE_R09"),
            Self::EndReason => (None, "TRE_R25"),
            Self::Country => (None, "TRE_R20"),
        }
    }
}

/// Roles offered to a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedRoles<'a> {
    /// Shown at once.
    pub usual: Vec<&'a Concept>,
    /// Shown by « Afficher tous les rôles ».
    pub others: Vec<&'a Concept>,
}

/// What a category of structure does (registration §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StructureFamily {
    /// Social and medico-social.
    MedicoSocial,
    /// Health.
    Health,
    /// Anything else, or unknown.
    Other,
}

impl StructureFamily {
    /// Codes of the roles that are usual in the family; empty where all are.
    const fn usual_roles(self) -> &'static [&'static str] {
        match self {
            Self::MedicoSocial => &["GENR08", "GENR09", "GENR10", "GENR11", "GENR12", "GENR99"],
            Self::Health => &["GENR01", "GENR08", "GENR13", "GENR99"],
            Self::Other => &[],
        }
    }

    /// Whether managers of the family must have followed a training (registration §2.4).
    #[must_use]
    pub const fn needs_training(self) -> bool {
        matches!(self, Self::MedicoSocial)
    }
}

/// Profession of an agent of a registration authority.
pub const AUTHORITY_AGENT: &str = "374";
/// Profession of a qualified home helper, which asks for an attestation (registration §5.7).
pub const QUALIFIED_HOME_HELP: &str = "371";
/// Profession used while a missing one is asked for, and coded again later (registration §3.3).
pub const OTHER_PROFESSION: &str = "312";
/// Category of students.
pub const STUDENT: &str = "E";
/// Category of civilians.
pub const CIVILIAN: &str = "C";
/// Category of public agents.
pub const PUBLIC_AGENT: &str = "M";
/// Mode « libéral », and the kind of private practice that it implies (rule ASS_A24).
pub const PRIVATE_PRACTICE: (&str, &str) = ("L", "ACT-LIB-05");

/// Professions of students.
const STUDENTS: [&str; 8] = ["347", "348", "349", "354", "355", "356", "357", "358"];

/// Looks values up in the embedded terminologies.
#[derive(Debug, Clone, Copy)]
pub struct ValueSets<'a> {
    nos: &'a Nos,
}

impl<'a> ValueSets<'a> {
    /// Over some terminologies.
    #[must_use]
    pub const fn new(nos: &'a Nos) -> Self {
        Self { nos }
    }

    fn system(&self, list: ValueList) -> Option<&'a Table> {
        self.nos.table(list.tables().1)
    }

    /// The label of a code, open or closed. For roles, that of the portal.
    #[must_use]
    pub fn label(&self, list: ValueList, code: &str) -> Option<&'a str> {
        let subset = list.tables().0.and_then(|name| self.nos.table(name)).and_then(|table| table.get(code));
        subset.or_else(|| self.system(list)?.get(code)).map(|concept| concept.label.as_str())
    }

    /// Whether a code may be chosen on a day.
    #[must_use]
    pub fn selectable(&self, list: ValueList, code: &str, day: Day) -> bool {
        let in_subset = list.tables().0.is_none_or(|name| self.nos.table(name).is_some_and(|table| table.get(code).is_some()));
        in_subset && self.system(list).and_then(|table| table.get(code)).is_some_and(|concept| concept.valid_on(&day.to_string()))
    }

    /// The codes that may be chosen on a day, in the order of their table.
    #[must_use]
    pub fn values(&self, list: ValueList, day: Day) -> Vec<&'a Concept> {
        let shown = list.tables().0.and_then(|name| self.nos.table(name)).or_else(|| self.system(list));
        let all = shown.map(Table::concepts).unwrap_or_default();
        all.iter().filter(|concept| self.selectable(list, &concept.code, day)).collect()
    }

    /// The codes of a list, closed ones too, in the order of their table: as the form shows each, and with the dates of the terminology.
    #[must_use]
    pub fn dated(&self, list: ValueList) -> Vec<(&'a Concept, &'a Concept)> {
        let shown = list.tables().0.and_then(|name| self.nos.table(name)).or_else(|| self.system(list));
        let all = shown.map(Table::concepts).unwrap_or_default();
        all.iter().filter_map(|shown| Some((shown, self.system(list)?.get(&shown.code)?))).collect()
    }

    /// The code of a country that was typed as code or name, when it may be chosen. `99000`, the code of France until 2016, is
    /// taken as its successor.
    #[must_use]
    pub fn country(&self, typed: &str, day: Day) -> Option<&'a str> {
        let wanted = crate::norm::norm(typed);
        let typed = if typed.trim() == "99000" { "99100" } else { typed.trim() };
        let names = |concept: &Concept| {
            let short = member(&concept.extra, "short").unwrap_or_default();
            crate::norm::norm(&concept.label) == wanted || crate::norm::norm(short) == wanted
        };
        let open = self.values(ValueList::Country, day);
        let found = open.iter().find(|concept| concept.code == typed).or_else(|| open.iter().find(|concept| names(concept)));
        found.map(|concept| concept.code.as_str())
    }

    /// The usual name of a country.
    #[must_use]
    pub fn country_name(&self, code: &str) -> Option<&'a str> {
        let concept = self.system(ValueList::Country)?.get(code)?;
        Some(member(&concept.extra, "short").unwrap_or(&concept.label))
    }

    /// The family of an establishment category (TRE_R66), by its domain.
    #[must_use]
    pub fn family(&self, category: &str) -> StructureFamily {
        let concept = self.nos.table("TRE_R66").and_then(|table| table.get(category));
        match concept.and_then(|concept| member(&concept.extra, "domain")) {
            Some("SOC") => StructureFamily::MedicoSocial,
            Some("SAN") => StructureFamily::Health,
            _ => StructureFamily::Other,
        }
    }

    /// The roles offered to a structure of a category on a day (registration §3.2). None is hidden: the others come after a
    /// click.
    #[must_use]
    pub fn offered_roles(&self, category: &str, day: Day) -> OfferedRoles<'a> {
        let usual = self.family(category).usual_roles();
        let (usual, others) = self
            .values(ValueList::Role, day)
            .into_iter()
            .partition(|role| usual.is_empty() || usual.contains(&role.code.as_str()));
        OfferedRoles { usual, others }
    }

    /// Whether a role is usual for a structure of a category.
    #[must_use]
    pub fn is_usual_role(&self, role: &str, category: &str) -> bool {
        let usual = self.family(category).usual_roles();
        usual.is_empty() || usual.contains(&role)
    }

    /// Whether a legal status (TRE_R72) is that of a public body: its agents may have category `M`.
    #[must_use]
    pub fn is_public(&self, legal_status: &str) -> bool {
        let above = |table: &str, code: &str| {
            let concept = self.nos.table(table)?.get(code)?;
            Some(member(&concept.extra, "parent")?.to_owned())
        };
        let top =
            above("TRE_R72", legal_status).and_then(|code| above("TRE_R70", &code)).and_then(|code| above("TRE_R69", &code));
        top.as_deref() == Some("1000")
    }
}

/// A member of the further columns of a concept.
fn member<'a>(extra: &'a str, name: &str) -> Option<&'a str> {
    extra.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// The category that a profession implies: students are `E`, others `C` unless `M` is chosen in a public structure.
#[must_use]
pub fn implied_category(profession: &str) -> &'static str {
    if STUDENTS.contains(&profession) { STUDENT } else { CIVILIAN }
}

/// Whether a category may go with a profession (registration §3.3).
#[must_use]
pub fn category_fits(category: &str, profession: &str, in_public_structure: bool) -> bool {
    let implied = implied_category(profession);
    category == implied || (category == PUBLIC_AGENT && implied == CIVILIAN && in_public_structure)
}

/// Whether an actor may give a profession: that of an agent of an authority is set by its legal representative, a mandataire or
/// support.
#[must_use]
pub fn may_give_profession(actor: ActorKind, profession: &str) -> bool {
    profession != AUTHORITY_AGENT || matches!(actor, ActorKind::Rep | ActorKind::Man | ActorKind::Sup)
}

/// Whether a profession asks for the attestation of home help (registration §5.7).
#[must_use]
pub fn needs_attestation(profession: &str) -> bool {
    profession == QUALIFIED_HOME_HELP
}

/// The kind of private practice that a mode implies (rule ASS_A24).
#[must_use]
pub fn private_practice(mode: &str) -> Option<&'static str> {
    (mode == PRIVATE_PRACTICE.0).then_some(PRIVATE_PRACTICE.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    fn sets() -> ValueSets<'static> {
        ValueSets::new(Nos::embedded())
    }

    #[test]
    fn closed_codes_are_shown_and_not_chosen() {
        let day = d("2026-06-01");
        for code in ["318", "323", "353"] {
            assert!(!sets().selectable(ValueList::Profession, code, day), "{code}");
            assert!(sets().label(ValueList::Profession, code).is_some(), "{code}");
        }
        assert!(sets().selectable(ValueList::Profession, "374", day));
        assert!(!sets().selectable(ValueList::Profession, "374", d("2026-02-01")), "before its first day");
        assert!(!sets().selectable(ValueList::Civility, "MLLE", day) && sets().selectable(ValueList::Civility, "MME", day));
        assert!(!sets().selectable(ValueList::Role, "GENR05", day), "not in the subset");
        assert_eq!(sets().label(ValueList::Role, "GENR13"), Some("Médico-administratif"));
    }

    #[test]
    fn roles_follow_the_category_and_none_is_hidden() {
        let codes = |list: Vec<&Concept>| list.iter().map(|c| c.code.clone()).collect::<Vec<_>>();
        let day = d("2026-06-01");
        let home = sets().offered_roles("500", day);
        assert_eq!(codes(home.usual), ["GENR08", "GENR09", "GENR10", "GENR11", "GENR12", "GENR99"]);
        assert_eq!(codes(home.others), ["GENR01", "GENR13"]);
        assert_eq!(codes(sets().offered_roles("101", day).usual), ["GENR01", "GENR08", "GENR13", "GENR99"]);
        for other in ["", "300"] {
            assert!(sets().offered_roles(other, day).others.is_empty());
        }
        assert!(sets().is_usual_role("GENR10", "500") && !sets().is_usual_role("GENR10", "101"));
    }

    #[test]
    fn categories_follow_the_profession_and_the_structure() {
        assert_eq!([implied_category("347"), implied_category("358"), implied_category("313")], ["E", "E", "C"]);
        assert!(category_fits("M", "313", true) && !category_fits("M", "313", false) && !category_fits("M", "347", true));
        assert!(!category_fits("C", "347", true) && category_fits("E", "347", false));
        assert!(sets().is_public("11") && sets().is_public("01") && !sets().is_public("60") && !sets().is_public(""));
        assert!(may_give_profession(ActorKind::Rep, "374") && !may_give_profession(ActorKind::Gae, "374"));
        assert!(may_give_profession(ActorKind::Gae, "313") && needs_attestation("371") && !needs_attestation("372"));
        assert_eq!((private_practice("L"), private_practice("S")), (Some("ACT-LIB-05"), None));
    }

    #[test]
    fn countries_are_typed_as_code_or_name() {
        let day = d("2026-06-01");
        for typed in ["99100", "99000", "France", "république française"] {
            assert_eq!(sets().country(typed, day), Some("99100"), "{typed}");
        }
        assert_eq!(sets().country("DANEMARK", day), Some("99101"));
        assert_eq!(sets().country("Atlantide", day), None);
        assert_eq!(sets().country_name("99101"), Some("Danemark"));
    }
}
