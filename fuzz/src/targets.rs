//! The targets: one function for each group of parsers.

use std::sync::Mutex;

use annuaire_base::{date, id, nir, text};
use annuaire_cards::{AuthorityCertificates, DistinguishedName, NameFault};
use axum::body::Body;
use axum::http::{Request, header};

use crate::fuzz_world::FuzzWorld;

/// A target. It panics when a property does not hold.
pub type FuzzTarget = fn(&[u8]);

/// All targets by name. Each has its seeds in `seeds/NAME`.
pub const TARGETS: [(&str, FuzzTarget); 6] = [
    ("texts", texts),
    ("request", request),
    ("bodies", bodies),
    ("import", import),
    ("tokens", crate::tokens::tokens),
    ("certificates", certificates),
];

/// Small readers: dates, folding, identifiers.
pub fn texts(data: &[u8]) {
    let s = &*String::from_utf8_lossy(data);
    let once = text::fold(s);
    assert_eq!(text::fold(&once), once, "folding is idempotent");
    assert_eq!(text::folds_to_nothing(s), once.is_empty());
    if let Some(date) = date::PartialDate::parse(s) {
        assert_eq!(date::PartialDate::parse(&date.to_string()), Some(date), "a date reads as it prints");
    }
    assert_eq!(date::parse_instant(s).is_some(), date::parse_days(s).is_some());
    if let Some((first, last)) = date::parse_instant(s) {
        assert!(first <= last);
        assert!(date::iso_ms(first) <= date::iso_ms(last), "texts are in the order of instants");
    }
    if let Some(second) = date::parse_http_date(s) {
        assert_eq!(date::parse_http_date(&date::http_date(second * 1_000)), Some(second));
    }
    for check in [id::rpps, id::finess, id::adeli, id::siren, id::siret, id::adeli_rang, id::idnst, id::rpps_rang] {
        let _ = check(s);
    }
    let _ = nir::contains_nir(s);
}

/// A request: the first line is its path and query, the second its `Prefer` header. The answer must be FHIR, and no failure.
pub fn request(data: &[u8]) {
    let mut lines = data.splitn(3, |b| *b == b'\n');
    let mut path = String::from("/fhir/v2/");
    for b in lines.next().unwrap_or_default() {
        // Bytes that a URL cannot hold are percent-encoded, so that every input reaches the server.
        match b {
            b'!' | b'$'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z' | b'~' => path.push(char::from(*b)),
            b => path.push_str(&format!("%{b:02X}")),
        }
    }
    let mut request = Request::get(path);
    if let Some(prefer) = lines.next() {
        request = request.header("prefer", prefer);
    }
    let Ok(request) = request.body(Body::empty()) else { return };
    FuzzWorld::small().expect_fhir(request);
}

/// The bytes as body of a search, in each content type; then as a resource of a feed: if it is accepted and published, it must be
/// readable in JSON and in XML.
pub fn bodies(data: &[u8]) {
    for kind in ["application/x-www-form-urlencoded", "application/fhir+json", "application/fhir+xml"] {
        let request = Request::post("/fhir/v2/Practitioner/_search").header(header::CONTENT_TYPE, kind);
        if let Ok(request) = request.body(Body::from(data.to_vec())) {
            FuzzWorld::small().expect_fhir(request);
        }
    }
    static FEED: Mutex<Option<FuzzWorld>> = Mutex::new(None);
    let mut feed = FEED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let feed = feed.get_or_insert_with(FuzzWorld::empty);
    if feed.deliver("feed.ndjson", data) {
        for format in ["json", "xml"] {
            for path in ["_history?_count=2", "Organization?_sort=-_lastUpdated&_count=2&_include=*", "Practitioner?_count=1"] {
                if let Ok(request) = Request::get(format!("/fhir/v2/{path}&_format={format}")).body(Body::empty()) {
                    feed.expect_fhir(request);
                }
            }
        }
    }
}

/// A file: the first line is its name, the rest its content. Text formats, zip, gzip, FINESS+ JSON, FHIR.
pub fn import(data: &[u8]) {
    let (name, content) = data.split_at(data.iter().position(|b| *b == b'\n').unwrap_or(0));
    let name: String =
        String::from_utf8_lossy(name).chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
    FuzzWorld::empty()
        .deliver(&format!("f{}", name.get(..80.min(name.len())).unwrap_or_default()), content.get(1..).unwrap_or_default());
}

/// The bytes as the certificate of a card, of an organisation and of an authority; then as the text of a distinguished name.
pub fn certificates(data: &[u8]) {
    if let Ok(card) = annuaire_cards::read_certificate(data) {
        assert!(!card.national_id.is_empty());
        // Names of certificates can be written, whatever they contain.
        let _ = (card.facts.subject.to_string(), card.facts.issuer.to_string());
        assert!(annuaire_cards::read_organisation_certificate(data).is_ok(), "a card is read as any certificate is");
    }
    let _ = annuaire_cards::read_organisation_certificate(data);
    let _ = AuthorityCertificates::read(data, data);
    if let Ok(name) = DistinguishedName::parse(&String::from_utf8_lossy(data)) {
        match DistinguishedName::parse(&name.to_string()) {
            // Escapes take room.
            Err(NameFault::TooLong) => {}
            again => assert_eq!(again, Ok(name), "a name reads as it is written"),
        }
    }
}
