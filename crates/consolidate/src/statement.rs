//! What one speaker says of a person.

use crate::provenance::{Item, SaidItem};
use annuaire_mos::owner::{Facet, Owner, Strength};
use annuaire_mos::{ExerciceProfessionnel, Objet, Professionnel, SituationExercice};

/// Who speaks. Situations of one speaker are never united among each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker<'o> {
    /// The files of national registers, which are merged before by a rule of their own.
    RegisterFiles,
    /// Another owner, by code.
    Owner(&'o str),
}

/// What one speaker says of a person, as a professional of whom the rest is absent, reduced to what the perimeter shows.
pub(crate) struct Statement<'o> {
    pub(crate) speaker: Speaker<'o>,
    pub(crate) owner: &'o Owner,
    pub(crate) facet: Facet,
    pub(crate) professional: Professionnel,
    /// Its situations before they were reduced.
    pub(crate) situations: Vec<StatedSituation>,
    /// Its parts, and the facts that say them.
    pub(crate) items: Vec<SaidItem>,
}

/// A situation as a fact states it, with its practice.
pub(crate) struct StatedSituation {
    profession: String,
    category: String,
    situation: SituationExercice,
}

impl StatedSituation {
    /// The situations that an object states.
    pub(crate) fn all_of(object: &Objet) -> Vec<Self> {
        let stated = |profession: &str, category: &str, situation: &SituationExercice| Self {
            profession: profession.to_owned(),
            category: category.to_owned(),
            situation: situation.clone(),
        };
        match object {
            Objet::Professionnel(p) => {
                let of = |e: &ExerciceProfessionnel| {
                    let one = |s| stated(&e.profession, &e.categorie_professionnelle, s);
                    e.situations.iter().map(one).collect::<Vec<_>>()
                };
                p.exercices.iter().flat_map(of).collect()
            }
            Objet::Situation(s) => vec![stated(&s.profession, &s.categorie_professionnelle, &s.situation)],
            _ => Vec::new(),
        }
    }
}

impl<'o> Statement<'o> {
    /// The statement of an object about a person; `None` when the object is about something else.
    pub(crate) fn of(
        object: Objet,
        owner: &'o Owner,
        facet: Facet,
        fact: usize,
        situations: Vec<StatedSituation>,
    ) -> Option<Self> {
        let professional = match object {
            Objet::Professionnel(p) => p,
            Objet::Exercice(e) => Professionnel {
                exercices: vec![e.exercice],
                diplomes: e.diplomes,
                autorisations: e.autorisations,
                inscriptions: e.inscriptions,
                autorite_enregistrement: e.autorite_enregistrement,
                date_maj: e.date_maj,
                ..Default::default()
            },
            Objet::Situation(s) => Professionnel {
                exercices: vec![ExerciceProfessionnel {
                    profession: s.profession,
                    categorie_professionnelle: s.categorie_professionnelle,
                    situations: vec![s.situation],
                    ..Default::default()
                }],
                ..Default::default()
            },
            Objet::EtatCivil { civilite, etat_civil } => {
                Professionnel { civilite, etat_civil: Some(etat_civil), ..Default::default() }
            }
            Objet::Contact { correspondance } => Professionnel { correspondance: Some(correspondance), ..Default::default() },
            _ => return None,
        };
        let items = items(&professional, &facet, fact);
        Some(Self { speaker: Speaker::Owner(&owner.code), owner, facet, professional, situations, items })
    }

    /// Its place among the statements on a facet: strength, then code, then facet.
    pub(crate) fn place(&self, on: &Facet) -> (Strength, &str, &Facet) {
        (self.owner.strength(on), &self.owner.code, &self.facet)
    }

    /// The facts that say one of its parts.
    pub(crate) fn facts_of(&self, item: Item) -> impl Iterator<Item = usize> {
        self.items.iter().filter(move |(said, _)| *said == item).map(|(_, fact)| *fact)
    }

    /// A situation of it as it was stated; `shown` itself when it was not reduced.
    pub(crate) fn as_stated<'a>(
        &'a self,
        practice: &ExerciceProfessionnel,
        shown: &'a SituationExercice,
    ) -> &'a SituationExercice {
        let is_it = |s: &&StatedSituation| {
            s.situation.id_situation_exercice == shown.id_situation_exercice
                && s.profession == practice.profession
                && s.category == practice.categorie_professionnelle
        };
        self.situations.iter().find(is_it).map_or(shown, |s| &s.situation)
    }
}

/// The parts that a fact says. A situation names its practice and says nothing of it.
fn items(professional: &Professionnel, facet: &Facet, fact: usize) -> Vec<SaidItem> {
    let mut items = Vec::new();
    items.extend(professional.etat_civil.is_some().then_some((Item::CivilStatus, fact)));
    items.extend(professional.correspondance.is_some().then_some((Item::Contact, fact)));
    for (practice, e) in professional.exercices.iter().enumerate() {
        if !matches!(facet, Facet::Situation { .. }) {
            items.push((Item::Practice(practice), fact));
        }
        items.extend((0..e.situations.len()).map(|s| (Item::Situation(practice, s), fact)));
    }
    items
}
