//! Proofs of possession: DPoP (RFC 9449).

use crate::algorithm::SignatureAlgorithm;
use crate::assertion::identifier;
use crate::claims::{ClaimFault, check_made, instant, text};
use crate::error::JoseError;
use crate::hash::{equal, sha256};
use crate::limits::{CLOCK_SKEW_SECONDS, DPOP_SECONDS};
use crate::public::PublicKey;
use crate::token::{TokenRule, open_token};
use crate::url::normal_url;
use std::cell::RefCell;

/// Algorithms of proofs: those of FAPI 2.0. The metadata of a server announces them as `dpop_signing_alg_values_supported`.
pub const DPOP_ALGORITHMS: [SignatureAlgorithm; 3] =
    [SignatureAlgorithm::Es256, SignatureAlgorithm::Ps256, SignatureAlgorithm::EdDsa];

/// What a proof must be for.
#[derive(Debug, Clone, Copy)]
pub struct DpopRule<'a> {
    /// The method of the request (`htm`).
    pub method: &'a str,
    /// The URL of the request, as the client sees it (`htu`): not that behind a proxy. Both are compared in the normal form of RFC 3986 §6.2.2 and
    /// §6.2.3, without query and fragment.
    pub url: &'a str,
    /// The access token that comes with the proof (`ath`); `None` where the request carries none, as at the token endpoint.
    pub access_token: Option<&'a str>,
    /// The nonce that the server gave; `None` where it gives none.
    pub nonce: Option<&'a str>,
    /// The instant, in seconds since 1970.
    pub now_s: i64,
}

/// What a proof proves: that the sender has a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DpopProof {
    /// The thumbprint of the key. A token that is bound to a key says it as `cnf.jkt`: the caller compares both.
    pub thumbprint: String,
    /// Its name. The caller keeps it with the thumbprint until `until_s`, and refuses a proof that comes again.
    pub jti: String,
    /// When it was made, in seconds since 1970.
    pub iat_s: i64,
    /// The second, since 1970, from which the proof is refused anyway.
    pub until_s: i64,
}

/// Why a proof is refused: `invalid_dpop_proof`, and `use_dpop_nonce` for [`DpopFault::Nonce`] (RFC 9449 §5, §8).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DpopFault {
    /// No signed token of the right type, or not signed with the key that it shows.
    #[error("the DPoP proof is refused: {0}")]
    Token(#[from] JoseError),
    /// The header shows no key.
    #[error("the DPoP proof shows no key: its header must have `jwk`")]
    NoKey,
    /// A claim is missing or wrong.
    #[error("the DPoP proof is refused: {0}")]
    Claim(#[from] ClaimFault),
    /// For another method.
    #[error("the DPoP proof is for another method (`htm`) than the one of the request")]
    Method,
    /// For another URL.
    #[error("the DPoP proof is for another URL (`htu`) than the one of the request: compare scheme, host, port and path")]
    Url,
    /// For another access token.
    #[error("the DPoP proof is for another access token (`ath`)")]
    AccessToken,
    /// With another nonce, or none.
    #[error("the DPoP proof must have the `nonce` that the server gave last")]
    Nonce,
}

/// Judges a proof by all that RFC 9449 §4.3 asks. Two of its checks are the caller's: that the request has one header `DPoP` only (two joined with a
/// comma are refused here), and that a token is bound to this key. Beyond them the caller keeps `jti`.
///
/// A proof is accepted for [`limits::DPOP_SECONDS`](crate::limits::DPOP_SECONDS), and when the clock of the client is ahead by
/// [`limits::CLOCK_SKEW_SECONDS`](crate::limits::CLOCK_SKEW_SECONDS) at most.
///
/// # Errors
///
/// The first fault.
pub fn check_dpop(proof: &str, rule: &DpopRule<'_>) -> Result<DpopProof, DpopFault> {
    let shown = RefCell::new(Err(DpopFault::NoKey));
    let opened = open_token(proof, &TokenRule { types: &["dpop+jwt"], algorithms: &DPOP_ALGORITHMS }, &|header| {
        let Some(jwk) = &header.jwk else { return Vec::new() };
        let key = PublicKey::from_jwk(jwk);
        let found = key.iter().cloned().collect();
        *shown.borrow_mut() = key.map_err(DpopFault::Token);
        found
    });
    let claims = match opened {
        Ok(opened) => opened.claims,
        // The key says better why none was found.
        Err(JoseError::UnknownKey) => return Err(shown.into_inner().err().unwrap_or(DpopFault::NoKey)),
        Err(other) => return Err(other.into()),
    };
    let key = shown.into_inner()?;
    if text(&claims, "htm")? != rule.method {
        return Err(DpopFault::Method);
    }
    let url = normal_url(text(&claims, "htu")?);
    if url.is_none() || url != normal_url(rule.url) {
        return Err(DpopFault::Url);
    }
    let iat_s = instant(&claims, "iat")?.ok_or(ClaimFault::Missing("iat"))?;
    check_made(iat_s, rule.now_s, CLOCK_SKEW_SECONDS, Some(DPOP_SECONDS))?;
    let jti = identifier(&claims)?.to_owned();
    if let Some(token) = rule.access_token
        && !equal(text(&claims, "ath")?, sha256(token))
    {
        return Err(DpopFault::AccessToken);
    }
    if let Some(nonce) = rule.nonce
        && !claims.get("nonce").and_then(|n| n.as_str()).is_some_and(|given| equal(given, nonce))
    {
        return Err(DpopFault::Nonce);
    }
    Ok(DpopProof { thumbprint: key.thumbprint().to_owned(), jti, iat_s, until_s: iat_s.saturating_add(DPOP_SECONDS + 1) })
}
