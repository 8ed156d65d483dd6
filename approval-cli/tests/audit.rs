//! `approvals audit`, from the command line.
#![cfg(test)]

use std::{fs, path::Path, sync::Arc};

use approval_core::{
    Action, ApprovalManager, Principal,
    audit::{Ed25519Signer, FileSink, Sealer, Sealing},
    clock::Span,
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

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("typo.db");
    for command in [&["verify"][..], &["export"], &["prune", "--before", "2025-06-01"]] {
        let (status, _, errors) = approvals(&[command, &["--store", store.to_str().unwrap()]].concat());
        assert!(status == 2 && errors.contains("there is no file"), "{errors}");
    }
    assert!(!store.exists());
    let (status, _, errors) = approvals(&["prune", "--store", "x", "--before", "yesterday"]);
    assert!(status == 2 && errors.contains("neither a day"), "{errors}");
    let (status, ..) = approvals(&["verify"]);
    assert_eq!(status, 2);
}
