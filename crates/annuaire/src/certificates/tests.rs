use super::*;
use crate::demo_cards::make_cards;

fn others() -> ProviderAddresses {
    ProviderAddresses::of_host("https://id.annuaire.example")
}

/// A section that names everything, with an authority in this directory.
fn whole(dir: &Path) -> IdentitySection {
    let mut section = IdentitySection { tls_listen: Some(([127, 0, 0, 1], 0).into()), ..IdentitySection::default() };
    make_cards(dir, 8443, &mut section).unwrap();
    section
}

fn refusal(section: &IdentitySection) -> String {
    match CertificateService::of(section, &others()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn what_is_given_in_part_is_refused_with_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let section = whole(dir.path());
    assert!(CertificateService::of(&IdentitySection::default(), &others()).unwrap().is_none());
    assert_eq!(refusal(&section), "accepted");
    type Change = fn(&mut IdentitySection);
    let cases: [(Change, &str); 15] = [
        (|s| s.tls_listen = None, "identity.tls_listen is not"),
        (|s| s.tls_certificate = None, "identity.tls_certificate is not"),
        (|s| s.tls_key = None, "identity.tls_key is not"),
        (|s| s.certificate_roots = None, "identity.certificate_roots is not"),
        (|s| s.revocation_lists = None, "identity.revocation_lists is not"),
        (|s| s.person_authorities = None, "identity.card_host is set, and identity.person_authorities is not"),
        (|s| s.card_host = None, "identity.person_authorities is set, and identity.card_host is not"),
        (|s| s.mtls_host = None, "identity.organisation_authorities is set, and identity.mtls_host is not"),
        (
            |s| {
                (s.card_host, s.person_authorities) = (None, None);
                (s.mtls_host, s.organisation_authorities) = (None, None);
            },
            "no host uses it",
        ),
        (|s| s.card_host = Some("http://carte.localhost".parse().unwrap()), "write https:// and a host"),
        (|s| s.card_host = Some("https://carte.localhost/x".parse().unwrap()), "nothing after"),
        (|s| s.card_host = Some("https://ID.annuaire.example:8443".parse().unwrap()), "is the host of the issuer"),
        (|s| s.mtls_host = Some("https://carte.localhost:1".parse().unwrap()), "a name each"),
        (|s| s.revocation_addresses = vec!["http://a.example/x.crl".into()], "download_revocation_lists is not true"),
        (
            |s| {
                s.download_revocation_lists = true;
                s.revocation_addresses = vec!["https://a.example/x.crl".into()];
            },
            "does not begin with http://",
        ),
    ];
    for (change, wanted) in cases {
        let mut changed = section.clone();
        change(&mut changed);
        let said = refusal(&changed);
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    // One of the two kinds is enough.
    let cards = IdentitySection { mtls_host: None, organisation_authorities: None, ..section.clone() };
    assert_eq!(refusal(&cards), "accepted");
    let organisations = IdentitySection { card_host: None, person_authorities: None, ..section.clone() };
    assert_eq!(refusal(&organisations), "accepted");
    // A setting alone, without issuer.
    let alone = IdentitySection { revocation_lists: section.revocation_lists.clone(), ..IdentitySection::default() };
    let said = refuse_without_provider(&alone).unwrap_err().to_string();
    assert!(said.contains("identity.revocation_lists is set, and identity.issuer is not"), "{said}");
    refuse_without_provider(&IdentitySection::default()).unwrap();
}

#[test]
fn files_that_say_something_else_are_refused_with_their_name() {
    let dir = tempfile::tempdir().unwrap();
    let section = whole(dir.path());
    let absent = IdentitySection { tls_key: Some(dir.path().join("absent.pem")), ..section.clone() };
    assert!(refusal(&absent).contains("absent.pem"), "{}", refusal(&absent));
    let swapped = IdentitySection { person_authorities: section.certificate_roots.clone(), ..section.clone() };
    assert_eq!(refusal(&swapped), "accepted", "roots sign themselves");
    let other = dir.path().join("other");
    let strange = IdentitySection { person_authorities: whole(&other).person_authorities, ..section.clone() };
    assert!(refusal(&strange).contains("identity.person_authorities"), "{}", refusal(&strange));
    let mixed = IdentitySection { tls_key: whole(&dir.path().join("third")).tls_key, ..section };
    assert!(refusal(&mixed).contains("cannot be used"), "{}", refusal(&mixed));
}

#[test]
fn the_certificate_of_the_server_is_served_again_when_its_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let section = whole(&dir.path().join("one"));
    let service = CertificateService::of(&section, &others()).unwrap().unwrap();
    assert!(service.renew_server().is_empty(), "nothing changed");
    let file = section.tls_certificate.unwrap();
    let good = fs::read(&file).unwrap();
    fs::write(&file, "half").unwrap();
    let told = service.renew_server();
    assert!(told.len() == 1 && told[0].contains("goes on with its former certificate"), "{told:?}");
    assert!(service.renew_server().is_empty(), "told once");
    let new = fs::read(whole(&dir.path().join("two")).tls_certificate.unwrap()).unwrap();
    assert_ne!(new, good);
    fs::write(&file, new).unwrap();
    assert_eq!(service.renew_server(), ["the TLS listener serves its new certificate"]);
}

#[test]
fn hosts_are_compared_without_their_port() {
    for (host, name) in [("a.example:8443", "a.example"), ("a.example", "a.example"), ("[::1]:1", "::1"), ("[::1]", "::1")] {
        assert_eq!(host_name(host), name);
    }
}
