//! Files that are written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::{Error, at};

/// End of the name of a file that is being written.
pub(crate) const UNFINISHED: &str = ".part";

/// Writes a file so that a reader, and a machine that loses power, see what was there or all of it. Its name is durable once
/// [`sync_dir`] was called.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> Result<(), Error> {
    write_with(path, content, &mut OpenOptions::new())
}

/// [`write_whole`] for a file that its owner alone may read; its name is durable too.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    write_with(path, content, &mut options)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

fn write_with(path: &Path, content: &[u8], options: &mut OpenOptions) -> Result<(), Error> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(UNFINISHED);
    let beside = Path::new(&beside);
    let written = options.write(true).create(true).truncate(true).open(beside).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let named = written.map_err(at(path)).and_then(|()| fs::rename(beside, path).map_err(at(path)));
    if named.is_err() {
        // Room for what stands; the error that is told is the first one.
        let _ = fs::remove_file(beside);
    }
    named
}

/// Makes the names of a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))
}

/// Makes a directory.
pub(crate) fn make_dir(dir: &Path) -> Result<(), Error> {
    fs::create_dir_all(dir).map_err(at(dir))
}

/// The content of a file; `None` when there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(at(path)(e)),
    }
}

/// Removes the files of a directory whose names `keep` does not want.
pub(crate) fn remove_others(dir: &Path, keep: &dyn Fn(&str) -> bool) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(at(dir))? {
        let entry = entry.map_err(at(dir))?;
        if !entry.file_name().to_str().is_some_and(keep) {
            match fs::remove_file(entry.path()) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(at(&entry.path())(e)),
                _ => {}
            }
        }
    }
    Ok(())
}
