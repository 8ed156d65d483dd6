//! Three processes on one SQLite file: each hears in time what the others decide, no decision is missed, one of them
//! wins, and the brake of one stops them all.
//!
//! Some hundred rounds; some thousand when `APPROVALS_FULL` is set. `APPROVALS_SEED` repeats what is tried.

use std::{sync::Arc, time::Duration};

use approval_core::{
    ApprovalManager, Clock, RequestId, SystemClock,
    clock::{Span, Timestamp},
    model::{Decision, Outcome},
};
use approval_tests::{
    peer::{self, Came, Order, Peer, call, obey},
    random::{Random, full, seed},
};
use futures_util::future::join_all;

/// Within which time a process promises to hear of what others wrote.
const PROMISED: Span = Span::from_millis(100);

/// What a loaded machine may need besides, for a single one.
const SLACK: Span = Span::from_secs(10);

/// Requests that are decided at the same time.
const AT_ONCE: usize = 50;

/// This process and two others.
struct Three {
    here: ApprovalManager,
    there: [Peer; 2],
    _folder: tempfile::TempDir,
}

impl Three {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = folder.path().join("approvals.db");
        let here = peer::open(&store).expect("a manager");
        let there = [0, 1].map(|_| Peer::start(env!("CARGO_BIN_EXE_peer"), &store));
        Self { here, there, _folder: folder }
    }

    /// Gives an order to the process of this number.
    async fn order(&self, process: usize, order: Order) -> peer::Answer {
        match self.there.get(process) {
            Some(peer) => peer.order(order).await,
            None => obey(&self.here, &order).await,
        }
    }

    async fn open(&self) -> RequestId {
        self.here.request(call()).await.expect("a request can be opened").detach()
    }

    async fn end(self) {
        for peer in self.there {
            peer.end().await;
        }
        self.here.shutdown().await.expect("it can be shut down");
        self.here.store().close().await.expect("it can be closed");
    }
}

fn rounds(default: usize, all: usize) -> usize {
    if full() { all } else { default }
}

/// One request: somebody in one process waits, somebody in another decides. Gives back when it was decided and heard of.
async fn told(three: &Three, id: RequestId, waiter: usize, decider: usize) -> (Timestamp, Timestamp) {
    let order =
        if id.as_bytes()[15].is_multiple_of(2) { Order::Approve(id, 0) } else { Order::Reject(id, 1) };
    // Whether the waiter begins before, while or after it is decided is left to chance.
    let (waited, decided) = tokio::join!(three.order(waiter, Order::Wait(id)), three.order(decider, order));
    let (Came::Decided(heard), Came::Decided(made)) = (&waited.came, &decided.came) else {
        panic!("{id}: waiting came to {waited:?}, deciding to {decided:?}");
    };
    assert_eq!(heard, made, "{id}: the waiter heard of another decision");
    (decided.at, waited.at)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_of_another_process_is_heard_in_time_and_never_missed() {
    let test = "decisions of other processes";
    let mut random = Random::new(seed(test));
    let three = Three::new();
    let mut delays: Vec<Span> = Vec::new();
    while delays.len() < rounds(500, 10_000) {
        let ids = join_all((0..AT_ONCE).map(|_| three.open())).await;
        let pairs: Vec<(RequestId, usize, usize)> = ids
            .into_iter()
            .map(|id| {
                let (waiter, step) = (random.below(3), 1 + random.below(2));
                (id, usize::try_from(waiter).unwrap(), usize::try_from((waiter + step) % 3).unwrap())
            })
            .collect();
        let told =
            join_all(pairs.iter().map(|(id, waiter, decider)| told(&three, *id, *waiter, *decider))).await;
        delays.extend(told.into_iter().map(|(decided, heard)| heard.duration_since(decided)));
    }
    three.end().await;
    delays.sort();
    let of = |part: usize| delays[(delays.len() - 1) * part / 100];
    println!(
        "{test}: {} rounds; median {:#}, 99th percentile {:#}, longest {:#}",
        delays.len(),
        of(50),
        of(99),
        of(100)
    );
    assert!(of(50) <= PROMISED, "half of them took more than {PROMISED:#}: {:#}", of(50));
    assert!(of(100) <= PROMISED + SLACK, "one took {:#}", of(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deciders_in_several_processes_agree_on_one_winner() {
    let test = "deciders in several processes";
    let random = Random::new(seed(test));
    let three = Arc::new(Three::new());
    let total = rounds(200, 5_000);
    for batch in 0..total / 20 {
        let contests = (0..20).map(|number| contest(&three, random.part((batch * 20 + number) as u64)));
        join_all(contests).await;
    }
    Arc::into_inner(three).expect("nobody else holds it").end().await;
}

/// All decide, then all use the grant if there is one.
async fn contest(three: &Three, mut random: Random) {
    let id = three.open().await;
    let orders: Vec<Order> = (0..3)
        .map(|number| if random.chance(70) { Order::Approve(id, number) } else { Order::Reject(id, number) })
        .collect();
    let orders = join_all(orders.into_iter().enumerate().map(|(process, order)| three.order(process, order)));
    let (came, waited) =
        tokio::join!(orders, join_all((0..3).map(|process| three.order(process, Order::Wait(id)))));
    let stored = three.here.get(id).await.expect("it is there");
    let decision: &Decision = stored.decision.as_ref().expect("it is decided");
    let winners =
        came.iter().filter(|answer| matches!(&answer.came, Came::Decided(one) if one == decision)).count();
    assert_eq!(winners, 1, "{id}: {came:?}");
    for answer in &came {
        let agrees =
            matches!(&answer.came, Came::Decided(told) | Came::AlreadyDecided(told) if told == decision);
        assert!(agrees, "{id}: {answer:?}, but it is {decision:?}");
    }
    for answer in &waited {
        assert_eq!(answer.came, Came::Decided(decision.clone()), "{id}: a waiter was told something else");
    }
    three.here.verify_history(id).await.expect("a whole history");
    if decision.outcome == Outcome::Approved {
        let uses = join_all((0..6).map(|number| three.order(number % 3, Order::Begin(id)))).await;
        let ran = uses.iter().filter(|answer| answer.came == Came::Ran).count();
        let refused = uses.iter().filter(|answer| answer.came == Came::AlreadyRan).count();
        assert_eq!((ran, refused), (1, 5), "{id}: {uses:?}");
    }
}

/// Tries an allowed call until it is refused. It may run for a second after the halt, as far as is promised.
async fn until_allowed_is_halted(three: &Three, process: usize, halted_at: Timestamp) {
    loop {
        let before = SystemClock.now();
        match three.order(process, Order::Allowed).await.came {
            Came::Halted => return,
            Came::Ran => {
                let late = before.duration_since(halted_at);
                assert!(late <= Span::from_secs(1) + SLACK, "an allowed call ran {late:#} after the halt");
            }
            other => panic!("an allowed call came to {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tries something until it is not refused any more: a process may hold on to a halt until it has heard that it was lifted.
async fn until_lifted(three: &Three, process: usize, order: &Order) {
    let lifted_at = SystemClock.now();
    while three.order(process, order.clone()).await.came == Came::Halted {
        let held = SystemClock.now().duration_since(lifted_at);
        assert!(held <= PROMISED + SLACK, "{order:?} is still halted {held:#} after the halt was lifted");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_in_one_process_stops_the_others() {
    let three = Three::new();
    for round in 0..rounds(12, 300) {
        let (halting, others) = (round % 3, [(round + 1) % 3, (round + 2) % 3]);
        let (pending, approved) = (three.open().await, [three.open().await, three.open().await]);
        for id in approved {
            let answer = three.order(round % 3, Order::Approve(id, 0)).await;
            assert!(matches!(answer.came, Came::Decided(_)), "{answer:?}");
        }
        let halt = three.order(halting, Order::Halt).await;
        assert_eq!(halt.came, Came::Done);
        for (process, id) in others.into_iter().zip(approved) {
            let begun = three.order(process, Order::Begin(id)).await.came;
            assert!(
                matches!(&begun, Came::Other(why) if why.contains("revoked")),
                "it came to {begun:?} after the halt"
            );
            assert_eq!(three.order(process, Order::Open).await.came, Came::Halted);
            let voted = three.order(process, Order::Approve(pending, 1)).await.came;
            let cancelled = matches!(&voted, Came::AlreadyDecided(decision) if decision.by_halt);
            assert!(cancelled, "a vote came to {voted:?} after the halt");
            until_allowed_is_halted(&three, process, halt.at).await;
        }
        assert_eq!(three.order(others[0], Order::Resume).await.came, Came::Done);
        for process in 0..3 {
            until_lifted(&three, process, &Order::Open).await;
            until_lifted(&three, process, &Order::Allowed).await;
        }
    }
    three.end().await;
}
