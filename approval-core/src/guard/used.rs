//! What an approval is worth that may have been used before, by this or another call.

use super::authorize::Right;
use crate::{
    approval_error::{About, ApprovalError},
    clock::Timestamp,
    lifecycle::{self, Act, Command, Refusal, may_reopen},
    manager::{ActionSpec, ApprovalManager, Approved, Prepared},
    model::{Execution, ExecutionState, LibraryPart, Principal, Request},
};

/// How often an approval is looked at again after another call changed it. Each time, that call got through.
const ROUNDS: usize = 100;

impl ApprovalManager {
    /// What the approval is worth to this call: the right to run, or what the body returned before. Waits until `until` for a
    /// body that another call runs, where its result is to be given back.
    pub(super) async fn usable(
        &self,
        prepared: &Prepared,
        mut approved: Approved,
        until: Option<Timestamp>,
    ) -> Result<Right, ApprovalError> {
        for _ in 0..ROUNDS {
            let request = approved.request();
            let about = About::of(request);
            let Some(execution) = request.execution.as_deref() else {
                return Err(ApprovalError::of_refusal(about, Refusal::NotApproved));
            };
            let waits = waits_for_the_body(&prepared.spec, request);
            let doubtful = matches!(execution, Execution::Failed { .. } | Execution::Unknown { .. });
            let again =
                doubtful && prepared.spec.info.idempotent && may_reopen(request, self.core.now().await?);
            match execution {
                Execution::NotStarted => return Ok(Right::Approved(approved)),
                Execution::Executing { .. } if waits => {
                    let ended = self.until_ended(request.id, until).await?;
                    if ended.execution.as_deref().map(Execution::state) == Some(ExecutionState::Executing) {
                        return Err(already_ran(about, ExecutionState::Executing));
                    }
                    approved = Approved::new(self.clone(), ended, None);
                    continue;
                }
                Execution::Succeeded { result: Some(result), .. } if waits => {
                    lifecycle::intact(request)
                        .map_err(|refusal| ApprovalError::of_refusal(about.clone(), refusal))?;
                    return Ok(Right::Ran(about, result.clone()));
                }
                Execution::Failed { .. } | Execution::Unknown { .. } if again => {}
                ran @ (Execution::Executing { .. }
                | Execution::Succeeded { .. }
                | Execution::Failed { .. }
                | Execution::Unknown { .. }
                | Execution::GrantExpired { .. }
                | Execution::Revoked { .. }) => return Err(already_ran(about, ran.state())),
            }
            let before = execution.state();
            match self.reopened(prepared, request).await {
                Ok(stored) => return Ok(Right::Approved(stored)),
                Err(error @ (ApprovalError::AlreadyRan { .. } | ApprovalError::Refused { .. })) => {
                    // Another call may have been faster.
                    approved = approved.reloaded().await?;
                    if approved.request().execution.as_deref().map(Execution::state) == Some(before) {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(already_ran(About::of(approved.request()), ExecutionState::Executing))
    }

    /// Gives an idempotent action that failed, or is in doubt, its right to run again; unless another request tries it again,
    /// also one whose opener was stopped before it linked the two.
    async fn reopened(&self, prepared: &Prepared, request: &Request) -> Result<Approved, ApprovalError> {
        self.core.link_unlinked(request).await?;
        let command = Command {
            actor: Principal::part(LibraryPart::Guard),
            via: None,
            operator: true,
            act: Act::Reopen { run: prepared.context.limits },
        };
        let stored = self.core.execute(request.id, command).await?;
        Ok(Approved::new(self.clone(), stored.request, None))
    }
}

fn already_ran(about: About, state: ExecutionState) -> ApprovalError {
    ApprovalError::of_refusal(about, Refusal::AlreadyRan(state))
}

/// Whether a call whose body another call runs waits for that one, to be given what it returns. Never for another version of
/// its action.
pub(super) fn waits_for_the_body(spec: &ActionSpec, request: &Request) -> bool {
    let wants = spec.replay || (request.gate.join_identical && request.key.is_none());
    wants && lifecycle::may_replay(request, &spec.info)
}
