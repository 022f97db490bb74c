//! Signatures of certificates and revocation lists, by the algorithms of the one crypto back-end of the program.

use crate::der;
use rustls::crypto::CryptoProvider;
use std::sync::Arc;

/// The crypto back-end, named and never taken from a default of the process.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Whether a certificate or a list carries a signature by this public key (SubjectPublicKeyInfo).
pub(crate) fn is_signed_by(object: &[u8], key: &[u8], provider: &CryptoProvider) -> bool {
    let (Some((signed, algorithm, signature)), Some((key_algorithm, key))) = (der::signed_parts(object), der::key_parts(key))
    else {
        return false;
    };
    provider.signature_verification_algorithms.all.iter().any(|known| {
        known.signature_alg_id().as_ref() == algorithm
            && known.public_key_alg_id().as_ref() == key_algorithm
            && known.verify_signature(key, signed, signature).is_ok()
    })
}
