//! The delivery of a country is imported while managers register people by the pages of the portal: nothing is lost, no number is given twice, nobody is
//! published twice, and whoever waits is told so.
#![allow(clippy::unwrap_used, missing_docs)]
#![expect(clippy::disallowed_methods, reason = "how long the program takes is bounded, and who runs the test names the database")]

mod common;

use common::portal_browser::PortalBrowser;
use common::{path_str, program};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// People of the delivery.
const COUNTRY: &str = "50000";
/// Managers of the demonstration and their places in its simulator.
const MANAGERS: [(&str, usize); 3] = [("899900000029", 1), ("899900000037", 2), ("899900000045", 3)];
/// Browsers in which they work.
const BROWSERS: usize = 8;
/// People that each browser registers at least, and at the most, while the import goes on.
const AT_LEAST: usize = 2;
const AT_MOST: usize = 6;
const SITE: &str = "990000010";
/// Time for what was validated to be processed, and for all of it to be published.
const SETTLED: Duration = Duration::from_secs(180);

struct Demonstration {
    child: Child,
    port: u16,
    data: PathBuf,
    database: Vec<String>,
}

impl Drop for Demonstration {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Demonstration {
    fn start(dir: &Path, database: Vec<String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = dir.join("demonstration");
        let mut child = program()
            .args(["demo", "--professionals", "60", "--quiet", "--tls-listen", "127.0.0.1:0", "--data", path_str(&root)])
            .args(["--listen", &format!("127.0.0.1:{port}"), "--public-base", &format!("http://localhost:{port}")])
            .args(&database)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The line after the last thing that it introduces.
        while !lines.next().expect("the demonstration ended").unwrap().starts_with("  try ") {}
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, port, data: root.join("data"), database }
    }

    fn import(&self, files: &Path) -> Child {
        let mut paths: Vec<PathBuf> = fs::read_dir(files).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.is_file());
        let mut command = program();
        command.args(["import", "--quiet", "--data", path_str(&self.data)]).args(&self.database).args(paths);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// How many resources a search finds.
    fn total(&self, search: &str) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET /fhir/v2/{search} HTTP/1.0\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", self.port).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let bundle: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        bundle["total"].as_u64().unwrap_or_else(|| panic!("{search}: {answer}"))
    }
}

/// A word of letters for a number: names have no digits.
fn word(n: usize) -> String {
    format!("{n:03}").bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// Somebody whom a browser registers.
struct Newcomer {
    family: String,
    request: String,
}

/// Registers somebody by the pages, up to « Valider »; what is sent twice counts once.
fn register(browser: &mut PortalBrowser, n: usize) -> Newcomer {
    let family = format!("Zq{}", word(n));
    browser.open("/portail/gae/nouvelle");
    browser.send(&browser.form("/nouvelle").with("structure", SITE));
    let request = browser.at.rsplit('/').next().unwrap().to_owned();
    let form = [
        ("civilite", "MME"),
        ("sexe", "F"),
        ("nomFamille", family.as_str()),
        ("prenom1", "Ondine"),
        ("dateNaissance", &format!("{:02}/{:02}/19{:02}", n % 28 + 1, n % 12 + 1, n % 40 + 50)),
        ("communeNaissance", "Sainte-Anne (97128)"),
        ("email", &format!("{family}@personne.example")),
        ("mobile", &format!("06399805{n:02}")),
        ("nomExercice", &family),
        ("prenomExercice", "Ondine"),
        ("structure", SITE),
        ("profession", "313"),
        ("role", "GENR11"),
        ("modeExercice", "S"),
        ("dateDebut", "02/11/2026"),
        ("faire", "soumettre"),
    ]
    .into_iter()
    .fold(browser.form("/saisie"), |form, (name, value)| form.with(name, value));
    browser.send(&form);
    // A name that is near another one, of the same day, is confirmed.
    while browser.at.contains("?controle=") {
        let Some(confirmed) = browser.confirmed("/saisie") else { panic!("not taken: {}", browser.page) };
        browser.send(&confirmed.with("faire", "soumettre"));
    }
    browser.open(&format!("/portail/gae/demandes/{request}"));
    let decided = browser.form("/decision").with("legal", "oui").with("faceAFace", "oui").with("faire", "valider");
    browser.send(&decided);
    Newcomer { family, request }
}

/// The number of a request, once it is processed.
fn number_of(browser: &mut PortalBrowser, request: &str) -> String {
    let end = Instant::now() + SETTLED;
    while Instant::now() < end {
        browser.open(&format!("/portail/gae/demandes/{request}"));
        if let Some(rest) = browser.page.split("Numéro RPPS&nbsp;: <strong class=\"whole\">").nth(1) {
            return rest.split('<').next().unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    panic!("{request} is not processed: {}", browser.page);
}

fn rush(database: impl FnOnce(&Path) -> Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("country");
    let made = program().args(["generate", "--professionals", COUNTRY, "--out", path_str(&files)]).output().unwrap();
    assert!(made.status.success());
    let demo = Demonstration::start(dir.path(), database(dir.path()));
    let mut browsers: Vec<PortalBrowser> = (0..BROWSERS).map(|_| PortalBrowser::of(demo.port)).collect();
    for (n, browser) in browsers.iter_mut().enumerate() {
        let (national_id, place) = MANAGERS[n % MANAGERS.len()];
        browser.log_in(national_id, place);
    }

    let import = demo.import(&files);
    let is_importing = AtomicBool::new(true);
    let (imported, newcomers) = std::thread::scope(|scope| {
        let working: Vec<_> = browsers
            .iter_mut()
            .enumerate()
            .map(|(who, browser)| {
                let is_importing = &is_importing;
                scope.spawn(move || {
                    let mut made = Vec::new();
                    while made.len() < AT_LEAST || (made.len() < AT_MOST && is_importing.load(Ordering::Relaxed)) {
                        made.push(register(browser, who * AT_MOST + made.len()));
                    }
                    made.into_iter().map(|one| (number_of(browser, &one.request), one.family)).collect::<Vec<_>>()
                })
            })
            .collect();
        let imported = import.wait_with_output().unwrap();
        is_importing.store(false, Ordering::Relaxed);
        let newcomers: Vec<(String, String)> = working.into_iter().flat_map(|one| one.join().unwrap()).collect();
        (imported, newcomers)
    });
    let told = format!("{}{}", String::from_utf8_lossy(&imported.stdout), String::from_utf8_lossy(&imported.stderr));
    // 3: cards of persons whom no file names, and structures that end, are left to look at.
    assert!(matches!(imported.status.code(), Some(0 | 3)), "{told}");

    assert!(newcomers.len() >= BROWSERS * AT_LEAST);
    let numbers: BTreeSet<&str> = newcomers.iter().map(|(number, _)| number.as_str()).collect();
    assert_eq!(numbers.len(), newcomers.len(), "a number was given twice: {newcomers:?}");
    let end = Instant::now() + SETTLED;
    for (number, family) in &newcomers {
        let seen = || {
            [
                demo.total(&format!("Practitioner?identifier={number}")),
                demo.total(&format!("Practitioner?family={family}")),
                demo.total(&format!("PractitionerRole?practitioner.identifier={number}&active=true")),
            ]
        };
        while seen() == [0, 0, 0] && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(300));
        }
        assert_eq!(seen(), [1, 1, 1], "{family}, {number}");
    }
    let country = COUNTRY.parse::<u64>().unwrap() + u64::try_from(newcomers.len()).unwrap();
    assert!(demo.total("Practitioner?_summary=count") >= country, "{told}");
    let busy: u32 = browsers.iter().map(|browser| browser.busy).sum();
    println!("{} people registered beside an import; {busy} pages asked to wait", newcomers.len());
}

#[test]
fn a_country_is_imported_beside_eight_browsers() {
    rush(|_| Vec::new());
}

#[test]
#[ignore = "needs a PostgreSQL server: cargo xtask test starts one"]
fn a_country_is_imported_beside_eight_browsers_on_postgres() {
    rush(|dir| {
        let server = std::env::var("ANNUAIRE_TEST_POSTGRES").expect("ANNUAIRE_TEST_POSTGRES is not set");
        let name = format!("rush_{}", std::process::id());
        let sql = format!("CREATE DATABASE {name}");
        let made = Command::new("psql").args([&server, "--quiet", "--command", &sql]).status().unwrap();
        assert!(made.success());
        let file = dir.join("database-url");
        let (host, _) = server.rsplit_once('/').unwrap();
        fs::write(&file, format!("{host}/{name}")).unwrap();
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        vec!["--database".to_owned(), path_str(&file).to_owned()]
    });
}
