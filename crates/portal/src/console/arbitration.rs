//! « File d'arbitrage » (SC70): requests that wait for an arbiter, each beside the person whom it may be about.

use crate::answer;
use crate::console::compared::{ComparedTrait, compare, of_civil, of_draft, total};
use crate::console::purpose::{arbiter, ask, is_of_form, purpose_of, refused_at};
use crate::console::stated::{StatedView, certification, stated_view};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{instant, typeset};
use crate::limits::REASON_CHARS;
use crate::sheet::{SheetView, sheet_view};
use crate::who::ProfessionalVisit;
use annuaire_registry::{ArbiterDisagreement, ArbiterSession, DuplicatePair, RegistrationRefusal, RegistrationStop};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// Address and name of this console.
pub(crate) const ARBITRATION: (&str, &str) = ("/portail/console/arbitrage", "File d’arbitrage");
/// Purpose of reading the queue, which shows numbers alone.
pub(crate) const READS_QUEUE: &str = "consultation de la file d’arbitrage";

/// A line of the queue.
struct QueueLine {
    number: String,
    since: String,
}

/// A line of the pairs of the night.
struct PairLine {
    first: String,
    second: String,
    score: u8,
    since: String,
}

/// A decision that two arbiters made otherwise.
struct DisagreementLine {
    about: String,
    first: &'static str,
    second: &'static str,
    since: String,
}

fn disagreement(line: ArbiterDisagreement) -> DisagreementLine {
    let number = if line.request.is_empty() { String::new() } else { format!("demande {}, ", line.request) };
    DisagreementLine {
        about: format!("{number}RPPS {}", line.rpps),
        first: line.first.label(),
        second: line.second.label(),
        since: instant(line.at_ms),
    }
}

/// The queue.
#[derive(Template)]
#[template(path = "console/arbitration.html")]
struct ArbitrationQueuePage<'a> {
    frame: &'a PortalFrame,
    requests: Vec<QueueLine>,
    requests_after: String,
    pairs: Vec<PairLine>,
    pairs_after: String,
    /// Key and day of what waits for a second look.
    looks: Vec<(String, String)>,
    disagreements: Vec<DisagreementLine>,
}

/// A request beside its candidate.
#[derive(Template)]
#[template(path = "console/arbitration_file.html")]
struct ArbitrationFilePage<'a> {
    frame: &'a PortalFrame,
    acces: String,
    sheet: SheetView,
    changed: String,
    candidate: String,
    certification: &'static str,
    total: String,
    traits: Vec<ComparedTrait>,
    stated: StatedView,
    reason: FormField,
    points: Vec<OpenPoint>,
}

/// The field with the reason of a decision.
pub(crate) fn reason_field(value: &str) -> FormField {
    FormField::area("motif", "Motif de la décision", value, REASON_CHARS).mandatory().hinted("De 10 à 500 caractères")
}

/// `GET /portail/console/arbitrage`
pub(crate) async fn queue(visit: ProfessionalVisit) -> PageAnswer {
    let by = arbiter(&visit, READS_QUEUE).await?;
    let registration = visit.portal.registration();
    let offset: u32 = visit.request.parameter("depuis").parse().unwrap_or(0);
    let requests = registration.arbitration_queue(&by, offset).await?;
    let full = annuaire_registry::limits::LIST_PAGE_MAX;
    let requests_after = if requests.len() < full as usize {
        String::new()
    } else {
        format!("{}?depuis={}", ARBITRATION.0, offset.saturating_add(full))
    };
    let asked = visit.request.parameter("apres");
    let after = asked.split_once('-').map(|(first, second)| DuplicatePair {
        first: first.to_owned(),
        second: second.to_owned(),
        score: 0,
        since_ms: 0,
    });
    let pairs = registration.duplicate_pairs(&by, after.as_ref()).await?;
    let pairs_after = match pairs.last() {
        Some(last) if pairs.len() >= full as usize => format!("{}?apres={}-{}", ARBITRATION.0, last.first, last.second),
        _ => String::new(),
    };
    let page = ArbitrationQueuePage {
        frame: &visit.frame,
        requests: requests.into_iter().map(|line| QueueLine { number: line.number, since: instant(line.since_ms) }).collect(),
        requests_after,
        pairs: pairs
            .into_iter()
            .map(|pair| PairLine { first: pair.first, second: pair.second, score: pair.score, since: instant(pair.since_ms) })
            .collect(),
        pairs_after,
        looks: registration.second_looks(&by).await?.into_iter().map(|line| (line.key, instant(line.since_ms))).collect(),
        disagreements: registration.arbiter_disagreements(&by).await?.into_iter().map(disagreement).collect(),
    };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/console/arbitrage/{numero}`: asks why the file is opened.
pub(crate) async fn before_file(visit: ProfessionalVisit, Path(number): Path<String>) -> PageAnswer {
    arbiter(&visit, READS_QUEUE).await?;
    ask(&visit, &format!("Ouvrir la demande {number}"), ARBITRATION, false)
}

/// `POST /portail/console/arbitrage/{numero}`: the file; with a decision, what was decided.
pub(crate) async fn file(visit: ProfessionalVisit, Path(number): Path<String>, form: PostedForm) -> PageAnswer {
    let purpose = purpose_of(&form);
    if purpose.is_empty() {
        arbiter(&visit, READS_QUEUE).await?;
        return ask(&visit, &format!("Ouvrir la demande {number}"), ARBITRATION, true);
    }
    let by = arbiter(&visit, &purpose).await?;
    let registration = visit.portal.registration();
    let reason = form.get("motif");
    let decided = match form.get("faire") {
        "" => return show(&visit, &by, &number, &form, None).await,
        "rattacher" => registration.same_person(&by, &number, reason).await,
        "distinguer" => registration.distinct_persons(&by, &number, reason).await,
        "piece" => registration.ask_authority(&by, &number, reason).await,
        "rejeter" => registration.reject(&by, &number, reason).await,
        _ => return Err(PortalFault::Unreadable),
    };
    match decided {
        Ok(_) => Ok(answer::see_other(&format!("{}?fait=arbitree", ARBITRATION.0))),
        Err(RegistrationStop::Refused(refused)) if is_of_form(refused.code) => {
            show(&visit, &by, &number, &form, Some(&refused)).await
        }
        Err(stop) => Err(stop.into()),
    }
}

async fn show(
    visit: &ProfessionalVisit,
    by: &ArbiterSession,
    number: &str,
    form: &PostedForm,
    refused: Option<&RegistrationRefusal>,
) -> PageAnswer {
    let portal = &visit.portal;
    let found = portal.registration().arbitration_sheet(by, number).await?;
    let values = portal.values();
    let theirs = found.civil.as_ref().map(|civil| of_civil(civil, &values)).unwrap_or_default();
    let mut reason = reason_field(form.get("motif"));
    let mut points = Vec::new();
    if let Some(refused) = refused {
        reason.tell(refused.code.as_str(), &refused.text);
        points.push(refused_at("motif", refused));
    }
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = ArbitrationFilePage {
        frame: &visit.frame,
        acces: purpose_of(form),
        sheet: sheet_view(portal, &found.request),
        changed: instant(found.request.changed_ms),
        certification: found.civil.as_ref().map_or("", |civil| certification(&civil.statut)),
        candidate: found.candidate.unwrap_or_default(),
        total: typeset(&total(found.score.as_ref())),
        traits: compare(of_draft(&found.request.civil, &values), theirs, found.score.as_ref()),
        stated: stated_view(portal, found.exercises, found.situations, ""),
        reason,
        points,
    };
    Ok(answer::page(portal, &visit.request, status, &page))
}
