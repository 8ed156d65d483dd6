//! Managers whose people answer as a script says, and what is recorded of each call.

use std::{future::Future, sync::Arc};

use approval_core::{
    ApprovalManager, Principal,
    model::{Execution, Gate, Request, Requirement},
    notify::Notifier,
    policy::{Call, Ruling},
    store::Query,
};
use approval_testkit::{ApproveAll, RejectAll, Scripted, TestManager};
use serde::Serialize;

pub const ANN: &str = "user:ann@example.com";

/// Ann decides about everything.
fn ann_decides(_: &Call<'_>) -> Ruling {
    let ann = Principal::new(ANN).unwrap();
    let gate = Gate::new("test", vec![Requirement::any_of([ann])]);
    Ruling::Ask { rule: "test".into(), gate: Some(Arc::new(gate)), whole: false }
}

pub fn deciding(people: impl Notifier) -> TestManager {
    TestManager::with(|builder| builder.policy_fn(ann_decides).notifier(people)).unwrap()
}

pub fn approving() -> TestManager {
    deciding(ApproveAll::new())
}

pub fn rejecting(why: &str) -> TestManager {
    deciding(RejectAll::new(why))
}

/// Ann changes these arguments and approves.
pub fn editing<'a, V: Serialize>(edits: impl IntoIterator<Item = (&'a str, V)>) -> TestManager {
    deciding(Scripted::new().edits(ANN, edits))
}

/// All requests.
pub async fn requests(manager: &ApprovalManager) -> Vec<Arc<Request>> {
    let page = manager.list(&Query::default()).await.unwrap();
    page.items.into_iter().map(|stored| stored.request).collect()
}

/// The arguments that each request was opened with or edited to, as JSON, in alphabetical order.
pub async fn arguments(manager: &ApprovalManager) -> Vec<String> {
    let requests = requests(manager).await;
    let arguments = requests.iter().map(|request| request.revision.arguments.as_str().to_owned());
    sorted(arguments.collect())
}

/// How each approved call ended, in alphabetical order; waits for those that still run.
pub async fn outcomes(manager: &TestManager) -> Vec<String> {
    let mut outcomes = Vec::new();
    for request in requests(manager).await {
        if request.execution.is_none() {
            continue;
        }
        let ended = manager
            .until(request.id, |request| {
                !matches!(request.execution.as_deref(), Some(Execution::Executing { .. }) | None)
            })
            .await
            .unwrap();
        outcomes.push(match *ended.execution.clone().unwrap() {
            Execution::Succeeded { result: Some(result), .. } => format!("succeeded: {}", result.as_str()),
            Execution::Failed { why, started: true, .. } => format!("failed: {why}"),
            Execution::Failed { why, started: false, .. } => format!("not begun: {why}"),
            other => other.state().as_str().to_owned(),
        });
    }
    sorted(outcomes)
}

/// Requests of one moment have no order among them.
fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

/// For tests whose functions are not async.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}
