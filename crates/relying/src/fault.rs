//! Why a login at a provider did not succeed: a code for the journal, a sentence for people.

use annuaire_jose::{ClaimFault, JoseError};

use crate::error::RelyingError;

/// Why a token or a UserInfo is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Its form, its algorithm, its key or its signature.
    #[error("{0}")]
    Signed(#[from] JoseError),
    /// Issuer, audience or times.
    #[error("{0}")]
    Claim(#[from] ClaimFault),
    /// The party that it was made for, among several audiences, is not us.
    #[error("the claim `azp` does not name this client")]
    AuthorizedParty,
    /// It belongs to another login.
    #[error("the claim `nonce` is not the one of this login")]
    Nonce,
    /// The person logged in at another level than the one asked.
    #[error("the claim `acr` is not the level that was asked")]
    Level,
    /// The person logged in too long ago, or it is not said when.
    #[error("the claim `auth_time` is missing, in the future or too old")]
    LoggedInAt,
    /// It belongs to another access token.
    #[error("the claim `at_hash` is not the one of the access token")]
    AccessToken,
    /// It is no logout token.
    #[error("the claim `events` does not name a logout")]
    Event,
    /// It is about another person than the ID token, or about nobody.
    #[error("the claim `sub` is missing, or is not the one of the ID token")]
    Subject,
}

impl TokenFault {
    /// Its code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Signed(JoseError::Algorithm(_) | JoseError::NotAllowed(_)) => "algorithm",
            Self::Signed(JoseError::UnknownKey | JoseError::KeyMismatch(_) | JoseError::Candidates(_)) => "key",
            Self::Signed(JoseError::Signature) => "signature",
            Self::Signed(_) => "form",
            Self::Claim(ClaimFault::Issuer) => "issuer",
            Self::Claim(ClaimFault::Audience) => "audience",
            Self::Claim(ClaimFault::Expired(_) | ClaimFault::Old(_)) => "expired",
            Self::Claim(ClaimFault::Early(_) | ClaimFault::Future(_) | ClaimFault::Lasting(_)) => "time",
            Self::Claim(_) => "claim",
            Self::AuthorizedParty => "azp",
            Self::Nonce => "nonce",
            Self::Level => "acr",
            Self::LoggedInAt => "auth-time",
            Self::AccessToken => "at-hash",
            Self::Event => "event",
            Self::Subject => "subject",
        }
    }
}

/// Why a login did not succeed. No text of a provider is in it, except codes of a checked form.
#[derive(Debug, thiserror::Error)]
pub enum LoginFault {
    /// The address that the browser came back to cannot be read.
    #[error("the callback cannot be read: {0}")]
    Callback(&'static str),
    /// There is no such login: it was never begun, it is over, or its answer was given before.
    #[error("the callback names a login that is over, used or unknown")]
    UnknownLogin,
    /// The login was begun in another browser.
    #[error("the callback comes from another browser than the one that began the login")]
    OtherBrowser,
    /// Another provider than the one asked answers (RFC 9207).
    #[error("the callback names another issuer")]
    OtherIssuer,
    /// The person gave up at the provider.
    #[error("the person cancelled")]
    Cancelled,
    /// The provider refused; its code has letters, digits and `_` only.
    #[error("the provider refuses: {0}")]
    Refused(String),
    /// The civil-status register did not find the person, found differences, or says that they died. Six digits.
    #[error("the civil-status register answers {0}")]
    CivilRegister(String),
    /// The provider cannot be reached.
    #[error("the provider cannot be reached for its {part}: {reason}")]
    Unreachable {
        /// Which of its answers was asked.
        part: &'static str,
        /// Why, in words without secrets.
        reason: String,
    },
    /// An answer of the provider is not what the protocol says.
    #[error("the {part} of the provider cannot be used: {reason}")]
    Answer {
        /// Which answer.
        part: &'static str,
        /// Why, in words without secrets.
        reason: String,
    },
    /// The provider did not accept the code, or not us; its code has letters, digits and `_` only.
    #[error("the provider does not exchange the code: {0}")]
    Exchange(String),
    /// The ID token.
    #[error("the ID token is refused: {0}")]
    IdToken(TokenFault),
    /// The UserInfo.
    #[error("the UserInfo is refused: {0}")]
    UserInfo(TokenFault),
    /// A civil trait is not of its form.
    #[error("the civil trait `{0}` is not of its form")]
    Trait(&'static str),
    /// A professional session is open in this browser: two persons might be taken for one.
    #[error("a professional session is open in this browser")]
    ProfessionalSession,
    /// A failure of ours.
    #[error(transparent)]
    Internal(#[from] RelyingError),
}

impl From<annuaire_store::Error> for LoginFault {
    fn from(error: annuaire_store::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl LoginFault {
    /// Its code, for the journal and for the person who asks for help.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Callback(_) => "callback".into(),
            Self::UnknownLogin => "unknown-login".into(),
            Self::OtherBrowser => "other-browser".into(),
            Self::OtherIssuer => "other-issuer".into(),
            Self::Cancelled => "cancelled".into(),
            Self::Refused(code) => format!("refused.{code}"),
            Self::CivilRegister(code) => format!("civil-register.{code}"),
            Self::Unreachable { .. } => "unreachable".into(),
            Self::Answer { .. } => "answer".into(),
            Self::Exchange(code) => format!("exchange.{code}"),
            Self::IdToken(fault) => format!("id-token.{}", fault.code()),
            Self::UserInfo(fault) => format!("userinfo.{}", fault.code()),
            Self::Trait(name) => format!("trait.{name}"),
            Self::ProfessionalSession => "professional-session".into(),
            Self::Internal(_) => "internal".into(),
        }
    }

    /// What the person reads: one sentence, in French.
    #[must_use]
    pub fn french(&self) -> &'static str {
        match self {
            Self::Callback(_) => "L’adresse de retour n’est pas complète : recommencez la connexion.",
            Self::UnknownLogin => "Cette demande de connexion a expiré ou a déjà servi : recommencez la connexion.",
            Self::OtherBrowser => {
                "Cette demande de connexion vient d’un autre navigateur : recommencez la connexion dans celui-ci, avec les cookies."
            }
            Self::Cancelled => "Vous avez interrompu la connexion : vous pouvez la reprendre quand vous voulez.",
            Self::Refused(_) => {
                "Le fournisseur d’identité n’a pas accepté la connexion : recommencez, ou choisissez l’autre moyen."
            }
            Self::CivilRegister(_) => {
                "Votre état civil n’a pas pu être confirmé par le répertoire national : nous ne pouvons pas le corriger ici, mais \
                 votre établissement peut vous enregistrer sans FranceConnect."
            }
            Self::Unreachable { .. } => "Le fournisseur d’identité ne répond pas : réessayez dans quelques minutes.",
            Self::ProfessionalSession => {
                "Une session professionnelle est ouverte dans ce navigateur : déconnectez-vous d’abord, pour que deux personnes ne \
                 soient pas confondues."
            }
            Self::Internal(_) => "Le service ne peut pas répondre pour le moment : réessayez dans quelques minutes.",
            Self::OtherIssuer
            | Self::Answer { .. }
            | Self::Exchange(_)
            | Self::IdToken(_)
            | Self::UserInfo(_)
            | Self::Trait(_) => "La réponse du fournisseur d’identité n’a pas pu être vérifiée : recommencez la connexion.",
        }
    }
}

/// An error code of a provider as it may stand in a journal: letters, digits and `_`, short; anything else is `other`.
pub(crate) fn plain_code(text: &str) -> String {
    let is_plain = !text.is_empty() && text.len() <= 48 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain { text.to_owned() } else { "other".to_owned() }
}

/// The code of the civil-status register in an answer: `010004`, `010006` to `010009`, `010011` to `010013`, `010015`, alone or after `Y`.
pub(crate) fn register_code(text: &str) -> Option<&str> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric()).map(|word| word.strip_prefix('Y').unwrap_or(word));
    words.find(|word| {
        matches!(*word, "010004" | "010006" | "010007" | "010008" | "010009" | "010011" | "010012" | "010013" | "010015")
    })
}

/// What a provider that answers with an error means.
pub(crate) fn refusal(error: &str, description: &str) -> LoginFault {
    match register_code(error).or_else(|| register_code(description)) {
        Some(code) => LoginFault::CivilRegister(code.to_owned()),
        None if error == "access_denied" => LoginFault::Cancelled,
        None => LoginFault::Refused(plain_code(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_one_sentence() {
        let answer = || String::new();
        for fault in [
            LoginFault::Callback(""),
            LoginFault::UnknownLogin,
            LoginFault::OtherBrowser,
            LoginFault::OtherIssuer,
            LoginFault::Cancelled,
            LoginFault::Refused(answer()),
            LoginFault::CivilRegister(answer()),
            LoginFault::Unreachable { part: "", reason: answer() },
            LoginFault::Answer { part: "", reason: answer() },
            LoginFault::Exchange(answer()),
            LoginFault::IdToken(TokenFault::Nonce),
            LoginFault::UserInfo(TokenFault::Subject),
            LoginFault::Trait(""),
            LoginFault::ProfessionalSession,
            LoginFault::Internal(RelyingError::Sealed("")),
        ] {
            let said = fault.french();
            assert!(said.ends_with('.') && said.matches('.').count() == 1 && !said.contains("  "), "{said}");
        }
    }

    #[test]
    fn refusals_of_a_provider_get_their_meaning() {
        for (error, description, code) in [
            ("access_denied", "", "cancelled"),
            ("access_denied", "User auth aborted", "cancelled"),
            ("server_error", "(Y010015) personne décédée", "civil-register.010015"),
            ("Y010004", "", "civil-register.010004"),
            ("010013", "x", "civil-register.010013"),
            ("server_error", "010005", "refused.server_error"),
            ("<script>", "", "refused.other"),
            ("invalid_scope", "x010004", "refused.invalid_scope"),
        ] {
            assert_eq!(refusal(error, description).code(), code, "{error} {description}");
        }
        assert_eq!(plain_code(&"a".repeat(49)), "other");
    }
}
