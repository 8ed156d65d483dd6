//! What approvers ask before they decide, and what comes back.

use std::sync::{Arc, Mutex};

use approval_core::{
    ApprovalError, Context,
    manager::ManagerBuilder,
    model::{Event, EventKind, Status},
};
use approval_testkit::TestManager;

use crate::common::{ANN, BOB, EVE, call, error, person, seconds, soon, unattended};

/// A manager whose agent answers what it is asked, and what it was asked.
fn answering() -> (TestManager, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    let manager = TestManager::with(move |builder| {
        builder.unattended().on_info(move |request, question| {
            heard.lock().unwrap().push(format!("{}: {question}", request.action.name));
            async { Some("order 7".to_owned()) }
        })
    });
    (manager.unwrap(), asked)
}

#[tokio::test]
async fn the_agent_answers_what_an_approver_asks_while_it_waits() {
    let (manager, asked) = answering();
    let waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    let waiting = tokio::spawn(waiting);
    let decider = manager.decider("desk");
    decider.request_info(id, &person(ANN), "Which order?").await.unwrap();
    let request = manager.until(id, |request| request.status == Status::Pending).await.unwrap();
    let info = request.info.last().unwrap();
    assert_eq!(&*info.question, "Which order?");
    assert_eq!(info.answer.as_deref(), Some("order 7"));
    assert_eq!(*asked.lock().unwrap(), ["payments.refund: Which order?"]);
    manager.approve(id, BOB).await.unwrap();
    assert!(soon(waiting).await.unwrap().is_ok());
}

#[tokio::test]
async fn an_agent_that_answers_by_hand_hears_the_question_as_an_event() {
    let manager = unattended();
    let mut waiting = manager.request(call()).await.unwrap();
    let id = waiting.id();
    manager.decider("desk").request_info(id, &person(ANN), "Which order?").await.unwrap();
    let question = soon(async {
        loop {
            let event: Event = waiting.next_event().await.unwrap().unwrap();
            if let EventKind::InfoRequested { question, .. } = event.what {
                break question;
            }
        }
    });
    assert_eq!(&*question.await, "Which order?");
    assert_eq!(manager.get(id).await.unwrap().status, Status::InfoRequested);
    let answered = manager.requester().provide_info(id, "order 7").await.unwrap();
    assert_eq!(answered.status, Status::Pending);
}

#[tokio::test]
async fn another_agent_cannot_answer_and_a_stranger_cannot_ask() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let decider = manager.decider("desk");
    let (refused, text) = error(decider.request_info(waiting.id(), &person(EVE), "Why?").await);
    assert!(matches!(refused, ApprovalError::NotAnApprover { .. }), "{text}");
    decider.request_info(waiting.id(), &person(ANN), "Which order?").await.unwrap();
    let stranger = manager.requester();
    let answer = Context::new().agent("another").unwrap().scope(stranger.provide_info(waiting.id(), "mine"));
    assert!(answer.await.is_err());
    assert_eq!(manager.get(waiting.id()).await.unwrap().status, Status::InfoRequested);
}

#[tokio::test]
async fn a_question_without_an_answer_ends_at_the_deadline() {
    let manager = TestManager::with(ManagerBuilder::unattended).unwrap();
    let waiting = manager.request(call()).await.unwrap();
    manager.decider("desk").request_info(waiting.id(), &person(ANN), "Which order?").await.unwrap();
    manager.advance(seconds(3600)).await;
    assert!(matches!(error(soon(waiting).await).0, ApprovalError::Expired(_)));
}
