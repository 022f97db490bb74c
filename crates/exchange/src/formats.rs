//! The national text formats: which columns each has and what each column says. One entry per format; nothing else
//! in this room knows a header.

mod headers;

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
    /// Section name in the first field, for files without header; the columns are then positions.
    pub(crate) section: &'static str,
    /// Normalised header and meaning.
    pub(crate) columns: Vec<(String, Slot)>,
    /// All its headers, those that are not read included.
    pub(crate) headers: Vec<&'static str>,
    /// Headers that some generations do not have.
    pub(crate) generations: Generations,
    /// The FINESS open file that holds the section, `502`; empty for other formats.
    pub(crate) file: &'static str,
}

impl Format {
    /// Published as open data; what no source has is not.
    pub(crate) fn open(&self) -> bool {
        annuaire_mos::source::get(self.source).open
    }

    /// It is a section of the FINESS open file `kind`, `502`. The file of positions repeats that of establishments.
    pub(crate) fn in_file(&self, kind: &str) -> bool {
        !self.section.is_empty() && (self.file == kind || (kind == "507" && self.file == "502"))
    }
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

/// Columns that came with a generation (source-files §2.3), in the order of the generations: all of a group or none.
type Generations = &'static [&'static [&'static str]];

const OPEN_GENERATIONS: Generations = &[
    &[
        "code secteur activite",
        "libelle secteur activite",
        "code section tableau pharmaciens",
        "libelle section tableau pharmaciens",
    ],
    &["code role", "libelle role", "code genre activite", "libelle genre activite"],
];

/// The restricted file has 49 columns, or 50 with the kind of activity (source-files §3).
const PSC_GENERATIONS: Generations = &[&["code genre activite"]];

/// Columns that some profiles of the restricted extractions do not have; none of them is read (source-files §5).
pub(crate) const NOT_IN_ALL_PROFILES: &[&str] =
    &["code nationalite", "libelle nationalite", "date acquisition de la nationalite francaise"];

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
fn pipe(name: &'static str, source: &'static str, kind: Kind, columns: Vec<(String, Slot)>) -> Format {
    let generations = match source {
        "psla" => OPEN_GENERATIONS,
        "psc" if name == PSC => PSC_GENERATIONS,
        _ => &[],
    };
    let headers = headers::of(name);
    Format { name, source, kind, separator: Separator::Pipe, section: "", columns, headers, generations, file: "" }
}

/// The extraction for the national identity provider.
const PSC: &str = "Extraction_ProSanteConnect_Personne_activite";

/// A semicolon format with header.
fn semi(name: &'static str, source: &'static str, kind: Kind, columns: Vec<(String, Slot)>) -> Format {
    let headers = headers::of(name);
    Format { name, source, kind, separator: Separator::Semicolon, section: "", columns, headers, generations: &[], file: "" }
}

/// A section of a legacy FINESS file: no header, fields by position, `Ignore` for what is not kept.
fn finess(name: &'static str, source: &'static str, kind: Kind, section: &'static str, slots: &[Slot]) -> Format {
    let columns = slots.iter().enumerate().map(|(i, s)| (i.to_string(), *s)).collect();
    let file = name.rsplit("cs1100").next().unwrap_or_default();
    Format { name, source, kind, separator: Separator::Semicolon, section, columns, headers: Vec::new(), generations: &[], file }
}

/// All formats.
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
            with(psc(), columns(&[&[("autres identifiants", S::AutresIdentifiants)]])),
        ),
        pipe(PSC, "psc", Person, psc()),
        pipe(
            "PS_LibreAcces_Personne_activite",
            "psla",
            Person,
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
        pipe("PS_LibreAcces_SavoirFaire", "psla-sf", Person, columns(&[PP, PRACTICE, KNOW_HOW])),
        semi(
            "ExtractionMonoTable_CAT18_ToutePopulation",
            "monotable",
            Person,
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
            // Common names and nationality left the national model in 2025 (data-perimeters 3.1): not kept.
            columns(&[PP, &[("code civilite", S::Civilite), ("date de mise a jour personne", S::DateMaj)]]),
        ),
        semi(
            "EtatCiv",
            "r-etatciv",
            Person,
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
        semi("Langue", "r-langue", Person, columns(&[PP, &[("code langue", S::Langue), ("date de fin langue", S::DateFin)]])),
        semi("CoordCorresp", "r-coordcorresp", Person, with(columns(&[PP]), restricted_address("correspondance"))),
        semi(
            "DiplObt",
            "r-diplobt",
            Person,
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
            columns(&[PP]),
        ),
        semi(
            "CoordAct",
            "r-coordact",
            Person,
            with(columns(&[PP, PRACTICE, &[("identifiant de l activite", S::IdActivite)]]), restricted_address("activite")),
        ),
        semi(
            "Activite",
            "r-activite",
            Person,
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
            with(columns(&[&[("identifiant technique de la structure", S::Structure)]]), address("structure")),
        ),
        semi(
            "CoordStructGeoloc",
            "r-geoloc",
            Structure,
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
            columns(&[
                PP,
                &[("adresse bal mssante", S::AdresseBal), ("identification nationale de la structure", S::NumeroStructure)],
            ]),
        ),
        semi("Extraction_RPPS_DernierCodeADELI", "r-dernieradeli", Person, columns(&[PP, &[("code adeli", S::Adeli)]])),
        semi("Extraction_Certificat_PP", "r-certificatpp", Person, columns(&[PP, CERTIFICATE])),
        semi(
            "Extraction_Certificat_PM",
            "r-certificatpm",
            Structure,
            columns(&[&[("identifiant technique de la structure", S::Structure)], CERTIFICATE]),
        ),
        semi("bascule ADELI RPPS", "bascule", Switch, columns(&[&[("n° adeli", S::Adeli), ("n° rpps", S::Rpps)]])),
        semi(
            "pscload_rapport_des_echecs_de_bascule",
            "",
            Ignored("the report of a consumer about a switch-over, not a source of facts"),
            Vec::new(),
        ),
        semi(
            "liste-ps (Ameli)",
            "ameli-ps",
            Ameli,
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
            columns(&[
                &[("etab_finess", S::Finess), ("etab_raison_sociale", S::RaisonSociale), ("etab_carte_vitale", S::Vitale)],
                AMELI_PLACE,
            ]),
        ),
        semi(
            "etalab_stock_et",
            "finess-eg",
            Structure,
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
        // The places of the activities that follow.
        finess("FINESS cs1100505", "finess-soc", Structure, "structureet", &[S::Ignore, S::Finess, S::FinessEj]),
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

/// The sources of all formats that have one.
#[cfg(test)]
pub(crate) fn sources() -> Vec<&'static str> {
    all().iter().map(|f| f.source).filter(|s| !s.is_empty()).collect()
}
