//! A section of the configuration: its keys with their meaning and default, written once.

use serde::Serialize;

/// A key of a section, with its value in TOML; `None` when it has no value.
pub(crate) struct KeyValue {
    /// Name in the file.
    pub(crate) name: &'static str,
    /// Meaning and unit, line by line.
    pub(crate) meaning: &'static [&'static str],
    /// Value in use.
    pub(crate) value: Option<String>,
    /// Value without a configuration.
    pub(crate) default: Option<String>,
}

/// What a section knows of itself.
pub(crate) trait Section: Default {
    /// Name in the file.
    const NAME: &'static str;
    /// What the section is about, line by line.
    const MEANING: &'static [&'static str];
    /// Names of its keys.
    const KEYS: &'static [&'static str];

    /// Its keys, in the order of the file.
    fn values(&self) -> Vec<KeyValue>;
}

/// A value in TOML; `None` for an option without value.
pub(crate) fn to_toml<T: Serialize>(value: &T) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

/// Defines a section: a struct whose fields are keys, each with its default. Documentation becomes comments of the file.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $section:ident $name:literal {
            $($(#[doc = $meaning:literal])+ $key:ident: $type:ty = $default:expr,)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct $section {
            $($(#[doc = $meaning])+ pub(crate) $key: $type,)+
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($key: $default,)+ }
            }
        }

        impl $crate::config::section::Section for $section {
            const NAME: &'static str = $name;
            const MEANING: &'static [&'static str] = &[$($about),+];
            const KEYS: &'static [&'static str] = &[$(stringify!($key)),+];

            fn values(&self) -> Vec<$crate::config::section::KeyValue> {
                use $crate::config::section::{KeyValue, to_toml};
                let default = Self::default();
                vec![$(KeyValue {
                    name: stringify!($key),
                    meaning: &[$($meaning),+],
                    value: to_toml(&self.$key),
                    default: to_toml(&default.$key),
                },)+]
            }
        }
    };
}

pub(super) use section;
