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

#[test]
fn ten_thousand_mistakes_are_reported_in_bounded_room() {
    let wide = "x".repeat(30);
    let one_line = |part: &dyn Fn(usize) -> String| {
        let parts: Vec<String> = (0..10_000).map(part).collect();
        format!("{{{}}}", parts.join(", "))
    };
    let on_lines = |part: &dyn Fn(usize) -> String| (0..10_000).map(|n| part(n) + "\n").collect::<String>();
    for text in [
        one_line(&|n| format!("{wide}{n}: 1")),
        one_line(&|n| format!("{wide}{n}: &a 1")),
        one_line(&|_| format!("{wide}: 1")),
        on_lines(&|n| format!("{wide}{n}: 1")),
        on_lines(&|n| format!("{wide}{n}: !!x 1")),
        on_lines(&|_| "? [a]\n: 1".to_owned()),
    ] {
        let Err(mistakes) = Document::parse("f.yaml", &text).and_then(|document| {
            let _unused = document.root().map(&["name", "count"]);
            assert!(document.is_full());
            document.finish()
        }) else {
            panic!("there are mistakes")
        };
        assert!((1..=MISTAKE_LIMIT).contains(&mistakes.mistakes.len()) && mistakes.more);
        let room: usize = mistakes.mistakes.iter().map(|one| one.source.len() + one.message.len()).sum();
        assert!(room < 100_000, "{room}");
        let shown = mistakes.to_string();
        assert!(
            shown.len() < 60_000 && shown.ends_with("mistakes or more in f.yaml; reading stopped there"),
            "{shown}"
        );
        let json = serde_json::to_string(&mistakes).unwrap();
        assert!(json.len() < 100_000, "{}", json.len());
    }
}

#[test]
fn a_long_line_is_cut_around_the_mistake() {
    let long = format!("{{a: [{}], risc: high, b: {}}}", "1, ".repeat(60_000), "y".repeat(200_000));
    let told = told(&long, |document| drop(document.root().map(&["a", "b", "risk"])));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines[0], "f.yaml:1:180009: unknown key `risc`");
    let (text, caret) = (lines[1], lines[2]);
    assert!(text.len() < 130, "{text}");
    let at = caret.find('^').unwrap();
    assert_eq!(
        (
            caret.trim_start_matches('|').trim_start_matches([' ', '|']),
            text.chars().skip(at).take(4).collect::<String>()
        ),
        ("^^^^", "risc".to_owned())
    );
}

#[test]
fn texts_of_a_file_are_cut_in_messages_and_paths() {
    let (key, items) = ("k".repeat(200_000), "[],".repeat(20_000));
    let told = told(&format!("{key}: [{items}]\n{key}2: 1\nname: {key}\n"), |document| {
        let entries = document.root().entries().unwrap();
        for item in entries[0].value.list().unwrap() {
            assert!(item.path().len() < 120);
            let _unused = item.text();
        }
        let _unused = document.root().map(&["name"]).unwrap().required("name").unwrap().bool();
    });
    assert!(told.len() < 60_000, "{}", told.len());
}

#[test]
fn a_list_up_to_a_bound_says_what_is_too_much() {
    let text = "few: [a, b]\nmany: [a, b, c, d]\none: a\nnone: {}\n";
    let told = told(text, |document| {
        let top = document.root().map(&["few", "many", "one", "none"]).unwrap();
        let of = |key: &str| top.required(key).unwrap().up_to(2, "write fewer").len();
        assert_eq!((of("few"), of("many"), of("one")), (2, 2, 1));
        assert!(top.required("none").unwrap().list_up_to(2, "write fewer").is_none());
    });
    assert!(told.contains(
        "f.yaml:2:14: many[2]: is one more than the 2 entries that this list may have; there are 4"
    ));
    assert!(told.contains("hint: write fewer") && told.contains("none: is a map"), "{told}");
    assert!(told.ends_with("2 mistakes in f.yaml"), "{told}");
}

#[test]
fn suggestions_of_a_document_compare_a_bounded_number_of_letters() {
    let document = Document::parse("f.yaml", "a: 1\n").unwrap();
    let known: Vec<String> = (0..1_000).map(|number| format!("{}{number:03}", "x".repeat(67))).collect();
    let wrong = format!("{}777y", "x".repeat(67));
    let near = || document.root().nearest(&wrong, known.iter().map(String::as_str));
    // 1,000 words of 70 letters, each compared with 71: half of what may be.
    assert_eq!(near(), Some(known[777].as_str()));
    assert_eq!(near(), None, "the second is too much");
    assert_eq!(
        document.root().nearest("aprovers", ["timeout", "approvers"]),
        Some("approvers"),
        "a little is left"
    );
    // What is far longer or shorter costs nothing.
    let short = Document::parse("f.yaml", "a: 1\n").unwrap();
    for _ in 0..100 {
        assert_eq!(short.root().nearest("x", known.iter().map(String::as_str)), None);
    }
    assert_eq!(short.root().nearest(&wrong, known.iter().map(String::as_str)), Some(known[777].as_str()));
}

#[test]
fn paths_do_not_grow_with_the_depth() {
    let mut text = String::new();
    for depth in 0..30 {
        text += &" ".repeat(depth);
        text += &"k".repeat(100);
        text += ":\n";
    }
    text += &" ".repeat(30);
    text += "[a, b]\n";
    let document = Document::parse("f.yaml", &text).unwrap();
    let mut item = document.root();
    while item.is_map() {
        item = item.entries().unwrap().remove(0).value;
    }
    let lengths: Vec<usize> = item.list().unwrap().iter().map(|item| item.path().len()).collect();
    assert_eq!(lengths, [403, 403], "four keys of 100 letters and three points");
}
