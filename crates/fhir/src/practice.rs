//! Distribution of the cards, mailboxes and personal facts of a professional over their practices.

use crate::telecom::distinct_addresses;
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, ExerciceProfessionnel, Professionnel};

/// One practice of a professional, out of which a Practitioner is made.
pub(crate) struct PublishedPractice<'a> {
    pub(crate) person: &'a Professionnel,
    pub(crate) exercice: &'a ExerciceProfessionnel,
    /// The first practice of the person also carries what the files tie to no practice: diplomas, authorisations, certificates.
    pub(crate) is_first: bool,
    /// Cards issued for this practice.
    pub(crate) cards: Vec<&'a CarteProfessionnel>,
    /// Mailboxes of this practice, each address once.
    pub(crate) mailboxes: Vec<&'a BoiteLettresMss>,
}

/// The practices of a person. A card or mailbox goes to every practice of the profession that it names, and to the first
/// practice when the person has none of that profession.
pub(crate) fn practices<'a>(
    person: &'a Professionnel,
    cards: &'a [CarteProfessionnel],
    mailboxes: &'a [BoiteLettresMss],
) -> impl Iterator<Item = PublishedPractice<'a>> {
    person.exercices.iter().enumerate().map(move |(rank, exercice)| {
        let is_first = rank == 0;
        let belongs = |profession: &str| {
            if person.exercices.iter().any(|e| e.profession == profession) { exercice.profession == profession } else { is_first }
        };
        PublishedPractice {
            person,
            exercice,
            is_first,
            cards: cards.iter().filter(|c| belongs(&c.profession)).collect(),
            mailboxes: distinct_addresses(mailboxes.iter().chain(&person.boites_lettres).filter(|b| belongs(&b.profession))),
        }
    })
}
