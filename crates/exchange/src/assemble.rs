//! Objects of the national model (MOS) out of groups of text files. Pieces are sorted, so the object does not depend on the order
//! of lines.

mod address;
mod ameli;
mod attachments;
mod person;
mod structure;
mod values;

use crate::text::fields::{LineFields, unpack};
use ameli::ameli;
use annuaire_mos::Objet;
use attachments::{card, mailbox};
use person::person;
use structure::{activity, structure};
use values::unique;

/// To be raised whenever the same pieces make another object, here or in `finess_plus`: objects in the registry were made by the
/// version before, and are compared again. A test of all samples fails when it must be raised.
pub(crate) const VERSION: u64 = 2;

/// The object that a group makes: the pieces of one entity from one source.
pub(crate) fn assemble(source: &str, entity: &str, pieces: &[&[u8]]) -> Objet {
    let lines: Vec<LineFields<'_>> = pieces.iter().map(|p| unpack(p)).collect();
    let (kind, id) = entity.split_at(3);
    match (source, kind) {
        ("cps" | "r-cartepro", _) => Objet::Cartes { cartes: unique(lines.iter().map(card).collect()) },
        ("mss", _) => Objet::BoitesLettres { boites: unique(lines.iter().map(mailbox).collect()) },
        (_, "AM:") => Objet::Ameli(lines.first().map(ameli).unwrap_or_default()),
        (_, "AC:") => Objet::Activite(activity(source, id, &lines)),
        (_, "ST:") => Objet::Structure(structure(source, id, &lines)),
        _ => Objet::Professionnel(person(source, id, &lines)),
    }
}
