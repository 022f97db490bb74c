//! Each acceptance scenario of the identity provider has one test, `scenario_NN_…`: none was forgotten, and none is told twice.

use super::finding::Finding;
use super::source::SourceFile;
use std::collections::BTreeMap;

/// Scenarios of identity.md §6.
const SCENARIOS: u32 = 27;
const BEFORE: &str = "fn scenario_";

/// Names every scenario without a test, with several, or that there is not.
pub fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut places: BTreeMap<u32, Vec<String>> = (1..=SCENARIOS).map(|number| (number, Vec::new())).collect();
    for file in files.iter().filter(|file| file.is_test()) {
        for (at, _) in file.code.match_indices(BEFORE) {
            let digits = file.code.get(at + BEFORE.len()..at + BEFORE.len() + 2).and_then(|digits| digits.parse().ok());
            places.entry(digits.unwrap_or_default()).or_default().push(format!("{}:{}", file.path, file.line(at)));
        }
    }
    let finding = |place: &str, message: String| Finding { check: "scenarios", place: place.to_owned(), message };
    places
        .into_iter()
        .filter_map(|(number, places)| match places.as_slice() {
            [] => Some(finding("crates", format!("scenario {number} has no test: name one `scenario_{number:02}_…`"))),
            [_] if (1..=SCENARIOS).contains(&number) => None,
            [place] => Some(finding(place, format!("there is no such scenario: they are 01 to {SCENARIOS}"))),
            [place, others @ ..] => Some(finding(place, format!("this scenario has another test at {}", others.join(", ")))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{SCENARIOS, SourceFile, check};

    #[test]
    fn each_scenario_has_one_test() {
        let all: String = (1..=SCENARIOS).map(|number| format!("fn scenario_{number:02}_x() {{}}\n")).collect();
        let file = |path: &str, text: &str| SourceFile::new(path, text.to_owned());
        assert_eq!(check(&[file("crates/x/tests/a.rs", &all)]), []);
        let found = check(&[
            file("crates/x/tests/a.rs", &all.replace("scenario_07_x", "other")),
            file("crates/y/tests/b.rs", "fn scenario_03_y() {} fn scenario_99_z() {} fn scenario_x() {}"),
            file("crates/y/src/b.rs", "fn scenario_07_in_the_product() {}"),
        ]);
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 4, "{told:?}");
        for part in ["scenario 7 has no test", "b.rs:1: there is no such scenario", "a.rs:3: this scenario has another test"] {
            assert!(told.iter().any(|line| line.contains(part)), "{part}: {told:?}");
        }
    }
}
