//! Registration in a server: its parts, its clock, and what it does beside answering.

use crate::clock::{instant, now_ms};
use crate::config::RegistrationSection;
use crate::demo_clock::DemoClock;
use crate::failing::Failing;
use crate::identity::IdentityUse;
use crate::registry::random_bytes;
use crate::structure_search::PublishedStructures;
use annuaire_ecps::{MessageSender, OutgoingMessage, Recipient, is_national_id};
use annuaire_index::Index;
use annuaire_mos::owner::Owner;
use annuaire_registry::{Error, NoticeSender, Registration, RegistrationSettings, SystemActor};
use annuaire_store::{BlockingRegistry, Registry};
use annuaire_web::ServedStore;
use annuaire_workflow::fields::FieldSettings;
use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Beginning of the RPPS numbers of a demonstration: the range of tests (registration §6.6).
const DEMO_PREFIX: &str = "999";
/// Path of the portal below the host where people log in.
pub(crate) const PORTAL: &str = "/portail";
/// Name of the template of what registration sends, for logs.
const TEMPLATE: &str = "registration";

/// Pause of a loop that found work a moment ago: more often follows.
const BUSY: Duration = Duration::from_millis(50);
/// Pause of a loop that finds nothing.
const IDLE: Duration = Duration::from_millis(300);
/// Rounds without work after which a loop is idle.
const QUIET_ROUNDS: u32 = 40;
/// Timers and planned situations are looked at this often.
const DUE: Duration = Duration::from_secs(60);
/// The log is looked at this often without a commit.
const FOLLOW: Duration = Duration::from_secs(60);
/// Pause after a search for duplicates that failed: it walks over all persons.
const SEARCH_RETRY: Duration = Duration::from_secs(600);
/// Pause after a failure of the registry.
const RETRY: Duration = Duration::from_secs(2);

/// The use cases of registration, with what they send by.
pub(crate) struct RegistrationService {
    pub(crate) registration: Arc<Registration>,
    pub(crate) system: Arc<SystemActor>,
    pub(crate) sender: Arc<dyn NoticeSender>,
    registry: Arc<dyn Registry>,
    /// The clock that visitors of a demonstration set forward.
    pub(crate) clock: Option<Arc<DemoClock>>,
}

/// What registration is made of.
pub(crate) struct RegistrationParts<'a> {
    pub(crate) registry: &'a BlockingRegistry,
    pub(crate) section: &'a RegistrationSection,
    /// The public store that is served, in which structures are found.
    pub(crate) store: ServedStore<Index>,
    pub(crate) secret: [u8; 32],
    /// Scheme and host where people log in.
    pub(crate) base: &'a str,
    /// Mail and text messages.
    pub(crate) messages: Arc<dyn MessageSender>,
    pub(crate) usage: IdentityUse,
}

/// Why a configuration asks for what cannot be.
fn refuse(key: &str, why: &str) -> Result<()> {
    bail!("registration.{key} {why}")
}

/// Refuses a section that asks for registration where there is no identity provider: nobody could log in to the portal.
///
/// # Errors
/// When `enabled` is true.
pub(crate) fn refuse_without_identity(section: &RegistrationSection) -> Result<()> {
    match section.enabled {
        Some(true) => refuse("enabled is true, and there is no identity provider:", "name its issuer in [identity]"),
        _ => Ok(()),
    }
}

impl RegistrationService {
    /// The registration that a configuration asks for; `None` when it asks for none: by `enabled = false`, or without a prefix of numbers.
    ///
    /// # Errors
    /// A sentence for a section that cannot be followed.
    pub(crate) fn of(parts: RegistrationParts<'_>) -> Result<Option<Self>> {
        let RegistrationParts { registry, section, store, secret, base, messages, usage } = parts;
        let demo = usage == IdentityUse::Sandbox;
        let prefix = section.rpps_prefix.clone().or_else(|| demo.then(|| DEMO_PREFIX.to_owned()));
        let prefix = match (section.enabled, prefix) {
            (Some(false), _) | (None, None) => return Ok(None),
            (Some(true), None) => bail!(
                "registration.enabled is true, and registration.rpps_prefix is not set: name the first digits of the RPPS numbers that \
                 this installation may give, a range of its own (999 for tests alone)"
            ),
            (_, Some(prefix)) => prefix,
        };
        check(section)?;
        let registry: Arc<dyn Registry> = Arc::clone(registry.registry());
        let clock = demo.then(|| Arc::new(DemoClock::default()));
        let decided: Arc<dyn Fn() -> i64 + Send + Sync> = match &clock {
            Some(clock) => {
                let clock = Arc::clone(clock);
                Arc::new(move || clock.now_ms())
            }
            None => Arc::new(now_ms),
        };
        let named = |ids: &[String]| ids.iter().cloned().collect::<BTreeSet<String>>();
        let (registration, system) = Registration::new(RegistrationSettings {
            registry: Arc::clone(&registry),
            structures: Arc::new(PublishedStructures::new(store)),
            entropy: Arc::new(random_bytes),
            now_ms: decided,
            commit_ms: Arc::new(now_ms),
            secret,
            rpps_prefix: prefix,
            public_base: format!("{base}{PORTAL}"),
            terms_version: section.terms_version.clone(),
            arbiters: with_demo(named(&section.arbiters), demo, crate::demo_people::ARBITER),
            support: with_demo(named(&section.support), demo, crate::demo_people::SUPPORT),
            auditors: with_demo(named(&section.auditors), demo, crate::demo_people::AUDITOR),
            terminologists: with_demo(named(&section.terminologists), demo, crate::demo_people::TERMINOLOGIST),
            authority_agents: agents(section)?,
            fields: FieldSettings {
                age_min: section.age_min.get(),
                age_max: section.age_max.get(),
                calling_codes: section.calling_codes.clone(),
            },
        })
        .context("registration.rpps_prefix")?;
        let sender = Arc::new(Notices(messages));
        Ok(Some(Self { registration: Arc::new(registration), system: Arc::new(system), sender, registry, clock }))
    }

    /// Starts what goes on beside answers: requests are processed, lists of employers gone through, messages
    /// leave, timers are looked at, duplicates are searched at night, and the log is followed.
    pub(crate) fn start(&self, loops: &mut JoinSet<()>) {
        let part = || (Arc::clone(&self.registration), Arc::clone(&self.system));
        loops.spawn(process(part()));
        loops.spawn(go_through_lists(part()));
        loops.spawn(apply_feeds(part()));
        loops.spawn(notify(part(), Arc::clone(&self.sender)));
        loops.spawn(look_at_due(part()));
        loops.spawn(search_duplicates(part()));
        if let Some(clock) = &self.clock {
            let (registration, system) = part();
            loops.spawn(crate::civil_register::stand_in(registration, system, Arc::clone(clock)));
        }
        loops.spawn(follow(part(), Arc::clone(&self.registry)));
    }
}

/// Refuses settings that nobody can act by.
fn check(section: &RegistrationSection) -> Result<()> {
    let lists = [
        ("arbiters", &section.arbiters),
        ("support", &section.support),
        ("auditors", &section.auditors),
        ("terminologists", &section.terminologists),
    ];
    for (key, ids) in lists {
        if let Some(wrong) = ids.iter().find(|id| !is_national_id(id)) {
            refuse(key, &format!("names {wrong:?}: write national identifications, 8 and the 11 digits of an RPPS number"))?;
        }
    }
    let is_code = |code: &String| {
        code.strip_prefix('+').is_some_and(|d| (1..=4).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()))
    };
    if let Some(wrong) = section.calling_codes.iter().find(|code| !is_code(code)) {
        refuse("calling_codes", &format!("names {wrong:?}: write calling codes with their sign, as +32"))?;
    }
    if section.age_min.get() > section.age_max.get() {
        refuse("age_min", "is above age_max")?;
    }
    Ok(())
}

/// Agents of orders and agencies, with the code of theirs.
fn agents(section: &RegistrationSection) -> Result<BTreeMap<String, String>> {
    let mut agents = BTreeMap::new();
    for entry in &section.authority_agents {
        let parts = entry.split_once(':').filter(|(id, code)| is_national_id(id) && Owner::authority(code).is_some());
        let Some((id, code)) = parts else {
            bail!(
                "registration.authority_agents names {entry:?}: write a national identification, a colon and the code of an order or agency, \
                 as 810100000000:ARS-53"
            );
        };
        agents.insert(id.to_owned(), code.to_owned());
    }
    Ok(agents)
}

fn with_demo(mut named: BTreeSet<String>, demo: bool, person: &str) -> BTreeSet<String> {
    if demo {
        named.insert(person.to_owned());
    }
    named
}

/// Sends by the ways of the identity provider.
struct Notices(Arc<dyn MessageSender>);

#[async_trait]
impl NoticeSender for Notices {
    async fn mail(&self, to: &str, subject: &str, text: &str) -> Result<(), String> {
        let (to, subject, text) = (Recipient::Mail(to.to_owned()), subject.to_owned(), text.to_owned());
        self.0.send(&OutgoingMessage { to, subject, text, kind: TEMPLATE }).await
    }

    async fn sms(&self, to: &str, text: &str) -> Result<(), String> {
        let (to, text) = (Recipient::Sms(to.to_owned()), text.to_owned());
        self.0.send(&OutgoingMessage { to, subject: String::new(), text, kind: TEMPLATE }).await
    }
}

/// What a loop works with.
type LoopParts = (Arc<Registration>, Arc<SystemActor>);

/// How long a loop waits: little after work, since more often follows.
#[derive(Default)]
struct Pace(u32);

impl Pace {
    fn after(&mut self, worked: bool) -> Duration {
        self.0 = if worked { 0 } else { self.0.saturating_add(1) };
        if self.0 < QUIET_ROUNDS { BUSY } else { IDLE }
    }
}

/// Notes an outcome, and gives it back when it is one.
fn noted<T>(failing: &mut Failing, what: &str, outcome: Result<T, Error>) -> Option<T> {
    failing.note(what, outcome.as_ref().err().map(ToString::to_string));
    outcome.ok()
}

/// Processes validated requests (T02).
async fn process((registration, system): LoopParts) {
    let (mut failing, mut pace) = (Failing::default(), Pace(QUIET_ROUNDS));
    loop {
        let run = noted(&mut failing, "the processing of requests", registration.run_processing(&system).await);
        let wait = run.map_or(RETRY, |run| {
            if run.failed > 0 {
                annuaire_web::record_internal_error("", "registration.process", "a request failed: see its alert and its job");
            }
            pace.after(run.processed + run.repeated + run.failed > 0)
        });
        tokio::time::sleep(wait).await;
    }
}

/// Makes and validates the requests of lists that employers submitted.
async fn go_through_lists((registration, system): LoopParts) {
    let (mut failing, mut pace) = (Failing::default(), Pace(QUIET_ROUNDS));
    loop {
        let run = noted(&mut failing, "lists of employers", registration.run_lots(&system).await);
        let wait = run.map_or(RETRY, |run| {
            if run.failed > 0 {
                annuaire_web::record_internal_error("", "registration.lists", "a page of a list failed: its job is tried again");
            }
            pace.after(run.created + run.updated + run.unchanged + run.refused + run.validated + run.failed > 0)
        });
        tokio::time::sleep(wait).await;
    }
}

/// Applies batches of orders and agencies.
async fn apply_feeds((registration, system): LoopParts) {
    let (mut failing, mut pace) = (Failing::default(), Pace(QUIET_ROUNDS));
    loop {
        let run = noted(&mut failing, "feeds of authorities", registration.run_feeds(&system).await);
        let wait = run.map_or(RETRY, |run| {
            if run.failed > 0 {
                annuaire_web::record_internal_error("", "registration.feeds", "a page of a batch failed: its job is tried again");
            }
            pace.after(run.accepted + run.rejected + run.left_out + run.failed > 0)
        });
        tokio::time::sleep(wait).await;
    }
}

/// Sends mails and text messages.
async fn notify((registration, system): LoopParts, sender: Arc<dyn NoticeSender>) {
    let (mut failing, mut pace) = (Failing::default(), Pace(QUIET_ROUNDS));
    loop {
        let run = registration.run_notices(&system, &*sender).await;
        if let Ok(run) = &run
            && run.lost > 0
        {
            annuaire_web::record_internal_error("", "registration.notices", "messages were given up: their deliveries say which");
        }
        let run = noted(&mut failing, "messages of registration", run);
        tokio::time::sleep(run.map_or(RETRY, |run| pace.after(run.sent > 0))).await;
    }
}

/// Does what is due: reminders, expiries, planned situations.
async fn look_at_due((registration, system): LoopParts) {
    let mut failing = Failing::default();
    loop {
        let run = noted(&mut failing, "timers of registration", registration.run_due(&system).await);
        tokio::time::sleep(run.map_or(RETRY, |_| DUE)).await;
    }
}

/// Searches for persons with two numbers, then counts the indicators, each once a night. A task of its own: a country takes longer than a
/// timer may wait.
async fn search_duplicates((registration, system): LoopParts) {
    let (mut failing, mut failing_count) = (Failing::default(), Failing::default());
    loop {
        let run = noted(&mut failing, "the search for duplicates", registration.run_nightly_duplicates(&system).await);
        let counted = noted(&mut failing_count, "the count of indicators", registration.run_nightly_indicators(&system).await);
        tokio::time::sleep(run.zip(counted).map_or(SEARCH_RETRY, |_| DUE)).await;
    }
}

/// Follows the log: persons of deliveries and feeds become findable, and what was given for structures that closed is suspended. While it
/// catches up it works half of the time, so that others write too.
async fn follow((registration, system): LoopParts, registry: Arc<dyn Registry>) {
    let mut commits = registry.commits();
    let (mut failing, mut failing_structures) = (Failing::default(), Failing::default());
    loop {
        let begun = instant();
        let indexed = noted(&mut failing, "keys of identities", registration.index_next(&system).await);
        let followed = noted(&mut failing_structures, "structures that changed", registration.follow_next(&system).await);
        match indexed.zip(followed) {
            None => tokio::time::sleep(RETRY).await,
            Some((persons, structures)) if persons.is_behind || structures.is_behind => tokio::time::sleep(begun.elapsed()).await,
            Some(_) => tokio::select! {
                changed = commits.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep(FOLLOW) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> RegistrationSection {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn settings_that_nobody_can_act_by_are_refused_with_their_key() {
        for (text, wanted) in [
            ("arbiters = [\"camille\"]", "registration.arbiters names \"camille\""),
            ("support = [\"\"]", "registration.support names \"\""),
            ("calling_codes = [\"32\"]", "registration.calling_codes names \"32\""),
            ("age_min = 40\nage_max = 30", "registration.age_min is above age_max"),
        ] {
            let error = check(&section(text)).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{text}: {error}");
        }
        check(&section("arbiters = [\"899900000052\"]\ncalling_codes = [\"+32\", \"+352\"]")).unwrap();
        let error = refuse_without_identity(&section("enabled = true")).unwrap_err().to_string();
        assert!(error.contains("issuer"), "{error}");
        refuse_without_identity(&section("rpps_prefix = \"999\"")).unwrap();
    }

    #[test]
    fn a_loop_is_quick_for_a_while_after_work() {
        let mut pace = Pace(QUIET_ROUNDS);
        assert_eq!(pace.after(false), IDLE);
        assert_eq!(pace.after(true), BUSY);
        let quick = (0..).take_while(|_| pace.after(false) == BUSY).count();
        assert_eq!(quick, QUIET_ROUNDS as usize - 1);
    }
}
