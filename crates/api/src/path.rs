//! Paths of the API: mounts, and segments however they are spelled.

use std::borrow::Cow;

use crate::query::decode_segment;

/// The public perimeter.
pub(crate) const PUBLIC: &str = "/fhir/v2";
/// The public perimeter under its other name.
pub(crate) const PUBLIC_ALIAS: &str = "/fhir/dp";
/// The restricted perimeter.
pub(crate) const RESTRICTED: &str = "/fhir/dr";
/// The historised perimeter: the restricted one with all its past.
pub(crate) const HISTORISED: &str = "/fhir/historique";
/// All mounts, under which an address of a resource may be written.
pub(crate) const MOUNTS: [&str; 4] = [PUBLIC, PUBLIC_ALIAS, RESTRICTED, HISTORISED];

/// The part of a path below a mount: empty or `/…`; `None` for a path that is not below it.
pub(crate) fn below_mount<'a>(path: &'a str, mount: &str) -> Option<&'a str> {
    path.strip_prefix(mount).filter(|below| below.is_empty() || below.starts_with('/'))
}

/// Whether the router reads the segments of a path as [`segments`] does: nothing is percent-encoded, no segment is empty, and no
/// slash ends the path.
pub(crate) fn is_plain(path: &str) -> bool {
    !path.contains('%') && !path.contains("//") && !path.ends_with('/')
}

/// The segments of a path, decoded, without the empty ones: extra slashes never change what an address names. `None` when a
/// segment cannot be decoded.
pub(crate) fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    path.split('/').filter(|segment| !segment.is_empty()).map(decode_segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_ends_with_its_segment() {
        assert_eq!(below_mount("/fhir/v2/x", PUBLIC), Some("/x"));
        assert_eq!(below_mount("/fhir/v2", PUBLIC), Some(""));
        assert_eq!(below_mount("/fhir/v22", PUBLIC), None);
        assert_eq!(below_mount("/fhir/dr/Person", RESTRICTED), Some("/Person"));
        assert_eq!(below_mount("/fhir/drx", RESTRICTED), None);
    }

    #[test]
    fn spellings_of_a_path_have_its_segments() {
        for path in ["/Organization/1", "//Organization//1/", "/Org%61nization/%31"] {
            assert_eq!(segments(path).unwrap(), ["Organization", "1"], "{path}");
        }
        assert_eq!(segments("/a%2Fb").unwrap(), ["a/b"]);
        assert!(segments("/%zz").is_none());
        assert!(is_plain("/Organization/1") && !is_plain("/a/") && !is_plain("/%61") && !is_plain("//a"));
    }
}
