//! Runs a body and notices its panic, so that it is not mistaken for a future that was dropped half-way.

use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
};

use super::Running;
use crate::manager::Unwound;

/// Runs an asynchronous body. A panic goes on after it was noted.
pub(super) async fn watched<F: Future + ?Sized>(running: &mut Running, mut body: Pin<&mut F>) -> F::Output {
    running.watch();
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(context)));
        polled.unwrap_or_else(|payload| note(running, payload))
    })
    .await
}

/// Runs a body that is not asynchronous.
pub(super) fn watched_blocking<R>(running: &mut Running, body: impl FnOnce() -> R) -> R {
    running.watch();
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| note(running, payload))
}

fn note<R>(running: &mut Running, payload: Box<dyn Any + Send>) -> R {
    running.unwound(Unwound::by(&*payload));
    resume_unwind(payload)
}
