//! One request of a professional, opened by its author, and its sections checked again without writing (registration §4.5).

use crate::acting::{CaseActor, CaseStep};
use crate::applicant::ApplicantSession;
use crate::content::RequestContent;
use crate::error::RegistrationStop;
use crate::lists::RequestSheet;
use crate::request_row::RequestRow;
use crate::sections::SectionDraft;
use crate::service::Registration;
use crate::session::HolderSession;
use crate::step::SteppedRequest;
use annuaire_workflow::duplicates::EntryDisclosure;
use annuaire_workflow::fields::Findings;
use annuaire_workflow::kind::RequestKind;
use annuaire_workflow::request::{RequestEvent, RequestSection};

/// The draft of a section, as it is stored.
pub(crate) fn stored_draft(row: &RequestRow, content: &RequestContent, section: RequestSection) -> SectionDraft {
    match section {
        RequestSection::Civil => SectionDraft::Civil(content.civil.clone()),
        RequestSection::Contact => SectionDraft::Contact(content.contact.clone()),
        RequestSection::Situation if row.kind == RequestKind::Fin.code() => SectionDraft::Closing(content.closing.clone()),
        RequestSection::Situation => SectionDraft::Situation(content.situation.clone()),
    }
}

impl Registration {
    async fn own_sheet_as(&self, actor: &CaseActor, number: &str) -> Result<RequestSheet, RegistrationStop> {
        let kept = self.own_row(actor, number, "lire").await?;
        let place = self.place(&kept.value.structure).await?;
        Ok(self.sheet(kept, place, actor.kind).await?)
    }

    async fn own_findings_as(
        &self,
        actor: &CaseActor,
        number: &str,
        section: RequestSection,
    ) -> Result<(Findings, Option<EntryDisclosure>), RegistrationStop> {
        let kept = self.own_row(actor, number, "controler-section").await?;
        let content = self.opened(&kept.value)?;
        let draft = stored_draft(&kept.value, &content, section);
        let checked = self.check(actor, &kept.value, &content, draft).await?;
        Ok((checked.findings, checked.alike))
    }

    /// A request of the person who came with FranceConnect.
    ///
    /// # Errors
    /// E-REQ-06 for a request of somebody else; the errors of the registry.
    pub async fn own_sheet(&self, by: &ApplicantSession, number: &str) -> Result<RequestSheet, RegistrationStop> {
        self.own_sheet_as(&by.actor(), number).await
    }

    /// A request of a registered professional.
    ///
    /// # Errors
    /// As [`own_sheet`](Self::own_sheet).
    pub async fn holder_sheet(&self, by: &HolderSession, number: &str) -> Result<RequestSheet, RegistrationStop> {
        self.own_sheet_as(&CaseActor::holder(by), number).await
    }

    /// As [`section_findings`](Self::section_findings), of the own request.
    ///
    /// # Errors
    /// As [`own_sheet`](Self::own_sheet).
    pub async fn own_section_findings(
        &self,
        by: &ApplicantSession,
        number: &str,
        section: RequestSection,
    ) -> Result<(Findings, Option<EntryDisclosure>), RegistrationStop> {
        self.own_findings_as(&by.actor(), number, section).await
    }

    /// As [`section_findings`](Self::section_findings), of the own request of a registered professional.
    ///
    /// # Errors
    /// As [`own_sheet`](Self::own_sheet).
    pub async fn holder_section_findings(
        &self,
        by: &HolderSession,
        number: &str,
        section: RequestSection,
    ) -> Result<(Findings, Option<EntryDisclosure>), RegistrationStop> {
        self.own_findings_as(&CaseActor::holder(by), number, section).await
    }

    /// Answers a complement to a request of a registered professional (14).
    ///
    /// # Errors
    /// Refusals of the transition table; the errors of the registry.
    pub async fn resubmit_holder(&self, by: &HolderSession, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        self.act(number, &CaseActor::holder(by), &CaseStep::new(RequestEvent::Resubmit)).await
    }
}
