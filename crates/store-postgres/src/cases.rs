//! Listings of cases.

use annuaire_store::case::{CASE, CaseCondition, CaseFilter, CaseListing, CaseOrder, ListedCase};
use annuaire_store::columns::unsigned;
use annuaire_store::identity::IdentityRow;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Postgres, QueryBuilder, Result, Row};
use std::collections::BTreeMap;

/// The table since version 7: what lists filter, count and sort by. Content and version are in the row of identity of kind `case`.
pub(crate) const TABLES: &str = r#"
CREATE TABLE case_list(number text COLLATE "C" PRIMARY KEY, state text COLLATE "C" NOT NULL, kind text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL, structure text COLLATE "C" NOT NULL, author text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL, family text COLLATE "C" NOT NULL, given text COLLATE "C" NOT NULL, begun_ms bigint NOT NULL,
    changed_ms bigint NOT NULL) WITH (fillfactor = 80);
CREATE INDEX case_list_structure ON case_list(structure, state, changed_ms);
CREATE INDEX case_list_state ON case_list(state, changed_ms);
CREATE INDEX case_list_author ON case_list(author, changed_ms);
CREATE INDEX case_list_subject ON case_list(subject, changed_ms);
"#;

/// The list of a filter: what follows `FROM case_list l`.
fn filtered(query: &mut QueryBuilder<'_, Postgres>, filter: &CaseFilter) {
    query.push(" WHERE 1 = 1");
    for (column, condition) in filter.conditions() {
        query.push(" AND ");
        match condition {
            CaseCondition::Among(values) => query.push(format!("l.{column} = ANY(")).push_bind(values.to_vec()).push(")"),
            CaseCondition::Text(test, value) => query.push(format!("l.{column} {test} ")).push_bind(value),
            CaseCondition::Instant(test, at) => query.push(format!("l.{column} {test} ")).push_bind(at),
        };
    }
}

fn listed(r: &PgRow) -> Result<ListedCase> {
    let listing = CaseListing {
        number: r.try_get(0)?,
        state: r.try_get(1)?,
        kind: r.try_get(2)?,
        origin: r.try_get(3)?,
        structure: r.try_get(4)?,
        author: r.try_get(5)?,
        subject: r.try_get(6)?,
        family: r.try_get(7)?,
        given: r.try_get(8)?,
        begun_ms: r.try_get(9)?,
        changed_ms: r.try_get(10)?,
    };
    let row = IdentityRow {
        kind: CASE.to_owned(),
        key: listing.number.clone(),
        subject: r.try_get(11)?,
        due_ms: r.try_get(12)?,
        version: unsigned(r.try_get(13)?),
        content: r.try_get(14)?,
    };
    Ok(ListedCase { listing, row })
}

pub(crate) async fn page(
    c: &mut PgConnection,
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
    query.build().fetch_all(c).await?.iter().map(listed).collect()
}

pub(crate) async fn counts(c: &mut PgConnection, filter: &CaseFilter) -> Result<BTreeMap<String, u64>> {
    let mut query = QueryBuilder::new("SELECT l.state, count(*) FROM case_list l");
    filtered(&mut query, filter);
    query.push(" GROUP BY l.state");
    let rows = query.build().fetch_all(c).await?;
    rows.iter().map(|r| Ok((r.try_get(0)?, unsigned(r.try_get(1)?)))).collect()
}

/// Writes a listing in place of the former one.
pub(crate) async fn write(c: &mut PgConnection, listing: &CaseListing) -> Result<()> {
    let placed =
        "INSERT INTO case_list(number, state, kind, origin, structure, author, subject, family, given, begun_ms, changed_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (number) DO UPDATE SET state = excluded.state,
        kind = excluded.kind, origin = excluded.origin, structure = excluded.structure, author = excluded.author,
        subject = excluded.subject, family = excluded.family, given = excluded.given, begun_ms = excluded.begun_ms,
        changed_ms = excluded.changed_ms";
    let query = listing.texts().into_iter().fold(sqlx::query(placed), |query, text| query.bind(text));
    query.bind(listing.begun_ms).bind(listing.changed_ms).execute(c).await?;
    Ok(())
}
