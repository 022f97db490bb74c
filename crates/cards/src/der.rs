//! DER (X.690): elements read one by one, and elements written. The parser of certificates is `x509-parser`; this reads what it
//! leaves raw, and writes what a test authority issues.

/// Tags that this crate reads or writes.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const NULL: u8 = 0x05;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const ENUMERATED: u8 = 0x0A;
    pub(crate) const UTF8: u8 = 0x0C;
    pub(crate) const NUMERIC: u8 = 0x12;
    pub(crate) const PRINTABLE: u8 = 0x13;
    pub(crate) const TELETEX: u8 = 0x14;
    pub(crate) const IA5: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const BMP: u8 = 0x1E;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// The element `[n]`, explicit or constructed.
    pub(crate) const fn explicit(n: u8) -> u8 {
        0xA0 | n
    }
    /// The element `[n]`, implicit and primitive.
    pub(crate) const fn implicit(n: u8) -> u8 {
        0x80 | n
    }
}

/// One element: its tag and what it contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// Header and content.
    pub(crate) whole: &'a [u8],
}

/// The first element and what follows it. `None` when there is none, or when its length is not in the shortest form.
pub(crate) fn first(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    // Tags of several bytes do not occur in certificates.
    if tag & 0x1F == 0x1F {
        return None;
    }
    let (&short, mut rest) = rest.split_first()?;
    let length = if short < 0x80 {
        usize::from(short)
    } else {
        let count = usize::from(short & 0x7F);
        let (digits, after) = rest.split_at_checked(count)?;
        rest = after;
        if count == 0 || count > 4 || digits[0] == 0 {
            return None;
        }
        let length = digits.iter().fold(0, |n, digit| n << 8 | usize::from(*digit));
        if length < 0x80 {
            return None;
        }
        length
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = &bytes[..bytes.len() - after.len()];
    Some((Element { tag, content, whole }, after))
}

/// The only element of these bytes, if it has this tag.
pub(crate) fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    match first(bytes)? {
        (element, []) if element.tag == tag => Some(element.content),
        _ => None,
    }
}

/// The text of a string element: UTF-8, printable, numeric, IA5, or UTF-16 (BMP). `None` for another tag or a bad encoding. A
/// teletex string is read when it is ASCII: what else it means differs between those who write it.
pub(crate) fn text(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        tag::UTF8 => String::from_utf8(content.to_vec()).ok(),
        tag::NUMERIC | tag::PRINTABLE | tag::TELETEX | tag::IA5 if content.is_ascii() => String::from_utf8(content.to_vec()).ok(),
        tag::BMP if content.len().is_multiple_of(2) => {
            let units = content.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// A small unsigned INTEGER.
pub(crate) fn small(content: &[u8]) -> Option<u32> {
    match content {
        [] => None,
        [0, next, ..] if *next < 0x80 => None,
        [first, ..] if *first >= 0x80 => None,
        [0, digits @ ..] | digits if digits.len() <= 4 => Some(digits.iter().fold(0, |n, digit| n << 8 | u32::from(*digit))),
        _ => None,
    }
}

/// The three parts of a signed object (certificate or list): what is signed, the algorithm without its header, the signature.
pub(crate) fn signed_parts(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let object = only(bytes, tag::SEQUENCE)?;
    let (signed, rest) = first(object)?;
    let (algorithm, rest) = first(rest)?;
    let signature = only(rest, tag::BIT_STRING)?;
    if algorithm.tag != tag::SEQUENCE {
        return None;
    }
    Some((signed.whole, algorithm.content, signature.strip_prefix(&[0])?))
}

/// The two parts of a public key (SubjectPublicKeyInfo): the algorithm without its header, the key.
pub(crate) fn key_parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (algorithm, rest) = first(only(bytes, tag::SEQUENCE)?)?;
    if algorithm.tag != tag::SEQUENCE {
        return None;
    }
    Some((algorithm.content, only(rest, tag::BIT_STRING)?.strip_prefix(&[0])?))
}

/// An element with this tag and content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if let Some(short) = u8::try_from(content.len()).ok().filter(|n| *n < 0x80) {
        out.push(short);
    } else {
        let digits = content.len().to_be_bytes();
        let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
        // A length has eight digits at most.
        out.push(0x80 | digits.len() as u8);
        out.extend_from_slice(digits);
    }
    out.extend_from_slice(content);
    out
}

/// A SEQUENCE of these elements.
pub(crate) fn sequence<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    element(tag::SEQUENCE, &parts.concat())
}

/// An unsigned INTEGER from its bytes, the highest first.
pub(crate) fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    let mut content = Vec::with_capacity(bytes.len() + 1);
    if bytes.first().is_none_or(|byte| *byte >= 0x80) {
        content.push(0);
    }
    content.extend_from_slice(bytes);
    element(tag::INTEGER, &content)
}

/// A BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], bytes].concat())
}

/// An OBJECT IDENTIFIER from its dotted text; empty for a text that is none, which only a mistake in this crate would give.
pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    element(tag::OID, &oid_content(dotted).unwrap_or_default())
}

/// The content of the OBJECT IDENTIFIER of a dotted text (`2.5.4.3`).
pub(crate) fn oid_content(dotted: &str) -> Option<Vec<u8>> {
    let mut arcs = dotted.split('.').map(|arc| {
        let plain = arc.bytes().all(|b| b.is_ascii_digit()) && (arc.len() == 1 || !arc.starts_with('0'));
        arc.parse::<u64>().ok().filter(|_| plain)
    });
    let (first, second) = (arcs.next()??, arcs.next()??);
    if first > 2 || (first < 2 && second > 39) {
        return None;
    }
    let mut out = Vec::new();
    for arc in std::iter::once(Some((first * 40).checked_add(second)?)).chain(arcs) {
        let arc = arc?;
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let seven = (arc >> (group * 7) & 0x7F) as u8;
            out.push(if group == 0 { seven } else { seven | 0x80 });
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_tags_are_strict() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let written = element(tag::OCTET_STRING, &vec![7; length]);
            let (read, rest) = first(&written).unwrap();
            assert_eq!((read.tag, read.content.len(), read.whole.len()), (tag::OCTET_STRING, length, written.len()));
            assert!(rest.is_empty());
            assert!(first(&written[..written.len() - 1]).is_none());
        }
        // Indefinite, longer than needed, a tag of several bytes, beyond memory.
        for bad in [&[0x30, 0x80, 0, 0][..], &[4, 0x81, 1, 0], &[4, 0x82, 0, 0x80], &[0x1F, 0x81, 1], &[4, 0x85, 1, 0, 0, 0, 0]] {
            assert!(first(bad).is_none(), "{bad:?}");
        }
        assert!(only(&[5, 0, 5, 0], tag::NULL).is_none());
    }

    #[test]
    fn numbers_are_read_as_written() {
        for n in [0_u32, 1, 127, 128, 255, 256, 0x7FFF_FFFF, u32::MAX] {
            let written = unsigned(&n.to_be_bytes());
            assert_eq!(small(only(&written, tag::INTEGER).unwrap()), Some(n));
        }
        for bad in [&[][..], &[0, 1], &[0x80], &[1, 0, 0, 0, 0]] {
            assert_eq!(small(bad), None, "{bad:?}");
        }
        assert_eq!(oid("1.2.840.113549.1.1.11"), [6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 0x0B]);
        for bad in ["", "1", "3.1", "1.40", "1..2", "1.2.x", "1.02", "2.18446744073709551615"] {
            assert_eq!(oid_content(bad), None, "{bad}");
        }
    }

    #[test]
    fn texts_of_each_encoding() {
        assert_eq!(text(tag::UTF8, "Zoé".as_bytes()).as_deref(), Some("Zoé"));
        assert_eq!(text(tag::BMP, &[0, b'Z', 0, 0xE9]).as_deref(), Some("Zé"));
        assert_eq!(text(tag::BMP, &[0xD8, 0]), None);
        assert_eq!(text(tag::PRINTABLE, &[0xE9]), None);
        assert_eq!(text(tag::OCTET_STRING, b"a"), None);
    }
}
