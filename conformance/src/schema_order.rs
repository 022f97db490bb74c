//! The order of XML elements: an R4 model library reads a document and writes it again in the order of the schema, which must be
//! the order that it had.

use fhirbolt::model::r4::Resource;

/// Whether the elements of an R4 document are in the order of the schema; the first that is not when they are not.
///
/// # Errors
/// What the library does not read, or the first element out of place.
pub fn check(xml: &str) -> Result<(), String> {
    let read: Resource = fhirbolt::xml::from_str(xml, None).map_err(|e| format!("the R4 model does not read the XML: {e}"))?;
    let again = fhirbolt::xml::to_string(&read, None).map_err(|e| format!("the R4 model does not write the XML: {e}"))?;
    let (given, wanted) = (tags(xml), tags(&again));
    match given.iter().zip(&wanted).position(|(a, b)| a != b) {
        Some(at) => Err(format!("<{}> stands where the schema has <{}>", given[at], wanted[at])),
        None if given.len() == wanted.len() => Ok(()),
        None => Err(format!("{} tags where the model has {}", given.len(), wanted.len())),
    }
}

/// Names of the elements as they begin and end, without values: whether these are kept is another question.
fn tags(xml: &str) -> Vec<String> {
    let mut out = Vec::new();
    for piece in xml.split('<').skip(1) {
        let Some(tag) = piece.split('>').next().filter(|t| !t.starts_with(['?', '!'])) else { continue };
        let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap_or_default();
        if tag.starts_with('/') {
            out.push(format!("/{name}"));
        } else {
            out.push(name.to_owned());
            if tag.ends_with('/') {
                out.push(format!("/{name}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn an_element_out_of_place_is_named() {
        let person = |inner: &str| format!("<Person xmlns=\"http://hl7.org/fhir\">{inner}</Person>");
        let (id, active) = ("<id value=\"a\"/>", "<active value=\"true\"/>");
        let name = "<name><family value=\"F\"/><given value=\"G\"/></name>";
        assert_eq!(check(&person(&format!("{id}{name}{active}"))), Ok(()));
        assert_eq!(check(&person(&format!("{id}{active}{name}"))), Err("<active> stands where the schema has <name>".to_owned()));
        let turned = "<name><given value=\"G\"/><family value=\"F\"/></name>";
        assert!(check(&person(turned)).is_err());
        assert!(check("<Nothing/>").is_err());
    }
}
