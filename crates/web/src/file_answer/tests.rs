use super::*;
use crate::pending_line::account_for;
use crate::request_log::{RequestLine, RequestSubject};
use crate::settings::GateSettings;
use axum::http::HeaderMap;
use proptest::prelude::*;
use std::io::Write;
use std::sync::Mutex;

const TAG: &str = "\"a\"";

fn representation(length: u64) -> Representation {
    Representation {
        length,
        etag: TAG.into(),
        sha256: Some([7; 32]),
        content_type: "application/fhir+ndjson",
        content_encoding: Some("zstd"),
    }
}

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
}

fn gate(lines: &Arc<Mutex<Vec<String>>>) -> Arc<Gate> {
    let lines = Arc::clone(lines);
    let log = Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()));
    Arc::new(Gate::new(GateSettings { log: Some(log), ..GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000)) }))
}

fn content(length: usize) -> (File, Vec<u8>) {
    let bytes: Vec<u8> = (0..length).map(|n| (n * 31 % 251) as u8).collect();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&bytes).unwrap();
    (file, bytes)
}

#[test]
fn ranges_are_read_as_the_standard_says() {
    for (range, expected) in [
        ("bytes=0-", Some(0..100)),
        ("bytes=0-0", Some(0..1)),
        ("bytes=99-", Some(99..100)),
        ("bytes=10-19", Some(10..20)),
        ("bytes=10-1000", Some(10..100)),
        ("bytes=-5", Some(95..100)),
        ("bytes=-1000", Some(0..100)),
        ("BYTES = 3-4", Some(3..5)),
        ("bytes=100-", Some(100..100)),
        ("bytes=-0", Some(100..100)),
        ("bytes=99999999999999999999999-", Some(100..100)),
        ("bytes=5-99999999999999999999999", Some(5..100)),
        ("bytes=-99999999999999999999999", Some(0..100)),
        ("bytes=4-3", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=0-1,5-6", None),
        ("bytes=+1-2", None),
        ("bytes=a-", None),
        ("lines=1-2", None),
        ("bytes", None),
    ] {
        assert_eq!(asked_range(range, 100), expected, "{range}");
    }
    // Nothing of an empty file can be asked for.
    assert!(asked_range("bytes=0-", 0).unwrap().is_empty() && asked_range("bytes=-1", 0).unwrap().is_empty());
}

#[test]
fn conditions_come_before_ranges() {
    use header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE, RANGE};
    let all = representation(100);
    let part = FileSelection::Part(10..20);
    for (given, expected) in [
        (&[][..], Ok(FileSelection::Whole)),
        (&[(RANGE, "bytes=10-19")], Ok(part.clone())),
        (&[(RANGE, "bytes=10-19"), (IF_RANGE, TAG)], Ok(part.clone())),
        (&[(RANGE, "bytes=10-19"), (IF_RANGE, "\"b\"")], Ok(FileSelection::Whole)),
        (&[(RANGE, "bytes=10-19"), (IF_RANGE, "W/\"a\"")], Ok(FileSelection::Whole)),
        (&[(RANGE, "bytes=10-19"), (IF_RANGE, "Thu, 26 Nov 2026 10:00:00 GMT")], Ok(FileSelection::Whole)),
        (&[(RANGE, "bytes=100-")], Err(FileRefusal::OutOfRange { length: 100 })),
        (&[(RANGE, "bytes=100-"), (IF_RANGE, "\"b\"")], Ok(FileSelection::Whole)),
        (&[(RANGE, "bytes=1-2"), (RANGE, "bytes=3-4")], Ok(FileSelection::Whole)),
        (&[(IF_NONE_MATCH, "\"x\", W/\"a\""), (RANGE, "bytes=10-19")], Ok(FileSelection::NotModified)),
        (&[(IF_NONE_MATCH, "*")], Ok(FileSelection::NotModified)),
        (&[(IF_NONE_MATCH, "\"x\"")], Ok(FileSelection::Whole)),
        (&[(IF_MATCH, "\"x\"")], Err(FileRefusal::Changed)),
        (&[(IF_MATCH, "W/\"a\"")], Err(FileRefusal::Changed)),
        (&[(IF_MATCH, "\"x\", \"a\""), (RANGE, "bytes=10-19")], Ok(part.clone())),
        (&[(IF_MATCH, "*")], Ok(FileSelection::Whole)),
    ] {
        let mut map = HeaderMap::new();
        given.iter().for_each(|(name, value)| {
            map.append(name.clone(), value.parse().unwrap());
        });
        assert_eq!(all.select(&Method::GET, &map), expected, "{given:?}");
    }
    // Ranges are of GET alone.
    let asked = headers(&[(RANGE, "bytes=10-19")]);
    assert_eq!(all.select(&Method::HEAD, &asked), Ok(FileSelection::Whole));
}

#[test]
fn headers_say_what_is_sent() {
    let all = representation(100);
    let (file, _) = content(100);
    let gate = gate(&Arc::default());
    let digest = format!("sha-256=:{}:", STANDARD.encode([7; 32]));
    let whole = all.answer(file.try_clone().unwrap(), &Method::GET, &HeaderMap::new(), &gate).unwrap();
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.body().size_hint().exact(), Some(100));
    for (name, value) in [
        ("etag", TAG),
        ("accept-ranges", "bytes"),
        ("content-type", "application/fhir+ndjson"),
        ("content-encoding", "zstd"),
        ("repr-digest", &digest),
        ("content-digest", &digest),
    ] {
        assert_eq!(whole.headers()[name], value, "{name}");
    }
    let asked = headers(&[(header::RANGE, "bytes=90-")]);
    let part = all.answer(file.try_clone().unwrap(), &Method::GET, &asked, &gate).unwrap();
    assert_eq!((part.status().as_u16(), part.body().size_hint().exact()), (206, Some(10)));
    assert_eq!(part.headers()["content-range"], "bytes 90-99/100");
    // The digest of a part is not that of the content.
    assert!(part.headers()["repr-digest"] == digest && !part.headers().contains_key("content-digest"));
    let asked = headers(&[(header::IF_NONE_MATCH, TAG)]);
    let unchanged = all.answer(file, &Method::GET, &asked, &gate).unwrap();
    assert_eq!((unchanged.status().as_u16(), unchanged.body().size_hint().exact()), (304, Some(0)));
    assert_eq!(unchanged.headers()["etag"], TAG);
    let refusal = FileRefusal::OutOfRange { length: 100 };
    assert_eq!((refusal.status().as_u16(), refusal.header().unwrap().1.to_str().unwrap()), (416, "bytes */100"));
}

#[test]
fn every_part_has_the_bytes_of_the_file_and_one_log_line() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let length = 2 * FILE_BLOCK + 12_345;
    let (file, bytes) = content(length);
    proptest!(ProptestConfig::with_cases(40), |(a in 0..length, b in 0..length)| {
        let (first, last) = (a.min(b), a.max(b));
        let lines = Arc::default();
        let gate = gate(&lines);
        let asked = headers(&[(header::RANGE, &format!("bytes={first}-{last}"))]);
        let got = runtime.block_on(async {
            let answer = representation(length as u64).answer(file.try_clone().unwrap(), &Method::GET, &asked, &gate);
            let mut response = answer.unwrap();
            let subject = RequestSubject { route: "files", ..RequestSubject::default() };
            let client = crate::client::Client::numbered(1);
            let status = response.status();
            let line = RequestLine { method: Method::GET, subject, status, client, id: "r".into(), start: gate.now() };
            account_for(&gate, &mut response, line);
            axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap()
        });
        prop_assert!(got == bytes[first..=last]);
        let lines = lines.lock().unwrap().clone();
        prop_assert_eq!(lines.len(), 1);
        prop_assert!(lines[0].contains(&(last - first + 1).to_string()), "{}", lines[0]);
    });
}

#[test]
fn a_file_that_is_shorter_than_it_was_is_cut_and_not_filled() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (file, _) = content(FILE_BLOCK + 10);
    let gate = gate(&Arc::default());
    let error = runtime.block_on(async {
        let answer = representation(2 * FILE_BLOCK as u64).answer(file, &Method::GET, &HeaderMap::new(), &gate).unwrap();
        axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap_err()
    });
    assert!(
        error.to_string().contains("ends at byte 262154") || format!("{error:?}").contains("ends at byte 262154"),
        "{error:?}"
    );
}
