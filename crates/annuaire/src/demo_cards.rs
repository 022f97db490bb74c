//! Cards of a demonstration: a test authority in its directory, a card for each of its people and for staff of its hospital, and the hosts
//! that take them. Nothing outside trusts it.

use crate::clock::now_ms;
use crate::config::{AcceptedCards, IdentitySection};
use crate::demo_people::{PEOPLE, STAFF};
use crate::pki_directory::{FileReaders, PkiDirectory};
use crate::registry::random_bytes;
use annuaire_cards::{TestAuthority, TestAuthorityPlan, TestCard, TestHolders, TestKeyKind, TestOrganisation};
use anyhow::Result;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Days for which the revocation lists count: no demonstration lasts as long.
const LIST_DAYS: u16 = 365;

/// Makes the authority in a directory that does not exist, and sets what a server needs to take its cards on this port of this machine.
pub(crate) fn make_cards(to: &Path, port: u16, section: &mut IdentitySection) -> Result<()> {
    let now_ms = now_ms();
    let plan = TestAuthorityPlan { now_ms, keys: TestKeyKind::P256, list_days: LIST_DAYS, bad: false };
    let mut authority = TestAuthority::new(plan, Arc::new(random_bytes))?;
    let dir = PkiDirectory(to);
    dir.write_issued("server", &authority.server(&["carte.localhost", "mtls.localhost"])?)?;
    for card in cards() {
        dir.write_issued(&card_name(&card.national_id), &authority.card(&card)?)?;
    }
    let editor = TestOrganisation {
        name: "ÉDITEUR EXEMPLE".to_owned(),
        structure: "399900000300015".to_owned(),
        common_name: "app.exemple.test".to_owned(),
    };
    dir.write_issued("organisation", &authority.organisation(&editor)?)?;
    // The roots of organisations are those of all levels.
    dir.write("roots.pem", authority.roots(TestHolders::Organisations).as_bytes(), FileReaders::All)?;
    let mut lists = BTreeMap::new();
    for (name, holders) in [("persons", TestHolders::Persons), ("organisations", TestHolders::Organisations)] {
        dir.write(&format!("{name}.pem"), authority.authorities(holders).as_bytes(), FileReaders::All)?;
        lists.extend(authority.lists(holders, now_ms)?);
    }
    for (file, list) in &lists {
        dir.write(&format!("lists/{file}"), list, FileReaders::All)?;
    }
    let file = |name: &str| Some(to.join(name));
    section.tls_certificate = file("server.pem");
    section.tls_key = file("server.pem");
    section.certificate_roots = file("roots.pem");
    section.person_authorities = file("persons.pem");
    section.organisation_authorities = file("organisations.pem");
    section.revocation_lists = file("lists");
    section.card_host = Some(format!("https://carte.localhost:{port}").parse()?);
    section.mtls_host = Some(format!("https://mtls.localhost:{port}").parse()?);
    section.cards = AcceptedCards::Test;
    Ok(())
}

/// Says where the cards are, and how a browser gets one.
pub(crate) fn tell_cards(dir: &Path) {
    println!("cards of the test authority, until this demonstration ends:");
    for card in cards() {
        println!("  {}: {} {}", card_file(dir, &card.national_id).display(), card.given_name, card.surname);
    }
    println!("  {}: an organisation, for applications (tls_client_auth)", dir.join("organisation.pem").display());
    let first = card_file(dir, PEOPLE[0].national_id);
    println!("to use one in a browser: openssl pkcs12 -export -in {} -out card.p12", first.display());
    println!("  then import card.p12 as a certificate, and trust {} in a profile made for that", dir.join("roots.pem").display());
}

/// The cards: one for each person, and for staff with and without an entry in the directory.
fn cards() -> Vec<TestCard> {
    let professional = |person: &crate::demo_people::DemoPerson| {
        let (title, profession) = person.on_card();
        let card = TestCard::new(person.national_id, person.name, person.given);
        TestCard { title: title.to_owned(), profession, ..card }
    };
    let staff = STAFF.iter().map(|staff| TestCard::new(staff.national_id, staff.name, staff.given));
    PEOPLE.iter().map(professional).chain(staff).collect()
}

fn card_name(national_id: &str) -> String {
    format!("cards/{}", national_id.replace('/', "_"))
}

fn card_file(dir: &Path, national_id: &str) -> PathBuf {
    dir.join(format!("{}.pem", card_name(national_id)))
}
