//! What survives, and what other processes see. Only for stores whose data outlive them.

use approval_core::{
    clock::Span,
    model::Delivery,
    store::{NoticeSettlement, Query, RecordName},
};

use super::{
    Check, Env, ensure, ensure_eq,
    env::{claim, committed, creation, line, notice, update, write},
    notices::owner,
};

pub(super) async fn everything_survives_a_restart(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let sample = sample.key("one").deadline(Some(env.seconds(60)));
    let mut commit = creation(&sample)?;
    commit.notices = vec![notice(id, "mail", env.now())?, notice(id, "slack", env.now())?];
    commit.writes = vec![write("halt", b"stop")];
    committed(env.store.commit(commit.clone()).await?)?;
    committed(env.store.commit(update(1, &sample.clone().remark("x", env.now()))?).await?)?;
    let before = env.stored(id).await?;
    let record = env.store.record(&RecordName::new("halt")).await?;

    env.reopen().await?;
    ensure_eq!(env.stored(id).await?, before, "the request after a restart");
    ensure_eq!(env.store.find("one").await?, Some(before), "what the key finds after a restart");
    ensure_eq!(env.store.history(id).await?, vec![line(1), line(2)], "the history after a restart");
    ensure_eq!(env.store.notices(id).await?, commit.notices, "the notices after a restart");
    ensure_eq!(env.store.record(&RecordName::new("halt")).await?, record, "the record after a restart");
    ensure_eq!(
        env.store.list(&Query::default()).await?.items.len(),
        1,
        "the length of the list after a restart"
    );
    ensure_eq!(
        env.store.due("default", 10).await?.next,
        Some(env.seconds(60)),
        "when the next is due after a restart"
    );
    committed(env.store.commit(update(2, &sample)?).await?)?;
    Ok(())
}

pub(super) async fn leases_survive_a_restart(env: &mut Env) -> Check {
    let request = env.id();
    let all = vec![notice(request, "mail", env.now())?];
    committed(env.store.commit(super::env::notices(all)).await?)?;
    env.store.claim_notices(&claim(owner(1), &[])).await?;
    env.reopen().await?;
    let other = env.store.claim_notices(&claim(owner(2), &[])).await?;
    ensure_eq!((other.notices, other.next), (vec![], Some(env.seconds(60))), "what another owner gets");
    let got = env.store.notices(request).await?;
    for notice in got {
        let delivery = Delivery::Obsolete { at: env.now() };
        let settlement = NoticeSettlement { request, id: notice.id, owner: owner(1), delivery };
        env.store.settle_notices(vec![settlement]).await?;
    }
    env.reopen().await?;
    env.clock.advance(Span::from_hours(1));
    let later = env.store.claim_notices(&claim(owner(2), &[])).await?;
    ensure_eq!(later.notices, vec![], "what is claimed after the settlement");
    Ok(())
}

pub(super) async fn the_journal_survives_a_restart(env: &mut Env) -> Check {
    let by = approval_core::Principal::agent("suite")?;
    let refused = |count| approval_core::store::JournalLine::Refused {
        at: env.now(),
        request: env.id(),
        by: by.clone(),
        via: None,
        why: "no".into(),
        count,
    };
    let (first, second) = (refused(1), refused(2));
    env.store.append_journal(vec![first]).await?;
    let before = env.store.read_journal(0, 10).await?;
    env.reopen().await?;
    ensure_eq!(env.store.read_journal(0, 10).await?, before, "the journal after a restart");
    env.store.append_journal(vec![second]).await?;
    let after = env.store.read_journal(0, 10).await?;
    ensure!(after.is_sorted_by(|a, b| a.number < b.number), "the numbers do not count on: {after:.300?}");
    ensure_eq!(after.len(), 2, "the number of lines");
    Ok(())
}

pub(super) async fn what_was_acknowledged_is_there_without_closing(env: &mut Env) -> Check {
    let other = env.another().await?;
    for _ in 0..20 {
        let (id, sample) = env.created().await?;
        let seen = other.load(id).await?;
        ensure_eq!(
            seen.as_ref().map(|stored| stored.version),
            Some(1),
            "the version that another store sees at once"
        );
        committed(other.commit(update(1, &sample)?).await?)?;
        ensure_eq!(env.stored(id).await?.version, 2, "the version that the first store sees at once");
    }
    Ok(())
}

pub(super) async fn two_stores_do_not_both_win(env: &mut Env) -> Check {
    let other = env.another().await?;
    for _ in 0..20 {
        let (id, sample) = env.created().await?;
        let mine = env.store.commit(update(1, &sample.clone().remark("mine", env.now()))?);
        let theirs = other.commit(update(1, &sample.remark("theirs", env.now()))?);
        let (mine, theirs) = tokio::join!(mine, theirs);
        let won = [mine?, theirs?]
            .iter()
            .filter(|outcome| matches!(outcome, approval_core::store::CommitOutcome::Committed { .. }))
            .count();
        ensure_eq!(won, 1, "how many of two stores wrote the same version");
        ensure_eq!(other.load(id).await?, Some(env.stored(id).await?), "the request that the other sees");
    }
    Ok(())
}
