//! Refusals as `application/problem+json` (RFC 9457), with the codes of the reference (registration §5.3) or, for what is wrong with the call
//! itself, codes of this room.

use annuaire_registry::{RegistrationRefusal, RegistrationStop};
use annuaire_web::cause_chain;
use annuaire_workflow::fields::Findings;
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode, MessageWeight};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value, json};

/// What is wrong with a call, whatever it is about. A closed table: code, status, what it is called, the text that leads on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallFault {
    Token,
    Address,
    Method,
    TooLong,
    Json,
    Member,
    File,
    Parameter,
    Key,
    VersionMissing,
    VersionMalformed,
    Host,
    Rate,
    Failure,
}

impl CallFault {
    pub(crate) const ALL: [Self; 14] = [
        Self::Token,
        Self::Address,
        Self::Method,
        Self::TooLong,
        Self::Json,
        Self::Member,
        Self::File,
        Self::Parameter,
        Self::Key,
        Self::VersionMissing,
        Self::VersionMalformed,
        Self::Host,
        Self::Rate,
        Self::Failure,
    ];

    const fn row(self) -> (&'static str, u16, &'static str, &'static str) {
        match self {
            Self::Token => (
                "A-JETON",
                401,
                "Jeton absent ou échu",
                "Demandez un jeton à l'adresse /jeton, puis envoyez-le dans Authorization: Bearer.",
            ),
            Self::Address => {
                ("A-ADRESSE", 404, "Adresse inconnue", "Aucune ressource n'est à cette adresse : voyez /openapi.json.")
            }
            Self::Method => {
                ("A-METHODE", 405, "Méthode non admise", "Cette adresse n'admet pas cette méthode : voyez /openapi.json.")
            }
            Self::TooLong => ("A-TAILLE", 413, "Envoi trop long", "Le corps ou l'adresse est trop long. Découpez l'envoi."),
            Self::Json => ("A-JSON", 400, "Corps illisible", "Le corps doit être un objet JSON en UTF-8."),
            Self::Member => {
                ("A-MEMBRE", 400, "Membre inconnu ou mal formé", "Corrigez les membres indiqués : voyez /openapi.json.")
            }
            Self::File => ("A-FICHIER", 422, "Fichier à corriger", "Le fichier n'est pas une liste : partez du modèle."),
            Self::Parameter => {
                ("A-PARAMETRE", 400, "Paramètre inconnu ou mal formé", "Corrigez les paramètres indiqués : voyez /openapi.json.")
            }
            Self::Key => (
                "A-CLE",
                400,
                "Clé d'idempotence absente",
                "Envoyez l'en-tête Idempotency-Key, de 1 à 80 caractères ASCII visibles, propre à cette demande.",
            ),
            Self::VersionMissing => {
                ("A-VERSION", 428, "Version absente", "Envoyez l'en-tête If-Match avec l'ETag de la demande que vous avez lue.")
            }
            Self::VersionMalformed => {
                ("A-VERSION-FORME", 400, "Version mal formée", "If-Match doit être un seul ETag, par exemple \"3\".")
            }
            Self::Host => ("A-HOTE", 400, "Hôte mal nommé", "La requête doit nommer son hôte une fois, par un nom bien formé."),
            Self::Rate => (
                "A-DEBIT",
                429,
                "Trop de requêtes",
                "Attendez le nombre de secondes que donne Retry-After : 10 requêtes par seconde et par établissement.",
            ),
            Self::Failure => (
                "A-PANNE",
                500,
                "Panne",
                "La panne est notée. Réessayez plus tard, et donnez au support l'identifiant de l'en-tête X-Request-Id.",
            ),
        }
    }

    /// The stable code.
    pub(crate) const fn code(self) -> &'static str {
        self.row().0
    }

    /// What it is called.
    pub(crate) const fn title(self) -> &'static str {
        self.row().2
    }
}

/// Why a call gets no other answer. It is large and rare: it stands behind a pointer.
#[derive(Debug)]
pub(crate) struct HrProblem(Box<ProblemParts>);

#[derive(Debug)]
struct ProblemParts {
    status: StatusCode,
    code: String,
    title: &'static str,
    detail: String,
    findings: Vec<Value>,
    /// BodyMembers beside those of RFC 9457.
    more: Map<String, Value>,
    /// Version of what was written all the same.
    version: Option<u64>,
    /// The cause of a failure, for the operator's log alone.
    cause: Option<String>,
    challenge: Option<&'static str>,
    retry_after: Option<u32>,
}

impl From<CallFault> for HrProblem {
    fn from(fault: CallFault) -> Self {
        let (code, status, title, detail) = fault.row();
        let mut problem =
            Self::plain(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), code, title, detail.to_owned());
        if fault == CallFault::Token {
            problem.0.challenge = Some("Bearer realm=\"annuaire\"");
        }
        problem
    }
}

/// The status and the short name of a refusal.
fn refused_as(refusal: &RegistrationRefusal) -> (u16, &'static str) {
    use MessageCode as C;
    let hidden = C::EReq06.fill(&[("statut", HIDDEN_STATUS)]);
    match refusal.code {
        C::M01 => (401, "Logiciel inconnu"),
        C::EReq06 if refusal.text == hidden => (404, "Introuvable"),
        C::EPer01 | C::EPer02 => (403, "Hors du périmètre"),
        C::EHab01 | C::EHab05 | C::EReq04 | C::EReq05 | C::EReq07 => (403, "Action réservée"),
        C::EGen09 => (412, "Demande modifiée entre-temps"),
        C::EReq01 | C::EReq02 | C::EReq06 | C::ESit05 | C::M02 => (409, "Action impossible dans cet état"),
        _ => (422, "À corriger"),
    }
}

impl From<RegistrationStop> for HrProblem {
    fn from(stop: RegistrationStop) -> Self {
        match stop {
            RegistrationStop::Refused(refusal) => {
                let (status, title) = refused_as(&refusal);
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
                Self::plain(status, refusal.code.as_str(), title, refusal.text)
            }
            RegistrationStop::Failed(error) => Self::failure(cause_chain(&error)),
        }
    }
}

impl HrProblem {
    fn plain(status: StatusCode, code: &str, title: &'static str, detail: String) -> Self {
        Self(Box::new(ProblemParts {
            status,
            code: code.to_owned(),
            title,
            detail,
            findings: Vec::new(),
            more: Map::new(),
            version: None,
            cause: None,
            challenge: None,
            retry_after: None,
        }))
    }

    /// A failure, with its cause for the operator.
    pub(crate) fn failure(cause: String) -> Self {
        let mut problem = Self::from(CallFault::Failure);
        problem.0.cause = Some(cause);
        problem
    }

    /// The cause of a failure.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    fn with_findings(mut self, findings: Vec<Value>) -> Self {
        self.0.findings = findings;
        self
    }

    /// A message of the reference that the door itself gives.
    pub(crate) fn told(code: MessageCode, text: String) -> Self {
        RegistrationStop::Refused(RegistrationRefusal { code, text }).into()
    }

    /// A fault of the call, with the names that have it.
    pub(crate) fn named(fault: CallFault, names: &[String]) -> Self {
        let found = names.iter().map(|name| finding(name, fault.code(), fault.title(), true)).collect();
        Self::from(fault).with_findings(found)
    }

    /// Points to correct in a section or a search.
    pub(crate) fn found(findings: Vec<Value>) -> Self {
        let text = MessageCode::EReq09.fill(&[("n", &findings.len().to_string())]);
        Self::told(MessageCode::EReq09, text).with_findings(findings)
    }

    /// A file that is no list.
    pub(crate) fn file(text: &str, findings: Vec<Value>) -> Self {
        let mut problem = Self::from(CallFault::File).with_findings(findings);
        text.clone_into(&mut problem.0.detail);
        problem
    }

    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.0.more.insert(name.to_owned(), value);
        self
    }

    pub(crate) fn with_version(mut self, version: u64) -> Self {
        self.0.version = Some(version);
        self
    }

    pub(crate) fn with_challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The answer; `document` is the complete address of the OpenAPI document, which lists the codes.
    pub(crate) fn answer(self, document: &str) -> Response {
        let parts = *self.0;
        let mut body = Map::new();
        body.insert("type".into(), json!(format!("{document}#{}", parts.code)));
        body.insert("title".into(), json!(parts.title));
        body.insert("status".into(), json!(parts.status.as_u16()));
        body.insert("detail".into(), json!(parts.detail));
        body.insert("code".into(), json!(parts.code));
        body.insert("constats".into(), Value::Array(parts.findings));
        body.extend(parts.more);
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = parts.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = parts.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if let Some(seconds) = parts.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(tag) = parts.version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok()) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

fn finding(field: &str, code: &str, text: &str, blocks: bool) -> Value {
    json!({"champ": field, "code": code, "message": text, "bloquant": blocks})
}

/// What the checks of a form found, field by field.
pub(crate) fn findings(found: &Findings) -> Vec<Value> {
    let row = |field: &str, code: MessageCode, text: &str| {
        finding(field.strip_prefix("q.").unwrap_or(field), code.as_str(), text, code.weight() == MessageWeight::Error)
    };
    found.list.iter().map(|found| row(found.field, found.code, &found.text)).collect()
}

/// A remark on a line or column of a list.
pub(crate) fn remark(column: &str, code: &str, text: &str) -> Value {
    finding(column, code, text, !code.starts_with("W-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_one_error() {
        let codes: std::collections::BTreeSet<&str> = CallFault::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), CallFault::ALL.len());
        for fault in CallFault::ALL {
            let status = HrProblem::from(fault).0.status;
            assert!(status.is_client_error() || status.is_server_error(), "{fault:?}");
            assert_eq!(status.as_u16(), fault.row().1);
        }
    }

    #[test]
    fn a_failure_tells_the_caller_nothing_of_its_cause() {
        let stop = RegistrationStop::Failed(annuaire_registry::Error::Structures("secret cause".into()));
        let problem = HrProblem::from(stop);
        assert!(problem.cause().is_some_and(|cause| cause.contains("secret cause")));
        assert!(!problem.0.detail.contains("secret"));
    }
}
