//! Bytes to text: UTF-8 and Windows-1252, stray bytes, and invisible characters.

use std::borrow::Cow;

/// The encoding of a file, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum TextEncoding {
    /// Unknown yet: each line decides for itself.
    #[default]
    Unknown,
    /// Bytes that are not UTF-8 are damage.
    Utf8,
    /// Lines that are not UTF-8 are Windows-1252.
    Windows1252,
}

/// Characters that were replaced or removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CharacterTally {
    /// Bytes that are no character of the file's encoding.
    pub(crate) replaced: u64,
    /// Control characters, direction marks and characters without width.
    pub(crate) removed: u64,
}

impl CharacterTally {
    pub(crate) fn add(&mut self, other: Self) {
        self.replaced += other.replaced;
        self.removed += other.removed;
    }

    /// The characters as oddities of a report.
    pub(crate) fn oddities(self) -> impl Iterator<Item = (String, u64)> {
        let all = [
            ("stray byte replaced by U+FFFD", self.replaced),
            ("control character, direction mark or character without width, removed", self.removed),
        ];
        all.into_iter().filter(|(_, n)| *n > 0).map(|(what, n)| (what.to_owned(), n))
    }
}

/// The encoding that the first letters beyond ASCII of a file point to: in Windows-1252 nearly none of them is UTF-8 by chance,
/// and in UTF-8 nearly all are.
#[derive(Debug, Default)]
pub(crate) struct EncodingEvidence {
    valid: usize,
    invalid: usize,
}

impl EncodingEvidence {
    /// Letters after which the encoding of a file is settled. The header of most national files has a dozen.
    const ENOUGH: usize = 64;

    /// Looks at the next bytes of the file, in whole lines, until the encoding is settled.
    pub(crate) fn observe(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            if self.valid + self.invalid >= Self::ENOUGH {
                return;
            }
            self.valid += chunk.valid().chars().filter(|c| !c.is_ascii()).take(Self::ENOUGH).count();
            self.invalid += usize::from(!chunk.invalid().is_empty());
        }
    }

    pub(crate) fn encoding(&self) -> TextEncoding {
        match self.valid.cmp(&self.invalid) {
            std::cmp::Ordering::Greater => TextEncoding::Utf8,
            // A few bytes may be damage in a file whose first letters beyond ASCII come later.
            std::cmp::Ordering::Less if self.invalid > 8 => TextEncoding::Windows1252,
            _ => TextEncoding::Unknown,
        }
    }
}

/// A line as text. Valid UTF-8 is taken as it is; of another line, in a file of UTF-8, each stray byte becomes U+FFFD and the
/// rest stays. In a file of unknown encoding, a line with some UTF-8 beyond ASCII is UTF-8, and one without is
/// Windows-1252.
/// Control characters other than tab and NUL, direction marks and characters without width are removed; NUL, the mark of a
/// hole in the file, stays and makes the line unreadable.
pub(crate) fn decode<'a>(line: &'a [u8], file: TextEncoding, tally: &mut CharacterTally) -> Cow<'a, str> {
    let text = match str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let some = || line.utf8_chunks().any(|c| !c.valid().is_ascii());
            if file == TextEncoding::Utf8 || (file == TextEncoding::Unknown && some()) {
                tally.replaced += line.utf8_chunks().filter(|c| !c.invalid().is_empty()).count() as u64;
                String::from_utf8_lossy(line).into_owned().into()
            } else {
                let text: String = line.iter().map(|b| windows_1252(*b)).collect();
                tally.replaced += text.matches(char::REPLACEMENT_CHARACTER).count() as u64;
                text.into()
            }
        }
    };
    if !suspicious(text.as_bytes()) {
        return text;
    }
    let hidden = text.chars().filter(|c| is_invisible(*c)).count() as u64;
    if hidden == 0 {
        return text;
    }
    tally.removed += hidden;
    text.chars().filter(|c| !is_invisible(*c)).collect::<String>().into()
}

/// Whether bytes of UTF-8 may hold an invisible character: a control character, or the first byte of a mark.
fn suspicious(bytes: &[u8]) -> bool {
    // Without an early exit inside a chunk, the compiler compares sixteen bytes at a time.
    bytes.chunks(128).any(|chunk| {
        chunk.iter().fold(false, |any, b| any | ((*b < 0x20) & (*b != b'\t')) | matches!(*b, 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef))
    })
}

/// Whether a character is invisible, or changes how others are displayed.
fn is_invisible(c: char) -> bool {
    match c {
        '\t' | '\0' => false,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        c => c.is_control(),
    }
}

/// A JSON text without the invisible characters of its strings, written as they are or as escapes; line breaks and tabs stay.
pub(crate) fn clean_json<'a>(text: &'a str, tally: &mut CharacterTally) -> Cow<'a, str> {
    if !text.contains("\\u") && !suspicious_json(text.as_bytes()) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let (mut removed, mut rest) = (0, text);
    while let Some(at) = rest.find(|c: char| c == '\\' || (is_invisible(c) && !c.is_ascii_whitespace())) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let mut chars = found.chars();
        if chars.next() != Some('\\') {
            removed += 1;
            rest = chars.as_str();
            continue;
        }
        let code = found.strip_prefix("\\u").and_then(|h| h.get(..4)).and_then(|h| u32::from_str_radix(h, 16).ok());
        let keep = match code.map(char::from_u32) {
            Some(Some(c)) => !is_invisible(c) && c != '\0' || matches!(c, '\n' | '\r'),
            _ => true,
        };
        let len = if code.is_some() { 6 } else { 1 + chars.next().map_or(0, char::len_utf8) };
        if keep {
            out.push_str(&found[..len]);
        } else {
            removed += 1;
        }
        rest = &found[len..];
    }
    if removed == 0 {
        return text.into();
    }
    out.push_str(rest);
    tally.removed += removed;
    out.into()
}

fn suspicious_json(bytes: &[u8]) -> bool {
    bytes.chunks(128).any(|chunk| {
        chunk.iter().fold(false, |any, b| {
            any | ((*b < 0x20) & !matches!(*b, b'\t' | b'\n' | b'\r')) | matches!(*b, 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef)
        })
    })
}

fn windows_1252(b: u8) -> char {
    const NONE: char = char::REPLACEMENT_CHARACTER;
    const HIGH: [char; 32] = [
        '€', NONE, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', NONE, 'Ž', NONE, NONE, '‘', '’', '“', '”', '•', '–',
        '—', '˜', '™', 'š', '›', 'œ', NONE, 'ž', 'Ÿ',
    ];
    match b {
        0x80..=0x9f => HIGH[usize::from(b - 0x80)],
        b => char::from(b),
    }
}

#[cfg(test)]
mod tests {
    use super::{CharacterTally, EncodingEvidence, TextEncoding, clean_json, decode};

    fn read(line: &[u8], file: TextEncoding) -> (String, u64, u64) {
        let mut tally = CharacterTally::default();
        let text = decode(line, file, &mut tally).into_owned();
        (text, tally.replaced, tally.removed)
    }

    #[test]
    fn a_stray_byte_spoils_one_character() {
        let stray = b"GEN\xc3\x88VE|H\xffPITAL|\xc3\x89T\xc3\x89";
        for file in [TextEncoding::Utf8, TextEncoding::Unknown] {
            assert_eq!(read(stray, file), ("GENÈVE|H\u{fffd}PITAL|ÉTÉ".to_owned(), 1, 0));
        }
        assert_eq!(read(b"H\xd4PITAL", TextEncoding::Unknown), ("HÔPITAL".to_owned(), 0, 0));
        assert_eq!(read(b"H\xd4PITAL", TextEncoding::Windows1252), ("HÔPITAL".to_owned(), 0, 0));
        assert_eq!(read(b"H\xd4PITAL", TextEncoding::Utf8), ("H\u{fffd}PITAL".to_owned(), 1, 0));
        // Windows-1252 whose neighbours are UTF-8 by chance: the encoding of the file decides.
        assert_eq!(read(b"\xabSANT\xc9\xbb \x8cUVRE", TextEncoding::Windows1252), ("«SANTÉ» ŒUVRE".to_owned(), 0, 0));
        assert_eq!(read(b"\x8d\xe9", TextEncoding::Windows1252), ("\u{fffd}é".to_owned(), 1, 0));
    }

    #[test]
    fn the_first_letters_of_a_file_tell_its_encoding() {
        let tells = |text: &[u8]| {
            let mut evidence = EncodingEvidence::default();
            evidence.observe(text);
            evidence.encoding()
        };
        assert_eq!(tells("Libellé civilité|Prénom d'exercice|".as_bytes()), TextEncoding::Utf8);
        assert_eq!(tells("é".repeat(1_000_000).as_bytes()), TextEncoding::Utf8);
        assert_eq!(tells(&b"Libell\xe9 ".repeat(12)), TextEncoding::Windows1252);
        assert_eq!(tells(b"plain|header|\n1|2|\n"), TextEncoding::Unknown);
        assert_eq!(tells(b"one stray \xff byte"), TextEncoding::Unknown);
    }

    #[test]
    fn characters_that_nobody_sees_are_removed_and_counted() {
        for hidden in ["\u{202e}", "\u{2066}", "\u{2069}", "\u{200b}", "\u{feff}", "\u{1}", "\u{1f}", "\u{7f}", "\u{85}", "\r"] {
            assert_eq!(
                read(format!("DUR{hidden}AND|é").as_bytes(), TextEncoding::Utf8),
                ("DURAND|é".to_owned(), 0, 1),
                "{hidden:?}"
            );
            let json = format!(
                "{{\"a\":\"DUR{hidden}AND\",\"b\":\"\\\\u{:04x}\\u{:04x}é\"}}",
                0x202e,
                hidden.chars().next().unwrap() as u32
            );
            let mut tally = CharacterTally::default();
            let (raw, escaped) = if hidden == "\r" { (0, 0) } else { (1, 1) };
            let clean = clean_json(&json, &mut tally).into_owned();
            assert_eq!(tally.removed, raw + escaped, "{json:?}");
            if raw == 1 {
                assert_eq!(clean, "{\"a\":\"DURAND\",\"b\":\"\\\\u202eé\"}");
            }
        }
        assert_eq!(read("L’ÉTÉ\tÀ 5 € – «º»".as_bytes(), TextEncoding::Utf8), ("L’ÉTÉ\tÀ 5 € – «º»".to_owned(), 0, 0));
        let json = "{\"a\":\"\\n\\t\\u00e9\\\\\\\"\"}\n";
        assert_eq!(clean_json(json, &mut CharacterTally::default()), json);
    }
}
