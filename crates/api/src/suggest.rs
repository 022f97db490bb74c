//! « Did you mean »: the known names that are near a name which is not known.

use strsim::osa_distance;

/// Most bytes of a name that is compared: no name of ours is longer by far.
const COMPARED: usize = 64;
/// Most names that are proposed.
const PROPOSED: usize = 3;

/// A question that names what was probably meant by `asked`; empty when nothing is near. Costs a comparison of short texts for each
/// known name.
pub(crate) fn did_you_mean<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    // The link of a chain and the parameter before a modifier are names too.
    let (head, rest) = asked.split_at(asked.find(['.', ':']).unwrap_or(asked.len()));
    let mut found: Vec<String> = match known.contains(&head) {
        true => Vec::new(),
        false => nearest(head, &known).into_iter().map(|name| format!("{name}{rest}")).collect(),
    };
    if found.is_empty() {
        found = nearest(asked, &known).into_iter().map(str::to_owned).collect();
    }
    match found.is_empty() {
        true => String::new(),
        false => format!("Did you mean {}?", found.join(" or ")),
    }
}

/// The nearest names, at equal distance; without one, those that have `asked` as a whole word, as `address-city` has `city`.
fn nearest<'a>(asked: &str, known: &[&'a str]) -> Vec<&'a str> {
    if asked.len() > COMPARED {
        return Vec::new();
    }
    let asked = asked.to_ascii_lowercase();
    // A third of the letters may be wrong, one at least.
    let bound = (asked.chars().count() / 3).max(1);
    let distances: Vec<usize> = known.iter().map(|name| osa_distance(&asked, &name.to_ascii_lowercase())).collect();
    let least = distances.iter().copied().min().filter(|least| *least <= bound);
    let is_near = |n: usize, name: &str| match least {
        Some(least) => distances[n] == least,
        None => name.split('-').any(|word| word == asked),
    };
    known.iter().enumerate().filter(|(n, name)| is_near(*n, name)).map(|(_, name)| *name).take(PROPOSED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 8] = ["_id", "_count", "active", "address", "address-city", "name", "organization", "Practitioner"];

    #[test]
    fn a_slip_is_recognised() {
        for (asked, meant) in [
            ("nmae", "name"),
            ("nom", ""),
            ("Active", "active"),
            ("adress", "address"),
            ("_cuont", "_count"),
            ("city", "address-city"),
            ("organisation", "organization"),
            ("organisation.id", "organization.id"),
            ("name.x", "name"),
            ("nane:contains", "name:contains"),
            ("practitioners", "Practitioner"),
            ("practitioner", "Practitioner"),
            ("bogus", ""),
            ("", ""),
            ("é", ""),
        ] {
            let told = did_you_mean(asked, KNOWN);
            assert_eq!(told, if meant.is_empty() { String::new() } else { format!("Did you mean {meant}?") }, "{asked}");
        }
    }

    #[test]
    fn names_of_equal_distance_are_all_told_and_a_long_one_is_not_compared() {
        assert_eq!(did_you_mean("famil", ["family", "familx", "x"]), "Did you mean family or familx?");
        assert_eq!(did_you_mean(&"name".repeat(10_000), KNOWN), "");
    }
}
