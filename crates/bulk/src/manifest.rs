//! Pages as they are written: the manifest of Bulk Publish (Bulk Data STU4).

use annuaire_base::date::iso_ms;
use serde_json::{Map, Value, json};

use crate::state::{ChainPage, Next, PageItem, PublishedFile, TreeState};

/// What the manifest is.
const MANIFEST_TYPE: &str = "http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkPublishManifest";
/// Extension of each file: what is needed to verify it, and the range of the log that it tells (PUB-14, PUB-16).
pub const FILE_EXTENSION: &str = "https://annuaire.example/fhir/StructureDefinition/bulk-file";
/// Extension of a page of the chain: what a witness says of the log up to its end (TLOG-3).
pub const CHECKPOINT_EXTENSION: &str = "https://annuaire.example/fhir/StructureDefinition/bulk-checkpoint";

/// How addresses are written in a page.
#[derive(Debug, Clone, Copy)]
pub enum Addresses<'a> {
    /// Relative to the root page: for the files of the tree, wherever they are served from.
    InRoot,
    /// Relative to a page below `pages/`.
    InPage,
    /// Below this address, without a slash at the end.
    Below {
        /// Address of the root page.
        root: &'a str,
        /// Whether files need what the root page needed (BULK-18).
        requires_access: bool,
    },
}

impl Addresses<'_> {
    fn file(self, sha256: &str) -> String {
        match self {
            Self::InRoot => format!("files/{sha256}.ndjson"),
            Self::InPage => format!("../files/{sha256}.ndjson"),
            Self::Below { root, .. } => format!("{root}/files/{sha256}.ndjson"),
        }
    }

    fn page(self, name: &str) -> String {
        match self {
            Self::InRoot => format!("pages/{name}.json"),
            Self::InPage => format!("{name}.json"),
            Self::Below { root, .. } => format!("{root}/pages/{name}"),
        }
    }

    fn mark(self, mark: &str) -> String {
        match self {
            Self::Below { root, .. } => format!("{root}{mark}"),
            Self::InRoot | Self::InPage => mark.to_owned(),
        }
    }
}

/// The bytes of a page.
pub(crate) fn render(state: &TreeState, page: &ChainPage, cadence: &str, addresses: Addresses<'_>) -> Vec<u8> {
    let items = |items: &[PageItem]| items.iter().filter_map(|item| item_of(state, page, item, addresses)).collect::<Vec<_>>();
    let next = match &page.next {
        Next::Pending => addresses.mark("#pending"),
        Next::Closed => addresses.mark("#closed"),
        Next::Page(name) => addresses.page(name),
    };
    let requires_access = matches!(addresses, Addresses::Below { requires_access: true, .. });
    let mut manifest = Map::new();
    manifest.insert("manifestType".into(), MANIFEST_TYPE.into());
    manifest.insert("transactionTime".into(), iso_ms(page.commit_ms).into());
    manifest.insert("updateCadence".into(), cadence.into());
    manifest.insert("requiresAccessToken".into(), requires_access.into());
    manifest.insert("outputFormat".into(), "application/fhir+ndjson".into());
    manifest.insert("output".into(), items(&page.output).into());
    manifest.insert("deleted".into(), items(&page.deleted).into());
    manifest.insert("link".into(), json!([{"relation": "next", "url": next}]));
    if let Some(checkpoint) = &page.checkpoint {
        manifest.insert("extension".into(), json!([{"url": CHECKPOINT_EXTENSION, "extension": checkpoint}]));
    }
    Value::Object(manifest).to_string().into_bytes()
}

fn item_of(state: &TreeState, page: &ChainPage, item: &PageItem, addresses: Addresses<'_>) -> Option<Value> {
    let file = state.files.get(&item.sha256)?;
    let range = match page.after {
        None => json!({"url": "tx", "valueDecimal": page.tx}),
        Some(after) => json!({"url": "tx-range", "extension": [
            {"url": "after", "valueDecimal": after},
            {"url": "to", "valueDecimal": page.tx},
        ]}),
    };
    Some(file_item(&item.ty, &addresses.file(&item.sha256), file, Some(range)))
}

/// A file as manifests name it, with what is needed to verify it (PUB-16) and what else is told of it.
pub(crate) fn file_item(ty: &str, url: &str, file: &PublishedFile, more: Option<Value>) -> Value {
    let mut facts = vec![
        json!({"url": "sha256", "valueString": file.encoded_sha256}),
        json!({"url": "size", "valueDecimal": file.size}),
        json!({"url": "decodedSize", "valueDecimal": file.decoded_size}),
        json!({"url": "encoding", "valueCode": "zstd"}),
    ];
    facts.extend(more);
    json!({
        "type": ty,
        "url": url,
        "count": file.lines,
        "fileSize": file.decoded_size,
        "extension": [{"url": FILE_EXTENSION, "extension": facts}],
    })
}
