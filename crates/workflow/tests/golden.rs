//! What people of the field read and agree to, in `tests/golden`: rights, messages, notifications, fields, duplicates, timers.
//!
//! To accept a change: `ANNUAIRE_GOLDEN=write cargo test -p annuaire-workflow`, then read the diff.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/world.rs"]
#[allow(dead_code)]
mod world;

use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::day::parse_french;
use annuaire_workflow::duplicates::{BirthPlace, IdentityTraits, is_strict_match, score};
use annuaire_workflow::fields::{
    ChosenStructure, CivilDraft, ClosingDraft, ContactDraft, ContactUse, FieldContext, Findings, KnownSituation, NumberOrigin,
    SituationDraft, SituationFacts, StructureQuery, check_adeli, check_civil_status, check_closing, check_contact, check_rpps,
    check_situation, check_structure_results, check_structure_search,
};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::{MessageCode, MessageSource, MessageWeight};
use annuaire_workflow::notifications::{CLOSING, TEMPLATES};
use annuaire_workflow::rights::{Action, ObjectKind, RightScope, masked_mail, masked_mobile, may};
use annuaire_workflow::state::RequestState;
use annuaire_workflow::timers::{TimerKey, schedule};
use golden::assert_golden;
use std::fmt::Write;
use world::{d, today};

#[test]
fn golden_rights() {
    let mut out = String::from(
        "# Rights\n\nWritten by a test from the matrix of the program (registration §2.6). C create, R read, U update, V decide, P propose or ask.\n\n",
    );
    let objects: Vec<&str> = ObjectKind::ALL.iter().map(|object| object.words()).collect();
    writeln!(out, "| Actor | {} |", objects.join(" | ")).unwrap();
    writeln!(out, "|---{}|", "|---".repeat(objects.len())).unwrap();
    for actor in ActorKind::ALL {
        write!(out, "| {}", actor.code()).unwrap();
        for object in ObjectKind::ALL {
            let mut parts: Vec<(RightScope, String)> = Vec::new();
            for action in Action::ALL {
                match (may(*actor, *object, *action), parts.last_mut()) {
                    (RightScope::None, _) => {}
                    (scope, Some((last, letters))) if *last == scope => write!(letters, " {}", action.letter()).unwrap(),
                    (scope, _) => parts.push((scope, action.letter().to_owned())),
                }
            }
            let cell: Vec<String> = parts.iter().map(|(scope, letters)| format!("{letters} {}", scope.words())).collect();
            write!(out, " | {}", if cell.is_empty() { "—".to_owned() } else { cell.join("; ") }).unwrap();
        }
        out.push_str(" |\n");
    }
    out.push_str("\n## Masks\n\n| Stored | Shown after the first activation |\n|---|---|\n");
    for mail in ["camille.essai@domaine.example", "pas une adresse"] {
        writeln!(out, "| {mail} | {} |", masked_mail(mail)).unwrap();
    }
    for mobile in ["+33612345612", "+262692000012", "+32470123456"] {
        writeln!(out, "| {mobile} | {} |", masked_mobile(mobile)).unwrap();
    }
    assert_golden("rights.md", &out);
}

#[test]
fn golden_messages() {
    let mut out = String::from(
        "# Messages\n\nWritten by a test from the table of the program (registration §5.3, §5.4). « Source » tells who wrote it: the reference; our text for a \
         code of\nthe reference; or ours, where the reference has a rule without a code.\n\n| Code | Effect | Source | Text |\n|---|---|---|---|\n",
    );
    for message in MessageCode::ALL {
        let effect = match message.weight() {
            MessageWeight::Error => "blocks",
            MessageWeight::Warning => "to acknowledge",
            MessageWeight::Page => "page",
        };
        let source = match message.source() {
            MessageSource::Reference => "reference",
            MessageSource::OurText => "our text",
            MessageSource::Ours => "ours",
        };
        writeln!(out, "| {message} | {effect} | {source} | {} |", message.template()).unwrap();
    }
    assert_golden("messages.md", &out);
}

#[test]
fn golden_notifications() {
    let mut out = String::from(
        "# Notifications\n\nWritten by a test from the templates of the program (registration §12). Places stand in braces.\n",
    );
    writeln!(out, "\nEvery body ends with: « {CLOSING} »").unwrap();
    for template in TEMPLATES {
        writeln!(out, "\n## {}: {}\n", template.id, template.id.trigger()).unwrap();
        for (audience, channels) in template.to {
            let channels: Vec<&str> = channels.iter().map(|channel| channel.words()).collect();
            writeln!(out, "- To: {}, by {}", audience.words(), channels.join(", ")).unwrap();
        }
        writeln!(out, "- Version {}\n\n**{}**\n", template.version, template.subject).unwrap();
        for line in template.body.lines() {
            writeln!(out, "> {line}").unwrap();
        }
        if !template.sms.is_empty() {
            writeln!(out, "\nSMS: {}", template.sms).unwrap();
        }
    }
    assert_golden("notifications.md", &out);
}

/// One example: what was typed into which field, and what comes of it.
fn example(out: &mut String, rule: &str, field: &str, typed: &str, findings: &Findings) {
    let said: Vec<String> =
        findings.list.iter().filter(|f| f.field == field).map(|f| format!("{}: {}", f.code, f.text)).collect();
    let stored = findings.value(field);
    let typed = if typed.chars().count() > 40 {
        format!("{}… ({} characters)", &typed[..3], typed.chars().count())
    } else {
        typed.to_owned()
    };
    let stored = if stored.is_empty() { "—" } else { stored };
    writeln!(out, "| {rule} | {field} | `{typed}` | {stored} | {} |", said.join("; ")).unwrap();
}

fn civil(set: impl FnOnce(&mut CivilDraft)) -> Findings {
    let mut draft = CivilDraft {
        civilite: "MME".into(),
        sexe: "F".into(),
        nom_famille: "Essai".into(),
        prenom1: "Camille".into(),
        date_naissance: "07/05/1991".into(),
        pays_naissance: "France".into(),
        commune_naissance: "Sainte-Anne (97128)".into(),
        ..Default::default()
    };
    set(&mut draft);
    check_civil_status(&draft, &FieldContext::embedded(today())).1
}

fn names_and_births(out: &mut String) {
    for typed in [
        "  d’Essai  ",
        "Fictif--Essai",
        "Anne-Marie",
        "Đặng",
        "Essai3",
        "Essai - Fictif",
        "Эссе",
        "Inconnu",
        "Sans nom",
        "",
        &"a".repeat(81),
    ] {
        example(out, "V-NAME", "nomFamille", typed, &civil(|draft| draft.nom_famille = typed.into()));
    }
    example(out, "V-NAME", "nomUsage", "ESSAI", &civil(|draft| draft.nom_usage = "ESSAI".into()));
    example(out, "V-NAME", "prenom3", "Alix", &civil(|draft| draft.prenom3 = "Alix".into()));
    for typed in ["07/05/1991", "7/5/1991", "31/02/1991", "02/06/2026", "02/06/2010", "01/06/2010", "31/05/1925", "1991", ""] {
        example(out, "V-DOB", "dateNaissance", typed, &civil(|draft| draft.date_naissance = typed.into()));
    }
    for typed in ["00/05/1991", "05/1991", "07/00/1991", "1991"] {
        let findings = civil(|draft| (draft.date_naissance, draft.date_incomplete) = (typed.into(), true));
        example(out, "V-DOB incomplete", "dateNaissance", typed, &findings);
    }
    for typed in ["97128", "Sainte-Anne (25513)", "Metz", "Sainte-Anne", "Amareins (01003)", "01015", "75101", ""] {
        example(out, "V-COMMUNE", "communeNaissance", typed, &civil(|draft| draft.commune_naissance = typed.into()));
    }
    for typed in ["99000", "Danemark", "Atlantide"] {
        example(out, "country", "paysNaissance", typed, &civil(|draft| draft.pays_naissance = typed.into()));
    }
    example(out, "V-COHERENCE", "sexe", "M (with MME)", &civil(|draft| draft.sexe = "M".into()));
    example(out, "list", "civilite", "MLLE", &civil(|draft| draft.civilite = "MLLE".into()));
}

fn contacts(out: &mut String) {
    let context = FieldContext::embedded(today());
    let check = |email: &str, mobile: &str, sans_mobile: bool, used: ContactUse| {
        let draft = ContactDraft { email: email.into(), mobile: mobile.into(), sans_mobile };
        check_contact(&draft, used, &context).1
    };
    let free = ContactUse::default();
    for typed in [
        "Camille@Exemple.EXAMPLE",
        "a@été.example",
        "a@b",
        "a@b.mssante.fr",
        "a@interop-mssante.apicrypt.org",
        "secretariat@exemple.example",
        "",
    ] {
        example(out, "V-EMAIL", "email", typed, &check(typed, "0612345612", false, free));
    }
    let taken = ContactUse { email: true, mobile: true };
    example(out, "V-EMAIL used", "email", "a@exemple.example", &check("a@exemple.example", "0612345612", false, taken));
    for typed in ["06 12 34 56 12", "0692000012", "0690000012", "+33 7 12 34 56 12", "0112345612", "+32470123456", ""] {
        example(out, "V-MOBILE", "mobile", typed, &check("a@exemple.example", typed, false, free));
    }
    example(out, "V-MOBILE used", "mobile", "0612345612", &check("a@exemple.example", "0612345612", false, taken));
    example(out, "no mobile", "sansMobile", "ticked", &check("a@exemple.example", "", true, free));
}

fn structures(out: &mut String) {
    let search = |query: StructureQuery, results: usize| {
        let mut findings = check_structure_search(&query);
        if !findings.has_errors() {
            check_structure_results(&mut findings, results);
        }
        findings
    };
    for typed in ["990000010", "990000011", "99"] {
        example(out, "V-FINESS", "q.finess", typed, &search(StructureQuery { finess: typed.into(), ..Default::default() }, 1));
    }
    let corsican = search(StructureQuery { finess: "2A0000006".into(), ..Default::default() }, 0);
    example(out, "V-FINESS, no result", "q.finess", "2A0000006", &corsican);
    example(out, "V-FINESS, no result", "q.nom", "", &corsican);
    for typed in ["999 000 003 00015", "99900000300016"] {
        example(out, "V-SIRET", "q.siret", typed, &search(StructureQuery { siret: typed.into(), ..Default::default() }, 1));
    }
    example(out, "search", "q.nom", "", &search(StructureQuery::default(), 0));
    example(
        out,
        "search, 101 results",
        "q.nom",
        "essai",
        &search(StructureQuery { nom: "essai".into(), ..Default::default() }, 101),
    );
    example(out, "search", "q.cp", "97180", &search(StructureQuery { cp: "97180".into(), ..Default::default() }, 1));
    for (typed, origin) in
        [("99900000011", NumberOrigin::Typed), ("99900000012", NumberOrigin::Typed), ("99900000012", NumberOrigin::Received)]
    {
        example(
            out,
            if origin == NumberOrigin::Typed { "V-RPPS typed" } else { "V-RPPS received" },
            "rpps",
            typed,
            &check_rpps(typed, origin).1,
        );
    }
    example(out, "V-ADELI", "adeli", "2A2899983", &check_adeli("2A2899983").1);
    example(out, "V-ADELI", "adeli", "2C2899983", &check_adeli("2C2899983").1);
}

fn situations(out: &mut String) {
    let context = FieldContext::embedded(today());
    let person = {
        let draft = CivilDraft {
            civilite: "MME".into(),
            sexe: "F".into(),
            nom_famille: "Essai".into(),
            prenom1: "Anne-Marie".into(),
            date_naissance: "07/05/2005".into(),
            pays_naissance: "France".into(),
            commune_naissance: "97128".into(),
            ..Default::default()
        };
        check_civil_status(&draft, &context).0.unwrap()
    };
    let home = ChosenStructure {
        number: "990000010".into(),
        opened: Some(d("2022-01-01")),
        category: "500".into(),
        within_reach: true,
        ..Default::default()
    };
    let check = |set: &dyn Fn(&mut SituationDraft), known: &[KnownSituation], structure: &ChosenStructure| {
        let mut draft = SituationDraft {
            nom_exercice: "Essai".into(),
            prenom_exercice: "Anne".into(),
            structure: "990000010".into(),
            profession: "313".into(),
            role: "GENR11".into(),
            mode_exercice: "S".into(),
            date_debut: "01/06/2026".into(),
            ..Default::default()
        };
        set(&mut draft);
        let facts = SituationFacts { actor: ActorKind::Gae, person: Some(&person), structure: Some(structure), known };
        check_situation(&draft, &facts, &context).1
    };
    for typed in ["Essai", "Autre"] {
        example(out, "name of exercise", "nomExercice", typed, &check(&|s| s.nom_exercice = typed.into(), &[], &home));
    }
    for typed in ["Anne", "Anne-Marie", "Jeanne"] {
        example(
            out,
            "given name of exercise",
            "prenomExercice",
            typed,
            &check(&|s| s.prenom_exercice = typed.into(), &[], &home),
        );
    }
    for typed in ["30/08/2026", "31/08/2026", "31/12/2021", "01/01/2020", "01/01/1970", "2026-06-01"] {
        example(out, "V-START", "dateDebut", typed, &check(&|s| s.date_debut = typed.into(), &[], &home));
    }
    for typed in ["31/12/2026", "31/05/2026"] {
        example(out, "V-END", "dateFin", typed, &check(&|s| s.date_fin = typed.into(), &[], &home));
    }
    for typed in ["GENR11", "GENR01", "GENR02"] {
        example(out, "V-ROLE", "role", typed, &check(&|s| s.role = typed.into(), &[], &home));
    }
    for typed in ["313", "318", "374"] {
        example(out, "profession", "profession", typed, &check(&|s| s.profession = typed.into(), &[], &home));
    }
    example(out, "category, profession 313", "categorie", "(empty)", &check(&|_| {}, &[], &home));
    example(out, "category, profession 347", "categorie", "(empty)", &check(&|s| s.profession = "347".into(), &[], &home));
    example(out, "student without end", "dateFin", "", &check(&|s| s.profession = "347".into(), &[], &home));
    example(out, "category, private structure", "categorie", "M", &check(&|s| s.categorie = "M".into(), &[], &home));
    let known = |role: &str| {
        let (structure, profession, role) = ("990000010".into(), "313".into(), role.into());
        KnownSituation { structure, profession, role, from: d("2024-01-01"), until: None }
    };
    example(out, "V-OVERLAP, equal", "structure", "990000010", &check(&|_| {}, &[known("GENR11")], &home));
    example(out, "V-OVERLAP, other role", "structure", "990000010", &check(&|_| {}, &[known("GENR10")], &home));
    let far = ChosenStructure { within_reach: false, ..home.clone() };
    example(out, "perimeter", "structure", "990000028", &check(&|s| s.structure = "990000028".into(), &[], &far));
    for (typed, actor) in [
        ("01/06/2026", ActorKind::Gae),
        ("29/11/2026", ActorKind::Gae),
        ("31/05/2025", ActorKind::Gae),
        ("31/05/2025", ActorKind::Pro),
    ] {
        let draft = ClosingDraft { date_fin: typed.into(), motif: String::new() };
        let findings = check_closing(&draft, d("2020-01-01"), actor, false, &context).1;
        example(out, &format!("closure by {actor}"), "dateFin", typed, &findings);
    }
}

#[test]
fn golden_fields() {
    let mut out = String::from(
        "# Fields\n\nWritten by a test (registration §5.2). Today is 1 June 2026. Structure 990000010 is a home for elderly people (category 500) that opened on\n\
         1 January 2022; the person of the situations was born on 7 May 2005.\n\n| Rule | Field | Typed | Stored | Said |\n|---|---|---|---|---|\n",
    );
    names_and_births(&mut out);
    contacts(&mut out);
    structures(&mut out);
    situations(&mut out);
    out.push_str("\n## Communes while typing\n\n| Typed | Proposed |\n|---|---|\n");
    for typed in ["Sainte-Anne", "st anne d", "97180", "amareins"] {
        let found = CommuneIndex::embedded().propose(typed);
        let mut lines: Vec<String> = found.list.iter().map(|proposal| proposal.line()).collect();
        lines.extend(found.more_text());
        writeln!(out, "| `{typed}` | {} |", lines.join("<br>")).unwrap();
    }
    assert_golden("fields.md", &out);
}

fn identity(family: &str, given: &[&str], birth: &str, commune: &str, sex: &str) -> IdentityTraits {
    IdentityTraits {
        family_name: family.into(),
        given_names: given.iter().map(|name| (*name).into()).collect(),
        birth: parse_french(birth),
        place: BirthPlace { commune: commune.into(), country: "99100".into(), town: String::new() },
        sex: sex.into(),
        ..Default::default()
    }
}

fn abroad(town: &str) -> BirthPlace {
    BirthPlace { commune: String::new(), country: "99109".into(), town: town.into() }
}

#[test]
fn golden_duplicates() {
    let base = || identity("Essai", &["Marie-Alice", "Jeanne"], "07/05/1991", "97128", "F");
    let with = |set: fn(&mut IdentityTraits)| {
        let mut traits = base();
        set(&mut traits);
        traits
    };
    let pairs: Vec<(&str, IdentityTraits, IdentityTraits)> = vec![
        ("one person twice", base(), with(|t| t.family_name = "ESSAI".into())),
        ("twins with quite different given names", base(), with(|t| t.given_names = vec!["Odile".into()])),
        ("twins « Marie-Alice » and « Marie-Aline »", base(), with(|t| t.given_names = vec!["Marie-Aline".into()])),
        ("usage name of the other", base(), with(|t| (t.family_name, t.other_names) = ("Fictif".into(), vec!["Essai".into()]))),
        ("family name in two words", with(|t| t.family_name = "Le Essai".into()), with(|t| t.family_name = "Leessai".into())),
        ("double family name", base(), with(|t| t.family_name = "Essai--Fictif".into())),
        ("second given name first", base(), with(|t| t.given_names = vec!["Jeanne".into()])),
        ("first part of the given name", base(), with(|t| t.given_names = vec!["Marie-Thérèse".into()])),
        ("day and month exchanged", base(), with(|t| t.birth = parse_french("05/07/1991"))),
        ("one digit of the date", base(), with(|t| t.birth = parse_french("08/05/1991"))),
        ("year of birth alone", base(), with(|t| t.birth = parse_french("30/11/1991"))),
        (
            "communes that were united",
            identity("Essai", &["Camille"], "07/05/1960", "01003", "F"),
            identity("Essai", &["Camille"], "07/05/1960", "01165", "F"),
        ),
        ("department of birth alone", base(), with(|t| t.place.commune = "97101".into())),
        ("abroad, equal towns", with(|t| t.place = abroad("Berlin")), with(|t| t.place = abroad("BERLIN"))),
        ("abroad, one town unknown", with(|t| t.place = abroad("Berlin")), with(|t| t.place = abroad(""))),
        ("other sex", base(), with(|t| t.sex = "M".into())),
        ("shared mobile, other person", with(|t| t.contacts = vec!["m1".into()]), {
            let mut other = identity("Fictif", &["Odile"], "01/01/1980", "57463", "F");
            other.contacts = vec!["m1".into()];
            other
        }),
        ("nothing in common", base(), identity("Fictif", &["Odile"], "01/01/1980", "57463", "M")),
    ];
    let mut out = String::from(
        "# Duplicates\n\nWritten by a test (registration §8.1). Points of each trait, with the sentence that the arbiter reads.\n",
    );
    for (words, a, b) in &pairs {
        let found = score(a, b, CommuneIndex::embedded());
        assert_eq!(found, score(b, a, CommuneIndex::embedded()), "{words}");
        let strict = if is_strict_match(a, b) { ", strict" } else { "" };
        writeln!(out, "\n## {words}: {}, correspondance {}{strict}\n", found.total, found.class().label()).unwrap();
        for line in &found.lines {
            writeln!(out, "- {:+} {}", line.points, line.sentence).unwrap();
        }
    }
    assert_golden("duplicates.md", &out);
}

#[test]
fn golden_timers() {
    let mut out = String::from(
        "# Timers\n\nWritten by a test (registration §13). Days are calendar days of Paris, from 03:00.\n\n| Key | Times | Effect |\n|---|---|---|\n",
    );
    for key in TimerKey::ALL {
        writeln!(out, "| {} | {} | {} |", key.key(), key.default_words(), key.effect_words()).unwrap();
    }
    out.push_str("\n## A request that nobody touches since Monday 12 January 2026\n\n| State | Day | Date | Timer | Deed |\n|---|---|---|---|---|\n");
    for state in RequestState::ALL {
        for waiting in [false, true] {
            let mut facts = world::facts(Some(*state), RequestKind::Primo, RequestOrigin::Ae);
            facts.since = d("2026-01-12");
            facts.waiting_for_manager = waiting;
            if waiting && *state != RequestState::S20 {
                continue;
            }
            let name = if waiting { format!("{state}, no manager") } else { state.to_string() };
            for action in schedule(&facts) {
                let day = facts.since.until(action.on).unwrap().get_days();
                writeln!(out, "| {name} | {day} | {} | {} | {:?} |", action.on, action.key.key(), action.deed).unwrap();
            }
        }
    }
    assert_golden("timers.md", &out);
}
