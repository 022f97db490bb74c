//! « Vérifier une attestation » (SC80): anybody who was handed an attestation checks that this portal made it, and what is public today.
//!
//! The code belongs to a kind of attestation, a number and a day: of a registration the day on which it was made, of a qualified home helper the
//! day on which the employer checked the proofs, from which it is valid for five years (registration §5.7). It is made of them under the key of forms, so that nothing is stored; a wrong code tells nothing
//! about the number, not even whether somebody has it.

use crate::answer;
use crate::door::Portal;
use crate::fault::PageAnswer;
use crate::field::{FormField, OpenPoint};
use crate::frame::PortalFrame;
use crate::limits::ATTESTATION_DAYS;
use crate::request::PortalRequest;
use annuaire_registry::AttestedPerson;
use annuaire_workflow::day::{Day, french, paris_day, plus_days, plus_years};
use annuaire_workflow::limits::HOME_HELP_YEARS;
use annuaire_workflow::value_sets::{QUALIFIED_HOME_HELP, ValueList};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

/// Digits of codes: no letter that is taken for a digit.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code.
const CODE_CHARS: u32 = 12;

/// What a code is printed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttestationKind {
    /// « Attestation d’enregistrement » (SC50), recognised for a year.
    Registration,
    /// The attestation of a qualified home helper, recognised while it is valid.
    HomeHelp,
}

impl AttestationKind {
    /// What begins the text that is hashed.
    const fn word(self) -> &'static str {
        match self {
            Self::Registration => "attestation",
            Self::HomeHelp => "attestation-371",
        }
    }

    /// Days back from today for which a code is looked for.
    fn days(self) -> i32 {
        match self {
            Self::Registration => ATTESTATION_DAYS,
            Self::HomeHelp => i32::from(HOME_HELP_YEARS) * 366,
        }
    }

    /// Whether an attestation of that day is recognised.
    fn stands(self, day: Day, today: Day) -> bool {
        self == Self::Registration || today < plus_years(day, HOME_HELP_YEARS)
    }
}

/// SC80.
#[derive(Template)]
#[template(path = "attestation_check.html")]
struct AttestationCheckPage<'a> {
    frame: &'a PortalFrame,
    fields: Vec<FormField>,
    points: Vec<OpenPoint>,
    found: Option<CheckedAttestation>,
}

/// What is told of a genuine attestation.
struct CheckedAttestation {
    rpps: String,
    issued: String,
    /// Of the attestation of a home helper: the profession, and the last day on which it is valid.
    home_help: Option<(String, String)>,
    /// Whether anything is public of the person today.
    is_public: bool,
    names: Vec<String>,
    professions: Vec<String>,
    places: Vec<String>,
}

/// The value of a code as it was typed: blanks and hyphens are left out, and letters that look like digits are those digits.
fn value_of(typed: &str) -> Option<u64> {
    let mut value: u64 = 0;
    let mut count = 0;
    for sign in typed.chars().filter(|sign| !sign.is_whitespace() && *sign != '-') {
        let sign = match sign.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let digit = DIGITS.iter().position(|known| char::from(*known) == sign)?;
        count += 1;
        if count > CODE_CHARS {
            return None;
        }
        value = value << 5 | digit as u64;
    }
    (count == CODE_CHARS).then_some(value)
}

impl Portal {
    fn attestation_value(&self, kind: AttestationKind, rpps: &str, day: Day) -> u64 {
        let hash = self.keyed_hash(&format!("{} {rpps} {day}", kind.word()));
        hash.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte)) >> (64 - 5 * CODE_CHARS)
    }

    /// The code that is printed on the attestation of a number and a day: `4K7M-09QX-ZT2A`.
    pub(crate) fn attestation_code(&self, kind: AttestationKind, rpps: &str, day: Day) -> String {
        let value = self.attestation_value(kind, rpps, day);
        let mut code = String::new();
        for n in 0..CODE_CHARS {
            if n > 0 && n % 4 == 0 {
                code.push('-');
            }
            let digit = (value >> (5 * (CODE_CHARS - 1 - n))) & 31;
            code.push(char::from(DIGITS.get(digit as usize).copied().unwrap_or(b'0')));
        }
        code
    }

    /// The profession of a qualified home helper, in words.
    pub(crate) fn home_help_label(&self) -> String {
        self.values().label(ValueList::Profession, QUALIFIED_HOME_HELP).unwrap_or(QUALIFIED_HOME_HELP).to_owned()
    }

    /// Kind and day of the attestation of a number with this code, if it is recognised today. Costs a hash for each day of both kinds, some two
    /// thousand.
    fn attestation_of(&self, rpps: &str, value: u64, today: Day) -> Option<(AttestationKind, Day)> {
        [AttestationKind::Registration, AttestationKind::HomeHelp].into_iter().find_map(|kind| {
            let mut days = (0..=kind.days()).map(|back| plus_days(today, -back)).filter(|day| kind.stands(*day, today));
            days.find(|day| self.attestation_value(kind, rpps, *day) == value).map(|day| (kind, day))
        })
    }
}

fn fields_of(rpps: &str, code: &str) -> Vec<FormField> {
    vec![
        FormField::text("rpps", "Numéro RPPS", rpps, 20).mandatory().numeric().hinted("11 chiffres"),
        FormField::text("code", "Code de vérification", code, 20)
            .mandatory()
            .hinted("12 caractères, imprimés au bas de l’attestation"),
    ]
}

/// `GET /portail/verifier?rpps=…&code=…`
pub(crate) async fn check(State(portal): State<Arc<Portal>>, request: PortalRequest) -> PageAnswer {
    let frame = PortalFrame::plain(&portal, &request);
    let rpps: String = request.parameter("rpps").split_whitespace().collect();
    let code = request.parameter("code");
    let mut fields = fields_of(&rpps, &code);
    let (mut points, mut found) = (Vec::new(), None);
    if !rpps.is_empty() || !code.is_empty() {
        let today = paris_day(portal.now_ms());
        let is_number = rpps.len() == 11 && rpps.bytes().all(|byte| byte.is_ascii_digit());
        let value = value_of(&code);
        let mut tell = |n: usize, text: &str| {
            if let Some(field) = fields.get_mut(n) {
                field.tell("", text);
                points.push(OpenPoint {
                    anchor: field.anchor(),
                    text: format!("{}\u{a0}: {text}", field.label),
                    is_warning: false,
                });
            }
        };
        if !is_number {
            tell(0, "Saisissez les 11 chiffres du numéro RPPS.");
        }
        match value {
            None => tell(1, "Saisissez les 12 caractères du code, par exemple 4K7M-09QX-ZT2A."),
            Some(value) if is_number => match portal.attestation_of(&rpps, value, today) {
                Some(known) => found = Some((known, portal.registration().attested_person(&rpps).await?)),
                None => tell(1, "Ce code n’est pas celui d’une attestation de ce numéro qui soit encore reconnue."),
            },
            Some(_) => {}
        }
    }
    let found = found.map(|((kind, day), person)| {
        let is_home_help = kind == AttestationKind::HomeHelp;
        let practises = |person: &AttestedPerson| person.functions.iter().any(|code| code == QUALIFIED_HOME_HELP);
        let is_public = person.as_ref().is_some_and(|person| !is_home_help || practises(person));
        let until = || french(plus_days(plus_years(day, HOME_HELP_YEARS), -1));
        let (names, professions, places) = person.map(|p| (p.names, p.professions, p.places)).unwrap_or_default();
        CheckedAttestation {
            rpps: rpps.clone(),
            issued: french(day),
            home_help: is_home_help.then(|| (portal.home_help_label(), until())),
            is_public,
            names,
            professions: professions.iter().map(|code| portal.profession(code)).collect(),
            places: places.into_iter().map(|place| format!("{} - {}", place.number, place.name)).collect(),
        }
    });
    let status = if points.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = AttestationCheckPage { frame: &frame, fields, points, found };
    Ok(answer::page(&portal, &request, status, &page))
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn a_code_is_read_as_people_copy_it() {
        assert_eq!(value_of("0000-0000-0010"), Some(32));
        assert_eq!(value_of(" oooo oooo ooi0 "), Some(32));
        assert_eq!(value_of("ZZZZ-ZZZZ-ZZZZ"), Some((1 << 60) - 1));
        for wrong in ["", "ZZZZ-ZZZZ-ZZZ", "ZZZZ-ZZZZ-ZZZZ-Z", "ZZZZ-ZZZZ-ZZZU", "ZZZZ-ZZZZ-ZZZé"] {
            assert_eq!(value_of(wrong), None, "{wrong}");
        }
    }
}
