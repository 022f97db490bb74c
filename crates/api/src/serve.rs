//! The life of a request: let in, checked, answered at once or in turn, accounted for.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use annuaire_base::Tx;
use annuaire_index::Effort;
use annuaire_web::limits::{LONG, QUICK};
use annuaire_web::{Anyone, Arrival, ErrorCode, Full, RequestLine, RequestSubject, account_for, known_length};
use axum::extract::Request;
use axum::http::{Method, request::Parts};
use axum::response::Response;

use crate::answer::{Answer, AnswerMedia, AnswerRest};
use crate::call::Call;
use crate::door::Door;
use crate::error::{ApiError, Awaited};
use crate::finish::{finish, refuse};
use crate::format::{AnswerFormat, not_served};
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
        let (arrival, pass) = gate.arrive::<Anyone>(&mut parts, mount.rate(endpoint)).await;
        let (request, refused) = OpenRequest::new(mount, parts, arrival);
        let answer = pass.map_err(ApiError::from).and_then(|pass| refused.map_or_else(|| Ok(preflight(pass)), Err));
        return request.close(answer);
    }
    let (arrival, pass) = gate.arrive::<D::Pass>(&mut parts, mount.rate(endpoint)).await;
    let admitted = pass.map_err(ApiError::from).and_then(|pass| check::<D>(&mount, endpoint, &parts).map(|()| pass));
    let (mut request, refused) = OpenRequest::new(mount, parts, arrival);
    let pass = match admitted.and_then(|pass| refused.map_or(Ok(pass), Err)) {
        Ok(pass) => pass,
        Err(error) => return request.close(Err(error)),
    };
    if let Err(error) = request.take_body(endpoint, body).await {
        return request.close(Err(error));
    }
    request.key = answer_key(&request);
    let pause = request.mount.service.turns.shares.pause(request.client(), request.arrival.start);
    let mut begun = match pause {
        None => request.respond(endpoint, pass, QUICK),
        Some(micros) => {
            tokio::time::sleep(Duration::from_micros(micros)).await;
            Begun::Long
        }
    };
    let mut patience = None;
    loop {
        begun = match begun {
            Begun::Answered(response) => return request.account(response),
            // Waiting takes neither a thread nor a place in the lane. Its bound is that of the first time.
            Begun::Awaiting(Awaited { tx, at_most }) => {
                let now = request.mount.service.turns.gate.now();
                let until = *patience.get_or_insert(now.saturating_add(i64::try_from(at_most.as_micros()).unwrap_or(i64::MAX)));
                let left = Duration::from_micros(u64::try_from(until - now).unwrap_or(0));
                request.has_waited = !request.wait_for(tx, left).await;
                request.respond(endpoint, pass, QUICK)
            }
            Begun::Long => match request.respond_in_turn(endpoint, pass).await {
                Ok((again, after)) => {
                    request = again;
                    after
                }
                Err(refused) => return *refused,
            },
        }
    }
}

/// How far a request got.
enum Begun {
    /// It is answered.
    Answered(Response),
    /// It needs more work than was allowed.
    Long,
    /// It waits for a transaction.
    Awaiting(Awaited),
}

/// Refuses a door that is closed, methods that would change data, and queries that are too long; before any body is read.
fn check<D: Door>(mount: &Mount<D>, endpoint: EndpointId, parts: &Parts) -> Result<(), ApiError> {
    if !D::is_open(&mount.service) {
        return Err(D::CLOSED.into());
    }
    if ![Method::GET, Method::HEAD, Method::POST].contains(&parts.method) && !mount.writes(endpoint, &parts.method) {
        return Err(ApiError::read_only());
    }
    // A page token is a query in base64 and may be a third longer.
    if parts.uri.query().is_some_and(|q| q.len() > limits::QUERY && !parts.uri.path().ends_with("/_page")) {
        return Err(ApiError::new(ErrorCode::QueryTooLong, "The query is too long."));
    }
    Ok(())
}

impl<D: Door> OpenRequest<D> {
    /// The response that was kept, or that this much work makes.
    fn respond(&mut self, endpoint: EndpointId, pass: D::Pass, effort: Effort) -> Begun {
        let mount = Arc::clone(&self.mount);
        let turns = &mount.service.turns;
        let start = turns.gate.now();
        let begun = self.find_or_make(endpoint, pass, effort);
        let now = turns.gate.now();
        let (bytes, requests) = match &begun {
            Begun::Answered(response) => (known_length(response), 1),
            Begun::Long | Begun::Awaiting(_) => (0, 0),
        };
        turns.shares.count(self.client(), now, now - start, bytes, requests);
        begun
    }

    fn find_or_make(&mut self, endpoint: EndpointId, pass: D::Pass, effort: Effort) -> Begun {
        if let Some((response, subject)) = self.kept_answer() {
            self.subject = subject;
            return Begun::Answered(response);
        }
        let answer = match self.operate(endpoint, pass, effort) {
            Err(error) if error.code == ErrorCode::WorkExhausted && effort < LONG => return Begun::Long,
            Err(ApiError { awaits: Some(awaited), .. }) if !self.has_waited => return Begun::Awaiting(*awaited),
            outcome => outcome.unwrap_or_else(|error| refuse(&error, self)),
        };
        Begun::Answered(finish(answer, self))
    }

    /// The answer that was kept, if the present state may still give it.
    fn kept_answer(&self) -> Option<(Response, RequestSubject)> {
        let key = self.key.as_ref()?;
        let perimeter = D::kept_from(&self.mount.service)?;
        perimeter.kept.find(key, |basis| basis.holds(&perimeter.store.get()))
    }

    /// Waits until the store of the door shows a transaction; false when it does not within the bound.
    async fn wait_for(&self, tx: Tx, left: Duration) -> bool {
        let Some(perimeter) = D::kept_from(&self.mount.service) else { return false };
        perimeter.store.wait_until(left, |index| index.applied_tx() >= tx).await
    }

    /// Calls the operation.
    fn operate(&mut self, endpoint: EndpointId, pass: D::Pass, effort: Effort) -> Result<Answer, ApiError> {
        self.basis = None;
        let mut call = Call {
            service: &self.mount.service,
            mount: self.mount.path,
            parts: &self.parts,
            form: self.form.as_deref(),
            client: self.arrival.client,
            request_id: &self.arrival.id,
            effort,
            has_waited: self.has_waited,
            subject: &mut self.subject,
            basis: &mut self.basis,
            varies_with_instant: &mut self.varies_with_instant,
            door: PhantomData,
        };
        let answer = self.mount.operate(endpoint, pass, &mut call)?;
        if self.format == AnswerFormat::Lines && answer.media == AnswerMedia::Fhir {
            return Err(not_served("of lines"));
        }
        if effort == QUICK && self.format == AnswerFormat::Xml && matches!(answer.rest, Some(AnswerRest::Bundle(_))) {
            // XML starts with the links, which are known once the whole page is measured.
            return Err(ApiError::from_index(annuaire_index::Error::Exhausted));
        }
        Ok(answer)
    }

    /// Responds in the turn of the client, with the work that a long request may take; gives the request back with how far it got,
    /// or its refusal.
    async fn respond_in_turn(mut self, endpoint: EndpointId, pass: D::Pass) -> Result<(Self, Begun), Box<Response>> {
        let spare = self.without_body();
        let job = move || {
            let begun = self.respond(endpoint, pass, LONG);
            (self, begun)
        };
        let error = match spare.mount.service.turns.lane.run(spare.client(), job) {
            Ok(result) => match result.await {
                // With all the work that there is, nothing is too long.
                Ok((request, begun @ (Begun::Answered(_) | Begun::Awaiting(_)))) => return Ok((request, begun)),
                _ => ApiError::internal("the answer was not made: its job panicked, or the server ends"),
            },
            Err(Full) => ApiError::new(ErrorCode::TooManyLongRequests, "Too many long searches at once: wait for their answers."),
        };
        Err(Box::new(spare.close(Err(error))))
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
