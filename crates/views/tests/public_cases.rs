//! The public cases of SQL on FHIR v2 (`tests/cases`), reported by tag.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/cells.rs"]
mod cells;

use annuaire_views::{Document, ViewDefinition, ViewError};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The rows of resources, as objects.
fn rows(view: &ViewDefinition, resources: &[Value]) -> Result<Vec<Map<String, Value>>, ViewError> {
    let mut rows = Vec::new();
    for resource in resources {
        let text = resource.to_string();
        let document = Document::parse(text.as_bytes())?;
        view.rows(&document, &mut |row| {
            rows.push(view.columns().iter().map(|c| c.name.clone()).zip(row.iter().map(cells::json)).collect());
            Ok(())
        })?;
    }
    Ok(rows)
}

/// How a case ended: nothing to say, or how it differs.
fn run(case: &Value, resources: &[Value]) -> Result<(), String> {
    let compiled = ViewDefinition::parse(&case["view"].to_string());
    let found = compiled.and_then(|view| Ok((rows(&view, resources)?, view)));
    if case["expectError"] == true {
        return match found {
            Ok((rows, _)) => Err(format!("an error was expected; it gave {} rows", rows.len())),
            Err(_) => Ok(()),
        };
    }
    let (rows, view) = found.map_err(|e| e.to_string())?;
    if let Some(names) = case["expectColumns"].as_array() {
        let columns: Vec<&str> = view.columns().iter().map(|c| c.name.as_str()).collect();
        if columns != names.iter().filter_map(Value::as_str).collect::<Vec<_>>() {
            return Err(format!("the columns are {columns:?}"));
        }
    }
    let Some(expected) = case["expect"].as_array() else { return Err("this case expects nothing that the test knows".into()) };
    // The order of rows is free.
    let (mut actual, mut wanted): (Vec<String>, Vec<String>) =
        (rows.iter().map(canonical).collect(), expected.iter().filter_map(Value::as_object).map(canonical).collect());
    actual.sort();
    wanted.sort();
    if actual == wanted { Ok(()) } else { Err(format!("expected {wanted:#?}, found {actual:#?}")) }
}

/// A row as text: columns by name, numbers by value.
fn canonical(row: &Map<String, Value>) -> String {
    let sorted: BTreeMap<&String, String> =
        row.iter().map(|(name, value)| (name, value.as_f64().map_or_else(|| value.to_string(), |n| n.to_string()))).collect();
    format!("{sorted:?}")
}

#[test]
fn the_public_cases_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "json") && !p.ends_with("tests.schema.json"));
    files.sort();
    // Of each tag: cases, and those that passed.
    let mut by_tag: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    for file in &files {
        let suite: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let resources = suite["resources"].as_array().unwrap();
        for case in suite["tests"].as_array().unwrap() {
            let outcome = run(case, resources);
            for tag in case["tags"].as_array().unwrap() {
                let (all, passed) = by_tag.entry(tag.as_str().unwrap().to_owned()).or_default();
                *all += 1;
                *passed += usize::from(outcome.is_ok());
            }
            if let Err(what) = outcome {
                failures.push(format!("{} / {}: {what}", suite["title"], case["title"]));
            }
        }
    }
    for (tag, (all, passed)) in &by_tag {
        println!("{tag}: {passed} of {all} cases passed");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let expected = [("experimental".to_owned(), (11, 11)), ("shareable".to_owned(), (123, 123))];
    assert_eq!((files.len(), by_tag), (22, BTreeMap::from(expected)));
}
