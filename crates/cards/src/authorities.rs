//! The authorities that an operator trusts: roots, and below them those that issue.

use crate::certificate::{CertificateFacts, CertificateFault, RawCertificate};
use crate::limits;
use crate::signed::{is_signed_by, provider};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Why files do not give authorities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityFault {
    /// A file without a certificate.
    #[error("no certificate among the {0}: give them in PEM (-----BEGIN CERTIFICATE-----), or one in DER")]
    Nothing(&'static str),
    /// Too many certificates.
    #[error("more than {limit} certificates among the {0}", limit = limits::AUTHORITIES)]
    TooMany(&'static str),
    /// A certificate that cannot be read.
    #[error("certificate {number} of the {kind}: {fault}")]
    Unreadable {
        /// `roots` or `authorities`.
        kind: &'static str,
        /// Its place in the file, from 1.
        number: usize,
        /// What is wrong.
        fault: CertificateFault,
    },
    /// A section of PEM that cannot be read.
    #[error("section {number} of the {kind} is no PEM: {why}")]
    Pem {
        /// `roots` or `authorities`.
        kind: &'static str,
        /// Its place in the file, from 1.
        number: usize,
        /// What the reader of PEM says.
        why: String,
    },
    /// A certificate that may not issue others.
    #[error("{0} is no authority: its certificate may not issue others")]
    NotAnAuthority(String),
    /// A root that did not sign itself.
    #[error("{0} is no root: it did not sign itself; name it among the authorities")]
    NotARoot(String),
    /// An authority that no given root signed.
    #[error("{0} is signed by none of the given roots: give its root, {1}")]
    NoRoot(String, String),
    /// The library that checks chains cannot use it.
    #[error("{0} cannot be used: {1}")]
    Unusable(String, String),
}

/// One authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) facts: CertificateFacts,
    pub(crate) raw_subject: Vec<u8>,
    pub(crate) raw_serial: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
}

impl Authority {
    /// Its common name, else its whole name.
    pub(crate) fn name(&self) -> String {
        let subject = &self.facts.subject;
        subject.common_name().map_or_else(|| subject.to_string(), str::to_owned)
    }
}

/// The authorities of one kind of certificates: roots, and those below them that issue. Their certificates are read once, when a
/// server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityCertificates {
    /// Roots, then the others.
    pub(crate) all: Vec<Authority>,
    /// Those that issue, and their roots, as places in `all`.
    pub(crate) paths: Vec<(usize, usize)>,
}

impl AuthorityCertificates {
    /// Reads roots and authorities, each from PEM with any number of certificates, or from one in DER.
    ///
    /// Whoever such an authority certifies is accepted, so for cards give those whose names end in PERSONNES, of the levels that the
    /// operator accepts, and nothing else.
    ///
    /// # Errors
    /// An [`AuthorityFault`] that names the certificate, also when an authority is not signed by one of the roots.
    pub fn read(roots: &[u8], authorities: &[u8]) -> Result<Self, AuthorityFault> {
        let (mut all, below) = (read_all(roots, "roots")?, read_all(authorities, "authorities")?);
        let provider = provider();
        for root in &all {
            if !is_signed_by(&root.der, &root.public_key, &provider) || root.facts.issuer != root.facts.subject {
                return Err(AuthorityFault::NotARoot(root.name()));
            }
        }
        let count = all.len();
        let mut paths = Vec::new();
        for authority in below {
            let is_root_of = |root: &Authority| {
                root.facts.subject == authority.facts.issuer && is_signed_by(&authority.der, &root.public_key, &provider)
            };
            let Some(root) = all[..count].iter().position(is_root_of) else {
                return Err(AuthorityFault::NoRoot(authority.name(), authority.facts.issuer.to_string()));
            };
            paths.push((all.len(), root));
            all.push(authority);
        }
        Ok(Self { all, paths })
    }

    /// Names of those that issue, in DER: the hints that a server gives to browsers, which show only certificates of these issuers.
    #[must_use]
    pub fn hints(&self) -> Vec<Vec<u8>> {
        self.paths.iter().map(|(issuing, _)| self.all[*issuing].raw_subject.clone()).collect()
    }

    /// Addresses of revocation lists that the certificates of authorities name: those of the lists of their roots. The lists of the
    /// issuing authorities are named by what they issue.
    #[must_use]
    pub fn crl_addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> = self.all.iter().flat_map(|authority| authority.facts.crl_addresses.clone()).collect();
        addresses.sort();
        addresses.dedup();
        addresses
    }
}

fn read_all(bytes: &[u8], kind: &'static str) -> Result<Vec<Authority>, AuthorityFault> {
    let mut all = Vec::new();
    for (number, der) in certificates(bytes).into_iter().enumerate() {
        let number = number + 1;
        if number > limits::AUTHORITIES {
            return Err(AuthorityFault::TooMany(kind));
        }
        let der = der.map_err(|why| AuthorityFault::Pem { kind, number, why })?;
        all.push(read_authority(der).map_err(|fault| AuthorityFault::Unreadable { kind, number, fault })??);
    }
    if all.is_empty() {
        return Err(AuthorityFault::Nothing(kind));
    }
    Ok(all)
}

/// The certificates of PEM, or the one of DER.
fn certificates(bytes: &[u8]) -> Vec<Result<CertificateDer<'static>, String>> {
    if bytes.first() == Some(&0x30) {
        return vec![Ok(CertificateDer::from(bytes.to_vec()))];
    }
    CertificateDer::pem_slice_iter(bytes).map(|section| section.map_err(|e| e.to_string())).collect()
}

fn read_authority(der: CertificateDer<'static>) -> Result<Result<Authority, AuthorityFault>, CertificateFault> {
    let facts = RawCertificate::read(&der)?.facts;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|_| CertificateFault::Encoding)?;
    if !certificate.is_ca() {
        return Ok(Err(AuthorityFault::NotAnAuthority(facts.subject.to_string())));
    }
    let raw_subject = certificate.subject().as_raw().to_vec();
    let raw_serial = certificate.raw_serial().to_vec();
    let public_key = certificate.public_key().raw.to_vec();
    Ok(Ok(Authority { facts, raw_subject, raw_serial, public_key, der }))
}
