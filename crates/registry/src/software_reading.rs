//! What software of employers reads and sends in lists (registration §17): requests, changes of them, people and staff, structures, lists.
//!
//! Each function reads the rights of the manager who answers for the software again, on the authority that registered it. What tells something of
//! a person or a request is audited.
//!
//! # The feed of changes
//!
//! [`software_events`](Registration::software_events) walks the requests of the authority by the instant at which their state began. A reader keeps
//! the cursor of the last event and goes on after it.
//!
//! * A request stands once in the feed, at the place of its last change. When it changes between two pages it moves to the end and is read there:
//!   the cursor is a place in the order and no number of lines, so that nothing is passed over.
//! * Two changes between two reads are told as one: the feed tells where a request is, and no history of it.
//! * A change is dated before it is committed, perhaps by another node. One that came later than its date would be passed over, so the feed ends
//!   [`EVENTS_SETTLED_MS`] before now. Only a node whose clock is behind by more, or a unit that takes longer, could hide a change.
//! * What comes into the perimeter without a change of state (another authority hands a request over, a site moves) is not in the feed before its
//!   next change: the list of requests has it at once. What is typed into a draft is no change of state.

use crate::error::{Error, RegistrationStop};
use crate::limits::{EVENTS_MAX, EVENTS_SETTLED_MS, LIST_PAGE_MAX, PAGE, PERIMETER_PLACES_MAX};
use crate::lists::RequestPage;
use crate::lots::{ListedLot, LotSheet, LotUpload};
use crate::person_search::FoundPerson;
use crate::place::RegisteredPlace;
use crate::request_row::RequestRow;
use crate::row::VersionedRow;
use crate::service::{Registration, refusal, with_member};
use crate::software::SoftwareSession;
use crate::staff::StaffPage;
use annuaire_store::{CaseFilter, CaseOrder};
use annuaire_workflow::fields::StructureQuery;
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::norm::norm;
use annuaire_workflow::rights::{masked_mail, masked_mobile};
use annuaire_workflow::rpps_number::idnps;
use annuaire_workflow::state::{Blocked, RequestState};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;

/// What a software searches requests by; every member that is filled must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoftwareRequestQuery {
    /// The state.
    pub state: Option<RequestState>,
    /// Number of the request; empty: any.
    pub number: String,
    /// Lines before the page.
    pub offset: u32,
    /// Lines of the page, 100 at most.
    pub limit: u32,
}

/// A place in the feed of changes: the instant of a change, and the request, by which changes of one instant are ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestEventCursor {
    at_ms: i64,
    number: String,
}

/// That a request is in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEvent {
    /// When the state began, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Number of the request.
    pub number: String,
    /// Its type.
    pub kind: RequestKind,
    /// Where it comes from.
    pub origin: RequestOrigin,
    /// Its state.
    pub state: RequestState,
    /// Why it is frozen.
    pub blocked: Option<Blocked>,
    /// Its version.
    pub version: u64,
    /// Number of its structure; empty when the registry knows it no longer.
    pub structure: String,
    /// RPPS number that it led to.
    pub rpps: Option<String>,
}

/// A page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEventPage {
    /// Changes after the cursor, the oldest first.
    pub events: Vec<StateEvent>,
    /// Where to go on; the cursor of the question when there is nothing new.
    pub next: RequestEventCursor,
    /// Whether more stands ready.
    pub more: bool,
}

/// A structure that a software searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwarePlace {
    /// The structure.
    pub place: RegisteredPlace,
    /// Whether the software may file requests for it.
    pub within: bool,
}

impl RequestEventCursor {
    /// The cursor of a text that its `Display` wrote; the beginning of the feed for an empty one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let (at_ms, number) = text.split_once('-')?;
        let at_ms = at_ms.parse::<u64>().ok().and_then(|at| i64::try_from(at).ok())?;
        let sound = !number.is_empty() && number.len() <= 32 && number.bytes().all(|b| b.is_ascii_alphanumeric());
        sound.then(|| Self { at_ms, number: number.to_owned() })
    }
}

impl fmt::Display for RequestEventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.number.is_empty() { Ok(()) } else { write!(f, "{}-{}", self.at_ms, self.number) }
    }
}

/// The states of which a software is told: drafts of professionals are theirs alone.
fn told_states(wanted: Option<RequestState>) -> Vec<String> {
    let told = RequestState::ALL.iter().filter(|state| **state != RequestState::S11);
    told.filter(|state| wanted.is_none_or(|wanted| wanted == **state)).map(|state| state.code().to_owned()).collect()
}

impl Registration {
    /// Structures that requests of a software may be filed under, by identifier.
    async fn software_perimeter(&self, by: &SoftwareSession) -> Result<BTreeMap<String, RegisteredPlace>, Error> {
        let Some(rights) = self.rights_of(&by.actor()).await? else { return Ok(BTreeMap::new()) };
        Ok(self.places_within(&rights).await?.into_iter().map(|place| (place.id.clone(), place)).collect())
    }

    /// Requests of the authority, those that changed last first, whoever began them; drafts of professionals are left out. Cost: one page and one
    /// count.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn software_requests(
        &self,
        by: &SoftwareSession,
        query: &SoftwareRequestQuery,
    ) -> Result<RequestPage, RegistrationStop> {
        let filter = CaseFilter {
            structures: Some(self.software_perimeter(by).await?.into_keys().collect()),
            states: Some(told_states(query.state)),
            number: Some(query.number.trim().to_owned()).filter(|number| !number.is_empty()),
            ..CaseFilter::default()
        };
        let limit = query.limit.clamp(1, LIST_PAGE_MAX);
        let cases = self.registry().cases(&filter, CaseOrder::NewestFirst, query.offset, limit).await?;
        let total = self.registry().case_counts(&filter).await?.values().sum();
        let lines = self.lines(&cases).await?;
        let mut event = by.actor().event("liste", "");
        event.detail = with_member(&event.detail, "lines", &json!(lines.len()));
        self.audit(event).await?;
        Ok(RequestPage { lines, total })
    }

    /// What changed in the requests of the authority after a cursor, the oldest first: `limit` changes, [`EVENTS_MAX`] at most. Cost: a page of
    /// rows, and more only when hundreds of changes are of one instant.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn software_events(
        &self,
        by: &SoftwareSession,
        after: &RequestEventCursor,
        limit: u32,
    ) -> Result<RequestEventPage, RegistrationStop> {
        let places = self.software_perimeter(by).await?;
        let limit = limit.clamp(1, EVENTS_MAX) as usize;
        let filter = CaseFilter {
            structures: Some(places.keys().cloned().collect()),
            states: Some(told_states(None)),
            from_ms: Some(after.at_ms),
            until_ms: Some(self.now_ms().saturating_sub(EVENTS_SETTLED_MS)),
            ..CaseFilter::default()
        };
        let mut take = PAGE.max(EVENTS_MAX + 1);
        let (cases, whole) = loop {
            // One question: a request that changes meanwhile would shift the lines of a second one.
            let mut cases = self.registry().cases(&filter, CaseOrder::OldestFirst, 0, take).await?;
            let whole = cases.len() < take as usize;
            cases.retain(|case| (case.listing.changed_ms, &case.listing.number) > (after.at_ms, &after.number));
            if whole || !cases.is_empty() {
                break (cases, whole);
            }
            // Everything that was read began at the instant of the cursor.
            take = take.saturating_mul(2);
        };
        let more = !whole || cases.len() > limit;
        let mut events = Vec::new();
        for case in cases.iter().take(limit) {
            let kept: VersionedRow<RequestRow> = VersionedRow::of(&case.row)?;
            let facts = kept.value.facts(kept.version)?;
            events.push(StateEvent {
                at_ms: case.listing.changed_ms,
                number: case.listing.number.clone(),
                kind: facts.kind,
                origin: facts.origin,
                state: facts.state.unwrap_or(RequestState::S10),
                blocked: facts.blocked,
                version: kept.version,
                structure: places.get(&case.listing.structure).map(|place| place.number.clone()).unwrap_or_default(),
                rpps: kept.value.rpps,
            });
        }
        // Software asks again and again: a page of nothing tells nothing, and would fill the trail.
        if !events.is_empty() {
            let mut event = by.actor().event("evenements", "");
            event.detail = with_member(&event.detail, "lines", &json!(events.len()));
            self.audit(event).await?;
        }
        let next = events.last().map(|last| RequestEventCursor { at_ms: last.at_ms, number: last.number.clone() });
        Ok(RequestEventPage { events, next: next.unwrap_or_else(|| after.clone()), more })
    }

    /// A registered person who works in the perimeter, by RPPS number; a number that was merged away answers with its survivor. The contact is
    /// masked, whoever stated it: a software proposes contact data and reads none (registration §2.6).
    ///
    /// # Errors
    /// E-PER-01 for anybody else, registered or not; the errors of the registry.
    pub async fn software_person(&self, by: &SoftwareSession, rpps: &str) -> Result<FoundPerson, RegistrationStop> {
        let actor = by.actor();
        let mut event = actor.event("rechercher-personne", "");
        event.detail = with_member(&event.detail, "criteria", &json!(self.keys.hashed("search", &[rpps])));
        let number = self.surviving_number(rpps).await?.unwrap_or_else(|| rpps.to_owned());
        let person = self.person(&idnps(&number)).await?;
        if let (Some(person), Some(rights)) = (person, self.rights_of(&actor).await?) {
            let mut found = self.shown(&person, &rights).await?;
            if let Some(inside) = &mut found.inside {
                // What the professional verified is masked already, and a mask of a mask tells less still.
                if person.verified_contact().is_none() {
                    (inside.mail, inside.mobile) = (masked_mail(&inside.mail), masked_mobile(&inside.mobile));
                }
                event.object.clone_from(&person.national_id);
                event.detail = with_member(&event.detail, "habilitations", &json!([by.authority()]));
                self.audit(event).await?;
                return Ok(found);
            }
        }
        self.refused(event, refusal(MessageCode::EPer01)).await
    }

    /// The staff of a structure, as [`staff`](Self::staff).
    ///
    /// # Errors
    /// As [`staff`](Self::staff).
    pub async fn software_staff(
        &self,
        by: &SoftwareSession,
        structure: &str,
        offset: u32,
        limit: u32,
    ) -> Result<StaffPage, RegistrationStop> {
        self.staff_as(&by.actor(), structure, offset, limit).await
    }

    /// The open structures that answer a search, or, without one, those of the perimeter by name, [`PERIMETER_PLACES_MAX`] at most. Structures are
    /// public: the read is not audited.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn software_places(
        &self,
        by: &SoftwareSession,
        query: Option<&StructureQuery>,
    ) -> Result<Vec<SoftwarePlace>, RegistrationStop> {
        let within = self.software_perimeter(by).await?;
        let mut found = match query {
            Some(query) => self.search_structures(query).await?,
            None => {
                let mut own: Vec<RegisteredPlace> = within.values().cloned().collect();
                own.sort_by(|one, other| (norm(&one.name), &one.number).cmp(&(norm(&other.name), &other.number)));
                own
            }
        };
        found.retain(|place| place.is_open_on(self.today()));
        found.truncate(PERIMETER_PLACES_MAX);
        Ok(found.into_iter().map(|place| SoftwarePlace { within: within.contains_key(&place.id), place }).collect())
    }

    /// Reads and checks a list, as [`upload_lot`](Self::upload_lot). It belongs to the software that sent it.
    ///
    /// # Errors
    /// As [`upload_lot`](Self::upload_lot).
    pub async fn software_upload(
        &self,
        by: &SoftwareSession,
        name: &str,
        rows: Vec<Vec<String>>,
    ) -> Result<LotUpload, RegistrationStop> {
        self.upload_lot_as(&by.actor(), name, rows).await
    }

    /// The lists of the software, the newest first.
    ///
    /// # Errors
    /// The errors of the registry.
    pub async fn software_lots(&self, by: &SoftwareSession) -> Result<Vec<ListedLot>, RegistrationStop> {
        self.lots_as(&by.actor()).await
    }

    /// A list with its lines, as [`lot`](Self::lot).
    ///
    /// # Errors
    /// As [`lot`](Self::lot).
    pub async fn software_lot(&self, by: &SoftwareSession, id: &str) -> Result<LotSheet, RegistrationStop> {
        self.lot_as(&by.actor(), id).await
    }

    /// Lets the requests of a list be made, as [`submit_lot`](Self::submit_lot). They are validated one by one: a legal confirmation for a whole
    /// list is a person's.
    ///
    /// # Errors
    /// As [`submit_lot`](Self::submit_lot).
    pub async fn software_submit_lot(&self, by: &SoftwareSession, id: &str) -> Result<ListedLot, RegistrationStop> {
        self.submit_lot_as(&by.actor(), id).await
    }

    /// The report of a list, as [`lot_report`](Self::lot_report).
    ///
    /// # Errors
    /// As [`lot_report`](Self::lot_report).
    pub async fn software_lot_report(&self, by: &SoftwareSession, id: &str) -> Result<Vec<Vec<String>>, RegistrationStop> {
        self.lot_report_as(&by.actor(), id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        let cursor = RequestEventCursor { at_ms: 1_795_684_000_000, number: "P20261126000042".into() };
        assert_eq!(RequestEventCursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(RequestEventCursor::parse(""), Some(RequestEventCursor::default()));
        for wrong in ["1", "-P1", "1-", "x-P1", "1-P 1", "-1-P1", &format!("1-{}", "9".repeat(33)), "99999999999999999999-P1"] {
            assert_eq!(RequestEventCursor::parse(wrong), None, "{wrong}");
        }
    }
}
