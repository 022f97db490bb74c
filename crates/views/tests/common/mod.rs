//! What several tests need.

use annuaire_views::{Cell, Document, ViewDefinition, ViewError};
use serde_json::{Map, Value};

/// A cell as JSON.
pub fn json(cell: &Cell<'_>) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(t) | Cell::Date(t) | Cell::Instant(t) => Value::from(&**t),
        Cell::Boolean(b) => Value::from(*b),
        Cell::Integer(n) => Value::from(*n),
        Cell::Decimal(digits) => serde_json::from_str(digits).unwrap(),
        Cell::List(cells) => cells.iter().map(json).collect(),
    }
}

/// The rows of resources, as objects.
pub fn rows(view: &ViewDefinition, resources: &[Value]) -> Result<Vec<Map<String, Value>>, ViewError> {
    let mut rows = Vec::new();
    for resource in resources {
        let text = resource.to_string();
        let document = Document::parse(text.as_bytes())?;
        view.rows(&document, &mut |cells| {
            rows.push(view.columns().iter().map(|c| c.name.clone()).zip(cells.iter().map(json)).collect());
            Ok(())
        })?;
    }
    Ok(rows)
}
