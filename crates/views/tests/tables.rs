//! Tables are written in each format, and Parquet is read back.
#![allow(clippy::unwrap_used, missing_docs)]

use annuaire_views::limits::ROW_GROUP_ROWS;
use annuaire_views::{Cell, Column, Document, TableFormat, ViewDefinition, ViewError, table_writer};
use parquet::basic::{Compression, Encoding};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// An output whose bytes the test keeps.
#[derive(Clone, Default)]
struct Bytes(Arc<Mutex<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const VIEW: &str = r#"{"resource": "Practitioner", "select": [{"column": [
    {"name": "id", "path": "id", "type": "id"},
    {"name": "gender", "path": "gender", "type": "code"},
    {"name": "note", "path": "note", "type": "string"},
    {"name": "active", "path": "active", "type": "boolean"},
    {"name": "rank", "path": "rank", "type": "integer"},
    {"name": "share", "path": "share", "type": "decimal"},
    {"name": "birth", "path": "birthDate", "type": "date"},
    {"name": "seen", "path": "seen", "type": "dateTime"},
    {"name": "updated", "path": "meta.lastUpdated", "type": "instant"},
    {"name": "given", "path": "name.given", "type": "string", "collection": true},
    {"name": "days", "path": "days", "type": "date", "collection": true}
]}]}"#;

fn resources() -> Vec<Value> {
    vec![
        json!({"resourceType": "Practitioner", "id": "a", "gender": "female", "note": "x, \"y\"\nz", "active": true, "rank": 7,
            "share": 1.5, "birthDate": "1970-01-02", "seen": "2026-11-26T01:00:00+01:00", "meta": {"lastUpdated": "1970-01-01T00:00:01.5Z"},
            "name": [{"given": ["Ada", "É"]}, {"given": ["B"]}], "days": ["2026", "2026-11-26"]}),
        json!({"resourceType": "Practitioner", "id": "b", "birthDate": "1970-06", "seen": "2026-11-26"}),
        json!({"resourceType": "Practitioner", "id": "c", "gender": "male", "birthDate": "1970", "seen": "2026-11-26T01:00:00.0001Z",
            "meta": {"lastUpdated": "1970-01-01T00:00:01.0019Z"}, "share": -0.000_000_001, "rank": -1, "active": false}),
    ]
}

fn metadata() -> Vec<(String, String)> {
    [("tx", "42"), ("licence", "Licence Ouverte 2.0")].map(|(k, v)| (k.to_owned(), v.to_owned())).to_vec()
}

fn write(format: TableFormat, view: &str, resources: &[Value], times: usize) -> Result<Vec<u8>, ViewError> {
    let view = ViewDefinition::parse(view)?;
    let out = Bytes::default();
    let mut table = table_writer(format, Box::new(out.clone()), view.columns(), &metadata())?;
    for _ in 0..times {
        for resource in resources {
            let text = resource.to_string();
            view.rows(&Document::parse(text.as_bytes())?, &mut |row| table.row(row))?;
        }
    }
    table.finish()?;
    let bytes = out.0.lock().unwrap().clone();
    Ok(bytes)
}

fn row_json(row: &Row) -> Value {
    row.get_column_iter().map(|(name, field)| (name.clone(), field_json(field))).collect::<serde_json::Map<_, _>>().into()
}

fn field_json(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(b) => json!(b),
        Field::Long(n) => json!(n),
        Field::Str(s) => json!(s),
        Field::Date(days) => json!(format!("day {days}")),
        Field::TimestampMillis(ms) => json!(format!("ms {ms}")),
        Field::Decimal(d) => json!(format!("{} / 1e{}", i128::from_be_bytes(d.data().try_into().unwrap()), d.scale())),
        Field::ListInternal(list) => list.elements().iter().map(field_json).collect(),
        other => panic!("{other:?}"),
    }
}

/// The rows of a Parquet file, as JSON, and its reader.
fn read(bytes: &[u8]) -> (Vec<Value>, SerializedFileReader<std::fs::File>) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| row_json(&row.unwrap())).collect();
    (rows, reader)
}

#[test]
fn csv_is_what_rfc_4180_says() {
    let csv = String::from_utf8(write(TableFormat::Csv, VIEW, &resources(), 1).unwrap()).unwrap();
    let expected = "id,gender,note,active,rank,share,birth,seen,updated,given,days\n\
        a,female,\"x, \"\"y\"\"\nz\",true,7,1.5,1970-01-02,2026-11-26T01:00:00+01:00,1970-01-01T00:00:01.5Z,\"[\"\"Ada\"\",\"\"É\"\",\"\"B\"\"]\",\"[\"\"2026\"\",\"\"2026-11-26\"\"]\"\n\
        b,,,,,,1970-06,2026-11-26,,[],[]\n\
        c,male,,false,-1,-1e-9,1970,2026-11-26T01:00:00.0001Z,1970-01-01T00:00:01.0019Z,[],[]\n";
    assert_eq!(csv, expected.replace("-1e-9", "-0.000000001"));
}

#[test]
fn an_absent_text_and_an_empty_one_differ_in_csv() {
    let view =
        r#"{"resource": "Practitioner", "select": [{"column": [{"name": "x", "path": "x"}, {"name": "y", "path": "y"}]}]}"#;
    let resources = [json!({"resourceType": "Practitioner", "x": ""}), json!({"resourceType": "Practitioner", "y": ""})];
    let csv = write(TableFormat::Csv, view, &resources, 1).unwrap();
    assert_eq!(String::from_utf8(csv).unwrap(), "x,y\n\"\",\n,\"\"\n");
}

#[test]
fn ndjson_has_typed_values() {
    let ndjson = String::from_utf8(write(TableFormat::Ndjson, VIEW, &resources(), 1).unwrap()).unwrap();
    let rows: Vec<Value> = ndjson.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(
        rows[0],
        json!({"id": "a", "gender": "female", "note": "x, \"y\"\nz", "active": true, "rank": 7, "share": 1.5, "birth": "1970-01-02",
            "seen": "2026-11-26T01:00:00+01:00", "updated": "1970-01-01T00:00:01.5Z", "given": ["Ada", "É", "B"], "days": ["2026", "2026-11-26"]})
    );
    assert_eq!((&rows[1]["active"], &rows[1]["given"], rows.len()), (&Value::Null, &json!([]), 3));
}

#[test]
fn parquet_is_read_back_and_a_partial_date_stays_one() {
    let (rows, reader) = read(&write(TableFormat::Parquet, VIEW, &resources(), 1).unwrap());
    assert_eq!(
        rows[0],
        json!({"id": "a", "gender": "female", "note": "x, \"y\"\nz", "active": true, "rank": 7, "share": "1500000000 / 1e9",
            "birth": "day 1", "birth_text": null, "seen": "ms 1795651200000", "seen_text": null,
            "updated": "ms 1500", "given": ["Ada", "É", "B"], "days": ["2026", "2026-11-26"]})
    );
    assert_eq!(
        rows[1],
        json!({"id": "b", "gender": null, "note": null, "active": null, "rank": null, "share": null, "birth": null,
            "birth_text": "1970-06", "seen": null, "seen_text": "2026-11-26", "updated": null, "given": [], "days": []})
    );
    assert_eq!((&rows[2]["birth"], &rows[2]["birth_text"]), (&Value::Null, &json!("1970")));
    assert_eq!((&rows[2]["seen"], &rows[2]["seen_text"]), (&Value::Null, &json!("2026-11-26T01:00:00.0001Z")));
    assert_eq!((&rows[2]["updated"], &rows[2]["share"]), (&json!("ms 1001"), &json!("-1 / 1e9")));

    let file = reader.metadata().file_metadata();
    let pairs: Vec<_> = file.key_value_metadata().unwrap().iter().map(|kv| (kv.key.clone(), kv.value.clone().unwrap())).collect();
    assert_eq!(pairs, metadata());
    let group = reader.metadata().row_group(0);
    let has_dictionary =
        |i: usize| group.column(i).encodings().any(|e| e == Encoding::RLE_DICTIONARY || e == Encoding::PLAIN_DICTIONARY);
    assert_eq!((has_dictionary(0), has_dictionary(1)), (false, true));
    assert!(group.columns().iter().all(|c| matches!(c.compression(), Compression::ZSTD(_))));
}

#[test]
fn equal_rows_give_equal_bytes_in_row_groups_of_fixed_size() {
    let view = r#"{"resource": "Practitioner", "select": [{"column": [
        {"name": "id", "path": "id", "type": "id"},
        {"name": "birth", "path": "birthDate", "type": "date"},
        {"name": "given", "path": "name.given", "type": "string", "collection": true}]}]}"#;
    let times = ROW_GROUP_ROWS / 3 + 1;
    let first = write(TableFormat::Parquet, view, &resources(), times).unwrap();
    assert!(first == write(TableFormat::Parquet, view, &resources(), times).unwrap());
    let (rows, reader) = read(&first);
    let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|g| g.num_rows()).collect();
    assert_eq!(groups, [i64::try_from(ROW_GROUP_ROWS).unwrap(), i64::try_from(times * 3 - ROW_GROUP_ROWS).unwrap()]);
    // Each third row is equal, across the border of batches and groups.
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row, &rows[i % 3], "{i}");
    }
    assert_eq!(rows[0], json!({"id": "a", "birth": "day 1", "birth_text": null, "given": ["Ada", "É", "B"]}));
}

#[test]
fn a_table_without_rows_has_its_columns() {
    for format in TableFormat::ALL {
        let bytes = write(format, VIEW, &[], 1).unwrap();
        match format {
            TableFormat::Csv => assert!(bytes.starts_with(b"id,gender") && bytes.ends_with(b"days\n")),
            TableFormat::Ndjson => assert!(bytes.is_empty()),
            TableFormat::Parquet => {
                let (rows, reader) = read(&bytes);
                assert!(rows.is_empty());
                assert_eq!(reader.metadata().file_metadata().schema_descr().num_columns(), 13);
            }
        }
    }
}

#[test]
fn what_does_not_fit_a_table_is_refused() {
    let column = |name: &str, ty: &str| {
        let text = json!({"resource": "A", "select": [{"column": [{"name": name, "path": "x", "type": ty}, {"name": "x_text", "path": "x"}]}]});
        ViewDefinition::parse(&text.to_string()).unwrap().columns().to_vec()
    };
    let open = |columns: &[Column]| table_writer(TableFormat::Parquet, Box::new(io::sink()), columns, &[]);
    assert!(matches!(open(&column("x", "date")), Err(ViewError::Table { .. })));
    let mut table = open(&column("y", "decimal")).unwrap();
    for digits in ["0.0000000001", "99999999999999999999999999999999", "x"] {
        let row = [Cell::Decimal(digits.into()), Cell::Null];
        assert!(table.row(&row).unwrap_err().to_string().contains("does not fit DECIMAL(38, 9)"), "{digits}");
    }
    assert!(table.row(&[Cell::Null]).is_err());
    assert!(table.row(&[Cell::Boolean(true), Cell::Null]).is_err());

    /// An output that takes nothing.
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("disk full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in TableFormat::ALL {
        let opened = table_writer(format, Box::new(Full), &column("y", "date"), &[]);
        let ended = opened.and_then(|mut table| {
            table.row(&[Cell::Null, Cell::Null])?;
            table.finish()
        });
        assert!(ended.unwrap_err().to_string().contains("disk full"), "{format:?}");
    }
}
