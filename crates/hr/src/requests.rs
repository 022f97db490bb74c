//! `/demandes`.

use crate::call::{SoftwareCall, page};
use crate::door::HrDoor;
use crate::fields::{BEGIN, BodyMembers, LEGAL, SECTIONS};
use crate::json;
use crate::limits::KEY_CHARS;
use crate::problem::{CallFault, HrProblem, findings};
use annuaire_registry::{RegistrationSubject, SectionDraft, SoftwareRequestQuery, SteppedRequest};
use annuaire_workflow::state::RequestState;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

fn step(at: &SteppedRequest) -> Response {
    json::with_version(json::answer(StatusCode::OK, &json::stepped(at)), at.version)
}

/// `GET /demandes`.
pub(crate) async fn list(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let [state, number, at, lines] = call.parameters(["etat", "numero", "page", "parPage"])?;
    let state = match state.as_str() {
        "" => None,
        text => Some(RequestState::parse(text).ok_or_else(|| HrProblem::named(CallFault::Parameter, &["etat".to_owned()]))?),
    };
    let (offset, limit) = page(&at, &lines)?;
    let query = SoftwareRequestQuery { state, number, offset, limit };
    let found = door.registration().software_requests(&call.session, &query).await?;
    let lines: Vec<_> = found.lines.iter().map(json::listed).collect();
    Ok(json::answer(StatusCode::OK, &json!({"total": found.total, "demandes": lines})))
}

/// What a new request is about.
fn subject(members: &BodyMembers) -> Result<RegistrationSubject, HrProblem> {
    let wrong = |name: &str| HrProblem::named(CallFault::Member, &[name.to_owned()]);
    let (rpps, situation) = (members.text("rpps").trim().to_owned(), members.text("situation").trim().to_owned());
    let kind = members.text("type");
    let kind = kind.trim();
    let first = matches!(kind, "" | "PRIMO");
    let about_situation = matches!(kind, "MODIF" | "FIN");
    if first != rpps.is_empty() {
        return Err(wrong("rpps"));
    }
    if about_situation == situation.is_empty() {
        return Err(wrong("situation"));
    }
    Ok(match kind {
        "" | "PRIMO" => RegistrationSubject::Unknown,
        "AJOUT" => RegistrationSubject::NewActivity { rpps },
        "MODIF" => RegistrationSubject::Situation { rpps, situation, ends: false },
        "FIN" => RegistrationSubject::Situation { rpps, situation, ends: true },
        "CIVIL" => RegistrationSubject::CivilStatus { rpps },
        _ => return Err(wrong("type")),
    })
}

/// `POST /demandes`.
pub(crate) async fn begin(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let mut keys = call.call.headers.get_all("idempotency-key").iter();
    let key = keys.next().and_then(|key| key.to_str().ok()).map(str::trim).unwrap_or_default();
    // An item of structured headers, as a draft of the IETF has it, may stand in quotes.
    let key = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if keys.next().is_some() || !(1..=KEY_CHARS).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(CallFault::Key.into());
    }
    let members = BodyMembers::read(&call.call.body, BEGIN)?;
    let subject = subject(&members)?;
    let begun = door.registration().software_create(&call.session, key, &members.text("structure"), &subject).await?;
    let made = json::answer(StatusCode::CREATED, &json::stepped(&begun));
    let address = door.address(&format!("/demandes/{}", begun.number));
    Ok(json::with_version(json::with_location(made, &address), begun.version))
}

/// `GET /demandes/{numero}`.
pub(crate) async fn read(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let sheet = door.registration().software_sheet(&call.session, call.segment(0)).await?;
    Ok(json::with_version(json::answer(StatusCode::OK, &json::sheet(&sheet)), sheet.version))
}

/// `PUT /demandes/{numero}/{section}`. The draft is saved whatever is found; what is found is a refusal with the new version.
pub(crate) async fn section(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let version = call.version()?;
    let (name, specs) = SECTIONS.iter().find(|(name, _)| *name == call.segment(1)).ok_or(CallFault::Address)?;
    let members = BodyMembers::read(&call.call.body, specs)?;
    let draft = match *name {
        "civil" => SectionDraft::Civil(members.civil()),
        "contact" => SectionDraft::Contact(members.contact()),
        "situation" => SectionDraft::Situation(members.situation()),
        _ => SectionDraft::Closing(members.closing()),
    };
    let acknowledged = members.acknowledged()?;
    let outcome = door.registration().software_section(&call.session, call.segment(0), version, draft, &acknowledged).await?;
    let alike = json!(outcome.alike.as_ref().and_then(|alike| alike.text()));
    let found = findings(&outcome.findings);
    let at = &outcome.request;
    if !outcome.valid {
        let problem = HrProblem::found(found).with_version(at.version);
        return Err(problem.with("demande", json::stepped(at)).with("semblable", alike));
    }
    let mut value = json::stepped(at);
    if let Some(members) = value.as_object_mut() {
        members.insert("constats".to_owned(), json!(found));
        members.insert("semblable".to_owned(), alike);
    }
    Ok(json::with_version(json::answer(StatusCode::OK, &value), at.version))
}

/// `POST /demandes/{numero}/soumettre`.
pub(crate) async fn submit(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let legal = BodyMembers::read(&call.call.body, LEGAL)?.legal()?;
    Ok(step(&door.registration().software_submit(&call.session, call.segment(0), legal).await?))
}

/// `POST /demandes/{numero}/valider`.
pub(crate) async fn validate(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let version = call.version()?;
    let legal = BodyMembers::read(&call.call.body, LEGAL)?.legal()?;
    Ok(step(&door.registration().software_validate(&call.session, call.segment(0), version, legal).await?))
}

/// `POST /demandes/{numero}/abandonner`.
pub(crate) async fn abandon(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    BodyMembers::read(&call.call.body, &[])?;
    Ok(step(&door.registration().software_abandon(&call.session, call.segment(0)).await?))
}

/// `POST /demandes/{numero}/retirer`.
pub(crate) async fn withdraw(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    BodyMembers::read(&call.call.body, &[])?;
    Ok(step(&door.registration().software_withdraw(&call.session, call.segment(0)).await?))
}
