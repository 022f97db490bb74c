use super::*;
use annuaire_cards::{CardEnvironment, TestAuthority, TestAuthorityPlan, TestCard, TestHolders, check_card};
use annuaire_subscribe::AddressRules;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};

const NOW_MS: i64 = 1_795_000_000_000;
const DAY_MS: i64 = 86_400_000;

struct Fixture {
    authority: TestAuthority,
    dir: tempfile::TempDir,
    lists: RevocationLists,
}

/// An authority whose lists count for a week, and a server that takes its cards and organisations.
fn fixture(addresses: Option<Vec<String>>) -> Fixture {
    let count = AtomicU64::new(1);
    let random = Arc::new(move |bytes: &mut [u8]| {
        bytes.fill(1);
        let n = count.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let at = bytes.len().min(8);
        bytes[..at].copy_from_slice(&n[8 - at..]);
    });
    let plan = TestAuthorityPlan { bad: false, ..TestAuthorityPlan::for_tests(NOW_MS) };
    let authority = TestAuthority::new(plan, random).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let roots = authority.roots(TestHolders::Organisations);
    let persons = authority.authorities(TestHolders::Persons);
    let organisations = authority.authorities(TestHolders::Organisations);
    let persons = TrustedIssuers::read(roots.as_bytes(), persons.as_bytes(), CardAuthorities::new).unwrap();
    let organisations = TrustedIssuers::read(roots.as_bytes(), organisations.as_bytes(), OrganisationAuthorities::new).unwrap();
    let lists = RevocationLists::new(Some(persons), Some(organisations), dir.path(), addresses);
    Fixture { authority, dir, lists }
}

impl Fixture {
    fn all(&self, made_ms: i64) -> BTreeMap<String, Vec<u8>> {
        let of = |holders| self.authority.lists(holders, made_ms).unwrap();
        of(TestHolders::Persons).into_iter().chain(of(TestHolders::Organisations)).collect()
    }

    fn write(&self, made_ms: i64) {
        for (name, list) in self.all(made_ms) {
            fs::write(self.dir.path().join(name), list).unwrap();
        }
    }

    fn check(&self, card: &annuaire_cards::IssuedCertificate, now_ms: i64) -> &'static str {
        let authorities = self.lists.persons.as_ref().unwrap().current()().unwrap();
        let checked = check_card(&card.chain, &authorities, now_ms, CardEnvironment::Test);
        checked.map_or_else(|refusal| refusal.code(), |_| "accepted")
    }
}

#[test]
fn lists_count_when_they_are_there_and_faults_are_told_once() {
    let mut fixture = fixture(None);
    let card = fixture.authority.card(&TestCard::new("899900000011", "EXEMPLE", "CAMILLE")).unwrap();
    let missing = fixture.lists.look(NOW_MS);
    assert_eq!(missing.len(), 8, "three roots, two authorities of persons, three of organisations: {missing:?}");
    assert!(missing.iter().all(|line| line.starts_with("no revocation list of TEST AC")), "{missing:?}");
    assert_eq!(fixture.check(&card, NOW_MS), "no_revocation_list");
    assert!(fixture.lists.look(NOW_MS).is_empty(), "told once");

    fixture.write(NOW_MS);
    // What is half written is hidden, and what is no list is told.
    fs::write(fixture.dir.path().join(".half"), "x").unwrap();
    fs::write(fixture.dir.path().join("page.crl"), "<html>").unwrap();
    let told = fixture.lists.look(NOW_MS);
    assert_eq!(told.iter().filter(|line| line.starts_with("no longer: no revocation list of")).count(), 8, "{told:?}");
    assert!(told.iter().any(|line| line.contains("page.crl: these bytes are no revocation list")), "{told:?}");
    assert_eq!(told.len(), 9, "{told:?}");
    assert_eq!(fixture.check(&card, NOW_MS), "accepted");
    assert!(fixture.lists.look(NOW_MS).is_empty());
    fs::remove_file(fixture.dir.path().join("page.crl")).unwrap();
    assert_eq!(fixture.lists.look(NOW_MS).len(), 1, "its end is told");

    // A newer list counts at once; an older one that comes back does not.
    let before = fixture.all(NOW_MS);
    fixture.authority.revoke(&card);
    fixture.write(NOW_MS + 1_000);
    assert!(fixture.lists.look(NOW_MS).is_empty());
    assert_eq!(fixture.check(&card, NOW_MS), "revoked");
    for (name, list) in before {
        fs::write(fixture.dir.path().join(format!("old-{name}")), list).unwrap();
    }
    assert!(fixture.lists.look(NOW_MS).is_empty());
    assert_eq!(fixture.check(&card, NOW_MS), "revoked");
}

#[test]
fn the_operator_is_warned_a_day_before_a_list_ends_and_then_cards_are_refused() {
    let mut fixture = fixture(None);
    let card = fixture.authority.card(&TestCard::new("899900000011", "EXEMPLE", "CAMILLE")).unwrap();
    fixture.write(NOW_MS);
    let end_ms = NOW_MS + 7 * DAY_MS;
    assert!(fixture.lists.look(end_ms - DAY_MS - 1).is_empty());
    let warned = fixture.lists.look(end_ms - DAY_MS);
    assert!(warned.len() == 8 && warned.iter().all(|line| line.contains("ends at 2026-11-25T11:06:40")), "{warned:?}");
    assert_eq!(fixture.check(&card, end_ms - 1_000), "accepted");
    let stale = fixture.lists.look(end_ms);
    assert_eq!(stale.iter().filter(|line| line.contains("ended at") && line.contains("are refused")).count(), 8, "{stale:?}");
    assert_eq!(fixture.check(&card, end_ms), "stale_revocation_list");
    fixture.write(end_ms);
    fixture.lists.look(end_ms);
    assert_eq!(fixture.check(&card, end_ms), "accepted");
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let fixture = fixture(None);
    fs::remove_dir_all(fixture.dir.path()).unwrap();
    let told = fixture.lists.look(NOW_MS);
    assert!(told.iter().any(|line| line.starts_with("revocation lists: reading ")), "{told:?}");
    fs::create_dir(fixture.dir.path()).unwrap();
    fixture.write(NOW_MS);
    assert!(fixture.lists.look(NOW_MS).iter().all(|line| line.starts_with("no longer: ")));
}

/// Answers each path with its body, and other paths with 404.
fn publisher(bodies: BTreeMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let mut header = String::new();
            while reader.read_line(&mut header).is_ok_and(|n| n > 2) {
                header.clear();
            }
            let path = line.split(' ').nth(1).unwrap().trim_start_matches('/');
            let (status, body) = bodies.get(path).map_or(("404 Not Found", &[][..]), |body| ("200 OK", body));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    base
}

#[test]
fn lists_are_downloaded_into_the_directory_if_an_authority_signed_them() {
    let made = fixture(None);
    let mut bodies: BTreeMap<String, Vec<u8>> =
        made.all(NOW_MS).into_iter().map(|(name, list)| (name.replace(' ', "_"), list)).collect();
    let forged = bodies.values().next().unwrap().clone();
    bodies.insert("forged.crl".into(), [&forged[..forged.len() - 1], &[forged[forged.len() - 1] ^ 1]].concat());
    bodies.insert("large.crl".into(), vec![0x30; limits::CRL + 1]);
    let names: Vec<String> = bodies.keys().cloned().chain(["absent.crl".into()]).collect();
    let base = publisher(bodies);
    let addresses = names.iter().map(|name| format!("{base}/{name}")).collect();
    // The authority of the fixture is made from the seed of the other: keys and lists are equal.
    let fixture = fixture(Some(addresses));
    let named = fixture.lists.addresses();
    assert!(named.iter().any(|address| !address.starts_with(&base)), "those of the certificates too: {named:?}");

    let loopback = HttpTransport::new(AddressRules::allowing(|address| address.is_loopback()), None).unwrap();
    let told = fixture.lists.download(&loopback);
    let of_ours: Vec<&String> = told.iter().filter(|line| line.contains(&base)).collect();
    assert_eq!(of_ours.len(), 3, "{of_ours:?}");
    for (name, why) in [("forged", "not its signature"), ("large", "more than"), ("absent", "404")] {
        assert!(of_ours.iter().any(|line| line.contains(&format!("/{name}.crl: ")) && line.contains(why)), "{name}: {of_ours:?}");
    }
    assert!(fixture.lists.look(NOW_MS).is_empty(), "every authority has its list");
    let files = fs::read_dir(fixture.dir.path()).unwrap().count();
    assert_eq!(files, 8);
    // Nothing is written again, and faults that stay are told once.
    assert_eq!(fixture.lists.download(&loopback), Vec::<String>::new());
    assert_eq!(fs::read_dir(fixture.dir.path()).unwrap().count(), files);

    // By the rules of a server, no address of our own network is called.
    let public = HttpTransport::new(AddressRules::default(), None).unwrap();
    let strict = super::tests::fixture(Some(vec![format!("{base}/{}", names[0])]));
    let told = strict.lists.download(&public);
    assert!(told.iter().any(|line| line.contains(&base) && line.contains("no address of this host may be called")), "{told:?}");
}
