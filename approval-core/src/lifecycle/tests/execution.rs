use super::*;
use crate::model::{Attachment, Enclosed, Execution, Outcome, Status, canonical::arguments_digest_with};

fn succeeded() -> Ending {
    Ending::Succeeded { result: Some(json("1")) }
}

fn failed(why: &str) -> Ending {
    Ending::Failed { why: text(why), started: true }
}

fn unknown() -> Ending {
    Ending::Unknown { why: text("dropped") }
}

fn running() -> World {
    let mut world = approved();
    world.consume(2).unwrap();
    world
}

fn doubtful() -> World {
    let mut world = running();
    world.finish(unknown(), 3).unwrap();
    world
}

#[test]
fn a_grant_is_spent_once() {
    let mut world = approved();
    let grant = world.request.grant.clone().unwrap();
    let transition = world.consume(2).unwrap();
    assert_eq!(
        world.request.execution.as_deref(),
        Some(&Execution::Executing { executor: executor(7), at: at(2) })
    );
    assert_eq!(transition.not_after, Some(grant.expires_at));
    assert_eq!(transition.requires, [Requires::SameHalts, Requires::LeaseHeld(executor(7))]);
    assert_eq!(
        told(&transition),
        [EventKind::Consumed { grant: grant.id, executor: executor(7), basis: None }]
    );
    assert_eq!(world.consume(3).unwrap_err(), Refusal::AlreadyRan(ExecutionState::Executing));
    world.finish(succeeded(), 4).unwrap();
    assert_eq!(world.consume(5).unwrap_err(), Refusal::AlreadyRan(ExecutionState::Succeeded));
}

fn attached(text: &str) -> Arc<Enclosed> {
    Arc::new(vec![Attachment::text("a.txt", text).unwrap()].into())
}

#[test]
fn what_is_attached_must_be_what_was_approved() {
    let mut draft = draft(gate([need(1, "ann")]));
    draft.enclosed = Some(attached("net 30"));
    draft.digest = arguments_digest_with(
        draft.action.name.as_str(),
        1,
        None,
        &draft.arguments,
        &[Attachment::text("a.txt", "net 30").unwrap()],
    );
    let mut world = World::open(draft, People::default());
    world.approve("ann", 1).unwrap();
    let mut other = world.clone();
    other.request.enclosed = Some(attached("net 60"));
    assert_eq!(other.consume(2).unwrap_err(), Refusal::Altered);
    world.consume(2).unwrap();
}

#[test]
fn nothing_runs_that_is_not_approved() {
    let mut world = World::new(gate([need(1, "ann")]));
    assert_eq!(world.consume(1).unwrap_err(), Refusal::NotApproved);
    world.reject("ann", 2).unwrap();
    assert_eq!(world.consume(3).unwrap_err(), Refusal::NotApproved);
}

#[test]
fn a_grant_is_bound_to_agent_action_arguments_nonce_and_time() {
    let world = approved();
    let consume = |change: &dyn Fn(&mut Act), seconds| {
        let mut act = world.consume_act();
        change(&mut act);
        world.clone().act(&agent(), act, seconds).map(|_| ())
    };
    consume(&|_| {}, 900).unwrap();
    assert_eq!(consume(&|_| {}, 901).unwrap_err(), Refusal::GrantExpired(at(901)));
    let wrong = [
        consume(&|act| change(act, |_, claim| claim.namespace = text("other")), 2),
        consume(&|act| change(act, |_, claim| claim.agents = Agents::one(p("agent:other"))), 2),
        consume(&|act| change(act, |_, claim| claim.behind = Behind::Exactly(Some(user("zoe")))), 2),
        consume(&|act| change(act, |_, claim| claim.action = ActionName::new("payments.pay").unwrap()), 2),
        consume(&|act| change(act, |_, claim| claim.version = 2), 2),
        consume(&|act| change(act, |_, claim| claim.schema = Some(SchemaDigest::from_bytes([0; 32]))), 2),
        consume(&|act| change(act, |_, claim| claim.digest = ArgumentsDigest::from_bytes([0; 32])), 2),
        consume(&|act| change(act, |grant, _| *grant = GrantId::from_uuid(id(5))), 2),
    ];
    let wrong: Vec<Refusal> = wrong.into_iter().map(Result::unwrap_err).collect();
    assert!(wrong.iter().all(|refusal| matches!(refusal, Refusal::WrongGrant(_))), "{wrong:?}");
    assert_eq!(
        wrong.iter().map(|refusal| format!("{refusal:?}")).collect::<std::collections::BTreeSet<_>>().len(),
        8
    );
}

fn change(act: &mut Act, with: impl FnOnce(&mut GrantId, &mut Claim)) {
    let Act::Consume { grant, claim, .. } = act else { panic!() };
    with(grant, claim);
}

#[test]
fn a_worker_for_many_runs_for_its_agents_and_any_person() {
    let mut world = approved();
    world.request.on_behalf_of = Some(user("zoe"));
    let consume = |agents: Agents, behind: Behind| {
        let mut act = world.consume_act();
        change(&mut act, |_, claim| (claim.agents, claim.behind) = (agents, behind));
        world.clone().act(&agent(), act, 2).map(|_| ())
    };
    consume(Agents::Any, Behind::Any).unwrap();
    consume(Agents::These(vec![p("agent:other"), agent()]), Behind::Exactly(Some(user("zoe")))).unwrap();
    for (agents, behind) in [
        (Agents::These(Vec::new()), Behind::Any),
        (Agents::These(vec![p("agent:other"), p("agent:third")]), Behind::Any),
        (Agents::Any, Behind::Exactly(None)),
        (Agents::Any, Behind::Exactly(Some(user("ann")))),
    ] {
        assert!(matches!(consume(agents, behind).unwrap_err(), Refusal::WrongGrant(_)));
    }
}

#[test]
fn another_name_of_the_person_behind_is_the_same_person() {
    let mut world = approved();
    world.request.on_behalf_of = Some(user("ann"));
    let mut act = world.consume_act();
    change(&mut act, |_, claim| claim.behind = Behind::Exactly(Some(user("ann+work"))));
    world.people.aliases = [(user("ann+work"), user("ann"))].into();
    world.act(&agent(), act, 2).unwrap();
}

#[test]
fn a_row_whose_arguments_do_not_fit_its_digest_never_runs() {
    let refused = |change: &dyn Fn(&mut Request)| {
        let mut world = approved();
        change(&mut world.request);
        let grant = world.request.grant.clone();
        let mut act = world.consume_act();
        // The caller claims the digest that was approved.
        let Act::Consume { claim, .. } = &mut act else { panic!() };
        claim.digest = grant.unwrap().digest;
        world.act(&agent(), act, 2).unwrap_err()
    };
    let other = json(r#"{"cents":999999}"#);
    let other_digest = approved().request.digest_with(&other);
    assert_eq!(refused(&|request| request.revision.arguments = other.clone()), Refusal::Altered);
    assert_eq!(
        refused(&|request| {
            request.revision.arguments = other.clone();
            request.revision.digest = other_digest;
        }),
        Refusal::Altered
    );
    assert_eq!(refused(&|request| request.enclosed = Some(attached("net 60"))), Refusal::Altered);
}

#[test]
fn nothing_begins_while_halted() {
    let mut world = approved();
    world.halts = Halts(vec![halt()]);
    assert_eq!(world.consume(2).unwrap_err(), Refusal::Halted(halt()));
}

#[test]
fn the_executor_reports_the_end() {
    for (ending, state) in [
        (succeeded(), ExecutionState::Succeeded),
        (failed("no money"), ExecutionState::Failed),
        (unknown(), ExecutionState::Unknown),
    ] {
        let mut world = running();
        let other = Act::Finish { executor: executor(8), ending: ending.clone() };
        assert_eq!(world.act(&agent(), other, 3).unwrap_err(), Refusal::NotExecuting);
        let transition = world.finish(ending.clone(), 3).unwrap();
        assert_eq!(world.state(), Some(state));
        assert!(
            matches!(told(&transition).as_slice(), [EventKind::Executed { state: told, .. }] if **told == *state.as_str())
        );
        assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann"]);
        assert_eq!(world.finish(ending, 4).unwrap_err(), Refusal::NothingToDo, "a repetition");
    }
}

#[test]
fn another_end_than_the_reported_one_is_refused() {
    let mut world = running();
    world.finish(succeeded(), 3).unwrap();
    for ending in [failed("x"), unknown(), Ending::Succeeded { result: None }] {
        assert_eq!(world.finish(ending, 4).unwrap_err(), Refusal::NotExecuting);
    }
    let mut world = running();
    world.finish(failed("x"), 3).unwrap();
    let unstarted = Ending::Failed { why: text("x"), started: false };
    for ending in [succeeded(), failed("y"), unstarted] {
        assert_eq!(world.finish(ending, 4).unwrap_err(), Refusal::NotExecuting);
    }
    assert_eq!(approved().finish(succeeded(), 4).unwrap_err(), Refusal::NotExecuting);
    assert_eq!(World::new(gate([need(1, "ann")])).finish(succeeded(), 4).unwrap_err(), Refusal::NotExecuting);
}

#[test]
fn a_long_error_is_cut_not_refused() {
    let mut world = running();
    world.finish(failed(&"ä".repeat(5000)), 3).unwrap();
    let Some(Execution::Failed { why, .. }) = world.request.execution.as_deref() else { panic!() };
    assert_eq!((why.chars().count(), why.chars().last()), (limits::FAILURE_LIMIT, Some('…')));
    assert_eq!(world.finish(failed(&"ä".repeat(5000)), 4).unwrap_err(), Refusal::NothingToDo);
}

#[test]
fn a_lost_process_leaves_a_doubt() {
    let mut world = running();
    let lose = |number| Act::LoseLease { executor: executor(number) };
    assert_eq!(world.act(&p("service:due"), lose(8), 5).unwrap_err(), Refusal::NothingToDo);
    let transition = world.act(&p("service:due"), lose(7), 5).unwrap();
    assert_eq!(world.state(), Some(ExecutionState::Unknown));
    assert_eq!(transition.requires, [Requires::LeaseLost(executor(7))]);
    assert_eq!(world.act(&p("service:due"), lose(7), 6).unwrap_err(), Refusal::NothingToDo);
    for ending in [succeeded(), unknown()] {
        let other = Act::Finish { executor: executor(8), ending };
        assert_eq!(world.clone().act(&agent(), other, 7).unwrap_err(), Refusal::NotExecuting);
    }
    world.finish(succeeded(), 7).unwrap();
    assert_eq!(world.state(), Some(ExecutionState::Succeeded), "the same process reports late");
}

#[test]
fn a_person_settles_a_doubt() {
    let settle = |settlement, note: Option<&str>| Act::Settle { settlement, note: note.map(text) };
    for (settlement, state) in
        [(Settlement::Succeeded, ExecutionState::Succeeded), (Settlement::Failed, ExecutionState::Failed)]
    {
        let mut world = doubtful();
        let act = settle(settlement, Some("saw it"));
        assert!(matches!(world.act(&user("eve"), act.clone(), 4), Err(Refusal::NotPermitted { .. })));
        assert!(matches!(world.act(&agent(), act.clone(), 4), Err(Refusal::NotPermitted { .. })));
        world.clone().operate(act.clone(), 4).unwrap();
        let transition = world.act(&user("ann"), act.clone(), 4).unwrap();
        assert_eq!(world.state(), Some(state));
        assert_eq!(
            told(&transition),
            [EventKind::Settled { state: state.as_str().into(), note: Some(text("saw it")) }]
        );
        assert_eq!(notified(&transition, NoticeKind::Outcome), ["agent:worker"]);
        assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann"]);
        assert_eq!(world.act(&user("ann"), act, 5).unwrap_err(), Refusal::NothingToDo);
        assert_eq!(world.finish(failed("late"), 6).unwrap_err(), Refusal::NotExecuting);
    }
    let mut world = doubtful();
    world.act(&user("ann"), settle(Settlement::Failed, None), 4).unwrap();
    assert_eq!(
        world.request.execution.as_deref(),
        Some(&Execution::Failed { at: at(4), why: text("settled as failed by user:ann"), started: true })
    );
    let act = settle(Settlement::Failed, None);
    assert_eq!(running().act(&user("ann"), act.clone(), 4).unwrap_err(), Refusal::NothingToDo);
    assert_eq!(
        World::new(gate([need(1, "ann")])).act(&user("ann"), act, 4).unwrap_err(),
        Refusal::NotApproved
    );
}

#[test]
fn an_approval_can_be_taken_back_until_it_is_used() {
    let revoke = || Act::Revoke { reason: text("wrong person") };
    let mut world = World::new(gate([need(1, "ann bob")]));
    assert_eq!(world.act(&user("ann"), revoke(), 1).unwrap_err(), Refusal::NotApproved);
    world.approve("ann", 1).unwrap();
    for other in [user("bob"), user("eve"), agent()] {
        assert!(matches!(world.act(&other, revoke(), 2), Err(Refusal::NotPermitted { .. })), "{other}");
    }
    assert!(matches!(
        world.act(&user("ann"), Act::Revoke { reason: text(" ") }, 2),
        Err(Refusal::Invalid(_))
    ));
    world.clone().operate(revoke(), 2).unwrap();
    let mut run = world.clone();
    let transition = world.act(&user("ann"), revoke(), 2).unwrap();
    assert_eq!(world.state(), Some(ExecutionState::Revoked));
    assert_eq!(world.request.status, Status::Approved);
    assert_eq!(transition.not_after, Some(at(901)));
    assert_eq!(told(&transition), [EventKind::Revoked { why: text("wrong person") }]);
    assert_eq!(notified(&transition, NoticeKind::Closed), ["user:ann", "user:bob"]);
    assert_eq!(notified(&transition, NoticeKind::Outcome), ["agent:worker"]);
    let gone = Refusal::Revoked { by: user("ann"), why: text("wrong person") };
    assert_eq!(world.consume(3).unwrap_err(), gone);
    assert_eq!(world.act(&user("ann"), revoke(), 3).unwrap_err(), gone);
    assert_eq!(due_at(&world.request), None);

    assert_eq!(run.act(&user("ann"), revoke(), 901).unwrap_err(), Refusal::GrantExpired(at(901)));
    run.consume(3).unwrap();
    assert_eq!(
        run.act(&user("ann"), revoke(), 4).unwrap_err(),
        Refusal::AlreadyRan(ExecutionState::Executing)
    );
}

#[test]
fn what_time_approved_those_who_might_have_objected_take_back() {
    let mut world = approved();
    world.request.votes.clear();
    let mut decision = world.decision().clone();
    decision.by_timeout = true;
    decision.by.clear();
    world.request.decision = Some(Arc::new(decision));
    let revoke = || Act::Revoke { reason: text("no") };
    assert!(world.act(&user("eve"), revoke(), 2).is_err());
    world.act(&user("ann"), revoke(), 2).unwrap();
}

#[test]
fn a_request_can_be_cancelled_by_those_behind_it() {
    let mut draft = draft(gate([need(1, "ann")]));
    draft.on_behalf_of = Some(user("eve+x"));
    let people = People { aliases: [(user("eve+x"), user("eve"))].into(), ..People::default() };
    let world = World::open(draft, people);
    let cancel = || Act::Cancel { reason: Some(text("never mind")) };
    for who in [user("ann"), user("zoe"), p("agent:other")] {
        assert!(matches!(world.clone().act(&who, cancel(), 1), Err(Refusal::NotPermitted { .. })), "{who}");
    }
    world.clone().operate(cancel(), 1).unwrap();
    world.clone().act(&agent(), cancel(), 1).unwrap();
    let mut world = world;
    assert_eq!(world.act(&user("eve"), cancel(), 3600).unwrap_err(), Refusal::DeadlinePassed(at(3600)));
    let transition = world.act(&user("eve"), cancel(), 1).unwrap();
    assert_eq!(world.request.status, Status::Cancelled);
    let decision = world.decision();
    assert_eq!((decision.outcome, decision.by_halt), (Outcome::Cancelled, false));
    assert_eq!((&decision.by, decision.reason.as_deref()), (&vec![user("eve")], Some("never mind")));
    assert_eq!(transition.not_after, Some(at(3600)));
    assert!(matches!(world.act(&agent(), cancel(), 2), Err(Refusal::AlreadyDecided(_))));
}

#[test]
fn a_halt_cancels_what_is_open_and_revokes_what_has_not_begun() {
    let halt_it = || Act::Halt { reason: text("stop") };
    let mut world = World::new(gate([need(1, "ann")]));
    assert!(matches!(world.act(&user("eve"), halt_it(), 1), Err(Refusal::NotPermitted { .. })));
    world.clone().operate(halt_it(), 1).unwrap();
    world.halts = Halts(vec![halt()]);
    let transition = world.act(&p("service:halt"), halt_it(), 5000).unwrap();
    assert_eq!((world.request.status, world.decision().by_halt), (Status::Cancelled, true));
    assert_eq!(world.decision().by, [p("service:halt")]);
    assert_eq!(world.decision().reason, Some(text("stop")));
    assert_eq!((transition.not_after, transition.requires), (None, vec![Requires::SameHalts]));
    assert_eq!(world.operate(halt_it(), 6000).unwrap_err(), Refusal::NothingToDo);

    let mut world = approved();
    world.halts = Halts(vec![halt()]);
    let transition = world.act(&p("service:halt"), halt_it(), 2).unwrap();
    assert_eq!(world.state(), Some(ExecutionState::Revoked));
    assert_eq!(transition.requires, [Requires::SameHalts]);

    assert_eq!(running().operate(halt_it(), 3).unwrap_err(), Refusal::NothingToDo);
}

fn idempotent(mut world: World) -> World {
    world.request.action = Arc::new(ActionInfo { idempotent: true, ..(*world.request.action).clone() });
    world
}

/// An idempotent action whose run ended so.
fn ended(ending: Ending) -> World {
    let mut world = idempotent(running());
    world.finish(ending, 3).unwrap();
    world
}

#[test]
fn only_what_is_harmless_twice_is_reopened() {
    for (ending, state) in [(unknown(), ExecutionState::Unknown), (failed("no"), ExecutionState::Failed)] {
        let mut once = running();
        once.finish(ending.clone(), 3).unwrap();
        assert!(matches!(once.act(&agent(), Act::Reopen, 4), Err(Refusal::NotPermitted { .. })));
        let mut world = ended(ending);
        assert!(matches!(world.act(&user("eve"), Act::Reopen, 4), Err(Refusal::NotPermitted { .. })));
        let mut halted = world.clone();
        halted.halts = Halts(vec![halt()]);
        assert_eq!(halted.act(&agent(), Act::Reopen, 4).unwrap_err(), Refusal::Halted(halt()));
        let before = world.request.grant.clone().unwrap();
        for who in [agent(), p("service:recovery"), user("ann")] {
            world.clone().act(&who, Act::Reopen, 4).unwrap();
        }
        let transition = world.act(&agent(), Act::Reopen, 4).unwrap();
        let grant = world.request.grant.clone().unwrap();
        assert_ne!(grant.id, before.id);
        assert_eq!((grant.digest, grant.expires_at), (before.digest, before.expires_at), "no longer time");
        assert_eq!((grant.ran_before, grant.not_again), (Some(state), false));
        assert_eq!((before.ran_before, before.not_again), (None, false));
        assert_eq!(transition.not_after, Some(before.expires_at));
        assert_eq!(world.state(), Some(ExecutionState::NotStarted));
        assert_eq!(transition.requires, [Requires::SameHalts]);
        assert_eq!(told(&transition), [EventKind::Reopened]);
        assert_eq!(world.finish(succeeded(), 5).unwrap_err(), Refusal::NotExecuting, "the old run is over");
        assert_eq!(world.act(&agent(), Act::Reopen, 5).unwrap_err(), Refusal::NothingToDo);
        world.consume(6).unwrap();
        assert_eq!(
            world.act(&agent(), Act::Reopen, 7).unwrap_err(),
            Refusal::AlreadyRan(ExecutionState::Executing)
        );
        world.finish(succeeded(), 8).unwrap();
        assert_eq!(
            world.act(&agent(), Act::Reopen, 9).unwrap_err(),
            Refusal::AlreadyRan(ExecutionState::Succeeded)
        );
    }
    let open = &mut World::new(gate([need(1, "ann")]));
    assert_eq!(open.act(&agent(), Act::Reopen, 1).unwrap_err(), Refusal::NotApproved);
}

#[test]
fn the_right_to_run_again_ends_with_the_time_of_the_grant() {
    for (ending, state) in [(unknown(), ExecutionState::Unknown), (failed("no"), ExecutionState::Failed)] {
        let world = ended(ending.clone());
        assert!(may_reopen(&world.request, at(900)));
        assert!(world.clone().act(&agent(), Act::Reopen, 900).is_ok());
        assert!(!may_reopen(&world.request, at(901)));
        assert_eq!(
            world.clone().act(&agent(), Act::Reopen, 901).unwrap_err(),
            Refusal::AlreadyRan(state),
            "what happened"
        );
        // However often it is reopened.
        let mut world = world;
        for seconds in [100, 200, 300] {
            world.act(&agent(), Act::Reopen, seconds).unwrap();
            world.consume(seconds + 1).unwrap();
            world.finish(ending.clone(), seconds + 2).unwrap();
            assert_eq!(world.request.grant.as_ref().unwrap().expires_at, at(901));
        }
        assert!(!may_reopen(&world.request, at(901)));
        let retry = Act::Retry { successor: RequestId::from_uuid(id(2)) };
        assert_eq!(world.act(&agent(), retry, 1000).is_ok(), state == ExecutionState::Failed);
    }
    let mut once = running();
    once.finish(failed("no"), 3).unwrap();
    assert!(!may_reopen(&once.request, at(4)), "it is not declared idempotent");
    for other in [idempotent(running()), idempotent(approved()), ended(succeeded())] {
        assert!(!may_reopen(&other.request, at(4)));
    }
    let mut retried = ended(failed("no"));
    let successor = RequestId::from_uuid(id(2));
    retried.act(&agent(), Act::Retry { successor }, 4).unwrap();
    assert!(!may_reopen(&retried.request, at(5)));
    assert_eq!(retried.act(&agent(), Act::Reopen, 5).unwrap_err(), Refusal::AlreadyRetried(successor));
}

#[test]
fn until_when_an_idempotent_action_may_run_again_is_known_from_its_approval_on() {
    let open = World::new(gate([need(1, "ann")]));
    assert_eq!(rerun_until(&idempotent(open).request), None);
    let may = [idempotent(approved()), idempotent(running()), ended(unknown()), ended(failed("no"))];
    for world in may {
        assert_eq!(rerun_until(&world.request), Some(at(901)), "{:?}", world.request.execution);
    }
    let mut revoked = ended(failed("no"));
    revoked.operate(Act::Revoke { reason: text("no") }, 4).unwrap();
    for world in [approved(), running(), ended(succeeded()), revoked] {
        assert_eq!(rerun_until(&world.request), None, "{:?}", world.request.execution);
    }
}

#[test]
fn a_person_takes_the_right_to_run_again_back() {
    let revoke = || Act::Revoke { reason: text("the order was paid by hand") };
    for (ending, state) in [(unknown(), ExecutionState::Unknown), (failed("no"), ExecutionState::Failed)] {
        let mut once = running();
        once.finish(ending.clone(), 3).unwrap();
        assert_eq!(once.act(&user("ann"), revoke(), 4).unwrap_err(), Refusal::AlreadyRan(state));
        let mut world = ended(ending);
        let execution = world.request.execution.clone();
        assert!(matches!(world.act(&user("eve"), revoke(), 4), Err(Refusal::NotPermitted { .. })));
        assert!(matches!(world.act(&agent(), revoke(), 4), Err(Refusal::NotPermitted { .. })));
        let blank = Act::Revoke { reason: text(" ") };
        assert!(matches!(world.act(&user("ann"), blank, 4), Err(Refusal::Invalid(_))));
        assert_eq!(
            world.clone().act(&user("ann"), revoke(), 901).unwrap_err(),
            Refusal::AlreadyRan(state),
            "nothing is left to take back"
        );
        world.clone().operate(revoke(), 4).unwrap();
        let transition = world.act(&user("ann"), revoke(), 4).unwrap();
        assert_eq!(told(&transition), [EventKind::Revoked { why: text("the order was paid by hand") }]);
        assert_eq!(transition.not_after, Some(at(901)));
        assert_eq!(world.request.execution, execution, "what happened stays");
        assert!(world.request.grant.as_ref().unwrap().not_again);
        assert!(!may_reopen(&world.request, at(5)));
        assert_eq!(world.act(&agent(), Act::Reopen, 5).unwrap_err(), Refusal::AlreadyRan(state));
        assert_eq!(world.act(&user("ann"), revoke(), 5).unwrap_err(), Refusal::AlreadyRan(state));
        let stored = serde_json::to_string(&world.request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&stored).unwrap(), world.request);
    }
    // A late report and a person who settles it give nothing back.
    let mut late = ended(unknown());
    late.operate(revoke(), 4).unwrap();
    let mut settled = late.clone();
    late.finish(failed("no"), 5).unwrap();
    let settlement = Act::Settle { settlement: Settlement::Failed, note: None };
    settled.act(&user("ann"), settlement, 5).unwrap();
    for world in [late, settled] {
        assert_eq!(world.state(), Some(ExecutionState::Failed));
        assert!(!may_reopen(&world.request, at(6)));
    }
    // While it runs there is nothing to take back yet.
    let mut runs = idempotent(running());
    assert_eq!(
        runs.act(&user("ann"), revoke(), 4).unwrap_err(),
        Refusal::AlreadyRan(ExecutionState::Executing)
    );
}

#[test]
fn a_halt_takes_the_right_to_run_again_from_what_it_covers() {
    let halt_it = || Act::Halt { reason: text("stop") };
    let running_now = idempotent(running());
    for mut world in [ended(unknown()), ended(failed("no")), running_now] {
        let execution = world.request.execution.clone();
        assert!(matches!(world.act(&user("eve"), halt_it(), 4), Err(Refusal::NotPermitted { .. })));
        assert_eq!(world.clone().operate(halt_it(), 901).unwrap_err(), Refusal::NothingToDo);
        let transition = world.operate(halt_it(), 900).unwrap();
        assert_eq!(told(&transition), [EventKind::Revoked { why: text("stop") }]);
        assert_eq!(transition.requires, [Requires::SameHalts]);
        assert_eq!(world.request.execution, execution);
        assert_eq!(world.operate(halt_it(), 900).unwrap_err(), Refusal::NothingToDo);
        if world.state() == Some(ExecutionState::Executing) {
            world.finish(failed("no"), 900).unwrap();
        }
        assert!(!may_reopen(&world.request, at(900)));
    }
    for mut world in [ended(succeeded()), running(), doubtful()] {
        assert_eq!(world.operate(halt_it(), 4).unwrap_err(), Refusal::NothingToDo);
    }
}

#[test]
fn a_row_of_before_is_judged_by_what_it_holds() {
    let world = ended(unknown());
    let mut stored = serde_json::to_value(&world.request).unwrap();
    let grant = stored["grant"].as_object_mut().unwrap();
    assert!(!grant.contains_key("not_again") && !grant.contains_key("ran_before"), "{grant:?}");
    let read: Request = serde_json::from_value(stored).unwrap();
    assert_eq!((may_reopen(&read, at(900)), may_reopen(&read, at(901))), (true, false));
}

#[test]
fn only_what_is_over_is_tried_again() {
    let retry = |number| Act::Retry { successor: RequestId::from_uuid(id(number)) };
    let open = World::new(gate([need(1, "ann")]));
    let with = |act: &dyn Fn(&mut World)| {
        let mut world = open.clone();
        act(&mut world);
        world
    };
    let rejected = with(&|world| drop(world.reject("ann", 1).unwrap()));
    let over = [
        rejected,
        with(&|world| drop(world.tick(3600).unwrap())),
        with(&|world| drop(world.act(&agent(), Act::Cancel { reason: None }, 1).unwrap())),
        {
            let mut world = running();
            world.finish(failed("x"), 3).unwrap();
            world
        },
        {
            let mut world = approved();
            world.tick(901).unwrap();
            world
        },
        {
            let mut world = approved();
            world.operate(Act::Revoke { reason: text("no") }, 3).unwrap();
            world
        },
    ];
    for mut world in over {
        assert!(matches!(world.act(&user("eve"), retry(2), 5000), Err(Refusal::NotPermitted { .. })));
        let transition = world.act(&agent(), retry(2), 5000).unwrap();
        assert_eq!(world.request.successor, Some(RequestId::from_uuid(id(2))));
        assert_eq!(told(&transition), [EventKind::Retried { successor: RequestId::from_uuid(id(2)) }]);
        assert_eq!(world.act(&agent(), retry(2), 5001).unwrap_err(), Refusal::NothingToDo);
        assert_eq!(
            world.act(&agent(), retry(3), 5001).unwrap_err(),
            Refusal::AlreadyRetried(RequestId::from_uuid(id(2)))
        );
    }
    for mut world in [open.clone(), approved()] {
        assert!(matches!(world.act(&agent(), retry(2), 5), Err(Refusal::NotPermitted { .. })));
    }
    let mut ran = running();
    assert_eq!(ran.act(&agent(), retry(2), 5).unwrap_err(), Refusal::AlreadyRan(ExecutionState::Executing));
    ran.finish(succeeded(), 3).unwrap();
    assert_eq!(ran.act(&agent(), retry(2), 5).unwrap_err(), Refusal::AlreadyRan(ExecutionState::Succeeded));
    assert_eq!(
        doubtful().act(&agent(), retry(2), 5).unwrap_err(),
        Refusal::AlreadyRan(ExecutionState::Unknown)
    );
}
