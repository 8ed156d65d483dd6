use approval_core::{
    ApprovalError, ApprovalManager, Priority, RejectOptions, Risk,
    clock::Span,
    guarded_action,
    model::{OnTimeout, canonical::DigestKey},
};
use approval_testkit::{ApproveAll, Scripted, TestManager};
use serde::Serialize;

use crate::support::{ANN, requests};

#[derive(Debug, PartialEq, RejectOptions)]
enum Reason {
    /// More than the customer paid.
    TooMuch,
    #[reject(name = "other", title = "Somebody else")]
    WrongCustomer,
}

#[derive(Serialize)]
struct Args {
    order: String,
    token: String,
}

#[guarded_action(
    name = "payments.refund", kind = "purchase", version = 3,
    description = "Refund {cents} cents for {args.order}", cost = "{cents} / 100 USD",
    risk = "low", priority = "high", manager = approvals,
    require(1, "user:CFO@example.com"), require(2, "user:bob", "user:ann", may_share),
    escalate(after = "10m", to("user:eve"), requirement = 2, priority = "critical"),
    remind(every = "5m", at_most = 2), timeout = "15m", on_timeout = "approve", wait = "30s", grant_ttl = "1h",
    run_window = "daily 00:00-24:00 Europe/Berlin", redact(args.token), key = args.order, reject_options = Reason, veto = 2,
    idempotent, replay, allow_self_approval, cancel_on_drop, crate = ::approval_core,
)]
async fn refund(approvals: &ApprovalManager, args: Args, cents: u64) -> Result<u64, ApprovalError> {
    Ok(cents + args.token.len() as u64)
}

#[guarded_action(name = "payments.reject", manager = approvals, approvers("user:ann@example.com"), reject_options = Reason, allow_self_approval = false)]
async fn rejected(approvals: &ApprovalManager) -> Result<(), ApprovalError> {
    Ok(())
}

#[tokio::test]
async fn what_the_attribute_says_reaches_people() {
    let key = DigestKey::new("test", [7; 32]).unwrap();
    let manager =
        TestManager::with(|builder| builder.notifier(ApproveAll::new()).redaction_key(key)).unwrap();
    let args = Args { order: "o-1".into(), token: "hunter2".into() };
    assert_eq!(refund(&manager, args, 450).await.unwrap(), 457);
    let request = &requests(&manager).await[0];
    let (action, gate) = (&request.action, &request.gate);
    assert_eq!((action.name.as_str(), action.version, &*action.kind), ("payments.refund", 3, "purchase"));
    assert_eq!((request.risk, request.priority), (Risk::Low, Priority::High));
    assert_eq!(&*request.revision.description, "Refund 450 cents for o-1");
    assert_eq!(request.revision.cost.unwrap().to_string(), "4.50 USD");
    assert!(!request.revision.arguments.as_str().contains("hunter2"));
    assert_eq!(action.redacted, ["args.token".into()]);
    let requirements: Vec<String> = gate
        .requirements
        .iter()
        .map(|rule| format!("{} of {:?} {}", rule.count, rule.of, rule.may_share))
        .collect();
    assert_eq!(
        requirements,
        [
            "1 of [Principal(user:cfo@example.com)] false",
            "2 of [Principal(user:bob), Principal(user:ann)] true",
        ]
    );
    assert_eq!((gate.veto, gate.allow_self_approval, gate.on_timeout), (2, Some(true), OnTimeout::Approve));
    assert_eq!((gate.timeout, gate.grant_ttl), (Some(Span::from_mins(15)), Span::from_hours(1)));
    let windows: Vec<String> = gate.run_windows.iter().map(ToString::to_string).collect();
    assert_eq!(windows, ["mon-sun 00:00-24:00 Europe/Berlin"]);
    let stage = &gate.escalation[0];
    assert_eq!(
        (stage.after, stage.requirement, stage.priority),
        (Span::from_mins(10), 1, Some(Priority::Critical))
    );
    assert_eq!(gate.reminders.unwrap().every, Span::from_mins(5));
    assert_eq!(&*gate.reject_options[0].title, "Too much");
    assert!(action.idempotent && request.key.is_some());
}

#[tokio::test]
async fn the_reason_comes_back_as_the_enum() {
    let manager = TestManager::new(Scripted::new().reject_with(ANN, "too_much", "half at most")).unwrap();
    let error = rejected(&manager).await.unwrap_err();
    assert_eq!(error.reject_reason(), Some(Reason::TooMuch));
    assert_eq!(requests(&manager).await[0].gate.allow_self_approval, Some(false));
    let manager = TestManager::new(Scripted::new().reject(ANN, "no")).unwrap();
    assert_eq!(rejected(&manager).await.unwrap_err().reject_reason::<Reason>(), None);
}

#[test]
fn reasons_are_found_by_name() {
    let options = Reason::options();
    assert_eq!(&*options[0].description, "More than the customer paid.");
    for reason in [Reason::TooMuch, Reason::WrongCustomer] {
        assert_eq!(Reason::from_name(reason.name()), Some(reason));
    }
    assert_eq!((&*options[1].name, &*options[1].title), ("other", "Somebody else"));
    assert_eq!(Reason::from_name("too much"), None);
}
