//! The verifiable log of published files (interop §11.3), below `$bulk-publish`.
//!
//! | Address | Answer |
//! |---|---|
//! | `checkpoint` | the signed state of the log (C2SP tlog-checkpoint) |
//! | `tile/…` | a tile of its tree (C2SP tlog-tiles) |
//! | `key` | the public keys: a client pins one that it got on another way, and compares |
//! | `root.sig`, `pages/{name}.sig` | the signature of a page |
//! | `files/{digest}.salts` | the salts of the lines of a file, made when they are asked for and never kept (TLOG-6) |

use std::io::Read;

use annuaire_bulk::{Found, LogError, Tile, TreePart};
use axum::http::{StatusCode, header};

use super::published_tree::{here, tree};
use crate::answer::{Answer, AnswerMedia};
use crate::call::Call;
use crate::door::FhirDoor;
use crate::error::ApiError;
use crate::limits::PAGE_KEPT;

/// Signed state of the log.
pub(crate) fn published_checkpoint<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "bulk-publish-checkpoint";
    proof(pass, call, TreePart::Checkpoint)
}

/// Public keys.
pub(crate) fn published_key<P: FhirDoor>(pass: P::Pass, call: &mut Call<'_, P>, _: [&str; 2]) -> Result<Answer, ApiError> {
    call.subject.route = "bulk-publish-key";
    proof(pass, call, TreePart::Key)
}

/// Signature of the root page.
pub(crate) fn published_root_signature<P: FhirDoor>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    _: [&str; 2],
) -> Result<Answer, ApiError> {
    call.subject.route = "bulk-publish-signature";
    proof(pass, call, TreePart::RootSignature)
}

/// A tile. Tiles of a checkpoint never change.
pub(crate) fn published_tile<P: FhirDoor, const N: usize>(
    pass: P::Pass,
    call: &mut Call<'_, P>,
    segments: [&str; N],
) -> Result<Answer, ApiError> {
    call.subject.route = "bulk-publish-tile";
    let tile = Tile::parse(&format!("tile/{}", segments.join("/"))).map_err(|_| ApiError::no_such_address())?;
    let tree = tree(pass, call)?;
    let bytes = match tree.proof(TreePart::Tile(tile)).map_err(ApiError::internal)? {
        // It grew since the checkpoint of the client was made.
        Found::Never if !tile.is_full() => tree.proof(TreePart::Tile(tile.full())).map_err(ApiError::internal)?,
        found => found,
    };
    let answer = Answer { media: AnswerMedia::Plain, ..Answer::fhir(StatusCode::OK, here(bytes)?) };
    let answer = answer.with(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    // Leaves of a page that was not published may be written over, so a tile is kept for a short time unless it is full.
    let kept = if tile.is_full() { 86_400 } else { PAGE_KEPT };
    Ok(answer.with(header::CACHE_CONTROL, format!("public, max-age={kept}")))
}

/// A part of the log that is text.
pub(super) fn proof<P: FhirDoor>(pass: P::Pass, call: &Call<'_, P>, part: TreePart<'_>) -> Result<Answer, ApiError> {
    let bytes = here(tree(pass, call)?.proof(part).map_err(ApiError::internal)?)?;
    let answer = Answer { media: AnswerMedia::Plain, ..Answer::fhir(StatusCode::OK, bytes) };
    Ok(answer.with(header::CACHE_CONTROL, format!("public, max-age={PAGE_KEPT}")))
}

/// The salts of a file.
pub(super) fn salts<P: FhirDoor>(pass: P::Pass, call: &Call<'_, P>, sha256: &str) -> Result<Answer, ApiError> {
    let tree = tree(pass, call)?;
    let salts = tree.salts().ok_or_else(ApiError::no_such_address)?;
    let file = here(tree.file(&format!("{sha256}.ndjson")))?;
    // Some microseconds for each line.
    call.needs_the_lane()?;
    let mut lines = Vec::new();
    file.open_decoded(0).and_then(|mut from| from.read_to_end(&mut lines)).map_err(ApiError::internal)?;
    let snapshot = call.store(pass)?.snapshot().map_err(ApiError::internal)?;
    let sidecar = salts.sidecar(&snapshot, &lines).map_err(|error| match error {
        // Deletions have none.
        LogError::Type => ApiError::no_such_address(),
        error => ApiError::internal(error),
    })?;
    Ok(Answer::plain(StatusCode::OK, sidecar).with(header::CACHE_CONTROL, "no-store".to_owned()))
}
