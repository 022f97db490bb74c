//! A line of the file as drafts of the form.

use super::columns::{BulkAction, BulkColumn, BulkVerification, ColumnNeed};
use super::header::BulkHeader;
use crate::day::{french, parse_french, parse_iso};
use crate::fields::{CivilDraft, ClosingDraft, ContactDraft, FieldContext, NumberOrigin, SituationDraft, check_rpps};
use crate::limits::REFERENCE_MAX;
use crate::messages::MessageCode;
use crate::norm::norm;

/// INSEE code of France.
const FRANCE: &str = "99100";

/// What is said of a line, in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkFinding {
    /// The column.
    pub column: BulkColumn,
    /// The stable code; it tells whether it blocks.
    pub code: MessageCode,
    /// The French text, complete.
    pub text: String,
}

/// A line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkLine {
    /// Reference of the software of the employer; empty when it gives none.
    pub reference: String,
    /// What it asks for.
    pub action: BulkAction,
    /// RPPS number; empty when none is given.
    pub rpps: String,
    /// The first section, for `CREER`.
    pub civil: CivilDraft,
    /// The second section, for `CREER`.
    pub contact: ContactDraft,
    /// The third section. Blank fields of a `MODIFIER` stay as they are.
    pub situation: SituationDraft,
    /// The end, for `FERMER`.
    pub closing: ClosingDraft,
    /// How the identity was verified; `None` when the line does not say it.
    pub verification: Option<BulkVerification>,
    /// What this module found. The checks of the form come on top.
    pub findings: Vec<BulkFinding>,
}

impl BulkLine {
    /// The column in which a remark on a field of the form is told: where the line says it.
    #[must_use]
    pub fn column_of(&self, field: &str, header: &BulkHeader, cells: &[String]) -> Option<BulkColumn> {
        let filled = |column: BulkColumn| !header.cell(cells, column).is_empty();
        let column = BulkColumn::of_field(field)?;
        Some(match column {
            BulkColumn::Finess if !filled(BulkColumn::Finess) && filled(BulkColumn::Siret) => BulkColumn::Siret,
            BulkColumn::BirthCommune if filled(BulkColumn::BirthCommuneCode) => BulkColumn::BirthCommuneCode,
            column => column,
        })
    }
}

/// A line being read.
struct LineReading<'a> {
    header: &'a BulkHeader,
    cells: &'a [String],
    findings: Vec<BulkFinding>,
}

impl LineReading<'_> {
    fn text(&self, column: BulkColumn) -> String {
        self.header.cell(self.cells, column).to_owned()
    }

    fn add(&mut self, column: BulkColumn, code: MessageCode, values: &[(&str, &str)]) {
        self.findings.push(BulkFinding { column, code, text: code.fill(values) });
    }

    /// A code of a list, as lists write it.
    fn code(&self, column: BulkColumn) -> String {
        norm(&self.text(column))
    }

    /// A day of either form, as the form of the portal writes it; what is no day stays, and the form says so.
    fn day(&self, column: BulkColumn) -> String {
        let typed = self.text(column);
        parse_iso(&typed).or_else(|| parse_french(&typed)).map_or(typed, french)
    }

    fn action(&mut self) -> BulkAction {
        let typed = self.text(BulkColumn::Action);
        if typed.is_empty() {
            return BulkAction::Create;
        }
        let wanted = norm(&typed);
        BulkAction::ALL.iter().copied().find(|action| action.code() == wanted).unwrap_or_else(|| {
            self.add(BulkColumn::Action, MessageCode::ELot01, &[("valeur", &typed)]);
            BulkAction::Create
        })
    }

    fn verification(&mut self) -> Option<BulkVerification> {
        let typed = norm(&self.text(BulkColumn::Verification).replace('_', " "));
        if typed.is_empty() {
            return None;
        }
        let found = BulkVerification::ALL.iter().copied().find(|way| norm(&way.code().replace('_', " ")) == typed);
        match found {
            None => self.add(BulkColumn::Verification, MessageCode::ELot03, &[]),
            Some(BulkVerification::Unverified) => self.add(BulkColumn::Verification, MessageCode::WLot01, &[]),
            Some(_) => {}
        }
        found
    }

    /// What the checks of the form do not ask for, since they do not know of it.
    fn required(&mut self, action: BulkAction) {
        use BulkColumn::{EndReason, Finess, Information, Rpps, Siret, Verification};
        for column in [Rpps, Verification, Information, BulkColumn::End, EndReason] {
            if column.need(action) == ColumnNeed::Required && self.text(column).is_empty() {
                self.add(column, MessageCode::EGen01, &[]);
            }
        }
        if self.text(Finess).is_empty() && self.text(Siret).is_empty() {
            self.add(Finess, MessageCode::EGen01, &[]);
        }
        if !matches!(self.code(Information).as_str(), "" | "OUI") {
            self.add(Information, MessageCode::ELot04, &[]);
        }
    }

    /// Commune of birth as the form takes it: a code, or the one commune of that name on the day of the birth.
    fn commune(&mut self, birth: &str, context: &FieldContext<'_>) -> String {
        let code = self.code(BulkColumn::BirthCommuneCode);
        let name = self.text(BulkColumn::BirthCommune);
        if !code.is_empty() || name.is_empty() {
            return code;
        }
        let found = context.communes.named(&name, parse_french(birth));
        match found.as_slice() {
            [one] => one.clone(),
            [] => name,
            several => {
                let list = several.join(", ");
                self.add(BulkColumn::BirthCommune, MessageCode::ELot02, &[("commune", &name), ("liste", &list)]);
                several.first().cloned().unwrap_or_default()
            }
        }
    }

    fn civil(&mut self, context: &FieldContext<'_>) -> CivilDraft {
        let typed = self.text(BulkColumn::BirthCountry);
        let country = if typed.is_empty() { FRANCE.to_owned() } else { typed };
        let abroad = context.values.country(&country, context.today).is_some_and(|code| code != FRANCE);
        let birth = self.day(BulkColumn::Birth);
        let town = if abroad { self.text(BulkColumn::BirthCommune) } else { String::new() };
        CivilDraft {
            civilite: self.code(BulkColumn::Civility),
            sexe: self.code(BulkColumn::Sex),
            nom_famille: self.text(BulkColumn::FamilyName),
            nom_usage: self.text(BulkColumn::UsageName),
            prenom1: self.text(BulkColumn::GivenName),
            prenom2: self.text(BulkColumn::GivenName2),
            prenom3: self.text(BulkColumn::GivenName3),
            pays_naissance: country,
            commune_naissance: if abroad { String::new() } else { self.commune(&birth, context) },
            ville_naissance_etr: town,
            date_naissance: birth,
            ..CivilDraft::default()
        }
    }

    fn situation(&self, civil: &CivilDraft) -> SituationDraft {
        let number = [BulkColumn::Finess, BulkColumn::Siret].map(|column| self.text(column));
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let name = if civil.nom_usage.is_empty() { &civil.nom_famille } else { &civil.nom_usage };
        SituationDraft {
            nom_exercice: or(self.text(BulkColumn::PracticeName), name),
            prenom_exercice: or(self.text(BulkColumn::PracticeGivenName), &civil.prenom1),
            structure: number.into_iter().find(|number| !number.is_empty()).unwrap_or_default(),
            profession: self.code(BulkColumn::Profession),
            role: self.code(BulkColumn::Role),
            mode_exercice: self.code(BulkColumn::Mode),
            date_debut: self.day(BulkColumn::Start),
            date_fin: self.day(BulkColumn::End),
            categorie: self.code(BulkColumn::Category),
            ..SituationDraft::default()
        }
    }
}

/// Reads a line. Nothing is refused as a whole: what is wrong is told column by column.
#[must_use]
pub fn read_bulk_line(header: &BulkHeader, cells: &[String], context: &FieldContext<'_>) -> BulkLine {
    let mut reading = LineReading { header, cells, findings: Vec::new() };
    let reference = reading.text(BulkColumn::Reference);
    if reference.chars().count() > REFERENCE_MAX {
        let max = REFERENCE_MAX.to_string();
        reading.add(BulkColumn::Reference, MessageCode::EGen03, &[("min", "0"), ("max", &max)]);
    }
    let action = reading.action();
    let typed = reading.text(BulkColumn::Rpps);
    let mut rpps = String::new();
    if !typed.is_empty() {
        let (number, found) = check_rpps(&typed, NumberOrigin::Typed);
        for finding in found.list {
            reading.findings.push(BulkFinding { column: BulkColumn::Rpps, code: finding.code, text: finding.text });
        }
        rpps = number.unwrap_or_default();
    }
    reading.required(action);
    let verification = reading.verification();
    let creates = action == BulkAction::Create;
    let civil = if creates { reading.civil(context) } else { CivilDraft::default() };
    let contact = match creates {
        true => {
            ContactDraft { email: reading.text(BulkColumn::Email), mobile: reading.text(BulkColumn::Mobile), sans_mobile: false }
        }
        false => ContactDraft::default(),
    };
    let situation = reading.situation(&civil);
    let closing = match action {
        BulkAction::Close => ClosingDraft { date_fin: situation.date_fin.clone(), motif: reading.code(BulkColumn::EndReason) },
        _ => ClosingDraft::default(),
    };
    BulkLine { reference, action, rpps, civil, contact, situation, closing, verification, findings: reading.findings }
}
