//! What software of employers reads (registration §17.3): its authority alone, a feed that passes nothing over, masks, lists of its own.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{
    LotOutcome, LotPhase, LotUpload, RegistrationSubject, RequestEventCursor, SoftwareRequestQuery, SoftwareSession,
};
use annuaire_workflow::bulk::BulkColumn;
use annuaire_workflow::fields::StructureQuery;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::LegalStatement;
use annuaire_workflow::state::RequestState;
use std::collections::BTreeSet;
use world::{NEIGHBOUR, SITE, World, person, refused, site, trace};

async fn software(world: &World, structure: &str, manager: &str) -> (String, SoftwareSession) {
    let rep = world.representative().await;
    let r = &world.registration;
    let (client, secret) = r.add_software(&rep, &site(structure), "SIRH d'essai", manager, false).await.unwrap();
    let token = r.software_token(&client, secret.expose(), &trace()).await.unwrap();
    (client, r.software_session(token.expose(), trace()).await.unwrap())
}

fn all() -> SoftwareRequestQuery {
    SoftwareRequestQuery { limit: 100, ..SoftwareRequestQuery::default() }
}

#[tokio::test]
async fn lists_show_the_requests_of_the_authority_alone() {
    let world = World::new().await;
    let r = &world.registration;
    let (_, by) = software(&world, "990000010", SITE).await;
    let (manager, neighbour) = (world.manager(SITE).await, world.manager(NEIGHBOUR).await);
    let own = world.submitted(&manager, "990000010", "Camille", "camille").await;
    world.draft(&neighbour, "990000028", "Zoé", "zoe").await;
    let draft = r.software_create(&by, "", "990000010", &RegistrationSubject::Unknown).await.unwrap();
    let page = r.software_requests(&by, &all()).await.unwrap();
    let numbers: BTreeSet<_> = page.lines.iter().map(|line| line.number.clone()).collect();
    assert_eq!((numbers, page.total), ([own.number.clone(), draft.number.clone()].into(), 2));
    let in_state = SoftwareRequestQuery { state: Some(RequestState::S20), ..all() };
    assert_eq!(r.software_requests(&by, &in_state).await.unwrap().lines[0].number, own.number);
    let hidden = SoftwareRequestQuery { state: Some(RequestState::S11), ..all() };
    assert_eq!(r.software_requests(&by, &hidden).await.unwrap().total, 0);
    let second = SoftwareRequestQuery { offset: 1, limit: 1, ..all() };
    let second = r.software_requests(&by, &second).await.unwrap();
    assert_eq!((second.lines.len(), second.total), (1, 2));
    let numbered = SoftwareRequestQuery { number: draft.number.clone(), ..all() };
    assert_eq!(r.software_requests(&by, &numbered).await.unwrap().total, 1);
    // The habilitation of whoever answers ends: the open session sees nothing.
    let rep = world.representative().await;
    r.revoke_manager(&rep, &site("990000010"), SITE).await.unwrap();
    assert_eq!(r.software_requests(&by, &all()).await.unwrap().total, 0);
    world.pass(60_000);
    assert!(r.software_events(&by, &RequestEventCursor::default(), 10).await.unwrap().events.is_empty());
}

#[tokio::test]
async fn a_key_begins_one_request_and_no_other() {
    let world = World::new().await;
    let r = &world.registration;
    let (_, by) = software(&world, "990000010", SITE).await;
    let first = r.software_create(&by, "k", "990000010", &RegistrationSubject::Unknown).await.unwrap();
    assert_eq!(r.software_create(&by, "k", "990000010", &RegistrationSubject::Unknown).await.unwrap().number, first.number);
    let other = RegistrationSubject::NewActivity { rpps: SITE[1..].to_owned() };
    assert_eq!(refused(r.software_create(&by, "k", "990000010", &other).await).code, MessageCode::EReq12);
    assert_ne!(r.software_create(&by, "k2", "990000010", &other).await.unwrap().number, first.number);
    assert_eq!(r.software_requests(&by, &all()).await.unwrap().total, 2);
}

#[tokio::test]
async fn the_feed_passes_nothing_over_while_requests_move() {
    let world = World::new().await;
    let r = &world.registration;
    let (_, by) = software(&world, "990000010", SITE).await;
    let neighbour = world.manager(NEIGHBOUR).await;
    world.draft(&neighbour, "990000028", "Zoé", "zoe").await;
    let mut begun = Vec::new();
    // Five of one instant, five of instants of their own.
    for n in 0..10 {
        if n >= 5 {
            world.pass(1_000);
        }
        begun.push(r.software_create(&by, "", "990000010", &RegistrationSubject::Unknown).await.unwrap().number);
    }
    let start = RequestEventCursor::default();
    assert!(r.software_events(&by, &start, 100).await.unwrap().events.len() < 10, "what is too young waits");
    world.pass(5_001);
    let mut after = start;
    let mut read = Vec::new();
    let mut pages = 0;
    loop {
        let page = r.software_events(&by, &after, 3).await.unwrap();
        read.extend(page.events.iter().map(|event| (event.number.clone(), event.state)));
        // A request that was read and one that was not change between two pages.
        if pages == 0 {
            for moved in [&begun[0], &begun[9]] {
                r.software_abandon(&by, moved).await.unwrap();
            }
        }
        pages += 1;
        assert_eq!(RequestEventCursor::parse(&page.next.to_string()).as_ref(), Some(&page.next));
        after = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(read.len(), 9, "the one that moved before it was read waits: {read:?}");
    world.pass(5_001);
    let last = r.software_events(&by, &after, 100).await.unwrap();
    let moved: BTreeSet<_> = last.events.iter().map(|event| (event.number.clone(), event.state)).collect();
    assert_eq!(moved, [(begun[0].clone(), RequestState::S60), (begun[9].clone(), RequestState::S60)].into());
    let all: BTreeSet<_> =
        read.into_iter().map(|(number, _)| number).chain(moved.into_iter().map(|(number, _)| number)).collect();
    assert_eq!(all, begun.into_iter().collect::<BTreeSet<_>>());
    let nothing = r.software_events(&by, &last.next, 100).await.unwrap();
    assert!(nothing.events.is_empty() && !nothing.more && nothing.next == last.next);
}

#[tokio::test]
async fn people_staff_and_structures_of_the_perimeter_alone() {
    let world = World::new().await;
    let r = &world.registration;
    let (_, by) = software(&world, "990000010", SITE).await;
    let mut far = person("899900000060", "LOIN");
    far.exercices[0].situations[0].structure = "F990000028".into();
    world.state_person(far).await;
    let found = r.software_person(&by, &SITE[1..]).await.unwrap();
    let inside = found.inside.unwrap();
    assert_eq!((inside.civil.nom_famille.as_str(), inside.situations.len()), ("GESTION", 1));
    assert!(inside.mail.contains('…') && inside.mobile.contains('•'), "{} {}", inside.mail, inside.mobile);
    for unknown in ["99900000060", "99900000999", "", "x"] {
        assert_eq!(refused(r.software_person(&by, unknown).await).code, MessageCode::EPer01, "{unknown}");
    }
    let staff = r.software_staff(&by, "990000010", 0, 100).await.unwrap();
    assert!(staff.lines.iter().any(|line| line.rpps == SITE[1..]) && staff.lines.iter().all(|line| line.name != "GESTION LOIN"));
    assert_eq!(refused(r.software_staff(&by, "990000028", 0, 100).await).code, MessageCode::EPer01);
    let own = r.software_places(&by, None).await.unwrap();
    assert_eq!(own.iter().map(|found| (found.place.number.as_str(), found.within)).collect::<Vec<_>>(), [("990000010", true)]);
    let query = StructureQuery { finess: "990000028".into(), ..StructureQuery::default() };
    let other = r.software_places(&by, Some(&query)).await.unwrap();
    assert_eq!(other.iter().map(|found| (found.place.number.as_str(), found.within)).collect::<Vec<_>>(), [("990000028", false)]);
}

/// A list of persons of their own.
fn list(finess: &str, count: usize) -> Vec<Vec<String>> {
    use BulkColumn as C;
    let mut rows: Vec<Vec<String>> = vec![C::ALL.iter().map(|column| column.header().to_owned()).collect()];
    for n in 0..count {
        let letter = char::from(b'a' + u8::try_from(n).unwrap());
        let value = |column: &C| match column {
            C::Reference => format!("RH-{n}"),
            C::Civility => "MME".into(),
            C::Sex => "F".into(),
            C::FamilyName => format!("Liste{letter}"),
            C::GivenName => format!("Zoé{letter}"),
            C::Birth => format!("198{n}-03-04"),
            C::BirthCommuneCode => "97128".into(),
            C::Email => format!("p{n}@personne.example"),
            C::Mobile => format!("063998000{n}"),
            C::Finess => finess.into(),
            C::Profession => "313".into(),
            C::Role => "GENR11".into(),
            C::Mode => "S".into(),
            C::Start => "02/11/2026".into(),
            C::Verification => "DOCUMENT_RH".into(),
            C::Information => "OUI".into(),
            _ => String::new(),
        };
        rows.push(C::ALL.iter().map(value).collect());
    }
    rows
}

async fn upload(world: &World, by: &SoftwareSession, rows: Vec<Vec<String>>) -> String {
    match world.registration.software_upload(by, "rh.csv", rows).await.unwrap() {
        LotUpload::Kept(sheet) => sheet.lot.id,
        LotUpload::Refused(faults) => panic!("{faults:?}"),
    }
}

#[tokio::test]
async fn a_list_of_a_software_is_its_own_and_stays_within_its_authority() {
    let world = World::new().await;
    let r = &world.registration;
    let (client, by) = software(&world, "990000010", SITE).await;
    let (_, other) = software(&world, "990000028", NEIGHBOUR).await;
    let mut rows = list("990000010", 2);
    rows.extend(list("990000028", 3).into_iter().skip(3));
    let id = upload(&world, &by, rows).await;
    let sheet = r.software_lot(&by, &id).await.unwrap();
    assert_eq!((sheet.lot.lines, sheet.lot.ready, sheet.lot.faulty), (3, 2, 1), "{:?}", sheet.lines);
    assert_eq!(sheet.lines[2].line.findings[0].code, "E-PER-01");
    // Nobody else is told of it, not even the manager who answers for the software.
    for code in [
        refused(r.software_lot(&other, &id).await).code,
        refused(r.software_submit_lot(&other, &id).await).code,
        refused(r.software_lot_report(&other, &id).await).code,
        refused(r.lot(&world.manager(SITE).await, &id).await).code,
    ] {
        assert_eq!(code, MessageCode::EReq06);
    }
    assert!(r.software_lots(&other).await.unwrap().is_empty());
    r.software_submit_lot(&by, &id).await.unwrap();
    assert_eq!(r.run_lots(&world.system).await.unwrap().created, 2);
    let sheet = r.software_lot(&by, &id).await.unwrap();
    assert_eq!(sheet.lot.phase, LotPhase::Filed);
    assert_eq!(sheet.lines[0].outcome, Some(LotOutcome::Created));
    assert_eq!(r.software_lots(&by).await.unwrap().len(), 1);
    assert_eq!(r.software_lot_report(&by, &id).await.unwrap().len(), 4);
    let number = sheet.lines[0].number.clone().unwrap();
    let request = r.software_sheet(&by, &number).await.unwrap();
    assert_eq!((request.state, request.origin.label()), (RequestState::S20, "import"));
    assert!(world.trail(&number).await.iter().any(|(_, detail)| detail.contains("\"HRA\"")), "the software is the actor");
    assert_eq!(refused(r.software_validate(&by, &number, request.version, world::signed()).await).code, MessageCode::EReq07);
    // A software that is revoked while its list waits files nothing any more.
    let late = upload(
        &world,
        &by,
        list("990000010", 5).into_iter().enumerate().filter(|(n, _)| *n == 0 || *n > 3).map(|(_, row)| row).collect(),
    )
    .await;
    r.software_submit_lot(&by, &late).await.unwrap();
    r.revoke_software(&world.representative().await, &site("990000010"), &client).await.unwrap();
    let run = r.run_lots(&world.system).await.unwrap();
    assert_eq!((run.created, run.refused), (0, 2));
}

#[tokio::test]
async fn numbers_of_others_tell_nothing() {
    let world = World::new().await;
    let r = &world.registration;
    let (_, by) = software(&world, "990000010", SITE).await;
    let neighbour = world.manager(NEIGHBOUR).await;
    let theirs = world.submitted(&neighbour, "990000028", "Zoé", "zoe").await;
    for number in [theirs.number.as_str(), "P20260101000001", ""] {
        for code in [
            refused(r.software_sheet(&by, number).await).code,
            refused(r.software_submit(&by, number, LegalStatement::default()).await).code,
            refused(r.software_validate(&by, number, 1, world::signed()).await).code,
            refused(r.software_abandon(&by, number).await).code,
            refused(r.software_withdraw(&by, number).await).code,
        ] {
            assert_eq!(code, MessageCode::EPer01, "{number}");
        }
    }
}
