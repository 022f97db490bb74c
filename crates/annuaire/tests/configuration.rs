//! The configuration file: every key has an effect, the command line wins, mistakes have a place, documents tell the truth.
#![allow(clippy::unwrap_used, missing_docs)]
#![expect(clippy::disallowed_methods, reason = "how long a server holds a connection is measured")]
#![cfg(target_os = "linux")]

mod common;

use common::{Server, annuaire, code_and_output, delivery, import, path_str, program, run};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A data directory with a small nation.
fn nation(dir: &Path) -> PathBuf {
    let (files, data) = (dir.join("files"), dir.join("data"));
    assert!(annuaire(&["generate", "--professionals", "30", "--out", path_str(&files)]).0);
    let files: Vec<PathBuf> = delivery(&files).into_iter().filter(|f| f.is_file()).collect();
    let (good, words) = import(&data, &files);
    assert!(good, "{words}");
    data
}

fn host(server: &Server) -> &str {
    server.base.split_once('/').unwrap().0
}

/// Sends bytes on a connection of their own, and reads until the server closes it.
fn exchange(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(host(server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The block of TOML in a guide, with the files that it names in `dir`.
fn documented(guide: &str, dir: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(guide);
    let guide = fs::read_to_string(path).unwrap();
    let block = guide.split("```toml\n").nth(1).expect("an example").split("```").next().unwrap();
    block.replace("/etc/annuaire", path_str(dir)).replace("/var/lib/annuaire", path_str(dir))
}

#[test]
fn documented_examples_load_and_print_to_themselves() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["api-keys", "credentials", "history-credentials", "database-url"] {
        fs::write(dir.path().join(name), "secret-of-a-test\n").unwrap();
    }
    fs::create_dir(dir.path().join("tmp")).unwrap();
    let file = dir.path().join("annuaire.toml");
    for guide in ["operating.md", "exploitation.md"] {
        fs::write(&file, documented(guide, dir.path())).unwrap();
        let (code, words) = run(&["config", "--check", path_str(&file)]);
        assert!(code == 0 && words.contains("good"), "{guide}: {words}");
        let (code, printed) = run(&["config", "--print", "--config", path_str(&file)]);
        assert_eq!(code, 0, "{guide}: {printed}");
        assert!(!printed.contains("secret-of-a-test"), "{printed}");
        fs::write(&file, &printed).unwrap();
        assert_eq!(run(&["config", "--print", "--config", path_str(&file)]).1, printed, "{guide}");
    }
    let (code, defaults) = run(&["config", "--print"]);
    assert_eq!(code, 0);
    fs::write(&file, &defaults).unwrap();
    let values = |printed: &str| printed.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(values(&run(&["config", "--print", "--config", path_str(&file)]).1), values(&defaults));
}

#[test]
fn mistakes_have_a_place_and_stop_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let file = data.join("annuaire.toml");
    fs::write(&file, "[server]\nlisten = \"127.0.0.1:0\"\nrequests_log = true\n").unwrap();
    let wanted = format!("{}:3:1: unknown key of [server]: requests_log; did you mean request_log?", file.display());
    for command in [
        &["serve", "--data", path_str(&data)][..],
        &["status", "--data", path_str(&data)],
        &["config", "--check", path_str(&file)],
    ] {
        let (code, words) = run(command);
        assert!(code == 1 && words.contains(&wanted), "{command:?}: {code} {words}");
    }
    // A file that only names files which are not there is a mistake too, for those who check.
    fs::write(&file, "[access]\napi_keys = \"none\"\n").unwrap();
    let (code, words) = run(&["config", "--data", path_str(&data), "--check"]);
    assert!(code == 1 && words.contains("access.api_keys") && words.contains("none"), "{words}");
    let (code, words) = run(&["config", "--config", path_str(&dir.path().join("other.toml")), "--print"]);
    assert!(code == 1 && words.contains("other.toml: cannot be read"), "{words}");
    assert_eq!(run(&["config"]).0, 2);
}

#[test]
fn an_import_into_a_directory_that_holds_only_its_configuration_makes_a_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("annuaire.toml"), "[publication]\nguide = \"v110\"\nmap_bytes = 1073741824\n[import]\nthreads = 1\n")
        .unwrap();
    let data = nation(dir.path());
    // The stores hold the guide of the file, and the command line may ask for another, which they refuse.
    assert_eq!(run(&["verify", "--quiet", "--data", path_str(&data)]).0, 0);
    let (code, words) = run(&["verify", "--quiet", "--data", path_str(&data), "--guide", "v120"]);
    assert!(code == 1 && words.contains("--guide"), "{words}");
    // A backup is a whole installation.
    let backup = dir.path().join("backup");
    assert_eq!(run(&["backup", "--quiet", "--data", path_str(&data), "--to", path_str(&backup)]).0, 0);
    let restored = dir.path().join("restored");
    assert_eq!(run(&["restore", "--quiet", "--from", path_str(&backup), "--data", path_str(&restored)]).0, 0);
    assert_eq!(fs::read(restored.join("annuaire.toml")).unwrap(), fs::read(data.join("annuaire.toml")).unwrap());
}

#[test]
fn an_import_sorts_in_the_memory_and_the_directory_of_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let (files, data) = (dir.path().join("files"), dir.path().join("data"));
    assert!(annuaire(&["generate", "--professionals", "2000", "--out", path_str(&files)]).0);
    let paths: Vec<PathBuf> = delivery(&files).into_iter().filter(|f| f.is_file()).collect();
    let file = dir.path().join("annuaire.toml");
    let import = |configuration: &str| {
        fs::write(&file, format!("[import]\nspill = \"spill\"\n{configuration}")).unwrap();
        let mut command = program();
        command.args(["import", "--quiet", "--data", path_str(&data), "--config", path_str(&file)]).args(&paths);
        code_and_output(&command.output().unwrap())
    };
    // Two thousand professionals do not fit in a mebibyte, and there is no directory for the rest.
    let (code, output) = import("sort_bytes = 1048576\n");
    assert_eq!(code, 1, "{output}");
    fs::create_dir(dir.path().join("spill")).unwrap();
    let (code, output) = import("sort_bytes = 1048576\n");
    assert!(matches!(code, 0 | 3) && output.contains("transaction 1"), "{output}");
    assert_eq!(fs::read_dir(dir.path().join("spill")).unwrap().count(), 0, "temporary files have no name");
    let (code, output) = import("sort_bytes = 1073741824\n");
    assert!(matches!(code, 0 | 3) && output.contains("already imported"), "{output}");
}

#[test]
fn answers_are_compressed_by_the_encoder_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    let file = dir.path().join("annuaire.toml");
    let compressed = ["annuaire", "zlib"].map(|encoder| {
        fs::write(
            &file,
            format!(
                "[server]\npublic_base = \"https://annuaire.example\"\noperator = \"Exploitant fictif\"\ngzip = \"{encoder}\"\n"
            ),
        )
        .unwrap();
        let server = Server::start(&data, &["--config", path_str(&file)]);
        let path = "/fhir/v2/Practitioner?_count=20";
        let answer = exchange(&server, &format!("GET {path} HTTP/1.0\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.to_ascii_lowercase().contains("content-encoding: gzip"), "{head}");
        body.to_owned()
    });
    assert_ne!(compressed[0], compressed[1], "two encoders write two streams");
}

#[test]
fn doctor_reads_its_days_from_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    let doctor = |more: &[&str]| run(&[&["doctor", "--data", path_str(&data)], more].concat()).1;
    fs::write(data.join("annuaire.toml"), "[doctor]\ndays = 0\n").unwrap();
    std::thread::sleep(Duration::from_millis(10));
    assert!(doctor(&[]).contains("WARN deliveries"), "{}", doctor(&[]));
    assert!(doctor(&["--days", "3"]).contains("OK   deliveries"), "{}", doctor(&["--days", "3"]));
}

#[test]
fn a_server_obeys_its_file_and_the_command_line_more() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    fs::write(dir.path().join("keys"), "fictional-key-of-a-test\n").unwrap();
    let other_keys = dir.path().join("other-keys");
    fs::write(&other_keys, "another-key-of-a-test\n").unwrap();
    fs::write(dir.path().join("credentials"), "fictional-credential-of-a-test\n").unwrap();
    let file = dir.path().join("site.toml");
    let configuration = "[server]\nlisten = \"127.0.0.1:1\"\npublic_base = \"https://annuaire.example/fhir/v2\"\n\
        trusted_proxies = [\"127.0.0.1\"]\noperator = \"Exploitant fictif\"\nlog = \"error\"\nindexed = false\n\
        [notices]\naddress = \"1 rue d’Essai\"\ndirector = \"Direction fictive\"\nhost = \"Hébergeur fictif\"\ncontact = \"contact@annuaire.example\"\n\
        [access]\napi_keys = \"keys\"\nrestricted_credentials = \"credentials\"\nrate = 2\n\
        [connections]\nopen_max = 50\nrequest_seconds = 1\nidle_seconds = 1\nidle_crowded_seconds = 1\nreader_seconds = 2\nfinish_seconds = 0\n\
        head_bytes = 8192\n[import]\nniceness = 19\n[publication]\nmap_bytes = 33554432\n";
    fs::write(&file, configuration).unwrap();
    // The address of the file is not to be had; that of the command line is.
    let server = Server::start(&data, &["--config", path_str(&file)]);
    let key = "ESANTE-API-KEY: fictional-key-of-a-test\r\n";
    assert_eq!(server.get("Practitioner?_count=1", "").0, 401);
    let (status, body) = server.get("Practitioner?_count=1", key);
    assert!(status == 200 && body.contains("https://annuaire.example/fhir/v2/Practitioner"), "{body}");
    assert_eq!(
        server
            .get(
                &format!("http://{}/fhir/dr/Practitioner?_count=1", host(&server)),
                "Authorization: Bearer fictional-credential-of-a-test\r\n"
            )
            .0,
        200
    );
    let notices = server.get(&format!("http://{}/mentions", host(&server)), "").1;
    for notice in ["Exploitant fictif", "1 rue d’Essai", "Direction fictive", "Hébergeur fictif", "contact@annuaire.example"] {
        assert!(notices.contains(notice), "{notice}: {notices}");
    }
    assert_eq!(server.get(&format!("http://{}/sitemap.xml", host(&server)), "").0, 404);
    // Four at once with a rate of two.
    let statuses: Vec<u16> = (0..12).map(|_| server.get("Practitioner?_count=1", key).0).collect();
    assert!(statuses.contains(&429), "{statuses:?}");
    // Heads beyond their limit are refused; a request that does not come to its end, and an idle connection, are ended.
    let long = format!("GET /fhir/v2/metadata HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000));
    assert!(exchange(&server, &long).starts_with("HTTP/1.1 431"));
    let begun = Instant::now();
    exchange(&server, "GET /fhir/v2/metadata HTTP/1.1\r\nHost: x\r\n");
    exchange(&server, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(begun.elapsed() < Duration::from_secs(12), "the limits of the program are 15 s and 300 s");
    // The threads that publish are nicer than the others, and a store takes the address space that it is given.
    let process = format!("/proc/{}", server.child.id());
    let nice = |stat: String| stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse::<i32>().unwrap();
    let tasks = fs::read_dir(format!("{process}/task")).unwrap();
    let niceness: Vec<i32> = tasks.filter_map(|t| Some(nice(fs::read_to_string(t.ok()?.path().join("stat")).ok()?))).collect();
    assert!(niceness.contains(&19) && niceness.iter().any(|n| *n != 19), "{niceness:?}");
    let maps = fs::read_to_string(format!("{process}/maps")).unwrap();
    let length = |line: &str| {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        Some(u64::from_str_radix(to, 16).ok()? - u64::from_str_radix(from, 16).ok()?)
    };
    let stores: Vec<u64> = maps.lines().filter(|line| line.ends_with("data.mdb")).filter_map(length).collect();
    assert_eq!(stores, [33_554_432, 33_554_432], "{maps}");
    drop(server);
    // The command line wins, key by key.
    let options = ["--config", path_str(&file), "--api-keys", path_str(&other_keys), "--public-base", "https://other.example"];
    let server = Server::start(&data, &options);
    assert_eq!(server.get("Practitioner?_count=1", key).0, 401);
    let (_, body) = server.get("Practitioner?_count=1", "ESANTE-API-KEY: another-key-of-a-test\r\n");
    assert!(body.contains("https://other.example/fhir/v2/Practitioner"), "{body}");
}

#[test]
fn requests_are_written_down_unless_the_file_says_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let data = nation(dir.path());
    let file = dir.path().join("annuaire.toml");
    for (request_log, lines) in [("true", 1), ("false", 0)] {
        fs::write(&file, format!("[server]\nlisten = \"127.0.0.1:0\"\nrequest_log = {request_log}\n")).unwrap();
        let mut child = program()
            .args(["serve", "--data", path_str(&data), "--config", path_str(&file)])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut first).unwrap();
        let base = first.split_whitespace().nth(1).unwrap().trim_start_matches("http://").to_owned();
        let mut server = Server { child, base };
        assert_eq!(server.get("metadata", "").0, 200);
        let stopped = ask_to_end(server.child.id());
        assert!(stopped);
        server.child.wait().unwrap();
        let mut written = String::new();
        server.child.stderr.take().unwrap().read_to_string(&mut written).unwrap();
        assert_eq!(written.lines().filter(|l| l.contains("method=GET")).count(), lines, "{request_log}: {written}");
    }
}

/// Asks a process to end.
fn ask_to_end(pid: u32) -> bool {
    std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success()
}
