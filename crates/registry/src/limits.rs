//! How many, how long: every number that this room adds to those of `workflow`.

/// Times that a use case decides again because another one wrote first. Each time somebody else went on, so that few are needed.
pub const ATTEMPTS: u32 = 8;
/// Characters of a field of a draft. Checks ask less; a draft that is saved unchecked must not grow without end.
pub const DRAFT_FIELD_CHARS: usize = 500;
/// Bytes of a folded name in a listing.
pub const LISTED_NAME_BYTES: usize = 200;
/// Rows of a page when rows are walked.
pub const PAGE: u32 = 200;
/// Requests of a page of a list (registration §4.4).
pub const LIST_PAGE_MAX: u32 = 100;
/// Candidates that one blocking key gives at most. A key that gives more tells nothing.
pub const CANDIDATES_MAX: usize = 500;
/// Milliseconds for which a job is hidden from other nodes while it is done.
pub const LEASE_MS: i64 = 60_000;
/// Attempts to send a message before it counts as lost.
pub const SEND_ATTEMPTS: u32 = 8;
/// Milliseconds before the second attempt to send a message; the wait doubles.
pub const SEND_FIRST_MS: i64 = 30_000;
/// Longest wait between two attempts to send a message.
pub const SEND_LONGEST_MS: i64 = 3_600_000;
/// Milliseconds for which messages of the inbox and records of deliveries are kept: a year.
pub const MESSAGES_KEPT_MS: i64 = 365 * 86_400_000;
/// Hour of Paris at which timers begin (registration §13), in milliseconds after midnight.
pub const TIMER_HOUR_MS: i64 = 3 * 3_600_000;
/// Hour of Paris at which digests leave (registration §12), in milliseconds after midnight.
pub const DIGEST_HOUR_MS: i64 = 8 * 3_600_000;
/// Days for which the « finished » table of a list looks back (registration §4.4).
pub const FINISHED_DAYS: i32 = 90;
/// Lines of a correspondence file that one transaction applies: some hundred rows.
pub const CORRESPONDENCE_LINES: usize = 100;
/// Persons whose keys one unit writes: some thousand rows, for which other writers wait some tens of milliseconds.
pub const INDEXED_PERSONS: u32 = 100;
/// Structures that a step along the log looks at.
pub const FOLLOWED_STRUCTURES: u32 = 200;
/// Numbers that are tried before a range counts as used up by others.
pub const NUMBERS_TRIED: u64 = 1_000;
/// Milliseconds for which a code on a new contact is good.
pub const CODE_MS: i64 = 10 * 60_000;
/// Wrong codes after which new ones are needed.
pub const CODE_ATTEMPTS: u32 = 5;
/// Milliseconds for which a login at the portal is remembered as one login: longer than a session lasts (registration §2.7).
pub const PORTAL_SESSION_MS: i64 = 12 * 3_600_000;
/// Lines of an export of requests.
pub const EXPORT_MAX: usize = 10_000;
/// Structures of a perimeter that are listed.
pub const PERIMETER_PLACES_MAX: usize = 500;
/// Days that a filter by age looks back at most: a century, so that no date leaves the calendar.
pub const DAYS_BACK_MAX: i32 = 36_525;
/// Refusals that a dashboard reads for their reasons, the newest first.
pub const REFUSALS_MAX: u32 = 1_000;
/// Persons of a perimeter up to which a dashboard reads the staff.
pub const DASHBOARD_PERSONS_MAX: u32 = 500;
/// Persons under one key of identity up to which pairs are compared at night. A key that more share tells nothing.
pub const DUPLICATE_GROUP_MAX: usize = 200;
/// Jobs of the operators that a list shows at most.
pub const OPERATOR_JOBS_MAX: u32 = 1_000;
/// Events of the trail of a page.
pub const AUDIT_PAGE_MAX: u32 = 200;
/// Months between two reminders of managers that nobody confirms.
pub const MANAGERS_REMINDER_MONTHS: i32 = 1;
/// Managers of one target that are read at most.
pub const MANAGERS_MAX: usize = 10_000;
/// Wishes for a profession that are listed.
pub const WISHES_MAX: usize = 1_000;
/// Milliseconds for which a list of an employer is kept (registration §17.2): seven days.
pub const LOT_KEPT_MS: i64 = 7 * 86_400_000;
/// Milliseconds for which a reference of the software of an employer leads to its request.
pub const REFERENCE_KEPT_MS: i64 = 400 * 86_400_000;
/// Lines of a list (registration §17.1).
pub const LOT_LINES_MAX: usize = 5_000;
/// Lines of a page of a list: what a node takes in charge at once.
pub const LOT_PAGE_LINES: usize = 50;
/// Bytes of a page of a list, before it is sealed.
pub const LOT_PAGE_BYTES: usize = 120_000;
/// Characters of the name of a file.
pub const LOT_NAME_CHARS: usize = 120;
/// Lists of a manager that are shown.
pub const LOTS_SHOWN: usize = 100;
/// Numbers that a refusal names; the others are counted.
pub const LOT_NUMBERS_TOLD: usize = 20;
/// Milliseconds for which a token of a software is good: ten minutes.
pub const SOFTWARE_TOKEN_MS: i64 = 10 * 60_000;
/// Characters of the name of a software.
pub const SOFTWARE_NAME_CHARS: usize = 80;
/// Software of one authority.
pub const SOFTWARE_MAX: usize = 50;
/// Changes of a page of the feed for software.
pub const EVENTS_MAX: u32 = 200;
/// Milliseconds that a change waits before the feed for software tells it: what another node dated earlier is committed by then.
pub const EVENTS_SETTLED_MS: i64 = 5_000;
/// Situations that a manager confirms at once: a page.
pub const REVIEWED_AT_ONCE: usize = 100;
/// Days between two messages on what a structure has to confirm, and for an answer when every term is over.
pub const REVIEW_MESSAGE_DAYS: i32 = 30;
/// Reports of an anomaly that are taken of one address of the network within an hour.
pub const ANOMALIES_PER_HOUR: usize = 10;
/// Milliseconds within which reports of an address are counted.
pub const ANOMALY_SOURCE_MS: i64 = 3_600_000;
/// Milliseconds for which an answered report is kept: a year.
pub const ANOMALY_KEPT_MS: i64 = 365 * 86_400_000;
/// Months after which a professional is asked whether a verified contact is still exact (registration §13, `contact.confirm`).
pub const CONTACT_CONFIRMED_MONTHS: i32 = 12;
/// Questions to the civil register that one call gives.
pub const CIVIL_QUESTIONS_MAX: u32 = 10_000;
/// Milliseconds for which a question to the civil register is kept, so that its answer, or a later notice of a change or a death, finds
/// the person: more than two rounds of the yearly question.
pub const CIVIL_QUESTION_KEPT_MS: i64 = 800 * 86_400_000;
/// Characters of a name that the civil register answers.
pub const REGISTER_NAME_CHARS: usize = 200;
/// Given names of one person that the civil register answers.
pub const REGISTER_GIVEN_NAMES: usize = 20;
/// Months after which a certified civil status is asked for again (registration §9.2).
pub const CERTIFIED_MONTHS: i32 = 12;
/// Milliseconds for which a batch of an authority, its lines and its acknowledgement are kept: thirty days.
pub const FEED_KEPT_MS: i64 = 30 * 86_400_000;
/// Bytes of a batch of an authority. It is in memory as a whole while it is ordered.
pub const FEED_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes of a line of a batch.
pub const FEED_LINE_BYTES: usize = 64 * 1024;
/// Lines of a page of a batch: what a node takes in charge at once.
pub const FEED_PAGE_LINES: usize = 50;
/// Bytes of lines of a page of a batch, before it is sealed.
pub const FEED_PAGE_BYTES: usize = 120_000;
/// Characters of a reference of an authority.
pub const FEED_SOURCE_CHARS: usize = 100;
/// Characters of any other text of a line.
pub const FEED_TEXT_CHARS: usize = 200;
/// Elements of a list of a line.
pub const FEED_LIST_MAX: usize = 100;
/// Batches of an authority that are listed, the newest first.
pub const FEEDS_SHOWN: usize = 50;
/// Months that indicators look back: a closure, a decision, a message, a merge (registration §15).
pub const INDICATOR_MONTHS: i32 = 12;
/// Months before today since which a request was begun that may have ended in those twelve.
pub const INDICATOR_BEGUN_MONTHS: i32 = 24;
/// Persons whose facts the count of indicators reads at once.
pub const INDICATOR_PERSONS: usize = 50;
/// Structures of which a home page compares the quality.
pub const SCORED_PLACES: usize = 50;
/// Milliseconds for which a decision that two arbiters made is kept after the second one: ninety days.
pub const SECOND_LOOK_KEPT_MS: i64 = 90 * 86_400_000;
/// Warnings of an identical identity elsewhere that are kept of a manager and day.
pub const OUTSIDE_WARNINGS_MAX: usize = 50;
/// Days between a registration and the survey about it.
pub const SURVEY_AFTER_DAYS: i32 = 7;
/// Days within which a survey is answered.
pub const SURVEY_DAYS: i32 = 30;
/// Milliseconds for which an answer to the survey is counted: a year.
pub const SURVEY_ANSWER_KEPT_MS: i64 = 365 * 86_400_000;
