//! The certificate of a client as a proxy tells it, which ended the connection of TLS in our place (RFC 9440).

use crate::limits;
use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;

/// Why the headers of a proxy name no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientCertFault {
    /// Two headers: one is not the proxy's.
    #[error("the header Client-Cert came twice: the proxy must take it out of what clients send")]
    Twice,
    /// A value that is no byte sequence.
    #[error("the header {0} is no byte sequence of RFC 8941: base64 of DER between two colons")]
    Encoding(&'static str),
    /// A chain without a certificate.
    #[error("the header Client-Cert-Chain came without Client-Cert")]
    ChainAlone,
    /// A long chain.
    #[error("the header Client-Cert-Chain has more than {} certificates", limits::CLIENT_CHAIN)]
    TooLong,
}

/// The chain that the headers `Client-Cert` and `Client-Cert-Chain` name, the client's own certificate first. To be asked only for
/// requests of a trusted proxy: anybody can write headers.
///
/// # Errors
/// A [`ClientCertFault`] when a header cannot be read.
pub fn client_cert_header(headers: &HeaderMap) -> Result<Option<Arc<[CertificateDer<'static>]>>, ClientCertFault> {
    let mut lines = headers.get_all("client-cert").iter();
    let mut links = headers.get_all("client-cert-chain").iter().peekable();
    let Some(own) = lines.next() else {
        return if links.peek().is_some() { Err(ClientCertFault::ChainAlone) } else { Ok(None) };
    };
    if lines.next().is_some() {
        return Err(ClientCertFault::Twice);
    }
    let own = own.to_str().ok().and_then(byte_sequence).ok_or(ClientCertFault::Encoding("Client-Cert"))?;
    let mut chain = vec![own];
    for line in links {
        for link in line.to_str().unwrap_or("?").split(',') {
            if chain.len() > limits::CLIENT_CHAIN {
                return Err(ClientCertFault::TooLong);
            }
            chain.push(byte_sequence(link).ok_or(ClientCertFault::Encoding("Client-Cert-Chain"))?);
        }
    }
    Ok(Some(chain.into()))
}

/// A byte sequence of RFC 8941, without parameters.
fn byte_sequence(text: &str) -> Option<CertificateDer<'static>> {
    let inner = text.trim_matches([' ', '\t']).strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(inner).ok().filter(|bytes| !bytes.is_empty()).map(CertificateDer::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, PeerCertificates, Proxies};
    use axum::extract::ConnectInfo;
    use axum::http::Request;
    use axum::http::request::Parts;
    use std::net::SocketAddr;

    fn request(peer: &str, lines: &[(&str, &str)]) -> Parts {
        let mut request = Request::get("/");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        parts.extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        parts
    }

    fn read(lines: &[(&str, &str)]) -> Result<Option<Vec<Vec<u8>>>, ClientCertFault> {
        let read = client_cert_header(&request("192.0.2.1:1", lines).headers)?;
        Ok(read.map(|chain| chain.iter().map(|der| der.to_vec()).collect()))
    }

    #[test]
    fn headers_are_read_or_refused() {
        let chain = |parts: &[&[u8]]| Ok(Some(parts.iter().map(|part| part.to_vec()).collect::<Vec<_>>()));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("Client-Cert", ":AQID:")]), chain(&[&[1, 2, 3]]));
        let links = [("Client-Cert", ":AQID:"), ("Client-Cert-Chain", ":AQ==:, :Ag==:"), ("Client-Cert-Chain", ":Aw==:")];
        assert_eq!(read(&links), chain(&[&[1, 2, 3], &[1], &[2], &[3]]));
        for bad in ["", "AQID", ":AQID", "::", ":AQI:", ":AQID:;a=1", ":AQID:, :AQID:", ":A QID:", "\"AQID\""] {
            assert_eq!(read(&[("Client-Cert", bad)]), Err(ClientCertFault::Encoding("Client-Cert")), "{bad:?}");
            let links = [("Client-Cert", ":AQID:"), ("Client-Cert-Chain", bad)];
            if bad != ":AQID:, :AQID:" {
                assert_eq!(read(&links), Err(ClientCertFault::Encoding("Client-Cert-Chain")), "{bad:?}");
            }
        }
        assert_eq!(read(&[("Client-Cert", ":AQID:"), ("Client-Cert", ":AQID:")]), Err(ClientCertFault::Twice));
        assert_eq!(read(&[("Client-Cert-Chain", ":AQID:")]), Err(ClientCertFault::ChainAlone));
        let long = [":AQ==:"; limits::CLIENT_CHAIN + 1].join(",");
        assert_eq!(read(&[("Client-Cert", ":AQID:"), ("Client-Cert-Chain", &long)]), Err(ClientCertFault::TooLong));
    }

    #[test]
    fn only_a_trusted_proxy_tells_certificates() {
        let proxies = Proxies::new(vec!["192.0.2.0/24".parse::<Network>().unwrap()]);
        let header = [("Client-Cert", ":AQID:")];
        let own = PeerCertificates(Arc::new([CertificateDer::from(vec![9])]));
        let of = |peer: &str, connection: bool, lines: &[(&str, &str)]| {
            let mut parts = request(peer, lines);
            if connection {
                parts.extensions.insert(own.clone());
            }
            PeerCertificates::of(&parts, &proxies).map(|found| found.map(|chain| chain.0[0].to_vec()))
        };
        assert_eq!(of("192.0.2.7:1", false, &header), Ok(Some(vec![1, 2, 3])));
        assert_eq!(of("[::ffff:192.0.2.7]:1", false, &header), Ok(Some(vec![1, 2, 3])));
        assert_eq!(of("198.51.100.1:1", false, &header), Ok(None));
        assert_eq!(of("198.51.100.1:1", true, &header), Ok(Some(vec![9])));
        // The certificate of a proxy is not its client's.
        assert_eq!(of("192.0.2.7:1", true, &[]), Ok(None));
    }
}
