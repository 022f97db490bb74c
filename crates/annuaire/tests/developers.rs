//! The door of developers: the documents that describe the API, and what a browser finds at its addresses.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Server, annuaire, delivery, import};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

const KEY: &str = "ESANTE-API-KEY: fictional-key-of-a-test\r\n";
const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

/// A server of a small nation, with files, and with a key when it asks for one; the data go with the directory.
fn server(asks_for_keys: bool) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    assert!(annuaire(&["generate", "--professionals", "40", "--out", &path("files")]).0);
    let files = delivery(&dir.path().join("files")).into_iter().filter(|f| f.is_file()).collect::<Vec<_>>();
    let data = dir.path().join("data");
    assert!(import(&data, &files).0);
    fs::write(path("keys"), "fictional-key-of-a-test\n").unwrap();
    fs::write(data.join("annuaire.toml"), "[server]\ncontact = \"api@annuaire.example\"\n[publication]\nfiles = \"PT1S\"\n")
        .unwrap();
    let keys = path("keys");
    let options: &[&str] = if asks_for_keys { &["--api-keys", &keys] } else { &[] };
    let server = Server::start(&data, options);
    (dir, server)
}

struct Told {
    status: u16,
    /// Status line and headers, in small letters.
    head: String,
    location: String,
    body: String,
}

/// Asks an address of this server.
fn ask(server: &Server, method: &str, path: &str, headers: &str, body: &str) -> Told {
    let host = server.base.split_once('/').unwrap().0;
    let mut stream = TcpStream::connect(host).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    write!(stream, "{method} {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n{headers}{length}\r\n{body}").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default().to_owned();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Told { status, head: head.to_ascii_lowercase(), location, body: body.to_owned() }
}

fn json(server: &Server, path: &str, headers: &str) -> Value {
    let told = ask(server, "GET", path, headers, "");
    assert_eq!(told.status, 200, "{path}: {}", told.body);
    serde_json::from_str(&told.body).unwrap()
}

/// Everything that a `$ref` names is there.
fn check_references(value: &Value, whole: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(target) = members.get("$ref").and_then(Value::as_str) {
                assert!(whole.pointer(target.trim_start_matches('#')).is_some(), "{target}");
            }
            members.values().for_each(|member| check_references(member, whole));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(item, whole)),
        _ => {}
    }
}

/// A path of the document with something for each of its parameters: an id that is there, where one is.
fn filled(server: &Server, path: &str) -> String {
    let ty = path.split('/').nth(1).unwrap_or_default();
    let mut filled = path.to_owned();
    if path.starts_with(&format!("/{ty}/{{id}}")) && ty.starts_with(|c: char| c.is_ascii_uppercase()) && ty != "Subscription" {
        let found = json(server, &format!("/fhir/v2/{ty}?_count=1"), KEY);
        let id = found["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
        filled = filled.replace("{id}", &id);
    }
    filled = filled.replace("{version}", "1").replace("{level}", "0").replace("{id}", "none").replace("{name}", "none");
    ["{a}", "{b}", "{c}", "{d}"].iter().fold(filled, |path, name| path.replace(name, "000"))
}

#[test]
fn the_documents_tell_the_routes_and_each_path_is_answered() {
    let (_dir, server) = server(true);
    assert_eq!(ask(&server, "GET", "/fhir/v2/openapi.json", "", "").status, 401, "a stranger");
    assert_eq!(ask(&server, "GET", "/fhir/v2/postman.json", "", "").status, 401, "a stranger");
    let document = json(&server, "/fhir/v2/openapi.json", KEY);
    assert_eq!(document["openapi"], "3.1.0");
    assert!(["/info/title", "/info/version", "/servers/0/url"].iter().all(|at| document.pointer(at).unwrap().is_string()));
    check_references(&document, &document);

    let page = json(&server, "/fhir/v2/Device?_count=0", KEY);
    let instant = page["meta"]["lastUpdated"].as_str().unwrap().replace('+', "%2B");
    let mut told = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let template = ["Practitioner", "PractitionerRole", "Organization", "HealthcareService", "Device"]
                .iter()
                .find(|ty| path.split('/').nth(1) == Some(**ty) && !path.contains("/$match"))
                .map_or_else(|| path.clone(), |ty| path.replacen(ty, "{type}", 1));
            told.insert((template, method.to_uppercase()));
            let at = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at}: two have this id");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path: Vec<&str> =
                parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
            let in_template: Vec<&str> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
            assert_eq!(in_path, in_template, "{at}");
            assert!(parameters.iter().all(|p| p["schema"].is_object() && p["name"].is_string()), "{at}");

            let body = match operation["requestBody"]["content"].as_object().map(|content| content.keys().next().unwrap()) {
                Some(media) if media.contains("form") => ("application/x-www-form-urlencoded", "_count=1"),
                Some(_) if path.ends_with("$match-practitioner") => ("application/fhir+json", DESCRIPTION),
                Some(_) => ("application/fhir+json", "{\"resourceType\":\"Parameters\"}"),
                None => ("", ""),
            };
            let kind = if body.0.is_empty() { String::new() } else { format!("Content-Type: {}\r\n", body.0) };
            let mut asked = format!("/fhir/v2{}", filled(&server, path));
            for needed in parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true) {
                let name = needed["name"].as_str().unwrap();
                asked = format!("{asked}?{name}={}", if name == "time" { instant.as_str() } else { "x" });
            }
            let answer = ask(&server, &method.to_uppercase(), &asked, &format!("{KEY}{kind}"), body.1);
            let responses = operation["responses"].as_object().unwrap();
            assert!(answer.status < 500, "{at}: {}", answer.body);
            if !responses.contains_key(&answer.status.to_string()) {
                let outcome: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{at}: {}", answer.body));
                assert_eq!(outcome["resourceType"], "OperationOutcome", "{at}");
                assert!(outcome["issue"][0]["details"]["coding"][0]["code"].is_string(), "{at}: {outcome}");
                assert!(path.contains('{') || path.contains("Subscription") || *path == "/_page", "{at}: {outcome}");
            }
            // What a resource has is there.
            let is_typed = template_of_type(path);
            assert!(!is_typed || answer.status == 200, "{at}: {} {}", answer.status, answer.body);
        }
    }
    let served: BTreeSet<(String, String)> = annuaire_api::routes()
        .into_iter()
        .filter_map(|route| Some((route.path.strip_prefix("/fhir/v2")?.to_owned(), route.methods)))
        .flat_map(|(path, methods)| methods.into_iter().map(move |method| (path.clone(), method.to_owned())))
        // A form that is posted elsewhere than to `_search`, and what is always refused.
        .filter(|(path, method)| {
            let words = ["/metadata", "/_page", "/_history", "/$changes", "/{type}"];
            !(method == "POST" && words.contains(&path.as_str())) && path != "/{type}/$export"
        })
        .collect();
    assert_eq!(told, served);

    let collection = json(&server, "/fhir/v2/postman.json", KEY);
    assert!(collection["info"]["schema"].as_str().unwrap().ends_with("/v2.1.0/collection.json"));
    let mut named = BTreeSet::new();
    for item in collection["item"].as_array().unwrap().iter().flat_map(|folder| folder["item"].as_array().unwrap()) {
        let url = &item["request"]["url"];
        let raw = url["raw"].as_str().unwrap().strip_prefix("{{base}}").unwrap();
        let joined: Vec<&str> = url["path"].as_array().unwrap().iter().map(|segment| segment.as_str().unwrap()).collect();
        assert_eq!(raw, format!("/{}", joined.join("/")));
        assert!(item["name"].is_string() && item["request"]["header"].to_string().contains("ESANTE-API-KEY"), "{item}");
        let segments: Vec<String> =
            joined.iter().map(|s| s.strip_prefix(':').map_or_else(|| (*s).to_owned(), |name| format!("{{{name}}}"))).collect();
        named.insert((format!("/{}", segments.join("/")), item["request"]["method"].as_str().unwrap().to_owned()));
    }
    let paths = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<(String, String)> = paths
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (path.clone(), method.to_uppercase())))
        .collect();
    assert_eq!(named, described);
}

/// The description of somebody who may be published.
const DESCRIPTION: &str = r#"{"resourceType":"Parameters","parameter":[{"name":"resource","resource":
    {"resourceType":"Practitioner","name":[{"family":"Martin"}]}}]}"#;

/// Whether a path is of a type, whose resources are published.
fn template_of_type(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    first.starts_with(|c: char| c.is_ascii_uppercase()) && first != "Subscription"
}

/// Addresses of links, decoded from HTML.
fn links(html: &str) -> Vec<String> {
    let all = html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    all.map(|link| link.replace("&amp;", "&").replace("&#38;", "&")).collect()
}

/// The text between the tags of the answer that a page shows.
fn shown(html: &str) -> String {
    let answer =
        html.split("<pre class=\"answer\"").nth(1).unwrap().split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    let mut inside = false;
    let kept = answer.chars().filter(|c| {
        let kept = !inside && *c != '<';
        inside = (inside || *c == '<') && *c != '>';
        kept
    });
    let text: String = kept.collect();
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")].iter().fold(text, |t, (entity, c)| t.replace(entity, c))
}

#[test]
fn a_browser_reads_what_a_program_reads() {
    let (_dir, server) = server(false);
    let home = ask(&server, "GET", "/fhir/v2", BROWSER, "");
    assert_eq!(home.status, 200, "{}", home.body);
    assert!(home.head.contains("content-type: text/html") && home.head.contains("vary: accept"), "{}", home.head);
    assert!(home.head.contains("content-security-policy: default-src 'none'"), "{}", home.head);
    assert!(home.body.contains("mailto:api@annuaire.example"));

    // Each link of the page answers something, as a page and as FHIR.
    let examples: Vec<String> =
        links(&home.body).into_iter().filter(|link| link.starts_with("/fhir/v2/") && !link.contains(".json")).collect();
    assert!(examples.len() > 20, "{examples:?}");
    for link in &examples {
        let raw = ask(&server, "GET", link, "Accept: application/fhir+json\r\n", "");
        assert_eq!(raw.status, 200, "{link}: {}", raw.body);
        let resource: Value = serde_json::from_str(&raw.body).unwrap();
        assert!(resource["resourceType"] != "Bundle" || resource["total"].as_u64().unwrap() > 0, "{link} answers nothing");
        let page = ask(&server, "GET", link, BROWSER, "");
        assert_eq!(page.status, 200, "{link}");
        assert!(page.head.contains("content-type: text/html") && page.head.contains("noindex"), "{link}: {}", page.head);
        // Tokens of links are made anew for each answer.
        if !raw.body.contains("_page?id=") {
            let mut indenter = annuaire_web::JsonIndenter::default();
            assert_eq!(shown(&page.body), String::from_utf8(indenter.indent(raw.body.as_bytes())).unwrap(), "{link}");
        }
        let pretty = format!("{link}{}_pretty=true", if link.contains('?') { '&' } else { '?' });
        let pretty = ask(&server, "GET", &pretty, "", "").body;
        assert!(pretty.starts_with("{\n  \"resourceType\": "), "{link}: {pretty}");
    }
    // A reference leads to its resource.
    let roles = ask(&server, "GET", "/fhir/v2/PractitionerRole?_count=1", BROWSER, "").body;
    let reference = links(&roles).into_iter().find(|link| link.starts_with("/fhir/v2/Practitioner/")).unwrap();
    assert_eq!(ask(&server, "GET", &reference, BROWSER, "").status, 200);

    // Programs find what they found before.
    for accept in ["", "Accept: */*\r\n", "Accept: application/fhir+json\r\n"] {
        let told = ask(&server, "GET", "/fhir/v2", accept, "");
        assert_eq!(told.status, 404);
        assert!(told.body.contains("no-such-address") && told.head.contains("vary: accept"), "{}", told.head);
    }
    let plain = ask(&server, "GET", "/fhir/v2/Device?_format=json&_count=1", BROWSER, "");
    assert!(plain.head.contains("content-type: application/fhir+json"), "{}", plain.head);

    // A refusal is shown with its status.
    let refused = ask(&server, "GET", "/fhir/v2/Practitioner?famly=x", BROWSER, "");
    assert_eq!(refused.status, 400);
    assert!(shown(&refused.body).contains("Did you mean family?"), "{}", refused.body);
    let missing = ask(&server, "GET", "/fhir/v2/practitioner/x", BROWSER, "");
    assert_eq!(missing.status, 404);
    assert!(shown(&missing.body).contains("Did you mean Practitioner?"), "{}", missing.body);
    let odd = ask(&server, "GET", "/fhir/v2/Device?model=%3Cscript%3E'x", BROWSER, "");
    assert!(!odd.body.contains("<script>") && odd.body.contains("%3Cscript%3E%27x"), "{}", odd.body);

    // The form leads to the request that it means.
    let sent =
        ask(&server, "GET", "/developpeurs/demande?type=Practitioner&c.family=%3Acontains&v.family=ar&v._count=2", BROWSER, "");
    assert_eq!(sent.status, 303);
    assert_eq!(sent.location, "/fhir/v2/Practitioner?family:contains=ar&_count=2");
    assert_eq!(ask(&server, "GET", "/developpeurs/demande?type=Person", BROWSER, "").status, 404);
    for guide in ["/developpeurs/guide", "/developpeurs/guide-en"] {
        let told = ask(&server, "GET", guide, "", "");
        assert_eq!(told.status, 200);
        assert!(told.body.contains(&format!("http://{}/Practitioner?family=martin", server.base)), "its own address");
    }
}

/// Every comparison that a form offers is one that the API takes.
#[test]
fn what_a_form_offers_is_understood() {
    let (_dir, server) = server(false);
    let home = ask(&server, "GET", "/fhir/v2", BROWSER, "").body;
    let mut asked = 0;
    for form in home.split("<form class=\"api\"").skip(1).map(|rest| rest.split("</form>").next().unwrap()) {
        let ty = form.split("name=\"type\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        for select in form.split("<select ").skip(1).map(|rest| rest.split("</select>").next().unwrap()) {
            let name = select.split("name=\"").nth(1).unwrap().split('"').next().unwrap();
            for option in select.split("<option value=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                let value = match option {
                    ":missing" => "true",
                    ":of-type" => "a%7Cb%7Cc",
                    _ if option.starts_with('=') || option == ".period" => "2026-11-01",
                    _ if name == "c.phonetic" || option == ".phonetic" => "martin",
                    _ => "10",
                };
                let (kind, name) = name.split_at(2);
                let sent = match kind {
                    "c." => format!("c.{name}={}&v.{name}={value}", option.replace(':', "%3A").replace('=', "%3D")),
                    _ => format!("v.{name}={option}"),
                };
                let told = ask(&server, "GET", &format!("/developpeurs/demande?type={ty}&{sent}"), BROWSER, "");
                assert_eq!(told.status, 303, "{ty} {sent}");
                let answer = ask(&server, "GET", &told.location, "Prefer: handling=strict\r\n", "");
                assert_eq!(answer.status, 200, "{}: {}", told.location, answer.body);
                asked += 1;
            }
        }
    }
    assert!(asked > 100, "{asked}");
}

#[test]
fn a_stranger_reads_how_to_ask_and_no_answer() {
    let (_dir, server) = server(true);
    let home = ask(&server, "GET", "/fhir/v2", BROWSER, "");
    assert_eq!(home.status, 200);
    assert!(home.body.contains("ESANTE-API-KEY"));
    let told = ask(&server, "GET", "/fhir/v2/Practitioner?_count=1", BROWSER, "");
    assert_eq!(told.status, 401);
    assert!(shown(&told.body).contains("api-key-required") && told.body.contains("VOTRE-CLE"), "{}", told.body);
    assert!(!told.body.contains("003-"), "no resource");
    let restricted = ask(&server, "GET", "/fhir/dr/Practitioner", BROWSER, "");
    assert!(restricted.head.contains("content-type: application/fhir+json"), "the door is before the public perimeter alone");
}
