//! The first line of the file: which column stands where.

use super::columns::{BulkAction, BulkColumn, ColumnNeed};
use crate::norm::norm;

/// Known columns that make a line a header.
const HEADER_COLUMNS: usize = 3;
/// How alike a name must be to be proposed.
const ALIKE: f64 = 0.75;

/// Where the columns stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BulkHeader {
    places: Vec<(BulkColumn, usize)>,
}

/// What is wrong with the header. The text is French and complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFault {
    /// Place of the column, counted from 0; `None` for one that is missing.
    pub place: Option<usize>,
    /// What is wrong, and what to do.
    pub text: String,
}

impl BulkHeader {
    /// What a line holds in a column; empty when there is none.
    #[must_use]
    pub fn cell<'a>(&self, cells: &'a [String], column: BulkColumn) -> &'a str {
        self.place(column).and_then(|place| cells.get(place)).map_or("", |cell| cell.trim())
    }

    /// The place of a column, counted from 0.
    #[must_use]
    pub fn place(&self, column: BulkColumn) -> Option<usize> {
        self.places.iter().find(|(known, _)| *known == column).map(|(_, place)| *place)
    }
}

/// The form in which names of columns compare.
fn folded(name: &str) -> String {
    norm(&name.replace('_', " ").replace('*', ""))
}

fn known(name: &str) -> Option<BulkColumn> {
    let wanted = folded(name);
    BulkColumn::ALL.iter().copied().find(|column| folded(column.header()) == wanted)
}

/// Whether a line of a sheet looks like a header of such a file.
#[must_use]
pub fn is_bulk_header(cells: &[String]) -> bool {
    cells.iter().filter(|cell| known(cell).is_some()).count() >= HEADER_COLUMNS
}

/// Reads a header. Case, accents, blanks and order are free.
///
/// # Errors
/// Every unknown, repeated and missing column.
pub fn read_bulk_header(cells: &[String]) -> Result<BulkHeader, Vec<HeaderFault>> {
    let mut header = BulkHeader { places: Vec::new() };
    let mut faults = Vec::new();
    for (place, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.trim().is_empty()) {
        match known(cell) {
            Some(column) if header.place(column).is_none() => header.places.push((column, place)),
            Some(column) => {
                let text = format!("La colonne « {} » est présente deux fois.", column.header());
                faults.push(HeaderFault { place: Some(place), text });
            }
            None => faults.push(HeaderFault { place: Some(place), text: unknown(cell) }),
        }
    }
    // Without a column of actions, every line creates.
    let actions = if header.place(BulkColumn::Action).is_some() { BulkAction::ALL } else { &[BulkAction::Create] };
    for column in BulkColumn::ALL {
        let always = |need: ColumnNeed| actions.iter().all(|action| column.need(*action) == need);
        if header.place(*column).is_some() {
            continue;
        }
        if always(ColumnNeed::Required) {
            faults.push(HeaderFault { place: None, text: format!("Il manque la colonne « {} ».", column.header()) });
        }
    }
    let pairs = [(BulkColumn::Finess, BulkColumn::Siret), (BulkColumn::BirthCommuneCode, BulkColumn::BirthCommune)];
    for (one, other) in pairs {
        let always = actions.iter().all(|action| one.need(*action) == ColumnNeed::OneOfTwo);
        // Everybody in a file may be born abroad.
        let needed = always && !(one == BulkColumn::BirthCommuneCode && header.place(BulkColumn::BirthCountry).is_some());
        if needed && header.place(one).is_none() && header.place(other).is_none() {
            let text = format!("Il manque la colonne « {} » ou « {} ».", one.header(), other.header());
            faults.push(HeaderFault { place: None, text });
        }
    }
    if faults.is_empty() { Ok(header) } else { Err(faults) }
}

fn unknown(cell: &str) -> String {
    let wanted = folded(cell);
    let score = |column: &BulkColumn| strsim::jaro_winkler(&folded(column.header()), &wanted);
    let nearest = BulkColumn::ALL.iter().max_by(|a, b| score(a).total_cmp(&score(b))).filter(|column| score(column) >= ALIKE);
    let name: String = cell.trim().chars().take(40).collect();
    match nearest {
        Some(column) => format!("La colonne « {name} » est inconnue. Vouliez-vous dire « {} » ?", column.header()),
        None => format!("La colonne « {name} » est inconnue. Effacez-la, ou partez du modèle."),
    }
}
