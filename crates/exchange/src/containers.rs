//! Files as texts: plain, gzip or zip, opened once, with progress.

mod archive;
mod archive_members;
pub(crate) mod digest;
mod file_watch;
pub(crate) mod line_ends;
mod text_head;
mod texts;
mod unpacked;

use crate::error::{Error, refused};
use crate::options::Options;
use archive::read_archive;
use file_watch::FileWatch;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;
use texts::{ArchiveExtras, TextSink, read_text, ungzipped};
use unpacked::{Unpacked, allowance};

/// Opens a file, plain, gzip or zip, and hands each text in it to `each`.
///
/// # Errors
/// Those of `each`; [`Error::Refused`] for a path that is no file, and for a file that is damaged, has no readable text, or changes
/// meanwhile.
pub(crate) fn for_each_text(path: &Path, options: &Options, each: TextSink<'_>) -> Result<ArchiveExtras, Error> {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    let fail = |source| Error::Io { file: path.display().to_string(), source };
    // Checked before the file is opened: opening a pipe waits for a writer.
    let kind = std::fs::metadata(path).map_err(fail)?;
    if kind.is_dir() {
        return Err(refused(&name, "it is a directory; name the files in it".into()));
    }
    if !kind.is_file() {
        return Err(refused(&name, "it is a pipe or a device; save what it gives to a file first".into()));
    }
    let file = File::open(path).map_err(fail)?;
    let seen = file.metadata().map_err(fail)?;
    let watch = FileWatch { name: &name, file: file.try_clone().map_err(fail)?, len: seen.len(), modified: seen.modified().ok() };
    let counted = ProgressReader { inner: file, done: 0, total: watch.len, name: &name, options };
    let mut file = BufReader::with_capacity(1 << 20, counted);
    let magic: [u8; 4] = {
        let head = file.fill_buf().map_err(fail)?;
        std::array::from_fn(|i| head.get(i).copied().unwrap_or(0))
    };
    let left = Cell::new(allowance(watch.len));
    let done = match magic {
        [b'P', b'K', 3 | 5, 4 | 6] => read_archive(&name, file, &watch, &left, each),
        [0x1f, 0x8b, ..] => {
            let inner = ungzipped(&name);
            let unpacked = Unpacked::new(flate2::bufread::MultiGzDecoder::new(file), &left);
            read_text(inner, &mut BufReader::with_capacity(1 << 20, unpacked), each).map(|()| ArchiveExtras::default())
        }
        _ => read_text(&name, &mut file, each).map(|()| ArchiveExtras::default()),
    };
    // Whatever else was found in a file that changed is not reported.
    watch.check_unchanged()?;
    done
}

/// A reader that reports how far it is in the bytes of the file, compressed or not.
struct ProgressReader<'a, R> {
    inner: R,
    done: u64,
    total: u64,
    name: &'a str,
    options: &'a Options,
}

impl<R: Read> Read for ProgressReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.done += n as u64;
        self.options.report_progress(&format!("reading {}", self.name), self.done, self.total);
        Ok(n)
    }
}

impl<R: Seek> Seek for ProgressReader<'_, R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.done = self.inner.seek(to)?;
        Ok(self.done)
    }
}
