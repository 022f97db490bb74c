//! Why the service refuses or fails.

use crate::french::typeset;
use crate::means::MeansState;
use crate::passkey::PasskeyFault;
use crate::pin::PinFault;

/// Why a call of a person or a phone is refused. [`french`](PhoneRefusal::french) is what the person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneRefusal {
    /// The national identifier has not the form of one.
    NationalId,
    /// The body is no call of this kind.
    Malformed(&'static str),
    /// The link is unknown or over.
    UnknownLink,
    /// The link was opened in another browser.
    LinkUsed,
    /// The code of the QR is unknown or over.
    UnknownCode,
    /// The activation is over, done or not there yet.
    ActivationOver,
    /// The six digits are wrong, and may be typed that often.
    WrongCode(u32),
    /// The PIN may not be chosen.
    Pin(PinFault),
    /// The person may not activate a means yet: something about them is to be settled first.
    Withheld,
    /// After an alert of fraud, nothing is approved with what the person activated before.
    Frozen,
    /// The person has as many phones as they may.
    TooManyDevices,
    /// A signature, or what it covers, is not right.
    Proof(&'static str),
    /// There is no such phone of this person.
    UnknownMeans,
    /// The phone may not be used, or not be changed this way.
    NotUsable(MeansState),
    /// The PIN is wrong, and may be typed that often.
    WrongPin(u32),
    /// The PIN was wrong too often: the phone is locked by this very call, or was.
    PinLocked,
    /// A passkey, or what it signed, is not right: the part that is wrong.
    Passkey(&'static str),
    /// The sign count of the passkey went back: there may be a copy of it, and it proves nothing any more.
    PasskeyDoubted,
    /// The phone has a passkey already.
    HasPasskey,
    /// There are no passkeys here, by the settings or because of the address.
    NoPasskeys,
    /// The settings do not let a PIN approve.
    PasskeyNeeded,
    /// The subscription to notifications cannot be used: the part that is wrong.
    Push(&'static str),
    /// The session is too old for what it asks.
    LoginTooOld,
    /// There is no such request for this person.
    UnknownPrompt,
    /// The request was answered.
    AlreadyAnswered,
    /// The time of the request is over.
    PromptExpired,
}

impl PhoneRefusal {
    /// The code that the application reads.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NationalId => "national_id",
            Self::Malformed(_) => "malformed",
            Self::UnknownLink => "unknown_link",
            Self::LinkUsed => "link_used",
            Self::UnknownCode => "unknown_code",
            Self::ActivationOver => "activation_over",
            Self::WrongCode(_) => "wrong_code",
            Self::Pin(PinFault::Form) => "pin_form",
            Self::Pin(PinFault::Trivial) => "pin_trivial",
            Self::Pin(PinFault::BirthDate) => "pin_birth_date",
            Self::Withheld => "activation_withheld",
            Self::Frozen => "frozen",
            Self::TooManyDevices => "too_many_devices",
            Self::Proof(_) => "proof",
            Self::UnknownMeans => "unknown_means",
            Self::NotUsable(_) => "not_usable",
            Self::WrongPin(_) => "wrong_pin",
            Self::PinLocked => "pin_locked",
            Self::Passkey(_) => "passkey",
            Self::PasskeyDoubted => "passkey_doubted",
            Self::HasPasskey => "has_passkey",
            Self::NoPasskeys => "no_passkeys",
            Self::PasskeyNeeded => "passkey_needed",
            Self::LoginTooOld => "login_too_old",
            Self::Push(_) => "push",
            Self::UnknownPrompt => "unknown_prompt",
            Self::AlreadyAnswered => "already_answered",
            Self::PromptExpired => "prompt_expired",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Proof(_) | Self::UnknownMeans => 401,
            Self::NotUsable(_) | Self::PinLocked | Self::WrongPin(_) | Self::WrongCode(_) => 403,
            Self::Passkey(_) | Self::PasskeyDoubted | Self::NoPasskeys | Self::PasskeyNeeded | Self::LoginTooOld => 403,
            Self::Withheld | Self::Frozen => 403,
            Self::UnknownLink | Self::UnknownCode | Self::UnknownPrompt => 404,
            Self::AlreadyAnswered | Self::TooManyDevices | Self::LinkUsed | Self::HasPasskey => 409,
            Self::ActivationOver | Self::PromptExpired => 410,
            Self::NationalId | Self::Malformed(_) | Self::Pin(_) | Self::Push(_) => 400,
        }
    }

    /// What happened and what to do.
    #[must_use]
    pub fn french(self) -> String {
        let tries = |left: u32| match left {
            0 => "C’était le dernier essai : recommencez l’activation.".to_owned(),
            1 => "Il reste un essai.".to_owned(),
            left => format!("Il reste {left} essais."),
        };
        let text = match self {
            Self::NationalId => {
                "Ce n’est pas un identifiant national : tapez le 8 suivi des 11 chiffres du numéro RPPS, sans espace.".into()
            }
            Self::Malformed(_) => "La demande est incomplète. Rechargez la page, puis réessayez.".into(),
            Self::UnknownLink => "Ce lien est inconnu ou n’est plus valable. Demandez une nouvelle activation.".into(),
            Self::LinkUsed => {
                "Ce lien a déjà été ouvert dans un autre navigateur. Si ce n’était pas vous, demandez une nouvelle activation."
                    .into()
            }
            Self::UnknownCode => "Ce code n’est plus valable. Lisez celui qui est affiché maintenant sur l’ordinateur.".into(),
            Self::ActivationOver => {
                "Cette activation est terminée ou son délai est écoulé. Demandez une nouvelle activation.".into()
            }
            Self::WrongCode(left) => format!("Le code est faux. {}", tries(left)),
            Self::Pin(PinFault::Form) => "Le code PIN a six chiffres.".into(),
            Self::Pin(PinFault::Trivial) => "Ce code PIN est trop facile à deviner. Choisissez-en un autre.".into(),
            Self::Pin(PinFault::BirthDate) => {
                "Le code PIN ne doit pas être votre date de naissance. Choisissez-en un autre.".into()
            }
            Self::Withheld => {
                "Votre e-CPS ne peut pas encore être activée : une vérification de votre enregistrement est en cours. Adressez-vous à \
                 votre établissement ou à votre autorité d’enregistrement."
                    .into()
            }
            Self::Frozen => {
                "Vos e-CPS sont gelées depuis une alerte « Ce n’est pas moi » : aucune connexion n’est possible avec elles. Le support \
                 les rétablit après vérification."
                    .into()
            }
            Self::TooManyDevices => {
                "Vous avez déjà cinq téléphones. Révoquez-en un dans « Mes appareils », puis recommencez.".into()
            }
            Self::Proof(_) => "La signature du téléphone n’est pas acceptée. Rouvrez l’application, puis réessayez.".into(),
            Self::UnknownMeans => "Ce téléphone n’est pas activé. Activez-le depuis un ordinateur.".into(),
            Self::NotUsable(MeansState::Suspended) => "Ce téléphone est suspendu. Réactivez-le dans « Mes appareils ».".into(),
            Self::NotUsable(state) => {
                format!("Ce téléphone est {} : activez-le de nouveau depuis un ordinateur.", state.french())
            }
            Self::WrongPin(1) => "Le code PIN est faux. Il reste un essai avant le verrouillage.".into(),
            Self::WrongPin(left) => format!("Le code PIN est faux. Il reste {left} essais avant le verrouillage."),
            Self::PinLocked => {
                "Ce téléphone est verrouillé après cinq codes PIN erronés : activez-le de nouveau depuis un ordinateur.".into()
            }
            Self::Passkey(_) => "Cette clé d’accès n’est pas reconnue. Réessayez, ou utilisez un autre moyen.".into(),
            Self::PasskeyDoubted => {
                "Cette clé d’accès a peut-être été copiée : elle n’est plus acceptée. Retirez-la dans « Mes appareils », puis \
                 ajoutez-en une nouvelle."
                    .into()
            }
            Self::HasPasskey => "Ce téléphone a déjà une clé d’accès. Retirez-la d’abord pour la remplacer.".into(),
            Self::NoPasskeys => "Les clés d’accès ne sont pas proposées ici. Utilisez votre code PIN.".into(),
            Self::PasskeyNeeded => "Le code PIN ne suffit pas ici : approuvez avec votre clé d’accès.".into(),
            Self::Push(_) => {
                "Ce navigateur ne peut pas recevoir de notifications ici. Ouvrez l’application pour répondre.".into()
            }
            Self::LoginTooOld => "Votre connexion date de plus de dix minutes : reconnectez-vous, puis recommencez.".into(),
            Self::UnknownPrompt => "Cette demande n’existe pas ou n’est plus là.".into(),
            Self::AlreadyAnswered => "Déjà répondu : cette demande a reçu sa réponse, sur ce téléphone ou sur un autre.".into(),
            Self::PromptExpired => "Le délai de cette demande est écoulé.".into(),
        };
        typeset(&text)
    }
}

impl From<PasskeyFault> for PhoneRefusal {
    fn from(fault: PasskeyFault) -> Self {
        match fault {
            PasskeyFault::Wrong(part) => Self::Passkey(part),
            PasskeyFault::Copied => Self::PasskeyDoubted,
        }
    }
}

/// Why a call gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// It is refused.
    #[error("refused: {}", .0.code())]
    Refused(PhoneRefusal),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] annuaire_store::Error),
    /// A row says what nobody can read.
    #[error("row {key} of {kind} cannot be read: {reason}")]
    Unreadable {
        /// Its kind.
        kind: String,
        /// Its key.
        key: String,
        /// Why.
        reason: String,
    },
    /// Others wrote the rows of this call again and again.
    #[error("the rows of this call were changed by others again and again: try again")]
    Contended,
    /// Contacts of the register cannot be read.
    #[error("contacts of the register: {0}")]
    Contacts(String),
    /// Whether a means may be activated cannot be read.
    #[error("rights to activate: {0}")]
    Rights(String),
    /// This machine could not hash a PIN.
    #[error("a PIN could not be hashed: {0}")]
    Hashing(&'static str),
}

impl From<PhoneRefusal> for PhoneError {
    fn from(refusal: PhoneRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why a person is not asked.
#[derive(Debug, thiserror::Error)]
pub enum AskRefusal {
    /// This pair of person and asker is blocked until then, milliseconds since 1970 UTC. Told of unknown persons too.
    #[error("requests of this application or browser for this person are refused until {until_ms}")]
    Blocked {
        /// The instant.
        until_ms: i64,
    },
    /// The number is not two digits (CIBA: `invalid_binding_message`).
    #[error("the number is not two digits")]
    Number,
    /// The person is unknown or has no phone in use; only `ask_known` tells it (CIBA: `unknown_user_id`).
    #[error("this person is unknown or has no phone in use")]
    UnknownPerson,
    /// The identifier has not the form of one.
    #[error("the national identifier has not the form of one")]
    NationalId,
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] PhoneError),
}
