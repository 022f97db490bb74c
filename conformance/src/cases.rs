//! All cases by name. Each looks in the directory itself for the values that it needs, so that it runs on any data.

mod bundles;
mod formats;
mod questions;
mod reads;
mod searches;

use crate::client::DirectoryClient;

/// A case: passes, or gives the reason why not.
pub type ConformanceCase = fn(&DirectoryClient) -> Result<(), String>;

/// All cases by name.
pub const ALL: &[(&str, ConformanceCase)] = &[
    ("metadata has what R4 requires and every line of it works", reads::metadata),
    ("read answers 200 with ETag and Last-Modified (COND-1)", reads::read),
    ("read of an unknown id or type is 404 with the documented text", reads::read_unknown),
    ("conditional read: 304 on If-None-Match, lists and * (COND-2, COND-3)", reads::conditional),
    ("search bundles answer 304 when nothing changed (COND-6)", reads::conditional_bundle),
    ("vread gives each version, and only those", reads::vread),
    ("an unknown parameter is 400 with the documented text", searches::unknown_parameter),
    ("lenient handling ignores it and says so (HTTP-4)", searches::lenient),
    ("_count: lowered, zero, refused (SRCH-6)", bundles::count),
    ("_total takes three values", bundles::total),
    ("accents, case, hyphens and apostrophes compare equal (SRCH-1)", searches::folding),
    ("a longer prefix keeps a subset (SRCH-2, complaint: family=frasl times out)", searches::prefixes),
    ("comma is OR, repetition is AND (SRCH-3)", searches::or_and),
    ("66 excluded categories are all excluded (complaint: :not with several values)", searches::negation),
    ("tokens: code, system|code, system|, :missing, :of-type", searches::tokens),
    ("name:contains finds the middle of a name (complaint: ANGYAL-SIDO)", searches::contains),
    ("include matrix: documented values work, others are 400", bundles::includes),
    ("_revinclude brings the roles of each match", bundles::revinclude),
    ("roles point to structures that exist (complaint: dangling references)", bundles::no_dangling),
    ("chaining and _has agree with two requests (complaint: search by place)", searches::chaining),
    ("paging: every resource once, exact total, stable next (SRCH-5)", bundles::paging),
    ("a tampered page token gives an error and no data", bundles::tampered),
    ("_lastUpdated cuts the directory in two without loss", searches::last_updated),
    ("_sort=_id is total and stable (SRCH-7)", bundles::sorting),
    ("_elements and _summary mark what they cut (SRCH-10)", bundles::elements),
    ("_history of instance, type and system (HIST-1, HIST-3, HIST-5)", reads::history),
    ("POST _search answers as GET, with or without charset", formats::post_search),
    ("XML and JSON of every answer hold the same (HTTP-1, T13)", formats::xml),
    ("an unknown format is 406 (HTTP-2)", formats::not_acceptable),
    ("gzip holds the same bytes (HTTP-6)", formats::gzip),
    ("writes are refused", formats::writes),
    ("errors are OperationOutcomes (HTTP-3)", formats::outcomes),
    ("the restricted perimeter is closed to strangers", reads::restricted),
    ("resources follow their profiles and the R4 model", formats::profiles),
    ("every answer follows the R4 model in JSON, and the order of its schema in XML (HTTP-1)", formats::answers_follow_the_model),
    ("the pages that follow keep format, size and members of the first", bundles::page_keeps),
    ("includes by *, Type:*, Type:parameter:Target; another target is refused", bundles::include_forms),
    (":identifier on a reference answers as the chain", searches::reference_identifier),
    ("an address of another server is none of ours", reads::other_server),
    ("a value of signs only does not find everything", searches::signs),
    ("an unknown modifier is ignored and said, strict handling refuses it", searches::unknown_modifier),
    ("dates: any year is answered at once, a day that never was is refused", searches::dates),
    ("_lastUpdated is cut in the time of Paris, daylight saving included", searches::paris),
    ("a control character is refused", searches::control),
    ("malformed queries are refused", searches::malformed),
    ("refusals: the documented text in diagnostics, the help in details, the kind in code", formats::refusals),
    ("bundles carry the watermark of their state, and asking from it loses nothing", bundles::watermark),
    ("what has a history is read, or is gone with 410; never 404", reads::gone),
];
