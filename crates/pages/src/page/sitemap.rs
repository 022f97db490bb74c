//! The addresses of all sheets for search engines (sitemaps.org 0.9).
//!
//! A part lists the sheets of a fixed range of rows of the store. A version keeps its row for ever, and each transaction adds rows behind
//! the last, so that an old part only loses addresses, and a crawler that asks by tag gets just the parts that a transaction changed.

use std::fmt::Write;
use std::sync::Arc;

use annuaire_base::date::iso_day;
use annuaire_index::{Error, RoaringBitmap, Row, Snapshot};
use annuaire_terms::TypeId;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;

use super::message::respond_with;
use super::missing::UnknownAddress;
use super::{CachePolicy, PageResult};
use crate::limits;
use crate::query::encoded;
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::schema::{ORGANIZATION, PRACTITIONER, active, organization, practitioner};
use crate::site::Site;
use crate::turn::in_turn;
use crate::visit::Visit;

/// How long clients may cache the files.
pub(crate) const CACHE: CachePolicy = CachePolicy::Revalidate;

/// The kinds of sheets: first segment of their address, which names their parts too.
const KINDS: [&str; 2] = ["professionnel", "structure"];

/// `GET /sitemap.xml`: the list of parts.
pub(crate) async fn index(State(site): State<Arc<Site>>, visit: Visit) -> Response {
    in_turn(site, visit, index_file).await
}

/// `GET /sitemap/{kind}-{number}.xml`
pub(crate) async fn part(State(site): State<Arc<Site>>, visit: Visit, Path(name): Path<String>) -> Response {
    in_turn(site, visit, move |site, visit| part_file(site, visit, &name)).await
}

fn index_file(site: &Site, visit: &Visit) -> PageResult {
    if !site.settings.is_indexed {
        return Ok(respond_with(site, &visit.request, UnknownAddress));
    }
    let snapshot = site.unmetered_snapshot(visit.pass)?;
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for kind in KINDS {
        let rows = listed_rows(&snapshot, kind)?;
        let parts = rows.max().map_or(0, |last| last / limits::SITEMAP_ROWS + 1);
        for part in (0..parts).filter(|part| rows.range_cardinality(rows_of(*part)) > 0) {
            let _ = writeln!(xml, "<sitemap><loc>{}/sitemap/{kind}-{part}.xml</loc></sitemap>", xml_text(&visit.request.base));
        }
    }
    xml.push_str("</sitemapindex>\n");
    Ok(file(xml))
}

fn part_file(site: &Site, visit: &Visit, name: &str) -> PageResult {
    let named = name.strip_suffix(".xml").and_then(|name| name.split_once('-'));
    let number =
        named.and_then(|(_, number)| number.parse::<u32>().ok()).filter(|number| *number <= u32::MAX / limits::SITEMAP_ROWS);
    let kind = named.and_then(|(kind, _)| KINDS.into_iter().find(|known| *known == kind));
    let (Some(kind), Some(number), true) = (kind, number, site.settings.is_indexed) else {
        return Ok(respond_with(site, &visit.request, UnknownAddress));
    };
    let snapshot = site.unmetered_snapshot(visit.pass)?;
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    let mut last = String::new();
    let rows = listed_rows(&snapshot, kind)?;
    for row in rows.range(rows_of(number)).map(Row::new) {
        let version = snapshot.read(row)?;
        let resource = shown_json(&version);
        let id = match kind {
            "structure" => OrganizationView::of_json(&resource).technical_id,
            _ => PractitionerView::of_json(&resource).national_id,
        };
        // Practices of one person mostly stand side by side. Two entries of one address are allowed.
        if id.is_empty() || id == last {
            continue;
        }
        let _ = writeln!(
            xml,
            "<url><loc>{}/{kind}/{}</loc><lastmod>{}</lastmod></url>",
            xml_text(&visit.request.base),
            encoded(&id),
            iso_day(version.last_updated_ms)
        );
        last = id;
    }
    xml.push_str("</urlset>\n");
    Ok(file(xml))
}

/// The rows of the sheets of a kind.
fn listed_rows(snapshot: &Snapshot, kind: &str) -> Result<Arc<RoaringBitmap>, Error> {
    let (ty, param): (TypeId, _) = match kind {
        "structure" => (ORGANIZATION, organization::ACTIVE),
        _ => (PRACTITIONER, practitioner::ACTIVE),
    };
    snapshot.search(ty, &active(param))
}

/// The rows of a part.
fn rows_of(part: u32) -> std::ops::Range<u32> {
    let first = part * limits::SITEMAP_ROWS;
    first..first.saturating_add(limits::SITEMAP_ROWS)
}

/// A text between tags. An address that the operator or a proxy gives the site has none of these signs; nobody has to believe that.
fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn file(xml: String) -> Response {
    let mut response = Response::new(Body::from(xml));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml;charset=UTF-8"));
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    CACHE.apply(&mut response);
    response
}
