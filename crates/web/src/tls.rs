//! TLS for connections: certificates of the server by the name that a client asks for, and the certificate of the client if it has
//! one. What is served can be replaced while connections are open.
//!
//! # Why any certificate of a client passes the handshake
//!
//! A verifier that refuses ends the handshake, and the person sees an error page of the browser without a word on the card. Here the
//! handshake proves one thing: that the client holds the key of the certificate that it sent. The chain is handed to the handlers as
//! [`PeerCertificates`], which is no identity: no page may act on it before `annuaire_cards::check_card` or
//! `check_organisation` turned it into one. Sessions are never resumed, so a revoked card is looked at again with each connection.

use arc_swap::ArcSwap;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use rustls::DistinguishedName as IssuerHint;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{Acceptor, NoServerSessionStorage};
use rustls::version::{TLS12, TLS13};
use rustls::{DigitallySignedStruct, ServerConfig, SignatureScheme};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::client_cert::{ClientCertFault, client_cert_header};
use crate::proxies::Proxies;

/// The certificates that a client sent, its own first. An extension of each request of its connection. They are no identity yet: see
/// the description of this module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificates(pub Arc<[CertificateDer<'static>]>);

impl PeerCertificates {
    /// The certificates of the client of a request: of its connection, or, when the connection is one of these proxies, of the header
    /// `Client-Cert` (RFC 9440). From anybody else the header counts for nothing; from a proxy, its own certificate does.
    ///
    /// Give proxies only if the operator said that they write this header and take it out of what clients send.
    ///
    /// # Errors
    /// When the header of a proxy cannot be read.
    pub fn of(request: &Parts, proxies: &Proxies) -> Result<Option<Self>, ClientCertFault> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
        if peer.is_some_and(|ConnectInfo(peer)| proxies.trusts(peer.ip().to_canonical())) {
            return client_cert_header(&request.headers).map(|chain| chain.map(Self));
        }
        Ok(request.extensions.get::<Self>().cloned())
    }
}

/// Why a server cannot serve with a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// No certificate in the file.
    #[error("no certificate for the server: give PEM with its certificate, then that of its issuer")]
    NoCertificate,
    /// A section that is no PEM.
    #[error("the certificates of the server are no PEM: {0}")]
    Certificates(String),
    /// No private key.
    #[error("no private key for the server: give PEM (PKCS#8, PKCS#1 or SEC 1) without a password: {0}")]
    Key(String),
    /// A certificate and a key that do not go together, or that the back-end cannot use.
    #[error("certificate and private key of the server cannot be used: {0}")]
    Unusable(String),
}

/// Whether a host asks its clients for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificates {
    /// It does not.
    NotAsked,
    /// It asks, and serves those who have none. A browser shows the certificates of these issuers only (names in DER); none named,
    /// all.
    Asked {
        /// Names of issuers, in DER.
        issuers: Vec<Vec<u8>>,
    },
}

/// What a server shows and asks, for each name of host.
#[derive(Debug, Clone)]
pub struct TlsConfiguration {
    otherwise: Arc<ServerConfig>,
    hosts: Vec<(String, Arc<ServerConfig>)>,
}

impl TlsConfiguration {
    /// Serves every name with this certificate (PEM, its issuer after it) and key (PEM).
    ///
    /// # Errors
    /// A [`TlsFault`].
    pub fn new(certificate: &[u8], key: &[u8], clients: &ClientCertificates) -> Result<Self, TlsFault> {
        Ok(Self { otherwise: server_config(certificate, key, clients)?, hosts: Vec::new() })
    }

    /// Serves one name otherwise: the host of cards, which asks for certificates, beside the one that does not.
    ///
    /// # Errors
    /// A [`TlsFault`].
    pub fn with_host(
        mut self,
        host: &str,
        certificate: &[u8],
        key: &[u8],
        clients: &ClientCertificates,
    ) -> Result<Self, TlsFault> {
        self.hosts.push((host.to_ascii_lowercase(), server_config(certificate, key, clients)?));
        Ok(self)
    }

    fn of_host(&self, host: Option<&str>) -> Arc<ServerConfig> {
        let named = host.and_then(|host| self.hosts.iter().find(|(name, _)| name.eq_ignore_ascii_case(host)));
        Arc::clone(named.map_or(&self.otherwise, |(_, config)| config))
    }
}

/// A configuration that is served, and that can be replaced: new connections get the new one, open ones go on.
#[derive(Debug)]
pub struct ServedTls(ArcSwap<TlsConfiguration>);

impl ServedTls {
    /// Serves a configuration.
    #[must_use]
    pub fn new(configuration: TlsConfiguration) -> Self {
        Self(ArcSwap::from_pointee(configuration))
    }

    /// Serves another one from now on.
    pub fn replace(&self, configuration: TlsConfiguration) {
        self.0.store(Arc::new(configuration));
    }

    /// Shakes hands.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let config = self.0.load().of_host(hello.client_hello().server_name());
        hello.into_stream(config).await
    }
}

fn server_config(certificate: &[u8], key: &[u8], clients: &ClientCertificates) -> Result<Arc<ServerConfig>, TlsFault> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<_, _>>()
        .map_err(|e| TlsFault::Certificates(e.to_string()))?;
    if chain.is_empty() {
        return Err(TlsFault::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| TlsFault::Key(e.to_string()))?;
    let unusable = |e: rustls::Error| TlsFault::Unusable(e.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&[&TLS13, &TLS12]).map_err(unusable)?;
    let builder = match clients {
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
        ClientCertificates::Asked { issuers } => {
            builder.with_client_cert_verifier(Arc::new(HandshakeVerifier::new(issuers, &provider)))
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    // Connections speak HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Checks that the client holds the key of its certificate, and nothing else: see the description of this module.
#[derive(Debug)]
struct HandshakeVerifier {
    issuers: Vec<IssuerHint>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl HandshakeVerifier {
    fn new(issuers: &[Vec<u8>], provider: &CryptoProvider) -> Self {
        let issuers = issuers.iter().map(|name| IssuerHint::from(name.clone())).collect();
        Self { issuers, algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for HandshakeVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[IssuerHint] {
        &self.issuers
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
