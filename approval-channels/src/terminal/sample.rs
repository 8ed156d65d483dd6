//! A request for the tests of this module.

use approval_core::clock::Timestamp;
use approval_core::id::RequestId;
use approval_core::model::{ArgumentsDigest, Principal, Request};
use serde_json::{Value, json};

use super::view::{Choice, Editable, Matter, Severity, View};

/// The moment at which [`view`] is looked at: fifteen minutes before its deadline.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(1_900_000_000).unwrap()
}

/// The request of that name.
pub(super) fn id(name: &str) -> RequestId {
    let mut digits = name.bytes().chain(*b"000000");
    let mut next = || digits.next().unwrap();
    let number = u32::from_be_bytes([next(), next(), next(), next()]);
    let rest = u16::from_be_bytes([next(), next()]);
    format!("01970000-0000-7000-8000-{number:08x}{rest:04x}").parse().unwrap()
}

/// A digest that differs for different names.
pub(super) fn digest(name: &str) -> ArgumentsDigest {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    ArgumentsDigest::from_bytes(bytes)
}

/// The principal of that text.
pub(super) fn principal(text: &str) -> Principal {
    Principal::new(text).unwrap()
}

/// A refund of high risk, with everything that a request may have.
pub(super) fn view() -> View {
    View {
        id: id("refund"),
        digest: digest("first"),
        revision: 1,
        editor: None,
        matter: Matter::Action,
        action: "payments.refund version 1".to_owned(),
        kind: None,
        description: "Refund 120000 cents to cust-9".to_owned(),
        agent: "agent:worker-3".to_owned(),
        on_behalf_of: Some("user:bob@example.com".to_owned()),
        run: None,
        intent: Some("The customer complained".to_owned()),
        follows: None,
        risk: ("high".to_owned(), Severity::High),
        priority: "high".to_owned(),
        cost: Some("1200.00 USD".to_owned()),
        deadline: Some((Timestamp::from_second(1_900_000_900).unwrap(), "rejected".to_owned())),
        arguments: r#"{"args":{"customer":"cust-9"},"cents":120000,"note":"as agreed"}"#.to_owned(),
        preview: None,
        attachments: vec![],
        editable: vec![
            Editable { path: "cents".to_owned(), value: Some(json!(120_000)) },
            Editable { path: "note".to_owned(), value: Some(json!("as agreed")) },
        ],
        redacted: vec!["args.token".to_owned()],
        unbound: vec!["self".to_owned(), "client".to_owned()],
        options: vec![choice("too_much", "Too much"), choice("wrong_customer", "Wrong customer")],
        may_stand: false,
        votes: vec!["0 of 1 from user:ann@example.com, group:finance".to_owned()],
        remarks: vec![],
    }
}

/// A question whose answer fits the schema.
pub(super) fn question(schema: Value) -> View {
    View { matter: Matter::Question { schema, choices: vec![] }, options: vec![], editable: vec![], ..view() }
}

fn choice(name: &str, title: &str) -> Choice {
    Choice { name: name.to_owned(), title: title.to_owned(), description: String::new() }
}

/// The refund as the core holds it, opened at the time of [`now`].
pub(super) fn request(name: &str) -> Request {
    let digest = digest("first");
    let text = json!({
        "id": id(name),
        "action": {
            "name": "payments.refund",
            "version": 2,
            "description": "Refund {cents} cents to {args.customer}",
            "unbound": ["client"],
            "redacted": ["args.token"],
        },
        "requester": "agent:worker-3",
        "on_behalf_of": "user:bob@example.com",
        "run": "run-7",
        "intent": "The customer complained",
        "original": digest,
        "risk": "high",
        "priority": "critical",
        "gate": {
            "rule": "attribute",
            "requirements": [{"count": 1, "of": ["user:ann@example.com", "group:finance"]}],
            "timeout": 900_000,
            "grant_ttl": 900_000,
            "editable": [{"path": "cents"}, {"path": "args.customer"}, {"path": "missing"}],
            "reject_options": [{"name": "too_much", "title": "Too much", "description": "Half would do."}],
        },
        "revision": {
            "number": 1,
            "arguments": r#"{"args":{"customer":"cust-9"},"cents":120000}"#,
            "digest": digest,
            "description": "Refund 120000 cents to cust-9",
            "cost": {"amount": "1200.00", "currency": "USD"},
        },
        "status": "pending",
        "created_at": now(),
        "deadline": Timestamp::from_second(1_900_000_900).unwrap(),
        "chain": {"count": 1, "hash": "00".repeat(32)},
    });
    serde_json::from_value(text).unwrap()
}
