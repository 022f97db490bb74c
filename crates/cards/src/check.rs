//! Whether a certificate stands: its chain, its dates, its use, its revocation, and for cards what the card is.

use crate::authorities::{Authority, AuthorityFault};
use crate::certificate::{CardCertificate, CertificateFacts, CertificateFault, OrganisationCertificate};
use crate::certificate::{read_certificate, read_organisation_certificate};
use crate::crl_store::{CrlStore, names_serial};
use crate::distinguished_name::oid;
use crate::signed::provider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The sentence that a person reads whose card is refused, whatever the reason: the reason is for the journal.
pub const CARD_REFUSED: &str = "Votre carte n’a pas pu être acceptée. Vérifiez qu’elle est bien insérée et en cours de validité, \
                                ou choisissez un autre moyen de vous connecter.";

/// Why a certificate is not accepted, whoever holds it. The text is for the journal of the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateRefusal {
    /// No certificate came.
    #[error("no certificate was given")]
    NoCertificate,
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] CertificateFault),
    /// Its issuer is unknown.
    #[error("{issuer} is none of the trusted authorities")]
    UnknownAuthority {
        /// The issuer that it names.
        issuer: String,
    },
    /// Its issuer is of the hierarchy of a trusted authority, of another level or for other holders.
    #[error("{issuer} is not trusted for this use: another level, or an authority for other holders")]
    OtherAuthority {
        /// The issuer that it names.
        issuer: String,
    },
    /// It names a trusted authority, which did not sign it.
    #[error("the certificate names {issuer} and does not carry its signature")]
    Forged {
        /// The issuer that it names.
        issuer: String,
    },
    /// It counts from later on.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// It does not count any more.
    #[error("the certificate has expired")]
    Expired,
    /// An authority of its chain does not count yet or any more.
    #[error("{authority} or its root is not valid now")]
    AuthorityNotValid {
        /// The issuing authority.
        authority: String,
    },
    /// It was revoked.
    #[error("the certificate is revoked")]
    Revoked,
    /// The authority that issued it was revoked.
    #[error("{authority} is revoked")]
    AuthorityRevoked {
        /// The issuing authority.
        authority: String,
    },
    /// No revocation list of an authority of its chain is there.
    #[error("there is no revocation list of {authority}: load it")]
    NoRevocationList {
        /// The authority without a list.
        authority: String,
    },
    /// A revocation list of its chain should have been replaced by a newer one.
    #[error("the revocation list of {authority} is older than its term: load the next one")]
    StaleRevocationList {
        /// The authority whose list it is.
        authority: String,
    },
    /// It is not for authentication: a certificate for signatures, or for servers.
    #[error("the certificate is not for authentication: it needs the uses digitalSignature and clientAuth")]
    NotForAuthentication,
    /// The library that checks chains refuses it for another reason.
    #[error("the certificate is not accepted: {0}")]
    NotAccepted(String),
}

impl CertificateRefusal {
    /// The reason as a word for the journal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::Unreadable(_) => "unreadable",
            Self::UnknownAuthority { .. } => "unknown_authority",
            Self::OtherAuthority { .. } => "other_authority",
            Self::Forged { .. } => "forged",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::AuthorityNotValid { .. } => "authority_not_valid",
            Self::Revoked => "revoked",
            Self::AuthorityRevoked { .. } => "authority_revoked",
            Self::NoRevocationList { .. } => "no_revocation_list",
            Self::StaleRevocationList { .. } => "stale_revocation_list",
            Self::NotForAuthentication => "not_for_authentication",
            Self::NotAccepted(_) => "not_accepted",
        }
    }
}

/// Why a card is not accepted. The text is for the journal; the person reads [`CARD_REFUSED`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardRefusal {
    /// Its certificate is not accepted.
    #[error("{0}")]
    Certificate(#[from] CertificateRefusal),
    /// It does not say for what product it was made.
    #[error("the certificate does not tell its product category")]
    NoCategory,
    /// It was made for something else than a card.
    #[error("the product of the certificate is no card: category {0:02x}")]
    NotACard(u8),
    /// A card for tests, in production.
    #[error("a card for tests, in production: category {0:02x}")]
    TestCard(u8),
    /// A card of production, in a test.
    #[error("a card of production, in a test environment: category {0:02x}")]
    ProductionCard(u8),
    /// Its two names of the holder differ.
    #[error("the name of a user (UPN) in the certificate does not name its holder (CN)")]
    OtherUpn,
}

impl CardRefusal {
    /// The reason as a word for the journal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Certificate(refusal) => refusal.code(),
            Self::NoCategory => "no_category",
            Self::NotACard(_) => "not_a_card",
            Self::TestCard(_) => "test_card",
            Self::ProductionCard(_) => "production_card",
            Self::OtherUpn => "other_upn",
        }
    }
}

/// Which cards are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardEnvironment {
    /// Cards made for tests.
    Test,
    /// Cards of persons.
    Production,
}

/// Who may have issued, ready to check: authorities with their revocation lists.
#[derive(Debug)]
struct Trust(Vec<TrustedPath>);

#[derive(Debug)]
struct TrustedPath {
    issuing: Authority,
    root: Authority,
    /// Without it, a list is missing.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    /// For how long the lists of the issuing authority and of its root count, if they are there.
    next_updates: [Option<i64>; 2],
    revoked: bool,
}

impl Trust {
    fn new(crls: &CrlStore) -> Result<Self, AuthorityFault> {
        let authorities = crls.authorities();
        let mut paths = Vec::new();
        for (issuing, root) in &authorities.paths {
            let lists = [crls.list(*issuing), crls.list(*root)];
            let (issuing, root) = (&authorities.all[*issuing], &authorities.all[*root]);
            let verifier = match lists {
                [Some(own), Some(of_root)] => {
                    let unusable = |why: String| AuthorityFault::Unusable(issuing.name(), why);
                    let mut roots = RootCertStore::empty();
                    roots.add(root.der.clone()).map_err(|e| unusable(e.to_string()))?;
                    // Without lists, or with `only_check_end_entity_revocation`, a status that is not known would pass.
                    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
                        .with_crls([own.der.clone(), of_root.der.clone()])
                        .enforce_revocation_expiration();
                    Some(builder.build().map_err(|e| unusable(e.to_string()))?)
                }
                _ => None,
            };
            let revoked = lists[1].is_some_and(|list| names_serial(list, &issuing.raw_serial));
            let next_updates = lists.map(|list| list.map(|list| list.next_update_ms));
            paths.push(TrustedPath { issuing: issuing.clone(), root: root.clone(), verifier, next_updates, revoked });
        }
        Ok(Self(paths))
    }

    /// Checks a certificate up to one of the roots. Authorities that the client sent are not looked at: only those of the operator
    /// count.
    fn check(&self, leaf: &CertificateDer<'_>, facts: &CertificateFacts, now_ms: i64) -> Result<(), CertificateRefusal> {
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| CertificateFault::Encoding)?;
        let issuer = parsed.issuer().as_raw();
        let mut refusal = None;
        for path in self.0.iter().filter(|path| path.issuing.raw_subject == issuer) {
            match path.check(leaf, facts, now_ms) {
                Ok(()) => {
                    // The library asks for clientAuth only where the extension stands.
                    if !facts.client_auth || !facts.digital_signature {
                        return Err(CertificateRefusal::NotForAuthentication);
                    }
                    return Ok(());
                }
                // An authority may have had two keys under one name: the one that signed tells the reason.
                Err(other) if matches!(refusal, None | Some(CertificateRefusal::Forged { .. })) => refusal = Some(other),
                Err(_) => {}
            }
        }
        Err(refusal.unwrap_or_else(|| self.unknown(facts)))
    }

    fn unknown(&self, facts: &CertificateFacts) -> CertificateRefusal {
        let hierarchy = facts.issuer.without(oid::COMMON_NAME);
        let issuer = facts.issuer.to_string();
        if self.0.iter().any(|path| path.issuing.facts.subject.without(oid::COMMON_NAME) == hierarchy) {
            CertificateRefusal::OtherAuthority { issuer }
        } else {
            CertificateRefusal::UnknownAuthority { issuer }
        }
    }
}

impl TrustedPath {
    fn check(&self, leaf: &CertificateDer<'_>, facts: &CertificateFacts, now_ms: i64) -> Result<(), CertificateRefusal> {
        let Some(verifier) = &self.verifier else {
            let missing = if self.next_updates[0].is_none() { &self.issuing } else { &self.root };
            return Err(CertificateRefusal::NoRevocationList { authority: missing.name() });
        };
        let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now_ms).unwrap_or(0)));
        let checked = verifier.verify_client_cert(leaf, std::slice::from_ref(&self.issuing.der), now);
        checked.map_err(|error| self.refusal(error, facts, now_ms))?;
        // To the library, a root is a key and has no dates.
        let root = &self.root.facts;
        if !(root.not_before_ms..=root.not_after_ms).contains(&now_ms) {
            return Err(CertificateRefusal::AuthorityNotValid { authority: self.issuing.name() });
        }
        Ok(())
    }

    fn refusal(&self, error: rustls::Error, facts: &CertificateFacts, now_ms: i64) -> CertificateRefusal {
        use CertificateError as Error;
        let authority = self.issuing.name();
        let rustls::Error::InvalidCertificate(error) = error else {
            return CertificateRefusal::NotAccepted(error.to_string());
        };
        match error {
            Error::Expired | Error::ExpiredContext { .. } | Error::NotValidYet | Error::NotValidYetContext { .. } => {
                if now_ms < facts.not_before_ms {
                    CertificateRefusal::NotYetValid
                } else if now_ms > facts.not_after_ms {
                    CertificateRefusal::Expired
                } else {
                    CertificateRefusal::AuthorityNotValid { authority }
                }
            }
            Error::Revoked if self.revoked => CertificateRefusal::AuthorityRevoked { authority },
            Error::Revoked => CertificateRefusal::Revoked,
            Error::UnknownRevocationStatus => CertificateRefusal::NoRevocationList { authority },
            Error::ExpiredRevocationList | Error::ExpiredRevocationListContext { .. } => {
                let own = self.next_updates[0].is_none_or(|next| next <= now_ms);
                let authority = if own { authority } else { self.root.name() };
                CertificateRefusal::StaleRevocationList { authority }
            }
            Error::InvalidPurpose | Error::InvalidPurposeContext { .. } => CertificateRefusal::NotForAuthentication,
            Error::BadSignature
            | Error::UnknownIssuer
            | Error::UnsupportedSignatureAlgorithmContext { .. }
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                CertificateRefusal::Forged { issuer: facts.issuer.to_string() }
            }
            other => CertificateRefusal::NotAccepted(other.to_string()),
        }
    }
}

/// The authorities of cards (PERSONNES), with their revocation lists. Immutable: a new list means new authorities, which the caller
/// swaps for these.
#[derive(Debug)]
pub struct CardAuthorities(Trust);

impl CardAuthorities {
    /// Takes the authorities and the lists that this store holds. Costs a reading of each list.
    ///
    /// # Errors
    /// When an authority or a list cannot be used.
    pub fn new(crls: &CrlStore) -> Result<Self, AuthorityFault> {
        Trust::new(crls).map(Self)
    }
}

/// The authorities of organisations and servers (ORGANISATIONS), with their revocation lists. Another type than [`CardAuthorities`],
/// so that no software passes for a card.
#[derive(Debug)]
pub struct OrganisationAuthorities(Trust);

impl OrganisationAuthorities {
    /// Takes the authorities and the lists that this store holds. Costs a reading of each list.
    ///
    /// # Errors
    /// When an authority or a list cannot be used.
    pub fn new(crls: &CrlStore) -> Result<Self, AuthorityFault> {
        Trust::new(crls).map(Self)
    }
}

/// The holder of a card that was checked. Only [`check_card`] makes one. It proves who, not what this person may do now: that is
/// for the directory to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardIdentity {
    certificate: CardCertificate,
}

impl CardIdentity {
    /// National identifier of the holder.
    #[must_use]
    pub fn national_id(&self) -> &str {
        &self.certificate.national_id
    }

    /// What the certificate of the card says: for the journal, and for the name of holders whom the directory does not know.
    #[must_use]
    pub fn certificate(&self) -> &CardCertificate {
        &self.certificate
    }
}

/// An organisation whose certificate was checked. Only [`check_organisation`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganisationIdentity {
    certificate: OrganisationCertificate,
}

impl OrganisationIdentity {
    /// What the certificate says.
    #[must_use]
    pub fn certificate(&self) -> &OrganisationCertificate {
        &self.certificate
    }
}

/// Checks the certificate of a card (identity.md §3.5): issued by an authority of persons, within dates, for authentication, neither
/// it nor its authority revoked by a list that counts now, of a card, for this environment, and with one name of its holder. The
/// caller has made sure that the client holds the key: the handshake of TLS does.
///
/// Costs two verifications of a signature and those of the lists: a millisecond or two.
///
/// # Errors
/// A [`CardRefusal`] with the first reason found.
pub fn check_card(
    chain: &[CertificateDer<'_>],
    authorities: &CardAuthorities,
    now_ms: i64,
    environment: CardEnvironment,
) -> Result<CardIdentity, CardRefusal> {
    let leaf = chain.first().ok_or(CertificateRefusal::NoCertificate)?;
    let certificate = read_certificate(leaf).map_err(CertificateRefusal::from)?;
    authorities.0.check(leaf, &certificate.facts, now_ms)?;
    let category = certificate.facts.category.ok_or(CardRefusal::NoCategory)?;
    if !category.is_card() {
        return Err(CardRefusal::NotACard(category.code()));
    }
    match (environment, category.is_test()) {
        (CardEnvironment::Production, true) => return Err(CardRefusal::TestCard(category.code())),
        (CardEnvironment::Test, false) => return Err(CardRefusal::ProductionCard(category.code())),
        _ => {}
    }
    if let Some(upn) = &certificate.upn
        && upn.rsplit_once('@').map(|(user, _)| user) != Some(&certificate.national_id)
    {
        return Err(CardRefusal::OtherUpn);
    }
    Ok(CardIdentity { certificate })
}

/// Checks the certificate of an organisation as the client of a connection: issued by an authority of organisations, within dates,
/// for authentication, neither it nor its authority revoked by a list that counts now. Costs a millisecond or two.
///
/// # Errors
/// A [`CertificateRefusal`] with the first reason found.
pub fn check_organisation(
    chain: &[CertificateDer<'_>],
    authorities: &OrganisationAuthorities,
    now_ms: i64,
) -> Result<OrganisationIdentity, CertificateRefusal> {
    let leaf = chain.first().ok_or(CertificateRefusal::NoCertificate)?;
    let certificate = read_organisation_certificate(leaf)?;
    authorities.0.check(leaf, &certificate.facts, now_ms)?;
    Ok(OrganisationIdentity { certificate })
}
