//! Resources that `_include` and `_revinclude` bring to a page.

use annuaire_index::{Filter, RoaringBitmap, Row, Snapshot};
use annuaire_web::ErrorCode;

use crate::error::ApiError;
use crate::limits;
use crate::query::IncludeRule;
use crate::types::{any_type, type_name};

/// Rows that the rules bring to a page, each once and without the matches of the page.
pub(super) fn included_rows(snap: &Snapshot, includes: &[IncludeRule], page: &[Row]) -> Result<RoaringBitmap, ApiError> {
    let matches: RoaringBitmap = page.iter().map(|row| row.get()).collect();
    let mut out = RoaringBitmap::new();
    let mut frontier = matches.clone();
    for round in 0..limits::ITERATE {
        let rules: Vec<_> = includes.iter().filter(|l| round == 0 || l.iterate).collect();
        if rules.is_empty() || frontier.is_empty() {
            break;
        }
        let mut found = RoaringBitmap::new();
        let mut pointed: Vec<Vec<Filter>> = vec![Vec::new(); rules.len()];
        for row in &frontier {
            let entry = snap.read(Row::new(row)).map_err(ApiError::from_index)?;
            let ty = type_name(entry.ty);
            if rules.iter().any(|l| !l.reverse && l.source == ty) {
                for (param, to) in entry.references().map_err(ApiError::from_index)? {
                    let wanted = rules.iter().any(|l| !l.reverse && l.source == ty && l.param.id == param);
                    let Some((kind, id)) = to.split_once('/').filter(|_| wanted) else { continue };
                    let Some((_, number)) = any_type(kind) else { continue };
                    if let Some(entry) = snap.current(number, id).map_err(ApiError::from_index)? {
                        found.insert(entry.row.get());
                    }
                }
            }
            for (rule, links) in rules.iter().zip(&mut pointed).filter(|(l, _)| l.reverse && l.param.target == ty) {
                links.push(Filter::Reference { param: rule.param.id, target: format!("{ty}/{}", entry.id()) });
            }
        }
        for (rule, links) in rules.iter().zip(pointed).filter(|(_, links)| !links.is_empty()) {
            let Some((_, number)) = any_type(rule.source) else { continue };
            found |= &*snap.search(number, &Filter::Or(links)).map_err(ApiError::from_index)?;
        }
        frontier = found - &matches - &out;
        out |= &frontier;
        if out.len() > limits::INCLUDED {
            return Err(ApiError::new(
                ErrorCode::AnswerTooLarge,
                format!("This page includes more than {} resources: lower _count.", limits::INCLUDED),
            ));
        }
    }
    Ok(out)
}
