//! The suite that every [`Store`] must pass: one named test for each promise of its contract.
//!
//! Say how your store is opened ([`StoreFactory`], [`StoreHome`]), and let [`store_conformance!`](crate::store_conformance)
//! write one `#[test]` for each case:
//!
//! ```
//! # mod tests {
//! use std::sync::Arc;
//! use approval_core::{Clock, store::{MemoryStore, Store}};
//! use approval_testkit::store_suite::{BoxError, StoreFactory, StoreHome};
//!
//! struct Memory;
//!
//! #[async_trait::async_trait]
//! impl StoreFactory for Memory {
//!     async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError> {
//!         Ok(Box::new(Memory))
//!     }
//! }
//!
//! #[async_trait::async_trait]
//! impl StoreHome for Memory {
//!     async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError> {
//!         Ok(Arc::new(MemoryStore::with_clock(clock)))
//!     }
//! }
//!
//! approval_testkit::store_conformance!(Memory);
//! # }
//! ```

mod atomic;
mod changes;
mod close;
mod concurrency;
mod conditions;
mod due;
mod durability;
mod env;
mod figures;
mod history;
mod hostile;
mod journal;
mod listeners;
mod listing;
mod notices;
mod precedence;
mod records;
mod rows;
mod sample;
mod table;
mod time;

use std::{error::Error, fmt, pin::Pin, sync::Arc, time::Duration};

use approval_core::{
    clock::Clock,
    id::RequestId,
    store::{Store, StoreError},
};
use async_trait::async_trait;

pub use self::table::CASES;
use self::{env::Env, sample::Sample};

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Makes places for stores to live in.
#[async_trait]
pub trait StoreFactory: Send + Sync {
    /// A new, empty place: a temporary directory, a fresh database.
    ///
    /// # Errors
    /// Why there is none.
    async fn home(&self) -> Result<Box<dyn StoreHome>, BoxError>;
}

/// Where the data of one case live. Dropping it cleans up.
#[async_trait]
pub trait StoreHome: Send + Sync {
    /// Opens a store on the data that live here, as a process of its own would. It must take its time from `clock`.
    ///
    /// # Errors
    /// Why it cannot be opened.
    async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>, BoxError>;

    /// Whether a store that is opened after an earlier one was closed finds what that one wrote. The cases about restarts
    /// are left out if not.
    fn survives(&self) -> bool {
        self.shared()
    }

    /// Whether several stores may be open on the same data at once, as in several processes. The cases about that are left
    /// out if not.
    fn shared(&self) -> bool {
        false
    }

    /// Replaces the stored document of a request by these bytes, behind the store's back. `false`: cannot be done here,
    /// and the case about it is left out.
    ///
    /// # Errors
    /// Why it failed.
    async fn overwrite_document(&self, id: RequestId, document: &[u8]) -> Result<bool, BoxError> {
        let (_, _) = (id, document);
        Ok(false)
    }
}

/// One promise of the contract and the test of it.
#[derive(Clone, Copy)]
pub struct Case {
    /// Name of the test.
    pub name: &'static str,
    /// What a store promises.
    pub promise: &'static str,
    run: for<'a> fn(&'a mut Env) -> Pin<Box<dyn Future<Output = Check> + Send + 'a>>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({}: {})", self.name, self.promise)
    }
}

/// How a case went that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The promise was kept.
    Passed,
    /// This store cannot be asked ([`StoreHome`] says so).
    NotApplicable,
}

/// A promise that was broken.
#[derive(Clone)]
pub struct Failure {
    /// Name of the case.
    pub case: &'static str,
    /// What was promised.
    pub promise: &'static str,
    /// What was found instead.
    pub found: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a store promises that {}, but {}", self.case, self.promise, self.found)
    }
}

/// As `Display`, since a test shows its error so.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for Failure {}

/// Why a case did not run to its end.
#[derive(Debug)]
enum Stop {
    Broken(String),
    NotApplicable,
}

type Check = Result<(), Stop>;

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Broken(format!("the store failed: {error}"))
    }
}

impl From<approval_core::Invalid> for Stop {
    fn from(error: approval_core::Invalid) -> Self {
        Self::Broken(format!("the suite could not say what it wants: {error}"))
    }
}

impl From<BoxError> for Stop {
    fn from(error: BoxError) -> Self {
        Self::Broken(format!("the place of the store failed: {error}"))
    }
}

/// Longest time that a case may take; far more than a slow machine needs.
const PATIENCE: Duration = Duration::from_mins(2);

impl Case {
    /// The case of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Runs the case on a new store.
    ///
    /// # Errors
    /// When the promise is broken.
    pub async fn run(&self, factory: &dyn StoreFactory) -> Result<Verdict, Failure> {
        let attempt = async {
            let mut env = Env::new(factory).await?;
            (self.run)(&mut env).await
        };
        let broken = |found| Failure { case: self.name, promise: self.promise, found };
        match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(Ok(())) => Ok(Verdict::Passed),
            Ok(Err(Stop::NotApplicable)) => Ok(Verdict::NotApplicable),
            Ok(Err(Stop::Broken(found))) => Err(broken(found)),
            Err(_) => Err(broken(format!("it did not come to an end within {PATIENCE:?}"))),
        }
    }
}

/// What the tests of [`store_conformance!`](crate::store_conformance) call.
///
/// # Errors
/// When the promise is broken, or no runtime can be started.
#[doc(hidden)]
pub fn run_named(name: &str, factory: &dyn StoreFactory) -> Result<(), BoxError> {
    let case = Case::named(name).ok_or_else(|| format!("there is no case {name}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(case.run(factory))?;
    Ok(())
}

/// Ends a case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($found:tt)+) => {
        if !$condition {
            return Err($crate::store_suite::Stop::Broken(format!($($found)+)));
        }
    };
}

/// Ends a case unless both are equal.
macro_rules! ensure_eq {
    ($found:expr, $wanted:expr, $what:literal) => {
        match (&$found, &$wanted) {
            (found, wanted) => {
                $crate::store_suite::ensure!(
                    found == wanted,
                    concat!($what, " is {:?}, not {:?}"),
                    found,
                    wanted
                );
            }
        }
    };
}

/// Ends a case unless the value has this shape; gives what the shape binds.
macro_rules! ensure_is {
    ($found:expr, $shape:pat => $value:expr, $what:literal) => {
        match $found {
            $shape => $value,
            other => {
                return Err($crate::store_suite::Stop::Broken(format!(
                    concat!($what, " is {:.300}, not {}"),
                    format!("{other:?}"),
                    stringify!($shape)
                )));
            }
        }
    };
}

use {ensure, ensure_eq, ensure_is};
