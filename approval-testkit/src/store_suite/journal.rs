//! The journal.

use std::sync::Arc;

use approval_core::{
    Principal,
    model::{Basis, SourceDigest, SourceKind},
    store::{JournalEntry, JournalLine, StoreError},
};

use super::{Check, Env, Stop, ensure, ensure_eq};

/// A line that differs from every other number's.
fn line(env: &Env, number: usize) -> Result<JournalLine, Stop> {
    let (_, sample) = env.sample();
    Ok(JournalLine::Call {
        at: env.now(),
        action: "balance.read".into(),
        version: 1,
        digest: sample.document()?.request().original,
        agent: Principal::agent("suite")?,
        run: number.is_multiple_of(2).then(|| "run".into()),
        rule: format!("rule \"{number}\"").into(),
        outcome: "allowed".into(),
        why: None,
        basis: number
            .is_multiple_of(3)
            .then(|| Arc::new(Basis::new(Some(SourceDigest::of("rules: []")), None))),
    })
}

fn lines(env: &Env, from: usize, count: usize) -> Result<Vec<JournalLine>, Stop> {
    (from..from + count).map(|number| line(env, number)).collect()
}

fn texts(entries: &[JournalEntry]) -> Vec<&JournalLine> {
    entries.iter().map(|entry| &entry.line).collect()
}

pub(super) async fn an_empty_journal_has_no_lines(env: &mut Env) -> Check {
    ensure_eq!(env.store.read_journal(0, 10).await?, vec![], "an empty journal");
    env.store.append_journal(vec![]).await?;
    ensure_eq!(env.store.read_journal(0, 10).await?, vec![], "a journal after nothing was appended");
    Ok(())
}

pub(super) async fn the_journal_keeps_its_order(env: &mut Env) -> Check {
    let mut all = Vec::new();
    for (from, count) in [(0, 1), (1, 30), (31, 2)] {
        let some = lines(env, from, count)?;
        all.extend(some.clone());
        env.store.append_journal(some).await?;
    }
    let found = env.store.read_journal(0, 1000).await?;
    ensure_eq!(texts(&found), all.iter().collect::<Vec<_>>(), "the journal");
    ensure!(found.is_sorted_by(|a, b| a.number < b.number), "the numbers do not count up: {found:.300?}");
    ensure!(found.first().is_some_and(|first| first.number > 0), "the first number is 0");
    Ok(())
}

pub(super) async fn the_journal_is_read_a_page_at_a_time(env: &mut Env) -> Check {
    env.store.append_journal(lines(env, 0, 25)?).await?;
    let whole = env.store.read_journal(0, 100).await?;
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = env.store.read_journal(after, 10).await?;
        ensure!(page.len() <= 10, "a page of at most 10 has {}", page.len());
        let Some(last) = page.last() else { break };
        after = last.number;
        found.extend(page);
    }
    ensure_eq!(found, whole, "the pages together");
    ensure_eq!(env.store.read_journal(u64::MAX, 10).await?, vec![], "what comes after the last number");
    Ok(())
}

pub(super) async fn every_kind_of_line_is_kept(env: &mut Env) -> Check {
    let refused = JournalLine::Refused {
        at: env.now(),
        request: env.id(),
        by: Principal::agent("mallory")?,
        via: Some("mail\u{0}\u{202e}".into()),
        why: "vote: not an approver".into(),
        count: u64::from(u32::MAX) + 1,
    };
    let reloaded = JournalLine::Reloaded {
        at: env.now(),
        agent: Principal::agent("suite")?,
        namespace: "team".into(),
        what: SourceKind::Policy,
        from: None,
        to: Some(SourceDigest::of("rules: []")),
    };
    let all = vec![refused, line(env, 1)?, reloaded, line(env, 3)?];
    env.store.append_journal(all.clone()).await?;
    ensure_eq!(texts(&env.store.read_journal(0, 10).await?), all.iter().collect::<Vec<_>>(), "the journal");
    Ok(())
}

pub(super) async fn lines_appended_together_stay_together(env: &mut Env) -> Check {
    let mut tasks = Vec::new();
    for group in 0..20 {
        let some = lines(env, group * 10, 10)?;
        let store = Arc::clone(&env.store);
        tasks.push(tokio::spawn(async move { store.append_journal(some).await }));
    }
    for task in tasks {
        task.await??;
    }
    let found = env.store.read_journal(0, 1000).await?;
    ensure_eq!(found.len(), 200, "the number of lines");
    for group in found.chunks(10) {
        let Some(JournalEntry { line: JournalLine::Call { rule, .. }, .. }) = group.first() else {
            return Err(Stop::Broken("a line of another kind is in the journal".to_owned()));
        };
        let first = (0..20).find(|number| **rule == *format!("rule \"{}\"", number * 10));
        let Some(first) = first else {
            return Err(Stop::Broken(format!("{rule} follows the last line of another group")));
        };
        ensure_eq!(texts(group), lines(env, first * 10, 10)?.iter().collect::<Vec<_>>(), "a group of lines");
    }
    Ok(())
}

pub(super) async fn imported_lines_keep_their_numbers(env: &mut Env) -> Check {
    let entries = |from: usize, numbers: &[u64]| -> Result<Vec<JournalEntry>, Stop> {
        let lines = lines(env, from, numbers.len())?;
        Ok(numbers.iter().zip(lines).map(|(number, line)| JournalEntry { number: *number, line }).collect())
    };
    let (first, second) = (entries(0, &[3, 4, 9])?, entries(3, &[12])?);
    match env.store.import_journal(first.clone()).await {
        Err(StoreError::Unsupported { .. }) => {
            ensure_eq!(env.store.read_journal(0, 10).await?, vec![], "what a store that cannot import has");
            return Ok(());
        }
        done => done?,
    }
    env.store.import_journal(second.clone()).await?;
    let all = [first, second].concat();
    ensure_eq!(env.store.read_journal(0, 10).await?, all, "the imported journal");
    for again in [entries(4, &[12])?, entries(4, &[5])?, entries(4, &[13, 4])?, entries(4, &[20, 20])?] {
        let numbers: Vec<_> = again.iter().map(|entry| entry.number).collect();
        ensure!(env.store.import_journal(again).await.is_err(), "numbers {numbers:?} are taken behind 12");
    }
    ensure_eq!(env.store.read_journal(0, 10).await?, all, "the journal after refused imports");
    env.store.append_journal(lines(env, 5, 1)?).await?;
    let last = env.store.read_journal(12, 10).await?;
    ensure_eq!(texts(&last), vec![&line(env, 5)?], "what was appended behind what was imported");
    Ok(())
}
