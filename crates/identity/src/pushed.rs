//! Requests that a client pushed before it sends the browser (RFC 9126).

use serde::{Deserialize, Serialize};

use crate::authorize::AuthorizeRequest;
use crate::rows::ProviderRow;

/// What `request_uri` begins with.
pub(crate) const URN: &str = "urn:ietf:params:oauth:request_uri:";

/// A pushed request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PushedRequest {
    pub(crate) sha256: String,
    pub(crate) client_id: String,
    pub(crate) request: AuthorizeRequest,
    pub(crate) until_ms: i64,
}

impl ProviderRow for PushedRequest {
    const KIND: &'static str = "pushed_request";

    fn key(&self) -> &str {
        &self.sha256
    }

    fn due_ms(&self) -> Option<i64> {
        Some(self.until_ms)
    }
}
