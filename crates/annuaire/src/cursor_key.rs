//! The key that seals links to next pages.

use anyhow::{Result, anyhow};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, aead::OsRng};
use std::fs;
use std::path::Path;

/// Reads the key from the data directory; the first call makes it.
pub(crate) fn cursor_key(data: &Path) -> Result<[u8; 32]> {
    let path = data.join("cursor.key");
    if let Ok(bytes) = fs::read(&path) {
        return bytes.try_into().map_err(|_| anyhow!("{}: not a key of 32 bytes; delete it to make a new one", path.display()));
    }
    let key: [u8; 32] = ChaCha20Poly1305::generate_key(&mut OsRng).into();
    let mut open = fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    std::io::Write::write_all(&mut open.open(&path)?, &key)?;
    Ok(key)
}
