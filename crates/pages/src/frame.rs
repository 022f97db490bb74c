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
    /// Path of the script, as the visitor's browser finds it. Every page works without it.
    pub script: String,
    /// Path of the icon, as the visitor's browser finds it.
    pub icon: String,
    /// The one address of this page, without query.
    pub canonical: String,
    /// Whether search engines may list what may be listed.
    pub is_indexed: bool,
    /// Whether this server has the pages of registration, where errors are reported.
    pub has_portal: bool,
    /// Shows the warning that all data is fictional.
    pub fictional: bool,
    /// Shows the way to the extractions.
    pub extractions: bool,
}

impl PageFrame {
    pub(crate) fn new(site: &Site, request: &PageRequest) -> Self {
        Self {
            root: request.root.clone(),
            stylesheet: request.visible_path(&site.assets.stylesheet),
            script: request.visible_path(&site.assets.script),
            icon: request.visible_path(&site.assets.icon),
            canonical: format!("{}{}", request.base, request.path),
            is_indexed: site.settings.is_indexed,
            has_portal: site.settings.has_portal,
            fictional: site.settings.fictional,
            extractions: site.settings.extractions.is_some(),
        }
    }
}
