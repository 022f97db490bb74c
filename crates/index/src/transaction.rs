//! Transactions of the log as they come to the store: the resources of each, then its end.

use annuaire_base::Tx;
use annuaire_terms::TypeId;

use crate::applied::LogDigest;
use crate::prepare::Prepared;
use crate::set_aside::SetAsideChanges;

/// One step of a group of transactions: the resources of a transaction, then its end, in the order of the log.
#[derive(Debug)]
pub enum GroupItem {
    /// A resource of the transaction that ends next.
    Resource(Prepared),
    /// The end of a transaction. One without resources is a transaction too.
    End(TxEnd),
}

/// What a transaction does beside its resources.
#[derive(Debug, Clone, Default)]
pub struct TxEnd {
    /// Its number in the log.
    pub tx: Tx,
    /// Its instant, milliseconds since 1970 UTC.
    pub commit_ms: i64,
    /// Its digest in the log; the store remembers that of the last transaction.
    pub digest: LogDigest,
    /// Changes of the entities set aside.
    pub set_aside: SetAsideChanges,
    /// Resources that vanish, each with the number of the tombstone: what a copied store says. What vanishes by [`crate::Retention`] is
    /// not listed here.
    pub vanished: Vec<(TypeId, String, u32)>,
    /// Resources withdrawn by law: the content of all their versions before this transaction is replaced. In a large transaction
    /// that of its own versions is replaced too; give those to [`crate::Index::apply_with`].
    pub withdrawn: Vec<(TypeId, String)>,
}
