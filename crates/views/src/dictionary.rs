//! The dictionary of the published tables, for people who read them.

use crate::column::Column;
use crate::published::{PublishedView, published};
use std::fmt::Write as _;

/// What precedes the tables, and the examples that follow them.
const HEAD: &str = include_str!("dictionary/head.md");
const EXAMPLES: &str = include_str!("dictionary/examples.md");

/// The dictionary as Markdown: each published table and column, with type, path and meaning. `docs/views.md` is this text.
#[must_use]
pub fn dictionary() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n| Table | Rows come from | Columns | Version |\n|---|---|---|---|\n");
    for table in published() {
        let types: Vec<&str> = table.resource_types().collect();
        let (name, version) = (table.name(), table.version());
        let _ = writeln!(text, "| [{name}](#{name}) | {} | {} | {version} |", types.join(", "), table.columns().len());
    }
    published().iter().for_each(|table| write_table(&mut text, table));
    text.push('\n');
    text.push_str(EXAMPLES);
    text
}

fn write_table(text: &mut String, table: &PublishedView) {
    let _ = writeln!(text, "\n## {}\n", table.name());
    let definitions: Vec<_> = table.definitions().collect();
    if let Some(first) = definitions.first() {
        let _ = writeln!(text, "{}\n", first.description());
    }
    let links: Vec<String> = definitions
        .iter()
        .map(|d| format!("[{}](../crates/views/views/{}.json)", d.resource_type(), file_name(table, d.name())))
        .collect();
    let _ = writeln!(text, "`{}|{}`, defined for {}.\n", table.canonical(), table.version(), links.join(", "));
    text.push_str("| Column | Type | Path | Meaning | Signification |\n|---|---|---|---|---|\n");
    for column in table.columns() {
        let Column { name, description, description_fr, .. } = column;
        let path = full_path(column);
        let _ = writeln!(text, "| `{name}` | {} | `{path}` | {description} | {description_fr} |", type_name(column));
    }
}

/// The file of a definition: what follows the name of its table stands after a hyphen.
fn file_name(table: &PublishedView, definition: &str) -> String {
    match definition.strip_prefix(table.name()).and_then(|rest| rest.strip_prefix('_')) {
        Some(rest) => format!("{}-{rest}", table.name()),
        None => definition.to_owned(),
    }
}

/// The path of a column from the resource.
fn full_path(column: &Column) -> String {
    let Column { path, within, .. } = column;
    if within.is_empty() || path.starts_with('\'') {
        path.clone()
    } else if path == "%rowIndex" {
        format!("%rowIndex of {within}")
    } else {
        format!("{within}.{path}")
    }
}

fn type_name(column: &Column) -> String {
    if column.collection { format!("list of {}", column.kind.name()) } else { column.kind.name().to_owned() }
}
