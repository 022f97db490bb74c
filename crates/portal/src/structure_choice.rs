//! « Rechercher l'établissement » and « Effectuer votre choix » (registration §4.5, §5.6).

use crate::door::Portal;
use crate::fault::PortalFault;
use crate::field::{FieldRemark, FormField, OpenPoint, remark};
use crate::filler::Filler;
use crate::form::PostedForm;
use crate::request::PortalRequest;
use annuaire_registry::RegisteredPlace;
use annuaire_workflow::fields::{Findings, StructureQuery, check_structure_results, check_structure_search};
use annuaire_workflow::limits::STRUCTURES_MAX;
use annuaire_workflow::messages::{MessageCode, MessageWeight};

/// Names of the fields of the search, as the form and the address have them.
const CRITERIA: [&str; 5] = ["q-nom", "q-finess", "q-siret", "q-cp", "q-commune"];

/// A structure to choose.
pub(crate) struct StructureLine {
    pub(crate) number: String,
    pub(crate) name: String,
    /// Address, second number, legal entity, and whether it has a manager.
    pub(crate) details: Vec<String>,
    pub(crate) is_chosen: bool,
}

/// The choice of a structure.
pub(crate) struct StructureChoice {
    pub(crate) criteria: Vec<FormField>,
    pub(crate) lines: Vec<StructureLine>,
    pub(crate) remarks: Vec<FieldRemark>,
    /// Whether a search was made.
    pub(crate) is_searched: bool,
    /// Whether the search looked at the own structures alone, so that a wider one can be offered.
    pub(crate) is_narrow: bool,
    pub(crate) is_manager: bool,
}

fn criteria(query: &StructureQuery) -> Vec<FormField> {
    vec![
        FormField::text("q-nom", "Dénomination", &query.nom, 120),
        FormField::text("q-finess", "N° FINESS", &query.finess, 20),
        FormField::text("q-siret", "N° SIRET", &query.siret, 20).numeric(),
        FormField::text("q-cp", "Adresse : Code postal", &query.cp, 5).numeric(),
        FormField::text("q-commune", "Adresse : Commune", &query.commune, 80),
    ]
}

impl StructureChoice {
    /// Nothing was searched yet.
    pub(crate) fn new(chosen: Option<RegisteredPlace>, by: &Filler<'_>) -> Self {
        let lines = chosen.iter().map(|place| StructureLine { is_chosen: true, ..line(place) }).collect();
        Self {
            criteria: criteria(&StructureQuery::default()),
            lines,
            remarks: Vec::new(),
            is_searched: false,
            is_narrow: false,
            is_manager: by.is_manager(),
        }
    }

    /// The criteria of a form, for the address of the page that shows the results.
    pub(crate) fn query_of(form: &PostedForm) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for name in CRITERIA.iter().filter(|name| !form.get(name).is_empty()) {
            query.append_pair(name, form.get(name));
        }
        if form.get("faire").ends_with("-partout") {
            query.append_pair("partout", "oui");
        }
        query.finish()
    }

    /// Writes what was found of the choice itself.
    pub(crate) fn remark(&mut self, findings: &Findings) {
        for finding in findings.list.iter().filter(|finding| finding.field == "structure") {
            self.remarks.push(FieldRemark {
                code: finding.code.as_str(),
                text: crate::french::typeset(&finding.text),
                is_warning: finding.code.weight() == MessageWeight::Warning,
                is_acknowledged: false,
            });
        }
    }

    /// Searches by the criteria of the address: for a manager in the own structures first.
    pub(crate) async fn search(
        &mut self,
        portal: &Portal,
        by: &Filler<'_>,
        request: &PortalRequest,
    ) -> Result<Vec<OpenPoint>, PortalFault> {
        let query = StructureQuery {
            nom: request.parameter("q-nom"),
            finess: request.parameter("q-finess"),
            siret: request.parameter("q-siret"),
            cp: request.parameter("q-cp"),
            commune: request.parameter("q-commune"),
        };
        self.criteria = criteria(&query);
        self.is_searched = true;
        let mut findings = check_structure_search(&query);
        if !findings.has_errors() {
            let mut found = portal.registration().search_structures(&query).await?;
            let today = annuaire_workflow::day::paris_day(portal.now_ms());
            found.retain(|place| place.is_open_on(today));
            if let Filler::Manager(manager) = by
                && request.parameter("partout").is_empty()
            {
                let own = portal.registration().perimeter_places(manager).await?;
                let is_own = |place: &RegisteredPlace| own.iter().any(|known| known.id == place.id);
                if found.iter().any(is_own) {
                    self.is_narrow = found.iter().any(|place| !is_own(place));
                    found.retain(is_own);
                }
            }
            check_structure_results(&mut findings, found.len());
            found.truncate(STRUCTURES_MAX);
            let chosen = self.lines.first().map(|line| line.number.clone());
            if !found.is_empty() {
                let mut lines = Vec::new();
                for place in &found {
                    let mut shown = line(place);
                    shown.is_chosen = chosen.as_ref() == Some(&shown.number) || found.len() == 1;
                    if !by.is_manager() {
                        let has = portal.registration().has_manager(place).await?;
                        shown.details.push(crate::french::typeset(annuaire_workflow::routing::MANAGER_LINES[usize::from(has)]));
                    }
                    lines.push(shown);
                }
                self.lines = lines;
            }
        }
        for finding in &mut findings.list {
            finding.field = CRITERIA.iter().find(|name| finding.field.ends_with(&name[2..])).copied().unwrap_or("q-nom");
        }
        let mut points = remark(&mut self.criteria, &findings, &[]);
        // A doubtful number is told beside the results; there is nothing to confirm in a search.
        points.retain(|point| !point.is_warning);
        for field in &mut self.criteria {
            for told in &mut field.remarks {
                told.is_warning &= told.code != MessageCode::WStr02.as_str();
            }
        }
        Ok(points)
    }
}

fn line(place: &RegisteredPlace) -> StructureLine {
    let mut details = Vec::new();
    if !place.address.is_empty() {
        details.push(place.address.clone());
    }
    if !place.facts.finess.is_empty() && !place.facts.siret.is_empty() {
        details.push(format!("SIRET {}", place.facts.siret));
    }
    if !place.facts.legal_entity.is_empty() {
        details.push(format!("entité juridique {}", place.facts.legal_entity));
    }
    if place.is_legal_entity {
        details.push("siège de l’entité juridique".to_owned());
    }
    StructureLine { number: place.number.clone(), name: place.name.clone(), details, is_chosen: false }
}
