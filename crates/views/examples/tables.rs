//! Writes the published tables of a directory of resources: `tables RESOURCES OUT`, where `RESOURCES` holds one file for each type, as
//! `Practitioner.ndjson`. It prints rows and seconds of each table, and so measures the views.

use annuaire_views::{Document, Resolve, TableFormat, ViewError, published, table_writer};
use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::time::Instant;

/// The resources in memory, by type and id.
struct InMemory(HashMap<(String, String), String>);

impl Resolve for InMemory {
    fn resolve(&mut self, resource_type: &str, id: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(&(resource_type.to_owned(), id.to_owned())).map(|json| json.clone().into_bytes()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, from, to] = arguments.as_slice() else { return Err("usage: tables RESOURCES OUT".into()) };
    let mut lines: HashMap<String, Vec<String>> = HashMap::new();
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "ndjson") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            lines.insert(name, fs::read_to_string(&path)?.lines().map(str::to_owned).collect());
        }
    }
    let mut all = InMemory(HashMap::new());
    for line in lines.values().flatten() {
        let document = Document::parse(line.as_bytes())?;
        all.0.insert((document.resource_type().to_owned(), document.id().to_owned()), line.clone());
    }
    fs::create_dir_all(to)?;
    let metadata = |canonical: String, version: &str| {
        [("view", format!("{canonical}|{version}")), ("tx", "1".to_owned()), ("licence", "Licence Ouverte 2.0".to_owned())]
            .map(|(k, v)| (k.to_owned(), v))
    };
    for table in published() {
        let resources: Vec<&String> = table.resource_types().flat_map(|ty| lines.get(ty).into_iter().flatten()).collect();
        for format in std::iter::once(None).chain(TableFormat::ALL.map(Some)) {
            let start = now();
            let mut rows = 0_u64;
            let mut count = |_: &[annuaire_views::Cell<'_>]| {
                rows += 1;
                Ok::<(), ViewError>(())
            };
            match format {
                None => {
                    for json in &resources {
                        table.rows(&Document::parse(json.as_bytes())?, &mut all, &mut count)?;
                    }
                }
                Some(format) => {
                    let file = File::create(Path::new(to).join(format!("{}.{}", table.name(), format.extension())))?;
                    let mut out =
                        table_writer(format, Box::new(file), table.columns(), &metadata(table.canonical(), table.version()))?;
                    for json in &resources {
                        table.rows(&Document::parse(json.as_bytes())?, &mut all, &mut |row| {
                            count(row)?;
                            out.row(row)
                        })?;
                    }
                    out.finish()?;
                }
            }
            let seconds = start.elapsed().as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = resources.len() as f64 / seconds;
            let name = format.map_or("rows only", TableFormat::extension);
            println!("{:20} {name:10} {rows:9} rows {seconds:7.3} s {rate:9.0} resources/s", table.name());
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measure; no part of the library")]
fn now() -> Instant {
    Instant::now()
}
