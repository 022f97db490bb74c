//! What the registry already has from one source.

use crate::error::Error;
use crate::limits;
use annuaire_store::{BlockingStage, FactMark};

/// The entities that the registry has from one source, in order, with the fingerprints of their pieces. They are read by pages.
pub(super) struct KnownObjects {
    source: &'static str,
    page: std::vec::IntoIter<FactMark>,
    front: Option<FactMark>,
    last: String,
    done: bool,
}

impl KnownObjects {
    pub(super) fn new(source: &'static str) -> Self {
        Self { source, page: Vec::new().into_iter(), front: None, last: String::new(), done: false }
    }

    /// Reads until there is a next entity, or none.
    fn fill(&mut self, stage: &mut BlockingStage) -> Result<(), Error> {
        if self.front.is_none() && !self.done {
            self.front = self.page.next();
            if self.front.is_none() {
                let page = stage.known(self.source, &self.last, limits::PAGE)?;
                self.page = page.into_iter();
                self.front = self.page.next();
                self.done = self.front.is_none();
            }
            if let Some(known) = &self.front {
                self.last.clone_from(&known.entity);
            }
        }
        Ok(())
    }

    /// The next entity, when it comes before `limit`; it is taken.
    pub(super) fn pop_before(&mut self, stage: &mut BlockingStage, limit: &str) -> Result<Option<String>, Error> {
        self.fill(stage)?;
        Ok(self.front.take_if(|k| k.entity.as_str() < limit).map(|k| k.entity))
    }

    /// The fingerprint of the next entity, when it is this one; it is taken.
    pub(super) fn pop_if(&mut self, stage: &mut BlockingStage, entity: &str) -> Result<Option<u64>, Error> {
        self.fill(stage)?;
        Ok(self.front.take_if(|k| k.entity == entity).map(|k| k.fingerprint))
    }
}
