//! What a client accepts, with its preferences (RFC 9110 §12.4.2 and §12.5.3).

use axum::http::{HeaderMap, header};

/// Whether the client accepts gzip and does not prefer the plain answer. A coding that is named wins over `*`; an item that
/// cannot be parsed is ignored.
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut any) = (None, None, None);
    let items = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    for item in items {
        let mut words = item.split(';').map(str::trim);
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        let weight = match words.next() {
            None => Some(1_000),
            Some(word) => {
                word.split_once('=').filter(|(q, _)| q.trim().eq_ignore_ascii_case("q")).and_then(|q| strict_quality(q.1.trim()))
            }
        };
        let Some(weight) = weight else { continue };
        match name.as_str() {
            "gzip" | "x-gzip" => gzip = gzip.max(Some(weight)),
            "identity" => identity = identity.max(Some(weight)),
            "*" => any = any.max(Some(weight)),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0);
    gzip > 0 && gzip >= identity.unwrap_or(0)
}

/// The quality of a `q` parameter in thousandths; `None` for a text that is no quality.
fn strict_quality(text: &str) -> Option<u32> {
    let (units, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) || !matches!(units, "0" | "1") {
        return None;
    }
    let thousandths = format!("{decimals:0<3}").parse::<u32>().ok()?;
    let all = if units == "1" { 1_000 + thousandths } else { thousandths };
    (all <= 1_000).then_some(all)
}

/// The quality of an item of `Accept`, 1 when it states none. Any number is read, as by the national service: clients that
/// write `q=0.8000` or `q=2` get an answer.
#[must_use]
pub fn lenient_quality(item: &str) -> f32 {
    item.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q=")?.parse().ok()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::accepts_gzip;
    use axum::http::{HeaderMap, header};

    #[test]
    fn the_named_coding_wins_over_the_star() {
        for (accepted, given) in [
            (true, "gzip"),
            (true, "GZIP;q=0.5"),
            (true, "deflate, gzip;q=1.0, *;q=0"),
            (true, "*"),
            (true, "br;q=1, *;q=0.1"),
            (true, "identity;q=0, *"),
            (true, "gzip;q=0.5, identity;q=0.5"),
            (true, "x-gzip"),
            (true, "gzip ; Q = 0.3"),
            (false, ""),
            (false, "identity"),
            (false, "br"),
            (false, "gzip;q=0"),
            (false, "gzip;q=0, *"),
            (false, "*, gzip;q=0.000"),
            (false, "*;q=0"),
            (false, "gzip;q=0.2, identity;q=0.9"),
            (false, "gzip;q=2"),
            (false, "gzip;q=0.0001"),
            (false, "gzip;q=x"),
            (false, "gzip;x=1"),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, given.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), accepted, "{given}");
        }
        let mut two = HeaderMap::new();
        two.append(header::ACCEPT_ENCODING, "br".parse().unwrap());
        two.append(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
        assert!(accepts_gzip(&two) && !accepts_gzip(&HeaderMap::new()));
    }
}
