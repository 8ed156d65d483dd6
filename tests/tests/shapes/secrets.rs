//! Fields that are kept from people, and that serde writes under other names or not at all.

use approval_core::{ApprovalError, ApprovalManager, guarded_action, model::canonical::DigestKey};
use approval_testkit::{ApproveAll, TestManager};
use serde::{Serialize, Serializer};

use crate::support::requests;

fn manager() -> TestManager {
    let key = DigestKey::new("test", [7; 32]).unwrap();
    TestManager::with(|builder| builder.notifier(ApproveAll::new()).redaction_key(key)).unwrap()
}

/// Two fields with exchanged names.
#[derive(Serialize)]
struct Exchanged {
    #[serde(rename = "user")]
    token: String,
    #[serde(rename = "token")]
    user: String,
}

/// A field that takes the name of one that is left out.
#[derive(Serialize)]
struct Taken {
    #[serde(skip_serializing)]
    token: String,
    #[serde(rename = "token")]
    user: String,
}

#[derive(Serialize)]
struct Optional {
    user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

#[derive(Serialize)]
struct Moved {
    #[serde(rename = "secret")]
    token: String,
}

#[derive(Serialize)]
struct Twisted {
    #[serde(serialize_with = "backwards")]
    token: String,
}

fn backwards<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text.chars().rev().collect::<String>())
}

macro_rules! guarded {
    ($redacting:ident, $skipping:ident, $args:ty) => {
        #[guarded_action(name = "vault.open", manager = approvals, approvers("user:ann@example.com"), redact(args.token))]
        async fn $redacting(approvals: &ApprovalManager, args: $args) -> Result<usize, ApprovalError> {
            Ok(serde_json::to_string(&args).unwrap().len())
        }

        #[guarded_action(name = "vault.open", manager = approvals, approvers("user:ann@example.com"), skip(args.token))]
        async fn $skipping(approvals: &ApprovalManager, args: $args) -> Result<usize, ApprovalError> {
            Ok(serde_json::to_string(&args).unwrap().len())
        }
    };
}

guarded!(redact_exchanged, skip_exchanged, Exchanged);
guarded!(redact_taken, skip_taken, Taken);
guarded!(redact_optional, skip_optional, Optional);
guarded!(redact_moved, skip_moved, Moved);
guarded!(redact_twisted, skip_twisted, Twisted);

async fn assert_refused(manager: &TestManager, result: Result<usize, ApprovalError>) {
    let error = result.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ApprovalError::Invalid(_)) && text.contains("args.token"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(requests(manager).await.is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_hidden_field_under_another_name_is_refused() {
    let manager = manager();
    let (token, user) = (|| "hunter2".to_owned(), || "ann".to_owned());
    let exchanged = || Exchanged { token: token(), user: user() };
    assert_refused(&manager, redact_exchanged(&manager, exchanged()).await).await;
    assert_refused(&manager, skip_exchanged(&manager, exchanged()).await).await;
    let in_place = || Taken { token: token(), user: user() };
    assert_refused(&manager, redact_taken(&manager, in_place()).await).await;
    assert_refused(&manager, skip_taken(&manager, in_place()).await).await;
    assert_refused(&manager, redact_moved(&manager, Moved { token: token() }).await).await;
    assert_refused(&manager, skip_moved(&manager, Moved { token: token() }).await).await;
    assert_refused(&manager, redact_twisted(&manager, Twisted { token: token() }).await).await;
    assert_refused(&manager, skip_twisted(&manager, Twisted { token: token() }).await).await;
}

#[tokio::test]
async fn an_optional_hidden_field_may_be_left_out() {
    let manager = manager();
    let optional = |token: Option<&str>| Optional { user: "ann".to_owned(), token: token.map(str::to_owned) };
    redact_optional(&manager, optional(None)).await.unwrap();
    skip_optional(&manager, optional(None)).await.unwrap();
    redact_optional(&manager, optional(Some("hunter2"))).await.unwrap();
    skip_optional(&manager, optional(Some("hunter2"))).await.unwrap();
    let all = requests(&manager).await;
    assert_eq!(all.len(), 4);
    for request in all {
        assert!(!request.revision.arguments.as_str().contains("hunter2"));
    }
}
