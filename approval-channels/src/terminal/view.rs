//! What the terminal shows of a request: plain data, already rendered where rendering is the core's business.

mod request;

use approval_core::clock::Timestamp;
use approval_core::id::RequestId;
use approval_core::model::{ActionKind, ArgumentsDigest};
use serde_json::Value;

pub(super) use request::ending;

/// How much harm the action could do, as far as colours go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Minimal or low risk.
    Low,
    /// Medium risk.
    Medium,
    /// High or critical risk.
    High,
}

/// What is wanted from people.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Matter {
    /// May this action run?
    Action,
    /// A question.
    Question {
        /// JSON Schema of the answer.
        schema: Value,
        /// Prepared answers: what people read, and the value.
        choices: Vec<(String, Value)>,
    },
}

/// A prepared reason for a rejection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// What a program matches on.
    pub(super) name: String,
    /// What people read.
    pub(super) title: String,
    /// A sentence more, or empty.
    pub(super) description: String,
}

/// An argument that approvers may change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Editable {
    /// Where it lies, with dots: `cents`, `args.customer`.
    pub(super) path: String,
    /// What it is now; `None` if it is absent.
    pub(super) value: Option<Value>,
}

/// A file that came along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attached {
    /// What it is called.
    pub(super) name: String,
    /// Its type, its size or address, and its digest.
    pub(super) what: String,
    /// What it says, if it is text.
    pub(super) text: Option<String>,
}

/// What the action would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Previewed {
    /// What, or why that is not known.
    pub(super) text: String,
    /// Whether it is not known.
    pub(super) failed: bool,
    /// What people must know to read it rightly.
    pub(super) cautions: Vec<String>,
}

/// A request as the terminal shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// The request's id.
    pub(super) id: RequestId,
    /// Digest of the arguments shown.
    pub(super) digest: ArgumentsDigest,
    /// Counts the edits of the arguments.
    pub(super) revision: u32,
    /// Who edited last.
    pub(super) editor: Option<String>,
    /// What is wanted.
    pub(super) matter: Matter,
    /// Name of the action, with its version.
    pub(super) action: String,
    /// The fields of its kind, if it has them.
    pub(super) kind: Option<ActionKind>,
    /// The rendered description, or the question.
    pub(super) description: String,
    /// The agent that asks.
    pub(super) agent: String,
    /// The person behind it.
    pub(super) on_behalf_of: Option<String>,
    /// The run of the agent that it belongs to.
    pub(super) run: Option<String>,
    /// What the agent says that it is up to.
    pub(super) intent: Option<String>,
    /// How the request ended that this one follows.
    pub(super) follows: Option<String>,
    /// The risk in words, and its colour.
    pub(super) risk: (String, Severity),
    /// The priority in words.
    pub(super) priority: String,
    /// Amount and currency.
    pub(super) cost: Option<String>,
    /// When time is up, and what happens then.
    pub(super) deadline: Option<(Timestamp, String)>,
    /// All arguments as JSON text, redacted values replaced.
    pub(super) arguments: String,
    /// What the action would do, if that was worked out.
    pub(super) preview: Option<Previewed>,
    /// Files that came along.
    pub(super) attachments: Vec<Attached>,
    /// Arguments that approvers may change.
    pub(super) editable: Vec<Editable>,
    /// Paths of values that are not shown.
    pub(super) redacted: Vec<String>,
    /// Parameters that the approval does not cover.
    pub(super) unbound: Vec<String>,
    /// Prepared reasons for a rejection.
    pub(super) options: Vec<Choice>,
    /// Whether calls to come may be approved along with it.
    pub(super) may_stand: bool,
    /// How far the votes are, a line for each requirement.
    pub(super) votes: Vec<String>,
    /// Comments, questions and answers so far: who, and what.
    pub(super) remarks: Vec<(String, String)>,
}
