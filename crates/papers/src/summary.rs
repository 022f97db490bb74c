//! The summary of a request (SC21).

use crate::paper::{Paper, PaperBlock, PaperError};

/// A request as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPaper {
    /// Its number.
    pub number: String,
    /// What is asked, in words.
    pub kind: String,
    /// « Statut de la demande », in words.
    pub state: String,
    /// RPPS number; empty before there is one.
    pub rpps: String,
    /// Titles of the sections, with labels and values; empty values read « Non renseigné ».
    pub sections: Vec<(String, Vec<(String, String)>)>,
    /// When each state was entered, and what it is called.
    pub steps: Vec<(String, String)>,
}

impl RequestPaper {
    /// The paper as PDF. Cost and errors: [`Paper::to_pdf`].
    pub fn to_pdf(&self) -> Result<Vec<u8>, PaperError> {
        let title = format!("Demande {}", self.number);
        let mut head = vec![
            ("Numéro de la demande".to_owned(), self.number.clone()),
            ("Statut de la demande".to_owned(), self.state.clone()),
            ("Type de demande".to_owned(), self.kind.clone()),
        ];
        if !self.rpps.is_empty() {
            head.push(("Numéro RPPS".to_owned(), self.rpps.clone()));
        }
        let mut blocks = vec![PaperBlock::Title(title.clone()), PaperBlock::Facts(head)];
        for (section, lines) in &self.sections {
            blocks.push(PaperBlock::Heading(section.clone()));
            let value = |value: &String| if value.trim().is_empty() { "Non renseigné".to_owned() } else { value.clone() };
            blocks.push(PaperBlock::Facts(lines.iter().map(|(label, content)| (label.clone(), value(content))).collect()));
        }
        if !self.steps.is_empty() {
            blocks.push(PaperBlock::Heading("Étapes".to_owned()));
            blocks.push(PaperBlock::Items(self.steps.iter().map(|(when, words)| format!("{when}\u{a0}: {words}")).collect()));
        }
        Paper { title, blocks }.to_pdf()
    }
}
