//! A JSON document as a flat list of nodes that point into its text.
//!
//! `serde_json::Value` allocates each member and loses the digits of a number; this list is one allocation for a resource, and a
//! number stays the text that was published. Reading is strict (RFC 8259): no comment, no trailing comma, no repeated root.

use crate::ViewError;
use crate::limits::{RESOURCE_BYTES, RESOURCE_DEPTH};

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Null,
    True,
    False,
    Number,
    /// A string without escapes: a slice of the text.
    Plain,
    /// A string with escapes: a slice of the unescaped texts.
    Escaped,
    Array,
    Object,
}

#[derive(Debug, Clone, Copy)]
struct NodeSlot {
    shape: Shape,
    start: u32,
    end: u32,
    /// Index of the first node after this one and its content.
    next: u32,
}

/// A parsed JSON document. Parsing costs one pass over the text and one allocation; several views can read one document.
#[derive(Debug)]
pub struct Document<'j> {
    text: &'j str,
    unescaped: String,
    slots: Vec<NodeSlot>,
}

/// One value of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'d> {
    document: &'d Document<'d>,
    index: u32,
}

impl<'j> Document<'j> {
    /// Reads one JSON value that fills `json`.
    ///
    /// # Errors
    /// [`ViewError::Json`] for bytes that are not UTF-8, not JSON, too long or too deeply nested
    /// ([`RESOURCE_BYTES`], [`RESOURCE_DEPTH`]).
    pub fn parse(json: &'j [u8]) -> Result<Self, ViewError> {
        if json.len() > RESOURCE_BYTES {
            return Err(ViewError::Json { at: RESOURCE_BYTES, what: "the resource is too large" });
        }
        let text = std::str::from_utf8(json).map_err(|e| ViewError::Json { at: e.valid_up_to(), what: "this is not UTF-8" })?;
        let document = Document { text, unescaped: String::new(), slots: Vec::with_capacity(json.len() / 16 + 8) };
        let mut reader = Reader { bytes: json, at: 0, document };
        match reader.whole() {
            Ok(()) => Ok(reader.document),
            Err(what) => Err(ViewError::Json { at: reader.at, what }),
        }
    }

    pub(crate) fn root(&self) -> Node<'_> {
        Node { document: self, index: 0 }
    }

    /// The `resourceType` of the document; empty when it has none.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        self.root().member("resourceType").and_then(|n| n.text()).unwrap_or("")
    }

    /// The `id` of the document; empty when it has none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.root().member("id").and_then(|n| n.text()).unwrap_or("")
    }
}

impl<'d> Node<'d> {
    fn slot(self) -> &'d NodeSlot {
        &self.document.slots[self.index as usize]
    }

    pub(crate) fn shape(self) -> Shape {
        self.slot().shape
    }

    pub(crate) fn is_object(self) -> bool {
        self.shape() == Shape::Object
    }

    /// The content of a string.
    pub(crate) fn text(self) -> Option<&'d str> {
        let slot = self.slot();
        let range = slot.start as usize..slot.end as usize;
        match slot.shape {
            Shape::Plain => Some(&self.document.text[range]),
            Shape::Escaped => Some(&self.document.unescaped[range]),
            _ => None,
        }
    }

    /// The digits of a number, as they stand in the text.
    pub(crate) fn number(self) -> Option<&'d str> {
        let slot = self.slot();
        (slot.shape == Shape::Number).then(|| &self.document.text[slot.start as usize..slot.end as usize])
    }

    /// The text of the value as it stands in the document.
    pub(crate) fn raw(self) -> &'d str {
        let slot = self.slot();
        match slot.shape {
            Shape::Escaped => &self.document.unescaped[slot.start as usize..slot.end as usize],
            _ => &self.document.text[slot.start as usize..slot.end as usize],
        }
    }

    /// Values of an array, in order; nothing for another node.
    pub(crate) fn elements(self) -> Elements<'d> {
        let slot = self.slot();
        let end = if slot.shape == Shape::Array { slot.next } else { self.index + 1 };
        Elements { document: self.document, index: self.index + 1, end }
    }

    /// Names and values of an object; nothing for another node.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'d str, Node<'d>)> {
        let slot = self.slot();
        let end = if slot.shape == Shape::Object { slot.next } else { self.index + 1 };
        let mut keys = Elements { document: self.document, index: self.index + 1, end };
        std::iter::from_fn(move || Some((keys.next()?.text()?, keys.next()?)))
    }

    /// The first member of this name; a `null` counts as a value. Views spend most of their time here.
    pub(crate) fn member(self, name: &str) -> Option<Node<'d>> {
        let document = self.document;
        let slot = self.slot();
        if slot.shape != Shape::Object {
            return None;
        }
        let (name, end) = (name.as_bytes(), slot.next as usize);
        let mut index = self.index as usize + 1;
        while let (true, Some([key, value, ..])) = (index < end, document.slots.get(index..)) {
            let (from, to) = (key.start as usize, key.end as usize);
            if to - from == name.len() {
                let texts = if key.shape == Shape::Plain { document.text } else { &document.unescaped };
                if texts.as_bytes().get(from..to) == Some(name) {
                    return Some(Node { document, index: key.next });
                }
            }
            index = value.next as usize;
        }
        None
    }
}

/// The values of an array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Elements<'d> {
    document: &'d Document<'d>,
    index: u32,
    end: u32,
}

impl<'d> Iterator for Elements<'d> {
    type Item = Node<'d>;

    fn next(&mut self) -> Option<Node<'d>> {
        if self.index >= self.end {
            return None;
        }
        let node = Node { document: self.document, index: self.index };
        self.index = node.slot().next;
        Some(node)
    }
}

/// What was read, or what is wrong at the current byte. It fits two registers, and each value returns one.
type Read<T> = Result<T, &'static str>;

struct Reader<'j> {
    bytes: &'j [u8],
    at: usize,
    document: Document<'j>,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[expect(clippy::cast_possible_truncation, reason = "a document has less than 2^32 bytes, hence nodes")]
    fn push(&mut self, shape: Shape, start: usize, end: usize) -> usize {
        let index = self.document.slots.len();
        self.document.slots.push(NodeSlot { shape, start: start as u32, end: end as u32, next: index as u32 + 1 });
        index
    }

    #[expect(clippy::cast_possible_truncation, reason = "a document has less than 2^32 bytes, hence nodes")]
    fn close(&mut self, index: usize) {
        self.at += 1;
        let next = self.document.slots.len() as u32;
        let slot = &mut self.document.slots[index];
        (slot.next, slot.end) = (next, self.at as u32);
    }

    fn whole(&mut self) -> Read<()> {
        self.skip_space();
        self.value(0)?;
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err("something follows the JSON value") }
    }

    fn value(&mut self, depth: usize) -> Read<()> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Shape::True),
            Some(b'f') => self.word("false", Shape::False),
            Some(b'n') => self.word("null", Shape::Null),
            Some(_) => Err("a JSON value was expected"),
            None => Err("the JSON text ends too early"),
        }
    }

    fn word(&mut self, word: &'static str, shape: Shape) -> Read<()> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err("a JSON value was expected");
        }
        self.push(shape, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err("a digit was expected") } else { Ok(()) }
    }

    fn number(&mut self) -> Read<()> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err("a number does not start with 0");
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.push(Shape::Number, start, self.at);
        Ok(())
    }

    fn string(&mut self) -> Read<()> {
        let start = self.at + 1;
        self.at = start + plain_length(&self.bytes[start..]);
        match self.peek() {
            Some(b'"') => {
                self.push(Shape::Plain, start, self.at);
                self.at += 1;
                Ok(())
            }
            Some(b'\\') => self.escaped_string(start),
            Some(_) => Err("a control character must be escaped in a string"),
            None => Err("the JSON text ends within a string"),
        }
    }

    /// The rest of a string whose first escape is at the current byte.
    fn escaped_string(&mut self, start: usize) -> Read<()> {
        let from = self.document.unescaped.len();
        let mut copied = start;
        loop {
            let text = self.document.text;
            match self.peek() {
                Some(b'"') => {
                    self.document.unescaped.push_str(&text[copied..self.at]);
                    self.push(Shape::Escaped, from, self.document.unescaped.len());
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.document.unescaped.push_str(&text[copied..self.at]);
                    self.at += 1;
                    let c = self.escape()?;
                    self.document.unescaped.push(c);
                    copied = self.at;
                }
                Some(..b' ') => return Err("a control character must be escaped in a string"),
                Some(_) => self.at += plain_length(&self.bytes[self.at..]),
                None => return Err("the JSON text ends within a string"),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err("this escape does not exist in JSON"),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Read<char> {
        let first = self.four_digits()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 1;
            let second = self.four_digits()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err("half of a surrogate pair");
            }
            0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(code).ok_or("half of a surrogate pair")
    }

    /// Reads `uXXXX`.
    fn four_digits(&mut self) -> Read<u32> {
        let digits = self.bytes.get(self.at + 1..self.at + 5).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else { return Err("four hexadecimal digits were expected") };
        let code = digits.iter().fold(0, |code, d| code * 16 + (*d as char).to_digit(16).unwrap_or(0));
        self.at += 5;
        Ok(code)
    }

    fn enter(&mut self, depth: usize, shape: Shape) -> Read<usize> {
        if depth >= RESOURCE_DEPTH {
            return Err("the resource is nested too deeply");
        }
        let index = self.push(shape, self.at, self.at);
        self.at += 1;
        self.skip_space();
        Ok(index)
    }

    fn array(&mut self, depth: usize) -> Read<()> {
        let index = self.enter(depth, Shape::Array)?;
        if self.peek() != Some(b']') {
            loop {
                self.value(depth + 1)?;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b']') => break,
                    _ => return Err("`,` or `]` was expected"),
                }
                self.skip_space();
            }
        }
        self.close(index);
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Read<()> {
        let index = self.enter(depth, Shape::Object)?;
        if self.peek() != Some(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err("the name of a member was expected");
                }
                self.string()?;
                self.skip_space();
                if self.peek() != Some(b':') {
                    return Err("`:` was expected");
                }
                self.at += 1;
                self.skip_space();
                self.value(depth + 1)?;
                self.skip_space();
                match self.peek() {
                    Some(b',') => self.at += 1,
                    Some(b'}') => break,
                    _ => return Err("`,` or `}` was expected"),
                }
                self.skip_space();
            }
        }
        self.close(index);
        Ok(())
    }
}

/// How many bytes precede the first quote, backslash or control character. Most of a resource is strings: eight bytes are looked at
/// together.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    // The high bit of each byte that is less than `n`, for n up to 128. Above the first such byte there may be false ones.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
    let equal = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return i * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let end = rest.iter().position(|b| matches!(b, b'"' | b'\\' | ..b' '));
    words.len() * 8 + end.unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::{Document, Node, Shape};
    use crate::limits::RESOURCE_DEPTH;
    use proptest::prelude::*;
    use serde_json::Value;

    fn value(node: Node<'_>) -> Value {
        match node.shape() {
            Shape::Null => Value::Null,
            Shape::True => Value::Bool(true),
            Shape::False => Value::Bool(false),
            Shape::Number => serde_json::from_str(node.number().unwrap()).unwrap(),
            Shape::Plain | Shape::Escaped => Value::String(node.text().unwrap().to_owned()),
            Shape::Array => Value::Array(node.elements().map(value).collect()),
            Shape::Object => Value::Object(node.members().map(|(k, v)| (k.to_owned(), value(v))).collect()),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_plain_part_ends_at_the_first_special_byte(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'a')], 0..40)) {
            let naive = bytes.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\').unwrap_or(bytes.len());
            prop_assert_eq!(super::plain_length(&bytes), naive);
        }

        #[test]
        fn a_document_is_what_serde_json_reads(json in any_json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
            let document = Document::parse(text.as_bytes()).unwrap();
            prop_assert_eq!(value(document.root()), serde_json::from_str::<Value>(&text).unwrap());
        }

        #[test]
        fn damaged_text_is_judged_as_serde_json_does(json in any_json(), at: prop::sample::Index, byte in prop::sample::select(&b"{}[],:\"\\0tx-.e \n"[..])) {
            let mut bytes = serde_json::to_vec(&json).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let expected = serde_json::from_slice::<Value>(&bytes);
            match (Document::parse(&bytes), expected) {
                (Ok(document), Ok(expected)) => {
                    // A repeated name: the first one is read here, the last one there.
                    let same = value(document.root()) == expected;
                    prop_assert!(same || text_repeats_a_name(&document));
                }
                (Err(_), Err(_)) => {}
                // A number beyond a double is a number here.
                (Ok(_), Err(e)) => prop_assert!(e.to_string().contains("out of range"), "{}", e),
                (Err(e), Ok(_)) => prop_assert!(false, "{}", e),
            }
        }
    }

    fn text_repeats_a_name(document: &Document<'_>) -> bool {
        fn repeats(node: Node<'_>) -> bool {
            let names: Vec<&str> = node.members().map(|(k, _)| k).collect();
            let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
            distinct.len() < names.len() || node.members().any(|(_, v)| repeats(v)) || node.elements().any(repeats)
        }
        repeats(document.root())
    }

    #[test]
    fn a_number_keeps_its_digits_and_a_string_its_characters() {
        let document = Document::parse(br#"{"a":1.50,"b":"\u00e9\ud83d\ude00\n","c":[]}"#).unwrap();
        let root = document.root();
        assert_eq!(root.member("a").and_then(Node::number), Some("1.50"));
        assert_eq!(root.member("b").and_then(Node::text), Some("é😀\n"));
        assert_eq!(root.member("c").map(|n| n.elements().count()), Some(0));
        assert!(root.member("d").is_none());
    }

    #[test]
    fn what_is_not_json_is_refused_where_it_is() {
        for (text, at) in
            [("", 0), ("{", 1), ("{\"a\":01}", 6), ("[1,]", 3), ("\"\\x\"", 2), ("\"\\ud800\"", 7), ("1 2", 2), ("\"\u{1}\"", 1)]
        {
            match Document::parse(text.as_bytes()) {
                Err(crate::ViewError::Json { at: found, .. }) => assert_eq!(found, at, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert!(Document::parse(b"\"\xff\"").is_err());
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Document::parse(deep(RESOURCE_DEPTH).as_bytes()).is_ok());
        assert!(Document::parse(deep(RESOURCE_DEPTH + 1).as_bytes()).is_err());
    }
}
