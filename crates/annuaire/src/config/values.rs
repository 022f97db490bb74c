//! Types of the values of the configuration: each reads itself from text, refuses what it cannot mean, and writes itself again.

use annuaire_ecps::ApprovalMethods;
use annuaire_fhir::Guide;
use annuaire_web::{GzipCoding, NotAPublicBase, PublicBase};
use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// A value that is written as text: the text stays for printing.
#[derive(Debug, Clone)]
pub(crate) struct TextValue<T> {
    text: String,
    /// What the text means.
    pub(crate) value: T,
}

impl<T> TextValue<T> {
    /// The text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A default: a text, and what it means.
    pub(crate) fn new(text: &str, value: T) -> Self {
        Self { text: text.to_owned(), value }
    }
}

impl<T> PartialEq for TextValue<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T: FromStr> FromStr for TextValue<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        Ok(Self { text: text.to_owned(), value: text.parse()? })
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for TextValue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl<T> Serialize for TextValue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A whole number with bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounded<T, const MIN: i64, const MAX: i64>(T);

impl<T: Copy, const MIN: i64, const MAX: i64> Bounded<T, MIN, MAX> {
    /// A default, which the tests of this file check against its bounds.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// The number.
    pub(crate) const fn get(self) -> T {
        self.0
    }
}

impl<'de, T: TryFrom<i64>, const MIN: i64, const MAX: i64> Deserialize<'de> for Bounded<T, MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = i64::deserialize(deserializer)?;
        let within = (MIN..=MAX).contains(&number).then(|| T::try_from(number).ok()).flatten();
        within.map(Self).ok_or_else(|| de::Error::custom(format!("{number} is not between {MIN} and {MAX}")))
    }
}

impl<T: Serialize, const MIN: i64, const MAX: i64> Serialize for Bounded<T, MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// For how long something is kept: a number of days, or `"forever"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepDays {
    /// That many days, at least one.
    Days(u32),
    /// Nothing is ever removed.
    Forever,
}

/// Most days that a configuration may name: a century.
const KEEP_DAYS_MAX: u32 = 36_500;

impl<'de> Deserialize<'de> for KeepDays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl de::Visitor<'_> for Read {
            type Value = KeepDays;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a number of days from 1 to {KEEP_DAYS_MAX}, or \"forever\"")
            }

            fn visit_i64<E: de::Error>(self, days: i64) -> Result<KeepDays, E> {
                let within = u32::try_from(days).ok().filter(|days| (1..=KEEP_DAYS_MAX).contains(days));
                within.map(KeepDays::Days).ok_or_else(|| E::invalid_value(de::Unexpected::Signed(days), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<KeepDays, E> {
                if text == "forever" { Ok(KeepDays::Forever) } else { Err(E::invalid_value(de::Unexpected::Str(text), &self)) }
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl Serialize for KeepDays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Days(days) => serializer.serialize_u32(*days),
            Self::Forever => serializer.serialize_str("forever"),
        }
    }
}

impl KeepDays {
    /// The time; `None` for ever.
    pub(crate) fn time(self) -> Option<Duration> {
        match self {
            Self::Days(days) => Some(Duration::from_secs(u64::from(days) * 86_400)),
            Self::Forever => None,
        }
    }
}

/// Time between two updates of published files: an ISO 8601 duration of hours, minutes or seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpdateCadence(pub(crate) Duration);

impl FromStr for UpdateCadence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (number, unit) = text.strip_prefix("PT")?.split_at_checked(text.len().checked_sub(3)?)?;
            let seconds = match unit {
                "S" => 1,
                "M" => 60,
                "H" => 3_600,
                _ => return None,
            };
            let plain = number.bytes().all(|b| b.is_ascii_digit());
            let all = number.parse::<u64>().ok().filter(|_| plain)?.checked_mul(seconds)?;
            (1..=86_400).contains(&all).then(|| Self(Duration::from_secs(all)))
        };
        read().ok_or_else(|| format!("{text:?} is no time from PT1S to PT24H: write PT15M for fifteen minutes"))
    }
}

/// The address that clients see, given with or without the path of the API.
#[derive(Debug, Clone)]
pub(crate) struct ClientBase(pub(crate) PublicBase);

impl FromStr for ClientBase {
    type Err = NotAPublicBase;

    fn from_str(text: &str) -> Result<Self, NotAPublicBase> {
        let root = text.trim_end_matches('/');
        let root = ["/fhir/v2", "/fhir/dp", "/fhir/dr"].iter().find_map(|mount| root.strip_suffix(mount)).unwrap_or(root);
        root.parse().map(Self)
    }
}

/// Where developers ask: a mail address, or the address of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContactAddress;

impl FromStr for ContactAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = text.len() <= 200 && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        let is_mail = || {
            !text.contains("://")
                && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
        };
        let is_page =
            || ["https://", "http://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        match plain && (is_mail() || is_page()) {
            true => Ok(Self),
            false => Err(format!("{text:?} is no contact: write a mail address, or the https address of a page")),
        }
    }
}

/// Version of the national guide, as options and configuration name it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GuideVersion {
    /// 1.2.0-snapshot-2
    #[default]
    V120,
    /// 1.1.0
    V110,
}

impl From<GuideVersion> for Guide {
    fn from(version: GuideVersion) -> Self {
        match version {
            GuideVersion::V120 => Self::V120,
            GuideVersion::V110 => Self::V110,
        }
    }
}

/// By what a holder approves on a phone, beside the key of the phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PhoneApproval {
    /// By PIN or passkey.
    #[default]
    Both,
    /// By PIN alone: there are no passkeys.
    Pin,
    /// By passkey alone.
    Passkey,
}

impl From<PhoneApproval> for ApprovalMethods {
    fn from(approval: PhoneApproval) -> Self {
        match approval {
            PhoneApproval::Both => Self::PinOrPasskey,
            PhoneApproval::Pin => Self::PinOnly,
            PhoneApproval::Passkey => Self::PasskeyOnly,
        }
    }
}

/// Which cards a server accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AcceptedCards {
    /// Those of professionals.
    #[default]
    Production,
    /// Those of a test environment.
    Test,
}

/// Encoder of compressed answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum GzipEncoder {
    /// Our own.
    #[default]
    Annuaire,
    /// `zlib-rs` at level 1.
    Zlib,
}

impl From<GzipEncoder> for GzipCoding {
    fn from(encoder: GzipEncoder) -> Self {
        match encoder {
            GzipEncoder::Annuaire => Self::Annuaire,
            GzipEncoder::Zlib => Self::Zlib,
        }
    }
}

/// Least severity of the events that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}
