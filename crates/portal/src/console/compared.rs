//! Two identities side by side, trait by trait.

use crate::french::typeset;
use annuaire_mos::EtatCivil;
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::{french, parse_french, parse_iso};
use annuaire_workflow::duplicates::{Score, ScoredTrait};
use annuaire_workflow::fields::CivilDraft;
use annuaire_workflow::value_sets::{ValueList, ValueSets};

/// A trait of two identities.
pub(crate) struct ComparedTrait {
    pub(crate) label: &'static str,
    pub(crate) first: String,
    pub(crate) second: String,
    /// Points of the score; empty when none was made.
    pub(crate) points: String,
    pub(crate) why: String,
}

/// Texts of the five traits of a civil status, in the order of [`TRAITS`].
pub(crate) type TraitTexts = [String; 5];

const TRAITS: [(ScoredTrait, &str); 6] = [
    (ScoredTrait::FamilyName, "Nom de famille"),
    (ScoredTrait::GivenName, "Prénoms"),
    (ScoredTrait::BirthDate, "Date de naissance"),
    (ScoredTrait::BirthPlace, "Lieu de naissance"),
    (ScoredTrait::Sex, "Sexe"),
    (ScoredTrait::Contact, "Contact vérifié"),
];

fn place(commune: &str, town: &str, country: &str, values: &ValueSets<'static>) -> String {
    let found = CommuneIndex::embedded().of_birth(commune, None).ok();
    let town = match found {
        Some(found) => format!("{} ({})", found.name, found.code),
        None if town.is_empty() => commune.to_owned(),
        None => town.to_owned(),
    };
    let country = values.country_name(country.trim()).unwrap_or(country).to_owned();
    [town, country].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The traits of a request, as they were typed.
pub(crate) fn of_draft(d: &CivilDraft, values: &ValueSets<'static>) -> TraitTexts {
    let given = [&d.prenom1, &d.prenom2, &d.prenom3, &d.prenoms4plus];
    let given = given.into_iter().filter(|name| !name.is_empty()).cloned().collect::<Vec<_>>().join(", ");
    let birth = parse_french(&d.date_naissance).map_or_else(|| d.date_naissance.clone(), french);
    [
        d.nom_famille.clone(),
        given,
        birth,
        place(&d.commune_naissance, &d.ville_naissance_etr, &d.pays_naissance, values),
        values.label(ValueList::Sex, &d.sexe).unwrap_or(&d.sexe).to_owned(),
    ]
}

/// The traits of a registered person.
pub(crate) fn of_civil(c: &EtatCivil, values: &ValueSets<'static>) -> TraitTexts {
    [
        c.nom_famille.clone(),
        c.prenoms.join(", "),
        parse_iso(&c.date_naissance).map(french).unwrap_or_default(),
        place(&c.commune_naissance, &c.lieu_naissance, &c.pays_naissance, values),
        values.label(ValueList::Sex, &c.sexe_administratif).unwrap_or(&c.sexe_administratif).to_owned(),
    ]
}

/// The lines of the comparison. Contacts are compared and not shown.
pub(crate) fn compare(first: TraitTexts, second: TraitTexts, score: Option<&Score>) -> Vec<ComparedTrait> {
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let line = |(of, label): (ScoredTrait, &'static str)| {
        let scored = score.and_then(|score| score.lines.iter().find(|line| line.of == of));
        ComparedTrait {
            label,
            first: first.next().unwrap_or_default(),
            second: second.next().unwrap_or_default(),
            points: scored.map(|line| line.points.to_string()).unwrap_or_default(),
            why: scored.map(|line| typeset(line.sentence)).unwrap_or_default(),
        }
    };
    TRAITS.into_iter().map(line).collect()
}

/// « 89 sur 100, probable »; empty when no score was made.
pub(crate) fn total(score: Option<&Score>) -> String {
    score.map(|score| format!("{} sur 100, ressemblance {}", score.total, score.class().label())).unwrap_or_default()
}
