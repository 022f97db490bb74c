//! Proxies in front: what they say of the client, believed only from those that the operator named.
//!
//! A trusted proxy appends what it saw to `Forwarded` (RFC 7239) or `X-Forwarded-For`. The client may have sent such headers
//! itself, so they are read from the right, and the first address that is no trusted proxy is the client. When both headers
//! came and disagree, one of them was not written by the proxy and neither is believed.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderValue};

use crate::limits;

/// An address, or a network of addresses (`10.0.0.0/8`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// Leading bits that its addresses share.
    bits: u8,
}

/// Address as a number of 128 bits, with how many bits its family has.
fn number(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(a) => (u128::from(a.to_bits()) << 96, 32),
        IpAddr::V6(a) => (a.to_bits(), 128),
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let ((ours, family), (theirs, other)) = (number(self.address), number(address));
        family == other && (ours ^ theirs).checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
    }
}

/// What is no address and no network.
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
    /// [`NotANetwork`] also for a network whose address has bits beyond its length: it is mistyped one way or the other.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let bad = || NotANetwork(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let written: IpAddr = address.trim_matches(['[', ']']).parse().map_err(|_| bad())?;
        let (all, family) = number(written);
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

/// The proxies that the operator trusts.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Trusts these.
    #[must_use]
    pub fn new(trusted: Vec<Network>) -> Self {
        Self(trusted)
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Where a request of `peer` comes from.
    pub(crate) fn origin(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Origin {
        let peer = peer.map(|peer| peer.to_canonical());
        let direct = Origin { address: peer, direct: !forwarded(headers), ..Origin::default() };
        let Some(proxy) = peer.filter(|peer| self.trust(*peer)) else { return direct };
        // Line by line: a quote that one does not close swallows nothing of the next.
        let elements = |line: &HeaderValue| elements(line.to_str().unwrap_or("?"));
        let hops: Vec<Hop> = headers.get_all("forwarded").iter().flat_map(elements).collect();
        let rfc = (!hops.is_empty()).then(|| self.choose(proxy, &hops));
        let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(|name| listed(headers, name));
        let usual = names.iter().any(Option::is_some).then(|| self.choose(proxy, &columns(&names)));
        let agree = |a: &Origin, b: &Origin| {
            fn same<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
                a.is_none() || b.is_none() || a == b
            }
            a.address == b.address && same(&a.scheme, &b.scheme) && same(&a.host, &b.host)
        };
        let mut origin = match (rfc, usual) {
            (Some(a), Some(b)) if agree(&a, &b) => Origin { scheme: a.scheme.or(b.scheme), host: a.host.or(b.host), ..a },
            (Some(_), Some(_)) => Origin { address: peer, ..Origin::default() },
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => Origin { address: peer, ..Origin::default() },
        };
        origin.direct = direct.direct;
        origin.prefix = listed(headers, "x-forwarded-prefix").and_then(|text| prefix(text.rsplit(',').next()?.trim()));
        origin
    }

    /// The client among the hops, which are in the order in which they were written: the right-most that is not trusted.
    fn choose(&self, proxy: IpAddr, hops: &[Hop]) -> Origin {
        let mut origin = Origin { address: Some(proxy), ..Origin::default() };
        for hop in hops.iter().rev().take(limits::HOPS) {
            // What the proxy saw of its client tells how that client reached it.
            (origin.scheme, origin.host) = (hop.scheme.or(origin.scheme), hop.host.clone().or(origin.host));
            // Hidden, or unreadable: all that is known is who said so.
            let Some(address) = hop.address else { break };
            origin.address = Some(address);
            if !self.trust(address) {
                break;
            }
        }
        origin
    }
}

/// Whether a proxy, trusted or not, or somebody who plays one, stands between.
fn forwarded(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name == "forwarded" || name == "x-real-ip" || name == "via" || name.as_str().starts_with("x-forwarded-"))
}

/// Where a request comes from, as far as that is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Address of the client.
    pub address: Option<IpAddr>,
    /// Scheme that the client used.
    pub scheme: Option<&'static str>,
    /// Host that the client asked, when a proxy says it.
    pub host: Option<String>,
    /// What the proxy cut from the path: empty or `/…`.
    pub prefix: Option<String>,
    /// No header speaks of a proxy.
    pub direct: bool,
}

/// What one proxy said of who asked it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Hop {
    address: Option<IpAddr>,
    scheme: Option<&'static str>,
    host: Option<String>,
}

/// The lines of a header, as one list.
fn listed(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().map(|v| v.to_str().unwrap_or("?")).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn scheme(text: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(text))
}

/// Whether a text is a host name or address, with a port or not, and nothing else.
pub(crate) fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((v6, "")) if v6.parse::<std::net::Ipv6Addr>().is_ok() => return text.len() <= limits::HOST,
            Some((v6, rest)) if v6.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", rest.strip_prefix(':')),
            _ => return false,
        },
        None => text.split_once(':').map_or((text, Some("0")), |(name, port)| (name, Some(port))),
    };
    let clean = name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    let port = port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok());
    !name.is_empty() && text.len() <= limits::HOST && clean && port
}

/// A path prefix without its last slash; `None` when it is none.
pub(crate) fn prefix(text: &str) -> Option<String> {
    let path = text.trim_end_matches('/');
    let clean = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b));
    let steps = path.split('/').skip(1).all(|step| !step.is_empty() && step != "." && step != "..");
    (clean && steps && path.len() <= limits::PREFIX && (path.is_empty() || path.starts_with('/'))).then(|| path.to_owned())
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`, `2001:db8::1`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (port.is_empty() || port.starts_with(':')).then_some(address)?
        }
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    address.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The elements of `Forwarded`. A list that does not follow the grammar is one hop of which nothing is known.
fn elements(text: &str) -> Vec<Hop> {
    let mut hops = vec![Hop::default()];
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(end) = rest.find(['=', ',', ';']) else {
            return if rest.is_empty() { hops } else { vec![Hop::default()] };
        };
        let (name, separator) = (rest[..end].trim(), &rest[end..=end]);
        rest = &rest[end + 1..];
        if separator == "=" {
            let Some((value, after)) = value(rest) else { return vec![Hop::default()] };
            if let Some(hop) = hops.last_mut() {
                match name.to_ascii_lowercase().as_str() {
                    "for" => hop.address = node(&value),
                    "proto" => hop.scheme = scheme(&value),
                    "host" => hop.host = Some(value).filter(|host| is_host(host)),
                    _ => {}
                }
            }
            rest = after.trim_start();
            match rest.bytes().next() {
                None => return hops,
                Some(b',') => hops.push(Hop::default()),
                Some(b';') => {}
                Some(_) => return vec![Hop::default()],
            }
            rest = &rest[1..];
        } else if !name.is_empty() {
            return vec![Hop::default()];
        } else if separator == "," {
            hops.push(Hop::default());
        }
    }
}

/// A token or a quoted text, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', '"', '=', ' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let (mut out, mut letters) = (String::new(), quoted.char_indices());
    while let Some((at, c)) = letters.next() {
        match c {
            '"' => return Some((out, &quoted[at + 1..])),
            '\\' => out.push(letters.next()?.1),
            c => out.push(c),
        }
    }
    None
}

/// The hops of `X-Forwarded-For`, with scheme and host of the lists beside it. A shorter list speaks of the last proxies; its
/// left-most value stands for those before them.
fn columns([addresses, schemes, hosts]: &[Option<String>; 3]) -> Vec<Hop> {
    fn cut(list: &Option<String>) -> Vec<&str> {
        list.as_deref().map(|text| text.split(',').map(str::trim).collect()).unwrap_or_default()
    }
    let (addresses, schemes, hosts) = (cut(addresses), cut(schemes), cut(hosts));
    let from_right = |list: &[&str], n: usize| list.len().checked_sub(1).map(|last| list[last.saturating_sub(n)].to_owned());
    let mut hops: Vec<Hop> = (0..addresses.len().max(1))
        .map(|n| Hop {
            address: addresses.len().checked_sub(n + 1).and_then(|at| node(addresses[at])),
            scheme: from_right(&schemes, n).and_then(|text| scheme(&text)),
            host: from_right(&hosts, n).filter(|host| is_host(host)),
        })
        .collect();
    hops.reverse();
    hops
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use proptest::prelude::*;

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in all {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn proxies() -> Proxies {
        Proxies::new(["10.0.0.0/8", "2001:db8:aa::/48", "192.0.2.9"].map(|n| n.parse().unwrap()).to_vec())
    }

    fn seen(peer: &str, all: &[(&str, &str)]) -> String {
        proxies().origin(Some(peer.parse().unwrap()), &headers(all)).address.unwrap().to_string()
    }

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

    #[test]
    fn a_stranger_cannot_say_who_it_is() {
        for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            let value = if name == "forwarded" { "for=198.51.100.7;host=evil.example;proto=https" } else { "198.51.100.7" };
            let all = [(name, value), ("x-forwarded-host", "evil.example"), ("x-forwarded-prefix", "/evil")];
            let origin = proxies().origin(Some("203.0.113.5".parse().unwrap()), &headers(&all));
            assert_eq!(origin, Origin { address: Some("203.0.113.5".parse().unwrap()), ..Origin::default() }, "{name}");
        }
    }

    #[test]
    fn the_right_most_untrusted_address_is_the_client() {
        for (client, list) in [
            ("203.0.113.5", "203.0.113.5"),
            ("203.0.113.5", "198.51.100.7, 203.0.113.5"),
            ("203.0.113.5", "198.51.100.7,203.0.113.5:4711 , 10.2.3.4"),
            ("2001:db8::5", "x, [2001:db8::5]:80, 10.2.3.4, 2001:db8:aa::1"),
            ("2001:db8::5", "2001:db8::5"),
            ("203.0.113.5", "::ffff:203.0.113.5"),
            ("10.9.9.9", "10.9.9.9, 10.2.3.4"),
            ("10.0.0.1", ""),
            ("10.0.0.1", "198.51.100.7, unknown"),
            ("10.2.3.4", "198.51.100.7, _hidden, 10.2.3.4"),
            ("10.0.0.1", "198.51.100.7, 1.2.3"),
            ("10.0.0.1", "203.0.113.5,"),
        ] {
            assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", list)]), client, "{list}");
        }
        let two = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "203.0.113.5")];
        assert_eq!(seen("10.0.0.1", &two), "203.0.113.5", "a second line goes on with the list");
        assert_eq!(seen("::ffff:10.0.0.1", &two), "203.0.113.5");
    }

    #[test]
    fn forwarded_is_read_by_its_grammar() {
        for (client, list) in [
            ("203.0.113.5", "for=203.0.113.5"),
            ("203.0.113.5", "For=\"203.0.113.5:80\";proto=http, for=10.2.3.4;by=10.0.0.1"),
            ("2001:db8::5", "for=198.51.100.7, for=\"[2001:db8::5]:4711\""),
            ("203.0.113.5", "for=203.0.113.5;ext=\"a,b;for=198.51.100.7\\\"\""),
            ("203.0.113.5", " , for=198.51.100.7, ;for=203.0.113.5;"),
            ("10.0.0.1", "for=198.51.100.7, for=unknown"),
            ("10.0.0.1", "for=198.51.100.7, for=_proxy;proto=https"),
            ("10.0.0.1", "for=\"198.51.100.7"),
            ("10.0.0.1", "198.51.100.7"),
            ("10.0.0.1", "for=198.51.100.7 for=1"),
            ("10.0.0.1", "for=198.51.100.7, proto=https"),
        ] {
            assert_eq!(seen("10.0.0.1", &[("forwarded", list)]), client, "{list}");
        }
    }

    #[test]
    fn headers_that_disagree_are_not_believed() {
        let told = |a: &'static str, b: &'static str| [("forwarded", a), ("x-forwarded-for", b)];
        assert_eq!(seen("10.0.0.1", &told("for=198.51.100.7", "203.0.113.5")), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &told("for=203.0.113.5", "203.0.113.5")), "203.0.113.5");
        let all = [
            ("forwarded", "for=203.0.113.5;host=evil.example"),
            ("x-forwarded-for", "203.0.113.5"),
            ("x-forwarded-host", "a.example"),
        ];
        assert_eq!(proxies().origin(Some("10.0.0.1".parse().unwrap()), &headers(&all)).host, None);
    }

    #[test]
    fn scheme_host_and_prefix_come_from_the_proxy_that_saw_the_client() {
        let origin = |all: &[(&str, &str)]| {
            let o = proxies().origin(Some("10.0.0.1".parse().unwrap()), &headers(all));
            (o.scheme.unwrap_or("-"), o.host.unwrap_or_else(|| "-".to_owned()), o.prefix.unwrap_or_else(|| "-".to_owned()))
        };
        let own = |s: &'static str, h: &str, p: &str| (s, h.to_owned(), p.to_owned());
        let list = [("x-forwarded-for", "198.51.100.7, 203.0.113.5, 10.2.3.4"), ("x-forwarded-proto", "https, http")];
        assert_eq!(origin(&list), own("https", "-", "-"));
        let one = [("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example:8443"), ("x-forwarded-prefix", "/sante/")];
        assert_eq!(origin(&one), own("https", "a.example:8443", "/sante"));
        let rfc = [("forwarded", "for=203.0.113.5;proto=https;host=\"a.example:1\", for=10.2.3.4;proto=http;host=inner.example")];
        assert_eq!(origin(&rfc), own("https", "a.example:1", "-"));
        let appended = [("x-forwarded-for", "evil, 203.0.113.5"), ("x-forwarded-host", "evil.example, a.example")];
        assert_eq!(origin(&appended), own("-", "a.example", "-"));
        for bad in ["//evil.example", "/a/../b", "a", "/a\"b", "/a?b", "https://x", "/a//b"] {
            assert_eq!(origin(&[("x-forwarded-prefix", bad)]).2, "-", "{bad}");
        }
        for bad in ["a.example/x", "a b", "user@a.example", "a.example:x", "a.example:99999", "[::1", "", "é", "a:1:2"] {
            assert!(!is_host(bad), "{bad}");
        }
        for good in ["a", "a.example:80", "[::1]", "[2001:db8::1]:8080", "192.0.2.1", "a_b-c.example"] {
            assert!(is_host(good), "{good}");
        }
        assert_eq!(origin(&[("x-forwarded-proto", "ftp"), ("x-forwarded-host", "a/b")]), own("-", "-", "-"));
    }

    proptest! {
        /// Nothing that a client writes to the left changes what the proxy wrote to the right.
        #[test]
        fn no_text_to_the_left_is_believed(left in "[ -~]{0,40}") {
            prop_assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", &left), ("x-forwarded-for", "203.0.113.5")]), "203.0.113.5");
            prop_assert_eq!(seen("10.0.0.1", &[("forwarded", &left), ("forwarded", "for=203.0.113.5")]), "203.0.113.5");
            // On one line, a quote that is not closed swallows what follows: then nothing is believed.
            let line = format!("{left},for=203.0.113.5");
            let rfc = seen("10.0.0.1", &[("forwarded", &line)]);
            prop_assert!(rfc == "203.0.113.5" || rfc == "10.0.0.1", "{}", rfc);
        }
    }
}
