//! Cards and certificates of a test authority: read, accepted, and refused for each reason.
#![allow(clippy::unwrap_used)]

use annuaire_cards::{
    AuthorityCertificates, AuthorityFault, CARD_REFUSED, CardAuthorities, CardEnvironment, CardRefusal, CardType,
    CertificateFault, CertificateRefusal, CrlChange, CrlFault, CrlStore, DistinguishedName, IssuedCertificate, TestAuthority,
    TestAuthorityPlan, TestCard, TestCase, TestHolders, TestKeyKind, TestOrganisation, TestRandom, check_card,
    check_organisation, read_certificate, read_organisation_certificate,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// 2026-11-24.
const NOW_MS: i64 = 1_795_514_400_000;
const DAY_MS: i64 = 86_400_000;
const PHYSICIAN: &str = "899900000011";

/// Random bytes that a seed gives, for tests alone (SplitMix64).
fn random(seed: u64) -> TestRandom {
    let state = AtomicU64::new(seed);
    Arc::new(move |bytes| {
        for chunk in bytes.chunks_mut(8) {
            let mut n = state.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            n = (n ^ n >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            n = (n ^ n >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            let n = (n ^ n >> 31).to_be_bytes();
            chunk.copy_from_slice(&n[..chunk.len()]);
        }
    })
}

fn authority(seed: u64) -> TestAuthority {
    TestAuthority::new(TestAuthorityPlan::for_tests(NOW_MS), random(seed)).unwrap()
}

fn physician() -> TestCard {
    TestCard::new(PHYSICIAN, "D’ESSAI-CŒUR", "ZOÉ")
}

/// The reason for which a card is refused, or nothing.
fn refusal(card: &IssuedCertificate, authorities: &CardAuthorities, now_ms: i64) -> Option<&'static str> {
    check_card(&card.chain, authorities, now_ms, CardEnvironment::Test).err().map(|refusal| refusal.code())
}

#[test]
fn each_case_is_accepted_or_refused_for_its_reason() {
    let mut authority = authority(1);
    let issued: Vec<_> = TestCase::ALL.iter().map(|case| (*case, authority.case(*case, &physician()).unwrap())).collect();
    let authorities = authority.card_authorities(NOW_MS).unwrap();
    for (case, card) in &issued {
        assert_eq!(refusal(card, &authorities, NOW_MS), case.refusal(), "{case:?}");
        let in_production = check_card(&card.chain, &authorities, NOW_MS, CardEnvironment::Production);
        match case.refusal() {
            Some("production_card") => assert_eq!(in_production.unwrap().national_id(), PHYSICIAN),
            // The environment is asked before the name of a user.
            None | Some("other_upn") => assert_eq!(in_production.unwrap_err(), CardRefusal::TestCard(0x80)),
            Some(code) => assert_eq!(in_production.unwrap_err().code(), code),
        }
    }
    let mut reasons: Vec<_> = TestCase::ALL.iter().filter_map(|case| case.refusal()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), 13, "one word for each reason");
    assert!(CARD_REFUSED.starts_with("Votre carte"));
    assert_eq!(check_card(&[], &authorities, NOW_MS, CardEnvironment::Test), Err(CertificateRefusal::NoCertificate.into()));
}

#[test]
fn a_card_is_read_by_identifiers_whatever_the_order() {
    let mut authority = authority(2);
    let card = authority.card(&physician()).unwrap();
    let read = read_certificate(&card.chain[0]).unwrap();
    assert_eq!(read.national_id, PHYSICIAN);
    assert_eq!(read.surname.as_deref(), Some("D’ESSAI-CŒUR"));
    assert_eq!(read.given_name.as_deref(), Some("ZOÉ"));
    assert_eq!(read.title.as_deref(), Some("Médecin"));
    assert_eq!(read.upn.as_deref(), Some("899900000011@carte.annuaire.example"));
    assert_eq!((read.card_type, read.profession, read.responsibility), (Some(CardType::Professional), Some(10), None));
    assert_eq!(read.card_issuer.as_deref(), Some("8025000001"));
    assert_eq!(read.card_number.as_deref(), Some("9990000001"));
    let facts = &read.facts;
    assert_eq!(facts.category.map(|c| (c.code(), c.is_test(), c.is_card())), Some((0x80, true, true)));
    assert!(facts.digital_signature && facts.client_auth && !facts.non_repudiation && !facts.server_auth);
    assert_eq!(facts.not_before_ms, NOW_MS - DAY_MS);
    assert!(facts.not_after_ms > NOW_MS + 3 * 365 * DAY_MS);
    assert_eq!(facts.issuer.common_name(), Some("TEST AC IGC-SANTE FORT PERSONNES"));
    assert_eq!(facts.crl_addresses, ["http://igc.annuaire.example/CRL/TEST-AC-IGC-SANTE-FORT-PERSONNES.crl"]);
    assert_eq!(facts.serial.len(), 32);

    let reversed = authority.case(TestCase::OtherOrder, &physician()).unwrap();
    let other = read_certificate(&reversed.chain[0]).unwrap();
    assert_ne!(facts.subject.to_string(), other.facts.subject.to_string());
    assert_eq!(facts.subject, other.facts.subject);
    assert_eq!((&read.surname, &read.given_name, &read.national_id), (&other.surname, &other.given_name, &other.national_id));
    assert_ne!(facts.thumbprint, other.facts.thumbprint);
    assert_ne!(facts.serial, other.facts.serial);
}

#[test]
fn a_card_of_staff_keeps_the_stroke_of_its_identifier() {
    let mut authority = authority(3);
    for (id, unit) in [("3990000010/CPET00001", "OU=1990000010"), ("599900000300015/CPAT00045", "OU=399900000300015")] {
        let card = authority.card(&TestCard::new(id, "MODÈLE", "ALIX")).unwrap();
        let authorities = authority.card_authorities(NOW_MS).unwrap();
        let holder = check_card(&card.chain, &authorities, NOW_MS, CardEnvironment::Test).unwrap();
        assert_eq!(holder.national_id(), id);
        let read = holder.certificate();
        assert_eq!((read.card_type, read.profession, read.responsibility), (Some(CardType::Establishment), None, Some(1)));
        assert!(read.facts.subject.to_string().contains(unit), "{}", read.facts.subject);
    }
    let odd = authority.card(&TestCard::new("Zoé", "A", "B")).unwrap();
    assert_eq!(read_certificate(&odd.chain[0]), Err(CertificateFault::NotANationalId));
}

#[test]
fn bytes_that_are_no_certificate_are_refused() {
    let mut authority = authority(4);
    let good = authority.card(&physician()).unwrap().chain[0].to_vec();
    assert_eq!(read_certificate(b""), Err(CertificateFault::Encoding));
    assert_eq!(read_certificate(b"-----BEGIN CERTIFICATE-----"), Err(CertificateFault::Encoding));
    assert_eq!(read_certificate(&[good.as_slice(), &[0]].concat()), Err(CertificateFault::Trailing(1)));
    assert_eq!(read_certificate(&vec![0x30; 20_000]), Err(CertificateFault::TooLong(20_000)));
    for end in 0..good.len() {
        assert!(read_certificate(&good[..end]).is_err());
    }
}

#[test]
fn dates_decide() {
    let mut authority = authority(5);
    let card = authority.card(&physician()).unwrap();
    let at = |now_ms| refusal(&card, &authority.card_authorities(now_ms).unwrap(), now_ms);
    let read = read_certificate(&card.chain[0]).unwrap().facts;
    assert_eq!(at(read.not_before_ms - 1_000), Some("not_yet_valid"));
    assert_eq!(at(read.not_before_ms), None);
    assert_eq!(at(read.not_after_ms), None);
    assert_eq!(at(read.not_after_ms + 1_000), Some("expired"));
    assert_eq!(refusal(&card, &authority.card_authorities(NOW_MS).unwrap(), -5), Some("not_yet_valid"));
    // Lists made now, and a week: the last second of a list does not count any more.
    let authorities = authority.card_authorities(NOW_MS).unwrap();
    assert_eq!(refusal(&card, &authorities, NOW_MS + 7 * DAY_MS - 1_000), None);
    assert_eq!(refusal(&card, &authorities, NOW_MS + 7 * DAY_MS), Some("stale_revocation_list"));
}

#[test]
fn a_hierarchy_with_our_names_and_other_keys_is_refused() {
    let (ours, mut theirs) = (authority(6), authority(7));
    let authorities = ours.card_authorities(NOW_MS).unwrap();
    let mut card = theirs.card(&physician()).unwrap();
    assert_eq!(refusal(&card, &authorities, NOW_MS), Some("forged"));
    // What a client sends after its certificate counts for nothing, good or bad.
    card.chain.truncate(1);
    assert_eq!(refusal(&card, &authorities, NOW_MS), Some("forged"));
    card.chain.remove(0);
    assert_eq!(refusal(&card, &authorities, NOW_MS), Some("no_certificate"));
}

#[test]
fn an_authority_is_no_card() {
    let authority = authority(8);
    let authorities = authority.card_authorities(NOW_MS).unwrap();
    let certificates = AuthorityCertificates::read(
        authority.roots(TestHolders::Persons).as_bytes(),
        authority.authorities(TestHolders::Persons).as_bytes(),
    )
    .unwrap();
    assert_eq!(certificates.hints().len(), 5, "STANDARD and FORT, and three for bad cases");
    let issuer = der_of(&authority.authorities(TestHolders::Persons));
    let refused = check_card(&[issuer.into()], &authorities, NOW_MS, CardEnvironment::Test).unwrap_err();
    assert_eq!(refused.code(), "unreadable");
}

/// The first certificate of PEM.
fn der_of(pem: &str) -> Vec<u8> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

#[test]
fn lists_are_taken_when_newer_and_signed() {
    let mut authority = authority(9);
    let card = authority.card(&physician()).unwrap();
    let holders = TestHolders::Persons;
    let mut store = authority.crl_store(holders, NOW_MS).unwrap();
    assert_eq!(refusal(&card, &CardAuthorities::new(&store).unwrap(), NOW_MS), None);
    let stale = store.stale(NOW_MS);
    assert_eq!(stale.len(), 2, "{stale:?}");
    assert_eq!(store.stale(NOW_MS + 7 * DAY_MS).len(), store.states().len());

    let before = authority.lists(holders, NOW_MS - DAY_MS).unwrap();
    let same = authority.lists(holders, NOW_MS).unwrap();
    authority.revoke(&card);
    let after = authority.lists(holders, NOW_MS + 60_000).unwrap();
    let fort = |lists: &[(String, Vec<u8>)]| {
        lists.iter().find(|(name, _)| name == "TEST-AC-IGC-SANTE-FORT-PERSONNES.crl").unwrap().1.clone()
    };
    assert_eq!(store.take(&fort(&before)), Ok(CrlChange::Older));
    // A list of the same second, signed again.
    assert_eq!(store.take(&fort(&same)), Ok(CrlChange::Taken));
    assert_eq!(store.take(&fort(&same)), Ok(CrlChange::Known));

    let mut forged = fort(&after);
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(store.take(&forged), Err(CrlFault::Forged("TEST AC IGC-SANTE FORT PERSONNES".to_owned())));
    assert_eq!(store.take(b"<html>"), Err(CrlFault::Encoding));
    assert_eq!(store.take(b""), Err(CrlFault::Encoding));
    assert_eq!(store.take(&[0x30, 0]), Err(CrlFault::Encoding));
    let (_, organisations) = authority.lists(TestHolders::Organisations, NOW_MS).unwrap().remove(0);
    assert!(matches!(store.take(&organisations), Err(CrlFault::UnknownIssuer(_))));
    assert_eq!(refusal(&card, &CardAuthorities::new(&store).unwrap(), NOW_MS), None, "refused lists change nothing");

    assert_eq!(store.take(&fort(&after)), Ok(CrlChange::Taken));
    assert_eq!(refusal(&card, &CardAuthorities::new(&store).unwrap(), NOW_MS), Some("revoked"));
    // The list that knew nothing of it is not taken back.
    assert_eq!(store.take(&fort(&same)), Ok(CrlChange::Older));
    assert_eq!(refusal(&card, &CardAuthorities::new(&store).unwrap(), NOW_MS), Some("revoked"));
}

#[test]
fn without_the_list_of_each_level_nobody_is_accepted() {
    let mut authority = authority(10);
    let card = authority.card(&physician()).unwrap();
    let lists = authority.lists(TestHolders::Persons, NOW_MS).unwrap();
    for missing in ["TEST-AC-RACINE-IGC-SANTE-FORT.crl", "TEST-AC-IGC-SANTE-FORT-PERSONNES.crl", ""] {
        let mut store = CrlStore::new(Arc::clone(authority.crl_store(TestHolders::Persons, NOW_MS).unwrap().authorities()));
        for (name, list) in &lists {
            if name != missing && !missing.is_empty() {
                assert_eq!(store.take(list), Ok(CrlChange::Taken));
            }
        }
        let refused = check_card(&card.chain, &CardAuthorities::new(&store).unwrap(), NOW_MS, CardEnvironment::Test);
        let CardRefusal::Certificate(CertificateRefusal::NoRevocationList { authority }) = refused.unwrap_err() else {
            panic!("accepted without {missing:?}");
        };
        let named = if missing.contains("RACINE") { "TEST AC RACINE IGC-SANTE FORT" } else { "TEST AC IGC-SANTE FORT PERSONNES" };
        assert_eq!(authority, named);
    }
}

#[test]
fn organisations_are_checked_by_their_authorities() {
    let mut authority = authority(11);
    let proxy = TestOrganisation {
        name: "ÉDITEUR EXEMPLE".to_owned(),
        structure: "399900000300015".to_owned(),
        common_name: "app.exemple.example".to_owned(),
    };
    let issued = authority.organisation(&proxy).unwrap();
    let server = authority.server(&["localhost", "carte.localhost"]).unwrap();
    let card = authority.card(&physician()).unwrap();
    let authorities = authority.organisation_authorities(NOW_MS).unwrap();
    let checked = check_organisation(&issued.chain, &authorities, NOW_MS).unwrap();
    let read = checked.certificate();
    assert_eq!((read.common_name.as_str(), read.structure.as_deref()), ("app.exemple.example", Some("399900000300015")));
    assert_eq!(read.organisation.as_deref(), Some("ÉDITEUR EXEMPLE"));
    let registered = "CN=app.exemple.example, OU=399900000300015, O=éditeur exemple, ST=Moselle (57), C=FR";
    assert!(read.facts.subject.is_named_by(&DistinguishedName::parse(registered).unwrap()));

    let code = |chain: &[_], now_ms| check_organisation(chain, &authorities, now_ms).unwrap_err().code();
    assert_eq!(code(&server.chain, NOW_MS), "not_for_authentication");
    assert_eq!(code(&card.chain, NOW_MS), "other_authority");
    assert_eq!(code(&issued.chain, NOW_MS + 7 * DAY_MS), "stale_revocation_list");
    assert_eq!(read_organisation_certificate(&server.chain[0]).unwrap().dns_names, ["localhost", "carte.localhost"]);
    assert_eq!(refusal(&issued, &authority.card_authorities(NOW_MS).unwrap(), NOW_MS), Some("unreadable"));
    authority.revoke(&issued);
    let authorities = authority.organisation_authorities(NOW_MS).unwrap();
    assert_eq!(check_organisation(&issued.chain, &authorities, NOW_MS).unwrap_err(), CertificateRefusal::Revoked);
}

#[test]
fn authorities_that_do_not_fit_are_refused_by_name() {
    let mut authority = authority(12);
    let (roots, below) = (authority.roots(TestHolders::Persons), authority.authorities(TestHolders::Persons));
    let read = |roots: &str, below: &str| AuthorityCertificates::read(roots.as_bytes(), below.as_bytes()).unwrap_err();
    assert_eq!(read("", &below), AuthorityFault::Nothing("roots"));
    assert_eq!(read(&roots, "no PEM"), AuthorityFault::Nothing("authorities"));
    assert!(matches!(read(&below, &below), AuthorityFault::NotARoot(name) if name == "TEST AC IGC-SANTE STANDARD PERSONNES"));
    let elementary = authority.authorities(TestHolders::Organisations);
    assert!(matches!(read(&roots, &elementary), AuthorityFault::NoRoot(name, _) if name.contains("ELEMENTAIRE")));
    let card = authority.card(&physician()).unwrap().chain_pem();
    assert!(matches!(read(&roots, &card), AuthorityFault::NotAnAuthority(_)));
    assert!(matches!(read(&roots, &below.replace("MII", "M!I")), AuthorityFault::Pem { kind: "authorities", number: 1, .. }));
    assert!(matches!(read(&roots.repeat(40), &below), AuthorityFault::TooMany("roots")));
    // One in DER is read as well.
    let one = AuthorityCertificates::read(roots.as_bytes(), &der_of(&below)).unwrap();
    assert_eq!(one.crl_addresses(), ["http://igc.annuaire.example/CRL/TEST-AC-RACINE-IGC-SANTE-STANDARD.crl"]);
}

#[test]
fn keys_of_rsa_as_national_cards_have_them() {
    let plan = TestAuthorityPlan { keys: TestKeyKind::Rsa2048, bad: false, ..TestAuthorityPlan::for_tests(NOW_MS) };
    let mut authority = TestAuthority::new(plan, random(13)).unwrap();
    let card = authority.card(&physician()).unwrap();
    assert_eq!(refusal(&card, &authority.card_authorities(NOW_MS).unwrap(), NOW_MS), None);
    assert!(card.key_pem().len() > 1_500 && card.chain_pem().matches("BEGIN CERTIFICATE").count() == 2);
    assert!(authority.case(TestCase::Good, &physician()).is_err());
}

#[test]
fn a_seed_gives_keys_again() {
    let key = |seed| authority(seed).card(&physician()).unwrap().key_pem();
    assert_eq!(key(14), key(14));
    assert_ne!(key(14), key(15));
}

proptest::proptest! {
    #[test]
    fn a_damaged_certificate_is_read_or_refused(changes in proptest::collection::vec((0_usize..4_000, 0_u8..=255), 1..4), cut in 0_usize..4_000) {
        static GOOD: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| authority(16).card(&physician()).unwrap().chain[0].to_vec());
        let mut bytes = GOOD.clone();
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        bytes.truncate(if cut < bytes.len() / 4 { cut } else { bytes.len() });
        if let Ok(card) = read_certificate(&bytes) {
            proptest::prop_assert!(!card.national_id.is_empty());
            let _ = card.facts.subject.to_string();
            proptest::prop_assert!(read_organisation_certificate(&bytes).is_ok());
        }
        let _ = AuthorityCertificates::read(&bytes, &bytes);
    }
}
