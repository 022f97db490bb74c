//! FHIRPath: the subset that views need (SQL-8), and the optional functions of the public cases (SQL-9).

mod choices;
mod datum;
mod eval;
mod expr;
mod lexer;
mod parser;

pub(crate) use datum::Datum;
pub(crate) use eval::{FaultCause, Scope, each, path_fault, single};
pub(crate) use expr::{Expr, StaticType};
pub(crate) use parser::{Constants, parse};
