//! Lines of CSV files that people open in a spreadsheet.

/// A line with `;` between its cells. A cell that a spreadsheet would take for a formula is led by an apostrophe.
pub(crate) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let cell = |text: &str| {
        let text = text.replace('\u{a0}', " ");
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        if text.contains([';', '"', '\n', '\r']) {
            format!("\"{guard}{}\"", text.replace('"', "\"\""))
        } else {
            format!("{guard}{text}")
        }
    };
    let mut out = cells.into_iter().map(cell).collect::<Vec<_>>().join(";");
    out.push_str("\r\n");
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cell_is_text_and_never_a_formula() {
        assert_eq!(super::line(["a;b", "=1+1", "dit \"oui\"", ""]), "\"a;b\";'=1+1;\"dit \"\"oui\"\"\";\r\n");
    }
}
