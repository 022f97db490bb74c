use super::*;
use crate::matching::SECTION;
use flate2::read::GzDecoder;
use proptest::prelude::*;
use std::io::Read;

fn compressed(coding: GzipCoding, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut out) = (Encoder::new(coding), Vec::new());
    pieces.iter().for_each(|piece| encoder.write_piece(piece, &mut out));
    encoder.finish(&mut out);
    out
}

/// What an independent reader makes of it; it also checks checksum and length.
fn decompressed(packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut out).unwrap();
    out
}

/// Bytes without any pattern.
fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn every_length_and_distance_is_read_back() {
    let check = |bytes: &[u8], name: &str| {
        assert!(decompressed(&compressed(GzipCoding::Annuaire, &[bytes])) == bytes, "{name}");
    };
    for length in (4..600).chain([65_000, 70_000]) {
        let text = noise(length, 1);
        check(&[&text[..], &noise(9, 2), &text, &noise(9, 3)].concat(), &format!("length {length}"));
    }
    for gap in (0..700).chain((700..40_000).step_by(97)) {
        check(&[&noise(20, 1)[..], &noise(gap, 2), &noise(20, 1), &noise(9, 3)].concat(), &format!("gap {gap}"));
    }
    check(&b"0123456789abcdef".repeat((SECTION + 1_000) / 16), "longer than a section");
}

/// Why our own encoder exists. When it no longer is smaller on such a page, `zlib` should become the default.
#[test]
fn a_page_of_alike_entries_is_smaller_than_under_zlib() {
    let entry = |n: u32| {
        format!(
            r#"{{"fullUrl":"http://h/Practitioner/{n}","resource":{{"id":"{n}","meta":{{"versionId":"1"}},"name":[{{"family":"{:x}"}}]}}}}"#,
            n * n
        )
    };
    let page: String = (0..200).map(entry).collect();
    let [own, zlib] = GzipCoding::ALL.map(|coding| compressed(coding, &[page.as_bytes()]));
    assert_eq!(decompressed(&own), page.as_bytes());
    assert_eq!(decompressed(&zlib), page.as_bytes());
    assert!(own.len() < zlib.len(), "{} and {}", own.len(), zlib.len());
}

/// An answer is made by one thread after another, and encoders wait in answers that leave slowly.
#[test]
fn an_encoder_is_small_and_moves_between_threads() {
    fn moves<T: Send + 'static>() {}
    moves::<Encoder>();
    assert_eq!(size_of::<Encoder>(), 48, "the crate page and the README name this size");
}

/// The bound that the crate page gives.
#[test]
fn bytes_of_any_kind_grow_by_a_half_at_most() {
    for body in [noise(100_000, 7), vec![0xe2; 10], (0..=255).collect(), Vec::new()] {
        let packed = compressed(GzipCoding::Annuaire, &[&body]);
        assert!(packed.len() <= body.len() + body.len() / 2 + 120, "{} of {}", packed.len(), body.len());
    }
}

/// Both encoders hand a long answer over while it is written: what waits inside does not grow with it.
#[test]
fn pieces_leave_as_they_come() {
    for coding in GzipCoding::ALL {
        let (mut encoder, mut out) = (Encoder::new(coding), Vec::new());
        let pieces: Vec<Vec<u8>> = (0..16).map(|n| noise(64 << 10, n)).collect();
        for (n, piece) in pieces.iter().enumerate() {
            encoder.write_piece(piece, &mut out);
            assert!(out.len() + (128 << 10) > (n + 1) * (64 << 10), "{coding}: {} after {n}", out.len());
        }
        encoder.finish(&mut out);
        assert!(decompressed(&out) == pieces.concat(), "{coding}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(pieces in prop::collection::vec(
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            prop::collection::vec(prop::sample::select(&b"abc"[..]), 0..3_000),
            ("[a-z]{0,40}", 1..200_usize).prop_map(|(text, times)| text.repeat(times).into_bytes()),
        ], 0..6)
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        for coding in GzipCoding::ALL {
            prop_assert_eq!(decompressed(&compressed(coding, &pieces)), pieces.concat());
        }
    }
}
