//! Workbooks made part by part: what spreadsheets write, and what no spreadsheet would.
#![allow(clippy::unwrap_used)]

use annuaire_sheets::limits::LINES_MAX;
use annuaire_sheets::{SheetError, read_sheet};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

fn zipped(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn ods(tables: &str) -> Vec<u8> {
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content><office:body><office:spreadsheet>{tables}\
         </office:spreadsheet></office:body></office:document-content>"
    );
    zipped(&[("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", &content)])
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// An XLSX file with two sheets; the second has the lines.
fn xlsx(rows: &str) -> Vec<u8> {
    let package = "http://schemas.openxmlformats.org/package/2006";
    let types = format!("<Types xmlns=\"{package}/content-types\"/>");
    let relation = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = format!(
        "<Relationships xmlns=\"{package}/relationships\">{}{}{}{}</Relationships>",
        relation("r1", "worksheet", "worksheets/sheet1.xml"),
        relation("r2", "worksheet", "worksheets/sheet2.xml"),
        relation("r3", "sharedStrings", "sharedStrings.xml"),
        relation("r4", "styles", "styles.xml"),
    );
    let book = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"Notes\" sheetId=\"1\" r:id=\"r1\"/>\
         <sheet name=\"Liste\" sheetId=\"2\" r:id=\"r2\"/></sheets></workbook>"
    );
    let strings = format!("<sst xmlns=\"{MAIN}\"><si><t>nom</t></si><si><t>date</t></si><si><t>Été &amp; fils</t></si></sst>");
    let styles =
        format!("<styleSheet xmlns=\"{MAIN}\"><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>");
    let sheet = |rows: &str| format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
    let notes = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>À lire</t></is></c></row>";
    zipped(&[
        ("[Content_Types].xml", &types),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/workbook.xml", &book),
        ("xl/sharedStrings.xml", &strings),
        ("xl/styles.xml", &styles),
        ("xl/worksheets/sheet1.xml", &sheet(notes)),
        ("xl/worksheets/sheet2.xml", &sheet(rows)),
    ])
}

const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c></row>";

fn is_header(row: &[String]) -> bool {
    row.first().is_some_and(|cell| cell == "nom")
}

#[test]
fn the_sheet_with_the_header_is_read_with_dates_numbers_and_formulas_as_text() {
    let rows = format!(
        "{HEADER}<row r=\"3\"><c r=\"A3\" t=\"s\"><v>2</v></c><c r=\"B3\" s=\"1\"><v>46328</v></c><c r=\"C3\"><v>99900000300015</v></c>\
         <c r=\"D3\"><f>1+1</f><v>2</v></c><c r=\"E3\"><v>1.5</v></c><c r=\"F3\" t=\"str\"><f>A1</f><v>calcul</v></c></row>"
    );
    let read = read_sheet(&xlsx(&rows), is_header).unwrap();
    let line = vec!["Été & fils", "2026-11-02", "99900000300015", "2", "1.5", "calcul"];
    assert_eq!(read, [vec!["nom", "date"], vec![], line]);
}

#[test]
fn a_workbook_without_the_header_or_with_an_error_in_a_cell_says_so() {
    let none = xlsx("<row r=\"1\"><c r=\"A1\" t=\"s\"><v>1</v></c></row>");
    assert_eq!(read_sheet(&none, is_header), Err(SheetError::NoHeader));
    let wrong = xlsx(&format!("{HEADER}<row r=\"2\"><c r=\"B2\" t=\"e\"><v>#REF!</v></c></row>"));
    let formula = SheetError::Formula { line: 2, column: "B".into(), text: "#REF!".into() };
    assert_eq!(read_sheet(&wrong, is_header), Err(formula));
    let far = xlsx(&format!("{HEADER}<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>"));
    assert_eq!(read_sheet(&far, is_header), Err(SheetError::TooManyLines), "what a sheet claims costs nothing");
}

#[test]
fn an_ods_file_is_read_as_its_spreadsheet_shows_it() {
    let tables = "<table:table><table:table-row><table:table-cell><text:p>À lire</text:p></table:table-cell></table:table-row></table:table>\
        <table:table><table:table-row><table:table-cell office:value-type=\"string\"><text:p>nom</text:p></table:table-cell>\
        <table:table-cell office:value-type=\"string\"><text:p>date</text:p></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated=\"2\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
        <table:table-row><table:table-cell office:value-type=\"string\"><office:annotation><text:p>remarque</text:p></office:annotation>\
        <text:p>Été &amp; <text:span>fils</text:span></text:p></table:table-cell>\
        <table:table-cell office:value-type=\"date\" office:date-value=\"2026-11-02\"><text:p>02/11/26</text:p></table:table-cell>\
        <table:table-cell/><table:table-cell table:number-columns-repeated=\"2\" office:value-type=\"float\" office:value=\"99900000300015\">\
        <text:p>9,99E+13</text:p></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated=\"1048570\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
        </table:table>";
    let line = vec!["Été & fils", "2026-11-02", "", "99900000300015", "99900000300015"];
    assert_eq!(read_sheet(&ods(tables), is_header).unwrap(), [vec!["nom", "date"], vec![], vec![], line]);
}

#[test]
fn what_grows_without_end_is_refused_before_it_is_made() {
    let header = "<table:table-row><table:table-cell><text:p>nom</text:p></table:table-cell></table:table-row>";
    let cell = |times: &str, text: &str| format!("<table:table-cell{times}><text:p>{text}</text:p></table:table-cell>");
    let table = |row: &str| ods(&format!("<table:table>{header}{row}</table:table>"));
    let rows = format!("<table:table-row table:number-rows-repeated=\"1000000\">{}</table:table-row>", cell("", "x"));
    assert_eq!(read_sheet(&table(&rows), is_header), Err(SheetError::TooManyLines));
    let wide = cell(" table:number-columns-repeated=\"16384\"", "x");
    let wide = read_sheet(&table(&format!("<table:table-row>{wide}</table:table-row>")), is_header);
    assert_eq!(wide, Err(SheetError::TooManyColumns { line: 2 }));
    let block = cell(" table:number-columns-repeated=\"100\"", &"x".repeat(900));
    let block = format!("<table:table-row table:number-rows-repeated=\"{LINES_MAX}\">{block}</table:table-row>");
    assert_eq!(read_sheet(&table(&block), is_header), Err(SheetError::TooMuchText));
    let bomb = zipped(&[("content.xml", &" ".repeat(97 << 20))]);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(read_sheet(&bomb, is_header), Err(SheetError::Inflated));
    let entities = zipped(&[("content.xml", "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>")]);
    assert!(matches!(read_sheet(&entities, is_header), Err(SheetError::Damaged { .. })));
}

#[test]
fn other_files_are_told_what_to_do() {
    assert_eq!(read_sheet(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1], is_header), Err(SheetError::FormerFormat));
    assert_eq!(read_sheet(&zipped(&[("a.txt", "x")]), is_header), Err(SheetError::NotASheet));
    assert_eq!(read_sheet(b"\n \n", is_header), Err(SheetError::Empty));
    let whole = xlsx(HEADER);
    for cut in 0..whole.len() {
        // Whatever is left of a file: no panic, and no rows of half a file.
        assert!(read_sheet(&whole[..cut], is_header).is_err() || cut < 4, "{cut}");
    }
}
