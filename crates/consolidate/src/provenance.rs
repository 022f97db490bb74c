//! Who says what of a consolidated entity.

use annuaire_base::Tx;
use annuaire_base::fact::FactKey;

/// A part of a consolidated entity, by its position there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    /// The civil status of the professional.
    CivilStatus,
    /// The contact data of the professional.
    Contact,
    /// A practice, by its position in `exercices`.
    Practice(usize),
    /// A situation, by the positions of its practice and of itself.
    Situation(usize, usize),
    /// A card, by its position in `cards`.
    Card(usize),
    /// A mailbox, by its position in `mailboxes`.
    Mailbox(usize),
}

/// A fact out of which a part was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    /// Code of its owner.
    pub owner: String,
    /// Its facet.
    pub facet: String,
    /// Transaction of its version.
    pub tx: Tx,
}

/// Which facts say each part of an entity. Two small vectors: the strings are those of the facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    facts: Vec<Saying>,
    /// Parts, and the positions of the facts that say them, the strongest fact of a part before the others.
    items: Vec<SaidItem>,
}

/// A part and the position of a fact that says it.
pub(crate) type SaidItem = (Item, usize);

impl Provenance {
    /// The facts that say a part, the strongest owner first: it decides, the others fill.
    pub fn of(&self, item: Item) -> impl Iterator<Item = &Saying> {
        self.items.iter().filter(move |(said, _)| *said == item).map(|(_, fact)| &self.facts[*fact])
    }

    /// That of an entity with so many facts.
    pub(crate) fn of_facts(count: usize) -> Self {
        Self { facts: Vec::with_capacity(count), items: Vec::new() }
    }

    /// Adds a fact; its position.
    pub(crate) fn add_fact(&mut self, key: FactKey, tx: Tx) -> usize {
        self.facts.push(Saying { owner: key.owner, facet: key.facet, tx });
        self.facts.len() - 1
    }

    /// Notes that a fact says a part.
    pub(crate) fn note(&mut self, item: Item, fact: usize) {
        if self.items.capacity() == 0 {
            // Most professionals have no more, so that the vector need not grow.
            self.items.reserve_exact(8);
        }
        self.items.push((item, fact));
    }

    /// Takes out the notes about a professional.
    pub(crate) fn take_professional(&mut self) -> Vec<SaidItem> {
        let about_professional = |(item, _): &mut SaidItem| !matches!(item, Item::Card(_) | Item::Mailbox(_));
        self.items.extract_if(.., about_professional).collect()
    }

    /// Notes several parts.
    pub(crate) fn extend(&mut self, items: Vec<SaidItem>) {
        self.items.extend(items);
    }

    /// Code of the owner of a fact.
    pub(crate) fn owner_of(&self, fact: usize) -> &str {
        &self.facts[fact].owner
    }

    /// Leaves practices out: `position` gives the new position of each one that stays.
    pub(crate) fn move_practices(&mut self, position: &[Option<usize>]) {
        let moved = |(item, fact): SaidItem| {
            let item = match item {
                Item::Practice(p) => Item::Practice(position[p]?),
                Item::Situation(p, s) => Item::Situation(position[p]?, s),
                other => other,
            };
            Some((item, fact))
        };
        self.items = std::mem::take(&mut self.items).into_iter().filter_map(moved).collect();
    }

    /// Adds what `other` says of its mailboxes, which stand behind the first `known` ones here.
    pub(crate) fn add_mailboxes_of(&mut self, other: &Self, known: usize) {
        let before = self.facts.len();
        self.facts.extend(other.facts.iter().cloned());
        self.items.extend(other.items.iter().filter_map(|(item, fact)| match item {
            Item::Mailbox(m) => Some((Item::Mailbox(m + known), fact + before)),
            _ => None,
        }));
    }
}
