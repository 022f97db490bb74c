//! Which provider is asked, and how: all of it is configuration, with presets for the national services.

use annuaire_jose::{PrivateKey, SignatureAlgorithm};

use crate::error::RelyingError;

/// Which of the two installations of a national service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceEnvironment {
    /// For trials: fictional people.
    Sandbox,
    /// The real one.
    Production,
}

/// Where the endpoints of a provider are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEndpoints {
    /// Where browsers are sent.
    pub authorization: String,
    /// Where codes are exchanged.
    pub token: String,
    /// Where the traits of the person are.
    pub user_info: String,
    /// Where its public keys are.
    pub keys: String,
    /// Where browsers are sent to log out, if there is such a place.
    pub end_session: Option<String>,
}

/// How the endpoints are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointSource {
    /// By the metadata document at this address. Its `issuer` must be the one of the settings.
    Metadata(String),
    /// One by one.
    Explicit(ProviderEndpoints),
}

/// How we prove to the provider who we are.
#[derive(Clone)]
pub enum ClientProof {
    /// A secret in the form (`client_secret_post`).
    Secret(String),
    /// An assertion that this key signs (`private_key_jwt`, RFC 7523), for the token endpoint, good for a minute.
    Key(PrivateKey),
}

impl std::fmt::Debug for ClientProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

/// In which form UserInfo must come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserInfoForm {
    /// As a signed token, by one of these algorithms.
    Signed(Vec<SignatureAlgorithm>),
    /// As JSON.
    Json,
}

/// A provider, and what we are there.
#[derive(Debug, Clone)]
pub struct RelyingSettings {
    /// Its code in rows and in the audit trail.
    pub code: String,
    /// Its issuer, to the letter. A provider that names another one is refused.
    pub issuer: String,
    /// Where its endpoints are.
    pub endpoints: EndpointSource,
    /// Our name there.
    pub client_id: String,
    /// How we prove it.
    pub proof: ClientProof,
    /// Where its answer returns, as it is registered there.
    pub redirect_uri: String,
    /// Where its logout returns, as it is registered there.
    pub post_logout_redirect_uri: String,
    /// What is asked for, separated by spaces; `openid` is among them.
    pub scopes: String,
    /// The level asked (`acr_values`), which must be the one answered.
    pub acr: String,
    /// Algorithms accepted for ID tokens: those that were registered there.
    pub id_token_algorithms: Vec<SignatureAlgorithm>,
    /// Form of UserInfo.
    pub user_info: UserInfoForm,
    /// Most seconds since the person logged in there (`max_age`); `None` does not ask.
    pub max_age_s: Option<i64>,
    /// Whether addresses without encryption are accepted: for a demonstration on one machine, never else.
    pub is_plain_accepted: bool,
}

impl RelyingSettings {
    /// FranceConnect, standard offer (identity.md §4.1, §4.2): `eidas1`, ES256, signed UserInfo. `public_base` is scheme and host of ours.
    #[must_use]
    pub fn franceconnect(environment: ServiceEnvironment, client_id: &str, proof: ClientProof, public_base: &str) -> Self {
        let issuer = match environment {
            ServiceEnvironment::Sandbox => "https://fcp-low.sbx.dev-franceconnect.fr/api/v2",
            ServiceEnvironment::Production => "https://oidc.franceconnect.gouv.fr/api/v2",
        };
        Self::franceconnect_at(issuer, client_id, proof, public_base)
    }

    /// A provider that speaks as FranceConnect does, at another issuer.
    #[must_use]
    pub fn franceconnect_at(issuer: &str, client_id: &str, proof: ClientProof, public_base: &str) -> Self {
        Self {
            code: "franceconnect".into(),
            issuer: issuer.to_owned(),
            endpoints: EndpointSource::Metadata(format!("{issuer}/.well-known/openid-configuration")),
            client_id: client_id.to_owned(),
            proof,
            redirect_uri: format!("{public_base}/portail/pro/franceconnect/retour"),
            post_logout_redirect_uri: format!("{public_base}/portail/pro/deconnecte"),
            scopes: "openid identite_pivot preferred_username email".into(),
            acr: "eidas1".into(),
            id_token_algorithms: vec![SignatureAlgorithm::Es256],
            user_info: UserInfoForm::Signed(vec![SignatureAlgorithm::Es256]),
            max_age_s: None,
            is_plain_accepted: false,
        }
    }

    /// Pro Santé Connect (identity.md §1.1): endpoints one by one, RS256, UserInfo as JSON. Our own provider takes these settings at another issuer.
    #[must_use]
    pub fn pro_sante_connect(
        environment: ServiceEnvironment,
        client_id: &str,
        proof: ClientProof,
        redirect_uri: &str,
        post_logout_redirect_uri: &str,
    ) -> Self {
        let (issuer, login_host) = match environment {
            ServiceEnvironment::Sandbox => {
                ("https://auth.bas.psc.esante.gouv.fr/auth/realms/esante-wallet", "https://wallet.bas.psc.esante.gouv.fr")
            }
            ServiceEnvironment::Production => {
                ("https://auth.esw.esante.gouv.fr/auth/realms/esante-wallet", "https://wallet.esw.esante.gouv.fr")
            }
        };
        let at = |path: &str| format!("{issuer}/protocol/openid-connect/{path}");
        Self {
            code: "pro-sante-connect".into(),
            issuer: issuer.to_owned(),
            endpoints: EndpointSource::Explicit(ProviderEndpoints {
                authorization: format!("{login_host}/auth"),
                token: at("token"),
                user_info: at("userinfo"),
                keys: at("certs"),
                end_session: Some(at("logout")),
            }),
            client_id: client_id.to_owned(),
            proof,
            redirect_uri: redirect_uri.to_owned(),
            post_logout_redirect_uri: post_logout_redirect_uri.to_owned(),
            scopes: "openid scope_all".into(),
            acr: "eidas1".into(),
            id_token_algorithms: vec![SignatureAlgorithm::Rs256],
            user_info: UserInfoForm::Json,
            max_age_s: None,
            is_plain_accepted: false,
        }
    }

    /// Refuses settings that no login can succeed with, or that would weaken it.
    ///
    /// # Errors
    /// [`RelyingError::Setting`], which names the setting.
    pub(crate) fn check(&self) -> Result<(), RelyingError> {
        let wrong = |what: &str| Err(RelyingError::Setting(what.to_owned()));
        if self.code.is_empty() || self.client_id.is_empty() || self.acr.is_empty() {
            return wrong("code, client id and level (acr) must be given");
        }
        if !self.scopes.split(' ').any(|scope| scope == "openid") {
            return wrong("the scopes must name `openid`");
        }
        if self.id_token_algorithms.is_empty() {
            return wrong("no algorithm of ID tokens is accepted: name those registered at the provider");
        }
        if self.user_info == UserInfoForm::Signed(Vec::new()) {
            return wrong("no algorithm of UserInfo is accepted: name those registered at the provider");
        }
        if let ClientProof::Secret(secret) = &self.proof
            && secret.is_empty()
        {
            return wrong("the client secret is empty");
        }
        let addresses = match &self.endpoints {
            EndpointSource::Metadata(address) => vec![address],
            EndpointSource::Explicit(endpoints) => endpoints.all(),
        };
        let ours = [&self.issuer, &self.redirect_uri, &self.post_logout_redirect_uri];
        for address in addresses.into_iter().chain(ours) {
            if !self.accepts(address) {
                return Err(RelyingError::Setting(format!("{address:?} is not an https address in ASCII, without fragment")));
            }
        }
        Ok(())
    }

    /// Whether an address may be used: encrypted, unless the settings allow it not to be.
    pub(crate) fn accepts(&self, address: &str) -> bool {
        let rest = match address.split_once("://") {
            Some(("https", rest)) => rest,
            Some(("http", rest)) if self.is_plain_accepted => rest,
            _ => return false,
        };
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        let is_plain_text = rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\');
        !host.is_empty() && !host.contains('@') && is_plain_text && address.len() <= 2_048
    }
}

impl ProviderEndpoints {
    pub(crate) fn all(&self) -> Vec<&String> {
        let mut all = vec![&self.authorization, &self.token, &self.user_info, &self.keys];
        all.extend(&self.end_session);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> RelyingSettings {
        let proof = ClientProof::Secret("s3cret".into());
        RelyingSettings::franceconnect(ServiceEnvironment::Sandbox, "portail", proof, "https://portail.exemple.test")
    }

    #[test]
    fn presets_are_accepted_and_show_no_secret() {
        settings().check().unwrap();
        assert!(!format!("{:?}", settings()).contains("s3cret"));
        let proof = ClientProof::Key(PrivateKey::generate(SignatureAlgorithm::Es256).unwrap());
        for environment in [ServiceEnvironment::Sandbox, ServiceEnvironment::Production] {
            let (back, bye) = ("https://a.exemple.test/retour", "https://a.exemple.test/");
            RelyingSettings::pro_sante_connect(environment, "a", proof.clone(), back, bye).check().unwrap();
        }
    }

    #[test]
    fn settings_that_weaken_a_login_are_refused() {
        type Change = fn(&mut RelyingSettings);
        let changes: [(Change, &str); 8] = [
            (|s| s.issuer = "http://fc.exemple.test".into(), "https"),
            (|s| s.issuer = "https://user@fc.exemple.test".into(), "https"),
            (|s| s.redirect_uri.push_str("#x"), "fragment"),
            (|s| s.scopes = "identite_pivot".into(), "openid"),
            (|s| s.acr.clear(), "acr"),
            (|s| s.id_token_algorithms.clear(), "ID tokens"),
            (|s| s.user_info = UserInfoForm::Signed(vec![]), "UserInfo"),
            (|s| s.proof = ClientProof::Secret(String::new()), "secret"),
        ];
        for (change, word) in changes {
            let mut settings = settings();
            change(&mut settings);
            let said = settings.check().unwrap_err().to_string();
            assert!(said.contains(word), "{word}: {said}");
        }
    }
}
