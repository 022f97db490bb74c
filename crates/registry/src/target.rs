//! Texts of what a habilitation is for: `EJ:990000002`, `EG:990000010`, `SIRET:…`, `SIREN:…`. They are part of keys of rows.

use crate::error::Error;
use annuaire_workflow::perimeter::PerimeterTarget;

/// The text of a target: « EG:990000010 ».
#[must_use]
pub fn text_of(target: &PerimeterTarget) -> String {
    let kind = match target {
        PerimeterTarget::LegalEntity(_) => "EJ",
        PerimeterTarget::Site(_) => "EG",
        PerimeterTarget::Establishment(_) => "SIRET",
        PerimeterTarget::Employer(_) => "SIREN",
    };
    format!("{kind}:{}", target.number())
}

/// The target of a text that [`text_of`] wrote.
///
/// # Errors
/// [`Error::UnknownWord`] for any other text.
pub fn parse(text: &str) -> Result<PerimeterTarget, Error> {
    let unknown = || Error::UnknownWord { kind: "target", word: text.to_owned() };
    let (kind, number) = text.split_once(':').ok_or_else(unknown)?;
    let number = number.to_owned();
    match kind {
        "EJ" => Ok(PerimeterTarget::LegalEntity(number)),
        "EG" => Ok(PerimeterTarget::Site(number)),
        "SIRET" => Ok(PerimeterTarget::Establishment(number)),
        "SIREN" => Ok(PerimeterTarget::Employer(number)),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_it_was_written() {
        for target in [
            PerimeterTarget::LegalEntity("990000002".into()),
            PerimeterTarget::Site("990000010".into()),
            PerimeterTarget::Establishment("99900000300015".into()),
            PerimeterTarget::Employer("999000003".into()),
        ] {
            assert_eq!(parse(&text_of(&target)).unwrap(), target);
        }
        assert!(parse("990000010").is_err() && parse("X:990000010").is_err());
    }
}
