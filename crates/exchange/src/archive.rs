//! Zip archives: members that are national files are read, others are named, and those that should be there are asked for.

use crate::head::Head;
use crate::open::{Beside, Each, Unpacked, Watch, text, ungzipped};
use crate::recognise::{self, RESTRICTED};
use crate::{Error, limits, refused};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use zip::ZipArchive;
use zip::result::ZipError;

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

/// Reads the members of an archive that are national files.
pub(crate) fn read<R: Read + Seek>(
    name: &str,
    mut file: BufReader<R>,
    watch: &Watch<'_>,
    left: &Cell<u64>,
    each: Each<'_>,
) -> Result<Beside, Error> {
    let fail = |source| Error::Io { file: name.to_owned(), source };
    let directory = directory_bytes(&mut file).map_err(fail)?;
    if directory > limits::ARCHIVE_DIRECTORY_BYTES {
        return Err(refused(
            name,
            "an archive of thousands of members is no national delivery; unpack it and name its files".into(),
        ));
    }
    let mut archive = ZipArchive::new(file).map_err(|e| refused(name, damage(&e)))?;
    if archive.len() > limits::MEMBERS {
        return Err(refused(
            name,
            format!("more than {} members: no national delivery; unpack it and name its files", limits::MEMBERS),
        ));
    }
    let (mut beside, mut names, mut formats_read) = (Beside::default(), Vec::new(), Vec::new());
    for i in 0..archive.len() {
        let member = archive.by_index_raw(i).map_err(|e| refused(name, damage(&e)))?;
        let (path, encrypted, plain, folder) =
            (member.name().to_owned(), member.encrypted(), !member.is_symlink(), member.is_dir());
        let method = member.compression();
        drop(member);
        if folder {
            continue;
        }
        let base = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        if !plain || companion(&path, &base) {
            beside.companions.push(path);
            continue;
        }
        let in_archive = |reason: String| refused(name, format!("member {path}: {reason}"));
        if encrypted {
            return Err(in_archive("it is encrypted; unpack it with its password, and import the files".into()));
        }
        let member = archive.by_index(i).map_err(|e| {
            in_archive(match e {
                ZipError::UnsupportedArchive(_) => {
                    format!("compressed in a way that is not read ({method}); unpack the archive first")
                }
                e => damage(&e),
            })
        })?;
        let mut reader = BufReader::with_capacity(1 << 20, Unpacked::new(member, left));
        let io_fail = |source| Error::Io { file: format!("{name}, member {path}"), source };
        let zipped = {
            let head = io::BufRead::fill_buf(&mut reader).map_err(io_fail)?;
            head.starts_with(b"\x1f\x8b")
        };
        let read = if zipped {
            let unpacked = Unpacked::new(flate2::bufread::MultiGzDecoder::new(reader), left);
            member_text(ungzipped(&base), &mut BufReader::with_capacity(1 << 20, unpacked), each)
        } else {
            member_text(&base, &mut reader, each)
        };
        match read.map_err(|e| within(name, &path, e))? {
            Some(format) if recognise::restricted_name(name) && recognise::is_open(&format) => {
                return Err(in_archive(format!(
                    "the name of the archive is one of a restricted extraction and its columns say {format}, which is open data; nothing was imported"
                )));
            }
            Some(format) => {
                names.push(base);
                formats_read.push(format);
            }
            None => beside.companions.push(path),
        }
        watch.unchanged()?;
    }
    if names.is_empty() {
        let list = beside.companions.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        let list = if list.is_empty() { "it is empty".into() } else { format!("its members are {list}") };
        return Err(refused(name, format!("no national file in this archive: {list}")));
    }
    beside.missing = missing(name, &names, &formats_read).into_iter().map(|m| format!("{name}: {m}")).collect();
    for c in &mut beside.companions {
        *c = format!("{name}: {c}");
    }
    Ok(beside)
}

/// Names the archive in an error about a member.
fn within(archive: &str, path: &str, e: Error) -> Error {
    match e {
        Error::Io { source, .. } => Error::Io { file: format!("{archive}, member {path}"), source },
        Error::Refused { file, reason } => Error::Refused { file: format!("{file} (in {archive})"), reason },
        other => other,
    }
}

fn damage(e: &ZipError) -> String {
    format!("the archive is cut or damaged ({e}); download it again")
}

/// Reads a member when it is a national file, or looks like one; `None` for a companion, of which only the head was read.
fn member_text(base: &str, reader: &mut dyn io::BufRead, each: Each<'_>) -> Result<Option<String>, Error> {
    let head = Head::take(reader).map_err(|source| Error::Io { file: base.to_owned(), source })?;
    if !candidate(base, &head) {
        return Ok(None);
    }
    let mut format = String::new();
    let mut reader = head.chain(reader);
    text(base, &mut reader, &mut |name, reader| {
        format = each(name, reader)?;
        Ok(String::new())
    })?;
    Ok(Some(format))
}

/// Whether the name of a member is that of a document or of a file that a system leaves behind.
fn companion(path: &str, base: &str) -> bool {
    let lower = base.to_lowercase();
    let hidden = base.starts_with('.') || path.split(['/', '\\']).any(|p| p == "__MACOSX");
    let document = lower.rsplit_once('.').is_some_and(|(_, end)| DOCUMENTS.contains(&end));
    hidden || document || ABOUT.iter().any(|a| lower.contains(a))
}

/// Whether a member that is not known to be a companion must be read or refused: by its name, or by its content.
fn candidate(base: &str, head: &Head) -> bool {
    let lower = base.to_lowercase();
    if OFFICIAL.iter().any(|o| lower.starts_with(o)) || recognise::announced(base).is_some() {
        return true;
    }
    let has = |word: &str| head.bytes().windows(word.len()).any(|w| w == word.as_bytes());
    match head.first() {
        b'{' => ["\"resourceType\"", "\"pmej\"", "\"gcc\"", "\"gco\"", "\"schemaVersion\""].iter().any(|w| has(w)),
        b'<' => has("<fluxfiness"),
        0 => false,
        // Something wide, or packed again, may be a national file: it is refused by name.
        _ => match head.fault(base) {
            Some(reason) => ["UTF-", "archive", "unpack"].iter().any(|w| reason.contains(w)),
            None => recognise::resembles(&head.first_line()),
        },
    }
}

/// Expected members that are neither among the names nor among the formats of what was read.
fn missing(archive: &str, names: &[String], formats: &[String]) -> Vec<String> {
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
    let mut roots: BTreeSet<String> = names.iter().filter_map(|n| root(n)).collect();
    roots.extend(root(&archive));
    for root in roots {
        let profile = root.chars().last();
        let wanted = |end: &&&str| **end != "Sanction" || !matches!(profile, Some('2' | '4'));
        let file = |end: &str| format!("{root}_{end}").to_lowercase();
        let there = |end: &str| lower.iter().any(|n| ends(n, &file(end)));
        let named = RESTRICTED.iter().find(|end| ends(&archive, &file(end)));
        match named {
            Some(one) if !there(one) => out.push(format!("{root}_{one}")),
            Some(_) => {}
            None => out.extend(RESTRICTED.iter().filter(wanted).filter(|e| !there(e)).map(|e| format!("{root}_{e}"))),
        }
    }
    out
}

/// Whether a name is `file` followed by a stamp or an ending, and not the beginning of a longer one.
fn ends(name: &str, file: &str) -> bool {
    name.find(file).is_some_and(|at| {
        let rest = &name[at + file.len()..];
        !rest.starts_with(|c: char| c.is_ascii_alphabetic())
            && !rest.trim_start_matches('_').starts_with(|c: char| c.is_ascii_alphabetic())
    })
}

/// The root of the name of a restricted file: `Extraction_RPPS_Profil1`.
fn root(name: &str) -> Option<String> {
    let at = name.to_lowercase().find("extraction_rpps_profil")?;
    let rest = &name[at..];
    let digits = rest.find(|c: char| c.is_ascii_digit())?;
    let len = rest[digits..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| digits + n);
    Some(format!("Extraction_RPPS_Profil{}", &rest[digits..len]))
}

/// Length of the directory of an archive, as its end says; 0 when it has none, which the reader of archives then says.
fn directory_bytes<R: Read + Seek>(file: &mut R) -> io::Result<u64> {
    // The end of an archive is 22 bytes and a comment.
    const END: u64 = 22 + 0xffff + 20;
    let number = |b: &[u8], at: usize, len: usize| {
        b.get(at..at + len).map_or(0, |b| b.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    };
    let len = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(len.saturating_sub(END)))?;
    let mut tail = Vec::new();
    file.take(END).read_to_end(&mut tail)?;
    let mut found = 0;
    if let Some(at) = tail.windows(4).rposition(|w| w == b"PK\x05\x06") {
        found = number(&tail, at + 12, 4);
        if found == 0xffff_ffff
            && let Some(locator) = at.checked_sub(20).filter(|l| tail[*l..].starts_with(b"PK\x06\x07"))
        {
            file.seek(SeekFrom::Start(number(&tail, locator + 8, 8)))?;
            let mut end = Vec::new();
            file.take(56).read_to_end(&mut end)?;
            found = number(&end, 40, 8);
        }
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{companion, missing, root};

    fn asked(archive: &str, names: &[&str]) -> Vec<String> {
        missing(archive, &names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>(), &[])
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
        assert_eq!(root("x/extraction_rpps_PROFIL12_y").as_deref(), Some("Extraction_RPPS_Profil12"));
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
            assert!(companion(path, path.rsplit(['/', '\\']).next().unwrap()), "{path}");
        }
        assert!(!companion("d/PS_LibreAcces_SavoirFaire_1.txt", "PS_LibreAcces_SavoirFaire_1.txt"));
    }
}
