//! Limits hold for what runs: for calls that were opened one by one and run together, and for those that run again.

use approval_core::{
    Action, ApprovalError, Context,
    clock::Span,
    guard::Authorization,
    manager::Grant,
    model::{
        Limit, OverLimit, RunLimits, RunWindow, StandingArguments, StandingReach, StandingTerms, Status,
        canonical::to_canonical,
    },
    policy::Ruling,
};
use approval_testkit::TestManager;
use serde_json::{Value, json};

use crate::common::{ANN, BOB, Runs, Switch, call, call_with, error, person, seconds, soon};

fn limited(ruling: Ruling, limit: Limit) -> (TestManager, Switch) {
    let switch = Switch::new(ruling);
    let policy = switch.clone();
    let configure = |builder: approval_core::manager::ManagerBuilder| {
        builder.unattended().policy(policy).limit(limit).unwrap()
    };
    (TestManager::with(configure).unwrap(), switch)
}

/// One call in ten minutes.
fn rare(over: OverLimit) -> Limit {
    Limit::new("rare").within(Span::from_mins(10)).calls(1).over(over)
}

/// Tests begin at 12:00; it is open from 13:00 to 14:00.
fn in_the_window(key: &str) -> Action {
    let window = RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap();
    call_with(|action| Ok(action.run_window(window).suspend())).key(key)
}

async fn stand(manager: &TestManager) {
    let seen = manager.request(call()).await.unwrap().request().await.unwrap();
    let terms = StandingTerms::new(StandingReach::Agent, StandingArguments::Any);
    manager.decider("desk").approve_standing(&seen, &person(ANN), terms, None).await.unwrap();
}

#[tokio::test]
async fn what_is_opened_bit_by_bit_does_not_run_at_once() {
    for over in [OverLimit::Deny, OverLimit::Ask] {
        for standing in [false, true] {
            let ruling = if standing { Ruling::ask() } else { Ruling::allow() };
            let (manager, _) = limited(ruling, rare(over));
            if standing {
                stand(&manager).await;
            }
            let runs = Runs::default();
            for key in ["a", "b", "c", "d"] {
                let (opened, text) = error(soon(runs.run(&manager, in_the_window(key))).await);
                assert!(matches!(opened, ApprovalError::OutsideWindow { opens_at: Some(_), .. }), "{text}");
                manager.advance(Span::from_mins(11)).await;
            }
            manager.advance(Span::from_mins(17)).await;
            soon(runs.run(&manager, in_the_window("a"))).await.unwrap();
            for key in ["b", "c", "d"] {
                let (refused, text) = error(soon(runs.run(&manager, in_the_window(key))).await);
                match over {
                    OverLimit::Deny => {
                        assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}")
                    }
                    OverLimit::Ask => {
                        assert!(matches!(refused, ApprovalError::PolicyAsks { again: false, .. }), "{text}");
                        assert!(
                            text.contains("rule or limit 'rare'") && text.contains("call again"),
                            "{text}"
                        );
                    }
                }
            }
            assert_eq!(runs.count(), 1, "{over:?}, standing {standing}");
            if over == OverLimit::Deny {
                // The grant is as it was, and runs once there is room.
                manager.advance(Span::from_mins(11)).await;
                soon(runs.run(&manager, in_the_window("b"))).await.unwrap();
                continue;
            }
            // As the text says: the same call asks people.
            let (asked, text) = error(soon(runs.run(&manager, in_the_window("b"))).await);
            assert!(matches!(asked, ApprovalError::Pending(_)), "{text}");
            let request = manager.get(asked.request().unwrap()).await.unwrap();
            let rule = if standing { "ask" } else { "rare" };
            assert_eq!((request.status, &*request.gate.rule), (Status::Pending, rule));
            manager.approve(request.id, ANN).await.unwrap();
            soon(runs.run(&manager, in_the_window("b"))).await.unwrap();
            assert_eq!(runs.count(), 2);
        }
    }
}

/// Its grant lasts a day.
fn long_lived(keyed: bool, number: u32) -> Action {
    let action = call_with(|action| Ok(action.grant_ttl(Span::from_hours(24))));
    if keyed { action.key(format!("k{number}")) } else { action }
}

async fn begin(held: Authorization) -> Result<(), ApprovalError> {
    let actual = to_canonical(&json!({"cents": 500})).unwrap();
    held.begin(actual).await?.succeeded(None).await;
    Ok(())
}

#[tokio::test]
async fn what_is_held_is_counted_when_it_begins() {
    for over in [OverLimit::Deny, OverLimit::Ask] {
        for keyed in [false, true] {
            let (manager, _) = limited(Ruling::allow(), rare(over));
            let mut held = Vec::new();
            for number in 0..4 {
                held.push(manager.authorize(long_lived(keyed, number)).await.unwrap());
                manager.advance(Span::from_mins(11)).await;
            }
            let mut begun = 0;
            for authorization in held {
                match begin(authorization).await {
                    Ok(()) => begun += 1,
                    Err(ApprovalError::LimitReached { .. }) if over == OverLimit::Deny => {}
                    Err(ApprovalError::PolicyAsks { rule, again: false, .. }) if over == OverLimit::Ask => {
                        assert_eq!(&*rule, "rare");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!(begun, 1, "{over:?}, keyed {keyed}");
        }
    }
}

#[tokio::test]
async fn a_share_moves_and_is_not_counted_twice() {
    // Two calls in an hour: one is held for twenty minutes, and the other still has its place.
    let limit = || Limit::new("two").within(Span::from_hours(1)).calls(2).over(OverLimit::Deny);
    for keyed in [false, true] {
        let (manager, _) = limited(Ruling::allow(), limit());
        let action = |number| long_lived(keyed, number);
        let held = manager.authorize(action(0)).await.unwrap();
        manager.advance(Span::from_mins(20)).await;
        begin(held).await.unwrap();
        begin(manager.authorize(action(1)).await.unwrap()).await.unwrap();
        assert!(matches!(
            error(manager.authorize(action(2)).await.map(drop)).0,
            ApprovalError::LimitReached { .. }
        ));
        // It counts from when it ran: an hour after it was opened there is no room yet, twenty minutes later there is.
        manager.advance(Span::from_mins(42)).await;
        assert!(matches!(
            error(manager.authorize(action(3)).await.map(drop)).0,
            ApprovalError::LimitReached { .. }
        ));
        manager.advance(Span::from_mins(20)).await;
        begin(manager.authorize(action(4)).await.unwrap()).await.unwrap();
    }
}

/// Calls it until it does not run any more, each time with a body that fails; how often it ran, and why it did not in the end.
async fn runs_until_refused(
    manager: &TestManager,
    action: impl Fn() -> Action,
    context: &Context,
) -> (usize, ApprovalError) {
    let runs = Runs::default();
    for _ in 0..10 {
        let before = runs.count();
        let body = async |_: Value, _: Option<Grant>| {
            runs.count_one();
            Err::<Value, ApprovalError>(approval_core::Invalid::new("bank", "x", "is closed").into())
        };
        let error = soon(context.clone().scope(manager.guard(action()).run(body))).await.unwrap_err();
        if runs.count() == before {
            return (runs.count(), error);
        }
        manager.advance(seconds(31)).await;
    }
    panic!("it ran ten times");
}

fn harmless(preview: bool) -> Action {
    call_with(|action| {
        let action = action.idempotent().cost("{cents} / 100 USD");
        Ok(if preview {
            action.preview(|_| async { Ok::<_, String>("what it would do".to_owned()) })
        } else {
            action
        })
    })
    .key("k")
}

#[tokio::test]
async fn an_idempotent_action_runs_again_only_within_the_limits() {
    let day = || Limit::new("day").within(Span::from_hours(24));
    let limits = [
        day().calls(2),
        day().cost("10 USD".parse().unwrap()),
        day().calls(2).cost("99 USD".parse().unwrap()),
    ];
    for limit in limits {
        for over in [OverLimit::Deny, OverLimit::Ask] {
            for preview in [false, true] {
                let (manager, _) = limited(Ruling::allow(), limit.clone().over(over));
                let (ran, refused) =
                    runs_until_refused(&manager, || harmless(preview), &Context::new()).await;
                assert_eq!(ran, 2, "{limit:?} {over:?}, preview {preview}");
                let text = refused.to_string();
                if over == OverLimit::Deny {
                    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
                    continue;
                }
                assert!(matches!(refused, ApprovalError::PolicyAsks { again: true, .. }), "{text}");
                assert!(text.contains("retry the request"), "{text}");
                // As the text says: the same call does not run it again, trying the request again asks people.
                let (again, text) = error(manager.authorize(harmless(preview)).await.map(drop));
                assert!(matches!(again, ApprovalError::AlreadyRan { .. }), "{text}");
                let retried = manager.retry(refused.request().unwrap()).await.unwrap();
                assert_eq!(retried.request().await.unwrap().status, Status::Pending);
            }
        }
    }
}

#[tokio::test]
async fn an_idempotent_action_runs_again_only_within_the_limits_of_its_run() {
    let limits = [
        RunLimits { max_tool_calls: Some(2), ..RunLimits::default() },
        RunLimits { max_usd: Some(10.into()), ..RunLimits::default() },
        RunLimits { max_seconds: Some(60), ..RunLimits::default() },
    ];
    for limits in limits {
        for preview in [false, true] {
            let manager =
                TestManager::with(|builder| builder.unattended().policy_fn(|_| Ruling::allow())).unwrap();
            let context = Context::new().run("r").limits(limits);
            let (ran, refused) = runs_until_refused(&manager, || harmless(preview), &context).await;
            assert_eq!(ran, 2, "{limits:?}, preview {preview}");
            assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{refused}");
        }
    }
}

#[tokio::test]
async fn what_a_key_has_is_answered_before_a_limit_refuses() {
    let once = || Limit::new("once").within(Span::from_hours(24)).calls(1).over(OverLimit::Deny);
    let (manager, switch) = limited(Ruling::allow(), once());
    let runs = Runs::default();
    let replayed = || call_with(|action| Ok(action.replay())).key("k");
    let first = soon(runs.run(&manager, replayed())).await.unwrap();
    assert_eq!(soon(runs.run(&manager, replayed())).await.unwrap(), first);
    let (ran, text) = error(soon(runs.run(&manager, call().key("k"))).await);
    assert!(matches!(ran, ApprovalError::AlreadyRan { .. }), "{text}");
    let (conflict, text) =
        error(soon(runs.run(&manager, call().arguments(&json!({"cents": 1})).unwrap().key("k"))).await);
    assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
    // Another key has nothing, and meets the limit.
    let (full, text) = error(soon(runs.run(&manager, call().key("other"))).await);
    assert!(matches!(full, ApprovalError::LimitReached { .. }), "{text}");
    // So where people would be asked, and nobody could answer.
    switch.say(Ruling::ask());
    let nobody = || call_with(|action| action.replay().exclude([ANN, BOB])).key("k");
    assert_eq!(soon(runs.run(&manager, nobody())).await.unwrap(), first);
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn what_a_key_waits_for_is_joined_though_too_many_are_open() {
    let (manager, _) = limited(Ruling::ask(), Limit::new("one open").open(1));
    let runs = Runs::default();
    let waiting = [runs.spawn(&manager, call().key("k")), runs.spawn(&manager, call().key("k"))];
    let request = manager.next_request().await.unwrap();
    let (full, text) = error(manager.request(call().key("other")).await);
    assert!(matches!(full, ApprovalError::LimitReached { .. }), "{text}");
    assert_eq!(manager.request(call().key("k")).await.unwrap().id(), request.id);
    manager.approve(request.id, ANN).await.unwrap();
    let mut ended = Vec::new();
    for call in waiting {
        ended.push(soon(call).await.unwrap().is_ok());
    }
    ended.sort_unstable();
    assert_eq!((ended, runs.count()), (vec![false, true], 1));
}

/// A call that names no approvers: the rules say whom to ask.
fn of_rules(key: &str) -> Action {
    let action = Action::new("payments.refund").unwrap().arguments(&json!({"cents": 500})).unwrap();
    action.describe(|action| Ok(action.replay())).unwrap().key(key)
}

#[tokio::test]
async fn what_a_key_has_is_answered_though_a_limit_would_ask_and_nothing_says_whom() {
    let (manager, _) = limited(Ruling::allow(), rare(OverLimit::Ask));
    let runs = Runs::default();
    let first = soon(runs.run(&manager, of_rules("k"))).await.unwrap();
    assert_eq!(soon(runs.run(&manager, of_rules("k"))).await.unwrap(), first);
    let other = of_rules("k").arguments(&json!({"cents": 1})).unwrap();
    assert!(matches!(error(soon(runs.run(&manager, other)).await).0, ApprovalError::KeyConflict { .. }));
    let (refused, text) = error(soon(runs.run(&manager, of_rules("other"))).await);
    assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
    assert!(text.contains("limit \"rare\" asks people about the call, and nothing says whom"), "{text}");
    assert_eq!(runs.count(), 1);
    // One that waits for its window holds the only place itself.
    let (manager, _) = limited(Ruling::allow(), Limit::new("day").within(Span::from_hours(24)).calls(1));
    let window = || RunWindow::new("UTC", [("daily", "13:00-14:00")]).unwrap();
    let waiting = || of_rules("k").describe(|action| Ok(action.run_window(window()).suspend())).unwrap();
    for _ in 0..2 {
        let (closed, text) = error(soon(runs.run(&manager, waiting())).await);
        assert!(matches!(closed, ApprovalError::OutsideWindow { .. }), "{text}");
    }
    manager.advance(Span::from_mins(61)).await;
    soon(runs.run(&manager, waiting())).await.unwrap();
    assert_eq!(runs.count(), 2);
}

#[tokio::test]
async fn one_that_is_opened_and_never_runs_keeps_no_other_from_running() {
    for over in [OverLimit::Deny, OverLimit::Ask] {
        let (manager, _) = limited(Ruling::allow(), rare(over));
        let mut begun = 0;
        let mut held: Option<Authorization> = None;
        for number in 0..6 {
            let next = manager.authorize(long_lived(true, number)).await.unwrap();
            // Begun only after the next one was opened, which the last one never is.
            if let Some(held) = held.replace(next) {
                begin(held).await.unwrap();
                begun += 1;
            }
            manager.advance(Span::from_mins(11)).await;
        }
        assert_eq!(begun, 5, "{over:?}");
    }
}

#[tokio::test]
async fn two_limits_of_one_name_are_refused() {
    let few = |calls| Limit::new("few").calls(calls).over(OverLimit::Deny);
    let builder = approval_core::ApprovalManager::builder().limit(few(1)).unwrap();
    assert!(
        builder
            .limit(few(1))
            .unwrap()
            .limit(few(2))
            .unwrap_err()
            .to_string()
            .contains("give one of the two another name")
    );
    // One of them is the policy's.
    let rules = "policy:\n  defaults: {outcome: allow}\n  limits:\n  - {name: few, calls: 2, over: deny}\n";
    let rules = approval_core::file::ApprovalsFile::parse("approvals.yaml", rules).unwrap().policy.unwrap();
    let manager =
        TestManager::with(|builder| builder.unattended().policy(rules).limit(few(1)).unwrap()).unwrap();
    let runs = Runs::default();
    for action in [call(), call().key("k")] {
        let (refused, text) = error(soon(runs.run(&manager, action)).await);
        assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
        assert!(text.contains("limit \"few\" is set twice, with different values"), "{text}");
    }
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_call_that_lost_its_approval_keeps_no_place() {
    let day = || Limit::new("day").within(Span::from_hours(24)).calls(1).over(OverLimit::Deny);
    // The policy asks now: as the text says, calling again asks people.
    let (manager, switch) = limited(Ruling::allow(), day());
    let runs = Runs::default();
    manager.advance(Span::from_mins(61)).await;
    let held = manager.authorize(in_the_window("k")).await.unwrap();
    switch.say(Ruling::ask());
    let (asks, text) = error(begin(held).await);
    assert!(matches!(asks, ApprovalError::PolicyAsks { again: false, .. }), "{text}");
    let (pending, text) = error(soon(runs.run(&manager, in_the_window("k"))).await);
    assert!(matches!(pending, ApprovalError::Pending(_)), "{text}");
    manager.approve(pending.request().unwrap(), ANN).await.unwrap();
    soon(runs.run(&manager, in_the_window("k"))).await.unwrap();
    // The same where nobody tried to begin it in between.
    let (manager, switch) = limited(Ruling::allow(), day());
    drop(manager.authorize(call().key("k")).await.unwrap());
    switch.say(Ruling::ask());
    let asked = manager.request(call().key("k")).await.unwrap();
    assert_eq!(asked.request().await.unwrap().status, Status::Pending);
    // Revoked by a person, or run out: another call has the place.
    for revoke in [true, false] {
        let (manager, _) = limited(Ruling::allow(), day());
        let held = manager.authorize(call().key("k")).await.unwrap();
        let full = || async { manager.authorize(call().key("other")).await.map(drop) };
        assert!(matches!(error(full().await).0, ApprovalError::LimitReached { .. }));
        if revoke {
            let page = manager.list(&approval_core::store::Query::default()).await.unwrap();
            manager.revoke(page.items[0].request.id, &person(ANN), "not now").await.unwrap();
        } else {
            manager.advance(Span::from_mins(16)).await;
        }
        full().await.unwrap();
        assert!(begin(held).await.is_err());
    }
}
