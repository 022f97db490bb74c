//! « Mes demandes d'enregistrement » (SC11): three tables, their filters, their order, their pages, and the file of a table. Filters live in
//! the address, so that they can be shared.

use crate::answer;
use crate::door::Portal;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FieldChoice, FormField};
use crate::frame::PortalFrame;
use crate::french::{counted, day_of, typeset};
use crate::limits::PAGE_SIZES;
use crate::request::PortalRequest;
use crate::who::ManagerVisit;
use annuaire_registry::{ListedRequest, RequestPage, RequestQuery, RequestTable, origin_code};
use annuaire_workflow::day::parse_french;
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::state::{RequestHolder, RequestState};
use annuaire_workflow::value_sets::ValueList;
use askama::Template;
use axum::http::StatusCode;

/// Addresses of the filters, in the order of the form.
const FILTERS: [&str; 12] =
    ["nom", "prenom", "finess", "siret", "raison", "numero", "statut", "type", "depuis", "jusque", "origine", "age"];

/// A line, as the table shows it.
struct RequestLineView {
    number: String,
    date: String,
    name: String,
    place: String,
    role: String,
    kind: &'static str,
    state: String,
    state_class: &'static str,
    blocked: &'static str,
}

/// A table.
struct RequestTableView {
    id: &'static str,
    title: &'static str,
    lines: Vec<RequestLineView>,
    total: String,
    before: String,
    after: String,
    position: String,
    export: String,
    is_folded: bool,
}

/// The page.
#[derive(Template)]
#[template(path = "gae/list.html")]
struct RequestListPage<'a> {
    frame: &'a PortalFrame,
    to_treat: String,
    filters: Vec<FormField>,
    is_filtered: bool,
    tables: Vec<RequestTableView>,
    order_words: &'static str,
    order_link: String,
    problem: String,
}

/// The class of a status: whose turn it is, or how it ended.
pub(crate) const fn state_class(state: RequestState) -> &'static str {
    match state {
        RequestState::S40 => "good",
        RequestState::S50 | RequestState::S51 => "bad",
        _ => match state.holder() {
            RequestHolder::Ae => "act",
            _ => "",
        },
    }
}

/// Lines as pages show them.
fn views(portal: &Portal, lines: Vec<ListedRequest>) -> Vec<RequestLineView> {
    let values = portal.values();
    let view = |line: ListedRequest| RequestLineView {
        date: day_of(line.changed_ms),
        name: line.name,
        place: line.place,
        role: values.label(ValueList::Role, &line.role).unwrap_or_default().to_owned(),
        kind: line.kind.label(),
        state: typeset(&line.state.label()),
        state_class: state_class(line.state),
        blocked: line.blocked.map_or("", |why| why.plain()),
        number: line.number,
    };
    lines.into_iter().map(view).collect()
}

/// What the address asks, and what of it cannot be read.
fn query_of(request: &PortalRequest) -> (RequestQuery, String) {
    let of = |name: &str| request.parameter(name);
    let mut problem = String::new();
    let mut day = |name: &str| {
        let typed = of(name);
        let day = parse_french(&typed);
        if day.is_none() && !typed.is_empty() {
            problem = "Saisissez les dates au format JJ/MM/AAAA, par exemple 07/05/2026.".to_owned();
        }
        day
    };
    let (from, until) = (day("depuis"), day("jusque"));
    let size: u32 = of("taille").parse().unwrap_or(PAGE_SIZES[0]);
    let structure = [of("finess"), of("siret")].into_iter().find(|number| !number.is_empty()).unwrap_or_default();
    let query = RequestQuery {
        family: of("nom"),
        given: of("prenom"),
        structure,
        structure_name: of("raison"),
        number: of("numero").to_uppercase(),
        state: RequestState::parse(&of("statut")),
        kind: RequestKind::parse(&of("type")),
        origin: RequestOrigin::ALL.iter().copied().find(|origin| origin_code(*origin) == of("origine")),
        from,
        until,
        older_than_days: of("age").parse().ok(),
        oldest_first: of("ordre") == "ancien",
        offset: 0,
        limit: if PAGE_SIZES.contains(&size) { size } else { PAGE_SIZES[0] },
    };
    (query, problem)
}

/// The present address with some parameters replaced; empty values are left out.
fn address(request: &PortalRequest, path: &str, changed: &[(&str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in FILTERS.iter().chain(&["ordre", "taille", "saisie", "instruction", "terminees"]) {
        let value = changed.iter().find(|(known, _)| known == name).map_or_else(|| request.parameter(name), |(_, v)| v.clone());
        if !value.is_empty() {
            query.append_pair(name, &value);
        }
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn filters(request: &PortalRequest) -> Vec<FormField> {
    let of = |name: &'static str| request.parameter(name);
    let states = RequestState::ALL.iter().filter(|state| **state != RequestState::S11);
    let states = states.map(|state| FieldChoice::new(state.code(), state.statut())).collect();
    let kinds = RequestKind::ALL.iter().map(|kind| FieldChoice::new(kind.code(), kind.label())).collect();
    let origins = RequestOrigin::ALL.iter().map(|origin| FieldChoice::new(origin_code(*origin), origin.label())).collect();
    vec![
        FormField::text("nom", "Nom", &of("nom"), 80),
        FormField::text("prenom", "Prénom", &of("prenom"), 80),
        FormField::text("finess", "Identifiant FINESS de l’AE", &of("finess"), 20),
        FormField::text("siret", "Identifiant SIRET de l’AE", &of("siret"), 20),
        FormField::text("raison", "Raison sociale de l’AE", &of("raison"), 120),
        FormField::text("numero", "Numéro de demande", &of("numero"), 15),
        FormField::select("statut", "Statut", &of("statut"), states),
        FormField::select("type", "Type", &of("type"), kinds),
        FormField::text("depuis", "Déposée entre le", &of("depuis"), 10),
        FormField::text("jusque", "et le", &of("jusque"), 10),
        FormField::select("origine", "Origine", &of("origine"), origins),
        FormField::text("age", "Ancienneté > n jours", &of("age"), 4).numeric(),
    ]
}

const TABLES: [(RequestTable, &str, &str); 3] = [
    (RequestTable::Drafts, "saisie", "Demandes en cours de saisie :"),
    (RequestTable::Instruction, "instruction", "Demandes en cours d’instruction :"),
    (RequestTable::Finished, "terminees", "Demandes terminées (90 derniers jours)"),
];

/// `GET /portail/gae/demandes`
pub(crate) async fn list(visit: ManagerVisit) -> PageAnswer {
    let ManagerVisit { portal, request, session, frame } = visit;
    let registration = portal.registration();
    let (query, problem) = query_of(&request);
    let is_filtered = FILTERS.iter().any(|name| !request.parameter(name).is_empty());
    let page_of = |id: &str| request.parameter(id).parse().unwrap_or(1u32).max(1);
    // A status is of one table: the others are empty, whatever else is asked.
    let asked = TABLES.map(|(table, id, _)| {
        let offset = (page_of(id) - 1).saturating_mul(query.limit);
        (table, RequestQuery { offset, ..query.clone() })
    });
    let (found, to_treat) = registration.request_tables(&session, &asked).await?;
    let mut tables = Vec::new();
    for ((table, id, title), found) in TABLES.into_iter().zip(found) {
        tables.push(table_view(&portal, &request, (table, id, title), (page_of(id), query.limit), found, is_filtered)?);
    }
    let oldest = query.oldest_first;
    let page = RequestListPage {
        frame: &frame,
        to_treat: counted(to_treat, "demande à traiter en tout", "demandes à traiter en tout"),
        filters: filters(&request),
        is_filtered,
        tables,
        order_words: if oldest { "Classer du plus récent au plus ancien" } else { "Classer du plus ancien au plus récent" },
        order_link: address(&request, "/portail/gae/demandes", &[("ordre", if oldest { "" } else { "ancien" }.to_owned())]),
        problem,
    };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

fn table_view(
    portal: &Portal,
    request: &PortalRequest,
    (table, id, title): (RequestTable, &'static str, &'static str),
    (page, size): (u32, u32),
    found: RequestPage,
    is_filtered: bool,
) -> Result<RequestTableView, PortalFault> {
    let pages = u32::try_from(found.total.div_ceil(u64::from(size))).unwrap_or(u32::MAX).max(1);
    let link = |to: u32| address(request, "/portail/gae/demandes", &[(id, to.to_string())]) + "#" + id;
    Ok(RequestTableView {
        id,
        title,
        total: counted(found.total, "demande", "demandes"),
        before: if page > 1 { link((page - 1).min(pages)) } else { String::new() },
        after: if page < pages { link(page + 1) } else { String::new() },
        position: if pages > 1 { format!("Page {page} sur {pages}") } else { String::new() },
        export: address(request, &format!("/portail/gae/demandes/fichier/{id}"), &[]),
        is_folded: table == RequestTable::Finished && !is_filtered && request.parameter(id).is_empty(),
        lines: views(portal, found.lines),
    })
}

/// `GET /portail/gae/demandes/fichier/{table}`: a table as CSV, as it is filtered.
pub(crate) async fn file(visit: ManagerVisit, axum::extract::Path(id): axum::extract::Path<String>) -> PageAnswer {
    let Some((table, name, _)) = TABLES.into_iter().find(|(_, known, _)| *known == id) else { return Err(PortalFault::Nothing) };
    let (query, _) = query_of(&visit.request);
    let lines = visit.portal.registration().all_requests(&visit.session, table, &query).await?;
    let mut text = String::from("\u{feff}Numéro de demande;Date;Nom;Etablissement;Rôle;Type;Statut\r\n");
    for line in views(&visit.portal, lines) {
        let cells = [&line.number, &line.date, &line.name, &line.place, &line.role, &line.kind.to_owned(), &line.state];
        text.push_str(&crate::csv::line(cells.map(String::as_str)));
    }
    Ok(answer::download("text/csv;charset=UTF-8", &format!("demandes-{name}.csv"), text))
}
