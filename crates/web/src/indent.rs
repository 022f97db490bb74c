//! JSON made readable for people: line breaks and indentation between its bytes, which stay as they are.

/// Spaces of a level.
const SPACES: usize = 2;

/// Breaks JSON into indented lines, in pieces of any size: no byte of a value changes, white space alone is added. White space
/// that the JSON has already is left out. What is no JSON comes out in some form, without an error.
///
/// Costs one look at each byte.
#[derive(Debug, Clone, Default)]
pub struct JsonIndenter {
    depth: usize,
    state: JsonPlace,
    /// An array or object was opened, and nothing of it was written.
    opened: bool,
}

/// Where the next byte is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum JsonPlace {
    #[default]
    Outside,
    InString,
    /// In a string, after a backslash.
    Escaped,
}

impl JsonIndenter {
    /// The next piece of JSON, indented.
    #[must_use]
    pub fn indent(&mut self, json: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(json.len() + json.len() / 2);
        for &byte in json {
            match self.state {
                JsonPlace::InString => {
                    out.push(byte);
                    self.state = match byte {
                        b'"' => JsonPlace::Outside,
                        b'\\' => JsonPlace::Escaped,
                        _ => JsonPlace::InString,
                    };
                }
                JsonPlace::Escaped => {
                    out.push(byte);
                    self.state = JsonPlace::InString;
                }
                JsonPlace::Outside => self.structure(&mut out, byte),
            }
        }
        out
    }

    fn structure(&mut self, out: &mut Vec<u8>, byte: u8) {
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => {}
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                // An empty one stays on its line.
                if !std::mem::take(&mut self.opened) {
                    self.begin_line(out);
                }
                out.push(byte);
            }
            _ => {
                if std::mem::take(&mut self.opened) {
                    self.begin_line(out);
                }
                out.push(byte);
                match byte {
                    b'{' | b'[' => (self.depth, self.opened) = (self.depth + 1, true),
                    b',' => self.begin_line(out),
                    b':' => out.push(b' '),
                    b'"' => self.state = JsonPlace::InString,
                    _ => {}
                }
            }
        }
    }

    fn begin_line(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
        // No resource is nested as deeply; a text that pretends to be does not make long lines.
        out.resize(out.len() + self.depth.min(64) * SPACES, b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::JsonIndenter;

    #[test]
    fn json_is_indented_however_it_is_cut() {
        let json = br#"{"a":[1,2,{"b":"x, {y}: \"z\\"}],"e":{},"f":[],"t":true,"u":"\u00e9"}"#;
        let expected = "{\n  \"a\": [\n    1,\n    2,\n    {\n      \"b\": \"x, {y}: \\\"z\\\\\"\n    }\n  ],\n  \"e\": {},\n  \"f\": [],\n  \"t\": true,\n  \"u\": \"\\u00e9\"\n}";
        for piece in 1..=json.len() {
            let mut indenter = JsonIndenter::default();
            let out: Vec<u8> = json.chunks(piece).flat_map(|chunk| indenter.indent(chunk)).collect();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        assert_eq!(JsonIndenter::default().indent(expected.as_bytes()), expected.as_bytes(), "once is enough");
    }

    #[test]
    fn what_is_no_json_comes_out_too() {
        for text in ["]]}}", "\"", "{{{{", "{\"a\\", ""] {
            let out = JsonIndenter::default().indent(text.as_bytes());
            let kept: Vec<u8> = out.into_iter().filter(|b| !b.is_ascii_whitespace()).collect();
            assert_eq!(kept, text.as_bytes());
        }
    }
}
