//! What the bytes of papers say. The writer itself refuses what PDF/UA-1 forbids: a text without tag, a figure without alternative.

use annuaire_papers::{AttestedPlace, HomeHelpPaper, Paper, PaperBlock, PaperCheck, PaperError, RegistrationPaper, RequestPaper};

fn check() -> PaperCheck {
    let url = "https://annuaire.example/portail/verifier?rpps=10999000015&code=4K7M-09QX-ZT2A";
    PaperCheck { code: "4K7M-09QX-ZT2A".into(), url: url.into() }
}

fn place() -> AttestedPlace {
    AttestedPlace { number: "990000010".into(), name: "EHPAD des Œillets".into() }
}

fn registration(day: &str) -> RegistrationPaper {
    RegistrationPaper {
        rpps: "10999000015".into(),
        names: vec!["Zoé BÉRAUD".into()],
        professions: vec!["Infirmier".into()],
        places: vec![place()],
        day: day.into(),
        check: check(),
    }
}

/// The bytes without blanks, for names of the format.
fn packed(pdf: &[u8]) -> String {
    String::from_utf8_lossy(pdf).chars().filter(|c| !c.is_whitespace()).collect()
}

fn counted(pdf: &str, what: &str) -> usize {
    pdf.matches(what).count()
}

#[test]
fn an_attestation_has_title_language_tags_fonts_and_link() {
    let pdf = packed(&registration("27/11/2026").to_pdf().unwrap());
    assert!(pdf.starts_with("%PDF-1.7"), "{}", &pdf[..20]);
    for what in ["/StructTreeRoot", "/Lang(fr-FR)", "/DisplayDocTitletrue", "/FontFile2", "/ToUnicode", "pdfuaid:part"] {
        assert!(pdf.contains(what), "{what}");
    }
    assert_eq!([counted(&pdf, "/S/H1"), counted(&pdf, "/S/H2"), counted(&pdf, "/S/Figure")], [1, 2, 1]);
    // Three facts and one structure.
    assert_eq!([counted(&pdf, "/S/LI"), counted(&pdf, "/S/Lbl"), counted(&pdf, "/S/LBody")], [4, 4, 4]);
    assert!(pdf.contains("(https://annuaire.example/portail/verifier?rpps=10999000015&code=4K7M-09QX-ZT2A)"));
    // Two whole fonts have a million bytes.
    assert!(registration("27/11/2026").to_pdf().unwrap().len() < 80_000);
}

#[test]
fn equal_data_gives_equal_bytes() {
    assert_eq!(registration("27/11/2026").to_pdf().unwrap(), registration("27/11/2026").to_pdf().unwrap());
    assert_ne!(registration("27/11/2026").to_pdf().unwrap(), registration("28/11/2026").to_pdf().unwrap());
}

#[test]
fn the_other_papers_are_tagged_too() {
    let home_help = HomeHelpPaper {
        rpps: "10999000015".into(),
        names: vec!["Zoé BÉRAUD".into()],
        profession: "Aide à domicile".into(),
        place: place(),
        verified_on: "27/11/2026".into(),
        valid_until: "26/11/2031".into(),
        check: check(),
    };
    let sections =
        vec![("1. Etat civil".into(), vec![("Nom de famille".into(), "BÉRAUD".into()), ("Prénom".into(), String::new())])];
    let request = RequestPaper {
        number: "D-2026-000001".into(),
        kind: "Enregistrement".into(),
        state: "Traitement en cours".into(),
        rpps: String::new(),
        sections,
        steps: vec![("27/11/2026 à 09:05".into(), "Déposée".into())],
    };
    let (home_help, request) = (packed(&home_help.to_pdf().unwrap()), packed(&request.to_pdf().unwrap()));
    assert_eq!([counted(&home_help, "/S/LI"), counted(&request, "/S/LI")], [6, 6]);
    assert_eq!([counted(&home_help, "/S/Figure"), counted(&request, "/S/Figure")], [1, 0]);
}

#[test]
fn long_papers_have_several_pages_and_odd_letters_are_written() {
    let blocks = vec![PaperBlock::Title("T".into()), PaperBlock::Text("漢字 mot ".repeat(900))];
    let pdf = packed(&Paper { title: "T".into(), blocks }.to_pdf().unwrap());
    assert!(pdf.contains("/Count3") || pdf.contains("/Count2"), "several pages");
    let url = "https://annuaire.example/".to_owned() + &"x".repeat(4_000);
    let blocks = vec![PaperBlock::Title("T".into()), PaperBlock::Link { url, alternative: "Code".into() }];
    assert!(matches!(Paper { title: "T".into(), blocks }.to_pdf(), Err(PaperError::Address(4_025))));
}
