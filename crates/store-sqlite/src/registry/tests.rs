use crate::open_blocking;
use annuaire_store_suite as suite;

#[test]
fn passes_the_suite() {
    let dir = tempfile::tempdir().unwrap();
    let mut n = 0;
    suite::run(&mut |new| {
        n += u32::from(new);
        open_blocking(&dir.path().join(format!("r{n}.sqlite"))).unwrap()
    });
}
