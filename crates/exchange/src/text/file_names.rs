//! What the name of a file announces. A name decides nothing alone: the columns of the file must agree with it.

use crate::formats::all;
use annuaire_base::text::fold;

/// The format that the name of a file announces, when it announces one.
pub(crate) fn announced_format(name: &str) -> Option<&'static str> {
    let words = words(name);
    if let Some((_, format)) = NAMES.iter().find(|(part, _)| words.contains(part)) {
        return Some(format);
    }
    // `[RACINE]_<Nom>_<12 digits>`.
    let mut parts = words.split(' ').rev().skip_while(|p| !(p.len() == 12 && p.bytes().all(|b| b.is_ascii_digit())));
    parts.next()?;
    let part = parts.next()?;
    parts.next()?;
    RESTRICTED.iter().find(|r| fold(r) == part).copied()
}

/// Whether the name is one of a restricted file.
pub(crate) fn is_restricted_name(name: &str) -> bool {
    let words = words(name);
    RESTRICTED_NAMES.iter().any(|n| words.contains(n))
        || announced_format(name).is_some_and(|a| all().iter().any(|f| f.name == a && !f.is_open()))
}

/// Whether the format of this name belongs to an open source.
pub(crate) fn is_open_format(format: &str) -> bool {
    all().iter().any(|f| f.name == format && f.is_open())
}

/// Folded parts of names of files, with the format that they announce; the longer ones first where one contains another.
const NAMES: &[(&str, &str)] = &[
    ("ps libreacces personne activite", "PS_LibreAcces_Personne_activite"),
    ("ps libreacces dipl autexerc", "PS_LibreAcces_Dipl_AutExerc"),
    ("ps libreacces savoirfaire", "PS_LibreAcces_SavoirFaire"),
    ("porteurs cps cpf", "Porteurs_CPS_CPF"),
    ("extraction correspondance mssante", "Extraction_Correspondance_MSSante"),
    ("extraction prosanteconnect", "Extraction_ProSanteConnect_Personne_activite"),
    ("extraction pro sante connect", "Extraction_Pro_sante_connect"),
    ("extractionmonotable", "ExtractionMonoTable_CAT18_ToutePopulation"),
    ("rapport des echecs de bascule", "pscload_rapport_des_echecs_de_bascule"),
    ("bascule adeli rpps", "bascule ADELI RPPS"),
    ("table de correspondance bascule", "bascule ADELI RPPS"),
    ("extraction rpps derniercodeadeli", "Extraction_RPPS_DernierCodeADELI"),
    ("extraction certificat pp", "Extraction_Certificat_PP"),
    ("extraction certificat pm", "Extraction_Certificat_PM"),
    ("liste ps", "liste-ps (Ameli)"),
    ("liste cds", "liste-cds (Ameli)"),
    ("etalab stock et", "etalab_stock_et"),
    ("cs1100501", "FINESS cs1100501"),
    ("cs1100502", "FINESS cs1100502"),
    ("cs1100503", "FINESS cs1100503"),
    ("cs1100504", "FINESS cs1100504"),
    ("cs1100505", "FINESS cs1100505"),
    ("cs1100507", "FINESS cs1100507"),
    ("finess structures", "FINESS+ structures"),
    ("finess activites", "FINESS+ activités"),
];

/// The files of the restricted extractions (source-files §5), as they follow the name of the extraction.
pub(crate) const RESTRICTED: &[&str] = &[
    "Personne",
    "EtatCiv",
    "Langue",
    "CoordCorresp",
    "DiplObt",
    "AutreDiplObt",
    "AutExerc",
    "ExercPro",
    "ReferAe",
    "SavoirFaire",
    "AttribPart",
    "CartePro",
    "Sanction",
    "CoordAct",
    "Activite",
    "Structure",
    "CoordStruct",
    "CoordStructGeoloc",
    "AdresseMSSante",
];

/// Beginnings of names that only restricted files have.
const RESTRICTED_NAMES: &[&str] = &[
    "extraction rpps",
    "extraction adeli",
    "extraction cps",
    "extraction certificat",
    "extraction prosanteconnect",
    "extraction pro sante connect",
    "bascule",
    // Our own extractions of the restricted perimeter in the layouts of open files.
    "restreint",
];

/// A name of a file as words, without its date.
pub(super) fn words(name: &str) -> String {
    fold(&name.replace('_', " "))
}
