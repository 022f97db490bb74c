//! Builds the geography tables of `data/geography` from two archives of the package `@etalab/decoupage-administratif`:
//! the newest one (communes in force, postal codes, former codes) and 0.8.0 (the last one with the history since 1943).

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The bytes of one member of a gzipped tar.
fn member(archive: &Path, name: &str) -> Result<Vec<u8>> {
    let mut tar = Vec::new();
    GzDecoder::new(fs::File::open(archive)?).read_to_end(&mut tar)?;
    let mut at = 0;
    while let Some(header) = tar.get(at..at + 512) {
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).unwrap_or(0);
        if text(0..100) == name {
            return Ok(tar.get(at + 512..at + 512 + size).ok_or("the archive is cut")?.to_vec());
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    Err(format!("{}: no member {name}", archive.display()).into())
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member].as_str().unwrap_or_default()
}

fn list(row: &Value, member: &str) -> String {
    let all = row[member].as_array().into_iter().flatten().filter_map(Value::as_str);
    all.collect::<Vec<_>>().join(" ")
}

fn write(path: &Path, header: &str, mut lines: Vec<String>) -> Result<()> {
    lines.sort();
    lines.dedup();
    // No time stamp inside: the same archives give the same bytes.
    let mut out = GzEncoder::new(fs::File::create(path)?, Compression::best());
    writeln!(out, "{header}")?;
    for line in &lines {
        writeln!(out, "{line}")?;
    }
    out.finish()?;
    println!("{}: {} rows", path.display(), lines.len());
    Ok(())
}

/// `current` and `history` are the archives; `out` is the directory of the tables.
pub fn build(current: &Path, history: &Path, out: &Path) -> Result<()> {
    let communes: Vec<Value> = serde_json::from_slice(&member(current, "package/data/communes.json")?)?;
    let mut lines = Vec::new();
    let mut successor: BTreeMap<String, String> = BTreeMap::new();
    for c in &communes {
        let kind = match text(c, "type") {
            "commune-actuelle" => "COM",
            "commune-deleguee" => "COMD",
            "commune-associee" => "COMA",
            "arrondissement-municipal" => "ARM",
            other => return Err(format!("unknown type of commune {other:?}").into()),
        };
        let code = text(c, "code");
        let parent = [text(c, "chefLieu"), text(c, "commune")].into_iter().find(|p| !p.is_empty()).unwrap_or_default();
        for old in c["anciensCodes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            successor.insert(old.to_owned(), code.to_owned());
        }
        lines.push(format!(
            "{code};{kind};{};{};{};{};{parent};{};{}",
            text(c, "nom"),
            text(c, "departement"),
            text(c, "region"),
            list(c, "codesPostaux"),
            list(c, "anciensCodes"),
            c["population"].as_u64().unwrap_or(0)
        ));
    }
    let header = "code;type;name;department;region;postal_codes;parent;former_codes;population";
    write(&out.join("communes.csv.gz"), header, lines)?;
    let rows: Vec<Value> = serde_json::from_slice(&member(history, "package/data/historique-communes.json")?)?;
    let lines = rows.iter().map(|r| {
        let code = text(r, "code");
        let after = successor.get(code).map_or("", String::as_str);
        format!("{code};{};{};{};{};{after}", text(r, "type"), text(r, "nom"), text(r, "dateDebut"), text(r, "dateFin"))
    });
    write(&out.join("communes_history.csv.gz"), "code;type;name;start;end;successor", lines.collect())
}
