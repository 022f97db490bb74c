//! The kinds of queries and how many there are of each: the shares of the published model (`docs/search-quality.md`).

use annuaire_testkit::Dice;

use super::draft::GoldDraft;
use super::nation::GoldNation;
use super::slips::FingerSlip::{Doubled, Extra, Missing, Neighbour, Transposed};
use super::{people_kinds as people, structure_kinds as structures};

/// A kind of query.
pub(crate) struct GoldKind {
    pub name: &'static str,
    pub queries: u32,
    /// One attempt; `None` when what was drawn does not suit.
    pub make: fn(&GoldNation, &mut Dice) -> Option<GoldDraft>,
}

const fn kind(name: &'static str, queries: u32, make: fn(&GoldNation, &mut Dice) -> Option<GoldDraft>) -> GoldKind {
    GoldKind { name, queries, make }
}

/// All kinds: 3,800 queries for people, 1,200 for structures.
pub(crate) const KINDS: &[GoldKind] = &[
    kind("personne : prénom et nom", 300, people::exact),
    kind("personne : nom puis prénom, avec ou sans virgule", 200, people::swapped),
    kind("personne : touche voisine", 250, |n, d| people::slip(n, d, Neighbour)),
    kind("personne : lettres interverties", 200, |n, d| people::slip(n, d, Transposed)),
    kind("personne : lettre oubliée", 250, |n, d| people::slip(n, d, Missing)),
    kind("personne : lettre doublée ou dédoublée", 200, |n, d| people::slip(n, d, Doubled)),
    kind("personne : lettre en trop", 150, |n, d| people::slip(n, d, Extra)),
    kind("personne : nom écrit comme il s’entend", 400, people::family_by_sound),
    kind("personne : prénom écrit comme il s’entend", 150, people::given_by_sound),
    kind("personne : nom entendu et faute de frappe", 100, people::sound_and_slip),
    kind("personne : particule, apostrophe ou trait d’union collés, séparés ou oubliés", 250, people::particles),
    kind("personne : la moitié d’un nom ou d’un prénom double", 150, people::half_of_double),
    kind("personne : avec un titre", 100, people::titled),
    kind("personne : nom, ville dans « où »", 200, people::town_apart),
    kind("personne : nom, code postal dans « où »", 100, people::postal_apart),
    kind("personne : nom, « 29200 Brest » dans « où »", 80, people::postal_and_town_apart),
    kind("personne : nom et ville dans « quoi »", 150, people::town_inside),
    kind("personne : nom et code postal dans « quoi »", 70, people::postal_inside),
    kind("personne : nom de famille et ville", 100, people::family_and_town),
    kind("personne : nom de famille entendu et ville", 80, people::heard_family_and_town),
    kind("personne : nom et profession", 120, people::with_profession),
    kind("personne : prénom, spécialité et ville", 50, people::given_calling_town),
    kind("personne : nom de famille, spécialité et ville", 50, people::family_calling_town),
    kind("personne : numéro RPPS ou ADELI", 40, people::own_number),
    kind("personne : identifiant national", 30, people::national_number),
    kind("personne : adresse MSSanté", 30, people::mailbox),
    kind("structure : son nom", 200, structures::exact),
    kind("structure : sans les petits mots", 150, structures::without_little_words),
    kind("structure : d’autres petits mots", 60, structures::other_little_words),
    kind("structure : sans le dernier mot", 80, structures::without_last_word),
    kind("structure : faute de frappe", 220, structures::slip),
    kind("structure : écrit comme il s’entend", 100, structures::by_sound),
    kind("structure : nom, ville dans « où »", 120, structures::town_apart),
    kind("structure : nom et ville dans « quoi »", 90, structures::town_inside),
    kind("structure : les mots dans un autre ordre", 60, structures::shuffled),
    kind("structure : numéro FINESS", 60, structures::finess),
    kind("structure : SIRET avec ou sans espaces", 60, structures::siret),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn five_thousand_queries_in_kinds_that_the_document_lists() {
        assert_eq!(KINDS.iter().map(|k| k.queries).sum::<u32>(), 5_000);
        let names: BTreeSet<&str> = KINDS.iter().map(|k| k.name).collect();
        assert_eq!(names.len(), KINDS.len());
        let document = include_str!("../../../docs/search-quality.md");
        for kind in KINDS {
            let row = format!("| {} | {} |", kind.name, kind.queries);
            assert!(document.contains(&row), "docs/search-quality.md has no row `{row}`");
        }
    }
}
