//! The parts of a demonstration: the mailbox of everybody, and the phones of test users. Served only when the settings say so.

use crate::answering::ShownPrompt;
use crate::door::{DoorState, PhoneDemo, PhoneDoor, PhoneForm, PhoneFrame};
use crate::error::PhoneError;
use crate::french::french_time;
use crate::mailbox::LocalMessage;
use crate::means::MeansState;
use crate::prompt::DecisionOutcome;
use crate::simulated::{SimulatedPhone, SimulationError};
use askama::Template;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, request::Parts};
use axum::response::Response;
use axum::routing::{get, post};
use std::sync::Arc;

/// PIN of all simulated phones, shown on their page.
pub const SIMULATED_PIN: &str = "739164";

pub(crate) fn routes() -> Router<Arc<PhoneDoor>> {
    Router::new()
        .route("/e-cps/messagerie", get(mailbox))
        .route("/e-cps/simulateur", get(people))
        .route("/e-cps/simulateur/{n}", get(phone).post(decide))
        .route("/e-cps/simulateur/{n}/activer", post(activate))
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage {
    frame: PhoneFrame,
    messages: Vec<(LocalMessage, String, Vec<String>)>,
}

async fn mailbox(State(door): DoorState, parts: Parts) -> Response {
    let Some(demo) = &door.settings.demo else { return no_demo(&door) };
    match demo.mailbox.messages().await {
        Ok(messages) => {
            let line = |message: LocalMessage| {
                let words = message.text.split('\n').filter(|line| !line.is_empty()).map(str::to_owned).collect();
                let time = french_time(message.at_ms);
                (message, time, words)
            };
            let frame = PhoneFrame { refresh: 15, ..door.frame() };
            let page = MailboxPage { frame, messages: messages.into_iter().map(line).collect() };
            door.page_with_scripts(StatusCode::OK, &page)
        }
        Err(error) => door.error(&parts, "ecps.mailbox", &error),
    }
}

fn no_demo(door: &PhoneDoor) -> Response {
    door.message(StatusCode::NOT_FOUND, "Page inconnue", "Il n’y a rien à cette adresse. Revenez à l’accueil de l’e-CPS.")
}

#[derive(Template)]
#[template(path = "simulator_people.html")]
struct SimulatorPeoplePage {
    frame: PhoneFrame,
    people: Vec<(String, String)>,
}

async fn people(State(door): DoorState) -> Response {
    let Some(demo) = &door.settings.demo else { return no_demo(&door) };
    door.page(StatusCode::OK, &SimulatorPeoplePage { frame: door.frame(), people: demo.people.clone() })
}

#[derive(Template)]
#[template(path = "simulator.html")]
struct SimulatorPage<'a> {
    frame: PhoneFrame,
    n: usize,
    name: &'a str,
    national_id: &'a str,
    pin: &'a str,
    active: bool,
    state: &'static str,
    prompts: Vec<ShownPrompt>,
    said: String,
}

fn person(demo: &PhoneDemo, n: usize) -> Option<&(String, String)> {
    demo.people.get(n)
}

async fn shown(door: &PhoneDoor, parts: &Parts, n: usize, said: String) -> Response {
    let Some((national_id, name)) = door.settings.demo.as_ref().and_then(|demo| person(demo, n)) else { return no_demo(door) };
    let look = async {
        let Some(phone) = SimulatedPhone::kept(&door.service, national_id).await? else { return Ok(None) };
        phone.look(&door.service).await.map(Some)
    };
    let view = match look.await {
        Ok(view) => view,
        // The means of a former run of the demonstration.
        Err(SimulationError::Service(PhoneError::Refused(_)) | SimulationError::Key(_)) => None,
        Err(error) => return failed(door, parts, error),
    };
    let state = view.as_ref().map_or(MeansState::Pending, |view| view.means.state);
    let page = SimulatorPage {
        frame: PhoneFrame { refresh: if state == MeansState::Active && said.is_empty() { 5 } else { 0 }, ..door.frame() },
        n,
        name,
        national_id,
        pin: SIMULATED_PIN,
        active: state == MeansState::Active,
        state: if view.is_some() { state.french() } else { "pas encore activé" },
        prompts: view.map(|view| view.prompts).unwrap_or_default(),
        said,
    };
    if page.frame.refresh > 0 { door.page_with_scripts(StatusCode::OK, &page) } else { door.page(StatusCode::OK, &page) }
}

fn failed(door: &PhoneDoor, parts: &Parts, error: SimulationError) -> Response {
    match error {
        SimulationError::Service(error) => door.error(parts, "ecps.simulator", &error),
        other => door.message(StatusCode::CONFLICT, "Le téléphone simulé ne répond pas", &other.to_string()),
    }
}

async fn phone(State(door): DoorState, Path(n): Path<usize>, parts: Parts) -> Response {
    shown(&door, &parts, n, String::new()).await
}

async fn activate(State(door): DoorState, Path(n): Path<usize>, parts: Parts) -> Response {
    let Some(demo) = &door.settings.demo else { return no_demo(&door) };
    let Some((national_id, name)) = person(demo, n) else { return no_demo(&door) };
    if !door.is_our_form(&parts.headers) {
        return door.foreign_form();
    }
    let made = async {
        let name = format!("Téléphone simulé de {name}");
        let phone = SimulatedPhone::activate(&door.service, &demo.mailbox, national_id, &name, SIMULATED_PIN).await?;
        phone.keep(&door.service, national_id).await
    };
    match made.await {
        Ok(()) => door.see_other(&format!("/e-cps/simulateur/{n}")),
        Err(error) => failed(&door, &parts, error),
    }
}

async fn decide(State(door): DoorState, Path(n): Path<usize>, parts: Parts, body: Bytes) -> Response {
    let Some((national_id, _)) = door.settings.demo.as_ref().and_then(|demo| person(demo, n)) else { return no_demo(&door) };
    if !door.is_our_form(&parts.headers) {
        return door.foreign_form();
    }
    let form = PhoneForm::read(&body);
    let (decision, number) = match form.get("decision") {
        "refuse" => ("refuse", ""),
        "not_asked" => ("not_asked", ""),
        number => ("approve", number),
    };
    let done = async {
        let Some(phone) = SimulatedPhone::kept(&door.service, national_id).await? else { return Ok(None) };
        let view = phone.look(&door.service).await?;
        let Some(prompt) = view.prompts.iter().find(|prompt| prompt.tx == form.get("tx")) else { return Ok(None) };
        let call = phone.decision(door.service.now_ms(), prompt, decision, number)?;
        Ok(Some(door.service.decide(&call).await?))
    };
    let said = match done.await {
        Ok(Some(DecisionOutcome::Approved)) => "Demande approuvée : revenez à la page de connexion.".to_owned(),
        Ok(Some(DecisionOutcome::WrongNumber)) => "Ce n’est pas le nombre affiché : la demande est refusée.".to_owned(),
        Ok(Some(DecisionOutcome::Refused)) => "Demande refusée.".to_owned(),
        Ok(Some(DecisionOutcome::NotAsked)) => "Demande refusée et signalée : ce demandeur est bloqué.".to_owned(),
        Ok(None) => "Cette demande n’est plus là.".to_owned(),
        Err(SimulationError::Service(PhoneError::Refused(refusal))) => refusal.french(),
        Err(error) => return failed(&door, &parts, error),
    };
    shown(&door, &parts, n, said).await
}
