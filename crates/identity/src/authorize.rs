//! Reading an authorization request (OpenID Connect Core §3.1.2.1, identity.md §1.4). Pure: the client record is a parameter.

use serde::{Deserialize, Serialize};

use crate::client::{ClientMode, ClientRecord, GrantType};
use crate::limits::{PARAMETER_BYTES, PARAMETERS};

/// The one level that is announced. What really happened stands in `authMode` and `amr`.
pub(crate) const ACR: &str = "eidas1";

/// Parameters of a request, each name once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// Why parameters cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ParameterFault {
    /// A name stands twice (RFC 6749 §3.1).
    Twice(String),
    /// There are too many, or one is too long.
    TooLong,
}

impl Parameters {
    /// Reads a query or a form.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ParameterFault> {
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text) {
            if value.len() > PARAMETER_BYTES || name.len() > PARAMETER_BYTES || all.len() == PARAMETERS {
                return Err(ParameterFault::TooLong);
            }
            if all.iter().any(|(known, _)| *known == name) {
                return Err(ParameterFault::Twice(name.into_owned()));
            }
            // A parameter without a value counts as absent (RFC 6749 §3.1).
            if !value.is_empty() {
                all.push((name.into_owned(), value.into_owned()));
            }
        }
        Ok(Self(all))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn required(&self, name: &'static str) -> Result<&str, Refused> {
        self.get(name).ok_or_else(|| Refused::invalid_request(format!("{name} is missing")))
    }
}

/// An error of the protocol: a code, and a sentence for developers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) error: &'static str,
    pub(crate) description: String,
}

impl Refused {
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { error, description: description.into() }
    }

    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

impl From<ParameterFault> for Refused {
    fn from(fault: ParameterFault) -> Self {
        match fault {
            ParameterFault::Twice(name) => Self::invalid_request(format!("{name} stands twice")),
            ParameterFault::TooLong => Self::invalid_request("the request has too many parameters, or a value that is too long"),
        }
    }
}

/// How the answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResponseMode {
    Query,
    FormPost,
}

/// Where an answer goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReturnTo {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) mode: ResponseMode,
}

/// A request that may be answered with a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthorizeRequest {
    pub(crate) return_to: ReturnTo,
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) dpop_jkt: Option<String>,
    /// `prompt=login` (or a value that asks as much of us).
    pub(crate) login_again: bool,
    /// `prompt=none`.
    pub(crate) no_page: bool,
    /// Seconds since the last login at most.
    pub(crate) max_age_s: Option<i64>,
    /// National identifier to propose.
    pub(crate) login_hint: Option<String>,
    pub(crate) id_token_hint: Option<String>,
}

/// Where a fault of a request is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuthorizeFault {
    /// On a page of ours: nobody knows where the answer may go.
    OnPage(&'static str),
    /// To the client.
    ToClient(ReturnTo, Refused),
}

/// The address to which the answer of a request goes, if its client is the given one.
///
/// # Errors
/// A fault for a page: the address is not registered, letter by letter.
pub(crate) fn return_to(parameters: &Parameters, client: &ClientRecord) -> Result<ReturnTo, AuthorizeFault> {
    let Some(redirect_uri) = parameters.get("redirect_uri") else {
        return Err(AuthorizeFault::OnPage("L’adresse de retour (redirect_uri) manque."));
    };
    if !client.redirect_uris.iter().any(|known| known == redirect_uri) {
        return Err(AuthorizeFault::OnPage("L’adresse de retour (redirect_uri) n’est pas enregistrée pour cette application."));
    }
    let mode = match parameters.get("response_mode") {
        Some("form_post") => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    };
    let state = parameters.get("state").map(str::to_owned);
    Ok(ReturnTo { client_id: client.client_id.clone(), redirect_uri: redirect_uri.to_owned(), state, mode })
}

/// Whether a request was pushed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestWay {
    /// Its parameters came with the browser.
    Direct,
    /// They came from the client itself (RFC 9126).
    Pushed,
}

/// Reads a request of a client.
///
/// # Errors
/// What the client or the person is told.
pub(crate) fn read_request(
    parameters: &Parameters,
    client: &ClientRecord,
    way: RequestWay,
) -> Result<AuthorizeRequest, AuthorizeFault> {
    let return_to = return_to(parameters, client)?;
    match read_parts(parameters, client, way, &return_to) {
        Ok(request) => Ok(request),
        Err(refused) => Err(AuthorizeFault::ToClient(return_to, refused)),
    }
}

fn read_parts(
    parameters: &Parameters,
    client: &ClientRecord,
    way: RequestWay,
    return_to: &ReturnTo,
) -> Result<AuthorizeRequest, Refused> {
    let strict = client.mode == ClientMode::Strict;
    if parameters.get("request").is_some() {
        return Err(Refused::new("request_not_supported", "request objects are not supported: send plain parameters"));
    }
    match parameters.get("response_type") {
        None => return Err(Refused::invalid_request("response_type is missing")),
        Some("code") => {}
        Some(_) => return Err(Refused::new("unsupported_response_type", "response_type is code")),
    }
    if !matches!(parameters.get("response_mode"), None | Some("query" | "form_post")) {
        return Err(Refused::invalid_request("response_mode is query or form_post"));
    }
    if !client.may(GrantType::AuthorizationCode) {
        return Err(Refused::new("unauthorized_client", "the client is not registered for authorization_code"));
    }
    if strict && way == RequestWay::Direct {
        return Err(Refused::invalid_request("a strict client pushes its request first (RFC 9126)"));
    }
    let asked: Vec<&str> = parameters.get("scope").unwrap_or_default().split(' ').filter(|scope| !scope.is_empty()).collect();
    if !asked.contains(&"openid") {
        return Err(Refused::new("invalid_scope", "scope has openid"));
    }
    let scope = scopes(&asked);
    if client.mode != ClientMode::Basic {
        // Values are in order of preference: ours has to be one of them.
        match parameters.get("acr_values") {
            None => return Err(Refused::invalid_request("acr_values is missing: eidas1")),
            Some(values) if values.split(' ').any(|value| value == ACR) => {}
            Some(_) => return Err(Refused::new("unmet_authentication_requirements", "the level that is given is eidas1")),
        }
        parameters.required("state")?;
        parameters.required("nonce")?;
    }
    let challenge = match (parameters.get("code_challenge"), parameters.get("code_challenge_method")) {
        (None, None) if strict || client.require_pkce => {
            return Err(Refused::invalid_request("code_challenge is missing: this client uses PKCE"));
        }
        (None, None) => None,
        (Some(challenge), Some("S256")) if is_challenge(challenge) => Some(challenge.to_owned()),
        (Some(_), Some("S256")) => return Err(Refused::invalid_request("code_challenge is the base64url form of a SHA-256")),
        _ => return Err(Refused::invalid_request("code_challenge_method is S256")),
    };
    let prompts: Vec<&str> = parameters.get("prompt").unwrap_or_default().split(' ').filter(|value| !value.is_empty()).collect();
    let no_page = prompts.contains(&"none");
    if no_page && prompts.len() > 1 {
        return Err(Refused::invalid_request("prompt=none stands alone"));
    }
    let max_age_s = match parameters.get("max_age").map(str::parse::<u32>) {
        None => None,
        Some(Ok(seconds)) => Some(i64::from(seconds)),
        Some(Err(_)) => return Err(Refused::invalid_request("max_age is a number of seconds")),
    };
    let text = |name: &str| parameters.get(name).map(str::to_owned);
    Ok(AuthorizeRequest {
        return_to: return_to.clone(),
        scope,
        nonce: text("nonce"),
        challenge,
        dpop_jkt: text("dpop_jkt"),
        login_again: prompts.contains(&"login") || prompts.contains(&"select_account"),
        no_page,
        max_age_s,
        login_hint: text("login_hint"),
        id_token_hint: text("id_token_hint"),
    })
}

/// The scopes of a request that mean something, in one order; others are ignored (identity.md §1.4).
pub(crate) fn scopes(asked: &[&str]) -> String {
    let known = ["openid", "scope_all", "profile"];
    known.into_iter().filter(|scope| asked.contains(scope)).collect::<Vec<_>>().join(" ")
}

fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientAuthentication;

    fn client(mode: ClientMode) -> ClientRecord {
        let strict = mode == ClientMode::Strict;
        ClientRecord {
            client_id: "exemple".into(),
            client_name: "Exemple".into(),
            mode,
            redirect_uris: vec!["https://app.exemple.test/cb".into(), "https://app.exemple.test/cb?a=b".into()],
            post_logout_redirect_uris: vec![],
            backchannel_logout_uri: None,
            token_endpoint_auth_method: if strict { ClientAuthentication::None } else { ClientAuthentication::ClientSecretPost },
            secrets_sha256: vec!["00".into()],
            jwks: None,
            tls_client_auth_subject_dn: None,
            grant_types: vec![GrantType::AuthorizationCode],
            id_token_signed_response_alg: if strict { "ES256" } else { "RS256" }.into(),
            userinfo_signed_response_alg: None,
            require_pkce: false,
            allowed_auth_modes: vec![],
            introspects_others: false,
            exchange_scopes: vec![],
            created_ms: 0,
            ends_ms: None,
        }
    }

    const WHOLE: &str = "response_type=code&client_id=exemple&redirect_uri=https://app.exemple.test/cb&scope=openid%20scope_all\
        &acr_values=eidas1&state=s&nonce=n";

    fn read(text: &str, mode: ClientMode, way: RequestWay) -> Result<AuthorizeRequest, AuthorizeFault> {
        read_request(&Parameters::parse(text.as_bytes()).unwrap(), &client(mode), way)
    }

    fn error(text: &str, mode: ClientMode, way: RequestWay) -> &'static str {
        match read(text, mode, way) {
            Ok(_) => "",
            Err(AuthorizeFault::OnPage(_)) => "page",
            Err(AuthorizeFault::ToClient(_, refused)) => refused.error,
        }
    }

    #[test]
    fn a_request_of_the_national_service_is_read() {
        let request = read(WHOLE, ClientMode::Compat, RequestWay::Direct).unwrap();
        assert_eq!((request.scope.as_str(), request.nonce.as_deref()), ("openid scope_all", Some("n")));
        assert_eq!(request.return_to.state.as_deref(), Some("s"));
        assert!(!request.login_again && !request.no_page);
    }

    #[test]
    fn each_fault_has_its_error() {
        let compat = |text: &str| error(text, ClientMode::Compat, RequestWay::Direct);
        for (from, to, expected) in [
            ("response_type=code", "response_type=token", "unsupported_response_type"),
            ("response_type=code&", "", "invalid_request"),
            ("https://app.exemple.test/cb", "https://app.exemple.test/cb/", "page"),
            ("https://app.exemple.test/cb", "https://app.exemple.test/cb?c=d", "page"),
            ("https://app.exemple.test/cb", "https://app.exemple.test/cb%3Fa%3Db", ""),
            ("openid%20", "", "invalid_scope"),
            ("&acr_values=eidas1", "", "invalid_request"),
            ("eidas1", "eidas3", "unmet_authentication_requirements"),
            ("eidas1", "eidas3%20eidas1", ""),
            ("&state=s", "", "invalid_request"),
            ("&nonce=n", "", "invalid_request"),
            ("&nonce=n", "&nonce=n&prompt=none%20login", "invalid_request"),
            ("&nonce=n", "&nonce=n&max_age=-1", "invalid_request"),
            ("&nonce=n", "&nonce=n&code_challenge=abc&code_challenge_method=S256", "invalid_request"),
            ("&nonce=n", "&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "invalid_request"),
            (
                "&nonce=n",
                "&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=plain",
                "invalid_request",
            ),
            ("&nonce=n", "&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256", ""),
            ("&nonce=n", "&nonce=n&request=eyJ", "request_not_supported"),
            ("&nonce=n", "&nonce=n&response_mode=fragment", "invalid_request"),
            ("&nonce=n", "&nonce=n&response_mode=form_post&unknown=1", ""),
        ] {
            assert_eq!(compat(&WHOLE.replace(from, to)), expected, "{from} -> {to}");
        }
    }

    #[test]
    fn modes_ask_for_what_they_ask_for() {
        let bare = "response_type=code&redirect_uri=https://app.exemple.test/cb&scope=openid%20email%20phone";
        assert_eq!(error(bare, ClientMode::Basic, RequestWay::Direct), "");
        assert_eq!(read(bare, ClientMode::Basic, RequestWay::Direct).unwrap().scope, "openid");
        assert_eq!(error(bare, ClientMode::Compat, RequestWay::Direct), "invalid_request");
        let pkce = format!("{WHOLE}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256");
        assert_eq!(error(&pkce, ClientMode::Strict, RequestWay::Direct), "invalid_request");
        assert_eq!(error(&pkce, ClientMode::Strict, RequestWay::Pushed), "");
        assert_eq!(error(WHOLE, ClientMode::Strict, RequestWay::Pushed), "invalid_request");
    }

    #[test]
    fn a_parameter_stands_once() {
        assert_eq!(Parameters::parse(b"a=1&a=2"), Err(ParameterFault::Twice("a".into())));
        assert_eq!(Parameters::parse(b"a=&b=2").unwrap().get("a"), None);
        assert!(Parameters::parse(format!("a={}", "x".repeat(PARAMETER_BYTES + 1)).as_bytes()).is_err());
    }
}
