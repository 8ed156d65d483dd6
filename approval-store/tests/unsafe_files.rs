//! Files that are not safe to use as a store.
#![cfg(all(feature = "sqlite", unix))]
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use approval_core::{checked_file::FileChecks, store::Store};
use approval_store::{SqliteStore, StoreUrl};
use tempfile::TempDir;

const STRICT: FileChecks = FileChecks::new();

async fn made(path: &Path) {
    SqliteStore::open(path).unwrap().close().await.unwrap();
}

fn refused(path: &Path, checks: FileChecks) -> String {
    SqliteStore::builder(path).file_checks(checks).open().unwrap_err().to_string()
}

async fn opened(path: &Path, checks: FileChecks) {
    let store = SqliteStore::builder(path).file_checks(checks).open().unwrap();
    store.now().await.unwrap();
    store.close().await.unwrap();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

#[tokio::test]
async fn a_store_that_every_user_may_write_is_refused_unless_allowed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.db");
    made(&path).await;
    for bits in [0o666, 0o602] {
        mode(&path, bits);
        let message = refused(&path, STRICT.allow_symbolic_link());
        assert!(message.contains("a.db") && message.contains("chmod o-w"), "{message}");
        opened(&path, STRICT.allow_world_writable()).await;
    }
    mode(&path, 0o660);
    opened(&path, STRICT).await;
}

#[tokio::test]
async fn a_log_that_every_user_may_write_is_refused_unless_allowed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.db");
    made(&path).await;
    for end in ["-wal", "-shm", "-journal"] {
        let log = beside(&path, end);
        fs::write(&log, "").unwrap();
        mode(&log, 0o666);
        let message = refused(&path, STRICT);
        assert!(message.contains(end) && message.contains("chmod o-w"), "{message}");
        opened(&path, STRICT.allow_world_writable()).await;
        drop(fs::remove_file(&log));
        // Not even where the store itself may be a link.
        symlink(folder.path().join("elsewhere"), &log).unwrap();
        let message = refused(&path, STRICT.allow_symbolic_link().allow_world_writable());
        assert!(message.contains("symbolic link"), "{message}");
        fs::remove_file(&log).unwrap();
    }
}

#[tokio::test]
async fn a_symbolic_link_in_the_place_of_a_store_is_refused_unless_allowed() {
    let folder = TempDir::new().unwrap();
    let (path, link) = (folder.path().join("a.db"), folder.path().join("link.db"));
    made(&path).await;
    symlink(&path, &link).unwrap();
    let message = refused(&link, STRICT.allow_world_writable());
    assert!(message.contains("symbolic link") && message.contains("link.db"), "{message}");
    opened(&link, STRICT.allow_symbolic_link()).await;
    // What the link leads to is checked too.
    mode(&path, 0o666);
    assert!(refused(&link, STRICT.allow_symbolic_link()).contains("chmod o-w"));
    // One that leads nowhere makes no file there.
    let nowhere = folder.path().join("nowhere.db");
    fs::remove_file(&link).unwrap();
    symlink(&nowhere, &link).unwrap();
    assert!(refused(&link, STRICT).contains("symbolic link"));
    assert!(!nowhere.exists());
    // A link further up is the administrator's matter.
    let other = folder.path().join("other");
    symlink(folder.path(), &other).unwrap();
    mode(&path, 0o600);
    opened(&other.join("a.db"), STRICT).await;
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_whatever_is_allowed() {
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let all = STRICT.allow_symbolic_link().allow_world_writable();
    assert!(refused(&fifo, all).contains("a FIFO"));
    assert!(refused(Path::new("/dev/null"), all).contains("a device"));
    assert!(refused(folder.path(), all).contains("a directory"));
}

#[tokio::test]
async fn a_url_allows_what_is_refused_otherwise() {
    let folder = TempDir::new().unwrap();
    let (path, link) = (folder.path().join("a.db"), folder.path().join("link.db"));
    made(&path).await;
    mode(&path, 0o666);
    symlink(&path, &link).unwrap();
    let whole = format!("sqlite:{}?allow_world_writable=true&allow_symbolic_link=true", link.display());
    for (text, good) in [
        (format!("sqlite:{}", path.display()), false),
        (format!("sqlite:{}?allow_symbolic_link=true", path.display()), false),
        (format!("sqlite:{}?allow_world_writable=true", path.display()), true),
        (format!("sqlite:{}?allow_world_writable=true", link.display()), false),
        (whole.clone(), true),
    ] {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), text);
        for opened in [url.connect().await, url.connect_existing().await] {
            assert_eq!(opened.is_ok(), good, "{text}");
            if let Ok(store) = opened {
                store.close().await.unwrap();
            }
        }
    }
    let url = format!("sqlite:{}", link.display()).parse::<StoreUrl>().unwrap();
    assert_eq!(url.file_checks(STRICT.allow_world_writable().allow_symbolic_link()).to_string(), whole);
    for text in
        ["sqlite:a.db?allow_world_writable", "sqlite:a.db?allow_world_writable=1", "sqlite:a.db?mode=ro"]
    {
        assert!(text.parse::<StoreUrl>().unwrap_err().to_string().contains("no settings"), "{text}");
    }
}
