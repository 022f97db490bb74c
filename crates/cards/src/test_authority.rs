//! A small private authority that looks like the national one (identity.md §3.5): three levels, authorities of persons and of
//! organisations, cards of the test category. For tests, demonstrations and training; nothing outside trusts it.

mod cases;
mod document;
mod issued;
mod key;

pub use cases::TestCase;
pub use issued::IssuedCertificate;
pub use key::TestKeyKind;

use crate::authorities::{AuthorityCertificates, AuthorityFault};
use crate::certificate::{CardType, private};
use crate::check::{CardAuthorities, OrganisationAuthorities};
use crate::crl_store::{CrlFault, CrlStore};
use document::{
    CERTIFICATES_AND_LISTS, DIGITAL_SIGNATURE, NON_REPUDIATION, Profile, alternative_names, attribute, category, certificate,
    dns_name, extended_usage, mail_address, name, number, policy, printable, revocation_list, upn,
};
use issued::pem;
use key::TestKey;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

const DAY_MS: i64 = 86_400_000;
const YEAR_MS: i64 = 366 * DAY_MS;
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const EMAIL_PROTECTION: &str = "1.3.6.1.5.5.7.3.4";
const SMARTCARD_LOGON: &str = "1.3.6.1.4.1.311.20.2.2";

/// A source of random bytes, as `annuaire_store::Entropy`.
pub type TestRandom = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// A level of trust: each has its root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestLevel {
    /// ELEMENTAIRE.
    Elementary,
    /// STANDARD.
    Standard,
    /// FORT: the level of cards.
    Strong,
}

impl TestLevel {
    const ALL: [Self; 3] = [Self::Elementary, Self::Standard, Self::Strong];

    fn label(self) -> &'static str {
        match self {
            Self::Elementary => "ELEMENTAIRE",
            Self::Standard => "STANDARD",
            Self::Strong => "FORT",
        }
    }
}

/// For whom an authority issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestHolders {
    /// PERSONNES: cards. Those of the levels STANDARD and FORT are accepted.
    Persons,
    /// ORGANISATIONS: structures, software, servers. Those of each level are accepted.
    Organisations,
}

/// What a test authority is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestAuthorityPlan {
    /// The present, milliseconds since 1970. Authorities count from a year before, for twenty years; what they issue from a day
    /// before, for three years.
    pub now_ms: i64,
    /// What keys to make.
    pub keys: TestKeyKind,
    /// For how many days its revocation lists count.
    pub list_days: u16,
    /// Whether to make the authorities of bad cases too: one revoked, one without a list, one with an old list.
    pub bad: bool,
}

impl TestAuthorityPlan {
    /// An authority for tests: quick keys, lists for a week, bad cases too.
    #[must_use]
    pub fn for_tests(now_ms: i64) -> Self {
        Self { now_ms, keys: TestKeyKind::P256, list_days: 7, bad: true }
    }
}

/// Why a test authority cannot issue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TestAuthorityFault {
    /// The back-end made no key or no signature.
    #[error("the crypto back-end made no key or signature")]
    Backend,
    /// The plan has no authorities of bad cases.
    #[error("this authority was made without bad cases")]
    NoBadCases,
    /// A list of its own is not accepted.
    #[error("{0}")]
    List(#[from] CrlFault),
    /// One of its own authorities is not accepted.
    #[error("{0}")]
    Authority(#[from] AuthorityFault),
}

/// A card to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCard {
    /// National identifier of the holder.
    pub national_id: String,
    /// Family name.
    pub surname: String,
    /// Given name.
    pub given_name: String,
    /// Label of the profession.
    pub title: String,
    /// Type of the card.
    pub card_type: CardType,
    /// Code of the profession (TRE_G15).
    pub profession: Option<u32>,
}

impl TestCard {
    /// A card with the type that the identifier calls for: CPE for an identifier with a structure, else CPS of a physician.
    #[must_use]
    pub fn new(national_id: &str, surname: &str, given_name: &str) -> Self {
        let kind = if national_id.contains('/') { CardType::Establishment } else { CardType::Professional };
        let card = Self {
            national_id: national_id.to_owned(),
            surname: surname.to_owned(),
            given_name: given_name.to_owned(),
            title: String::new(),
            card_type: kind,
            profession: None,
        };
        card.of_type(kind)
    }

    /// This card with another type, and the title and profession that go with it.
    #[must_use]
    pub fn of_type(self, card_type: CardType) -> Self {
        let (title, profession) = match card_type {
            CardType::Professional => ("Médecin", Some(10)),
            CardType::Training => ("Médecin en formation", Some(10)),
            CardType::Establishment | CardType::Authorised => ("Personnel santé ou social", None),
        };
        Self { title: title.to_owned(), card_type, profession, ..self }
    }
}

/// The certificate of an organisation to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOrganisation {
    /// Name of the organisation.
    pub name: String,
    /// Identifier of the structure: `1` and a FINESS number, or `3` and a SIRET number.
    pub structure: String,
    /// Common name: mostly a host.
    pub common_name: String,
}

/// An authority of the hierarchy.
struct TestIssuer {
    name: String,
    level: TestLevel,
    /// `None` for a root.
    holders: Option<TestHolders>,
    subject: Vec<u8>,
    key: TestKey,
    der: Vec<u8>,
    serial: Vec<u8>,
    revoked: Vec<Vec<u8>>,
    list: ListKind,
}

/// How the list of an authority is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListKind {
    Good,
    Missing,
    Stale,
}

/// What differs from the certificate of a good card.
struct CardDetails {
    category: Option<u8>,
    upn: Option<String>,
    reversed: bool,
    for_signatures: bool,
    not_before_ms: i64,
    not_after_ms: i64,
}

/// A test authority: three levels, each with a root, an authority of persons and one of organisations.
///
/// ```
/// use annuaire_cards::{CardEnvironment, TestAuthority, TestAuthorityPlan, TestCard, check_card};
/// use std::sync::Arc;
///
/// let now_ms = 1_795_000_000_000;
/// let random = Arc::new(|bytes: &mut [u8]| bytes.fill(7));
/// let mut authority = TestAuthority::new(TestAuthorityPlan::for_tests(now_ms), random).unwrap();
/// let card = authority.card(&TestCard::new("899900000011", "EXEMPLE", "CAMILLE")).unwrap();
///
/// let authorities = authority.card_authorities(now_ms).unwrap();
/// let holder = check_card(&card.chain, &authorities, now_ms, CardEnvironment::Test).unwrap();
/// assert_eq!(holder.national_id(), "899900000011");
/// ```
pub struct TestAuthority {
    plan: TestAuthorityPlan,
    random: TestRandom,
    issuers: Vec<TestIssuer>,
    cards: u32,
}

impl TestAuthority {
    /// Makes the hierarchy, with keys and serial numbers from these random bytes (RSA keys excepted).
    ///
    /// # Errors
    /// When the back-end makes no key.
    pub fn new(plan: TestAuthorityPlan, random: TestRandom) -> Result<Self, TestAuthorityFault> {
        let mut made = Self { plan, random, issuers: Vec::new(), cards: 0 };
        for level in TestLevel::ALL {
            let label = level.label();
            let root = made.issuers.len();
            made.add(format!("TEST AC RACINE IGC-SANTE {label}"), level, None, root, ListKind::Good)?;
            for (holders, name) in [(TestHolders::Persons, "PERSONNES"), (TestHolders::Organisations, "ORGANISATIONS")] {
                made.add(format!("TEST AC IGC-SANTE {label} {name}"), level, Some(holders), root, ListKind::Good)?;
            }
            if plan.bad && level == TestLevel::Strong {
                for (end, list) in
                    [(cases::REVOKED, ListKind::Good), (cases::NO_LIST, ListKind::Missing), (cases::OLD_LIST, ListKind::Stale)]
                {
                    let name = format!("TEST AC IGC-SANTE {label} PERSONNES {end}");
                    let place = made.add(name, level, Some(TestHolders::Persons), root, list)?;
                    if end == cases::REVOKED {
                        let serial = made.issuers[place].serial.clone();
                        made.issuers[root].revoked.push(serial);
                    }
                }
            }
        }
        Ok(made)
    }

    /// Issues a card.
    ///
    /// # Errors
    /// When the back-end fails.
    pub fn card(&mut self, card: &TestCard) -> Result<IssuedCertificate, TestAuthorityFault> {
        let issuer = self.issuer(TestLevel::Strong, TestHolders::Persons);
        let details = self.good_card(card);
        self.issue_card(card, issuer, details)
    }

    /// Issues the client certificate of an organisation.
    ///
    /// # Errors
    /// When the back-end fails.
    pub fn organisation(&mut self, organisation: &TestOrganisation) -> Result<IssuedCertificate, TestAuthorityFault> {
        let TestOrganisation { name: called, structure, common_name } = organisation;
        let subject = [
            ("2.5.4.6", "FR"),
            ("2.5.4.8", "Moselle (57)"),
            ("2.5.4.10", called.as_str()),
            ("2.5.4.11", structure.as_str()),
            ("2.5.4.3", common_name.as_str()),
        ];
        let subject: Vec<_> = subject.iter().map(|(kind, value)| vec![attribute(kind, value)]).collect();
        let more = vec![policy(), category(0x83), extended_usage(&[CLIENT_AUTH])];
        self.issue_for_organisation(&subject, more)
    }

    /// Issues the certificate of a server with these names of hosts.
    ///
    /// # Errors
    /// When the back-end fails.
    pub fn server(&mut self, hosts: &[&str]) -> Result<IssuedCertificate, TestAuthorityFault> {
        let common_name = hosts.first().copied().unwrap_or("localhost");
        let subject = [vec![attribute("2.5.4.6", "FR")], vec![attribute("2.5.4.3", common_name)]];
        let hosts: Vec<Vec<u8>> = hosts.iter().map(|host| dns_name(host)).collect();
        let more = vec![policy(), category(0x83), extended_usage(&[SERVER_AUTH]), alternative_names(&hosts)];
        self.issue_for_organisation(&subject, more)
    }

    /// Issues the certificate of a case, for a person of the caller's choice.
    ///
    /// # Errors
    /// When the authority was made without bad cases, or the back-end fails.
    pub fn case(&mut self, case: TestCase, card: &TestCard) -> Result<IssuedCertificate, TestAuthorityFault> {
        if !self.plan.bad {
            return Err(TestAuthorityFault::NoBadCases);
        }
        let mut issuer = self.issuer(TestLevel::Strong, TestHolders::Persons);
        let mut details = self.good_card(card);
        let now_ms = self.plan.now_ms;
        match case {
            TestCase::Good | TestCase::Revoked | TestCase::Forged => {}
            TestCase::Expired => {
                (details.not_before_ms, details.not_after_ms) = (now_ms - YEAR_MS + DAY_MS, now_ms - DAY_MS);
            }
            TestCase::NotYetValid => (details.not_before_ms, details.not_after_ms) = (now_ms + DAY_MS, now_ms + YEAR_MS),
            TestCase::AuthorityRevoked => issuer = self.bad_issuer(cases::REVOKED),
            TestCase::NoList => issuer = self.bad_issuer(cases::NO_LIST),
            TestCase::StaleList => issuer = self.bad_issuer(cases::OLD_LIST),
            TestCase::WrongLevel => issuer = self.issuer(TestLevel::Elementary, TestHolders::Persons),
            TestCase::OfOrganisations => issuer = self.issuer(TestLevel::Strong, TestHolders::Organisations),
            TestCase::ProductionCategory => details.category = Some(0),
            TestCase::SoftwareCategory => details.category = Some(0x83),
            TestCase::NoCategory => details.category = None,
            TestCase::Signature => details.for_signatures = true,
            TestCase::OtherUpn => details.upn = Some("899900000029@carte.annuaire.example".to_owned()),
            TestCase::NoUpn => details.upn = None,
            TestCase::OtherOrder => details.reversed = true,
        }
        let mut issued = self.issue_card(card, issuer, details)?;
        match case {
            TestCase::Revoked => self.revoke(&issued),
            TestCase::Forged => {
                // The last bit of the signature.
                let mut bytes = issued.chain[0].to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                issued.chain[0] = CertificateDer::from(bytes);
            }
            _ => {}
        }
        Ok(issued)
    }

    /// Revokes a certificate: the lists made from now on name it.
    pub fn revoke(&mut self, issued: &IssuedCertificate) {
        let serial = issued.serial.clone();
        if let Some(issuer) = self.issuers.iter_mut().find(|issuer| issued.chain.get(1).is_some_and(|der| **der == *issuer.der)) {
            issuer.revoked.push(serial);
        }
    }

    /// The accepted roots of these holders, in PEM.
    #[must_use]
    pub fn roots(&self, holders: TestHolders) -> String {
        let root = |issuer: &&TestIssuer| issuer.holders.is_none() && accepts(holders, issuer.level);
        self.issuers.iter().filter(root).map(|issuer| pem("CERTIFICATE", &issuer.der)).collect()
    }

    /// The accepted authorities of these holders, in PEM.
    #[must_use]
    pub fn authorities(&self, holders: TestHolders) -> String {
        let below = |issuer: &&TestIssuer| issuer.holders == Some(holders) && accepts(holders, issuer.level);
        self.issuers.iter().filter(below).map(|issuer| pem("CERTIFICATE", &issuer.der)).collect()
    }

    /// The revocation lists of the accepted authorities of these holders and of their roots, made at an instant: names of files, and
    /// their bytes in DER.
    ///
    /// # Errors
    /// When the back-end makes no signature.
    pub fn lists(&self, holders: TestHolders, made_ms: i64) -> Result<Vec<(String, Vec<u8>)>, TestAuthorityFault> {
        let mut lists = Vec::new();
        for issuer in &self.issuers {
            let concerned = issuer.holders.is_none_or(|of| of == holders) && accepts(holders, issuer.level);
            let life = i64::from(self.plan.list_days) * DAY_MS;
            let dates = match issuer.list {
                _ if !concerned => continue,
                ListKind::Missing => continue,
                ListKind::Good => (made_ms, made_ms + life),
                ListKind::Stale => (self.plan.now_ms - life - DAY_MS, self.plan.now_ms - DAY_MS),
            };
            let list = revocation_list(&issuer.subject, &issuer.key.public(), dates, &issuer.revoked, &issuer.key);
            lists.push((document::file_name(&issuer.name), list.ok_or(TestAuthorityFault::Backend)?));
        }
        Ok(lists)
    }

    /// The store of these holders with lists made at an instant.
    ///
    /// # Errors
    /// When the back-end fails.
    pub fn crl_store(&self, holders: TestHolders, made_ms: i64) -> Result<CrlStore, TestAuthorityFault> {
        let (roots, authorities) = (self.roots(holders), self.authorities(holders));
        let certificates = AuthorityCertificates::read(roots.as_bytes(), authorities.as_bytes())?;
        let mut store = CrlStore::new(Arc::new(certificates));
        for (_, list) in self.lists(holders, made_ms)? {
            store.take(&list)?;
        }
        Ok(store)
    }

    /// The authorities of cards, with lists made at an instant.
    ///
    /// # Errors
    /// When the back-end fails.
    pub fn card_authorities(&self, made_ms: i64) -> Result<CardAuthorities, TestAuthorityFault> {
        Ok(CardAuthorities::new(&self.crl_store(TestHolders::Persons, made_ms)?)?)
    }

    /// The authorities of organisations, with lists made at an instant.
    ///
    /// # Errors
    /// When the back-end fails.
    pub fn organisation_authorities(&self, made_ms: i64) -> Result<OrganisationAuthorities, TestAuthorityFault> {
        Ok(OrganisationAuthorities::new(&self.crl_store(TestHolders::Organisations, made_ms)?)?)
    }

    /// Adds an authority and returns its place.
    fn add(
        &mut self,
        called: String,
        level: TestLevel,
        holders: Option<TestHolders>,
        root: usize,
        list: ListKind,
    ) -> Result<usize, TestAuthorityFault> {
        let key = self.key()?;
        let serial = self.serial();
        let subject: Vec<Vec<Vec<u8>>> = [
            ("2.5.4.6", "FR"),
            ("2.5.4.10", "ANNUAIRE DEMONSTRATION"),
            ("2.5.4.11", "0002 999000003"),
            ("2.5.4.11", "IGC-SANTE TEST"),
            ("2.5.4.3", called.as_str()),
        ]
        .iter()
        .map(|(kind, value)| vec![attribute(kind, value)])
        .collect();
        let subject = name(&subject, false);
        let place = self.issuers.len();
        let (now_ms, public_key) = (self.plan.now_ms, key.public());
        let above = self.issuers.get(root).filter(|_| root != place);
        let issuer_key = above.map_or_else(|| public_key.clone(), |above| above.key.public());
        let profile = Profile {
            serial: &serial,
            issuer: above.map_or(&subject, |above| &above.subject),
            list_of: above.map(|above| above.name.as_str()),
            subject: &subject,
            not_before_ms: now_ms - YEAR_MS,
            not_after_ms: now_ms + 19 * YEAR_MS,
            public_key: &public_key,
            issuer_key: &issuer_key,
            usage: CERTIFICATES_AND_LISTS,
            is_authority: true,
            more: Vec::new(),
        };
        let der = certificate(profile, above.map_or(&key, |above| &above.key)).ok_or(TestAuthorityFault::Backend)?;
        self.issuers.push(TestIssuer { name: called, level, holders, subject, key, der, serial, revoked: Vec::new(), list });
        Ok(place)
    }

    fn key(&self) -> Result<TestKey, TestAuthorityFault> {
        TestKey::make(self.plan.keys, &*self.random).ok_or(TestAuthorityFault::Backend)
    }

    /// A serial number that is positive in DER.
    fn serial(&self) -> Vec<u8> {
        let mut serial = vec![0; 16];
        (self.random)(&mut serial);
        serial[0] = serial[0] & 0x3F | 0x40;
        // Two numbers differ even if the random bytes do not, as those of some tests.
        let count = (self.issuers.len() as u32) << 24 | self.cards;
        serial[12..].copy_from_slice(&count.to_be_bytes());
        serial
    }

    fn issuer(&self, level: TestLevel, holders: TestHolders) -> usize {
        let found = self.issuers.iter().position(|issuer| issuer.level == level && issuer.holders == Some(holders));
        found.unwrap_or_default()
    }

    fn bad_issuer(&self, end: &str) -> usize {
        self.issuers.iter().position(|issuer| issuer.name.ends_with(end)).unwrap_or_default()
    }

    fn good_card(&self, card: &TestCard) -> CardDetails {
        CardDetails {
            category: Some(0x80),
            upn: Some(format!("{}@carte.annuaire.example", card.national_id)),
            reversed: false,
            for_signatures: false,
            not_before_ms: self.plan.now_ms - DAY_MS,
            not_after_ms: self.plan.now_ms + 3 * YEAR_MS,
        }
    }

    fn issue_card(
        &mut self,
        card: &TestCard,
        issuer: usize,
        details: CardDetails,
    ) -> Result<IssuedCertificate, TestAuthorityFault> {
        let mut subject = vec![vec![attribute("2.5.4.6", "FR")]];
        if let Some((structure, _)) = card.national_id.split_once('/') {
            // The kind of a person's identifier with a structure: 3 FINESS, 4 SIREN, 5 SIRET. Those of structures: 1 FINESS, 3 SIRET.
            let unit = structure.strip_prefix('3').map_or_else(
                || structure.strip_prefix('5').map_or_else(|| structure.to_owned(), |siret| format!("3{siret}")),
                |finess| format!("1{finess}"),
            );
            subject.push(vec![attribute("2.5.4.8", "Moselle (57)")]);
            subject.push(vec![attribute("2.5.4.10", "HOPITAL DE DEMONSTRATION")]);
            subject.push(vec![attribute("2.5.4.11", &unit)]);
        }
        subject.push(vec![attribute("2.5.4.12", &card.title)]);
        subject.push(vec![
            attribute("2.5.4.42", &card.given_name),
            attribute("2.5.4.3", &card.national_id),
            attribute("2.5.4.4", &card.surname),
        ]);
        self.cards += 1;
        let mut more = vec![
            policy(),
            number(private::CARD_TYPE, card.card_type.code()),
            printable(private::CARD_NUMBER, &format!("8025000001/{:010}", 9_990_000_000_u64 + u64::from(self.cards))),
        ];
        more.extend(card.profession.map(|code| number(private::PROFESSION, code)));
        if card.profession.is_none() {
            more.push(number(private::RESPONSIBILITY, 1));
        }
        more.extend(details.category.map(category));
        let usage = if details.for_signatures {
            more.push(extended_usage(&[EMAIL_PROTECTION]));
            more.push(alternative_names(&[mail_address("porteur@annuaire.example")]));
            NON_REPUDIATION
        } else {
            more.push(extended_usage(&[CLIENT_AUTH, SMARTCARD_LOGON]));
            more.extend(details.upn.as_deref().map(|user| alternative_names(&[upn(user)])));
            DIGITAL_SIGNATURE
        };
        self.issue(issuer, &name(&subject, details.reversed), (details.not_before_ms, details.not_after_ms), usage, more)
    }

    fn issue_for_organisation(
        &mut self,
        subject: &[Vec<Vec<u8>>],
        more: Vec<Vec<u8>>,
    ) -> Result<IssuedCertificate, TestAuthorityFault> {
        self.cards += 1;
        let issuer = self.issuer(TestLevel::Elementary, TestHolders::Organisations);
        let dates = (self.plan.now_ms - DAY_MS, self.plan.now_ms + 3 * YEAR_MS);
        self.issue(issuer, &name(subject, false), dates, DIGITAL_SIGNATURE, more)
    }

    fn issue(
        &self,
        issuer: usize,
        subject: &[u8],
        (not_before_ms, not_after_ms): (i64, i64),
        usage: u8,
        more: Vec<Vec<u8>>,
    ) -> Result<IssuedCertificate, TestAuthorityFault> {
        let (key, serial) = (self.key()?, self.serial());
        let issuer = &self.issuers[issuer];
        let profile = Profile {
            serial: &serial,
            issuer: &issuer.subject,
            list_of: Some(&issuer.name),
            subject,
            not_before_ms,
            not_after_ms,
            public_key: &key.public(),
            issuer_key: &issuer.key.public(),
            usage,
            is_authority: false,
            more,
        };
        let der = certificate(profile, &issuer.key).ok_or(TestAuthorityFault::Backend)?;
        let chain = vec![CertificateDer::from(der), CertificateDer::from(issuer.der.clone())];
        Ok(IssuedCertificate { chain, serial, pkcs8: key.pkcs8().ok_or(TestAuthorityFault::Backend)? })
    }
}

/// Whether the authorities of a level are accepted for these holders.
fn accepts(holders: TestHolders, level: TestLevel) -> bool {
    holders == TestHolders::Organisations || level != TestLevel::Elementary
}
