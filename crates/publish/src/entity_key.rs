//! Keys of the entities that publication tells apart: structures (`ST:` and technical identifier), and the holders of mailboxes
//! (`NS:` and national number of a structure).

const STRUCTURE: &str = "ST:";
const MAILBOX_HOLDER: &str = "NS:";

pub(crate) fn is_structure(entity: &str) -> bool {
    entity.starts_with(STRUCTURE)
}

/// Entity of a structure.
pub(crate) fn structure(id_technique: &str) -> String {
    format!("{STRUCTURE}{id_technique}")
}

pub(crate) fn is_mailbox_holder(entity: &str) -> bool {
    entity.starts_with(MAILBOX_HOLDER)
}

/// Entity that holds the mailboxes of the structure with this national number.
pub(crate) fn mailbox_holder(id_nat_struct: &str) -> String {
    format!("{MAILBOX_HOLDER}{id_nat_struct}")
}

/// National number of the structure whose mailboxes an entity holds.
pub(crate) fn number_of_mailbox_holder(entity: &str) -> &str {
    entity.trim_start_matches(MAILBOX_HOLDER)
}
