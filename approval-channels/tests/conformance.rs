//! The terminal keeps every promise of a channel.
#![cfg(feature = "terminal")]

#[cfg(test)]
#[path = "conformance/people.rs"]
mod people;

use approval_testkit::channel_suite::{CASES, Verdict};
use people::Desks;

approval_testkit::channel_conformance!(Desks);

#[tokio::test(flavor = "multi_thread")]
async fn no_case_is_left_out_at_the_terminal() {
    let mut left_out = Vec::new();
    for case in CASES {
        if case.run(&Desks).await.unwrap() == Verdict::NotApplicable {
            left_out.push(case.name);
        }
    }
    // At the terminal people edit and answer, and what was decided elsewhere is told.
    assert_eq!(left_out, [""; 0]);
}
