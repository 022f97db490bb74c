//! QR codes of addresses, as pictures made here.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::limits;

/// The picture of an address, black on white in both colour schemes; `None` for an address that is too long to be read from paper.
pub(crate) fn qr_picture(address: &str) -> Option<String> {
    if address.len() > limits::QR_BYTES {
        return None;
    }
    let code = QrCode::with_error_correction_level(address, EcLevel::M).ok()?;
    Some(code.render::<svg::Color<'_>>().min_dimensions(limits::QR_PIXELS, limits::QR_PIXELS).build())
}

#[cfg(test)]
mod tests {
    use super::qr_picture;

    #[test]
    fn an_address_has_a_picture_of_its_own_unless_it_is_too_long() {
        let picture = |address: &str| qr_picture(address).unwrap();
        let one = picture("https://annuaire.example/professionnel/810999000001");
        assert!(one.contains("<svg ") && one.contains("fill=\"#fff\"") && !one.contains("style="));
        assert_ne!(one, picture("https://annuaire.example/professionnel/810999000002"));
        assert_eq!(qr_picture(&"a".repeat(2_000)), None);
    }
}
