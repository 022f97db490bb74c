//! V-FINESS, V-SIRET, V-RPPS, V-ADELI.

use super::finding::Findings;
use crate::messages::MessageCode;
use annuaire_base::id;

/// What the key of a FINESS number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FinessKey {
    /// It agrees.
    Right,
    /// It does not: W-STR-02, which never blocks by itself.
    Wrong,
    /// The number is Corsican, and no key is asked there (V-FINESS).
    NotAsked,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NumberOrigin {
    /// Somebody types it: a wrong key is an error.
    Typed,
    /// It is in data received from others, some of which publish numbers with wrong keys: a warning.
    Received,
}

fn without_blanks(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace() && *c != '.').collect::<String>().to_uppercase()
}

/// The number that was typed, when it has the shape of a FINESS number.
///
/// # Errors
/// E-STR-04.
pub fn finess(typed: &str) -> Result<String, MessageCode> {
    let number = without_blanks(typed);
    if id::finess(&number) == Err(id::IdError::Shape) { Err(MessageCode::EStr04) } else { Ok(number) }
}

/// What the key of a number says that has the shape of a FINESS number.
#[must_use]
pub fn finess_key(number: &str) -> FinessKey {
    match id::finess(number) {
        _ if number.as_bytes().get(1).is_some_and(u8::is_ascii_uppercase) => FinessKey::NotAsked,
        Ok(()) => FinessKey::Right,
        Err(_) => FinessKey::Wrong,
    }
}

/// V-SIRET: the number that was typed.
///
/// # Errors
/// E-STR-05 for shape and key.
pub fn siret(typed: &str) -> Result<String, MessageCode> {
    let number = without_blanks(typed);
    id::siret(&number).map(|()| number).map_err(|_| MessageCode::EStr05)
}

/// V-RPPS: 11 digits with their key. Any first digit: test environments number from `999`.
#[must_use]
pub fn check_rpps(typed: &str, origin: NumberOrigin) -> (Option<String>, Findings) {
    let number = without_blanks(typed);
    let mut findings = Findings::default();
    let shape = number.len() == 11 && number.bytes().all(|b| b.is_ascii_digit());
    match (shape, id::luhn(&number), origin) {
        (true, true, _) => {}
        (true, false, NumberOrigin::Received) => findings.add("rpps", MessageCode::WRpps01, &[]),
        _ => findings.add("rpps", MessageCode::ERpps01, &[]),
    }
    if findings.has_errors() {
        return (None, findings);
    }
    findings.set("rpps", &number);
    (Some(number), findings)
}

/// V-ADELI: nine characters, without any meaning.
#[must_use]
pub fn check_adeli(typed: &str) -> (Option<String>, Findings) {
    let number = without_blanks(typed);
    let mut findings = Findings::default();
    if number.len() == 9 && number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'A' | b'B')) {
        findings.set("adeli", &number);
        return (Some(number), findings);
    }
    findings.add("adeli", MessageCode::EAdeli01, &[]);
    (None, findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_structures() {
        assert_eq!(finess(" 99 0000 010 ").as_deref(), Ok("990000010"));
        assert_eq!(finess("2a0000006").as_deref(), Ok("2A0000006"));
        assert_eq!([finess("99000001"), finess("A20000006"), finess("")], [const { Err(MessageCode::EStr04) }; 3]);
        assert_eq!(
            [finess_key("990000010"), finess_key("990000011"), finess_key("2A0000006")],
            [FinessKey::Right, FinessKey::Wrong, FinessKey::NotAsked]
        );
        assert_eq!(siret("999 000 003 00015").as_deref(), Ok("99900000300015"));
        assert_eq!(siret("35600000000048").as_deref(), Ok("35600000000048"), "La Poste");
        assert_eq!([siret("99900000300016"), siret("9990000030001")], [const { Err(MessageCode::EStr05) }; 2]);
    }

    #[test]
    fn numbers_of_persons() {
        let codes = |text: &str, origin| check_rpps(text, origin).1.codes();
        assert!(codes("99900000011", NumberOrigin::Typed).is_empty() && codes("10999000010", NumberOrigin::Typed).is_empty());
        assert_eq!(codes("99900000012", NumberOrigin::Typed), [MessageCode::ERpps01]);
        assert_eq!(codes("99900000012", NumberOrigin::Received), [MessageCode::WRpps01]);
        assert_eq!(codes("9990000001", NumberOrigin::Received), [MessageCode::ERpps01]);
        assert_eq!(check_adeli("9910 91018").0.as_deref(), Some("991091018"));
        assert_eq!(check_adeli("2C1091018").1.codes(), [MessageCode::EAdeli01]);
    }
}
