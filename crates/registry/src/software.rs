//! Software of employers (HRA, registration §2.6, §17.3): a representative registers one for an authority, under a manager who answers for it. It
//! proves who it is by a secret, gets a token for ten minutes, and acts within the habilitation of that manager on that authority, which is read
//! again at each call.
//!
//! A software prepares and submits. It validates when the authority signed the option, and never a request with a warning. A change or an end is
//! validated by its submission (09), where the table of transitions asks for the option too.

use crate::acting::{CaseActor, CaseStep, MachineMandate};
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::ManagerRow;
use crate::limits::{SOFTWARE_MAX, SOFTWARE_NAME_CHARS, SOFTWARE_TOKEN_MS};
use crate::lists::RequestSheet;
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::requests::RegistrationSubject;
use crate::row::{PendingWrites, RegistrationRow, VersionedRow, about, read};
use crate::sections::{SectionDraft, SectionOutcome};
use crate::service::{Registration, refusal, with_member};
use crate::session::{RepresentativeSession, SessionTrace, audit_event};
use crate::step::SteppedRequest;
use crate::target;
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::kind::RequestOrigin;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::norm::norm;
use annuaire_workflow::perimeter::PerimeterTarget;
use annuaire_workflow::request::{LegalStatement, Reach, RequestEvent};
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::state::RequestState;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A registered software.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SoftwareRow {
    pub(crate) client: String,
    /// Keyed hash of the secret.
    pub(crate) secret: String,
    pub(crate) target: String,
    pub(crate) name: String,
    /// The manager who answers for it.
    pub(crate) manager: String,
    pub(crate) may_validate: bool,
    /// Who registered it.
    pub(crate) by: String,
    pub(crate) from: String,
    pub(crate) ended_on: Option<String>,
    /// How often its secret was renewed. Tokens of a former secret are over.
    #[serde(default)]
    pub(crate) renewals: u32,
    /// Day of the last renewal.
    #[serde(default)]
    pub(crate) renewed_on: Option<String>,
}

/// A token of a software, by its keyed hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SoftwareTokenRow {
    pub(crate) hash: String,
    pub(crate) client: String,
    pub(crate) until_ms: i64,
    /// The renewals that its software had had when it was given.
    #[serde(default)]
    pub(crate) renewals: u32,
}

impl RegistrationRow for SoftwareRow {
    const KIND: &'static str = "software";

    fn key(&self) -> String {
        self.client.clone()
    }

    fn subject(&self) -> String {
        self.target.clone()
    }
}

impl RegistrationRow for SoftwareTokenRow {
    const KIND: &'static str = "software-token";

    fn key(&self) -> String {
        self.hash.clone()
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.until_ms)
    }
}

/// A secret or token, told once. Its `Debug` form shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SoftwareSecret(String);

impl std::fmt::Debug for SoftwareSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SoftwareSecret(…)")
    }
}

impl SoftwareSecret {
    /// The text, for the one answer that tells it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// A software in the list of its authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSoftware {
    /// Its identifier.
    pub client: String,
    /// What people call it.
    pub name: String,
    /// National identification of the manager who answers for it.
    pub manager: String,
    /// Whether the option was signed.
    pub may_validate: bool,
    /// Day of its registration, ISO.
    pub from: String,
    /// Day of the last renewal of its secret, ISO.
    pub renewed_on: Option<String>,
    /// Day on which it was revoked.
    pub ended_on: Option<String>,
    /// Whether it may act now: it was not revoked, and the habilitation of its manager stands.
    pub is_active: bool,
}

/// A software of an employer (HRA) that showed a token. It holds who it is; rights are read again at each use.
#[derive(Debug, Clone)]
pub struct SoftwareSession {
    client: String,
    mandate: MachineMandate,
    trace: SessionTrace,
}

impl SoftwareSession {
    /// Identifier of the software.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }

    /// The authority that registered it, as the text of a target (`EG:990000010`).
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.mandate.target
    }

    pub(crate) fn actor(&self) -> CaseActor {
        acting(&self.client, self.mandate.clone(), self.trace.clone())
    }
}

/// A software as an actor.
fn acting(client: &str, mandate: MachineMandate, trace: SessionTrace) -> CaseActor {
    let id = format!("software:{client}");
    CaseActor { kind: ActorKind::Hra, id, trace, purpose: String::new(), machine: Some(mandate) }
}

/// Why a software of this name is not registered beside those that stand.
fn refused_name(name: &str, standing: &[VersionedRow<SoftwareRow>]) -> Option<RegistrationRefusal> {
    if name.is_empty() || name.chars().count() > SOFTWARE_NAME_CHARS || name.chars().any(char::is_control) {
        let max = SOFTWARE_NAME_CHARS.to_string();
        return Some(RegistrationRefusal::filled(MessageCode::EGen03, &[("min", "1"), ("max", &max)]));
    }
    if standing.iter().any(|row| norm(&row.value.name) == norm(name)) {
        return Some(refusal(MessageCode::EHab10));
    }
    let n = SOFTWARE_MAX.to_string();
    (standing.len() >= SOFTWARE_MAX).then(|| RegistrationRefusal::filled(MessageCode::EHab09, &[("n", &n)]))
}

impl Registration {
    /// Registers a software for an authority; its identifier, and its secret, which is told once.
    ///
    /// # Errors
    /// E-HAB-01 for a stranger, E-HAB-05 for an unknown authority, E-GEN-03 for the name, E-HAB-10 for the name of another software that
    /// stands (so that a form that is sent twice registers one), E-HAB-09 beyond the number of software, E-GEN-02 for a manager without
    /// standing habilitation on the authority; the errors of the registry.
    pub async fn add_software(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        name: &str,
        manager: &str,
        may_validate: bool,
    ) -> Result<(String, SoftwareSecret), RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "ajouter-logiciel").await?;
        let key = authority.value.target.clone();
        let mut event = who.event("ajouter-logiciel", &key);
        let name = name.trim();
        let mut standing: Vec<VersionedRow<SoftwareRow>> = about(self.registry(), &key).await?;
        standing.retain(|row| row.value.ended_on.is_none());
        if let Some(refused) = refused_name(name, &standing) {
            return self.refused(event, refused).await;
        }
        if !self.is_standing_manager(&key, manager).await? {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        }
        let client = self.secret_text().chars().take(24).collect::<String>();
        let secret = self.secret_text();
        let row = SoftwareRow {
            secret: self.keys.hashed("software-secret", &[&client, &secret]),
            client: client.clone(),
            target: key.clone(),
            name: name.to_owned(),
            manager: manager.to_owned(),
            may_validate,
            by: by.person.clone(),
            from: self.today().to_string(),
            ended_on: None,
            renewals: 0,
            renewed_on: None,
        };
        let mut writes = PendingWrites::default();
        writes.put(&row, None)?;
        // Two forms at once: the second one looks at what the first one registered.
        writes.put(&authority.value, Some(authority.version))?;
        event.detail = with_member(&event.detail, "software", &json!([client, manager, may_validate]));
        writes.audit(event);
        self.write_once(writes, &by.person, &key).await?;
        Ok((client, SoftwareSecret(secret)))
    }

    /// Sixty-four random hexadecimal digits.
    fn secret_text(&self) -> String {
        let mut bytes = [0; 32];
        (self.settings.entropy)(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The software of an authority, revoked ones too.
    ///
    /// # Errors
    /// E-HAB-01 for a stranger, E-HAB-05 for an unknown authority; the errors of the registry.
    pub async fn software_of(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
    ) -> Result<Vec<ListedSoftware>, RegistrationStop> {
        self.represented(by, structure, "logiciels").await?;
        let rows: Vec<VersionedRow<SoftwareRow>> = about(self.registry(), &target::text_of(structure)).await?;
        let mut listed = Vec::with_capacity(rows.len());
        for SoftwareRow { client, target, name, manager, may_validate, from, ended_on, renewed_on, .. } in
            rows.into_iter().map(|row| row.value)
        {
            let is_active = ended_on.is_none() && self.is_standing_manager(&target, &manager).await?;
            listed.push(ListedSoftware { client, name, manager, may_validate, from, renewed_on, ended_on, is_active });
        }
        Ok(listed)
    }

    /// Whether a manager may act for an authority now.
    async fn is_standing_manager(&self, target: &str, manager: &str) -> Result<bool, Error> {
        let habilitation: Option<VersionedRow<ManagerRow>> = read(self.registry(), &format!("{target}|{manager}")).await?;
        Ok(habilitation.map(|row| row.value.stands(self.today())).transpose()?.unwrap_or(false))
    }

    /// Gives a software a new secret, told once. The former secret and its tokens end at once.
    ///
    /// # Errors
    /// E-HAB-01 for a stranger, E-HAB-05 for an unknown authority, E-GEN-02 for a software that is unknown there or was revoked; the errors of
    /// the registry.
    pub async fn renew_software(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        client: &str,
    ) -> Result<SoftwareSecret, RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "renouveler-logiciel").await?;
        let event = who.event("renouveler-logiciel", client);
        let row: Option<VersionedRow<SoftwareRow>> = read(self.registry(), client).await?;
        let Some(row) = row.filter(|row| row.value.target == authority.value.target && row.value.ended_on.is_none()) else {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        };
        let secret = self.secret_text();
        let renewed = SoftwareRow {
            secret: self.keys.hashed("software-secret", &[client, &secret]),
            renewals: row.value.renewals.saturating_add(1),
            renewed_on: Some(self.today().to_string()),
            ..row.value
        };
        let mut writes = PendingWrites::default();
        writes.put(&renewed, Some(row.version))?;
        writes.audit(event);
        self.write_once(writes, &by.person, client).await?;
        Ok(SoftwareSecret(secret))
    }

    /// Revokes a software: its tokens end at once.
    ///
    /// # Errors
    /// E-HAB-01 for a stranger, E-HAB-05 for an unknown authority, E-GEN-02 for a software that is unknown there or was revoked before; the
    /// errors of the registry.
    pub async fn revoke_software(
        &self,
        by: &RepresentativeSession,
        structure: &PerimeterTarget,
        client: &str,
    ) -> Result<(), RegistrationStop> {
        let (authority, who) = self.represented(by, structure, "revoquer-logiciel").await?;
        let event = who.event("revoquer-logiciel", client);
        let row: Option<VersionedRow<SoftwareRow>> = read(self.registry(), client).await?;
        let Some(row) = row.filter(|row| row.value.target == authority.value.target && row.value.ended_on.is_none()) else {
            return self.refused(event, refusal(MessageCode::EGen02)).await;
        };
        let mut writes = PendingWrites::default();
        writes.put(&SoftwareRow { ended_on: Some(self.today().to_string()), ..row.value }, Some(row.version))?;
        writes.audit(event);
        self.write_once(writes, &by.person, client).await
    }

    /// A software that stands, under a manager whose habilitation does.
    async fn standing_software(&self, client: &str) -> Result<Option<SoftwareRow>, Error> {
        let row: Option<VersionedRow<SoftwareRow>> = read(self.registry(), client).await?;
        let Some(row) = row.filter(|row| row.value.ended_on.is_none()) else { return Ok(None) };
        let stands = self.is_standing_manager(&row.value.target, &row.value.manager).await?;
        Ok(Some(row.value).filter(|_| stands))
    }

    /// A software as it may act now, for what goes on after its call. One that was revoked, or whose manager is no longer habilitated, acts for
    /// nobody: every structure is beyond its reach.
    pub(crate) async fn software_actor(&self, client: &str, trace: SessionTrace) -> Result<CaseActor, Error> {
        let mandate = match self.standing_software(client).await? {
            Some(SoftwareRow { manager, target, may_validate, .. }) => MachineMandate { manager, target, may_validate },
            None => MachineMandate { manager: String::new(), target: String::new(), may_validate: false },
        };
        Ok(acting(client, mandate, trace))
    }

    /// A token for ten minutes (RFC 6749 §4.4). Only its hash is kept.
    ///
    /// # Errors
    /// M01 for an unknown software, a wrong secret, a revoked software, or one whose manager is no longer habilitated, without saying which;
    /// the errors of the registry.
    pub async fn software_token(
        &self,
        client: &str,
        secret: &str,
        trace: &SessionTrace,
    ) -> Result<SoftwareSecret, RegistrationStop> {
        let event = audit_event(ActorKind::Hra, &format!("software:{client}"), trace, "jeton", client);
        // Compared as keyed hashes: the time that it takes tells nothing of the secret.
        let hash = self.keys.hashed("software-secret", &[client, secret]);
        let Some(known) = self.standing_software(client).await?.filter(|row| row.secret == hash) else {
            // What a stranger typed is no name of an actor.
            let stranger = audit_event(ActorKind::Hra, "software", trace, "jeton", "");
            return self.refused(stranger, refusal(MessageCode::M01)).await;
        };
        let token = self.secret_text();
        let row = SoftwareTokenRow {
            hash: self.keys.hashed("software-token", &[&token]),
            client: client.to_owned(),
            until_ms: self.now_ms().saturating_add(SOFTWARE_TOKEN_MS),
            renewals: known.renewals,
        };
        let mut writes = PendingWrites::default();
        writes.put(&row, None)?;
        writes.audit(event);
        self.write_once(writes, client, client).await?;
        Ok(SoftwareSecret(token))
    }

    /// The session of a call with a token.
    ///
    /// # Errors
    /// M01 for a token that is unknown or over, and for a software that no longer stands; the errors of the registry.
    pub async fn software_session(&self, token: &str, trace: SessionTrace) -> Result<SoftwareSession, RegistrationStop> {
        let hash = self.keys.hashed("software-token", &[token]);
        let row: Option<VersionedRow<SoftwareTokenRow>> = read(self.registry(), &hash).await?;
        let known = match row.filter(|row| self.now_ms() < row.value.until_ms) {
            Some(token) => {
                let software = self.standing_software(&token.value.client).await?;
                software.filter(|software| software.renewals == token.value.renewals)
            }
            None => None,
        };
        let Some(SoftwareRow { client, target, manager, may_validate, .. }) = known else {
            let event = audit_event(ActorKind::Hra, "software", &trace, "session", "");
            return self.refused(event, refusal(MessageCode::M01)).await;
        };
        Ok(SoftwareSession { client, mandate: MachineMandate { manager, target, may_validate }, trace })
    }

    /// Begins a request (01), of origin API. Sent again with its key, it gives the request that it began before; an empty key is none.
    ///
    /// # Errors
    /// As [`create_request`](Self::create_request); E-REQ-12 for a key that began another request.
    pub async fn software_create(
        &self,
        by: &SoftwareSession,
        key: &str,
        structure: &str,
        subject: &RegistrationSubject,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let actor = by.actor();
        let begun = self.create_as((&actor, RequestOrigin::Api), key, structure, subject).await?;
        let Some(kept) = self.request(&begun.number).await?.filter(|_| !key.is_empty()) else { return Ok(begun) };
        let row = kept.value;
        let (rpps, situation) = match subject {
            RegistrationSubject::Unknown => (None, None),
            RegistrationSubject::NewActivity { rpps } | RegistrationSubject::CivilStatus { rpps } => (Some(rpps), None),
            RegistrationSubject::Situation { rpps, situation, .. } => (Some(rpps), Some(situation.clone())),
        };
        // A first registration finds its person later, and every request may change its structure.
        let is_about = rpps.is_none_or(|rpps| row.subject.as_deref() == Some(idnps(rpps).as_str())) && row.situation == situation;
        let is_there = kept.version > 1 || self.place_numbered(structure).await?.is_some_and(|place| place.id == row.structure);
        if row.kind == subject.kind().code() && is_about && is_there {
            return Ok(begun);
        }
        self.refused(actor.event("creer", ""), refusal(MessageCode::EReq12)).await
    }

    /// Saves a section and checks it (05). A warning that is acknowledged keeps every software from validating the request.
    ///
    /// # Errors
    /// As [`validate_section`](Self::validate_section).
    pub async fn software_section(
        &self,
        by: &SoftwareSession,
        number: &str,
        version: u64,
        draft: SectionDraft,
        acknowledged: &[MessageCode],
    ) -> Result<SectionOutcome, RegistrationStop> {
        self.is_told(by, "valider-section", number).await?;
        self.validate_as(&by.actor(), number, version, draft, acknowledged).await
    }

    /// « Mise en instruction » (06), or the validation of a change or an end by its submission (09).
    ///
    /// # Errors
    /// Refusals of the transition table; E-REQ-07 for a change or an end that the software may not validate; the errors of the registry.
    pub async fn software_submit(
        &self,
        by: &SoftwareSession,
        number: &str,
        legal: LegalStatement,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.is_told(by, "envoyer", number).await?;
        self.act(number, &by.actor(), &CaseStep::new(RequestEvent::Submit { legal })).await
    }

    /// « Valider » (17), when the authority signed the option; the manager answers for it.
    ///
    /// # Errors
    /// Refusals of the transition table, E-REQ-07 without the option or with a warning; the errors of the registry.
    pub async fn software_validate(
        &self,
        by: &SoftwareSession,
        number: &str,
        version: u64,
        legal: LegalStatement,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.is_told(by, "valider", number).await?;
        let event = RequestEvent::Validate { version, legal, changed: Vec::new() };
        self.act(number, &by.actor(), &CaseStep::new(event)).await
    }

    /// « Abandonner » (11) a draft.
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn software_abandon(&self, by: &SoftwareSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.is_told(by, "abandonner", number).await?;
        self.act(number, &by.actor(), &CaseStep::new(RequestEvent::Abandon { confirmed: true })).await
    }

    /// « Retirer » (29) a submitted request.
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn software_withdraw(&self, by: &SoftwareSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.is_told(by, "retirer", number).await?;
        self.act(number, &by.actor(), &CaseStep::new(RequestEvent::Withdraw)).await
    }

    /// A request of the perimeter. The read is audited.
    ///
    /// # Errors
    /// E-PER-01 beyond the perimeter, for a number that there is not, and for the draft of a professional; the errors of the registry.
    pub async fn software_sheet(&self, by: &SoftwareSession, number: &str) -> Result<RequestSheet, RegistrationStop> {
        let (kept, place) = self.is_told(by, "lire", number).await?;
        self.audit(by.actor().event("lire", number)).await?;
        Ok(self.sheet(kept, place, ActorKind::Gae).await?)
    }

    /// A request that the software may know of, with its structure. A number that there is not, one beyond the perimeter and the draft of a
    /// professional are refused alike, so that numbers tell nothing; the refusal is audited.
    async fn is_told(
        &self,
        by: &SoftwareSession,
        event: &str,
        number: &str,
    ) -> Result<(VersionedRow<RequestRow>, Option<RegisteredPlace>), RegistrationStop> {
        let actor = by.actor();
        let kept = self.request(number).await?.filter(|kept| kept.value.state != RequestState::S11.code());
        let rights = self.rights_of(&actor).await?;
        if let (Some(kept), Some(rights)) = (kept, rights) {
            let place = self.place(&kept.value.structure).await?;
            if rights.reach(place.as_ref())? == Reach::Within {
                return Ok((kept, place));
            }
        }
        self.refused(actor.event(event, number), refusal(MessageCode::EPer01)).await
    }
}
