//! Directories that are made beside their place and get their name when they are complete.

use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn parent(dir: &Path) -> PathBuf {
    match dir.parent() {
        Some(p) if p.as_os_str().is_empty() => PathBuf::from("."),
        Some(p) => p.to_owned(),
        None => dir.to_owned(),
    }
}

/// A directory beside the one to be made, that nobody else may read (0700), and that disappears on an error.
pub(crate) fn making(to: &Path) -> Result<TempDir> {
    let parent = parent(to);
    fs::create_dir_all(&parent).with_context(|| format!("creating {}", parent.display()))?;
    let name = to.file_name().context("name a directory")?.to_string_lossy();
    let prefix = format!(".{name}.partial-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    let beside = builder.tempdir_in(&parent);
    beside.with_context(|| format!("creating a directory in {}", parent.display()))
}

/// Writes everything to disk (fsync), then gives the directory its name: a directory of that name is complete.
pub(crate) fn put_in_place(making: TempDir, to: &Path) -> Result<()> {
    sync(making.path())?;
    // Takes the place of an empty directory, and of no other.
    fs::rename(making.path(), to).with_context(|| format!("{}: cannot be put in place", to.display()))?;
    let _ = making.keep();
    File::open(parent(to))?.sync_all()?;
    Ok(())
}

/// Refuses a directory that is neither absent nor empty nor made by [`replace`] before: its note lists what it holds, and it holds
/// nothing else.
pub(crate) fn expect_replaceable(dir: &Path, note: &str) -> Result<()> {
    let shown = dir.display();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e).with_context(|| format!("reading {shown}")),
    };
    let listed: Vec<String> = fs::read(dir.join(note))
        .ok()
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
        .and_then(|note| serde_json::from_value(note.get("written")?.clone()).ok())
        .unwrap_or_default();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != note && !listed.contains(&name) {
            bail!("{shown}: holds {name:?}, which no such command wrote; move it away, or name a directory that does not exist");
        }
    }
    Ok(())
}

/// Writes a note that lists the files, then everything to disk, and gives the directory its name, in place of a former one.
///
/// # Errors
/// When something cannot be written: the former directory is as it was.
pub(crate) fn replace(making: TempDir, to: &Path, note: &str, content: &serde_json::Value) -> Result<()> {
    let mut written = Vec::new();
    for entry in fs::read_dir(making.path())? {
        written.push(entry?.file_name().to_string_lossy().into_owned());
    }
    written.sort();
    let mut all = serde_json::json!({ "written": written });
    if let (Some(all), Some(content)) = (all.as_object_mut(), content.as_object()) {
        all.extend(content.clone());
    }
    fs::write(making.path().join(note), serde_json::to_vec_pretty(&all)?).with_context(|| format!("writing {note}"))?;
    if !to.exists() || fs::read_dir(to)?.next().is_none() {
        return put_in_place(making, to);
    }
    sync(making.path())?;
    exchange(making.path(), to).with_context(|| format!("{}: cannot be put in place", to.display()))?;
    File::open(parent(to))?.sync_all()?;
    // It holds the former files now, and goes with them.
    making.close().context("removing the former files")
}

/// Exchanges the names of two directories, both at once.
#[cfg(target_os = "linux")]
fn exchange(a: &Path, b: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
        // Some file systems cannot.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => exchange_by_steps(a, b),
        other => other.map_err(Into::into),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(a: &Path, b: &Path) -> std::io::Result<()> {
    exchange_by_steps(a, b)
}

/// As `exchange` in three steps: killed in between, the former directory is beside its place, under the name of `a` and `.former`.
fn exchange_by_steps(a: &Path, b: &Path) -> std::io::Result<()> {
    let former = a.with_extension("former");
    fs::rename(b, &former)?;
    if let Err(e) = fs::rename(a, b) {
        fs::rename(&former, b)?;
        return Err(e);
    }
    fs::rename(&former, a)
}

fn sync(path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all().with_context(|| format!("writing {} to disk", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_directory_takes_the_place_of_a_former_one_and_of_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("out");
        for (name, by_steps) in [("a.txt", false), ("b.txt", false), ("c.txt", true)] {
            expect_replaceable(&to, "note.json").unwrap();
            let new = making(&to).unwrap();
            fs::write(new.path().join(name), name).unwrap();
            if by_steps {
                exchange_by_steps(new.path(), &to).unwrap();
                assert!(new.path().join("b.txt").exists());
                exchange_by_steps(new.path(), &to).unwrap();
            }
            replace(new, &to, "note.json", &json!({"x": 1})).unwrap();
            let mut names: Vec<String> =
                fs::read_dir(&to).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            assert_eq!(names, [name, "note.json"]);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
        }
        fs::write(to.join("mine.txt"), "").unwrap();
        let e = expect_replaceable(&to, "note.json").unwrap_err().to_string();
        assert!(e.contains("mine.txt") && e.contains("move it away"), "{e}");
        assert!(expect_replaceable(dir.path(), "note.json").is_err());
    }
}
