//! A transaction before which nothing was published: the complete state after it, in entity order.

use crate::error::Error;
use crate::limits::PAGE;
use crate::mailboxes::MailboxHolders;
use crate::page::{EntityPage, GivePage};
use annuaire_base::Tx;
use annuaire_store::BlockingRegistry;

/// Gives all entities of the state just after `tx`.
pub(crate) fn give_pages(registry: &BlockingRegistry, tx: Tx, holders: &MailboxHolders, give: GivePage<'_>) -> Result<(), Error> {
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (facts, next) = registry.standing(tx, &from, PAGE)?;
        after = next;
        holders.keep(&facts);
        if !give(Ok(EntityPage::FirstLoad(facts))) {
            break;
        }
    }
    Ok(())
}
