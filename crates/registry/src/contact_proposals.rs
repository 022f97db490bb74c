//! Contacts that others know better (registration §10.5): a manager corrects one until the professional activated a means, and proposes
//! one afterwards; the professional accepts or sets it aside within 15 days.

use crate::acting::{CaseActor, plain_cause};
use crate::content::ContactValues;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::followed::{CONTACT_TO_CONFIRM, ContactProposalRow, WithheldMeansRow, contact_text};
use crate::notice::{NoticePeople, NoticeRecipient, NoticeValues};
use crate::person::{CONTACT, RegisteredPerson};
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use crate::service::{Registration, SystemActor, refusal};
use crate::session::{HolderSession, ManagerSession};
use crate::statement;
use annuaire_base::fact::Fact;
use annuaire_mos::owner::Owner;
use annuaire_store::{AuditEvent, Cause, Channel, Expect, Registry};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::contact::{ContactChangeWay, contact_change, proposal_ends};
use annuaire_workflow::day::{french, paris_day, paris_midnight, parse_iso, plus_days};
use annuaire_workflow::fields::{ContactDraft, ContactUse, Findings, check_contact};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::value_sets::ValueList;
use serde::{Deserialize, Serialize};

/// What became of the contact that a manager typed.
#[derive(Debug, Clone)]
pub enum ProposedContact {
    /// The form has errors; nothing was written.
    Incorrect(Findings),
    /// It is in force, and the number was sent again (N10).
    Replaced,
    /// It waits for the professional.
    Proposed {
        /// Last day, ISO.
        until: String,
    },
}

/// A person who activated a means of login once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FirstActivationRow {
    pub(crate) person: String,
    pub(crate) at_ms: i64,
}

impl RegistrationRow for FirstActivationRow {
    const KIND: &'static str = "first-activation";

    fn key(&self) -> String {
        self.person.clone()
    }
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::Unreadable { kind: "fact", cause }
}

/// An event about a person, not about a request.
pub(crate) fn person_event(actor: &CaseActor, name: &str, national_id: &str) -> AuditEvent {
    AuditEvent { request: None, ..actor.event(name, national_id) }
}

async fn is_activated(registry: &dyn Registry, national_id: &str) -> Result<bool, Error> {
    let row: Option<VersionedRow<FirstActivationRow>> = read(registry, national_id).await?;
    Ok(row.is_some())
}

/// As [`Registration::means_activated`], at an instant. For the e-CPS, which tells it wherever a registry is, with or without
/// registration: who activated a means before registration begins counts too. Cost: one point read, and the first time one unit.
///
/// # Errors
/// Those of the registry.
pub async fn note_activation(
    registry: &dyn Registry,
    national_id: &str,
    at_ms: i64,
    commit_ms: &(dyn Fn() -> i64 + Sync),
) -> Result<(), Error> {
    if is_activated(registry, national_id).await? {
        return Ok(());
    }
    let mut writes = PendingWrites::default();
    writes.put(&FirstActivationRow { person: national_id.to_owned(), at_ms }, None)?;
    writes.audit(person_event(&CaseActor::system(), "activation", national_id));
    // Who lost the race noted it too.
    let cause = Cause::new(Channel::System, "system", "activation");
    writes.save(registry.begin().await?, &cause, commit_ms).await.map(|_| ())
}

impl Registration {
    /// Notes that a professional activated a means of login: from now on their contact is theirs alone. For the program, which learns it from
    /// the e-CPS; it may be told again.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn means_activated(&self, _by: &SystemActor, national_id: &str) -> Result<(), Error> {
        let commit_ms = &self.settings.commit_ms;
        note_activation(self.registry(), national_id, self.now_ms(), &|| commit_ms()).await
    }

    /// Whether a professional activated a means of login once.
    pub(crate) async fn is_activated(&self, national_id: &str) -> Result<bool, Error> {
        is_activated(self.registry(), national_id).await
    }

    /// A contact that a manager corrects or proposes for a person who works in the perimeter. Before the first activation the contact that a
    /// structure of the perimeter states is replaced, and N10 is sent again; any other one is proposed.
    ///
    /// # Errors
    /// E-RPPS-01 for an unknown number, E-PER-01 for a person who does not work in the perimeter, E-REQ-01 while another proposal waits; the
    /// errors of the registry.
    pub async fn propose_contact(
        &self,
        by: &ManagerSession,
        rpps: &str,
        draft: &ContactDraft,
    ) -> Result<ProposedContact, RegistrationStop> {
        let actor = CaseActor::manager(by);
        let number = idnps(rpps);
        let event = person_event(&actor, "proposer-coordonnees", &number);
        let Some(person) = self.person(&number).await?.filter(|person| !person.is_deceased()) else {
            return self.refused(event, refusal(MessageCode::ERpps01)).await;
        };
        let reached = self.reached_places(&by.person, &person).await?;
        let ids: Vec<String> = reached.iter().map(|place| place.id.clone()).collect();
        if !person.works_in(&ids, self.today()) {
            return self.refused(event, refusal(MessageCode::EPer01)).await;
        }
        let fields = self.fields();
        // Looked up in the form in which it is kept.
        let (first, _) = check_contact(draft, ContactUse::default(), &fields);
        let (email, mobile) = first.map(|contact| (contact.email, contact.mobile)).unwrap_or_default();
        let (email, mobile) = self.contact_used(&email, &mobile, Some(&number)).await?;
        let (checked, findings) = check_contact(draft, ContactUse { email, mobile }, &fields);
        let Some(contact) = checked.map(ContactValues::from) else { return Ok(ProposedContact::Incorrect(findings)) };
        let activated = person.verified_contact().is_some() || self.is_activated(&number).await?;
        let owned = person
            .facts
            .iter()
            .find(|fact| fact.key.facet == CONTACT && reached.iter().any(|place| place.owner().code == fact.key.owner));
        match (contact_change(ActorKind::Gae, activated, false), owned) {
            (ContactChangeWay::WrittenAndNumberSentAgain, Some(fact)) => {
                let event = AuditEvent { event: event.event.replace("proposer", "corriger"), ..event };
                self.correct_contact(&actor, event, &person, (fact, &reached), &contact).await
            }
            _ => self.keep_proposal(&actor, event, &person, (&contact, &reached)).await,
        }
    }

    /// The structures of the perimeter where a person has a situation.
    pub(crate) async fn reached_places(&self, manager: &str, person: &RegisteredPerson) -> Result<Vec<RegisteredPlace>, Error> {
        let rights = self.rights(manager).await?;
        let mut ids: Vec<String> = person.situations().map(|(_, _, s)| s.structure.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(self.places(&ids).await?.into_iter().filter(|place| rights.contains(place)).collect())
    }

    async fn correct_contact(
        &self,
        actor: &CaseActor,
        event: AuditEvent,
        person: &RegisteredPerson,
        (fact, reached): (&Fact, &[RegisteredPlace]),
        contact: &ContactValues,
    ) -> Result<ProposedContact, RegistrationStop> {
        let place = reached.iter().find(|place| place.owner().code == fact.key.owner);
        let mut writes = PendingWrites::default();
        if let Some(place) = place {
            let change = statement::contact_change(&place.owner(), &person.national_id, contact).map_err(unreadable)?;
            writes.change(change, Expect::UnchangedSince(person.at));
            let mut people = NoticePeople::default();
            let told = NoticeRecipient {
                national_id: person.national_id.clone(),
                mail: contact.email.clone(),
                mobile: contact.mobile.clone(),
                name: person.given_name(),
            };
            people.set(NoticeAudience::Professional, vec![told]);
            let mut values = NoticeValues::of("");
            values.set("rpps", person.national_id.get(1..).unwrap_or_default());
            values.set("structure", &place.name);
            values.set("gestionnaire", &place.name);
            if let Some((_, _, s)) = person.situations().find(|(_, _, s)| s.structure == place.id) {
                for (name, list, code) in [
                    ("role", ValueList::Role, &s.genre_activite),
                    ("profession", ValueList::Profession, &s.role),
                    ("mode", ValueList::Mode, &s.mode_exercice),
                ] {
                    values.set(name, self.values().label(list, code).unwrap_or_default());
                }
            }
            self.notify(&mut writes, NoticeId::N10, &people, &values, self.now_ms())?;
        }
        self.index_contact(&mut writes, person, contact).await?;
        writes.audit(event);
        self.written_once(writes, actor, &person.national_id).await?;
        Ok(ProposedContact::Replaced)
    }

    async fn index_contact(
        &self,
        writes: &mut PendingWrites,
        person: &RegisteredPerson,
        contact: &ContactValues,
    ) -> Result<(), Error> {
        let Some(traits) = person.traits() else { return Ok(()) };
        let former = self.person_keys(&person.national_id).await?;
        self.index_person(writes, &person.national_id, &former, &traits, (&contact.email, &contact.mobile))
    }

    async fn keep_proposal(
        &self,
        actor: &CaseActor,
        event: AuditEvent,
        person: &RegisteredPerson,
        (contact, reached): (&ContactValues, &[RegisteredPlace]),
    ) -> Result<ProposedContact, RegistrationStop> {
        // An earlier proposal stays: whoever comes second replaces nobody's contact.
        if let Some((_, waits)) = self.standing_proposal(&person.national_id).await? {
            let until = parse_iso(&waits.until).map(french).unwrap_or_default();
            let num = format!("coordonnées proposées, en attente jusqu'au {until}");
            return self.refused(event, RegistrationRefusal::filled(MessageCode::EReq01, &[("num", &num)])).await;
        }
        let former: Option<VersionedRow<ContactProposalRow>> = read(self.registry(), &person.national_id).await?;
        let sealed = self.keys.messages.seal(&person.national_id, &contact_text(contact)?, self.nonce());
        let until = proposal_ends(self.today());
        let row = ContactProposalRow {
            person: person.national_id.clone(),
            request: String::new(),
            until: until.to_string(),
            sealed: sealed.ok_or(Error::Sealed { kind: ContactProposalRow::KIND })?,
            due_ms: paris_midnight(plus_days(until, 1)),
        };
        let mut writes = PendingWrites::default();
        writes.put(&row, former.map(|row| row.version))?;
        let works = |place: &&RegisteredPlace| person.works_in(std::slice::from_ref(&place.id), self.today());
        let name = reached.iter().find(works).map(|place| place.name.as_str()).unwrap_or_default();
        self.tell_proposal(&mut writes, person, &row, name, self.now_ms())?;
        writes.audit(event);
        self.written_once(writes, actor, &person.national_id).await?;
        Ok(ProposedContact::Proposed { until: row.until })
    }

    /// Tells a professional that a contact waits for them (G03), where the registry reaches them today; never at the contact that is
    /// proposed, which the message does not name either. `structure`: who proposes.
    pub(crate) fn tell_proposal(
        &self,
        writes: &mut PendingWrites,
        person: &RegisteredPerson,
        proposal: &ContactProposalRow,
        structure: &str,
        now_ms: i64,
    ) -> Result<(), Error> {
        let mut people = NoticePeople::default();
        people.set(NoticeAudience::Professional, vec![NoticeRecipient::from(person)]);
        let mut values = NoticeValues::of(&proposal.request);
        values.set("structure", structure);
        values.set("date", &parse_iso(&proposal.until).map(french).unwrap_or_default());
        self.notify(writes, NoticeId::G03, &people, &values, now_ms)
    }

    /// Accepts the contact that somebody proposed, or sets it aside. An accepted one is the professional's from now on, and the former and the
    /// new contact are told (N12). What was withheld until the contact was confirmed is withheld no longer; one that is set aside changes
    /// nothing of that.
    ///
    /// # Errors
    /// E-GEN-02 when none waits; the errors of the registry.
    pub async fn confirm_contact(&self, by: &HolderSession, accept: bool) -> Result<(), RegistrationStop> {
        let actor = CaseActor::holder(by);
        let name = if accept { "confirmer-coordonnees" } else { "ecarter-coordonnees" };
        let event = person_event(&actor, name, &by.person);
        let person = self.person(&by.person).await?;
        let (Some((kept, proposal)), Some(person)) = (self.standing_proposal(&by.person).await?, person) else {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        };
        let mut writes = PendingWrites::default();
        writes.remove(&kept);
        if accept {
            let contact = ContactValues { email: proposal.mail, mobile: proposal.mobile };
            let owner = Owner::person(&by.person);
            writes.owner(statement::owner_row(&owner).map_err(unreadable)?);
            let change = statement::contact_change(&owner, &by.person, &contact).map_err(unreadable)?;
            writes.change(change, Expect::UnchangedSince(person.at));
            self.index_contact(&mut writes, &person, &contact).await?;
            let withheld: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &by.person).await?;
            if let Some(withheld) = withheld.filter(|row| row.value.reason == CONTACT_TO_CONFIRM) {
                writes.remove(&withheld);
            }
            let old = NoticeRecipient::from(&person);
            let new = NoticeRecipient { mail: contact.email, mobile: contact.mobile, ..old.clone() };
            let mut people = NoticePeople::default();
            people.set(NoticeAudience::BothContacts, vec![old, new]);
            let mut values = NoticeValues::of("");
            values.set("date", &french(paris_day(self.now_ms())));
            self.notify(&mut writes, NoticeId::N12, &people, &values, self.now_ms())?;
        }
        writes.audit(event);
        self.written_once(writes, &actor, &by.person).await
    }

    /// Writes what one person decided about another; whoever lost a race begins again.
    pub(crate) async fn written_once(
        &self,
        writes: PendingWrites,
        actor: &CaseActor,
        about: &str,
    ) -> Result<(), RegistrationStop> {
        match self.write(writes, &plain_cause(actor, "")).await? {
            true => Ok(()),
            false => Err(Error::Contended { number: about.to_owned() }.into()),
        }
    }
}
