//! Texts that nobody types in good faith, and texts that grow: the directory must answer each with a page, and no later for their length.

use std::time::Duration;

use super::asking::GoldAsker;
use super::figures::GoldFigures;
use super::queries::GoldQuery;

/// Times that each text is asked.
const ROUNDS: usize = 20;

/// What a hostile text got.
#[derive(Debug, Clone)]
pub struct HostileAnswer {
    /// What the text is.
    pub name: &'static str,
    /// Status of the last answer.
    pub status: u16,
    /// The slowest of its answers.
    pub slowest: Duration,
    /// Whether each answer was a page with a heading in French and status 200 or 400.
    pub is_page: bool,
}

/// Name and text.
fn texts() -> Vec<(&'static str, String)> {
    let words = |n: usize, word: &dyn Fn(usize) -> String| (0..n).map(word).collect::<Vec<_>>().join(" ");
    let letters = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0));
    vec![
        ("3,000 letters in one word", (0..3_000).map(|i| letters(i * 7)).collect()),
        ("3,000 times the letter a", "a".repeat(3_000)),
        ("3,000 letters with accents", "éàüœç".repeat(600)),
        ("40 words", words(40, &|i| format!("{}ar{}in", letters(i), letters(i * 3)))),
        ("40 words of one letter", words(40, &|i| letters(i).to_string())),
        ("the letter a 40 times", words(40, &|_| "a".to_owned())),
        ("a word 40 times", words(40, &|_| "martin".to_owned())),
        ("400 little words", words(400, &|i| ["de", "la", "le", "du"][i % 4].to_owned())),
        ("star", "*".to_owned()),
        ("signs alone", "%_*?()[]{}\\\"'<>&;|".to_owned()),
        ("a star in each word", words(10, &|i| format!("{}*", letters(i)))),
        ("a digit", "1".to_owned()),
        ("60 digits", "1234567890".repeat(6)),
        ("20 numbers", words(20, &|i| (1_000 + i * 37).to_string())),
        ("postal codes alone", words(20, &|i| format!("{:05}", 29_000 + i * 100))),
        ("combining accents", format!("e{}", "\u{301}".repeat(500))),
        ("other scripts", "Владимир 東京 محمد ".repeat(20)),
        ("emoji and control signs", "\u{1F600}\u{200B}\u{202E}\u{7}x".repeat(50)),
        ("spaces alone", " ".repeat(500)),
        ("markup", "<script>alert(1)</script>".repeat(10)),
        ("hyphens and apostrophes", "d'-l'-".repeat(200)),
    ]
}

/// Asks hostile texts, in the box « what » and in the box « where ».
///
/// # Errors
/// When the server cannot be reached: a hostile text must not end it.
pub fn hostile_answers(asker: &GoldAsker) -> Result<Vec<HostileAnswer>, String> {
    let mut out = Vec::new();
    for (name, text) in texts() {
        let mut result = HostileAnswer { name, status: 0, slowest: Duration::ZERO, is_page: true };
        for round in 0..ROUNDS {
            let (q, ou) = if round % 4 == 3 { ("martin", text.as_str()) } else { (text.as_str(), "") };
            let answer = asker.ask(q, ou).map_err(|e| e.chars().take(300).collect::<String>())?;
            result.status = answer.status;
            result.slowest = result.slowest.max(answer.took);
            result.is_page &= matches!(answer.status, 200 | 400) && says_something(&answer.body);
        }
        out.push(result);
    }
    Ok(out)
}

/// Whether a page in French has a heading and a sentence.
fn says_something(page: &str) -> bool {
    page.contains("lang=\"fr\"") && page.contains("<h1") && page.contains("<p")
}

/// The table of hostile texts.
#[must_use]
pub fn hostile_table(answers: &[HostileAnswer]) -> String {
    let mut out = String::from("| Hostile text | Status | Slowest | A page in French |\n|---|---|---|---|\n");
    for HostileAnswer { name, status, slowest, is_page } in answers {
        let page = if *is_page { "yes" } else { "**no**" };
        out += &format!("| {name} | {status} | {:.2} ms | {page} |\n", slowest.as_secs_f64() * 1e3);
    }
    out
}

/// The time of texts of 1, 2, 4… words that are typed in the queries, as a table with ratios to the time of two words.
///
/// # Errors
/// When the server cannot be reached.
pub fn growth_table(asker: &GoldAsker, queries: &[GoldQuery]) -> Result<String, String> {
    let words: Vec<&str> = queries.iter().flat_map(|query| query.q.split(' ')).filter(|word| word.len() > 2).collect();
    if words.is_empty() {
        return Err("no words to make texts of".into());
    }
    let mut rows = Vec::new();
    for count in [1, 2, 4, 8, 16, 32, 64] {
        let mut figures = GoldFigures::default();
        for round in 0..ROUNDS * 5 {
            let text: Vec<&str> = (0..count).map(|i| words[(round * 131 + i * 17) % words.len()]).collect();
            figures.add_time(asker.ask(&text.join(" "), "").map_err(|e| e.chars().take(300).collect::<String>())?.took);
        }
        rows.push((count, figures.time(500).as_secs_f64(), figures.time(990).as_secs_f64()));
    }
    let of_two = rows[1].1.max(1e-9);
    let mut out = String::from("| Words typed | p50 | p99 | Ratio of p50 to two words |\n|---|---|---|---|\n");
    for (count, p50, p99) in rows {
        out += &format!("| {count} | {:.2} ms | {:.2} ms | {:.2} |\n", p50 * 1e3, p99 * 1e3, p50 / of_two);
    }
    Ok(out)
}
