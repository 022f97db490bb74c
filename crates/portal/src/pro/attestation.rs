//! The own attestation of a registered professional (SC50), as a page and as PDF. Both are made of one [`RegistrationPaper`], which holds what
//! the public perimeter shows: what whoever checks it is shown too (SC80).

use crate::answer;
use crate::fault::{PageAnswer, PortalFault};
use crate::frame::PortalFrame;
use crate::papers;
use crate::who::HolderVisit;
use annuaire_papers::{AttestedPlace, PaperCheck, RegistrationPaper};
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
    let code = portal.attestation_code(&rpps, today);
    Ok(RegistrationPaper {
        names: public.names,
        professions: public.professions.iter().map(|code| portal.profession(code)).collect(),
        places: public.places.into_iter().map(|place| AttestedPlace { number: place.number, name: place.name }).collect(),
        day: french(today),
        check: PaperCheck { url: format!("{}/portail/verifier?rpps={rpps}&code={code}", portal.origin()), code },
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
