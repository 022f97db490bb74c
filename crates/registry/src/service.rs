//! The service: settings, keys, and what every use case needs of the registry.

use crate::content::RequestContent;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::PlaceManagers;
use crate::keys::RegistrationKeys;
use crate::limits::{SEND_FIRST_MS, SEND_LONGEST_MS};
use crate::person::{self, RegisteredPerson};
use crate::place::{RegisteredPlace, StructureSearch};
use crate::request_row::RequestRow;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, read};
use annuaire_nos::Nos;
use annuaire_seal::NONCE;
use annuaire_store::{AuditEvent, Cause, Channel, Entropy, Job, Registry, back_off_ms};
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::{Day, timer_day};
use annuaire_workflow::fields::{FieldContext, FieldSettings, StructureQuery, finess, siret};
use annuaire_workflow::limits::{REASON_MAX, REASON_MIN};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::rpps_number::RppsRange;
use annuaire_workflow::value_sets::ValueSets;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the program gives.
pub struct RegistrationSettings {
    /// The registry.
    pub registry: Arc<dyn Registry>,
    /// Finds structures by name, SIRET and legal entity.
    pub structures: Arc<dyn StructureSearch>,
    /// Random bytes, for nonces.
    pub entropy: Entropy,
    /// The clock of what is decided, and of what is due: milliseconds since 1970 UTC. A demonstration may set it forward.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// The clock of transactions: that of everybody who writes into the log.
    pub commit_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// The secret of the installation. Whoever changes it makes open requests unreadable, and duplicates unfindable until
    /// persons are indexed again.
    pub secret: [u8; 32],
    /// First digits of the RPPS numbers that are given: one range for each environment; `999` for tests (registration §6.6).
    pub rpps_prefix: String,
    /// Address of the entrance of the portal, for messages.
    pub public_base: String,
    /// Version of the general conditions that managers and professionals see.
    pub terms_version: String,
    /// National identifications of the national arbiters.
    pub arbiters: BTreeSet<String>,
    /// National identifications of the national support.
    pub support: BTreeSet<String>,
    /// National identifications of the auditors, who read the trail alone.
    pub auditors: BTreeSet<String>,
    /// Agents of orders and agencies, who read about their population: national identification to the code of TRE_R60.
    pub authority_agents: BTreeMap<String, String>,
    /// National identifications of the keepers of terminologies.
    pub terminologists: BTreeSet<String>,
    /// What an operator sets for forms.
    pub fields: FieldSettings,
}

/// The use cases of registration. Nothing is in memory that another node needs: any node may be asked.
pub struct Registration {
    pub(crate) settings: RegistrationSettings,
    pub(crate) keys: RegistrationKeys,
    pub(crate) range: RppsRange,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registration(…)")
    }
}

/// The right to act as the program itself: timers, jobs, notices of death. Only the one who makes the service holds it.
#[derive(Debug)]
pub struct SystemActor(());

impl Registration {
    /// The service, and the right to act as the program.
    ///
    /// # Errors
    /// [`Error::Range`] for a prefix that is none.
    pub fn new(settings: RegistrationSettings) -> Result<(Self, SystemActor), Error> {
        let range = RppsRange::new(&settings.rpps_prefix).map_err(Error::Range)?;
        let keys = RegistrationKeys::new(&settings.secret);
        Ok((Self { settings, keys, range }, SystemActor(())))
    }

    pub(crate) fn registry(&self) -> &dyn Registry {
        &*self.settings.registry
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.settings.now_ms)()
    }

    /// Today, as timers count.
    pub(crate) fn today(&self) -> Day {
        timer_day(self.now_ms())
    }

    pub(crate) fn fields(&self) -> FieldContext<'static> {
        FieldContext {
            today: annuaire_workflow::day::paris_day(self.now_ms()),
            settings: self.settings.fields.clone(),
            values: self.values(),
            communes: CommuneIndex::embedded(),
        }
    }

    pub(crate) fn values(&self) -> ValueSets<'static> {
        ValueSets::new(Nos::embedded())
    }

    pub(crate) fn nonce(&self) -> [u8; NONCE] {
        let mut nonce = [0; NONCE];
        (self.settings.entropy)(&mut nonce);
        nonce
    }

    /// The content of a request, sealed for its row.
    pub(crate) fn sealed(&self, number: &str, content: &RequestContent) -> Result<String, Error> {
        let text = serde_json::to_string(content).map_err(|cause| Error::Unreadable { kind: RequestRow::KIND, cause })?;
        self.keys.requests.seal(number, &text, self.nonce()).ok_or(Error::Sealed { kind: RequestRow::KIND })
    }

    /// The content of a request; empty once it was erased.
    pub(crate) fn opened(&self, row: &RequestRow) -> Result<RequestContent, Error> {
        let Some(sealed) = &row.sealed else { return Ok(RequestContent::default()) };
        let text = self.keys.requests.open(&row.number, sealed).ok_or(Error::Sealed { kind: RequestRow::KIND })?;
        serde_json::from_str(&text).map_err(|cause| Error::Unreadable { kind: RequestRow::KIND, cause })
    }

    /// A request, by number.
    pub(crate) async fn request(&self, number: &str) -> Result<Option<VersionedRow<RequestRow>>, Error> {
        read(self.registry(), number).await
    }

    pub(crate) async fn person(&self, national_id: &str) -> Result<Option<RegisteredPerson>, Error> {
        person::person(self.registry(), national_id).await
    }

    /// Given and family name of exercise of a registered person, for the header of their pages.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn name_of(&self, national_id: &str) -> Result<Option<String>, Error> {
        Ok(self.person(national_id).await?.map(|person| person.full_name()))
    }

    /// Version of the general conditions and of the charter of managers.
    #[must_use]
    pub fn terms_version(&self) -> &str {
        &self.settings.terms_version
    }

    /// Whether a structure has a manager who may instruct requests.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn has_manager(&self, place: &RegisteredPlace) -> Result<bool, Error> {
        Ok(!PlaceManagers::of(self.registry(), place, self.today()).await?.all().is_empty())
    }

    /// A structure by technical identifier, as it is known; `None` when the registry does not know it.
    ///
    /// # Errors
    /// Those of the registry.
    pub async fn place(&self, id: &str) -> Result<Option<RegisteredPlace>, Error> {
        Ok(self.places(&[id.to_owned()]).await?.pop())
    }

    /// Structures by technical identifier, in any order.
    pub(crate) async fn places(&self, ids: &[String]) -> Result<Vec<RegisteredPlace>, Error> {
        let all = person::structures(self.registry(), ids).await?;
        Ok(all.iter().map(RegisteredPlace::of).collect())
    }

    /// The open sites of a legal entity, by name; structures are public. Cost: a look-up in the index and the facts of the sites.
    ///
    /// # Errors
    /// Those of the registry and of the search for structures.
    pub async fn open_sites(&self, legal_entity: &str) -> Result<Vec<RegisteredPlace>, Error> {
        let ids = self.settings.structures.sites_of(legal_entity).await.map_err(Error::Structures)?;
        let mut sites = self.places(&ids).await?;
        sites.retain(|site| !site.is_legal_entity && site.is_open_on(self.today()));
        sites.sort_by(|one, other| (&one.name, &one.number).cmp(&(&other.name, &other.number)));
        Ok(sites)
    }

    /// A structure by the number that people type: FINESS or SIRET.
    ///
    /// # Errors
    /// Those of the registry and of the search for structures.
    pub async fn place_numbered(&self, typed: &str) -> Result<Option<RegisteredPlace>, Error> {
        if let Ok(number) = finess(typed)
            && let Some(place) = self.place(&format!("F{number}")).await?
        {
            return Ok(Some(place));
        }
        let Ok(number) = siret(typed) else { return Ok(None) };
        let found = self.settings.structures.by_siret(&number).await.map_err(Error::Structures)?;
        let mut places = self.places(&found).await?;
        places.retain(|place| place.facts.siret == number);
        // Where a site has both numbers, FINESS leads (registration §2.5).
        places.sort_by_key(|place| place.facts.finess.is_empty());
        match places.into_iter().next() {
            Some(place) => Ok(Some(place)),
            None => self.place(&format!("C{number}")).await,
        }
    }

    /// Structures that answer a search by number, name, postal code or commune (registration §5.6).
    ///
    /// # Errors
    /// Those of the registry and of the search for structures.
    pub async fn search_structures(&self, query: &StructureQuery) -> Result<Vec<RegisteredPlace>, Error> {
        for typed in [&query.finess, &query.siret] {
            if !typed.trim().is_empty() {
                return Ok(self.place_numbered(typed).await?.into_iter().collect());
            }
        }
        let most = annuaire_workflow::limits::STRUCTURES_MAX + 1;
        let found = self.settings.structures.named(query, most).await.map_err(Error::Structures)?;
        let places = self.places(&found).await?;
        let rank = |place: &RegisteredPlace| found.iter().position(|id| *id == place.id);
        let mut places = places;
        places.sort_by_key(rank);
        Ok(places)
    }

    /// Whether agents of a structure may have category `M`.
    pub(crate) fn is_public(&self, place: &RegisteredPlace) -> bool {
        self.values().is_public(&place.legal_status)
    }

    /// Writes; false, and nothing is written, when somebody else wrote first.
    pub(crate) async fn write(&self, writes: PendingWrites, cause: &Cause) -> Result<bool, Error> {
        let unit = self.registry().begin().await?;
        let commit_ms = &self.settings.commit_ms;
        writes.save(unit, cause, &|| commit_ms()).await
    }

    /// Lets a job that failed come again, after a wait that doubles with each attempt.
    pub(crate) async fn retry_later(&self, job: &Job, reason: &str) -> Result<(), Error> {
        let wait = back_off_ms(job.attempts + 1, SEND_FIRST_MS, SEND_LONGEST_MS);
        Ok(self.registry().retry_job(job.id, self.now_ms().saturating_add(wait), reason).await?)
    }

    /// Writes an audit event alone: of a read, or of a refusal.
    pub(crate) async fn audit(&self, event: AuditEvent) -> Result<(), Error> {
        let mut writes = PendingWrites::default();
        let cause = Cause::new(Channel::Portal, &event.actor, "audit");
        writes.audit(event);
        self.write(writes, &cause).await.map(|_| ())
    }

    /// Audits a refusal and gives it back.
    pub(crate) async fn refused<T>(&self, mut event: AuditEvent, refusal: RegistrationRefusal) -> Result<T, RegistrationStop> {
        event.detail = with_member(&event.detail, "refused", &json!(refusal.code.as_str()));
        self.audit(event).await?;
        Err(refusal.into())
    }
}

/// A JSON object with one more member.
pub(crate) fn with_member(detail: &str, name: &str, value: &Value) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(detail).unwrap_or_default();
    object.insert(name.to_owned(), value.clone());
    Value::Object(object).to_string()
}

/// A reason that somebody must type, without white space around it.
///
/// # Errors
/// E-GEN-03 for a text that is too short or too long.
pub(crate) fn typed_reason(text: &str) -> Result<String, RegistrationRefusal> {
    let (reason, length) = (text.trim(), text.trim().chars().count());
    if (REASON_MIN..=REASON_MAX).contains(&length) && !reason.contains('\0') {
        return Ok(reason.to_owned());
    }
    let (min, max) = (REASON_MIN.to_string(), REASON_MAX.to_string());
    Err(RegistrationRefusal::filled(MessageCode::EGen03, &[("min", &min), ("max", &max)]))
}

/// The refusal of a code without places.
pub(crate) fn refusal(code: MessageCode) -> RegistrationRefusal {
    RegistrationRefusal::plain(code)
}
