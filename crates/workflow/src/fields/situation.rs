//! Section « Situation professionnelle »: V-START, V-END, V-ROLE, V-OVERLAP, names of exercise; and the closure of a situation.
//!
//! V-END warns of a late closure, and §10.4 keeps managers from backdating by more than twelve months: a manager gets both, an
//! arbiter the warning. W-SIT-07 warns of a student without a planned end, which §11.5 calls mandatory: it stays a warning,
//! acknowledged and audited.

use super::civil::{CivilStatus, checked_name};
use super::finding::{FieldContext, Findings};
use crate::actor::ActorKind;
use crate::day::{Day, french, parse_french, plus_days, plus_months, plus_years};
use crate::limits::{END_AHEAD_DAYS, LATE_CLOSURE_MONTHS, NAME_MAX, SERVICE_MAX, START_AHEAD_DAYS, START_BEHIND_YEARS};
use crate::messages::MessageCode;
use crate::names::{is_usual_given_name, is_usual_name};
use crate::norm::display_form;
use crate::value_sets::{STUDENT, ValueList, category_fits, implied_category, may_give_profession};

/// The section as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SituationDraft {
    /// Field 1.
    pub nom_exercice: String,
    /// Field 2.
    pub prenom_exercice: String,
    /// Field 8: number of the structure that was chosen.
    pub structure: String,
    /// Field 9.
    pub profession: String,
    /// Field 10.
    pub role: String,
    /// Field 11.
    pub mode_exercice: String,
    /// Field 12.
    pub date_debut: String,
    /// Field 13.
    pub date_fin: String,
    /// Field 14; computed when empty.
    pub categorie: String,
    /// Field 15.
    pub service: String,
    /// « Critère rempli », of profession 371 alone ([`HomeHelpDraft`](crate::attestation::HomeHelpDraft), registration §5.7).
    pub critere: String,
    /// « J'atteste avoir vérifié les justificatifs », of profession 371 alone.
    pub verifie: bool,
    /// Date of the verification, of profession 371 alone.
    pub date_verification: String,
}

/// The structure that was chosen, as the repository knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChosenStructure {
    /// Its number, as in the draft.
    pub number: String,
    /// First day.
    pub opened: Option<Day>,
    /// First day of the closure.
    pub closed: Option<Day>,
    /// Establishment category (TRE_R66).
    pub category: String,
    /// Whether it is a public body.
    pub public: bool,
    /// Whether the perimeter of the actor contains it; professionals choose everywhere.
    pub within_reach: bool,
}

/// A situation that the person has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSituation {
    /// Number of the structure.
    pub structure: String,
    /// « Profession ».
    pub profession: String,
    /// « Rôle dans l'établissement ».
    pub role: String,
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Option<Day>,
}

/// What is known besides the draft.
#[derive(Debug, Clone)]
pub struct SituationFacts<'a> {
    /// Who fills the form.
    pub actor: ActorKind,
    /// Civil status of the person, once its section is valid.
    pub person: Option<&'a CivilStatus>,
    /// The structure; `None` when the repository does not know the number.
    pub structure: Option<&'a ChosenStructure>,
    /// Situations of the person, without the one that is being changed.
    pub known: &'a [KnownSituation],
}

/// The section, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedSituation {
    /// Name of exercise.
    pub name: String,
    /// Given name of exercise.
    pub given_name: String,
    /// Number of the structure.
    pub structure: String,
    /// « Profession ».
    pub profession: String,
    /// « Rôle dans l'établissement ».
    pub role: String,
    /// « Mode d'exercice ».
    pub mode: String,
    /// First day.
    pub from: Day,
    /// Last day, when planned.
    pub until: Option<Day>,
    /// « Catégorie ».
    pub category: String,
    /// « Service de rattachement ».
    pub service: String,
}

/// The check of one section under way.
struct SituationCheck<'a> {
    context: &'a FieldContext<'a>,
    facts: &'a SituationFacts<'a>,
    findings: Findings,
}

/// Checks the section « Situation professionnelle ».
#[must_use]
pub fn check_situation(
    draft: &SituationDraft,
    facts: &SituationFacts<'_>,
    context: &FieldContext<'_>,
) -> (Option<TypedSituation>, Findings) {
    let mut check = SituationCheck { context, facts, findings: Findings::default() };
    let (name, given_name) = check.names(draft);
    check.structure(draft);
    let from = check.start(draft);
    let until = check.end(draft, from);
    // Values are asked on the day from which they count, and never on a day before the registration.
    let day = from.map_or(context.today, |from| from.max(context.today));
    let profession = check.choice("profession", ValueList::Profession, &draft.profession, day);
    if !may_give_profession(facts.actor, &profession) {
        let label = context.values.label(ValueList::Profession, &profession).unwrap_or_default();
        check.findings.add("profession", MessageCode::EHab07, &[("profession", label)]);
    }
    let role = check.choice("role", ValueList::Role, &draft.role, day);
    if let Some(structure) = facts.structure.filter(|_| !role.is_empty())
        && !context.values.is_usual_role(&role, &structure.category)
    {
        check.findings.add("role", MessageCode::WSit02, &[]);
    }
    let mode = check.choice("modeExercice", ValueList::Mode, &draft.mode_exercice, day);
    let category = check.category(draft, &profession, day);
    if category == STUDENT && until.is_none() && draft.date_fin.trim().is_empty() {
        check.findings.add("dateFin", MessageCode::WSit07, &[]);
    }
    if let Some(from) = from {
        check.overlap(draft, from, until);
    }
    let service = check.service(draft);
    let findings = check.findings;
    let situation = (!findings.has_errors()).then_some(from).flatten().map(|from| TypedSituation {
        name,
        given_name,
        structure: draft.structure.trim().to_owned(),
        profession,
        role,
        mode,
        from,
        until,
        category,
        service,
    });
    (situation, findings)
}

impl SituationCheck<'_> {
    fn names(&mut self, draft: &SituationDraft) -> (String, String) {
        let name = self.name("nomExercice", &draft.nom_exercice);
        let given_name = self.name("prenomExercice", &draft.prenom_exercice);
        if let Some(person) = self.facts.person {
            if !name.is_empty() && !is_usual_name(&name, &person.family_name, &person.usage_name) {
                self.findings.add("nomExercice", MessageCode::WNomex, &[]);
            }
            if !given_name.is_empty() && !is_usual_given_name(&given_name, &person.given_names) {
                self.findings.add("prenomExercice", MessageCode::WPrenex, &[]);
            }
        }
        (name, given_name)
    }

    fn name(&mut self, field: &'static str, typed: &str) -> String {
        if display_form(typed).is_empty() {
            self.findings.add(field, MessageCode::EGen01, &[]);
            return String::new();
        }
        match checked_name(typed) {
            Ok((name, _)) => {
                self.findings.set(field, &name);
                name
            }
            Err(code) => {
                let max = NAME_MAX.to_string();
                self.findings.add(field, code, &[("min", "1"), ("max", &max), ("valeur", &display_form(typed))]);
                String::new()
            }
        }
    }

    fn structure(&mut self, draft: &SituationDraft) {
        if draft.structure.trim().is_empty() {
            self.findings.add("structure", MessageCode::EGen01, &[]);
            return;
        }
        match self.facts.structure {
            None => self.findings.add("structure", MessageCode::EStr02, &[]),
            Some(structure) if !structure.within_reach && !self.facts.actor.is_professional() => {
                self.findings.add("structure", MessageCode::EPer01, &[]);
            }
            Some(structure) => self.findings.set("structure", &structure.number),
        }
    }

    fn choice(&mut self, field: &'static str, list: ValueList, typed: &str, day: Day) -> String {
        let code = typed.trim();
        if code.is_empty() {
            self.findings.add(field, MessageCode::EGen01, &[]);
        } else if self.context.values.selectable(list, code, day) {
            self.findings.set(field, code);
            return code.to_owned();
        } else {
            self.findings.add(field, MessageCode::EGen02, &[]);
        }
        String::new()
    }

    /// V-START.
    fn start(&mut self, draft: &SituationDraft) -> Option<Day> {
        if draft.date_debut.trim().is_empty() {
            self.findings.add("dateDebut", MessageCode::EGen01, &[]);
            return None;
        }
        let Some(from) = parse_french(&draft.date_debut) else {
            self.findings.add("dateDebut", MessageCode::ECiv03, &[]);
            return None;
        };
        let today = self.context.today;
        let sixteenth = self.facts.person.map(|person| plus_years(person.birth.day, self.context.settings.age_min));
        if from > plus_days(today, START_AHEAD_DAYS) {
            self.findings.add("dateDebut", MessageCode::ESit02, &[]);
        } else if from < plus_years(today, -START_BEHIND_YEARS) {
            self.findings.add("dateDebut", MessageCode::ESit04, &[]);
        } else if let Some(sixteenth) = sixteenth.filter(|sixteenth| from < *sixteenth) {
            let age = self.context.settings.age_min.to_string();
            self.findings.add("dateDebut", MessageCode::ESit03, &[("âge", &age), ("date", &french(sixteenth))]);
        }
        if let Some(structure) = self.facts.structure {
            if structure.closed.is_some_and(|closed| closed <= from) {
                self.findings.add("structure", MessageCode::EStr02, &[]);
            }
            if let Some(opened) = structure.opened.filter(|opened| from < *opened) {
                self.findings.add("dateDebut", MessageCode::WSit01, &[("date", &french(opened))]);
            }
        }
        self.findings.set("dateDebut", &french(from));
        Some(from)
    }

    /// V-END, of a planned end.
    fn end(&mut self, draft: &SituationDraft, from: Option<Day>) -> Option<Day> {
        if draft.date_fin.trim().is_empty() {
            return None;
        }
        let Some(until) = parse_french(&draft.date_fin) else {
            self.findings.add("dateFin", MessageCode::ECiv03, &[]);
            return None;
        };
        if from.is_some_and(|from| until < from) {
            self.findings.add("dateFin", MessageCode::ESit01, &[]);
        }
        self.findings.set("dateFin", &french(until));
        Some(until)
    }

    fn category(&mut self, draft: &SituationDraft, profession: &str, day: Day) -> String {
        let typed = draft.categorie.trim();
        if typed.is_empty() {
            let implied = if profession.is_empty() { "" } else { implied_category(profession) };
            self.findings.set("categorie", implied);
            return implied.to_owned();
        }
        let public = self.facts.structure.is_some_and(|structure| structure.public);
        let open = self.context.values.selectable(ValueList::Category, typed, day);
        if !open || (!profession.is_empty() && !category_fits(typed, profession, public)) {
            self.findings.add("categorie", MessageCode::EGen02, &[]);
            return String::new();
        }
        self.findings.set("categorie", typed);
        typed.to_owned()
    }

    /// V-OVERLAP: equal situations block, another role in the structure warns.
    fn overlap(&mut self, draft: &SituationDraft, from: Day, until: Option<Day>) {
        let meets = |known: &&KnownSituation| {
            known.structure == draft.structure.trim()
                && known.until.is_none_or(|end| from <= end)
                && until.is_none_or(|end| known.from <= end)
        };
        let (profession, role) = (draft.profession.trim(), draft.role.trim());
        let meeting: Vec<&KnownSituation> = self.facts.known.iter().filter(meets).collect();
        let equal = meeting.iter().find(|known| known.profession == profession && known.role == role);
        if let Some(known) = equal {
            self.findings.add("structure", MessageCode::ESit05, &[("date", &french(known.from))]);
        } else if let Some(known) = meeting.first() {
            self.findings.add("structure", MessageCode::WSit06, &[("date", &french(known.from))]);
        }
    }

    fn service(&mut self, draft: &SituationDraft) -> String {
        let service = display_form(&draft.service);
        if service.chars().count() > SERVICE_MAX {
            let max = SERVICE_MAX.to_string();
            self.findings.add("service", MessageCode::EGen03, &[("min", "0"), ("max", &max)]);
        }
        self.findings.set("service", &service);
        service
    }
}

/// « Fermer la situation » as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClosingDraft {
    /// « Date de fin de fonction ».
    pub date_fin: String,
    /// « Motif »; « Autre » when empty.
    pub motif: String,
}

/// Reason of an end, J169: the person died. Only whoever is not that person states it, and for a day that has come.
pub const END_BY_DEATH: &str = "DCD";

/// Checks the closure of a situation that began on `from`: the day and the reason. `arbiter_agreed` lets a manager backdate by
/// more than a year.
#[must_use]
pub fn check_closing(
    draft: &ClosingDraft,
    from: Day,
    actor: ActorKind,
    arbiter_agreed: bool,
    context: &FieldContext<'_>,
) -> (Option<(Day, String)>, Findings) {
    let mut findings = Findings::default();
    let reason = if draft.motif.trim().is_empty() { "AUT" } else { draft.motif.trim() };
    let is_death = reason == END_BY_DEATH;
    if context.values.selectable(ValueList::EndReason, reason, context.today) && !(is_death && actor == ActorKind::Pro) {
        findings.set("motif", reason);
    } else {
        findings.add("motif", MessageCode::EGen02, &[]);
    }
    if draft.date_fin.trim().is_empty() {
        findings.add("dateFin", MessageCode::EGen01, &[]);
        return (None, findings);
    }
    let Some(end) = parse_french(&draft.date_fin) else {
        findings.add("dateFin", MessageCode::ECiv03, &[]);
        return (None, findings);
    };
    if end < from {
        findings.add("dateFin", MessageCode::ESit01, &[]);
    } else if is_death && end > context.today {
        findings.add("dateFin", MessageCode::ESit09, &[]);
    } else if end > plus_days(context.today, END_AHEAD_DAYS) {
        findings.add("dateFin", MessageCode::ESit07, &[]);
    } else if end < plus_months(context.today, -LATE_CLOSURE_MONTHS) {
        findings.add("dateFin", MessageCode::WSit04, &[]);
        let manager = matches!(actor, ActorKind::Gae | ActorKind::Ars | ActorKind::Hra);
        if manager && !arbiter_agreed {
            findings.add("dateFin", MessageCode::ESit08, &[]);
        }
    }
    findings.set("dateFin", &french(end));
    let closing = (!findings.has_errors()).then(|| (end, reason.to_owned()));
    (closing, findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;
    use MessageCode as M;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    fn draft() -> SituationDraft {
        SituationDraft {
            nom_exercice: "Essai".into(),
            prenom_exercice: "Camille".into(),
            structure: "990000010".into(),
            profession: "313".into(),
            role: "GENR11".into(),
            mode_exercice: "S".into(),
            date_debut: "01/06/2026".into(),
            ..Default::default()
        }
    }

    fn home() -> ChosenStructure {
        ChosenStructure {
            number: "990000010".into(),
            opened: Some(d("2010-01-01")),
            category: "500".into(),
            within_reach: true,
            ..Default::default()
        }
    }

    fn codes(draft: &SituationDraft, structure: &ChosenStructure, known: &[KnownSituation]) -> Vec<M> {
        let context = FieldContext::embedded(d("2026-06-01"));
        let facts = SituationFacts { actor: ActorKind::Gae, person: None, structure: Some(structure), known };
        check_situation(draft, &facts, &context).1.codes()
    }

    fn known(profession: &str, role: &str, from: &str, until: &str) -> KnownSituation {
        KnownSituation {
            structure: "990000010".into(),
            profession: profession.into(),
            role: role.into(),
            from: d(from),
            until: parse_iso(until),
        }
    }

    #[test]
    fn dates_have_bounds() {
        let of = |from: &str, until: &str| {
            codes(&SituationDraft { date_debut: from.into(), date_fin: until.into(), ..draft() }, &home(), &[])
        };
        assert!(of("30/08/2026", "").is_empty() && of("01/06/2026", "01/06/2026").is_empty());
        assert_eq!(of("31/08/2026", ""), [M::ESit02]);
        assert_eq!(of("31/05/1976", ""), [M::ESit04, M::WSit01]);
        assert_eq!(of("31/12/2009", ""), [M::WSit01]);
        assert_eq!(of("02/06/2026", "01/06/2026"), [M::ESit01]);
        assert_eq!(of("2026-06-01", "x"), [M::ECiv03, M::ECiv03]);
        let closed = ChosenStructure { closed: Some(d("2026-06-01")), ..home() };
        assert_eq!(codes(&draft(), &closed, &[]), [M::EStr02]);
        let far = ChosenStructure { within_reach: false, ..home() };
        assert_eq!(codes(&draft(), &far, &[]), [M::EPer01]);
    }

    #[test]
    fn values_and_categories() {
        assert_eq!(codes(&SituationDraft { profession: "318".into(), ..draft() }, &home(), &[]), [M::EGen02]);
        assert_eq!(codes(&SituationDraft { profession: "374".into(), ..draft() }, &home(), &[]), [M::EHab07]);
        assert_eq!(codes(&SituationDraft { role: "GENR01".into(), ..draft() }, &home(), &[]), [M::WSit02]);
        assert_eq!(codes(&SituationDraft { profession: "347".into(), ..draft() }, &home(), &[]), [M::WSit07]);
        assert_eq!(
            codes(&SituationDraft { profession: "347".into(), categorie: "C".into(), ..draft() }, &home(), &[]),
            [M::EGen02]
        );
        assert_eq!(codes(&SituationDraft { categorie: "M".into(), ..draft() }, &home(), &[]), [M::EGen02]);
        let public = ChosenStructure { public: true, ..home() };
        assert!(codes(&SituationDraft { categorie: "M".into(), ..draft() }, &public, &[]).is_empty());
        // A role of 2022 may be given to somebody who began before it existed.
        assert!(codes(&SituationDraft { date_debut: "01/06/2015".into(), ..draft() }, &home(), &[]).is_empty());
        assert_eq!(codes(&SituationDraft { service: "x".repeat(81), ..draft() }, &home(), &[]), [M::EGen03]);
        assert_eq!(codes(&SituationDraft::default(), &home(), &[]), [M::EGen01; 7]);
    }

    #[test]
    fn equal_situations_block_and_other_roles_warn() {
        let of = |known: KnownSituation| codes(&draft(), &home(), &[known]);
        assert_eq!(of(known("313", "GENR11", "2020-01-01", "")), [M::ESit05]);
        assert_eq!(of(known("313", "GENR11", "2020-01-01", "2026-06-01")), [M::ESit05]);
        assert!(of(known("313", "GENR11", "2020-01-01", "2026-05-31")).is_empty());
        assert_eq!(of(known("313", "GENR10", "2020-01-01", "")), [M::WSit06]);
        let elsewhere = KnownSituation { structure: "990000028".into(), ..known("313", "GENR11", "2020-01-01", "") };
        assert!(of(elsewhere).is_empty());
    }

    #[test]
    fn closures_have_bounds_and_late_ones_an_arbiter() {
        let context = FieldContext::embedded(d("2026-06-01"));
        let of = |end: &str, actor, agreed| {
            let draft = ClosingDraft { date_fin: end.into(), motif: String::new() };
            check_closing(&draft, d("2020-01-01"), actor, agreed, &context).1.codes()
        };
        assert!(of("01/06/2026", ActorKind::Gae, false).is_empty() && of("28/11/2026", ActorKind::Gae, false).is_empty());
        assert_eq!(of("29/11/2026", ActorKind::Gae, false), [M::ESit07]);
        assert_eq!(of("31/12/2019", ActorKind::Gae, false), [M::ESit01]);
        assert_eq!(of("31/05/2025", ActorKind::Gae, false), [M::WSit04, M::ESit08]);
        assert_eq!(of("31/05/2025", ActorKind::Gae, true), [M::WSit04]);
        assert_eq!(of("31/05/2025", ActorKind::Pro, false), [M::WSit04]);
        assert!(of("01/06/2025", ActorKind::Gae, false).is_empty());
        let death = |end: &str, actor| {
            let draft = ClosingDraft { date_fin: end.into(), motif: END_BY_DEATH.into() };
            check_closing(&draft, d("2020-01-01"), actor, false, &context).1.codes()
        };
        assert!(death("01/06/2026", ActorKind::Gae).is_empty());
        assert_eq!(death("02/06/2026", ActorKind::Gae), [M::ESit09], "nobody plans a death");
        assert_eq!(death("01/06/2026", ActorKind::Pro), [M::EGen02], "nobody states their own");
        let wrong = ClosingDraft { date_fin: String::new(), motif: "XXX".into() };
        assert_eq!(check_closing(&wrong, d("2020-01-01"), ActorKind::Gae, false, &context).1.codes(), [M::EGen02, M::EGen01]);
    }
}
