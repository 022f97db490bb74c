//! Loads of the table on other servers, given as `NAME=BASE_URL`.

use crate::load::{self, Figures};
use crate::names;
use crate::table::{CONNECTIONS, row};
use anyhow::{Context, Result};
use serde_json::Value;

/// The loads that every FHIR server of practitioners can answer, from one of its own pages: name and paths.
pub fn loads(page: &Value, base: &str) -> [(&'static str, Vec<String>); 3] {
    let resources = || page["entry"].as_array().into_iter().flatten().map(|e| &e["resource"]);
    let ids = resources().filter_map(|r| r["id"].as_str()).map(|id| format!("{base}/Practitioner/{id}"));
    let identifiers = resources().filter_map(|r| r["identifier"][0]["value"].as_str());
    [
        ("read by id", ids.collect()),
        (
            "identifier search, bundle of one",
            identifiers.map(|v| format!("{base}/Practitioner?identifier={}", names::encoded(v))).collect(),
        ),
        (
            "name search, page of 50",
            names::of_page(page).map(|n| format!("{base}/Practitioner?name={}&_count=50", names::encoded(n))).collect(),
        ),
    ]
}

/// Prints how our figures compare with those of the servers named.
pub fn measure(servers: &[String], ours: &[(&str, Figures)], seconds: f64) {
    for server in servers {
        if let Err(e) = measure_one(server, ours, seconds) {
            row(server, &format!("not measured: {e:#}"));
        }
    }
}

fn measure_one(server: &str, ours: &[(&str, Figures)], seconds: f64) -> Result<()> {
    let (name, url) = server.split_once("=http://").context("the form is NAME=http://HOST:PORT/BASE")?;
    let (host, base) = url.split_once('/').unwrap_or((url, ""));
    let base = if base.is_empty() { String::new() } else { format!("/{}", base.trim_end_matches('/')) };
    let page = load::json(host, &format!("{base}/Practitioner?_count=100"))?;
    for ((what, paths), (_, mine)) in loads(&page, &base).iter().zip(ours) {
        let theirs = load::run(host, paths, "", CONNECTIONS, seconds);
        let ratio = mine.per_second / theirs.per_second.max(1e-9);
        row(&format!("{what}, {name}"), &format!("{theirs}; here {ratio:.2} × as many"));
    }
    Ok(())
}
