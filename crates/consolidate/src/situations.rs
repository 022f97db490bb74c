//! Situations of a person, each once, out of what several speakers state.

use crate::practice::{is_one_practice, key_of};
use crate::provenance::{Item, SaidItem};
use crate::statement::{Speaker, Statement};
use annuaire_mos::{ExerciceProfessionnel, SituationExercice};

/// The situations of a person.
pub(crate) struct SituationPool<'o>(Vec<UnitedSituation<'o>>);

/// One situation, as one or several speakers state it.
struct UnitedSituation<'o> {
    /// Practice that the strongest speaker names.
    practice: ExerciceProfessionnel,
    /// As the perimeter shows it.
    shown: SituationExercice,
    /// As each speaker stated it.
    stated: Vec<(Speaker<'o>, SituationExercice)>,
    /// Facts that say it, the strongest first.
    facts: Vec<usize>,
}

/// A situation of one statement.
struct Candidate<'s, 'o> {
    speaker: Speaker<'o>,
    practice: &'s ExerciceProfessionnel,
    shown: &'s SituationExercice,
    stated: &'s SituationExercice,
    facts: Vec<usize>,
}

impl<'o> SituationPool<'o> {
    /// The situations of statements in the order of strength. Of each speaker, situations whose identifier is known come first, so
    /// that they do not leave their place to one that only resembles it.
    pub(crate) fn of(statements: &[Statement<'o>]) -> Self {
        let mut pool = Self(Vec::new());
        for of_speaker in statements.chunk_by(|a, b| a.speaker == b.speaker) {
            let candidates = of_speaker.iter().flat_map(candidates);
            let (known, new): (Vec<_>, Vec<_>) = candidates.partition(|c| pool.position_of_id(c).is_some());
            for candidate in known.into_iter().chain(new) {
                pool.add(candidate);
            }
        }
        pool
    }

    fn position_of_id(&self, candidate: &Candidate<'_, '_>) -> Option<usize> {
        let id = &candidate.stated.id_situation_exercice;
        let has_id = |u: &UnitedSituation<'_>| u.stated.iter().any(|(_, s)| s.id_situation_exercice == *id);
        if id.is_empty() { None } else { self.0.iter().position(has_id) }
    }

    /// Position of a situation that others state of this practice and that means the candidate.
    fn position_of_meaning(&self, candidate: &Candidate<'_, '_>) -> Option<usize> {
        let is_meant = |u: &UnitedSituation<'_>| {
            is_one_practice(&u.practice, candidate.practice)
                && u.stated.iter().all(|(speaker, _)| *speaker != candidate.speaker)
                && u.stated.iter().any(|(_, stated)| stated.is_stated_as(candidate.stated))
        };
        self.0.iter().position(is_meant)
    }

    fn add(&mut self, candidate: Candidate<'_, 'o>) {
        let known = self.position_of_id(&candidate).or_else(|| self.position_of_meaning(&candidate));
        let Candidate { speaker, practice, shown, stated, facts } = candidate;
        let stated = (speaker, stated.clone());
        match known {
            Some(position) => {
                let united = &mut self.0[position];
                united.shown.complete(shown.clone());
                united.stated.push(stated);
                united.facts.extend(facts);
            }
            None => {
                self.0.push(UnitedSituation { practice: key_of(practice), shown: shown.clone(), stated: vec![stated], facts });
            }
        }
    }

    /// Gives the practices their situations, in the order of their identifiers; returns the facts that say each.
    pub(crate) fn place(mut self, practices: &mut [ExerciceProfessionnel]) -> Vec<SaidItem> {
        self.0.sort_by(|a, b| a.shown.id_situation_exercice.cmp(&b.shown.id_situation_exercice));
        let mut items = Vec::new();
        for (position, practice) in practices.iter_mut().enumerate() {
            let of_practice: Vec<_> = self.0.extract_if(.., |u| is_one_practice(&u.practice, practice)).collect();
            for united in of_practice {
                items.extend(united.facts.iter().map(|fact| (Item::Situation(position, practice.situations.len()), *fact)));
                practice.situations.push(united.shown);
            }
        }
        items
    }
}

/// The situations of a statement.
fn candidates<'s, 'o>(statement: &'s Statement<'o>) -> impl Iterator<Item = Candidate<'s, 'o>> {
    statement.professional.exercices.iter().enumerate().flat_map(move |(p, practice)| {
        practice.situations.iter().enumerate().map(move |(s, shown)| Candidate {
            speaker: statement.speaker,
            practice,
            shown,
            stated: statement.as_stated(practice, shown),
            facts: statement.facts_of(Item::Situation(p, s)).collect(),
        })
    })
}
