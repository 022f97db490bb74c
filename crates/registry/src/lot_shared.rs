//! Lists of others (registration §17.2, four eyes of §2.4): a manager other than the sender validates all lines of a list that are ready and lie
//! in the own perimeter, by one legal confirmation. The job of lists does the work ([`run_lots`](Registration::run_lots)), each line by the rules
//! that one request meets; what is refused is named by its line. Lines with a warning wait until somebody opens them.
//!
//! The name of the file stays with its sender: it may name people of other structures.

use crate::acting::CaseActor;
use crate::error::{Error, RegistrationRefusal, RegistrationStop};
use crate::grants::ManagerRights;
use crate::limits::{ATTEMPTS, LOT_LINES_MAX, LOTS_SHOWN};
use crate::lot_rows::{LotLineRow, LotPageRow, LotPhase, LotPlaceRow, LotRow};
use crate::lots::waits_for_validation;
use crate::request_row::RequestRow;
use crate::row::{VersionedRow, about, beginning, read};
use crate::service::{Registration, refusal};
use crate::session::ManagerSession;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::request::Reach;
use annuaire_workflow::state::RequestState;
use std::collections::{BTreeMap, BTreeSet};

/// A list of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLot {
    /// Its identifier.
    pub id: String,
    /// Name of the manager who sent it; empty for a software.
    pub sender: String,
    /// When it was sent, milliseconds since 1970 UTC.
    pub begun_ms: i64,
    /// When it is erased.
    pub ends_ms: i64,
    /// Where it is.
    pub phase: LotPhase,
    /// Work of the phase that is done, out of [`steps`](Self::steps).
    pub steps_done: u32,
    /// Work of a phase.
    pub steps: u32,
}

/// How a line of a list of somebody else stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SharedLineState {
    /// The validation of the list takes it.
    Ready,
    /// It has a warning: it is opened and validated alone.
    ToOpen,
    /// It does not wait for a validation.
    Settled,
}

/// A line of a list of somebody else, within the perimeter of the reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLotLine {
    /// Line of the spreadsheet, counted from 1.
    pub line: u32,
    /// Family and given name, as the file writes them.
    pub name: String,
    /// Number of its request.
    pub number: String,
    /// Where the request is.
    pub state: RequestState,
    /// Whether a validation takes it.
    pub standing: SharedLineState,
    /// Why its validation was refused.
    pub refused: Option<MessageCode>,
}

/// A list of somebody else with the lines that the reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedLotSheet {
    /// The list.
    pub lot: SharedLot,
    /// Lines within the perimeter, in the order of the file.
    pub lines: Vec<SharedLotLine>,
}

impl SharedLotSheet {
    /// How many lines stand so.
    #[must_use]
    pub fn count(&self, standing: SharedLineState) -> usize {
        self.lines.iter().filter(|line| line.standing == standing).count()
    }
}

impl Registration {
    /// Lists of others with requests in the perimeter, the newest first. Cost: a look-up for each structure of the perimeter.
    ///
    /// # Errors
    /// The errors of the registry and of the search for structures.
    pub async fn shared_lots(&self, by: &ManagerSession) -> Result<Vec<SharedLot>, Error> {
        let rights = self.rights(&by.person).await?;
        let mut ids = BTreeSet::new();
        for place in self.places_within(&rights).await? {
            ids.extend(about::<LotPlaceRow>(self.registry(), &place.id).await?.into_iter().map(|row| row.value.lot));
        }
        let mut lots = Vec::new();
        for id in ids {
            let lot: Option<VersionedRow<LotRow>> = read(self.registry(), &id).await?;
            if let Some(lot) = lot.filter(|lot| self.is_shown_to(&lot.value, &by.person)) {
                lots.push(lot.value);
            }
        }
        lots.sort_by_key(|lot| std::cmp::Reverse(lot.begun_ms));
        lots.truncate(LOTS_SHOWN);
        let mut listed = Vec::with_capacity(lots.len());
        for lot in &lots {
            listed.push(self.listed_shared(lot).await?);
        }
        Ok(listed)
    }

    /// Whether a list is there for others than its sender: its lines are requests.
    fn is_shown_to(&self, lot: &LotRow, person: &str) -> bool {
        let is_filed = matches!(lot.phase, LotPhase::Filed | LotPhase::Validating | LotPhase::Validated);
        is_filed && lot.manager != person && lot.ends_ms() > self.now_ms()
    }

    async fn listed_shared(&self, lot: &LotRow) -> Result<SharedLot, Error> {
        Ok(SharedLot {
            id: lot.id.clone(),
            sender: self.name_of(&lot.manager).await?.unwrap_or_default(),
            begun_ms: lot.begun_ms,
            ends_ms: lot.ends_ms(),
            phase: lot.phase,
            steps_done: lot.pages_done,
            steps: lot.pages,
        })
    }

    /// Whether a request came with a list and lies in a perimeter.
    pub(crate) async fn is_shared(&self, row: &RequestRow, lot: &str, rights: &ManagerRights) -> Result<bool, Error> {
        let place = self.place(&row.structure).await?;
        Ok(row.lot.as_deref() == Some(lot) && rights.reach(place.as_ref())? == Reach::Within)
    }

    /// A list of somebody else with its lines in the perimeter. The read is audited. Cost: some pages of rows, and the request of each line.
    ///
    /// # Errors
    /// E-REQ-06 for a list that there is not, one of the reader, one that was not submitted, and one without a line in the perimeter; the errors
    /// of the registry.
    pub async fn shared_lot(&self, by: &ManagerSession, id: &str) -> Result<SharedLotSheet, RegistrationStop> {
        let (_, sheet) = self.shared(by, id, "lot-lire").await?;
        self.audit(CaseActor::manager(by).event("lot-lire", id)).await?;
        Ok(sheet)
    }

    async fn shared(
        &self,
        by: &ManagerSession,
        id: &str,
        event: &str,
    ) -> Result<(VersionedRow<LotRow>, SharedLotSheet), RegistrationStop> {
        let lot: Option<VersionedRow<LotRow>> = read(self.registry(), id).await?;
        if let Some(lot) = lot.filter(|lot| self.is_shown_to(&lot.value, &by.person)) {
            let lines = self.shared_lines(&lot.value, &self.rights(&by.person).await?).await?;
            if !lines.is_empty() {
                let sheet = SharedLotSheet { lot: self.listed_shared(&lot.value).await?, lines };
                return Ok((lot, sheet));
            }
        }
        let hidden = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", HIDDEN_STATUS)]);
        self.refused(CaseActor::manager(by).event(event, id), hidden).await
    }

    /// The lines of a list whose requests lie in a perimeter.
    async fn shared_lines(&self, lot: &LotRow, rights: &ManagerRights) -> Result<Vec<SharedLotLine>, Error> {
        let prefix = format!("{}|", lot.id);
        let done: Vec<VersionedRow<LotLineRow>> = beginning(self.registry(), &prefix, LOT_LINES_MAX).await?;
        // Whether a structure lies in the perimeter: a list has few of them.
        let mut within: BTreeMap<String, bool> = BTreeMap::new();
        let mut lines = BTreeMap::new();
        for done in done.into_iter().map(|row| row.value) {
            let Some(request) = self.request(done.number.as_deref().unwrap_or_default()).await? else { continue };
            let request = request.value;
            let is_within = match within.get(&request.structure) {
                Some(known) => *known,
                None => {
                    let place = self.place(&request.structure).await?;
                    let is_within = rights.reach(place.as_ref())? == Reach::Within;
                    within.insert(request.structure.clone(), is_within);
                    is_within
                }
            };
            let Some(state) = RequestState::parse(&request.state).filter(|_| is_within) else { continue };
            if request.lot.as_deref() != Some(lot.id.as_str()) {
                continue;
            }
            let standing = match (waits_for_validation(&request), request.acknowledged.is_empty()) {
                (false, _) => SharedLineState::Settled,
                (true, false) => SharedLineState::ToOpen,
                (true, true) => SharedLineState::Ready,
            };
            let refused = done.code.as_deref().and_then(MessageCode::parse);
            let line = SharedLotLine { line: done.line, name: String::new(), number: request.number, state, standing, refused };
            lines.insert(done.line, line);
        }
        if !lines.is_empty() {
            for page in beginning::<LotPageRow>(self.registry(), &prefix, LOT_LINES_MAX).await? {
                for read in self.page_lines(&page.value)? {
                    if let Some(line) = lines.get_mut(&read.line) {
                        line.name = read.name();
                    }
                }
            }
        }
        Ok(lines.into_values().collect())
    }

    /// Validates the requests of a list of somebody else that are ready and lie in the perimeter, by one legal confirmation: each as its line says
    /// the identity was verified. The work is done by the job, as for an own list; what changed after the confirmation, and what has a warning,
    /// waits to be opened.
    ///
    /// # Errors
    /// E-LEG-01 without the confirmation; E-REQ-06 while the list is worked on, without a line that is ready, and where
    /// [`shared_lot`](Self::shared_lot) tells nothing; the errors of the registry.
    pub async fn validate_shared_lot(
        &self,
        by: &ManagerSession,
        id: &str,
        confirmed: bool,
    ) -> Result<SharedLotSheet, RegistrationStop> {
        let (actor, event) = (CaseActor::manager(by), "lot-valider");
        for _ in 0..ATTEMPTS {
            let (lot, sheet) = self.shared(by, id, event).await?;
            let statut = match lot.value.phase {
                LotPhase::Validating => Some("liste en cours de traitement"),
                _ if sheet.count(SharedLineState::Ready) == 0 => Some("sans ligne prête à valider"),
                _ => None,
            };
            if let Some(statut) = statut {
                let refused = RegistrationRefusal::filled(MessageCode::EReq06, &[("statut", statut)]);
                return self.refused(actor.event(event, id), refused).await;
            }
            if !confirmed {
                return self.refused(actor.event(event, id), refusal(MessageCode::ELeg01)).await;
            }
            if self.begin_phase(&actor, lot, LotPhase::Validating, event).await?.is_some() {
                return Ok(sheet);
            }
        }
        Err(Error::Contended { number: id.to_owned() }.into())
    }
}
