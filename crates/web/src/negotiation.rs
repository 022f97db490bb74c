//! What a client accepts, with its preferences (RFC 9110 §12.4.2 and §12.5.3).

use axum::http::{HeaderMap, header};

/// Whether the client accepts gzip and does not prefer the plain answer. A coding that is named wins over `*`; an item that
/// cannot be parsed is ignored.
#[must_use]
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let weights = CodingWeights::of(headers);
    let gzip = weights.gzip.or(weights.any).unwrap_or(0);
    gzip > 0 && gzip >= weights.identity.unwrap_or(0)
}

/// Whether the client names zstd, and prefers neither gzip nor the plain answer to it. `*` does not stand for it: many programs that
/// write a star cannot read it.
#[must_use]
pub fn accepts_zstd(headers: &HeaderMap) -> bool {
    let weights = CodingWeights::of(headers);
    let zstd = weights.zstd.unwrap_or(0);
    zstd > 0 && zstd >= weights.gzip.unwrap_or(0) && zstd >= weights.identity.unwrap_or(0)
}

/// Weights that `Accept-Encoding` gives to codings, in thousandths; `None` for one that it does not name.
#[derive(Default)]
struct CodingWeights {
    zstd: Option<u32>,
    gzip: Option<u32>,
    identity: Option<u32>,
    any: Option<u32>,
}

impl CodingWeights {
    fn of(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        let items = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
        for item in items {
            let mut words = item.split(';').map(str::trim);
            let name = words.next().unwrap_or_default().to_ascii_lowercase();
            let weight = match words.next() {
                None => Some(1_000),
                Some(word) => word
                    .split_once('=')
                    .filter(|(q, _)| q.trim().eq_ignore_ascii_case("q"))
                    .and_then(|q| strict_quality(q.1.trim())),
            };
            let Some(weight) = weight else { continue };
            let place = match name.as_str() {
                "zstd" => &mut all.zstd,
                "gzip" | "x-gzip" => &mut all.gzip,
                "identity" => &mut all.identity,
                "*" => &mut all.any,
                _ => continue,
            };
            *place = (*place).max(Some(weight));
        }
        all
    }
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
    use super::{accepts_gzip, accepts_zstd};
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

    #[test]
    fn zstd_is_sent_to_those_who_name_it() {
        for (accepted, given) in [
            (true, "zstd"),
            (true, "deflate, gzip, br, zstd"),
            (true, "zstd;q=0.5, gzip;q=0.4"),
            (false, "*"),
            (false, "gzip"),
            (false, "zstd;q=0"),
            (false, "zstd;q=0.5, gzip"),
            (false, "zstd;q=0.5, identity"),
            (false, ""),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, given.parse().unwrap())]);
            assert_eq!(accepts_zstd(&headers), accepted, "{given}");
        }
    }
}
