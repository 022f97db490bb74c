//! Single documents of an origin, for whoever checks what it published.

use crate::error::{Error, Result};
use crate::http::{HttpOptions, HttpSource};
use crate::origin::OriginBase;
use crate::world::World;
use std::sync::Arc;

/// Reads documents below the address of an origin: with its rate, its attempts and its bounds, as a mirror does.
pub struct OriginReader(HttpSource);

impl OriginReader {
    /// A reader of the documents below `base`.
    ///
    /// # Errors
    /// When an address, a certificate or the proxy cannot be used, or the key would travel unencrypted.
    pub fn new(base: &str, options: &HttpOptions, world: Arc<dyn World>) -> Result<Self> {
        Ok(Self(HttpSource::new(OriginBase::parse(base)?, options, world)?))
    }

    /// The bytes of a document; `None` when it is not there (404), or not any more (410). At most [`crate::limits::BODY_BYTES`].
    ///
    /// # Errors
    /// When the origin cannot be reached, or refuses, after all attempts.
    pub fn read(&mut self, below: &str) -> Result<Option<Vec<u8>>> {
        let url = self.0.origin().below(below);
        match self.0.get(&url, None, &mut |bytes| Ok(bytes.to_vec())) {
            Ok(page) => Ok(page.content),
            Err(Error::Status { status: 404 | 410, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
