//! What the code demands of an action.

use serde::{Deserialize, Serialize};

use super::{ActionInfo, DEFAULT_GRANT_TTL, Gate, Risk, SchemaDigest};

/// What the code demanded of an action when a request was opened. It is stored with the request where its gate does not
/// show it: an approval of a declaration that asked for less than today's never runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Declaration {
    /// The version of the action.
    pub version: u32,
    /// Digest of the schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaDigest>,
    /// Its risk.
    pub risk: Risk,
    /// Who must approve, who may not, and what happens on timeout. Times, notices and texts are left out: they are no
    /// demands on an approval.
    pub gate: Gate,
}

impl Declaration {
    /// What an action with this gate demands.
    #[must_use]
    pub fn new(action: &ActionInfo, risk: Risk, gate: &Gate) -> Self {
        let gate = Gate {
            timeout: None,
            grant_ttl: DEFAULT_GRANT_TTL,
            reminders: None,
            join_identical: false,
            inform: Vec::new(),
            editable: Vec::new(),
            reject_options: Vec::new(),
            digest: false,
            declared: None,
            ..gate.clone()
        };
        Self { version: action.version, schema: action.schema, risk, gate }
    }
}

/// Which settings of an action were set explicitly. The others are defaults: a policy may set them as it likes, and a worker
/// that runs what others asked for does not demand them. What was set explicitly can only be tightened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent setting")]
pub struct Said {
    /// The risk.
    pub risk: bool,
    /// [`Gate::timeout`].
    pub timeout: bool,
    /// [`Gate::on_timeout`].
    pub on_timeout: bool,
    /// [`Gate::grant_ttl`].
    pub grant_ttl: bool,
    /// [`Gate::veto`].
    pub veto: bool,
    /// [`Gate::delegation`].
    pub delegation: bool,
    /// [`Gate::allow_self_approval`].
    pub self_approval: bool,
}

impl Said {
    /// Everything was set explicitly.
    pub const ALL: Self = Self {
        risk: true,
        timeout: true,
        on_timeout: true,
        grant_ttl: true,
        veto: true,
        delegation: true,
        self_approval: true,
    };
}
