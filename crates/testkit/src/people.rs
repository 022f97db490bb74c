//! People of the fictional nation and their lines in the five open files.

use crate::dice::{Dice, keyed};
use crate::names;
use crate::places::{self, PracticePlace, StructureKind};
use crate::plan::Plan;
use annuaire_nos::Nos;
use std::borrow::Cow;
use std::io::{Result, Write};

/// (code, weight per mille, order, diploma, title of doctor).
const PROFESSIONS: &[(&str, u64, &str, &str, bool)] = &[
    ("60", 330, "ONI", "DE09", false),
    ("10", 160, "CNOM", "DE05", true),
    ("70", 60, "CNOMK", "DE11", false),
    ("21", 40, "CNOP", "DE02", false),
    ("40", 27, "CNOCD", "DE04", true),
    ("93", 50, "ARS", "DE15", false),
    ("91", 16, "ARS", "DE13", false),
    ("50", 14, "CNOSF", "DE06", false),
    ("28", 25, "ARS", "DE08", false),
    ("80", 9, "CNOPP", "DE12", false),
    ("26", 3, "ARS", "DE07", false),
    ("92", 4, "ARS", "DE14", false),
    ("41", 60, "ARS", "DE28", false),
    ("99", 202, "ENREG", "", false),
];
/// (code, weight) of physicians' specialties.
const SPECIALTIES: &[(&str, u64)] = &[
    ("SM54", 300),
    ("SM26", 180),
    ("SM53", 40),
    ("SM42", 70),
    ("SM02", 55),
    ("SM04", 40),
    ("SM40", 45),
    ("SM20", 30),
    ("SM38", 30),
    ("SM44", 30),
    ("SM05", 25),
    ("SM15", 25),
    ("SM24", 22),
    ("SM49", 20),
    ("SM16", 15),
];

/// What the second delivery changes about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    None,
    Gone,
    Renamed,
    Moved,
    Mailbox,
    CardOpposed,
    PlaceRenamed,
}

/// A person, complete.
pub(crate) struct Person {
    national: String,
    rpps: String,
    adeli: bool,
    family: String,
    given: Cow<'static, str>,
    woman: bool,
    jobs: Vec<HeldProfession>,
    places: Vec<(&'static str, Option<PracticePlace>)>,
    alone: bool,
    card: Option<Card>,
    mailbox: Option<String>,
    pub(crate) fate: Fate,
}

struct HeldProfession {
    code: &'static str,
    order: &'static str,
    diploma: &'static str,
    doctor: bool,
    category: (&'static str, &'static str),
    skills: Vec<&'static str>,
}

struct Card {
    number: String,
    inside: String,
    start: String,
    end: String,
    opposed: bool,
}

fn label(table: &str, code: &str) -> &'static str {
    Nos::embedded().table(table).and_then(|t| t.get(code)).map_or("", |c| c.label.as_str())
}

pub(crate) fn profession_label(code: &str) -> &'static str {
    Nos::embedded().profession(code).map_or("", |(_, c)| c.label.as_str())
}

/// Label of an ordinal specialty.
pub(crate) fn skill_label(code: &str) -> &'static str {
    label("TRE_R38", code)
}

impl Person {
    /// Person `i`; `second` applies the changes of the second delivery; `new` keeps to places of one's own, so that what
    /// appears with the person is known.
    pub(crate) fn new(plan: &Plan, i: u64, second: bool, new: bool) -> Self {
        let n = u64::from(plan.professionals);
        let mut dice = Dice::new(plan.seed, 1, i);
        let adeli = dice.once_in(2_000);
        let rpps = if adeli { keyed(&format!("99{:06}", i % 1_000_000)) } else { keyed(&(1_099_900_000 + i).to_string()) };
        let national = format!("{}{rpps}", if adeli { '0' } else { '8' });
        let mut family = names::family(&mut dice);
        let (given, woman) = names::given(&mut dice);
        let main = dice.weighted(PROFESSIONS, |p| p.1);
        let mut jobs = vec![job(main, &mut dice)];
        if dice.once_in(100) {
            let other = dice.weighted(PROFESSIONS, |p| p.1);
            if other.0 != main.0 {
                jobs.push(job(other, &mut dice));
            }
        }
        let own_family = family.clone();
        let fate = if new { Fate::None } else { draw_fate(plan, i) };
        let own = places::own(plan.seed, i, &rpps, &own_family, jobs[0].order, second && fate == Fate::PlaceRenamed);
        let (mut list, mut alone) = (Vec::new(), true);
        let pharmacist = main.0 == "21";
        match if new { 10 } else { dice.below(100) } {
            0..6 => {}
            6..56 if pharmacist && !new => {
                let body = dice.below(StructureKind::Pharmacy.bodies(n));
                list.push(("L", Some(places::establishment(plan.seed, StructureKind::Pharmacy, body, 0))));
                alone = false;
            }
            6..52 => list.push(("L", Some(own))),
            52..56 => {
                list.push(("L", Some(places::group(plan.seed, dice.below(n / 40 + 1)))));
                alone = false;
            }
            56..78 => {
                list.push(("S", Some(workplace(plan, &mut dice))));
                alone = false;
            }
            78..88 => {
                list.push(("L", Some(own)));
                list.push(("S", Some(workplace(plan, &mut dice))));
                alone = false;
            }
            88..96 => list.push(("S", Some(places::employer(plan.seed, i)))),
            _ => list.push(("L", None)),
        }
        let mut card = None;
        if dice.once_in(2) {
            let year = 2022 + dice.below(5);
            let inside =
                if dice.once_in(50) { format!("0{}", keyed(&format!("99{:06}", i % 1_000_000))) } else { national.clone() };
            card = Some(Card {
                number: format!("999{i:07}"),
                inside,
                start: format!("02/03/{year}"),
                end: format!("01/03/{}", year + 3),
                opposed: dice.once_in(200),
            });
        }
        let mut mailbox = dice.once_in(5).then(|| format!("p{i}@pro.mssante.example"));
        if second {
            match fate {
                Fate::Renamed => family = format!("{family}-NOUVEAU"),
                Fate::Moved => list.iter_mut().take(1).for_each(|p| p.0 = if p.0 == "L" { "S" } else { "L" }),
                Fate::Mailbox => mailbox = Some(format!("nouvelle{i}@pro.mssante.example")),
                Fate::CardOpposed => card.iter_mut().for_each(|c| c.opposed = true),
                _ => {}
            }
        }
        Self { national, rpps, adeli, family, given, woman, jobs, places: list, alone, card, mailbox, fate }
    }

    /// Registry objects that exist because of this person alone; only meaningful for one whose places are its own.
    pub(crate) fn objects(&self) -> u64 {
        let own = self.places.iter().filter(|p| p.1.is_some()).count() as u64;
        let skills = self.jobs.iter().any(|j| !j.skills.is_empty());
        let diplomas = self.jobs.iter().any(|j| !j.diploma.is_empty());
        1 + own + u64::from(skills) + u64::from(diplomas) + u64::from(self.card.is_some()) + u64::from(self.mailbox.is_some())
    }

    /// What the fate of this person changes in the registry: (created, changed, ended).
    pub(crate) fn effect(&self, first: &Self) -> (u64, u64, u64) {
        let changed = match self.fate {
            Fate::None => false,
            Fate::Gone => return (0, 0, first.objects()),
            Fate::Renamed => true,
            Fate::Moved => !first.places.is_empty(),
            Fate::Mailbox if first.mailbox.is_none() => return (1, 0, 0),
            Fate::Mailbox => true,
            Fate::CardOpposed => first.card.as_ref().is_some_and(|c| !c.opposed),
            Fate::PlaceRenamed => first.places.iter().any(|p| p.1.as_ref().is_some_and(|p| p.id().starts_with("R1019"))),
        };
        (0, u64::from(changed), 0)
    }

    /// A person may leave only when no place stays or goes with them that others share.
    pub(crate) fn may_leave(&self) -> bool {
        self.alone
    }

    pub(crate) fn write(&self, files: &mut Files) -> Result<()> {
        let kind = if self.adeli { "0" } else { "8" };
        let id = [kind, self.rpps.as_str(), self.national.as_str()];
        let name = [self.family.as_str(), &self.given];
        let civil = if self.woman { ("MME", "Madame") } else { ("M", "Monsieur") };
        for (rank, job) in self.jobs.iter().enumerate() {
            let title = if job.doctor { ("DR", "Docteur") } else { ("", "") };
            let practice = [job.code, profession_label(job.code), job.category.0, job.category.1];
            let person = [title.0, title.1, civil.0, civil.1, name[0], name[1]];
            let head = [&id[..], &person, &practice].concat();
            let skills: Vec<[&str; 4]> = job.skills.iter().map(|s| ["S", "Spécialité ordinale", s, skill_label(s)]).collect();
            let shown = if skills.is_empty() { vec![[""; 4]] } else { skills.clone() };
            // The activities of a person with two professions are those of the first.
            let places: &[(&str, Option<PracticePlace>)] = if rank == 0 { &self.places } else { &[] };
            if places.is_empty() {
                for skill in &shown {
                    line(&mut files.activity, &[&head[..], skill, &[""; 39]].concat())?;
                }
            }
            for (mode, place) in places {
                let end = activity_end(job, mode, place.as_ref());
                let end: Vec<&str> = end.iter().map(String::as_str).collect();
                for skill in &shown {
                    line(&mut files.activity, &[&head[..], skill, &end[..]].concat())?;
                }
            }
            for skill in &skills {
                line(&mut files.know_how, &[&id[..], &name, &practice, skill].concat())?;
            }
            if !job.diploma.is_empty() {
                let degree = ["DE", "Diplôme d'Etat français", job.diploma, label("TRE_R48", job.diploma)];
                line(&mut files.diplomas, &[&id[..], &name, &degree, &["", "", "", ""]].concat())?;
            }
        }
        let main = &self.jobs[0];
        let practice = [main.code, profession_label(main.code), main.category.0, main.category.1];
        if let Some(c) = &self.card {
            let opposed = if c.opposed { "15/10/2026" } else { "" };
            let card =
                ["00", "Carte de Professionnel de Santé (CPS)", &c.number, &c.inside, &c.start, &c.end, opposed, "01/11/2026"];
            line(&mut files.cards, &[&id[..], &name, &practice, &card].concat())?;
        }
        if let Some(address) = &self.mailbox {
            let place = self.places.iter().find_map(|p| p.1.as_ref());
            let (national, label) = place.map_or(("", ""), |p| (p.national(), p.name()));
            let kind_of = national.get(..1).unwrap_or("");
            let holder = [kind, self.rpps.as_str(), self.national.as_str()];
            mailbox_line(&mut files.mailboxes, "PER", address, &holder, (kind_of, national, label), &name, &practice)?;
        }
        Ok(())
    }
}

/// Columns 18 to 56 of the activity file but the know-how.
fn activity_end(job: &HeldProfession, mode: &str, place: Option<&PracticePlace>) -> Vec<String> {
    let mode_label = if mode == "L" { "Libéral, indépendant, artisan, commerçant" } else { "Salarié" };
    let nothing = PracticePlace::default();
    let p = place.unwrap_or(&nothing);
    let section = if job.code == "21" { ("A", "Pharmacien titulaire d'officine") } else { ("", "") };
    let role = match (job.code, mode, place) {
        ("99", ..) => ("310", label("TRE_R85", "310")),
        (_, _, None) => ("FON-22", label("TRE_R21", "FON-22")),
        ("21", ..) => ("", ""),
        (_, "L", _) => ("FON-01", "Titulaire de cabinet"),
        _ => ("FON-33", label("TRE_R21", "FON-33")),
    };
    let genre = if job.code == "99" { ("GENR11", label("TRE_R22", "GENR11")) } else { ("GENR01", label("TRE_R22", "GENR01")) };
    let mut out = vec![mode.to_owned(), mode_label.to_owned()];
    out.extend(p.columns.iter().cloned());
    out.push(format!("{0}/{0}/{1}", job.order, p.authority));
    out.extend([p.sector.0, p.sector.1, section.0, section.1, role.0, role.1, genre.0, genre.1].map(str::to_owned));
    out
}

fn job(p: &(&'static str, u64, &'static str, &'static str, bool), dice: &mut Dice) -> HeldProfession {
    let category = match dice.below(100) {
        0 => ("M", "Militaire"),
        1..=4 if p.0 != "99" => ("E", "Etudiant"),
        _ => ("C", "Civil"),
    };
    let mut skills = Vec::new();
    if p.0 == "10" {
        skills.push(dice.weighted(SPECIALTIES, |s| s.1).0);
        let second = dice.weighted(SPECIALTIES, |s| s.1).0;
        if dice.once_in(6) && second != skills[0] {
            skills.push(second);
        }
    }
    HeldProfession { code: p.0, order: p.2, diploma: p.3, doctor: p.4, category, skills }
}

/// An open establishment: a few have thousands of people, most a handful.
fn workplace(plan: &Plan, dice: &mut Dice) -> PracticePlace {
    let n = u64::from(plan.professionals);
    if dice.below(100) < 60 {
        let body = dice.zipf(StructureKind::Hospital.bodies(n));
        let site = dice.below(StructureKind::Hospital.sites(plan.seed, body));
        return places::establishment(plan.seed, StructureKind::Hospital, body, site);
    }
    let mut body = dice.below(StructureKind::Social.bodies(n));
    for _ in 0..8 {
        if !StructureKind::Social.closed(plan.seed, body) {
            break;
        }
        body = (body + 1) % StructureKind::Social.bodies(n);
    }
    places::establishment(plan.seed, StructureKind::Social, body, dice.below(2))
}

fn draw_fate(plan: &Plan, i: u64) -> Fate {
    let draw = Dice::new(plan.seed, 6, i).below(100_000);
    let share = u64::from(plan.changed_per_mille) * 100;
    match (draw < 50, draw.checked_sub(50).filter(|d| *d < share)) {
        (true, _) => Fate::Gone,
        (_, Some(d)) => match d * 100 / share.max(1) {
            0..30 => Fate::Renamed,
            30..55 => Fate::Moved,
            55..70 => Fate::Mailbox,
            70..80 => Fate::CardOpposed,
            _ => Fate::PlaceRenamed,
        },
        _ => Fate::None,
    }
}

/// The five open files of a delivery.
pub(crate) struct Files {
    pub activity: Box<dyn Write>,
    pub know_how: Box<dyn Write>,
    pub diplomas: Box<dyn Write>,
    pub cards: Box<dyn Write>,
    pub mailboxes: Box<dyn Write>,
}

impl Files {
    pub(crate) fn flush(&mut self) -> Result<()> {
        [&mut self.activity, &mut self.know_how, &mut self.diplomas, &mut self.cards, &mut self.mailboxes]
            .into_iter()
            .try_for_each(Write::flush)
    }
}

pub(crate) fn line(out: &mut dyn Write, fields: &[&str]) -> Result<()> {
    for f in fields {
        out.write_all(f.as_bytes())?;
        out.write_all(b"|")?;
    }
    out.write_all(b"\n")
}

/// A line of the mailbox file; `place` is (type digit, national id, name).
fn mailbox_line(
    out: &mut dyn Write,
    kind: &str,
    address: &str,
    holder: &[&str; 3],
    place: (&str, &str, &str),
    name: &[&str; 2],
    practice: &[&str; 4],
) -> Result<()> {
    let service = if kind == "ORG" { "SECRETARIAT" } else { "" };
    let mut fields = vec![kind, address, holder[0], holder[1], holder[2], place.0, place.1, service, "", name[0], name[1]];
    fields.extend([practice[2], practice[3], practice[0], practice[1], "", "", "O", place.2]);
    fields.extend([""; 12]);
    line(out, &fields)
}

/// The mailbox of an establishment or of a group.
pub(crate) fn organisation_mailbox(out: &mut dyn Write, place: &PracticePlace, n: u64) -> Result<()> {
    let address = format!("contact{n}@{}.mssante.example", place.id().to_lowercase());
    let kind = place.national().get(..1).unwrap_or("");
    mailbox_line(out, "ORG", &address, &["", "", ""], (kind, place.national(), place.name()), &["", ""], &["", "", "", ""])
}

/// The card of a student whom no other file knows.
pub(crate) fn unknown_card(out: &mut dyn Write, i: u64) -> Result<()> {
    let rpps = keyed(&(1_089_900_000 + i).to_string());
    let national = format!("8{rpps}");
    let number = format!("998{i:07}");
    line(
        out,
        &[
            "8",
            &rpps,
            &national,
            "FORMATION",
            "CAMILLE",
            "10",
            "Médecin",
            "E",
            "Etudiant",
            "01",
            "Carte de Professionnel de santé en Formation (CPF)",
            &number,
            &national,
            "01/11/2025",
            "31/10/2028",
            "",
            "01/11/2026",
        ],
    )
}
