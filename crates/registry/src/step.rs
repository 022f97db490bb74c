//! One step of a request: load rows and facts, ask the rules, carry everything out in one unit, or audit the refusal.

use crate::acting::{CaseActor, CaseStep};
use crate::content::{CivilValues, RequestContent};
use crate::effects::Settling;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::{ManagerRights, PlaceManagers};
use crate::once::BegunFormRow;
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::row::{PendingWrites, VersionedRow, read};
use crate::service::Registration;
use annuaire_store::{AuditEvent, CaseFilter, CaseOrder, Unit};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::paris_day;
use annuaire_workflow::decide::{RequestDecision, decide};
use annuaire_workflow::duplicates::is_strict_match;
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::request::{
    ActingPerson, DecisionContext, OpenRequestFact, Reach, RequestEvent, RequestEventKind, RequestFacts,
};
use annuaire_workflow::request_number::RequestNumber;
use annuaire_workflow::state::RequestState;
use annuaire_workflow::transition::Effect;

/// Note of the sequence of request numbers.
pub(crate) const REQUEST_COUNTER: (&str, &str) = ("registration", "request-sequence");
/// Note of the position in the sequence of RPPS numbers.
const RPPS_POSITION: (&str, &str) = ("registration", "rpps-position");

/// Where a request is after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteppedRequest {
    /// Its number.
    pub number: String,
    /// Its state.
    pub state: RequestState,
    /// Its version, for the next form.
    pub version: u64,
    /// Row of the transition table that was followed.
    pub transition: &'static str,
}

impl Registration {
    /// Carries out a step of a request.
    pub(crate) async fn act(&self, number: &str, actor: &CaseActor, step: &CaseStep) -> Result<SteppedRequest, RegistrationStop> {
        for _ in 0..crate::limits::ATTEMPTS {
            let Some(kept) = self.request(number).await? else {
                let hidden = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
                return self.refused(actor.event(step.event.kind().key(), number), hidden).await;
            };
            if let Some(done) = self.attempt(kept.value, Some(kept.version), actor, step).await? {
                return Ok(done);
            }
        }
        Err(Error::Contended { number: number.to_owned() }.into())
    }

    /// Begins a request.
    pub(crate) async fn begin(
        &self,
        row: &RequestRow,
        actor: &CaseActor,
        step: &CaseStep,
    ) -> Result<SteppedRequest, RegistrationStop> {
        for _ in 0..crate::limits::ATTEMPTS {
            if let Some(key) = &step.form_key
                && let Some(begun) = self.begun_before(key).await?
            {
                return Ok(begun);
            }
            if let Some(done) = self.attempt(row.clone(), None, actor, step).await? {
                return Ok(done);
            }
        }
        Err(Error::Contended { number: "to be begun".to_owned() }.into())
    }

    /// The request that a form began before.
    async fn begun_before(&self, key: &str) -> Result<Option<SteppedRequest>, RegistrationStop> {
        let known: Option<VersionedRow<BegunFormRow>> = read(self.registry(), key).await?;
        let Some(known) = known else { return Ok(None) };
        let number = known.value.number;
        let missing = || Error::Incomplete { number: number.clone(), what: "row" };
        let kept = self.request(&number).await?.ok_or_else(missing)?;
        let state = RequestState::parse(&kept.value.state).ok_or_else(missing)?;
        Ok(Some(SteppedRequest { number: number.clone(), state, version: kept.version, transition: "01" }))
    }

    /// One attempt; `None` when somebody else wrote first.
    pub(crate) async fn attempt(
        &self,
        row: RequestRow,
        version: Option<u64>,
        actor: &CaseActor,
        step: &CaseStep,
    ) -> Result<Option<SteppedRequest>, RegistrationStop> {
        let content = self.opened(&row)?;
        let (settling, decision, event) = self.decided(row, content, version, actor, step).await?;
        self.settle(settling, (version, step.form_key.as_deref()), decision, event).await
    }

    /// Loads what a step needs and asks the rules; a refusal is audited.
    pub(crate) async fn decided<'a>(
        &'a self,
        row: RequestRow,
        content: RequestContent,
        version: Option<u64>,
        actor: &'a CaseActor,
        step: &'a CaseStep,
    ) -> Result<(Settling<'a>, RequestDecision, AuditEvent), RegistrationStop> {
        let place = self.place(&row.structure).await?;
        let managers = match &place {
            Some(place) => PlaceManagers::of(self.registry(), place, self.today()).await?,
            None => PlaceManagers::default(),
        };
        let mut facts = row.facts(version.unwrap_or(0))?;
        let rights = self.rights_of(actor).await?;
        // Whoever answers for a software instructs nothing about themselves through it either.
        let answerable = actor.answerable();
        let about = match &facts.subject {
            Some(subject) => subject == answerable,
            None => rights.is_some() && self.is_about(answerable, &content).await?,
        };
        if about && rights.is_some() {
            facts.subject = Some(actor.id.clone());
        }
        let context = self.context((&row, &facts, &content), (actor, rights.as_ref(), step), place.as_ref(), &managers).await?;
        let within = context.reach == Reach::Within;
        let acting = ActingPerson {
            kind: actor.kind,
            id: actor.id.clone(),
            ae: (rights.is_some() && within && !row.structure.is_empty()).then(|| row.structure.clone()),
        };
        let event = actor.event(step.event.kind().key(), &row.number);
        let decision = match decide(&facts, &step.event, &acting, &context) {
            Ok(decision) => decision,
            Err(refused) => return self.refused(event, refused.into()).await,
        };
        let settling = Settling::prepare(self, row, content, (actor, step), (place, managers), &decision, facts).await?;
        Ok((settling, decision, event))
    }

    async fn settle(
        &self,
        mut settling: Settling<'_>,
        (version, form_key): (Option<u64>, Option<&str>),
        decision: RequestDecision,
        mut event: AuditEvent,
    ) -> Result<Option<SteppedRequest>, RegistrationStop> {
        let mut unit = self.registry().begin().await?;
        if decision.effects.contains(&Effect::AllotRequestNumber) {
            let sequence = self.next_of(&mut *unit, REQUEST_COUNTER, &mut settling.writes).await?;
            settling.row.number = RequestNumber::new(paris_day(settling.now_ms), sequence).to_string();
            event.request = Some(settling.row.number.clone());
            event.object = settling.row.number.clone();
        }
        if decision.effects.contains(&Effect::AllotRpps) {
            settling.row.rpps = Some(self.allot_rpps(&mut *unit, &mut settling.writes).await?);
        }
        if let Some(key) = form_key {
            settling.writes.put(&BegunFormRow::new(key, &settling.row.number, settling.now_ms), None)?;
        }
        settling.carry_out(&decision)?;
        let done = SteppedRequest {
            number: settling.row.number.clone(),
            state: decision.to,
            version: version.map_or(1, |version| version + 1),
            transition: decision.transition,
        };
        let cause = settling.cause();
        let writes = settling.written(version, &decision, event)?;
        let commit_ms = &self.settings.commit_ms;
        Ok(writes.save(unit, &cause, &|| commit_ms()).await?.then_some(done))
    }

    /// The next value of a sequence, which begins at 1. From here on other saves wait.
    async fn next_of(
        &self,
        unit: &mut dyn Unit,
        (kind, key): (&'static str, &'static str),
        writes: &mut PendingWrites,
    ) -> Result<u64, Error> {
        unit.next_tx().await?;
        let last = unit.note(kind, key).await?;
        let next = last.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0).saturating_add(1);
        writes.note(kind, key, next.to_string());
        Ok(next)
    }

    /// The next RPPS number that nobody has. Its position is written with the person, so that a crash before leaves no trace and
    /// one after finds the number given.
    pub(crate) async fn allot_rpps(&self, unit: &mut dyn Unit, writes: &mut PendingWrites) -> Result<String, Error> {
        let first = self.next_of(unit, RPPS_POSITION, writes).await?;
        for position in first..first.saturating_add(crate::limits::NUMBERS_TRIED) {
            // Positions begin at 0, the sequence at 1.
            let Some(number) = self.range.number(position - 1, self.keys.numbers()) else { break };
            let entity = annuaire_consolidate::entity_key::person(&annuaire_workflow::rpps_number::idnps(&number));
            if unit.facts(&[entity]).await?.is_empty() {
                let (kind, key) = RPPS_POSITION;
                writes.note(kind, key, position.to_string());
                return Ok(number);
            }
        }
        Err(Error::RangeUsedUp { prefix: self.settings.rpps_prefix.clone() })
    }

    /// Whether the civil status of a request is that of a registered person.
    async fn is_about(&self, national_id: &str, content: &RequestContent) -> Result<bool, Error> {
        let Some(civil) = &content.civil_values else { return Ok(false) };
        let Some(person) = self.person(national_id).await? else { return Ok(false) };
        Ok(person.traits().is_some_and(|traits| is_strict_match(&civil.traits(), &traits)))
    }

    async fn context(
        &self,
        (row, facts, content): (&RequestRow, &RequestFacts, &RequestContent),
        (actor, rights, step): (&CaseActor, Option<&ManagerRights>, &CaseStep),
        place: Option<&RegisteredPlace>,
        managers: &PlaceManagers,
    ) -> Result<DecisionContext, Error> {
        let mut context = DecisionContext::new(self.now_ms());
        if let Some(rights) = rights {
            context.reach = rights.reach(place)?;
            // A manager who moves the section to another structure must reach both.
            if let Some(moved) = &step.place
                && context.reach == Reach::Within
                && !matches!(step.event, RequestEvent::Reassign { .. })
            {
                context.reach = rights.reach(Some(moved))?;
            }
        }
        context.structure = place.map(|place| place.name.clone()).unwrap_or_default();
        context.ae_ended_on = managers.ended_on()?;
        context.manager_exists = !managers.all().is_empty();
        context.other_manager = context.manager_exists;
        context.four_eyes = managers.four_eyes();
        context.has_warnings = !row.acknowledged.is_empty();
        context.machine_may_validate = actor.machine.as_ref().is_some_and(|machine| machine.may_validate);
        context.contact_verified = row.contact_verified
            || match &row.subject {
                Some(subject) if actor.kind == ActorKind::Pro => {
                    self.person(subject).await?.is_some_and(|person| person.verified_contact().is_some())
                }
                _ => false,
            };
        context.code_verified = step.code_verified;
        context.identity_registered = step.identity_registered;
        context.seconded = step.seconded;
        context.activated = step.activated;
        context.identity_match = step.findings.identity.as_ref().map(|identity| identity.found);
        context.subject_sanctioned = step.findings.sanctioned;
        context.broken_rule = step.findings.broken;
        context.processing_failed = step.findings.failed;
        if matches!(step.event.kind(), RequestEventKind::Submit | RequestEventKind::Create) {
            context.open_request = self.open_request(row, facts, content, rights, actor).await?;
        }
        Ok(context)
    }

    /// Another open request for the person and situation (G-uniq).
    async fn open_request(
        &self,
        row: &RequestRow,
        facts: &RequestFacts,
        content: &RequestContent,
        rights: Option<&ManagerRights>,
        actor: &CaseActor,
    ) -> Result<Option<OpenRequestFact>, Error> {
        let other = match (facts.kind, &row.subject) {
            (RequestKind::Primo, _) => {
                let Some(civil) = &content.civil_values else { return self.own_draft(row, facts, actor).await };
                let hash = self.identity_hash(civil);
                match self.open_identity(&hash).await? {
                    Some(open) if open.value.number != row.number => self.request(&open.value.number).await?,
                    _ => None,
                }
            }
            (_, Some(subject)) => {
                let states = RequestState::ALL.iter().filter(|state| !state.terminal() && **state != RequestState::S10);
                let filter = CaseFilter {
                    subject: Some(subject.clone()),
                    states: Some(states.map(|state| state.code().to_owned()).collect()),
                    ..CaseFilter::default()
                };
                let cases = self.registry().cases(&filter, CaseOrder::OldestFirst, 0, crate::limits::PAGE).await?;
                let mut found = None;
                for case in cases.iter().filter(|case| case.listing.number != row.number) {
                    let other: VersionedRow<RequestRow> = VersionedRow::of(&case.row)?;
                    if is_same_matter(row, &other.value) {
                        found = Some(other);
                        break;
                    }
                }
                found
            }
            _ => None,
        };
        let Some(other) = other.filter(|other| RequestState::parse(&other.value.state).is_some_and(|s| !s.terminal())) else {
            return Ok(None);
        };
        let own = other.value.author == actor.id;
        let may_be_named = own
            || match (rights, self.place(&other.value.structure).await?) {
                (Some(rights), Some(place)) => rights.contains(&place),
                _ => false,
            };
        Ok(Some(OpenRequestFact { number: other.value.number, may_be_named }))
    }

    /// An unregistered person has one request at a time (registration §10.1).
    async fn own_draft(
        &self,
        row: &RequestRow,
        facts: &RequestFacts,
        actor: &CaseActor,
    ) -> Result<Option<OpenRequestFact>, Error> {
        if facts.state.is_some() || actor.kind != ActorKind::Prol {
            return Ok(None);
        }
        let states = RequestState::ALL.iter().filter(|state| !state.terminal());
        let filter = CaseFilter {
            author: Some(actor.id.clone()),
            states: Some(states.map(|state| state.code().to_owned()).collect()),
            ..CaseFilter::default()
        };
        let open = self.registry().cases(&filter, CaseOrder::NewestFirst, 0, 1).await?;
        let other = open.into_iter().find(|case| case.listing.number != row.number);
        Ok(other.map(|case| OpenRequestFact { number: case.listing.number, may_be_named: true }))
    }

    /// The keyed hash of an identity.
    pub(crate) fn identity_hash(&self, civil: &CivilValues) -> String {
        let [family, given, birth, sex] = civil.identity();
        self.keys.hashed("identity", &[&family, &given, &birth, &sex])
    }
}

/// Whether two requests about one person are about one thing.
fn is_same_matter(one: &RequestRow, other: &RequestRow) -> bool {
    let about_situation = |row: &RequestRow| matches!(row.kind.as_str(), "MODIF" | "FIN");
    match (one.kind.as_str(), other.kind.as_str()) {
        ("AJOUT", "AJOUT") => one.structure == other.structure,
        ("CIVIL", "CIVIL") | ("COORD", "COORD") => true,
        _ => about_situation(one) && about_situation(other) && one.situation.is_some() && one.situation == other.situation,
    }
}
