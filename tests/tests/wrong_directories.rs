//! Files with mistakes in their section `directory`, and what is told of each: `wrong_files/directory_NAME.yaml` and, beside
//! it, `directory_NAME.snap`.

use std::{fs, path::Path};

use approval_core::file::ApprovalsFile;

#[test]
fn every_mistake_of_a_directory_is_told_with_its_place_and_what_to_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_files");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned))
        .filter(|name| name.starts_with("directory_"))
        .collect();
    names.sort();
    assert!(names.len() >= 25, "{}", names.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("wrong_files");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in names {
            let text = fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
            let mistakes = ApprovalsFile::parse("approvals.yaml", &text).expect_err(&name);
            for mistake in &mistakes.mistakes {
                assert!(mistake.place.line > 0 && mistake.place.column > 0, "{name}: {mistake:?}");
            }
            insta::assert_snapshot!(name, mistakes.to_string());
        }
    });
}
