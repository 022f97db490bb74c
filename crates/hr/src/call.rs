//! A call, as the functions of routes take it. The gate gives the pass that an [`OpenCall`] needs, and `registry` the session of a [`SoftwareCall`], for
//! a token that stands.

use crate::limits::{PAGE_LINES, PAGE_LINES_MAX, PAGES_MAX};
use crate::problem::{CallFault, HrProblem};
use annuaire_registry::{SessionTrace, SoftwareSession};
use annuaire_web::{Anyone, Client};
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri, header};

/// A call that the gate let in; nobody is known yet.
pub(crate) struct OpenCall {
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
    pub(crate) body: Bytes,
    pub(crate) trace: SessionTrace,
    /// Whom the request counts for, by the address.
    pub(crate) client: Client,
    /// The values of the places of the path, in order.
    pub(crate) segments: Vec<String>,
    /// That the gate let it in.
    pub(crate) _pass: Anyone,
}

/// A call of a software whose token stands.
pub(crate) struct SoftwareCall {
    pub(crate) session: SoftwareSession,
    pub(crate) call: OpenCall,
}

impl SoftwareCall {
    /// The value of the place `n` of the path; empty when the route has none.
    pub(crate) fn segment(&self, n: usize) -> &str {
        self.call.segments.get(n).map_or("", String::as_str)
    }

    /// The parameters of the address, which may be those of `known` alone, each once; a missing one is empty.
    pub(crate) fn parameters<const N: usize>(&self, known: [&str; N]) -> Result<[String; N], HrProblem> {
        let mut values: [Option<String>; N] = [const { None }; N];
        let mut wrong = Vec::new();
        for (name, value) in form_urlencoded::parse(self.call.uri.query().unwrap_or_default().as_bytes()) {
            match known.iter().position(|known| *known == name).and_then(|n| values.get_mut(n)) {
                Some(place @ None) if !value.contains('\0') => *place = Some(value.trim().to_owned()),
                _ => wrong.push(name.chars().take(40).collect()),
            }
        }
        if wrong.is_empty() {
            Ok(values.map(Option::unwrap_or_default))
        } else {
            Err(HrProblem::named(CallFault::Parameter, &wrong))
        }
    }

    /// The version that `If-Match` names.
    pub(crate) fn version(&self) -> Result<u64, HrProblem> {
        let mut all = self.call.headers.get_all(header::IF_MATCH).iter();
        let first = all.next().ok_or(CallFault::VersionMissing)?;
        let tag = first.to_str().ok().map(str::trim).filter(|_| all.next().is_none());
        let version = tag.and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        version.ok_or_else(|| CallFault::VersionMalformed.into())
    }
}

/// Page and lines of a page, as numbers from 1: lines before the page, and lines of it.
pub(crate) fn page(page: &str, lines: &str) -> Result<(u32, u32), HrProblem> {
    let number = |text: &str, default: u32, most: u32, name: &str| match text {
        "" => Ok(default),
        text => {
            let number = text.parse::<u32>().ok().filter(|n| (1..=most).contains(n));
            number.ok_or_else(|| HrProblem::named(CallFault::Parameter, &[name.to_owned()]))
        }
    };
    let lines = number(lines, PAGE_LINES, PAGE_LINES_MAX, "parPage")?;
    Ok(((number(page, 1, PAGES_MAX, "page")? - 1) * lines, lines))
}
