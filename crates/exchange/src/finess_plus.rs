//! FINESS+ JSON documents: legal entities, establishments, groups, and their activities (source-files §9).

mod activities;
mod pieces;
mod records;
mod structures;

use activities::activities;
use annuaire_mos::{Activite, ActiviteAutorisee, Groupement, Objet, Structure};
use pieces::{AUTHORISED, CARRIED_OUT, FinessPiece, NO_LEVEL, Oddities, piece};
use records::{GroupJson, PmejJson, text, trimmed};
use std::collections::HashSet;
use structures::structures;

/// Which of the two documents a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FinessDocument {
    /// `finess-structures`.
    Structures,
    /// `finess-activites`.
    Activities,
}

impl FinessDocument {
    /// Its name in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Structures => "FINESS+ structures",
            Self::Activities => "FINESS+ activités",
        }
    }

    /// The sources that it replaces: those of the legacy files, which it continues.
    pub(crate) const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::Structures => &["finess-ej", "finess-eg", "finess-gr"],
            Self::Activities => &["finess-as", "finess-eml", "finess-soc"],
        }
    }
}

/// Reads the records of one document.
#[derive(Default)]
pub(crate) struct FinessPlusReader {
    /// Set by the first record that belongs to one of the two only.
    pub(crate) document: Option<FinessDocument>,
    pub(crate) oddities: Oddities,
    /// Hashes of the internal numbers of legal entities, and of those that groups name.
    bodies: HashSet<u64>,
    members: Vec<u64>,
}

impl FinessPlusReader {
    /// The pieces of one record of the member `member`.
    ///
    /// # Errors
    /// Why the record is left out.
    pub(crate) fn record(&mut self, member: &str, bytes: &[u8]) -> Result<Vec<FinessPiece>, String> {
        if member == "gcc" || member == "gco" {
            let group: GroupJson = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
            return Ok(self.group(group));
        }
        let pmej: PmejJson = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let document = if pmej.informations_generales_p_m_e_j.is_some() {
            FinessDocument::Structures
        } else if pmej.numero.is_some() || pmej.activites_autorisees.is_some() {
            FinessDocument::Activities
        } else {
            // It must not decide what the document is.
            return Err("a legal person with neither general information nor activities".into());
        };
        if *self.document.get_or_insert(document) != document {
            return Err("belongs to the other FINESS+ document".into());
        }
        match document {
            FinessDocument::Structures => {
                if let Some(general) = &pmej.informations_generales_p_m_e_j
                    && !trimmed(&general.num_finess_pm).is_empty()
                {
                    self.bodies.insert(hash(trimmed(&general.pm_smsse_id)));
                }
                structures(pmej, &mut self.oddities)
            }
            FinessDocument::Activities => activities(pmej, &mut self.oddities),
        }
    }

    /// To call at the end: counts members of groups that the document does not hold.
    pub(crate) fn finish(&mut self) {
        let missing = self.members.iter().filter(|m| !self.bodies.contains(m)).count() as u64;
        if missing > 0 {
            self.oddities.0.insert("group member that is not in the file", missing);
        }
    }

    fn group(&mut self, g: GroupJson) -> Vec<FinessPiece> {
        let id = if g.gcc_id.is_some() { text(g.gcc_id) } else { text(g.pm_smsse_id) };
        let members: Vec<String> =
            g.pmej_du_gcc.into_iter().chain(g.pmej_du_gco).flatten().map(|m| text(m.pm_smsse_id)).collect();
        self.members.extend(members.iter().map(|m| hash(m)));
        if g.gcc_identifiant_externe.is_some() {
            self.oddities.count("group number under its spring 2026 name");
        }
        let group = Groupement {
            id: id.clone(),
            nom: text(g.nom_gcc),
            type_groupement: text(g.type_gcc.or(g.type_gco)),
            numero: text(g.gcc_identifiant_externe.or(g.num_finess_gcc)),
            membres: members,
            inactif: text(g.etat_objet) == "I",
        };
        vec![("finess-gr", format!("GR:{id}"), piece(NO_LEVEL, &group))]
    }
}

fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// Whether a piece was made here: JSON, or JSON after the letter of a level.
pub(crate) fn is_piece(piece: &[u8]) -> bool {
    [b"{", AUTHORISED.as_bytes(), CARRIED_OUT.as_bytes()].iter().any(|start| piece.starts_with(start))
}

/// The object that a group of the documents makes.
pub(crate) fn assemble(entity: &str, pieces: &[&[u8]]) -> std::io::Result<Objet> {
    if entity.starts_with("GR:") {
        return Ok(Objet::Groupement(serde_json::from_slice(pieces.first().copied().unwrap_or_default())?));
    }
    if entity.starts_with("ST:") {
        let mut all = pieces.iter().map(|p| serde_json::from_slice::<Structure>(p));
        let mut first = all.next().transpose()?.unwrap_or_default();
        for other in all {
            first.merge(other?);
        }
        return Ok(Objet::Structure(first));
    }
    let mut activity = ActiviteAutorisee { id: entity[3..].to_owned(), ..Default::default() };
    for p in pieces {
        let (level, json) = p.split_at(1);
        let one: Activite = serde_json::from_slice(json)?;
        if level == AUTHORISED.as_bytes() { activity.autorisee = one } else { activity.exercees.push(one) }
    }
    activity.exercees.sort();
    Ok(Objet::Activite(activity))
}
