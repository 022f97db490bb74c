//! A situation: how and where somebody practises.

use annuaire_index::{Error, Filter, Row, Snapshot};
use serde_json::Value;

use super::organization::OrganizationView;
use super::practitioner::PractitionerView;
use super::role::{functions, role_labels};
use super::{referenced, shown_json, text_at};
use crate::schema::{PRACTITIONER_ROLE, active, referring_to, role};

/// A `PractitionerRole` with its structure.
#[derive(Debug, Clone, Default)]
pub(crate) struct SituationView {
    /// Mode and functions.
    pub labels: Vec<String>,
    /// Where; `None` for somebody without a fixed place.
    pub place: Option<OrganizationView>,
}

/// A practice with its active situations.
#[derive(Debug, Clone, Default)]
pub(crate) struct PracticeView {
    pub practitioner: PractitionerView,
    pub situations: Vec<SituationView>,
}

impl SituationView {
    /// Reads the structure that `resource` refers to: one look-up.
    fn of_json(snapshot: &Snapshot, resource: &Value) -> Result<Self, Error> {
        let place = referenced(snapshot, &text_at(resource, "/organization/reference"))?;
        Ok(Self { labels: role_labels(resource), place: place.map(|place| OrganizationView::of_json(&place)) })
    }
}

impl PracticeView {
    /// Reads the situations of a practice: one search, two look-ups for each situation.
    pub(crate) fn with_situations(snapshot: &Snapshot, mut practitioner: PractitionerView) -> Result<Self, Error> {
        let of_practice = referring_to(role::PRACTITIONER, &format!("Practitioner/{}", practitioner.id));
        let rows = snapshot.search(PRACTITIONER_ROLE, &Filter::And(vec![active(role::ACTIVE), of_practice]))?;
        let mut situations = Vec::new();
        for row in rows.iter().map(Row::new) {
            let resource = shown_json(&snapshot.read(row)?);
            practitioner.name_by_role(&functions(&resource));
            situations.push(SituationView::of_json(snapshot, &resource)?);
        }
        Ok(Self { practitioner, situations })
    }
}
