//! The checks of one line of a list, before and while it becomes a request: the rules of the form, on the drafts that the line stands for.

use crate::acting::{CaseActor, CaseStep, TypedSection};
use crate::content::RequestContent;
use crate::error::Error;
use crate::lot_rows::{LotFinding, LotLine, ReferenceRow};
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::requests::RegistrationSubject;
use crate::row::{VersionedRow, read};
use crate::sections::{CheckedSection, SectionDraft};
use crate::service::Registration;
use annuaire_workflow::bulk::{BulkAction, BulkColumn, BulkHeader, BulkLine, read_bulk_header, read_bulk_line};
use annuaire_workflow::day::{paris_day, parse_iso};
use annuaire_workflow::fields::SituationDraft;
use annuaire_workflow::kind::RequestOrigin;
use annuaire_workflow::messages::{MessageCode, MessageWeight, OPEN_REQUEST_ELSEWHERE};
use annuaire_workflow::norm::norm;
use annuaire_workflow::request::{RequestEvent, RequestSection};
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::state::RequestState;

/// A line after its checks.
pub(crate) struct CheckedLine {
    pub(crate) line: BulkLine,
    pub(crate) findings: Vec<LotFinding>,
    pub(crate) alike: Option<String>,
    /// What becomes of it, when nothing blocks.
    pub(crate) draft: Option<LineDraft>,
    /// The identity of a person to be registered, as open requests know it.
    pub(crate) identity: Option<String>,
    /// The key of its reference in its structure.
    pub(crate) reference: Option<String>,
    /// The request that the reference led to before.
    pub(crate) before: Option<VersionedRow<ReferenceRow>>,
    /// That request, while it can be changed.
    pub(crate) open: Option<VersionedRow<RequestRow>>,
    /// Whether that request went on beyond what a list may change.
    pub(crate) settled: bool,
}

/// A request to be made or updated.
pub(crate) struct LineDraft {
    pub(crate) row: RequestRow,
    pub(crate) content: RequestContent,
    pub(crate) sections: Vec<CheckedSection>,
}

impl CheckedLine {
    fn add(&mut self, column: BulkColumn, code: MessageCode, text: String) {
        let finding = LotFinding { column: column.header().to_owned(), place: None, code: code.as_str().to_owned(), text };
        // One message for each fault and column, whoever found it.
        if !self.findings.iter().any(|known| known.column == finding.column && known.code == finding.code) {
            self.findings.push(finding);
        }
    }

    fn plain(&mut self, column: BulkColumn, code: MessageCode) {
        self.add(column, code, code.text());
    }

    pub(crate) fn is_valid(&self) -> bool {
        !self.findings.iter().any(LotFinding::is_error)
    }
}

impl LineDraft {
    /// The steps after the creation that make the sections valid; what warns is acknowledged by whoever submits the list.
    pub(crate) fn section_steps(&self, version: u64, warnings: &[MessageCode]) -> Vec<CaseStep> {
        let mut steps: Vec<CaseStep> = Vec::new();
        for checked in &self.sections {
            let section = match &checked.typed {
                TypedSection::Civil(..) => RequestSection::Civil,
                TypedSection::Contact(..) => RequestSection::Contact,
                TypedSection::Situation(..) | TypedSection::Closing(..) => RequestSection::Situation,
            };
            let event = RequestEvent::ValidateSection { section, version, open_points: Vec::new() };
            let mut step = CaseStep::new(event);
            step.section = Some(checked.typed.clone());
            step.place.clone_from(&checked.place);
            step.acknowledged = checked.findings.codes();
            steps.push(step);
        }
        if let Some(last) = steps.last_mut() {
            last.acknowledged.extend(warnings);
            last.acknowledged.dedup();
        }
        steps
    }

    /// Whether a request says what this draft says.
    pub(crate) fn is_said_by(&self, content: &RequestContent) -> bool {
        self.sections.iter().all(|checked| match &checked.typed {
            TypedSection::Civil(draft, _) => *draft == content.civil,
            TypedSection::Contact(draft, _) => *draft == content.contact,
            TypedSection::Situation(draft, _) => *draft == content.situation,
            TypedSection::Closing(draft, _) => *draft == content.closing,
        })
    }
}

/// The header of the cells that are kept: every column, in order.
pub(crate) fn kept_header() -> BulkHeader {
    let names: Vec<String> = BulkColumn::ALL.iter().map(|column| column.header().to_owned()).collect();
    // A test of `workflow` reads this very header.
    read_bulk_header(&names).unwrap_or_else(|_| BulkHeader::default())
}

impl Registration {
    /// Checks a line as the manager would see it. Costs what three sections of the form cost; writes nothing.
    pub(crate) async fn check_line(
        &self,
        actor: &CaseActor,
        header: &BulkHeader,
        cells: &[String],
    ) -> Result<CheckedLine, Error> {
        let line = read_bulk_line(header, cells, &self.fields());
        let mut checked = CheckedLine {
            findings: Vec::new(),
            alike: None,
            draft: None,
            identity: None,
            reference: None,
            before: None,
            open: None,
            settled: false,
            line,
        };
        for finding in checked.line.findings.clone() {
            checked.add(finding.column, finding.code, finding.text);
        }
        let typed = checked.line.situation.structure.clone();
        let place = if typed.is_empty() { None } else { self.place_numbered(&typed).await? };
        let column = checked.line.column_of("structure", header, cells).unwrap_or(BulkColumn::Finess);
        let Some(place) = place else {
            if !typed.is_empty() {
                checked.plain(column, MessageCode::EStr02);
            }
            // The rest of the line is checked all the same, so that its faults are told at once.
            self.check_sections(actor, &mut checked, None, (header, cells)).await?;
            return Ok(checked);
        };
        if !self.rights_of(actor).await?.is_some_and(|rights| rights.contains(&place)) {
            checked.plain(column, MessageCode::EPer01);
        }
        if !checked.line.reference.is_empty() {
            let hash = self.keys.hashed("reference", &[&checked.line.reference, &place.id]);
            checked.before = read(self.registry(), &hash).await?;
            checked.reference = Some(hash);
            if let Some(before) = &checked.before
                && let Some(request) = self.request(&before.value.number).await?
            {
                match RequestState::parse(&request.value.state) {
                    Some(RequestState::S10 | RequestState::S20) => checked.open = Some(request),
                    Some(RequestState::S25 | RequestState::S30 | RequestState::S35 | RequestState::S40) => checked.settled = true,
                    _ => {}
                }
            }
            if checked.settled {
                return Ok(checked);
            }
        }
        self.check_sections(actor, &mut checked, Some(&place), (header, cells)).await?;
        Ok(checked)
    }

    async fn check_sections(
        &self,
        actor: &CaseActor,
        checked: &mut CheckedLine,
        place: Option<&RegisteredPlace>,
        (header, cells): (&BulkHeader, &[String]),
    ) -> Result<(), Error> {
        let Some((subject, situation)) = self.line_subject(checked, place).await? else { return Ok(()) };
        let now_ms = self.now_ms();
        let mut row = RequestRow::new(subject.kind(), RequestOrigin::Import, now_ms, paris_day(now_ms));
        let mut content = RequestContent::default();
        if let Some(place) = place {
            row.structure.clone_from(&place.id);
            match self.begun_content(&mut row, &subject, place, true).await? {
                Ok(begun) => content = begun,
                Err(refused) => {
                    let column = if refused.code == MessageCode::EPer01 { BulkColumn::Finess } else { BulkColumn::Rpps };
                    checked.add(column, refused.code, refused.text);
                    return Ok(());
                }
            }
        }
        let mut drafts = Vec::new();
        match checked.line.action {
            _ if subject == RegistrationSubject::Unknown => drafts.extend([
                SectionDraft::Civil(checked.line.civil.clone()),
                SectionDraft::Contact(checked.line.contact.clone()),
                SectionDraft::Situation(situation),
            ]),
            BulkAction::Close => drafts.push(SectionDraft::Closing(checked.line.closing.clone())),
            _ => drafts.push(SectionDraft::Situation(filled(situation, &content.situation))),
        }
        let mut working = content.clone();
        let mut sections = Vec::new();
        for draft in drafts {
            if let Err(refused) = draft.check_size() {
                checked.add(BulkColumn::Reference, refused.code, refused.text);
                continue;
            }
            let section = self.check(actor, &row, &working, draft).await?;
            for finding in &section.findings.list {
                let column = checked.line.column_of(finding.field, header, cells).unwrap_or(BulkColumn::Action);
                let by_default = matches!(column, BulkColumn::PracticeName | BulkColumn::PracticeGivenName)
                    && header.cell(cells, column).is_empty();
                if by_default && subject == RegistrationSubject::Unknown && finding.code.weight() == MessageWeight::Error {
                    // The name that it was taken from has the fault, and tells it.
                    continue;
                }
                checked.add(column, finding.code, finding.text.clone());
            }
            match &section.typed {
                TypedSection::Civil(draft, values) => (working.civil, working.civil_values) = (draft.clone(), values.clone()),
                TypedSection::Contact(draft, values) => {
                    (working.contact, working.contact_values) = (draft.clone(), values.clone())
                }
                _ => {}
            }
            if let Some(text) = section.alike.as_ref().and_then(|alike| alike.text()) {
                checked.alike = Some(text.to_owned());
            }
            sections.push(section);
        }
        if let Some(civil) = &working.civil_values
            && subject == RegistrationSubject::Unknown
        {
            let hash = self.identity_hash(civil);
            if let Some(open) = self.open_identity(&hash).await? {
                let own = checked.before.as_ref().is_some_and(|before| before.value.number == open.value.number);
                if !own {
                    checked.add(BulkColumn::FamilyName, MessageCode::EReq01, OPEN_REQUEST_ELSEWHERE.to_owned());
                }
            }
            checked.identity = Some(hash);
        }
        if checked.is_valid() {
            checked.draft = Some(LineDraft { row, content, sections });
        }
        Ok(())
    }

    /// What a line is about; `None` when that cannot be said, and the findings tell why.
    async fn line_subject(
        &self,
        checked: &mut CheckedLine,
        place: Option<&RegisteredPlace>,
    ) -> Result<Option<(RegistrationSubject, SituationDraft)>, Error> {
        let line = &checked.line;
        let (situation, rpps) = (line.situation.clone(), line.rpps.clone());
        let creates = line.action == BulkAction::Create;
        if rpps.is_empty() {
            return Ok(creates.then_some((RegistrationSubject::Unknown, situation)));
        }
        let Some(person) = self.person(&idnps(&rpps)).await? else {
            checked.plain(BulkColumn::Rpps, MessageCode::ERpps01);
            return Ok(None);
        };
        match line.action {
            BulkAction::Create => {
                // The number must be that of the person whom the line describes: a wrong digit would bind somebody else.
                let civil = person.merged.etat_civil.clone().unwrap_or_default();
                let birth = annuaire_workflow::day::parse_french(&line.civil.date_naissance);
                let same = norm(&civil.nom_famille) == norm(&line.civil.nom_famille) && parse_iso(&civil.date_naissance) == birth;
                if !same {
                    checked.plain(BulkColumn::Rpps, MessageCode::ERpps01);
                    return Ok(None);
                }
                Ok(Some((RegistrationSubject::NewActivity { rpps }, situation)))
            }
            BulkAction::Add => Ok(Some((RegistrationSubject::NewActivity { rpps }, situation))),
            BulkAction::Change | BulkAction::Close => {
                let Some(place) = place else { return Ok(None) };
                let today = self.today();
                let here: Vec<_> = person
                    .situations()
                    .filter(|(_, _, s)| s.structure == place.id && parse_iso(&s.date_fin).is_none_or(|end| today <= end))
                    .collect();
                let named = |(_, _, s): &&(&str, &str, &annuaire_mos::SituationExercice)| {
                    s.role == situation.profession && s.genre_activite == situation.role
                };
                let found = match here.as_slice() {
                    [one] => Some(one),
                    several => {
                        let exact: Vec<_> = several.iter().filter(named).collect();
                        if let [one] = exact.as_slice() { Some(*one) } else { None }
                    }
                };
                let Some((_, _, s)) = found else {
                    let code = if here.is_empty() { MessageCode::ELot06 } else { MessageCode::ELot07 };
                    checked.plain(BulkColumn::Rpps, code);
                    return Ok(None);
                };
                let (id, ends) = (s.id_situation_exercice.clone(), checked.line.action == BulkAction::Close);
                Ok(Some((RegistrationSubject::Situation { rpps, situation: id, ends }, situation)))
            }
        }
    }
}

/// A draft whose blank fields are those of another one.
fn filled(draft: SituationDraft, known: &SituationDraft) -> SituationDraft {
    let or = |text: String, known: &String| if text.is_empty() { known.clone() } else { text };
    SituationDraft {
        nom_exercice: or(draft.nom_exercice, &known.nom_exercice),
        prenom_exercice: or(draft.prenom_exercice, &known.prenom_exercice),
        structure: or(draft.structure, &known.structure),
        profession: or(draft.profession, &known.profession),
        role: or(draft.role, &known.role),
        mode_exercice: or(draft.mode_exercice, &known.mode_exercice),
        date_debut: or(draft.date_debut, &known.date_debut),
        date_fin: or(draft.date_fin, &known.date_fin),
        categorie: or(draft.categorie, &known.categorie),
        service: or(draft.service, &known.service),
        critere: or(draft.critere, &known.critere),
        verifie: draft.verifie || known.verifie,
        date_verification: or(draft.date_verification, &known.date_verification),
    }
}

/// The warnings of a line, as codes.
pub(crate) fn warnings(findings: &[LotFinding]) -> Vec<MessageCode> {
    findings.iter().filter_map(LotFinding::message).filter(|code| code.weight() == MessageWeight::Warning).collect()
}

/// A line as it is kept.
pub(crate) fn kept_line(line: u32, cells: Vec<String>, checked: &CheckedLine) -> LotLine {
    LotLine {
        line,
        cells,
        findings: checked.findings.clone(),
        alike: checked.alike.clone(),
        known: checked.before.as_ref().map(|before| before.value.number.clone()),
    }
}
