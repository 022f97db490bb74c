//! Lines of the directory of the health insurance.

use super::address::contact;
use super::values::value;
use crate::formats::Slot as S;
use crate::text::fields::LineFields;
use annuaire_mos::LigneAmeli;

pub(super) fn ameli(r: &LineFields<'_>) -> LigneAmeli {
    // CNAM numbers sectors 0 to 3, the national table names them (source-files §10.1).
    let sector = match r.get(S::Secteur2) {
        "0" => "nc",
        "1" => "c1",
        "2" => "c2",
        "3" => "c3",
        other => other,
    };
    LigneAmeli {
        nom: value(r, S::NomExercice),
        prenom: value(r, S::PrenomExercice),
        sexe: value(r, S::Sexe),
        raison_sociale: value(r, S::RaisonSociale),
        num_finess: value(r, S::Finess),
        specialite: value(r, S::Specialite),
        coordonnees: contact(r),
        secteur_conventionnement: sector.to_owned(),
        nature_exercice: value(r, S::NatureExercice),
        option_tarifaire: value(r, S::Option),
        carte_vitale_acceptee: r.get(S::Vitale) == "true",
    }
}
