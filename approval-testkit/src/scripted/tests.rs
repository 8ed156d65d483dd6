use approval_core::{
    Action, ApprovalError,
    directory::StaticDirectory,
    lifecycle::NotEligible,
    model::{EventKind, NoticeKind, Status},
};
use serde_json::{Value, json};

use super::*;
use crate::TestManager;

const ANN: &str = "user:ann@example.com";
const BOB: &str = "user:bob@example.com";
const EVE: &str = "user:eve@example.com";

fn call(name: &str, needed: u32) -> Action {
    Action::new(name)
        .unwrap()
        .describe(|action| action.editable("cents", None).require(needed, [ANN, BOB]))
        .unwrap()
        .arguments(&json!({"cents": 500}))
        .unwrap()
}

async fn run(manager: &TestManager, action: Action) -> Result<Value, ApprovalError> {
    manager.guard(action).run(async |arguments, _| Ok(arguments)).await
}

#[tokio::test]
async fn steps_are_taken_in_their_order_and_then_the_end_counts() {
    let people = Scripted::new().reject(ANN, "too much").approve_saying(BOB, "fine").then_reject_all("no");
    let manager = TestManager::new(people.clone()).unwrap();
    let rejected = run(&manager, call("a.b", 1)).await.unwrap_err();
    assert!(rejected.to_string().contains("rejected by user:ann@example.com: 'too much'"), "{rejected}");
    let mut notes = Vec::new();
    let approved = manager.guard(call("a.b", 1)).run(async |_, grant| {
        notes.extend(grant.unwrap().notes().map(|(who, note)| format!("{who}: {note}")));
        Ok::<_, ApprovalError>(())
    });
    approved.await.unwrap();
    assert_eq!(notes, ["user:bob@example.com: fine"]);
    let rejected = run(&manager, call("a.b", 1)).await.unwrap_err();
    assert!(rejected.to_string().contains(": 'no'"), "{rejected}");
    people.check().unwrap();
}

#[tokio::test]
async fn votes_are_recorded_like_those_of_any_channel() {
    let manager = TestManager::new(ApproveAll::new()).unwrap();
    let approved = manager.request(call("a.b", 2)).await.unwrap().await.unwrap();
    let request = approved.request();
    let mut votes: Vec<_> =
        request.votes.iter().map(|vote| (vote.voter.as_str(), vote.via.as_deref())).collect();
    votes.sort_unstable();
    assert_eq!(votes, [(ANN, Some("scripted")), (BOB, Some("scripted"))]);
    let history = manager.history(request.id).await.unwrap();
    let is_vote = |line: &approval_core::model::EventLine| {
        matches!(line.event().unwrap().what, EventKind::Voted { .. })
    };
    assert_eq!(history.iter().filter(|line| is_vote(line)).count(), 2);
    manager.verify_history(request.id).await.unwrap();
}

#[tokio::test]
async fn a_request_that_needs_two_takes_two_steps() {
    let people = Scripted::new().approve(BOB).approve(ANN);
    let manager = TestManager::new(people.clone()).unwrap();
    let approved = manager.request(call("a.b", 2)).await.unwrap().await.unwrap();
    let by: Vec<_> = approved.decision().unwrap().by.iter().map(Principal::as_str).collect();
    assert_eq!(by, [BOB, ANN]);
    people.finished().await;
    assert!(people.report().is_clean() && people.report().open.is_empty());
}

#[tokio::test]
async fn steps_can_be_for_some_requests_alone() {
    let people = Scripted::new()
        .on("tables.drop")
        .reject(ANN, "never")
        .when(|request| request.revision.arguments.as_str().contains("500"))
        .reject(BOB, "five hundred")
        .then_approve_all();
    let manager = TestManager::new(people.clone()).unwrap();
    let cheap = call("mail.send", 1).arguments(&json!({"cents": 1})).unwrap();
    assert!(run(&manager, cheap.clone()).await.is_ok());
    let dear = run(&manager, call("mail.send", 1)).await.unwrap_err();
    assert!(dear.to_string().contains("five hundred"), "{dear}");
    assert!(run(&manager, cheap).await.is_ok());
    assert_eq!(
        people.unused().iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["step 1 never happened: reject by user:ann@example.com, on tables.drop"]
    );
    let dropped = run(&manager, call("tables.drop", 1)).await.unwrap_err();
    assert!(dropped.to_string().contains("never"), "{dropped}");
    people.check().unwrap();
}

#[tokio::test]
async fn who_is_not_eligible_is_refused_and_the_script_goes_on() {
    let people = Scripted::new().approve(EVE).approve("agent:eve").approve("nobody").approve(ANN);
    let manager = TestManager::new(people.clone()).unwrap();
    let approved = manager.request(call("a.b", 1)).await.unwrap().await.unwrap();
    assert_eq!(approved.decision().unwrap().by, [Principal::new(ANN).unwrap()]);
    let refused = people.refusals();
    let why = |place: usize| &refused[place].error;
    assert!(matches!(why(0), ApprovalError::NotAnApprover { why: NotEligible::NotAsked, .. }), "{}", why(0));
    assert!(
        matches!(why(1), ApprovalError::NotAnApprover { why: NotEligible::NotAPerson, .. }),
        "{}",
        why(1)
    );
    assert!(matches!(why(2), ApprovalError::Invalid(_)), "{}", why(2));
    assert_eq!(refused.iter().map(|one| one.number).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert!(refused.iter().all(|one| one.request == approved.request().id));
    let report = people.check().unwrap_err().to_string();
    assert!(report.contains("step 1 was refused: approve by user:eve@example.com: "), "{report}");
    assert!(report.contains("no requirement of this request names them"), "{report}");
}

#[tokio::test]
async fn whoever_is_ignored_waits_until_the_deadline() {
    let people = Scripted::new().ignore().then_approve_all();
    let manager = TestManager::new(people.clone()).unwrap();
    let first = manager.request(call("a.b", 1)).await.unwrap();
    manager.time().settle().await;
    assert!(run(&manager, call("a.b", 1)).await.is_ok(), "the next one is approved");
    assert_eq!(first.request().await.unwrap().status, Status::Pending);
    assert_eq!(people.report().open, [(first.id(), "a.b".to_owned())]);
    manager.advance(approval_core::clock::Span::from_hours(1)).await;
    assert!(matches!(first.await.unwrap_err(), ApprovalError::Expired(_)));
}

#[tokio::test]
async fn people_answer_questions_and_refuse_to() {
    let people = Scripted::new().answer(ANN, 3).reject(ANN, "ask somebody else").then_approve_all();
    let manager = TestManager::new(people.clone()).unwrap();
    let answer = manager.ask::<u32>("How many seats?").to([ANN]).await.unwrap();
    assert_eq!((answer.value, answer.by), (3, vec![Principal::new(ANN).unwrap()]));
    let refused = manager.ask::<u32>("How many seats?").to([ANN]).await.unwrap_err();
    assert!(refused.to_string().contains("ask somebody else"), "{refused}");
    people.check().unwrap();
    // A question cannot be approved: the attempt is refused, once, and said.
    let open = manager.ask::<u32>("How many seats?").to([ANN]).open().await.unwrap();
    manager.time().settle().await;
    assert_eq!(open.request().await.unwrap().status, Status::Pending);
    let refused = people.refusals();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].number, None);
    assert!(refused[0].to_string().contains("a vote at the script's end was refused: approve by user:ann@"));
}

#[tokio::test]
async fn people_edit_arguments() {
    let people = Scripted::new().edit(ANN, "cents", 200).edits(BOB, [("cents", 1)]).edit(ANN, "to", "eve");
    let manager = TestManager::new(people.clone()).unwrap();
    assert_eq!(run(&manager, call("a.b", 1)).await.unwrap(), json!({"cents": 200}));
    assert_eq!(run(&manager, call("a.b", 1)).await.unwrap(), json!({"cents": 1}));
    let waiting = manager.request(call("a.b", 1)).await.unwrap();
    people.finished().await;
    assert_eq!(waiting.request().await.unwrap().status, Status::Pending);
    assert_eq!(people.refusals()[0].step, "edit and approve by user:ann@example.com");
}

#[tokio::test]
async fn the_script_goes_on_when_the_agent_has_answered() {
    let people = Scripted::new().ask(ANN, "which customer?").approve(ANN);
    let manager = TestManager::with(|builder| {
        builder.notifier(people.clone()).on_info(async |_, question| Some(format!("you asked {question}")))
    })
    .unwrap();
    let approved = manager.request(call("a.b", 1)).await.unwrap().await.unwrap();
    let info = &approved.request().info[0];
    assert_eq!(info.answer.as_deref(), Some("you asked which customer?"));
    assert!(people.notices().iter().any(|notice| notice.kind == NoticeKind::InfoProvided));
    people.check().unwrap();
}

#[tokio::test]
async fn seats_are_handed_on() {
    let people = Scripted::new().delegate(ANN, EVE).approve(EVE);
    let directory = StaticDirectory::new().may_delegate(ANN, [EVE]).unwrap();
    let manager = TestManager::with(|builder| builder.notifier(people.clone()).directory(directory)).unwrap();
    let approved = manager.request(call("a.b", 1)).await.unwrap().await.unwrap();
    assert_eq!(approved.decision().unwrap().by, [Principal::new(EVE).unwrap()]);
    people.check().unwrap();
}

#[tokio::test]
async fn a_script_goes_on_with_the_next_manager_on_the_store() {
    let people = Scripted::new().reject(ANN, "first").approve(ANN);
    let manager = TestManager::new(people.clone()).unwrap();
    assert!(run(&manager, call("a.b", 1)).await.is_err());
    manager.shutdown().await.unwrap();
    let next = manager.another(|builder| builder.notifier(people.clone())).unwrap();
    assert!(run(&next, call("a.b", 1)).await.is_ok());
    people.check().unwrap();
}

#[test]
fn a_script_can_be_read() {
    let people = Scripted::new()
        .on("a.b")
        .reject_with(ANN, "wrong_amount", "no")
        .when(|_| true)
        .approve(BOB)
        .edit(ANN, "cents", 1)
        .ask(ANN, "why?")
        .answer(ANN, json!({"seats": 2}))
        .delegate(ANN, BOB)
        .ignore();
    let steps: Vec<_> = people.unused().into_iter().map(|step| step.step).collect();
    assert_eq!(
        steps,
        [
            "reject by user:ann@example.com, on a.b",
            "approve by user:bob@example.com, when a condition holds",
            "edit and approve by user:ann@example.com",
            "ask the agent by user:ann@example.com",
            "answer by user:ann@example.com",
            "delegate by user:ann@example.com",
            "ignore",
        ]
    );
    let report = people.check().unwrap_err();
    assert_eq!(format!("{report:?}"), report.to_string());
    assert_eq!(report.to_string().lines().count(), 8);
}
