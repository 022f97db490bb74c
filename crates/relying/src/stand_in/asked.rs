//! What a client asks the stand-in for: every mandatory parameter is checked (identity.md §4.2).

use crate::limits::{PARAMETERS, QUERY_BYTES, STAND_IN_NONCE};
use crate::stand_in::citizens::is_scope;
use crate::stand_in::client::{StandInClient, value};

/// A request of a login that may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskedLogin {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: String,
    pub(crate) acr: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) challenge: Option<String>,
    pub(crate) is_login_forced: bool,
}

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskFault {
    /// By a page with status 400, without redirection: a code, and what is wrong.
    Page(&'static str, String),
    /// By redirection to the client.
    Told { redirect_uri: String, state: String, error: &'static str },
}

/// A mandatory parameter is missing or wrong. The form of the code is the one of the national service; which number means what is ours.
const WRONG: &str = "Y030007";
/// The client is not known.
const CLIENT: &str = "Y030001";
/// The address of return is not registered.
const RETURN: &str = "Y030002";

/// The parameters of a request; none stands twice.
pub(crate) fn parameters(text: &[u8]) -> Option<Vec<(String, String)>> {
    let mut all: Vec<(String, String)> = Vec::new();
    if text.len() > 2 * QUERY_BYTES {
        return None;
    }
    for (name, value) in form_urlencoded::parse(text) {
        if all.len() == PARAMETERS || all.iter().any(|(known, _)| *known == name) {
            return None;
        }
        all.push((name.into_owned(), value.into_owned()));
    }
    Some(all)
}

/// Reads a request.
pub(crate) fn read_asked(query: &str, clients: &[StandInClient]) -> Result<AskedLogin, AskFault> {
    let wrong = |what: &str| AskFault::Page(WRONG, format!("le paramètre {what} manque ou n’est pas accepté"));
    let all =
        parameters(query.as_bytes()).ok_or_else(|| AskFault::Page(WRONG, "un paramètre est répété, ou il y en a trop".into()))?;
    let needed = |name: &str| value(&all, name).map(str::to_owned).ok_or_else(|| wrong(name));
    let client_id = needed("client_id")?;
    let client = clients.iter().find(|client| client.client_id == client_id);
    let client = client.ok_or_else(|| AskFault::Page(CLIENT, "le fournisseur de services n’est pas connu".into()))?;
    let redirect_uri = needed("redirect_uri")?;
    if !client.redirect_uris.contains(&redirect_uri) {
        return Err(AskFault::Page(RETURN, "l’adresse de retour n’est pas enregistrée".into()));
    }
    let state = needed("state")?;
    let told = |error| AskFault::Told { redirect_uri: redirect_uri.clone(), state: state.clone(), error };
    if needed("response_type")? != "code" {
        return Err(told("unsupported_response_type"));
    }
    let scope = needed("scope")?;
    if !scope.split(' ').any(|scope| scope == "openid") {
        return Err(wrong("scope"));
    }
    if !scope.split(' ').all(is_scope) {
        return Err(told("invalid_scope"));
    }
    let acr = needed("acr_values")?;
    if acr != "eidas1" {
        return Err(wrong("acr_values"));
    }
    let nonce = needed("nonce")?;
    if nonce.chars().count() < STAND_IN_NONCE {
        return Err(wrong("nonce (22 caractères au moins)"));
    }
    let prompt = value(&all, "prompt").unwrap_or_default();
    if !prompt.split(' ').all(|word| matches!(word, "" | "login" | "consent")) {
        return Err(wrong("prompt"));
    }
    let challenge = value(&all, "code_challenge").map(str::to_owned);
    if challenge.is_some() && value(&all, "code_challenge_method") != Some("S256") {
        return Err(told("invalid_request"));
    }
    let is_login_forced = prompt.split(' ').any(|word| word == "login");
    Ok(AskedLogin { client_id, redirect_uri, scope, acr, state, nonce, challenge, is_login_forced })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Vec<StandInClient> {
        vec![StandInClient {
            client_id: "portail".into(),
            secret_sha256: None,
            keys: vec![],
            redirect_uris: vec!["https://a.exemple.test/cb".into()],
            post_logout_redirect_uris: vec![],
        }]
    }

    const GOOD: [(&str, &str); 7] = [
        ("response_type", "code"),
        ("client_id", "portail"),
        ("redirect_uri", "https://a.exemple.test/cb"),
        ("scope", "openid identite_pivot"),
        ("acr_values", "eidas1"),
        ("state", "s"),
        ("nonce", "0123456789012345678901"),
    ];

    fn asked(change: Option<(&str, Option<&str>)>) -> Result<AskedLogin, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in GOOD {
            match change {
                Some((changed, other)) if changed == name => drop(other.map(|other| query.append_pair(name, other))),
                _ => drop(query.append_pair(name, value)),
            }
        }
        if let Some((name, Some(value))) = change
            && !GOOD.iter().any(|(known, _)| *known == name)
        {
            query.append_pair(name, value);
        }
        read_asked(&query.finish(), &clients()).map_err(|fault| match fault {
            AskFault::Page(code, _) => code.to_owned(),
            AskFault::Told { error, .. } => error.to_owned(),
        })
    }

    #[test]
    fn every_mandatory_parameter_is_checked() {
        assert!(asked(None).is_ok());
        for (name, _) in GOOD {
            assert_eq!(asked(Some((name, None))), Err(WRONG.to_owned()), "{name}");
            assert_eq!(asked(Some((name, Some("")))), Err(WRONG.to_owned()), "{name} empty");
        }
        for (name, value, code) in [
            ("client_id", "x", CLIENT),
            ("redirect_uri", "https://a.exemple.test/cb/", RETURN),
            ("scope", "identite_pivot", WRONG),
            ("scope", "openid address", "invalid_scope"),
            ("acr_values", "eidas2", WRONG),
            ("nonce", "012345678901234567890", WRONG),
            ("response_type", "token", "unsupported_response_type"),
            ("prompt", "none", WRONG),
            ("prompt", "select_account", WRONG),
            ("code_challenge", "x", "invalid_request"),
        ] {
            assert_eq!(asked(Some((name, Some(value)))), Err(code.to_owned()), "{name}={value}");
        }
        assert!(asked(Some(("prompt", Some("login consent")))).unwrap().is_login_forced);
        assert!(matches!(read_asked("state=1&state=2", &clients()), Err(AskFault::Page(WRONG, _))));
    }
}
