//! Counts, days and telephone numbers as people in France read them.

/// A count with its thousands apart.
pub(crate) fn french_count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A count with what is counted: French has the plural from two on.
pub(crate) fn french_number_of(count: u64, one: &str, several: &str) -> String {
    format!("{} {}", french_count(count), if count < 2 { one } else { several })
}

/// `07/05/1991` for `1991-05-07…`, `05/1991` for a month. Another text stays as it is.
pub(crate) fn french_day(iso: &str) -> String {
    match iso.get(..10).unwrap_or(iso).split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => format!("{day}/{month}/{year}"),
        [year, month] => format!("{month}/{year}"),
        _ => iso.to_owned(),
    }
}

const MONTHS: [&str; 12] =
    ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"];

/// `7 mai 1991` for `1991-05-07…`, `1er mai 1991` for the first. Another text is shown as [`french_day`] shows it.
pub(crate) fn french_long_day(iso: &str) -> String {
    let number = |from: usize, to: usize| iso.get(from..to).and_then(|digits| digits.parse::<usize>().ok());
    let month = number(5, 7).and_then(|month| MONTHS.get(month.checked_sub(1)?));
    match (iso.get(..4), month, number(8, 10)) {
        (Some(year), Some(month), Some(1)) => format!("1er {month} {year}"),
        (Some(year), Some(month), Some(day)) => format!("{day} {month} {year}"),
        _ => french_day(iso),
    }
}

/// A French telephone number by pairs of digits. Another text stays as it is.
pub(crate) fn french_phone(number: &str) -> String {
    if number.len() != 10 || !number.starts_with('0') || !number.bytes().all(|b| b.is_ascii_digit()) {
        return number.to_owned();
    }
    let pairs: Vec<&str> = (0..5).filter_map(|n| number.get(2 * n..2 * n + 2)).collect();
    pairs.join("\u{a0}")
}

/// `26/11/2026 à 03 h 30` for the minute `202611260330`. Another text stays as it is.
pub(crate) fn french_minute(stamp: &str) -> String {
    let part = |from: usize, to: usize| stamp.get(from..to);
    match (part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12)) {
        (Some(year), Some(month), Some(day), Some(hour), Some(minute)) => {
            format!("{day}/{month}/{year} à {hour}\u{a0}h\u{a0}{minute}")
        }
        _ => stamp.to_owned(),
    }
}

/// A number of bytes with a decimal: `1,5 Mo`.
pub(crate) fn french_bytes(bytes: u64) -> String {
    let units = ["octets", "ko", "Mo", "Go", "To"];
    let mut unit = 0;
    let mut tenths = bytes.saturating_mul(10);
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths = tenths.div_ceil(1_000);
        unit += 1;
    }
    match (unit, tenths % 10) {
        (0, _) => format!("{bytes}\u{a0}octets"),
        (_, 0) => format!("{}\u{a0}{}", tenths / 10, units[unit]),
        (_, tenth) => format!("{},{tenth}\u{a0}{}", tenths / 10, units[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_days_are_written_as_people_read_them() {
        assert_eq!(french_phone("0465715099"), "04\u{a0}65\u{a0}71\u{a0}50\u{a0}99");
        assert_eq!(french_phone("+33465715099"), "+33465715099");
        assert_eq!([0, 999, 20_186].map(french_count), ["0", "999", "20\u{202f}186"]);
        assert_eq!(french_minute("202611260330"), "26/11/2026 à 03\u{a0}h\u{a0}30");
        assert_eq!(french_minute("2026"), "2026");
        let lines = |count| french_number_of(count, "ligne", "lignes");
        assert_eq!([0, 1, 2, 1_000].map(lines), ["0 ligne", "1 ligne", "2 lignes", "1\u{202f}000 lignes"]);
        assert_eq!(
            [0, 999, 1_000, 1_440, 2_000_000, 1_234_567_890].map(french_bytes),
            ["0 octets", "999 octets", "1 ko", "1,5 ko", "2 Mo", "1,3 Go"].map(|text| text.replace(' ', "\u{a0}"))
        );
        let long = ["1991-05-07", "2026-12-01T10:00:00Z", "1991-05", "1991-13-01", "?"].map(french_long_day);
        assert_eq!(long, ["7 mai 1991", "1er décembre 2026", "05/1991", "01/13/1991", "?"]);
        assert_eq!(["1991-05-07T10:00:00Z", "1991-05", "?"].map(french_day), ["07/05/1991", "05/1991", "?"]);
    }
}
