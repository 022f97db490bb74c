//! Elements of R4 that are a choice of types: `value` is published as `valueString`, `valueCode`…

/// Whether some resource or data type of R4 has an element `name[x]`.
pub(super) fn is_choice(name: &str) -> bool {
    CHOICES.binary_search(&name).is_ok()
}

/// In alphabetical order.
const CHOICES: [&str; 51] = [
    "abatement",
    "additive",
    "age",
    "allowed",
    "amount",
    "answer",
    "asNeeded",
    "author",
    "born",
    "bounds",
    "charge",
    "collected",
    "content",
    "created",
    "deceased",
    "defaultValue",
    "definition",
    "diagnosis",
    "dose",
    "due",
    "effective",
    "entity",
    "event",
    "fixed",
    "identified",
    "indicated",
    "instantiates",
    "item",
    "legallyBinding",
    "location",
    "maxValue",
    "medication",
    "minValue",
    "multipleBirth",
    "occurred",
    "occurrence",
    "offset",
    "onset",
    "pattern",
    "performed",
    "procedure",
    "product",
    "protocolApplied",
    "rate",
    "scheduled",
    "serviced",
    "source",
    "start",
    "subject",
    "substance",
    "value",
];

#[cfg(test)]
mod tests {
    #[test]
    fn names_are_in_order() {
        assert!(super::CHOICES.is_sorted());
        assert!(super::is_choice("value") && !super::is_choice("name"));
    }
}
