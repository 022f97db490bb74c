//! `annuaire pki`.

use crate::clock::now_ms;
use crate::exit::{Exit, InvalidValue};
use crate::new_directory::{making, put_in_place};
use crate::pki_directory::{FileReaders, PkiDirectory};
use crate::registry::random_bytes;
use annuaire_cards::{
    CardType, TestAuthority, TestAuthorityPlan, TestCard, TestCase, TestHolders, TestKeyKind, TestOrganisation, TestRandom,
    limits, read_certificate,
};
use anyhow::{Result, bail};
use clap::Args;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Cards that are made when none is asked for: physicians of the fictional nation of `annuaire demo`, and staff of a hospital.
const CARDS: [&str; 4] = [
    "810999000028:SEGNECHON:PIERRE:CPS",
    "810999000135:PERDEGNE:MARIE:CPS",
    "810999000200:BERNARD:JEAN:CPS",
    "3990000010/CPET00001:MODÈLE:ALIX:CPE",
];
/// Organisations that get a certificate when none is asked for.
const ORGANISATIONS: [&str; 2] =
    ["1990000010:HÔPITAL DE DÉMONSTRATION:proxy.hopital.example", "399900000300015:ÉDITEUR EXEMPLE:app.editeur.example"];

/// Makes a test authority in a directory: roots, authorities, revocation lists, cards, certificates of a server and of organisations
#[derive(Args)]
pub(crate) struct PkiArguments {
    /// Directory to make; it must be absent or empty
    #[arg(long = "to", value_name = "DIR")]
    to: PathBuf,
    /// A card to issue, with its type: CPS, CPF, CPE or CPA; may be given several times. Without one: cards for people of the demo
    #[arg(long = "card", value_name = "IDNPS:NAME:GIVEN[:TYPE]")]
    cards: Vec<AskedCard>,
    /// An organisation that gets a client certificate: its FINESS number after 1, or its SIRET number after 3, its name, and the name
    /// of its host; may be given several times
    #[arg(long = "organisation", value_name = "STRUCTURE:NAME:HOST")]
    organisations: Vec<AskedOrganisation>,
    /// A name of the server; may be given several times
    #[arg(long = "host", value_name = "HOST", default_values_t = ["localhost".to_owned(), "carte.localhost".to_owned()])]
    hosts: Vec<String>,
    /// Days for which the revocation lists count
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    list_days: u16,
    /// RSA keys of 2048 bits, as national cards have them, instead of P-256
    #[arg(long)]
    rsa: bool,
    /// Adds certificates that a check must refuse, one for each reason, in bad/
    #[arg(long)]
    bad: bool,
    /// Equal keys for an equal seed. Anybody can make them again: trust such an authority in tests alone
    #[arg(long, conflicts_with = "rsa")]
    seed: Option<u64>,
}

/// A card as the command line names it.
#[derive(Clone)]
struct AskedCard(TestCard);

impl FromStr for AskedCard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let (id, surname, given_name, kind) = match parts[..] {
            [id, surname, given] => (id, surname, given, None),
            [id, surname, given, kind] => (id, surname, given, Some(kind)),
            _ => return Err("write IDNPS:NAME:GIVEN, and :CPS, :CPF, :CPE or :CPA for its type".to_owned()),
        };
        if [id, surname, given_name].iter().any(|part| part.trim().is_empty()) {
            return Err("identifier, name and given name are needed".to_owned());
        }
        let card = TestCard::new(id, surname, given_name);
        let card = match kind {
            None => card,
            Some("CPS") => card.of_type(CardType::Professional),
            Some("CPF") => card.of_type(CardType::Training),
            Some("CPE" | "CDE") => card.of_type(CardType::Establishment),
            Some("CPA" | "CDA") => card.of_type(CardType::Authorised),
            Some(other) => return Err(format!("{other} is no type of card: CPS, CPF, CPE or CPA")),
        };
        Ok(Self(card))
    }
}

/// An organisation as the command line names it.
#[derive(Clone)]
struct AskedOrganisation(TestOrganisation);

impl FromStr for AskedOrganisation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [structure, name, common_name] = text.split(':').collect::<Vec<_>>()[..] else {
            return Err("write STRUCTURE:NAME:HOST".to_owned());
        };
        if [structure, name, common_name].iter().any(|part| part.trim().is_empty()) {
            return Err("structure, name and host are needed".to_owned());
        }
        if !structure.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(format!("{structure} is no structure: 1 and a FINESS number, or 3 and a SIRET number"));
        }
        let [structure, name, common_name] = [structure, name, common_name].map(str::to_owned);
        Ok(Self(TestOrganisation { name, structure, common_name }))
    }
}

impl PkiArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let shown = self.to.display();
        if fs::read_dir(&self.to).is_ok_and(|mut entries| entries.next().is_some()) {
            bail!("{shown} is not empty: name a directory that is absent or empty");
        }
        let parsed = |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect();
        let cards: Vec<AskedCard> = if self.cards.is_empty() { parsed(&CARDS) } else { self.cards.clone() };
        let parsed = |texts: &[&str]| texts.iter().filter_map(|text| text.parse().ok()).collect();
        let organisations: Vec<AskedOrganisation> =
            if self.organisations.is_empty() { parsed(&ORGANISATIONS) } else { self.organisations.clone() };
        if cards.len().max(organisations.len()) > limits::ISSUED {
            return Err(InvalidValue(format!("at most {} cards and organisations", limits::ISSUED)).into());
        }
        let ids = cards.iter().map(|AskedCard(card)| &card.national_id);
        let ids = ids.chain(organisations.iter().map(|AskedOrganisation(organisation)| &organisation.structure));
        let mut seen = BTreeSet::new();
        if let Some(twice) = ids.into_iter().find(|id| !seen.insert(id.replace('/', "_"))) {
            return Err(InvalidValue(format!("{twice} is asked for twice: each has a file of its own")).into());
        }
        let now_ms = now_ms();
        let keys = if self.rsa { TestKeyKind::Rsa2048 } else { TestKeyKind::P256 };
        let plan = TestAuthorityPlan { now_ms, keys, list_days: self.list_days, bad: self.bad };
        let mut authority = TestAuthority::new(plan, randomness(self.seed))?;
        let new = making(&self.to)?;
        let dir = PkiDirectory(new.path());

        let hosts: Vec<&str> = self.hosts.iter().map(String::as_str).collect();
        dir.write_issued("server", &authority.server(&hosts)?)?;
        for AskedCard(card) in &cards {
            let issued = authority.card(card)?;
            if let Err(fault) = read_certificate(&issued.chain[0]) {
                return Err(InvalidValue(format!("--card {}: {fault}", card.national_id)).into());
            }
            dir.write_issued(&format!("cards/{}", card.national_id.replace('/', "_")), &issued)?;
        }
        for AskedOrganisation(organisation) in &organisations {
            let issued = authority.organisation(organisation)?;
            dir.write_issued(&format!("organisations/{}", organisation.structure), &issued)?;
        }
        let mut bad = Vec::new();
        if self.bad {
            let AskedCard(holder) = &cards[0];
            for case in TestCase::ALL {
                dir.write_issued(&format!("bad/{}", case.name()), &authority.case(case, holder)?)?;
                bad.push(case);
            }
        }
        // Last, so that they name what the bad cases revoked.
        for (name, holders) in [("persons", TestHolders::Persons), ("organisations", TestHolders::Organisations)] {
            dir.write(&format!("{name}-roots.pem"), authority.roots(holders).as_bytes(), FileReaders::All)?;
            dir.write(&format!("{name}-authorities.pem"), authority.authorities(holders).as_bytes(), FileReaders::All)?;
            for (file, list) in authority.lists(holders, now_ms)? {
                dir.write(&format!("{name}-lists/{file}"), &list, FileReaders::All)?;
            }
        }
        put_in_place(new, &self.to)?;
        println!("{shown}: a test authority; whoever holds this directory can show its cards");
        println!("server.pem: {}", self.hosts.join(", "));
        for AskedCard(card) in &cards {
            println!("cards/{}.pem: {} {}", card.national_id.replace('/', "_"), card.given_name, card.surname);
        }
        for AskedOrganisation(organisation) in &organisations {
            println!("organisations/{}.pem: {}", organisation.structure, organisation.common_name);
        }
        for case in bad {
            println!("bad/{}.pem: {}", case.name(), case.refusal().map_or("accepted", |code| code));
        }
        Ok(Exit::Done)
    }
}

/// The random bytes of the system, or those that follow from a seed.
fn randomness(seed: Option<u64>) -> TestRandom {
    let Some(seed) = seed else { return Arc::new(random_bytes) };
    let count = AtomicU64::new(0);
    Arc::new(move |bytes| {
        for chunk in bytes.chunks_mut(32) {
            let n = count.fetch_add(1, Ordering::Relaxed);
            let block = Sha256::digest([seed.to_be_bytes(), n.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    })
}
