//! Who visits a page: a login becomes a session of `registry`, which decides what it may do.

use crate::door::Portal;
use crate::fault::PortalFault;
use crate::frame::PortalFrame;
use crate::request::PortalRequest;
use annuaire_ecps::SignedIn;
use annuaire_registry::{ApplicantSession, CivilTraits, HolderSession, ManagerSession, RepresentativeSession, SessionTrace};
use annuaire_relying::{BirthPrecision, CivilSession, CivilSex};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use std::sync::Arc;

/// Cookie of the choice « Agir pour ». It holds the number of a structure and gives no right.
pub(crate) const ACTING_FOR: &str = "annuaire-agir-pour";

/// A manager in front of a page.
pub(crate) struct ManagerVisit {
    pub(crate) portal: Arc<Portal>,
    pub(crate) request: PortalRequest,
    pub(crate) session: ManagerSession,
    pub(crate) frame: PortalFrame,
}

/// A legal representative or mandataire in front of a page.
pub(crate) struct RepresentativeVisit {
    pub(crate) portal: Arc<Portal>,
    pub(crate) request: PortalRequest,
    pub(crate) session: RepresentativeSession,
    pub(crate) frame: PortalFrame,
}

/// A registered professional in front of a page of their own.
pub(crate) struct HolderVisit {
    pub(crate) portal: Arc<Portal>,
    pub(crate) request: PortalRequest,
    pub(crate) session: HolderSession,
    pub(crate) frame: PortalFrame,
}

/// Somebody who logged in with a professional means, whatever they may do.
pub(crate) struct ProfessionalVisit {
    pub(crate) portal: Arc<Portal>,
    pub(crate) request: PortalRequest,
    pub(crate) who: SignedIn,
    pub(crate) trace: SessionTrace,
    pub(crate) frame: PortalFrame,
}

/// What the audit trail keeps of a login.
fn trace_of(who: &SignedIn, request: &PortalRequest) -> SessionTrace {
    SessionTrace {
        session: who.sid.clone(),
        means: if who.by_card { "CPS" } else { "e-CPS" }.to_owned(),
        level: "substantiel".to_owned(),
        address: request.address.clone(),
    }
}

async fn signed_in(parts: &mut Parts) -> Result<(Arc<Portal>, PortalRequest, SignedIn), PortalFault> {
    let portal = parts.extensions.get::<Arc<Portal>>().cloned().ok_or(PortalFault::Nothing)?;
    let request = parts.extensions.get::<PortalRequest>().cloned().ok_or(PortalFault::Nothing)?;
    let who = parts.extensions.get::<SignedIn>().cloned();
    // The route asks for a login, so that nobody gets here without one.
    let who = who.ok_or(PortalFault::SignIn(crate::request::Space::Professional))?;
    Ok((portal, request, who))
}

impl FromRequestParts<Arc<Portal>> for ProfessionalVisit {
    type Rejection = PortalFault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Portal>) -> Result<Self, PortalFault> {
        let (portal, request, who) = signed_in(parts).await?;
        let trace = trace_of(&who, &request);
        let frame = PortalFrame::of_person(&portal, &request, &who.national_id).await?;
        Ok(Self { portal, request, who, trace, frame })
    }
}

impl FromRequestParts<Arc<Portal>> for ManagerVisit {
    type Rejection = PortalFault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Portal>) -> Result<Self, PortalFault> {
        let (portal, request, who) = signed_in(parts).await?;
        let session = portal.registration().manager_session(&who.national_id, trace_of(&who, &request)).await?;
        let mut frame = PortalFrame::of_person(&portal, &request, &who.national_id).await?;
        let chosen = request.cookie(ACTING_FOR);
        frame.choose(&portal, session.habilitations(), &chosen).await?;
        let session = if frame.acting_for.is_empty() { session } else { session.acting_for(&frame.acting_for) };
        Ok(Self { portal, request, session, frame })
    }
}

impl FromRequestParts<Arc<Portal>> for RepresentativeVisit {
    type Rejection = PortalFault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Portal>) -> Result<Self, PortalFault> {
        let (portal, request, who) = signed_in(parts).await?;
        let session = portal.registration().representative_session(&who.national_id, trace_of(&who, &request)).await?;
        let frame = PortalFrame::of_person(&portal, &request, &who.national_id).await?;
        Ok(Self { portal, request, session, frame })
    }
}

impl FromRequestParts<Arc<Portal>> for HolderVisit {
    type Rejection = PortalFault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Portal>) -> Result<Self, PortalFault> {
        let (portal, request, who) = signed_in(parts).await?;
        let session = portal.registration().holder_session(&who.national_id, trace_of(&who, &request)).await?;
        let frame = PortalFrame::of_person(&portal, &request, &who.national_id).await?;
        Ok(Self { portal, request, session, frame })
    }
}

/// Somebody without a number who logged in with FranceConnect, in front of a page.
pub(crate) struct ApplicantVisit {
    pub(crate) portal: Arc<Portal>,
    pub(crate) request: PortalRequest,
    pub(crate) session: ApplicantSession,
    pub(crate) frame: PortalFrame,
}

/// What registration takes of a civil login. A birth date of which a part is unknown is typed by the person.
fn traits_of(civil: &CivilSession) -> CivilTraits {
    let identity = &civil.identity;
    let is_whole = identity.birth_precision() == Some(BirthPrecision::Day);
    CivilTraits {
        subject: civil.account.clone(),
        plus: civil.certification() == "FCP",
        family_name: identity.birth_name().to_owned(),
        usage_name: identity.usual_name().unwrap_or_default().to_owned(),
        given_names: identity.first_names().into_iter().map(str::to_owned).collect(),
        sex: match identity.sex() {
            Some(CivilSex::F) => "F",
            Some(CivilSex::M) => "M",
            None => "",
        }
        .to_owned(),
        birth: if is_whole { identity.birth_date().to_owned() } else { String::new() },
        country: identity.birth_country().unwrap_or_default().to_owned(),
        commune: identity.birth_commune().unwrap_or_default().to_owned(),
        email: identity.email().unwrap_or_default().to_owned(),
    }
}

impl FromRequestParts<Arc<Portal>> for ApplicantVisit {
    type Rejection = PortalFault;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Portal>) -> Result<Self, PortalFault> {
        let portal = parts.extensions.get::<Arc<Portal>>().cloned().ok_or(PortalFault::Nothing)?;
        let request = parts.extensions.get::<PortalRequest>().cloned().ok_or(PortalFault::Nothing)?;
        let civil = parts.extensions.get::<CivilSession>().cloned();
        let civil = civil.ok_or(PortalFault::SignIn(crate::request::Space::Civil))?;
        let trace = SessionTrace {
            session: format!("{}-{}", &civil.account[..16.min(civil.account.len())], civil.opened_ms),
            means: "FranceConnect".to_owned(),
            level: civil.acr.clone(),
            address: request.address.clone(),
        };
        let session = portal.registration().applicant_session(traits_of(&civil), trace).await?;
        let given = civil.identity.first_names().first().copied().unwrap_or_default().to_owned();
        let frame = PortalFrame {
            person: format!("{given} {}", civil.identity.birth_name()),
            token: portal.form_token(&format!("fc {}", civil.account)),
            sign_out: "/portail/pro/identite".to_owned(),
            is_applicant: true,
            ..PortalFrame::plain(&portal, &request)
        };
        Ok(Self { portal, request, session, frame })
    }
}
