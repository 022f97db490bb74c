//! Relying parties: what the operator registered of each.

use annuaire_jose::SignatureAlgorithm;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::rows::ProviderRow;
use crate::session::AuthMode;

/// How a client may be treated (identity.md §1.12 and §0.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientMode {
    /// Plain OpenID Connect: no `acr_values`, no nonce needed (conformance tests).
    Basic,
    /// Made for the national service: same claims, lifetimes and habits.
    Compat,
    /// FAPI 2.0 Security Profile: pushed requests, PKCE, tokens bound to a key or a certificate.
    Strict,
}

/// How a client proves who it is at the token endpoint. It has one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// A secret in the `Authorization` header (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// A secret in the form.
    ClientSecretPost,
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// A TLS certificate of an organisation, known by its subject (RFC 8705 §2.1).
    TlsClientAuth,
    /// None: native applications and browsers, in strict mode with DPoP (identity.md §0.1, 10).
    None,
}

/// What a client may ask for at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    #[serde(rename = "authorization_code")]
    AuthorizationCode,
    /// RFC 6749 §6.
    #[serde(rename = "refresh_token")]
    RefreshToken,
    /// OpenID CIBA.
    #[serde(rename = "urn:openid:params:grant-type:ciba")]
    Ciba,
    /// RFC 8693.
    #[serde(rename = "urn:ietf:params:oauth:grant-type:token-exchange")]
    TokenExchange,
}

impl GrantType {
    /// All, as metadata announces them.
    pub const ALL: [Self; 4] = [Self::AuthorizationCode, Self::RefreshToken, Self::Ciba, Self::TokenExchange];

    /// The value of `grant_type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
        }
    }
}

/// A relying party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientRecord {
    /// Its name in the protocol.
    pub client_id: String,
    /// Its name for people.
    pub client_name: String,
    /// How it is treated.
    pub mode: ClientMode,
    /// ProviderAddresses to which codes are sent, compared letter by letter.
    pub redirect_uris: Vec<String>,
    /// ProviderAddresses to which a logout may return.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logouts are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// How it proves who it is.
    pub token_endpoint_auth_method: ClientAuthentication,
    /// SHA-256 (hexadecimal) of its secrets: two while one replaces the other. Secrets are random, so that a plain hash is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets_sha256: Vec<String>,
    /// Its public keys, for assertions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Subject of its certificate (RFC 4514).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// What it may ask for.
    pub grant_types: Vec<GrantType>,
    /// Signature of its ID tokens.
    pub id_token_signed_response_alg: String,
    /// Signature of UserInfo; absent: plain JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<String>,
    /// Whether a request without PKCE is refused.
    #[serde(default)]
    pub require_pkce: bool,
    /// Ways of proving identity that it takes: `MOBILE`, `CARD`, `WEBAUTHN`; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_auth_modes: Vec<String>,
    /// Whether it may look into tokens of other clients (an API that checks them, identity.md §1.8).
    #[serde(default)]
    pub introspects_others: bool,
    /// Business scopes that it may ask for by token exchange.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchange_scopes: Vec<String>,
    /// When it was registered, milliseconds since 1970 UTC.
    #[serde(default)]
    pub created_ms: i64,
    /// When it ends (self-registered clients of a sandbox), milliseconds since 1970 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_ms: Option<i64>,
}

impl ProviderRow for ClientRecord {
    const KIND: &'static str = "client";

    fn key(&self) -> &str {
        &self.client_id
    }

    fn due_ms(&self) -> Option<i64> {
        self.ends_ms
    }
}

impl ClientRecord {
    /// A client as most are: one that proves itself by a secret in the header, takes RS256 and codes, and has nothing else. What differs is
    /// set by the caller.
    #[must_use]
    pub fn with_secret(client_id: &str, client_name: &str, redirect_uris: Vec<String>, secret: &str, created_ms: i64) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_name: client_name.to_owned(),
            mode: ClientMode::Compat,
            redirect_uris,
            post_logout_redirect_uris: vec![],
            backchannel_logout_uri: None,
            token_endpoint_auth_method: ClientAuthentication::ClientSecretBasic,
            secrets_sha256: vec![sha256_hex(secret)],
            jwks: None,
            tls_client_auth_subject_dn: None,
            grant_types: vec![GrantType::AuthorizationCode],
            id_token_signed_response_alg: "RS256".to_owned(),
            userinfo_signed_response_alg: None,
            require_pkce: false,
            allowed_auth_modes: vec![],
            introspects_others: false,
            exchange_scopes: vec![],
            created_ms,
            ends_ms: None,
        }
    }

    /// Whether it takes persons who proved who they are this way.
    #[must_use]
    pub fn takes(&self, mode: AuthMode) -> bool {
        self.allowed_auth_modes.is_empty() || self.allowed_auth_modes.iter().any(|known| known == mode.name())
    }

    /// Whether it may ask for this.
    #[must_use]
    pub fn may(&self, grant: GrantType) -> bool {
        self.grant_types.contains(&grant)
    }

    /// Whether a secret is one of its own.
    #[must_use]
    pub fn has_secret(&self, secret: &str) -> bool {
        let given = sha256_hex(secret);
        // All are compared, each in constant time.
        self.secrets_sha256.iter().fold(false, |found, known| annuaire_jose::equal(known, &given) | found)
    }

    /// Whether it proves itself by a secret.
    #[must_use]
    pub fn has_secret_method(&self) -> bool {
        use ClientAuthentication::{ClientSecretBasic, ClientSecretPost};
        matches!(self.token_endpoint_auth_method, ClientSecretBasic | ClientSecretPost)
    }

    /// Signature of its ID tokens.
    #[must_use]
    pub fn id_token_algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::of_name(&self.id_token_signed_response_alg).unwrap_or(SignatureAlgorithm::Rs256)
    }

    /// Why the record cannot be used; for whoever registers it.
    #[must_use]
    pub fn objection(&self) -> Option<String> {
        use ClientAuthentication::{ClientSecretBasic, ClientSecretPost, None as Public, PrivateKeyJwt, TlsClientAuth};
        let say = |text: &str| Some(text.to_owned());
        if self.client_id.is_empty() || self.client_id.len() > 128 || !self.client_id.bytes().all(is_id_letter) {
            return say("client_id has 1 to 128 letters, digits, points, hyphens or underscores");
        }
        if self.client_name.trim().is_empty() || self.client_name.chars().count() > 80 {
            return say("client_name has 1 to 80 characters");
        }
        let addresses = self.redirect_uris.iter().chain(&self.post_logout_redirect_uris).chain(&self.backchannel_logout_uri);
        if let Some(wrong) = addresses.clone().find(|address| !is_client_address(address)) {
            return Some(format!("{wrong}: give an https address without fragment or wildcard (http for localhost only)"));
        }
        if self.may(GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return say("redirect_uris: give at least one");
        }
        if self.allowed_auth_modes.iter().any(|mode| !["CARD", "MOBILE", "WEBAUTHN"].contains(&mode.as_str())) {
            return say("allowed_auth_modes: CARD, MOBILE, WEBAUTHN; none for all");
        }
        let (alg, strict) = (self.id_token_algorithm(), self.mode == ClientMode::Strict);
        if SignatureAlgorithm::of_name(&self.id_token_signed_response_alg).is_none()
            || (strict && alg == SignatureAlgorithm::Rs256)
        {
            return say("id_token_signed_response_alg: RS256 or ES256; strict clients take ES256");
        }
        if !matches!(alg, SignatureAlgorithm::Rs256 | SignatureAlgorithm::Es256) {
            return say("id_token_signed_response_alg: RS256 or ES256");
        }
        match self.token_endpoint_auth_method {
            ClientSecretBasic | ClientSecretPost if strict => {
                say("a strict client has no secret: private_key_jwt, tls_client_auth or none")
            }
            ClientSecretBasic | ClientSecretPost if self.secrets_sha256.is_empty() => say("the client has no secret"),
            PrivateKeyJwt if self.keys().is_empty() => say("jwks: give the public keys of the client"),
            TlsClientAuth
                if annuaire_cards::DistinguishedName::parse(self.tls_client_auth_subject_dn.as_deref().unwrap_or_default())
                    .is_err() =>
            {
                say("tls_client_auth_subject_dn: give the subject of the certificate (CN=app.example,O=…,C=FR)")
            }
            Public if !strict => say("only strict clients may go without authentication"),
            _ => None,
        }
    }

    /// Its public keys that can be used.
    pub(crate) fn keys(&self) -> Vec<annuaire_jose::PublicKey> {
        let keys = self.jwks.as_ref().and_then(|jwks| jwks["keys"].as_array());
        keys.into_iter().flatten().filter_map(|key| annuaire_jose::PublicKey::from_jwk(key).ok()).collect()
    }
}

fn is_id_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// Whether an address may be registered: absolute, encrypted but on this machine, exact.
fn is_client_address(address: &str) -> bool {
    let clean = !address.contains(['*', '#', ' ', '\\']) && address.bytes().all(|byte| byte.is_ascii_graphic());
    let Ok(uri) = address.parse::<axum::http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let near = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let scheme = uri.scheme_str().unwrap_or_default();
    let no_user = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    clean && no_user && !host.is_empty() && (scheme == "https" || (scheme == "http" && near))
}

/// SHA-256 of a text in hexadecimal: how handles and secrets are kept.
pub(crate) fn sha256_hex(text: &str) -> String {
    annuaire_base::text::hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn client() -> ClientRecord {
        ClientRecord {
            client_id: "exemple".into(),
            client_name: "Dossier patient Exemple".into(),
            mode: ClientMode::Compat,
            redirect_uris: vec!["https://app.exemple.test/oidc/callback".into()],
            post_logout_redirect_uris: vec![],
            backchannel_logout_uri: None,
            token_endpoint_auth_method: ClientAuthentication::ClientSecretBasic,
            secrets_sha256: vec![sha256_hex("secret")],
            jwks: None,
            tls_client_auth_subject_dn: None,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            id_token_signed_response_alg: "RS256".into(),
            userinfo_signed_response_alg: None,
            require_pkce: true,
            allowed_auth_modes: vec![],
            introspects_others: false,
            exchange_scopes: vec![],
            created_ms: 0,
            ends_ms: None,
        }
    }

    #[test]
    fn a_record_that_cannot_work_says_why() {
        assert_eq!(client().objection(), None);
        let with = |change: &dyn Fn(&mut ClientRecord)| {
            let mut record = client();
            change(&mut record);
            record.objection().unwrap_or_default()
        };
        for address in [
            "http://app.exemple.test/",
            "https://*.exemple.test/",
            "https://a.test/#f",
            "ftp://a.test/",
            "https://u@a.test/",
            "/x",
        ] {
            assert!(with(&|c| c.redirect_uris = vec![address.to_owned()]).contains("https address"), "{address}");
        }
        assert_eq!(with(&|c| c.redirect_uris = vec!["http://localhost:3000/cb".to_owned()]), "");
        assert!(with(&|c| c.mode = ClientMode::Strict).contains("ES256"));
        assert!(with(&|c| c.secrets_sha256.clear()).contains("no secret"));
        assert!(with(&|c| c.token_endpoint_auth_method = ClientAuthentication::None).contains("strict"));
        assert!(with(&|c| c.client_id = "a b".into()).contains("client_id"));
        assert!(with(&|c| c.allowed_auth_modes = vec!["PASSWORD".into()]).contains("WEBAUTHN"));
        assert_eq!(with(&|c| c.allowed_auth_modes = ["CARD", "MOBILE", "WEBAUTHN"].map(str::to_owned).to_vec()), "");
    }

    #[test]
    fn secrets_are_known_by_their_hashes() {
        let mut record = client();
        record.secrets_sha256.push(sha256_hex("next"));
        assert!(
            record.has_secret("secret") && record.has_secret("next") && !record.has_secret("Secret") && !record.has_secret("")
        );
    }
}
