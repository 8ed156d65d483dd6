//! The audit trail across requests: seals, verification, export, retention.
//!
//! The history of each request is a hash chain ([`crate::model::verify_chain`]). That shows an edit to a reader with a copy of
//! the head, and nothing to anybody else: who can write the database can compute a whole new chain. Hence **seals**. About
//! once a minute a [`Sealer`] notes, for every request whose history grew, where it stands now; it hashes those [`Leaf`]s into a
//! Merkle tree (RFC 6962, section 2.1), adds where the journal stands and the hash of the seal before, signs that, and
//! writes it into the store and to every [`SealSink`] that the operator named: a file on another disk, a write-once bucket,
//! another machine.
//!
//! Membership is explicit: a leaf names its request, the number of its lines and the hash of the last. What is not named by
//! any seal is not sealed, so no time range decides what belongs to a seal, and a writer that commits late is sealed later
//! rather than never ([`Store::changes`](crate::store::Store::changes)).
//!
//! [`Verifier`] reads an exported trail ([`Exporter`]) or a whole store ([`verify_store`]) against the seals, best against a
//! copy held elsewhere, and names the first [`Breach`]. [`prune()`] removes old requests so that the seals stay valid: a seal
//! says first that they will be gone.
//!
//! A manager seals by itself ([`ManagerBuilder::seal`](crate::manager::ManagerBuilder::seal)); the parts can be used alone:
//!
//! ```
//! use std::sync::Arc;
//! use approval_core::{
//!     Action, ApprovalManager,
//!     audit::{Sealer, Sealing, VerifyOptions, read_seals, verify_store},
//!     store::{MemoryStore, Store},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! let manager = ApprovalManager::builder().shared_store(Arc::clone(&store)).unattended().build()?;
//! let action = Action::new("payments.refund")?.describe(|action| action.approvers(["user:ann@example.com"]))?;
//! manager.request(action.arguments(&serde_json::json!({ "cents": 1200 }))?).await?.detach();
//!
//! Sealer::new(Arc::clone(&store), Sealing::new()).seal().await?;
//! let elsewhere = read_seals(&*store, 0, 100).await?; // In earnest: from where no one who writes the store can write.
//!
//! let report = verify_store(&*store, VerifyOptions { held: elsewhere, ..VerifyOptions::default() }).await??;
//! assert_eq!((report.requests, report.events, report.unsealed), (1, 1, 0));
//! # Ok(()) }
//! ```

mod csv;
#[cfg(feature = "ed25519")]
mod ed25519;
mod error;
mod export;
mod file_sink;
mod hex;
mod merkle;
mod prune;
mod records;
mod seal;
mod sealer;
mod sign;
mod sink;
mod sources;
mod trail;
mod verify;

pub use csv::CsvExporter;
#[cfg(feature = "ed25519")]
pub use ed25519::{Ed25519Keys, Ed25519Signer, KeyError};
pub use error::AuditError;
pub use export::Exporter;
pub(crate) use export::history;
pub use file_sink::FileSink;
pub use prune::{Pruned, Retention, prunable, prune};
pub(crate) use records::{State, state, state_record};
pub use records::{last_seal, read_seals};
pub use seal::{BadSeal, JournalHead, Leaf, Seal, SealHeader, SealRef, Signature};
pub use sealer::{Sealed, Sealer, Sealing};
pub use sign::{BadSignature, SealSigner, SealVerifier, SignError};
pub use sink::{SealSink, SinkError};
pub(crate) use sources::{SOURCE_LIMIT, is_kept, keep_source};
pub use sources::{next_source, read_source};
pub(crate) use verify::verify_exported;
pub use verify::{Breach, Report, Verifier, VerifyOptions, verify_file, verify_store};
