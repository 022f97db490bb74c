//! The directory of the health insurance, Ameli (source-files §10).

use super::columns::columns;
use super::slot::Slot as S;
use super::text_format::LineKind::Ameli;
use super::text_format::{TextFormat, semicolon_format};

pub(super) fn formats() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "liste-ps (Ameli)",
            "ameli-ps",
            Ameli,
            "ps_activite_nom|ps_activite_prenom|ps_activite_civilite|ps_activite_raison_sociale|ps_activite_carte_vitale|\
             ps_activite_apcv|specialite_code|specialite_libelle|type_ps_code|type_ps_libelle|activite_particuliere_code|\
             activite_particuliere_libelle|coordonnees_num_tel|coordonnees_voie|coordonnees_complement|coordonnees_lieu_dit|\
             coordonnees_code_postal|coordonnees_ville|secteur_conventionnel_code|secteur_conventionnel_libelle|\
             nature_exercice_code|nature_exercice_libelle|option_tarifaire_code|option_tarifaire_libelle",
            columns(&[
                &[
                    ("ps_activite_nom", S::NomExercice),
                    ("ps_activite_prenom", S::PrenomExercice),
                    ("ps_activite_civilite", S::Sexe),
                    ("ps_activite_raison_sociale", S::RaisonSociale),
                    ("ps_activite_carte_vitale", S::Vitale),
                    ("secteur_conventionnel_code", S::Secteur2),
                    ("nature_exercice_code", S::NatureExercice),
                    ("option_tarifaire_code", S::Option),
                ],
                AMELI_PLACE,
            ]),
        ),
        semicolon_format(
            "liste-cds (Ameli)",
            "ameli-cds",
            Ameli,
            "etab_finess|etab_raison_sociale|etab_carte_vitale|etab_apcv|specialite_code|specialite_libelle|type_etab_code|\
             type_etab_libelle|coordonnees_num_tel|coordonnees_voie|coordonnees_complement|coordonnees_lieu_dit|\
             coordonnees_code_postal|coordonnees_ville",
            columns(&[
                &[("etab_finess", S::Finess), ("etab_raison_sociale", S::RaisonSociale), ("etab_carte_vitale", S::Vitale)],
                AMELI_PLACE,
            ]),
        ),
    ]
}

const AMELI_PLACE: &[(&str, S)] = &[
    ("specialite_code", S::Specialite),
    ("coordonnees_num_tel", S::Telephone),
    ("coordonnees_voie", S::LibelleVoie),
    ("coordonnees_complement", S::ComplementGeo),
    ("coordonnees_lieu_dit", S::LieuDit),
    ("coordonnees_code_postal", S::CodePostal),
    ("coordonnees_ville", S::LibelleCommune),
];
