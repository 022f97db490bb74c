//! Who fills in a request: a manager, a person who comes with FranceConnect, a registered professional. Pages and forms are one; rights and
//! use cases are those of `registry` for each of them.

use annuaire_registry::{
    ApplicantSession, HolderSession, ManagerSession, Registration, RegistrationStop, RequestSheet, SectionDraft, SectionOutcome,
    SteppedRequest,
};
use annuaire_workflow::duplicates::EntryDisclosure;
use annuaire_workflow::fields::Findings;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{LegalStatement, RequestSection};

/// What the checks of a section find, and what may be told of a registered person who is alike.
pub(crate) type FoundInSection = (Findings, Option<EntryDisclosure>);

/// Who fills in a request.
pub(crate) enum Filler<'a> {
    /// For an authority.
    Manager(&'a ManagerSession),
    /// Without a number yet.
    Applicant(&'a ApplicantSession),
    /// About themselves.
    Holder(&'a HolderSession),
}

impl Filler<'_> {
    /// Where the pages of their requests are.
    pub(crate) const fn base(&self) -> &'static str {
        match self {
            Self::Manager(_) => "/portail/gae/demandes",
            Self::Applicant(_) => "/portail/pro/inscription",
            Self::Holder(_) => "/portail/pro/demandes",
        }
    }

    pub(crate) const fn is_manager(&self) -> bool {
        matches!(self, Self::Manager(_))
    }

    /// Whether the request was begun by this side: by the authority, or by the professional.
    pub(crate) fn is_author(&self, sheet: &RequestSheet) -> bool {
        sheet.origin.by_authority() == self.is_manager()
    }

    pub(crate) async fn sheet(&self, of: &Registration, number: &str) -> Result<RequestSheet, RegistrationStop> {
        match self {
            Self::Manager(by) => of.open_sheet(by, number).await,
            Self::Applicant(by) => of.own_sheet(by, number).await,
            Self::Holder(by) => of.holder_sheet(by, number).await,
        }
    }

    pub(crate) async fn save(
        &self,
        of: &Registration,
        number: &str,
        version: u64,
        draft: SectionDraft,
    ) -> Result<SteppedRequest, RegistrationStop> {
        match self {
            Self::Manager(by) => of.save_section(by, number, version, draft).await,
            Self::Applicant(by) => of.save_own_section(by, number, version, draft).await,
            Self::Holder(by) => of.save_holder_section(by, number, version, draft).await,
        }
    }

    pub(crate) async fn validate(
        &self,
        of: &Registration,
        number: &str,
        version: u64,
        draft: SectionDraft,
        acknowledged: &[MessageCode],
    ) -> Result<SectionOutcome, RegistrationStop> {
        match self {
            Self::Manager(by) => of.validate_section(by, number, version, draft, acknowledged).await,
            Self::Applicant(by) => of.validate_own_section(by, number, version, draft, acknowledged).await,
            Self::Holder(by) => of.validate_holder_section(by, number, version, draft, acknowledged).await,
        }
    }

    pub(crate) async fn findings(
        &self,
        of: &Registration,
        number: &str,
        section: RequestSection,
    ) -> Result<FoundInSection, RegistrationStop> {
        match self {
            Self::Manager(by) => of.section_findings(by, number, section).await,
            Self::Applicant(by) => of.own_section_findings(by, number, section).await,
            Self::Holder(by) => of.holder_section_findings(by, number, section).await,
        }
    }

    pub(crate) async fn set_typing_error(
        &self,
        of: &Registration,
        number: &str,
        version: u64,
        is: bool,
    ) -> Result<SteppedRequest, RegistrationStop> {
        match self {
            Self::Manager(by) => of.set_typing_error(by, number, version, is).await,
            // Professionals correct nothing themselves: the box is not on their page.
            _ => Err(annuaire_registry::RegistrationRefusal::plain(MessageCode::EPer01).into()),
        }
    }

    pub(crate) async fn submit(
        &self,
        of: &Registration,
        number: &str,
        legal: LegalStatement,
    ) -> Result<SteppedRequest, RegistrationStop> {
        match self {
            Self::Manager(by) => of.submit(by, number, legal).await,
            Self::Applicant(by) => of.submit_own(by, number).await,
            Self::Holder(by) => of.submit_holder(by, number).await,
        }
    }

    pub(crate) async fn resubmit(&self, of: &Registration, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        match self {
            Self::Manager(by) => of.resubmit(by, number).await,
            Self::Applicant(by) => of.resubmit_own(by, number).await,
            Self::Holder(by) => of.resubmit_holder(by, number).await,
        }
    }

    pub(crate) async fn abandon(&self, of: &Registration, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        match self {
            Self::Manager(by) => of.abandon(by, number, true).await,
            Self::Applicant(by) => of.abandon_own(by, number, true).await,
            Self::Holder(by) => of.abandon_holder(by, number, true).await,
        }
    }

    pub(crate) async fn withdraw(&self, of: &Registration, number: &str) -> Result<SteppedRequest, RegistrationStop> {
        match self {
            Self::Manager(by) => of.withdraw(by, number).await,
            Self::Applicant(by) => of.withdraw_own(by, number).await,
            Self::Holder(by) => of.withdraw_holder(by, number).await,
        }
    }
}
