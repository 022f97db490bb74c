//! The format of an answer: `_format`, `fhirVersion` and `Accept` (HTTP-1, HTTP-2).

use annuaire_web::{ErrorCode, lenient_quality};
use axum::http::{HeaderMap, header, request::Parts};

use crate::error::ApiError;
use crate::headers::header_text;
use crate::query::decode_form;

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerFormat {
    /// FHIR JSON.
    Json,
    /// FHIR XML.
    Xml,
    /// Lines of JSON, which `$changes` and published files alone have.
    Lines,
}

impl AnswerFormat {
    /// The format that a request asks: `_format` first, then `Accept`.
    pub(crate) fn of_request(parts: &Parts) -> Result<Self, ApiError> {
        if let Some(format) = Self::of_parameters(parts.uri.query().unwrap_or_default())? {
            return Ok(format);
        }
        let accept = header_text(&parts.headers, header::ACCEPT);
        if accept.trim().is_empty() {
            return Ok(Self::Json);
        }
        // The best quality wins, and the first item among equals.
        let mut best: Option<(f32, Self)> = None;
        for item in accept.split(',') {
            let quality = lenient_quality(item);
            if let Some(format) = Self::of_media_type(item).filter(|_| quality > 0.0)
                && best.is_none_or(|b| quality > b.0)
            {
                best = Some((quality, format));
            }
        }
        best.map(|b| b.1).ok_or_else(|| not_served(accept))
    }

    /// The format that the parameters of a query or form ask.
    pub(crate) fn of_parameters(raw: &str) -> Result<Option<Self>, ApiError> {
        let mut found = None;
        // Every request passes here: only the value of a parameter that matters is decoded.
        for (name, value) in raw.split('&').filter_map(|part| part.split_once('=')) {
            let name = decode_form(name);
            let value = || decode_form(value).unwrap_or_default();
            match name.as_deref() {
                // A `+` of the media type arrives as a space when the client did not encode it.
                Some("_format") if found.is_none() => {
                    let value = value().replace(' ', "+");
                    if !value.is_empty() {
                        found = Some(Self::of_media_type(&value).ok_or_else(|| not_served(&value))?);
                    }
                }
                Some("fhirVersion") if !is_r4(&value()) => return Err(not_served(&format!("FHIR {}", value()))),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Whether the parameters of a query or form ask for JSON that people can read (`_pretty=true`).
    pub(crate) fn is_for_people(raw: &str) -> bool {
        let mut named = raw.split('&').filter_map(|part| part.split_once('=')).filter(|(name, _)| {
            // Most requests have no such name: only one that may be it is decoded.
            name.ends_with("pretty") && decode_form(name).as_deref() == Some("_pretty")
        });
        named.any(|(_, value)| value == "true")
    }

    /// The format of a media type with its parameters.
    fn of_media_type(name: &str) -> Option<Self> {
        let mut parts = name.split(';').map(|part| part.trim().to_ascii_lowercase());
        let format = match parts.next().unwrap_or_default().as_str() {
            "json" | "application/fhir+json" | "application/json" | "text/json" | "application/json+fhir" => Self::Json,
            "xml" | "application/fhir+xml" | "application/xml" | "text/xml" | "application/xml+fhir" => Self::Xml,
            "application/x-ndjson" | "application/ndjson" | "application/fhir+ndjson" => Self::Lines,
            "*/*" | "application/*" | "text/html" | "text/*" | "text/plain" => Self::Json,
            _ => return None,
        };
        let other = parts.any(|part| part.strip_prefix("fhirversion=").is_some_and(|v| !is_r4(v.trim_matches('"'))));
        (!other).then_some(format)
    }
}

fn is_r4(version: &str) -> bool {
    matches!(version, "" | "4.0" | "4.0.1")
}

pub(crate) fn not_served(what: &str) -> ApiError {
    let text = format!("Format {what} is not served: use application/fhir+json or application/fhir+xml, FHIR 4.0.");
    ApiError::new(ErrorCode::FormatNotServed, text)
}

/// Whether the body of a request holds parameters.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind = header_text(headers, header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}
