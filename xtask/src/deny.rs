//! Licences, advisories and sources of dependencies, as deny.toml wants them, when cargo-deny is installed.

use std::process::{Command, Stdio};

/// Runs cargo-deny on the workspace.
///
/// # Errors
/// What it found, or how to install it.
pub fn run() -> Result<(), String> {
    let installed = Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        return Err("cargo-deny is not installed: cargo install --locked cargo-deny".to_owned());
    }
    let checked = Command::new("cargo-deny").args(["--workspace", "check"]).status();
    match checked {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo-deny: {status}")),
        Err(e) => Err(format!("cargo-deny: {e}")),
    }
}
