//! Developer commands. `cargo xtask test` is everything that must pass before a commit lands.

mod counterparts;
mod deny;
mod dictionaries;
mod geography;
mod machine;
mod postgres;
mod tidy;

use machine::cargo;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask test                            everything that must pass before a commit lands
       cargo xtask tidy                            rooms, arrows, sizes, circles, names, links (a part of the tests)
       cargo xtask with-postgres COMMAND…          runs a command beside a throw-away PostgreSQL (its URL: ANNUAIRE_TEST_POSTGRES)
       cargo xtask browser [NAME]                  journeys in a browser and certified clients, all or one file (a part of the tests)
       cargo xtask deny                            licences and advisories of dependencies, when cargo-deny is installed
       cargo xtask geography CURRENT.tgz HISTORY.tgz   (see data/geography/README.md)
       cargo xtask dictionaries DATA                   (see data/dictionaries/README.md)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test"] => test(),
        ["tidy"] => tidy::run(&root()),
        ["with-postgres", program, arguments @ ..] => with_postgres(program, arguments),
        ["browser"] => counterparts::run_browser(&root(), None),
        ["browser", name] => counterparts::run_browser(&root(), Some(name)),
        ["deny"] => deny::run(),
        ["geography", current, history] => {
            geography::build(&PathBuf::from(current), &PathBuf::from(history), &PathBuf::from("data/geography"))
                .map_err(|e| e.to_string())
        }
        ["dictionaries", data] => {
            dictionaries::build(&PathBuf::from(data), &PathBuf::from("data/dictionaries")).map_err(|e| e.to_string())
        }
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

/// Root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// First what needs Rust alone, then what needs a PostgreSQL server, then a browser and certified clients; all is installed here.
fn test() -> Result<(), String> {
    cargo(&["fmt", "--all", "--", "--check"], &[])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])?;
    // With them go the fuzz targets, on their seeds and a bounded number of inputs.
    cargo(&["test", "--workspace"], &[])?;
    // The entries of cargo fuzz are only checked: its engine, which it would link, is not built for that.
    let engine = [("CUSTOM_LIBFUZZER_PATH", "none/libnone.a")];
    cargo(&["check", "-p", "annuaire-fuzz", "--features", "libfuzzer", "--bins"], &engine)?;
    let server = postgres::PostgresCluster::start()?;
    let url = server.url();
    let server_url = [("ANNUAIRE_TEST_POSTGRES", url.as_str())];
    // Chosen from the workspace: crates by themselves have other features, and what they need would be built once more.
    let on_postgres = [
        "test",
        "--workspace",
        "--test",
        "postgres",
        "--test",
        "failover",
        "--test",
        "database",
        "--test",
        "rush",
        "--",
        "--ignored",
    ];
    cargo(&on_postgres, &server_url)?;
    // Logins and registrations again, on the database of clusters.
    let again = [
        ["--test", "cards"],
        ["--test", "conformance"],
        ["--test", "flows"],
        ["--test", "operation"],
        ["--test", "passkeys"],
        ["--test", "strict"],
        ["--test", "acceptance"],
        ["--test", "habilitations"],
        ["--test", "people"],
        ["--test", "publication"],
        ["--test", "managers"],
        ["--test", "certification"],
        ["--test", "correspondence"],
        ["--test", "feeds"],
        ["--test", "reviews"],
        ["--test", "anomalies"],
        ["--test", "indicators"],
        ["--test", "second_look"],
        ["--test", "outside_warnings"],
        ["--test", "deaths"],
        ["--test", "survey"],
        ["--test", "representatives"],
        ["--test", "wishes"],
        ["--test", "holder"],
        ["--test", "identities"],
        ["--test", "lots"],
        ["--test", "software"],
        ["--test", "software_reading"],
    ];
    cargo(&[&["test", "--workspace"], again.as_flattened()].concat(), &server_url)?;
    drop(server);
    counterparts::run_browser(&root(), None)?;
    println!("all tests passed");
    Ok(())
}

/// Runs a command while a PostgreSQL server of its own runs; for benches and for trials by hand.
fn with_postgres(program: &str, arguments: &[&str]) -> Result<(), String> {
    let server = postgres::PostgresCluster::start()?;
    let status = Command::new(program).args(arguments).env("ANNUAIRE_TEST_POSTGRES", server.url()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(e) => Err(format!("{program}: {e}")),
    }
}
