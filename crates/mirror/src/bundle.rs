//! A page of a search or of a history: what it says of resources of one type, and where the next page is.

use crate::limits;
use crate::record::{Evidence, Record, Said};
use crate::resource::{self, ResourceStamp, type_and_id, type_of};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What kind of Bundle was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskedBundle {
    /// A search: what is there now.
    Search,
    /// A history: what happened.
    History,
}

/// A page, read.
#[derive(Debug, Default)]
pub(crate) struct BundlePage {
    /// What it says, in its order.
    pub(crate) records: Vec<Record>,
    /// Entries that count for the total: what the page was asked for, readable or not.
    pub(crate) matches: u64,
    /// The link to the next page, as it stands there.
    pub(crate) next: Option<String>,
    /// The link to the page itself.
    pub(crate) own: Option<String>,
    pub(crate) total: Option<u64>,
    /// `meta.lastUpdated` of the Bundle, in milliseconds since 1970.
    pub(crate) last_updated_ms: Option<i64>,
    /// What was left out, by reason.
    pub(crate) rejects: BTreeMap<&'static str, u64>,
    /// Entries that could not be read and of which not even the id is known.
    pub(crate) unnamed: u64,
    /// Digest of what its entries name, to recognise a page that comes again.
    pub(crate) digest: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawBundle<'a> {
    resource_type: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    total: Option<i64>,
    #[serde(default)]
    meta: Option<BundleMeta>,
    #[serde(default)]
    link: Vec<BundleLink>,
    #[serde(borrow, default)]
    entry: Option<Vec<RawEntry<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BundleMeta {
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct BundleLink {
    relation: String,
    url: String,
}

#[derive(Deserialize)]
struct RawEntry<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
    #[serde(default)]
    search: Option<SearchMode>,
    #[serde(default)]
    request: Option<EntryMethod>,
    #[serde(default)]
    response: Option<EntryResponse>,
}

#[derive(Deserialize)]
struct SearchMode {
    mode: Option<String>,
}

#[derive(Deserialize)]
struct EntryMethod {
    method: String,
    url: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct EntryResponse {
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Reads a page that was asked for resources of the type `ty`.
///
/// # Errors
/// When it is no such Bundle: perhaps it was cut, or the server answers with an error and 200.
pub(crate) fn read(body: &[u8], kind: AskedBundle, ty: &str) -> Result<BundlePage, String> {
    let text = str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    let bundle: RawBundle<'_> = match serde_json::from_str(text) {
        Ok(bundle) => bundle,
        Err(e) => {
            return Err(match type_of(text) {
                Some(other) if other != "Bundle" => not_a_bundle(&other),
                _ => format!("the answer is no complete Bundle ({e})"),
            });
        }
    };
    if bundle.resource_type != "Bundle" {
        return Err(not_a_bundle(&bundle.resource_type));
    }
    let wanted = match kind {
        AskedBundle::Search => "searchset",
        AskedBundle::History => "history",
    };
    if bundle.kind != wanted {
        return Err(format!(
            "the answer is a Bundle of type {:?} where {wanted} was asked for",
            crate::error::shown(&bundle.kind)
        ));
    }
    let entries = bundle.entry.unwrap_or_default();
    if entries.len() > limits::PAGE_ENTRIES {
        return Err(format!("a page of {} entries; {} are allowed", entries.len(), limits::PAGE_ENTRIES));
    }
    let link = |relation: &str| bundle.link.iter().find(|l| l.relation == relation).map(|l| l.url.clone());
    let mut page = BundlePage {
        next: link("next"),
        own: link("self"),
        total: bundle.total.and_then(|n| u64::try_from(n).ok()),
        last_updated_ms: bundle.meta.and_then(|m| m.last_updated).and_then(|t| resource::instant_us(&t)).map(|us| us / 1000),
        ..BundlePage::default()
    };
    let mut names = String::new();
    for entry in &entries {
        page.take(entry, kind, ty);
    }
    for record in &page.records {
        names.push_str(&record.id);
        names.push(' ');
        names.push_str(&record.stamp.version);
        names.push('\n');
    }
    page.digest = resource::digest(&names);
    Ok(page)
}

fn not_a_bundle(other: &str) -> String {
    let other = crate::error::shown(other);
    format!("the answer is a resource of type {other} and no Bundle, although its status says that all is well")
}

impl BundlePage {
    fn reject(&mut self, reason: &'static str) {
        *self.rejects.entry(reason).or_default() += 1;
    }

    fn take(&mut self, entry: &RawEntry<'_>, kind: AskedBundle, ty: &str) {
        let mode = entry.search.as_ref().and_then(|s| s.mode.as_deref()).unwrap_or("match");
        if mode != "match" {
            // Included resources belong to the walk of their own type.
            self.reject(if mode == "outcome" { "outcome" } else { "included" });
            return;
        }
        let stamp = entry.response.as_ref().map(response_stamp).unwrap_or_default();
        if kind == AskedBundle::History
            && let Some(request) = entry.request.as_ref().filter(|r| r.method == "DELETE")
        {
            self.matches += 1;
            match type_and_id(&request.url) {
                Some((of, id)) if of == ty => self.records.push(Record::new(ty, id, stamp, Said::Deleted)),
                Some(_) => self.reject("another type"),
                None => self.reject("a deletion without a valid name"),
            }
            return;
        }
        let Some(raw) = entry.resource else {
            self.matches += 1;
            self.unnamed += 1;
            self.reject("no resource");
            return;
        };
        match resource::read(raw.get()) {
            Ok(found) if found.resource_type != ty => {
                self.reject(if found.resource_type == "OperationOutcome" { "outcome" } else { "another type" });
            }
            Ok(found) => {
                self.matches += 1;
                let evidence = if kind == AskedBundle::History { Evidence::Event } else { Evidence::Present };
                self.records.push(Record::of(found, evidence));
            }
            Err(rejection) => {
                let other = type_of(raw.get()).is_some_and(|of| of != ty);
                if other {
                    self.reject("another type");
                    return;
                }
                self.matches += 1;
                self.reject(rejection.reason);
                match rejection.id {
                    // What stands of it stays.
                    Some(id) => self.records.push(Record::new(ty, &id, ResourceStamp::default(), Said::Kept)),
                    None => self.unnamed += 1,
                }
            }
        }
    }
}

/// The version that an entry of a history made: `W/"3"` and an instant.
fn response_stamp(response: &EntryResponse) -> ResourceStamp {
    let etag = response.etag.as_deref().unwrap_or_default();
    let version = etag.trim_start_matches("W/").trim_matches('"');
    ResourceStamp {
        version: if resource::valid_id(version) { version.to_owned() } else { String::new() },
        last_updated_us: response.last_modified.as_deref().and_then(resource::instant_us),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_gives_what_was_asked_for_and_counts_the_rest() {
        let body = br#"{"resourceType":"Bundle","type":"searchset","total":5,"meta":{"lastUpdated":"2026-11-26T10:00:00Z"},
            "link":[{"relation":"next","url":"?p=2"},{"relation":"self","url":"x"}],"entry":[
            {"resource":{"resourceType":"Device","id":"a","meta":{"versionId":"2"}}},
            {"resource":{"resourceType":"Organization","id":"o"}},
            {"resource":{"resourceType":"Organization","id":"o"},"search":{"mode":"include"}},
            {"resource":{"resourceType":"OperationOutcome","id":"o"},"search":{"mode":"outcome"}},
            {"resource":{"resourceType":"Device","id":"b","x":"\u0000"}},
            {"resource":{"resourceType":"Device","id":"b/../c"}},
            {"fullUrl":"x"}]}"#;
        let page = read(body, AskedBundle::Search, "Device").unwrap();
        assert_eq!(page.next.as_deref(), Some("?p=2"));
        assert_eq!((page.total, page.matches, page.unnamed, page.last_updated_ms), (Some(5), 4, 2, Some(1_795_687_200_000)));
        let said: Vec<_> = page.records.iter().map(|r| (r.id.as_str(), matches!(r.said, Said::Kept))).collect();
        assert_eq!(said, [("a", false), ("b", true)]);
        let rejects: Vec<_> = page.rejects.into_iter().collect();
        assert_eq!(
            rejects,
            [("another type", 1), ("damaged JSON", 1), ("included", 1), ("no resource", 1), ("no valid id", 1), ("outcome", 1)]
        );
    }

    #[test]
    fn a_history_gives_deletions_with_their_version() {
        let body = br#"{"resourceType":"Bundle","type":"history","entry":[
            {"request":{"method":"DELETE","url":"Device/a"},"response":{"status":"204","etag":"W/\"7\"","lastModified":"2026-11-26T10:00:00Z"}},
            {"request":{"method":"DELETE","url":"Organization/a"},"response":{"status":"204"}},
            {"request":{"method":"PUT","url":"Device/b"},"resource":{"resourceType":"Device","id":"b"}}]}"#;
        let page = read(body, AskedBundle::History, "Device").unwrap();
        assert_eq!(page.records[0].stamp, ResourceStamp { version: "7".into(), last_updated_us: Some(1_795_687_200_000_000) });
        assert!(matches!(page.records[0].said, Said::Deleted));
        assert_eq!(page.records.len(), 2);
    }

    #[test]
    fn what_is_no_such_bundle_is_refused_with_a_reason() {
        for (body, said) in [
            (r#"{"resourceType":"OperationOutcome","issue":[]}"#, "OperationOutcome"),
            (r#"{"resourceType":"Bundle","type":"batch"}"#, "of type \"batch\" where searchset"),
            (r#"{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resource"#, "no complete Bundle"),
            (r#"{"resourceType":"Bundle","type":"searchset","entry":7}"#, "no complete Bundle"),
            ("<html>", "no complete Bundle"),
            ("", "no complete Bundle"),
        ] {
            let reason = read(body.as_bytes(), AskedBundle::Search, "Device").unwrap_err();
            assert!(reason.contains(said), "{body}: {reason}");
        }
        let deep =
            format!(r#"{{"resourceType":"Bundle","type":"searchset","x":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(read(deep.as_bytes(), AskedBundle::Search, "Device").is_ok(), "what is not read costs nothing");
    }
}
