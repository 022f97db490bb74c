//! Proxies in front of the server: their forwarding headers are believed only when the operator named them.
//!
//! A trusted proxy appends what it saw to `Forwarded` (RFC 7239) or `X-Forwarded-For`. The client may have sent such headers
//! itself. The lists are therefore read from the right, and the first address that is no trusted proxy is the client. When both
//! headers came and disagree, one of them was not written by the proxy and neither is believed.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue};

use crate::forwarded::{Hop, forwarded_hops, joined_lines, x_forwarded_hops};
use crate::host::path_prefix;
use crate::limits;
use crate::network::Network;

/// The proxies that the operator trusts.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Vec<Network>);

impl Proxies {
    /// Trusts the proxies of these networks.
    #[must_use]
    pub fn new(trusted: Vec<Network>) -> Self {
        Self(trusted)
    }

    /// Whether this is one of them. An address of IPv4 is expected as such, not inside one of IPv6.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Where a request of `peer` comes from.
    pub(crate) fn origin(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Origin {
        let peer = peer.map(|peer| peer.to_canonical());
        let direct = Origin { address: peer, direct: !mentions_a_proxy(headers), ..Origin::default() };
        let Some(proxy) = peer.filter(|peer| self.trusts(*peer)) else { return direct };
        // Each line is parsed alone, so that a quote left open in one swallows nothing of the next.
        let hops_of = |line: &HeaderValue| forwarded_hops(line.to_str().unwrap_or("?"));
        let hops: Vec<Hop> = headers.get_all("forwarded").iter().flat_map(hops_of).collect();
        let rfc = (!hops.is_empty()).then(|| self.client_of(proxy, &hops));
        let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"].map(|name| joined_lines(headers, name));
        let usual = names.iter().any(Option::is_some).then(|| self.client_of(proxy, &x_forwarded_hops(&names)));
        let agree = |a: &Origin, b: &Origin| {
            fn compatible<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
                a.is_none() || b.is_none() || a == b
            }
            a.address == b.address && compatible(&a.scheme, &b.scheme) && compatible(&a.host, &b.host)
        };
        let mut origin = match (rfc, usual) {
            (Some(a), Some(b)) if agree(&a, &b) => Origin { scheme: a.scheme.or(b.scheme), host: a.host.or(b.host), ..a },
            (Some(_), Some(_)) => Origin { address: peer, ..Origin::default() },
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => Origin { address: peer, ..Origin::default() },
        };
        origin.direct = direct.direct;
        origin.prefix = joined_lines(headers, "x-forwarded-prefix").and_then(|text| path_prefix(text.rsplit(',').next()?.trim()));
        origin
    }

    /// The client: the right-most hop whose address is not trusted. Hops are in the order in which they were written.
    fn client_of(&self, proxy: IpAddr, hops: &[Hop]) -> Origin {
        let mut origin = Origin { address: Some(proxy), ..Origin::default() };
        for hop in hops.iter().rev().take(limits::HOPS) {
            // A hop tells how its client reached the proxy that wrote it.
            (origin.scheme, origin.host) = (hop.scheme.or(origin.scheme), hop.host.clone().or(origin.host));
            // Beyond a hidden or unreadable address, nobody that we trust has written.
            let Some(address) = hop.address else { break };
            origin.address = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        origin
    }
}

/// Whether a header speaks of a proxy, trusted or not, or of a client that pretends to be one.
fn mentions_a_proxy(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name == "forwarded" || name == "x-real-ip" || name == "via" || name.as_str().starts_with("x-forwarded-"))
}

/// Where a request comes from, as far as we believe its headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Address of the client.
    pub address: Option<IpAddr>,
    /// Scheme that the client used.
    pub scheme: Option<&'static str>,
    /// Host that the client asked, when a trusted proxy names it.
    pub host: Option<String>,
    /// Prefix that the proxy removed from the path: empty or `/…`.
    pub prefix: Option<String>,
    /// True when no header speaks of a proxy.
    pub direct: bool,
}

#[cfg(test)]
mod tests;
