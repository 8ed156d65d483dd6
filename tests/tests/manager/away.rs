//! A directory that does not answer, or whose text cannot be kept: what ends a right does not wait for it, and what could not be
//! done is said.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use approval_core::{
    ApprovalError, Principal,
    clock::{Span, Timestamp},
    directory::{Directory, DirectoryError},
    model::{ExecutionState, HaltScope, People, Source, Status},
};
use approval_testkit::TestManager;
use async_trait::async_trait;

use crate::common::{ANN, call, error, person, seconds, soon};

/// Everybody is who they say they are, while it answers.
#[derive(Clone, Debug, Default)]
struct Sometimes {
    away: Arc<AtomicBool>,
    endless: Arc<AtomicBool>,
}

#[async_trait]
impl Directory for Sometimes {
    async fn people(&self, _: &[&Principal], _: Timestamp) -> Result<Arc<People>, DirectoryError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(DirectoryError("nobody answers".to_owned()));
        }
        Ok(Arc::default())
    }

    fn source(&self) -> Option<Arc<Source>> {
        let length = if self.endless.load(Ordering::SeqCst) { 3_000_000 } else { 10 };
        Some(Arc::new(Source::new("x".repeat(length))))
    }
}

fn with(directory: &Sometimes) -> TestManager {
    let directory = directory.clone();
    TestManager::with(|builder| builder.unattended().directory(directory)).unwrap()
}

#[tokio::test]
async fn a_halt_that_could_not_end_everything_says_so_and_ends_it_when_it_is_called_again() {
    let directory = Sometimes::default();
    let manager = with(&directory);
    let approved = manager.request(call()).await.unwrap();
    let (id, open) = (approved.id(), manager.request(call()).await.unwrap().detach());
    manager.approve(id, ANN).await.unwrap();
    let approved = soon(approved).await.unwrap();
    directory.away.store(true, Ordering::SeqCst);
    let (failed, text) = error(manager.halt(HaltScope::Everything, &person(ANN), "something is wrong").await);
    assert!(matches!(failed, ApprovalError::Directory(_)), "{text}");
    directory.away.store(false, Ordering::SeqCst);
    // It holds all the same.
    assert!(approved.begin().await.is_err());
    assert_eq!(manager.halt(HaltScope::Everything, &person(ANN), "something is wrong").await.unwrap(), 2);
    manager.resume(&HaltScope::Everything, &person(ANN)).await.unwrap();
    let (revoked, text) = error(approved.begin().await);
    assert!(matches!(revoked, ApprovalError::Revoked { .. }), "{text}");
    assert_eq!(manager.get(open).await.unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn the_end_of_a_body_is_recorded_once_the_directory_answers() {
    let directory = Sometimes::default();
    let manager = with(&directory);
    let pending = manager.request(call()).await.unwrap();
    let id = pending.id();
    manager.approve(id, ANN).await.unwrap();
    let execution = soon(pending).await.unwrap().begin().await.unwrap();
    directory.away.store(true, Ordering::SeqCst);
    execution.succeeded(None).await;
    let state = || async { manager.get(id).await.unwrap().execution.as_deref().unwrap().state() };
    assert_eq!(state().await, ExecutionState::Executing);
    directory.away.store(false, Ordering::SeqCst);
    let recorded = async {
        while state().await == ExecutionState::Executing {
            manager.advance(Span::from_millis(500)).await;
        }
    };
    soon(recorded).await;
    assert_eq!(state().await, ExecutionState::Succeeded);
}

#[tokio::test]
async fn a_text_that_cannot_be_kept_holds_up_nothing_that_ends_a_right() {
    let directory = Sometimes::default();
    let manager = with(&directory);
    let mut approved = Vec::new();
    for _ in 0..3 {
        let pending = manager.request(call()).await.unwrap();
        manager.approve(pending.id(), ANN).await.unwrap();
        approved.push(soon(pending).await.unwrap());
    }
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(manager.request(call()).await.unwrap().detach());
    }
    let running = approved.remove(0).begin().await.unwrap();
    directory.endless.store(true, Ordering::SeqCst);
    // Nothing begins or is asked about under a text that no auditor could read.
    assert!(approved[0].begin().await.is_err());
    assert!(manager.request(call()).await.is_err());
    manager.reject(open[0], ANN, "no").await.unwrap();
    manager.cancel(open[1], &person(ANN), "no").await.unwrap();
    manager.revoke(approved[0].request().id, &person(ANN), "no").await.unwrap();
    running.succeeded(None).await;
    assert_eq!(manager.halt(HaltScope::Everything, &person(ANN), "stop").await.unwrap(), 2);
    manager.advance(seconds(1)).await;
    for (id, status) in
        [(open[0], Status::Rejected), (open[1], Status::Cancelled), (open[2], Status::Cancelled)]
    {
        assert_eq!(manager.get(id).await.unwrap().status, status);
    }
}
