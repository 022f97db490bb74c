//! What is wrong with a definition is said before any row, with its place; what does not fit a resource is said with its column.
#![allow(clippy::unwrap_used, missing_docs)]

use annuaire_views::limits::ROWS_OF_A_RESOURCE;
use annuaire_views::{Document, Kind, ViewDefinition, ViewError};
use serde_json::{Value, json};

/// Place and text of the error of a definition.
fn refusal(definition: &Value) -> (String, String) {
    match ViewDefinition::parse(&definition.to_string()) {
        Err(ViewError::Definition { place, what }) => (place, what),
        other => panic!("{definition}: {other:?}"),
    }
}

fn view(select: &Value) -> ViewDefinition {
    ViewDefinition::parse(&json!({"resource": "Patient", "select": select}).to_string()).unwrap()
}

#[test]
fn an_error_names_the_member() {
    let of = |select: Value| json!({"resource": "Patient", "select": select});
    let column = |column: Value| of(json!([{"column": [{"name": "a", "path": "id"}, column]}]));
    for (definition, place, what) in [
        (json!([]), "the whole", "a JSON object"),
        (json!({"resourceType": "Patient"}), "resourceType", "no ViewDefinition"),
        (json!({"select": []}), "resource", "the type of the resources"),
        (json!({"resource": "patient"}), "resource", "the type of the resources"),
        (of(json!([])), "select", "needs a column"),
        (of(json!({})), "select", "a list was expected"),
        (of(json!([1])), "select[0]", "an object was expected"),
        (of(json!([{"foreach": "name"}])), "select[0].foreach", "no such member"),
        (of(json!([{"forEach": 1}])), "select[0].forEach", "as a text"),
        (of(json!([{"forEach": "a", "repeat": ["b"]}])), "select[0]", "exclude each other"),
        (of(json!([{"repeat": []}])), "select[0].repeat", "a list of paths"),
        (of(json!([{"repeat": ["a", "("]}])), "select[0].repeat[1]", "character 2: a path was expected"),
        (column(json!({"path": "id"})), "select[0].column[1].name", "is no name"),
        (column(json!({"name": "1a", "path": "id"})), "select[0].column[1].name", "is no name"),
        (column(json!({"name": "b"})), "select[0].column[1].path", "missing"),
        (column(json!({"name": "b", "path": "id."})), "select[0].column[1].path", "character 4"),
        (column(json!({"name": "b", "path": "name", "type": "HumanName"})), "select[0].column[1].type", "no primitive type"),
        (column(json!({"name": "b", "path": "id.exists()", "type": "string"})), "select[0].column[1].path", "cannot give"),
        (column(json!({"name": "b", "path": "id", "collection": "yes"})), "select[0].column[1].collection", "a boolean"),
        (
            column(json!({"name": "b", "path": "id", "tag": [{"name": "ansi/type", "value": "BLOB"}]})),
            "select[0].column[1].tag[0].value",
            "no type",
        ),
        (column(json!({"name": "a", "path": "id"})), "select", "two columns have the name `a`"),
        (
            of(
                json!([{"unionAll": [{"column": [{"name": "a", "path": "id"}]}, {"column": [{"name": "a", "path": "%rowIndex"}]}]}]),
            ),
            "select[0].unionAll[1]",
            "another type",
        ),
        (json!({"resource": "Patient", "where": [{}], "select": []}), "where[0].path", "missing"),
        (json!({"resource": "Patient", "where": [{"path": "'a'"}], "select": []}), "where[0].path", "must be a boolean"),
        (json!({"resource": "Patient", "constant": [{"name": "a"}]}), "constant[0]", "one member value[x]"),
        (
            json!({"resource": "Patient", "constant": [{"name": "a", "valueDate": "2025-02-30"}]}),
            "constant[0].valueDate",
            "does not fit",
        ),
        (json!({"resource": "Patient", "constant": [{"name": "rowIndex", "valueCode": "a"}]}), "constant[0]", "exists already"),
    ] {
        let found = refusal(&definition);
        assert!(found.0 == place && found.1.contains(what), "{definition}: {found:?}");
    }
    assert!(matches!(ViewDefinition::parse("{"), Err(ViewError::Json { at: 1, .. })));
    let mut deep = json!({"column": [{"name": "a", "path": "id"}]});
    for _ in 0..40 {
        deep = json!({"select": [deep]});
    }
    assert!(refusal(&of(json!([deep]))).1.contains("nested deeper"));
}

#[test]
fn a_type_gives_the_kind_of_its_column() {
    let kind = |column: Value| view(&json!([{"column": [column]}])).columns()[0].kind;
    let typed = |ty: &str| kind(json!({"name": "a", "path": "a", "type": ty}));
    assert_eq!(
        (typed("code"), typed("id"), typed("dateTime"), typed("positiveInt")),
        (Kind::Code, Kind::Text, Kind::Instant, Kind::Integer)
    );
    assert_eq!(typed("http://hl7.org/fhirpath/System.Boolean"), Kind::Boolean);
    assert_eq!(typed("http://hl7.org/fhir/StructureDefinition/date"), Kind::Date);
    let path = |path: &str| kind(json!({"name": "a", "path": path}));
    assert_eq!(
        (path("a"), path("a = 1"), path("%rowIndex"), path("a * 2")),
        (Kind::Text, Kind::Boolean, Kind::Integer, Kind::Decimal)
    );
    let tag = json!([{"name": "ansi/type", "value": "date"}]);
    assert_eq!(kind(json!({"name": "a", "path": "a", "type": "dateTime", "tag": tag})), Kind::Date);
}

/// The error of a view on a Patient, and how many rows it gave before.
fn failure(select: &Value, patient: &Value) -> (String, u64) {
    let (text, mut rows) = (patient.to_string(), 0);
    let ended = view(select).rows(&Document::parse(text.as_bytes()).unwrap(), &mut |_| {
        rows += 1;
        Ok(())
    });
    (ended.unwrap_err().to_string(), rows)
}

#[test]
fn what_does_not_fit_is_said_with_resource_and_column() {
    let patient =
        json!({"resourceType": "Patient", "id": "1", "name": [{"given": ["A", "B"]}], "birthDate": "soon", "active": 1});
    for (path, ty, expected) in [
        ("name.given", "string", "Patient/1, column `x`: several values where one is expected; use first(), an index or where()"),
        ("name", "string", "Patient/1, column `x`: the column holds text, and the path found an object"),
        ("active", "boolean", "Patient/1, column `x`: the column holds boolean, and the path found a number"),
        ("birthDate", "date", "Patient/1, column `x`: `soon` is no date of FHIR"),
        ("id", "integer", "Patient/1, column `x`: the column holds integer, and the path found a text"),
    ] {
        let column = json!([{"column": [{"name": "x", "path": path, "type": ty}]}]);
        assert_eq!(failure(&column, &patient), (expected.to_owned(), 0));
    }
}

#[test]
fn rows_and_repetitions_are_bounded() {
    let many = json!({"resourceType": "Patient", "id": "1", "name": vec![json!({}); 1_001]});
    let crossed = json!([{"forEach": "name", "column": [{"name": "a", "path": "%rowIndex"}]}, {"forEach": "name", "column": [{"name": "b", "path": "id"}]}]);
    let (error, rows) = failure(&crossed, &many);
    assert!(error.contains("more than 1000000 rows"), "{error}");
    assert_eq!(rows, ROWS_OF_A_RESOURCE);
    let column = json!([{"name": "a", "path": "id"}]);
    let (error, _) = failure(&json!([{"repeat": ["$this"], "column": column}]), &many);
    assert!(error.contains("does not lead to another element"), "{error}");
    let nothing = json!([{"forEach": "none", "column": [{"name": "b", "path": "id"}]}]);
    let (error, rows) = failure(&json!([{"repeat": ["$this", "$this"], "column": column, "select": nothing}]), &many);
    assert!(error.contains("does not lead to another element") && rows == 0, "{error}");
}

#[test]
fn an_iteration_on_nothing_gives_one_row_of_nulls() {
    let select = json!([{"column": [{"name": "id", "path": "id"}]}, {"forEachOrNull": "name", "column": [
        {"name": "index", "path": "%rowIndex"}, {"name": "literal", "path": "'x'"}],
        "select": [{"forEach": "given", "column": [{"name": "given", "path": "$this"}]}]}]);
    let document = Document::parse(br#"{"resourceType":"Patient","id":"1"}"#).unwrap();
    let mut rows = Vec::new();
    view(&select)
        .rows(&document, &mut |row| {
            rows.push(format!("{row:?}"));
            Ok(())
        })
        .unwrap();
    assert_eq!(rows, [r#"[Text("1"), Integer(0), Null, Null]"#]);
}
