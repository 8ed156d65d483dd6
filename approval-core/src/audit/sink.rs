//! Where seals are written besides the store.

use std::{error::Error, fmt::Debug, sync::Arc};

use async_trait::async_trait;

use super::{Seal, SealRef};

/// A place for seals where programs that can write the store cannot write: a file on another disk, a write-once bucket, another
/// machine. What it fails to take is kept in the store and handed to it again. A call that takes its time keeps only this sink
/// waiting; one that never ends keeps it waiting for good, so put a limit on what may hang.
#[async_trait]
pub trait SealSink: Debug + Send + Sync + 'static {
    /// Its name in messages.
    fn name(&self) -> &str;

    /// The last seal that it holds.
    ///
    /// # Errors
    /// When it cannot be asked.
    async fn last(&self) -> Result<Option<SealRef>, SinkError>;

    /// Takes seals that follow the last one, oldest first; durable when it returns. Those that it holds already are left out.
    ///
    /// # Errors
    /// When it did not take all of them.
    async fn write(&self, seals: &[Seal]) -> Result<(), SinkError>;
}

/// Why a sink failed. It changes nothing in the life of a request; it is logged and tried again.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SinkError {
    /// What went wrong.
    pub message: String,
    /// The error beneath.
    #[source]
    pub source: Option<Arc<dyn Error + Send + Sync>>,
}

impl SinkError {
    /// A failure in words.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None }
    }

    /// The same, with the error beneath.
    #[must_use]
    pub fn caused_by(message: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self { message: format!("{}: {source}", message.into()), source: Some(Arc::new(source)) }
    }
}
