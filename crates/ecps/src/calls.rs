//! The calls of phones, in JSON (identity §2.7.2, §2.7.3). They use no cookie: each that needs it is signed by the key of the phone.

use crate::activating::BindCall;
use crate::activation::ActivationStep;
use crate::answering::DecisionCall;
use crate::door::{DoorState, PhoneDoor, no_store, recorded};
use crate::error::{PhoneError, PhoneRefusal};
use crate::subscription::PushSubscription;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
struct StartCall {
    national_id: String,
}

#[derive(Deserialize)]
struct SignedCall {
    call: String,
}

#[derive(Deserialize)]
struct MeansCall {
    means_id: String,
    call: String,
}

#[derive(Deserialize)]
struct FirstPasskeyCall {
    call: String,
    credential: Value,
}

#[derive(Deserialize)]
struct PasskeyCall {
    means_id: String,
    call: String,
    credential: Value,
}

pub(crate) fn routes() -> Router<Arc<PhoneDoor>> {
    Router::new()
        .route("/e-cps/api/activations", post(start))
        .route("/e-cps/api/activations/device", post(device))
        .route("/e-cps/api/activations/{id}/otp", post(otp))
        .route("/e-cps/api/activations/{id}/step", post(step))
        .route("/e-cps/api/activations/{id}/pin", post(pin))
        .route("/e-cps/api/activations/{id}/passkey/start", post(start_first_passkey))
        .route("/e-cps/api/activations/{id}/passkey/finish", post(finish_first_passkey))
        .route("/e-cps/api/passkey/start", post(start_passkey))
        .route("/e-cps/api/passkey/finish", post(finish_passkey))
        .route("/e-cps/api/passkey/removal", post(remove_passkey))
        .route("/e-cps/api/push", post(push))
        .route("/e-cps/api/prompts", post(prompts))
        .route("/e-cps/api/decisions", post(decide))
        .route("/e-cps/api/revocation", post(revoke))
}

pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, PhoneError> {
    serde_json::from_slice(body).map_err(|_| PhoneRefusal::Malformed("body").into())
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(if status == StatusCode::NO_CONTENT { Body::empty() } else { Body::from(body.to_string()) });
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    no_store(&mut response);
    response
}

pub(crate) fn answered(parts: &Parts, route: &'static str, done: Result<(StatusCode, Value), PhoneError>) -> Response {
    match done {
        Ok((status, body)) => answer(status, &body),
        Err(PhoneError::Refused(refusal)) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            let mut body = json!({"error": refusal.code(), "message": refusal.french()});
            if let PhoneRefusal::WrongPin(left) | PhoneRefusal::WrongCode(left) = refusal {
                body["left"] = left.into();
            }
            answer(status, &body)
        }
        Err(PhoneError::Contended) => {
            let body = json!({"error": "contended", "message": "Plusieurs demandes se croisent. Réessayez."});
            answer(StatusCode::SERVICE_UNAVAILABLE, &body)
        }
        Err(error) => {
            let id = recorded(parts, route, &error);
            let message = format!("Une erreur est survenue (incident {id}). Réessayez dans quelques minutes.");
            answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({"error": "internal", "message": message}))
        }
    }
}

async fn start(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: StartCall = read(&body)?;
        let id = door.service.start_activation(&call.national_id).await?;
        Ok((StatusCode::ACCEPTED, json!({"activation_id": id})))
    };
    answered(&parts, "ecps.activations", done.await)
}

async fn device(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: BindCall = read(&body)?;
        let bound = door.service.bind_phone(&call).await?;
        let mut said = json!({"activation_id": bound.activation_id, "sms_required": bound.pc_code.is_none()});
        if let Some(code) = bound.pc_code {
            said["pc_code"] = code.into();
        }
        Ok((StatusCode::OK, said))
    };
    answered(&parts, "ecps.device", done.await)
}

async fn otp(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: SignedCall = read(&body)?;
        door.service.check_code(&id, &call.call).await?;
        Ok((StatusCode::NO_CONTENT, Value::Null))
    };
    answered(&parts, "ecps.otp", done.await)
}

async fn step(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: SignedCall = read(&body)?;
        let step = match door.service.activation_step(&id, &call.call).await? {
            ActivationStep::Asked | ActivationStep::Opened | ActivationStep::PhoneBound => "waiting",
            ActivationStep::Proven => "proven",
            ActivationStep::Done => "done",
            ActivationStep::Over => "over",
        };
        Ok((StatusCode::OK, json!({"step": step})))
    };
    answered(&parts, "ecps.step", done.await)
}

async fn pin(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: SignedCall = read(&body)?;
        let means_id = door.service.choose_pin(&id, &call.call).await?;
        Ok((StatusCode::CREATED, json!({"means_id": means_id, "passkeys": door.service.has_passkeys()})))
    };
    answered(&parts, "ecps.pin", done.await)
}

async fn start_first_passkey(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: SignedCall = read(&body)?;
        Ok((StatusCode::OK, door.service.start_first_passkey(&id, &call.call).await?))
    };
    answered(&parts, "ecps.passkey", done.await)
}

async fn finish_first_passkey(State(door): DoorState, Path(id): Path<String>, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: FirstPasskeyCall = read(&body)?;
        let made = door.service.finish_first_passkey(&id, &call.call, &call.credential).await?;
        Ok((StatusCode::CREATED, json!(made)))
    };
    answered(&parts, "ecps.passkey", done.await)
}

async fn start_passkey(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: MeansCall = read(&body)?;
        Ok((StatusCode::OK, door.service.start_passkey(&call.means_id, &call.call).await?))
    };
    answered(&parts, "ecps.passkey", done.await)
}

async fn finish_passkey(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: PasskeyCall = read(&body)?;
        let made = door.service.finish_passkey(&call.means_id, &call.call, &call.credential).await?;
        Ok((StatusCode::CREATED, json!(made)))
    };
    answered(&parts, "ecps.passkey", done.await)
}

async fn remove_passkey(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: MeansCall = read(&body)?;
        door.service.remove_own_passkey(&call.means_id, &call.call).await?;
        Ok((StatusCode::NO_CONTENT, Value::Null))
    };
    answered(&parts, "ecps.passkey", done.await)
}

#[derive(Deserialize)]
struct PushCall {
    means_id: String,
    call: String,
    subscription: Option<PushSubscription>,
}

async fn push(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: PushCall = read(&body)?;
        door.service.subscribe(&call.means_id, &call.call, call.subscription.as_ref()).await?;
        Ok((StatusCode::NO_CONTENT, Value::Null))
    };
    answered(&parts, "ecps.push", done.await)
}

async fn prompts(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: MeansCall = read(&body)?;
        let view = door.service.waiting(&call.means_id, &call.call).await?;
        let said = json!({
            "now_ms": view.now_ms,
            "state": view.means.state,
            "device": view.means.device.name,
            "expires_ms": view.means.expires_ms,
            "prompts": view.prompts,
            "methods": {"pin": view.methods.takes_pin(), "passkey": view.rp_id.is_some()},
            "rp_id": view.rp_id,
            "passkey": view.means.passkey,
            "push": {"key": door.service.push_key().await?, "on": view.means.is_notified},
        });
        Ok((StatusCode::OK, said))
    };
    answered(&parts, "ecps.prompts", done.await)
}

async fn decide(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: DecisionCall = read(&body)?;
        let outcome = door.service.decide(&call).await?;
        Ok((StatusCode::OK, json!({"outcome": outcome})))
    };
    answered(&parts, "ecps.decisions", done.await)
}

async fn revoke(State(door): DoorState, parts: Parts, body: Bytes) -> Response {
    let done = async {
        let call: MeansCall = read(&body)?;
        door.service.revoke_itself(&call.means_id, &call.call).await?;
        Ok((StatusCode::NO_CONTENT, Value::Null))
    };
    answered(&parts, "ecps.revocation", done.await)
}
