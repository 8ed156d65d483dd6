//! What is given as the path of a file may be an address with a password: it is not shown.

use std::{fmt::Write as _, fs, io, path::Path};

use crate::{
    SystemClock,
    audit::{FileSink, SealSink},
    checked_file::FileChecks,
    file::{ApprovalsFile, FileError, WatchedFile},
};

/// Texts that may hold a password, as they were pasted in the wrong place.
const PASTED: [&str; 7] = [
    "postgres://ann:s3cret@db/app",
    "host=db password=s3cret",
    "pgpassword s3cret",
    "s3cret, token",
    "./a#s3cret",
    "password-s3cret",
    "/missing/Secret Project/s3cret.yaml",
];

#[test]
fn errors_of_files_show_no_path_that_may_hold_a_password() {
    for text in PASTED {
        let path = Path::new(text).to_owned();
        let missing = vec![("`policy`".to_owned(), "policy: none".to_owned())];
        let unreadable = io::Error::from(io::ErrorKind::NotFound);
        for error in [
            ApprovalsFile::load(text).unwrap_err(),
            WatchedFile::load(text, &SystemClock).unwrap_err(),
            FileError::Unreadable { path: path.clone(), source: unreadable },
            FileError::LeavesOut { path, missing },
        ] {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3cret") && shown.contains("not shown"), "{text}: {shown}");
        }
    }
    let error = ApprovalsFile::load("/missing/approvals.yaml").unwrap_err();
    let shown = format!("{error} {error:?}");
    assert_eq!(shown.matches("/missing/approvals.yaml").count(), 2, "{shown}");
}

#[test]
fn a_file_that_is_used_is_not_shown_either() {
    let folder = std::env::temp_dir().join(format!("approvals-paths-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for name in ["a#s3cret.yaml", "password-s3cret.yaml"] {
        let path = folder.join(name);
        fs::write(&path, "policy: {autonomy: 2}\n").unwrap();
        let file = WatchedFile::load_checked(&path, &SystemClock, FileChecks::new()).unwrap();
        let mut shown = format!("{file:?} {}", file.current().name);
        for content in ["policy: {}\n", "policy: {autonomie: 2}\n", "\u{0}"] {
            fs::write(&path, content).unwrap();
            let error = file.reload(&SystemClock).unwrap_err();
            write!(shown, "{error} {error:?} {:?}", file.status()).unwrap();
        }
        assert!(!shown.contains("s3cret") && shown.contains("not shown"), "{shown}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn seals_go_to_no_file_with_the_name_of_an_address() {
    for text in PASTED {
        let sink = FileSink::new(text);
        let mut shown = format!("{sink:?} {}", sink.name());
        // One that is used all the same is missing, and has no seals.
        if let Err(error) = sink.last().await {
            write!(shown, "{error} {error:?}").unwrap();
            sink.write(&[]).await.unwrap_err();
        }
        shown.push_str(&FileSink::read(text).unwrap_err().to_string());
        assert!(!shown.contains("s3cret") && shown.contains("not shown"), "{text}: {shown}");
    }
    let names = fs::read_dir(".").unwrap().map(|entry| entry.unwrap().file_name());
    let names: Vec<_> = names.filter(|name| name.to_string_lossy().contains("s3cret")).collect();
    assert!(names.is_empty(), "{names:?}");
    assert!(format!("{:?}", FileSink::new("seals.jsonl")).contains("seals.jsonl"));
}
