use super::*;
use crate::model::{Priority, Risk};

fn subject(action: &str, risk: Risk) -> Subject {
    Subject {
        namespace: "default".into(),
        action: action.into(),
        agent: "agent:a".into(),
        risk,
        priority: Priority::Medium,
    }
}

/// The figures of approvals that took so many microseconds, in this order.
fn approvals(times: impl Iterator<Item = u64>) -> Figures {
    let query = StatsQuery::default();
    let mut tally = Tally::new(&query);
    let index = tally.subject(subject("a", Risk::Low)).unwrap();
    for time in times {
        tally.decision(index, End::Approved, time);
    }
    tally.finish().total
}

fn percentiles(times: impl Iterator<Item = u64>) -> Option<[i128; 3]> {
    let found = approvals(times).time_to_decision?;
    Some([found.p50, found.p90, found.p99].map(|span| span.as_micros()))
}

#[test]
fn percentiles_are_nearest_ranks() {
    assert_eq!(percentiles(std::iter::empty()), None);
    assert_eq!(percentiles([7].into_iter()), Some([7, 7, 7]));
    assert_eq!(percentiles([9, 3].into_iter()), Some([3, 9, 9]));
    // The classic example of the nearest rank: 15, 20, 35, 40, 50, of which the median is 35.
    assert_eq!(percentiles([50, 15, 40, 20, 35].into_iter()), Some([35, 50, 50]));
    assert_eq!(percentiles((1..=100).rev()), Some([50, 90, 99]));
    assert_eq!(percentiles(1..=1000), Some([500, 900, 990]));
    assert_eq!(percentiles([5; 40].into_iter()), Some([5, 5, 5]));
    // A year, and what is shorter.
    let year = 365 * 86_400 * 1_000_000;
    assert_eq!(
        percentiles([year, 1, year + 1, 2].into_iter()),
        Some([2, year + 1, year + 1].map(Into::into))
    );
}

#[test]
fn a_group_has_its_own_percentiles_and_only_what_people_decided_is_timed() {
    let query = StatsQuery { by: vec![Dimension::Action, Dimension::Risk], ..StatsQuery::default() };
    let mut tally = Tally::new(&query);
    let subjects = [("a", Risk::Low), ("a", Risk::High), ("b", Risk::Low), ("idle", Risk::Low)]
        .map(|(action, risk)| tally.subject(subject(action, risk)).unwrap());
    for (place, end, after) in [
        (0, End::Approved, 30),
        (1, End::Rejected, 10),
        (2, End::Approved, 20),
        (2, End::Expired, 1),
        (2, End::Unasked, 2),
        (2, End::ApprovedByTimeout, 3),
        (2, End::Cancelled, 4),
    ] {
        tally.decision(subjects[place], end, after);
    }
    tally.pending(subjects[0], 5);
    let Stats { total, by_action, by_risk, by_agent, .. } = tally.finish();
    let median = |figures: &Figures| figures.time_to_decision.map(|times| times.p50.as_micros());
    assert_eq!((total.pending, total.decided(), median(&total)), (5, 7, Some(20)));
    assert_eq!(by_action.keys().map(|name| &**name).collect::<Vec<_>>(), ["a", "b"], "idle has nothing");
    assert_eq!((median(&by_action["a"]), median(&by_action["b"])), (Some(10), Some(20)));
    assert_eq!((by_action["b"].approved, by_action["b"].timeouts(), by_action["b"].decided()), (1, 2, 5));
    assert_eq!((median(&by_risk[&Risk::Low]), median(&by_risk[&Risk::High])), (Some(20), Some(10)));
    assert!(by_agent.is_empty(), "it was not asked for");
}

#[test]
fn numbers_stand_for_what_they_always_stood_for() {
    for (place, end) in End::ALL.iter().enumerate() {
        assert_eq!((usize::from(end.number()), End::of_number(end.number())), (place, Some(*end)));
    }
    for (place, cast) in Cast::ALL.iter().enumerate() {
        assert_eq!((usize::from(cast.number()), Cast::of_number(cast.number())), (place, Some(*cast)));
    }
    assert_eq!(End::of_number(6), None);
}
