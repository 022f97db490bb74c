//! Who takes how much of the machine, when several want it.
//!
//! Work of the last second or two is counted for each client. One that took more than its share, while others ask too, is
//! answered in the lane of long work until the others are done or it asks for less: alone, it gets all there is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::limits;

/// Microseconds of work by client, in one second.
type Second = HashMap<u64, i64>;

#[derive(Default)]
struct Window {
    second: i64,
    now: Second,
    before: Second,
}

impl Window {
    fn roll(&mut self, now_us: i64) {
        let second = now_us.div_euclid(1_000_000);
        if second == self.second {
            return;
        }
        let ended = std::mem::take(&mut self.now);
        self.before = if second == self.second + 1 { ended } else { Second::new() };
        self.second = second;
    }
}

#[derive(Default)]
pub(crate) struct Shares(Mutex<Window>);

impl Shares {
    /// Whether a client took more than its share while another one asks.
    pub(crate) fn greedy(&self, client: u64, now_us: i64) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.roll(now_us);
        let Window { now, before, .. } = &*window;
        let took = |second: &Second| second.get(&client).copied().unwrap_or(0);
        took(now) + took(before) > limits::SHARE
            && [now, before].iter().any(|second| second.len() > usize::from(second.contains_key(&client)))
    }

    /// Counts work, and the bytes that it made, for a client.
    pub(crate) fn count(&self, client: u64, now_us: i64, micros: i64, bytes: u64) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.roll(now_us);
        if window.now.len() >= limits::CLIENTS && !window.now.contains_key(&client) {
            return;
        }
        let sending = i64::try_from(bytes / limits::SENT_IN_A_MICROSECOND).unwrap_or(0);
        *window.now.entry(client).or_default() += micros + limits::REQUEST_MICROS + sending;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_much_beside_others_waits() {
        let shares = Shares::default();
        let second = 1_000_000;
        shares.count(1, second, limits::SHARE, 0);
        assert!(!shares.greedy(1, second + 1), "alone, it may take all");
        shares.count(2, second + 2, 10, 0);
        assert!(shares.greedy(1, second + 3));
        assert!(!shares.greedy(2, second + 3) && !shares.greedy(3, second + 3));
        assert!(shares.greedy(1, 2 * second), "the last second counts");
        assert!(!shares.greedy(1, 3 * second), "the one before it does not");
        shares.count(2, 5 * second, 0, limits::SENT_IN_A_MICROSECOND * 2 * limits::SHARE as u64);
        shares.count(1, 5 * second, 0, 0);
        assert!(shares.greedy(2, 5 * second), "what is sent is work too");
    }
}
