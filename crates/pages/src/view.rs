//! Published resources as the pages show them. Reads only public forms.

use annuaire_fhir::schema::{PARAMS, type_id};
use annuaire_index::{Entry, Error, Filter, Snapshot};
use serde_json::Value;
use std::borrow::Cow;

use crate::text;

/// Number of a type in the store.
pub(crate) fn ty(name: &str) -> u8 {
    type_id(name).unwrap_or(u8::MAX)
}

/// Number of a parameter of a type.
pub(crate) fn param(ty: &str, name: &str) -> u8 {
    PARAMS.iter().find(|p| p.name == name && p.types.contains(&ty)).map_or(u8::MAX, |p| p.id)
}

/// Rows that have a code.
pub(crate) fn token(ty: &str, name: &str, system: Option<&str>, code: &str) -> Filter {
    Filter::Token { param: param(ty, name), system: system.map(str::to_owned), code: Some(code.to_owned()) }
}

/// Rows that point to a resource.
pub(crate) fn points(ty: &str, name: &str, target: &str) -> Filter {
    Filter::Reference { param: param(ty, name), target: target.to_owned() }
}

pub(crate) fn active(ty: &str) -> Filter {
    token(ty, "active", None, "true")
}

/// The resource of a version, its texts as pages may show them.
pub(crate) fn parse(entry: &Entry) -> Value {
    let mut value = serde_json::from_slice(entry.body()).unwrap_or(Value::Null);
    shown(&mut value);
    value
}

/// Takes the marks out of all texts of a resource: whatever a page shows comes from here.
fn shown(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = text::clean(text) {
                *text = clean;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(shown),
        Value::Object(members) => members.values_mut().for_each(shown),
        _ => {}
    }
}

fn text(v: &Value, pointer: &str) -> String {
    v.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'a>(v: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    v.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// Label of a coding, its code when the terminology has none.
fn label(coding: &Value) -> String {
    let display = text(coding, "/display");
    if display.is_empty() { text(coding, "/code") } else { display }
}

fn system_ends(coding: &Value, tables: &[&str]) -> bool {
    let system = text(coding, "/system");
    tables
        .iter()
        .any(|t| system.contains(&format!("/{t}-")) || system.to_lowercase().contains(&t.to_lowercase().replace('_', "-")))
}

pub(crate) fn identifier(v: &Value, code: &str) -> String {
    list(v, "identifier")
        .find(|i| i.pointer("/type/coding/0/code").and_then(Value::as_str) == Some(code))
        .map(|i| text(i, "/value"))
        .unwrap_or_default()
}

pub(crate) fn is_active(v: &Value) -> bool {
    v["active"] == true || v["status"] == "active"
}

/// A contact point of a structure or a secure mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contact {
    pub kind: &'static str,
    pub value: String,
    pub service: String,
    /// The one before it is of another kind: a list says the kind once.
    pub leads: bool,
}

fn contacts(v: &Value) -> Vec<Contact> {
    let mut out: Vec<Contact> = list(v, "telecom")
        .map(|t| {
            let secure = list(t, "extension").any(|e| text(e, "/valueCoding/code") == "MSSANTE");
            let meta = list(t, "extension").flat_map(|e| list(e, "extension")).find(|e| text(e, "/url") == "service");
            let kind = match (secure, text(t, "/system").as_str()) {
                (true, _) => "Messagerie sécurisée",
                (_, "phone") => "Téléphone",
                (_, "fax") => "Télécopie",
                _ => "Courriel",
            };
            let value = text(t, "/value");
            let value = if matches!(kind, "Téléphone" | "Télécopie") { phone(&value) } else { value };
            Contact { kind, value, service: meta.map(|m| text(m, "/valueString")).unwrap_or_default(), leads: true }
        })
        .collect();
    out.dedup();
    for i in 1..out.len() {
        out[i].leads = out[i].kind != out[i - 1].kind;
    }
    out
}

/// One practice: a profession of a person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Practice {
    pub id: String,
    pub national: String,
    pub rpps: String,
    pub name: String,
    pub family: String,
    pub given: String,
    pub profession: String,
    pub category: String,
    pub skills: Vec<String>,
    pub diplomas: Vec<String>,
    pub mailboxes: Vec<Contact>,
    pub cards: Vec<String>,
    pub authorisations: Vec<String>,
    pub active: bool,
}

const PROFESSIONS: &[&str] = &["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"];

pub(crate) fn practice(v: &Value) -> Practice {
    let name = v.pointer("/name/0").cloned().unwrap_or(Value::Null);
    let words = |member: &str| list(&name, member).filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    let title = match words("suffix").as_str() {
        "DR" => "Dr ".to_owned(),
        "PR" => "Pr ".to_owned(),
        _ => match words("prefix").as_str() {
            "MME" | "MLLE" => "Mme ".to_owned(),
            "M" => "M. ".to_owned(),
            _ => String::new(),
        },
    };
    let (family, given) = (text(&name, "/family"), words("given"));
    let mut p = Practice {
        id: text(v, "/id"),
        national: identifier(v, "IDNPS"),
        rpps: identifier(v, "RPPS"),
        name: format!("{title}{given} {family}").trim().to_owned(),
        family,
        given,
        active: is_active(v),
        mailboxes: contacts(v),
        ..Default::default()
    };
    for q in list(v, "qualification") {
        let codings: Vec<&Value> = q.pointer("/code/coding").and_then(Value::as_array).into_iter().flatten().collect();
        let last = codings.last().map(|c| label(c)).unwrap_or_default();
        if codings.iter().any(|c| system_ends(c, &["TRE_R09"])) {
            p.category = codings.iter().find(|c| system_ends(c, &["TRE_R09"])).map(|c| label(c)).unwrap_or_default();
            p.profession = codings.iter().find(|c| system_ends(c, PROFESSIONS)).map(|c| label(c)).unwrap_or_default();
        } else if codings.iter().any(|c| system_ends(c, &["TRE_R04"])) {
            p.skills.push(last);
        } else if codings.iter().any(|c| system_ends(c, &["TRE_R14"])) {
            p.diplomas.push(last);
        }
    }
    for e in list(v, "extension") {
        let part = |url: &str| list(e, "extension").find(|s| text(s, "/url") == url).cloned().unwrap_or(Value::Null);
        if text(e, "/url").ends_with("as-ext-smartcard") {
            let until = text(&part("period"), "/valuePeriod/end");
            let kind = text(&part("type"), "/valueCodeableConcept/coding/0/code");
            let number = text(&part("number"), "/valueString");
            // It may be over: a day is told, not that the card is valid.
            let until = if until.is_empty() { String::new() } else { format!(", fin de validité le {}", day(&until)) };
            p.cards.push(format!("{kind} n° {number}{until}"));
        } else if text(e, "/url").ends_with("as-ext-practitioner-authorization") {
            let labels =
                ["type", "field"].map(|u| label(part(u).pointer("/valueCodeableConcept/coding/0").unwrap_or(&Value::Null)));
            p.authorisations.push(labels.iter().filter(|l| !l.is_empty()).cloned().collect::<Vec<_>>().join(" — "));
        }
    }
    p
}

/// A place where someone practises, or a structure by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Technical id, the key of its page.
    pub id: String,
    pub name: String,
    pub alias: String,
    pub address: Vec<String>,
    pub town: String,
    pub contacts: Vec<Contact>,
    pub identifiers: Vec<(&'static str, String)>,
    pub kinds: Vec<String>,
    pub parent: String,
    pub period: String,
    pub active: bool,
}

pub(crate) fn place(v: &Value) -> Place {
    let a = v.pointer("/address/0").cloned().unwrap_or(Value::Null);
    let mut address: Vec<String> = list(&a, "line").filter_map(Value::as_str).map(str::to_owned).collect();
    let town = [text(&a, "/postalCode"), text(&a, "/city")].join(" ").trim().to_owned();
    let codes = [
        ("Identifiant national", "IDNST"),
        ("FINESS (entité juridique)", "FINEJ"),
        ("FINESS (établissement)", "FINEG"),
        ("SIREN", "SIREN"),
        ("SIRET", "SIRET"),
        ("RPPS-rang", "RPPSRG"),
        ("RPPS-rang", "INTRN"),
    ];
    let kinds = list(v, "type").filter_map(|t| {
        let coding = t.pointer("/coding/0")?;
        let shown = match text(coding, "/code").as_str() {
            "LEGAL-ENTITY" => "Entité juridique".to_owned(),
            "GEOGRAPHICAL-ENTITY" => "Lieu d’exercice ou établissement".to_owned(),
            _ => label(coding),
        };
        Some(shown)
    });
    let mut kinds: Vec<String> = kinds.collect();
    // A sector and a category may have the same words.
    let mut seen = std::collections::HashSet::new();
    kinds.retain(|k| seen.insert(k.clone()));
    let period = list(v, "extension").find(|e| text(e, "/url").ends_with("organization-period"));
    let period = period.map_or_else(String::new, |e| {
        let (start, end) = (text(e, "/valuePeriod/start"), text(e, "/valuePeriod/end"));
        match (start.is_empty(), end.is_empty()) {
            (false, true) => format!("Ouverte le {}", day(&start)),
            (true, false) => format!("Fermée le {}", day(&end)),
            _ => format!("Ouverte le {}, fermée le {}", day(&start), day(&end)),
        }
    });
    if !town.is_empty() {
        address.push(town.clone());
    }
    Place {
        id: text(v, "/id").trim_start_matches("001-").to_owned(),
        name: text(v, "/name"),
        alias: text(v, "/alias/0"),
        address,
        town,
        contacts: contacts(v),
        identifiers: codes.iter().map(|(l, c)| (*l, identifier(v, c))).filter(|(_, n)| !n.is_empty()).collect(),
        kinds,
        parent: text(v, "/partOf/reference"),
        period,
        active: is_active(v),
    }
}

/// A practice situation: how, and where.
#[derive(Debug, Clone, Default)]
pub(crate) struct Situation {
    pub labels: Vec<String>,
    pub place: Option<Place>,
}

/// The live resource at `Type/id`.
pub(crate) fn follow(snap: &Snapshot, reference: &str) -> Result<Option<Value>, Error> {
    let named = reference.split_once('/').and_then(|(kind, id)| Some((type_id(kind)?, id)));
    let Some((number, id)) = named else { return Ok(None) };
    Ok(snap.current(number, id)?.map(|e| parse(&e)))
}

pub(crate) fn situation(snap: &Snapshot, role: &Value) -> Result<Situation, Error> {
    let labels = list(role, "code").filter_map(|c| c.pointer("/coding/0")).map(label).collect();
    let organization = text(role, "/organization/reference");
    Ok(Situation { labels, place: follow(snap, &organization)?.map(|o| place(&o)) })
}

/// A care or social activity, or a heavy equipment.
pub(crate) fn activity(v: &Value) -> String {
    let mut words: Vec<String> = Vec::new();
    for member in ["type", "category", "characteristic"] {
        let concepts: Vec<&Value> = match &v[member] {
            Value::Array(list) => list.iter().collect(),
            Value::Object(_) => vec![&v[member]],
            _ => Vec::new(),
        };
        words.extend(concepts.into_iter().filter_map(|c| c.pointer("/coding/0")).map(label));
    }
    if v["resourceType"] == "Device" && words.is_empty() {
        words.push("Équipement matériel lourd".to_owned());
    }
    words.extend(Some(text(v, "/manufacturer")).filter(|m| !m.is_empty()));
    words.join(" — ")
}

/// A French number by pairs of digits, as people read it; anything else as it is.
fn phone(value: &str) -> String {
    if value.len() != 10 || !value.starts_with('0') || !value.bytes().all(|b| b.is_ascii_digit()) {
        return value.to_owned();
    }
    let pairs: Vec<&str> = (0..5).filter_map(|i| value.get(2 * i..2 * i + 2)).collect();
    pairs.join("\u{a0}")
}

/// A count with its thousands apart.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(c);
    }
    out
}

/// A day as people write it.
pub(crate) fn day(iso: &str) -> String {
    match iso.get(..10).unwrap_or(iso).split('-').collect::<Vec<_>>()[..] {
        [y, m, d] => format!("{d}/{m}/{y}"),
        [y, m] => format!("{m}/{y}"),
        _ => iso.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn marks_of_a_resource_are_not_shown() {
        let mut role = json!({"name": [{"family": "DE\u{202e}SSAI", "given": ["A\u{200b}B"]}], "active": true});
        shown(&mut role);
        assert_eq!(role, json!({"name": [{"family": "DESSAI", "given": ["AB"]}], "active": true}));
    }

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(phone("0465715099"), "04\u{a0}65\u{a0}71\u{a0}50\u{a0}99");
        assert_eq!(phone("+33465715099"), "+33465715099");
        assert_eq!((grouped(0), grouped(999), grouped(20_186)), ("0".into(), "999".into(), "20\u{202f}186".into()));
    }

    #[test]
    fn a_list_says_each_kind_once_and_a_card_does_not_claim_to_be_valid() {
        let kind = |code: &str, display: &str| json!({"coding": [{"code": code, "display": display}]});
        let shown = place(&json!({"type": [kind("SA01", "Public"), kind("355", "Hôpital"), kind("SPH", "Public")]}));
        assert_eq!(shown.kinds, ["Public", "Hôpital"]);
        let phones =
            place(&json!({"telecom": [{"system": "phone", "value": "1"}, {"system": "phone", "value": "2"}, {"system": "fax"}]}));
        assert_eq!(phones.contacts.iter().map(|c| c.leads).collect::<Vec<_>>(), [true, false, true]);
        let card = json!({"extension": [{"url": "x/as-ext-smartcard", "extension": [
            {"url": "number", "valueString": "1"}, {"url": "period", "valuePeriod": {"end": "2020-03-01"}}]}]});
        assert_eq!(practice(&card).cards, [" n° 1, fin de validité le 01/03/2020"]);
    }
}
