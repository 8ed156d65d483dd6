use serde_json::json;

use crate::{
    clock::Span,
    file::ApprovalsFile,
    model::{DelegationRule, Gate, OnTimeout, Principal, Requirement, Risk},
    policy::{
        Ruling, Verdict,
        tests::{TestCall, rules},
    },
};

const ANN: &str = "user:ann@example.com";
const FINANCE: &str = "group:finance";

fn call() -> TestCall {
    TestCall::new("payments.refund", &json!({"cents": 1200}))
}

fn people(of: &[&str]) -> Vec<Principal> {
    of.iter().map(|text| Principal::new(text).unwrap()).collect()
}

fn needs(gate: &Gate) -> Vec<(u32, Vec<&str>)> {
    gate.requirements.iter().map(|r| (r.count, r.of.iter().map(Principal::as_str).collect())).collect()
}

#[test]
fn the_first_rule_that_matches_counts() {
    let rules = rules(
        "rules:
  - {name: other, action: mail.send, deny: never}
  - {name: dear, when: args.cents > 5000, deny: too dear}
  - {name: refunds, action: payments.*, when: args.cents > 0, allow: true}
  - {name: late, action: payments.refund, deny: never}",
    );
    assert_eq!(call().told(&rules), "allow: refunds");
    assert_eq!(TestCall::new("mail.send", &json!({})).told(&rules), "deny: other");
    assert_eq!(TestCall::new("payments.pay", &json!({"cents": 9000})).told(&rules), "deny: dear");
    assert_eq!(TestCall::new("db.drop", &json!({"cents": 1})).told(&rules), "ask: defaults");
}

#[test]
fn where_no_rule_matches_the_defaults_count() {
    for (outcome, expected) in [("allow", "allow"), ("ask", "ask"), ("deny", "deny")] {
        let rules = rules(&format!("defaults: {{outcome: {outcome}}}"));
        assert_eq!(call().told(&rules), format!("{expected}: defaults"));
    }
    assert_eq!(call().told(&rules("rules: []")), "ask: defaults");
}

#[test]
fn a_rule_that_errs_counts_as_the_stricter_of_ask_and_its_own_outcome() {
    for (outcome, expected) in [
        ("allow: true", "ask"),
        ("notify: group:ops", "ask"),
        ("ask: group:finance", "ask"),
        ("deny: never", "deny"),
    ] {
        let rules = rules(&format!(
            "rules:\n  - {{name: broken, when: args.missing > 1, {outcome}}}\n  - {{name: next, allow: true}}"
        ));
        assert_eq!(call().told(&rules), format!("{expected}: broken"));
        if outcome.starts_with("notify") {
            assert_eq!(&*call().gate_of(&rules).inform, people(&["group:ops"]));
        }
        let explanation = rules.explain(&call().call());
        assert_eq!(explanation.looked.last().map(|looked| looked.verdict), Some(Verdict::Failed));
        assert!(explanation.why.contains("there is no `missing`"), "{}", explanation.why);
    }
    // What might have run is put to those whom the next rule asks, and to nobody easier.
    for (then, asked) in [
        ("when: args.cents > 1, ask: group:finance", vec![(1, vec![FINANCE])]),
        ("when: args.missing > 2, ask: group:finance", vec![(1, vec![FINANCE])]),
        ("when: args.cents > 1, allow: true", vec![]),
        ("shadow: true, when: args.cents > 1, ask: group:ops", vec![(1, vec!["group:last"])]),
        ("when: args.missing > 2, allow: true", vec![(1, vec!["group:last"])]),
        ("action: mail.send, ask: group:ops", vec![(1, vec!["group:last"])]),
    ] {
        let rules = rules(&format!(
            "rules:\n  - {{name: broken, when: args.missing > 1, allow: true}}\n  - {{name: next, {then}}}\n  - {{name: last, when: risk <= 'high', ask: group:last}}"
        ));
        assert_eq!(call().told(&rules), "ask: broken");
        assert_eq!(needs(&call().gate_of(&rules)), asked, "{then}");
    }
    // Relaxing is not for what could not be evaluated.
    let rules =
        rules("rules:\n  - {name: broken, when: args.missing > 1, ask: {timeout: 3h}, may_relax: true}");
    let call = call().approvers(&[ANN]).saying_all();
    assert_eq!(call.gate_of(&rules).timeout, Some(Span::from_hours(1)));
}

#[test]
fn what_the_action_says_can_only_be_tightened() {
    let rules = rules(
        "rules:
  - name: strict
    action: payments.*
    ask: {require: [{count: 2, of: [group:finance]}], timeout: 2h, on_timeout: escalate, veto: 2, grant_ttl: 1h,
          excluded: user:eve@example.com, escalate: {after: 1h, to: group:oncall}, delegation: forbidden}",
    );
    let call = call().approvers(&[ANN]).saying_all();
    let gate = call.gate_of(&rules);
    assert_eq!(needs(&gate), [(1, vec![ANN]), (2, vec![FINANCE])]);
    assert_eq!(gate.timeout, Some(Span::from_hours(1)), "the shorter one");
    assert_eq!(gate.on_timeout, OnTimeout::Reject, "the stricter one");
    assert_eq!(gate.veto, 1);
    assert_eq!(gate.grant_ttl, Span::from_mins(15));
    assert_eq!(gate.excluded, people(&["user:eve@example.com"]));
    assert_eq!(gate.delegation, DelegationRule::Forbidden);
    assert_eq!(gate.escalation[0].requirement, 1, "only the requirement of the rule is widened");
    assert_eq!(&*gate.rule, "strict");
}

#[test]
fn what_the_action_leaves_unsaid_is_as_the_rule_says() {
    let rules = rules(
        "rules:
  - name: slow
    action: payments.*
    ask: {approvers: group:finance, timeout: 24h, on_timeout: escalate, veto: 2, grant_ttl: 1h,
          escalate: {after: 1h, to: group:oncall}}",
    );
    let gate = call().gate_of(&rules);
    assert_eq!(gate.timeout, Some(Span::from_hours(24)));
    assert_eq!(gate.on_timeout, OnTimeout::Escalate);
    assert_eq!((gate.veto, gate.grant_ttl), (2, Span::from_hours(1)));
    assert_eq!(needs(&gate), [(1, vec![FINANCE])]);
}

#[test]
fn default_delegation_gives_way_to_the_rule() {
    let rules = rules("rules: [{name: asks, ask: {approvers: group:finance, delegation: group:deputies}}]");
    let to = DelegationRule::To(people(&["group:deputies"]));
    assert_eq!(call().gate_of(&rules).delegation, to);
    assert_eq!(call().saying_all().gate_of(&rules).delegation, DelegationRule::Directory, "set explicitly");
}

#[test]
fn what_neither_says_is_as_ever() {
    let gate = call().gate_of(&rules("rules: [{name: asks, ask: group:finance}]"));
    let expected = Gate::new("asks", vec![Requirement::any_of(people(&[FINANCE]))]);
    assert_eq!(gate, expected);
}

#[test]
fn may_relax_lets_the_rule_count_instead() {
    let rules = rules(
        "rules:
  - {name: free, action: mail.send, allow: true, may_relax: true}
  - {name: told, action: mail.digest, notify: group:ops, may_relax: true}
  - name: loose
    action: payments.*
    may_relax: true
    ask: {approvers: group:support, timeout: never, veto: 3, allow_self_approval: true}",
    );
    let call = call().approvers(&[ANN]).saying_all();
    let gate = call.gate_of(&rules);
    assert_eq!(needs(&gate), [(1, vec!["group:support"])]);
    assert_eq!((gate.timeout, gate.veto, gate.allow_self_approval), (None, 3, Some(true)));
    let free = TestCall::new("mail.send", &json!({})).approvers(&[ANN]);
    assert_eq!(free.ruling(&rules), Ruling::allow().named("free"));
    let told = TestCall::new("mail.digest", &json!({})).approvers(&[ANN]);
    assert_eq!(told.ruling(&rules), Ruling::notify(people(&["group:ops"])).named("told"));
}

#[test]
fn an_action_that_names_its_approvers_asks_them_though_a_rule_would_allow_it() {
    let rules = rules("defaults: {outcome: allow}\nrules: [{name: tell, action: mail.*, notify: group:ops}]");
    assert_eq!(call().ruling(&rules), Ruling::allow().named("defaults"));
    let gate = call().approvers(&[ANN]).gate_of(&rules);
    assert_eq!(needs(&gate), [(1, vec![ANN])]);
    let mail = TestCall::new("mail.send", &json!({}));
    assert_eq!(mail.told(&rules), "notify: tell");
    let asked = mail.approvers(&[ANN]);
    assert_eq!(asked.told(&rules), "ask: tell");
    assert_eq!(&*asked.gate_of(&rules).inform, people(&["group:ops"]), "and has them told all the same");
    let why = rules.explain(&call().approvers(&[ANN]).call()).why;
    assert!(why.contains("names its approvers itself"), "{why}");
}

#[test]
fn default_approvers_are_for_actions_that_nobody_is_named_for() {
    let rules = rules(
        "defaults: {approvers: group:ops, timeout: 30m}
rules:
  - {name: finance, action: payments.*, ask: group:finance}
  - {name: rest, ask: true}",
    );
    assert_eq!(needs(&call().gate_of(&rules)), [(1, vec![FINANCE])]);
    let drop = TestCall::new("db.drop", &json!({}));
    assert_eq!(needs(&drop.gate_of(&rules)), [(1, vec!["group:ops"])]);
    assert_eq!(drop.gate_of(&rules).timeout, Some(Span::from_mins(30)));
    assert_eq!(needs(&drop.approvers(&[ANN]).gate_of(&rules)), [(1, vec![ANN])]);
}

#[test]
fn a_rule_in_the_shadow_does_nothing_and_is_told() {
    let rules = rules(
        "rules:
  - {name: freeze, action: payments.*, deny: frozen, shadow: true}
  - {name: broken, when: args.missing > 1, allow: true, shadow: true}
  - {name: elsewhere, action: mail.send, deny: no, shadow: true}
  - {name: refunds, action: payments.refund, allow: true}",
    );
    assert_eq!(call().told(&rules), "allow: refunds (shadow: freeze would deny, broken would ask)");
    let verdicts: Vec<Verdict> =
        rules.explain(&call().call()).looked.iter().map(|looked| looked.verdict).collect();
    assert_eq!(verdicts, [Verdict::Shadow, Verdict::Shadow, Verdict::OtherAction, Verdict::Counts]);
}

#[test]
fn approving_on_timeout_is_for_low_risk_alone() {
    let rules = rules("rules: [{name: lax, ask: {approvers: group:finance, on_timeout: approve}}]");
    for risk in Risk::ALL {
        let expected = if *risk <= Risk::Low { OnTimeout::Approve } else { OnTimeout::Reject };
        assert_eq!(call().risk(*risk).gate_of(&rules).on_timeout, expected, "{risk}");
    }
}

#[test]
fn short_forms_stand_for_rules() {
    let rules = rules(
        "required_for: [email.send, db.*]
ttl_seconds: 900
fallback_when_not_approved: stop
cost_threshold_usd: 50
default_approvers: group:ops
defaults: {outcome: allow}",
    );
    let mail = TestCall::new("email.send", &json!({}));
    assert_eq!(mail.told(&rules), "ask: required_for");
    let gate = mail.gate_of(&rules);
    assert_eq!((gate.timeout, gate.on_timeout), (Some(Span::from_mins(15)), OnTimeout::Reject));
    assert_eq!(needs(&gate), [(1, vec!["group:ops"])]);
    assert_eq!(TestCall::new("db.write", &json!({})).told(&rules), "ask: required_for");
    assert_eq!(call().told(&rules), "allow: defaults");
    assert_eq!(call().cost("50 USD").told(&rules), "allow: defaults");
    assert_eq!(call().cost("50.01 USD").told(&rules), "ask: cost_threshold_usd");
    assert_eq!(call().cost("1 EUR").told(&rules), "ask: cost_threshold_usd", "not known to be below");
}

#[test]
fn tiers_say_what_holds_for_each_risk() {
    let rules = rules(
        "risk_tiers: {read_only: allow, read_private: log, write: optional, communicate: ask, destructive: {ask: group:cto}}",
    );
    let told = |risk| call().risk(risk).told(&rules);
    assert_eq!(told(Risk::Minimal), "allow: risk_tiers.read_only");
    assert_eq!(told(Risk::Low), "allow: risk_tiers.read_private");
    assert_eq!(told(Risk::Medium), "allow: risk_tiers.write");
    assert_eq!(told(Risk::High), "ask: risk_tiers.communicate");
    assert_eq!(needs(&call().risk(Risk::Critical).gate_of(&rules)), [(1, vec!["group:cto"])]);
    assert_eq!(call().approvers(&[ANN]).told(&rules), "ask: risk_tiers.write");
}

#[test]
fn autonomy_lets_more_run_with_each_level_but_never_what_is_critical() {
    for (level, free) in [(1, 0), (2, 1), (3, 2), (4, 3), (5, 4)] {
        let rules = rules(&format!("autonomy: {level}"));
        for (place, risk) in Risk::ALL.iter().enumerate() {
            let expected = if place < free { "allow" } else { "ask" };
            assert_eq!(call().risk(*risk).told(&rules), format!("{expected}: autonomy.{level}"), "{risk}");
        }
    }
}

#[test]
fn the_index_finds_what_looking_at_every_rule_finds() {
    let text: Vec<String> = (0..60)
        .map(|n| {
            let about = ["a.*", "a.b", "[a.b, c]", "'*.b'", "c", "a.d"][n % 6];
            format!("  - {{name: r{n}, action: {about}, when: args.n == {}, deny: r{n}}}", n / 2)
        })
        .collect();
    let rules = rules(&format!("rules:\n{}", text.join("\n")));
    for action in ["a.b", "a.c", "a.d", "c", "x.b", "x"] {
        for n in 0..31 {
            let call = TestCall::new(action, &json!({"n": n}));
            let naive = rules.0.rules.iter().find(|rule| {
                let call = call.call();
                let scope = super::super::condition::Scope::new(&call);
                rule.is_about(action) && rule.test.holds(&call, &scope) == Ok(true)
            });
            let (Ruling::Deny { rule, .. } | Ruling::Ask { rule, .. }) = call.ruling(&rules) else {
                panic!()
            };
            assert_eq!(Some(&*rule), naive.map(|rule| &*rule.name), "{action} {n}");
        }
    }
}

#[test]
fn what_may_not_be_meant_is_noted() {
    assert!(rules("required_for: [a.b]").notes()[0].contains("defaults: {outcome: allow}"));
    assert!(rules("required_for: [a.b]\ndefaults: {outcome: ask}").notes().is_empty());
    assert!(rules("required_for: [a.b]\nautonomy: 2").notes().is_empty());
}

#[test]
fn a_rule_forbids_self_approval_at_every_risk_and_a_silent_one_changes_nothing() {
    let rules = rules(
        "rules:
  - {name: strict, action: payments.*, ask: {approvers: group:support, allow_self_approval: false}}
  - name: relaxed
    action: mail.*
    may_relax: true
    ask: {approvers: group:support, allow_self_approval: false}
  - {name: silent, action: files.*, ask: {approvers: group:support}}",
    );
    assert_eq!(call().gate_of(&rules).allow_self_approval, Some(false));
    assert_eq!(TestCall::new("mail.send", &json!({})).gate_of(&rules).allow_self_approval, Some(false));
    assert_eq!(TestCall::new("files.read", &json!({})).gate_of(&rules).allow_self_approval, None);
}

#[test]
fn thresholds_compare_the_amount_without_its_sign() {
    for rule in [
        "rules: [{name: small, when: cost_usd <= 50, allow: true}]",
        "rules: [{name: small, when: 50 >= cost_usd, allow: true}]",
        "rules: [{name: small, when: cost_usd + spent_usd < 100.5, allow: true}]",
        "rules: [{name: small, when: cost_usd == null || !(cost_usd > 50), allow: true}]",
        "cost_threshold_usd: 50\ndefaults: {outcome: allow}",
    ] {
        let rules = rules(rule);
        let outcome = |cost: &str| {
            let mut call = call().cost(cost);
            call.0.spent_usd = Some(0.into());
            call.told(&rules).split(':').next().unwrap().to_owned()
        };
        assert_eq!(outcome("50 USD"), "allow", "{rule}");
        assert_eq!(outcome("-50 USD"), "allow", "{rule}");
        assert_eq!(outcome("-100000 USD"), "ask", "{rule}");
        assert_eq!(outcome("100000 USD"), "ask", "{rule}");
    }
    let below_zero = rules("rules: [{name: credit, when: cost_usd < 0, allow: true}]");
    assert_eq!(call().cost("-5 USD").told(&below_zero), "ask: defaults");
}

#[test]
fn a_rule_that_denies_because_its_condition_failed_says_so() {
    for when in ["args.missing > 1", "args.note > 1", "cost_usd > 5", "args.huge > 5"] {
        let rules =
            rules(&format!("rules: [{{name: dear, when: {when}, deny: more than 1000 is never paid}}]"));
        let arguments = crate::model::canonical::parse_canonical(r#"{"huge":1e300,"note":"x"}"#).unwrap();
        let mut call = call();
        call.0.arguments = arguments;
        let Ruling::Deny { rule, reason } = call.ruling(&rules) else { panic!("{when}: it is denied") };
        assert_eq!(&*rule, "dear");
        assert!(
            reason.contains("could not be evaluated") && !reason.contains("more than 1000"),
            "{when}: {reason}"
        );
        assert!(rules.explain(&call.call()).people[0].contains("could not be evaluated"));
    }
    let rules = rules("rules: [{name: dear, when: args.cents > 1000, deny: more than 1000 is never paid}]");
    let Ruling::Deny { reason, .. } = call().ruling(&rules) else { panic!("it is denied") };
    assert_eq!(&*reason, "more than 1000 is never paid");
}

#[test]
fn a_condition_that_looks_at_a_secret_leads_to_the_stricter_outcome() {
    let key = crate::model::canonical::DigestKey::new("key", [7; 32]).unwrap();
    let bound = crate::model::canonical::redact(
        &crate::model::canonical::to_canonical(&json!({"token": "abc", "cents": 5})).unwrap(),
        &["token".parse().unwrap()],
        &key,
    );
    let mut secret = call();
    secret.0.arguments = bound.unwrap().bound;
    for when in [
        "args.all(k, args[k] != 'root')",
        "args['to' + 'ken'] != 'root' || true",
        "size(args['to' + 'ken']) == 1",
    ] {
        let outcome = |outcome: &str| {
            secret.told(&rules(&format!(
                "rules: [{{name: r, when: \"{when}\", {outcome}}}]\ndefaults: {{outcome: allow}}"
            )))
        };
        assert_eq!(outcome("allow: true"), "ask: r", "{when}");
        assert_eq!(outcome("deny: no"), "deny: r", "{when}");
    }
}

/// A file of some hundred kilobytes, in one line.
fn one_line(part: impl Fn(usize) -> String) -> String {
    let parts: Vec<String> = (0..10_000).map(part).collect();
    parts.join(", ")
}

#[test]
fn a_large_file_with_ten_thousand_mistakes_is_reported_in_bounded_room() {
    for text in [
        format!(
            "policy: {{rules: [{}]}}",
            one_line(|n| format!("{{name: r{n}, when: args.a >, allow: true}}"))
        ),
        format!(
            "policy: {{rules: [{}]}}",
            one_line(|n| format!("{{name: r{n}, when: cost > {n}, allow: true}}"))
        ),
        format!(
            "policy: {{rules: [{}]}}",
            one_line(|n| format!("{{name: r{n}, when: 'action.matches(\"(\")', alow: 1}}"))
        ),
        format!("policy: {{required_for: [{}]}}", one_line(|n| format!("A {n}"))),
        format!("policy: {{default_approvers: [{}]}}", one_line(|n| format!("person {n}"))),
        format!("policy: {{{}}}", one_line(|n| format!("some_key_{n}: x"))),
        format!(
            "directory: {{people: {{{}}}, groups: {{group:a: [{}]}}}}",
            one_line(|n| format!("user:p{n}: {{}}")),
            one_line(|n| format!("user:q{n}")),
        ),
        format!(
            "directory: {{people: {{{}}}}}\npolicy: {{rules: [{}]}}",
            one_line(|n| format!("user:p{n}: {{}}")),
            one_line(|n| format!("{{name: r{n}, action: a.b{n}, ask: user:q{n}}}")),
        ),
    ] {
        let mistakes = ApprovalsFile::parse("f.yaml", &text).map(drop).unwrap_err();
        assert!((1..=100).contains(&mistakes.mistakes.len()) && mistakes.more, "{}", mistakes.mistakes.len());
        let shown = mistakes.to_string();
        assert!(shown.len() < 100_000, "{} bytes about {:.60}", shown.len(), text);
    }
}

#[test]
fn a_large_file_in_one_line_is_read() {
    let rules = one_line(|n| format!("{{name: r{n}, action: a.b{n}, when: args.n > {n}, allow: true}}"));
    let text =
        format!("policy: {{rules: [{rules}, {{name: all, action: a.*, when: args.n < 0, deny: no}}]}}");
    assert!(text.len() > 400_000);
    let file = ApprovalsFile::parse("f.yaml", &text).unwrap();
    let rules = file.policy.unwrap();
    assert_eq!(TestCall::new("a.b9000", &json!({"n": 9001})).told(&rules), "allow: r9000");
    assert_eq!(TestCall::new("a.b9000", &json!({"n": -1})).told(&rules), "deny: all");
}

#[test]
fn patterns_of_a_file_are_bounded_together() {
    let rule =
        |n: usize| format!("{{name: r{n}, when: 'action.matches(\"[a-z]{{1,900}}{n}\")', allow: true}}");
    let rules = |count: usize| (0..count).map(rule).collect::<Vec<_>>().join(", ");
    let read =
        |count: usize| ApprovalsFile::parse("f.yaml", &format!("policy: {{rules: [{}]}}", rules(count)));
    assert!(read(20).is_ok());
    let mistakes = read(3000).map(drop).unwrap_err().to_string();
    assert!(mistakes.contains("more than 32 MB for its patterns"), "{mistakes}");
}

/// What is empty or said twice means nothing that could be guessed.
#[test]
fn settings_that_say_nothing_or_two_things_are_mistakes() {
    for (text, part) in [
        ("policy: {risk_tiers: {high: {notify: group:ops, deny: never}}}", "says `deny` beside `notify`"),
        ("policy: {risk_tiers: {high: {ask: group:ops, notify: group:ops}}}", "says `notify` beside `ask`"),
        ("policy: {limits: [{name: few, calls: 3, per: []}]}", "limits[0].per: names nothing"),
        (
            "policy: {rules: [{name: a, ask: {approvers: user:a, editable: []}}]}",
            "ask.editable: names no argument",
        ),
        ("policy: {defaults: {reject_options: []}}", "defaults.reject_options: names no option"),
        ("policy: {defaults: {excluded: []}}", "defaults.excluded: names no person"),
        ("policy: {rules: [{name: a, ask: {approvers: []}}]}", "ask.approvers: names no person"),
        ("policy: {rules: [{name: a, action: [], allow: true}]}", "action: names no action"),
    ] {
        let told = ApprovalsFile::parse("f.yaml", text).map(drop).unwrap_err().to_string();
        assert!(told.contains(part), "{text}: {told}");
    }
}
