//! Texts that want to be something else, and very long ones.

use approval_core::{
    model::Status,
    store::{Query, RecordName, StoreError},
};

use super::{
    Check, Env, Stop, ensure, ensure_eq,
    env::{Ear, committed, creation, line, notice, update},
};

const TEXTS: &[&str] = &[
    "'; DROP TABLE requests; --",
    "\" OR 1=1",
    "\0",
    "a\0b",
    "%_*?[]{}()",
    "\\x00\\'\\\"",
    "\u{202e}evil\u{2066}",
    "\u{feff}\u{200b}",
    "\u{10ffff}",
    "null",
    "0",
    "1e309",
    " ",
    "\r\n\t",
    "$1 ?1 :name @name",
];

pub(super) async fn hostile_texts_are_only_texts(env: &mut Env) -> Check {
    for text in TEXTS {
        let (id, sample) = env.sample();
        let sample =
            sample.key(text).namespace(text).run(text).intent(text).argument(text).remark(text, env.now());
        let mut commit = creation(&sample)?;
        commit.notices = vec![notice(id, text, env.now())?];
        commit.writes = vec![super::env::write(text, text.as_bytes())];
        committed(env.store.commit(commit).await?)?;
        let stored = env.stored(id).await?;
        ensure_eq!(&stored.request, sample.document()?.request(), "the stored request");
        ensure_eq!(env.store.find(text).await?.map(|s| s.request.id), Some(id), "what the key finds");
        for query in [
            Query { namespace: Some((*text).into()), ..Query::default() },
            Query { run: Some((*text).into()), ..Query::default() },
        ] {
            let found: Vec<_> = env.store.list(&query).await?.items.iter().map(|s| s.request.id).collect();
            ensure_eq!(found, vec![id], "what a filter by that text finds");
        }
        let channels: Vec<_> = env.store.notices(id).await?.into_iter().map(|n| n.channel).collect();
        ensure_eq!(channels, vec![std::sync::Arc::from(*text)], "the channel of the notice");
        let name = RecordName::new(*text);
        ensure_eq!(env.store.record(&name).await?.map(|r| r.name), Some(name.clone()), "the record");
        ensure!(
            env.store.records(text, None, 100).await?.iter().any(|record| record.name == name),
            "a list by prefix {text:?} lacks the record of that name"
        );
    }
    Ok(())
}

pub(super) async fn large_arguments_are_kept_whole(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let sample = sample.argument(&"x\u{e9}\"\n".repeat(200_000)).intent(&"why ".repeat(50_000));
    let mut commit = creation(&sample)?;
    let long = approval_core::model::EventLine { seq: 1, text: "long ".repeat(200_000).into() };
    commit.events = vec![long.clone()];
    commit.writes = vec![super::env::write("large", &vec![7; 1_000_000])];
    committed(env.store.commit(commit).await?)?;
    ensure!(
        env.stored(id).await?.request == *sample.document()?.request(),
        "a large request comes back changed"
    );
    ensure!(env.store.history(id).await? == vec![long], "a long line of history comes back changed");
    let record = env.store.record(&RecordName::new("large")).await?;
    ensure_eq!(record.map(|r| r.value.len()), Some(1_000_000), "the length of a large record");
    Ok(())
}

pub(super) async fn a_commit_may_have_many_rows(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let mut commit = creation(&sample)?;
    commit.events = (1..=30).map(line).collect();
    commit.notices = (0..30).map(|_| notice(id, "mail", env.now())).collect::<Result<_, Stop>>()?;
    committed(env.store.commit(commit.clone()).await?)?;
    ensure_eq!(env.store.history(id).await?, commit.events, "the history");
    ensure_eq!(env.store.notices(id).await?, commit.notices, "the notices");
    Ok(())
}

pub(super) async fn what_cannot_be_read_is_an_error(env: &mut Env) -> Check {
    let (id, sample) = env.sample();
    let stored = env.create(id, &sample.key("one").deadline(Some(env.seconds(1)))).await?;
    let good = serde_json::to_string(&*stored.request).map_err(|e| Stop::Broken(e.to_string()))?;
    let strange = good.replace("\"status\":\"pending\"", "\"status\":\"blessed\"");
    ensure!(strange != good, "the suite did not find the status in {good}");
    for document in [strange.as_str(), "", "null", "{", "\u{0}", "[]"] {
        if !env.home.overwrite_document(id, document.as_bytes()).await? {
            return Err(Stop::NotApplicable);
        }
        let load = env.store.load(id).await;
        ensure!(matches!(load, Err(StoreError::Unreadable { .. })), "load of {document:?} gives {load:?}");
        let find = env.store.find("one").await;
        ensure!(matches!(find, Err(StoreError::Unreadable { .. })), "find of {document:?} gives {find:?}");
        let list = env.store.list(&Query { status: vec![Status::Pending], ..Query::default() }).await;
        ensure!(matches!(list, Err(StoreError::Unreadable { .. })), "list of {document:?} gives {list:?}");
    }
    Ok(())
}

pub(super) async fn one_bad_document_does_not_keep_others_from_being_due(env: &mut Env) -> Check {
    let (bad, sample) = env.sample();
    env.create(bad, &sample.deadline(Some(env.seconds(1)))).await?;
    let (good, sample) = env.sample();
    let sample = sample.deadline(Some(env.seconds(2)));
    env.create(good, &sample).await?;
    if !env.home.overwrite_document(bad, b"{}").await? {
        return Err(Stop::NotApplicable);
    }
    env.clock.set(env.seconds(10));
    let mut ear = Ear::on(&*env.store);
    let due = env.store.due("default", 1).await?;
    ensure_eq!(due.items.iter().map(|s| s.request.id).collect::<Vec<_>>(), vec![good], "what is due");
    committed(env.store.commit(update(1, &sample.deadline(None))?).await?)?;
    ear.until(|change| super::env::is_about(change, good)).await?;
    let due = env.store.due("default", 10).await?;
    ensure!(due.items.is_empty() && due.next.is_none(), "a document that cannot be read is due: {due:?}");
    Ok(())
}
