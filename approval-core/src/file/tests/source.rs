//! The texts of sections that are kept.

use std::sync::Arc;

use crate::{file::ApprovalsFile, model::Source};

/// The texts of the sections that are kept.
fn texts(text: &str) -> (Option<String>, Option<String>) {
    let file = match ApprovalsFile::parse("approvals.yaml", text) {
        Ok(file) => file,
        Err(mistakes) => panic!("{text}: {mistakes}"),
    };
    let text = |source: Option<Arc<Source>>| source.map(|source| (**source.text()).to_owned());
    (text(file.rules_source()), text(file.people_source()))
}

#[test]
fn a_section_is_kept_as_it_stands_in_the_file_and_nothing_of_its_neighbours() {
    let policy = "policy:\n  # why\n  rules: []\n  # the end";
    let people = "directory: {people: {user:ann: }}";
    let expected = (Some(policy.to_owned()), Some(people.to_owned()));
    for text in [
        format!("{policy}\n{people}"),
        format!("{people}\n{policy}\n"),
        format!(
            "\u{feff}# token\nserver: {{token: a}}\n{policy}\n\n# token\n\n#token\nchannels: {{}}\n\n{people}\n\n"
        ),
        format!("---\n{people}\n# token\n{policy}\n#token"),
    ] {
        assert_eq!(texts(&text), expected, "{text}");
    }
    let windows = format!("# ẞ\r\n{}\r\nserver: {{}}\r\n", policy.replace('\n', "\r\n"));
    assert_eq!(texts(&windows), (Some(policy.replace('\n', "\r\n")), None));
}

#[test]
fn sections_in_braces_and_under_quoted_keys_are_cut_out_too() {
    let (policy, people) =
        texts("{server: {a: ẞ}, 'policy': {rules: []}, directory: {people: {user:ann: }}}");
    assert_eq!(policy.as_deref(), Some("'policy': {rules: []},"));
    assert_eq!(people.as_deref(), Some("directory: {people: {user:ann: }}}"));
    let block = "policy:\n  rules:\n  - name: a\n    ask: true\n    when: >-\n      args.cents > 1";
    assert_eq!(texts(&format!("{block}\n# token\nserver: {{}}")).0.as_deref(), Some(block));
}

#[test]
fn what_has_no_section_or_says_none_has_no_text() {
    assert_eq!(texts("server: {}"), (None, None));
    assert_eq!(texts("policy: none\ndirectory: none"), (None, None));
}
