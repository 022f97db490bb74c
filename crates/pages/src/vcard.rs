//! Contact cards: vCard 4.0 (RFC 6350).

use crate::limits;

/// A card under construction. Empty values are left out, so that a card says only what is published.
#[derive(Debug)]
pub(crate) struct VCard(String);

impl VCard {
    /// Begins a card of this `KIND`: `individual` or `org`.
    pub(crate) fn new(kind: &str) -> Self {
        let mut card = Self(String::from("BEGIN:VCARD\r\nVERSION:4.0\r\n"));
        card.text("KIND", kind);
        card
    }

    /// A property with one text.
    pub(crate) fn text(&mut self, property: &str, text: &str) {
        if !text.is_empty() {
            self.line(&format!("{property}:{}", escaped(text)));
        }
    }

    /// A property with components, such as `N` or `ADR`; `text` of several lines is one component.
    pub(crate) fn components(&mut self, property: &str, components: &[&str]) {
        if components.iter().any(|component| !component.is_empty()) {
            let components: Vec<String> = components.iter().map(|component| escaped(component)).collect();
            self.line(&format!("{property}:{}", components.join(";")));
        }
    }

    /// A property whose value is an address of the web or a telephone, which is not escaped (RFC 6350 §4.2).
    pub(crate) fn uri(&mut self, property: &str, uri: &str) {
        if !uri.is_empty() {
            self.line(&format!("{property}:{uri}"));
        }
    }

    /// The whole card.
    pub(crate) fn finish(mut self) -> String {
        self.0.push_str("END:VCARD\r\n");
        self.0
    }

    /// Writes a content line, folded so that no line is longer than 75 bytes and no letter is cut (RFC 6350 §3.2).
    fn line(&mut self, line: &str) {
        let mut bytes = 0;
        for letter in line.chars() {
            if bytes + letter.len_utf8() > limits::VCARD_LINE {
                self.0.push_str("\r\n ");
                bytes = 1;
            }
            self.0.push(letter);
            bytes += letter.len_utf8();
        }
        self.0.push_str("\r\n");
    }
}

/// A text whose signs of the format are marked (RFC 6350 §3.4). Line ends become `\n`; other control characters have no place in a card.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ',' | ';' => shown.extend(['\\', letter]),
            '\n' => shown.push_str("\\n"),
            letter if letter.is_control() => {}
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::VCard;

    #[test]
    fn a_text_cannot_add_a_property() {
        let mut card = VCard::new("individual");
        card.components("N", &["D;ESSAI", "Anne, Lou", "", "", ""]);
        card.text("FN", "Anne\\ D\r\nTEL:tel:+33100000000");
        card.text("NOTE", "");
        card.components("ADR", &["", ""]);
        card.uri("TEL;VALUE=uri;TYPE=\"work,voice\"", "tel:+33465715099");
        let expected = "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:individual\r\nN:D\\;ESSAI;Anne\\, Lou;;;\r\n\
             FN:Anne\\\\ D\\nTEL:tel:+33100000000\r\nTEL;VALUE=uri;TYPE=\"work,voice\":tel:+33465715099\r\nEND:VCARD\r\n";
        assert_eq!(card.finish(), expected);
    }

    #[test]
    fn long_lines_are_folded_between_letters() {
        let mut card = VCard::new("org");
        let name = "é".repeat(200);
        card.text("FN", &name);
        let text = card.finish();
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        assert!(text.replace("\r\n ", "").contains(&format!("FN:{name}\r\n")));
    }
}
