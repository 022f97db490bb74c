//! A pair of person and asker, for which requests are counted. It is the pair that is blocked, never the person: a stranger who sends
//! requests locks nobody out (identity §0.1, 1).
//!
//! The asker is a client of CIBA, a browser in which the person was approved before, or all unknown browsers together: a stranger can
//! forget a cookie, so that unknown browsers one by one would bound nothing. Who uses a browser that knows them is not disturbed by
//! what unknown ones do.

use crate::limits;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub at_ms: i64,
    /// Which asker of the pair: the hash of a browser; empty for a client.
    pub by: String,
    /// Key of the row of the request.
    pub prompt: String,
}

/// A pair as its row keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    /// How the holder recognises the asker.
    pub label: String,
    /// Requests of the last minutes.
    pub asked: Vec<Asked>,
    /// Refusals in a row.
    pub refusals: u32,
    pub blocked_until_ms: i64,
    /// Until when this browser is known; zero for what is no browser.
    pub known_until_ms: i64,
}

/// Why a pair may not ask. The instant is the one from which it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PairFault {
    Blocked {
        until_ms: i64,
    },
    /// It asked too often: it is blocked by this very request, and the holder must be told.
    TooOften {
        until_ms: i64,
    },
}

impl Pair {
    /// Counts a request. After an error too, the pair must be written.
    pub(crate) fn ask(&mut self, by: &str, prompt: &str, now_ms: i64) -> Result<(), PairFault> {
        self.asked.retain(|asked| asked.at_ms > now_ms.saturating_sub(limits::ASK_WINDOW_MS));
        if now_ms < self.blocked_until_ms {
            return Err(PairFault::Blocked { until_ms: self.blocked_until_ms });
        }
        if self.asked.len() >= limits::ASKS {
            self.block(now_ms, limits::REFUSED_BLOCK_MS);
            return Err(PairFault::TooOften { until_ms: self.blocked_until_ms });
        }
        self.asked.push(Asked { at_ms: now_ms, by: by.to_owned(), prompt: prompt.to_owned() });
        Ok(())
    }

    /// Requests of this asker that may still wait.
    pub(crate) fn waiting(&self, by: &str, now_ms: i64) -> Vec<String> {
        let open = |asked: &&Asked| asked.by == by && now_ms < asked.at_ms.saturating_add(limits::PROMPT_MS);
        self.asked.iter().filter(open).map(|asked| asked.prompt.clone()).collect()
    }

    fn block(&mut self, now_ms: i64, for_ms: i64) {
        self.blocked_until_ms = self.blocked_until_ms.max(now_ms.saturating_add(for_ms));
        self.refusals = 0;
        self.asked.clear();
    }

    /// Counts a refusal; says whether it blocks the pair.
    pub(crate) fn refused(&mut self, now_ms: i64) -> bool {
        self.refusals += 1;
        let blocks = self.refusals >= limits::REFUSALS;
        if blocks {
            self.block(now_ms, limits::REFUSED_BLOCK_MS);
        }
        blocks
    }

    /// The holder did not ask.
    pub(crate) fn not_asked(&mut self, now_ms: i64) {
        self.block(now_ms, limits::NOT_ASKED_BLOCK_MS);
    }

    pub(crate) fn approved(&mut self) {
        self.refusals = 0;
    }

    /// When the row says nothing any more.
    pub(crate) fn due_ms(&self, now_ms: i64) -> i64 {
        let counted = now_ms.saturating_add(limits::NOT_ASKED_BLOCK_MS);
        counted.max(self.blocked_until_ms).max(self.known_until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_request_in_ten_minutes_blocks_the_pair_for_half_an_hour() {
        let mut pair = Pair::default();
        for n in 0..5 {
            assert_eq!(pair.ask("", "p", n * 60_000), Ok(()));
        }
        let until_ms = 5 * 60_000 + limits::REFUSED_BLOCK_MS;
        assert_eq!(pair.ask("", "p", 5 * 60_000), Err(PairFault::TooOften { until_ms }));
        assert_eq!(pair.ask("", "p", until_ms - 1), Err(PairFault::Blocked { until_ms }));
        assert_eq!(pair.ask("", "p", until_ms), Ok(()));
    }

    #[test]
    fn requests_that_are_spread_block_nothing() {
        let mut pair = Pair::default();
        for n in 0..100 {
            assert_eq!(pair.ask("", "p", n * limits::ASK_WINDOW_MS / 5), Ok(()), "{n}");
        }
    }

    #[test]
    fn three_refusals_in_a_row_block_and_an_approval_forgives() {
        let mut pair = Pair::default();
        assert!(!pair.refused(0) && !pair.refused(0));
        pair.approved();
        assert!(!pair.refused(0) && !pair.refused(0) && pair.refused(0));
        assert!(pair.ask("", "p", limits::REFUSED_BLOCK_MS - 1).is_err());
        pair.not_asked(0);
        assert!(pair.ask("", "p", limits::NOT_ASKED_BLOCK_MS - 1).is_err());
        assert!(pair.ask("", "p", limits::NOT_ASKED_BLOCK_MS).is_ok());
    }

    #[test]
    fn only_requests_of_one_asker_replace_each_other() {
        let mut pair = Pair::default();
        for (by, prompt) in [("a", "1"), ("b", "2"), ("a", "3")] {
            pair.ask(by, prompt, 0).unwrap();
        }
        assert_eq!(pair.waiting("a", 1), ["1", "3"]);
        assert!(pair.waiting("a", limits::PROMPT_MS).is_empty());
    }
}
