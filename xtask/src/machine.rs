//! What tests need of the machine: programs, which are found, or installed when we may.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something that a stage of the tests needs, and how Debian brings it.
pub struct Requirement {
    /// Its name, for people.
    pub what: &'static str,
    /// The Debian packages that bring it.
    pub packages: &'static [&'static str],
    /// Whether it is there.
    pub is_there: fn() -> bool,
}

/// Looks for everything that a stage needs, and installs what is missing on Debian when run as root.
///
/// # Errors
/// What to install, when it cannot be installed from here.
pub fn require(stage: &str, needed: &[Requirement]) -> Result<(), String> {
    let missing = || needed.iter().filter(|one| !(one.is_there)()).collect::<Vec<_>>();
    let absent = missing();
    if absent.is_empty() {
        return Ok(());
    }
    let can_install = is_root() && Path::new("/usr/bin/apt-get").exists();
    if can_install {
        let packages: Vec<&str> = absent.iter().flat_map(|one| one.packages).copied().collect();
        println!("installing {}", packages.join(" "));
        run(Command::new("apt-get").args(["update", "-qq"]))?;
        let mut install = Command::new("apt-get");
        install.args(["install", "-y", "-qq", "--no-install-recommends"]);
        run(install.args(&packages).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    let absent = missing();
    if absent.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = absent.iter().map(|one| one.what).collect();
    let packages: Vec<&str> = absent.iter().flat_map(|one| one.packages).copied().collect();
    Err(format!(
        "{stage} needs {}: install it (on Debian, as root: apt install {}), then run the tests again",
        names.join(", "),
        packages.join(" ")
    ))
}

/// Where a program of the path is.
#[expect(clippy::disallowed_methods, reason = "a tool of developers looks for programs on their path")]
pub fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Whether this process may do everything on this machine.
pub fn is_root() -> bool {
    says(Command::new("id").arg("-u")).is_some_and(|id| id == "0")
}

/// What a command prints, without the last line break; nothing when it fails.
pub fn says(command: &mut Command) -> Option<String> {
    let out = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(out.stdout.trim_ascii()).into_owned())
}

/// Runs a command to its end.
///
/// # Errors
/// The command and how it ended.
pub fn run(command: &mut Command) -> Result<(), String> {
    let what = format!("{command:?}");
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{what}: {status}")),
        Err(e) => Err(format!("{what}: {e}")),
    }
}

/// Runs cargo, and says so.
///
/// # Errors
/// The command and how it ended.
pub fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
    println!("$ cargo {}", arguments.join(" "));
    let status = Command::new(env!("CARGO")).args(arguments).envs(environment.iter().copied()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo {}: {status}", arguments[0])),
        Err(e) => Err(format!("cargo {}: {e}", arguments[0])),
    }
}
