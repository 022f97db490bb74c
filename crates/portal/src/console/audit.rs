//! The audit trail (registration §14): searched, read backwards, exported. Each read is an event itself.

use crate::answer;
use crate::console::purpose::closed;
use crate::csv;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::frame::PortalFrame;
use crate::french::instant;
use crate::limits::{TRAIL_FILE, TRAIL_PAGE};
use crate::request::PortalRequest;
use crate::who::ProfessionalVisit;
use annuaire_registry::{AuditFilter, AuditRow, AuditorSession};
use annuaire_workflow::day::{paris_midnight, parse_french, plus_days};
use askama::Template;
use axum::http::StatusCode;

/// Parameters of the search, in the order of the form.
const PARAMETERS: [&str; 6] = ["objet", "demande", "acteur", "evenement", "depuis", "jusque"];

/// An event, as the page shows it.
struct TrailLine {
    number: u64,
    when: String,
    actor: String,
    event: String,
    object: String,
    request: String,
    detail: String,
}

/// The trail.
#[derive(Template)]
#[template(path = "console/audit.html")]
struct TrailPage<'a> {
    frame: &'a PortalFrame,
    fields: Vec<FormField>,
    points: Vec<OpenPoint>,
    lines: Vec<TrailLine>,
    older: String,
    export: String,
}

fn fields_of(request: &PortalRequest) -> Vec<FormField> {
    let of = |name: &str| request.parameter(name);
    vec![
        FormField::text("objet", "Objet", &of("objet"), 120).hinted("par exemple PP:810999000010"),
        FormField::text("demande", "Numéro de demande", &of("demande"), 15),
        FormField::text("acteur", "Acteur", &of("acteur"), 40).hinted("identifiant national, ou nom d’une commande"),
        FormField::text("evenement", "Événement", &of("evenement"), 60).hinted("par exemple inscription-valider"),
        FormField::day("depuis", "Depuis le", &of("depuis")),
        FormField::day("jusque", "Jusqu’au", &of("jusque")),
    ]
}

/// What the address asks, and what of it cannot be read.
fn filter_of(fields: &mut [FormField]) -> (AuditFilter, Vec<OpenPoint>) {
    let mut points = Vec::new();
    let mut days = [None, None];
    for (n, field) in fields.iter_mut().filter(|field| ["depuis", "jusque"].contains(&field.id)).enumerate() {
        let day = parse_french(&field.value);
        if day.is_none() && !field.value.is_empty() {
            let text = "Saisissez la date au format JJ/MM/AAAA, par exemple 07/05/2026.";
            field.tell("", text);
            points.push(OpenPoint { anchor: field.anchor(), text: format!("{}\u{a0}: {text}", field.label), is_warning: false });
        }
        if let Some(slot) = days.get_mut(n) {
            *slot = day;
        }
    }
    let text = |id: &str| fields.iter().find(|field| field.id == id).map(|field| field.value.clone()).filter(|v| !v.is_empty());
    let filter = AuditFilter {
        object: text("objet"),
        request: text("demande").map(|number| number.to_uppercase()),
        actor: text("acteur"),
        event: text("evenement"),
        from_ms: days[0].map(paris_midnight),
        until_ms: days[1].map(|day| paris_midnight(plus_days(day, 1))),
    };
    (filter, points)
}

fn address(request: &PortalRequest, path: &str, before: Option<u64>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in PARAMETERS {
        let value = request.parameter(name);
        if !value.is_empty() {
            query.append_pair(name, &value);
        }
    }
    if let Some(before) = before {
        query.append_pair("avant", &before.to_string());
    }
    format!("{path}?{}", query.finish())
}

async fn auditor(visit: &ProfessionalVisit) -> Result<AuditorSession, PortalFault> {
    visit.portal.registration().auditor_session(&visit.who.national_id, visit.trace.clone()).await.map_err(closed)
}

fn line(row: AuditRow) -> TrailLine {
    TrailLine {
        number: row.number,
        when: instant(row.at_ms),
        actor: row.event.actor,
        event: row.event.event,
        object: row.event.object,
        request: row.event.request.unwrap_or_default(),
        detail: row.event.detail,
    }
}

/// `GET /portail/console/audit`
pub(crate) async fn trail(visit: ProfessionalVisit) -> PageAnswer {
    let by = auditor(&visit).await?;
    let mut fields = fields_of(&visit.request);
    let (filter, points) = filter_of(&mut fields);
    let before: Option<u64> = visit.request.parameter("avant").parse().ok();
    let rows = match points.is_empty() {
        true => visit.portal.registration().audit_page(&by, &filter, before, TRAIL_PAGE).await?,
        false => Vec::new(),
    };
    let oldest = rows.last().filter(|_| rows.len() >= TRAIL_PAGE as usize).map(|row| row.number);
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = TrailPage {
        frame: &visit.frame,
        fields,
        points,
        lines: rows.into_iter().map(line).collect(),
        older: oldest.map(|number| address(&visit.request, "/portail/console/audit", Some(number))).unwrap_or_default(),
        export: address(&visit.request, "/portail/console/audit/fichier", None),
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/console/audit/fichier`: what was searched, as CSV; a file that is full says so in its last line.
pub(crate) async fn file(visit: ProfessionalVisit) -> PageAnswer {
    let by = auditor(&visit).await?;
    let (filter, points) = filter_of(&mut fields_of(&visit.request));
    if !points.is_empty() {
        return Err(PortalFault::Unreadable);
    }
    let registration = visit.portal.registration();
    let size = annuaire_registry::limits::AUDIT_PAGE_MAX;
    let mut text = String::from("\u{feff}Numéro;Date;Acteur;Événement;Objet;Demande;Détail\r\n");
    let (mut before, mut count) = (None, 0);
    loop {
        let rows = registration.audit_page(&by, &filter, before, size).await?;
        let full = rows.len() >= size as usize;
        before = rows.last().map(|row| row.number);
        count += rows.len();
        for line in rows.into_iter().map(line) {
            let number = line.number.to_string();
            let cells = [&number, &line.when, &line.actor, &line.event, &line.object, &line.request, &line.detail];
            text.push_str(&csv::line(cells.map(String::as_str)));
        }
        if !full {
            break;
        }
        if count >= TRAIL_FILE {
            let oldest = before.unwrap_or_default().to_string();
            text.push_str(&csv::line([
                "",
                "",
                "",
                "",
                "",
                "",
                &format!("Suite avant le numéro {oldest} : réduisez la période."),
            ]));
            break;
        }
    }
    Ok(answer::download("text/csv;charset=UTF-8", "trace.csv", text))
}
