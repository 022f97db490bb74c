//! A line of a feed of an order or agency, read strictly (registration §16.3): what is unknown, of a wrong type or no day is refused with its
//! place, so that nothing of a line is dropped in silence.

use annuaire_nos::Nos;
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::feed::{RecordCode, RecordOperation, registers_profession};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

use crate::limits::{FEED_LIST_MAX, FEED_SOURCE_CHARS, FEED_TEXT_CHARS};

/// Why a line cannot be taken, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordFault {
    pub(crate) code: RecordCode,
    /// Path of the member, such as `exercises[0].validFrom`; empty for the line.
    pub(crate) field: String,
    /// Name of a member that resembles an unknown one.
    pub(crate) near: Option<&'static str>,
}

/// What a line says of one person.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AuthorityRecord {
    pub(crate) source: String,
    pub(crate) version: u64,
    #[serde(serialize_with = "word")]
    pub(crate) operation: RecordOperation,
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) reason: String,
    pub(crate) rpps: String,
    pub(crate) person: Option<RecordPerson>,
    pub(crate) contact: Option<RecordContact>,
    pub(crate) exercises: Vec<RecordExercise>,
}

/// The civil status.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordPerson {
    pub(crate) civility: String,
    pub(crate) family: String,
    pub(crate) given: Vec<String>,
    pub(crate) sex: String,
    pub(crate) birth: String,
    pub(crate) commune: String,
    pub(crate) country: String,
    pub(crate) place: String,
}

/// Where the person is reached.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordContact {
    pub(crate) mail: String,
    pub(crate) mobile: String,
}

/// A practice with what entitles to it. Lists take the place of those that were known.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordExercise {
    #[serde(serialize_with = "word")]
    pub(crate) operation: RecordOperation,
    pub(crate) profession: String,
    pub(crate) category: String,
    pub(crate) title: String,
    pub(crate) family: String,
    pub(crate) given: String,
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) qualifications: Vec<RecordQualification>,
    pub(crate) diplomas: Vec<RecordQualification>,
    pub(crate) registrations: Vec<RecordRegistration>,
    pub(crate) situations: Vec<RecordSituation>,
}

/// A know-how or a diploma: type and code, with its days.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordQualification {
    pub(crate) kind: String,
    pub(crate) code: String,
    pub(crate) from: String,
    pub(crate) until: String,
}

/// A registration with the authority.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordRegistration {
    pub(crate) department: String,
    pub(crate) status: String,
    pub(crate) from: String,
    pub(crate) until: String,
}

/// A situation.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordSituation {
    #[serde(serialize_with = "word")]
    pub(crate) operation: RecordOperation,
    pub(crate) source: String,
    /// FINESS or SIRET number; empty for none.
    pub(crate) structure: String,
    pub(crate) mode: String,
    pub(crate) function: String,
    pub(crate) activity: String,
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes members by reference")]
fn word<S: serde::Serializer>(operation: &RecordOperation, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(operation.code())
}

type RecordRead<T> = Result<T, RecordFault>;

fn fault<T>(code: RecordCode, field: String) -> RecordRead<T> {
    Err(RecordFault { code, field, near: None })
}

/// An object of a line with its place.
struct RecordMembers<'v> {
    path: String,
    object: &'v Map<String, Value>,
}

impl<'v> RecordMembers<'v> {
    fn of(path: String, value: &'v Value, names: &[&'static str]) -> RecordRead<Self> {
        let Some(object) = value.as_object() else { return fault(RecordCode::WrongType, path) };
        let members = Self { path, object };
        for name in object.keys() {
            if !names.contains(&name.as_str()) {
                let near = names.iter().copied().filter(|known| is_near(known, name)).max_by_key(|known| common(known, name));
                return Err(RecordFault { code: RecordCode::UnknownMember, field: members.field(name), near });
            }
        }
        Ok(members)
    }

    fn field(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn fault<T>(&self, code: RecordCode, name: &str) -> RecordRead<T> {
        fault(code, self.field(name))
    }

    fn is_given(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// A text; empty when the member is absent.
    fn text(&self, name: &str, most: usize) -> RecordRead<String> {
        let Some(value) = self.object.get(name) else { return Ok(String::new()) };
        let Some(text) = value.as_str() else { return self.fault(RecordCode::WrongType, name) };
        let text = text.trim();
        if text.chars().count() > most {
            return self.fault(RecordCode::TooLong, name);
        }
        if text.is_empty() || text.chars().any(char::is_control) {
            return self.fault(RecordCode::WrongType, name);
        }
        Ok(text.to_owned())
    }

    fn needed(&self, name: &str, most: usize) -> RecordRead<String> {
        if self.is_given(name) { self.text(name, most) } else { self.fault(RecordCode::MissingMember, name) }
    }

    /// A code that a test knows; empty when the member is absent.
    fn code(&self, name: &str, is_known: impl Fn(&str) -> bool) -> RecordRead<String> {
        let code = self.text(name, FEED_TEXT_CHARS)?;
        if code.is_empty() || is_known(&code) { Ok(code) } else { self.fault(RecordCode::UnknownCode, name) }
    }

    fn day(&self, name: &str) -> RecordRead<String> {
        let text = self.text(name, FEED_TEXT_CHARS)?;
        match parse_iso(&text) {
            Some(day) if day.to_string() == text => Ok(text),
            None if text.is_empty() => Ok(text),
            _ => self.fault(RecordCode::WrongDate, name),
        }
    }

    /// Two days, the second not before the first.
    fn period(&self) -> RecordRead<(String, String)> {
        let (from, until) = (self.day("validFrom")?, self.day("validTo")?);
        if !from.is_empty() && !until.is_empty() && until < from {
            return self.fault(RecordCode::WrongDate, "validTo");
        }
        Ok((from, until))
    }

    fn operation(&self, default: Option<RecordOperation>) -> RecordRead<RecordOperation> {
        let text = self.text("operation", FEED_TEXT_CHARS)?;
        match RecordOperation::ALL.iter().find(|known| known.code() == text) {
            Some(known) => Ok(*known),
            None if text.is_empty() => default.map_or_else(|| self.fault(RecordCode::MissingMember, "operation"), Ok),
            None => self.fault(RecordCode::UnknownCode, "operation"),
        }
    }

    /// Refuses members that an operation does not take.
    fn only(&self, operation: RecordOperation, names: &[&str]) -> RecordRead<()> {
        if operation == RecordOperation::Upsert {
            return Ok(());
        }
        match self.object.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => self.fault(RecordCode::MisplacedMember, name),
            None if operation == RecordOperation::Close && !self.is_given("validTo") => {
                self.fault(RecordCode::MissingMember, "validTo")
            }
            None if operation == RecordOperation::Cancel && self.is_given("validTo") => {
                self.fault(RecordCode::MisplacedMember, "validTo")
            }
            None => Ok(()),
        }
    }

    fn list<T>(&self, name: &str, read: impl Fn(String, &'v Value) -> RecordRead<T>) -> RecordRead<Vec<T>> {
        let Some(value) = self.object.get(name) else { return Ok(Vec::new()) };
        let Some(values) = value.as_array() else { return self.fault(RecordCode::WrongType, name) };
        if values.len() > FEED_LIST_MAX {
            return self.fault(RecordCode::TooLong, name);
        }
        values.iter().enumerate().map(|(n, value)| read(format!("{}[{n}]", self.field(name)), value)).collect()
    }

    fn member<T>(&self, name: &str, read: impl Fn(String, &'v Value) -> RecordRead<T>) -> RecordRead<Option<T>> {
        self.object.get(name).map(|value| read(self.field(name), value)).transpose()
    }
}

/// Letters at the beginning and at the end that two names have in common.
fn common(known: &str, name: &str) -> usize {
    let front = known.bytes().zip(name.bytes()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    let back = known.bytes().rev().zip(name.bytes().rev()).take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count();
    (front + back).min(known.len()).min(name.len())
}

fn is_near(known: &str, name: &str) -> bool {
    3 * common(known, name) >= 2 * known.len()
}

fn in_table(table: &str) -> impl Fn(&str) -> bool {
    move |code| Nos::embedded().table(table).is_some_and(|table| table.get(code).is_some())
}

/// The source and version of a line, as far as they can be read: the place of a line in a batch, and that its source is named.
pub(crate) fn source_of(line: &str) -> Option<(String, u64)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let source = value.get("sourceId")?.as_str()?.trim();
    Some((source.to_owned(), value.get("version").and_then(Value::as_u64).unwrap_or(0)))
}

/// Reads a line of an authority.
pub(crate) fn read_record(line: &str, authority: &str) -> RecordRead<AuthorityRecord> {
    let Ok(value) = serde_json::from_str::<Value>(line) else { return fault(RecordCode::NotJson, String::new()) };
    if !value.is_object() {
        return fault(RecordCode::NotJson, String::new());
    }
    let names =
        ["sourceId", "version", "operation", "validFrom", "validTo", "endReason", "rpps", "person", "contact", "exercises"];
    let all = RecordMembers::of(String::new(), &value, &names)?;
    let source = all.needed("sourceId", FEED_SOURCE_CHARS)?;
    let version = match all.object.get("version") {
        None => return all.fault(RecordCode::MissingMember, "version"),
        Some(value) => match value.as_u64().filter(|version| *version > 0) {
            Some(version) => version,
            None => return all.fault(RecordCode::WrongType, "version"),
        },
    };
    let operation = all.operation(None)?;
    all.only(operation, &["sourceId", "version", "operation", "rpps", "validTo", "endReason"])?;
    let (from, until) = all.period()?;
    if operation == RecordOperation::Upsert {
        if let Some(name) = ["validTo", "endReason"].into_iter().find(|name| all.is_given(name)) {
            return all.fault(RecordCode::MisplacedMember, name);
        }
        if !["person", "contact", "exercises"].into_iter().any(|name| all.is_given(name)) {
            return all.fault(RecordCode::MissingMember, "person");
        }
    }
    let rpps = all.text("rpps", 11)?;
    if !(rpps.is_empty() || rpps.len() == 11 && annuaire_base::id::luhn(&rpps)) {
        return all.fault(RecordCode::UnknownRpps, "rpps");
    }
    let exercises = all.list("exercises", |path, value| read_exercise(path, value, authority))?;
    let (mut practices, mut situations) = (BTreeSet::new(), BTreeSet::new());
    for (n, exercise) in exercises.iter().enumerate() {
        if !practices.insert((&exercise.profession, &exercise.category)) {
            return fault(RecordCode::Repeated, format!("exercises[{n}]"));
        }
        if let Some(s) = exercise.situations.iter().position(|s| !situations.insert(&s.source)) {
            return fault(RecordCode::Repeated, format!("exercises[{n}].situations[{s}].sourceId"));
        }
    }
    Ok(AuthorityRecord {
        source,
        version,
        operation,
        from,
        until,
        reason: all.code("endReason", in_table("TRE_R25"))?,
        rpps,
        person: all.member("person", read_person)?,
        contact: all.member("contact", read_contact)?,
        exercises,
    })
}

fn read_person(path: String, value: &Value) -> RecordRead<RecordPerson> {
    let names = ["civility", "familyName", "givenNames", "sex", "birthDate", "birthCommune", "birthCountry", "birthPlace"];
    let all = RecordMembers::of(path, value, &names)?;
    let given = all.list("givenNames", |path, value| match value.as_str().map(str::trim) {
        Some(name) if !name.is_empty() && name.chars().count() <= FEED_TEXT_CHARS => Ok(name.to_owned()),
        Some(_) | None => fault(RecordCode::WrongType, path),
    })?;
    if given.is_empty() {
        return all.fault(RecordCode::MissingMember, "givenNames");
    }
    let birth = all.day("birthDate")?;
    if birth.is_empty() {
        return all.fault(RecordCode::MissingMember, "birthDate");
    }
    all.needed("sex", 1)?;
    let (commune, country) = (all.code("birthCommune", is_commune)?, all.code("birthCountry", is_country)?);
    if commune.is_empty() && country.is_empty() {
        return all.fault(RecordCode::MissingMember, "birthCommune");
    }
    Ok(RecordPerson {
        civility: all.code("civility", in_table("TRE_R81"))?,
        family: all.needed("familyName", FEED_TEXT_CHARS)?,
        given,
        sex: all.code("sex", |code| matches!(code, "F" | "M"))?,
        birth,
        country: if country.is_empty() { FRANCE.to_owned() } else { country },
        commune,
        place: all.text("birthPlace", FEED_TEXT_CHARS)?,
    })
}

/// INSEE code of France.
const FRANCE: &str = "99100";

fn is_commune(code: &str) -> bool {
    annuaire_nos::geography::Geography::embedded().is_known(code)
}

fn is_country(code: &str) -> bool {
    code.len() == 5 && code.starts_with("99") && code.bytes().all(|b| b.is_ascii_digit())
}

fn read_contact(path: String, value: &Value) -> RecordRead<RecordContact> {
    let all = RecordMembers::of(path, value, &["email", "mobile"])?;
    let mail = all.text("email", FEED_TEXT_CHARS)?;
    if !mail.is_empty() && !mail.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
        return all.fault(RecordCode::WrongType, "email");
    }
    let mobile = all.code("mobile", |text| {
        text.strip_prefix('+')
            .is_some_and(|digits| (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
    });
    let mobile = mobile.map_err(|fault| RecordFault { code: RecordCode::WrongType, ..fault })?;
    if mail.is_empty() && mobile.is_empty() {
        return all.fault(RecordCode::MissingMember, "email");
    }
    Ok(RecordContact { mail, mobile })
}

fn read_exercise(path: String, value: &Value, authority: &str) -> RecordRead<RecordExercise> {
    let names = [
        "operation",
        "profession",
        "category",
        "title",
        "familyName",
        "givenName",
        "validFrom",
        "validTo",
        "qualifications",
        "diplomas",
        "registrations",
        "situations",
    ];
    let all = RecordMembers::of(path, value, &names)?;
    let operation = all.operation(Some(RecordOperation::Upsert))?;
    all.only(operation, &["operation", "profession", "category", "validTo"])?;
    let profession = all.needed("profession", FEED_TEXT_CHARS)?;
    if Nos::embedded().profession(&profession).is_none() {
        return all.fault(RecordCode::UnknownCode, "profession");
    }
    if !registers_profession(authority, &profession) {
        return all.fault(RecordCode::ForeignProfession, "profession");
    }
    all.needed("category", FEED_TEXT_CHARS)?;
    if operation == RecordOperation::Upsert {
        all.needed("familyName", FEED_TEXT_CHARS)?;
    }
    let (from, until) = all.period()?;
    let known = |known: fn(&str, &str) -> bool| move |path, value| read_qualification(path, value, known);
    Ok(RecordExercise {
        operation,
        profession,
        category: all.code("category", in_table("TRE_R09"))?,
        title: all.code("title", in_table("TRE_R11"))?,
        family: all.text("familyName", FEED_TEXT_CHARS)?,
        given: all.text("givenName", FEED_TEXT_CHARS)?,
        from,
        until,
        qualifications: all.list("qualifications", known(|kind, code| Nos::embedded().savoir_faire(kind, code).is_some()))?,
        diplomas: all.list("diplomas", known(|kind, code| Nos::embedded().diplome(kind, code).is_some()))?,
        registrations: all.list("registrations", read_registration)?,
        situations: all.list("situations", read_situation)?,
    })
}

fn read_qualification(path: String, value: &Value, is_known: fn(&str, &str) -> bool) -> RecordRead<RecordQualification> {
    let all = RecordMembers::of(path, value, &["type", "code", "validFrom", "validTo"])?;
    let (kind, code) = (all.needed("type", FEED_TEXT_CHARS)?, all.needed("code", FEED_TEXT_CHARS)?);
    if !is_known(&kind, &code) {
        return all.fault(RecordCode::UnknownCode, "code");
    }
    let (from, until) = all.period()?;
    Ok(RecordQualification { kind, code, from, until })
}

fn read_registration(path: String, value: &Value) -> RecordRead<RecordRegistration> {
    let all = RecordMembers::of(path, value, &["department", "status", "validFrom", "validTo"])?;
    let (from, until) = all.period()?;
    all.needed("department", FEED_TEXT_CHARS)?;
    let department = all.code("department", in_table("TRE_G09"))?;
    Ok(RecordRegistration { department, status: all.code("status", in_table("TRE_R33"))?, from, until })
}

fn read_situation(path: String, value: &Value) -> RecordRead<RecordSituation> {
    let names = ["operation", "sourceId", "structure", "mode", "function", "activity", "validFrom", "validTo", "endReason"];
    let all = RecordMembers::of(path, value, &names)?;
    let operation = all.operation(Some(RecordOperation::Upsert))?;
    all.only(operation, &["operation", "sourceId", "validTo", "endReason"])?;
    let (from, until) = all.period()?;
    if operation == RecordOperation::Upsert {
        all.needed("mode", FEED_TEXT_CHARS)?;
    }
    Ok(RecordSituation {
        operation,
        source: all.needed("sourceId", FEED_SOURCE_CHARS)?,
        structure: all
            .code("structure", |number| matches!(number.len(), 9 | 14) && number.bytes().all(|b| b.is_ascii_alphanumeric()))?,
        mode: all.code("mode", in_table("TRE_R23"))?,
        function: all.code("function", |code| Nos::embedded().fonction(code).is_some())?,
        activity: all.code("activity", in_table("TRE_R22"))?,
        from,
        until,
        reason: all.code("endReason", in_table("TRE_R25"))?,
    })
}
