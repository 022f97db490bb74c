//! What is measured: recall, rank, silence and time, by kind; and the misses that are worth a look.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::asking::{GoldAnswer, GoldAsker};
use super::queries::GoldQuery;

/// Results that count for recall.
const FIRST: usize = 10;
/// Misses that are shown.
const SHOWN_MISSES: usize = 30;

/// Figures of some queries.
#[derive(Debug, Clone, Default)]
pub struct GoldFigures {
    /// Queries asked.
    pub asked: usize,
    /// Sum over queries of the share of right answers among the first ten results.
    recall: f64,
    /// Sum over queries of 1 ÷ rank of the first right answer.
    reciprocal: f64,
    /// Queries without any result.
    silent: usize,
    /// Queries answered by another status than 200 or a redirection to a sheet.
    refused: usize,
    /// Time of each answer, sorted.
    times: Vec<Duration>,
}

impl GoldFigures {
    fn add(&mut self, query: &GoldQuery, answer: &GoldAnswer) {
        self.asked += 1;
        let right = |result: &&String| query.answers.contains(result);
        self.recall += answer.results.iter().take(FIRST).filter(right).count() as f64 / query.answers.len().max(1) as f64;
        self.reciprocal += rank(query, answer).map_or(0.0, |rank| 1.0 / rank as f64);
        self.silent += usize::from(answer.results.is_empty());
        self.refused += usize::from(answer.status >= 400 || answer.status == 0);
        self.add_time(answer.took);
    }

    /// Counts an answer of which nothing but its time is of interest.
    pub(crate) fn add_time(&mut self, took: Duration) {
        let at = self.times.partition_point(|time| *time <= took);
        self.times.insert(at, took);
    }

    fn share(&self, of: f64) -> f64 {
        of / self.asked.max(1) as f64
    }

    /// Mean share of the right answers that stand among the first ten results.
    #[must_use]
    pub fn recall_at_10(&self) -> f64 {
        self.share(self.recall)
    }

    /// Mean of 1 ÷ rank of the first right answer on the first page of results; 0 when it is not there.
    #[must_use]
    pub fn mean_reciprocal_rank(&self) -> f64 {
        self.share(self.reciprocal)
    }

    /// Share of queries without any result.
    #[must_use]
    pub fn without_answer(&self) -> f64 {
        self.share(self.silent as f64)
    }

    /// Time within which so many of a thousand answers came.
    #[must_use]
    pub fn time(&self, thousandths: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        self.times.get((self.times.len() * thousandths / 1_000).min(last)).copied().unwrap_or_default()
    }

    fn row(&self, name: &str) -> String {
        let refused = if self.refused == 0 { String::new() } else { format!(" ({} refusées)", self.refused) };
        format!(
            "| {name} | {}{refused} | {:.1} % | {:.3} | {:.1} % | {:.2} ms | {:.2} ms |",
            self.asked,
            self.recall_at_10() * 100.0,
            self.mean_reciprocal_rank(),
            self.without_answer() * 100.0,
            self.time(500).as_secs_f64() * 1e3,
            self.time(990).as_secs_f64() * 1e3
        )
    }

    fn json(&self) -> Value {
        json!({
            "asked": self.asked, "refused": self.refused, "recall_at_10": self.recall_at_10(),
            "mrr": self.mean_reciprocal_rank(), "without_answer": self.without_answer(),
            "p50_us": self.time(500).as_micros() as u64, "p99_us": self.time(990).as_micros() as u64,
        })
    }
}

/// Rank of the first right answer, from 1.
fn rank(query: &GoldQuery, answer: &GoldAnswer) -> Option<usize> {
    answer.results.iter().position(|result| query.answers.contains(result)).map(|at| at + 1)
}

/// A query of which no right answer stands among the first ten.
#[derive(Debug, Clone)]
struct GoldMiss {
    query: GoldQuery,
    /// Rank of the first right answer, beyond the tenth.
    rank: Option<usize>,
    first: String,
}

/// The measure of a directory.
#[derive(Debug, Clone, Default)]
pub struct GoldMeasure {
    /// Over all queries.
    pub all: GoldFigures,
    /// By kind, in the order in which kinds were asked.
    pub kinds: Vec<(String, GoldFigures)>,
    /// By letters of both boxes: the upper bound of each class.
    lengths: BTreeMap<usize, GoldFigures>,
    misses: Vec<GoldMiss>,
}

/// Upper bounds of classes of length, in letters.
const LENGTHS: [usize; 6] = [8, 12, 16, 24, 32, usize::MAX];

/// Asks each query once, one after the other on one connection, and compares.
///
/// # Errors
/// When the server cannot be reached.
pub fn measure_gold(asker: &GoldAsker, queries: &[GoldQuery]) -> Result<GoldMeasure, String> {
    let mut measure = GoldMeasure::default();
    for query in queries {
        measure.add(query, &asker.ask(&query.q, &query.ou)?);
    }
    Ok(measure)
}

impl GoldMeasure {
    fn add(&mut self, query: &GoldQuery, answer: &GoldAnswer) {
        self.all.add(query, answer);
        let at = self.kinds.iter().position(|kind| kind.0 == query.kind).unwrap_or_else(|| {
            self.kinds.push((query.kind.clone(), GoldFigures::default()));
            self.kinds.len() - 1
        });
        self.kinds[at].1.add(query, answer);
        let letters = query.q.chars().count() + query.ou.chars().count();
        let class = LENGTHS.into_iter().find(|most| letters <= *most).unwrap_or(usize::MAX);
        self.lengths.entry(class).or_default().add(query, answer);
        let rank = rank(query, answer);
        if rank.is_none_or(|rank| rank > FIRST) {
            let first = answer.results.first().cloned().unwrap_or_default();
            self.misses.push(GoldMiss { query: query.clone(), rank, first });
        }
    }

    /// The misses to show: of each kind in turn, so that no kind hides the others.
    fn shown_misses(&self) -> Vec<&GoldMiss> {
        let mut of_kind: BTreeMap<&str, usize> = BTreeMap::new();
        let mut turns: Vec<(usize, &GoldMiss)> = Vec::new();
        for miss in &self.misses {
            let turn = of_kind.entry(&miss.query.kind).or_default();
            turns.push((*turn, miss));
            *turn += 1;
        }
        turns.sort_by_key(|(turn, _)| *turn);
        turns.into_iter().take(SHOWN_MISSES).map(|(_, miss)| miss).collect()
    }

    /// The figures for other programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let kinds: serde_json::Map<String, Value> = self.kinds.iter().map(|(name, f)| (name.clone(), f.json())).collect();
        let misses: Vec<Value> = self
            .misses
            .iter()
            .map(|m| {
                let GoldQuery { kind, q, ou, answers } = &m.query;
                json!({"kind": kind, "q": q, "ou": ou, "answers": answers, "rank": m.rank, "first": m.first})
            })
            .collect();
        json!({"all": self.all.json(), "kinds": kinds, "misses": misses})
    }
}

impl fmt::Display for GoldMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Kind of query | Asked | Recall@10 | MRR | Without answer | p50 | p99 |\n|---|---|---|---|---|---|---|")?;
        for (name, figures) in &self.kinds {
            writeln!(f, "{}", figures.row(name))?;
        }
        writeln!(f, "{}", self.all.row("**all**"))?;
        writeln!(f, "\n| Letters typed | Asked | p50 | Ratio to all |\n|---|---|---|---|")?;
        let of_all = self.all.time(500).as_secs_f64().max(1e-9);
        for (most, figures) in &self.lengths {
            let name = if *most == usize::MAX { "more".to_owned() } else { format!("up to {most}") };
            let p50 = figures.time(500).as_secs_f64();
            writeln!(f, "| {name} | {} | {:.2} ms | {:.2} |", figures.asked, p50 * 1e3, p50 / of_all)?;
        }
        writeln!(f, "\n{} queries without a right answer among the first ten.", self.misses.len())?;
        if !self.misses.is_empty() {
            writeln!(f, "\n| Missed | q | ou | Expected | First result | Rank |\n|---|---|---|---|---|---|")?;
        }
        for miss in self.shown_misses() {
            let GoldQuery { kind, q, ou, answers } = &miss.query;
            let rank = miss.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string());
            writeln!(f, "| {kind} | `{q}` | `{ou}` | {} | {} | {rank} |", answers.join(" "), miss.first)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(kind: &str, answers: &[&str]) -> GoldQuery {
        GoldQuery { kind: kind.into(), q: "q".into(), ou: String::new(), answers: answers.iter().map(|a| (*a).into()).collect() }
    }

    fn answer(results: &[&str], ms: u64) -> GoldAnswer {
        let results = results.iter().map(|r| (*r).to_owned()).collect();
        GoldAnswer { status: 200, took: Duration::from_millis(ms), results, body: String::new() }
    }

    #[test]
    fn figures_are_those_of_the_definitions() {
        let mut measure = GoldMeasure::default();
        let many: Vec<String> = (0..11).map(|n| format!("structure/F{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        measure.add(&query("a", &["structure/F0", "structure/X"]), &answer(&many, 5));
        measure.add(&query("a", &["structure/F1"]), &answer(&many, 1));
        measure.add(&query("b", &["structure/F10"]), &answer(&many, 9));
        measure.add(&query("b", &["structure/F1"]), &answer(&[], 3));
        assert!((measure.all.recall_at_10() - 1.5 / 4.0).abs() < 1e-9);
        assert!((measure.all.mean_reciprocal_rank() - (1.0 + 0.5 + 1.0 / 11.0) / 4.0).abs() < 1e-9);
        assert!((measure.all.without_answer() - 0.25).abs() < 1e-9);
        assert_eq!((measure.all.time(500).as_millis(), measure.all.time(990).as_millis()), (5, 9));
        assert_eq!(measure.kinds.iter().map(|k| (k.0.as_str(), k.1.asked)).collect::<Vec<_>>(), [("a", 2), ("b", 2)]);
        assert_eq!(measure.misses.iter().map(|m| m.rank).collect::<Vec<_>>(), [Some(11), None]);
        let shown = measure.to_string();
        assert!(shown.contains("| a | 2 | 75.0 % | 0.750 | 0.0 % |"), "{shown}");
        assert_eq!(measure.to_json()["misses"].as_array().unwrap().len(), 2);
    }
}
