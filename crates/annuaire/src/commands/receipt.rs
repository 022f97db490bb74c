//! `annuaire receipt`: where a withdrawal by law was carried out.

use crate::clock::now_ms;
use crate::data_place::{DataPlace, ExpectedData, STORES};
use crate::exit::Exit;
use crate::extractions;
use crate::files::files_status;
use crate::options::PlaceOptions;
use crate::survey::each_subscription;
use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_bulk::signed_by_log_keys;
use annuaire_fhir::schema::{TYPES, type_id};
use annuaire_index::{Index, Row, Tombstone, Version};
use annuaire_store::{BlockingRegistry, Transaction};
use annuaire_terms::TypeId;
use anyhow::{Context, Result, bail};
use clap::Args;
use std::fmt::Write;

/// Says where a withdrawal by law is done and where it waits, signed with the key of the published files when there is one
///
/// Ends with 3 as long as something waits.
#[derive(Args)]
pub(crate) struct ReceiptArguments {
    #[command(flatten)]
    place: PlaceOptions,
    /// Transaction of the withdrawal, as `annuaire withdraw` told it
    #[arg(value_name = "TX")]
    transaction: u64,
}

/// A place that held what was withdrawn.
struct ReceiptChannel {
    name: String,
    /// What was done there; the error says what it waits for.
    state: Result<String, String>,
}

impl ReceiptArguments {
    pub(crate) fn run(self) -> Result<Exit> {
        let (place, _) = self.place.open()?;
        place.expect(ExpectedData::Present)?;
        let registry = place.registry()?;
        let tx = Tx::new(self.transaction);
        let transaction =
            (tx > Tx::NONE).then(|| registry.transactions(tx.previous(), 1)).transpose()?.and_then(|mut all| all.pop());
        let transaction =
            transaction.filter(|found| found.tx == tx).with_context(|| format!("the log has no transaction {tx}"))?;
        if transaction.withdrawals == 0 {
            bail!("transaction {tx} withdraws nothing by law");
        }
        let channels = channels(&place, &registry, &transaction)?;
        let waits = channels.iter().any(|channel| channel.state.is_err());
        let text = text(&registry, &transaction, &channels)?;
        match signed_by_log_keys(&place.data, &text)? {
            Some(signed) => print!("{signed}"),
            None => {
                print!("{text}");
                eprintln!("not signed: there is no key yet (`files` of [publication] makes one)");
            }
        }
        Ok(if waits { Exit::Incomplete } else { Exit::Done })
    }
}

/// The lines of the receipt. It names entities by their keys and nothing that was withdrawn.
fn text(registry: &BlockingRegistry, transaction: &Transaction, channels: &[ReceiptChannel]) -> Result<String> {
    let log = registry.log()?;
    let mut text = String::from("receipt of a withdrawal by law\n");
    // A line break in a basis would be a line of the receipt.
    let basis = transaction.cause.basis.as_deref().unwrap_or_default().replace(char::is_control, " ");
    writeln!(text, "log {:032x}, epoch {}", log.id, log.epoch)?;
    writeln!(text, "transaction {} of {}", transaction.tx, iso_ms(transaction.commit_ms))?;
    writeln!(text, "basis {basis}")?;
    for entity in registry.withdrawn(transaction.tx)? {
        writeln!(text, "entity {}", entity.replace(char::is_control, " "))?;
    }
    writeln!(text, "seen {}", iso_ms(now_ms()))?;
    for ReceiptChannel { name, state } in channels {
        match state {
            Ok(done) => writeln!(text, "{name}: done: {done}")?,
            Err(why) => writeln!(text, "{name}: waits: {why}")?,
        }
    }
    Ok(text)
}

fn channels(place: &DataPlace, registry: &BlockingRegistry, withdrawal: &Transaction) -> Result<Vec<ReceiptChannel>> {
    let tx = withdrawal.tx;
    let mut all = vec![ReceiptChannel { name: "registry".into(), state: Ok("no version of its facts has content".into()) }];
    let mut published = 0;
    for name in STORES.into_iter().filter(|name| place.store_file(name).exists()) {
        let index = Index::open(&place.data.join(name), place.map_bytes, annuaire_fhir::dictionary::ALL)
            .with_context(|| format!("the {name} store"))?;
        let state = if index.applied_tx() < tx {
            Err(format!("it is at transaction {}", index.applied_tx()))
        } else {
            let withdrawn = withdrawn_resources(&index, tx)?;
            if name == STORES[0] {
                published = withdrawn;
            }
            Ok(format!("{withdrawn} resources are tombstones"))
        };
        all.push(ReceiptChannel { name: format!("{name} store, its API and pages"), state });
    }
    match files_status(place) {
        None => {}
        Some(Err(why)) => all.push(ReceiptChannel { name: "published files".into(), state: Err(why) }),
        Some(Ok(_)) if published == 0 => {
            all.push(ReceiptChannel { name: "published files".into(), state: Ok("none of its resources is public".into()) });
        }
        Some(Ok(files)) => {
            let state = match files.tx >= tx.get() {
                true => Ok(format!("former files are removed, those of now were made at {}", iso_ms(files.root_ms))),
                false => Err(format!("they are of transaction {}", files.tx)),
            };
            all.push(ReceiptChannel { name: "published files".into(), state });
        }
    }
    for of in extractions::survey(place) {
        let before: Vec<&str> = of.editions.iter().filter(|e| e.tx < tx.get()).map(|e| e.edition.as_str()).collect();
        let state = match before.as_slice() {
            [] => Ok("no edition is older".into()),
            older => Err(format!("the next edition removes {}", older.join(", "))),
        };
        all.push(ReceiptChannel { name: format!("files of the day, {}", of.perimeter), state });
    }
    let (mut subscriptions, mut waiting) = (0_u64, 0_u64);
    each_subscription(registry, &mut |head| {
        subscriptions += 1;
        waiting += u64::from(head.progress.delivered < head.progress.events);
    })?;
    if subscriptions > 0 {
        let state = match waiting {
            0 => Ok(format!("no receiver of {subscriptions} subscriptions is owed a notification")),
            _ => Err(format!("{waiting} of {subscriptions} subscriptions have events that their receivers did not acknowledge")),
        };
        all.push(ReceiptChannel { name: "subscriptions".into(), state });
    }
    let told = format!(
        "$changes, histories and files tell it for ever; `annuaire status` of a copy says whether it has transaction {tx}"
    );
    all.push(ReceiptChannel { name: "copies".into(), state: Ok(told) });
    Ok(all)
}

/// Number of the resources that a transaction withdrew by law from a store: each has one tombstone.
fn withdrawn_resources(index: &Index, tx: Tx) -> Result<u64> {
    let types: Vec<TypeId> = TYPES.iter().filter_map(|name| type_id(name)).collect();
    let snapshot = index.snapshot()?;
    let (mut reader, mut version) = (snapshot.reader(), Version::default());
    let mut withdrawn = 0;
    for row in &snapshot.since(&types, tx.previous())? {
        reader.read(Row::new(row), &mut version)?;
        if version.tx > tx {
            break;
        }
        withdrawn += u64::from(version.tombstone == Some(Tombstone::WithdrawnByLaw));
    }
    Ok(withdrawn)
}
