//! Files as texts: plain, gzip or zip, opened once, with progress.

use crate::{Error, Options, archive, head, limits, refused};
use std::cell::Cell;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::time::SystemTime;

/// Reads one text, and says its format.
pub(crate) type Each<'a> = &'a mut dyn FnMut(&str, &mut dyn BufRead) -> Result<String, Error>;

/// What an archive held beside the texts that were read.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Members left out.
    pub(crate) companions: Vec<String>,
    /// Members that it should have.
    pub(crate) missing: Vec<String>,
}

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

/// What comes out of a compressed file: its damages are named, and `left` bytes at most are read.
pub(crate) struct Unpacked<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<'a, R: Read> Unpacked<'a, R> {
    pub(crate) fn new(inner: R, left: &'a Cell<u64>) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf).map_err(|e| match e.raw_os_error() {
            Some(_) => e,
            None => io::Error::other(format!("cut or damaged ({e}); download it again")),
        })?;
        match self.left.get().checked_sub(n as u64) {
            Some(left) => self.left.set(left),
            None => {
                return Err(io::Error::other(format!(
                    "it expands more than {} times, or beyond {} bytes: no national file does; unpack it first if it is right",
                    limits::EXPANSION,
                    limits::EXPANDED_BYTES
                )));
            }
        }
        Ok(n)
    }
}

/// Bytes that may come out of a compressed file of `len` bytes.
pub(crate) fn allowance(len: u64) -> u64 {
    len.saturating_mul(limits::EXPANSION).clamp(limits::EXPANSION_FLOOR, limits::EXPANDED_BYTES)
}

/// The open file as it was at first sight.
pub(crate) struct Watch<'a> {
    name: &'a str,
    file: File,
    len: u64,
    modified: Option<SystemTime>,
}

impl Watch<'_> {
    fn changed(&self, now: &Metadata) -> bool {
        now.len() != self.len || now.modified().ok() != self.modified
    }

    /// Refuses a file whose size or date is no longer what it was.
    pub(crate) fn unchanged(&self) -> Result<(), Error> {
        let now = self.file.metadata().map_err(|source| Error::Io { file: self.name.to_owned(), source })?;
        if self.changed(&now) {
            let reason = "the file was changed while it was read; nothing was imported: import it again once it is complete";
            return Err(refused(self.name, reason.into()));
        }
        Ok(())
    }
}

/// Opens a file, plain, gzip or zip, and hands each text in it to `each`.
///
/// # Errors
/// Those of `each`; [`Error::Refused`] for what is no file, is damaged, holds no text that can be read, or changes meanwhile.
pub(crate) fn for_each_text(path: &Path, options: &Options, each: Each<'_>) -> Result<Beside, Error> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let fail = |source| Error::Io { file: path.display().to_string(), source };
    // Asked before the opening: that of a pipe waits for somebody who writes to it.
    let kind = std::fs::metadata(path).map_err(fail)?;
    if kind.is_dir() {
        return Err(refused(&name, "it is a directory; name the files in it".into()));
    }
    if !kind.is_file() {
        return Err(refused(&name, "it is a pipe or a device; save what it gives to a file first".into()));
    }
    let file = File::open(path).map_err(fail)?;
    let seen = file.metadata().map_err(fail)?;
    let watch = Watch { name: &name, file: file.try_clone().map_err(fail)?, len: seen.len(), modified: seen.modified().ok() };
    let counted = Counted { inner: file, done: 0, total: watch.len, name: &name, options };
    let mut file = BufReader::with_capacity(1 << 20, counted);
    let magic: [u8; 4] = {
        let head = file.fill_buf().map_err(fail)?;
        std::array::from_fn(|i| head.get(i).copied().unwrap_or(0))
    };
    let left = Cell::new(allowance(watch.len));
    let done = match magic {
        [b'P', b'K', 3 | 5, 4 | 6] => archive::read(&name, file, &watch, &left, each),
        [0x1f, 0x8b, ..] => {
            let inner = ungzipped(&name);
            let unpacked = Unpacked::new(flate2::bufread::MultiGzDecoder::new(file), &left);
            text(inner, &mut BufReader::with_capacity(1 << 20, unpacked), each).map(|()| Beside::default())
        }
        _ => text(&name, &mut file, each).map(|()| Beside::default()),
    };
    // Of a file that changed, whatever else was found is no news.
    watch.unchanged()?;
    done
}

/// A name without its `.gz`.
pub(crate) fn ungzipped(name: &str) -> &str {
    name.strip_suffix(".gz").or_else(|| name.strip_suffix(".GZ")).unwrap_or(name)
}

/// Looks at the first bytes of a text, and hands it over from its first character.
pub(crate) fn text(name: &str, reader: &mut dyn BufRead, each: Each<'_>) -> Result<(), Error> {
    let head = head::Head::take(reader).map_err(|source| Error::Io { file: name.to_owned(), source })?;
    if let Some(reason) = head.fault(name) {
        return Err(refused(name, reason));
    }
    each(name, &mut head.chain(reader)).map(|_| ())
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
