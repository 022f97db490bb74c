//! The lines of `$changes`, written in pieces.

use annuaire_base::Tx;
use annuaire_base::date::iso_ms;
use annuaire_index::{RoaringBitmap, Row, Snapshot, Tombstone, Version};
use sha2::{Digest, Sha256};

use crate::error::ApiError;
use crate::json::quote;
use crate::types::type_name;

/// Lines that are not written yet.
pub(crate) struct ChangeLines {
    /// Transaction of their state.
    tx: Tx,
    rows: RoaringBitmap,
    with_resources: bool,
    version: Version,
    /// The transaction of the line before, with its instant as it is written.
    written: (Tx, String),
}

impl ChangeLines {
    pub(crate) fn new(tx: Tx, rows: RoaringBitmap, with_resources: bool) -> Self {
        Self { tx, rows, with_resources, version: Version::default(), written: (Tx::NONE, String::new()) }
    }

    /// Transaction of the state that the lines are of.
    pub(crate) const fn tx(&self) -> Tx {
        self.tx
    }

    /// About as many bytes of lines, and whether they are the last.
    pub(crate) fn write(&mut self, snap: &Snapshot, bytes: usize) -> Result<(Vec<u8>, bool), ApiError> {
        let mut out = Vec::with_capacity(bytes + 4_096);
        let mut reader = snap.reader();
        let rows = std::mem::take(&mut self.rows);
        let mut rows_left = rows.iter();
        for row in rows_left.by_ref() {
            reader.read(Row::new(row), &mut self.version).map_err(ApiError::from_index)?;
            if self.version.tx != self.written.0 {
                let instant = snap.commit_ms_of(self.version.tx).map_err(ApiError::internal)?;
                self.written = (self.version.tx, iso_ms(instant));
            }
            self.write_line(&mut out);
            if out.len() >= bytes {
                break;
            }
        }
        self.rows = rows_left.collect();
        Ok((out, self.rows.is_empty()))
    }

    fn write_line(&self, out: &mut Vec<u8>) {
        let version = &self.version;
        let (tx, instant) = &self.written;
        out.extend_from_slice(format!(r#"{{"tx":{tx},"time":"{instant}","type":"{}","id":"#, type_name(version.ty)).as_bytes());
        quote(out, version.id());
        let operation = match version.tombstone {
            None if version.number == 1 => r#""create""#,
            None => r#""update""#,
            Some(Tombstone::Vanished) => r#""delete""#,
            // WDR-2: whoever holds a copy must purge it.
            Some(Tombstone::WithdrawnByLaw) => r#""delete","withdrawn":true"#,
        };
        out.extend_from_slice(format!(r#","version":{},"op":{operation}"#, version.number).as_bytes());
        if version.tombstone.is_none() {
            out.extend_from_slice(br#","hash":"sha256:"#);
            for byte in Sha256::digest(version.body()) {
                out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            out.push(b'"');
            if self.with_resources {
                out.extend_from_slice(br#","resource":"#);
                out.extend_from_slice(version.body());
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";
