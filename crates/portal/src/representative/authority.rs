//! One structure: its managers, mandataires, third structures, options, and what takes over from it.

use crate::answer;
use crate::console::purpose::refused_at;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::representative::structures::{HABILITATIONS, is_told_here, represented, state_words};
use crate::who::RepresentativeVisit;
use annuaire_registry::{AuthoritySheet, RegistrationRefusal, RegistrationStop, target_text};
use annuaire_workflow::day::{french, parse_iso};
use annuaire_workflow::habilitation::{AuthorityState, HabilitationState};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// A manager or mandataire.
struct GrantLine {
    person: String,
    name: String,
    rpps: String,
    state: &'static str,
    state_class: &'static str,
    from: String,
    until: String,
    /// Whether it stands, so that it can be withdrawn.
    stands: bool,
    sub_delegation: &'static str,
}

/// A third structure.
struct ThirdLine {
    number: String,
    name: String,
    is_active: bool,
}

/// The page of a structure.
#[derive(Template)]
#[template(path = "representative/authority.html")]
struct AuthorityPage<'a> {
    frame: &'a PortalFrame,
    target: String,
    heading: String,
    state: &'static str,
    state_class: &'static str,
    role: &'static str,
    contract: String,
    is_habilitated: bool,
    four_eyes: bool,
    needs_training: bool,
    confirm_by: String,
    may_designate_mandataire: bool,
    managers: Vec<GrantLine>,
    mandataires: Vec<GrantLine>,
    thirds: Vec<ThirdLine>,
    third: FormField,
    /// « Reprendre sur le nouvel établissement »: the field, where it is offered.
    takeover: Option<FormField>,
    successor: String,
    points: Vec<OpenPoint>,
}

fn day(iso: &str) -> String {
    parse_iso(iso).map(french).unwrap_or_default()
}

/// The number of a national identification, for people.
fn rpps_of(national_id: &str) -> String {
    national_id.get(1..).unwrap_or_default().to_owned()
}

fn show(
    visit: &RepresentativeVisit,
    sheet: AuthoritySheet,
    form: Option<&PostedForm>,
    refused: Option<&RegistrationRefusal>,
) -> PageAnswer {
    let typed = |name: &str| form.map(|form| form.text(name)).unwrap_or_default();
    let deed = typed("faire");
    let mut third = FormField::text("tiers", "N° FINESS ou SIRET de la structure tierce", &typed("tiers"), 20).numeric();
    let mut takeover = (sheet.state == AuthorityState::Suspended && sheet.successor.is_none())
        .then(|| FormField::text("nouveau", "N° FINESS ou SIRET du nouvel établissement", &typed("nouveau"), 20).numeric());
    let mut points = Vec::new();
    if let Some(refused) = refused {
        let field = match (deed.as_str(), &mut takeover) {
            ("deleguer", _) => Some(&mut third),
            ("reprendre", Some(field)) => Some(field),
            _ => None,
        };
        let anchor = field.as_ref().map_or_else(|| "options".to_owned(), |field| field.anchor());
        if let Some(field) = field {
            field.tell(refused.code.as_str(), &refused.text);
        }
        points.push(refused_at(&anchor, refused));
    }
    let (state, state_class) = state_words(sheet.state);
    let managers = sheet.managers.iter().map(|m| {
        let (state, state_class) = match m.state {
            HabilitationState::Requested => ("Demandée", "act"),
            HabilitationState::Active => ("Active", "good"),
            HabilitationState::Suspended => ("Suspendue", "act"),
            HabilitationState::Revoked => ("Révoquée", ""),
            HabilitationState::Expired => ("Expirée", ""),
        };
        GrantLine {
            person: m.manager.clone(),
            name: m.name.clone(),
            rpps: rpps_of(&m.manager),
            state,
            state_class,
            from: day(&m.from),
            until: day(&m.until),
            stands: matches!(m.state, HabilitationState::Active | HabilitationState::Suspended),
            sub_delegation: "",
        }
    });
    let mandataires = sheet.mandataires.iter().map(|m| GrantLine {
        person: m.mandataire.clone(),
        name: m.name.clone(),
        rpps: rpps_of(&m.mandataire),
        state: if m.active { "Actif" } else { "Terminé" },
        state_class: if m.active { "good" } else { "" },
        from: day(&m.from),
        until: day(&m.until),
        stands: m.active,
        sub_delegation: if m.sub_delegation { "autorisée" } else { "non" },
    });
    let thirds = sheet.delegations.iter();
    let thirds =
        thirds.map(|(number, name, active)| ThirdLine { number: number.clone(), name: name.clone(), is_active: *active });
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = AuthorityPage {
        frame: &visit.frame,
        target: target_text(&sheet.target),
        heading: format!("{} - {}", sheet.number, sheet.name),
        state,
        state_class,
        role: if sheet.is_representative { "Représentant légal" } else { "Mandataire" },
        contract: sheet.contract.clone(),
        is_habilitated: sheet.state == AuthorityState::Habilitated,
        four_eyes: sheet.four_eyes,
        needs_training: sheet.needs_training,
        confirm_by: day(&sheet.confirm_by),
        may_designate_mandataire: sheet.is_representative || sheet.sub_delegation,
        managers: managers.collect(),
        mandataires: mandataires.collect(),
        thirds: thirds.collect(),
        third,
        takeover,
        successor: sheet.successor.as_ref().map(target_text).unwrap_or_default(),
        points,
    };
    Ok(answer::page(&visit.portal, &visit.request, status, &page))
}

/// `GET /portail/habilitations/{cible}`
pub(crate) async fn page(visit: RepresentativeVisit, Path(target): Path<String>) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    show(&visit, sheet, None, None)
}

/// `POST /portail/habilitations/{cible}`: what a button of the page says.
pub(crate) async fn act(visit: RepresentativeVisit, Path(target): Path<String>, form: PostedForm) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    let (registration, by) = (visit.portal.registration(), &visit.session);
    let structure = &sheet.target;
    let done = match form.get("faire") {
        "quatre-yeux" => registration.set_four_eyes(by, structure, form.is_ticked("quatreYeux")).await.map(|()| "option"),
        "confirmer" => registration.confirm_managers(by, structure).await.map(|_| "confirmes"),
        "deleguer" => registration.delegate(by, structure, form.get("tiers"), true).await.map(|()| "delegation"),
        "fin-delegation" => registration.delegate(by, structure, form.get("tiers"), false).await.map(|()| "findelegation"),
        "reprendre" => match registration.take_over(by, structure, form.get("nouveau")).await {
            Ok(new) => return Ok(answer::see_other(&format!("{HABILITATIONS}/{}?fait=reprise", target_text(&new)))),
            Err(stop) => Err(stop),
        },
        _ => return Err(PortalFault::Unreadable),
    };
    match done {
        Ok(told) => Ok(answer::see_other(&format!("{HABILITATIONS}/{}?fait={told}", target_text(structure)))),
        Err(RegistrationStop::Refused(refused)) if is_told_here(refused.code) => show(&visit, sheet, Some(&form), Some(&refused)),
        Err(stop) => Err(stop.into()),
    }
}
