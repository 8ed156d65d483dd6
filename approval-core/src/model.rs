//! Plain data: what a request, a vote, a decision, an event is. No behaviour beyond construction and checking.

mod action;
pub mod address;
mod alert;
mod attachment;
pub mod canonical;
mod decision;
mod declaration;
mod enclosed;
mod event;
mod gate;
mod halt;
mod hours;
mod kind;
mod limit;
mod money;
mod notice;
mod people;
mod preview;
mod principal;
mod question;
mod request;
mod run_window;
mod source;
mod standing;
mod statistics;
pub mod visible;
mod vote;

pub use action::{ACTION_NAME_LIMIT, ActionName, Priority, Risk, Text};
pub use alert::{TimeoutSpike, TimeoutWatch};
pub(crate) use attachment::check_together;
pub use attachment::{
    ATTACHMENT_COUNT_LIMIT, ATTACHMENT_LIMIT, ATTACHMENTS_LIMIT, Attachment, ToAttachments,
};
pub use canonical::{ArgumentsDigest, CanonicalJson, ContentDigest, SchemaDigest, SourceDigest};
pub use decision::{Decision, Execution, ExecutionState, Grant, Outcome, RevokedFor};
pub use declaration::{Declaration, Said};
pub use enclosed::{Enclosed, Follows};
pub use event::{ChainError, ChainHash, ChainHead, Event, EventKind, EventLine, verify_chain};
pub use gate::{
    DEFAULT_GRANT_TTL, DEFAULT_TIMEOUT, DeclaredSeats, DelegationRule, Editable, EscalationStage, Gate,
    OnTimeout, OutsideHours, RejectOption, Reminders, Requirement, SUSPEND_GRANT_TTL,
};
pub use halt::{Halt, HaltScope, Halts};
#[cfg(feature = "file")]
pub(crate) use hours::time_of_day;
pub use hours::{Period, TimeRange, WEEK, WeeklyHours, moment_of};
pub use kind::{ActionKind, ConfigChange, Custom, DeleteData, Purchase, REDACTED, SendEmail};
#[cfg(feature = "file")]
pub(crate) use limit::is_like;
pub use limit::{CountedPer, Limit, OverLimit, RunLimits, Share, Stretch, Usage};
pub use money::{Currency, Money};
pub use notice::{Delivery, NoticeDraft, NoticeKind, OutboxNotice, Timing};
pub use people::People;
pub use preview::{PREVIEW_LIMIT, Preview, PreviewOutcome, ToPreview};
pub(crate) use principal::LibraryPart;
pub use principal::{PRINCIPAL_LIMIT, Principal, PrincipalKind};
pub use question::{AnswerOption, Question};
pub use request::{ActionInfo, Comment, InfoExchange, Request, Revision, Status, Widening};
pub use run_window::RunWindow;
#[cfg(feature = "file")]
pub(crate) use run_window::weekdays;
pub use source::{Basis, Reload, Source, SourceKind};
pub use standing::{
    ArgumentCondition, CoveredBehalf, Expected, STANDING_DEFAULT, STANDING_LONGEST, StandingApproval,
    StandingArguments, StandingBehalf, StandingReach, StandingScope, StandingTerms, Withdrawn,
};
pub use statistics::{Ballots, Dimension, Figures, Percentiles, Stats, StatsQuery};
pub use vote::{Ballot, Delegation, Vote};
