//! The second look of an arbiter (registration §4.11): two identities, without what was decided about them.

use crate::answer;
use crate::console::arbitration::{ARBITRATION, READS_QUEUE, reason_field};
use crate::console::compared::{ComparedTrait, compare, of_civil, total};
use crate::console::purpose::{arbiter, ask, is_of_form, purpose_of, refused_at};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::who::ProfessionalVisit;
use annuaire_registry::{ArbiterSession, IdentityDecision, RegistrationRefusal, RegistrationStop};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// Heading of the pages.
const HEADING: &str = "Donner un second avis";

/// Two identities that another arbiter compared.
#[derive(Template)]
#[template(path = "console/second_look.html")]
struct SecondLookPage<'a> {
    frame: &'a PortalFrame,
    acces: String,
    key: String,
    total: String,
    traits: Vec<ComparedTrait>,
    /// Code and words of each button.
    decisions: Vec<(&'static str, &'static str)>,
    reason: FormField,
    points: Vec<OpenPoint>,
}

/// `GET /portail/console/arbitrage/second-avis/{cle}`
pub(crate) async fn before(visit: ProfessionalVisit) -> PageAnswer {
    arbiter(&visit, READS_QUEUE).await?;
    ask(&visit, HEADING, ARBITRATION, false)
}

/// `POST /portail/console/arbitrage/second-avis/{cle}`: the two identities; with a decision, whether both arbiters agree.
pub(crate) async fn look(visit: ProfessionalVisit, Path(key): Path<String>, form: PostedForm) -> PageAnswer {
    let purpose = purpose_of(&form);
    if purpose.is_empty() {
        arbiter(&visit, READS_QUEUE).await?;
        return ask(&visit, HEADING, ARBITRATION, true);
    }
    let by = arbiter(&visit, &purpose).await?;
    if form.get("faire").is_empty() {
        return show(&visit, &by, &key, &form, None).await;
    }
    let decision = IdentityDecision::parse(form.get("faire")).ok_or(PortalFault::Unreadable)?;
    match visit.portal.registration().decide_again(&by, &key, decision, form.get("motif")).await {
        Ok(agreed) => {
            let told = if agreed { "avis-egal" } else { "avis-different" };
            Ok(answer::see_other(&format!("{}?fait={told}", ARBITRATION.0)))
        }
        Err(RegistrationStop::Refused(refused)) if is_of_form(refused.code) => {
            show(&visit, &by, &key, &form, Some(&refused)).await
        }
        Err(stop) => Err(stop.into()),
    }
}

async fn show(
    visit: &ProfessionalVisit,
    by: &ArbiterSession,
    key: &str,
    form: &PostedForm,
    refused: Option<&RegistrationRefusal>,
) -> PageAnswer {
    let portal = &visit.portal;
    let found = portal.registration().second_look_sheet(by, key).await?;
    let values = portal.values();
    let mut reason = reason_field(form.get("motif"));
    let mut points = Vec::new();
    if let Some(refused) = refused {
        reason.tell(refused.code.as_str(), &refused.text);
        points.push(refused_at("motif", refused));
    }
    let offered = |decision: &IdentityDecision| found.is_request || *decision != IdentityDecision::Rejected;
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SecondLookPage {
        frame: &visit.frame,
        acces: purpose_of(form),
        key: key.to_owned(),
        total: typeset(&total(Some(&found.score))),
        traits: compare(of_civil(&found.first, &values), of_civil(&found.second, &values), Some(&found.score)),
        decisions: IdentityDecision::ALL.into_iter().filter(offered).map(|one| (one.code(), one.label())).collect(),
        reason,
        points,
    };
    Ok(answer::page(portal, &visit.request, status, &page))
}
