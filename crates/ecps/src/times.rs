//! Instants as people in France read them.

use annuaire_base::date::paris_stamp;

/// `26/11/2026 à 03 h 30`, at Paris, for milliseconds since 1970 UTC.
pub(crate) fn french_time(ms: i64) -> String {
    let stamp = paris_stamp(ms);
    let part = |from: usize, to: usize| stamp.get(from..to).unwrap_or("?");
    format!("{}/{}/{} à {}\u{a0}h\u{a0}{}", part(6, 8), part(4, 6), part(0, 4), part(8, 10), part(10, 12))
}

#[cfg(test)]
mod tests {
    use super::french_time;

    #[test]
    fn an_instant_is_told_at_paris() {
        assert_eq!(french_time(1_795_000_000_000), "18/11/2026 à 12\u{a0}h\u{a0}06");
    }
}
