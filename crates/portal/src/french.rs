//! French for people who read it on a page.

use annuaire_workflow::day::{french, paris_day, paris_time};

/// Puts the spaces that French typography asks for, so that no line begins with a sign, and the apostrophe that is printed.
pub(crate) fn typeset(text: &str) -> String {
    let mut out = text.replace('\'', "’");
    for sign in [":", ";", "?", "!", "»"] {
        out = out.replace(&format!(" {sign}"), &format!("\u{a0}{sign}"));
    }
    out.replace("« ", "«\u{a0}")
}

/// `27/11/2026` in Paris.
pub(crate) fn day_of(at_ms: i64) -> String {
    french(paris_day(at_ms))
}

/// `27/11/2026 à 09:05` in Paris.
pub(crate) fn instant(at_ms: i64) -> String {
    format!("{} à {}", day_of(at_ms), paris_time(at_ms))
}

/// « 1 demande », « 3 demandes ».
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    if n < 2 { format!("{n} {one}") } else { format!("{n} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stay_with_their_word() {
        assert_eq!(typeset("L'état : « oui » ?"), "L’état\u{a0}: «\u{a0}oui\u{a0}»\u{a0}?");
        assert_eq!([counted(0, "demande", "demandes"), counted(2, "demande", "demandes")], ["0 demande", "2 demandes"]);
    }
}
