//! Host names and path prefixes that may stand in a link.

use crate::limits;

/// Whether a text is a host name or address, with or without a port, and nothing else.
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

/// A path prefix without its last slash; `None` when the text is no path.
pub(crate) fn path_prefix(text: &str) -> Option<String> {
    let path = text.trim_end_matches('/');
    let clean = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~".contains(&b));
    let steps = path.split('/').skip(1).all(|step| !step.is_empty() && step != "." && step != "..");
    (clean && steps && path.len() <= limits::PREFIX && (path.is_empty() || path.starts_with('/'))).then(|| path.to_owned())
}
