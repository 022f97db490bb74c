//! « Nomenclatures » (SC72): professions that managers miss in the list, and the answers to them (registration §3.3).

use crate::answer;
use crate::console::purpose::{closed, is_of_form, refused_at};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::OpenPoint;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{instant, typeset};
use crate::who::ProfessionalVisit;
use annuaire_registry::{ProfessionWish, RegistrationStop, TerminologySession};
use askama::Template;
use axum::http::StatusCode;

/// Address of this console.
const TERMINOLOGIES: &str = "/portail/console/nomenclatures";

/// A wish, as the page shows it.
struct WishLine {
    key: String,
    text: String,
    persons: u32,
    usage: String,
    when: String,
    /// Empty while it waits; what was typed when an answer was refused.
    answer: String,
}

/// SC72.
#[derive(Template)]
#[template(path = "console/terminologies.html")]
struct TerminologiesPage<'a> {
    frame: &'a PortalFrame,
    waiting: Vec<WishLine>,
    answered: Vec<WishLine>,
    points: Vec<OpenPoint>,
}

async fn keeper(visit: &ProfessionalVisit) -> Result<TerminologySession, PortalFault> {
    visit.portal.registration().terminology_session(&visit.who.national_id, visit.trace.clone()).await.map_err(closed)
}

async fn show(
    visit: &ProfessionalVisit,
    by: &TerminologySession,
    points: Vec<OpenPoint>,
    typed: Option<(&str, &str)>,
) -> PageAnswer {
    let all = visit.portal.registration().profession_wishes(by).await?;
    let (answered, waiting): (Vec<_>, Vec<_>) = all.into_iter().partition(|wish| wish.answer.is_some());
    let line = |wish: ProfessionWish| WishLine {
        answer: match (wish.answer, typed) {
            (Some(answer), _) => answer,
            (None, Some((key, text))) if key == wish.key => text.to_owned(),
            _ => String::new(),
        },
        key: wish.key,
        text: typeset(&wish.text),
        persons: wish.persons,
        usage: typeset(&wish.usage),
        when: instant(wish.at_ms),
    };
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = TerminologiesPage {
        frame: &visit.frame,
        waiting: waiting.into_iter().map(line).collect(),
        answered: answered.into_iter().map(line).collect(),
        points,
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/console/nomenclatures`
pub(crate) async fn wishes(visit: ProfessionalVisit) -> PageAnswer {
    let by = keeper(&visit).await?;
    show(&visit, &by, Vec::new(), None).await
}

/// `POST /portail/console/nomenclatures`: the answer to a wish.
pub(crate) async fn answer_wish(visit: ProfessionalVisit, form: PostedForm) -> PageAnswer {
    let by = keeper(&visit).await?;
    let (key, text) = (form.get("souhait"), form.get("reponse"));
    match visit.portal.registration().answer_wish(&by, key, text).await {
        Ok(()) => Ok(answer::see_other(&format!("{TERMINOLOGIES}?fait=repondu"))),
        Err(RegistrationStop::Refused(refused)) if is_of_form(refused.code) => {
            show(&visit, &by, vec![refused_at("attente", &refused)], Some((key, text))).await
        }
        Err(stop) => Err(stop.into()),
    }
}
