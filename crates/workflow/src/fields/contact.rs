//! Section « Données de contact »: V-EMAIL, V-MOBILE.

use super::finding::{FieldContext, Findings};
use crate::limits::{EMAIL_LOCAL_MAX, EMAIL_MAX};
use crate::messages::MessageCode;

/// Local parts that belong to a service.
const GENERIC_LOCAL_PARTS: [&str; 16] = [
    "contact",
    "accueil",
    "secretariat",
    "secretaire",
    "direction",
    "info",
    "infos",
    "rh",
    "administration",
    "admin",
    "bureau",
    "courrier",
    "standard",
    "mairie",
    "noreply",
    "no-reply",
];

/// National prefixes of mobiles overseas, and their calling code; other mobiles have `+33` (V-MOBILE).
const OVERSEAS: [(&str, &str); 8] = [
    ("0690", "+590"),
    ("0691", "+590"),
    ("0692", "+262"),
    ("0693", "+262"),
    ("0639", "+262"),
    ("0694", "+594"),
    ("0696", "+596"),
    ("0697", "+596"),
];

/// The section as it was typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContactDraft {
    /// Field 1.
    pub email: String,
    /// Field 2.
    pub mobile: String,
    /// Field 3 is ticked.
    pub sans_mobile: bool,
}

/// Which of the values another person has. The caller looks up what [`email`] and [`mobile`] give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ContactUse {
    /// The e-mail address.
    pub email: bool,
    /// The mobile.
    pub mobile: bool,
}

/// The section, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedContact {
    /// Address, as it is sent to.
    pub email: String,
    /// Mobile in E.164; empty when there is none.
    pub mobile: String,
}

/// V-EMAIL: the address as mails are sent to it: domain in small A-labels.
///
/// # Errors
/// E-CON-01 for its form, E-CON-03 for an address of the secure space.
pub fn email(typed: &str) -> Result<String, MessageCode> {
    let (local, domain) = typed.trim().rsplit_once('@').ok_or(MessageCode::ECon01)?;
    let domain = idna::domain_to_ascii_strict(domain).map_err(|_| MessageCode::ECon01)?;
    let words =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b));
    let address = format!("{local}@{domain}");
    let sound = local.split('.').all(words)
        && local.len() <= EMAIL_LOCAL_MAX
        && address.len() <= EMAIL_MAX
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && domain.rsplit('.').next().is_some_and(|top| top.bytes().any(|b| b.is_ascii_alphabetic()));
    if !sound {
        return Err(MessageCode::ECon01);
    }
    let secure = domain == "mssante.fr" || domain.ends_with(".mssante.fr") || domain == "interop-mssante.apicrypt.org";
    if secure { Err(MessageCode::ECon03) } else { Ok(address) }
}

/// V-MOBILE: the number in E.164.
///
/// # Errors
/// E-CON-02 for anything but a French mobile, or a number of a country whose calling code the operator enabled.
pub fn mobile(typed: &str, calling_codes: &[String]) -> Result<String, MessageCode> {
    let plain: String =
        typed.chars().filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '\u{2010}' | '\u{2011}')).collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let written = ["+33", "0033", "+590", "+262", "+594", "+596"].into_iter().find(|prefix| plain.starts_with(prefix));
    let national = written
        .and_then(|prefix| plain.strip_prefix(prefix))
        .map_or_else(|| plain.clone(), |rest| format!("0{}", rest.strip_prefix('0').unwrap_or(rest)));
    if digits(&national) && national.len() == 10 && (national.starts_with("06") || national.starts_with("07")) {
        let code = OVERSEAS.iter().find(|(prefix, _)| national.starts_with(prefix)).map_or("+33", |(_, code)| code);
        // Everybody writes `+33` before any French number; another calling code must be that of the number.
        let agrees = written.is_none_or(|written| matches!(written, "+33" | "0033") || written == code);
        return if agrees { Ok(format!("{code}{}", &national[1..])) } else { Err(MessageCode::ECon02) };
    }
    let foreign = plain.strip_prefix('+').filter(|rest| digits(rest) && !rest.starts_with('0') && (8..=15).contains(&rest.len()));
    let enabled = calling_codes.iter().any(|code| code.len() > 1 && plain.starts_with(code.as_str()));
    if foreign.is_some() && enabled && !plain.starts_with("+33") { Ok(plain) } else { Err(MessageCode::ECon02) }
}

/// Checks the section « Données de contact ».
#[must_use]
pub fn check_contact(draft: &ContactDraft, used: ContactUse, context: &FieldContext<'_>) -> (Option<CheckedContact>, Findings) {
    let mut findings = Findings::default();
    let mut address = String::new();
    if draft.email.trim().is_empty() {
        findings.add("email", MessageCode::EGen01, &[]);
    } else {
        match email(&draft.email) {
            Ok(sound) => address = sound,
            Err(code) => findings.add("email", code, &[]),
        }
    }
    let local = address.split('@').next().unwrap_or_default().to_lowercase();
    if GENERIC_LOCAL_PARTS.contains(&local.as_str()) {
        findings.add("email", MessageCode::WCon01, &[]);
    }
    if used.email && !address.is_empty() {
        findings.add("email", MessageCode::WCon02, &[]);
    }
    findings.set("email", &address);
    let mut number = String::new();
    match (draft.mobile.trim().is_empty(), draft.sans_mobile) {
        (true, true) => {}
        (true, false) => findings.add("mobile", MessageCode::EGen01, &[]),
        (false, _) => match mobile(&draft.mobile, &context.settings.calling_codes) {
            Ok(sound) => number = sound,
            Err(code) => findings.add("mobile", code, &[]),
        },
    }
    if used.mobile && !number.is_empty() {
        findings.add("mobile", MessageCode::WCon02, &[]);
    }
    if draft.sans_mobile && number.is_empty() {
        findings.add("sansMobile", MessageCode::WCon03, &[]);
    }
    findings.set("mobile", &number);
    let contact = (!findings.has_errors()).then_some(CheckedContact { email: address, mobile: number });
    (contact, findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses() {
        for (typed, stored) in [
            (" camille.essai@Exemple.EXAMPLE ", "camille.essai@exemple.example"),
            ("a+b@été.example", "a+b@xn--t-9fab.example"),
            ("o'essai@sous.domaine.test", "o'essai@sous.domaine.test"),
        ] {
            assert_eq!(email(typed).as_deref(), Ok(stored), "{typed}");
        }
        let long = format!("{}@exemple.example", "a".repeat(65));
        let longer = format!("a@{}.example", ["b".repeat(60).as_str(); 5].join("."));
        for typed in [
            "",
            "a",
            "@b.example",
            "a@",
            "a@b",
            "a@@b.example",
            "a b@c.example",
            "a@b..example",
            ".a@b.example",
            "a.@b.example",
            "a@-b.example",
            "a@1.2.3.4",
            &long,
            &longer,
            "a\r\nb@c.example",
            "é@b.example",
        ] {
            assert_eq!(email(typed), Err(MessageCode::ECon01), "{typed}");
        }
        for typed in ["a@b.mssante.fr", "a@MSSANTE.fr", "a@c.b.mssante.fr", "a@interop-mssante.apicrypt.org"] {
            assert_eq!(email(typed), Err(MessageCode::ECon03), "{typed}");
        }
        assert!(email("a@mssante.fr.example").is_ok() && email("a@notmssante.fr").is_ok());
    }

    #[test]
    fn mobiles() {
        for (typed, stored) in [
            ("06 12 34 56 12", "+33612345612"),
            ("07.12-34.56.12", "+33712345612"),
            ("0692000012", "+262692000012"),
            ("0639000012", "+262639000012"),
            ("0690000012", "+590690000012"),
            ("0691000012", "+590691000012"),
            ("0694000012", "+594694000012"),
            ("0697000012", "+596697000012"),
            ("+33 6 12 34 56 12", "+33612345612"),
            ("+33 (0)", ""),
            ("0033612345612", "+33612345612"),
            ("+262692000012", "+262692000012"),
            ("+33692000012", "+262692000012"),
        ] {
            let stored = if stored.is_empty() { Err(MessageCode::ECon02) } else { Ok(stored.to_owned()) };
            assert_eq!(mobile(typed, &[]), stored, "{typed}");
        }
        for typed in [
            "",
            "0112345612",
            "061234561",
            "06123456123",
            "+33112345612",
            "+32470123456",
            "06123４5612",
            "6612345612",
            "+262612345612",
            "+590696000012",
        ] {
            assert_eq!(mobile(typed, &[]), Err(MessageCode::ECon02), "{typed}");
        }
        let belgium = ["+32".to_owned()];
        assert_eq!(mobile("+32 470 12 34 56", &belgium).as_deref(), Ok("+32470123456"));
        assert_eq!(mobile("+41790123456", &belgium), Err(MessageCode::ECon02));
        assert_eq!(mobile("+33112345612", &["+3".to_owned()]), Err(MessageCode::ECon02));
    }

    proptest! {
        #[test]
        fn what_is_stored_is_stored_again(typed in "\\PC{0,30}", near in "[+]?[0-9 .-]{8,16}", mail in "[a-z.é]{1,8}@[a-zé.-]{1,12}") {
            let codes = ["+32".to_owned(), "+41".to_owned()];
            for text in [typed, near, mail] {
                if let Ok(number) = mobile(&text, &codes) {
                    prop_assert_eq!(mobile(&number, &codes), Ok(number.clone()));
                }
                if let Ok(address) = email(&text) {
                    prop_assert_eq!(email(&address), Ok(address.clone()));
                }
            }
        }
    }
}
