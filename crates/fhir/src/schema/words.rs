//! Words by which people are found, and the order in which they are listed, from the texts of a resource.

use annuaire_terms::{ParamId, Term, TypeId};

use super::params::{FAMILY, GIVEN, NAME, PHONETIC, Param};
use super::{ORGANIZATION, PRACTITIONER};

/// Stands between family and given names in the listed text of a person. It sorts before the space of a compound name, so that all the
/// people of a family name lie together.
pub const FAMILY_END: char = '\u{2}';

/// Adds to the terms of a resource what searches by words need of it: the words of its names, and the text by which it is listed.
/// Other types get nothing, nor does a reduced form, which has no name.
pub(crate) fn add_words(ty: TypeId, terms: &mut Vec<Term>) {
    let named = match ty {
        PRACTITIONER => [FAMILY.id, GIVEN.id].as_slice(),
        ORGANIZATION => &[NAME.id],
        _ => return,
    };
    let texts = |wanted| {
        terms.iter().filter_map(move |term| match term {
            Term::Text { param, value } if *param == wanted => Some(value.clone()),
            _ => None,
        })
    };
    let words = named.iter().flat_map(|param| texts(*param).map(|value| Term::Words { param: *param, value }));
    let words: Vec<Term> = words.collect();
    let listed: Vec<String> = named.iter().map(|param| texts(*param).next().unwrap_or_default()).collect();
    let listed = listed.join(&FAMILY_END.to_string());
    if words.is_empty() {
        return;
    }
    terms.extend(words);
    terms.push(Term::Order { value: listed });
}

/// Parameters among whose words a parameter of a type is compared by sound; empty when it cannot be. They are those that have words in
/// the store.
#[must_use]
pub fn heard_in(ty: &str, param: &Param) -> &'static [ParamId] {
    const PERSON_NAMES: &[ParamId] = &[FAMILY.id, GIVEN.id];
    match (ty, param.id) {
        ("Practitioner", id) if id == NAME.id || id == PHONETIC.id => PERSON_NAMES,
        ("Practitioner", id) if id == FAMILY.id => &PERSON_NAMES[..1],
        ("Practitioner", id) if id == GIVEN.id => &PERSON_NAMES[1..],
        ("Organization", id) if id == NAME.id => &[NAME.id],
        _ => &[],
    }
}
