//! Attestations: of registration (SC50), and of profession 371 (registration §5.7). They say what is public, and nothing else.

use crate::paper::{Paper, PaperBlock, PaperError};

/// How anybody checks a paper (SC80).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperCheck {
    /// The code, as it is printed.
    pub code: String,
    /// Address of the page that checks it, with number and code.
    pub url: String,
}

/// A structure where somebody practises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestedPlace {
    /// FINESS or SIRET.
    pub number: String,
    /// Its name.
    pub name: String,
}

/// « Attestation d’enregistrement » (SC50).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationPaper {
    /// RPPS number.
    pub rpps: String,
    /// Given and family names of exercise.
    pub names: Vec<String>,
    /// Labels of professions.
    pub professions: Vec<String>,
    /// Structures of the situations that stand.
    pub places: Vec<AttestedPlace>,
    /// The day, `JJ/MM/AAAA`.
    pub day: String,
    /// How it is checked.
    pub check: PaperCheck,
}

/// The attestation of a qualified home helper, profession 371 (CASF L.313-1-4). Its code is recognised for the five years of its validity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeHelpPaper {
    /// RPPS number.
    pub rpps: String,
    /// Given and family names of exercise.
    pub names: Vec<String>,
    /// Label of the profession.
    pub profession: String,
    /// The employer that checked the proofs.
    pub place: AttestedPlace,
    /// Day of that check, `JJ/MM/AAAA`.
    pub verified_on: String,
    /// Last day on which the attestation is valid, `JJ/MM/AAAA`.
    pub valid_until: String,
    /// How it is checked.
    pub check: PaperCheck,
}

fn place_words(place: &AttestedPlace) -> String {
    if place.number.is_empty() { place.name.clone() } else { format!("{} ({})", place.name, place.number) }
}

fn named(value: String) -> String {
    if value.is_empty() { "Non renseigné".to_owned() } else { value }
}

fn check_blocks(check: PaperCheck, known_for: &str) -> [PaperBlock; 3] {
    [
        PaperBlock::Heading("Vérifier cette attestation".to_owned()),
        PaperBlock::Text(format!(
            "Code de vérification\u{a0}: {}. Saisissez-le avec le numéro RPPS à l’adresse ci-dessous, ou scannez le code QR. {known_for}",
            check.code
        )),
        PaperBlock::Link {
            url: check.url,
            alternative: "Code QR de la page qui vérifie cette attestation\u{a0}; l’adresse suit.".to_owned(),
        },
    ]
}

impl RegistrationPaper {
    /// The paper as PDF. Cost and errors: [`Paper::to_pdf`].
    pub fn to_pdf(&self) -> Result<Vec<u8>, PaperError> {
        let title = "Attestation d’enregistrement".to_owned();
        let names = self.names.join(", ");
        let mut blocks = vec![
            PaperBlock::Title(title.clone()),
            PaperBlock::Text(format!(
                "Le {}, l’annuaire atteste que {names} est enregistré(e) au répertoire partagé sous le numéro RPPS {}.",
                self.day, self.rpps
            )),
            PaperBlock::Facts(vec![
                ("Numéro RPPS".to_owned(), self.rpps.clone()),
                ("Nom et prénom d’exercice".to_owned(), named(names)),
                ("Profession".to_owned(), named(self.professions.join(", "))),
            ]),
        ];
        if !self.places.is_empty() {
            blocks.push(PaperBlock::Heading("Situations d’exercice".to_owned()));
            blocks.push(PaperBlock::Items(self.places.iter().map(place_words).collect()));
        }
        blocks.extend(check_blocks(self.check.clone(), "Ce code est reconnu pendant un an."));
        blocks.push(PaperBlock::Note("Ces informations sont celles de l’annuaire public à cette date.".to_owned()));
        Paper { title: format!("{title} - RPPS {}", self.rpps), blocks }.to_pdf()
    }
}

impl HomeHelpPaper {
    /// The paper as PDF. Cost and errors: [`Paper::to_pdf`].
    pub fn to_pdf(&self) -> Result<Vec<u8>, PaperError> {
        let title = "Attestation de profession".to_owned();
        let names = self.names.join(", ");
        let mut blocks = vec![
            PaperBlock::Title(title.clone()),
            PaperBlock::Text(format!(
                "L’annuaire atteste que {names} est enregistré(e) au répertoire partagé sous le numéro RPPS {} pour la profession \
                 ci-dessous. L’employeur a déclaré avoir vérifié les justificatifs.",
                self.rpps
            )),
            PaperBlock::Facts(vec![
                ("Numéro RPPS".to_owned(), self.rpps.clone()),
                ("Nom et prénom d’exercice".to_owned(), named(names)),
                ("Profession".to_owned(), self.profession.clone()),
                ("Établissement employeur".to_owned(), place_words(&self.place)),
                ("Date de vérification".to_owned(), self.verified_on.clone()),
                ("Valable jusqu’au".to_owned(), self.valid_until.clone()),
            ]),
        ];
        blocks.extend(check_blocks(self.check.clone(), "Ce code est reconnu pendant la durée de l’attestation."));
        blocks.push(PaperBlock::Note("Article L.313-1-4 du code de l’action sociale et des familles.".to_owned()));
        Paper { title: format!("{title} - RPPS {}", self.rpps), blocks }.to_pdf()
    }
}
