//! Certificates and revocation lists in DER, signed by a key (RFC 5280), with the extensions of identity.md §3.4.

use super::key::TestKey;
use crate::certificate::private;
use crate::der::{self, tag};
use annuaire_base::date::iso_ms;
use sha2::{Digest, Sha256};

/// Where a test authority would publish its lists. The domain is reserved: nobody answers there.
const PUBLISHED: &str = "http://igc.annuaire.example/CRL/";

/// What a certificate says, beside the key of its issuer.
pub(crate) struct Profile<'a> {
    pub(crate) serial: &'a [u8],
    pub(crate) issuer: &'a [u8],
    /// Name of the authority whose list may revoke it; roots have none.
    pub(crate) list_of: Option<&'a str>,
    pub(crate) subject: &'a [u8],
    pub(crate) not_before_ms: i64,
    pub(crate) not_after_ms: i64,
    /// SubjectPublicKeyInfo of the holder.
    pub(crate) public_key: &'a [u8],
    /// SubjectPublicKeyInfo of the issuer.
    pub(crate) issuer_key: &'a [u8],
    /// Bits of keyUsage, the first the highest.
    pub(crate) usage: u8,
    pub(crate) is_authority: bool,
    pub(crate) more: Vec<Vec<u8>>,
}

/// Bits of keyUsage.
pub(crate) const DIGITAL_SIGNATURE: u8 = 0x80;
pub(crate) const NON_REPUDIATION: u8 = 0x40;
pub(crate) const CERTIFICATES_AND_LISTS: u8 = 0x06;

/// An attribute of a name: PrintableString for a country, UTF8String for all else.
pub(crate) fn attribute(kind: &str, value: &str) -> Vec<u8> {
    let text = if kind == "2.5.4.6" { tag::PRINTABLE } else { tag::UTF8 };
    der::sequence([&der::oid(kind), &der::element(text, value.as_bytes())])
}

/// A name from relative names, each a list of attributes. They are sorted as DER wants it, or in the opposite order, which some
/// software writes.
pub(crate) fn name(relative: &[Vec<Vec<u8>>], reversed: bool) -> Vec<u8> {
    let mut all = Vec::new();
    for set in relative {
        let mut set = set.clone();
        set.sort();
        if reversed {
            set.reverse();
        }
        all.extend(der::element(tag::SET, &set.concat()));
    }
    der::element(tag::SEQUENCE, &all)
}

/// An extension.
pub(crate) fn extension(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::element(tag::BOOLEAN, &[0xFF]) } else { Vec::new() };
    der::sequence([&der::oid(oid), &critical, &der::element(tag::OCTET_STRING, value)])
}

/// extKeyUsage.
pub(crate) fn extended_usage(purposes: &[&str]) -> Vec<u8> {
    let purposes: Vec<u8> = purposes.iter().flat_map(|purpose| der::oid(purpose)).collect();
    extension("2.5.29.37", false, &der::element(tag::SEQUENCE, &purposes))
}

/// subjectAltName from its names.
pub(crate) fn alternative_names(names: &[Vec<u8>]) -> Vec<u8> {
    extension("2.5.29.17", false, &der::element(tag::SEQUENCE, &names.concat()))
}

/// The name of a user for Microsoft.
pub(crate) fn upn(user: &str) -> Vec<u8> {
    let value = der::element(tag::explicit(0), &der::element(tag::UTF8, user.as_bytes()));
    der::element(tag::explicit(0), &[der::oid(private::UPN), value].concat())
}

/// The name of a host.
pub(crate) fn dns_name(host: &str) -> Vec<u8> {
    der::element(tag::implicit(2), host.as_bytes())
}

/// An address of e-mail.
pub(crate) fn mail_address(address: &str) -> Vec<u8> {
    der::element(tag::implicit(1), address.as_bytes())
}

/// The policy of test certificates, with the address of its text.
pub(crate) fn policy() -> Vec<u8> {
    let text = der::sequence([
        &der::oid("1.3.6.1.5.5.7.2.1"),
        &der::element(tag::IA5, b"http://igc.annuaire.example/politique-de-test"),
    ]);
    let policy = der::sequence([&der::oid("1.2.250.1.213.1.7.2.1.1.1.1"), &der::sequence([&text])]);
    extension("2.5.29.32", false, &der::sequence([&policy]))
}

/// The product category, one byte.
pub(crate) fn category(code: u8) -> Vec<u8> {
    extension(private::CATEGORY, false, &der::element(tag::OCTET_STRING, &[code]))
}

/// A private extension that is a number.
pub(crate) fn number(oid: &str, n: u32) -> Vec<u8> {
    extension(oid, false, &der::unsigned(&n.to_be_bytes()))
}

/// A private extension that is a text of ASCII.
pub(crate) fn printable(oid: &str, text: &str) -> Vec<u8> {
    extension(oid, false, &der::element(tag::PRINTABLE, text.as_bytes()))
}

/// Writes and signs a certificate. `None` when the back-end fails.
pub(crate) fn certificate(profile: Profile<'_>, key: &TestKey) -> Option<Vec<u8>> {
    let authority = if profile.is_authority { der::element(tag::BOOLEAN, &[0xFF]) } else { Vec::new() };
    let mut extensions = vec![
        extension("2.5.29.19", true, &der::element(tag::SEQUENCE, &authority)),
        // keyUsage has seven bits here.
        extension("2.5.29.15", true, &der::element(tag::BIT_STRING, &[profile.usage.trailing_zeros() as u8, profile.usage])),
        extension("2.5.29.14", false, &der::element(tag::OCTET_STRING, &key_name(profile.public_key))),
        authority_key(profile.issuer_key),
    ];
    if let Some(list_of) = profile.list_of {
        let list = points(&format!("{PUBLISHED}{}", file_name(list_of)));
        extensions.push(extension("2.5.29.31", false, &list));
        extensions.push(extension("2.5.29.46", false, &points(&format!("{PUBLISHED}delta/{}", file_name(list_of)))));
        let responder = der::element(tag::implicit(6), b"http://ocsp.annuaire.example");
        let access = der::sequence([&der::oid("1.3.6.1.5.5.7.48.1"), &responder]);
        extensions.push(extension("1.3.6.1.5.5.7.1.1", false, &der::sequence([&access])));
    }
    extensions.extend(profile.more);
    let validity = der::sequence([&time(profile.not_before_ms), &time(profile.not_after_ms)]);
    let signed = der::sequence([
        &der::element(tag::explicit(0), &der::unsigned(&[2])),
        &der::unsigned(profile.serial),
        &key.algorithm(),
        profile.issuer,
        &validity,
        profile.subject,
        profile.public_key,
        &der::element(tag::explicit(3), &der::element(tag::SEQUENCE, &extensions.concat())),
    ]);
    sign(&signed, key)
}

/// Writes and signs a full revocation list. `None` when the back-end fails.
pub(crate) fn revocation_list(
    issuer: &[u8],
    issuer_key: &[u8],
    (this_update_ms, next_update_ms): (i64, i64),
    revoked: &[Vec<u8>],
    key: &TestKey,
) -> Option<Vec<u8>> {
    let compromised = extension("2.5.29.21", false, &der::element(tag::ENUMERATED, &[1]));
    let compromised = der::sequence([&compromised]);
    let entries: Vec<u8> =
        revoked.iter().flat_map(|serial| der::sequence([&der::unsigned(serial), &time(this_update_ms), &compromised])).collect();
    let entries = if entries.is_empty() { entries } else { der::element(tag::SEQUENCE, &entries) };
    let list_number = (this_update_ms.max(0) / 1_000).to_be_bytes();
    let extensions = [authority_key(issuer_key), extension("2.5.29.20", false, &der::unsigned(&list_number))].concat();
    let signed = der::sequence([
        &der::unsigned(&[1]),
        &key.algorithm(),
        issuer,
        &time(this_update_ms),
        &time(next_update_ms),
        &entries,
        &der::element(tag::explicit(0), &der::element(tag::SEQUENCE, &extensions)),
    ]);
    sign(&signed, key)
}

/// The name of the file of the list of an authority.
pub(crate) fn file_name(authority: &str) -> String {
    format!("{}.crl", authority.replace(' ', "-"))
}

fn sign(signed: &[u8], key: &TestKey) -> Option<Vec<u8>> {
    Some(der::sequence([signed, &key.algorithm(), &der::bit_string(&key.sign(signed)?)]))
}

/// cRLDistributionPoints with one address.
fn points(address: &str) -> Vec<u8> {
    let address = der::element(tag::implicit(6), address.as_bytes());
    let full = der::element(tag::explicit(0), &der::element(tag::explicit(0), &address));
    der::sequence([&der::sequence([&full])])
}

/// The name of a key: the first bytes of its digest (RFC 7093 §2).
fn key_name(public_key: &[u8]) -> Vec<u8> {
    Sha256::digest(public_key)[..20].to_vec()
}

fn authority_key(public_key: &[u8]) -> Vec<u8> {
    extension("2.5.29.35", false, &der::sequence([&der::element(tag::implicit(0), &key_name(public_key))]))
}

/// A Time: UTCTime before 2050, GeneralizedTime from then on (RFC 5280 §4.1.2.5). Parts of a second are cut.
fn time(ms: i64) -> Vec<u8> {
    let digits: String = iso_ms(ms).chars().filter(char::is_ascii_digit).take(14).collect();
    if ("1950".."2050").contains(&&digits[..4]) {
        der::element(tag::UTC_TIME, format!("{}Z", &digits[2..]).as_bytes())
    } else {
        der::element(tag::GENERALIZED_TIME, format!("{digits}Z").as_bytes())
    }
}
