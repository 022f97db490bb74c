//! Filters of a subscription, as they are written: `Type?name=value&name=value`, several of them joined by AND.
//!
//! A list of identifiers (`identifier=a,b,c`) or ids (`_id=a,b,c`) is a **watch list**: it is looked up for each change, so its length costs
//! memory and no time. Everything else is a search of this server, compiled by the search itself.

use crate::limits;

/// A watch list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchList {
    /// Values as `system|value`, or `value` in any system.
    Identifiers(Vec<String>),
    /// Ids of resources.
    Ids(Vec<String>),
}

impl WatchList {
    /// Its entries.
    #[must_use]
    pub fn entries(&self) -> &[String] {
        match self {
            Self::Identifiers(list) | Self::Ids(list) => list,
        }
    }
}

/// A filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// Type that it is about.
    pub ty: String,
    /// Lists of which each must hold the resource.
    pub lists: Vec<WatchList>,
    /// What is left for the search, as a query; empty when there is nothing.
    pub query: String,
}

impl Criterion {
    /// Reads `Type?name=value&…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (ty, query) = text.split_once('?').ok_or("write a filter as Type?parameter=value")?;
        if query.is_empty() {
            return Err("the filter has no parameter: leave it out to be told of everything".into());
        }
        let mut criterion = Self { ty: ty.to_owned(), lists: Vec::new(), query: String::new() };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !matches!(name, "identifier" | "_id") {
                if !criterion.query.is_empty() {
                    criterion.query.push('&');
                }
                criterion.query.push_str(part);
                continue;
            }
            let mut list = entries(&decode(value)?)?;
            list.sort_unstable();
            list.dedup();
            if list.len() > limits::WATCHED {
                return Err(format!("the list of {name} has {} entries, of {} at most", list.len(), limits::WATCHED));
            }
            match name {
                "_id" => criterion.lists.push(WatchList::Ids(list)),
                _ => {
                    if let Some(bad) = list.iter().find(|entry| entry.ends_with('|') || entry.matches('|').count() > 1) {
                        return Err(format!("the entry {bad:?} of the list of identifiers is neither value nor system|value"));
                    }
                    criterion.lists.push(WatchList::Identifiers(list));
                }
            }
        }
        Ok(criterion)
    }
}

/// Cuts a list at its commas; `\,`, `\|`, `\$` and `\\` stand for themselves (R4 search, escaping).
fn entries(list: &str) -> Result<Vec<String>, String> {
    let (mut all, mut one, mut chars) = (Vec::new(), String::new(), list.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => one.extend(chars.next()),
            ',' => all.push(std::mem::take(&mut one)),
            _ => one.push(c),
        }
    }
    all.push(one);
    let all: Vec<String> = all.iter().map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect();
    if all.is_empty() { Err("a list without entries finds nothing".into()) } else { Ok(all) }
}

/// Decodes percent signs and plus signs of a query.
fn decode(text: &str) -> Result<String, String> {
    let bad = || "a filter is percent-encoded UTF-8: write %25 for a percent sign".to_owned();
    let (mut out, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).ok_or_else(bad);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).map_err(|_| bad())?
            }
            _ => byte,
        });
    }
    String::from_utf8(out).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_out_of_the_search() {
        let read = Criterion::parse(
            "Practitioner?identifier=https://rpps.esante.gouv.fr%7C10999000010,%2010999000028,x&active=true&family=a,b",
        )
        .unwrap();
        let list = ["10999000028", "https://rpps.esante.gouv.fr|10999000010", "x"].map(str::to_owned).to_vec();
        assert_eq!(read.lists, [WatchList::Identifiers(list)]);
        assert_eq!((read.ty.as_str(), read.query.as_str()), ("Practitioner", "active=true&family=a,b"));
        let ids = Criterion::parse("Organization?_id=001-b,001-a,001-b").unwrap();
        assert_eq!(ids.lists, [WatchList::Ids(vec!["001-a".into(), "001-b".into()])]);
        let escaped = Criterion::parse("Organization?identifier=a\\,b,c\\\\").unwrap();
        assert_eq!(escaped.lists[0].entries(), ["a,b", "c\\"]);
        let other = Criterion::parse("Practitioner?identifier:of-type=a|b|c").unwrap();
        assert_eq!((other.lists.len(), other.query.as_str()), (0, "identifier:of-type=a|b|c"), "the search judges it");
        for bad in [
            "Practitioner",
            "Practitioner?",
            "Practitioner?_id=",
            "Practitioner?_id=,,",
            "P?identifier=%zz",
            "P?identifier=a|b|c",
            "P?identifier=s|",
        ] {
            assert!(Criterion::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_list_has_a_limit() {
        let of = |n: usize| format!("Practitioner?identifier={}", (0..n).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        assert_eq!(Criterion::parse(&of(limits::WATCHED)).unwrap().lists[0].entries().len(), limits::WATCHED);
        assert!(Criterion::parse(&of(limits::WATCHED + 1)).unwrap_err().contains("10001"));
    }
}
