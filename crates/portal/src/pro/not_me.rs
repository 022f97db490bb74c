//! « Ce n’est pas moi » (registration §12): somebody raises an alert on a request about themselves. Messages lead here from the first page of the
//! portal. What is active on their phones is frozen at once.

use crate::answer;
use crate::fault::{PageAnswer, PortalFault};
use crate::form::PostedForm;
use crate::frame::PortalFrame;
use crate::french::{day_of, typeset};
use crate::who::HolderVisit;
use annuaire_registry::RequestAboutHolder;
use askama::Template;
use axum::http::StatusCode;

/// Address of the page.
const NOT_ME: &str = "/portail/pro/pas-moi";

/// A request about the person.
struct AlertLine {
    number: String,
    kind: &'static str,
    place: String,
    state: String,
    date: String,
}

/// The requests, or the one that was chosen.
#[derive(Template)]
#[template(path = "pro/not_me.html")]
struct NotMePage<'a> {
    frame: &'a PortalFrame,
    lines: Vec<AlertLine>,
    chosen: Option<AlertLine>,
}

fn line(request: RequestAboutHolder) -> AlertLine {
    AlertLine {
        kind: request.kind.label(),
        state: typeset(&request.state.label()),
        date: day_of(request.begun_ms),
        number: request.number,
        place: request.place,
    }
}

/// `GET /portail/pro/pas-moi?demande=…`
pub(crate) async fn page(visit: HolderVisit) -> PageAnswer {
    let wanted = visit.request.parameter("demande");
    let all = visit.portal.registration().requests_about_holder(&visit.session).await?;
    let mut lines: Vec<AlertLine> = all.into_iter().map(line).collect();
    let chosen = match wanted.as_str() {
        "" => None,
        wanted => {
            let at = lines.iter().position(|line| line.number == wanted).ok_or(PortalFault::Nothing)?;
            Some(lines.swap_remove(at))
        }
    };
    let page = NotMePage { frame: &visit.frame, lines, chosen };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `POST /portail/pro/pas-moi`
pub(crate) async fn alert(visit: HolderVisit, form: PostedForm) -> PageAnswer {
    visit.portal.registration().not_me(&visit.session, form.get("demande")).await?;
    Ok(answer::see_other(&format!("{NOT_ME}?fait=gelees")))
}
