//! The pieces of a line: which entities a line is about, and which of its fields belong to each.

use super::fields::{ALL, LineFields, SlotSet, all_but, only, union};
use super::layout::Layout;
use crate::formats::{LineKind, Slot};
use xxhash_rust::xxh3::xxh3_64;

impl Layout {
    /// Hands the pieces of a line to `add`, each after its entity; the entity that the line is about comes first. A piece holds
    /// the non-empty fields that describe its entity.
    pub(super) fn pieces(&self, fields: &LineFields<'_>, add: &mut dyn FnMut(&str, &[u8])) {
        let mut add_fields = |entity: &str, slots: &SlotSet| add(entity, fields.pack(slots).as_bytes());
        let person = || format!("PP:{}", fields.get(Slot::IdNat));
        match self.format.kind {
            LineKind::Ignored(_) => {}
            LineKind::Card => add_fields(&person(), ALL),
            LineKind::Switch => add_fields(&format!("PP:8{}", fields.get(Slot::Rpps)), ALL),
            LineKind::Ameli => {
                // These lines have no key: the hash of a line stands in.
                let piece = fields.pack(ALL);
                add(&format!("AM:{:016x}", xxh3_64(piece.as_bytes())), piece.as_bytes());
            }
            LineKind::Mailbox => add_fields(&mailbox_holder(fields), ALL),
            LineKind::Activity => {
                const KEY: &SlotSet = &only(ACTIVITY_KEY);
                const NUMBERS: &SlotSet = &only(&[Slot::Finess, Slot::FinessEj]);
                // These files give no key to an activity: its place, its codes and its authorisation stand in.
                let key = xxh3_64(fields.pack(KEY).as_bytes());
                add_fields(&format!("AC:{}-{key:016x}", self.format.section), ALL);
                // The places exist even when the files of structures are not imported: no reference may dangle.
                if !fields.get(Slot::Finess).is_empty() {
                    add_fields(&format!("ST:F{}", fields.get(Slot::Finess)), NUMBERS);
                }
                add_legal_body(fields, &mut add_fields);
            }
            LineKind::Structure => {
                let entity = match (fields.get(Slot::Structure), fields.get(Slot::Finess)) {
                    ("", "") => format!("ST:F{}", fields.get(Slot::FinessEj)),
                    ("", finess) => format!("ST:F{finess}"),
                    (id, _) => format!("ST:{id}"),
                };
                add_fields(&entity, ALL);
                if matches!(self.format.source, "finess-eg" | "finess-soc") {
                    add_legal_body(fields, &mut add_fields);
                }
            }
            LineKind::Person => {
                const OF_PLACE: &SlotSet = &union(PLACE, &[Slot::Autorite, Slot::Secteur]);
                const OF_PERSON: &SlotSet = &all_but(PLACE);
                let has_place = self.fields.iter().any(|f| f.0 == Slot::RaisonSociale);
                add_fields(&person(), if has_place { OF_PERSON } else { ALL });
                let id = fields.get(Slot::Structure);
                if has_place && !id.is_empty() {
                    add_fields(&format!("ST:{id}"), OF_PLACE);
                    add_legal_body(fields, &mut add_fields);
                }
            }
        }
    }
}

/// The entity that holds a mailbox.
fn mailbox_holder(fields: &LineFields<'_>) -> String {
    let (kind, number) = (fields.get(Slot::TypeStructure), fields.get(Slot::NumeroStructure));
    if !fields.get(Slot::IdNat).is_empty() && fields.get(Slot::TypeBal) != "ORG" {
        format!("PP:{}", fields.get(Slot::IdNat))
    } else if kind == "1" {
        format!("ST:F{}", number.strip_prefix('1').filter(|n| n.len() == 9).unwrap_or(number))
    } else {
        // The open files do not tie this number to a technical id: publication finds it when it can.
        format!("NS:{}", if number.is_empty() { fields.get(Slot::AdresseBal) } else { number })
    }
}

/// A legal body that a line names by its number only.
fn add_legal_body(fields: &LineFields<'_>, add_fields: &mut dyn FnMut(&str, &SlotSet)) {
    let ej = fields.get(Slot::FinessEj);
    if !ej.is_empty() {
        add_fields(&format!("ST:F{ej}"), &const { only(&[Slot::FinessEj]) });
    }
}

/// Columns of a person's line that describe the place and not the person.
const PLACE: &[Slot] = &[
    Slot::Siret,
    Slot::Siren,
    Slot::Finess,
    Slot::FinessEj,
    Slot::RaisonSociale,
    Slot::Enseigne,
    Slot::PointRemise,
    Slot::ComplementGeo,
    Slot::NumeroVoie,
    Slot::Extension,
    Slot::TypeVoie,
    Slot::LibelleVoie,
    Slot::MentionDistribution,
    Slot::BureauCedex,
    Slot::CodePostal,
    Slot::Commune,
    Slot::LibelleCommune,
    Slot::Pays,
    Slot::Telephone,
    Slot::Telephone2,
    Slot::Telecopie,
    Slot::Courriel,
    Slot::AncienId,
];

/// What identifies an activity of the legacy FINESS files.
const ACTIVITY_KEY: &[Slot] = &[
    Slot::FinessEj,
    Slot::Finess,
    Slot::Activite,
    Slot::Modalite,
    Slot::Forme,
    Slot::Public,
    Slot::NumAutorisation,
    Slot::NumAutorisationArhgos,
];
