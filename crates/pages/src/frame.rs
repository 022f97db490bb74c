//! What every page shows around its content.

use crate::query::encoded;
use crate::site::Site;
use crate::visit::PageRequest;
use crate::words::Language;

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
    /// Language of the page.
    pub language: Language,
    /// Path of the page in the other language; empty for a page that has one language.
    pub other_language: String,
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
    /// The frame of a page that is translated; `kept` are the parameters that both languages need.
    pub(crate) fn translated(site: &Site, request: &PageRequest, kept: &[(&str, &str)]) -> Self {
        let language = request.language;
        let other = if language == Language::English { None } else { Some(("lang", "en")) };
        let parameters: Vec<String> =
            kept.iter().copied().chain(other).map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let path = request.visible_path(&request.path);
        let other_language = if parameters.is_empty() { path } else { format!("{path}?{}", parameters.join("&")) };
        Self { language, other_language, ..Self::new(site, request) }
    }

    /// A label in the language of the page, named by its French.
    pub(crate) fn t(&self, french: &'static str) -> &'static str {
        self.language.word(french)
    }

    pub(crate) fn is_english(&self) -> bool {
        self.language == Language::English
    }

    /// What a link to a translated page ends with.
    pub(crate) fn lang(&self) -> &'static str {
        if self.is_english() { "?lang=en" } else { "" }
    }

    /// Attribute of an element whose text comes from the directory: French on an English page (WCAG 3.1.2).
    pub(crate) fn of_directory(&self) -> &'static str {
        if self.is_english() { " lang=\"fr\"" } else { "" }
    }

    pub(crate) fn new(site: &Site, request: &PageRequest) -> Self {
        Self { canonical: format!("{}{}", request.base, request.path), ..Self::of_root(site, request.root.clone()) }
    }

    /// The frame of a page behind a proxy that cut the prefix `root`; it has no address of its own.
    pub(crate) fn of_root(site: &Site, root: String) -> Self {
        Self {
            stylesheet: format!("{root}{}", site.assets.stylesheet),
            script: format!("{root}{}", site.assets.script),
            icon: format!("{root}{}", site.assets.icon),
            language: Language::French,
            other_language: String::new(),
            canonical: String::new(),
            is_indexed: site.settings.is_indexed,
            has_portal: site.settings.has_portal,
            root,
            fictional: site.settings.fictional,
            extractions: site.settings.extractions.is_some(),
        }
    }
}
