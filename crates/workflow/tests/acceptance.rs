//! The acceptance scenarios of registration §21 that are rules, by their numbers.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "common/world.rs"]
#[allow(dead_code)]
mod world;

use annuaire_base::id::luhn;
use annuaire_workflow::actor::ActorKind;
use annuaire_workflow::certification::{CivilStatusSource, first_state};
use annuaire_workflow::communes::CommuneIndex;
use annuaire_workflow::contact::{ContactChangeWay, contact_change};
use annuaire_workflow::day::plus_days;
use annuaire_workflow::decide::{RequestDecision, RequestRefusal, decide};
use annuaire_workflow::duplicates::{BirthPlace, IdentityTraits, MatchClass, is_strict_match, score};
use annuaire_workflow::fields::{
    CivilDraft, FIELDS_OF_FRANCE_CONNECT, FieldContext, StructureQuery, check_civil_status, check_structure_results,
    check_structure_search, mobile, shown,
};
use annuaire_workflow::kind::{RequestKind, RequestOrigin};
use annuaire_workflow::messages::MessageCode;
use annuaire_workflow::notifications::NoticeId;
use annuaire_workflow::perimeter::{HabilitationGrant, PerimeterTarget, StructureRow, perimeter};
use annuaire_workflow::person::{ChangedTrait, FormerValueUse, former_value};
use annuaire_workflow::request::{
    ActingPerson, BrokenRule, CivilChange, DecisionContext, IdentityMatch, LegalStatement, OpenRequestFact, Reach, RefusalReason,
    RequestEvent, RequestEventKind, RequestFacts,
};
use annuaire_workflow::request_number::RequestNumber;
use annuaire_workflow::routing::{AssignmentRule, route};
use annuaire_workflow::rpps_number::{RppsKey, RppsRange};
use annuaire_workflow::situation::{SituationLife, SituationState};
use annuaire_workflow::state::{Blocked, RequestHolder, RequestState};
use annuaire_workflow::timers::{KEPT_AFTER_ERASURE, due, erased_on, expires_on};
use annuaire_workflow::transition::Effect;
use world::{COLLEAGUE, PROFESSIONAL, actor, context, d, event, now, signed, today};

fn at_t01() -> RequestFacts {
    world::facts(Some(RequestState::S20), RequestKind::Primo, RequestOrigin::Ae)
}

fn validate(legal: LegalStatement) -> RequestEvent {
    RequestEvent::Validate { version: 7, legal, changed: vec![] }
}

fn as_manager(facts: &RequestFacts, event: &RequestEvent, context: &DecisionContext) -> Result<RequestDecision, RequestRefusal> {
    decide(facts, event, &actor(ActorKind::Gae), context)
}

fn as_system(facts: &RequestFacts, event: &RequestEvent, context: &DecisionContext) -> RequestDecision {
    decide(facts, event, &actor(ActorKind::Sys), context).unwrap()
}

fn process(found: IdentityMatch) -> RequestDecision {
    let facts = world::facts(Some(RequestState::S30), RequestKind::Primo, RequestOrigin::Ae);
    as_system(&facts, &RequestEvent::Process, &DecisionContext { identity_match: Some(found), ..context() })
}

fn twin(given: &str) -> IdentityTraits {
    IdentityTraits {
        family_name: "Essai".into(),
        given_names: vec![given.into()],
        birth: Some(d("1991-05-07")),
        place: BirthPlace { commune: "97128".into(), country: "99100".into(), town: String::new() },
        sex: "F".into(),
        ..Default::default()
    }
}

fn habilitated_on(target: PerimeterTarget) -> HabilitationGrant {
    HabilitationGrant { target, from: d("2026-01-01"), until: None, exclusions: Default::default() }
}

fn site(finess: &str, entity: &str) -> StructureRow {
    StructureRow { finess: finess.into(), legal_entity: entity.into(), ..Default::default() }
}

#[test]
fn a01_a_draft_has_a_number_and_a_status() {
    let new = RequestFacts::new(RequestKind::Primo, RequestOrigin::Ae, today());
    let created = as_manager(&new, &RequestEvent::Create, &context()).unwrap();
    assert_eq!((created.to, created.to.statut()), (RequestState::S10, "En cours de saisie GAE"));
    assert!(created.effects.contains(&Effect::AllotRequestNumber));
    assert_eq!(RequestNumber::new(d("2026-01-12"), 42).to_string(), "P20260112000042");
}

#[test]
fn a02_a_complete_draft_goes_to_the_instruction() {
    let draft = world::facts(Some(RequestState::S10), RequestKind::Primo, RequestOrigin::Ae);
    let sent = as_manager(&draft, &event(RequestEventKind::Submit), &context()).unwrap();
    assert_eq!(sent.to.label(), "Traitement en cours (T01) — à instruire par l'établissement");
}

#[test]
fn a03_without_the_legal_box_nothing_is_validated() {
    let refusal = as_manager(&at_t01(), &validate(LegalStatement::default()), &context()).unwrap_err();
    assert_eq!(refusal.code, MessageCode::ELeg01);
}

#[test]
fn a04_a_validated_request_gets_a_number_and_one_letter() {
    let validated = as_manager(&at_t01(), &validate(signed()), &context()).unwrap();
    assert_eq!(validated.to, RequestState::S30);
    let facts = RequestFacts { state: Some(validated.to), ..at_t01() };
    let done = as_system(&facts, &RequestEvent::Process, &context());
    assert_eq!(done.to.statut(), "Validée");
    assert_eq!(done.effects.iter().filter(|effect| **effect == Effect::Notify(NoticeId::N10)).count(), 1);
    let number = RppsRange::new("999").unwrap().number(0, &RppsKey::new([1; 32])).unwrap();
    assert!(luhn(&number) && number.len() == 11);
}

#[test]
fn a05_the_same_person_is_attached() {
    let again = score(&twin("Camille"), &twin("CAMILLE"), CommuneIndex::embedded());
    let strict = is_strict_match(&twin("Camille"), &twin("CAMILLE"));
    let done = process(IdentityMatch { score: again.total, strict, contact_verified: true, ..Default::default() });
    assert_eq!((done.transition, done.to), ("19", RequestState::S40));
    assert!(done.effects.contains(&Effect::Notify(NoticeId::N10b)) && !done.effects.contains(&Effect::AllotRpps));
    assert!(done.effects.contains(&Effect::DiscardContact), "a registration takes over no electronic identity");
}

#[test]
fn a06_twins_get_two_numbers() {
    let found = score(&twin("Alix"), &twin("Odile"), CommuneIndex::embedded());
    assert_eq!((found.total, found.class()), (75, MatchClass::Possible));
    let done = process(IdentityMatch { score: found.total, ..Default::default() });
    assert!(done.to == RequestState::S40 && done.effects.contains(&Effect::AllotRpps));
}

#[test]
fn a07_near_twins_go_to_an_arbiter_once() {
    let found = score(&twin("Marie-Alice"), &twin("Marie-Aline"), CommuneIndex::embedded());
    assert_eq!((found.total, found.class()), (89, MatchClass::Probable));
    let asked = process(IdentityMatch { score: found.total, ..Default::default() });
    assert_eq!(asked.to.statut(), "Traitement en cours (T03)");
    let facts = world::facts(Some(asked.to), RequestKind::Primo, RequestOrigin::Ae);
    let distinct = decide(&facts, &event(RequestEventKind::DistinctPersons), &actor(ActorKind::Arb), &context()).unwrap();
    assert!(distinct.to == RequestState::S30 && distinct.effects.contains(&Effect::StoreDistinctPair));
    // The pair is distinct for ever, so the search finds nobody.
    assert!(
        as_system(&world::facts(Some(distinct.to), RequestKind::Primo, RequestOrigin::Ae), &RequestEvent::Process, &context())
            .effects
            .contains(&Effect::AllotRpps)
    );
}

#[test]
fn a08_a_site_does_not_reach_its_neighbour() {
    let manager = perimeter(&[habilitated_on(PerimeterTarget::Site("990000010".into()))], &[], today());
    assert!(!manager.contains(&site("990000028", "990000002")));
    let new = RequestFacts::new(RequestKind::Primo, RequestOrigin::Ae, today());
    let refusal = as_manager(&new, &RequestEvent::Create, &DecisionContext { reach: Reach::Outside, ..context() }).unwrap_err();
    assert_eq!(refusal.code, MessageCode::EPer01);
}

#[test]
fn a09_a_legal_entity_reaches_its_sites() {
    let manager = perimeter(&[habilitated_on(PerimeterTarget::LegalEntity("990000002".into()))], &[], today());
    assert!(manager.contains(&site("990000028", "990000002")));
}

#[test]
fn a10_a_commune_that_was_merged_before_the_birth() {
    let draft = CivilDraft {
        civilite: "MME".into(),
        sexe: "F".into(),
        nom_famille: "Essai".into(),
        prenom1: "Camille".into(),
        date_naissance: "07/05/1991".into(),
        pays_naissance: "France".into(),
        commune_naissance: "Amareins (01003)".into(),
        ..Default::default()
    };
    let (status, findings) = check_civil_status(&draft, &FieldContext::embedded(today()));
    assert!(status.is_none());
    assert_eq!(findings.codes(), [MessageCode::ECiv07]);
    assert!(findings.list[0].text.contains("(01165)"), "{}", findings.list[0].text);
}

#[test]
fn a11_homonyms_are_told_apart_by_their_codes() {
    let found = CommuneIndex::embedded().propose("Sainte-Anne").list;
    let current: Vec<&str> =
        found.iter().filter(|p| p.name == "Sainte-Anne" && p.former.is_none()).map(|p| p.code.as_str()).collect();
    assert_eq!(current, ["25513", "32357", "41200", "97128", "97226"]);
    assert!(found.iter().filter(|p| p.name.starts_with("Sainte-Anne-")).count() >= 5);
    assert!(found.iter().all(|p| p.label().ends_with(&format!("({})", p.code))));
}

#[test]
fn a12_the_second_save_of_a_section_is_refused() {
    let mut draft = world::facts(Some(RequestState::S10), RequestKind::Primo, RequestOrigin::Ae);
    assert!(as_manager(&draft, &event(RequestEventKind::SaveSection), &context()).is_ok());
    draft.version += 1;
    let refusal = as_manager(&draft, &event(RequestEventKind::SaveSection), &context()).unwrap_err();
    assert_eq!(refusal.code, MessageCode::EGen09);
    assert!(refusal.text.contains("11 h 00"), "{}", refusal.text);
}

#[test]
fn a13_an_idle_draft_ends_and_is_erased() {
    let mut draft = world::facts(Some(RequestState::S10), RequestKind::Primo, RequestOrigin::Ae);
    draft.since = plus_days(today(), -89);
    let expire = |draft: &RequestFacts| decide(draft, &RequestEvent::Expire, &actor(ActorKind::Sys), &context());
    assert!(expire(&draft).is_err());
    draft.since = plus_days(today(), -90);
    let ended = expire(&draft).unwrap();
    assert_eq!(ended.to, RequestState::S61);
    let ended = RequestFacts { state: Some(ended.to), since: today(), ..draft };
    assert_eq!(erased_on(&ended), Some(plus_days(today(), 30)));
    assert!(KEPT_AFTER_ERASURE.contains(&"number"));
}

#[test]
fn a14_a_professional_submits_to_a_structure_with_a_manager() {
    let draft = world::facts(Some(RequestState::S11), RequestKind::Primo, RequestOrigin::Professional);
    let sent = decide(&draft, &event(RequestEventKind::Submit), &actor(ActorKind::Prol), &context()).unwrap();
    assert_eq!((sent.to, sent.transition), (RequestState::S20, "07"));
    for notice in [NoticeId::N01, NoticeId::N03] {
        assert!(sent.effects.contains(&Effect::Notify(notice)));
    }
    assert!(FIELDS_OF_FRANCE_CONNECT.contains(&"nomFamille") && !FIELDS_OF_FRANCE_CONNECT.contains(&"civilite"));
    assert_eq!(first_state(CivilStatusSource::FranceConnect).code(), "FC");
}

#[test]
fn a15_a_professional_submits_to_a_structure_without_manager() {
    let draft = world::facts(Some(RequestState::S11), RequestKind::Primo, RequestOrigin::Professional);
    let nobody = DecisionContext { manager_exists: false, ..context() };
    let sent = decide(&draft, &event(RequestEventKind::Submit), &actor(ActorKind::Prol), &nobody).unwrap();
    assert!(sent.to == RequestState::S20 && sent.effects.contains(&Effect::Notify(NoticeId::N04)));
    assert_eq!(route(&[], &[], AssignmentRule::SiteFirst, None).holder, RequestHolder::AbsentAe);
    let waiting = RequestFacts { state: Some(sent.to), waiting_for_manager: true, since: today(), ..draft };
    assert_eq!(expires_on(&waiting), Some(plus_days(today(), 60)));
    assert_eq!(waiting.holder(), RequestHolder::AbsentAe);
}

#[test]
fn a16_whoever_has_a_number_makes_no_second_draft() {
    let new = RequestFacts::new(RequestKind::Primo, RequestOrigin::Professional, today());
    let registered = DecisionContext { identity_registered: true, ..context() };
    let refusal = decide(&new, &RequestEvent::Create, &actor(ActorKind::Prol), &registered).unwrap_err();
    assert_eq!(refusal.code, MessageCode::M02);
    assert!(!refusal.text.contains("999"), "the number is not told");
}

#[test]
fn a17_a_free_reason_has_ten_characters() {
    let refuse = |text: &str| RequestEvent::Refuse { reason: Some(RefusalReason::R99), text: text.into() };
    assert_eq!(as_manager(&at_t01(), &refuse("x"), &context()).unwrap_err().code, MessageCode::EGen03);
    assert_eq!(as_manager(&at_t01(), &refuse("dix lettre"), &context()).unwrap().to, RequestState::S50);
    assert!(as_manager(&at_t01(), &refuse(&"x".repeat(501)), &context()).is_err());
}

#[test]
fn a18_four_eyes_keep_the_author_from_validating() {
    let mine = RequestFacts { author: COLLEAGUE.into(), ..at_t01() };
    let four_eyes = DecisionContext { four_eyes: true, ..context() };
    assert_eq!(as_manager(&mine, &validate(signed()), &four_eyes).unwrap_err().code, MessageCode::EReq05);
    assert!(as_manager(&at_t01(), &validate(signed()), &four_eyes).is_ok());
    assert!(as_manager(&mine, &validate(signed()), &context()).is_ok());
}

#[test]
fn a19_a_situation_is_over_on_the_day_after_its_end() {
    let life = SituationLife { from: d("2026-01-01"), until: Some(today()), cancelled: false, structure_closed: None };
    assert_eq!(life.state(today()), SituationState::Active);
    let after = life.state(plus_days(today(), 1));
    assert!(after == SituationState::Ended && !after.is_public());
}

#[test]
fn a20_a_contact_changes_after_the_code() {
    let draft = world::facts(Some(RequestState::S11), RequestKind::Coord, RequestOrigin::Professional);
    let without = DecisionContext { code_verified: false, ..context() };
    let send = |context| decide(&draft, &event(RequestEventKind::Submit), &actor(ActorKind::Pro), context);
    assert_eq!(send(&without).unwrap_err().code, MessageCode::EReq11);
    assert!(send(&context()).unwrap().effects.contains(&Effect::Notify(NoticeId::N12)));
    assert_eq!(contact_change(ActorKind::Pro, true, false), ContactChangeWay::CodeThenEffect);
}

#[test]
fn a21_silence_accepts_a_declared_departure() {
    let mut leaving = world::facts(Some(RequestState::S20), RequestKind::Fin, RequestOrigin::Professional);
    leaving.since = plus_days(today(), -14);
    let accept = |facts: &RequestFacts| decide(facts, &RequestEvent::AcceptSilence, &actor(ActorKind::Sys), &context());
    assert!(accept(&leaving).is_err());
    leaving.since = plus_days(today(), -15);
    let accepted = accept(&leaving).unwrap();
    assert!(accepted.to == RequestState::S30 && accepted.effects.contains(&Effect::FlagDeclaredEnd));
}

#[test]
fn a22_a_death_closes_requests_without_a_message() {
    for state in RequestState::ALL.iter().filter(|state| !state.terminal()) {
        for blocked in [None, Some(Blocked::PersonDeceased)] {
            let mut open = world::facts(Some(*state), RequestKind::Primo, RequestOrigin::Professional);
            open.blocked = blocked;
            let closed = as_system(&open, &RequestEvent::DeathKnown, &context());
            assert_eq!(closed.to.statut(), "Rejetée");
            assert!(!closed.effects.iter().any(|effect| matches!(effect, Effect::Notify(_))));
        }
    }
    let processing = world::facts(Some(RequestState::S30), RequestKind::Ajout, RequestOrigin::Ae);
    let found = DecisionContext { broken_rule: Some(BrokenRule::PersonDeceased), ..context() };
    assert!(as_system(&processing, &RequestEvent::Process, &found).effects.contains(&Effect::CloseSilently));
}

#[test]
fn a23_a_lost_habilitation_freezes_the_request() {
    let lost = DecisionContext { reach: Reach::Ended { structure: "Structure d'essai".into(), on: today() }, ..context() };
    let refusal = as_manager(&at_t01(), &validate(signed()), &lost).unwrap_err();
    assert_eq!(
        (refusal.code, refusal.text.as_str()),
        (MessageCode::EPer02, "Votre habilitation pour Structure d'essai a pris fin le 01/06/2026.")
    );
    let frozen = as_system(&at_t01(), &RequestEvent::Block(Blocked::HabilitationLost), &context());
    assert!(frozen.blocked && frozen.to == RequestState::S20 && frozen.effects.contains(&Effect::Notify(NoticeId::N18)));
    let frozen = RequestFacts { blocked: Some(Blocked::HabilitationLost), ..at_t01() };
    assert_eq!(as_manager(&frozen, &validate(signed()), &lost).unwrap_err().code, MessageCode::EPer02);
    assert_eq!(as_manager(&frozen, &validate(signed()), &context()).unwrap_err().code, MessageCode::EReq06);
    // Another manager keeps the request alive, and support may hand it over.
    let block = RequestEvent::Block(Blocked::HabilitationLost);
    let other = DecisionContext { other_manager: true, ..context() };
    assert!(decide(&at_t01(), &block, &actor(ActorKind::Sys), &other).is_err());
    let moved = decide(&frozen, &event(RequestEventKind::Reassign), &actor(ActorKind::Sup), &context()).unwrap();
    assert!(!moved.blocked && moved.effects.contains(&Effect::Unblock));
}

#[test]
fn a24_a_failure_is_tried_again_and_told_after_the_third() {
    let mut facts = world::facts(Some(RequestState::S30), RequestKind::Primo, RequestOrigin::Ae);
    let failed = DecisionContext { processing_failed: true, ..context() };
    let alerts = [0, 1, 2, 9].map(|failures| {
        facts.failures = failures;
        let again = as_system(&facts, &RequestEvent::Process, &failed);
        assert!(again.to == RequestState::S30 && again.effects.contains(&Effect::RetryLater));
        again.effects.contains(&Effect::AlertOperators)
    });
    assert_eq!(alerts, [false, false, true, true]);
    assert_eq!([1, 2, 3, 4, 5, 6].map(annuaire_workflow::decide::retry_minutes), [1, 5, 30, 120, 720, 720]);
}

#[test]
fn a25_a_site_takes_its_requests_to_another_legal_entity() {
    let before = perimeter(&[habilitated_on(PerimeterTarget::LegalEntity("990000002".into()))], &[], today());
    let after = perimeter(&[habilitated_on(PerimeterTarget::LegalEntity("990000036".into()))], &[], today());
    let moved = site("990000010", "990000036");
    assert!(!before.contains(&moved) && after.contains(&moved));
}

#[test]
fn a31_a_former_given_name_is_for_arbiters_alone() {
    assert_eq!(former_value(ChangedTrait::GivenName), FormerValueUse::ArbitersOnly);
    let mut facts = world::facts(Some(RequestState::S30), RequestKind::Civil, RequestOrigin::Ae);
    for (traits, birth_date, to) in [(1, false, RequestState::S40), (2, false, RequestState::S35), (1, true, RequestState::S35)] {
        facts.civil_change = CivilChange { traits, birth_date };
        assert_eq!(as_system(&facts, &RequestEvent::Process, &context()).to, to);
    }
}

#[test]
fn a32_an_empty_value_is_said_in_words() {
    assert_eq!((shown(""), shown("Essai")), ("Non renseigné", "Essai"));
}

#[test]
fn a33_nobody_validates_a_request_about_themselves() {
    let mine = RequestFacts { subject: Some(COLLEAGUE.into()), ..at_t01() };
    assert_eq!(as_manager(&mine, &validate(signed()), &context()).unwrap_err().code, MessageCode::EReq04);
}

#[test]
fn a34_a_mobile_overseas_has_its_calling_code() {
    assert_eq!(mobile("0692000012", &[]).as_deref(), Ok("+262692000012"));
}

#[test]
fn a35_a_doubtful_number_that_leads_to_nothing() {
    let mut findings = check_structure_search(&StructureQuery { finess: "2A0000006".into(), ..Default::default() });
    check_structure_results(&mut findings, 0);
    assert_eq!(findings.codes(), [MessageCode::WStr02, MessageCode::EStr02]);
}

/// The number of another request is told to those alone who may see it (E-REQ-01).
#[test]
fn another_open_request_is_named_to_those_who_see_it() {
    let draft = world::facts(Some(RequestState::S10), RequestKind::Primo, RequestOrigin::Ae);
    let said = |may_be_named| {
        let open_request = Some(OpenRequestFact { number: "P20260101000001".into(), may_be_named });
        as_manager(&draft, &event(RequestEventKind::Submit), &DecisionContext { open_request, ..context() }).unwrap_err()
    };
    assert_eq!((said(true).code, said(false).code), (MessageCode::EReq01, MessageCode::EReq01));
    assert!(said(true).text.contains("P20260101000001"));
    assert_eq!(said(false).text, "Une demande est déjà en cours pour cette personne.");
}

/// What a manager changes while instructing a request of a professional is listed in N10, and a weak identity waits for its
/// certification.
#[test]
fn the_instruction_of_a_request_of_a_professional() {
    let facts = world::facts(Some(RequestState::S20), RequestKind::Primo, RequestOrigin::Professional);
    let legal = LegalStatement {
        confirmed: true,
        face_to_face: false,
        method: Some(annuaire_workflow::request::VerificationMethod::CheckedAtHiring),
    };
    let event = RequestEvent::Validate { version: 7, legal, changed: vec!["role".into()] };
    let effects = as_manager(&facts, &event, &context()).unwrap().effects;
    assert!(effects.contains(&Effect::ListChanges) && effects.contains(&Effect::WithholdMeans));
    let seen = as_manager(&facts, &validate(signed()), &context()).unwrap().effects;
    assert!(!seen.contains(&Effect::ListChanges) && !seen.contains(&Effect::WithholdMeans));
}

/// Whoever wrote a request may take it back after losing the habilitation; nobody else of the old authority may.
#[test]
fn an_author_may_always_take_a_request_back() {
    let lost = DecisionContext { reach: Reach::Ended { structure: "Structure d'essai".into(), on: today() }, ..context() };
    let frozen = RequestFacts { blocked: Some(Blocked::HabilitationLost), ..at_t01() };
    let author = ActingPerson { id: world::AUTHOR.into(), ..actor(ActorKind::Gae) };
    assert_eq!(decide(&frozen, &RequestEvent::Withdraw, &author, &lost).unwrap().to, RequestState::S70);
    assert_eq!(as_manager(&frozen, &RequestEvent::Withdraw, &lost).unwrap_err().code, MessageCode::EPer02);
    let professional = world::facts(Some(RequestState::S35), RequestKind::Primo, RequestOrigin::Professional);
    let person = ActingPerson { kind: ActorKind::Prol, id: PROFESSIONAL.into(), ae: None };
    assert_eq!(decide(&professional, &RequestEvent::Withdraw, &person, &context()).unwrap().to, RequestState::S70);
    assert!(now() > 0 && due(&professional, &[], today()).len() <= 1);
}
