//! Takes characters out of texts that let one text pass for another.

use std::borrow::Cow;

/// Whether a character is invisible and changes how others show: control characters, direction marks, characters without
/// width, tags.
fn is_mark(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text without marks. A mark that separates words, such as a line break, becomes a space.
pub(crate) fn without_marks(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_mark) {
        return text.into();
    }
    let shown = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => Some(c).filter(|c| !is_mark(*c)),
    };
    text.chars().filter_map(shown).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::without_marks;

    #[test]
    fn marks_are_not_shown() {
        assert_eq!(without_marks("D’ESSAI-Cœur, É 1\u{202f}234"), "D’ESSAI-Cœur, É 1\u{202f}234");
        let marked = "a\u{202e}b\u{200b}c\u{0}d\u{9b}e\u{2066}f\u{feff}g\u{e0041}h\u{ad}i";
        assert_eq!(without_marks(marked), "abcdefghi");
        assert_eq!(without_marks("a\nb\u{2028}c\td"), "a b c d");
        let marks = (0u32..0x20).chain(0x7f..0xa0).chain(0x200b..0x2010).chain(0x202a..0x202f).chain(0x2060..0x2070);
        for c in marks.filter_map(char::from_u32) {
            assert!(!without_marks(&c.to_string()).contains(c), "{c:?}");
        }
    }
}
