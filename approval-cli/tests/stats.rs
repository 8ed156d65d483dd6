//! `approvals stats`, from the command line.
#![cfg(test)]

use std::{path::Path, sync::Arc};

use approval_core::{
    Action, ApprovalManager, Principal,
    clock::{Clock, Span},
    model::Ballot,
    store::Store,
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;

/// What a command wrote, and its status.
fn stats(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status = approval_cli::run([&["approvals", "stats"], arguments].concat(), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

/// One approval after a minute, one rejection after two, and an open request, on a day of January.
async fn scene(file: &Path) {
    let clock = FakeClock::at("2025-01-14T12:00:00Z");
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::builder(file).clock(Arc::clone(&shared)).open().unwrap());
    let manager = ApprovalManager::builder()
        .shared_store(Arc::clone(&store))
        .clock(shared)
        .agent("mailer")
        .unattended()
        .build()
        .unwrap();
    let ann = Principal::new("user:ann@example.com").unwrap();
    let open = async || {
        let action = Action::new("mail.send").unwrap();
        let action = action.describe(|action| action.no_timeout().approvers([ann.as_str()])).unwrap();
        manager
            .request(action.arguments(&serde_json::json!({})).unwrap())
            .await
            .unwrap()
            .request()
            .await
            .unwrap()
    };
    let mail = manager.decider("mail");
    for ballot in [Ballot::Approve, Ballot::Reject { option: None }] {
        let seen = open().await;
        let minutes = if ballot.is_reject() { 2 } else { 1 };
        clock.advance(Span::from_mins(minutes));
        mail.vote(seen.id, &ann, seen.revision.digest, ballot, None).await.unwrap();
    }
    open().await;
    manager.shutdown().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn figures_are_shown_to_people_and_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    scene(&file).await;
    let shown = file.display().to_string();
    // The command has a runtime of its own.
    tokio::task::spawn_blocking(move || {
        let (status, out, errors) = stats(&["--store", &shown, "--by", "action,approver,channel"]);
        assert_eq!((status, &*errors), (0, ""));
        let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
        let counted = ["1", "1", "(50", "%)", "1", "(50", "%)", "0", "(0", "%)", "0", "0", "1m", "2m", "2m"];
        assert_eq!(lines[1], [&["all"], &counted[..]].concat(), "{out}");
        assert_eq!(lines[2], [&["action", "mail.send"], &counted[..]].concat(), "{out}");
        assert_eq!(lines[6], ["user:ann@example.com", "1", "1", "0", "1m", "2m", "2m"], "{out}");
        assert_eq!(lines[7], ["channel", "mail", "1", "1", "0", "1m", "2m", "2m"], "{out}");

        let (status, out, _) =
            stats(&["--store", &shown, "--before", "2025-01-14", "--agent", "mailer", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(
            (status, &json["total"]["pending"], &json["total"]["approved"]),
            (0, &1.into(), &0.into())
        );
        let (_, out, _) = stats(&["--store", &format!("sqlite:{shown}"), "--agent", "other", "--json"]);
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(json["total"]["pending"], 0);
    })
    .await
    .unwrap();
}

#[test]
fn what_is_not_there_is_said() {
    let (status, _, errors) = stats(&["--store", "/nowhere/approvals.db"]);
    assert_eq!(status, 2);
    assert!(errors.contains("there is no file /nowhere/approvals.db"), "{errors}");
    let (status, _, errors) = stats(&["--store", "x", "--by", "colour"]);
    assert_eq!(status, 2);
    assert!(errors.contains("approver") && errors.contains("colour"), "{errors}");
}
