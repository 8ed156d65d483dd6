//! Edits, and answers to questions.

use std::sync::Arc;

use approval_core::model::{NoticeKind, Request, Status};
use serde_json::json;

use super::{
    Check, Reply, Stop, ensure,
    env::{ANN, Delivery, Env, principal},
};

pub(super) async fn an_edit_counts(env: &mut Env) -> Check {
    if !env.channel.capabilities().edits {
        return Err(Stop::NotApplicable);
    }
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    env.answer(ANN, request.id, Reply::Edit { path: "cents".to_owned(), value: json!(321) }).await?;
    let decided = env.until(request.id, "the approval", |request| request.status == Status::Approved).await?;
    delivery.succeeded().await?;
    ensure!(
        decided.revision.arguments.as_str().contains("321"),
        "{} was approved",
        decided.revision.arguments.as_str()
    );
    ensure!(decided.revision.editor == Some(principal(ANN)?), "the editor is {:?}", decided.revision.editor);
    Ok(())
}

pub(super) async fn an_edit_that_is_not_allowed_is_refused(env: &mut Env) -> Check {
    if !env.channel.capabilities().edits {
        return Err(Stop::NotApplicable);
    }
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    for (path, value) in [("order", json!("another")), ("cents", json!("many")), ("nothing", json!(1))] {
        let _taken = env.try_answer(ANN, request.id, Reply::Edit { path: path.to_owned(), value }).await?;
        env.ensure_unchanged(&request).await?;
        if delivery_is_over(env, &request).await? {
            break;
        }
    }
    env.stop().await?;
    delivery.ended().await.map(drop)
}

/// Whether the channel has no question open any more about a request that is not decided.
async fn delivery_is_over(env: &Env, request: &Request) -> Result<bool, Stop> {
    Ok(!env.manager.get(request.id).await?.status.is_open())
}

async fn question(env: &Env) -> Result<(Arc<Request>, Delivery), Stop> {
    if !env.channel.capabilities().answers {
        return Err(Stop::NotApplicable);
    }
    env.start().await?;
    let opened = env.manager.ask::<u32>("How many seats for order-question-x").to([ANN]).open().await?;
    let request = env.manager.get(opened.detach()).await?;
    let delivery = env.deliver(env.notice(NoticeKind::Decide, ANN, &request)?);
    env.until_shown(ANN, "order-question-x").await?;
    Ok((request, delivery))
}

pub(super) async fn an_answer_counts(env: &mut Env) -> Check {
    let (request, delivery) = question(env).await?;
    env.answer(ANN, request.id, Reply::Answer(json!(42))).await?;
    let decided = env.until(request.id, "the answer", |request| request.status == Status::Approved).await?;
    delivery.succeeded().await?;
    let answer = decided.decision.as_ref().and_then(|decision| decision.answer.clone());
    ensure!(answer.as_ref().is_some_and(|answer| answer.as_str() == "42"), "the answer is {answer:?}");
    Ok(())
}

pub(super) async fn a_wrong_answer_is_refused(env: &mut Env) -> Check {
    let (request, delivery) = question(env).await?;
    let _taken = env.try_answer(ANN, request.id, Reply::Answer(json!("a few"))).await?;
    env.let_it_catch_up().await?;
    env.ensure_unchanged(&request).await?;
    env.stop().await?;
    delivery.ended().await.map(drop)
}
