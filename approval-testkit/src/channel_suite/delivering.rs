//! What a channel does with notices.

use approval_core::model::{NoticeKind, Status};

use super::{
    Check, Reply, Stop, ensure,
    env::{ANN, BOB, EVE, Env, principal},
};

/// Every kind of notice.
const KINDS: [NoticeKind; 8] = [
    NoticeKind::Decide,
    NoticeKind::Reminder,
    NoticeKind::Escalated,
    NoticeKind::Edited,
    NoticeKind::InfoProvided,
    NoticeKind::InfoRequested,
    NoticeKind::Closed,
    NoticeKind::Outcome,
];

pub(super) async fn a_channel_has_one_name(env: &mut Env) -> Check {
    let name = env.channel.name().to_owned();
    ensure!(!name.trim().is_empty(), "its name is {name:?}");
    let can = env.channel.capabilities();
    env.start().await?;
    ensure!(
        env.channel.name() == name,
        "it is called {:?} once it is started, not {name:?}",
        env.channel.name()
    );
    ensure!(env.channel.capabilities() == can, "it can do other things once it is started");
    Ok(())
}

pub(super) async fn people_are_reached_and_programs_are_not(env: &mut Env) -> Check {
    env.start().await?;
    for who in [ANN, BOB, EVE] {
        ensure!(env.channel.reaches(&principal(who)?), "it does not reach {who}");
    }
    for program in [principal("agent:worker")?, principal("service:due")?] {
        ensure!(!env.channel.reaches(&program), "it says that it reaches {program}");
    }
    Ok(())
}

pub(super) async fn every_kind_of_notice_is_taken(env: &mut Env) -> Check {
    env.start().await?;
    for kind in KINDS {
        let request = env.open(1).await?;
        if !kind.asks() {
            let delivered = env.deliver(env.notice(kind, ANN, &request)?).ended().await?;
            ensure!(delivered.is_ok(), "a notice of the kind {kind:?} failed: {delivered:?}");
            env.ensure_unchanged(&request).await?;
            continue;
        }
        let delivery = env.deliver(env.notice(kind, ANN, &request)?);
        env.until_shown(ANN, &super::env::marker(&request)).await?;
        env.answer(ANN, request.id, Reply::Approve).await?;
        env.until(request.id, &format!("the approval of a notice of the kind {kind:?}"), |request| {
            request.status == Status::Approved
        })
        .await?;
        delivery.succeeded().await?;
    }
    Ok(())
}

pub(super) async fn a_notice_may_come_twice(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(2).await?;
    let notice = env.notice(NoticeKind::Decide, ANN, &request)?;
    let first = env.deliver(notice.clone());
    env.until_shown(ANN, &super::env::marker(&request)).await?;
    let second = env.deliver(notice.after_attempts(1));
    env.answer(ANN, request.id, Reply::Approve).await?;
    let once = env.until(request.id, "the first answer", |request| request.votes.len() == 1).await?;
    // The second message may be answered too, or be the same as the first.
    let _again = env.try_answer(ANN, request.id, Reply::Approve).await?;
    env.let_it_catch_up().await?;
    first.ended().await?.map_err(|error| Stop::Broken(format!("the first delivery failed: {error}")))?;
    let now = env.manager.get(request.id).await?;
    ensure!(now.status == Status::Pending, "one person's two answers made it {}", now.status.as_str());
    ensure!(now.votes.len() == 1, "one person has the votes {:?}", now.votes);
    ensure!(
        now.votes.first().map(|vote| &vote.voter) == once.votes.first().map(|vote| &vote.voter),
        "the vote changed hands"
    );
    env.stop().await?;
    second.ended().await.map(drop)
}

pub(super) async fn a_notice_may_come_again_after_the_decision(env: &mut Env) -> Check {
    env.start().await?;
    let request = env.open(1).await?;
    let delivery = env.ask(ANN, &request).await?;
    env.answer(ANN, request.id, Reply::Reject("no".to_owned())).await?;
    let decided =
        env.until(request.id, "the rejection", |request| request.status == Status::Rejected).await?;
    delivery.ended().await?.map_err(|error| Stop::Broken(format!("the delivery failed: {error}")))?;
    let again = env.deliver(env.notice(NoticeKind::Reminder, ANN, &decided)?.after_attempts(3));
    let _answered = env.try_answer(ANN, request.id, Reply::Approve).await?;
    env.let_it_catch_up().await?;
    env.ensure_unchanged(&decided).await?;
    env.stop().await?;
    again.ended().await.map(drop)
}

pub(super) async fn an_earlier_message_is_brought_up_to_date(env: &mut Env) -> Check {
    if !env.channel.capabilities().updates {
        return Err(Stop::NotApplicable);
    }
    env.start().await?;
    let request = env.open(1).await?;
    let delivered = env.ask(ANN, &request).await?.succeeded().await?;
    let Some(message) = delivered.message else {
        return Err(Stop::Broken("it says that it brings messages up to date, but names none".to_owned()));
    };
    let elsewhere = env.manager.decider("elsewhere");
    let decided = elsewhere.reject(&request, &principal(BOB)?, Some("too late in the day")).await?;
    let notice = env.notice(NoticeKind::Closed, ANN, &decided)?;
    for time in ["first", "second"] {
        let updated = env.channel.update(&message, &notice).await;
        ensure!(updated.is_ok(), "the {time} update failed: {updated:?}");
    }
    env.until_shown(ANN, "rejected").await?;
    env.ensure_unchanged(&decided).await
}
