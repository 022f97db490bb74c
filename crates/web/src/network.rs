//! Addresses and networks, as the operator names trusted proxies.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// An address, or a network of addresses (`10.0.0.0/8`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Leading bits that its addresses share.
    bits: u8,
}

/// An address in the first bits of 128, and the number of bits of its family.
fn leading_bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(a) => (u128::from(a.to_bits()) << 96, 32),
        IpAddr::V6(a) => (a.to_bits(), 128),
    }
}

impl Network {
    /// Whether an address is of this network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let ((ours, family), (theirs, other)) = (leading_bits(self.address), leading_bits(address));
        family == other && (ours ^ theirs).checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
    }
}

/// A text that is neither an address nor a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotANetwork(String);

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is neither an address (192.0.2.1, 2001:db8::1) nor a network of them (10.0.0.0/8)", self.0)
    }
}

impl std::error::Error for NotANetwork {}

impl FromStr for Network {
    type Err = NotANetwork;

    /// # Errors
    /// [`NotANetwork`], also for a network whose address has bits beyond its length: either was mistyped.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let bad = || NotANetwork(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let written: IpAddr = address.trim_matches(['[', ']']).parse().map_err(|_| bad())?;
        let (all, family) = leading_bits(written);
        let bits = match bits {
            None => family,
            Some(bits) if bits.bytes().all(|b| b.is_ascii_digit()) => bits.parse().map_err(|_| bad())?,
            Some(_) => return Err(bad()),
        };
        if bits > family || all.checked_shl(u32::from(bits)).unwrap_or(0) != 0 {
            return Err(bad());
        }
        // Peers are compared in their canonical form.
        let (address, bits) = match (written.to_canonical(), written) {
            (canonical @ IpAddr::V4(_), IpAddr::V6(_)) if bits >= 96 => (canonical, bits - 96),
            _ => (written, bits),
        };
        Ok(Self { address, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_or_refused() {
        let inside = |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(inside("0.0.0.0/0", "203.0.113.1") && !inside("0.0.0.0/0", "::1") && inside("::/0", "2001:db8::1"));
        assert!(inside("10.0.0.0/9", "10.127.0.1") && !inside("10.0.0.0/9", "10.128.0.1"));
        assert!(inside("2001:db8::/33", "2001:db8:7fff::1") && !inside("2001:db8::/33", "2001:db8:8000::1"));
        assert!(inside("::ffff:10.0.0.0/104", "10.1.2.3") && inside("[::1]", "::1"));
        for bad in
            ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "x", "::1/129", "10.0.0.0/", "10.0.0.0/+8", "localhost", "1.2.3.4:80"]
        {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }
}
