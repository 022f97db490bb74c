//! The first bytes of a text: its encoding, and whether it is the file or an error page of the server.

use crate::limits;
use crate::text::decode::{CharacterTally, TextEncoding, decode};
use std::io::{self, BufRead, Chain, Cursor, Read};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The first bytes of a text, without the mark of UTF-8.
pub(crate) struct TextHead {
    bytes: Vec<u8>,
    /// The text ends with them.
    is_all: bool,
}

/// First bytes of files that are no text, with what they are.
const BINARY: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "a zip archive inside another file; unpack it first"),
    (b"PK\x07\x08", "a part of a zip archive cut in several; put it together and unpack it first"),
    (b"\x1f\x8b", "a gzip file inside another one; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\xfd7zXZ", "an xz file; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd file; unpack it first"),
    (b"%PDF", "a PDF document; the national files are texts"),
];

/// Words of servers and proxies, and codes of the extraction service, in a short text that is no file.
const SERVER_ERRORS: [&str; 17] = [
    "service unavailable",
    "not found",
    "bad request",
    "bad gateway",
    "gateway time",
    "internal server error",
    "unauthorized",
    "forbidden",
    "access denied",
    "too many requests",
    "moved permanently",
    "maintenance",
    "timeout",
    "fi_001",
    "fl_00",
    "erreur",
    "error",
];

impl TextHead {
    /// Reads the first bytes of a text.
    pub(crate) fn take(reader: &mut dyn BufRead) -> io::Result<Self> {
        let mut bytes = Vec::new();
        Read::take(&mut *reader, limits::HEAD_BYTES as u64).read_to_end(&mut bytes)?;
        let is_all = bytes.len() < limits::HEAD_BYTES;
        // Two marks were seen where files were put together.
        while bytes.starts_with(BOM) {
            bytes.drain(..BOM.len());
        }
        Ok(Self { bytes, is_all })
    }

    /// The text from its first character.
    pub(crate) fn chain(self, rest: &mut dyn BufRead) -> Chain<Cursor<Vec<u8>>, &mut dyn BufRead> {
        Read::chain(Cursor::new(self.bytes), rest)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first line as text.
    pub(crate) fn first_line(&self) -> String {
        let line = self.bytes.split(|b| matches!(b, b'\n' | b'\r')).next().unwrap_or_default();
        decode(line, TextEncoding::Unknown, &mut CharacterTally::default()).into_owned()
    }

    /// The first character that is not white space; 0 when there is none.
    pub(crate) fn first(&self) -> u8 {
        self.bytes.iter().copied().find(|b| !b.is_ascii_whitespace()).unwrap_or(0)
    }

    /// Why this cannot be a national file, whatever its format, and what to do.
    pub(crate) fn fault(&self, name: &str) -> Option<String> {
        let b = self.bytes.as_slice();
        if let Some((_, what)) = BINARY.iter().find(|(magic, _)| b.starts_with(magic)) {
            return Some(format!("it is {what}"));
        }
        if b.get(257..262) == Some(b"ustar") {
            return Some("it is a tar archive; unpack it first".into());
        }
        if let Some(found) = self.wide() {
            return Some(format!("its encoding is {found}; save it as UTF-8"));
        }
        if b.iter().all(u8::is_ascii_whitespace) {
            return Some("the file is empty; download it again".into());
        }
        if b.first() == Some(&0) {
            return Some("it begins with NUL bytes and is no text: cut or damaged; download it again".into());
        }
        let text = String::from_utf8_lossy(b).to_lowercase();
        let text = text.trim_start();
        let server_error = match self.first() {
            b'<' if markup(text) => Some(title(text)),
            b'<' if !finess_flow(name, text) => {
                return Some("an XML document that is no FINESS flow; nothing in it can be read".into());
            }
            b'{' | b'[' if self.is_all => json_error(b),
            b'{' | b'[' | b'<' => None,
            _ => self.plain_error(text),
        };
        server_error.map(|said| format!("it is an error page of the server, not the file ({said}); download it again"))
    }

    /// UTF-16 and UTF-32, with their mark or by the zeros between the letters.
    fn wide(&self) -> Option<&'static str> {
        let b = self.bytes.get(..512).unwrap_or(&self.bytes);
        match b {
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32"),
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Some("UTF-16"),
            _ => {}
        }
        let zeros = |odd| b.iter().enumerate().filter(|(i, c)| i % 2 == odd && **c == 0).count();
        let (even, odd) = (zeros(0), zeros(1));
        (b.len() >= 8 && even.abs_diff(odd) * 5 > b.len() * 2 && even.min(odd) * 10 < even.max(odd)).then_some("UTF-16")
    }

    /// The message of a server, when it is all of a short text without separators.
    fn plain_error(&self, text: &str) -> Option<String> {
        let short = self.is_all && text.len() < 4096;
        let fields = |c| text.lines().next().unwrap_or_default().matches(c).count();
        (short && fields('|') < 2 && fields(';') < 2 && SERVER_ERRORS.iter().any(|e| text.contains(e))).then(|| beginning(text))
    }
}

/// Whether lower-case markup is a page for people, or the report of a failure.
fn markup(text: &str) -> bool {
    let marks =
        ["<html", "<!doctype html", "<head", "<body", "<title", "<h1", "<center", "<error", "<fault", ":fault", ":envelope"];
    marks.iter().any(|m| text.contains(m)) || text.contains("<operationoutcome")
}

/// Whether a text is a flow of FINESS partners, by its root or by the name of the file.
fn finess_flow(name: &str, text: &str) -> bool {
    let name = name.to_lowercase();
    text.contains("<fluxfiness") || name.starts_with("finess_") || name.starts_with("amm_arhgos")
}

fn title(text: &str) -> String {
    let between = |open: &str, close: &str| {
        let rest = text.split_once(open)?.1;
        Some(beginning(rest.split_once(close).map_or(rest, |r| r.0)))
    };
    between("<title>", "</title>")
        .or_else(|| between("<h1>", "</h1>"))
        .or_else(|| between("<message>", "</message>"))
        .or_else(|| between("<diagnostics value=\"", "\""))
        .unwrap_or_else(|| "markup".into())
}

/// The message of an error in JSON: an object with the members of an error and none of a national file.
fn json_error(bytes: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let object = value.as_object().or_else(|| value.as_array()?.first()?.as_object())?;
    if ["resourceType", "pmej", "gcc", "gco", "entry"].iter().any(|k| object.contains_key(*k)) {
        return None;
    }
    let keys =
        ["error", "errors", "fault", "exception", "message", "detail", "title", "status", "statusCode", "code", "errorCode"];
    let found: Vec<&serde_json::Value> = keys.iter().filter_map(|k| object.get(*k)).collect();
    Some(beginning(&found.first()?.to_string()))
}

/// The beginning of the message of a server, on one line.
fn beginning(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(20).collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(limits::SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::TextHead;

    fn fault(name: &str, bytes: &[u8]) -> Option<String> {
        let mut reader = std::io::BufReader::with_capacity(3, bytes);
        TextHead::take(&mut reader).unwrap().fault(name)
    }

    #[test]
    fn what_is_not_the_file_is_named() {
        let utf16 = |text: &str, mark: bool| -> Vec<u8> {
            mark.then_some([0xff, 0xfe]).into_iter().flatten().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
        };
        let cases: Vec<(Vec<u8>, &str)> = vec![
            (b"<!DOCTYPE html>\n<html><head><title>503 Service Unavailable</title>".to_vec(), "503 service unavailable"),
            (b"\xef\xbb\xbf \r\n\t<HTML><BODY>x".to_vec(), "error page of the server"),
            (b"<!-- x --><!doctype HTML>".to_vec(), "error page of the server"),
            (b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>gone</Message></Error>".to_vec(), "gone"),
            (b"<?xml version=\"1.0\"?><soap:Envelope><soap:Fault/></soap:Envelope>".to_vec(), "error page"),
            (b"{\"timestamp\":\"x\",\"status\":503,\"error\":\"Service Unavailable\"}".to_vec(), "Service Unavailable"),
            (b" [{\"code\":\"FI_001\",\"message\":\"nom absent\"}]".to_vec(), "nom absent"),
            (b"503 Service Unavailable\n".to_vec(), "503 service unavailable"),
            (b"FL_005 : pas de droit".to_vec(), "fl_005"),
            (utf16("Type d'identifiant PP|Identifiant PP|", true), "UTF-16; save it as UTF-8"),
            (utf16("Type d'identifiant PP|Identifiant PP|", false), "UTF-16; save it as UTF-8"),
            (utf16("{\"resourceType\":\"Device\"}", false), "UTF-16"),
            (b"\xef\xbb\xbf".to_vec(), "empty"),
            (b" \n\r\n\t ".to_vec(), "empty"),
            (vec![0; 4096], "NUL"),
            (b"PK\x03\x04".to_vec(), "zip archive inside"),
            (b"7z\xbc\xaf\x27\x1c".to_vec(), "7z"),
            (b"%PDF-1.7".to_vec(), "PDF"),
            (b"<?xml version=\"1.0\"?><other/>".to_vec(), "no FINESS flow"),
        ];
        for (bytes, want) in cases {
            let found = fault("f.txt", &bytes).unwrap_or_default();
            assert!(found.contains(want), "{want}: {found:?}");
        }
        for (name, good) in [
            ("f.txt", "Type d'identifiant PP|Identifiant PP|x|\n8|1|81|\n"),
            ("f.csv", "\u{feff}\"Code erreur\";\"b\";\"c\"\n"),
            ("f.json", "{\"schemaVersion\":\"v1\",\"status\":1,\"pmej\":[]}"),
            ("f.json", "{\"resourceType\":\"Device\",\"status\":\"active\"}"),
            ("x.xml", "<?xml version=\"1.0\"?><fluxfiness>"),
            ("finess_cs1400102_stock_20261008-0330.xml", "<?xml version=\"1.0\"?><x>"),
        ] {
            assert_eq!(fault(name, good.as_bytes()), None, "{good}");
        }
    }
}
