//! « Informations légales au professionnel » (registration §4.6).

use crate::form::PostedForm;
use annuaire_workflow::request::{LegalStatement, VerificationMethod};

/// The block, as it is shown again after an error.
#[derive(Debug, Clone, Default)]
pub(crate) struct LegalBlock {
    pub(crate) statement: LegalStatement,
    /// What is missing: E-LEG-01, E-LEG-02.
    pub(crate) error: String,
}

/// Values of the method and their words.
pub(crate) const METHODS: [(&str, &str, VerificationMethod); 3] = [
    ("FRANCECONNECT", "FranceConnect", VerificationMethod::FranceConnect),
    ("DOCUMENT_RH", "Pièce d’identité déjà vérifiée à l’embauche", VerificationMethod::CheckedAtHiring),
    ("AUTRE", "Autre", VerificationMethod::Other),
];

impl LegalBlock {
    /// Value, words, and whether it is chosen.
    pub(crate) fn methods(&self) -> Vec<(&'static str, &'static str, bool)> {
        METHODS.iter().map(|(value, words, method)| (*value, *words, self.statement.method == Some(*method))).collect()
    }
}

/// The statement of a form.
pub(crate) fn statement_of(form: &PostedForm) -> LegalStatement {
    let method = METHODS.iter().find(|(value, ..)| *value == form.get("methode")).map(|(_, _, method)| *method);
    LegalStatement { confirmed: form.is_ticked("legal"), face_to_face: form.is_ticked("faceAFace"), method }
}
