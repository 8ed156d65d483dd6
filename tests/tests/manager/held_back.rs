//! Notices wait for the end of quiet hours and for the daily digest, and come then as few messages.

use std::sync::{Arc, Mutex};

use approval_core::{
    Clock as _, Priority,
    clock::{Span, Timestamp},
    directory::{Directory, DirectoryError, Reach},
    model::{Delivery, NoticeKind, People, Principal},
    notify::{Capabilities, Delivered, MessageRef, Notice, Notifier, NotifyError},
    store::MemoryStore,
};
use approval_testkit::{FakeClock, TestManager};
use async_trait::async_trait;

use crate::common::{ANN, BOB, call_with, person};

/// Ann has quiet hours until `morning`, and gets what is of low priority at `digest`.
#[derive(Debug)]
struct Wishes {
    morning: Timestamp,
    digest: Timestamp,
}

#[async_trait]
impl Directory for Wishes {
    async fn people(&self, _: &[&Principal], _: Timestamp) -> Result<Arc<People>, DirectoryError> {
        Ok(Arc::default())
    }

    async fn reach(
        &self,
        who: &Principal,
        priority: Priority,
        at: Timestamp,
    ) -> Result<Reach, DirectoryError> {
        let mut reach = Reach::default();
        if *who == person(ANN) {
            reach.quiet_until = (at < self.morning && priority < Priority::High).then_some(self.morning);
            reach.next_digest = (at < self.digest).then_some(self.digest);
            reach.in_digest = priority == Priority::Low;
        }
        Ok(reach)
    }
}

/// When came what about how many requests.
type Message = (Timestamp, Vec<NoticeKind>);

#[derive(Clone, Debug)]
struct Post {
    time: FakeClock,
    digests: bool,
    came: Arc<Mutex<Vec<Message>>>,
}

impl Post {
    fn write(&self, kinds: Vec<NoticeKind>) -> Delivered {
        self.came.lock().unwrap().push((self.time.now(), kinds));
        Delivered { message: Some(MessageRef("m".into())) }
    }
}

#[async_trait]
impl Notifier for Post {
    fn name(&self) -> &str {
        "post"
    }

    fn capabilities(&self) -> Capabilities {
        if self.digests { Capabilities::tells().with_digests() } else { Capabilities::tells() }
    }

    fn reaches(&self, principal: &Principal) -> bool {
        *principal == person(ANN)
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        Ok(self.write(vec![notice.kind]))
    }

    async fn deliver_digest(&self, notices: &[Notice]) -> Vec<Result<Delivered, NotifyError>> {
        let delivered = self.write(notices.iter().map(|notice| notice.kind).collect());
        notices.iter().map(|_| Ok(delivered.clone())).collect()
    }
}

struct World {
    manager: TestManager,
    post: Post,
    start: Timestamp,
    reminders: u32,
}

const MORNING: i64 = 8;
const DIGEST: i64 = 17;

fn hours(count: i64) -> Span {
    Span::from_hours(count)
}

impl World {
    fn new(digests: bool, reminders: u32) -> Self {
        let time = FakeClock::at("2026-01-05T00:00:00Z");
        let start = time.now();
        let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
        let post = Post { time: time.clone(), digests, came: Arc::default() };
        let manager = TestManager::on(store, &time, |builder| {
            builder
                .unattended()
                .notifier(post.clone())
                .directory(Wishes { morning: start + hours(MORNING), digest: start + hours(DIGEST) })
        })
        .unwrap();
        Self { manager, post, start, reminders }
    }

    async fn ask(&self, priority: Priority) -> approval_core::RequestId {
        let long = call_with(|action| {
            Ok(action.priority(priority).timeout(hours(24)).remind(Span::from_mins(90), self.reminders))
        });
        let waiting = self.manager.request(long).await.unwrap();
        let id = waiting.id();
        drop(waiting);
        self.manager.time().settle().await;
        id
    }

    async fn pass(&self, to_hour: i64) {
        while self.manager.time().now() < self.start + hours(to_hour) {
            self.manager.time().advance(Span::from_mins(30));
            self.manager.time().settle().await;
        }
    }

    /// What came, by the hour.
    fn came(&self) -> Vec<(i64, Vec<NoticeKind>)> {
        let came = self.post.came.lock().unwrap();
        came.iter().map(|(at, kinds)| (at.duration_since(self.start).as_hours(), kinds.clone())).collect()
    }
}

#[tokio::test]
async fn what_waited_comes_in_one_message_when_quiet_hours_end() {
    let world = World::new(true, 0);
    for _ in 0..3 {
        world.ask(Priority::Medium).await;
    }
    world.ask(Priority::High).await;
    assert_eq!(world.came(), [(0, vec![NoticeKind::Decide])], "what is important comes at once");
    world.pass(7).await;
    assert_eq!(world.came().len(), 1);
    world.pass(9).await;
    assert_eq!(world.came()[1..], [(MORNING, vec![NoticeKind::Decide; 3])]);
}

#[tokio::test]
async fn what_is_not_urgent_comes_with_the_digest() {
    let world = World::new(true, 0);
    world.ask(Priority::Low).await;
    world.pass(10).await;
    let decided = world.ask(Priority::Low).await;
    world.ask(Priority::Low).await;
    world.ask(Priority::Medium).await;
    assert_eq!(world.came(), [(10, vec![NoticeKind::Decide])]);
    world.manager.approve(decided, BOB).await.unwrap();
    world.pass(18).await;
    assert_eq!(
        world.came()[1..],
        [(DIGEST, vec![NoticeKind::Decide; 2])],
        "what is decided needs no decision"
    );
    let states = world.manager.store().notices(decided).await.unwrap();
    assert!(states.iter().any(|row| matches!(row.delivery, Delivery::Obsolete { .. })), "{states:?}");
}

#[tokio::test]
async fn a_channel_that_cannot_tell_several_at_once_is_given_them_one_by_one() {
    let world = World::new(false, 0);
    world.ask(Priority::Medium).await;
    world.ask(Priority::Medium).await;
    world.pass(9).await;
    assert_eq!(world.came(), [(MORNING, vec![NoticeKind::Decide]), (MORNING, vec![NoticeKind::Decide])]);
}

#[tokio::test]
async fn of_reminders_that_pile_up_overnight_one_comes_in_the_morning() {
    let world = World::new(true, 6);
    world.ask(Priority::Medium).await;
    world.pass(12).await;
    // 1:30, 3:00, 4:30, 6:00 and 7:30 wait until 8:00; 9:00 is told at its time.
    assert_eq!(world.came(), [(MORNING, vec![NoticeKind::Reminder]), (9, vec![NoticeKind::Reminder])]);
}
