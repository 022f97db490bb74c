//! The channel of plain FHIR servers: pages of searches, then histories or searches by `_lastUpdated`, and comparisons of all ids.

use crate::bundle::AskedBundle;
use crate::error::{Error, Result, refused, shown};
use crate::http::HttpSource;
use crate::key_index::{KEY_LINES, KnownResource, KnownState};
use crate::limits;
use crate::record::{Evidence, Record, Said};
use crate::resource::{self, ResourceStamp, type_of, valid_type};
use crate::round::Received;
use crate::segments::{Passed, Rewriter};
use crate::state::MirrorState;
use crate::walk::{PageShape, PageWalk, WalkProgress, WalkRequest, instant_text};
use annuaire_batch::sort::Sorter;
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What an origin says that it can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capability {
    /// Types that can be searched.
    pub(crate) types: BTreeSet<String>,
    /// Types whose history can be asked for.
    pub(crate) histories: BTreeSet<String>,
    /// It publishes files (`$bulk-publish`).
    pub(crate) publishes: bool,
    /// Its clock, in milliseconds since 1970.
    pub(crate) date_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CapabilityStatement {
    resource_type: String,
    #[serde(default)]
    rest: Vec<CapabilityRest>,
}

#[derive(Deserialize)]
struct CapabilityRest {
    #[serde(default)]
    resource: Vec<CapabilityType>,
    #[serde(default)]
    operation: Vec<CapabilityOperation>,
}

#[derive(Deserialize)]
struct CapabilityType {
    #[serde(rename = "type")]
    name: String,
    #[serde(default)]
    interaction: Vec<CapabilityInteraction>,
}

#[derive(Deserialize)]
struct CapabilityInteraction {
    code: String,
}

#[derive(Deserialize)]
struct CapabilityOperation {
    #[serde(default)]
    name: String,
}

/// Asks what an origin can do.
///
/// # Errors
/// When it cannot be reached or refuses.
pub(crate) fn capability(source: &mut HttpSource) -> Result<Capability> {
    let url = source.origin().below("metadata");
    let answer = source.get(&url, None, &mut |body| {
        let statement: CapabilityStatement = serde_json::from_slice(body).map_err(|e| format!("no CapabilityStatement ({e})"))?;
        if statement.resource_type == "CapabilityStatement" {
            Ok(statement)
        } else {
            Err(format!("a {} where a CapabilityStatement was asked for", shown(&statement.resource_type)))
        }
    })?;
    let mut found = Capability { date_ms: answer.date_ms, ..Capability::default() };
    for rest in answer.content.into_iter().flat_map(|s| s.rest) {
        found.publishes |= rest.operation.iter().any(|o| o.name == "bulk-publish" || o.name == "$bulk-publish");
        for ty in rest.resource.into_iter().filter(|ty| valid_type(&ty.name)) {
            let can = |code: &str| ty.interaction.iter().any(|i| i.code == code);
            if can("history-type") {
                found.histories.insert(ty.name.clone());
            }
            if can("search-type") {
                found.types.insert(ty.name);
            }
        }
    }
    Ok(found)
}

/// What walks gave.
pub(crate) struct Walked {
    pub(crate) received: Received,
    /// Types whose copy leaves doubt.
    pub(crate) doubtful: BTreeSet<String>,
    /// For each type, until when the origin had told everything when its walk began.
    pub(crate) since_ms: BTreeMap<String, i64>,
    /// Until when the origin had told everything, of all types.
    pub(crate) told_ms: Option<i64>,
    /// When the first of them began, by the clock of this machine.
    pub(crate) begun_ms: i64,
    /// Milliseconds of the longest walk.
    pub(crate) longest_ms: i64,
    pub(crate) rejects: BTreeMap<String, u64>,
    /// Pages that came again.
    pub(crate) repeated: u64,
}

/// A plain FHIR server, asked for pages.
pub(crate) struct PlainChannel<'a> {
    pub(crate) source: &'a mut HttpSource,
    /// Where pages are kept.
    pub(crate) dir: &'a Path,
    /// Rounds committed: pages that were received for an earlier round are not used for the next one.
    pub(crate) round: u64,
    /// What the last walk found that the origin accepts.
    pub(crate) shape: PageShape,
    pub(crate) tell: &'a dyn Fn(&str, u64, u64),
}

impl PlainChannel<'_> {
    /// Walks one request after the other; each is kept until all are there.
    fn walk_all(&mut self, what: &str, requests: &[WalkRequest]) -> Result<Walked> {
        let mut walked = Walked {
            received: Received::new(self.dir),
            doubtful: BTreeSet::new(),
            since_ms: BTreeMap::new(),
            told_ms: None,
            begun_ms: self.source.world().now_ms(),
            longest_ms: 0,
            rejects: BTreeMap::new(),
            repeated: 0,
        };
        let (mut first_date_ms, mut state_ms) = (None, None);
        for request in requests {
            let walk = self.walk(what, request)?;
            let p: &WalkProgress = walk.progress();
            if !p.is_certain() {
                walked.doubtful.insert(request.resource_type.clone());
            }
            walked.since_ms.extend(p.told_ms().map(|ms| (request.resource_type.clone(), ms)));
            first_date_ms = [first_date_ms, p.date_ms].into_iter().flatten().min();
            state_ms = state_ms.max(p.bundle_ms);
            walked.begun_ms = walked.begun_ms.min(p.begun_ms);
            walked.longest_ms = walked.longest_ms.max(p.ended_ms - p.begun_ms);
            for (reason, n) in &p.rejects {
                *walked.rejects.entry(reason.clone()).or_default() += n;
            }
            walked.repeated += u64::from(p.repeated);
            walk.pour(&request.resource_type, &mut walked.received)?;
        }
        // What the origin shows is of its newest state, as far as that was there when the first walk began.
        walked.told_ms = [first_date_ms, state_ms].into_iter().flatten().min();
        Ok(walked)
    }

    fn walk(&mut self, what: &str, request: &WalkRequest) -> Result<PageWalk> {
        let mut shape = self.shape;
        if request.kind == AskedBundle::History {
            shape.sorted = false;
        }
        let name = format!("{what}-{}", request.resource_type);
        // A list of ids is of use whatever was committed since: each difference is asked for.
        let purpose = if what == "ids" { what.to_owned() } else { format!("{what} after round {}", self.round) };
        let mut walk = PageWalk::open(self.dir, &name, &purpose, request, shape, self.source.world().now_ms())?;
        walk.run(self.source, request, self.tell)?;
        if request.kind == AskedBundle::Search {
            self.shape = walk.progress().shape;
        }
        Ok(walk)
    }

    /// Everything of these types.
    pub(crate) fn copy(&mut self, types: &BTreeSet<String>) -> Result<Walked> {
        let request = |ty: &String| WalkRequest { resource_type: ty.clone(), kind: AskedBundle::Search, query: String::new() };
        self.walk_all("copy", &types.iter().map(request).collect::<Vec<_>>())
    }

    /// What changed of each type since an instant; by history where there is one.
    pub(crate) fn changes(&mut self, since_ms: &BTreeMap<String, i64>, histories: &BTreeSet<String>) -> Result<Walked> {
        let request = |(ty, since_ms): (&String, &i64)| {
            let since = instant_text(*since_ms);
            let resource_type = ty.clone();
            if histories.contains(ty) {
                WalkRequest { resource_type, kind: AskedBundle::History, query: format!("_since={since}") }
            } else {
                WalkRequest { resource_type, kind: AskedBundle::Search, query: format!("_lastUpdated=ge{since}") }
            }
        };
        self.walk_all("changes", &since_ms.iter().map(request).collect::<Vec<_>>())
    }

    /// Compares the ids and versions of one type with the index, and asks for each difference. Gives what is to be applied, and
    /// whether all differences were asked for.
    pub(crate) fn differences(&mut self, ty: &str, index: &Path, state: &MirrorState, spill: &Path) -> Result<Differences> {
        let request = WalkRequest { resource_type: ty.to_owned(), kind: AskedBundle::Search, query: "_elements=id".to_owned() };
        let walk = self.walk("ids", &request)?;
        let certain = walk.progress().is_certain();
        let mut sorter = Sorter::new(limits::SORT_BYTES / 4, Some(spill.to_owned()));
        walk.each(ty, &mut |record| {
            let mut value = Vec::new();
            // What could not be read exists all the same.
            let said = if matches!(record.said, Said::Kept) { Said::Kept } else { Said::Exists };
            Record { said, ..record.clone() }.write(&mut value);
            Ok(sorter.push(&[record.id.as_bytes()], &value)?)
        })?;
        let segments = state.index.get(ty).map(|i| i.segments.clone()).unwrap_or_default();
        let mut found = Differences { certain, ..Differences::default() };
        let mut merge = sorter.finish(1)?;
        // Nothing is written: the list is gone through, and every line kept.
        let mut reader = Rewriter::new(index, format!("{ty}-compare"), KEY_LINES, true, &segments);
        let mut gone = |id: &str, line: &[u8]| {
            if KnownResource::read(line)?.state != KnownState::Gone {
                found.missing += 1;
                if found.removed.len() < limits::READS {
                    found.removed.push(id.to_owned());
                }
            }
            Ok(Passed::Drop)
        };
        let mut other = Vec::new();
        let mut more = 0_u64;
        while let Some((key, value)) = merge.peek() {
            let id = String::from_utf8_lossy(key).into_owned();
            let mut newest = Record::read(ty, &id, value);
            merge.advance()?;
            while let Some((key, value)) = merge.peek().filter(|(key, _)| *key == id.as_bytes()) {
                let again = Record::read(ty, &String::from_utf8_lossy(key), value);
                if again.as_ref().zip(newest.as_ref()).is_some_and(|(a, b)| a.stamp.compare(&b.stamp) == Ordering::Greater) {
                    newest = again;
                }
                merge.advance()?;
            }
            let known = reader.seek(&id, &mut gone)?.map(|line| KnownResource::read(&line)).transpose()?;
            let differs = match (&newest, &known) {
                (Some(Record { said: Said::Kept, .. }) | None, _) => false,
                (Some(seen), Some(known)) => known.state == KnownState::Gone || seen.stamp != known.stamp,
                (Some(_), None) => true,
            };
            if differs {
                more += 1;
                if other.len() < limits::READS {
                    other.push(id);
                }
            }
        }
        reader.finish(&mut gone)?;
        found.changed = more;
        found.other = other;
        walk.discard()?;
        Ok(found)
    }

    /// Asks for one resource as it is now.
    pub(crate) fn read(&mut self, ty: &str, id: &str) -> Result<Option<Record>> {
        let url = self.source.origin().below(&format!("{ty}/{id}"));
        let answer = self.source.get(&url, None, &mut |body| {
            let text = str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
            match resource::read(text) {
                Ok(found) if found.resource_type == ty && found.id == id => Ok(Record::of(found, Evidence::Confirmed)),
                Ok(found) => Err(format!("{}/{} where {ty}/{id} was asked for", found.resource_type, found.id)),
                Err(rejected) if type_of(text).as_deref() == Some(ty) && rejected.id.as_deref() == Some(id) => {
                    Ok(Record::new(ty, id, ResourceStamp::default(), Said::Kept))
                }
                Err(rejected) => Err(format!("{ty}/{id} cannot be read: {}", rejected.reason)),
            }
        });
        match answer {
            Ok(answer) => answer.content.map(Some).ok_or_else(|| refused(&url, "304 without a condition")),
            Err(Error::Status { status: 404 | 410, .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

/// What a comparison of ids found.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// The walk left no doubt about what exists.
    pub(crate) certain: bool,
    /// Resources of the mirror that the origin does not list, and the first of them.
    pub(crate) missing: u64,
    pub(crate) removed: Vec<String>,
    /// Resources that the mirror has in another version or not at all, and the first of them.
    pub(crate) changed: u64,
    pub(crate) other: Vec<String>,
}
