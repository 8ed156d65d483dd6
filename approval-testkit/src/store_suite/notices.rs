//! The outbox.

use approval_core::{
    clock::{Span, Timestamp},
    id::{ExecutorId, NoticeId, RequestId},
    model::{Delivery, OutboxNotice},
    store::{Change, ClaimWhenWriting, ClaimedNotice, NoticeClaim, NoticeSettlement},
};

use super::{
    Check, Env, Stop, ensure, ensure_eq,
    env::{claim, committed, creation, notice, notices, update},
};

/// An executor of this number.
pub(super) fn owner(number: u32) -> ExecutorId {
    let text = format!("01900000-0000-7000-8000-{number:012}");
    text.parse().unwrap_or_else(|_| ExecutorId::generate(Timestamp::UNIX_EPOCH))
}

/// Writes notices about a request that need not exist, one for each channel.
async fn write(env: &Env, request: RequestId, channels: &[&str]) -> Result<Vec<OutboxNotice>, Stop> {
    let all =
        channels.iter().map(|channel| notice(request, channel, env.now())).collect::<Result<Vec<_>, _>>()?;
    committed(env.store.commit(notices(all.clone())).await?)?;
    Ok(all)
}

async fn claimed(env: &Env, claim: &NoticeClaim) -> Result<Vec<ClaimedNotice>, Stop> {
    Ok(env.store.claim_notices(claim).await?.notices)
}

fn ids<'a>(notices: impl IntoIterator<Item = &'a ClaimedNotice>) -> Vec<NoticeId> {
    notices.into_iter().map(|claimed| claimed.notice.id).collect()
}

fn settlement(notice: &OutboxNotice, owner: ExecutorId, delivery: Delivery) -> Vec<NoticeSettlement> {
    vec![NoticeSettlement { request: notice.request, id: notice.id, owner, delivery }]
}

fn delivered(at: Timestamp) -> Delivery {
    Delivery::Delivered { at, message: Some("msg-1".into()) }
}

pub(super) async fn a_notice_is_claimed_as_it_was_written(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let mut commit = creation(&sample)?;
    commit.notices = vec![notice(id, "mail", env.now())?];
    committed(env.store.commit(commit.clone()).await?)?;
    let got = env.store.claim_notices(&claim(owner(1), &[])).await?;
    let until = env.seconds(60);
    let wanted: Vec<ClaimedNotice> =
        commit.notices.into_iter().map(|notice| ClaimedNotice { notice, until }).collect();
    ensure_eq!(got.notices, wanted, "what was claimed");
    ensure_eq!(got.next, Some(until), "when there may be more");
    Ok(())
}

pub(super) async fn an_empty_outbox_gives_nothing(env: &mut Env) -> Check {
    env.created().await?;
    let got = env.store.claim_notices(&claim(owner(1), &[])).await?;
    ensure!(got.notices.is_empty() && got.next.is_none(), "an empty outbox gives {got:?}");
    Ok(())
}

pub(super) async fn a_claimed_notice_is_nobody_elses_until_its_lease_ends(env: &mut Env) -> Check {
    let all = write(env, env.id(), &["mail"]).await?;
    let until = env.seconds(60);
    ensure_eq!(claimed(env, &claim(owner(1), &[])).await?.len(), 1, "how many were claimed");
    env.clock.set(until - Span::from_micros(1));
    let second = env.store.claim_notices(&claim(owner(2), &[])).await?;
    ensure_eq!(second.notices, vec![], "what another owner gets");
    ensure_eq!(second.next, Some(until), "when another owner may get it");
    ensure_eq!(claimed(env, &claim(owner(1), &[])).await?, vec![], "what the same owner gets again");
    env.clock.set(until);
    let again = claimed(env, &claim(owner(2), &[])).await?;
    ensure_eq!(ids(&again), all.iter().map(|n| n.id).collect::<Vec<_>>(), "what is claimed after the lease");
    Ok(())
}

pub(super) async fn a_notice_is_claimed_from_its_moment_on(env: &mut Env) -> Check {
    let moment = env.seconds(30);
    let mut later = notice(env.id(), "mail", env.now())?;
    later.delivery = Delivery::Waiting { attempts: 3, next_at: moment };
    committed(env.store.commit(notices(vec![later])).await?)?;
    env.clock.set(moment - Span::from_micros(1));
    let early = env.store.claim_notices(&claim(owner(1), &[])).await?;
    ensure_eq!((early.notices, early.next), (vec![], Some(moment)), "what is claimed before its time");
    env.clock.set(moment);
    ensure_eq!(claimed(env, &claim(owner(1), &[])).await?.len(), 1, "how many are claimed in time");
    Ok(())
}

pub(super) async fn only_the_named_channels_are_claimed(env: &mut Env) -> Check {
    let all = write(env, env.id(), &["mail", "slack", "mail", "page"]).await?;
    let by = |channel: &str| -> Vec<NoticeId> {
        all.iter().filter(|notice| &*notice.channel == channel).map(|notice| notice.id).collect()
    };
    let none = env.store.claim_notices(&claim(owner(1), &["fax"])).await?;
    ensure!(none.notices.is_empty() && none.next.is_none(), "an unused channel gives {none:?}");
    let mail = claimed(env, &claim(owner(1), &["mail", "fax"])).await?;
    ensure_eq!(ids(&mail), by("mail"), "what is claimed for mail");
    let next = env.store.claim_notices(&claim(owner(1), &["mail"])).await?.next;
    ensure_eq!(next, Some(env.seconds(60)), "when there may be more for mail");
    let rest = claimed(env, &claim(owner(2), &[])).await?;
    ensure_eq!(ids(&rest), [by("slack"), by("page")].concat(), "what is claimed for any channel");
    Ok(())
}

pub(super) async fn the_limit_cuts_a_claim(env: &mut Env) -> Check {
    let channels = ["mail"; 10];
    let all = write(env, env.id(), &channels).await?;
    let few = NoticeClaim { limit: 4, ..claim(owner(1), &[]) };
    let first = env.store.claim_notices(&few).await?;
    ensure_eq!(first.notices.len(), 4, "how many are claimed");
    ensure!(
        first.next.is_some_and(|next| next <= env.now()),
        "a cut claim says that the next comes {:?}",
        first.next
    );
    let mut found = ids(&first.notices);
    found.extend(ids(&claimed(env, &few).await?));
    let last = env.store.claim_notices(&few).await?;
    ensure_eq!(last.next, Some(env.seconds(60)), "when there may be more after the last");
    found.extend(ids(&last.notices));
    let mut wanted: Vec<NoticeId> = all.iter().map(|notice| notice.id).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    ensure_eq!(found, wanted, "what was claimed in all");
    Ok(())
}

pub(super) async fn the_notices_of_a_request_come_oldest_first(env: &mut Env) -> Check {
    let request = env.id();
    let mut wanted = Vec::new();
    for seconds in [5, 1, 3] {
        let mut one = notice(request, "mail", env.now())?;
        one.delivery = Delivery::Waiting { attempts: 1, next_at: env.seconds(seconds) };
        wanted.push(one.id);
        committed(env.store.commit(notices(vec![one])).await?)?;
        write(env, env.id(), &["mail"]).await?;
    }
    env.clock.advance(Span::from_secs(10));
    let got = claimed(env, &claim(owner(1), &[])).await?;
    ensure_eq!(ids(got.iter().filter(|c| c.notice.request == request)), wanted, "the notices of one request");
    let listed: Vec<NoticeId> = env.store.notices(request).await?.iter().map(|notice| notice.id).collect();
    ensure_eq!(listed, wanted, "the list of notices of one request");
    Ok(())
}

pub(super) async fn a_settled_notice_is_not_claimed_again(env: &mut Env) -> Check {
    let request = env.id();
    write(env, request, &["mail"; 3]).await?;
    let got = claimed(env, &claim(owner(1), &[])).await?;
    let now = env.now();
    let ends = [
        delivered(now),
        Delivery::Failed { at: now, why: "no such \"person\"".into() },
        Delivery::Obsolete { at: now },
    ];
    let settlements: Vec<NoticeSettlement> = got
        .iter()
        .zip(&ends)
        .flat_map(|(claimed, end)| settlement(&claimed.notice, owner(1), end.clone()))
        .collect();
    env.store.settle_notices(settlements).await?;
    env.clock.advance(Span::from_hours(1));
    let later = env.store.claim_notices(&claim(owner(2), &[])).await?;
    ensure!(later.notices.is_empty() && later.next.is_none(), "settled notices are given out: {later:?}");
    let states: Vec<Delivery> = env.store.notices(request).await?.into_iter().map(|n| n.delivery).collect();
    ensure_eq!(states, ends, "how the notices stand");
    Ok(())
}

pub(super) async fn a_notice_that_is_put_back_waits_for_its_time(env: &mut Env) -> Check {
    let request = env.id();
    write(env, request, &["mail"]).await?;
    let moment = env.seconds(120);
    let back = Delivery::Waiting { attempts: 1, next_at: moment };
    for got in claimed(env, &claim(owner(1), &[])).await? {
        env.store.settle_notices(settlement(&got.notice, owner(1), back.clone())).await?;
    }
    env.clock.set(moment - Span::from_micros(1));
    let early = env.store.claim_notices(&claim(owner(2), &[])).await?;
    ensure_eq!((early.notices, early.next), (vec![], Some(moment)), "what is claimed before the retry");
    env.clock.set(moment);
    let late = claimed(env, &claim(owner(2), &[])).await?;
    ensure_eq!(late.first().map(|c| &c.notice.delivery), Some(&back), "how the notice stands at the retry");
    Ok(())
}

pub(super) async fn only_the_owner_settles(env: &mut Env) -> Check {
    let request = env.id();
    let all = write(env, request, &["mail"]).await?;
    let Some(one) = all.first() else { return Ok(()) };
    let waiting = one.delivery.clone();
    let state =
        async || Ok::<_, Stop>(env.store.notices(request).await?.into_iter().next().map(|n| n.delivery));

    env.store.settle_notices(settlement(one, owner(1), delivered(env.now()))).await?;
    ensure_eq!(state().await?, Some(waiting.clone()), "a notice that was settled without a claim");
    claimed(env, &claim(owner(1), &[])).await?;
    env.store.settle_notices(settlement(one, owner(2), delivered(env.now()))).await?;
    ensure_eq!(state().await?, Some(waiting.clone()), "a notice that another settled");
    env.clock.advance(Span::from_secs(60));
    ensure_eq!(claimed(env, &claim(owner(2), &[])).await?.len(), 1, "how many are claimed after the lease");
    env.store.settle_notices(settlement(one, owner(1), delivered(env.now()))).await?;
    ensure_eq!(state().await?, Some(waiting), "a notice that was settled after its lease was lost");
    env.store.settle_notices(settlement(one, owner(2), delivered(env.now()))).await?;
    ensure_eq!(state().await?, Some(delivered(env.now())), "a notice that its owner settled");
    let twice = Delivery::Obsolete { at: env.now() };
    env.store.settle_notices(settlement(one, owner(2), twice)).await?;
    ensure_eq!(state().await?, Some(delivered(env.now())), "a notice that was settled twice");
    Ok(())
}

pub(super) async fn the_owner_may_settle_late(env: &mut Env) -> Check {
    let request = env.id();
    write(env, request, &["mail"]).await?;
    let got = claimed(env, &claim(owner(1), &[])).await?;
    env.clock.advance(Span::from_hours(1));
    for claimed in got {
        env.store.settle_notices(settlement(&claimed.notice, owner(1), delivered(env.now()))).await?;
    }
    ensure_eq!(claimed(env, &claim(owner(2), &[])).await?, vec![], "what is claimed after a late settlement");
    Ok(())
}

pub(super) async fn settlements_of_unknown_notices_are_ignored(env: &mut Env) -> Check {
    let real = write(env, env.id(), &["mail"]).await?;
    let got = claimed(env, &claim(owner(1), &[])).await?;
    let mut settlements = settlement(&notice(env.id(), "mail", env.now())?, owner(1), delivered(env.now()));
    for claimed in &got {
        let stranger = OutboxNotice { id: NoticeId::generate(env.now()), ..claimed.notice.clone() };
        settlements.extend(settlement(&stranger, owner(1), delivered(env.now())));
        settlements.extend(settlement(&claimed.notice, owner(1), delivered(env.now())));
    }
    env.store.settle_notices(settlements).await?;
    let request = real.first().map_or_else(|| env.id(), |notice| notice.request);
    let states: Vec<Delivery> = env.store.notices(request).await?.into_iter().map(|n| n.delivery).collect();
    ensure_eq!(states, vec![delivered(env.now())], "how the real notice stands");
    Ok(())
}

pub(super) async fn each_notice_has_one_owner(env: &mut Env) -> Check {
    for _ in 0..20 {
        write(env, env.id(), &["mail"; 5]).await?;
    }
    let mut tasks = Vec::new();
    for number in 0..16 {
        let store = std::sync::Arc::clone(&env.store);
        let claim = NoticeClaim { limit: 7, ..claim(owner(number), &[]) };
        tasks.push(tokio::spawn(async move {
            let mut all = Vec::new();
            loop {
                let got = store.claim_notices(&claim).await?.notices;
                if got.is_empty() {
                    return Ok::<_, approval_core::store::StoreError>(all);
                }
                all.extend(ids(&got));
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    let total = all.len();
    all.sort_unstable();
    all.dedup();
    ensure_eq!((total, all.len()), (100, 100), "how many were claimed, and how many of them once");
    Ok(())
}

pub(super) async fn a_commit_may_claim_its_notices(env: &mut Env) -> Check {
    if !env.store.claims_when_writing() {
        return Ok(());
    }
    let mut ear = env.ear();
    let until = env.seconds(60);
    let claim_by = |number| Some(ClaimWhenWriting { owner: owner(number), lease: Span::from_secs(60) });
    let mut written = Vec::new();
    for number in [1, 2] {
        let (id, sample) = env.sample();
        let mut commit = creation(&sample)?;
        commit.notices = vec![notice(id, "mail", env.now())?];
        commit.claim = claim_by(number);
        committed(env.store.commit(commit.clone()).await?)?;
        let told = ear.until(|change| matches!(change, Change::Claimed { .. } | Change::Notices)).await?;
        let Some(Change::Claimed { owner: by, until: end, notices }) = told.last() else {
            return Err(Stop::Broken(format!("claimed notices are reported as {:.300?}", told.last())));
        };
        ensure_eq!((*by, *end, notices), (owner(number), until, &commit.notices), "what the owner is handed");
        written.append(&mut commit.notices);
    }
    let [settled, left] = written.as_slice() else { return Err(Stop::Broken("two notices".to_owned())) };
    let other = env.store.claim_notices(&claim(owner(3), &[])).await?;
    ensure_eq!((other.notices, other.next), (vec![], Some(until)), "what another owner gets");
    for by in [3, 1] {
        env.store.settle_notices(settlement(settled, owner(by), delivered(env.now()))).await?;
        let stored = env.store.notices(settled.request).await?;
        let counts = stored.iter().any(|notice| matches!(notice.delivery, Delivery::Delivered { .. }));
        ensure_eq!(counts, by == 1, "whether it counts who settles");
    }
    env.clock.set(until);
    let again = claimed(env, &claim(owner(3), &[])).await?;
    ensure_eq!(ids(&again), vec![left.id], "what is claimed after the lease");
    Ok(())
}

/// A claim in another namespace.
fn claim_in(namespace: &str, owner: ExecutorId) -> NoticeClaim {
    NoticeClaim { namespace: namespace.into(), limit: 1000, ..claim(owner, &[]) }
}

pub(super) async fn notices_of_other_namespaces_starve_nobody(env: &mut Env) -> Check {
    for number in 0..300 {
        let (id, sample) = env.sample();
        let namespace = if number % 2 == 0 { "other" } else { "default/" };
        let mut commit = creation(&sample.namespace(namespace))?;
        commit.notices = vec![notice(id, "mail", env.now())?];
        committed(env.store.commit(commit).await?)?;
    }
    env.clock.advance(Span::from_secs(1));
    let (id, sample) = env.sample();
    let mut commit = creation(&sample)?;
    commit.notices = vec![notice(id, "mail", env.now())?];
    let wanted = commit.notices.iter().map(|notice| notice.id).collect::<Vec<_>>();
    committed(env.store.commit(commit).await?)?;
    for channels in [&["mail"][..], &[]] {
        let few = NoticeClaim { limit: 1, ..claim(owner(1), channels) };
        ensure_eq!(ids(&claimed(env, &few).await?), wanted, "what is claimed behind 300 of other namespaces");
        let next = env.store.claim_notices(&few).await?.next;
        ensure_eq!(next, Some(env.seconds(60)), "when there may be more");
        env.clock.advance(Span::from_secs(60));
    }
    let others = claimed(env, &claim_in("other", owner(2))).await?;
    ensure_eq!(others.len(), 150, "how many are claimed in another namespace");
    let nobody = env.store.claim_notices(&claim_in("Default", owner(2))).await?;
    ensure!(nobody.notices.is_empty() && nobody.next.is_none(), "an unused namespace gives {nobody:?}");
    Ok(())
}

pub(super) async fn a_notice_has_the_namespace_of_its_request(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let sample = sample.namespace("other");
    env.create(id, &sample).await?;
    let mut with_a_change = update(1, &sample)?;
    with_a_change.notices = vec![notice(id, "mail", env.now())?];
    committed(env.store.commit(with_a_change).await?)?;
    write(env, id, &["slack"]).await?;
    ensure_eq!(
        claimed(env, &claim(owner(1), &[])).await?,
        vec![],
        "what is claimed in the namespace by default"
    );
    let got = claimed(env, &claim_in("other", owner(1))).await?;
    ensure_eq!(got.len(), 2, "how many are claimed in the namespace of the request");
    // Put back, they wait in the same namespace.
    let waiting = Delivery::Waiting { attempts: 1, next_at: env.seconds(1) };
    for one in &got {
        env.store.settle_notices(settlement(&one.notice, owner(1), waiting.clone())).await?;
    }
    env.clock.advance(Span::from_secs(1));
    ensure_eq!(claimed(env, &claim(owner(1), &[])).await?, vec![], "what is claimed after it was put back");
    ensure_eq!(claimed(env, &claim_in("other", owner(2))).await?.len(), 2, "how many are claimed again");
    Ok(())
}
