//! The loop against a pipe and against a pseudo terminal of the kernel.

mod rig;

use super::super::desk::{Reply, Verdict};
use super::super::prompt::Answer;
use super::super::sample::{digest, id};
use rig::{ANN, BOB, Rig};

const APPROVE: Answer = Answer::Approve { note: None };
const REJECT: Answer = Answer::Reject { option: None, reason: None };

#[tokio::test]
async fn a_piped_line_answers_the_request_that_comes_later() {
    let mut rig = Rig::piped();
    rig.type_in("y\n");
    rig.ask("one", ANN);
    assert_eq!(rig.ballot().await.answer, APPROVE);
    rig.until("that was all").await;
}

#[tokio::test]
async fn piped_lines_answer_one_request_each_and_an_unclear_one_none() {
    let mut rig = Rig::piped();
    rig.type_in("perhaps\nn too much\ny\n");
    rig.ask("one", ANN);
    rig.ask("two", ANN);
    let one = rig.ballot().await;
    assert_eq!(
        (one.id, one.answer),
        (id("one"), Answer::Reject { option: None, reason: Some("too much".into()) })
    );
    let two = rig.ballot().await;
    assert_eq!((two.id, two.answer), (id("two"), APPROVE));
    rig.until("ann@example.com> perhaps\nNothing was decided: ").await;
    rig.until("ann@example.com> n too much\nthat was all\n").await;
    rig.until("ann@example.com> y\nthat was all\n").await;
}

#[tokio::test]
async fn the_end_of_the_input_votes_nothing_and_says_how_else_to_decide() {
    let mut rig = Rig::piped();
    rig.close();
    rig.ask("one", ANN);
    rig.until("decide at the front desk").await;
    rig.ended().await;
    rig.ask("two", ANN);
    rig.until("No person can answer here any more. To decide, decide at the front desk").await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn a_line_cut_off_by_the_end_of_the_input_votes_nothing() {
    let mut rig = Rig::piped();
    rig.type_in("y");
    rig.close();
    rig.ask("one", ANN);
    rig.until("in the middle of a line, which does not count").await;
    rig.ended().await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn nothing_is_read_from_a_pipe_while_nothing_is_asked() {
    let mut rig = Rig::piped();
    rig.type_in("y\nnot for us\n");
    rig.ask("one", ANN);
    rig.ballot().await;
    rig.until("that was all").await;
    // The second line is still there for the next request, and nobody answered for it in between.
    rig.ask("two", ANN);
    rig.until("> not for us").await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn what_a_program_prints_back_of_a_piped_line_is_harmless() {
    let mut rig = Rig::piped();
    rig.type_in("\u{1b}]0;title\u{7}\u{202e}\n");
    rig.ask("one", ANN);
    rig.until("Nothing was decided").await;
    assert!(!rig.seen().contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", rig.seen());
}

#[tokio::test]
async fn what_was_typed_before_the_prompt_does_not_count() {
    let mut rig = Rig::tty();
    rig.type_in("y\n");
    // The kernel has taken the line: it echoed it.
    rig.until("y\r\n").await;
    rig.ask("one", ANN);
    rig.until("ann@example.com> ").await;
    rig.type_in("n\n");
    assert_eq!(rig.ballot().await.answer, REJECT);
}

#[tokio::test]
async fn the_unfinished_line_typed_before_the_prompt_does_not_count() {
    let mut rig = Rig::tty();
    rig.type_in("y");
    rig.until("y").await;
    rig.ask("one", ANN);
    rig.until("ann@example.com> ").await;
    rig.type_in("\n");
    rig.until("an empty line").await;
    rig.until("ann@example.com> ").await;
    rig.type_in("n\n");
    assert_eq!(rig.ballot().await.answer, REJECT);
}

#[tokio::test]
async fn what_was_typed_for_a_request_that_vanished_does_not_count_for_the_next() {
    let mut rig = Rig::tty();
    rig.ask("one", ANN);
    rig.ask("two", ANN);
    rig.until("ann@example.com> ").await;
    // Half a line for the first request, finished after it was decided elsewhere.
    rig.type_in("y");
    rig.until("y").await;
    rig.close_request("one", "approved by user:cfo@example.com");
    rig.until("approved by user:cfo@example.com").await;
    rig.until("ann@example.com> ").await;
    rig.type_in("\n");
    rig.until("an empty line").await;
    rig.until("ann@example.com> ").await;
    rig.type_in("n\n");
    let ballot = rig.ballot().await;
    assert_eq!((ballot.id, ballot.answer), (id("two"), REJECT));
}

#[tokio::test]
async fn the_beginning_of_a_line_that_the_program_has_already_does_not_count_for_the_next_request() {
    let mut rig = Rig::tty();
    rig.ask("one", ANN);
    rig.ask("two", ANN);
    rig.until("ann@example.com> ").await;
    // Control-D hands over what is typed of a line without ending it.
    rig.type_in("y\u{4}");
    rig.until("y").await;
    rig.until_taken().await;
    rig.close_request("one", "approved by user:cfo@example.com");
    rig.until("approved by user:cfo@example.com").await;
    rig.until("ann@example.com> ").await;
    rig.type_in("\n");
    rig.until("an empty line").await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn what_was_typed_while_a_request_was_being_printed_does_not_count() {
    let mut rig = Rig::slow_tty();
    rig.ask("one", ANN);
    // The first words of the request are on the screen, the cue is not: people cannot have read it.
    rig.until("Approval wanted").await;
    let shown = tokio::time::Instant::now();
    assert!(!rig.seen().contains("ann@example.com> "));
    rig.type_in("y\n");
    rig.until("y\r\n").await;
    assert!(
        !rig.seen().contains("ann@example.com> "),
        "the request must stand for a while before it can be answered"
    );
    rig.until("ann@example.com> ").await;
    assert!(shown.elapsed() > rig::SLOW / 2, "the prompt came after {:?}", shown.elapsed());
    rig.type_in("n\n");
    assert_eq!(rig.ballot().await.answer, REJECT);
}

#[tokio::test]
async fn a_terminal_takes_lines_one_after_the_other() {
    let mut rig = Rig::tty();
    rig.ask("one", ANN);
    rig.ask("one", BOB);
    rig.until("answer> ").await;
    rig.type_in("?\n");
    rig.until("approve it exactly as shown").await;
    rig.until("answer> ").await;
    rig.type_in("y\n");
    rig.until("who> ").await;
    rig.type_in("2\n");
    let ballot = rig.ballot().await;
    assert_eq!((ballot.voter.as_str(), ballot.answer), (BOB, APPROVE));
}

#[tokio::test]
async fn end_of_file_at_a_terminal_votes_nothing() {
    let mut rig = Rig::tty();
    rig.ask("one", ANN);
    rig.until("ann@example.com> ").await;
    rig.type_in("y\u{4}\u{4}");
    rig.until("no person can answer here any more").await;
    rig.ended().await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn a_terminal_that_hangs_up_votes_nothing() {
    let mut rig = Rig::tty();
    rig.ask("one", ANN);
    rig.until("ann@example.com> ").await;
    rig.type_in("y");
    rig.close();
    rig.ended().await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn a_line_as_long_as_the_terminal_may_have_cut_decides_nothing() {
    let mut rig = Rig::tty();
    rig.ask("one", ANN);
    rig.until("ann@example.com> ").await;
    rig.type_in(&format!("n {}\n", "x".repeat(5_000)));
    rig.until("the length at which terminals cut").await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn a_refused_answer_is_explained_and_asked_for_again() {
    let mut rig = Rig::piped();
    rig.replies([Reply { verdict: Verdict::Refused, text: "That does not count".into(), view: None }]);
    rig.type_in("y\nn\n");
    rig.ask("one", ANN);
    assert_eq!(rig.ballot().await.answer, APPROVE);
    rig.until("That does not count").await;
    assert_eq!(rig.ballot().await.answer, REJECT);
}

#[tokio::test]
async fn a_screen_that_cannot_be_written_to_asks_nobody() {
    let mut rig = Rig::unwritable();
    rig.type_in("y\n");
    rig.ask("one", ANN);
    rig.ended().await;
    assert_eq!(rig.ballots_so_far(), 0);
}

#[tokio::test]
async fn colours_are_used_only_if_asked_for() {
    let mut plain = Rig::piped();
    plain.ask("one", ANN);
    plain.until("ann@example.com> ").await;
    assert!(!plain.seen().contains('\u{1b}'));
    let mut coloured = Rig::coloured();
    coloured.ask("one", ANN);
    coloured.until("> ").await;
    assert!(coloured.seen().contains("\u{1b}[1;31mApproval wanted"));
}

#[tokio::test]
async fn every_argument_is_shown() {
    let mut rig = Rig::piped();
    rig.ask("one", ANN);
    rig.until("ann@example.com> ").await;
    for text in ["cust-9", "120000", "as agreed", "Refund 120000 cents", &digest("first").to_string()] {
        assert!(rig.seen().contains(text), "{text} is missing in {}", rig.seen());
    }
}
