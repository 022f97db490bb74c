//! The few shapes of DER that public keys have.

/// What comes before the point in the `SubjectPublicKeyInfo` of a P-256 key, uncompressed (RFC 5480).
const P256_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07, 0x03, 0x42, 0x00,
];
/// What comes before the key in the `SubjectPublicKeyInfo` of an Ed25519 key (RFC 8410).
const ED25519_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The algorithm `rsaEncryption` with its parameters `NULL` (RFC 3279 §2.3.1).
const RSA_ALGORITHM: [u8; 15] = [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// The key in a `SubjectPublicKeyInfo`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Spki<'a> {
    /// A `RSAPublicKey` (RFC 8017 §A.1.1).
    Rsa(&'a [u8]),
    /// The coordinates of a point of P-256, 64 bytes.
    P256(&'a [u8]),
    /// An Ed25519 key, 32 bytes.
    Ed25519(&'a [u8]),
}

/// Reads a `SubjectPublicKeyInfo` of one of three kinds; `None` for anything else, compressed points and explicit curves among it.
pub(crate) fn spki(der: &[u8]) -> Option<Spki<'_>> {
    if let Some([4, point @ ..]) = der.strip_prefix(&P256_PREFIX) {
        return (point.len() == 64).then_some(Spki::P256(point));
    }
    if let Some(key) = der.strip_prefix(&ED25519_PREFIX) {
        return (key.len() == 32).then_some(Spki::Ed25519(key));
    }
    let (body, []) = element(0x30, der)? else { return None };
    let (bits, []) = element(0x03, body.strip_prefix(&RSA_ALGORITHM)?)? else { return None };
    bits.strip_prefix(&[0]).map(Spki::Rsa)
}

/// Modulus and exponent of a `RSAPublicKey`, in big-endian bytes without leading zeros.
pub(crate) fn rsa_components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, []) = element(0x30, der)? else { return None };
    let (n, rest) = element(0x02, body)?;
    let (e, []) = element(0x02, rest)? else { return None };
    Some((positive(n)?, positive(e)?))
}

/// The magnitude of a positive `INTEGER` in its shortest form.
fn positive(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0, first, ..] if *first >= 0x80 => Some(&bytes[1..]),
        [first, ..] if (1..0x80).contains(first) => Some(bytes),
        _ => None,
    }
}

/// The content of an element with this tag, and what follows it. Lengths must have their shortest form, and at most two bytes.
fn element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [n @ ..=0x7f, rest @ ..] => (usize::from(*n), rest),
        [0x81, n @ 0x80..=0xff, rest @ ..] => (usize::from(*n), rest),
        [0x82, high @ 1..=0xff, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_shortest_form_is_read() {
        assert_eq!(rsa_components(&[0x30, 6, 2, 1, 5, 2, 1, 3]), Some((&[5][..], &[3][..])));
        assert_eq!(rsa_components(&[0x30, 7, 2, 2, 0, 0x80, 2, 1, 3]), Some((&[0x80][..], &[3][..])));
        for wrong in [
            &[0x30, 6, 2, 1, 5, 2, 1][..],
            &[0x30, 6, 2, 1, 5, 2, 1, 3, 0],
            &[0x30, 0x81, 6, 2, 1, 5, 2, 1, 3],
            &[0x30, 7, 2, 2, 0, 5, 2, 1, 3],
            &[0x30, 6, 2, 1, 0x85, 2, 1, 3],
            &[0x30, 6, 2, 1, 0, 2, 1, 3],
            &[0x30, 5, 2, 0, 2, 1, 3],
            &[0x30, 0x80],
            &[0x30],
            &[],
        ] {
            assert_eq!(rsa_components(wrong), None, "{wrong:?}");
        }
    }
}
