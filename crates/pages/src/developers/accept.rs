//! Whether a client wants a page where programs get FHIR.

use annuaire_web::lenient_quality;
use axum::http::{HeaderMap, header};

/// Whether a client likes HTML better than what the API serves: the best quality wins, and the first item among equals, as in the
/// API. A query that names a format is answered in it.
pub(crate) fn prefers_html(headers: &HeaderMap, query: Option<&str>) -> bool {
    let names_format =
        form_urlencoded::parse(query.unwrap_or_default().as_bytes()).any(|(name, value)| name == "_format" && !value.is_empty());
    if names_format {
        return false;
    }
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut best: Option<(f32, bool)> = None;
    for item in accepted.flat_map(|value| value.split(',')) {
        let quality = lenient_quality(item);
        let name = item.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_html = matches!(name.as_str(), "text/html" | "application/xhtml+xml");
        if quality > 0.0 && !name.is_empty() && best.is_none_or(|(known, _)| quality > known) {
            best = Some((quality, is_html));
        }
    }
    best.is_some_and(|(_, is_html)| is_html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_do_not() {
        for (page, accept, query) in [
            (true, "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", ""),
            (true, "text/html", "name=a&_format="),
            (true, "text/html, application/fhir+json", ""),
            (true, "application/fhir+json;q=0.5, text/html", ""),
            (false, "text/html", "_format=json"),
            (false, "text/html", "%5Fformat=json"),
            (false, "application/fhir+json, text/html", ""),
            (false, "text/html;q=0.5, application/fhir+json", ""),
            (false, "text/html;q=0", ""),
            (false, "*/*", ""),
            (false, "", ""),
            (false, "application/json", ""),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(prefers_html(&headers, Some(query)), page, "{accept} {query}");
        }
        assert!(!prefers_html(&HeaderMap::new(), None));
    }
}
