//! Keys of the entities that consolidation tells apart: persons (`PP:` and national identification), structures (`ST:` and
//! technical identifier), and the holders of mailboxes (`NS:` and national number of a structure).

const PERSON: &str = "PP:";
const STRUCTURE: &str = "ST:";
const MAILBOX_HOLDER: &str = "NS:";

/// Entity of a person.
#[must_use]
pub fn person(id_nat_ps: &str) -> String {
    format!("{PERSON}{id_nat_ps}")
}

/// National identification of the person that an entity is; `None` for any other entity.
#[must_use]
pub fn number_of_person(entity: &str) -> Option<&str> {
    entity.strip_prefix(PERSON)
}

/// Whether an entity is a structure.
#[must_use]
pub fn is_structure(entity: &str) -> bool {
    entity.starts_with(STRUCTURE)
}

/// Entity of a structure.
#[must_use]
pub fn structure(id_technique: &str) -> String {
    format!("{STRUCTURE}{id_technique}")
}

/// Technical identifier of the structure that an entity is; `None` for any other entity.
#[must_use]
pub fn id_of_structure(entity: &str) -> Option<&str> {
    entity.strip_prefix(STRUCTURE)
}

/// Whether an entity holds the mailboxes of a structure.
#[must_use]
pub fn is_mailbox_holder(entity: &str) -> bool {
    entity.starts_with(MAILBOX_HOLDER)
}

/// Entity that holds the mailboxes of the structure with this national number.
#[must_use]
pub fn mailbox_holder(id_nat_struct: &str) -> String {
    format!("{MAILBOX_HOLDER}{id_nat_struct}")
}

/// National number of the structure whose mailboxes an entity holds; `None` for any other entity.
#[must_use]
pub fn number_of_mailbox_holder(entity: &str) -> Option<&str> {
    entity.strip_prefix(MAILBOX_HOLDER)
}
