//! The words of a path.

/// A word of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// A name, which may be one of the operators that are words.
    Name(String),
    /// A name between backquotes, never an operator.
    Quoted(String),
    Text(String),
    Number(String),
    /// What follows `@`.
    Moment(String),
    /// `%name`.
    Constant(String),
    /// `$this`, `$index`, `$total`.
    Variable(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// A word and the number of its first character, from 1.
pub(super) struct Placed {
    pub(super) word: Word,
    pub(super) at: usize,
}

const SIGNS: [&str; 22] =
    ["<=", ">=", "!=", "!~", ".", ",", "(", ")", "[", "]", "{", "}", "=", "<", ">", "+", "-", "*", "/", "|", "&", "~"];

/// The words of a path, or what is wrong and where.
pub(super) fn words(path: &str) -> Result<Vec<Placed>, (usize, String)> {
    let mut words = Vec::new();
    let mut rest = path;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(words) };
        let at = path[..path.len() - rest.len()].chars().count() + 1;
        let fail = |what: &str| Err((at, what.to_owned()));
        let (word, length) = match first {
            '\'' => match quoted(rest, '\'') {
                Some((text, length)) => (Word::Text(text), length),
                None => return fail("this text has no closing ' or an unknown escape"),
            },
            '`' => match quoted(rest, '`') {
                Some((name, length)) => (Word::Quoted(name), length),
                None => return fail("this name has no closing ` or an unknown escape"),
            },
            '0'..='9' => {
                let length = number_length(rest);
                if rest[length..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                    return fail("a number is followed by a letter");
                }
                (Word::Number(rest[..length].to_owned()), length)
            }
            '@' => {
                let length =
                    rest[1..].find(|c: char| !(c.is_ascii_digit() || "-:T.Z+".contains(c))).map_or(rest.len(), |n| n + 1);
                // A point that no digit follows starts the next step.
                let length = 1 + rest[1..length].trim_end_matches('.').len();
                (Word::Moment(rest[1..length].to_owned()), length)
            }
            '%' => match rest[1..].chars().next() {
                Some(quote @ ('\'' | '`')) => match quoted(&rest[1..], quote) {
                    Some((name, length)) => (Word::Constant(name), length + 1),
                    None => return fail("this name has no closing quote"),
                },
                _ => match name_length(&rest[1..]) {
                    0 => return fail("the name of a constant is expected after %"),
                    n => (Word::Constant(rest[1..=n].to_owned()), n + 1),
                },
            },
            '$' => {
                let n = name_length(&rest[1..]);
                (Word::Variable(rest[1..=n].to_owned()), n + 1)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let n = name_length(rest);
                (Word::Name(rest[..n].to_owned()), n)
            }
            _ => match SIGNS.iter().find(|s| rest.starts_with(**s)) {
                Some(sign) => (Word::Sign(sign), sign.len()),
                None => return fail(&format!("`{first}` means nothing in a path")),
            },
        };
        words.push(Placed { word, at });
        rest = &rest[length..];
    }
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
}

fn number_length(text: &str) -> usize {
    let digits = |t: &str| t.find(|c: char| !c.is_ascii_digit()).unwrap_or(t.len());
    let whole = digits(text);
    match text[whole..].strip_prefix('.').map(digits) {
        Some(fraction) if fraction > 0 => whole + 1 + fraction,
        _ => whole,
    }
}

/// The content of a quoted text and the length of the whole in bytes.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut content = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Some((content, at + 1));
        }
        if c != '\\' {
            content.push(c);
            continue;
        }
        content.push(match chars.next()?.1 {
            c @ ('\'' | '"' | '`' | '\\' | '/') => c,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\u{c}',
            'u' => {
                let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4 && !digits.starts_with('+'))?;
                char::from_u32(code)?
            }
            _ => return None,
        });
    }
    None
}
