//! Files that are written whole or not at all.

use crate::error::{Result, file_error};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Writes a file so that a reader, and a machine that loses power, see the old content or the new one.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside).map_err(file_error(&beside))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(file_error(&beside))?;
    rename(&beside, path)
}

/// Gives a complete file its name, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(file_error(to))?;
    sync_parent(to)
}

/// Makes names of a directory durable.
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(file_error(parent))
}

/// The content of a file; `None` when there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(file_error(path)(e)),
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove_if_there(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(file_error(path)(e)),
        _ => Ok(()),
    }
}

/// Makes a directory that its owner alone may read.
pub(crate) fn create_private_dir(path: &Path) -> Result<()> {
    #[cfg(unix)]
    let made = {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    };
    #[cfg(not(unix))]
    let made = fs::create_dir_all(path);
    made.map_err(file_error(path))
}
