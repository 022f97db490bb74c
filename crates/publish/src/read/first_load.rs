//! A transaction before which nothing was published: the complete state after it, in entity order.

use crate::error::Error;
use crate::limits::PAGE;
use crate::mailboxes::MailboxHolders;
use crate::page::{EntityPage, GivePage};
use annuaire_base::Tx;
use annuaire_store::Registry;

/// Gives all entities of the state just after `tx`.
pub(crate) fn give_pages(registry: &mut dyn Registry, tx: Tx, holders: &MailboxHolders, give: GivePage<'_>) -> Result<(), Error> {
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (objects, next) = registry.standing(tx, &from, PAGE)?;
        after = next;
        holders.keep(&objects);
        if !give(Ok(EntityPage::FirstLoad(objects))) {
            break;
        }
    }
    Ok(())
}
