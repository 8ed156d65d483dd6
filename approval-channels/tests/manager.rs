//! The terminal on a pipe, with a real manager behind it: votes, quorum, questions, decisions elsewhere, restarts.
#![cfg(feature = "terminal")]

#[cfg(test)]
#[path = "manager/desk.rs"]
mod desk;

use std::sync::Arc;

use approval_core::ApprovalError;
use approval_core::lifecycle::Edit;
use approval_core::model::canonical::parse_canonical;
use approval_core::store::MemoryStore;
use desk::{ANN, BOB, CAT, Desk, manager, principal, refund, run};
use serde_json::json;

#[tokio::test]
async fn two_people_at_one_terminal_make_a_quorum() {
    let (mut desk, terminal) = Desk::of(&[ANN, BOB]);
    let manager = manager(MemoryStore::new(), terminal);
    desk.type_in("y\n1\n");
    let waiting = tokio::spawn(async move {
        let result = run(&manager, refund(5, 2)).await;
        (manager, result)
    });
    desk.until("it takes more votes to decide").await;
    desk.until("user:bob@example.com> ").await;
    assert!(!waiting.is_finished());
    desk.type_in("y\n");
    let (manager, result) = waiting.await.unwrap();
    assert_eq!(result.unwrap(), json!(5));
    desk.until("Done: approved by user:ann@example.com, user:bob@example.com").await;
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn requests_queue_and_each_line_answers_the_one_on_the_screen() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    let calls: Vec<_> = (1..=3)
        .map(|cents| {
            let manager = manager.clone();
            tokio::spawn(async move { run(&manager, refund(cents, 1)).await })
        })
        .collect();
    // Which comes first is not said; each is answered by what is on the screen.
    for _ in 0..3 {
        desk.until("\"cents\": ").await;
        let cents: u32 = desk.until_end_of_line().await.parse().unwrap();
        desk.until("ann@example.com> ").await;
        desk.type_in(if cents == 2 { "n not two\n" } else { "y\n" });
        desk.until("Done: ").await;
    }
    for (cents, call) in (1..).zip(calls) {
        match call.await.unwrap() {
            Ok(value) => assert!(cents != 2 && value == json!(cents), "{cents}: {value}"),
            Err(error) => assert!(cents == 2 && error.to_string().contains("not two"), "{cents}: {error}"),
        }
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_always_approved_is_not_asked_about_again() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    desk.type_in("always agent\nalways agent any times 2\n");
    assert_eq!(run(&manager, refund(5, 1)).await.unwrap(), json!(5));
    desk.until("Nothing was decided: with which arguments?").await;
    desk.until("Not asked about from now on: 2 calls of ").await;
    for cents in [6, 7] {
        assert_eq!(run(&manager, refund(cents, 1)).await.unwrap(), json!(cents), "nobody types anything");
    }
    let third = manager.requester().request(refund(8, 1)).await.unwrap();
    desk.until("\"cents\": 8").await;
    assert!(third.request().await.unwrap().status.is_open(), "two calls, and no more");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_decision_elsewhere_takes_the_request_off_the_screen_and_says_whose_it_was() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    let pending = manager.requester().request(refund(5, 1)).await.unwrap();
    desk.until("ann@example.com> ").await;
    let seen = pending.request().await.unwrap();
    manager.decider("elsewhere").reject(&seen, &principal(BOB), Some("too late in the day")).await.unwrap();
    desk.until("rejected by user:bob@example.com: too late in the day. Nothing to do here any more.").await;
    let error = pending.await.unwrap_err();
    assert!(matches!(error, ApprovalError::Rejected(_)), "{error}");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_question_is_answered_by_value() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    desk.type_in("y\nanswer many\nanswer 42\n");
    let answer = manager.ask::<u32>("How many seats?").to([ANN]).await.unwrap();
    assert_eq!((answer.value, &answer.by), (42, &vec![principal(ANN)]));
    desk.until("How many seats?").await;
    desk.until("> y\nNothing was decided: this is a question").await;
    desk.until("> answer many\nNothing was decided: that is not JSON").await;
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn refusing_to_answer_a_question_is_a_rejection() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    desk.type_in("n none of your business\n");
    let error = manager.ask::<String>("Which password?").to([ANN]).await.unwrap_err();
    assert!(error.to_string().contains("none of your business"), "{error}");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_one_process_left_open_is_asked_about_in_the_next() {
    let store = Arc::new(MemoryStore::new());
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let first = desk::shared(&store, terminal);
    let id = first.requester().request(refund(5, 1)).await.unwrap().detach();
    desk.until("ann@example.com> ").await;
    first.shutdown().await.unwrap();

    let (mut desk, terminal) = Desk::of(&[ANN]);
    let second = desk::shared(&store, terminal);
    desk.until(&id.to_string()).await;
    desk.type_in("y\n");
    desk.until("Done: approved by user:ann@example.com.").await;
    assert!(second.requester().attach(id).await.unwrap().await.is_ok());
    second.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_last_words_are_printed_before_the_manager_is_gone() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    desk.type_in("y\n");
    run(&manager, refund(5, 1)).await.unwrap();
    manager.shutdown().await.unwrap();
    assert!(
        desk.seen_by_now().ends_with("Done: approved by user:ann@example.com.\n"),
        "{}",
        desk.seen_by_now()
    );
}

#[tokio::test]
async fn an_edit_runs_with_what_was_typed() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    desk.type_in("edit cents=1200\n");
    assert_eq!(run(&manager, refund(120_000, 1)).await.unwrap(), json!(1_200));
    desk.until("editable    cents").await;
    desk.until("Done: approved by user:ann@example.com.").await;
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_edit_of_the_wrong_type_is_refused_and_asked_for_again() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = manager(MemoryStore::new(), terminal);
    desk.type_in("edit cents=\"many\"\nn\n");
    let error = run(&manager, refund(120_000, 1)).await.unwrap_err();
    assert!(matches!(error, ApprovalError::Rejected(_)), "{error}");
    desk.until("That does not count: ").await;
    desk.until("ann@example.com> n\nDone: rejected by user:ann@example.com.").await;
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn arguments_changed_elsewhere_are_shown_before_they_can_be_approved() {
    let (mut desk, terminal) = Desk::of(&[ANN, CAT]);
    let manager = manager(MemoryStore::new(), terminal);
    let pending = manager.requester().request(refund(5, 2)).await.unwrap();
    desk.until("answer> ").await;
    let seen = pending.request().await.unwrap();
    let edits = vec![Edit { path: "cents".into(), value: parse_canonical("7").unwrap() }];
    manager.decider("elsewhere").approve_edited(&seen, &principal(BOB), edits, None).await.unwrap();
    desk.until("Changed while you looked: the arguments were changed.").await;
    desk.until("\"cents\": 7").await;
    desk.until("revision    2, edited by user:bob@example.com").await;
    desk.type_in("y\n1\n");
    desk.until("Done: approved by user:bob@example.com, user:ann@example.com.").await;
    assert_eq!(pending.await.unwrap().arguments().as_str(), r#"{"cents":7}"#);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_agents_answer_appears_at_the_prompt() {
    let (mut desk, terminal) = Desk::of(&[ANN]);
    let manager = desk::builder(terminal)
        .on_info(|_, question| async move { Some(format!("you ask {question}\u{1b}[2J")) })
        .build()
        .unwrap();
    let call = manager.clone();
    let waiting = tokio::spawn(async move { run(&call, refund(5, 1)).await });
    desk.type_in("ask why?\n");
    desk.until("Asked. The deadline stays; the answer will appear here.").await;
    desk.until("answers: you ask why?⟨U+001B⟩[2J").await;
    desk.until("ann@example.com> ").await;
    desk.type_in("y\n");
    assert_eq!(waiting.await.unwrap().unwrap(), json!(5));
    manager.shutdown().await.unwrap();
}
