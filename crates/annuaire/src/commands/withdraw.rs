//! `annuaire withdraw`: removing the content of an entity for legal reasons.

use crate::amounts::date_utc;
use crate::catch_up::publish_and_report;
use crate::clock::now_ms;
use crate::data_place::ExpectedData;
use crate::entity_names::{NamedEntity, find_entity};
use crate::exit::{Exit, Usage};
use crate::options::{GivenOptions, GuideOption, PlaceOptions, reason};
use crate::progress;
use crate::publisher::Publisher;
use crate::stores::Stores;
use annuaire_base::fact::VersionContent;
use annuaire_store::{AuditEvent, BlockingRegistry, Cause, Channel, CommitClock, CommitOutcome};
use annuaire_web::limits::WITHDRAWAL_SECONDS;
use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal, Write};

/// Removes the content of a person, a structure or an activity, in every version, for a legal reason
#[derive(Args)]
pub(crate) struct WithdrawArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// What is withdrawn: a national number, a technical number, an entity of the log (PP:…, ST:…), or a resource (Type/id)
    entity: String,
    /// Legal basis, as the decision names it; goes to the log
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    basis: String,
    /// Why, in 10 characters at least, without naming the person; goes to the log
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    reason: String,
    /// Lifts a withdrawal instead: files may speak of the entity again. What was removed stays removed
    #[arg(long)]
    lift: bool,
    /// Does not ask
    #[arg(long)]
    yes: bool,
    /// Commits although the clock of this machine and the last transaction are far apart
    #[arg(long)]
    accept_clock: bool,
    /// No word of what is under way
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    guide: GuideOption,
}

impl WithdrawArguments {
    pub(crate) fn run(self, given: &GivenOptions) -> Result<Exit> {
        let (place, mut configuration) = self.place.open()?;
        self.guide.apply(given, &mut configuration);
        let guide = configuration.publication.guide.into();
        place.expect(ExpectedData::Present)?;
        // Nothing is committed that could not be published afterwards.
        if let Some(_publisher) = Publisher::take(&place.data, "withdraw")? {
            Stores::check_guide(&place, guide)?;
        }
        let registry = place.registry()?;
        let entity = find_entity(&place, &registry, &self.entity)?;
        print(&entity);
        if self.lift && !is_withdrawn(&entity) {
            bail!("{} is not withdrawn: nothing was changed", entity.key);
        }
        if !self.yes && !is_confirmed(&entity.key, self.lift)? {
            bail!("nothing was changed");
        }
        let outcome = self.commit(&registry, &entity)?;
        let changed = outcome.tx.is_some();
        self.print_outcome(&entity, outcome);
        publish_and_report(&place, guide, &registry, changed, &progress::shown_unless(self.quiet), Exit::Done)
    }

    /// One transaction with its cause, its legal basis, and its event of the audit trail.
    fn commit(&self, registry: &BlockingRegistry, entity: &NamedEntity) -> Result<CommitOutcome> {
        let mut unit = registry.begin()?;
        let event = if self.lift {
            unit.lift_withdrawal(&entity.key)?;
            "lift-withdrawal"
        } else {
            unit.withdraw(&entity.key)?;
            "withdraw"
        };
        unit.audit(&AuditEvent {
            actor: "operator".to_owned(),
            event: event.to_owned(),
            object: entity.key.clone(),
            request: None,
            detail: json!({"basis": self.basis, "reason": self.reason}).to_string(),
        })?;
        let cause = Cause { basis: Some(self.basis.clone()), ..Cause::new(Channel::Operator, "operator", &self.reason) };
        Ok(unit.save(&cause, CommitClock { now_ms: &now_ms, any_clock: self.accept_clock })?)
    }

    fn print_outcome(&self, entity: &NamedEntity, outcome: CommitOutcome) {
        let tx = outcome.tx.map_or_else(String::new, |tx| format!(", transaction {tx}"));
        if self.lift {
            println!("{}: files may speak of it again{tx}; the next delivery that names it publishes it", entity.key);
            return;
        }
        let versions = with_content(entity);
        println!("{}: {versions} versions removed from the log{tx}; later files do not bring it back", entity.key);
        let until = date_utc(now_ms() + i64::from(WITHDRAWAL_SECONDS) * 1_000);
        println!("caches between this server and its readers may hold a version until {until}");
        println!("backups made before hold it still: remove them when your rules ask it");
        if let Some(tx) = outcome.tx {
            println!("`annuaire receipt {tx}` says where it is done, and signs that");
        }
    }
}

/// Versions that still have content.
fn with_content(entity: &NamedEntity) -> usize {
    entity.versions.iter().filter(|version| matches!(version.content, VersionContent::Stands { .. })).count()
}

fn is_withdrawn(entity: &NamedEntity) -> bool {
    entity.versions.iter().any(|version| version.content == VersionContent::Withdrawn)
}

/// Prints what would go: names, owners with their facets, number of versions.
fn print(entity: &NamedEntity) {
    println!("{}, last changed by transaction {}", entity.key, entity.last_tx());
    for name in names(entity) {
        println!("  named {name}");
    }
    let mut facts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for version in &entity.versions {
        *facts.entry((&version.key.owner, &version.key.facet)).or_default() += 1;
    }
    for ((owner, facet), versions) in facts {
        let facet = if facet.is_empty() { String::new() } else { format!(", {facet}") };
        println!("  {owner}{facet}: {versions} version{}", if versions == 1 { "" } else { "s" });
    }
    if is_withdrawn(entity) {
        println!("  versions of it are withdrawn");
    }
}

/// Names that its versions say, so that the operator sees whom the number means.
fn names(entity: &NamedEntity) -> BTreeSet<String> {
    let payloads = entity.versions.iter().filter_map(|version| match &version.content {
        VersionContent::Stands { payload, .. } => serde_json::from_str::<Value>(payload).ok(),
        VersionContent::Ends | VersionContent::Withdrawn => None,
    });
    let mut all = BTreeSet::new();
    for object in payloads {
        let text = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().to_owned();
        all.insert(text(&object, "raisonSociale"));
        for practice in object["exercices"].as_array().into_iter().flatten() {
            all.insert(format!("{} {}", text(practice, "prenomExercice"), text(practice, "nomExercice")).trim().to_owned());
        }
    }
    all.retain(|name| !name.is_empty());
    all
}

/// Asks at the terminal.
fn is_confirmed(entity: &str, lift: bool) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage("there is no terminal to ask at: look at what would go, then give --yes".to_owned()).into());
    }
    let what = if lift { "lift the withdrawal of" } else { "remove, for ever, the content of every version of" };
    print!("{what} {entity}? Write yes: ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
