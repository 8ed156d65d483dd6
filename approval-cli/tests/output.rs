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
    Action, ApprovalManager, Context,
    audit::{Retention, Sealer, Sealing, prune},
    clock::Span,
    model::{ActionName, HaltScope, visible::is_hidden},
    store::Store,
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;

fn approvals(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status = approval_cli::run([&["approvals"], arguments].concat(), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

/// What may hold a password, as it is pasted in the wrong place.
const ADDRESSES: &[&str] = &[
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
    "postgres://ann;s3cret@db",
    "postgres://ann;s3cret@127.0.0.1:1/app",
    "postgres://s3cret@127.0.0.1",
    "postgres://127.0.0.1:1/app s3cret",
    "postgres://127.0.0.1:1/app#s3cret",
    "postgres://127.0.0.1:1/app|s3cret",
    "ｐｏｓｔｇｒｅｓ：／／ann：s3cret＠db",
    "ann：s3cret＠db",
    "pass=s3cret",
    "passcode: s3cret",
    "x.db;pw=s3cret",
    "secret=s3cret",
    "token=s3cret",
    "db:5432:app:ann:s3cret",
    "*:*:*:ann:s3cret",
    "tcp(ann:s3cret)/d",
    "postgres&#58;//s3cret",
    "postgres%3A//s3cret",
    "Data Source=db;User Id=ann;Password=s3cret",
    "Server=db;Uid=ann;Pwd=s3cret",
    r#"{"password":"s3cret"}"#,
    r#"{"host":"db","key":"s3cret"}"#,
    "--password s3cret",
    "--password=s3cret",
    "jdbc:postgresql://db/app?user=ann&pass=s3cret",
    "jdbc:postgresql:s3cret",
    "export DATABASE_URL=postgres://ann:s3cret@db",
    "DATABASE_URL=s3cret",
    "action,ann;s3cret@db",
    "pgpassword s3cret",
    "PGPASS\ts3cret",
    "mysecret, s3cret",
    "IDENTIFIED BY s3cret",
    "s3cret password",
    "./apiKey s3cret",
];

#[test]
fn no_command_repeats_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("approvals.yaml");
    fs::write(&good, "policy: { defaults: { outcome: ask } }\n").unwrap();
    let good = good.to_str().unwrap();
    let store = scene(folder.path());
    for address in ADDRESSES.iter().copied() {
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
            &["policy", "test", good, "--action", "a.b", "--args", address],
            &["policy", "test", good, "--action", "a.b", "--approvers", address],
            &["policy", "test", good, "--action", "a.b", "--agent", address],
            &["policy", "test", good, "--action", "a.b", "--cost-usd", address],
            &["policy", "test", good, "--action", address],
            &["store", "clock", address],
            &["store", "clock", "x.db", "--confirm", "--by", address],
            &["store", "halt", address, "--by", "user:olga", "--reason", "x"],
            &["store", "halt", "x.db", "--by", address, "--reason", "x"],
            &["store", "halt", "x.db", "--by", "user:olga", "--reason", "x", "--agent", address],
            &["store", "halt", "x.db", "--by", "user:olga", "--reason", "x", "--action", address],
            &["store", "resume", address, "--by", "user:olga"],
            &["audit", "verify", "--trail", address],
            &["audit", "export", "--store", "x.db", "--out", &format!("missing/{address}")],
            &["audit", "export", "--store", &store, "--out", address],
            &["audit", "prune", "--store", &store, "--before", "2025-06-01", "--yes", "--seals", address],
            &["audit", "prune", "--store", &store, "--before", "2025-06-01", "--yes", "--key", address],
            &["stats", "--password", "s3cret", "--store", address],
            &[address],
        ] {
            // Arguments of a sample call, which are shown.
            if arguments.contains(&"--args") && address.starts_with('{') {
                continue;
            }
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

/// A store whose namespaces, runs, tool calls, intents, keys, descriptions, arguments, channels, reasons and comments are hostile.
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
            let action = action.describe(|action| {
                action.no_timeout().description(&format!("Send {HOSTILE}")).approvers([ann.as_str()])
            });
            let action = action.unwrap().key(format!("{number}{HOSTILE}"));
            let action = action.arguments(&serde_json::json!({ "number": number, "text": HOSTILE })).unwrap();
            let context = Context::new().run(HOSTILE).tool_call(HOSTILE).intent(HOSTILE);
            let seen = context.scope(manager.request(action)).await.unwrap().request().await.unwrap();
            manager.comment(seen.id, &ann, HOSTILE).await.unwrap();
            let seen = manager.get(seen.id).await.unwrap();
            manager.decider(HOSTILE).reject(&seen, &ann, Some(HOSTILE)).await.unwrap();
        }
        let tenant = ApprovalManager::builder()
            .shared_store(Arc::clone(&store))
            .clock(Arc::new(clock.clone()))
            .namespace(HOSTILE)
            .agent("agent")
            .unattended()
            .build()
            .unwrap();
        let scope = HaltScope::Action(ActionName::new("mail.read").unwrap());
        tenant.halt(scope, &ann, HOSTILE).await.unwrap();
        tenant.shutdown().await.unwrap();
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
    let other =
        scene(&fs::create_dir(folder.path().join("other")).map(|()| folder.path().join("other")).unwrap());
    let bare = folder.path().join("bare\u{202e}\n.yaml");
    fs::write(&bare, "directory: {}\n").unwrap();
    let bare = bare.to_str().unwrap();
    let fine = folder.path().join("fine.yaml");
    let rule = format!("{{ name: \"{}\", action: a.b, deny: \"{}\" }}", "r\u{202e}", "why\u{3164}");
    fs::write(&fine, format!("policy:\n  rules:\n    - {rule}\n")).unwrap();
    let fine = fine.to_str().unwrap();
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
        &["store", "verify", &store, &other],
        &["store", "verify", &other, &store],
        &["store", "copy", &other, &store],
        &["store", "clock", &store],
        &["store", "clock", odd],
        &["store", "halt", &store, "--by", "user:olga", "--reason", HOSTILE, "--agent", "agent"],
        &["store", "halt", &store, "--by", "user:olga", "--reason", HOSTILE, "--action", HOSTILE],
        &["store", "halt", &store, "--by", HOSTILE, "--reason", HOSTILE],
        &["store", "resume", &store, "--by", "user:olga", "--agent", HOSTILE],
        &["store", "archive", &store, "--before", "2025-01-01"],
        &["stats", "--store", &store, "--namespace", HOSTILE, "--by", "channel,approver"],
        &["stats", "--store", &store, "--agent", HOSTILE],
        &["stats", "--store", &store, "--by", HOSTILE],
        &["policy", "test", rules, "--action", "a.b", "--run", HOSTILE, "--json"],
        &["policy", "test", bare, "--action", "a.b"],
        &["policy", "test", fine, "--action", "a.b", "--run", HOSTILE],
        &["policy", "test", fine, "--action", "a.b", "--json"],
        &["policy", "suggest", fine, "--store", &store, "--namespace", HOSTILE],
        &["policy", "suggest", fine, "--store", &store, "--json"],
        &["audit", "verify", "--store", &store, "--seals", odd],
        &["audit", "verify", "--trail", odd],
        &["audit", "prune", "--store", &store, "--before", "2024-01-01", "--key", odd],
        &["audit", "prune", "--store", &store, "--before", "2025-06-01", "--yes"],
        &["audit", "verify", "--store", &store],
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
        let (status, _, errors) = approvals(command);
        assert_ne!(status, 2, "{command:?}: {errors}");
        fs::set_permissions(file, Permissions::from_mode(0o666)).unwrap();
        let (status, out, errors) = approvals(command);
        assert!(status == 2 && errors.contains("chmod o-w") && out.is_empty(), "{command:?}: {out}{errors}");
        let (status, _, errors) = approvals(&[command, &["--allow-world-writable"]].concat());
        assert_ne!(status, 2, "{command:?}: {errors}");
        // What SQLite left beside the store has the rights of the store, and may still be there.
        for beside in ["", "-wal", "-shm"].map(|end| format!("{file}{end}")) {
            if fs::exists(&beside).unwrap() {
                fs::set_permissions(&beside, Permissions::from_mode(0o600)).unwrap();
            }
        }
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
