//! Who is told of a step of a request, and what: people by their registered contacts, values by the labels of the terminologies.

use crate::content::SituationValues;
use crate::effects::Settling;
use crate::error::Error;
use crate::notice::{NoticeRecipient, NoticeValues};
use crate::person::{ReachedAt, RegisteredPerson, persons};
use annuaire_store::CaseFilter;
use annuaire_workflow::day::{french, paris_day, parse_iso, plus_days};
use annuaire_workflow::decide::RequestDecision;
use annuaire_workflow::fields::END_BY_DEATH;
use annuaire_workflow::limits::ARBITRATION_WORKING_DAYS;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::request::{RefusalReason, RequestEvent};
use annuaire_workflow::state::RequestState;
use annuaire_workflow::timers::{expires_on, plus_working_days};
use annuaire_workflow::transition::Effect;
use annuaire_workflow::value_sets::ValueList;

fn recipient(national_id: &str, at: ReachedAt) -> NoticeRecipient {
    NoticeRecipient { national_id: national_id.to_owned(), mail: at.mail, mobile: at.mobile, name: at.name }
}

impl From<&RegisteredPerson> for NoticeRecipient {
    fn from(person: &RegisteredPerson) -> Self {
        recipient(&person.national_id, person.contact())
    }
}

impl Settling<'_> {
    /// The professional, as the request states them.
    fn stated_recipient(&self) -> NoticeRecipient {
        let contact = self.content.contact_values.clone().unwrap_or_default();
        let name = self.content.civil_values.as_ref().and_then(|civil| civil.given_names.first().cloned());
        let at = ReachedAt { mail: contact.email, mobile: contact.mobile, name: name.unwrap_or_default() };
        recipient("", at)
    }

    /// Everybody who may be told of this request.
    pub(crate) async fn known_people(&self) -> Result<crate::notice::NoticePeople, Error> {
        let mut people = crate::notice::NoticePeople::default();
        let managers = self.managers.all();
        let representatives = self.managers.representatives();
        let mut numbers: Vec<String> = managers.iter().chain(&representatives).cloned().collect();
        let by_authority = self.facts.origin.by_authority();
        if by_authority {
            numbers.push(self.row.author.clone());
        }
        numbers.sort_unstable();
        numbers.dedup();
        let found = persons(self.service.registry(), &numbers).await?;
        let of = |wanted: &[String]| -> Vec<NoticeRecipient> {
            found.iter().filter(|person| wanted.contains(&person.national_id)).map(Into::into).collect()
        };
        // A person who is registered is told where the registry reaches them, never where a request says (registration §8.1).
        let registered: Option<NoticeRecipient> = self.person.as_ref().map(Into::into);
        let professional = registered.clone().unwrap_or_else(|| self.stated_recipient());
        let others: Vec<String> = managers.iter().filter(|manager| **manager != self.actor.id).cloned().collect();
        people.set(NoticeAudience::Managers, of(&managers));
        people.set(NoticeAudience::OtherManagers, of(&others));
        people.set(NoticeAudience::Representative, of(&representatives));
        let author = if by_authority { of(std::slice::from_ref(&self.row.author)) } else { vec![professional.clone()] };
        people.set(NoticeAudience::Author, author);
        let old = registered.unwrap_or_default();
        let new = NoticeRecipient { national_id: old.national_id.clone(), name: old.name.clone(), ..self.stated_recipient() };
        people.set(NoticeAudience::BothContacts, vec![old, new]);
        // Nobody writes to a person whose situation ends because they died (registration §10.3).
        let is_dead = self.content.closing_values.as_ref().is_some_and(|closing| closing.reason == END_BY_DEATH);
        people.set(NoticeAudience::Professional, if is_dead { Vec::new() } else { vec![professional] });
        Ok(people)
    }

    /// Values that are known before the step is carried out.
    pub(crate) async fn known_values(&self, decision: &RequestDecision) -> Result<NoticeValues, Error> {
        let mut values = NoticeValues::of(&self.row.number);
        let place = self.step.place.as_ref().or(self.place.as_ref());
        let name = place.map(|place| place.name.clone()).unwrap_or_default();
        values.set("structure", &name);
        values.set("gestionnaire", &name);
        values.set("contact", place.map(|place| place.mail.as_str()).filter(|mail| !mail.is_empty()).unwrap_or(&name));
        let situation = self.content.situation_values.clone().unwrap_or_default();
        values.set("role", self.label(ValueList::Role, &situation.role));
        values.set("profession", self.label(ValueList::Profession, &situation.profession));
        values.set("mode", self.label(ValueList::Mode, &situation.mode));
        values.set("motif", &self.reason());
        values.set("message", &self.typed_reason());
        let open: Vec<&str> = self.facts.open_sections.iter().map(|section| section.label()).collect();
        let sections = if open.is_empty() { "toutes".to_owned() } else { open.join(", ") };
        values.set("liste", &sections);
        values.set("statut", self.facts.state.map_or("", RequestState::statut));
        values.set("depuis", &french(self.facts.since));
        values.set("date", &self.date(decision));
        values.set("avant", &self.before());
        values.set("apres", &self.after(&situation));
        if decision.effects.contains(&Effect::Notify(NoticeId::N02)) {
            let filter = CaseFilter {
                structures: Some(vec![self.row.structure.clone()]),
                states: Some(vec![RequestState::S20.code().to_owned()]),
                ..CaseFilter::default()
            };
            let waiting: u64 = self.service.registry().case_counts(&filter).await?.values().sum();
            values.set("n", &(waiting + 1).to_string());
        }
        Ok(values)
    }

    /// Values that follow from what was written.
    pub(crate) fn late_values(&mut self) {
        let number = self.row.number.clone();
        self.values.set("num", &number);
        let rpps = self.row.rpps.clone().unwrap_or_default();
        self.values.set("rpps", &rpps);
        let name = match &self.person {
            Some(person) => person.full_name(),
            None => {
                let situation = self.content.situation_values.clone().unwrap_or_default();
                format!("{} {}", situation.given_name, situation.name)
            }
        };
        self.values.set("nom", &name);
        let changed = match self.content.changed_fields.join(", ") {
            fields if fields.is_empty() => String::new(),
            fields => format!("Modifié par l'établissement : {fields}\n"),
        };
        self.values.set("changements", &changed);
    }

    fn label(&self, list: ValueList, code: &str) -> &'static str {
        self.service.values().label(list, code).unwrap_or_default()
    }

    /// The date that a message names: of the end of the state that begins, of an answer, of today.
    fn date(&self, decision: &RequestDecision) -> String {
        let today = paris_day(self.now_ms);
        let mut after = self.facts.clone();
        (after.state, after.since) = (Some(decision.to), today);
        let day = match decision.to {
            RequestState::S35 => plus_working_days(today, ARBITRATION_WORKING_DAYS[1]),
            _ if decision.to.terminal() => today,
            _ => expires_on(&after).unwrap_or(today),
        };
        french(day)
    }

    fn typed_reason(&self) -> String {
        match &self.step.event {
            RequestEvent::AskForMore { reason } => reason.clone(),
            _ => String::new(),
        }
    }

    /// Why a request was refused or rejected, as people read it.
    fn reason(&self) -> String {
        match &self.step.event {
            RequestEvent::Refuse { reason: Some(RefusalReason::R99), text } => text.clone(),
            RequestEvent::Refuse { reason: Some(reason), .. } => reason.label().to_owned(),
            RequestEvent::Reject { reason } => reason.clone(),
            _ => self.step.findings.broken.map(|broken| broken.label().to_owned()).unwrap_or_default(),
        }
    }

    /// The situation that is changed or ended, before.
    fn before(&self) -> String {
        let id = self.row.situation.as_deref().unwrap_or_default();
        let found = self.person.iter().flat_map(RegisteredPerson::situations).find(|(_, _, s)| s.id_situation_exercice == id);
        let Some((_, _, s)) = found else { return String::new() };
        let until = parse_iso(&s.date_fin).map(|end| format!(", jusqu'au {}", french(end))).unwrap_or_default();
        format!("{}{until}", self.label(ValueList::Role, &s.genre_activite))
    }

    fn after(&self, situation: &SituationValues) -> String {
        if let Some(closing) = &self.content.closing_values {
            let end = parse_iso(&closing.end).map(french).unwrap_or_default();
            return format!("fin d'activité le {end}");
        }
        let until =
            parse_iso(&situation.until).map(|end| format!(", jusqu'au {}", french(plus_days(end, 0)))).unwrap_or_default();
        format!("{}{until}", self.label(ValueList::Role, &situation.role))
    }
}
