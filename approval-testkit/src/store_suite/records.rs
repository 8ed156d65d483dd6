//! Named records.

use approval_core::{
    clock::Span,
    store::{Commit, RecordName},
};

use super::{
    Check, Env, Stop, ensure, ensure_eq,
    env::{committed, remove, write},
};

async fn names(env: &Env, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Stop> {
    let after = after.map(RecordName::new);
    let records = env.store.records(prefix, after.as_ref(), limit).await?;
    Ok(records.into_iter().map(|record| record.name.as_str().to_owned()).collect())
}

pub(super) async fn a_record_has_value_version_and_time(env: &mut Env) -> Check {
    let name = RecordName::new("lease/1");
    ensure!(env.store.record(&name).await?.is_none(), "a record is there that was never written");
    let bytes: Vec<u8> = (0..=255).collect();
    for version in 1..4_u64 {
        env.clock.advance(Span::from_secs(1));
        env.write_record("lease/1", &bytes).await?;
        let record = env.store.record(&name).await?;
        let found = record.map(|r| (r.name, r.version, r.value, r.updated_at));
        ensure_eq!(found, Some((name.clone(), version, bytes.clone(), env.now())), "the record");
    }
    Ok(())
}

pub(super) async fn a_removed_record_is_gone(env: &mut Env) -> Check {
    let name = RecordName::new("r");
    env.write_record("r", b"1").await?;
    env.write_record("r", b"2").await?;
    let removal = Commit { writes: vec![remove("r"), remove("never-there")], ..Commit::default() };
    committed(env.store.commit(removal).await?)?;
    ensure!(env.store.record(&name).await?.is_none(), "a removed record is still there");
    ensure_eq!(names(env, "", None, 10).await?, Vec::<String>::new(), "the list of records");
    env.write_record("r", b"3").await?;
    ensure_eq!(
        env.store.record(&name).await?.map(|r| r.version),
        Some(1),
        "the version of a record made anew"
    );
    Ok(())
}

pub(super) async fn records_are_listed_in_the_order_of_bytes(env: &mut Env) -> Check {
    let mut all = ["b", "a", "a/2", "a/10", "A", "a\u{e9}", "a\u{301}", "aa", "a\u{10ffff}", "z", "\u{7f}"];
    for name in all {
        env.write_record(name, b"").await?;
    }
    all.sort_unstable();
    ensure_eq!(names(env, "", None, 100).await?, all, "the names");
    Ok(())
}

pub(super) async fn records_are_listed_by_prefix(env: &mut Env) -> Check {
    for name in ["a%b", "a%c", "a_b", "axb", "a%", "a", "b%", "a*", "a?", "a[b]", "A%b"] {
        env.write_record(name, b"").await?;
    }
    ensure_eq!(names(env, "a%", None, 100).await?, ["a%", "a%b", "a%c"], "names that begin with a%");
    ensure_eq!(names(env, "a_", None, 100).await?, ["a_b"], "names that begin with a_");
    ensure_eq!(names(env, "a[", None, 100).await?, ["a[b]"], "names that begin with a[");
    ensure_eq!(names(env, "c", None, 100).await?, Vec::<String>::new(), "names that begin with c");
    Ok(())
}

pub(super) async fn records_are_listed_a_page_at_a_time(env: &mut Env) -> Check {
    let all: Vec<String> = (10..35).map(|n| format!("p/{n}")).collect();
    for name in all.iter().map(String::as_str).chain(["o/99", "q/00"]) {
        env.write_record(name, b"").await?;
    }
    let mut found = Vec::new();
    while let page = names(env, "p/", found.last().map(String::as_str), 7).await?
        && !page.is_empty()
    {
        ensure!(page.len() <= 7, "a page of at most 7 has {} records", page.len());
        found.extend(page);
    }
    ensure_eq!(found, all, "the pages together");
    ensure_eq!(names(env, "p/", Some("a"), 1).await?, ["p/10"], "the page after a name before the prefix");
    ensure_eq!(
        names(env, "p/", Some("q"), 1).await?,
        Vec::<String>::new(),
        "the page after a name behind the prefix"
    );
    ensure_eq!(
        names(env, "p/", Some("p/10x"), 1).await?,
        ["p/11"],
        "the page after a name that is not there"
    );
    Ok(())
}

pub(super) async fn one_commit_writes_several_records(env: &mut Env) -> Check {
    env.write_record("b", b"old").await?;
    let writes = vec![write("a", b"1"), write("b", b"2"), remove("c"), write("d", b"4")];
    committed(env.store.commit(Commit { writes, ..Commit::default() }).await?)?;
    let found: Vec<(String, u64)> = env
        .store
        .records("", None, 10)
        .await?
        .into_iter()
        .map(|record| (record.name.as_str().to_owned(), record.version))
        .collect();
    let wanted = [("a", 1), ("b", 2), ("d", 1)].map(|(name, version)| (name.to_owned(), version));
    ensure_eq!(found, wanted, "the records");
    Ok(())
}

/// As large as the text of rules or people may be.
pub(super) async fn one_commit_writes_large_records(env: &mut Env) -> Check {
    let values: Vec<Vec<u8>> = (0..8_u8).map(|number| vec![number; 256 * 1024]).collect();
    let writes = values.iter().enumerate().map(|(number, value)| write(&format!("text/{number}"), value));
    committed(env.store.commit(Commit { writes: writes.collect(), ..Commit::default() }).await?)?;
    let found = env.store.records("text/", None, 8).await?;
    ensure_eq!(found.len(), 8, "the number of large records");
    let whole = found.iter().map(|record| &record.value).eq(&values);
    ensure!(whole, "large records come back changed or in another order");
    Ok(())
}
