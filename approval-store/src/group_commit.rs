//! Many writers, one thread that writes: everything that waits when it wakes becomes one group, with one sync for all.
//!
//! The queue knows nothing of databases, and its primitives can be exchanged, so that a model checker runs the same source
//! through every order of threads (`model`).

#[cfg(test)]
mod model;
mod queue;
mod sync;

pub(crate) use queue::{Closed, Executor, Queue};
