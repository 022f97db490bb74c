//! Small transactions, read together and applied together.
//!
//! Published bytes are those of one transaction after the other. A group holds transactions in the order of the log; what they
//! change is read in a few calls for all of their entities, and an entity is made as it was just after each of them. What a
//! transaction looks up in the store may have been changed by an earlier one of its group. Then it either sees that
//! change, or the group ends before it:
//!
//! * **an entity set aside** is followed within the group, entity by entity ([`make`]);
//! * **mailboxes** are published with a structure that the store finds by its number: a transaction that changes them begins a
//!   group when an earlier one may have changed that number ([`read`]);
//! * **a structure that is only referred to** exists when the store or an earlier transaction has it. One that nothing describes
//!   could have vanished meanwhile: a first reference to it begins a group ([`emit`]).
//!
//! A withdrawal by law is alone in its group, however large its transaction is.

mod emit;
mod facts;
mod make;
mod read;

pub(crate) use emit::emit;
pub(crate) use make::make;
pub(crate) use read::{GroupLog, GroupSource, read};

use crate::limits;
use annuaire_fhir::Perimeter;
use annuaire_store::Transaction;

/// How many of these transactions, at most `most`, are applied together; none when the first one is not small.
pub(crate) fn length(transactions: &[Transaction], perimeter: Perimeter, most: usize) -> usize {
    let Some(first) = transactions.first() else { return 0 };
    let mut changes = 0;
    let mut fits = |n: usize, tx: &Transaction| {
        changes += tx.changes;
        // What a group files for retention must not be due before its end.
        let spans = tx.commit_ms.saturating_sub(first.commit_ms);
        let is_together = first.withdrawals == 0
            && tx.withdrawals == 0
            && tx.changes <= limits::SMALL
            && changes <= limits::GROUP
            && (perimeter == Perimeter::Restricted || spans < limits::WITHDRAWN_MS);
        if n == 0 { tx.changes <= limits::SMALL || tx.withdrawals > 0 } else { is_together }
    };
    transactions.iter().take(most).enumerate().take_while(|(n, tx)| fits(*n, tx)).count()
}
