//! Whatever fails on the way to a body, the body does not run (invariant 15).

use std::collections::BTreeMap;

use approval_core::{
    Action, ApprovalError,
    clock::Timestamp,
    directory::{Directory, DirectoryError},
    manager::ManagerBuilder,
    model::{ExecutionState, People, Principal, Risk, Status},
    policy::{Call, Policy, PolicyError, Ruling},
};
use approval_testkit::TestManager;
use async_trait::async_trait;

use crate::common::{ANN, Runs, call, call_with, error, on_outage, person, soon, unattended};
use crate::outage::Op;

/// What a call needs of the store before its body, each alone.
const NEEDED: [Op; 3] = [Op::Now, Op::Commit, Op::Record];

#[tokio::test]
async fn while_the_store_fails_nothing_is_opened_and_nothing_runs() {
    for op in NEEDED {
        let (manager, store) = on_outage(ManagerBuilder::unattended);
        let runs = Runs::default();
        store.fail(&[op]);
        let (failed, text) = error(soon(runs.run(&manager, call())).await);
        assert!(matches!(failed, ApprovalError::Store(_)), "{op:?}: {text}");
        assert!(text.contains(&format!("{op:?} is out of order")), "{text}");
        assert_eq!(failed.stop_reason().as_str(), "system_error");
        assert_eq!(runs.count(), 0, "{op:?}");
    }
}

#[tokio::test]
async fn a_store_that_fails_after_the_approval_lets_nothing_run_and_loses_no_approval() {
    for op in [Op::Now, Op::Commit] {
        let (manager, store) = on_outage(ManagerBuilder::unattended);
        let waiting = manager.request(call()).await.unwrap();
        let id = waiting.id();
        manager.approve(id, ANN).await.unwrap();
        let approved = soon(waiting).await.unwrap();
        store.fail(&[op]);
        assert!(matches!(error(soon(approved.begin()).await).0, ApprovalError::Store(_)), "{op:?}");
        store.heal();
        let state = manager.get(id).await.unwrap().execution.as_ref().unwrap().state();
        assert_eq!(state, ExecutionState::NotStarted, "{op:?}");
        soon(approved.begin()).await.unwrap().succeeded(None).await;
    }
}

#[tokio::test]
async fn a_vote_that_cannot_be_stored_counts_for_nothing() {
    let (manager, store) = on_outage(ManagerBuilder::unattended);
    let waiting = manager.request(call()).await.unwrap();
    store.fail(&[Op::Commit]);
    assert!(matches!(error(manager.approve(waiting.id(), ANN).await).0, ApprovalError::Store(_)));
    store.heal();
    let request = manager.get(waiting.id()).await.unwrap();
    assert_eq!((request.status, request.votes.len()), (Status::Pending, 0));
}

/// Fails, or panics.
#[derive(Debug)]
struct Broken {
    panics: bool,
}

#[async_trait]
impl Policy for Broken {
    async fn rule(&self, _: &Call<'_>) -> Result<Ruling, PolicyError> {
        assert!(!self.panics, "the policy panics");
        Err(PolicyError("the rules cannot be read".to_owned()))
    }
}

#[async_trait]
impl Directory for Broken {
    async fn people(&self, _: &[&Principal], _: Timestamp) -> Result<std::sync::Arc<People>, DirectoryError> {
        assert!(!self.panics, "the directory panics");
        Err(DirectoryError("nobody answers".to_owned()))
    }
}

#[tokio::test]
async fn a_policy_that_fails_lets_nothing_run() {
    let manager = TestManager::with(|builder| builder.unattended().policy(Broken { panics: false })).unwrap();
    let runs = Runs::default();
    let (failed, text) = error(soon(runs.run(&manager, call())).await);
    assert!(matches!(failed, ApprovalError::Policy(_)), "{text}");
    assert!(text.contains("the rules cannot be read"), "{text}");
    assert!(failed.for_model().contains("was not run: the approval system failed"));
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_directory_that_fails_lets_nothing_be_decided() {
    let manager =
        TestManager::with(|builder| builder.unattended().directory(Broken { panics: false })).unwrap();
    let runs = Runs::default();
    let (failed, text) = error(soon(runs.run(&manager, call())).await);
    assert!(matches!(failed, ApprovalError::Directory(_)) && text.contains("nobody answers"), "{text}");
    assert_eq!(runs.count(), 0);

    let asking = unattended();
    let waiting = asking.request(call()).await.unwrap();
    let seen = waiting.request().await.unwrap();
    let blind = asking.another(|builder| builder.unattended().directory(Broken { panics: false })).unwrap();
    let vote = blind.decider("desk").approve(&seen, &person(ANN), None).await;
    assert!(matches!(error(vote).0, ApprovalError::Directory(_)));
    assert_eq!(asking.get(seen.id).await.unwrap().status, Status::Pending);
}

#[tokio::test]
async fn a_policy_or_directory_that_panics_lets_nothing_run() {
    let panics = [
        TestManager::with(|builder| builder.unattended().policy(Broken { panics: true })).unwrap(),
        TestManager::with(|builder| builder.unattended().directory(Broken { panics: true })).unwrap(),
    ];
    for manager in panics {
        let runs = Runs::default();
        assert!(soon(runs.spawn(&manager, call())).await.unwrap_err().is_panic());
        assert_eq!(runs.count(), 0);
    }
}

#[tokio::test]
async fn arguments_that_cannot_be_encoded_do_not_run() {
    let describe = |action: approval_core::ActionSpec| action.approvers([ANN]);
    let bad: [Result<Action, _>; 3] = [
        Action::new("mail.send").unwrap().describe(describe).unwrap().arguments(&f64::NAN),
        Action::new("mail.send").unwrap().describe(describe).unwrap().arguments(&"no object"),
        // Two keys that are one in JSON would leave open which of them runs.
        Action::new("mail.send")
            .unwrap()
            .describe(describe)
            .unwrap()
            .arguments(&BTreeMap::from([(Doubled(1), 1), (Doubled(2), 2)])),
    ];
    for action in bad {
        assert!(action.is_err(), "{action:?}");
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Doubled(u8);

impl serde::Serialize for Doubled {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("same")
    }
}

#[tokio::test]
async fn without_the_key_for_secret_arguments_nothing_is_opened() {
    let manager = unattended();
    let secret = call_with(|action| action.redact(["cents"]));
    let (failed, text) = error(manager.request(secret).await);
    assert!(matches!(failed, ApprovalError::Invalid(_)), "{text}");
    assert!(text.contains("give the manager's builder a redaction_key"), "{text}");
}

#[tokio::test]
async fn a_risky_call_that_cannot_be_journaled_does_not_run_though_it_is_allowed() {
    let (manager, store) = on_outage(|builder| builder.unattended().policy_fn(|_| Ruling::allow()));
    let runs = Runs::default();
    store.fail(&[Op::AppendJournal]);
    let risky = || call_with(|action| Ok(action.risk(Risk::Medium)));
    assert!(matches!(error(soon(runs.run(&manager, risky())).await).0, ApprovalError::Store(_)));
    assert_eq!(runs.count(), 0);
    store.heal();
    soon(runs.run(&manager, risky())).await.unwrap();
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn an_option_whose_value_cannot_be_encoded_is_not_asked_about() {
    struct Unwritable;
    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("out of ink"))
        }
    }
    let manager = crate::common::unattended();
    let asked =
        manager.ask::<u32>("How many?").to([crate::common::ANN]).options([(Unwritable, "many")]).open();
    let (refused, text) = error(asked.await);
    assert!(matches!(refused, ApprovalError::Invalid(_)) && text.contains("out of ink"), "{text}");
}

#[tokio::test]
async fn a_denial_of_some_risk_is_on_record_before_the_caller_hears_of_it() {
    let (manager, store) = on_outage(|builder| builder.unattended().policy_fn(|_| Ruling::deny("never")));
    store.fail(&[Op::AppendJournal]);
    for (risk, waits) in
        [(Risk::Minimal, false), (Risk::Low, false), (Risk::Medium, true), (Risk::High, true)]
    {
        let action = call_with(move |action| Ok(action.risk(risk)));
        let (refused, text) = error(soon(manager.authorize(action)).await);
        if waits {
            assert!(matches!(refused, ApprovalError::Store(_)), "{risk:?}: {text}");
        } else {
            assert!(matches!(refused, ApprovalError::PolicyDenied { .. }), "{risk:?}: {text}");
        }
    }
    assert_eq!(manager.journal().await.unwrap().len(), 0);
    store.heal();
    soon(manager.shutdown()).await.unwrap();
    assert_eq!(manager.journal().await.unwrap().len(), 2, "those of little risk were written later");
}
