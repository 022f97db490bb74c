//! Clients of the stand-in, and how they prove who they are.

use annuaire_jose::{AssertionRule, PublicKey, SignatureAlgorithm, TokenRule, check_assertion, equal, open_token};

use crate::rows::sha256_key;

/// A client of the stand-in.
#[derive(Debug, Clone)]
pub struct StandInClient {
    /// Its name.
    pub client_id: String,
    /// SHA-256 of its secret in hexadecimal, when it has one (`client_secret_post`).
    pub secret_sha256: Option<String>,
    /// Its public keys, when it has some (`private_key_jwt`).
    pub keys: Vec<PublicKey>,
    /// Where its logins may return.
    pub redirect_uris: Vec<String>,
    /// Where its logouts may return.
    pub post_logout_redirect_uris: Vec<String>,
}

impl StandInClient {
    /// A client with a secret.
    #[must_use]
    pub fn with_secret(client_id: &str, secret: &str, redirect_uri: &str, post_logout_redirect_uri: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            secret_sha256: Some(sha256_key(secret)),
            keys: Vec::new(),
            redirect_uris: vec![redirect_uri.to_owned()],
            post_logout_redirect_uris: vec![post_logout_redirect_uri.to_owned()],
        }
    }

    /// Whether a request of the token endpoint comes from this client. An assertion that is used twice is accepted: the code that comes with it
    /// is not.
    pub(crate) fn proves(&self, form: &[(String, String)], audiences: &[&str], now_s: i64) -> bool {
        match (value(form, "client_secret"), value(form, "client_assertion")) {
            (Some(secret), None) => self.secret_sha256.as_ref().is_some_and(|known| equal(known, sha256_key(secret))),
            (None, Some(assertion)) => {
                let algorithms = [SignatureAlgorithm::Es256, SignatureAlgorithm::Rs256];
                let rule = TokenRule { types: &["JWT", "client-authentication+jwt", ""], algorithms: &algorithms };
                let is_kind =
                    value(form, "client_assertion_type") == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                let judged = AssertionRule { client_id: &self.client_id, audiences, now_s };
                is_kind
                    && open_token(assertion, &rule, &|header| header.candidates(&self.keys))
                        .is_ok_and(|opened| check_assertion(&opened.claims, &judged).is_ok())
            }
            _ => false,
        }
    }
}

/// The value of a parameter.
pub(crate) fn value<'p>(parameters: &'p [(String, String)], name: &str) -> Option<&'p str> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}
