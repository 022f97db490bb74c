//! Modifiers: which ones have an effect on which parameter.

use annuaire_fhir::schema::{self, ParamType, heard_in};

use super::results::is_result_parameter;
use super::sounds::SOUND_MODIFIER;
use crate::limits;

/// Whether the modifier at the end of a chain of parameters has an effect, or could be left out without changing the result.
pub(super) fn modifier_works<'a>(mut ty: &'a str, mut name: &'a str) -> bool {
    for _ in 0..=limits::CHAIN {
        if let Some(rest) = name.strip_prefix("_has:") {
            let mut parts = rest.splitn(3, ':');
            (ty, name) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        } else if let Some((head, tail)) = name.split_once('.') {
            let Some(link) = schema::param(ty, head.split(':').next().unwrap_or_default()) else { return true };
            (ty, name) = (link.target, tail);
        } else {
            return last_modifier_works(ty, name);
        }
    }
    // A chain that is too long is refused as an unknown parameter.
    true
}

fn last_modifier_works(ty: &str, name: &str) -> bool {
    let Some((plain, modifier)) = name.split_once(':') else { return true };
    match plain {
        "_id" => matches!(modifier, "not" | "missing"),
        "_lastUpdated" => modifier == "missing",
        "_include" | "_revinclude" | "_revInclude" => modifier == "iterate",
        name if is_result_parameter(name) => false,
        _ => schema::param(ty, plain).is_none_or(|p| {
            // What `:text` asks is what a text is searched by anyway.
            let idle =
                (p.kind == ParamType::Text && modifier == "text") || (p.kind == ParamType::Reference && modifier == p.target);
            let heard = p.kind == ParamType::Text && modifier == SOUND_MODIFIER && !heard_in(ty, p).is_empty();
            idle || heard || p.modifiers().contains(&modifier)
        }),
    }
}

/// A sentence with the modifiers that have an effect on a parameter; empty when the parameter is unknown.
pub(super) fn working_modifiers(ty: &str, plain: &str) -> String {
    let Some(param) = schema::param(ty, plain) else { return String::new() };
    let sound = Some(SOUND_MODIFIER).filter(|sound| last_modifier_works(ty, &format!("{plain}:{sound}")));
    let works: Vec<String> = param.modifiers().iter().copied().chain(sound).map(|modifier| format!(":{modifier}")).collect();
    match works.is_empty() {
        true => String::new(),
        false => format!("Modifiers of {plain}: {}.", works.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_handling_knows_the_modifiers_that_work() {
        for (ty, name) in [
            ("Practitioner", "name"),
            ("Practitioner", "name:contains"),
            ("Practitioner", "name:phonetic"),
            ("Practitioner", "phonetic:missing"),
            ("PractitionerRole", "organization.name:phonetic"),
            ("Practitioner", "identifier:of-type"),
            ("Practitioner", "_id:not"),
            ("Practitioner", "_has:PractitionerRole:practitioner:role:not"),
            ("PractitionerRole", "organization.name:exact"),
            ("PractitionerRole", "organization:Organization"),
            ("PractitionerRole", "organization:missing"),
            ("PractitionerRole", "_include:iterate"),
        ] {
            assert!(modifier_works(ty, name), "{name}");
            assert!(ty == "Practitioner" || name.starts_with('_') || modifier_works(ty, "organization:identifier"));
        }
        for (ty, name) in [
            ("Practitioner", "active:text"),
            ("Practitioner", "name:not"),
            ("Practitioner", "phonetic:exact"),
            ("Practitioner", "phonetic:phonetic"),
            ("Practitioner", "mailbox-mss:phonetic"),
            ("Person", "name:phonetic"),
            ("Organization", "address-city:phonetic"),
            ("Practitioner", "active:of-type"),
            ("Practitioner", "_lastUpdated:not"),
            ("Practitioner", "_has:PractitionerRole:practitioner:role:in"),
            ("PractitionerRole", "organization.name:above"),
            ("PractitionerRole", "organization:Practitioner"),
            ("PractitionerRole", "_include:recurse"),
            ("PractitionerRole", "_count:exact"),
        ] {
            assert!(!modifier_works(ty, name), "{name}");
        }
    }

    #[test]
    fn a_name_of_many_links_is_passed_over_once() {
        for link in ["organization.", "partof.", "_has:Organization:partof:"] {
            assert!(modifier_works("Organization", &link.repeat(limits::QUERY)));
        }
    }
}
