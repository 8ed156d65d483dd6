//! Answers that count.

use approval_core::model::{Ballot, Status};

use super::{
    Check, Reply, Stop, ensure,
    env::{ANN, BOB, Env, marker, principal},
};

pub(super) async fn an_approval_counts(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    env.answer(ANN, request.id, Reply::Approve).await?;
    let decided = env.until(request.id, "the approval", |request| request.status == Status::Approved).await?;
    delivery.succeeded().await?;
    let [vote] = decided.votes.as_slice() else {
        return Err(Stop::Broken(format!("one approval left the votes {:?}", decided.votes)));
    };
    ensure!(vote.voter == principal(ANN)?, "the vote is that of {}", vote.voter);
    ensure!(vote.via.as_deref() == Some(env.channel.name()), "the vote came through {:?}", vote.via);
    ensure!(vote.digest == request.revision.digest, "the vote is about other arguments");
    Ok(())
}

pub(super) async fn a_rejection_counts(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    env.answer(ANN, request.id, Reply::Reject("far too much".to_owned())).await?;
    let decided =
        env.until(request.id, "the rejection", |request| request.status == Status::Rejected).await?;
    delivery.succeeded().await?;
    let reason = decided.decision.as_ref().and_then(|decision| decision.reason.as_deref());
    ensure!(reason == Some("far too much"), "the reason is {reason:?}");
    ensure!(
        decided.votes.iter().all(|vote| vote.ballot == Ballot::Reject { option: None }),
        "the votes are {:?}",
        decided.votes
    );
    Ok(())
}

pub(super) async fn two_people_make_a_quorum(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(2).await?;
    let first = env.ask(ANN, &request).await?;
    let second = env.ask(BOB, &request).await?;
    env.answer(BOB, request.id, Reply::Approve).await?;
    let open = env.until(request.id, "the first vote", |request| request.votes.len() == 1).await?;
    ensure!(open.status == Status::Pending, "one vote of two made it {}", open.status.as_str());
    env.answer(ANN, request.id, Reply::Approve).await?;
    let decided = env.until(request.id, "the approval", |request| request.status == Status::Approved).await?;
    let by = decided.decision.as_ref().map(|decision| decision.by.clone()).unwrap_or_default();
    ensure!(by == [principal(BOB)?, principal(ANN)?], "it was approved by {by:?}");
    first.succeeded().await?;
    second.succeeded().await.map(drop)
}

pub(super) async fn requests_are_told_apart(env: &mut Env) -> Check {
    env.start().await?;
    let mut requests = Vec::new();
    for _ in 0..4 {
        let request = env.open(1).await?;
        let delivery = env.deliver(env.notice(approval_core::model::NoticeKind::Decide, ANN, &request)?);
        requests.push((request, delivery));
    }
    // In another order than they were asked in, as far as the channel lets people choose.
    for (place, (request, _)) in requests.iter().enumerate().rev() {
        let reply = if place.is_multiple_of(2) { Reply::Approve } else { Reply::Reject(marker(request)) };
        env.answer(ANN, request.id, reply).await?;
    }
    for (place, (request, delivery)) in requests.into_iter().enumerate() {
        let decided = env.until(request.id, "the decision", |request| !request.status.is_open()).await?;
        let wanted = if place.is_multiple_of(2) { Status::Approved } else { Status::Rejected };
        ensure!(
            decided.status == wanted,
            "request {place} is {}, not {}",
            decided.status.as_str(),
            wanted.as_str()
        );
        let reason = decided.decision.as_ref().and_then(|decision| decision.reason.as_deref());
        ensure!(
            wanted == Status::Approved || reason == Some(&*marker(&request)),
            "request {place} got the reason {reason:?}"
        );
        delivery.succeeded().await?;
    }
    Ok(())
}

pub(super) async fn an_approval_comes_through_a_manager(env: &mut Env) -> Check {
    let manager = env.managed()?;
    let pending = manager.request(env.call(1, Ok)?).await?;
    let request = pending.request().await?;
    env.until_shown(ANN, &marker(&request)).await?;
    env.answer(ANN, request.id, Reply::Approve).await?;
    let approved = pending.await?;
    let by = approved.decision().map(|decision| decision.by.clone()).unwrap_or_default();
    ensure!(by == [principal(ANN)?], "it was approved by {by:?}");
    Ok(manager.shutdown().await?)
}
