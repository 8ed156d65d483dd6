//! Whatever the limit, the costs, the callers and the clock: no window ever holds more calls, or a higher cost, than the limit
//! says. Held against a naive count of the calls that ran.

use std::sync::Arc;

use approval_core::{
    Action, ApprovalError, Context,
    clock::{Span, Timestamp},
    manager::{Grant, ManagerBuilder},
    model::{CountedPer, Limit, Money, OverLimit},
    policy::Ruling,
    store::{MemoryStore, Store},
};
use approval_store::SqliteStore;
use approval_testkit::{FakeClock, TestManager};
use approval_tests::random::{Random, full, seed};
use futures_util::future::join_all;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::common::soon;

const CALLERS: usize = 64;
const ROUNDS: usize = 4;

/// A call that ran. It was counted at some moment from `asked` to `ran`.
#[derive(Clone, Debug)]
struct Ran {
    agent: u64,
    cents: u64,
    asked: Timestamp,
    ran: Timestamp,
}

/// A limit made up by chance.
#[derive(Clone, Debug)]
struct Case {
    window: Option<Span>,
    calls: Option<u32>,
    cents: Option<u64>,
    per_agent: bool,
    agents: u64,
    /// Whether the clock goes on while calls are made, rather than between rounds alone: twice for each call, each time by up
    /// to this part of the window. It keeps pace with the calls; a clock that runs on its own leaves the windows of a slow
    /// store empty.
    tick: Option<u64>,
}

/// Calls that a known case lets run in a window.
const KNOWN: u32 = 10;

impl Case {
    fn new(random: &mut Random) -> Self {
        let calls = random.chance(60).then(|| u32::try_from(random.below(40)).unwrap());
        let cents = (calls.is_none() || random.chance(60)).then(|| random.below(3_000));
        let window =
            random.chance(85).then(|| Span::from_micros(1 + random.below(7_200_000_000).cast_signed()));
        let tick = random.chance(50).then(|| *random.one(&[8, 32, 128, 512]));
        Self { window, calls, cents, per_agent: random.chance(50), agents: 1 + random.below(4), tick }
    }

    /// One whose first round is known: all of its calls fall into one window, which holds [`KNOWN`] of them.
    fn known(ticking: bool) -> Self {
        // Two ticks for each call are less than the window.
        let tick = ticking.then_some(4 * CALLERS as u64);
        let window = Some(Span::from_hours(1));
        Self { window, calls: Some(KNOWN), cents: None, per_agent: false, agents: 2, tick }
    }

    /// By how much the clock goes on at a time, at most.
    fn longest_tick(&self) -> Option<u64> {
        let window = self.window.map_or(100_000_000, |window| window.as_micros().try_into().unwrap());
        self.tick.map(|part| window / part + 1)
    }

    fn limit(&self) -> Limit {
        let mut limit = Limit::new("budget").over(OverLimit::Deny);
        limit.within = self.window;
        limit.calls = self.calls;
        limit.cost = self.cents.map(dollars);
        if self.per_agent { limit.per(CountedPer::AGENT) } else { limit }
    }

    /// The calls that the limit counts together must not exceed it, in any window that begins with one of them.
    fn check(&self, all: &[Ran]) {
        let groups = if self.per_agent { self.agents } else { 1 };
        for group in 0..groups {
            let own: Vec<&Ran> = all.iter().filter(|one| !self.per_agent || one.agent == group).collect();
            for first in &own {
                // Surely counted within the window that begins with the earliest moment of the first.
                let inside = own.iter().filter(|one| {
                    one.asked >= first.asked
                        && self.window.is_none_or(|window| one.ran < first.asked + window)
                });
                let (calls, cents) =
                    inside.fold((0, 0), |(calls, cents), one| (calls + 1, cents + one.cents));
                assert!(
                    self.calls.is_none_or(|most| calls <= most),
                    "{calls} calls from {}: {self:?}",
                    first.asked
                );
                assert!(
                    self.cents.is_none_or(|most| cents <= most),
                    "{cents} cents from {}: {self:?}",
                    first.asked
                );
            }
        }
    }
}

fn dollars(cents: u64) -> Money {
    format!("{}.{:02} USD", cents / 100, cents % 100).parse().unwrap()
}

fn call(cents: u64) -> Action {
    let action = Action::new("payments.refund").unwrap();
    let action = action.describe(|action| Ok(action.cost("{cents} / 100 USD"))).unwrap();
    action.arguments(&json!({ "cents": cents })).unwrap()
}

/// Lets the clock of a case go on.
type Tick = mpsc::UnboundedSender<()>;

/// What takes part in a case.
struct World {
    store: Arc<dyn Store>,
    clock: FakeClock,
    managers: Vec<TestManager>,
}

impl World {
    /// Two managers with the same limit.
    fn new(store: Arc<dyn Store>, clock: FakeClock, case: &Case) -> Self {
        let configure = |builder: ManagerBuilder| {
            builder.unattended().policy_fn(|_| Ruling::allow()).limit(case.limit()).unwrap()
        };
        let one = TestManager::on(Arc::clone(&store), &clock, configure).unwrap();
        let other = TestManager::on(Arc::clone(&store), &clock, configure).unwrap();
        Self { store, clock, managers: vec![one, other] }
    }

    /// Makes a call, and tells of it if it ran. By the time of the store, which never goes back.
    async fn call(&self, caller: usize, agent: u64, cents: u64, tick: Option<&Tick>) -> Option<Ran> {
        let tick = || tick.map(|tick| tick.send(()).unwrap());
        let asked = self.store.now().await.unwrap();
        tick();
        let body = async |_, _: Option<Grant>| {
            let ran = self.store.now().await.unwrap();
            tick();
            Ok::<_, ApprovalError>(ran)
        };
        let made = self.managers[caller % self.managers.len()].guard(call(cents)).run(body);
        match Context::new().agent(&format!("agent-{agent}")).unwrap().scope(made).await {
            Ok(ran) => Some(Ran { agent, cents, asked, ran }),
            Err(ApprovalError::LimitReached { .. }) => None,
            Err(other) => panic!("{other}"),
        }
    }

    /// All callers at once.
    async fn round(self: &Arc<Self>, case: &Case, random: &mut Random) -> Vec<Ran> {
        let (tick, mut ticks) = mpsc::unbounded_channel();
        let tick = case.tick.is_some().then_some(tick);
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (world, tick) = (Arc::clone(self), tick.clone());
                let (agent, cents) = (random.below(case.agents), random.below(400));
                tokio::spawn(async move { world.call(caller, agent, cents, tick.as_ref()).await })
            })
            .collect();
        drop(tick);
        let ticking = {
            let (clock, longest, mut random) = (self.clock.clone(), case.longest_tick(), random.part(1));
            tokio::spawn(async move {
                while let (Some(()), Some(longest)) = (ticks.recv().await, longest) {
                    clock.advance(Span::from_micros(random.below(longest).cast_signed()));
                }
            })
        };
        let ran = soon(join_all(callers)).await.into_iter().filter_map(Result::unwrap).collect();
        ticking.await.unwrap();
        ran
    }
}

/// Rounds of calls, between which the clock goes on, or back. How many calls ran in each.
async fn never_overspent(
    store: Arc<dyn Store>,
    clock: FakeClock,
    case: &Case,
    random: &mut Random,
) -> Vec<usize> {
    let world = Arc::new(World::new(store, clock, case));
    let (mut all, mut counts) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let round = world.round(case, random).await;
        counts.push(round.len());
        all.extend(round);
        let window = case.window.map_or(3_600_000_000, |window| window.as_micros());
        let by = random.below((window + window / 4).try_into().unwrap()).cast_signed();
        let back = random.chance(15);
        world.clock.advance(Span::from_micros(if back { -by } else { by }));
    }
    case.check(&all);
    counts
}

/// Known cases, whose limit lets exactly so many calls run and refuses the others, and then some by chance.
async fn cases(
    name: &str,
    few: usize,
    many: usize,
    store: impl AsyncFn(&FakeClock) -> (Arc<dyn Store>, Option<TempDir>),
) {
    let random = Random::new(seed(name));
    let known = [false, true].map(|ticking| (Case::known(ticking), Some(KNOWN as usize)));
    let number = if full() { many } else { few };
    let by_chance = (0..number).map(|part| (Case::new(&mut random.part(part as u64)), None));
    let (mut ran, mut calls) = (0, 0);
    for (part, (case, first)) in known.into_iter().chain(by_chance).enumerate() {
        let clock = FakeClock::new();
        let (store, _folder) = store(&clock).await;
        let counts = never_overspent(store, clock, &case, &mut random.part(!(part as u64))).await;
        assert!(first.is_none_or(|first| counts[0] == first), "{counts:?} ran: {case:?}");
        ran += counts.iter().sum::<usize>();
        calls += ROUNDS * CALLERS;
    }
    println!("{name}: {ran} of {calls} calls ran");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_window_of_any_budget_is_overspent_in_memory() {
    let memory = async |clock: &FakeClock| {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
        (store, None)
    };
    cases("budgets in memory", 20, 2_000, memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_window_of_any_budget_is_overspent_on_postgres() {
    let postgres = async |clock: &FakeClock| {
        (approval_tests::postgres::Place::new().open(Arc::new(clock.clone())).await, None)
    };
    cases("budgets on PostgreSQL", 3, 100, postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_window_of_any_budget_is_overspent_on_sqlite() {
    let sqlite = async |clock: &FakeClock| {
        let folder = tempfile::tempdir().unwrap();
        let builder = SqliteStore::builder(folder.path().join("approvals.db")).clock(Arc::new(clock.clone()));
        let store: Arc<dyn Store> = Arc::new(builder.open().unwrap());
        (store, Some(folder))
    };
    cases("budgets on SQLite", 5, 300, sqlite).await;
}
