//! What is due when nobody acts (registration §13).
//!
//! Days are calendar days of Paris and begin at 03:00 ([`timer_day`](crate::day::timer_day)). An action that was not carried out
//! on its day, because the program stood still, is due on every later day until it is done. While a request is frozen reminders
//! are silent and the expiry still comes: §6.3 lets frozen requests expire, although row 33 lets timers « resume ».

use crate::day::{Day, plus_days, plus_years};
use crate::limits::{ARBITRATION_WORKING_DAYS, PROCESSING_ALERT_MINUTES};
use crate::request::RequestFacts;
use crate::state::RequestState::{self, S10, S11, S20, S25, S35, S50, S51, S60, S61, S70};
use jiff::civil::Weekday;

macro_rules! timer_keys {
    ($($variant:ident $key:literal $default:literal $effect:literal;)*) => {
        /// A timer, by the key of its setting.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum TimerKey {
            $(#[doc = $effect] $variant,)*
        }

        impl TimerKey {
            /// Every timer, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The key, such as `draft.remind`.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// The times of the reference, in words.
            #[must_use]
            pub const fn default_words(self) -> &'static str {
                match self { $(Self::$variant => $default,)* }
            }

            /// What it does, in words.
            #[must_use]
            pub const fn effect_words(self) -> &'static str {
                match self { $(Self::$variant => $effect,)* }
            }
        }
    };
}

timer_keys! {
    DraftRemind "draft.remind" "60 d, 83 d after the last save" "N13 to the author";
    DraftExpire "draft.expire" "90 d" "S10 → S61";
    DraftProExpire "draft.pro.expire" "30 d without submission, reminder 20 d" "S11 → S61";
    InstructionRemind "t01.remind" "7, 15, 30 d" "N13 to the authority, and to the legal representative at 30";
    InstructionExpire "t01.expire" "90 d (60 d when no manager)" "S20 → S61";
    ComplementExpire "complement.expire" "30 d, reminder 20 d" "S25 → S61";
    ProcessingAlert "t02.alert" "15 min, 24 h" "operators, then support";
    ArbitrationTarget "t03.target" "5 working days; escalate 10" "arbiters, then their lead";
    TerminalPurge "terminal.purge" "S60, S61: 30 d; S50, S51, S70: 1 year" "personal data erased; number, dates, status, actor kept";
    SituationEndNotice "situation.endnotice" "30, 7 d before the planned end" "N19";
    SituationReview "situation.review" "12 months since the last confirmation (6 above 500 persons)" "N20";
    HabilitationIdle "habilitation.idle" "13 months, reminders 11, 12" "suspended";
    ContactConfirm "contact.confirm" "12 months" "the professional is asked to confirm";
    CertificationRetry "certification.retry" "30 d × 6" "the register is asked again while NCI";
}

/// What a timer of a request asks the caller to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimerDeed {
    /// Send N13 to the author.
    RemindAuthor,
    /// Send N13 to the managers of the authority.
    RemindAuthority,
    /// Send N13 to the managers and to the legal representative.
    RemindRepresentative,
    /// Send the event [`RequestEvent::Expire`](crate::request::RequestEvent::Expire).
    Expire,
    /// Tell the arbiters that the target time is over.
    TellArbiters,
    /// Tell the lead of the arbiters.
    TellArbitrationLead,
    /// Erase personal data; number, dates, status and actor stay.
    Purge,
}

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerAction {
    /// The day on which it became due.
    pub on: Day,
    /// The timer.
    pub key: TimerKey,
    /// What to do.
    pub deed: TimerDeed,
}

/// A time after which a timer of a request acts.
#[derive(Clone, Copy)]
enum Delay {
    Days(i32),
    WorkingDays(u32),
    Years(i16),
}

/// Which requests of a state a rule is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Either,
    Yes,
    No,
}

type RequestTimer = (TimerKey, &'static [RequestState], Waiting, Delay, TimerDeed);

const RULES: &[RequestTimer] = &[
    (TimerKey::DraftRemind, &[S10], Waiting::Either, Delay::Days(60), TimerDeed::RemindAuthor),
    (TimerKey::DraftRemind, &[S10], Waiting::Either, Delay::Days(83), TimerDeed::RemindAuthor),
    (TimerKey::DraftExpire, &[S10], Waiting::Either, Delay::Days(90), TimerDeed::Expire),
    (TimerKey::DraftProExpire, &[S11], Waiting::Either, Delay::Days(20), TimerDeed::RemindAuthor),
    (TimerKey::DraftProExpire, &[S11], Waiting::Either, Delay::Days(30), TimerDeed::Expire),
    (TimerKey::InstructionRemind, &[S20], Waiting::No, Delay::Days(7), TimerDeed::RemindAuthority),
    (TimerKey::InstructionRemind, &[S20], Waiting::No, Delay::Days(15), TimerDeed::RemindAuthority),
    (TimerKey::InstructionRemind, &[S20], Waiting::Either, Delay::Days(30), TimerDeed::RemindRepresentative),
    (TimerKey::InstructionExpire, &[S20], Waiting::No, Delay::Days(90), TimerDeed::Expire),
    (TimerKey::InstructionExpire, &[S20], Waiting::Yes, Delay::Days(60), TimerDeed::Expire),
    (TimerKey::ComplementExpire, &[S25], Waiting::Either, Delay::Days(20), TimerDeed::RemindAuthor),
    (TimerKey::ComplementExpire, &[S25], Waiting::Either, Delay::Days(30), TimerDeed::Expire),
    (
        TimerKey::ArbitrationTarget,
        &[S35],
        Waiting::Either,
        Delay::WorkingDays(ARBITRATION_WORKING_DAYS[0]),
        TimerDeed::TellArbiters,
    ),
    (
        TimerKey::ArbitrationTarget,
        &[S35],
        Waiting::Either,
        Delay::WorkingDays(ARBITRATION_WORKING_DAYS[1]),
        TimerDeed::TellArbitrationLead,
    ),
    (TimerKey::TerminalPurge, &[S60, S61], Waiting::Either, Delay::Days(30), TimerDeed::Purge),
    (TimerKey::TerminalPurge, &[S50, S51, S70], Waiting::Either, Delay::Years(1), TimerDeed::Purge),
];

impl Delay {
    fn after(self, since: Day) -> Day {
        match self {
            Self::Days(days) => plus_days(since, days),
            Self::WorkingDays(days) => plus_working_days(since, days),
            Self::Years(years) => plus_years(since, years),
        }
    }
}

/// The day some working days later. Working days are Monday to Friday; public holidays count as such.
#[must_use]
pub fn plus_working_days(since: Day, days: u32) -> Day {
    let mut day = since;
    let mut left = days;
    while left > 0 && day < Day::MAX {
        day = plus_days(day, 1);
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    day
}

/// Everything that a request will undergo in its present state if nobody acts, in order of days.
#[must_use]
pub fn schedule(facts: &RequestFacts) -> Vec<TimerAction> {
    let Some(state) = facts.state else { return Vec::new() };
    let waiting = if facts.waiting_for_manager { Waiting::Yes } else { Waiting::No };
    let mut actions: Vec<TimerAction> = RULES
        .iter()
        .filter(|(_, states, of, _, _)| states.contains(&state) && (*of == Waiting::Either || *of == waiting))
        .map(|(key, _, _, delay, deed)| TimerAction { on: delay.after(facts.since), key: *key, deed: *deed })
        .collect();
    actions.sort();
    actions
}

/// What is due for a request and was not done. `done` are the actions carried out since the state began or the draft was last
/// saved. Of several reminders that are late only the last is due: nobody wants three letters on one morning. An expiry makes
/// them all needless.
#[must_use]
pub fn due(facts: &RequestFacts, done: &[TimerAction], today: Day) -> Vec<TimerAction> {
    let late: Vec<TimerAction> = schedule(facts).into_iter().filter(|action| action.on <= today).collect();
    let last = |of: fn(TimerDeed) -> bool| late.iter().rfind(|action| of(action.deed)).copied();
    let ends = last(|deed| matches!(deed, TimerDeed::Expire | TimerDeed::Purge));
    let reminder = last(|deed| !matches!(deed, TimerDeed::Expire | TimerDeed::Purge));
    let silent = facts.blocked.is_some();
    let action = ends.or(if silent { None } else { reminder });
    action.filter(|action| !done.contains(action)).into_iter().collect()
}

/// The day on which a request expires in its present state; `None` when it does not.
#[must_use]
pub fn expires_on(facts: &RequestFacts) -> Option<Day> {
    schedule(facts).into_iter().find(|action| action.deed == TimerDeed::Expire).map(|action| action.on)
}

/// The day from which personal data of a finished request is erased; `None` while it is open, and for a validated one, whose data
/// became that of the registered person.
#[must_use]
pub fn erased_on(facts: &RequestFacts) -> Option<Day> {
    schedule(facts).into_iter().find(|action| action.deed == TimerDeed::Purge).map(|action| action.on)
}

/// How many of the alerts of a long processing are due (`t02.alert`): 0, 1 for operators, 2 for support too.
#[must_use]
pub fn processing_alerts(since_ms: i64, now_ms: i64) -> usize {
    let minutes = now_ms.saturating_sub(since_ms) / 60_000;
    PROCESSING_ALERT_MINUTES.iter().filter(|after| minutes >= **after).count()
}

/// What stays of a request whose personal data was erased (`terminal.purge`).
pub const KEPT_AFTER_ERASURE: [&str; 4] = ["number", "dates", "status", "actor"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::parse_iso;
    use crate::kind::{RequestKind, RequestOrigin};
    use crate::state::Blocked;

    fn d(text: &str) -> Day {
        parse_iso(text).unwrap()
    }

    fn facts(state: RequestState) -> RequestFacts {
        let mut facts = RequestFacts::new(RequestKind::Primo, RequestOrigin::Ae, d("2026-01-12"));
        facts.state = Some(state);
        facts
    }

    #[test]
    fn a_draft_is_recalled_twice_and_ends() {
        let draft = facts(S10);
        let on = |day: i32| due(&draft, &[], plus_days(draft.since, day));
        assert!(on(59).is_empty());
        assert_eq!(on(60)[0].deed, TimerDeed::RemindAuthor);
        assert!(due(&draft, &on(60), plus_days(draft.since, 82)).is_empty(), "done once");
        assert_eq!(due(&draft, &on(60), plus_days(draft.since, 83))[0].on, plus_days(draft.since, 83));
        let ends = on(200);
        assert_eq!((ends.len(), ends[0].deed, ends[0].on), (1, TimerDeed::Expire, plus_days(draft.since, 90)));
    }

    #[test]
    fn a_request_without_manager_expires_earlier() {
        let mut waiting = facts(S20);
        assert_eq!(expires_on(&waiting), Some(d("2026-04-12")));
        waiting.waiting_for_manager = true;
        assert_eq!(expires_on(&waiting), Some(d("2026-03-13")));
        let deeds: Vec<TimerDeed> = schedule(&waiting).iter().map(|a| a.deed).collect();
        assert_eq!(deeds, [TimerDeed::RemindRepresentative, TimerDeed::Expire]);
    }

    #[test]
    fn a_frozen_request_is_silent_and_expires() {
        let mut frozen = facts(S20);
        frozen.blocked = Some(Blocked::HabilitationLost);
        assert!(due(&frozen, &[], d("2026-02-20")).is_empty());
        assert_eq!(due(&frozen, &[], d("2026-04-12"))[0].deed, TimerDeed::Expire);
    }

    #[test]
    fn working_days_leave_weekends_out() {
        // 12 January 2026 is a Monday.
        assert_eq!(plus_working_days(d("2026-01-12"), 5), d("2026-01-19"));
        assert_eq!(plus_working_days(d("2026-01-16"), 1), d("2026-01-19"));
        assert_eq!(plus_working_days(Day::MAX, 3), Day::MAX);
        let days: Vec<Day> = schedule(&facts(S35)).iter().map(|a| a.on).collect();
        assert_eq!(days, [d("2026-01-19"), d("2026-01-26")]);
    }

    #[test]
    fn final_states_are_erased_and_validated_ones_are_not() {
        assert_eq!(erased_on(&facts(S61)), Some(d("2026-02-11")));
        assert_eq!(erased_on(&facts(S70)), Some(d("2027-01-12")));
        assert_eq!(erased_on(&facts(RequestState::S40)), None);
        assert_eq!([0, 14, 15, 1_439, 1_440].map(|m| processing_alerts(0, m * 60_000)), [0, 0, 1, 1, 2]);
    }
}
