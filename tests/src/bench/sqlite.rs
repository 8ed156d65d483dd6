//! Files for the benchmarks on SQLite: each measurement gets a fresh one, on the disk of the target folder.

use std::{path::PathBuf, sync::Arc};

use approval_store::SqliteStore;
use tempfile::TempDir;

use super::{bare_sqlite::BareSqlite, load::Approvals, ours::Ours, sample::Sample};

/// A folder that is gone when this is dropped. Not in `/tmp`, which may be memory.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn folder() -> TempDir {
    let target = crate::repo::root().join("target");
    std::fs::create_dir_all(&target).expect("the target folder");
    TempDir::with_prefix_in("bench-", target).expect("a folder")
}

/// Something on a file that goes with it.
#[derive(Debug)]
pub struct OnFile<A> {
    inner: A,
    _folder: TempDir,
}

impl<A> OnFile<A> {
    /// What is on the file.
    pub const fn inner(&self) -> &A {
        &self.inner
    }
}

impl<A: Approvals> Approvals for OnFile<A> {
    type Ticket = A::Ticket;
    type Waiter = A::Waiter;

    async fn create(&self) -> (A::Ticket, A::Waiter) {
        self.inner.create().await
    }

    async fn wait(waiter: A::Waiter) {
        A::wait(waiter).await;
    }

    async fn decide(&self, ticket: A::Ticket) {
        self.inner.decide(ticket).await;
    }

    async fn quiet(&self) {
        self.inner.quiet().await;
    }
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("approvals.db")
}

/// Ours on a new file.
///
/// # Panics
/// When it cannot be opened.
pub async fn ours() -> OnFile<Ours> {
    let folder = folder();
    let store = SqliteStore::open(file(&folder)).expect("a store");
    OnFile { inner: Ours::new(Arc::new(store)).await, _folder: folder }
}

/// What ours writes.
///
/// # Panics
/// When it cannot be written.
pub async fn sample() -> Sample {
    let ours = ours().await;
    let (_, pending) = ours.create().await;
    ours.quiet().await;
    drop(pending);
    Sample::read(&file(&ours._folder))
}

/// Bare code on a new file.
#[must_use]
pub fn bare(sample: Sample) -> OnFile<BareSqlite> {
    let folder = folder();
    OnFile { inner: BareSqlite::new(&file(&folder), sample), _folder: folder }
}
