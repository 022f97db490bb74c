//! The headers with which proxies describe their clients: `Forwarded` (RFC 7239) and the `X-Forwarded-*` lists.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::host::is_host;

/// One proxy's statement about the client that it served.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Hop {
    /// Address of that client; `None` when it is hidden or unreadable.
    pub(crate) address: Option<IpAddr>,
    /// Scheme that it used.
    pub(crate) scheme: Option<&'static str>,
    /// Host that it asked.
    pub(crate) host: Option<String>,
}

/// The lines of a header, joined into one list.
pub(crate) fn joined_lines(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().map(|v| v.to_str().unwrap_or("?")).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

fn scheme(text: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|known| known.eq_ignore_ascii_case(text))
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`, `2001:db8::1`.
fn node_address(text: &str) -> Option<IpAddr> {
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

/// The hops of one `Forwarded` line (RFC 7239 §4). A line that does not follow the grammar is one hop of which nothing is known.
pub(crate) fn forwarded_hops(text: &str) -> Vec<Hop> {
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
            let Some((value, after)) = token_or_quoted(rest) else { return vec![Hop::default()] };
            if let Some(hop) = hops.last_mut() {
                match name.to_ascii_lowercase().as_str() {
                    "for" => hop.address = node_address(&value),
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

/// A token or a quoted string at the start of a text, and the text after it.
fn token_or_quoted(text: &str) -> Option<(String, &str)> {
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

/// The hops of `X-Forwarded-For`, with the schemes and hosts of the two lists beside it. A shorter list is aligned to the right,
/// and its left-most value also stands for the hops before it.
pub(crate) fn x_forwarded_hops([addresses, schemes, hosts]: &[Option<String>; 3]) -> Vec<Hop> {
    fn items(list: &Option<String>) -> Vec<&str> {
        list.as_deref().map(|text| text.split(',').map(str::trim).collect()).unwrap_or_default()
    }
    let (addresses, schemes, hosts) = (items(addresses), items(schemes), items(hosts));
    let from_right = |list: &[&str], n: usize| list.len().checked_sub(1).map(|last| list[last.saturating_sub(n)].to_owned());
    let mut hops: Vec<Hop> = (0..addresses.len().max(1))
        .map(|n| Hop {
            address: addresses.len().checked_sub(n + 1).and_then(|at| node_address(addresses[at])),
            scheme: from_right(&schemes, n).and_then(|text| scheme(&text)),
            host: from_right(&hosts, n).filter(|host| is_host(host)),
        })
        .collect();
    hops.reverse();
    hops
}
