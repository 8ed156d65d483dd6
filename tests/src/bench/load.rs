//! One approval: somebody asks and waits with a deadline, somebody else decides, and the first one wakes.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::processor;

/// Something that approvals can be asked of.
pub trait Approvals: Send + Sync + 'static {
    /// What the one who decides is told.
    type Ticket: Send + 'static;
    /// What the one who asked waits with.
    type Waiter: Send + 'static;

    /// Opens a request and registers a waiter with a deadline.
    fn create(&self) -> impl Future<Output = (Self::Ticket, Self::Waiter)> + Send;

    /// Waits for the decision, which must be an approval.
    fn wait(waiter: Self::Waiter) -> impl Future<Output = ()> + Send;

    /// Approves it.
    fn decide(&self, ticket: Self::Ticket) -> impl Future<Output = ()> + Send;

    /// Returns once nothing is going on in the background any more: every notice is delivered.
    fn quiet(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// How long a load took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// On the clock on the wall.
    pub wall: Duration,
    /// Of the processors, all threads together.
    pub processor: Duration,
}

/// Runs `count` approvals, `in_flight` of them at any time, each asked by one task and decided by another one. The time
/// until the last waiter is awake and the last notice is delivered.
///
/// # Panics
/// When an approval fails.
pub async fn throughput<A: Approvals>(approvals: &Arc<A>, in_flight: usize, count: usize) -> Took {
    let (begin, used) = (Instant::now(), processor::used());
    all(approvals, in_flight, count).await;
    approvals.quiet().await;
    Took { wall: begin.elapsed(), processor: processor::used().saturating_sub(used) }
}

/// The same, until the last waiter is awake. Notices may still be on their way.
///
/// # Panics
/// When an approval fails.
pub async fn all<A: Approvals>(approvals: &Arc<A>, in_flight: usize, count: usize) {
    let mut tasks = JoinSet::new();
    for place in 0..in_flight {
        let share = count / in_flight + usize::from(place < count % in_flight);
        let (tell, mut told) = mpsc::channel(1);
        let asking = Arc::clone(approvals);
        tasks.spawn(async move {
            for _ in 0..share {
                let (ticket, waiter) = asking.create().await;
                assert!(tell.send(ticket).await.is_ok(), "nobody decides");
                A::wait(waiter).await;
            }
        });
        let deciding = Arc::clone(approvals);
        tasks.spawn(async move {
            while let Some(ticket) = told.recv().await {
                deciding.decide(ticket).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no task of the load panics");
    }
}

/// How long the one who decides thinks about it, at least. Long enough that the threads of the runtime sleep, ours and those
/// of the bare code alike, which without it would still be looking for work.
const THINKING: Duration = Duration::from_millis(1);

/// Runs `count` approvals one after the other, decided on a thread of its own, as by a channel that hears people. For
/// each the time from the moment at which the decision is handed in, everything else being quiet, until the waiter is
/// awake.
///
/// # Panics
/// When an approval fails.
pub async fn latencies<A: Approvals>(approvals: &Arc<A>, count: usize) -> Vec<Duration> {
    let (tell, mut told) = mpsc::channel::<(A::Ticket, oneshot::Sender<Instant>)>(1);
    let deciding = Arc::clone(approvals);
    let decider = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            while let Some((ticket, handed_in)) = told.recv().await {
                deciding.quiet().await;
                // People take longer than that to read a line: by now whoever waits has gone to sleep.
                tokio::time::sleep(THINKING).await;
                let at = Instant::now();
                deciding.decide(ticket).await;
                handed_in.send(at).expect("the one who asked listens");
            }
        });
    });
    let asking = Arc::clone(approvals);
    let asker = tokio::spawn(async move {
        let mut found = Vec::with_capacity(count);
        for _ in 0..count {
            let (ticket, waiter) = asking.create().await;
            let (at, handed_in) = oneshot::channel();
            assert!(tell.send((ticket, at)).await.is_ok(), "nobody decides");
            A::wait(waiter).await;
            let awake = Instant::now();
            found.push(awake.duration_since(handed_in.await.expect("the one who decided tells")));
        }
        found
    });
    let found = asker.await.expect("the one who asks does not panic");
    decider.join().expect("the one who decides does not panic");
    found
}

/// The runtime of all benchmarks: two workers, as many as the machine has that the goals were set on.
///
/// # Panics
/// If the system gives no threads.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime with two workers")
}
