//! Zip archives: members that are national files are read, the others are listed, and so are those that should be there.

use super::archive_members::{is_candidate, is_companion, missing_members};
use super::file_watch::FileWatch;
use super::text_head::TextHead;
use super::texts::{ArchiveExtras, TextSink, read_text, ungzipped};
use super::unpacked::Unpacked;
use crate::error::{Error, refused};
use crate::limits;
use crate::text::file_names::{is_open_format, is_restricted_name};
use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use zip::ZipArchive;
use zip::result::ZipError;

/// Reads the members of an archive that are national files. `left` is the number of bytes that may come out of it.
pub(super) fn read_archive<R: Read + Seek>(
    name: &str,
    mut file: BufReader<R>,
    watch: &FileWatch<'_>,
    left: &Cell<u64>,
    each: TextSink<'_>,
) -> Result<ArchiveExtras, Error> {
    let directory = directory_bytes(&mut file).map_err(|source| Error::Io { file: name.to_owned(), source })?;
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
    let (mut extras, mut names, mut formats) = (ArchiveExtras::default(), Vec::new(), Vec::new());
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index).map_err(|e| refused(name, damage(&e)))?;
        let (path, encrypted, plain) = (member.name().to_owned(), member.encrypted(), !member.is_symlink());
        if member.is_dir() {
            continue;
        }
        drop(member);
        let base = path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        if !plain || is_companion(&path, &base) {
            extras.companions.push(path);
            continue;
        }
        if encrypted {
            let reason = format!("member {path}: it is encrypted; unpack it with its password, and import the files");
            return Err(refused(name, reason));
        }
        match read_member(name, &mut archive, index, &path, left, &mut *each)? {
            Some(format) if is_restricted_name(name) && is_open_format(&format) => {
                return Err(refused(
                    name,
                    format!(
                        "member {path}: the name of the archive is one of a restricted extraction and its columns say {format}, which is open data; nothing was imported"
                    ),
                ));
            }
            Some(format) => {
                names.push(base);
                formats.push(format);
            }
            None => extras.companions.push(path),
        }
        watch.check_unchanged()?;
    }
    if names.is_empty() {
        let list = extras.companions.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        let list = if list.is_empty() { "it is empty".into() } else { format!("its members are {list}") };
        return Err(refused(name, format!("no national file in this archive: {list}")));
    }
    extras.missing = missing_members(name, &names, &formats).into_iter().map(|m| format!("{name}: {m}")).collect();
    for companion in &mut extras.companions {
        *companion = format!("{name}: {companion}");
    }
    Ok(extras)
}

/// Reads the member at `path`, compressed again or not; its format, `None` for a companion.
fn read_member<R: Read + Seek>(
    name: &str,
    archive: &mut ZipArchive<BufReader<R>>,
    index: usize,
    path: &str,
    left: &Cell<u64>,
    each: TextSink<'_>,
) -> Result<Option<String>, Error> {
    let base = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let method = archive.by_index_raw(index).map_err(|e| refused(name, damage(&e)))?.compression();
    let member = archive.by_index(index).map_err(|e| {
        let reason = match e {
            ZipError::UnsupportedArchive(_) => {
                format!("compressed in a way that is not read ({method}); unpack the archive first")
            }
            e => damage(&e),
        };
        refused(name, format!("member {path}: {reason}"))
    })?;
    let mut reader = BufReader::with_capacity(1 << 20, Unpacked::new(member, left));
    let io_fail = |source| Error::Io { file: format!("{name}, member {path}"), source };
    let zipped = reader.fill_buf().map_err(io_fail)?.starts_with(b"\x1f\x8b");
    let read = if zipped {
        let unpacked = Unpacked::new(flate2::bufread::MultiGzDecoder::new(reader), left);
        member_text(ungzipped(base), &mut BufReader::with_capacity(1 << 20, unpacked), each)
    } else {
        member_text(base, &mut reader, each)
    };
    read.map_err(|e| within(name, path, e))
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
fn member_text(base: &str, reader: &mut dyn BufRead, each: TextSink<'_>) -> Result<Option<String>, Error> {
    let head = TextHead::take(reader).map_err(|source| Error::Io { file: base.to_owned(), source })?;
    if !is_candidate(base, &head) {
        return Ok(None);
    }
    let mut format = String::new();
    let mut reader = head.chain(reader);
    read_text(base, &mut reader, &mut |name, reader| {
        format = each(name, reader)?;
        Ok(String::new())
    })?;
    Ok(Some(format))
}

/// Length of the directory of an archive, which the end of the archive gives; 0 when it has none: the reader of archives then
/// fails.
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
