//! Rules of the repository that no other tool checks: the size of files, what the text may speak of, what a
//! published crate must say of itself, and the table of invariants.

use std::{collections::BTreeSet, process::Command};

use approval_tests::repo;

/// The most lines that a source file may have, its tests not counted.
const LONGEST: usize = 500;

#[test]
fn no_source_file_is_too_long() {
    let bad: Vec<_> = repo::rust_files("")
        .iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| (lines_without_tests(&file.text), &file.path))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert!(
        bad.is_empty(),
        "more than {LONGEST} lines, tests not counted; split by subject:\n{}",
        bad.join("\n")
    );
}

#[test]
fn the_text_speaks_of_the_product_alone() {
    let bad: Vec<_> = repo::files("").iter().flat_map(|file| foreign_text(&file.path, &file.text)).collect();
    assert!(bad.is_empty(), "not of the product:\n{}", bad.join("\n"));
}

#[test]
fn published_crates_describe_themselves() {
    let mut published = 0;
    for package in repo::packages().iter().filter(|package| package["publish"].is_null()) {
        published += 1;
        let name = &package["name"];
        for field in ["description", "license", "repository", "readme", "rust_version"] {
            assert!(package[field].is_string(), "{name}: no {field}");
        }
        for field in ["keywords", "categories"] {
            let count = package[field].as_array().map_or(0, Vec::len);
            assert!((1..=5).contains(&count), "{name}: {count} {field}; the registry takes 1 to 5");
        }
        assert_eq!(package["metadata"]["docs"]["rs"]["all-features"], true, "{name}: no docs.rs settings");
    }
    assert!(published > 0, "no package is published: the test looks in the wrong place");
}

#[test]
fn the_table_of_invariants_names_tests_that_exist() {
    let files = repo::files("");
    let text =
        &files.iter().find(|file| file.path == "ARCHITECTURE.md").expect("ARCHITECTURE.md exists").text;
    let rows = invariants(text);
    let numbers: Vec<usize> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=22).collect::<Vec<_>>(), "one row for each invariant, in order");
    let bare: Vec<_> = rows.iter().filter(|(_, tests)| tests.is_empty()).map(|(number, _)| number).collect();
    assert!(bare.is_empty(), "no test is named for the invariants {bare:?}");

    let functions: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .flat_map(|file| functions(&file.text))
        .collect();
    let missing: Vec<_> = rows
        .iter()
        .flat_map(|(number, tests)| tests.iter().map(move |test| (number, test)))
        .filter(|(_, test)| !functions.contains(test.rsplit("::").next().unwrap_or_default()))
        .map(|(number, test)| format!("{number}: {test}"))
        .collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names tests that do not exist:\n{}", missing.join("\n"));
}

/// They are run rarely, for they take long; that they fit the code can be seen every time.
#[test]
fn every_mutation_still_applies() {
    let patches: Vec<_> =
        repo::files("tests/mutations").into_iter().filter(|file| file.path.ends_with(".patch")).collect();
    assert!(patches.len() >= 10, "only {} mutations are there", patches.len());
    let stale: Vec<_> = patches
        .iter()
        .filter(|patch| {
            let check = Command::new("git")
                .current_dir(repo::root())
                .args(["apply", "--check"])
                .arg(&patch.path)
                .output()
                .expect("git runs");
            !check.status.success()
        })
        .map(|patch| &patch.path)
        .collect();
    assert!(stale.is_empty(), "make these anew, the code has changed: {stale:?}");
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests" || part == "benches")
}

/// Lines outside `#[cfg(test)] mod … { … }`, which rustfmt begins and ends in the first column.
fn lines_without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let (mut count, mut in_tests) = (0, false);
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).copied().unwrap_or_default();
        in_tests |= *line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{');
        count += usize::from(!in_tests);
        in_tests &= *line != "}";
    }
    count
}

/// Lines that speak of a machine or a place where the repository once lay instead of the product.
fn foreign_text(path: &str, text: &str) -> Vec<String> {
    // Put together here, so that this file does not hold what it forbids.
    let words = [["/wo", "rk/"], ["../sh", "ared"], ["DESIGN", " §"], ["/ro", "ot/"]].map(|w| w.concat());
    text.lines()
        .enumerate()
        .filter(|(_, line)| words.iter().any(|word| line.contains(word)) || names_an_issue(line))
        .map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim()))
        .collect()
}

/// Whether a line has the word "issue" with a number: text must stand without a tracker.
fn names_an_issue(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.match_indices("issue ").any(|(at, word)| {
        let after = line.get(at + word.len()..).unwrap_or_default();
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        after.trim_start_matches('#').starts_with(|first: char| first.is_ascii_digit())
            && !before.is_some_and(char::is_alphanumeric)
    })
}

/// The rows of the table of invariants: number, and the names of tests (in backquotes) of its last column.
fn invariants(text: &str) -> Vec<(usize, Vec<String>)> {
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let [number, _, tests] = cells.as_slice() else { return None };
            let names = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            Some((number.parse().ok()?, names))
        })
        .collect()
}

/// The names of all functions of a source text.
fn functions(text: &str) -> impl Iterator<Item = &str> {
    text.split("fn ").skip(1).filter_map(|after| {
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        after.get(..end).filter(|name| !name.is_empty())
    })
}

/// The checks can fail.
mod samples {
    use super::{foreign_text, functions, invariants, is_test, lines_without_tests};

    #[test]
    fn lines_of_tests_are_not_counted() {
        let text = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
        assert_eq!(lines_without_tests(text), 3);
        assert_eq!(lines_without_tests("#[cfg(test)]\nmod tests;\nfn c() {}\n"), 3);
        assert_eq!(lines_without_tests(&"x\n".repeat(501)), 501);
        assert!(is_test("approval-core/src/model/tests.rs") && is_test("tests/tests/a.rs"));
        assert!(!is_test("approval-core/src/tests_of_time.rs"));
    }

    #[test]
    fn foreign_text_is_found() {
        for text in
            [["see /wo", "rk/x"], ["in ../sh", "ared/y"], ["As is", "sue 12 says"], ["(is", "sue #3)"]]
        {
            assert_eq!(foreign_text("a.md", &text.concat()).len(), 1, "{text:?}");
        }
        for text in ["a network/io error", "we reissue 2 grants", "an issue of trust", "the issue tracker"] {
            assert_eq!(foreign_text("a.md", text), Vec::<String>::new());
        }
    }

    #[test]
    fn rows_and_functions_are_read() {
        let table =
            "| number | invariant | tests |\n|---|---|---|\n| 1 | One. | `a::b`, `c` |\n| 2 | Two. | - |\n";
        assert_eq!(invariants(table), [(1, vec!["a::b".to_owned(), "c".to_owned()]), (2, vec![])]);
        assert_eq!(functions("async fn one() {}\nfn two<T>(t: T) {}").collect::<Vec<_>>(), ["one", "two"]);
    }
}
