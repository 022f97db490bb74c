//! The world of a mirror: clock, chance and pauses of this machine.

use crate::clock::{now_ms, uptime};
use crate::registry::random_bytes;
use annuaire_mirror::World;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The clock and the chance of this machine.
pub(crate) struct Machine(AtomicU64);

impl Machine {
    pub(crate) fn new() -> Self {
        let mut seed = [0; 8];
        random_bytes(&mut seed);
        Self(AtomicU64::new(u64::from_ne_bytes(seed)))
    }
}

impl World for Machine {
    fn now_ms(&self) -> i64 {
        now_ms()
    }

    fn elapsed(&self) -> Duration {
        uptime()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn random(&self) -> u64 {
        // SplitMix64, begun at random: it spreads pauses and names mirrors, and keeps no secret.
        let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}
