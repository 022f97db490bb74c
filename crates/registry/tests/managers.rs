//! What the pages of managers ask (registration §4.4, §4.6, §4.10): sessions, filters, checks, staff and figures.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{
    ListedRequest, ManagerTerms, RegistrationSubject, RequestQuery, RequestTable, SectionDraft, SessionTrace,
};
use annuaire_workflow::day::parse_iso;
use annuaire_workflow::fields::{ClosingDraft, SituationDraft};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::{RefusalReason, RequestSection};
use annuaire_workflow::state::RequestState;
use world::{
    COLLEAGUE, DAY, HEAD, NATIONAL, NEIGHBOUR, REP, SITE, WARNINGS, World, contact, refused, signed, site, situation, trace,
};

fn login(session: &str) -> SessionTrace {
    SessionTrace { session: session.into(), ..trace() }
}

/// Events of the trail with this name.
async fn events(w: &World, name: &str) -> Vec<(String, String)> {
    let rows = w.registry.audit_trail(0, 100_000).await.unwrap();
    let named = rows.into_iter().filter(|row| row.event.event == format!("inscription-{name}"));
    named.map(|row| (row.event.actor, row.event.detail)).collect()
}

#[tokio::test]
async fn a_login_is_one_event_however_often_its_session_is_asked_for() {
    let w = World::new().await;
    let before = events(&w, "session").await.len();
    let count = async || events(&w, "session").await.len() - before;
    for _ in 0..3 {
        w.registration.manager_session(SITE, login("a")).await.unwrap();
    }
    assert_eq!(count().await, 1);
    let (another, _) = w.another_node();
    another.manager_session(SITE, login("a")).await.unwrap();
    assert_eq!(count().await, 1, "nor on another node");
    w.registration.holder_session(SITE, login("a")).await.unwrap();
    w.registration.representative_session(REP, login("a")).await.unwrap();
    assert_eq!(count().await, 3, "as something else is another one");
    // A session that somebody else presents is told, and so is each purpose.
    w.registration.manager_session(COLLEAGUE, login("a")).await.unwrap();
    for purpose in ["un appel", "un appel", "un courrier"] {
        w.registration.support_session(NATIONAL, purpose, login("b")).await.unwrap();
    }
    assert_eq!(count().await, 6);
    for _ in 0..2 {
        assert_eq!(refused(w.registration.manager_session(NATIONAL, login("c")).await).code, MessageCode::M01);
    }
    assert_eq!(count().await, 7, "a refusal is told once");
    w.registration
        .designate_manager(&w.representative().await, &site("990000010"), NATIONAL, ManagerTerms::default())
        .await
        .unwrap();
    let before = count().await;
    w.registration.manager_session(NATIONAL, login("c")).await.unwrap();
    assert_eq!(count().await, before + 1, "and what follows it too");
    w.pass(DAY);
    w.registration.run_due(&w.system).await.unwrap();
    assert!(w.registry.identity_rows("portal-session", None, "", 10).await.unwrap().is_empty(), "after twelve hours it is over");
    // A session without identifier cannot be known again.
    let before = count().await;
    for _ in 0..2 {
        w.registration.manager_session(SITE, login("")).await.unwrap();
    }
    assert_eq!(count().await, before + 2);
}

#[tokio::test]
async fn a_session_is_narrowed_to_one_structure_and_reaches_no_further() {
    let w = World::new().await;
    let r = &w.registration;
    let head = w.manager(HEAD).await;
    for (structure, given) in [("990000010", "Camille"), ("990000028", "Dominique")] {
        w.draft(&head, structure, given, given).await;
    }
    let query = RequestQuery { limit: 10, ..Default::default() };
    let seen = async |by: &annuaire_registry::ManagerSession| {
        let page = r.requests(by, RequestTable::Drafts, &query).await.unwrap();
        let places = r.perimeter_places(by).await.unwrap().into_iter().map(|place| place.number).collect::<Vec<_>>();
        (page.total, r.manager_tasks(by).await.unwrap().to_treat, places)
    };
    let all = ["990000002", "990000010", "990000028"].map(str::to_owned).to_vec();
    assert_eq!(seen(&head).await, (2, 2, all.clone()));
    assert_eq!(seen(&head.clone().acting_for("990000010")).await, (1, 1, vec!["990000010".to_owned()]));
    assert_eq!(seen(&head.clone().acting_for("990 000 002")).await, (2, 2, all), "a legal entity has sites");
    assert_eq!(seen(&head.clone().acting_for("990000010").acting_for("")).await.0, 2);
    // The number of a structure of others opens nothing.
    let site = w.manager(SITE).await.acting_for("990000028");
    assert_eq!(seen(&site).await, (0, 0, Vec::new()));
    // Rights of acts are what they were.
    let narrowed = head.acting_for("990000010");
    assert!(r.create_request(&narrowed, "990000028", &RegistrationSubject::Unknown).await.is_ok());
}

#[tokio::test]
async fn lists_are_filtered_by_state_type_origin_deposit_and_age_and_exported() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let old = w.submitted(&by, "990000010", "Dominique", "dominique").await;
    w.pass(5 * DAY);
    let add = RegistrationSubject::NewActivity { rpps };
    let new = r.create_request(&by, "990000010", &add).await.unwrap();
    let young = w.submitted(&by, "990000010", "Claude", "claude").await;
    let found = async |table: RequestTable, query: RequestQuery| -> Vec<String> {
        let page = r.requests(&by, table, &RequestQuery { limit: 10, ..query.clone() }).await.unwrap();
        assert_eq!(page.total, page.lines.len() as u64);
        let exported = r.all_requests(&by, table, &query).await.unwrap();
        assert_eq!(exported, page.lines);
        page.lines.into_iter().map(|line: ListedRequest| line.number).collect()
    };
    let any = RequestQuery::default;
    assert_eq!(found(RequestTable::Instruction, any()).await, [young.number.clone(), old.number.clone()]);
    let aged = |days| RequestQuery { older_than_days: Some(days), ..any() };
    assert_eq!(found(RequestTable::Instruction, aged(4)).await, std::slice::from_ref(&old.number));
    assert!(found(RequestTable::Instruction, aged(5)).await.is_empty(), "more than five days");
    assert!(found(RequestTable::Instruction, aged(u32::MAX)).await.is_empty());
    let between = |from: &str, until: &str| RequestQuery { from: parse_iso(from), until: parse_iso(until), ..any() };
    assert_eq!(found(RequestTable::Instruction, between("2026-11-26", "2026-11-30")).await, std::slice::from_ref(&old.number));
    assert_eq!(found(RequestTable::Instruction, between("2026-12-01", "2026-12-01")).await, std::slice::from_ref(&young.number));
    assert_eq!(found(RequestTable::Instruction, between("2026-11-26", "2026-12-01")).await.len(), 2);
    let state = |state| RequestQuery { state: Some(state), ..any() };
    assert_eq!(found(RequestTable::Instruction, state(RequestState::S20)).await.len(), 2);
    assert!(found(RequestTable::Instruction, state(RequestState::S30)).await.is_empty());
    assert!(found(RequestTable::Instruction, state(RequestState::S10)).await.is_empty(), "a table stays what it is");
    let kind = |kind| RequestQuery { kind: Some(kind), ..any() };
    assert_eq!(found(RequestTable::Drafts, kind(RequestKind::Ajout)).await, [new.number]);
    assert!(found(RequestTable::Drafts, kind(RequestKind::Primo)).await.is_empty());
    let origin = |origin| RequestQuery { origin: Some(origin), ..any() };
    assert_eq!(found(RequestTable::Drafts, origin(RequestOrigin::Ae)).await.len(), 1);
    assert!(found(RequestTable::Drafts, origin(RequestOrigin::Professional)).await.is_empty());
    let second = RequestQuery { offset: 1, limit: 1, ..between("2026-11-26", "2026-12-01") };
    let page = r.requests(&by, RequestTable::Instruction, &second).await.unwrap();
    assert_eq!((page.total, page.lines[0].number.as_str()), (2, old.number.as_str()));
    let exports = events(&w, "export").await;
    assert!(!exports.is_empty() && exports.iter().all(|(actor, detail)| actor == SITE && detail.contains("lines")));
    let stranger = w.manager(NEIGHBOUR).await;
    assert!(r.all_requests(&stranger, RequestTable::Instruction, &any()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_side_panel_tells_what_the_manager_may_know() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let again = w.submitted(&by, "990000010", "Camille", "camille").await;
    let checks = r.identity_checks(&by, &again.number).await.unwrap();
    assert_eq!(checks.alike.as_ref().and_then(|alike| alike.rpps()), Some(rpps.as_str()));
    assert!(checks.mail_used && checks.mobile_used && !checks.late);
    assert_eq!(checks.certification, "DI");
    // Elsewhere nobody is told the number, and a stranger sees nothing at all.
    let stranger = w.manager(NEIGHBOUR).await;
    assert_eq!(refused(r.identity_checks(&stranger, &again.number).await).code, MessageCode::EPer01);
    let section = r.section_findings(&stranger, &again.number, RequestSection::Civil).await;
    assert_eq!(refused(section).code, MessageCode::EPer01);
    r.withdraw(&by, &again.number).await.unwrap();
    assert!(r.identity_checks(&by, &again.number).await.unwrap().alike.is_none(), "a request that is over asks nothing");
    let elsewhere = w.submitted(&stranger, "990000028", "Camille", "autre").await;
    let checks = r.identity_checks(&stranger, &elsewhere.number).await.unwrap();
    let alike = checks.alike.unwrap();
    assert!(alike.rpps().is_none() && alike.text().unwrap().starts_with("Une identité identique"));
    assert!(!checks.mail_used && checks.mobile_used);
    w.pass(7 * DAY);
    assert!(r.identity_checks(&stranger, &elsewhere.number).await.unwrap().late);
}

#[tokio::test]
async fn a_stored_section_is_checked_again_without_writing() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let draft = w.draft(&by, "990000010", "Camille", "camille").await;
    let (civil, alike) = r.section_findings(&by, &draft.number, RequestSection::Civil).await.unwrap();
    assert_eq!((civil.codes(), alike.unwrap().rpps()), (vec![MessageCode::WCiv02], Some(rpps.as_str())));
    let (contact_found, none) = r.section_findings(&by, &draft.number, RequestSection::Contact).await.unwrap();
    assert!(contact_found.codes().contains(&MessageCode::WCon02) && none.is_none());
    let wrong = annuaire_workflow::fields::ContactDraft { email: "x".into(), ..contact("x") };
    let at = r.save_section(&by, &draft.number, draft.version, SectionDraft::Contact(wrong)).await.unwrap();
    let (found, _) = r.section_findings(&by, &draft.number, RequestSection::Contact).await.unwrap();
    assert!(found.codes().contains(&MessageCode::ECon01));
    assert_eq!(r.open_sheet(&by, &draft.number).await.unwrap().version, at.version, "nothing was written");
}

#[tokio::test]
async fn a_typing_error_is_corrected_in_place() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (primo, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let id = w.public(&rpps).await.exercices[0].situations[0].id_situation_exercice.clone();
    assert_eq!(refused(r.set_typing_error(&by, &primo, 1, true).await).code, MessageCode::EGen02, "of a change alone");
    let subject = RegistrationSubject::Situation { rpps: rpps.clone(), situation: id.clone(), ends: false };
    let at = r.create_request(&by, "990000010", &subject).await.unwrap();
    let stranger = w.manager(NEIGHBOUR).await;
    assert_eq!(refused(r.set_typing_error(&stranger, &at.number, at.version, true).await).code, MessageCode::EPer01);
    let other = SituationDraft { role: "GENR08".into(), ..situation("990000010", "Camille") };
    let at = r.validate_section(&by, &at.number, at.version, SectionDraft::Situation(other), &WARNINGS).await.unwrap().request;
    assert_eq!(refused(r.set_typing_error(&by, &at.number, at.version - 1, true).await).code, MessageCode::EGen09);
    let ticked = r.set_typing_error(&by, &at.number, at.version, true).await.unwrap();
    let sheet = r.open_sheet(&by, &at.number).await.unwrap();
    assert!(sheet.typing_error && sheet.open_sections.is_empty() && ticked.version == at.version + 1);
    r.submit(&by, &at.number, signed()).await.unwrap();
    w.process().await;
    let situations = w.restricted(&rpps).await.exercices[0].situations.clone();
    assert_eq!(situations.len(), 1, "nothing was closed and opened again");
    assert_eq!((situations[0].id_situation_exercice.as_str(), situations[0].genre_activite.as_str()), (id.as_str(), "GENR08"));
    assert_eq!(refused(r.set_typing_error(&by, &at.number, ticked.version + 2, false).await).code, MessageCode::EReq06);
}

#[tokio::test]
async fn the_staff_of_a_structure_is_for_its_managers() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let (_, rpps) = w.registered(&by, "990000010", "Camille", "camille").await;
    let page = r.staff(&by, "990000010", 0, 100).await.unwrap();
    // The six whom the order registered there, and the new one.
    assert_eq!((page.total, page.persons, page.lines.len(), page.place.number.as_str()), (7, 7, 7, "990000010"));
    let line = page.lines.iter().find(|line| line.rpps == rpps).unwrap();
    assert_eq!((line.name.as_str(), line.profession.as_str(), line.role.as_str()), ("FICTIF Camille", "313", "GENR11"));
    assert!(line.own && !line.certified && !line.planned && line.contact == "stated");
    let theirs = page.lines.iter().find(|line| line.rpps == SITE[1..]).unwrap();
    assert!(!theirs.own && theirs.certified);
    let second = r.staff(&by, "990000010", 6, 100).await.unwrap();
    assert_eq!((second.total, second.persons), (7, 1));
    let stranger = w.manager(NEIGHBOUR).await;
    assert_eq!(refused(r.staff(&stranger, "990000010", 0, 10).await).code, MessageCode::EPer01);
    assert_eq!(refused(r.staff(&stranger, "990000044", 0, 10).await).code, MessageCode::EPer01);
    let told = events(&w, "effectifs").await;
    assert!(told.iter().any(|(actor, detail)| actor == NEIGHBOUR && detail.contains("E-PER-01")));
    assert!(told.iter().any(|(actor, detail)| actor == SITE && detail.contains("\"persons\":7")));
    // Who has left is no staff any more.
    let id = line.situation.clone();
    let ends = RegistrationSubject::Situation { rpps: rpps.clone(), situation: id, ends: true };
    let at = r.create_request(&by, "990000010", &ends).await.unwrap();
    let closing = ClosingDraft { date_fin: "26/11/2026".into(), motif: "CHL".into() };
    let at = r.validate_section(&by, &at.number, at.version, SectionDraft::Closing(closing), &[]).await.unwrap().request;
    r.submit(&by, &at.number, signed()).await.unwrap();
    w.process().await;
    let last = r.staff(&by, "990000010", 0, 100).await.unwrap();
    assert_eq!(last.lines.iter().find(|line| line.rpps == rpps).unwrap().until, "2026-11-26");
    assert_eq!(r.dashboard(&by).await.unwrap().staff.unwrap().ends, [1, 1, 1]);
    w.pass(DAY);
    assert!(r.staff(&by, "990000010", 0, 100).await.unwrap().lines.iter().all(|line| line.rpps != rpps));
}

#[tokio::test]
async fn a_dashboard_counts_and_names_nobody() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let ages = [("Camille", 0), ("Dominique", 24), ("Claude", 7)];
    for (given, days) in ages {
        w.submitted(&by, "990000010", given, given).await;
        w.pass(days * DAY);
    }
    // 31, 31 and 7 days old by now, and two of today.
    let draft = w.draft(&by, "990000010", "Alix", "alix").await;
    let refused_one = w.submitted(&by, "990000010", "Andrea", "andrea").await;
    r.refuse(&by, &refused_one.number, Some(RefusalReason::R04), "").await.unwrap();
    let dashboard = r.dashboard(&by).await.unwrap();
    assert_eq!(dashboard.by_age, [1, 1, 2]);
    let states = [(RequestState::S10, 1), (RequestState::S20, 3), (RequestState::S50, 1)];
    assert_eq!(dashboard.by_state, states.into());
    assert_eq!(dashboard.refusals, [(RefusalReason::R04, 1)].into());
    let staff = dashboard.staff.unwrap();
    assert_eq!((staff.persons, staff.uncertified, staff.unverified_contact, staff.without_mobile), (6, 0, 6, 0));
    assert_eq!(r.dashboard(&w.manager(NEIGHBOUR).await).await.unwrap().by_state, [].into());
    r.abandon(&by, &draft.number, true).await.unwrap();
    w.pass(91 * DAY);
    let later = r.dashboard(&w.manager(SITE).await).await.unwrap();
    assert!(later.refusals.is_empty() && later.by_state.keys().all(|state| !state.terminal()), "ninety days");
    let head = w.manager(HEAD).await.acting_for("990000028");
    assert!(r.dashboard(&head).await.unwrap().by_state.is_empty());
}

#[tokio::test]
async fn an_employer_vouches_for_a_qualified_home_helper_and_is_reminded() {
    let w = World::new().await;
    let r = &w.registration;
    let by = w.manager(SITE).await;
    let at = r.create_request(&by, "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let at =
        r.validate_section(&by, &at.number, at.version, SectionDraft::Civil(world::civil("Camille")), &WARNINGS).await.unwrap();
    let at = at.request;
    let section = SectionDraft::Contact(contact("camille"));
    let at = r.validate_section(&by, &at.number, at.version, section, &WARNINGS).await.unwrap().request;
    let plain = SituationDraft { profession: "371".into(), ..situation("990000010", "Camille") };
    let outcome =
        r.validate_section(&by, &at.number, at.version, SectionDraft::Situation(plain.clone()), &WARNINGS).await.unwrap();
    assert!(!outcome.valid && outcome.findings.codes().contains(&MessageCode::EHlp01));
    let fields: Vec<&str> = outcome.findings.list.iter().map(|finding| finding.field).collect();
    assert!(["critere", "verifie", "dateVerification"].iter().all(|field| fields.contains(field)), "{fields:?}");
    let attested =
        SituationDraft { critere: "experience".into(), verifie: true, date_verification: "25/11/2026".into(), ..plain };
    let version = outcome.request.version;
    let outcome =
        r.validate_section(&by, &at.number, version, SectionDraft::Situation(attested.clone()), &WARNINGS).await.unwrap();
    assert!(outcome.valid, "{:?}", outcome.findings.list);
    let at = r.submit(&by, &at.number, annuaire_workflow::request::LegalStatement::default()).await.unwrap();
    r.validate_request(&by, &at.number, at.version, signed(), None).await.unwrap();
    w.process().await;
    let rpps = r.open_sheet(&by, &at.number).await.unwrap().rpps.unwrap();
    let page = r.staff(&by, "990000010", 0, 100).await.unwrap();
    let line = page.lines.iter().find(|line| line.rpps == rpps).unwrap();
    assert_eq!(line.home_help_until, "2031-11-24");
    // A change finds it again.
    let change = RegistrationSubject::Situation { rpps: rpps.clone(), situation: line.situation.clone(), ends: false };
    let other = r.create_request(&by, "990000010", &change).await.unwrap();
    let sheet = r.open_sheet(&by, &other.number).await.unwrap();
    assert_eq!((sheet.situation.critere.as_str(), sheet.situation.date_verification.as_str()), ("experience", "25/11/2026"));
    assert!(sheet.situation.verifie);
    r.abandon(&by, &other.number, true).await.unwrap();
    w.mails().await;
    let recalled = async |at: &str| {
        let day = annuaire_workflow::day::paris_midnight(parse_iso(at).unwrap()) + 4 * 3_600_000;
        w.clock.store(day, std::sync::atomic::Ordering::SeqCst);
        r.run_due(&w.system).await.unwrap();
        w.mails().await.into_iter().filter(|mail| mail.1.contains("aide à domicile") && mail.0.starts_with("camille@")).count()
    };
    assert_eq!(recalled("2031-08-24").await, 0);
    assert_eq!(recalled("2031-08-25").await, 1);
    assert_eq!(recalled("2031-08-26").await, 0, "once");
    assert_eq!(recalled("2031-10-25").await, 1);
    assert_eq!(recalled("2031-11-25").await, 0, "it is over");
}
