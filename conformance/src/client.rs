//! A client of a FHIR directory that keeps what cases look at: status, headers, body.

use serde_json::Value;
use std::io::Read;

/// A directory to examine.
pub struct DirectoryClient {
    base: String,
    headers: Vec<(String, String)>,
    agent: ureq::Agent,
}

/// An answer, decompressed.
pub struct HttpAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl HttpAnswer {
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|h| h.0 == name).map_or("", |h| h.1.as_str())
    }

    /// # Errors
    /// When the body is not JSON.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.body)
            .map_err(|e| format!("not JSON ({e}): {}", self.body.chars().take(200).collect::<String>()))
    }
}

impl DirectoryClient {
    /// `base` is the address of the FHIR service, such as `http://127.0.0.1:8080/fhir/v2`.
    #[must_use]
    pub fn new(base: &str, headers: &[(String, String)]) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { base: base.trim_end_matches('/').to_owned(), headers: headers.to_vec(), agent }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}/{path}", self.base) }
    }

    /// # Errors
    /// When the server cannot be reached.
    pub fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<HttpAnswer, String> {
        let mut request = self.agent.get(self.url(path));
        for (name, value) in self.headers.iter().map(|h| (h.0.as_str(), h.1.as_str())).chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        answer(path, request.call())
    }

    /// # Errors
    /// When the server cannot be reached.
    pub fn post(&self, path: &str, kind: &str, body: &str) -> Result<HttpAnswer, String> {
        let mut request = self.agent.post(self.url(path)).header("content-type", kind);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        answer(path, request.send(body))
    }

    /// # Errors
    /// When the server cannot be reached.
    pub fn delete(&self, path: &str) -> Result<HttpAnswer, String> {
        let mut request = self.agent.delete(self.url(path));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        answer(path, request.call())
    }

    /// A bundle that must be answered with 200.
    ///
    /// # Errors
    /// When it is not.
    pub fn bundle(&self, path: &str) -> Result<Value, String> {
        let a = self.get(path, &[])?;
        if a.status != 200 {
            return Err(format!("{path}: status {}: {}", a.status, a.body));
        }
        a.json()
    }

    /// All matches of a search, by following `next`.
    ///
    /// # Errors
    /// When a page fails or a resource comes twice.
    pub fn walk(&self, path: &str) -> Result<Vec<Value>, String> {
        let mut out = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut page = self.bundle(path)?;
        loop {
            for e in page["entry"].as_array().into_iter().flatten().filter(|e| e["search"]["mode"] != "include") {
                let r = &e["resource"];
                if !seen.insert(format!("{}/{}", r["resourceType"], r["id"])) {
                    return Err(format!("{path}: {}/{} came twice", r["resourceType"], r["id"]));
                }
                out.push(r.clone());
            }
            match link(&page, "next") {
                Some(next) => page = self.bundle(&next)?,
                None => return Ok(out),
            }
        }
    }
}

/// The address of a link of a bundle.
#[must_use]
pub fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    links.iter().find(|l| l["relation"] == relation)?["url"].as_str().map(str::to_owned)
}

fn answer(path: &str, result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<HttpAnswer, String> {
    let mut response = result.map_err(|e| format!("{path}: {e}"))?;
    let headers: Vec<(String, String)> =
        response.headers().iter().map(|(n, v)| (n.as_str().to_owned(), v.to_str().unwrap_or_default().to_owned())).collect();
    let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec().map_err(|e| format!("{path}: {e}"))?;
    let packed = headers.iter().any(|h| h.0 == "content-encoding" && h.1 == "gzip");
    let mut body = String::new();
    let read = if packed {
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut body)
    } else {
        (&bytes[..]).read_to_string(&mut body)
    };
    read.map_err(|e| format!("{path}: {e}"))?;
    Ok(HttpAnswer { status: response.status().as_u16(), headers, body })
}
