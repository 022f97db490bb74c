//! Forms as they are posted.

use crate::door::Portal;
use crate::fault::PortalFault;
use crate::limits::{FORM_BYTES, FORM_FIELDS};
use crate::request::fields_of;
use annuaire_ecps::SignedIn;
use annuaire_relying::CivilSession;
use annuaire_workflow::messages::MessageCode;
use axum::body::Bytes;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::Extensions;
use std::sync::Arc;

/// Where the pages of somebody without a number are.
const APPLICANTS: &str = "/portail/pro/inscription";
/// Name of the field with the token.
pub(crate) const TOKEN: &str = "jeton";

/// A form of the person who is logged in. Nothing else can be one.
#[derive(Debug, Clone)]
pub(crate) struct PostedForm(Vec<(String, String)>);

/// To whom the forms of a page belong: the token is made for this. A browser may hold two sessions, of which the pages of a pre-registration take
/// the civil one.
pub(crate) fn form_holder(path: &str, extensions: &Extensions) -> Option<String> {
    let civil = extensions.get::<CivilSession>().map(|civil| format!("fc {}", civil.account));
    if path.starts_with(APPLICANTS) {
        return civil;
    }
    extensions.get::<SignedIn>().map(|who| who.national_id.clone())
}

impl FromRequest<Arc<Portal>> for PostedForm {
    type Rejection = PortalFault;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, PortalFault> {
        let holder = form_holder(request.uri().path(), request.extensions()).ok_or(PortalFault::ForeignForm)?;
        let body = axum::body::to_bytes(request.into_body(), FORM_BYTES).await.map_err(|_| PortalFault::Unreadable)?;
        let form = Self(fields_of(&body));
        if form.0.len() > FORM_FIELDS {
            return Err(PortalFault::Unreadable);
        }
        if portal.is_form_token(&holder, form.get(TOKEN)) { Ok(form) } else { Err(PortalFault::ForeignForm) }
    }
}

/// A file that a form of the person sends up. It stays in memory and is written nowhere.
pub(crate) struct PostedFile {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

impl FromRequest<Arc<Portal>> for PostedFile {
    type Rejection = PortalFault;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, PortalFault> {
        let holder = form_holder(request.uri().path(), request.extensions()).ok_or(PortalFault::ForeignForm)?;
        let mut parts = Multipart::from_request(request, portal).await.map_err(|_| PortalFault::Unreadable)?;
        let (mut fields, mut name, mut bytes) = (Vec::new(), String::new(), Bytes::new());
        while let Some(part) = parts.next_field().await.map_err(|_| PortalFault::Unreadable)? {
            let field = part.name().unwrap_or_default().to_owned();
            if let Some(file) = part.file_name().map(str::to_owned) {
                name = file;
                bytes = part.bytes().await.map_err(|_| PortalFault::Unreadable)?;
            } else if fields.len() < FORM_FIELDS {
                fields.push((field, part.text().await.map_err(|_| PortalFault::Unreadable)?));
            }
        }
        let form = PostedForm(fields);
        if portal.is_form_token(&holder, form.get(TOKEN)) { Ok(Self { name, bytes }) } else { Err(PortalFault::ForeignForm) }
    }
}

impl PostedForm {
    /// The first value of a field, without blanks around it; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
    }

    /// The value of a field, to keep.
    pub(crate) fn text(&self, name: &str) -> String {
        self.get(name).to_owned()
    }

    /// Whether a box is ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(field, value)| field == name && !value.is_empty())
    }

    /// Whether the form has a field.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// All values of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The version of the request that the form was made of.
    pub(crate) fn version(&self) -> u64 {
        self.get("version").parse().unwrap_or(0)
    }

    /// Warnings that the person acknowledged.
    pub(crate) fn acknowledged(&self) -> Vec<MessageCode> {
        self.all("confirme").filter_map(MessageCode::parse).collect()
    }

    /// Every field but the token, for a page that carries the form on.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter().filter(|(field, _)| field != TOKEN)
    }
}
