//! The move from ADELI to RPPS numbers: a correspondence file line by line, and what a line may do (registration §16.6).
//!
//! A file is read as a whole or refused as a whole: a wrong number of columns means that it is another file. A line with a wrong
//! number, or that contradicts another one, is refused alone. Codes are those that consumers of the national file already know.

use crate::fields::{NumberOrigin, check_adeli, check_rpps};
use crate::rpps_number::idnps;
use std::collections::BTreeMap;
use std::fmt;

/// Header of a correspondence file.
pub const CORRESPONDENCE_HEADER: &str = "N° ADELI;N° RPPS";
/// Header of the report of a load, a line for each line of the file.
pub const REPORT_HEADER: &str = "original_Id;target_Id;code";
/// Status of an ADELI number: no longer given (registration §16.5).
pub const HISTORIC: &str = "HISTORIQUE";

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CorrespondenceCode {
    /// The number leads to the person from now on; of a reversal, no longer.
    Applied,
    /// Wrong number, or a number that leads to somebody else.
    Refused,
    /// It led there before.
    Known,
    /// Nobody has the RPPS number.
    TargetUnknown,
}

impl CorrespondenceCode {
    /// The code of the report.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Applied => 200,
            Self::Refused => 406,
            Self::Known => 409,
            Self::TargetUnknown => 410,
        }
    }
}

/// A line of a correspondence file that has two columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrespondenceLine {
    /// Number of the line, the header being 1.
    pub line: usize,
    /// First column, without white space around it.
    pub adeli: String,
    /// Second column, likewise.
    pub rpps: String,
    /// Whether numbers and the rest of the file let it be applied; the code of the report when they do not.
    pub verdict: Result<(), CorrespondenceCode>,
}

impl CorrespondenceLine {
    /// The ADELI number in its national form: `0` and the number.
    #[must_use]
    pub fn original_id(&self) -> String {
        format!("0{}", self.adeli)
    }

    /// The RPPS number in its national form.
    #[must_use]
    pub fn target_id(&self) -> String {
        idnps(&self.rpps)
    }

    /// The line of the report.
    #[must_use]
    pub fn reported(&self, code: CorrespondenceCode) -> String {
        format!("{};{};{}", self.original_id(), self.target_id(), code.number())
    }
}

/// Why a file is no correspondence file. Nothing of it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrespondenceFault {
    /// Number of the line, the header being 1.
    pub line: usize,
    /// Columns of the line.
    pub columns: usize,
    /// The beginning of the header; empty for another line, which may name somebody.
    pub read: String,
}

impl fmt::Display for CorrespondenceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, columns, read } = self;
        if *line == 1 {
            return write!(f, "line 1 is {read:?} and must be {CORRESPONDENCE_HEADER:?}: nothing of this file was applied");
        }
        write!(
            f,
            "line {line} has {columns} columns and must have 2, an ADELI and an RPPS number with a semicolon between them: nothing of \
             this file was applied"
        )
    }
}

impl std::error::Error for CorrespondenceFault {}

/// Characters of a wrong header that are told.
const HEADER_TOLD: usize = 80;

/// Reads a correspondence file. Empty lines are passed over; an end of line may be that of Windows.
///
/// # Errors
/// [`CorrespondenceFault`] for another header, or a line that does not have exactly two columns: the first one in the file.
pub fn read_correspondence(text: &str) -> Result<Vec<CorrespondenceLine>, CorrespondenceFault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = (1..).zip(text.split('\n').map(|line| line.trim_end_matches('\r')));
    let header = rows.next().map_or("", |(_, header)| header);
    if header != CORRESPONDENCE_HEADER {
        let read = header.chars().take(HEADER_TOLD).collect();
        return Err(CorrespondenceFault { line: 1, columns: header.split(';').count(), read });
    }
    let mut lines = Vec::new();
    for (line, row) in rows.filter(|(_, row)| !row.trim().is_empty()) {
        let Some((adeli, rpps)) = row.split_once(';').filter(|(_, rest)| !rest.contains(';')) else {
            return Err(CorrespondenceFault { line, columns: row.split(';').count(), read: String::new() });
        };
        lines.push(checked(line, adeli.trim(), rpps.trim()));
    }
    compare(&mut lines);
    Ok(lines)
}

/// A line whose numbers were looked at: V-ADELI gives the number no meaning, V-RPPS asks for the key.
fn checked(line: usize, adeli: &str, rpps: &str) -> CorrespondenceLine {
    let (known_adeli, known_rpps) = (check_adeli(adeli).0, check_rpps(rpps, NumberOrigin::Typed).0);
    let verdict = if known_adeli.is_some() && known_rpps.is_some() { Ok(()) } else { Err(CorrespondenceCode::Refused) };
    CorrespondenceLine {
        line,
        adeli: known_adeli.unwrap_or_else(|| adeli.to_owned()),
        rpps: known_rpps.unwrap_or_else(|| rpps.to_owned()),
        verdict,
    }
}

/// An ADELI number leads to one RPPS number: lines that say otherwise are all refused, and a repetition is known already.
fn compare(lines: &mut [CorrespondenceLine]) {
    let mut targets: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (position, line) in lines.iter().enumerate().filter(|(_, line)| line.verdict.is_ok()) {
        targets.entry(line.adeli.clone()).or_default().push(position);
    }
    for positions in targets.into_values() {
        let same = positions.windows(2).all(|two| lines[two[0]].rpps == lines[two[1]].rpps);
        if same {
            positions.iter().skip(1).for_each(|again| lines[*again].verdict = Err(CorrespondenceCode::Known));
        } else {
            positions.iter().for_each(|each| lines[*each].verdict = Err(CorrespondenceCode::Refused));
        }
    }
}

/// Which of the ADELI numbers of a person is the last known one, by their last days in ISO form: the only one, or the one that was in
/// use longest; `None` where the days do not tell.
#[must_use]
pub fn last_known(last_days: &[&str]) -> Option<usize> {
    if last_days.len() < 2 {
        return last_days.first().map(|_| 0);
    }
    let latest = last_days.iter().max()?;
    let mut those = last_days.iter().enumerate().filter(|(_, day)| *day == latest).map(|(position, _)| position);
    those.next().filter(|_| !latest.is_empty() && !last_days.contains(&"") && those.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use CorrespondenceCode::{Known, Refused};

    fn verdicts(rows: &str) -> Vec<Result<(), CorrespondenceCode>> {
        let text = format!("{CORRESPONDENCE_HEADER}\r\n{rows}");
        read_correspondence(&text).unwrap().into_iter().map(|line| line.verdict).collect()
    }

    #[test]
    fn a_file_of_another_shape_is_refused_as_a_whole_with_its_line() {
        let fault = |text: &str| read_correspondence(text).unwrap_err();
        assert_eq!(fault("").line, 1);
        assert_eq!(fault("N° ADELI;N° RPPS;Nom\n").columns, 3);
        assert!(fault("N° RPPS;N° ADELI\n").to_string().contains("N° RPPS;N° ADELI"));
        let three = fault("N° ADELI;N° RPPS\n991091018;10999000010\n\n997091020;10999000036;DUPONT\n");
        assert_eq!((three.line, three.columns), (4, 3));
        assert!(!three.to_string().contains("DUPONT"), "a line may name somebody");
        assert_eq!(fault("N° ADELI;N° RPPS\n991091018\n").columns, 1);
        assert_eq!(read_correspondence("\u{feff}N° ADELI;N° RPPS").unwrap(), []);
    }

    #[test]
    fn a_line_is_judged_by_its_numbers_and_by_the_other_lines() {
        assert_eq!(verdicts("991091018;10999000010\r\n2A2899983;10999000010\r\n"), [Ok(()), Ok(())], "two numbers of one person");
        assert_eq!(verdicts("991091019;10999000010"), [Ok(())], "V-ADELI asks for no key");
        assert_eq!(verdicts("991091018;10999000011\n99109101;10999000010\n;"), [Err(Refused); 3]);
        assert_eq!(verdicts("991091018;10999000010\n991091018;10999000010"), [Ok(()), Err(Known)]);
        assert_eq!(
            verdicts("991091018;10999000010\n997091020;10999000036\n991091018;10999000028"),
            [Err(Refused), Ok(()), Err(Refused)],
            "both lines of a contradiction"
        );
    }

    #[test]
    fn reports_have_national_forms_and_known_codes() {
        let text = format!("{CORRESPONDENCE_HEADER}\n 991091018 ; 10999000010 ");
        let lines = read_correspondence(&text).unwrap();
        assert_eq!(lines[0].reported(CorrespondenceCode::TargetUnknown), "0991091018;810999000010;410");
        assert_eq!(lines[0].reported(CorrespondenceCode::Applied), "0991091018;810999000010;200");
    }

    #[test]
    fn the_last_known_number_is_told_by_days_or_not_at_all() {
        assert_eq!(last_known(&[]), None);
        assert_eq!(last_known(&[""]), Some(0));
        assert_eq!(last_known(&["2019-05-01", "2024-06-03"]), Some(1));
        assert_eq!(last_known(&["2024-06-03", "2024-06-03"]), None);
        assert_eq!(last_known(&["", "2024-06-03"]), None);
    }
}
