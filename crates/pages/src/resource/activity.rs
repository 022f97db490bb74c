//! A care or social activity, or a heavy equipment.

use serde_json::Value;

use super::{coding_label, text_at};

/// One line about a `HealthcareService` or a `Device`.
pub(crate) fn activity_line(resource: &Value) -> String {
    let mut labels: Vec<String> = Vec::new();
    for member in ["type", "category", "characteristic"] {
        let concepts: Vec<&Value> = match &resource[member] {
            Value::Array(concepts) => concepts.iter().collect(),
            Value::Object(_) => vec![&resource[member]],
            _ => Vec::new(),
        };
        labels.extend(concepts.into_iter().filter_map(|concept| concept.pointer("/coding/0")).map(coding_label));
    }
    if resource["resourceType"] == "Device" && labels.is_empty() {
        labels.push("Équipement matériel lourd".to_owned());
    }
    labels.extend(Some(text_at(resource, "/manufacturer")).filter(|manufacturer| !manufacturer.is_empty()));
    labels.join(" — ")
}

#[cfg(test)]
mod tests {
    use super::activity_line;
    use serde_json::json;

    #[test]
    fn an_activity_is_named_by_its_codes_and_an_equipment_without_codes_by_its_nature() {
        let concept = |display: &str| json!({"coding": [{"code": "0", "display": display}]});
        let service =
            json!({"resourceType": "HealthcareService", "type": [concept("Chirurgie")], "characteristic": [concept("Jour")]});
        assert_eq!(activity_line(&service), "Chirurgie — Jour");
        assert_eq!(
            activity_line(&json!({"resourceType": "Device", "type": concept("Scanner"), "manufacturer": "X"})),
            "Scanner — X"
        );
        assert_eq!(activity_line(&json!({"resourceType": "Device"})), "Équipement matériel lourd");
    }
}
