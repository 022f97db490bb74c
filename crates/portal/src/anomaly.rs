//! « Signaler une anomalie » (registration §15): the open form and the state of a report, and the lists of those who answer.
//!
//! Nobody is logged in at the form, so that its token belongs to the address of the caller and the day. What the answer says is equal for every number.

use crate::answer;
use crate::console::purpose::closed;
use crate::door::Portal;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FieldChoice, FormField, OpenPoint};
use crate::form::{PostedForm, TOKEN};
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::limits::{FORM_FIELDS, REASON_CHARS};
use crate::request::{PortalRequest, fields_of};
use crate::who::{HolderVisit, ManagerVisit, ProfessionalVisit};
use annuaire_registry::{
    AnomalyAnswer, AnomalyDatum, AnomalyOwner, AnomalyReport, ListedAnomaly, RegistrationStop, ReportedAnomaly,
};
use annuaire_workflow::day::{french, paris_day, plus_days};
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use std::sync::Arc;

/// Where the form is.
const PATH: &str = "/portail/signaler";
/// Purpose of an access of the support to reports.
const PURPOSE: &str = "réponse aux anomalies signalées";

/// The form.
#[derive(Template)]
#[template(path = "anomaly.html")]
struct AnomalyFormPage<'a> {
    frame: &'a PortalFrame,
    token: String,
    fields: Vec<FormField>,
    points: Vec<OpenPoint>,
}

/// The state of a report.
#[derive(Template)]
#[template(path = "anomaly_state.html")]
struct AnomalyStatePage<'a> {
    frame: &'a PortalFrame,
    path: String,
    datum: String,
    reported: String,
    answered_by: String,
    /// Answer and day.
    answer: Option<(String, String)>,
}

/// A report in a list.
struct AnomalyLine {
    key: String,
    person: String,
    datum: String,
    text: String,
    mail: String,
    reported: String,
    answered_by: String,
    is_late: bool,
}

/// The list of those who answer.
#[derive(Template)]
#[template(path = "anomalies.html")]
struct AnomaliesPage<'a> {
    frame: &'a PortalFrame,
    action: &'static str,
    lines: Vec<AnomalyLine>,
    answers: [(&'static str, &'static str); 3],
}

impl Portal {
    /// The tokens of the open form that are good now: those of today and of yesterday.
    fn open_tokens(&self, request: &PortalRequest) -> [String; 2] {
        let today = paris_day(self.now_ms());
        [0, 1].map(|back| self.form_token(&format!("signaler {} {}", request.address, plus_days(today, -back))))
    }
}

fn form_fields(of: impl Fn(&str) -> String) -> Vec<FormField> {
    let data = AnomalyDatum::ALL.into_iter().map(|datum| FieldChoice::new(datum.code(), typeset(datum.label()))).collect();
    vec![
        FormField::text("rpps", "Numéro RPPS", &of("rpps"), 20).mandatory().numeric().hinted("11 chiffres, lus dans l’annuaire"),
        FormField::text("structure", "Structure concernée", &of("structure"), 20).hinted("numéro FINESS ou SIRET, facultatif"),
        FormField::radio("donnee", "Donnée inexacte", &of("donnee"), data).mandatory(),
        FormField::area("texte", "Ce qui est inexact", &of("texte"), REASON_CHARS)
            .mandatory()
            .hinted("De 10 à 500 caractères. N’écrivez rien sur la santé de quelqu’un."),
        FormField::text("email", "Votre adresse email", &of("email"), 254)
            .reached("email")
            .hinted("Facultative. Elle est montrée à celui qui répond, et à lui seul, puis effacée avec sa réponse."),
    ]
}

fn form_page(
    portal: &Portal,
    request: &PortalRequest,
    fields: Vec<FormField>,
    points: Vec<OpenPoint>,
) -> axum::response::Response {
    let frame = PortalFrame::plain(portal, request);
    let [token, _] = portal.open_tokens(request);
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    answer::page(portal, request, status, &AnomalyFormPage { frame: &frame, token, fields, points })
}

fn tell(fields: &mut [FormField], points: &mut Vec<OpenPoint>, id: &str, code: &'static str, text: &str) {
    if let Some(field) = fields.iter_mut().find(|field| field.id == id) {
        field.tell(code, text);
        points.push(OpenPoint { anchor: field.anchor(), text: format!("{}\u{a0}: {text}", field.label), is_warning: false });
    }
}

/// `GET /portail/signaler?rpps=…&structure=…`
pub(crate) async fn form(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    let known = |name: &str| if ["rpps", "structure"].contains(&name) { request.parameter(name) } else { String::new() };
    Ok(form_page(&portal, &request, form_fields(known), Vec::new()))
}

/// `POST /portail/signaler`
pub(crate) async fn report(State(portal): State<Arc<Portal>>, request: PortalRequest, body: Bytes) -> PageAnswer {
    let typed = fields_of(&body);
    if typed.len() > FORM_FIELDS {
        return Err(PortalFault::Unreadable);
    }
    let of = |name: &str| typed.iter().find(|(field, _)| field == name).map(|(_, v)| v.trim().to_owned()).unwrap_or_default();
    if !portal.open_tokens(&request).contains(&of(TOKEN)) {
        return Err(PortalFault::ForeignForm);
    }
    let (mut fields, mut points) = (form_fields(of), Vec::new());
    let Some(datum) = AnomalyDatum::parse(&of("donnee")) else {
        tell(&mut fields, &mut points, "donnee", "E-GEN-01", "Ce champ est obligatoire.");
        return Ok(form_page(&portal, &request, fields, points));
    };
    let report = AnomalyReport { rpps: of("rpps"), structure: of("structure"), datum, text: of("texte"), mail: of("email") };
    match portal.registration().report_anomaly(&report, &request.address).await {
        Ok(ReportedAnomaly::Filed { reference }) => Ok(answer::see_other(&format!("{PATH}/{reference}?fait=signalee"))),
        Ok(ReportedAnomaly::TooMany) => Err(PortalFault::told(
            StatusCode::TOO_MANY_REQUESTS,
            "Trop de signalements",
            "Plusieurs signalements viennent d’être reçus de cette connexion. Réessayez dans une heure.",
        )),
        Err(RegistrationStop::Refused(refused)) => {
            let id = match refused.code {
                MessageCode::ERpps01 => "rpps",
                MessageCode::EGen03 => "texte",
                _ => "email",
            };
            tell(&mut fields, &mut points, id, refused.code.as_str(), &refused.text);
            Ok(form_page(&portal, &request, fields, points))
        }
        Err(stop) => Err(stop.into()),
    }
}

/// `GET /portail/signaler/{reference}`
pub(crate) async fn state(
    State(portal): State<Arc<Portal>>,
    request: PortalRequest,
    Path(reference): Path<String>,
) -> PageAnswer {
    let Some(state) = portal.registration().anomaly_state(&reference).await? else { return Err(PortalFault::Nothing) };
    let frame = PortalFrame::plain(&portal, &request);
    let page = AnomalyStatePage {
        frame: &frame,
        path: format!("{}{PATH}/{reference}", portal.origin()),
        datum: typeset(state.datum.label()),
        reported: french(state.reported_on),
        answered_by: french(state.answered_by),
        answer: state.answer.map(|(answer, on)| (typeset(answer.label()), french(on))),
    };
    Ok(answer::page(&portal, &request, StatusCode::OK, &page))
}

fn list_page(
    portal: &Portal,
    request: &PortalRequest,
    frame: &PortalFrame,
    action: &'static str,
    all: Vec<ListedAnomaly>,
) -> axum::response::Response {
    let lines = all.into_iter().map(|anomaly| AnomalyLine {
        key: anomaly.key,
        person: format!("{} {}", anomaly.rpps, anomaly.name).trim().to_owned(),
        datum: typeset(anomaly.datum.label()),
        text: anomaly.text,
        mail: anomaly.mail,
        reported: french(anomaly.reported_on),
        answered_by: french(anomaly.answered_by),
        is_late: anomaly.is_late,
    });
    let answers = AnomalyAnswer::ALL.map(|answer| (answer.code(), answer.label()));
    answer::page(portal, request, StatusCode::OK, &AnomaliesPage { frame, action, lines: lines.collect(), answers })
}

fn answer_of(form: &PostedForm) -> Result<AnomalyAnswer, PortalFault> {
    AnomalyAnswer::parse(form.get("faire")).ok_or(PortalFault::Unreadable)
}

/// `GET /portail/gae/anomalies`
pub(crate) async fn of_manager(visit: ManagerVisit) -> PageAnswer {
    let all = visit.portal.registration().anomalies_of(AnomalyOwner::Manager(&visit.session)).await?;
    Ok(list_page(&visit.portal, &visit.request, &visit.frame, "/portail/gae/anomalies", all))
}

/// `POST /portail/gae/anomalies`
pub(crate) async fn manager_answers(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    let by = AnomalyOwner::Manager(&visit.session);
    visit.portal.registration().answer_anomaly(by, form.get("anomalie"), answer_of(&form)?).await?;
    Ok(answer::see_other("/portail/gae/anomalies?fait=repondu"))
}

/// `GET /portail/pro/anomalies`
pub(crate) async fn of_holder(visit: HolderVisit) -> PageAnswer {
    let all = visit.portal.registration().anomalies_of(AnomalyOwner::Holder(&visit.session)).await?;
    Ok(list_page(&visit.portal, &visit.request, &visit.frame, "/portail/pro/anomalies", all))
}

/// `POST /portail/pro/anomalies`
pub(crate) async fn holder_answers(visit: HolderVisit, form: PostedForm) -> PageAnswer {
    let by = AnomalyOwner::Holder(&visit.session);
    visit.portal.registration().answer_anomaly(by, form.get("anomalie"), answer_of(&form)?).await?;
    Ok(answer::see_other("/portail/pro/anomalies?fait=repondu"))
}

/// `GET /portail/console/autorite/anomalies`
pub(crate) async fn of_authority(visit: ProfessionalVisit) -> PageAnswer {
    let registration = visit.portal.registration();
    let by = registration.authority_session(&visit.who.national_id, visit.trace.clone()).await.map_err(closed)?;
    let all = registration.anomalies_of(AnomalyOwner::Authority(&by)).await?;
    Ok(list_page(&visit.portal, &visit.request, &visit.frame, "/portail/console/autorite/anomalies", all))
}

/// `POST /portail/console/autorite/anomalies`
pub(crate) async fn authority_answers(visit: ProfessionalVisit, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let by = registration.authority_session(&visit.who.national_id, visit.trace.clone()).await.map_err(closed)?;
    registration.answer_anomaly(AnomalyOwner::Authority(&by), form.get("anomalie"), answer_of(&form)?).await?;
    Ok(answer::see_other("/portail/console/autorite/anomalies?fait=repondu"))
}

/// `GET /portail/console/support/anomalies`
pub(crate) async fn of_support(visit: ProfessionalVisit) -> PageAnswer {
    let registration = visit.portal.registration();
    let by = registration.support_session(&visit.who.national_id, PURPOSE, visit.trace.clone()).await.map_err(closed)?;
    let all = registration.anomalies_of(AnomalyOwner::Support(&by)).await?;
    Ok(list_page(&visit.portal, &visit.request, &visit.frame, "/portail/console/support/anomalies", all))
}

/// `POST /portail/console/support/anomalies`
pub(crate) async fn support_answers(visit: ProfessionalVisit, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    let by = registration.support_session(&visit.who.national_id, PURPOSE, visit.trace.clone()).await.map_err(closed)?;
    registration.answer_anomaly(AnomalyOwner::Support(&by), form.get("anomalie"), answer_of(&form)?).await?;
    Ok(answer::see_other("/portail/console/support/anomalies?fait=repondu"))
}
