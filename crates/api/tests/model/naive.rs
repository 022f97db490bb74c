//! A naive look at the JSON of every resource: the slow, obviously right version of a search.

use annuaire_base::text::fold;
use serde_json::Value;

/// Values at a path; arrays are walked through.
pub fn at<'a>(v: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(vec![v], |found, m| {
        let below = found.into_iter().filter_map(|x| x.get(m));
        below.flat_map(|x| x.as_array().map_or_else(|| vec![x], |a| a.iter().collect())).collect()
    })
}

pub fn texts(v: &Value, paths: &[&str]) -> Vec<String> {
    paths.iter().flat_map(|p| at(v, p)).filter_map(|x| x.as_str().map(str::to_owned)).collect()
}

/// What a parameter looks at: texts, or (system, code) pairs.
pub enum Looks {
    Texts(&'static [&'static str]),
    Codings(&'static str),
    Identifiers,
    Flag,
    Link(&'static str),
}

pub const PARAMETERS: &[(&str, &str, Looks)] = &[
    ("Practitioner", "family", Looks::Texts(&["name.family"])),
    ("Practitioner", "given", Looks::Texts(&["name.given"])),
    ("Practitioner", "name", Looks::Texts(&["name.family", "name.given", "name.prefix", "name.suffix"])),
    ("Practitioner", "qualification-code", Looks::Codings("qualification.code.coding")),
    ("Practitioner", "identifier", Looks::Identifiers),
    ("Practitioner", "active", Looks::Flag),
    ("PractitionerRole", "role", Looks::Codings("code.coding")),
    ("PractitionerRole", "organization", Looks::Link("organization.reference")),
    ("PractitionerRole", "active", Looks::Flag),
    ("Organization", "name", Looks::Texts(&["name", "alias"])),
    ("Organization", "address-city", Looks::Texts(&["address.city"])),
    ("Organization", "address-postalcode", Looks::Texts(&["address.postalCode"])),
    ("Organization", "type", Looks::Codings("type.coding")),
    ("Organization", "identifier", Looks::Identifiers),
    ("Organization", "partof", Looks::Link("partOf.reference")),
];

pub fn pairs(looks: &Looks, r: &Value) -> Vec<(String, String)> {
    let text = |v: &Value, m: &str| v[m].as_str().unwrap_or_default().to_owned();
    match looks {
        Looks::Codings(path) => at(r, path).into_iter().map(|c| (text(c, "system"), text(c, "code"))).collect(),
        Looks::Identifiers => at(r, "identifier").into_iter().map(|i| (text(i, "system"), text(i, "value"))).collect(),
        Looks::Flag => vec![("http://hl7.org/fhir/ValueSet/special-values".into(), r["active"].to_string())],
        Looks::Texts(_) | Looks::Link(_) => Vec::new(),
    }
}

/// One criterion as text and as a predicate.
pub struct Criterion {
    pub text: String,
    pub keeps: Box<dyn Fn(&Value) -> bool>,
}

pub fn encode(s: &str) -> String {
    s.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

pub fn escape(s: &str) -> String {
    s.replace('\\', "\\\\").replace(',', "\\,").replace('|', "\\|").replace('$', "\\$")
}

/// A criterion drawn from a parameter, a resource to take values from, and a few numbers.
pub fn criterion(parameter: usize, samples: &[&Value], form: u8, cut: usize) -> Criterion {
    let (_, name, looks) = &PARAMETERS[parameter];
    match looks {
        Looks::Texts(paths) => {
            let values: Vec<String> = samples.iter().filter_map(|r| texts(r, paths).into_iter().next()).collect();
            let part = |v: &String| -> String {
                let chars: Vec<char> = v.chars().collect();
                match form % 3 {
                    0 => chars[..chars.len().min(1 + cut)].iter().collect(),
                    1 => chars[(cut % chars.len().max(1))..].iter().take(4).collect(),
                    _ => v.clone(),
                }
            };
            let wanted: Vec<String> = values.iter().map(part).filter(|p| !p.trim().is_empty()).collect();
            let modifier = ["", ":contains", ":exact"][usize::from(form % 3)];
            let list = wanted.iter().map(|w| encode(&escape(w))).collect::<Vec<_>>().join(",");
            let keeps = move |r: &Value| {
                wanted.is_empty()
                    || texts(r, paths).iter().any(|t| {
                        wanted.iter().any(|w| match modifier {
                            ":contains" => fold(t).contains(&fold(w)),
                            ":exact" => t == w,
                            _ => fold(t).starts_with(&fold(w)),
                        })
                    })
            };
            Criterion { text: format!("{name}{modifier}={list}"), keeps: Box::new(keeps) }
        }
        Looks::Link(path) => {
            let wanted: Vec<String> = samples.iter().flat_map(|r| texts(r, &[path])).collect();
            let list = wanted.join(",");
            let keeps = move |r: &Value| wanted.is_empty() || texts(r, &[path]).iter().any(|t| wanted.contains(t));
            Criterion { text: format!("{name}={list}"), keeps: Box::new(keeps) }
        }
        _ if form == 7 => Criterion {
            text: format!("{name}:missing=false"),
            keeps: Box::new(move |r| pairs(looks, r).iter().any(|p| !p.1.is_empty())),
        },
        _ => {
            let wanted: Vec<(String, String)> = samples.iter().filter_map(|r| pairs(looks, r).into_iter().nth(cut % 2)).collect();
            let (with_system, only_system) = (form % 3 == 1, form % 3 == 2);
            let one = |p: &(String, String)| match (with_system, only_system) {
                (true, _) => format!("{}%7C{}", encode(&p.0), encode(&escape(&p.1))),
                (_, true) => format!("{}%7C", encode(&p.0)),
                _ => encode(&escape(&p.1)),
            };
            let list = wanted.iter().filter(|w| !(only_system && w.0.is_empty())).map(one).collect::<Vec<_>>().join(",");
            let not = form >= 5;
            let empty = list.is_empty();
            let keeps = move |r: &Value| {
                let has = pairs(looks, r).iter().any(|p| {
                    wanted.iter().any(|w| {
                        (with_system || only_system || p.1 == w.1) && (!with_system || p == w) && (!only_system || p.0 == w.0)
                    })
                });
                empty || (has != not)
            };
            Criterion { text: format!("{name}{}={list}", if not { ":not" } else { "" }), keeps: Box::new(keeps) }
        }
    }
}
