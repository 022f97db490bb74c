//! States of a request (registration §6.3).

use std::fmt;

/// Who holds a request: whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestHolder {
    /// The registration authority.
    Ae,
    /// The structure has no manager yet: its legal representative is asked (`AE_ABSENTE`, registration §11.4).
    AbsentAe,
    /// The professional.
    Professional,
    /// Whoever wrote the request.
    Author,
    /// The program.
    System,
    /// The national arbiter.
    Arbiter,
    /// Nobody: the request is over.
    Nobody,
}

macro_rules! states {
    ($($variant:ident $code:literal $key:literal $statut:literal $plain:literal $holder:ident $terminal:literal;)*) => {
        /// The state of a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RequestState {
            $(#[doc = $statut] $variant,)*
        }

        impl RequestState {
            /// Every state, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The identifier of the reference, such as `S20`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The key that interfaces use, such as `INSTRUCTION_AE`.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// The exact label of the column « Statut ».
            #[must_use]
            pub const fn statut(self) -> &'static str {
                match self { $(Self::$variant => $statut,)* }
            }

            /// Plain words shown next to the label.
            #[must_use]
            pub const fn plain(self) -> &'static str {
                match self { $(Self::$variant => $plain,)* }
            }

            /// Whose turn it is.
            #[must_use]
            pub const fn holder(self) -> RequestHolder {
                match self { $(Self::$variant => RequestHolder::$holder,)* }
            }

            /// Whether nothing follows but transition 34.
            #[must_use]
            pub const fn terminal(self) -> bool {
                match self { $(Self::$variant => $terminal,)* }
            }
        }
    };
}

states! {
    S10 "S10" "BROUILLON_AE" "En cours de saisie GAE" "à compléter par l'établissement" Ae false;
    S11 "S11" "BROUILLON_PRO" "En cours de saisie PROL" "à compléter par le professionnel" Professional false;
    S20 "S20" "INSTRUCTION_AE" "Traitement en cours (T01)" "à instruire par l'établissement" Ae false;
    S25 "S25" "COMPLEMENT" "Complément demandé" "à compléter par l'auteur de la demande" Author false;
    S30 "S30" "TRAITEMENT_RPPS" "Traitement en cours (T02)" "enregistrement en cours, sans action de votre part" System false;
    S35 "S35" "ARBITRAGE" "Traitement en cours (T03)" "vérification d'identité par l'arbitre national" Arbiter false;
    S40 "S40" "VALIDEE" "Validée" "enregistrement terminé" Nobody true;
    S50 "S50" "REFUSEE" "Refusée" "refusée par l'établissement" Nobody true;
    S51 "S51" "REJETEE" "Rejetée" "rejetée lors de la vérification" Nobody true;
    S60 "S60" "ABANDONNEE" "Abandonnée" "abandonnée pendant la saisie" Nobody true;
    S61 "S61" "EXPIREE" "Expirée" "fermée faute d'action dans les délais" Nobody true;
    S70 "S70" "ANNULEE" "Annulée" "retirée après son envoi" Nobody true;
}

impl RequestState {
    /// The state with this code or key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.code() == text || state.key() == text)
    }

    /// Label and plain words: « Traitement en cours (T01) — à instruire par l'établissement ».
    #[must_use]
    pub fn label(self) -> String {
        format!("{} — {}", self.statut(), self.plain())
    }
}

impl fmt::Display for RequestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a request is frozen (`BLOQUEE`), beside its state.
///
/// Of a death, the reference says both that it blocks and that it rejects (transition 31). Here a death that the register knows
/// rejects; one that somebody only reported blocks until the register has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blocked {
    /// The habilitation of the authority is lost, and it has no other manager.
    HabilitationLost,
    /// The structure is closed.
    StructureClosed,
    /// A death was reported and is not confirmed.
    PersonDeceased,
}

impl Blocked {
    /// Every reason.
    pub const ALL: &'static [Self] = &[Self::HabilitationLost, Self::StructureClosed, Self::PersonDeceased];

    /// The key that interfaces use.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::HabilitationLost => "HABILITATION_PERDUE",
            Self::StructureClosed => "STRUCTURE_FERMEE",
            Self::PersonDeceased => "DECES_SIGNALE",
        }
    }

    /// Plain words shown beside the status.
    #[must_use]
    pub const fn plain(self) -> &'static str {
        match self {
            Self::HabilitationLost => "bloquée : l'établissement n'a plus de gestionnaire habilité",
            Self::StructureClosed => "bloquée : la structure est fermée",
            Self::PersonDeceased => "bloquée : vérification en cours auprès de l'état civil",
        }
    }
}
