//! The truth behind the queries: people and structures, read from the official files that the directory was given.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

use super::spelling::{plain, said_town, squeezed, telling_words};

/// A place where somebody or something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownTown {
    /// As people say it, in capitals.
    pub name: String,
    /// Empty for special codes of large receivers (CEDEX), which nobody types.
    pub postal: String,
}

/// A professional of the files.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownPerson {
    /// National identifier, by which the pages name the person.
    pub national_id: String,
    pub family: String,
    pub given: String,
    /// Codes of titles: `DR`, `PR`, `M`, `MME`.
    pub titles: Vec<String>,
    pub professions: Vec<String>,
    pub specialties: Vec<String>,
    pub towns: Vec<KnownTown>,
    pub mailboxes: Vec<String>,
}

/// A structure of the files.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownStructure {
    /// Technical id, by which the pages name the structure.
    pub technical_id: String,
    pub name: String,
    pub finess: String,
    pub siret: String,
    pub town: Option<KnownTown>,
}

/// Everybody and everything of a delivery, and who answers to which name.
///
/// Cost: one reading of the files, and all of their people and structures in memory.
#[derive(Debug, Default)]
pub struct GoldNation {
    pub(crate) people: Vec<KnownPerson>,
    pub(crate) structures: Vec<KnownStructure>,
    /// Given and family name in both orders, squeezed.
    names: HashMap<String, Vec<usize>>,
    families: HashMap<String, Vec<usize>>,
    givens: HashMap<String, Vec<usize>>,
    /// Telling words of structures.
    structure_names: BTreeMap<String, Vec<usize>>,
}

const NOBODY: &[usize] = &[];

impl GoldNation {
    /// Reads the files of a delivery: activities of professionals, mailboxes when they are there, structures of FINESS when they are
    /// there. Who or what is closed is left out.
    ///
    /// # Errors
    /// When a file cannot be read, has not its columns, or when nobody is in it.
    pub fn read(dir: &Path) -> Result<Self, String> {
        let mut nation = Self::default();
        let mut places = HashMap::new();
        let mut paths: Vec<_> = fs::read_dir(dir)
            .map_err(|e| format!("{}: {e}", dir.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_file()))
            .collect();
        // Mailboxes and FINESS come to people and structures that the activities name.
        paths.sort_by_key(|path| (!file_name(path).starts_with("PS_LibreAcces_Personne_activite"), path.clone()));
        for path in &paths {
            let name = file_name(path);
            let read = if name.starts_with("PS_LibreAcces_Personne_activite") {
                nation.read_activities(path, &mut places)
            } else if name.starts_with("Extraction_Correspondance_MSSante") {
                nation.read_mailboxes(path)
            } else if name.starts_with("finess-structures") {
                nation.read_finess(path, &mut places)
            } else {
                Ok(())
            };
            read.map_err(|e| format!("{}: {e}", path.display()))?;
        }
        if nation.people.is_empty() {
            return Err(format!("{}: no file PS_LibreAcces_Personne_activite with people is there", dir.display()));
        }
        nation.index();
        Ok(nation)
    }

    fn read_activities(&mut self, path: &Path, places: &mut HashMap<String, usize>) -> Result<(), String> {
        let mut people: HashMap<String, usize> = HashMap::new();
        each_line(
            path,
            [
                "Identification nationale PP",
                "Nom d'exercice",
                "Prénom d'exercice",
                "Code civilité d'exercice",
                "Code civilité",
                "Code profession",
                "Code savoir-faire",
                "Identifiant technique de la structure",
                "Raison sociale site",
                "Numéro FINESS site",
                "Numéro SIRET site",
                "Code postal (coord. structure)",
                "Libellé commune (coord. structure)",
            ],
            |[id, family, given, title, civil, profession, skill, place, name, finess, siret, postal, town]| {
                let at = *people.entry(id.to_owned()).or_insert_with(|| {
                    self.people.push(KnownPerson {
                        national_id: id.to_owned(),
                        family: family.to_owned(),
                        given: given.to_owned(),
                        ..KnownPerson::default()
                    });
                    self.people.len() - 1
                });
                let person = &mut self.people[at];
                let town = (!town.is_empty()).then(|| known_town(town, postal, town));
                add(&mut person.titles, title);
                add(&mut person.titles, civil);
                add(&mut person.professions, profession);
                add(&mut person.specialties, skill);
                if let Some(town) = &town
                    && !person.towns.contains(town)
                {
                    person.towns.push(town.clone());
                }
                if !place.is_empty() && !name.is_empty() && !places.contains_key(place) {
                    places.insert(place.to_owned(), self.structures.len());
                    let (technical_id, name) = (place.to_owned(), name.to_owned());
                    let (finess, siret) = (finess.to_owned(), siret.to_owned());
                    self.structures.push(KnownStructure { technical_id, name, finess, siret, town });
                }
            },
        )
    }

    fn read_mailboxes(&mut self, path: &Path) -> Result<(), String> {
        let people: HashMap<String, usize> =
            self.people.iter().enumerate().map(|(at, person)| (person.national_id.clone(), at)).collect();
        each_line(path, ["Type de BAL", "Identification nationale PP", "Adresse BAL"], |[kind, id, address]| {
            if let ("PER", Some(at)) = (kind, people.get(id)) {
                self.people[*at].mailboxes.push(address.to_owned());
            }
        })
    }

    fn read_finess(&mut self, path: &Path, places: &mut HashMap<String, usize>) -> Result<(), String> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|e| e.to_string())?;
        let packed = path.extension().is_some_and(|end| end == "gz");
        let read = if packed {
            flate2::read::GzDecoder::new(file).read_to_end(&mut bytes)
        } else {
            BufReader::new(file).read_to_end(&mut bytes)
        };
        read.map_err(|e| e.to_string())?;
        let document: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
        for body in document["pmej"].as_array().into_iter().flatten() {
            let general = &body["informationsGeneralesPMEJ"];
            let own = [&general["numFinessPm"], &general["denominationLonguePmSmsse"], &Value::Null];
            self.add_finess(body, own, places);
            for site in body["ege"].as_array().into_iter().flatten() {
                let general = &site["informationsGeneralesEGE"];
                self.add_finess(site, [&general["numFinessEge"], &general["nomEgeLong"], &general["siret"]], places);
            }
        }
        Ok(())
    }

    fn add_finess(&mut self, record: &Value, said: [&Value; 3], places: &mut HashMap<String, usize>) {
        let [finess, name, siret] = said.map(|value| value.as_str().unwrap_or_default().trim().to_owned());
        if record["etatObjet"] != "A" || finess.is_empty() || name.is_empty() {
            return;
        }
        let address = &record["adresse"][0];
        let text = |key: &str| address[key].as_str().unwrap_or_default();
        let line = text("ligneAcheminement");
        let town = (!line.is_empty()).then(|| known_town(line, text("codePostal"), line));
        let technical_id = format!("F{finess}");
        let at = *places.entry(technical_id.clone()).or_insert_with(|| {
            self.structures.push(KnownStructure::default());
            self.structures.len() - 1
        });
        // The activities may know the town where FINESS has a line of distribution alone.
        let town = self.structures[at].town.take().or(town);
        self.structures[at] = KnownStructure { technical_id, name, finess, siret, town };
    }

    fn index(&mut self) {
        for (at, person) in self.people.iter().enumerate() {
            let [family, given] = [&person.family, &person.given].map(|name| squeezed(name));
            let (one, other) = (format!("{given}{family}"), format!("{family}{given}"));
            if one != other {
                self.names.entry(other).or_default().push(at);
            }
            self.names.entry(one).or_default().push(at);
            self.families.entry(family).or_default().push(at);
            self.givens.entry(given).or_default().push(at);
        }
        for (at, structure) in self.structures.iter().enumerate() {
            self.structure_names.entry(telling_words(&structure.name)).or_default().push(at);
        }
    }

    /// People of that given and family name, in either order and however they are spaced.
    pub(crate) fn named(&self, one: &str, other: &str) -> &[usize] {
        self.names.get(&squeezed(&format!("{one}{other}"))).map_or(NOBODY, Vec::as_slice)
    }

    /// People of that family name.
    pub(crate) fn of_family(&self, family: &str) -> &[usize] {
        self.families.get(&squeezed(family)).map_or(NOBODY, Vec::as_slice)
    }

    /// People of that given name.
    pub(crate) fn of_given(&self, given: &str) -> &[usize] {
        self.givens.get(&squeezed(given)).map_or(NOBODY, Vec::as_slice)
    }

    /// Structures of that name, whatever its little words.
    pub(crate) fn structures_named(&self, name: &str) -> &[usize] {
        self.structure_names.get(&telling_words(name)).map_or(NOBODY, Vec::as_slice)
    }

    /// Structures whose name begins with these words; at most `most` and one more.
    pub(crate) fn structures_beginning(&self, words: &str, most: usize) -> Vec<usize> {
        let words = telling_words(words);
        let range = self.structure_names.range(words.clone()..);
        let begin = range.take_while(|(name, _)| name.starts_with(&words));
        begin.filter(|(name, _)| follows_word(name, &words)).flat_map(|(_, all)| all).copied().take(most + 1).collect()
    }

    /// How many people and structures it has.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.people.len(), self.structures.len())
    }
}

/// Adds a value that is neither empty nor there.
fn add(list: &mut Vec<String>, value: &str) {
    if !value.is_empty() && !list.iter().any(|known| known == value) {
        list.push(value.to_owned());
    }
}

/// Whether the beginning ends with a whole word.
fn follows_word(name: &str, beginning: &str) -> bool {
    name[beginning.len()..].chars().next().is_none_or(|c| c == ' ')
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn known_town(town: &str, postal: &str, line: &str) -> KnownTown {
    // The third digit of most codes of CEDEX is a nine. Codes of towns that have it too are left out with them.
    let special = line.contains("CEDEX") || plain(postal).get(2..3).is_some_and(|c| c == "9" && !postal.starts_with("97"));
    KnownTown { name: said_town(town), postal: if special { String::new() } else { postal.to_owned() } }
}

/// Calls `take` with the named columns of each line.
fn each_line<const N: usize>(path: &Path, columns: [&str; N], mut take: impl FnMut([&str; N])) -> Result<(), String> {
    let mut lines = BufReader::new(File::open(path).map_err(|e| e.to_string())?).lines();
    let header = lines.next().transpose().map_err(|e| e.to_string())?.unwrap_or_default();
    let names: Vec<&str> = header.split('|').collect();
    let mut at = [0; N];
    for (place, column) in at.iter_mut().zip(columns) {
        *place = names.iter().position(|name| *name == column).ok_or_else(|| format!("no column “{column}”"))?;
    }
    for line in lines {
        let line = line.map_err(|e| e.to_string())?;
        let fields: Vec<&str> = line.split('|').collect();
        take(at.map(|i| fields.get(i).copied().unwrap_or_default().trim()));
    }
    Ok(())
}
