//! The national text formats: which columns each has and what each column says. One entry per format; nothing else
//! in this room knows a header.

use annuaire_base::text::fold;

/// What a column says. One vocabulary for all formats, so that one function assembles each kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Slot {
    TypeId,
    Numero,
    IdNat,
    CiviliteExercice,
    Civilite,
    NomExercice,
    PrenomExercice,
    Profession,
    Categorie,
    TypeSavoirFaire,
    SavoirFaire,
    ModeExercice,
    Siret,
    Siren,
    Finess,
    FinessEj,
    Structure,
    RaisonSociale,
    Enseigne,
    Enseigne2,
    PointRemise,
    ComplementGeo,
    NumeroVoie,
    Extension,
    TypeVoie,
    LibelleVoie,
    LieuDit,
    MentionDistribution,
    BureauCedex,
    CodePostal,
    Commune,
    LibelleCommune,
    Pays,
    Telephone,
    Telephone2,
    TelephoneCorrespondance,
    CourrielCorrespondance,
    Telecopie,
    Courriel,
    AncienId,
    Autorite,
    Secteur,
    Section,
    SousSection,
    Role,
    Genre,
    TypeDiplome,
    Diplome,
    LieuFormation,
    TypeAutorisation,
    Discipline,
    TypeCarte,
    NumeroCarte,
    IdCarte,
    DateDebut,
    DateFin,
    DateOpposition,
    DateMaj,
    TypeBal,
    AdresseBal,
    TypeStructure,
    NumeroStructure,
    Service,
    NomFamille,
    Prenoms,
    DateNaissance,
    CommuneNaissance,
    PaysNaissance,
    LieuNaissance,
    Sexe,
    DateDeces,
    StatutEtatCivil,
    AutresIdentifiants,
    Langue,
    Ordre,
    Statut,
    Departement,
    DepartementAccueil,
    Attribution,
    IdActivite,
    MotifFin,
    TypeLiberal,
    StatutSsa,
    StatutHospitalier,
    Nature,
    RppsRang,
    AdeliRang,
    Licence,
    Ape,
    StatutJuridique,
    CategorieEtablissement,
    Tarif,
    Sph,
    Uai,
    CommuneCourte,
    DepartementFiness,
    LigneAcheminement,
    Latitude,
    Longitude,
    X,
    Y,
    SourceGeo,
    Emetteur,
    Sujet,
    Support,
    DateRevocation,
    Domaine,
    Adeli,
    Rpps,
    Activite,
    Modalite,
    Forme,
    NumAutorisation,
    NumAutorisationArhgos,
    DateAutorisation,
    DateMeo,
    Public,
    Capacite,
    CapaciteHabilitee,
    CapaciteInstallee,
    CapaciteInstalleeHabilitee,
    AgeMin,
    AgeMax,
    Supprime,
    SupprimeInstallation,
    Specialite,
    Secteur2,
    NatureExercice,
    Option,
    Vitale,
    /// Read to be checked, and not kept.
    Ignore,
}

/// Number of slots: a row is an array of that many fields.
pub(crate) const SLOTS: usize = Slot::Ignore as usize + 1;

/// How fields are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `|`, no quoting, one more at the end of the line.
    Pipe,
    /// `;`, fields quoted or not, a quote inside doubled.
    Semicolon,
}

/// What the lines of a format describe; decides the entity and the assembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A person, with practice place when the line has one.
    Person,
    /// A structure.
    Structure,
    /// A card.
    Card,
    /// A mailbox.
    Mailbox,
    /// An activity of the legacy FINESS files.
    Activity,
    /// A pair of identifiers of one person.
    Switch,
    /// A line of the health insurance's directory.
    Ameli,
    /// Recognised and left out, for the reason given.
    Ignored(&'static str),
}

/// A text format.
#[derive(Debug)]
pub(crate) struct Format {
    /// Official name.
    pub(crate) name: &'static str,
    /// Source whose facts the lines are.
    pub(crate) source: &'static str,
    /// What lines describe.
    pub(crate) kind: Kind,
    /// Field separator.
    pub(crate) separator: Separator,
    /// Normalised headers that identify the format: all must be there.
    marks: &'static [&'static str],
    /// Section name in the first field, for files without header; the columns are then positions.
    pub(crate) section: &'static str,
    /// Normalised header and meaning.
    columns: Vec<(String, Slot)>,
    /// Headers that some generations do not have.
    optional: &'static [&'static str],
}

/// The identity block that opens all files about persons.
const PP: &[(&str, Slot)] =
    &[("type identifiant pp", Slot::TypeId), ("identifiant pp", Slot::Numero), ("identification nationale pp", Slot::IdNat)];

const PRACTICE: &[(&str, Slot)] = &[("code profession", Slot::Profession), ("code categorie professionnelle", Slot::Categorie)];

const PLACE: &[(&str, Slot)] = &[
    ("numero siret site", Slot::Siret),
    ("numero siren site", Slot::Siren),
    ("numero finess site", Slot::Finess),
    ("numero finess etablissement juridique", Slot::FinessEj),
    ("raison sociale site", Slot::RaisonSociale),
    ("enseigne commerciale site", Slot::Enseigne),
];

const EXERCISE_NAME: &[(&str, Slot)] = &[
    ("code civilite exercice", Slot::CiviliteExercice),
    ("nom exercice", Slot::NomExercice),
    ("prenom exercice", Slot::PrenomExercice),
];

const KNOW_HOW: &[(&str, Slot)] = &[("code type savoir faire", Slot::TypeSavoirFaire), ("code savoir faire", Slot::SavoirFaire)];

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

const CIVIL: &[(&str, Slot)] = &[
    ("nom de famille", Slot::NomFamille),
    ("prenoms", Slot::Prenoms),
    ("date de naissance", Slot::DateNaissance),
    ("code commune de naissance", Slot::CommuneNaissance),
    ("code pays de naissance", Slot::PaysNaissance),
    ("lieu de naissance", Slot::LieuNaissance),
    ("code sexe", Slot::Sexe),
];

/// Columns that are known and deliberately not read: labels of codes are in the terminologies, names repeat those of the
/// activity file, nationality and common names left the national model (data-perimeters 3.1).
const UNREAD: &[&str] = &[
    "code departement (structure)",
    "code departement (coord structure)",
    "nom exercice",
    "prenom exercice",
    "nom usage",
    "prenom usage",
    "nature",
    "code nationalite",
    "numero diplome",
    "code region exercice",
    "type de structure",
    "type de precision (coordonnees gps)",
    "type identifiant pm",
    "identifiant de la structure",
    "adresse mail",
    "type adeli",
    "raison sociale",
    "enseigne commerciale",
    "civilite exercice",
    "categorie profession",
    "code savoir faire",
    "dematerialisation",
    "code profession",
    "code categorie professionnelle",
    "identifiant technique de la structure",
    "region",
    "departement",
    "codepostal",
    "liblongcategetab",
    "categretab",
];

/// The same for families of columns: addresses repeated in the mailbox file, labels and details of the health insurance.
fn unread(name: &str) -> bool {
    UNREAD.contains(&name)
        || ["libelle", "date", "etab_apcv", "type_etab", "type_ps", "ps_activite_apcv", "activite_particuliere"]
            .iter()
            .any(|p| name.starts_with(p))
        || name.is_empty()
        || name.ends_with("structure bal")
        || name.ends_with("_libelle")
        || name.starts_with("lib")
}

/// Columns that generations before 2022 do not have (source-files §2.3).
const NOT_BEFORE_2022: &[&str] =
    &["code secteur activite", "code section tableau pharmaciens", "code role", "code genre activite"];

fn address(of: &str) -> Vec<(String, Slot)> {
    ADDRESS.iter().map(|(h, s)| (format!("{h} (coord {of})"), *s)).collect()
}

fn columns(blocks: &[&[(&str, Slot)]]) -> Vec<(String, Slot)> {
    blocks.iter().flat_map(|b| b.iter().map(|(h, s)| ((*h).to_owned(), *s))).collect()
}

fn with(mut all: Vec<(String, Slot)>, more: Vec<(String, Slot)>) -> Vec<(String, Slot)> {
    all.extend(more);
    all
}

/// A pipe format.
fn pipe(
    name: &'static str,
    source: &'static str,
    kind: Kind,
    marks: &'static [&'static str],
    columns: Vec<(String, Slot)>,
) -> Format {
    Format { name, source, kind, separator: Separator::Pipe, marks, section: "", columns, optional: NOT_BEFORE_2022 }
}

/// A semicolon format with header.
fn semi(
    name: &'static str,
    source: &'static str,
    kind: Kind,
    marks: &'static [&'static str],
    columns: Vec<(String, Slot)>,
) -> Format {
    Format { name, source, kind, separator: Separator::Semicolon, marks, section: "", columns, optional: &[] }
}

/// A section of a legacy FINESS file: no header, fields by position, `Ignore` for what is not kept.
fn finess(name: &'static str, source: &'static str, kind: Kind, section: &'static str, slots: &[Slot]) -> Format {
    let columns = slots.iter().enumerate().map(|(i, s)| (i.to_string(), *s)).collect();
    Format { name, source, kind, separator: Separator::Semicolon, marks: &[], section, columns, optional: &[] }
}

/// All formats. Order matters where the marks of one are also in another: the richer first.
pub(crate) fn all() -> Vec<Format> {
    use Kind::{Activity, Ameli, Card, Ignored, Mailbox, Person, Structure, Switch};
    use Slot as S;
    let psc = || {
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
    };
    let restricted_address = |of: &str| with(address(of), vec![(format!("date de fin (coord {of})"), S::DateFin)]);
    vec![
        pipe(
            "Extraction_Pro_sante_connect",
            "psc",
            Person,
            &["nom de famille", "autres identifiants"],
            with(psc(), columns(&[&[("autres identifiants", S::AutresIdentifiants)]])),
        ),
        pipe("Extraction_ProSanteConnect_Personne_activite", "psc", Person, &["nom de famille", "code mode exercice"], psc()),
        pipe(
            "PS_LibreAcces_Personne_activite",
            "psla",
            Person,
            &["raison sociale site", "code mode exercice"],
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
        ),
        pipe(
            "PS_LibreAcces_Dipl_AutExerc",
            "psla-dipl",
            Person,
            &["code diplome obtenu", "code type autorisation"],
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
        pipe(
            "Porteurs_CPS_CPF",
            "cps",
            Card,
            &["numero carte"],
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
        pipe(
            "Extraction_Correspondance_MSSante",
            "mss",
            Mailbox,
            &["adresse bal"],
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
        pipe("PS_LibreAcces_SavoirFaire", "psla-sf", Person, &["code savoir faire"], columns(&[PP, PRACTICE, KNOW_HOW])),
        semi(
            "ExtractionMonoTable_CAT18_ToutePopulation",
            "monotable",
            Person,
            &["raison sociale site", "adresse bal mssante"],
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
        ),
        semi(
            "Personne",
            "r-personne",
            Person,
            &["nature", "code civilite", "date de mise a jour personne"],
            // Common names and nationality left the national model in 2025 (data-perimeters 3.1): not kept.
            columns(&[PP, &[("code civilite", S::Civilite), ("date de mise a jour personne", S::DateMaj)]]),
        ),
        semi(
            "EtatCiv",
            "r-etatciv",
            Person,
            &["code statut etat civil"],
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
        semi(
            "Langue",
            "r-langue",
            Person,
            &["code langue"],
            columns(&[PP, &[("code langue", S::Langue), ("date de fin langue", S::DateFin)]]),
        ),
        semi(
            "CoordCorresp",
            "r-coordcorresp",
            Person,
            &["bureau cedex (coord correspondance)"],
            with(columns(&[PP]), restricted_address("correspondance")),
        ),
        semi(
            "DiplObt",
            "r-diplobt",
            Person,
            &["code type diplome obtenu", "date obtention diplome"],
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
        semi(
            "AutreDiplObt",
            "r-autrediplobt",
            Person,
            &["code diplome", "code lieu formation"],
            columns(&[
                PP,
                &[
                    ("code diplome", S::Diplome),
                    ("code lieu formation", S::LieuFormation),
                    ("date obtention diplome", S::DateDebut),
                ],
            ]),
        ),
        semi(
            "AutExerc",
            "r-autexerc",
            Person,
            &["date effet autorisation"],
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
        semi(
            "ExercPro",
            "r-exercpro",
            Person,
            &["date effet exercice"],
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
        semi(
            "ReferAe",
            "r-referae",
            Person,
            &["code ae", "code statut inscription"],
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
        semi(
            "SavoirFaire",
            "r-savoirfaire",
            Person,
            &["date reconnaissance savoir faire"],
            columns(&[
                PP,
                PRACTICE,
                KNOW_HOW,
                &[("date reconnaissance savoir faire", S::DateDebut), ("date abandon savoir faire", S::DateFin)],
            ]),
        ),
        semi(
            "AttribPart",
            "r-attribpart",
            Person,
            &["code attribution"],
            columns(&[
                PP,
                &[
                    ("code attribution", S::Attribution),
                    ("date de reconnaissance attribution", S::DateDebut),
                    ("date abandon attribution", S::DateFin),
                ],
            ]),
        ),
        semi(
            "CartePro",
            "r-cartepro",
            Card,
            &["numero carte", "date de mise a jour"],
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
        semi(
            "Sanction",
            "",
            Ignored("sanctions are in no perimeter that this program publishes, and are not kept"),
            &["code type sanction"],
            columns(&[PP]),
        ),
        semi(
            "CoordAct",
            "r-coordact",
            Person,
            &["bureau cedex (coord activite)"],
            with(columns(&[PP, PRACTICE, &[("identifiant de l activite", S::IdActivite)]]), restricted_address("activite")),
        ),
        semi(
            "Activite",
            "r-activite",
            Person,
            &["identifiant de l activite", "code mode exercice"],
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
        semi(
            "Structure",
            "r-structure",
            Structure,
            &["type de structure", "numero finess ej"],
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
        semi(
            "CoordStruct",
            "r-coordstruct",
            Structure,
            &["bureau cedex (coord structure)", "date de mise a jour (coord structure)"],
            with(columns(&[&[("identifiant technique de la structure", S::Structure)]]), address("structure")),
        ),
        semi(
            "CoordStructGeoloc",
            "r-geoloc",
            Structure,
            &["latitude (coordonnees gps)"],
            columns(&[&[
                ("identifiant technique de la structure", S::Structure),
                ("latitude (coordonnees gps)", S::Latitude),
                ("longitude (coordonnees gps)", S::Longitude),
                ("precision (coordonnees gps)", S::SourceGeo),
            ]]),
        ),
        semi(
            "AdresseMSSante",
            "r-adressemssante",
            Person,
            &["identification nationale de la structure", "adresse bal mssante"],
            columns(&[
                PP,
                &[("adresse bal mssante", S::AdresseBal), ("identification nationale de la structure", S::NumeroStructure)],
            ]),
        ),
        semi(
            "Extraction_RPPS_DernierCodeADELI",
            "r-dernieradeli",
            Person,
            &["code adeli"],
            columns(&[PP, &[("code adeli", S::Adeli)]]),
        ),
        semi(
            "Extraction_Certificat_PP",
            "r-certificatpp",
            Person,
            &["identification nationale pp", "dn emetteur"],
            columns(&[PP, CERTIFICATE]),
        ),
        semi(
            "Extraction_Certificat_PM",
            "r-certificatpm",
            Structure,
            &["type de structure", "dn emetteur"],
            columns(&[&[("identifiant technique de la structure", S::Structure)], CERTIFICATE]),
        ),
        semi(
            "bascule ADELI RPPS",
            "bascule",
            Switch,
            &["n° adeli", "n° rpps"],
            columns(&[&[("n° adeli", S::Adeli), ("n° rpps", S::Rpps)]]),
        ),
        semi(
            "pscload_rapport_des_echecs_de_bascule",
            "",
            Ignored("the report of a consumer about a switch-over, not a source of facts"),
            &["original_id", "target_id", "returned_code"],
            Vec::new(),
        ),
        semi(
            "liste-ps (Ameli)",
            "ameli-ps",
            Ameli,
            &["ps_activite_nom"],
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
        semi(
            "liste-cds (Ameli)",
            "ameli-cds",
            Ameli,
            &["etab_finess"],
            columns(&[
                &[("etab_finess", S::Finess), ("etab_raison_sociale", S::RaisonSociale), ("etab_carte_vitale", S::Vitale)],
                AMELI_PLACE,
            ]),
        ),
        semi(
            "etalab_stock_et",
            "finess-eg",
            Structure,
            &["nofinesset", "categetab"],
            columns(&[&[
                ("nofinesset", S::Finess),
                ("nofinessej", S::FinessEj),
                ("rs", S::RaisonSociale),
                ("rslongue", S::Enseigne),
                ("complrs", S::Enseigne2),
                ("compldistrib", S::MentionDistribution),
                ("numvoie", S::NumeroVoie),
                ("typvoie", S::TypeVoie),
                ("voie", S::LibelleVoie),
                ("compvoie", S::Extension),
                ("lieuditbp", S::LieuDit),
                ("cog", S::Commune),
                ("ligneacheminement", S::LigneAcheminement),
                ("telephone", S::Telephone),
                ("telecopie", S::Telecopie),
                ("categetab", S::CategorieEtablissement),
                ("siret", S::Siret),
                ("codeape", S::Ape),
                ("mft", S::Tarif),
                ("sph", S::Sph),
                ("numen", S::Uai),
                ("coordx", S::X),
                ("coordy", S::Y),
                ("sourcegeocod", S::SourceGeo),
                ("dateautor", S::DateAutorisation),
                ("dateouvert", S::DateDebut),
                ("datemaj", S::DateMaj),
            ]]),
        ),
        finess(
            "FINESS cs1100501",
            "finess-ej",
            Structure,
            "structureej",
            &[
                S::Ignore,
                S::FinessEj,
                S::RaisonSociale,
                S::Enseigne,
                S::Enseigne2,
                S::NumeroVoie,
                S::TypeVoie,
                S::LibelleVoie,
                S::Extension,
                S::MentionDistribution,
                S::LieuDit,
                S::CommuneCourte,
                S::LigneAcheminement,
                S::DepartementFiness,
                S::Ignore,
                S::Telephone,
                S::StatutJuridique,
                S::Ignore,
                S::CategorieEtablissement,
                S::Ignore,
                S::Siren,
                S::Ape,
                S::DateDebut,
            ],
        ),
        finess(
            "FINESS cs1100502",
            "finess-eg",
            Structure,
            "structureet",
            &[
                S::Ignore,
                S::Finess,
                S::FinessEj,
                S::RaisonSociale,
                S::Enseigne,
                S::Enseigne2,
                S::MentionDistribution,
                S::NumeroVoie,
                S::TypeVoie,
                S::LibelleVoie,
                S::Extension,
                S::LieuDit,
                S::CommuneCourte,
                S::DepartementFiness,
                S::Ignore,
                S::LigneAcheminement,
                S::Telephone,
                S::Telecopie,
                S::CategorieEtablissement,
                S::Ignore,
                S::Ignore,
                S::Ignore,
                S::Siret,
                S::Ape,
                S::Tarif,
                S::Ignore,
                S::Sph,
                S::Ignore,
                S::DateDebut,
                S::DateAutorisation,
                S::DateMaj,
                S::Uai,
            ],
        ),
        finess(
            "FINESS cs1100503",
            "finess-as",
            Activity,
            "activiteoffresoin",
            &[
                S::Ignore,
                S::FinessEj,
                S::Ignore,
                S::Activite,
                S::Ignore,
                S::Modalite,
                S::Ignore,
                S::Forme,
                S::Ignore,
                S::NumAutorisation,
                S::DateAutorisation,
                S::Finess,
                S::NumAutorisationArhgos,
                S::Ignore,
                S::DateMeo,
                S::DateFin,
            ],
        ),
        finess(
            "FINESS cs1100504",
            "finess-eml",
            Activity,
            "equipmateriellourd",
            &[
                S::Ignore,
                S::FinessEj,
                S::Ignore,
                S::Activite,
                S::Ignore,
                S::NumAutorisation,
                S::NumAutorisationArhgos,
                S::Ignore,
                S::DateAutorisation,
                S::Finess,
                S::DateMeo,
            ],
        ),
        finess(
            "FINESS cs1100505",
            "finess-soc",
            Activity,
            "equipementsocial",
            &[
                S::Ignore,
                S::Finess,
                S::Activite,
                S::Ignore,
                S::Forme,
                S::Ignore,
                S::Public,
                S::Ignore,
                S::Ignore,
                S::CapaciteInstallee,
                S::Ignore,
                S::Ignore,
                S::CapaciteInstalleeHabilitee,
                S::Ignore,
                S::Ignore,
                S::SupprimeInstallation,
                S::DateMeo,
                S::DateDebut,
                S::Capacite,
                S::Ignore,
                S::Ignore,
                S::CapaciteHabilitee,
                S::AgeMin,
                S::AgeMax,
                S::Supprime,
                S::DateAutorisation,
                S::DateMaj,
                S::Ignore,
            ],
        ),
        finess(
            "FINESS cs1100507",
            "finess-geo",
            Structure,
            "geolocalisation",
            &[S::Ignore, S::Finess, S::X, S::Y, S::SourceGeo, S::Ignore],
        ),
    ]
}

const CERTIFICATE: &[(&str, Slot)] = &[
    ("dn emetteur", Slot::Emetteur),
    ("dn sujet", Slot::Sujet),
    ("reference support", Slot::Support),
    ("date de debut", Slot::DateDebut),
    ("date de fin", Slot::DateFin),
    ("date de revocation", Slot::DateRevocation),
    ("nom domaine", Slot::Domaine),
];

const AMELI_PLACE: &[(&str, Slot)] = &[
    ("specialite_code", Slot::Specialite),
    ("coordonnees_num_tel", Slot::Telephone),
    ("coordonnees_voie", Slot::LibelleVoie),
    ("coordonnees_complement", Slot::ComplementGeo),
    ("coordonnees_lieu_dit", Slot::LieuDit),
    ("coordonnees_code_postal", Slot::CodePostal),
    ("coordonnees_ville", Slot::LibelleCommune),
];

/// Header wording varies between generations: case, accents, apostrophes, `d'`, spaces, renamed columns.
pub(crate) fn normalise(header: &str) -> String {
    let folded = fold(header.trim().trim_matches('"'));
    let words: Vec<&str> = folded.split(' ').filter(|w| *w != "d").collect();
    let name = words.join(" ").replace("(coord. ", "(coord ");
    match name.as_str() {
        "code fonction" => "code role".to_owned(),
        "code_sexe" => "code sexe".to_owned(),
        _ => name,
    }
}

/// The sources of all formats that have one.
#[cfg(test)]
pub(crate) fn sources() -> Vec<&'static str> {
    all().iter().map(|f| f.source).filter(|s| !s.is_empty()).collect()
}

/// A format bound to the header of one file.
pub(crate) struct Layout {
    pub(crate) format: Format,
    /// Slot and name of each field of a line.
    pub(crate) fields: Vec<(Slot, String)>,
    /// Headers in the file that the format does not know.
    pub(crate) extra: Vec<String>,
}

impl Layout {
    /// Number of fields of a line.
    pub(crate) fn width(&self) -> usize {
        self.fields.len()
    }
}

/// Why a header was not bound.
pub(crate) enum Unbound {
    /// No format has these columns.
    Unknown,
    /// The format is known and these key columns are missing.
    Missing(&'static str, Vec<String>),
}

/// The former files of the health insurance, without header, frozen in 2026: gender first, then 21 or 33 fields.
pub(crate) fn frozen(first: &str) -> bool {
    matches!(first.split(';').count(), 21 | 33) && matches!(first.split(';').next(), Some("H" | "F" | ""))
}

/// Whether a first line is that of a national file, or is so much like one that it must be read or refused: at least three
/// names of columns and half of all are those of national files.
pub(crate) fn resembles(first: &str) -> bool {
    if frozen(first) || first.starts_with("finess;etalab;") {
        return true;
    }
    let known: std::collections::HashSet<String> = all().into_iter().flat_map(|f| f.columns).map(|c| c.0).collect();
    let names: Vec<String> = first.split(if first.contains('|') { '|' } else { ';' }).map(normalise).filter(|n| !n.is_empty()).collect();
    let ours = names.iter().filter(|n| known.contains(*n) || UNREAD.contains(&n.as_str()) || n.starts_with("libelle ")).count();
    ours >= 3 && ours * 2 >= names.len()
}

/// The layouts of a file that begins with this line: one for a file with header, one per section for legacy FINESS.
pub(crate) fn recognise(first: &str) -> Result<Vec<Layout>, Unbound> {
    if first.starts_with("finess;etalab;") {
        let sections = all().into_iter().filter(|f| !f.section.is_empty());
        return Ok(sections
            .map(|f| Layout { fields: f.columns.iter().map(|(n, s)| (*s, n.clone())).collect(), format: f, extra: Vec::new() })
            .collect());
    }
    let separator = if first.contains('|') { Separator::Pipe } else { Separator::Semicolon };
    let mut names: Vec<String> = first.split(if separator == Separator::Pipe { '|' } else { ';' }).map(normalise).collect();
    // Every line of most formats ends with a separator, the header included: the last field is empty and has no name.
    let closing = names.len() > 1 && names.last().is_some_and(String::is_empty);
    let mut missing = None;
    for format in all() {
        if format.separator != separator || format.marks.is_empty() || !format.marks.iter().all(|m| names.iter().any(|n| n == m))
        {
            continue;
        }
        let absent: Vec<String> = format
            .columns
            .iter()
            .filter(|(h, _)| !names.contains(h) && !format.optional.contains(&h.as_str()))
            .map(|c| c.0.clone())
            .collect();
        if !absent.is_empty() {
            missing.get_or_insert(Unbound::Missing(format.name, absent));
            continue;
        }
        if closing && separator == Separator::Semicolon {
            names.pop();
        }
        let mut extra = Vec::new();
        let fields = names
            .into_iter()
            .map(|name| {
                let known = format.columns.iter().find(|c| c.0 == name).map(|c| c.1);
                // Labels and update dates are known and left out; a column that no reader knows deserves a word.
                if known.is_none() && !unread(&name) && !matches!(format.kind, Kind::Ignored(_)) {
                    extra.push(name.clone());
                }
                (known.unwrap_or(Slot::Ignore), name)
            })
            .collect();
        return Ok(vec![Layout { format, fields, extra }]);
    }
    Err(missing.unwrap_or(Unbound::Unknown))
}
