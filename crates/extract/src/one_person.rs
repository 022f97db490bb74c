//! The lines of one person, of all files.

use crate::error::{Error, io};
use crate::national_file::NationalFile;
use crate::options::ExtractOptions;
use crate::reading::LineReader;
use crate::state::RegistryState;
use annuaire_consolidate::entity_key;
use annuaire_store::BlockingRegistry;
use std::collections::BTreeSet;

/// The lines of a person in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonLines {
    /// The file.
    pub file: NationalFile,
    /// Name of the file, as an extraction of the state would have it.
    pub name: String,
    /// Its first line.
    pub header: String,
    /// The lines, in the order of the file.
    pub lines: Vec<String>,
}

/// The lines of the person with this national identification (`810999000010`) in a state; a file without a line is left out.
/// Filters do not count. Cost: a few look-ups; a pass over the structures when a mailbox names one by its national number alone.
///
/// # Errors
/// [`Error::Refused`] for what the perimeter may not have; when the registry cannot be read.
pub fn lines_of_person(
    registry: &BlockingRegistry,
    state: RegistryState,
    national_id: &str,
    options: &ExtractOptions,
) -> Result<Vec<PersonLines>, Error> {
    let options = ExtractOptions { filter: Default::default(), ..options.clone() };
    if let Some(objection) = options.objection() {
        return Err(Error::Refused(objection));
    }
    let reader = LineReader::new(registry, &options, 1)?;
    let (mut lines, notes) = reader.lines_of(state.tx, &BTreeSet::from([entity_key::person(national_id)]))?;
    if let Some(fault) = notes.told.first() {
        return Err(Error::Refused(format!("nothing can be made of {fault}")));
    }
    let mut all = Vec::new();
    for file in options.files() {
        let mut found = Vec::new();
        while let Some((_, line)) = lines.merge.peek().filter(|(key, _)| key[0] <= file.part() as u8) {
            found.push(String::from_utf8_lossy(line).into_owned());
            lines.merge.advance().map_err(io("reading sorted lines"))?;
        }
        if !found.is_empty() {
            let (name, header) = (file.name(state, options.perimeter), file.first_line(state, options.width));
            all.push(PersonLines { file, name, header, lines: found });
        }
    }
    Ok(all)
}
