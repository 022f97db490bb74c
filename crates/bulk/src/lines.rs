//! Files of lines: one thread reads the rows of a store, several compress.

use std::iter::Peekable;
use std::path::Path;
use std::thread::available_parallelism;

use annuaire_base::Tx;
use annuaire_base::text::hex;
use annuaire_batch::parallel;
use annuaire_index::{Index, RoaringBitmap, Row, Snapshot, Version};
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;

use crate::disk::{sync_dir, write_whole};
use crate::error::{Error, at};
use crate::limits::{DELETIONS, LEVEL, THREADS};
use crate::state::{PageItem, PublishedFile};

/// Lines of one type that become a file.
struct FileOfLines {
    ty: &'static str,
    bytes: Vec<u8>,
    count: u64,
}

/// A file before it is written.
struct EncodedFile {
    item: PageItem,
    file: PublishedFile,
    bytes: Vec<u8>,
}

/// A file of the tree, as a page names it.
pub(crate) type NamedFile = (PageItem, PublishedFile);

/// The form in which a resource of a type is told; `None` for the stored one.
pub(crate) type ResourceForm<'a> = dyn Fn(&str, &[u8]) -> Option<Vec<u8>> + Sync + 'a;

/// How resources become files.
pub(crate) struct LineWriting<'a> {
    /// Bytes of lines after which a file is closed.
    pub file_bytes: usize,
    /// Bytes of lines that no file exceeds, unless one line does.
    pub at_most: usize,
    /// Threads that compress.
    pub threads: usize,
    pub dir: &'a Path,
    /// Whether a file of that name is there already.
    pub known: &'a dyn Fn(&str) -> Option<PublishedFile>,
    pub form: &'a ResourceForm<'a>,
    /// What is done with a resource that was withdrawn by law since the rows were chosen: it is left out, or ends the work.
    pub leaves_withdrawn_out: bool,
    /// Is told each file that is written, and says whether to go on.
    pub written: &'a dyn Fn(&PublishedFile) -> Result<(), Error>,
}

impl<'a> LineWriting<'a> {
    /// Resources as they are stored, by as many threads as there are.
    pub(crate) fn whole(file_bytes: usize, dir: &'a Path, known: &'a dyn Fn(&str) -> Option<PublishedFile>) -> Self {
        let threads = available_parallelism().map_or(1, usize::from).min(THREADS);
        Self {
            file_bytes,
            at_most: usize::MAX,
            threads,
            dir,
            known,
            form: &|_, _| None,
            leaves_withdrawn_out: false,
            written: &|_| Ok(()),
        }
    }
}

fn encode(compressor: &mut Compressor<'static>, lines: &FileOfLines) -> std::io::Result<EncodedFile> {
    let bytes = compressor.compress(&lines.bytes)?;
    let item = PageItem { ty: lines.ty.to_owned(), sha256: hex(&Sha256::digest(&lines.bytes)) };
    let encoded_sha256 = hex(&Sha256::digest(&bytes));
    let (size, decoded_size) = (bytes.len() as u64, lines.bytes.len() as u64);
    Ok(EncodedFile { item, file: PublishedFile { encoded_sha256, size, decoded_size, lines: lines.count }, bytes })
}

/// A compressor whose frames name their length and have a checksum.
fn compressor() -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    Ok(compressor)
}

/// The state of a transaction. Rows never change but by a withdrawal, so that a long work takes it anew for each file: LMDB can then use
/// the pages again that writers free meanwhile.
fn state_of(index: &Index, tx: Tx) -> Result<Snapshot, Error> {
    index.snapshot_at(tx)?.ok_or(Error::Index(annuaire_index::Error::Corrupt("transaction of a file")))
}

/// Writes resources as files of about `file_bytes` bytes of lines, in the order of `rows`. They are durable when this returns.
pub(crate) fn write_resources(
    index: &Index,
    tx: Tx,
    rows: &[(&'static str, RoaringBitmap)],
    writing: &LineWriting<'_>,
) -> Result<Vec<NamedFile>, Error> {
    let &LineWriting { file_bytes, at_most, threads, dir, known, form, leaves_withdrawn_out, written } = writing;
    let feed = |give: &dyn Fn(Result<FileOfLines, Error>) -> bool| {
        for (ty, rows) in rows {
            let mut rows = rows.iter().peekable();
            while rows.peek().is_some() {
                let lines = read_lines(index, tx, ty, &mut rows, (file_bytes, at_most), (form, leaves_withdrawn_out));
                if lines.as_ref().is_ok_and(|lines| lines.count == 0) {
                    continue;
                }
                let failed = lines.is_err();
                if !give(lines) || failed {
                    return;
                }
            }
        }
    };
    let worker = || {
        let mut held = compressor();
        move |lines: Result<FileOfLines, Error>| {
            let lines = lines?;
            let encoded = match &mut held {
                Ok(compressor) => encode(compressor, &lines),
                Err(_) => compressor().and_then(|mut compressor| encode(&mut compressor, &lines)),
            };
            encoded.map_err(at(Path::new("compressing a file")))
        }
    };
    let files = parallel::ordered(threads, feed, worker, |results| {
        let one = |result: Result<Result<EncodedFile, Error>, parallel::Lost>| {
            let file = put(result.map_err(|_| Error::Lost)??, dir, known)?;
            written(&file.1)?;
            Ok(file)
        };
        results.map(one).collect::<Result<Vec<_>, Error>>()
    })?;
    sync_dir(dir)?;
    Ok(files)
}

/// Lines of about `file_bytes` bytes and of `at_most` bytes, of the next rows.
fn read_lines<I: Iterator<Item = u32>>(
    index: &Index,
    tx: Tx,
    ty: &'static str,
    rows: &mut Peekable<I>,
    (file_bytes, at_most): (usize, usize),
    (form, leaves_withdrawn_out): (&ResourceForm<'_>, bool),
) -> Result<FileOfLines, Error> {
    let snapshot = state_of(index, tx)?;
    let mut reader = snapshot.reader();
    let (mut bytes, mut count, mut version) = (Vec::with_capacity(file_bytes.min(1 << 20)), 0, Version::default());
    while let Some(row) = rows.peek() {
        reader.read(Row::new(*row), &mut version)?;
        if version.tombstone.is_some() && leaves_withdrawn_out {
            rows.next();
            continue;
        }
        if version.tombstone.is_some() {
            // It stood when the rows were chosen.
            return Err(Error::Withdrawn);
        }
        let start = bytes.len();
        match form(ty, version.body()) {
            Some(form) => bytes.extend_from_slice(&form),
            None => bytes.extend_from_slice(version.body()),
        }
        if start > 0 && bytes.len() >= at_most {
            bytes.truncate(start);
            break;
        }
        // A line break is only white space in JSON, where a foreign form has one.
        bytes[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        bytes.push(b'\n');
        count += 1;
        rows.next();
        if bytes.len() >= file_bytes {
            break;
        }
    }
    Ok(FileOfLines { ty, bytes, count })
}

/// Writes a file of deletions (BULK-17): a line is a Bundle of `DELETE`s.
pub(crate) fn write_deletions(
    deleted: &[(&'static str, String)],
    dir: &Path,
    known: &dyn Fn(&str) -> Option<PublishedFile>,
) -> Result<Vec<NamedFile>, Error> {
    if deleted.is_empty() {
        return Ok(Vec::new());
    }
    let (mut bytes, mut count) = (Vec::new(), 0);
    for some in deleted.chunks(DELETIONS) {
        let entries =
            some.iter().map(|(ty, id)| serde_json::json!({"request": {"method": "DELETE", "url": format!("{ty}/{id}")}}));
        let bundle = serde_json::json!({"resourceType": "Bundle", "type": "transaction", "entry": entries.collect::<Vec<_>>()});
        bytes.extend_from_slice(bundle.to_string().as_bytes());
        bytes.push(b'\n');
        count += 1;
    }
    Ok(vec![write_lines("Bundle", bytes, count, dir, known)?])
}

/// Writes a file of `count` lines.
pub(crate) fn write_lines(
    ty: &'static str,
    bytes: Vec<u8>,
    count: u64,
    dir: &Path,
    known: &dyn Fn(&str) -> Option<PublishedFile>,
) -> Result<NamedFile, Error> {
    let encoded = compressor().and_then(|mut compressor| encode(&mut compressor, &FileOfLines { ty, bytes, count }));
    let file = put(encoded.map_err(at(Path::new("compressing a file")))?, dir, known)?;
    sync_dir(dir)?;
    Ok(file)
}

/// Gives a file its name, unless it is there.
fn put(encoded: EncodedFile, dir: &Path, known: &dyn Fn(&str) -> Option<PublishedFile>) -> Result<NamedFile, Error> {
    let EncodedFile { item, file, bytes } = encoded;
    if let Some(there) = known(&item.sha256) {
        return Ok((item, there));
    }
    write_whole(&dir.join(stored_name(&item.sha256)), &bytes)?;
    Ok((item, file))
}

/// Name of a file on disk, by the SHA-256 of its lines.
pub(crate) fn stored_name(sha256: &str) -> String {
    format!("{sha256}.ndjson.zst")
}
