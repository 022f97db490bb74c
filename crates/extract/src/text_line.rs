//! Lines as national files have them: values without the characters that these files cannot hold, and marks that stand for what a
//! structure says until it is known.

/// What a structure gives to lines that name it: pieces of lines, each a few fields with their separators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fragment {
    /// `1` when the filter wants the structure; gives no field.
    Wanted,
    /// Columns 20 to 47 of `Personne_activite`.
    Place,
    /// Sector, code and label.
    Sector,
    /// The third part of the registration authority.
    Authority,
    /// Columns 25 to 48 of the ProSanteConnect file.
    PscPlace,
    /// Code of the sector.
    PscSector,
    /// Columns 19 to 31 of the mailbox file.
    MailboxPlace,
    /// Corporate name as FINESS files write it.
    Name,
}

/// Number of fragments.
pub(crate) const FRAGMENTS: usize = Fragment::Name as usize + 1;
/// Stands before the number of a fragment.
const MARK: char = '\u{1e}';
/// Separates the fragments of a structure.
const FRAGMENT_END: char = '\u{1f}';

/// A line of a `|` file, or a piece of one, while it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PipeLine(String);

impl PipeLine {
    /// Adds a field. Quotes, separators, line ends and other control characters are left out (source-files §13).
    pub(crate) fn field(&mut self, value: &str) -> &mut Self {
        push_clean(&mut self.0, value, '|');
        self.0.push('|');
        self
    }

    pub(crate) fn fields(&mut self, values: &[&str]) -> &mut Self {
        for value in values {
            self.field(value);
        }
        self
    }

    pub(crate) fn empty(&mut self, fields: usize) -> &mut Self {
        self.0.extend(std::iter::repeat_n('|', fields));
        self
    }

    /// Adds what the structure of the line says.
    pub(crate) fn fragment(&mut self, fragment: Fragment) -> &mut Self {
        push_mark(&mut self.0, fragment);
        self
    }

    /// Adds the registration authority, whose third part is that of the structure. What was said of the practice, the
    /// second part, is not in the registry.
    pub(crate) fn authority(&mut self, person: &str) -> &mut Self {
        push_clean(&mut self.0, person, '|');
        push_mark(&mut self.0, Fragment::Authority);
        self.0.push('|');
        self
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// A line of a FINESS file: `;` between fields.
pub(crate) struct SemicolonLine(String);

impl SemicolonLine {
    pub(crate) fn new(section: &str) -> Self {
        Self(section.to_owned())
    }

    pub(crate) fn field(&mut self, value: &str) -> &mut Self {
        self.0.push(';');
        push_clean(&mut self.0, value, ';');
        self
    }

    pub(crate) fn fields(&mut self, values: &[&str]) -> &mut Self {
        for value in values {
            self.field(value);
        }
        self
    }

    pub(crate) fn fragment(&mut self, fragment: Fragment) -> &mut Self {
        self.0.push(';');
        push_mark(&mut self.0, fragment);
        self
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

fn push_mark(out: &mut String, fragment: Fragment) {
    out.push(MARK);
    out.push(char::from(b'0' + fragment as u8));
}

/// Adds a value without what a line cannot hold; white space at its end goes too, since readers remove it.
pub(crate) fn push_clean(out: &mut String, value: &str, separator: char) {
    // Bytes that may begin what is left out: control characters beyond ASCII begin with C2. Nearly all values have none.
    let suspicious = |b: &u8| *b == separator as u8 || *b == b'"' || *b < 0x20 || *b == 0x7f || *b == 0xc2;
    let value = match value.as_bytes().last() {
        None => return,
        Some(last) if last.is_ascii_graphic() => value,
        Some(_) => value.trim_end(),
    };
    if !value.as_bytes().iter().any(suspicious) {
        return out.push_str(value);
    }
    let start = out.len();
    out.extend(value.chars().filter(|c| !(*c == separator || *c == '"' || c.is_control())));
    out.truncate(start + out[start..].trim_end().len());
}

/// Puts the fragments of a structure into a line that waits for them.
pub(crate) fn filled(line: &str, fragments: &[&str; FRAGMENTS]) -> String {
    let mut out = String::with_capacity(line.len() + 256);
    let mut pieces = line.split(MARK);
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (number, rest) = piece.split_at(1);
        let number = usize::from(number.as_bytes()[0].wrapping_sub(b'0'));
        let fragment = fragments.get(number).copied().unwrap_or_default();
        if number == Fragment::Authority as usize && !(fragment.is_empty() && out.ends_with('|')) {
            out.push_str("//");
        }
        out.push_str(fragment);
        out.push_str(rest);
    }
    out
}

/// Fragments in the form in which they are sorted.
pub(crate) fn packed(given: &[(Fragment, String)]) -> String {
    let mut out = String::new();
    for number in 0..FRAGMENTS {
        if number > 0 {
            out.push(FRAGMENT_END);
        }
        let found = given.iter().find(|(fragment, _)| *fragment as usize == number);
        out.push_str(found.map_or("", |(_, text)| text));
    }
    out
}

/// The fragments in the packed form of a structure.
pub(crate) fn unpacked(packed: &str) -> [&str; FRAGMENTS] {
    let mut pieces = packed.split(FRAGMENT_END);
    std::array::from_fn(|_| pieces.next().unwrap_or_default())
}

/// The beginning of a value of a column whose values FINESS cuts (source-files §7), in characters. Others are written whole.
pub(crate) fn cut(value: &str, characters: usize) -> &str {
    value.char_indices().nth(characters).map_or(value, |(at, _)| value[..at].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fragments_take_their_places() {
        let mut line = PipeLine::default();
        line.field("a\"|b\r\n").fragment(Fragment::Sector).authority("CNOM").authority("").field("z ");
        let line = line.into_text();
        assert_eq!(filled(&line, &unpacked("1\u{1f}P|\u{1f}SA01|Public|\u{1f}ARS")), "ab|SA01|Public|CNOM//ARS|//ARS|z|");
        assert_eq!(filled(&line, &unpacked("")), "ab|CNOM//||z|");
    }

    proptest! {
        /// Whatever a value holds, it is one field of one line.
        #[test]
        fn a_value_is_one_field(value in "\\PC{0,10}[|;\"\r\n\t\u{1e}\u{1f} ]{0,3}\\PC{0,10}") {
            let mut pipe = PipeLine::default();
            pipe.field(&value).field("end");
            let pipe = pipe.into_text();
            prop_assert_eq!(pipe.matches('|').count(), 2);
            prop_assert!(!pipe.contains(['"', '\n', '\r', MARK]));
            let mut semicolon = SemicolonLine::new("section");
            semicolon.field(&value);
            prop_assert_eq!(semicolon.into_text().matches(';').count(), 1);
        }
    }
}
