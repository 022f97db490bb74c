//! Many rows as one value. Fetching a row through the driver costs several times what SQLite spends on it, so pages of an index are
//! fetched as one text: each column after its length in bytes and a colon.

use annuaire_store::{Error, Result};

/// The SQL that packs these columns of the rows of a query, in their order.
macro_rules! packed {
    ($($column:literal),+ ; $rows:expr) => {
        concat!(
            "SELECT CAST(group_concat(",
            packed!(@columns $($column),+),
            ", '') AS BLOB) FROM (", $rows, ")"
        )
    };
    (@columns $first:literal $(, $more:literal)*) => {
        concat!("length(CAST(", $first, " AS BLOB)) || ':' || ", $first $(, " || length(CAST(", $more, " AS BLOB)) || ':' || ", $more)*)
    };
}

pub(crate) use packed;

/// Reader of a packed page.
pub(crate) struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    pub(crate) fn new(page: Option<&'a [u8]>) -> Self {
        Self(page.unwrap_or_default())
    }

    fn cut() -> Error {
        Error::Damaged("a page of an index is cut".into())
    }

    fn text(&mut self) -> Option<&'a str> {
        let (len, rest) = self.0.split_at_checked(self.0.iter().position(|b| *b == b':')?)?;
        let (text, tail) = rest[1..].split_at_checked(str::from_utf8(len).ok()?.parse().ok()?)?;
        self.0 = tail;
        str::from_utf8(text).ok()
    }

    /// The columns of the next row.
    pub(crate) fn row<const N: usize>(&mut self) -> Result<Option<[&'a str; N]>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let mut row = [""; N];
        for column in &mut row {
            *column = self.text().ok_or_else(Self::cut)?;
        }
        Ok(Some(row))
    }
}

/// A packed number.
pub(crate) fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Packed::cut())
}

/// A JSON array of texts: the form in which one parameter of a statement carries any number of keys (`json_each`).
pub(crate) fn json_list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let mut list = String::from("[");
    for (n, text) in texts.into_iter().enumerate() {
        if n > 0 {
            list.push(',');
        }
        // A text is always JSON.
        list.push_str(&serde_json::to_string(text.as_ref()).unwrap_or_default());
    }
    list.push(']');
    list
}
