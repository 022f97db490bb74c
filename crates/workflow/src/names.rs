//! Names of exercise: how they are prefilled, and when they are unusual (registration §4.5, section 3).

use crate::norm::{norm, tokens};

/// The name of exercise that the form proposes: the usage name, else the family name.
#[must_use]
pub fn proposed_name<'a>(family_name: &'a str, usage_name: &'a str) -> &'a str {
    if usage_name.is_empty() { family_name } else { usage_name }
}

/// Whether a name of exercise shares a word with the family name or the usage name; otherwise W-NOMEX.
#[must_use]
pub fn is_usual_name(exercise: &str, family_name: &str, usage_name: &str) -> bool {
    let known: Vec<String> = tokens(family_name).into_iter().chain(tokens(usage_name)).collect();
    tokens(exercise).iter().any(|word| known.contains(word))
}

/// Whether a given name of exercise is one of the given names, or a hyphenated part of one; otherwise W-PRENEX.
#[must_use]
pub fn is_usual_given_name<S: AsRef<str>>(exercise: &str, given_names: &[S]) -> bool {
    let wanted = norm(exercise);
    given_names.iter().any(|given| {
        let given = given.as_ref();
        norm(given) == wanted || given.split('-').any(|part| !part.is_empty() && norm(part) == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_exercise_comes_from_the_civil_status() {
        assert_eq!(proposed_name("ESSAI", "FICTIF"), "FICTIF");
        assert_eq!(proposed_name("ESSAI", ""), "ESSAI");
        assert!(is_usual_name("Essai--Fictif", "ESSAI", "") && is_usual_name("fictif", "ESSAI", "Fictif"));
        assert!(!is_usual_name("Autre", "ESSAI", "FICTIF") && !is_usual_name("", "ESSAI", ""));
        assert!(is_usual_given_name("Anne", &["Jeanne", "Anne-Marie"]) && is_usual_given_name("marie", &["Anne-Marie"]));
        assert!(is_usual_given_name("ANNE MARIE", &["Anne-Marie"]) && !is_usual_given_name("Ann", &["Anne-Marie"]));
    }
}
