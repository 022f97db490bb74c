//! Small parsers: dates, folding, identifiers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let once = annuaire_base::text::fold(data);
    assert_eq!(annuaire_base::text::fold(&once), once);
    let _ = annuaire_base::date::PartialDate::parse(data);
    if let Some((first, last)) = annuaire_base::date::parse_instant(data) {
        assert!(first <= last);
    }
    let _ = annuaire_base::id::contains_nir(data);
    let _ = annuaire_base::id::finess(data);
});
