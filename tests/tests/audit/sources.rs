//! The texts of rules and people in a trail, tampered with.

use std::sync::Arc;

use approval_core::{
    SystemClock,
    audit::{Breach, Retention, Sealer, Sealing, next_source, prune, read_source, verify_store},
    clock::{Clock, Span, after},
    model::{ChainHash, SourceDigest},
    store::{Commit, MemoryStore, RecordName, RecordWrite, Store},
};
use approval_testkit::FakeClock;
use sha2::{Digest, Sha256};

use crate::common::{RULES, decided, export, lenient, manager, manager_under, verify};

const OTHER: &str = "policy:\n  rules: []\n  autonomy: 1";

/// A store with requests under two texts.
async fn store() -> Arc<dyn Store> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    decided(&manager(&store, Arc::new(SystemClock)), 1).await;
    decided(&manager_under(&store, Arc::new(SystemClock), OTHER), 2).await;
    store
}

/// Lines of a trail, its end left out.
async fn lines(store: &dyn Store) -> Vec<String> {
    let mut lines: Vec<String> = export(store).await.lines().map(str::to_owned).collect();
    assert!(lines.pop().unwrap().starts_with("{\"end\":"));
    lines
}

/// These lines with an end that fits them.
fn ended(lines: &[String]) -> String {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let hash = ChainHash::from_bytes(Sha256::digest(text.as_bytes()).into());
    format!("{text}{{\"end\":{{\"hash\":\"{hash}\",\"lines\":{}}}}}\n", lines.len())
}

/// The lines of a trail that hold texts.
fn texts(lines: &[String]) -> Vec<usize> {
    let is_text = |line: &String| line.starts_with("{\"source\":");
    lines.iter().enumerate().filter(|(_, line)| is_text(line)).map(|(place, _)| place).collect()
}

#[tokio::test]
async fn a_trail_has_the_text_of_every_digest_that_it_names() {
    let lines = lines(&*store().await).await;
    assert_eq!(texts(&lines), [lines.len() - 2, lines.len() - 1]);
    let report = verify(&ended(&lines), lenient()).unwrap();
    assert_eq!((report.sources, report.without_text.len()), (2, 0));
    for text in [RULES, OTHER] {
        let digest = SourceDigest::of(text);
        let line = format!("{{\"source\":{}}}", serde_json::json!({ "digest": digest, "text": text }));
        assert!(lines.contains(&line), "{line}");
    }
}

#[tokio::test]
async fn a_text_that_was_edited_is_found() {
    let lines = lines(&*store().await).await;
    for (place, from, to) in
        [(0, "policy", "Policy"), (1, "rules", "rule"), (1, "]", "] "), (0, ":\\n", ":\\n\\n")]
    {
        let mut lines = lines.clone();
        let place = texts(&lines)[place];
        lines[place] = lines[place].replacen(from, to, 1);
        let breach = verify(&ended(&lines), lenient()).unwrap_err();
        assert!(matches!(breach, Breach::SourceEdited { .. }), "{from}: {breach}");
    }
}

#[tokio::test]
async fn a_text_that_is_missing_is_told_and_is_no_breach() {
    let whole = lines(&*store().await).await;
    for text in [RULES, OTHER] {
        let digest = SourceDigest::of(text);
        let mut lines = whole.clone();
        lines.retain(|line| !(line.starts_with("{\"source\":") && line.contains(&digest.to_string())));
        let report = verify(&ended(&lines), lenient()).unwrap();
        assert_eq!((report.sources, report.without_text), (1, [digest].into()));
    }
    // Another text in its place, under the digest of that text, is no text of what is named.
    let mut lines = whole.clone();
    let place = texts(&lines)[0];
    let forged = "policy: none";
    let named = [RULES, OTHER].map(SourceDigest::of);
    let digest = SourceDigest::of(forged);
    lines[place] = format!("{{\"source\":{}}}", serde_json::json!({ "digest": digest, "text": forged }));
    lines[place..].sort();
    let report = verify(&ended(&lines), lenient()).unwrap();
    assert_eq!((report.sources, report.without_text), (2, [*named.iter().min().unwrap()].into()));
}

#[tokio::test]
async fn texts_that_stand_twice_or_elsewhere_are_found() {
    let whole = lines(&*store().await).await;
    let [first, second] = texts(&whole)[..] else { panic!("two texts") };
    let mut twice = whole.clone();
    twice.insert(second, whole[first].clone());
    let mut swapped = whole.clone();
    swapped.swap(first, second);
    for lines in [twice, swapped] {
        let breach = verify(&ended(&lines), lenient()).unwrap_err();
        assert!(matches!(breach, Breach::SourceOutOfPlace { .. }), "{breach}");
    }
    let mut early = whole.clone();
    let text = early.remove(first);
    early.insert(1, text);
    let breach = verify(&ended(&early), lenient()).unwrap_err();
    assert!(matches!(breach, Breach::Misplaced { line: 3, what: "a request" }), "{breach}");
    let mut odd = whole.clone();
    odd[first] = odd[first].replacen("{\"digest\"", "{ \"digest\"", 1);
    let breach = verify(&ended(&odd), lenient()).unwrap_err();
    assert!(matches!(breach, Breach::Unreadable { .. }), "{breach}");
}

#[tokio::test]
async fn a_text_that_was_edited_in_the_store_is_found() {
    for value in [b"policy: none".to_vec(), vec![0xff, 0xfe], Vec::new()] {
        let store = store().await;
        let name = RecordName::new(format!("source/{}/0000", SourceDigest::of(RULES).hex()));
        let forged = RecordWrite { name, value: Some(value) };
        store.commit(Commit { writes: vec![forged], ..Commit::default() }).await.unwrap();
        let breach = verify_store(&*store, lenient()).await.unwrap().unwrap_err();
        assert_eq!(breach, Breach::SourceEdited { digest: SourceDigest::of(RULES) });
    }
    let store = store().await;
    let stray = RecordWrite { name: RecordName::new("source/0000"), value: Some(b"{}".to_vec()) };
    store.commit(Commit { writes: vec![stray], ..Commit::default() }).await.unwrap();
    let report = verify_store(&*store, lenient()).await.unwrap().unwrap();
    assert_eq!(report.sources, 2, "what no digest names is no text");
}

#[tokio::test]
async fn texts_stay_when_requests_are_removed() {
    let clock = FakeClock::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    decided(&manager(&store, Arc::new(clock.clone())), 1).await;
    clock.advance(Span::from_hours(24 * 365));
    let sealer = Sealer::new(Arc::clone(&store), Sealing::new());
    let before = after(clock.now(), -Span::from_hours(24));
    assert_eq!(prune(&*store, &sealer, Retention { before }).await.unwrap().removed, 1);
    let digest = SourceDigest::of(RULES);
    assert_eq!(next_source(&*store, None).await.unwrap(), Some(digest));
    assert_eq!(**read_source(&*store, digest).await.unwrap().unwrap().text(), *RULES);
}
