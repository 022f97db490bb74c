//! Which batch became which transaction.

use annuaire_base::Tx;
use std::collections::HashMap;

/// The map between batches and transactions. What it says never changes; it grows with the log, about 50 bytes a transaction.
#[derive(Debug, Clone, Default)]
pub struct Batches {
    of_batch: HashMap<u64, Tx>,
    /// Batch of each transaction, from 1.
    of_tx: Vec<u64>,
}

impl Batches {
    /// The last transaction known.
    #[must_use]
    pub fn last(&self) -> Tx {
        Tx::new(self.of_tx.len() as u64)
    }

    /// Adds the transaction after [`last`](Self::last); false, and nothing done, when `tx` is another one.
    pub fn push(&mut self, tx: Tx, batch: u64) -> bool {
        let next = tx == self.last().next();
        if next {
            self.of_tx.push(batch);
            self.of_batch.insert(batch, tx);
        }
        next
    }

    /// The transaction of a batch; `None`: it does not stand, as far as is known.
    #[must_use]
    pub fn tx(&self, batch: u64) -> Option<Tx> {
        self.of_batch.get(&batch).copied()
    }

    /// The transaction of a batch, if readers at `at` see it.
    #[must_use]
    pub fn seen(&self, batch: u64, at: Tx) -> Option<Tx> {
        self.tx(batch).filter(|tx| *tx <= at)
    }

    /// The batch of a transaction.
    #[must_use]
    pub fn batch(&self, tx: Tx) -> Option<u64> {
        self.of_tx.get(usize::try_from(tx.get().checked_sub(1)?).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Batches;
    use annuaire_base::Tx;

    #[test]
    fn a_batch_is_seen_from_its_transaction_on() {
        let mut map = Batches::default();
        assert!(map.push(Tx::new(1), 9) && map.push(Tx::new(2), 4) && !map.push(Tx::new(4), 5) && !map.push(Tx::new(2), 6));
        assert_eq!(map.last(), Tx::new(2));
        assert_eq!([9, 4, 5].map(|b| map.tx(b)), [Some(Tx::new(1)), Some(Tx::new(2)), None]);
        assert_eq!([0, 1, 2, 3].map(|tx| map.batch(Tx::new(tx))), [None, Some(9), Some(4), None]);
        assert_eq!([0, 1, 2].map(|at| map.seen(4, Tx::new(at))), [None, None, Some(Tx::new(2))]);
    }
}
