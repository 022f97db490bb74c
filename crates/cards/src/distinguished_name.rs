//! Distinguished names: read from a certificate or from their text (RFC 4514), and compared by their attributes.

use crate::der;
use crate::limits;
use annuaire_base::text::hex;
use std::fmt;
use x509_parser::x509::X509Name;

/// Types that a text may name by letters (RFC 4514 and the names that OpenSSL prints), with their identifiers. The first name of a
/// type is the one that we write.
const TYPES: [(&str, &str); 20] = [
    ("CN", oid::COMMON_NAME),
    ("SN", oid::SURNAME),
    ("surname", oid::SURNAME),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", oid::ORGANISATION),
    ("OU", oid::UNIT),
    ("title", oid::TITLE),
    ("T", oid::TITLE),
    ("GN", oid::GIVEN_NAME),
    ("givenName", oid::GIVEN_NAME),
    ("dnQualifier", "2.5.4.46"),
    ("pseudonym", "2.5.4.65"),
    ("organizationIdentifier", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

/// Identifiers of the types of attributes that this crate looks up.
pub(crate) mod oid {
    pub(crate) const COMMON_NAME: &str = "2.5.4.3";
    pub(crate) const SURNAME: &str = "2.5.4.4";
    pub(crate) const ORGANISATION: &str = "2.5.4.10";
    pub(crate) const UNIT: &str = "2.5.4.11";
    pub(crate) const TITLE: &str = "2.5.4.12";
    pub(crate) const GIVEN_NAME: &str = "2.5.4.42";
}

/// A distinguished name: relative names in the order of the certificate (the country first), each a set of attributes.
///
/// Two names are equal when their relative names are, in order; within one of them the order of attributes counts for nothing, nor
/// do the case of letters and the number of spaces (`distinguishedNameMatch` and `caseIgnoreMatch` of RFC 4517).
#[derive(Debug, Clone)]
pub struct DistinguishedName {
    relative: Vec<Vec<NameAttribute>>,
}

/// One attribute of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct NameAttribute {
    /// Its type, as a dotted identifier.
    kind: String,
    value: NameValue,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum NameValue {
    Text(String),
    /// A value that is no text: the bytes of its element.
    Other(Vec<u8>),
}

/// Why a text or the subject of a certificate is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// There is no attribute.
    #[error("the name is empty: write it as CN=…,OU=…,O=…,C=FR")]
    Empty,
    /// The text is longer than a name may be.
    #[error("the name is longer than {} bytes", limits::NAME_TEXT)]
    TooLong,
    /// More attributes than a name may have.
    #[error("the name has more than {} attributes", limits::NAME_ATTRIBUTES)]
    TooMany,
    /// An attribute without `=`.
    #[error("at byte {0} of the name: an attribute is written TYPE=value")]
    NoValue(usize),
    /// A type that is neither known nor a dotted identifier.
    #[error(
        "at byte {0} of the name: unknown type of attribute; known are CN, OU, O, L, ST, C and others of RFC 4514, or an identifier such as 2.5.4.97"
    )]
    UnknownType(usize),
    /// A character that must be escaped, or an escape that is none.
    #[error("at byte {0} of the name: write this character as \\ and itself, or as \\ and two hexadecimal digits")]
    Escape(usize),
    /// Bytes that are no UTF-8 once the escapes are resolved.
    #[error("at byte {0} of the name: the value is not UTF-8")]
    Encoding(usize),
    /// A value in hexadecimal that is no element of DER.
    #[error("at byte {0} of the name: after #, write the bytes of one DER element in hexadecimal")]
    Hexadecimal(usize),
}

impl DistinguishedName {
    /// Reads the text of a name as RFC 4514 writes it: the last relative name first, commas between them, `+` between attributes of
    /// one. Spaces around these signs are allowed, as most tools print them.
    ///
    /// # Errors
    /// A [`NameFault`] with the byte at which the text is wrong.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        if text.len() > limits::NAME_TEXT {
            return Err(NameFault::TooLong);
        }
        if text.trim_matches(' ').is_empty() {
            return Err(NameFault::Empty);
        }
        let mut relative = vec![Vec::new()];
        let (mut at, mut count) = (0, 0);
        loop {
            let (attribute, after, end) = parse_attribute(text, at)?;
            count += 1;
            if count > limits::NAME_ATTRIBUTES {
                return Err(NameFault::TooMany);
            }
            if let Some(last) = relative.last_mut() {
                last.push(attribute);
            }
            match after {
                None => break,
                Some(b'+') => {}
                Some(_) => relative.push(Vec::new()),
            }
            at = end;
        }
        relative.reverse();
        Ok(Self { relative })
    }

    /// Reads the name of a certificate.
    pub(crate) fn read(name: &X509Name<'_>) -> Result<Self, NameFault> {
        let mut relative = Vec::new();
        let mut count = 0;
        for set in name.iter() {
            let mut attributes = Vec::new();
            for attribute in set.iter() {
                count += 1;
                if count > limits::NAME_ATTRIBUTES {
                    return Err(NameFault::TooMany);
                }
                let raw = attribute.attr_value();
                // Only tags of one byte give texts.
                let number = u8::try_from(raw.tag().0).unwrap_or(0);
                let tag = if raw.header.is_constructed() { number | 0x20 } else { number };
                let value = match der::text(tag, raw.data) {
                    Some(text) => NameValue::Text(text),
                    None => NameValue::Other(der::element(tag, raw.data)),
                };
                attributes.push(NameAttribute { kind: attribute.attr_type().to_id_string(), value });
            }
            relative.push(attributes);
        }
        Ok(Self { relative })
    }

    /// Whether a text that an operator wrote names this subject: read as RFC 4514 writes names, or the other way round, as a
    /// certificate orders them and OpenSSL prints them.
    #[must_use]
    pub fn is_named_by(&self, written: &Self) -> bool {
        let (ours, mut theirs) = (self.folded(), written.folded());
        if ours == theirs {
            return true;
        }
        theirs.reverse();
        ours == theirs
    }

    /// The texts of the attributes of this type, in the order of the name.
    pub(crate) fn texts<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.relative.iter().flatten().filter(move |attribute| attribute.kind == kind).filter_map(|attribute| {
            match &attribute.value {
                NameValue::Text(text) => Some(text.as_str()),
                NameValue::Other(_) => None,
            }
        })
    }

    /// The common name, when there is exactly one.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.single(oid::COMMON_NAME)
    }

    /// The text of the attribute of this type, when there is exactly one.
    pub(crate) fn single<'a>(&'a self, kind: &'a str) -> Option<&'a str> {
        let mut texts = self.texts(kind);
        texts.next().filter(|_| texts.next().is_none())
    }

    /// The name without the attributes of a type.
    pub(crate) fn without(&self, kind: &str) -> Self {
        let keep = |set: &Vec<NameAttribute>| {
            let kept: Vec<NameAttribute> = set.iter().filter(|attribute| attribute.kind != kind).cloned().collect();
            (!kept.is_empty()).then_some(kept)
        };
        Self { relative: self.relative.iter().filter_map(keep).collect() }
    }

    /// What two equal names have in common.
    fn folded(&self) -> Vec<Vec<NameAttribute>> {
        let fold = |attribute: &NameAttribute| NameAttribute {
            kind: attribute.kind.clone(),
            value: match &attribute.value {
                NameValue::Text(text) => NameValue::Text(text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()),
                NameValue::Other(bytes) => NameValue::Other(bytes.clone()),
            },
        };
        let set = |set: &Vec<NameAttribute>| {
            let mut set: Vec<NameAttribute> = set.iter().map(fold).collect();
            set.sort();
            set
        };
        self.relative.iter().map(set).collect()
    }
}

impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for DistinguishedName {}

impl fmt::Display for DistinguishedName {
    /// Writes the name as RFC 4514 does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, set) in self.relative.iter().rev().enumerate() {
            for (j, attribute) in set.iter().enumerate() {
                f.write_str(match (i, j) {
                    (0, 0) => "",
                    (_, 0) => ",",
                    _ => "+",
                })?;
                let known = TYPES.iter().find(|(_, oid)| *oid == attribute.kind);
                write!(f, "{}=", known.map_or(attribute.kind.as_str(), |(name, _)| name))?;
                match &attribute.value {
                    NameValue::Text(text) => f.write_str(&escaped(text))?,
                    NameValue::Other(bytes) => write!(f, "#{}", hex(bytes))?,
                }
            }
        }
        Ok(())
    }
}

/// A value with the escapes of RFC 4514 §2.4.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    for (at, c) in text.char_indices() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            ' ' if at == 0 || at == last => out.push_str("\\ "),
            '#' if at == 0 => out.push_str("\\#"),
            c if c.is_ascii_control() => out.push_str(&format!("\\{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The attribute that begins at a byte, the sign after it (`,`, `+` or none), and where the next one begins.
fn parse_attribute(text: &str, start: usize) -> Result<(NameAttribute, Option<u8>, usize), NameFault> {
    let bytes = text.as_bytes();
    let begin = start + bytes[start..].iter().take_while(|b| **b == b' ').count();
    let equals = bytes[begin..].iter().position(|b| matches!(b, b'=' | b',' | b'+'));
    let Some(equals) = equals.map(|n| begin + n).filter(|at| bytes[*at] == b'=') else {
        return Err(NameFault::NoValue(begin));
    };
    let kind = text[begin..equals].trim_end_matches(' ');
    let kind = match TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(kind)) {
        Some((_, oid)) => (*oid).to_owned(),
        None if der::oid_content(kind).is_some() => kind.to_owned(),
        None => return Err(NameFault::UnknownType(begin)),
    };
    let mut at = equals + 1 + bytes[equals + 1..].iter().take_while(|b| **b == b' ').count();
    let value_at = at;
    let mut value = Vec::new();
    // Spaces at the end do not count, unless they are escaped.
    let mut kept = 0;
    let mut escaped_first = false;
    let sign = loop {
        match bytes.get(at).copied() {
            None => break None,
            Some(sign @ (b',' | b'+')) => break Some(sign),
            Some(b'\\') => {
                escaped_first |= value.is_empty();
                let (byte, length) = parse_escape(&bytes[at + 1..]).ok_or(NameFault::Escape(at))?;
                value.push(byte);
                kept = value.len();
                at += 1 + length;
            }
            Some(b'"' | b';' | b'<' | b'>' | 0) => return Err(NameFault::Escape(at)),
            Some(byte) => {
                value.push(byte);
                if byte != b' ' {
                    kept = value.len();
                }
                at += 1;
            }
        }
    };
    value.truncate(kept);
    let value = if value.first() == Some(&b'#') && !escaped_first {
        element_of(&value[1..]).ok_or(NameFault::Hexadecimal(value_at))?
    } else {
        NameValue::Text(String::from_utf8(value).map_err(|_| NameFault::Encoding(value_at))?)
    };
    Ok((NameAttribute { kind, value }, sign, at + 1))
}

/// The byte that an escape stands for, without its `\`, and how many bytes the escape takes.
fn parse_escape(after: &[u8]) -> Option<(u8, usize)> {
    match after {
        [c @ (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\'), ..] => Some((*c, 1)),
        [high, low, ..] => Some((digit(*high)? << 4 | digit(*low)?, 2)),
        _ => None,
    }
}

fn digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|n| u8::try_from(n).ok())
}

/// The value of `#` and hexadecimal digits: one element of DER.
fn element_of(digits: &[u8]) -> Option<NameValue> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes: Vec<u8> =
        digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect::<Option<_>>()?;
    let (element, rest) = der::first(&bytes)?;
    if !rest.is_empty() {
        return None;
    }
    Some(der::text(element.tag, element.content).map_or_else(|| NameValue::Other(bytes.clone()), NameValue::Text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> DistinguishedName {
        DistinguishedName::parse(text).unwrap()
    }

    #[test]
    fn texts_are_read_and_written() {
        for (text, written) in [
            ("CN=app.exemple.example, OU=399900000300015, O=ÉDITEUR EXEMPLE, ST=Moselle (57), C=FR", None),
            ("cn = a , c = FR", Some("CN=a,C=FR")),
            (r"GN=Zoé+CN=899900000011+SN=D\'\+Essai", None),
            (r"CN=a\,b\\\2b \ ,C=FR", Some(r"CN=a\,b\\\+ \ ,C=FR")),
            (r"CN=\c3\a9", Some("CN=é")),
            (r"CN=\#1", Some(r"CN=\#1")),
            ("2.5.4.3=a", Some("CN=a")),
            ("1.2.3=#0c0141", Some("1.2.3=A")),
            ("1.2.3=#0401ff", Some("1.2.3=#0401ff")),
            ("CN=", Some("CN=")),
            ("CN=a=b", Some("CN=a=b")),
        ] {
            if text.contains("\\'") {
                assert_eq!(DistinguishedName::parse(text).unwrap_err(), NameFault::Escape(text.find("\\'").unwrap()));
                continue;
            }
            let read = name(text);
            assert_eq!(read.to_string(), written.map_or_else(|| text.replace(", ", ","), str::to_owned));
            assert_eq!(name(&read.to_string()), read);
        }
    }

    #[test]
    fn faults_say_where() {
        for (text, fault) in [
            ("", NameFault::Empty),
            ("  ", NameFault::Empty),
            ("CN", NameFault::NoValue(0)),
            ("CN=a,", NameFault::NoValue(5)),
            ("CN=a,OU,C=FR", NameFault::NoValue(5)),
            ("CN=a,XX=b", NameFault::UnknownType(5)),
            ("=a", NameFault::UnknownType(0)),
            ("CN=a;C=FR", NameFault::Escape(4)),
            ("CN=\"a\"", NameFault::Escape(3)),
            (r"CN=a\", NameFault::Escape(4)),
            (r"CN=a\g0", NameFault::Escape(4)),
            (r"CN=\ff", NameFault::Encoding(3)),
            ("CN=#04", NameFault::Hexadecimal(3)),
            ("CN=#0", NameFault::Hexadecimal(3)),
            ("CN=#xy", NameFault::Hexadecimal(3)),
        ] {
            assert_eq!(DistinguishedName::parse(text).unwrap_err(), fault, "{text}");
        }
        assert_eq!(DistinguishedName::parse(&"a".repeat(limits::NAME_TEXT + 1)).unwrap_err(), NameFault::TooLong);
        assert_eq!(
            DistinguishedName::parse(&vec!["C=F"; limits::NAME_ATTRIBUTES + 1].join(",")).unwrap_err(),
            NameFault::TooMany
        );
    }

    #[test]
    fn names_are_compared_by_attributes() {
        assert_eq!(name("CN=a+SN=b,C=FR"), name("SN=B + cn=A, c=fr"));
        assert_eq!(name("O=Editeur  exemple"), name("O= EDITEUR EXEMPLE "));
        assert_ne!(name("CN=a,C=FR"), name("C=FR,CN=a"));
        assert!(name("CN=a,O=o,C=FR").is_named_by(&name("C=FR,O=o,CN=a")));
        for other in ["CN=a,O=o", "CN=a,O=o,C=FR,C=FR", "CN=a+O=o,C=FR", "O=o,CN=a,C=FR", "CN=b,O=o,C=FR", "OU=a,O=o,C=FR"] {
            assert!(!name("CN=a,O=o,C=FR").is_named_by(&name(other)), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_read_as_it_is_written(values in prop::collection::vec("\\PC{0,12}|[ ,+#=\\\\\"]{0,6}", 1..5)) {
            let relative = values.iter().map(|v| vec![NameAttribute {
                kind: oid::UNIT.to_owned(),
                value: NameValue::Text(v.clone()),
            }]).collect();
            let made = DistinguishedName { relative };
            let read = DistinguishedName::parse(&made.to_string()).unwrap();
            let texts: Vec<&str> = read.texts(oid::UNIT).collect();
            prop_assert_eq!(texts, values.iter().map(String::as_str).collect::<Vec<_>>());
        }

        #[test]
        fn no_text_makes_it_fail(text in "\\PC*") {
            let _ = DistinguishedName::parse(&text);
        }
    }
}
