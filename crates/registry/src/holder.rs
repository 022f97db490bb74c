//! « Espace professionnel » (registration §4.9, §14): a registered professional reads everything that is known of them, who accessed it,
//! and takes a copy along.

use crate::accesses::FileAccess;
use crate::acting::CaseActor;
use crate::content::{ContactValues, RequestContent};
use crate::error::{Error, RegistrationStop};
use crate::followed::{ContactProposalRow, WithheldMeansRow};
use crate::limits::{AUDIT_PAGE_MAX, PAGE};
use crate::person::RegisteredPerson;
use crate::request_row::RequestRow;
use crate::row::{VersionedRow, read};
use crate::service::{Registration, refusal};
use crate::session::HolderSession;
use crate::stated::{OwnExercise, OwnSituation};
use annuaire_mos::{BoiteLettresMss, CarteProfessionnel, EtatCivil};
use annuaire_store::{AuditEvent, AuditFilter, CaseFilter, CaseOrder};
use annuaire_workflow::day::{paris_midnight, parse_iso};
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::situation::SituationState;
use serde_json::{Value, json};

/// Everything that is registered of a professional, for themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// RPPS number.
    pub rpps: String,
    /// Civil title (TRE_R81).
    pub civility: String,
    /// Civil status; empty when nobody stated one.
    pub civil: EtatCivil,
    /// State of its certification: a code of J111, such as `DI`.
    pub certification: String,
    /// Practices.
    pub exercises: Vec<OwnExercise>,
    /// Situations, those that are over too.
    pub situations: Vec<OwnSituation>,
    /// E-mail address, in clear: it is theirs.
    pub mail: String,
    /// Mobile, in clear.
    pub mobile: String,
    /// Whether the professional verified the contact.
    pub contact_verified: bool,
    /// Whether a verified contact is to be confirmed: nobody did for a year.
    pub contact_is_old: bool,
    /// Cards.
    pub cards: Vec<CarteProfessionnel>,
    /// Secure mailboxes.
    pub mailboxes: Vec<BoiteLettresMss>,
    /// A contact that somebody proposed, to be confirmed or refused.
    pub proposal: Option<ContactProposal>,
    /// Why the activation of a means waits; `None` when it does not.
    pub withheld: Option<String>,
}

/// A contact that somebody proposed for a professional (registration §8.1, §10.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactProposal {
    /// Number of the request that it came with; empty for a manager's proposal.
    pub request: String,
    /// Last day on which it may be confirmed, ISO.
    pub until: String,
    /// E-mail address.
    pub mail: String,
    /// Mobile; may be empty.
    pub mobile: String,
}

impl Registration {
    /// The own file. Its read is audited, once a day.
    ///
    /// # Errors
    /// M01 for somebody who is not registered any more; the errors of the registry.
    pub async fn own_file(&self, by: &HolderSession) -> Result<OwnFile, RegistrationStop> {
        let event = CaseActor::holder(by).event("lire-fiche", &by.person);
        // The object of the event is the person, not a request.
        let event = AuditEvent { request: None, ..event };
        let Some(person) = self.person(&by.person).await? else {
            return self.refused(event, refusal(MessageCode::M01)).await;
        };
        if !self.is_audited_today(&event).await? {
            self.audit(event).await?;
        }
        Ok(self.file_of(&person).await?)
    }

    /// Whether an equal event of the actor is in the trail of today.
    pub(crate) async fn is_audited_today(&self, event: &AuditEvent) -> Result<bool, Error> {
        let filter = AuditFilter {
            actor: Some(event.actor.clone()),
            event: Some(event.event.clone()),
            from_ms: Some(paris_midnight(annuaire_workflow::day::paris_day(self.now_ms()))),
            ..AuditFilter::of_object(&event.object)
        };
        Ok(!self.registry().audit_of(&filter, None, 1).await?.is_empty())
    }

    async fn file_of(&self, person: &RegisteredPerson) -> Result<OwnFile, Error> {
        let parts = self.stated_parts(person).await?;
        let contact = person.contact();
        let civil = person.merged.etat_civil.clone().unwrap_or_default();
        let withheld: Option<VersionedRow<WithheldMeansRow>> = read(self.registry(), &person.national_id).await?;
        let proposal = self.standing_proposal(&person.national_id).await?;
        Ok(OwnFile {
            rpps: person.national_id.get(1..).unwrap_or_default().to_owned(),
            civility: person.merged.civilite.clone(),
            certification: civil.statut.clone(),
            civil,
            exercises: parts.exercises,
            situations: parts.situations,
            mail: contact.mail,
            mobile: contact.mobile,
            contact_verified: person.verified_contact().is_some(),
            contact_is_old: self.contact_confirmed_on(person).await?.is_some_and(|on| self.is_contact_old(on)),
            cards: person.cards.clone(),
            mailboxes: person.mailboxes.iter().chain(&person.merged.boites_lettres).cloned().collect(),
            proposal: proposal.map(|(_, proposal)| proposal),
            withheld: withheld.map(|row| row.value.reason),
        })
    }

    /// The proposal that a person may confirm today, with its row.
    pub(crate) async fn standing_proposal(
        &self,
        national_id: &str,
    ) -> Result<Option<(VersionedRow<ContactProposalRow>, ContactProposal)>, Error> {
        let kept: Option<VersionedRow<ContactProposalRow>> = read(self.registry(), national_id).await?;
        let stands = |row: &VersionedRow<ContactProposalRow>| parse_iso(&row.value.until).is_some_and(|day| self.today() <= day);
        let Some(kept) = kept.filter(stands) else { return Ok(None) };
        let text = self.keys.messages.open(national_id, &kept.value.sealed);
        let text = text.ok_or(Error::Sealed { kind: "contact-proposal" })?;
        let contact: ContactValues =
            serde_json::from_str(&text).map_err(|cause| Error::Unreadable { kind: "contact-proposal", cause })?;
        let proposal = ContactProposal {
            request: kept.value.request.clone(),
            until: kept.value.until.clone(),
            mail: contact.email,
            mobile: contact.mobile,
        };
        Ok(Some((kept, proposal)))
    }

    /// The requests about a person, and those that they began: the newest first. Cost: all of them, in pages.
    pub(crate) async fn requests_about(&self, national_id: &str) -> Result<Vec<RequestRow>, Error> {
        let mut all: Vec<RequestRow> = Vec::new();
        let own = |id: &str| Some(id.to_owned());
        for filter in [
            CaseFilter { subject: own(national_id), ..CaseFilter::default() },
            CaseFilter {
                author: own(national_id),
                origins: Some(vec![crate::origin_code(annuaire_workflow::kind::RequestOrigin::Professional).to_owned()]),
                ..CaseFilter::default()
            },
        ] {
            let mut offset = 0;
            loop {
                let page = self.registry().cases(&filter, CaseOrder::NewestFirst, offset, PAGE).await?;
                for case in &page {
                    if !all.iter().any(|known| known.number == case.listing.number) {
                        all.push(VersionedRow::<RequestRow>::of(&case.row)?.value);
                    }
                }
                if page.len() < PAGE as usize {
                    break;
                }
                offset += PAGE;
            }
        }
        all.sort_by_key(|row| std::cmp::Reverse(row.begun_ms));
        Ok(all)
    }

    /// « Télécharger mes données »: file, requests, accesses and messages, as JSON. Reasons that others typed are left out: they may
    /// name somebody else.
    ///
    /// # Errors
    /// As [`own_file`](Self::own_file).
    pub async fn own_export(&self, by: &HolderSession) -> Result<Value, RegistrationStop> {
        let file = self.own_file(by).await?;
        let event = CaseActor::holder(by).event("exporter-fiche", &by.person);
        self.audit(AuditEvent { request: None, ..event }).await?;
        let mut requests = Vec::new();
        for row in self.requests_about(&by.person).await? {
            let content = RequestContent { remarks: Vec::new(), ..self.opened(&row)? };
            let content = serde_json::to_value(content).map_err(|cause| Error::Unreadable { kind: "case", cause })?;
            requests.push(json!({
                "numero": row.number,
                "type": RequestKind::parse(&row.kind).map_or("", RequestKind::label),
                "statut": row.state,
                "debut": row.begun_ms,
                "modification": row.changed_ms,
                "contenu": content,
            }));
        }
        let mut accesses = Vec::new();
        let mut before = None;
        loop {
            let (page, next) = self.accesses_page(&by.person, before, AUDIT_PAGE_MAX).await?;
            accesses.extend(page.iter().map(FileAccess::to_json));
            match next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        let messages: Vec<Value> = self.inbox(&by.person).await?.iter().map(message_json).collect();
        Ok(json!({"fiche": file_json(&file), "demandes": requests, "acces": accesses, "messages": messages}))
    }
}

fn message_json(message: &crate::InboxMessage) -> Value {
    json!({
        "notification": message.notice,
        "demande": message.request,
        "date": message.at_ms,
        "lu": message.read,
        "titre": message.subject,
        "texte": message.body,
    })
}

fn situation_json(s: &OwnSituation) -> Value {
    json!({
        "identifiant": s.id,
        "structure": s.structure.as_ref().map(|place| json!({"numero": place.number, "nom": place.name})),
        "profession": s.profession,
        "role": s.role,
        "mode": s.mode,
        "categorie": s.category,
        "debut": s.from,
        "fin": s.until,
        "etat": SituationState::key(s.state),
        "autorite": s.authority,
    })
}

fn file_json(file: &OwnFile) -> Value {
    let exercise = |e: &OwnExercise| {
        json!({
            "profession": e.profession,
            "categorie": e.category,
            "nomExercice": e.name,
            "prenomExercice": e.given_name,
            "autorite": e.authority,
        })
    };
    json!({
        "rpps": file.rpps,
        "civilite": file.civility,
        "etatCivil": file.civil,
        "certification": file.certification,
        "exercices": file.exercises.iter().map(exercise).collect::<Vec<_>>(),
        "situations": file.situations.iter().map(situation_json).collect::<Vec<_>>(),
        "courriel": file.mail,
        "mobile": file.mobile,
        "coordonneesVerifiees": file.contact_verified,
        "cartes": file.cards,
        "boitesLettres": file.mailboxes,
        "coordonneesProposees": file.proposal.as_ref().map(|p| json!({
            "demande": p.request,
            "jusquAu": p.until,
            "courriel": p.mail,
            "mobile": p.mobile,
        })),
        "moyensSuspendus": file.withheld,
    })
}
