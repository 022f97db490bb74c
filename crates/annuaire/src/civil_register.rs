//! The stand-in for the civil register in a demonstration.

use crate::demo_clock::DemoClock;
use crate::failing::Failing;
use annuaire_base::text::fold;
use annuaire_registry::{CivilAnswer, CivilQuestion, Error, Registration, SystemActor};
use annuaire_workflow::day::{paris_day, plus_days};
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;

/// Milliseconds of the demonstration's clock after which the stand-in answers.
const ANSWER_MS: i64 = 60_000;
/// The stand-in looks for questions this often.
const LOOK: Duration = Duration::from_secs(5);

/// What the stand-in answers, by the family name alone; `docs/civil-register.md` tells it to visitors.
fn stand_in_answer(question: &CivilQuestion, now_ms: i64) -> CivilAnswer {
    let name = fold(question.family_name());
    let has = |word: &str| name.contains(word);
    if has("inconnu") {
        CivilAnswer::Unknown
    } else if has("attente") {
        CivilAnswer::InProgress
    } else if has("disparu") {
        CivilAnswer::Deceased(plus_days(paris_day(now_ms), -1))
    } else if has("forme") {
        let mut given_names = question.given_names().to_vec();
        given_names.push("Marie".to_owned());
        CivilAnswer::Differing { family_name: question.family_name().to_owned(), given_names }
    } else {
        CivilAnswer::Exact
    }
}

/// Stands for the civil register in a demonstration: takes the questions that are due and answers each after a minute of its clock. What
/// waits is in memory, as the demonstration is.
pub(crate) async fn stand_in(registration: Arc<Registration>, system: Arc<SystemActor>, clock: Arc<DemoClock>) {
    let mut failing = Failing::default();
    let mut waiting: Vec<(i64, CivilQuestion)> = Vec::new();
    loop {
        let outcome = look(&registration, &system, &clock, &mut waiting).await;
        failing.note("the stand-in of the civil register", outcome.err().map(|error| error.to_string()));
        tokio::time::sleep(LOOK).await;
    }
}

async fn look(
    registration: &Registration,
    system: &SystemActor,
    clock: &DemoClock,
    waiting: &mut Vec<(i64, CivilQuestion)>,
) -> Result<(), Error> {
    let now = clock.now_ms();
    while let Some(at) = waiting.iter().position(|(sent, _)| now.saturating_sub(*sent) >= ANSWER_MS) {
        let (_, question) = waiting.swap_remove(at);
        registration.take_civil_answer(system, &question.reference, &stand_in_answer(&question, now)).await?;
    }
    let questions = registration.civil_questions(system).await?;
    registration.civil_questions_sent(system, &questions).await?;
    waiting.extend(questions.into_iter().map(|question| (now, question)));
    Ok(())
}
