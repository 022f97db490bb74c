//! The restricted extractions of the directory, one file for each class of the national model (source-files §5).

use super::columns::{CIVIL, EXERCISE_NAME, KNOW_HOW, PP, PRACTICE, address, columns, with};
use super::slot::Slot as S;
use super::text_format::LineKind::{Card, Ignored, Person, Structure};
use super::text_format::{TextFormat, semicolon_format};

/// Columns that some profiles of the restricted extractions do not have; none of them is read (source-files §5).
pub(crate) const NOT_IN_ALL_PROFILES: &[&str] =
    &["code nationalite", "libelle nationalite", "date acquisition de la nationalite francaise"];

pub(super) fn formats() -> Vec<TextFormat> {
    [civil_status(), diplomas(), practices(), attributions(), activities(), structures(), attachments()]
        .into_iter()
        .flatten()
        .collect()
}

/// The person, civil status, languages and the address for letters.
fn civil_status() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "Personne",
            "r-personne",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code civilite|libelle civilite|nom usage|\
             prenom usage|nature|code nationalite|libelle nationalite|date acquisition de la nationalite francaise|\
             date effet|date de mise a jour personne",
            // Common names and nationality left the national model in 2025 (data-perimeters 3.1): not kept.
            columns(&[PP, &[("code civilite", S::Civilite), ("date de mise a jour personne", S::DateMaj)]]),
        ),
        semicolon_format(
            "EtatCiv",
            "r-etatciv",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code statut etat civil|libelle statut etat civil|\
             code sexe|libelle sexe|nom de famille|prenoms|date de naissance|lieu de naissance|date de deces|\
             date effet de l etat civil|code commune de naissance|libelle commune de naissance|code pays de naissance|\
             libelle pays de naissance|date de mise a jour etat civil",
            columns(&[
                PP,
                CIVIL,
                &[
                    ("code statut etat civil", S::StatutEtatCivil),
                    ("date de deces", S::DateDeces),
                    ("date effet de l etat civil", S::DateDebut),
                ],
            ]),
        ),
        semicolon_format(
            "Langue",
            "r-langue",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code langue|libelle langue|\
             date mise a jour langue|date de fin langue",
            columns(&[PP, &[("code langue", S::Langue), ("date de fin langue", S::DateFin)]]),
        ),
        semicolon_format(
            "CoordCorresp",
            "r-coordcorresp",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|complement destinataire (coord correspondance)|\
             complement point geographique (coord correspondance)|numero voie (coord correspondance)|\
             indice repetition voie (coord correspondance)|code type de voie (coord correspondance)|\
             libelle type de voie (coord correspondance)|libelle voie (coord correspondance)|\
             mention distribution (coord correspondance)|bureau cedex (coord correspondance)|\
             code postal (coord correspondance)|code commune (coord correspondance)|libelle commune (coord correspondance)|\
             code pays (coord correspondance)|libelle pays (coord correspondance)|telephone (coord correspondance)|\
             telephone 2 (coord correspondance)|telecopie (coord correspondance)|adresse e mail (coord correspondance)|\
             date de mise a jour (coord correspondance)|date de fin (coord correspondance)",
            with(columns(&[PP]), restricted_address("correspondance")),
        ),
    ]
}

/// Diplomas and authorisations.
fn diplomas() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "DiplObt",
            "r-diplobt",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code type diplome obtenu|\
             libelle type diplome obtenu|code diplome obtenu|libelle diplome obtenu|date de mise a jour diplome obtenu|\
             code lieu obtention|libelle lieu obtention|date obtention diplome|numero diplome",
            columns(&[
                PP,
                &[
                    ("code type diplome obtenu", S::TypeDiplome),
                    ("code diplome obtenu", S::Diplome),
                    ("code lieu obtention", S::LieuFormation),
                    ("date obtention diplome", S::DateDebut),
                ],
            ]),
        ),
        semicolon_format(
            "AutreDiplObt",
            "r-autrediplobt",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code diplome|libelle diplome|\
             date de mise a jour diplome|code lieu formation|libelle lieu formation|date obtention diplome|numero diplome",
            columns(&[
                PP,
                &[
                    ("code diplome", S::Diplome),
                    ("code lieu formation", S::LieuFormation),
                    ("date obtention diplome", S::DateDebut),
                ],
            ]),
        ),
        semicolon_format(
            "AutExerc",
            "r-autexerc",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|date effet autorisation|code type autorisation|\
             libelle type autorisation|date fin autorisation|date de mise a jour autorisation|code discipline autorisation|\
             libelle discipline autorisation|code profession|libelle profession",
            columns(&[
                PP,
                &[
                    ("code type autorisation", S::TypeAutorisation),
                    ("code discipline autorisation", S::Discipline),
                    ("date effet autorisation", S::DateDebut),
                    ("date fin autorisation", S::DateFin),
                    ("code profession", S::Profession),
                ],
            ]),
        ),
    ]
}

/// Professions, registrations with an order, know-how.
fn practices() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "ExercPro",
            "r-exercpro",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code civilite exercice|libelle civilite exercice|\
             nom exercice|prenom exercice|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle|date de fin exercice|date de mise a jour exercice|date effet exercice|\
             code ae 1e inscription|libelle ae 1e inscription|date debut 1e inscription|departement 1e inscription|\
             libelle departement 1e inscription",
            columns(&[
                PP,
                EXERCISE_NAME,
                PRACTICE,
                &[
                    ("date effet exercice", S::DateDebut),
                    ("date de fin exercice", S::DateFin),
                    ("code ae 1e inscription", S::Ordre),
                    ("departement 1e inscription", S::Departement),
                    ("date debut 1e inscription", S::DateAutorisation),
                ],
            ]),
        ),
        semicolon_format(
            "ReferAe",
            "r-referae",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code ae|libelle ae|date debut inscription|\
             date fin inscription|date de mise a jour inscription|code statut inscription|libelle statut inscription|\
             code departement inscription|libelle departement inscription|code departement accueil|\
             libelle departement accueil|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle",
            columns(&[
                PP,
                PRACTICE,
                &[
                    ("code ae", S::Ordre),
                    ("code statut inscription", S::Statut),
                    ("code departement inscription", S::Departement),
                    ("code departement accueil", S::DepartementAccueil),
                    ("date debut inscription", S::DateDebut),
                    ("date fin inscription", S::DateFin),
                ],
            ]),
        ),
        semicolon_format(
            "SavoirFaire",
            "r-savoirfaire",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code savoir faire|libelle savoir faire|\
             code type savoir faire|libelle type savoir faire|code profession|libelle profession|\
             code categorie professionnelle|libelle categorie professionnelle|date reconnaissance savoir faire|\
             date de mise a jour savoir faire|date abandon savoir faire",
            columns(&[
                PP,
                PRACTICE,
                KNOW_HOW,
                &[("date reconnaissance savoir faire", S::DateDebut), ("date abandon savoir faire", S::DateFin)],
            ]),
        ),
    ]
}

/// Attributions, cards and sanctions.
fn attributions() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "AttribPart",
            "r-attribpart",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|date de reconnaissance attribution|\
             date abandon attribution|date de mise a jour attribution|code attribution|libelle attribution|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle",
            columns(&[
                PP,
                &[
                    ("code attribution", S::Attribution),
                    ("date de reconnaissance attribution", S::DateDebut),
                    ("date abandon attribution", S::DateFin),
                ],
            ]),
        ),
        semicolon_format(
            "CartePro",
            "r-cartepro",
            Card,
            "type identifiant pp|identifiant pp|identification nationale pp|numero carte|date debut validite|\
             date fin validite|date opposition|date de mise a jour|code type de carte|libelle type de carte|code profession|\
             libelle profession|code categorie professionnelle|libelle categorie professionnelle",
            columns(&[
                PP,
                PRACTICE,
                &[
                    ("code type de carte", S::TypeCarte),
                    ("numero carte", S::NumeroCarte),
                    ("date debut validite", S::DateDebut),
                    ("date fin validite", S::DateFin),
                    ("date opposition", S::DateOpposition),
                ],
            ]),
        ),
        semicolon_format(
            "Sanction",
            "",
            Ignored("sanctions are in no perimeter that this program publishes, and are not kept"),
            "type identifiant pp|identifiant pp|identification nationale pp|date de debut|date de mise a jour sanction|\
             date de fin|code type sanction|libelle type sanction|code origine sanction|libelle origine sanction|\
             code niveau sanction|libelle niveau sanction|mention|date de mise a jour mention|code infraction|\
             libelle infraction|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle",
            columns(&[PP]),
        ),
    ]
}

/// Activities and their addresses.
fn activities() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "CoordAct",
            "r-coordact",
            Person,
            "type identifiant pp|identifiant pp|identifiant de l activite|identification nationale pp|\
             identifiant technique de la structure|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle|complement destinataire (coord activite)|\
             complement point geographique (coord activite)|numero voie (coord activite)|\
             indice repetition voie (coord activite)|code type de voie (coord activite)|\
             libelle type de voie (coord activite)|libelle voie (coord activite)|mention distribution (coord activite)|\
             bureau cedex (coord activite)|code postal (coord activite)|code commune (coord activite)|\
             libelle commune (coord activite)|code pays (coord activite)|libelle pays (coord activite)|\
             telephone (coord activite)|telephone 2 (coord activite)|telecopie (coord activite)|\
             adresse e mail (coord activite)|date de mise a jour (coord activite)|date de fin (coord activite)",
            with(columns(&[PP, PRACTICE, &[("identifiant de l activite", S::IdActivite)]]), restricted_address("activite")),
        ),
        semicolon_format(
            "Activite",
            "r-activite",
            Person,
            "type identifiant pp|identifiant pp|identifiant de l activite|identification nationale pp|\
             identifiant technique de la structure|code role|libelle role|code mode exercice|libelle mode exercice|\
             date de debut activite|date de fin activite|date de mise a jour activite|code region exercice|\
             libelle region exercice|code genre activite|libelle genre activite|code motif de fin activite|\
             libelle motif de fin activite|code section tableau pharmaciens|libelle section tableau pharmaciens|\
             code sous section tableau pharmaciens|libelle sous section tableau pharmaciens|code type activite liberale|\
             libelle type activite liberale|code statut des ps du ssa|libelle statut des ps du ssa|code statut hospitalier|\
             libelle statut hospitalier|code profession|libelle profession|code categorie professionnelle|\
             libelle categorie professionnelle",
            columns(&[
                PP,
                PRACTICE,
                &[
                    ("identifiant de l activite", S::IdActivite),
                    ("identifiant technique de la structure", S::Structure),
                    ("code role", S::Role),
                    ("code mode exercice", S::ModeExercice),
                    ("date de debut activite", S::DateDebut),
                    ("date de fin activite", S::DateFin),
                    ("code genre activite", S::Genre),
                    ("code motif de fin activite", S::MotifFin),
                    ("code section tableau pharmaciens", S::Section),
                    ("code sous section tableau pharmaciens", S::SousSection),
                    ("code type activite liberale", S::TypeLiberal),
                    ("code statut des ps du ssa", S::StatutSsa),
                    ("code statut hospitalier", S::StatutHospitalier),
                ],
            ]),
        ),
    ]
}

/// Structures, their addresses and positions.
fn structures() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "Structure",
            "r-structure",
            Structure,
            "type de structure|identifiant technique de la structure|identification nationale de la structure|numero siret|\
             numero siren|numero finess etablissement|numero finess ej|rpps rang|adeli rang|numero licence officine|\
             date ouverture structure|date de fermeture structure|date de mise a jour structure|code ape|libelle ape|\
             code categorie juridique|libelle categorie juridique|code secteur activite|libelle secteur activite|\
             raison sociale|enseigne commerciale",
            columns(&[&[
                ("type de structure", S::Nature),
                ("identifiant technique de la structure", S::Structure),
                ("identification nationale de la structure", S::AncienId),
                ("numero siret", S::Siret),
                ("numero siren", S::Siren),
                ("numero finess etablissement", S::Finess),
                ("numero finess ej", S::FinessEj),
                ("rpps rang", S::RppsRang),
                ("adeli rang", S::AdeliRang),
                ("numero licence officine", S::Licence),
                ("date ouverture structure", S::DateDebut),
                ("date de fermeture structure", S::DateFin),
                ("date de mise a jour structure", S::DateMaj),
                ("code ape", S::Ape),
                ("code categorie juridique", S::StatutJuridique),
                ("code secteur activite", S::Secteur),
                ("raison sociale", S::RaisonSociale),
                ("enseigne commerciale", S::Enseigne),
            ]]),
        ),
        semicolon_format(
            "CoordStruct",
            "r-coordstruct",
            Structure,
            "identifiant technique de la structure|complement destinataire (coord structure)|\
             complement point geographique (coord structure)|numero voie (coord structure)|\
             indice repetition voie (coord structure)|code type de voie (coord structure)|\
             libelle type de voie (coord structure)|libelle voie (coord structure)|mention distribution (coord structure)|\
             bureau cedex (coord structure)|code postal (coord structure)|code commune (coord structure)|\
             libelle commune (coord structure)|code pays (coord structure)|libelle pays (coord structure)|\
             telephone (coord structure)|telephone 2 (coord structure)|telecopie (coord structure)|\
             adresse e mail (coord structure)|date de mise a jour (coord structure)|date de fin (coord structure)",
            with(columns(&[&[("identifiant technique de la structure", S::Structure)]]), address("structure")),
        ),
        semicolon_format(
            "CoordStructGeoloc",
            "r-geoloc",
            Structure,
            "identifiant technique de la structure|latitude (coordonnees gps)|longitude (coordonnees gps)|\
             type de precision (coordonnees gps)|precision (coordonnees gps)",
            columns(&[&[
                ("identifiant technique de la structure", S::Structure),
                ("latitude (coordonnees gps)", S::Latitude),
                ("longitude (coordonnees gps)", S::Longitude),
                ("precision (coordonnees gps)", S::SourceGeo),
            ]]),
        ),
    ]
}

/// Mailboxes, former numbers and certificates.
fn attachments() -> Vec<TextFormat> {
    vec![
        semicolon_format(
            "AdresseMSSante",
            "r-adressemssante",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|type identifiant pm|identifiant de la structure|\
             identification nationale de la structure|adresse bal mssante",
            columns(&[
                PP,
                &[("adresse bal mssante", S::AdresseBal), ("identification nationale de la structure", S::NumeroStructure)],
            ]),
        ),
        semicolon_format(
            "Extraction_RPPS_DernierCodeADELI",
            "r-dernieradeli",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|code profession|libelle profession|\
             code categorie professionnelle|libelle categorie professionnelle|code adeli|date effet adeli|date fin adeli|\
             date creation adeli|date maj adeli|type adeli",
            columns(&[PP, &[("code adeli", S::Adeli)]]),
        ),
        semicolon_format(
            "Extraction_Certificat_PP",
            "r-certificatpp",
            Person,
            "type identifiant pp|identifiant pp|identification nationale pp|dn emetteur|dn sujet|reference support|\
             date de debut|date de fin|date de revocation|nom domaine|adresse mail",
            columns(&[PP, CERTIFICATE]),
        ),
        semicolon_format(
            "Extraction_Certificat_PM",
            "r-certificatpm",
            Structure,
            "type de structure|identifiant technique de la structure|dn emetteur|dn sujet|reference support|date de debut|\
             date de fin|date de revocation|nom domaine|adresse mail",
            columns(&[&[("identifiant technique de la structure", S::Structure)], CERTIFICATE]),
        ),
    ]
}

/// An address with the day on which it ends.
fn restricted_address(of: &str) -> Vec<(String, S)> {
    with(address(of), vec![(format!("date de fin (coord {of})"), S::DateFin)])
}

const CERTIFICATE: &[(&str, S)] = &[
    ("dn emetteur", S::Emetteur),
    ("dn sujet", S::Sujet),
    ("reference support", S::Support),
    ("date de debut", S::DateDebut),
    ("date de fin", S::DateFin),
    ("date de revocation", S::DateRevocation),
    ("nom domaine", S::Domaine),
];
