use std::num::ParseIntError;

use approval_core::{ApprovalError, ApprovalManager, HasApprovalManager, guarded_action};

use crate::support::{approving, block_on, outcomes, rejecting};

struct Agent {
    approvals: ApprovalManager,
    names: Vec<String>,
}

impl HasApprovalManager for Agent {
    fn approval_manager(&self) -> &ApprovalManager {
        &self.approvals
    }
}

impl Agent {
    #[guarded_action(name = "sync.shared")]
    fn shared(&self, at: usize) -> Result<&str, String> {
        self.names.get(at).map(String::as_str).ok_or_else(|| format!("nobody at {at}"))
    }

    #[guarded_action(name = "sync.exclusive")]
    fn exclusive(&mut self, name: String) -> Result<&mut String, ApprovalError> {
        self.names.insert(0, name);
        Ok(&mut self.names[0])
    }

    #[guarded_action(name = "sync.owned")]
    fn owned(self) -> Result<Vec<String>, ApprovalError> {
        Ok(self.names)
    }
}

#[guarded_action(name = "sync.parse", manager = approvals)]
fn parse(approvals: &ApprovalManager, texts: &[&str]) -> Result<u32, Box<dyn std::error::Error>> {
    let mut sum = 0;
    for text in texts {
        if text.is_empty() {
            return Ok(sum);
        }
        let number: Result<u32, ParseIntError> = text.parse();
        sum += number?;
    }
    Ok(sum)
}

#[guarded_action(name = "sync.iterate", manager = approvals)]
fn iterate(approvals: &ApprovalManager, to: u8) -> Result<impl Iterator<Item = u8> + use<>, ApprovalError> {
    Ok(0..to)
}

#[test]
fn methods_hand_out_what_they_borrow() {
    let manager = approving();
    let mut agent = Agent { approvals: (*manager).clone(), names: vec!["ann".into()] };
    assert_eq!(agent.shared(0).unwrap(), "ann");
    assert_eq!(agent.shared(1), Err("nobody at 1".to_owned()));
    agent.exclusive("bob".into()).unwrap().push('!');
    assert_eq!(agent.owned().unwrap(), ["bob!", "ann"]);
    assert_eq!(block_on(outcomes(&manager)), ["failed: nobody at 1", "succeeded", "succeeded", "succeeded"]);
}

#[test]
fn question_mark_and_return_end_the_body_alone() {
    let manager = approving();
    assert_eq!(parse(&manager, &["1", "2"]).unwrap(), 3);
    assert_eq!(parse(&manager, &["1", "", "x"]).unwrap(), 1);
    assert!(parse(&manager, &["x"]).unwrap_err().is::<ParseIntError>());
    assert_eq!(
        block_on(outcomes(&manager)),
        ["failed: invalid digit found in string", "succeeded", "succeeded"]
    );
}

#[test]
fn opaque_types_stay_opaque() {
    assert_eq!(iterate(&approving(), 3).unwrap().sum::<u8>(), 3);
    assert!(iterate(&rejecting("no"), 3).is_err());
}

#[test]
fn rejected_does_not_run() {
    let mut agent = Agent { approvals: (*rejecting("no")).clone(), names: Vec::new() };
    let message = agent.exclusive("bob".into()).unwrap_err().to_string();
    assert!(message.contains("'no'; nothing was run"), "{message}");
    assert!(agent.names.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_a_runtime_may_wait() {
    assert_eq!(parse(&approving(), &["1", "2"]).unwrap(), 3);
}

#[tokio::test]
async fn the_only_thread_of_a_runtime_may_not_wait() {
    let manager = approving();
    let error = parse(&manager, &["1"]).unwrap_err();
    let error = error.downcast_ref::<ApprovalError>().unwrap();
    assert!(matches!(error, ApprovalError::WouldBlock { .. }), "{error}");
    assert!(outcomes(&manager).await.is_empty());
}
