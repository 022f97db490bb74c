//! « Indicateurs de qualité » (registration §15): figures of territories, for auditors and arbiters, as a page and as a file.

use crate::answer;
use crate::console::purpose::{arbiter, closed};
use crate::csv;
use crate::fault::{PageAnswer, PortalFault};
use crate::frame::PortalFrame;
use crate::french::typeset;
use crate::who::ProfessionalVisit;
use annuaire_nos::Nos;
use annuaire_registry::{IndicatorReader, QualityReport, TerritoryFigures};
use annuaire_workflow::day::french;
use annuaire_workflow::indicators::{PublishedFigure, QualityIndicator};
use askama::Template;
use axum::http::StatusCode;

/// Purpose of reading figures that name nobody.
const READS_FIGURES: &str = "lecture des indicateurs de qualité";
/// What stands in the place of a hidden figure.
const HIDDEN: &str = "n. c.";
/// Heading of the median of the time to a number.
const DELAY: &str = "Délai médian de la saisie au numéro";

/// A figure of the page: heading, value, and of how many.
struct FigureCell {
    heading: String,
    value: String,
    of: String,
}

/// A territory, as the page shows it.
struct TerritoryLine {
    name: String,
    cells: Vec<FigureCell>,
}

/// The page.
#[derive(Template)]
#[template(path = "console/indicators.html")]
struct IndicatorsPage<'a> {
    frame: &'a PortalFrame,
    /// Day of the count; empty before the first one.
    counted_on: String,
    headings: Vec<String>,
    lines: Vec<TerritoryLine>,
}

fn number(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join("\u{a0}")
}

/// « 87,5 % », « 3 » per 1,000, « 2 j 5 h ».
fn value_of(indicator: Option<QualityIndicator>, figure: PublishedFigure) -> String {
    match (indicator, figure) {
        (_, PublishedFigure::Nothing) => "—".to_owned(),
        (_, PublishedFigure::Hidden) => HIDDEN.to_owned(),
        (None, PublishedFigure::Shown { value, .. }) if value < 48 => format!("{value}\u{a0}h"),
        (None, PublishedFigure::Shown { value, .. }) => format!("{}\u{a0}j {}\u{a0}h", value / 24, value % 24),
        (Some(indicator), PublishedFigure::Shown { value, .. }) if indicator.is_per_thousand() => value.to_string(),
        (Some(_), PublishedFigure::Shown { value, .. }) => format!("{},{}\u{a0}%", value / 10, value % 10),
    }
}

fn base_of(indicator: Option<QualityIndicator>, figure: PublishedFigure) -> String {
    let label = indicator.map_or("numéros attribués en 12 mois", QualityIndicator::base_label);
    match figure {
        PublishedFigure::Shown { of, .. } => typeset(&format!("{} {label}", number(of))),
        _ => String::new(),
    }
}

fn headings() -> Vec<String> {
    let labels = QualityIndicator::ALL.iter().map(|indicator| indicator.label()).chain([DELAY]);
    labels.map(typeset).collect()
}

/// The name of a department (TRE_G09).
fn territory_name(code: &str) -> String {
    let found = Nos::embedded().table("TRE_G09").and_then(|table| table.get(code));
    match (found, code) {
        (_, "") => "Sans territoire".to_owned(),
        (Some(concept), _) => format!("{code} {}", concept.label),
        (None, _) => code.to_owned(),
    }
}

fn line(name: String, figures: &TerritoryFigures) -> TerritoryLine {
    let shares = QualityIndicator::ALL.into_iter().map(Some).zip(figures.shares.iter().copied());
    let cells = shares.chain([(None, figures.delay)]).zip(headings()).map(|((indicator, figure), heading)| FigureCell {
        heading,
        value: value_of(indicator, figure),
        of: base_of(indicator, figure),
    });
    TerritoryLine { name, cells: cells.collect() }
}

fn lines(report: &QualityReport) -> Vec<TerritoryLine> {
    let whole = line("Tous les territoires".to_owned(), &report.whole);
    let territories = report.territories.iter().map(|figures| line(territory_name(&figures.territory), figures));
    [whole].into_iter().chain(territories).collect()
}

/// What the last night counted, for an auditor or else for an arbiter.
async fn report(visit: &ProfessionalVisit) -> Result<Option<QualityReport>, PortalFault> {
    let registration = visit.portal.registration();
    if registration.consoles_of(&visit.who.national_id).audit {
        let by = registration.auditor_session(&visit.who.national_id, visit.trace.clone()).await.map_err(closed)?;
        return Ok(registration.quality_report(IndicatorReader::Auditor(&by)).await?);
    }
    let by = arbiter(visit, READS_FIGURES).await?;
    Ok(registration.quality_report(IndicatorReader::Arbiter(&by)).await?)
}

/// `GET /portail/console/indicateurs`
pub(crate) async fn page(visit: ProfessionalVisit) -> PageAnswer {
    let report = report(&visit).await?;
    let page = IndicatorsPage {
        frame: &visit.frame,
        counted_on: report.as_ref().map(|report| french(report.counted_on)).unwrap_or_default(),
        headings: headings(),
        lines: report.as_ref().map(lines).unwrap_or_default(),
    };
    Ok(answer::page(&visit.portal, &visit.request, StatusCode::OK, &page))
}

/// `GET /portail/console/indicateurs/fichier`: what the page shows, as CSV, one line for each territory and indicator.
pub(crate) async fn file(visit: ProfessionalVisit) -> PageAnswer {
    let mut text = String::from("\u{feff}Territoire;Indicateur;Valeur;Base\r\n");
    for line in report(&visit).await?.as_ref().map(lines).unwrap_or_default() {
        for cell in &line.cells {
            text.push_str(&csv::line([line.name.as_str(), &cell.heading, &cell.value, &cell.of]));
        }
    }
    Ok(answer::download("text/csv;charset=UTF-8", "indicateurs.csv", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_people_read_them() {
        let shown = |value, of| PublishedFigure::Shown { value, of };
        assert_eq!(value_of(Some(QualityIndicator::Certified), shown(875, 10)), "87,5\u{a0}%");
        assert_eq!(value_of(Some(QualityIndicator::Duplicates), shown(3, 10)), "3");
        assert_eq!([value_of(None, shown(47, 10)), value_of(None, shown(53, 10))], ["47\u{a0}h", "2\u{a0}j 5\u{a0}h"]);
        assert_eq!(value_of(None, PublishedFigure::Hidden), "n. c.");
        assert_eq!(base_of(Some(QualityIndicator::Reviewed), shown(1, 1_234_560)), "1\u{a0}234\u{a0}560 situations");
        assert_eq!(base_of(None, PublishedFigure::Nothing), "");
        assert_eq!([territory_name(""), territory_name("ZZ")], ["Sans territoire", "ZZ"]);
        assert!(territory_name("35").to_lowercase().contains("ille"), "{}", territory_name("35"));
    }
}
