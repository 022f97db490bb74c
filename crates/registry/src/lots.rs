//! Lists of employers (registration §17.2): upload with its dry run, submission, validation, and the report.
//!
//! Nothing of a list is a request before it is submitted. From then on a job goes through it page by page
//! ([`run_lots`](Registration::run_lots)). Choices where the reference is silent:
//!
//! * A line whose section warns becomes a request whose warnings are acknowledged by whoever submits the list; each is opened and validated alone.
//! * `MODIFIER` and `FERMER` wait as valid drafts for the legal confirmation, which takes them to the processing (transition 09).
//! * A list belongs to whoever sent it. Other managers validate what of it lies in their perimeter (`lot_shared`).

use crate::acting::{CaseActor, plain_cause};
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::limits::{
    ATTEMPTS, DRAFT_FIELD_CHARS, LOT_LINES_MAX, LOT_NAME_CHARS, LOT_NUMBERS_TOLD, LOT_PAGE_BYTES, LOT_PAGE_LINES, LOTS_SHOWN,
};
use crate::lot_check::kept_line;
use crate::lot_rows::{LotFinding, LotLine, LotLineRow, LotOutcome, LotPageRow, LotPhase, LotRow, lot_job, unreadable};
use crate::request_row::RequestRow;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, beginning, read};
use crate::service::{Registration, with_member};
use crate::session::ManagerSession;
use annuaire_workflow::bulk::{BulkColumn, BulkHeader, is_bulk_header, read_bulk_header};
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode, OPEN_REQUEST_ELSEWHERE};
use annuaire_workflow::state::RequestState;
use serde_json::json;
use std::collections::BTreeMap;

/// Something that is wrong with the file as a whole. The text is French and complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LotFault {
    /// Place of the column, counted from 0, when it is about one.
    pub place: Option<usize>,
    /// What is wrong, and what to do.
    pub text: String,
}

/// What an upload gave.
#[derive(Debug, Clone)]
pub enum LotUpload {
    /// The list was kept, and each line was checked.
    Kept(LotSheet),
    /// The file is no such list; nothing was kept.
    Refused(Vec<LotFault>),
}

/// A list in a table of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedLot {
    /// Its identifier.
    pub id: String,
    /// Name of the file.
    pub name: String,
    /// When it was sent, milliseconds since 1970 UTC.
    pub begun_ms: i64,
    /// When it is erased.
    pub ends_ms: i64,
    /// Where it is.
    pub phase: LotPhase,
    /// Lines.
    pub lines: u32,
    /// Lines without any remark.
    pub ready: u32,
    /// Valid lines with a warning.
    pub warned: u32,
    /// Lines with an error.
    pub faulty: u32,
    /// Work of the phase that is done, out of [`steps`](Self::steps).
    pub steps_done: u32,
    /// Work of a phase.
    pub steps: u32,
}

/// A list with its lines.
#[derive(Debug, Clone)]
pub struct LotSheet {
    /// The list.
    pub lot: ListedLot,
    /// Its lines, in the order of the file.
    pub lines: Vec<LotSheetLine>,
}

/// A line with what became of it.
#[derive(Debug, Clone)]
pub struct LotSheetLine {
    /// The line as it was read and checked.
    pub line: LotLine,
    /// What became of it; `None` until it was submitted.
    pub outcome: Option<LotOutcome>,
    /// Number of its request.
    pub number: Option<String>,
    /// Why it, or its validation, was refused.
    pub refused: Option<MessageCode>,
}

impl ListedLot {
    /// « Mettre en instruction les {n} lignes valides »: that number.
    #[must_use]
    pub const fn valid(&self) -> u32 {
        self.ready.saturating_add(self.warned)
    }
}

fn faults(text: String) -> LotUpload {
    LotUpload::Refused(vec![LotFault { place: None, text }])
}

impl Registration {
    /// Reads a list (rows of a sheet, of which row `n` is line `n + 1`) and checks each line, as the manager would see it in the form. No
    /// request is created; the list is kept sealed for seven days. Costs one unit, and for each line the reads of a form.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures. A file that is no list is an answer.
    pub async fn upload_lot(
        &self,
        by: &ManagerSession,
        name: &str,
        rows: Vec<Vec<String>>,
    ) -> Result<LotUpload, RegistrationStop> {
        self.upload_lot_as(&CaseActor::manager(by), name, rows).await
    }

    /// [`upload_lot`](Self::upload_lot), for whoever acts by habilitations.
    pub(crate) async fn upload_lot_as(
        &self,
        by: &CaseActor,
        name: &str,
        rows: Vec<Vec<String>>,
    ) -> Result<LotUpload, RegistrationStop> {
        let Some(first) = rows.iter().position(|row| row.iter().any(|cell| !cell.trim().is_empty())) else {
            return Ok(faults("Le fichier est vide. La première ligne doit porter les noms des colonnes.".to_owned()));
        };
        let names = rows.get(first).map(Vec::as_slice).unwrap_or_default();
        if !is_bulk_header(names) {
            return Ok(faults("La première ligne ne porte pas les noms des colonnes. Partez du modèle.".to_owned()));
        }
        let header = match read_bulk_header(names) {
            Ok(header) => header,
            Err(all) => {
                let all = all.into_iter().map(|fault| LotFault { place: fault.place, text: fault.text });
                return Ok(LotUpload::Refused(all.collect()));
            }
        };
        let filled = rows.iter().enumerate().skip(first + 1).filter(|(_, row)| row.iter().any(|cell| !cell.trim().is_empty()));
        let filled: Vec<(usize, &Vec<String>)> = filled.collect();
        if filled.is_empty() {
            return Ok(faults("Le fichier ne contient aucune ligne sous les noms des colonnes.".to_owned()));
        }
        if filled.len() > LOT_LINES_MAX {
            return Ok(faults(format!("Le fichier a plus de {LOT_LINES_MAX} lignes. Découpez-le en plusieurs fichiers.")));
        }
        let lines = self.checked_lines(by, &header, &filled).await?;
        Ok(LotUpload::Kept(self.keep_lot(by, name, lines).await?))
    }

    async fn checked_lines(
        &self,
        actor: &CaseActor,
        header: &BulkHeader,
        filled: &[(usize, &Vec<String>)],
    ) -> Result<Vec<LotLine>, Error> {
        let (mut references, mut identities) = (BTreeMap::new(), BTreeMap::new());
        let mut lines = Vec::with_capacity(filled.len());
        for (index, cells) in filled {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let checked = self.check_line(actor, header, cells).await?;
            let kept: Vec<String> = BulkColumn::ALL
                .iter()
                .map(|column| header.cell(cells, *column).chars().take(DRAFT_FIELD_CHARS).collect())
                .collect();
            let mut line = kept_line(number, kept, &checked);
            let mut repeated = |column: BulkColumn, code: MessageCode, text: String| {
                line.findings.push(LotFinding {
                    column: column.header().to_owned(),
                    place: None,
                    code: code.as_str().to_owned(),
                    text,
                });
            };
            if let Some(reference) = &checked.reference
                && let Some(other) = references.insert(reference.clone(), number)
            {
                let text = MessageCode::ELot05.fill(&[("ligne", &other.to_string())]);
                repeated(BulkColumn::Reference, MessageCode::ELot05, text);
            }
            if let Some(identity) = &checked.identity
                && identities.insert(identity.clone(), number).is_some()
            {
                repeated(BulkColumn::FamilyName, MessageCode::EReq01, OPEN_REQUEST_ELSEWHERE.to_owned());
            }
            for finding in &mut line.findings {
                let column = BulkColumn::ALL.iter().find(|column| column.header() == finding.column);
                finding.place = column.and_then(|column| header.place(*column));
            }
            lines.push(line);
        }
        Ok(lines)
    }

    async fn keep_lot(&self, actor: &CaseActor, name: &str, lines: Vec<LotLine>) -> Result<LotSheet, RegistrationStop> {
        let id = self.keys.hashed("lot", &[&actor.id, &format!("{:?}", self.nonce())]).chars().take(32).collect::<String>();
        let name: String = name.chars().filter(|c| !c.is_control()).take(LOT_NAME_CHARS).collect();
        let count =
            |wanted: fn(&LotLine) -> bool| u32::try_from(lines.iter().filter(|line| wanted(line)).count()).unwrap_or(u32::MAX);
        let mut lot = LotRow {
            id: id.clone(),
            manager: actor.id.clone(),
            name: self.seal_lot(&id, &name)?,
            begun_ms: self.now_ms(),
            phase: LotPhase::Checked,
            lines: count(|_| true),
            ready: count(|line| line.findings.is_empty()),
            warned: count(|line| !line.findings.is_empty() && line.is_valid()),
            faulty: count(|line| !line.is_valid()),
            pages: 0,
            pages_done: 0,
            validator: None,
            phase_ms: self.now_ms(),
            session: String::new(),
            means: String::new(),
            level: String::new(),
            address: String::new(),
        };
        let mut writes = PendingWrites::default();
        for page in pages(&lines)? {
            let key = LotRow::part(&id, lot.pages);
            let sealed = self.seal_lot(&key, &page)?;
            writes.put(&LotPageRow { lot: id.clone(), page: lot.pages, due_ms: lot.ends_ms(), sealed }, None)?;
            lot.pages += 1;
        }
        writes.put(&lot, None)?;
        let mut event = actor.event("lot-envoyer", &id);
        event.detail = with_member(&event.detail, "lines", &json!([lot.lines, lot.ready, lot.warned, lot.faulty]));
        writes.audit(event);
        if !self.write(writes, &plain_cause(actor, "")).await? {
            return Err(Error::Contended { number: "to be kept".to_owned() }.into());
        }
        let listed = self.listed_lot(&lot)?;
        let line = |line| LotSheetLine { line, outcome: None, number: None, refused: None };
        Ok(LotSheet { lot: listed, lines: lines.into_iter().map(line).collect() })
    }

    pub(crate) fn seal_lot(&self, key: &str, text: &str) -> Result<String, Error> {
        self.keys.lots.seal(key, text, self.nonce()).ok_or(Error::Sealed { kind: LotRow::KIND })
    }

    fn listed_lot(&self, lot: &LotRow) -> Result<ListedLot, Error> {
        let name = self.keys.lots.open(&lot.id, &lot.name).ok_or(Error::Sealed { kind: LotRow::KIND })?;
        Ok(ListedLot {
            id: lot.id.clone(),
            name: name.to_string(),
            begun_ms: lot.begun_ms,
            ends_ms: lot.ends_ms(),
            phase: lot.phase,
            lines: lot.lines,
            ready: lot.ready,
            warned: lot.warned,
            faulty: lot.faulty,
            steps_done: lot.pages_done,
            steps: lot.pages,
        })
    }

    /// The lines of a page.
    pub(crate) fn page_lines(&self, page: &LotPageRow) -> Result<Vec<LotLine>, Error> {
        let text = self.keys.lots.open(&page.key(), &page.sealed).ok_or(Error::Sealed { kind: LotPageRow::KIND })?;
        serde_json::from_str(&text).map_err(unreadable)
    }

    /// The lists of a manager, the newest first.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn lots(&self, by: &ManagerSession) -> Result<Vec<ListedLot>, RegistrationStop> {
        self.lots_as(&CaseActor::manager(by)).await
    }

    /// The lists of whoever acts by habilitations, the newest first.
    pub(crate) async fn lots_as(&self, by: &CaseActor) -> Result<Vec<ListedLot>, RegistrationStop> {
        let mut rows: Vec<VersionedRow<LotRow>> = about(self.registry(), &by.id).await?;
        rows.retain(|row| row.value.ends_ms() > self.now_ms());
        rows.sort_by_key(|row| std::cmp::Reverse(row.value.begun_ms));
        let listed: Result<Vec<ListedLot>, Error> = rows.iter().take(LOTS_SHOWN).map(|row| self.listed_lot(&row.value)).collect();
        Ok(listed?)
    }

    /// A list of the actor, for this use; others are told nothing of it.
    async fn own_lot(&self, by: &CaseActor, id: &str, use_: &str) -> Result<VersionedRow<LotRow>, RegistrationStop> {
        let lot: Option<VersionedRow<LotRow>> = read(self.registry(), id).await?;
        match lot.filter(|lot| lot.value.manager == by.id && lot.value.ends_ms() > self.now_ms()) {
            Some(lot) => Ok(lot),
            None => {
                let hidden = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
                self.refused(by.event(use_, id), hidden).await
            }
        }
    }

    /// A list with its lines, and what became of each. The read is audited. Cost: some pages of rows.
    ///
    /// # Errors
    /// E-REQ-06 for a list that there is not, or of somebody else; the errors of the registry.
    pub async fn lot(&self, by: &ManagerSession, id: &str) -> Result<LotSheet, RegistrationStop> {
        self.lot_as(&CaseActor::manager(by), id).await
    }

    /// [`lot`](Self::lot), for whoever acts by habilitations.
    pub(crate) async fn lot_as(&self, by: &CaseActor, id: &str) -> Result<LotSheet, RegistrationStop> {
        let lot = self.own_lot(by, id, "lot-lire").await?;
        let sheet = self.lot_sheet(&lot.value).await?;
        self.audit(by.event("lot-lire", id)).await?;
        Ok(sheet)
    }

    async fn lot_sheet(&self, lot: &LotRow) -> Result<LotSheet, Error> {
        let prefix = format!("{}|", lot.id);
        let pages: Vec<VersionedRow<LotPageRow>> = beginning(self.registry(), &prefix, LOT_LINES_MAX).await?;
        let done: Vec<VersionedRow<LotLineRow>> = beginning(self.registry(), &prefix, LOT_LINES_MAX).await?;
        let done: BTreeMap<u32, LotLineRow> = done.into_iter().map(|row| (row.value.line, row.value)).collect();
        let mut lines = Vec::new();
        for page in &pages {
            for line in self.page_lines(&page.value)? {
                let done = done.get(&line.line);
                lines.push(LotSheetLine {
                    outcome: done.map(|done| done.outcome),
                    number: done.and_then(|done| done.number.clone()),
                    refused: done.and_then(|done| MessageCode::parse(done.code.as_deref()?)),
                    line,
                });
            }
        }
        Ok(LotSheet { lot: self.listed_lot(lot)?, lines })
    }

    /// « Mettre en instruction les {n} lignes valides »: from now on a job makes their requests.
    ///
    /// # Errors
    /// E-REQ-06 for a list of somebody else, one that was submitted before, and one without a valid line; the errors of the registry.
    pub async fn submit_lot(&self, by: &ManagerSession, id: &str) -> Result<ListedLot, RegistrationStop> {
        self.submit_lot_as(&CaseActor::manager(by), id).await
    }

    /// [`submit_lot`](Self::submit_lot), for whoever acts by habilitations.
    pub(crate) async fn submit_lot_as(&self, by: &CaseActor, id: &str) -> Result<ListedLot, RegistrationStop> {
        for _ in 0..ATTEMPTS {
            let lot = self.own_lot(by, id, "lot-soumettre").await?;
            let statut = match lot.value.phase {
                LotPhase::Checked if lot.value.ready + lot.value.warned > 0 => None,
                LotPhase::Checked => Some("sans ligne valide"),
                _ => Some("liste déjà mise en instruction"),
            };
            if let Some(statut) = statut {
                let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", statut)]);
                return self.refused(by.event("lot-soumettre", id), refused).await;
            }
            if let Some(listed) = self.begin_phase(by, lot, LotPhase::Filing, "lot-soumettre").await? {
                return Ok(listed);
            }
        }
        Err(Error::Contended { number: id.to_owned() }.into())
    }

    /// Validates the requests of a list by one legal confirmation (T01 in batch): each as its line says the identity was verified. The work is
    /// done by the job; what a rule refuses is told with its line.
    ///
    /// # Errors
    /// E-LEG-01 without the confirmation; E-LOT-08, with their numbers, while requests with a warning are not settled; E-REQ-06 for a list that is
    /// not filed, or of somebody else; the errors of the registry.
    pub async fn validate_lot(&self, by: &ManagerSession, id: &str, confirmed: bool) -> Result<ListedLot, RegistrationStop> {
        let actor = CaseActor::manager(by);
        let event = "lot-valider";
        for _ in 0..ATTEMPTS {
            let lot = self.own_lot(&actor, id, event).await?;
            if !matches!(lot.value.phase, LotPhase::Filed | LotPhase::Validated) {
                let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", "liste en cours de traitement")]);
                return self.refused(actor.event(event, id), refused).await;
            }
            if !confirmed {
                return self.refused(actor.event(event, id), RegistrationRefusal::plain(MessageCode::ELeg01)).await;
            }
            let unsettled = self.unsettled(&lot.value).await?;
            if !unsettled.is_empty() {
                let mut list = unsettled.iter().take(LOT_NUMBERS_TOLD).cloned().collect::<Vec<_>>().join(", ");
                if unsettled.len() > LOT_NUMBERS_TOLD {
                    list.push_str(&format!(" et {} autres", unsettled.len() - LOT_NUMBERS_TOLD));
                }
                let refused = RegistrationRefusal::filled(MessageCode::ELot08, &[("liste", &list)]);
                return self.refused(actor.event(event, id), refused).await;
            }
            if let Some(listed) = self.begin_phase(&actor, lot, LotPhase::Validating, event).await? {
                return Ok(listed);
            }
        }
        Err(Error::Contended { number: id.to_owned() }.into())
    }

    /// Numbers of the requests of a list that have a warning and wait for their validation.
    async fn unsettled(&self, lot: &LotRow) -> Result<Vec<String>, Error> {
        let done: Vec<VersionedRow<LotLineRow>> = beginning(self.registry(), &format!("{}|", lot.id), LOT_LINES_MAX).await?;
        let mut numbers = Vec::new();
        for number in done.into_iter().filter_map(|row| row.value.number) {
            let Some(request) = self.request(&number).await? else { continue };
            if waits_for_validation(&request.value) && !request.value.acknowledged.is_empty() {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// Begins a phase for the actor, whose login the trail keeps; `None` when somebody else wrote first.
    pub(crate) async fn begin_phase(
        &self,
        actor: &CaseActor,
        lot: VersionedRow<LotRow>,
        phase: LotPhase,
        event: &str,
    ) -> Result<Option<ListedLot>, Error> {
        let trace = actor.trace.clone();
        let row = LotRow {
            phase,
            pages_done: 0,
            validator: Some(actor.id.clone()).filter(|id| *id != lot.value.manager),
            phase_ms: self.now_ms(),
            session: trace.session,
            means: trace.means,
            level: trace.level,
            address: trace.address,
            ..lot.value
        };
        let mut writes = PendingWrites::default();
        writes.job(lot_job(&row, self.now_ms()));
        writes.put(&row, Some(lot.version))?;
        writes.audit(actor.event(event, &row.id));
        let written = self.write(writes, &plain_cause(actor, "")).await?;
        Ok(written.then_some(self.listed_lot(&row)?))
    }

    /// The report of a list, one row for each remark and one for each line without: line, reference, name, state, request, column, code, text.
    ///
    /// # Errors
    /// As [`lot`](Self::lot).
    pub async fn lot_report(&self, by: &ManagerSession, id: &str) -> Result<Vec<Vec<String>>, RegistrationStop> {
        self.lot_report_as(&CaseActor::manager(by), id).await
    }

    /// [`lot_report`](Self::lot_report), for whoever acts by habilitations.
    pub(crate) async fn lot_report_as(&self, by: &CaseActor, id: &str) -> Result<Vec<Vec<String>>, RegistrationStop> {
        let sheet = self.lot_as(by, id).await?;
        let names = ["ligne", "ref_externe", "personne", "etat", "demande", "colonne", "code", "message"];
        let mut rows = vec![names.map(str::to_owned).to_vec()];
        for line in &sheet.lines {
            let read = &line.line;
            let start = [
                read.line.to_string(),
                read.cell(BulkColumn::Reference).to_owned(),
                read.name(),
                line.state_label().to_owned(),
                line.number.clone().unwrap_or_default(),
            ];
            let mut remarks: Vec<[String; 3]> =
                read.findings.iter().map(|f| [f.column.clone(), f.code.clone(), f.text.clone()]).collect();
            if let Some(code) = line.refused {
                remarks.push([String::new(), code.as_str().to_owned(), String::new()]);
            }
            if remarks.is_empty() {
                remarks.push(Default::default());
            }
            rows.extend(remarks.into_iter().map(|remark| start.iter().cloned().chain(remark).collect()));
        }
        Ok(rows)
    }

    /// The template: the header, and one line for each structure of the perimeter that the search finds, with its number filled in.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn lot_template(&self, by: &ManagerSession) -> Result<Vec<Vec<String>>, RegistrationStop> {
        let mut rows = vec![BulkColumn::ALL.iter().map(|column| column.header().to_owned()).collect::<Vec<_>>()];
        for place in self.places_shown(by).await? {
            let value = |column: &BulkColumn| match column {
                BulkColumn::Finess => place.facts.finess.clone(),
                BulkColumn::Siret if place.facts.finess.is_empty() => place.facts.siret.clone(),
                _ => String::new(),
            };
            rows.push(BulkColumn::ALL.iter().map(value).collect());
        }
        Ok(rows)
    }
}

impl LotSheetLine {
    /// What people read of the line.
    #[must_use]
    pub fn state_label(&self) -> &'static str {
        match (self.outcome, self.line.is_valid(), self.line.findings.is_empty()) {
            (Some(LotOutcome::Created), ..) => "demande créée",
            (Some(LotOutcome::Updated), ..) => "demande mise à jour",
            (Some(LotOutcome::Unchanged), ..) => "déjà transmise",
            (Some(LotOutcome::Refused), ..) => "refusée",
            (None, false, _) => "à corriger",
            (None, true, false) => "valide, à vérifier",
            (None, true, true) => "prête",
        }
    }
}

/// Whether the validation of a list takes a request: at T01, or a valid draft of a change or an end.
pub(crate) fn waits_for_validation(row: &RequestRow) -> bool {
    let drafted = row.state == RequestState::S10.code() && matches!(row.kind.as_str(), "MODIF" | "FIN");
    row.state == RequestState::S20.code() || drafted
}

/// Lines in pages, as texts within the bounds of a row.
fn pages(lines: &[LotLine]) -> Result<Vec<String>, Error> {
    let mut pages = Vec::new();
    let (mut page, mut bytes) = (Vec::new(), 0);
    for line in lines {
        let text = serde_json::to_string(line).map_err(unreadable)?;
        if !page.is_empty() && (page.len() == LOT_PAGE_LINES || bytes + text.len() > LOT_PAGE_BYTES) {
            pages.push(format!("[{}]", std::mem::take(&mut page).join(",")));
            bytes = 0;
        }
        bytes += text.len();
        page.push(text);
    }
    if !page.is_empty() {
        pages.push(format!("[{}]", page.join(",")));
    }
    Ok(pages)
}
