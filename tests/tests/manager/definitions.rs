//! What the code demands of an action today: an approval of a declaration that asked for less never runs.

use approval_core::{
    Action, ActionSpec, ApprovalError, Invalid, Risk,
    manager::ManagerBuilder,
    model::{DelegationRule, ExecutionState, Gate, OnTimeout, Requirement, Status},
    policy::Ruling,
    store::Query,
};
use approval_testkit::TestManager;
use serde_json::json;

use crate::common::{ANN, BOB, CAT, EVE, Runs, error, person, seconds, soon, unattended};

/// The call of a build whose declaration `describe` says.
fn build(describe: impl FnOnce(ActionSpec) -> Result<ActionSpec, Invalid>) -> Action {
    Action::new("payments.refund")
        .unwrap()
        .describe(describe)
        .unwrap()
        .arguments(&json!({"cents": 500}))
        .unwrap()
        .key("order-17")
}

fn medium() -> Action {
    build(|action| action.approvers([ANN, BOB]))
}

fn critical() -> Action {
    build(|action| action.risk(Risk::Critical).approvers([CAT])?.approvers([EVE]))
}

async fn count(manager: &TestManager) -> usize {
    manager.list(&Query::default()).await.unwrap().items.len()
}

#[tokio::test]
async fn an_approval_of_a_weaker_declaration_does_not_run() {
    let manager = unattended();
    let runs = Runs::default();
    let id = manager.request(medium()).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    let (changed, text) = error(soon(runs.run(&manager, critical())).await);
    assert!(
        matches!(&changed, ApprovalError::DefinitionChanged { about, revoked: true, .. } if about.request == id),
        "{text}"
    );
    assert!(
        text.contains("is declared with a higher risk since it was opened; nothing was run, call again"),
        "{text}"
    );
    assert!(changed.for_model().contains("Call it again with the same arguments"), "{}", changed.for_model());
    manager.verify_history(id).await.unwrap();
    // The next call asks people by today's declaration.
    let next = manager.request(critical()).await.unwrap().request().await.unwrap();
    assert_eq!((next.predecessor, next.status, next.risk), (Some(id), Status::Pending, Risk::Critical));
    let running = runs.spawn(&manager, critical());
    manager.approve(next.id, CAT).await.unwrap();
    manager.approve(next.id, EVE).await.unwrap();
    soon(running).await.unwrap().unwrap();
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn an_open_request_of_a_weaker_declaration_is_replaced_at_once() {
    let manager = unattended();
    let stricter = build(|action| action.risk(Risk::Critical).approvers([ANN])?.approvers([EVE]));
    let weak = manager.request(medium()).await.unwrap();
    let strict = manager.request(stricter).await.unwrap().request().await.unwrap();
    assert_eq!((strict.predecessor, strict.risk), (Some(weak.id()), Risk::Critical));
    let (cancelled, text) = error(soon(weak).await);
    assert!(matches!(cancelled, ApprovalError::Cancelled(_)), "{text}");
    assert!(text.contains("is declared with a higher risk now"), "{text}");
    // The old build is served by the stricter request.
    assert_eq!(manager.request(medium()).await.unwrap().id(), strict.id);
    assert_eq!(count(&manager).await, 2);
}

#[tokio::test]
async fn a_stricter_call_follows_at_once_what_the_policy_let_run() {
    let ruling = |call: &approval_core::policy::Call<'_>| match call.risk {
        Risk::Critical => Ruling::ask(),
        _ => Ruling::allow(),
    };
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(ruling)).unwrap();
    let runs = Runs::default();
    let critical = || build(|action| action.risk(Risk::Critical).approvers([ANN])?.approvers([EVE]));
    drop(manager.authorize(medium()).await.unwrap());
    let first = manager.list(&Query::default()).await.unwrap().items[0].request.id;
    // One that the policy lets run as well.
    let high = || build(|action| action.risk(Risk::High).approvers([ANN, BOB]));
    drop(manager.authorize(high()).await.unwrap());
    let second = manager.get(first).await.unwrap().successor.unwrap();
    assert_eq!(manager.get(second).await.unwrap().risk, Risk::High);
    // One that people must be asked about.
    let asked = manager.request(critical()).await.unwrap().request().await.unwrap();
    assert_eq!((asked.predecessor, asked.status), (Some(second), Status::Pending));
    for id in [first, second] {
        let ended = manager.get(id).await.unwrap();
        assert_eq!(ended.execution.as_deref().map(|one| one.state()), Some(ExecutionState::Revoked));
        manager.verify_history(id).await.unwrap();
    }
    // Earlier builds wait for the same people.
    assert_eq!(manager.request(medium()).await.unwrap().id(), asked.id);
    let running = runs.spawn(&manager, critical());
    manager.approve(asked.id, ANN).await.unwrap();
    manager.approve(asked.id, EVE).await.unwrap();
    soon(running).await.unwrap().unwrap();
    assert_eq!((runs.count(), count(&manager).await), (1, 3));
}

#[tokio::test]
async fn a_declaration_that_asks_for_less_kills_nothing() {
    let manager = unattended();
    let runs = Runs::default();
    let looser = || build(|action| action.risk(Risk::Low).require(1, [ANN, BOB, CAT, EVE]));
    let strict = build(|action| action.require(2, [ANN, BOB, CAT])?.exclude([EVE]));
    let id = manager.request(strict).await.unwrap().detach();
    assert_eq!(manager.request(looser()).await.unwrap().id(), id);
    manager.approve(id, ANN).await.unwrap();
    manager.approve(id, BOB).await.unwrap();
    soon(runs.run(&manager, looser())).await.unwrap();
    assert_eq!((runs.count(), count(&manager).await), (1, 1));
}

#[tokio::test]
async fn each_demand_of_the_declaration_counts() {
    let demands: [(&str, Action); 6] = [
        ("other approvers", build(|action| action.approvers([ANN]))),
        ("other approvers", build(|action| action.require(2, [ANN, BOB]))),
        ("more excluded people", build(|action| action.approvers([ANN, BOB])?.exclude([BOB]))),
        (
            "no approval of one's own request",
            build(|action| Ok(action.approvers([ANN, BOB])?.forbid_self_approval())),
        ),
        ("a higher risk", build(|action| Ok(action.approvers([ANN, BOB])?.risk(Risk::High)))),
        ("another version", build(|action| Ok(action.approvers([ANN, BOB])?.version(2)))),
    ];
    for (expected, today) in demands {
        let manager = unattended();
        let id = manager.request(medium()).await.unwrap().detach();
        manager.approve(id, ANN).await.unwrap();
        let runs = Runs::default();
        let (changed, text) = error(soon(runs.run(&manager, today.clone())).await);
        assert!(
            matches!(changed, ApprovalError::DefinitionChanged { what, .. } if what == expected),
            "{text}"
        );
        let next = manager.request(today).await.unwrap().request().await.unwrap();
        assert_eq!(
            (next.predecessor, next.status, runs.count()),
            (Some(id), Status::Pending, 0),
            "{expected}"
        );
    }
}

#[tokio::test]
async fn approval_by_silence_is_no_approval_of_a_declaration_without_it() {
    let manager = unattended();
    let silent = |end| build(move |action| Ok(action.risk(Risk::Low).approvers([ANN])?.on_timeout(end)));
    let id = manager.request(silent(OnTimeout::Approve)).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    let (changed, text) = error(manager.request(silent(OnTimeout::Reject)).await);
    assert!(matches!(changed, ApprovalError::DefinitionChanged { .. }), "{text}");
}

#[tokio::test]
async fn two_builds_do_not_replace_each_other_in_turn() {
    let manager = unattended();
    let runs = Runs::default();
    let (old, new) = (|| build(|action| action.approvers([ANN])), || build(|action| action.approvers([BOB])));
    let first = manager.request(old()).await.unwrap().detach();
    let second = manager.request(new()).await.unwrap().detach();
    for _ in 0..3 {
        let (changed, text) = error(manager.request(old()).await);
        assert!(matches!(changed, ApprovalError::DefinitionChanged { revoked: false, .. }), "{text}");
        assert_eq!(manager.request(new()).await.unwrap().id(), second);
    }
    manager.approve(second, BOB).await.unwrap();
    let (changed, text) = error(soon(runs.run(&manager, old())).await);
    assert!(matches!(changed, ApprovalError::DefinitionChanged { revoked: false, .. }), "{text}");
    soon(runs.run(&manager, new())).await.unwrap();
    assert_eq!((runs.count(), count(&manager).await), (1, 2));
    assert_eq!(manager.get(first).await.unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn what_a_rule_asked_for_is_no_demand_of_the_code() {
    // The rule asks for Ann; the code of then asked for nobody.
    let rule = Gate::only("rule", vec![Requirement::any_of([person(ANN)])]);
    let rule = std::sync::Arc::new(rule);
    let ruling = move |_: &approval_core::policy::Call<'_>| Ruling::Ask {
        rule: "rule".into(),
        gate: Some(std::sync::Arc::clone(&rule)),
        whole: false,
    };
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(ruling)).unwrap();
    let bare = build(Ok);
    let id = manager.request(bare.clone()).await.unwrap().detach();
    assert_eq!(manager.request(bare).await.unwrap().id(), id, "the same declaration joins");
    let demanding = build(|action| action.approvers([CAT]));
    let next = manager.request(demanding).await.unwrap().request().await.unwrap();
    assert_eq!((next.predecessor, next.gate.requirements.len()), (Some(id), 2));
}

#[tokio::test]
async fn a_stored_request_without_a_declaration_is_judged_by_its_gate() {
    let manager = unattended();
    let request = manager.request(medium()).await.unwrap().request().await.unwrap();
    assert!(request.declaration.is_none(), "its gate shows what was declared");
    let stored = serde_json::to_value(&*request).unwrap();
    assert!(stored.get("declaration").is_none());
    manager.approve(request.id, ANN).await.unwrap();
    let elsewhere = manager.another(ManagerBuilder::unattended).unwrap();
    let (changed, text) = error(elsewhere.request(critical()).await);
    assert!(matches!(changed, ApprovalError::DefinitionChanged { .. }), "{text}");
}

#[tokio::test]
async fn a_worker_whose_declaration_asks_for_more_runs_nothing() {
    let manager = unattended();
    let id = manager.request(medium()).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    let approved = soon(manager.attach(id).await.unwrap()).await.unwrap();
    let spec = ActionSpec::new("payments.refund").unwrap().approvers([CAT]).unwrap();
    let (changed, text) = error(approved.begin_as(spec).await);
    assert!(matches!(changed, ApprovalError::DefinitionChanged { revoked: true, .. }), "{text}");
    let (revoked, text) = error(approved.begin_as(ActionSpec::new("payments.refund").unwrap()).await);
    assert!(matches!(revoked, ApprovalError::Revoked { .. }), "{text}");
    assert_eq!(manager.request(medium()).await.unwrap().request().await.unwrap().predecessor, Some(id));
}

#[tokio::test]
async fn identical_calls_join_no_request_of_a_weaker_declaration() {
    let gate = std::sync::Arc::new(Gate { join_identical: true, ..Gate::only("joined", Vec::new()) });
    let ruling = move |_: &approval_core::policy::Call<'_>| Ruling::Ask {
        rule: "joined".into(),
        gate: Some(std::sync::Arc::clone(&gate)),
        whole: false,
    };
    let manager = TestManager::with(|builder| builder.unattended().policy_fn(ruling)).unwrap();
    let call = |approver: &'static str| {
        Action::new("payments.refund")
            .unwrap()
            .describe(|action| action.approvers([approver]))
            .unwrap()
            .arguments(&json!({"cents": 500}))
            .unwrap()
    };
    let ann = manager.request(call(ANN)).await.unwrap();
    assert_eq!(manager.request(call(ANN)).await.unwrap().id(), ann.id());
    let cat = manager.request(call(CAT)).await.unwrap();
    assert_ne!(ann.id(), cat.id());
    manager.advance(seconds(1)).await;
    assert_eq!(manager.get(ann.id()).await.unwrap().status, Status::Pending, "its callers still wait for it");
}

/// A call whose declaration is looser than every default, approved by Ann.
async fn loosely_approved(manager: &TestManager) -> approval_core::RequestId {
    let loose = build(|action| {
        let action = action.risk(Risk::Low).approvers([ANN])?.veto(2).on_timeout(OnTimeout::Approve);
        Ok(action.delegation(DelegationRule::To(vec![person(EVE)])))
    });
    let id = manager.request(loose).await.unwrap().detach();
    manager.approve(id, ANN).await.unwrap();
    id
}

fn worker() -> ActionSpec {
    ActionSpec::new("payments.refund").unwrap()
}

#[tokio::test]
async fn a_default_that_a_worker_writes_out_is_a_demand() {
    let written: [(&str, ActionSpec); 5] = [
        ("a higher risk", worker().risk(Risk::Medium)),
        ("a lower veto", worker().veto(1)),
        ("a stricter end of its time", worker().on_timeout(OnTimeout::Reject)),
        ("a narrower delegation", worker().delegation(DelegationRule::Directory)),
        ("no approval of one's own request", worker().forbid_self_approval()),
    ];
    for (expected, spec) in written {
        let manager = unattended();
        let id = loosely_approved(&manager).await;
        let approved = soon(manager.attach(id).await.unwrap()).await.unwrap();
        let (changed, text) = error(approved.begin_as(spec).await);
        assert!(
            matches!(changed, ApprovalError::DefinitionChanged { what, revoked: true, .. } if what == expected),
            "{text}"
        );
    }
    for spec in [worker(), worker().allow_self_approval(), worker().timeout(seconds(1)).risk(Risk::Low)] {
        let manager = unattended();
        let id = loosely_approved(&manager).await;
        let approved = soon(manager.attach(id).await.unwrap()).await.unwrap();
        approved.begin_as(spec).await.unwrap().succeeded(None).await;
    }
}

#[tokio::test]
async fn a_worker_of_approved_requests_demands_the_defaults_that_it_writes_out() {
    for (spec, runs) in [(worker(), 1), (worker().risk(Risk::Medium), 0), (worker().veto(1), 0)] {
        let manager = unattended();
        let (ran, mut runs_of) = tokio::sync::mpsc::unbounded_channel();
        let running = manager.on_approved(spec, move |arguments: serde_json::Value, _| {
            ran.send(arguments).unwrap();
            async { Ok::<_, String>(()) }
        });
        let id = loosely_approved(&manager).await;
        let begun = |request: &approval_core::model::Request| {
            use approval_core::model::ExecutionState::{Revoked, Succeeded};
            request.execution.as_ref().is_some_and(|one| matches!(one.state(), Revoked | Succeeded))
        };
        manager.until(id, begun).await.unwrap();
        soon(running.stop()).await;
        assert_eq!(runs_of.try_recv().is_ok(), runs == 1);
    }
}
