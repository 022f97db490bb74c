//! A request for a page, from its arrival to its log line.

use std::sync::Arc;

use annuaire_web::{Anyone, Client, RateRule, Refusal, RequestLine, RequestSubject};
use axum::body::HttpBody;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::Pages;

/// Routes that no rate counts: what a page brings with it.
pub(crate) const STYLE: &str = "pages.style";
pub(crate) const ROBOTS: &str = "pages.robots";

/// What a page needs to know of its request.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// Whose turn it takes.
    pub client: Client,
    /// Request id, which the visitor reads when something goes wrong.
    pub id: String,
    /// Name of the page.
    pub route: &'static str,
    /// What a proxy cut from the path: empty or `/…`.
    pub root: String,
}

impl Visit {
    /// The address of a path of ours, as the visitor asks it.
    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Tells the operator of an internal error.
    pub(crate) fn record(&self, cause: &(dyn std::error::Error + 'static)) {
        annuaire_web::record_internal_error(&self.id, self.route, &annuaire_web::cause_chain(cause));
    }
}

/// Lets the request for the page `route` in, has it answered, and writes its line.
pub(crate) async fn pass(State((pages, route)): State<(Arc<Pages>, &'static str)>, request: Request, next: Next) -> Response {
    let gate = &pages.settings.gate;
    let (mut parts, body) = request.into_parts();
    let rule = if route == STYLE || route == ROBOTS { RateRule::Exempt } else { RateRule::Counted };
    let (arrival, pass) = gate.arrive::<Anyone>(&mut parts, rule).await;
    let root = gate.prefix(&parts);
    let visit = Visit { client: arrival.client, id: arrival.id.clone(), route, root };
    let method = parts.method.clone();
    let mut response = match pass {
        Err(Refusal::Rate) => {
            let seconds = arrival.rate.map_or(1, |(_, verdict)| verdict.reset.max(1));
            let plural = if seconds > 1 { "s" } else { "" };
            pages.message(
                &visit,
                StatusCode::TOO_MANY_REQUESTS,
                "Trop de demandes",
                &format!("Votre adresse a demandé trop de pages en peu de temps. Réessayez dans {seconds} seconde{plural}."),
            )
        }
        // What is asked for nothing is refused for its host alone.
        Err(_) => pages.message(
            &visit,
            StatusCode::BAD_REQUEST,
            "Demande incorrecte",
            "La demande ne nomme pas ce serveur comme il faut. Vérifiez l’adresse, ou le mandataire placé devant ce serveur.",
        ),
        Ok(_) => {
            parts.extensions.insert(visit);
            next.run(Request::from_parts(parts, body)).await
        }
    };
    gate.stamp(&arrival, &mut response);
    let subject = RequestSubject { route, ..RequestSubject::default() };
    let line =
        RequestLine { method, subject, status: response.status(), client: arrival.client, id: arrival.id, start: arrival.start };
    let bytes = if line.method == Method::HEAD { 0 } else { response.body().size_hint().exact().unwrap_or(0) };
    gate.account(&line, bytes, gate.now() - arrival.start);
    response
}
