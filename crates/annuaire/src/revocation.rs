//! Revocation lists of a server: read from a directory, downloaded into it when the operator wants that, and told about before they end.

use crate::limits::{LIST_FILES, LIST_TIME, LIST_WARNING_MS};
use annuaire_base::date::iso_ms;
use annuaire_base::text::hex;
use annuaire_cards::{
    AuthorityCertificates, AuthorityFault, CardAuthorities, CrlChange, CrlFault, CrlState, CrlStore, OrganisationAuthorities,
    limits,
};
use annuaire_identity::CurrentAuthorities;
use annuaire_subscribe::HttpTransport;
use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tokio::sync::watch;

/// What says that a file changed: its time and its length.
pub(crate) type FileStamp = (SystemTime, u64);

/// The stamp of a file.
pub(crate) fn stamp(path: &Path) -> std::io::Result<FileStamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len()))
}

/// The authorities of one kind of certificates with their lists; what is checked with is swapped when a list changes.
pub(crate) struct TrustedIssuers<T> {
    lists: Mutex<CrlStore>,
    current: Arc<ArcSwap<T>>,
    make: fn(&CrlStore) -> Result<T, AuthorityFault>,
}

impl<T: Send + Sync + 'static> TrustedIssuers<T> {
    /// Authorities (PEM) without a list: nobody is accepted yet.
    pub(crate) fn read(roots: &[u8], authorities: &[u8], make: fn(&CrlStore) -> Result<T, AuthorityFault>) -> Result<Self> {
        let lists = CrlStore::new(Arc::new(AuthorityCertificates::read(roots, authorities)?));
        let current = Arc::new(ArcSwap::from_pointee(make(&lists)?));
        Ok(Self { lists: Mutex::new(lists), current, make })
    }

    /// What a provider asks at each check.
    pub(crate) fn current(&self) -> CurrentAuthorities<T> {
        let current = Arc::clone(&self.current);
        Arc::new(move || Some(current.load_full()))
    }

    /// Names of those that issue, in DER, for browsers.
    pub(crate) fn hints(&self) -> Vec<Vec<u8>> {
        lock(&self.lists).authorities().hints()
    }

    /// Checks with the lists that are there now.
    fn renew(&self, lists: &CrlStore) -> Result<()> {
        self.current.store(Arc::new((self.make)(lists)?));
        Ok(())
    }
}

/// The kinds of certificates that a server takes, with the directory of their lists.
pub(crate) struct RevocationLists {
    pub(crate) persons: Option<TrustedIssuers<CardAuthorities>>,
    pub(crate) organisations: Option<TrustedIssuers<OrganisationAuthorities>>,
    directory: PathBuf,
    /// Addresses to download from, beside those that the authorities name; `None` when nothing is downloaded.
    addresses: Option<Vec<String>>,
    /// Told when persons are checked with other lists.
    renewed: watch::Sender<()>,
    seen: Mutex<BTreeMap<PathBuf, FileStamp>>,
    /// What is wrong, and was told.
    told: Mutex<BTreeSet<String>>,
}

impl RevocationLists {
    /// No list was read yet: see [`look`](Self::look).
    pub(crate) fn new(
        persons: Option<TrustedIssuers<CardAuthorities>>,
        organisations: Option<TrustedIssuers<OrganisationAuthorities>>,
        directory: &Path,
        addresses: Option<Vec<String>>,
    ) -> Self {
        let directory = directory.to_owned();
        let renewed = watch::Sender::new(());
        Self { persons, organisations, directory, addresses, renewed, seen: Mutex::default(), told: Mutex::default() }
    }

    /// Wakes who looks at the sessions of cards, each time when persons are checked with other lists.
    pub(crate) fn renewals(&self) -> watch::Receiver<()> {
        self.renewed.subscribe()
    }

    /// Takes the lists of files that are new or changed, and returns what the operator must be told: each fault once, and its end. Costs
    /// a reading of the directory, and of what changed in it.
    pub(crate) fn look(&self, now_ms: i64) -> Vec<String> {
        let (mut wrong, mut taken) = (BTreeSet::new(), [false; 2]);
        match self.files() {
            Ok(files) => {
                let mut seen = lock(&self.seen);
                seen.retain(|path, _| files.contains(path));
                for path in files {
                    if let Err(why) = self.take_file(&path, &mut seen, &mut taken) {
                        wrong.insert(format!("revocation list {}: {why}", path.display()));
                    }
                }
            }
            Err(why) => _ = wrong.insert(format!("revocation lists: {why:#}")),
        }
        if let (Some(persons), [true, _]) = (&self.persons, taken) {
            note(&mut wrong, persons.renew(&lock(&persons.lists)));
            self.renewed.send_replace(());
        }
        if let (Some(organisations), [_, true]) = (&self.organisations, taken) {
            note(&mut wrong, organisations.renew(&lock(&organisations.lists)));
        }
        wrong.extend(self.states().iter().filter_map(|state| warning(state, now_ms)));
        self.tell("", wrong)
    }

    /// Downloads the lists, and keeps in the directory those that an authority signed and that are newer; returns what the operator must be
    /// told. It blocks the thread.
    pub(crate) fn download(&self, transport: &HttpTransport) -> Vec<String> {
        let mut wrong = BTreeSet::new();
        for address in self.addresses() {
            let kept = transport.get(&address, limits::CRL, LIST_TIME).and_then(|bytes| self.keep(&address, &bytes));
            if let Err(why) = kept {
                wrong.insert(format!("{DOWNLOAD}{address}: {why}"));
            }
        }
        self.tell(DOWNLOAD, wrong)
    }

    /// Where lists are downloaded from; none unless the operator wants that.
    pub(crate) fn addresses(&self) -> BTreeSet<String> {
        let Some(more) = &self.addresses else { return BTreeSet::new() };
        let stores = [self.persons.as_ref().map(|of| lock(&of.lists)), self.organisations.as_ref().map(|of| lock(&of.lists))];
        let named = stores.iter().flatten().flat_map(|lists| lists.authorities().crl_addresses());
        named.filter(|address| address.starts_with("http://")).chain(more.iter().cloned()).collect()
    }

    /// How the authorities stand, those of both kinds once.
    fn states(&self) -> Vec<CrlState> {
        let mut all: BTreeMap<String, CrlState> = BTreeMap::new();
        let stores = [self.persons.as_ref().map(|of| lock(&of.lists)), self.organisations.as_ref().map(|of| lock(&of.lists))];
        for state in stores.iter().flatten().flat_map(|lists| lists.states()) {
            all.insert(state.authority.clone(), state);
        }
        all.into_values().collect()
    }

    /// Files of the directory, but hidden ones: who writes a list may write it beside its place first.
    fn files(&self) -> Result<BTreeSet<PathBuf>> {
        let shown = || format!("reading {}", self.directory.display());
        let mut files = BTreeSet::new();
        for entry in fs::read_dir(&self.directory).with_context(shown)? {
            let entry = entry.with_context(shown)?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file()) {
                files.insert(entry.path());
            }
            anyhow::ensure!(files.len() <= LIST_FILES, "{}: more than {LIST_FILES} files", self.directory.display());
        }
        Ok(files)
    }

    /// Takes a file that changed since it was read.
    fn take_file(&self, path: &Path, seen: &mut BTreeMap<PathBuf, FileStamp>, taken: &mut [bool; 2]) -> Result<(), String> {
        let of_file = stamp(path).map_err(|e| e.to_string())?;
        if seen.get(path) == Some(&of_file) && !self.was_told(path) {
            return Ok(());
        }
        if usize::try_from(of_file.1).is_ok_and(|length| length > limits::CRL) {
            return Err(format!("{} bytes; at most {} are read", of_file.1, limits::CRL));
        }
        let bytes = fs::read(path).map_err(|e| e.to_string())?;
        let changes = [
            self.persons.as_ref().map(|of| lock(&of.lists).take(&bytes)),
            self.organisations.as_ref().map(|of| lock(&of.lists).take(&bytes)),
        ];
        for (change, taken) in changes.iter().zip(taken) {
            *taken |= matches!(change, Some(Ok(CrlChange::Taken)));
        }
        seen.insert(path.to_owned(), of_file);
        outcome(changes)
    }

    /// Whether something is wrong with a file: it is read again, so that its fault is told until it ends.
    fn was_told(&self, path: &Path) -> bool {
        let begins = format!("revocation list {}: ", path.display());
        lock(&self.told).iter().any(|fault| fault.starts_with(&begins))
    }

    /// Writes a downloaded list into the directory, if an authority signed it and it is newer than what is there.
    fn keep(&self, address: &str, bytes: &[u8]) -> Result<(), String> {
        let tried = [
            self.persons.as_ref().map(|of| lock(&of.lists).clone().take(bytes)),
            self.organisations.as_ref().map(|of| lock(&of.lists).clone().take(bytes)),
        ];
        let is_new = tried.iter().any(|change| matches!(change, Some(Ok(CrlChange::Taken))));
        outcome(tried)?;
        if !is_new {
            return Ok(());
        }
        let name = hex(&Sha256::digest(address.as_bytes())[..8]);
        let written = tempfile::Builder::new().prefix(".download-").tempfile_in(&self.directory).and_then(|mut file| {
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(self.directory.join(format!("download-{name}.crl"))).map_err(|e| e.error)
        });
        written.map(|_| ()).map_err(|e| format!("writing into {}: {e}", self.directory.display()))
    }

    /// Keeps what is wrong (of downloads, or of the rest), and returns what is new of it and what ended.
    fn tell(&self, of: &str, wrong: BTreeSet<String>) -> Vec<String> {
        let mut told = lock(&self.told);
        let (before, others): (BTreeSet<String>, BTreeSet<String>) =
            std::mem::take(&mut *told).into_iter().partition(|fault| fault.starts_with(DOWNLOAD) == (of == DOWNLOAD));
        let mut lines: Vec<String> = wrong.difference(&before).cloned().collect();
        lines.extend(before.difference(&wrong).map(|fault| format!("no longer: {fault}")));
        *told = others.into_iter().chain(wrong).collect();
        lines
    }
}

/// How faults of downloads begin.
const DOWNLOAD: &str = "downloading ";

/// Whether one of the kinds took a list; what the more telling one says otherwise.
fn outcome(changes: [Option<Result<CrlChange, CrlFault>>; 2]) -> Result<(), String> {
    let mut fault = None;
    for change in changes.into_iter().flatten() {
        match change {
            Ok(_) => return Ok(()),
            Err(other) if matches!(fault, None | Some(CrlFault::UnknownIssuer(_))) => fault = Some(other),
            Err(_) => {}
        }
    }
    fault.map_or(Ok(()), |fault| Err(fault.to_string()))
}

fn note(wrong: &mut BTreeSet<String>, outcome: Result<()>) {
    if let Err(error) = outcome {
        wrong.insert(format!("revocation lists: {error:#}"));
    }
}

/// What is wrong with the list of an authority, or soon will be.
fn warning(state: &CrlState, now_ms: i64) -> Option<String> {
    let of = &state.authority;
    let (Some(made), Some(next)) = (state.this_update_ms, state.next_update_ms) else {
        return Some(format!("no revocation list of {of}: certificates that it issued are refused until one is there"));
    };
    if next <= now_ms {
        return Some(format!("the revocation list of {of} ended at {}: certificates that it issued are refused", iso_ms(next)));
    }
    // Lists of a day or two are replaced in the second half of their life.
    let soon = next - now_ms <= LIST_WARNING_MS.min((next - made) / 2);
    soon.then(|| format!("the revocation list of {of} ends at {}: give the next one", iso_ms(next)))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "revocation/tests.rs"]
mod tests;
