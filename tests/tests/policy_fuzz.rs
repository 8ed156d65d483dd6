//! Whatever a file or a condition says, reading it and asking it never panics.
//!
//! 10,000 files and conditions; 1,000,000 when `APPROVALS_FULL` is set. `APPROVALS_SEED` repeats what is tried.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::{fs, path::Path};

use approval_core::{
    file::ApprovalsFile,
    model::canonical::parse_canonical,
    policy::{Rules, SampleCall},
};
use approval_tests::{
    random::{Random, full, seed},
    repo,
};

/// Pieces that files and conditions are made of, and that break them.
const PIECES: &[&str] = &[
    "policy:",
    "rules:",
    "- name: x",
    "allow: true",
    "ask: {",
    "}",
    "[",
    "]",
    "{",
    "when: ",
    "\n",
    "\n  ",
    "\n    ",
    "\t",
    ": ",
    " #",
    "\"",
    "'",
    "|",
    ">-",
    "&a",
    "*a",
    "!!str",
    "---",
    "...",
    "? ",
    "%YAML 1.2",
    "null",
    "~",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "𝕏",
    "\\",
    "\\u12",
    "-",
    "0",
    "99999999999999999999",
    "15m",
    "never",
    "user:ann",
    "group:",
    "required_for:",
    "risk_tiers: {",
    "autonomy: ",
    "defaults: {outcome: ",
    "directory:",
    "require: [{count: 2, of: ",
    "escalate: {after: ",
];

const WORDS: &[&str] = &[
    "action",
    "args",
    "agent",
    "run",
    "risk",
    "cost_usd",
    "now",
    "spent_usd",
    "true",
    "false",
    "null",
    "1",
    "-1",
    "0.5",
    "1e308",
    "9223372036854775807",
    "9223372036854775808",
    "0u",
    "'a'",
    "\"high\"",
    "b'x'",
    "'é'",
    "args.cents",
    "args.list",
    "args.text",
    "args['text']",
    "args.list[0]",
    "args.list[-1]",
    "x",
    "has(args.x)",
    "args.list.exists(x, x > 1)",
    "args.list.map(x, x)[0]",
    "now.getHours('Europe/Berlin')",
    "now.getHours(args.text)",
    "timestamp('2026-01-01T00:00:00Z')",
    "size(args.list)",
    "int(args.text)",
    "double(cost_usd)",
    "string(now)",
    "type(args.x)",
    "dyn(risk)",
    "matches('a', '(a*)*$')",
    "1/0",
    "1%0",
];
const SIGNS: &[&str] = &[
    " == ", " != ", " < ", " >= ", " && ", " || ", " in ", " + ", " - ", " * ", " / ", " % ", " ? ", " : ",
    ".", ", ",
];
const BRACKETS: &[(&str, &str)] =
    &[("(", ")"), ("[", "]"), ("!(", ")"), ("-(", ")"), ("{'k': ", "}"), ("string(", ")"), ("", "")];

/// Prints what was tried when the test panics over it.
struct Tried<'a>(&'a str);

impl Drop for Tried<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("tried:\n{:?}", self.0);
        }
    }
}

fn rounds() -> u64 {
    if full() { 1_000_000 } else { 10_000 }
}

fn samples() -> Vec<SampleCall> {
    let sample = |arguments: &str, cost: Option<&str>| {
        let arguments = parse_canonical(arguments).unwrap();
        let mut sample = SampleCall::new(
            "payments.refund".parse().unwrap(),
            arguments,
            "2026-11-20T15:30:00Z".parse().unwrap(),
        );
        sample.cost = cost.map(|cost| cost.parse().unwrap());
        sample
    };
    vec![
        sample("{}", None),
        sample(
            r#"{"cents":1200,"list":[1,2.5,"x",null,{"a":[]}],"text":"12","x":{"y":{"z":true}}}"#,
            Some("79228162514264337593543950335 USD"),
        ),
        sample(r#"{"cents":123456789012345678901234567890,"list":{},"text":"\u0000é"}"#, Some("1 EUR")),
    ]
}

fn ask(rules: &Rules, samples: &[SampleCall]) {
    for sample in samples {
        let explanation = rules.explain(&sample.call());
        assert!(!explanation.to_string().is_empty());
    }
}

fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_files");
    let mut texts: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    texts.sort();
    let example = fs::read_to_string(repo::root().join("examples/approvals.yaml")).unwrap();
    // Files without mistakes get further before they break.
    texts.extend(std::iter::repeat_n(example, 20));
    texts
}

/// A text with some of it changed.
fn mutated(random: &mut Random, corpus: &[String]) -> String {
    let mut text: Vec<char> = random.one(corpus).chars().collect();
    for _ in 0..=random.below(6) {
        let place = |random: &mut Random, text: &[char]| {
            usize::try_from(random.below(u64::try_from(text.len()).unwrap() + 1)).unwrap()
        };
        let (one, other) = (place(random, &text), place(random, &text));
        let (from, until) = (one.min(other), one.max(other).min(one.min(other) + 40));
        match random.below(5) {
            0 => drop(text.drain(from..until)),
            1 => drop(text.splice(from..from, random.one(PIECES).chars().collect::<Vec<_>>())),
            2 => {
                let piece = text[from..until].to_vec();
                drop(text.splice(other..other, piece));
            }
            3 => {
                let donor: Vec<char> = random.one(corpus).chars().collect();
                let at = place(random, &donor);
                drop(text.splice(from..until, donor[at..donor.len().min(at + 60)].to_vec()));
            }
            _ if from < text.len() => text[from] = char::from(u8::try_from(random.below(128)).unwrap()),
            _ => {}
        }
    }
    text.into_iter().collect()
}

#[test]
fn no_file_makes_it_panic() {
    let (random, corpus, samples) = (Random::new(seed("no_file_makes_it_panic")), corpus(), samples());
    let (mut good, mut bad) = (0_u64, 0_u64);
    for round in 0..rounds() {
        let text = mutated(&mut random.part(round), &corpus);
        let tried = Tried(&text);
        match ApprovalsFile::parse("approvals.yaml", &text) {
            Ok(file) => {
                good += 1;
                if let Some(rules) = &file.policy {
                    ask(rules, &samples);
                }
            }
            Err(mistakes) => {
                bad += 1;
                assert!(!mistakes.mistakes.is_empty() && mistakes.to_string().contains("approvals.yaml"));
            }
        }
        drop(tried);
    }
    assert!(good > rounds() / 200 && bad > rounds() / 2, "{good} good and {bad} bad files try too little");
}

/// A condition that may make sense.
fn condition(random: &mut Random, depth: u32) -> String {
    if depth == 0 || random.chance(25) {
        return (*random.one(WORDS)).to_owned();
    }
    let (open, close) = random.one(BRACKETS);
    let left = condition(random, depth - 1);
    let right = condition(random, depth - 1);
    format!("{open}{left}{}{right}{close}", random.one(SIGNS))
}

#[test]
fn no_condition_makes_it_panic() {
    let (random, samples) = (Random::new(seed("no_condition_makes_it_panic")), samples());
    let mut accepted = 0_u64;
    for round in 0..rounds() {
        let mut random = random.part(round);
        let depth = u32::try_from(random.below(5)).unwrap();
        let mut condition = condition(&mut random, depth);
        if random.chance(20) {
            let at =
                condition.char_indices().map(|(at, _)| at).nth(usize::try_from(random.below(20)).unwrap());
            let piece: &str = random.one::<&str>(PIECES);
            condition.insert_str(at.unwrap_or(0), piece);
        }
        let quoted = serde_json::to_string(&condition).unwrap();
        let text = format!("policy: {{rules: [{{name: r, when: {quoted}, allow: true}}]}}\n");
        let tried = Tried(&text);
        if let Ok(file) = ApprovalsFile::parse("approvals.yaml", &text) {
            accepted += 1;
            ask(file.policy.as_ref().unwrap(), &samples);
        }
        drop(tried);
    }
    assert!(accepted > rounds() / 50, "{accepted} conditions try too little");
}
