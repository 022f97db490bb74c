//! Forwarding headers of trusted proxies and of strangers.

use super::*;
use crate::host::is_host;
use axum::http::HeaderName;
use proptest::prelude::*;

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in all {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

fn proxies() -> Proxies {
    Proxies::new(["10.0.0.0/8", "2001:db8:aa::/48", "192.0.2.9"].map(|n| n.parse().unwrap()).to_vec())
}

fn seen(peer: &str, all: &[(&str, &str)]) -> String {
    proxies().origin(Some(peer.parse().unwrap()), &headers(all)).address.unwrap().to_string()
}

#[test]
fn a_stranger_cannot_say_who_it_is() {
    for name in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        let value = if name == "forwarded" { "for=198.51.100.7;host=evil.example;proto=https" } else { "198.51.100.7" };
        let all = [(name, value), ("x-forwarded-host", "evil.example"), ("x-forwarded-prefix", "/evil")];
        let origin = proxies().origin(Some("203.0.113.5".parse().unwrap()), &headers(&all));
        assert_eq!(origin, Origin { address: Some("203.0.113.5".parse().unwrap()), ..Origin::default() }, "{name}");
    }
}

#[test]
fn the_right_most_untrusted_address_is_the_client() {
    for (client, list) in [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5", "198.51.100.7, 203.0.113.5"),
        ("203.0.113.5", "198.51.100.7,203.0.113.5:4711 , 10.2.3.4"),
        ("2001:db8::5", "x, [2001:db8::5]:80, 10.2.3.4, 2001:db8:aa::1"),
        ("2001:db8::5", "2001:db8::5"),
        ("203.0.113.5", "::ffff:203.0.113.5"),
        ("10.9.9.9", "10.9.9.9, 10.2.3.4"),
        ("10.0.0.1", ""),
        ("10.0.0.1", "198.51.100.7, unknown"),
        ("10.2.3.4", "198.51.100.7, _hidden, 10.2.3.4"),
        ("10.0.0.1", "198.51.100.7, 1.2.3"),
        ("10.0.0.1", "203.0.113.5,"),
    ] {
        assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", list)]), client, "{list}");
    }
    let two = [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "203.0.113.5")];
    assert_eq!(seen("10.0.0.1", &two), "203.0.113.5", "a second line goes on with the list");
    assert_eq!(seen("::ffff:10.0.0.1", &two), "203.0.113.5");
}

#[test]
fn forwarded_is_read_by_its_grammar() {
    for (client, list) in [
        ("203.0.113.5", "for=203.0.113.5"),
        ("203.0.113.5", "For=\"203.0.113.5:80\";proto=http, for=10.2.3.4;by=10.0.0.1"),
        ("2001:db8::5", "for=198.51.100.7, for=\"[2001:db8::5]:4711\""),
        ("203.0.113.5", "for=203.0.113.5;ext=\"a,b;for=198.51.100.7\\\"\""),
        ("203.0.113.5", " , for=198.51.100.7, ;for=203.0.113.5;"),
        ("10.0.0.1", "for=198.51.100.7, for=unknown"),
        ("10.0.0.1", "for=198.51.100.7, for=_proxy;proto=https"),
        ("10.0.0.1", "for=\"198.51.100.7"),
        ("10.0.0.1", "198.51.100.7"),
        ("10.0.0.1", "for=198.51.100.7 for=1"),
        ("10.0.0.1", "for=198.51.100.7, proto=https"),
    ] {
        assert_eq!(seen("10.0.0.1", &[("forwarded", list)]), client, "{list}");
    }
}

#[test]
fn headers_that_disagree_are_not_believed() {
    let told = |a: &'static str, b: &'static str| [("forwarded", a), ("x-forwarded-for", b)];
    assert_eq!(seen("10.0.0.1", &told("for=198.51.100.7", "203.0.113.5")), "10.0.0.1");
    assert_eq!(seen("10.0.0.1", &told("for=203.0.113.5", "203.0.113.5")), "203.0.113.5");
    let all = [
        ("forwarded", "for=203.0.113.5;host=evil.example"),
        ("x-forwarded-for", "203.0.113.5"),
        ("x-forwarded-host", "a.example"),
    ];
    assert_eq!(proxies().origin(Some("10.0.0.1".parse().unwrap()), &headers(&all)).host, None);
}

#[test]
fn scheme_host_and_prefix_come_from_the_proxy_that_saw_the_client() {
    let origin = |all: &[(&str, &str)]| {
        let o = proxies().origin(Some("10.0.0.1".parse().unwrap()), &headers(all));
        (o.scheme.unwrap_or("-"), o.host.unwrap_or_else(|| "-".to_owned()), o.prefix.unwrap_or_else(|| "-".to_owned()))
    };
    let own = |s: &'static str, h: &str, p: &str| (s, h.to_owned(), p.to_owned());
    let list = [("x-forwarded-for", "198.51.100.7, 203.0.113.5, 10.2.3.4"), ("x-forwarded-proto", "https, http")];
    assert_eq!(origin(&list), own("https", "-", "-"));
    let one = [("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example:8443"), ("x-forwarded-prefix", "/sante/")];
    assert_eq!(origin(&one), own("https", "a.example:8443", "/sante"));
    let rfc = [("forwarded", "for=203.0.113.5;proto=https;host=\"a.example:1\", for=10.2.3.4;proto=http;host=inner.example")];
    assert_eq!(origin(&rfc), own("https", "a.example:1", "-"));
    let appended = [("x-forwarded-for", "evil, 203.0.113.5"), ("x-forwarded-host", "evil.example, a.example")];
    assert_eq!(origin(&appended), own("-", "a.example", "-"));
    for bad in ["//evil.example", "/a/../b", "a", "/a\"b", "/a?b", "https://x", "/a//b"] {
        assert_eq!(origin(&[("x-forwarded-prefix", bad)]).2, "-", "{bad}");
    }
    for bad in ["a.example/x", "a b", "user@a.example", "a.example:x", "a.example:99999", "[::1", "", "é", "a:1:2"] {
        assert!(!is_host(bad), "{bad}");
    }
    for good in ["a", "a.example:80", "[::1]", "[2001:db8::1]:8080", "192.0.2.1", "a_b-c.example"] {
        assert!(is_host(good), "{good}");
    }
    assert_eq!(origin(&[("x-forwarded-proto", "ftp"), ("x-forwarded-host", "a/b")]), own("-", "-", "-"));
}

proptest! {
    /// Nothing that a client writes to the left changes what the proxy wrote to the right.
    #[test]
    fn no_text_to_the_left_is_believed(left in "[ -~]{0,40}") {
        prop_assert_eq!(seen("10.0.0.1", &[("x-forwarded-for", &left), ("x-forwarded-for", "203.0.113.5")]), "203.0.113.5");
        prop_assert_eq!(seen("10.0.0.1", &[("forwarded", &left), ("forwarded", "for=203.0.113.5")]), "203.0.113.5");
        // On one line, a quote that is not closed swallows what follows: then nothing is believed.
        let line = format!("{left},for=203.0.113.5");
        let rfc = seen("10.0.0.1", &[("forwarded", &line)]);
        prop_assert!(rfc == "203.0.113.5" || rfc == "10.0.0.1", "{}", rfc);
    }
}
