//! Sources as bytes in the keys of the external sort.

use crate::owners;
use std::sync::LazyLock;

/// Mark of the key of a source whose pieces repeat those of another file (FINESS 507 repeats 502). Such pieces are only used
/// when no other file gives them.
pub(crate) const SECONDARY: u8 = 0x80;

/// The key of a source. Keys are in the order of the names of the sources, which is that of the registry.
pub(crate) fn source_key(source: &str) -> u8 {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let mut names: Vec<&str> = owners::sources().collect();
        names.sort_unstable();
        names
    });
    // A source that is not listed would come last; a test checks that there is none.
    NAMES.binary_search(&source).ok().and_then(|n| u8::try_from(n).ok()).unwrap_or(SECONDARY - 1)
}

/// Whether a source is a feed of FHIR resources: its files add up, and have neither stamp nor digest.
pub(crate) fn is_feed(source: &str) -> bool {
    source.starts_with("fhir")
}

#[cfg(test)]
mod tests {
    use super::{SECONDARY, source_key};

    #[test]
    fn every_source_has_a_key_in_the_order_of_its_name() {
        let sources: Vec<&str> = crate::formats::sources().into_iter().chain(["fhir", "finess-gr"]).collect();
        for s in &sources {
            assert!(source_key(s) < SECONDARY - 1, "{s}");
            assert!(sources.iter().all(|o| (o < s) == (source_key(o) < source_key(s))), "{s}");
        }
    }
}
