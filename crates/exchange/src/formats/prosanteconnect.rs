//! The extractions for ProSanteConnect, the national identity provider (source-files §3): restricted data.

use super::columns::{CIVIL, EXERCISE_NAME, KNOW_HOW, PLACE, PP, PRACTICE, address, columns, with};
use super::slot::Slot as S;
use super::text_format::{ColumnGenerations, LineKind, TextFormat, pipe_format};

/// Headers of what comes out of the identity provider. What goes in has all of them but the other identifiers.
const HEADERS: &str = "type identifiant pp|identifiant pp|identification nationale pp|nom de famille|prenoms|date de naissance|\
             code commune de naissance|code pays de naissance|lieu de naissance|code sexe|telephone (coord correspondance)|\
             adresse e mail (coord correspondance)|code civilite|code profession|code categorie professionnelle|\
             code civilite exercice|nom exercice|prenom exercice|code type savoir faire|code savoir faire|code mode exercice|\
             code secteur activite|code section tableau pharmaciens|code role|numero siret site|numero siren site|\
             numero finess site|numero finess etablissement juridique|identifiant technique de la structure|\
             raison sociale site|enseigne commerciale site|complement destinataire (coord structure)|\
             complement point geographique (coord structure)|numero voie (coord structure)|\
             indice repetition voie (coord structure)|code type de voie (coord structure)|libelle voie (coord structure)|\
             mention distribution (coord structure)|bureau cedex (coord structure)|code postal (coord structure)|\
             code commune (coord structure)|code pays (coord structure)|telephone (coord structure)|\
             telephone 2 (coord structure)|telecopie (coord structure)|adresse e mail (coord structure)|\
             code departement (coord structure)|ancien identifiant de la structure|autorite enregistrement|\
             autres identifiants|code genre activite";

const OTHER_IDENTIFIERS: &str = "autres identifiants";

/// The file that goes in has 49 columns, or 50 with the kind of activity (source-files §3).
const GENERATIONS: ColumnGenerations = &[&["code genre activite"]];

pub(super) fn formats() -> Vec<TextFormat> {
    let out = pipe_format(
        "Extraction_Pro_sante_connect",
        "psc",
        LineKind::Person,
        HEADERS,
        with(read_columns(), columns(&[&[(OTHER_IDENTIFIERS, S::AutresIdentifiants)]])),
    );
    let input = pipe_format("Extraction_ProSanteConnect_Personne_activite", "psc", LineKind::Person, HEADERS, read_columns());
    let headers = input.headers.iter().copied().filter(|h| *h != OTHER_IDENTIFIERS).collect();
    vec![out, TextFormat { headers, ..input }.with_generations(GENERATIONS)]
}

fn read_columns() -> Vec<(String, S)> {
    with(
        columns(&[
            PP,
            CIVIL,
            EXERCISE_NAME,
            PRACTICE,
            KNOW_HOW,
            PLACE,
            &[
                ("code civilite", S::Civilite),
                ("code mode exercice", S::ModeExercice),
                ("identifiant technique de la structure", S::Structure),
                ("ancien identifiant de la structure", S::AncienId),
                ("autorite enregistrement", S::Autorite),
                ("code secteur activite", S::Secteur),
                ("code section tableau pharmaciens", S::Section),
                ("code role", S::Role),
                ("code genre activite", S::Genre),
                ("telephone (coord correspondance)", S::TelephoneCorrespondance),
                ("adresse e mail (coord correspondance)", S::CourrielCorrespondance),
                ("code departement (coord structure)", S::Ignore),
            ],
        ]),
        address("structure").into_iter().filter(|c| c.1 != S::LibelleCommune).collect(),
    )
}
