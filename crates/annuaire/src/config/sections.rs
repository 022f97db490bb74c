//! The sections: a struct each, defaults next to the keys.

use super::section::{KeyValue, Section, section};
use super::values::{
    AcceptedCards, Bounded, ClientBase, ContactAddress, GuideVersion, GzipEncoder, KeepDays, LogLevel, PhoneApproval, TextValue,
    UpdateCadence,
};
use crate::data_place::{DataPlace, RetainedVersions};
use crate::extractions::DailyTime;
use annuaire_web::Network;
use annuaire_web::connections::ConnectionLimits;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Configuration {
    pub(crate) server: ServerSection,
    pub(crate) notices: NoticesSection,
    pub(crate) connections: ConnectionsSection,
    pub(crate) access: AccessSection,
    pub(crate) registry: RegistrySection,
    pub(crate) publication: PublicationSection,
    pub(crate) import: ImportSection,
    pub(crate) subscriptions: SubscriptionsSection,
    pub(crate) identity: IdentitySection,
    pub(crate) registration: RegistrationSection,
    pub(crate) doctor: DoctorSection,
}

section! {
    /// What a server listens on, how clients see it, what it writes about requests.
    ServerSection "server" {
        /// Address and port to listen on.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
        /// Address that clients see when a proxy stands in front: scheme, host, path (`https://annuaire.example`). Without it, what a
        /// trusted proxy says.
        public_base: Option<TextValue<ClientBase>> = None,
        /// Proxies whose Forwarded and X-Forwarded-… headers are believed: addresses, or networks as 10.0.0.0/8.
        trusted_proxies: Vec<TextValue<Network>> = Vec::new(),
        /// Who answers for the directory, as the page of legal notices names it. Needed on an address that others reach.
        operator: Option<String> = None,
        /// Whether search engines may list the pages of professionals and structures. Without it, pages ask not to be listed, and there is no
        /// sitemap.
        indexed: bool = true,
        /// Where developers ask: a mail address, or the https address of a page. CapabilityStatements and the page of the API name it.
        contact: Option<TextValue<ContactAddress>> = None,
        /// Least severity of the events written to the error output: error, warn, info, debug, trace. Without it, that of the variable
        /// ANNUAIRE_LOG, else warn.
        log: Option<LogLevel> = None,
        /// Whether a line is written for each request.
        request_log: bool = true,
        /// Encoder of compressed answers: annuaire, or zlib when pages compress badly.
        gzip: GzipEncoder = GzipEncoder::Annuaire,
    }
}

section! {
    /// What the page of legal notices says besides the operator. What is missing is told as missing.
    NoticesSection "notices" {
        /// Postal address of the operator.
        address: Option<String> = None,
        /// Director of publication.
        director: Option<String> = None,
        /// Name and address of who hosts the service.
        host: Option<String> = None,
        /// How visitors reach the operator: mail address, telephone or page.
        contact: Option<String> = None,
    }
}

section! {
    /// How many connections a server holds, and when it ends one that keeps it waiting.
    ConnectionsSection "connections" {
        /// Connections open at once; others wait. The limit of open files of the process may lower it.
        open_max: Bounded<usize, 1, 1_000_000> = Bounded::new(20_000),
        /// Seconds from the first byte of a request to the first byte of its answer.
        request_seconds: Bounded<u64, 1, 3_600> = Bounded::new(15),
        /// Seconds without a byte of a next request.
        idle_seconds: Bounded<u64, 1, 86_400> = Bounded::new(300),
        /// Seconds without a byte of a next request, once three quarters of the connections are taken.
        idle_crowded_seconds: Bounded<u64, 1, 86_400> = Bounded::new(10),
        /// Seconds in which a client takes no byte of its answer.
        reader_seconds: Bounded<u64, 1, 3_600> = Bounded::new(30),
        /// Seconds that running answers have when the server ends.
        finish_seconds: Bounded<u64, 0, 3_600> = Bounded::new(5),
        /// Bytes of a request line with its headers. Links to next pages take up to 54 KiB.
        head_bytes: Bounded<usize, 8_192, 1_048_576> = Bounded::new(98_304),
    }
}

section! {
    /// Who may ask, and how often.
    AccessSection "access" {
        /// File with one accepted API key a line. Without it the API is open.
        api_keys: Option<PathBuf> = None,
        /// File with one accepted bearer credential a line; opens the restricted perimeter to their holders.
        restricted_credentials: Option<PathBuf> = None,
        /// As restricted_credentials, for the historised perimeter: the restricted data with all its past. No credential opens both.
        history_credentials: Option<PathBuf> = None,
        /// Requests a second that one key, or one address without key, may make; twice as many at once. Without it, no limit.
        rate: Option<NonZeroU32> = None,
    }
}

section! {
    /// The system of record.
    RegistrySection "registry" {
        /// File that holds the URL of a PostgreSQL database. Without it the registry is a SQLite file of the data directory.
        database: Option<PathBuf> = None,
    }
}

section! {
    /// The publication stores.
    PublicationSection "publication" {
        /// Version of the national guide that resources follow: v120 or v110.
        guide: GuideVersion = GuideVersion::V120,
        /// Bytes of address space reserved for each store. They are reserved, not used: the file of a store grows as needed, up to this.
        map_bytes: Bounded<usize, 16_777_216, 17_592_186_044_416> = Bounded::new(64 << 30),
        /// Days for which the public store keeps a version that another one replaced, or "forever". Older states, and links to pages of
        /// them, are not answered any more; the log keeps everything.
        keep_public_days: KeepDays = KeepDays::Days(30),
        /// As keep_public_days, for the restricted store.
        keep_restricted_days: KeepDays = KeepDays::Forever,
        /// How often the public perimeter is published as files ($bulk-publish), from PT1S to PT24H: PT15M for every fifteen minutes.
        /// Without it, it is not: the files take about four times their size on disk.
        files: Option<TextValue<UpdateCadence>> = None,
        /// Days for which the restricted perimeter tells a version that another one replaced, or "forever": what is older is for the
        /// historised perimeter, as far back as keep_restricted_days goes.
        restricted_past_days: KeepDays = KeepDays::Days(30),
        /// Time of the day, in Paris, at which a server makes the files of /extractions/ ("03:30"), or "off". Three days of files are kept
        /// in the data directory.
        extractions: TextValue<DailyTime> = off(),
    }
}

section! {
    /// Imports, and the publication that follows them.
    ImportSection "import" {
        /// Threads that read lines and assemble objects; 0 for as many as the machine has processors.
        threads: Bounded<usize, 0, 1_024> = Bounded::new(0),
        /// Niceness of the threads that import and publish: at 10 they take a tenth of a processor that a server wants too.
        niceness: Bounded<i32, 0, 19> = Bounded::new(10),
        /// Bytes of memory in which an import sorts what it read; the rest goes to temporary files.
        sort_bytes: Bounded<usize, 1_048_576, 1_099_511_627_776> = Bounded::new(annuaire_exchange::limits::SORT_BYTES),
        /// Directory of the temporary files of an import. Without it, the data directory.
        spill: Option<PathBuf> = None,
    }
}

section! {
    /// Notifications of subscriptions. A server with API keys or restricted credentials offers subscriptions to their holders.
    SubscriptionsSection "subscriptions" {
        /// Networks that receivers may be in though they are not of the internet: addresses, or networks as 10.0.0.0/8. Their receivers may be http
        /// too. All others are https addresses of the internet.
        allowed_networks: Vec<TextValue<Network>> = Vec::new(),
        /// File of root certificates (PEM) that receivers are checked with. Without it, those that the program brings.
        root_certificates: Option<PathBuf> = None,
    }
}

section! {
    /// The identity provider, with the means on phones. There is none without an issuer.
    IdentitySection "identity" {
        /// Scheme and host of the issuer (https://id.annuaire.example), as applications and browsers see it; the path is that of the national
        /// service. It never changes once applications know it.
        issuer: Option<TextValue<ClientBase>> = None,
        /// Scheme and host where people log in. Without it, that of the issuer.
        login: Option<TextValue<ClientBase>> = None,
        /// Form of "sub": uuid, or the component (a UUID) of the form f:component:identifier that the national service had.
        subject: String = "uuid".to_owned(),
        /// FranceConnect for people without a professional means: sandbox, production, or the issuer of a provider that speaks alike. Without it,
        /// there are no such logins.
        france_connect: Option<String> = None,
        /// Client id there.
        france_connect_client: Option<String> = None,
        /// File with the secret of this client.
        france_connect_secret: Option<PathBuf> = None,
        /// Mail server for notices and activation: smtp://host:587 (STARTTLS), smtps://host:465, or smtp://127.0.0.1:25 on this machine.
        mail_server: Option<String> = None,
        /// File with user name and password of the mail server, a line each.
        mail_account: Option<PathBuf> = None,
        /// Sender of mails.
        mail_from: Option<String> = None,
        /// Address of the gateway for text messages: {"to": …, "text": …} is posted there.
        sms_gateway: Option<String> = None,
        /// Sender that text messages show.
        sms_from: String = "ANNUAIRE".to_owned(),
        /// File with the bearer token of the gateway.
        sms_token: Option<PathBuf> = None,
        /// By what holders approve on a phone, beside its key: both (PIN or passkey), pin (there are no passkeys then, on login pages neither),
        /// or passkey (the PIN is asked for when one is added).
        phone_approval: PhoneApproval = PhoneApproval::Both,
        /// Address and port of the TLS listener for cards and certificates of organisations: both hosts below are on it.
        tls_listen: Option<SocketAddr> = None,
        /// File with the certificate of the server for these hosts, then that of its issuer (PEM). It is read again when it changes.
        tls_certificate: Option<PathBuf> = None,
        /// File with the private key of that certificate (PEM).
        tls_key: Option<PathBuf> = None,
        /// Scheme and host that asks browsers for cards (https://carte.annuaire.example), as they see it: a host of its own.
        card_host: Option<TextValue<ClientBase>> = None,
        /// Scheme and host that asks applications for certificates of organisations (https://mtls.annuaire.example).
        mtls_host: Option<TextValue<ClientBase>> = None,
        /// File with the roots of the authorities (PEM).
        certificate_roots: Option<PathBuf> = None,
        /// File with the authorities whose cards are accepted (PEM): those of PERSONNES, of the levels that are accepted.
        person_authorities: Option<PathBuf> = None,
        /// File with the authorities whose certificates of organisations are accepted (PEM).
        organisation_authorities: Option<PathBuf> = None,
        /// Directory of the revocation lists of authorities and roots (DER or PEM), looked at each minute. Without a list that counts, what its
        /// authority issued is refused.
        revocation_lists: Option<PathBuf> = None,
        /// Whether the server downloads lists into that directory, each hour, from the http addresses that the certificates of the authorities
        /// name and from revocation_addresses.
        download_revocation_lists: bool = false,
        /// Addresses (http) of lists that the certificates of the authorities do not name: those of the issuing authorities.
        revocation_addresses: Vec<String> = Vec::new(),
        /// Which cards are accepted: production, or test for cards of a test environment.
        cards: AcceptedCards = AcceptedCards::Production,
    }
}

section! {
    /// Registration: requests, habilitations, numbers (RPPS+), beside the identity provider.
    RegistrationSection "registration" {
        /// Whether there is registration: true, false, or without a value where there are an issuer and an rpps_prefix.
        enabled: Option<bool> = None,
        /// First digits of the RPPS numbers that are given, 1 to 8: a range of this installation alone. 999 is for tests.
        rpps_prefix: Option<String> = None,
        /// Version of the general conditions that managers and professionals accept; a habilitation keeps the one that was shown.
        terms_version: String = "1".to_owned(),
        /// National identifications (8 and the RPPS number) of the national arbiters.
        arbiters: Vec<String> = Vec::new(),
        /// National identifications of the national support.
        support: Vec<String> = Vec::new(),
        /// National identifications of the auditors, who read the trail alone.
        auditors: Vec<String> = Vec::new(),
        /// National identifications of the keepers of terminologies, who answer wishes for professions.
        terminologists: Vec<String> = Vec::new(),
        /// Agents of orders and regional agencies, who read about their population: a national identification, a colon, the code of TRE_R60.
        authority_agents: Vec<String> = Vec::new(),
        /// Calling codes of countries whose mobiles are accepted beside those of France, with their sign: +32.
        calling_codes: Vec<String> = Vec::new(),
        /// Youngest age of a person who may be registered, in years.
        age_min: Bounded<i16, 0, 150> = Bounded::new(annuaire_workflow::limits::AGE_MIN),
        /// Oldest age that is believed, in years.
        age_max: Bounded<i16, 0, 150> = Bounded::new(annuaire_workflow::limits::AGE_MAX),
    }
}

section! {
    /// The command doctor.
    DoctorSection "doctor" {
        /// Days without a delivery before a warning.
        days: u32 = 3,
    }
}

/// No extractions.
fn off() -> TextValue<DailyTime> {
    TextValue::new("off", DailyTime::Off)
}

/// A section as printing and checking see it.
pub(crate) struct SectionView {
    /// Name in the file.
    pub(crate) name: &'static str,
    /// What it is about, line by line.
    pub(crate) meaning: &'static [&'static str],
    /// Names of its keys.
    pub(crate) keys: &'static [&'static str],
    /// Its keys, in the order of the file.
    pub(crate) values: Vec<KeyValue>,
}

fn view<S: Section>(section: &S) -> SectionView {
    SectionView { name: S::NAME, meaning: S::MEANING, keys: S::KEYS, values: section.values() }
}

impl Configuration {
    /// Its sections, in the order of the file.
    pub(crate) fn sections(&self) -> Vec<SectionView> {
        let Self {
            server,
            notices,
            connections,
            access,
            registry,
            publication,
            import,
            subscriptions,
            identity,
            registration,
            doctor,
        } = self;
        vec![
            view(server),
            view(notices),
            view(connections),
            view(access),
            view(registry),
            view(publication),
            view(import),
            view(subscriptions),
            view(identity),
            view(registration),
            view(doctor),
        ]
    }

    /// Every key that names a file or a directory, with its section.
    pub(crate) fn paths(&mut self) -> Vec<(&'static str, &mut PathBuf)> {
        let named = [
            ("access.api_keys", &mut self.access.api_keys),
            ("access.restricted_credentials", &mut self.access.restricted_credentials),
            ("access.history_credentials", &mut self.access.history_credentials),
            ("registry.database", &mut self.registry.database),
            ("import.spill", &mut self.import.spill),
            ("subscriptions.root_certificates", &mut self.subscriptions.root_certificates),
            ("identity.france_connect_secret", &mut self.identity.france_connect_secret),
            ("identity.mail_account", &mut self.identity.mail_account),
            ("identity.sms_token", &mut self.identity.sms_token),
            ("identity.tls_certificate", &mut self.identity.tls_certificate),
            ("identity.tls_key", &mut self.identity.tls_key),
            ("identity.certificate_roots", &mut self.identity.certificate_roots),
            ("identity.person_authorities", &mut self.identity.person_authorities),
            ("identity.organisation_authorities", &mut self.identity.organisation_authorities),
            ("identity.revocation_lists", &mut self.identity.revocation_lists),
        ];
        named.into_iter().filter_map(|(key, path)| Some((key, path.as_mut()?))).collect()
    }

    /// The installation with this data directory.
    pub(crate) fn data_place(&self, data: &Path) -> DataPlace {
        // LMDB takes whole pages; none is larger than 64 KiB.
        let map_bytes = self.publication.map_bytes.get().next_multiple_of(1 << 16);
        let PublicationSection { keep_public_days, keep_restricted_days, .. } = &self.publication;
        let retained = RetainedVersions { public: keep_public_days.time(), restricted: keep_restricted_days.time() };
        DataPlace { data: data.to_owned(), database: self.registry.database.clone(), map_bytes, retained }
    }

    /// Limits of the connections of a server.
    pub(crate) fn connection_limits(&self) -> ConnectionLimits {
        let section = &self.connections;
        ConnectionLimits {
            request: Duration::from_secs(section.request_seconds.get()),
            idle: Duration::from_secs(section.idle_seconds.get()),
            crowded: Duration::from_secs(section.idle_crowded_seconds.get()),
            reader: Duration::from_secs(section.reader_seconds.get()),
            finish: Duration::from_secs(section.finish_seconds.get()),
            connections: section.open_max.get(),
            head: section.head_bytes.get(),
            ..ConnectionLimits::default()
        }
    }
}
