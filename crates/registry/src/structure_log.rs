//! Structures that the log changes are looked at again (registration §2.4): the log is followed, page by page, and a note keeps the place,
//! so that a restart goes on where the former process ended.

use crate::error::Error;
use crate::grants::AuthorityRow;
use crate::limits::FOLLOWED_STRUCTURES;
use crate::row::{PendingWrites, RegistrationRow};
use crate::service::{Registration, SystemActor};
use annuaire_base::Tx;
use annuaire_consolidate::entity_key;
use annuaire_store::{Cause, Channel};
use serde::{Deserialize, Serialize};

/// The note of the place.
const PLACE: (&str, &str) = ("registration", "structures");

/// What a step of [`Registration::follow_next`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructuresRun {
    /// Structures that were looked at.
    pub structures: u64,
    /// Authorities that were suspended, since their structure is closed.
    pub suspended: u64,
    /// Whether more waits.
    pub is_behind: bool,
}

/// How far the log was followed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct FollowedUpTo {
    /// The last transaction that is done as a whole.
    tx: u64,
    /// Of the one that follows, the last entity that is done; empty before the first.
    after: String,
}

impl Registration {
    /// Looks at a page of the structures that the next transactions of the log changed, as [`follow_structures`](Self::follow_structures)
    /// does. The first call of an installation begins at the end of the log, and so does one while no structure is attached: whoever
    /// attaches a structure sees it as it stands. Call it until nothing waits, then after each commit. Several nodes may do it at once: work is done twice then, and nothing is lost.
    ///
    /// Cost: about [`FOLLOWED_STRUCTURES`] structures (twice as many at most), their facts and a row for each, and a unit that writes the
    /// place; no transaction of the log.
    ///
    /// # Errors
    /// Those of the registry and of the search for structures; the place stays then.
    pub async fn follow_next(&self, by: &SystemActor) -> Result<StructuresRun, Error> {
        let last = self.registry().last_tx().await?;
        let nothing = StructuresRun { structures: 0, suspended: 0, is_behind: false };
        let place = self.followed_up_to().await?;
        if place.as_ref().is_some_and(|place| place.tx >= last.get()) {
            return Ok(nothing);
        }
        let nobody = self.registry().identity_rows(AuthorityRow::KIND, None, "", 1).await?.is_empty();
        let Some(mut place) = place.filter(|_| !nobody) else {
            self.keep_place(&FollowedUpTo { tx: last.get(), after: String::new() }).await?;
            return Ok(nothing);
        };
        let mut ids = Vec::new();
        while place.tx < last.get() && ids.len() < FOLLOWED_STRUCTURES as usize {
            place = self.next_structures(place, &mut ids).await?;
        }
        ids.sort_unstable();
        ids.dedup();
        let suspended = self.follow_structures(by, &ids).await?;
        self.keep_place(&place).await?;
        let is_behind = place.tx < last.get() || !place.after.is_empty();
        Ok(StructuresRun { structures: ids.len() as u64, suspended, is_behind })
    }

    /// Adds a page of the structures that the transaction after `place` changed, and returns how far that page goes.
    async fn next_structures(&self, place: FollowedUpTo, ids: &mut Vec<String>) -> Result<FollowedUpTo, Error> {
        let tx = Tx::new(place.tx).next();
        let after = if place.after.is_empty() { entity_key::structure("") } else { place.after.clone() };
        let page = self.registry().changed_entities(tx, &after, FOLLOWED_STRUCTURES).await?;
        let before = ids.len();
        ids.extend(page.iter().map_while(|entity| entity_key::id_of_structure(entity)).map(str::to_owned));
        match page.last().filter(|_| ids.len() - before == FOLLOWED_STRUCTURES as usize) {
            Some(entity) => Ok(FollowedUpTo { tx: place.tx, after: entity.clone() }),
            None => Ok(FollowedUpTo { tx: tx.get(), after: String::new() }),
        }
    }

    async fn followed_up_to(&self) -> Result<Option<FollowedUpTo>, Error> {
        let text = self.registry().note(PLACE.0, PLACE.1).await?;
        let unreadable = |cause| Error::Unreadable { kind: "structures", cause };
        text.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
    }

    async fn keep_place(&self, place: &FollowedUpTo) -> Result<(), Error> {
        let mut writes = PendingWrites::default();
        let text = serde_json::to_string(place).map_err(|cause| Error::Unreadable { kind: "structures", cause })?;
        writes.note(PLACE.0, PLACE.1, text);
        self.write(writes, &Cause::new(Channel::System, "registration", "structures that changed")).await.map(|_| ())
    }
}
