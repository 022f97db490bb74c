//! Which receivers may be called (SUB-7): a subscriber must not make this server call what only this server can reach.

use std::net::IpAddr;
use std::sync::Arc;

/// Whether the operator allows an address.
type AllowedNetworks = dyn Fn(IpAddr) -> bool + Send + Sync;

/// Which networks the operator allows though they are not public: none, by default.
#[derive(Clone, Default)]
pub struct AddressRules(Option<Arc<AllowedNetworks>>);

impl std::fmt::Debug for AddressRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressRules")
    }
}

/// The host and scheme of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receiver {
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// The address, when the host is one and no name.
    pub literal: Option<IpAddr>,
}

impl AddressRules {
    /// Rules with the networks that `allowed` accepts: their receivers are called, without encryption too.
    pub fn allowing(allowed: impl Fn(IpAddr) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(allowed)))
    }

    /// Whether an address may be connected to. Asked for each address to which a name leads, at each call.
    #[must_use]
    pub fn may_connect(&self, address: IpAddr, encrypted: bool) -> bool {
        (encrypted && is_public(address)) || self.0.as_ref().is_some_and(|allowed| allowed(address.to_canonical()))
    }

    /// Checks the address of a receiver as it is written. Names are looked up when they are called, not here.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, endpoint: &str) -> Result<(), String> {
        let receiver = receiver(endpoint)?;
        match receiver.literal {
            Some(address) if !self.may_connect(address, receiver.encrypted) => {
                Err(format!("{address} is an address that this server does not call"))
            }
            None if !receiver.encrypted && self.0.is_none() => Err("the endpoint must begin with https://".into()),
            // Which addresses a name has is known when it is called.
            _ => Ok(()),
        }
    }
}

/// Reads the address of a receiver: `https://host[:port]/path?query`, without user and fragment.
pub(crate) fn receiver(endpoint: &str) -> Result<Receiver, String> {
    let (encrypted, rest) = match (endpoint.strip_prefix("https://"), endpoint.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err("the endpoint must begin with https://".into()),
    };
    if endpoint.len() > crate::limits::ENDPOINT_BYTES {
        return Err(format!("the endpoint has more than {} bytes", crate::limits::ENDPOINT_BYTES));
    }
    if !endpoint.bytes().all(|b| b.is_ascii_graphic()) || endpoint.contains(['\\', '#', '<', '>', '"']) {
        return Err("the endpoint has a character that an address cannot have: percent-encode it".into());
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("the endpoint names a user: give a header in its place".into());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("the endpoint has no host")?,
        None => authority.find(':').map_or((authority, ""), |at| authority.split_at(at)),
    };
    let port_is_fine = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok_and(|p| p > 0));
    if host.is_empty() || !port_is_fine {
        return Err("the endpoint has no host, or a port that is none".into());
    }
    let literal = host.parse().ok();
    if authority.starts_with('[') && literal.is_none() {
        return Err("the endpoint has no host".into());
    }
    Ok(Receiver { encrypted, literal })
}

/// Whether an address is of the public internet: not of this machine, a private network, a link, a shared or reserved range, and none that
/// embeds such an address.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(a) => {
            let [first, second, third, _] = a.octets();
            !(a.is_loopback()
                || a.is_private()
                || a.is_link_local()
                || a.is_broadcast()
                || a.is_multicast()
                || a.is_documentation()
                || first == 0
                || first >= 240
                // Shared by carriers (RFC 6598), protocol assignments, measurements (RFC 2544), former 6to4 relays.
                || (first == 100 && (64..128).contains(&second))
                || (first == 192 && second == 0 && third == 0)
                || (first == 198 && (18..20).contains(&second))
                || (first == 192 && second == 88 && third == 99))
        }
        IpAddr::V6(a) => {
            let s = a.segments();
            let embeds = |high: u16, low: u16| {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                is_public(IpAddr::from([a, b, c, d]))
            };
            match s {
                // Translated addresses (RFC 6052) lead where the address in them leads; those of a local translation are local.
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embeds(high, low),
                // 6to4 (RFC 3056).
                [0x2002, high, low, ..] => embeds(high, low),
                // Teredo, documentation.
                [0x2001, 0 | 0xdb8, ..] => false,
                // All else that is given to the internet.
                _ => (0x2000..0x4000).contains(&s[0]) && !(s[0] == 0x3fff && s[1] < 0x1000),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_internet_is_not_called() {
        let rules = AddressRules::default();
        for bad in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.2.1",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:db8::1",
            "::7f00:1",
            "fec0::1",
            "100::1",
        ] {
            assert!(!rules.may_connect(bad.parse().unwrap(), true), "{bad}");
        }
        for good in
            ["9.9.9.9", "172.32.0.1", "100.128.0.1", "2a01:e0a::1", "64:ff9b::909:909", "2002:909:909::1", "::ffff:9.9.9.9"]
        {
            let address = good.parse().unwrap();
            assert!(rules.may_connect(address, true) && !rules.may_connect(address, false), "{good}");
        }
        let own = AddressRules::allowing(|a| a.is_loopback());
        assert!(
            own.may_connect("::ffff:127.0.0.1".parse().unwrap(), false) && !own.may_connect("10.0.0.1".parse().unwrap(), true)
        );
    }

    #[test]
    fn an_endpoint_is_an_https_address_without_secrets() {
        let rules = AddressRules::default();
        for good in ["https://hook.example/a?b=c", "https://hook.example:8443", "https://9.9.9.9/", "https://[2a01:e0a::1]:444/x"]
        {
            assert_eq!(rules.check(good), Ok(()), "{good}");
        }
        for bad in [
            "ftp://hook.example",
            "hook.example",
            "https://",
            "https:///x",
            "https://u:p@hook.example/",
            "https://a b.example/",
            "https://hook.example/#x",
            "https://hook.example\\@127.0.0.1/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[::1",
            "https://[x]/",
            "https://hook.example:0/",
            "https://hook.example:99999/",
            "https://hook.example:x/",
            "https://10.0.0.1:8443/x",
            "http://9.9.9.9/",
            "http://hook.example/",
            "https://é.example/",
            "HTTPS://hook.example/",
        ] {
            assert!(rules.check(bad).is_err(), "{bad}");
        }
        assert_eq!(AddressRules::allowing(|_| true).check("http://hook.example/"), Ok(()));
        assert!(rules.check(&format!("https://hook.example/{}", "x".repeat(2_048))).is_err());
        assert_eq!(receiver("http://127.0.0.1:80/x").unwrap().literal, Some("127.0.0.1".parse().unwrap()));
    }
}
