//! Pairs of the night: two numbers that may be one person; and what an arbiter takes back or agrees to.

use crate::answer;
use crate::console::arbitration::{ARBITRATION, READS_QUEUE, reason_field};
use crate::console::compared::{ComparedTrait, compare, of_civil, total};
use crate::console::purpose::{arbiter, ask, is_of_form, missing, purpose_field, purpose_of, refused_at};
use crate::console::stated::certification;
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::who::ProfessionalVisit;
use annuaire_registry::{ArbiterSession, CorrectedDeath, RegistrationRefusal, RegistrationStop, UndoneMerge};
use annuaire_workflow::day::{french, parse_iso};
use annuaire_workflow::messages::MessageCode;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// Two registered persons side by side.
#[derive(Template)]
#[template(path = "console/pair.html")]
struct DuplicatePairPage<'a> {
    frame: &'a PortalFrame,
    acces: String,
    first: String,
    second: String,
    /// Certifications of both.
    certifications: (&'static str, &'static str),
    /// Number that stays; empty when the two cannot be merged.
    survivor: String,
    total: String,
    traits: Vec<ComparedTrait>,
    reason: FormField,
    points: Vec<OpenPoint>,
}

/// Undoing a merge, agreeing to « Erreur de personne », and taking a death back.
#[derive(Template)]
#[template(path = "console/corrections.html")]
struct CorrectionsPage<'a> {
    frame: &'a PortalFrame,
    undo: Vec<FormField>,
    agree: Vec<FormField>,
    /// Merges that another arbiter wants undone, and those of the reader: alias, number that stayed, day, whether the reader proposed it.
    waiting: Vec<(String, String, String, bool)>,
    death: Vec<FormField>,
    /// Deaths that another arbiter has to confirm: number, day, whether the reader proposed it.
    deaths: Vec<(String, String, bool)>,
    points: Vec<OpenPoint>,
}

fn heading(first: &str, second: &str) -> String {
    format!("Comparer les numéros {first} et {second}")
}

/// `GET /portail/console/arbitrage/paires/{premier}/{second}`
pub(crate) async fn before_pair(visit: ProfessionalVisit, Path((first, second)): Path<(String, String)>) -> PageAnswer {
    arbiter(&visit, READS_QUEUE).await?;
    ask(&visit, &heading(&first, &second), ARBITRATION, false)
}

/// `POST /portail/console/arbitrage/paires/{premier}/{second}`
pub(crate) async fn pair(visit: ProfessionalVisit, Path(numbers): Path<(String, String)>, form: PostedForm) -> PageAnswer {
    let purpose = purpose_of(&form);
    let (first, second) = (&numbers.0, &numbers.1);
    if purpose.is_empty() {
        arbiter(&visit, READS_QUEUE).await?;
        return ask(&visit, &heading(first, second), ARBITRATION, true);
    }
    let by = arbiter(&visit, &purpose).await?;
    let registration = visit.portal.registration();
    let reason = form.get("motif");
    let (decided, told) = match form.get("faire") {
        "" => return show(&visit, &by, &numbers, &form, None).await,
        "distinguer" => (registration.declare_distinct(&by, first, second, reason).await, "distinctes"),
        "fusionner" => {
            let kept = form.get("conserve");
            let alias = if kept == first.as_str() { second } else { first };
            (registration.merge_persons(&by, kept, alias, reason).await.map(|_| ()), "fusionnees")
        }
        _ => return Err(PortalFault::Unreadable),
    };
    match decided {
        Ok(()) => Ok(answer::see_other(&format!("{}?fait={told}", ARBITRATION.0))),
        Err(RegistrationStop::Refused(refused))
            if refused.code == MessageCode::EReq01 || (is_of_form(refused.code) && refused.code != MessageCode::ERpps01) =>
        {
            show(&visit, &by, &numbers, &form, Some(&refused)).await
        }
        Err(stop) => Err(stop.into()),
    }
}

async fn show(
    visit: &ProfessionalVisit,
    by: &ArbiterSession,
    (first, second): &(String, String),
    form: &PostedForm,
    refused: Option<&RegistrationRefusal>,
) -> PageAnswer {
    let portal = &visit.portal;
    let found = portal.registration().duplicate_sheet(by, first, second).await?;
    let values = portal.values();
    let mut reason = reason_field(form.get("motif"));
    let mut points = Vec::new();
    if let Some(refused) = refused {
        reason.tell(refused.code.as_str(), &refused.text);
        points.push(refused_at("motif", refused));
    }
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = DuplicatePairPage {
        frame: &visit.frame,
        acces: purpose_of(form),
        first: first.clone(),
        second: second.clone(),
        certifications: (certification(&found.first.statut), certification(&found.second.statut)),
        survivor: found.survivor,
        total: typeset(&total(Some(&found.score))),
        traits: compare(of_civil(&found.first, &values), of_civil(&found.second, &values), Some(&found.score)),
        reason,
        points,
    };
    Ok(answer::page(portal, &visit.request, status, &page))
}

async fn waiting(visit: &ProfessionalVisit, by: &ArbiterSession) -> Result<Vec<(String, String, String, bool)>, PortalFault> {
    let all = visit.portal.registration().merges_to_undo(by).await?;
    let day = |iso: &str| parse_iso(iso).map(french).unwrap_or_default();
    Ok(all.into_iter().map(|merge| (merge.alias, merge.kept, day(&merge.on), merge.is_own)).collect())
}

fn corrections<'a>(visit: &'a ProfessionalVisit, form: Option<&PostedForm>) -> CorrectionsPage<'a> {
    let of =
        |deed: &str, name: &str| form.filter(|form| form.get("faire") == deed).map(|form| form.text(name)).unwrap_or_default();
    // Identifiers are of the page, so that the two forms name their fields apart.
    let purpose = |id: &'static str, value: String| FormField { id, ..purpose_field(&value) };
    CorrectionsPage {
        frame: &visit.frame,
        undo: vec![
            FormField::text("alias", "Numéro RPPS fusionné", &of("defusionner", "alias"), 20).mandatory().numeric(),
            purpose("accesFusion", of("defusionner", "accesFusion")),
            reason_field(&of("defusionner", "motif")),
        ],
        agree: vec![
            FormField::text("numero", "Numéro de demande", &of("accorder", "numero"), 15).mandatory(),
            purpose("accesAccord", of("accorder", "accesAccord")),
        ],
        waiting: Vec::new(),
        death: vec![
            FormField::text("decede", "Numéro RPPS de la personne déclarée décédée", &of("deces", "decede"), 20)
                .mandatory()
                .numeric(),
            purpose("accesDeces", of("deces", "accesDeces")),
            FormField { id: "motifDeces", ..reason_field(&of("deces", "motifDeces")) },
        ],
        deaths: Vec::new(),
        points: Vec::new(),
    }
}

async fn deaths(visit: &ProfessionalVisit, by: &ArbiterSession) -> Result<Vec<(String, String, bool)>, PortalFault> {
    let all = visit.portal.registration().deaths_to_correct(by).await?;
    let day = |iso: &str| parse_iso(iso).map(french).unwrap_or_default();
    Ok(all.into_iter().map(|death| (death.rpps, day(&death.on), death.is_own)).collect())
}

/// `GET /portail/console/arbitrage/corrections`
pub(crate) async fn corrections_page(visit: ProfessionalVisit) -> PageAnswer {
    let by = arbiter(&visit, READS_QUEUE).await?;
    let (waiting, deaths) = (waiting(&visit, &by).await?, deaths(&visit, &by).await?);
    let page = CorrectionsPage { waiting, deaths, ..corrections(&visit, None) };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/console/arbitrage/corrections`
pub(crate) async fn correct(visit: ProfessionalVisit, form: PostedForm) -> PageAnswer {
    let reader = arbiter(&visit, READS_QUEUE).await?;
    let (waiting, deaths) = (waiting(&visit, &reader).await?, deaths(&visit, &reader).await?);
    let mut page = CorrectionsPage { waiting, deaths, ..corrections(&visit, Some(&form)) };
    let fields = match form.get("faire") {
        "defusionner" => &mut page.undo,
        "deces" => &mut page.death,
        _ => &mut page.agree,
    };
    let empty = fields.iter_mut().filter(|field| field.value.trim().is_empty());
    let mut points: Vec<OpenPoint> = empty.map(missing).collect();
    if points.is_empty() {
        let registration = visit.portal.registration();
        let done = match form.get("faire") {
            "defusionner" => {
                let by = arbiter(&visit, form.get("accesFusion")).await?;
                let undone = registration.undo_merge(&by, form.get("alias"), form.get("motif")).await;
                undone.map(|undone| if undone == UndoneMerge::Proposed { "defusion-proposee" } else { "defusionnees" })
            }
            "deces" => {
                let by = arbiter(&visit, form.get("accesDeces")).await?;
                let done = registration.correct_death(&by, form.get("decede"), form.get("motifDeces")).await;
                done.map(|done| if done == CorrectedDeath::Proposed { "deces-propose" } else { "deces-corrige" })
            }
            "accorder" => {
                let by = arbiter(&visit, form.get("accesAccord")).await?;
                registration.agree_wrong_person(&by, form.get("numero"), false).await.map(|_| "annulee")
            }
            _ => return Err(PortalFault::Unreadable),
        };
        match done {
            Ok(told) => return Ok(answer::see_other(&format!("{}?fait={told}", ARBITRATION.0))),
            // The agreement is kept until the authority asks.
            Err(RegistrationStop::Refused(refused)) if refused.code == MessageCode::EReq08 => {
                return Ok(answer::see_other(&format!("{}?fait=accord", ARBITRATION.0)));
            }
            Err(RegistrationStop::Refused(refused)) => {
                // The reason is the third field of the forms that have one.
                let anchor = if refused.code == MessageCode::EGen03 { 2 } else { 0 };
                if let Some(field) = fields.get_mut(anchor) {
                    field.tell(refused.code.as_str(), &refused.text);
                    points.push(refused_at(&field.anchor(), &refused));
                }
            }
            Err(stop) => return Err(stop.into()),
        }
    }
    page.points = points;
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::UNPROCESSABLE_ENTITY, &page))
}
