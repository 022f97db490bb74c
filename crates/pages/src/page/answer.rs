//! An answer of the API, for people.

use askama::Template;
use axum::http::StatusCode;

use super::{CachePolicy, Indexing, Page};
use crate::developers::form::ApiForm;
use crate::frame::PageFrame;

/// An answer with its address, the command that asks it, and the form of its search.
#[derive(Template)]
#[template(path = "answer.html")]
pub(crate) struct AnswerPage {
    pub frame: PageFrame,
    /// What was asked, below the address of the API.
    pub title: String,
    /// Status of the answer of the API, which is that of the page too.
    pub status: StatusCode,
    /// Address that was asked.
    pub url: String,
    /// A command that asks it.
    pub curl: String,
    /// Where a browser gets what programs get.
    pub raw: String,
    /// The answer as HTML, escaped already.
    pub json: String,
    /// The form, for a search.
    pub form: Option<ApiForm>,
}

impl Page for AnswerPage {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        &self.title
    }
}

/// The answer is too long for a page.
#[derive(Template)]
#[template(path = "answer_too_long.html")]
pub(crate) struct AnswerTooLong {
    pub frame: PageFrame,
    /// Where a browser gets what programs get.
    pub raw: String,
}

impl Page for AnswerTooLong {
    const STATUS: StatusCode = StatusCode::OK;
    const CACHE: CachePolicy = CachePolicy::Revalidate;
    const INDEXING: Indexing = Indexing::Unlisted;

    fn title(&self) -> &str {
        "Réponse trop longue"
    }
}
