//! Files with mistakes, each with what is told of it: all of it at once, with its place and what to do.
//!
//! The files and the texts stand side by side in `tests/wrong`. With `APPROVALS_BLESS=1` the texts are written anew; read
//! them then.

use std::path::{Path, PathBuf};

use approval_core::{
    directory::file::Roster,
    yaml::{Document, Mistakes},
};

fn check(name: &str, text: &str) -> Result<(), Mistakes> {
    let document = Document::parse(name, text)?;
    if let Some(top) = document.root().map(&["directory"]) {
        let roster = top.required("directory").and_then(|section| Roster::read(&section));
        assert_eq!(roster.is_some(), document.is_clean(), "{name}");
    }
    document.finish()
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("wrong");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")).collect();
    files.sort();
    files
}

#[test]
fn what_is_wrong_with_a_file_is_told_as_it_should_be() {
    let bless = std::env::var_os("APPROVALS_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let told = match check(&name, &std::fs::read_to_string(&path).unwrap()) {
            Ok(()) => "nothing is wrong\n".to_owned(),
            Err(mistakes) => format!("{mistakes}\n"),
        };
        let expected = path.with_extension("txt");
        if bless {
            std::fs::write(&expected, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if told != expected || !told.contains(&format!("{name}:")) {
            wrong.push(format!("{name} is told as\n{told}\nbut should be told as\n{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_enough_wrong_files() {
    let of_the_directory =
        files().iter().filter(|path| path.to_string_lossy().contains("directory_")).count();
    assert!(of_the_directory >= 25, "{of_the_directory}");
}
