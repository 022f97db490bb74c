//! What a certificate of a person or of an organisation says: fields found by their identifiers, never by position.

use crate::der::{self, tag};
use crate::distinguished_name::{DistinguishedName, NameFault, oid};
use crate::limits;
use annuaire_base::text::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use x509_parser::prelude::{
    DistributionPointName, FromDer, GeneralName, ParsedExtension, SubjectAlternativeName, X509Certificate,
};

/// Identifiers of the extensions that only these certificates have.
pub(crate) mod private {
    /// Product category (TRE_G01).
    pub(crate) const CATEGORY: &str = "1.2.250.1.71.1.2.5";
    /// Type of card (TRE_G02).
    pub(crate) const CARD_TYPE: &str = "1.2.250.1.71.1.2.2";
    /// Issuer and number of the card.
    pub(crate) const CARD_NUMBER: &str = "1.2.250.1.71.1.2.3";
    /// Profession (TRE_G15).
    pub(crate) const PROFESSION: &str = "1.2.250.1.71.1.2.7";
    /// Responsibility of a member of staff (TRE_G04).
    pub(crate) const RESPONSIBILITY: &str = "1.2.250.1.71.1.2.12";
    /// Name of a user for Microsoft, an `otherName`.
    pub(crate) const UPN: &str = "1.3.6.1.4.1.311.20.2.3";
}

/// Why bytes are no certificate of a card or an organisation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// More bytes than a certificate may have.
    #[error("the certificate has {0} bytes; at most {limit} are read", limit = limits::CERTIFICATE)]
    TooLong(usize),
    /// No certificate in DER.
    #[error("these bytes are no X.509 certificate in DER: give the certificate itself, not its PEM text or its key")]
    Encoding,
    /// Bytes after the certificate.
    #[error("{0} bytes follow the certificate: give one certificate")]
    Trailing(usize),
    /// Its subject or issuer is no name that we read.
    #[error("the {place} of the certificate: {fault}")]
    Name {
        /// `subject` or `issuer`.
        place: &'static str,
        /// What is wrong.
        fault: NameFault,
    },
    /// An extension that stands twice.
    #[error("the certificate has the extension {0} twice")]
    Twice(String),
    /// An extension that does not contain what its identifier promises.
    #[error("the extension {0} of the certificate cannot be read")]
    Extension(String),
    /// A subject without a common name, or with several.
    #[error("the subject of the certificate needs exactly one common name (CN)")]
    NoCommonName,
    /// A common name that is no national identifier of a person.
    #[error("the common name of the certificate is no national identifier: a digit for the kind, then the number")]
    NotANationalId,
}

/// Category of the product for which a certificate was made (TRE_G01).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductCategory(u8);

impl ProductCategory {
    /// The category with this code.
    #[must_use]
    pub fn new(code: u8) -> Self {
        Self(code)
    }

    /// Its code: `00` card, `02` security module, `03` software, and with the highest bit for tests.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0
    }

    /// Whether the product is for tests only.
    #[must_use]
    pub fn is_test(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Whether the product is a card, so that its key cannot be copied.
    #[must_use]
    pub fn is_card(self) -> bool {
        self.0 & 0x7F == 0
    }
}

/// Type of a card (TRE_G02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardType {
    /// CPS: a health professional.
    Professional,
    /// CPF: a professional in training.
    Training,
    /// CDE or CPE: the manager or the staff of a health establishment.
    Establishment,
    /// CDA or CPA: the manager or the staff of another authorised body.
    Authorised,
}

impl CardType {
    /// The type with this code of TRE_G02.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        [Self::Professional, Self::Training, Self::Establishment, Self::Authorised].into_iter().find(|t| t.code() == code)
    }

    /// Its code in TRE_G02.
    #[must_use]
    pub fn code(self) -> u32 {
        match self {
            Self::Professional => 0,
            Self::Training => 1,
            Self::Establishment => 2,
            Self::Authorised => 3,
        }
    }
}

/// What a certificate says, whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its subject.
    pub subject: DistinguishedName,
    /// Who issued it.
    pub issuer: DistinguishedName,
    /// Its serial number, in hexadecimal digits.
    pub serial: String,
    /// First instant of its validity, milliseconds since 1970.
    pub not_before_ms: i64,
    /// Last instant of its validity, milliseconds since 1970.
    pub not_after_ms: i64,
    /// SHA-256 of its bytes: `x5t#S256` of RFC 8705 is its base64url.
    pub thumbprint: [u8; 32],
    /// Whether its key may sign to authenticate (keyUsage digitalSignature).
    pub digital_signature: bool,
    /// Whether its key signs documents (keyUsage nonRepudiation).
    pub non_repudiation: bool,
    /// Whether it may identify a client of TLS (extKeyUsage clientAuth).
    pub client_auth: bool,
    /// Whether it may identify a server of TLS (extKeyUsage serverAuth).
    pub server_auth: bool,
    /// Category of the product, when it says so.
    pub category: Option<ProductCategory>,
    /// Addresses of its full revocation lists (cRLDistributionPoints).
    pub crl_addresses: Vec<String>,
}

/// What the certificate of a card says (identity.md §3.3, §3.4). Whether it is true is another question: see
/// [`check_card`](crate::check_card).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardCertificate {
    /// What every certificate says.
    pub facts: CertificateFacts,
    /// National identifier of the holder (IDNPS), the common name: `899900000011`, or `3990000010/CPET00001`.
    pub national_id: String,
    /// Family name.
    pub surname: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Label of the profession.
    pub title: Option<String>,
    /// Name of a user for Microsoft: the national identifier, `@` and a domain.
    pub upn: Option<String>,
    /// Type of the card.
    pub card_type: Option<CardType>,
    /// Number of the issuer of the card.
    pub card_issuer: Option<String>,
    /// Number of the card.
    pub card_number: Option<String>,
    /// Code of the profession (TRE_G15).
    pub profession: Option<u32>,
    /// Code of the responsibility of a member of staff (TRE_G04).
    pub responsibility: Option<u32>,
    /// Name of the structure of a member of staff (O).
    pub organisation: Option<String>,
    /// Identifier of the structure of a member of staff (OU): `1` and its FINESS number, or `3` and its SIRET number.
    pub structure: Option<String>,
}

/// What the certificate of an organisation, a software or a server says (identity.md §3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationCertificate {
    /// What every certificate says. Clients of `tls_client_auth` (RFC 8705 §2.1.2) are found by its subject.
    pub facts: CertificateFacts,
    /// The common name, mostly the name of a host.
    pub common_name: String,
    /// Name of the organisation (O).
    pub organisation: Option<String>,
    /// Identifier of the structure (OU): `1` and its FINESS number, or `3` and its SIRET number.
    pub structure: Option<String>,
    /// Names of hosts (subjectAltName).
    pub dns_names: Vec<String>,
}

/// Reads the certificate of a card from its DER bytes. Costs tens of microseconds.
///
/// # Errors
/// A [`CertificateFault`] when the bytes are no such certificate. Whether the certificate stands is not looked at.
pub fn read_certificate(der: &[u8]) -> Result<CardCertificate, CertificateFault> {
    let raw = RawCertificate::read(der)?;
    let subject = &raw.facts.subject;
    let national_id = subject.common_name().ok_or(CertificateFault::NoCommonName)?.to_owned();
    if !is_national_id(&national_id) {
        return Err(CertificateFault::NotANationalId);
    }
    let (mut card_issuer, mut card_number) = (None, None);
    if let Some(value) = raw.private(private::CARD_NUMBER) {
        let written = raw_text(value).ok_or_else(|| unreadable(private::CARD_NUMBER))?;
        let (issuer, number) = written.split_once('/').ok_or_else(|| unreadable(private::CARD_NUMBER))?;
        (card_issuer, card_number) = (Some(issuer.to_owned()), Some(number.to_owned()));
    }
    let number = |oid: &str| {
        raw.private(oid)
            .map(|value| der::only(value, tag::INTEGER).and_then(der::small).ok_or_else(|| unreadable(oid)))
            .transpose()
    };
    let card_type = number(private::CARD_TYPE)?
        .map(|code| CardType::from_code(code).ok_or_else(|| unreadable(private::CARD_TYPE)))
        .transpose()?;
    Ok(CardCertificate {
        surname: subject.single(oid::SURNAME).map(str::to_owned),
        given_name: subject.single(oid::GIVEN_NAME).map(str::to_owned),
        title: subject.single(oid::TITLE).map(str::to_owned),
        upn: raw.upn.clone(),
        card_type,
        card_issuer,
        card_number,
        profession: number(private::PROFESSION)?,
        responsibility: number(private::RESPONSIBILITY)?,
        organisation: subject.single(oid::ORGANISATION).map(str::to_owned),
        structure: structure_of(subject),
        national_id,
        facts: raw.facts,
    })
}

/// Reads the certificate of an organisation from its DER bytes. Costs tens of microseconds.
///
/// # Errors
/// A [`CertificateFault`] when the bytes are no certificate, or when its subject has no common name.
pub fn read_organisation_certificate(der: &[u8]) -> Result<OrganisationCertificate, CertificateFault> {
    let raw = RawCertificate::read(der)?;
    let subject = &raw.facts.subject;
    let common_name = subject.common_name().ok_or(CertificateFault::NoCommonName)?.to_owned();
    let structure = structure_of(subject);
    let organisation = subject.single(oid::ORGANISATION).map(str::to_owned);
    Ok(OrganisationCertificate { common_name, organisation, structure, dns_names: raw.dns_names, facts: raw.facts })
}

/// The one unit of a subject that is the identifier of a structure.
fn structure_of(subject: &DistinguishedName) -> Option<String> {
    let mut structures = subject.texts(oid::UNIT).filter(|unit| is_structure(unit));
    let only = structures.next()?;
    structures.next().is_none().then(|| only.to_owned())
}

/// Whether a common name has the form of a national identifier: a digit for its kind (TRE_G08), then a number, with `/` between a
/// structure and its own number; or a test identity of a publisher (`ANS` and digits).
fn is_national_id(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_'));
    let begins = text.starts_with("ANS") || text.starts_with(|c: char| c.is_ascii_digit());
    plain && begins && (2..=limits::NATIONAL_ID).contains(&text.len())
}

/// Whether a unit is the identifier of a structure: `1` and nine characters of FINESS, or `3` and fourteen digits of SIRET.
fn is_structure(unit: &str) -> bool {
    let number = |first: char, length: usize| {
        unit.strip_prefix(first).is_some_and(|rest| rest.len() == length && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    number('1', 9) || number('3', 14)
}

fn unreadable(oid: &str) -> CertificateFault {
    CertificateFault::Extension(oid.to_owned())
}

/// The only string of an extension.
fn raw_text(value: &[u8]) -> Option<String> {
    match der::first(value)? {
        (element, []) => der::text(element.tag, element.content),
        _ => None,
    }
}

/// A certificate as both readers use it.
pub(crate) struct RawCertificate {
    pub(crate) facts: CertificateFacts,
    upn: Option<String>,
    dns_names: Vec<String>,
    private: Vec<(String, Vec<u8>)>,
}

impl RawCertificate {
    pub(crate) fn read(der: &[u8]) -> Result<Self, CertificateFault> {
        if der.len() > limits::CERTIFICATE {
            return Err(CertificateFault::TooLong(der.len()));
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| CertificateFault::Encoding)?;
        if !rest.is_empty() {
            return Err(CertificateFault::Trailing(rest.len()));
        }
        let name = |place, name| DistinguishedName::read(name).map_err(|fault| CertificateFault::Name { place, fault });
        let facts = CertificateFacts {
            subject: name("subject", certificate.subject())?,
            issuer: name("issuer", certificate.issuer())?,
            serial: hex(certificate.raw_serial()),
            not_before_ms: certificate.validity().not_before.timestamp().saturating_mul(1_000),
            not_after_ms: certificate.validity().not_after.timestamp().saturating_mul(1_000),
            thumbprint: Sha256::digest(der).into(),
            digital_signature: false,
            non_repudiation: false,
            client_auth: false,
            server_auth: false,
            category: None,
            crl_addresses: Vec::new(),
        };
        let mut raw = Self { facts, upn: None, dns_names: Vec::new(), private: Vec::new() };
        let mut seen = BTreeSet::new();
        for extension in certificate.extensions() {
            let oid = extension.oid.to_id_string();
            if !seen.insert(oid.clone()) {
                return Err(CertificateFault::Twice(oid));
            }
            raw.read_extension(oid, extension.parsed_extension(), extension.value)?;
        }
        Ok(raw)
    }

    fn read_extension(&mut self, oid: String, parsed: &ParsedExtension<'_>, value: &[u8]) -> Result<(), CertificateFault> {
        match parsed {
            ParsedExtension::ParseError { .. } => return Err(CertificateFault::Extension(oid)),
            ParsedExtension::KeyUsage(usage) => {
                self.facts.digital_signature = usage.digital_signature();
                self.facts.non_repudiation = usage.non_repudiation();
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.facts.client_auth = usage.client_auth;
                self.facts.server_auth = usage.server_auth;
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                self.read_alternative_names(names).ok_or(CertificateFault::Extension(oid))?;
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                for point in points.iter() {
                    let Some(DistributionPointName::FullName(names)) = &point.distribution_point else { continue };
                    let addresses = names.iter().filter_map(|name| match name {
                        GeneralName::URI(address) => Some((*address).to_owned()),
                        _ => None,
                    });
                    self.facts.crl_addresses.extend(addresses);
                }
            }
            ParsedExtension::UnsupportedExtension { .. } if oid == private::CATEGORY => match der::only(value, tag::OCTET_STRING)
            {
                Some([code]) => self.facts.category = Some(ProductCategory(*code)),
                _ => return Err(CertificateFault::Extension(oid)),
            },
            ParsedExtension::UnsupportedExtension { .. } => self.private.push((oid, value.to_vec())),
            _ => {}
        }
        Ok(())
    }

    /// Keeps the names of hosts and the name of a user. `None` when a name cannot be read, or when the latter is there twice.
    fn read_alternative_names(&mut self, names: &SubjectAlternativeName<'_>) -> Option<()> {
        for name in &names.general_names {
            match name {
                GeneralName::DNSName(name) => self.dns_names.push((*name).to_owned()),
                GeneralName::OtherName(kind, value) if kind.to_id_string() == private::UPN => {
                    let upn = raw_text(der::only(value, tag::explicit(0))?)?;
                    if self.upn.replace(upn).is_some() {
                        return None;
                    }
                }
                GeneralName::Invalid(..) => return None,
                _ => {}
            }
        }
        Some(())
    }

    fn private(&self, oid: &str) -> Option<&[u8]> {
        self.private.iter().find(|(known, _)| known == oid).map(|(_, value)| value.as_slice())
    }
}
