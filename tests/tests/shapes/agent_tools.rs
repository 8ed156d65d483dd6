//! Beside the `#[tool]` attributes of rmcp and of rig, above and below.

use approval_core::{ApprovalError, ApprovalManager, ambient, guarded_action, set_ambient};
use rig_core::tool::{PortableTool, ToolExecutionError};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::ErrorCode;
use rmcp::{ErrorData, tool, tool_router};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::support::{approving, arguments, outcomes, rejecting};

#[derive(Serialize, Deserialize, JsonSchema)]
struct Refund {
    cents: u64,
}

#[derive(Clone)]
struct Server {
    approvals: ApprovalManager,
}

fn refused<T>(error: ApprovalError) -> Result<T, ErrorData> {
    Err(ErrorData::new(ErrorCode::INVALID_REQUEST, error.to_string(), None))
}

#[tool_router]
impl Server {
    #[tool(description = "Refunds")]
    #[guarded_action(name = "mcp.tool_above", manager = self.approvals, refuse_with = refused)]
    async fn tool_above(&self, Parameters(args): Parameters<Refund>) -> Result<String, ErrorData> {
        Ok(format!("{}", args.cents))
    }

    #[guarded_action(name = "mcp.tool_below", manager = self.approvals, refuse_with = refused)]
    #[tool(description = "Refunds")]
    async fn tool_below(
        &self,
        Parameters(Refund { cents }): Parameters<Refund>,
    ) -> Result<String, ErrorData> {
        Ok(format!("{cents}"))
    }

    #[tool(description = "Refunds")]
    #[guarded_action(name = "mcp.sync", manager = self.approvals)]
    fn sync(&self, Parameters(args): Parameters<Refund>) -> Result<String, String> {
        Ok(format!("{}", args.cents))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rmcp_tools_are_guarded_in_either_order() {
    let manager = approving();
    let server = Server { approvals: (*manager).clone() };
    assert_eq!(server.tool_above(Parameters(Refund { cents: 1 })).await.unwrap(), "1");
    assert_eq!(server.tool_below(Parameters(Refund { cents: 2 })).await.unwrap(), "2");
    assert_eq!(server.sync(Parameters(Refund { cents: 3 })).unwrap(), "3");
    assert_eq!(
        arguments(&manager).await,
        [r#"{"args":{"cents":1}}"#, r#"{"args":{"cents":3}}"#, r#"{"cents":2}"#]
    );
    assert_eq!(outcomes(&manager).await, ["succeeded"; 3]);
    let router: ToolRouter<Server> = Server::tool_router();
    assert_eq!(router.list_all().len(), 3);

    let rejecting = rejecting("no");
    let server = Server { approvals: (*rejecting).clone() };
    let error = server.tool_above(Parameters(Refund { cents: 1 })).await.unwrap_err();
    assert!(error.message.contains("'no'; nothing was run"), "{}", error.message);
    assert!(server.tool_below(Parameters(Refund { cents: 1 })).await.is_err());
}

fn failed<T>(error: ApprovalError) -> Result<T, ToolExecutionError> {
    Err(ToolExecutionError::refused(error.to_string()))
}

/// Pays back.
#[rig_core::rig_tool(description = "Refunds")]
#[guarded_action(name = "rig.tool_above", manager = ambient(), refuse_with = failed, editable(cents))]
async fn refund_above(
    /// How much.
    cents: u64,
) -> Result<String, ToolExecutionError> {
    Ok(format!("{cents}"))
}

/// Pays back.
#[guarded_action(name = "rig.tool_below", manager = ambient(), refuse_with = failed)]
#[rig_core::rig_tool(description = "Refunds")]
async fn refund_below(cents: u64, note: Option<String>) -> Result<String, ToolExecutionError> {
    Ok(format!("{cents}{}", note.unwrap_or_default()))
}

#[tokio::test]
async fn rig_tools_are_guarded_in_either_order() {
    let manager = approving();
    set_ambient(Some((*manager).clone()));
    let above = RefundAbove.call(RefundAboveParameters { cents: 1 }).await.unwrap();
    let below = RefundBelow.call(RefundBelowParameters { cents: 2, note: Some("!".into()) }).await.unwrap();
    assert_eq!((above.as_str(), below.as_str()), ("1", "2!"));
    assert_eq!(arguments(&manager).await, [r#"{"cents":1}"#, r#"{"cents":2,"note":"!"}"#]);

    set_ambient(Some((*rejecting("no")).clone()));
    let error = RefundAbove.call(RefundAboveParameters { cents: 1 }).await.unwrap_err();
    assert!(error.to_string().contains("'no'; nothing was run"), "{error}");
    assert!(RefundBelow.call(RefundBelowParameters { cents: 2, note: None }).await.is_err());
    set_ambient(None);
}
