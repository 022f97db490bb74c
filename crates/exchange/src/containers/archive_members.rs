//! What the members of an archive are: national files, companions, and those that are missing.

use super::text_head::TextHead;
use crate::text::file_names::{RESTRICTED, announced_format};
use crate::text::recognise::resembles_national_file;
use std::collections::BTreeSet;

/// Whether the name of a member is that of a document or of a file that a system leaves behind.
pub(super) fn is_companion(path: &str, base: &str) -> bool {
    let lower = base.to_lowercase();
    let hidden = base.starts_with('.') || path.split(['/', '\\']).any(|p| p == "__MACOSX");
    let document = lower.rsplit_once('.').is_some_and(|(_, end)| DOCUMENTS.contains(&end));
    hidden || document || ABOUT.iter().any(|a| lower.contains(a))
}

/// Whether a member that is no companion must be read or refused: its name or its content is that of a national file.
pub(super) fn is_candidate(base: &str, head: &TextHead) -> bool {
    let lower = base.to_lowercase();
    if OFFICIAL.iter().any(|o| lower.starts_with(o)) || announced_format(base).is_some() {
        return true;
    }
    let has = |word: &str| head.bytes().windows(word.len()).any(|w| w == word.as_bytes());
    match head.first() {
        b'{' => ["\"resourceType\"", "\"pmej\"", "\"gcc\"", "\"gco\"", "\"schemaVersion\""].iter().any(|w| has(w)),
        b'<' => has("<fluxfiness"),
        0 => false,
        // A text in UTF-16, or a packed file, may be a national file: it is refused with a message.
        _ => match head.fault(base) {
            Some(reason) => ["UTF-", "archive", "unpack"].iter().any(|w| reason.contains(w)),
            None => resembles_national_file(&head.first_line()),
        },
    }
}

/// Members that an archive should have, by its name and by those of its members, and that are neither among the names nor among
/// the formats of what was read.
pub(super) fn missing_members(archive: &str, names: &[String], formats: &[String]) -> Vec<String> {
    let lower: Vec<String> = names.iter().map(|n| n.to_lowercase().replace('-', "_")).collect();
    let archive = archive.to_lowercase();
    let has = |wanted: &str| {
        let wanted = wanted.to_lowercase();
        lower.iter().any(|n| n.contains(&wanted)) || formats.iter().any(|f| f.to_lowercase() == wanted)
    };
    let mut out = Vec::new();
    // An archive named like one of the files holds that one.
    let alone = OPEN.iter().find(|o| archive.contains(&o.to_lowercase()));
    match alone {
        Some(one) if !has(one) => out.push((*one).to_owned()),
        Some(_) => {}
        None if archive.contains("ps_libreacces") || OPEN.iter().any(|o| has(o)) => {
            out.extend(OPEN.iter().filter(|o| !has(o)).map(|o| (*o).to_owned()));
        }
        None => {}
    }
    out.extend(SINGLE.iter().filter(|s| archive.contains(&s.to_lowercase()) && !has(s)).map(|s| (*s).to_owned()));
    let mut roots: BTreeSet<String> = names.iter().filter_map(|n| extraction_root(n)).collect();
    roots.extend(extraction_root(&archive));
    for root in roots {
        let profile = root.chars().last();
        let wanted = |end: &&&str| **end != "Sanction" || !matches!(profile, Some('2' | '4'));
        let file = |end: &str| format!("{root}_{end}").to_lowercase();
        let there = |end: &str| lower.iter().any(|n| is_named(n, &file(end)));
        let named = RESTRICTED.iter().find(|end| is_named(&archive, &file(end)));
        match named {
            Some(one) if !there(one) => out.push(format!("{root}_{one}")),
            Some(_) => {}
            None => out.extend(RESTRICTED.iter().filter(wanted).filter(|e| !there(e)).map(|e| format!("{root}_{e}"))),
        }
    }
    out
}

/// Whether a name is `file` followed by a stamp or an ending, and not the beginning of a longer one.
fn is_named(name: &str, file: &str) -> bool {
    name.find(file).is_some_and(|at| {
        let rest = &name[at + file.len()..];
        !rest.starts_with(|c: char| c.is_ascii_alphabetic())
            && !rest.trim_start_matches('_').starts_with(|c: char| c.is_ascii_alphabetic())
    })
}

/// The root of the name of a restricted file: `Extraction_RPPS_Profil1`.
fn extraction_root(name: &str) -> Option<String> {
    let at = name.to_lowercase().find("extraction_rpps_profil")?;
    let rest = &name[at..];
    let digits = rest.find(|c: char| c.is_ascii_digit())?;
    let len = rest[digits..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| digits + n);
    Some(format!("Extraction_RPPS_Profil{}", &rest[digits..len]))
}

/// The files of a professionals' archive (source-files §2.1).
const OPEN: [&str; 3] = ["PS_LibreAcces_Dipl_AutExerc", "PS_LibreAcces_Personne_activite", "PS_LibreAcces_SavoirFaire"];

/// Archives of one file, named like it.
const SINGLE: [&str; 5] = [
    "Porteurs_CPS_CPF",
    "Extraction_Correspondance_MSSante",
    "Extraction_ProSanteConnect_Personne_activite",
    "Extraction_Pro_sante_connect",
    "ExtractionMonoTable_CAT18_ToutePopulation",
];

/// Endings of documents that come with data.
const DOCUMENTS: [&str; 31] = [
    "pdf", "doc", "docx", "odt", "rtf", "md", "htm", "html", "css", "png", "jpg", "jpeg", "gif", "svg", "xls", "xlsx", "ods",
    "ppt", "pptx", "odp", "xsd", "yml", "yaml", "url", "sig", "asc", "p7s", "md5", "sha1", "sha256", "sha512",
];

/// Words in the names of texts about data.
const ABOUT: [&str; 13] = [
    "readme",
    "lisezmoi",
    "lisez-moi",
    "lisez_moi",
    "licence",
    "license",
    "copying",
    "changelog",
    "notice",
    "mentions_legales",
    "conditions",
    "thumbs.db",
    "desktop.ini",
];

/// Beginnings of the names of national files.
const OFFICIAL: [&str; 14] = [
    "ps_libreacces",
    "ps-libreacces",
    "porteurs_cps",
    "porteurs-cps",
    "extraction_",
    "extractionmonotable",
    "etalab",
    "finess",
    "liste-ps",
    "liste-cds",
    "ps-infospratiques",
    "ps-tarifs",
    "bascule_adeli",
    "pscload",
];

#[cfg(test)]
mod tests {
    use super::{extraction_root, is_companion, missing_members};

    fn asked(archive: &str, names: &[&str]) -> Vec<String> {
        missing_members(archive, &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn what_an_archive_should_hold_is_told_by_its_name_and_by_those_of_its_members() {
        let (a, d, s) = (
            "PS_LibreAcces_Personne_activite_202611240800.txt",
            "PS_LibreAcces_Dipl_AutExerc_202611240800.txt",
            "PS_LibreAcces_SavoirFaire_202611240800.txt",
        );
        assert!(asked("PS_LibreAcces_202611240900.zip", &[a, d, s]).is_empty());
        assert_eq!(asked("PS_LibreAcces_202611240900.zip", &[a, s]), ["PS_LibreAcces_Dipl_AutExerc"]);
        assert_eq!(asked("download.zip", &[a]).len(), 2);
        assert!(asked("PS_LibreAcces_Personne_activite_202611240800.zip", &[a]).is_empty());
        assert_eq!(asked("PS_LibreAcces_Personne_activite_202611240800.zip", &[s]), ["PS_LibreAcces_Personne_activite"]);
        assert_eq!(
            asked("Porteurs_CPS_CPF_202611240900.zip", &["Extraction_Correspondance_MSSante_1.txt"]),
            ["Porteurs_CPS_CPF"]
        );
        assert!(
            asked("Extraction_Correspondance_MSSante_202611240900.zip", &["Extraction_Correspondance_MSSante_1.txt"]).is_empty()
        );
        // A name that begins like another is not it.
        let one =
            asked("Extraction_RPPS_Profil1_202611240500.zip", &["Extraction_RPPS_Profil1_CoordStructGeoloc_202611240500.csv"]);
        assert_eq!(one.len(), 18);
        assert!(
            one.contains(&"Extraction_RPPS_Profil1_CoordStruct".into())
                && one.contains(&"Extraction_RPPS_Profil1_Sanction".into())
        );
        let four = asked("Extraction_RPPS_Profil4_202611240500.zip", &["Extraction_RPPS_Profil4_Personne_202611240500.csv"]);
        assert_eq!((four.len(), four.iter().any(|m| m.contains("Sanction"))), (17, false));
        assert!(asked("Extraction_RPPS_Profil1_Personne_1.zip", &["Extraction_RPPS_Profil1_Personne_1.csv"]).is_empty());
        assert_eq!(extraction_root("x/extraction_rpps_PROFIL12_y").as_deref(), Some("Extraction_RPPS_Profil12"));
    }

    #[test]
    fn documents_and_leavings_of_systems_are_companions() {
        for path in [
            "LISEZMOI.txt",
            "a/README",
            "__MACOSX/._PS_LibreAcces_Personne_activite_1.txt",
            "._x.txt",
            ".DS_Store",
            "a\\Thumbs.db",
            "Licence_Ouverte.txt",
            "DSFT.pdf",
            "notice.TXT",
            "PS_LibreAcces_Personne_activite_1.txt.md5",
        ] {
            assert!(is_companion(path, path.rsplit(['/', '\\']).next().unwrap()), "{path}");
        }
        assert!(!is_companion("d/PS_LibreAcces_SavoirFaire_1.txt", "PS_LibreAcces_SavoirFaire_1.txt"));
    }
}
