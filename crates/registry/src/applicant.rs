//! Pre-registration by the professional (registration §11), and requests of registered professionals about themselves (§4.9, §10).

use crate::acting::{CaseActor, CaseStep, plain_cause};
use crate::content::{ContactValues, Remark, RequestContent};
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::identity_key::SoughtIdentity;
use crate::limits::LIST_PAGE_MAX;
use crate::lists::RequestSheet;
use crate::person::RegisteredPerson;
use crate::request_row::RequestRow;
use crate::requests::RegistrationSubject;
use crate::row::{PendingWrites, VersionedRow};
use crate::sections::{SectionDraft, SectionOutcome};
use crate::service::{Registration, refusal, typed_reason};
use crate::session::{HolderSession, SessionTrace, audit_event};
use crate::step::SteppedRequest;
use annuaire_store::{CaseFilter, CaseOrder};
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::certification::{CivilStatusSource, first_state};
use annuaire_workflow::day::{french, paris_day, parse_iso};
use annuaire_workflow::duplicates::{BirthPlace, IdentityTraits};
use annuaire_workflow::fields::{CivilDraft, ContactDraft, SituationDraft};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{LegalStatement, RequestEvent, RequestSection};
use annuaire_workflow::state::RequestState;

/// What FranceConnect tells of a person who logged in (registration §11).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CivilTraits {
    /// Subject identifier at FranceConnect; it is hashed at once and never stored.
    pub subject: String,
    /// Family name.
    pub family_name: String,
    /// Usage name; may be empty.
    pub usage_name: String,
    /// Given names, in order.
    pub given_names: Vec<String>,
    /// `F` or `M`.
    pub sex: String,
    /// Day of birth, ISO.
    pub birth: String,
    /// INSEE code of the commune of birth; empty abroad.
    pub commune: String,
    /// INSEE code of the country of birth.
    pub country: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// Whether the login was at FranceConnect+.
    pub plus: bool,
}

/// A person who logged in through FranceConnect and has no number (PROL).
#[derive(Debug, Clone)]
pub struct ApplicantSession {
    author: String,
    trace: SessionTrace,
    traits: CivilTraits,
}

impl ApplicantSession {
    pub(crate) fn actor(&self) -> CaseActor {
        let (id, trace) = (self.author.clone(), self.trace.clone());
        CaseActor { kind: ActorKind::Prol, id, trace, purpose: String::new(), machine: None }
    }

    /// How the civil status is certified: by FranceConnect when it told all five traits.
    fn source(&self) -> CivilStatusSource {
        let t = &self.traits;
        let given = t.given_names.first().is_some_and(|name| !name.is_empty());
        let place = !t.commune.is_empty();
        let whole = given && place && ![&t.family_name, &t.sex, &t.birth].iter().any(|text| text.is_empty());
        match (whole, t.plus) {
            (false, _) => CivilStatusSource::FranceConnectCompleted,
            (true, false) => CivilStatusSource::FranceConnect,
            (true, true) => CivilStatusSource::FranceConnectPlus,
        }
    }

    /// What FranceConnect told stands, whatever a form says; what it did not tell is typed.
    fn read_only(&self, typed: CivilDraft) -> CivilDraft {
        let t = &self.traits;
        let told = |told: &str, typed: String| if told.is_empty() { typed } else { told.to_owned() };
        let given = |n: usize| t.given_names.get(n).map(String::as_str).unwrap_or_default();
        let named = !t.given_names.is_empty();
        let more = t.given_names.iter().skip(3).cloned().collect::<Vec<_>>().join(" ");
        CivilDraft {
            civilite: typed.civilite,
            sexe: told(&t.sex, typed.sexe),
            nom_famille: told(&t.family_name, typed.nom_famille),
            nom_usage: told(&t.usage_name, typed.nom_usage),
            prenom1: told(given(0), typed.prenom1),
            prenom2: if named { given(1).to_owned() } else { typed.prenom2 },
            prenom3: if named { given(2).to_owned() } else { typed.prenom3 },
            prenoms4plus: if named { more } else { typed.prenoms4plus },
            date_naissance: told(&parse_iso(&t.birth).map(french).unwrap_or_default(), typed.date_naissance),
            date_incomplete: typed.date_incomplete && t.birth.is_empty(),
            pays_naissance: told(&t.country, typed.pays_naissance),
            commune_naissance: told(&t.commune, typed.commune_naissance),
            ville_naissance_etr: typed.ville_naissance_etr,
        }
    }
}

impl Registration {
    /// A session of a person who logged in through FranceConnect. Whoever is registered under this identity is told so, without
    /// the number (M02).
    ///
    /// # Errors
    /// M02; the errors of the registry.
    pub async fn applicant_session(
        &self,
        traits: CivilTraits,
        trace: SessionTrace,
    ) -> Result<ApplicantSession, RegistrationStop> {
        let author = format!("fc:{}", self.keys.hashed("franceconnect", &[&traits.subject]));
        let event = audit_event(ActorKind::Prol, &author, &trace, "session", &author);
        if self.is_registered(&traits).await? {
            return self.refused(event, refusal(MessageCode::M02)).await;
        }
        self.audit(event).await?;
        Ok(ApplicantSession { author, trace, traits })
    }

    /// Whether the identity is that of a registered person: all five traits equal.
    async fn is_registered(&self, t: &CivilTraits) -> Result<bool, Error> {
        let traits = IdentityTraits {
            family_name: t.family_name.clone(),
            given_names: t.given_names.clone(),
            birth: parse_iso(&t.birth),
            place: BirthPlace { commune: t.commune.clone(), country: t.country.clone(), town: String::new() },
            sex: t.sex.clone(),
            ..IdentityTraits::default()
        };
        let sought = SoughtIdentity { traits, ..SoughtIdentity::default() };
        let best = self.find_identity(&sought, self.today()).await?;
        Ok(best.is_some_and(|best| best.found.strict))
    }

    /// Begins the one request of an unregistered person (02), with the civil status of FranceConnect.
    ///
    /// # Errors
    /// M02, E-REQ-01 with the number of the request that is open; the errors of the registry.
    pub async fn pre_register(&self, by: &ApplicantSession) -> Result<SteppedRequest, RegistrationStop> {
        let now_ms = self.now_ms();
        let mut row = RequestRow::new(RequestKind::Primo, RequestOrigin::Professional, now_ms, paris_day(now_ms));
        // The author is known before the row is owned, so that a second draft is found.
        row.author.clone_from(&by.author);
        row.certified = match by.source() {
            CivilStatusSource::FranceConnectCompleted => String::new(),
            source => first_state(source).code().to_owned(),
        };
        let content = RequestContent {
            civil: by.read_only(CivilDraft::default()),
            contact: ContactDraft { email: by.traits.email.clone(), ..ContactDraft::default() },
            ..RequestContent::default()
        };
        row.sealed = Some(self.sealed("", &content)?);
        let mut step = CaseStep::new(RequestEvent::Create);
        step.identity_registered = self.is_registered(&by.traits).await?;
        self.begin(&row, &by.actor(), &step).await
    }

    /// « Enregistrer » on a section of the own request (04).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn save_own_section(
        &self,
        by: &ApplicantSession,
        number: &str,
        version: u64,
        draft: SectionDraft,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.save_as(&by.actor(), number, version, by.overlaid(draft)).await
    }

    /// « Valider » on a section of the own request (05). What FranceConnect told is read-only.
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn validate_own_section(
        &self,
        by: &ApplicantSession,
        number: &str,
        version: u64,
        draft: SectionDraft,
        acknowledged: &[MessageCode],
    ) -> Result<SectionOutcome, RegistrationStop> {
        self.validate_as(&by.actor(), number, version, by.overlaid(draft), acknowledged).await
    }

    /// Sends codes to the contact of the own request.
    ///
    /// # Errors
    /// E-REQ-03 while the contact is not valid, E-REQ-06 for a request of somebody else; the errors of the registry.
    pub async fn send_own_codes(&self, by: &ApplicantSession, number: &str) -> Result<(), RegistrationStop> {
        self.send_codes_as(&by.actor(), number).await
    }

    /// Checks the codes that were sent to the contact of the own request.
    ///
    /// # Errors
    /// E-REQ-11 for wrong, late or too many codes; the errors of the registry.
    pub async fn confirm_own_codes(
        &self,
        by: &ApplicantSession,
        number: &str,
        mail_code: &str,
        mobile_code: &str,
    ) -> Result<(), RegistrationStop> {
        self.confirm_codes_as(&by.actor(), number, mail_code, mobile_code).await
    }

    /// Sends the own request to the authority of its structure, or lets it wait for one (07, 08).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn submit_own(&self, by: &ApplicantSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &by.actor(), &submit()).await
    }

    /// Answers a complement to the own request (14).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn resubmit_own(&self, by: &ApplicantSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &by.actor(), &CaseStep::new(RequestEvent::Resubmit)).await
    }

    /// « Retirer ma demande » (29).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn withdraw_own(&self, by: &ApplicantSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &by.actor(), &CaseStep::new(RequestEvent::Withdraw)).await
    }

    /// « Abandonner » the own draft (11).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn abandon_own(
        &self,
        by: &ApplicantSession,
        number: &str,
        confirmed: bool,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &by.actor(), &CaseStep::new(RequestEvent::Abandon { confirmed })).await
    }

    /// « Suivre ma demande »: the own requests, the newest first.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn own_requests(&self, by: &ApplicantSession) -> Result<Vec<RequestSheet>, Error> {
        self.sheets_of(&by.actor()).await
    }

    async fn sheets_of(&self, actor: &CaseActor) -> Result<Vec<RequestSheet>, Error> {
        let filter = CaseFilter { author: Some(actor.id.clone()), ..CaseFilter::default() };
        let mut all = Vec::new();
        for case in self.registry().cases(&filter, CaseOrder::NewestFirst, 0, LIST_PAGE_MAX).await? {
            let kept: VersionedRow<RequestRow> = VersionedRow::of(&case.row)?;
            if kept.value.author_kind == actor.kind.code() {
                let place = self.place(&kept.value.structure).await?;
                all.push(self.sheet(kept, place, actor.kind).await?);
            }
        }
        Ok(all)
    }

    /// Begins a request of a registered professional about themselves (03): another activity in a structure, an error or a departure
    /// of a situation there, the civil status.
    ///
    /// # Errors
    /// E-STR-02 for an unknown structure, E-GEN-02 for an unknown situation, E-PER-01 for somebody else's number or a situation
    /// elsewhere; the errors of the registry.
    pub async fn create_holder_request(
        &self,
        by: &HolderSession,
        structure: &str,
        subject: &RegistrationSubject,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let actor = CaseActor::holder(by);
        let event = actor.event("creer", "");
        let Some(place) = self.place_numbered(structure).await? else {
            return self.refused(event, refusal(MessageCode::EStr02)).await;
        };
        let now_ms = self.now_ms();
        let mut row = RequestRow::new(subject.kind(), RequestOrigin::Professional, now_ms, paris_day(now_ms));
        row.structure.clone_from(&place.id);
        match self.begun_content(&mut row, subject, &place, false).await? {
            Ok(_) if row.subject.as_deref() != Some(by.person.as_str()) => {
                self.refused(event, refusal(MessageCode::EPer01)).await
            }
            Ok(content) => {
                row.sealed = Some(self.sealed("", &content)?);
                self.begin(&row, &actor, &CaseStep::new(RequestEvent::Create)).await
            }
            Err(refused) => self.refused(event, refused).await,
        }
    }

    /// Begins a change of contact (« Mes coordonnées »): codes go to the new values, and it takes effect after them. Names of exercise
    /// change with it when the section of the situation, which holds nothing else here, is validated too.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn create_contact_request(&self, by: &HolderSession) -> Result<SteppedRequest, RegistrationStop> {
        let now_ms = self.now_ms();
        let mut row = RequestRow::new(RequestKind::Coord, RequestOrigin::Professional, now_ms, paris_day(now_ms));
        row.subject = Some(by.person.clone());
        for section in RequestSection::ALL {
            row.set_valid(*section, *section != RequestSection::Contact);
        }
        let person = self.person(&by.person).await?;
        let known = person.as_ref().map(RegisteredPerson::contact).unwrap_or_default();
        let own = person.as_ref().and_then(|person| {
            let all = &person.merged.exercices;
            all.iter().find(|e| e.profession == crate::statement::BY_ROLE).cloned()
        });
        let names = own.map(|e| (e.nom_exercice, e.prenom_exercice)).unwrap_or_default();
        let content = RequestContent {
            contact: ContactDraft { email: known.mail.clone(), mobile: known.mobile.clone(), sans_mobile: false },
            contact_values: Some(ContactValues { email: known.mail, mobile: known.mobile }),
            situation: SituationDraft { nom_exercice: names.0, prenom_exercice: names.1, ..SituationDraft::default() },
            ..RequestContent::default()
        };
        row.sealed = Some(self.sealed("", &content)?);
        self.begin(&row, &CaseActor::holder(by), &CaseStep::new(RequestEvent::Create)).await
    }

    /// « Enregistrer » on a section of a request of the professional (04).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn save_holder_section(
        &self,
        by: &HolderSession,
        number: &str,
        version: u64,
        draft: SectionDraft,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.save_as(&CaseActor::holder(by), number, version, draft).await
    }

    /// « Abandonner » a draft of the professional (11).
    ///
    /// # Errors
    /// E-REQ-10 without confirmation; refusals of the transition table; the errors of the registry.
    pub async fn abandon_holder(
        &self,
        by: &HolderSession,
        number: &str,
        confirmed: bool,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::holder(by), &CaseStep::new(RequestEvent::Abandon { confirmed })).await
    }

    /// « Signaler une erreur »: says in words what is wrong, on a draft that changes a situation or the civil status. The authority
    /// reads it with the request.
    ///
    /// # Errors
    /// E-GEN-03 for a text that is too short or long; E-REQ-06 for a request of somebody else, one that was sent, and one of another
    /// type; the errors of the registry.
    pub async fn report_error(&self, by: &HolderSession, number: &str, text: &str) -> Result<(), RegistrationStop> {
        let actor = CaseActor::holder(by);
        let kept = self.own_row(&actor, number, "signaler").await?;
        let event = actor.event("signaler", number);
        let text = match typed_reason(text) {
            Ok(text) => text,
            Err(refused) => return self.refused(event, refused).await,
        };
        let mut row = kept.value;
        let facts = row.facts(kept.version)?;
        let state = facts.state.unwrap_or(RequestState::S10);
        if state != RequestState::S11 || !matches!(facts.kind, RequestKind::Modif | RequestKind::Civil) {
            let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", state.statut())]);
            return self.refused(event, refused).await;
        }
        let mut content = self.opened(&row)?;
        content.remarks.retain(|remark| remark.event != "signaler");
        content.remarks.push(Remark { event: "signaler".to_owned(), text, at_ms: self.now_ms() });
        row.sealed = Some(self.sealed(number, &content)?);
        let mut writes = PendingWrites::default();
        writes.put(&row, Some(kept.version))?;
        writes.audit(event);
        match self.write(writes, &plain_cause(&actor, number)).await? {
            true => Ok(()),
            false => Err(Error::Contended { number: number.to_owned() }.into()),
        }
    }

    /// « Valider » on a section of a request of the professional (05).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn validate_holder_section(
        &self,
        by: &HolderSession,
        number: &str,
        version: u64,
        draft: SectionDraft,
        acknowledged: &[MessageCode],
    ) -> Result<SectionOutcome, RegistrationStop> {
        self.validate_as(&CaseActor::holder(by), number, version, draft, acknowledged).await
    }

    /// Sends codes to the new contact.
    ///
    /// # Errors
    /// As [`send_own_codes`](Self::send_own_codes).
    pub async fn send_holder_codes(&self, by: &HolderSession, number: &str) -> Result<(), RegistrationStop> {
        self.send_codes_as(&CaseActor::holder(by), number).await
    }

    /// Checks the codes of the new contact.
    ///
    /// # Errors
    /// As [`confirm_own_codes`](Self::confirm_own_codes).
    pub async fn confirm_holder_codes(
        &self,
        by: &HolderSession,
        number: &str,
        mail_code: &str,
        mobile_code: &str,
    ) -> Result<(), RegistrationStop> {
        self.confirm_codes_as(&CaseActor::holder(by), number, mail_code, mobile_code).await
    }

    /// Sends a request of the professional (07, 08, 10).
    ///
    /// # Errors
    /// Refusals of the transition table; E-REQ-11 for a contact without its codes; the errors of the registry.
    pub async fn submit_holder(&self, by: &HolderSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        let actor = CaseActor::holder(by);
        let mut step = submit();
        step.code_verified = self.own_row(&actor, number, "envoyer").await?.value.contact_verified;
        self.act(number, &actor, &step).await
    }

    /// « Retirer ma demande » of a registered professional (29).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn withdraw_holder(&self, by: &HolderSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::holder(by), &CaseStep::new(RequestEvent::Withdraw)).await
    }

    /// The requests of a registered professional, the newest first.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn holder_requests(&self, by: &HolderSession) -> Result<Vec<RequestSheet>, Error> {
        self.sheets_of(&CaseActor::holder(by)).await
    }
}

fn submit() -> CaseStep {
    CaseStep::new(RequestEvent::Submit { legal: LegalStatement::default() })
}

impl ApplicantSession {
    fn overlaid(&self, draft: SectionDraft) -> SectionDraft {
        match draft {
            SectionDraft::Civil(typed) => SectionDraft::Civil(self.read_only(typed)),
            other => other,
        }
    }
}
