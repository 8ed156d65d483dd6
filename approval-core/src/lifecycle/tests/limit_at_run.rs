//! Calls that nobody was asked about are counted at the moment at which they run.

use proptest::prelude::*;

use rust_decimal::Decimal;

use super::{
    limit::{counted, hourly, money, open_ones, try_take, waiting},
    *,
};
use crate::lifecycle::limit::take_places;
use crate::model::{ActionInfo, Limit, OverLimit, RunLimits, Status, Usage};

/// A call that a rule let run at the beginning of time; it cost 12.50 USD and was counted then.
fn let_run(limit: Limit, usage: &Usage) -> World {
    let told =
        Draft { allowed: true, action: credits(Some("{cents} / 100 USD")), ..draft(gate([need(1, "ann")])) };
    let mut world = World::open(told, People::default());
    world.limits = vec![counted(limit, usage)];
    world
}

/// What a limit counted of calls for 12.50 USD that ran at these seconds.
fn ran_at(limit: &Limit, seconds: &[i64]) -> Usage {
    let mut usage = Usage::default();
    for second in seconds {
        try_take(limit, &mut usage, Some("12.50 USD"), at(*second)).unwrap();
    }
    usage
}

/// The same with a place of the call that was opened at the beginning of time.
fn with_a_place(limit: &Limit, usage: &Usage) -> Usage {
    let one = counted(limit.clone(), usage);
    take_places(&[one], Some(money("12.50 USD")), at(0)).unwrap().remove(0).usage
}

fn budget(text: &str) -> Limit {
    Limit::new("budget").within(Span::from_hours(1)).cost(money(text)).over(OverLimit::Deny)
}

/// End of its stretch in seconds, how many calls ran, and how many may run later.
fn stretches(usage: &Usage) -> Vec<(i64, u64, u64)> {
    let of = |stretch: &crate::model::Stretch| {
        let paid = |calls: u64| Decimal::from(calls) * Decimal::new(1250, 2);
        assert!(stretch.cost.is_zero() || stretch.cost == paid(stretch.calls), "{stretch:?}");
        assert!(stretch.places_cost.is_zero() || stretch.places_cost == paid(stretch.places), "{stretch:?}");
        (stretch.until.duration_since(at(0)).as_secs(), stretch.calls, stretch.places)
    };
    usage.stretches.iter().map(of).collect()
}

#[test]
fn a_call_that_is_opened_without_asking_takes_a_place() {
    let allowed = Draft { allowed: true, ..draft(gate([need(1, "ann")])) };
    let opened = |usage: &Usage| {
        let limits = [counted(hourly(2), usage)];
        create(allowed.clone(), &Facts { limits: &limits, ..facts(&People::default()) }, at(0)).unwrap()
    };
    let first = opened(&Usage::default());
    assert_eq!(
        (first.request.status, stretches(&first.counted[0].usage)),
        (Status::Approved, vec![(60, 0, 1)])
    );
    // Besides one that ran there is room for a place, besides two there is none.
    let second = opened(&ran_at(&hourly(2), &[0]));
    assert_eq!(
        (second.request.status, stretches(&second.counted[0].usage)),
        (Status::Approved, vec![(60, 1, 1)])
    );
    assert_eq!(opened(&second.counted[0].usage).request.status, Status::Pending);
    // A call that is counted as it runs leaves places alone.
    assert!(try_take(&hourly(2), &mut second.counted[0].usage.clone(), None, at(0)).is_err());
}

#[test]
fn a_refusal_tells_how_much_of_it_may_run_later() {
    let again = "; there is room again from 2026-01-01T01:01:00Z on";
    for (limit, why) in [
        (hourly(2), "limit hourly is reached: 1 of 2 calls were made, and 1 may run later"),
        (
            budget("30 USD"),
            "limit budget is reached: 25.00 USD of 30 USD are spent or may be spent by calls that run later, and this call costs \
             12.50 USD",
        ),
    ] {
        let mut usage = with_a_place(&limit, &ran_at(&limit, &[0]));
        assert_eq!(try_take(&limit, &mut usage, Some("12.50 USD"), at(1)), Err(format!("{why}{again}")));
    }
    // What runs needs no room besides places, and hears nothing of them.
    for (limit, why) in [
        (hourly(1), "1 of 1 calls were made"),
        (budget("12.50 USD"), "12.50 USD of 12.50 USD are spent, and this call costs 12.50 USD"),
    ] {
        let usage = with_a_place(&budget("100 USD"), &ran_at(&limit, &[0]));
        let one = counted(limit, &usage);
        let (_, reached) = take_at_run(&[one], Some(money("12.50 USD")), None, at(1)).unwrap_err();
        assert_eq!(reached.why, why);
    }
}

#[test]
fn the_place_moves_to_where_the_call_runs() {
    for limit in [hourly(1), hourly(1).over(OverLimit::Deny), budget("12.50 USD"), budget("20 USD")] {
        for (second, until) in [(59, 60), (70, 120)] {
            let usage = with_a_place(&limit, &Usage::default());
            let counted = let_run(limit.clone(), &usage).consume(second).unwrap().counted;
            assert_eq!(stretches(&counted[0].usage), [(until, 1, 0)], "{limit:?}");
            assert_eq!((&*counted[0].counter, counted[0].expect), ("limit/1", Some(6)));
        }
    }
    // Those of others stay where they are.
    let two = hourly(3).over(OverLimit::Deny);
    let usage = with_a_place(&two, &with_a_place(&two, &ran_at(&two, &[0])));
    let counted = let_run(two, &usage).consume(130).unwrap().counted;
    assert_eq!(stretches(&counted[0].usage), [(60, 1, 1), (180, 1, 0)]);
}

#[test]
fn places_of_calls_that_do_not_run_keep_none_from_running() {
    for limit in [hourly(1), hourly(1).over(OverLimit::Deny), budget("12.50 USD")] {
        // Ours has left the window or was never there, and that of another call has not.
        let usage = with_a_place(&limit, &Usage::default());
        for second in [59, 70] {
            let mut other = let_run(limit.clone(), &usage);
            other.request.created_at = at(45 * 60);
            assert_eq!(
                stretches(&other.consume(second).unwrap().counted[0].usage).len(),
                usize::from(second > 60) + 1
            );
            let mut asked = approved();
            asked.limits = vec![counted(limit.clone(), &usage)];
            asked.consume(second).unwrap();
        }
    }
}

#[test]
fn what_runs_needs_room_besides_what_ran() {
    let later = 600;
    for over in [OverLimit::Deny, OverLimit::Ask] {
        // Its place left the window long before, and the grant lives.
        let limit = Limit::new("rare").within(Span::from_secs(300)).calls(2).over(over);
        let usage = with_a_place(&limit, &Usage::default());
        let one = ran_after(&limit, &usage, &[later - 10]);
        let counted = let_run(limit.clone(), &one).consume(later).unwrap().counted;
        assert_eq!(counted[0].usage.stretches.iter().map(|stretch| stretch.calls).sum::<u64>(), 2);
        let two = ran_after(&limit, &usage, &[later - 10, later - 10]);
        let mut full = let_run(limit.clone(), &two);
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

fn ran_after(limit: &Limit, usage: &Usage, seconds: &[i64]) -> Usage {
    let mut usage = usage.clone();
    for second in seconds {
        try_take(limit, &mut usage, Some("12.50 USD"), at(*second)).unwrap();
    }
    usage
}

#[test]
fn over_a_limit_that_asks_what_nobody_was_asked_about_is_taken_back() {
    let limit = hourly(1);
    let usage = with_a_place(&limit.clone().calls(9), &ran_at(&limit, &[65]));
    let mut full = let_run(limit.clone(), &usage);
    let refused = full.consume(70).unwrap_err();
    assert_eq!(refused, Refusal::PolicyAsks { rule: "hourly".into(), again: false });
    let transition = full.operate(Act::Uncover, 71).unwrap();
    assert_eq!((full.request.status, full.state()), (Status::Approved, Some(ExecutionState::Revoked)));
    assert!(told(&transition).iter().any(|event| matches!(
        event,
        EventKind::Revoked { why } if why.contains("the limit 'hourly' has no room for it any more")
    )));
    // Where there is room, or the limit denies, or people were asked, nothing is taken back.
    let room = with_a_place(&limit, &Usage::default());
    assert_eq!(let_run(limit.clone(), &room).operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    let denies = limit.clone().over(OverLimit::Deny);
    assert_eq!(let_run(denies, &usage).operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    let mut asked = approved();
    asked.limits = vec![counted(limit, &usage)];
    assert_eq!(asked.operate(Act::Uncover, 71).unwrap_err(), Refusal::NothingToDo);
    assert_eq!(asked.consume(71).unwrap().counted.len(), 1, "people may go over it");
}

#[test]
fn what_has_a_place_does_not_run_over_a_limit_that_denies_less_now() {
    let before = budget("100 USD").calls(9);
    for now in [hourly(1).over(OverLimit::Deny), budget("24.99 USD"), budget("25 EUR")] {
        for (other, second) in [(65, 70), (5, 10)] {
            let mut world = let_run(now.clone(), &with_a_place(&before, &ran_at(&before, &[other])));
            match world.consume(second) {
                Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, now.name),
                other => panic!("{now:?}: {other:?}"),
            }
            assert_eq!(world.state(), Some(ExecutionState::NotStarted));
        }
    }
}

#[test]
fn a_call_that_a_limit_did_not_count_takes_no_share_of_another() {
    // The call was opened at the beginning of time; two others ran by a limit that came later, or before it was about it.
    for later in [hourly(2).over(OverLimit::Deny), budget("25 USD")] {
        for seconds in [[60, 65], [0, 0]] {
            let mut world = let_run(later.clone(), &ran_at(&later, &seconds));
            match world.consume(70) {
                Err(Refusal::LimitReached(reached)) => assert_eq!(reached.limit, later.name),
                other => panic!("{later:?}: {other:?}"),
            }
            assert_eq!(world.state(), Some(ExecutionState::NotStarted));
            let mut world = let_run(later.clone(), &ran_at(&later, &seconds[..1]));
            let counted = world.consume(70).unwrap().counted;
            let runs = counted[0].usage.stretches.iter().map(|stretch| stretch.calls).sum::<u64>();
            assert_eq!(runs, 2, "{later:?}: there is room for one");
        }
    }
}

#[test]
fn a_run_is_taken_off_the_counters_that_counted_it_alone() {
    let limit = hourly(1);
    let usage = ran_at(&limit, &[0]);
    let at_run = |counters: &[&str]| {
        let counters = counters.iter().map(|counter| (*counter).into()).collect();
        take_at_run(&[counted(limit.clone(), &usage)], None, Some(&Share::Run(at(0), counters)), at(70))
    };
    let moved = at_run(&["limit/0", "limit/1"]).unwrap();
    assert_eq!(moved[0].usage.stretches.len(), 1);
    for others in [&["limit/0"][..], &[]] {
        assert!(matches!(at_run(others), Err((OverLimit::Ask, _))), "{others:?}");
    }
    // In a stretch that is not there any more, it has none.
    let share = Share::Run(at(300), Arc::new(["limit/1".into()]));
    assert!(take_at_run(&[counted(limit.clone(), &usage)], None, Some(&share), at(370)).is_err());
}

#[test]
fn a_limit_that_gets_a_window_has_room_again() {
    let forever = Limit::new("n").calls(2).over(OverLimit::Deny);
    let window = forever.clone().within(Span::from_hours(1));
    let usage = ran_at(&forever, &[0, 4000]);
    assert_eq!(stretches(&usage), [(4000, 2, 0)], "up to its last call");
    let full = try_take(&window, &mut usage.clone(), None, at(7599)).unwrap_err();
    assert!(full.ends_with("there is room again from 2026-01-01T02:06:40Z on"), "{full}");
    assert_eq!(try_take(&window, &mut usage.clone(), None, at(7600)), Ok(()));
    // As it was stored before, without its last call.
    let mut old = usage;
    old.stretches[0].until = Timestamp::MAX;
    assert!(try_take(&window, &mut old.clone(), None, at(3659)).is_err());
    assert_eq!(try_take(&window, &mut old, None, at(3660)), Ok(()));
    assert_eq!(stretches(&old), [(3720, 1, 0)]);
}

#[test]
fn a_limit_that_loses_its_window_finds_its_places() {
    let window = hourly(9);
    let forever = Limit::new("hourly").calls(9);
    // Several stretches, of which the last holds the place, and the first a run.
    let several = ran_at(&window, &[0, 60, 120]);
    let one = counted(forever.clone(), &several);
    let placed = take_places(&[one], None, at(125)).unwrap().remove(0).usage;
    let run = take_at_run(&[counted(forever, &placed)], None, Some(&Share::Place(at(125))), at(130)).unwrap();
    let last = run[0].usage.stretches.last().unwrap();
    assert_eq!((last.calls, last.places, run[0].usage.stretches.len()), (2, 0, 3));
}

#[test]
fn an_endless_stretch_of_before_ends_with_the_next_call() {
    let forever = Limit::new("n").calls(5);
    let mut usage = ran_at(&forever, &[0]);
    usage.stretches[0].until = Timestamp::MAX;
    try_take(&forever, &mut usage, None, at(5000)).unwrap();
    assert_eq!(stretches(&usage).last().unwrap().0, 5000);
    let window = forever.calls(2).within(Span::from_hours(1));
    assert!(try_take(&window, &mut usage.clone(), None, at(5001)).is_err(), "both may lie in it");
}

#[test]
fn times_finer_than_microseconds_lie_in_one_stretch() {
    let fine = at(3) + jiff::SignedDuration::from_nanos(17);
    let one = counted(hourly(1), &Usage::default());
    let placed = take_places(&[one], None, fine).unwrap().remove(0).usage;
    let run = take_at_run(&[counted(hourly(1), &placed)], None, Some(&Share::Place(at(3))), at(4)).unwrap();
    assert_eq!(stretches(&run[0].usage), [(60, 1, 0)]);
}

#[test]
fn whatever_ends_an_unspent_approval_gives_its_place_back() {
    let limit = hourly(1);
    let mut world = let_run(limit.clone(), &with_a_place(&limit, &Usage::default()));
    world.halts = Halts(vec![halt()]);
    let reason: Text = "stop".into();
    let ends = [
        Act::Revoke { reason: reason.clone() },
        Act::Halt { reason: reason.clone() },
        Act::Supersede { reason },
    ];
    for act in ends {
        assert_eq!(counted_by(&world.request, &act), CountedBy::Place, "{act:?}");
        let transition = world.clone().operate(act.clone(), 5).unwrap();
        let [write] = transition.counted.as_slice() else { panic!("{act:?}: {:?}", transition.counted) };
        assert!(write.usage.stretches.is_empty(), "{act:?}");
    }
    assert_eq!(counted_by(&world.request, &Act::Tick), CountedBy::Place, "its grant may run out");
    let comment = Act::Comment { text: "hm".into() };
    assert_eq!(counted_by(&world.request, &comment), CountedBy::Nothing, "it goes on");
    let asked = approved().request;
    assert_eq!(counted_by(&asked, &Act::Tick), CountedBy::Nothing, "people approved it: it has no place");
}

#[test]
fn a_run_counts_calls_and_another_run_is_an_attempt() {
    let run = RunLimits { max_tool_calls: Some(3), ..RunLimits::default() };
    for world in [let_run(hourly(1), &Usage::default()), approved()] {
        let of = |act: &Act| counted_by(&world.request, act);
        assert_eq!(of(&world.consume_act()), CountedBy::Calls);
        assert_eq!(of(&Act::Uncover), CountedBy::Calls);
        assert_eq!(of(&Act::Reopen { run }), CountedBy::Attempts(run));
        assert_eq!(of(&Act::Cancel { reason: None }), CountedBy::Nothing, "only what is open is cancelled");
    }
}

#[test]
fn only_an_end_goes_on_without_the_counters_after_lost_rounds() {
    let world = let_run(hourly(1), &Usage::default());
    let reason: Text = "stop".into();
    let ends = [
        Act::Revoke { reason: reason.clone() },
        Act::Halt { reason: reason.clone() },
        Act::Supersede { reason },
        Act::Tick,
    ];
    for act in ends {
        let lost: Vec<u32> = (0..10).filter(|n| !ends_without_its_place(&world.request, &act, *n)).collect();
        assert_eq!(lost, [0, 1, 2, 3], "{act:?}");
    }
    let run = RunLimits { max_tool_calls: Some(3), ..RunLimits::default() };
    for act in [world.consume_act(), Act::Uncover, Act::Reopen { run }] {
        assert!(!ends_without_its_place(&world.request, &act, u32::MAX), "it is counted: {act:?}");
    }
}

#[test]
fn a_run_that_does_not_take_place_is_given_back_where_it_was_counted() {
    for limit in [hourly(3), budget("100 USD").calls(3)] {
        let usage = ran_at(&limit, &[0, 0, 70]);
        let given_back = |limit: &Limit, second: i64, counter: &str| {
            let share = Share::Run(at(second), [Text::from(counter)].into());
            let writes = give_back(&[counted(limit.clone(), &usage)], Some(money("12.50 USD")), Some(&share));
            writes.first().map(|write| stretches(&write.usage))
        };
        assert_eq!(given_back(&limit, 59, "limit/1"), Some(vec![(60, 1, 0), (120, 1, 0)]), "{limit:?}");
        assert_eq!(given_back(&limit, 60, "limit/1"), Some(vec![(60, 2, 0)]), "{limit:?}");
        // Neither from where it was not counted, nor by a limit that has another window now, nor an attempt.
        assert_eq!(given_back(&limit, 130, "limit/1"), None);
        assert_eq!(given_back(&limit, 59, "limit/2"), None);
        assert_eq!(given_back(&limit.clone().within(Span::from_secs(300)), 3, "limit/1"), None);
        assert_eq!(given_back(&limit.clone().attempts(), 59, "limit/1"), None);
    }
}

#[test]
fn when_there_is_room_again_is_when_the_call_fits() {
    let room = |limit: &Limit, usage: &Usage, cost: Option<&str>, now: i64| {
        let one = counted(limit.clone(), usage);
        let (_, reached) = take_all(std::iter::once(&one), cost.map(money), at(now)).unwrap_err();
        reached.room_at.map(|at_this| at_this.duration_since(at(0)).as_secs())
    };
    let mut usage = Usage::default();
    for (second, cost) in [(0, "1 USD"), (600, "9 USD")] {
        try_take(&budget("10 USD"), &mut usage, Some(cost), at(second)).unwrap();
    }
    assert_eq!(room(&budget("10 USD"), &usage, Some("1 USD"), 700), Some(3660), "the first has left");
    assert_eq!(room(&budget("10 USD"), &usage, Some("8 USD"), 700), Some(660 + 3600), "both have left");
    assert_eq!(room(&budget("10 USD"), &usage, Some("10.01 USD"), 700), None, "never");
    let many = ran_at(&hourly(5), &[0, 60, 120, 180]);
    assert_eq!(room(&hourly(2), &many, None, 200), Some(3600 + 180), "three have left");
    assert_eq!(room(&hourly(0), &many, None, 200), None, "never");
}

#[test]
fn limits_on_attempts_and_on_open_requests_are_not_looked_at_again_when_it_runs() {
    let before = budget("100 USD").calls(9);
    for now in [hourly(1).over(OverLimit::Deny).attempts(), waiting(1).over(OverLimit::Deny)] {
        let usage = Usage { open: open_ones(3).open, ..ran_at(&before, &[0, 65]) };
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
    let mut world = failed_once(twice.clone(), &with_a_place(&twice, &Usage::default()));
    world.limits = vec![counted(twice.clone(), &with_a_place(&twice, &ran_at(&twice, &[0])))];
    world.act(&agent(), reopen(), 3).unwrap();
    let counted_again = world.clone().consume(4).unwrap().counted;
    assert_eq!(stretches(&counted_again[0].usage), [(60, 2, 1)], "it has no place any more");
    for over in [OverLimit::Deny, OverLimit::Ask] {
        let once = hourly(1).over(over);
        let mut world = failed_once(once.clone(), &with_a_place(&once, &Usage::default()));
        world.limits = vec![counted(once.clone(), &ran_at(&once, &[0]))];
        world.act(&agent(), reopen(), 3).unwrap();
        let refused = world.consume(4).unwrap_err();
        match over {
            OverLimit::Deny => assert!(matches!(refused, Refusal::LimitReached(_)), "{refused:?}"),
            OverLimit::Ask => assert_eq!(refused, Refusal::PolicyAsks { rule: "hourly".into(), again: true }),
        }
        assert_eq!(world.state(), Some(ExecutionState::NotStarted));
    }
    let allowed = let_run(hourly(1), &Usage::default());
    assert_eq!((counted_as(&world.request), counted_as(&allowed.request)), (None, Some(Share::Place(at(0)))));
    assert_eq!(counted_as(&approved().request), None, "what people approved is counted when it runs");
}

#[test]
fn running_it_again_is_another_attempt() {
    let limits = RunLimits { max_tool_calls: Some(2), max_usd: Some(20.into()), ..RunLimits::default() };
    let attempts: Vec<Limit> = limits.on_calls().collect();
    let usage = |calls| ran_at(&attempts[0], &vec![0; calls]);
    let again = |limit: &Limit, usage: &Usage| {
        let mut world = failed_once(hourly(9), &Usage::default());
        world.limits = vec![counted(limit.clone(), usage)];
        world.act(&agent(), reopen(), 3)
    };
    let counted = again(&attempts[0], &usage(1)).unwrap().counted;
    assert_eq!(counted[0].usage.stretches[0].calls, 2);
    for (limit, usage) in [(&attempts[0], usage(2)), (&attempts[1], ran_at(&attempts[1], &[0]))] {
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
            .cost(crate::model::Money::new(Decimal::new(i64::from(cents), 2), money("1 USD").currency()));
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
                    if let Ok(writes) = take_at_run(&[one], price(cost), Some(&Share::Place(opened)), now) {
                        if let Some(write) = writes.first() {
                            usage.clone_from(&write.usage);
                        }
                        ran.push((now, cost));
                    } else {
                        prop_assert_ne!(opened, now);
                    }
                }
                _ => {
                    let one = counted(limit.clone(), &usage);
                    if let Ok(mut writes) = take_places(&[one], price(cost), now) {
                        usage = writes.remove(0).usage;
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
