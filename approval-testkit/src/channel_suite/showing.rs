//! What people see.

use approval_core::{
    Action, Context,
    model::{Attachment, NoticeKind, Status, visible::is_hidden},
};
use serde_json::json;

use super::{
    Check, Reply, Stop, ensure,
    env::{ANN, BOB, Env, marker, principal},
};

pub(super) async fn people_see_what_they_decide_on(env: &mut Env) -> Check {
    env.start().await?;
    let call =
        env.call(1, |action| Ok(action.risk(approval_core::Risk::Critical).cost("{cents} / 100 USD")))?;
    let context = Context::new()
        .agent("refund-bot")?
        .on_behalf_of("user:carl@example.com")?
        .intent("the customer complained");
    let request = context.scope(env.open_call(call)).await?;
    let _delivery = env.ask(ANN, &request).await?;
    let wanted = [
        "payments.refund",
        "agent:refund-bot",
        "user:carl@example.com",
        "the customer complained",
        "critical",
        "5.12",
        "USD",
        "cents",
        "512",
        &*request.revision.description,
    ];
    let shown = env.shown(ANN).await?;
    for part in wanted {
        ensure!(words(&shown).contains(&words(part)), "{part:?} is not in what is shown: {shown}");
    }
    Ok(())
}

/// A text without its line breaks, which a channel puts where it likes.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Controls, escape sequences, bidirectional and invisible characters, tags, other spaces.
const HOSTILE: &str = "a\u{1b}[2K\u{1b}]0;title\u{7}b\rc\u{8}d\u{202e}e\u{2066}f\u{200b}g\u{feff}h\u{e0041}i\u{a0}j\u{85}k\u{2028}l\u{7f}m\0n";

pub(super) async fn hidden_characters_are_made_visible(env: &mut Env) -> Check {
    env.start().await?;
    let call = Action::new("mail.send")?
        .describe(|action| {
            let option = approval_core::model::RejectOption {
                name: "odd".into(),
                title: HOSTILE.into(),
                description: HOSTILE.into(),
            };
            action
                .description(&format!("{HOSTILE} {{text}} for order-hostile-x"))
                .reject_options([option])
                .approvers([ANN])
        })?
        .arguments(&json!({"text": HOSTILE, HOSTILE: [HOSTILE]}))?;
    let request = Context::new().intent(HOSTILE).run(HOSTILE).scope(env.open_call(call)).await?;
    env.manager.decider("elsewhere").comment(request.id, &principal(ANN)?, HOSTILE).await?;
    let request = env.manager.get(request.id).await?;
    let delivery = env.ask(ANN, &request).await?;
    let shown = env.shown(ANN).await?;
    if let Some(hidden) =
        shown.chars().find(|character| is_hidden(*character) && !matches!(character, '\n' | '\t'))
    {
        return Err(Stop::Broken(format!("it shows U+{:04X} as it is, in {shown:?}", u32::from(hidden))));
    }
    env.answer(ANN, request.id, Reply::Reject(HOSTILE.to_owned())).await?;
    env.until(request.id, "a rejection with a hostile reason", |request| request.status == Status::Rejected)
        .await?;
    delivery.succeeded().await.map(drop)
}

pub(super) async fn long_arguments_are_shown_whole_or_not_decided_on(env: &mut Env) -> Check {
    env.start().await?;
    let filler = "lorem ipsum dolor ".repeat(4_000);
    let blank = "\n".repeat(500);
    let text = format!("the-head {filler}{blank} the-middle {filler} the-tail");
    let call = Action::new("mail.send")?
        .describe(|action| action.description("Send for order-long-x").approvers([ANN]))?
        .arguments(&json!({"text": text}))?;
    let request = env.open_call(call).await?;
    let delivery = env.deliver(env.notice(NoticeKind::Decide, ANN, &request)?);
    env.until_shown(ANN, "order-long-x").await?;
    let parts = ["the-head", "the-middle", "the-tail"];
    let answered = env.try_answer(ANN, request.id, Reply::Approve).await?;
    env.let_it_catch_up().await?;
    let shown = env.shown(ANN).await?;
    let whole =
        parts.iter().all(|part| shown.contains(part)) && words(&shown).matches("lorem").count() >= 8_000;
    let now = env.manager.get(request.id).await?;
    ensure!(
        whole || now.status == Status::Pending,
        "the arguments were not shown whole, but could be decided on (answered: {answered})"
    );
    if whole {
        env.until(request.id, "the approval of what was shown whole", |request| {
            request.status == Status::Approved
        })
        .await?;
    }
    env.stop().await?;
    delivery.ended().await.map(drop)
}

pub(super) async fn redacted_values_stay_secret(env: &mut Env) -> Check {
    env.start().await?;
    let call = Action::new("payments.refund")?
        .describe(|action| {
            action.description("Refund for order-secret-x").redact(["token"])?.approvers([ANN])
        })?
        .arguments(&json!({"token": "hunter2-and-more", "cents": 5}))?;
    let request = env.open_call(call).await?;
    let _delivery = env.ask(ANN, &request).await?;
    let shown = env.shown(ANN).await?;
    ensure!(!shown.contains("hunter2"), "it shows a redacted value");
    ensure!(
        shown.contains("token") && shown.to_lowercase().contains("redacted"),
        "it does not say that `token` is redacted: {shown}"
    );
    Ok(())
}

pub(super) async fn people_see_edited_arguments(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(2).await?;
    let edit = approval_core::lifecycle::Edit {
        path: "cents".into(),
        value: approval_core::model::canonical::parse_canonical("271")
            .map_err(|error| Stop::Broken(error.to_string()))?,
    };
    let elsewhere = env.manager.decider("elsewhere");
    let edited = elsewhere.approve_edited(&request, &principal(BOB)?, vec![edit], None).await?;
    let delivery = env.deliver(env.notice(NoticeKind::Edited, ANN, &edited)?);
    env.until_shown(ANN, &marker(&edited)).await?;
    env.until_shown(ANN, "271").await?;
    env.answer(ANN, request.id, Reply::Approve).await?;
    let approved =
        env.until(request.id, "the approval", |request| request.status == Status::Approved).await?;
    ensure!(approved.revision.number == 2, "another revision was approved: {}", approved.revision.number);
    delivery.succeeded().await.map(drop)
}

/// What a call would do.
const PREVIEW: &str = "the balance of order-y will be 3.14";

pub(super) async fn people_see_what_comes_along(env: &mut Env) -> Check {
    env.start().await?;
    let receipt = Attachment::from_bytes("receipt-x.pdf", "application/pdf", *b"\0\xff")?;
    let sha256 = receipt.sha256().map(ToString::to_string).unwrap_or_default();
    let (name, address) = ("terms-x.html", "https://files.example.com/terms-x");
    let call = env
        .call(1, |action| Ok(action.preview(async |_| PREVIEW)))?
        .attach([receipt, Attachment::at(name, "text/html", address)?])?;
    let request = env.open_call(call).await?;
    let _delivery = env.ask(ANN, &request).await?;
    let shown = env.shown(ANN).await?;
    for part in ["receipt-x.pdf", "application/pdf", &*sha256, name, "text/html", address, PREVIEW] {
        ensure!(words(&shown).contains(part), "{part:?} is not in what is shown: {shown}");
    }
    Ok(())
}

pub(super) async fn people_see_a_question(env: &mut Env) -> Check {
    env.start().await?;
    let question = env
        .manager
        .ask::<String>("Which colour for order-question-x")
        .to([ANN])
        .options([("red", "As red as wine"), ("blue", "As blue as the sea")]);
    let request = env.manager.get(question.open().await?.detach()).await?;
    let _delivery = env.deliver(env.notice(NoticeKind::Decide, ANN, &request)?);
    let shown = env.until_shown(ANN, "order-question-x").await?;
    for part in ["Which colour", "As red as wine", "As blue as the sea"] {
        ensure!(words(&shown).contains(part), "{part:?} is not in what is shown: {shown}");
    }
    Ok(())
}
