//! From an answer to a response: format, compression, common headers.

use annuaire_web::limits::{GZIP_FROM, KEPT_FROM};
use annuaire_web::{
    CutShort, ErrorCode, JsonIndenter, Piece, PieceSource, accepts_gzip, record_internal_error, response_in_pieces,
};
use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode, header};
use axum::response::Response;

use crate::answer::{Answer, AnswerMedia, AnswerRest};
use crate::door::{Door, Sharing};
use crate::error::ApiError;
use crate::format::AnswerFormat;
use crate::headers::{ALLOWED, EXPOSED, add_constant};
use crate::limits;
use crate::outcome::{Severity, operation_outcome};
use crate::request::OpenRequest;
use crate::xml;

const JSON: &str = "application/fhir+json;charset=UTF-8";
const XML: &str = "application/fhir+xml;charset=UTF-8";
const TEXT: &str = "text/plain;charset=UTF-8";

/// The answer to a refused request. The cause of an internal error goes to the log of the operator.
pub(crate) fn refuse<D: Door>(error: &ApiError, request: &OpenRequest<D>) -> Answer {
    if let Some(cause) = &error.cause {
        record_internal_error(&request.arrival.id, request.subject.route, cause);
        if let Some(answer) = D::internal_error() {
            return answer;
        }
    }
    let status = error.code.status();
    let answer = Answer::fhir(status, operation_outcome(Severity::Error, std::slice::from_ref(error)));
    let answer = error.tag.iter().fold(answer, |answer, tag| answer.with(header::ETAG, tag.to_string()));
    match status {
        _ if error.code == ErrorCode::StoreBehind => answer.with(header::RETRY_AFTER, limits::BEHIND_RETRY_SECONDS.to_string()),
        StatusCode::UNAUTHORIZED => answer.with(header::WWW_AUTHENTICATE, format!("{} realm=\"fhir\"", D::CHALLENGE)),
        _ => answer,
    }
}

/// Writes an answer in the format of the request, compressed when the client accepts it and it is long enough.
pub(crate) fn finish<D: Door>(mut answer: Answer, request: &OpenRequest<D>) -> Response {
    let service = &request.mount.service;
    let media_type = match convert(&mut answer, request) {
        Ok(media_type) => media_type,
        Err(error) => {
            (answer.status, answer.rest) = (StatusCode::INTERNAL_SERVER_ERROR, None);
            answer.body = refuse(&error, request).body;
            JSON
        }
    };
    let Answer { status, mut body, rest, file, headers, media: answer_media } = answer;
    let mut indenter = (request.is_for_people && media_type == JSON && file.is_none()).then(JsonIndenter::default);
    if let Some(indenter) = &mut indenter {
        body = indenter.indent(&body);
    }
    let length = body.len();
    let mut encoder = (accepts_gzip(&request.parts.headers) && length >= GZIP_FROM).then(|| service.turns.gate.gzip_encoder());
    let compressed = encoder.is_some();
    if rest.is_none()
        && let Some(encoder) = encoder.take()
    {
        body = encoder.compress_all(&body);
    }
    let named = headers.iter().any(|(name, _)| *name == header::CONTENT_TYPE);
    let has_type = !named && (!body.is_empty() || answer_media == AnswerMedia::Lines);
    let mut kept = None;
    let mut response = match rest {
        Some(rest) => response_in_pieces(body, Box::new(ForPeople { rest, indenter }), encoder, &service.turns, request.client()),
        None => {
            let body = Bytes::from(body);
            // A body with one owner costs less than a shared one: only an answer that may be kept is shared.
            let key = request.key.clone().filter(|_| status == StatusCode::OK && length >= KEPT_FROM);
            kept = key.zip(request.basis.clone()).map(|(key, basis)| (key, basis, body.clone()));
            Response::new(Body::from(body))
        }
    };
    if let Some(file) = file {
        file.send_in(&mut response, &service.turns.gate);
    }
    *response.status_mut() = status;
    if has_type {
        add_constant(&mut response, header::CONTENT_TYPE, media_type);
    }
    if compressed {
        add_constant(&mut response, header::CONTENT_ENCODING, "gzip");
    }
    let vary = match request.varies_with_instant {
        true => "Accept, Accept-Datetime, Accept-Encoding, Authorization, ESANTE-API-KEY",
        false => "Accept, Accept-Encoding, Authorization, ESANTE-API-KEY",
    };
    add_constant(&mut response, header::VARY, vary);
    add_constant(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.headers_mut().extend(headers);
    add_sharing_headers::<D>(&mut response, &request.parts.method);
    if let (Some((key, basis, body)), Some(perimeter)) = (kept, D::kept_from(service)) {
        perimeter.kept.keep(key, basis, body, response.headers(), request.subject);
    }
    response
}

/// The rest of an answer, indented when people asked for it.
struct ForPeople {
    rest: AnswerRest,
    indenter: Option<JsonIndenter>,
}

impl PieceSource for ForPeople {
    fn next_piece(&mut self, bytes: usize) -> Result<Piece, CutShort> {
        let piece = self.rest.next_piece(bytes)?;
        Ok(match &mut self.indenter {
            Some(indenter) => Piece { bytes: indenter.indent(&piece.bytes), ..piece },
            None => piece,
        })
    }
}

/// Converts the body to the format of the request, and gives its media type.
fn convert<D: Door>(answer: &mut Answer, request: &OpenRequest<D>) -> Result<&'static str, ApiError> {
    match answer.media {
        AnswerMedia::Fhir => {}
        AnswerMedia::Json => return Ok("application/json"),
        AnswerMedia::Lines => return Ok("application/x-ndjson"),
        AnswerMedia::Plain => return Ok(TEXT),
    }
    if request.format != AnswerFormat::Xml || answer.body.is_empty() {
        return Ok(JSON);
    }
    answer.body = match &mut answer.rest {
        None => xml::document(&answer.body).map_err(ApiError::internal)?,
        Some(AnswerRest::Bundle(rest)) => rest.start_xml(&answer.body)?,
        Some(AnswerRest::Changes { .. } | AnswerRest::Lines(_)) => return Ok(JSON),
    };
    Ok(XML)
}

/// Says who may keep the answer, and which sites may read it.
fn add_sharing_headers<D: Door>(response: &mut Response, method: &Method) {
    match D::SHARING {
        Sharing::NoStore => add_constant(response, header::CACHE_CONTROL, "no-store"),
        Sharing::SameSite => {}
        Sharing::AnySite => {
            add_constant(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
            add_constant(response, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
            if method == Method::OPTIONS {
                add_constant(response, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, POST");
                add_constant(response, header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
                add_constant(response, header::ACCESS_CONTROL_MAX_AGE, "86400");
            }
        }
    }
}
