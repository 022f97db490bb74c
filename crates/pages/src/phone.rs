//! Telephone numbers as `tel:` addresses (RFC 3966).

/// What replaces the first zero of a national number, by its first four digits; `+33` for all others. Numbers of overseas departments
/// and territories have country codes of their own (ITU-T E.164).
const OVERSEAS: [(&str, &str); 14] = [
    ("0262", "+262"),
    ("0263", "+262"),
    ("0269", "+262"),
    ("0508", "+508"),
    ("0590", "+590"),
    ("0594", "+594"),
    ("0596", "+596"),
    ("0639", "+262"),
    ("0690", "+590"),
    ("0691", "+590"),
    ("0692", "+262"),
    ("0693", "+262"),
    ("0694", "+594"),
    ("0696", "+596"),
];

/// The global `tel:` address of a number, as files write it; empty for a text that is no telephone number.
pub(crate) fn tel_uri(number: &str) -> String {
    let digits: String =
        number.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '.' | '-' | '/' | '(' | ')')).collect();
    let is_number =
        |text: &str, from: usize, to: usize| (from..=to).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(global) = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) {
        return if is_number(global, 7, 15) { format!("tel:+{global}") } else { String::new() };
    }
    match digits.strip_prefix('0') {
        Some(rest) if is_number(&digits, 10, 10) => {
            let country = OVERSEAS.iter().find(|(begin, _)| digits.starts_with(begin)).map_or("+33", |(_, country)| country);
            format!("tel:{country}{rest}")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::tel_uri;

    #[test]
    fn numbers_of_all_territories_are_global_and_other_texts_are_no_links() {
        for (written, uri) in [
            ("0465715099", "tel:+33465715099"),
            ("04 65.71-50 99", "tel:+33465715099"),
            ("0590990001", "tel:+590590990001"),
            ("0692990001", "tel:+262692990001"),
            ("+33465715099", "tel:+33465715099"),
            ("0033465715099", "tel:+33465715099"),
            ("15", ""),
            ("3624", ""),
            ("9465715099", ""),
            ("0465715099;x", ""),
            ("+", ""),
            ("", ""),
        ] {
            assert_eq!(tel_uri(written), uri, "{written}");
        }
    }
}
