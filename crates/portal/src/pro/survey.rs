//! « Votre avis sur votre enregistrement » (registration §15): two questions to those who were drawn.

use crate::answer;
use crate::console::purpose::missing;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FieldChoice, FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::who::HolderVisit;
use annuaire_workflow::day::french;
use askama::Template;
use axum::http::StatusCode;

/// The questions.
#[derive(Template)]
#[template(path = "pro/survey.html")]
struct SurveyPage<'a> {
    frame: &'a PortalFrame,
    until: String,
    fields: Vec<FormField>,
    points: Vec<OpenPoint>,
}

fn fields(informed: &str, exact: &str) -> Vec<FormField> {
    let choices = || vec![FieldChoice::new("oui", "Oui"), FieldChoice::new("non", "Non")];
    vec![
        FormField::radio("informe", "Avez-vous été informé(e) de votre enregistrement ?", informed, choices()).mandatory(),
        FormField::radio("exact", "Le rôle enregistré est-il exact ?", exact, choices()).mandatory(),
    ]
}

async fn show(visit: &HolderVisit, fields: Vec<FormField>, points: Vec<OpenPoint>) -> PageAnswer {
    let open = visit.portal.registration().open_survey(&visit.session).await?;
    let Some(until) = open else { return Err(PortalFault::Nothing) };
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SurveyPage { frame: &visit.frame, until: french(until), fields, points };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/pro/enquete`; nothing is there for those who are not asked.
pub(crate) async fn page(visit: HolderVisit) -> PageAnswer {
    show(&visit, fields("", ""), Vec::new()).await
}

/// `POST /portail/pro/enquete`
pub(crate) async fn reply(visit: HolderVisit, form: PostedForm) -> PageAnswer {
    let mut fields = fields(form.get("informe"), form.get("exact"));
    let is_open = |field: &&mut FormField| !matches!(field.value.as_str(), "oui" | "non");
    let points: Vec<OpenPoint> = fields.iter_mut().filter(is_open).map(missing).collect();
    if !points.is_empty() {
        return show(&visit, fields, points).await;
    }
    let yes = |name: &str| form.get(name) == "oui";
    visit.portal.registration().answer_survey(&visit.session, yes("informe"), yes("exact")).await?;
    Ok(answer::see_other("/portail/pro?fait=avis"))
}
