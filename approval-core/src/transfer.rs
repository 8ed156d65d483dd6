//! Copying everything from one store to another: requests, histories, notices, records, the journal and the seals.
//!
//! [`Transfer::copy`] writes into an empty store what another one holds, whatever kind either is, then walks both side by side
//! and finds them equal, byte for byte where bytes are hashed. It may be killed at any moment: the same copy goes on where it
//! stopped. Until it is done the target is locked: nothing can be asked, decided, run, sent or sealed there
//! ([`StoreError::HalfCopied`](crate::store::StoreError::HalfCopied)), since half of the keys, counters and halts are missing.
//!
//! Nothing should work with the source meanwhile. What changed there all the same is copied again; a source that keeps changing
//! is an error. The source is only read: nothing there says that it was copied, and nothing keeps anybody from going on with
//! it, so stop what works with it for good.
//!
//! What arrives how:
//! - Requests with their keys, due times and histories, as they are. The version of a request or record counts the writes
//!   in one store; it begins anew in the target, and nothing compares it with another store's.
//! - Notices with their delivery, waiting or done. One that a process had claimed can be claimed at once.
//! - Records as they are: halts, standing approvals, limits and what was counted against them, and leases. The lease of a
//!   process that does not come along runs out in the target at the same moment, and what it executed is unknown from then.
//! - The journal, each line under its number, since seals hash the numbers. A store that cannot take them
//!   ([`Store::import_journal`]) takes a journal without gaps, as `SqliteStore` and `MemoryStore` write it.
//! - The seals, whose chain goes on in the target: what was not sealed yet is sealed next. A seal held elsewhere fits both.
//! - Figures are counted anew over what is there. Requests that retention removed earlier count no more.
//!
//! ```
//! use std::sync::Arc;
//! use approval_core::{Action, ApprovalManager, store::{MemoryStore, Store}, transfer::Transfer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let old: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! let manager = ApprovalManager::builder().shared_store(Arc::clone(&old)).unattended().build()?;
//! let action = Action::new("payments.refund")?.describe(|action| action.approvers(["user:ann@example.com"]))?;
//! let id = manager.request(action.arguments(&serde_json::json!({ "cents": 1200 }))?).await?.detach();
//! manager.shutdown().await?;
//!
//! let new: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! let transfer = Transfer::new(Arc::clone(&old), Arc::clone(&new)).source("the old store");
//! let copied = transfer.copy().await?;
//! assert_eq!((copied.contents.requests, copied.contents.events), (1, 1));
//! assert!(transfer.verify().await?.is_equal());
//! assert_eq!(new.load(id).await?.unwrap().request, old.load(id).await?.unwrap().request);
//! # Ok(()) }
//! ```

mod compare;
mod copy;
mod difference;
mod error;
mod journal;
mod records;
mod request;
mod seals;
mod target;
mod walk;

use std::{fmt, sync::Arc};

pub use compare::Comparison;
pub use difference::Difference;
pub use error::TransferError;

use self::copy::Run;
use crate::{
    audit::{Breach, Report},
    clock::Timestamp,
    model::Text,
    store::Store,
};

type Told = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Copies one store to another, or compares them.
#[derive(Clone)]
pub struct Transfer {
    from: Arc<dyn Store>,
    to: Arc<dyn Store>,
    source: Text,
    told: Option<Told>,
}

impl fmt::Debug for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").field("source", &self.source).finish_non_exhaustive()
    }
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Requests are copied.
    Requests,
    /// Records are copied.
    Records,
    /// The journal is copied.
    Journal,
    /// Both stores are compared, request by request.
    Comparing,
    /// The audit trail of the copy is verified.
    Trail,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requests => "requests copied",
            Self::Records => "records copied",
            Self::Journal => "journal lines copied",
            Self::Comparing => "requests compared",
            Self::Trail => "requests to verify",
        })
    }
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// How many are done in this step; of requests, those of earlier runs too.
    pub done: u64,
}

/// How much two equal stores hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contents {
    /// Requests.
    pub requests: u64,
    /// Lines of their histories.
    pub events: u64,
    /// Notices about them.
    pub notices: u64,
    /// Named records, seals among them.
    pub records: u64,
    /// Lines of the journal.
    pub journal: u64,
}

/// A finished copy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Copied {
    /// An earlier run had finished it: nothing was done now, and nothing was looked at.
    pub before: bool,
    /// When it was finished, by the target's clock.
    pub at: Timestamp,
    /// What both stores were found to hold. Empty where it was finished before.
    pub contents: Contents,
    /// What verifying the trail of the copy against its own seals said. A breach was copied: the source has it as well.
    pub trail: Option<Result<Report, Breach>>,
}

impl Transfer {
    /// From one store to another.
    #[must_use]
    pub fn new(from: Arc<dyn Store>, to: Arc<dyn Store>) -> Self {
        let source = from.info().name.into();
        Self { from, to, source, told: None }
    }

    /// What the source is called, such as its place without a password; its kind, unless set. The target remembers it, and goes
    /// on with a copy only from a source of the same name.
    #[must_use]
    pub fn source(mut self, name: impl Into<Text>) -> Self {
        self.source = name.into();
        self
    }

    /// Is notified of all progress. Called on the task that copies: must not block.
    #[must_use]
    pub fn on_progress(mut self, told: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.told = Some(Arc::new(told));
        self
    }

    /// Copies everything, or what an earlier run left, and makes sure that the two are equal. Done again, it does nothing.
    ///
    /// # Errors
    /// When a store failed or the copy cannot go on; [`TransferError::can_resume`] says whether it helps to run it again.
    pub async fn copy(&self) -> Result<Copied, TransferError> {
        copy::copy(self).await
    }

    /// Compares the two stores without writing anything. They should not be in use.
    ///
    /// # Errors
    /// When a store failed, or the target is half a copy.
    pub async fn verify(&self) -> Result<Comparison, TransferError> {
        compare::compare(self).await
    }

    fn tell(&self, step: Step, done: u64) {
        if let Some(told) = &self.told {
            told(&Progress { step, done });
        }
    }
}
