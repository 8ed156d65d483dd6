//! Somebody who may write everything: rewrites the whole trail so that it fits itself, cuts it, empties it. The seals held
//! elsewhere tell.

use std::sync::Arc;

use approval_core::{
    RequestId, SystemClock,
    audit::{
        BadSignature, Breach, Seal, SealSigner, Sealer, Sealing, Signature, VerifyOptions, verify_store,
    },
    model::{ChainHash, ChainHead, EventLine},
    store::{MemoryStore, Store},
};
use approval_store::SqliteStore;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::common::{Key, decided, export, fill, lenient, manager, seals, verify};

/// A trail taken apart: whoever has all of it can put it together again in another way.
#[derive(Clone)]
struct Parts {
    seals: Vec<Seal>,
    requests: Vec<(RequestId, Vec<String>)>,
    journal: Vec<String>,
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
        let mut parts = Self { seals: Vec::new(), requests: Vec::new(), journal: Vec::new() };
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
        for line in &self.journal {
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
    let (id, lines) = &mut forged.requests[9];
    let id = *id;
    assert!(lines[2].contains("too much"));
    lines[2] = lines[2].replace("too much", "go ahead");
    forged.rechain(9);
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
    let journal = breach(&|parts| parts.journal[3] = parts.journal[3].replace("allowed", "denied"));
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
