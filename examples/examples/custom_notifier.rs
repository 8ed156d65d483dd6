//! A channel of one's own: posts a message with two buttons, and hears which one was pressed. The chat service is a stand-in
//! inside this program; with a real one, `post` and `edit` are calls to its API, and `on_click` is what your web server
//! does with its call-back. Try `cargo run --example custom_notifier`.

use std::sync::{Arc, OnceLock};

use approval_core::{
    ApprovalManager, guarded_action,
    model::{Ballot, Status, visible::visible_line},
    notify::{Capabilities, DecideToken, Decider, Delivered, MessageRef, Notice, Notifier, NotifyError},
};
use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

/// What the chat service does with a button: sends back the text that was put behind it.
#[derive(Debug)]
struct Click {
    button: &'static str,
    token: String,
}

/// The channel.
#[derive(Debug)]
struct Chat {
    clicks: mpsc::UnboundedSender<Click>,
    decider: Arc<OnceLock<Decider>>,
}

#[async_trait]
impl Notifier for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::decides().with_updates()
    }

    /// Called when the manager starts: what was heard is handed in here.
    async fn start(&self, decider: Decider) -> Result<(), NotifyError> {
        self.decider.set(decider).map_err(|_| NotifyError::permanent("this channel was started before"))
    }

    /// Called for each message; again with the same `notice.id` if it did not get through.
    async fn deliver(&self, notice: &Notice) -> Result<Delivered, NotifyError> {
        let request = &notice.request;
        // What the agent wrote is only text: what is hidden in it is made visible, and nothing is cut.
        let (what, arguments) = (&request.revision.description, request.revision.arguments.as_str());
        println!("[chat] to {}: {}", notice.to, visible_line(what));
        println!("[chat]   {} [Approve] [Reject]", visible_line(arguments));
        if let Some(token) = notice.decide_token() {
            // Whoever holds the token decides for its receiver, on these arguments alone. Give it to nobody else.
            let click = Click { button: "Approve", token: token.to_string() };
            // A real person would take a moment; this one clicks at once.
            self.clicks.send(click).map_err(|_| NotifyError::retry("the chat service is gone"))?;
        }
        Ok(Delivered { message: Some(MessageRef(format!("message about {}", request.id).into())) })
    }

    /// Called when the request is decided, so that no button is left that does nothing, and when the action has ended.
    async fn update(&self, _message: &MessageRef, notice: &Notice) -> Result<(), NotifyError> {
        let request = &notice.request;
        let ran = request.execution.as_ref().map_or("nothing ran", |execution| execution.state().as_str());
        println!("[chat] the message now says: {}, {ran}", request.status.as_str());
        Ok(())
    }
}

/// The call-back of the chat service.
async fn on_click(decider: &Decider, click: Click) -> anyhow::Result<()> {
    let token: DecideToken = click.token.parse()?;
    let ballot = match click.button {
        "Approve" => Ballot::Approve,
        _ => Ballot::Reject { option: None },
    };
    let request = decider.vote_with(&token, ballot, None).await?;
    if request.status == Status::Approved {
        println!("[call-back] {} approved", token.to());
    }
    // The same click twice, as chat services sometimes send it, changes nothing.
    if let Err(refused) = decider.vote_with(&token, Ballot::Approve, None).await {
        println!("[call-back] again: {}", refused.stop_reason());
    }
    Ok(())
}

#[guarded_action(
    name = "servers.restart",
    description = "Restart {host}",
    approvers("user:ann@example.com"),
    manager = approvals
)]
async fn restart(approvals: &ApprovalManager, host: &str) -> anyhow::Result<()> {
    println!("restarting {host}");
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (clicks, mut clicked) = mpsc::unbounded_channel();
    let decider = Arc::new(OnceLock::new());
    let chat = Chat { clicks, decider: Arc::clone(&decider) };
    let store = approval_store::from_env("memory:").await?;
    let approvals = ApprovalManager::builder().shared_store(store).notifier(chat).build()?;

    let answered = Arc::new(Notify::new());
    let answers = Arc::clone(&answered);
    let mut web_server = tokio::spawn(async move {
        while let Some(click) = clicked.recv().await {
            if let Some(decider) = decider.get() {
                on_click(decider, click).await?;
                answers.notify_one();
            }
        }
        anyhow::Ok(())
    });

    restart(&approvals, "db-1").await?;
    // The agent may be faster than the second click.
    tokio::select! {
        () = answered.notified() => {}
        ended = &mut web_server => return ended?,
    }
    approvals.shutdown().await?;
    drop(approvals); // And with it the channel, so that no click can come any more.
    web_server.await?
}
