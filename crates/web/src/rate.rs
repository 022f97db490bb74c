//! Rate limit: one token bucket for each client.

use std::sync::{Mutex, PoisonError};

use annuaire_cache::Generations;

use crate::client::Client;
use crate::limits;

/// A rate: `burst` requests at once, then `per_second` requests a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that a bucket regains a second. The national service allows 17.
    pub per_second: u32,
    /// Most tokens of a bucket.
    pub burst: u32,
}

#[derive(Clone, Copy)]
struct TokenBucket {
    tokens: f64,
    at_us: i64,
}

/// The answer of the rate limiter to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateVerdict {
    /// Whether this request is served.
    pub allowed: bool,
    /// Requests that the client may still make at once.
    pub remaining: u32,
    /// Seconds until the next token, at least 1 when none is left.
    pub reset: u32,
}

/// A rate limiter: of a server, or of a door that counts clients of its own. Its memory is bounded by [`CLIENTS`](limits::CLIENTS).
pub struct RateLimiter {
    rate: Rate,
    buckets: Mutex<Generations<Client, TokenBucket>>,
}

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// A limiter whose buckets are full.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(Generations::new(limits::CLIENTS)) }
    }

    /// The rate.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one token of `client`. `now_us` is in microseconds; when the clock goes back, no token is regained.
    pub fn take(&self, client: Client, now_us: i64) -> RateVerdict {
        self.verdict(client, now_us, 1.0)
    }

    /// What [`take`](Self::take) would say; no token is taken. For doors that count wrong answers alone.
    pub fn look(&self, client: Client, now_us: i64) -> RateVerdict {
        self.verdict(client, now_us, 0.0)
    }

    fn verdict(&self, client: Client, now_us: i64, price: f64) -> RateVerdict {
        let (full, speed) = (f64::from(self.rate.burst.max(1)), f64::from(self.rate.per_second.max(1)));
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let refilled = |b: TokenBucket| (b.tokens + (now_us - b.at_us).max(0) as f64 / 1e6 * speed).min(full);
        let tokens = buckets.get(&client).map_or(full, refilled);
        let allowed = tokens >= 1.0;
        let left = if allowed { tokens - price } else { tokens };
        buckets.insert(client, TokenBucket { tokens: left, at_us: now_us }, 1);
        let reset = if left >= 1.0 { 0 } else { (((1.0 - left) / speed).ceil() as u32).max(1) };
        RateVerdict { allowed, remaining: left as u32, reset }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rate, RateLimiter};
    use crate::client::Client;

    #[test]
    fn a_burst_then_the_rate_and_nobody_pays_for_another() {
        let (one, two) = (Client::numbered(1), Client::numbered(2));
        let limiter = RateLimiter::new(Rate { per_second: 2, burst: 3 });
        for left in [2, 1, 0] {
            let v = limiter.take(one, 0);
            assert!(v.allowed && v.remaining == left, "{v:?}");
        }
        let looked = limiter.look(one, 0);
        assert!(!looked.allowed && looked.reset == 1 && limiter.look(two, 0).remaining == 3, "nothing was taken");
        let refused = limiter.take(one, 0);
        assert!(!refused.allowed && refused.reset == 1);
        assert!(limiter.take(two, 0).allowed);
        assert!(limiter.take(one, 500_000).allowed && !limiter.take(one, 500_000).allowed);
        assert!(limiter.take(one, 60_000_000).allowed && limiter.take(one, 60_000_000).remaining == 1, "never more than a burst");
    }
}
