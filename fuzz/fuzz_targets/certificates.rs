//! The entry of cargo fuzz for [`annuaire_fuzz::certificates`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| annuaire_fuzz::certificates(data));
