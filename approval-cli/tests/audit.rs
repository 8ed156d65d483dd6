//! `approvals audit`, from the command line.
#![cfg(test)]

use std::{fs, path::Path, sync::Arc};

use approval_core::{
    Action, ApprovalManager, Principal, RequestId,
    audit::{Ed25519Signer, FileSink, Sealer, Sealing},
    clock::Span,
    file::WatchedFile,
    model::SourceDigest,
    store::Store,
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;

/// What a command wrote, and its status.
fn approvals(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status = approval_cli::run([&["approvals", "audit"], arguments].concat(), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

/// A store with three decided requests and an open one, sealed; its keys and a copy of its seals beside it.
fn scene(folder: &Path) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let file = folder.join("approvals.db");
    runtime.block_on(async {
        let clock = FakeClock::at("2025-01-14T12:00:00Z");
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::builder(&file).clock(Arc::new(clock.clone())).open().unwrap());
        let manager = ApprovalManager::builder()
            .shared_store(Arc::clone(&store))
            .clock(Arc::new(clock.clone()))
            .agent("agent")
            .unattended()
            .build()
            .unwrap();
        let ann = Principal::new("user:ann@example.com").unwrap();
        for number in 0..4 {
            let action = Action::new("mail.send").unwrap();
            let action = action.describe(|action| action.no_timeout().approvers([ann.as_str()])).unwrap();
            let action = action.arguments(&serde_json::json!({ "number": number })).unwrap();
            let seen = manager.request(action).await.unwrap().request().await.unwrap();
            if number > 0 {
                manager.decider("mail").reject(&seen, &ann, Some("=2+2")).await.unwrap();
            }
        }
        let signer = Ed25519Signer::generate().unwrap();
        fs::write(folder.join("seal.pem"), signer.to_pem().unwrap()).unwrap();
        fs::write(folder.join("seal.pub"), signer.public_pem().unwrap()).unwrap();
        let sealing = Sealing::new().signer(signer).sink(FileSink::new(folder.join("seals.jsonl")));
        clock.advance(Span::from_secs(1));
        Sealer::new(Arc::clone(&store), sealing).seal().await.unwrap();
        manager.shutdown().await.unwrap();
        store.close().await.unwrap();
    });
    file.display().to_string()
}

#[test]
fn a_trail_is_verified_exported_and_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let store = scene(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (key, private, seals, trail) =
        (path("seal.pub"), path("seal.pem"), path("seals.jsonl"), path("trail.jsonl"));

    let (status, out, _) = approvals(&["verify", "--store", &store, "--key", &key, "--seals", &seals]);
    assert_eq!(status, 0, "{out}");
    assert!(out.starts_with("sound: 4 requests with 10 events, "), "{out}");
    assert!(out.contains("seals: 1, 1 of them signed") && !out.contains("not checked"), "{out}");
    let (status, out, _) = approvals(&["verify", "--store", &store]);
    assert!(status == 0 && out.contains("no --key") && out.contains("no copy of the --seals"), "{out}");

    let (status, out, errors) = approvals(&["export", "--store", &store, "--out", &trail]);
    assert_eq!((status, out.as_str()), (0, ""), "{errors}");
    let (status, _, errors) = approvals(&["export", "--store", &store, "--out", &trail]);
    assert!(status == 2 && errors.contains("trail.jsonl"), "an earlier export is not written over: {errors}");
    let (status, csv, _) = approvals(&["export", "--store", &store, "--format", "csv"]);
    assert_eq!((status, csv.lines().count()), (0, 11));
    assert!(csv.contains("\"'=2+2\""), "{csv}");

    let prune = ["prune", "--store", &store, "--before", "2025-06-01", "--seals", &seals];
    let (status, out, _) = approvals(&prune);
    assert!(status == 0 && out.starts_with("3 requests") && out.contains("say --yes"), "{out}");
    let (status, _, errors) = approvals(&[&prune[..], &["--yes"]].concat());
    assert!(status == 2 && errors.contains("no key was given"), "{errors}");
    let (status, out, errors) = approvals(&[&prune[..], &["--yes", "--key", &private]].concat());
    assert!(status == 0 && out.contains(" removed; 1 as old stay"), "{out}{errors}");
    let (status, out, _) = approvals(&["verify", "--store", &store, "--key", &key, "--seals", &seals]);
    assert!(status == 0 && out.contains("3 requests removed by retention"), "{out}");

    // The export of before fits the seals of before.
    let verify = ["verify", "--trail", &trail, "--key", &key, "--seals", &seals];
    let (status, out, _) = approvals(&verify);
    assert!(status == 1 && out.starts_with("BREACH: "), "{out}");
    let (status, out, _) = approvals(&[&verify[..], &["--as-of", "1"]].concat());
    assert_eq!(status, 0, "{out}");

    let text = fs::read_to_string(&trail).unwrap().replacen("=2+2", "=2+3", 1);
    fs::write(&trail, text).unwrap();
    let (status, out, _) = approvals(&[&verify[..], &["--as-of", "1"]].concat());
    assert!(status == 1 && out.contains("was edited"), "{out}");
}

/// A store with a request that was opened under one text of rules and used under another. Its id, and the texts.
fn under_rules(folder: &Path) -> (String, RequestId, [String; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = folder.join("approvals.db");
    let texts = ["then", "now"].map(|name| {
        format!("policy:\n  rules:\n  - {{name: {name}, ask: user:ann@example.com}}\n  # \u{202e}")
    });
    let id = runtime.block_on(async {
        let clock = FakeClock::at("2025-01-14T12:00:00Z");
        let rules = folder.join("approvals.yaml");
        let say = |text: &str| fs::write(&rules, format!("{text}\nserver: {{token: s3cret}}\n")).unwrap();
        say(&texts[0]);
        let file = WatchedFile::load(&rules, &clock).unwrap();
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::builder(&database).clock(Arc::new(clock.clone())).open().unwrap());
        let manager = ApprovalManager::builder()
            .shared_store(Arc::clone(&store))
            .clock(Arc::new(clock.clone()))
            .agent("agent")
            .policy(file.clone())
            .unattended()
            .build()
            .unwrap();
        let action =
            Action::new("mail.send").unwrap().arguments(&serde_json::json!({ "number": 1 })).unwrap();
        let waiting = manager.request(action).await.unwrap();
        let seen = waiting.request().await.unwrap();
        let ann = Principal::new("user:ann@example.com").unwrap();
        manager.decider("mail").approve(&seen, &ann, None).await.unwrap();
        say(&texts[1]);
        assert!(file.reload(&clock).unwrap());
        waiting.await.unwrap().begin().await.unwrap().succeeded(None).await;
        manager.shutdown().await.unwrap();
        store.close().await.unwrap();
        seen.id
    });
    (database.display().to_string(), id, texts)
}

#[test]
fn the_rules_of_then_are_shown_by_the_digests_that_a_request_names() {
    let folder = tempfile::tempdir().unwrap();
    let (store, id, texts) = under_rules(folder.path());
    let digests = texts.each_ref().map(|text| SourceDigest::of(text).hex());
    let source = |more: &[&str]| approvals(&[&["source", "--store", &store], more].concat());

    let (status, out, errors) = source(&["--request", &id.to_string()]);
    let expected = format!(
        "2025-01-14T12:00:00Z created: policy {}\n2025-01-14T12:00:00Z consumed: policy {}\n",
        digests[0].get(..12).unwrap(),
        digests[1].get(..12).unwrap()
    );
    assert_eq!((status, out), (0, expected), "{errors}");
    for (digest, text) in digests.iter().zip(&texts) {
        for named in [digest.get(..8).unwrap(), digest, &format!("sha256:{digest}")] {
            let shown = text.replace('\u{202e}', "⟨U+202E⟩");
            assert_eq!(source(&[named]), (0, format!("{shown}\n"), String::new()));
        }
    }
    let mut listed: Vec<String> = digests
        .iter()
        .zip(&texts)
        .map(|(digest, text)| format!("sha256:{digest}  {} bytes", text.len()))
        .collect();
    listed.sort();
    assert_eq!(source(&[]).1.lines().collect::<Vec<_>>(), listed);

    let (status, out, errors) = source(&["0123456789abcdef"]);
    assert!(
        status == 2 && out.is_empty() && errors.contains("no text of rules or people is kept under 0123"),
        "{errors}"
    );
    for wrong in ["0123456", "policy", "0123456G", "ABCDEF0123"] {
        let (status, _, errors) = source(&[wrong]);
        assert!(status == 2 && errors.contains("8 or more"), "{wrong}: {errors}");
    }
    let (status, _, errors) = source(&["--request", "0197f3a0-0000-7000-8000-000000000000"]);
    assert!(status == 2 && errors.contains("there is no request"), "{errors}");
}

#[test]
fn texts_of_rules_are_exported_and_held_against_their_digests() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _, texts) = under_rules(folder.path());
    let (status, out, _) = approvals(&["verify", "--store", &store]);
    assert!(status == 0 && out.contains("rules and people: 2 texts, each fits its digest"), "{out}");
    let (_, trail, _) = approvals(&["export", "--store", &store]);
    let named: Vec<&str> = trail.lines().filter(|line| line.starts_with("{\"source\":")).collect();
    assert_eq!(named.len(), 2);
    assert!(!trail.contains("s3cret"));
    let reload = trail.lines().find(|line| line.contains("\"reloaded\"")).unwrap();
    for text in &texts {
        assert!(reload.contains(&SourceDigest::of(text).to_string()), "{reload}");
    }
    let (_, csv, _) = approvals(&["export", "--store", &store, "--format", "csv"]);
    let digest = SourceDigest::of(&texts[0]).to_string();
    assert!(csv.lines().nth(1).unwrap().ends_with(&format!("\"{digest}\",\"\"")), "{csv}");
    assert!(csv.contains("reloaded: policy"), "{csv}");
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("typo.db");
    for command in [&["verify"][..], &["export"], &["source"], &["prune", "--before", "2025-06-01"]] {
        let (status, _, errors) = approvals(&[command, &["--store", store.to_str().unwrap()]].concat());
        assert!(status == 2 && errors.contains("there is no file"), "{errors}");
    }
    assert!(!store.exists());
    let (status, _, errors) = approvals(&["prune", "--store", "x", "--before", "yesterday"]);
    assert!(status == 2 && errors.contains("neither a day"), "{errors}");
    let (status, ..) = approvals(&["verify"]);
    assert_eq!(status, 2);
}
