//! Declaration of MOS classes: structs whose JSON has camel-case names and leaves out absent members.
//!
//! These names and this absence are the format of payloads in the log: neither may change.

/// Absence, in the sense of the files: a member that is absent is not stored.
pub(crate) trait Absent {
    fn is_absent(&self) -> bool;
}

impl Absent for String {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Absent for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl Absent for bool {
    fn is_absent(&self) -> bool {
        !self
    }
}

/// Declares a MOS class. An object of it is absent when all its members are.
macro_rules! mos_class {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(skip_serializing_if = "crate::class::Absent::is_absent")] pub $field: $ty,)*
        }

        impl crate::class::Absent for $name {
            fn is_absent(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

pub(crate) use mos_class;
