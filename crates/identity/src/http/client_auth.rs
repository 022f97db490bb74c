//! Who calls an endpoint of clients: each client proves itself in the one way that is registered (identity.md §1.3, RFC 6749 §2.3).

use annuaire_cards::DistinguishedName;
use annuaire_jose::{AssertionRule, DpopRule, SignatureAlgorithm, TokenRule, check_assertion, check_dpop, open_token};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::authorize::Parameters;
use crate::client::{ClientAuthentication, ClientMode, ClientRecord};
use crate::error::Error;
use crate::http::admission::EndpointCaller;
use crate::http::answer::ClientError;
use crate::provider::Provider;
use crate::session::Binding;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Types of assertions: none, or that of RFC 7523bis.
const ASSERTION_TYPES: [&str; 3] = ["", "JWT", "client-authentication+jwt"];
const STRICT: [SignatureAlgorithm; 3] = [SignatureAlgorithm::Es256, SignatureAlgorithm::Ps256, SignatureAlgorithm::EdDsa];
const COMPAT: [SignatureAlgorithm; 4] =
    [SignatureAlgorithm::Es256, SignatureAlgorithm::Ps256, SignatureAlgorithm::EdDsa, SignatureAlgorithm::Rs256];

/// What a caller presents.
enum Presented {
    Basic { id: String, secret: String },
    Post { id: String, secret: String },
    Assertion { id: String, assertion: String },
    Certificate { id: String },
    Id { id: String },
}

impl Presented {
    fn id(&self) -> &str {
        match self {
            Self::Basic { id, .. }
            | Self::Post { id, .. }
            | Self::Assertion { id, .. }
            | Self::Certificate { id }
            | Self::Id { id } => id,
        }
    }

    const fn is_basic(&self) -> bool {
        matches!(self, Self::Basic { .. })
    }
}

fn presented(caller: &EndpointCaller, form: &Parameters) -> Result<Presented, ClientError> {
    let named = form.get("client_id");
    let basic = caller.headers.get_all("authorization").iter().count() > 0;
    let (secret, assertion) = (form.get("client_secret"), form.get("client_assertion"));
    if usize::from(basic) + usize::from(secret.is_some()) + usize::from(assertion.is_some()) > 1 {
        return Err(ClientError::new("invalid_request", "the client authenticates in several ways at once"));
    }
    if basic {
        let (id, secret) = basic_credentials(caller.header("authorization"))
            .ok_or_else(|| ClientError::invalid_client("the Authorization header is not Basic with id and secret", true))?;
        if named.is_some_and(|named| named != id) {
            return Err(ClientError::new("invalid_request", "client_id differs from the Authorization header"));
        }
        return Ok(Presented::Basic { id, secret });
    }
    if let Some(assertion) = assertion {
        if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(ClientError::new("invalid_request", "client_assertion_type is missing or unknown"));
        }
        // Whose keys verify it is read before it is verified; a lie fails at the signature.
        let id = named.map(str::to_owned).or_else(|| unverified_subject(assertion));
        let id = id.ok_or_else(|| ClientError::invalid_client("the assertion names no client", false))?;
        return Ok(Presented::Assertion { id, assertion: assertion.to_owned() });
    }
    let id = named.ok_or_else(|| ClientError::invalid_client("the client does not say who it is", false))?.to_owned();
    Ok(match secret {
        Some(secret) => Presented::Post { id, secret: secret.to_owned() },
        None if caller.organisation.is_some() => Presented::Certificate { id },
        None => Presented::Id { id },
    })
}

/// Id and secret of a Basic header: both are form-encoded (RFC 6749 §2.3.1).
fn basic_credentials(header: Option<&str>) -> Option<(String, String)> {
    let (scheme, rest) = header?.split_once(' ')?;
    let decoded = STANDARD.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((form_decoded(id)?, form_decoded(secret)?))
}

fn form_decoded(text: &str) -> Option<String> {
    // A text with & or = would be several parameters.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(format!("x={escaped}").as_bytes()).next().map(|(_, value)| value.into_owned())
}

fn unverified_subject(assertion: &str) -> Option<String> {
    let payload = assertion.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    claims["sub"].as_str().map(str::to_owned)
}

impl Provider {
    /// The client that calls, or why it is none. `endpoint` is the address that was called.
    pub(crate) async fn authenticated(
        &self,
        caller: &EndpointCaller,
        form: &Parameters,
        endpoint: &str,
    ) -> Result<Result<ClientRecord, ClientError>, Error> {
        let presented = match presented(caller, form) {
            Ok(presented) => presented,
            Err(error) => return Ok(Err(error)),
        };
        let refused = |why: &str| Ok(Err(ClientError::invalid_client(why, presented.is_basic())));
        let Some(client) = self.client(presented.id()).await? else {
            return refused("the client is not known, or its proof is wrong");
        };
        let proved = match (&presented, client.token_endpoint_auth_method) {
            (Presented::Basic { secret, .. }, ClientAuthentication::ClientSecretBasic)
            | (Presented::Post { secret, .. }, ClientAuthentication::ClientSecretPost) => client.has_secret(secret),
            (Presented::Assertion { assertion, .. }, ClientAuthentication::PrivateKeyJwt) => {
                self.is_assertion_of(&client, assertion, endpoint).await?
            }
            (Presented::Certificate { .. }, ClientAuthentication::TlsClientAuth) => {
                let (expected, given) = (&client.tls_client_auth_subject_dn, &caller.organisation);
                expected.as_ref().zip(given.as_ref()).is_some_and(|(expected, given)| is_one_name(expected, &given.subject))
            }
            (Presented::Id { .. } | Presented::Certificate { .. }, ClientAuthentication::None) => true,
            _ => return refused("the client is registered for another way to authenticate"),
        };
        if proved { Ok(Ok(client)) } else { refused("the client is not known, or its proof is wrong") }
    }

    async fn is_assertion_of(&self, client: &ClientRecord, assertion: &str, endpoint: &str) -> Result<bool, Error> {
        let algorithms: &[SignatureAlgorithm] = if client.mode == ClientMode::Strict { &STRICT } else { &COMPAT };
        let keys = client.keys();
        let rule = TokenRule { types: &ASSERTION_TYPES, algorithms };
        let Ok(opened) = open_token(assertion, &rule, &|header| header.candidates(&keys)) else {
            return Ok(false);
        };
        let (issuer, token) = (self.addresses.issuer(), self.addresses.endpoint("token"));
        let audiences = [issuer.as_str(), token.as_str(), endpoint];
        let now_s = self.now_ms() / 1_000;
        let rule = AssertionRule { client_id: &client.client_id, audiences: &audiences, now_s };
        match check_assertion(&opened.claims, &rule) {
            Ok(checked) => {
                self.once("assertion", &format!("{} {}", client.client_id, checked.jti), (checked.exp_s + 60) * 1_000).await
            }
            Err(_) => Ok(false),
        }
    }

    /// What the tokens of a client are bound to, by what its caller brings: a proof always binds, a certificate those of clients that are
    /// known by one, and of strict ones.
    pub(crate) async fn token_binding(
        &self,
        client: &ClientRecord,
        caller: &EndpointCaller,
        url: &str,
    ) -> Result<Result<Option<Binding>, ClientError>, Error> {
        let by_certificate =
            client.mode == ClientMode::Strict || client.token_endpoint_auth_method == ClientAuthentication::TlsClientAuth;
        let given = self.binding(caller, url, None).await?;
        Ok(given.map(|binding| binding.filter(|binding| by_certificate || matches!(binding, Binding::Dpop(_)))))
    }

    /// What a caller binds tokens to: a proof of possession, else its certificate; `None` when it brings neither.
    pub(crate) async fn binding(
        &self,
        caller: &EndpointCaller,
        url: &str,
        access_token: Option<&str>,
    ) -> Result<Result<Option<Binding>, ClientError>, Error> {
        let wrong = |why: &str| Ok(Err(ClientError::new("invalid_dpop_proof", why)));
        if caller.headers.get_all("dpop").iter().count() == 0 {
            return Ok(Ok(caller.certificate()));
        }
        let Some(proof) = caller.header("dpop") else { return wrong("there are several proofs") };
        let now_s = self.now_ms() / 1_000;
        let rule = DpopRule { method: caller.method.as_str(), url, access_token, nonce: None, now_s };
        let checked = match check_dpop(proof, &rule) {
            Ok(checked) => checked,
            Err(fault) => return wrong(&fault.to_string()),
        };
        let fresh = self.once("dpop", &format!("{} {}", checked.thumbprint, checked.jti), (now_s + 600) * 1_000).await?;
        if fresh { Ok(Ok(Some(Binding::Dpop(checked.thumbprint)))) } else { wrong("the proof was used before") }
    }
}

/// Whether two names of RFC 4514 are one, by their attributes.
fn is_one_name(a: &str, b: &str) -> bool {
    let read = DistinguishedName::parse;
    !a.is_empty() && matches!((read(a), read(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_encoded() {
        let header = |text: &str| format!("Basic {}", STANDARD.encode(text));
        assert_eq!(basic_credentials(Some(&header("a%3Ab:c+d%26"))), Some(("a:b".into(), "c d&".into())));
        assert_eq!(basic_credentials(Some(&header("a:b=c&d:e"))), Some(("a".into(), "b=c&d:e".into())));
        for wrong in ["Basic ", "Bearer YTpi", "Basic !!", &header("nocolon")] {
            assert_eq!(basic_credentials(Some(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_compared_by_attribute() {
        let name = "CN=app.exemple.test,OU=399900000300015,O=EDITEUR EXEMPLE,C=FR";
        assert!(is_one_name(name, "cn=app.exemple.test, OU=399900000300015,O=EDITEUR EXEMPLE,C=FR"));
        assert!(!is_one_name(name, "OU=399900000300015,CN=app.exemple.test,O=EDITEUR EXEMPLE,C=FR"));
        assert!(!is_one_name("", ""));
    }
}
