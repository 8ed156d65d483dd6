//! Files with mistakes in them, and what is told about each: `wrong_files/NAME.yaml` and, beside it, `NAME.snap`. Those about
//! people (`directory_…`) have a test of their own.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::{fs, path::Path};

use approval_core::file::{ApprovalsFile, FileError};

/// Names of the files, without their ending.
fn names(ending: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_files");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(ending).map(str::to_owned))
        .collect();
    names.retain(|name| !name.starts_with("directory_"));
    names.sort();
    names
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_to_do() {
    let names = names(".yaml");
    assert!(names.len() >= 60, "{}", names.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("wrong_files");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in names {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wrong_files/{name}.yaml"));
            let Err(FileError::Mistakes(mistakes)) = ApprovalsFile::load(&path) else {
                panic!("{name}: no mistake was found");
            };
            for mistake in &mistakes.mistakes {
                assert!(mistake.place.line > 0 && mistake.place.column > 0, "{name}: {mistake:?}");
            }
            let told = mistakes.to_string().replace(&path.display().to_string(), "approvals.yaml");
            insta::assert_snapshot!(name, told);
        }
    });
}

#[test]
fn no_snapshot_is_left_of_a_file_that_is_gone() {
    assert_eq!(names(".snap"), names(".yaml"));
}
