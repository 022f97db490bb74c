//! Base64url and JSON, read strictly: one text for one value.

use crate::error::shown;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Base64url without padding (RFC 7515 §2).
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads [`base64url`]. Padding, other alphabets, line breaks and bits behind the last byte are refused: each value has one text.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Reads JSON. A member that an object names twice is an error (RFC 7515 §4, RFC 7519 §4): two readers could take different ones.
pub(crate) fn strict_json(bytes: &[u8]) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut reader).map_err(|e| e.to_string())?;
    reader.end().map_err(|e| e.to_string())?;
    Ok(value)
}

/// Builds values itself: `Value` of the library takes the last of two members, and gives some names a meaning of its own.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E: Error>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = seq.next_element_seed(Strict)? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key_seed(Name)? {
            if all.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the member {} is there twice", shown(&name))));
            }
            let value = members.next_value_seed(Strict)?;
            all.insert(name, value);
        }
        match as_number(&all) {
            Some(text) => number(text).ok_or_else(|| A::Error::custom("a number is out of range")),
            None => Ok(Value::Object(all)),
        }
    }
}

/// The digits of a number with a fraction, when another room of the program had `serde_json` keep numbers as they are written (its feature
/// `arbitrary_precision`): it hands them over as an object of one member.
fn as_number(members: &Map<String, Value>) -> Option<&str> {
    let only = members.get("$serde_json::private::Number").filter(|_| members.len() == 1);
    only.and_then(Value::as_str)
}

fn number(text: &str) -> Option<Value> {
    let is_finite = text.parse::<f64>().is_ok_and(f64::is_finite);
    serde_json::from_str::<serde_json::Number>(text).ok().filter(|_| is_finite).map(Value::Number)
}

/// The name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_value_has_one_base64_text() {
        assert_eq!(base64url([0xfb, 0xff]), "-_8");
        assert_eq!(from_base64url("-_8"), Some(vec![0xfb, 0xff]));
        for wrong in ["-_8=", "+/8", "-_9", "-_8\n", " -_8", "-", "é"] {
            assert_eq!(from_base64url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_member_twice_is_refused_wherever_it_is() {
        let good = r#"{"a":[1,-2,1.5,"x\u00e9",null,true,{"b":{}}],"c":18446744073709551615}"#;
        assert_eq!(strict_json(good.as_bytes()).unwrap(), serde_json::from_str::<Value>(good).unwrap());
        for twice in [r#"{"a":1,"a":1}"#, r#"{"a":1,"\u0061":2}"#, r#"[{"x":{"b":1,"c":2,"b":3}}]"#] {
            assert!(strict_json(twice.as_bytes()).unwrap_err().contains("twice"), "{twice}");
        }
        for wrong in ["", "{", "{} {}", "{}x", "[1,]", "1e999", "\"\u{1}\"", "NaN", "{'a':1}", "\u{feff}{}"] {
            assert!(strict_json(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(strict_json(b"\"\xff\"").is_err());
        let deep = "[".repeat(10_000);
        assert!(strict_json(deep.as_bytes()).is_err(), "deep nesting ends with an error, not with the stack");
    }

    #[test]
    fn a_name_that_the_library_reserves_is_a_name() {
        let text = r#"{"$serde_json::private::RawValue":"{\"sub\":\"x\"}"}"#;
        assert_eq!(strict_json(text.as_bytes()).unwrap(), json!({ "$serde_json::private::RawValue": "{\"sub\":\"x\"}" }));
    }
}
