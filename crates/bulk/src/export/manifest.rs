//! The manifest of an export: what clients of the second, third and fourth edition of Bulk Data read.

use annuaire_base::date::iso_ms;
use serde_json::{Map, Value, json};

use super::record::{ExportFiles, ExportRequest};
use crate::manifest::file_item;
use crate::state::PageItem;

/// Logical model of the manifest (Bulk Data STU4).
const MANIFEST_TYPE: &str = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest";

/// How addresses are written in the manifest of an export.
#[derive(Debug, Clone, Copy)]
pub struct ExportAddresses<'a> {
    /// Address of the export, without a slash at the end.
    pub export: &'a str,
    /// Whether files need what the start needed (BULK-18).
    pub requires_access: bool,
}

/// The manifest (BULK-12, BULK-15…18). `error` and `outcome` name the files of what was ignored, for older and newer clients.
#[must_use]
pub fn export_manifest(request: &ExportRequest, files: &ExportFiles, addresses: ExportAddresses<'_>) -> Vec<u8> {
    let item = |item: &PageItem| {
        let file = files.files.get(&item.sha256)?;
        Some(file_item(&item.ty, &format!("{}/files/{}.ndjson", addresses.export, item.sha256), file, None))
    };
    let all = |items: &[PageItem]| items.iter().filter_map(item).collect::<Vec<Value>>();
    let told = |items: &[PageItem]| {
        let with_severity = |mut told: Value| {
            told["countSeverity"] = json!([{"code": "warning", "count": told["count"]}]);
            told
        };
        items.iter().filter_map(item).map(with_severity).collect::<Vec<Value>>()
    };
    let mut manifest = Map::new();
    manifest.insert("manifestType".into(), MANIFEST_TYPE.into());
    manifest.insert("transactionTime".into(), iso_ms(request.commit_ms).into());
    manifest.insert("request".into(), request.address.as_str().into());
    manifest.insert("requiresAccessToken".into(), addresses.requires_access.into());
    manifest.insert("outputFormat".into(), "application/fhir+ndjson".into());
    manifest.insert("output".into(), all(&files.output).into());
    manifest.insert("deleted".into(), all(&files.deleted).into());
    manifest.insert("error".into(), told(&files.outcome).into());
    if !files.outcome.is_empty() {
        manifest.insert("outcome".into(), told(&files.outcome).into());
    }
    Value::Object(manifest).to_string().into_bytes()
}
