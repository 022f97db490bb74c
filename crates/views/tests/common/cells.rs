//! Cells as JSON.

use annuaire_views::Cell;
use serde_json::Value;

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
