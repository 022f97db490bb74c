//! The job that goes through lists: page by page, each line in one unit with the row that says it is done. A node that is killed leaves its page
//! to another one, which passes over the lines that are done.

use crate::acting::{CaseActor, CaseStep, plain_cause};
use crate::error::{Error, RegistrationStop};
use crate::grants::ManagerRights;
use crate::limits::{ATTEMPTS, LEASE_MS, REFERENCE_KEPT_MS};
use crate::lot_check::{CheckedLine, kept_header, warnings};
use crate::lot_rows::{
    LOT_JOB, LotLine, LotLineRow, LotOutcome, LotPageRow, LotPhase, LotPlaceRow, LotRow, ReferenceRow, lot_job,
};
use crate::lots::waits_for_validation;
use crate::request_row::RequestRow;
use crate::row::{PendingWrites, VersionedRow, read};
use crate::service::{Registration, SystemActor};
use crate::session::SessionTrace;
use annuaire_store::Queue;
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::bulk::{BulkHeader, read_bulk_line};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{LegalStatement, RequestEvent};
use annuaire_workflow::state::RequestState;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LotsRun {
    /// Requests that were made.
    pub created: u64,
    /// Open requests that say something else now.
    pub updated: u64,
    /// Lines whose request says what they say, or was settled.
    pub unchanged: u64,
    /// Lines, and validations, that a rule refused.
    pub refused: u64,
    /// Requests that were validated.
    pub validated: u64,
    /// Pages that failed for a technical reason and are tried again.
    pub failed: u64,
}

impl Registration {
    /// Goes on with the lists that were submitted or are validated; several nodes may do it at once. A line costs one unit, a page two more.
    ///
    /// # Errors
    /// Those of the registry while jobs are taken. A page that fails is tried again, and its lines that are done stay done.
    pub async fn run_lots(&self, _by: &SystemActor) -> Result<LotsRun, Error> {
        let mut run = LotsRun::default();
        while let Some(job) = self.registry().take_job(Queue::Work, &[LOT_JOB], self.now_ms(), LEASE_MS).await? {
            let key: Vec<&str> = job.job.key.split('|').collect();
            let (lot, phase, page) = match key.as_slice() {
                [lot, phase, page] => (*lot, *phase, page.parse::<u32>().unwrap_or(u32::MAX)),
                _ => ("", "", u32::MAX),
            };
            match self.lot_page(lot, phase, page, &mut run).await {
                Ok(()) => self.registry().finish_job(job.id).await?,
                Err(reason) => {
                    self.retry_later(&job, &reason.to_string()).await?;
                    run.failed += 1;
                }
            }
        }
        Ok(run)
    }

    async fn lot_page(&self, id: &str, phase: &str, page: u32, run: &mut LotsRun) -> Result<(), RegistrationStop> {
        let lot: Option<VersionedRow<LotRow>> = read(self.registry(), id).await?;
        let Some(lot) = lot.filter(|lot| format!("{:?}", lot.value.phase) == phase && lot.value.pages_done == page) else {
            return Ok(());
        };
        let kept: Option<VersionedRow<LotPageRow>> = read(self.registry(), &LotRow::part(id, page)).await?;
        let lines = kept.map(|kept| self.page_lines(&kept.value)).transpose()?.unwrap_or_default();
        let actor = self.sender_of(&lot.value).await?;
        if lot.value.phase == LotPhase::Filing {
            self.file_page(&lot.value, &actor, &lines, run).await?;
        } else {
            // A colleague validates the lines of their own perimeter; the others stay as they are.
            let rights = match &lot.value.validator {
                Some(colleague) => Some(self.rights(colleague).await?),
                None => None,
            };
            for line in &lines {
                self.validate_line(&lot.value, (&actor, rights.as_ref()), line, run).await?;
            }
        }
        let mut row = LotRow { pages_done: page + 1, ..lot.value };
        let mut writes = PendingWrites::default();
        if row.pages_done < row.pages {
            writes.job(lot_job(&row, self.now_ms()));
        } else {
            row.phase = if row.phase == LotPhase::Filing { LotPhase::Filed } else { LotPhase::Validated };
        }
        writes.put(&row, Some(lot.version))?;
        // Whoever loses had a page that another node finished.
        self.write(writes, &plain_cause(&actor, "")).await?;
        Ok(())
    }

    async fn file_page(
        &self,
        lot: &LotRow,
        actor: &CaseActor,
        lines: &[LotLine],
        run: &mut LotsRun,
    ) -> Result<(), RegistrationStop> {
        let mut open = Vec::new();
        for line in lines.iter().filter(|line| line.is_valid()) {
            let done: Option<VersionedRow<LotLineRow>> = read(self.registry(), &LotRow::part(&lot.id, line.line)).await?;
            if done.is_none() {
                open.push(line);
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        let count = u64::try_from(open.len()).unwrap_or(0);
        let numbers = self.reserve_numbers(count, &plain_cause(actor, "")).await?;
        let header = kept_header();
        for (line, number) in open.into_iter().zip(numbers) {
            match self.file_line(lot, actor, (&header, line), &number).await? {
                Some(LotOutcome::Created) => run.created += 1,
                Some(LotOutcome::Updated) => run.updated += 1,
                Some(LotOutcome::Unchanged) => run.unchanged += 1,
                Some(LotOutcome::Refused) => run.refused += 1,
                None => {}
            }
        }
        Ok(())
    }

    /// Makes the request of a line, or updates that of its reference; `None` when another node did.
    async fn file_line(
        &self,
        lot: &LotRow,
        actor: &CaseActor,
        (header, line): (&BulkHeader, &LotLine),
        number: &str,
    ) -> Result<Option<LotOutcome>, RegistrationStop> {
        let done = |outcome: LotOutcome, number: Option<&str>, code: Option<MessageCode>| LotLineRow {
            lot: lot.id.clone(),
            line: line.line,
            due_ms: lot.ends_ms(),
            outcome,
            number: number.map(str::to_owned),
            code: code.map(|code| code.as_str().to_owned()),
        };
        for _ in 0..ATTEMPTS {
            let before: Option<VersionedRow<LotLineRow>> = read(self.registry(), &LotRow::part(&lot.id, line.line)).await?;
            if before.is_some() {
                return Ok(None);
            }
            // Rights, structures and other requests may have changed since the dry run.
            let checked = self.check_line(actor, header, &line.cells).await?;
            let known = checked.before.as_ref().map(|before| before.value.number.as_str());
            let plan = match self.plan(&checked, lot, number)? {
                LinePlan::Nothing(outcome, code) => {
                    let row = done(outcome, known, code);
                    let mut writes = PendingWrites::default();
                    writes.put(&row, None)?;
                    if self.write(writes, &plain_cause(actor, "")).await? {
                        return Ok(Some(outcome));
                    }
                    continue;
                }
                LinePlan::File(plan) => plan,
            };
            let reference = checked.reference.clone().map(|hash| ReferenceRow {
                hash,
                number: plan.row.number.clone(),
                due_ms: self.now_ms().saturating_add(REFERENCE_KEPT_MS),
            });
            let place = self.new_lot_place(lot, &plan).await?;
            let outcome = if plan.version.is_none() { LotOutcome::Created } else { LotOutcome::Updated };
            let line_row = done(outcome, Some(&plan.row.number), None);
            let version = checked.before.as_ref().map(|before| before.version);
            let filed = self
                .file((plan.row, plan.version), actor, &plan.steps, |_, writes| {
                    writes.put(&line_row, None)?;
                    if let Some(place) = &place {
                        writes.put(place, None)?;
                    }
                    reference.map_or(Ok(()), |reference| writes.put(&reference, version))
                })
                .await;
            match filed {
                Ok(Some(_)) => return Ok(Some(outcome)),
                Ok(None) => {}
                Err(RegistrationStop::Refused(refused)) => {
                    let mut writes = PendingWrites::default();
                    writes.put(&done(LotOutcome::Refused, known, Some(refused.code)), None)?;
                    if self.write(writes, &plain_cause(actor, "")).await? {
                        return Ok(Some(LotOutcome::Refused));
                    }
                }
                Err(failed) => return Err(failed),
            }
        }
        Err(Error::Contended { number: format!("of line {} of a list", line.line) }.into())
    }

    /// The row by which managers of the structure of a line find the list, unless it stands already.
    async fn new_lot_place(&self, lot: &LotRow, plan: &FilingPlan) -> Result<Option<LotPlaceRow>, Error> {
        let moved = plan.steps.iter().rev().find_map(|step| step.place.as_ref());
        let structure = moved.map_or_else(|| plan.row.structure.clone(), |place| place.id.clone());
        let known: Option<VersionedRow<LotPlaceRow>> = read(self.registry(), &LotPlaceRow::of(&structure, &lot.id)).await?;
        Ok(known.is_none().then(|| LotPlaceRow { lot: lot.id.clone(), structure, due_ms: lot.ends_ms() }))
    }

    /// What is to be written of a line.
    fn plan(&self, checked: &CheckedLine, lot: &LotRow, number: &str) -> Result<LinePlan, Error> {
        if checked.settled {
            return Ok(LinePlan::Nothing(LotOutcome::Unchanged, None));
        }
        let Some(draft) = &checked.draft else {
            let error = checked.findings.iter().find(|finding| finding.is_error()).and_then(|finding| finding.message());
            return Ok(LinePlan::Nothing(LotOutcome::Refused, error));
        };
        let version = checked.open.as_ref().map_or(0, |open| open.version);
        let mut steps = draft.section_steps(version, &warnings(&checked.findings));
        let row = match &checked.open {
            None => {
                steps.insert(0, CaseStep::new(RequestEvent::Create));
                let mut row = RequestRow { number: number.to_owned(), lot: Some(lot.id.clone()), ..draft.row.clone() };
                row.sealed = Some(self.sealed(number, &draft.content)?);
                row
            }
            Some(open) if open.value.kind != draft.row.kind => {
                return Ok(LinePlan::Nothing(LotOutcome::Refused, Some(MessageCode::EReq06)));
            }
            Some(open) => {
                if draft.is_said_by(&self.opened(&open.value)?) && open.value.open_sections.is_empty() {
                    return Ok(LinePlan::Nothing(LotOutcome::Unchanged, None));
                }
                if open.value.state == RequestState::S20.code() {
                    steps.insert(0, CaseStep::new(RequestEvent::Modify { version }));
                }
                RequestRow { lot: Some(lot.id.clone()), ..open.value.clone() }
            }
        };
        // A change or an end waits as a draft for the legal confirmation, which is part of its submission (09).
        if !matches!(row.kind.as_str(), "MODIF" | "FIN") {
            steps.push(CaseStep::new(RequestEvent::Submit { legal: LegalStatement::default() }));
        }
        let version = checked.open.as_ref().map(|open| open.version);
        Ok(LinePlan::File(Box::new(FilingPlan { row, version, steps })))
    }

    /// Validates the request of a line, when it waits for that. For a colleague of the sender (`rights`), it has to lie in their perimeter.
    async fn validate_line(
        &self,
        lot: &LotRow,
        (actor, rights): (&CaseActor, Option<&ManagerRights>),
        line: &LotLine,
        run: &mut LotsRun,
    ) -> Result<(), RegistrationStop> {
        let done: Option<VersionedRow<LotLineRow>> = read(self.registry(), &LotRow::part(&lot.id, line.line)).await?;
        let Some(done) = done else { return Ok(()) };
        let Some(number) = done.value.number.clone() else { return Ok(()) };
        let Some(request) = self.request(&number).await? else { return Ok(()) };
        if !waits_for_validation(&request.value) {
            return Ok(());
        }
        if let Some(rights) = rights
            && !self.is_shared(&request.value, &lot.id, rights).await?
        {
            return Ok(());
        }
        // What a colleague confirmed is what stood then.
        let is_newer = lot.validator.is_some() && request.value.changed_ms > lot.phase_ms;
        let read = read_bulk_line(&kept_header(), &line.cells, &self.fields());
        let legal =
            read.verification.map_or(LegalStatement { confirmed: true, ..LegalStatement::default() }, |way| way.statement(true));
        let outcome = if request.value.acknowledged.is_empty() && !is_newer {
            let event = match request.value.state == RequestState::S20.code() {
                true => RequestEvent::Validate { version: request.version, legal, changed: Vec::new() },
                false => RequestEvent::Submit { legal },
            };
            self.act(&number, actor, &CaseStep::new(event)).await
        } else {
            // It was changed since the confirmation: somebody opens it.
            Err(crate::service::refusal(MessageCode::ELot08).into())
        };
        let code = match outcome {
            Ok(_) => {
                run.validated += 1;
                None
            }
            Err(RegistrationStop::Refused(refused)) => {
                run.refused += 1;
                Some(refused.code.as_str().to_owned())
            }
            Err(failed) => return Err(failed),
        };
        if code != done.value.code {
            let mut writes = PendingWrites::default();
            writes.put(&LotLineRow { code, ..done.value }, Some(done.version))?;
            self.write(writes, &plain_cause(actor, &number)).await?;
        }
        Ok(())
    }
}

impl Registration {
    /// Who acts in a list: whoever began the phase. Rights are read again with each step, and a software that was revoked since then has none.
    async fn sender_of(&self, lot: &LotRow) -> Result<CaseActor, Error> {
        let trace = SessionTrace {
            session: lot.session.clone(),
            means: lot.means.clone(),
            level: lot.level.clone(),
            address: lot.address.clone(),
        };
        let acting = lot.validator.as_ref().unwrap_or(&lot.manager);
        if let Some(client) = acting.strip_prefix("software:") {
            return self.software_actor(client, trace).await;
        }
        Ok(CaseActor { kind: ActorKind::Gae, id: acting.clone(), trace, purpose: String::new(), machine: None })
    }
}

/// What is to be done with a line.
enum LinePlan {
    Nothing(LotOutcome, Option<MessageCode>),
    File(Box<FilingPlan>),
}

/// A request with the steps that are carried out on it.
struct FilingPlan {
    row: RequestRow,
    version: Option<u64>,
    steps: Vec<CaseStep>,
}
