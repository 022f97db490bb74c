//! Keys of the rows that were added lately.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::resource_keys::ResourceKeys;
use crate::row::Row;

/// Most bytes of keys; some ten thousand rows.
const BYTES_MAX: usize = 16 << 20;

/// Keys of consecutive rows, the latest of the store.
#[derive(Default)]
pub struct RecentKeys {
    first: Row,
    keys: VecDeque<Arc<ResourceKeys>>,
    bytes: usize,
}

impl RecentKeys {
    /// Adds rows; those before them are forgotten when they do not follow.
    pub fn extend(&mut self, first: Row, keys: Vec<ResourceKeys>) {
        if first.get().checked_sub(self.first.get()) != Some(self.keys.len() as u32) {
            *self = Self { first, ..Self::default() };
        }
        for keys in keys {
            self.bytes += keys.weight();
            self.keys.push_back(Arc::new(keys));
        }
        while self.bytes > BYTES_MAX
            && let Some(oldest) = self.keys.pop_front()
        {
            self.bytes -= oldest.weight();
            self.first = Row::new(self.first.get() + 1);
        }
    }

    pub fn get(&self, row: Row) -> Option<Arc<ResourceKeys>> {
        self.keys.get(row.get().checked_sub(self.first.get())? as usize).cloned()
    }
}
