use super::*;

fn told(text: &str, read: impl FnOnce(&Document)) -> String {
    match Document::parse("f.yaml", text) {
        Ok(document) => {
            read(&document);
            document.finish().err().map_or_else(String::new, |mistakes| mistakes.to_string())
        }
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn mistakes_are_collected_in_order_with_caret_and_hint() {
    let told = told("risc: high\nname:\ncount: many\nlist: {}\n", |document| {
        let top = document.root().map(&["risk", "name", "count", "list"]).unwrap();
        assert!(top.required("risk").is_none());
        assert!(top.required("name").unwrap().text().is_none());
        assert!(top.required("list").unwrap().list().is_none());
        assert!(top.required("count").unwrap().whole(1..=9).is_none());
    });
    println!("{told}");
    assert!(told.contains(
        "f.yaml:1:1: unknown key `risc`\n    1 | risc: high\n      | ^^^^\n  hint: did you mean `risk`?"
    ));
    assert!(told.contains(
        "f.yaml:3:8: count: `many` is no whole number\n    3 | count: many\n      |        ^^^^\n"
    ));
    assert!(told.ends_with("5 mistakes in f.yaml"));
}

#[test]
fn what_stands_in_for_something_else_is_refused() {
    for (text, part) in [
        ("a: &x 1\nb: *x\n", "anchor"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("a: *nobody\n", "is not YAML"),
        ("a: !!int 3\n", "tag"),
        ("a: 1\na: 2\n", "`a` stands here a second time; the first is on line 1"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("? [a]\n: 1\n", "is a key, but no text"),
        ("a:\n\tb: 1\n", "indented by a tab"),
        ("a: [1, 2\n", "is not YAML"),
        ("a: b: c\n", "is not YAML"),
    ] {
        let told = told(text, |_| ());
        println!("{told}\n");
        assert!(told.contains(part), "{text}: {told}");
    }
}

#[test]
fn limits_hold() {
    assert!(told(&"a".repeat(SIZE_LIMIT + 1), |_| ()).contains("more than 1048576"));
    assert!(told(&format!("{}{}", "[".repeat(40), "]".repeat(40)), |_| ()).contains("deeper than 32"));
    assert!(told(&format!("[{}]", "1,".repeat(NODE_LIMIT + 1)), |_| ()).contains("100000"));
    let bomb: Vec<String> = (1..30).map(|n| format!("a{n}: &a{n} [*a{m}, *a{m}]", m = n - 1)).collect();
    assert!(told(&format!("a0: &a0 x\n{}\n", bomb.join("\n")), |_| ()).contains("alias"));
}

#[test]
fn a_part_of_a_text_has_its_own_place() {
    for (text, line, column) in [
        ("when: one two\n", 1, 11),
        ("when: \"one two\"\n", 1, 12),
        ("when: 'one two'\n", 1, 12),
        ("when: |\n  one two\n", 2, 7),
        ("when: >-\n\n  one two\n", 3, 7),
    ] {
        let document = Document::parse("f.yaml", text).unwrap();
        let item = document.root().map(&["when"]).unwrap().required("when").unwrap();
        let at = item.text().unwrap().find("two").unwrap();
        let place = item.place_of(at..at + 3);
        assert_eq!((place.line, place.column, place.length), (line, column, 3), "{text}");
    }
    let document = Document::parse("f.yaml", "when: |\n  one\n  and two\n").unwrap();
    let item = document.root().map(&["when"]).unwrap().required("when").unwrap();
    assert_eq!(item.place_of(8..11), Place { line: 3, column: 7, length: 3 });
}

#[test]
fn durations_are_read_and_shown() {
    for text in ["500ms", "30s", "15m", "1h 30m", "2d 1s"] {
        assert_eq!(show_duration(parse_duration(text).unwrap()), text);
    }
    assert_eq!(parse_duration("1h30m").unwrap(), crate::clock::Span::from_mins(90));
    assert_eq!(show_duration(crate::clock::Span::ZERO), "0s");
    for (text, part) in [
        ("", "is empty"),
        ("15", "has no unit"),
        ("m", "not a number"),
        ("-5m", "not a number"),
        ("15M", "unknown unit `M`"),
        ("30m 1h", "wrong order"),
        ("99999999999999999999d", "longer than 100 years"),
        ("40000d", "longer than 100 years"),
    ] {
        let told = parse_duration(text).unwrap_err().to_string();
        assert!(told.contains(part), "{text}: {told}");
    }
}

#[test]
fn words_that_are_nearly_right_are_found() {
    assert_eq!(nearest("aprovers", ["timeout", "approvers"]), Some("approvers"));
    assert_eq!(nearest("tiemout", ["timeout", "approvers"]), Some("timeout"));
    assert_eq!(nearest("database", ["timeout", "approvers"]), None);
    assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
}

#[test]
fn hostile_text_is_shown_harmlessly_and_long_lines_are_cut() {
    let told = told(&format!("{}: 1\na\u{202e}b: 2\n", "x".repeat(500)), |document| {
        assert!(document.root().map(&["known"]).is_some());
    });
    assert!(told.contains("⟨U+202E⟩") && !told.contains('\u{202e}'));
    assert!(
        told.lines().filter(|line| line.contains(" | ")).all(|line| line.chars().count() < 140),
        "{told}"
    );
}
