//! Limits of what a stranger's certificate, or the file of an authority, may cost.

/// Most bytes of a certificate. Those of cards take two thousand.
pub const CERTIFICATE: usize = 16 << 10;
/// Most bytes of a revocation list.
pub const CRL: usize = 64 << 20;
/// Most attributes of a distinguished name.
pub const NAME_ATTRIBUTES: usize = 32;
/// Most bytes of a distinguished name as text.
pub const NAME_TEXT: usize = 4 << 10;
/// Most authorities of one kind that an operator may name.
pub const AUTHORITIES: usize = 64;
/// Most characters of the national identifier of a card.
pub const NATIONAL_ID: usize = 64;
/// Most cards or certificates that one test authority issues in a call of the program.
pub const ISSUED: usize = 1_000;
