//! The nation to generate, and how its second delivery differs from the first.

use std::fmt;

/// The nation to generate.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Persons in the first delivery.
    pub professionals: u32,
    /// Seed of everything.
    pub seed: u64,
    /// Facts that differ in the second delivery, per mille.
    pub changed_per_mille: u32,
}

/// How the second delivery differs from the first: in objects of the registry, and by kind of change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Planted {
    /// Objects that appear.
    pub created: u64,
    /// Objects with another content.
    pub changed: u64,
    /// Objects that disappear.
    pub ended: u64,
    /// Persons who appear.
    pub persons_new: u64,
    /// Persons who leave.
    pub persons_gone: u64,
    /// Persons with another name.
    pub renamed: u64,
    /// Persons with another activity.
    pub moved: u64,
    /// Persons with one more mailbox.
    pub mailboxes: u64,
    /// Cards opposed.
    pub cards: u64,
    /// Practices with another trade name.
    pub places: u64,
    /// Legal entities and establishments that close.
    pub closed: u64,
    /// Care and social activities that stop.
    pub activities: u64,
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} objects new, {} changed, {} ended: {} persons new, {} gone, {} renamed, {} with another activity, {} with another \
             mailbox, {} cards opposed, {} practices renamed, {} structures closed, {} activities stopped",
            self.created,
            self.changed,
            self.ended,
            self.persons_new,
            self.persons_gone,
            self.renamed,
            self.moved,
            self.mailboxes,
            self.cards,
            self.places,
            self.closed,
            self.activities
        )
    }
}
