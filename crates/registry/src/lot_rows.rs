//! Rows of lists of employers (registration §17.2): the list, its sealed pages of lines, what became of a line, and which request a reference of a
//! software led to.

use crate::error::Error;
use crate::row::RegistrationRow;
use annuaire_store::{NewJob, Queue};
use annuaire_workflow::bulk::BulkColumn;
use annuaire_workflow::messages::MessageCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Kind of the jobs of lists; their key is the list with the phase and the page.
pub(crate) const LOT_JOB: &str = "registration-lot";

/// Where a list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LotPhase {
    /// It was read and checked, and nothing was created.
    Checked,
    /// Its lines become requests.
    Filing,
    /// Every valid line is a request.
    Filed,
    /// Its requests are validated.
    Validating,
    /// They were.
    Validated,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LotOutcome {
    /// A request was made.
    Created,
    /// The open request of its reference says what the line says now.
    Updated,
    /// The request of its reference says that already, or was settled.
    Unchanged,
    /// It was refused; the line tells the code.
    Refused,
}

/// A list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LotRow {
    pub(crate) id: String,
    /// Who sent it: national identification of the manager, or `software:` and the identifier of a software.
    pub(crate) manager: String,
    /// The name of the file, sealed: it may name somebody.
    pub(crate) name: String,
    pub(crate) begun_ms: i64,
    pub(crate) phase: LotPhase,
    pub(crate) lines: u32,
    pub(crate) ready: u32,
    pub(crate) warned: u32,
    pub(crate) faulty: u32,
    pub(crate) pages: u32,
    /// Pages that are done in this phase.
    pub(crate) pages_done: u32,
    /// The colleague who validates the list in the place of its sender; `None`: the sender acts.
    #[serde(default)]
    pub(crate) validator: Option<String>,
    /// When the phase began.
    #[serde(default)]
    pub(crate) phase_ms: i64,
    /// The login of the manager who began the phase, for the trail.
    pub(crate) session: String,
    pub(crate) means: String,
    pub(crate) level: String,
    pub(crate) address: String,
}

/// A page of lines, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LotPageRow {
    pub(crate) lot: String,
    pub(crate) page: u32,
    pub(crate) due_ms: i64,
    pub(crate) sealed: String,
}

/// What became of a line; it is written with the request, so that no line becomes two.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LotLineRow {
    pub(crate) lot: String,
    pub(crate) line: u32,
    pub(crate) due_ms: i64,
    pub(crate) outcome: LotOutcome,
    /// Number of the request.
    pub(crate) number: Option<String>,
    /// Why it was refused, or why its validation was.
    pub(crate) code: Option<String>,
}

/// A structure with requests of a list: by it, the other managers of the structure find the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LotPlaceRow {
    pub(crate) lot: String,
    /// Technical identifier.
    pub(crate) structure: String,
    pub(crate) due_ms: i64,
}

/// The request that a reference led to. References are kept as keyed hashes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReferenceRow {
    pub(crate) hash: String,
    pub(crate) number: String,
    pub(crate) due_ms: i64,
}

/// A line as it was read and checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotLine {
    /// Line of the spreadsheet, counted from 1.
    pub line: u32,
    /// What the columns hold, in the order of [`BulkColumn::ALL`].
    pub cells: Vec<String>,
    /// What was found.
    pub findings: Vec<LotFinding>,
    /// What may be told of a registered person who is alike.
    pub alike: Option<String>,
    /// Number of the request that its reference led to before.
    pub known: Option<String>,
}

/// A remark on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LotFinding {
    /// Name of the column; empty for the whole line.
    pub column: String,
    /// Place of the column in the file, counted from 0; `None` when the file does not have it.
    pub place: Option<usize>,
    /// The stable code; `E-` blocks, `W-` is to be settled.
    pub code: String,
    /// The French text, complete.
    pub text: String,
}

impl LotFinding {
    /// Whether it blocks.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.code.starts_with("E-")
    }

    /// The code as the messages know it.
    pub(crate) fn message(&self) -> Option<MessageCode> {
        MessageCode::parse(&self.code)
    }
}

impl LotLine {
    /// Whether nothing blocks.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.findings.iter().any(LotFinding::is_error)
    }

    /// What a column holds.
    #[must_use]
    pub fn cell(&self, column: BulkColumn) -> &str {
        let place = BulkColumn::ALL.iter().position(|known| *known == column);
        place.and_then(|place| self.cells.get(place)).map_or("", String::as_str)
    }

    /// Family and given name, as the file writes them.
    #[must_use]
    pub fn name(&self) -> String {
        let name = format!("{} {}", self.cell(BulkColumn::FamilyName).to_uppercase(), self.cell(BulkColumn::GivenName));
        name.trim().to_owned()
    }
}

impl RegistrationRow for LotRow {
    const KIND: &'static str = "lot";

    fn key(&self) -> String {
        self.id.clone()
    }

    fn subject(&self) -> String {
        self.manager.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.ends_ms())
    }
}

impl LotRow {
    /// When it is erased.
    pub(crate) const fn ends_ms(&self) -> i64 {
        self.begun_ms.saturating_add(crate::limits::LOT_KEPT_MS)
    }

    /// The key of a page or of a line: they sort as numbers do.
    pub(crate) fn part(lot: &str, number: u32) -> String {
        format!("{lot}|{number:05}")
    }
}

impl RegistrationRow for LotPageRow {
    const KIND: &'static str = "lot-page";

    fn key(&self) -> String {
        LotRow::part(&self.lot, self.page)
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

impl RegistrationRow for LotLineRow {
    const KIND: &'static str = "lot-line";

    fn key(&self) -> String {
        LotRow::part(&self.lot, self.line)
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

impl LotPlaceRow {
    /// The key for a structure and a list.
    pub(crate) fn of(structure: &str, lot: &str) -> String {
        format!("{structure}|{lot}")
    }
}

impl RegistrationRow for LotPlaceRow {
    const KIND: &'static str = "lot-place";

    fn key(&self) -> String {
        Self::of(&self.structure, &self.lot)
    }

    fn subject(&self) -> String {
        self.structure.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

impl RegistrationRow for ReferenceRow {
    const KIND: &'static str = "lot-reference";

    fn key(&self) -> String {
        self.hash.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.due_ms)
    }
}

/// The job of the next page of a list.
pub(crate) fn lot_job(lot: &LotRow, now_ms: i64) -> NewJob {
    let key = format!("{}|{:?}|{}", lot.id, lot.phase, lot.pages_done);
    let payload = json!({"lot": lot.id, "phase": lot.phase, "page": lot.pages_done}).to_string();
    NewJob { queue: Queue::Work, kind: LOT_JOB.to_owned(), key, due_ms: now_ms, payload }
}

/// The error of lines that cannot be written as text.
pub(crate) const fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: LotPageRow::KIND, cause }
}
