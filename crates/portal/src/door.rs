//! What the portal is made of.

use annuaire_nos::Nos;
use annuaire_registry::Registration;
use annuaire_web::Gate;
use annuaire_workflow::value_sets::ValueSets;
use std::sync::Arc;

/// A clock that a visitor of a demonstration moves on, so that timers can be seen.
pub trait AdvancingClock: Send + Sync {
    /// Moves it on by whole days.
    fn advance(&self, days: u32);

    /// Its time, milliseconds since 1970 UTC.
    fn now_ms(&self) -> i64;
}

/// Somebody with whom a visitor of a demonstration logs in.
#[derive(Debug, Clone)]
pub struct DemoAccount {
    /// National identification; empty for a person who comes with FranceConnect.
    pub number: String,
    /// Name.
    pub name: String,
    /// What they may do, in French.
    pub may: String,
}

/// What a demonstration adds.
pub struct PortalDemo {
    /// The clock that visitors move on.
    pub clock: Arc<dyn AdvancingClock>,
    /// With whom they log in.
    pub accounts: Vec<DemoAccount>,
}

/// Fills bytes at random.
pub type RandomSource = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// What the program gives.
pub struct PortalSettings {
    /// The use cases.
    pub registration: Arc<Registration>,
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// Secret of the installation, of which the key of forms is derived.
    pub secret: [u8; 32],
    /// Random bytes, for the keys of forms.
    pub entropy: RandomSource,
    /// Clock of the use cases, milliseconds since 1970 UTC.
    pub now_ms: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Path of the style sheet of all pages.
    pub style: String,
    /// Scheme and host under which browsers reach the portal.
    pub public_base: String,
    /// Path that begins a login with a professional means; it takes the page to return to as `retour`.
    pub sign_in: String,
    /// Path that ends the session of a professional means.
    pub sign_out: String,
    /// Whether logins with FranceConnect are offered.
    pub has_civil_logins: bool,
    /// Reference of the text in force on restricted data, which the contact section cites (registration §4.5).
    pub contact_law: String,
    /// Shows that everything is fictional.
    pub is_fictional: bool,
    /// What a demonstration adds.
    pub demo: Option<PortalDemo>,
}

/// The text on contact data that the reference quotes.
pub const CONTACT_LAW: &str = "l’arrêté RPPS du 6 février 2009 relatif aux données à diffusion restreinte";

/// The state of every route.
pub(crate) struct Portal {
    pub(crate) settings: PortalSettings,
    form_key: [u8; 32],
    /// Paths of the own style sheet and script, named after their contents.
    pub(crate) own_style: String,
    pub(crate) own_script: String,
}

/// Style of the portal, beside that of all pages.
pub(crate) const STYLE: &str = include_str!("../assets/portal.css");
/// What the portal does better with a script.
pub(crate) const SCRIPT: &str = include_str!("../assets/portal.js");

impl Portal {
    pub(crate) fn new(settings: PortalSettings) -> Self {
        let form_key = blake3::derive_key("annuaire 2026-11 forms of the portal", &settings.secret);
        let named = |text: &str, end: &str| format!("/portail/{}.{end}", &blake3::hash(text.as_bytes()).to_hex()[..12]);
        Self { form_key, own_style: named(STYLE, "css"), own_script: named(SCRIPT, "js"), settings }
    }

    pub(crate) fn registration(&self) -> &Registration {
        &self.settings.registration
    }

    /// The lists of the forms.
    pub(crate) fn values(&self) -> ValueSets<'static> {
        ValueSets::new(Nos::embedded())
    }

    /// A profession of health (TRE_G15) or by role, in words.
    pub(crate) fn profession(&self, code: &str) -> String {
        let nos = Nos::embedded();
        let concept = ["TRE_G15", "TRE_R94", "TRE_R95", "TRE_R291"].iter().find_map(|name| nos.table(name)?.get(code));
        concept.map_or_else(|| code.to_owned(), |concept| concept.label.clone())
    }

    /// A key for a form that begins something: sent twice, it begins one thing.
    pub(crate) fn key(&self) -> String {
        let mut bytes = [0; 16];
        (self.settings.entropy)(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.settings.now_ms)()
    }

    /// The token of the forms of a person. It belongs to the person rather than to the session: whoever had to log in again in the middle
    /// of a form sends it off as it is.
    pub(crate) fn form_token(&self, person: &str) -> String {
        blake3::keyed_hash(&self.form_key, person.as_bytes()).to_hex()[..32].to_owned()
    }

    pub(crate) fn is_form_token(&self, person: &str, given: &str) -> bool {
        // Hashes of a key that nobody else knows: comparing them tells nothing about the token.
        blake3::keyed_hash(&self.form_key, self.form_token(person).as_bytes())
            == blake3::keyed_hash(&self.form_key, given.as_bytes())
    }

    /// A hash under the key of forms; `text` begins with a word of its own, so that it is never that of a form.
    pub(crate) fn keyed_hash(&self, text: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.form_key, text.as_bytes()).as_bytes()
    }

    /// Scheme, host and port of the portal.
    pub(crate) fn origin(&self) -> &str {
        let base = &self.settings.public_base;
        let host = base.find("://").map_or(0, |at| at + 3);
        &base[..base[host..].find('/').map_or(base.len(), |at| host + at)]
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.settings.public_base.starts_with("https://")
    }
}
