mod hostile;

use serde_json::json;

use super::super::sample::{now, question, view};
use super::super::text::Look;
use super::super::view::{Attached, Previewed};
use super::*;

fn shown(view: &View, width: Option<usize>) -> String {
    request(view, now(), width).paint(Look { colour: false, width })
}

#[test]
fn everything_that_a_decision_needs_is_there() {
    let expected = "\
Approval wanted: payments.refund version 1
  what        Refund 120000 cents to cust-9
  risk        high
  priority    high
  cost        1200.00 USD
  agent       agent:worker-3
  acting for  user:bob@example.com
  it says     The customer complained
  deadline    2030-03-17 18:01:40 UTC (in 15 min 0 s), then rejected
  votes       0 of 1 from user:ann@example.com, group:finance
  arguments   64 bytes, about 7 lines, shown whole
  | {
  |   \"args\": {
  |     \"customer\": \"cust-9\"
  |   },
  |   \"cents\": 120000,
  |   \"note\": \"as agreed\"
  | }
  redacted    args.token (not shown here)
  not bound   self, client (not covered by an approval)
  editable    cents, note
  options     1) too_much: Too much
              2) wrong_customer: Wrong customer
  request     01970000-0000-7000-8000-726566756e64
  revision    1, sha256:6669727374000000000000000000000000000000000000000000000000000000
";
    assert_eq!(shown(&view(), None), expected);
}

#[test]
fn attachments_are_shown_with_all_that_the_approval_is_bound_to() {
    let of = |name: &str, what: &str, text: Option<&str>| Attached {
        name: name.to_owned(),
        what: what.to_owned(),
        text: text.map(str::to_owned),
    };
    let attachments = vec![
        of("terms.txt", "text/plain, 12 bytes, sha256:00", Some("net 30\nagreed")),
        of("logo.png", "image/png, 7 bytes, sha256:11", None),
        of("\", 0 bytes", "text/plain, 1 byte, sha256:22", Some("x")),
    ];
    let expected = "\
  | }
  attached    \"terms.txt\" text/plain, 12 bytes, sha256:00
  | \"net 30\\n
  |     agreed\"
  attached    \"logo.png\" image/png, 7 bytes, sha256:11
  attached    \"\\\", 0 bytes\" text/plain, 1 byte, sha256:22
  | \"x\"
  redacted    args.token (not shown here)
";
    let text = shown(&View { attachments, ..view() }, None);
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_preview_stands_in_front_of_who_asks() {
    let previewed = |text: &str, failed: bool, cautions: &[&str]| {
        let cautions = cautions.iter().copied().map(str::to_owned).collect();
        let preview = Some(Previewed { text: text.to_owned(), failed, cautions });
        shown(&View { preview, ..view() }, None)
    };
    let text = previewed("47 rows will be deleted", false, &[]);
    assert!(
        text.contains("  cost        1200.00 USD\n  preview     47 rows will be deleted\n  agent "),
        "{text}"
    );
    let text = previewed("it took longer than 10s", true, &["cut", "old"]);
    let expected =
        "  preview     failed: it took longer than 10s\n  beware      cut\n  beware      old\n  agent ";
    assert!(text.contains(expected), "{text}");
    let text = previewed("orders: 47\ncustomers: 3", false, &[]);
    let expected = "  preview     23 bytes\n  | \"orders: 47\\n\n  |     customers: 3\"\n  agent ";
    assert!(text.contains(expected), "{text}");
    assert!(previewed("\u{440}aypal", false, &[]).contains("  beware      \u{440}aypal"));
    assert!(!shown(&view(), None).contains("preview"));
}

#[test]
fn a_long_attachment_is_shown_whole_and_ends_with_a_reminder() {
    let text = (0..100).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
    let attached = Attached { name: "a.txt".to_owned(), what: String::new(), text: Some(text) };
    let text = shown(&View { attachments: vec![attached], ..view() }, Some(80));
    assert!((0..100).all(|n| text.contains(&format!("line {n}"))), "{text}");
    assert!(text.contains("That was long"), "{text}");
}

#[test]
fn letters_of_other_alphabets_in_attachments_are_pointed_out() {
    let attached = |name: &str, text: &str| Attached {
        name: name.to_owned(),
        what: String::new(),
        text: Some(text.to_owned()),
    };
    for one in [attached("\u{440}aypal.txt", "x"), attached("x", "pay to \u{440}aypal")] {
        let text = shown(&View { attachments: vec![one], ..view() }, None);
        assert!(text.contains("  beware      \u{440}aypal"), "{text}");
    }
}

#[test]
fn what_is_absent_is_left_out_or_said_to_be_absent() {
    let view = View {
        on_behalf_of: None,
        intent: None,
        cost: None,
        deadline: None,
        redacted: vec![],
        unbound: vec![],
        editable: vec![],
        options: vec![],
        ..view()
    };
    let text = shown(&view, None);
    assert!(text.contains("  acting for  nobody named\n") && text.contains("  deadline    none\n"), "{text}");
    for label in ["cost", "it says", "redacted", "not bound", "editable", "options"] {
        assert!(!text.contains(&format!("\n  {label} ")), "{label}: {text}");
    }
}

#[test]
fn a_question_is_shown_as_one() {
    let text = shown(&question(json!({"type": "string"})), None);
    assert!(text.starts_with("Answer wanted: ") && text.contains("  question    Refund"), "{text}");
    assert!(text.contains("  answer      text\n") && !text.contains("  arguments"), "{text}");
    let text = shown(&question(json!({"type": "string", "pattern": "a"})), None);
    assert!(text.contains("  arguments") && text.contains("\"cents\""), "{text}");
}

#[test]
fn prepared_answers_are_shown_with_what_they_stand_for() {
    let choices = vec![("No".to_owned(), json!(true))];
    let asked = View { matter: Matter::Question { schema: json!({"type": "boolean"}), choices }, ..view() };
    let text = shown(&asked, None);
    assert!(text.contains("  answers     1) No = true\n"), "{text}");
}

#[test]
fn the_time_left_is_told_in_two_units() {
    let at = |seconds: i64| {
        let deadline = Timestamp::from_second(now().as_second() + seconds).unwrap();
        shown(&View { deadline: Some((deadline, "rejected".to_owned())), ..view() }, None)
    };
    for (seconds, expected) in [
        (-5, "(past)"),
        (0, "(past)"),
        (1, "(in 1 s)"),
        (59, "(in 59 s)"),
        (60, "(in 1 min 0 s)"),
        (3_599, "(in 59 min 59 s)"),
        (3_600, "(in 1 h 0 min)"),
        (86_399, "(in 23 h 59 min)"),
        (86_400, "(in 1 d 0 h)"),
        (10 * 86_400 + 7_300, "(in 10 d 2 h)"),
    ] {
        assert!(at(seconds).contains(expected), "{seconds}: {}", at(seconds));
    }
}

#[test]
fn long_arguments_end_with_a_reminder_to_scroll_up() {
    let long = View { arguments: json!({"list": (0..30).collect::<Vec<_>>()}).to_string(), ..view() };
    let text = shown(&long, None);
    let last = "That was long: scroll up and read it from payments.refund version 1 for agent:worker-3";
    assert!(text.contains(last), "{text}");
    assert!(!shown(&view(), Some(80)).contains("That was long"));
}

#[test]
fn wrapped_text_stays_in_its_column() {
    let view = View { description: "word ".repeat(60), ..view() };
    let text = shown(&view, Some(60));
    let lines: Vec<_> = text.lines().skip(1).take_while(|line| !line.starts_with("  risk")).collect();
    assert!(lines.len() > 5);
    assert!(lines.iter().skip(1).all(|line| line.starts_with("              word")), "{text}");
}

#[test]
fn words_that_are_not_what_they_look_like_are_pointed_out() {
    let view = View {
        description: "Pay p\u{430}ypal".to_owned(),
        arguments: json!({"to": "p\u{430}ypal"}).to_string(),
        ..view()
    };
    let text = shown(&view, None);
    assert_eq!(text.matches("  beware      p\u{430}ypal mixes letters").count(), 1, "{text}");
    assert!(!shown(&super::super::sample::view(), None).contains("beware"));
}
