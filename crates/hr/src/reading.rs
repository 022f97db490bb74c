//! `/situations`, `/professionnels`, `/structures`, `/nomenclatures`, `/evenements`, `/openapi.json`.

use crate::call::{OpenCall, SoftwareCall, page};
use crate::door::HrDoor;
use crate::json;
use crate::problem::{CallFault, HrProblem, findings};
use annuaire_nos::Nos;
use annuaire_registry::RequestEventCursor;
use annuaire_workflow::fields::{StructureQuery, check_structure_results, check_structure_search};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::value_sets::{ValueList, ValueSets};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use std::sync::Arc;

/// The lists of the form by the name of their field.
const LISTS: [(&str, ValueList); 8] = [
    ("civilite", ValueList::Civility),
    ("sexe", ValueList::Sex),
    ("paysNaissance", ValueList::Country),
    ("profession", ValueList::Profession),
    ("role", ValueList::Role),
    ("modeExercice", ValueList::Mode),
    ("categorie", ValueList::Category),
    ("motif", ValueList::EndReason),
];

/// `GET /situations`.
pub(crate) async fn situations(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let [structure, at, lines] = call.parameters(["structure", "page", "parPage"])?;
    if structure.is_empty() {
        return Err(HrProblem::named(CallFault::Parameter, &["structure".to_owned()]));
    }
    let (offset, limit) = page(&at, &lines)?;
    let found = door.registration().software_staff(&call.session, &structure, offset, limit).await?;
    let lines: Vec<Value> = found.lines.iter().map(json::staff).collect();
    let value = json!({"structure": json::place(&found.place), "personnes": found.total, "situations": lines});
    Ok(json::answer(StatusCode::OK, &value))
}

/// `GET /professionnels/{rpps}`.
pub(crate) async fn person(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let found = door.registration().software_person(&call.session, call.segment(0)).await?;
    let value = json::person(&found).ok_or_else(|| HrProblem::told(MessageCode::EPer01, MessageCode::EPer01.text()))?;
    Ok(json::answer(StatusCode::OK, &value))
}

/// `GET /structures`: without criteria, those of the perimeter.
pub(crate) async fn structures(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let [nom, finess, siret, cp, commune] = call.parameters(["nom", "finess", "siret", "cp", "commune"])?;
    let is_search = [&nom, &finess, &siret, &cp, &commune].iter().any(|text| !text.is_empty());
    let query = StructureQuery { nom, finess, siret, cp, commune };
    let mut asked = if is_search { check_structure_search(&query) } else { Default::default() };
    if asked.has_errors() {
        return Err(HrProblem::found(findings(&asked)));
    }
    let found = door.registration().software_places(&call.session, is_search.then_some(&query)).await?;
    if is_search {
        check_structure_results(&mut asked, found.len());
        if asked.has_errors() {
            return Err(HrProblem::found(findings(&asked)));
        }
    }
    let lines = found.iter().map(|found| {
        let mut value = json::place(&found.place);
        if let Some(members) = value.as_object_mut() {
            members.insert("dansLePerimetre".to_owned(), json!(found.within));
        }
        value
    });
    Ok(json::answer(StatusCode::OK, &json!({"structures": lines.collect::<Vec<_>>()})))
}

/// `GET /nomenclatures`: the lists of the form, closed codes too, so that former situations can be shown.
pub(crate) async fn lists(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let [] = call.parameters([])?;
    let (sets, today) = (ValueSets::new(Nos::embedded()), (door.settings.today)());
    let lists = LISTS.iter().map(|(field, list)| {
        let values = sets.dated(*list).into_iter().map(|(shown, dates)| {
            json!({
                "code": shown.code,
                "libelle": shown.label,
                "debut": dates.valid_from,
                "fin": dates.valid_to,
                "ouvert": dates.valid_on(&today),
            })
        });
        json!({"champ": field, "terminologie": list.terminology(), "valeurs": values.collect::<Vec<_>>()})
    });
    Ok(json::answer(StatusCode::OK, &json!({"jour": today, "listes": lists.collect::<Vec<_>>()})))
}

/// `GET /evenements`.
pub(crate) async fn events(door: Arc<HrDoor>, call: SoftwareCall) -> Result<Response, HrProblem> {
    let [after, lines] = call.parameters(["depuis", "parPage"])?;
    let after =
        RequestEventCursor::parse(&after).ok_or_else(|| HrProblem::named(CallFault::Parameter, &["depuis".to_owned()]))?;
    let (_, limit) = page("", &lines)?;
    let found = door.registration().software_events(&call.session, &after, limit).await?;
    let events: Vec<Value> = found.events.iter().map(json::event).collect();
    let value = json!({"evenements": events, "suite": found.next.to_string(), "encore": found.more});
    Ok(json::answer(StatusCode::OK, &value))
}

/// `GET /openapi.json`.
pub(crate) async fn document(door: Arc<HrDoor>, _: OpenCall) -> Result<Response, HrProblem> {
    Ok(json::answer(StatusCode::OK, &door.document))
}
