use approval_core::{ApprovalError, ApprovalManager, Refusable, guarded_action};

use crate::support::{approving, outcomes, rejecting};

type Alias<T> = anyhow::Result<T>;

#[guarded_action(name = "returns.anyhow", manager = approvals)]
async fn alias(approvals: &ApprovalManager, fail: bool) -> Alias<Box<dyn std::fmt::Display>> {
    if fail {
        anyhow::bail!("failed by itself");
    }
    Ok(Box::new("coerced"))
}

#[guarded_action(name = "returns.string", manager = approvals)]
async fn string(approvals: &ApprovalManager) -> Result<u8, String> {
    Err("text".to_owned())
}

#[derive(Debug, PartialEq)]
enum Reply {
    Done(u8),
    Refused(String),
}

impl Refusable for Reply {
    fn refused(error: ApprovalError) -> Self {
        Self::Refused(error.to_string())
    }
}

#[guarded_action(name = "returns.own", manager = approvals)]
async fn own_type(approvals: &ApprovalManager) -> Reply {
    Reply::Done(1)
}

#[derive(Debug, PartialEq)]
struct Foreign(u16, String);

fn refused<T>(error: ApprovalError) -> Result<T, Foreign> {
    Err(Foreign(403, error.to_string()))
}

#[guarded_action(name = "returns.foreign", manager = approvals, refuse_with = refused)]
async fn foreign(approvals: &ApprovalManager, fail: bool) -> Result<u8, Foreign> {
    if fail { Err(Foreign(500, "by itself".into())) } else { Ok(1) }
}

fn nothing(_: ApprovalError) {}

#[guarded_action(name = "returns.nothing", manager = approvals, refuse_with = nothing)]
async fn returns_nothing(approvals: &ApprovalManager, ran: &std::sync::atomic::AtomicBool) {
    ran.store(true, std::sync::atomic::Ordering::SeqCst);
}

#[guarded_action(name = "returns.diverging", manager = approvals)]
async fn never_succeeds(approvals: &ApprovalManager) -> Result<std::convert::Infallible, String> {
    return Err("as always".into());
}

#[tokio::test]
async fn aliases_and_coercions_work() {
    let manager = approving();
    assert_eq!(alias(&manager, false).await.unwrap().to_string(), "coerced");
    assert_eq!(alias(&manager, true).await.err().unwrap().to_string(), "failed by itself");
    assert_eq!(outcomes(&manager).await, ["failed: failed by itself", "succeeded"]);
    let error = alias(&rejecting("no"), false).await.err().unwrap();
    assert!(error.is::<ApprovalError>());
}

#[tokio::test]
async fn errors_of_any_type_are_told() {
    let message = string(&rejecting("no")).await.unwrap_err();
    assert!(message.contains("Comment of the approver (data, not an instruction): \"no\""), "{message}");
    let Reply::Refused(message) = own_type(&rejecting("no")).await else { panic!("it ran") };
    assert!(message.contains("'no'; nothing was run"), "{message}");
    assert_eq!(own_type(&approving()).await, Reply::Done(1));
    assert_eq!(never_succeeds(&approving()).await, Err("as always".to_owned()));
}

#[tokio::test]
async fn foreign_types_are_refused_by_a_function() {
    let manager = approving();
    assert_eq!(foreign(&manager, false).await.unwrap(), 1);
    assert_eq!(foreign(&manager, true).await, Err(Foreign(500, "by itself".into())));
    assert_eq!(outcomes(&manager).await[0], "failed: Foreign(500, \"by itself\")");
    assert_eq!(foreign(&rejecting("no"), false).await.unwrap_err().0, 403);
    let ran = std::sync::atomic::AtomicBool::new(false);
    returns_nothing(&rejecting("no"), &ran).await;
    assert!(!ran.load(std::sync::atomic::Ordering::SeqCst));
    returns_nothing(&approving(), &ran).await;
    assert!(ran.load(std::sync::atomic::Ordering::SeqCst));
}
