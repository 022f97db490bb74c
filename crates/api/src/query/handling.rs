//! Strict and lenient handling of a search (R4 search, "Handling Errors").

use axum::http::HeaderMap;

/// What a search does with unknown parameters and modifiers (`Prefer: handling=`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Handling {
    /// Like the national service: an unknown parameter is refused, an unknown modifier has no effect.
    #[default]
    Usual,
    /// Both are refused.
    Strict,
    /// An unknown parameter is ignored, with a warning.
    Lenient,
}

impl Handling {
    /// The handling that a request prefers.
    pub(crate) fn of_request(headers: &HeaderMap) -> Self {
        let all = headers.get_all("prefer").iter().filter_map(|v| v.to_str().ok());
        let wanted = all.flat_map(|v| v.split([',', ';'])).find_map(|v| match v.trim().to_ascii_lowercase().as_str() {
            "handling=lenient" => Some(Self::Lenient),
            "handling=strict" => Some(Self::Strict),
            _ => None,
        });
        wanted.unwrap_or_default()
    }
}
