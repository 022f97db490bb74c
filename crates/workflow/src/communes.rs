//! Communes of birth: proposals while typing, and whether a commune existed on the day of a birth (registration §5.2, §5.5).
//!
//! The history of the national data ends on 1 January 2019 and begins in 1943. A commune that ended since then is accepted on
//! every later day: its exact end is not known, and nobody's place of birth is refused for that.

use crate::day::Day;
use crate::limits::{COMMUNE_QUERY_MIN, COMMUNES_MAX};
use crate::norm::norm;
use annuaire_nos::Nos;
use annuaire_nos::geography::Geography;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// The day on which the history of the data ends.
const HISTORY_END: &str = "2019-01-01";
/// Year before which the history does not reach.
const HISTORY_BEGIN: &str = "avant 1943";

/// A commune that the form proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommuneProposal {
    /// INSEE code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Name of the department; empty when unknown.
    pub department: String,
    /// First and last year of a name that is no longer in force.
    pub former: Option<(String, String)>,
}

impl CommuneProposal {
    /// « Sainte-Anne (97128) », as the field keeps it.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.code)
    }

    /// The line of the list: label, department, and the years of a former commune.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.label();
        if !self.department.is_empty() {
            line.push_str(", ");
            line.push_str(&self.department);
        }
        if let Some((start, end)) = &self.former {
            line.push_str(&format!(" (ancienne commune, {start}–{end})"));
        }
        line
    }
}

/// Proposals, best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommuneProposals {
    /// At most twenty.
    pub list: Vec<CommuneProposal>,
    /// How many more there are.
    pub more: usize,
}

impl CommuneProposals {
    /// « {n} autres communes, continuez la saisie », when some are left out.
    #[must_use]
    pub fn more_text(&self) -> Option<String> {
        match self.more {
            0 => None,
            1 => Some("1 autre commune, continuez la saisie".to_owned()),
            n => Some(format!("{n} autres communes, continuez la saisie")),
        }
    }
}

/// A commune on the day of a birth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BirthCommune {
    /// INSEE code.
    pub code: String,
    /// Its name on that day.
    pub name: String,
}

/// Why a typed commune is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommuneFault {
    /// E-CIV-06: it is none of the list, or several.
    NotInList,
    /// E-CIV-07: it did not exist on that day.
    NotThen {
        /// The name that was meant.
        name: String,
        /// Labels of communes of that day which held its territory.
        instead: Vec<String>,
    },
}

/// A name that may be proposed.
struct Entry {
    code: String,
    name: String,
    compared: String,
    department: String,
    postal: Vec<String>,
    former: Option<(String, String)>,
}

/// All names of communes, ready to be compared. Made once, in some tenths of a second; a question walks over all of it.
pub struct CommuneIndex {
    geography: &'static Geography,
    entries: Vec<Entry>,
}

impl std::fmt::Debug for CommuneIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommuneIndex").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

/// The form in which names of communes compare: as other names, with « St » and « Ste » in full.
fn compared(text: &str) -> String {
    let words = norm(text);
    let words = words.split(' ').map(|word| match word {
        "ST" => "SAINT",
        "STE" => "SAINTE",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

impl CommuneIndex {
    /// The communes of this program.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static INDEX: OnceLock<CommuneIndex> = OnceLock::new();
        INDEX.get_or_init(|| Self::new(Geography::embedded(), Nos::embedded()))
    }

    fn new(geography: &'static Geography, nos: &Nos) -> Self {
        let department_name = |code: &str| {
            let known = |code: &str| Some(nos.table("TRE_G09")?.get(code)?.label.clone());
            let length = if code.starts_with("97") || code.starts_with("98") { 3 } else { 2 };
            code.get(..length).and_then(known).unwrap_or_default()
        };
        let mut entries = Vec::new();
        let mut seen = BTreeSet::new();
        for commune in geography.communes().iter().filter(|c| matches!(c.kind.as_str(), "COM" | "ARM")) {
            let name = compared(&commune.name);
            seen.insert((commune.code.clone(), name.clone()));
            entries.push(Entry {
                code: commune.code.clone(),
                name: commune.name.clone(),
                compared: name,
                department: department_name(&commune.code),
                postal: commune.postal.clone(),
                former: None,
            });
        }
        for (code, names) in geography.histories() {
            for former in names.iter().filter(|name| name.kind == "COM") {
                let name = compared(&former.name);
                if !seen.insert((code.to_owned(), name.clone())) {
                    continue;
                }
                let start = former.start.get(..4).unwrap_or(HISTORY_BEGIN).to_owned();
                let end = former.end.get(..4).map_or_else(|| "après 2019".to_owned(), str::to_owned);
                entries.push(Entry {
                    code: code.to_owned(),
                    name: former.name.clone(),
                    compared: name,
                    department: department_name(code),
                    postal: Vec::new(),
                    former: Some((start, end)),
                });
            }
        }
        entries.sort_by(|a, b| (a.former.is_some(), &a.code, &a.name).cmp(&(b.former.is_some(), &b.code, &b.name)));
        Self { geography, entries }
    }

    /// The communes of which a name, a code or a postal code fits what was typed: exact labels first, then those that begin with
    /// it, that have a word that does, that contain it; those in force before former ones, then by department. Nothing below two
    /// characters.
    #[must_use]
    pub fn propose(&self, typed: &str) -> CommuneProposals {
        let wanted = compared(typed);
        if wanted.chars().count() < COMMUNE_QUERY_MIN {
            return CommuneProposals::default();
        }
        let code = typed.trim().to_uppercase();
        let mut found: Vec<(u8, usize)> =
            self.entries.iter().enumerate().filter_map(|(i, entry)| Some((entry.rank(&wanted, &code)?, i))).collect();
        found.sort_unstable();
        let list = found.iter().take(COMMUNES_MAX).map(|(_, i)| self.entries[*i].proposal()).collect();
        CommuneProposals { list, more: found.len().saturating_sub(COMMUNES_MAX) }
    }

    /// The commune that was typed as « Libellé (code INSEE) », as code, or as a label that only one commune has. A birth without
    /// a known day is not compared with the history.
    ///
    /// # Errors
    /// [`CommuneFault`].
    pub fn of_birth(&self, typed: &str, birth: Option<Day>) -> Result<BirthCommune, CommuneFault> {
        let (code, name) = self.chosen(typed).ok_or(CommuneFault::NotInList)?;
        let Some(birth) = birth else { return Ok(BirthCommune { code, name }) };
        if let Some(name) = self.name_on(&code, birth) {
            return Ok(BirthCommune { code, name });
        }
        let instead = self.instead_of(&code, birth);
        Err(CommuneFault::NotThen { name, instead })
    }

    /// Labels of the communes that have this very name; of those, the ones that existed on the day of the birth, when any did.
    #[must_use]
    pub fn named(&self, typed: &str, birth: Option<Day>) -> Vec<String> {
        let wanted = compared(typed);
        let same = self.entries.iter().filter(|entry| entry.compared == wanted && !wanted.is_empty());
        let all: std::collections::BTreeMap<&str, &str> = same.map(|entry| (entry.code.as_str(), entry.name.as_str())).collect();
        let then = |code: &str| birth.is_none_or(|birth| self.name_on(code, birth).is_some_and(|name| compared(&name) == wanted));
        let existed: Vec<_> = all.iter().filter(|(code, _)| then(code)).collect();
        let kept: Vec<_> = if existed.is_empty() { all.iter().collect() } else { existed };
        kept.iter().map(|(code, name)| format!("{name} ({code})")).collect()
    }

    /// Code and name of the commune that was typed.
    fn chosen(&self, typed: &str) -> Option<(String, String)> {
        let typed = typed.trim();
        let code = match typed.strip_suffix(')').and_then(|text| text.rsplit_once('(')) {
            Some((_, code)) => code.trim().to_uppercase(),
            None => typed.to_uppercase(),
        };
        if let Some(entry) = self.entries.iter().find(|entry| entry.code == code) {
            return Some((entry.code.clone(), entry.name.clone()));
        }
        let wanted = compared(typed);
        let mut same = self.entries.iter().filter(|entry| entry.compared == wanted);
        let first = same.next().filter(|_| !wanted.is_empty())?;
        same.all(|entry| entry.code == first.code).then(|| (first.code.clone(), first.name.clone()))
    }

    /// The name that a code had as a commune on a day; `None` when it was none.
    fn name_on(&self, code: &str, day: Day) -> Option<String> {
        let iso = day.to_string();
        let history: Vec<_> = self.geography.history(code).iter().filter(|name| name.kind == "COM").collect();
        let then = history.iter().find(|name| name.start.as_str() <= iso.as_str() && (name.end.is_empty() || iso < name.end));
        if let Some(name) = then {
            return Some(name.name.clone());
        }
        let current = self.geography.commune(code).filter(|commune| matches!(commune.kind.as_str(), "COM" | "ARM"));
        current.filter(|_| history.is_empty() || iso.as_str() >= HISTORY_END).map(|commune| commune.name.clone())
    }

    /// Labels of the communes of a day that held the territory of a code: those that followed it, or from which it came.
    fn instead_of(&self, code: &str, day: Day) -> Vec<String> {
        let mut seen = BTreeSet::from([code.to_owned()]);
        let mut waiting = vec![code.to_owned()];
        let mut found = BTreeSet::new();
        while let Some(code) = waiting.pop() {
            if let Some(name) = self.name_on(&code, day) {
                found.insert((code, name));
                continue;
            }
            let after = self.geography.history(&code).iter().map(|name| name.successor.as_str());
            let today = self.geography.today(&code).map(|commune| commune.code.as_str());
            let before = self
                .geography
                .histories()
                .filter(|(_, names)| names.iter().any(|name| name.kind == "COM" && name.successor == code))
                .map(|(code, _)| code);
            for next in after.chain(today).chain(before).filter(|next| !next.is_empty()) {
                if seen.insert(next.to_owned()) {
                    waiting.push(next.to_owned());
                }
            }
        }
        found.into_iter().take(COMMUNES_MAX).map(|(code, name)| format!("{name} ({code})")).collect()
    }

    /// Whether two codes are those of one territory: equal today (registration §8.1).
    #[must_use]
    pub fn are_equivalent(&self, a: &str, b: &str) -> bool {
        let today = |code| self.geography.today(code).map(|commune| commune.code.as_str());
        today(a).is_some_and(|one| Some(one) == today(b))
    }

    /// The department of a code.
    #[must_use]
    pub fn department(&self, code: &str) -> Option<String> {
        let today = self.geography.today(code)?;
        let length = if code.starts_with("97") || code.starts_with("98") { 3 } else { 2 };
        if today.department.is_empty() { code.get(..length).map(str::to_owned) } else { Some(today.department.clone()) }
    }
}

impl Entry {
    /// How well the entry fits: 0 best; `None` when it does not.
    fn rank(&self, wanted: &str, code: &str) -> Option<u8> {
        if self.compared == wanted || self.code == code || self.postal.iter().any(|postal| postal == code) {
            return Some(0);
        }
        let by_code = self.code.starts_with(code) || self.postal.iter().any(|postal| postal.starts_with(code));
        if self.compared.starts_with(wanted) || (by_code && code.starts_with(|c: char| c.is_ascii_digit())) {
            return Some(1);
        }
        let at = self.compared.match_indices(wanted).map(|(at, _)| at);
        at.map(|at| if self.compared[..at].ends_with(' ') { 2 } else { 3 }).min()
    }

    fn proposal(&self) -> CommuneProposal {
        CommuneProposal {
            code: self.code.clone(),
            name: self.name.clone(),
            department: self.department.clone(),
            former: self.former.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    fn d(text: &str) -> Option<Day> {
        parse_iso(text)
    }

    fn index() -> &'static CommuneIndex {
        CommuneIndex::embedded()
    }

    #[test]
    fn proposals_have_an_order_and_an_end() {
        let codes = |typed: &str| index().propose(typed).list.into_iter().map(|p| p.code).collect::<Vec<_>>();
        assert_eq!(codes("57463"), ["57463"]);
        assert_eq!(codes("ste anne")[..5], ["25513", "32357", "41200", "97128", "97226"]);
        assert!(codes("s").is_empty() && codes("-'").is_empty());
        assert!(codes("29200").contains(&"29019".to_owned()), "postal code of Brest");
        let many = index().propose("saint");
        assert!(
            many.list.len() == 20
                && many.more > 1_000
                && many.more_text().unwrap().ends_with("autres communes, continuez la saisie")
        );
        let former = index().propose("Amareins").list.into_iter().find(|p| p.code == "01003").unwrap();
        assert_eq!(former.line(), "Amareins (01003), Ain (ancienne commune, avant 1943–1974)");
    }

    #[test]
    fn a_commune_must_have_existed_on_the_day_of_birth() {
        let of = |typed: &str, birth: &str| index().of_birth(typed, d(birth));
        assert_eq!(of("Amareins (01003)", "1960-05-07").unwrap().name, "Amareins");
        // It ended on 1 January 1974.
        assert!(of("01003", "1973-12-31").is_ok() && of("01003", "1974-01-01").is_err());
        let CommuneFault::NotThen { name, instead } = of("01003", "1991-05-07").unwrap_err() else { panic!() };
        assert_eq!((name.as_str(), instead.len()), ("Amareins", 1));
        assert!(instead[0].ends_with("(01165)"), "{instead:?}");
        // A code that went on under another name is named as it was then.
        assert_eq!(of("01015", "1991-05-07").unwrap().name, "Arbignieu");
        assert_eq!(of("01015", "2020-05-07").unwrap().name, "Arboys en Bugey");
        assert_eq!(of("Sainte-Anne", "1991-05-07").unwrap_err(), CommuneFault::NotInList, "five communes have this name");
        assert_eq!(of("metz", "1991-05-07").unwrap().code, "57463");
        assert_eq!(of("Nulle-Part-sur-Rien", "1991-05-07").unwrap_err(), CommuneFault::NotInList);
        assert_eq!(index().of_birth("01003", None).unwrap().code, "01003");
    }

    #[test]
    fn cities_with_districts_are_known_by_both_codes() {
        for code in ["75056", "75101", "69123", "69383", "13055", "13201"] {
            assert_eq!(index().of_birth(code, d("1980-01-01")).unwrap().code, code);
        }
        for code in ["97502", "98735", "98818"] {
            assert_eq!(index().of_birth(code, d("1980-01-01")).unwrap().code, code, "COM and TOM count as France");
        }
    }

    #[test]
    fn history_makes_codes_equivalent() {
        assert!(index().are_equivalent("01003", "01165") && !index().are_equivalent("01003", "57463"));
        assert!(!index().are_equivalent("99101", "99101"));
        assert_eq!(index().department("2A004").as_deref(), Some("2A"));
        assert_eq!(index().department("97128").as_deref(), Some("971"));
        assert_eq!(index().department("99101"), None);
    }
}
