//! Two sorted sequences of lines side by side: what was removed and what was added, line by line, each as often as it occurs.

use crate::error::{Error, io};
use annuaire_batch::sort::Merge;

/// Whether a line is in the older sequence or in the newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    Removed,
    Added,
}

impl Operation {
    pub(crate) const fn sign(self) -> char {
        match self {
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// Receives all lines of both sequences in the order of their keys, lines that both have once, as `None`. Of lines of one key the
/// removed ones come first.
pub(crate) trait CompareSink {
    fn take(&mut self, key: &[u8], line: &[u8], operation: Option<Operation>) -> Result<(), Error>;
}

/// Compares two sequences. Cost: one pass over both; memory: the added lines of one key.
pub(crate) fn compare(old: &mut Merge, new: &mut Merge, sink: &mut dyn CompareSink) -> Result<(), Error> {
    let fail = io("reading sorted lines");
    // Added lines of the current key wait for its removed ones.
    let mut waiting: Vec<Vec<u8>> = Vec::new();
    let mut current: Vec<u8> = Vec::new();
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(a), Some(b)) => a.cmp(&b),
        };
        let first = if order == std::cmp::Ordering::Greater { new.peek() } else { old.peek() };
        let Some((key, line)) = first else { break };
        if key != current {
            for line in waiting.drain(..) {
                sink.take(&current, &line, Some(Operation::Added))?;
            }
            current = key.to_vec();
        }
        match order {
            std::cmp::Ordering::Less => sink.take(key, line, Some(Operation::Removed))?,
            std::cmp::Ordering::Greater => waiting.push(line.to_vec()),
            std::cmp::Ordering::Equal => sink.take(key, line, None)?,
        }
        if order.is_le() {
            old.advance().map_err(&fail)?;
        }
        if order.is_ge() {
            new.advance().map_err(&fail)?;
        }
    }
    for line in waiting {
        sink.take(&current, &line, Some(Operation::Added))?;
    }
    Ok(())
}
