//! The console of orders and agencies (registration §8.3): a person of the own population, with what others added. Nothing is changed here.

use crate::answer;
use crate::console::compared::of_civil;
use crate::console::home::authority_name;
use crate::console::purpose::{closed, refused_at};
use crate::console::stated::{StatedView, certification, stated_view};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::who::ProfessionalVisit;
use annuaire_registry::{AuthorityPerson, AuthoritySession, RegistrationStop};
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::http::StatusCode;

/// A person of the population.
struct PopulationSheet {
    rpps: String,
    lines: Vec<(&'static str, String)>,
    stated: StatedView,
}

/// The console.
#[derive(Template)]
#[template(path = "console/authority.html")]
struct AuthorityConsolePage<'a> {
    frame: &'a PortalFrame,
    authority: String,
    field: FormField,
    points: Vec<OpenPoint>,
    person: Option<PopulationSheet>,
}

pub(crate) async fn agent(visit: &ProfessionalVisit) -> Result<AuthoritySession, PortalFault> {
    visit.portal.registration().authority_session(&visit.who.national_id, visit.trace.clone()).await.map_err(closed)
}

fn field(value: &str) -> FormField {
    FormField::text("rpps", "Numéro RPPS", value, 20).mandatory().numeric().hinted("11 chiffres")
}

fn sheet_of(visit: &ProfessionalVisit, by: &AuthoritySession, person: AuthorityPerson) -> PopulationSheet {
    let [family, given, birth, place, sex] = of_civil(&person.civil, &visit.portal.values());
    let mut lines = vec![
        ("Nom de famille", family),
        ("Prénoms", given),
        ("Date de naissance", birth),
        ("Lieu de naissance", place),
        ("Sexe", sex),
        ("Etat civil", certification(&person.civil.statut).to_owned()),
        ("Adresse email", person.mail),
        ("Téléphone mobile", person.mobile),
    ];
    lines.retain(|(_, value)| !value.is_empty());
    PopulationSheet {
        rpps: person.rpps,
        lines,
        stated: stated_view(&visit.portal, person.exercises, person.situations, by.code()),
    }
}

/// `GET /portail/console/autorite`
pub(crate) async fn page(visit: ProfessionalVisit) -> PageAnswer {
    let by = agent(&visit).await?;
    let authority = authority_name(by.code());
    let page = AuthorityConsolePage { frame: &visit.frame, authority, field: field(""), points: Vec::new(), person: None };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/console/autorite`: a person by number. People of other populations are as unknown as nobody's numbers.
pub(crate) async fn person(visit: ProfessionalVisit, form: PostedForm) -> PageAnswer {
    let by = agent(&visit).await?;
    let typed = form.get("rpps");
    let mut field = field(typed);
    let mut points = Vec::new();
    let person = match visit.portal.registration().authority_person(&by, typed).await {
        Ok(person) => Some(sheet_of(&visit, &by, person)),
        Err(RegistrationStop::Refused(refused)) if refused.code == MessageCode::ERpps01 => {
            field.tell(refused.code.as_str(), &refused.text);
            points.push(refused_at(field.id, &refused));
            None
        }
        Err(stop) => return Err(stop.into()),
    };
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = AuthorityConsolePage { frame: &visit.frame, authority: authority_name(by.code()), field, points, person };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}
