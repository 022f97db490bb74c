//! A store that copies another one: it gets versions as that one tells them, numbers, transactions and instants included.
//!
//! The log of such a store is that of its origin. What it may show was decided there; that nothing else arrives is checked here by the
//! same enumeration.

use annuaire_base::Tx;
use annuaire_batch::parallel;
use annuaire_fhir::foreign::copied_form;
use annuaire_fhir::{View, schema};
use annuaire_index::{GroupItem, Index, Prepared, Preparer, TxEnd};
use annuaire_terms::TypeId;

use crate::error::Error;
use crate::limits;

/// A version that another store told.
#[derive(Debug, Clone)]
pub struct CopiedVersion {
    /// Transaction that wrote it, not before that of the version before it.
    pub tx: Tx,
    /// Instant of that transaction, milliseconds since 1970 UTC.
    pub commit_ms: i64,
    /// Name of its type.
    pub ty: String,
    /// Logical id of the resource.
    pub id: String,
    /// Number of the version.
    pub number: u32,
    /// What it says.
    pub content: CopiedContent,
}

/// What a version says.
#[derive(Debug, Clone)]
pub enum CopiedContent {
    /// The resource, as JSON with its `meta`.
    Resource(String),
    /// The resource vanished.
    Vanished,
    /// The resource was withdrawn by law: its content goes, in all its versions (WDR-2).
    Withdrawn,
}

/// A version that was made ready.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are resources: a box for each would cost more than the bytes of a tombstone"
)]
enum Made {
    Resource(Prepared),
    Vanished(TypeId, String, u32),
    Withdrawn(TypeId, String),
}

/// A made version, with its transaction and instant.
type MadeVersion = (Tx, i64, Made);

/// Applies versions in the order in which the origin told them, and returns the number of new versions. `reached`, asked when the last
/// version was taken, is the transaction whose state they lead to, with its instant. Several small transactions share a commit. A transaction that the store has already is passed over, so that lines may
/// come twice. `expected` is about the number of versions: many of them are committed in larger steps.
///
/// Cost: a parse and a compression for each version, on as many threads as there are processors, and what applying a transaction costs.
///
/// # Errors
/// Those of `versions`; [`Error::Copied`] for a version that this store cannot hold as it is. Of the transaction of the last version
/// before the error nothing is applied, since it may go on after it; those before are.
pub fn apply_copied(
    index: &Index,
    view: View,
    versions: impl Iterator<Item = Result<CopiedVersion, Error>> + Send,
    reached: impl Fn() -> (Tx, i64),
    expected: u64,
) -> Result<u64, Error> {
    let feed = move |give: &dyn Fn(Vec<Result<CopiedVersion, Error>>) -> bool| {
        let mut versions = versions.peekable();
        while versions.peek().is_some() {
            if !give(versions.by_ref().take(limits::COPIED_AT_ONCE).collect()) {
                return;
            }
        }
    };
    let worker = || {
        let mut preparer = index.preparer(Tx::NONE, 0);
        move |page: Vec<Result<CopiedVersion, Error>>| -> Vec<Result<MadeVersion, Error>> {
            page.into_iter()
                .map(|version| match &mut preparer {
                    Ok(preparer) => make(view, preparer, version?),
                    Err(_) => Err(annuaire_index::Error::Refused("the state of the store cannot be read").into()),
                })
                .collect()
        }
    };
    parallel::ordered(parallel::workers(0), feed, worker, |pages| {
        let items = CopiedItems { pages, made: Vec::new().into_iter(), end: TxEnd::default(), kept: None, reached, ended: false };
        match expected >= limits::BACKLOG_COPIED {
            true => index.apply_backlog(items, None),
            false => index.apply_group(items, None),
        }
    })
}

fn make(view: View, preparer: &mut Preparer, version: CopiedVersion) -> Result<MadeVersion, Error> {
    let CopiedVersion { tx, commit_ms, ty, id, number, content } = version;
    let refused = |reason: String| Error::Copied { resource: format!("{ty}/{id}"), number, reason };
    let named = || schema::type_id(&ty).ok_or_else(|| refused(format!("{ty:?} is not a resource of the directory")));
    let made = match content {
        CopiedContent::Resource(json) => {
            let resource = copied_form(view, &json, number, commit_ms).map_err(refused)?;
            if resource.id != id || schema::type_name(resource.ty) != ty {
                return Err(refused("its line names another resource".to_owned()));
            }
            Made::Resource(preparer.prepare_copy(resource, tx, commit_ms, number)?)
        }
        CopiedContent::Vanished => Made::Vanished(named()?, id, number),
        CopiedContent::Withdrawn => Made::Withdrawn(named()?, id),
    };
    Ok((tx, commit_ms, made))
}

/// The steps of the transactions: the resources of each, then its end.
struct CopiedItems<'a, R> {
    pages: &'a mut dyn Iterator<Item = Result<Vec<Result<MadeVersion, Error>>, parallel::Lost>>,
    made: std::vec::IntoIter<Result<MadeVersion, Error>>,
    /// The transaction under way; [`Tx::NONE`] for none.
    end: TxEnd,
    /// Its first version, which came when the one before ended.
    kept: Option<MadeVersion>,
    reached: R,
    ended: bool,
}

impl<R: Fn() -> (Tx, i64)> CopiedItems<'_, R> {
    fn next_made(&mut self) -> Result<Option<MadeVersion>, Error> {
        loop {
            if let Some(kept) = self.kept.take() {
                return Ok(Some(kept));
            }
            if let Some(next) = self.made.next() {
                return next.map(Some);
            }
            match self.pages.next() {
                Some(Ok(page)) => self.made = page.into_iter(),
                Some(Err(parallel::Lost)) => return Err(Error::Panicked { tx: self.end.tx }),
                None => return Ok(None),
            }
        }
    }

    fn next_item(&mut self) -> Result<Option<GroupItem>, Error> {
        while let Some((tx, commit_ms, made)) = self.next_made()? {
            if tx != self.end.tx && self.end.tx > Tx::NONE {
                if tx < self.end.tx {
                    return Err(Error::CopiedOutOfOrder { tx, after: self.end.tx });
                }
                self.kept = Some((tx, commit_ms, made));
                return Ok(Some(GroupItem::End(std::mem::take(&mut self.end))));
            }
            (self.end.tx, self.end.commit_ms) = (tx, commit_ms);
            match made {
                Made::Resource(prepared) => return Ok(Some(GroupItem::Resource(prepared))),
                Made::Vanished(ty, id, number) => self.end.vanished.push((ty, id, number)),
                Made::Withdrawn(ty, id) => self.end.withdrawn.push((ty, id)),
            }
        }
        if self.end.tx > Tx::NONE {
            return Ok(Some(GroupItem::End(std::mem::take(&mut self.end))));
        }
        if std::mem::replace(&mut self.ended, true) {
            return Ok(None);
        }
        // The last transaction of the origin may have left nothing that stands.
        let (tx, commit_ms) = (self.reached)();
        Ok(Some(GroupItem::End(TxEnd { tx, commit_ms, ..TxEnd::default() })))
    }
}

impl<R: Fn() -> (Tx, i64)> Iterator for CopiedItems<'_, R> {
    type Item = Result<GroupItem, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_item().transpose()
    }
}
