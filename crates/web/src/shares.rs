//! Fair shares of the machine, when several clients want it.
//!
//! The work of the last second or two is counted for each client. A client that took more than its share while others ask is
//! answered in the lane of long work, at a pace that leaves the machine to the others. A client that is alone gets all there is.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::client::Client;
use crate::limits;

/// Work that a client took.
#[derive(Default, Clone, Copy)]
struct ClientWork {
    micros: i64,
    answers: i64,
}

/// Work of each client in one second.
type SecondOfWork = HashMap<Client, ClientWork>;

#[derive(Default)]
struct WorkWindow {
    second: i64,
    now: SecondOfWork,
    before: SecondOfWork,
    /// Instant from which the next answer of a slowed client may begin.
    next: HashMap<Client, i64>,
}

impl WorkWindow {
    /// Forgets the work before the last second.
    fn advance(&mut self, now_us: i64) {
        let second = now_us.div_euclid(1_000_000);
        if second == self.second {
            return;
        }
        let ended = std::mem::take(&mut self.now);
        self.before = if second == self.second + 1 { ended } else { SecondOfWork::new() };
        self.second = second;
        self.next.retain(|_, next| *next > now_us);
    }

    /// Work of a client that took more than its share while another client asks.
    fn excess(&self, client: Client) -> Option<ClientWork> {
        let seconds = [&self.now, &self.before];
        let all = seconds.map(|second| second.get(&client).copied().unwrap_or_default());
        let took = ClientWork { micros: all[0].micros + all[1].micros, answers: all[0].answers + all[1].answers };
        let beside_others = seconds.iter().any(|second| second.len() > usize::from(second.contains_key(&client)));
        (took.micros > limits::SHARE && beside_others).then_some(took)
    }
}

/// The work of the last second or two, by client.
#[derive(Default)]
pub struct Shares(Mutex<WorkWindow>);

impl Shares {
    /// Whether a client took more than its share while another client asks.
    pub fn is_exceeded(&self, client: Client, now_us: i64) -> bool {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.advance(now_us);
        window.excess(client).is_some()
    }

    /// Microseconds for which an answer must wait because its client took more than its share; `None` when it may be made at
    /// once. Each call reserves the next place in the pace of the client.
    pub fn pause(&self, client: Client, now_us: i64) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.advance(now_us);
        let took = window.excess(client)?;
        let next = window.next.entry(client).or_default();
        let begin = (*next).clamp(now_us, now_us + limits::PUT_OFF);
        *next = begin + took.micros / took.answers.max(1) * limits::PACE;
        u64::try_from(begin - now_us).ok()
    }

    /// Counts `micros` of work and the `bytes` that it made for a client; `answers` is 1 when the work began an answer.
    pub fn count(&self, client: Client, now_us: i64, micros: i64, bytes: u64, answers: i64) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.advance(now_us);
        if window.now.len() >= limits::SHARES && !window.now.contains_key(&client) {
            return;
        }
        let sending = i64::try_from(bytes / limits::SENT_IN_A_MICROSECOND).unwrap_or(0);
        let took = window.now.entry(client).or_default();
        took.micros += micros + limits::REQUEST_MICROS * answers + sending;
        took.answers += answers;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_much_beside_others_waits() {
        let shares = Shares::default();
        let second = 1_000_000;
        shares.count(Client::numbered(1), second, limits::SHARE, 0, 1);
        assert!(!shares.is_exceeded(Client::numbered(1), second + 1), "alone, it may take all");
        shares.count(Client::numbered(2), second + 2, 10, 0, 1);
        assert!(shares.is_exceeded(Client::numbered(1), second + 3));
        assert!(!shares.is_exceeded(Client::numbered(2), second + 3) && !shares.is_exceeded(Client::numbered(3), second + 3));
        assert!(shares.is_exceeded(Client::numbered(1), 2 * second), "the last second counts");
        assert!(!shares.is_exceeded(Client::numbered(1), 3 * second), "the one before it does not");
        shares.count(Client::numbered(2), 5 * second, 0, limits::SENT_IN_A_MICROSECOND * 2 * limits::SHARE as u64, 1);
        shares.count(Client::numbered(1), 5 * second, 0, 0, 1);
        assert!(shares.is_exceeded(Client::numbered(2), 5 * second), "what is sent is work too");
    }

    #[test]
    fn who_took_much_is_answered_at_a_pace() {
        let (shares, now) = (Shares::default(), 7_000_000);
        let cost = limits::SHARE / 50;
        for _ in 0..100 {
            shares.count(Client::numbered(1), now, cost, 0, 1);
        }
        assert_eq!(shares.pause(Client::numbered(1), now), None, "alone");
        shares.count(Client::numbered(2), now, 0, 0, 1);
        assert_eq!(shares.pause(Client::numbered(2), now), None);
        let each = u64::try_from((cost + limits::REQUEST_MICROS) * limits::PACE).unwrap();
        assert_eq!(
            [
                shares.pause(Client::numbered(1), now),
                shares.pause(Client::numbered(1), now),
                shares.pause(Client::numbered(1), now + 1)
            ],
            [Some(0), Some(each), Some(2 * each - 1)]
        );
        let most = u64::try_from(limits::PUT_OFF).unwrap();
        assert!(
            (0..100).filter_map(|_| shares.pause(Client::numbered(1), now)).all(|wait| wait <= most),
            "an answer comes in the end"
        );
    }
}
