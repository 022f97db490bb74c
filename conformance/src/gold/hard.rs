//! Two hundred hard cases by hand, over a small nation of their own.

use std::collections::HashMap;
use std::path::Path;

use annuaire_testkit::{HandMadePerson, HandMadeStructure, hand_made_national_id, hand_made_structure_id, write_hand_made};

use super::queries::{GoldQuery, read_queries};

const PEOPLE: &str = include_str!("../../gold/people.tsv");
const HARD: &str = include_str!("../../gold/hard.tsv");

/// The small nation, and the page of each key.
#[derive(Default)]
struct HardNation {
    people: Vec<HandMadePerson>,
    structures: Vec<HandMadeStructure>,
    pages: HashMap<String, String>,
}

impl HardNation {
    fn read() -> Result<Self, String> {
        let mut nation = Self::default();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (n, line) in PEOPLE.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let wrong = |what: &str| format!("gold/people.tsv, line {}: {what}", n + 1);
            let fields: Vec<&str> = line.split('\t').collect();
            let (key, page) = match fields.as_slice() {
                ["S", key, name, postal, town, insee, kind] => {
                    let [name, postal, town, insee] = [name, postal, town, insee].map(|text| (*text).to_owned());
                    let structure = HandMadeStructure { name, postal, town, insee, in_finess: *kind == "F" };
                    let id = hand_made_structure_id(nation.structures.len(), &structure);
                    places.insert(key, nation.structures.len());
                    nation.structures.push(structure);
                    (key, format!("structure/{id}"))
                }
                ["P", key, family, given, sex, profession, specialty, place] => {
                    let place = *places.get(place).ok_or_else(|| wrong("no structure above has this key"))?;
                    let [family, given, profession, specialty] =
                        [family, given, profession, specialty].map(|text| (*text).to_owned());
                    let id = hand_made_national_id(nation.people.len());
                    nation.people.push(HandMadePerson { family, given, woman: *sex == "F", profession, specialty, place });
                    (key, format!("professionnel/{id}"))
                }
                _ => return Err(wrong("a line is S with six columns or P with seven")),
            };
            if nation.pages.insert((*key).to_owned(), page).is_some() {
                return Err(wrong("this key stands twice"));
            }
        }
        Ok(nation)
    }
}

/// Writes the files of the small nation in `dir`, to be imported like any delivery.
///
/// # Errors
/// When a file cannot be written, or the list of people is wrong.
pub fn write_hard_nation(dir: &Path) -> Result<(), String> {
    let nation = HardNation::read()?;
    write_hand_made(dir, &nation.people, &nation.structures).map_err(|e| format!("{}: {e}", dir.display()))
}

/// The hard cases, with the pages of the small nation.
///
/// # Errors
/// When a case names a key that the list of people has not.
pub fn hard_queries() -> Result<Vec<GoldQuery>, String> {
    let pages = HardNation::read()?.pages;
    let mut queries = read_queries(HARD).map_err(|e| format!("gold/hard.tsv, {e}"))?;
    for query in &mut queries {
        for answer in &mut query.answers {
            let page = pages.get(answer).ok_or_else(|| format!("gold/hard.tsv: nobody has the key “{answer}”"))?;
            answer.clone_from(page);
        }
    }
    Ok(queries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gold::GoldNation;
    use std::collections::BTreeSet;

    #[test]
    fn two_hundred_cases_whose_answers_are_in_the_files() {
        let queries = hard_queries().unwrap();
        assert_eq!(queries.len(), 200);
        let asked: BTreeSet<(&str, &str)> = queries.iter().map(|query| (query.q.as_str(), query.ou.as_str())).collect();
        assert_eq!(asked.len(), 200, "no case stands twice");
        let dir = tempfile::tempdir().unwrap();
        write_hard_nation(dir.path()).unwrap();
        let nation = GoldNation::read(dir.path()).unwrap();
        let people = nation.people.iter().map(|person| format!("professionnel/{}", person.national_id));
        let structures = nation.structures.iter().map(|structure| format!("structure/{}", structure.technical_id));
        let there: BTreeSet<String> = people.chain(structures).collect();
        for query in &queries {
            assert!(query.answers.iter().all(|answer| there.contains(answer)), "{query:?}");
        }
    }

    #[test]
    fn numbers_have_the_form_of_their_kind() {
        let nation = HardNation::read().unwrap();
        assert!(nation.pages["goff-yann"].starts_with("professionnel/81099900"));
        assert!(nation.pages["ch-gap"].starts_with("structure/F99"));
        assert!(nation.pages["cabinet-rade"].starts_with("structure/R1016"));
    }
}
