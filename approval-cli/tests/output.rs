//! What a command prints: nothing hides in it, and no password of an address is in it. Files that are not safe are refused.
#![cfg(unix)]
#![cfg(test)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    sync::Arc,
};

use approval_core::{
    Action, ApprovalManager,
    audit::{Retention, Sealer, Sealing, prune},
    clock::Span,
    model::visible::is_hidden,
    store::Store,
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;

fn approvals(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status = approval_cli::run([&["approvals"], arguments].concat(), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

#[test]
fn no_command_repeats_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("approvals.yaml");
    fs::write(&good, "policy: { defaults: { outcome: ask } }\n").unwrap();
    let good = good.to_str().unwrap();
    for address in [
        "postgres://ann:s3cret@127.0.0.1:1/app?sslmode=off",
        "'postgres://ann:s3cret@db/app'",
        " postgres://ann:s3cret@db/app",
        "\u{feff}postgres://ann:s3cret@db/app",
        "sqlite:postgres://ann:s3cret@db/app",
        "host=db password=s3cret",
        "postgres:s3cret",
        "app.db?password=s3cret",
        "postgres%3A//ann:s3cret@db/app",
        "ann:s3cret@db",
    ] {
        let given = format!("--store={address}");
        for arguments in [
            &["stats", "--store", address][..],
            &["stats", &given],
            &["stats", address],
            &["stats", "--store", "x.db", "--from", address],
            &["stats", "--store", "x.db", "--by", address],
            &["audit", "verify", "--store", address],
            &["audit", "verify", "--store", "x.db", "--key", address],
            &["audit", "verify", "--store", "x.db", "--seals", address],
            &["audit", "export", "--store", address],
            &["audit", "source", "--store", address],
            &["audit", "source", "--store", "x.db", address],
            &["audit", "source", "--store", "x.db", "--request", address],
            &["audit", "prune", "--store", address, "--before", "2025-01-01"],
            &["store", "copy", address, "x.db"],
            &["store", "verify", "x.db", address],
            &["store", "archive", address, "--before", "2025-01-01"],
            &["store", "archive", address],
            &["policy", "check", address],
            &["policy", "check", "--json", address],
            &["policy", "suggest", good, "--store", address],
            &["policy", "test", address, "--action", "a.b"],
            &[address],
        ] {
            let (status, out, errors) = approvals(arguments);
            assert_ne!(status, 0, "{arguments:?}: {out}{errors}");
            assert!(!format!("{out}{errors}").contains("s3cret"), "{arguments:?}: {out}{errors}");
        }
    }
    let names: Vec<_> = fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("s3cret")), "{names:?}");
}

const HOSTILE: &str = "a\u{1b}[2J\u{202e}b\u{3164}\u{9b}31m";

/// Nothing but line feeds that a terminal acts on, or that is not seen.
fn is_clean(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !is_hidden(c))
}

/// A store whose namespace, agent's run, rule and reasons are hostile; three requests were removed by unsigned seals.
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
        let ann = approval_core::Principal::new("user:ann").unwrap();
        for number in 0..3 {
            let action = Action::new("mail.send").unwrap();
            let action = action.describe(|action| action.no_timeout().approvers([ann.as_str()])).unwrap();
            let action = action.arguments(&serde_json::json!({ "number": number, "text": HOSTILE })).unwrap();
            let seen = manager.request(action).await.unwrap().request().await.unwrap();
            manager.decider(HOSTILE).reject(&seen, &ann, Some(HOSTILE)).await.unwrap();
        }
        clock.advance(Span::from_hours(24 * 365));
        manager.shutdown().await.unwrap();
        store.close().await.unwrap();
    });
    file.display().to_string()
}

/// As anybody may who can write the store.
fn forge_removal(store: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(store).unwrap());
        let before = "2025-06-01T00:00:00Z".parse().unwrap();
        prune(&*store, &Sealer::new(Arc::clone(&store), Sealing::new()), Retention { before }).await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn nothing_hides_in_what_is_printed_from_a_store_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = scene(folder.path());
    let rules = folder.path().join("approvals.yaml");
    fs::write(
        &rules,
        format!("policy:\n  rules:\n    - {{ name: \"{}\", when: 1, who: x }}\n", "a\u{202e}\u{3164}b"),
    )
    .unwrap();
    let rules = rules.to_str().unwrap();
    let odd = folder.path().join("odd\u{202e}\u{1b}[2J.yaml");
    fs::copy(rules, &odd).unwrap();
    let odd = odd.to_str().unwrap();
    for arguments in [
        &["stats", "--store", &store, "--by", "action,agent,risk,priority,approver,channel"][..],
        &["stats", "--store", &store, "--by", "channel", "--json"],
        &["audit", "export", "--store", &store, "--format", "csv"],
        &["audit", "verify", "--store", &store, "--key", odd],
        &["policy", "check", rules],
        &["policy", "check", "--json", rules],
        &["policy", "check", odd],
        &["policy", "check", "--json", odd],
        &["policy", "test", odd, "--action", "a.b"],
        &["policy", "suggest", odd, "--store", &store],
        &["store", "copy", &store, &format!("{store}\u{202e}")],
        &["store", "verify", &store, &format!("{store}\u{202e}")],
    ] {
        let (status, out, errors) = approvals(arguments);
        // Rows of CSV end with CR LF.
        let out = out.replace("\r\n", "\n");
        assert!(is_clean(&out) && is_clean(&errors), "{arguments:?} ({status}): {out:?} {errors:?}");
        assert!(!out.is_empty() || !errors.is_empty(), "{arguments:?}");
    }
    let (_, json, _) = approvals(&["stats", "--store", &store, "--by", "channel", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json.to_string().contains('\u{202e}'), "a program reads what is stored: {json}");
    // What is hashed is written byte for byte.
    let (_, trail, _) = approvals(&["audit", "export", "--store", &store]);
    assert!(trail.contains('\u{202e}'));
}

#[test]
fn a_removal_without_proof_has_a_status_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = scene(folder.path());
    let verify = ["audit", "verify", "--store", &store];
    assert_eq!(approvals(&verify).0, 0);
    forge_removal(&store);
    let (status, out, errors) = approvals(&verify);
    assert!(status == 3 && out.starts_with("REMOVED, NOT PROVEN: 3 requests"), "{out}{errors}");

    let folder = tempfile::tempdir().unwrap();
    let store = scene(folder.path());
    let prune = ["audit", "prune", "--store", &store, "--before", "2025-06-01"];
    let (status, out, _) = approvals(&prune);
    assert!(status == 0 && out.contains("nothing proves"), "{out}");
}

#[test]
fn files_that_are_not_safe_are_refused_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let store = scene(folder.path());
    let path = |name: &str| folder.path().join(name);
    let rules = path("approvals.yaml");
    fs::write(&rules, "policy: { defaults: { outcome: ask } }\n").unwrap();
    let key = path("seal.pub");
    let signer = approval_core::audit::Ed25519Signer::generate().unwrap();
    fs::write(&key, signer.public_pem().unwrap()).unwrap();
    let seals = path("seals.jsonl");
    fs::write(&seals, "").unwrap();
    let link = path("link.db");
    symlink(&store, &link).unwrap();
    let fifo = path("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let (rules, key, seals) = (rules.to_str().unwrap(), key.to_str().unwrap(), seals.to_str().unwrap());
    let (link, fifo) = (link.to_str().unwrap(), fifo.to_str().unwrap());
    let figures = ["stats", "--store", &store];
    let check = ["policy", "check", rules];
    let suggest = ["policy", "suggest", rules, "--store", &store];
    let by_key = ["audit", "verify", "--store", &store, "--key", key];
    let by_seals = ["audit", "verify", "--store", &store, "--seals", seals];
    for (file, command) in [
        (store.as_str(), &figures[..]),
        (rules, &check),
        (rules, &suggest),
        (key, &by_key),
        (seals, &by_seals),
    ] {
        assert_ne!(approvals(command).0, 2, "{command:?}");
        fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
        let (status, out, errors) = approvals(command);
        assert!(status == 2 && errors.contains("chmod o-w") && out.is_empty(), "{command:?}: {out}{errors}");
        let (status, _, errors) = approvals(&[command, &["--allow-world-writable"]].concat());
        assert_ne!(status, 2, "{command:?}: {errors}");
        fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    }
    let (status, _, errors) = approvals(&["stats", "--store", link]);
    assert!(status == 2 && errors.contains("symbolic link"), "{errors}");
    assert_eq!(approvals(&["stats", "--store", link, "--allow-symbolic-link"]).0, 0);
    for command in [
        &["stats", "--store", fifo][..],
        &["policy", "check", fifo],
        &["policy", "test", fifo, "--action", "a.b"],
        &["policy", "suggest", fifo, "--store", &store],
        &["audit", "verify", "--store", &store, "--key", fifo],
        &["audit", "verify", "--store", &store, "--seals", fifo],
        &["audit", "verify", "--trail", fifo],
        &["audit", "prune", "--store", &store, "--before", "2025-01-01", "--key", fifo],
    ] {
        let (status, _, errors) =
            approvals(&[command, &["--allow-world-writable", "--allow-symbolic-link"]].concat());
        assert!(status == 2 && errors.contains("a FIFO"), "{command:?}: {errors}");
    }
}
