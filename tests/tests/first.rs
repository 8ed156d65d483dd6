//! The shortest way through: ask, approve, run.

use approval_core::{
    Action, ApprovalError, ApprovalManager, Principal, notify::HandlerReply, store::MemoryStore,
};
use approval_store::SqliteStore;
use serde_json::{Value, json};

fn manager(reply: HandlerReply) -> ApprovalManager {
    ApprovalManager::builder()
        .store(MemoryStore::new())
        .handler(move |_| {
            let reply = reply.clone();
            async move { Ok(reply) }
        })
        .build()
        .unwrap()
}

fn call() -> Action {
    Action::new("mail.send")
        .unwrap()
        .describe(|action| action.description("Mail {to}").approvers(["user:ann@example.com"]))
        .unwrap()
        .arguments(&json!({"to": "bob@example.com"}))
        .unwrap()
}

#[tokio::test]
async fn an_approved_call_runs_once_with_its_arguments() {
    let manager = manager(HandlerReply::Approve);
    let sent: Value = manager
        .guard(call())
        .run(async |arguments, grant| {
            let grant = grant.expect("people were asked");
            Ok::<_, ApprovalError>(json!({"to": arguments["to"], "by": grant.approvers()[0]}))
        })
        .await
        .unwrap();
    assert_eq!(sent, json!({"to": "bob@example.com", "by": "user:ann@example.com"}));
}

#[tokio::test]
async fn a_rejected_call_does_not_run() {
    let manager = manager(HandlerReply::Reject("too much".to_owned()));
    let result: Result<Value, ApprovalError> =
        manager.guard(call()).run(async |_, _| -> Result<Value, ApprovalError> { panic!("it ran") }).await;
    let message = result.unwrap_err().to_string();
    assert!(message.contains("rejected by user:ann@example.com: 'too much'; nothing was run"), "{message}");
}

#[tokio::test]
async fn a_request_outlives_its_process_and_runs_once_when_called_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("approvals.db");
    let open = || {
        ApprovalManager::builder()
            .agent("a")
            .store(SqliteStore::open(&path).unwrap())
            .unattended()
            .build()
            .unwrap()
    };
    let suspended = || call().describe(|action| Ok(action.suspend())).unwrap().key("mail-1");
    let body = async |arguments: Value, _| Ok::<_, ApprovalError>(arguments);

    let first = open();
    let waiting = first.guard(suspended()).run(body).await.unwrap_err();
    let ApprovalError::Pending(about) = waiting else { panic!("{waiting}") };
    first.shutdown().await.unwrap();
    first.store().close().await.unwrap();

    let second = open();
    let ann = Principal::user("ann@example.com").unwrap();
    let seen = second.get(about.request).await.unwrap();
    second.decider("test").approve(&seen, &ann, None).await.unwrap();
    assert_eq!(second.guard(suspended()).run(body).await.unwrap(), json!({"to": "bob@example.com"}));
    let again = second.guard(suspended()).run(body).await.unwrap_err();
    assert!(matches!(again, ApprovalError::AlreadyRan { .. }), "{again}");
    second.verify_history(about.request).await.unwrap();
}
