//! What every page shows around its content.

use crate::site::Site;
use crate::visit::PageRequest;

/// What `base.html` shows around the content of a page.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageFrame {
    /// Path prefix that a proxy cut; links start with it.
    pub root: String,
    /// Path of the style sheet, as the visitor's browser finds it.
    pub stylesheet: String,
    /// Shows the warning that all data is fictional.
    pub fictional: bool,
    /// Shows the way to the extractions.
    pub extractions: bool,
}

impl PageFrame {
    pub(crate) fn new(site: &Site, request: &PageRequest) -> Self {
        Self {
            root: request.root.clone(),
            stylesheet: request.visible_path(&site.stylesheet),
            fictional: site.settings.fictional,
            extractions: site.settings.extractions.is_some(),
        }
    }
}
