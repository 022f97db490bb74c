//! A paper before it is laid out.

use thiserror::Error;

/// A part of a paper, from top to bottom in the order of reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaperBlock {
    /// The heading of the paper. There is one, and it comes first.
    Title(String),
    /// The heading of a part.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A paragraph in small letters.
    Note(String),
    /// Labels with their values.
    Facts(Vec<(String, String)>),
    /// A list.
    Items(Vec<String>),
    /// An address as a link and as a QR code.
    Link {
        /// The address, which the QR code holds and a click opens.
        url: String,
        /// What is read in place of the QR code.
        alternative: String,
    },
}

/// A paper. `to_pdf` writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Title of the document, which viewers show in their title bar.
    pub title: String,
    /// Its parts.
    pub blocks: Vec<PaperBlock>,
}

/// Why a paper was not written.
#[derive(Debug, Error)]
pub enum PaperError {
    /// The embedded font cannot be read: the program is damaged.
    #[error("the font {0} of the program cannot be read: install the program again")]
    Font(&'static str),
    /// The paper has too many pages.
    #[error("a paper has {pages} pages, and {most} at most are written: shorten what it says")]
    Long {
        /// Pages that it would have.
        pages: usize,
        /// The most.
        most: usize,
    },
    /// The address is too long for a QR code.
    #[error("the address of a paper has {0} bytes, too many for a QR code: shorten it")]
    Address(usize),
    /// The writer of PDF refused it.
    #[error("the PDF is not written: {0}")]
    Writer(String),
}
