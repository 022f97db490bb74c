//! Lists of employers: the columns (golden), headers, and lines.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/golden.rs"]
mod golden;

use annuaire_workflow::bulk::{
    BulkAction, BulkColumn, BulkHeader, BulkLine, BulkVerification, is_bulk_header, read_bulk_header, read_bulk_line,
};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::fields::{FieldContext, check_civil_status};
use golden::assert_golden;
use std::fmt::Write;

fn context() -> FieldContext<'static> {
    FieldContext::embedded(parse_iso("2026-11-26").unwrap())
}

fn cells(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn whole() -> BulkHeader {
    let names: Vec<String> = BulkColumn::ALL.iter().map(|column| column.header().to_owned()).collect();
    assert!(is_bulk_header(&names));
    read_bulk_header(&names).unwrap()
}

/// A line with these values, blank elsewhere.
fn line(values: &[(BulkColumn, &str)]) -> Vec<String> {
    let value = |column: &BulkColumn| values.iter().find(|(known, _)| known == column).map_or("", |(_, text)| text);
    BulkColumn::ALL.iter().map(|column| value(column).to_owned()).collect()
}

/// What is asked of every line.
const VERIFIED: [(BulkColumn, &str); 2] = [(BulkColumn::Verification, "face a face"), (BulkColumn::Information, "oui")];

fn read(values: &[(BulkColumn, &str)]) -> BulkLine {
    let values: Vec<_> = values.iter().chain(&VERIFIED).copied().collect();
    read_bulk_line(&whole(), &line(&values), &context())
}

fn codes(line: &BulkLine) -> Vec<(BulkColumn, &'static str)> {
    line.findings.iter().map(|finding| (finding.column, finding.code.as_str())).collect()
}

#[test]
fn golden_columns() {
    let mut out = String::from(
        "# Columns of a list\n\nWritten by a test from the table of the program (registration §17.1): whether a column is to be filled in for each action, the \
         rule of its values, and\nwhat the template says of it.\n\n",
    );
    let actions: Vec<&str> = BulkAction::ALL.iter().map(|action| action.code()).collect();
    writeln!(out, "| Column | {} | Rule | Help |\n|---{}|---|---|", actions.join(" | "), "|---".repeat(actions.len())).unwrap();
    for column in BulkColumn::ALL {
        let needs: Vec<&str> = BulkAction::ALL.iter().map(|action| column.need(*action).label()).collect();
        writeln!(out, "| `{}` | {} | {} | {} |", column.header(), needs.join(" | "), column.rule(), column.help()).unwrap();
    }
    out.push_str("\n## Headers\n\n| Header | Said |\n|---|---|\n");
    for header in [
        vec!["nom_famille", "prenom"],
        vec!["action", "rpps", "FINESS", "identite verifiee", "Information faite", "emial", "salaire"],
        vec!["action", "rpps", "rpps", "siret", "identite_verifiee", "information_faite"],
        vec!["Action", " RPPS ", "Siret", "Identité_vérifiée", "INFORMATION FAITE *"],
    ] {
        let said = match read_bulk_header(&cells(&header)) {
            Ok(_) => "—".to_owned(),
            Err(faults) => faults.into_iter().map(|fault| fault.text).collect::<Vec<_>>().join(" "),
        };
        writeln!(out, "| {} | {said} |", header.join("; ")).unwrap();
    }
    out.push_str("\n## Values\n\n| Column | Typed | Said |\n|---|---|---|\n");
    for (column, typed) in [
        (BulkColumn::Action, "supprimer"),
        (BulkColumn::Reference, &"x".repeat(65)),
        (BulkColumn::BirthCommune, "Sainte-Anne"),
        (BulkColumn::Verification, "vu"),
        (BulkColumn::Verification, "non"),
        (BulkColumn::Information, "non"),
    ] {
        let read = read_bulk_line(&whole(), &line(&[(column, typed)]), &context());
        let finding = read.findings.iter().find(|finding| finding.column == column).unwrap();
        writeln!(out, "| `{}` | {typed} | {}: {} |", column.header(), finding.code, finding.text).unwrap();
    }
    assert_golden("bulk.md", &out);
}

#[test]
fn a_line_becomes_the_drafts_that_a_manager_would_type() {
    use BulkColumn as C;
    let read = read(&[
        (C::Reference, "RH-1"),
        (C::Civility, "Mme"),
        (C::Sex, "f"),
        (C::FamilyName, "Essai"),
        (C::UsageName, "Fictif"),
        (C::GivenName, "Zoé"),
        (C::Birth, "1991-05-07"),
        (C::BirthCommuneCode, "97128"),
        (C::Email, "zoe@personne.example"),
        (C::Mobile, "0692000012"),
        (C::Siret, "99900000300015"),
        (C::Profession, "313"),
        (C::Role, "genr11"),
        (C::Mode, "s"),
        (C::Start, "02/11/2026"),
    ]);
    assert!(read.findings.is_empty(), "{:?}", read.findings);
    assert_eq!((read.action, read.verification), (BulkAction::Create, Some(BulkVerification::FaceToFace)));
    assert!(check_civil_status(&read.civil, &context()).0.is_some(), "{:?}", check_civil_status(&read.civil, &context()).1);
    assert_eq!((read.civil.date_naissance.as_str(), read.civil.pays_naissance.as_str()), ("07/05/1991", "99100"));
    let s = &read.situation;
    assert_eq!([&s.nom_exercice, &s.prenom_exercice, &s.structure, &s.role], ["Fictif", "Zoé", "99900000300015", "GENR11"]);
}

#[test]
fn communes_and_countries_are_resolved_or_told() {
    use BulkColumn as C;
    let several = read(&[(C::Finess, "990000010"), (C::Birth, "07/05/1991"), (C::BirthCommune, "Sainte-Anne")]);
    assert_eq!(codes(&several), [(C::BirthCommune, "E-LOT-02")]);
    assert!(several.findings[0].text.contains("Sainte-Anne (97128)"), "{}", several.findings[0].text);
    let one = read(&[(C::Finess, "990000010"), (C::Birth, "07/05/1991"), (C::BirthCommune, "st malo")]);
    assert!(one.findings.is_empty() && one.civil.commune_naissance == "Saint-Malo (35288)", "{one:?}");
    let abroad = read(&[(C::Finess, "990000010"), (C::BirthCountry, "Danemark"), (C::BirthCommune, "Aarhus")]);
    assert!(abroad.findings.is_empty());
    assert_eq!((abroad.civil.commune_naissance.as_str(), abroad.civil.ville_naissance_etr.as_str()), ("", "Aarhus"));
}

#[test]
fn what_only_a_file_asks_is_told_by_column() {
    use BulkColumn as C;
    let bare = read_bulk_line(&whole(), &[], &context());
    assert_eq!(codes(&bare), [(C::Verification, "E-GEN-01"), (C::Information, "E-GEN-01"), (C::Finess, "E-GEN-01")]);
    let wrong = [
        (C::Action, "supprimer"),
        (C::Reference, &"x".repeat(65)),
        (C::Rpps, "99900000012"),
        (C::Finess, "990000010"),
        (C::Verification, "vu"),
        (C::Information, "non"),
    ];
    let wrong = read_bulk_line(&whole(), &line(&wrong), &context());
    let told = [
        (C::Reference, "E-GEN-03"),
        (C::Action, "E-LOT-01"),
        (C::Rpps, "E-RPPS-01"),
        (C::Information, "E-LOT-04"),
        (C::Verification, "E-LOT-03"),
    ];
    assert_eq!(codes(&wrong), told);
    let closing = read(&[(C::Action, "Fermer"), (C::Finess, "990000010")]);
    assert_eq!(codes(&closing), [(C::Rpps, "E-GEN-01"), (C::End, "E-GEN-01"), (C::EndReason, "E-GEN-01")]);
    let unverified = read(&[(C::Finess, "990000010"), (C::Verification, "non")]);
    assert_eq!(codes(&unverified), [(C::Verification, "W-LOT-01")]);
}

#[test]
fn remarks_are_told_where_the_line_says_it() {
    use BulkColumn as C;
    let (header, siret) = (whole(), line(&[(C::Siret, "99900000300015"), (C::BirthCommuneCode, "99999")]));
    let read = read_bulk_line(&header, &siret, &context());
    assert_eq!(read.column_of("structure", &header, &siret), Some(C::Siret));
    assert_eq!(read.column_of("communeNaissance", &header, &siret), Some(C::BirthCommuneCode));
    assert_eq!(read.column_of("structure", &header, &[]), Some(C::Finess));
    for field in annuaire_workflow::fields::FIELDS_OF_FRANCE_CONNECT {
        assert!(BulkColumn::of_field(field).is_some(), "{field}");
    }
}
