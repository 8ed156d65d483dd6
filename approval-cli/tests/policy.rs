//! The command line, as a person at a terminal or a script meets it.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::{fs, path::PathBuf};

use approval_cli::{FINE, MISTAKES, UNUSABLE};
use serde_json::Value;
use tempfile::TempDir;

const RULES: &str = "
policy:
  rules:
    - {name: small refunds, action: payments.refund, when: cost_usd <= 50, allow: true}
    - {name: refunds, action: payments.refund, ask: {approvers: group:finance, timeout: 15m}}
";

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("approvals.yaml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// Exit status, standard output, standard error.
fn run(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let status = approval_cli::run(
        std::iter::once("approvals").chain(arguments.iter().copied()),
        &mut out,
        &mut errors,
    );
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

fn policy(command: &str, text: &str, more: &[&str]) -> (u8, String, String) {
    let (_folder, path) = file(text);
    let path = path.to_str().unwrap();
    let (status, out, errors) = run(&[&["policy", command, path], more].concat());
    (status, out.replace(path, "approvals.yaml"), errors.replace(path, "approvals.yaml"))
}

#[test]
fn a_good_file_is_counted() {
    assert_eq!(
        policy("check", RULES, &[]),
        (FINE, "approvals.yaml: 3 rules, no mistakes\n".into(), String::new())
    );
    let (status, out, _) = policy("check", "policy: {required_for: [a.b]}\n", &[]);
    assert_eq!(status, FINE);
    assert!(out.contains("note: `required_for`"), "{out}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let broken = "policy:\n  rules:\n    - name: one\n      when: amont > 1\n      alow: true\n";
    let (status, out, errors) = policy("check", broken, &[]);
    assert_eq!((status, out.as_str()), (MISTAKES, ""));
    for part in [
        "approvals.yaml:4:13: policy.rules[0].when: unknown variable `amont`",
        "unknown key `alow`",
        "did you mean `allow`",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    let (status, out, _) = policy("check", broken, &["--json"]);
    assert_eq!(status, MISTAKES);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["mistakes"][0]["line"], 3);
    assert!(
        json["mistakes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|mistake| mistake["column"] == 13 && mistake["line"] == 4)
    );
}

#[test]
fn what_cannot_be_read_is_another_status() {
    let (status, _, errors) = run(&["policy", "check", "/nowhere/approvals.yaml"]);
    assert_eq!(status, UNUSABLE);
    assert!(errors.contains("/nowhere/approvals.yaml cannot be read"), "{errors}");
    assert_eq!(run(&["policy", "chek"]).0, UNUSABLE);
    assert_eq!(policy("test", RULES, &["--action", "Not A Name"]).0, UNUSABLE);
    assert_eq!(policy("test", RULES, &["--action", "a.b", "--args", "[1]"]).0, UNUSABLE);
    assert_eq!(policy("test", "server: {}\n", &["--action", "a.b"]).0, UNUSABLE);
    assert_eq!(run(&["--help"]).0, FINE);
}

#[test]
fn a_call_is_explained() {
    let (status, out, _) = policy("test", RULES, &["--action", "payments.refund", "--cost-usd", "80.00"]);
    assert_eq!(status, FINE);
    for part in [
        "ask: refunds\n",
        "- small refunds: does not hold (when cost_usd <= 50)",
        "> refunds: counts",
        "needs 1 of group:finance",
        "within 15m, then it expires and nothing runs",
        "for 80.00 USD",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let (_, out, _) = policy("test", RULES, &["--action", "payments.refund", "--cost-usd", "20", "--json"]);
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((json["outcome"].as_str(), json["rule"].as_str()), (Some("allow"), Some("small refunds")));
    let named = ["--action", "payments.refund", "--cost-usd", "20", "--approvers", "user:ann@example.com"];
    let (_, out, _) = policy("test", RULES, &named);
    assert!(out.starts_with("ask: small refunds\n") && out.contains("names its approvers itself"), "{out}");
}

#[test]
fn a_call_on_behalf_of_a_person_is_explained() {
    let rules = "
policy:
  rules:
    - {name: own, when: on_behalf_of == 'user:ann@example.com', allow: true}
    - {name: house, when: on_behalf_of.endsWith('@example.com'), ask: {approvers: group:finance}}
    - {name: others, deny: only for people of the house}
";
    for (behind, first, part) in [
        (&["--on-behalf-of", "user:ann@example.com"][..], "allow: own\n", "counts"),
        (&["--on-behalf-of", "User:Ann@Example.com"], "allow: own\n", "counts"),
        (
            &["--on-behalf-of", "user:bob@example.com"],
            "ask: house\n",
            "agent:sample, on behalf of user:bob@example.com, wants to run a.b",
        ),
        (&["--on-behalf-of", "user:eve@elsewhere.example"], "deny: others\n", "only for people of the house"),
        // No person is behind it, and the second rule needs one.
        (&[], "ask: house\n", "! house: cannot be evaluated"),
    ] {
        let (status, out, errors) = policy("test", rules, &[&["--action", "a.b"], behind].concat());
        assert_eq!(status, FINE, "{errors}");
        assert!(out.starts_with(first) && out.contains(part), "{behind:?}: {out}");
        let (_, json, _) = policy("test", rules, &[&["--action", "a.b", "--json"], behind].concat());
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            Some(first.trim_end()),
            Some(&*format!("{}: {}", json["outcome"], json["rule"]).replace('"', ""))
        );
    }
    for wrong in ["ann@example.com", "user:", "person:ann", ""] {
        let (status, _, errors) = policy("test", rules, &["--action", "a.b", "--on-behalf-of", wrong]);
        assert!(status == UNUSABLE && errors.contains("--on-behalf-of"), "{wrong:?}: {errors}");
    }
}

#[test]
fn a_run_window_is_told_with_its_next_opening() {
    let rules = |window: &str| {
        format!("policy:\n  rules:\n    - {{name: a, ask: {{approvers: group:ops, run_window: {window}}}}}\n")
    };
    let office = rules("{mon-fri: 09:00-17:00, time_zone: Europe/Berlin}");
    assert_eq!(policy("check", &office, &[]).0, FINE);
    for (now, part) in [
        ("2026-01-05T10:00:00Z", "runs only within mon-fri 09:00-17:00 Europe/Berlin, which is open now"),
        (
            "2026-01-09T17:00:00Z",
            "runs only within mon-fri 09:00-17:00 Europe/Berlin, which opens 2026-01-12T08:00:00Z",
        ),
    ] {
        let (status, out, errors) = policy("test", &office, &["--action", "a.b", "--now", now]);
        assert!(status == FINE && out.contains(part), "{out}{errors}");
    }
    let (_, out, _) = policy("test", RULES, &["--action", "payments.refund"]);
    assert!(!out.contains("runs only within"), "{out}");
    for (window, part) in [
        ("{mon-fri: 09:00-17:00}", "run_window: has no `time_zone`"),
        ("{time_zone: UTC}", "run_window: has no hours"),
        (
            "{mon-fri: 09:00-17:00, time_zone: Europe/Atlantis}",
            "run_window.time_zone: time zone \"Europe/Atlantis\" is not known",
        ),
        (
            "{mon-fir: 09:00-17:00, time_zone: UTC}",
            "run_window.mon-fir: days \"mon-fir\" are no days of the week",
        ),
        ("{mon: 09:00, time_zone: UTC}", "run_window.mon: hours \"09:00\" are not a time from and a time to"),
    ] {
        let (status, _, errors) = policy("check", &rules(window), &[]);
        assert!(
            status == MISTAKES && errors.contains("approvals.yaml:3:") && errors.contains(part),
            "{errors}"
        );
    }
}
