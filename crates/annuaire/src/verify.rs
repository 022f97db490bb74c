//! Comparing log, registry and publication stores.

use crate::exit::{Exit, said};
use crate::progress::{Tell, during};
use crate::stores::{self, DataPlace, Expect, Stores};
use annuaire_fhir::Guide;
use anyhow::{Result, bail};

/// What to do about each kind of fault.
const OF_STORE: &str = "the stores are views of the log: make them again with `annuaire rebuild`";
const OF_REGISTRY: &str =
    "the registry is the truth: bring it back with `annuaire restore` from a backup, then import what came since";
const OF_EITHER: &str = "if the registry is as it should be, `annuaire rebuild` makes the stores again; if not, `annuaire restore` \
    brings it back from a backup";

/// Reads everything and names every difference; fails when there is one.
pub(crate) fn verify(place: &DataPlace, guide: Guide, tell: &Tell) -> Result<Exit> {
    place.expect(Expect::Standing)?;
    let mut faults = Vec::new();
    let mut advice = Vec::new();
    // Before anything of this process touches a page of theirs.
    for name in stores::STORES {
        let dir = place.data.join(name);
        if dir.join("data.mdb").exists() {
            faults.extend(stores::check_apart(&dir, tell)?.faults.into_iter().map(|f| format!("{name} store: {f}")));
        }
    }
    let readable = faults.is_empty();
    if !readable {
        advice.push(OF_STORE);
    }
    let mut last = 0;
    let mut at = None;
    let read = (|| -> Result<Vec<String>> {
        let mut registry = place.registry()?;
        let found = during(tell, "verifying the registry", &|| (0, 0), || registry.verify())?;
        if !readable || !found.is_empty() {
            return Ok(found);
        }
        last = registry.last_tx()?.get();
        let stores = Stores::open(&place.data, guide, false)?;
        for (name, index, view) in stores.each() {
            let differ = faults.len();
            if index.applied_tx() > last {
                faults.push(format!("the {name} store is at transaction {}, the log ends at {last}", index.applied_tx()));
            }
            faults.extend(
                annuaire_publish::verify(&mut *registry, index, view, &**tell)?.into_iter().map(|f| format!("{name} store: {f}")),
            );
            if faults.len() > differ {
                advice.push(OF_EITHER);
            }
        }
        at = Some(stores.public.applied_tx());
        Ok(found)
    })();
    match read {
        Ok(found) if found.is_empty() => {}
        Ok(found) => {
            faults.extend(found.into_iter().map(|f| format!("registry: {f}")));
            advice.push(OF_REGISTRY);
        }
        Err(e) => {
            use annuaire_publish::Error as Publish;
            let damaged = matches!(e.downcast_ref(), Some(annuaire_store::Error::Damaged(_)))
                || matches!(e.downcast_ref(), Some(Publish::Store(annuaire_store::Error::Damaged(_))));
            if !damaged && faults.is_empty() {
                return Err(e);
            }
            faults.push(said(&e));
            if damaged {
                advice.push(OF_REGISTRY);
            }
        }
    }
    for fault in &faults {
        println!("{fault}");
    }
    if !faults.is_empty() {
        advice.dedup();
        bail!("{} differences; {}", faults.len(), advice.join("; "));
    }
    println!("log, registry and publication stores agree at transaction {} (log at {last})", at.unwrap_or_default());
    Ok(Exit::Done)
}
