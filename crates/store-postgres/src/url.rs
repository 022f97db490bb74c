//! The URL of the database: parameters are obeyed or refused, never ignored.

use annuaire_store::{Error, Result};
use sqlx::postgres::PgConnectOptions;
use std::str::FromStr;

/// Parameters that the driver obeys. It would ignore any other in silence, and that one may have asked for safety.
const PARAMETERS: [&str; 19] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "options[",
];

/// Options of the connection that a URL describes. No error repeats the URL, which holds a secret.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions> {
    let query = url.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    for name in query.split('&').filter(|p| !p.is_empty()).filter_map(|p| p.split('=').next()) {
        let name = name.replace("%5B", "[").replace("%5b", "[");
        if !PARAMETERS.contains(&name.as_str()) && !name.starts_with("options[") {
            return Err(Error::Database(format!(
                "the parameter {name:?} of the database URL is not obeyed by this program; leave it out (obeyed: {})",
                PARAMETERS[..PARAMETERS.len() - 1].join(", ")
            )));
        }
    }
    if query.split('&').any(|p| matches!(p.split_once('='), Some(("sslmode" | "ssl-mode", mode)) if !MODES.contains(&mode))) {
        return Err(Error::Database(format!("the sslmode of the database URL is none of {}", MODES.join(", "))));
    }
    PgConnectOptions::from_str(url).map_err(|_| Error::Database("the database URL is not postgres://user@host/database".into()))
}

/// Values of `sslmode`.
const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_asks_is_obeyed_or_refused() {
        for url in [
            "postgres://a@h/b",
            "postgres://a@h/b?sslmode=require",
            "postgres://a@h/b?options[search_path]=x&sslmode=verify-full",
        ] {
            assert!(options(url).is_ok(), "{url}");
        }
        for (url, part) in [
            ("postgres://a:secret@h/b?gssencmode=require", "gssencmode"),
            ("postgres://a:secret@h/b?sslmode=required", "verify-full"),
            ("postgres://a:secret@h/b?channel_binding=require", "not obeyed"),
            ("nonsense", "postgres://"),
        ] {
            let said = options(url).err().unwrap().to_string();
            assert!(said.contains(part) && !said.contains("secret"), "{url}: {said}");
        }
    }
}
