//! Redacted arguments: what is not found is refused before people are asked, and keys do not give secrets away.

use approval_core::{
    Action, ApprovalError,
    manager::ManagerBuilder,
    model::{
        ExecutionState,
        canonical::{DigestKey, to_canonical},
    },
    policy::Ruling,
};
use approval_testkit::{ApproveAll, TestManager};
use serde_json::{Value, json};

use crate::common::{ANN, Runs, error, seconds, unattended};

fn with_secrets(builder: ManagerBuilder) -> ManagerBuilder {
    builder.redaction_key(DigestKey::new("k1", [9; 32]).unwrap())
}

fn secretive() -> TestManager {
    TestManager::with(|builder| with_secrets(builder.unattended())).unwrap()
}

fn call(redact: &[&str], arguments: &Value) -> Action {
    Action::new("vault.open")
        .unwrap()
        .describe(|action| action.approvers([ANN])?.redact(redact.iter().copied()))
        .unwrap()
        .arguments(arguments)
        .unwrap()
}

#[tokio::test]
async fn a_path_that_matches_nothing_is_refused_before_anybody_is_asked() {
    let manager = secretive();
    let arguments = json!({"args": {"token": "hunter2"}, "items": [{"pin": 1}, {"id": 2}], "list": ["a"]});
    for path in ["args.tok", "arg.token", "items[*].pin", "items[*].pni", "list[1]", "items[7].pin", "tokens"]
    {
        let (refused, text) = error(manager.request(call(&[path], &arguments)).await);
        assert!(matches!(refused, ApprovalError::Invalid(_)), "{path}: {text}");
        assert!(text.contains("leads to nothing") && text.contains(&format!("`{path}?`")), "{path}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let query = approval_core::store::Query::default();
    assert!(manager.store().list(&query).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn null_and_nothing_to_iterate_over_count_as_a_match() {
    let manager = secretive();
    for (path, arguments) in [
        ("token", json!({"token": null})),
        ("args.token", json!({"args": null})),
        ("items[*].pin", json!({"items": []})),
        ("items[*].pin", json!({"items": null})),
        ("map[*].pin", json!({"map": {}})),
        ("items[*].pin", json!({"items": [{"pin": 1}, {"pin": null}]})),
    ] {
        assert!(manager.request(call(&[path], &arguments)).await.is_ok(), "{path} in {arguments}");
    }
}

#[tokio::test]
async fn a_path_with_a_question_mark_may_lead_to_nothing() {
    let manager = secretive();
    let waiting =
        manager.request(call(&["token?", "items[*].pin?"], &json!({"items": [{"id": 1}, {"pin": 7}]})));
    let request = waiting.await.unwrap().request().await.unwrap();
    assert_eq!(
        request.action.redacted.iter().map(|path| &**path).collect::<Vec<_>>(),
        ["token", "items[*].pin"]
    );
    assert!(!request.revision.arguments.as_str().contains('7') || request.revision.arguments.is_redacted());
    let there = manager.request(call(&["token?"], &json!({"token": "hunter2"}))).await.unwrap();
    let shown = there.request().await.unwrap();
    assert!(!shown.revision.arguments.as_str().contains("hunter2"));
    assert!(approval_core::ActionSpec::new("vault.open").unwrap().redact(["to ken?"]).is_err());
}

#[tokio::test]
async fn a_key_made_of_a_secret_is_found_again_and_stored_keyed() {
    let manager = secretive();
    let arguments = json!({"token": "hunter2"});
    let keyed = || call(&["token"], &arguments).key("vault/hunter2");
    let first = manager.request(keyed()).await.unwrap();
    assert_eq!(manager.request(keyed()).await.unwrap().id(), first.id());
    // Without the redaction key nobody can compute what is stored.
    let stored = first.request().await.unwrap().key.clone().unwrap();
    let plain = manager.request(call(&[], &arguments).key("vault/hunter2")).await.unwrap();
    assert_ne!(plain.id(), first.id());
    assert_ne!(plain.request().await.unwrap().key.clone().unwrap(), stored);
}

#[tokio::test]
async fn what_ran_under_the_form_of_before_does_not_run_again() {
    let manager = TestManager::with(|builder| with_secrets(builder.notifier(ApproveAll::new()))).unwrap();
    let arguments = json!({"token": "hunter2"});
    let runs = Runs::default();
    let keyed = || call(&["token"], &arguments).key("hunter2");
    runs.run(&manager, keyed()).await.unwrap();
    let request = manager.next_request().await.unwrap();
    // A row as an earlier version wrote it: the same request under the plain form of its key.
    let earlier = secretive();
    let old = earlier.request(call(&[], &arguments).key("hunter2")).await.unwrap().request().await.unwrap();
    crate::altered::alter(&manager, request.id, |row| row.key = old.key.clone()).await;
    let (again, text) = error(runs.run(&manager, keyed()).await);
    assert!(matches!(again, ApprovalError::AlreadyRan { state: ExecutionState::Succeeded, .. }), "{text}");
    assert_eq!(runs.count(), 1);
}

#[tokio::test]
async fn one_key_with_another_secret_is_a_conflict_whatever_its_form() {
    let manager = secretive();
    let with = |token: &str| call(&["token"], &json!({"token": token})).key("A-17");
    let _first = manager.request(with("hunter2")).await.unwrap();
    // This token is part of the key, so the key would be stored in the other form.
    let (conflict, text) = error(manager.request(with("A-17")).await);
    assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
    let (conflict, text) = error(manager.request(with("17")).await);
    assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
}

#[tokio::test]
async fn guessing_keys_is_limited_and_recorded() {
    let manager = unattended();
    let with = |cents: usize| crate::common::call().arguments(&json!({"cents": cents})).unwrap().key("A-17");
    let first = manager.request(with(0)).await.unwrap().id();
    for cents in 1..=20 {
        let (conflict, text) = error(manager.request(with(cents)).await);
        assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{cents}: {text}");
    }
    for key in ["A-17", "A-18"] {
        let (limited, text) = error(manager.request(crate::common::call().key(key)).await);
        assert!(matches!(limited, ApprovalError::LimitReached { .. }), "{text}");
    }
    assert!(manager.request(crate::common::call()).await.is_ok(), "calls without a key go on");
    let other = approval_core::Context::new().agent("another").unwrap();
    assert!(
        other.scope(manager.request(crate::common::call().key("A-17"))).await.is_ok(),
        "other agents go on"
    );
    manager.time().advance(seconds(600));
    assert_eq!(manager.request(with(0)).await.unwrap().id(), first);
    manager.shutdown().await.unwrap();
    let lines = manager.store().read_journal(0, 100).await.unwrap();
    let text = format!("{lines:?}");
    assert!(
        text.contains("the key belongs to a call with other arguments") && text.contains("count: 20"),
        "{text}"
    );
}

#[tokio::test]
async fn what_developers_print_of_a_call_names_its_action_and_no_argument() {
    let secret = || call(&["token"], &json!({"token": "hunter2"}));
    let replayed = || secret().describe(|action| Ok(action.replay())).unwrap().key("k");
    let approving = TestManager::with(|builder| with_secrets(builder.notifier(ApproveAll::new()))).unwrap();
    let allowing = TestManager::with(|builder| {
        with_secrets(builder.unattended().policy_fn(|_| Ruling::allow().named("small ones")))
    })
    .unwrap();
    let mut printed = vec![format!("{:?}", approving.guard(secret()))];
    for (manager, action, is) in [
        (&allowing, secret(), "allowed by small ones"),
        (&approving, replayed(), "approved as "),
        (&approving, replayed(), "ran before as "),
    ] {
        let right = manager.authorize(action).await.unwrap();
        let text = format!("{right:?}");
        assert!(text.contains(is), "{is}: {text}");
        printed.push(text);
        if right.ran_before().is_some() {
            continue;
        }
        let arguments = to_canonical(&json!({"token": "hunter2"})).unwrap();
        let running = right.begin(arguments).await.unwrap();
        let text = format!("{running:?}");
        let shown = running.request().map_or_else(|| "allowed".to_owned(), |request| request.id.to_string());
        assert!(text.starts_with("Running(") && text.contains(&shown), "{shown}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
        running.succeeded(Some(to_canonical(&1).unwrap())).await;
    }
    for text in printed {
        assert!(text.contains("vault.open") && !text.contains("hunter2"), "{text}");
    }
}
