//! Files as texts: plain, gzip or zip, with progress.

use crate::{Error, Options};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

/// A reader that says how far it is in the bytes of the file, compressed or not.
struct Counted<'a, R> {
    inner: R,
    done: u64,
    total: u64,
    name: &'a str,
    options: &'a Options,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.done += n as u64;
        self.options.tell(&format!("reading {}", self.name), self.done, self.total);
        Ok(n)
    }
}

impl<R: Seek> Seek for Counted<'_, R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.done = self.inner.seek(to)?;
        Ok(self.done)
    }
}

/// Opens a file, plain, gzip or zip, and hands each text in it to `each`.
pub(crate) fn for_each_text(
    path: &Path,
    options: &Options,
    each: &mut dyn FnMut(&str, &mut dyn BufRead) -> Result<(), Error>,
) -> Result<(), Error> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let fail = |source| Error::Io { file: path.display().to_string(), source };
    let file = File::open(path).map_err(fail)?;
    let total = file.metadata().map_err(fail)?.len();
    let counted = Counted { inner: file, done: 0, total, name: &name, options };
    let mut file = BufReader::with_capacity(1 << 20, counted);
    let magic: [u8; 4] = {
        let head = file.fill_buf().map_err(fail)?;
        std::array::from_fn(|i| head.get(i).copied().unwrap_or(0))
    };
    match magic {
        [b'P', b'K', 3, 4] => {
            let mut archive = zip::ZipArchive::new(file).map_err(|e| fail(io::Error::other(e)))?;
            for i in 0..archive.len() {
                let member = archive.by_index(i).map_err(|e| fail(io::Error::other(e)))?;
                if member.is_file() {
                    // The data date is the member's: the archive is stamped later.
                    let inner = member.name().rsplit('/').next().unwrap_or_default().to_owned();
                    each(&inner, &mut BufReader::with_capacity(1 << 20, member))?;
                }
            }
            Ok(())
        }
        [0x1f, 0x8b, ..] => {
            let inner = name.strip_suffix(".gz").unwrap_or(&name).to_owned();
            each(&inner, &mut BufReader::with_capacity(1 << 20, flate2::bufread::MultiGzDecoder::new(file)))
        }
        _ => each(&name, &mut file),
    }
}

/// The date and time in the name of a delivery as 12 digits, empty when it has none: `AAAAMMJJhhmm`, `AAAAMMJJ-hhmm[ss]`
/// or `AAAAMMJJ`.
pub(crate) fn stamp(name: &str) -> String {
    let runs: Vec<&str> = name.split(|c: char| !c.is_ascii_digit()).filter(|r| !r.is_empty()).collect();
    let dated = |r: &str| r.starts_with("20") || r.starts_with("19");
    if let Some(run) = runs.iter().rfind(|r| r.len() == 12 && dated(r)) {
        return (*run).to_owned();
    }
    let Some(at) = runs.iter().rposition(|r| r.len() == 8 && dated(r)) else { return String::new() };
    let time = runs.get(at + 1).filter(|t| t.len() == 4 || t.len() == 6).map_or("0000", |t| &t[..4]);
    format!("{}{time}", runs[at])
}
