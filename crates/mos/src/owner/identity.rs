//! An owner: its code and its kind.

use super::facet::Facet;
use super::strength::{Standing, Strength};
use serde::{Deserialize, Serialize};

/// An owner of facts. Its JSON is the description in the registry's table of owners; member names never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Code in the keys of facts, unique, never given to another owner.
    pub code: String,
    /// What it is. Member `kind` of the JSON, with the members of the kind beside it.
    #[serde(flatten)]
    pub kind: OwnerKind,
}

/// The kind of an owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum OwnerKind {
    /// A file or feed. A delivery replaces what it delivered before and nothing else.
    File {
        /// Who makes the file; it stands where its producer stands.
        producer: Standing,
        /// Among the files of one producer, those of a lower rank decide and those of a higher rank fill.
        rank: u8,
        /// Whether its producer publishes it as open data.
        open: bool,
    },
    /// An order, by its code in TRE_R60.
    Order,
    /// The armed forces' health service.
    ArmedForces,
    /// A regional agency, by its code in TRE_R60.
    Agency,
    /// A structure as registration authority of its staff (`ENREG`).
    Structure {
        /// National number of the structure, with its type digit.
        number: String,
    },
    /// A professional, for what belongs to the professional alone.
    Person {
        /// National identification, type digit and number.
        id_nat_ps: String,
    },
}

/// Codes of the orders in TRE_R60.
const ORDERS: [&str; 7] = ["CNOM", "ONCD", "CNOP", "CNOSF", "CNOMK", "CNOPP", "ONI"];
const ARMED_FORCES: &str = "SSA";
/// Codes of the agencies in TRE_R60.
const AGENCIES: [&str; 19] = [
    "ARS-01", "ARS-02", "ARS-03", "ARS-05", "ARS-06", "ARS-11", "ARS-24", "ARS-27", "ARS-28", "ARS-32", "ARS-44", "ARS-52",
    "ARS-53", "ARS-75", "ARS-76", "ARS-84", "ARS-93", "ARS-94", "AT-975",
];

/// Beginning of the codes of structures that register their staff.
pub(super) const STRUCTURE: &str = "ENREG:";
/// Beginning of the codes of professionals.
pub(super) const PERSON: &str = "PP:";

impl Owner {
    /// The registration authority with this code of TRE_R60 (`registration.md` §2.2): an order, `SSA`, or an agency. `None` for any
    /// other code, `ENREG` among them: local authorities are [structures](Self::structure).
    #[must_use]
    pub fn authority(code: &str) -> Option<Self> {
        let kind = match code {
            ARMED_FORCES => OwnerKind::ArmedForces,
            order if ORDERS.contains(&order) => OwnerKind::Order,
            agency if AGENCIES.contains(&agency) => OwnerKind::Agency,
            _ => return None,
        };
        Some(Self { code: code.to_owned(), kind })
    }

    /// A structure that registers its staff, by its national number with type digit (`1` + FINESS, `3` + SIRET). Its code is
    /// `ENREG:` and the number: the family of authorities and the structure.
    #[must_use]
    pub fn structure(number: &str) -> Self {
        Self { code: format!("{STRUCTURE}{number}"), kind: OwnerKind::Structure { number: number.to_owned() } }
    }

    /// A professional, by national identification. Its code is the key of the person's entity.
    #[must_use]
    pub fn person(id_nat_ps: &str) -> Self {
        Self { code: format!("{PERSON}{id_nat_ps}"), kind: OwnerKind::Person { id_nat_ps: id_nat_ps.to_owned() } }
    }

    /// Its position in the order of strength.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match self.kind {
            OwnerKind::File { producer, .. } => producer,
            OwnerKind::Order => Standing::Order,
            OwnerKind::ArmedForces => Standing::ArmedForces,
            OwnerKind::Agency => Standing::Agency,
            OwnerKind::Structure { .. } => Standing::Structure,
            OwnerKind::Person { .. } => Standing::Person,
        }
    }

    /// Its strength on a facet. Owners of equal strength follow their codes, so that a merge never depends on the order in which
    /// facts are read.
    #[must_use]
    pub fn strength(&self, facet: &Facet) -> Strength {
        let rank = if let OwnerKind::File { rank, .. } = self.kind { rank } else { 0 };
        Strength::new(self.standing(), facet, rank)
    }

    /// Whether a fact about this facet is open data unless the one who writes it decides otherwise. Civil status and contact data
    /// of an authority or person are not; even of an open fact, public members are named one by one.
    #[must_use]
    pub const fn is_open(&self, facet: &Facet) -> bool {
        match self.kind {
            OwnerKind::File { open, .. } => open,
            _ => !matches!(facet, Facet::CivilStatus | Facet::Contact),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AGENCIES, ORDERS, Owner, OwnerKind};
    use crate::owner::{Facet, file_source};

    /// Descriptions stay readable for ever.
    #[test]
    fn descriptions() {
        for (owner, description) in [
            (
                file_source("psla").unwrap().owner(),
                r#"{"code":"psla","kind":"file","producer":"register","rank":40,"open":true}"#,
            ),
            (
                file_source("fhir-restreint").unwrap().owner(),
                r#"{"code":"fhir-restreint","kind":"file","producer":"directory","rank":11,"open":false}"#,
            ),
            (Owner::authority("CNOM").unwrap(), r#"{"code":"CNOM","kind":"order"}"#),
            (Owner::authority("SSA").unwrap(), r#"{"code":"SSA","kind":"armedForces"}"#),
            (Owner::authority("ARS-11").unwrap(), r#"{"code":"ARS-11","kind":"agency"}"#),
            (Owner::structure("1990000028"), r#"{"code":"ENREG:1990000028","kind":"structure","number":"1990000028"}"#),
            (Owner::person("810999000010"), r#"{"code":"PP:810999000010","kind":"person","idNatPs":"810999000010"}"#),
        ] {
            assert_eq!(serde_json::to_string(&owner).unwrap(), description);
            assert_eq!(serde_json::from_str::<Owner>(description).unwrap(), owner);
        }
        for bad in ["", "{}", r#"{"code":"x"}"#, r#"{"code":"x","kind":"king"}"#, r#"{"code":"x","kind":"structure"}"#] {
            assert!(serde_json::from_str::<Owner>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn authorities_are_the_closed_list() {
        for code in ORDERS {
            assert_eq!(Owner::authority(code).unwrap().kind, OwnerKind::Order);
        }
        for code in AGENCIES {
            assert_eq!(Owner::authority(code).unwrap().kind, OwnerKind::Agency);
        }
        for code in ["", "ENREG", "cnom", "ARS-10", "psla", "1990000028"] {
            assert_eq!(Owner::authority(code), None, "{code}");
        }
    }

    #[test]
    fn civil_status_and_contact_are_not_open_and_files_are_what_their_producer_says() {
        let order = Owner::authority("ONI").unwrap();
        assert!(order.is_open(&Facet::Situation { id: "1".into() }) && order.is_open(&Facet::Whole));
        assert!(!order.is_open(&Facet::CivilStatus) && !Owner::person("8").is_open(&Facet::Contact));
        assert!(file_source("psla").unwrap().owner().is_open(&Facet::Whole));
        assert!(!file_source("r-etatciv").unwrap().owner().is_open(&Facet::Whole));
    }
}
