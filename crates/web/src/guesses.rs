//! Guesses at keys: how often an address may send a wrong one.
//!
//! Beyond [`limits::GUESSES`] wrong keys, each request of the address waits before its key is verified. Right and wrong keys
//! wait alike, since refusing only the wrong ones would not slow down an attacker. A key that was right before from this
//! address does not wait, so that a neighbour behind one address locks nobody out. A key that comes for the first time waits
//! [`limits::GUESS_WAIT`] at most; while too many wait, requests are refused unread.

use std::sync::{Mutex, PoisonError};

use annuaire_cache::Generations;

use crate::client::Client;
use crate::limits;

/// When a key may be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuessTurn {
    /// Now.
    Now,
    /// After that many microseconds. The guess is already counted.
    After(u64),
    /// Never. The client may come back after that many seconds.
    Refused(u32),
}

/// A keyed hash of a key.
type KeyProof = [u8; 16];

/// Wrong keys of each address, and keys that were right.
pub(crate) struct Guesses {
    /// For each address, the instant at which all its wrong guesses are forgotten.
    wrong: Mutex<Generations<Client, i64>>,
    /// Keys that were right, with the address that sent them.
    proven: Mutex<Generations<(Client, KeyProof), ()>>,
}

impl Guesses {
    pub(crate) fn new() -> Self {
        Self { wrong: Mutex::new(Generations::new(limits::CLIENTS)), proven: Mutex::new(Generations::new(limits::PROVEN)) }
    }

    /// When the key `proof` of `address` may be verified.
    pub(crate) fn turn(&self, address: Client, proof: KeyProof, now_us: i64) -> GuessTurn {
        if self.proven.lock().unwrap_or_else(PoisonError::into_inner).get(&(address, proof)).is_some() {
            return GuessTurn::Now;
        }
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let until = wrong.get(&address).unwrap_or(now_us).max(now_us);
        let wait = until - now_us - (limits::GUESSES - 1) * limits::GUESS_EVERY;
        if wait <= 0 {
            return GuessTurn::Now;
        }
        if wait > limits::GUESS_WAIT {
            return GuessTurn::Refused(u32::try_from(wait / 1_000_000 + 1).unwrap_or(u32::MAX));
        }
        wrong.insert(address, until + limits::GUESS_EVERY, 1);
        GuessTurn::After(u64::try_from(wait).unwrap_or(0))
    }

    /// Counts a wrong guess that did not wait.
    pub(crate) fn wrong(&self, address: Client, now_us: i64) {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let until = wrong.get(&address).unwrap_or(now_us).max(now_us);
        wrong.insert(address, until + limits::GUESS_EVERY, 1);
    }

    /// Remembers a key that was right.
    pub(crate) fn right(&self, address: Client, proof: KeyProof) {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if proven.get(&(address, proof)).is_none() {
            proven.insert((address, proof), (), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_few_and_a_proven_key_does_not_wait() {
        let guesses = Guesses::new();
        let (here, there) = (Client::numbered(1), Client::numbered(2));
        guesses.right(here, [7; 16]);
        for n in 0..limits::GUESSES {
            assert_eq!(guesses.turn(here, [0; 16], 0), GuessTurn::Now, "{n}");
            guesses.wrong(here, 0);
        }
        let every = u64::try_from(limits::GUESS_EVERY).unwrap();
        assert_eq!(guesses.turn(here, [1; 16], 0), GuessTurn::After(every));
        assert_eq!(guesses.turn(here, [7; 16], 0), GuessTurn::Now, "it was right before");
        assert_eq!(guesses.turn(there, [7; 16], 0), GuessTurn::Now, "another address");
        let mut waits = 1;
        while let GuessTurn::After(wait) = guesses.turn(here, [2; 16], 0) {
            waits += 1;
            assert_eq!(wait, waits * every, "one after the other");
        }
        assert_eq!(waits * every, u64::try_from(limits::GUESS_WAIT).unwrap());
        assert_eq!(guesses.turn(here, [2; 16], 0), GuessTurn::Refused(3));
        let later = (limits::GUESSES + 10) * limits::GUESS_EVERY;
        assert_eq!(guesses.turn(here, [2; 16], later), GuessTurn::Now, "forgotten in the end");
    }
}
