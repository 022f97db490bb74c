//! Limits of a request, in one place.

use std::time::Duration;

/// Default page size.
pub(crate) const PAGE: usize = 50;
/// Largest page size; more is lowered.
pub(crate) const PAGE_CAP: usize = 1_000;
/// Most candidates read to check an `:of-type`.
pub(crate) const OF_TYPE: u64 = 1_000;
/// Most included resources on one page.
pub(crate) const INCLUDED: u64 = 50_000;
/// Rounds of `:iterate`.
pub(crate) const ITERATE: usize = 5;
/// Most rows sorted in memory by instants that are not those of their commits.
pub(crate) const SORTED: u64 = 200_000;
/// Bytes of an answer beyond which no further match is written: the page ends, and the next one goes on.
pub(crate) const ANSWER: usize = 32 << 20;
/// Most characters of a token.
pub(crate) const TOKEN: usize = 1_023;
/// Most values of one parameter.
pub(crate) const VALUES: usize = 1_000;
/// Links that one criterion may follow, by chaining or `_has`.
pub(crate) const CHAIN: usize = 1;
/// Most parameters of a request.
pub(crate) const PARAMETERS: usize = 200;
/// Most bytes of a query, in the URL or a form: its paging token must still fit a URL.
pub(crate) const QUERY: usize = 40_000;
/// Seconds for which a cache may keep one version of a resource: the deadline of a withdrawal (WDR-5).
pub(crate) const VERSION_KEPT: u32 = annuaire_web::limits::WITHDRAWAL_SECONDS;
/// Lines of an answer of `$changes`.
pub(crate) const CHANGES: u64 = 1_000;
/// Most lines of an answer of `$changes`; more is lowered.
pub(crate) const CHANGES_CAP: u64 = 10_000;
/// Longest wait for a change (interop §11.2).
pub(crate) const CHANGES_WAIT: Duration = Duration::from_secs(55);
/// Longest wait of a link for a state that another node of the cluster already shows.
pub(crate) const BEHIND_WAIT: Duration = Duration::from_secs(2);
/// Seconds after which a client whose link waited in vain is told to ask again.
pub(crate) const BEHIND_RETRY_SECONDS: u32 = 2;
/// Seconds for which a page of published files may be kept: it changes when the next one exists (PUB-6).
pub(crate) const PAGE_KEPT: u32 = 10;
/// Most bytes of the Parameters of an export.
pub(crate) const EXPORT_BODY: usize = 64 << 10;
/// Seconds after which a caller that has as many exports as it may is told to ask again.
pub(crate) const EXPORT_RETRY_SECONDS: u32 = 60;
/// Most bytes of the Parameters of a match.
pub(crate) const MATCH_BODY: usize = 64 << 10;
/// Practitioners of an answer of a match.
pub(crate) const MATCHES: u64 = 20;
/// Most practitioners of an answer of a match; more is lowered.
pub(crate) const MATCHES_CAP: u64 = 100;
/// Most identifiers, codes or words of the description of a match.
pub(crate) const MATCH_VALUES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// The limits that the guides of developers tell are those of the code.
    #[test]
    fn the_guides_tell_the_limits_that_hold() {
        let wait = usize::try_from(CHANGES_WAIT.as_secs()).unwrap();
        let (cap, lines) = (usize::try_from(CHANGES_CAP).unwrap(), usize::try_from(CHANGES).unwrap());
        let values =
            [PAGE, PAGE_CAP, usize::try_from(INCLUDED).unwrap(), PARAMETERS, VALUES, TOKEN, QUERY, CHAIN, lines, cap, wait];
        let guides = [
            (include_str!("../../../docs/guide-fr.md"), "| Limite | Valeur |", "\u{202f}"),
            (include_str!("../../../docs/guide-en.md"), "| Limit | Value |", ","),
        ];
        for (guide, head, separator) in guides {
            let rows = guide.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
            let told: Vec<String> = rows.filter_map(|row| Some(row.split('|').nth(2)?.trim().to_owned())).collect();
            let grouped = |value: usize| match value {
                0..1_000 => value.to_string(),
                _ => format!("{}{separator}{:03}", value / 1_000, value % 1_000),
            };
            assert_eq!(told, values.map(grouped));
        }
    }
}
