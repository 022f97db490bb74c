//! A throw-away PostgreSQL cluster for the tests: installed when it is missing and we may, deleted at the end.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::machine::{Requirement, is_root, on_path, require, run};

const SERVER: Requirement =
    Requirement { what: "a PostgreSQL server", packages: &["postgresql"], is_there: || installed().is_some() };

/// Number of the next cluster of this process.
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running cluster; stopped and deleted when dropped.
pub struct PostgresCluster {
    bin: PathBuf,
    dir: PathBuf,
    port: u16,
}

/// Directory of the server programs, of the newest version installed.
fn installed() -> Option<PathBuf> {
    let here = |dir: &Path| dir.join("initdb").is_file() && dir.join("pg_ctl").is_file();
    if let Some(dir) = on_path("initdb").and_then(|program| program.parent().map(Path::to_owned)).filter(|dir| here(dir)) {
        return Some(dir);
    }
    let mut versions: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(|e| Some(e.ok()?.path().join("bin"))).filter(|d| here(d)).collect();
    versions.sort_by_key(|d| d.parent().and_then(Path::file_name).and_then(|v| v.to_str()?.parse::<u32>().ok()));
    versions.pop()
}

impl PostgresCluster {
    /// Creates and starts a cluster that listens on a free local port.
    pub fn start() -> Result<Self, String> {
        require("the stage with PostgreSQL", &[SERVER])?;
        let bin = installed().ok_or("PostgreSQL left while it was looked for")?;
        let dir = std::env::temp_dir().join(format!(
            "annuaire-postgres-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        ));
        fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        // The port is free now; nothing else on a test machine takes it in between.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).map_err(|e| e.to_string())?.port();
        let server = Self { bin, dir, port };
        if is_root() {
            run(Command::new("chown").args(["-R", "postgres"]).arg(&server.dir))?;
        }
        let data = server.dir.join("data");
        run(server
            .program("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "annuaire", "-A", "trust", "-E", "UTF8", "--locale=C"])
            .stdout(Stdio::null()))?;
        run(server.control().arg("start").stdout(Stdio::null()))?;
        Ok(server)
    }

    /// `pg_ctl` for this cluster; the caller adds `start` or `stop`.
    fn control(&self) -> Command {
        let settings = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c fsync=off -c unix_socket_directories={}",
            self.port,
            self.dir.display()
        );
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.dir.join("data")).arg("-w").arg("-l").arg(self.dir.join("log")).arg("-o").arg(settings);
        command
    }

    /// The words of a command that starts or stops this cluster, for tests in other languages: they add `start` or `stop`.
    pub fn control_words(&self) -> Vec<String> {
        let command = self.control();
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// The client that sends SQL: the one beside the server, else that of the path.
    pub fn psql(&self) -> Result<PathBuf, String> {
        let beside = Some(self.bin.join("psql")).filter(|program| program.is_file());
        beside.or_else(|| on_path("psql")).ok_or_else(|| format!("psql is neither in {} nor in the path", self.bin.display()))
    }

    /// Where tests connect.
    pub fn url(&self) -> String {
        format!("postgres://annuaire@127.0.0.1:{}/postgres", self.port)
    }

    /// A command of PostgreSQL. These refuse to run as root: there, the user of the Debian package runs them.
    fn program(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = if is_root() {
            let mut c = Command::new("setpriv");
            c.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            c
        } else {
            Command::new(program)
        };
        command.current_dir(&self.dir);
        command
    }
}

impl Drop for PostgresCluster {
    fn drop(&mut self) {
        let data = self.dir.join("data");
        let mut stop = self.program("pg_ctl");
        if let Err(e) = run(stop.arg("-D").arg(&data).args(["-m", "immediate", "stop"]).stdout(Stdio::null())) {
            eprintln!("{e}");
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}
