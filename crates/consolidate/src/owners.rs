//! The owners of a registry, as its table describes them.

use annuaire_mos::owner::{Owner, file_source, file_sources};
use std::collections::HashMap;

/// Owners by code. Cost of a look-up: one hash.
#[derive(Debug, Clone, Default)]
pub struct Owners(HashMap<String, Owner>);

/// A description that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no description of an owner.
    #[error("the description of owner {code:?} cannot be read: {cause}; register the owner again")]
    Unreadable {
        /// Code of the owner.
        code: String,
        /// Why.
        cause: serde_json::Error,
    },
    /// It describes another owner.
    #[error("the description of owner {code:?} is that of {described:?}; register the owner again")]
    OtherOwner {
        /// Code of the owner.
        code: String,
        /// Code in its description.
        described: String,
    },
}

impl Owners {
    /// The owners with these codes and descriptions, as the registry's table holds them. An owner without description is a file
    /// that the program knows, as registries of older versions hold it, or nobody: what it says cannot be ranked, so that its
    /// facts are at fault.
    ///
    /// # Errors
    /// A description that is neither empty nor that of its owner; the error names the owner.
    pub fn new<C, D>(rows: impl IntoIterator<Item = (C, D)>) -> Result<Self, Error>
    where
        C: AsRef<str>,
        D: AsRef<str>,
    {
        let mut owners = HashMap::new();
        for (code, description) in rows {
            let (code, description) = (code.as_ref(), description.as_ref());
            let owner = if description.is_empty() {
                let Some(file) = file_source(code) else { continue };
                file.owner()
            } else {
                let read: serde_json::Result<Owner> = serde_json::from_str(description);
                read.map_err(|cause| Error::Unreadable { code: code.to_owned(), cause })?
            };
            if owner.code != code {
                return Err(Error::OtherOwner { code: code.to_owned(), described: owner.code });
            }
            owners.insert(code.to_owned(), owner);
        }
        Ok(Self(owners))
    }

    /// The files and feeds that the program knows, and nobody else.
    #[must_use]
    pub fn of_files() -> Self {
        Self(file_sources().iter().map(|file| (file.code.to_owned(), file.owner())).collect())
    }

    /// The owner with this code; `None` when it is unknown or nobody described it.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Owner> {
        self.0.get(code)
    }
}

#[cfg(test)]
mod tests {
    use super::Owners;

    #[test]
    fn a_file_needs_no_description_and_others_do() {
        let order = r#"{"code":"CNOM","kind":"order"}"#;
        let owners = Owners::new([("psla", ""), ("CNOM", order), ("stranger", "")]).unwrap();
        assert_eq!(owners.get("psla"), Owners::of_files().get("psla"));
        assert!(owners.get("psla").is_some() && owners.get("CNOM").is_some());
        assert!(owners.get("stranger").is_none() && owners.get("cps").is_none());
    }

    #[test]
    fn an_error_names_the_owner() {
        let reason = |code, description| Owners::new([(code, description)]).unwrap_err().to_string();
        assert!(reason("CNOM", "{").starts_with("the description of owner \"CNOM\" cannot be read: "));
        assert_eq!(
            reason("CNOM", r#"{"code":"CNOP","kind":"order"}"#),
            "the description of owner \"CNOM\" is that of \"CNOP\"; register the owner again"
        );
    }
}
