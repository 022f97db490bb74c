//! Columns that several formats share.

use super::slot::Slot;

/// The identity block that opens all files about persons.
pub(super) const PP: &[(&str, Slot)] =
    &[("type identifiant pp", Slot::TypeId), ("identifiant pp", Slot::Numero), ("identification nationale pp", Slot::IdNat)];

/// The profession of a practice, and its category.
pub(super) const PRACTICE: &[(&str, Slot)] =
    &[("code profession", Slot::Profession), ("code categorie professionnelle", Slot::Categorie)];

/// The place of a practice.
pub(super) const PLACE: &[(&str, Slot)] = &[
    ("numero siret site", Slot::Siret),
    ("numero siren site", Slot::Siren),
    ("numero finess site", Slot::Finess),
    ("numero finess etablissement juridique", Slot::FinessEj),
    ("raison sociale site", Slot::RaisonSociale),
    ("enseigne commerciale site", Slot::Enseigne),
];

/// The name under which a person practises.
pub(super) const EXERCISE_NAME: &[(&str, Slot)] = &[
    ("code civilite exercice", Slot::CiviliteExercice),
    ("nom exercice", Slot::NomExercice),
    ("prenom exercice", Slot::PrenomExercice),
];

/// A know-how.
pub(super) const KNOW_HOW: &[(&str, Slot)] =
    &[("code type savoir faire", Slot::TypeSavoirFaire), ("code savoir faire", Slot::SavoirFaire)];

/// The address block (source-files §2.4); each file names whose address it is between parentheses.
const ADDRESS: &[(&str, Slot)] = &[
    ("complement destinataire", Slot::PointRemise),
    ("complement point geographique", Slot::ComplementGeo),
    ("numero voie", Slot::NumeroVoie),
    ("indice repetition voie", Slot::Extension),
    ("code type de voie", Slot::TypeVoie),
    ("libelle voie", Slot::LibelleVoie),
    ("mention distribution", Slot::MentionDistribution),
    ("bureau cedex", Slot::BureauCedex),
    ("code postal", Slot::CodePostal),
    ("code commune", Slot::Commune),
    ("libelle commune", Slot::LibelleCommune),
    ("code pays", Slot::Pays),
    ("telephone", Slot::Telephone),
    ("telephone 2", Slot::Telephone2),
    ("telecopie", Slot::Telecopie),
    ("adresse e mail", Slot::Courriel),
];

/// Civil status: restricted files only.
pub(super) const CIVIL: &[(&str, Slot)] = &[
    ("nom de famille", Slot::NomFamille),
    ("prenoms", Slot::Prenoms),
    ("date de naissance", Slot::DateNaissance),
    ("code commune de naissance", Slot::CommuneNaissance),
    ("code pays de naissance", Slot::PaysNaissance),
    ("lieu de naissance", Slot::LieuNaissance),
    ("code sexe", Slot::Sexe),
];

/// The address block, whose headers name the address `of` between parentheses.
pub(super) fn address(of: &str) -> Vec<(String, Slot)> {
    ADDRESS.iter().map(|(h, s)| (format!("{h} (coord {of})"), *s)).collect()
}

/// The columns of several blocks.
pub(super) fn columns(blocks: &[&[(&str, Slot)]]) -> Vec<(String, Slot)> {
    blocks.iter().flat_map(|b| b.iter().map(|(h, s)| ((*h).to_owned(), *s))).collect()
}

/// The columns of two lists.
pub(super) fn with(mut all: Vec<(String, Slot)>, more: Vec<(String, Slot)>) -> Vec<(String, Slot)> {
    all.extend(more);
    all
}
