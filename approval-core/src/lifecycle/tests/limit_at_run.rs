//! Calls that nobody was asked about are counted at the moment at which they run.

use proptest::prelude::*;

use super::{
    limit::{counted, hourly, money, open_ones, try_take, waiting},
    *,
};
use crate::model::{ActionInfo, Limit, OverLimit, RunLimits, Status, Usage};

/// A call that a rule let run at the beginning of time; it cost 12.50 USD and was counted then.
fn let_run(limit: Limit, usage: &Usage) -> World {
    let told =
        Draft { allowed: true, action: credits(Some("{cents} / 100 USD")), ..draft(gate([need(1, "ann")])) };
    let mut world = World::open(told, People::default());
    world.limits = vec![counted(limit, usage)];
    world
}

/// What a limit counted of calls for 12.50 USD at these seconds.
fn counted_at(limit: &Limit, seconds: &[i64]) -> Usage {
    let mut usage = Usage::default();
    for second in seconds {
        try_take(limit, &mut usage, Some("12.50 USD"), at(*second)).unwrap();
    }
    usage
}

fn budget(text: &str) -> Limit {
    Limit::new("budget").within(Span::from_hours(1)).cost(money(text)).over(OverLimit::Deny)
}

/// End of its stretch in seconds, how many calls, and what they cost.
fn stretches(usage: &Usage) -> Vec<(i64, u64, String)> {
    let of = |stretch: &crate::model::Stretch| {
        (stretch.until.duration_since(at(0)).as_secs(), stretch.calls, stretch.cost.to_string())
    };
    usage.stretches.iter().map(of).collect()
}

#[test]
fn in_the_stretch_in_which_it_was_counted_nothing_is_counted() {
    for limit in [hourly(1), hourly(1).over(OverLimit::Deny), budget("12.50 USD"), budget("20 USD")] {
        let mut world = let_run(limit.clone(), &counted_at(&limit, &[0]));
        assert!(world.consume(59).unwrap().counted.is_empty(), "{limit:?}");
    }
}

#[test]
fn what_was_counted_when_it_was_opened_moves_to_where_it_runs() {
    for limit in [hourly(1), hourly(1).over(OverLimit::Deny)] {
        let mut world = let_run(limit.clone(), &counted_at(&limit, &[0]));
        let counted = world.consume(70).unwrap().counted;
        assert_eq!(stretches(&counted[0].usage), [(120, 1, "0".to_owned())], "{limit:?}");
        assert_eq!((&*counted[0].counter, counted[0].expect), ("limit/1", Some(6)));
    }
    // It takes the room of others neither, nor their shares.
    let two = hourly(2).over(OverLimit::Deny);
    let counted = let_run(two.clone(), &counted_at(&two, &[0, 65])).consume(130).unwrap().counted;
    assert_eq!(stretches(&counted[0].usage), [(120, 1, "0".to_owned()), (180, 1, "0".to_owned())]);
    let both = budget("25 USD");
    let counted = let_run(both.clone(), &counted_at(&both, &[0, 0])).consume(70).unwrap().counted;
    assert_eq!(stretches(&counted[0].usage), [(60, 1, "12.50".to_owned()), (120, 1, "12.50".to_owned())]);
}

#[test]
fn what_has_left_the_window_since_it_was_opened_is_counted_anew() {
    // Before the grant runs out.
    let later = 600;
    for over in [OverLimit::Deny, OverLimit::Ask] {
        let limit = Limit::new("rare").within(Span::from_secs(300)).calls(2).over(over);
        // Another call ran meanwhile: there is room for one more, which is taken.
        let usage = counted_at(&limit, &[0, later - 10]);
        let counted = let_run(limit.clone(), &usage).consume(later).unwrap().counted;
        assert_eq!(counted[0].usage.stretches.iter().map(|stretch| stretch.calls).sum::<u64>(), 2);
        // And none, where two did.
        let usage = counted_at(&limit, &[0, later - 10, later - 10]);
        let mut full = let_run(limit.clone(), &usage);
        let refused = full.consume(later).unwrap_err();
        match over {
            OverLimit::Deny => assert!(matches!(refused, Refusal::LimitReached(_)), "{refused:?}"),
            OverLimit::Ask => {
                assert_eq!(refused, Refusal::PolicyAsks { rule: "rare".into(), again: false });
            }
        }
        assert_eq!(full.state(), Some(ExecutionState::NotStarted));
    }
}

#[test]
fn over_a_limit_that_asks_what_nobody_was_asked_about_is_taken_back() {
    let limit = hourly(1);
    let mut full = let_run(limit.clone(), &counted_at(&limit.clone().calls(9), &[0, 65]));
    let refused = full.consume(70).unwrap_err();
    assert_eq!(refused, Refusal::PolicyAsks { rule: "hourly".into(), again: false });
    let transition = full.operate(Act::Uncover, 71).unwrap();
    assert_eq!((full.request.status, full.state()), (Status::Approved, Some(ExecutionState::Revoked)));
    assert!(told(&transition).iter().any(|event| matches!(
        event,
        EventKind::Revoked { why } if why.contains("the limit 'hourly' has no room for it any more")
    )));
    // Where there is room, or the limit denies, or people were asked, nothing is taken back.
    let room = counted_at(&limit, &[0]);
    assert_eq!(let_run(limit.clone(), &room).operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    let denies = limit.clone().over(OverLimit::Deny);
    let usage = counted_at(&limit.clone().calls(9), &[0, 65]);
    assert_eq!(let_run(denies, &usage).operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    let mut asked = approved();
    asked.limits = vec![counted(limit, &usage)];
    assert_eq!(asked.operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    assert_eq!(asked.consume(71).unwrap().counted.len(), 1, "people may go over it");
}

#[test]
fn what_was_counted_before_does_not_run_over_a_limit_that_denies_less_now() {
    let before = budget("100 USD").calls(9);
    for now in [hourly(1).over(OverLimit::Deny), budget("24.99 USD"), budget("25 EUR")] {
        // Also in the stretch in which it was counted.
        for (other, second) in [(65, 70), (5, 10)] {
            let mut world = let_run(now.clone(), &counted_at(&before, &[0, other]));
            match world.consume(second) {
                Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, now.name),
                other => panic!("{now:?}: {other:?}"),
            }
            assert_eq!(world.state(), Some(ExecutionState::NotStarted));
        }
    }
}

#[test]
fn a_limit_that_counted_only_after_a_call_was_opened_has_no_share_of_it() {
    // The call was opened at the beginning of time; two others were counted by a limit that came later.
    for later in [hourly(2).over(OverLimit::Deny), budget("25 USD"), hourly(2).over(OverLimit::Deny).calls(2)]
    {
        let mut world = let_run(later.clone(), &counted_at(&later, &[60, 65]));
        match world.consume(70) {
            Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, later.name),
            other => panic!("{later:?}: {other:?}"),
        }
        assert_eq!(world.state(), Some(ExecutionState::NotStarted));
        let mut world = let_run(later.clone(), &counted_at(&later, &[60]));
        let counted = world.consume(70).unwrap().counted;
        assert_eq!(counted[0].usage.stretches[0].calls, 2, "{later:?}: there is room for one");
    }
    // Nor one whose stretches are others since: then the call is counted twice rather than not at all.
    let limit = hourly(9).within(Span::from_hours(2));
    let counted = let_run(limit, &counted_at(&hourly(9), &[0])).consume(70).unwrap().counted;
    assert_eq!(counted[0].usage.stretches.iter().map(|stretch| stretch.calls).sum::<u64>(), 2);
}

#[test]
fn limits_on_attempts_and_on_open_requests_are_not_looked_at_again_when_it_runs() {
    let before = budget("100 USD").calls(9);
    for now in [hourly(1).over(OverLimit::Deny).attempts(), waiting(1).over(OverLimit::Deny)] {
        let usage = Usage { open: open_ones(3).open, ..counted_at(&before, &[0, 65]) };
        let mut world = let_run(now.clone(), &usage);
        assert!(world.consume(70).unwrap().counted.is_empty(), "{now:?}");
    }
}

/// An idempotent call that nobody was asked about, and that ran and failed at the beginning of time.
fn failed_once(limit: Limit, usage: &Usage) -> World {
    let mut world = let_run(limit, usage);
    world.request.action = Arc::new(ActionInfo { idempotent: true, ..(*world.request.action).clone() });
    world.consume(1).unwrap();
    world.finish(Ending::Failed { why: "no".into(), started: true }, 2).unwrap();
    world
}

#[test]
fn each_run_of_an_idempotent_action_counts() {
    let twice = hourly(2);
    let mut world = failed_once(twice.clone(), &counted_at(&twice, &[0]));
    world.act(&agent(), reopen(), 3).unwrap();
    let counted = world.clone().consume(4).unwrap().counted;
    assert_eq!(stretches(&counted[0].usage), [(60, 2, "0".to_owned())], "in the same stretch, too");
    for over in [OverLimit::Deny, OverLimit::Ask] {
        let once = hourly(1).over(over);
        let mut world = failed_once(once.clone(), &counted_at(&once, &[0]));
        world.act(&agent(), reopen(), 3).unwrap();
        let refused = world.consume(4).unwrap_err();
        match over {
            OverLimit::Deny => assert!(matches!(refused, Refusal::LimitReached(_)), "{refused:?}"),
            OverLimit::Ask => assert_eq!(refused, Refusal::PolicyAsks { rule: "hourly".into(), again: true }),
        }
        assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    }
    assert_eq!(
        (counted_when(&world), counted_when(&let_run(hourly(1), &Usage::default()))),
        (None, Some(at(0)))
    );
    assert_eq!(counted_when(&approved()), None, "what people approved is counted when it runs");
}

fn counted_when(world: &World) -> Option<Timestamp> {
    crate::lifecycle::counted_at(&world.request)
}

#[test]
fn running_it_again_is_another_attempt() {
    let limits = RunLimits { max_tool_calls: Some(2), max_usd: Some(20.into()), ..RunLimits::default() };
    let attempts: Vec<Limit> = limits.on_calls().collect();
    let usage = |calls| counted_at(&attempts[0], &vec![0; calls]);
    let again = |limit: &Limit, usage: &Usage| {
        let mut world = failed_once(hourly(9), &Usage::default());
        world.limits = vec![counted(limit.clone(), usage)];
        world.act(&agent(), reopen(), 3)
    };
    let counted = again(&attempts[0], &usage(1)).unwrap().counted;
    assert_eq!(counted[0].usage.stretches[0].calls, 2);
    for (limit, usage) in [(&attempts[0], usage(2)), (&attempts[1], counted_at(&attempts[1], &[0]))] {
        match again(limit, &usage) {
            Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, limit.name),
            other => panic!("{other:?}"),
        }
    }
    // Limits on calls that run are looked at when it runs.
    assert!(again(&hourly(1), &usage(1)).unwrap().counted.is_empty());
}

#[test]
fn an_answer_is_fresh_for_a_second_by_a_clock_that_went_on() {
    let fresh = |asked: i64, now: i64| is_fresh(at(asked), at(now));
    assert!(fresh(5, 5));
    assert!(is_fresh(at(5), at(6) - Span::from_micros(1)));
    assert!(!fresh(5, 6) && !fresh(5, 4) && !fresh(5, 600));
}

proptest! {
    /// However calls are opened and run, no window of the limit's length holds more runs, or a higher cost of them, than the
    /// limit says; and what runs at once after it was opened is never refused.
    #[test]
    fn no_window_holds_more_runs_than_the_limit(
        steps in prop::collection::vec((0_i64..400_000, prop::option::of(0_usize..8), 0_u32..50), 1..120),
        calls in 1_u32..6, cents in 1_u32..100, window in 1_i64..1000,
    ) {
        let limit = Limit::new("n")
            .within(Span::from_millis(window))
            .calls(calls)
            .cost(crate::model::Money::new(rust_decimal::Decimal::new(i64::from(cents), 2), money("1 USD").currency()));
        let (mut usage, mut now) = (Usage::default(), at(0));
        let mut waiting: Vec<(Timestamp, u32)> = Vec::new();
        let mut ran: Vec<(Timestamp, u32)> = Vec::new();
        for (pause, which, cost) in steps {
            now += Span::from_micros(pause);
            let price = |cost: u32| Some(money(&format!("0.{cost:02} USD")));
            match which {
                Some(which) if which < waiting.len() => {
                    let (opened, cost) = waiting.remove(which);
                    let one = counted(limit.clone(), &usage);
                    if let Ok(writes) = take_at_run(&[one], price(cost), Some(opened), now) {
                        if let Some(write) = writes.first() {
                            usage.clone_from(&write.usage);
                        }
                        ran.push((now, cost));
                    } else {
                        prop_assert_ne!(opened, now);
                    }
                }
                _ => {
                    if try_take(&limit, &mut usage, Some(&format!("0.{cost:02} USD")), now).is_ok() {
                        waiting.push((now, cost));
                    }
                }
            }
        }
        for (begin, _) in &ran {
            let inside: Vec<_> =
                ran.iter().filter(|(at, _)| at >= begin && *at < *begin + Span::from_millis(window)).collect();
            prop_assert!(inside.len() <= calls as usize, "{} runs from {begin} on", inside.len());
            let spent: u32 = inside.iter().map(|(_, cost)| cost).sum();
            prop_assert!(spent <= cents, "{spent} cents from {begin} on");
        }
    }
}
