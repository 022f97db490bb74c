//! « Importer une liste » (SC42, registration §17): a spreadsheet is checked line by line, corrected, put in instruction, validated.

use crate::answer;
use crate::fault::{PageAnswer, PortalFault};
use crate::form::{PostedFile, PostedForm};
use crate::frame::PortalFrame;
use crate::french::{counted, instant, typeset};
use crate::gae::lot_words::{SHOWN_LINES, phase_words, refusal_words};
use crate::gae::shared_lots::{SharedLotView, shared_view};
use crate::who::ManagerVisit;
use annuaire_registry::{ListedLot, LotFault, LotLine, LotPhase, LotSheet, LotSheetLine, LotUpload, RegistrationStop};
use annuaire_sheets::{column_letter, read_sheet, write_csv};
use annuaire_workflow::bulk::is_bulk_header;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// A list in the table.
struct LotView {
    id: String,
    name: String,
    sent: String,
    ends: String,
    phase: &'static str,
    lines: u32,
    ready: u32,
    warned: u32,
    faulty: u32,
    valid: u32,
    done: String,
    is_checked: bool,
    is_filed: bool,
    /// A validation ended; what it left can be validated again.
    is_validated: bool,
    is_at_work: bool,
}

/// The lists.
#[derive(Template)]
#[template(path = "gae/lots.html")]
struct LotsPage<'a> {
    frame: &'a PortalFrame,
    lots: Vec<LotView>,
    /// Lists of others, to be validated.
    shared: Vec<SharedLotView>,
    faults: Vec<String>,
}

/// A line of a list.
struct LotLineView {
    line: u32,
    name: String,
    state: String,
    class: &'static str,
    remarks: Vec<String>,
    number: String,
}

/// A list.
#[derive(Template)]
#[template(path = "gae/lot.html")]
struct LotPage<'a> {
    frame: &'a PortalFrame,
    lot: LotView,
    lines: Vec<LotLineView>,
    hidden: String,
    error: String,
}

fn view(lot: &ListedLot) -> LotView {
    LotView {
        id: lot.id.clone(),
        name: lot.name.clone(),
        sent: instant(lot.begun_ms),
        ends: instant(lot.ends_ms),
        phase: phase_words(lot.phase),
        lines: lot.lines,
        ready: lot.ready,
        warned: lot.warned,
        faulty: lot.faulty,
        valid: lot.valid(),
        done: format!("{} sur {}", lot.steps_done, lot.steps),
        is_checked: lot.phase == LotPhase::Checked,
        is_filed: matches!(lot.phase, LotPhase::Filed | LotPhase::Validated),
        is_validated: lot.phase == LotPhase::Validated,
        is_at_work: matches!(lot.phase, LotPhase::Filing | LotPhase::Validating),
    }
}

/// « Colonne C (nom_famille) : … » of each remark.
fn remarks(line: &LotLine) -> Vec<String> {
    let mut all = Vec::new();
    for finding in &line.findings {
        let place = match (finding.place, finding.column.as_str()) {
            (Some(place), column) if !column.is_empty() => format!("Colonne {} ({column}) : ", column_letter(place)),
            (_, column) if !column.is_empty() => format!("{column} : "),
            _ => String::new(),
        };
        all.push(typeset(&format!("{place}{} ({})", finding.text, finding.code)));
    }
    all.extend(line.alike.as_deref().map(typeset));
    all
}

fn line_view(shown: &LotSheetLine) -> LotLineView {
    let class = if !shown.line.is_valid() {
        "bad"
    } else if shown.line.findings.is_empty() {
        "good"
    } else {
        "act"
    };
    let mut remarks = remarks(&shown.line);
    remarks.extend(shown.refused.map(refusal_words));
    LotLineView {
        line: shown.line.line,
        name: shown.line.name(),
        state: typeset(shown.state_label()),
        class,
        remarks,
        number: shown.number.clone().or_else(|| shown.line.known.clone()).unwrap_or_default(),
    }
}

fn lot_page(visit: &ManagerVisit, sheet: &LotSheet, error: String) -> PageAnswer {
    // What is to be settled comes first; the order of the file within.
    let mut lines: Vec<&LotSheetLine> = sheet.lines.iter().collect();
    lines.sort_by_key(|shown| (shown.line.is_valid(), shown.line.findings.is_empty(), shown.line.line));
    let hidden = lines.len().saturating_sub(SHOWN_LINES);
    let page = LotPage {
        frame: &visit.frame,
        lot: view(&sheet.lot),
        lines: lines.iter().take(SHOWN_LINES).map(|shown| line_view(shown)).collect(),
        hidden: if hidden > 0 { counted(hidden as u64, "autre ligne", "autres lignes") } else { String::new() },
        error,
    };
    let status = if page.error.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

async fn lots_page(visit: &ManagerVisit, faults: Vec<String>) -> PageAnswer {
    let lots = visit.portal.registration().lots(&visit.session).await?;
    let shared = visit.portal.registration().shared_lots(&visit.session).await?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shared = shared.iter().map(shared_view).collect();
    let page = LotsPage { frame: &visit.frame, lots: lots.iter().map(view).collect(), shared, faults };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/gae/lots`
pub(crate) async fn list(visit: ManagerVisit) -> PageAnswer {
    lots_page(&visit, Vec::new()).await
}

/// `POST /portail/gae/lots`
pub(crate) async fn upload(visit: ManagerVisit, file: PostedFile) -> PageAnswer {
    if file.bytes.is_empty() {
        return lots_page(&visit, vec!["Choisissez un fichier.".to_owned()]).await;
    }
    let rows = match read_sheet(&file.bytes, is_bulk_header) {
        Ok(rows) => rows,
        Err(error) => return lots_page(&visit, vec![typeset(&error.to_string())]).await,
    };
    match visit.portal.registration().upload_lot(&visit.session, &file.name, rows).await? {
        LotUpload::Kept(sheet) => Ok(answer::see_other(&format!("/portail/gae/lots/{}", sheet.lot.id))),
        LotUpload::Refused(faults) => {
            let told = |fault: &LotFault| match fault.place {
                Some(place) => typeset(&format!("Colonne {} : {}", column_letter(place), fault.text)),
                None => typeset(&fault.text),
            };
            lots_page(&visit, faults.iter().map(told).collect()).await
        }
    }
}

/// `GET /portail/gae/lots/{lot}`
pub(crate) async fn show(visit: ManagerVisit, Path(lot): Path<String>) -> PageAnswer {
    let sheet = visit.portal.registration().lot(&visit.session, &lot).await?;
    lot_page(&visit, &sheet, String::new())
}

/// `GET /portail/gae/lots/modele.csv`
pub(crate) async fn template(visit: ManagerVisit) -> PageAnswer {
    let rows = visit.portal.registration().lot_template(&visit.session).await?;
    Ok(answer::download("text/csv;charset=UTF-8", "modele-enregistrements.csv", write_csv(rows)))
}

/// `GET /portail/gae/lots/{lot}/rapport.csv`
pub(crate) async fn report(visit: ManagerVisit, Path(lot): Path<String>) -> PageAnswer {
    let rows = visit.portal.registration().lot_report(&visit.session, &lot).await?;
    Ok(answer::download("text/csv;charset=UTF-8", "rapport-import.csv", write_csv(rows)))
}

/// A refusal belongs on the page of the list.
async fn done(visit: &ManagerVisit, lot: &str, result: Result<ListedLot, RegistrationStop>) -> PageAnswer {
    match result {
        Ok(_) => Ok(answer::see_other(&format!("/portail/gae/lots/{lot}"))),
        Err(RegistrationStop::Refused(refusal)) => match visit.portal.registration().lot(&visit.session, lot).await {
            Ok(sheet) => lot_page(visit, &sheet, typeset(&refusal.text)),
            Err(_) => Err(PortalFault::Refused(refusal)),
        },
        Err(stop) => Err(stop.into()),
    }
}

/// `POST /portail/gae/lots/{lot}/soumettre`
pub(crate) async fn submit(visit: ManagerVisit, Path(lot): Path<String>, _form: PostedForm) -> PageAnswer {
    let result = visit.portal.registration().submit_lot(&visit.session, &lot).await;
    done(&visit, &lot, result).await
}

/// `POST /portail/gae/lots/{lot}/valider`
pub(crate) async fn validate(visit: ManagerVisit, Path(lot): Path<String>, form: PostedForm) -> PageAnswer {
    let result = visit.portal.registration().validate_lot(&visit.session, &lot, form.is_ticked("legal")).await;
    done(&visit, &lot, result).await
}
