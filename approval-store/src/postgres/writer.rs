//! The one task of a process that writes.
//!
//! Everything that waits when it is free travels together: one statement, one transaction, one notification. Two groups under
//! way at a time were tried and gained nothing: each is smaller then, and costs the server more.

use std::collections::VecDeque;

use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    gather::Gathering,
    group,
    session::{Session, Writing},
    work::Work,
};

/// Gathers what comes and has it written, group after group.
pub(super) struct Writer {
    session: Session,
}

impl Writer {
    pub(super) fn new(writing: Writing) -> Self {
        Self { session: Session::new(writing) }
    }

    /// Enters this process in the database.
    pub(super) async fn enter(&mut self) -> Result<(), tokio_postgres::Error> {
        self.session.enter().await
    }

    /// Writes what comes, until nothing more can come.
    pub(super) async fn run(mut self, mut given: UnboundedReceiver<Option<Work>>) {
        let mut waiting = VecDeque::new();
        let mut answered = 0;
        loop {
            if waiting.is_empty() {
                match given.recv().await {
                    Some(Some(work)) => waiting.push_back(work),
                    // Closed: what was given until now is still written.
                    Some(None) => given.close(),
                    None => break,
                }
            }
            Gathering { waiting: &mut waiting, given: &mut given }.gather(answered).await;
            let group = group::next(&mut waiting);
            answered = group.iter().filter(|work| matches!(work, Work::Change(..))).count();
            if !group.is_empty() {
                self.session.write(group).await;
            }
        }
        self.session.finish().await;
    }
}
