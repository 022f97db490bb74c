//! `/lots`.

use crate::call::SoftwareCall;
use crate::door::HrDoor;
use crate::fields::BodyMembers;
use crate::json;
use crate::problem::HrProblem;
use annuaire_registry::LotUpload;
use annuaire_workflow::bulk::is_bulk_header;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /lots`.
pub(crate) async fn list(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let [] = call.parameters([])?;
    let lots: Vec<Value> = door.registration().software_lots(&call.session).await?.iter().map(json::lot).collect();
    Ok(json::answer(StatusCode::OK, &json!({"lots": lots})))
}

/// `POST /lots`: the body is the file. Its format is told by its content, whatever its media type says.
pub(crate) async fn upload(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let [name] = call.parameters(["nom"])?;
    let bytes = call.call.body.clone();
    // A workbook takes some time to inflate: other calls go on meanwhile.
    let read = tokio::task::spawn_blocking(move || annuaire_sheets::read_sheet(&bytes, is_bulk_header)).await;
    let rows = match read {
        Ok(Ok(rows)) => rows,
        Ok(Err(error)) => return Err(HrProblem::file(&error.to_string(), Vec::new())),
        Err(error) => return Err(HrProblem::failure(error.to_string())),
    };
    match door.registration().software_upload(&call.session, &name, rows).await? {
        LotUpload::Refused(faults) => {
            let first = faults.first().map(|fault| fault.text.clone()).unwrap_or_default();
            Err(HrProblem::file(&first, faults.iter().map(json::fault).collect()))
        }
        LotUpload::Kept(sheet) => {
            let address = door.address(&format!("/lots/{}", sheet.lot.id));
            Ok(json::with_location(json::answer(StatusCode::CREATED, &json::lot_sheet(&sheet)), &address))
        }
    }
}

/// `GET /lots/{id}`.
pub(crate) async fn read(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let sheet = door.registration().software_lot(&call.session, call.segment(0)).await?;
    Ok(json::answer(StatusCode::OK, &json::lot_sheet(&sheet)))
}

/// `POST /lots/{id}/soumettre`.
pub(crate) async fn submit(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    BodyMembers::read(&call.call.body, &[])?;
    let lot = door.registration().software_submit_lot(&call.session, call.segment(0)).await?;
    Ok(json::answer(StatusCode::ACCEPTED, &json::lot(&lot)))
}

/// `GET /lots/{id}/rapport`.
pub(crate) async fn report(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let rows = door.registration().software_lot_report(&call.session, call.segment(0)).await?;
    let mut response = Response::new(Body::from(annuaire_sheets::write_csv(rows)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"rapport.csv\""));
    Ok(response)
}
