//! When people cannot be reached.

use approval_core::{
    clock::Span,
    model::{NoticeKind, Status},
};

use super::{
    Check, Reply, ensure,
    env::{ANN, BOB, Env, principal},
};

pub(super) async fn a_broken_way_changes_nothing(env: &mut Env) -> Check {
    env.start().await?;
    env.people.cut_off().await?;
    let request = env.open(1).await?;
    for kind in [NoticeKind::Decide, NoticeKind::Reminder, NoticeKind::Closed] {
        // Whether it says that it failed may depend on what it can know.
        let _ended = env.deliver(env.notice(kind, ANN, &request)?).ended().await?;
    }
    let taken = env.try_answer(ANN, request.id, Reply::Approve).await?;
    ensure!(!taken, "an answer came through a way that is broken");
    env.ensure_unchanged(&request).await
}

pub(super) async fn a_broken_way_is_survived_by_a_manager(env: &mut Env) -> Check {
    env.people.cut_off().await?;
    let manager = env.managed()?;
    let pending = manager.request(env.call(1, Ok)?).await?;
    // Long enough for several attempts, well before the deadline.
    for _ in 0..10 {
        env.time.advance_and_settle(Span::from_secs(20)).await;
    }
    let request = pending.request().await?;
    ensure!(
        request.status == Status::Pending,
        "a failing channel made the request {}",
        request.status.as_str()
    );
    ensure!(request.votes.is_empty(), "a failing channel cast the votes {:?}", request.votes);
    manager.decider("elsewhere").approve(&request, &principal(BOB)?, None).await?;
    pending.await?;
    Ok(manager.shutdown().await?)
}
