//! How long, how old, how many: every number that a rule of this room compares with.

/// Youngest age of a person who may be registered, in years (V-DOB, configurable).
pub const AGE_MIN: i16 = 16;
/// Oldest age that is believed, in years (V-DOB, configurable).
pub const AGE_MAX: i16 = 100;
/// Characters of a name (V-NAME).
pub const NAME_MAX: usize = 80;
/// Characters of a department of a structure (registration §4.5).
pub const SERVICE_MAX: usize = 80;
/// Characters of an e-mail address, and of its part before the sign (V-EMAIL).
pub const EMAIL_MAX: usize = 254;
/// Characters of an e-mail address before the sign (V-EMAIL).
pub const EMAIL_LOCAL_MAX: usize = 64;
/// Characters of a reason that a person types (transitions 13 and 16).
pub const REASON_MIN: usize = 10;
/// Characters of a reason that a person types (transitions 13 and 16).
pub const REASON_MAX: usize = 500;

/// Days that a situation may begin after today (V-START).
pub const START_AHEAD_DAYS: i32 = 90;
/// Years since which a situation may last (V-START).
pub const START_BEHIND_YEARS: i16 = 50;
/// Days that a situation may be closed after today (V-END).
pub const END_AHEAD_DAYS: i32 = 180;
/// Months after which a closure is late (V-END), and which a manager may not exceed without an arbiter (registration §10.4).
pub const LATE_CLOSURE_MONTHS: i32 = 12;

/// Characters of a searched name (registration §4.5).
pub const SEARCH_NAME_MIN: usize = 3;
/// Structures that a search lists at most (E-STR-03).
pub const STRUCTURES_MAX: usize = 100;
/// Characters from which communes are proposed (registration §5.5).
pub const COMMUNE_QUERY_MIN: usize = 2;
/// Communes that are proposed at most (registration §5.5).
pub const COMMUNES_MAX: usize = 20;

/// Points from which a match is certain (registration §8.1).
pub const SCORE_CERTAIN: u8 = 95;
/// Points from which a match is probable.
pub const SCORE_PROBABLE: u8 = 80;
/// Points from which a match is possible.
pub const SCORE_POSSIBLE: u8 = 60;
/// Similarity from which two names count as near.
pub const NEAR_NAME: f64 = 0.92;

/// Searches for a person without result, for each manager and hour (registration §8.5).
pub const FRUITLESS_SEARCHES_MAX: usize = 10;
/// Length of the hour of that limit and of the lock, in milliseconds.
pub const FRUITLESS_SEARCHES_MS: i64 = 3_600_000;
/// Warnings of an identical identity elsewhere that no submission followed, for each manager and day (registration §8.5).
pub const UNFOLLOWED_WARNINGS_MAX: usize = 3;
/// Wishes for a profession of one manager that wait for an answer (registration §3.3).
pub const WISHES_OPEN_MAX: usize = 20;
/// Days within which the arbiter who merged two persons may undo it alone (registration §8.6).
pub const MERGE_UNDONE_DAYS: i32 = 30;
/// One of how many decisions of an arbiter is checked by another one (registration §4.11: 5 %).
pub const ARBITRATION_CHECK_ONE_IN: u64 = 20;
/// One of how many registrations is asked for an opinion (registration §15: 1 %).
pub const SURVEY_ONE_IN: u64 = 100;

/// Minutes before each new attempt of a processing that failed for a technical reason (transition 22). The last one repeats.
pub const RETRY_MINUTES: [u32; 5] = [1, 5, 30, 120, 720];
/// Failures from which operators are told (transition 22).
pub const RETRY_ALERT_AFTER: u32 = 3;
/// Minutes of processing after which operators, then support, are told (registration §13, `t02.alert`).
pub const PROCESSING_ALERT_MINUTES: [i64; 2] = [15, 24 * 60];
/// Working days within which an arbiter decides, and after which the lead is told (registration §13, `t03.target`).
pub const ARBITRATION_WORKING_DAYS: [u32; 2] = [5, 10];
/// Hours within which a validated request may be cancelled (transition 34).
pub const WRONG_PERSON_HOURS: i64 = 24;
/// Days after which the departure that a professional declares stands without an answer (transition 30).
pub const DEPARTURE_ANSWER_DAYS: i32 = 15;

/// Days within which a professional confirms a contact that was proposed (registration §10.5).
pub const CONTACT_PROPOSAL_DAYS: i32 = 15;
/// Hard bounces that mark an address, within [`BOUNCE_DAYS`] (registration §10.5).
pub const BOUNCES_MAX: usize = 2;
/// Days within which those bounces count.
pub const BOUNCE_DAYS: i32 = 7;
/// Months between two confirmations of a contact (registration §13).
pub const CONTACT_CONFIRM_MONTHS: i32 = 12;

/// Days between two questions to the register about a person whose number is being made (registration §9.2).
pub const CERTIFICATION_RETRY_DAYS: i32 = 30;
/// Questions after which such a person counts as not certifiable.
pub const CERTIFICATION_RETRIES: u8 = 6;
/// Days without certification after which the means of electronic identification is withheld (registration §9.3).
pub const UNCERTIFIED_DAYS: i32 = 90;

/// Days that a structure without successor leaves to move or end a suspended situation (registration §10.1).
pub const SUSPENDED_SITUATION_DAYS: i32 = 60;
/// Months after the last situation when an exercise is closed (registration §10.2).
pub const EXERCISE_CLOSED_MONTHS: i32 = 12;
/// Days before a planned end when people are told (registration §13).
pub const END_NOTICE_DAYS: [i32; 2] = [30, 7];
/// Months between two confirmations of a situation (registration §13 and §15).
pub const REVIEW_MONTHS: i32 = 12;
/// Months between two confirmations in a large structure (registration §15).
pub const REVIEW_MONTHS_LARGE: i32 = 6;
/// Persons above which a structure is large (registration §15).
pub const LARGE_STRUCTURE_PERSONS: u32 = 500;
/// Days without an answer when the legal representative is reminded, and when situations are shown as not confirmed (registration
/// §15).
pub const REVIEW_UNANSWERED_DAYS: [i32; 2] = [60, 120];
/// Days within which an anomaly that somebody reported is answered (registration §15).
pub const ANOMALY_DAYS: i32 = 30;
/// Count below which a figure of an indicator is hidden, so that nobody is recognised (registration §15: never per person).
pub const HIDDEN_BELOW: u64 = 10;
/// Counts of indicators are told in multiples of this, so that the figures of two nights do not tell of one person.
pub const SHOWN_IN: u64 = 10;

/// Months after which an unused habilitation is suspended (registration §2.4).
pub const HABILITATION_IDLE_MONTHS: i32 = 13;
/// Months without use when the manager is reminded.
pub const HABILITATION_REMINDER_MONTHS: [i32; 2] = [11, 12];
/// Months between two confirmations of the list of managers.
pub const MANAGERS_CONFIRM_MONTHS: i32 = 12;

/// Years for which the card of a home helper is valid (registration §5.7).
pub const HOME_HELP_YEARS: i16 = 5;
/// Months before its end from which it is renewed.
pub const HOME_HELP_RENEWAL_MONTHS: i32 = 3;
/// Months before its end when people are told (N21).
pub const HOME_HELP_NOTICE_MONTHS: [i32; 2] = [3, 1];
/// Hours after the number when the means of electronic identification can be activated (N26).
pub const MEANS_HOURS: i64 = 48;

/// Numbers of requests: the counter grows to this one and begins again at 1 (registration §6.1).
pub const REQUEST_COUNTER_MAX: u64 = 999_999;
/// Characters of the reference that the software of an employer gives a line (registration §17.1).
pub const REFERENCE_MAX: usize = 64;

/// Percent of its population that a delta of an authority changes without a human (registration §16.3).
pub const FEED_CHANGED_PERCENT: u64 = 5;
/// Percent of its population that a full set of an authority leaves out without a human (registration §16.3).
pub const FEED_REMOVED_PERCENT: u64 = 1;
