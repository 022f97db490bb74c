//! Types of requests, and where requests come from (registration §6.2, §4.4).

macro_rules! kinds {
    ($($variant:ident $code:literal $label:literal $route:literal;)*) => {
        /// The type of a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RequestKind {
            $(#[doc = $label] $variant,)*
        }

        impl RequestKind {
            /// Every type, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code, such as `PRIMO`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The exact label of the column « Type ».
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// The way from the draft to the end, in plain words.
            #[must_use]
            pub const fn route(self) -> &'static str {
                match self { $(Self::$variant => $route,)* }
            }
        }
    };
}

kinds! {
    Primo "PRIMO" "Primo enregistrement" "saisie, instruction (T01), enregistrement (T02), arbitrage (T03) si besoin";
    Ajout "AJOUT" "Ajout d'activité" "saisie, instruction (T01), enregistrement (T02)";
    Modif "MODIF" "Modification" "établissement : saisie puis T02 ; professionnel : T01 chez l'établissement puis T02";
    Fin "FIN" "Fin d'activité" "établissement : saisie puis T02 ; professionnel : T01, accord tacite à 15 jours";
    Coord "COORD" "Mise à jour des coordonnées" "professionnel seul : T02 après le code";
    Civil "CIVIL" "Rectification d'état civil" "saisie, T01, T02, T03 si le pivot d'identité change";
}

impl RequestKind {
    /// The type with this code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.code() == code)
    }

    /// Whether the request concerns a person who is registered.
    #[must_use]
    pub const fn about_known_person(self) -> bool {
        !matches!(self, Self::Primo)
    }
}

/// Where a request comes from (registration §4.4, « Origine »).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestOrigin {
    /// A manager typed it.
    Ae,
    /// The professional made it.
    Professional,
    /// A line of an imported list.
    Import,
    /// A software of the employer sent it.
    Api,
}

impl RequestOrigin {
    /// Every origin.
    pub const ALL: &'static [Self] = &[Self::Ae, Self::Professional, Self::Import, Self::Api];

    /// The label of the filter « Origine ».
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ae => "AE",
            Self::Professional => "professionnel",
            Self::Import => "import",
            Self::Api => "API",
        }
    }

    /// Whether the authority wrote it, by hand, by list or by software.
    #[must_use]
    pub const fn by_authority(self) -> bool {
        !matches!(self, Self::Professional)
    }
}
