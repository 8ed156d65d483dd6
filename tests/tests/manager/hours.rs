//! A directory of a file and a clock that passes over weekends and the setting of clocks: whom a request asks, and when.

use std::sync::{Arc, Mutex};

use approval_core::{
    Clock as _, Principal, Priority, RequestId,
    clock::{Span, Timestamp},
    directory::file::{FileDirectory, Roster},
    manager::ActionSpec,
    model::{EventKind, NoticeKind, OutsideHours, Status},
    notify::{Capabilities, Delivered, Notice, Notifier, NotifyError},
    store::MemoryStore,
    yaml::Document,
};
use approval_testkit::{FakeClock, TestManager};
use async_trait::async_trait;

const PEOPLE: &str = "
time_zone: Europe/Berlin
hours:
  office: { mon-fri: 09:00-17:00 }
people:
  user:ann@example.com: { hours: office, quiet_hours: 22:00-07:00 }
  user:bob@example.com: { hours: office, time_zone: America/New_York }
  user:cat@example.com: { quiet_hours: { hours: 22:00-07:00, up_to: critical } }
  user:dan@example.com: { quiet_hours: { hours: 22:00-07:00, up_to: critical } }
groups:
  finance: [user:ann@example.com, user:bob@example.com]
on_call:
  payments: { start: 2026-03-02 09:00, turn: 1w, members: [user:cat@example.com, user:dan@example.com] }
";

/// A channel to everybody, which writes down what came when.
#[derive(Clone, Debug)]
struct Post {
    time: FakeClock,
    came: Arc<Mutex<Vec<(Timestamp, String, NoticeKind)>>>,
}

#[async_trait]
impl Notifier for Post {
    fn name(&self) -> &str {
        "post"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::tells()
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        let to = notice.to.name().split('@').next().unwrap().to_owned();
        self.came.lock().unwrap().push((self.time.now(), to, notice.kind));
        Ok(Delivered::default())
    }
}

fn roster() -> Roster {
    let document = Document::parse("approvals.yaml", PEOPLE).unwrap();
    Roster::read(&document.root()).unwrap()
}

struct World {
    manager: TestManager,
    post: Post,
}

impl World {
    fn at(start: &str) -> Self {
        let time = FakeClock::at(start);
        let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
        let post = Post { time: time.clone(), came: Arc::default() };
        let manager = TestManager::on(store, &time, |builder| {
            builder.unattended().notifier(post.clone()).directory(FileDirectory::new(roster()))
        })
        .unwrap();
        Self { manager, post }
    }

    async fn ask(&self, describe: impl FnOnce(ActionSpec) -> ActionSpec) -> RequestId {
        let action = approval_core::Action::new("payments.refund").unwrap();
        let action = action.describe(|action| Ok(describe(action.approvers(["group:finance"])?))).unwrap();
        let waiting = self.manager.request(action).await.unwrap();
        let id = waiting.id();
        drop(waiting);
        self.manager.time().settle().await;
        id
    }

    /// Asks as the action alone says.
    async fn ask_plain(&self, describe: impl FnOnce(ActionSpec) -> ActionSpec) -> RequestId {
        let action = approval_core::Action::new("payments.refund").unwrap();
        let action = action.describe(|action| Ok(describe(action))).unwrap();
        let id = self.manager.request(action).await.unwrap().detach();
        self.manager.time().settle().await;
        id
    }

    /// Another manager on the same store, as after a restart.
    fn restart(&mut self) {
        let post = self.post.clone();
        let next = self
            .manager
            .another(|builder| builder.unattended().notifier(post).directory(FileDirectory::new(roster())));
        self.manager = next.unwrap();
    }

    async fn pass_until(&self, moment: &str) {
        let end: Timestamp = moment.parse().unwrap();
        while self.manager.time().now() < end {
            self.manager.time().advance(Span::from_mins(15));
            self.manager.time().settle().await;
        }
    }

    /// What came: when, to whom; by time.
    fn came(&self) -> Vec<(String, String)> {
        let came = self.post.came.lock().unwrap();
        let asking = came.iter().filter(|(.., kind)| kind.asks());
        let mut all: Vec<_> = asking.map(|(at, to, _)| (at.to_string(), to.clone())).collect();
        // Who of several is told first at one moment is not said.
        all.sort();
        all
    }
}

fn list(came: &[(&str, &str)]) -> Vec<(String, String)> {
    came.iter().map(|(at, to)| ((*at).to_owned(), (*to).to_owned())).collect()
}

#[tokio::test]
async fn what_is_asked_on_a_friday_evening_waits_for_monday_and_time_is_counted_from_then() {
    // Friday 18:00 in New York; clocks go forward in Berlin on the Sunday.
    let world = World::at("2026-03-27T22:00:00Z");
    let id =
        world.ask(|action| action.timeout(Span::from_hours(1)).outside_hours(0, OutsideHours::Queue)).await;
    let request = world.manager.get(id).await.unwrap();
    assert_eq!(
        request.begins_at.as_ref().unwrap().to_string(),
        "2026-03-30T07:00:00Z",
        "09:00 in Berlin's summer"
    );
    world.pass_until("2026-03-30T07:45:00Z").await;
    assert_eq!(world.came(), list(&[("2026-03-30T07:00:00Z", "ann")]));
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Pending);
    world.pass_until("2026-03-30T08:15:00Z").await;
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Expired);
    world.pass_until("2026-03-30T14:00:00Z").await;
    assert_eq!(world.came().len(), 1, "bob's day begins when it is over");
}

#[tokio::test]
async fn at_night_whoever_is_on_call_is_asked_at_once() {
    let on_call = Principal::new("on_call:payments").unwrap();
    let ask = |action: ActionSpec| {
        let timeout = action.timeout(Span::from_hours(48));
        timeout.outside_hours(0, OutsideHours::OnCall(vec![on_call.clone()]))
    };
    // Monday 03:00 in Berlin, a few hours before the hand-over.
    let world = World::at("2026-03-09T02:00:00Z");
    let id = world.ask(ask).await;
    assert_eq!(world.came(), list(&[("2026-03-09T02:00:00Z", "cat")]));
    world.pass_until("2026-03-09T14:00:00Z").await;
    // Berlin opens at 08:00 UTC; New York, where it is summer since the 8th, at 13:00 UTC.
    assert_eq!(
        world.came(),
        list(&[
            ("2026-03-09T02:00:00Z", "cat"),
            ("2026-03-09T08:00:00Z", "ann"),
            ("2026-03-09T08:00:00Z", "dan"),
            ("2026-03-09T13:00:00Z", "bob"),
        ])
    );
    // Cat has handed over since, and stays asked; Dan is on call now, and was told of it.
    for who in ["user:cat@example.com", "user:dan@example.com"] {
        assert!(
            world.manager.decider("test").deciders(id).await.unwrap().contains(&Principal::new(who).unwrap())
        );
    }
    world.manager.approve(id, "user:cat@example.com").await.unwrap();
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn a_stage_asks_whoever_is_on_call_then_and_reminders_reach_the_next_one() {
    let world = World::at("2026-03-09T06:00:00Z");
    world
        .ask(|action| {
            action
                .priority(Priority::High)
                .timeout(Span::from_hours(24))
                .escalate(Span::from_mins(15), 0, ["on_call:payments"], None)
                .unwrap()
                .remind(Span::from_hours(3), 1)
        })
        .await;
    world.pass_until("2026-03-09T12:00:00Z").await;
    let nine = "2026-03-09T09:00:00Z";
    assert_eq!(
        world.came(),
        list(&[
            ("2026-03-09T06:00:00Z", "ann"),
            ("2026-03-09T06:00:00Z", "bob"),
            ("2026-03-09T06:15:00Z", "cat"),
            ("2026-03-09T08:00:00Z", "dan"),
            (nine, "ann"),
            (nine, "bob"),
            (nine, "cat"),
            (nine, "dan"),
        ])
    );
}

#[tokio::test]
async fn at_each_hand_over_the_next_one_on_call_is_told_once_over_a_change_of_clocks_and_a_restart() {
    // Wednesday; clocks go forward in Berlin on Sunday the 29th, so the hand-over of the 30th is at 07:00 UTC.
    let mut world = World::at("2026-03-18T12:00:00Z");
    let on_call = |action: ActionSpec| action.no_timeout().approvers(["on_call:payments"]).unwrap();
    let id = world.ask_plain(on_call).await;
    let first = list(&[("2026-03-18T12:00:00Z", "cat")]);
    assert_eq!(world.came(), first);
    world.pass_until("2026-03-23T07:45:00Z").await;
    assert_eq!(world.came(), first, "never early");
    world.pass_until("2026-03-29T12:00:00Z").await;
    let second = [first, list(&[("2026-03-23T08:00:00Z", "dan")])].concat();
    assert_eq!(world.came(), second);
    world.restart();
    world.pass_until("2026-04-14T12:00:00Z").await;
    // Cat was asked in her turn before; both are, and once.
    assert_eq!(world.came(), second);
    let history = world.manager.history(id).await.unwrap();
    let turns = history.iter().filter_map(|line| match line.event().unwrap() {
        event if matches!(event.what, EventKind::OnCall { .. }) => Some(event.at.to_string()),
        _ => None,
    });
    let expected = [
        "2026-03-18T12:00:00Z",
        "2026-03-23T08:00:00Z",
        "2026-03-30T07:00:00Z",
        "2026-04-06T07:00:00Z",
        "2026-04-13T07:00:00Z",
    ];
    assert_eq!(turns.collect::<Vec<_>>(), expected);
    world.manager.approve(id, "user:dan@example.com").await.unwrap();
    let decided = world.manager.history(id).await.unwrap().len();
    world.pass_until("2026-04-21T12:00:00Z").await;
    let after = world.manager.history(id).await.unwrap();
    let later = after[decided..].iter().filter(|line| line.text.contains("on_call")).count();
    assert_eq!((later, world.came()), (0, second), "nobody is told of what is decided");
}

#[tokio::test]
async fn everyone_is_told_at_once_in_quiet_hours_too() {
    let world = World::at("2026-03-09T02:00:00Z");
    world.ask(|action| action.outside_hours(0, OutsideHours::Everyone)).await;
    let night = "2026-03-09T02:00:00Z";
    assert_eq!(world.came(), list(&[(night, "ann"), (night, "bob")]));
    let quiet = World::at("2026-03-09T02:00:00Z");
    quiet.ask(|action| action).await;
    assert_eq!(quiet.came(), list(&[(night, "bob")]), "without a rule quiet hours hold");
}
