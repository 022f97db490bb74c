//! Cards and certificates of organisations in a server: the hosts that ask for them, what they are checked with, and the TLS listener.

use crate::clock::now_ms;
use crate::config::{AcceptedCards, ClientBase, IdentitySection, TextValue};
use crate::limits::{LIST_DOWNLOADS, LIST_LOOKS};
use crate::revocation::{FileStamp, RevocationLists, TrustedIssuers, stamp};
use annuaire_cards::{CardAuthorities, CardEnvironment, OrganisationAuthorities};
use annuaire_identity::{CertificateChecks, CurrentAuthorities, Provider, ProviderAddresses, card_router, certificate_router};
use annuaire_subscribe::{AddressRules, HttpTransport};
use annuaire_web::{ClientCertificates, ServedTls, TlsConfiguration};
use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// A host that asks for certificates.
struct CertificateHost {
    /// Scheme, host and port, as browsers and clients see it.
    base: String,
    /// Its name, which clients ask for in TLS and in `Host`.
    name: Arc<str>,
}

/// What a server takes of certificates, and how it serves the hosts that ask for them.
pub(crate) struct CertificateService {
    card_host: Option<CertificateHost>,
    mtls_host: Option<CertificateHost>,
    lists: RevocationLists,
    environment: CardEnvironment,
    certificate: PathBuf,
    key: PathBuf,
    /// The certificate and key that are served, as their files were.
    stamps: Mutex<Option<(FileStamp, FileStamp)>>,
    tls: Arc<ServedTls>,
    transport: Option<HttpTransport>,
}

impl CertificateService {
    /// The service that a configuration asks for; `None` when it asks for none. `others` are the addresses of issuer and login.
    ///
    /// # Errors
    /// When something is given in part, or cannot be read: what, and what to do.
    pub(crate) fn of(section: &IdentitySection, others: &ProviderAddresses) -> Result<Option<Self>> {
        let Some(first) = given(section) else { return Ok(None) };
        let needed = |name: &str, what: &str| format!("identity.{first} is set, and identity.{name} is not: name {what}");
        if section.tls_listen.is_none() {
            bail!(needed("tls_listen", "the address of the TLS listener for cards and certificates"));
        }
        let certificate = section.tls_certificate.clone();
        let certificate =
            certificate.with_context(|| needed("tls_certificate", "the certificate of the server, with its issuer (PEM)"))?;
        let key = section.tls_key.clone().with_context(|| needed("tls_key", "the private key of the server (PEM)"))?;
        let roots = section.certificate_roots.as_deref();
        let roots = roots.with_context(|| needed("certificate_roots", "the roots of the authorities (PEM)"))?;
        let directory = section.revocation_lists.as_deref();
        let directory = directory
            .with_context(|| needed("revocation_lists", "the directory of revocation lists: without them nobody is accepted"))?;
        let card_host = both("card_host", &section.card_host, "person_authorities", &section.person_authorities)?;
        let mtls_host = both("mtls_host", &section.mtls_host, "organisation_authorities", &section.organisation_authorities)?;
        if card_host.is_none() && mtls_host.is_none() {
            bail!(
                "identity.{first} is set, and no host uses it: name card_host with person_authorities, or mtls_host with \
                 organisation_authorities"
            );
        }
        let roots = read(roots)?;
        let persons = card_host.as_ref().map(|(_, authorities)| {
            issuers(&roots, authorities, CardAuthorities::new)
                .context("identity.person_authorities with identity.certificate_roots")
        });
        let organisations = mtls_host.as_ref().map(|(_, authorities)| {
            issuers(&roots, authorities, OrganisationAuthorities::new)
                .context("identity.organisation_authorities with identity.certificate_roots")
        });
        let downloads = section.download_revocation_lists;
        if !downloads && !section.revocation_addresses.is_empty() {
            bail!(
                "identity.revocation_addresses is set, and download_revocation_lists is not true: set it, or leave the addresses out"
            );
        }
        if let Some(other) = section.revocation_addresses.iter().find(|address| !address.starts_with("http://")) {
            bail!("identity.revocation_addresses: {other:?} does not begin with http://: lists are signed, and come without TLS");
        }
        let addresses = downloads.then(|| section.revocation_addresses.clone());
        let lists = RevocationLists::new(persons.transpose()?, organisations.transpose()?, directory, addresses);
        if downloads && lists.addresses().is_empty() {
            bail!(
                "identity.download_revocation_lists: the certificates of the authorities name no http address; name revocation_addresses"
            );
        }
        // Lists are public: any address of the internet may have them, and none of our own network.
        let public = |address| AddressRules::default().may_connect(address, true);
        let transport = downloads.then(|| HttpTransport::new(AddressRules::allowing(public), None));
        let hosts = [card_host.map(|(base, _)| ("card_host", base)), mtls_host.map(|(base, _)| ("mtls_host", base))];
        let [card_host, mtls_host] = hosts.map(|host| host.map(|(key, base)| CertificateHost::of(key, base, others)).transpose());
        let (card_host, mtls_host) = (card_host?, mtls_host?);
        if let (Some(card), Some(mtls)) = (&card_host, &mtls_host)
            && card.name.eq_ignore_ascii_case(&mtls.name)
        {
            bail!("identity.card_host and identity.mtls_host are both {}: browsers and clients need a name each", card.name);
        }
        let stamps = (stamp_of(&certificate)?, stamp_of(&key)?);
        let tls = configuration((&certificate, &key), (card_host.as_ref(), mtls_host.as_ref()), &lists)?;
        let service = Self {
            card_host,
            mtls_host,
            lists,
            environment: match section.cards {
                AcceptedCards::Production => CardEnvironment::Production,
                AcceptedCards::Test => CardEnvironment::Test,
            },
            certificate,
            key,
            stamps: Mutex::new(Some(stamps)),
            tls: Arc::new(ServedTls::new(tls)),
            transport: transport.transpose().map_err(anyhow::Error::msg)?,
        };
        tell(service.lists.look(now_ms()));
        Ok(Some(service))
    }

    /// Adds its hosts to the addresses of a provider.
    pub(crate) fn add_hosts(&self, addresses: &mut ProviderAddresses) {
        addresses.card_host = self.card_host.as_ref().map(|host| host.base.clone());
        addresses.mtls_host = self.mtls_host.as_ref().map(|host| host.base.clone());
    }

    /// Wakes who looks at the sessions of cards.
    pub(crate) fn renewals(&self) -> watch::Receiver<()> {
        self.lists.renewals()
    }

    /// What the provider checks certificates with.
    pub(crate) fn checks(&self) -> CertificateChecks {
        CertificateChecks {
            cards: self.lists.persons.as_ref().map_or_else(none, TrustedIssuers::current),
            organisations: self.lists.organisations.as_ref().map_or_else(none, TrustedIssuers::current),
            environment: self.environment,
        }
    }

    /// What the TLS listener shows and asks.
    pub(crate) fn tls(&self) -> Arc<ServedTls> {
        Arc::clone(&self.tls)
    }

    /// What the TLS listener answers: each host its own routes.
    pub(crate) fn router(&self, provider: &Arc<Provider>) -> Router {
        let mut app = Router::new();
        if let Some(host) = &self.card_host {
            // The pages of this host have the style of the others.
            let style = get(|| async { ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], annuaire_pages::STYLESHEET) });
            let routes = card_router(provider).route(&annuaire_pages::stylesheet_path(), style);
            app = app.merge(routes.route_layer(from_fn_with_state(Arc::clone(&host.name), only_here)));
        }
        if let Some(host) = &self.mtls_host {
            app = app.merge(certificate_router(provider).route_layer(from_fn_with_state(Arc::clone(&host.name), only_here)));
        }
        app
    }

    /// Looks at lists and certificates for ever.
    pub(crate) async fn watch(self: Arc<Self>) {
        for turn in 0_u32.. {
            let service = Arc::clone(&self);
            _ = tokio::task::spawn_blocking(move || service.look_again(turn % LIST_DOWNLOADS == 0)).await;
            tokio::time::sleep(LIST_LOOKS).await;
        }
    }

    fn look_again(&self, downloads: bool) {
        if let Some(transport) = self.transport.as_ref().filter(|_| downloads) {
            tell(self.lists.download(transport));
        }
        tell(self.lists.look(now_ms()));
        tell(self.renew_server());
    }

    /// Serves the certificate of the server as its file is now, when it changed; returns what the operator must be told.
    fn renew_server(&self) -> Vec<String> {
        let now = stamp_of(&self.certificate).and_then(|certificate| Ok((certificate, stamp_of(&self.key)?))).ok();
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        if now == *stamps {
            return Vec::new();
        }
        *stamps = now;
        let hosts = (self.card_host.as_ref(), self.mtls_host.as_ref());
        match configuration((&self.certificate, &self.key), hosts, &self.lists) {
            Ok(made) => {
                self.tls.replace(made);
                vec!["the TLS listener serves its new certificate".to_owned()]
            }
            Err(error) => vec![format!("the TLS listener goes on with its former certificate: {error:#}")],
        }
    }
}

impl CertificateHost {
    /// A host that asks for certificates: of its own, since browsers keep the choice of a certificate for each host, and over TLS.
    fn of(key: &str, base: &TextValue<ClientBase>, others: &ProviderAddresses) -> Result<Self> {
        let base = base.text().trim_end_matches('/').to_owned();
        let Some(rest) = base.strip_prefix("https://").filter(|rest| !rest.contains('/')) else {
            bail!("identity.{key} = {base:?}: write https:// and a host, with a port if it is not 443, and nothing after");
        };
        let name = host_name(rest);
        for other in [&others.host, &others.login_host] {
            if other.split_once("://").is_some_and(|(_, other)| host_name(other).eq_ignore_ascii_case(name)) {
                bail!("identity.{key} = {base:?} is the host of the issuer or of the login: give it a name of its own");
            }
        }
        let name = name.into();
        Ok(Self { base, name })
    }
}

/// The name of a host without its port.
fn host_name(host: &str) -> &str {
    match host.split_once(']') {
        Some((v6, _)) => v6.trim_start_matches('['),
        None => host.split(':').next().unwrap_or(host),
    }
}

/// Answers requests for one host, and no others: 421 (RFC 9110 §15.5.20).
async fn only_here(State(name): State<Arc<str>>, request: Request, next: Next) -> Response {
    let asked = request.uri().host().or_else(|| request.headers().get(header::HOST)?.to_str().ok()).map(host_name);
    if asked.is_some_and(|asked| asked.eq_ignore_ascii_case(&name)) {
        next.run(request).await
    } else {
        StatusCode::MISDIRECTED_REQUEST.into_response()
    }
}

/// The first setting about certificates that is given.
fn given(section: &IdentitySection) -> Option<&'static str> {
    let all = [
        ("tls_listen", section.tls_listen.is_some()),
        ("tls_certificate", section.tls_certificate.is_some()),
        ("tls_key", section.tls_key.is_some()),
        ("card_host", section.card_host.is_some()),
        ("mtls_host", section.mtls_host.is_some()),
        ("certificate_roots", section.certificate_roots.is_some()),
        ("person_authorities", section.person_authorities.is_some()),
        ("organisation_authorities", section.organisation_authorities.is_some()),
        ("revocation_lists", section.revocation_lists.is_some()),
        ("download_revocation_lists", section.download_revocation_lists),
        ("revocation_addresses", !section.revocation_addresses.is_empty()),
    ];
    all.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
}

/// Refuses settings about certificates where there is no provider that would use them.
pub(crate) fn refuse_without_provider(section: &IdentitySection) -> Result<()> {
    match given(section) {
        Some(first) => bail!("identity.{first} is set, and identity.issuer is not: there is no identity provider without it"),
        None => Ok(()),
    }
}

/// Two settings that go together: both, or none.
fn both<'a, A, B>(one: &str, first: &'a Option<A>, other: &str, second: &'a Option<B>) -> Result<Option<(&'a A, &'a B)>> {
    match (first, second) {
        (Some(first), Some(second)) => Ok(Some((first, second))),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("identity.{one} is set, and identity.{other} is not: they go together"),
        (None, Some(_)) => bail!("identity.{other} is set, and identity.{one} is not: they go together"),
    }
}

fn issuers<T: Send + Sync + 'static>(
    roots: &[u8],
    authorities: &Path,
    make: fn(&annuaire_cards::CrlStore) -> Result<T, annuaire_cards::AuthorityFault>,
) -> Result<TrustedIssuers<T>> {
    TrustedIssuers::read(roots, &read(authorities)?, make)
}

fn none<T>() -> CurrentAuthorities<T> {
    Arc::new(|| None)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn stamp_of(path: &Path) -> Result<FileStamp> {
    stamp(path).with_context(|| format!("reading {}", path.display()))
}

/// What the listener shows and asks: certificates at the two hosts, none at other names.
fn configuration(
    (certificate, key): (&Path, &Path),
    (card_host, mtls_host): (Option<&CertificateHost>, Option<&CertificateHost>),
    lists: &RevocationLists,
) -> Result<TlsConfiguration> {
    let (chain, secret) = (read(certificate)?, read(key)?);
    let shown = || format!("{} with {}", certificate.display(), key.display());
    let mut made = TlsConfiguration::new(&chain, &secret, &ClientCertificates::NotAsked).with_context(shown)?;
    let card = card_host.map(|host| (host, lists.persons.as_ref().map(TrustedIssuers::hints)));
    let mtls = mtls_host.map(|host| (host, lists.organisations.as_ref().map(TrustedIssuers::hints)));
    for (host, hints) in [card, mtls].into_iter().flatten() {
        let asked = ClientCertificates::Asked { issuers: hints.unwrap_or_default() };
        made = made.with_host(&host.name, &chain, &secret, &asked).with_context(shown)?;
    }
    Ok(made)
}

/// Tells the operator.
fn tell(lines: Vec<String>) {
    for line in lines {
        eprintln!("{line}");
    }
}

#[cfg(test)]
#[path = "certificates/tests.rs"]
mod tests;
