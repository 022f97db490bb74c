//! PageTurner by a name: the names of the data in turn, so that no answer is kept from the request before.

use crate::load::{self, Figures};
use crate::pages::PageTurner;
use crate::program::Nginx;
use crate::table::{CONNECTIONS, row};
use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most names that are searched.
const MOST: usize = 2_000;
/// Spellings of each query.
const SPELLINGS: usize = 10;
/// PageTurner of a thousand that they are drawn from at most.
const DRAWN_FROM: usize = 20;

/// A value, percent-encoded for a query.
pub fn encoded(value: &str) -> String {
    value.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Family names and first names of a page.
pub fn of_page(page: &Value) -> impl Iterator<Item = &str> {
    page["entry"].as_array().into_iter().flatten().flat_map(|e| {
        let name = &e["resource"]["name"][0];
        [name["family"].as_str(), name["given"][0].as_str()].into_iter().flatten()
    })
}

/// Searches of different names of the data, without their base.
pub fn queries(host: &str) -> Result<Vec<String>> {
    let mut names = BTreeSet::new();
    let mut pages = PageTurner::of(host, "Practitioner?_count=1000", false)?;
    for _ in 0..DRAWN_FROM {
        if names.len() >= MOST || pages.turn()?.is_none() {
            break;
        }
        let page: Value = serde_json::from_slice(&pages.body)?;
        names.extend(of_page(&page).map(encoded));
    }
    Ok(names.into_iter().take(MOST).map(|n| format!("/fhir/v2/Practitioner?name={n}&_count=50")).collect())
}

/// The queries in several spellings (`&` appended): answers kept from an earlier round do not serve them.
fn spelt(queries: &[String]) -> Vec<String> {
    (1..=SPELLINGS).flat_map(|n| queries.iter().map(move |q| format!("{q}{}", "&".repeat(n)))).collect()
}

/// Prints the rows of searches by name. The server has just started and was not asked any of them before.
pub fn measure(host: &str, queries: &[String], nginx: Option<&Nginx>, seconds: f64) {
    let cold = load::once(host, queries);
    row(
        &format!("{} names, each for the first time, one client", queries.len()),
        &format!(
            "{:.2} s, p50 {} µs, p99 {} µs{}",
            cold.count() as f64 / cold.per_second.max(1e-9),
            cold.p50(),
            cold.p99(),
            cold.refusals()
        ),
    );
    // nginx serves one file: the page whose size is nearest to the mean.
    let mut nearest = Vec::new();
    for query in queries.iter().take(200) {
        if let Ok(body) = load::fetch(host, query)
            && (nearest.is_empty() || cold.bytes.abs_diff(body.len() as u64) < cold.bytes.abs_diff(nearest.len() as u64))
        {
            nearest = body;
        }
    }
    let one_query = ["/fhir/v2/Practitioner?name=mar&_count=50".to_owned()];
    let one = load::fetch(host, &one_query[0]).unwrap_or_default();
    for (suffix, headers) in [("", ""), (", gzip", "Accept-Encoding: gzip\r\n")] {
        for (what, paths, file) in [
            ("names of the data in turn", &spelt(queries)[..], &nearest),
            ("the same name again and again", &one_query[..], &one),
        ] {
            let f: Figures = load::run(host, paths, headers, CONNECTIONS, seconds);
            let rival = nginx.map(|n| f.beside("nginx", &n.run(file, headers, CONNECTIONS, seconds)));
            row(&format!("name search, page of 50, {what}{suffix}"), &format!("{f}{}", rival.unwrap_or_default()));
        }
    }
}
