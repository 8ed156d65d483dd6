//! The terminal as people and scripts meet it: a process of its own, on a pipe and on a pseudo terminal of the kernel,
//! with a manager behind it.
#![cfg(all(unix, feature = "terminal"))]

#[cfg(test)]
#[path = "terminal/process.rs"]
mod process;

use approval_channels::terminal::Terminal;
use approval_core::store::MemoryStore;
use approval_core::{Action, ApprovalError, ApprovalManager, Principal};
use process::{CHILD, Child};
use serde_json::{Value, json};

const ANN: &str = "user:ann@example.com";
const BOB: &str = "user:bob@example.com";

/// What runs in the process of its own: two people sit at its terminal, and one of them must approve.
#[tokio::test]
async fn child() {
    let Some(approvers) = std::env::var_os(CHILD) else {
        // Run as a test among others there is nothing to do: the others start it again.
        return;
    };
    let approvers: Vec<String> = approvers.to_str().unwrap().split(' ').map(str::to_owned).collect();
    let terminal = approvers
        .iter()
        .fold(Terminal::from_env(), |terminal, who| terminal.acting_as(Principal::new(who).unwrap()));
    let mut end = terminal.input_end();
    let manager = ApprovalManager::builder().store(MemoryStore::new()).notifier(terminal).build().unwrap();
    let call = Action::new("payments.refund")
        .unwrap()
        .describe(|action| action.description("Refund {cents} cents to {customer}").approvers([ANN, BOB]))
        .unwrap()
        .arguments(&json!({"cents": 120_000, "customer": "cust-9\u{1b}[2J\u{202e}"}))
        .unwrap();
    let result = tokio::select! {
        result = manager.guard(call).run(async |arguments, _| Ok::<Value, ApprovalError>(arguments["cents"].clone())) => Some(result),
        () = end.wait() => None,
    };
    manager.shutdown().await.unwrap();
    match result {
        Some(Ok(cents)) => println!("refunded {cents}"),
        Some(Err(error)) => println!("{error}"),
        None => panic!("nobody decided"),
    }
}

#[test]
fn a_piped_line_approves() {
    let child = Child::piped(ANN, "y\n");
    assert!(child.stdout.contains("refunded 120000"), "{child:?}");
    assert!(
        child.stderr.contains("user:ann@example.com> y\nDone: approved by user:ann@example.com.\n"),
        "{child:?}"
    );
    assert!(
        !child.stderr.contains(['\u{1b}', '\u{202e}']),
        "neither colours nor what the agent smuggled in: {child:?}"
    );
    assert!(child.stderr.contains("cust-9⟨U+001B⟩[2J⟨U+202E⟩"), "{child:?}");
}

#[test]
fn a_piped_line_rejects_with_its_reason() {
    let child = Child::piped(ANN, "perhaps\nn half would do\n");
    assert!(
        child.stdout.contains("rejected by user:ann@example.com: 'half would do'; nothing was run"),
        "{child:?}"
    );
}

#[test]
fn with_several_people_the_second_line_says_who() {
    let child = Child::piped("user:ann@example.com user:bob@example.com", "y\n2\n");
    assert!(child.stderr.contains("Done: approved by user:bob@example.com."), "{child:?}");
}

#[test]
fn without_input_nothing_is_decided_and_it_says_what_to_do() {
    for input in ["", "y", "yes please\n", "\n\n"] {
        let child = Child::piped(ANN, input);
        assert!(
            !child.success
                && child.stdout.contains("nobody decided") | child.stderr.contains("nobody decided"),
            "{child:?}"
        );
        assert!(
            child.stderr.contains("no person can answer here any more. What is open stays undecided:"),
            "{child:?}"
        );
        assert!(child.stderr.contains("Decide through another channel"), "{child:?}");
    }
}

#[test]
fn what_was_typed_before_the_program_asked_does_not_count() {
    let mut child = Child::on_terminal(ANN, "y\ny\ny", &[]);
    child.until("user:ann@example.com> ");
    child.type_in("n too early\n");
    let child = child.finish();
    assert!(child.stdout.contains("rejected by user:ann@example.com: 'too early'"), "{child:?}");
}

#[test]
fn a_terminal_gets_colours_unless_no_color_says_otherwise() {
    for (variables, coloured) in
        [(&[][..], true), (&[("NO_COLOR", "1")][..], false), (&[("TERM", "dumb")][..], false)]
    {
        let mut child = Child::on_terminal(ANN, "", variables);
        child.until("ann@example.com> ");
        child.type_in("n\n");
        let child = child.finish();
        assert_eq!(child.stderr.contains("\u{1b}["), coloured, "{variables:?}: {child:?}");
        assert!(!child.stderr.contains("\u{1b}[2J") && !child.stderr.contains('\u{202e}'), "{child:?}");
    }
}

#[test]
fn control_d_at_the_terminal_decides_nothing() {
    let mut child = Child::on_terminal(ANN, "", &[]);
    child.until("ann@example.com> ");
    child.type_in("\u{4}");
    let child = child.finish();
    assert!(!child.success, "{child:?}");
    assert!(child.stderr.contains("no person can answer here any more"), "{child:?}");
}
