//! Electronic certificates of professionals and structures; restricted.

use crate::extensions::DIGITAL_CERTIFICATE;
use crate::json::JsonWriter;
use annuaire_mos::Certificat;

/// The extension of one certificate. A revoked certificate was valid until its revocation.
pub(crate) fn write(j: &mut JsonWriter, c: &Certificat) {
    let end = if c.date_revocation.is_empty() { &c.date_fin } else { &c.date_revocation };
    j.complex_extension(DIGITAL_CERTIFICATE, |j| {
        j.string_extension("serialNumber", &c.numero);
        j.string_extension("issuer", &c.emetteur);
        j.string_extension("subject", &c.sujet);
        j.period_extension("validity", &c.date_debut, end);
        j.string_extension("domain", &c.domaine);
    });
}
