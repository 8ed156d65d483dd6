//! Whoever takes part is looked up, so that nobody passes under another name.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, Context,
    clock::Timestamp,
    directory::{Directory, DirectoryError, StaticDirectory},
    lifecycle::Edit,
    model::{EventKind, EventLine, People, Principal, Requirement, Risk, Status, canonical::to_canonical},
    policy::Ruling,
};
use approval_testkit::TestManager;
use async_trait::async_trait;

use crate::common::{ANN, BOB, CAT, call, call_with, error, person};

/// A directory that answers what it is asked, and nothing else: as one does that asks a server for each principal.
#[derive(Debug)]
struct Frugal(StaticDirectory);

#[async_trait]
impl Directory for Frugal {
    async fn people(&self, wanted: &[&Principal], now: Timestamp) -> Result<Arc<People>, DirectoryError> {
        let all = self.0.people(wanted, now).await?;
        let mut people = People::clone(&all);
        people.groups.retain(|group, _| wanted.contains(&group));
        // Members of the groups that were asked for are part of the answer.
        let members: Vec<Principal> = people.groups.values().flatten().cloned().collect();
        people.aliases.retain(|alias, _| wanted.contains(&alias) || members.contains(alias));
        people.delegates.retain(|from, _| wanted.contains(&from) || members.contains(from));
        Ok(Arc::new(people))
    }
}

const ANN_AT_HOME: &str = "user:ann@home.example";
const FINANCE: &str = "group:finance";

fn directory() -> Frugal {
    let directory = StaticDirectory::new()
        .group(FINANCE, [CAT])
        .and_then(|directory| directory.alias(ANN_AT_HOME, ANN))
        .and_then(|directory| directory.may_delegate(ANN, [CAT]));
    Frugal(directory.unwrap())
}

fn manager() -> TestManager {
    TestManager::with(|builder| builder.unattended().directory(directory())).unwrap()
}

#[tokio::test]
async fn the_person_behind_a_risky_call_cannot_vote_under_another_name() {
    let manager = manager();
    let context = Context::new().on_behalf_of(ANN_AT_HOME).unwrap();
    let risky = call_with(|action| Ok(action.risk(Risk::High)));
    let waiting = context.scope(manager.request(risky)).await.unwrap();
    let (refused, text) = error(manager.approve(waiting.id(), ANN).await);
    assert!(matches!(refused, ApprovalError::NotAnApprover { .. }), "{text}");
    manager.approve(waiting.id(), BOB).await.unwrap();
}

#[tokio::test]
async fn two_names_of_one_person_stay_one_vote_from_call_to_call() {
    let manager = manager();
    let both = Action::new("payments.refund")
        .unwrap()
        .describe(|action| {
            Ok(action.requirement(Requirement::at_least(2, [ANN, BOB, ANN_AT_HOME].map(person))))
        })
        .unwrap()
        .arguments(&serde_json::json!({}))
        .unwrap();
    let waiting = manager.request(both).await.unwrap();
    manager.approve(waiting.id(), ANN_AT_HOME).await.unwrap();
    drop(manager.approve(waiting.id(), ANN).await); // Refused, or the same vote again.
    assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::Pending);
    manager.approve(waiting.id(), BOB).await.unwrap();
    assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn a_delegate_who_votes_after_the_act_of_delegation_sits_for_the_delegator() {
    let manager = manager();
    let waiting = manager.request(call()).await.unwrap();
    manager.delegate(waiting.id(), &person(ANN_AT_HOME), &person(CAT)).await.unwrap();
    manager.approve(waiting.id(), CAT).await.unwrap();
    assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn a_group_that_only_the_policy_of_the_edited_arguments_names_is_looked_up() {
    let manager = TestManager::with(|builder| {
        builder.unattended().directory(directory()).policy_fn(|call| {
            if call.arguments.as_str().contains("900") {
                Ruling::ask_also([Requirement::any_of([person(FINANCE)])])
            } else {
                Ruling::ask()
            }
        })
    })
    .unwrap();
    let waiting = manager.request(call()).await.unwrap();
    let edit = Edit { path: "cents".into(), value: to_canonical(&900).unwrap() };
    let seen = waiting.request().await.unwrap();
    let edited = manager.decider("desk").approve_edited(&seen, &person(ANN), vec![edit], None).await;
    assert_eq!(edited.unwrap().status, Status::Pending);
    manager.approve(waiting.id(), CAT).await.unwrap();
    assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn a_chain_of_aliases_is_looked_up_to_its_end() {
    let chain = StaticDirectory::new()
        .alias("user:ann+w@home.example", ANN_AT_HOME)
        .and_then(|directory| directory.alias(ANN_AT_HOME, "user:ann@work.example"))
        .and_then(|directory| directory.alias("user:ann@work.example", ANN))
        .unwrap();
    let manager = TestManager::with(|builder| builder.unattended().directory(Frugal(chain))).unwrap();
    let context = Context::new().on_behalf_of("user:ann+w@home.example").unwrap();
    let risky = call_with(|action| Ok(action.risk(Risk::High)));
    let waiting = context.scope(manager.request(risky)).await.unwrap();
    for spelled in [ANN, ANN_AT_HOME, "user:ann@work.example", "user:ann+w@home.example"] {
        let (refused, text) = error(manager.approve(waiting.id(), spelled).await);
        assert!(matches!(refused, ApprovalError::NotAnApprover { .. }), "{text}");
    }
    manager.approve(waiting.id(), BOB).await.unwrap();
}

#[tokio::test]
async fn an_approver_cannot_let_another_in_and_the_history_names_the_operator() {
    let manager = manager();
    let both = call_with(|action| Ok(action.requirement(Requirement::any_of([person(CAT)]))));
    let waiting = manager.request(both).await.unwrap();
    let mallory = || vec![person("user:mallory@example.com")];
    for requirement in [0, 1] {
        let (decider, ann) = (manager.decider("desk"), person(ANN));
        let by_ann = decider.escalate(waiting.id(), &ann, requirement, mallory(), None);
        let (refused, text) = error(by_ann.await);
        assert!(matches!(refused, ApprovalError::Refused { .. }), "{text}");
    }
    manager.escalate(waiting.id(), &person("user:boss@example.com"), 1, mallory(), None).await.unwrap();
    let history = manager.history(waiting.id()).await.unwrap();
    let by_operator = |line: &&EventLine| {
        matches!(line.event().unwrap().what, EventKind::Escalated { by_operator: true, .. })
    };
    assert_eq!(history.iter().filter(by_operator).count(), 1);
    manager.approve(waiting.id(), "user:mallory@example.com").await.unwrap();
}

#[tokio::test]
async fn an_edit_into_another_rule_needs_each_gate_and_not_the_sum_of_their_seats() {
    const DAN: &str = "user:dan@example.com";
    let manager = TestManager::with(|builder| {
        builder.unattended().policy_fn(|call| {
            let also = if call.arguments.as_str().contains("900") { [CAT, DAN] } else { [BOB, CAT] };
            Ruling::ask_also([Requirement::any_of(also.map(person))])
        })
    })
    .unwrap();
    let open = async |manager: &TestManager| {
        let waiting = manager.request(call()).await.unwrap();
        let edit = Edit { path: "cents".into(), value: to_canonical(&900).unwrap() };
        let seen = waiting.request().await.unwrap();
        let edited = manager.decider("desk").approve_edited(&seen, &person(ANN), vec![edit], None).await;
        assert_eq!(edited.unwrap().status, Status::Pending);
        waiting.id()
    };
    // Ann and Cat: one of Ann and Bob and one of Bob and Cat before, one of Ann and Bob and one of Cat and Dan now.
    let request = open(&manager).await;
    manager.approve(request, CAT).await.unwrap();
    assert_eq!(manager.get(request).await.unwrap().status, Status::Approved);
    // Dan is enough for the new call, but not for what was required before.
    let request = open(&manager).await;
    manager.approve(request, DAN).await.unwrap();
    assert_eq!(manager.get(request).await.unwrap().status, Status::Pending);
    manager.approve(request, BOB).await.unwrap();
    assert_eq!(manager.get(request).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn a_compulsory_approver_who_rejects_ends_the_call() {
    let manager = manager();
    let call = call_with(|action| Ok(action.veto(3).requirement(Requirement::any_of([person(CAT)]))));
    let waiting = manager.request(call).await.unwrap();
    manager.approve(waiting.id(), ANN).await.unwrap();
    let seen = waiting.request().await.unwrap();
    manager.decider("desk").reject(&seen, &person(CAT), Some("too much")).await.unwrap();
    let (ended, text) = error(waiting.await);
    assert!(matches!(ended, ApprovalError::Rejected(_)), "{text}");
    assert!(text.contains("cat@example.com") && text.contains("too much"), "{text}");
    let decision = manager.get(seen.id).await.unwrap().decision.clone().unwrap();
    assert!(decision.unreachable && decision.by == [person(CAT)]);
}
