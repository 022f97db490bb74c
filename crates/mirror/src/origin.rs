//! The address of an origin, and which links of its answers may be followed.

use crate::error::{Error, Result, refused};

/// The base address of a FHIR directory. Links are followed only to its scheme, host and port: an answer must not send the
/// mirror, and the key that it carries, elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OriginBase {
    /// Without a slash at the end.
    base: String,
    /// `https://host:port`, in lower case, the port always written.
    authority: String,
}

impl OriginBase {
    /// Reads the base address that an operator gives.
    ///
    /// # Errors
    /// When it is no `http` or `https` address, or holds a user, a query or a fragment.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let base = text.trim().trim_end_matches('/');
        let Some(authority) = authority(base) else {
            return Err(Error::Request(format!("{text:?} is no address of a FHIR service; one is https://host/fhir/v2")));
        };
        if base.contains(['?', '#']) {
            return Err(Error::Request(format!("{text:?}: give the base address of the service, without query")));
        }
        Ok(Self { base: base.to_owned(), authority })
    }

    /// The address without a slash at its end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether answers are protected on their way.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.authority.starts_with("https:")
    }

    /// Whether the origin is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        ["//127.0.0.1:", "//localhost:", "//[::1]:"].iter().any(|host| self.authority.contains(host))
    }

    /// The address of something below the base.
    pub(crate) fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    /// Whether an absolute address is at this scheme, host and port.
    pub(crate) fn holds(&self, url: &str) -> bool {
        authority(url).is_some_and(|a| a == self.authority)
    }

    /// The absolute address of a link that an answer gave, from the address of the answer.
    ///
    /// # Errors
    /// When the link leads to another scheme, host or port, or is no address.
    pub(crate) fn follow(&self, from: &str, link: &str) -> Result<String> {
        let url = absolute(from, link)
            .ok_or_else(|| refused(from, format!("its link {:?} is no address", crate::error::shown(link))))?;
        if self.holds(&url) {
            return Ok(url);
        }
        let elsewhere = crate::error::shown(&url);
        Err(refused(
            from,
            format!(
                "its link leads to {elsewhere}, which is not at {}; it was not followed. If the service has this other address, give \
                 it as the base address",
                self.authority
            ),
        ))
    }
}

/// `scheme://host:port` of an absolute address in lower case; `None` when it is none, or holds what hides its host.
fn authority(url: &str) -> Option<String> {
    if url.len() > 16_384 || url.contains(['\\', ' ', '"', '<', '>']) || url.chars().any(|c| c.is_control() || !c.is_ascii()) {
        return None;
    }
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let host = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    if host.is_empty() || host.contains('@') {
        return None;
    }
    let has_port = host.rsplit_once(':').is_some_and(|(_, p)| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let host = if has_port { host } else { format!("{}:{port}", host.trim_end_matches(':')) };
    Some(format!("{scheme}://{host}"))
}

/// A link as an absolute address.
pub(crate) fn absolute(from: &str, link: &str) -> Option<String> {
    let link = link.trim();
    if link.is_empty() {
        return None;
    }
    if link.contains("://") && !link.starts_with(['/', '?', '.']) {
        return Some(link.to_owned());
    }
    let start = from.find("://")? + 3;
    let path = from[start..].find(['/', '?', '#']).map_or(from.len(), |n| start + n);
    let query = from[start..].find(['?', '#']).map_or(from.len(), |n| start + n);
    Some(if link.starts_with("//") {
        format!("{}{link}", &from[..start - 2])
    } else if link.starts_with('/') {
        format!("{}{link}", &from[..path])
    } else if link.starts_with('?') {
        format!("{}{link}", &from[..query])
    } else {
        let parent = from[..query].rfind('/').filter(|n| *n >= path).map_or(from.len().min(query), |n| n);
        format!("{}/{link}", &from[..parent])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_on_the_host() {
        let origin = OriginBase::parse("https://Directory.example/fhir/v2/").unwrap();
        let page = "https://directory.example/fhir/v2/Device?_count=2";
        for (link, to) in [
            ("https://directory.example/fhir/v2/_page?id=u1", "https://directory.example/fhir/v2/_page?id=u1"),
            ("https://directory.example:443/x", "https://directory.example:443/x"),
            ("/fhir/v2/_page?id=1", "https://directory.example/fhir/v2/_page?id=1"),
            ("?page=2", "https://directory.example/fhir/v2/Device?page=2"),
            ("_page?id=://2", "https://directory.example/fhir/v2/_page?id=://2"),
        ] {
            if link.contains("=://") {
                assert!(origin.follow(page, link).is_err());
                continue;
            }
            assert_eq!(origin.follow(page, link).unwrap(), to, "{link}");
        }
        for link in [
            "http://directory.example/fhir/v2/_page?id=1",
            "https://directory.example:8443/x",
            "https://directory.example@evil.example/x",
            "https://evil.example/?directory.example",
            "//evil.example/x",
            "https://evil.example\\@directory.example/",
            "file:///etc/passwd",
            "https://directory.example.evil.example/",
            "",
        ] {
            let said = origin.follow(page, link).err().unwrap().to_string();
            assert!(said.contains("link"), "{link}: {said}");
        }
    }

    #[test]
    fn a_base_is_an_address() {
        for text in ["ftp://h/x", "directory.example", "https://", "https://h/x?y", "https://u:p@h/x"] {
            assert!(OriginBase::parse(text).is_err(), "{text}");
        }
        assert!(OriginBase::parse("http://127.0.0.1:80/f").unwrap().is_loopback());
        assert!(!OriginBase::parse("http://127.0.0.1.example/f").unwrap().is_loopback());
    }
}
