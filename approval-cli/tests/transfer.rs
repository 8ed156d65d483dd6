//! `approvals store`, from the command line; also killed in the middle of its work.
#![cfg(test)]

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use approval_core::{
    Action, ApprovalManager, Principal, RequestId,
    audit::{Sealer, Sealing},
    model::HaltScope,
    store::{Query, RecordName, Store},
};
use approval_store::SqliteStore;

/// Enough that a copy takes a while.
const REQUESTS: usize = 3000;

/// What a command wrote, and its status.
fn approvals(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status = approval_cli::run([&["approvals"], arguments].concat(), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn call(number: usize) -> Action {
    let action = Action::new("mail.send").unwrap();
    let action = action.describe(|action| action.no_timeout().approvers([ANN])).unwrap();
    action.arguments(&serde_json::json!({ "number": number })).unwrap().key(number.to_string())
}

const ANN: &str = "user:ann@example.com";

async fn with_manager<T>(file: &Path, work: impl AsyncFnOnce(&ApprovalManager, Arc<dyn Store>) -> T) -> T {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(file).unwrap());
    let manager = ApprovalManager::builder()
        .shared_store(Arc::clone(&store))
        .agent("agent")
        .unattended()
        .build()
        .unwrap();
    let done = work(&manager, Arc::clone(&store)).await;
    manager.shutdown().await.unwrap();
    store.close().await.unwrap();
    done
}

/// A store with so many requests, the first of them rejected, all but the last sealed.
fn scene(file: &Path, requests: usize) -> Vec<RequestId> {
    block_on(with_manager(file, async |manager, store| {
        let ann = Principal::new(ANN).unwrap();
        let mut ids = Vec::new();
        for numbers in (1..requests).collect::<Vec<_>>().chunks(500) {
            let mut opening = tokio::task::JoinSet::new();
            for number in numbers {
                let (manager, number) = (manager.clone(), *number);
                opening.spawn(async move { manager.request(call(number)).await.unwrap().detach() });
            }
            ids.extend(opening.join_all().await);
        }
        ids.sort_unstable();
        let first = manager.get(ids[0]).await.unwrap();
        manager.decider("mail").reject(&first, &ann, Some("no")).await.unwrap();
        Sealer::new(Arc::clone(&store), Sealing::new()).seal().await.unwrap();
        ids.push(manager.request(call(0)).await.unwrap().detach());
        let scope = HaltScope::Agent(Principal::agent("other").unwrap());
        manager.halt(scope, &ann, "not now").await.unwrap();
        ids
    }))
}

#[test]
fn a_store_is_copied_and_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (from, to) = (path("old.db"), path("new.db"));
    let ids = scene(Path::new(&from), 20);

    let (status, out, errors) = approvals(&["store", "copy", &from, &format!("sqlite:{to}")]);
    assert_eq!((status, errors.as_str()), (0, ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert!(
        lines[0].ends_with(
            "and found equal: 20 requests with 22 events and 0 notices, 3 records, 0 journal lines"
        ),
        "{out}"
    );
    assert_eq!(lines[1], "its trail is sound and fits its 1 seals; they go on from there");
    for store in [&from, &to] {
        let (status, out, _) = approvals(&["audit", "verify", "--store", store]);
        assert!(status == 0 && out.starts_with("sound: 20 requests with 22 events"), "{out}");
        assert!(out.contains("not sealed yet: 1 events"), "{out}");
    }
    let (status, out, _) = approvals(&["store", "verify", &from, &to]);
    assert!(status == 0 && out.starts_with("equal: 20 requests"), "{out}");

    // Again: nothing is done.
    let (status, out, _) = approvals(&["store", "copy", &from, &to]);
    assert!(status == 0 && out.contains("already") && out.contains("nothing was done"), "{out}");

    // The copy is at work.
    block_on(with_manager(Path::new(&to), async |manager, _| {
        let seen = manager.get(ids[4]).await.unwrap();
        let ann = Principal::new(ANN).unwrap();
        manager.decider("mail").reject(&seen, &ann, Some("no")).await.unwrap();
    }));
    let (status, out, _) = approvals(&["store", "verify", &from, &to]);
    assert_eq!(status, 1);
    assert!(
        out.contains(&format!(
            "the history of request {} is another one in the copy, from line 2 on",
            ids[4]
        ))
    );
    assert!(out.contains("1 differences"), "{out}");
}

#[test]
fn what_cannot_be_copied_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (from, other, typo) = (path("old.db"), path("other.db"), path("typo.db"));
    scene(Path::new(&from), 3);
    scene(Path::new(&other), 3);
    let refused = |arguments: &[&str], why: &str| {
        let (status, out, errors) = approvals(&[&["store"], arguments].concat());
        assert_eq!((status, out.as_str()), (2, ""));
        assert!(errors.starts_with("error: ") && errors.contains(why), "{errors}");
        assert!(!errors.contains("run the same command again"), "{errors}");
    };
    refused(&["copy", &from, &other], "holds requests");
    refused(&["copy", &from, &from], "one and the same");
    let roundabout = folder.path().join(".").join("old.db").display().to_string();
    refused(&["copy", &from, &format!("sqlite:{roundabout}")], "one and the same");
    refused(&["copy", &typo, &other], "there is no file");
    refused(&["verify", &from, &typo], "there is no file");
    assert!(!Path::new(&typo).exists(), "nothing is made");
    refused(&["copy", &from, "memory:"], "sqlite:PATH");
    refused(&["copy", "mysql://ann:secret@db/x", &from], "sqlite:PATH");
    let (_, _, errors) = approvals(&["store", "copy", "mysql://ann:secret@db/x", &from]);
    assert!(!errors.contains("secret"), "{errors}");
    let (status, ..) = approvals(&["store", "copy", &from]);
    assert_eq!(status, 2);
}

/// How many requests there are, and whether a copy to here is still under way.
fn looked_at(store: &SqliteStore) -> Option<(usize, bool)> {
    block_on(async {
        let marker = store.record(&RecordName::new("copy/target")).await.unwrap()?;
        let finished = String::from_utf8(marker.value).unwrap().contains("finished_at");
        let found = store.list(&Query { limit: REQUESTS, ..Query::default() }).await.unwrap();
        Some((found.items.len(), !finished))
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what other processes do takes real time")]
fn killed_again_and_again_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("old.db"), folder.path().join("new.db"));
    scene(&from, REQUESTS);
    let copy = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_approvals"));
        command.args(["store", "copy"]).args([&from, &to]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let deadline = Instant::now() + Duration::from_mins(2);
    let target = SqliteStore::open(&to).unwrap();
    let (mut kills, mut before) = (0, 0);
    while kills < 4 {
        assert!(Instant::now() < deadline, "the copy did not get on: {before} requests");
        let mut child = copy().spawn().unwrap();
        // Until it has written something more than the last time.
        let far = loop {
            assert!(Instant::now() < deadline, "the copy did not get on: {before} requests");
            match looked_at(&target) {
                Some((count, true)) if count > before => break Some(count),
                Some((_, false)) => break None,
                _ => std::thread::yield_now(),
            }
        };
        child.kill().unwrap();
        child.wait().unwrap();
        let Some(far) = far else { break };
        (before, kills) = (far, kills + 1);
    }
    assert!(kills >= 2, "it was done before it could be killed");
    drop(target);

    let (status, out, errors) =
        approvals(&["store", "verify", &from.display().to_string(), &to.display().to_string()]);
    assert!(status == 2 && errors.contains("half a copy"), "{out}{errors}");
    let done = copy().output().unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{out}{}", String::from_utf8_lossy(&done.stderr));
    assert!(out.contains(&format!("found equal: {REQUESTS} requests")), "{out}");
    let (status, out, errors) =
        approvals(&["store", "verify", &from.display().to_string(), &to.display().to_string()]);
    assert_eq!(status, 0, "{out}{errors}");
    let (status, out, _) = approvals(&["audit", "verify", "--store", &to.display().to_string()]);
    assert_eq!(status, 0, "{out}");

    // A call under its old key finds its request.
    block_on(with_manager(&to, async |manager, store| {
        let found = manager.request(call(7)).await.unwrap().detach();
        assert_eq!(
            store.list(&Query { limit: REQUESTS + 1, ..Query::default() }).await.unwrap().items.len(),
            REQUESTS
        );
        assert!(store.load(found).await.unwrap().is_some());
    }));
}
