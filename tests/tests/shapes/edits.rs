use std::sync::{Arc, Mutex};

use approval_core::{ApprovalError, ApprovalManager, guarded_action, model::canonical::DigestKey};
use approval_testkit::{Scripted, TestManager};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{ANN, approving, arguments, deciding, editing, outcomes, requests};

#[derive(Serialize)]
struct Args {
    note: String,
    pair: (u8, u8),
    /// Only editable values need to be read back.
    fixed: Fixed,
}

#[derive(Serialize)]
struct Fixed(u8);

fn args() -> Args {
    Args { note: "n".into(), pair: (1, 2), fixed: Fixed(3) }
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Amount {
    cents: u64,
}

#[guarded_action(name = "edits.mixed", manager = approvals, editable(cents, amount, args.note, args.pair.1))]
async fn mixed(
    approvals: &ApprovalManager,
    mut cents: u64,
    amount: Amount,
    args: Args,
) -> Result<String, ApprovalError> {
    cents += 1;
    Ok(format!("{cents} {} {} {:?} {}", amount.cents, args.note, args.pair, args.fixed.0))
}

#[guarded_action(name = "edits.sync", manager = approvals, editable(list))]
fn edits_in_sync(approvals: &ApprovalManager, mut list: Vec<u8>) -> Result<Vec<u8>, ApprovalError> {
    list.push(0);
    Ok(list)
}

#[derive(Serialize)]
struct Renamed {
    #[serde(rename = "Token")]
    token: String,
}

#[guarded_action(name = "edits.renamed", manager = approvals, redact(args.token))]
async fn renamed(approvals: &ApprovalManager, args: Renamed) -> Result<usize, ApprovalError> {
    Ok(args.token.len())
}

struct Shared(Arc<Mutex<u8>>);

impl Serialize for Shared {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.lock().unwrap().serialize(serializer)
    }
}

#[guarded_action(name = "edits.shared", manager = approvals)]
async fn shared_value(approvals: &ApprovalManager, value: Shared) -> Result<u8, ApprovalError> {
    Ok(*value.0.lock().unwrap())
}

#[guarded_action(name = "edits.shared_beside", manager = approvals, editable(cents))]
async fn shared_beside(approvals: &ApprovalManager, value: Shared, cents: u8) -> Result<u8, ApprovalError> {
    Ok(*value.0.lock().unwrap() + cents)
}

#[guarded_action(
    name = "edits.secret", manager = approvals, redact(token), editable(cents), approvers("user:ann@example.com"),
)]
async fn secret(approvals: &ApprovalManager, token: String, cents: u8) -> Result<String, ApprovalError> {
    Ok(format!("{token} {cents}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_values_replace_the_callers() {
    let edits = [
        ("cents", json!(10)),
        ("amount", json!({ "cents": 20 })),
        ("args.note", json!("edited")),
        ("args.pair[1]", json!(9)),
    ];
    let manager = editing(edits);
    let text = mixed(&manager, 1, Amount { cents: 2 }, args()).await.unwrap();
    assert_eq!(text, "11 20 edited (1, 9) 3");
    assert_eq!(
        arguments(&manager).await,
        [r#"{"amount":{"cents":20},"args":{"fixed":3,"note":"edited","pair":[1,9]},"cents":10}"#]
    );
    let manager = editing([("list", [7])]);
    assert_eq!(edits_in_sync(&manager, vec![1]).unwrap(), [7, 0]);
}

#[tokio::test]
async fn what_was_not_edited_stays_the_callers_own() {
    let text = mixed(&approving(), 1, Amount { cents: 2 }, args()).await.unwrap();
    assert_eq!(text, "2 2 n (1, 2) 3");
}

#[tokio::test]
async fn an_edit_of_the_wrong_type_counts_for_nothing() {
    for (path, value) in [
        ("cents", json!(-1)),
        ("amount", json!({ "cents": "2" })),
        ("args.note", json!(1)),
        ("args.pair[1]", json!(256)),
        ("args.fixed", json!(4)),
    ] {
        let people = Scripted::new().edit(ANN, path, value).then_reject_all("then not");
        let manager = deciding(people.clone());
        mixed(&manager, 1, Amount { cents: 2 }, args()).await.unwrap_err();
        assert_eq!(people.refusals().len(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_value_that_changes_while_people_think_does_not_run() {
    let (people, shared) = (Scripted::new().ignore(), Arc::new(Mutex::new(1)));
    let manager = deciding(people);
    let (returned, ()) = tokio::join!(shared_value(&manager, Shared(Arc::clone(&shared))), async {
        let request = manager.next_request().await.unwrap();
        *shared.lock().unwrap() = 2;
        manager.approve(request.id, ANN).await.unwrap();
    });
    assert!(matches!(returned.unwrap_err(), ApprovalError::ArgumentsChanged { .. }));
    let why = outcomes(&manager).await;
    assert_eq!(why, ["not begun: dropped before the body began"]);
}

#[tokio::test]
async fn a_value_that_changes_beside_one_that_could_have_been_edited_does_not_run() {
    let (people, shared) = (Scripted::new().ignore(), Arc::new(Mutex::new(1)));
    let manager = deciding(people);
    let (returned, ()) = tokio::join!(shared_beside(&manager, Shared(Arc::clone(&shared)), 5), async {
        let request = manager.next_request().await.unwrap();
        *shared.lock().unwrap() = 2;
        manager.approve(request.id, ANN).await.unwrap();
    });
    assert!(matches!(returned.unwrap_err(), ApprovalError::ArgumentsChanged { .. }));
    assert_eq!(outcomes(&manager).await, ["not begun: dropped before the body began"]);
}

#[tokio::test]
async fn a_secret_under_another_name_is_not_shown_by_mistake() {
    let manager = approving();
    let error = renamed(&manager, Renamed { token: "secret".into() }).await.unwrap_err();
    assert!(error.to_string().contains("\"args.token\" is not written under this name"), "{error}");
    assert!(requests(&manager).await.is_empty());
}

#[tokio::test]
async fn secrets_beside_an_edit_stay_the_callers_own() {
    let key = DigestKey::new("test", [7; 32]).unwrap();
    let people = Scripted::new().edit(ANN, "cents", 5);
    let manager = TestManager::with(|builder| builder.notifier(people).redaction_key(key)).unwrap();
    assert_eq!(secret(&manager, "hunter2".into(), 1).await.unwrap(), "hunter2 5");
    let arguments = &arguments(&manager).await[0];
    assert!(arguments.contains("\"$redacted\"") && !arguments.contains("hunter2"), "{arguments}");
}

#[guarded_action(name = "edits.wei", manager = approvals, editable(wei, transfer.wei))]
async fn large(approvals: &ApprovalManager, wei: u128, transfer: Transfer) -> Result<u128, ApprovalError> {
    Ok(wei + transfer.wei)
}

#[derive(Serialize)]
struct Transfer {
    wei: u128,
}

/// 2^64 and its neighbours are one double.
const LARGE: u128 = 18_446_744_073_709_551_616;

#[tokio::test]
async fn an_edit_from_one_large_number_to_its_neighbour_runs() {
    let manager = editing([("wei", LARGE + 1), ("transfer.wei", LARGE + 2)]);
    assert_eq!(large(&manager, LARGE, Transfer { wei: LARGE }).await.unwrap(), 2 * LARGE + 3);
    assert_eq!(
        arguments(&manager).await,
        [r#"{"transfer":{"wei":18446744073709551618},"wei":18446744073709551617}"#]
    );
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Rated {
    #[serde(flatten)]
    inner: Rate,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Rate {
    rate: f64,
    id: u64,
}

#[guarded_action(name = "edits.rated", manager = approvals, editable(rated))]
async fn rated(approvals: &ApprovalManager, rated: Rated) -> Result<u64, ApprovalError> {
    Ok(rated.inner.id)
}

/// serde buffers what stands behind `flatten`, and rounds an integer that lands in a float there.
#[tokio::test]
async fn an_edit_that_serde_would_round_does_not_run() {
    let call = || Rated { inner: Rate { rate: 0.5, id: 1 } };
    let beyond = 9_007_199_254_740_993_u64;
    let manager = editing([("rated", json!({"rate": beyond, "id": 1}))]);
    assert!(rated(&manager, call()).await.is_err());
    assert_eq!(outcomes(&manager).await, ["not_started"]);
    let manager = editing([("rated", json!({"rate": 0.25, "id": beyond}))]);
    assert_eq!(rated(&manager, call()).await.unwrap(), beyond);
}
