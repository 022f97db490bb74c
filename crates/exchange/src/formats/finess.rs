//! The legacy open files of FINESS: sections without header, whose columns are positions, and the daily stock of
//! establishments (source-files §7).

use super::columns::columns;
use super::slot::Slot as S;
use super::text_format::LineKind::{Activity, Structure};
use super::text_format::{LineKind, TextFormat, semicolon_format};

pub(super) fn formats() -> Vec<TextFormat> {
    [daily_stock(), structures(), activities(), social_activities(), positions()].into_iter().flatten().collect()
}

fn daily_stock() -> Vec<TextFormat> {
    vec![semicolon_format(
        "etalab_stock_et",
        "finess-eg",
        Structure,
        "nofinesset|nofinessej|rs|rslongue|complrs|compldistrib|numvoie|typvoie|voie|compvoie|lieuditbp|region|libregion|\
             departement|libdepartement|cog|codepostal|libelle_routage|ligneacheminement|telephone|telecopie|categetab|\
             libcategetab|liblongcategetab|categretab|libcategretab|siret|codeape|libcodeape|mft|libmft|liblongmft|sph|\
             libsph|numen|coordx|coordy|sourcegeocod|dategeocod|dateautor|dateouvert|datemaj",
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
    )]
}

/// Legal bodies (501) and establishments (502).
fn structures() -> Vec<TextFormat> {
    vec![
        section(
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
        section(
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
    ]
}

/// Care (503) and heavy equipment (504).
fn activities() -> Vec<TextFormat> {
    vec![
        section(
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
        section(
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
    ]
}

/// Social activities (505), after the places that carry them out.
fn social_activities() -> Vec<TextFormat> {
    vec![
        section("FINESS cs1100505", "finess-soc", Structure, "structureet", &[S::Ignore, S::Finess, S::FinessEj]),
        section(
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
    ]
}

/// Positions of establishments (507).
fn positions() -> Vec<TextFormat> {
    vec![section(
        "FINESS cs1100507",
        "finess-geo",
        Structure,
        "geolocalisation",
        &[S::Ignore, S::Finess, S::X, S::Y, S::SourceGeo, S::Ignore],
    )]
}

/// A section: fields by position, `Ignore` for those that are not kept.
fn section(name: &'static str, source: &'static str, kind: LineKind, section: &'static str, slots: &[S]) -> TextFormat {
    let columns = slots.iter().enumerate().map(|(i, s)| (i.to_string(), *s)).collect();
    let finess_file = name.rsplit("cs1100").next().unwrap_or_default();
    TextFormat { section, headers: Vec::new(), finess_file, ..semicolon_format(name, source, kind, "", columns) }
}
