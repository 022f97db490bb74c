//! Lists of employers (registration §17): dry run, submission, resumption, validation.
#![allow(clippy::unwrap_used, missing_docs)]

mod world;

use annuaire_registry::{
    LotOutcome, LotPhase, LotSheet, LotUpload, RequestQuery, RequestTable, SectionDraft, SharedLineState, SharedLotSheet,
};
use annuaire_store::{AuditFilter, Queue};
use annuaire_workflow::bulk::BulkColumn;
use annuaire_workflow::fields::ContactDraft;
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::request::LegalStatement;
use annuaire_workflow::state::RequestState;
use world::{COLLEAGUE, DAY, HEAD, NEIGHBOUR, SITE, World, refused, signed};

type Rows = Vec<Vec<String>>;

/// A list with every column.
fn list(lines: Vec<Vec<(BulkColumn, String)>>) -> Rows {
    let mut rows: Rows = vec![BulkColumn::ALL.iter().map(|column| column.header().to_owned()).collect()];
    for line in lines {
        let value = |column: &BulkColumn| line.iter().rev().find(|(known, _)| known == column).map(|(_, text)| text.clone());
        rows.push(BulkColumn::ALL.iter().map(|column| value(column).unwrap_or_default()).collect());
    }
    rows
}

/// A name of letters for a number.
fn name(n: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
    format!("Nom{}{}{}", letter(n / 676), letter(n / 26), letter(n))
}

/// A valid line about a person of their own.
fn person(n: usize, finess: &str) -> Vec<(BulkColumn, String)> {
    use BulkColumn as C;
    let day = 1 + n % 28;
    [
        (C::Reference, format!("RH-{n}")),
        (C::Civility, "MME".into()),
        (C::Sex, "F".into()),
        (C::FamilyName, name(n)),
        (C::GivenName, format!("Zoé{}", name(n).to_lowercase())),
        (C::Birth, format!("19{:02}-{:02}-{day:02}", 60 + n % 40, 1 + n % 12)),
        (C::BirthCommuneCode, "97128".into()),
        (C::Email, format!("p{n}@personne.example")),
        (C::Mobile, format!("06399800{:02}", n % 100)),
        (C::Finess, finess.into()),
        (C::Profession, "313".into()),
        (C::Role, "GENR11".into()),
        (C::Mode, "S".into()),
        (C::Start, "02/11/2026".into()),
        (C::Verification, "DOCUMENT_RH".into()),
        (C::Information, "OUI".into()),
    ]
    .to_vec()
}

fn with(mut line: Vec<(BulkColumn, String)>, column: BulkColumn, text: &str) -> Vec<(BulkColumn, String)> {
    line.push((column, text.to_owned()));
    line
}

async fn upload(world: &World, manager: &str, rows: Rows) -> LotSheet {
    let by = world.manager(manager).await;
    match world.registration.upload_lot(&by, "effectifs.csv", rows).await.unwrap() {
        LotUpload::Kept(sheet) => sheet,
        LotUpload::Refused(faults) => panic!("{faults:?}"),
    }
}

/// Uploads, submits, and lets the job run.
async fn filed(world: &World, manager: &str, rows: Rows) -> LotSheet {
    let sheet = upload(world, manager, rows).await;
    let by = world.manager(manager).await;
    world.registration.submit_lot(&by, &sheet.lot.id).await.unwrap();
    let run = world.registration.run_lots(&world.system).await.unwrap();
    assert_eq!(run.failed, 0);
    world.registration.lot(&by, &sheet.lot.id).await.unwrap()
}

async fn requests(world: &World, manager: &str) -> u64 {
    let by = world.manager(manager).await;
    let mut total = 0;
    for table in [RequestTable::Drafts, RequestTable::Instruction, RequestTable::Finished] {
        total += world.registration.requests(&by, table, &RequestQuery::default()).await.unwrap().total;
    }
    total
}

fn outcomes(sheet: &LotSheet) -> Vec<Option<LotOutcome>> {
    sheet.lines.iter().map(|line| line.outcome).collect()
}

#[tokio::test]
async fn acceptance_a28_a_dry_run_tells_every_fault_and_creates_nothing() {
    let world = World::new().await;
    use BulkColumn as C;
    let faults: [(C, &str, &str); 12] = [
        (C::Civility, "", "E-GEN-01"),
        (C::Sex, "X", "E-GEN-02"),
        (C::FamilyName, "Nom3", "E-CIV-01"),
        (C::Birth, "31/02/1991", "E-CIV-03"),
        (C::Birth, "2020-01-01", "E-CIV-05"),
        (C::BirthCommuneCode, "99999", "E-CIV-06"),
        (C::Email, "personne", "E-CON-01"),
        (C::Mobile, "0299999999", "E-CON-02"),
        (C::Finess, "990000028", "E-PER-01"),
        (C::Profession, "999", "E-GEN-02"),
        (C::Start, "02/11/2028", "E-SIT-02"),
        (C::Information, "non", "E-LOT-04"),
    ];
    let mut lines: Vec<_> = (0..200).map(|n| person(n, "990000010")).collect();
    for (n, (column, text, _)) in faults.iter().enumerate() {
        lines[n * 16] = with(lines[n * 16].clone(), *column, text);
    }
    let sheet = upload(&world, SITE, list(lines)).await;
    let unexpected: Vec<_> =
        sheet.lines.iter().enumerate().filter(|(n, line)| n % 16 != 0 && !line.line.findings.is_empty()).collect();
    assert!(unexpected.is_empty(), "{:?}", unexpected.first());
    assert_eq!((sheet.lot.lines, sheet.lot.ready, sheet.lot.warned, sheet.lot.faulty), (200, 188, 0, 12));
    for (n, (column, _, code)) in faults.iter().enumerate() {
        let told = &sheet.lines[n * 16].line.findings;
        let [finding] = told.as_slice() else { panic!("line {n}: {told:?}") };
        assert_eq!((finding.column.as_str(), finding.code.as_str()), (column.header(), *code));
        assert_eq!(finding.place, BulkColumn::ALL.iter().position(|known| known == column));
        assert_eq!(sheet.lines[n * 16].line.line, u32::try_from(n * 16 + 2).unwrap(), "the line of the spreadsheet");
    }
    assert_eq!(requests(&world, SITE).await, 0, "nothing was created");
    assert_eq!(world.registration.run_lots(&world.system).await.unwrap().created, 0);
    let by = world.manager(SITE).await;
    let report = world.registration.lot_report(&by, &sheet.lot.id).await.unwrap();
    assert_eq!(report.len(), 201);
    assert_eq!(report.iter().filter(|row| row[3] == "à corriger" && row[6].starts_with("E-")).count(), 12);
}

#[tokio::test]
async fn acceptance_a29_a_list_imported_twice_gives_no_duplicate() {
    let world = World::new().await;
    let lines = || (0..5).map(|n| person(n, "990000010")).collect::<Vec<_>>();
    let first = filed(&world, SITE, list(lines())).await;
    assert_eq!(outcomes(&first), [Some(LotOutcome::Created); 5]);
    let numbers: Vec<_> = first.lines.iter().map(|line| line.number.clone()).collect();
    let again = filed(&world, SITE, list(lines())).await;
    assert_eq!(outcomes(&again), [Some(LotOutcome::Unchanged); 5]);
    // A second import of a reference updates the open request.
    let mut changed = lines();
    changed[3] = with(changed[3].clone(), BulkColumn::Email, "autre@personne.example");
    let third = filed(&world, SITE, list(changed)).await;
    assert_eq!(third.lines[3].outcome, Some(LotOutcome::Updated));
    assert_eq!(third.lines.iter().filter(|line| line.outcome == Some(LotOutcome::Unchanged)).count(), 4);
    let of = |sheet: &LotSheet| sheet.lines.iter().map(|line| line.number.clone()).collect::<Vec<_>>();
    assert_eq!((of(&again), of(&third)), (numbers.clone(), numbers.clone()));
    let by = world.manager(SITE).await;
    let request = world.registration.open_sheet(&by, numbers[3].as_deref().unwrap()).await.unwrap();
    assert_eq!((request.contact.email.as_str(), request.state), ("autre@personne.example", RequestState::S20));
    assert_eq!(requests(&world, SITE).await, 5);
    // And once they are registered.
    world.registration.validate_lot(&by, &third.lot.id, true).await.unwrap();
    assert_eq!(world.registration.run_lots(&world.system).await.unwrap().validated, 5);
    world.process().await;
    let last = filed(&world, SITE, list(lines())).await;
    assert_eq!(outcomes(&last), [Some(LotOutcome::Unchanged); 5], "{:?}", last.lines[0].line.findings);
    assert_eq!(requests(&world, SITE).await, 5);
}

#[tokio::test]
async fn a_line_without_reference_is_kept_from_doubling_by_its_identity() {
    let world = World::new().await;
    let lines =
        || vec![with(person(1, "990000010"), BulkColumn::Reference, ""), with(person(1, "990000010"), BulkColumn::Reference, "")];
    let first = filed(&world, SITE, list(lines())).await;
    assert_eq!(outcomes(&first), [Some(LotOutcome::Created), None]);
    assert_eq!(first.lines[1].line.findings[0].code, "E-REQ-01");
    let again = upload(&world, SITE, list(lines())).await;
    assert_eq!(again.lot.faulty, 2);
    let same = || vec![person(2, "990000010"), with(person(3, "990000010"), BulkColumn::Reference, "RH-2")];
    let repeated = upload(&world, SITE, list(same())).await;
    assert_eq!(
        repeated.lines[1].line.findings[0].text,
        "Cette référence est déjà celle de la ligne 2. Chaque ligne a la sienne."
    );
}

#[tokio::test]
async fn a_killed_node_leaves_its_page_to_another_and_nothing_is_doubled() {
    let world = World::new().await;
    let by = world.manager(SITE).await;
    let lines: Vec<_> = (0..120).map(|n| person(n, "990000010")).collect();
    let sheet = upload(&world, SITE, list(lines)).await;
    assert_eq!((sheet.lot.steps, sheet.lot.phase), (3, LotPhase::Checked));
    world.registration.submit_lot(&by, &sheet.lot.id).await.unwrap();
    let now = 1_795_684_000_000;
    let taken = world.registry.take_job(Queue::Work, &["registration-lot"], now, 60_000).await.unwrap();
    assert!(taken.is_some(), "a node takes the page, and dies");
    assert_eq!(world.registration.run_lots(&world.system).await.unwrap().created, 0);
    world.pass(61_000);
    // Two nodes at once, of which one is stopped in the middle of a page.
    let (other, system) = world.another_node();
    let cut = tokio::time::timeout(std::time::Duration::from_millis(400), other.run_lots(&system)).await;
    let progress = world.registration.lot(&by, &sheet.lot.id).await.unwrap();
    let done = progress.lines.iter().filter(|line| line.outcome.is_some()).count();
    assert!(cut.is_ok() || done < 120, "{done}");
    world.pass(61_000);
    let (one, two) = tokio::join!(world.registration.run_lots(&world.system), other.run_lots(&system));
    assert_eq!((one.unwrap().failed, two.unwrap().failed), (0, 0));
    world.pass(61_000);
    world.registration.run_lots(&world.system).await.unwrap();
    let sheet = world.registration.lot(&by, &sheet.lot.id).await.unwrap();
    assert_eq!((sheet.lot.phase, sheet.lot.steps_done), (LotPhase::Filed, 3));
    assert!(outcomes(&sheet).iter().all(|outcome| *outcome == Some(LotOutcome::Created)));
    assert_eq!(requests(&world, SITE).await, 120);
}

#[tokio::test]
async fn a_list_is_validated_once_every_warning_is_settled() {
    let world = World::new().await;
    let (r, by) = (&world.registration, world.manager(SITE).await);
    let unverified = with(person(1, "990000010"), BulkColumn::Verification, "NON");
    let unusual = with(person(2, "990000010"), BulkColumn::Role, "GENR13");
    let sheet = filed(&world, SITE, list(vec![person(0, "990000010"), unverified, unusual])).await;
    assert_eq!((sheet.lot.ready, sheet.lot.warned), (1, 2));
    assert_eq!(refused(r.validate_lot(&by, &sheet.lot.id, false).await).code, MessageCode::ELeg01);
    let told = refused(r.validate_lot(&by, &sheet.lot.id, true).await);
    let numbers: Vec<String> = sheet.lines.iter().filter_map(|line| line.number.clone()).collect();
    assert_eq!(told.code, MessageCode::ELot08);
    assert!(
        told.text.contains(&numbers[1]) && told.text.contains(&numbers[2]) && !told.text.contains(&numbers[0]),
        "{}",
        told.text
    );
    for number in &numbers[1..] {
        let request = r.open_sheet(&by, number).await.unwrap();
        r.validate_request(&by, number, request.version, signed(), None).await.unwrap();
    }
    r.validate_lot(&by, &sheet.lot.id, true).await.unwrap();
    let run = r.run_lots(&world.system).await.unwrap();
    assert_eq!((run.validated, run.refused), (1, 0));
    world.process().await;
    for number in &numbers {
        let request = r.open_sheet(&by, number).await.unwrap();
        assert!(request.state == RequestState::S40 && request.rpps.is_some(), "{number}: {:?}", request.state);
    }
    assert_eq!(r.lot(&by, &sheet.lot.id).await.unwrap().lot.phase, LotPhase::Validated);
}

#[tokio::test]
async fn situations_are_added_changed_and_closed_by_lines() {
    let world = World::new().await;
    use BulkColumn as C;
    let (r, by) = (&world.registration, world.manager(HEAD).await);
    let (_, rpps) = world.registered(&by, "990000010", "Zoé", "zoe").await;
    let line = |action: &str, finess: &str, more: &[(C, &str)]| {
        let fixed = [
            (C::Action, action),
            (C::Rpps, &rpps),
            (C::Finess, finess),
            (C::Verification, "FACE_A_FACE"),
            (C::Information, "OUI"),
        ];
        fixed.iter().chain(more).map(|(column, text)| (*column, (*text).to_owned())).collect::<Vec<_>>()
    };
    let new = [(C::Profession, "313"), (C::Role, "GENR11"), (C::Mode, "S"), (C::Start, "02/11/2026")];
    let validated = async |lines| {
        let sheet = filed(&world, HEAD, list(lines)).await;
        assert_eq!(sheet.lot.faulty, 0, "{:?}", sheet.lines.iter().map(|line| &line.line.findings).collect::<Vec<_>>());
        r.validate_lot(&by, &sheet.lot.id, true).await.unwrap();
        let run = r.run_lots(&world.system).await.unwrap();
        assert_eq!(run.refused, 0);
        world.process().await;
    };
    validated(vec![line("AJOUTER", "990000028", &new), line("MODIFIER", "990000010", &[(C::Role, "GENR12")])]).await;
    let told = world.public(&rpps).await;
    let roles = |p: &annuaire_mos::Professionnel| {
        let mut all: Vec<_> =
            p.exercices.iter().flat_map(|e| &e.situations).map(|s| (s.structure.clone(), s.genre_activite.clone())).collect();
        all.sort();
        all
    };
    assert_eq!(roles(&told), [("F990000010".to_owned(), "GENR12".to_owned()), ("F990000028".to_owned(), "GENR11".to_owned())]);
    validated(vec![line("FERMER", "990000028", &[(C::End, "2026-11-20"), (C::EndReason, "AUT")])]).await;
    assert_eq!(roles(&world.public(&rpps).await), [("F990000010".to_owned(), "GENR12".to_owned())]);
    let gone =
        upload(&world, HEAD, list(vec![line("FERMER", "990000028", &[(C::End, "2026-11-20"), (C::EndReason, "AUT")])])).await;
    assert_eq!(gone.lines[0].line.findings[0].code, "E-LOT-06");
    let wrong = with(with(person(7, "990000010"), C::Rpps, &rpps), C::Reference, "");
    let wrong = upload(&world, HEAD, list(vec![wrong])).await;
    assert_eq!(wrong.lines[0].line.findings[0].code, "E-RPPS-01", "the number of somebody else");
}

#[tokio::test]
async fn a_list_belongs_to_its_manager_and_ends_after_seven_days() {
    let world = World::new().await;
    let (r, by) = (&world.registration, world.manager(SITE).await);
    let sheet = upload(&world, SITE, list(vec![person(0, "990000010")])).await;
    let id = &sheet.lot.id;
    let stranger = world.manager(NEIGHBOUR).await;
    let hidden = MessageCode::EReq06;
    assert_eq!(refused(r.lot(&stranger, id).await).code, hidden);
    assert_eq!(refused(r.submit_lot(&stranger, id).await).code, hidden);
    assert_eq!(refused(r.validate_lot(&stranger, id, true).await).code, hidden);
    assert_eq!(refused(r.lot_report(&stranger, id).await).code, hidden);
    assert!(r.lots(&stranger).await.unwrap().is_empty());
    assert_eq!(r.lots(&by).await.unwrap().first(), Some(&sheet.lot));
    assert_eq!(refused(r.validate_lot(&by, id, true).await).code, hidden, "it was not submitted");
    r.submit_lot(&by, id).await.unwrap();
    assert_eq!(refused(r.submit_lot(&by, id).await).code, hidden, "submitted before");
    // Nothing of a line is in clear.
    for kind in ["lot", "lot-page", "lot-line"] {
        for row in world.registry.identity_rows(kind, None, "", 100).await.unwrap() {
            assert!(!row.content.contains(&name(0)) && !row.content.contains("effectifs"), "{kind}: {}", row.content);
        }
    }
    world.pass(8 * DAY);
    r.run_due(&world.system).await.unwrap();
    assert_eq!(refused(r.lot(&by, id).await).code, hidden);
    for kind in ["lot", "lot-page", "lot-line"] {
        assert!(world.registry.identity_rows(kind, None, "", 100).await.unwrap().is_empty(), "{kind}");
    }
    let template = r.lot_template(&by).await.unwrap();
    assert_eq!(template.len(), 2);
    assert!(template[1].contains(&"990000010".to_owned()));
}

#[tokio::test]
async fn a_file_that_is_no_list_is_told_what_is_wrong() {
    let world = World::new().await;
    let by = world.manager(SITE).await;
    let told = async |rows: &[&[&str]]| {
        let rows = rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        match world.registration.upload_lot(&by, "x", rows).await.unwrap() {
            LotUpload::Refused(faults) => faults.into_iter().map(|fault| fault.text).collect::<Vec<_>>().join(" "),
            LotUpload::Kept(_) => String::new(),
        }
    };
    assert!(told(&[]).await.contains("vide"));
    assert!(told(&[&["a", "b"]]).await.contains("modèle"));
    assert!(told(&[&["action", "rpps", "siret", "emial"]]).await.contains("Vouliez-vous dire « email »"));
    assert!(
        told(&[&["action", "rpps", "siret", "identite_verifiee", "information_faite"], &["", ""]]).await.contains("aucune ligne")
    );
    assert!(world.registration.lots(&by).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_colleague_validates_at_once_what_is_ready() {
    let world = World::new().await;
    let (r, rep) = (&world.registration, world.representative().await);
    r.set_four_eyes(&rep, &world::site("990000010"), true).await.unwrap();
    // The colleague works elsewhere, so that nothing warns of a second role.
    let mut elsewhere = world::person(HEAD, "SIEGE");
    elsewhere.exercices[0].situations[0].structure = "F990000028".into();
    world.state_person(elsewhere).await;
    let (author, colleague) = (world.manager(SITE).await, world.manager(HEAD).await);
    let own = [
        (BulkColumn::Action, "AJOUTER"),
        (BulkColumn::Rpps, &HEAD[1..]),
        (BulkColumn::Finess, "990000010"),
        (BulkColumn::Profession, "313"),
        (BulkColumn::Role, "GENR11"),
        (BulkColumn::Mode, "S"),
        (BulkColumn::Start, "02/11/2026"),
        (BulkColumn::Verification, "FACE_A_FACE"),
        (BulkColumn::Information, "OUI"),
    ];
    let own = own.map(|(column, text)| (column, text.to_owned())).to_vec();
    let unusual = with(person(2, "990000010"), BulkColumn::Role, "GENR13");
    let wrong = with(person(3, "990000010"), BulkColumn::Birth, "31/02/1991");
    let lines = vec![person(0, "990000010"), own, unusual, wrong, person(4, "990000010")];
    let sheet = upload(&world, SITE, list(lines)).await;
    let id = sheet.lot.id.clone();
    assert!(r.shared_lots(&colleague).await.unwrap().is_empty());
    assert_eq!(refused(r.shared_lot(&colleague, &id).await).code, MessageCode::EReq06, "nothing was submitted");
    r.submit_lot(&author, &id).await.unwrap();
    r.run_lots(&world.system).await.unwrap();

    // The author cannot, whatever they tick; strangers are told nothing.
    let neighbour = world.manager(NEIGHBOUR).await;
    for stranger in [&author, &neighbour] {
        assert!(r.shared_lots(stranger).await.unwrap().is_empty());
        assert_eq!(refused(r.shared_lot(stranger, &id).await).code, MessageCode::EReq06);
        assert_eq!(refused(r.validate_shared_lot(stranger, &id, true).await).code, MessageCode::EReq06);
    }
    let listed = r.shared_lots(&colleague).await.unwrap();
    assert_eq!(
        listed.iter().map(|lot| (lot.id.as_str(), lot.sender.as_str())).collect::<Vec<_>>(),
        [(id.as_str(), "SITE GESTION")]
    );
    let shared = r.shared_lot(&colleague, &id).await.unwrap();
    use SharedLineState as S;
    let standing = |sheet: &SharedLotSheet| sheet.lines.iter().map(|line| (line.line, line.standing)).collect::<Vec<_>>();
    assert_eq!(standing(&shared), [(2, S::Ready), (3, S::Ready), (4, S::ToOpen), (6, S::Ready)]);
    assert_eq!(shared.lines[0].name, format!("{} Zoé{}", name(0).to_uppercase(), name(0).to_lowercase()));
    assert_eq!(refused(r.validate_shared_lot(&colleague, &id, false).await).code, MessageCode::ELeg01);
    let begun = r.validate_shared_lot(&colleague, &id, true).await.unwrap();
    assert_eq!(begun.count(S::Ready), 3);
    assert_eq!(refused(r.validate_shared_lot(&colleague, &id, true).await).code, MessageCode::EReq06, "it is worked on");
    let at_work = r.shared_lot(&colleague, &id).await.unwrap().lot;
    assert_eq!((at_work.phase, at_work.steps_done, at_work.steps), (LotPhase::Validating, 0, 1));
    let run = r.run_lots(&world.system).await.unwrap();
    assert_eq!((run.validated, run.refused), (2, 2));
    let after = r.shared_lot(&colleague, &id).await.unwrap();
    assert_eq!(standing(&after), [(2, S::Settled), (3, S::Ready), (4, S::ToOpen), (6, S::Settled)]);
    assert_eq!(after.lines[1].refused, Some(MessageCode::EReq04), "about the validator");
    assert_eq!(after.lines[2].refused, Some(MessageCode::ELot08), "with a warning");
    assert_eq!(after.lot.phase, LotPhase::Validated);
    // The sender sees the refusals, and that the trail names the colleague.
    let told = r.lot(&author, &id).await.unwrap();
    assert_eq!(told.lines[1].refused, Some(MessageCode::EReq04));
    let trail = world.registry.audit_of(&AuditFilter::of_request(&after.lines[0].number), None, 50).await.unwrap();
    let validation = trail.iter().find(|row| row.event.event.ends_with("valider")).map(|row| row.event.actor.clone());
    assert_eq!(validation.as_deref(), Some(HEAD), "{trail:?}");
    world.process().await;
    assert!(r.open_sheet(&author, &after.lines[0].number).await.unwrap().rpps.is_some());
    // A third one goes on where the second one could not.
    let third = world.manager(COLLEAGUE).await;
    r.validate_shared_lot(&third, &id, true).await.unwrap();
    assert_eq!(r.run_lots(&world.system).await.unwrap().validated, 1);
    assert_eq!(r.shared_lot(&third, &id).await.unwrap().lines[1].refused, None);
    assert_eq!(refused(r.validate_shared_lot(&third, &id, true).await).code, MessageCode::EReq06, "nothing is ready");
    world.pass(8 * DAY);
    r.run_due(&world.system).await.unwrap();
    assert!(r.shared_lots(&colleague).await.unwrap().is_empty());
    assert!(world.registry.identity_rows("lot-place", None, "", 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_colleague_validates_what_they_saw_of_their_own_structures() {
    let world = World::new().await;
    let (r, rep) = (&world.registration, world.representative().await);
    let (head, site, neighbour) = (world.manager(HEAD).await, world.manager(SITE).await, world.manager(NEIGHBOUR).await);
    let lines = vec![person(0, "990000010"), person(1, "990000028"), person(2, "990000010"), person(3, "990000028")];
    let sheet = filed(&world, HEAD, list(lines)).await;
    let id = &sheet.lot.id;
    let seen = r.shared_lot(&site, id).await.unwrap();
    assert_eq!(seen.lines.iter().map(|line| line.line).collect::<Vec<_>>(), [2, 4]);
    r.validate_shared_lot(&site, id, true).await.unwrap();
    // One request changes between the confirmation and the work.
    world.pass(1);
    let number = &seen.lines[1].number;
    let at = r.open_sheet(&head, number).await.unwrap();
    r.modify(&head, number, at.version).await.unwrap();
    let at = r.open_sheet(&head, number).await.unwrap();
    let contact = ContactDraft { email: "autre@personne.example".into(), ..at.contact };
    assert!(r.validate_section(&head, number, at.version, SectionDraft::Contact(contact), &[]).await.unwrap().valid);
    r.submit(&head, number, LegalStatement::default()).await.unwrap();
    let run = r.run_lots(&world.system).await.unwrap();
    assert_eq!((run.validated, run.refused), (1, 1));
    let after = r.shared_lot(&site, id).await.unwrap();
    assert_eq!((after.lines[0].state, after.lines[1].state), (RequestState::S30, RequestState::S20));
    assert_eq!(after.lines[1].refused, Some(MessageCode::ELot08), "it was changed after the confirmation");
    let elsewhere = r.shared_lot(&neighbour, id).await.unwrap();
    assert!(elsewhere.lines.iter().all(|line| line.state == RequestState::S20 && line.refused.is_none()), "{elsewhere:?}");
    // Rights that end before the work is done count no more.
    r.validate_shared_lot(&neighbour, id, true).await.unwrap();
    r.revoke_manager(&rep, &world::site("990000028"), NEIGHBOUR).await.unwrap();
    let run = r.run_lots(&world.system).await.unwrap();
    assert_eq!((run.validated, run.refused), (0, 0));
    assert_eq!(r.lot(&head, id).await.unwrap().lot.phase, LotPhase::Validated);
    // The sender goes on with the whole list.
    r.validate_lot(&head, id, true).await.unwrap();
    assert_eq!(r.run_lots(&world.system).await.unwrap().validated, 3);
}
