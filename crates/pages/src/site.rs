//! What all pages of a server share.

use annuaire_index::{Error, Index, Snapshot};
use annuaire_web::{Anyone, ServedStore};

use crate::PagesSettings;
use crate::choices::FormChoices;
use crate::page::asset::AssetPaths;

/// The public store and what surrounds it.
pub(crate) struct Site {
    store: ServedStore<Index>,
    pub settings: PagesSettings,
    /// What the form of the search for people lets choose from.
    pub choices: FormChoices,
    /// Addresses of the files beside the pages.
    pub assets: AssetPaths,
    /// Mail address, or address of a page, for questions of developers.
    pub contact: Option<String>,
}

impl Site {
    pub(crate) fn new(store: ServedStore<Index>, settings: PagesSettings) -> Self {
        Self { store, settings, choices: FormChoices::of_terminologies(), assets: AssetPaths::new(), contact: None }
    }

    /// The present state of the public store, which serves at most the work that a page may cost.
    pub(crate) fn snapshot(&self, pass: Anyone) -> Result<Snapshot, Error> {
        Ok(self.unmetered_snapshot(pass)?.within(self.settings.work))
    }

    /// The present state of the public store, for pages whose work does not depend on the visitor.
    pub(crate) fn unmetered_snapshot(&self, _: Anyone) -> Result<Snapshot, Error> {
        self.store.get().snapshot()
    }
}
