//! The tables that the directory publishes, as ViewDefinitions in `views/`.

use crate::ViewError;
use crate::column::Column;
use crate::definition::ViewDefinition;
use crate::join::{Joined, Resolve, joined_rows};
use crate::json::Document;
use crate::rows::RowTaker;
use std::sync::LazyLock;

/// Base of the canonical URLs of published tables and of their definitions.
pub const CANONICAL_BASE: &str = "https://annuaire.example/fhir/ViewDefinition/";

/// A table of the directory: the rows of one definition, of one for each of several types of resources, or of definitions side by
/// side.
#[derive(Debug)]
pub struct PublishedView {
    name: &'static str,
    definitions: Vec<ViewDefinition>,
    joined: Vec<Joined>,
    columns: Vec<Column>,
}

impl PublishedView {
    /// Name of the table, and of its file without the end.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Canonical URL of the table.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("{CANONICAL_BASE}{}", self.name.replace('_', "-"))
    }

    /// Version of the table. A column more raises its second number; a column renamed, retyped or less raises the first.
    #[must_use]
    pub fn version(&self) -> &str {
        self.definitions.first().map_or("", ViewDefinition::version)
    }

    /// Types of the resources that give rows, in the order in which a table should have them.
    pub fn resource_types(&self) -> impl Iterator<Item = &str> {
        self.definitions.iter().map(ViewDefinition::resource_type)
    }

    /// The columns of each row, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// All definitions: those that give rows, then those that stand beside them.
    pub fn definitions(&self) -> impl Iterator<Item = &ViewDefinition> {
        self.definitions.iter().chain(self.joined.iter().map(|j| &j.view))
    }

    /// Whether rows need other resources than their own.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        !self.joined.is_empty()
    }

    /// Hands the rows of one resource to `out`. A joined table looks the other resources up; the others never do, and take
    /// [`NoResources`](crate::NoResources).
    ///
    /// # Errors
    /// As [`ViewDefinition::rows`]; [`ViewError::Resolve`] when a look-up fails.
    pub fn rows(&self, resource: &Document<'_>, resolve: &mut dyn Resolve, out: RowTaker<'_>) -> Result<(), ViewError> {
        let ty = resource.resource_type();
        match self.definitions.iter().find(|d| d.resource_type() == ty) {
            None => Ok(()),
            Some(definition) if self.joined.is_empty() => definition.rows(resource, out),
            Some(definition) => joined_rows(definition, &self.joined, resource, resolve, out),
        }
    }

    fn compile(source: &Source) -> Result<Self, ViewError> {
        let definitions = source.definitions.iter().map(|json| ViewDefinition::parse(json)).collect::<Result<Vec<_>, _>>()?;
        let mut columns = definitions.first().map_or_else(Vec::new, |d| d.columns().to_vec());
        let mut joined = Vec::new();
        for (key, json) in source.joined {
            let view = ViewDefinition::parse(json)?;
            let Some(key) = columns.iter().position(|c| c.name == *key) else {
                return Err(ViewError::definition(source.name, format!("the table has no column `{key}`")));
            };
            columns.extend_from_slice(view.columns());
            joined.push(Joined { view, key });
        }
        Ok(Self { name: source.name, definitions, joined, columns })
    }
}

/// The texts of one table.
struct Source {
    name: &'static str,
    /// One definition for each type of resource; their columns are equal.
    definitions: &'static [&'static str],
    /// The column that names the looked-up resource, and the definition of what it adds.
    joined: &'static [(&'static str, &'static str)],
}

macro_rules! definition {
    ($file:literal) => {
        include_str!(concat!("../views/", $file, ".json"))
    };
}

const SOURCES: [Source; 10] = [
    Source { name: "practitioner", definitions: &[definition!("practitioner")], joined: &[] },
    Source { name: "role", definitions: &[definition!("role")], joined: &[] },
    Source { name: "organization", definitions: &[definition!("organization")], joined: &[] },
    Source { name: "qualification", definitions: &[definition!("qualification")], joined: &[] },
    Source {
        name: "address",
        definitions: &[definition!("address-practitioner"), definition!("address-organization")],
        joined: &[],
    },
    Source {
        name: "telecom",
        definitions: &[definition!("telecom-practitioner"), definition!("telecom-role"), definition!("telecom-organization")],
        joined: &[],
    },
    Source {
        name: "messaging_address",
        definitions: &[
            definition!("messaging_address-practitioner"),
            definition!("messaging_address-role"),
            definition!("messaging_address-organization"),
        ],
        joined: &[],
    },
    Source { name: "healthcare_service", definitions: &[definition!("healthcare_service")], joined: &[] },
    Source { name: "device", definitions: &[definition!("device")], joined: &[] },
    Source {
        name: "personne_activite",
        definitions: &[definition!("personne_activite-role")],
        joined: &[
            ("practitioner_id", definition!("personne_activite-practitioner")),
            ("organization_id", definition!("personne_activite-organization")),
        ],
    },
];

/// The tables that the directory publishes, compiled on first use.
#[must_use]
pub fn published() -> &'static [PublishedView] {
    // None fails: a test compiles each, so that this needs no error that callers would have to handle.
    static TABLES: LazyLock<Vec<PublishedView>> =
        LazyLock::new(|| SOURCES.iter().filter_map(|source| PublishedView::compile(source).ok()).collect());
    &TABLES
}

#[cfg(test)]
mod tests {
    use super::{CANONICAL_BASE, PublishedView, SOURCES, published};
    use std::collections::BTreeSet;

    #[test]
    fn all_definitions_compile() {
        for source in &SOURCES {
            PublishedView::compile(source).unwrap();
        }
        assert_eq!(published().len(), SOURCES.len());
    }

    #[test]
    fn definitions_say_who_they_are_and_what_each_column_means() {
        let mut urls = BTreeSet::new();
        for table in published() {
            for definition in table.definitions() {
                let (url, name) = (definition.url(), definition.name());
                assert_eq!(url, format!("{CANONICAL_BASE}{}", name.replace('_', "-")));
                assert!(urls.insert(url), "{url} stands twice");
                assert!(!definition.title().is_empty() && !definition.description().is_empty(), "{url}");
                assert_eq!(definition.version(), table.version(), "{url}");
                for column in definition.columns() {
                    let texts = [&column.description, &column.description_fr, &column.fhir_type];
                    assert!(texts.iter().all(|t| !t.is_empty()), "{url} {}", column.name);
                }
            }
            let types: Vec<&str> = table.resource_types().collect();
            assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len(), "{}", table.name());
        }
        assert_eq!(urls.len(), 17);
    }

    #[test]
    fn columns_of_a_table_have_distinct_names_and_are_equal_for_all_types() {
        for table in published() {
            let names: BTreeSet<&str> = table.columns().iter().map(|c| c.name.as_str()).collect();
            assert_eq!(names.len(), table.columns().len(), "{}", table.name());
            if !table.is_joined() {
                for definition in table.definitions() {
                    let shape = |columns: &[crate::Column]| -> Vec<_> {
                        columns
                            .iter()
                            .map(|c| (c.name.clone(), c.kind, c.collection, c.fhir_type.clone(), c.description.clone()))
                            .collect()
                    };
                    assert_eq!(shape(definition.columns()), shape(table.columns()), "{}", definition.url());
                }
            }
        }
    }
}
