//! What people are asked for: what an action says itself, and what a rule sets besides.

use super::*;
use crate::model::{DelegationRule, EscalationStage, OnTimeout, Said};

/// What the action of these tests says.
fn own() -> Gate {
    let stage =
        EscalationStage { requirement: 0, after: Span::from_secs(60), to: users("zoe"), priority: None };
    Gate { escalation: vec![stage], ..gate([need(1, "ann")]) }
}

/// A rule that sets everything, looser than the action.
fn loose() -> Gate {
    Gate {
        timeout: Some(Span::from_hours(2)),
        on_timeout: OnTimeout::Escalate,
        grant_ttl: Span::from_mins(30),
        veto: 3,
        delegation: DelegationRule::To(users("dan")),
        ..Gate::only("rule", Vec::new())
    }
}

/// What is asked for where `said` was set explicitly, and this rule asks besides.
fn asked(said: Said, by: &Gate) -> Gate {
    let by = Arc::new(by.clone());
    let answer = PolicyAnswer::Asks { rule: &by.rule, gate: Some(&by), whole: false };
    Arc::unwrap_or_clone(by_rule(&Arc::new(own()), said, answer))
}

#[test]
fn what_was_not_set_explicitly_gives_way_to_what_a_rule_sets() {
    let (nothing, own) = (Said::default(), Gate { rule: "rule".into(), ..own() });
    let given_way = {
        let Gate { veto, timeout, on_timeout, grant_ttl, delegation, .. } = loose();
        Gate { veto, timeout, on_timeout, grant_ttl, delegation, ..own.clone() }
    };
    assert_eq!(asked(nothing, &loose()), given_way);
    let kept = [
        (Said { timeout: true, ..nothing }, Gate { timeout: own.timeout, ..given_way.clone() }),
        (Said { on_timeout: true, ..nothing }, Gate { on_timeout: own.on_timeout, ..given_way.clone() }),
        (Said { grant_ttl: true, ..nothing }, Gate { grant_ttl: own.grant_ttl, ..given_way.clone() }),
        (Said { veto: true, ..nothing }, Gate { veto: own.veto, ..given_way.clone() }),
        (Said { delegation: true, ..nothing }, Gate { delegation: own.delegation.clone(), ..given_way }),
        (Said::ALL, own.clone()),
    ];
    for (said, expected) in kept {
        assert_eq!(asked(said, &loose()), expected, "{said:?}");
    }
    // What a rule leaves open sets nothing.
    for said in [nothing, Said::ALL] {
        assert_eq!(asked(said, &Gate::only("rule", Vec::new())), own, "{said:?}");
    }
}

#[test]
fn the_rule_of_a_gate_is_the_one_that_asks() {
    let (name, gate, own) = (text("asks"), Arc::new(loose()), Arc::new(own()));
    for (gate, whole) in [(Some(&gate), true), (Some(&gate), false), (None, false)] {
        let asked = by_rule(&own, Said::ALL, PolicyAnswer::Asks { rule: &name, gate, whole });
        assert_eq!(&*asked.rule, "asks", "{gate:?} {whole}");
    }
}

#[test]
fn a_gate_that_nothing_is_added_to_is_not_copied() {
    let own = Arc::new(own());
    for answer in [
        PolicyAnswer::Asks { rule: &own.rule, gate: None, whole: false },
        PolicyAnswer::Runs { rule: &text("runs"), inform: &[], run_windows: &[] },
        PolicyAnswer::Denies { rule: &text("denies"), reason: &text("no") },
    ] {
        assert!(Arc::ptr_eq(&by_rule(&own, Said::ALL, answer), &own), "{answer:?}");
    }
}
