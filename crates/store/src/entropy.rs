//! Where random bytes come from.

use std::sync::Arc;

/// Fills a buffer with random bytes: identities of logs, salts of rows. A parameter of opening, so that tests repeat themselves; in
/// production it must be the generator of the operating system.
pub type Entropy = Arc<dyn Fn(&mut [u8]) + Send + Sync>;
