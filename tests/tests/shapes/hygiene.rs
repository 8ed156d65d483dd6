use approval_core::{ApprovalError, ApprovalManager, guarded_action};

use crate::support::{approving, arguments};

const SPEC: &str = "the user's own";

/// Every name that the expansion uses for itself is a parameter here.
#[guarded_action(name = "hygiene.parameters", manager = manager, editable(edited, value))]
#[allow(clippy::too_many_arguments)]
async fn parameters(
    manager: &ApprovalManager,
    spec: u8,
    refuse: u8,
    bound: u8,
    arguments: u8,
    call: u8,
    execution: u8,
    error: u8,
    edited: u8,
    value: u8,
    returned: u8,
    editor0: u8,
    key: u8,
) -> Result<Vec<u8>, ApprovalError> {
    assert_eq!(SPEC, "the user's own");
    Ok(vec![spec, refuse, bound, arguments, call, execution, error, edited, value, returned, editor0, key])
}

mod shadowed {
    #![allow(dead_code)]
    use approval_core::{ApprovalError, ApprovalManager};

    /// Names of the prelude mean something else here.
    pub struct Ok;
    pub struct Some;
    pub struct Vec;
    pub mod core {}
    pub mod std {}

    #[approval_core::guarded_action(name = "hygiene.prelude", manager = approvals, approvers("user:ann@example.com"), key = n, wait = "1s")]
    pub async fn prelude(approvals: &ApprovalManager, n: u8) -> Result<u8, ApprovalError> {
        Result::Ok(n)
    }
}

macro_rules! guarded {
    ($name:ident, $action:literal, $parameter:ident, $body:expr) => {
        #[guarded_action(name = $action, manager = approvals, description = "with {n}", key = $parameter)]
        async fn $name(approvals: &ApprovalManager, $parameter: u8) -> Result<u8, ApprovalError> {
            $body
        }
    };
}

guarded!(from_a_macro, "hygiene.macro", n, Ok(n + 1));

#[tokio::test]
async fn no_name_of_the_user_clashes() {
    let manager = approving();
    assert_eq!(
        parameters(&manager, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12).await.unwrap(),
        (1..=12).collect::<Vec<u8>>()
    );
    assert_eq!(shadowed::prelude(&manager, 1).await.unwrap(), 1);
    assert_eq!(from_a_macro(&manager, 1).await.unwrap(), 2);
    assert_eq!(arguments(&manager).await[2], r#"{"n":1}"#);
}
