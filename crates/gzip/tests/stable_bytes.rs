//! The bytes of our own encoder stay as they are: copies that a cache holds, and strong comparisons of answers, depend on them.

use annuaire_gzip::{Encoder, GzipCoding};

/// A page of a search as the API writes it, with `entries` practitioners.
fn search_page(entries: u32) -> Vec<u8> {
    let entry = |n: u32| {
        let number = n.wrapping_mul(2_654_435_761);
        format!(
            r#"{{"fullUrl":"http://annuaire.example/fhir/v2/Practitioner/003-{number}","resource":{{"resourceType":"Practitioner","id":"003-{number}","meta":{{"versionId":"1"}},"name":[{{"family":"ESSAI {number:x}"}}]}}}}"#
        )
    };
    (0..entries).map(entry).collect::<Vec<_>>().join(",").into_bytes()
}

/// Bytes without any pattern.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Length and CRC-32 of what a body becomes when it is written in pieces of `piece` bytes.
fn compressed(body: &[u8], piece: usize) -> (usize, u32) {
    let (mut encoder, mut out) = (Encoder::new(GzipCoding::Annuaire), Vec::new());
    body.chunks(piece).for_each(|piece| encoder.write_piece(piece, &mut out));
    encoder.finish(&mut out);
    (out.len(), crc32fast::hash(&out))
}

#[test]
fn known_bodies_become_known_bytes() {
    for (name, body, piece, expected) in [
        ("nothing", Vec::new(), 1, (119, 0x980cbd6e)),
        ("one byte", b"x".to_vec(), 1, (120, 0x11a3a9af)),
        ("a page", search_page(50), usize::MAX, (1_361, 0xde7fcc75)),
        ("a page in pieces", search_page(50), 1_000, (2_433, 0xc6c8cfec)),
        ("a long page", search_page(5_000), 1 << 18, (113_347, 0x013ec7a0)),
        ("noise", noise(100_000), usize::MAX, (132_190, 0x11594d1b)),
        ("long runs", b"0123456789abcdef".repeat(20_000), usize::MAX, (2_149, 0x5eee1d7c)),
    ] {
        assert_eq!(compressed(&body, piece), expected, "{name}");
    }
}
