//! Every number that this room adds.

/// Bytes of a form. The largest form of the portal has some fifty fields.
pub(crate) const FORM_BYTES: usize = 64 * 1024;
/// Bytes of a file of registrations that is sent up (registration §17.1: 5,000 lines).
pub(crate) const FILE_BYTES: usize = 8 * 1024 * 1024;
/// Fields of a form.
pub(crate) const FORM_FIELDS: usize = 400;
/// Sizes of pages that lists offer (registration §4.4).
pub(crate) const PAGE_SIZES: [u32; 3] = [20, 50, 100];
/// Seconds for which the choice « Agir pour » is remembered.
pub(crate) const CHOICE_SECONDS: u32 = 12 * 3_600;
/// Bytes of a path. The longest of ours names a structure and a person.
pub(crate) const PATH_BYTES: usize = 200;
