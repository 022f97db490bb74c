//! What a put does to the log.

use crate::{Change, ChangeCounts, Error, Expect, Result};
use annuaire_base::Tx;
use annuaire_base::fact::{FactKey, Publication};

/// The last version of a fact, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastVersion {
    /// Its transaction.
    pub tx: Tx,
    /// Publication when it stands; `None`: it ended, or was withdrawn.
    pub stands: Option<Publication>,
    /// Its fingerprint, zero when unknown.
    pub fingerprint: u64,
}

/// What a put does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The fact is new, or stands again.
    Created,
    /// It has another content or publication.
    Changed,
    /// It ended.
    Ended,
    /// Nothing changes.
    Unchanged,
    /// The entity is withdrawn.
    Withheld,
}

impl Verdict {
    /// Whether the put adds a row to the log.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Created | Self::Changed | Self::Ended)
    }
}

/// What `change` does, compared with the last version of its fact. `same_payload` is asked only when nothing else decides: whether
/// the content of the last version is this one.
///
/// # Errors
/// Those of `same_payload`.
pub fn decide(
    change: &Change,
    last: Option<&LastVersion>,
    withheld: bool,
    same_payload: impl FnOnce(&str) -> Result<bool>,
) -> Result<Verdict> {
    if withheld {
        return Ok(Verdict::Withheld);
    }
    let stands = last.and_then(|l| l.stands);
    Ok(match (stands, &change.payload) {
        (None, None) => Verdict::Unchanged,
        (None, Some(_)) => Verdict::Created,
        (Some(_), None) => Verdict::Ended,
        (Some(publication), Some(_)) if publication != change.publication => Verdict::Changed,
        (Some(_), Some(payload)) => {
            let known = last.map_or(0, |l| l.fingerprint);
            if (known != 0 && known == change.fingerprint) || same_payload(payload)? {
                Verdict::Unchanged
            } else {
                Verdict::Changed
            }
        }
    })
}

/// Checks what a put demands of the version that it replaces: the one before this unit, whatever the unit put before.
///
/// # Errors
/// [`Error::Conflict`].
pub fn expected(key: &FactKey, expect: Expect, last: Option<&LastVersion>) -> Result<()> {
    let conflict = match (expect, last) {
        (Expect::Any, _) | (_, None) => None,
        (Expect::Absent, Some(last)) => last.stands.map(|_| last.tx),
        (Expect::UnchangedSince(tx), Some(last)) => (last.tx > tx).then_some(last.tx),
    };
    conflict.map_or(Ok(()), |at| Err(Error::Conflict { key: key.clone(), at }))
}

impl ChangeCounts {
    fn of(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Created => &mut self.created,
            Verdict::Changed => &mut self.changed,
            Verdict::Ended => &mut self.ended,
            Verdict::Unchanged => &mut self.unchanged,
            Verdict::Withheld => &mut self.withheld,
        }
    }

    /// Counts a put; for backends.
    pub fn count(&mut self, verdict: Verdict) {
        *self.of(verdict) += 1;
    }

    /// Takes back what [`count`](Self::count) counted, because another put replaces the one counted; for backends.
    pub fn uncount(&mut self, verdict: Verdict) {
        let n = self.of(verdict);
        *n = n.saturating_sub(1);
    }

    /// Adds the counts of other facts; for backends.
    pub fn add(&mut self, other: Self) {
        self.created += other.created;
        self.changed += other.changed;
        self.ended += other.ended;
        self.unchanged += other.unchanged;
        self.withheld += other.withheld;
    }
}

#[cfg(test)]
mod tests {
    use super::{LastVersion, Verdict, decide, expected};
    use crate::{Change, Expect};
    use annuaire_base::Tx;
    use annuaire_base::fact::{FactKey, Publication};

    fn change(payload: Option<&str>, publication: Publication, fingerprint: u64) -> Change {
        let key = FactKey { owner: "s".into(), entity: "A".into(), facet: String::new() };
        Change { key, payload: payload.map(Into::into), publication, fingerprint }
    }

    #[test]
    fn a_put_that_says_nothing_new_leaves_no_row() {
        use Publication::{Open, Restricted};
        let last = |stands, fingerprint| LastVersion { tx: Tx::new(3), stands, fingerprint };
        let verdict =
            |change: Change, last: Option<LastVersion>| decide(&change, last.as_ref(), false, |p| Ok(p == "1")).unwrap();
        assert_eq!(verdict(change(None, Open, 0), None), Verdict::Unchanged, "the end of an unknown fact");
        assert_eq!(verdict(change(None, Open, 0), Some(last(None, 0))), Verdict::Unchanged);
        assert_eq!(verdict(change(None, Open, 0), Some(last(Some(Open), 0))), Verdict::Ended);
        assert_eq!(verdict(change(Some("1"), Open, 0), None), Verdict::Created);
        assert_eq!(verdict(change(Some("1"), Open, 7), Some(last(None, 7))), Verdict::Created);
        assert_eq!(verdict(change(Some("1"), Open, 0), Some(last(Some(Open), 7))), Verdict::Unchanged);
        assert_eq!(verdict(change(Some("2"), Open, 7), Some(last(Some(Open), 7))), Verdict::Unchanged, "not compared");
        assert_eq!(verdict(change(Some("2"), Open, 0), Some(last(Some(Open), 0))), Verdict::Changed, "zero proves nothing");
        assert_eq!(verdict(change(Some("1"), Restricted, 7), Some(last(Some(Open), 7))), Verdict::Changed);
        let withheld = decide(&change(Some("2"), Open, 0), None, true, |_| Ok(false)).unwrap();
        assert_eq!(withheld, Verdict::Withheld);
    }

    #[test]
    fn an_expectation_that_does_not_hold_names_the_transaction() {
        let key = change(None, Publication::Open, 0).key;
        let last = |stands| LastVersion { tx: Tx::new(3), stands, fingerprint: 0 };
        let holds = |expect, last: Option<LastVersion>| expected(&key, expect, last.as_ref()).is_ok();
        let (ended, stands) = (Some(last(None)), Some(last(Some(Publication::Open))));
        assert!(holds(Expect::Absent, None) && holds(Expect::Absent, ended) && !holds(Expect::Absent, stands));
        let since = |tx| Expect::UnchangedSince(Tx::new(tx));
        assert!(holds(since(0), None) && holds(since(3), stands) && !holds(since(2), stands) && !holds(since(2), ended));
        assert!(holds(Expect::Any, stands));
        let error = expected(&key, since(2), stands.as_ref()).unwrap_err().to_string();
        assert!(error.contains("transaction 3") && error.contains("A (s)"), "{error}");
    }
}
