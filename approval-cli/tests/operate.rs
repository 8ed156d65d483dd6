//! `approvals store halt`, `resume` and `clock`.
#![cfg(test)]

use std::{path::Path, sync::Arc};

use approval_core::{
    Action, ApprovalError, ApprovalManager, Clock,
    clock::{Span, SystemClock},
    store::Store,
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;

fn approvals(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status = approval_cli::run([&["approvals"], arguments].concat(), &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Whether a manager of this namespace opens a request of this action.
fn opens(file: &Path, namespace: &str, action: &str) -> Result<(), ApprovalError> {
    block_on(async {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(file).unwrap());
        let builder =
            ApprovalManager::builder().shared_store(Arc::clone(&store)).namespace(namespace).unattended();
        let manager = builder.build().unwrap();
        let action = Action::new(action).unwrap();
        let action = action.describe(|action| action.approvers(["user:ann@example.com"])).unwrap();
        let opened = manager.request(action).await.map(|pending| {
            let _id = pending.detach();
        });
        manager.shutdown().await.unwrap();
        store.close().await.unwrap();
        opened
    })
}

#[test]
fn every_namespace_is_halted_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    let store = file.to_str().unwrap();
    opens(&file, "default", "mail.send").unwrap();
    let by = ["--by", "user:olga@example.com"];
    let halt = [&["store", "halt", store, "--reason", "fire"], &by[..]].concat();
    let (status, out, errors) = approvals(&halt);
    assert_eq!((status, errors.as_str()), (0, ""));
    assert!(out.contains("halted in every namespace: everything"), "{out}");
    for namespace in ["default", "other"] {
        let halted = opens(&file, namespace, "mail.send").unwrap_err();
        assert!(matches!(halted, ApprovalError::Halted { .. }), "{halted}");
    }
    let resume = [&["store", "resume", store], &by[..]].concat();
    assert_eq!(approvals(&resume).0, 0);
    opens(&file, "other", "mail.send").unwrap();
    // A halt that does not hold, or nobody who lifts it.
    let (status, _, errors) = approvals(&resume);
    assert!(status == 2 && errors.contains("does not hold in every namespace"), "{errors}");
    assert_eq!(approvals(&["store", "resume", store]).0, 2);

    // An agent is named as it is written; `Job-A` is not taken for `job-a`.
    for named in [["--agent", "Job-A"], ["--agent", "agent:Job-A"]] {
        let (status, _, errors) = approvals(&[&halt[..], &named].concat());
        assert!(status == 2 && errors.contains("write agent:job-a"), "{errors}");
        let (status, _, errors) = approvals(&[&["stats", "--store", store][..], &named].concat());
        assert!(status == 2 && errors.contains("write agent:job-a"), "{errors}");
    }

    let action = ["--action", "mail.send"];
    assert_eq!(approvals(&[&halt[..], &action].concat()).0, 0);
    assert!(opens(&file, "default", "mail.send").is_err());
    opens(&file, "default", "mail.read").unwrap();
    assert_eq!(approvals(&[&resume[..], &action].concat()).0, 0);
    opens(&file, "default", "mail.send").unwrap();
}

#[test]
fn a_wrong_mark_is_shown_and_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.db");
    let store = file.to_str().unwrap();
    opens(&file, "default", "mail.send").unwrap();
    let (status, out, _) = approvals(&["store", "clock", store]);
    assert!(status == 0 && out.contains("the two agree"), "{out}");
    // A clock 70 years ahead, that this program does not know to be wrong.
    let ahead = FakeClock::at(SystemClock.now() + Span::from_hours(24 * 365 * 70));
    drop(SqliteStore::builder(&file).clock(Arc::new(ahead)).open().unwrap());
    let (status, out, _) = approvals(&["store", "clock", store]);
    assert!(status == 1 && out.contains("until the clock has caught up"), "{out}");
    assert!(opens(&file, "default", "mail.send").is_err());
    // Nobody confirms it.
    assert_eq!(approvals(&["store", "clock", store, "--confirm"]).0, 2);
    let (status, out, errors) =
        approvals(&["store", "clock", store, "--confirm", "--by", "user:olga@example.com"]);
    assert!(status == 0 && out.contains("start the other programs"), "{out} {errors}");
    opens(&file, "default", "mail.send").unwrap();
    let (status, out, _) = approvals(&["store", "clock", store]);
    assert!(status == 0 && out.contains("the two agree"), "{out}");
}
