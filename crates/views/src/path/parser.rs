//! From the text of a path to a compiled one.

use super::choices::is_choice;
use super::datum::Datum;
use super::expr::{Binary, Expr};
use super::lexer::{Placed, Word, words};
use crate::decimal::Decimal;
use crate::limits::{PATH_BYTES, PATH_NESTING, PATH_STEPS};
use crate::moment::Moment;
use std::collections::BTreeMap;

/// The constants of a view by name.
pub(crate) type Constants = BTreeMap<String, Datum<'static>>;

/// Compiles a path of a view on `resource` (a type, which a path may name at its start).
///
/// # Errors
/// What is wrong or not supported, with the number of the character.
pub(crate) fn parse(path: &str, resource: &str, constants: &Constants) -> Result<Expr, String> {
    if path.len() > PATH_BYTES {
        return Err("the path is too long".to_owned());
    }
    let place = |(at, what): (usize, String)| format!("character {at}: {what}");
    let words = words(path).map_err(place)?;
    let mut parser = Parser { words: &words, next: 0, steps: 0, nesting: 0, end: path.chars().count() + 1, resource, constants };
    let expr = parser.either().map_err(place)?;
    match parser.words.get(parser.next) {
        None => Ok(expr),
        Some(Placed { word: Word::Name(name), at }) if OTHER_OPERATORS.contains(&name.as_str()) => {
            Err(place((*at, format!("the operator `{name}` is not part of the subset that views may use"))))
        }
        Some(Placed { word: Word::Sign(sign @ ("|" | "&" | "~" | "!~")), at }) => {
            Err(place((*at, format!("the operator `{sign}` is not part of the subset that views may use"))))
        }
        Some(Placed { at, .. }) => Err(place((*at, "an operator or the end of the path was expected".to_owned()))),
    }
}

const OTHER_OPERATORS: [&str; 8] = ["xor", "implies", "in", "contains", "is", "as", "div", "mod"];

type Parsed<T> = Result<T, (usize, String)>;

struct Parser<'p> {
    words: &'p [Placed],
    next: usize,
    /// Steps and operators before the current word; no part of an expression is deeper than their number.
    steps: usize,
    /// Brackets and signs around the current word.
    nesting: usize,
    /// The number of the character after the last one.
    end: usize,
    resource: &'p str,
    constants: &'p Constants,
}

impl Parser<'_> {
    fn at(&self) -> usize {
        self.words.get(self.next).map_or(self.end, |w| w.at)
    }

    fn fail<T>(&self, what: impl Into<String>) -> Parsed<T> {
        Err((self.at(), what.into()))
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.words.get(self.next), Some(Placed { word: Word::Sign(s), .. }) if *s == sign);
        self.next += usize::from(found);
        found
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let found = matches!(self.words.get(self.next), Some(Placed { word: Word::Name(n), .. }) if n == name);
        self.next += usize::from(found);
        found
    }

    fn needs_sign(&mut self, sign: &str) -> Parsed<()> {
        if self.takes_sign(sign) { Ok(()) } else { self.fail(format!("`{sign}` was expected")) }
    }

    /// One more step or operator.
    fn one_more(&mut self) -> Parsed<()> {
        self.steps += 1;
        if self.steps > PATH_STEPS { self.fail(format!("the path has more than {PATH_STEPS} steps")) } else { Ok(()) }
    }

    /// What stands in brackets or after a sign.
    fn inner(&mut self, what: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        self.one_more()?;
        self.nesting += 1;
        if self.nesting > PATH_NESTING {
            return self.fail(format!("brackets are nested deeper than {PATH_NESTING}, more than a view may use"));
        }
        let expr = what(self)?;
        self.nesting -= 1;
        Ok(expr)
    }

    fn either(&mut self) -> Parsed<Expr> {
        let mut left = self.both()?;
        while self.takes_name("or") {
            self.one_more()?;
            left = left.or(self.both()?);
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed<Expr> {
        let mut left = self.equality()?;
        while self.takes_name("and") {
            left = self.binary(Binary::And, left, Self::equality)?;
        }
        Ok(left)
    }

    fn equality(&mut self) -> Parsed<Expr> {
        self.chain(&[("=", Binary::Equal), ("!=", Binary::Unequal)], Self::order)
    }

    fn order(&mut self) -> Parsed<Expr> {
        let signs = [("<", Binary::Less), ("<=", Binary::LessOrEqual), (">", Binary::Greater), (">=", Binary::GreaterOrEqual)];
        self.chain(&signs, Self::sum)
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.chain(&[("+", Binary::Plus), ("-", Binary::Minus)], Self::product)
    }

    fn product(&mut self) -> Parsed<Expr> {
        self.chain(&[("*", Binary::Times), ("/", Binary::Divided)], Self::signed)
    }

    /// Operands of the next higher rank between operators of equal rank, from left to right.
    fn chain(&mut self, signs: &[(&str, Binary)], operand: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let mut left = operand(self)?;
        while let Some((_, operator)) = signs.iter().find(|(sign, _)| self.takes_sign(sign)) {
            left = self.binary(*operator, left, operand)?;
        }
        Ok(left)
    }

    fn binary(&mut self, operator: Binary, left: Expr, operand: fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        self.one_more()?;
        Ok(Expr::Binary(operator, Box::new(left), Box::new(operand(self)?)))
    }

    fn signed(&mut self) -> Parsed<Expr> {
        if self.takes_sign("-") {
            return Ok(Expr::Negated(Box::new(self.inner(Self::signed)?)));
        }
        if self.takes_sign("+") {
            return self.inner(Self::signed);
        }
        let mut expr = self.start()?;
        loop {
            if self.takes_sign(".") {
                self.one_more()?;
                expr = self.step(expr)?;
            } else if self.takes_sign("[") {
                self.one_more()?;
                expr = Expr::Index(Box::new(expr), self.index()?);
                self.needs_sign("]")?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn index(&mut self) -> Parsed<usize> {
        let at = self.at();
        match self.inner(Self::signed)? {
            Expr::Literal(Datum::Number(n)) if n.to_integer().is_some_and(|n| n >= 0) => {
                Ok(n.to_integer().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX))
            }
            _ => Err((at, "an index is a whole number or a constant, from 0".to_owned())),
        }
    }

    /// The first part of a path.
    fn start(&mut self) -> Parsed<Expr> {
        let Some(Placed { word, .. }) = self.words.get(self.next) else { return self.fail("a path was expected") };
        match word {
            Word::Sign("(") => {
                self.next += 1;
                let expr = self.inner(Self::either)?;
                self.needs_sign(")")?;
                Ok(expr)
            }
            Word::Sign("{") => {
                self.next += 1;
                self.needs_sign("}")?;
                Ok(Expr::Nothing)
            }
            Word::Text(text) => self.literal(Datum::Text(text.clone().into())),
            Word::Number(digits) => match Decimal::parse(digits) {
                Some(number) => self.literal(Datum::Number(number)),
                None => self.fail("this number has too many digits"),
            },
            Word::Moment(text) => {
                let moment = text.strip_prefix('T').map_or_else(|| Moment::parse(text), Moment::parse_time);
                match moment {
                    Some(moment) => self.literal(Datum::Moment(Box::new(moment))),
                    None => self.fail(format!("`@{text}` is no date or time")),
                }
            }
            Word::Name(name) if name == "true" || name == "false" => self.literal(Datum::Boolean(name == "true")),
            Word::Constant(name) if name == "rowIndex" => {
                self.next += 1;
                Ok(Expr::RowIndex)
            }
            Word::Constant(name) => match self.constants.get(name) {
                Some(value) => self.literal(value.clone()),
                None => self.fail(format!("the view has no constant `{name}`")),
            },
            Word::Variable(name) if name == "this" => {
                self.next += 1;
                Ok(Expr::This)
            }
            Word::Variable(name) => self.fail(format!("`${name}` is not part of the subset that views may use")),
            Word::Name(name) if name == self.resource && !self.is_call() => {
                self.next += 1;
                Ok(Expr::This)
            }
            Word::Name(_) | Word::Quoted(_) => self.step(Expr::This),
            Word::Sign(sign) => self.fail(format!("a path was expected in place of `{sign}`")),
        }
    }

    fn literal(&mut self, value: Datum<'static>) -> Parsed<Expr> {
        self.next += 1;
        Ok(Expr::Literal(value))
    }

    /// Whether a bracket follows the current word.
    fn is_call(&self) -> bool {
        matches!(self.words.get(self.next + 1), Some(Placed { word: Word::Sign("("), .. }))
    }

    /// A member or a function of `of`.
    fn step(&mut self, of: Expr) -> Parsed<Expr> {
        let is_call = self.is_call();
        let (name, at) = match self.words.get(self.next) {
            Some(Placed { word: Word::Name(name), at }) if is_call => {
                let (name, at) = (name.clone(), *at);
                self.next += 2;
                return self.call(of, &name, at);
            }
            Some(Placed { word: Word::Name(name) | Word::Quoted(name), at }) => (name.clone(), *at),
            Some(Placed { word: Word::Variable(name), .. }) if name == "this" => {
                self.next += 1;
                return Ok(of);
            }
            _ => return self.fail("the name of a member or a function was expected"),
        };
        if name.is_empty() {
            return Err((at, "a name is empty".to_owned()));
        }
        self.next += 1;
        let of = if name == "extension" || name == "id" { of.with_what_is_beside() } else { of };
        let choice = is_choice(&name);
        Ok(Expr::Member { of: Box::new(of), name, choice, beside: None })
    }

    fn call(&mut self, of: Expr, name: &str, at: usize) -> Parsed<Expr> {
        let boxed = Box::new;
        let expr = match name {
            "where" => Expr::Where(boxed(of), boxed(self.inner(Self::either)?)),
            "exists" if !self.closes() => Expr::Exists(boxed(Expr::Where(boxed(of), boxed(self.inner(Self::either)?)))),
            "exists" => Expr::Exists(boxed(of)),
            "empty" => Expr::Empty(boxed(of)),
            "not" => Expr::Not(boxed(of)),
            "first" => Expr::First(boxed(of)),
            "join" if self.closes() => Expr::Join(boxed(of), String::new()),
            "join" => Expr::Join(boxed(of), self.text_argument("the separator")?),
            "extension" => Expr::Extension(boxed(of.with_what_is_beside()), self.text_argument("the URL of the extension")?),
            "ofType" => {
                let ty = self.type_argument()?;
                match of {
                    Expr::Member { of, name, choice: true, .. } => {
                        let mut typed = name.clone();
                        let mut letters = ty.chars();
                        typed.extend(letters.next().map(|c| c.to_ascii_uppercase()));
                        typed.extend(letters);
                        Expr::Choice { of, name, typed, ty }
                    }
                    of => Expr::OfType(boxed(of), ty),
                }
            }
            "lowBoundary" => Expr::Boundary { of: boxed(of), high: false },
            "highBoundary" => Expr::Boundary { of: boxed(of), high: true },
            "getResourceKey" => Expr::ResourceKey(boxed(of)),
            "getReferenceKey" if self.closes() => Expr::ReferenceKey(boxed(of), String::new()),
            "getReferenceKey" => Expr::ReferenceKey(boxed(of), self.type_argument()?),
            _ => return Err((at, format!("the function `{name}` is not part of the subset that views may use"))),
        };
        self.needs_sign(")")?;
        Ok(expr)
    }

    /// Whether the arguments end here.
    fn closes(&self) -> bool {
        matches!(self.words.get(self.next), Some(Placed { word: Word::Sign(")"), .. }))
    }

    fn text_argument(&mut self, what: &str) -> Parsed<String> {
        let at = self.at();
        match self.inner(Self::start)? {
            Expr::Literal(Datum::Text(text)) => Ok(text.into_owned()),
            _ => Err((at, format!("{what} was expected, as a text or a constant"))),
        }
    }

    /// A type, which `FHIR.` or `System.` may precede.
    fn type_argument(&mut self) -> Parsed<String> {
        let mut names = Vec::new();
        loop {
            match self.words.get(self.next) {
                Some(Placed { word: Word::Name(name) | Word::Quoted(name), .. }) => names.push(name.clone()),
                _ => return self.fail("the name of a type was expected"),
            }
            self.next += 1;
            if !self.takes_sign(".") {
                break;
            }
        }
        match names.as_slice() {
            [ty] => Ok(ty.clone()),
            [space, ty] if space == "FHIR" || space == "System" => Ok(ty.clone()),
            _ => self.fail("the name of a type was expected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Constants, parse};
    use proptest::prelude::*;

    fn error(path: &str) -> String {
        parse(path, "Patient", &Constants::new()).map(|e| format!("{e:?}")).unwrap_err()
    }

    #[test]
    fn an_error_says_where_and_what() {
        for (path, expected) in [
            ("", "character 1: a path was expected"),
            ("name.", "character 6: the name of a member or a function was expected"),
            ("é", "character 1: `é` means nothing in a path"),
            ("name where", "character 6: an operator or the end of the path was expected"),
            ("name | name", "character 6: the operator `|` is not part of the subset that views may use"),
            ("a in b", "character 3: the operator `in` is not part of the subset that views may use"),
            ("name.count()", "character 6: the function `count` is not part of the subset that views may use"),
            ("name[-1]", "character 6: an index is a whole number or a constant, from 0"),
            ("%x", "character 1: the view has no constant `x`"),
            ("'a", "character 1: this text has no closing ' or an unknown escape"),
            ("@2025-02-30", "character 1: `@2025-02-30` is no date or time"),
            ("(a", "character 3: `)` was expected"),
            ("a.first(1)", "character 9: `)` was expected"),
            ("a.extension(b)", "character 13: the URL of the extension was expected, as a text or a constant"),
            ("$index", "character 1: `$index` is not part of the subset that views may use"),
        ] {
            assert_eq!(error(path), expected, "{path}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        for deep in ["(".repeat(9_000), "-".repeat(9_000), format!("a{}", ".a".repeat(4_000)), format!("1{}", "+1".repeat(4_000))]
        {
            assert!(error(&deep).contains("more than"), "{deep:.9}");
        }
        assert!(error(&"a".repeat(99_999)).contains("too long"));
    }

    proptest! {
        #[test]
        fn any_text_is_compiled_or_refused(path in "[a-c.()'%$@`\\[\\]0-9 =<>!+*/{}é-]{0,40}") {
            let _ = parse(&path, "Patient", &Constants::new());
        }
    }
}
