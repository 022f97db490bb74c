//! Every state, event, actor, type and origin of a request: what the table says is what `decide` does, and a golden file shows
//! it.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/golden.rs"]
mod golden;
#[path = "common/world.rs"]
#[allow(dead_code)]
mod world;

use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::decide::{RequestDecision, RequestRefusal, decide};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::{HIDDEN_STATUS, MessageCode};
use annuaire_workflow::request::{
    BrokenRule, CivilChange, DecisionContext, IdentityMatch, LegalStatement, OpenRequestFact, Reach, RefusalReason, RequestEvent,
    RequestEventKind, RequestFacts, RequestSection,
};
use annuaire_workflow::state::{Blocked, RequestState};
use annuaire_workflow::transition::{Guard, TRANSITIONS, Transition, TransitionTarget};
use golden::assert_golden;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use world::{actor, context, d, event, facts};

const ORIGINS: [RequestOrigin; 2] = [RequestOrigin::Ae, RequestOrigin::Professional];

/// The lines of the reference, written once more: states, event, actors, types, target. `a` and `p` restrict to requests of an
/// authority or of a professional; `=` stays. What no line says is refused.
const LINES: &str = "
- Create a GAE,ARS,HRA PRIMO,AJOUT,MODIF,FIN,CIVIL S10
- Create p PROL PRIMO S11
- Create p PRO AJOUT,MODIF,FIN,COORD,CIVIL S11
S10 SaveSection a GAE,ARS,HRA * =
S10 ValidateSection a GAE,ARS,HRA * =
S11 SaveSection p PROL,PRO * =
S11 ValidateSection p PROL,PRO * =
S25 SaveSection a GAE,ARS,HRA * =
S25 SaveSection p PROL,PRO * =
S25 ValidateSection a GAE,ARS,HRA * =
S25 ValidateSection p PROL,PRO * =
S10 Submit ap GAE,ARS,HRA PRIMO,AJOUT,CIVIL S20
S10 Submit ap GAE,ARS,HRA MODIF,FIN S30
S11 Submit p PROL,PRO PRIMO,AJOUT,MODIF,FIN,CIVIL S20
S11 Submit p PRO COORD S30
S10 Abandon a GAE,ARS,HRA * S60
S11 Abandon p PROL,PRO * S60
S25 Abandon a GAE,ARS,HRA * S60
S25 Abandon p PROL,PRO * S60
S10 SaveSection p PROL,PRO * =
S10 ValidateSection p PROL,PRO * =
S10 Abandon p PROL,PRO * S60
S20 Modify a GAE,ARS * S10
S20 AskForMore ap GAE,ARS * S25
S25 Resubmit a GAE,ARS,HRA * S20
S25 Resubmit p PROL,PRO * S20
S20 Reassign ap GAE,ARS,SUP * S20
S20 Refuse ap GAE,ARS * S50
S20 Validate ap GAE,ARS,HRA PRIMO,AJOUT,MODIF,FIN,CIVIL S30
S30 Process ap SYS * S40
S35 SamePerson ap ARB PRIMO,AJOUT,CIVIL S40
S35 DistinctPersons ap ARB PRIMO S30
S35 AskForMore ap ARB * S25
S35 Reject ap ARB * S51
S10 Expire ap SYS * S61
S11 Expire ap SYS * S61
S25 Expire ap SYS * S61
S20 Expire ap SYS * S61
S20 Withdraw a GAE,ARS,HRA * S70
S20 Withdraw p PROL,PRO * S70
S25 Withdraw a GAE,ARS,HRA * S70
S25 Withdraw p PROL,PRO * S70
S35 Withdraw a GAE,ARS,HRA * S70
S35 Withdraw p PROL,PRO * S70
S20 AcceptSilence p SYS FIN S30
S10,S11,S20,S25,S30,S35 DeathKnown ap SYS * S51
S10,S11,S20,S25,S30,S35 Block ap SYS * =
S40 WrongPerson ap GAE,ARS,ARB PRIMO,AJOUT S70
";

type Cell = (Option<RequestState>, RequestEventKind, ActorKind, RequestKind, RequestOrigin);

/// Every cell that a line allows, with its target.
fn allowed() -> BTreeMap<Cell, RequestState> {
    let mut cells = BTreeMap::new();
    for line in LINES.lines().filter(|line| !line.is_empty()) {
        let [states, name, origins, actors, kinds, to] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let event = *RequestEventKind::ALL.iter().find(|kind| format!("{kind:?}") == name).unwrap();
        for state in states.split(',').map(RequestState::parse) {
            for actor in actors.split(',').map(|code| ActorKind::parse(code).unwrap()) {
                for kind in
                    RequestKind::ALL.iter().filter(|kind| kinds == "*" || kinds.split(',').any(|code| code == kind.code()))
                {
                    for origin in ORIGINS.into_iter().filter(|o| origins.contains(if o.by_authority() { 'a' } else { 'p' })) {
                        let to = if to == "=" { state.unwrap() } else { RequestState::parse(to).unwrap() };
                        assert!(cells.insert((state, event, actor, *kind, origin), to).is_none(), "{line}");
                    }
                }
            }
        }
    }
    cells
}

fn cells() -> impl Iterator<Item = Cell> {
    let states = std::iter::once(None).chain(RequestState::ALL.iter().copied().map(Some));
    states.flat_map(|state| {
        RequestEventKind::ALL.iter().flat_map(move |event| {
            ActorKind::ALL.iter().flat_map(move |actor| {
                RequestKind::ALL
                    .iter()
                    .flat_map(move |kind| ORIGINS.into_iter().map(move |origin| (state, *event, *actor, *kind, origin)))
            })
        })
    })
}

fn ask(cell: &Cell) -> Result<RequestDecision, RequestRefusal> {
    let (state, kind, who, of, origin) = *cell;
    decide(&facts(state, of, origin), &event(kind), &actor(who), &context())
}

#[test]
fn every_state_event_and_actor() {
    let allowed = allowed();
    let mut walked = 0;
    for cell in cells() {
        walked += 1;
        match (ask(&cell), allowed.get(&cell)) {
            (Ok(decision), Some(to)) => assert_eq!(decision.to, *to, "{cell:?}"),
            (Err(refusal), None) => {
                assert_eq!(refusal.code, MessageCode::EReq06, "{cell:?}");
                let stranger = format!("\"{HIDDEN_STATUS}\"");
                let never = matches!(cell.2, ActorKind::Ord | ActorKind::Nom | ActorKind::Grd | ActorKind::Aud);
                assert!(!never || refusal.text.contains(&stranger), "{cell:?}");
            }
            (Ok(decision), None) => panic!("{cell:?} is not in the reference and leads to {decision:?}"),
            (Err(refusal), Some(to)) => panic!("{cell:?} leads to {to} and is refused: {refusal:?}"),
        }
    }
    assert_eq!(walked, 13 * 22 * 14 * 6 * 2);
}

/// Who may, as one cell of the golden table: actors that have the same types and origins stand together.
fn who(cells: &BTreeSet<(ActorKind, RequestKind, RequestOrigin)>) -> Vec<(String, String)> {
    let mut by_actor: BTreeMap<ActorKind, BTreeSet<(RequestOrigin, RequestKind)>> = BTreeMap::new();
    for (actor, kind, origin) in cells {
        by_actor.entry(*actor).or_default().insert((*origin, *kind));
    }
    let mut by_set: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (actor, set) in &by_actor {
        let of =
            |origin: RequestOrigin| set.iter().filter(|(o, _)| *o == origin).map(|(_, kind)| kind.code()).collect::<Vec<_>>();
        let words = |kinds: &[&str]| if kinds.len() == RequestKind::ALL.len() { "all".to_owned() } else { kinds.join(", ") };
        let (ae, pro) = (of(RequestOrigin::Ae), of(RequestOrigin::Professional));
        let text = match (ae.is_empty(), pro.is_empty()) {
            (false, false) if ae == pro => words(&ae),
            (false, false) => format!("{} of an AE; {} of a professional", words(&ae), words(&pro)),
            (false, true) => format!("{} of an AE", words(&ae)),
            _ => format!("{} of a professional", words(&pro)),
        };
        by_set.entry(text).or_default().push(actor.code());
    }
    by_set.into_iter().map(|(types, actors)| (actors.join(", "), types)).collect()
}

fn effects(decision: &RequestDecision) -> String {
    decision.effects.iter().map(|effect| effect.words()).collect::<Vec<_>>().join("; ")
}

fn target(state: Option<RequestState>, decision: &RequestDecision) -> String {
    let to = if Some(decision.to) == state { "same".to_owned() } else { decision.to.code().to_owned() };
    if decision.blocked { format!("{to} + BLOQUEE") } else { to }
}

fn states_section(out: &mut String) {
    for state in std::iter::once(None).chain(RequestState::ALL.iter().copied().map(Some)) {
        match state {
            None => out.push_str("\n### Before the first « Enregistrer »\n\n"),
            Some(state) => {
                let end = if state.terminal() { ", final" } else { "" };
                writeln!(out, "\n### {} « {} »: {}{end}\n", state.code(), state.statut(), state.plain()).unwrap();
            }
        }
        let mut rows: BTreeMap<(RequestEventKind, String, String, String), BTreeSet<_>> = BTreeMap::new();
        let mut refused: BTreeSet<RequestEventKind> = RequestEventKind::ALL.iter().copied().collect();
        for cell in cells().filter(|cell| cell.0 == state) {
            if let Ok(decision) = ask(&cell) {
                refused.remove(&cell.1);
                let key = (cell.1, decision.transition.to_owned(), target(state, &decision), effects(&decision));
                rows.entry(key).or_default().insert((cell.2, cell.3, cell.4));
            }
        }
        if !rows.is_empty() {
            out.push_str("| # | Event | Actor | Types | To | What follows |\n|---|---|---|---|---|---|\n");
        }
        for ((event, number, to, effects), cells) in &rows {
            for (actors, types) in who(cells) {
                writeln!(out, "| {number} | {} | {actors} | {types} | {to} | {effects} |", event.label()).unwrap();
            }
        }
        let refused: Vec<&str> = refused.iter().map(|event| event.label()).collect();
        writeln!(out, "\nRefused for everybody: {}.", refused.join(", ")).unwrap();
    }
}

/// What takes one guard away, and the code that follows; `None` where the row cannot lack it.
fn without(
    guard: Guard,
    row: &Transition,
    facts: &mut RequestFacts,
    context: &mut DecisionContext,
) -> Vec<(String, RequestEvent)> {
    let ok = event(row.event);
    let legal = |legal: LegalStatement| match &ok {
        RequestEvent::Submit { .. } => RequestEvent::Submit { legal },
        _ => RequestEvent::Validate { version: 7, legal, changed: vec![] },
    };
    let reason = |text: &str| match &ok {
        RequestEvent::AskForMore { .. } => RequestEvent::AskForMore { reason: text.into() },
        RequestEvent::SamePerson { .. } => RequestEvent::SamePerson { reason: text.into() },
        RequestEvent::DistinctPersons { .. } => RequestEvent::DistinctPersons { reason: text.into() },
        _ => RequestEvent::Reject { reason: text.into() },
    };
    let same = |words: &str| vec![(words.to_owned(), ok.clone())];
    match guard {
        Guard::Perimeter => {
            context.reach = Reach::Outside;
            same("structure outside the perimeter")
        }
        Guard::Habilitated => {
            context.ae_ended_on = Some(d("2026-05-31"));
            same("authority suspended")
        }
        Guard::Owner => {
            facts.author = "99900000045".into();
            facts.author_ae = Some("990000028".into());
            same("neither author nor colleague")
        }
        Guard::NotRegistered => {
            context.identity_registered = true;
            same("identity registered")
        }
        Guard::Version => {
            facts.version = 8;
            same("version changed meanwhile")
        }
        Guard::NotSubject => {
            facts.subject = Some(world::COLLEAGUE.into());
            same("actor is the subject")
        }
        Guard::FourEyes => {
            context.four_eyes = true;
            facts.author = world::COLLEAGUE.into();
            same("four-eyes option, actor is the author")
        }
        Guard::Machine => {
            context.has_warnings = true;
            same("software, request with warnings")
        }
        Guard::AllowedChanges => vec![(
            "family name changed during the instruction".into(),
            RequestEvent::Validate { version: 7, legal: world::signed(), changed: vec!["nomFamille".into()] },
        )],
        Guard::SectionChecked => vec![(
            "open warning".into(),
            RequestEvent::ValidateSection { section: RequestSection::Civil, version: 7, open_points: vec![MessageCode::WCiv01] },
        )],
        Guard::Sections => {
            facts.open_sections = vec![RequestSection::Civil, RequestSection::Situation];
            same("two sections open")
        }
        Guard::VerifiedContact => {
            context.contact_verified = false;
            same("contact not verified")
        }
        Guard::Code => {
            context.code_verified = false;
            same("code not entered")
        }
        Guard::Unique => {
            context.open_request = Some(OpenRequestFact { number: "P20260101000001".into(), may_be_named: true });
            same("another open request")
        }
        Guard::Legal => vec![
            ("box not ticked".into(), legal(LegalStatement::default())),
            ("no method".into(), legal(LegalStatement { confirmed: true, ..Default::default() })),
        ],
        Guard::Reason => vec![("no reason".into(), reason(" ")), ("reason of 9 characters".into(), reason("neuf lett"))],
        Guard::RefusalReason => vec![
            ("no reason".into(), RequestEvent::Refuse { reason: None, text: String::new() }),
            ("R99 « x »".into(), RequestEvent::Refuse { reason: Some(RefusalReason::R99), text: "x".into() }),
        ],
        Guard::OtherTarget => vec![("own authority as target".into(), RequestEvent::Reassign { target: world::SITE.into() })],
        Guard::Confirmed => vec![("question not answered".into(), RequestEvent::Abandon { confirmed: false })],
        Guard::Seconded => {
            context.seconded = false;
            same("the other one has not agreed")
        }
    }
}

/// The first cell that follows a row when nothing stands in the way, for a software or for anybody else.
fn cell_of(followed: &[(Cell, &str)], number: &str, software: bool) -> Option<Cell> {
    followed.iter().find(|(cell, row)| *row == number && (cell.2 == ActorKind::Hra) == software).map(|(cell, _)| *cell)
}

fn guards_section(out: &mut String) {
    out.push_str("\n## What each guard says\n\nGuards are asked in this order: the first that fails answers.\n\n");
    out.push_str("| # | Guard | Without it | Refusal |\n|---|---|---|---|\n");
    let followed: Vec<(Cell, &str)> = cells().filter_map(|cell| Some((cell, ask(&cell).ok()?.transition))).collect();
    for row in TRANSITIONS.iter().filter(|row| row.event != RequestEventKind::Process) {
        for guard in row.guards {
            // Row 08 differs from 07 by the absence of a manager alone.
            let like = if row.number == "08" { "07" } else { row.number };
            let cell = cell_of(&followed, like, *guard == Guard::Machine).unwrap();
            let (mut request, mut around) = (facts(cell.0, cell.3, cell.4), context());
            around.manager_exists = row.number != "08";
            for (words, asked) in without(*guard, row, &mut request, &mut around) {
                let refusal = decide(&request, &asked, &actor(cell.2), &around).unwrap_err();
                writeln!(out, "| {} | {} | {words} | {}: {} |", row.number, guard.words(), refusal.code, refusal.text).unwrap();
            }
        }
    }
}

fn processing_section(out: &mut String) {
    out.push_str("\n## What the processing (T02) finds\n\n| # | Type | Finding | To | What follows |\n|---|---|---|---|---|\n");
    let found = |score, set: fn(&mut IdentityMatch)| {
        let mut found = IdentityMatch { score, contact_verified: true, ..Default::default() };
        set(&mut found);
        Some(found)
    };
    let with = |identity_match| DecisionContext { identity_match, ..context() };
    let contexts: Vec<(&str, RequestKind, DecisionContext)> = vec![
        ("no match", RequestKind::Primo, context()),
        ("possible match, 75 (twins)", RequestKind::Primo, with(found(75, |_| {}))),
        ("probable match, 89 (near twins)", RequestKind::Primo, with(found(89, |_| {}))),
        ("95, no side certified", RequestKind::Primo, with(found(95, |_| {}))),
        ("95, one side certified", RequestKind::Primo, with(found(95, |m| m.one_side_certified = true))),
        ("94, one side certified", RequestKind::Primo, with(found(94, |m| m.one_side_certified = true))),
        ("80, RPPS given", RequestKind::Primo, with(found(80, |m| m.rpps_given = true))),
        ("79, RPPS given", RequestKind::Primo, with(found(79, |m| m.rpps_given = true))),
        ("strict match", RequestKind::Primo, with(found(95, |m| m.strict = true))),
        (
            "strict match, contact not verified",
            RequestKind::Primo,
            with(found(95, |m| (m.strict, m.contact_verified) = (true, false))),
        ),
        ("strict match, sanction of an order", RequestKind::Primo, with(found(95, |m| (m.strict, m.sanctioned) = (true, true)))),
        ("ADELI leads to an RPPS, name and date agree", RequestKind::Primo, with(found(70, |m| m.adeli_agrees = true))),
        ("ADELI known without RPPS", RequestKind::Primo, with(found(70, |m| m.adeli_without_rpps = true))),
        ("rules still true", RequestKind::Ajout, context()),
        ("sanction of an order", RequestKind::Ajout, DecisionContext { subject_sanctioned: true, ..context() }),
        ("rules still true", RequestKind::Modif, context()),
        ("rules still true", RequestKind::Fin, context()),
        ("rules still true", RequestKind::Coord, context()),
        ("one trait changes", RequestKind::Civil, context()),
        ("two traits change", RequestKind::Civil, context()),
        ("the birth date changes", RequestKind::Civil, context()),
        ("structure closed", RequestKind::Primo, DecisionContext { broken_rule: Some(BrokenRule::StructureClosed), ..context() }),
        ("overlap", RequestKind::Ajout, DecisionContext { broken_rule: Some(BrokenRule::Overlap), ..context() }),
        ("person deceased", RequestKind::Primo, DecisionContext { broken_rule: Some(BrokenRule::PersonDeceased), ..context() }),
        ("technical failure, first", RequestKind::Primo, DecisionContext { processing_failed: true, ..context() }),
        ("technical failure, third", RequestKind::Primo, DecisionContext { processing_failed: true, ..context() }),
    ];
    for (words, kind, around) in contexts {
        let mut request = facts(Some(RequestState::S30), kind, RequestOrigin::Ae);
        request.failures = if words.ends_with("third") { 2 } else { 0 };
        request.civil_change = match words {
            "one trait changes" => CivilChange { traits: 1, birth_date: false },
            "two traits change" => CivilChange { traits: 2, birth_date: false },
            "the birth date changes" => CivilChange { traits: 1, birth_date: true },
            _ => CivilChange::default(),
        };
        let decision = decide(&request, &RequestEvent::Process, &actor(ActorKind::Sys), &around).unwrap();
        let to = target(request.state, &decision);
        writeln!(out, "| {} | {} | {words} | {to} | {} |", decision.transition, kind.code(), effects(&decision)).unwrap();
    }
}

fn blocked_section(out: &mut String) {
    out.push_str("\n## Frozen requests (BLOQUEE)\n\n| State | Events that are still possible |\n|---|---|\n");
    for state in RequestState::ALL.iter().filter(|state| !state.terminal()) {
        let mut events: BTreeSet<String> = BTreeSet::new();
        for cell in cells().filter(|cell| cell.0 == Some(*state)) {
            let mut request = facts(cell.0, cell.3, cell.4);
            request.blocked = Some(Blocked::HabilitationLost);
            if let Ok(decision) = decide(&request, &event(cell.1), &actor(cell.2), &context()) {
                events.insert(format!("{} ({}) → {}", cell.1.label(), decision.transition, target(cell.0, &decision)));
            }
        }
        writeln!(out, "| {} | {} |", state.code(), events.into_iter().collect::<Vec<_>>().join("; ")).unwrap();
    }
}

#[test]
fn golden_transitions() {
    let mut out = String::from(
        "# Transitions of requests\n\nWritten by a test from the table of the program (registration §6.4); nobody edits it. Each state lists what is possible \
         when every guard\nholds and the time of the state is over. Whoever is not named is refused with E-REQ-06.\n\n## States\n",
    );
    states_section(&mut out);
    guards_section(&mut out);
    processing_section(&mut out);
    blocked_section(&mut out);
    assert_golden("transitions.md", &out);
}

/// Every row is followed at least once by the walks of this file.
#[test]
fn no_row_is_dead() {
    let mut alive: BTreeSet<&str> = cells().filter_map(|cell| ask(&cell).ok()).map(|decision| decision.transition).collect();
    // These need another context than the one in which nothing stands in the way; the golden file shows them.
    let shown = ["08", "18c", "18d", "19", "20", "21", "21b", "22", "33"];
    let golden = include_str!("golden/transitions.md");
    alive.extend(
        shown.into_iter().filter(|number| golden.contains(&format!("| {number} |")) || golden.contains(&format!("({number})"))),
    );
    let dead: Vec<&str> = TRANSITIONS.iter().map(|row| row.number).filter(|number| !alive.contains(number)).collect();
    assert!(dead.is_empty(), "{dead:?}");
    for row in TRANSITIONS.iter().filter(|row| row.to == TransitionTarget::StayFree) {
        assert_eq!(row.number, "33");
    }
}
