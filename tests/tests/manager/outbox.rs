//! Notices are repeated with back-off, and whatever a channel does changes no state (invariant 16).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use approval_core::{
    ApprovalError, ApprovalManager, BuildError, Clock as _,
    clock::Timestamp,
    directory::StaticDirectory,
    id::NoticeId,
    manager::ManagerBuilder,
    model::{Delivery, NoticeKind, Principal, Requirement, Status},
    notify::{Capabilities, Decider, Delivered, MessageRef, Notice, Notifier, NotifyError},
    store::MemoryStore,
};
use approval_testkit::{ApproveAll, FakeClock, TestManager};
use async_trait::async_trait;

use crate::common::{ANN, BOB, CAT, Runs, call, call_with, error, person, seconds, soon, unattended};
use crate::outage::Op;

/// An agent on one machine, and on another one the process that people are reached through.
#[tokio::test]
async fn notices_for_a_channel_of_another_process_wait_until_it_takes_them() {
    let store = Arc::new(MemoryStore::new());
    let agent = ApprovalManager::builder()
        .shared_store(Arc::clone(&store) as _)
        .channel_elsewhere("handler")
        .build()
        .expect("a channel elsewhere is one that hears decisions");
    let pending = agent.request(call()).await.unwrap();
    let id = pending.id();
    let notices = agent.store().notices(id).await.unwrap();
    assert!(!notices.is_empty() && notices.iter().all(|notice| &*notice.channel == "handler"), "{notices:?}");
    assert!(notices.iter().all(|notice| matches!(notice.delivery, Delivery::Waiting { attempts: 0, .. })));

    let people = ApprovalManager::builder()
        .shared_store(store as _)
        .handler(|_| async { Ok(approval_core::notify::HandlerReply::Approve) })
        .build()
        .unwrap();
    let approved = soon(pending).await.unwrap();
    assert_eq!(approved.request().status, Status::Approved);
    agent.shutdown().await.unwrap();
    people.shutdown().await.unwrap();
}

#[test]
fn a_channel_is_here_or_elsewhere_and_not_both() {
    let both = ApprovalManager::builder()
        .handler(|_| async { Ok(approval_core::notify::HandlerReply::Later) })
        .channel_elsewhere("handler")
        .build();
    assert!(matches!(both, Err(BuildError::DoubledChannel(name)) if name == "handler"));
}

/// What a channel does with the next notice.
#[derive(Clone, Debug)]
enum Mood {
    Takes,
    Refuses(NotifyError),
    Panics,
    Hangs,
}

/// When what came to whom, for which time.
type Got = (Timestamp, NoticeId, NoticeKind, Principal, u32);

/// A channel that writes down what it is given, in whatever mood it is.
#[derive(Clone, Debug)]
struct Post {
    name: &'static str,
    time: FakeClock,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    then: Mood,
    got: Arc<Mutex<Vec<Got>>>,
    updated: Arc<Mutex<Vec<(MessageRef, Status)>>>,
}

impl Post {
    fn new(name: &'static str, time: &FakeClock) -> Self {
        Self {
            name,
            time: time.clone(),
            moods: Arc::default(),
            then: Mood::Takes,
            got: Arc::default(),
            updated: Arc::default(),
        }
    }

    fn first(self, moods: impl IntoIterator<Item = Mood>) -> Self {
        self.moods.lock().unwrap().extend(moods);
        self
    }

    fn always(mut self, mood: Mood) -> Self {
        self.then = mood;
        self
    }

    /// When a notice to this person was delivered or refused, in seconds after `start`.
    fn times(&self, to: &str, start: Timestamp) -> Vec<i64> {
        let got = self.got.lock().unwrap();
        let to = person(to);
        got.iter()
            .filter(|(.., who, _)| *who == to)
            .map(|(at, ..)| at.duration_since(start).as_secs())
            .collect()
    }
}

#[async_trait]
impl Notifier for Post {
    fn name(&self) -> &str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::tells().with_updates()
    }

    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        let entry = (self.time.now(), notice.id, notice.kind, notice.to.clone(), notice.attempts);
        self.got.lock().unwrap().push(entry);
        let mood = self.moods.lock().unwrap().pop_front().unwrap_or_else(|| self.then.clone());
        match mood {
            Mood::Takes => {
                let message = MessageRef(format!("message to {}", notice.to).into());
                Ok(Delivered { message: Some(message) })
            }
            Mood::Refuses(error) => Err(error),
            Mood::Panics => panic!("on purpose"),
            Mood::Hangs => std::future::pending().await,
        }
    }

    async fn update(&self, message: &MessageRef, notice: &Notice) -> Result<(), NotifyError> {
        self.updated.lock().unwrap().push((message.clone(), notice.request.status));
        Ok(())
    }
}

/// A manager with these channels; the test decides by hand.
fn with(channels: impl FnOnce(&FakeClock) -> Vec<Arc<dyn Notifier>>) -> TestManager {
    let time = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
    let channels = channels(&time);
    TestManager::on(store, &time, |builder| {
        channels.into_iter().fold(builder.unattended(), ManagerBuilder::shared_notifier)
    })
    .unwrap()
}

fn with_post(post: impl FnOnce(Post) -> Post) -> (TestManager, Post) {
    let mut made = None;
    let manager = with(|time| {
        let post = post(Post::new("post", time));
        made = Some(post.clone());
        vec![Arc::new(post)]
    });
    (manager, made.unwrap())
}

fn only_ann() -> approval_core::Action {
    approval_core::Action::new("mail.send").unwrap().describe(|action| action.approvers([ANN])).unwrap()
}

async fn deliveries(manager: &TestManager, id: approval_core::RequestId) -> Vec<Delivery> {
    let notices = manager.store().notices(id).await.unwrap();
    notices.into_iter().filter(|notice| notice.kind.asks()).map(|notice| notice.delivery).collect()
}

#[tokio::test]
async fn a_failing_channel_is_tried_again_ever_more_slowly() {
    let moods = vec![Mood::Refuses(NotifyError::retry("busy")); 6];
    let (manager, post) = with_post(|post| post.first(moods));
    let start = manager.time().now();
    let waiting = manager.request(call_with(|action| Ok(action.timeout(seconds(7200)))));
    let waiting = waiting.await.unwrap();
    drop(waiting);
    let only = manager.request(only_ann()).await.unwrap();
    drop(only);
    manager.time().settle().await;
    for _ in 0..200 {
        manager.advance(seconds(1)).await;
    }
    // Two people and one: three notices share six failures; each waits for itself, twice as long each time.
    let got = post.got.lock().unwrap().clone();
    let mut by_notice = std::collections::BTreeMap::<NoticeId, Vec<(i64, u32)>>::new();
    for (at, id, _, _, attempts) in got {
        by_notice.entry(id).or_default().push((at.duration_since(start).as_secs(), attempts));
    }
    assert_eq!(by_notice.len(), 3);
    assert_eq!(by_notice.values().map(Vec::len).sum::<usize>(), 9, "six failures, three successes");
    for tries in by_notice.values() {
        let mut wanted = 0;
        for (number, (at, attempts)) in (0_u32..).zip(tries) {
            assert_eq!((*at, *attempts), (wanted, number), "{by_notice:?}");
            wanted += 1 << number;
        }
    }
}

#[tokio::test]
async fn back_off_is_at_most_a_minute_and_ends_after_twenty_attempts() {
    let (manager, post) = with_post(|post| post.always(Mood::Refuses(NotifyError::retry("never"))));
    let start = manager.time().now();
    let action = only_ann().describe(|action| Ok(action.no_timeout())).unwrap();
    let id = manager.request(action).await.unwrap().detach();
    manager.time().settle().await;
    for _ in 0..2_000 {
        manager.advance(seconds(1)).await;
    }
    let times = post.times(ANN, start);
    let pauses: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(&pauses[..7], [1, 2, 4, 8, 16, 32, 60]);
    assert!(pauses[6..].iter().all(|pause| *pause == 60), "{pauses:?}");
    assert_eq!(times.len(), 20);
    assert!(matches!(&deliveries(&manager, id).await[..], [Delivery::Failed { .. }]));
    assert_eq!(manager.get(id).await.unwrap().status, Status::Pending, "people can still decide elsewhere");
    manager.approve(id, ANN).await.unwrap();
}

#[tokio::test]
async fn a_channel_may_say_when_to_try_again_and_that_it_makes_no_sense() {
    let later = NotifyError::Retry { why: "too many mails".to_owned(), after: Some(Duration::from_secs(90)) };
    let (manager, post) = with_post(|post| {
        post.first([Mood::Refuses(later), Mood::Refuses(NotifyError::permanent("no such address"))])
    });
    let start = manager.time().now();
    let id = manager.request(only_ann()).await.unwrap().detach();
    manager.time().settle().await;
    for _ in 0..300 {
        manager.advance(seconds(1)).await;
    }
    assert_eq!(post.times(ANN, start), [0, 90]);
    let found = deliveries(&manager, id).await;
    assert!(matches!(&found[..], [Delivery::Failed { why, .. }] if &**why == "no such address"), "{found:?}");
}

#[tokio::test]
async fn a_failing_channel_changes_no_state() {
    for mood in
        [Mood::Refuses(NotifyError::retry("no")), Mood::Refuses(NotifyError::permanent("no")), Mood::Hangs]
    {
        let (manager, _) = with_post(|post| post.always(mood.clone()));
        let waiting = manager.request(call()).await.unwrap();
        let before = waiting.request().await.unwrap();
        manager.advance(seconds(600)).await;
        assert_eq!(waiting.request().await.unwrap(), before, "{mood:?}");
        manager.approve(waiting.id(), ANN).await.unwrap();
        assert!(soon(waiting).await.is_ok(), "{mood:?}");
    }
}

#[tokio::test]
async fn a_channel_that_panics_does_not_silence_the_others() {
    let time = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
    let post = Post::new("post", &time).first([Mood::Panics]);
    let manager =
        TestManager::on(store, &time, |builder| builder.notifier(post.clone()).notifier(ApproveAll::new()))
            .unwrap();
    let runs = Runs::default();
    for _ in 0..3 {
        assert!(soon(runs.run(&manager, call())).await.is_ok());
    }
    manager.advance(seconds(120)).await;
    assert!(post.got.lock().unwrap().len() > 1, "it is given notices again");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_decided_is_not_asked_about_any_more() {
    let moods = vec![Mood::Refuses(NotifyError::retry("busy")); 2];
    let (manager, post) = with_post(|post| post.first(moods));
    let id = manager.request(call()).await.unwrap().detach();
    manager.time().settle().await;
    manager.approve(id, ANN).await.unwrap();
    manager.advance(seconds(120)).await;
    let asked = post.got.lock().unwrap().iter().filter(|(_, _, kind, ..)| kind.asks()).count();
    assert_eq!(asked, 2, "the repetitions are dropped");
    let found = deliveries(&manager, id).await;
    assert!(found.iter().all(|one| matches!(one, Delivery::Obsolete { .. })), "{found:?}");
}

#[tokio::test]
async fn messages_are_brought_up_to_date_once_it_is_decided() {
    let (manager, post) = with_post(|post| post);
    let id = manager.request(call()).await.unwrap().detach();
    manager.time().settle().await;
    manager.reject(id, BOB, "no").await.unwrap();
    manager.advance(seconds(5)).await;
    let updated = post.updated.lock().unwrap().clone();
    for to in [ANN, BOB] {
        let message = MessageRef(format!("message to {to}").into());
        assert!(updated.contains(&(message, Status::Rejected)), "{updated:?}");
    }
}

#[tokio::test]
async fn a_notice_whose_delivery_could_not_be_noted_comes_again_under_the_same_id() {
    let time = FakeClock::new();
    let store = crate::outage::Outage::of(MemoryStore::with_clock(Arc::new(time.clone())));
    let post = Post::new("post", &time);
    let manager = {
        let store = Arc::<crate::outage::Outage>::clone(&store);
        TestManager::on(store, &time, |builder| builder.unattended().notifier(post.clone())).unwrap()
    };
    store.fail(&[Op::SettleNotices]);
    let id = manager.request(only_ann()).await.unwrap().detach();
    manager.time().settle().await;
    assert_eq!(post.got.lock().unwrap().len(), 1);
    store.heal();
    for _ in 0..20 {
        manager.advance(seconds(10)).await;
    }
    let ids: std::collections::BTreeSet<_> = post.got.lock().unwrap().iter().map(|(_, id, ..)| *id).collect();
    assert_eq!(ids.len(), 1, "one notice, however often it is delivered");
    assert!(post.got.lock().unwrap().len() >= 2);
    assert!(matches!(&deliveries(&manager, id).await[..], [Delivery::Delivered { .. }]));
}

#[tokio::test]
async fn of_two_processes_one_delivers_a_notice() {
    let time = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
    let post = Post::new("post", &time);
    let one = {
        let store = Arc::<MemoryStore>::clone(&store);
        TestManager::on(store, &time, |builder| builder.unattended().notifier(post.clone())).unwrap()
    };
    let other = one.another(|builder| builder.unattended().notifier(post.clone())).unwrap();
    for _ in 0..50 {
        drop(one.request(call()).await.unwrap());
        drop(other.request(call()).await.unwrap());
    }
    one.advance(seconds(10)).await;
    let got = post.got.lock().unwrap().clone();
    let ids: std::collections::BTreeSet<_> = got.iter().map(|(_, id, ..)| *id).collect();
    assert_eq!((got.len(), ids.len()), (200, 200));
}

#[tokio::test]
async fn people_are_reached_through_the_channels_that_they_want() {
    let time = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
    let (post, pigeon) = (Post::new("post", &time), Post::new("pigeon", &time));
    let directory = StaticDirectory::new().reach(ANN, ["pigeon"]).unwrap();
    let manager = TestManager::on(store, &time, |builder| {
        builder.unattended().notifier(post.clone()).notifier(pigeon.clone()).directory(directory)
    })
    .unwrap();
    drop(manager.request(call()).await.unwrap());
    manager.time().settle().await;
    let start = manager.time().now();
    assert_eq!((post.times(ANN, start).len(), pigeon.times(ANN, start).len()), (0, 1));
    assert_eq!((post.times(BOB, start).len(), pigeon.times(BOB, start).len()), (1, 1));
}

#[tokio::test]
async fn whoever_wants_only_channels_that_are_not_there_is_told_through_any() {
    let time = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
    let post = Post::new("post", &time);
    let directory = StaticDirectory::new().reach(ANN, ["pigeon"]).and_then(|all| all.reach(BOB, [])).unwrap();
    let manager = TestManager::on(store, &time, |builder| {
        builder.unattended().notifier(post.clone()).directory(directory)
    })
    .unwrap();
    drop(manager.request(call()).await.unwrap());
    manager.time().settle().await;
    let start = manager.time().now();
    assert_eq!((post.times(ANN, start).len(), post.times(BOB, start).len()), (1, 0));
}

/// A channel that cannot be started.
#[derive(Debug)]
struct Broken;

#[async_trait]
impl Notifier for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::decides()
    }

    async fn deliver(&self, _: &Notice) -> Result<Delivered, NotifyError> {
        Err(NotifyError::retry("not started"))
    }

    async fn start(&self, _: Decider) -> Result<(), NotifyError> {
        Err(NotifyError::permanent("there is no printer"))
    }
}

#[tokio::test]
async fn a_channel_that_does_not_start_leaves_the_others_alone() {
    let manager = TestManager::with(|builder| builder.notifier(Broken).notifier(ApproveAll::new())).unwrap();
    assert!(soon(Runs::default().run(&manager, call())).await.is_ok());
}

#[test]
fn nobody_could_decide_and_doubled_names_are_refused() {
    let nobody = ApprovalManager::builder().store(MemoryStore::new()).build().unwrap_err();
    assert!(matches!(nobody, BuildError::NobodyDecides), "{nobody}");
    assert!(nobody.to_string().contains(".unattended()"), "{nobody}");
    let twice = ApprovalManager::builder().notifier(ApproveAll::new()).notifier(ApproveAll::new());
    assert!(matches!(twice.build().unwrap_err(), BuildError::DoubledChannel(name) if name == "scripted"));
}

#[tokio::test]
async fn what_a_channel_hears_after_the_manager_is_gone_counts_for_nothing() {
    let manager = unattended();
    let waiting = manager.request(call()).await.unwrap();
    let (decider, seen) = (manager.decider("late"), waiting.request().await.unwrap());
    drop(waiting);
    let weak = Arc::downgrade(manager.store());
    drop(manager);
    tokio::task::yield_now().await;
    soon(async {
        while weak.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let (gone, text) = error(decider.approve(&seen, &person(ANN), None).await);
    assert!(matches!(gone, ApprovalError::ShutDown), "{text}");
}

#[tokio::test]
async fn a_channel_that_hangs_holds_up_neither_the_others_nor_itself() {
    let time = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(time.clone())));
    // The first notice never gets through, and everything after it does.
    let stuck = Post::new("stuck", &time).first([Mood::Hangs]);
    let free = Post::new("free", &time);
    let manager = TestManager::on(store, &time, |builder| {
        builder.unattended().notifier(stuck.clone()).notifier(free.clone())
    })
    .unwrap();
    let start = manager.time().now();
    for _ in 0..3 {
        let _id = manager.request(only_ann()).await.unwrap().detach();
        manager.time().settle().await;
    }
    assert_eq!(stuck.times(ANN, start), [0, 0, 0]);
    assert_eq!(free.times(ANN, start), [0, 0, 0]);
    let hung = stuck.got.lock().unwrap()[0].1;
    for _ in 0..30 {
        manager.advance(seconds(30)).await;
    }
    let again = stuck.got.lock().unwrap().iter().filter(|(_, id, ..)| *id == hung).count();
    assert_eq!(again, 1, "as long as it is under way here, it is not begun again");
}

#[tokio::test]
async fn the_same_notice_answered_twice_is_one_vote() {
    let time = FakeClock::new();
    let store = crate::outage::Outage::of(MemoryStore::with_clock(Arc::new(time.clone())));
    let manager = {
        let store = Arc::<crate::outage::Outage>::clone(&store);
        TestManager::on(store, &time, |builder| builder.notifier(ApproveAll::new())).unwrap()
    };
    let two = call_with(|action| Ok(action.requirement(Requirement::any_of([person(BOB), person(CAT)]))));
    // What became of the notices cannot be noted, so they come again, after they were answered.
    store.fail(&[Op::SettleNotices]);
    let waiting = manager.request(two).await.unwrap();
    let id = waiting.id();
    soon(waiting).await.unwrap();
    let decided = manager.get(id).await.unwrap();
    for _ in 0..20 {
        manager.advance(seconds(10)).await;
    }
    store.heal();
    for _ in 0..20 {
        manager.advance(seconds(10)).await;
    }
    let after = manager.get(id).await.unwrap();
    assert_eq!((&after.votes, &after.decision), (&decided.votes, &decided.decision));
    let waiting_still =
        deliveries(&manager, id).await.into_iter().any(|one| matches!(one, Delivery::Waiting { .. }));
    assert!(!waiting_still, "all was noted in the end");
}
