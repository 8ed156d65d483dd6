//! The commands on a PostgreSQL database, by the program itself.
#![cfg(test)]

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use approval_core::{
    Action, ApprovalManager, Principal,
    audit::{Sealer, Sealing},
};
use approval_test_cluster::{Cluster, Database};

const ANN: &str = "user:ann@example.com";

/// The status, standard output and standard error of the command.
fn approvals(arguments: &[&str]) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_approvals")).args(arguments).output().unwrap();
    let Output { status, stdout, stderr } = done;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// The address of a database, with a password, which the server does not ask for.
fn with_password(database: &Database) -> String {
    let url = database.url().replacen("postgres@", "postgres:s3cret@", 1);
    assert!(url.contains("s3cret"), "{url}");
    url
}

/// Seven requests in the store at this URL, the first of them rejected, and all of it sealed.
fn scene(url: &str) {
    block_on(async {
        let store = approval_store::connect(url).await.unwrap();
        let manager = ApprovalManager::builder()
            .shared_store(Arc::clone(&store))
            .agent("agent")
            .unattended()
            .build()
            .unwrap();
        let mut first = None;
        for number in 0..7 {
            let call = Action::new("mail.send").unwrap();
            let call = call.describe(|call| call.no_timeout().approvers([ANN])).unwrap();
            let call = call.arguments(&serde_json::json!({ "number": number })).unwrap();
            let id = manager.request(call.key(number.to_string())).await.unwrap().detach();
            first.get_or_insert(id);
        }
        let seen = manager.get(first.unwrap()).await.unwrap();
        let ann = Principal::new(ANN).unwrap();
        manager.decider("mail").reject(&seen, &ann, Some("no")).await.unwrap();
        Sealer::new(Arc::clone(&store), Sealing::new()).seal().await.unwrap();
        manager.shutdown().await.unwrap();
        store.close().await.unwrap();
    });
}

#[test]
fn a_store_moves_to_a_database_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let (old, back) = (file("old.db"), file("back.db"));
    let database = Cluster::shared().database().unwrap();
    let url = with_password(&database);
    scene(&old);

    let mut said = String::new();
    for (from, to) in [(&old, &url), (&url, &back)] {
        let (status, out, errors) = approvals(&["store", "copy", from, to]);
        assert_eq!((status, errors.as_str()), (0, ""), "{out}");
        assert!(out.contains("found equal: 7 requests with 9 events"), "{out}");
        assert!(out.contains("its trail is sound and fits its 1 seals"), "{out}");
        let (status, verified, errors) = approvals(&["store", "verify", from, to]);
        assert!(status == 0 && verified.starts_with("equal: 7 requests"), "{verified}{errors}");
        said = said + &out + &verified;
    }
    // There and back again, it is what it was.
    let (status, out, errors) = approvals(&["store", "verify", &old, &back]);
    assert!(status == 0 && out.starts_with("equal: 7 requests"), "{out}{errors}");
    // Done once, nothing is done the second time, whoever is named as the user.
    let (status, out, errors) = approvals(&["store", "copy", &old, database.url()]);
    assert!(status == 0 && out.contains("nothing was done"), "{out}{errors}");
    said = said + &out + &errors;
    // One database is one store, however its address is written.
    let (status, _, errors) =
        approvals(&["store", "copy", &url, &format!("{}?schema=approvals", database.url())]);
    assert!(status == 2 && errors.contains("one and the same"), "{errors}");
    assert!(!(said + &errors).contains("s3cret"));
    let kept =
        database.psql("select string_agg(convert_from(value, 'UTF8'), '') from approvals.records").unwrap();
    assert!(kept.contains("source") && !kept.contains("s3cret"), "{kept}");
}

#[test]
fn every_command_takes_a_database() {
    let database = Cluster::shared().database().unwrap();
    let url = with_password(&database);
    scene(&url);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/approvals.yaml");
    let folder = tempfile::tempdir().unwrap();
    let trail = folder.path().join("trail.jsonl").display().to_string();
    let prune = ["audit", "prune", "--store", &url, "--before", "2026-01-01"];
    let suggest = ["policy", "suggest", &rules.display().to_string(), "--store", &url];
    for (arguments, said) in [
        (&["stats", "--store", &url][..], "action mail.send"),
        (&["audit", "verify", "--store", &url][..], "sound: 7 requests with 9 events"),
        (&["audit", "export", "--store", &url, "--out", &trail][..], ""),
        (&["audit", "verify", "--trail", &trail][..], "sound: 7 requests with 9 events"),
        (&prune[..], "0 requests"),
        (&suggest[..], "0 rules suggested by"),
    ] {
        let (status, out, errors) = approvals(arguments);
        assert!(status == 0 && out.contains(said), "{arguments:?}: {out}{errors}");
        assert!(!(out + &errors).contains("s3cret"), "{arguments:?}");
    }
}

#[test]
fn whoever_looks_makes_nothing() {
    let database = Cluster::shared().database().unwrap();
    let url = with_password(&database);
    for command in
        [&["stats", "--store"][..], &["audit", "verify", "--store"], &["audit", "export", "--store"]]
    {
        let (status, out, errors) = approvals(&[command, &[&url]].concat());
        assert!(status == 2 && out.is_empty(), "{out}");
        assert!(errors.contains("there is no store in the schema approvals"), "{errors}");
        assert!(!errors.contains("s3cret"), "{errors}");
    }
    let (status, _, errors) = approvals(&["store", "copy", &url, "memory:"]);
    assert_eq!(status, 2, "{errors}");
    let made = database.psql("select count(*) from pg_namespace where nspname = 'approvals'").unwrap();
    assert_eq!(made, "0");
}
