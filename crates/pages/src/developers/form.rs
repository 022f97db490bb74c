//! The form of a search: fields made from the table of search parameters, filled from a query, and made into a query again.
//!
//! A field of HTML has one name, and the name of a FHIR parameter changes with its modifier. So a form has two fields for each
//! parameter, the comparison (`c.name`) and the value (`v.name`), and [`query_of`] makes the query of them.

use annuaire_fhir::schema::{DATE_PREFIXES, PARAMS, Param, ParamType};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::words;
use crate::limits;

/// An option of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormChoice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// The fields of a parameter.
#[derive(Debug, Clone)]
pub(crate) struct ParameterFields {
    pub name: &'static str,
    /// What it looks for.
    pub label: &'static str,
    /// How it is compared; empty where there is one way only.
    pub comparisons: Vec<FormChoice>,
    /// What may be chosen; empty for a free text.
    pub values: Vec<FormChoice>,
    pub value: String,
}

/// The form of the searches on a type.
#[derive(Debug, Clone)]
pub(crate) struct ApiForm {
    pub ty: &'static str,
    /// What resources must have.
    pub criteria: Vec<ParameterFields>,
    /// How the answer is made.
    pub shaping: Vec<ParameterFields>,
    /// The rest of the query.
    pub others: String,
}

fn choice(value: impl Into<String>, label: impl Into<String>) -> FormChoice {
    FormChoice { value: value.into(), label: label.into(), selected: false }
}

impl ApiForm {
    /// The form of a public type, filled with a query. What has no field goes to the field of the rest, so that nothing is lost.
    pub(crate) fn of(ty: &str, query: &str) -> Self {
        let ty = words::resource(ty).map_or("", |words| words.ty);
        let mut form = Self { ty, criteria: criteria(ty), shaping: shaping(ty), others: String::new() };
        let mut rest = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !form.take(&name, &value) && !value.is_empty() {
                rest.push(pair(&name, &value));
            }
        }
        form.others = rest.join("&");
        form
    }

    /// Puts a parameter of a query into its fields; false when it has none, or they are taken.
    fn take(&mut self, name: &str, value: &str) -> bool {
        let end = name.find([':', '.']).unwrap_or(name.len());
        let (plain, mut comparison) = (&name[..end], name[end..].to_owned());
        let Some(fields) = self.criteria.iter_mut().chain(&mut self.shaping).find(|fields| fields.name == plain) else {
            return false;
        };
        let mut value = value;
        if comparison.is_empty() && fields.comparisons.iter().any(|one| one.value == "=eq") {
            let prefix = value.get(..2).filter(|prefix| DATE_PREFIXES.contains(prefix));
            comparison = format!("={}", prefix.unwrap_or("eq"));
            value = prefix.map_or(value, |_| &value[2..]);
        }
        let knows = |choices: &[FormChoice], wanted: &str| choices.iter().any(|one| one.value == wanted);
        let compared = knows(&fields.comparisons, &comparison) || (comparison.is_empty() && fields.comparisons.is_empty());
        let chosen = fields.values.is_empty() || knows(&fields.values, value);
        if !compared || !chosen || !fields.value.is_empty() || value.is_empty() {
            return false;
        }
        value.clone_into(&mut fields.value);
        fields.comparisons.iter_mut().for_each(|one| one.selected = one.value == comparison);
        fields.values.iter_mut().for_each(|one| one.selected = one.value == value);
        true
    }
}

/// The fields of what resources must have.
fn criteria(ty: &str) -> Vec<ParameterFields> {
    let fields = |name: &'static str, comparisons: Vec<FormChoice>| ParameterFields {
        name,
        label: words::parameter(ty, name),
        comparisons,
        values: Vec::new(),
        value: String::new(),
    };
    let own = PARAMS.iter().filter(|param| param.is_of(ty)).map(|param| fields(param.name, comparisons(param)));
    let id = fields("_id", vec![choice("", "est"), choice(":not", "n’est pas")]);
    own.chain([fields("_lastUpdated", dates()), id]).collect()
}

/// How a parameter may be compared.
fn comparisons(param: &Param) -> Vec<FormChoice> {
    let mut all = match param.kind {
        ParamType::Text => vec![choice("", "commence par")],
        ParamType::Sound => vec![choice("", "se prononce ainsi")],
        ParamType::Token | ParamType::Uri => vec![choice("", "est")],
        ParamType::Reference => vec![choice("", "est (id ou Type/id)")],
        ParamType::Date => dates(),
    };
    all.extend(param.modifiers().iter().map(|modifier| {
        let label = match *modifier {
            "contains" => "contient",
            "exact" => "est exactement",
            "not" => "n’est pas",
            "missing" => "manque (true ou false)",
            "of-type" => "est (système|type|numéro)",
            "identifier" => "a le numéro (système|numéro)",
            other => other,
        };
        choice(format!(":{modifier}"), label)
    }));
    if param.kind == ParamType::Reference {
        let chained = PARAMS.iter().filter(|of_target| of_target.is_of(param.target) && of_target.kind != ParamType::Reference);
        all.extend(chained.map(|of_target| {
            let words = words::parameter(param.target, of_target.name);
            choice(format!(".{}", of_target.name), format!("dont {} ({words})", of_target.name))
        }));
    }
    all
}

/// How a date may be compared.
fn dates() -> Vec<FormChoice> {
    let label = |prefix: &str| match prefix {
        "eq" => "est dans",
        "ne" => "n’est pas dans",
        "gt" => "après",
        "ge" => "depuis",
        "lt" => "avant",
        "le" => "jusqu’à",
        "sa" => "commence après",
        "eb" => "finit avant",
        _ => "environ",
    };
    DATE_PREFIXES.iter().map(|prefix| choice(format!("={prefix}"), label(prefix))).collect()
}

/// The fields of how the answer is made.
fn shaping(ty: &str) -> Vec<ParameterFields> {
    let fields = |name, label, values: Vec<FormChoice>| ParameterFields {
        name,
        label,
        comparisons: Vec::new(),
        values,
        value: String::new(),
    };
    let listed = |values: &[&str]| -> Vec<FormChoice> {
        std::iter::once(choice("", "—")).chain(values.iter().map(|value| choice(*value, *value))).collect()
    };
    let links = |forward: bool| -> Vec<FormChoice> {
        let references = PARAMS.iter().filter(|param| param.kind == ParamType::Reference);
        let named = references.filter(|param| if forward { param.is_of(ty) } else { param.target == ty });
        let sources = named.flat_map(|param| param.types.iter().map(move |source| (*source, param)));
        let links: Vec<String> = sources
            .filter(|(source, _)| !forward || *source == ty)
            .map(|(source, param)| format!("{source}:{}", param.name))
            .collect();
        listed(&std::iter::once("*").filter(|_| !links.is_empty()).chain(links.iter().map(String::as_str)).collect::<Vec<_>>())
    };
    [
        fields("_count", "Réponses par page", Vec::new()),
        fields("_sort", "Ordre", listed(&["_lastUpdated", "-_lastUpdated", "_id", "-_id"])),
        fields("_include", "Avec les ressources désignées", links(true)),
        fields("_revinclude", "Avec celles qui désignent", links(false)),
        fields("_elements", "Membres", Vec::new()),
        fields("_total", "Total", listed(&["accurate", "estimate", "none"])),
        fields("_pretty", "JSON indenté", listed(&["true"])),
    ]
    .into_iter()
    .filter(|fields| fields.values.len() != 1)
    .collect()
}

/// Characters that stay as they are in a name or a value of a query: those that FHIR uses and that end nothing.
const QUERY_TEXT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b':').remove(b',').remove(b'/').remove(b'*');

/// A name or a value of a query, of which only what would end it is encoded: people read it.
pub(crate) fn query_text(text: &str) -> String {
    utf8_percent_encode(text, QUERY_TEXT).to_string()
}

fn pair(name: &str, value: &str) -> String {
    format!("{}={}", query_text(name), query_text(value))
}

/// The type that a sent form names, with the query that its fields mean; `None` for a type that is not public.
pub(crate) fn query_of(sent: &str) -> Option<(&'static str, String)> {
    let bounded = |text: &str| text.trim().chars().take(limits::QUERY_FIELD_CHARS).collect::<String>();
    let fields: Vec<(String, String)> =
        form_urlencoded::parse(sent.as_bytes()).map(|(name, value)| (name.into_owned(), bounded(&value))).collect();
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
    let form = ApiForm::of(words::resource(field("type"))?.ty, "");
    let mut parts = Vec::new();
    for of_parameter in form.criteria.iter().chain(&form.shaping) {
        let value = field(&format!("v.{}", of_parameter.name));
        let chosen = field(&format!("c.{}", of_parameter.name));
        let comparison = of_parameter.comparisons.iter().find(|one| one.value == chosen).map_or("", |one| one.value.as_str());
        if !value.is_empty() {
            parts.push(match comparison.strip_prefix('=') {
                Some("eq") => pair(of_parameter.name, value),
                Some(prefix) => pair(of_parameter.name, &format!("{prefix}{value}")),
                None => pair(&format!("{}{comparison}", of_parameter.name), value),
            });
        }
    }
    let others = form_urlencoded::parse(field("autres").as_bytes()).filter(|(name, _)| !name.is_empty());
    parts.extend(others.map(|(name, value)| pair(&name, &value)));
    Some((form.ty, parts.join("&")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser sends of a form.
    fn sent(form: &ApiForm) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        out.append_pair("type", form.ty);
        for fields in form.criteria.iter().chain(&form.shaping) {
            let first = fields.comparisons.first();
            if let Some(comparison) = fields.comparisons.iter().find(|one| one.selected).or(first) {
                out.append_pair(&format!("c.{}", fields.name), &comparison.value);
            }
            out.append_pair(&format!("v.{}", fields.name), &fields.value);
        }
        out.append_pair("autres", &form.others);
        out.finish()
    }

    #[test]
    fn a_query_survives_its_form() {
        for (ty, query) in [
            ("Practitioner", "family:contains=d'a%20b"),
            ("Practitioner", "qualification-code:not=10,60&_count=3&_sort=-_lastUpdated"),
            ("PractitionerRole", "organization.address-city=brest&_include=PractitionerRole:practitioner"),
            ("PractitionerRole", "organization=Organization/001-1"),
            ("Organization", "period=ge2026-11&_lastUpdated=2026-11-25T10:00:00%2B01:00"),
            ("Organization", "name=a&name=b"),
            ("Device", "bogus:x=1&identifier=a%7Cb&_id:missing=true"),
            ("Practitioner", "_has:PractitionerRole:practitioner:role=SEC-LIB"),
            ("Device", ""),
        ] {
            let (found, made) = query_of(&sent(&ApiForm::of(ty, query))).unwrap();
            let sorted = |query: &str| {
                let mut all: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                all.sort();
                all
            };
            assert_eq!((found, sorted(&made)), (ty, sorted(query)), "{query} became {made}");
        }
    }

    #[test]
    fn what_was_not_typed_is_not_asked_and_an_odd_form_does_no_harm() {
        let (ty, query) = query_of("type=Device&v.model=&c.model=%3Acontains&v._count=&x=y&v.nothing=1&autres=%3D").unwrap();
        assert_eq!((ty, query.as_str()), ("Device", ""));
        let (_, query) = query_of("type=Device&c.model=%26evil%3D1&v.model=a%26b%3D%23%0d%0a'\"").unwrap();
        assert_eq!(query, "model=a%26b%3D%23%0D%0A%27%22");
        assert!(query_of("type=Person").is_none() && query_of("type=../admin").is_none() && query_of("").is_none());
    }

    #[test]
    fn a_form_has_the_parameters_and_modifiers_of_its_type() {
        let form = ApiForm::of("PractitionerRole", "");
        let names: Vec<&str> = form.criteria.iter().map(|fields| fields.name).collect();
        assert!(names.contains(&"practitioner") && names.contains(&"_lastUpdated") && !names.contains(&"family"));
        let organization = form.criteria.iter().find(|fields| fields.name == "organization").unwrap();
        let compared: Vec<&str> = organization.comparisons.iter().map(|one| one.value.as_str()).collect();
        assert!([":identifier", ":missing", ".address-city", ".name"].iter().all(|one| compared.contains(one)), "{compared:?}");
        let includes = form.shaping.iter().find(|fields| fields.name == "_include").unwrap();
        assert_eq!(includes.values.len(), 4, "{includes:?}");
        assert!(!form.shaping.iter().any(|fields| fields.name == "_revinclude"), "nothing points to a situation");
    }
}
