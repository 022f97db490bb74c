//! Instants and sentences as people in France read them.

use annuaire_base::date::paris_stamp;

/// `26/11/2026 à 03 h 30`, at Paris, for milliseconds since 1970 UTC.
pub(crate) fn french_time(ms: i64) -> String {
    let stamp = paris_stamp(ms);
    let part = |from: usize, to: usize| stamp.get(from..to).unwrap_or("?");
    format!("{}/{}/{} à {}\u{a0}h\u{a0}{}", part(6, 8), part(4, 6), part(0, 4), part(8, 10), part(10, 12))
}

/// Binds signs to the word that they belong to, so that no line begins with them.
pub(crate) fn typeset(text: &str) -> String {
    let bound = text.replace("« ", "«\u{a0}").replace(" »", "\u{a0}»");
    let mut out = String::with_capacity(bound.len());
    let mut letters = bound.chars().peekable();
    while let Some(letter) = letters.next() {
        let binds = letter == ' ' && letters.peek().is_some_and(|next| ":;?!".contains(*next));
        out.push(if binds { '\u{a0}' } else { letter });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{french_time, typeset};

    #[test]
    fn signs_stay_with_their_words() {
        assert_eq!(typeset("« a » : b, c ?"), "«\u{a0}a\u{a0}»\u{a0}: b, c\u{a0}?");
    }

    #[test]
    fn an_instant_is_told_at_paris() {
        assert_eq!(french_time(1_795_000_000_000), "18/11/2026 à 12\u{a0}h\u{a0}06");
    }
}
