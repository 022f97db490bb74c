use super::{Keys, NotAChunk, PackedRow, RowProof, encode};
use annuaire_base::fact::{Publication, VersionContent};
use proptest::prelude::*;

fn any_row() -> impl Strategy<Value = PackedRow> {
    let content = prop_oneof![
        ("[a-zé{}\":]{0,40}", any::<bool>()).prop_map(|(payload, open)| VersionContent::Stands {
            payload,
            publication: if open { Publication::Open } else { Publication::Restricted },
        }),
        Just(VersionContent::Ends),
        Just(VersionContent::Withdrawn),
    ];
    let proof = prop_oneof![any::<[u8; 16]>().prop_map(RowProof::Salt), any::<[u8; 32]>().prop_map(RowProof::Leaf)];
    // é and è share their first byte: the shared part of two keys may end within a character.
    ("[aéè1]{0,6}", "[aé]{0,2}", content, any::<u64>(), proof)
        .prop_map(|(entity, facet, content, fingerprint, proof)| PackedRow { entity, facet, content, fingerprint, proof })
}

fn any_rows() -> impl Strategy<Value = Vec<PackedRow>> {
    prop::collection::vec(any_row(), 1..40).prop_map(|mut rows| {
        rows.sort_by(|a, b| (&a.entity, &a.facet).cmp(&(&b.entity, &b.facet)));
        rows.dedup_by(|a, b| (&a.entity, &a.facet) == (&b.entity, &b.facet));
        rows
    })
}

proptest! {
    #[test]
    fn rows_come_back(rows in any_rows()) {
        let chunk = encode(&rows).unwrap();
        let keys = Keys::read(&chunk.keys).unwrap();
        let contents = keys.contents(&chunk.contents).unwrap();
        prop_assert_eq!(keys.rows(&contents), rows.clone());
        prop_assert_eq!(chunk.rows, rows.len() as u64);
        let leaves: Vec<_> = rows.iter().map(|r| r.leaf("s")).collect();
        prop_assert_eq!(keys.leaves("s", &contents).collect::<Vec<_>>(), leaves);
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(keys.find(&row.entity, &row.facet), Some(at));
            prop_assert!(keys.rows_of(&row.entity).contains(&at));
            prop_assert_eq!(keys.after(&row.entity), rows.iter().filter(|r| r.entity <= row.entity).count());
        }
        prop_assert_eq!(keys.find("absent", ""), None);
    }

    #[test]
    fn a_changed_byte_is_noticed(rows in any_rows(), place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let chunk = encode(&rows).unwrap();
        let mut both = [chunk.keys.clone(), chunk.contents.clone()].concat();
        let at = place.index(both.len());
        both[at] ^= 1 << bit;
        let (k, c) = both.split_at(chunk.keys.len());
        let read = Keys::read(k).and_then(|keys| Ok(keys.rows(&keys.contents(c)?)));
        // Some bits of a zstd frame mean nothing; then the rows are right.
        prop_assert!(read.as_ref().map_or(true, |r| *r == rows), "{:?}", read);
        let cut = Keys::read(&k[..k.len() - 1]);
        prop_assert!(cut.is_err());
    }

    #[test]
    fn bytes_that_are_no_chunk_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Keys::read(&bytes).is_err());
        let mut sum = bytes.clone();
        sum.extend(super::checksum(&bytes));
        let _ = Keys::read(&sum).map(|keys| keys.contents(&bytes));
    }
}

#[test]
fn a_withdrawn_row_keeps_its_leaf_and_nothing_else() {
    let content = VersionContent::Stands { payload: "secret".into(), publication: Publication::Open };
    let mut row = PackedRow { entity: "A".into(), facet: String::new(), content, fingerprint: 7, proof: RowProof::Salt([9; 16]) };
    let leaf = row.leaf("s");
    row.withdraw("s");
    assert_eq!((row.leaf("s"), &row.content, row.fingerprint), (leaf, &VersionContent::Withdrawn, 0));
    let once = row.clone();
    row.withdraw("s");
    assert_eq!(row, once);
}

#[test]
fn errors_say_where() {
    let error = Keys::read(b"x").unwrap_err();
    assert_eq!(error, NotAChunk("its keys are cut"));
    let text = error.at("chunk 3 of transaction 2").to_string();
    assert!(text.contains("chunk 3 of transaction 2") && text.contains("annuaire restore"), "{text}");
}
