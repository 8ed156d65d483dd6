//! Actions of the kinds that people know: their fields as parameters, and calls of them in a line.

use approval_core::{
    Action, ApprovalError, ApprovalManager, Invalid, guarded_action,
    model::{ActionKind, ConfigChange, Custom, DeleteData, Purchase, SendEmail, canonical::DigestKey},
};
use approval_testkit::{ApproveAll, TestManager};
use serde_json::json;

use crate::support::{ANN, approving, editing, requests};

#[guarded_action(
    name = "shop.order", kind = "purchase", manager = approvals, editable(order),
    description = "Order {order.description}", cost = "{order.amount} EUR"
)]
async fn order(approvals: &ApprovalManager, order: Purchase) -> Result<String, ApprovalError> {
    Ok(order.price().to_string())
}

#[guarded_action(name = "mail.send", kind = "send_email", manager = approvals)]
async fn send(
    approvals: &ApprovalManager,
    to: &str,
    subject: String,
    preview: String,
    urgent: bool,
) -> Result<bool, ApprovalError> {
    Ok(urgent && to.contains('@') && subject != preview)
}

#[guarded_action(
    name = "config.key", kind = "config_change", manager = approvals, redact(change.old_value), approvers("user:ann@example.com")
)]
async fn rotate(approvals: &ApprovalManager, change: ConfigChange) -> Result<String, ApprovalError> {
    Ok(change.old_value.to_string())
}

#[guarded_action(name = "rows.drop", kind = "drop_rows", manager = approvals)]
async fn open_word(approvals: &ApprovalManager, data: DeleteData) -> Result<(), ApprovalError> {
    drop(data);
    Ok(())
}

fn chairs(price: &str) -> Purchase {
    Purchase::new(price.parse().unwrap(), "ACME", "ten chairs")
}

async fn kinds(manager: &ApprovalManager) -> Vec<Option<ActionKind>> {
    requests(manager).await.iter().map(|request| ActionKind::of(request)).collect()
}

#[tokio::test]
async fn a_kind_is_a_parameter() {
    let manager = approving();
    assert_eq!(order(&manager, chairs("900.00 EUR")).await.unwrap(), "900.00 EUR");
    let request = &requests(&manager).await[0];
    assert_eq!(ActionKind::of(request), Some(chairs("900.00 EUR").into()));
    assert_eq!(&*request.revision.description, "Order ten chairs");
    assert_eq!(request.revision.cost.unwrap().to_string(), "900 EUR");
}

#[tokio::test]
async fn an_edit_of_it_is_checked_and_drawn() {
    let edited =
        json!({"amount": "450.00", "currency": "EUR", "vendor": "ACME", "description": "five chairs"});
    let manager = editing([("order", edited)]);
    assert_eq!(order(&manager, chairs("900.00 EUR")).await.unwrap(), "450.00 EUR");
    let expected = Purchase::new("450.00 EUR".parse().unwrap(), "ACME", "five chairs");
    assert_eq!(kinds(&manager).await, [Some(expected.into())]);
}

#[tokio::test]
async fn its_fields_may_be_parameters_too() {
    let manager = approving();
    assert!(send(&manager, "b@example.com", "Hi".into(), "Dear Bob".into(), true).await.unwrap());
    let Some(ActionKind::SendEmail(email)) = kinds(&manager).await.remove(0) else { panic!("no e-mail") };
    assert_eq!((email.to, email.subject), (vec!["b@example.com".to_owned()], "Hi".to_owned()));
}

#[tokio::test]
async fn what_is_redacted_stays_so() {
    let key = DigestKey::new("test", [7; 32]).unwrap();
    let manager =
        TestManager::with(|builder| builder.notifier(ApproveAll::new()).redaction_key(key)).unwrap();
    let (old_value, new_value) = (json!("hunter2"), json!("in the vault"));
    let change = ConfigChange { setting_name: "key".into(), old_value, new_value };
    assert_eq!(rotate(&manager, change).await.unwrap(), "\"hunter2\"");
    let Some(ActionKind::ConfigChange(change)) = kinds(&manager).await.remove(0) else {
        panic!("nothing changes")
    };
    assert_eq!((change.old_value, change.new_value), (json!("[redacted]"), json!("in the vault")));
}

#[tokio::test]
async fn other_words_are_kinds_without_fields() {
    let manager = approving();
    let data = DeleteData { resource_type: "row".into(), resource_id: "1".into(), warning: None };
    open_word(&manager, data).await.unwrap();
    assert_eq!(kinds(&manager).await, [None]);
}

#[tokio::test]
async fn calls_of_each_kind_are_made_in_a_line() {
    let (old_value, new_value) = (json!(3), json!("five"));
    let mail = SendEmail {
        to: vec!["b@example.com".into(), "c@example.com".into()],
        subject: "Hi".into(),
        preview: "Dear Bob".into(),
        attachments: Vec::new(),
    };
    let data = DeleteData { resource_type: "row".into(), resource_id: "1".into(), warning: None };
    let change = ConfigChange { setting_name: "retries".into(), old_value, new_value };
    let restart = Custom {
        title: "Restart".into(),
        description: "the server".into(),
        metadata: serde_json::Map::new(),
    };
    let cases: Vec<(Result<Action, Invalid>, ActionKind, &str, &str)> = vec![
        (
            Action::send_email(mail.clone()),
            mail.into(),
            "email.send",
            r#"Send an e-mail to ["b@example.com","c@example.com"]: Hi"#,
        ),
        (Action::delete_data(data.clone()), data.into(), "data.delete", "Delete row 1"),
        (
            Action::purchase(chairs("900.00 EUR")),
            chairs("900.00 EUR").into(),
            "payments.purchase",
            "Buy from ACME for 900.00 EUR: ten chairs",
        ),
        (
            Action::change_config(change.clone()),
            change.into(),
            "config.change",
            "Change retries from 3 to five",
        ),
        (Action::custom("server.restart", restart.clone()), restart.into(), "server.restart", "Restart"),
    ];
    for (action, kind, name, description) in cases {
        let manager = approving();
        let action = action.unwrap().describe(|action| action.approvers([ANN])).unwrap();
        let body = async |arguments: serde_json::Value, _| Ok::<_, ApprovalError>(arguments);
        manager.guard(action).run(body).await.unwrap();
        let request = &requests(&manager).await[0];
        assert_eq!(request.action.name.as_str(), name);
        assert_eq!(&*request.revision.description, description);
        assert_eq!(&*request.action.kind, kind.name());
        assert_eq!(ActionKind::of(request), Some(kind));
    }
}
