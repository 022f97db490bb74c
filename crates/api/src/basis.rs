//! What an answer was made of, and whether a later state may still give it.
//!
//! A state is the same for a request as an earlier one when no transaction between them changed a resource of a type that the
//! request involves: the searched type, those that chains and `_has` go through, those that includes bring. The answer of the
//! earlier state then has the same entries and the same total. What differs is its watermark (`meta.lastUpdated`), its tag and
//! the transaction of its links: those of the earlier state, which is answered as well as the later one, since links lead to a state
//! that is kept and nothing of these types was changed after the watermark.

use std::sync::{Arc, Weak};

use annuaire_base::Tx;
use annuaire_fhir::schema::TYPES;
use annuaire_index::{Error, Filter, Index, RoaringBitmap, Snapshot};
use annuaire_terms::TypeId;

use crate::query::Search;
use crate::types::any_type;

/// A set of published types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TypeSet(u64);

impl TypeSet {
    /// No type: the answer is of one state for ever, as a page of a link.
    pub(crate) const NONE: Self = Self(0);

    /// Every published type.
    pub(crate) fn all() -> Self {
        Self((1 << TYPES.len()) - 1)
    }

    /// One type.
    pub(crate) fn one(ty: TypeId) -> Self {
        Self(0).with(ty)
    }

    fn with(self, ty: TypeId) -> Self {
        Self(self.0 | 1 << ty.get())
    }

    /// The types that a search on `ty` involves.
    pub(crate) fn of_search(ty: TypeId, search: &Search) -> Self {
        let named = |set: Self, name: &str| any_type(name).map_or(Self::all(), |(_, ty)| set.with(ty));
        let set = Self::one(ty).with_filter(&search.filter);
        search.includes.iter().fold(set, |set, rule| named(named(set, rule.source), rule.param.target))
    }

    fn with_filter(self, filter: &Filter) -> Self {
        match filter {
            Filter::And(all) | Filter::Or(all) => all.iter().fold(self, Self::with_filter),
            Filter::Not(filter) => self.with_filter(filter),
            Filter::Chain { target_type, filter, .. } => self.with(*target_type).with_filter(filter),
            Filter::Has { source_type, filter, .. } => self.with(*source_type).with_filter(filter),
            Filter::All
            | Filter::Token { .. }
            | Filter::Prefix { .. }
            | Filter::Contains { .. }
            | Filter::Exact { .. }
            | Filter::Folded { .. }
            | Filter::Word { .. }
            | Filter::WordStart { .. }
            | Filter::Sound { .. }
            | Filter::Reference { .. }
            | Filter::Uri { .. }
            | Filter::Ids(_)
            | Filter::Rows { .. }
            | Filter::Updated { .. }
            | Filter::Between { .. }
            | Filter::Missing(_) => self,
        }
    }

    fn types(self) -> impl Iterator<Item = TypeId> {
        (0..64).filter(move |n| self.0 >> n & 1 == 1).map(TypeId::new)
    }
}

/// What an answer was made of.
#[derive(Debug, Clone)]
pub(crate) struct AnswerBasis {
    /// Transaction of its state, to which its links lead.
    tx: Tx,
    /// The live rows of each type that the request involves. States share those of the types that no transaction between them
    /// touched: equal pointers are equal rows. A weak one keeps the address taken, and not the rows.
    live: Arc<[(TypeId, Weak<RoaringBitmap>)]>,
}

impl AnswerBasis {
    /// The basis of an answer made from a snapshot. Cost: a pointer for each type.
    pub(crate) fn new(snap: &Snapshot, types: TypeSet) -> Result<Self, Error> {
        let live = types.types().map(|ty| Ok((ty, Arc::downgrade(&live_rows(snap, ty)?)))).collect::<Result<_, Error>>()?;
        Ok(Self { tx: snap.tx(), live })
    }

    /// Whether the present state of the store may give the answer too. A store that cannot be read gives none.
    pub(crate) fn holds(&self, index: &Index) -> bool {
        if self.tx < index.retained_from() {
            return false;
        }
        let Ok(snap) = index.snapshot() else { return false };
        self.live.iter().all(|(ty, then)| live_rows(&snap, *ty).is_ok_and(|now| std::ptr::eq(then.as_ptr(), Arc::as_ptr(&now))))
    }
}

/// The live rows of a type, as the state holds them.
fn live_rows(snap: &Snapshot, ty: TypeId) -> Result<Arc<RoaringBitmap>, Error> {
    snap.search(ty, &Filter::All)
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_fhir::schema::{ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE};
    use annuaire_terms::ParamId;

    #[test]
    fn a_filter_involves_the_types_that_it_goes_through() {
        let name = Filter::Exact { param: ParamId::new(1), value: "a".into() };
        let chain = Filter::Chain {
            param: ParamId::new(2),
            target_type: ORGANIZATION,
            target_name: "Organization".into(),
            filter: Box::new(name.clone()),
        };
        let has = Filter::Has {
            source_type: PRACTITIONER_ROLE,
            param: ParamId::new(3),
            target_name: "Practitioner".into(),
            filter: Box::new(Filter::Not(Box::new(Filter::Or(vec![name.clone(), chain])))),
        };
        let set = TypeSet::one(PRACTITIONER);
        assert_eq!(set.with_filter(&name), set);
        let deep = set.with_filter(&Filter::And(vec![name, has]));
        assert_eq!(deep, set.with(PRACTITIONER_ROLE).with(ORGANIZATION));
        assert_eq!(deep.types().count(), 3);
        assert_eq!(TypeSet::all().types().count(), TYPES.len());
    }
}
