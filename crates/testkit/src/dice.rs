//! Pseudo-random draws keyed by their purpose: a fact never depends on the order in which facts are written.

/// A stream of pseudo-random numbers (splitmix64), equal on every machine. It is the one generator of tests and of the
/// fictional nation, and never of secrets: three draws are enough to predict all that follow.
pub struct Dice(u64);

impl Dice {
    /// The stream of one fact: `purpose` and `i` tell it from the other streams of `seed`.
    #[must_use]
    pub fn new(seed: u64, purpose: u64, i: u64) -> Self {
        let mut dice = Self(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ i.wrapping_mul(0xd1b5_4a32_d192_ed03));
        dice.draw();
        dice
    }

    /// The next number of the stream.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 when there is none.
    pub fn below(&mut self, n: u64) -> u64 {
        self.draw() % n.max(1)
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `list`, which is not empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = self.below(list.len() as u64);
        &list[usize::try_from(at).unwrap_or(0)]
    }

    /// A rank below `n` whose logarithm is uniform: a few ranks are very frequent, as family names are.
    pub fn zipf(&mut self, n: u64) -> u64 {
        let uniform = (self.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        ((n as f64).powf(uniform) as u64).min(n) - 1
    }

    /// A rank below `n` whose share falls like 1 ÷ (rank + `flat`): frequent ranks, but none that takes a tenth of all.
    pub fn flattened_zipf(&mut self, n: u64, flat: f64) -> u64 {
        let uniform = (self.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        let rank = flat * (((n as f64 + flat) / flat).powf(uniform) - 1.0);
        (rank as u64).min(n.saturating_sub(1))
    }

    /// One of `list`, in proportion to its weight.
    pub fn weighted<'a, T>(&mut self, list: &'a [T], weight: impl Fn(&T) -> u64) -> &'a T {
        let mut draw = self.below(list.iter().map(&weight).sum());
        for one in list {
            match draw.checked_sub(weight(one)) {
                Some(rest) => draw = rest,
                None => return one,
            }
        }
        &list[0]
    }
}

/// A number followed by its Luhn key.
pub(crate) fn keyed(number: &str) -> String {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| match (u32::from(b - b'0'), i % 2) {
            (d, 1) => d,
            (d, _) if d > 4 => d * 2 - 9,
            (d, _) => d * 2,
        })
        .sum();
    format!("{number}{}", (10 - sum % 10) % 10)
}
