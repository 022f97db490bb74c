//! What left a state: versions of now that stand no more.

use std::collections::BTreeSet;

use annuaire_index::{RoaringBitmap, Row, Snapshot, Tombstone, Version};
use annuaire_terms::TypeId;

/// Types and ids of resources that left.
pub(crate) type Departed = BTreeSet<(&'static str, String)>;

/// Adds the resources of a type that left, among versions that do not stand. Whether one of them was withdrawn by law.
pub(crate) fn note_departed(
    snapshot: &Snapshot,
    (number, name): (TypeId, &'static str),
    rows: &RoaringBitmap,
    departed: &mut Departed,
) -> Result<bool, annuaire_index::Error> {
    let (mut reader, mut version) = (snapshot.reader(), Version::default());
    let mut withdrawn = false;
    for row in rows {
        reader.read(Row::new(row), &mut version)?;
        withdrawn |= version.tombstone == Some(Tombstone::WithdrawnByLaw);
        // One that came back is among what stands.
        if version.tombstone.is_some() && !snapshot.exists(number, version.id())? {
            departed.insert((name, version.id().to_owned()));
        }
    }
    Ok(withdrawn)
}
