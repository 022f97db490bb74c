//! Amounts, times and instants as people read them.

use std::time::Duration;

/// Bytes in the largest unit that leaves a whole part: `1.4 GiB`.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1_024.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1_024.0;
    }
    format!("{value:.1} TiB")
}

/// A number in groups of three digits: `1,234,567`.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of lines: `1 line`, `1,234 lines`.
pub(crate) fn lines(n: u64) -> String {
    if n == 1 { "1 line".to_owned() } else { format!("{} lines", thousands(n)) }
}

/// A time in its two largest units: `2 min 05 s`.
pub(crate) fn duration(time: Duration) -> String {
    let s = time.as_secs();
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} min {:02} s", s / 60, s % 60),
        3_600..172_800 => format!("{} h {:02} min", s / 3_600, s / 60 % 60),
        _ => format!("{} days", s / 86_400),
    }
}

/// An instant as people read it: `2026-11-24 10:00:00 UTC`.
pub(crate) fn date_utc(ms: i64) -> String {
    let text = annuaire_base::date::iso_ms(ms);
    format!("{} UTC", text.get(..19).unwrap_or(&text).replace('T', " "))
}

/// How long before `now_ms` an instant was: `3 min 20 s ago`.
pub(crate) fn age(ms: i64, now_ms: i64) -> String {
    match u64::try_from(now_ms - ms) {
        Ok(past) => format!("{} ago", duration(Duration::from_millis(past))),
        Err(_) => "in the future".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_at_a_glance() {
        assert_eq!([size(999), size(1_536), size(3 << 30)], ["999 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!([thousands(7), thousands(1_000), thousands(12_345_678)], ["7", "1,000", "12,345,678"]);
        let texts = [59, 60, 3_661, 400_000].map(|s| duration(Duration::from_secs(s)));
        assert_eq!(texts, ["59 s", "1 min 00 s", "1 h 01 min", "4 days"]);
    }
}
