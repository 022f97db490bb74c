//! The owners of a registry: those that its table describes, and those that their codes tell.

use annuaire_base::fact::Fact;
use annuaire_mos::owner::Owner;
use std::borrow::Cow;
use std::collections::HashMap;

/// Owners by code. A described owner is what its row says. Any other one is what its code tells: a local authority, a professional, an
/// order, an agency, a file that the program knows. The default describes nobody.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    /// `None`: the description cannot be used, so that the owner is nobody, whatever its code tells.
    described: HashMap<String, Option<Owner>>,
}

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

fn described(code: &str, description: &str) -> Result<Owner, Error> {
    let read: serde_json::Result<Owner> = serde_json::from_str(description);
    let owner = read.map_err(|cause| Error::Unreadable { code: code.to_owned(), cause })?;
    if owner.code != code {
        return Err(Error::OtherOwner { code: code.to_owned(), described: owner.code });
    }
    Ok(owner)
}

impl Owners {
    /// The owners with these codes and descriptions, as the registry's table holds them. An owner without description is the one that its
    /// code tells, or nobody: what nobody says cannot be ranked, so that such facts are at fault.
    ///
    /// # Errors
    /// A description that is neither empty nor that of its owner; the error names the owner.
    pub fn new<C, D>(rows: impl IntoIterator<Item = (C, D)>) -> Result<Self, Error>
    where
        C: AsRef<str>,
        D: AsRef<str>,
    {
        let mut all = HashMap::new();
        for (code, description) in rows {
            let (code, description) = (code.as_ref(), description.as_ref());
            if !description.is_empty() {
                all.insert(code.to_owned(), Some(described(code, description)?));
            }
        }
        Ok(Self { described: all })
    }

    /// As [`new`](Self::new), and an owner whose description cannot be used is nobody: its facts are at fault, and those of others
    /// count.
    #[must_use]
    pub fn usable<C, D>(rows: impl IntoIterator<Item = (C, D)>) -> Self
    where
        C: AsRef<str>,
        D: AsRef<str>,
    {
        let mut all = HashMap::new();
        for (code, description) in rows {
            let (code, description) = (code.as_ref(), description.as_ref());
            if !description.is_empty() {
                all.insert(code.to_owned(), described(code, description).ok());
            }
        }
        Self { described: all }
    }

    /// The owner with this code; `None` when nobody describes it and its code tells nobody. Cost: one hash for a described owner, an
    /// owner to make for another one.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<Cow<'_, Owner>> {
        match self.described.get(code) {
            Some(described) => described.as_ref().map(Cow::Borrowed),
            None => Owner::told_by_code(code).map(Cow::Owned),
        }
    }

    /// The owners of some facts.
    pub(crate) fn of(&self, facts: &[Fact]) -> FactOwners<'_> {
        let mut told: HashMap<String, Owner> = HashMap::new();
        for code in facts.iter().map(|fact| fact.key.owner.as_str()) {
            if !self.described.contains_key(code)
                && !told.contains_key(code)
                && let Some(owner) = Owner::told_by_code(code)
            {
                told.insert(code.to_owned(), owner);
            }
        }
        FactOwners { owners: self, told }
    }
}

/// The owners of some facts: each that a code tells is made once.
pub(crate) struct FactOwners<'o> {
    owners: &'o Owners,
    told: HashMap<String, Owner>,
}

impl FactOwners<'_> {
    pub(crate) fn get(&self, code: &str) -> Option<&Owner> {
        match self.owners.described.get(code) {
            Some(described) => described.as_ref(),
            None => self.told.get(code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Owners;
    use annuaire_mos::owner::{Owner, file_source};

    #[test]
    fn a_description_wins_and_else_the_code_tells_the_owner_or_nobody() {
        let feed = r#"{"code":"feed","kind":"file","producer":"directory","rank":10,"open":true}"#;
        let psla = r#"{"code":"psla","kind":"file","producer":"register","rank":7,"open":false}"#;
        let owners = Owners::new([("feed", feed), ("psla", psla), ("cps", ""), ("stranger", "")]).unwrap();
        let get = |code: &str| owners.get(code).map(std::borrow::Cow::into_owned);
        assert!(get("feed").is_some());
        assert_ne!(get("psla"), file_source("psla").map(|file| file.owner()));
        assert_eq!(get("cps"), file_source("cps").map(|file| file.owner()));
        assert_eq!(get("ENREG:1990000028"), Some(Owner::structure("1990000028")));
        assert_eq!(get("PP:899900000011"), Some(Owner::person("899900000011")));
        assert!(get("stranger").is_none() && get("other-feed").is_none() && get("PP:").is_none());
    }

    #[test]
    fn an_owner_whose_description_cannot_be_used_is_nobody() {
        let rows = [("CNOM", "{"), ("PP:8", r#"{"code":"CNOP","kind":"order"}"#), ("CNOP", r#"{"code":"CNOP","kind":"order"}"#)];
        let owners = Owners::usable(rows);
        assert!(owners.get("CNOM").is_none() && owners.get("PP:8").is_none());
        assert!(owners.get("CNOP").is_some() && owners.get("PP:9").is_some());
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
