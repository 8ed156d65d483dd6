use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicU64, Ordering},
};

use super::*;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// A directory of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name =
            format!("approvals-checked-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, "policy: {}").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn unsafe_file(error: &Error) -> UnsafeFile {
    *error.get_ref().and_then(|inner| inner.downcast_ref()).expect("a file that is unsafe")
}

const STRICT: FileChecks = FileChecks::new();

#[test]
fn a_file_that_every_user_may_write_is_refused_unless_allowed() {
    let folder = Folder::new();
    for mode in [0o666, 0o602, 0o777] {
        let path = folder.file("a.yaml", mode);
        for error in [
            check(&path, STRICT).unwrap_err(),
            open(&path, STRICT).unwrap_err(),
            open_to_append(&path, STRICT).unwrap_err(),
            read_text(&path, 100, STRICT).unwrap_err(),
        ] {
            assert_eq!(unsafe_file(&error), UnsafeFile::WorldWritable { mode });
            assert!(error.to_string().contains("chmod o-w"), "{error}");
        }
        let checks = STRICT.allow_world_writable();
        check(&path, checks).unwrap();
        assert_eq!(read_text(&path, 100, checks).unwrap(), "policy: {}");
        open_to_append(&path, checks).unwrap();
    }
    for mode in [0o600, 0o664, 0o644] {
        let path = folder.file("b.yaml", mode);
        check(&path, STRICT).unwrap();
        open(&path, STRICT).unwrap();
    }
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let folder = Folder::new();
    let fifo = folder.0.join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let socket = folder.0.join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let link = folder.0.join("link");
    symlink(&fifo, &link).unwrap();
    let everything = STRICT.allow_world_writable().allow_symbolic_link();
    for (path, what) in [
        (&fifo, "a FIFO"),
        (&link, "a FIFO"),
        (&socket, "a socket"),
        (&folder.0, "a directory"),
        (&PathBuf::from("/dev/null"), "a device"),
    ] {
        for error in [
            check(path, everything).unwrap_err(),
            open(path, everything).unwrap_err(),
            open_to_append(path, everything).unwrap_err(),
        ] {
            assert_eq!(unsafe_file(&error), UnsafeFile::NotRegular(what), "{}", path.display());
        }
    }
}

#[test]
fn a_link_is_followed_when_reading_and_its_target_is_checked() {
    let folder = Folder::new();
    // As Kubernetes mounts a file: approvals.yaml -> ..data/approvals.yaml, ..data -> a directory with a date.
    let dated = folder.0.join("..2026_01_31");
    fs::create_dir(&dated).unwrap();
    fs::write(dated.join("approvals.yaml"), "policy: {}").unwrap();
    symlink("..2026_01_31", folder.0.join("..data")).unwrap();
    let path = folder.0.join("approvals.yaml");
    symlink("..data/approvals.yaml", &path).unwrap();
    assert_eq!(read_text(&path, 100, STRICT).unwrap(), "policy: {}");
    assert_eq!(unsafe_file(&check(&path, STRICT).unwrap_err()), UnsafeFile::SymbolicLink);
    let identity = check(&path, STRICT.allow_symbolic_link()).unwrap();
    assert_eq!(identity, check(&dated.join("approvals.yaml"), STRICT).unwrap());

    fs::set_permissions(dated.join("approvals.yaml"), Permissions::from_mode(0o666)).unwrap();
    let error = open(&path, STRICT).unwrap_err();
    assert_eq!(unsafe_file(&error), UnsafeFile::WorldWritable { mode: 0o666 });
    let error = check(&path, STRICT.allow_symbolic_link()).unwrap_err();
    assert_eq!(unsafe_file(&error), UnsafeFile::WorldWritable { mode: 0o666 });
}

#[test]
fn a_file_is_read_up_to_its_limit() {
    let folder = Folder::new();
    let path = folder.file("a.yaml", 0o600);
    assert_eq!(read_text(&path, 10, STRICT).unwrap().len(), 10);
    assert_eq!(read_text(&path, 9, STRICT).unwrap_err().kind(), ErrorKind::FileTooLarge);
    assert_eq!(check(&folder.0.join("none"), STRICT).unwrap_err().kind(), ErrorKind::NotFound);
}
