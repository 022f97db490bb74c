//! The form of a URL in which two that mean one resource are equal (RFC 3986 §6.2.2 and §6.2.3).

use crate::limits::URL;

/// Scheme, authority and path of an `http` or `https` URL in normal form; query and fragment are left out. `None` for what is no such URL, for one with
/// a user, and for one beyond [`URL`] bytes.
pub(crate) fn normal_url(url: &str) -> Option<String> {
    if url.len() > URL || !url.bytes().all(|b| b.is_ascii_graphic()) {
        return None;
    }
    let url = url.split(['?', '#']).next()?;
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let usual_port: u16 = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // The last colon is that of the port, unless it is one of an address in brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let host = if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        if !address.bytes().all(|b| b.is_ascii_hexdigit() || b":.".contains(&b)) {
            return None;
        }
        host.to_ascii_lowercase()
    } else {
        spelled(host, "!$&'()*+,;=", u8::to_ascii_lowercase)?
    };
    if host.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let port = if port.is_empty() { usual_port } else { port.parse().ok()? };
    let mut out = format!("{scheme}://{host}");
    if port != usual_port {
        out.push_str(&format!(":{port}"));
    }
    out.push_str(&without_dots(&spelled(path, "!$&'()*+,;=:@/", |b| *b)?));
    Some(out)
}

/// A text in which unreserved characters stand for themselves and others keep their percent-encoding, in capital digits. `None` for a character that
/// is neither unreserved nor in `others`, and for a wrong percent-encoding.
fn spelled(text: &str, others: &str, case: impl Fn(&u8) -> u8) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [b, after @ ..] = rest {
        rest = after;
        if *b == b'%' {
            let [high, low, after @ ..] = rest else { return None };
            let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            let byte = digit(high)? << 4 | digit(low)?;
            rest = after;
            match plain(byte) {
                true => out.push(char::from(case(&byte))),
                false => out.push_str(&format!("%{byte:02X}")),
            }
        } else if plain(*b) || others.as_bytes().contains(b) {
            out.push(char::from(case(b)));
        } else {
            return None;
        }
    }
    Some(out)
}

/// An absolute or empty path without its segments `.` and `..` (RFC 3986 §5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut open = true;
    for segment in path.split('/').skip(1) {
        open = matches!(segment, "." | "..");
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let mut out: String = kept.iter().flat_map(|segment| ["/", segment]).collect();
    if open {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_urls_have_one_form() {
        let table = [
            ("https://id.example/token", "https://id.example/token"),
            ("HTTPS://ID.Example:443/token?a=1#b", "https://id.example/token"),
            ("https://id.example:/token", "https://id.example/token"),
            ("https://id.example:0443/token", "https://id.example/token"),
            ("http://id.example:80", "http://id.example/"),
            ("http://id.example:443/", "http://id.example:443/"),
            ("https://id.example?x", "https://id.example/"),
            ("https://id.example/%7euser/%2f%c3%a9", "https://id.example/~user/%2F%C3%A9"),
            ("https://%69d.ex%41mple/", "https://id.example/"),
            ("https://id.example/a/./b/../c/%2E%2e/d", "https://id.example/a/d"),
            ("https://id.example/../..", "https://id.example/"),
            ("https://id.example/a/b/.", "https://id.example/a/b/"),
            ("https://id.example/a//b", "https://id.example/a//b"),
            ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]/x"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]/"),
            ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ];
        for (url, normal) in table {
            assert_eq!(normal_url(url).as_deref(), Some(normal), "{url}");
            assert_eq!(normal_url(normal).as_deref(), Some(normal), "{url}");
        }
    }

    #[test]
    fn others_are_none() {
        for wrong in [
            "",
            "/token",
            "id.example/token",
            "ftp://id.example/",
            "https:/id.example/",
            "https://",
            "https:///token",
            "https://user@id.example/",
            "https://id.example:x/",
            "https://id.example:65536/",
            "https://id.example/%4",
            "https://id.example/%zz",
            "https://id.example/%+1",
            "https://id.example/a b",
            "https://id.example/a\\b",
            "https://id.example/é",
            "https://[::1/",
            "https://[v1.x]/",
            "https://a:1:2/",
        ] {
            assert_eq!(normal_url(wrong), None, "{wrong}");
        }
        assert_eq!(normal_url(&format!("https://id.example/{}", "a".repeat(URL))), None);
    }
}
