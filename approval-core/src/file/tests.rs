//! What a file may hold: bounds, each with what is read at it and refused beyond it.

mod paths;
mod source;

use std::fmt::Write as _;

use super::ApprovalsFile;
use crate::yaml::Mistakes;

fn read(text: &str) -> Result<ApprovalsFile, Mistakes> {
    ApprovalsFile::parse("approvals.yaml", text)
}

/// `count` entries, separated by commas.
fn list(count: usize, entry: impl Fn(usize) -> String) -> String {
    (0..count).map(entry).collect::<Vec<_>>().join(", ")
}

fn rule(rest: &str) -> String {
    format!("policy:\n  rules:\n    - {{name: a, {rest}}}\n")
}

fn ask(rest: &str) -> String {
    rule(&format!("ask: {{approvers: user:a, {rest}}}"))
}

/// A directory with a person `user:a` of whom `own` is written, and `rest` beside the people.
fn person(own: &str, rest: &str) -> String {
    format!("directory:\n  people:\n    user:a: {{{own}}}\n    user:b:\n{rest}\n")
}

/// A date, counted from 2000-01-01 in years of 336 days.
fn date(number: usize) -> String {
    format!("{}-{:02}-{:02}", 2000 + number / 336, number / 28 % 12 + 1, number % 28 + 1)
}

/// A minute of the day as a stretch.
fn minute(number: usize) -> String {
    format!("{:02}:{:02}-{:02}:{:02}", number / 60, number % 60, (number + 1) / 60, (number + 1) % 60)
}

/// A bound, the place of what is too much, the file with `LIST` in it, and an entry of that list.
type Bounded = (usize, &'static str, String, fn(usize) -> String);

fn bounded_rules() -> [Bounded; 12] {
    let user = |k: usize| format!("user:u{k}");
    let action = |k: usize| format!("mail.send{k}");
    [
        (1_000, "policy.required_for[1000]", "policy:\n  required_for: [LIST]\n".into(), action),
        (1_000, "policy.rules[0].action[1000]", rule("action: [LIST], allow: true"), action),
        (1_000, "policy.rules[0].ask[1000]", rule("ask: [LIST]"), user),
        (1_000, "policy.rules[0].ask.excluded[1000]", ask("excluded: [LIST]"), user),
        (1_000, "policy.rules[0].notify[1000]", rule("notify: [LIST]"), user),
        (1_000, "policy.rules[0].ask.require[0].of[1000]", rule("ask: {require: [{of: [LIST]}]}"), user),
        (1_000, "policy.rules[0].ask.editable[1000]", ask("editable: [LIST]"), |k| format!("a{k}")),
        (1_000, "policy.limits[1000]", "policy:\n  limits: [LIST]\n".into(), |k| {
            format!("{{name: n{k}, calls: 1}}")
        }),
        (100, "policy.rules[0].ask.require[100]", rule("ask: {require: [LIST]}"), |k| {
            format!("{{of: user:u{k}}}")
        }),
        (100, "policy.rules[0].ask.escalate[100]", ask("escalate: [LIST]"), |k| {
            format!("{{after: {k}s, to: user:u{k}}}")
        }),
        (100, "policy.rules[0].ask.reject_options[100]", ask("reject_options: [LIST]"), |k| {
            format!("{{name: o{k}}}")
        }),
        (
            24,
            "policy.rules[0].ask.run_window.mon[24]",
            ask("run_window: {time_zone: UTC, mon: [LIST]}"),
            minute,
        ),
    ]
}

fn bounded_directories() -> [Bounded; 9] {
    let on_call = |rest: &str| {
        person("", &format!("  on_call:\n    x: {{start: 2026-01-05 09:00, turn: 1d, members: {rest}}}"))
    };
    [
        (
            24,
            "directory.hours.office.mon",
            person("hours: office", "  hours:\n    office: {mon: 'LIST'}"),
            minute,
        ),
        (1_000, "directory.on_call.x.members[1000]", on_call("[LIST]"), |_| "user:a".into()),
        (1_000, "directory.on_call.x.overrides[1000]", on_call("[user:a], overrides: [LIST]"), |k| {
            format!("{{from: {0}, until: {0}, person: user:b}}", date(k))
        }),
        (1_000, "directory.people.user:a.aliases[1000]", person("aliases: [LIST]", ""), |k| {
            format!("user:x{k}")
        }),
        (1_000, "directory.people.user:a.out_of_office[1000]", person("out_of_office: [LIST]", ""), |k| {
            format!("{{from: {0}, until: {0}, stand_in: user:b}}", date(k))
        }),
        (20, "directory.people.user:a.channels[20]", person("channels: [LIST]", ""), |k| format!("c{k}")),
        (20, "directory.people.user:a.quiet_hours[20]", person("quiet_hours: [LIST]", ""), minute),
        (
            20,
            "directory.people.user:a.holidays[20]",
            person("hours: {mon: 09:00-17:00}, holidays: [LIST]", "  holidays:\n    h: [12-25]"),
            |_| "h".into(),
        ),
        (1_000, "directory.holidays.h[1000]", person("", "  holidays:\n    h: [LIST]"), date),
    ]
}

#[test]
fn a_list_is_read_up_to_its_bound_and_one_more_is_a_mistake_at_its_place() {
    for (bound, path, text, entry) in bounded_rules().into_iter().chain(bounded_directories()) {
        let with = |count| text.replace("LIST", &list(count, entry));
        let at = with(bound);
        assert!(read(&at).is_ok(), "{path}: {}", read(&at).unwrap_err());
        let told = read(&with(bound + 1)).unwrap_err().to_string();
        assert!(told.contains(&format!("{path}: ")) && told.contains(&bound.to_string()), "{path}: {told}");
    }
}

/// Rules that name so many actions each, all others than the rules before, and so many patterns.
fn rules_about(rules: usize, names: usize, globs: usize) -> String {
    let mut text = "policy:\n  rules:\n".to_owned();
    for rule in 0..rules {
        let name = |k: usize| if k < globs { format!("r{rule}.g{k}.*") } else { format!("r{rule}.n{k}") };
        writeln!(text, "    - {{name: r{rule}, action: [{}], allow: true}}", list(names, name)).unwrap();
    }
    text
}

#[test]
fn actions_of_all_rules_together_are_bounded() {
    assert!(read(&rules_about(40, 500, 25)).is_ok(), "20,000, of which 1,000 are patterns");
    for text in [rules_about(41, 500, 0), rules_about(41, 100, 25)] {
        let told = read(&text).unwrap_err().to_string();
        assert!(
            told.contains("policy.rules[40]: names, with the rules before it, more than 20000"),
            "{told}"
        );
    }
}

#[test]
fn days_of_all_calendars_together_are_bounded() {
    let calendars = |rows: usize| {
        // Each row has 365 or 366 days.
        let year = |k: usize| format!("{0}-01-01..{0}-12-31", 1000 + k);
        let calendar = |c: usize| format!("    h{c}: [{}]\n", list(rows, year));
        person("", &format!("  holidays:\n{}", (0..10).map(calendar).collect::<String>()))
    };
    assert!(read(&calendars(27)).is_ok());
    let told = read(&calendars(28)).unwrap_err().to_string();
    assert!(
        told.contains("directory.holidays.h9[") && told.contains("more days than all calendars"),
        "{told}"
    );
}

/// Forms that were compared with each other, each with each, are as long as a file can be.
#[test]
fn long_files_are_read() {
    let mut groups = "directory:\n  people:\n    user:a:\n  groups:\n".to_owned();
    for number in 0..20_000 {
        let next = if number < 19_999 { format!("group:g{}", number + 1) } else { "user:a".to_owned() };
        writeln!(groups, "    g{number}: [{next}]").unwrap();
    }
    let mut people = "directory:\n  defaults: {hours: {mon-fri: 09:00-17:00}}\n  people:\n".to_owned();
    for number in 0..12_000 {
        writeln!(people, "    user:p{number}: {{slack: U{number}, roles: r{number}}}").unwrap();
    }
    let mut stand_ins = "directory:\n  people:\n    user:p5000:\n".to_owned();
    for number in 0..5_000 {
        let (from, next) = (date(number), number + 1);
        let absence = format!("{{from: {from}, until: 2900-01-01, stand_in: user:p{next}}}");
        writeln!(stand_ins, "    user:p{number}: {{out_of_office: {absence}}}").unwrap();
    }
    for text in [groups, people] {
        assert!(read(&text).is_ok(), "{}", read(&text).unwrap_err());
    }
    let roster = read(&stand_ins).unwrap().directory.unwrap();
    let (facts, _) = roster.people("2800-01-01T00:00:00Z".parse().unwrap());
    let last = "user:p5000".parse().unwrap();
    assert!(facts.stand_ins.len() == 5_000 && facts.stand_ins.values().all(|by| *by == last));
}

/// Rules of the file, by place, that are reported as never reached, and the rule that hides each.
fn never_reached(text: &str) -> Vec<(usize, String)> {
    let Err(mistakes) = read(text) else { return Vec::new() };
    let told = mistakes.mistakes.iter().map(|one| {
        let rule =
            one.message.strip_prefix("is never reached: the rule `").unwrap_or_else(|| panic!("{one:?}"));
        let number = one.path.trim_start_matches("policy.rules[").trim_end_matches(']').parse().unwrap();
        (number, rule.split_once('`').unwrap().0.to_owned())
    });
    told.collect()
}

#[test]
fn a_rule_is_never_reached_exactly_if_one_before_it_takes_all_its_calls() {
    const ACTIONS: [&str; 6] = ["a.b", "a.c", "b.c", "a.*", "*.c", "*"];
    let mut random = 7_u64;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((random >> 33) % bound).unwrap()
    };
    let mut hidden = 0;
    for _ in 0..300 {
        let rules: Vec<(Vec<&str>, usize)> = (0..6)
            .map(|_| {
                let count = below(4);
                let mut actions: Vec<&str> = (0..count).map(|_| ACTIONS[below(6)]).collect();
                actions.sort_unstable();
                actions.dedup();
                (actions, below(4))
            })
            .collect();
        let mut text = "policy:\n  rules:\n".to_owned();
        for (number, (actions, kind)) in rules.iter().enumerate() {
            let action = if actions.is_empty() {
                String::new()
            } else {
                format!("action: ['{}'], ", actions.join("', '"))
            };
            let kind = ["when: cost_usd > 1, ", "shadow: true, ", "", ""][*kind];
            writeln!(text, "    - {{name: r{number}, {action}{kind}allow: true}}").unwrap();
        }
        let takes = |before: &(Vec<&str>, usize), rule: &(Vec<&str>, usize)| {
            let matches = |name: &str| before.0.iter().any(|pattern| crate::model::is_like(name, pattern));
            before.1 >= 2
                && (before.0.is_empty()
                    || !rule.0.is_empty()
                        && if rule.0.iter().any(|action| action.contains('*')) {
                            rule.0.iter().all(|action| before.0.contains(action))
                        } else {
                            rule.0.iter().all(|name| matches(name))
                        })
        };
        let expected: Vec<(usize, String)> = (0..rules.len())
            .filter_map(|at| {
                let before = (0..at).find(|before| takes(&rules[*before], &rules[at]))?;
                Some((at, format!("r{before}")))
            })
            .collect();
        hidden += expected.len();
        assert_eq!(never_reached(&text), expected, "{text}");
    }
    assert!(hidden > 100, "{hidden}");
}

/// Nothing that YAML can nest or repeat overflows a small stack, or is gone through again and again: half a megabyte each.
#[test]
fn hostile_yaml_is_refused_on_a_small_stack() {
    let texts = || {
        [
            "[", "{", "- ", "? ", "a: ", "!a ", "&a ", "*a ", "\"", "'", "[a, ", "{a: ", "? - ", "- ? ",
            "|\n", "%", "# ",
        ]
        .map(|piece| piece.repeat(500_000 / piece.len()))
        .into_iter()
        .chain([
            (0..1_000).map(|depth| " ".repeat(depth) + "a:\n").collect(),
            "x\n".repeat(250_000),
            format!("\"{}\"", "x\n ".repeat(150_000)),
            format!("'{}'", "\n".repeat(500_000)),
            format!("|\n{}", " x\n".repeat(150_000)),
            format!(">\n{}", "  x\n\n".repeat(100_000)),
            format!("[{}]", "[a], ".repeat(90_000)),
            format!("{{{}}}", "a: {b: c}, ".repeat(40_000)),
            format!("{}: 1", "k".repeat(500_000)),
            format!("policy:{}\n", " ".repeat(500_000)),
            format!("{}policy:\n", "\n".repeat(500_000)),
            format!("policy: {{rules: [{}]}}", "{name: a, when: 'x'}, ".repeat(15_000)),
        ])
    };
    let refused = move || texts().filter(|text| read(text).is_err()).count();
    let refused = std::thread::Builder::new().stack_size(256 * 1024).spawn(refused).unwrap().join().unwrap();
    assert_eq!(refused, 29);
}

/// One mistake in the defaults is one mistake, however many people have them.
#[test]
fn a_mistake_in_the_defaults_leaves_room_for_others() {
    let mut text = "directory:\n  defaults: {hours: offce}\n  people:\n".to_owned();
    for number in 0..150 {
        writeln!(text, "    user:p{number}:").unwrap();
    }
    text.push_str("    user:last: {digest: noon}\n");
    let mistakes = read(&text).unwrap_err();
    let paths: Vec<&str> = mistakes.mistakes.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        (paths, mistakes.more),
        (vec!["directory.defaults.hours", "directory.people.user:last.digest"], false)
    );
}
