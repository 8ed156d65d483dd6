//! The end of a channel.

use std::{sync::Arc, time::Duration};

use approval_core::model::{NoticeKind, Status};

use super::{
    Check, Reply, Stop, ensure,
    env::{ANN, Env, marker},
};

/// How long a channel may take to stop.
const STOPS_WITHIN: Duration = Duration::from_secs(20);

impl Env {
    /// Stops the channel.
    pub(super) async fn stop(&self) -> Check {
        let channel = Arc::clone(&self.channel);
        let stopped = tokio::time::timeout(STOPS_WITHIN, async move { channel.stop().await }).await;
        stopped.map_err(|_| Stop::Broken(format!("`stop` did not return within {STOPS_WITHIN:?}")))
    }
}

pub(super) async fn stopping_ends_deliveries(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    env.stop().await?;
    let _ended = delivery.ended().await?;
    // A notice that comes late must come to an end, too.
    let _ended = env.deliver(env.notice(NoticeKind::Reminder, ANN, &request)?).ended().await?;
    env.ensure_unchanged(&request).await
}

pub(super) async fn nothing_counts_after_the_stop(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    env.stop().await?;
    let _taken = env.try_answer(ANN, request.id, Reply::Approve).await?;
    let _ended = delivery.ended().await?;
    let _ended = env.deliver(env.notice(NoticeKind::Reminder, ANN, &request)?).ended().await?;
    let _taken = env.try_answer(ANN, request.id, Reply::Approve).await?;
    env.ensure_unchanged(&request).await
}

pub(super) async fn stopping_is_harmless(env: &mut Env) -> Check {
    env.stop().await?;
    env.stop().await?;
    let started = env.start().await;
    // Whether a channel can be started after it was stopped is its own matter.
    if started.is_ok() {
        env.stop().await?;
        env.stop().await?;
    }
    Ok(())
}

pub(super) async fn a_manager_shuts_down_while_people_are_asked(env: &mut Env) -> Check {
    let manager = env.managed()?;
    let pending = manager.request(env.call(1, Ok)?).await?;
    let request = pending.request().await?;
    env.until_shown(ANN, &marker(&request)).await?;
    let shut = tokio::time::timeout(STOPS_WITHIN, manager.shutdown()).await;
    let Ok(shut) = shut else {
        return Err(Stop::Broken(format!("the manager did not shut down within {STOPS_WITHIN:?}")));
    };
    shut?;
    let _taken = env.try_answer(ANN, request.id, Reply::Approve).await?;
    let now = pending.request().await?;
    ensure!(now.status == Status::Pending, "an answer after the shutdown made it {}", now.status.as_str());
    Ok(())
}
