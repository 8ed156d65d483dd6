//! Somebody who may write everything: rewrites the whole trail so that it fits itself, cuts it, empties it. The seals held
//! elsewhere tell.

use std::sync::Arc;

use approval_core::{
    ApprovalError, RequestId, SystemClock,
    audit::{
        BadSignature, Breach, Leaf, Seal, SealSigner, Sealer, Sealing, Signature, VerifyOptions, verify_store,
    },
    manager::Grant,
    model::{ChainHash, ChainHead, EventLine, Status},
    store::{MemoryStore, Query, Store},
};
use approval_store::SqliteStore;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::common::{Key, ann, call, decided, export, fill, lenient, manager, seals, verify};

/// A trail taken apart: whoever has all of it can put it together again in another way.
#[derive(Clone, Default)]
struct Parts {
    seals: Vec<Seal>,
    requests: Vec<(RequestId, Vec<String>)>,
    journal: Vec<String>,
    sources: Vec<String>,
}

fn inside<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    line.strip_prefix(&format!("{{\"{kind}\":"))?.strip_suffix('}')
}

fn head(lines: &[String]) -> ChainHead {
    ChainHead {
        count: lines.len() as u64,
        hash: lines.last().map_or(ChainHash::ZERO, |line| ChainHash::of(line)),
    }
}

impl Parts {
    fn of(trail: &str) -> Self {
        let mut parts = Self::default();
        for line in trail.lines() {
            if let Some(seal) = inside(line, "seal") {
                parts.seals.push(Seal::parse(seal).unwrap());
            } else if let Some(head) = inside(line, "request") {
                let head: serde_json::Value = serde_json::from_str(head).unwrap();
                parts.requests.push((head["id"].as_str().unwrap().parse().unwrap(), Vec::new()));
            } else if let Some(event) = inside(line, "event") {
                parts.requests.last_mut().unwrap().1.push(event.to_owned());
            } else if inside(line, "journal").is_some() {
                parts.journal.push(line.to_owned());
            } else if inside(line, "source").is_some() {
                parts.sources.push(line.to_owned());
            }
        }
        parts
    }

    /// The trail, its sum right.
    fn text(&self) -> String {
        let mut text = "{\"trail\":1}\n".to_owned();
        for seal in &self.seals {
            text += &format!("{{\"seal\":{}}}\n", seal.line().unwrap());
        }
        for (id, lines) in &self.requests {
            let ChainHead { count, hash } = head(lines);
            text += &format!("{{\"request\":{{\"count\":{count},\"hash\":\"{hash}\",\"id\":\"{id}\"}}}}\n");
            for line in lines {
                text += &format!("{{\"event\":{line}}}\n");
            }
        }
        for line in self.journal.iter().chain(&self.sources) {
            text += &format!("{line}\n");
        }
        let hash = ChainHash::from_bytes(Sha256::digest(text.as_bytes()).into());
        let lines = text.lines().count();
        text + &format!("{{\"end\":{{\"hash\":\"{hash}\",\"lines\":{lines}}}}}\n")
    }

    /// Computes every chain of a request anew, so that its lines fit each other.
    fn rechain(&mut self, request: usize) {
        let mut prev = ChainHash::ZERO;
        for line in &mut self.requests[request].1 {
            let at = line.find(r#""prev":""#).unwrap() + 8;
            line.replace_range(at..at + 64, &prev.to_string());
            prev = ChainHash::of(line);
        }
    }

    /// Computes every seal anew from what the trail says now, signed by whoever has a key.
    async fn reseal(&mut self, signer: Option<&dyn SealSigner>) {
        let mut prev = ChainHash::ZERO;
        for seal in &mut self.seals {
            let leaves = seal.leaves.iter().filter_map(|leaf| {
                let (_, lines) = self.requests.iter().find(|(id, _)| *id == leaf.request)?;
                let lines = lines.get(..usize::try_from(leaf.count).unwrap()).unwrap_or(lines);
                let mut leaf = *leaf;
                (leaf.count, leaf.hash) = (head(lines).count, head(lines).hash);
                Some(leaf)
            });
            seal.leaves = leaves.collect();
            seal.header.leaves = seal.leaves.len() as u64;
            seal.header.root = Seal::root(&seal.leaves);
            seal.header.prev = prev;
            prev = seal.header.hash();
            seal.signature = match signer {
                Some(signer) => Some(Signature {
                    key: signer.key().into(),
                    value: signer.sign(&seal.header.signed()).await.unwrap(),
                }),
                None => None,
            };
        }
    }
}

struct Case {
    parts: Parts,
    key: Key,
    held: Vec<Seal>,
}

impl Case {
    async fn new() -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let key = Key::new();
        fill(&store, Arc::new(SystemClock), &key, 30).await;
        let parts = Parts::of(&export(&*store).await);
        assert_eq!(parts.text(), export(&*store).await, "taking apart and putting together is sound");
        Self { parts, key, held: seals(&*store).await }
    }

    fn by_key(&self, parts: &Parts) -> Breach {
        verify(&parts.text(), self.key.options()).unwrap_err()
    }

    /// Without a key, against the seals held elsewhere.
    fn by_copy(&self, parts: &Parts) -> Breach {
        let options = VerifyOptions { held: self.held.clone(), ..lenient() };
        verify(&parts.text(), options).unwrap_err()
    }
}

#[tokio::test]
async fn a_trail_that_was_rewritten_to_fit_itself_is_found_by_key_and_by_a_copy_of_its_seals() {
    let case = Case::new().await;
    let mut forged = case.parts.clone();
    let place = forged.requests.iter().position(|(_, lines)| lines[2].contains("too much")).unwrap();
    let (id, lines) = &mut forged.requests[place];
    let id = *id;
    lines[2] = lines[2].replace("too much", "go ahead");
    forged.rechain(place);
    forged.reseal(None).await;
    // The forgery is a good one: by itself the trail is sound.
    verify(&forged.text(), lenient()).unwrap();

    assert_eq!(case.by_key(&forged), Breach::NotSigned { number: 1 });
    let breach = case.by_copy(&forged);
    assert!(
        matches!(breach, Breach::Rewritten { request, since: 1, upto: 4, .. } if request == id),
        "{breach}"
    );

    let mallory = Key::new();
    forged.reseal(Some(&mallory.signer)).await;
    verify(&forged.text(), mallory.options()).unwrap();
    let breach = case.by_key(&forged);
    assert!(
        matches!(breach, Breach::BadSignature { number: 1, why: BadSignature::UnknownKey, .. }),
        "{breach}"
    );
    // Naming the right key does not help.
    for seal in &mut forged.seals {
        seal.signature.as_mut().unwrap().key = case.key.signer.key().into();
    }
    let breach = case.by_key(&forged);
    assert!(matches!(breach, Breach::BadSignature { number: 1, why: BadSignature::Wrong, .. }), "{breach}");
}

#[tokio::test]
async fn what_was_done_to_which_line_is_said() {
    let case = Case::new().await;
    let id = case.parts.requests[4].0;
    let changed = |change: &dyn Fn(&mut Parts)| {
        let mut parts = case.parts.clone();
        change(&mut parts);
        parts
    };
    let breach = |change: &dyn Fn(&mut Parts)| case.by_copy(&changed(change));

    for place in 0..4 {
        let edited = breach(&|parts| {
            let line = &mut parts.requests[4].1[place];
            *line = line.replacen("\"at\":\"2", "\"at\":\"3", 1);
        });
        let seq = place as u64 + 1;
        if place < 3 {
            assert_eq!(edited, Breach::Edited { request: id, seq });
        } else {
            assert!(
                matches!(edited, Breach::Rewritten { request, upto: 4, .. } if request == id),
                "{edited}"
            );
        }
    }
    let dropped = breach(&|parts| drop(parts.requests[4].1.remove(1)));
    assert_eq!(dropped, Breach::Dropped { request: id, seq: 2 });
    let swapped = breach(&|parts| parts.requests[4].1.swap(1, 2));
    assert_eq!(swapped, Breach::Reordered { request: id, seq: 3, before: 2 });
    let doubled = breach(&|parts| {
        let line = parts.requests[4].1[1].clone();
        parts.requests[4].1.insert(2, line);
    });
    assert_eq!(doubled, Breach::Duplicated { request: id, seq: 2 });
    let forked = breach(&|parts| {
        let line = parts.requests[4].1[1].replacen("\"at\":\"2", "\"at\":\"3", 1);
        parts.requests[4].1.insert(2, line);
    });
    assert_eq!(forked, Breach::Forked { request: id, seq: 2 });
    let foreign = breach(&|parts| parts.requests[4].1[2] = parts.requests[5].1[2].clone());
    assert_eq!(foreign, Breach::Foreign { request: id, seq: 3, other: case.parts.requests[5].0 });
    let cut = breach(&|parts| parts.requests[4].1.truncate(3));
    assert!(matches!(cut, Breach::TailCut { request, found: 3, sealed: 4, .. } if request == id), "{cut}");
    let gone = breach(&|parts| drop(parts.requests.remove(4)));
    assert!(matches!(gone, Breach::RequestMissing { request, count: 4, .. } if request == id), "{gone}");
    let twice = breach(&|parts| parts.requests.insert(4, parts.requests[4].clone()));
    assert!(
        matches!(twice, Breach::RequestOutOfPlace { request } | Breach::WrongHead { request, .. } if request == id),
        "{twice}"
    );
    let journal = breach(&|parts| {
        let call = parts.journal.iter_mut().find(|line| line.contains("allowed")).unwrap();
        *call = call.replace("allowed", "denied");
    });
    assert!(matches!(journal, Breach::JournalChanged { .. }), "{journal}");
    let journal = breach(&|parts| drop(parts.journal.pop()));
    assert!(matches!(journal, Breach::JournalCut { .. }), "{journal}");
    let gap = breach(&|parts| drop(parts.seals.remove(2)));
    assert_eq!(gap, Breach::SealGap { expected: 3, found: 4 });
    let cut = breach(&|parts| drop(parts.seals.pop()));
    assert_eq!(cut, Breach::SealsCut { found: case.held.len() as u64 - 1, held: case.held.len() as u64 });
    let leaf = breach(&|parts| {
        let mut leaves = parts.seals[3].leaves.to_vec();
        leaves.pop();
        parts.seals[3].leaves = leaves.into();
    });
    assert!(matches!(leaf, Breach::BadSeal { line: 5, .. }), "{leaf}");
}

#[tokio::test]
async fn an_event_that_is_added_behind_the_last_seal_is_found_or_counted_as_not_sealed() {
    let case = Case::new().await;
    let last = case.held.last().unwrap().header.at;
    let mut added = case.parts.clone();
    let mut line = added.requests[4].1[3].replace("\"seq\":4", "\"seq\":5");
    line.truncate(line.find("\"what\":").unwrap());
    line += "\"what\":{\"kind\":\"commented\",\"text\":\"all fine\"}}";
    added.requests[4].1.push(line.clone());
    added.rechain(4);
    assert_eq!(case.by_copy(&added), Breach::Added { request: added.requests[4].0, seq: 5 });

    // One that says that it is younger than the last seal may be true: no seal speaks for it.
    let at = line.find("\"at\":\"").unwrap() + 6;
    let end = at + line[at..].find('"').unwrap();
    line.replace_range(
        at..end,
        &approval_core::clock::after(last, approval_core::clock::Span::from_secs(1)).to_string(),
    );
    *added.requests[4].1.last_mut().unwrap() = line;
    added.rechain(4);
    let options = VerifyOptions { held: case.held.clone(), ..case.key.options() };
    assert_eq!(verify(&added.text(), options).unwrap().unsealed, 1);
}

/// Rows that were false from the start get a seal like any others. What cannot have happened is seen all the same.
#[tokio::test]
async fn a_run_that_nobody_approved_is_found_though_every_hash_and_seal_is_right() {
    let case = Case::new().await;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let manager = manager(&store, Arc::new(SystemClock));
    let decider = manager.decider("slack");
    let seen = manager.request(call(1)).await.unwrap().request().await.unwrap();
    decider.approve(&seen, &ann(), None).await.unwrap();
    let body = async |arguments, _: Option<Grant>| Ok::<_, ApprovalError>(arguments);
    let run = |number: usize| {
        let action = call(number).key(format!("key {number}"));
        manager.guard(action).run(body)
    };
    let decide = async {
        loop {
            let open = Query { status: vec![Status::Pending], ..Query::default() };
            if let Some(stored) = store.list(&open).await.unwrap().items.first() {
                break decider.approve(&stored.request, &ann(), None).await.unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    let (ran, decided) = futures_util::join!(run(2), decide);
    ran.unwrap();
    let honest = store.history(decided.id).await.unwrap();
    assert_eq!(honest.len(), 5, "opened, voted, decided, consumed, executed");
    let honest: Vec<String> = honest.iter().map(|line| line.text.to_string()).collect();

    // The seals name the histories as they are, whatever they say: the forger was faster than the sealer.
    let forged = async |change: &dyn Fn(&mut Vec<String>)| {
        let mut parts = case.parts.clone();
        let mut lines = honest.clone();
        change(&mut lines);
        for (seq, line) in (1..).zip(&mut lines) {
            let at = line.find("\"seq\":").unwrap() + 6;
            let end = at + line[at..].find(',').unwrap();
            line.replace_range(at..end, &format!("{seq}"));
        }
        parts.requests.push((decided.id, lines));
        let last = parts.requests.len() - 1;
        parts.rechain(last);
        let leaf = Leaf::new(decided.id, head(&parts.requests[last].1));
        let mut leaves = parts.seals.last().unwrap().leaves.to_vec();
        leaves.push(leaf);
        parts.seals.last_mut().unwrap().leaves = leaves.into();
        parts.reseal(Some(&case.key.signer)).await;
        verify(&parts.text(), case.key.options())
    };
    let impossible = |found: Result<_, Breach>, at: u64, word: &str| match found {
        Err(Breach::Impossible { request, seq, why }) => {
            assert_eq!((request, seq), (decided.id, at));
            assert!(why.contains(word), "{why}");
        }
        other => panic!("not found: {other:?}"),
    };
    forged(&|_| {}).await.unwrap();
    impossible(forged(&|lines| drop(lines.drain(1..3))).await, 2, "without an approval");
    impossible(forged(&|lines| lines.insert(4, lines[3].clone())).await, 5, "twice");
    impossible(forged(&|lines| lines.insert(3, lines[2].clone())).await, 4, "decided before");
    impossible(forged(&|lines| drop(lines.remove(3))).await, 4, "did not begin");
    impossible(forged(&|lines| drop(lines.remove(0))).await, 1, "begins with");
    impossible(
        forged(&|lines| lines[2] = lines[2].replace("\"outcome\":\"approved\"", "\"outcome\":\"rejected\""))
            .await,
        4,
        "without an approval",
    );
    let digest = |line: &str| line[line.find("sha256:").unwrap() + 7..][..64].to_owned();
    let other = "0".repeat(64);
    impossible(
        forged(&|lines| lines[3] = lines[3].replace(&digest(&lines[3]), &other)).await,
        4,
        "other arguments",
    );
}

#[tokio::test]
async fn an_older_export_is_held_against_the_seals_of_its_time() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let key = Key::new();
    fill(&store, Arc::new(SystemClock), &key, 9).await;
    let (old, at) = (export(&*store).await, seals(&*store).await.len() as u64);
    fill(&store, Arc::new(SystemClock), &key, 9).await;
    let held = seals(&*store).await;
    let today = VerifyOptions { held, ..key.options() };
    let cut = verify(&old, today.clone()).unwrap_err();
    assert!(matches!(cut, Breach::RequestMissing { .. } | Breach::JournalCut { .. }), "{cut}");
    let report = verify(&old, VerifyOptions { as_of: Some(at), ..today }).unwrap();
    assert_eq!((report.held, report.seals, report.unsealed), (at, at, 0));
}

/// A store with a sealed trail in a file, and the seals held elsewhere.
async fn on_disk() -> (tempfile::TempDir, Arc<dyn Store>, Connection, VerifyOptions) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&file).unwrap());
    let key = Key::new();
    fill(&store, Arc::new(SystemClock), &key, 12).await;
    let options = VerifyOptions { held: seals(&*store).await, ..key.options() };
    let report = verify_store(&*store, options.clone()).await.unwrap().unwrap();
    assert_eq!((report.requests, report.events, report.unsealed), (12, 48, 0));
    (folder, store, Connection::open(file).unwrap(), options)
}

async fn breach(store: &dyn Store, options: &VerifyOptions) -> Breach {
    verify_store(store, options.clone()).await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_database_whose_rows_were_edited_cut_or_deleted_is_found_out() {
    let (_folder, store, rows, options) = on_disk().await;
    let id: RequestId = {
        let bytes: Vec<u8> = rows
            .query_row("SELECT id FROM requests ORDER BY id LIMIT 1 OFFSET 5", [], |row| row.get(0))
            .unwrap();
        RequestId::from_uuid(uuid::Uuid::from_slice(&bytes).unwrap())
    };
    let before: Vec<EventLine> = store.history(id).await.unwrap();
    let line = |seq: u64, text: &str| {
        rows.execute(
            "UPDATE events SET line = ?3 WHERE request = ?1 AND seq = ?2",
            params![id.as_bytes(), i64::try_from(seq).unwrap(), text],
        )
        .unwrap();
    };
    line(2, &before[1].text.replace("user:ann", "user:eve"));
    assert_eq!(breach(&*store, &options).await, Breach::Edited { request: id, seq: 2 });
    line(2, &before[1].text);
    verify_store(&*store, options.clone()).await.unwrap().unwrap();

    rows.execute("DELETE FROM events WHERE request = ?1 AND seq = 4", [&id.as_bytes()[..]]).unwrap();
    let cut = breach(&*store, &options).await;
    assert!(matches!(cut, Breach::TailCut { request, found: 3, sealed: 4, .. } if request == id), "{cut}");

    rows.execute("DELETE FROM requests WHERE id = ?1", [&id.as_bytes()[..]]).unwrap();
    let missing = breach(&*store, &options).await;
    assert!(matches!(missing, Breach::RequestMissing { request, .. } if request == id), "{missing}");
}

#[tokio::test]
async fn a_database_that_was_emptied_or_rolled_back_is_found_out() {
    let (_folder, store, rows, options) = on_disk().await;
    // Back to the state after the first seal, seals and all.
    rows.execute_batch(
        "DELETE FROM records WHERE name > 'audit/seal/00000000000000000001' AND name < 'audit/state';
        DELETE FROM journal;",
    )
    .unwrap();
    let found = breach(&*store, &options).await;
    assert!(matches!(found, Breach::JournalCut { .. } | Breach::RequestMissing { .. }), "{found}");
    rows.execute_batch("DELETE FROM requests; DELETE FROM events; DELETE FROM records; DELETE FROM journal;")
        .unwrap();
    let found = breach(&*store, &options).await;
    assert!(matches!(found, Breach::RequestMissing { .. }), "{found}");
    // An empty store has nothing to say for itself, and nothing against it: hence the copy.
    assert_eq!(verify_store(&*store, lenient()).await.unwrap().unwrap().seals, 0);

    // A new trail in its place is another one.
    let manager = manager(&store, Arc::new(SystemClock));
    decided(&manager, 1).await;
    Sealer::new(Arc::clone(&store), Sealing::new()).seal().await.unwrap();
    let found = breach(&*store, &VerifyOptions { keys: None, ..options }).await;
    assert!(matches!(found, Breach::RequestMissing { .. }), "{found}");
}
