//! Listings of cases.

use crate::fault::fault;
use annuaire_store::Result;
use annuaire_store::case::{CASE, CaseCondition, CaseFilter, CaseListing, CaseOrder, ListedCase};
use annuaire_store::columns::unsigned;
use annuaire_store::identity::IdentityRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};
use std::collections::BTreeMap;

/// The table since version 7: what lists filter, count and sort by. Content and version are in the row of identity of kind `case`.
pub(crate) const TABLES: &str = "
CREATE TABLE case_list(number TEXT PRIMARY KEY, state TEXT NOT NULL, kind TEXT NOT NULL, origin TEXT NOT NULL, structure TEXT NOT NULL,
    author TEXT NOT NULL, subject TEXT NOT NULL, family TEXT NOT NULL, given TEXT NOT NULL, begun_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX case_list_structure ON case_list(structure, state, changed_ms);
CREATE INDEX case_list_state ON case_list(state, changed_ms);
CREATE INDEX case_list_author ON case_list(author, changed_ms);
CREATE INDEX case_list_subject ON case_list(subject, changed_ms);
";

/// The list of a filter: what follows `FROM case_list l`.
fn filtered(query: &mut QueryBuilder<'_, Sqlite>, filter: &CaseFilter) {
    query.push(" WHERE 1 = 1");
    for (column, condition) in filter.conditions() {
        query.push(" AND ");
        match condition {
            CaseCondition::Among(values) => {
                query.push(format!("l.{column} IN (SELECT value FROM json_each("));
                query.push_bind(serde_json::Value::from(values).to_string()).push("))")
            }
            CaseCondition::Text(test, value) => query.push(format!("l.{column} {test} ")).push_bind(value),
            CaseCondition::Instant(test, at) => query.push(format!("l.{column} {test} ")).push_bind(at),
        };
    }
}

fn listed(r: &SqliteRow) -> Result<ListedCase> {
    let listing = CaseListing {
        number: r.try_get(0).map_err(fault)?,
        state: r.try_get(1).map_err(fault)?,
        kind: r.try_get(2).map_err(fault)?,
        origin: r.try_get(3).map_err(fault)?,
        structure: r.try_get(4).map_err(fault)?,
        author: r.try_get(5).map_err(fault)?,
        subject: r.try_get(6).map_err(fault)?,
        family: r.try_get(7).map_err(fault)?,
        given: r.try_get(8).map_err(fault)?,
        begun_ms: r.try_get(9).map_err(fault)?,
        changed_ms: r.try_get(10).map_err(fault)?,
    };
    let row = IdentityRow {
        kind: CASE.to_owned(),
        key: listing.number.clone(),
        subject: r.try_get(11).map_err(fault)?,
        due_ms: r.try_get(12).map_err(fault)?,
        version: r.try_get(13).map(unsigned).map_err(fault)?,
        content: r.try_get(14).map_err(fault)?,
    };
    Ok(ListedCase { listing, row })
}

pub(crate) async fn page(
    c: &mut SqliteConnection,
    filter: &CaseFilter,
    order: CaseOrder,
    offset: u32,
    limit: u32,
) -> Result<Vec<ListedCase>> {
    let mut query = QueryBuilder::new(
        "SELECT l.number, l.state, l.kind, l.origin, l.structure, l.author, l.subject, l.family, l.given, l.begun_ms, l.changed_ms,
            r.subject, r.due_ms, r.version, r.content FROM case_list l JOIN identity_row r ON r.kind = 'case' AND r.key = l.number",
    );
    filtered(&mut query, filter);
    query.push(match order {
        CaseOrder::NewestFirst => " ORDER BY l.changed_ms DESC, l.number DESC LIMIT ",
        CaseOrder::OldestFirst => " ORDER BY l.changed_ms, l.number LIMIT ",
    });
    query.push_bind(i64::from(limit)).push(" OFFSET ").push_bind(i64::from(offset));
    query.build().fetch_all(c).await.map_err(fault)?.iter().map(listed).collect()
}

pub(crate) async fn counts(c: &mut SqliteConnection, filter: &CaseFilter) -> Result<BTreeMap<String, u64>> {
    let mut query = QueryBuilder::new("SELECT l.state, count(*) FROM case_list l");
    filtered(&mut query, filter);
    query.push(" GROUP BY l.state");
    let rows = query.build().fetch_all(c).await.map_err(fault)?;
    rows.iter().map(|r| Ok((r.try_get(0).map_err(fault)?, r.try_get(1).map(unsigned).map_err(fault)?))).collect()
}

/// Writes a listing in place of the former one.
pub(crate) async fn write(c: &mut SqliteConnection, listing: &CaseListing) -> Result<()> {
    let placed =
        "INSERT INTO case_list(number, state, kind, origin, structure, author, subject, family, given, begun_ms, changed_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (number) DO UPDATE SET state = excluded.state, kind = excluded.kind,
        origin = excluded.origin, structure = excluded.structure, author = excluded.author, subject = excluded.subject,
        family = excluded.family, given = excluded.given, begun_ms = excluded.begun_ms, changed_ms = excluded.changed_ms";
    let query = listing.texts().into_iter().fold(sqlx::query(placed), |query, text| query.bind(text));
    query.bind(listing.begun_ms).bind(listing.changed_ms).execute(c).await.map_err(fault)?;
    Ok(())
}
