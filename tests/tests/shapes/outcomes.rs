use std::{panic::AssertUnwindSafe, pin::pin};

use approval_core::{
    ApprovalError, ApprovalManager, guarded_action,
    model::{Execution, Status},
    policy::Ruling,
    store::JournalLine,
};
use approval_testkit::{Scripted, TestManager};
use futures_util::{FutureExt, future::Either};

use crate::support::{ANN, approving, deciding, outcomes, requests};

#[guarded_action(name = "outcomes.panics", manager = approvals)]
async fn panics(approvals: &ApprovalManager) -> Result<(), ApprovalError> {
    tokio::task::yield_now().await;
    panic!("half-way")
}

#[guarded_action(name = "outcomes.panics_in_sync", manager = approvals)]
fn panics_in_sync(approvals: &ApprovalManager) -> Result<(), ApprovalError> {
    panic!("half-way")
}

#[guarded_action(name = "outcomes.hangs", manager = approvals)]
async fn hangs(approvals: &ApprovalManager) -> Result<(), ApprovalError> {
    std::future::pending().await
}

#[guarded_action(name = "outcomes.replays", manager = approvals, key = id, replay)]
async fn replays(approvals: &ApprovalManager, id: u8) -> Result<Vec<u8>, String> {
    if id == 0 { Err("zero".into()) } else { Ok(vec![id]) }
}

#[guarded_action(name = "outcomes.suspends", manager = approvals, key = id, mode = "suspend")]
async fn suspends(approvals: &ApprovalManager, id: u8) -> Result<u8, ApprovalError> {
    Ok(id)
}

#[guarded_action(name = "outcomes.cancelled", manager = approvals, cancel_on_drop)]
async fn cancelled(approvals: &ApprovalManager) -> Result<(), ApprovalError> {
    Ok(())
}

/// What a tool of MCP returns.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct CallToolResult {
    is_error: Option<bool>,
}

impl CallToolResult {
    fn failed(&self) -> bool {
        self.is_error == Some(true)
    }

    fn reason(&self) -> Option<String> {
        self.failed().then(|| "the tool refused".to_owned())
    }

    fn code(&self) -> Option<&str> {
        self.failed().then_some("E17")
    }
}

#[guarded_action(name = "outcomes.tool", manager = approvals, failed_if = CallToolResult::failed, key = id, replay)]
async fn tool(
    approvals: &ApprovalManager,
    id: u8,
    is_error: Option<bool>,
) -> Result<CallToolResult, ApprovalError> {
    Ok(CallToolResult { is_error })
}

fn refused(_: ApprovalError) -> CallToolResult {
    CallToolResult { is_error: Some(true) }
}

#[guarded_action(
    name = "outcomes.plain", manager = approvals, failed_if = CallToolResult::reason, refuse_with = refused
)]
fn plain(approvals: &ApprovalManager, is_error: bool) -> CallToolResult {
    CallToolResult { is_error: Some(is_error) }
}

#[guarded_action(
    name = "outcomes.coded", manager = approvals, failed_if = CallToolResult::code, refuse_with = refused
)]
async fn coded(approvals: &ApprovalManager, is_error: bool) -> CallToolResult {
    CallToolResult { is_error: Some(is_error) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_tells_of_a_failure_is_recorded_as_failed() {
    let manager = approving();
    assert_eq!(tool(&manager, 1, Some(true)).await.unwrap().is_error, Some(true));
    let again = tool(&manager, 1, Some(true)).await.unwrap_err();
    assert!(again.to_string().contains("has run and failed"), "it is not replayed: {again}");
    for _ in 0..2 {
        assert_eq!(tool(&manager, 2, None).await.unwrap().is_error, None);
    }
    assert_eq!(plain(&manager, true).is_error, Some(true));
    assert_eq!(plain(&manager, false).is_error, Some(false));
    assert_eq!(coded(&manager, true).await.is_error, Some(true));
    assert_eq!(coded(&manager, false).await.is_error, Some(false));
    assert_eq!(
        outcomes(&manager).await,
        [
            "failed: E17",
            "failed: the result says that it failed",
            "failed: the tool refused",
            "succeeded",
            "succeeded",
            r#"succeeded: {"is_error":null}"#,
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_calls_that_replay_the_second_gets_the_result_of_the_first() {
    for _ in 0..12 {
        let manager = approving();
        let both = futures_util::future::join_all((0..2).map(|_| {
            let manager = ApprovalManager::clone(&manager);
            tokio::spawn(async move { replays(&manager, 5).await })
        }));
        for got in both.await {
            assert_eq!(got.unwrap().unwrap(), [5]);
        }
        assert_eq!(outcomes(&manager).await, ["succeeded: [5]"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_failure_and_goes_on() {
    let manager = approving();
    let payload = AssertUnwindSafe(panics(&manager)).catch_unwind().await.unwrap_err();
    assert_eq!(*payload.downcast::<&str>().unwrap(), "half-way");
    std::panic::catch_unwind(AssertUnwindSafe(|| panics_in_sync(&manager))).unwrap_err();
    assert_eq!(outcomes(&manager).await, ["failed: the body panicked: half-way"; 2]);
}

#[tokio::test]
async fn a_body_dropped_half_way_is_unknown_even_while_another_panics() {
    let manager = approving();
    let dropped = AssertUnwindSafe(async {
        let body = pin!(hangs(&manager));
        let started = async {
            let request = manager.next_request().await.unwrap();
            manager
                .until(request.id, |request| {
                    matches!(request.execution.as_deref(), Some(Execution::Executing { .. }))
                })
                .await
        };
        futures_util::future::select(body, pin!(started)).await;
        panic!("somebody else");
    });
    dropped.catch_unwind().await.unwrap_err();
    assert_eq!(outcomes(&manager).await, ["unknown"]);
}

#[tokio::test]
async fn a_recorded_result_is_given_back() {
    let manager = approving();
    for _ in 0..2 {
        assert_eq!(replays(&manager, 3).await.unwrap(), [3]);
    }
    assert_eq!(replays(&manager, 0).await.unwrap_err(), "zero");
    assert_eq!(outcomes(&manager).await, ["failed: zero", "succeeded: [3]"]);
    let again = replays(&manager, 0).await.unwrap_err();
    assert!(again.contains("outcomes.replays"), "an error is not replayed: {again}");
}

#[tokio::test]
async fn a_suspended_call_runs_when_it_is_made_again() {
    let manager = deciding(Scripted::new().ignore());
    let pending = suspends(&manager, 7).await.unwrap_err();
    let ApprovalError::Pending(about) = pending else { panic!("{pending}") };
    manager.approve(about.request, ANN).await.unwrap();
    assert_eq!(suspends(&manager, 7).await.unwrap(), 7);
    assert!(matches!(suspends(&manager, 7).await.unwrap_err(), ApprovalError::AlreadyRan { .. }));
}

#[tokio::test]
async fn a_dropped_wait_cancels_where_that_is_asked_for() {
    let manager = deciding(Scripted::new().ignore());
    let request = {
        let mut waiting = pin!(cancelled(&manager));
        let request = pin!(manager.next_request());
        match futures_util::future::select(&mut waiting, request).await {
            Either::Right((request, _)) => request.unwrap(),
            Either::Left((returned, _)) => panic!("{returned:?}"),
        }
    };
    manager.until(request.id, |request| request.status == Status::Cancelled).await.unwrap();
}

#[tokio::test]
async fn an_allowed_call_is_journaled() {
    let manager = TestManager::with(|builder| builder.policy_fn(|_| Ruling::allow()).unattended()).unwrap();
    cancelled(&manager).await.unwrap();
    assert!(requests(&manager).await.is_empty());
    assert_eq!(manager.journal().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_allowed_call_with_a_key_has_a_request() {
    let manager = TestManager::with(|builder| builder.policy_fn(|_| Ruling::allow()).unattended()).unwrap();
    for _ in 0..2 {
        assert_eq!(replays(&manager, 3).await.unwrap(), [3]);
    }
    assert_eq!(outcomes(&manager).await, ["succeeded: [3]"]);
    assert!(manager.journal().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_an_allowed_call_without_a_request_is_told_by_its_line() {
    let manager = TestManager::with(|builder| builder.policy_fn(|_| Ruling::allow()).unattended()).unwrap();
    AssertUnwindSafe(panics(&manager)).catch_unwind().await.unwrap_err();
    std::panic::catch_unwind(AssertUnwindSafe(|| panics_in_sync(&manager))).unwrap_err();
    let begun = {
        let mut body = pin!(hangs(&manager));
        assert!((&mut body).now_or_never().is_none());
        manager.journal().await.unwrap()
    };
    cancelled(&manager).await.unwrap();
    manager.shutdown().await.unwrap();
    let allowed =
        |line: &JournalLine| matches!(line, JournalLine::Call { outcome, .. } if &**outcome == "allowed");
    assert_eq!(begun.iter().filter(|line| allowed(line)).count(), 3);
    let lines = manager.journal().await.unwrap();
    let ends = lines.into_iter().filter(|line| !allowed(line)).map(|line| match line {
        JournalLine::Call { outcome, why, .. } => {
            format!("{outcome}: {}", why.as_deref().unwrap_or_default())
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(
        ends.collect::<Vec<_>>(),
        [
            "failed: the body panicked: half-way",
            "failed: the body panicked: half-way",
            "unknown: the future of the body was dropped before it ended",
            "succeeded: ",
        ]
    );
}
