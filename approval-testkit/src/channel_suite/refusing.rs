//! Answers that do not count.

use approval_core::{
    clock::Span,
    lifecycle::Edit,
    model::{NoticeKind, Status, canonical::parse_canonical},
};

use super::{
    Check, Reply, Stop, ensure,
    env::{ANN, BOB, EVE, Env, principal},
};

pub(super) async fn whoever_may_not_decide_is_refused(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    // No manager would send this notice. A person who comes by the message must still not be able to decide.
    let delivery = env.ask(EVE, &request).await?;
    for reply in [Reply::Approve, Reply::Reject("no".to_owned())] {
        let _taken = env.try_answer(EVE, request.id, reply).await?;
        env.let_it_catch_up().await?;
        env.ensure_unchanged(&request).await?;
    }
    env.stop().await?;
    delivery.ended().await.map(drop)
}

pub(super) async fn other_arguments_are_refused(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(2).await?;
    let delivery = env.ask(ANN, &request).await?;
    let value = parse_canonical("9999").map_err(|error| Stop::Broken(error.to_string()))?;
    let edits = vec![Edit { path: "cents".into(), value }];
    let elsewhere = env.manager.decider("elsewhere");
    let edited = elsewhere.approve_edited(&request, &principal(BOB)?, edits, None).await?;
    let _taken = env.try_answer(ANN, request.id, Reply::Approve).await?;
    env.let_it_catch_up().await?;
    env.ensure_unchanged(&edited).await?;
    env.stop().await?;
    delivery.ended().await.map(drop)
}

pub(super) async fn an_answer_after_the_decision_changes_nothing(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    let elsewhere = env.manager.decider("elsewhere");
    let decided = elsewhere.reject(&request, &principal(BOB)?, Some("no")).await?;
    let _taken = env.try_answer(ANN, request.id, Reply::Approve).await?;
    env.let_it_catch_up().await?;
    env.ensure_unchanged(&decided).await?;
    env.stop().await?;
    delivery.ended().await.map(drop)
}

pub(super) async fn an_answer_after_the_deadline_changes_nothing(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    env.time.advance(Span::from_hours(2));
    let _taken = env.try_answer(ANN, request.id, Reply::Approve).await?;
    let expired = env.until(request.id, "the expiry", |request| !request.status.is_open()).await?;
    ensure!(
        expired.status == Status::Expired,
        "an answer after the deadline made it {}",
        expired.status.as_str()
    );
    ensure!(expired.votes.is_empty(), "the late vote is among {:?}", expired.votes);
    let late = env.deliver(env.notice(NoticeKind::Closed, ANN, &expired)?).ended().await?;
    ensure!(late.is_ok(), "the notice about the expiry failed: {late:?}");
    env.stop().await?;
    delivery.ended().await.map(drop)
}
