//! `POST [base]/Practitioner/$match-practitioner`: who was described, with the reasons (interop §11.5).

use annuaire_base::date::iso_ms;
use annuaire_finder::described::{ScoredPractice, scored_practices};
use annuaire_finder::resemblance::{ComparedFeature, MatchGrade};
use axum::http::{StatusCode, header};
use serde_json::{Value, json};

use super::match_question::MatchQuestion;
use crate::answer::Answer;
use crate::as_of::{AskedState, stamped};
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::headers::header_text;
use crate::json::quote;
use annuaire_web::ErrorCode;

/// Extension of R4 that says how sure a match is.
const MATCH_GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";
/// Our extension that says why.
const MATCH_EXPLANATION: &str = "https://annuaire.example/fhir/StructureDefinition/match-explanation";

/// The practitioners of the perimeter that the posted description fits, the likeliest first. Two practices of one person are two
/// practitioners.
pub(crate) fn match_practitioner<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "match-practitioner";
    call.subject.ty = "Practitioner";
    let media = header_text(&call.parts.headers, header::CONTENT_TYPE).to_ascii_lowercase();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !matches!(media, "application/fhir+json" | "application/json" | "text/json" | "json") {
        let text = "The Parameters of a match are read in JSON only.";
        return Err(ApiError::new(ErrorCode::BodyNotRead, text).hint("Send them with Content-Type: application/fhir+json."));
    }
    let question = MatchQuestion::read(call.form.unwrap_or_default())?;
    let query = call.query().to_owned();
    let AskedState { snap, memento, .. } = call.state(pass, &query)?;
    let mut found = scored_practices(&snap, &question.described).map_err(ApiError::from_index)?;
    if question.only_certain {
        found.retain(|practice| practice.grade == MatchGrade::Certain);
        // Of two that are certain, neither is.
        if found.len() > 1 {
            found.clear();
        }
    }
    let total = found.len();
    found.truncate(question.count);
    call.subject.results = Some(found.len() as u64);
    let base = call.base();
    let mut out = br#"{"resourceType":"Bundle","meta":{"lastUpdated":"#.to_vec();
    quote(&mut out, &iso_ms(snap.commit_ms()));
    out.extend_from_slice(format!(r#"}},"type":"searchset","total":{total},"link":[{{"relation":"self","url":"#).as_bytes());
    quote(&mut out, &format!("{base}{}", call.path()));
    out.extend_from_slice(b"}]");
    for (n, practice) in found.iter().enumerate() {
        out.extend_from_slice(if n == 0 { br#","entry":["# } else { b"," });
        write_entry(&mut out, &base, practice);
    }
    if !found.is_empty() {
        out.push(b']');
    }
    out.push(b'}');
    let answer = stamped(Answer::fhir(StatusCode::OK, out), memento, P::TYPES, || call.original());
    Ok(match memento {
        Some(_) => answer,
        // The question may name somebody: no cache keeps what was found.
        None => answer.with(header::CACHE_CONTROL, "no-store".to_owned()),
    })
}

fn write_entry(out: &mut Vec<u8>, base: &str, practice: &ScoredPractice) {
    out.extend_from_slice(br#"{"fullUrl":"#);
    quote(out, &format!("{base}/Practitioner/{}", practice.version.id()));
    out.extend_from_slice(br#","resource":"#);
    out.extend_from_slice(practice.version.body());
    let mut extensions = vec![json!({"url": MATCH_GRADE, "valueCode": practice.grade.code()})];
    extensions.extend(practice.compared.iter().map(explanation));
    let search = json!({"extension": extensions, "mode": "match", "score": decimal(practice.score)});
    out.extend_from_slice(format!(r#","search":{search}}}"#).as_bytes());
}

/// One line of the explanation; a text that is empty is left out.
fn explanation(line: &ComparedFeature) -> Value {
    let mut parts = vec![json!({"url": "feature", "valueCode": line.feature.code()})];
    for (url, text) in [("given", &line.given), ("found", &line.found)] {
        if !text.is_empty() {
            parts.push(json!({"url": url, "valueString": text}));
        }
    }
    parts.push(json!({"url": "agreement", "valueCode": line.agreement.code()}));
    parts.push(json!({"url": "weight", "valueDecimal": decimal(line.weight)}));
    json!({"url": MATCH_EXPLANATION, "extension": parts})
}

fn decimal(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1_000.0
}
