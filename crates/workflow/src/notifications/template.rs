//! What a notification is: number, cause, audiences, channels, and a text with named places (registration §12).

use crate::messages::{fill, places};
use std::fmt;

/// A way to reach people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeChannel {
    /// E-mail.
    Mail,
    /// E-mail, gathered in one letter a day at 8:00.
    Digest,
    /// Text message.
    Sms,
    /// Inbox of the portal.
    Portal,
    /// Letter on paper, by the operator.
    Letter,
}

impl NoticeChannel {
    /// The letter of the reference, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Mail => "E",
            Self::Digest => "E (digest at 8:00)",
            Self::Sms => "S",
            Self::Portal => "P",
            Self::Letter => "letter",
        }
    }
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeAudience {
    /// The professional.
    Professional,
    /// Whoever wrote the request.
    Author,
    /// The managers of the authority.
    Managers,
    /// The other managers of the authority, without the author.
    OtherManagers,
    /// The legal representative.
    Representative,
    /// Old and new contact of the professional.
    BothContacts,
    /// The manager whose habilitation it is.
    ConcernedManager,
    /// Agents of an order or a regional agency.
    Agents,
    /// National arbiters.
    Arbiters,
}

impl NoticeAudience {
    /// Plain words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Professional => "professional",
            Self::Author => "author",
            Self::Managers => "GAE",
            Self::OtherManagers => "other GAE",
            Self::Representative => "REP",
            Self::BothContacts => "old and new contact",
            Self::ConcernedManager => "manager",
            Self::Agents => "agents of the order or agency",
            Self::Arbiters => "ARB",
        }
    }
}

macro_rules! notices {
    ($($variant:ident $code:literal $trigger:literal;)*) => {
        /// A notification, by its number.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum NoticeId {
            $(#[doc = $trigger] $variant,)*
        }

        impl NoticeId {
            /// Every notification, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number, such as `N10b`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What causes it; numbers are rows of the transition table.
            #[must_use]
            pub const fn trigger(self) -> &'static str {
                match self { $(Self::$variant => $trigger,)* }
            }
        }
    };
}

notices! {
    N01 "N01" "professional submitted (07)";
    N02 "N02" "request to be validated by a third person (06)";
    N03 "N03" "new request from a professional (07, 15)";
    N04 "N04" "structure without manager (08)";
    N05 "N05" "complement asked (13, 25)";
    N06 "N06" "complement given (14)";
    N07 "N07" "reassigned (15)";
    N08 "N08" "refused or rejected (16, 21, 26)";
    N09 "N09" "validated (17)";
    N10 "N10" "number attributed (18)";
    N10b "N10b" "attached to an existing identity (19, 23), activity added (18b)";
    N10c "N10c" "copy for the manager (18, 19, 23)";
    N11 "N11" "in arbitration (18c, 18d, 20)";
    N12 "N12" "contact changed (10, 18b)";
    N13 "N13" "reminder and expiry (27, 28, timers)";
    N14 "N14" "withdrawn (29)";
    N15 "N15" "civil status corrected (18b, 23b, register)";
    N16 "N16" "situation modified or closed (18b)";
    N17 "N17" "e-mail bounced";
    N18 "N18" "authority without manager, end of a habilitation (32)";
    N19 "N19" "planned end in 30 or 7 days";
    N20 "N20" "yearly review, attestation campaign";
    N21 "N21" "renewal of a home-help card in 3 months or 1 month";
    N22 "N22" "habilitation given or withdrawn";
    N23 "N23" "file consulted by support";
    N24 "N24" "merge or split of identities";
    N25 "N25" "mailbox published, unpublished or preferred";
    N26 "N26" "48 hours after N10";
    G01 "G01" "ours: yearly confirmation of the managers of an authority (registration §2.4)";
    G02 "G02" "ours: answer to « Ma profession n'est pas dans la liste » (registration §3.3)";
    G03 "G03" "ours: a contact waits for the confirmation of the professional (registration §8.1, §10.5)";
    G04 "G04" "ours: yearly confirmation of the own contact (registration §13, §15)";
    G05 "G05" "ours: an anomaly was reported about what somebody owns (registration §15)";
    G06 "G06" "ours: a civil status is not certifiable for 90 days (registration §9.3)";
    G07 "G07" "ours: two arbiters decided otherwise (registration §4.11)";
    G08 "G08" "ours: survey of a new registration (registration §15)";
}

impl fmt::Display for NoticeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeTemplate {
    /// Which notification.
    pub id: NoticeId,
    /// Version of the text; it rises with every change of a word.
    pub version: u16,
    /// Who is told, and how. Several audiences share the text.
    pub to: &'static [(NoticeAudience, &'static [NoticeChannel])],
    /// Places beyond first name and number of the request, as the reference lists them.
    pub allowed: &'static [&'static str],
    /// Subject of the mail, and title in the inbox.
    pub subject: &'static str,
    /// Body of the mail and of the inbox.
    pub body: &'static str,
    /// Text message; empty where none is sent.
    pub sms: &'static str,
}

/// Language of the templates.
pub const NOTICE_LANGUAGE: &str = "fr";
/// Places that every template may name.
pub const COMMON_PLACES: [&str; 2] = ["prénom", "num"];
/// The last line of every body.
pub const CLOSING: &str =
    "Pour agir, connectez-vous depuis l'accueil du portail : {portail}. Nous ne demandons jamais de mot de passe.";

/// A notification that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilledNotice {
    /// Which notification.
    pub id: NoticeId,
    /// Version of the text.
    pub version: u16,
    /// Subject.
    pub subject: String,
    /// Body, with the closing line.
    pub body: String,
    /// Text message; empty where none is sent.
    pub sms: String,
}

/// A place of a template that has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPlace {
    /// The notification.
    pub id: NoticeId,
    /// Name of the place.
    pub place: String,
}

impl fmt::Display for MissingPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "notification {} needs a value for `{}`", self.id, self.place)
    }
}

impl std::error::Error for MissingPlace {}

impl NoticeTemplate {
    /// Every place of subject, body, closing line and text message.
    #[must_use]
    pub fn places(&self) -> Vec<&'static str> {
        let mut all: Vec<&str> = [self.subject, self.body, CLOSING, self.sms].into_iter().flat_map(places).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Fills the places. `portal` is the address of the entrance of the portal. Values that no place names are ignored. Line
    /// breaks in values become spaces in the subject, so that no value adds a header to a mail.
    ///
    /// # Errors
    /// The first place without a value.
    pub fn fill(&self, portal: &str, values: &[(&str, &str)]) -> Result<FilledNotice, MissingPlace> {
        let mut all = vec![("portail", portal)];
        all.extend_from_slice(values);
        for place in self.places() {
            if !all.iter().any(|(name, _)| *name == place) {
                return Err(MissingPlace { id: self.id, place: place.to_owned() });
            }
        }
        let subject = fill(self.subject, &all).replace(|c: char| c.is_control(), " ");
        let body = format!("{}\n\n{}\n", fill(self.body, &all), fill(CLOSING, &all));
        let sms = fill(self.sms, &all).replace(|c: char| c.is_control(), " ");
        Ok(FilledNotice { id: self.id, version: self.version, subject, body, sms })
    }
}
