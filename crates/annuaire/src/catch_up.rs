//! Publication after a commit: up to the end of the log, by this process or by the one that has the right to publish.

use crate::clock;
use crate::data_place::{DataPlace, STORES};
use crate::exit::Exit;
use crate::limits::{FAILING, LOOK, PUBLISHER, SILENT};
use crate::progress::SharedTell;
use crate::publisher::{Publisher, current_holder};
use crate::renewal::set_aside_line;
use crate::stores::{FollowedStores, RestrictedStore, Stores};
use annuaire_base::Tx;
use annuaire_fhir::Guide;
use annuaire_index::Index;
use annuaire_store::BlockingRegistry;
use anyhow::{Context, Result};
use std::time::Instant;

/// Publishes up to the end of the log, and prints who did it, or that nobody did. `exit` is how the command would end otherwise.
pub(crate) fn publish_and_report(
    place: &DataPlace,
    guide: Guide,
    registry: &BlockingRegistry,
    committed: bool,
    tell: &SharedTell,
    exit: Exit,
) -> Result<Exit> {
    let before = current_holder(&place.data)?.filter(|who| who.by == "serve");
    if let (Some(who), true) = (&before, committed) {
        println!("committed; the running server publishes it ({})", who.description());
    }
    let failed = if committed {
        "the import is committed; its publication failed and goes on with the next import or server"
    } else {
        "nothing was changed; the publication of what was committed before failed, and goes on with the next import or server"
    };
    let published = match to_the_end(place, guide, registry, tell).context(failed) {
        Ok(published) => published,
        // Exit code 1 would mean that nothing changed.
        Err(e) if committed => {
            eprintln!("{e:#}");
            return Ok(Exit::Incomplete);
        }
        Err(e) => return Err(e),
    };
    match published {
        CatchUp::Here(followed) => {
            for (store, aside) in &followed.set_aside {
                eprintln!("{}", set_aside_line(store, aside));
            }
            println!("published: {} resource versions, up to transaction {}", followed.versions, registry.last_tx()?);
            Ok(if followed.set_aside.is_empty() { exit } else { Exit::Incomplete })
        }
        CatchUp::By(by) => {
            let who = if by == "serve" { "the server" } else { "another process" };
            println!("published by {who}");
            Ok(exit)
        }
        CatchUp::Nobody(why) => {
            let what = if committed { "the import is committed and not published" } else { "the stores are behind the log" };
            eprintln!("{what}: {why}");
            Ok(Exit::Incomplete)
        }
    }
}

/// Who brought the stores to the end of the log.
enum CatchUp {
    /// This process.
    Here(FollowedStores),
    /// Another one, whose command is named.
    By(String),
    /// Nobody, or nobody in time: the reason, and what to do.
    Nobody(String),
}

/// Publishes all that is committed, or waits for the process that has the right to publish.
///
/// Every process that commits calls this. One that finds the right taken waits until the stores have its transaction; one that
/// gives the right back looks at the log once more. So no transaction is left behind, however many imports run at once.
fn to_the_end(place: &DataPlace, guide: Guide, registry: &BlockingRegistry, tell: &SharedTell) -> Result<CatchUp> {
    let wanted = registry.last_tx()?;
    let begun = clock::instant();
    let mut all = FollowedStores::default();
    let mut failing: Option<Instant> = None;
    // The last beat of the holder, and when it came by our clock: the holder may be on another machine.
    let mut heard = (0, clock::instant());
    loop {
        if let Some(publisher) = Publisher::take(&place.data, "import")? {
            let stores = Stores::open_renewed(place, guide, RestrictedStore::IfPresent, tell)?;
            let followed = stores.follow(registry, tell)?;
            let reached = stores.applied_tx();
            all.versions += followed.versions;
            all.set_aside.extend(followed.set_aside);
            drop((stores, publisher));
            if registry.last_tx()? <= reached {
                return Ok(CatchUp::Here(all));
            }
            continue;
        }
        let who = current_holder(&place.data)?.unwrap_or_default();
        if reached(place, wanted) {
            return Ok(CatchUp::By(who.by));
        }
        tell("waiting for the publication by another process", 0, 0);
        if who.beat_ms != heard.0 {
            heard = (who.beat_ms, clock::instant());
        }
        match &who.waiting {
            Some(why) if failing.get_or_insert_with(clock::instant).elapsed() >= FAILING => {
                return Ok(CatchUp::Nobody(format!(
                    "the {} cannot publish for the moment ({why}); it tries again by itself: see `annuaire doctor`",
                    who.description()
                )));
            }
            Some(_) => {}
            None => failing = None,
        }
        if heard.1.elapsed() >= SILENT {
            return Ok(CatchUp::Nobody(format!(
                "the {} has the right to publish and gives no sign of life: end it, then run `annuaire import` again or start a \
                 server",
                who.description()
            )));
        }
        if begun.elapsed() >= PUBLISHER {
            return Ok(CatchUp::Nobody(format!("the {} is still at work: see `annuaire status`", who.description())));
        }
        std::thread::sleep(LOOK);
    }
}

/// Whether every store has a transaction.
fn reached(place: &DataPlace, tx: Tx) -> bool {
    // A store that cannot be opened now, because it is being put in place, is opened again at the next turn.
    let has = |name: &&str| Index::peek(&place.data.join(name)).is_ok_and(|at| at.tx >= tx);
    let [public, restricted] = STORES;
    has(&public) && (!place.data.join(restricted).exists() || has(&restricted))
}
