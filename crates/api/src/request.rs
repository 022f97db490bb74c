//! A request in progress, from its arrival to its log line.

use std::sync::Arc;

use annuaire_web::{AnswerKey, Arrival, Client, ErrorCode, RequestSubject};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{Method, request::Parts};

use crate::basis::AnswerBasis;
use crate::door::Door;
use crate::error::ApiError;
use crate::format::{AnswerFormat, is_form};
use crate::mount::{EndpointId, Mount};

/// A request in progress.
pub(crate) struct OpenRequest<D: Door> {
    pub mount: Arc<Mount<D>>,
    pub parts: Parts,
    /// Body of a POST or a PUT.
    pub form: Option<Bytes>,
    pub format: AnswerFormat,
    /// JSON is indented.
    pub is_for_people: bool,
    /// It has waited for a transaction that did not come.
    pub has_waited: bool,
    pub arrival: Arrival,
    pub subject: RequestSubject,
    /// Key of an answer that may be kept.
    pub key: Option<AnswerKey>,
    /// What the answer was made of, when the operation said it.
    pub basis: Option<AnswerBasis>,
    /// The answer depends on the header `Accept-Datetime`.
    pub varies_with_instant: bool,
}

impl<D: Door> OpenRequest<D> {
    /// The request and, when it asks for a format that is not served, its refusal, which is JSON.
    pub(crate) fn new(mount: Arc<Mount<D>>, parts: Parts, arrival: Arrival) -> (Self, Option<ApiError>) {
        let (format, refused) = match AnswerFormat::of_request(&parts) {
            Ok(format) => (format, None),
            Err(error) => (AnswerFormat::Json, Some(error)),
        };
        let subject = RequestSubject::default();
        let is_for_people = AnswerFormat::is_for_people(parts.uri.query().unwrap_or_default());
        let request = Self {
            mount,
            parts,
            form: None,
            format,
            is_for_people,
            has_waited: false,
            arrival,
            subject,
            key: None,
            basis: None,
            varies_with_instant: false,
        };
        (request, refused)
    }

    /// Whom the request counts for.
    pub(crate) fn client(&self) -> Client {
        self.arrival.client
    }

    /// Reads the body of a POST or a PUT, as long as its endpoint allows. A format that its form asks for replaces that of address and headers.
    pub(crate) async fn take_body(&mut self, endpoint: EndpointId, body: Body) -> Result<(), ApiError> {
        if ![Method::POST, Method::PUT].contains(&self.parts.method) {
            return Ok(());
        }
        let form = to_bytes(body, self.mount.body_limit(endpoint)).await;
        let form = form.map_err(|_| ApiError::new(ErrorCode::BodyTooLong, "The request body is too large."))?;
        if is_form(&self.parts.headers) {
            let parameters = std::str::from_utf8(&form).unwrap_or_default();
            self.format = AnswerFormat::of_parameters(parameters)?.unwrap_or(self.format);
            self.is_for_people |= AnswerFormat::is_for_people(parameters);
        }
        self.form = Some(form);
        Ok(())
    }

    /// A copy of the request without its body, from which the refusal is made when the job is lost.
    pub(crate) fn without_body(&self) -> Self {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = self.parts.method.clone();
        parts.uri = self.parts.uri.clone();
        parts.headers = self.parts.headers.clone();
        parts.extensions = self.parts.extensions.clone();
        let (mount, arrival) = (Arc::clone(&self.mount), self.arrival.clone());
        Self {
            mount,
            parts,
            form: None,
            format: self.format,
            is_for_people: self.is_for_people,
            has_waited: self.has_waited,
            arrival,
            subject: self.subject,
            key: None,
            basis: None,
            varies_with_instant: self.varies_with_instant,
        }
    }
}
