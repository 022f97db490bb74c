//! Papers as PDF, and the summary of a request as one (SC21), with what its page says.

use crate::answer;
use crate::door::Portal;
use crate::fault::{PageAnswer, PortalFault};
use crate::filler::Filler;
use crate::sheet::sheet_view;
use crate::who::{ApplicantVisit, HolderVisit, ManagerVisit};
use annuaire_papers::{PaperError, RequestPaper};
use axum::extract::Path;

/// A paper that somebody keeps.
pub(crate) fn download(name: &str, paper: Result<Vec<u8>, PaperError>) -> PageAnswer {
    let bytes = paper.map_err(|error| PortalFault::Failed(annuaire_web::cause_chain(&error)))?;
    Ok(answer::download("application/pdf", name, bytes))
}

async fn paper(portal: &Portal, by: Filler<'_>, number: &str) -> PageAnswer {
    // Opening it shows whether it may be seen.
    let sheet = by.sheet(portal.registration(), number).await?;
    let view = sheet_view(portal, &sheet);
    let owned = |lines: Vec<(&'static str, String)>| lines.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
    let paper = RequestPaper {
        number: view.number,
        kind: view.kind.to_owned(),
        state: view.state,
        rpps: view.rpps,
        sections: view.sections.into_iter().map(|(title, lines)| (title, owned(lines))).collect(),
        steps: view.steps,
    };
    download(&format!("demande-{}.pdf", paper.number), paper.to_pdf())
}

/// `GET /portail/gae/demandes/{numero}/confirmation.pdf`
pub(crate) async fn of_manager(visit: ManagerVisit, Path(number): Path<String>) -> PageAnswer {
    paper(&visit.portal, Filler::Manager(&visit.session), &number).await
}

/// `GET /portail/pro/demandes/{numero}/confirmation.pdf`
pub(crate) async fn of_holder(visit: HolderVisit, Path(number): Path<String>) -> PageAnswer {
    paper(&visit.portal, Filler::Holder(&visit.session), &number).await
}

/// `GET /portail/pro/inscription/{numero}/confirmation.pdf`
pub(crate) async fn of_applicant(visit: ApplicantVisit, Path(number): Path<String>) -> PageAnswer {
    paper(&visit.portal, Filler::Applicant(&visit.session), &number).await
}
