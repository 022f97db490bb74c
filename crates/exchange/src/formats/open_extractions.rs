//! The open extractions of the directory: professionals, their diplomas, know-how, cards and mailboxes (source-files §2).

use super::columns::{EXERCISE_NAME, KNOW_HOW, PLACE, PP, PRACTICE, address, columns, with};
use super::slot::Slot as S;
use super::text_format::LineKind::{Card, Mailbox, Person};
use super::text_format::{ColumnGenerations, TextFormat, pipe_format, semicolon_format};

const GENERATIONS: ColumnGenerations = &[
    &[
        "code secteur activite",
        "libelle secteur activite",
        "code section tableau pharmaciens",
        "libelle section tableau pharmaciens",
    ],
    &["code role", "libelle role", "code genre activite", "libelle genre activite"],
];

pub(super) fn formats() -> Vec<TextFormat> {
    [activities(), attributes(), single_table()].into_iter().flatten().collect()
}

/// Professionals and their places of practice.
fn activities() -> Vec<TextFormat> {
    vec![
        pipe_format(
            "PS_LibreAcces_Personne_activite",
            "psla",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code civilite exercice|libelle civilite exercice|\
             code civilite|libelle civilite|nom exercice|prenom exercice|code profession|libelle profession|\
             code categorie professionnelle|libelle categorie professionnelle|code type savoir faire|\
             libelle type savoir faire|code savoir faire|libelle savoir faire|code mode exercice|libelle mode exercice|\
             numero siret site|numero siren site|numero finess site|numero finess etablissement juridique|\
             identifiant technique de la structure|raison sociale site|enseigne commerciale site|\
             complement destinataire (coord structure)|complement point geographique (coord structure)|\
             numero voie (coord structure)|indice repetition voie (coord structure)|code type de voie (coord structure)|\
             libelle type de voie (coord structure)|libelle voie (coord structure)|mention distribution (coord structure)|\
             bureau cedex (coord structure)|code postal (coord structure)|code commune (coord structure)|\
             libelle commune (coord structure)|code pays (coord structure)|libelle pays (coord structure)|\
             telephone (coord structure)|telephone 2 (coord structure)|telecopie (coord structure)|\
             adresse e mail (coord structure)|code departement (structure)|libelle departement (structure)|\
             ancien identifiant de la structure|autorite enregistrement|code secteur activite|libelle secteur activite|\
             code section tableau pharmaciens|libelle section tableau pharmaciens|code role|libelle role|code genre activite|\
             libelle genre activite",
            with(
                columns(&[
                    PP,
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
                    ],
                ]),
                address("structure"),
            ),
        )
        .with_generations(GENERATIONS),
    ]
}

/// Their diplomas, cards, mailboxes and know-how.
fn attributes() -> Vec<TextFormat> {
    vec![
        pipe_format(
            "PS_LibreAcces_Dipl_AutExerc",
            "psla-dipl",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|nom exercice|prenom exercice|\
             code type diplome obtenu|libelle type diplome obtenu|code diplome obtenu|libelle diplome obtenu|\
             code type autorisation|libelle type autorisation|code discipline autorisation|libelle discipline autorisation",
            columns(&[
                PP,
                &[
                    ("code type diplome obtenu", S::TypeDiplome),
                    ("code diplome obtenu", S::Diplome),
                    ("code type autorisation", S::TypeAutorisation),
                    ("code discipline autorisation", S::Discipline),
                ],
            ]),
        ),
        pipe_format(
            "Porteurs_CPS_CPF",
            "cps",
            Card,
            "type identifiant pp|identifiant pp|identification nationale pp|nom exercice|prenom exercice|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle|code type de carte|\
             libelle type de carte|numero carte|identifiant national contenu dans la carte|date debut validite|\
             date fin validite|date opposition|date de mise a jour",
            columns(&[
                PP,
                PRACTICE,
                &[
                    ("code type de carte", S::TypeCarte),
                    ("numero carte", S::NumeroCarte),
                    ("date debut validite", S::DateDebut),
                    ("date fin validite", S::DateFin),
                    ("date opposition", S::DateOpposition),
                    ("identifiant national contenu dans la carte", S::IdCarte),
                ],
            ]),
        ),
        pipe_format(
            "Extraction_Correspondance_MSSante",
            "mss",
            Mailbox,
            "type de bal|adresse bal|type identifiant pp|identifiant pp|identification nationale pp|\
             type identifiant structure|identification structure|service de rattachement|civilite exercice|nom exercice|\
             prenom exercice|categorie profession|libelle de categorie profession|code profession|libelle profession|\
             code savoir faire|libelle savoir faire|dematerialisation|raison sociale structure bal|\
             enseigne commerciale structure bal|l2complementlocalisation structure bal|\
             l3complementdistribution structure bal|l4numerovoie structure bal|l4complementnumerovoie structure bal|\
             nl4typevoie structure bal|l4libellevoie structure bal|l5lieuditmention structure bal|\
             l6ligneacheminement structure bal|code postal structure bal|departement structure bal|pays structure bal",
            columns(&[
                PP,
                &[
                    ("type de bal", S::TypeBal),
                    ("adresse bal", S::AdresseBal),
                    ("type identifiant structure", S::TypeStructure),
                    ("identification structure", S::NumeroStructure),
                    ("service de rattachement", S::Service),
                    ("code profession", S::Profession),
                ],
            ]),
        ),
        pipe_format(
            "PS_LibreAcces_SavoirFaire",
            "psla-sf",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|nom exercice|prenom exercice|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle|code type savoir faire|\
             libelle type savoir faire|code savoir faire|libelle savoir faire",
            columns(&[PP, PRACTICE, KNOW_HOW]),
        ),
    ]
}

/// The single-table archive.
fn single_table() -> Vec<TextFormat> {
    vec![semicolon_format(
        "ExtractionMonoTable_CAT18_ToutePopulation",
        "monotable",
        Person,
        "type identifiant pp|identifiant pp|identification nationale pp|code civilite exercice|libelle civilite exercice|\
             nom exercice|prenom exercice|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle|code savoir faire|libelle savoir faire|code type savoir faire|\
             libelle type savoir faire|numero siret site|numero siren site|numero finess site|\
             numero finess etablissement juridique|raison sociale site|enseigne commerciale site|identifiant structure|\
             complement destinataire (coord structure)|complement point geographique (coord structure)|\
             numero voie (coord structure)|indice repetition voie (coord structure)|code type de voie (coord structure)|\
             libelle type de voie (coord structure)|libelle voie (coord structure)|mention distribution (coord structure)|\
             bureau cedex (coord structure)|code postal (coord structure)|code commune (coord structure)|\
             libelle commune (coord structure)|code pays (coord structure)|libelle pays (coord structure)|\
             telephone (coord structure)|telephone 2 (coord structure)|telecopie (coord structure)|\
             adresse e mail (coord structure)|adresse bal mssante",
        with(
            columns(&[
                PP,
                EXERCISE_NAME,
                PRACTICE,
                KNOW_HOW,
                PLACE,
                &[("identifiant structure", S::AncienId), ("adresse bal mssante", S::AdresseBal)],
            ]),
            address("structure"),
        ),
    )]
}
