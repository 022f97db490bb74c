//! Postal addresses.

use crate::extensions::{self, address_part};
use crate::form::Form;
use crate::json::JsonWriter;
use crate::schema::params;
use crate::systems::COMMUNES;
use annuaire_mos::Adresse;
use annuaire_nos::Coding;

/// INSEE code of France for addresses, as the value set of the guide has it.
const FRANCE: &str = "99100";

/// Writes `address`, absent when neither town, street nor postal code is known. It is indexed for types that are searched by
/// address.
pub(crate) fn write(form: &mut Form, a: &Adresse) {
    let (bureau_code, bureau_town) = a.bureau();
    let city = if a.localite.is_empty() { bureau_town } else { a.localite.as_str() };
    let postal_code = if a.code_postal.is_empty() { bureau_code } else { a.code_postal.as_str() };
    let street = [&a.numero_voie, &a.extension, &a.type_voie, &a.libelle_voie]
        .into_iter()
        .filter(|p| !p.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    if city.is_empty() && street.is_empty() && postal_code.is_empty() {
        return;
    }
    let (district, country) = (department(&a.cog_commune), country(a));
    form.json.array("address", |j| {
        j.object(|j| {
            write_insee_code(j, &a.cog_commune);
            write_lines(j, a, &street);
            j.string("city", city);
            j.string("district", district);
            j.string("postalCode", postal_code);
            j.string("country", country);
        });
    });
    form.index_text(&params::ADDRESS_CITY, city);
    form.index_text(&params::ADDRESS_POSTALCODE, postal_code);
    form.index_text(&params::ADDRESS_LINE, &street);
    form.index_text(&params::ADDRESS_INSEE, &a.cog_commune);
    for part in [city, postal_code, &street, district, country] {
        form.index_text(&params::ADDRESS, part);
    }
}

/// Department of an INSEE commune code: two characters, three overseas.
fn department(commune: &str) -> &str {
    match commune.get(..2) {
        Some("97" | "98") => commune.get(..3).unwrap_or(""),
        Some(department) => department,
        None => "",
    }
}

/// Files write 99000 or nothing for France.
fn country(a: &Adresse) -> &str {
    match a.pays.as_str() {
        "99000" => FRANCE,
        "" if !a.cog_commune.is_empty() => FRANCE,
        other => other,
    }
}

/// The INSEE country code of a place of birth: files write 99000 for France.
pub(crate) fn birth_country(code: &str) -> &str {
    if code == "99000" { FRANCE } else { code }
}

/// The extension of an Address with the INSEE code of its commune; absent when the code is empty.
pub(crate) fn write_insee_code(j: &mut JsonWriter, commune: &str) {
    if !commune.is_empty() {
        j.array("extension", |j| j.coding_extension(extensions::INSEE_CODE, &Coding::without_label(COMMUNES, commune)));
    }
}

/// The street as one `line`, and the parts of the address as extensions of it.
fn write_lines(j: &mut JsonWriter, a: &Adresse, street: &str) {
    let parts = [
        (address_part::CARE_OF, &a.point_remise),
        (address_part::ADDITIONAL_LOCATOR, &a.complement_point_geographique),
        (address_part::HOUSE_NUMBER, &a.numero_voie),
        (address_part::BUILDING_NUMBER_SUFFIX, &a.extension),
        (address_part::STREET_NAME_TYPE, &a.type_voie),
        (address_part::STREET_NAME_BASE, &a.libelle_voie),
        (address_part::POST_BOX, &a.mention_distribution),
        (extensions::LIEU_DIT, &a.lieu_dit),
    ];
    if !street.is_empty() {
        j.array("line", |j| j.string_element(street));
    }
    if parts.iter().any(|(_, value)| !value.is_empty()) {
        j.array("_line", |j| {
            j.object(|j| j.array("extension", |j| parts.iter().for_each(|(url, value)| j.string_extension(url, value))));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::organization;
    use crate::tests::{PUBLIC, json};
    use annuaire_mos::Structure;

    #[test]
    fn the_sixth_line_says_code_and_town_when_nothing_else_does() {
        let published = |bureau: &str, code: &str, town: &str| {
            let adresse =
                Adresse { bureau_cedex: bureau.into(), code_postal: code.into(), localite: town.into(), ..Default::default() };
            let s = Structure { id_technique: "F990000019".into(), adresse, ..Default::default() };
            let a = json(&organization::full_form(PUBLIC, &s, &[]))["address"][0].clone();
            [a["postalCode"].clone(), a["city"].clone()].map(|v| v.as_str().unwrap_or("").to_owned())
        };
        assert_eq!(published("99123 VILLE CEDEX 9", "", ""), ["99123", "VILLE CEDEX 9"]);
        assert_eq!(published("99123 VILLE CEDEX 9", "99000", "VILLE"), ["99000", "VILLE"]);
        assert_eq!(published("99123", "", ""), ["99123", ""]);
        assert_eq!(published("GIBRALTAR", "", ""), ["", "GIBRALTAR"]);
        assert_eq!(published("991234 VILLE", "", ""), ["", "991234 VILLE"]);
    }
}
