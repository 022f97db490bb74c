//! Section « Etat civil »: V-NAME, V-DOB, V-COMMUNE, V-COHERENCE.
//!
//! « Date de naissance incomplète » takes `00` for an unknown part, or leaves it out: `00/05/1991`, `05/1991`, `1991`. The
//! reference does not say how it is typed.

use super::finding::{FieldContext, Findings};
use crate::communes::CommuneFault;
use crate::day::{Day, age, french, parse_french};
use crate::limits::NAME_MAX;
use crate::messages::MessageCode;
use crate::norm::{display_form, norm};
use crate::value_sets::ValueList;

/// Words that stand for a missing name.
const PLACEHOLDERS: [&str; 7] = ["X", "XX", "XXX", "SANS", "INCONNU", "NEANT", "TEST"];
/// Names that the civil register writes for a person without one.
const WITHOUT_NAME: [&str; 2] = ["SANS NOM", "SANS PRENOM"];
/// Code of France as a country of birth.
const FRANCE: &str = "99100";

/// Ways to verify an identity on paper (field 11): value, label. No number and no copy is kept.
pub const IDENTITY_PROOFS: [(&str, &str); 5] = [
    ("CNI", "carte nationale d'identité"),
    ("PASSEPORT", "passeport"),
    ("TITRE_SEJOUR", "titre de séjour"),
    ("FRANCECONNECT", "FranceConnect"),
    ("AUTRE", "autre (préciser)"),
];

/// Fields that come from FranceConnect and are read-only in a request of a professional (registration §4.5).
pub const FIELDS_OF_FRANCE_CONNECT: [&str; 9] =
    ["sexe", "nomFamille", "nomUsage", "prenom1", "prenom2", "prenom3", "dateNaissance", "paysNaissance", "communeNaissance"];

/// The section as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CivilDraft {
    /// Field 1.
    pub civilite: String,
    /// Field 2.
    pub sexe: String,
    /// Field 3.
    pub nom_famille: String,
    /// Field 4.
    pub nom_usage: String,
    /// Field 5.
    pub prenom1: String,
    /// Field 6.
    pub prenom2: String,
    /// Field 7.
    pub prenom3: String,
    /// Field 7b: further given names between spaces.
    pub prenoms4plus: String,
    /// Field 8.
    pub date_naissance: String,
    /// « Date de naissance incomplète » is ticked.
    pub date_incomplete: bool,
    /// Field 9: code or name.
    pub pays_naissance: String,
    /// Field 10: « Libellé (code INSEE) », code, or a label that is unique.
    pub commune_naissance: String,
    /// Field 10b.
    pub ville_naissance_etr: String,
}

/// How much of a birth date is known. The day that is stored follows the rule of the civil register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BirthPrecisionKept {
    /// All of it.
    Full,
    /// The day is not: stored as the 1st.
    WithoutDay,
    /// The month is not: stored as January.
    WithoutMonth,
    /// Only the year is: stored as 31 December.
    YearOnly,
}

/// A date of birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate {
    /// The stored day.
    pub day: Day,
    /// What of it is known.
    pub precision: BirthPrecisionKept,
}

/// The section, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CivilStatus {
    /// `M` or `MME`.
    pub civility: String,
    /// `F` or `M`.
    pub sex: String,
    /// Family name, as it is shown.
    pub family_name: String,
    /// Usage name; empty when it is the family name.
    pub usage_name: String,
    /// Given names, in order.
    pub given_names: Vec<String>,
    /// Date of birth.
    pub birth: BirthDate,
    /// INSEE code of the country.
    pub country: String,
    /// INSEE code of the commune of a birth in France; empty abroad.
    pub commune: String,
    /// Town of a birth abroad; may be empty.
    pub town: String,
}

/// An optional value as the summary shows it (A32).
#[must_use]
pub fn shown(value: &str) -> &str {
    if value.is_empty() { "Non renseigné" } else { value }
}

/// V-NAME: the kept form of a name, and a warning for the words of a person without one.
///
/// # Errors
/// E-GEN-03 for its length, E-CIV-01 for its letters, E-CIV-08 for a word that is no name.
pub fn checked_name(typed: &str) -> Result<(String, Option<MessageCode>), MessageCode> {
    let name = display_form(typed);
    if name.chars().count() > NAME_MAX {
        return Err(MessageCode::EGen03);
    }
    if !has_name_shape(&name) {
        return Err(MessageCode::ECiv01);
    }
    let compared = norm(&name);
    if PLACEHOLDERS.contains(&compared.as_str()) {
        return Err(MessageCode::ECiv08);
    }
    let warning = WITHOUT_NAME.contains(&compared.as_str()).then_some(MessageCode::WCiv03);
    Ok((name, warning))
}

/// Latin letters with their marks, and single separators between them; two hyphens join double family names.
fn has_name_shape(name: &str) -> bool {
    let is_separator = |c: char| matches!(c, ' ' | '-' | '\'');
    let is_mark = |c: char| ('\u{300}'..='\u{36f}').contains(&c);
    let is_latin = |c: char| {
        c.is_ascii_alphabetic()
            || (c.is_alphabetic() && (('\u{c0}'..='\u{24f}').contains(&c) || ('\u{1e00}'..='\u{1eff}').contains(&c)))
    };
    let characters: Vec<char> = name.chars().collect();
    let letters = characters.iter().any(|c| is_latin(*c));
    let known = characters.iter().all(|c| is_latin(*c) || is_separator(*c) || is_mark(*c));
    let mut run = String::new();
    let mut single = true;
    for c in characters.iter().chain(&['a']) {
        if is_separator(*c) {
            run.push(*c);
        } else {
            single &= run.len() <= 1 || run == "--";
            run.clear();
        }
    }
    letters && known && single
}

/// V-DOB: the date that was typed.
fn typed_birth(typed: &str, incomplete: bool) -> Option<BirthDate> {
    if let Some(day) = parse_french(typed) {
        return Some(BirthDate { day, precision: BirthPrecisionKept::Full });
    }
    if !incomplete {
        return None;
    }
    let parts: Vec<&str> = typed.trim().split('/').collect();
    let (day, month, year) = match parts[..] {
        [day, month, year] => (day, month, year),
        [month, year] => ("00", month, year),
        [year] => ("00", "00", year),
        _ => return None,
    };
    let (date, precision) = match (day == "00", month == "00") {
        (true, true) => (format!("31/12/{year}"), BirthPrecisionKept::YearOnly),
        (true, false) => (format!("01/{month}/{year}"), BirthPrecisionKept::WithoutDay),
        (false, true) => (format!("{day}/01/{year}"), BirthPrecisionKept::WithoutMonth),
        (false, false) => return None,
    };
    Some(BirthDate { day: parse_french(&date)?, precision })
}

/// The check of one section under way.
struct CivilCheck<'a> {
    context: &'a FieldContext<'a>,
    findings: Findings,
}

/// Checks the section « Etat civil ». The parsed values are absent when something blocks.
#[must_use]
pub fn check_civil_status(draft: &CivilDraft, context: &FieldContext<'_>) -> (Option<CivilStatus>, Findings) {
    let mut check = CivilCheck { context, findings: Findings::default() };
    let civility = check.choice("civilite", ValueList::Civility, &draft.civilite);
    let sex = check.choice("sexe", ValueList::Sex, &draft.sexe);
    if matches!((civility.as_str(), sex.as_str()), ("M", "F") | ("MME", "M")) {
        check.findings.add("sexe", MessageCode::WCiv01, &[]);
    }
    let family_name = check.name("nomFamille", &draft.nom_famille, true);
    let mut usage_name = check.name("nomUsage", &draft.nom_usage, false);
    if norm(&usage_name) == norm(&family_name) {
        usage_name.clear();
        check.findings.normalised.retain(|(field, _)| *field != "nomUsage");
    }
    let given_names = check.given_names(draft);
    let birth = check.birth(draft);
    let (country, commune, town) = check.place(draft, birth);
    let findings = check.findings;
    let status = (!findings.has_errors()).then_some(birth).flatten().map(|birth| CivilStatus {
        civility,
        sex,
        family_name,
        usage_name,
        given_names,
        birth,
        country,
        commune,
        town,
    });
    (status, findings)
}

impl CivilCheck<'_> {
    fn required(&mut self, field: &'static str, typed: &str) -> bool {
        let missing = typed.trim().is_empty();
        if missing {
            self.findings.add(field, MessageCode::EGen01, &[]);
        }
        !missing
    }

    fn choice(&mut self, field: &'static str, list: ValueList, typed: &str) -> String {
        let code = typed.trim();
        if !self.required(field, code) {
            return String::new();
        }
        if !self.context.values.selectable(list, code, self.context.today) {
            self.findings.add(field, MessageCode::EGen02, &[]);
            return String::new();
        }
        self.findings.set(field, code);
        code.to_owned()
    }

    /// A name; empty when it is missing or refused.
    fn name(&mut self, field: &'static str, typed: &str, required: bool) -> String {
        if display_form(typed).is_empty() {
            if required {
                self.findings.add(field, MessageCode::EGen01, &[]);
            }
            return String::new();
        }
        match checked_name(typed) {
            Ok((name, warning)) => {
                if let Some(code) = warning {
                    self.findings.add(field, code, &[("valeur", &name)]);
                }
                self.findings.set(field, &name);
                name
            }
            Err(code) => {
                let max = NAME_MAX.to_string();
                let values = [("min", "1"), ("max", max.as_str()), ("valeur", &display_form(typed))];
                self.findings.add(field, code, &values);
                String::new()
            }
        }
    }

    fn given_names(&mut self, draft: &CivilDraft) -> Vec<String> {
        let mut names = vec![self.name("prenom1", &draft.prenom1, true)];
        names.push(self.name("prenom2", &draft.prenom2, false));
        if !draft.prenom3.trim().is_empty() && draft.prenom2.trim().is_empty() {
            self.findings.add("prenom3", MessageCode::ECiv02, &[]);
        }
        names.push(self.name("prenom3", &draft.prenom3, false));
        names.extend(draft.prenoms4plus.split_whitespace().map(|typed| self.name("prenoms4plus", typed, false)));
        names.retain(|name| !name.is_empty());
        names
    }

    fn birth(&mut self, draft: &CivilDraft) -> Option<BirthDate> {
        if !self.required("dateNaissance", &draft.date_naissance) {
            return None;
        }
        let Some(birth) = typed_birth(&draft.date_naissance, draft.date_incomplete) else {
            self.findings.add("dateNaissance", MessageCode::ECiv03, &[]);
            return None;
        };
        let (today, settings) = (self.context.today, &self.context.settings);
        let years = age(birth.day, today);
        if birth.day > today {
            self.findings.add("dateNaissance", MessageCode::ECiv04, &[]);
        } else if !(settings.age_min..=settings.age_max).contains(&years) {
            self.findings.add("dateNaissance", MessageCode::ECiv05, &[("âge", &years.to_string())]);
        }
        self.findings.set("dateNaissance", &french(birth.day));
        Some(birth)
    }

    /// Country, commune and town.
    fn place(&mut self, draft: &CivilDraft, birth: Option<BirthDate>) -> (String, String, String) {
        let nowhere = || (String::new(), String::new(), String::new());
        if !self.required("paysNaissance", &draft.pays_naissance) {
            return nowhere();
        }
        let Some(country) = self.context.values.country(&draft.pays_naissance, self.context.today) else {
            self.findings.add("paysNaissance", MessageCode::EGen02, &[]);
            return nowhere();
        };
        self.findings.set("paysNaissance", country);
        if country != FRANCE {
            let town = display_form(&draft.ville_naissance_etr);
            if town.chars().count() > NAME_MAX {
                let max = NAME_MAX.to_string();
                self.findings.add("villeNaissanceEtr", MessageCode::EGen03, &[("min", "0"), ("max", &max)]);
            }
            self.findings.set("villeNaissanceEtr", &town);
            return (country.to_owned(), String::new(), town);
        }
        if !self.required("communeNaissance", &draft.commune_naissance) {
            return nowhere();
        }
        match self.context.communes.of_birth(&draft.commune_naissance, birth.map(|birth| birth.day)) {
            Ok(commune) => {
                self.findings.set("communeNaissance", &format!("{} ({})", commune.name, commune.code));
                (country.to_owned(), commune.code, String::new())
            }
            Err(CommuneFault::NotInList) => {
                self.findings.add("communeNaissance", MessageCode::ECiv06, &[]);
                nowhere()
            }
            Err(CommuneFault::NotThen { name, instead }) => {
                let date = birth.map(|birth| french(birth.day)).unwrap_or_default();
                let values = [("commune", name.as_str()), ("date", &date), ("liste", &instead.join(", "))];
                self.findings.add("communeNaissance", MessageCode::ECiv07, &values);
                nowhere()
            }
        }
    }
}

/// Field 11, asked at the instruction: which proof of identity was seen. « AUTRE » needs a word.
#[must_use]
pub fn check_identity_proof(typed: &str, other: &str) -> Findings {
    let mut findings = Findings::default();
    let value = typed.trim();
    match IDENTITY_PROOFS.iter().find(|(code, _)| *code == value) {
        None if value.is_empty() => findings.add("pieceIdentite", MessageCode::ELeg02, &[]),
        None => findings.add("pieceIdentite", MessageCode::EGen02, &[]),
        Some(("AUTRE", _)) if other.trim().is_empty() => findings.add("pieceIdentite", MessageCode::EGen01, &[]),
        Some(_) => findings.set("pieceIdentite", value),
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;

    #[test]
    fn names_of_many_shapes() {
        for (typed, kept) in [
            ("  d’Essai ", "d'Essai"),
            ("Fictif--Essai", "Fictif--Essai"),
            ("Anne-Marie", "Anne-Marie"),
            ("Ny\u{303}", "Nỹ"),
            ("Đặng", "Đặng"),
            ("O", "O"),
        ] {
            assert_eq!(checked_name(typed).unwrap().0, kept);
        }
        for (typed, code) in [
            ("Essai3", MessageCode::ECiv01),
            ("Essai - Fictif", MessageCode::ECiv01),
            ("Essai---Fictif", MessageCode::ECiv01),
            ("Essai''", MessageCode::ECiv01),
            ("-'", MessageCode::ECiv01),
            ("Эссе", MessageCode::ECiv01),
            ("Essai@", MessageCode::ECiv01),
            ("×", MessageCode::ECiv01),
            ("néant", MessageCode::ECiv08),
            ("xxx", MessageCode::ECiv08),
            (&"a".repeat(81), MessageCode::EGen03),
        ] {
            assert_eq!(checked_name(typed), Err(code), "{typed}");
        }
        assert_eq!(checked_name("Sans Nom").unwrap().1, Some(MessageCode::WCiv03));
        assert!(checked_name(&"é".repeat(80)).is_ok());
    }

    #[test]
    fn incomplete_dates_follow_the_civil_register() {
        let typed = |text: &str| typed_birth(text, true).map(|b| (b.day.to_string(), b.precision));
        assert_eq!(typed("00/05/1991"), Some(("1991-05-01".into(), BirthPrecisionKept::WithoutDay)));
        assert_eq!(typed("05/1991"), Some(("1991-05-01".into(), BirthPrecisionKept::WithoutDay)));
        assert_eq!(typed("07/00/1991"), Some(("1991-01-07".into(), BirthPrecisionKept::WithoutMonth)));
        assert_eq!(typed("1991"), Some(("1991-12-31".into(), BirthPrecisionKept::YearOnly)));
        assert_eq!(typed("00/00/1991"), Some(("1991-12-31".into(), BirthPrecisionKept::YearOnly)));
        assert_eq!(typed("07/05/1991"), Some(("1991-05-07".into(), BirthPrecisionKept::Full)));
        assert_eq!([typed("31/02/1991"), typed(""), typed("07/13/1991"), typed("a/b/c/d")], [const { None }; 4]);
        assert_eq!(typed_birth("1991", false), None);
    }

    #[test]
    fn ages_are_an_operator_s_setting() {
        let mut context = FieldContext::embedded(parse_iso("2026-06-01").unwrap());
        let draft = CivilDraft { date_naissance: "02/06/2010".into(), ..Default::default() };
        let codes = |context: &FieldContext<'_>| {
            let found = check_civil_status(&draft, context).1;
            found.list.into_iter().filter(|f| f.field == "dateNaissance").map(|f| f.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(&context), [MessageCode::ECiv05]);
        context.settings.age_min = 15;
        assert!(codes(&context).is_empty());
    }
}
