//! Evaluation: each element that a path finds is handed to a closure, in order, until it has enough.

use super::datum::Datum;
use super::expr::{Binary, Expr};
use crate::ViewError;
use crate::decimal::Decimal;
use crate::json::Node;
use crate::json::Shape;
use crate::moment::{Moment, MomentType};
use std::borrow::Cow;
use std::cmp::Ordering;

/// What a path is evaluated on.
#[derive(Debug, Clone)]
pub(crate) struct Scope<'t> {
    /// `$this`.
    pub(crate) this: Datum<'t>,
    /// `%rowIndex`.
    pub(crate) row_index: u32,
    /// What the texts of a boundary are, when their members do not tell: the type of the column.
    pub(crate) moment: Option<MomentType>,
}

impl<'t> Scope<'t> {
    fn on(&self, this: Datum<'t>) -> Self {
        Self { this, row_index: self.row_index, moment: self.moment }
    }
}

/// Why an evaluation ended early. In a box: an answer without a fault then fits two registers, and each step returns one.
pub(crate) type PathFault = Box<FaultCause>;

/// What a [`PathFault`] holds.
#[derive(Debug)]
pub(crate) enum FaultCause {
    /// The path does not fit the resource.
    Path(String),
    /// The closure that got the elements failed; it has said where.
    Inner(ViewError),
}

/// The fault of a path.
pub(crate) fn path_fault(what: impl Into<String>) -> PathFault {
    Box::new(FaultCause::Path(what.into()))
}

/// Whether the closure wants another element.
type GoesOn = Result<bool, PathFault>;
/// Takes the elements that a path finds.
type Taker<'a, 't> = &'a mut dyn FnMut(Datum<'t>) -> GoesOn;

fn fault<T>(what: impl Into<String>) -> Result<T, PathFault> {
    Err(path_fault(what))
}

/// Hands each element of `expr` to `out`; false when `out` wanted no more.
pub(crate) fn each<'t>(expr: &'t Expr, scope: &Scope<'t>, out: Taker<'_, 't>) -> GoesOn {
    match expr {
        Expr::This => out(scope.this.clone()),
        Expr::Member { of, name, choice, beside } if matches!(**of, Expr::This) => {
            member(&scope.this, name, *choice, beside.as_deref(), out)
        }
        Expr::Member { of, name, choice, beside } => {
            each(of, scope, &mut |found| member(&found, name, *choice, beside.as_deref(), out))
        }
        Expr::Choice { of, name, typed, ty } => each(of, scope, &mut |found| chosen(&found, name, typed, ty, out)),
        Expr::First(of) => {
            let mut goes_on = true;
            each(of, scope, &mut |found| {
                goes_on = out(found)?;
                Ok(false)
            })?;
            Ok(goes_on)
        }
        Expr::Where(of, criterion) => each(of, scope, &mut |found| {
            let inner = scope.on(found);
            if boolean(criterion, &inner)? == Some(true) { out(inner.this) } else { Ok(true) }
        }),
        Expr::Extension(of, url) => each(of, scope, &mut |found| extensions(&found, url, out)),
        _ => each_other(expr, scope, out),
    }
}

/// [`each`] for the steps that views use less, out of its way.
#[inline(never)]
fn each_other<'t>(expr: &'t Expr, scope: &Scope<'t>, out: Taker<'_, 't>) -> GoesOn {
    match expr {
        Expr::RowIndex => out(Datum::Number(Decimal::integer(scope.row_index.into()))),
        Expr::Nothing => Ok(true),
        Expr::Literal(value) => out(value.clone()),
        Expr::OfType(of, ty) => each(of, scope, &mut |found| if is_of_type(&found, ty) { out(found) } else { Ok(true) }),
        Expr::Index(of, index) => {
            let (mut left, mut goes_on) = (*index, true);
            each(of, scope, &mut |found| {
                if left == 0 {
                    goes_on = out(found)?;
                    return Ok(false);
                }
                left -= 1;
                Ok(true)
            })?;
            Ok(goes_on)
        }
        Expr::Join(of, separator) => {
            let (mut joined, mut count) = (String::new(), 0);
            each(of, scope, &mut |found| {
                let Some(text) = found.text() else { return fault(format!("join() takes texts, and found {}", found.kind())) };
                joined.push_str(if count == 0 { "" } else { separator });
                joined.push_str(text);
                count += 1;
                Ok(true)
            })?;
            // The public cases give an empty text for nothing.
            out(Datum::Text(Cow::Owned(joined)))
        }
        Expr::Exists(of) => {
            let exists = any(of, scope)?;
            out(Datum::Boolean(exists))
        }
        Expr::Empty(of) => {
            let exists = any(of, scope)?;
            out(Datum::Boolean(!exists))
        }
        Expr::Not(of) => boolean(of, scope)?.map_or(Ok(true), |b| out(Datum::Boolean(!b))),
        Expr::Boundary { of, high } => match single(of, scope)? {
            Some(found) => boundary(&found, *high, scope.moment)?.map_or(Ok(true), out),
            None => Ok(true),
        },
        Expr::ResourceKey(of) => each(of, scope, &mut |found| match found {
            Datum::Element { node: Some(node), .. } if node.member("resourceType").is_some() => {
                node.member("id").map_or(Ok(true), |id| out(Datum::element(id, "id")))
            }
            _ => fault("getResourceKey() is a function of a resource"),
        }),
        Expr::ReferenceKey(of, ty) => each(of, scope, &mut |found| {
            let Datum::Element { node: Some(node), .. } = found else { return Ok(true) };
            let reference = node.member("reference").and_then(Node::text);
            reference.and_then(|r| reference_key(r, ty)).map_or(Ok(true), |key| out(Datum::Text(Cow::Borrowed(key))))
        }),
        Expr::Negated(of) => match single(of, scope)? {
            None => Ok(true),
            Some(found) => match found.number() {
                Some(n) => out(Datum::Number(n.negated())),
                None => fault(format!("`-` takes a number, and found {}", found.kind())),
            },
        },
        Expr::OneOf(path, texts) => one_of(path, texts, scope)?.map_or(Ok(true), |b| out(Datum::Boolean(b))),
        Expr::Binary(operator, left, right) => binary(*operator, left, right, scope)?.map_or(Ok(true), out),
        Expr::This | Expr::Member { .. } | Expr::Choice { .. } | Expr::First(_) | Expr::Where(..) | Expr::Extension(..) => {
            each(expr, scope, out)
        }
    }
}

/// The one element of a path; `None` when it finds nothing.
pub(crate) fn single<'t>(expr: &'t Expr, scope: &Scope<'t>) -> Result<Option<Datum<'t>>, PathFault> {
    let mut one = None;
    each(expr, scope, &mut |found| match one.replace(found) {
        None => Ok(true),
        Some(_) => fault("several values where one is expected; use first(), an index or where()"),
    })?;
    Ok(one)
}

fn any<'t>(expr: &'t Expr, scope: &Scope<'t>) -> Result<bool, PathFault> {
    Ok(!each(expr, scope, &mut |_| Ok(false))?)
}

/// The boolean of a path; `None` when it finds nothing.
pub(crate) fn boolean<'t>(expr: &'t Expr, scope: &Scope<'t>) -> Result<Option<bool>, PathFault> {
    match expr {
        Expr::OneOf(path, texts) => return one_of(path, texts, scope),
        Expr::Binary(Binary::Equal, left, right) => return equal(left, right, scope),
        _ => {}
    }
    match single(expr, scope)? {
        None => Ok(None),
        Some(found) => match found.boolean() {
            Some(b) => Ok(Some(b)),
            None => fault(format!("a boolean is expected, and this is {}", found.kind())),
        },
    }
}

/// Hands out a value, or each value of a list. A `null` is no value.
fn values<'t>(node: Node<'t>, ty: &'t str, out: Taker<'_, 't>) -> GoesOn {
    match node.shape() {
        Shape::Null => Ok(true),
        Shape::Array => {
            for element in node.elements() {
                if element.shape() != Shape::Null && !out(Datum::element(element, ty))? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => out(Datum::element(node, ty)),
    }
}

/// The JSON object that holds the members of an element.
fn object_of<'t>(found: &Datum<'t>) -> Option<Node<'t>> {
    match found {
        Datum::Element { node: Some(node), .. } if node.is_object() => Some(*node),
        Datum::Element { beside, .. } => *beside,
        _ => None,
    }
}

fn member<'t>(found: &Datum<'t>, name: &str, choice: bool, beside: Option<&str>, out: Taker<'_, 't>) -> GoesOn {
    let Some(object) = object_of(found) else { return Ok(true) };
    let value = object.member(name);
    if let Some(beside) = beside.and_then(|b| object.member(b)) {
        return values_and_beside(value, beside, out);
    }
    if let Some(value) = value {
        return values(value, "", out);
    }
    if choice {
        for (key, value) in object.members() {
            if let Some(ty) = key.strip_prefix(name).filter(|ty| ty.starts_with(|c: char| c.is_ascii_uppercase())) {
                return values(value, ty, out);
            }
        }
    }
    Ok(true)
}

/// Values of a primitive and what stands beside each.
fn values_and_beside<'t>(value: Option<Node<'t>>, beside: Node<'t>, out: Taker<'_, 't>) -> GoesOn {
    let list = |node: Node<'t>| {
        let single = (node.shape() != Shape::Array).then_some(node);
        single.into_iter().chain(node.elements())
    };
    let (mut values, mut besides) = (value.into_iter().flat_map(list), list(beside));
    loop {
        let (node, beside) = (values.next(), besides.next());
        if node.is_none() && beside.is_none() {
            return Ok(true);
        }
        let (node, beside) = (node.filter(|n| n.shape() != Shape::Null), beside.filter(|b| b.is_object()));
        if (node.is_some() || beside.is_some()) && !out(Datum::Element { node, beside, ty: "" })? {
            return Ok(false);
        }
    }
}

/// `value.ofType(string)`.
fn chosen<'t>(found: &Datum<'t>, name: &str, typed: &'t str, ty: &str, out: Taker<'_, 't>) -> GoesOn {
    let Some(object) = object_of(found) else { return Ok(true) };
    if let Some(value) = object.member(typed) {
        return values(value, &typed[name.len()..], out);
    }
    match object.member(name) {
        Some(value) => values(value, "", &mut |found| if is_of_type(&found, ty) { out(found) } else { Ok(true) }),
        None => Ok(true),
    }
}

/// Whether an element is of a type, as far as its member or its JSON tells.
fn is_of_type(found: &Datum<'_>, wanted: &str) -> bool {
    let is = |names: &[&str]| names.contains(&wanted);
    match found {
        Datum::Element { ty, .. } if !ty.is_empty() => same_type(ty, wanted),
        Datum::Element { node: Some(node), .. } => match node.shape() {
            Shape::Object => node.member("resourceType").and_then(Node::text) == Some(wanted),
            Shape::True | Shape::False => is(&["boolean", "Boolean"]),
            Shape::Number if node.raw().contains(['.', 'e', 'E']) => is(&["decimal", "Decimal"]),
            Shape::Number => is(&["integer", "Integer", "positiveInt", "unsignedInt", "decimal", "Decimal"]),
            Shape::Plain | Shape::Escaped => is(&["string", "String"]),
            Shape::Null | Shape::Array => false,
        },
        Datum::Element { node: None, .. } => false,
        Datum::Boolean(_) => is(&["boolean", "Boolean"]),
        Datum::Number(n) => is(&["decimal", "Decimal"]) || (n.to_integer().is_some() && is(&["integer", "Integer"])),
        Datum::Text(_) => is(&["string", "String"]),
        Datum::Moment(_) => is(&["date", "dateTime", "Date", "DateTime"]),
    }
}

/// Whether two names of types differ at most in the case of their first letter: `valueString` holds a `string`.
fn same_type(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.get(..1).zip(b.get(..1)).is_some_and(|(x, y)| x.eq_ignore_ascii_case(y)) && a.get(1..) == b.get(1..)
}

fn extensions<'t>(found: &Datum<'t>, url: &str, out: Taker<'_, 't>) -> GoesOn {
    let Some(list) = object_of(found).and_then(|o| o.member("extension")) else { return Ok(true) };
    for extension in list.elements() {
        if extension.member("url").and_then(Node::text) == Some(url) && !out(Datum::element(extension, "Extension"))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The id in a relative literal reference (`Patient/1`, `Patient/1/_history/2`) to a resource of this type, of any when it is empty.
fn reference_key<'r>(reference: &'r str, ty: &str) -> Option<&'r str> {
    let mut parts = reference.split('/');
    let (kind, id) = (parts.next()?, parts.next()?);
    let complete = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => true,
        (Some("_history"), Some(version), None) => !version.is_empty(),
        _ => false,
    };
    let is_type = kind.starts_with(|c: char| c.is_ascii_uppercase()) && kind.bytes().all(|b| b.is_ascii_alphabetic());
    let is_id = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    (complete && is_type && is_id && (ty.is_empty() || ty == kind)).then_some(id)
}

fn boundary<'t>(found: &Datum<'t>, high: bool, column: Option<MomentType>) -> Result<Option<Datum<'t>>, PathFault> {
    if let Some(number) = found.number() {
        return match number.boundary(high) {
            Some(n) => Ok(Some(Datum::Number(n))),
            None => fault("this number has too many digits for a boundary"),
        };
    }
    if let Datum::Moment(_) = found {
        return fault("a literal has no boundary here; write the boundary itself");
    }
    let Some(text) = found.text() else { return fault(format!("{} has no boundary", found.kind())) };
    let by_form = || {
        if text.contains('T') {
            MomentType::DateTime
        } else if text.contains(':') {
            MomentType::Time
        } else {
            MomentType::Date
        }
    };
    let ty = found.moment_type().or(column).unwrap_or_else(by_form);
    match Moment::parse_as(ty, text) {
        Some(moment) => Ok(Some(Datum::Text(Cow::Owned(moment.boundary(ty, high))))),
        None => fault(format!("`{text}` is no date or time and has no boundary")),
    }
}

/// The elements of a path; the first one needs no allocation.
struct Gathered<'t> {
    first: Option<Datum<'t>>,
    others: Vec<Datum<'t>>,
}

fn gather<'t>(expr: &'t Expr, scope: &Scope<'t>) -> Result<Gathered<'t>, PathFault> {
    let mut all = Gathered { first: None, others: Vec::new() };
    each(expr, scope, &mut |found| {
        if all.first.is_none() {
            all.first = Some(found);
        } else {
            all.others.push(found);
        }
        Ok(true)
    })?;
    Ok(all)
}

fn binary<'t>(operator: Binary, left: &'t Expr, right: &'t Expr, scope: &Scope<'t>) -> Result<Option<Datum<'t>>, PathFault> {
    let answer = match operator {
        Binary::And => match boolean(left, scope)? {
            Some(false) => Some(false),
            a => match (a, boolean(right, scope)?) {
                (_, Some(false)) => Some(false),
                (Some(true), b) => b,
                _ => None,
            },
        },
        Binary::Or => match boolean(left, scope)? {
            Some(true) => Some(true),
            a => match (a, boolean(right, scope)?) {
                (_, Some(true)) => Some(true),
                (Some(false), b) => b,
                _ => None,
            },
        },
        Binary::Equal => equal(left, right, scope)?,
        Binary::Unequal => equal(left, right, scope)?.map(|b| !b),
        Binary::Less => order(left, right, scope)?.map(Ordering::is_lt),
        Binary::LessOrEqual => order(left, right, scope)?.map(Ordering::is_le),
        Binary::Greater => order(left, right, scope)?.map(Ordering::is_gt),
        Binary::GreaterOrEqual => order(left, right, scope)?.map(Ordering::is_ge),
        Binary::Plus | Binary::Minus | Binary::Times | Binary::Divided => return arithmetic(operator, left, right, scope),
    };
    Ok(answer.map(Datum::Boolean))
}

/// Whether the one element of a path equals one of the literals; `None` when that is open. Several elements equal none, and nothing
/// gives nothing.
fn one_of<'t>(path: &'t Expr, literals: &[Datum<'static>], scope: &Scope<'t>) -> Result<Option<bool>, PathFault> {
    let (mut count, mut answer) = (0, None);
    each(path, scope, &mut |found| {
        count += 1;
        answer = Some(false);
        if count > 1 {
            return Ok(false);
        }
        for literal in literals {
            match found.equals(literal) {
                Some(true) => {
                    answer = Some(true);
                    break;
                }
                Some(false) => {}
                None => answer = None,
            }
        }
        Ok(true)
    })?;
    Ok(answer)
}

fn equal<'t>(left: &'t Expr, right: &'t Expr, scope: &Scope<'t>) -> Result<Option<bool>, PathFault> {
    if let Expr::Literal(literal @ Datum::Text(_)) = right {
        return one_of(left, std::slice::from_ref(literal), scope);
    }
    let a = gather(left, scope)?;
    let Some(first) = a.first else { return Ok(None) };
    let b = gather(right, scope)?;
    let Some(other) = b.first else { return Ok(None) };
    if a.others.len() != b.others.len() {
        return Ok(Some(false));
    }
    let pairs = std::iter::once((&first, &other)).chain(a.others.iter().zip(&b.others));
    let mut answer = Some(true);
    for (x, y) in pairs {
        match x.equals(y) {
            Some(false) => return Ok(Some(false)),
            Some(true) => {}
            None => answer = None,
        }
    }
    Ok(answer)
}

/// Both operands, when both find something.
fn operands<'t>(left: &'t Expr, right: &'t Expr, scope: &Scope<'t>) -> Result<Option<(Datum<'t>, Datum<'t>)>, PathFault> {
    let a = single(left, scope)?;
    Ok(a.zip(single(right, scope)?))
}

fn order<'t>(left: &'t Expr, right: &'t Expr, scope: &Scope<'t>) -> Result<Option<Ordering>, PathFault> {
    match operands(left, right, scope)? {
        Some((a, b)) => a.order(&b).map_err(path_fault),
        None => Ok(None),
    }
}

fn arithmetic<'t>(operator: Binary, left: &'t Expr, right: &'t Expr, scope: &Scope<'t>) -> Result<Option<Datum<'t>>, PathFault> {
    let Some((a, b)) = operands(left, right, scope)? else { return Ok(None) };
    if let (Some(x), Some(y)) = (a.number(), b.number()) {
        let result = match operator {
            Binary::Plus => x.plus(y),
            Binary::Minus => x.minus(y),
            Binary::Times => x.times(y),
            // Nothing is the quotient by zero.
            _ if y.is_zero() => return Ok(None),
            _ => x.divided_by(y),
        };
        return match result {
            Some(n) => Ok(Some(Datum::Number(n))),
            None => fault("the result has too many digits"),
        };
    }
    match (operator, a.text(), b.text()) {
        (Binary::Plus, Some(x), Some(y)) => Ok(Some(Datum::Text(Cow::Owned(format!("{x}{y}"))))),
        _ => fault(format!("{} and {} cannot be calculated with", a.kind(), b.kind())),
    }
}

#[cfg(test)]
mod tests {
    use super::{FaultCause, Scope, each, reference_key};
    use crate::json::Document;
    use crate::path::{Constants, Datum, parse};

    /// What a path finds in a Patient, each as text.
    fn found(path: &str, json: &str) -> Result<Vec<String>, String> {
        let expr = parse(path, "Patient", &Constants::new())?;
        let document = Document::parse(json.as_bytes()).map_err(|e| e.to_string())?;
        let mut all = Vec::new();
        let scope = Scope { this: Datum::element(document.root(), ""), row_index: 7, moment: None };
        each(&expr, &scope, &mut |d| {
            all.push(match &d {
                Datum::Element { node: Some(node), .. } => node.raw().to_owned(),
                Datum::Element { .. } => "-".to_owned(),
                Datum::Boolean(b) => b.to_string(),
                Datum::Number(n) => n.to_string(),
                Datum::Text(t) => t.to_string(),
                Datum::Moment(m) => format!("{m:?}"),
            });
            Ok(true)
        })
        .map_err(|f| match *f {
            FaultCause::Path(what) => what,
            FaultCause::Inner(e) => e.to_string(),
        })?;
        Ok(all)
    }

    const PATIENT: &str = r#"{"resourceType":"Patient","id":"1","active":true,"birthDate":"1970-06","name":[
        {"use":"official","family":"A","given":["B","C"]},{"use":"usual","family":"D","given":[null,"E"]}],
        "multipleBirthInteger":2,"line":["x",null],"_line":[{"extension":[{"url":"u","valueString":"one"}]},
        {"extension":[{"url":"u","valueString":"two"}]}],"_city":{"extension":[{"url":"u","valueCode":"three"}]},
        "link":[{"other":{"reference":"Patient/1"}}]}"#;

    #[test]
    fn paths_find_what_fhirpath_says() {
        for (path, expected) in [
            ("name.given", "B C E"),
            ("Patient.name.first().given", "B C"),
            ("name[1].given[0]", "E"),
            ("name.where(use = 'usual').family", "D"),
            ("name.where($this.use != 'usual').family", "A"),
            ("name.exists(family = 'Z')", "false"),
            ("name.given = name.given", "true"),
            ("name.family = name.given", "false"),
            ("nothing = 1", ""),
            ("name.family = 'A'", "false"),
            ("name.family = 'A' or name.family = 'D'", "false"),
            ("nothing = 'A' or nothing = 'D'", ""),
            ("id = 'x' or id = 'y' or id = '1'", "true"),
            ("id = 'x' or id = 'y' or active", "true"),
            ("id = 'x' or birthDate = 'x' or id = 'z'", "false"),
            ("nothing and false", "false"),
            ("nothing or true", "true"),
            ("nothing or false", ""),
            ("nothing.not()", ""),
            ("(active and true).not()", "false"),
            ("multipleBirth", "2"),
            ("multipleBirth.ofType(integer) + 1 * 3", "5"),
            ("multipleBirth.ofType(boolean)", ""),
            ("-multipleBirth.ofType(integer) - 1", "-3"),
            ("6 / 4", "1.5"),
            ("1 / 0", ""),
            ("'a' + 'b'", "ab"),
            ("{}", ""),
            ("%rowIndex", "7"),
            ("2 < 10 and '2' > '10'", "true"),
            ("birthDate < @1971", "true"),
            ("birthDate < @1970-06-15", ""),
            ("birthDate = @1970-07", "false"),
            ("@2026-11-26T12:00:00Z = @2026-11-26T13:00:00+01:00", "true"),
            ("@T10:00 < @T11:00", "true"),
            ("line.extension('u').value", "one two"),
            ("line[0].extension('u').value.ofType(string)", "one"),
            ("city.extension('u').value.ofType(code)", "three"),
            ("city.exists()", "false"),
            ("line.count", ""),
            ("getResourceKey() = link.other.getReferenceKey(Patient)", "true"),
            ("link.other.getReferenceKey(Organization)", ""),
            ("name.given.join('+')", "B+C+E"),
            ("nothing.join('+') = ''", "true"),
            ("name.where(given.exists(\n$this = 'C')).family", "A"),
            ("`name`.family.first()", "A"),
            ("'it\\'s \\u00e9'", "it's é"),
        ] {
            assert_eq!(found(path, PATIENT).map(|v| v.join(" ")).as_deref(), Ok(expected), "{path}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for (path, expected) in [
            ("name.given > 'a'", "several values"),
            ("name.where(use)", "a boolean is expected"),
            ("name.first() < 1", "an object and a number have no order"),
            ("active + 1", "a boolean and a number cannot be calculated with"),
            ("name.join(',')", "join() takes texts"),
            ("name.getResourceKey()", "function of a resource"),
            ("-active", "takes a number"),
            ("id.lowBoundary()", "no date or time"),
        ] {
            let error = found(path, PATIENT).unwrap_err();
            assert!(error.contains(expected), "{path}: {error}");
        }
    }

    #[test]
    fn only_relative_references_are_keys() {
        for (reference, key) in [
            ("Patient/1", Some("1")),
            ("Patient/1/_history/2", Some("1")),
            ("https://a.example/Patient/1", None),
            ("#1", None),
            ("urn:uuid:1", None),
            ("Patient/", None),
            ("Patient/1/x", None),
            ("patient/1", None),
        ] {
            assert_eq!(reference_key(reference, "Patient"), key, "{reference}");
        }
    }
}
