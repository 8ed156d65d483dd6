//! Numbers reach the body as they were approved, or nobody is asked.

use approval_core::{Action, ActionSpec, ApprovalError, model::CanonicalJson, store::Query};
use approval_testkit::{ApproveAll, Scripted, TestManager};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::common::{ANN, error, soon};

/// 2^64 + 1, which is no double and no 64-bit integer.
const LARGE: &str = r#"{"wei":18446744073709551617}"#;

fn transfer(arguments: &str) -> Action {
    Action::new("wallet.transfer")
        .unwrap()
        .describe(|action| Ok(action.approvers([ANN])?.editable("wei", None)))
        .unwrap()
        .arguments_json(arguments)
        .unwrap()
}

async fn requests(manager: &TestManager) -> usize {
    manager.list(&Query::default()).await.unwrap().items.len()
}

#[tokio::test]
async fn a_number_that_a_value_cannot_hold_is_refused_before_people_are_asked() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let nested = r#"{"wei":1,"more":[{"-":-9223372036854775809}]}"#;
    for arguments in [LARGE, nested] {
        let ran: Result<(), ApprovalError> =
            manager.guard(transfer(arguments)).run(async |_, _| panic!("it must not run")).await;
        let (refused, text) = error(ran);
        assert!(matches!(refused, ApprovalError::Invalid(_)), "{text}");
        assert!(text.contains("run_exact"), "{text}");
    }
    assert_eq!(requests(&manager).await, 0);
    let largest: Result<Value, ApprovalError> = manager
        .guard(transfer(r#"{"wei":18446744073709551615}"#))
        .run(async |arguments, _| Ok(arguments["wei"].clone()))
        .await;
    assert_eq!(largest.unwrap(), u64::MAX);
}

#[tokio::test]
async fn a_body_that_takes_the_text_gets_the_number_that_was_hashed() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let body = async |arguments: CanonicalJson, _| Ok(arguments.as_str().to_owned());
    let ran: Result<String, ApprovalError> = manager.guard(transfer(LARGE)).run_exact(body).await;
    assert_eq!(ran.unwrap(), LARGE);
}

#[tokio::test]
async fn an_edited_number_reaches_the_body_exactly_or_leaves_the_grant_unspent() {
    let edited = 18_446_744_073_709_551_618_u128;
    let manager = TestManager::new(Scripted::new().edits(ANN, [("wei", edited)])).unwrap();
    let body = async |arguments: CanonicalJson, _| Ok(arguments.as_str().to_owned());
    let ran: Result<String, ApprovalError> = manager.guard(transfer(LARGE)).run_exact(body).await;
    assert_eq!(ran.unwrap(), r#"{"wei":18446744073709551618}"#);

    let manager = TestManager::new(Scripted::new().edits(ANN, [("wei", edited)])).unwrap();
    let ran: Result<(), ApprovalError> =
        manager.guard(transfer(r#"{"wei":1}"#)).run(async |_, _| panic!("it must not run")).await;
    error(ran);
    let request = manager.next_request().await.unwrap();
    assert_eq!(request.execution.as_ref().unwrap().state().as_str(), "not_started");
}

#[tokio::test]
async fn a_worker_of_approved_requests_gets_the_number_exactly_or_not_at_all() {
    #[derive(serde::Deserialize)]
    struct Transfer {
        wei: u128,
    }
    #[derive(serde::Deserialize)]
    struct Rounded {
        #[serde(rename = "wei")]
        _wei: f64,
    }
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let id = manager.request(transfer(LARGE)).await.unwrap().detach();
    soon(manager.attach(id).await.unwrap()).await.unwrap();
    let (ran, mut runs) = mpsc::unbounded_channel();
    let rounded = ran.clone();
    let worker = manager.on_approved(ActionSpec::new("wallet.transfer").unwrap(), move |_: Rounded, _| {
        let _sent = rounded.send(None);
        async { Ok::<_, String>(()) }
    });
    worker.stop().await;
    let _worker =
        manager.on_approved(ActionSpec::new("wallet.transfer").unwrap(), move |transfer: Transfer, _| {
            let _sent = ran.send(Some(transfer.wei));
            async { Ok::<_, String>(()) }
        });
    assert_eq!(soon(runs.recv()).await, Some(Some(18_446_744_073_709_551_617)));
}
