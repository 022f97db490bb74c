//! Pages: their format, their watermark, their order, and answers that are kept.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

use crate::nation::TestNation;

/// What tells the format of an answer goes on with its links, in both directions and in a form.
#[test]
fn the_pages_of_an_answer_have_its_format_and_its_watermark() {
    let world = TestNation::new();
    let link = |body: &str, relation: &str| {
        let at = body.find(&format!("<relation value=\"{relation}\"/><url value=\"")).map(|at| &body[at..]);
        let url = at.and_then(|at| at.split("<url value=\"").nth(1)?.split('"').next().map(|url| url.replace("&amp;", "&")));
        url.and_then(|url| url.strip_prefix("http://localhost").map(str::to_owned))
    };
    let watermark = "<meta><lastUpdated value=\"2023-11-14T22:13:20.000Z\"/></meta>";
    for path in [
        "Practitioner?_count=60&_elements=name&_format=xml",
        "Practitioner/_history?_count=60&_format=application/fhir%2Bxml&_pretty=true",
    ] {
        let (mut next, mut pages) = (Some(format!("/fhir/v2/{path}")), 0);
        while let Some(url) = next {
            let (status, headers, body) = world.ask(&url, ("accept", "*/*"));
            assert_eq!((status, headers["content-type"].to_str().unwrap()), (200, "application/fhir+xml;charset=UTF-8"), "{url}");
            assert!(body.contains(watermark), "{url}");
            assert_eq!(link(&body, "self").as_deref(), Some(url.as_str()), "an address repeats what was asked");
            assert!(!path.contains("_elements") || body.contains("SUBSETTED"));
            if let Some(previous) = link(&body, "previous") {
                assert!(previous.contains("&_format=xml"), "{previous}");
            }
            next = link(&body, "next");
            pages += 1;
        }
        assert!(pages > 3, "{path}");
    }
    let page = world.get("/fhir/v2/Practitioner?_count=60");
    assert_eq!(page["meta"]["lastUpdated"], "2023-11-14T22:13:20.000Z");
    assert!(!page["link"][0]["url"].as_str().unwrap().contains("_format"));
}

/// Who asks from the watermark of the last answer misses nothing, whatever was delivered since.
#[test]
fn a_follower_that_asks_from_the_watermark_loses_nothing() {
    let mut world = TestNation::new();
    let first = world.get("/fhir/v2/Practitioner?_count=1");
    let mark = first["meta"]["lastUpdated"].as_str().unwrap().to_owned();
    let old = world.all("Practitioner");
    world.deliver("files/next", 1_700_000_100_000);
    let next = first["link"].as_array().unwrap().iter().find(|l| l["relation"] == "next").unwrap()["url"].as_str().unwrap();
    assert_eq!(world.get(next)["meta"]["lastUpdated"], mark.as_str(), "pages are of the state of the first one");
    let told: BTreeSet<String> =
        world.walk(&format!("/fhir/v2/Practitioner?_lastUpdated=ge{mark}"), &mut || {}).1.into_iter().collect();
    let changed =
        world.all("Practitioner").into_iter().filter(|r| !old.contains(r)).map(|r| r["id"].as_str().unwrap().to_owned());
    let changed: BTreeSet<String> = changed.collect();
    assert!(!changed.is_empty() && changed.is_subset(&told));
}

#[test]
fn every_order_pages_back_to_where_it_came_from() {
    let world = TestNation::new();
    let link = |page: &Value, relation: &str| {
        let found = page["link"].as_array().unwrap().iter().find(|l| l["relation"] == relation).cloned();
        found.map(|l| l["url"].as_str().unwrap().to_owned())
    };
    for sort in ["", "_id", "-_id", "_lastUpdated", "-_lastUpdated"] {
        for count in [1, 7, 50] {
            let mut page = world.get(&format!("/fhir/v2/Practitioner?family=m&_sort={sort}&_count={count}"));
            let first = page["entry"].clone();
            assert_eq!((link(&page, "first"), link(&page, "previous")), (None, None));
            let mut pages = 0;
            while let Some(next) = link(&page, "next") {
                let following = world.get(&next);
                let back = world.get(&link(&following, "previous").unwrap());
                assert_eq!(back["entry"], page["entry"], "{sort} by {count}");
                assert_eq!(world.get(&link(&following, "first").unwrap())["entry"], first, "{sort} by {count}");
                page = following;
                pages += 1;
            }
            assert!(pages > 0 || count == 50);
        }
    }
    let next = link(&world.get("/fhir/v2/_history?_count=3"), "next").unwrap();
    assert_eq!(link(&world.get(&next), "self"), Some(next), "a later page of a history has its own address");
}

/// An answer is the same however often it is asked and in whatever form it is sent, short or in pieces; it changes with the
/// directory, and what is kept of it is for those who may read it.
#[test]
fn an_answer_asked_again_is_the_answer() {
    let mut world = TestNation::new();
    let page = "/fhir/v2/PractitionerRole?_count=1000&_sort=_id";
    let short = "/fhir/v2/PractitionerRole?_count=30&_include=PractitionerRole:practitioner";
    let bytes = |app: &Router, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        world.runtime.block_on(async {
            let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts.status.as_u16(), parts.headers, to_bytes(body, 1 << 30).await.unwrap().to_vec())
        })
    };
    let mut plain_pages = Vec::new();
    for (path, pieces) in [(page, true), (short, false)] {
        let (status, headers, plain) = bytes(&world.app, path, &[]);
        assert_eq!((status, headers.contains_key("content-length")), (200, !pieces), "{path}");
        assert!(serde_json::from_slice::<Value>(&plain).unwrap()["entry"].as_array().unwrap().len() >= 30);
        for _ in 0..3 {
            let (_, again, body) = bytes(&world.app, path, &[]);
            assert_eq!((&body, again.get("etag")), (&plain, headers.get("etag")));
            let (_, packed, body) = bytes(&world.app, path, &[("accept-encoding", "gzip")]);
            assert_eq!(packed["content-encoding"], "gzip");
            let mut unpacked = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&body[..]), &mut unpacked).unwrap();
            assert_eq!(unpacked, plain);
            let (_, _, xml) = bytes(&world.app, path, &[("accept", "application/fhir+xml")]);
            assert!(xml.starts_with(b"<") && xml.ends_with(b"</Bundle>"), "{path}");
            // Links lead to who was asked.
            let (_, _, elsewhere) = bytes(&world.app, path, &[("host", "directory.test")]);
            assert!(String::from_utf8(elsewhere).unwrap().contains("http://directory.test/fhir/v2/PractitionerRole/"));
        }
        plain_pages.push(plain);
    }
    let gate = annuaire_web::Gate::new(annuaire_web::GateSettings {
        api_keys: vec!["known".to_owned()],
        ..annuaire_web::GateSettings::new([1; 32], Arc::new(|| 1_800_000_000_000_000))
    });
    let settings =
        annuaire_api::ApiSettings { gate: Arc::new(gate), cursor_key: [1; 32], lane: Arc::default(), subscriptions: None };
    let closed = annuaire_api::router(Arc::clone(&world.index).into(), None, settings);
    for _ in 0..3 {
        assert_eq!(bytes(&closed, short, &[("esante-api-key", "known")]).0, 200);
        assert_eq!(bytes(&closed, short, &[]).0, 401, "a stranger gets nothing of what others asked");
    }
    world.deliver("files/next", 1_700_000_100_000);
    for (path, plain) in [page, short].iter().zip(plain_pages) {
        let (_, _, body) = world.ask(path, ("accept", "*/*"));
        assert_ne!(body.as_bytes(), plain, "the directory changed");
    }
}
