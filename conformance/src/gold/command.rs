//! The commands around the gold set: `gold` measures, `gold-hard` writes the small nation of the hard cases.

use std::fs;
use std::path::Path;

use super::{
    GoldAsker, GoldNation, GoldQuery, gold_queries, growth_table, hard_queries, hostile_answers, hostile_table, measure_gold,
    read_queries, write_hard_nation, write_queries,
};

/// What the commands take.
pub const GOLD_USAGE: &str = "\
       annuaire-conformance gold http://host (--nation DIR [--seed N] | --queries FILE | --hard) [--json FILE] [--write FILE]
       annuaire-conformance gold-hard DIR";

/// Arguments of `gold`.
#[derive(Debug, Default, PartialEq, Eq)]
struct GoldArguments {
    base: String,
    nation: Option<String>,
    seed: u64,
    queries: Option<String>,
    hard: bool,
    json: Option<String>,
    write: Option<String>,
}

impl GoldArguments {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut arguments = Self { seed: 1, ..Self::default() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or_else(|| format!("{word} needs a value\nusage:\n{GOLD_USAGE}"));
            match word.as_str() {
                "--nation" => arguments.nation = Some(value()?),
                "--seed" => arguments.seed = value()?.parse().map_err(|e| format!("--seed: {e}"))?,
                "--queries" => arguments.queries = Some(value()?),
                "--hard" => arguments.hard = true,
                "--json" => arguments.json = Some(value()?),
                "--write" => arguments.write = Some(value()?),
                base if arguments.base.is_empty() && base.starts_with("http") => base.clone_into(&mut arguments.base),
                other => return Err(format!("{other} is not understood\nusage:\n{GOLD_USAGE}")),
            }
        }
        let sources = [arguments.nation.is_some(), arguments.queries.is_some(), arguments.hard];
        if arguments.base.is_empty() || sources.into_iter().filter(|named| *named).count() != 1 {
            return Err(format!("an address and one source of queries are needed\nusage:\n{GOLD_USAGE}"));
        }
        Ok(arguments)
    }

    fn queries(&self) -> Result<Vec<GoldQuery>, String> {
        if let Some(dir) = &self.nation {
            return Ok(gold_queries(&GoldNation::read(Path::new(dir))?, self.seed));
        }
        match &self.queries {
            Some(path) => read_queries(&fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?),
            None => hard_queries(),
        }
    }
}

/// Runs `gold` with these arguments and prints the tables.
///
/// # Errors
/// When an argument is wrong, a file cannot be read or written, or the server does not answer.
pub fn gold_command(words: &[String]) -> Result<(), String> {
    let arguments = GoldArguments::parse(words)?;
    let queries = arguments.queries()?;
    let save = |path: &Option<String>, text: &dyn Fn() -> String| match path {
        Some(path) => fs::write(path, text()).map_err(|e| format!("{path}: {e}")),
        None => Ok(()),
    };
    save(&arguments.write, &|| write_queries(&queries))?;
    let asker = GoldAsker::new(&arguments.base);
    let measure = measure_gold(&asker, &queries)?;
    save(&arguments.json, &|| format!("{:#}\n", measure.to_json()))?;
    println!("{measure}\n{}\n{}", growth_table(&asker, &queries)?, hostile_table(&hostile_answers(&asker)?));
    Ok(())
}

/// Runs `gold-hard`: writes the files of the small nation.
///
/// # Errors
/// When a directory is not named or cannot be written.
pub fn gold_hard_command(words: &[String]) -> Result<(), String> {
    let [dir] = words else { return Err(format!("a directory is needed\nusage:\n{GOLD_USAGE}")) };
    write_hard_nation(Path::new(dir))?;
    println!("{dir}: import its files, serve them, then: annuaire-conformance gold http://host --hard");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<GoldArguments, String> {
        GoldArguments::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_name_an_address_and_one_source() {
        let all = parse("http://x.test --nation d --seed 7 --json f").unwrap();
        assert_eq!(
            (all.base.as_str(), all.nation.as_deref(), all.seed, all.json.as_deref()),
            ("http://x.test", Some("d"), 7, Some("f"))
        );
        assert!(parse("http://x.test --hard").unwrap().hard);
        for wrong in [
            "http://x.test",
            "--hard",
            "http://x.test --hard --nation d",
            "http://x.test --seed x --hard",
            "http://x.test --json",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
