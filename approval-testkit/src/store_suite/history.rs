//! The history of requests.

use approval_core::model::EventLine;

use super::{
    Check, Env, ensure_eq,
    env::{committed, creation, line, update},
};

pub(super) async fn an_unknown_request_has_no_history(env: &mut Env) -> Check {
    env.created().await?;
    ensure_eq!(env.store.history(env.id()).await?, vec![], "the history of an unknown request");
    Ok(())
}

pub(super) async fn history_is_kept_in_order(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let mut first = creation(&sample)?;
    first.events = vec![line(1), line(2)];
    committed(env.store.commit(first).await?)?;
    let (other, _) = env.created().await?;
    for version in 1..15 {
        let mut next = update(version, &sample.clone().remark("x", env.now()))?;
        next.events = vec![line(2 * version + 1), line(2 * version + 2)];
        committed(env.store.commit(next).await?)?;
    }
    let wanted: Vec<EventLine> = (1..=30).map(line).collect();
    ensure_eq!(env.store.history(id).await?, wanted, "the history");
    ensure_eq!(env.store.history(other).await?, vec![line(1)], "the history of another request");
    Ok(())
}

pub(super) async fn lines_are_kept_to_the_byte(env: &mut Env) -> Check {
    let texts =
        ["", " ", "{\"a\": 1.0}", "not JSON", "\u{0}\u{1}", "e\u{301}\u{e9}\u{202e}\u{10ffff}", "a\r\nb\n"];
    let lines: Vec<EventLine> =
        (1..).zip(texts).map(|(seq, text)| EventLine { seq, text: text.into() }).collect();
    let (id, sample) = env.sample();
    let mut commit = creation(&sample)?;
    commit.events.clone_from(&lines);
    committed(env.store.commit(commit).await?)?;
    ensure_eq!(env.store.history(id).await?, lines, "the history");
    Ok(())
}

pub(super) async fn a_change_may_have_no_line(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let mut silent = update(1, &sample.remark("x", env.now()))?;
    silent.events.clear();
    committed(env.store.commit(silent).await?)?;
    ensure_eq!(env.stored(id).await?.version, 2, "the version");
    ensure_eq!(env.store.history(id).await?, vec![line(1)], "the history");
    Ok(())
}
