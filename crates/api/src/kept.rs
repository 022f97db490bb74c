//! Which answers of the API may be kept: those to addresses with a query.

use annuaire_web::{AnswerKey, accepts_gzip};
use axum::http::{Method, header};

use crate::as_of::ACCEPT_DATETIME;
use crate::door::Door;
use crate::headers::header_text;
use crate::request::OpenRequest;

/// The key of the answer to a page, of a request that was let in; `None` for any other request.
pub(crate) fn answer_key<D: Door>(request: &OpenRequest<D>) -> Option<AnswerKey> {
    let perimeter = D::kept_from(&request.mount.service)?;
    let parts = &request.parts;
    let (uri, headers) = (&parts.uri, &parts.headers);
    if parts.method != Method::GET || uri.query().is_none() || headers.contains_key(header::IF_NONE_MATCH) {
        return None;
    }
    let base = request.mount.service.turns.gate.base(parts);
    let preferences = headers.get_all("prefer").iter().count();
    let prefer = header_text(headers, "prefer");
    let (format, gzip) = (request.format, accepts_gzip(headers));
    let instant = header_text(headers, ACCEPT_DATETIME);
    let request = format!("{uri}\n{base}\n{preferences}{prefer}\n{format:?}\n{gzip}\n{instant}");
    Some(AnswerKey { generation: perimeter.store.generation(), request })
}
