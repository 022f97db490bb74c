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
        Self::of_root(site, request.root.clone())
    }

    /// The frame of a page behind a proxy that cut the prefix `root`.
    pub(crate) fn of_root(site: &Site, root: String) -> Self {
        Self {
            stylesheet: format!("{root}{}", site.stylesheet),
            root,
            fictional: site.settings.fictional,
            extractions: site.settings.extractions.is_some(),
        }
    }
}
