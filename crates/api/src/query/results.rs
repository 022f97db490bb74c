//! Parameters that shape an answer: page size, order, elements, summary.

use annuaire_web::ErrorCode;

use super::pairs::pairs;
use super::values::split_values;
use crate::error::ApiError;
use crate::limits;

/// Parameters that shape the answer and are no criteria.
pub(super) const RESULT_PARAMETERS: [&str; 12] = [
    "_format",
    "_pretty",
    "fhirVersion",
    "_count",
    "_total",
    "_summary",
    "_sort",
    "_elements",
    "_asOf",
    "_include",
    "_revinclude",
    "_revInclude",
];

/// Whether a parameter shapes the answer and is no criterion.
pub(super) fn is_result_parameter(name: &str) -> bool {
    RESULT_PARAMETERS.contains(&name)
}

/// The first criterion of a query, by name.
pub(crate) fn first_criterion(raw: &str) -> Result<Option<String>, ApiError> {
    let names = pairs(raw)?.into_iter().map(|(name, _)| name.split(':').next().unwrap_or_default().to_owned());
    Ok(names.into_iter().find(|name| !is_result_parameter(name)))
}

/// The order of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageOrder {
    /// By row, which is the order of commits.
    Row,
    /// By instant of last update, then by row.
    Updated { down: bool },
    /// By id.
    Id { down: bool },
}

/// A page size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageSize {
    /// Most entries of a page.
    pub entries: usize,
    /// Whether the client asked for more.
    pub lowered: bool,
}

impl Default for PageSize {
    fn default() -> Self {
        Self { entries: limits::PAGE, lowered: false }
    }
}

/// The page size that `_count` asks; `None` keeps the default.
pub(crate) fn page_size(value: &str) -> Result<Option<PageSize>, ApiError> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    match value.parse::<i64>() {
        Ok(n) if n <= 50_000_000 => {
            let n = usize::try_from(n.max(0)).unwrap_or(limits::PAGE_CAP);
            Ok(Some(PageSize { entries: n.min(limits::PAGE_CAP), lowered: n > limits::PAGE_CAP }))
        }
        _ => Err(ApiError::new(
            ErrorCode::ValueMalformedAsDocumented,
            "The _count parameter must be in the FHIR format with an integer value : \"_count=30\"",
        )),
    }
}

/// Members that a read returns besides the compulsory ones; `None` for the whole resource.
pub(crate) fn read_elements(ty: &str, raw: &str) -> Result<Option<Vec<String>>, ApiError> {
    let mut names = None;
    for (name, value) in pairs(raw)? {
        match name.as_str() {
            "_elements" => elements(&value, &mut names),
            // One resource has no total.
            "_summary" => _ = summary(ty, &value, &mut names)?,
            _ => {}
        }
    }
    Ok(names)
}

/// `_elements`: names of members, with or without the type in front.
pub(super) fn elements(value: &str, names: &mut Option<Vec<String>>) {
    let given = value.split(',').map(|n| n.rsplit('.').next().unwrap_or(n).trim().to_owned());
    let given: Vec<String> = given.filter(|n| !n.is_empty()).collect();
    if !given.is_empty() {
        names.get_or_insert_default().extend(given);
    }
}

/// `_summary`: names the elements that R4 marks as summary. True when the client asks for the total alone.
pub(super) fn summary(ty: &str, value: &str, names: &mut Option<Vec<String>>) -> Result<bool, ApiError> {
    let marked: &[&str] = match ty {
        "Practitioner" => &["identifier", "active", "name", "telecom", "address", "gender", "birthDate"],
        "PractitionerRole" => {
            &["identifier", "active", "period", "practitioner", "organization", "code", "specialty", "location", "telecom"]
        }
        "Organization" => &["identifier", "active", "type", "name", "partOf"],
        "HealthcareService" => &["identifier", "active", "providedBy", "category", "type", "specialty", "location", "name"],
        "Device" => &["udiCarrier", "status"],
        _ => &["name", "telecom", "gender", "birthDate", "managingOrganization", "active"],
    };
    let owned = |names: &[&str]| Some(names.iter().map(|n| (*n).to_owned()).collect());
    match value {
        "" | "false" | "count" => {}
        "true" => *names = owned(marked),
        "text" => *names = owned(&["text"]),
        // All but the narrative, which no resource of the directory has.
        "data" => *names = owned(&["*"]),
        _ => {
            return Err(ApiError::new(
                ErrorCode::ValueMalformed,
                "Bad value for the _summary parameter. Allowed values are : true, text, data, count, false",
            ));
        }
    }
    Ok(value == "count")
}

/// `_sort`: by instant or by id. The first key decides: both are total orders here.
pub(super) fn sort(ty: &str, value: &str) -> Result<Option<PageOrder>, ApiError> {
    let keys = split_values(value);
    let mut order = None;
    for key in keys {
        let (name, down) = key.trim().strip_prefix('-').map_or((key.trim(), false), |name| (name, true));
        let found = match name {
            "_lastUpdated" => PageOrder::Updated { down },
            "_id" => PageOrder::Id { down },
            _ => return Err(ApiError::unknown(&format!("_sort={name}"), ty, ["_lastUpdated", "_id"])),
        };
        order.get_or_insert(found);
    }
    Ok(order)
}

/// Refuses a parameter that takes one value and is given two.
pub(super) fn refuse_second_value(
    given: &mut Vec<(&'static str, String)>,
    name: &'static str,
    value: &str,
) -> Result<(), ApiError> {
    match given.iter().find(|(before, _)| *before == name) {
        Some((_, before)) if before != value => {
            Err(ApiError::value("It is given twice, with two values: keep one.").in_parameter(name))
        }
        Some(_) => Ok(()),
        None => {
            given.push((name, value.to_owned()));
            Ok(())
        }
    }
}
