//! Conditions on named records.

use approval_core::store::{Commit, CommitOutcome, Condition, Record, RecordName};

use super::{
    Check, Env, Stop, ensure, ensure_eq, ensure_is,
    env::{absent, committed, remove, update, write},
};

fn only_if(conditions: Vec<Condition>) -> Commit {
    Commit { conditions, ..Commit::default() }
}

fn present(name: &str) -> Condition {
    Condition::Present(RecordName::new(name))
}

fn version(name: &str, version: u64) -> Condition {
    Condition::Version(RecordName::new(name), version)
}

fn refused(outcome: CommitOutcome) -> Result<(String, Option<Record>), Stop> {
    let (name, found) = ensure_is!(
        outcome, CommitOutcome::ConditionFailed { name, found } => (name, found),
        "the answer to a condition that does not hold"
    );
    Ok((name.as_str().to_owned(), found))
}

pub(super) async fn absent_holds_while_there_is_no_record(env: &mut Env) -> Check {
    committed(env.store.commit(only_if(vec![absent("r")])).await?)?;
    env.write_record("r", b"value").await?;
    let (name, found) = refused(env.store.commit(only_if(vec![absent("r")])).await?)?;
    ensure_eq!(name, "r", "the record that the refusal names");
    ensure_eq!(found, env.store.record(&RecordName::new("r")).await?, "the record that the refusal shows");
    ensure!(found.is_some(), "the refusal shows no record");
    Ok(())
}

pub(super) async fn present_holds_while_there_is_a_record(env: &mut Env) -> Check {
    let (name, found) = refused(env.store.commit(only_if(vec![present("r")])).await?)?;
    ensure_eq!((name.as_str(), found), ("r", None), "the refusal");
    env.write_record("r", b"").await?;
    committed(env.store.commit(only_if(vec![present("r")])).await?)?;
    env.write_record("r", b"again").await?;
    committed(env.store.commit(only_if(vec![present("r")])).await?)?;
    Ok(())
}

pub(super) async fn version_holds_for_that_version(env: &mut Env) -> Check {
    refused(env.store.commit(only_if(vec![version("r", 0)])).await?)?;
    refused(env.store.commit(only_if(vec![version("r", 1)])).await?)?;
    env.write_record("r", b"one").await?;
    env.write_record("r", b"two").await?;
    let (_, found) = refused(env.store.commit(only_if(vec![version("r", 1)])).await?)?;
    ensure_eq!(
        found.map(|record| (record.version, record.value)),
        Some((2, b"two".to_vec())),
        "the record shown"
    );
    refused(env.store.commit(only_if(vec![version("r", 3)])).await?)?;
    committed(env.store.commit(only_if(vec![version("r", 2)])).await?)?;
    Ok(())
}

pub(super) async fn every_condition_must_hold(env: &mut Env) -> Check {
    env.write_record("a", b"").await?;
    let good = vec![present("a"), version("a", 1), absent("b"), absent("c")];
    committed(env.store.commit(only_if(good.clone())).await?)?;
    for place in 0..=good.len() {
        let mut conditions = good.clone();
        conditions.insert(place, present("missing"));
        let (name, _) = refused(env.store.commit(only_if(conditions)).await?)?;
        ensure_eq!(name, "missing", "the record that the refusal names");
    }
    Ok(())
}

pub(super) async fn conditions_see_records_before_the_writes(env: &mut Env) -> Check {
    let first = Commit { conditions: vec![absent("r")], writes: vec![write("r", b"1")], ..Commit::default() };
    committed(env.store.commit(first.clone()).await?)?;
    refused(env.store.commit(first).await?)?;
    let swap =
        Commit { conditions: vec![version("r", 1)], writes: vec![write("r", b"2")], ..Commit::default() };
    committed(env.store.commit(swap.clone()).await?)?;
    refused(env.store.commit(swap).await?)?;
    let end = Commit { conditions: vec![present("r")], writes: vec![remove("r")], ..Commit::default() };
    committed(env.store.commit(end.clone()).await?)?;
    refused(env.store.commit(end).await?)?;
    Ok(())
}

pub(super) async fn a_request_can_be_bound_to_a_record(env: &mut Env) -> Check {
    let (id, sample) = env.created().await?;
    let mut bound = update(1, &sample.remark("bound", env.now()))?;
    bound.conditions = vec![absent("halt")];
    env.write_record("halt", b"stop").await?;
    refused(env.store.commit(bound.clone()).await?)?;
    ensure_eq!(env.stored(id).await?.version, 1, "the version after a refusal");
    committed(env.store.commit(Commit { writes: vec![remove("halt")], ..Commit::default() }).await?)?;
    committed(env.store.commit(bound).await?)?;
    Ok(())
}
