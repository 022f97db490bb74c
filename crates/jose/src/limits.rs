//! Limits of tokens and keys, in one place.

/// Most bytes of a signed token that is read: claims of a login are about two thousand, those of a person with some ten situations sixteen thousand.
pub const TOKEN: usize = 65_536;
/// Most bytes of a signed token that is made: the signed UserInfo of a person with hundreds of situations.
pub const SIGNED: usize = 1_048_576;
/// Most keys that are tried for one token: a token that names its key needs one.
pub const CANDIDATES: usize = 8;
/// Most keys of a JSON Web Key Set of somebody else.
pub const FOREIGN_KEYS: usize = 50;
/// Least bits of an RSA modulus (RFC 7518 §3.3).
pub const RSA_BITS_LEAST: usize = 2_048;
/// Most bits of an RSA modulus: a stranger chooses the key of a proof, and pays for the check with our time.
pub const RSA_BITS_MOST: usize = 4_096;
/// Most bytes of a `kid` of somebody else.
pub const KID: usize = 256;
/// Most bytes of a `jti`: the caller keeps it, or its hash, until the token is over.
pub const JTI: usize = 256;
/// Most bytes of a URL that a proof is for.
pub const URL: usize = 4_096;
/// Seconds for which a client assertion may be valid from now on.
pub const ASSERTION_SECONDS: i64 = 300;
/// Seconds by which the clock of a client may be ahead. FAPI 2.0 §5.3.2.1 asks to accept 10 and to refuse 60.
pub const CLOCK_SKEW_SECONDS: i64 = 10;
/// Seconds for which a DPoP proof is accepted after it was made: what a request needs, and a clock that is late.
pub const DPOP_SECONDS: i64 = 60;
/// Retired keys of one algorithm that a ring keeps. When there are so many, the next rotation waits until one is forgotten.
pub const RETIRED: usize = 16;
/// Bytes of a ring as text: every algorithm with all its retired keys needs less than half of it.
pub const RING: usize = 262_144;
