//! The published tables on samples of each form that the directory publishes.
//!
//! To accept a change: `ANNUAIRE_GOLDEN=write cargo test -p annuaire-views`, then read the diff.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cells.rs"]
mod cells;
#[path = "common/golden.rs"]
mod golden;

use annuaire_views::{Cell, Document, NoResources, PublishedView, Resolve, ViewError, published};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const SAMPLES: &str = include_str!("samples.ndjson");

/// The samples by type and id.
struct Samples(BTreeMap<String, &'static str>);

impl Samples {
    fn new() -> Self {
        let key = |json: &str| {
            let document = Document::parse(json.as_bytes()).unwrap();
            format!("{}/{}", document.resource_type(), document.id())
        };
        Self(SAMPLES.lines().map(|json| (key(json), json)).collect())
    }
}

impl Resolve for Samples {
    fn resolve(&mut self, resource_type: &str, id: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(&format!("{resource_type}/{id}")).map(|json| json.as_bytes().to_vec()))
    }
}

fn rows(table: &PublishedView, resolve: &mut dyn Resolve) -> Result<Vec<Map<String, Value>>, ViewError> {
    let mut all = Vec::new();
    for json in SAMPLES.lines() {
        let names = table.columns().iter().map(|c| c.name.clone());
        table.rows(&Document::parse(json.as_bytes())?, resolve, &mut |row| {
            all.push(names.clone().zip(row.iter().map(cells::json)).collect());
            Ok(())
        })?;
    }
    Ok(all)
}

#[test]
fn the_rows_of_the_samples_are_those_accepted() {
    let mut text = String::new();
    for table in published() {
        for mut row in rows(table, &mut Samples::new()).unwrap() {
            row.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|a| !a.is_empty()));
            text.push_str(&format!("{} {}\n", table.name(), serde_json::to_string_pretty(&row).unwrap()));
        }
    }
    golden::compare_with_golden("tests/golden/rows.txt", &text);
}

#[test]
fn each_column_is_filled_by_some_sample() {
    for table in published() {
        let mut filled = BTreeSet::new();
        for row in rows(table, &mut Samples::new()).unwrap() {
            let has = |v: &Value| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty());
            filled.extend(row.into_iter().filter(|(_, v)| has(v)).map(|(name, _)| name));
        }
        let empty: Vec<&str> = table.columns().iter().map(|c| c.name.as_str()).filter(|name| !filled.contains(*name)).collect();
        assert!(empty.is_empty(), "{}: {empty:?}", table.name());
    }
}

#[test]
fn the_joined_table_has_one_row_for_each_activity_whatever_is_found() {
    let table = published().iter().find(|t| t.is_joined()).unwrap();
    let ids = |rows: &[Map<String, Value>]| rows.iter().map(|r| r["role_id"].clone()).collect::<Vec<_>>();
    let (with, without) = (rows(table, &mut Samples::new()).unwrap(), rows(table, &mut NoResources).unwrap());
    assert_eq!((with.len(), ids(&with)), (3, ids(&without)));
    assert_eq!(with[0]["rpps"], "10999900011");
    assert_eq!(with[1]["organization_name"], "CH VALFICTIF SITE PRINCIPAL");
    // The professional is not there, and the activity that ended names no structure.
    assert_eq!((&with[2]["rpps"], &with[2]["organization_name"]), (&Value::Null, &Value::Null));
    assert!(without.iter().all(|r| r["rpps"].is_null() && !r["practitioner_id"].is_null()));

    struct Broken;
    impl Resolve for Broken {
        fn resolve(&mut self, _: &str, _: &str) -> Result<Option<Vec<u8>>, String> {
            Err("the store is closed".to_owned())
        }
    }
    let error = rows(table, &mut Broken).unwrap_err().to_string();
    assert_eq!(error, "cannot look up Practitioner/003-9000001-9000101 for the join: the store is closed");
}

#[test]
fn an_error_of_the_caller_ends_the_run() {
    for table in published() {
        let mut calls = 0;
        let mut run = |row: &[Cell<'_>]| {
            calls += 1;
            assert_eq!(row.len(), table.columns().len());
            Err(ViewError::Write(std::io::Error::other("enough")))
        };
        let json =
            SAMPLES.lines().find(|l| table.resource_types().any(|t| l.contains(&format!("{{\"resourceType\":\"{t}\"")))).unwrap();
        let ended = table.rows(&Document::parse(json.as_bytes()).unwrap(), &mut Samples::new(), &mut run);
        assert!(matches!(ended, Err(ViewError::Write(_))), "{}", table.name());
        assert_eq!(calls, 1, "{}", table.name());
    }
}
