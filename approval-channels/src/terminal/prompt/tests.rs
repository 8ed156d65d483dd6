use serde_json::json;

use super::super::sample::{question, view};
use super::*;

fn approved(note: Option<&str>) -> Said {
    Said::Answer(Answer::Approve { note: note.map(str::to_owned) })
}

fn rejected(option: Option<&str>, reason: Option<&str>) -> Said {
    Said::Answer(Answer::Reject { option: option.map(str::to_owned), reason: reason.map(str::to_owned) })
}

fn is_unclear(line: &str) -> bool {
    matches!(read(line, &view()), Said::Unclear(why) if !why.is_empty())
}

#[test]
fn exact_words_approve() {
    for line in ["y", "Y", "yes", "YES", "approve", " y ", "\ty\t"] {
        assert_eq!(read(line, &view()), approved(None), "{line:?}");
    }
    assert_eq!(read("y note checked with the bank", &view()), approved(Some("checked with the bank")));
}

#[test]
fn nothing_but_exact_words_approves() {
    let lines = [
        "",
        " ",
        "\t",
        "yy",
        "y?",
        "y.",
        "y!",
        "yes?",
        "yes, but not today",
        "y but not today",
        "yes please",
        "ok",
        "okay",
        "sure",
        "yep",
        "yeah",
        "ja",
        "oui",
        "si",
        "approve?",
        "don't approve",
        "do not approve",
        "approve this",
        "approved",
        "not approve",
        "> approve",
        "\"y\"",
        "'y'",
        "(y)",
        "[y]",
        "y\u{0}",
        "y\u{8}",
        "\u{1b}[Ay",
        "\u{1b}y",
        "y\u{200b}",
        "\u{200b}y",
        "\u{feff}y",
        "y\u{a0}",
        "\u{ff59}",
        "\u{443}",
        "\u{fd}",
        "y\r",
        "y\u{202e}",
        "1y",
        "y1",
        "y 1",
        "true",
        "-y",
        "--yes",
        "y;",
        "y\\",
        "y/n",
        "y n",
        "n y?".trim_start_matches("n "),
        "yes no",
        "y note",
        "y note ",
        "y  note",
        "y notes fine",
        "approve all",
        "always",
        "a",
        "e",
        "who knows".trim_start_matches("who "),
        "y=1",
        "answer yes",
        "answer",
    ];
    for line in lines {
        assert!(is_unclear(line), "{line:?} gave {:?}", read(line, &view()));
    }
}

#[test]
fn no_line_that_is_not_an_exact_word_of_approval_approves() {
    // Every short line over an alphabet around the words that approve.
    let alphabet = ['y', 'Y', 'e', 's', 'n', 'o', ' ', '?', '.', '\u{443}', '\u{200b}'];
    let mut lines = vec![String::new()];
    for _ in 0..4 {
        let longer: Vec<_> = lines.iter().flat_map(|line| alphabet.map(|c| format!("{line}{c}"))).collect();
        lines.extend(longer);
        lines.sort_unstable();
        lines.dedup();
    }
    assert!(lines.len() > 10_000);
    for line in &lines {
        let exact = ["y", "yes"].contains(&line.trim_matches(' ').to_ascii_lowercase().as_str());
        let approves = matches!(read(line, &view()), Said::Answer(Answer::Approve { .. } | Answer::Edit(_)));
        assert_eq!(approves, exact, "{line:?}");
    }
}

#[test]
fn rejects_with_and_without_a_reason() {
    assert_eq!(read("n", &view()), rejected(None, None));
    assert_eq!(read("No", &view()), rejected(None, None));
    assert_eq!(read("reject  we agreed on less ", &view()), rejected(None, Some("we agreed on less")));
    assert_eq!(
        read("n 2 refunds were made already", &view()),
        rejected(None, Some("2 refunds were made already"))
    );
}

#[test]
fn rejects_with_a_prepared_reason_by_number_name_or_title() {
    for line in ["1", "n 1", "too_much", "reject too_much", "Too much", "n Too much"] {
        assert_eq!(read(line, &view()), rejected(Some("too_much"), None), "{line:?}");
    }
    assert_eq!(read("n 2: it is cust-8", &view()), rejected(Some("wrong_customer"), Some("it is cust-8")));
    assert_eq!(
        read("n too_much : half would do", &view()),
        rejected(Some("too_much"), Some("half would do"))
    );
    assert_eq!(read("n colons: are fine", &view()), rejected(None, Some("colons: are fine")));
}

#[test]
fn a_number_that_names_no_option_decides_nothing() {
    for line in ["3", "0", "01", "-1", "+1", "n 3", "1.", "1 2", "99999999999999999999"] {
        assert!(is_unclear(line), "{line:?}");
    }
}

#[test]
fn two_options_of_one_title_are_told_apart_by_number_only() {
    let mut view = view();
    for option in &mut view.options {
        option.title = "Same".to_owned();
    }
    assert!(matches!(read("Same", &view), Said::Unclear(_)));
    assert_eq!(read("2", &view), rejected(Some("wrong_customer"), None));
}

#[test]
fn a_prepared_answer_called_later_is_not_taken_for_putting_off() {
    let mut view = question(json!({}));
    view.matter = Matter::Question { schema: json!({}), choices: vec![("later".into(), json!("l8"))] };
    assert_eq!(read("later", &view), Said::Answer(Answer::Value(json!("l8"))));
    assert_eq!(read("l", &view), Said::Later);
}

#[test]
fn asks_skips_helps_shows_and_tells_who() {
    assert_eq!(read("a why so much?", &view()), Said::Answer(Answer::Ask("why so much?".to_owned())));
    assert_eq!(read("ask", &view()), Said::Unclear("what is the question? Write: ask TEXT".to_owned()));
    assert_eq!(read("s", &view()), Said::Skip);
    assert_eq!(read("skip", &view()), Said::Skip);
    assert!(is_unclear("skip this one"));
    assert_eq!(read("l", &view()), Said::Later);
    assert_eq!(read("later", &view()), Said::Later);
    assert!(is_unclear("later today"));
    assert_eq!(read("?", &view()), Said::Help);
    assert_eq!(read("help", &view()), Said::Help);
    assert_eq!(read("show", &view()), Said::Show);
    assert_eq!(read("who", &view()), Said::Who(None));
    assert_eq!(read("who 2", &view()), Said::Who(Some("2".to_owned())));
}

#[test]
fn edits_by_path() {
    let Said::Answer(Answer::Edit(changes)) = read("edit cents=1200", &view()) else { panic!("no edit") };
    assert_eq!(Value::Object(changes), json!({"cents": 1200}));
    assert!(is_unclear("e"));
    assert!(is_unclear("edit cents"));
}

#[test]
fn a_line_that_nobody_types_by_hand_decides_nothing() {
    assert!(is_unclear(&format!("n {}", "x".repeat(MAX_TEXT))));
}

#[test]
fn a_question_is_answered_with_a_value_only() {
    let view = question(json!({"type": "integer"}));
    assert_eq!(read("answer 42", &view), Said::Answer(Answer::Value(json!(42))));
    for line in ["y", "yes", "approve", "42", "answer", "answer many", "e cents=1", ""] {
        assert!(matches!(read(line, &view), Said::Unclear(_)), "{line:?}");
    }
    assert_eq!(read("n none of my business", &view), rejected(None, Some("none of my business")));
}

#[test]
fn every_word_of_the_help_is_understood() {
    for view in [view(), question(json!({"type": "string"}))] {
        for (usage, _) in help(&view) {
            let line = usage
                .replace("NUMBER or NAME", "1")
                .replace("[1]", "1")
                .replace("NUMBER", "1")
                .replace("[REASON]", "because")
                .replace("NAME=VALUE ...", "cents=5")
                .replace("TEXT", "words")
                .replace("VALUE", "42");
            for word in line.split(", ") {
                let rest = line.rsplit_once(' ').map_or("", |(_, rest)| rest);
                let needs_rest = matches!(word, "a" | "e");
                let line = if needs_rest { format!("{word} {rest}") } else { word.to_owned() };
                assert!(
                    !matches!(read(&line, &view), Said::Unclear(_)),
                    "{line:?}: {:?}",
                    read(&line, &view)
                );
            }
        }
    }
}

#[test]
fn a_prepared_answer_is_given_by_its_number_alone() {
    let mut view = question(json!({}));
    view.matter = Matter::Question { schema: json!({}), choices: vec![("Blue".into(), json!("b"))] };
    for line in ["1", "Blue", "answer 1", "answer b"] {
        assert_eq!(read(line, &view), Said::Answer(Answer::Value(json!("b"))), "{line:?}");
    }
    assert!(matches!(read("2", &view), Said::Unclear(_)));
}
