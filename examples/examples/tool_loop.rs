//! A tool loop as agent frameworks have it: the model names a tool and its arguments as JSON, the host runs it and hands
//! the result back. Tools are data here, so the macro is not needed: `manager.guard(..).run(..)` does the same.
//!
//! A "no" of a person becomes a message to the model, which then tries something else. The model is a script; there is no
//! network. Try `cargo run --example tool_loop`, and answer `n too expensive`.

use approval_channels::terminal::Terminal;
use approval_core::{Action, ApprovalError, ApprovalManager, Context, Principal, policy::Ruling};
use serde_json::{Value, json};

/// What a model says in one turn.
enum Turn {
    CallTool { id: &'static str, tool: &'static str, arguments: &'static str },
    Say(String),
}

/// Stands for a language model: reads the last message, and says what to do next.
fn model(messages: &[String]) -> Turn {
    match messages {
        [_user] => {
            let arguments = r#"{"item": "espresso machine", "euros": 900}"#;
            Turn::CallTool { id: "call_1", tool: "shop.order", arguments }
        }
        [.., last] if last.contains("rejected") => {
            let arguments = r#"{"text": "Which machine would be within the budget?"}"#;
            Turn::CallTool { id: "call_2", tool: "notes.write", arguments }
        }
        [.., last] => Turn::Say(format!("Finished. The last tool said: {last}")),
        [] => Turn::Say("There is nothing to do.".to_owned()),
    }
}

/// The tools themselves, which know nothing of approvals.
#[expect(clippy::unnecessary_wraps, reason = "a real tool can fail")]
fn run_tool(tool: &str, arguments: &Value) -> Result<Value, ApprovalError> {
    println!("[{tool}] runs with {arguments}");
    Ok(json!({ "ok": true }))
}

/// Guards one call, and turns whatever comes out of it into a message for the model.
async fn call_tool(
    approvals: &ApprovalManager,
    tool: &str,
    arguments: &str,
) -> Result<String, ApprovalError> {
    let action = Action::new(tool)?
        .describe(|action| {
            action.description("Call the tool with what is below").approvers(["user:ann@example.com"])
        })?
        .arguments_json(arguments)?;
    let result: Result<Value, ApprovalError> =
        approvals.guard(action).run(async |arguments, _grant| run_tool(tool, &arguments)).await;
    Ok(match result {
        Ok(value) => value.to_string(),
        Err(refused) => refused.for_model(), // What happened, and whether to try again.
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let approvals = ApprovalManager::builder()
        .shared_store(approval_store::from_env("memory:").await?)
        .policy_fn(|call| match call.action.name.as_str() {
            "notes.write" => Ruling::allow(),
            _ => Ruling::ask(),
        })
        .notifier(Terminal::from_env().acting_as(Principal::user("ann@example.com")?))
        .build()?;

    let mut messages = vec!["Buy us a coffee machine.".to_owned()];
    let run = Context::new().run("conversation-7");
    loop {
        match model(&messages) {
            Turn::CallTool { id, tool, arguments } => {
                println!("model: {tool} {arguments}");
                // The model's id of the call, within the run, is the idempotency key.
                let context = run.clone().tool_call(id);
                let answer = context.scope(call_tool(&approvals, tool, arguments)).await?;
                println!("to the model: {answer}");
                messages.push(answer);
            }
            Turn::Say(text) => {
                println!("model: {text}");
                break;
            }
        }
    }
    approvals.shutdown().await?;
    Ok(())
}
