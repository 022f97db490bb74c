//! « Signaler une anomalie » (registration §15): anybody says that a datum of the directory is wrong, whoever owns the datum answers, and a
//! reference of 128 random bits leads to the state.
//!
//! What a report is about is looked up in the public perimeter alone. A number of which nothing is public is taken like any other and goes to
//! the support, so that nobody learns from an answer whether somebody has it. What was typed is sealed; the address of the reporter is
//! erased with the answer, and a report a year after it.

use crate::acting::CaseActor;
use crate::authority::AuthoritySession;
use crate::contact_proposals::person_event;
use crate::error::{Error, RegistrationStop};
use crate::grants::PlaceManagers;
use crate::limits::{ANOMALIES_PER_HOUR, ANOMALY_KEPT_MS, ANOMALY_SOURCE_MS, ATTEMPTS};
use crate::notice::{NoticePeople, NoticeValues};
use crate::person::public_person;
use crate::place::RegisteredPlace;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, read};
use crate::service::{Registration, refusal, typed_reason, with_member};
use crate::session::{HolderSession, ManagerSession, SessionTrace, SupportSession, audit_event};
use crate::statement::state_of;
use annuaire_mos::owner::{Facet, Owner};
use annuaire_nos::Nos;
use annuaire_store::{AuditEvent, Cause, Channel};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::day::{Day, french, paris_day};
use annuaire_workflow::fields::email;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::{NoticeAudience, NoticeId};
use annuaire_workflow::reviews::anomaly_answered_by;
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::situation::SituationState;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What is told to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnomalyDatum {
    /// Name of exercise.
    Name,
    /// Profession.
    Profession,
    /// Role, or structure.
    Role,
    /// The person left the structure.
    Left,
    /// How the person is reached.
    Contact,
}

impl AnomalyDatum {
    /// All of them, as the form shows them.
    pub const ALL: [Self; 5] = [Self::Name, Self::Profession, Self::Role, Self::Left, Self::Contact];

    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "nom",
            Self::Profession => "profession",
            Self::Role => "role",
            Self::Left => "depart",
            Self::Contact => "coordonnees",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Name => "Nom ou prénom d'exercice",
            Self::Profession => "Profession",
            Self::Role => "Rôle ou structure",
            Self::Left => "N'exerce plus dans cette structure",
            Self::Contact => "Coordonnées",
        }
    }

    /// The datum of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|datum| datum.code() == code)
    }
}

/// What an owner answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnomalyAnswer {
    /// « Corrigé ».
    Corrected,
    /// « Exact ».
    Right,
    /// « Ne nous concerne pas ».
    NotOurs,
}

impl AnomalyAnswer {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 3] = [Self::Corrected, Self::Right, Self::NotOurs];

    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Corrected => "corrige",
            Self::Right => "exact",
            Self::NotOurs => "autre",
        }
    }

    /// What people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Corrected => "Corrigé",
            Self::Right => "Exact",
            Self::NotOurs => "Ne nous concerne pas",
        }
    }

    /// The answer of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.code() == code)
    }
}

/// A report, as it was typed.
#[derive(Debug, Clone)]
pub struct AnomalyReport {
    /// RPPS number.
    pub rpps: String,
    /// Number of the structure of which it speaks; empty when none is named.
    pub structure: String,
    /// What is wrong.
    pub datum: AnomalyDatum,
    /// In the reporter's words.
    pub text: String,
    /// Where the reporter is reached; may be empty.
    pub mail: String,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportedAnomaly {
    /// It was routed; the reference leads to its state and is kept nowhere.
    Filed {
        /// The reference, 32 hexadecimal digits.
        reference: String,
    },
    /// Too many came from this address within an hour.
    TooMany,
}

/// Where a report stands, for whoever holds its reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnomalyState {
    /// What is told to be wrong.
    pub datum: AnomalyDatum,
    /// Day of the report.
    pub reported_on: Day,
    /// Day until which it is answered.
    pub answered_by: Day,
    /// The answer and its day.
    pub answer: Option<(AnomalyAnswer, Day)>,
}

/// A report that waits for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedAnomaly {
    /// Its key, for the answer; it leads to no state.
    pub key: String,
    /// RPPS number, as it was typed.
    pub rpps: String,
    /// Name of exercise; empty for somebody unknown.
    pub name: String,
    /// What is told to be wrong.
    pub datum: AnomalyDatum,
    /// In the reporter's words.
    pub text: String,
    /// Where the reporter is reached; may be empty.
    pub mail: String,
    /// Day of the report.
    pub reported_on: Day,
    /// Day until which it is to be answered.
    pub answered_by: Day,
    /// Whether that day is over.
    pub is_late: bool,
}

/// Who reads and answers reports of their data.
#[derive(Debug, Clone, Copy)]
pub enum AnomalyOwner<'a> {
    /// A manager, of the situations of the perimeter.
    Manager(&'a ManagerSession),
    /// A professional, of their contact.
    Holder(&'a HolderSession),
    /// An order or agency.
    Authority(&'a AuthoritySession),
    /// The support, of what nobody else owns.
    Support(&'a SupportSession),
}

/// A report as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnomalyRow {
    /// Hash of the reference.
    key: String,
    /// Who answers: `structure:F990000010`, `person:8…`, `authority:CNOM`, `support`.
    route: String,
    datum: String,
    at_ms: i64,
    /// Sealed [`AnomalyTexts`].
    sealed: String,
    answer: Option<String>,
    answered_ms: Option<i64>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct AnomalyTexts {
    rpps: String,
    text: String,
    mail: String,
}

/// Instants of the reports of an address of the network.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AnomalySourceRow {
    /// Hash of the address.
    source: String,
    at_ms: Vec<i64>,
}

impl RegistrationRow for AnomalyRow {
    const KIND: &'static str = "anomaly";

    fn key(&self) -> String {
        self.key.clone()
    }

    /// Who answers, until then.
    fn subject(&self) -> String {
        if self.answer.is_none() { self.route.clone() } else { String::new() }
    }

    /// The end of an answered one.
    fn due_ms(&self) -> Option<i64> {
        self.answered_ms.map(|at_ms| at_ms.saturating_add(ANOMALY_KEPT_MS))
    }
}

impl RegistrationRow for AnomalySourceRow {
    const KIND: &'static str = "anomaly-source";

    fn key(&self) -> String {
        self.source.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        self.at_ms.last().map(|last| last.saturating_add(ANOMALY_SOURCE_MS))
    }
}

/// The route of reports that nobody else answers.
const SUPPORT: &str = "support";

fn of_structure(id: &str) -> String {
    format!("structure:{id}")
}

fn of_person(national_id: &str) -> String {
    format!("person:{national_id}")
}

impl AnomalyOwner<'_> {
    fn actor(&self) -> CaseActor {
        match self {
            Self::Manager(by) => CaseActor::manager(by),
            Self::Holder(by) => CaseActor::holder(by),
            Self::Authority(by) => by.actor(),
            Self::Support(by) => CaseActor::support(by),
        }
    }
}

impl AnomalyRow {
    fn datum(&self) -> Result<AnomalyDatum, Error> {
        let unknown = || Error::UnknownWord { kind: Self::KIND, word: self.datum.clone() };
        AnomalyDatum::parse(&self.datum).ok_or_else(unknown)
    }

    fn reported_on(&self) -> Day {
        paris_day(self.at_ms)
    }
}

impl Registration {
    /// Takes a report of anybody, and hands it to the owner of the datum. `address` is that of the caller: ten reports an hour are taken of one.
    /// Cost: the facts of the person and of the structures, and one unit.
    ///
    /// # Errors
    /// E-RPPS-01 for what is no number, E-GEN-03 for a text that is too short or too long, E-CON-01 for an address of mail that is none; the
    /// errors of the registry.
    pub async fn report_anomaly(&self, report: &AnomalyReport, address: &str) -> Result<ReportedAnomaly, RegistrationStop> {
        let rpps: String = report.rpps.split_whitespace().collect();
        let trace = SessionTrace { address: address.to_owned(), ..SessionTrace::default() };
        let event = audit_event(ActorKind::Sys, "public", &trace, "signaler-anomalie", "");
        let is_number = rpps.len() == 11 && rpps.bytes().all(|byte| byte.is_ascii_digit());
        let mail = match report.mail.trim() {
            "" => Ok(String::new()),
            typed => email(typed),
        };
        let (text, mail) = match (is_number, typed_reason(&report.text), mail) {
            (false, _, _) => return self.refused(event, refusal(MessageCode::ERpps01)).await,
            (_, Err(refused), _) => return self.refused(event, refused).await,
            (_, _, Err(code)) => return self.refused(event, refusal(code)).await,
            (true, Ok(text), Ok(mail)) => (text, mail),
        };
        let national_id = idnps(&rpps);
        let route = self.owner_of_datum(&national_id, report).await?;
        let mut random = [0; 16];
        (self.settings.entropy)(&mut random);
        let reference: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = self.anomaly_key(&reference);
        let sealed = self.sealed_anomaly(&key, &AnomalyTexts { rpps, text, mail })?;
        let datum = report.datum.code().to_owned();
        for _ in 0..ATTEMPTS {
            let now_ms = self.now_ms();
            let source = self.keys.hashed("anomaly-source", &[address]);
            let known: Option<VersionedRow<AnomalySourceRow>> = read(self.registry(), &source).await?;
            let mut at_ms = known.as_ref().map(|row| row.value.at_ms.clone()).unwrap_or_default();
            at_ms.retain(|at| now_ms.saturating_sub(*at) < ANOMALY_SOURCE_MS);
            if at_ms.len() >= ANOMALIES_PER_HOUR {
                return Ok(ReportedAnomaly::TooMany);
            }
            at_ms.push(now_ms);
            let mut writes = PendingWrites::default();
            writes.put(&AnomalySourceRow { source, at_ms }, known.map(|row| row.version))?;
            let (key, route, datum, sealed) = (key.clone(), route.clone(), datum.clone(), sealed.clone());
            self.tell_anomaly(&mut writes, &route, anomaly_answered_by(paris_day(now_ms))).await?;
            writes.put(&AnomalyRow { key, route, datum, at_ms: now_ms, sealed, answer: None, answered_ms: None }, None)?;
            let mut event = AuditEvent { object: national_id.clone(), ..event.clone() };
            event.detail = with_member(&event.detail, "datum", &json!(report.datum.code()));
            writes.audit(event);
            if self.write(writes, &Cause::new(Channel::Portal, "public", "anomaly")).await? {
                return Ok(ReportedAnomaly::Filed { reference });
            }
        }
        Err(Error::Contended { number: "reports of an address".to_owned() }.into())
    }

    /// Who answers for a datum: the managers of the structure that states a situation, the professional for a contact, the order or agency for
    /// what it registered, else the support.
    async fn owner_of_datum(&self, national_id: &str, report: &AnomalyReport) -> Result<String, Error> {
        let public = public_person(self.registry(), national_id).await?;
        let (Some(public), Some(person)) = (public, self.person(national_id).await?) else { return Ok(SUPPORT.to_owned()) };
        if report.datum == AnomalyDatum::Contact {
            return Ok(of_person(national_id));
        }
        let named = match report.structure.trim() {
            "" => None,
            number => self.place_numbered(number).await?.map(|place| place.id),
        };
        let today = self.today();
        let situations = public.exercices.iter().flat_map(|exercise| &exercise.situations);
        let shown = situations.filter(|s| state_of(s, today) == SituationState::Active);
        // The named structure leads; one that the person does not work in names nothing.
        let mut shown: Vec<_> = shown.collect();
        shown.sort_by_key(|s| named.as_ref() != Some(&s.structure));
        let stated_here = |s: &&annuaire_mos::SituationExercice| {
            let facet = Facet::Situation { id: s.id_situation_exercice.clone() }.to_string();
            person.facts.iter().any(|fact| fact.key.facet == facet && fact.key.owner.starts_with("ENREG:"))
        };
        let authority = self.authority_of(&person);
        let of_situation = matches!(report.datum, AnomalyDatum::Role | AnomalyDatum::Left);
        let local = match (of_situation, &authority) {
            // A named situation that an authority states is the authority's.
            (true, _) if named.is_some() => shown.first().copied().filter(stated_here),
            (true, _) | (false, None) => shown.iter().copied().find(stated_here),
            (false, Some(_)) => None,
        };
        if let Some(s) = local
            && let Some(place) = self.place(&s.structure).await?
            && !PlaceManagers::of(self.registry(), &place, today).await?.all().is_empty()
        {
            return Ok(of_structure(&place.id));
        }
        Ok(authority.map_or_else(|| SUPPORT.to_owned(), |code| format!("authority:{code}")))
    }

    /// Tells an owner that a report waits (G05), in one mail a day whatever is reported. The support reads its console.
    async fn tell_anomaly(&self, writes: &mut PendingWrites, route: &str, answered_by: Day) -> Result<(), Error> {
        let people = match route.split_once(':') {
            Some(("structure", id)) => match self.place(id).await? {
                Some(place) => self.told_place(&place).await?.people,
                None => return Ok(()),
            },
            Some(("authority", code)) => self.told_agents(code).await?.people,
            Some(("person", national_id)) => match self.person(national_id).await?.filter(|person| !person.is_deceased()) {
                Some(person) => {
                    let mut people = NoticePeople::default();
                    people.set(NoticeAudience::Professional, vec![(&person).into()]);
                    people
                }
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let mut values = NoticeValues::of("");
        values.set("date", &french(answered_by));
        self.notify(writes, NoticeId::G05, &people, &values, self.now_ms())
    }

    /// The order or agency that registered a person, when one has agents here.
    fn authority_of(&self, person: &crate::person::RegisteredPerson) -> Option<String> {
        let first = person.merged.autorite_enregistrement.split('/').next().unwrap_or_default();
        let named = Nos::embedded().autorite(first).filter(|_| !first.is_empty()).map(str::to_owned);
        let owners = person.facts.iter().map(|fact| fact.key.owner.clone());
        let registered = person.merged.inscriptions.iter().map(|registered| registered.ordre.clone());
        let mut codes = owners.chain(registered).chain(named).filter(|code| Owner::authority(code).is_some());
        codes.find(|code| self.settings.authority_agents.values().any(|known| known == code))
    }

    /// The state of a report; `None` for a reference that leads to none, or leads to one no longer. Cost: one point read.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn anomaly_state(&self, reference: &str) -> Result<Option<AnomalyState>, Error> {
        let row: Option<VersionedRow<AnomalyRow>> = read(self.registry(), &self.anomaly_key(reference)).await?;
        let Some(row) = row.map(|row| row.value) else { return Ok(None) };
        let answer = row.answer.as_deref().and_then(AnomalyAnswer::parse);
        let reported_on = row.reported_on();
        Ok(Some(AnomalyState {
            datum: row.datum()?,
            reported_on,
            answered_by: anomaly_answered_by(reported_on),
            answer: answer.zip(row.answered_ms.map(paris_day)),
        }))
    }

    /// How many reports wait for the managers of some structures. Cost: a page of rows for each.
    pub(crate) async fn anomalies_about(&self, places: &[RegisteredPlace]) -> Result<u64, Error> {
        let mut waiting = 0;
        for place in places {
            let rows: Vec<VersionedRow<AnomalyRow>> = about(self.registry(), &of_structure(&place.id)).await?;
            waiting += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        }
        Ok(waiting)
    }

    /// Routes of which somebody reads reports.
    async fn anomaly_routes(&self, by: AnomalyOwner<'_>) -> Result<Vec<String>, Error> {
        Ok(match by {
            AnomalyOwner::Manager(by) => self.places_shown(by).await?.iter().map(|place| of_structure(&place.id)).collect(),
            AnomalyOwner::Holder(by) => vec![of_person(&by.person)],
            AnomalyOwner::Authority(by) => vec![format!("authority:{}", by.code())],
            AnomalyOwner::Support(_) => vec![SUPPORT.to_owned()],
        })
    }

    /// The reports that wait for an owner, the oldest first. The read is audited. Cost: a page of rows for each structure of a
    /// perimeter, and the facts of the persons.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn anomalies_of(&self, by: AnomalyOwner<'_>) -> Result<Vec<ListedAnomaly>, Error> {
        let mut rows: Vec<AnomalyRow> = Vec::new();
        for route in self.anomaly_routes(by).await? {
            rows.extend(about::<AnomalyRow>(self.registry(), &route).await?.into_iter().map(|row| row.value));
        }
        rows.sort_by(|a, b| (a.at_ms, &a.key).cmp(&(b.at_ms, &b.key)));
        let mut all = Vec::new();
        for row in rows {
            let texts = self.anomaly_texts(&row)?;
            let reported_on = row.reported_on();
            let answered_by = anomaly_answered_by(reported_on);
            // Support is told what the directory shows of a number, which may be nothing.
            let name = match row.route == SUPPORT {
                true => String::new(),
                false => self.name_of(&idnps(&texts.rpps)).await?.unwrap_or_default(),
            };
            all.push(ListedAnomaly {
                datum: row.datum()?,
                key: row.key,
                rpps: texts.rpps,
                name,
                text: texts.text,
                mail: texts.mail,
                reported_on,
                answered_by,
                is_late: answered_by < paris_day(self.now_ms()),
            });
        }
        let actor = by.actor();
        let mut event = person_event(&actor, "lire-anomalies", &actor.id);
        event.detail = with_member(&event.detail, "anomalies", &json!(all.len()));
        self.audit(event).await?;
        Ok(all)
    }

    /// Answers a report, which closes it. The address of the reporter is erased.
    ///
    /// # Errors
    /// E-GEN-02 for a report that there is not, that was answered, or that somebody else answers, who are not told apart; E-REQ-04 for a manager
    /// whom the report is about; the errors of the registry and of the search for structures.
    pub async fn answer_anomaly(&self, by: AnomalyOwner<'_>, key: &str, answer: AnomalyAnswer) -> Result<(), RegistrationStop> {
        let actor = by.actor();
        let event = person_event(&actor, "repondre-anomalie", key);
        let routes = self.anomaly_routes(by).await?;
        let kept: Option<VersionedRow<AnomalyRow>> = read(self.registry(), key).await?;
        let Some(kept) = kept.filter(|kept| kept.value.answer.is_none() && routes.contains(&kept.value.route)) else {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        };
        let texts = AnomalyTexts { mail: String::new(), ..self.anomaly_texts(&kept.value)? };
        if matches!(by, AnomalyOwner::Manager(by) if by.person == idnps(&texts.rpps)) {
            return self.refused(event, refusal(MessageCode::EReq04)).await;
        }
        let mut event = AuditEvent { object: idnps(&texts.rpps), ..event };
        event.detail = with_member(&event.detail, "answer", &json!(answer.code()));
        let row = AnomalyRow {
            sealed: self.sealed_anomaly(key, &texts)?,
            answer: Some(answer.code().to_owned()),
            answered_ms: Some(self.now_ms()),
            ..kept.value
        };
        let mut writes = PendingWrites::default();
        writes.put(&row, Some(kept.version))?;
        writes.audit(event.clone());
        match self.write(writes, &Cause::new(Channel::Portal, &actor.id, "anomaly")).await? {
            true => Ok(()),
            // A colleague answered meanwhile.
            false => self.refused(event, refusal(MessageCode::EGen02)).await,
        }
    }

    fn anomaly_key(&self, reference: &str) -> String {
        self.keys.hashed("anomaly", &[reference])
    }

    fn sealed_anomaly(&self, key: &str, texts: &AnomalyTexts) -> Result<String, Error> {
        let kind = AnomalyRow::KIND;
        let text = serde_json::to_string(texts).map_err(|cause| Error::Unreadable { kind, cause })?;
        self.keys.messages.seal(&format!("{kind}|{key}"), &text, self.nonce()).ok_or(Error::Sealed { kind })
    }

    fn anomaly_texts(&self, row: &AnomalyRow) -> Result<AnomalyTexts, Error> {
        let kind = AnomalyRow::KIND;
        let text = self.keys.messages.open(&format!("{kind}|{}", row.key), &row.sealed).ok_or(Error::Sealed { kind })?;
        serde_json::from_str(&text).map_err(|cause| Error::Unreadable { kind, cause })
    }
}
