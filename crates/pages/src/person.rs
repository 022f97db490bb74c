//! Looks for a person by national number: the page, the contact card and the check of a right to practise begin here.

use annuaire_base::Tx;
use annuaire_fhir::systems::IDNPS;
use annuaire_index::{Error, Row, Snapshot};

use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::resource::situation::PracticeView;
use crate::schema::{PRACTITIONER, practitioner, with_code_of};
use crate::withdrawn::professional_is_withdrawn;

/// What is published of a national number.
pub(crate) enum PersonFound {
    /// Nobody ever was.
    Nobody,
    /// What was published was withdrawn by law.
    WithdrawnByLaw,
    /// All practices ended; the instant of the last change, in milliseconds since 1970.
    Left { since_ms: i64 },
    /// Somebody who practises.
    Practising(PractisingPerson),
}

/// The active practices of one person, one at least.
pub(crate) struct PractisingPerson {
    pub practices: Vec<PractitionerView>,
    /// Instant of the last change of a practice, in milliseconds since 1970.
    pub changed_ms: i64,
    /// Transaction of that change.
    pub changed_tx: Tx,
}

impl PersonFound {
    /// Cost: one search and one look-up for each practice; some hundreds of look-ups when there is none.
    pub(crate) fn by_national_id(snapshot: &Snapshot, national_id: &str) -> Result<Self, Error> {
        let rows = snapshot.search(PRACTITIONER, &with_code_of(practitioner::IDENTIFIER, IDNPS, national_id))?;
        let mut practices: Vec<PractitionerView> = Vec::new();
        let mut last_change = None;
        for row in rows.iter().map(Row::new) {
            let version = snapshot.read(row)?;
            last_change = last_change.max(Some((version.last_updated_ms, version.tx)));
            practices.push(PractitionerView::of_json(&shown_json(&version)));
        }
        let Some((changed_ms, changed_tx)) = last_change else {
            return Ok(match professional_is_withdrawn(snapshot, national_id)? {
                true => Self::WithdrawnByLaw,
                false => Self::Nobody,
            });
        };
        practices.retain(|practice| practice.active);
        if practices.is_empty() {
            return Ok(Self::Left { since_ms: changed_ms });
        }
        Ok(Self::Practising(PractisingPerson { practices, changed_ms, changed_tx }))
    }
}

impl PractisingPerson {
    /// The practices with their situations.
    pub(crate) fn with_situations(self, snapshot: &Snapshot) -> Result<Vec<PracticeView>, Error> {
        self.practices.into_iter().map(|practice| PracticeView::with_situations(snapshot, practice)).collect()
    }

    /// ISO day of the last update at the authority; empty when no source gives one.
    pub(crate) fn authority_day(&self) -> String {
        self.practices.iter().map(|practice| practice.trace.updated.clone()).max().unwrap_or_default()
    }
}
