//! The publication stores of an installation: opening them and bringing them to the end of the log.

use crate::clock::now_ms;
use crate::data_place::{DataPlace, RetainedVersions, STORES, create_private, store_name};
use crate::progress::SharedTell;
use crate::renewal::{remove_unfinished, renew};
use annuaire_base::Tx;
use annuaire_fhir::{Guide, Perimeter, View};
use annuaire_index::Index;
use annuaire_publish::{Error as PublishError, SetAside};
use annuaire_store::BlockingRegistry;
use anyhow::{Context, Result, bail};
use std::sync::Arc;
use std::time::Duration;

/// The publication stores of a data directory.
pub(crate) struct Stores {
    pub(crate) public: Arc<Index>,
    /// Present once a server was started with a restricted credential.
    pub(crate) restricted: Option<Arc<Index>>,
    guide: Guide,
    /// Stores that an earlier version of the program filled: they are served, and made again before they are continued.
    former: Vec<Perimeter>,
    retained: RetainedVersions,
}

/// What becomes of a store that an earlier version of the program wrote.
enum Former {
    /// It was made again.
    MadeAgain,
    /// It can be read: it is served as it is, until it is made again.
    Served(Box<Index>),
}

/// Result of bringing all stores to the end of the log.
#[derive(Default)]
pub(crate) struct FollowedStores {
    /// New resource versions.
    pub(crate) versions: u64,
    /// Objects that could not be published, each with the name of its store.
    pub(crate) set_aside: Vec<(&'static str, SetAside)>,
}

/// Whether a command needs the restricted store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RestrictedStore {
    /// Opened when it exists.
    IfPresent,
    /// Made when it is absent: a server has callers for it.
    Needed,
}

/// Name of a guide in options and in the configuration.
fn guide_name(guide: Guide) -> &'static str {
    match guide {
        Guide::V120 => "v120",
        Guide::V110 => "v110",
    }
}

/// Opens a store; `None` when another version of the program wrote it.
fn open(place: &DataPlace, view: View) -> Result<Option<Index>> {
    let name = store_name(view.perimeter);
    let dir = place.data.join(name);
    create_private(&dir)?;
    match annuaire_publish::open(&dir, place.map_bytes, view) {
        Ok(index) => Ok(Some(index)),
        Err(PublishError::Outdated) => Ok(None),
        Err(PublishError::OtherView { found, wanted }) => {
            let asked = guide_name(view.guide);
            bail!(
                "{}: the store holds {found}, and this command asks for {wanted}: give the --guide of the store, or make the \
                 stores again with `annuaire rebuild --guide {asked}`",
                dir.display()
            )
        }
        Err(PublishError::Index(e @ annuaire_index::Error::Corrupt(_))) => {
            let dir = dir.display();
            Err(e).with_context(|| format!("the {name} store ({dir}) is damaged; `annuaire rebuild` makes it again from the log"))
        }
        Err(e) => Err(e).with_context(|| format!("the {name} store ({})", dir.display())),
    }
}

/// Makes a store again that another version of the program wrote.
fn renew_outdated(place: &DataPlace, view: View, tell: &SharedTell) -> Result<Former> {
    let name = store_name(view.perimeter);
    eprintln!("the {name} store was written by another version of the program; it is made again from the log");
    renew(place, view, &place.registry()?, tell)?;
    Ok(Former::MadeAgain)
}

/// Why a store that can be read must be made again: another version of the program wrote it, or it holds another perimeter.
/// `None` when it need not.
pub(crate) fn reason_to_renew(place: &DataPlace, perimeter: Perimeter) -> Result<Option<String>> {
    let name = store_name(perimeter);
    let view = View { guide: Guide::V120, perimeter };
    match annuaire_publish::open(&place.data.join(name), place.map_bytes, view) {
        Ok(_) => Ok(None),
        Err(PublishError::Outdated) => {
            Ok(Some("written by another version of the program: the next import or server makes it again from the log".into()))
        }
        // Another guide than the first one is the operator's choice.
        Err(PublishError::OtherView { found, .. }) => {
            Ok((!found.contains(name)).then(|| format!("holds {found}: make the stores again with `annuaire rebuild`")))
        }
        Err(e) => Err(e.into()),
    }
}

impl Stores {
    /// Opens the public store, and the restricted one when it exists.
    ///
    /// # Errors
    /// Also for a store that another version of the program wrote.
    pub(crate) fn open(place: &DataPlace, guide: Guide) -> Result<Self> {
        Self::open_with(place, guide, RestrictedStore::IfPresent, &mut |view| {
            let name = store_name(view.perimeter);
            bail!("the {name} store was written by another version of the program: make the stores again with `annuaire rebuild`")
        })
    }

    /// Opens the stores, and makes again from the log those that another version of the program wrote.
    ///
    /// The caller has the right to publish.
    pub(crate) fn open_renewed(place: &DataPlace, guide: Guide, restricted: RestrictedStore, tell: &SharedTell) -> Result<Self> {
        Self::remove_unfinished(place)?;
        Self::open_with(place, guide, restricted, &mut |view| renew_outdated(place, view, tell))
    }

    /// Opens the stores for a server. One that another version of the program wrote is served as it is when it can be read,
    /// and made again by the thread that follows the log ([`Stores::is_former`]); otherwise it is made again first.
    ///
    /// The caller has the right to publish.
    pub(crate) fn open_served(place: &DataPlace, guide: Guide, restricted: RestrictedStore, tell: &SharedTell) -> Result<Self> {
        Self::remove_unfinished(place)?;
        Self::open_with(place, guide, restricted, &mut |view| {
            let dir = place.data.join(store_name(view.perimeter));
            match annuaire_publish::open_former(&dir, place.map_bytes, view) {
                Ok(Some(index)) => Ok(Former::Served(Box::new(index))),
                // What cannot be read is made again.
                Ok(None) | Err(_) => renew_outdated(place, view, tell),
            }
        })
    }

    /// Opens the store of a directory that copies another one; `again` copies what another version of the program wrote.
    pub(crate) fn open_copied(place: &DataPlace, guide: Guide, again: &mut dyn FnMut() -> Result<()>) -> Result<Self> {
        Self::remove_unfinished(place)?;
        Self::open_with(place, guide, RestrictedStore::IfPresent, &mut |_| again().map(|()| Former::MadeAgain))
    }

    fn remove_unfinished(place: &DataPlace) -> Result<()> {
        STORES.iter().try_for_each(|store| remove_unfinished(place, store))
    }

    /// Opens the stores; `outdated` mends or refuses one that another version of the program wrote.
    fn open_with(
        place: &DataPlace,
        guide: Guide,
        restricted: RestrictedStore,
        outdated: &mut dyn FnMut(View) -> Result<Former>,
    ) -> Result<Self> {
        let mut former = Vec::new();
        let mut open_one = |perimeter| -> Result<Arc<Index>> {
            let view = View { guide, perimeter };
            let index = match open(place, view)? {
                Some(index) => index,
                None => match outdated(view)? {
                    Former::MadeAgain => open(place, view)?.context("a store just made is of another version")?,
                    Former::Served(index) => {
                        former.push(perimeter);
                        *index
                    }
                },
            };
            Ok(Arc::new(index))
        };
        let public = open_one(Perimeter::Public)?;
        let needed = restricted == RestrictedStore::Needed || place.data.join(store_name(Perimeter::Restricted)).exists();
        let restricted = needed.then(|| open_one(Perimeter::Restricted)).transpose()?;
        Ok(Self { public, restricted, guide, former, retained: place.retained })
    }

    /// How long a store keeps versions that were replaced.
    pub(crate) fn retained(&self, perimeter: Perimeter) -> Option<Duration> {
        self.retained.of(perimeter)
    }

    /// Whether the store of a perimeter must be made again before it can be continued.
    pub(crate) fn is_former(&self, perimeter: Perimeter) -> bool {
        self.former.contains(&perimeter)
    }

    /// Checks that the stores hold this guide: otherwise nothing could be published after a commit. Opens each store.
    ///
    /// # Errors
    /// For a store of another guide; one of another version of the program is made again later.
    pub(crate) fn check_guide(place: &DataPlace, guide: Guide) -> Result<()> {
        for perimeter in [Perimeter::Public, Perimeter::Restricted] {
            if place.store_file(store_name(perimeter)).exists() {
                open(place, View { guide, perimeter })?;
            }
        }
        Ok(())
    }

    /// Each store with the view that it holds.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&'static str, &Arc<Index>, View)> {
        let view = |perimeter| View { guide: self.guide, perimeter };
        let restricted = self.restricted.iter().map(move |i| ("restricted", i, view(Perimeter::Restricted)));
        std::iter::once(("public", &self.public, view(Perimeter::Public))).chain(restricted)
    }

    /// Applies the transactions that stores lack, then removes versions that were closed long ago. When one store fails, the others
    /// are still brought forward; the first failure is returned at the end.
    pub(crate) fn follow(&self, registry: &BlockingRegistry, tell: &SharedTell) -> Result<FollowedStores> {
        let mut all = FollowedStores::default();
        let mut failure = None;
        for (name, index, view) in self.each() {
            match annuaire_publish::follow(registry, index, view, &**tell) {
                Ok(done) => {
                    if let Some(retained) = self.retained(view.perimeter) {
                        tell(&format!("removing old versions from the {name} store"), 0, 0);
                        let since_ms = now_ms().saturating_sub(i64::try_from(retained.as_millis()).unwrap_or(i64::MAX));
                        if let Err(e) = annuaire_publish::compact(index, since_ms, &|| true) {
                            let why = anyhow::Error::new(e).context(format!("removing old versions from the {name} store"));
                            failure.get_or_insert(why);
                        }
                    }
                    all.versions += done.versions;
                    all.set_aside.extend(done.set_aside.into_iter().map(|aside| (name, aside)));
                }
                Err(e) => {
                    failure.get_or_insert(anyhow::Error::new(e).context(format!("the {name} store")));
                }
            }
        }
        failure.map_or(Ok(all), Err)
    }

    /// The last transaction that every store has.
    pub(crate) fn applied_tx(&self) -> Tx {
        self.each().map(|(_, index, _)| index.applied_tx()).min().unwrap_or_default()
    }
}
