//! A card of a professional (`as-ext-smartcard`).

use serde_json::Value;

use super::{items, text_at};
use crate::french::french_day;

/// A card and the last day of its validity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SmartcardView {
    /// `CPS` or `CPF`; empty for another product.
    pub kind: String,
    pub number: String,
    /// ISO day; empty when it is not known.
    pub end: String,
}

impl SmartcardView {
    pub(super) fn of_extension(extension: &Value) -> Self {
        let part = |name: &str| items(extension, "extension").find(|part| text_at(part, "/url") == name).unwrap_or(&Value::Null);
        let end = text_at(part("period"), "/valuePeriod/end");
        Self {
            kind: text_at(part("type"), "/valueCodeableConcept/coding/0/code"),
            number: text_at(part("number"), "/valueString"),
            end: end.get(..10).unwrap_or(&end).to_owned(),
        }
    }

    /// The card in words, as it stands on the ISO day `today`. What is published does not tell whether a card was revoked, so the words claim
    /// no more than the day.
    pub(crate) fn in_words(&self, today: &str) -> String {
        let named = format!("{} n° {}", self.kind, self.number);
        let named = named.trim();
        let day = french_day(&self.end);
        match self.end.as_str() {
            "" => named.to_owned(),
            end if end < today => format!("{named}, expirée depuis le {day}"),
            _ => format!("{named}, fin de validité le {day}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SmartcardView;
    use serde_json::json;

    #[test]
    fn an_expired_card_is_told_as_expired_and_no_card_as_valid() {
        let card = |end: &str| {
            SmartcardView::of_extension(&json!({"extension": [{"url": "number", "valueString": "1"},
                {"url": "type", "valueCodeableConcept": {"coding": [{"code": "CPS"}]}},
                {"url": "period", "valuePeriod": {"end": end}}]}))
            .in_words("2026-11-27")
        };
        assert_eq!(card("2026-11-26"), "CPS n° 1, expirée depuis le 26/11/2026");
        assert_eq!(card("2026-11-27T00:00:00+01:00"), "CPS n° 1, fin de validité le 27/11/2026");
        assert_eq!(card(""), "CPS n° 1");
    }
}
