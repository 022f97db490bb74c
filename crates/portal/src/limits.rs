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
/// Days for which the code of an attestation is recognised.
pub(crate) const ATTESTATION_DAYS: i32 = 365;
/// Characters of the purpose of an access to a personal file.
pub(crate) const PURPOSE_MAX: usize = 200;
/// Characters of a typed reason, as the use cases take them.
pub(crate) const REASON_CHARS: usize = 500;
/// Events of the audit trail on a page.
pub(crate) const TRAIL_PAGE: u32 = 50;
/// Events of the audit trail in a file.
pub(crate) const TRAIL_FILE: usize = 10_000;
