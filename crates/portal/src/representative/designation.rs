//! « Ajouter une habilitation » (H4) and « Ajouter un mandataire » (H3): search, terms, summary, and then it stands.
//!
//! Nothing is stored between the steps: each form carries what the former ones said, and the last one is checked as a whole.

use crate::answer;
use crate::console::purpose::{missing, refused_at};
use crate::fault::{PageAnswer, PortalFault};
use crate::field::{FormField, OpenPoint};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::representative::structures::{HABILITATIONS, is_told_here, represented};
use crate::who::RepresentativeVisit;
use annuaire_registry::{
    AuthoritySheet, HabilitationCandidate, ManagerTerms, RegistrationRefusal, RegistrationStop, target_text,
};
use annuaire_workflow::day::{Day, french, paris_day, parse_french};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::perimeter::PerimeterTarget;
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;

/// Which step is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DesignationStep {
    Search,
    Terms,
    Summary,
}

/// A site of a legal entity, which can be left out.
struct SiteChoice {
    number: String,
    name: String,
    is_out: bool,
}

/// The page of a step.
#[derive(Template)]
#[template(path = "representative/designation.html")]
struct DesignationPage<'a> {
    frame: &'a PortalFrame,
    step: DesignationStep,
    is_manager: bool,
    target: String,
    place: String,
    number: FormField,
    candidate: String,
    rpps: String,
    professions: String,
    until: FormField,
    sites: Vec<SiteChoice>,
    sub_delegation: bool,
    /// The person has to be registered first (E-HAB-03).
    needs_registration: bool,
    points: Vec<OpenPoint>,
}

impl DesignationPage<'_> {
    fn title(&self) -> &'static str {
        if self.is_manager { "Ajouter une habilitation" } else { "Ajouter un mandataire" }
    }

    fn is_search(&self) -> bool {
        self.step == DesignationStep::Search
    }

    fn is_summary(&self) -> bool {
        self.step == DesignationStep::Summary
    }

    /// Sites that are left out, for the summary.
    fn left_out(&self) -> Vec<&SiteChoice> {
        self.sites.iter().filter(|site| site.is_out).collect()
    }
}

fn number_field(value: &str) -> FormField {
    FormField::text("rpps", "Numéro RPPS", value, 20).mandatory().numeric().hinted("11 chiffres, de la personne à habiliter")
}

async fn page_of<'a>(
    visit: &'a RepresentativeVisit,
    sheet: &AuthoritySheet,
    is_manager: bool,
    form: Option<&PostedForm>,
) -> Result<DesignationPage<'a>, PortalFault> {
    let typed = |name: &str| form.map(|form| form.text(name)).unwrap_or_default();
    let mut sites = Vec::new();
    if let (true, PerimeterTarget::LegalEntity(number)) = (is_manager, &sheet.target) {
        for site in visit.portal.registration().open_sites(number).await? {
            let is_out = form.is_some_and(|form| form.all("exclusion").any(|out| out == site.number));
            sites.push(SiteChoice { number: site.number, name: site.name, is_out });
        }
    }
    Ok(DesignationPage {
        frame: &visit.frame,
        step: DesignationStep::Search,
        is_manager,
        target: target_text(&sheet.target),
        place: format!("{} - {}", sheet.number, sheet.name),
        number: number_field(&typed("rpps")),
        candidate: String::new(),
        rpps: String::new(),
        professions: String::new(),
        until: FormField::day("fin", "Date de fin", &typed("fin")).hinted("Facultative. Format : JJ/MM/AAAA"),
        sites,
        sub_delegation: form.is_some_and(|form| form.is_ticked("sousDelegation")),
        needs_registration: false,
        points: Vec::new(),
    })
}

fn sent(visit: &RepresentativeVisit, page: &DesignationPage<'_>) -> PageAnswer {
    let status = if page.points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(answer::page(&visit.portal, &visit.request, status, page))
}

/// `GET /portail/habilitations/{cible}/gestionnaire`
pub(crate) async fn manager_page(visit: RepresentativeVisit, Path(target): Path<String>) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    sent(&visit, &page_of(&visit, &sheet, true, None).await?)
}

/// `GET /portail/habilitations/{cible}/mandataire`
pub(crate) async fn mandataire_page(visit: RepresentativeVisit, Path(target): Path<String>) -> PageAnswer {
    let sheet = represented(&visit, &target).await?;
    sent(&visit, &page_of(&visit, &sheet, false, None).await?)
}

/// `POST /portail/habilitations/{cible}/gestionnaire`
pub(crate) async fn manager(visit: RepresentativeVisit, Path(target): Path<String>, form: PostedForm) -> PageAnswer {
    designate(visit, &target, &form, true).await
}

/// `POST /portail/habilitations/{cible}/mandataire`
pub(crate) async fn mandataire(visit: RepresentativeVisit, Path(target): Path<String>, form: PostedForm) -> PageAnswer {
    designate(visit, &target, &form, false).await
}

/// Finds the person of a form; what is wrong is told on the page.
async fn candidate_of(
    visit: &RepresentativeVisit,
    page: &mut DesignationPage<'_>,
    form: &PostedForm,
) -> Result<Option<HabilitationCandidate>, PortalFault> {
    if form.get("rpps").is_empty() {
        let point = missing(&mut page.number);
        page.points.push(point);
        return Ok(None);
    }
    let refused = match visit.portal.registration().candidate(&visit.session, form.get("rpps")).await {
        Ok(Some(candidate)) if candidate.may_log_in => return Ok(Some(candidate)),
        Ok(_) => RegistrationRefusal::plain(MessageCode::EHab03),
        Err(RegistrationStop::Refused(refused)) if is_told_here(refused.code) => refused,
        Err(stop) => return Err(stop.into()),
    };
    tell(page, &refused);
    Ok(None)
}

/// Tells a refusal beside the number.
fn tell(page: &mut DesignationPage<'_>, refused: &RegistrationRefusal) {
    page.step = DesignationStep::Search;
    page.needs_registration = refused.code == MessageCode::EHab03;
    page.number.tell(refused.code.as_str(), &refused.text);
    page.points.push(refused_at(page.number.id, refused));
}

/// The planned end; what is wrong with it is told on the page.
fn until_of(page: &mut DesignationPage<'_>, today: Day) -> Option<Day> {
    let typed = page.until.value.clone();
    let day = parse_french(&typed);
    if !typed.is_empty() && day.is_none_or(|day| day < today) {
        let text = "Saisissez une date à venir au format JJ/MM/AAAA, ou laissez le champ vide.";
        page.until.tell("", text);
        let text = format!("{}\u{a0}: {text}", page.until.label);
        page.points.push(OpenPoint { anchor: page.until.anchor(), text, is_warning: false });
    }
    day
}

async fn designate(visit: RepresentativeVisit, target: &str, form: &PostedForm, is_manager: bool) -> PageAnswer {
    let sheet = represented(&visit, target).await?;
    let mut page = page_of(&visit, &sheet, is_manager, Some(form)).await?;
    let Some(candidate) = candidate_of(&visit, &mut page, form).await? else { return sent(&visit, &page) };
    page.candidate.clone_from(&candidate.name);
    page.rpps = candidate.national_id.get(1..).unwrap_or_default().to_owned();
    page.professions = candidate.professions.iter().map(|code| visit.portal.profession(code)).collect::<Vec<_>>().join(", ");
    page.step = DesignationStep::Terms;
    let until = until_of(&mut page, paris_day(visit.portal.now_ms()));
    if let Some(until) = until {
        page.until.value = french(until);
    }
    let deed = form.get("faire");
    if !page.points.is_empty() || !matches!(deed, "recapituler" | "envoyer") {
        return sent(&visit, &page);
    }
    page.step = DesignationStep::Summary;
    if deed == "recapituler" {
        return sent(&visit, &page);
    }
    if !form.is_ticked("cgu") {
        let text = "Acceptez les conditions générales d’utilisation pour envoyer la demande.".to_owned();
        page.points.push(OpenPoint { anchor: "cgu".to_owned(), text, is_warning: false });
        return sent(&visit, &page);
    }
    let registration = visit.portal.registration();
    let (done, told) = if is_manager {
        let exclusions = page.left_out().iter().map(|site| site.number.clone()).collect();
        let terms = ManagerTerms { until, exclusions };
        let done = registration.designate_manager(&visit.session, &sheet.target, &candidate.national_id, terms).await;
        (done, "habilitation")
    } else {
        let sub_delegation = page.sub_delegation;
        let person = &candidate.national_id;
        (registration.designate_mandataire(&visit.session, &sheet.target, person, sub_delegation).await, "mandat")
    };
    match done {
        Ok(()) => Ok(answer::see_other(&format!("{HABILITATIONS}/{}?fait={told}", target_text(&sheet.target)))),
        Err(RegistrationStop::Refused(refused)) if is_told_here(refused.code) => {
            tell(&mut page, &refused);
            sent(&visit, &page)
        }
        Err(stop) => Err(stop.into()),
    }
}
