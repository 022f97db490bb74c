//! Exact decimal numbers, as FHIR writes them: `1.50` has two decimals, and `0.1 + 0.2` is `0.3`.

use std::cmp::Ordering;
use std::fmt;

/// Most decimals of a number; a quotient is rounded to [`QUOTIENT_SCALE`].
const MAX_SCALE: u32 = 28;
const QUOTIENT_SCALE: u32 = 8;

/// A number of at most 38 digits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    /// The number times ten to the power of `scale`.
    mantissa: i128,
    scale: u32,
}

impl Decimal {
    pub(crate) fn integer(value: i64) -> Self {
        Self { mantissa: value.into(), scale: 0 }
    }

    /// Reads a number of JSON or FHIRPath; `None` when it has too many digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = digits.strip_prefix('-').map_or((false, digits), |d| (true, d));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut mantissa: i128 = 0;
        for d in whole.bytes().chain(fraction.bytes()) {
            if !d.is_ascii_digit() {
                return None;
            }
            mantissa = mantissa.checked_mul(10)?.checked_add((d - b'0').into())?;
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        let (mantissa, scale) = match u32::try_from(scale) {
            Ok(scale) if scale <= MAX_SCALE => (mantissa, scale),
            Ok(_) => return None,
            Err(_) => (mantissa.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?)?, 0),
        };
        Some(Self { mantissa: if negative { -mantissa } else { mantissa }, scale })
    }

    fn at_scale(self, scale: u32) -> Option<i128> {
        self.mantissa.checked_mul(10_i128.checked_pow(scale.checked_sub(self.scale)?)?)
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        Some((self.at_scale(scale)?, other.at_scale(scale)?, scale))
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Self { mantissa: a.checked_add(b)?, scale })
    }

    pub(crate) fn minus(self, other: Self) -> Option<Self> {
        self.plus(other.negated())
    }

    pub(crate) fn times(self, other: Self) -> Option<Self> {
        let scale = self.scale + other.scale;
        (scale <= MAX_SCALE).then_some(())?;
        Some(Self { mantissa: self.mantissa.checked_mul(other.mantissa)?, scale })
    }

    /// The quotient, rounded half away from zero to eight decimals and without ending zeros; `None` when it has too many digits.
    /// The divisor is not zero.
    pub(crate) fn divided_by(self, other: Self) -> Option<Self> {
        let (a, b, _) = self.aligned(other)?;
        let a = a.checked_mul(10_i128.pow(QUOTIENT_SCALE))?;
        let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
        let up = i128::from(rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs());
        let mantissa = quotient + if (a < 0) == (b < 0) { up } else { -up };
        Some(Self { mantissa, scale: QUOTIENT_SCALE }.without_ending_zeros())
    }

    pub(crate) fn negated(self) -> Self {
        Self { mantissa: -self.mantissa, ..self }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    fn without_ending_zeros(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self = Self { mantissa: self.mantissa / 10, scale: self.scale - 1 };
        }
        self
    }

    /// The whole number that this is; `None` for a fraction or beyond 64 bits.
    pub(crate) fn to_integer(self) -> Option<i64> {
        let short = self.without_ending_zeros();
        if short.scale == 0 { i64::try_from(short.mantissa).ok() } else { None }
    }

    /// The number times ten to the power of `scale`; `None` when it has more decimals or does not fit 38 digits.
    pub(crate) fn scaled(self, scale: u32) -> Option<i128> {
        self.without_ending_zeros().at_scale(scale).filter(|m| m.unsigned_abs() < 10_u128.pow(38))
    }

    /// The smallest or the largest number that is written as this one when it is rounded to its decimals.
    pub(crate) fn boundary(self, high: bool) -> Option<Self> {
        let mantissa = self.mantissa.checked_mul(10)?;
        Some(Self { mantissa: mantissa.checked_add(if high { 5 } else { -5 })?, scale: self.scale + 1 })
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.without_ending_zeros(), other.without_ending_zeros());
        match a.aligned(b) {
            Some((a, b, _)) => a.cmp(&b),
            // One of them has so many digits before the point that the other one is small beside it.
            None if a.at_scale(a.scale.max(b.scale)).is_none() => a.mantissa.cmp(&0),
            None => 0.cmp(&b.mantissa),
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = self.scale as usize + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale as usize);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        if fraction.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;
    use proptest::prelude::*;
    use std::cmp::Ordering;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn arithmetic_is_exact_and_quotients_have_eight_decimals() {
        assert_eq!(decimal("0.1").plus(decimal("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(decimal("3").divided_by(decimal("2")).unwrap().to_string(), "1.5");
        assert_eq!(decimal("-2").divided_by(decimal("3")).unwrap().to_string(), "-0.66666667");
        assert_eq!(decimal("1.50").times(decimal("-2")).unwrap().to_string(), "-3.00");
        assert_eq!(decimal("1e3").to_string(), "1000");
        assert_eq!(decimal("1.25e-1").to_string(), "0.125");
        assert_eq!(
            (decimal("1.0").boundary(false).unwrap().to_string(), decimal("1.0").boundary(true).unwrap().to_string()),
            ("0.95".into(), "1.05".into())
        );
        assert_eq!((decimal("4.00").to_integer(), decimal("4.01").to_integer()), (Some(4), None));
        assert_eq!(decimal("1.5").scaled(3), Some(1500));
        assert_eq!(decimal("1.0001").scaled(3), None);
    }

    #[test]
    fn too_many_digits_are_no_number_rather_than_another_one() {
        assert!(Decimal::parse(&"9".repeat(40)).is_none());
        assert!(Decimal::parse("1e-99").is_none());
        assert!(Decimal::parse("1e99999999999").is_none());
        let large = decimal(&"9".repeat(38));
        assert!(large.times(large).is_none());
        assert_eq!(large.cmp(&decimal("0.0000000001")), Ordering::Greater);
        assert_eq!(decimal("0.0000000001").cmp(&large), Ordering::Less);
        assert_eq!(large.negated().cmp(&decimal("0.0000000001")), Ordering::Less);
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_numbers_and_text_is_read_back(a in -1_000_000_000_000_i64.., b in any::<i64>(), s in 0_u32..6, t in 0_u32..6) {
            let text = |m: i64, scale: u32| Decimal { mantissa: m.into(), scale }.to_string();
            let (x, y) = (decimal(&text(a, s)), decimal(&text(b, t)));
            prop_assert_eq!(x.to_string(), text(a, s));
            let exact = (i128::from(a) * 10_i128.pow(t)).cmp(&(i128::from(b) * 10_i128.pow(s)));
            prop_assert_eq!(x.cmp(&y), exact);
            prop_assert_eq!(x.plus(y).unwrap().minus(y).unwrap(), x);
        }
    }
}
