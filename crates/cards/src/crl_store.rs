//! Revocation lists, held in memory: which are there, until when they count. Downloading them is the caller's.

use crate::authorities::{Authority, AuthorityCertificates};
use crate::der::tag;
use crate::limits;
use crate::signed::{is_signed_by, provider};
use rustls::RootCertStore;
use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use std::sync::Arc;
use x509_parser::prelude::{CertificateRevocationList, FromDer};

/// Why bytes are no revocation list that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlFault {
    /// More bytes than a list may have.
    #[error("the revocation list has {0} bytes; at most {limit} are read", limit = limits::CRL)]
    TooLong(usize),
    /// Neither DER nor PEM of a list.
    #[error("these bytes are no revocation list in DER or PEM: the address may have answered with a page")]
    Encoding,
    /// A list without an end of its validity.
    #[error("the revocation list of {0} does not say when the next one comes")]
    NoNextUpdate(String),
    /// A list of somebody whom the operator does not trust.
    #[error("the revocation list is of {0}, which is none of the given authorities")]
    UnknownIssuer(String),
    /// A list with a wrong signature.
    #[error("the revocation list bears the name of {0} and not its signature")]
    Forged(String),
    /// A list that the library that checks chains cannot use: a delta list, or one that an authority writes for another.
    #[error("the revocation list of {0} cannot be used; give full lists, not delta lists: {1}")]
    Unusable(String, String),
}

/// What became of a list that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrlChange {
    /// It counts from now on: make the authorities anew.
    Taken,
    /// It was there already.
    Known,
    /// A newer list of this authority is there, and goes on counting.
    Older,
}

/// A list that counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeptCrl {
    pub(crate) der: CertificateRevocationListDer<'static>,
    this_update_ms: i64,
    pub(crate) next_update_ms: i64,
}

/// How the list of an authority stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlState {
    /// Name of the authority.
    pub authority: String,
    /// When its list was made, milliseconds since 1970; `None` without a list.
    pub this_update_ms: Option<i64>,
    /// Until when its list counts, milliseconds since 1970; `None` without a list.
    pub next_update_ms: Option<i64>,
}

/// The revocation lists of some authorities, one for each.
#[derive(Debug, Clone)]
pub struct CrlStore {
    authorities: Arc<AuthorityCertificates>,
    lists: Vec<Option<Arc<KeptCrl>>>,
}

impl CrlStore {
    /// A store without lists. Nobody is accepted until each authority of a chain has one.
    #[must_use]
    pub fn new(authorities: Arc<AuthorityCertificates>) -> Self {
        let lists = vec![None; authorities.all.len()];
        Self { authorities, lists }
    }

    /// Takes the bytes of a list, in DER or PEM, if one of the authorities signed it and nothing newer is there. An old list that
    /// somebody plays back changes nothing. Costs two readings of the list.
    ///
    /// # Errors
    /// A [`CrlFault`]; the lists that are there go on counting.
    pub fn take(&mut self, bytes: &[u8]) -> Result<CrlChange, CrlFault> {
        if bytes.len() > limits::CRL {
            return Err(CrlFault::TooLong(bytes.len()));
        }
        let der = if bytes.first() == Some(&tag::SEQUENCE) {
            CertificateRevocationListDer::from(bytes.to_vec())
        } else {
            CertificateRevocationListDer::from_pem_slice(bytes).map_err(|_| CrlFault::Encoding)?
        };
        let Ok(([], list)) = CertificateRevocationList::from_der(&der) else { return Err(CrlFault::Encoding) };
        let (issuer, this_update) = (list.issuer().as_raw(), list.last_update().timestamp());
        let named: Vec<usize> = (0..self.lists.len()).filter(|i| self.authorities.all[*i].raw_subject == issuer).collect();
        let Some(first) = named.first() else { return Err(CrlFault::UnknownIssuer(list.issuer().to_string())) };
        let name = self.authorities.all[*first].name();
        let next_update = list.next_update().ok_or_else(|| CrlFault::NoNextUpdate(name.clone()))?.timestamp();
        let provider = provider();
        let signers: Vec<usize> =
            named.into_iter().filter(|i| is_signed_by(&der, &self.authorities.all[*i].public_key, &provider)).collect();
        let Some(signer) = signers.first().map(|i| &self.authorities.all[*i]) else { return Err(CrlFault::Forged(name)) };
        let this_update_ms = this_update.saturating_mul(1_000);
        // Authorities that were certified again with their key have one list.
        let kept = signers.iter().filter_map(|i| self.lists[*i].as_deref()).max_by_key(|kept| kept.this_update_ms);
        let everywhere = signers.iter().all(|i| self.lists[*i].is_some());
        match kept {
            Some(kept) if kept.der == der && everywhere => return Ok(CrlChange::Known),
            Some(kept) if kept.this_update_ms > this_update_ms => return Ok(CrlChange::Older),
            _ => {}
        }
        try_out(signer, &der).map_err(|why| CrlFault::Unusable(name, why))?;
        drop(list);
        let kept = Arc::new(KeptCrl { der: der.clone(), this_update_ms, next_update_ms: next_update.saturating_mul(1_000) });
        for signer in signers {
            self.lists[signer] = Some(Arc::clone(&kept));
        }
        Ok(CrlChange::Taken)
    }

    /// How each authority stands, roots first.
    #[must_use]
    pub fn states(&self) -> Vec<CrlState> {
        let state = |(authority, list): (&Authority, &Option<Arc<KeptCrl>>)| CrlState {
            authority: authority.name(),
            this_update_ms: list.as_ref().map(|list| list.this_update_ms),
            next_update_ms: list.as_ref().map(|list| list.next_update_ms),
        };
        self.authorities.all.iter().zip(&self.lists).map(state).collect()
    }

    /// Names of the authorities whose list is missing, or does not count any more at this instant: nobody whom they certified is
    /// accepted. Ask with an instant ahead to be told before.
    #[must_use]
    pub fn stale(&self, now_ms: i64) -> Vec<String> {
        let stale = |state: &CrlState| state.next_update_ms.is_none_or(|next| next <= now_ms);
        self.states().into_iter().filter(stale).map(|state| state.authority).collect()
    }

    /// The authorities that these lists are of.
    #[must_use]
    pub fn authorities(&self) -> &Arc<AuthorityCertificates> {
        &self.authorities
    }

    pub(crate) fn list(&self, authority: usize) -> Option<&Arc<KeptCrl>> {
        self.lists[authority].as_ref()
    }
}

/// Gives a list to the library that checks chains, so that one that it cannot use is refused now.
fn try_out(signer: &Authority, der: &CertificateRevocationListDer<'static>) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(signer.der.clone()).map_err(|e| e.to_string())?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).with_crls([der.clone()]);
    builder.build().map(|_| ()).map_err(|e| e.to_string())
}

/// Whether a list names this serial number.
pub(crate) fn names_serial(list: &KeptCrl, serial: &[u8]) -> bool {
    let trimmed = |serial: &[u8]| serial.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    let serial = trimmed(serial);
    CertificateRevocationList::from_der(&list.der)
        .is_ok_and(|(_, list)| list.iter_revoked_certificates().any(|revoked| trimmed(revoked.raw_serial()) == serial))
}
