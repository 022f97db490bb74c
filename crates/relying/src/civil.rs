//! The civil traits of a person, as FranceConnect tells them (identity.md §4.3, §4.5; registration.md §9.1, §11).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fault::LoginFault;
use crate::limits::{FIRST_NAMES, TRAIT_BYTES};

/// Sex of the civil status, by the codes of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CivilSex {
    /// Female.
    F,
    /// Male.
    M,
}

/// How much of a birth date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BirthPrecision {
    /// The day.
    Day,
    /// The month: the day is `00`.
    Month,
    /// The year: month and day are `00`.
    Year,
}

/// The civil traits of a person, exactly as received. An empty text is a trait that was not told. Its `Debug` form shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CivilIdentity {
    /// All first names, separated by spaces (`given_name`).
    given_name: String,
    /// One for each first name, in order (`given_name_array`).
    given_names: Vec<String>,
    /// Birth name (`family_name`).
    family_name: String,
    /// Usual name (`preferred_username`).
    preferred_username: String,
    /// `YYYY-MM-DD`; an unknown month or day is `00`.
    birthdate: String,
    /// `female`, `male`.
    gender: String,
    /// INSEE code of the commune.
    birthplace: String,
    /// INSEE code of the country.
    birthcountry: String,
    /// Contact address.
    email: String,
}

impl std::fmt::Debug for CivilIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CivilIdentity(…)")
    }
}

impl CivilIdentity {
    /// Reads the members of a UserInfo; those that are no civil trait are left out. A trait that was not told is empty, see
    /// [`missing`](Self::missing).
    ///
    /// # Errors
    /// [`LoginFault::Trait`] for a trait that is not of its form: then nothing of the answer is trusted.
    pub fn read(claims: &Map<String, Value>) -> Result<Self, LoginFault> {
        let text = |name: &'static str| match claims.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) if is_trait(text) => Ok(text.clone()),
            Some(_) => Err(LoginFault::Trait(name)),
        };
        let of_form = |name: &'static str, is_form: fn(&str) -> bool| {
            let value = text(name)?;
            if value.is_empty() || is_form(&value) { Ok(value) } else { Err(LoginFault::Trait(name)) }
        };
        const ARRAY: &str = "given_name_array";
        let given_names = match claims.get(ARRAY) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(names)) if names.len() <= FIRST_NAMES => {
                let name = |name: &Value| name.as_str().filter(|name| is_trait(name) && !name.is_empty()).map(str::to_owned);
                names.iter().map(name).collect::<Option<_>>().ok_or(LoginFault::Trait(ARRAY))?
            }
            Some(_) => return Err(LoginFault::Trait(ARRAY)),
        };
        Ok(Self {
            given_name: text("given_name")?,
            given_names,
            family_name: text("family_name")?,
            preferred_username: text("preferred_username")?,
            birthdate: of_form("birthdate", |text| birth_precision(text).is_some())?,
            gender: of_form("gender", |text| matches!(text, "female" | "male"))?,
            birthplace: of_form("birthplace", is_commune)?,
            birthcountry: of_form("birthcountry", |text| text.len() == 5 && text.starts_with("99") && is_digits(text))?,
            email: text("email")?,
        })
    }

    /// Birth name.
    #[must_use]
    pub fn birth_name(&self) -> &str {
        &self.family_name
    }

    /// Usual name, if the person has another one than the birth name.
    #[must_use]
    pub fn usual_name(&self) -> Option<&str> {
        told(&self.preferred_username)
    }

    /// First names in the order of the civil status. Of a provider that told them as one text only, that text is one name: compound names have
    /// spaces too, so that it cannot be cut.
    #[must_use]
    pub fn first_names(&self) -> Vec<&str> {
        if self.given_names.is_empty() {
            return told(&self.given_name).into_iter().collect();
        }
        self.given_names.iter().map(String::as_str).collect()
    }

    /// Birth date as text: `YYYY-MM-DD`, with `00` for what is not known. It may be empty.
    #[must_use]
    pub fn birth_date(&self) -> &str {
        &self.birthdate
    }

    /// How much of the birth date is known; `None` without one.
    #[must_use]
    pub fn birth_precision(&self) -> Option<BirthPrecision> {
        birth_precision(&self.birthdate)
    }

    /// Sex.
    #[must_use]
    pub fn sex(&self) -> Option<CivilSex> {
        match self.gender.as_str() {
            "female" => Some(CivilSex::F),
            "male" => Some(CivilSex::M),
            _ => None,
        }
    }

    /// INSEE code of the commune of birth, as it was on that day; `None` for those born abroad.
    #[must_use]
    pub fn birth_commune(&self) -> Option<&str> {
        told(&self.birthplace)
    }

    /// INSEE code of the country of birth: `99100` is France.
    #[must_use]
    pub fn birth_country(&self) -> Option<&str> {
        told(&self.birthcountry)
    }

    /// Contact address. Nobody verified that it is the person's, nor that it is a professional one.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        told(&self.email)
    }

    /// The traits that a form must ask for (registration.md §11, 1), by the words of the field. The commune is missing for those born in
    /// France only, and for those of whom no country is told.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let is_abroad = self.birth_country().is_some_and(|country| country != "99100");
        [
            ("nom de famille", self.family_name.is_empty()),
            ("prénoms", self.first_names().is_empty()),
            ("sexe", self.sex().is_none()),
            ("date de naissance", self.birthdate.is_empty()),
            ("pays de naissance", self.birthcountry.is_empty()),
            ("commune de naissance", self.birthplace.is_empty() && !is_abroad),
        ]
        .into_iter()
        .filter_map(|(name, is_missing)| is_missing.then_some(name))
        .collect()
    }

    /// Whether two logins told one civil status: what a draft of the portal was filled with, and what was told today.
    #[must_use]
    pub fn has_pivot_of(&self, other: &Self) -> bool {
        let pivot = |of: &Self| {
            let names: Vec<String> = of.first_names().into_iter().map(str::to_owned).collect();
            let rest = [&of.family_name, &of.birthdate, &of.gender, &of.birthplace, &of.birthcountry].map(Clone::clone);
            (names, rest)
        };
        pivot(self) == pivot(other)
    }
}

fn told(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A trait is short and has no control character.
fn is_trait(text: &str) -> bool {
    text.len() <= TRAIT_BYTES && !text.chars().any(char::is_control)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// INSEE code of a commune: five digits, or `2A…`, `2B…`.
fn is_commune(text: &str) -> bool {
    text.len() == 5 && text.is_ascii() && is_digits(text.strip_prefix("2A").or_else(|| text.strip_prefix("2B")).unwrap_or(text))
}

/// The precision of a birth date that is one: a real day, or `00` for day, or for month and day.
fn birth_precision(text: &str) -> Option<BirthPrecision> {
    let bytes = text.as_bytes();
    let is_form = bytes.len() == 10
        && bytes.iter().enumerate().all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    if !is_form || &text[..4] == "0000" {
        return None;
    }
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    match (month, day) {
        (0, 0) => Some(BirthPrecision::Year),
        (1..=12, 0) => Some(BirthPrecision::Month),
        (1..=12, day) if day <= last => Some(BirthPrecision::Day),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<CivilIdentity, String> {
        CivilIdentity::read(value.as_object().unwrap()).map_err(|fault| fault.code())
    }

    #[test]
    fn traits_stay_as_they_were_received() {
        let claims = json!({"sub": "x", "given_name": "Anne Sophie Louise", "given_name_array": ["Anne Sophie", "Louise"],
            "family_name": "D'ESSAI-FICTIF", "preferred_username": "", "birthdate": "1984-00-00", "gender": "female",
            "birthplace": "", "birthcountry": "99341", "email": "a@exemple.test"});
        let civil = read(claims.clone()).unwrap();
        assert_eq!(civil.first_names(), ["Anne Sophie", "Louise"]);
        assert_eq!((civil.birth_name(), civil.usual_name()), ("D'ESSAI-FICTIF", None));
        assert_eq!((civil.birth_date(), civil.birth_precision()), ("1984-00-00", Some(BirthPrecision::Year)));
        assert_eq!((civil.sex(), civil.birth_commune(), civil.birth_country()), (Some(CivilSex::F), None, Some("99341")));
        assert!(civil.missing().is_empty(), "a commune of birth is not asked of those born abroad: {:?}", civil.missing());
        let kept: CivilIdentity = serde_json::from_str(&serde_json::to_string(&civil).unwrap()).unwrap();
        assert!(kept == civil && kept.has_pivot_of(&civil));
        let mut married = claims;
        married["preferred_username"] = json!("AUTRE");
        let married = read(married).unwrap();
        assert!(married.has_pivot_of(&civil) && married != civil, "a usual name is no part of the civil status");
        assert_eq!(format!("{civil:?}"), "CivilIdentity(…)");
    }

    #[test]
    fn what_is_not_told_is_asked() {
        let civil = read(json!({"given_name": "Jean Claude"})).unwrap();
        assert_eq!(civil.first_names(), ["Jean Claude"]);
        let missing = ["nom de famille", "sexe", "date de naissance", "pays de naissance", "commune de naissance"];
        assert_eq!(civil.missing(), missing);
        assert_eq!(read(json!({"birthcountry": "99100"})).unwrap().missing().last(), Some(&"commune de naissance"));
    }

    #[test]
    fn what_is_not_of_its_form_is_refused() {
        for (name, value) in [
            ("family_name", json!(7)),
            ("family_name", json!("A\nB")),
            ("family_name", json!("x".repeat(TRAIT_BYTES + 1))),
            ("given_name_array", json!("A")),
            ("given_name_array", json!(["A", 1])),
            ("given_name_array", json!([""])),
            ("given_name_array", json!(vec!["A"; FIRST_NAMES + 1])),
            ("gender", json!("F")),
            ("birthplace", json!("1234")),
            ("birthplace", json!("2C001")),
            ("birthplace", json!("é2345")),
            ("birthcountry", json!("12345")),
            ("birthdate", json!("1984-02-30")),
            ("birthdate", json!("1984-00-12")),
            ("birthdate", json!("1984-13-00")),
            ("birthdate", json!("0000-00-00")),
            ("birthdate", json!("29/02/1984")),
            ("birthdate", json!("198é-01-01")),
        ] {
            assert_eq!(read(json!({ name: value })), Err(format!("trait.{name}")), "{value}");
        }
        for date in ["1984-02-29", "2000-02-29", "1984-12-00", "1984-00-00"] {
            assert!(birth_precision(date).is_some(), "{date}");
        }
        assert!(birth_precision("1900-02-29").is_none());
        for commune in ["57463", "2A004", "2B033"] {
            assert!(is_commune(commune), "{commune}");
        }
    }
}
