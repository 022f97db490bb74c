//! What the provider says of itself: exactly what works (identity.md §1.2, §0.1).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::client::GrantType;
use crate::http::admission::EndpointCaller;
use crate::http::answer::{json_answer, set};
use crate::provider::{Provider, ProviderAddresses, REALM};

/// Claims that tokens or UserInfo may have.
const CLAIMS: [&str; 28] = [
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "azp",
    "at_hash",
    "given_name",
    "family_name",
    "preferred_username",
    "email_verified",
    "SubjectNameID",
    "SubjectRefPro",
    "SubjectRole",
    "SubjectOrganization",
    "SubjectOrganizationID",
    "Secteur_Activite",
    "PSI_Locale",
    "UITVersion",
    "Palier_Authentification",
    "Mode_Acces_Raison",
    "Acces_Regulation_Medicale",
    "otherIds",
];

/// The metadata document.
pub(crate) fn metadata(addresses: &ProviderAddresses) -> Value {
    let at = |path: &str| addresses.endpoint(path);
    let mut all = json!({
        "issuer": addresses.issuer(),
        "authorization_endpoint": format!("{}/auth", addresses.login_host),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "introspection_endpoint": at("token/introspect"),
        "revocation_endpoint": at("revoke"),
        "end_session_endpoint": at("logout"),
        "jwks_uri": at("certs"),
        "backchannel_authentication_endpoint": at("ext/ciba/auth"),
        "pushed_authorization_request_endpoint": at("ext/par/request"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": GrantType::ALL.map(GrantType::name),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "userinfo_signing_alg_values_supported": ["none", "RS256", "ES256"],
        "scopes_supported": ["openid", "scope_all", "profile"],
        "acr_values_supported": [crate::authorize::ACR],
        "claims_supported": CLAIMS.iter().chain(&["authMode"]).collect::<Vec<_>>(),
        "ui_locales_supported": ["fr"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_user_code_parameter_supported": false,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
    });
    let mut methods = vec!["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
    if let Some(mtls) = &addresses.mtls_host {
        methods.push("tls_client_auth");
        all["tls_client_certificate_bound_access_tokens"] = true.into();
        let alias = |path: &str| format!("{mtls}{REALM}/protocol/openid-connect/{path}");
        all["mtls_endpoint_aliases"] = json!({
            "token_endpoint": alias("token"),
            "introspection_endpoint": alias("token/introspect"),
            "revocation_endpoint": alias("revoke"),
            "userinfo_endpoint": alias("userinfo"),
            "backchannel_authentication_endpoint": alias("ext/ciba/auth"),
            "pushed_authorization_request_endpoint": alias("ext/par/request"),
        });
    }
    for endpoint in ["token", "introspection", "revocation"] {
        all[format!("{endpoint}_endpoint_auth_methods_supported")] = json!(methods);
        all[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")] = json!(["ES256", "PS256", "EdDSA", "RS256"]);
    }
    all
}

/// `GET …/.well-known/openid-configuration`, and the path of the national service.
pub(crate) async fn configuration(State(provider): State<Arc<Provider>>, _caller: EndpointCaller) -> Response {
    cached(&metadata(&provider.addresses))
}

/// `GET …/certs`
pub(crate) async fn keys(State(provider): State<Arc<Provider>>, caller: EndpointCaller) -> Response {
    caller.answer(provider.keys.jwks().await.map(|keys| Ok(cached(&keys))))
}

/// An answer that a cache may keep for a while, far less than a new key is announced before it signs. Browsers of any origin may read it.
fn cached(value: &Value) -> Response {
    let mut response = json_answer(StatusCode::OK, value);
    response.headers_mut().remove(header::PRAGMA);
    set(&mut response, header::CACHE_CONTROL, "public, max-age=300");
    set(&mut response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    response
}
