//! A small delivery of people and structures that a test describes one by one.

use crate::dice::keyed;
use crate::headers;
use crate::people::{line, profession_label, skill_label};
use crate::places::HandMadePlace;
use std::fs::{self, File};
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::Path;

/// A structure that a test describes.
#[derive(Debug, Clone, Default)]
pub struct HandMadeStructure {
    /// Published name.
    pub name: String,
    /// Postal code.
    pub postal: String,
    /// Name of the commune, in capitals.
    pub town: String,
    /// INSEE code of the commune.
    pub insee: String,
    /// Whether it has a FINESS number.
    pub in_finess: bool,
}

/// A person whom a test describes.
#[derive(Debug, Clone, Default)]
pub struct HandMadePerson {
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// Whether the title is `Madame`.
    pub woman: bool,
    /// Code of the profession.
    pub profession: String,
    /// Code of an ordinal specialty (TRE_R38); empty for none.
    pub specialty: String,
    /// Place of practice: an index in the list of structures.
    pub place: usize,
}

/// Technical id of the structure at this index.
#[must_use]
pub fn hand_made_structure_id(index: usize, structure: &HandMadeStructure) -> String {
    if structure.in_finess { format!("F{}", finess(index)) } else { format!("R1016{index:010}") }
}

/// National identifier of the person at this index.
#[must_use]
pub fn hand_made_national_id(index: usize) -> String {
    format!("8{}", keyed(&(1_099_900_000 + index as u64).to_string()))
}

fn finess(index: usize) -> String {
    keyed(&format!("99{:06}", 900_000 + index))
}

/// Writes the activity file of these people in `dir`. A structure stands in it only when somebody works there.
///
/// # Errors
/// When the file cannot be written, when a person has a place beyond the list, or when there are more than the reserved numbers.
pub fn write_hand_made(dir: &Path, people: &[HandMadePerson], structures: &[HandMadeStructure]) -> Result<()> {
    if people.len() > 1_000 {
        return Err(Error::new(ErrorKind::InvalidInput, "a thousand numbers are reserved for fictional people"));
    }
    fs::create_dir_all(dir)?;
    let mut out = BufWriter::new(File::create(dir.join("PS_LibreAcces_Personne_activite_202611010800.txt"))?);
    writeln!(out, "{}", headers::ACTIVITY)?;
    for (index, person) in people.iter().enumerate() {
        let structure = structures.get(person.place).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, format!("person {index} works in structure {}, which is not there", person.place))
        })?;
        let number = if structure.in_finess { finess(person.place) } else { String::new() };
        let place = HandMadePlace {
            id: &hand_made_structure_id(person.place, structure),
            finess: &number,
            name: &structure.name,
            postal: &structure.postal,
            town: &structure.town,
            insee: &structure.insee,
        }
        .columns();
        let national = hand_made_national_id(index);
        let doctor = matches!(person.profession.as_str(), "10" | "40");
        let title = if doctor { ["DR", "Docteur"] } else { ["", ""] };
        let civil = if person.woman { ["MME", "Madame"] } else { ["M", "Monsieur"] };
        let skill = match person.specialty.as_str() {
            "" => [""; 4],
            code => ["S", "Spécialité ordinale", code, skill_label(code)],
        };
        let head = ["8", &national[1..], &national, title[0], title[1], civil[0], civil[1], &person.family, &person.given];
        let practice = [&person.profession, profession_label(&person.profession), "C", "Civil"];
        let place: Vec<&str> = place.iter().map(String::as_str).collect();
        let end = ["ARS/ARS/ARS", "SA07", "Cabinet individuel", "", "", "", "", "GENR01", "Activité standard de soins"];
        line(&mut out, &[&head[..], &practice, &skill, &["S", "Salarié"], &place, &end].concat())?;
    }
    out.flush()
}
