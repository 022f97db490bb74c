//! A whole search: its criteria and the shape of its answer.

use annuaire_index::{Filter, Snapshot};
use annuaire_web::ErrorCode;

use super::criteria::{CriteriaContext, criterion};
use super::filters::any_of;
use super::handling::Handling;
use super::includes::{IncludeReach, IncludeRule, include, revinclude};
use super::modifiers::{modifier_works, working_modifiers};
use super::pairs::pairs;
use super::results::{PageOrder, PageSize, elements, page_size, refuse_second_value, sort, summary};
use crate::error::ApiError;
use crate::limits;

/// A compiled search.
pub(crate) struct Search {
    /// What a resource must have.
    pub filter: Filter,
    pub page_size: PageSize,
    /// The answer has no entries.
    pub only_total: bool,
    /// The answer says how many resources match.
    pub with_total: bool,
    pub order: PageOrder,
    /// Members returned besides the compulsory ones; `None` for whole resources.
    pub elements: Option<Vec<String>>,
    pub includes: Vec<IncludeRule>,
    /// Unknown parameters that lenient handling ignores, and modifiers without effect.
    pub ignored: Vec<ApiError>,
}

/// Compiles the query `raw` of a search on `ty`. `:of-type` is resolved against `snap`. Addresses below `base` are ours.
pub(crate) fn compile(snap: &Snapshot, base: &str, ty: &'static str, raw: &str, handling: Handling) -> Result<Search, ApiError> {
    let context = CriteriaContext { snap, base };
    let mut search = Search {
        filter: Filter::All,
        page_size: PageSize::default(),
        only_total: false,
        with_total: true,
        order: PageOrder::Row,
        elements: None,
        includes: Vec::new(),
        ignored: Vec::new(),
    };
    let (mut all, mut given) = (Vec::new(), Vec::new());
    for (name, value) in pairs(raw)? {
        let (plain, modifier) = name.split_once(':').unwrap_or((&name, ""));
        if !modifier_works(ty, &name) {
            if handling == Handling::Strict {
                let text = format!("The modifier of {name} is not supported: drop it or use handling=lenient.");
                return Err(ApiError::new(ErrorCode::ModifierNotSupported, text));
            }
            let text = format!("The modifier of {name} is not supported: the search was made without it.");
            let warning = ApiError::new(ErrorCode::ModifierNotSupported, text).hint(working_modifiers(ty, plain));
            search.ignored.push(warning);
        }
        if let Some(single) = ["_count", "_total", "_summary", "_sort"].into_iter().find(|single| *single == plain) {
            refuse_second_value(&mut given, single, &value)?;
        }
        let outcome = search.take(&context, ty, (&name, plain, modifier), &value).map(|filter| all.extend(filter));
        match outcome {
            Err(error) if error.code == ErrorCode::ParameterUnknown && handling == Handling::Lenient => {
                search.ignored.push(error.recoded(ErrorCode::ParameterNotSupported));
            }
            // A client that asks for strict handling knows the codes of the standard.
            Err(error) if error.code == ErrorCode::ParameterUnknown && handling == Handling::Strict => {
                return Err(error.recoded(ErrorCode::ParameterNotSupported).in_parameter(plain));
            }
            other => other.map_err(|error| error.in_parameter(plain))?,
        }
    }
    if search.page_size.entries == 0 {
        search.only_total = true;
    }
    search.filter = match all.len() {
        0 => Filter::All,
        1 => any_of(all),
        _ => Filter::And(all),
    };
    Ok(search)
}

impl Search {
    /// Takes one parameter: `name` as it was written, `plain` without its modifier. Gives the filter of a criterion.
    fn take(
        &mut self,
        context: &CriteriaContext,
        ty: &'static str,
        (name, plain, modifier): (&str, &str, &str),
        value: &str,
    ) -> Result<Option<Filter>, ApiError> {
        let reach = if modifier == "iterate" { IncludeReach::Iterate } else { IncludeReach::MatchesOnly };
        match plain {
            // The state is chosen before the search is read.
            "_format" | "_pretty" | "fhirVersion" | "_asOf" => {}
            "_count" => self.page_size = page_size(value)?.unwrap_or(self.page_size),
            "_total" => self.with_total = wants_total(value)?,
            "_summary" => self.only_total |= summary(ty, value, &mut self.elements)?,
            "_sort" => self.order = sort(ty, value)?.unwrap_or(self.order),
            "_elements" => elements(value, &mut self.elements),
            "_include" => include(ty, value, reach, &mut self.includes)?,
            "_revinclude" | "_revInclude" => revinclude(ty, value, reach, &mut self.includes)?,
            _ => return criterion(context, ty, name, value, limits::CHAIN),
        }
        Ok(None)
    }
}

/// `_total`: whether the answer says how many resources match.
fn wants_total(value: &str) -> Result<bool, ApiError> {
    match value {
        "none" => Ok(false),
        "" | "estimate" | "accurate" => Ok(true),
        _ => Err(ApiError::new(
            ErrorCode::ValueMalformedAsDocumented,
            "Bad value for the _total parameter. Allowed values are : accurate, none, estimate",
        )),
    }
}
