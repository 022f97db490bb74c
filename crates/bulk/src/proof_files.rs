//! What a server gives of the verifiable log beside the files of a tree.

use std::sync::Arc;

use crate::error::Error;
use crate::published_check::{CopiedTree, TreeDirectory, TreePart};
use crate::published_log::PublishedSalts;
use crate::tree::{Found, PublishedTree};

/// Bytes of a part of the log at most: a tile has 8 kB.
const PROOF_BYTES: u64 = 1 << 20;

impl PublishedTree {
    /// A part of the log as it is stored: the checkpoint, the public keys, a tile, the signature of a page that is published. Nothing else is
    /// read.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn proof(&self, part: TreePart<'_>) -> Result<Found<Vec<u8>>, Error> {
        match part {
            TreePart::Checkpoint | TreePart::Key | TreePart::Tile(_) | TreePart::RootSignature => {}
            TreePart::PageSignature(name) => match self.has_page(name) {
                Found::Here(()) => {}
                Found::Removed => return Ok(Found::Removed),
                Found::Never => return Ok(Found::Never),
            },
            TreePart::Root | TreePart::Page(_) | TreePart::Lines(_) | TreePart::Salts(_) => return Ok(Found::Never),
        }
        let read = TreeDirectory(self.dir().to_owned()).part(part, PROOF_BYTES);
        let read = read.map_err(|cause| Error::File { path: self.dir().to_owned(), cause })?;
        Ok(read.map_or(Found::Never, Found::Here))
    }

    /// From now on, salts are served beside the files. Only the first call counts.
    pub fn serve_salts(&self, salts: Arc<PublishedSalts>) {
        let _ = self.salts.set(salts);
    }

    /// The salts of the files, when the tree has a log.
    #[must_use]
    pub fn salts(&self) -> Option<&PublishedSalts> {
        self.salts.get().map(|salts| &**salts)
    }
}
