//! The suite that every channel must pass: one named test for each promise of a [`Notifier`].
//!
//! Say how your channel is set up with people behind it who can be instructed ([`ChannelFactory`],
//! [`ChannelPeople`]), and let [`channel_conformance!`](crate::channel_conformance) write one `#[test]` for each case:
//!
//! ```text
//! approval_testkit::channel_conformance!(MyFactory);
//! ```
//!
//! `tests/handler.rs` of this crate shows all of it for the smallest channel there is.
//!
//! The suite calls the channel itself, as the outbox of a manager does, and looks at what the manager behind its decider
//! makes of the answers. Some cases put it into a manager.

mod deciding;
mod delivering;
mod editing;
mod ending;
mod env;
mod failing;
mod refusing;
mod showing;
mod table;

use std::{error::Error, fmt, pin::Pin, sync::Arc, time::Duration};

use approval_core::{ApprovalError, Clock, Principal, RequestId, notify::Notifier};
use async_trait::async_trait;
use serde_json::Value;

use self::env::Env;
pub use self::table::CASES;

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Sets channels up.
#[async_trait]
pub trait ChannelFactory: Send + Sync {
    /// A new channel that is not started, with these people behind it, and no others. If the channel compares times, it
    /// takes them from `clock`.
    ///
    /// # Errors
    /// Why it cannot be set up.
    async fn set_up(
        &self,
        people: &[Principal],
        clock: Arc<dyn Clock>,
    ) -> Result<Box<dyn ChannelPeople>, BoxError>;
}

/// A channel and the simulated people behind it. Dropping it cleans up.
#[async_trait]
pub trait ChannelPeople: Send + Sync {
    /// The channel.
    fn channel(&self) -> Arc<dyn Notifier>;

    /// Everything that `who` has been shown so far, as it is read by people. Hidden characters that the channel lets
    /// through must still be in it; line ends are `\n`.
    ///
    /// # Errors
    /// Why it cannot be looked at.
    async fn shown(&self, who: &Principal) -> Result<String, BoxError>;

    /// `who` looks further without deciding: puts off what is in front, where a channel asks about one request at a time.
    /// Called again and again while the suite waits for something to be shown. Where everything is shown at once, as the
    /// default assumes, there is nothing to do.
    ///
    /// # Errors
    /// Why the person could not be simulated.
    async fn look_on(&self, who: &Principal) -> Result<(), BoxError> {
        let _ = who;
        Ok(())
    }

    /// `who` answers what was shown about a request the way people do it here (types, clicks, replies), if need be after
    /// waiting a moment for the channel to ask. Returns when the channel has taken the answer; it need not have counted.
    /// `false`: `who` has no way to answer (any more).
    ///
    /// # Errors
    /// Why the person could not be simulated.
    async fn answer(&self, who: &Principal, request: RequestId, reply: &Reply) -> Result<bool, BoxError>;

    /// From now on the way to people is broken: the server does not answer, the terminal is closed.
    ///
    /// # Errors
    /// Why it cannot be broken.
    async fn cut_off(&self) -> Result<(), BoxError>;
}

/// What a person answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Yes.
    Approve,
    /// No, and why.
    Reject(String),
    /// Yes, with this argument changed. Asked of channels whose capabilities say `edits`.
    Edit {
        /// Which, such as `cents`.
        path: String,
        /// To what.
        value: Value,
    },
    /// The answer to a question. Asked of channels whose capabilities say `answers`.
    Answer(Value),
}

/// One promise of the contract and the test of it.
#[derive(Clone, Copy)]
pub struct Case {
    /// Name of the test.
    pub name: &'static str,
    /// What a channel promises.
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
    /// This channel cannot be asked: its capabilities do not have it.
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
        write!(f, "{}: a channel promises that {}, but {}", self.case, self.promise, self.found)
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

impl From<ApprovalError> for Stop {
    fn from(error: ApprovalError) -> Self {
        Self::Broken(format!("the manager said: {error}"))
    }
}

impl From<approval_core::Invalid> for Stop {
    fn from(error: approval_core::Invalid) -> Self {
        Self::Broken(format!("the suite could not say what it wants: {error}"))
    }
}

impl From<BoxError> for Stop {
    fn from(error: BoxError) -> Self {
        Self::Broken(format!("the people behind the channel failed: {error}"))
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

    /// Runs the case on a new channel.
    ///
    /// # Errors
    /// When the promise is broken.
    pub async fn run(&self, factory: &dyn ChannelFactory) -> Result<Verdict, Failure> {
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

/// What the tests of [`channel_conformance!`](crate::channel_conformance) call.
///
/// # Errors
/// When the promise is broken, or no runtime can be started.
#[doc(hidden)]
pub fn run_named(name: &str, factory: &dyn ChannelFactory) -> Result<(), BoxError> {
    let case = Case::named(name).ok_or_else(|| format!("there is no case {name}"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(case.run(factory))?;
    Ok(())
}

/// Ends a case unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($found:tt)+) => {
        if !$condition {
            return Err($crate::channel_suite::Stop::Broken(format!($($found)+)));
        }
    };
}

use ensure;
