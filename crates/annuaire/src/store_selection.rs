//! Which resources of a store an export writes: those of a territory, a profession, a structure; all, or what changed since another state.
//!
//! A row is one version of a resource, so that two states are compared by their rows: what the later one has more is new, changed, or
//! came into the selection; what it has less was changed, left the store, or left the selection.

use annuaire_extract::ActivityFilter;
use annuaire_fhir::schema::{
    DEVICE, HEALTHCARE_SERVICE, ORGANIZATION, PRACTITIONER, PRACTITIONER_ROLE, params, type_name, types,
};
use annuaire_index::{Filter, RoaringBitmap, Row, Snapshot, Version};
use annuaire_nos::coding;
use annuaire_terms::{ParamId, TypeId};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};

/// References that are asked for in one search.
const REFERENCES: usize = 1_000;

/// The rows of an export.
pub(crate) struct ChosenRows {
    rows: BTreeMap<TypeId, RoaringBitmap>,
    /// What the former state had and this one has not; `None` when the whole state is written.
    pub(crate) left: Option<LeftRows>,
}

/// What a former state had.
#[derive(Default)]
pub(crate) struct LeftRows {
    /// Resources that are not there any more, or not in the selection.
    pub(crate) gone: BTreeSet<(&'static str, String)>,
    /// Resources of which the former rows of tables are void: those that are gone, those that changed, and activities whose professional
    /// or structure changed, since a table joins them.
    pub(crate) replaced: BTreeSet<(&'static str, String)>,
    /// Activities that did not change themselves, but whose rows in joined tables may have.
    pub(crate) touched: RoaringBitmap,
}

impl ChosenRows {
    /// What `filter` chooses of a state. Cost: the searches.
    pub(crate) fn of(state: &Snapshot, filter: &ActivityFilter) -> Result<Self> {
        let selection = Selection::new(filter);
        let rows = types().map(|(ty, _)| Ok((ty, selection.rows(state, ty)?)));
        Ok(Self { rows: rows.collect::<Result<_>>()?, left: None })
    }

    /// What changed in the choice of `filter` between two states. Cost: the searches in both, and reading what the former one had.
    pub(crate) fn between(former: &Snapshot, state: &Snapshot, filter: &ActivityFilter) -> Result<Self> {
        let (before, mut now) = (Self::of(former, filter)?, Self::of(state, filter)?);
        let mut left = LeftRows::default();
        let mut changed: Vec<(TypeId, String)> = Vec::new();
        let mut kept_roles = RoaringBitmap::new();
        for (ty, rows) in &mut now.rows {
            let name = type_name(*ty);
            let old = before.rows.get(ty).cloned().unwrap_or_default();
            if *ty == PRACTITIONER_ROLE {
                kept_roles = &*rows & &old;
            }
            let lost = ids(former, &(&old - &*rows))?;
            *rows -= old;
            let new = ids(state, rows)?;
            left.gone.extend(lost.difference(&new).map(|id| (name, id.clone())));
            if matches!(*ty, PRACTITIONER | ORGANIZATION) {
                changed.extend(lost.union(&new).map(|id| (*ty, id.clone())));
            }
            left.replaced.extend(lost.into_iter().map(|id| (name, id)));
        }
        for some in changed.chunks(REFERENCES) {
            let refer = |(ty, id): &(TypeId, String)| {
                let param = if *ty == PRACTITIONER { params::PRACTITIONER.id } else { params::ORGANIZATION.id };
                Filter::Reference { param, target: format!("{}/{id}", type_name(*ty)) }
            };
            left.touched |= &*state.search(PRACTITIONER_ROLE, &Filter::Or(some.iter().map(refer).collect()))? & &kept_roles;
        }
        left.replaced.extend(ids(state, &left.touched)?.into_iter().map(|id| (type_name(PRACTITIONER_ROLE), id)));
        now.left = Some(left);
        Ok(now)
    }

    /// The rows of a type.
    pub(crate) fn rows(&self, ty: TypeId) -> RoaringBitmap {
        self.rows.get(&ty).cloned().unwrap_or_default()
    }
}

/// Logical ids of some rows.
fn ids(state: &Snapshot, rows: &RoaringBitmap) -> Result<BTreeSet<String>> {
    let (mut reader, mut version, mut ids) = (state.reader(), Version::default(), BTreeSet::new());
    for row in rows {
        reader.read(Row::new(row), &mut version)?;
        ids.insert(version.id().to_owned());
    }
    Ok(ids)
}

/// A filter of activities as searches.
struct Selection {
    is_active: bool,
    professionals: Option<Filter>,
    structures: Option<Filter>,
}

impl Selection {
    fn new(filter: &ActivityFilter) -> Self {
        let professions = filter.professions.iter().map(|code| {
            let coding = coding::profession(code);
            token(params::QUALIFICATION_CODE.id, Some(coding.system).filter(|system| !system.is_empty()), coding.code)
        });
        let professionals = (!filter.professions.is_empty()).then(|| Filter::Or(professions.collect()));
        let numbers = filter.structures.iter().map(|number| token(params::IDENTIFIER.id, None, number));
        let named = (!filter.structures.is_empty()).then(|| Filter::Or(numbers.collect()));
        let places: Vec<Filter> = named.into_iter().chain(territory(filter)).collect();
        let structures = (!places.is_empty()).then_some(Filter::And(places));
        Self { is_active: filter.is_active(), professionals, structures }
    }

    /// The chosen rows of a type.
    fn rows(&self, state: &Snapshot, ty: TypeId) -> Result<RoaringBitmap> {
        if !self.is_active {
            return Ok(state.standing(&[ty]));
        }
        let Some(filter) = self.filter(ty) else { return Ok(RoaringBitmap::new()) };
        Ok((*state.search(ty, &filter)?).clone())
    }

    fn filter(&self, ty: TypeId) -> Option<Filter> {
        let of_structure = |filter: &Filter| chain(params::ORGANIZATION.id, ORGANIZATION, filter);
        let activities = || {
            let person = self.professionals.as_ref().map(|filter| chain(params::PRACTITIONER.id, PRACTITIONER, filter));
            Filter::And(person.into_iter().chain(self.structures.as_ref().map(of_structure)).collect())
        };
        match ty {
            PRACTITIONER_ROLE => Some(activities()),
            PRACTITIONER if self.structures.is_none() => self.professionals.clone(),
            PRACTITIONER => Some(has(params::PRACTITIONER.id, PRACTITIONER, activities())),
            ORGANIZATION if self.professionals.is_none() => self.structures.clone(),
            ORGANIZATION => Some(has(params::ORGANIZATION.id, ORGANIZATION, activities())),
            HEALTHCARE_SERVICE | DEVICE if self.professionals.is_none() => self.structures.as_ref().map(of_structure),
            _ => None,
        }
    }
}

/// Structures in the wanted territory.
fn territory(filter: &ActivityFilter) -> Option<Filter> {
    let codes = filter.territory_codes()?;
    let begin = |param: ParamId, with: &BTreeSet<String>| {
        Filter::Or(with.iter().map(|value| Filter::Prefix { param, value: value.clone() }).collect())
    };
    let among = |codes: &BTreeSet<String>| {
        let exact = |value: &String| Filter::Exact { param: params::ADDRESS_INSEE.id, value: value.clone() };
        Filter::Or(codes.iter().map(exact).collect())
    };
    let not = |filter| Filter::Not(Box::new(filter));
    let coded = begin(params::ADDRESS_INSEE.id, &(0..10).map(|digit| digit.to_string()).collect());
    Some(Filter::Or(vec![
        Filter::And(vec![begin(params::ADDRESS_INSEE.id, &codes.commune_beginnings), not(among(&codes.left))]),
        among(&codes.joined),
        Filter::And(vec![begin(params::ADDRESS_POSTALCODE.id, &codes.postal_beginnings), not(coded)]),
    ]))
}

fn token(param: ParamId, system: Option<&str>, code: &str) -> Filter {
    Filter::Token { param, system: system.map(str::to_owned), code: Some(code.to_owned()) }
}

/// Rows that refer to a resource which `filter` finds.
fn chain(param: ParamId, target_type: TypeId, filter: &Filter) -> Filter {
    let target_name = type_name(target_type).to_owned();
    Filter::Chain { param, target_type, target_name, filter: Box::new(filter.clone()) }
}

/// Rows of a type to which an activity that `filter` finds refers.
fn has(param: ParamId, searched: TypeId, filter: Filter) -> Filter {
    let target_name = type_name(searched).to_owned();
    Filter::Has { source_type: PRACTITIONER_ROLE, param, target_name, filter: Box::new(filter) }
}
