//! The layout of one file: a format bound to its header. It reads and checks lines.

use super::fields::{LineFields, UNIT_SEPARATOR};
use super::split::split_semicolons;
use crate::formats::{LineKind, Separator, Slot, TextFormat};
use crate::limits;
use annuaire_base::date::PartialDate;
use annuaire_nos::Nos;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is wrong with a line: the header of the column, empty when it is none in particular, and the reason.
pub(crate) type LineError = (String, String);

/// A format bound to the header of one file.
pub(crate) struct Layout {
    pub(crate) format: &'static TextFormat,
    /// Slot and name of each field of a line.
    pub(crate) fields: Vec<(Slot, String)>,
    /// Headers in the file that the format does not know.
    pub(crate) extra: Vec<String>,
    /// Headers of the format that the file lacks; none of them is read.
    pub(crate) missing: Vec<String>,
    /// The header ends with a separator or a quote, and so does every line that is not cut.
    pub(crate) closed: bool,
}

impl Layout {
    /// Number of fields of a line.
    pub(crate) fn width(&self) -> usize {
        self.fields.len()
    }

    /// The layout of a section of a FINESS file, which has no header.
    pub(super) fn of_section(format: &'static TextFormat) -> Self {
        let fields = format.columns.iter().map(|(n, s)| (*s, n.clone())).collect();
        Self { format, fields, extra: Vec::new(), missing: Vec::new(), closed: false }
    }

    /// The fields of a line, checked. Unknown codes are counted in `codes`.
    ///
    /// # Errors
    /// Why the line is unreadable.
    pub(super) fn read_line<'a>(&self, line: &'a str, codes: &mut UnknownCodes) -> Result<LineFields<'a>, LineError> {
        let of_line = |reason: String| (String::new(), reason);
        if line.contains(['\0', UNIT_SEPARATOR]) {
            return Err(of_line("NUL bytes: the file is damaged here; download it again".into()));
        }
        let mut fields = LineFields::with_capacity(64);
        let mut put = |slot: Slot, field: Cow<'a, str>| {
            if slot != Slot::Ignore && !field.is_empty() {
                let field = match field {
                    Cow::Borrowed(f) => Cow::Borrowed(f.trim_end()),
                    Cow::Owned(f) => Cow::Owned(f.trim_end().to_owned()),
                };
                fields.put(slot as usize, field);
            }
        };
        match self.format.separator {
            Separator::Pipe => {
                let mut n = 0;
                for field in line.split('|') {
                    if let Some((slot, _)) = self.fields.get(n) {
                        put(*slot, Cow::Borrowed(field));
                    }
                    n += 1;
                }
                if n != self.width() {
                    return Err(of_line(format!("{} separators, the header has {}", n - 1, self.width() - 1)));
                }
            }
            Separator::Semicolon => {
                let split = split_semicolons(line, self.width())
                    .ok_or_else(|| of_line(format!("cannot be cut into {} fields", self.width())))?;
                self.fields.iter().zip(split).for_each(|((slot, _), field)| put(*slot, field));
            }
        }
        self.check(&fields)?;
        if fields.get(Slot::Structure).is_empty() && self.format.source == "monotable" {
            let id = former_structure_id(&fields);
            fields.put(Slot::Structure as usize, id.into());
        }
        for (slot, _) in &self.fields {
            let code = fields.get(*slot);
            if !code.is_empty()
                && let Some((table, false)) = look_up(*slot, code, &fields)
            {
                codes.count(table, shown(code), 1);
            }
        }
        Ok(fields)
    }

    fn header(&self, slot: Slot) -> String {
        self.fields.iter().find(|f| f.0 == slot).map(|f| f.1.clone()).unwrap_or_default()
    }

    fn check(&self, fields: &LineFields<'_>) -> Result<(), LineError> {
        let required: &[Slot] = match self.format.kind {
            LineKind::Mailbox => &[Slot::AdresseBal],
            LineKind::Card => &[Slot::IdNat, Slot::NumeroCarte],
            LineKind::Person => &[Slot::IdNat],
            LineKind::Structure if self.format.section == "structureej" => &[Slot::FinessEj],
            LineKind::Structure if self.fields.iter().any(|f| f.0 == Slot::Structure) => &[Slot::Structure],
            LineKind::Structure => &[Slot::Finess],
            LineKind::Activity if self.format.section == "equipementsocial" => &[Slot::Finess, Slot::Activite],
            LineKind::Activity => &[Slot::Activite],
            LineKind::Switch => &[Slot::Adeli, Slot::Rpps],
            LineKind::Ameli | LineKind::Ignored(_) => &[],
        };
        for slot in required {
            if fields.get(*slot).is_empty() {
                return Err((self.header(*slot), "is empty and identifies the line".into()));
            }
        }
        if matches!(self.format.kind, LineKind::Person | LineKind::Card)
            && fields.get(Slot::IdNat).strip_prefix(fields.get(Slot::TypeId)) != Some(fields.get(Slot::Numero))
        {
            return Err((self.header(Slot::IdNat), "is not the type followed by the number".into()));
        }
        let number = fields.get(Slot::Numero);
        if fields.get(Slot::TypeId) == "8" && !(number.len() == 11 && number.bytes().all(|b| b.is_ascii_digit())) {
            return Err((self.header(Slot::Numero), "is not an RPPS number, which has 11 digits".into()));
        }
        for slot in DATES {
            let value = fields.get(*slot);
            if !value.is_empty() && PartialDate::parse(value).is_none() {
                return Err((self.header(*slot), format!("{:?} is not a date", shown(value))));
            }
        }
        for slot in [Slot::Capacite, Slot::CapaciteHabilitee, Slot::CapaciteInstallee, Slot::CapaciteInstalleeHabilitee] {
            let value = fields.get(slot);
            if !value.is_empty() && value.parse::<u32>().is_err() {
                return Err((self.header(slot), format!("{:?} is not a number of places", shown(value))));
            }
        }
        Ok(())
    }
}

/// Codes that their terminology does not have, with the number of lines that use them. Beyond [`limits::UNKNOWN_CODES`]
/// different ones, the rest is counted together.
#[derive(Default)]
pub(super) struct UnknownCodes(BTreeMap<(&'static str, String), u64>);

impl UnknownCodes {
    fn count(&mut self, table: &'static str, code: &str, lines: u64) {
        let Self(codes) = self;
        let key = (table, code.to_owned());
        let full = codes.len() >= limits::UNKNOWN_CODES && !codes.contains_key(&key);
        *codes.entry(if full { ("other", "codes".to_owned()) } else { key }).or_default() += lines;
    }

    /// Adds the codes of other lines.
    pub(super) fn add(&mut self, other: Self) {
        for ((table, code), lines) in other.0 {
            self.count(table, &code, lines);
        }
    }

    /// Table and code in one text, with the number of lines.
    pub(super) fn by_name(self) -> BTreeMap<String, u64> {
        self.0.into_iter().map(|((table, code), n)| (format!("{table} {code}"), n)).collect()
    }
}

/// The beginning of a value, as long as a report repeats it.
fn shown(value: &str) -> &str {
    value.char_indices().nth(limits::SHOWN_CHARS).map_or(value, |(at, _)| &value[..at])
}

/// Technical id of the place of a line. The single-table archive has only the former national id: its type digit gives the
/// same technical id as today's files for FINESS and SIRET, and one of our own (`N`) for practices numbered by rank.
fn former_structure_id(fields: &LineFields<'_>) -> String {
    let id = fields.get(Slot::Structure);
    let former = fields.get(Slot::AncienId);
    match (id, former.split_at_checked(1)) {
        ("", Some(("1", finess))) => format!("F{finess}"),
        ("", Some(("3" | "0", number))) => format!("C{number}"),
        ("", Some((_, _))) if !fields.get(Slot::RaisonSociale).is_empty() => format!("N{former}"),
        _ => id.to_owned(),
    }
}

/// The table that a coded column draws from, and whether it has this code; `None` for other columns. For the code guard:
/// unknown codes are counted, and published as they are.
fn look_up(slot: Slot, code: &str, fields: &LineFields<'_>) -> Option<(&'static str, bool)> {
    let nos = Nos::embedded();
    let plain = |table: &'static str| (table, nos.table(table).is_some_and(|t| t.get(code).is_some()));
    Some(match slot {
        Slot::Profession => ("profession", nos.profession(code).is_some()),
        Slot::Categorie => plain("TRE_R09"),
        Slot::SavoirFaire => ("savoir-faire", nos.savoir_faire(fields.get(Slot::TypeSavoirFaire), code).is_some()),
        Slot::TypeSavoirFaire => plain("TRE_R04"),
        Slot::ModeExercice => plain("TRE_R23"),
        Slot::Secteur => plain("TRE_R02"),
        Slot::Section => plain("TRE_R06"),
        Slot::SousSection => plain("TRE_G05"),
        Slot::Role => ("fonction", nos.fonction(code).is_some()),
        Slot::Genre => plain("TRE_R22"),
        Slot::Diplome => ("diplôme", nos.diplome(fields.get(Slot::TypeDiplome), code).is_some()),
        Slot::TypeDiplome => plain("TRE_R14"),
        Slot::TypeAutorisation => plain("TRE_R17"),
        Slot::Discipline => plain("TRE_R18"),
        Slot::TypeBal => plain("TRE_R257"),
        Slot::TypeVoie => plain("TRE_R35"),
        Slot::CategorieEtablissement => plain("TRE_R66"),
        Slot::StatutJuridique => plain("TRE_R72"),
        Slot::Ordre => plain("TRE_R60"),
        Slot::Attribution => plain("TRE_R03"),
        _ => return None,
    })
}

/// Slots that hold dates.
const DATES: &[Slot] = &[
    Slot::DateDebut,
    Slot::DateFin,
    Slot::DateOpposition,
    Slot::DateMaj,
    Slot::DateNaissance,
    Slot::DateDeces,
    Slot::DateAutorisation,
    Slot::DateMeo,
    Slot::DateRevocation,
];
