//! The life of a request: let in, checked, answered at once or in turn, accounted for.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use annuaire_index::Effort;
use annuaire_web::limits::{LONG, QUICK};
use annuaire_web::{Anyone, Arrival, ErrorCode, Full, Refusal, RequestLine, account_for, known_length};
use axum::extract::Request;
use axum::http::{Method, request::Parts};
use axum::response::Response;

use crate::answer::Answer;
use crate::call::Call;
use crate::door::Door;
use crate::error::ApiError;
use crate::finish::{finish, refuse};
use crate::format::AnswerFormat;
use crate::kept::answer_key;
use crate::limits;
use crate::mount::{EndpointId, Mount};
use crate::operations::preflight;
use crate::request::OpenRequest;

/// Answers a request that the router brought to an endpoint. The order of the checks is part of the contract: host, rate, key or
/// credential, method, length of the query, format, length of the body, format of the form; then the operation.
pub(crate) async fn serve<D: Door>(mount: Arc<Mount<D>>, endpoint: EndpointId, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let gate = &mount.service.turns.gate;
    if parts.method == Method::OPTIONS {
        // A browser sends no key with its preflight request.
        let (arrival, pass) = gate.arrive::<Anyone>(&mut parts, D::RATE).await;
        let (request, refused) = OpenRequest::new(mount, parts, arrival);
        let answer = pass.map_err(ApiError::from).and_then(|pass| refused.map_or_else(|| Ok(preflight(pass)), Err));
        return request.close(answer);
    }
    let (arrival, pass) = gate.arrive::<D::Pass>(&mut parts, D::RATE).await;
    let admitted = pass.map_err(ApiError::from).and_then(|pass| check::<D>(&mount, &parts).map(|()| pass));
    let (mut request, refused) = OpenRequest::new(mount, parts, arrival);
    let pass = match admitted.and_then(|pass| refused.map_or(Ok(pass), Err)) {
        Ok(pass) => pass,
        Err(error) => return request.close(Err(error)),
    };
    if let Err(error) = request.take_form(body).await {
        return request.close(Err(error));
    }
    request.key = answer_key(&request);
    let pause = request.mount.service.turns.shares.pause(request.client(), request.arrival.start);
    let quick = match pause {
        None => request.respond(endpoint, pass, QUICK),
        Some(micros) => {
            tokio::time::sleep(Duration::from_micros(micros)).await;
            None
        }
    };
    match quick {
        Some(response) => request.account(response),
        None => request.respond_in_turn(endpoint, pass).await,
    }
}

/// Refuses a door that is closed, methods that would change data, and queries that are too long; before any body is read.
fn check<D: Door>(mount: &Mount<D>, parts: &Parts) -> Result<(), ApiError> {
    if !D::is_open(&mount.service) {
        return Err(Refusal::Closed.into());
    }
    if ![Method::GET, Method::HEAD, Method::POST].contains(&parts.method) {
        return Err(ApiError::read_only());
    }
    // A page token is a query in base64 and may be a third longer.
    if parts.uri.query().is_some_and(|q| q.len() > limits::QUERY && !parts.uri.path().ends_with("/_page")) {
        return Err(ApiError::new(ErrorCode::QueryTooLong, "The query is too long."));
    }
    Ok(())
}

impl<D: Door> OpenRequest<D> {
    /// The response that was kept, or that this much work makes; `None` when it needs more.
    fn respond(&mut self, endpoint: EndpointId, pass: D::Pass, effort: Effort) -> Option<Response> {
        let mount = Arc::clone(&self.mount);
        let turns = &mount.service.turns;
        let start = turns.gate.now();
        let response = self.find_or_make(endpoint, pass, effort);
        let now = turns.gate.now();
        let bytes = response.as_ref().map_or(0, known_length);
        turns.shares.count(self.client(), now, now - start, bytes, i64::from(response.is_some()));
        response
    }

    fn find_or_make(&mut self, endpoint: EndpointId, pass: D::Pass, effort: Effort) -> Option<Response> {
        if let Some((response, subject)) = self.key.as_ref().and_then(|key| self.mount.service.kept.find(key)) {
            self.subject = subject;
            return Some(response);
        }
        let answer = match self.operate(endpoint, pass, effort) {
            Err(error) if error.code == ErrorCode::WorkExhausted && effort < LONG => return None,
            outcome => outcome.unwrap_or_else(|error| refuse(&error, self)),
        };
        Some(finish(answer, self))
    }

    /// Calls the operation.
    fn operate(&mut self, endpoint: EndpointId, pass: D::Pass, effort: Effort) -> Result<Answer, ApiError> {
        let mut call = Call {
            service: &self.mount.service,
            mount: self.mount.path,
            parts: &self.parts,
            form: self.form.as_deref(),
            effort,
            subject: &mut self.subject,
            door: PhantomData,
        };
        let answer = self.mount.operate(endpoint, pass, &mut call)?;
        if effort == QUICK && self.format == AnswerFormat::Xml && answer.rest.is_some() {
            // XML starts with the links, which are known once the whole page is measured.
            return Err(ApiError::from_index(annuaire_index::Error::Exhausted));
        }
        Ok(answer)
    }

    /// Responds in the turn of the client, with the work that a long request may take.
    async fn respond_in_turn(mut self, endpoint: EndpointId, pass: D::Pass) -> Response {
        let spare = self.without_body();
        let job = move || {
            let response = self.respond(endpoint, pass, LONG);
            (self, response)
        };
        let error = match spare.mount.service.turns.lane.run(spare.client(), job) {
            Ok(result) => match result.await {
                Ok((request, Some(response))) => return request.account(response),
                _ => ApiError::internal("the answer was not made: its job panicked, or the server ends"),
            },
            Err(Full) => ApiError::new(ErrorCode::TooManyLongRequests, "Too many long searches at once: wait for their answers."),
        };
        spare.close(Err(error))
    }

    /// Answers without an operation, or refuses.
    fn close(self, answer: Result<Answer, ApiError>) -> Response {
        let answer = answer.unwrap_or_else(|error| refuse(&error, &self));
        let response = finish(answer, &self);
        self.account(response)
    }

    /// Adds the headers of every answer, and accounts for the request.
    fn account(self, mut response: Response) -> Response {
        let Self { mount, parts, arrival, subject, .. } = self;
        let gate = &mount.service.turns.gate;
        gate.stamp(&arrival, &mut response);
        let Arrival { start, id, client, .. } = arrival;
        let line = RequestLine { method: parts.method, subject, status: response.status(), client, id, start };
        account_for(gate, &mut response, line);
        response
    }
}
