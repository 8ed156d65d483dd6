//! Work for the writer, and who waits for its outcome.

use approval_core::{clock::Timestamp, store::StoreError};
use tokio::sync::oneshot;

use super::batch::Batch;

/// One piece of work inside the writer's transaction. It is encoded before it is given to the writer, and what it brings is
/// decoded by the caller: the writer does neither.
pub(super) trait Task: Send + 'static {
    /// What it brings.
    type Outcome: Send + 'static;

    /// Does it, at the moment `now`. An error rolls back the whole transaction: what can be refused is refused by an outcome,
    /// before anything is written. May be called again in another transaction.
    fn run(&self, batch: &mut Batch<'_>, now: Timestamp) -> Result<Self::Outcome, StoreError>;
}

/// Work in the queue, whatever its kind.
pub(super) trait Job: Send {
    /// Does it. No caller is answered yet.
    fn run(&mut self, batch: &mut Batch<'_>, now: Timestamp) -> Result<(), StoreError>;

    /// Its transaction is durable: tells the caller.
    fn answer(self: Box<Self>);

    /// Its transaction failed: tells the caller.
    fn refuse(self: Box<Self>, error: StoreError);
}

/// A task and who waits for it. A caller that stopped waiting is answered in vain; the work is done all the same.
struct Pending<T: Task> {
    task: T,
    outcome: Option<T::Outcome>,
    answer: oneshot::Sender<Result<T::Outcome, StoreError>>,
}

/// What the caller of some work waits on.
pub(super) type Answered<T> = oneshot::Receiver<Result<T, StoreError>>;

/// Puts a task into a job.
pub(super) fn job<T: Task>(task: T) -> (Box<dyn Job>, Answered<T::Outcome>) {
    let (answer, answered) = oneshot::channel();
    (Box::new(Pending { task, outcome: None, answer }), answered)
}

impl<T: Task> Job for Pending<T> {
    fn run(&mut self, batch: &mut Batch<'_>, now: Timestamp) -> Result<(), StoreError> {
        self.outcome = None;
        self.outcome = Some(self.task.run(batch, now)?);
        Ok(())
    }

    fn answer(self: Box<Self>) {
        let outcome = self.outcome.ok_or_else(|| StoreError::unavailable("the work was left out"));
        drop(self.answer.send(outcome));
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        drop(self.answer.send(Err(error)));
    }
}
