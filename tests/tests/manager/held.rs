//! A call that the policy allowed and that is held does not run once its second look refuses it: that is on record, and its
//! share of the limits is given back.

use std::sync::{Arc, Mutex};

use approval_core::{
    Action, ApprovalError, Context,
    clock::Span,
    guard::Authorization,
    manager::ManagerBuilder,
    model::{
        Basis, HaltScope, Limit, OverLimit, Risk, RunLimits, Source, SourceDigest,
        canonical::{CanonicalJson, DigestKey, to_canonical},
    },
    policy::{Call, Policy, PolicyError, Ruling},
    store::JournalLine,
};
use approval_testkit::TestManager;
use async_trait::async_trait;
use serde_json::json;

use crate::{
    common::{ANN, Runs, Switch, call, call_with, error, on_outage, person, seconds, soon},
    outage::{Op, Outage},
};

/// Rules that the test exchanges, with their limits and their text.
#[derive(Clone, Debug)]
struct Rules(Arc<Mutex<(Ruling, Vec<Limit>, String)>>);

impl Rules {
    fn new(ruling: Ruling, limits: Vec<Limit>, text: &str) -> Self {
        Self(Arc::new(Mutex::new((ruling, limits, text.to_owned()))))
    }

    fn say(&self, ruling: Ruling, limits: Vec<Limit>, text: &str) {
        *self.0.lock().unwrap() = (ruling, limits, text.to_owned());
    }
}

#[async_trait]
impl Policy for Rules {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        Ok(self.0.lock().unwrap().0.clone())
    }

    fn limits(&self) -> Arc<[Arc<Limit>]> {
        self.0.lock().unwrap().1.iter().cloned().map(Arc::new).collect()
    }

    fn source(&self) -> Option<Arc<Source>> {
        Some(Arc::new(Source::new(self.0.lock().unwrap().2.as_str())))
    }
}

fn named(text: &str) -> Option<Basis> {
    Some(Basis::new(Some(SourceDigest::of(text)), None))
}

/// What the journal says of calls: how each ended, by which rule, and of which text.
async fn lines(manager: &TestManager) -> Vec<(String, String, Option<Basis>)> {
    let line = |line: JournalLine| match line {
        JournalLine::Call { outcome, rule, basis, .. } => {
            Some((outcome.to_string(), rule.to_string(), basis.as_deref().copied()))
        }
        _ => None,
    };
    manager.journal().await.unwrap().into_iter().filter_map(line).collect()
}

fn risky() -> Action {
    call_with(|action| Ok(action.risk(Risk::Medium)))
}

fn actual() -> CanonicalJson {
    to_canonical(&json!({"cents": 500})).unwrap()
}

/// Begins it two seconds later.
async fn begin(manager: &TestManager, held: Authorization) -> Result<(), ApprovalError> {
    manager.advance(seconds(2)).await;
    soon(held.begin(actual())).await?.succeeded(None).await;
    Ok(())
}

#[tokio::test]
async fn a_denial_of_the_second_answer_is_on_record_with_its_rules() {
    let rules = Rules::new(Ruling::allow(), Vec::new(), "then");
    let manager = TestManager::with(|builder| builder.unattended().policy(rules.clone())).unwrap();
    let held = manager.authorize(risky()).await.unwrap();
    rules.say(Ruling::deny("nothing is paid at night").named("night"), Vec::new(), "now");
    let (refused, text) = error(begin(&manager, held).await);
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
    assert_eq!(lines(&manager).await, [("denied".to_owned(), "night".to_owned(), named("now"))]);
}

#[tokio::test]
async fn a_halt_while_the_line_in_front_is_written_stops_the_body() {
    let (manager, store) = on_outage(|builder| builder.unattended().policy_fn(|_| Ruling::allow()));
    let held = manager.authorize(risky()).await.unwrap();
    store.hold(Op::AppendJournal);
    let before = store.calls(Op::AppendJournal);
    let begins = tokio::spawn(held.begin(actual()));
    store.until_called(Op::AppendJournal, before + 1).await;
    manager.halt(HaltScope::Everything, &person(ANN), "fire").await.unwrap();
    store.heal();
    let (refused, text) = error(begins.await.unwrap().map(drop));
    assert!(matches!(refused, ApprovalError::Halted { .. }), "{text}");
}

#[tokio::test]
async fn a_request_by_hand_that_the_policy_denies_is_on_record() {
    let denies = Ruling::deny("nothing is paid at night").named("night");
    let rules = Rules::new(denies, Vec::new(), "now");
    let manager = TestManager::with(|builder| builder.unattended().policy(rules)).unwrap();
    let (refused, text) = error(manager.request(risky()).await.map(drop));
    assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
    assert_eq!(lines(&manager).await, [("denied".to_owned(), "night".to_owned(), named("now"))]);
}

#[tokio::test]
async fn a_limit_that_denies_at_the_run_is_on_record_with_the_rules_that_were_asked_then() {
    let once = || Limit::new("once").within(Span::from_hours(24)).calls(1).over(OverLimit::Deny);
    let rules = Rules::new(Ruling::allow(), Vec::new(), "then");
    let manager = TestManager::with(|builder| builder.unattended().policy(rules.clone())).unwrap();
    let held = manager.authorize(risky()).await.unwrap();
    rules.say(Ruling::allow(), vec![once()], "now");
    soon(Runs::default().run(&manager, call())).await.unwrap();
    let (refused, text) = error(begin(&manager, held).await);
    assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}");
    let denied = lines(&manager).await.into_iter().find(|(outcome, ..)| outcome == "denied");
    assert_eq!(denied, Some(("denied".to_owned(), "once".to_owned(), named("now"))));
}

#[tokio::test]
async fn a_denial_that_cannot_be_journaled_is_an_error_of_the_store() {
    for risk in [Risk::Low, Risk::Medium] {
        let switch = Switch::new(Ruling::allow());
        let policy = switch.clone();
        let (manager, store) = on_outage(|builder| builder.unattended().policy(policy));
        let held = manager.authorize(call_with(|action| Ok(action.risk(risk)))).await.unwrap();
        switch.deny();
        store.fail(&[Op::AppendJournal]);
        let (refused, text) = error(begin(&manager, held).await);
        match risk {
            Risk::Medium => assert!(matches!(refused, ApprovalError::Store(_)), "{text}"),
            _ => assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{risk:?}: {text}"),
        }
        store.heal();
        manager.shutdown().await.unwrap();
        assert_eq!(lines(&manager).await.len(), usize::from(risk == Risk::Low));
    }
}

/// A manager whose calls of a day are limited, on a store that can fail.
fn limited(limits: impl IntoIterator<Item = Limit>) -> (TestManager, Switch, Arc<Outage>) {
    let switch = Switch::new(Ruling::allow());
    let policy = switch.clone();
    let configure = |builder: ManagerBuilder| {
        limits
            .into_iter()
            .fold(builder.unattended().policy(policy), |builder, limit| builder.limit(limit).unwrap())
    };
    let (manager, store) = on_outage(configure);
    (manager, switch, store)
}

fn a_day(calls: u32) -> Limit {
    Limit::new("day").within(Span::from_hours(24)).calls(calls).over(OverLimit::Deny)
}

/// How many more calls the limits let run.
async fn room(manager: &TestManager) -> usize {
    let mut room = 0;
    while let Ok(held) = manager.authorize(call()).await {
        drop(held);
        room += 1;
        assert!(room < 10, "nothing is limited");
    }
    room
}

#[tokio::test]
async fn a_call_that_is_refused_at_its_run_gives_its_share_back() {
    let minute = || Limit::new("minute").within(Span::from_secs(60)).calls(5).over(OverLimit::Deny);
    let second_answers =
        [Ruling::deny("nothing is paid at night"), Ruling::ask(), Ruling::notify([person(ANN)])];
    for answer in second_answers {
        let (manager, switch, _) = limited([a_day(2), minute(), Limit::new("all").calls(2)]);
        let held = manager.authorize(call()).await.unwrap();
        soon(Runs::default().run(&manager, call())).await.unwrap();
        switch.say(answer.clone());
        begin(&manager, held).await.unwrap_err();
        switch.say(Ruling::allow());
        assert_eq!(room(&manager).await, 1, "{answer:?}: the share of the other stays");
    }
    // The policy fails.
    let (manager, switch, _) = limited([a_day(2)]);
    let held = manager.authorize(call()).await.unwrap();
    switch.fail();
    assert!(matches!(error(begin(&manager, held).await).0, ApprovalError::Policy(_)));
    switch.say(Ruling::allow());
    assert_eq!(room(&manager).await, 2);
    // The policy is not asked, since the store does not answer.
    let (manager, _, store) = limited([a_day(2)]);
    let held = manager.authorize(call()).await.unwrap();
    store.fail(&[Op::Now]);
    assert!(matches!(error(begin(&manager, held).await).0, ApprovalError::Store(_)));
    store.heal();
    assert_eq!(room(&manager).await, 2);
}

#[tokio::test]
async fn a_call_whose_arguments_changed_gives_its_share_back() {
    let secret = call_with(|action| action.redact(["cents"]));
    // The last one lacks what is to be redacted, and has no digest.
    for (action, changed) in [(call(), json!({"cents": 1})), (call(), json!([])), (secret, json!({}))] {
        let configure = |builder: ManagerBuilder| {
            let key = DigestKey::new("k1", [9; 32]).unwrap();
            let builder = builder.unattended().policy(Switch::new(Ruling::allow())).redaction_key(key);
            builder.limit(a_day(2)).unwrap()
        };
        let manager = TestManager::with(configure).unwrap();
        let held = manager.authorize(action).await.unwrap();
        let refused = error(held.begin(to_canonical(&changed).unwrap()).await).0;
        assert!(matches!(refused, ApprovalError::Invalid(_)), "{changed}");
        assert_eq!(room(&manager).await, 2, "{changed}");
    }
}

#[tokio::test]
async fn what_runs_by_the_second_answer_is_on_record_with_its_rules() {
    let rules = Rules::new(Ruling::allow().named("small"), Vec::new(), "then");
    let manager = TestManager::with(|builder| builder.unattended().policy(rules.clone())).unwrap();
    let held = manager.authorize(risky()).await.unwrap();
    rules.say(Ruling::allow().named("daily"), Vec::new(), "now");
    begin(&manager, held).await.unwrap();
    manager.shutdown().await.unwrap();
    let line = |outcome: &str| (outcome.to_owned(), "daily".to_owned(), named("now"));
    assert_eq!(lines(&manager).await, [line("allowed"), line("succeeded")]);
}

#[tokio::test]
async fn a_limit_that_refuses_a_call_at_its_run_lets_go_of_its_share_of_others() {
    for over in [OverLimit::Deny, OverLimit::Ask] {
        let rare = Limit::new("rare").within(Span::from_mins(10)).calls(1).over(over);
        let (manager, ..) = limited([rare, a_day(3)]);
        let held = manager.authorize(call()).await.unwrap();
        manager.advance(Span::from_mins(11)).await;
        soon(Runs::default().run(&manager, call())).await.unwrap();
        let (refused, text) = error(begin(&manager, held).await);
        match over {
            OverLimit::Deny => assert!(matches!(refused, ApprovalError::LimitReached { .. }), "{text}"),
            OverLimit::Ask => assert!(matches!(refused, ApprovalError::PolicyAsks { .. }), "{text}"),
        }
        let mut ran = 1;
        for _ in 0..3 {
            manager.advance(Span::from_mins(11)).await;
            ran += usize::from(Runs::default().run(&manager, call()).await.is_ok());
        }
        assert_eq!(ran, 3, "{over:?}");
    }
}

#[tokio::test]
async fn a_call_that_may_not_begin_after_all_gives_its_share_back() {
    for held_for in [0, 2, 3600] {
        // Everything is halted.
        let (manager, ..) = limited([a_day(2)]);
        let held = manager.authorize(risky()).await.unwrap();
        manager.advance(seconds(held_for)).await;
        manager.halt(HaltScope::Everything, &person(ANN), "fire").await.unwrap();
        assert!(matches!(error(held.begin(actual()).await).0, ApprovalError::Halted { .. }));
        manager.resume(&HaltScope::Everything, &person(ANN)).await.unwrap();
        assert_eq!(room(&manager).await, 2, "{held_for}");
        // Its line cannot be written.
        let (manager, _, store) = limited([a_day(2)]);
        let held = manager.authorize(risky()).await.unwrap();
        manager.advance(seconds(held_for)).await;
        store.fail(&[Op::AppendJournal]);
        assert!(matches!(error(held.begin(actual()).await).0, ApprovalError::Store(_)));
        store.heal();
        assert_eq!(room(&manager).await, 2, "{held_for}");
    }
}

#[tokio::test]
async fn a_share_that_cannot_be_given_back_stays_counted_and_hides_no_refusal() {
    for op in [Op::Commit, Op::Record] {
        let (manager, switch, store) = limited([a_day(2)]);
        let held = manager.authorize(call()).await.unwrap();
        switch.deny();
        store.fail(&[op]);
        let (refused, text) = error(begin(&manager, held).await);
        assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{text}");
        store.heal();
        switch.say(Ruling::allow());
        assert_eq!(room(&manager).await, 1);
    }
}

#[tokio::test]
async fn a_share_that_may_have_moved_is_not_taken_off_another_call() {
    let (manager, _, store) = limited([a_day(3)]);
    let held = manager.authorize(call()).await.unwrap();
    soon(Runs::default().run(&manager, call())).await.unwrap();
    // The share moves to where it would run, and the answer is lost.
    manager.advance(Span::from_hours(1)).await;
    store.fail_after(Op::Commit);
    assert!(matches!(error(held.begin(actual()).await).0, ApprovalError::Store(_)));
    store.heal();
    assert_eq!(room(&manager).await, 1, "it is not known to have room");
}

#[tokio::test]
async fn attempts_and_dropped_calls_stay_counted() {
    let (manager, switch, _) = limited([a_day(9)]);
    let limits = RunLimits { max_tool_calls: Some(2), ..RunLimits::default() };
    let run = Context::new().run("r").limits(limits);
    let held = run.clone().scope(manager.authorize(call())).await.unwrap();
    switch.deny();
    assert!(matches!(error(begin(&manager, held).await).0, ApprovalError::PolicyDenied { .. }));
    switch.say(Ruling::allow());
    run.clone().scope(manager.authorize(call())).await.map(drop).unwrap();
    let (full, text) = error(run.scope(manager.authorize(call())).await);
    assert!(matches!(full, ApprovalError::LimitReached { .. }), "{text}");
    assert_eq!(room(&manager).await, 8, "the second was dropped");
}
