//! What is asked of the civil register and what it answers, in a neutral form: one JSON object for each question and for each answer
//! (`docs/civil-register.md`). The protocol of the register itself is not public. A question never holds a social security number, and an answer
//! that holds one is refused.

use crate::limits::{REGISTER_GIVEN_NAMES, REGISTER_NAME_CHARS};
use annuaire_base::nir::json_contains_nir;
use annuaire_mos::EtatCivil;
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::{Day, parse_iso};
use annuaire_workflow::norm::{display_form, norm};
use annuaire_workflow::value_sets::ValueSets;
use serde_json::{Map, Value, json};

/// Country of birth: France.
const FRANCE: &str = "99100";

/// The five traits, as the register writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedIdentity {
    /// Family name at birth.
    pub family_name: String,
    /// Given names, in order.
    pub given_names: Vec<String>,
    /// `M` or `F`.
    pub sex: String,
    /// Day of birth.
    pub birth: Day,
    /// INSEE code of the commune of birth; empty for a birth abroad.
    pub commune: String,
    /// INSEE code of the country of birth.
    pub country: String,
    /// Place of birth, as it is written.
    pub town: String,
}

/// A question to the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CivilQuestion {
    /// What its answer names.
    pub reference: String,
    /// National identification of the person; not part of what is sent.
    pub(crate) person: String,
    /// Civil status, as the owner states it.
    pub(crate) civil: EtatCivil,
}

impl CivilQuestion {
    /// The question as one line of JSON, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        let c = &self.civil;
        json!({
            "reference": self.reference,
            "familyName": c.nom_famille,
            "givenNames": c.prenoms,
            "sex": c.sexe_administratif,
            "birthDate": c.date_naissance,
            "birthPlace": {"commune": c.commune_naissance, "country": c.pays_naissance, "town": c.lieu_naissance},
        })
        .to_string()
    }

    /// Family name, for a stand-in that answers by it.
    #[must_use]
    pub fn family_name(&self) -> &str {
        &self.civil.nom_famille
    }

    /// Given names, for a stand-in that answers by them.
    #[must_use]
    pub fn given_names(&self) -> &[String] {
        &self.civil.prenoms
    }
}

/// What the register answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CivilAnswer {
    /// It knows the person exactly.
    Exact,
    /// It knows the person with other accents, order or further given names: the names as it writes them.
    Differing {
        /// Family name at birth.
        family_name: String,
        /// Given names, in order.
        given_names: Vec<String>,
    },
    /// A number is being made for a person born abroad.
    InProgress,
    /// It does not know the person, or contradicts.
    Unknown,
    /// The person died on a day.
    Deceased(Day),
    /// The civil status of a certified person changed to this.
    Changed(Box<AskedIdentity>),
}

/// What is wrong with a line of answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerFault {
    /// The member; empty for the line as a whole.
    pub field: String,
    /// What is wrong with it and what to write.
    pub text: String,
}

fn fault(field: &str, text: &str) -> AnswerFault {
    AnswerFault { field: field.to_owned(), text: text.to_owned() }
}

/// A text member that must be there.
fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Result<&'a str, AnswerFault> {
    match object.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim()),
        Some(Value::String(_)) => Err(fault(field, "is empty")),
        Some(_) => Err(fault(field, "is not a text")),
        None => Err(fault(field, "is missing")),
    }
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), AnswerFault> {
    match object.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(fault(unknown, "is not a member of this answer: leave it out")),
        None => Ok(()),
    }
}

fn name(field: &str, typed: &str) -> Result<String, AnswerFault> {
    let shown = display_form(typed);
    if norm(&shown).is_empty() || shown.chars().any(|c| c.is_ascii_digit() || c.is_control()) {
        return Err(fault(field, "is not a name: write letters, spaces, hyphens and apostrophes"));
    }
    if shown.chars().count() > REGISTER_NAME_CHARS {
        return Err(fault(field, "is too long"));
    }
    Ok(shown)
}

fn given_names(object: &Map<String, Value>) -> Result<Vec<String>, AnswerFault> {
    let field = "givenNames";
    let Some(Value::Array(all)) = object.get(field) else { return Err(fault(field, "is not a list of names")) };
    if all.is_empty() || all.len() > REGISTER_GIVEN_NAMES {
        return Err(fault(field, "has no name, or too many"));
    }
    let each = all.iter().map(|one| name(field, one.as_str().ok_or_else(|| fault(field, "holds something that is not a text"))?));
    each.collect()
}

fn past_day(object: &Map<String, Value>, field: &str, today: Day) -> Result<Day, AnswerFault> {
    let day = parse_iso(text(object, field)?).ok_or_else(|| fault(field, "is not a day: write YYYY-MM-DD"))?;
    if day > today { Err(fault(field, "is in the future")) } else { Ok(day) }
}

fn identity(object: &Map<String, Value>, today: Day, values: &ValueSets<'_>) -> Result<AskedIdentity, AnswerFault> {
    let sex = text(object, "sex")?;
    if !["M", "F"].contains(&sex) {
        return Err(fault("sex", "is neither M nor F"));
    }
    let birth = past_day(object, "birthDate", today)?;
    let Some(Value::Object(place)) = object.get("birthPlace") else {
        return Err(fault("birthPlace", "is not an object with commune, country and town"));
    };
    only(place, &["commune", "country", "town"]).map_err(|wrong| fault(&format!("birthPlace.{}", wrong.field), &wrong.text))?;
    let part = |field: &str| place.get(field).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let (commune, country, mut town) = (part("commune"), part("country"), part("town"));
    if commune.is_empty() {
        if country == FRANCE || values.country_name(&country).is_none() {
            return Err(fault("birthPlace.country", "is not the INSEE code of a foreign country, and there is no commune"));
        }
        if !town.is_empty() {
            town = name("birthPlace.town", &town)?;
        }
    } else {
        if country != FRANCE {
            return Err(fault("birthPlace.country", "is not 99100 beside a French commune"));
        }
        let known = CommuneIndex::embedded().of_birth(&commune, Some(birth));
        let known = known.map_err(|_| fault("birthPlace.commune", "is not the INSEE code of a commune on the day of birth"))?;
        if known.code != commune {
            return Err(fault("birthPlace.commune", "is not the INSEE code of a commune on the day of birth"));
        }
        town = known.name;
    }
    Ok(AskedIdentity {
        family_name: name("familyName", text(object, "familyName")?)?,
        given_names: given_names(object)?,
        sex: sex.to_owned(),
        birth,
        commune,
        country,
        town,
    })
}

/// Reads one line of answers: its reference, and what it says. Strict: a member that the answer does not have is refused.
///
/// # Errors
/// [`AnswerFault`] names the member. Nothing of the line is repeated in it.
pub fn parse_answer(line: &str, today: Day) -> Result<(String, CivilAnswer), AnswerFault> {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(line) else {
        return Err(fault("", "is not a JSON object"));
    };
    if json_contains_nir(line) {
        return Err(fault("", "holds a social security number: answers come without it"));
    }
    let reference = text(&object, "reference")?.to_owned();
    let plain = ["reference", "answer"];
    let with = |more: &[&'static str]| -> Vec<&'static str> { plain.iter().chain(more).copied().collect() };
    let answer = match text(&object, "answer")? {
        "exact" => only(&object, &plain).map(|()| CivilAnswer::Exact)?,
        "in-progress" => only(&object, &plain).map(|()| CivilAnswer::InProgress)?,
        "unknown" => only(&object, &plain).map(|()| CivilAnswer::Unknown)?,
        "differing" => {
            only(&object, &with(&["familyName", "givenNames"]))?;
            let family_name = name("familyName", text(&object, "familyName")?)?;
            CivilAnswer::Differing { family_name, given_names: given_names(&object)? }
        }
        "deceased" => {
            only(&object, &with(&["date"]))?;
            CivilAnswer::Deceased(past_day(&object, "date", today)?)
        }
        "changed" => {
            only(&object, &with(&["familyName", "givenNames", "sex", "birthDate", "birthPlace"]))?;
            CivilAnswer::Changed(Box::new(identity(&object, today, &ValueSets::new(annuaire_nos::Nos::embedded()))?))
        }
        _ => {
            return Err(fault("answer", "is none of exact, differing, in-progress, unknown, deceased, changed"));
        }
    };
    Ok((reference, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<(String, CivilAnswer), AnswerFault> {
        parse_answer(line, parse_iso("2026-11-27").unwrap())
    }

    #[test]
    fn each_answer_is_read_and_each_fault_names_its_member() {
        for (line, answer) in [
            (r#"{"reference":"r","answer":"exact"}"#, CivilAnswer::Exact),
            (r#"{"reference":"r","answer":"in-progress"}"#, CivilAnswer::InProgress),
            (r#"{"reference":"r","answer":"unknown"}"#, CivilAnswer::Unknown),
            (
                r#"{"reference":"r","answer":"deceased","date":"2026-11-20"}"#,
                CivilAnswer::Deceased(parse_iso("2026-11-20").unwrap()),
            ),
            (
                r#"{"reference":"r","answer":"differing","familyName":"Éssai","givenNames":["Zoé","Anne"]}"#,
                CivilAnswer::Differing {
                    family_name: display_form("Éssai"),
                    given_names: vec![display_form("Zoé"), display_form("Anne")],
                },
            ),
        ] {
            assert_eq!(parse(line), Ok(("r".to_owned(), answer)), "{line}");
        }
        let changed = |place: &str| {
            format!(
                r#"{{"reference":"r","answer":"changed","familyName":"Essai","givenNames":["Zoé"],"sex":"F","birthDate":"1991-05-07","birthPlace":{place}}}"#
            )
        };
        let Ok((_, CivilAnswer::Changed(identity))) = parse(&changed(r#"{"commune":"97128","country":"99100"}"#)) else {
            panic!("a change is read")
        };
        assert_eq!((identity.commune.as_str(), identity.town.as_str()), ("97128", "Sainte-Anne"));
        for (line, field) in [
            ("exact".to_owned(), ""),
            (r#"{"answer":"exact"}"#.to_owned(), "reference"),
            (r#"{"reference":"r"}"#.to_owned(), "answer"),
            (r#"{"reference":"r","answer":"maybe"}"#.to_owned(), "answer"),
            (r#"{"reference":"r","answer":"exact","familyName":"X"}"#.to_owned(), "familyName"),
            (r#"{"reference":"r","answer":"deceased"}"#.to_owned(), "date"),
            (r#"{"reference":"r","answer":"deceased","date":"2026-11-28"}"#.to_owned(), "date"),
            (r#"{"reference":"r","answer":"differing","familyName":"Essai","givenNames":[]}"#.to_owned(), "givenNames"),
            (r#"{"reference":"r","answer":"differing","familyName":"Essai2","givenNames":["A"]}"#.to_owned(), "familyName"),
            (changed(r#"{"commune":"00000","country":"99100"}"#), "birthPlace.commune"),
            (changed(r#"{"country":"99100"}"#), "birthPlace.country"),
            (changed(r#"{"commune":"97128","country":"99100","region":"x"}"#), "birthPlace.region"),
        ] {
            assert_eq!(parse(&line).unwrap_err().field, field, "{line}");
        }
    }
}
