//! « Ma profession n'est pas dans la liste » (registration §3.3).

use crate::answer;
use crate::fault::PageAnswer;
use crate::field::FormField;
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::who::ManagerVisit;
use askama::Template;
use axum::http::StatusCode;

/// « Ma profession n'est pas dans la liste ».
#[derive(Template)]
#[template(path = "gae/wish.html")]
struct WishPage<'a> {
    frame: &'a PortalFrame,
    fields: Vec<FormField>,
    request: String,
    told: &'static str,
}

fn wish_fields(text: &str, persons: &str, usage: &str) -> Vec<FormField> {
    vec![
        FormField::text("profession", "Profession qui manque", text, 120).mandatory(),
        FormField::text("personnes", "Nombre de personnes concernées", persons, 6).mandatory().numeric(),
        FormField::area("usage", "Usage", usage, 500).mandatory().hinted("À quoi sert cette profession, dans quels services"),
    ]
}

/// `GET /portail/gae/professions`
pub(crate) async fn wish_page(visit: ManagerVisit) -> PageAnswer {
    let page =
        WishPage { frame: &visit.frame, fields: wish_fields("", "", ""), request: visit.request.parameter("demande"), told: "" };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/gae/professions`
pub(crate) async fn wish(visit: ManagerVisit, form: PostedForm) -> PageAnswer {
    let (text, persons, usage) = (form.get("profession"), form.get("personnes"), form.get("usage"));
    let request = form.text("demande");
    let page = match persons.parse::<u32>() {
        Ok(count) if count > 0 && !text.is_empty() && !usage.is_empty() => {
            visit.portal.registration().wish_profession(&visit.session, text, count, usage).await?;
            let told = "Votre demande est transmise au gestionnaire des nomenclatures, qui vous répondra dans vos messages. En \
                        attendant, choisissez « Autre professionnel ».";
            WishPage { frame: &visit.frame, fields: Vec::new(), request, told }
        }
        _ => {
            let mut fields = wish_fields(text, persons, usage);
            for field in &mut fields {
                let wrong = field.value.is_empty() || (field.id == "personnes" && field.value.parse::<u32>().is_err());
                if wrong {
                    let text = if field.value.is_empty() { "Ce champ est obligatoire." } else { "Saisissez un nombre." };
                    field.tell("E-GEN-01", text);
                }
            }
            WishPage { frame: &visit.frame, fields, request, told: "" }
        }
    };
    let status = if page.told.is_empty() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}
