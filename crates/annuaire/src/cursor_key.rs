//! The key that seals links to next pages.

use aes_gcm_siv::{Aes256GcmSiv, KeyInit, aead::OsRng};
use anyhow::{Result, anyhow};
use std::fs;
use std::path::Path;

/// Reads the key from the data directory; the first call makes it.
pub(crate) fn cursor_key(data: &Path) -> Result<[u8; 32]> {
    let path = data.join("cursor.key");
    if let Ok(bytes) = fs::read(&path) {
        return bytes.try_into().map_err(|_| anyhow!("{}: not a key of 32 bytes; delete it to make a new one", path.display()));
    }
    let key: [u8; 32] = Aes256GcmSiv::generate_key(&mut OsRng).into();
    let mut open = fs::OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    std::io::Write::write_all(&mut open.open(&path)?, &key)?;
    Ok(key)
}
