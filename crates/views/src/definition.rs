//! From the JSON of a ViewDefinition to a compiled view. All that can be wrong with a definition is found here, before any row.

use crate::column::{Column, Kind};
use crate::json::{Document, Node, Shape};
use crate::limits::{COLUMNS, DEFINITION_BYTES, NAME_BYTES, SELECT_DEPTH};
use crate::moment::MomentType;
use crate::path::{Constants, Datum, Expr, StaticType, parse};
use crate::{ViewError, decimal::Decimal, moment::Moment};
use std::collections::BTreeSet;
use std::ops::Range;

/// A compiled ViewDefinition of SQL on FHIR v2.
///
/// It is made once and run on any number of resources, from any number of threads.
#[derive(Debug)]
pub struct ViewDefinition {
    pub(crate) resource: String,
    pub(crate) url: String,
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) columns: Vec<Column>,
    /// Place in the definition and path of each criterion.
    pub(crate) criteria: Vec<(String, Expr)>,
    pub(crate) selects: Vec<Select>,
}

/// One `select`: an iteration, its columns, and what is crossed with them.
#[derive(Debug)]
pub(crate) struct Select {
    pub(crate) place: String,
    pub(crate) iteration: Iteration,
    pub(crate) columns: Vec<ColumnPath>,
    pub(crate) children: Vec<Child>,
    /// The columns of this `select` and of those below it.
    pub(crate) slots: Range<usize>,
}

#[derive(Debug)]
pub(crate) struct ColumnPath {
    /// Number of the column in the row.
    pub(crate) slot: usize,
    pub(crate) expr: Expr,
    pub(crate) moment: Option<MomentType>,
}

#[derive(Debug)]
pub(crate) enum Child {
    Select(Select),
    Union(Vec<Select>),
}

/// On what a `select` is evaluated.
#[derive(Debug)]
pub(crate) enum Iteration {
    /// On what is around it.
    Once,
    ForEach(Expr),
    ForEachOrNull(Expr),
    /// Depth first: each found element, then those found from it.
    Repeat(Vec<Expr>),
}

impl ViewDefinition {
    /// Compiles the JSON of a ViewDefinition (rules SQL-1 to SQL-9).
    ///
    /// # Errors
    /// [`ViewError::Definition`] with the path of the member that is wrong; [`ViewError::Json`] for what is not JSON.
    pub fn parse(json: &str) -> Result<Self, ViewError> {
        if json.len() > DEFINITION_BYTES {
            return Err(ViewError::definition("the whole", format!("it has more than {DEFINITION_BYTES} bytes")));
        }
        Self::read(Document::parse(json.as_bytes())?.root(), "")
    }

    /// Compiles the definition at a node; `prefix` is the place of that node.
    pub(crate) fn read(root: Node<'_>, prefix: &str) -> Result<Self, ViewError> {
        if !root.is_object() {
            return Err(ViewError::definition(or_whole(prefix), "a JSON object was expected"));
        }
        let text = |name: &str| optional_text(root, name, prefix).map(Option::unwrap_or_default);
        let ty = text("resourceType")?;
        if !ty.is_empty() && ty != "ViewDefinition" {
            return Err(ViewError::definition(join(prefix, "resourceType"), format!("`{ty}` is no ViewDefinition")));
        }
        let resource = text("resource")?;
        let is_type = resource.starts_with(|c: char| c.is_ascii_uppercase()) && resource.bytes().all(|b| b.is_ascii_alphabetic());
        if !is_type {
            return Err(ViewError::definition(
                join(prefix, "resource"),
                "the type of the resources was expected, as `Practitioner`",
            ));
        }
        let constants = constants(root, prefix)?;
        let compiler = Compiler { resource: &resource, constants: &constants };
        let mut criteria = Vec::new();
        for (place, criterion) in objects(root, "where", prefix)? {
            known_members(criterion, &place, &["path", "description"])?;
            let (path_place, _, expr) = compiler.needed_path(criterion, "path", &place)?;
            if !matches!(expr.static_type(), StaticType::Boolean | StaticType::Unknown) {
                return Err(ViewError::definition(path_place, "a criterion must be a boolean"));
            }
            criteria.push((path_place, expr));
        }
        let (mut selects, mut columns) = (Vec::new(), Vec::new());
        for (place, select) in objects(root, "select", prefix)? {
            selects.push(compiler.select(select, &place, Around { base: columns.len(), depth: 0, within: "" }, &mut columns)?);
        }
        if columns.is_empty() {
            return Err(ViewError::definition(join(prefix, "select"), "a view needs a column"));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = columns.iter().find(|c| !names.insert(c.name.as_str())) {
            return Err(ViewError::definition(join(prefix, "select"), format!("two columns have the name `{}`", twice.name)));
        }
        let (url, version, name) = (text("url")?, text("version")?, text("name")?);
        let (title, description) = (text("title")?, text("description")?);
        Ok(Self { resource, url, version, name, title, description, columns, criteria, selects })
    }

    /// The type of the resources that give rows.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        &self.resource
    }

    /// The columns of each row, in order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Canonical URL; empty when the definition has none.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Version; empty when the definition has none.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Name for programs; empty when the definition has none.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name for people; empty when the definition has none.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What the view is for; empty when the definition does not say.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }
}

/// Where a `select` stands.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// Number of its first column in the row.
    base: usize,
    /// How many selects are around it.
    depth: usize,
    /// The paths of the iterations around it.
    within: &'a str,
}

/// The paths of the iterations around what is in a `select`.
fn within_iteration(select: Node<'_>, around: &str) -> String {
    let path = ["forEach", "forEachOrNull"].iter().find_map(|name| select.member(name)?.text()).map(str::to_owned);
    let repeated = || {
        let paths: Vec<&str> = select.member("repeat")?.elements().filter_map(Node::text).collect();
        Some(format!("repeat({})", paths.join(", ")))
    };
    path.or_else(repeated).map_or_else(|| around.to_owned(), |path| join(around, &path))
}

struct Compiler<'c> {
    resource: &'c str,
    constants: &'c Constants,
}

impl Compiler<'_> {
    /// Compiles the text of a path.
    fn path(&self, node: Node<'_>, place: &str) -> Result<(String, Expr), ViewError> {
        let Some(text) = node.text() else { return Err(ViewError::definition(place, "a FHIRPath was expected, as a text")) };
        let expr = parse(text, self.resource, self.constants).map_err(|what| ViewError::definition(place, what))?;
        Ok((text.to_owned(), expr))
    }

    fn needed_path(&self, of: Node<'_>, name: &str, place: &str) -> Result<(String, String, Expr), ViewError> {
        let place = join(place, name);
        let Some(node) = of.member(name) else { return Err(ViewError::definition(place, "this member is missing")) };
        let (text, expr) = self.path(node, &place)?;
        Ok((place, text, expr))
    }

    /// Compiles a `select` and adds its columns.
    fn select(&self, node: Node<'_>, place: &str, around: Around<'_>, all: &mut Vec<Column>) -> Result<Select, ViewError> {
        let Around { base, depth, within } = around;
        if depth >= SELECT_DEPTH {
            return Err(ViewError::definition(place, format!("selects are nested deeper than {SELECT_DEPTH}")));
        }
        known_members(node, place, &["column", "select", "unionAll", "forEach", "forEachOrNull", "repeat"])?;
        let iteration = self.iteration(node, place)?;
        let within = &within_iteration(node, within);
        let (mut own, mut columns, mut children) = (Vec::new(), Vec::new(), Vec::new());
        for (place, column) in objects(node, "column", place)? {
            let (column, expr) = self.column(column, &place, within)?;
            let moment = MomentType::of_fhir(&column.fhir_type);
            columns.push(ColumnPath { slot: base + own.len(), expr, moment });
            own.push(column);
        }
        for (place, select) in objects(node, "select", place)? {
            children.push(Child::Select(self.select(
                select,
                &place,
                Around { base: base + own.len(), depth: depth + 1, within },
                &mut own,
            )?));
        }
        let mut branches: Vec<Select> = Vec::new();
        let mut shared: Vec<Column> = Vec::new();
        for (place, select) in objects(node, "unionAll", place)? {
            let mut of_branch = Vec::new();
            let branch =
                self.select(select, &place, Around { base: base + own.len(), depth: depth + 1, within }, &mut of_branch)?;
            if branches.is_empty() {
                shared = of_branch;
            } else {
                same_columns(&shared, &of_branch).map_err(|what| ViewError::definition(place, what))?;
            }
            branches.push(branch);
        }
        if !branches.is_empty() {
            own.append(&mut shared);
            children.push(Child::Union(branches));
        }
        let slots = base..base + own.len();
        all.append(&mut own);
        if all.len() > COLUMNS {
            return Err(ViewError::definition(place, format!("the view has more than {COLUMNS} columns")));
        }
        Ok(Select { place: place.to_owned(), iteration, columns, children, slots })
    }

    fn iteration(&self, node: Node<'_>, place: &str) -> Result<Iteration, ViewError> {
        let one = |name: &str| node.member(name).map(|n| self.path(n, &join(place, name))).transpose();
        let (for_each, or_null) = (one("forEach")?, one("forEachOrNull")?);
        let repeat = node.member("repeat").map(|list| self.repeated(list, &join(place, "repeat"))).transpose()?;
        match (for_each, or_null, repeat) {
            (None, None, None) => Ok(Iteration::Once),
            (Some((_, expr)), None, None) => Ok(Iteration::ForEach(expr)),
            (None, Some((_, expr)), None) => Ok(Iteration::ForEachOrNull(expr)),
            (None, None, Some(paths)) => Ok(Iteration::Repeat(paths)),
            _ => Err(ViewError::definition(place, "forEach, forEachOrNull and repeat exclude each other")),
        }
    }

    fn repeated(&self, list: Node<'_>, place: &str) -> Result<Vec<Expr>, ViewError> {
        if list.shape() != Shape::Array || list.elements().next().is_none() {
            return Err(ViewError::definition(place, "a list of paths was expected"));
        }
        list.elements().enumerate().map(|(i, path)| Ok(self.path(path, &format!("{place}[{i}]"))?.1)).collect()
    }

    fn column(&self, node: Node<'_>, place: &str, within: &str) -> Result<(Column, Expr), ViewError> {
        known_members(node, place, &["name", "path", "type", "collection", "description", "tag"])?;
        let name = optional_text(node, "name", place)?.unwrap_or_default();
        check_name(&name).map_err(|what| ViewError::definition(join(place, "name"), what))?;
        let (path_place, path, expr) = self.needed_path(node, "path", place)?;
        let fhir_type = optional_text(node, "type", place)?.unwrap_or_default();
        let static_type = expr.static_type();
        let mut kind = match fhir_type.as_str() {
            "" => Kind::of_static(static_type),
            ty => Kind::of_fhir_type(ty).ok_or_else(|| {
                ViewError::definition(
                    join(place, "type"),
                    format!("`{ty}` is no primitive type of FHIR; name a member of it in the path"),
                )
            })?,
        };
        let mut description_fr = String::new();
        for (place, tag) in objects(node, "tag", place)? {
            let value = optional_text(tag, "value", &place)?.unwrap_or_default();
            match optional_text(tag, "name", &place)?.as_deref() {
                Some("ansi/type") => {
                    kind = Kind::of_ansi_type(&value).ok_or_else(|| {
                        ViewError::definition(join(&place, "value"), format!("`{value}` is no type that tables have"))
                    })?;
                }
                Some("description-fr") => description_fr = value,
                _ => {}
            }
        }
        if !kind.accepts(static_type) {
            return Err(ViewError::definition(
                path_place,
                format!("the path cannot give what the column holds, {}", kind.name()),
            ));
        }
        let collection = match node.member("collection") {
            None => false,
            Some(n) => Datum::element(n, "")
                .boolean()
                .ok_or_else(|| ViewError::definition(join(place, "collection"), "a boolean was expected"))?,
        };
        let description = optional_text(node, "description", place)?.unwrap_or_default();
        Ok((Column { name, kind, collection, fhir_type, path, within: within.to_owned(), description, description_fr }, expr))
    }
}

/// Whether the branches of a union give equal columns (SQL-4).
fn same_columns(first: &[Column], other: &[Column]) -> Result<(), String> {
    if first.len() != other.len() {
        return Err(format!("the first branch of the union has {} columns, this one {}", first.len(), other.len()));
    }
    for (a, b) in first.iter().zip(other) {
        if a.name != b.name {
            return Err(format!("the first branch of the union has the column `{}` where this one has `{}`", a.name, b.name));
        }
        if (a.kind, a.collection) != (b.kind, b.collection) {
            return Err(format!("the column `{}` has another type than in the first branch of the union", a.name));
        }
    }
    Ok(())
}

/// The names that databases take without quotes (SQL-4).
fn check_name(name: &str) -> Result<(), String> {
    let good =
        name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if good && name.len() <= NAME_BYTES {
        Ok(())
    } else {
        Err(format!("`{name}` is no name: a letter, then letters, digits and _"))
    }
}

/// The constants of a view (SQL-7).
fn constants(root: Node<'_>, prefix: &str) -> Result<Constants, ViewError> {
    let mut all = Constants::new();
    for (place, constant) in objects(root, "constant", prefix)? {
        let name = optional_text(constant, "name", &place)?.unwrap_or_default();
        check_name(&name).map_err(|what| ViewError::definition(join(&place, "name"), what))?;
        let mut values = constant.members().filter_map(|(key, value)| Some((key.strip_prefix("value")?, value)));
        let (Some((ty, value)), None) = (values.next(), values.next()) else {
            return Err(ViewError::definition(place, "a constant has one member value[x], as valueString"));
        };
        let Some(datum) = constant_value(ty, value) else {
            return Err(ViewError::definition(
                join(&place, &format!("value{ty}")),
                "the value does not fit the type in its name",
            ));
        };
        if name == "rowIndex" || all.insert(name.clone(), datum).is_some() {
            return Err(ViewError::definition(place, format!("the constant `{name}` exists already")));
        }
    }
    Ok(all)
}

fn constant_value(ty: &str, value: Node<'_>) -> Option<Datum<'static>> {
    let text = value.text();
    match ty {
        "Boolean" => Datum::element(value, "").boolean().map(Datum::Boolean),
        "Decimal" => value.number().and_then(Decimal::parse).map(Datum::Number),
        "Integer" | "Integer64" | "PositiveInt" | "UnsignedInt" => {
            value.number().and_then(Decimal::parse).filter(|n| n.to_integer().is_some()).map(Datum::Number)
        }
        "Date" | "DateTime" | "Instant" => Moment::parse(text?).map(|m| Datum::Moment(Box::new(m))),
        "Time" => Moment::parse_time(text?).map(|m| Datum::Moment(Box::new(m))),
        "Base64Binary" | "Canonical" | "Code" | "Id" | "Markdown" | "Oid" | "String" | "Uri" | "Url" | "Uuid" => {
            Some(Datum::Text(text?.to_owned().into()))
        }
        _ => None,
    }
}

fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

fn or_whole(place: &str) -> &str {
    if place.is_empty() { "the whole" } else { place }
}

/// A member that is a text.
fn optional_text(of: Node<'_>, name: &str, place: &str) -> Result<Option<String>, ViewError> {
    match of.member(name) {
        None => Ok(None),
        Some(node) => match node.text() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(ViewError::definition(join(place, name), "a text was expected")),
        },
    }
}

/// The objects of a list, each with its place; nothing when the member is absent.
fn objects<'d>(of: Node<'d>, name: &str, place: &str) -> Result<Vec<(String, Node<'d>)>, ViewError> {
    let Some(list) = of.member(name) else { return Ok(Vec::new()) };
    let place = join(place, name);
    if list.shape() != Shape::Array {
        return Err(ViewError::definition(place, "a list was expected"));
    }
    let placed: Vec<_> = list.elements().enumerate().map(|(i, node)| (format!("{place}[{i}]"), node)).collect();
    match placed.iter().find(|(_, node)| !node.is_object()) {
        Some((place, _)) => Err(ViewError::definition(place, "an object was expected")),
        None => Ok(placed),
    }
}

/// Refuses a member that means nothing here: a misspelt `forEach` must not be passed over.
fn known_members(of: Node<'_>, place: &str, known: &[&str]) -> Result<(), ViewError> {
    let general = |name: &str| name == "id" || name == "extension" || name == "modifierExtension" || name.starts_with('_');
    match of.members().find(|(name, _)| !known.contains(name) && !general(name)) {
        Some((name, _)) => {
            let what = format!("no such member exists here; there are {}", known.join(", "));
            Err(ViewError::definition(join(place, name), what))
        }
        None => Ok(()),
    }
}
