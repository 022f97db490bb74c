//! Delta files: the lines that a file lost and those that it gained.
//!
//! UTF-8, LF. The first line is `Opération`, the separator of the file, and the first line of the newer file. Each line after it is `-` or `+`,
//! the separator, and a complete line of the file: cut off the first field and the line is there as it was or is. A line that
//! changed is removed and added. A line that occurs twice is removed or added twice. Lines stand in the order of the file
//! (by the columns that identify what a line is about, then by the line, compared byte by byte), those of equal columns with the removed
//! ones first.
//!
//! For who keeps a table: `-` deletes one row that equals the line, `+` inserts one. For who keeps the file: [`apply`].

use crate::compare::Operation;
use crate::error::{Error, io};
use crate::order::LineOrder;
use std::io::{BufRead, Write};

/// First field of the first line of a delta.
pub(crate) const OPERATION: &str = "Opération";

/// The first line of the delta to a file with this first line.
pub(crate) fn first_line(header: &str, separator: char) -> String {
    format!("{OPERATION}{separator}{header}")
}

/// Writes a line of a delta.
pub(crate) fn write_line(out: &mut dyn Write, operation: Operation, separator: char, line: &[u8]) -> std::io::Result<()> {
    write!(out, "{}{separator}", operation.sign())?;
    out.write_all(line)?;
    out.write_all(b"\n")
}

/// Applies a delta: reads the older file and writes the newer one, byte by byte as it was made. `format` is the name of the
/// format, `PS_LibreAcces_Personne_activite`. Cost: one pass over both; memory: the lines of one key.
///
/// # Errors
/// When the delta is not one of this file: it removes a line that is not there, or the older file is not in the order of an
/// extraction, so that nobody knows where an added line goes.
pub fn apply(format: &str, old: &mut dyn BufRead, delta: &mut dyn BufRead, out: &mut dyn Write) -> Result<(), Error> {
    let mut old = Lines::new(old, "the older file");
    let mut delta = Lines::new(delta, "the delta");
    let header = old.next()?.unwrap_or_default();
    let separator = if header.contains('|') { '|' } else { ';' };
    let first = delta.next()?.unwrap_or_default();
    let Some(new_header) = first.strip_prefix(OPERATION).and_then(|f| f.strip_prefix(separator)) else {
        return Err(refused(format!("line 1 of the delta is not {OPERATION:?} and the header of the file")));
    };
    let order = LineOrder::of_header(format, &header);
    let key = |line: &str| {
        let mut key = Vec::new();
        order.key(line, &mut key);
        key
    };
    let write = io("the newer file");
    writeln!(out, "{new_header}").map_err(&write)?;
    let mut change = next_change(&mut delta, separator)?;
    let mut line = old.next()?;
    let mut before: Option<(Vec<u8>, String)> = None;
    loop {
        let of_line = line.as_ref().map(|l| key(l));
        let of_change = change.as_ref().map(|(_, l)| key(l));
        let group = match (&of_line, &of_change) {
            (None, None) => break,
            (Some(l), Some(c)) => l.min(c).clone(),
            (Some(only), None) | (None, Some(only)) => only.clone(),
        };
        let mut lines = Vec::new();
        while let Some(one) = line.take_if(|l| key(l) == group) {
            check_order(&mut before, &group, &one)?;
            lines.push(one);
            line = old.next()?;
        }
        while let Some((operation, one)) = change.take_if(|(_, l)| key(l) == group) {
            match operation {
                Operation::Added => lines.push(one),
                Operation::Removed => match lines.iter().position(|l| *l == one) {
                    Some(at) => _ = lines.remove(at),
                    None => {
                        let line = delta.number;
                        return Err(refused(format!(
                            "line {line} of the delta removes a line that the older file does not have: it is the delta of another file"
                        )));
                    }
                },
            }
            change = next_change(&mut delta, separator)?;
        }
        lines.sort();
        for one in lines {
            writeln!(out, "{one}").map_err(&write)?;
        }
    }
    Ok(())
}

fn refused(reason: String) -> Error {
    Error::Refused(reason)
}

/// Refuses lines that are not in the order of an extraction.
fn check_order(before: &mut Option<(Vec<u8>, String)>, key: &[u8], line: &str) -> Result<(), Error> {
    let now = (key.to_vec(), line.to_owned());
    if before.as_ref().is_some_and(|before| *before > now) {
        return Err(refused(
            "the older file is not in the order of an extraction of annuaire: apply the delta to a table of its lines, where `-` \
             deletes one and `+` inserts one"
                .into(),
        ));
    }
    *before = Some(now);
    Ok(())
}

fn next_change(delta: &mut Lines<'_>, separator: char) -> Result<Option<(Operation, String)>, Error> {
    let Some(line) = delta.next()? else { return Ok(None) };
    for operation in [Operation::Removed, Operation::Added] {
        if let Some(line) = line.strip_prefix(operation.sign()).and_then(|l| l.strip_prefix(separator)) {
            return Ok(Some((operation, line.to_owned())));
        }
    }
    Err(refused(format!("line {} of the delta begins neither with - nor with +", delta.number)))
}

/// Lines of a text, counted.
struct Lines<'a> {
    reader: &'a mut dyn BufRead,
    what: &'static str,
    number: u64,
}

impl<'a> Lines<'a> {
    fn new(reader: &'a mut dyn BufRead, what: &'static str) -> Self {
        Self { reader, what, number: 0 }
    }

    fn next(&mut self) -> Result<Option<String>, Error> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line).map_err(io(self.what))?;
        self.number += 1;
        if line.ends_with('\n') {
            line.pop();
        } else if read > 0 {
            return Err(refused(format!("line {} of {} has no end: it is cut", self.number, self.what)));
        }
        Ok((read > 0).then_some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Numéro carte|Identification nationale PP|";

    fn applied(old: &str, delta: &str) -> Result<String, String> {
        let mut out = Vec::new();
        apply("Porteurs_CPS_CPF", &mut old.as_bytes(), &mut delta.as_bytes(), &mut out).map_err(|e| e.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn changes_take_their_places() {
        let old = format!("{HEADER}\n1|80|\n1|80|\n2|81|\n4|82|\n");
        let delta = format!("Opération|{HEADER}\n+|9|79|\n-|1|80|\n-|2|81|\n+|2|81|x\n+|5|83|\n");
        assert_eq!(applied(&old, &delta).unwrap(), format!("{HEADER}\n9|79|\n1|80|\n2|81|x\n4|82|\n5|83|\n"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let old = format!("{HEADER}\n1|80|\n2|81|\n");
        for (old, delta, why) in [
            (old.clone(), format!("Opération|{HEADER}\n-|3|80|\n"), "delta of another file"),
            (old.clone(), format!("{HEADER}\n"), "line 1 of the delta"),
            (old.clone(), format!("Opération|{HEADER}\n*|3|80|\n"), "neither with - nor with +"),
            (old.clone(), format!("Opération|{HEADER}\n-|1|80|"), "has no end"),
            (format!("{HEADER}\n2|81|\n1|80|\n"), format!("Opération|{HEADER}\n"), "not in the order"),
        ] {
            let found = applied(&old, &delta).unwrap_err();
            assert!(found.contains(why), "{why}: {found}");
        }
    }
}
