//! The list of the extractions: the files of the last edition, then those of the editions before.

use std::borrow::Cow;

use askama::Template;
use axum::http::StatusCode;

use super::message::Message;
use super::{CachePolicy, Indexing, Page};
use crate::extraction::{Edition, EditionFile, FileGroup, LATEST};
use crate::frame::PageFrame;
use crate::french::{french_bytes, french_count, french_minute, french_number_of};

/// The page of the extractions.
#[derive(Template)]
#[template(path = "extractions.html")]
pub(crate) struct ExtractionsPage {
    pub frame: PageFrame,
    /// Address of the list, as programs are told it.
    pub address: String,
    /// The newest first.
    pub editions: Vec<EditionView>,
}

impl Page for ExtractionsPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Listed;

    fn title(&self) -> &str {
        "Fichiers de l’annuaire"
    }
}

/// What is counted in a file: one, several.
const LINES: (&str, &str) = ("ligne", "lignes");
const CHANGED_LINES: (&str, &str) = ("ligne changée", "lignes changées");

/// An edition as the page shows it.
pub(crate) struct EditionView {
    /// When it was made, for people.
    pub made: String,
    /// Transaction whose state it shows.
    pub tx: String,
    /// Path of its note, with the prefix of a proxy.
    pub note: String,
    /// Number of files.
    pub count: usize,
    pub national: Vec<FileView>,
    pub tables: Vec<TableView>,
    pub differences: Vec<FileView>,
    /// When the edition was made from which the differences lead here; empty when there are none.
    pub since: String,
    /// Whether something was withdrawn by law in between.
    pub has_withdrawals: bool,
}

/// A file as the page shows it.
pub(crate) struct FileView {
    /// Path, with the prefix of a proxy.
    pub path: String,
    pub name: String,
    /// Lines and length.
    pub size: String,
}

/// A table with its formats.
pub(crate) struct TableView {
    pub name: String,
    pub rows: String,
    /// Name of each format, and the file.
    pub formats: Vec<FileView>,
}

impl EditionView {
    /// The edition whose files lie below `mount`, a path with the prefix of a proxy.
    pub(crate) fn new(edition: &Edition, mount: &str) -> Self {
        let of_group = |group| edition.files.iter().filter(move |file| file.group == group);
        let view = |file: &EditionFile, (one, several): (&str, &str)| FileView {
            path: format!("{mount}/{}/{}", edition.edition, file.name),
            name: file.file_name().to_owned(),
            size: match file.lines {
                Some(lines) => format!("{}, {}", french_number_of(lines, one, several), french_bytes(file.bytes)),
                None => french_bytes(file.bytes),
            },
        };
        let mut tables: Vec<TableView> = Vec::new();
        for file in of_group(FileGroup::Table) {
            let (name, format) = file.file_name().rsplit_once('.').unwrap_or((file.file_name(), ""));
            let shown = FileView { name: format.to_owned(), size: french_bytes(file.bytes), ..view(file, LINES) };
            match tables.iter_mut().find(|table| table.name == name) {
                Some(table) => table.formats.push(shown),
                None => tables.push(TableView {
                    name: name.to_owned(),
                    rows: french_number_of(file.lines.unwrap_or(0), LINES.0, LINES.1),
                    formats: vec![shown],
                }),
            }
        }
        Self {
            made: french_minute(&edition.edition),
            tx: french_count(edition.tx),
            note: format!("{mount}/{}/", edition.edition),
            count: edition.files.len(),
            national: of_group(FileGroup::National).map(|file| view(file, LINES)).collect(),
            tables,
            differences: of_group(FileGroup::Difference).map(|file| view(file, CHANGED_LINES)).collect(),
            since: edition.since_edition.as_deref().map(french_minute).unwrap_or_default(),
            has_withdrawals: !edition.withdrawn.is_empty(),
        }
    }
}

impl ExtractionsPage {
    /// Name of the newest edition in addresses.
    fn latest(&self) -> &'static str {
        LATEST
    }
}

/// No file of the extractions has this address.
pub(crate) struct UnknownExtraction;

impl Message for UnknownExtraction {
    const STATUS: StatusCode = StatusCode::NOT_FOUND;
    const HEADING: &'static str = "Fichier introuvable";

    fn text(&self) -> Cow<'static, str> {
        "Aucun fichier n’est à cette adresse. Les fichiers sont refaits chaque jour et gardés quelques jours : la liste est à l’adresse /extractions/."
            .into()
    }
}

/// The service asks for a key.
pub(crate) struct KeyRequired;

impl Message for KeyRequired {
    const STATUS: StatusCode = StatusCode::UNAUTHORIZED;
    const HEADING: &'static str = "Clé demandée";

    fn text(&self) -> Cow<'static, str> {
        "Ces fichiers sont remis aux porteurs d’une clé, qu’un programme envoie dans l’en-tête ESANTE-API-KEY.".into()
    }
}

/// The restricted files ask for a credential.
pub(crate) struct CredentialRequired;

impl Message for CredentialRequired {
    const STATUS: StatusCode = StatusCode::UNAUTHORIZED;
    const HEADING: &'static str = "Habilitation demandée";

    fn text(&self) -> Cow<'static, str> {
        "Ces fichiers sont remis aux organismes habilités, dont le programme envoie l’en-tête Authorization.".into()
    }
}

/// Files are read, and nothing else.
pub(crate) struct OnlyRead;

impl Message for OnlyRead {
    const STATUS: StatusCode = StatusCode::METHOD_NOT_ALLOWED;
    const HEADING: &'static str = "Demande incorrecte";

    fn text(&self) -> Cow<'static, str> {
        "À cette adresse, un programme lit des fichiers par GET ou HEAD.".into()
    }
}
