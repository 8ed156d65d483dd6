//! `examples/approvals.yaml` from end to end: the rules ask the people of its directory, at their hours.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::sync::{Arc, Mutex};

use approval_core::{
    Action, Clock as _, Priority, RequestId,
    clock::{Span, Timestamp},
    directory::file::{FileDirectory, Roster},
    file::ApprovalsFile,
    model::{NoticeKind, Principal, Status},
    notify::{Capabilities, Delivered, Notice, Notifier, NotifyError},
    store::MemoryStore,
};
use approval_testkit::{FakeClock, TestManager};
use approval_tests::repo;
use async_trait::async_trait;

fn file() -> ApprovalsFile {
    ApprovalsFile::load(repo::root().join("examples/approvals.yaml")).unwrap()
}

/// The channel that everybody of the example has.
#[derive(Clone, Debug)]
struct Post {
    time: FakeClock,
    came: Arc<Mutex<Vec<(Timestamp, String, NoticeKind)>>>,
}

#[async_trait]
impl Notifier for Post {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::tells()
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        let to = notice.to.name().split('@').next().unwrap_or_default().to_owned();
        self.came.lock().unwrap().push((self.time.now(), to, notice.kind));
        Ok(Delivered::default())
    }
}

struct World {
    manager: TestManager,
    post: Post,
    start: Timestamp,
}

impl World {
    fn at(start: &str) -> Self {
        let file = file();
        let (rules, roster): (_, Roster) = (file.policy.unwrap(), file.directory.unwrap());
        let time = FakeClock::at(start);
        let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
        let post = Post { time: time.clone(), came: Arc::default() };
        let manager = TestManager::on(store, &time, |builder| {
            builder.unattended().notifier(post.clone()).policy(rules).directory(FileDirectory::new(roster))
        });
        Self { manager: manager.unwrap(), post, start: time.now() }
    }

    async fn ask(&self, action: &str) -> RequestId {
        let action = Action::new(action).unwrap().describe(|action| Ok(action.cost("12 USD"))).unwrap();
        let waiting = self.manager.request(action).await.unwrap();
        let id = waiting.id();
        drop(waiting);
        self.manager.time().settle().await;
        id
    }

    async fn pass(&self, minutes: i64, step: i64) {
        let end = self.start + Span::from_mins(minutes);
        while self.manager.time().now() < end {
            self.manager.time().advance(Span::from_mins(step));
            self.manager.time().settle().await;
        }
    }

    /// What came so far: after how many minutes, to whom, why.
    fn came(&self) -> Vec<(i64, String, NoticeKind)> {
        let came = self.post.came.lock().unwrap();
        let asking = came.iter().filter(|(.., kind)| kind.asks());
        asking.map(|(at, to, kind)| (at.duration_since(self.start).as_mins(), to.clone(), *kind)).collect()
    }
}

fn each(minutes: i64, names: &[&str], kind: NoticeKind) -> Vec<(i64, String, NoticeKind)> {
    names.iter().map(|name| (minutes, (*name).to_owned(), kind)).collect()
}

#[tokio::test]
async fn money_has_a_quarter_of_an_hour_and_then_whoever_is_on_call() {
    // Friday 18:00 in Berlin, noon in New York; Dan has the week.
    let world = World::at("2026-11-20T17:00:00Z");
    let id = world.ask("payments.refund").await;
    let finance = ["ann", "bob"];
    assert_eq!(world.came(), each(0, &finance, NoticeKind::Decide));
    world.pass(4, 1).await;
    assert_eq!(world.came().len(), 2);
    world.pass(5, 1).await;
    let first = [
        each(0, &finance, NoticeKind::Decide),
        each(5, &["dan"], NoticeKind::Escalated),
        each(5, &finance, NoticeKind::Reminder),
    ];
    assert_eq!(world.came(), first.concat());
    assert_eq!(world.manager.get(id).await.unwrap().priority, Priority::High);
    world.pass(14, 1).await;
    assert_eq!(world.came()[5..], each(10, &["ann", "bob", "dan"], NoticeKind::Reminder));
    world.pass(29, 1).await;
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Pending, "time was given once more");
    world.pass(30, 1).await;
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Expired);
}

#[tokio::test]
async fn whoever_is_on_call_decides_about_money() {
    let world = World::at("2026-11-20T17:00:00Z");
    let id = world.ask("payments.refund").await;
    assert!(world.manager.approve(id, "user:dan@example.com").await.is_err(), "not asked yet");
    world.pass(6, 1).await;
    world.manager.approve(id, "user:Dan+phone@Example.com").await.unwrap();
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Approved);
}

#[tokio::test]
async fn batch_work_has_a_day_and_comes_with_the_digest() {
    let world = World::at("2026-11-20T17:00:00Z");
    let id = world.ask("batch.reindex").await;
    world.pass(14 * 60, 30).await;
    assert_eq!(world.came(), []);
    world.pass(23 * 60, 30).await;
    // 09:00 in Berlin, and 09:00 in New York.
    let berlin = each(15 * 60, &["ann", "cat", "dan"], NoticeKind::Decide);
    let new_york = each(21 * 60, &["bob"], NoticeKind::Decide);
    assert_eq!(world.came(), [berlin, new_york].concat());
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Pending);
    world.pass(24 * 60, 30).await;
    assert_eq!(world.manager.get(id).await.unwrap().status, Status::Expired);
}

#[tokio::test]
async fn whoever_is_out_of_office_is_stood_in_for_and_told_apart_under_every_address() {
    // Ann is out, and Bob, for whom it is six in the morning, stands in.
    let world = World::at("2026-08-05T10:00:00Z");
    let id = world.ask("email.send").await;
    let asked = world.manager.decider("test").deciders(id).await.unwrap();
    assert!(asked.contains(&Principal::user("bob@example.com").unwrap()));
    assert!(!world.came().iter().any(|(_, to, _)| to == "ann"), "{:?}", world.came());
    let roster = file().directory.unwrap();
    let ann = Principal::user("A.Example+x@Example.com").unwrap();
    assert_eq!(roster.canonical(&ann), Some(&Principal::user("ann@example.com").unwrap()));
}
