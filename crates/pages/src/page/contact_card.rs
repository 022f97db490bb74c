//! What a visitor takes away from a sheet: a contact card (vCard), and the address of the sheet as a QR code.

use std::sync::Arc;

use annuaire_base::date::iso_ms;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::message::{Incident, respond_with};
use super::professional::practising;
use super::structure::published;
use super::{CachePolicy, PageResult};
use crate::qr::qr_picture;
use crate::query::encoded;
use crate::resource::organization::OrganizationView;
use crate::resource::practitioner::PractitionerView;
use crate::resource::shown_json;
use crate::resource::situation::PracticeView;
use crate::site::Site;
use crate::turn::in_turn;
use crate::vcard::VCard;
use crate::visit::Visit;

/// How long clients may cache a card or a picture.
pub(crate) const CACHE: CachePolicy = CachePolicy::Revalidate;

/// Which sheet a card or a picture belongs to.
#[derive(Debug, Clone, Copy)]
enum SheetKind {
    Professional,
    Structure,
}

impl SheetKind {
    /// First segment of the address of the sheet.
    const fn segment(self) -> &'static str {
        match self {
            Self::Professional => "professionnel",
            Self::Structure => "structure",
        }
    }
}

/// `GET /professionnel/{national id}/carte.vcf`
pub(crate) async fn of_professional(State(site): State<Arc<Site>>, visit: Visit, Path(national_id): Path<String>) -> Response {
    in_turn(site, visit, move |site, visit| {
        let snapshot = site.snapshot(visit.pass)?;
        let person = match practising(site, visit, &snapshot, &national_id)? {
            Ok(person) => person,
            Err(message) => return Ok(message),
        };
        let changed_ms = person.changed_ms;
        let practices = person.with_situations(&snapshot)?;
        let address = sheet_address(visit, SheetKind::Professional, &national_id);
        Ok(card_file(&person_card(&address, changed_ms, &practices), SheetKind::Professional, &national_id))
    })
    .await
}

/// `GET /structure/{technical id}/carte.vcf`
pub(crate) async fn of_structure(State(site): State<Arc<Site>>, visit: Visit, Path(technical_id): Path<String>) -> Response {
    in_turn(site, visit, move |site, visit| {
        let snapshot = site.snapshot(visit.pass)?;
        let version = match published(site, visit, &snapshot, &technical_id)? {
            Ok(version) => version,
            Err(message) => return Ok(message),
        };
        let structure = OrganizationView::of_json(&shown_json(&version));
        let address = sheet_address(visit, SheetKind::Structure, &technical_id);
        Ok(card_file(&structure_card(&address, version.last_updated_ms, &structure), SheetKind::Structure, &technical_id))
    })
    .await
}

/// `GET /professionnel/{national id}/qr.svg`
pub(crate) async fn qr_of_professional(State(site): State<Arc<Site>>, visit: Visit, Path(national_id): Path<String>) -> Response {
    in_turn(site, visit, move |site, visit| {
        let snapshot = site.snapshot(visit.pass)?;
        match practising(site, visit, &snapshot, &national_id)? {
            Ok(person) => qr_file(site, visit, SheetKind::Professional, &person.practices[0].national_id),
            Err(message) => Ok(message),
        }
    })
    .await
}

/// `GET /structure/{technical id}/qr.svg`
pub(crate) async fn qr_of_structure(State(site): State<Arc<Site>>, visit: Visit, Path(technical_id): Path<String>) -> Response {
    in_turn(site, visit, move |site, visit| {
        let snapshot = site.snapshot(visit.pass)?;
        match published(site, visit, &snapshot, &technical_id)? {
            Ok(_) => qr_file(site, visit, SheetKind::Structure, &technical_id),
            Err(message) => Ok(message),
        }
    })
    .await
}

/// The address of a sheet, as other machines find it.
fn sheet_address(visit: &Visit, kind: SheetKind, id: &str) -> String {
    format!("{}/{}/{}", visit.request.base, kind.segment(), encoded(id))
}

/// The card of a person: name, profession, each place with its address and telephone numbers. A secure mailbox takes mail from its own
/// network alone, so that it is a note and no `EMAIL`.
fn person_card(address: &str, changed_ms: i64, practices: &[PracticeView]) -> String {
    let mut card = VCard::new("individual");
    let nobody = PractitionerView::default();
    let first = practices.first().map_or(&nobody, |practice| &practice.practitioner);
    card.text("FN", &first.name);
    card.components("N", &[&first.family, &first.given, "", first.title, ""]);
    for practice in practices {
        card.text("TITLE", &practice.practitioner.profession);
        for skill in &practice.practitioner.skills {
            card.text("ROLE", skill);
        }
    }
    let situations = practices.iter().flat_map(|practice| &practice.situations);
    let places = situations.filter_map(|situation| situation.place.as_ref());
    for (at, place) in places.enumerate() {
        place_properties(&mut card, &format!("lieu{}.", at + 1), place);
        card.text(&format!("lieu{}.ORG", at + 1), &place.name);
    }
    for mailbox in practices.iter().flat_map(|practice| &practice.practitioner.mailboxes) {
        if mailbox.is_secure_mailbox() {
            card.text("NOTE", &format!("Messagerie sécurisée de santé : {}", mailbox.value));
        }
    }
    ending(card, address, changed_ms)
}

fn structure_card(address: &str, changed_ms: i64, structure: &OrganizationView) -> String {
    let mut card = VCard::new("org");
    let name = structure.shown_name();
    card.text("FN", &name);
    card.text("ORG", &name);
    place_properties(&mut card, "", structure);
    ending(card, address, changed_ms)
}

/// Address and telephone numbers of a place, each property with this group before it.
fn place_properties(card: &mut VCard, group: &str, place: &OrganizationView) {
    let street = place.street.join("\n");
    if !street.is_empty() || !place.city.is_empty() {
        card.components(&format!("{group}ADR;TYPE=work"), &["", "", &street, &place.city, "", &place.postal_code, ""]);
    }
    for contact in &place.contacts {
        match contact.uri.split_once(':') {
            Some(("tel", _)) => card.uri(&format!("{group}TEL;VALUE=uri;TYPE=\"work,voice\""), &contact.uri),
            Some(("mailto", mail)) => card.text(&format!("{group}EMAIL;TYPE=work"), mail),
            _ if contact.is_fax() => {
                card.text(&format!("{group}TEL;VALUE=text;TYPE=\"work,fax\""), &contact.value.replace('\u{a0}', " "))
            }
            _ if contact.is_phone() => card.text(&format!("{group}TEL;VALUE=text;TYPE=\"work,voice\""), &contact.value),
            _ => {}
        }
    }
}

/// What every card ends with: where its facts are, and when they changed.
fn ending(mut card: VCard, address: &str, changed_ms: i64) -> String {
    card.uri("URL", address);
    card.uri("SOURCE", &format!("{address}/carte.vcf"));
    card.uri("UID", address);
    // `20261127T093000Z`, the basic form of ISO 8601 without fractions (RFC 6350 §4.3.5).
    let instant: String = iso_ms(changed_ms).chars().filter(|sign| !matches!(sign, '-' | ':')).collect();
    let second = instant.split('.').next().unwrap_or_default().trim_end_matches('Z');
    card.uri("REV", &format!("{second}Z"));
    card.finish()
}

fn card_file(card: &str, kind: SheetKind, id: &str) -> Response {
    let mut response = file(card.to_owned(), "text/vcard;charset=UTF-8");
    let name: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{}-{name}.vcf\"", kind.segment()));
    response.headers_mut().extend(disposition.ok().map(|value| (header::CONTENT_DISPOSITION, value)));
    response
}

fn qr_file(site: &Site, visit: &Visit, kind: SheetKind, id: &str) -> PageResult {
    Ok(match qr_picture(&sheet_address(visit, kind, id)) {
        Some(picture) => file(picture, "image/svg+xml"),
        // Only an operator whose address is longer than paper bears meets this.
        None => respond_with(site, &visit.request, Incident { id: visit.request.id.clone() }),
    })
}

/// A file that belongs to a sheet: search engines list the sheet alone.
fn file(content: String, media_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(content));
    *response.status_mut() = StatusCode::OK;
    for (name, value) in [
        (header::CONTENT_TYPE, media_type),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    CACHE.apply(&mut response);
    response
}

#[cfg(test)]
mod tests {
    use super::{person_card, structure_card};
    use crate::resource::organization::OrganizationView;
    use crate::resource::practitioner::PractitionerView;
    use crate::resource::situation::{PracticeView, SituationView};
    use serde_json::json;

    fn place() -> OrganizationView {
        OrganizationView::of_json(&json!({"id": "001-F990000001", "name": "CABINET; D’ESSAI",
            "address": [{"line": ["1 RUE, D’ESSAI", "BAT A"], "postalCode": "29200", "city": "BREST"}],
            "telecom": [{"system": "phone", "value": "0299000001"}, {"system": "fax", "value": "0299000002"},
                {"system": "phone", "value": "3624"}, {"system": "email", "value": "a@b.example"}]}))
    }

    #[test]
    fn a_card_of_a_person_says_what_the_sheet_says() {
        let practitioner = PractitionerView::of_json(&json!({
            "name": [{"family": "DE L'ESSAI", "given": ["ANNE-LOU"], "suffix": ["DR"]}],
            "telecom": [{"system": "email", "value": "a@b.mssante.example", "extension": [{"valueCoding": {"code": "MSSANTE"}}]}]}));
        let practitioner = PractitionerView { profession: "Médecin".to_owned(), ..practitioner };
        let situations = vec![SituationView { labels: Vec::new(), place: Some(place()) }, SituationView::default()];
        let practice = PracticeView { practitioner, situations };
        let card = person_card("https://a.example/professionnel/810999000001", 1_800_000_000_000, &[practice]);
        assert_eq!(
            card.replace("\r\n ", ""),
            "BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:individual\r\nFN:Dr Anne-Lou de L'ESSAI\r\nN:de L'ESSAI;Anne-Lou;;Dr;\r\nTITLE:Médecin\r\n\
             lieu1.ADR;TYPE=work:;;1 RUE\\, D’ESSAI\\nBAT A;BREST;;29200;\r\n\
             lieu1.TEL;VALUE=uri;TYPE=\"work,voice\":tel:+33299000001\r\nlieu1.TEL;VALUE=text;TYPE=\"work,fax\":02 99 00 00 02\r\n\
             lieu1.TEL;VALUE=text;TYPE=\"work,voice\":3624\r\nlieu1.EMAIL;TYPE=work:a@b.example\r\nlieu1.ORG:CABINET\\; D’ESSAI\r\n\
             NOTE:Messagerie sécurisée de santé : a@b.mssante.example\r\nURL:https://a.example/professionnel/810999000001\r\n\
             SOURCE:https://a.example/professionnel/810999000001/carte.vcf\r\nUID:https://a.example/professionnel/810999000001\r\n\
             REV:20270115T080000Z\r\nEND:VCARD\r\n"
        );
    }

    #[test]
    fn a_structure_without_name_is_called_by_its_number() {
        let card =
            structure_card("https://a.example/structure/F990000001", 0, &OrganizationView { name: String::new(), ..place() });
        assert!(card.contains("KIND:org\r\nFN:Structure F990000001\r\nORG:Structure F990000001\r\nADR;TYPE=work:"), "{card}");
    }
}
