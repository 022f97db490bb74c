use super::run::CHUNK;
use super::{Merge, RecordBuf, Sorter};
use proptest::prelude::*;

type Pair = (Vec<u8>, Vec<u8>);

fn all(mut merge: Merge) -> Vec<Pair> {
    let once = rest(&mut merge);
    merge.rewind().unwrap();
    assert_eq!(rest(&mut merge), once, "as often as it is asked");
    // Not only from the end.
    merge.rewind().unwrap();
    for _ in 0..once.len() / 2 {
        merge.advance().unwrap();
    }
    merge.rewind().unwrap();
    assert_eq!(rest(&mut merge), once);
    once
}

fn rest(merge: &mut Merge) -> Vec<Pair> {
    let mut out = Vec::new();
    while let Some((key, value)) = merge.peek() {
        out.push((key.to_vec(), value.to_vec()));
        merge.advance().unwrap();
    }
    merge.advance().unwrap();
    assert!(merge.peek().is_none(), "the end stays the end");
    out
}

fn sorted(pairs: &[Pair], budget: usize, workers: usize) -> Vec<Pair> {
    let mut sorter = Sorter::new(budget, None);
    let mut last = 0;
    for (n, (key, value)) in pairs.iter().enumerate() {
        // Both ways in, and a key in one part or in two.
        let (start, end) = key.split_at(key.len() / 2);
        if n % 2 == 0 {
            sorter.push(&[key], value).unwrap();
        } else {
            let mut records = RecordBuf::default();
            records.push(&[b"not added"], b"");
            let from = records.len();
            records.push(&[start, end], value);
            sorter.extend(&records, from..records.len()).unwrap();
        }
        assert!(sorter.added_bytes() > last);
        last = sorter.added_bytes();
    }
    all(sorter.finish(workers).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// A sort in memory is the model.
    #[test]
    fn records_come_out_in_order_and_none_is_lost(
        pairs in prop::collection::vec(("(person|place|)[0-9a-c]{0,20}\0{0,2}", prop::collection::vec(any::<u8>(), 0..200)), 0..80),
        budget in prop::sample::select(vec![1_usize, 200, 2_000, 1 << 20]),
        workers in 1_usize..5,
    ) {
        let pairs: Vec<Pair> = pairs.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect();
        let mut want = pairs.clone();
        want.sort();
        prop_assert_eq!(sorted(&pairs, budget, workers), want);
    }
}

#[test]
fn a_record_larger_than_a_chunk_is_read_whole() {
    let pairs: Vec<Pair> = (0..3_u8).rev().map(|n| (b"PP:x".to_vec(), vec![n; 3 * CHUNK / 2])).collect();
    let out = sorted(&pairs, 100, 1);
    assert!(out.iter().rev().eq(&pairs));
}

#[test]
fn nothing_sorts_to_nothing() {
    assert!(sorted(&[], 100, 3).is_empty());
}

#[test]
fn runs_are_written_to_the_directory_that_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let sort = |dir: std::path::PathBuf| {
        let mut sorter = Sorter::new(100, Some(dir));
        sorter.push(&[b"PP:x"], &[1; 100]).unwrap();
        sorter.finish(1).map(|_| ())
    };
    assert!(sort(dir.path().to_owned()).is_ok());
    assert!(sort(dir.path().join("none")).is_err(), "not anywhere else");
}

#[test]
fn a_cut_run_is_an_error() {
    use super::run::{RunReader, RunWriter};
    let mut run = RunWriter::create(None).unwrap();
    run.write(b"", b"key", b"value").unwrap();
    let file = run.finish().unwrap();
    file.set_len(5).unwrap();
    assert_eq!(RunReader::new(file).advance().unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}
