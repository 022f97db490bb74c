//! Limits of an import, in one place. Data beyond a limit is refused with a message that names it.

/// Bytes that the pieces of all files of a call may occupy in memory before they are sorted through disk.
pub const SORT_BYTES: usize = 1 << 30;
/// Bytes of lines, or of sorted groups, that one thread takes at a time.
pub const BLOCK_BYTES: usize = 1 << 20;
/// Bytes of a line.
pub const LINE_BYTES: u64 = 1 << 20;
/// Lines, or records, of one file: five times the largest file of the country. The hashes that find duplicates take 300 MB at
/// this limit.
pub const LINES: u64 = 25_000_000;
/// Bytes of a record of a JSON document. A legal person of FINESS+ with a thousand establishments of four activities each
/// takes about 9 MiB.
pub const RECORD_BYTES: usize = 16 << 20;
/// JSON objects and arrays in one record: each takes several hundred bytes once parsed, however short it is written.
pub const RECORD_OBJECTS: usize = 200_000;
/// Bytes of a FHIR resource.
pub const RESOURCE_BYTES: usize = 1 << 20;
/// Bytes of a piece: what one line or record gives of one entity.
pub const PIECE_BYTES: usize = 2 << 20;
/// Bytes of a group: all pieces that one delivery gives of one entity. The mailboxes of a legal person or the lines of a person
/// take some KB.
pub const GROUP_BYTES: usize = 8 << 20;
/// Pieces of a group. Repeated pieces of a structure count once.
pub const GROUP_PIECES: usize = 50_000;
/// Different unknown codes of one file that are counted apart.
pub const UNKNOWN_CODES: usize = 1_000;
/// Characters of a bad value that a reason repeats.
pub const SHOWN_CHARS: usize = 60;
/// Members of an archive.
pub const MEMBERS: usize = 1_000;
/// Bytes of the directory of an archive, which is read whole to list the members.
pub const ARCHIVE_DIRECTORY_BYTES: u64 = 1 << 20;
/// Bytes that come out of a compressed file for each byte that goes in. Official files compress 8 to 30 times.
pub const EXPANSION: u64 = 200;
/// Bytes that may come out of a compressed file whatever its own size.
pub const EXPANSION_FLOOR: u64 = 64 << 20;
/// Bytes that may come out of one compressed file in all.
pub const EXPANDED_BYTES: u64 = 64 << 30;
/// First bytes of a text, by which its kind is recognised.
pub const HEAD_BYTES: usize = 64 << 10;
/// Rejected lines that the report lists; those beyond are counted.
pub const REPORTED_LINES: usize = 1_000;
/// Share of the columns of a header that its format must know, per cent.
pub const EXPLAINED_PERCENT: usize = 80;
/// Entities that a report gives as examples of what was created, of what changed and of what ended.
pub const EXAMPLES: usize = 10;
/// Times that what was read is compared with the registry before the import gives up, because others changed its sources each time:
/// another import, or a withdrawal by law. Each time one of them was committed, so of eight imports at once the last needs eight.
pub const ATTEMPTS: u32 = 20;
/// Notes read from the registry at a time.
pub const NOTES: u32 = 100;
/// Objects read from the registry at a time.
pub const PAGE: u32 = 10_000;
/// Share of the objects of a source that may appear or end in one delivery (source-files §13, guard 2), per cent.
pub const VOLUME_PERCENT: u64 = 5;
/// Number of lines or objects below which unreadable lines, created objects and changed objects are not compared with a share:
/// in a small registry a handful is already several per cent. Ended objects always are.
pub const VOLUME_FLOOR: u64 = 100;
/// Objects of a kind that may end in one delivery whatever their share, but never more than half of them (one when there
/// is one): a registry of three persons can lose one.
pub const VOLUME_FEW: u64 = 5;
/// Share of the objects of a source from which on their end is a warning, per mille.
pub const WARNING_PER_MILLE: u64 = 5;
/// Share of the objects of a source that may change in one delivery, per cent.
pub const CHANGED_PERCENT: u64 = 20;
/// Share of the lines of one profession in one department that may go in one delivery, per cent.
pub const GROUP_PERCENT: u64 = 20;
/// Lines of a profession, of a department or of both that may go whatever their share, but never more than half of them.
pub const GROUP_FEW: u64 = 10;
/// Last entities of a file that are remembered: when all of them are missing from the next file, that one is cut.
pub const TAIL: usize = 3;
/// Known entities after the last one of a file that may end; with more of them the file is cut.
pub const TAIL_FEW: u64 = 1;
/// Characters that the reason for a mass change has at least.
pub const REASON_MIN: usize = 10;
/// Lines over which a quoted field may go.
pub const JOINED_LINES: usize = 20;
/// Lines of one file that may be put in quarantine; with more of them the file is refused.
pub const QUARANTINED_LINES: usize = 20_000;
/// Lines of one source in quarantine beyond which no object of the source ends.
pub const TRUSTED_LINES: usize = 1_000;
/// Keys of entities that one line may name.
pub const CANDIDATES: usize = 256;
/// Characters of a reason that are kept.
pub const REASON_CHARS: usize = 200;
/// Digits from which on a reason is kept without its digits: a social security number has thirteen.
pub const LONG_NUMBER: usize = 13;
/// Share of the national numbers of a file that have a valid key at least (guard 4), per cent.
pub const VALID_KEYS_PERCENT: u64 = 99;
