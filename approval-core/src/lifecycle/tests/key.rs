use super::*;
use crate::model::{Declaration, Execution, RevokedFor};

/// A call for so many cents.
fn call(cents: u32) -> Draft {
    let arguments = json(&format!("{{\"cents\":{cents}}}"));
    let digest = arguments_digest("payments.refund", 1, None, &arguments);
    Draft { arguments, digest, ..draft(gate([need(1, "ann")])) }
}

fn behind(name: &str, draft: Draft) -> Draft {
    Draft { on_behalf_of: Some(user(name)), ..draft }
}

fn open(draft: Draft, number: u128) -> World {
    World::open(Draft { id: RequestId::from_uuid(id(number)), ..draft }, People::default())
}

fn rejected(draft: Draft, number: u128) -> Request {
    let mut world = open(draft, number);
    world.reject("ann", 1).unwrap();
    world.request
}

fn expired(draft: Draft, number: u128) -> Request {
    let mut world = open(draft, number);
    world.tick(4000).unwrap();
    assert_eq!(world.request.status, crate::model::Status::Expired);
    world.request
}

fn approved_for(draft: Draft, number: u128) -> World {
    let mut world = open(draft, number);
    world.approve("ann", 1).unwrap();
    world
}

fn find(chain: &[Request], draft: &Draft) -> UnderKey {
    let (newest, earlier) = chain.split_last().unwrap();
    let earlier: Vec<_> = earlier.iter().cloned().map(Arc::new).collect();
    under_key(&earlier, newest, draft, &People::default())
}

fn refused(number: u128) -> UnderKey {
    UnderKey::Refused(RequestId::from_uuid(id(number)))
}

#[test]
fn what_is_open_approved_or_was_run_belongs_to_its_call_alone() {
    let open = open(call(8), 1).request;
    let mut world = approved_for(call(8), 1);
    let approved = world.request.clone();
    world.consume(2).unwrap();
    let executing = world.request.clone();
    let mut failing = world.clone();
    world.finish(Ending::Succeeded { result: None }, 3).unwrap();
    failing.finish(Ending::Failed { why: text("no"), started: true }, 3).unwrap();
    for request in [open, approved, executing, world.request, failing.request] {
        let chain = [request];
        assert_eq!(find(&chain, &call(8)), UnderKey::Join);
        assert_eq!(find(&chain, &call(6)), UnderKey::Conflict);
        assert_eq!(find(&chain, &behind("bob", call(8))), UnderKey::Conflict);
    }
}

#[test]
fn after_a_refusal_other_calls_follow_and_the_same_is_refused_again() {
    let mut cancelled = open(call(8), 1);
    cancelled.operate(Act::Cancel { reason: None }, 1).unwrap();
    let mut revoked = approved_for(call(8), 1);
    revoked.operate(Act::Revoke { reason: text("no") }, 2).unwrap();
    for request in [rejected(call(8), 1), cancelled.request, revoked.request] {
        let chain = [request];
        assert_eq!(find(&chain, &call(8)), refused(1));
        assert_eq!(find(&chain, &call(6)), UnderKey::Follow);
        assert_eq!(find(&chain, &behind("bob", call(8))), UnderKey::Follow);
    }
}

#[test]
fn what_lapsed_is_followed_by_the_same_call_too() {
    let mut unused = approved_for(call(8), 1);
    unused.tick(4000).unwrap();
    assert!(matches!(unused.request.execution.as_deref(), Some(Execution::GrantExpired { .. })));
    let mut halted = open(call(8), 1);
    halted.operate(Act::Halt { reason: text("stop") }, 1).unwrap();
    let mut braked = approved_for(call(8), 1);
    braked.operate(Act::Halt { reason: text("stop") }, 2).unwrap();
    let mut own = open(call(8), 1);
    own.act(&agent(), Act::Cancel { reason: None }, 1).unwrap();
    let mut replaced = open(call(8), 1);
    replaced.operate(Act::Supersede { reason: text("stricter") }, 1).unwrap();
    for request in
        [expired(call(8), 1), unused.request, halted.request, braked.request, own.request, replaced.request]
    {
        let chain = [request];
        assert_eq!(find(&chain, &call(8)), UnderKey::Follow, "{:?}", chain[0].status);
        assert_eq!(find(&chain, &call(6)), UnderKey::Follow);
    }
}

#[test]
fn two_calls_in_turn_do_not_get_around_a_refusal() {
    let chain = [rejected(call(8), 1), rejected(call(6), 2)];
    assert_eq!(find(&chain, &call(8)), refused(1));
    assert_eq!(find(&chain, &call(6)), refused(2));
    assert_eq!(find(&chain, &call(5)), UnderKey::Follow);
    let chain = [rejected(call(8), 1), expired(call(6), 2)];
    assert_eq!(find(&chain, &call(8)), refused(1));
    assert_eq!(find(&chain, &call(6)), UnderKey::Follow);
}

#[test]
fn five_calls_may_follow_refusals() {
    let mut chain: Vec<Request> = Vec::new();
    for number in 1..=6 {
        let draft = call(u32::try_from(number).unwrap());
        if number > 1 {
            assert_eq!(find(&chain, &draft), UnderKey::Follow, "{number}");
        }
        chain.push(rejected(draft, number));
    }
    assert_eq!(find(&chain, &call(7)), UnderKey::Conflict);
    assert_eq!(find(&chain, &call(3)), refused(3));
    // What lapses in between does not count.
    chain.push(expired(call(9), 9));
    assert_eq!(find(&chain, &call(7)), UnderKey::Follow);
}

fn demanding(names: &str, draft: Draft) -> Draft {
    let gate = gate([need(1, names)]);
    let declaration = Declaration::new(&draft.action, Risk::Medium, &gate);
    Draft { declaration: Some(Arc::new(declaration)), gate: Arc::new(gate), ..draft }
}

#[test]
fn a_request_of_a_weaker_declaration_is_replaced_while_open_and_revoked_once_approved() {
    let weak = demanding("ann bob", call(8));
    let strict = demanding("ann", call(8));
    let open_one = [open(weak.clone(), 1).request];
    assert_eq!(find(&open_one, &weak), UnderKey::Join);
    assert_eq!(find(&open_one, &strict), UnderKey::Replace("other approvers"));
    assert_eq!(find(&open_one, &demanding("ann", call(6))), UnderKey::Conflict);
    let mut world = open(weak.clone(), 1);
    world.approve("bob", 1).unwrap();
    let approved = [world.request.clone()];
    assert_eq!(find(&approved, &strict), UnderKey::Changed { what: "other approvers", revoke: true });
    world.operate(Act::Supersede { reason: text("stricter") }, 2).unwrap();
    assert_eq!(find(&[world.request.clone()], &strict), UnderKey::Follow);
    // The stricter one serves the weaker call.
    let chain = [world.request, open(strict, 2).request];
    assert_eq!(find(&chain, &weak), UnderKey::Join);
}

#[test]
fn two_builds_do_not_replace_each_other_in_turn() {
    let (one, two) = (demanding("ann", call(8)), demanding("bob", call(8)));
    let mut root = open(one.clone(), 1);
    assert_eq!(find(&[root.request.clone()], &two), UnderKey::Replace("other approvers"));
    root.operate(Act::Supersede { reason: text("other") }, 1).unwrap();
    let chain = [root.request.clone(), open(two.clone(), 2).request];
    assert_eq!(find(&chain, &two), UnderKey::Join);
    assert_eq!(find(&chain, &one), UnderKey::Changed { what: "other approvers", revoke: false });
    let mut approved = open(two, 2);
    approved.approve("bob", 2).unwrap();
    let chain = [root.request.clone(), approved.request.clone()];
    assert_eq!(find(&chain, &one), UnderKey::Changed { what: "other approvers", revoke: false });
    // Once it ended, whoever calls opens the next one.
    approved.tick(4000).unwrap();
    assert_eq!(find(&[root.request, approved.request], &one), UnderKey::Follow);
}

#[test]
fn what_the_policy_let_run_for_a_weaker_declaration_is_replaced_at_once() {
    let weak = demanding("ann bob", call(8));
    let strict = demanding("ann", call(8));
    let mut world = let_run(weak.clone(), 1);
    let chain = [world.request.clone()];
    for allowed in [false, true] {
        let draft = Draft { allowed, ..strict.clone() };
        assert_eq!(find(&chain, &draft), UnderKey::Replace("other approvers"), "{allowed}");
    }
    assert_eq!(find(&chain, &Draft { allowed: true, ..weak }), UnderKey::Join);
    assert_eq!(find(&chain, &demanding("ann", call(6))), UnderKey::Conflict);
    world.operate(Act::Supersede { reason: text("stricter") }, 2).unwrap();
    assert_eq!(find(&[world.request], &strict), UnderKey::Follow);
    let mut running = let_run(demanding("ann bob", call(8)), 1);
    running.consume(2).unwrap();
    assert_eq!(find(&[running.request], &strict), UnderKey::Join, "it runs");
}

#[test]
fn two_builds_do_not_replace_in_turn_what_the_policy_lets_run() {
    let (one, two) = (demanding("ann", call(8)), demanding("bob", call(8)));
    let mut root = let_run(one.clone(), 1);
    assert_eq!(find(&[root.request.clone()], &two), UnderKey::Replace("other approvers"));
    root.operate(Act::Supersede { reason: text("other") }, 1).unwrap();
    for newest in [let_run(two.clone(), 2), open(two, 2)] {
        let chain = [root.request.clone(), newest.request];
        for allowed in [false, true] {
            let again = Draft { allowed, ..one.clone() };
            assert_eq!(find(&chain, &again), UnderKey::Changed { what: "other approvers", revoke: false });
        }
    }
}

#[test]
fn another_version_of_the_action_is_the_same_call() {
    let newer = |draft: Draft| {
        let action = ActionInfo { version: 2, ..ActionInfo::clone(&draft.action) };
        let digest = arguments_digest("payments.refund", 2, None, &draft.arguments);
        let declaration = Declaration::new(&action, Risk::Medium, &draft.gate);
        Draft { action: Arc::new(action), digest, declaration: Some(Arc::new(declaration)), ..draft }
    };
    let waiting = [open(call(8), 1).request];
    assert_eq!(find(&waiting, &newer(call(8))), UnderKey::Replace("another version"));
    assert_eq!(find(&waiting, &newer(call(6))), UnderKey::Conflict);
    assert_eq!(find(&[rejected(call(8), 1)], &newer(call(8))), refused(1));
    let mut ran = approved_for(call(8), 1);
    ran.consume(2).unwrap();
    assert_eq!(find(&[ran.request], &newer(call(8))), UnderKey::Join, "it does not run again");
}

#[test]
fn a_revocation_of_before_is_one_of_a_person() {
    let mut revoked = approved_for(call(8), 1);
    revoked.operate(Act::Revoke { reason: text("no") }, 2).unwrap();
    let stored = serde_json::to_value(&revoked.request).unwrap();
    assert!(stored["execution"].get("cause").is_none(), "{stored}");
    let read: Request = serde_json::from_value(stored).unwrap();
    let cause = |request: &Request| match request.execution.as_deref() {
        Some(Execution::Revoked { cause, .. }) => Some(*cause),
        _ => None,
    };
    assert_eq!(cause(&read), Some(RevokedFor::Reason));
    assert_eq!(find(&[read], &call(8)), refused(1));
}

#[test]
fn what_ran_is_followed_by_nothing_but_a_retry() {
    let mut failed = approved_for(call(8), 1);
    failed.consume(2).unwrap();
    failed.finish(Ending::Failed { why: text("no"), started: true }, 3).unwrap();
    for ended in [rejected(call(8), 2), expired(call(8), 2)] {
        let chain = [failed.request.clone(), ended];
        assert_eq!(find(&chain, &call(8)), refused(2));
        assert_eq!(find(&chain, &call(6)), UnderKey::Conflict);
    }
}

#[test]
fn what_was_to_run_again_and_did_not_has_run() {
    let mut draft = call(8);
    draft.action = Arc::new(ActionInfo { idempotent: true, ..ActionInfo::clone(&draft.action) });
    let mut failed = approved_for(draft, 1);
    failed.consume(2).unwrap();
    failed.finish(Ending::Failed { why: text("no"), started: true }, 3).unwrap();
    failed.act(&agent(), reopen(), 4).unwrap();
    assert_eq!(find(&[failed.request.clone()], &call(8)), UnderKey::Join);
    assert!(!may_be_followed(&failed.request), "its grant is unspent");
    let mut expired = failed.clone();
    expired.tick(4000).unwrap();
    let mut revoked = failed.clone();
    revoked.operate(Act::Revoke { reason: text("no") }, 5).unwrap();
    let mut halted = failed;
    halted.operate(Act::Halt { reason: text("stop") }, 5).unwrap();
    for world in [expired, revoked, halted] {
        let chain = [world.request];
        assert_eq!(find(&chain, &call(8)), UnderKey::Join, "{:?}", chain[0].execution);
        assert_eq!(find(&chain, &call(6)), UnderKey::Conflict);
        assert!(may_be_followed(&chain[0]), "by a retry");
    }
}

#[test]
fn what_a_withdrawn_standing_approval_gave_is_asked_about_anew() {
    let mut world = approved_for(call(8), 1);
    let guard = Command {
        actor: Principal::part(crate::model::LibraryPart::Guard),
        via: None,
        operator: true,
        act: Act::Revoke { reason: text("the standing approval was withdrawn") },
    };
    world.run(&guard, 2).unwrap();
    assert_eq!(find(&[world.request], &call(8)), UnderKey::Follow);
}

#[test]
fn a_result_is_given_back_to_the_same_version_and_schema_alone() {
    let request = open(call(8), 1).request;
    let action = ActionInfo::clone(&request.action);
    assert!(may_replay(&request, &action));
    let mut version = action.clone();
    version.version += 1;
    let mut schema = action.clone();
    schema.schema = Some(SchemaDigest::from_bytes([1; 32]));
    let mut name = action;
    name.name = ActionName::new("payments.payout").unwrap();
    for other in [version, schema, name] {
        assert!(!may_replay(&request, &other), "{other:?}");
    }
}

#[test]
fn calls_for_other_people_wear_people_down_as_other_arguments_do() {
    let names = ["bob", "cid", "dan", "eve", "fay", "gus"];
    let chain: Vec<Request> =
        (1..).zip(names).map(|(number, name)| rejected(behind(name, call(8)), number)).collect();
    assert_eq!(find(&chain[..5], &behind("hal", call(8))), UnderKey::Follow);
    assert_eq!(find(&chain, &behind("hal", call(8))), UnderKey::Conflict);
}

#[test]
fn the_same_call_that_a_person_tries_again_is_no_other_call() {
    let chain: Vec<Request> = (1..=7).map(|number| rejected(behind("bob", call(8)), number)).collect();
    assert_eq!(find(&chain, &behind("bob", call(8))), refused(7));
    assert_eq!(find(&chain, &behind("bob", call(6))), UnderKey::Follow, "the first other one");
}

#[test]
fn what_followed_without_a_refusal_does_not_count_as_wearing_down() {
    let mut chain: Vec<Request> =
        (1..=6).map(|number| expired(call(u32::try_from(number).unwrap()), number)).collect();
    chain.push(rejected(call(7), 7));
    assert_eq!(find(&chain, &call(9)), UnderKey::Follow);
}

#[test]
fn a_request_that_was_not_replaced_keeps_no_other_from_being_replaced() {
    let strict = demanding("ann", call(8));
    let weak = [open(demanding("ann bob", call(8)), 2).request];
    // It asked for all of that, and people rejected it.
    let [weak_one] = &weak;
    let chain = [rejected(demanding("ann", call(6)), 1), weak_one.clone()];
    assert_eq!(find(&chain, &strict), UnderKey::Replace("other approvers"));
    // It was replaced, and asked for less than that.
    let mut replaced = open(demanding("ann bob cid", call(8)), 1);
    replaced.operate(Act::Supersede { reason: text("stricter") }, 1).unwrap();
    let chain = [replaced.request, weak_one.clone()];
    assert_eq!(find(&chain, &strict), UnderKey::Replace("other approvers"));
}

#[test]
fn another_schema_of_the_action_is_the_same_call() {
    let schema = Some(SchemaDigest::from_bytes([4; 32]));
    let typed = |draft: Draft| {
        let action = ActionInfo { schema, ..ActionInfo::clone(&draft.action) };
        let digest = arguments_digest("payments.refund", 1, schema.as_ref(), &draft.arguments);
        Draft { action: Arc::new(action), digest, ..draft }
    };
    assert_ne!(typed(call(8)).digest, call(8).digest);
    for (then, now) in [(call(8), typed(call(8))), (typed(call(8)), call(8))] {
        assert_eq!(digest_under(&now, &then.action), then.digest);
        assert_eq!(find(&[rejected(then, 1)], &now), refused(1));
    }
    assert_eq!(find(&[rejected(call(8), 1)], &typed(call(6))), UnderKey::Follow);
}

#[test]
fn only_what_ended_without_running_or_failed_is_followed() {
    let mut ran = approved_for(call(8), 1);
    assert!(!may_be_followed(&open(call(8), 1).request));
    assert!(!may_be_followed(&ran.request));
    ran.consume(2).unwrap();
    assert!(!may_be_followed(&ran.request), "it runs");
    let mut failed = ran.clone();
    ran.finish(Ending::Succeeded { result: None }, 3).unwrap();
    assert!(!may_be_followed(&ran.request));
    failed.finish(Ending::Failed { why: text("no"), started: true }, 3).unwrap();
    for over in [failed.request, rejected(call(8), 1), expired(call(8), 1)] {
        assert!(may_be_followed(&over), "{:?}", over.status);
    }
}

fn let_run(draft: Draft, number: u128) -> World {
    open(Draft { allowed: true, ..draft }, number)
}

#[test]
fn what_the_policy_alone_let_run_is_no_approval_for_a_call_that_must_ask() {
    let allowed = |draft: Draft| Draft { allowed: true, ..draft };
    let mut world = let_run(call(8), 1);
    let waiting = [world.request.clone()];
    assert_eq!(find(&waiting, &call(8)), UnderKey::Ask);
    assert_eq!(find(&waiting, &allowed(call(8))), UnderKey::Join, "the same call, which is let run too");
    assert_eq!(find(&waiting, &call(6)), UnderKey::Conflict);
    assert_eq!(find(&waiting, &behind("bob", call(8))), UnderKey::Conflict);
    let mut ended = world.clone();
    let guard = Command {
        actor: Principal::part(crate::model::LibraryPart::Guard),
        via: None,
        operator: true,
        act: Act::Revoke { reason: text("people must be asked") },
    };
    ended.run(&guard, 2).unwrap();
    assert_eq!(find(&[ended.request.clone()], &call(8)), UnderKey::Follow);
    // The one that follows serves both.
    let chain = [ended.request, open(call(8), 2).request];
    for draft in [call(8), allowed(call(8))] {
        assert_eq!(find(&chain, &draft), UnderKey::Join);
    }
    // What has begun does not run again, and is not taken from its caller.
    world.consume(2).unwrap();
    assert_eq!(find(&[world.request.clone()], &call(8)), UnderKey::Join);
    world.finish(Ending::Failed { why: text("no"), started: true }, 3).unwrap();
    assert_eq!(find(&[world.request], &call(8)), UnderKey::Join);
}

#[test]
fn what_people_or_their_silence_approved_is_an_approval_for_a_call_that_must_ask() {
    let silent = {
        let gate = Gate { on_timeout: crate::model::OnTimeout::Approve, ..gate([need(1, "ann")]) };
        Draft { gate: Arc::new(gate), risk: Risk::Low, ..call(8) }
    };
    let mut by_silence = open(silent.clone(), 1);
    by_silence.tick(4000).unwrap();
    assert!(by_silence.decision().by_timeout);
    assert_eq!(find(&[by_silence.request], &silent), UnderKey::Join);
    assert_eq!(find(&[approved_for(call(8), 1).request], &call(8)), UnderKey::Join);
}

#[test]
fn a_successor_that_is_not_linked_follows_unless_it_gave_way_to_a_rerun() {
    let guard = |act| Command {
        actor: Principal::part(crate::model::LibraryPart::Guard),
        via: None,
        operator: true,
        act,
    };
    let successor = || {
        let first = approved_for(call(8), 1).request;
        let predecessor =
            Predecessor { request: first.id, original: first.original, revision: 1, editor: None };
        open(Draft { predecessor: Some(predecessor), ..call(8) }, 2)
    };
    let changed = |by: Option<Command>, approved: bool| {
        let mut world = successor();
        if approved {
            world.approve("ann", 1).unwrap();
        }
        if let Some(command) = by {
            world.run(&command, 2).unwrap();
        }
        world.request
    };
    let of = |actor: Principal, act| Command { actor, via: None, operator: true, act };
    let (cancel, revoke) = (Act::Cancel { reason: None }, Act::Revoke { reason: text("no") });
    let gave_way_to_it =
        [changed(Some(guard(cancel.clone())), false), changed(Some(guard(revoke.clone())), true)];
    let rejected = {
        let mut world = successor();
        world.reject("ann", 1).unwrap();
        world.request
    };
    let others = [
        changed(None, false),
        changed(None, true),
        rejected,
        changed(Some(of(user("boss"), cancel)), false),
        changed(Some(of(user("boss"), revoke)), true),
    ];
    let mut ran = approved_for(call(8), 1);
    ran.consume(2).unwrap();
    ran.finish(Ending::Failed { why: text("no"), started: true }, 3).unwrap();
    for one in &gave_way_to_it {
        assert!(gave_way(one) && !follows_unlinked(&ran.request, one), "{:?}", one.status);
        // What never ran is followed by the one request that its key leads to.
        assert!(follows_unlinked(&expired(call(8), 1), one));
    }
    for one in &others {
        assert!(!gave_way(one) && follows_unlinked(&ran.request, one), "{:?}", one.status);
    }
    assert!(!follows_unlinked(&expired(call(8), 3), &others[0]), "it follows another request");
}

#[test]
fn what_a_key_has_is_answered_where_only_a_new_request_may_not_be_opened() {
    use NotOpened::{Answered, Failed, Halted, Invalid, Limit, NoApprover, Refused, Ruled, Window};
    for why in [Limit, NoApprover, Invalid, Window, Refused] {
        assert!(why.gives_way_to_the_key(), "{why:?}");
    }
    for why in [Halted, Ruled, Answered, Failed] {
        assert!(!why.gives_way_to_the_key(), "{why:?}");
    }
}
