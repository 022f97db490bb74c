//! Signatures of notifications, as Standard Webhooks writes them (SUB-23): HMAC-SHA-256 over `id.timestamp.body`, in base64 after `v1,`;
//! during a rotation one signature for each key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;
/// Start of a signing key as text.
const PREFIX: &str = "whsec_";

/// HMAC-SHA-256 (RFC 2104) of the parts of a message, one after the other.
fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut inner = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x36));
    message.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new_with_prefix(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

/// A signing key as text, of 24 or more random bytes.
#[must_use]
pub fn key_text(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// The header `webhook-signature`: a signature for each key, in order. A key that cannot be read signs nothing.
#[must_use]
pub fn signature<'a>(keys: impl IntoIterator<Item = &'a str>, id: &str, timestamp: i64, body: &[u8]) -> String {
    let seconds = timestamp.to_string();
    let message: [&[u8]; 5] = [id.as_bytes(), b".", seconds.as_bytes(), b".", body];
    let sign = |key: &str| {
        let key = STANDARD.decode(key.strip_prefix(PREFIX)?).ok()?;
        Some(format!("v1,{}", STANDARD.encode(hmac(&key, &message))))
    };
    keys.into_iter().filter_map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use annuaire_base::text::hex;

    /// RFC 4231, test cases 1, 2, 3 and 6.
    #[test]
    fn hmac_is_that_of_the_rfc() {
        let cases: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hex(&hmac(key, &[message])), expected);
            assert_eq!(hex(&hmac(key, &[&message[..3], &message[3..]])), expected);
        }
    }

    /// The example of Standard Webhooks.
    #[test]
    fn the_signature_is_that_of_standard_webhooks() {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature([key], id, 1_614_265_330, body), expected);
        let two = signature([key, &key_text(&[7; 24]), "no key"], id, 1_614_265_330, body);
        assert!(two.starts_with(expected) && two.split(' ').count() == 2, "{two}");
    }
}
