//! A primary is killed under commits and replaced by its standby: nothing acknowledged is lost, and nothing denied is there.
//!
//! The test starts primary and standby itself, from installed programs. `ANNUAIRE_TEST_FAILOVERS` is the number of rounds (1).

#![allow(clippy::unwrap_used)]
#![expect(clippy::disallowed_methods, reason = "the environment names the number of rounds, and the time of a round is measured")]

mod common;

use annuaire_base::Tx;
use annuaire_store::{BlockingRegistry, Error, Expect, OwnerRow};
use annuaire_store_postgres::open_blocking;
use common::proxy::Proxy;
use common::{execute, put, save, write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long writers work before and after the primary is killed.
const WORK: Duration = Duration::from_secs(4);

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}

fn bin() -> PathBuf {
    let here = |dir: &Path| dir.join("pg_basebackup").is_file() && dir.join("pg_ctl").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin"));
    std::env::split_paths(&path).chain(versions).find(|dir| here(dir)).expect("the server programs of PostgreSQL are installed")
}

/// A server; stopped when dropped.
struct Server {
    dir: PathBuf,
    port: u16,
}

impl Server {
    /// A command of PostgreSQL, as a user that is not root.
    fn program(&self, name: &str) -> Command {
        let program = bin().join(name);
        let mut command = if is_root() {
            let mut c = Command::new("setpriv");
            c.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            c
        } else {
            Command::new(program)
        };
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn run(&self, name: &str, arguments: &[&str]) {
        let status = self.program(name).args(arguments).status().unwrap();
        assert!(status.success(), "{name} {arguments:?}: {status}");
    }

    fn data(&self) -> String {
        self.dir.join("data").display().to_string()
    }

    fn start(&self) {
        let log = self.dir.join("log").display().to_string();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c fsync=off -c unix_socket_directories={} -c max_wal_senders=4 -c hot_standby=on",
            self.port,
            self.dir.display()
        );
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-l", &log, "-o", &options, "start"]);
    }

    fn primary(dir: PathBuf) -> Self {
        let server = Self { dir, port: free_port() };
        server.run("initdb", &["-D", &server.data(), "-U", "annuaire", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        server.start();
        server
    }

    fn standby_of(primary: &Self, dir: PathBuf) -> Self {
        let server = Self { dir, port: free_port() };
        let port = primary.port.to_string();
        server
            .run("pg_basebackup", &["-D", &server.data(), "-h", "127.0.0.1", "-p", &port, "-U", "annuaire", "-R", "-c", "fast"]);
        server.start();
        server
    }

    fn url(&self) -> String {
        format!("postgres://annuaire@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills the server: the postmaster by a signal that it cannot catch, or all of it by an immediate stop.
    fn kill(&self, signal: bool) {
        if signal {
            let file = std::fs::read_to_string(self.dir.join("data/postmaster.pid")).unwrap();
            let pid = file.lines().next().unwrap();
            assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
        } else {
            self.run("pg_ctl", &["-D", &self.data(), "-m", "immediate", "stop"]);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        let _ = self.program("pg_ctl").args(["-D", &data, "-m", "immediate", "stop"]).stderr(Stdio::null()).status();
    }
}

/// What was acknowledged, and what was denied: number of the transaction, an entity of it, its owner.
#[derive(Default)]
struct Told {
    acknowledged: Vec<(Tx, String)>,
    denied: Vec<String>,
    uncertain: Vec<String>,
}

fn tell(told: &Mutex<Told>, entity: String, answer: Result<Option<Tx>, Error>) {
    let mut told = told.lock().unwrap();
    match answer {
        Ok(Some(tx)) => told.acknowledged.push((tx, entity)),
        Ok(None) => panic!("{entity}: nothing changed"),
        Err(Error::Uncertain { .. }) => told.uncertain.push(entity),
        Err(_) => told.denied.push(entity),
    }
}

/// Writes one fact a transaction until it is told to stop.
fn writer(r: &BlockingRegistry, name: &str, stop: &AtomicBool, told: &Mutex<Told>) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let entity = format!("{name}-{n:06}");
        let done = write(r, 0, |u| {
            u.put(put("s", &entity, "1"), Expect::Absent)?;
            u.set_note("last", name, Some(&entity))
        });
        tell(told, entity, done.map(|d| d.tx));
    }
}

/// Stages some thousand facts a transaction until it is told to stop.
fn stager(r: &BlockingRegistry, owner: &str, stop: &AtomicBool, told: &Mutex<Told>) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let entity = |i: u32| format!("{owner}-{n:04}-{i:05}");
        let staged = || {
            let mut stage = r.stage()?;
            for i in 0..6_000 {
                stage.put(put(owner, &entity(i), &format!("{{\"n\":{i}}}")))?;
            }
            let mut unit = r.begin()?;
            unit.adopt(stage)?;
            save(unit, 0).map(|done| done.tx)
        };
        // The last of its facts speaks for all: they stand together.
        tell(told, entity(5_999), staged());
    }
}

fn round(round: usize) {
    let dir = std::env::temp_dir().join(format!("annuaire-failover-{}-{round}", std::process::id()));
    std::fs::create_dir_all(dir.join("a")).unwrap();
    std::fs::create_dir_all(dir.join("b")).unwrap();
    if is_root() {
        assert!(Command::new("chown").args(["-R", "postgres"]).arg(&dir).status().unwrap().success());
    }
    let primary = Server::primary(dir.join("a"));
    let standby = Server::standby_of(&primary, dir.join("b"));
    // From here on a commit is acknowledged when the standby has it.
    execute(&primary.url(), "ALTER SYSTEM SET synchronous_standby_names = '*'");
    execute(&primary.url(), "SELECT pg_reload_conf()");
    let proxy = Proxy::start(primary.port);
    let url = format!("postgres://annuaire@127.0.0.1:{}/postgres", proxy.port);
    let first = open_blocking(&url).unwrap();
    let owners = ["s", "t", "u"];
    write(&first, 0, |u| {
        owners.iter().try_for_each(|o| u.set_owner(&OwnerRow { code: (*o).into(), description: String::new() }))
    })
    .unwrap();

    let (stop, told) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Told::default())));
    let work = |name: &'static str, stages: bool| {
        // Each has a registry of its own, like a program.
        let (r, stop, told) = (open_blocking(&url).unwrap(), stop.clone(), told.clone());
        std::thread::spawn(move || if stages { stager(&r, name, &stop, &told) } else { writer(&r, name, &stop, &told) })
    };
    let workers = [work("one", false), work("two", false), work("t", true), work("u", true)];
    std::thread::sleep(WORK);
    primary.kill(round.is_multiple_of(2));
    proxy.point(None);
    standby.run("pg_ctl", &["-D", &standby.data(), "-w", "promote"]);
    let before = told.lock().unwrap().acknowledged.len();
    proxy.point(Some(standby.port));
    // On until each kind of work went through the new primary.
    let start = Instant::now();
    let after = |told: &Told, name: &str| told.acknowledged[before..].iter().any(|(_, entity)| entity.starts_with(name));
    while !["one-", "two-", "t-", "u-"].iter().all(|name| after(&told.lock().unwrap(), name)) {
        assert!(start.elapsed() < Duration::from_secs(90), "work did not go on");
        std::thread::sleep(Duration::from_millis(100));
    }
    stop.store(true, Ordering::Relaxed);
    workers.into_iter().for_each(|w| w.join().unwrap());

    let r = open_blocking(&standby.url()).unwrap();
    let told = told.lock().unwrap();
    let log = r.transactions(Tx::NONE, u32::MAX).unwrap();
    let numbers: Vec<u64> = log.iter().map(|t| t.tx.get()).collect();
    assert_eq!(numbers, (1..=log.len() as u64).collect::<Vec<_>>());
    for (tx, entity) in &told.acknowledged {
        let facts = r.facts_at(*tx, std::slice::from_ref(entity)).unwrap();
        assert_eq!(facts.iter().map(|f| f.tx).collect::<Vec<_>>(), [*tx], "{entity} was acknowledged");
    }
    for entity in &told.denied {
        assert_eq!(r.facts_at(r.last_tx().unwrap(), std::slice::from_ref(entity)).unwrap(), [], "{entity} was denied");
    }
    assert_eq!(log.len(), told.acknowledged.len() + told.uncertain.iter().filter(|e| stands(&r, e)).count());
    assert_eq!(r.verify().unwrap(), [""; 0]);
    println!(
        "round {round}: {before} acknowledged before, {} after, {} denied, {} uncertain; 0 lost",
        told.acknowledged.len() - before,
        told.denied.len(),
        told.uncertain.len()
    );
    drop((primary, standby));
    std::fs::remove_dir_all(&dir).unwrap();
}

fn stands(r: &BlockingRegistry, entity: &str) -> bool {
    !r.facts_at(r.last_tx().unwrap(), &[entity.to_owned()]).unwrap().is_empty()
}

#[test]
#[ignore = "starts two PostgreSQL servers: cargo xtask test runs it"]
fn a_primary_is_replaced_by_its_standby_and_nothing_acknowledged_is_lost() {
    let rounds = std::env::var("ANNUAIRE_TEST_FAILOVERS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    (0..rounds).for_each(round);
}
