//! The topics: what may be subscribed to. The CapabilityStatement, the matching and the tests of the documentation read this table.

use crate::part::ResourcePart;

/// Start of the canonicals of the topics. R4 has no resource for a topic: the canonical is a name.
pub const TOPIC_BASE: &str = "https://annuaire.example/fhir/SubscriptionTopic/";

/// Which versions of a resource are events of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Each version, the first one and the removal included.
    AnyVersion,
    /// Versions in which a part of the content differs from the version before; the first one and the removal when they have that part.
    PartDiffers(ResourcePart),
}

/// A topic.
#[derive(Debug, PartialEq, Eq)]
pub struct Topic {
    /// Last part of its canonical.
    pub name: &'static str,
    /// Types of the resources that its events are about.
    pub types: &'static [&'static str],
    /// Which of their versions are events.
    pub trigger: Trigger,
    /// What it tells, in one sentence.
    pub meaning: &'static str,
}

/// All topics (interop §7.5).
pub const TOPICS: &[Topic] = &[
    Topic {
        name: "practitioner-changed",
        types: &["Practitioner"],
        trigger: Trigger::AnyVersion,
        meaning: "A person in one of their professions appeared, changed or left.",
    },
    Topic {
        name: "role-changed",
        types: &["PractitionerRole"],
        trigger: Trigger::AnyVersion,
        meaning: "A situation of a person, with its place of work, appeared, changed or left.",
    },
    Topic {
        name: "organization-changed",
        types: &["Organization"],
        trigger: Trigger::AnyVersion,
        meaning: "A structure appeared, changed or left.",
    },
    Topic {
        name: "device-changed",
        types: &["Device"],
        trigger: Trigger::AnyVersion,
        meaning: "A heavy equipment appeared, changed or left.",
    },
    Topic {
        name: "right-to-practise-changed",
        types: &["Practitioner"],
        trigger: Trigger::PartDiffers(ResourcePart::RightToPractise),
        meaning: "A right to practise was granted, suspended or ended: active, qualifications, registrations, authorizations.",
    },
    Topic {
        name: "duplicate-resolved",
        types: &["Practitioner", "Organization"],
        trigger: Trigger::PartDiffers(ResourcePart::FormerIdentifiers),
        meaning: "A resource took over the identifier of a duplicate (identifier with use old), or gave it back.",
    },
    Topic {
        name: "messaging-address-changed",
        types: &["Practitioner", "PractitionerRole", "Organization"],
        trigger: Trigger::PartDiffers(ResourcePart::MessagingAddresses),
        meaning: "A secure mailbox (MSSanté) was opened, closed or described otherwise.",
    },
];

impl Topic {
    /// Its canonical.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("{TOPIC_BASE}{}", self.name)
    }

    /// The topic of a canonical. A version after `|` is not known to anybody and finds none.
    #[must_use]
    pub fn find(canonical: &str) -> Option<&'static Self> {
        let name = canonical.strip_prefix(TOPIC_BASE)?;
        TOPICS.iter().find(|topic| topic.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_found_by_its_canonical_and_told_by_the_documentation() {
        let page = include_str!("../../../docs/subscriptions.md");
        for topic in TOPICS {
            assert_eq!(Topic::find(&topic.canonical()), Some(topic));
            assert!(topic.types.iter().all(|ty| annuaire_fhir::schema::type_id(ty).is_some()), "{}", topic.name);
            let line = format!("| `{}` | {} | {} |", topic.name, topic.types.join(", "), topic.meaning);
            assert!(page.contains(&line), "docs/subscriptions.md lacks: {line}");
        }
        for bad in ["practitioner-changed", "https://annuaire.example/fhir/SubscriptionTopic/practitioner-changed|1", ""] {
            assert_eq!(Topic::find(bad), None, "{bad}");
        }
    }
}
