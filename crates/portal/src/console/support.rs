//! The console of the support (SC71): requests without a trait, persons behind masks, structures to verify, alerts.

use crate::answer;
use crate::console::arbitration::reason_field;
use crate::console::purpose::{is_of_form, missing, purpose_field, purpose_of, refused_at, support};
use crate::console::stated::{StatedView, certification, stated_view};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{instant, typeset};
use crate::gae::list::state_class;
use crate::who::ProfessionalVisit;
use annuaire_registry::{
    NoticeDelivery, OperatorJob, RegistrationRefusal, RegistrationStop, SupportPerson, SupportRequest, SupportStep, parse_target,
    target_text,
};
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::http::StatusCode;

/// Address of this console.
const SUPPORT: &str = "/portail/console/support";
/// Purpose of reading its lists and of what belongs to no personal file.
const KEEPS_LISTS: &str = "tenue de la console du support";

/// A structure that waits to be verified.
struct StructureToVerify {
    target: String,
    number: String,
    name: String,
    representative: String,
}

/// Something that an operator sees to.
struct OperatorJobLine {
    id: i64,
    since: String,
    what: String,
    request: String,
    /// RPPS number of the manager whom an alert is about; empty when it is about none.
    manager: String,
}

/// The console.
#[derive(Template)]
#[template(path = "console/support.html")]
struct SupportConsolePage<'a> {
    frame: &'a PortalFrame,
    purpose: FormField,
    search: Vec<FormField>,
    structures: Vec<StructureToVerify>,
    jobs: Vec<OperatorJobLine>,
    points: Vec<OpenPoint>,
    told: String,
}

/// A request as support sees it.
#[derive(Template)]
#[template(path = "console/support_request.html")]
struct SupportRequestPage<'a> {
    frame: &'a PortalFrame,
    acces: String,
    number: String,
    kind: &'static str,
    state: String,
    state_class: &'static str,
    blocked: &'static str,
    rpps: String,
    begun: String,
    changed: String,
    place: String,
    /// When, what, and the state that it led to.
    trail: Vec<(String, String, String)>,
    /// Notification, way, state, instant.
    deliveries: Vec<(String, &'static str, &'static str, String)>,
    target: FormField,
    points: Vec<OpenPoint>,
}

/// A person as support sees them.
#[derive(Template)]
#[template(path = "console/support_person.html")]
struct SupportPersonPage<'a> {
    frame: &'a PortalFrame,
    acces: String,
    rpps: String,
    lines: Vec<(&'static str, String)>,
    stated: StatedView,
    /// Why the activation of a means waits; empty when it does not.
    withheld: String,
    reason: FormField,
    points: Vec<OpenPoint>,
}

/// What operators see to, in words.
fn job_words(job: &OperatorJob) -> String {
    match job.what.as_str() {
        "letter" => format!("Courrier à poster (notification {})", job.notice),
        "fraud" => "Alerte « Ce n'est pas moi »".to_owned(),
        "searches" => "Recherches d'identité sans suite trop nombreuses".to_owned(),
        "outside" => "Identités identiques ailleurs : trois avertissements sans demande envoyée".to_owned(),
        "processing" => "Traitement en échec".to_owned(),
        timer => format!("Échéance dépassée ({timer})"),
    }
}

fn search_fields(form: Option<&PostedForm>) -> Vec<FormField> {
    let of = |name: &str| form.map(|form| form.text(name)).unwrap_or_default();
    vec![
        FormField::text("numero", "Numéro de demande", &of("numero"), 15),
        FormField::text("rpps", "Numéro RPPS", &of("rpps"), 20).numeric().hinted("ou bien le numéro d’une personne, 11 chiffres"),
    ]
}

async fn console(visit: &ProfessionalVisit, form: Option<&PostedForm>, points: Vec<OpenPoint>, told: &str) -> PageAnswer {
    let by = support(visit, KEEPS_LISTS).await?;
    let registration = visit.portal.registration();
    let mut structures = Vec::new();
    for attached in registration.structures_to_verify(&by).await? {
        structures.push(StructureToVerify {
            target: target_text(&attached.target),
            number: attached.target.number().to_owned(),
            name: attached.name,
            representative: registration.name_of(&attached.representative).await?.unwrap_or_default(),
        });
    }
    let job = |job: OperatorJob| OperatorJobLine {
        id: job.id,
        since: instant(job.since_ms),
        what: typeset(&job_words(&job)),
        request: job.request,
        manager: job.manager.get(1..).unwrap_or_default().to_owned(),
    };
    let jobs = registration.operator_jobs(&by).await?.into_iter().map(job).collect();
    let mut purpose = purpose_field(&form.map(purpose_of).unwrap_or_default());
    if let Some(point) = points.iter().find(|point| point.anchor == purpose.id) {
        let text = point.text.clone();
        purpose.tell("E-GEN-01", &text);
    }
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SupportConsolePage {
        frame: &visit.frame,
        purpose,
        search: search_fields(form),
        structures,
        jobs,
        points,
        told: told.to_owned(),
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/console/support`
pub(crate) async fn page(visit: ProfessionalVisit) -> PageAnswer {
    console(&visit, None, Vec::new(), "").await
}

/// `POST /portail/console/support`: opens a request or a person, for the purpose that the form says.
pub(crate) async fn open(visit: ProfessionalVisit, form: PostedForm) -> PageAnswer {
    support(&visit, KEEPS_LISTS).await?;
    let purpose = purpose_of(&form);
    if purpose.is_empty() {
        return console(&visit, Some(&form), vec![missing(&mut purpose_field(""))], "").await;
    }
    let by = support(&visit, &purpose).await?;
    let registration = visit.portal.registration();
    match (form.get("numero"), form.get("rpps")) {
        ("", "") => {
            let text = "Saisissez un numéro de demande ou un numéro RPPS.".to_owned();
            console(&visit, Some(&form), vec![OpenPoint { anchor: "numero".to_owned(), text, is_warning: false }], "").await
        }
        ("", rpps) => match registration.support_person(&by, rpps).await? {
            Some(person) => show_person(&visit, &purpose, person, None),
            None => console(&visit, Some(&form), Vec::new(), "Aucune personne n’a ce numéro RPPS.").await,
        },
        (number, _) => match registration.support_find(&by, number).await? {
            Some(found) => show_request(&visit, &purpose, found, None),
            None => console(&visit, Some(&form), Vec::new(), "Aucune demande n’a ce numéro.").await,
        },
    }
}

fn show_request(
    visit: &ProfessionalVisit,
    purpose: &str,
    found: SupportRequest,
    refused: Option<&RegistrationRefusal>,
) -> PageAnswer {
    let mut target = FormField::text("cible", "Réaffecter à la structure (FINESS ou SIRET)", "", 20).mandatory().numeric();
    let mut points = Vec::new();
    if let Some(refused) = refused {
        target.tell(refused.code.as_str(), &refused.text);
        points.push(refused_at(target.id, refused));
    }
    let step = |step: SupportStep| {
        let state = step.state.map(|state| state.statut().to_owned()).unwrap_or_default();
        (instant(step.at_ms), typeset(&step.what), state)
    };
    let delivery = |delivery: NoticeDelivery| {
        let way = if delivery.channel == "sms" { "SMS" } else { "e-mail" };
        let state = match delivery.state.as_str() {
            "sent" => "envoyé",
            "lost" => "perdu",
            _ => "en attente",
        };
        (delivery.notice, way, state, instant(delivery.at_ms))
    };
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SupportRequestPage {
        frame: &visit.frame,
        acces: purpose.to_owned(),
        number: found.number,
        kind: found.kind.label(),
        state: typeset(&found.state.label()),
        state_class: state_class(found.state),
        blocked: found.blocked.map_or("", |why| why.plain()),
        rpps: found.rpps.unwrap_or_default(),
        begun: instant(found.begun_ms),
        changed: instant(found.changed_ms),
        place: found.structure.map(|place| format!("{} - {}", place.number, place.name)).unwrap_or_default(),
        trail: found.trail.into_iter().map(step).collect(),
        deliveries: found.deliveries.into_iter().map(delivery).collect(),
        target,
        points,
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

fn show_person(
    visit: &ProfessionalVisit,
    purpose: &str,
    found: SupportPerson,
    refused: Option<&RegistrationRefusal>,
) -> PageAnswer {
    let mut reason = reason_field("");
    let mut points = Vec::new();
    if let Some(refused) = refused {
        reason.tell(refused.code.as_str(), &refused.text);
        points.push(refused_at(reason.id, refused));
    }
    let mut lines = vec![
        ("Nom de famille", found.family_masked),
        ("Prénom", found.given_masked),
        ("Date de naissance", found.birth_masked),
        ("Etat civil", certification(&found.certification).to_owned()),
        ("Adresse email", found.mail_masked),
        ("Téléphone mobile", found.mobile_masked),
        ("Contact", if found.contact_verified { "vérifié par le professionnel" } else { "non vérifié" }.to_owned()),
    ];
    if found.has_proposal {
        lines.push(("Coordonnées proposées", "attendent la confirmation du professionnel".to_owned()));
    }
    lines.retain(|(_, value)| !value.is_empty());
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = SupportPersonPage {
        frame: &visit.frame,
        acces: purpose.to_owned(),
        rpps: found.rpps,
        lines,
        stated: stated_view(&visit.portal, found.exercises, found.situations, ""),
        withheld: typeset(&found.withheld.unwrap_or_default()),
        reason,
        points,
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `POST /portail/console/support/acte`: what a button of the console says.
pub(crate) async fn act(visit: ProfessionalVisit, form: PostedForm) -> PageAnswer {
    let registration = visit.portal.registration();
    // Structures and alerts are no personal files: what is done with them says itself why.
    let by = support(&visit, KEEPS_LISTS).await?;
    let done = match form.get("faire") {
        "accepter" => {
            let target = parse_target(form.get("cible")).map_err(|_| PortalFault::Unreadable)?;
            match form.get("contrat") {
                // The contract is what proves it.
                "" => Err(RegistrationRefusal::plain(MessageCode::EGen01).into()),
                contract => registration.accept_structure(&by, &target, contract).await.map(|()| "acceptee"),
            }
        }
        "clore" => {
            let id: i64 = form.get("alerte").parse().map_err(|_| PortalFault::Unreadable)?;
            registration.close_operator_job(&by, id).await.map(|()| "close")
        }
        "reaffecter" => {
            let purpose = purpose_of(&form);
            let by = support(&visit, &purpose).await?;
            let (number, target) = (form.get("numero"), form.get("cible"));
            match registration.reassign_by_support(&by, number, target).await {
                Err(RegistrationStop::Refused(refused)) if is_of_form(refused.code) => {
                    let found = registration.support_find(&by, number).await?.ok_or(PortalFault::Nothing)?;
                    return show_request(&visit, &purpose, found, Some(&refused));
                }
                other => other.map(|_| "reaffectee"),
            }
        }
        "lever" => {
            let purpose = purpose_of(&form);
            let by = support(&visit, &purpose).await?;
            let rpps = form.get("rpps");
            match registration.lift_withheld(&by, rpps, form.get("motif")).await {
                Err(RegistrationStop::Refused(refused)) if is_of_form(refused.code) => {
                    let found = registration.support_person(&by, rpps).await?.ok_or(PortalFault::Nothing)?;
                    return show_person(&visit, &purpose, found, Some(&refused));
                }
                other => other.map(|()| "levee"),
            }
        }
        _ => return Err(PortalFault::Unreadable),
    };
    match done {
        Ok(told) => Ok(answer::see_other(&format!("{SUPPORT}?fait={told}"))),
        Err(RegistrationStop::Refused(refused)) if is_of_form(refused.code) => {
            let anchor = if form.get("faire") == "accepter" { "structures" } else { "alertes" };
            console(&visit, None, vec![refused_at(anchor, &refused)], "").await
        }
        Err(stop) => Err(stop.into()),
    }
}
