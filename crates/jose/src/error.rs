//! Why a token or a key is refused.

/// Why a token or a key is refused, or could not be made. No text repeats a token, a secret or a private key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// More bytes than [`limits::TOKEN`](crate::limits::TOKEN).
    #[error("the token has {0} bytes, at most {most} are allowed", most = crate::limits::TOKEN)]
    Long(usize),
    /// More bytes than [`limits::SIGNED`](crate::limits::SIGNED), in a token that was to be made.
    #[error("the claims make a token of {0} bytes, at most {most} are allowed", most = crate::limits::SIGNED)]
    Made(usize),
    /// Not three parts between points.
    #[error("a signed token has three parts between points, this one has {0}: encrypted tokens and unsigned texts are not read")]
    Parts(usize),
    /// A part that is not base64url.
    #[error("the {0} of the token is not base64url without padding (RFC 7515 §2)")]
    Base64(&'static str),
    /// A part that is not JSON, or names a member twice.
    #[error("the {part} is no acceptable JSON: {why}")]
    Json {
        /// Which part.
        part: &'static str,
        /// What is wrong, and where.
        why: String,
    },
    /// A part that is JSON, but no object.
    #[error("the {0} must be a JSON object")]
    NotObject(&'static str),
    /// A header parameter that is missing or of another type.
    #[error("the header parameter `{0}` is missing or not of the right JSON type")]
    Header(&'static str),
    /// An algorithm that is never accepted, `none` and the ones with a shared secret among them.
    #[error("the algorithm {0} is not accepted: only RS256, PS256, ES256 and EdDSA are known here")]
    Algorithm(String),
    /// An algorithm that the rule of this token leaves out.
    #[error("the algorithm {0} is not accepted for this token")]
    NotAllowed(&'static str),
    /// A type of token that the rule leaves out.
    #[error("the type `typ` of the token is {0}, which is not accepted here")]
    Type(String),
    /// Extensions that a reader must understand.
    #[error("the header asks with `crit` for extensions, and none is known here")]
    Critical,
    /// No key was found.
    #[error("the key that signed the token is not known: look whether its `kid` is in the key set")]
    UnknownKey,
    /// The keys that were found are for another algorithm.
    #[error("the key of the token is not for the algorithm {0} that its header names")]
    KeyMismatch(&'static str),
    /// Too many keys could have signed the token.
    #[error("{0} keys could have signed the token: its header must name one with `kid`")]
    Candidates(usize),
    /// The signature is wrong.
    #[error("the signature of the token is wrong")]
    Signature,
    /// A public key that is not accepted.
    #[error("the public key is not accepted: {0}")]
    Key(&'static str),
    /// A private key that cannot be read.
    #[error("no PKCS#8 private key for {0}: another kind of key, too short, too long, or damaged")]
    PrivateKey(&'static str),
    /// The cryptographic library failed.
    #[error("the cryptographic library could not {0}")]
    Library(&'static str),
    /// A ring that cannot be read.
    #[error("the keys of the installation cannot be read: {0}")]
    Ring(&'static str),
    /// A ring has no key for an algorithm.
    #[error("the installation has no keys for {0}")]
    NoKeys(&'static str),
    /// Too many rotations in a short time.
    #[error("{count} retired keys of {0} are still needed: rotate again when the oldest is forgotten", count = crate::limits::RETIRED)]
    Retired(&'static str),
}

/// What somebody else wrote, as an error may show it: escaped and short.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}
