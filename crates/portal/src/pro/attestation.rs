//! The own attestation of a registered professional (SC50), as a page and as PDF. Both are made of one [`RegistrationPaper`], which holds what
//! the public perimeter shows: what whoever checks it is shown too (SC80). Beside it stands the attestation of a qualified home helper, as page
//! and PDF of one [`HomeHelpPaper`].

use crate::answer;
use crate::attestation::AttestationKind;
use crate::door::Portal;
use crate::fault::{PageAnswer, PortalFault};
use crate::frame::PortalFrame;
use crate::papers;
use crate::who::HolderVisit;
use annuaire_papers::{AttestedPlace, HomeHelpPaper, PaperCheck, RegistrationPaper};
use annuaire_workflow::day::{french, paris_day};
use askama::Template;
use axum::http::StatusCode;

/// The attestation on a page.
#[derive(Template)]
#[template(path = "pro/attestation.html")]
struct AttestationPage<'a> {
    frame: &'a PortalFrame,
    paper: RegistrationPaper,
}

/// The attestation of a qualified home helper on a page (registration §5.7).
#[derive(Template)]
#[template(path = "pro/home_help.html")]
struct HomeHelpPage<'a> {
    frame: &'a PortalFrame,
    paper: HomeHelpPaper,
}

/// How a paper with a code is checked.
fn check_of(portal: &Portal, rpps: &str, code: String) -> PaperCheck {
    PaperCheck { url: format!("{}/portail/verifier?rpps={rpps}&code={code}", portal.origin()), code }
}

/// What is attested today. Somebody of whom nothing is public is attested nothing.
async fn paper_of(visit: &HolderVisit) -> Result<RegistrationPaper, PortalFault> {
    let HolderVisit { portal, session, .. } = visit;
    let registration = portal.registration();
    let rpps = registration.own_file(session).await?.rpps;
    let Some(public) = registration.attested_person(&rpps).await? else {
        let text = "L’annuaire public ne dit rien de vous aujourd’hui : une attestation ne contient que des données publiques. Votre \
                    autorité d’enregistrement peut vous dire pourquoi.";
        return Err(PortalFault::told(StatusCode::CONFLICT, "Attestation impossible", text));
    };
    let today = paris_day(portal.now_ms());
    let code = portal.attestation_code(AttestationKind::Registration, &rpps, today);
    Ok(RegistrationPaper {
        names: public.names,
        professions: public.professions.iter().map(|code| portal.profession(code)).collect(),
        places: public.places.into_iter().map(|place| AttestedPlace { number: place.number, name: place.name }).collect(),
        day: french(today),
        check: check_of(portal, &rpps, code),
        rpps,
    })
}

/// `GET /portail/pro/attestation`
pub(crate) async fn page(visit: HolderVisit) -> PageAnswer {
    let paper = paper_of(&visit).await?;
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &AttestationPage { frame: &visit.frame, paper }))
}

/// `GET /portail/pro/attestation.pdf`
pub(crate) async fn pdf(visit: HolderVisit) -> PageAnswer {
    let paper = paper_of(&visit).await?;
    papers::download(&format!("attestation-{}.pdf", paper.rpps), paper.to_pdf())
}

/// What an employer attested of a qualified home helper, while it is valid.
async fn home_help_paper(visit: &HolderVisit) -> Result<HomeHelpPaper, PortalFault> {
    let HolderVisit { portal, session, .. } = visit;
    let Some(attested) = portal.registration().own_home_help(session).await? else {
        let text = "Aucun employeur n’a attesté pour vous la profession d’aide à domicile qualifié(e), ou cette attestation n’est plus \
                    valable, ou l’annuaire public ne dit pas que vous l’exercez. Adressez-vous à votre employeur.";
        return Err(PortalFault::told(StatusCode::CONFLICT, "Attestation impossible", text));
    };
    let code = portal.attestation_code(AttestationKind::HomeHelp, &attested.rpps, attested.verified_on);
    Ok(HomeHelpPaper {
        names: attested.names,
        profession: portal.home_help_label(),
        place: AttestedPlace { number: attested.place.number, name: attested.place.name },
        verified_on: french(attested.verified_on),
        valid_until: french(attested.valid_until),
        check: check_of(portal, &attested.rpps, code),
        rpps: attested.rpps,
    })
}

/// `GET /portail/pro/attestation-profession`
pub(crate) async fn home_help(visit: HolderVisit) -> PageAnswer {
    let paper = home_help_paper(&visit).await?;
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &HomeHelpPage { frame: &visit.frame, paper }))
}

/// `GET /portail/pro/attestation-profession.pdf`
pub(crate) async fn home_help_pdf(visit: HolderVisit) -> PageAnswer {
    let paper = home_help_paper(&visit).await?;
    papers::download(&format!("attestation-profession-{}.pdf", paper.rpps), paper.to_pdf())
}
