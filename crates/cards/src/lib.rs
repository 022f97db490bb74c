//! Cards and certificates: what they say, whether they stand, and a test authority.
//!
//! ```
//! use annuaire_cards::DistinguishedName;
//!
//! let registered = DistinguishedName::parse("CN=app.exemple.example, O=Éditeur exemple, C=FR").unwrap();
//! assert_eq!(registered, DistinguishedName::parse("cn=APP.exemple.example,o=Éditeur exemple,c=fr").unwrap());
//! ```
//!
//! # Concepts
//!
//! - **Certificate**: [`read_certificate`] and [`read_organisation_certificate`] read what one says; anybody can write anything.
//! - **Authorities**: the roots and issuers that an operator trusts ([`AuthorityCertificates`]), with their revocation lists
//!   ([`CrlStore`]), made ready to check ([`CardAuthorities`], [`OrganisationAuthorities`]).
//! - **Identity**: [`check_card`] and [`check_organisation`] turn a chain into one, or into a refusal with a reason for the journal.
//! - **Test authority**: [`TestAuthority`] issues cards, certificates and lists that look like the national ones, and bad ones.
//!
//! # What it never does
//!
//! It reads no clock, file or socket. It keeps no card as a proof of rights: whether the holder may practise is in the directory.

mod authorities;
mod certificate;
mod check;
mod crl_store;
mod der;
mod distinguished_name;
pub mod limits;
mod signed;
mod test_authority;

pub use authorities::{AuthorityCertificates, AuthorityFault};
pub use certificate::{
    CardCertificate, CardType, CertificateFacts, CertificateFault, OrganisationCertificate, ProductCategory, read_certificate,
    read_organisation_certificate,
};
pub use check::{
    CARD_REFUSED, CardAuthorities, CardEnvironment, CardIdentity, CardRefusal, CertificateRefusal, OrganisationAuthorities,
    OrganisationIdentity, check_card, check_organisation,
};
pub use crl_store::{CrlChange, CrlFault, CrlState, CrlStore};
pub use distinguished_name::{DistinguishedName, NameFault};
pub use test_authority::{
    IssuedCertificate, TestAuthority, TestAuthorityFault, TestAuthorityPlan, TestCard, TestCase, TestHolders, TestKeyKind,
    TestLevel, TestOrganisation, TestRandom,
};
