//! Files that come along with a request: people see them, and an approval is bound to them.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, ApprovalManager,
    manager::{Grant, ManagerBuilder},
    model::{Attachment, Gate, Request},
    policy::Ruling,
    store::Query,
};
use approval_testkit::{Scripted, TestManager};
use serde_json::{Value, json};

use crate::common::{ANN, call, call_with, error, soon, unattended};

fn terms(text: &str) -> Attachment {
    Attachment::text("terms.txt", text).unwrap()
}

fn with_terms(text: &str) -> Action {
    call().attach(terms(text)).unwrap()
}

/// What a body finds attached.
async fn run(manager: &ApprovalManager, action: Action) -> Result<Value, ApprovalError> {
    let body = async |arguments: Value, grant: Option<Grant>| {
        let request = Arc::clone(grant.expect("people were asked").request());
        let texts: Vec<_> = request.attachments().iter().filter_map(Attachment::as_text).collect();
        Ok::<_, ApprovalError>(json!([arguments["cents"], texts]))
    };
    manager.guard(action).run(body).await
}

#[tokio::test]
async fn they_are_stored_with_the_request_and_bound() {
    let manager = unattended();
    let offer =
        Attachment::at("offer.pdf", "application/pdf", "https://files.example.com/offer.pdf").unwrap();
    let action = with_terms("net 30").attach(vec![offer.clone()]).unwrap();
    let id = manager.request(action).await.unwrap().id();
    let plain = manager.request(call()).await.unwrap().id();

    let request = manager.get(id).await.unwrap();
    assert_eq!(request.attachments(), [terms("net 30"), offer]);
    let without = manager.get(plain).await.unwrap();
    assert_eq!((without.attachments().len(), without.enclosed.is_none()), (0, true));
    assert_ne!(request.revision.digest, without.revision.digest);
    assert_eq!(request.digest_again(), request.revision.digest);

    let stored = serde_json::to_string(&*request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&stored).unwrap(), *request);
    assert!(!serde_json::to_string(&*without).unwrap().contains("enclosed"));
}

#[tokio::test]
async fn the_body_gets_what_people_saw() {
    let manager = TestManager::new(Scripted::new().approve(ANN)).unwrap();
    assert_eq!(soon(run(&manager, with_terms("net 30"))).await.unwrap(), json!([500, ["net 30"]]));
}

#[tokio::test]
async fn an_edit_of_the_arguments_keeps_them() {
    let manager = TestManager::new(Scripted::new().edit(ANN, "cents", 7)).unwrap();
    assert_eq!(soon(run(&manager, with_terms("net 30"))).await.unwrap(), json!([7, ["net 30"]]));
    let request = manager.list(&Query::default()).await.unwrap().items.remove(0).request;
    assert_eq!((request.revision.number, request.attachments()), (2, &[terms("net 30")][..]));
    assert_eq!(request.digest_again(), request.revision.digest);
    assert_ne!(request.original, request.revision.digest);
}

#[tokio::test]
async fn the_same_key_with_other_attachments_is_an_error() {
    let manager = unattended();
    let first = manager.request(with_terms("net 30").key("k")).await.unwrap().id();
    assert_eq!(manager.request(with_terms("net 30").key("k")).await.unwrap().id(), first);
    for other in [with_terms("net 60"), call()] {
        let (conflict, text) = error(manager.request(other.key("k")).await);
        assert!(matches!(conflict, ApprovalError::KeyConflict { .. }), "{text}");
    }
}

#[tokio::test]
async fn only_what_has_the_same_attachments_is_joined() {
    let gate = Arc::new(Gate { join_identical: true, ..Gate::only("joined", Vec::new()) });
    let ruling = move |_: &approval_core::policy::Call<'_>| Ruling::Ask {
        rule: "joined".into(),
        gate: Some(Arc::clone(&gate)),
        whole: false,
    };
    let manager =
        TestManager::with(|builder: ManagerBuilder| builder.unattended().policy_fn(ruling)).unwrap();
    let first = manager.request(with_terms("net 30")).await.unwrap().id();
    assert_eq!(manager.request(with_terms("net 30")).await.unwrap().id(), first);
    assert_ne!(manager.request(with_terms("net 60")).await.unwrap().id(), first);
    assert_ne!(manager.request(call()).await.unwrap().id(), first);
}

#[tokio::test]
async fn what_is_tried_again_has_them_still() {
    let manager = unattended();
    let first = manager.request(with_terms("net 30")).await.unwrap();
    manager.reject(first.id(), ANN, "later").await.unwrap();
    let again = manager.retry(first.id()).await.unwrap();
    assert_ne!(again.id(), first.id());
    let request = manager.get(again.id()).await.unwrap();
    assert_eq!(
        (request.attachments(), request.digest_again()),
        (&[terms("net 30")][..], request.revision.digest)
    );
    manager.approve(again.id(), ANN).await.unwrap();
    soon(again).await.unwrap().begin_as(call().spec()).await.unwrap().succeeded(None).await;
}

#[test]
fn what_cannot_be_attached_makes_no_call() {
    let refused = |action: Result<Action, approval_core::Invalid>| action.unwrap_err().to_string();
    let missing: Result<Attachment, std::io::Error> = Err(std::io::Error::other("no such file"));
    let text = refused(call().attach(missing));
    assert_eq!(text, "attachments of the action \"payments.refund\" could not be made: no such file");
    let text = refused(with_terms("a").attach(terms("b")));
    assert!(text.contains("\"terms.txt\" has the name of another one"), "{text}");
    let large = |name: &str| Attachment::from_bytes(name, "image/png", vec![0; 60_000]);
    let text = refused(call_with(Ok).attach([large("a"), large("b"), large("c"), large("d")]));
    assert!(text.contains("\"d\"") && text.contains("Attachment::at"), "{text}");
    assert!(call().attach(None::<Attachment>).is_ok());
}
