//! Signed tokens, keys and their rotation, proofs of possession (RFC 7515, 7517, 7519, 7523, 7636, 7638, 8037, 8705, 8725, 9449).
//!
//! # Concepts
//!
//! - **Algorithm**: RS256, PS256, ES256 or EdDSA ([`SignatureAlgorithm`]). Others have no value, so that no option can let them in.
//! - **Key**: a [`PrivateKey`] is for one algorithm. A [`PublicKey`] is for those of its kind, or for the one that its owner names. Its name is
//!   its thumbprint, unless its owner gave another.
//! - **Opened token**: what [`open_token`] gives: the signature is right, by a key that the caller found. What the claims say is judged after it:
//!   [`check_claims`] for tokens, [`check_assertion`] for clients that prove who they are.
//! - **Proof**: that the sender of a request has a key ([`check_dpop`]), or a certificate ([`matches_thumbprint`]).
//! - **Ring**: the keys of one installation ([`KeyRing`]). A key is shown before it signs and after it signed, so a rotation is seen by nobody.
//!
//! # Example
//!
//! ```
//! use annuaire_jose::{ClaimRule, KeyRing, SignatureAlgorithm, TokenRule, check_claims, open_token, sign};
//!
//! let ring = KeyRing::new(&[SignatureAlgorithm::Es256], 1_795_000_000_000)?;
//! let claims = serde_json::json!({ "iss": "https://id.example", "aud": "app", "sub": "899900000011", "exp": 1_795_000_120 });
//! let token = sign(ring.signer(SignatureAlgorithm::Es256).expect("the ring has it"), "at+jwt", &claims)?;
//!
//! let rule = TokenRule { types: &["at+jwt"], algorithms: &[SignatureAlgorithm::Es256] };
//! let opened = open_token(&token, &rule, &|header| ring.candidates(header))?;
//! let who = ClaimRule { issuer: Some("https://id.example"), audiences: &["app"], now_s: 1_795_000_060, ..ClaimRule::default() };
//! assert_eq!(check_claims(&opened.claims, &who), Ok(()));
//!
//! // An access token never passes for an ID token.
//! assert!(open_token(&token, &TokenRule { types: &["JWT", ""], ..rule }, &|header| ring.candidates(header)).is_err());
//! # Ok::<(), annuaire_jose::JoseError>(())
//! ```
//!
//! # What it never does
//!
//! It reads no clock, opens no file and no socket, and follows no address that a token names. Random numbers are those of aws-lc-rs, in
//! [`PrivateKey::generate`] and in the signatures of PS256 and ES256; all else depends on its arguments only. No error and no `Debug` form shows a
//! token, a private key or a secret. It remembers nothing: that a token is used once is the caller's to keep ([`Assertion`], [`DpopProof`]).

mod algorithm;
mod assertion;
mod claims;
mod der;
mod dpop;
mod encoding;
mod error;
mod hash;
pub mod limits;
mod private;
mod public;
mod ring;
mod token;
mod url;

pub use algorithm::SignatureAlgorithm;
pub use assertion::{Assertion, AssertionRule, check_assertion};
pub use claims::{ClaimFault, ClaimRule, check_claims};
pub use dpop::{DPOP_ALGORITHMS, DpopFault, DpopProof, DpopRule, check_dpop};
pub use error::JoseError;
pub use hash::{
    access_token_hash, certificate_thumbprint, certificate_thumbprint_hex_form, equal, is_code_verifier, matches_thumbprint, s256,
};
pub use private::PrivateKey;
pub use public::{PublicKey, read_jwks};
pub use ring::{KeyRing, KeyStage, RingKey, RotationRule};
pub use token::{OpenedToken, TokenHeader, TokenRule, open_token, sign};
