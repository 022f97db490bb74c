//! What managers do with requests (registration §4.5, §4.6, §4.8, §6.4).

use crate::acting::{CaseActor, CaseStep};
use crate::content::RequestContent;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::person::RegisteredPerson;
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::sections::{SectionDraft, SectionOutcome};
use crate::service::{Registration, refusal};
use crate::session::{ManagerSession, SupportSession};
use crate::step::SteppedRequest;
use annuaire_mos::owner::Facet;
use annuaire_workflow::day::{french, paris_day, parse_iso};
use annuaire_workflow::fields::{CivilDraft, SituationDraft};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{LegalStatement, RefusalReason, RequestEvent, RequestSection};
use annuaire_workflow::rpps_number::idnps;

/// What a new request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationSubject {
    /// A person without a number: a first registration.
    Unknown,
    /// Another activity of a registered person, by RPPS number.
    NewActivity {
        /// The number.
        rpps: String,
    },
    /// A situation of a registered person.
    Situation {
        /// RPPS number.
        rpps: String,
        /// Identifier of the situation.
        situation: String,
        /// Whether it ends; otherwise it changes.
        ends: bool,
    },
    /// The civil status of a registered person.
    CivilStatus {
        /// The number.
        rpps: String,
    },
}

impl RegistrationSubject {
    /// The type of the request.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Unknown => RequestKind::Primo,
            Self::NewActivity { .. } => RequestKind::Ajout,
            Self::Situation { ends: true, .. } => RequestKind::Fin,
            Self::Situation { ends: false, .. } => RequestKind::Modif,
            Self::CivilStatus { .. } => RequestKind::Civil,
        }
    }

    fn rpps(&self) -> Option<&str> {
        match self {
            Self::Unknown => None,
            Self::NewActivity { rpps } | Self::Situation { rpps, .. } | Self::CivilStatus { rpps } => Some(rpps),
        }
    }
}

impl Registration {
    /// Begins a request for a structure, by its number: the first « Enregistrer » (01). The situation may name another structure
    /// of the perimeter later.
    ///
    /// # Errors
    /// E-STR-02 for an unknown structure, E-PER-01 and E-PER-02 for the perimeter, E-RPPS-01 for an unknown number; E-PER-01 for
    /// a situation or civil status that another authority owns; the errors of the registry.
    pub async fn create_request(
        &self,
        by: &ManagerSession,
        structure: &str,
        subject: &RegistrationSubject,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.create_request_once(by, "", structure, subject).await
    }

    /// [`create_request`](Self::create_request) for a form with a key: sent again, it gives the request that it began before.
    ///
    /// # Errors
    /// As [`create_request`](Self::create_request).
    pub async fn create_request_once(
        &self,
        by: &ManagerSession,
        key: &str,
        structure: &str,
        subject: &RegistrationSubject,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.create_as((&CaseActor::manager(by), RequestOrigin::Ae), key, structure, subject).await
    }

    /// Begins a request of an authority.
    pub(crate) async fn create_as(
        &self,
        (actor, origin): (&CaseActor, RequestOrigin),
        key: &str,
        structure: &str,
        subject: &RegistrationSubject,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let now_ms = self.now_ms();
        let mut row = RequestRow::new(subject.kind(), origin, now_ms, paris_day(now_ms));
        let Some(place) = self.place_numbered(structure).await? else {
            return self.refused(actor.event("creer", ""), refusal(MessageCode::EStr02)).await;
        };
        row.structure.clone_from(&place.id);
        match self.begun_content(&mut row, subject, &place, true).await? {
            Ok(content) => row.sealed = Some(self.sealed("", &content)?),
            Err(refused) => return self.refused(actor.event("creer", ""), refused).await,
        }
        let mut step = CaseStep::new(RequestEvent::Create);
        step.form_key = self.form_key(&actor.id, key);
        self.begin(&row, actor, &step).await
    }

    /// What a new request is filled with, and what of it is left to do.
    pub(crate) async fn begun_content(
        &self,
        row: &mut RequestRow,
        subject: &RegistrationSubject,
        place: &RegisteredPlace,
        by_authority: bool,
    ) -> Result<Result<RequestContent, RegistrationRefusal>, Error> {
        let mut content = RequestContent::default();
        let Some(rpps) = subject.rpps() else { return Ok(Ok(content)) };
        let number = idnps(rpps);
        let Some(person) = self.person(&number).await?.filter(|person| !person.is_deceased()) else {
            return Ok(Err(refusal(MessageCode::ERpps01)));
        };
        row.subject = Some(number);
        let open = match subject {
            RegistrationSubject::CivilStatus { .. } => RequestSection::Civil,
            _ => RequestSection::Situation,
        };
        for section in RequestSection::ALL {
            row.set_valid(*section, *section != open);
        }
        let owner = place.owner().code;
        let owns = |facet: &str| person.facts.iter().any(|fact| fact.key.facet == facet && fact.key.owner == owner);
        content.civil = civil_draft(&person);
        content.situation.structure.clone_from(&place.number);
        match subject {
            RegistrationSubject::Situation { situation, .. } => {
                let facet = Facet::Situation { id: situation.clone() }.to_string();
                let stated = person.situations().find(|(_, _, s)| s.id_situation_exercice == *situation);
                let Some((_, category, s)) = stated else { return Ok(Err(refusal(MessageCode::EGen02))) };
                // What a file or an order states is changed there, whoever asks.
                if s.structure != place.id || !owns(&facet) {
                    return Ok(Err(refusal(if by_authority { MessageCode::EPer01 } else { MessageCode::EGen02 })));
                }
                row.situation = Some(situation.clone());
                content.situation = SituationDraft {
                    structure: place.number.clone(),
                    profession: s.role.clone(),
                    role: s.genre_activite.clone(),
                    mode_exercice: s.mode_exercice.clone(),
                    date_debut: parse_iso(&s.date_debut).map(french).unwrap_or_default(),
                    date_fin: parse_iso(&s.date_fin).map(french).unwrap_or_default(),
                    categorie: category.to_owned(),
                    ..SituationDraft::default()
                };
                self.fill_home_help(situation, &mut content.situation).await?;
            }
            RegistrationSubject::CivilStatus { .. } if by_authority && !owns(&Facet::CivilStatus.to_string()) => {
                return Ok(Err(refusal(MessageCode::EPer01)));
            }
            _ => {}
        }
        let practice = person.merged.exercices.iter().find(|e| e.profession == crate::statement::BY_ROLE);
        if let Some(practice) = practice.or(person.merged.exercices.first()) {
            content.situation.nom_exercice.clone_from(&practice.nom_exercice);
            content.situation.prenom_exercice.clone_from(&practice.prenom_exercice);
        }
        Ok(Ok(content))
    }

    /// « Enregistrer » on a section (04).
    ///
    /// # Errors
    /// Refusals of the transition table, E-GEN-03 for a field without end; the errors of the registry.
    pub async fn save_section(
        &self,
        by: &ManagerSession,
        number: &str,
        version: u64,
        draft: SectionDraft,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.save_as(&CaseActor::manager(by), number, version, draft).await
    }

    /// « Valider » on a section (05). What is found is told field by field; the draft is saved whatever is found.
    ///
    /// # Errors
    /// As [`save_section`](Self::save_section).
    pub async fn validate_section(
        &self,
        by: &ManagerSession,
        number: &str,
        version: u64,
        draft: SectionDraft,
        acknowledged: &[MessageCode],
    ) -> Result<SectionOutcome, RegistrationStop> {
        self.validate_as(&CaseActor::manager(by), number, version, draft, acknowledged).await
    }

    /// « Mise en instruction » (06); for a change or an end, the legal statement takes it to the processing at once (09).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn submit(
        &self,
        by: &ManagerSession,
        number: &str,
        legal: LegalStatement,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::manager(by), &CaseStep::new(RequestEvent::Submit { legal })).await
    }

    /// « Modifier » during the instruction (12).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn modify(&self, by: &ManagerSession, number: &str, version: u64) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::manager(by), &CaseStep::new(RequestEvent::Modify { version })).await
    }

    /// « Valider » (17). Fields of the third section that the manager changes in a request of a professional come with it; they are
    /// checked, stored, and listed in N10 (registration §4.6).
    ///
    /// # Errors
    /// Refusals of the transition table; E-REQ-09 for changes that do not hold; E-HLP-01 for a qualified home helper whom the employer
    /// does not vouch for in the changes; the errors of the registry.
    pub async fn validate_request(
        &self,
        by: &ManagerSession,
        number: &str,
        version: u64,
        legal: LegalStatement,
        changes: Option<SituationDraft>,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let actor = CaseActor::manager(by);
        let mut changed = Vec::new();
        let mut step = CaseStep::new(RequestEvent::Validate { version, legal, changed: Vec::new() });
        if let (Some(draft), Some(kept)) = (changes, self.request(number).await?) {
            let content = self.opened(&kept.value)?;
            changed = changed_fields(&content.situation, &draft);
            let checked = self.check_instruction(&actor, &kept.value, &content, draft).await?;
            if checked.findings.has_errors() {
                let n = checked.findings.codes().len().to_string();
                let refused = RegistrationRefusal::filled(MessageCode::EReq09, &[("n", &n)]);
                return self.refused(actor.event("valider", number), refused).await;
            }
            step.section = Some(checked.typed);
        }
        if self.lacks_attestation(number, &step).await? {
            return self.refused(actor.event("valider", number), refusal(MessageCode::EHlp01)).await;
        }
        step.event = RequestEvent::Validate { version, legal, changed };
        self.act(number, &actor, &step).await
    }

    /// « Refuser » (16).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn refuse(
        &self,
        by: &ManagerSession,
        number: &str,
        reason: Option<RefusalReason>,
        text: &str,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let event = RequestEvent::Refuse { reason, text: text.to_owned() };
        self.act(number, &CaseActor::manager(by), &CaseStep::new(event)).await
    }

    /// « Demander un complément » (13).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn ask_for_more(
        &self,
        by: &ManagerSession,
        number: &str,
        reason: &str,
    ) -> Result<SteppedRequest, RegistrationStop> {
        let event = RequestEvent::AskForMore { reason: reason.to_owned() };
        self.act(number, &CaseActor::manager(by), &CaseStep::new(event)).await
    }

    /// Answers a complement (14).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn resubmit(&self, by: &ManagerSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::manager(by), &CaseStep::new(RequestEvent::Resubmit)).await
    }

    /// « Réaffecter » to the authority of another structure, by its number (15).
    ///
    /// # Errors
    /// Refusals of the transition table; E-STR-02 for an unknown structure; the errors of the registry.
    pub async fn reassign(&self, by: &ManagerSession, number: &str, structure: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.reassign_as(&CaseActor::manager(by), number, structure).await
    }

    /// « Réaffecter » by the national support (15).
    ///
    /// # Errors
    /// As [`reassign`](Self::reassign).
    pub async fn reassign_by_support(
        &self,
        by: &SupportSession,
        number: &str,
        structure: &str,
    ) -> Result<SteppedRequest, RegistrationStop> {
        self.reassign_as(&CaseActor::support(by), number, structure).await
    }

    async fn reassign_as(&self, actor: &CaseActor, number: &str, structure: &str) -> Result<SteppedRequest, RegistrationStop> {
        let Some(place) = self.place_numbered(structure).await? else {
            return self.refused(actor.event("reaffecter", number), refusal(MessageCode::EStr02)).await;
        };
        let mut step = CaseStep::new(RequestEvent::Reassign { target: place.id.clone() });
        step.place = Some(place);
        self.act(number, actor, &step).await
    }

    /// « Abandonner » (11).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn abandon(&self, by: &ManagerSession, number: &str, confirmed: bool) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::manager(by), &CaseStep::new(RequestEvent::Abandon { confirmed })).await
    }

    /// « Retirer » a submitted request (29).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn withdraw(&self, by: &ManagerSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::manager(by), &CaseStep::new(RequestEvent::Withdraw)).await
    }
}

/// The civil status of a registered person, as the form shows it.
fn civil_draft(person: &RegisteredPerson) -> CivilDraft {
    let civil = person.merged.etat_civil.clone().unwrap_or_default();
    let given = |n: usize| civil.prenoms.get(n).cloned().unwrap_or_default();
    CivilDraft {
        civilite: person.merged.civilite.clone(),
        sexe: civil.sexe_administratif.clone(),
        nom_famille: civil.nom_famille.clone(),
        prenom1: given(0),
        prenom2: given(1),
        prenom3: given(2),
        prenoms4plus: civil.prenoms.iter().skip(3).cloned().collect::<Vec<_>>().join(" "),
        date_naissance: parse_iso(&civil.date_naissance).map(french).unwrap_or_default(),
        pays_naissance: civil.pays_naissance.clone(),
        ville_naissance_etr: if civil.commune_naissance.is_empty() { civil.lieu_naissance.clone() } else { String::new() },
        commune_naissance: civil.commune_naissance.clone(),
        ..CivilDraft::default()
    }
}

/// Ids of the fields that differ between two drafts of the third section.
fn changed_fields(before: &SituationDraft, after: &SituationDraft) -> Vec<String> {
    let pairs = [
        ("nomExercice", &before.nom_exercice, &after.nom_exercice),
        ("prenomExercice", &before.prenom_exercice, &after.prenom_exercice),
        ("structure", &before.structure, &after.structure),
        ("profession", &before.profession, &after.profession),
        ("role", &before.role, &after.role),
        ("modeExercice", &before.mode_exercice, &after.mode_exercice),
        ("dateDebut", &before.date_debut, &after.date_debut),
        ("dateFin", &before.date_fin, &after.date_fin),
        ("categorie", &before.categorie, &after.categorie),
        ("service", &before.service, &after.service),
        ("critere", &before.critere, &after.critere),
        ("dateVerification", &before.date_verification, &after.date_verification),
    ];
    pairs.iter().filter(|(_, one, other)| one.trim() != other.trim()).map(|(field, _, _)| (*field).to_owned()).collect()
}
