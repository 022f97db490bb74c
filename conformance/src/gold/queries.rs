//! Queries with their right answers, made or read.

use std::fmt::Write;

use annuaire_testkit::Dice;

use super::draft::MOST_ANSWERS;
use super::kinds::KINDS;
use super::nation::GoldNation;

/// Draws for one query before its kind counts as exhausted.
const ATTEMPTS: u64 = 300;

/// A query as somebody types it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoldQuery {
    /// What it tries: a name of the table of kinds.
    pub kind: String,
    /// What is typed in the box « what ».
    pub q: String,
    /// What is typed in the box « where ».
    pub ou: String,
    /// Paths of the pages that answer it, all equally well: `professionnel/8…`, `structure/F…`.
    pub answers: Vec<String>,
}

/// The queries of the model for this nation: same nation and seed, same queries. A kind of which the nation has too few people or
/// structures gets fewer queries than its share.
#[must_use]
pub fn gold_queries(nation: &GoldNation, seed: u64) -> Vec<GoldQuery> {
    let mut out = Vec::new();
    for (k, kind) in KINDS.iter().enumerate() {
        for n in 0..kind.queries {
            let made = (0..ATTEMPTS).find_map(|attempt| {
                let mut dice = Dice::new(seed, 1_000 + k as u64, u64::from(n) * ATTEMPTS + attempt);
                (kind.make)(nation, &mut dice).filter(|draft| (1..=MOST_ANSWERS).contains(&draft.answers.len()))
            });
            let Some(mut draft) = made else { break };
            draft.answers.sort();
            let cased = Dice::new(seed, 2_000 + k as u64, u64::from(n)).below(100);
            let text = |text: String| if cased < 70 { text } else { capitals(&text, cased >= 90) };
            out.push(GoldQuery { kind: kind.name.to_owned(), q: text(draft.q), ou: text(draft.ou), answers: draft.answers });
        }
    }
    out
}

/// The first letter of each word as a capital, or all letters.
fn capitals(text: &str, all: bool) -> String {
    if all {
        return text.to_uppercase();
    }
    let mut out = String::new();
    let mut first = true;
    for c in text.chars() {
        if first {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        first = !c.is_alphanumeric();
    }
    out
}

/// Queries as lines of text: kind, what, where, answers separated by commas; tabs in between, `#` before a comment.
#[must_use]
pub fn write_queries(queries: &[GoldQuery]) -> String {
    let mut out = String::from("# kind\tq\tou\tanswers\n");
    for query in queries {
        let _ = writeln!(out, "{}\t{}\t{}\t{}", query.kind, query.q, query.ou, query.answers.join(","));
    }
    out
}

/// Reads what [`write_queries`] wrote.
///
/// # Errors
/// When a line has not four columns or no answer; the text says which line.
pub fn read_queries(text: &str) -> Result<Vec<GoldQuery>, String> {
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind, q, ou, answers] = fields.as_slice() else {
            return Err(format!("line {}: four columns separated by tabs are expected, {} are there", n + 1, fields.len()));
        };
        let answers: Vec<String> = answers.split(',').map(|a| a.trim().to_owned()).filter(|a| !a.is_empty()).collect();
        if answers.is_empty() {
            return Err(format!("line {}: no answer is named", n + 1));
        }
        out.push(GoldQuery { kind: (*kind).to_owned(), q: (*q).to_owned(), ou: (*ou).to_owned(), answers });
    }
    Ok(out)
}
