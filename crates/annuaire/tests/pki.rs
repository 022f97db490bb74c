//! The test authority of the command line: what it writes is accepted and refused as it says, and nobody else reads the keys.
#![allow(clippy::unwrap_used, missing_docs)]
#![cfg(unix)]

mod common;

use annuaire_cards::{
    AuthorityCertificates, CardAuthorities, CardEnvironment, CrlStore, OrganisationAuthorities, check_card, check_organisation,
    read_organisation_certificate,
};
use common::{path_str, run};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

fn chain(path: &Path) -> Vec<CertificateDer<'static>> {
    let text = fs::read(path).unwrap();
    assert!(String::from_utf8_lossy(&text).contains("-----BEGIN PRIVATE KEY-----"), "{}", path.display());
    CertificateDer::pem_slice_iter(&text).map(Result::unwrap).collect()
}

fn store(dir: &Path, holders: &str) -> CrlStore {
    let file = |end: &str| fs::read(dir.join(format!("{holders}-{end}.pem"))).unwrap();
    let mut store = CrlStore::new(Arc::new(AuthorityCertificates::read(&file("roots"), &file("authorities")).unwrap()));
    for list in fs::read_dir(dir.join(format!("{holders}-lists"))).unwrap() {
        store.take(&fs::read(list.unwrap().path()).unwrap()).unwrap();
    }
    store
}

#[test]
fn the_directory_holds_an_authority_and_what_it_issued() {
    let dir = tempfile::tempdir().unwrap();
    let pki = dir.path().join("pki");
    let cards = ["899900000011:EXEMPLE:CAMILLE", "599900000300015/CPAT00045:MODÈLE:ALIX:CPA"];
    let to = ["pki", "--to", path_str(&pki), "--bad", "--seed", "1", "--card", cards[0], "--card", cards[1]];
    let (code, said) = run(&to);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("cards/599900000300015_CPAT00045.pem: ALIX MODÈLE"), "{said}");

    // The instant of the command, whatever the clock says now.
    let server = chain(&pki.join("server.pem"));
    let now_ms = read_organisation_certificate(&server[0]).unwrap().facts.not_before_ms + 86_400_000;
    let persons = CardAuthorities::new(&store(&pki, "persons")).unwrap();
    let check = |name: &str| check_card(&chain(&pki.join(name)), &persons, now_ms, CardEnvironment::Test);
    assert_eq!(check("cards/899900000011.pem").unwrap().national_id(), "899900000011");
    assert_eq!(check("cards/599900000300015_CPAT00045.pem").unwrap().national_id(), "599900000300015/CPAT00045");
    let cases: Vec<(&str, &str)> = said.lines().filter_map(|line| line.strip_prefix("bad/")?.split_once(".pem: ")).collect();
    assert_eq!(cases.len(), 17);
    for (name, outcome) in cases {
        let checked = check(&format!("bad/{name}.pem"));
        assert_eq!(checked.map_or_else(|refusal| refusal.code(), |_| "accepted"), outcome, "{name}");
    }
    let organisations = OrganisationAuthorities::new(&store(&pki, "organisations")).unwrap();
    let proxy = check_organisation(&chain(&pki.join("organisations/1990000010.pem")), &organisations, now_ms).unwrap();
    assert_eq!(proxy.certificate().structure.as_deref(), Some("1990000010"));

    let mode = |name: &str| fs::metadata(pki.join(name)).unwrap().permissions().mode() & 0o777;
    for private in ["server.pem", "cards/899900000011.pem", "organisations/1990000010.pem", "bad/good.pem"] {
        assert_eq!(mode(private), 0o600, "{private}");
    }
    let (code, said) = run(&to);
    assert!(code == 1 && said.contains("is not empty"), "{said}");
}

#[test]
fn command_lines_that_say_nothing_sensible_are_refused_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let pki = dir.path().join("pki");
    for wrong in [
        ["--card", "899900000011"],
        ["--card", "899900000011:A:B:XYZ"],
        ["--card", "../x:A:B"],
        ["--card", ":A:B"],
        ["--organisation", "../../x:A:b.example"],
        ["--organisation", "1990000010:A"],
        ["--list-days", "0"],
        ["--seed", "x"],
    ] {
        let (code, said) = run(&[&["pki", "--to", path_str(&pki)][..], &wrong].concat());
        assert_eq!(code, 2, "{wrong:?}: {said}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{wrong:?}");
    }
    let twice = ["pki", "--to", path_str(&pki), "--card", "899900000011:A:B", "--card", "899900000011:C:D"];
    let (code, said) = run(&twice);
    assert!(code == 2 && said.contains("twice"), "{said}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
