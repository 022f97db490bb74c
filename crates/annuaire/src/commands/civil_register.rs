//! `annuaire civil-register`: the dialogue with the national register of civil status, by files (`docs/civil-register.md`).

use crate::clock::now_ms;
use crate::data_place::ExpectedData;
use crate::exit::Exit;
use crate::operator_registration::operator_registration;
use crate::options::PlaceOptions;
use crate::page_key::page_key;
use crate::registry::runtime;
use annuaire_registry::{AnswerOutcome, parse_answer};
use annuaire_workflow::day::paris_day;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes of a line of answers.
const LINE_BYTES: u64 = 64 * 1024;

/// Asks the civil register about registered persons, and takes its answers, by files
#[derive(Args)]
pub(crate) struct CivilRegisterArguments {
    #[command(flatten)]
    place: PlaceOptions,
    #[command(subcommand)]
    what: CivilRegisterCommand,
}

#[derive(Subcommand)]
enum CivilRegisterCommand {
    /// Writes what is to be asked, one JSON object a line, and marks it as sent today
    Questions {
        /// The file, which must not exist: its owner alone may read it
        file: PathBuf,
    },
    /// Takes answers, one JSON object a line; a line that is wrong changes nothing and is reported. Taking a file again changes nothing
    Answers {
        /// The file of answers
        file: PathBuf,
        /// Where to write what became of each line, one JSON object a line; must not exist [default: FILE.results]
        #[arg(long, value_name = "FILE")]
        results: Option<PathBuf>,
    },
}

impl CivilRegisterArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, configuration) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        let (registration, system) = operator_registration(&place.registry()?, &configuration, page_key(&place)?)?;
        match self.what {
            CivilRegisterCommand::Questions { file } => {
                let questions = runtime()?.block_on(registration.civil_questions(&system))?;
                if questions.is_empty() {
                    println!("nothing is to be asked: no file was written");
                    return Ok(Exit::Done);
                }
                // The file is durable before a question counts as sent: whoever is interrupted asks again, with equal references.
                let mut to = create(&file)?;
                for question in &questions {
                    writeln!(to, "{}", question.to_line())?;
                }
                finish(to, &file)?;
                let marked = runtime()?.block_on(registration.civil_questions_sent(&system, &questions))?;
                println!("{marked} questions in {}, sent on {}", file.display(), paris_day(now_ms()));
                let changed = questions.len() as u64 - marked;
                if changed > 0 {
                    println!(
                        "{changed} of the lines changed while the file was written: their answers will be reported as not asked"
                    );
                }
                Ok(Exit::Done)
            }
            CivilRegisterCommand::Answers { file, results } => {
                let results = results.unwrap_or_else(|| {
                    let mut name = file.clone().into_os_string();
                    name.push(".results");
                    name.into()
                });
                let mut from = BufReader::new(File::open(&file).with_context(|| format!("opening {}", file.display()))?);
                let mut to = create(&results)?;
                let (mut taken, mut unchanged, mut wrong) = (0_u64, 0_u64, 0_u64);
                let mut number = 0_u64;
                while let Some(line) = next_line(&mut from, &file)? {
                    number += 1;
                    if line.trim().is_empty() {
                        continue;
                    }
                    let parsed = parse_answer(&line, paris_day(now_ms()));
                    let result = match parsed {
                        Err(fault) => {
                            wrong += 1;
                            let at = if fault.field.is_empty() { String::new() } else { format!(", {}", fault.field) };
                            eprintln!("{}, line {number}{at}: {}", file.display(), fault.text);
                            json!({"line": number, "result": "refused", "field": fault.field, "reason": fault.text})
                        }
                        Ok((reference, answer)) => {
                            let outcome = runtime()?.block_on(registration.take_civil_answer(&system, &reference, &answer))?;
                            let (result, state) = words(outcome);
                            match outcome {
                                AnswerOutcome::Taken(_) | AnswerOutcome::Death => taken += 1,
                                AnswerOutcome::AnsweredBefore | AnswerOutcome::NotAsked => {
                                    wrong += 1;
                                    eprintln!("{}, line {number}, reference: {result}", file.display());
                                }
                                AnswerOutcome::Noted(_) | AnswerOutcome::Repeated | AnswerOutcome::Void => unchanged += 1,
                            }
                            json!({"line": number, "reference": reference, "result": result, "state": state})
                        }
                    };
                    writeln!(to, "{result}")?;
                }
                finish(to, &results)?;
                println!("{taken} answers taken, {unchanged} changed nothing, {wrong} refused; {}", results.display());
                Ok(if wrong > 0 { Exit::Incomplete } else { Exit::Done })
            }
        }
    }
}

/// What became of an answer, and the state of the certification that stands.
fn words(outcome: AnswerOutcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        AnswerOutcome::Taken(state) => ("taken", Some(state.code())),
        AnswerOutcome::Noted(state) => ("noted", Some(state.code())),
        AnswerOutcome::Death => ("death recorded", None),
        AnswerOutcome::Repeated => ("taken before", None),
        AnswerOutcome::Void => ("void: the civil status changed since the question, or the person is gone", None),
        AnswerOutcome::AnsweredBefore => ("refused: another answer to this question was taken before", None),
        AnswerOutcome::NotAsked => ("refused: no question has this reference", None),
    }
}

/// The next line; `None` at the end.
fn next_line(from: &mut impl BufRead, file: &Path) -> Result<Option<String>> {
    let mut line = Vec::new();
    let read = from.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
    let read = read.with_context(|| format!("reading {}", file.display()))?;
    if read as u64 == LINE_BYTES && line.last() != Some(&b'\n') {
        bail!("{} has a line of more than {LINE_BYTES} bytes: answers are one JSON object a line", file.display());
    }
    // What is not UTF-8 is no JSON, and is reported with its line.
    Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

/// A new file that its owner alone may read.
fn create(file: &Path) -> Result<BufWriter<File>> {
    let mut open = OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    Ok(BufWriter::new(open.open(file).with_context(|| format!("creating {}", file.display()))?))
}

fn finish(to: BufWriter<File>, file: &Path) -> Result<()> {
    let written = to.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|file| file.sync_all());
    written.with_context(|| format!("writing {}", file.display()))
}
