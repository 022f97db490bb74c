//! Lines of text formats: decoding, splitting, checks, and the pieces that they say of entities.

use crate::formats::{Kind, SLOTS, Separator, Slot};
use crate::recognise::Layout;
use annuaire_base::date::PartialDate;
use annuaire_nos::Nos;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Separates the members of a piece; no field of these formats can hold it.
const US: char = '\u{1f}';

/// Takes an entity and a piece.
type Say<'a, E> = &'a mut dyn FnMut(&str, &[u8]) -> Result<(), E>;

/// What is wrong with a line: the column, empty for the whole line, and the reason.
pub(crate) type Fault = (String, String);

/// The fields of one line by meaning. A line has some thirty fields of the hundred and twenty that are known: a byte for each
/// says where it is.
pub(crate) struct Row<'a> {
    at: [u8; SLOTS],
    fields: Vec<Cow<'a, str>>,
}

/// A set of slots.
type Slots = [bool; SLOTS];

const ALL: &Slots = &[true; SLOTS];

/// `base` with the slots of `list` set to `is`.
const fn slots(mut base: Slots, list: &[Slot], is: bool) -> Slots {
    let mut i = 0;
    while i < list.len() {
        base[list[i] as usize] = is;
        i += 1;
    }
    base
}

const fn only(list: &[Slot]) -> Slots {
    slots([false; SLOTS], list, true)
}

impl<'a> Row<'a> {
    fn new() -> Self {
        Self { at: [0; SLOTS], fields: Vec::with_capacity(64) }
    }

    pub(crate) fn get(&self, slot: Slot) -> &str {
        self.nth(slot as usize)
    }

    fn nth(&self, slot: usize) -> &str {
        // Zero is one before the first, and nowhere.
        self.fields.get(usize::from(self.at[slot]).wrapping_sub(1)).map_or("", |f| f)
    }

    /// Sets a field; said twice, the last word stands.
    fn set(&mut self, slot: usize, value: Cow<'a, str>) {
        let Some(at) = self.at.get_mut(slot) else { return };
        match self.fields.get_mut(usize::from(*at).wrapping_sub(1)) {
            Some(field) => *field = value,
            None => {
                self.fields.push(value);
                // There are no more fields than slots.
                *at = u8::try_from(self.fields.len()).unwrap_or(0);
            }
        }
    }

    /// The non-empty fields of `keep`, marked, as stored in a piece.
    fn piece(&self, keep: &Slots) -> String {
        let mut out = String::with_capacity(256);
        for (slot, keep) in keep.iter().enumerate() {
            let value = self.nth(slot);
            if *keep && !value.is_empty() {
                out.push(mark(slot as u32));
                out.push_str(value);
                out.push(US);
            }
        }
        out
    }
}

/// Bytes to text: UTF-8 when valid, Windows-1252 otherwise (source-files §1).
pub(crate) fn decode(line: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(line) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => line.iter().map(|b| windows_1252(*b)).collect::<String>().into(),
    }
}

fn windows_1252(b: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’', '“',
        '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match b {
        0x80..=0x9f => HIGH[usize::from(b - 0x80)],
        b => char::from(b),
    }
}

/// Splits a semicolon line into `width` fields. A quoted field may hold `;` and doubled quotes. Delivered files also hold
/// bare quotes and separators (source-files §5): when the strict reading does not give the expected number of fields, the
/// line is read again on the sequence `";"`, which such a field does not contain. `None` when both fail.
fn semicolons(line: &str, width: usize) -> Option<Vec<Cow<'_, str>>> {
    if let Some(fields) = strict(line).and_then(|f| fitted(f, width)) {
        return Some(fields);
    }
    let inner = line.trim_end_matches(';').strip_prefix('"')?.strip_suffix('"')?;
    let unquoted = |f| if str::contains(f, "\"\"") { f.replace("\"\"", "\"").into() } else { Cow::Borrowed(f) };
    fitted(inner.split("\";\"").map(unquoted).collect(), width)
}

/// The line can be cut into exactly the fields of its format, quotes included.
pub(crate) fn is_whole(line: &str, layout: &Layout) -> bool {
    strict(line).and_then(|f| fitted(f, layout.width())).is_some()
}

/// Number of fields of a line, as well as they can be told.
pub(crate) fn fields(line: &str, layout: &Layout) -> usize {
    match layout.format.separator {
        Separator::Pipe => line.split('|').count(),
        // An open quote hides the separators after it: the plain count is then the better one.
        Separator::Semicolon => strict(line).map_or_else(|| line.split(';').count(), |f| f.len()),
    }
}

/// The fields when their number is right; a closing separator is one empty field too many.
fn fitted(mut fields: Vec<Cow<'_, str>>, width: usize) -> Option<Vec<Cow<'_, str>>> {
    if fields.len() == width + 1 && fields.last().is_some_and(|f| f.is_empty()) {
        fields.pop();
    }
    (fields.len() == width).then_some(fields)
}

fn strict(line: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (field, tail) = rest.split_once(';').map_or((rest, None), |(f, t)| (f, Some(t)));
            fields.push(Cow::Borrowed(field));
            match tail {
                Some(t) => rest = t,
                None => return Some(fields),
            }
            continue;
        };
        let mut from = 0;
        let end = loop {
            let at = from + quoted.get(from..)?.find('"')?;
            if quoted[at + 1..].starts_with('"') {
                from = at + 2;
            } else {
                break at;
            }
        };
        let field = &quoted[..end];
        fields.push(if field.contains('"') { field.replace("\"\"", "\"").into() } else { Cow::Borrowed(field) });
        match quoted[end + 1..].chars().next() {
            None => return Some(fields),
            Some(';') => rest = &quoted[end + 2..],
            Some(_) => return None,
        }
    }
}

/// Tables that coded columns draw from, for the code guard: unknown codes are counted, kept and published.
fn known(slot: Slot, code: &str, row: &Row<'_>) -> Option<(&'static str, bool)> {
    let nos = Nos::embedded();
    let plain = |table: &'static str| (table, nos.table(table).is_some_and(|t| t.get(code).is_some()));
    Some(match slot {
        Slot::Profession => ("profession", nos.profession(code).is_some()),
        Slot::Categorie => plain("TRE_R09"),
        Slot::SavoirFaire => ("savoir-faire", nos.savoir_faire(row.get(Slot::TypeSavoirFaire), code).is_some()),
        Slot::TypeSavoirFaire => plain("TRE_R04"),
        Slot::ModeExercice => plain("TRE_R23"),
        Slot::Secteur => plain("TRE_R02"),
        Slot::Section => plain("TRE_R06"),
        Slot::SousSection => plain("TRE_G05"),
        Slot::Role => ("fonction", nos.fonction(code).is_some()),
        Slot::Genre => plain("TRE_R22"),
        Slot::Diplome => ("diplôme", nos.diplome(row.get(Slot::TypeDiplome), code).is_some()),
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

impl Layout {
    /// The fields of a line, checked. Unknown codes are counted in `codes`, by table and code.
    pub(crate) fn row<'a>(&self, line: &'a str, codes: &mut BTreeMap<(&'static str, String), u64>) -> Result<Row<'a>, Fault> {
        let whole = |reason: String| (String::new(), reason);
        if line.contains(US) {
            return Err(whole("control character U+001F".into()));
        }
        let mut row = Row::new();
        let mut put = |slot: Slot, field: Cow<'a, str>| {
            if slot != Slot::Ignore && !field.is_empty() {
                let field = match field {
                    Cow::Borrowed(f) => Cow::Borrowed(f.trim_end()),
                    Cow::Owned(f) => Cow::Owned(f.trim_end().to_owned()),
                };
                row.set(slot as usize, field);
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
                    return Err(whole(format!("{} separators, the header has {}", n - 1, self.width() - 1)));
                }
            }
            Separator::Semicolon => {
                let fields =
                    semicolons(line, self.width()).ok_or_else(|| whole(format!("cannot be cut into {} fields", self.width())))?;
                self.fields.iter().zip(fields).for_each(|((slot, _), field)| put(*slot, field));
            }
        }
        self.check(&row)?;
        if row.get(Slot::Structure).is_empty() && self.format.source == "monotable" {
            let id = structure_of(&row);
            row.set(Slot::Structure as usize, id.into());
        }
        for (slot, _) in &self.fields {
            let code = row.get(*slot);
            if !code.is_empty()
                && let Some((table, false)) = known(*slot, code, &row)
            {
                *codes.entry((table, code.to_owned())).or_default() += 1;
            }
        }
        Ok(row)
    }

    fn name(&self, slot: Slot) -> String {
        self.fields.iter().find(|f| f.0 == slot).map(|f| f.1.clone()).unwrap_or_default()
    }

    fn check(&self, row: &Row<'_>) -> Result<(), Fault> {
        let required: &[Slot] = match self.format.kind {
            Kind::Mailbox => &[Slot::AdresseBal],
            Kind::Card => &[Slot::IdNat, Slot::NumeroCarte],
            Kind::Person => &[Slot::IdNat],
            Kind::Structure if self.format.section == "structureej" => &[Slot::FinessEj],
            Kind::Structure if self.fields.iter().any(|f| f.0 == Slot::Structure) => &[Slot::Structure],
            Kind::Structure => &[Slot::Finess],
            Kind::Activity if self.format.section == "equipementsocial" => &[Slot::Finess, Slot::Activite],
            Kind::Activity => &[Slot::Activite],
            Kind::Switch => &[Slot::Adeli, Slot::Rpps],
            Kind::Ameli | Kind::Ignored(_) => &[],
        };
        for slot in required {
            if row.get(*slot).is_empty() {
                return Err((self.name(*slot), "is empty and identifies the line".into()));
            }
        }
        if matches!(self.format.kind, Kind::Person | Kind::Card)
            && row.get(Slot::IdNat).strip_prefix(row.get(Slot::TypeId)) != Some(row.get(Slot::Numero))
        {
            return Err((self.name(Slot::IdNat), "is not the type followed by the number".into()));
        }
        for slot in DATES {
            let value = row.get(*slot);
            if !value.is_empty() && PartialDate::parse(value).is_none() {
                return Err((self.name(*slot), format!("{value:?} is not a date")));
            }
        }
        for slot in [Slot::Capacite, Slot::CapaciteHabilitee, Slot::CapaciteInstallee, Slot::CapaciteInstalleeHabilitee] {
            let value = row.get(slot);
            if !value.is_empty() && value.parse::<u32>().is_err() {
                return Err((self.name(slot), format!("{value:?} is not a number of places")));
            }
        }
        Ok(())
    }

    /// What a line says, as (entity, piece), handed to `out`. A piece holds the non-empty fields that matter for that entity.
    pub(crate) fn pieces<E>(&self, row: &Row<'_>, out: Say<'_, E>) -> Result<(), E> {
        const NUMBERS: &Slots = &only(&[Slot::Finess, Slot::FinessEj]);
        const ITS_KEY: &Slots = &only(ACTIVITY_KEY);
        const ITS_PLACE: &Slots = &slots(only(PLACE), &[Slot::Autorite, Slot::Secteur], true);
        const NOT_PLACE: &Slots = &slots(*ALL, PLACE, false);
        let mut say = |entity: &str, keep: &Slots| out(entity, row.piece(keep).as_bytes());
        let person = || format!("PP:{}", row.get(Slot::IdNat));
        match self.format.kind {
            Kind::Ignored(_) => Ok(()),
            Kind::Card => say(&person(), ALL),
            Kind::Switch => say(&format!("PP:8{}", row.get(Slot::Rpps)), ALL),
            Kind::Ameli => {
                let piece = row.piece(ALL);
                out(&format!("AM:{:016x}", xxhash_rust::xxh3::xxh3_64(piece.as_bytes())), piece.as_bytes())
            }
            Kind::Mailbox => {
                let (kind, number) = (row.get(Slot::TypeStructure), row.get(Slot::NumeroStructure));
                let holder = if !row.get(Slot::IdNat).is_empty() && row.get(Slot::TypeBal) != "ORG" {
                    person()
                } else if kind == "1" {
                    format!("ST:F{}", number.strip_prefix('1').filter(|n| n.len() == 9).unwrap_or(number))
                } else {
                    // The open files do not tie this number to a technical id: publication finds it when it can.
                    format!("NS:{}", if number.is_empty() { row.get(Slot::AdresseBal) } else { number })
                };
                say(&holder, ALL)
            }
            Kind::Activity => {
                // These files give no key to an activity: its place, its codes and its authorisation stand in.
                let key = xxhash_rust::xxh3::xxh3_64(row.piece(ITS_KEY).as_bytes());
                say(&format!("AC:{}-{key:016x}", self.format.section), ALL)?;
                // The places exist even when the files of structures are not imported: no reference may dangle.
                if !row.get(Slot::Finess).is_empty() {
                    say(&format!("ST:F{}", row.get(Slot::Finess)), NUMBERS)?;
                }
                legal_body(row, &mut say)
            }
            Kind::Structure => {
                let id = match (row.get(Slot::Structure), row.get(Slot::Finess)) {
                    ("", "") => format!("ST:F{}", row.get(Slot::FinessEj)),
                    ("", finess) => format!("ST:F{finess}"),
                    (id, _) => format!("ST:{id}"),
                };
                say(&id, ALL)?;
                if matches!(self.format.source, "finess-eg" | "finess-soc") { legal_body(row, &mut say) } else { Ok(()) }
            }
            Kind::Person => {
                let place = self.fields.iter().any(|f| f.0 == Slot::RaisonSociale);
                say(&person(), if place { NOT_PLACE } else { ALL })?;
                let id = row.get(Slot::Structure);
                if place && !id.is_empty() {
                    say(&format!("ST:{id}"), ITS_PLACE)?;
                    legal_body(row, &mut say)?;
                }
                Ok(())
            }
        }
    }
}

/// A legal entity that a line names by number only.
fn legal_body<E>(row: &Row<'_>, say: &mut dyn FnMut(&str, &Slots) -> Result<(), E>) -> Result<(), E> {
    let ej = row.get(Slot::FinessEj);
    if ej.is_empty() { Ok(()) } else { say(&format!("ST:F{ej}"), &const { only(&[Slot::FinessEj]) }) }
}

/// Technical id of the place of a line. The single-table archive has only the former national id: its type digit gives the
/// same technical id as today's files for FINESS and SIRET, and one of our own (`N`) for practices numbered by rank.
fn structure_of(row: &Row<'_>) -> String {
    let id = row.get(Slot::Structure);
    let former = row.get(Slot::AncienId);
    match (id, former.split_at_checked(1)) {
        ("", Some(("1", finess))) => format!("F{finess}"),
        ("", Some(("3" | "0", number))) => format!("C{number}"),
        ("", Some((_, _))) if !row.get(Slot::RaisonSociale).is_empty() => format!("N{former}"),
        _ => id.to_owned(),
    }
}

/// Slots of a person's line that describe the place and not the person.
const PLACE: &[Slot] = &[
    Slot::Siret,
    Slot::Siren,
    Slot::Finess,
    Slot::FinessEj,
    Slot::RaisonSociale,
    Slot::Enseigne,
    Slot::PointRemise,
    Slot::ComplementGeo,
    Slot::NumeroVoie,
    Slot::Extension,
    Slot::TypeVoie,
    Slot::LibelleVoie,
    Slot::MentionDistribution,
    Slot::BureauCedex,
    Slot::CodePostal,
    Slot::Commune,
    Slot::LibelleCommune,
    Slot::Pays,
    Slot::Telephone,
    Slot::Telephone2,
    Slot::Telecopie,
    Slot::Courriel,
    Slot::AncienId,
];

/// What identifies an activity of the legacy FINESS files.
const ACTIVITY_KEY: &[Slot] = &[
    Slot::FinessEj,
    Slot::Finess,
    Slot::Activite,
    Slot::Modalite,
    Slot::Forme,
    Slot::Public,
    Slot::NumAutorisation,
    Slot::NumAutorisationArhgos,
];

/// One character for a slot, above the control characters.
fn mark(slot: u32) -> char {
    char::from_u32(0x100 + slot).unwrap_or_default()
}

/// Reads a piece back.
pub(crate) fn unpack(piece: &[u8]) -> Row<'_> {
    let mut row = Row::new();
    for part in str::from_utf8(piece).unwrap_or_default().split(US) {
        let mut chars = part.chars();
        if let Some(slot) = chars.next() {
            row.set((slot as usize).wrapping_sub(0x100), Cow::Borrowed(chars.as_str()));
        }
    }
    row
}
