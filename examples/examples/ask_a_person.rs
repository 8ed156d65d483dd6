//! Not every matter is a yes or a no: `ask` puts a question to people and gives back a value of your own type. Try
//! `cargo run --example ask_a_person`, answer `2`, and then `answer 3`.

use approval_channels::terminal::Terminal;
use approval_core::{ApprovalManager, Principal, clock::Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be answered; its JSON Schema is what answers are checked against.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Class {
    Economy,
    Business,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let terminal = Terminal::from_env().acting_as(Principal::user("ann@example.com")?);
    let store = approval_store::from_env("memory:").await?;
    let approvals =
        ApprovalManager::builder().shared_store(store).notifier(terminal).agent("travel-bot").build()?;

    let class = approvals
        .ask::<Class>("Which class shall I book to Tokyo?")
        .to(["user:ann@example.com"])
        .options([(Class::Economy, "Economy, 720 EUR"), (Class::Business, "Business, 3100 EUR")])
        .timeout(Span::from_mins(30))
        .await?;
    let by = class.by.first().map_or("nobody", Principal::as_str);
    println!("{by} wants {:?}", class.value);

    // Any type that has a schema will do: a number, a struct, a list.
    let seats = approvals.ask::<u8>("How many seats?").to(["user:ann@example.com"]).await?;
    println!("booking {} seats in {:?}", seats.value, class.value);
    Ok(())
}
