//! The check of a right to practise: a number in, a page to print out. It says what the public perimeter says, when that was seen, and what
//! it does not prove.

use std::sync::Arc;

use annuaire_base::date::iso_day;
use annuaire_base::id;
use annuaire_index::Snapshot;
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::{CachePolicy, Indexing, Page, PageResult, respond};
use crate::correction::{DataCorrector, corrector_of_professional};
use crate::frame::PageFrame;
use crate::french::french_count;
use crate::person::PersonFound;
use crate::query::{QueryFields, encoded};
use crate::resource::situation::PracticeView;
use crate::sheet::SheetDates;
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;
use crate::words::Language;

/// What begins the national id of somebody with an RPPS number (TRE_G08).
const RPPS_KIND: char = '8';

/// When and on which state of the directory a check was made.
#[derive(Debug, Clone, Default)]
pub(crate) struct CheckMoment {
    /// Minute of the check, in Paris.
    pub at: String,
    /// Day of the state of the directory.
    pub state: String,
    /// Its transaction.
    pub tx: String,
}

impl CheckMoment {
    fn new(site: &Site, snapshot: &Snapshot, language: Language) -> Self {
        Self {
            at: language.minute(site.settings.gate.now() / 1_000),
            state: language.long_day(&iso_day(snapshot.commit_ms())),
            tx: french_count(snapshot.tx().get()),
        }
    }
}

/// The form, with what is wrong with a number that was typed.
#[derive(Template)]
#[template(path = "verify_form.html")]
pub(crate) struct VerifyFormPage {
    pub frame: PageFrame,
}

impl Page for VerifyFormPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        self.frame.t("Vérifier un professionnel")
    }
}

/// The form again, for a number that is none.
#[derive(Template)]
#[template(path = "verify_refused.html")]
pub(crate) struct VerifyRefusedPage {
    pub frame: PageFrame,
    pub typed: String,
    /// What is wrong, and what to do.
    pub problem: &'static str,
}

impl Page for VerifyRefusedPage {
    const STATUS: StatusCode = StatusCode::BAD_REQUEST;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        self.frame.t("Numéro à corriger")
    }
}

/// Somebody who practises.
#[derive(Template)]
#[template(path = "verified.html")]
pub(crate) struct VerifiedPage {
    pub frame: PageFrame,
    pub number: String,
    pub name: String,
    pub national_id: String,
    pub practices: Vec<PracticeView>,
    pub dates: SheetDates,
    pub moment: CheckMoment,
    pub corrector: DataCorrector,
}

impl Page for VerifiedPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        self.frame.t("Exercice vérifié")
    }
}

impl VerifiedPage {
    /// Address of the sheet of the person.
    fn sheet(&self) -> String {
        format!("{}/professionnel/{}{}", self.frame.root, encoded(&self.national_id), self.frame.lang())
    }
}

/// Nobody practises under this number, as far as the directory publishes.
#[derive(Template)]
#[template(path = "not_verified.html")]
pub(crate) struct NotVerifiedPage {
    pub frame: PageFrame,
    pub number: String,
    /// What is published of the number.
    pub finding: &'static str,
    /// Day since which nothing is published of somebody who left; empty for others.
    pub left: String,
    pub moment: CheckMoment,
}

impl Page for NotVerifiedPage {
    const STATUS: StatusCode = StatusCode::NOT_FOUND;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        self.frame.t("Exercice non vérifié")
    }
}

/// `GET /verifier?numero=…`
pub(crate) async fn show(State(site): State<Arc<Site>>, visit: Visit, RawQuery(query): RawQuery) -> Response {
    in_turn(site, visit, move |site, visit| verify_page(site, visit, QueryFields::parse(query.as_deref()).get("numero"))).await
}

fn verify_page(site: &Site, visit: &Visit, typed: &str) -> PageResult {
    let frame = PageFrame::translated(
        site,
        &visit.request,
        &Some(("numero", typed)).filter(|_| !typed.is_empty()).into_iter().collect::<Vec<_>>(),
    );
    if typed.is_empty() {
        return Ok(respond(&visit.request, &VerifyFormPage { frame }));
    }
    let rpps = match rpps_of(typed) {
        Ok(rpps) => rpps,
        Err(problem) => return Ok(respond(&visit.request, &VerifyRefusedPage { frame, typed: typed.to_owned(), problem })),
    };
    let snapshot = site.snapshot(visit.pass)?;
    let moment = CheckMoment::new(site, &snapshot, visit.request.language);
    let mut left = String::new();
    let finding = match PersonFound::by_national_id(&snapshot, &format!("{RPPS_KIND}{rpps}"))? {
        PersonFound::Practising(person) => {
            let first = &person.practices[0];
            let page = VerifiedPage {
                frame,
                number: rpps,
                name: first.name.clone(),
                national_id: first.national_id.clone(),
                corrector: corrector_of_professional(&first.trace.authority, &first.profession_code),
                dates: SheetDates::new(
                    &snapshot,
                    visit.request.language,
                    &person.authority_day(),
                    (person.changed_ms, person.changed_tx),
                ),
                practices: person.with_situations(&snapshot)?,
                moment,
            };
            return Ok(respond(&visit.request, &page));
        }
        PersonFound::Left { since_ms } => {
            left = visit.request.language.long_day(&iso_day(since_ms));
            frame.t("Le professionnel qui porte ce numéro n’est plus publié.")
        }
        PersonFound::WithdrawnByLaw => frame.t("Les données publiées sous ce numéro ont été retirées pour un motif légal."),
        PersonFound::Nobody => frame.t("Aucun professionnel n’est publié sous ce numéro."),
    };
    Ok(respond(&visit.request, &NotVerifiedPage { frame, number: rpps, finding, left, moment }))
}

/// The RPPS number that was typed, alone or as a national id; else what is wrong with it.
fn rpps_of(typed: &str) -> Result<String, &'static str> {
    let digits: String = typed.chars().filter(|sign| !sign.is_whitespace() && !matches!(sign, '.' | '-')).collect();
    let rpps = match digits.strip_prefix(RPPS_KIND) {
        Some(rest) if digits.len() == 12 => rest,
        _ => &digits,
    };
    if rpps.len() != 11 || !rpps.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            "Un numéro RPPS a onze chiffres. Lisez-le sur la carte, la plaque, l’ordonnance ou le cachet du professionnel.",
        );
    }
    if id::rpps(rpps).is_err() {
        return Err("Ce numéro a une faute de frappe : sa clé de contrôle n’est pas la bonne. Comparez chaque chiffre.");
    }
    Ok(rpps.to_owned())
}

#[cfg(test)]
mod tests {
    use super::rpps_of;

    #[test]
    fn numbers_are_read_as_people_write_them_and_refused_with_a_reason() {
        for typed in ["10999000010", "1 0999 000 010", "810999000010", "10.999.000.010", "\u{a0}10999000010"] {
            assert_eq!(rpps_of(typed).as_deref(), Ok("10999000010"), "{typed}");
        }
        for (typed, reason) in [
            ("10999000013", "faute de frappe"),
            ("1099900001", "onze chiffres"),
            ("910999000014", "onze chiffres"),
            ("1099900001x", "onze chiffres"),
            ("١٠٩٩٩٠٠٠٠١٤", "onze chiffres"),
        ] {
            assert!(rpps_of(typed).is_err_and(|problem| problem.contains(reason)), "{typed}");
        }
    }
}
